/*
 * katz.c
 *	  Katz centrality on the device against that of the CPU.
 */
#include "harness.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "../../src/graph/centrality/centrality.h"

static void
check_case(harness *h, const graph_case *c, bool weighted, bool directed, rk_katz_norm norm, bool by_node, int seed)
{
	char		what[80];
	char		difference[40];
	rk_ctx		ctx;
	rk_graph_options options = {
		.directed = directed, .want_in = true, .parallel = weighted ? RK_EDGES_SUM : RK_EDGES_COLLAPSE
	};
	rk_katz_params p = {.alpha = by_node ? 1e-3 / c->nodes : 0, .beta = 1.5, .tolerance = 1e-12, .max_iterations = 60, .norm = norm};
	rk_cuda_katz_params params = {p.alpha, p.beta, p.tolerance, p.max_iterations, norm};
	rk_cuda_call call = {.kernel = RK_CUDA_KATZ, .params = &params, .params_bytes = sizeof(params)};
	double	   *beta = NULL;
	double	   *cpu;
	double	   *device;
	double		alpha[2];
	double		cpu_seconds;
	double		device_seconds;
	rk_graph	g;
	rk_run		run;

	snprintf(what, sizeof(what), "katz %s%s%s norm %d%s", c->name, weighted ? " weighted" : "",
			 directed ? "" : " undirected", norm, by_node ? " beta by node" : "");
	begin_ctx(h, &ctx);
	g = make_graph(h, &ctx, c, seed, weighted && !by_node, &options);
	cpu = rk_alloc(&ctx, g.nodes, sizeof(double));
	device = rk_alloc(&ctx, g.nodes, sizeof(double));
	if (by_node)
	{
		beta = rk_alloc(&ctx, g.nodes, sizeof(double));
		for (int64_t v = 0; v < g.nodes; v++)
			beta[v] = v % 3 == 0 ? NAN : 1 + v % 5 - 2.0;
		p.node_beta = beta;
		call.input[0] = (rk_cuda_input) {beta, g.nodes * (int64_t) sizeof(double)};
	}
	cpu_seconds = now();
	must(&ctx, rk_graph_katz_centrality(&ctx, &g, &p, cpu, &alpha[0], &run));
	cpu_seconds = now() - cpu_seconds;
	call.output[0] = (rk_cuda_output) {device, g.nodes * (int64_t) sizeof(double)};
	call.output[1] = (rk_cuda_output) {&alpha[1], sizeof(double)};
	call.graph = load(h, what, &g, &call.usage);
	if (call.graph)
	{
		if (run_device(h, what, &call, &device_seconds))
		{
			double		d = largest_relative(cpu, device, g.nodes);
			bool		same = call.iterations == run.iterations;

			snprintf(difference, sizeof(difference), "%.1e, %d/%d steps", d, call.iterations, run.iterations);
			report(h, what, call.converged == run.converged && abs(call.iterations - run.iterations) <= 1 &&
				   fabs(alpha[0] - alpha[1]) <= 1e-14 * alpha[0] && d <= (same ? 1e-12 : 1e-9), difference,
				   cpu_seconds, device_seconds, &call.usage);
		}
		h->table->free_graph(h->device, call.graph);
	}
	rk_ctx_destroy(&ctx);
}

/* Scores that grow without end are the CPU's to refuse. */
static void
check_growth(harness *h)
{
	rk_ctx		ctx;
	rk_graph_options options = {.want_in = true, .parallel = RK_EDGES_COLLAPSE};
	rk_cuda_katz_params params = {.alpha = 1, .beta = 1, .tolerance = 1e-9, .max_iterations = 150};
	rk_cuda_call call = {.kernel = RK_CUDA_KATZ, .params = &params, .params_bytes = sizeof(params)};
	double	   *score;
	double		alpha;
	rk_graph	g;

	begin_ctx(h, &ctx);
	g = make_graph(h, &ctx, &graph_cases[0], 7, false, &options);
	score = rk_alloc(&ctx, g.nodes, sizeof(double));
	call.output[0] = (rk_cuda_output) {score, g.nodes * (int64_t) sizeof(double)};
	call.output[1] = (rk_cuda_output) {&alpha, sizeof(double)};
	call.graph = load(h, "katz without end", &g, &call.usage);
	for (int i = 0; call.graph && i < 2; i++)
	{
		rk_cuda_status status = h->table->run(h->device, &call);

		report(h, i ? "katz that overflows" : "katz without end", status == RK_CUDA_DECLINED, "declined", 1, 1, &call.usage);
		params.max_iterations = 2000;
	}
	if (call.graph)
		h->table->free_graph(h->device, call.graph);
	rk_ctx_destroy(&ctx);
}

void
check_katz(harness *h)
{
	for (const graph_case *c = graph_cases; c->name; c++)
		for (int k = 0; k < 4; k++)
			check_case(h, c, k & 1, !(k & 2), (k + (c - graph_cases)) % 3, k == 3, 20 + k);
	check_growth(h);
}
