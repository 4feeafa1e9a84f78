/*
 * reach.c
 *	  Distances from many sources: what they come to on the device and on the CPU.
 */
#include "harness.h"

#include <math.h>
#include <stdio.h>

#include "../../src/graph/paths/paths.h"

bool
search_reach(void *arg, const rk_reach_work *w)
{
	engine_check *e = arg;
	rk_ctx		ctx;
	rk_cuda_call call = {.kernel = RK_CUDA_REACH};
	bool		lengths = w->graph->out.weights != NULL;
	double	   *sums;

	begin_ctx(e->h, &ctx);
	sums = rk_alloc(&ctx, 4 * w->count, sizeof(double));
	call.input[0] = (rk_cuda_input) {w->sources, w->count * (int64_t) sizeof(uint32_t)};
	if (lengths)
		call.output[0] = (rk_cuda_output) {sums, 4 * w->count * (int64_t) sizeof(double)};
	else
	{
		call.output[0] = (rk_cuda_output) {w->farthest, w->count * (int64_t) sizeof(uint32_t)};
		call.output[1] = (rk_cuda_output) {w->pairs, w->levels * (int64_t) sizeof(int64_t)};
	}
	run_searches(e, w->graph, &call);
	for (int64_t i = 0; e->ok && lengths && i < w->count; i++)
		w->sums[i] = (rk_source_sums) {(int64_t) sums[4 * i], sums[4 * i + 1], sums[4 * i + 2], sums[4 * i + 3]};
	rk_ctx_destroy(&ctx);
	return e->ok;
}

static void
check_case(harness *h, const graph_case *c, int kind)
{
	bool		directed = kind & 1;
	bool		lengths = (kind & 2) != 0;
	bool		star = c->shape == SHAPE_STAR;
	/* emulated, a search by length takes long, and so does one over a large graph; 0: from all nodes */
	int64_t		samples = lengths && c->nodes > 100 ? 3 : star ? 70 : c->shape == SHAPE_CLIQUES && kind == 1 ? 7 : 0;
	char		what[80];
	char		difference[40];
	rk_ctx		ctx;
	engine_check e = {.h = h, .what = what, .ok = true, .seconds = INFINITY};
	rk_reach_engine on_device = {search_reach, &e};
	rk_path_averages a[2];
	double	   *eccentricity[2];
	double		cpu_seconds = 0;
	double		largest = 0;
	rk_graph	g;

	if (star && kind > 0)
		return;
	snprintf(what, sizeof(what), "reach %s%s%s%s", c->name, directed ? "" : " undirected", lengths ? " by length" : "",
			 samples ? " sampled" : "");
	begin_ctx(h, &ctx);
	/* a distance of 0 has no inverse */
	g = make_search_graph(h, &ctx, c, 19, directed, lengths ? MANY_LENGTHS : NO_LENGTHS);
	for (int k = 0; k < 2; k++)
	{
		double		start = now();

		must(&ctx, rk_graph_average_path_length_by(&ctx, &g, samples, 3, k ? &on_device : NULL, &a[k]));
		cpu_seconds = k ? cpu_seconds : now() - start;
		eccentricity[k] = rk_alloc0(&ctx, g.nodes, sizeof(double));
		/* from all nodes */
		if (samples == 0)
			must(&ctx, rk_graph_shortest_path_eccentricity_by(&ctx, &g, k && e.ok ? &on_device : NULL,
																	eccentricity[k]));
	}
	if (e.ok)
	{
		const double *x = &a[0].average;
		const double *y = &a[1].average;
		bool		same = a[0].reachable_pairs == a[1].reachable_pairs && a[0].connected == a[1].connected &&
			largest_difference(eccentricity[0], eccentricity[1], g.nodes) == 0;

		/* the first five are numbers */
		for (int i = 0; i < 5; i++)
			if (!(isnan(x[i]) && isnan(y[i])))
				largest = fmax(largest, fabs(x[i] - y[i]) / fmax(fabs(x[i]), 1e-300));
		snprintf(difference, sizeof(difference), "%lld pairs, %.1e", (long long) a[1].reachable_pairs, largest);
		report(h, what, same && largest <= (lengths ? 1e-12 : 0), difference, cpu_seconds, e.seconds, &e.usage);
	}
	rk_ctx_destroy(&ctx);
}

void
check_reach(harness *h)
{
	/* more than one search, rows of more than a block's share, and none at all */
	static const search_sizes sizes = {{600, 2000}, {300, 3000}, {9000, 9000}};

	check_searches(h, &sizes, 4, check_case);
}
