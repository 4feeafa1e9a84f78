/*
 * betweenness.c
 *	  Betweenness with its searches on the device against all of it on the CPU.
 */
#include "harness.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "../../src/graph/centrality/centrality.h"

bool
search_betweenness(void *arg, const rk_betweenness_work *w)
{
	engine_check *e = arg;
	rk_ctx		ctx;
	rk_cuda_betweenness_params params = {.extra = w->extra, .edges = w->edges};
	rk_cuda_call call = {.kernel = RK_CUDA_BETWEENNESS, .params = &params, .params_bytes = sizeof(params)};
	int64_t		n = w->graph->nodes;
	uint32_t   *mass;
	uint32_t   *reach;

	begin_ctx(e->h, &ctx);
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
	run_searches(e, w->graph, &call);
	for (int64_t i = 0; e->ok && i < w->count; i++)
		w->reach[w->sources[i]] = reach[i];
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
check_case(harness *h, const graph_case *c, int what_for)
{
	char		what[80];
	char		difference[40];
	rk_ctx		ctx;
	bool		lengths = (what_for & LENGTHS) != 0;
	bool		edges = (what_for & EDGES) != 0;
	bool		directed = (what_for & DIRECTED) != 0;
	bool		star = c->shape == SHAPE_STAR;
	int64_t		samples = star ? (directed ? 12 : 3) : what_for % 4 == 1 ? 0 : 7;
	rk_betweenness_params p = {
		.normalized = samples > 0, .endpoints = (what_for & ENDPOINTS) != 0, .samples = samples, .seed = 3
	};
	engine_check e = {.h = h, .what = what, .ok = true, .seconds = INFINITY};
	double	   *cpu;
	double	   *device;
	double		cpu_seconds;
	int64_t		count;
	rk_graph	g;

	/* edges have no ends; where there is little to find, and where it takes long, some are enough */
	if ((edges && p.endpoints) || (c->nodes == 2 && what_for % 5 != 0) ||
		(c->shape == SHAPE_LOOPS && what_for % 5 != 0) || (star && what_for % 3 != 0))
		return;
	snprintf(what, sizeof(what), "betweenness%s %s%s%s%s%s", edges ? " of edges" : "", c->name,
			 directed ? "" : " undirected", lengths ? " by length" : "", p.endpoints ? " with ends" : "",
			 samples ? " sampled" : "");
	begin_ctx(h, &ctx);
	g = make_search_graph(h, &ctx, c, 13, directed, lengths ? FEW_LENGTHS : NO_LENGTHS);
	count = edges ? g.arcs : g.nodes;
	cpu = rk_alloc(&ctx, count, sizeof(double));
	device = rk_alloc(&ctx, count, sizeof(double));
	cpu_seconds = now();
	compute(&ctx, &g, &p, edges, cpu);
	cpu_seconds = now() - cpu_seconds;
	p.engine = search_betweenness;
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
	/* where all is folded into trees nothing is searched */
	static const search_sizes sizes = {{48, 160}, {64, 200}, {2500, 2500}};

	check_searches(h, &sizes, 16, check_case);
}
