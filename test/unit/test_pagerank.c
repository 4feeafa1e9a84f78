/*
 * test_pagerank.c
 *	  PageRank against power iteration on the full matrix, and its sweeps.
 */
#include "support.h"

#include "../../src/graph/centrality/centrality.h"

#define MAX 40

/* The definition, on a matrix: the slow way. */
static void
reference(const rk_edges *e, const rk_pagerank_params *p, bool weighted, double *x)
{
	static double a[MAX][MAX];
	int			n = (int) e->nodes;
	double		t[MAX];
	double		sum = 0;

	memset(a, 0, sizeof(a));
	for (int64_t i = 0; i < e->count; i++)
	{
		if (weighted)
			a[e->source[i]][e->target[i]] += e->weight[i];
		else
			a[e->source[i]][e->target[i]] = 1;
	}
	for (int v = 0; v < n; v++)
		sum += p->personalization ? p->personalization[v] : 1;
	for (int v = 0; v < n; v++)
		x[v] = t[v] = (p->personalization ? p->personalization[v] : 1) / sum;
	for (int iteration = 0; iteration < 500; iteration++)
	{
		double		next[MAX] = {0};

		for (int u = 0; u < n; u++)
		{
			double		out = 0;

			for (int v = 0; v < n; v++)
				out += a[u][v];
			for (int v = 0; v < n; v++)
			{
				double		to = 0;

				if (out > 0)
					to = a[u][v] / out;
				else if (p->dangling == RK_DANGLING_TELEPORT)
					to = t[v];
				else if (p->dangling == RK_DANGLING_UNIFORM)
					to = 1.0 / n;
				else if (p->dangling == RK_DANGLING_SELF)
					to = u == v;
				next[v] += p->damping * x[u] * to;
			}
		}
		for (int v = 0; v < n; v++)
			x[v] = next[v] + (1 - p->damping) * t[v];
	}
}

static void
agrees_with_the_matrix(void **state)
{
	(void) state;
	for (int round = 0; round < 400; round++)
	{
		int64_t		nodes = 1 + rk_hash2(round, 1) % MAX;
		test_edges	e = random_edges(round, nodes, rk_hash2(round, 2) % 120, round & 1);
		rk_graph_options o = {.directed = true,.want_in = true,.want_out = round & 2,
			.parallel = round & 1 ? RK_EDGES_SUM : RK_EDGES_COLLAPSE};
		double		personalization[MAX];
		rk_pagerank_params p = {.damping = 0.85,.tolerance = 1e-14,.max_iterations = 1000,
			.dangling = (round >> 2) & 3,.personalization = round & 16 ? personalization : NULL};
		double		expected[MAX];
		double		score[MAX];
		rk_graph	g;
		rk_run		run;
		rk_ctx		ctx;

		for (int v = 0; v < MAX; v++)
			personalization[v] = 1 + rk_hash3(round, v, 9) % 3;
		rk_ctx_init(&ctx);
		assert_int_equal(rk_graph_build(&ctx, &e.edges, &o, &g), RK_OK);
		assert_int_equal(rk_graph_pagerank(&ctx, &g, &p, score, &run), RK_OK);
		reference(&e.edges, &p, round & 1, expected);
		for (int v = 0; v < nodes; v++)
			assert_true(fabs(score[v] - expected[v]) < 1e-12);
		rk_ctx_destroy(&ctx);
		free_edges(&e);
	}
}

static rk_status
run_pagerank(rk_ctx *ctx, const rk_edges *edges, void *result)
{
	rk_graph_options o = {.directed = true,.want_in = true,.parallel = RK_EDGES_COLLAPSE};
	rk_pagerank_params p = {.damping = 0.85,.tolerance = 1e-10,.max_iterations = 50};
	rk_graph	g;
	rk_run		run;
	rk_status	status = rk_graph_build(ctx, edges, &o, &g);

	return status == RK_OK ? rk_graph_pagerank(ctx, &g, &p, result, &run) : status;
}

static void
goes_through_all_sweeps(void **state)
{
	test_edges	e = random_edges(1, 20000, 300000, false);

	(void) state;
	assert_thread_independent(run_pagerank, &e.edges, sizeof(double) * e.edges.nodes);
	assert_survives_allocation_failures(run_pagerank, &e.edges, sizeof(double) * e.edges.nodes);
	assert_cancellable(run_pagerank, &e.edges, sizeof(double) * e.edges.nodes);
	free_edges(&e);
}

static void
zero_personalization_is_an_error(void **state)
{
	test_edges	e = LITERAL_EDGES(2, {0, 1});
	double		zero[2] = {0, 0};
	rk_graph_options o = {.directed = true,.want_in = true,.parallel = RK_EDGES_COLLAPSE};
	rk_pagerank_params p = {.damping = 0.85,.tolerance = 1e-6,.max_iterations = 5,.personalization = zero};
	double		score[2];
	rk_graph	g;
	rk_run		run;
	rk_ctx		ctx;

	(void) state;
	rk_ctx_init(&ctx);
	assert_int_equal(rk_graph_build(&ctx, &e.edges, &o, &g), RK_OK);
	assert_int_equal(rk_graph_pagerank(&ctx, &g, &p, score, &run), RK_ERR_DATA);
	rk_ctx_destroy(&ctx);
	free_edges(&e);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(agrees_with_the_matrix),
		cmocka_unit_test(goes_through_all_sweeps),
		cmocka_unit_test(zero_personalization_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
