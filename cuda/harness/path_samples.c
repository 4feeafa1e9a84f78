/*
 * path_samples.c
 *	  Betweenness from paths sampled on the device against those sampled on the
 *	  CPU: the same paths, hence the same hits.
 */
#include "harness.h"

#include <math.h>
#include <stdio.h>

#include "../../src/graph/centrality/centrality.h"

static bool
sample(void *arg, const rk_betweenness_sampling *w)
{
	engine_check *e = arg;
	rk_cuda_path_sample_params params = {
		.epsilon = w->epsilon, .delta = w->delta, .seed = w->seed, .limit = w->limit, .edges = w->edges, .ends = w->ends
	};
	rk_cuda_call call = {.kernel = RK_CUDA_PATH_SAMPLES, .params = &params, .params_bytes = sizeof(params)};

	call.output[0] = (rk_cuda_output) {
		w->hits, (w->edges ? w->graph->arcs : w->graph->nodes) * (int64_t) sizeof(int64_t)
	};
	run_searches(e, w->graph, &call);
	*w->samples = call.counts[0];
	return e->ok;
}

static void
check_case(harness *h, const graph_case *c, bool directed, bool ends, bool edges, double epsilon)
{
	char		what[80];
	char		difference[60];
	rk_ctx		ctx;
	rk_graph_options options = {
		.directed = directed, .drop_loops = true, .want_out = true, .want_in = true, .parallel = RK_EDGES_COLLAPSE
	};
	rk_betweenness_params p = {.normalized = true, .endpoints = ends, .epsilon = epsilon, .delta = 0.1, .seed = 5};
	engine_check e = {.h = h, .what = what, .seconds = INFINITY};
	int64_t		used[2] = {0, 0};
	double	   *score[2];
	double		cpu_seconds = 0;
	int64_t		count;
	rk_graph	g;

	snprintf(what, sizeof(what), "sampled paths%s %s%s%s", edges ? " of edges" : "", c->name,
			 directed ? "" : " undirected", ends ? " with ends" : "");
	begin_ctx(h, &ctx);
	g = make_graph(h, &ctx, c, 17, false, &options);
	count = edges ? g.arcs : g.nodes;
	for (int k = 0; k < 2; k++)
	{
		score[k] = rk_alloc(&ctx, count, sizeof(double));
		p.sampler = k == 0 ? NULL : sample;
		p.engine_arg = &e;
		if (k == 0)
			cpu_seconds = now();
		must(&ctx, edges ? rk_graph_betweenness_centrality_edges(&ctx, &g, &p, score[k], &used[k]) :
			 rk_graph_betweenness_centrality(&ctx, &g, &p, score[k], &used[k]));
		if (k == 0)
			cpu_seconds = now() - cpu_seconds;
	}
	if (e.ok)
	{
		double		d = largest_difference(score[0], score[1], count);

		snprintf(difference, sizeof(difference), "%lld samples, %.1e", (long long) used[1], d);
		report(h, what, d == 0 && used[0] == used[1], difference, cpu_seconds, e.seconds, &e.usage);
	}
	rk_ctx_destroy(&ctx);
}

void
check_path_samples(harness *h)
{
	/* hubs have rows of more than a warp's width */
	static const graph_case cases[] = {
		{"random", SHAPE_RANDOM, 80, 300},
		{"skewed", SHAPE_SKEWED, 120, 1000},
		{"star", SHAPE_STAR, 200, 200},
		{"path", SHAPE_PATH, 12, 11},
		{"cliques", SHAPE_CLIQUES, 32, 480},
	};

	for (int c = 0; c < (int) (sizeof(cases) / sizeof(cases[0])); c++)
		for (int k = 0; k < 6; k++)
			check_case(h, &cases[c], k & 1, k == 2 || k == 3, k >= 4, c == 0 && k == 0 ? 0.05 : 0.15);
}
