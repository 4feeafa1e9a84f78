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

/* ---- eigenvector ---- */

static rk_status
build_strengths(rk_ctx *ctx, const rk_edges *edges, bool directed, rk_graph *g)
{
	rk_graph_options o = {.directed = directed,.want_in = true,
		.parallel = edges->weight ? RK_EDGES_SUM : RK_EDGES_COLLAPSE};

	return rk_graph_build(ctx, edges, &o, g);
}

/* a[v][u]: weight of the arcs from u to v, a loop once. */
static void
transposed(const rk_edges *e, bool directed, double a[MAX][MAX])
{
	memset(a, 0, sizeof(double) * MAX * MAX);
	for (int64_t i = 0; i < e->count; i++)
	{
		uint32_t	u = e->source[i];
		uint32_t	v = e->target[i];
		double		w = e->weight ? e->weight[i] : 1;

		a[v][u] = e->weight ? a[v][u] + w : w;
		if (!directed && u != v)
			a[u][v] = e->weight ? a[u][v] + w : w;
	}
}

/* Where the iteration leads, by raising I + B to the power 2^60. */
static void
limit(double a[MAX][MAX], int n, double *x)
{
	static double m[MAX][MAX];
	static double square[MAX][MAX];
	double		largest = 0;
	double		length = 0;

	for (int i = 0; i < n; i++)
		for (int j = 0; j < n; j++)
			largest = fmax(largest, a[i][j]);
	for (int i = 0; i < n; i++)
		for (int j = 0; j < n; j++)
			m[i][j] = a[i][j] / largest + (i == j);
	for (int round = 0; round < 60; round++)
	{
		largest = 0;
		for (int i = 0; i < n; i++)
		{
			for (int j = 0; j < n; j++)
			{
				square[i][j] = 0;
				for (int k = 0; k < n; k++)
					square[i][j] += m[i][k] * m[k][j];
				largest = fmax(largest, square[i][j]);
			}
		}
		for (int i = 0; i < n; i++)
			for (int j = 0; j < n; j++)
				m[i][j] = square[i][j] / largest;
	}
	for (int i = 0; i < n; i++)
	{
		x[i] = 0;
		for (int j = 0; j < n; j++)
			x[i] += m[i][j];
		length += x[i] * x[i];
	}
	for (int i = 0; i < n; i++)
		x[i] /= sqrt(length);
}

/* Whether the nodes, taken away when nothing follows them, all go. */
static bool
acyclic(double a[MAX][MAX], int n)
{
	bool		gone[MAX] = {false};
	int			left = n;

	for (bool any = true; any;)
	{
		any = false;
		for (int u = 0; u < n; u++)
		{
			bool		followed = false;

			for (int v = 0; v < n; v++)
				followed |= !gone[v] && a[v][u] > 0;
			if (!gone[u] && !followed)
			{
				gone[u] = any = true;
				left--;
			}
		}
	}
	return left == 0;
}

static void
eigenvector_is_the_limit_of_the_iteration(void **state)
{
	(void) state;
	for (int round = 0; round < 800; round++)
	{
		int64_t		n = 1 + rk_hash2(round, 1) % 25;
		test_edges	e = random_edges(round, n, rk_hash2(round, 2) % 80, round & 1);
		bool		directed = round & 2;
		rk_eigenvector_params p = {.tolerance = 1e-13,.max_iterations = 5000,.norm = (round >> 2) % 3};
		static double a[MAX][MAX];
		double		expected[MAX];
		double		score[MAX];
		double		size = 0;
		double		value;
		double		product = 0;
		rk_graph	g;
		rk_run		run;
		rk_ctx		ctx;

		rk_ctx_init(&ctx);
		assert_int_equal(build_strengths(&ctx, &e.edges, directed, &g), RK_OK);
		assert_int_equal(rk_graph_eigenvector_centrality(&ctx, &g, &p, score, &value, &run), RK_OK);
		transposed(&e.edges, directed, a);
		if (acyclic(a, (int) n))
		{
			assert_true(value == 0 && run.converged);
			for (int v = 0; v < n; v++)
				assert_true(score[v] == 0);
		}
		else
		{
			double		length = 0;

			limit(a, (int) n, expected);
			for (int v = 0; v < n; v++)
			{
				size = p.norm == RK_EIGENVECTOR_MAX ? fmax(size, expected[v]) :
					p.norm == RK_EIGENVECTOR_SUM ? size + expected[v] : 1;
				length += score[v] * score[v];
			}
			for (int v = 0; v < n; v++)
			{
				/* a chain of components with one eigenvalue converges like 1 / k */
				assert_true(fabs(score[v] - expected[v] / size) < 2e-5);
				for (int u = 0; u < n; u++)
					product += score[v] * a[v][u] * score[u] / length;
			}
			assert_true(fabs(value - product) < 1e-9 * fmax(1, product));
		}
		rk_ctx_destroy(&ctx);
		free_edges(&e);
	}
}

/* The hub of a star with many leaves: plain iterations would take thousands. */
static void
eigenvector_of_a_large_star(void **state)
{
	enum
	{
		LEAVES = 20000
	};
	test_edges	e = random_edges(1, LEAVES + 1, LEAVES, false);
	rk_eigenvector_params p = {.tolerance = 1e-15,.max_iterations = 40};
	double	   *score = malloc(sizeof(double) * (LEAVES + 1));
	double		value;
	rk_graph	g;
	rk_run		run;
	rk_ctx		ctx;

	(void) state;
	for (int i = 0; i < LEAVES; i++)
	{
		e.source[i] = 0;
		e.target[i] = i + 1;
	}
	rk_ctx_init(&ctx);
	assert_int_equal(build_strengths(&ctx, &e.edges, false, &g), RK_OK);
	assert_int_equal(rk_graph_eigenvector_centrality(&ctx, &g, &p, score, &value, &run), RK_OK);
	assert_true(run.converged);
	assert_true(fabs(value - sqrt(LEAVES)) < 1e-9);
	assert_true(fabs(score[0] - sqrt(0.5)) < 1e-12);
	for (int i = 1; i <= LEAVES; i++)
		assert_true(fabs(score[i] - sqrt(0.5 / LEAVES)) < 1e-12);
	rk_ctx_destroy(&ctx);
	free(score);
	free_edges(&e);
}

static void
eigenvector_does_not_depend_on_the_scale(void **state)
{
	static const double factors[] = {2, 0x1p-300, 0x1p200, 1e-9};

	(void) state;
	for (int i = 0; i < 4; i++)
	{
		test_edges	e = random_edges(7, 200, 1000, true);
		rk_eigenvector_params p = {.tolerance = 1e-12,.max_iterations = 1000};
		double		score[2][200];

		for (int round = 0; round < 2; round++)
		{
			double		value;
			rk_graph	g;
			rk_run		run;
			rk_ctx		ctx;

			rk_ctx_init(&ctx);
			assert_int_equal(build_strengths(&ctx, &e.edges, true, &g), RK_OK);
			assert_int_equal(rk_graph_eigenvector_centrality(&ctx, &g, &p, score[round], &value, &run), RK_OK);
			assert_true(run.converged);
			rk_ctx_destroy(&ctx);
			for (int64_t k = 0; k < e.edges.count; k++)
				e.weight[k] *= factors[i];
		}
		for (int v = 0; v < 200; v++)
			assert_true(fabs(score[0][v] - score[1][v]) < 1e-12);
		free_edges(&e);
	}
}

/* Starts where plain iterations do not reach, so that spaces are made. */
static rk_status
run_eigenvector(rk_ctx *ctx, const rk_edges *edges, void *result)
{
	rk_eigenvector_params p = {.tolerance = 1e-15,.max_iterations = 40};
	double		value;
	rk_graph	g;
	rk_run		run;
	rk_status	status = build_strengths(ctx, edges, true, &g);

	return status == RK_OK ? rk_graph_eigenvector_centrality(ctx, &g, &p, result, &value, &run) : status;
}

static void
eigenvector_passes_the_sweeps(void **state)
{
	(void) state;
	all_sweeps(run_eigenvector, false, 20000, 200000, sizeof(double) * 20000);
	all_sweeps(run_eigenvector, true, 20000, 200000, sizeof(double) * 20000);
}

/* ---- katz ---- */

static void
katz_solves_the_linear_system(void **state)
{
	(void) state;
	for (int round = 0; round < 600; round++)
	{
		int64_t		n = 1 + rk_hash2(round, 1) % MAX;
		test_edges	e = random_edges(round, n, rk_hash2(round, 2) % 120, round & 1);
		bool		directed = round & 2;
		double		node_beta[MAX];
		rk_katz_params p = {.alpha = round & 4 ? 0 : 1e-3,.beta = round & 8 ? 1 : -2.5,
			.node_beta = round & 16 ? node_beta : NULL,.tolerance = 1e-15,.max_iterations = 20000,
		.norm = (round >> 5) % 3};
		static double a[MAX][MAX];
		double		score[MAX];
		double		size = 0;
		double		alpha;
		double		beta[MAX];
		rk_graph	g;
		rk_run		run;
		rk_ctx		ctx;

		transposed(&e.edges, directed, a);
		for (int v = 0; v < n; v++)
		{
			node_beta[v] = rk_hash3(round, v, 4) % 3 == 0 ? NAN : (double) (rk_hash3(round, v, 5) % 9) - 3;
			beta[v] = p.node_beta && !isnan(node_beta[v]) ? node_beta[v] : p.beta;
		}
		rk_ctx_init(&ctx);
		assert_int_equal(build_strengths(&ctx, &e.edges, directed, &g), RK_OK);
		p.norm = RK_KATZ_NONE;
		assert_int_equal(rk_graph_katz_centrality(&ctx, &g, &p, score, &alpha, &run), RK_OK);
		for (int v = 0; v < n; v++)
		{
			double		x = beta[v];

			for (int u = 0; u < n; u++)
				x += alpha * a[v][u] * score[u];
			assert_true(fabs(x - score[v]) < 1e-11 * fmax(1, fabs(x)));
		}
		if (p.alpha == 0)
		{
			double		largest = 0;

			for (int v = 0; v < n; v++)
			{
				double		strength = 0;

				for (int u = 0; u < n; u++)
					strength += a[v][u];
				largest = fmax(largest, strength);
			}
			assert_true(fabs(alpha - 1 / (1 + largest)) < 1e-15);
		}
		for (int norm = RK_KATZ_L2; norm <= RK_KATZ_MAX; norm++)
		{
			double		normed[MAX];
			double		scale;

			p.norm = norm;
			assert_int_equal(rk_graph_katz_centrality(&ctx, &g, &p, normed, &alpha, &run), RK_OK);
			size = 0;
			for (int v = 0; v < n; v++)
				size = norm == RK_KATZ_MAX ? fmax(size, fabs(score[v])) : size + score[v] * score[v];
			scale = norm == RK_KATZ_MAX ? size : sqrt(size);
			for (int v = 0; v < n; v++)
				assert_true(fabs(normed[v] - (scale > 0 ? score[v] / scale : 0)) < 1e-13);
		}
		rk_ctx_destroy(&ctx);
		free_edges(&e);
	}
}

/* On a cycle of weight 1 the limit of alpha is 1; on a path there is none. */
static void
katz_tells_divergence_from_growth(void **state)
{
	static const struct
	{
		double		alpha;
		int			max_iterations;
		bool		closed;
		rk_status	status;
		bool		converged;
	}			cases[] = {
		{0.9, 2000, true, RK_OK, true},
		{1.1, 2000, true, RK_ERR_PARAMETER, false},
		{1.1, 50, true, RK_OK, false},
		{0.999, 300, true, RK_OK, false},
		{1e6, 1000, true, RK_ERR_PARAMETER, false},
		{1.1, 2000, false, RK_OK, true},
		{1e300, 2000, false, RK_ERR_PARAMETER, false},
		{1e308, 2000, false, RK_ERR_PARAMETER, false},
	};

	(void) state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		enum
		{
			N = 400
		};
		test_edges	e = random_edges(1, N, N, false);
		rk_katz_params p = {.alpha = cases[i].alpha,.beta = 1,.tolerance = 1e-9,
		.max_iterations = cases[i].max_iterations};
		double		score[N];
		double		alpha;
		rk_graph	g;
		rk_run		run;
		rk_ctx		ctx;

		for (int k = 0; k < N; k++)
		{
			e.source[k] = k;
			e.target[k] = (k + 1) % N;
		}
		e.edges.count = cases[i].closed ? N : N - 1;
		rk_ctx_init(&ctx);
		assert_int_equal(build_strengths(&ctx, &e.edges, true, &g), RK_OK);
		assert_int_equal(rk_graph_katz_centrality(&ctx, &g, &p, score, &alpha, &run), cases[i].status);
		if (cases[i].status == RK_OK)
			assert_int_equal(run.converged, cases[i].converged);
		else
			assert_non_null(strstr(ctx.error.message, "1/lambda_max"));
		rk_ctx_destroy(&ctx);
		free_edges(&e);
	}
}

static rk_status
run_katz(rk_ctx *ctx, const rk_edges *edges, void *result)
{
	rk_katz_params p = {.beta = 1,.tolerance = 1e-12,.max_iterations = 60};
	double		alpha;
	rk_graph	g;
	rk_run		run;
	rk_status	status = build_strengths(ctx, edges, true, &g);

	return status == RK_OK ? rk_graph_katz_centrality(ctx, &g, &p, result, &alpha, &run) : status;
}

static void
katz_passes_the_sweeps(void **state)
{
	(void) state;
	all_sweeps(run_katz, false, 20000, 200000, sizeof(double) * 20000);
	all_sweeps(run_katz, true, 20000, 200000, sizeof(double) * 20000);
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
		cmocka_unit_test(eigenvector_is_the_limit_of_the_iteration),
		cmocka_unit_test(eigenvector_of_a_large_star),
		cmocka_unit_test(eigenvector_does_not_depend_on_the_scale),
		cmocka_unit_test(eigenvector_passes_the_sweeps),
		cmocka_unit_test(katz_solves_the_linear_system),
		cmocka_unit_test(katz_tells_divergence_from_growth),
		cmocka_unit_test(katz_passes_the_sweeps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
