/*
 * pagerank.c
 *	  PageRank on the device against PageRank on the CPU.
 *
 * Scores differ by the order of sums only: while both make the same number of
 * iterations, by rounding; where the last change lies at the tolerance and one
 * of them makes an iteration more, by that.
 */
#include "harness.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "../../src/graph/centrality/centrality.h"

/* One iteration beside cuSPARSE's product with the same matrix. */
static void
compare_with_peer(harness *h, const rk_graph *g, double seconds)
{
	double	   *ones;
	double		peer;

	if (h->peer_spmv == NULL || g->arcs == 0)
		return;
	ones = malloc(g->arcs * sizeof(double));
	for (int64_t i = 0; i < g->arcs; i++)
		ones[i] = g->in.weights ? g->in.weights[i] : 1;
	peer = h->peer_spmv(g->nodes, g->arcs, g->in.offsets, g->in.neighbors, ones, 20);
	free(ones);
	printf("#   an iteration %.3f ms, cuSPARSE's product alone %.3f ms (ratio %.2f)\n", 1e3 * seconds,
		   1e3 * peer, peer / seconds);
}

static void
check_case(harness *h, const graph_case *c, bool weighted, bool directed, int dangling, bool personal)
{
	static const char *const words[] = {"teleport", "uniform", "self", "none"};
	char		what[80];
	char		difference[40];
	rk_ctx		ctx;
	rk_graph_options options = {
		.directed = directed, .want_in = true, .want_out = weighted,
		.parallel = weighted ? RK_EDGES_SUM : RK_EDGES_COLLAPSE
	};
	rk_pagerank_params p = {.damping = 0.85, .tolerance = 1e-6, .max_iterations = 40, .dangling = dangling};
	rk_cuda_pagerank_params params = {p.damping, p.tolerance, p.max_iterations, dangling};
	rk_cuda_call call = {.kernel = RK_CUDA_PAGERANK, .params = &params, .params_bytes = sizeof(params)};
	double	   *personalization = NULL;
	double	   *cpu;
	double	   *device;
	double		cpu_seconds;
	double		device_seconds = 0;
	rk_graph	g;
	rk_run		run;

	snprintf(what, sizeof(what), "pagerank %s%s%s %s%s", c->name, weighted ? " weighted" : "",
			 directed ? "" : " undirected", words[dangling], personal ? " personal" : "");
	begin_ctx(h, &ctx);
	g = make_graph(h, &ctx, c, 1, weighted, &options);
	cpu = rk_alloc(&ctx, g.nodes, sizeof(double));
	device = rk_alloc(&ctx, g.nodes, sizeof(double));
	if (personal)
	{
		personalization = rk_alloc(&ctx, g.nodes, sizeof(double));
		for (int64_t v = 0; v < g.nodes; v++)
			personalization[v] = v % 7 == 0 ? 1 + v % 3 : 0;
		p.personalization = personalization;
		call.input[0] = (rk_cuda_input) {personalization, g.nodes * (int64_t) sizeof(double)};
	}
	cpu_seconds = now();
	must(&ctx, rk_graph_pagerank(&ctx, &g, &p, cpu, &run));
	cpu_seconds = now() - cpu_seconds;
	call.output[0] = (rk_cuda_output) {device, g.nodes * (int64_t) sizeof(double)};
	call.graph = load(h, what, &g, &call.usage);
	if (call.graph)
	{
		if (run_device(h, what, &call, &device_seconds))
		{
			double		d = largest_difference(cpu, device, g.nodes);
			bool		same = call.iterations == run.iterations;

			snprintf(difference, sizeof(difference), "%.1e, %d/%d steps", d, call.iterations, run.iterations);
			report(h, what, call.converged == run.converged && abs(call.iterations - run.iterations) <= 1 &&
				   d <= (same ? 1e-12 : 2 * p.tolerance), difference, cpu_seconds, device_seconds, &call.usage);
		}
		h->table->free_graph(h->device, call.graph);
		if (call.iterations > 0)
			compare_with_peer(h, &g, device_seconds / call.iterations);
	}
	rk_ctx_destroy(&ctx);
}

/*
 * With less and less memory a graph is first taken without the copy in another
 * order, then not at all; scores stay what they are.
 */
static void
check_little_memory(harness *h)
{
	const graph_case *c = &graph_cases[1];
	const char *what = "pagerank with little memory";
	rk_graph_options options = {.directed = true, .want_in = true, .parallel = RK_EDGES_COLLAPSE};
	rk_pagerank_params p = {.damping = 0.85, .tolerance = 1e-6, .max_iterations = 3};
	rk_cuda_pagerank_params params = {p.damping, p.tolerance, p.max_iterations, p.dangling};
	harness		little = *h;
	bool		good = true;
	int64_t		most = 0;		/* that the graph keeps, with the copy */
	int			without = 0;	/* runs with less of it */
	int			refused = 0;
	char		difference[64];
	double		worst = 0;
	double	   *cpu;
	double	   *device;
	double		seconds = 0;
	int64_t		step;
	rk_cuda_usage usage = {0};
	rk_cuda_error error = {0};
	rk_ctx		ctx;
	rk_graph	g;
	rk_run		run;

	begin_ctx(h, &ctx);
	g = make_graph(h, &ctx, c, 1, false, &options);
	cpu = rk_alloc(&ctx, g.nodes, sizeof(double));
	device = rk_alloc(&ctx, g.nodes, sizeof(double));
	must(&ctx, rk_graph_pagerank(&ctx, &g, &p, cpu, &run));
	step = (4 * g.arcs + 8 * g.nodes) / 8;
	for (int64_t limit = 40 * step; limit > 8 * step && good; limit -= step)
	{
		rk_cuda_call call = {.kernel = RK_CUDA_PAGERANK, .params = &params, .params_bytes = sizeof(params)};
		rk_cuda_status status = RK_CUDA_MEMORY;

		if (h->table->open(0, limit, &little.device, &error) != RK_CUDA_OK)
		{
			good = false;
			break;
		}
		call.output[0] = (rk_cuda_output) {device, g.nodes * (int64_t) sizeof(double)};
		call.graph = load(&little, what, &g, &call.usage);
		if (call.graph)
		{
			int64_t		kept;

			status = h->table->run(little.device, &call);
			kept = h->table->memory_used(little.device);
			if (status == RK_CUDA_OK)
			{
				most = kept > most ? kept : most;
				without += kept < most;
				worst = fmax(worst, largest_difference(cpu, device, g.nodes));
				usage = call.usage;
				seconds = call.usage.kernel_seconds;
			}
			else
			{
				refused++;
				good = status == RK_CUDA_MEMORY;
			}
			h->table->free_graph(little.device, call.graph);
		}
		else
			good = false;
		good &= h->table->memory_used(little.device) == 0;
		h->table->close(little.device);
	}
	snprintf(difference, sizeof(difference), "%.1e, %d without, %d not", worst, without, refused);
	report(h, what, good && worst <= 1e-12 && without > 0 && refused > 0, difference, seconds, seconds, &usage);
	rk_ctx_destroy(&ctx);
}

void
check_pagerank(harness *h)
{
	for (const graph_case *c = graph_cases; c->name; c++)
		for (int k = 0; k < 4; k++)
			check_case(h, c, k & 1, !(k & 2), k, (k + (c - graph_cases)) & 1);
	check_little_memory(h);
}
