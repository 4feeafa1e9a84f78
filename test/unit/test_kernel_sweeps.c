/*
 * test_kernel_sweeps.c
 *	  Every kernel through the sweeps that all must pass: the same bits for any
 *	  number of threads, every allocation failing once, cancellation.
 */
#include "support.h"

#include "../../src/graph/centrality/centrality.h"
#include "../../src/graph/community/community.h"
#include "../../src/graph/paths/paths.h"

static rk_status
build(rk_ctx *ctx, const rk_edges *edges, bool directed, rk_graph *g)
{
	rk_graph_options o = {.directed = directed,.drop_loops = true,.want_in = true,.want_out = true,
		.parallel = edges->weight ? RK_EDGES_MIN : RK_EDGES_COLLAPSE};

	return rk_graph_build(ctx, edges, &o, g);
}

static rk_status
run_weak_components(rk_ctx *ctx, const rk_edges *edges, void *result)
{
	rk_components c;

	return rk_graph_weak_components_edges(ctx, edges, result, &c);
}

static rk_status
run_strong_components(rk_ctx *ctx, const rk_edges *edges, void *result)
{
	rk_components c;
	rk_graph	g;
	rk_status	status = build(ctx, edges, true, &g);

	return status == RK_OK ? rk_graph_strong_components(ctx, &g, result, &c) : status;
}

static rk_status
run_betweenness(rk_ctx *ctx, const rk_edges *edges, void *result)
{
	rk_betweenness_params p = {.normalized = true,.samples = 40,.delta = 0.1};
	int64_t		used;
	rk_graph	g;
	rk_status	status = build(ctx, edges, true, &g);

	return status == RK_OK ? rk_graph_betweenness_centrality(ctx, &g, &p, result, &used) : status;
}

static rk_status
run_betweenness_epsilon(rk_ctx *ctx, const rk_edges *edges, void *result)
{
	rk_betweenness_params p = {.normalized = true,.epsilon = 0.05,.delta = 0.1};
	int64_t		used;
	rk_graph	g;
	rk_status	status = build(ctx, edges, false, &g);

	return status == RK_OK ? rk_graph_betweenness_centrality(ctx, &g, &p, result, &used) : status;
}

/* One source to all; distances only, so that the result has one size. */
static rk_status
run_shortest_path(rk_ctx *ctx, const rk_edges *edges, void *result)
{
	rk_shortest_path_params p = {.source = 0,.max_distance = INFINITY};
	uint32_t   *predecessor;
	int64_t    *hops;
	rk_graph	g;
	rk_status	status = build(ctx, edges, true, &g);

	if (status != RK_OK)
		return status;
	predecessor = rk_alloc(ctx, g.nodes, sizeof(uint32_t));
	hops = rk_alloc(ctx, g.nodes, sizeof(int64_t));
	if (!predecessor || !hops)
		return RK_ERR_MEMORY;
	return rk_graph_shortest_path(ctx, &g, &p, result, predecessor, hops);
}

static rk_status
run_eccentricity(rk_ctx *ctx, const rk_edges *edges, void *result)
{
	rk_graph	g;
	rk_status	status = build(ctx, edges, true, &g);

	return status == RK_OK ? rk_graph_shortest_path_eccentricity(ctx, &g, result) : status;
}

static rk_status
run_degrees(rk_ctx *ctx, const rk_edges *edges, void *result)
{
	rk_graph_options o = {.directed = true,.want_in = true,.want_out = true};
	rk_degrees	d;
	rk_graph	g;
	rk_status	status = rk_graph_build(ctx, edges, &o, &g);

	if (status == RK_OK && (status = rk_graph_degree_centrality(ctx, &g, &d)) == RK_OK)
		memcpy(result, d.score, sizeof(double) * g.nodes);
	return status;
}

static void
all_sweeps(test_run_fn run, bool weighted, int64_t nodes, int64_t rows)
{
	test_edges	e = random_edges(5, nodes, rows, weighted);

	assert_thread_independent(run, &e.edges, sizeof(double) * nodes);
	assert_survives_allocation_failures(run, &e.edges, sizeof(double) * nodes);
	assert_cancellable(run, &e.edges, sizeof(double) * nodes);
	free_edges(&e);
}

static void
weak_components_pass(void **state)
{
	(void) state;
	all_sweeps(run_weak_components, false, 50000, 40000);
}

static void
strong_components_pass(void **state)
{
	(void) state;
	all_sweeps(run_strong_components, false, 20000, 40000);
}

static void
degree_centrality_passes(void **state)
{
	(void) state;
	all_sweeps(run_degrees, true, 20000, 200000);
}

static void
betweenness_passes(void **state)
{
	(void) state;
	all_sweeps(run_betweenness, false, 3000, 20000);
	all_sweeps(run_betweenness, true, 1000, 5000);
}

static void
betweenness_epsilon_passes(void **state)
{
	(void) state;
	all_sweeps(run_betweenness_epsilon, false, 500, 2000);
}

static void
shortest_path_passes(void **state)
{
	(void) state;
	all_sweeps(run_shortest_path, false, 20000, 100000);
	all_sweeps(run_shortest_path, true, 20000, 100000);
}

static void
eccentricity_passes(void **state)
{
	(void) state;
	all_sweeps(run_eccentricity, false, 1000, 4000);
	all_sweeps(run_eccentricity, true, 300, 1500);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(weak_components_pass),
		cmocka_unit_test(strong_components_pass),
		cmocka_unit_test(degree_centrality_passes),
		cmocka_unit_test(betweenness_passes),
		cmocka_unit_test(betweenness_epsilon_passes),
		cmocka_unit_test(shortest_path_passes),
		cmocka_unit_test(eccentricity_passes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
