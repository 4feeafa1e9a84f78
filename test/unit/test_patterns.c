/*
 * test_patterns.c
 *	  The pattern kernels against counting by brute force, and through the
 *	  sweeps that all kernels must pass.
 */
#include "support.h"

#include "../../src/graph/patterns/patterns.h"
#include "../../src/graph/patterns/ranked.h"

#define SMALL 24				/* nodes of the graphs that are checked in full */

static rk_status
build(rk_ctx *ctx, const rk_edges *edges, bool directed, rk_graph *g)
{
	rk_graph_options o = {.directed = directed,.drop_loops = true,.want_in = true,.want_out = true,
		.parallel = edges->weight ? RK_EDGES_SUM : RK_EDGES_COLLAPSE};

	return rk_graph_build(ctx, edges, &o, g);
}

/* The 0/1 matrix of a graph's "out". */
static void
fill_matrix(const rk_graph *g, bool a[SMALL][SMALL])
{
	memset(a, 0, sizeof(bool) * SMALL * SMALL);
	for (int64_t u = 0; u < g->nodes; u++)
		for (int64_t i = g->out.offsets[u]; i < g->out.offsets[u + 1]; i++)
			a[u][g->out.neighbors[i]] = true;
}

/* Nodes and edges of a small random graph, sparse to dense. */
static test_edges
small_edges(uint64_t seed, bool weighted)
{
	int64_t		nodes = 1 + rk_hash2(seed, 77) % SMALL;

	return random_edges(seed, nodes, rk_hash2(seed, 78) % (nodes * nodes / 2 + 2), weighted);
}

/* ---- the ranked graph ---- */

/* Ranks fall by degree, rows hold the same edges, positions are found. */
static void
ranking_keeps_the_graph(void **state)
{
	(void) state;
	for (uint64_t seed = 0; seed < 60; seed++)
	{
		test_edges	e = small_edges(seed, false);
		rk_ctx		ctx;
		rk_graph	g;
		rk_ranked	r;
		bool		a[SMALL][SMALL];

		rk_ctx_init(&ctx);
		ctx.threads = 1 + seed % 3;
		assert_int_equal(build(&ctx, &e.edges, false, &g), RK_OK);
		assert_int_equal(rk_ranked_build(&ctx, &g, &r), RK_OK);
		fill_matrix(&g, a);
		assert_int_equal(r.offsets[g.nodes], g.arcs);
		for (int64_t p = 0; p < g.nodes; p++)
		{
			assert_int_equal(r.rank[r.order[p]], p);
			if (p > 0)
				assert_true(rk_degree(&g.out, r.order[p - 1]) >= rk_degree(&g.out, r.order[p]));
			for (int64_t i = r.offsets[p]; i < r.offsets[p + 1]; i++)
			{
				uint32_t	q = r.rows[i];

				assert_true(a[r.order[p]][r.order[q]]);
				if (i < r.offsets[p] + r.uppers[p])
				{
					assert_true(q < p);
					assert_true(i == r.offsets[p] || r.rows[i - 1] < q);
					assert_int_equal(rk_ranked_edge(&r, p, q), r.first[p] + i - r.offsets[p]);
					assert_int_equal(rk_ranked_edge(&r, q, p), r.first[p] + i - r.offsets[p]);
				}
				else
					assert_true(q > p);
			}
		}
		rk_ctx_destroy(&ctx);
		free_edges(&e);
	}
}

/* ---- triangle counting ---- */

static void
triangles_by_brute_force(void **state)
{
	(void) state;
	for (uint64_t seed = 0; seed < 300; seed++)
	{
		test_edges	e = small_edges(seed, false);
		rk_ctx		ctx;
		rk_graph	g;
		bool		a[SMALL][SMALL];
		int64_t		triangles[SMALL];
		double		clustering[SMALL];
		uint32_t   *support;
		rk_triangle_totals totals;
		rk_triangle_totals only;
		int64_t		sum = 0;

		rk_ctx_init(&ctx);
		ctx.threads = 1 + seed % 3;
		assert_int_equal(build(&ctx, &e.edges, false, &g), RK_OK);
		support = rk_alloc(&ctx, g.arcs, sizeof(uint32_t));
		assert_int_equal(rk_graph_triangle_counts(&ctx, &g, triangles, clustering, &totals), RK_OK);
		assert_int_equal(rk_graph_triangle_counts(&ctx, &g, NULL, NULL, &only), RK_OK);
		assert_int_equal(rk_graph_triangle_support(&ctx, &g, support), RK_OK);
		fill_matrix(&g, a);
		for (int64_t u = 0; u < g.nodes; u++)
		{
			int64_t		expected = 0;
			int64_t		degree = rk_degree(&g.out, u);

			for (int64_t i = g.out.offsets[u]; i < g.out.offsets[u + 1]; i++)
			{
				int64_t		common = 0;

				for (int64_t w = 0; w < g.nodes; w++)
					common += a[u][w] && a[g.out.neighbors[i]][w];
				assert_int_equal(support[i], common);
				expected += common;
			}
			expected /= 2;
			sum += expected;
			assert_int_equal(triangles[u], expected);
			assert_true(clustering[u] == (degree < 2 ? 0 : 2.0 * expected / (degree * (degree - 1))));
		}
		assert_int_equal(totals.triangles, sum / 3);
		assert_memory_equal(&totals, &only, sizeof(totals));
		rk_ctx_destroy(&ctx);
		assert_int_equal(ctx.memory_used, 0);
		free_edges(&e);
	}
}

/* A wheel, whose hub has more neighbours than the others put together. */
static void
triangles_of_a_wheel(void **state)
{
	int64_t		spokes = 100000;
	test_edges	e = random_edges(1, spokes + 1, 2 * spokes, false);
	int64_t    *triangles = malloc(sizeof(int64_t) * (spokes + 1));
	rk_ctx		ctx;
	rk_graph	g;
	rk_triangle_totals totals;

	(void) state;
	for (int64_t i = 0; i < spokes; i++)
	{
		e.source[2 * i] = spokes;
		e.target[2 * i] = i;
		e.source[2 * i + 1] = i;
		e.target[2 * i + 1] = (i + 1) % spokes;
	}
	rk_ctx_init(&ctx);
	ctx.threads = 2;
	assert_int_equal(build(&ctx, &e.edges, false, &g), RK_OK);
	assert_int_equal(rk_graph_triangle_counts(&ctx, &g, triangles, NULL, &totals), RK_OK);
	assert_int_equal(totals.triangles, spokes);
	assert_int_equal(triangles[spokes], spokes);
	for (int64_t i = 0; i < spokes; i++)
		assert_int_equal(triangles[i], 2);
	rk_ctx_destroy(&ctx);
	free(triangles);
	free_edges(&e);
}

static rk_status
run_triangles(rk_ctx *ctx, const rk_edges *edges, void *result)
{
	rk_triangle_totals totals;
	rk_graph	g;
	rk_status	status = build(ctx, edges, false, &g);

	return status == RK_OK ? rk_graph_triangle_counts(ctx, &g, result, NULL, &totals) : status;
}

/* The counts of the first entries, as many as fit. */
static rk_status
run_support(rk_ctx *ctx, const rk_edges *edges, void *result)
{
	rk_graph	g;
	rk_status	status = build(ctx, edges, false, &g);
	uint32_t   *support;

	if (status != RK_OK)
		return status;
	if ((support = rk_alloc(ctx, g.arcs, sizeof(uint32_t))) == NULL)
		return RK_ERR_MEMORY;
	if ((status = rk_graph_triangle_support(ctx, &g, support)) == RK_OK)
		memcpy(result, support, sizeof(double) * g.nodes);
	return status;
}

/* ---- clustering coefficient ---- */

/* By the definitions, from matrices. */
static double
clustering_by_definition(const double w[SMALL][SMALL], const bool a[SMALL][SMALL], int n, int u,
						 rk_clustering_variant variant, double max_weight)
{
	double		sum = 0;
	double		strength = 0;
	double		k = 0;
	double		d = 0;
	double		both = 0;

	for (int i = 0; i < n; i++)
	{
		k += a[u][i] || a[i][u];
		d += a[u][i] + a[i][u];
		both += a[u][i] && a[i][u];
		strength += w[u][i];
		for (int j = 0; j < n; j++)
		{
			bool		wedge = i != j && (a[u][i] || a[i][u]) && (a[u][j] || a[j][u]);

			switch (variant)
			{
				case RK_CLUSTERING_WATTS_STROGATZ:
					sum += wedge && a[i][j];
					break;
				case RK_CLUSTERING_ONNELA:
					sum += cbrt(w[u][i] / max_weight * w[i][j] / max_weight * w[u][j] / max_weight);
					break;
				case RK_CLUSTERING_BARRAT:
					sum += wedge && a[i][j] ? (w[u][i] + w[u][j]) / 2 : 0;
					break;
				case RK_CLUSTERING_FAGIOLO:
					sum += (a[u][i] + a[i][u]) * (a[i][j] + a[j][i]) * (a[j][u] + a[u][j]) / 2.0;
					break;
				case RK_CLUSTERING_GRAPHALYTICS:
					sum += wedge && a[i][j];
					break;
			}
		}
	}
	if (k < 2)
		return 0;
	if (variant == RK_CLUSTERING_BARRAT)
		return sum / (strength * (k - 1));
	if (variant == RK_CLUSTERING_FAGIOLO)
		return sum / (d * (d - 1) - 2 * both);
	return sum / (k * (k - 1));
}

static void
clustering_by_the_definitions(void **state)
{
	(void) state;
	for (uint64_t seed = 0; seed < 500; seed++)
	{
		rk_clustering_variant variant = seed % 5;
		bool		weighted = variant == RK_CLUSTERING_ONNELA || variant == RK_CLUSTERING_BARRAT;
		test_edges	e = small_edges(seed, weighted);
		rk_ctx		ctx;
		rk_graph	g;
		bool		a[SMALL][SMALL];
		double		w[SMALL][SMALL] = {{0}};
		int64_t		degree[SMALL];
		int64_t		triangles[SMALL];
		double		clustering[SMALL];
		double		max_weight = 0;
		double		sum = 0;
		rk_clustering_totals totals;

		rk_ctx_init(&ctx);
		ctx.threads = 1 + seed % 3;
		assert_int_equal(build(&ctx, &e.edges, variant >= RK_CLUSTERING_FAGIOLO, &g), RK_OK);
		assert_int_equal(rk_graph_clustering_coefficient(&ctx, &g, variant, degree, triangles, clustering, &totals), RK_OK);
		fill_matrix(&g, a);
		for (int64_t u = 0; weighted && u < g.nodes; u++)
		{
			for (int64_t i = g.out.offsets[u]; i < g.out.offsets[u + 1]; i++)
			{
				w[u][g.out.neighbors[i]] = g.out.weights[i];
				max_weight = fmax(max_weight, g.out.weights[i]);
			}
		}
		for (int64_t u = 0; u < g.nodes; u++)
		{
			double		expected = clustering_by_definition(w, a, g.nodes, u, variant, max_weight);

			assert_true(fabs(clustering[u] - expected) < 1e-13);
			sum += expected;
		}
		assert_true(fabs(totals.average - sum / g.nodes) < 1e-13);
		rk_ctx_destroy(&ctx);
		assert_int_equal(ctx.memory_used, 0);
		free_edges(&e);
	}
}

static void
clustering_needs_a_weight(void **state)
{
	test_edges	e = random_edges(3, 10, 30, true);
	int64_t		degree[10];
	int64_t		triangles[10];
	double		clustering[10];
	rk_clustering_totals totals;
	rk_ctx		ctx;
	rk_graph	g;

	(void) state;
	memset(e.weight, 0, sizeof(double) * 30);
	rk_ctx_init(&ctx);
	assert_int_equal(build(&ctx, &e.edges, false, &g), RK_OK);
	assert_int_equal(rk_graph_clustering_coefficient(&ctx, &g, RK_CLUSTERING_BARRAT, degree, triangles,
													 clustering, &totals), RK_ERR_DATA);
	assert_string_equal(ctx.error.message, "all weights are 0");
	rk_ctx_destroy(&ctx);
	free_edges(&e);
}

static rk_status
run_clustering(rk_ctx *ctx, const rk_edges *edges, rk_clustering_variant variant, void *result)
{
	rk_clustering_totals totals;
	rk_graph	g;
	rk_status	status = build(ctx, edges, variant >= RK_CLUSTERING_FAGIOLO, &g);
	int64_t    *counts;

	if (status != RK_OK)
		return status;
	if ((counts = rk_alloc(ctx, 2 * g.nodes, sizeof(int64_t))) == NULL)
		return RK_ERR_MEMORY;
	return rk_graph_clustering_coefficient(ctx, &g, variant, counts, counts + g.nodes, result, &totals);
}

static rk_status
run_onnela(rk_ctx *ctx, const rk_edges *edges, void *result)
{
	return run_clustering(ctx, edges, RK_CLUSTERING_ONNELA, result);
}

static rk_status
run_barrat(rk_ctx *ctx, const rk_edges *edges, void *result)
{
	return run_clustering(ctx, edges, RK_CLUSTERING_BARRAT, result);
}

static rk_status
run_graphalytics(rk_ctx *ctx, const rk_edges *edges, void *result)
{
	return run_clustering(ctx, edges, RK_CLUSTERING_GRAPHALYTICS, result);
}

static int64_t
onnela_memory(int64_t nodes, int64_t arcs, int threads)
{
	return rk_graph_clustering_coefficient_memory(nodes, arcs, RK_CLUSTERING_ONNELA, threads) +
		rk_block_bytes(2 * nodes, 8);
}

static int64_t
barrat_memory(int64_t nodes, int64_t arcs, int threads)
{
	return rk_graph_clustering_coefficient_memory(nodes, arcs, RK_CLUSTERING_BARRAT, threads) +
		rk_block_bytes(2 * nodes, 8);
}

static int64_t
graphalytics_memory(int64_t nodes, int64_t arcs, int threads)
{
	return rk_graph_clustering_coefficient_memory(nodes, arcs, RK_CLUSTERING_GRAPHALYTICS, threads) +
		rk_block_bytes(2 * nodes, 8);
}

/* ---- sweeps ---- */

/* A kernel takes no more memory than it says, be it 1 thread or 2. */
static void
assert_memory_estimate(test_run_fn run, const rk_edges *edges, bool directed, size_t result_size,
					   int64_t (*estimate) (int64_t nodes, int64_t arcs, int threads))
{
	void	   *result = calloc(1, result_size);

	for (int threads = 1; threads <= 2; threads++)
	{
		rk_ctx		ctx;
		rk_graph	g;
		int64_t		said;

		rk_ctx_init(&ctx);
		ctx.threads = threads;
		assert_int_equal(build(&ctx, edges, directed, &g), RK_OK);
		said = ctx.memory_used + estimate(g.nodes, g.arcs, threads);
		/* building the graph may have taken more than the kernel will */
		if (said < ctx.memory_peak)
			said = ctx.memory_peak;
		rk_ctx_destroy(&ctx);
		rk_ctx_init(&ctx);
		ctx.threads = threads;
		assert_int_equal(run(&ctx, edges, result), RK_OK);
		if (ctx.memory_peak > said)
			fail_msg("took %lld bytes, said %lld", (long long) ctx.memory_peak, (long long) said);
		rk_ctx_destroy(&ctx);
	}
	free(result);
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

static int64_t
triangles_memory(int64_t nodes, int64_t arcs, int threads)
{
	return rk_graph_triangle_counting_memory(nodes, arcs, RK_TRIANGLES_OF_NODES, threads);
}

static int64_t
support_memory(int64_t nodes, int64_t arcs, int threads)
{
	/* the array of the result is in the context here */
	return rk_graph_triangle_counting_memory(nodes, arcs, RK_TRIANGLES_OF_EDGES, threads) + rk_block_bytes(arcs, 4);
}

static void
triangle_counting_passes(void **state)
{
	test_edges	e = random_edges(6, 100000, 400000, false);

	(void) state;
	all_sweeps(run_triangles, false, 5000, 100000);
	all_sweeps(run_support, false, 5000, 100000);
	assert_memory_estimate(run_triangles, &e.edges, false, sizeof(double) * 100000, triangles_memory);
	assert_memory_estimate(run_support, &e.edges, false, sizeof(double) * 100000, support_memory);
	free_edges(&e);
}

static void
clustering_coefficient_passes(void **state)
{
	test_edges	plain = random_edges(6, 100000, 400000, false);
	test_edges	weighted = random_edges(6, 100000, 400000, true);

	(void) state;
	all_sweeps(run_onnela, true, 3000, 60000);
	all_sweeps(run_barrat, true, 3000, 60000);
	all_sweeps(run_graphalytics, false, 3000, 60000);
	assert_memory_estimate(run_onnela, &weighted.edges, false, sizeof(double) * 100000, onnela_memory);
	assert_memory_estimate(run_barrat, &weighted.edges, false, sizeof(double) * 100000, barrat_memory);
	assert_memory_estimate(run_graphalytics, &plain.edges, true, sizeof(double) * 100000, graphalytics_memory);
	free_edges(&plain);
	free_edges(&weighted);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ranking_keeps_the_graph),
		cmocka_unit_test(triangles_by_brute_force),
		cmocka_unit_test(triangles_of_a_wheel),
		cmocka_unit_test(clustering_by_the_definitions),
		cmocka_unit_test(clustering_needs_a_weight),
		cmocka_unit_test(triangle_counting_passes),
		cmocka_unit_test(clustering_coefficient_passes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
