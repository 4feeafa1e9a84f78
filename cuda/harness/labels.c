/*
 * labels.c
 *	  Label propagation on the device against that of the CPU: equal.
 */
#include "harness.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "../../src/graph/community/community.h"

static const char *const kinds[] = {"", " whole weights", " weights"};

static void
check_case(harness *h, const graph_case *c, weight_kind kind, bool directed, rk_label_variant variant, int given,
		   int max_iterations)
{
	char		what[80];
	char		difference[40];
	rk_ctx		ctx;
	rk_graph_options options = {
		.directed = directed, .want_in = directed, .want_out = true, .parallel = RK_EDGES_COLLAPSE
	};
	rk_label_params p = {.variant = variant, .max_iterations = max_iterations, .seed = 40 + given};
	rk_cuda_label_params params = {p.seed, variant, p.max_iterations};
	rk_cuda_call call = {.kernel = RK_CUDA_LABELS, .params = &params, .params_bytes = sizeof(params)};
	rk_label_result result;
	int64_t    *initial;
	bool	   *fixed;
	uint32_t   *start;
	uint32_t   *label;
	int64_t    *values = NULL;
	int64_t		labels = 0;
	int64_t    *cpu;
	int64_t    *device;
	int64_t		communities = 0;
	double		modularity = 0;
	double		cpu_seconds;
	double		device_seconds;
	rk_graph	g;
	rk_run		run;

	snprintf(what, sizeof(what), "labels %s%s%s%s%s", c->name, kinds[kind], directed ? " directed" : "",
			 variant == RK_LABEL_CDLP ? " cdlp" : "", given == 2 ? " fixed" : given ? " given" : "");
	begin_ctx(h, &ctx);
	g = make_graph(h, &ctx, c, 11, false, &options);
	if (kind != WITHOUT_WEIGHTS)
	{
		add_weights(&ctx, &g, &g.out, false, kind);
		if (directed)
			add_weights(&ctx, &g, &g.in, true, kind);
		else
			g.in = g.out;
	}
	cpu = rk_alloc(&ctx, g.nodes, sizeof(int64_t));
	device = rk_alloc(&ctx, g.nodes, sizeof(int64_t));
	initial = rk_alloc(&ctx, g.nodes, sizeof(int64_t));
	fixed = rk_alloc(&ctx, g.nodes, sizeof(bool));
	start = rk_alloc(&ctx, g.nodes, sizeof(uint32_t));
	label = rk_alloc(&ctx, g.nodes, sizeof(uint32_t));
	for (int64_t v = 0; v < g.nodes; v++)
	{
		initial[v] = rk_hash2(4, v) % 3 ? -1 : (int64_t) (rk_hash2(5, v) % 20) * 1000;
		fixed[v] = given == 2 && rk_hash2(6, v) % 10 == 0;
	}
	if (given)
	{
		p.initial = initial;
		p.fixed = fixed;
		must(&ctx, rk_graph_label_start(&ctx, g.nodes, initial, start, &values, &labels));
		call.input[0] = (rk_cuda_input) {start, g.nodes * (int64_t) sizeof(uint32_t)};
		call.input[1] = (rk_cuda_input) {values, labels * (int64_t) sizeof(int64_t)};
		call.input[2] = (rk_cuda_input) {fixed, g.nodes};
	}
	cpu_seconds = now();
	must(&ctx, rk_graph_label_propagation(&ctx, &g, &p, cpu, &result, &run));
	cpu_seconds = now() - cpu_seconds;
	call.output[0] = (rk_cuda_output) {label, g.nodes * (int64_t) sizeof(uint32_t)};
	call.output[1] = (rk_cuda_output) {&modularity, sizeof(double)};
	call.graph = load(h, what, &g, &call.usage);
	if (call.graph)
	{
		if (run_device(h, what, &call, &device_seconds))
		{
			must(&ctx, rk_graph_label_end(&ctx, g.nodes, label, values, device, &communities));
			snprintf(difference, sizeof(difference), "%lld of %lld, %d rounds", (long long) communities, (long long) g.nodes,
					 call.iterations);
			report(h, what, memcmp(cpu, device, g.nodes * sizeof(int64_t)) == 0 && communities == result.communities &&
				   call.iterations == run.iterations && call.converged == run.converged && call.residual == run.residual &&
				   fabs(modularity - result.modularity) <= 1e-12, difference, cpu_seconds, device_seconds, &call.usage);
		}
		h->table->free_graph(h->device, call.graph);
	}
	rk_ctx_destroy(&ctx);
}

void
check_labels(harness *h)
{
	/* smaller than others: a class of colours is a launch, and there are many */
	static const graph_case cases[] = {
		{"random", SHAPE_RANDOM, 250, 1000},
		{"skewed", SHAPE_SKEWED, 400, 2000},
		{"star", SHAPE_STAR, 600, 600},
		{"path", SHAPE_PATH, 150, 149},
		{"cliques", SHAPE_CLIQUES, 96, 1440},
		{"loops", SHAPE_LOOPS, 70, 70},
		{"empty", SHAPE_EMPTY, 30, 0},
		{"two nodes", SHAPE_PATH, 2, 1},
		{"one node", SHAPE_LOOPS, 1, 1},
		{"dense", SHAPE_RANDOM, 100, 3000},
		{"hubs", SHAPE_SKEWED, 700, 1600}
	};

	for (size_t c = 0; c < sizeof(cases) / sizeof(cases[0]); c++)
		for (int k = 0; k < 6; k++)
			check_case(h, &cases[c], k % 3, (k + c) & 1, k < 4 ? RK_LABEL_SEMI_SYNCHRONOUS : RK_LABEL_CDLP,
					   (k + c) / 2 % 3, k & 1 ? 3 : 8);
}
