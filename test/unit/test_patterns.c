/*
 * test_patterns.c
 *	  The pattern kernels against counting by brute force, and through the
 *	  sweeps that all kernels must pass.
 */
#include "support.h"

#include "../../src/graph/patterns/patterns.h"
#include "../../src/graph/patterns/motif_rewiring.h"
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

/* ---- degree ratio and stars ---- */

static rk_status
build_rows(rk_ctx *ctx, const rk_edges *edges, rk_graph *g)
{
	rk_graph_options o = {.directed = true,.drop_loops = true,.want_in = true,.want_out = true,
		.parallel = RK_EDGES_KEEP};

	return rk_graph_build(ctx, edges, &o, g);
}

static void
degree_ratios_by_brute_force(void **state)
{
	(void) state;
	for (uint64_t seed = 0; seed < 300; seed++)
	{
		test_edges	e = small_edges(seed, true);
		int64_t		n = e.edges.nodes;
		rk_degree_ratio_params p = {.source_threshold = 0.5,.sink_threshold = 2,.basis = seed % 3};
		rk_degree_ratios r;
		rk_ctx		ctx;
		rk_graph	g;
		int			rows[SMALL][SMALL] = {{0}};
		double		in_strength[SMALL] = {0};
		double		out_strength[SMALL] = {0};
		double		out_degree[SMALL] = {0};

		for (int64_t i = 0; i < e.edges.count; i++)
		{
			if (e.source[i] == e.target[i])
				continue;
			rows[e.source[i]][e.target[i]]++;
			out_strength[e.source[i]] += e.weight[i];
			in_strength[e.target[i]] += e.weight[i];
		}
		for (int64_t u = 0; u < n; u++)
			for (int64_t v = 0; v < n; v++)
				out_degree[u] += rows[u][v] > 0;
		rk_ctx_init(&ctx);
		ctx.threads = 1 + seed % 3;
		assert_int_equal(build_rows(&ctx, &e.edges, &g), RK_OK);
		assert_int_equal(rk_graph_degree_ratio(&ctx, &g, &p, &r), RK_OK);
		for (int64_t u = 0; u < n; u++)
		{
			double		in[3] = {0, 0, in_strength[u]};
			double		out[3] = {out_degree[u], 0, out_strength[u]};
			double		mean = 0;
			double		variance = 0;
			double		ratio;

			for (int64_t v = 0; v < n; v++)
			{
				in[0] += rows[v][u] > 0;
				in[1] += rows[v][u];
				out[1] += rows[u][v];
				mean += rows[u][v] > 0 ? out_degree[v] / out_degree[u] : 0;
			}
			for (int64_t v = 0; v < n; v++)
				if (rows[u][v] > 0)
					variance += (out_degree[v] - mean) * (out_degree[v] - mean) / out_degree[u];
			ratio = out[p.basis] > 0 ? in[p.basis] / out[p.basis] : in[p.basis] > 0 ? INFINITY : 0;
			assert_int_equal(r.in_degree[u], in[0]);
			assert_int_equal(r.out_degree[u], out[0]);
			assert_true(r.ratio[u] == ratio);
			assert_true(r.in_strength[u] == in[2] && r.out_strength[u] == out[2]);
			assert_true(fabs(r.neighbor_degree_variance[u] - variance) < 1e-12);
			assert_int_equal(r.role[u], in[0] + out[0] == 0 ? RK_ROLE_ISOLATED : ratio < 0.5 ? RK_ROLE_SOURCE :
							 ratio > 2 ? RK_ROLE_SINK : RK_ROLE_BALANCED);
		}
		rk_ctx_destroy(&ctx);
		free_edges(&e);
	}
}

static void
stars_by_brute_force(void **state)
{
	(void) state;
	for (uint64_t seed = 0; seed < 300; seed++)
	{
		test_edges	e = small_edges(seed, seed % 2);
		rk_star_params p = {.min_degree = 1 + seed % 4,.dominance = 0.6};
		rk_stars	r;
		rk_ctx		ctx;
		rk_graph	g;
		bool		a[SMALL][SMALL];

		rk_ctx_init(&ctx);
		ctx.threads = 1 + seed % 3;
		assert_int_equal(build(&ctx, &e.edges, true, &g), RK_OK);
		assert_int_equal(rk_graph_star_topology(&ctx, &g, &p, &r), RK_OK);
		assert_true((r.pass_through != NULL) == (seed % 2));
		fill_matrix(&g, a);
		for (int64_t u = 0; u < g.nodes; u++)
		{
			int64_t		spokes = 0;
			int64_t		joined = 0;
			double		in = rk_degree(&g.in, u);
			double		out = rk_degree(&g.out, u);
			rk_star_type type;

			for (int64_t v = 0; v < g.nodes; v++)
			{
				if (!a[u][v] && !a[v][u])
					continue;
				spokes++;
				for (int64_t w = 0; w < v; w++)
					joined += (a[u][w] || a[w][u]) && (a[v][w] || a[w][v]);
			}
			type = spokes == 0 || spokes < p.min_degree ? RK_STAR_NONE : in > 0.6 * (in + out) ? RK_STAR_IN :
				out > 0.6 * (in + out) ? RK_STAR_OUT : RK_STAR_MIXED;
			assert_int_equal(r.spokes[u], spokes);
			assert_int_equal(r.inter_spoke_edges[u], joined);
			assert_int_equal(r.type[u], type);
			assert_true(fabs(r.score[u] - (spokes < 2 || spokes < p.min_degree ? 0 :
										   1 - joined * 2.0 / (spokes * (spokes - 1)))) < 1e-15);
		}
		rk_ctx_destroy(&ctx);
		assert_int_equal(ctx.memory_used, 0);
		free_edges(&e);
	}
}

static rk_status
run_degree_ratio(rk_ctx *ctx, const rk_edges *edges, void *result)
{
	rk_degree_ratio_params p = {.source_threshold = 0.2,.sink_threshold = 5};
	rk_degree_ratios r;
	rk_graph	g;
	rk_status	status = build_rows(ctx, edges, &g);

	if (status == RK_OK && (status = rk_graph_degree_ratio(ctx, &g, &p, &r)) == RK_OK)
		memcpy(result, r.neighbor_degree_variance, sizeof(double) * g.nodes);
	return status;
}

static rk_status
run_stars(rk_ctx *ctx, const rk_edges *edges, void *result)
{
	rk_star_params p = {.min_degree = 3,.dominance = 0.9};
	rk_stars	r;
	rk_graph	g;
	rk_status	status = build(ctx, edges, true, &g);

	if (status == RK_OK && (status = rk_graph_star_topology(ctx, &g, &p, &r)) == RK_OK)
		memcpy(result, r.score, sizeof(double) * g.nodes);
	return status;
}

static int64_t
stars_memory(int64_t nodes, int64_t arcs, int threads)
{
	return rk_graph_star_topology_memory(nodes, arcs, true, threads);
}

/* ---- cycles ---- */

/* Counts, for every node, simple cycles of 2, 3 and 4 arcs by trying all paths. */
static void
brute_force_cycles(const bool a[SMALL][SMALL], int n, int64_t counts[SMALL][5], bool cyclic[SMALL][SMALL],
				   bool undirected)
{
	memset(cyclic, 0, sizeof(bool) * SMALL * SMALL);
	for (int u = 0; u < n; u++)
	{
		for (int k = 2; k <= 4; k++)
			counts[u][k] = 0;
		for (int v = 0; v < n; v++)
		{
			if (!a[u][v])
				continue;
			counts[u][2] += a[v][u];
			cyclic[u][v] |= a[v][u] && !undirected;
			for (int w = 0; w < n; w++)
			{
				if (w == u || !a[v][w])
					continue;
				counts[u][3] += a[w][u];
				cyclic[u][v] |= a[w][u];
				for (int x = 0; x < n; x++)
				{
					if (x == u || x == v || !a[w][x] || !a[x][u])
						continue;
					counts[u][4]++;
					cyclic[u][v] = true;
				}
			}
		}
		if (undirected)
		{
			counts[u][3] /= 2;
			counts[u][4] /= 2;
		}
	}
}

static void
cycles_by_brute_force(void **state)
{
	(void) state;
	for (uint64_t seed = 0; seed < 400; seed++)
	{
		bool		undirected = seed % 2;
		test_edges	e = small_edges(seed, seed % 3 == 0);
		rk_ctx		ctx;
		rk_graph	g;
		rk_cycle_counts r;
		bool		a[SMALL][SMALL];
		bool		b[SMALL][SMALL];
		double		w[SMALL][SMALL] = {{0}};
		bool		cyclic[SMALL][SMALL];
		int64_t		counts[SMALL][5];
		int64_t		pairs[SMALL] = {0};

		rk_ctx_init(&ctx);
		ctx.threads = 1 + seed % 3;
		assert_int_equal(build(&ctx, &e.edges, true, &g), RK_OK);
		assert_int_equal(rk_graph_cycle_participation(&ctx, &g, undirected, &r), RK_OK);
		fill_matrix(&g, a);
		for (int64_t u = 0; u < g.nodes; u++)
		{
			for (int64_t i = g.out.offsets[u]; i < g.out.offsets[u + 1]; i++)
				w[u][g.out.neighbors[i]] = g.out.weights ? g.out.weights[i] : 1;
			for (int64_t v = 0; v < g.nodes; v++)
			{
				b[u][v] = a[u][v] || (undirected && a[v][u]);
				pairs[u] += a[u][v] && a[v][u];
			}
		}
		brute_force_cycles(b, g.nodes, counts, cyclic, undirected);
		for (int64_t u = 0; u < g.nodes; u++)
		{
			double		weight = 0;
			double		on = 0;
			double		all = 0;

			for (int64_t v = 0; v < g.nodes; v++)
			{
				double		both = g.out.weights ? w[u][v] + w[v][u] : 1;

				all += b[u][v] + (!undirected && b[v][u]);
				on += cyclic[u][v] + (!undirected && cyclic[v][u]);
				if (undirected)
					weight += cyclic[u][v] ? both : 0;
				else
					weight += (cyclic[u][v] ? w[u][v] : 0) + (cyclic[v][u] ? w[v][u] : 0);
			}
			assert_int_equal(r.cycles_2[u], pairs[u]);
			assert_int_equal(r.cycles_3[u], counts[u][3]);
			assert_int_equal(r.cycles_4[u], counts[u][4]);
			assert_true(r.weight[u] == weight);
			assert_true(fabs(r.ratio[u] - (all > 0 ? on / all : 0)) < 1e-15);
		}
		rk_ctx_destroy(&ctx);
		assert_int_equal(ctx.memory_used, 0);
		free_edges(&e);
	}
}

/* The cycles that are listed are simple, different, and as many as are counted. */
static void
listed_cycles_are_those_counted(void **state)
{
	(void) state;
	for (uint64_t seed = 0; seed < 200; seed++)
	{
		bool		undirected = seed % 2;
		test_edges	e = random_edges(seed, 12, 10 + seed % 50, seed % 3 == 0);
		rk_ctx		ctx;
		rk_graph	g;
		rk_graph	searched;
		rk_cycle_counts r;
		rk_cycles  *cycles;
		rk_cycle_rows rows;
		int64_t		counts[12][5] = {{0}};
		uint64_t	previous = 0;

		rk_ctx_init(&ctx);
		assert_int_equal(build(&ctx, &e.edges, true, &g), RK_OK);
		assert_int_equal(build(&ctx, &e.edges, !undirected, &searched), RK_OK);
		assert_int_equal(rk_graph_cycle_participation(&ctx, &g, undirected, &r), RK_OK);
		assert_int_equal(rk_graph_cycles_begin(&ctx, &searched, 4, &cycles), RK_OK);
		for (;;)
		{
			assert_int_equal(rk_graph_cycles_next(cycles, &rows), RK_OK);
			if (rows.count == 0)
				break;
			for (int64_t i = 0; i < rows.count; i++)
			{
				const uint32_t *path = rows.nodes + rows.offsets[i];
				int			length = rows.offsets[i + 1] - rows.offsets[i];
				uint64_t	key = 0;

				assert_in_range(length, undirected ? 3 : 2, 4);
				for (int k = 0; k < length; k++)
				{
					assert_true(k == 0 || path[k] > path[0]);
					key = key * 16 + path[k] + 1;
					counts[path[k]][length]++;
				}
				for (int k = length; k < 4; k++)
					key *= 16;
				assert_true(undirected ? path[1] < path[length - 1] : true);
				/* a shorter cycle comes before or after those it begins */
				assert_true(key != previous);
				previous = key;
			}
		}
		rk_graph_cycles_end(cycles);
		for (int64_t u = 0; u < g.nodes; u++)
		{
			assert_int_equal(counts[u][2], undirected ? 0 : r.cycles_2[u]);
			assert_int_equal(counts[u][3], r.cycles_3[u]);
			assert_int_equal(counts[u][4], r.cycles_4[u]);
		}
		rk_ctx_destroy(&ctx);
		assert_int_equal(ctx.memory_used, 0);
		free_edges(&e);
	}
}

static rk_status
run_cycles(rk_ctx *ctx, const rk_edges *edges, bool undirected, void *result)
{
	rk_cycle_counts r;
	rk_graph	g;
	rk_status	status = build(ctx, edges, true, &g);

	if (status == RK_OK && (status = rk_graph_cycle_participation(ctx, &g, undirected, &r)) == RK_OK)
		for (int64_t u = 0; u < g.nodes; u++)
			((double *) result)[u] = r.cycles_4[u] + r.weight[u];
	return status;
}

static rk_status
run_directed_cycles(rk_ctx *ctx, const rk_edges *edges, void *result)
{
	return run_cycles(ctx, edges, false, result);
}

static rk_status
run_undirected_cycles(rk_ctx *ctx, const rk_edges *edges, void *result)
{
	return run_cycles(ctx, edges, true, result);
}

/* How many cycles of up to six arcs have their smallest node here. */
static rk_status
run_list_cycles(rk_ctx *ctx, const rk_edges *edges, void *result)
{
	rk_cycles  *cycles;
	rk_cycle_rows rows;
	rk_graph	g;
	rk_status	status = build(ctx, edges, true, &g);

	if (status != RK_OK || (status = rk_graph_cycles_begin(ctx, &g, 6, &cycles)) != RK_OK)
		return status;
	memset(result, 0, sizeof(double) * g.nodes);
	while ((status = rk_graph_cycles_next(cycles, &rows)) == RK_OK && rows.count > 0)
		for (int64_t i = 0; i < rows.count; i++)
			((double *) result)[rows.nodes[rows.offsets[i]]]++;
	if (status == RK_OK)
		rk_graph_cycles_end(cycles);
	return status;
}

static int64_t
directed_cycles_memory(int64_t nodes, int64_t arcs, int threads)
{
	return rk_graph_cycle_participation_memory(nodes, arcs, false, threads);
}

static int64_t
undirected_cycles_memory(int64_t nodes, int64_t arcs, int threads)
{
	return rk_graph_cycle_participation_memory(nodes, arcs, true, threads);
}

static int64_t
list_cycles_memory(int64_t nodes, int64_t arcs, int threads)
{
	(void) arcs;
	(void) threads;
	return rk_graph_cycles_memory(nodes, 6);
}

/* ---- motifs ---- */

/* Types of all triples, one by one; of four nodes, told apart by degrees. */
static void
motifs_by_brute_force(const rk_graph *g, const bool a[SMALL][SMALL], int size, uint64_t *count)
{
	int			n = g->nodes;

	memset(count, 0, sizeof(uint64_t) * RK_MOTIF_TYPES);
	for (int i = 0; i < n; i++)
	{
		for (int j = 0; j < i; j++)
		{
			for (int k = 0; k < j; k++)
			{
				if (size == 3)
					count[rk_graph_motif_of_three(g, i, j, k)]++;
				for (int l = 0; size == 4 && l < k; l++)
				{
					const int	nodes[4] = {i, j, k, l};
					int			degrees[4] = {0};
					int			edges = 0;
					int			largest = 0;
					int			alone = 0;

					for (int x = 0; x < 4; x++)
					{
						for (int y = 0; y < 4; y++)
							degrees[x] += a[nodes[x]][nodes[y]];
						edges += degrees[x];
						largest = degrees[x] > largest ? degrees[x] : largest;
						alone += degrees[x] == 0;
					}
					switch (edges / 2)
					{
						case 0:
							count[0]++;
							break;
						case 1:
							count[1]++;
							break;
						case 2:
							count[largest == 1 ? 2 : 3]++;
							break;
						case 3:
							count[alone == 1 ? 4 : largest == 3 ? 5 : 6]++;
							break;
						case 4:
							count[largest == 3 ? 7 : 8]++;
							break;
						case 5:
							count[9]++;
							break;
						default:
							count[10]++;
					}
				}
			}
		}
	}
}

static void
motifs_are_those_of_all_subsets(void **state)
{
	(void) state;
	for (uint64_t seed = 0; seed < 400; seed++)
	{
		rk_motif_params p = {.size = seed % 3 == 2 ? 4 : 3};
		bool		directed = seed % 3 == 1;
		test_edges	e = small_edges(seed, false);
		rk_ctx		ctx;
		rk_graph	g;
		bool		a[SMALL][SMALL];
		rk_motifs	motifs;
		uint64_t	expected[RK_MOTIF_TYPES];

		rk_ctx_init(&ctx);
		ctx.threads = 1 + seed % 3;
		assert_int_equal(build(&ctx, &e.edges, directed, &g), RK_OK);
		assert_int_equal(rk_graph_motif_detection(&ctx, &g, &p, &motifs), RK_OK);
		fill_matrix(&g, a);
		motifs_by_brute_force(&g, a, p.size, expected);
		assert_int_equal(motifs.types, p.size == 4 ? 11 : directed ? 16 : 4);
		for (int t = 0; t < motifs.types; t++)
		{
			assert_true(motifs.count[t] == expected[t]);
			assert_true(isnan(motifs.expected[t]) && isnan(motifs.z_score[t]));
		}
		rk_ctx_destroy(&ctx);
		assert_int_equal(ctx.memory_used, 0);
		free_edges(&e);
	}
}

/* Every arrangement of three nodes has the code of its drawing. */
static void
triads_have_their_names(void **state)
{
	static const struct
	{
		const char *name;
		uint32_t	arcs[6][2];
		int			count;
	}			cases[] = {
		{"003", {{0, 0}}, 0},
		{"012", {{0, 1}}, 1},
		{"102", {{0, 1}, {1, 0}}, 2},
		{"021D", {{1, 0}, {1, 2}}, 2},
		{"021U", {{0, 1}, {2, 1}}, 2},
		{"021C", {{0, 1}, {1, 2}}, 2},
		{"111D", {{0, 1}, {1, 0}, {2, 1}}, 3},
		{"111U", {{0, 1}, {1, 0}, {1, 2}}, 3},
		{"030T", {{0, 1}, {2, 1}, {0, 2}}, 3},
		{"030C", {{0, 1}, {1, 2}, {2, 0}}, 3},
		{"201", {{0, 1}, {1, 0}, {1, 2}, {2, 1}}, 4},
		{"120D", {{1, 0}, {1, 2}, {0, 2}, {2, 0}}, 4},
		{"120U", {{0, 1}, {2, 1}, {0, 2}, {2, 0}}, 4},
		{"120C", {{0, 1}, {1, 2}, {0, 2}, {2, 0}}, 4},
		{"210", {{0, 1}, {1, 2}, {2, 1}, {0, 2}, {2, 0}}, 5},
		{"300", {{0, 1}, {1, 0}, {1, 2}, {2, 1}, {0, 2}, {2, 0}}, 6},
	};
	static const uint32_t orders[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};

	(void) state;
	for (int i = 0; i < 16; i++)
	{
		test_edges	e = literal_edges(3, cases[i].count, cases[i].arcs, NULL);
		rk_motif_params p = {.size = 3};
		rk_motifs	motifs;
		rk_ctx		ctx;
		rk_graph	g;
		int			types;

		rk_ctx_init(&ctx);
		assert_int_equal(build(&ctx, &e.edges, true, &g), RK_OK);
		assert_int_equal(rk_graph_motif_detection(&ctx, &g, &p, &motifs), RK_OK);
		for (int o = 0; o < 6; o++)
		{
			int			t = rk_graph_motif_of_three(&g, orders[o][0], orders[o][1], orders[o][2]);

			assert_string_equal(rk_graph_motif_types(3, true, &types)[t].name, cases[i].name);
			assert_int_equal(rk_graph_motif_types(3, true, &types)[t].edges, cases[i].count);
		}
		for (int t = 0; t < 16; t++)
			assert_int_equal(motifs.count[t], t == i);
		rk_ctx_destroy(&ctx);
		free_edges(&e);
	}
}

/* Rewired graphs are simple, keep all degrees, and differ from what they come from. */
static void
rewiring_keeps_degrees(void **state)
{
	(void) state;
	for (uint64_t seed = 0; seed < 40; seed++)
	{
		bool		directed = seed % 2;
		test_edges	e = random_edges(seed, 200, 1000, false);
		rk_ctx		ctx;
		rk_graph	g;
		rk_graph	other;
		rk_graph	again;
		int64_t		same = 0;

		rk_ctx_init(&ctx);
		assert_int_equal(build(&ctx, &e.edges, directed, &g), RK_OK);
		assert_int_equal(rk_graph_rewire(&ctx, &g, seed, &other), RK_OK);
		assert_int_equal(rk_graph_rewire(&ctx, &g, seed, &again), RK_OK);
		assert_int_equal(other.arcs, g.arcs);
		assert_memory_equal(other.out.neighbors, again.out.neighbors, sizeof(uint32_t) * g.arcs);
		for (int64_t u = 0; u < g.nodes; u++)
		{
			assert_int_equal(rk_degree(&g.out, u), rk_degree(&other.out, u));
			assert_int_equal(rk_degree(&g.in, u), rk_degree(&other.in, u));
			for (int64_t i = other.out.offsets[u]; i < other.out.offsets[u + 1]; i++)
			{
				assert_true(other.out.neighbors[i] != u);
				same += rk_graph_motif_joined(&g.out, u, other.out.neighbors[i]);
			}
		}
		assert_true(same < g.arcs / 4);
		rk_ctx_destroy(&ctx);
		free_edges(&e);
	}
}

static rk_status
run_motifs(rk_ctx *ctx, const rk_edges *edges, bool directed, int size, int randomizations, void *result)
{
	rk_motif_params p = {.size = size,.randomizations = randomizations,.seed = 7};
	rk_motifs	motifs;
	rk_graph	g;
	rk_status	status = build(ctx, edges, directed, &g);

	if (status == RK_OK && (status = rk_graph_motif_detection(ctx, &g, &p, &motifs)) == RK_OK)
	{
		for (int t = 0; t < motifs.types; t++)
		{
			((double *) result)[t] = (double) motifs.count[t];
			((double *) result)[16 + t] = motifs.expected[t];
		}
	}
	return status;
}

static rk_status
run_triads(rk_ctx *ctx, const rk_edges *edges, void *result)
{
	return run_motifs(ctx, edges, true, 3, 0, result);
}

static rk_status
run_motifs_of_four(rk_ctx *ctx, const rk_edges *edges, void *result)
{
	return run_motifs(ctx, edges, false, 4, 0, result);
}

static rk_status
run_randomized_triads(rk_ctx *ctx, const rk_edges *edges, void *result)
{
	return run_motifs(ctx, edges, true, 3, 2, result);
}

static int64_t
triads_memory(int64_t nodes, int64_t arcs, int threads)
{
	return rk_graph_motif_detection_memory(nodes, arcs, true, threads, &(rk_motif_params) {.size = 3});
}

static int64_t
motifs_of_four_memory(int64_t nodes, int64_t arcs, int threads)
{
	return rk_graph_motif_detection_memory(nodes, arcs, false, threads, &(rk_motif_params) {.size = 4});
}

static int64_t
randomized_triads_memory(int64_t nodes, int64_t arcs, int threads)
{
	return rk_graph_motif_detection_memory(nodes, arcs, true, threads,
										   &(rk_motif_params) {.size = 3,.randomizations = 2});
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

static void
degree_ratio_passes(void **state)
{
	(void) state;
	all_sweeps(run_degree_ratio, true, 20000, 200000);
}

static void
star_topology_passes(void **state)
{
	test_edges	e = random_edges(6, 100000, 400000, true);

	(void) state;
	all_sweeps(run_stars, true, 5000, 60000);
	assert_memory_estimate(run_stars, &e.edges, true, sizeof(double) * 100000, stars_memory);
	free_edges(&e);
}

static void
cycle_participation_passes(void **state)
{
	test_edges	e = random_edges(6, 100000, 300000, true);

	(void) state;
	all_sweeps(run_directed_cycles, true, 5000, 60000);
	all_sweeps(run_undirected_cycles, true, 3000, 30000);
	all_sweeps(run_list_cycles, true, 1000, 4000);
	assert_memory_estimate(run_directed_cycles, &e.edges, true, sizeof(double) * 100000, directed_cycles_memory);
	assert_memory_estimate(run_undirected_cycles, &e.edges, true, sizeof(double) * 100000, undirected_cycles_memory);
	assert_memory_estimate(run_list_cycles, &e.edges, true, sizeof(double) * 100000, list_cycles_memory);
	free_edges(&e);
}

static void
motif_detection_passes(void **state)
{
	test_edges	e = random_edges(6, 100000, 400000, false);

	(void) state;
	all_sweeps(run_triads, false, 5000, 60000);
	all_sweeps(run_motifs_of_four, false, 3000, 40000);
	all_sweeps(run_randomized_triads, false, 1000, 5000);
	assert_memory_estimate(run_triads, &e.edges, true, sizeof(double) * 100000, triads_memory);
	assert_memory_estimate(run_motifs_of_four, &e.edges, false, sizeof(double) * 100000, motifs_of_four_memory);
	assert_memory_estimate(run_randomized_triads, &e.edges, true, sizeof(double) * 100000, randomized_triads_memory);
	free_edges(&e);
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
		cmocka_unit_test(degree_ratios_by_brute_force),
		cmocka_unit_test(stars_by_brute_force),
		cmocka_unit_test(cycles_by_brute_force),
		cmocka_unit_test(listed_cycles_are_those_counted),
		cmocka_unit_test(motifs_are_those_of_all_subsets),
		cmocka_unit_test(triads_have_their_names),
		cmocka_unit_test(rewiring_keeps_degrees),
		cmocka_unit_test(triangle_counting_passes),
		cmocka_unit_test(clustering_coefficient_passes),
		cmocka_unit_test(degree_ratio_passes),
		cmocka_unit_test(star_topology_passes),
		cmocka_unit_test(cycle_participation_passes),
		cmocka_unit_test(motif_detection_passes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
