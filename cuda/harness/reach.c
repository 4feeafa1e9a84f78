/*
 * reach.c
 *	  Distances from many sources: what they come to on the device and on the CPU.
 */
#include "harness.h"

#include <math.h>
#include <stdio.h>

#include "../../src/graph/paths/paths.h"

static bool
search(void *arg, const rk_reach_work *w)
{
	engine_check *e = arg;
	harness    *h = e->h;
	rk_ctx		ctx;
	rk_cuda_call call = {.kernel = RK_CUDA_REACH};
	bool		lengths = w->graph->out.weights != NULL;
	double	   *sums;

	begin_ctx(h, &ctx);
	sums = rk_alloc(&ctx, 4 * w->count, sizeof(double));
	call.input[0] = (rk_cuda_input) {w->sources, w->count * (int64_t) sizeof(uint32_t)};
	if (lengths)
		call.output[0] = (rk_cuda_output) {sums, 4 * w->count * (int64_t) sizeof(double)};
	else
	{
		call.output[0] = (rk_cuda_output) {w->farthest, w->count * (int64_t) sizeof(uint32_t)};
		call.output[1] = (rk_cuda_output) {w->pairs, w->levels * (int64_t) sizeof(int64_t)};
	}
	call.graph = load(h, e->what, w->graph, &call.usage);
	e->ok = call.graph != NULL && run_device(h, e->what, &call, &e->seconds);
	if (call.graph)
		h->table->free_graph(h->device, call.graph);
	for (int64_t i = 0; e->ok && lengths && i < w->count; i++)
		w->sums[i] = (rk_source_sums) {(int64_t) sums[4 * i], sums[4 * i + 1], sums[4 * i + 2], sums[4 * i + 3]};
	e->usage = call.usage;
	rk_ctx_destroy(&ctx);
	return e->ok;
}

static void
check_case(harness *h, const graph_case *c, bool directed, bool lengths, int64_t samples)
{
	char		what[80];
	char		difference[40];
	rk_ctx		ctx;
	rk_graph_options options = {
		.directed = directed, .drop_loops = true, .want_out = true, .want_in = true,
		.parallel = lengths ? RK_EDGES_MIN : RK_EDGES_COLLAPSE
	};
	engine_check e = {.h = h, .what = what, .ok = true, .seconds = INFINITY};
	rk_reach_engine on_device = {search, &e};
	rk_path_averages a[2];
	double	   *eccentricity[2];
	double		cpu_seconds = 0;
	double		largest = 0;
	rk_graph	g;

	snprintf(what, sizeof(what), "reach %s%s%s%s", c->name, directed ? "" : " undirected", lengths ? " by length" : "",
			 samples ? " sampled" : "");
	begin_ctx(h, &ctx);
	g = make_graph(h, &ctx, c, 19, lengths, &options);
	/* a distance of 0 has no inverse */
	for (int64_t j = 0; lengths && j < g.arcs; j++)
		g.out.weights[j] += 1;
	for (int64_t j = 0; lengths && directed && j < g.arcs; j++)
		g.in.weights[j] += 1;
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
	static const graph_case cases[] = {
		{"random", SHAPE_RANDOM, 600, 2000},
		{"skewed", SHAPE_SKEWED, 300, 3000},
		{"hub", SHAPE_STAR, 9000, 9000},
		{"path", SHAPE_PATH, 40, 39},
		{"cliques", SHAPE_CLIQUES, 48, 720},
		{"loops", SHAPE_LOOPS, 30, 30},
		{"two nodes", SHAPE_PATH, 2, 1}
	};

	for (int c = 0; c < (int) (sizeof(cases) / sizeof(cases[0])); c++)
		for (int k = 0; k < 4; k++)
		{
			bool		lengths = (k & 2) != 0;
			bool		large = cases[c].nodes > 100;

			/* emulated, a search by length takes long, and so does one over a large graph */
			if (cases[c].shape == SHAPE_STAR && k > 0)
				continue;
			check_case(h, &cases[c], k & 1, lengths, large && lengths ? 3 : cases[c].shape == SHAPE_STAR ? 70 : c == 4 && k == 1 ? 7 : 0);
		}
}
