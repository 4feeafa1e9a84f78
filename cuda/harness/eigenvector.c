/*
 * eigenvector.c
 *	  Eigenvector centrality on the device against that of the CPU.
 *
 * Both take the same steps, so scores differ by rounding only, which a space
 * whose vectors are nearly dependent makes larger; they lie within what the
 * tolerance promises in any case.
 */
#include "harness.h"

#include <math.h>
#include <stdio.h>

#include "../../src/graph/centrality/centrality.h"

static void
check_case(harness *h, const graph_case *c, bool weighted, bool directed, rk_eigenvector_norm norm, int max_iterations,
		   int seed)
{
	char		what[80];
	char		difference[40];
	rk_ctx		ctx;
	rk_graph_options options = {
		.directed = directed, .want_in = true, .parallel = weighted ? RK_EDGES_SUM : RK_EDGES_COLLAPSE
	};
	rk_eigenvector_params p = {.tolerance = 1e-12, .max_iterations = max_iterations, .norm = norm};
	rk_cuda_eigenvector_params params = {p.tolerance, p.max_iterations, norm};
	rk_cuda_call call = {.kernel = RK_CUDA_EIGENVECTOR, .params = &params, .params_bytes = sizeof(params)};
	double	   *cpu;
	double	   *device;
	double		value[2];
	double		cpu_seconds;
	double		device_seconds;
	rk_graph	g;
	rk_run		run;

	snprintf(what, sizeof(what), "eigenvector %s%s%s norm %d, %d", c->name, weighted ? " weighted" : "",
			 directed ? "" : " undirected", norm, max_iterations);
	begin_ctx(h, &ctx);
	g = make_graph(h, &ctx, c, seed, weighted, &options);
	cpu = rk_alloc(&ctx, g.nodes, sizeof(double));
	device = rk_alloc(&ctx, g.nodes, sizeof(double));
	cpu_seconds = now();
	must(&ctx, rk_graph_eigenvector_centrality(&ctx, &g, &p, cpu, &value[0], &run));
	cpu_seconds = now() - cpu_seconds;
	call.output[0] = (rk_cuda_output) {device, g.nodes * (int64_t) sizeof(double)};
	call.output[1] = (rk_cuda_output) {&value[1], sizeof(double)};
	call.graph = load(h, what, &g, &call.usage);
	if (call.graph)
	{
		if (run_device(h, what, &call, &device_seconds))
		{
			double		d = largest_difference(cpu, device, g.nodes);

			snprintf(difference, sizeof(difference), "%.1e, %d/%d steps", d, call.iterations, run.iterations);
			report(h, what, call.converged == run.converged && d <= 1e-9 &&
				   fabs(value[0] - value[1]) <= 1e-9 * value[0], difference, cpu_seconds, device_seconds, &call.usage);
		}
		h->table->free_graph(h->device, call.graph);
	}
	rk_ctx_destroy(&ctx);
}

void
check_eigenvector(harness *h)
{
	static const int limits[] = {1, 3, 4, 5, 6, 15, 16, 17, 18};

	for (const graph_case *c = graph_cases; c->name; c++)
		for (int k = 0; k < 4; k++)
			check_case(h, c, k & 1, !(k & 2), (k + (c - graph_cases)) % 3, 30, 30 + k);
	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++)
		check_case(h, &graph_cases[1], false, true, RK_EIGENVECTOR_L2, limits[i], 40);
}
