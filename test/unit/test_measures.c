/*
 * test_measures.c
 *	  Measures of whole graphs against counting on a matrix, and their sweeps.
 */
#include "support.h"

#include "../../src/graph/measures/measures.h"

#define MAX 30

/* ---- density ---- */

static rk_status
density(rk_ctx *ctx, const rk_edges *edges, bool directed, rk_density *d)
{
	rk_graph_options o = {.directed = directed,.want_out = true,.want_in = true,.parallel = RK_EDGES_KEEP};
	rk_graph	g;
	rk_status	status = rk_graph_build(ctx, edges, &o, &g);

	return status == RK_OK ? rk_graph_density(ctx, &g, d) : status;
}

static void
density_counts_what_the_matrix_holds(void **state)
{
	(void) state;
	for (int round = 0; round < 500; round++)
	{
		int64_t		n = 1 + rk_hash2(round, 1) % MAX;
		test_edges	e = random_edges(round, n, rk_hash2(round, 2) % 200, round & 2);
		bool		directed = round & 1;
		int			a[MAX][MAX] = {{0}};
		int64_t		loops = 0,
					distinct = 0,
					rows = 0,
					both = 0;
		rk_density	d;
		rk_ctx		ctx;

		for (int64_t i = 0; i < e.edges.count; i++)
		{
			uint32_t	u = e.source[i];
			uint32_t	v = e.target[i];

			loops += u == v;
			rows += u != v;
			a[directed || u < v ? u : v][directed || u < v ? v : u] = 1;
		}
		for (int u = 0; u < n; u++)
		{
			for (int v = 0; v < n; v++)
			{
				distinct += u != v && a[u][v];
				both += u != v && a[u][v] && a[v][u];
			}
		}
		rk_ctx_init(&ctx);
		ctx.threads = 2;
		assert_int_equal(density(&ctx, &e.edges, directed, &d), RK_OK);
		assert_int_equal(d.nodes, n);
		assert_int_equal(d.edges, distinct);
		assert_int_equal(d.self_loops, loops);
		assert_int_equal(d.parallel_edges, rows - distinct);
		assert_true(fabs(d.density - (n < 2 ? 0 : distinct * (directed ? 1.0 : 2.0) / (n * (n - 1.0)))) < 1e-15);
		if (directed && distinct > 0)
			assert_true(fabs(d.reciprocity - (double) both / distinct) < 1e-15);
		else
			assert_true(isnan(d.reciprocity));
		rk_ctx_destroy(&ctx);
		free_edges(&e);
	}
}

static void
density_of_nothing(void **state)
{
	test_edges	e = random_edges(1, 1, 0, false);
	rk_density	d;
	rk_ctx		ctx;

	(void) state;
	e.edges.nodes = 0;
	rk_ctx_init(&ctx);
	assert_int_equal(density(&ctx, &e.edges, true, &d), RK_OK);
	assert_int_equal(d.nodes, 0);
	assert_true(d.density == 0 && isnan(d.reciprocity));
	rk_ctx_destroy(&ctx);
	free_edges(&e);
}

static rk_status
run_density(rk_ctx *ctx, const rk_edges *edges, void *result)
{
	return density(ctx, edges, true, result);
}

static void
density_passes_the_sweeps(void **state)
{
	test_edges	e = random_edges(3, 20000, 600000, false);

	(void) state;
	assert_thread_independent(run_density, &e.edges, sizeof(rk_density));
	assert_survives_allocation_failures(run_density, &e.edges, sizeof(rk_density));
	assert_cancellable(run_density, &e.edges, sizeof(rk_density));
	free_edges(&e);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(density_counts_what_the_matrix_holds),
		cmocka_unit_test(density_of_nothing),
		cmocka_unit_test(density_passes_the_sweeps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
