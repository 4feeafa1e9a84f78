/*
 * figures.c
 *	  Times at the sizes that a device is bought for, as rows of a table.
 *
 *	  harness LIBRARY figures [SCALE [FIGURE...]]
 *
 * Graphs are RMAT of SCALE (24): 16 edges drawn for each of 2^SCALE nodes, nodes
 * renamed, duplicates dropped.  They are made once; each figure is then taken by
 * a process of its own, which has a limit, so that one that crashes or hangs
 * costs its row only.  No process that forks has called the driver.
 *
 * Lines that begin with "bar" say how far a figure is from what is wanted of it;
 * the times of the launches of each figure are on standard error.
 *
 * The CPU's engine has two threads, as everywhere in the documentation, and works
 * on the same input except where the row says otherwise: what takes it minutes is
 * measured at scale 20 and compared there, or with a few iterations.
 */
#define _GNU_SOURCE
#include "book.h"
#include "levels.h"
#include "stress.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../src/compute/parallel.h"
#include "../../src/graph/centrality/centrality.h"
#include "../../src/graph/community/community.h"
#include "../../src/graph/community/connected_components.h"
#include "../../src/graph/paths/paths.h"
#include "../../src/graph/patterns/patterns.h"
#include "../../src/risk/correlation/correlation.h"

#define CPU_THREADS 2
#define SMALLER 20				/* scale of what takes the CPU too long */
#define EDGE_FACTOR 16

/* ---- inputs ---- */

typedef struct rmat_edges
{
	int			scale;
	uint32_t   *source;
	uint32_t   *target;
} rmat_edges;

/* Another name for a node, one for each of 2^scale. */
static uint32_t
rename_node(uint64_t v, int scale)
{
	uint64_t	mask = (UINT64_C(1) << scale) - 1;

	for (int i = 0; i < 2; i++)
	{
		v = v * UINT64_C(0x9E3779B97F4A7C15) & mask;
		v ^= v >> (scale + 1) / 2;
	}
	return (uint32_t) v;
}

/* Edges of a chunk: two levels of the recursion for each hash. */
static void
draw_edges(void *arg, int64_t begin, int64_t end, int64_t chunk, int thread)
{
	rmat_edges *e = arg;

	(void) chunk;
	(void) thread;
	for (int64_t i = begin; i < end; i++)
	{
		uint32_t	source = 0;
		uint32_t	target = 0;
		uint64_t	drawn = 0;

		for (int level = 0; level < e->scale; level++)
		{
			uint32_t	r;

			if (level % 2 == 0)
				drawn = rk_hash3(1, i, level);
			r = (uint32_t) (level % 2 == 0 ? drawn >> 32 : drawn);
			source = source << 1 | (r >= (uint32_t) (0.76 * 0x1p32));
			target = target << 1 | ((r >= (uint32_t) (0.57 * 0x1p32) && r < (uint32_t) (0.76 * 0x1p32)) ||
									r >= (uint32_t) (0.95 * 0x1p32));
		}
		e->source[i] = rename_node(source, e->scale);
		e->target[i] = rename_node(target, e->scale);
	}
}

static rk_graph
make_rmat(harness *h, rk_ctx *ctx, int scale, bool directed)
{
	int64_t		count = (int64_t) EDGE_FACTOR << scale;
	rk_graph_options options = {
		.directed = directed, .want_in = directed, .want_out = !directed, .drop_loops = !directed,
		.parallel = RK_EDGES_COLLAPSE
	};
	rmat_edges	e = {scale, NULL, NULL};
	double		began = now();
	rk_graph	g;

	begin_ctx(h, ctx);
	e.source = rk_alloc(ctx, count, sizeof(uint32_t));
	e.target = rk_alloc(ctx, count, sizeof(uint32_t));
	if (e.source == NULL || e.target == NULL)
		must(ctx, RK_ERR_MEMORY);
	must(ctx, rk_parallel_for(ctx, count, 1 << 14, draw_edges, &e));
	must(ctx, rk_graph_build(ctx, &(rk_edges) {
		.nodes = INT64_C(1) << scale, .count = count, .source = e.source, .target = e.target
	}, &options, &g));
	rk_free(ctx, e.source);
	rk_free(ctx, e.target);
	printf("# RMAT %d, %s: %lld nodes, %lld entries, made in %.1f s\n", scale, directed ? "directed" : "undirected",
		   (long long) g.nodes, (long long) g.arcs, now() - began);
	fflush(stdout);
	return g;
}

/* What a figure is about; one that needs no graph has none. */
typedef struct figure_input
{
	int			scale;
	const rk_graph *graph;
} figure_input;

/* ---- rows ---- */

/* cpu_seconds: NAN where it was not measured. */
static void
row(harness *h, const char *what, const char *size, double device_seconds, double cpu_seconds,
	const rk_cuda_usage *usage, const char *remark)
{
	char		cpu[64] = "";
	char		rate[64] = "";

	if (!isnan(cpu_seconds))
		snprintf(cpu, sizeof(cpu), "%.1f | %.1f", 1e3 * cpu_seconds, cpu_seconds / device_seconds);
	else
		snprintf(cpu, sizeof(cpu), " | ");
	if (usage && usage->bytes_moved > 0)
		snprintf(rate, sizeof(rate), "%.0f | %.0f %%", 1e-9 * usage->bytes_moved / device_seconds,
				 100 * usage->bytes_moved / device_seconds / h->constants.memory_rate);
	else
		snprintf(rate, sizeof(rate), " | ");
	printf("| %s | %s | %.3f | %s | %s | %s |\n", what, size, 1e3 * device_seconds, cpu, rate, remark);
	h->passed++;
}

static void
differs(harness *h, const char *what, const char *why)
{
	printf("not ok - figure %s: %s\n", what, why);
	h->failed++;
}

/*
 * Says whether a figure is where this work is meant to come, and by how much it
 * is not.
 */
static void
bar(const char *what, int scale, double value, double wanted, bool at_least)
{
	bool		met = at_least ? value >= wanted : value <= wanted;
	double		by = at_least ? wanted / value : value / wanted;

	printf("bar - %s", met ? "met" : "missed");
	if (!met)
		printf(" by a factor of %.2f", by);
	printf(": %s: %.3g, %s %.3g is wanted%s\n", what, value, at_least ? "at least" : "at most", wanted,
		   scale >= SMALLER ? "" : " (of larger inputs)");
}

static void
graph_size(char *size, size_t capacity, const figure_input *in)
{
	snprintf(size, capacity, "RMAT %d, %.0f M edges", in->scale,
			 1e-6 * (in->graph->directed ? in->graph->arcs : in->graph->arcs / 2));
}

static bool
run_once(harness *h, const char *what, rk_cuda_call *call)
{
	if (h->table->run(h->device, call) == RK_CUDA_OK)
		return true;
	differs(h, what, call->error.message);
	return false;
}

/* The best of some runs, of which the first may have to prepare something. */
static bool
run_best(harness *h, const char *what, rk_cuda_call *call, int runs, double *seconds)
{
	rk_cuda_usage loaded = call->usage;

	*seconds = INFINITY;
	for (int i = 0; i < runs; i++)
	{
		call->usage = loaded;
		if (!run_once(h, what, call))
			return false;
		*seconds = fmin(*seconds, call->usage.kernel_seconds - loaded.kernel_seconds);
	}
	profile(h, what, call);
	call->usage.bytes_moved -= loaded.bytes_moved;
	return true;
}

/* ---- figures ---- */

static void
figure_pagerank(harness *h, const figure_input *in)
{
	const int	few = 2;		/* iterations: what is before them goes away in a difference */
	const int	more = 6;
	const int	many = 20;
	rk_cuda_pagerank_params params = {.damping = 0.85, .tolerance = 0, .max_iterations = few};
	rk_cuda_call call = {.kernel = RK_CUDA_PAGERANK, .params = &params, .params_bytes = sizeof(params)};
	rk_pagerank_params p = {.damping = 0.85, .tolerance = 0, .max_iterations = few};
	const rk_graph *g = in->graph;
	char		size[80];
	char		remark[160];
	/* what no version does without: neighbours, ends of rows, scores read and written, once each */
	double		least = 4.0 * g->arcs + 20.0 * g->nodes;
	double		cpu_seconds;
	double		seconds;
	double		began;
	double		difference;
	double	   *cpu;
	double	   *device;
	rk_run		run;
	rk_ctx		ctx;

	begin_ctx(h, &ctx);
	ctx.threads = CPU_THREADS;
	cpu = rk_alloc(&ctx, g->nodes, sizeof(double));
	device = rk_alloc(&ctx, g->nodes, sizeof(double));
	if (cpu == NULL || device == NULL)
		must(&ctx, RK_ERR_MEMORY);
	call.output[0] = (rk_cuda_output) {device, g->nodes * (int64_t) sizeof(double)};
	call.graph = load(h, "figure pagerank", g, &call.usage);
	if (call.graph == NULL)
		return;
	if (!run_once(h, "pagerank", &call))
		return;
	p.max_iterations = more;
	cpu_seconds = now();
	must(&ctx, rk_graph_pagerank(&ctx, g, &p, cpu, &run));
	cpu_seconds = now() - cpu_seconds;
	p.max_iterations = few;
	began = now();
	must(&ctx, rk_graph_pagerank(&ctx, g, &p, cpu, &run));
	cpu_seconds = (cpu_seconds - (now() - began)) / (more - few);
	difference = largest_difference(cpu, device, g->nodes);
	if (!(difference <= 1e-12) || call.iterations != run.iterations)
	{
		differs(h, "pagerank", "scores are not the CPU's");
		return;
	}
	params.max_iterations = many;
	if (!run_best(h, "pagerank", &call, 3, &seconds))
		return;
	graph_size(size, sizeof(size), in);
	seconds /= many;
	snprintf(remark, sizeof(remark), "with every byte once %.0f %% of a copy; largest difference %.0e; graph sent at %.1f GB/s",
			 100 * least / seconds / h->constants.memory_rate, difference,
			 1e-9 * call.usage.bytes_to / call.usage.transfer_seconds);
	call.usage.bytes_moved /= many;
	row(h, "PageRank, an iteration", size, seconds, cpu_seconds, &call.usage, remark);
	bar("PageRank, share of the copy's rate with every byte once", in->scale, least / seconds / h->constants.memory_rate, 0.6, true);
	bar("PageRank, times faster than the CPU", in->scale, cpu_seconds / seconds, 50, true);
	h->table->free_graph(h->device, call.graph);
	rk_ctx_destroy(&ctx);
}

/* cuSPARSE's product with the matrix of an iteration. */
static void
figure_cusparse(harness *h, const figure_input *in)
{
	const rk_graph *g = in->graph;
	rk_cuda_usage usage = {.bytes_moved = g->arcs * 20 + g->nodes * 16};
	char		size[80];
	double	   *ones;
	double		seconds;

	if (h->peer_spmv == NULL)
	{
		printf("# cuSPARSE is not there\n");
		return;
	}
	ones = malloc(g->arcs * sizeof(double));
	for (int64_t i = 0; ones && i < g->arcs; i++)
		ones[i] = 1;
	seconds = ones ? h->peer_spmv(g->nodes, g->arcs, g->in.offsets, g->in.neighbors, ones, 20) : -1;
	graph_size(size, sizeof(size), in);
	if (seconds > 0)
		row(h, "cuSPARSE's product alone", size, seconds, NAN, &usage, "float8, CSR, algorithm 2");
	else
		printf("# cuSPARSE gave no time\n");
}

static void
figure_components(harness *h, const figure_input *in)
{
	rk_cuda_call call = {.kernel = RK_CUDA_COMPONENTS};
	const rk_graph *g = in->graph;
	rk_components cpu;
	char		size[80];
	char		remark[80];
	uint32_t   *number;
	uint32_t   *root;
	double		cpu_seconds;
	double		seconds;
	bool		equal = true;
	rk_ctx		ctx;

	begin_ctx(h, &ctx);
	ctx.threads = CPU_THREADS;
	number = rk_alloc(&ctx, g->nodes, sizeof(uint32_t));
	root = rk_alloc(&ctx, g->nodes, sizeof(uint32_t));
	if (number == NULL || root == NULL)
		must(&ctx, RK_ERR_MEMORY);
	cpu_seconds = now();
	must(&ctx, rk_graph_weak_components(&ctx, g, number, &cpu));
	cpu_seconds = now() - cpu_seconds;
	call.output[0] = (rk_cuda_output) {root, g->nodes * (int64_t) sizeof(uint32_t)};
	call.graph = load(h, "figure components", g, &call.usage);
	if (call.graph == NULL || !run_best(h, "components", &call, 3, &seconds))
		return;
	for (int64_t v = 0; v < g->nodes; v++)
		equal &= root[v] == cpu.root[number[v]];
	graph_size(size, sizeof(size), in);
	snprintf(remark, sizeof(remark), "%lld components", (long long) cpu.count);
	if (equal)
	{
		row(h, "components, weak", size, seconds, cpu_seconds, &call.usage, remark);
		bar("components, times faster than the CPU", in->scale, cpu_seconds / seconds, 20, true);
	}
	else
		differs(h, "components", "not the CPU's");
	h->table->free_graph(h->device, call.graph);
	rk_ctx_destroy(&ctx);
}

/* At a scale that would take the CPU minutes, the sum over nodes is all that is looked at. */
static void
figure_triangles(harness *h, const figure_input *in)
{
	rk_cuda_call call = {.kernel = RK_CUDA_TRIANGLES};
	const rk_graph *g = in->graph;
	bool		compare = in->scale <= SMALLER;
	rk_triangle_totals totals;
	char		size[80];
	char		remark[80];
	int64_t    *cpu;
	int64_t    *device;
	double	   *clustering;
	double		cpu_seconds = NAN;
	double		seconds;
	int64_t		corners = 0;
	bool		equal = true;
	rk_ctx		ctx;

	begin_ctx(h, &ctx);
	ctx.threads = CPU_THREADS;
	cpu = rk_alloc(&ctx, g->nodes, sizeof(int64_t));
	device = rk_alloc(&ctx, g->nodes, sizeof(int64_t));
	clustering = rk_alloc(&ctx, g->nodes, sizeof(double));
	if (cpu == NULL || device == NULL || clustering == NULL)
		must(&ctx, RK_ERR_MEMORY);
	if (compare)
	{
		cpu_seconds = now();
		must(&ctx, rk_graph_triangle_counts(&ctx, g, cpu, clustering, &totals));
		cpu_seconds = now() - cpu_seconds;
	}
	call.output[0] = (rk_cuda_output) {device, g->nodes * (int64_t) sizeof(int64_t)};
	call.graph = load(h, "figure triangles", g, &call.usage);
	if (call.graph == NULL || !run_best(h, "triangles", &call, 2, &seconds))
		return;
	for (int64_t v = 0; v < g->nodes; v++)
	{
		corners += device[v];
		equal &= !compare || cpu[v] == device[v];
	}
	graph_size(size, sizeof(size), in);
	snprintf(remark, sizeof(remark), "%lld triangles%s", (long long) corners / 3, compare ? "" : "; CPU not run at this size");
	if (equal && corners % 3 == 0)
	{
		row(h, "triangles", size, seconds, cpu_seconds, &call.usage, remark);
		if (compare)
			bar("triangles, times faster than the CPU", in->scale, cpu_seconds / seconds, 20, true);
	}
	else
		differs(h, "triangles", "not the CPU's");
	h->table->free_graph(h->device, call.graph);
	rk_ctx_destroy(&ctx);
}

static void
figure_labels(harness *h, const figure_input *in)
{
	rk_label_params p = {.max_iterations = 5, .seed = 1};
	rk_cuda_label_params params = {p.seed, RK_LABEL_SEMI_SYNCHRONOUS, p.max_iterations};
	rk_cuda_call call = {.kernel = RK_CUDA_LABELS, .params = &params, .params_bytes = sizeof(params)};
	const rk_graph *g = in->graph;
	bool		compare = in->scale <= SMALLER;
	rk_label_result result = {0};
	rk_run		run = {0};
	char		size[80];
	char		remark[80];
	int64_t    *cpu;
	int64_t    *device;
	uint32_t   *label;
	int64_t		communities;
	double		modularity;
	double		cpu_seconds = NAN;
	double		seconds;
	rk_ctx		ctx;

	begin_ctx(h, &ctx);
	ctx.threads = CPU_THREADS;
	cpu = rk_alloc(&ctx, g->nodes, sizeof(int64_t));
	device = rk_alloc(&ctx, g->nodes, sizeof(int64_t));
	label = rk_alloc(&ctx, g->nodes, sizeof(uint32_t));
	if (cpu == NULL || device == NULL || label == NULL)
		must(&ctx, RK_ERR_MEMORY);
	if (compare)
	{
		cpu_seconds = now();
		must(&ctx, rk_graph_label_propagation(&ctx, g, &p, cpu, &result, &run));
		cpu_seconds = now() - cpu_seconds;
	}
	call.output[0] = (rk_cuda_output) {label, g->nodes * (int64_t) sizeof(uint32_t)};
	call.output[1] = (rk_cuda_output) {&modularity, sizeof(double)};
	call.graph = load(h, "figure labels", g, &call.usage);
	if (call.graph == NULL || !run_best(h, "labels", &call, 2, &seconds))
		return;
	must(&ctx, rk_graph_label_end(&ctx, g->nodes, label, NULL, device, &communities));
	graph_size(size, sizeof(size), in);
	snprintf(remark, sizeof(remark), "%d rounds, %lld communities%s", call.iterations, (long long) communities,
			 compare ? "" : "; CPU not run at this size");
	if (!compare || (communities == result.communities && memcmp(cpu, device, g->nodes * sizeof(int64_t)) == 0))
		row(h, "label propagation", size, seconds, cpu_seconds, &call.usage, remark);
	else
		differs(h, "labels", "not the CPU's");
	h->table->free_graph(h->device, call.graph);
	rk_ctx_destroy(&ctx);
}

/* What figures of communities hand on. */
typedef struct levels_figure
{
	harness    *h;
	const figure_input *in;
	const char *what;
} levels_figure;

/* Takes the time; the CPU's levels are not wanted. */
static bool
time_levels(void *arg, const rk_louvain_params *params, rk_louvain_work *w)
{
	const levels_figure *f = arg;
	harness    *h = f->h;
	bool		compare = f->in->scale <= SMALLER;
	device_levels d;
	char		size[80];
	char		remark[160];
	double		cpu_seconds = NAN;
	double		seconds;
	rk_ctx		ctx;

	begin_ctx(h, &ctx);
	ctx.threads = CPU_THREADS;
	if (compare)
	{
		cpu_seconds = now();
		must(&ctx, rk_graph_louvain_levels(&ctx, params, w));
		cpu_seconds = now() - cpu_seconds;
	}
	prepare_levels(&d, params, w, rk_alloc(&ctx, w->room, sizeof(uint32_t)));
	if (d.label == NULL)
		must(&ctx, RK_ERR_MEMORY);
	d.call.graph = load(h, f->what, w->graph, &d.call.usage);
	if (d.call.graph && run_best(h, f->what, &d.call, 2, &seconds))
	{
		graph_size(size, sizeof(size), f->in);
		snprintf(remark, sizeof(remark), "%lld levels, %lld communities, modularity %.3f%s", (long long) d.call.counts[1],
				 (long long) d.count[d.call.counts[1] - 1], d.modularity, compare ? "" : "; CPU not run at this size");
		if (!compare || same_levels(w, &d))
			row(h, f->what, size, seconds, cpu_seconds, &d.call.usage, remark);
		else
			differs(h, f->what, "not the CPU's");
		h->table->free_graph(h->device, d.call.graph);
	}
	rk_ctx_destroy(&ctx);
	w->levels = 0;
	return true;
}

static void
figure_levels_of(harness *h, const figure_input *in, const char *what, rk_community_algorithm algorithm)
{
	levels_figure f = {h, in, what};
	rk_louvain_params p = {
		.resolution = 1, .algorithm = algorithm, .min_gain = 1e-7, .max_iterations = 100, .engine = time_levels,
		.engine_arg = &f
	};
	rk_communities found;
	rk_run		run;
	rk_ctx		ctx;

	begin_ctx(h, &ctx);
	ctx.threads = CPU_THREADS;
	must(&ctx, rk_graph_louvain_community(&ctx, in->graph, &p, &found, &run));
	rk_ctx_destroy(&ctx);
}

static void
figure_louvain(harness *h, const figure_input *in)
{
	figure_levels_of(h, in, "Louvain", RK_COMMUNITY_LOUVAIN);
}

static void
figure_leiden(harness *h, const figure_input *in)
{
	figure_levels_of(h, in, "Leiden", RK_COMMUNITY_LEIDEN);
}

/* Shortest paths from the node with most neighbours. */
static void
figure_paths_of(harness *h, const figure_input *in, const char *what)
{
	rk_shortest_path_params p = {.max_distance = INFINITY};
	rk_cuda_bfs_params hops_params = {.max_hops = INT64_MAX};
	rk_cuda_length_params length_params = {.max_distance = INFINITY};
	const rk_graph *g = in->graph;
	bool		weighted = g->out.weights != NULL;
	rk_cuda_call call = {
		.kernel = weighted ? RK_CUDA_LENGTHS : RK_CUDA_BFS,
		.params = weighted ? (const void *) &length_params : &hops_params,
		.params_bytes = weighted ? sizeof(length_params) : sizeof(hops_params)
	};
	char		size[80];
	char		remark[80];
	double	   *distance;
	double	   *device_distance;
	uint32_t   *predecessor;
	uint32_t   *device_predecessor;
	int64_t    *hops;
	uint32_t   *device_hops;
	double		cpu_seconds;
	double		seconds;
	int64_t		reached = 0;
	int64_t		wrong = 0;
	int			at = 0;
	rk_ctx		ctx;

	begin_ctx(h, &ctx);
	ctx.threads = CPU_THREADS;
	for (int64_t v = 1; v < g->nodes; v++)
		if (rk_degree(&g->out, v) > rk_degree(&g->out, p.source))
			p.source = v;
	hops_params.source = length_params.source = p.source;
	distance = rk_alloc(&ctx, g->nodes, sizeof(double));
	device_distance = rk_alloc(&ctx, g->nodes, sizeof(double));
	predecessor = rk_alloc(&ctx, g->nodes, sizeof(uint32_t));
	device_predecessor = rk_alloc(&ctx, g->nodes, sizeof(uint32_t));
	hops = rk_alloc(&ctx, g->nodes, sizeof(int64_t));
	device_hops = rk_alloc(&ctx, g->nodes, sizeof(uint32_t));
	if (!distance || !device_distance || !predecessor || !device_predecessor || !hops || !device_hops)
		must(&ctx, RK_ERR_MEMORY);
	cpu_seconds = now();
	must(&ctx, rk_graph_shortest_path(&ctx, g, &p, distance, predecessor, hops));
	cpu_seconds = now() - cpu_seconds;
	if (weighted)
		call.output[at++] = (rk_cuda_output) {device_distance, g->nodes * (int64_t) sizeof(double)};
	call.output[at++] = (rk_cuda_output) {device_hops, g->nodes * (int64_t) sizeof(uint32_t)};
	call.output[at] = (rk_cuda_output) {device_predecessor, g->nodes * (int64_t) sizeof(uint32_t)};
	call.graph = load(h, what, g, &call.usage);
	if (call.graph == NULL || !run_best(h, what, &call, 3, &seconds))
		return;
	for (int64_t v = 0; v < g->nodes; v++)
	{
		reached += hops[v] >= 0;
		wrong += (hops[v] < 0 ? UINT32_MAX : (uint32_t) hops[v]) != device_hops[v] ||
			predecessor[v] != device_predecessor[v] || (weighted && distance[v] != device_distance[v]);
	}
	graph_size(size, sizeof(size), in);
	snprintf(remark, sizeof(remark), "%lld reached", (long long) reached);
	if (wrong == 0)
		row(h, what, size, seconds, cpu_seconds, &call.usage, remark);
	else
		differs(h, what, "not the CPU's");
	h->table->free_graph(h->device, call.graph);
	rk_ctx_destroy(&ctx);
}

static void
figure_bfs(harness *h, const figure_input *in)
{
	figure_paths_of(h, in, "breadth-first search");
}

/* A figure of a kernel whose searches an engine makes, and what the two sides took for it. */
typedef struct search_figure
{
	rk_ctx		ctx;
	engine_check e;
	double		cpu_seconds;
	char		size[80];
	char		remark[80];
} search_figure;

static void
begin_searches(harness *h, search_figure *f, const char *what, const figure_input *in)
{
	begin_ctx(h, &f->ctx);
	f->ctx.threads = CPU_THREADS;
	f->e = (engine_check) {.h = h, .what = what, .seconds = INFINITY};
	graph_size(f->size, sizeof(f->size), in);
}

static void
end_searches(harness *h, search_figure *f, bool equal)
{
	/* what went wrong on the device has been said */
	if (f->e.ok && equal)
		row(h, f->e.what, f->size, f->e.seconds, f->cpu_seconds, &f->e.usage, f->remark);
	else if (f->e.ok)
		differs(h, f->e.what, "not the CPU's");
	rk_ctx_destroy(&f->ctx);
}

/* Betweenness of nodes, from some sources or from paths within an error. */
static void
figure_betweenness_of(harness *h, const figure_input *in, const char *what, rk_betweenness_params p)
{
	search_figure f;
	double	   *score[2];
	int64_t		used = 0;
	double		difference;

	begin_searches(h, &f, what, in);
	for (int k = 0; k < 2; k++)
	{
		double		began = now();

		score[k] = rk_alloc(&f.ctx, in->graph->nodes, sizeof(double));
		if (score[k] == NULL)
			must(&f.ctx, RK_ERR_MEMORY);
		must(&f.ctx, rk_graph_betweenness_centrality(&f.ctx, in->graph, &p, score[k], &used));
		f.cpu_seconds = k ? f.cpu_seconds : now() - began;
		p.engine_arg = &f.e;
		p.engine = p.epsilon > 0 ? NULL : search_betweenness;
		p.sampler = p.epsilon > 0 ? sample_paths : NULL;
	}
	difference = largest_relative(score[0], score[1], in->graph->nodes);
	snprintf(f.remark, sizeof(f.remark), "%lld %s; relative difference %.0e", (long long) used,
			 p.epsilon > 0 ? "paths" : "sources", difference);
	end_searches(h, &f, difference <= (p.epsilon > 0 ? 0 : 1e-12));
}

static void
figure_betweenness(harness *h, const figure_input *in)
{
	figure_betweenness_of(h, in, "betweenness", (rk_betweenness_params) {.samples = 32, .seed = 1});
}

static void
figure_path_samples(harness *h, const figure_input *in)
{
	bool		large = in->scale >= 16;

	figure_betweenness_of(h, in, large ? "betweenness within 0.02" : "betweenness within 0.2", (rk_betweenness_params) {
		.epsilon = large ? 0.02 : 0.2, .delta = 0.1, .seed = 1, .normalized = true
	});
}

/* The graph with a length for every edge: 1, 2 or 3. */
static rk_graph
with_lengths(rk_ctx *ctx, const rk_graph *g)
{
	rk_graph	weighted = *g;
	double	   *length = rk_alloc(ctx, g->arcs, sizeof(double));

	if (length == NULL)
		must(ctx, RK_ERR_MEMORY);
	for (int64_t v = 0; v < g->nodes; v++)
		for (int64_t j = g->out.offsets[v]; j < g->out.offsets[v + 1]; j++)
			length[j] = 1 + (v + g->out.neighbors[j]) % 3;
	weighted.out.weights = length;
	weighted.in = weighted.out;
	return weighted;
}

static void
figure_betweenness_by_length(harness *h, const figure_input *in)
{
	rk_ctx		ctx;
	rk_graph	g;

	begin_ctx(h, &ctx);
	g = with_lengths(&ctx, in->graph);
	figure_betweenness_of(h, &(figure_input) {in->scale, &g}, "betweenness by length",
						  (rk_betweenness_params) {.samples = 8, .seed = 1});
	figure_betweenness_of(h, &(figure_input) {in->scale, &g}, "betweenness by length within 0.3",
						  (rk_betweenness_params) {.epsilon = 0.3, .delta = 0.1, .seed = 1, .normalized = true});
	rk_ctx_destroy(&ctx);
}

static void
figure_lengths(harness *h, const figure_input *in)
{
	rk_ctx		ctx;
	rk_graph	g;

	begin_ctx(h, &ctx);
	g = with_lengths(&ctx, in->graph);
	figure_paths_of(h, &(figure_input) {in->scale, &g}, "shortest paths by length");
	rk_ctx_destroy(&ctx);
}

static void
figure_reach(harness *h, const figure_input *in)
{
	search_figure f;
	rk_reach_engine engine = {search_reach, &f.e};
	rk_path_averages a[2];

	begin_searches(h, &f, "average path length", in);
	for (int k = 0; k < 2; k++)
	{
		double		began = now();

		must(&f.ctx, rk_graph_average_path_length_by(&f.ctx, in->graph, 1024, 1, k ? &engine : NULL, &a[k]));
		f.cpu_seconds = k ? f.cpu_seconds : now() - began;
	}
	snprintf(f.remark, sizeof(f.remark), "1024 sources; %.3f", a[1].average);
	end_searches(h, &f, a[0].average == a[1].average && a[0].diameter == a[1].diameter &&
				 a[0].reachable_pairs == a[1].reachable_pairs);
}

/* Distances of some targets of each of some sources. */
static void
figure_path_pairs_of(harness *h, const figure_input *in, const char *what, int64_t sources)
{
	const int64_t each = 20;
	search_figure f;
	rk_path_pairs_params params = {.count = sources * each, .max_distance = INFINITY};
	double		sum[2] = {0, 0};
	int64_t		rows_of[2] = {0, 0};
	uint32_t   *pair[2];

	begin_searches(h, &f, what, in);
	for (int side = 0; side < 2; side++)
	{
		pair[side] = rk_alloc(&f.ctx, params.count, sizeof(uint32_t));
		if (pair[side] == NULL)
			must(&f.ctx, RK_ERR_MEMORY);
		for (int64_t i = 0; i < params.count; i++)
			pair[side][i] = rk_hash2(side, side ? i : i / each) % (uint64_t) in->graph->nodes;
	}
	params.from = pair[0];
	params.to = pair[1];
	for (int k = 0; k < 2; k++)
	{
		double		began = now();
		rk_path_pairs *pairs;
		rk_path_rows rows;

		must(&f.ctx, rk_graph_shortest_path_pairs_begin(&f.ctx, in->graph, &params, &pairs));
		do
		{
			must(&f.ctx, rk_graph_shortest_path_pairs_next(pairs, &rows));
			for (int64_t i = 0; i < rows.count; i++)
				sum[k] += rows.distance[i] * (double) (1 + rows.hops[i]);
			rows_of[k] += rows.count;
		} while (rows.count > 0);
		rk_graph_shortest_path_pairs_end(pairs);
		f.cpu_seconds = k ? f.cpu_seconds : now() - began;
		params.engine = search_path_pairs;
		params.engine_arg = &f.e;
	}
	snprintf(f.remark, sizeof(f.remark), "%lld sources with %lld targets each", (long long) sources, (long long) each);
	end_searches(h, &f, sum[0] == sum[1] && rows_of[0] == rows_of[1]);
}

static void
figure_path_pairs(harness *h, const figure_input *in)
{
	rk_ctx		ctx;
	rk_graph	g;

	figure_path_pairs_of(h, in, "distances of pairs", 256);
	begin_ctx(h, &ctx);
	g = with_lengths(&ctx, in->graph);
	figure_path_pairs_of(h, &(figure_input) {in->scale, &g}, "distances of pairs by length", 16);
	rk_ctx_destroy(&ctx);
}

/* On a graph that leaves the CPU seconds of work. */
static void
figure_similar_pairs(harness *h, const figure_input *in)
{
	figure_input small = {in->scale < 16 ? in->scale : 16, NULL};
	char		size[80];
	double		cpu_seconds;
	double		seconds;
	rk_cuda_usage usage;
	rk_graph	g;
	rk_ctx		ctx;

	g = make_rmat(h, &ctx, small.scale, false);
	ctx.threads = CPU_THREADS;
	small.graph = &g;
	graph_size(size, sizeof(size), &small);
	if (compare_best_pairs(h, &ctx, &g, 1000, &cpu_seconds, &seconds, &usage))
		row(h, "the 1000 most similar pairs, Jaccard", size, seconds, cpu_seconds, &usage, "");
	else
		differs(h, "similar pairs", "not the CPU's");
	rk_ctx_destroy(&ctx);
}

/* Value at risk and the other measures of a book by simulation, from positions to numbers. */
static void
figure_var_of(harness *h, const figure_input *in, const char *name, const char *kind)
{
	const int64_t assets = 100;
	int64_t		simulations = in->scale >= 24 ? 1000000 : (INT64_C(1000000) >> (24 - in->scale)) + 100;
	harness_book b = {.p = {.count = assets}, .s = simulation_of(simulations, kind, 7)};
	rk_cuda_monte_carlo_risk_params params;
	rk_cuda_call call = {.kernel = RK_CUDA_MONTE_CARLO_RISK, .params = &params, .params_bytes = sizeof(params)};
	rk_simulated_sample sample;
	rk_simulated_risk cpu;
	rk_simulated_risk device;
	char		what[80];
	char		size[80];
	char		remark[80];
	double	   *pnl;
	double		cpu_seconds;
	double		seconds;
	double		difference;
	rk_ctx		ctx;

	begin_ctx(h, &ctx);
	ctx.threads = CPU_THREADS;
	make_book(&ctx, &b, strstr(kind, "correlated") != NULL, &call);
	pnl = rk_alloc(&ctx, simulations, sizeof(double));
	if (pnl == NULL)
		must(&ctx, RK_ERR_MEMORY);
	cpu_seconds = now();
	must(&ctx, rk_risk_simulate(&ctx, &b.p, &b.s, pnl));
	must(&ctx, rk_risk_simulated_measures(&ctx, &b.p, &b.s, pnl, &cpu));
	cpu_seconds = now() - cpu_seconds;
	rk_risk_simulated_sample(&b.s, &sample);
	params = (rk_cuda_monte_carlo_risk_params) {b.params, sample.full};
	call.input[6] = (rk_cuda_input) {sample.ranks, sample.count * (int64_t) sizeof(int64_t)};
	call.output[0] = (rk_cuda_output) {sample.value, sample.count * (int64_t) sizeof(double)};
	call.output[1] = (rk_cuda_output) {sample.moments, sizeof(sample.moments)};
	if (!run_best(h, name, &call, 5, &seconds))
		return;
	rk_risk_sample_measures(&b.p, &b.s, &sample, &device);
	difference = largest_relative((const double *) &cpu, (const double *) &device, sizeof(cpu) / sizeof(double));
	snprintf(what, sizeof(what), "value at risk by simulation%s%s", kind[0] ? "," : "", kind);
	snprintf(size, sizeof(size), "%lld scenarios of %lld assets", (long long) simulations, (long long) assets);
	snprintf(remark, sizeof(remark), "relative difference %.0e; %.1f G draws/s", difference,
			 1e-9 * (double) (simulations * assets) / seconds);
	if (difference <= 1e-12)
	{
		row(h, what, size, seconds, cpu_seconds, NULL, remark);
		bar(what, in->scale, cpu_seconds / seconds, 100, true);
	}
	else
		differs(h, name, "measures are not the CPU's");
	rk_ctx_destroy(&ctx);
}

static void
figure_var(harness *h, const figure_input *in)
{
	figure_var_of(h, in, "var", "");
}

static void
figure_var_student(harness *h, const figure_input *in)
{
	figure_var_of(h, in, "var_student", " student");
}

static void
figure_var_sobol(harness *h, const figure_input *in)
{
	figure_var_of(h, in, "var_sobol", " sobol");
}

static void
figure_var_lognormal(harness *h, const figure_input *in)
{
	figure_var_of(h, in, "var_lognormal", " lognormal correlated");
}

/* Exact profits and losses of shocks, added up for each. */
static void
figure_stress(harness *h, const figure_input *in)
{
	int64_t		positions = in->scale >= 24 ? 100000 : (INT64_C(100000) >> (24 - in->scale)) + 100;
	const int64_t shocks = 1000;
	rk_cuda_stress_params params = {.sums = 1};
	rk_cuda_call call = {.kernel = RK_CUDA_STRESS, .params = &params, .params_bytes = sizeof(params)};
	rk_stress_grid grid;
	rk_decimal *cpu;
	rk_decimal *device;
	char		size[80];
	char		remark[80];
	double		cpu_seconds;
	double		seconds;
	rk_ctx		ctx;

	begin_ctx(h, &ctx);
	ctx.threads = CPU_THREADS;
	make_stress(&ctx, 7, positions, 1, shocks, true, &grid, &params, &call);
	cpu = rk_alloc(&ctx, shocks, sizeof(rk_decimal));
	device = rk_alloc(&ctx, shocks, sizeof(rk_decimal));
	if (!cpu || !device)
		must(&ctx, RK_ERR_MEMORY);
	cpu_seconds = now();
	must(&ctx, rk_risk_stress_sums(&ctx, &grid, cpu));
	cpu_seconds = now() - cpu_seconds;
	call.output[0] = (rk_cuda_output) {device, shocks * (int64_t) sizeof(rk_decimal)};
	if (!run_best(h, "stress", &call, 5, &seconds))
		return;
	snprintf(size, sizeof(size), "%lld positions, %lld shocks", (long long) positions, (long long) shocks);
	snprintf(remark, sizeof(remark), "exact; %.1f G rows/s", 1e-9 * (double) grid.rows / seconds);
	if (memcmp(cpu, device, shocks * sizeof(rk_decimal)) == 0)
		row(h, "stress test", size, seconds, cpu_seconds, NULL, remark);
	else
		differs(h, "stress", "not the CPU's");
	rk_ctx_destroy(&ctx);
}

/* Products of all pairs; series of a large portfolio, or of a few. */
static void
figure_correlation_of(harness *h, const char *name, int64_t assets, int64_t times)
{
	int			threads = h->threads;
	correlation_run run;
	char		size[80];
	char		remark[80];
	bool		ok;

	h->threads = CPU_THREADS;
	ok = correlate_on_both(h, name, assets, times, RK_PEARSON, &run);
	h->threads = threads;
	if (!ok)
		return;
	snprintf(size, sizeof(size), "%lld series of %lld", (long long) assets, (long long) times);
	snprintf(remark, sizeof(remark), "difference %.0e; %.1f TFLOP/s", run.worst,
			 1e-12 * (double) (assets * assets * times) / run.device_seconds);
	if (run.worst <= 1e-12 && run.wrong == 0)
		row(h, "correlations", size, run.device_seconds, run.cpu_seconds, &run.usage, remark);
	else
		differs(h, name, "correlations are not the CPU's");
}

static void
figure_correlation(harness *h, const figure_input *in)
{
	figure_correlation_of(h, "correlation", in->scale >= 24 ? 5000 : 140, in->scale >= 24 ? 1000 : 60);
}

static void
figure_correlation_few(harness *h, const figure_input *in)
{
	figure_correlation_of(h, "correlation_few", in->scale >= 24 ? 500 : 40, in->scale >= 24 ? 1000 : 60);
}

static void
figure_ring(harness *h, const figure_input *in)
{
	int			count = in->scale >= 24 ? 200000 : 2000;
	double		bin = 2.5e-7;
	ring_times	t;

	if (!ring_round_trip(h, count, &t))
	{
		differs(h, "ring", t.problem);
		return;
	}
	printf("| ring, a message there and back | %d messages | %.4f | | | | | median; p90 %.1f us, p99 %.1f us, p99.9 %.1f us, largest %.0f us; %.2f M messages/s in batches |\n",
		   count, 1e3 * t.sorted[count / 2], 1e6 * t.sorted[(int) (0.9 * count)], 1e6 * t.sorted[(int) (0.99 * count)],
		   1e6 * t.sorted[(int) (0.999 * count)], 1e6 * t.sorted[count - 1], 1e-6 / t.in_batches);
	printf("# ring, times there and back in us, and how many:");
	for (int i = 0; i < count;)
	{
		int64_t		b = (int64_t) (t.sorted[i] / bin);
		int			begin = i;

		/* a bin of each quarter of a microsecond, and one for the rest */
		while (i < count && (b >= 80 || (int64_t) (t.sorted[i] / bin) == b))
			i++;
		printf(b >= 80 ? " >%.0f: %d" : " %.2f: %d", 1e6 * bin * (b >= 80 ? 80 : b), i - begin);
	}
	printf("\n# ring, a look at the host's memory takes %.2f us: one and a half are the least for a message, two the least on the average\n",
		   1e6 * h->constants.look_seconds);
	bar("ring, there and back, us", in->scale, 1e6 * t.sorted[count / 2], 5, false);
	free(t.sorted);
}

/* ---- the program ---- */

typedef enum figure_graph
{
	GRAPH_NONE,
	GRAPH_DIRECTED,
	GRAPH_SMALLER,				/* undirected, of scale SMALLER at most */
	GRAPH_UNDIRECTED,
	GRAPHS
} figure_graph;

static const struct figure
{
	const char *name;
	figure_graph graph;
	int			seconds;		/* that it may take */
	void		(*take) (harness *h, const figure_input *in);
}			figures[] = {
	{"ring", GRAPH_NONE, 30, figure_ring},
	{"var", GRAPH_NONE, 30, figure_var},
	{"var_student", GRAPH_NONE, 30, figure_var_student},
	{"var_sobol", GRAPH_NONE, 30, figure_var_sobol},
	{"var_lognormal", GRAPH_NONE, 30, figure_var_lognormal},
	{"stress", GRAPH_NONE, 30, figure_stress},
	{"correlation", GRAPH_NONE, 30, figure_correlation},
	{"correlation_few", GRAPH_NONE, 20, figure_correlation_few},
	{"pagerank", GRAPH_DIRECTED, 45, figure_pagerank},
	{"cusparse", GRAPH_DIRECTED, 30, figure_cusparse},
	{"components", GRAPH_SMALLER, 20, figure_components},
	{"triangles", GRAPH_SMALLER, 20, figure_triangles},
	{"bfs", GRAPH_SMALLER, 20, figure_bfs},
	{"lengths", GRAPH_SMALLER, 20, figure_lengths},
	{"labels", GRAPH_SMALLER, 30, figure_labels},
	{"louvain", GRAPH_SMALLER, 30, figure_louvain},
	{"leiden", GRAPH_SMALLER, 45, figure_leiden},
	{"betweenness", GRAPH_SMALLER, 30, figure_betweenness},
	{"betweenness_by_length", GRAPH_SMALLER, 45, figure_betweenness_by_length},
	{"path_samples", GRAPH_SMALLER, 30, figure_path_samples},
	{"reach", GRAPH_SMALLER, 30, figure_reach},
	{"path_pairs", GRAPH_SMALLER, 45, figure_path_pairs},
	{"similar_pairs", GRAPH_NONE, 45, figure_similar_pairs},
	{"components", GRAPH_UNDIRECTED, 45, figure_components},
	{"triangles", GRAPH_UNDIRECTED, 45, figure_triangles},
	{"bfs", GRAPH_UNDIRECTED, 45, figure_bfs},
	{"labels", GRAPH_UNDIRECTED, 45, figure_labels},
	{"louvain", GRAPH_UNDIRECTED, 45, figure_louvain}
};

/* Takes one in a process of its own; what went wrong is printed.  False: something did. */
static bool
take_apart(harness *h, const struct figure *f, const figure_input *in)
{
	double		until = now() + f->seconds;
	int			status = 0;
	pid_t		pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0)
	{
		int			code = open_device(h);

		if (code == 0 && h->device)
			f->take(h, in);
		fflush(stdout);
		/* the driver's own handlers of exit may hang where it has failed */
		_exit(code ? code : h->failed > 0);
	}
	while (pid > 0 && waitpid(pid, &status, WNOHANG) == 0)
	{
		if (now() > until)
		{
			kill(pid, SIGKILL);
			waitpid(pid, &status, 0);
			printf("not ok - figure %s: not over after %d s\n", f->name, f->seconds);
			return false;
		}
		usleep(10000);
	}
	if (pid > 0 && WIFSIGNALED(status))
		printf("not ok - figure %s: ended by signal %d\n", f->name, WTERMSIG(status));
	else if (pid > 0 && WEXITSTATUS(status) > 1)
		printf("not ok - figure %s: status %d\n", f->name, WEXITSTATUS(status));
	return pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static bool
wanted(const char *name, int argc, char **argv)
{
	for (int i = 0; i < argc; i++)
		if (strcmp(argv[i], name) == 0)
			return true;
	return argc == 0;
}

/* Whether there is a figure of that name for a kind of graph. */
static bool
is_taken(const char *name, figure_graph graph)
{
	for (size_t i = 0; i < sizeof(figures) / sizeof(figures[0]); i++)
		if (figures[i].graph == graph && strcmp(figures[i].name, name) == 0)
			return true;
	return false;
}

int
run_figures(harness *h, int scale, int argc, char **argv)
{
	bool		good = true;

	printf("| what | size | device, ms | CPU, 2 threads, ms | times faster | GB/s | of a copy | |\n");
	printf("| --- | --- | --- | --- | --- | --- | --- | --- |\n");
	for (int kind = GRAPH_NONE; kind < GRAPHS; kind++)
	{
		figure_input in = {kind == GRAPH_SMALLER && scale > SMALLER ? SMALLER : scale, NULL};
		rk_graph	g;
		rk_ctx		ctx;

		for (size_t i = 0; i < sizeof(figures) / sizeof(figures[0]); i++)
		{
			if ((int) figures[i].graph != kind || !wanted(figures[i].name, argc, argv))
				continue;
			/* at small scales it is the same */
			if (kind == GRAPH_SMALLER && scale <= SMALLER && is_taken(figures[i].name, GRAPH_UNDIRECTED))
				continue;
			if (kind != GRAPH_NONE && in.graph == NULL)
			{
				g = make_rmat(h, &ctx, in.scale, kind == GRAPH_DIRECTED);
				in.graph = &g;
			}
			good &= take_apart(h, &figures[i], &in);
		}
		if (in.graph)
			rk_ctx_destroy(&ctx);
	}
	return good ? 0 : 1;
}
