/*
 * louvain.c
 *	  Louvain and Leiden with the moves on the device against all of it on the
 *	  CPU: equal.
 */
#include "harness.h"

#include <stdio.h>
#include <string.h>

#include "../../src/graph/community/community.h"

/* With a large one many nodes leave for a community of their own. */
static const double resolutions[] = {1, 0.5, 4};

#define LEVELS 2				/* on the device; the CPU makes those after them */

static const char *const kinds[] = {"", " whole weights", " weights"};

/* What the moves need that the kernel hands out. */
typedef struct engine
{
	harness    *h;
	const char *what;
	bool		failed;
	int			levels;
	double		seconds;
	rk_cuda_usage usage;
} engine;

static bool
make_moves(void *arg, rk_louvain_work *w)
{
	engine	   *e = arg;
	harness    *h = e->h;
	int64_t		n = w->graph->nodes;
	rk_cuda_louvain_params params = {w->penalty, w->total, w->tolerance, w->max_iterations, 0};
	rk_cuda_call call = {
		.kernel = RK_CUDA_LOUVAIN,
		.params = &params,
		.params_bytes = sizeof(params),
		.input = {
			{w->order, n * (int64_t) sizeof(uint32_t)},
			{w->community, n * (int64_t) sizeof(uint32_t)},
			{w->size, n * (int64_t) sizeof(uint32_t)},
			{w->free, w->free_count * (int64_t) sizeof(uint32_t)},
			{w->out, n * (int64_t) sizeof(double)},
			{w->total_out, n * (int64_t) sizeof(double)},
			{w->in, n * (int64_t) sizeof(double)},
			{w->total_in, n * (int64_t) sizeof(double)}
		}
	};
	rk_ctx		ctx;
	double		seconds = 0;
	bool		done = false;

	if (e->failed || e->levels == LEVELS)
		return false;
	begin_ctx(h, &ctx);
	call.output[0].bytes = n * (int64_t) sizeof(uint32_t);
	call.output[0].data = rk_alloc(&ctx, n, sizeof(uint32_t));
	call.graph = load(h, e->what, w->graph, &call.usage);
	if (call.graph)
	{
		done = run_device(h, e->what, &call, &seconds);
		h->table->free_graph(h->device, call.graph);
	}
	if (done)
	{
		memcpy(w->community, call.output[0].data, call.output[0].bytes);
		w->moved = call.counts[0] > 0;
		w->passes = call.iterations;
		w->reached_max = !call.converged;
		w->gain = call.residual;
	}
	e->failed = !done;
	e->levels++;
	e->seconds += seconds;
	e->usage.bytes_to += call.usage.bytes_to;
	e->usage.bytes_from += call.usage.bytes_from;
	e->usage.bytes_moved += call.usage.bytes_moved;
	e->usage.transfer_seconds += call.usage.transfer_seconds;
	e->usage.kernel_seconds += call.usage.kernel_seconds;
	rk_ctx_destroy(&ctx);
	return done;
}

static bool
same_communities(const rk_communities *a, const rk_communities *b, int64_t n)
{
	if (a->levels != b->levels || a->modularity != b->modularity)
		return false;
	for (int i = 0; i < a->levels; i++)
		if (a->count[i] != b->count[i] || memcmp(a->community[i], b->community[i], n * sizeof(uint32_t)) != 0)
			return false;
	return true;
}

static void
check_case(harness *h, const graph_case *c, weight_kind kind, bool directed, bool leiden, int max_iterations)
{
	char		what[80];
	char		difference[48];
	rk_ctx		ctx;
	rk_graph_options options = {
		.directed = directed, .want_in = directed, .want_out = true, .parallel = RK_EDGES_COLLAPSE
	};
	rk_louvain_params p = {
		.resolution = resolutions[kind],
		.algorithm = leiden ? RK_COMMUNITY_LEIDEN : RK_COMMUNITY_LOUVAIN,
		.min_gain = 1e-7,
				.max_iterations = max_iterations,
		.seed = 3
	};
	engine		e = {.h = h, .what = what};
	rk_communities cpu;
	rk_communities device;
	rk_run		cpu_run;
	rk_run		device_run;
	double		cpu_seconds;
	rk_graph	g;

	snprintf(what, sizeof(what), "%s %s%s%s", leiden ? "leiden" : "louvain", c->name, kinds[kind],
			 directed ? " directed" : "");
	begin_ctx(h, &ctx);
	g = make_graph(h, &ctx, c, 17, false, &options);
	if (kind != WITHOUT_WEIGHTS)
	{
		add_weights(&ctx, &g, &g.out, false, kind);
		if (directed)
			add_weights(&ctx, &g, &g.in, true, kind);
		else
			g.in = g.out;
	}
	cpu_seconds = now();
	must(&ctx, rk_graph_louvain_community(&ctx, &g, &p, &cpu, &cpu_run));
	cpu_seconds = now() - cpu_seconds;
	p.engine = make_moves;
	p.engine_arg = &e;
	must(&ctx, rk_graph_louvain_community(&ctx, &g, &p, &device, &device_run));
	if (!e.failed)
	{
		snprintf(difference, sizeof(difference), "%lld of %lld, %d levels", (long long) device.count[device.levels - 1],
				 (long long) g.nodes, e.levels);
		report(h, what, same_communities(&cpu, &device, g.nodes) && device_run.iterations == cpu_run.iterations &&
			   device_run.reached_max == cpu_run.reached_max && device_run.residual == cpu_run.residual,
			   difference, cpu_seconds, e.seconds, &e.usage);
	}
	rk_ctx_destroy(&ctx);
}

/*
 * The moves alone, from communities that were drawn: most nodes want to leave,
 * many of them for a community of their own.
 */
static void
check_start(harness *h, const graph_case *c, double resolution)
{
	char		what[80];
	char		difference[48];
	rk_ctx		ctx;
	rk_graph_options options = {.want_out = true, .parallel = RK_EDGES_COLLAPSE, .drop_loops = true};
	engine		e = {.h = h, .what = what};
	rk_graph	g;
	rk_louvain_work cpu;
	rk_louvain_work device;
	uint32_t   *size;
	uint32_t   *free;
	uint32_t   *order;
	double	   *strength;
	double	   *total;
	double		cpu_seconds;

	snprintf(what, sizeof(what), "louvain moves %s, resolution %g", c->name, resolution);
	begin_ctx(h, &ctx);
	g = make_graph(h, &ctx, c, 18, false, &options);
	size = rk_alloc0(&ctx, g.nodes, sizeof(uint32_t));
	free = rk_alloc(&ctx, g.nodes, sizeof(uint32_t));
	order = rk_alloc(&ctx, g.nodes, sizeof(uint32_t));
	strength = rk_alloc(&ctx, g.nodes, sizeof(double));
	total = rk_alloc0(&ctx, g.nodes, sizeof(double));
	cpu = (rk_louvain_work) {
		.graph = &g, .out = strength, .total_out = total, .size = size, .free = free, .order = order,
		.penalty = resolution / g.arcs, .total = g.arcs / 2.0, .max_iterations = 6
	};
	cpu.community = rk_alloc(&ctx, g.nodes, sizeof(uint32_t));
	for (int64_t v = 0; v < g.nodes; v++)
	{
		uint32_t	community = rk_hash2(7, v) % (g.nodes / 3);

		order[v] = (uint32_t) (g.nodes - 1 - v);
		strength[v] = rk_degree(&g.out, v);
		cpu.community[v] = community;
		size[community]++;
		total[community] += strength[v];
	}
	for (int64_t i = g.nodes - 1; i >= 0; i--)
		if (size[i] == 0)
			free[cpu.free_count++] = (uint32_t) i;
	device = cpu;
	device.community = rk_alloc(&ctx, g.nodes, sizeof(uint32_t));
	memcpy(device.community, cpu.community, g.nodes * sizeof(uint32_t));
	cpu_seconds = now();
	must(&ctx, rk_graph_louvain_moves(&ctx, &cpu));
	cpu_seconds = now() - cpu_seconds;
	if (make_moves(&e, &device))
	{
		snprintf(difference, sizeof(difference), "%d passes", device.passes);
		report(h, what, memcmp(cpu.community, device.community, g.nodes * sizeof(uint32_t)) == 0 &&
			   cpu.moved == device.moved && cpu.passes == device.passes && cpu.reached_max == device.reached_max &&
			   (!cpu.reached_max || cpu.gain == device.gain), difference, cpu_seconds, e.seconds, &e.usage);
	}
	rk_ctx_destroy(&ctx);
}

void
check_louvain(harness *h)
{
	/* batches of the smaller ones are single nodes */
	static const graph_case cases[] = {
		{"random", SHAPE_RANDOM, 50, 120},
		{"skewed", SHAPE_SKEWED, 300, 2500},
		{"hubs", SHAPE_SKEWED, 1500, 20000},
		{"star", SHAPE_STAR, 600, 600},
		{"path", SHAPE_PATH, 150, 149},
		{"cliques", SHAPE_CLIQUES, 48, 720},
		{"loops", SHAPE_LOOPS, 40, 40},
		{"empty", SHAPE_EMPTY, 30, 0},
		{"two nodes", SHAPE_PATH, 2, 1},
		{"dense", SHAPE_RANDOM, 60, 1800}
	};

	static const graph_case starts[] = {
		{"random", SHAPE_RANDOM, 700, 3500},
		{"skewed", SHAPE_SKEWED, 300, 4000}
	};

	for (size_t c = 0; c < sizeof(cases) / sizeof(cases[0]); c++)
		/* the large one takes long where there is no device */
		for (int k = 0; k < (cases[c].nodes > 1000 ? 2 : 4); k++)
			check_case(h, &cases[c], (k + c) % 3, (k + c) & 1, k >= 2, k & 1 ? 2 : 8);
	for (size_t c = 0; c < sizeof(starts) / sizeof(starts[0]); c++)
		for (int k = 0; k < 2; k++)
			check_start(h, &starts[c], k ? 50 : 1.5);
}
