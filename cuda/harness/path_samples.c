/*
 * path_samples.c
 *	  Betweenness from paths sampled on the device against those sampled on the
 *	  CPU: the same paths, hence the same hits.
 */
#include "harness.h"

#include <math.h>
#include <stdio.h>

#include "../../src/graph/centrality/centrality.h"

bool
sample_paths(void *arg, const rk_betweenness_sampling *w)
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
check_case(harness *h, const graph_case *c, int kind)
{
	char		what[80];
	char		difference[60];
	rk_ctx		ctx;
	bool		directed = kind & 1;
	bool		edges = kind % 6 >= 4;
	bool		lengths = kind >= 6;
	rk_betweenness_params p = {
		.normalized = true, .endpoints = kind % 6 == 2 || kind % 6 == 3, .delta = 0.1, .seed = 5,
		.epsilon = c->shape == SHAPE_RANDOM && kind == 0 ? 0.05 : lengths ? 0.3 : 0.15
	};
	engine_check e = {.h = h, .what = what, .seconds = INFINITY};
	int64_t		used[2] = {0, 0};
	double	   *score[2];
	double		cpu_seconds = 0;
	int64_t		count;
	rk_graph	g;

	/* nothing is drawn without edges; emulated, searches by length take long */
	if (c->shape == SHAPE_LOOPS || (lengths && (kind + c->shape) % 3 == 0) || (lengths && c->nodes > 100 && kind % 2 == 0))
		return;
	snprintf(what, sizeof(what), "sampled paths%s %s%s%s%s", edges ? " of edges" : "", c->name,
			 directed ? "" : " undirected", lengths ? " by length" : "", p.endpoints ? " with ends" : "");
	begin_ctx(h, &ctx);
	g = make_search_graph(h, &ctx, c, 17, directed, lengths ? FEW_LENGTHS : NO_LENGTHS);
	count = edges ? g.arcs : g.nodes;
	for (int k = 0; k < 2; k++)
	{
		score[k] = rk_alloc(&ctx, count, sizeof(double));
		p.sampler = k == 0 ? NULL : sample_paths;
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
	static const search_sizes sizes = {{80, 300}, {120, 1000}, {200, 200}};

	check_searches(h, &sizes, 12, check_case);
}
