/*
 * betweenness.c
 *	  Betweenness with its searches on the device against all of it on the CPU.
 */
#include "harness.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "../../src/graph/centrality/centrality.h"

static bool
search(void *arg, const rk_betweenness_work *w)
{
	engine_check *e = arg;
	harness    *h = e->h;
	rk_ctx		ctx;
	rk_cuda_betweenness_params params = {.extra = w->extra, .edges = w->edges};
	rk_cuda_call call = {.kernel = RK_CUDA_BETWEENNESS, .params = &params, .params_bytes = sizeof(params)};
	int64_t		n = w->graph->nodes;
	uint32_t   *mass;
	uint32_t   *reach;

	begin_ctx(h, &ctx);
	mass = rk_alloc(&ctx, w->count, sizeof(uint32_t));
	reach = rk_alloc(&ctx, w->count, sizeof(uint32_t));
	call.input[0] = (rk_cuda_input) {w->sources, w->count * (int64_t) sizeof(uint32_t)};
	for (int64_t i = 0; w->source_mass && i < w->count; i++)
		mass[i] = w->source_mass[w->sources[i]];
	if (w->source_mass)
		call.input[1] = (rk_cuda_input) {mass, w->count * (int64_t) sizeof(uint32_t)};
	if (w->mass)
		call.input[2] = (rk_cuda_input) {w->mass, n * (int64_t) sizeof(uint32_t)};
	call.output[0] = (rk_cuda_output) {w->total, (w->edges ? w->graph->arcs : n) * (int64_t) sizeof(double)};
	call.output[1] = (rk_cuda_output) {reach, w->count * (int64_t) sizeof(uint32_t)};
	call.graph = load(h, e->what, w->graph, &call.usage);
	if (call.graph)
	{
		e->ok = run_device(h, e->what, &call, &e->seconds);
		h->table->free_graph(h->device, call.graph);
	}
	for (int64_t i = 0; e->ok && i < w->count; i++)
		w->reach[w->sources[i]] = reach[i];
	e->usage = call.usage;
	rk_ctx_destroy(&ctx);
	return e->ok;
}

/* What is asked for, as a set. */
enum
{
	DIRECTED = 1,
	ENDPOINTS = 2,
	LENGTHS = 4,
	EDGES = 8
};

static void
compute(rk_ctx *ctx, const rk_graph *g, const rk_betweenness_params *p, bool edges, double *score)
{
	int64_t		used;

	if (edges)
		must(ctx, rk_graph_betweenness_centrality_edges(ctx, g, p, score, &used));
	else
		must(ctx, rk_graph_betweenness_centrality(ctx, g, p, score, &used));
}

static void
check_case(harness *h, const graph_case *c, int what_for, int64_t samples)
{
	char		what[80];
	char		difference[40];
	rk_ctx		ctx;
	bool		lengths = (what_for & LENGTHS) != 0;
	bool		edges = (what_for & EDGES) != 0;
	rk_graph_options options = {
		.directed = (what_for & DIRECTED) != 0, .drop_loops = true, .want_out = true, .want_in = true,
		.parallel = lengths ? RK_EDGES_MIN : RK_EDGES_COLLAPSE
	};
	rk_betweenness_params p = {
		.normalized = samples > 0, .endpoints = (what_for & ENDPOINTS) != 0, .samples = samples, .seed = 3
	};
	engine_check e = {.h = h, .what = what, .ok = true, .seconds = INFINITY};
	double	   *cpu;
	double	   *device;
	double		cpu_seconds;
	int64_t		count;
	rk_graph	g;

	snprintf(what, sizeof(what), "betweenness%s %s%s%s%s%s", edges ? " of edges" : "", c->name,
			 options.directed ? "" : " undirected", lengths ? " by length" : "", p.endpoints ? " with ends" : "",
			 samples ? " sampled" : "");
	begin_ctx(h, &ctx);
	g = make_graph(h, &ctx, c, 13, lengths, &options);
	/* few different ones, all of them exact, so that many paths are equally long */
	for (int64_t v = 0; lengths && v < g.nodes; v++)
		for (int64_t j = g.out.offsets[v]; j < g.out.offsets[v + 1]; j++)
			g.out.weights[j] = 1 + (v + g.out.neighbors[j]) % 3;
	for (int64_t v = 0; lengths && g.directed && v < g.nodes; v++)
		for (int64_t j = g.in.offsets[v]; j < g.in.offsets[v + 1]; j++)
			g.in.weights[j] = 1 + (v + g.in.neighbors[j]) % 3;
	count = edges ? g.arcs : g.nodes;
	cpu = rk_alloc(&ctx, count, sizeof(double));
	device = rk_alloc(&ctx, count, sizeof(double));
	cpu_seconds = now();
	compute(&ctx, &g, &p, edges, cpu);
	cpu_seconds = now() - cpu_seconds;
	p.engine = search;
	p.engine_arg = &e;
	compute(&ctx, &g, &p, edges, device);
	if (e.ok)
	{
		double		d = largest_relative(cpu, device, count);

		snprintf(difference, sizeof(difference), "%.1e", d);
		report(h, what, d <= 1e-12, difference, cpu_seconds, e.seconds, &e.usage);
	}
	rk_ctx_destroy(&ctx);
}

void
check_betweenness(harness *h)
{
	/* the star is for its long row; where all is folded into trees nothing is searched */
	static const graph_case cases[] = {
		{"random", SHAPE_RANDOM, 48, 160},
		{"skewed", SHAPE_SKEWED, 64, 200},
		{"hubs", SHAPE_STAR, 2500, 2500},
		{"path", SHAPE_PATH, 40, 39},
		{"cliques", SHAPE_CLIQUES, 32, 480},
		{"loops", SHAPE_LOOPS, 40, 40},
		{"two nodes", SHAPE_PATH, 2, 1}
	};

	for (int c = 0; c < (int) (sizeof(cases) / sizeof(cases[0])); c++)
		for (int k = 0; k < 16; k++)
		{
			bool		star = cases[c].shape == SHAPE_STAR;

			/* edges have no ends */
			if (((k & EDGES) && (k & ENDPOINTS)) || (c >= 5 && k % 5 != 0) || (star && k % 3 != 0))
				continue;
			check_case(h, &cases[c], k, star ? (k & DIRECTED ? 12 : 3) : k % 4 == 1 ? 0 : 7);
		}
}
