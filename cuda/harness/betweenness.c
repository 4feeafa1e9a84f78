/*
 * betweenness.c
 *	  Betweenness with its searches on the device against all of it on the CPU.
 */
#include "harness.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "../../src/graph/centrality/centrality.h"

/* What the searches need that the kernel hands out. */
typedef struct engine
{
	harness    *h;
	const char *what;
	bool		ok;
	double		seconds;
	rk_cuda_usage usage;
} engine;

static bool
search(void *arg, const rk_betweenness_work *w)
{
	engine	   *e = arg;
	harness    *h = e->h;
	rk_ctx		ctx;
	rk_cuda_betweenness_params params = {w->extra};
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
	call.output[0] = (rk_cuda_output) {w->total, n * (int64_t) sizeof(double)};
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

static void
check_case(harness *h, const graph_case *c, bool directed, bool endpoints, int64_t samples)
{
	char		what[80];
	char		difference[40];
	rk_ctx		ctx;
	rk_graph_options options = {
		.directed = directed, .drop_loops = true, .want_out = true, .want_in = true, .parallel = RK_EDGES_COLLAPSE
	};
	rk_betweenness_params p = {.normalized = samples > 0, .endpoints = endpoints, .samples = samples, .seed = 3};
	engine		e = {.h = h, .what = what};
	double	   *cpu;
	double	   *device;
	double		cpu_seconds;
	int64_t		used;
	rk_graph	g;

	snprintf(what, sizeof(what), "betweenness %s%s%s%s", c->name, directed ? "" : " undirected",
			 endpoints ? " with ends" : "", samples ? " sampled" : "");
	begin_ctx(h, &ctx);
	g = make_graph(h, &ctx, c, 13, false, &options);
	cpu = rk_alloc(&ctx, g.nodes, sizeof(double));
	device = rk_alloc(&ctx, g.nodes, sizeof(double));
	cpu_seconds = now();
	must(&ctx, rk_graph_betweenness_centrality(&ctx, &g, &p, cpu, &used));
	cpu_seconds = now() - cpu_seconds;
	p.engine = search;
	p.engine_arg = &e;
	must(&ctx, rk_graph_betweenness_centrality(&ctx, &g, &p, device, &used));
	if (e.ok)
	{
		double		d = largest_relative(cpu, device, g.nodes);

		snprintf(difference, sizeof(difference), "%.1e", d);
		report(h, what, d <= 1e-12, difference, cpu_seconds, e.seconds, &e.usage);
	}
	rk_ctx_destroy(&ctx);
}

void
check_betweenness(harness *h)
{
	static const graph_case cases[] = {
		{"random", SHAPE_RANDOM, 100, 350},
		{"skewed", SHAPE_SKEWED, 150, 500},
		{"hubs", SHAPE_STAR, 2500, 2500},
		{"path", SHAPE_PATH, 60, 59},
		{"cliques", SHAPE_CLIQUES, 48, 720},
		{"loops", SHAPE_LOOPS, 40, 40},
		{"two nodes", SHAPE_PATH, 2, 1}
	};

	for (size_t c = 0; c < sizeof(cases) / sizeof(cases[0]); c++)
		for (int k = 0; k < 4; k++)
			/* the star is for its long row */
			check_case(h, &cases[c], k & 1, k == 2, k >= 2 || cases[c].shape == SHAPE_STAR ? 9 : 0);
}
