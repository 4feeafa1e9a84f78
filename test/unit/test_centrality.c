/*
 * test_centrality.c
 *	  Closeness, eigenvector and Katz centrality against the definitions on a
 *	  matrix, and their sweeps.
 */
#include "support.h"

#include "../../src/graph/centrality/centrality.h"
#include "../../src/graph/paths/multi_search.h"

#define MAX 40

static rk_status
build(rk_ctx *ctx, const rk_edges *edges, bool directed, rk_graph *g)
{
	rk_graph_options o = {.directed = directed,.drop_loops = true,.want_in = true,.want_out = true,
		.parallel = edges->weight ? RK_EDGES_MIN : RK_EDGES_COLLAPSE};

	return rk_graph_build(ctx, edges, &o, g);
}

/* ---- closeness ---- */

/* All distances, the slow way (Floyd, Warshall). */
static void
distances(const rk_edges *e, bool directed, double d[MAX][MAX])
{
	int			n = (int) e->nodes;

	for (int u = 0; u < n; u++)
		for (int v = 0; v < n; v++)
			d[u][v] = u == v ? 0 : INFINITY;
	for (int64_t i = 0; i < e->count; i++)
	{
		uint32_t	u = e->source[i];
		uint32_t	v = e->target[i];
		double		w = e->weight ? e->weight[i] : 1;

		d[u][v] = fmin(d[u][v], w);
		if (!directed)
			d[v][u] = fmin(d[v][u], w);
	}
	for (int k = 0; k < n; k++)
		for (int u = 0; u < n; u++)
			for (int v = 0; v < n; v++)
				d[u][v] = fmin(d[u][v], d[u][k] + d[k][v]);
}

/* What a node should get; sources: the nodes that count, or NULL: all. */
static double
closeness(double d[MAX][MAX], int n, int v, const rk_closeness_params *p, const bool *pivot,
		  double *reachable, double *sum)
{
	double		inverse = 0;
	double		size = 0;
	double		pivots = 0;
	double		others = 0;

	*sum = 0;
	for (int u = 0; u < n; u++)
	{
		double		to = p->in ? d[u][v] : d[v][u];

		if (isinf(to))
			continue;
		size++;
		if (pivot && !pivot[u])
			continue;
		pivots++;
		if (u == v)
			continue;
		others++;
		*sum += to;
		inverse += 1 / to;
	}
	*reachable = size - 1;
	if (size == 1)
		return *sum = 0;
	if (pivot)
	{
		if (others == 0)
			return *sum = NAN;
		*sum *= size / pivots;
		inverse *= size / pivots;
	}
	switch (p->variant)
	{
		case RK_CLOSENESS_WASSERMAN_FAUST:
			return (size - 1) / (n - 1) * ((size - 1) / *sum);
		case RK_CLOSENESS_CLASSIC:
			return (size - 1) / *sum;
		case RK_CLOSENESS_HARMONIC:
			return p->normalized ? inverse / (n - 1) : inverse;
		default:
			return p->normalized ? (size - 1) / *sum : 1 / *sum;
	}
}

static bool
alike(double a, double b)
{
	return (isnan(a) && isnan(b)) || a == b || fabs(a - b) <= 1e-12 * fmax(1, fabs(b));
}

static void
closeness_agrees_with_the_matrix(void **state)
{
	(void) state;
	for (int round = 0; round < 1200; round++)
	{
		int64_t		n = 1 + rk_hash2(round, 1) % MAX;
		test_edges	e = random_edges(round, n, rk_hash2(round, 2) % 100, round & 1);
		bool		directed = round & 2;
		rk_closeness_params p = {.variant = (round >> 2) & 3,.normalized = round & 16,.in = round & 32,
			.seed = round};
		bool		pivot[MAX] = {false};
		static double d[MAX][MAX];
		double		score[MAX];
		double		sum[MAX];
		int64_t		reachable[MAX];
		rk_graph	g;
		rk_ctx		ctx;

		rk_ctx_init(&ctx);
		ctx.threads = 1 + round % 3;
		if (!directed && round & 64)
		{
			uint32_t	sample[MAX];

			p.samples = 1 + rk_hash2(round, 3) % 12;
			if (p.samples < n)
			{
				assert_int_equal(rk_graph_sample_nodes(&ctx, n, p.samples, p.seed, sample), RK_OK);
				for (int i = 0; i < p.samples; i++)
					pivot[sample[i]] = true;
			}
		}
		assert_int_equal(build(&ctx, &e.edges, directed, &g), RK_OK);
		assert_int_equal(rk_graph_closeness_centrality(&ctx, &g, &p, score, reachable, sum), RK_OK);
		distances(&e.edges, directed, d);
		for (int v = 0; v < n; v++)
		{
			double		r;
			double		s;
			double		expected = closeness(d, (int) n, v, &p, p.samples && p.samples < n ? pivot : NULL, &r, &s);

			assert_true(alike(score[v], expected));
			assert_true(alike(sum[v], s));
			assert_int_equal(reachable[v], (int64_t) r);
		}
		rk_ctx_destroy(&ctx);
		free_edges(&e);
	}
}

static void
closeness_refuses_bad_lengths(void **state)
{
	static const struct
	{
		double		weight[3];
		rk_closeness_variant variant;
		rk_status	status;
	}			cases[] = {
		{{1, -1, 1}, RK_CLOSENESS_CLASSIC, RK_ERR_DATA},
		{{1, 0, 1}, RK_CLOSENESS_HARMONIC, RK_ERR_DATA},
		{{1, 0, 1}, RK_CLOSENESS_CLASSIC, RK_OK},
		{{1e308, 1e308, 1e308}, RK_CLOSENESS_CLASSIC, RK_ERR_OVERFLOW},
		{{1, 1e-310, 1}, RK_CLOSENESS_HARMONIC, RK_ERR_OVERFLOW},
	};

	(void) state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		test_edges	e = literal_edges(4, 3, (uint32_t[][2]) {{0, 1}, {1, 2}, {2, 3}}, cases[i].weight);

		for (int directed = 0; directed < 2; directed++)
		{
			rk_closeness_params p = {.variant = cases[i].variant};
			double		score[4];
			double		sum[4];
			int64_t		reachable[4];
			rk_graph	g;
			rk_ctx		ctx;

			rk_ctx_init(&ctx);
			assert_int_equal(build(&ctx, &e.edges, directed, &g), RK_OK);
			assert_int_equal(rk_graph_closeness_centrality(&ctx, &g, &p, score, reachable, sum), cases[i].status);
			rk_ctx_destroy(&ctx);
		}
		free_edges(&e);
	}
}

/* Many sources in a pass against Dijkstra's algorithm with lengths of 1. */
static void
closeness_of_hops_is_that_of_equal_lengths(void **state)
{
	enum
	{
		N = 900
	};

	(void) state;
	for (int round = 0; round < 12; round++)
	{
		test_edges	e = random_edges(round, N, round % 3 == 0 ? 800 : round % 3 == 1 ? 2000 : 9000, false);
		rk_closeness_params p = {.variant = RK_CLOSENESS_HARMONIC,.in = round & 1,.samples = round & 4 ? 300 : 0};
		bool		directed = round & 2 && p.samples == 0;
		double		score[2][N];
		double		sum[2][N];
		int64_t		reachable[2][N];

		/* paths of hundreds of hops beside short ones */
		for (int i = 0; round & 8 && i < 400; i++)
		{
			e.source[i] = i;
			e.target[i] = i + 1;
		}
		for (int weighted = 0; weighted < 2; weighted++)
		{
			rk_graph	g;
			rk_ctx		ctx;

			rk_ctx_init(&ctx);
			ctx.threads = 1 + round % 2;
			assert_int_equal(build(&ctx, &e.edges, directed, &g), RK_OK);
			if (weighted)
			{
				g.out.weights = rk_alloc(&ctx, g.arcs, sizeof(double));
				g.in.weights = g.out.weights;
				for (int64_t i = 0; i < g.arcs; i++)
					g.out.weights[i] = 1;
			}
			assert_int_equal(rk_graph_closeness_centrality(&ctx, &g, &p, score[weighted], reachable[weighted],
														   sum[weighted]), RK_OK);
			rk_ctx_destroy(&ctx);
		}
		for (int v = 0; v < N; v++)
		{
			assert_true(alike(score[0][v], score[1][v]));
			assert_true(alike(sum[0][v], sum[1][v]));
			assert_int_equal(reachable[0][v], reachable[1][v]);
		}
		free_edges(&e);
	}
}

/* Nodes at distance 0 from all they reach are as near as can be. */
static void
zero_distances_are_infinitely_close(void **state)
{
	test_edges	e = literal_edges(2, 1, (uint32_t[][2]) {{0, 1}}, (double[]) {0});
	rk_closeness_params p = {.variant = RK_CLOSENESS_CLASSIC};
	double		score[2];
	double		sum[2];
	int64_t		reachable[2];
	rk_graph	g;
	rk_ctx		ctx;

	(void) state;
	rk_ctx_init(&ctx);
	assert_int_equal(build(&ctx, &e.edges, true, &g), RK_OK);
	assert_int_equal(rk_graph_closeness_centrality(&ctx, &g, &p, score, reachable, sum), RK_OK);
	assert_true(isinf(score[0]) && score[1] == 0);
	rk_ctx_destroy(&ctx);
	free_edges(&e);
}

/* Samples of directed graphs are refused here as well as at the door. */
static void
samples_need_an_undirected_graph(void **state)
{
	test_edges	e = LITERAL_EDGES(3, {0, 1}, {1, 2});
	rk_closeness_params p = {.samples = 1};
	double		score[3];
	double		sum[3];
	int64_t		reachable[3];
	rk_graph	g;
	rk_ctx		ctx;

	(void) state;
	rk_ctx_init(&ctx);
	assert_int_equal(build(&ctx, &e.edges, true, &g), RK_OK);
	assert_int_equal(rk_graph_closeness_centrality(&ctx, &g, &p, score, reachable, sum), RK_ERR_PARAMETER);
	rk_ctx_destroy(&ctx);
	free_edges(&e);
}

static rk_closeness_params sweep_params;
static bool sweep_directed;

static rk_status
run_closeness(rk_ctx *ctx, const rk_edges *edges, void *result)
{
	double	   *score = result;
	rk_graph	g;
	rk_status	status = build(ctx, edges, sweep_directed, &g);

	if (status != RK_OK)
		return status;
	return rk_graph_closeness_centrality(ctx, &g, &sweep_params, score, (int64_t *) score + g.nodes,
										 score + 2 * g.nodes);
}

static void
all_sweeps(test_run_fn run, bool weighted, int64_t nodes, int64_t rows, size_t result_size)
{
	test_edges	e = random_edges(5, nodes, rows, weighted);

	assert_thread_independent(run, &e.edges, result_size);
	assert_survives_allocation_failures(run, &e.edges, result_size);
	assert_cancellable(run, &e.edges, result_size);
	free_edges(&e);
}

static void
closeness_passes_the_sweeps(void **state)
{
	(void) state;
	sweep_directed = true;
	sweep_params = (rk_closeness_params) {.variant = RK_CLOSENESS_HARMONIC};
	all_sweeps(run_closeness, false, 2000, 8000, 3 * sizeof(double) * 2000);
	all_sweeps(run_closeness, true, 300, 1500, 3 * sizeof(double) * 300);
	sweep_directed = false;
	sweep_params.samples = 100;
	all_sweeps(run_closeness, false, 2000, 5000, 3 * sizeof(double) * 2000);
	all_sweeps(run_closeness, true, 500, 1000, 3 * sizeof(double) * 500);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(closeness_agrees_with_the_matrix),
		cmocka_unit_test(closeness_refuses_bad_lengths),
		cmocka_unit_test(closeness_of_hops_is_that_of_equal_lengths),
		cmocka_unit_test(zero_distances_are_infinitely_close),
		cmocka_unit_test(samples_need_an_undirected_graph),
		cmocka_unit_test(closeness_passes_the_sweeps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
