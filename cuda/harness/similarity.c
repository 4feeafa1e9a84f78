/*
 * similarity.c
 *	  Common neighbours of pairs on the device against those of the CPU: equal
 *	  to the last bit.
 */
#include "harness.h"

#include <stdio.h>
#include <string.h>

#include "../../src/graph/similarity/neighbor_similarity.h"

static void
check_case(harness *h, const graph_case *c, rk_similarity_term term, bool directed, bool in, bool replaced)
{
	static const char *const terms[] = {"", " nodes", " min", " product"};
	char		what[80];
	char		difference[64];
	rk_ctx		ctx;
	bool		weighted = term >= RK_TERM_MIN;
	rk_graph_options options = {
		.directed = directed, .drop_loops = true, .want_out = true, .want_in = true,
		.parallel = weighted ? RK_EDGES_SUM : RK_EDGES_COLLAPSE
	};
	rk_cuda_similarity_params params = {term, in};
	rk_cuda_call call = {.kernel = RK_CUDA_SIMILARITY, .params = &params, .params_bytes = sizeof(params)};
	int64_t		count;
	uint32_t   *pair[2];
	uint32_t   *common[2];
	double	   *sum[2];
	double	   *value;
	double	   *weights;
	int64_t		wrong = 0;
	int64_t		found = 0;
	rk_neighborhoods hoods;
	rk_measure	m = {.term = term};
	double		cpu_seconds;
	double		device_seconds;
	rk_graph	g;

	snprintf(what, sizeof(what), "similarity %s%s%s%s", c->name, terms[term], directed ? in ? " in" : " out" : "",
			 replaced ? " other weights" : "");
	begin_ctx(h, &ctx);
	g = make_graph(h, &ctx, c, 9, weighted, &options);
	count = g.nodes * 3 + 1;
	for (int i = 0; i < 2; i++)
	{
		pair[i] = rk_alloc(&ctx, count, sizeof(uint32_t));
		common[i] = rk_alloc(&ctx, count, sizeof(uint32_t));
		sum[i] = rk_alloc(&ctx, count, sizeof(double));
		/* the first nodes of a skewed graph have the long rows */
		for (int64_t k = 0; k < count; k++)
			pair[i][k] = rk_hash3(3, i, k) % (k % 3 == 0 && g.nodes > 10 ? g.nodes / 10 : g.nodes);
	}
	value = rk_alloc(&ctx, g.nodes, sizeof(double));
	weights = rk_alloc(&ctx, g.arcs, sizeof(double));
	for (int64_t v = 0; v < g.nodes; v++)
		value[v] = rk_uniform(rk_hash2(5, v));
	for (int64_t e = 0; e < g.arcs; e++)
		weights[e] = rk_uniform(rk_hash2(6, e)) - 0.3;
	m.value = value;
	hoods = (rk_neighborhoods) {.nodes = g.nodes, .rows = in ? g.in : g.out};
	if (replaced)
		hoods.rows.weights = weights;
	cpu_seconds = now();
	for (int64_t k = 0; k < count; k++)
		common[0][k] = rk_neighbor_intersect(&hoods, &m, pair[0][k], pair[1][k], &sum[0][k], NULL);
	cpu_seconds = now() - cpu_seconds;
	for (int i = 0; i < 2; i++)
		call.input[i] = (rk_cuda_input) {pair[i], count * (int64_t) sizeof(uint32_t)};
	if (term == RK_TERM_NODE)
		call.input[2] = (rk_cuda_input) {value, g.nodes * (int64_t) sizeof(double)};
	if (replaced)
		call.input[3] = (rk_cuda_input) {weights, g.arcs * (int64_t) sizeof(double)};
	call.output[0] = (rk_cuda_output) {common[1], count * (int64_t) sizeof(uint32_t)};
	if (term != RK_TERM_NONE)
		call.output[1] = (rk_cuda_output) {sum[1], count * (int64_t) sizeof(double)};
	call.graph = load(h, what, &g, &call.usage);
	if (call.graph)
	{
		if (run_device(h, what, &call, &device_seconds))
		{
			for (int64_t k = 0; k < count; k++)
			{
				found += common[0][k];
				wrong += common[0][k] != common[1][k] ||
					(term != RK_TERM_NONE && memcmp(&sum[0][k], &sum[1][k], sizeof(double)) != 0);
			}
			snprintf(difference, sizeof(difference), "%lld found, %lld wrong", (long long) found, (long long) wrong);
			report(h, what, wrong == 0, difference, cpu_seconds, device_seconds, &call.usage);
		}
		h->table->free_graph(h->device, call.graph);
	}
	rk_ctx_destroy(&ctx);
}

void
check_similarity(harness *h)
{
	static const graph_case dense = {"dense", SHAPE_RANDOM, 200, 12000};
	static const graph_case hubs = {"hubs", SHAPE_SKEWED, 700, 6000};

	for (int term = RK_TERM_NONE; term <= RK_TERM_PRODUCT; term++)
	{
		for (const graph_case *c = graph_cases; c->name; c++)
			check_case(h, c, term, (term + (c - graph_cases)) & 1, (term + (c - graph_cases)) % 4 == 3, false);
		check_case(h, &dense, term, true, term & 1, term == RK_TERM_PRODUCT);
		check_case(h, &hubs, term, false, false, term == RK_TERM_MIN);
	}
}
