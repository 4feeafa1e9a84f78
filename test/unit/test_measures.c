/*
 * test_measures.c
 *	  Measures of whole graphs against counting on a matrix, and their sweeps.
 */
#include "support.h"

#include "../../src/graph/centrality/centrality.h"
#include "../../src/graph/measures/measures.h"
#include "../../src/graph/paths/paths.h"

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

/* ---- average path length ---- */

static rk_status
path_lengths(rk_ctx *ctx, const rk_edges *edges, bool directed, int64_t samples, rk_path_averages *a)
{
	rk_graph_options o = {.directed = directed,.drop_loops = true,.want_out = true,.want_in = true,
		.parallel = edges->weight ? RK_EDGES_MIN : RK_EDGES_COLLAPSE};
	rk_graph	g;
	rk_status	status = rk_graph_build(ctx, edges, &o, &g);

	return status == RK_OK ? rk_graph_average_path_length(ctx, &g, samples, 7, a) : status;
}

static bool
near(double a, double b)
{
	return (isnan(a) && isnan(b)) || fabs(a - b) <= 1e-12 * fmax(1, fabs(b));
}

static void
path_averages_agree_with_all_distances(void **state)
{
	(void) state;
	for (int round = 0; round < 600; round++)
	{
		int64_t		n = 1 + rk_hash2(round, 1) % MAX;
		test_edges	e = random_edges(round, n, rk_hash2(round, 2) % 90, round & 1);
		bool		directed = round & 2;
		int64_t		samples = round & 4 ? 1 + rk_hash2(round, 3) % 10 : 0;
		bool		exact = samples == 0 || samples >= n;
		static double d[MAX][MAX];
		uint32_t	sources[MAX];
		int64_t		count = exact ? n : samples;
		double		scale = exact ? 1 : (double) n / count;
		double		sum = 0,
					inverse = 0,
					diameter = 0,
					radius = INFINITY;
		int64_t		pairs = 0;
		int64_t		within[MAX] = {0};
		bool		connected = true;
		rk_path_averages a;
		rk_ctx		ctx;

		for (int u = 0; u < n; u++)
			for (int v = 0; v < n; v++)
				d[u][v] = u == v ? 0 : INFINITY;
		for (int64_t i = 0; i < e.edges.count; i++)
		{
			uint32_t	u = e.source[i];
			uint32_t	v = e.target[i];

			d[u][v] = fmin(d[u][v], e.weight ? e.weight[i] : 1);
			if (!directed)
				d[v][u] = fmin(d[v][u], e.weight ? e.weight[i] : 1);
		}
		for (int k = 0; k < n; k++)
			for (int u = 0; u < n; u++)
				for (int v = 0; v < n; v++)
					d[u][v] = fmin(d[u][v], d[u][k] + d[k][v]);
		rk_ctx_init(&ctx);
		ctx.threads = 1 + round % 2;
		for (int u = 0; u < n; u++)
		{
			sources[u] = u;
			for (int v = 0; v < n; v++)
				connected &= isfinite(d[u][v]);
		}
		if (!exact)
			assert_int_equal(rk_graph_sample_nodes(&ctx, n, samples, 7, sources), RK_OK);
		for (int i = 0; i < count; i++)
		{
			double		farthest = 0;
			bool		reaches = false;

			for (int v = 0; v < n; v++)
			{
				double		x = d[sources[i]][v];

				if (v == (int) sources[i] || isinf(x))
					continue;
				pairs++;
				sum += x;
				inverse += 1 / x;
				farthest = fmax(farthest, x);
				reaches = true;
				if (!e.weight)
					within[(int) x]++;
			}
			diameter = fmax(diameter, farthest);
			if (reaches)
				radius = fmin(radius, farthest);
		}
		assert_int_equal(path_lengths(&ctx, &e.edges, directed, samples, &a), RK_OK);
		assert_true(near(a.average, pairs ? sum / pairs : 0));
		assert_true(near(a.diameter, diameter));
		assert_true(near(a.radius, pairs ? radius : 0));
		assert_true(near(a.global_efficiency, n > 1 ? inverse * scale / (n * (n - 1.0)) : 0));
		assert_int_equal(a.reachable_pairs, llround(pairs * scale));
		assert_int_equal(a.reachable_pairs + a.unreachable_pairs, n * (n - 1));
		assert_int_equal(a.connected, connected);
		assert_int_equal(a.exact, exact);
		if (e.weight)
			assert_true(isnan(a.effective_diameter));
		else
		{
			double		wanted = 0.9 * pairs;
			int64_t		before = 0;
			int			h = 1;

			while (h < n - 1 && before + within[h] < wanted)
				before += within[h++];
			assert_true(near(a.effective_diameter, pairs ? h - 1 + (wanted - before) / within[h] : 0));
		}
		rk_ctx_destroy(&ctx);
		free_edges(&e);
	}
}

static void
path_averages_of_nothing(void **state)
{
	test_edges	e = random_edges(1, 1, 0, false);
	rk_path_averages a;
	rk_ctx		ctx;

	(void) state;
	rk_ctx_init(&ctx);
	assert_int_equal(path_lengths(&ctx, &e.edges, true, 0, &a), RK_OK);
	assert_true(a.average == 0 && a.diameter == 0 && a.radius == 0 && a.global_efficiency == 0);
	assert_true(a.connected && a.exact && a.unreachable_pairs == 0);
	e.edges.nodes = 0;
	assert_int_equal(path_lengths(&ctx, &e.edges, true, 0, &a), RK_OK);
	assert_true(isnan(a.average) && isnan(a.diameter) && isnan(a.global_efficiency) && a.connected);
	rk_ctx_destroy(&ctx);
	free_edges(&e);
}

static rk_status
run_path_lengths(rk_ctx *ctx, const rk_edges *edges, void *result)
{
	return path_lengths(ctx, edges, true, edges->weight ? 40 : 0, result);
}

static void
path_averages_pass_the_sweeps(void **state)
{
	(void) state;
	for (int weighted = 0; weighted < 2; weighted++)
	{
		test_edges	e = random_edges(3, 2000, 8000, weighted);

		assert_thread_independent(run_path_lengths, &e.edges, sizeof(rk_path_averages));
		assert_survives_allocation_failures(run_path_lengths, &e.edges, sizeof(rk_path_averages));
		assert_cancellable(run_path_lengths, &e.edges, sizeof(rk_path_averages));
		free_edges(&e);
	}
}

/* ---- full metrics ---- */

static rk_status
full_metrics(rk_ctx *ctx, const rk_edges *edges, bool directed, int64_t samples, rk_full_metrics *m)
{
	rk_graph_options o = {.directed = directed,.want_out = true,.want_in = true,.parallel = RK_EDGES_KEEP};
	rk_graph	g;
	rk_status	status = rk_graph_build(ctx, edges, &o, &g);

	return status == RK_OK ? rk_graph_full_metrics(ctx, &g, samples, 7, m) : status;
}

/* The largest k with a k-core, by trying. */
static int
degeneracy(bool joined[MAX][MAX], int n)
{
	for (int k = n; k > 0; k--)
	{
		bool		there[MAX];
		bool		changed = true;
		int			left = n;

		memset(there, true, sizeof(there));
		while (changed)
		{
			changed = false;
			for (int u = 0; u < n; u++)
			{
				int			degree = 0;

				for (int v = 0; v < n; v++)
					degree += there[v] && joined[u][v];
				if (there[u] && degree < k)
				{
					there[u] = false;
					changed = true;
					left--;
				}
			}
		}
		if (left > 0)
			return k;
	}
	return 0;
}

/* Components by what reaches what and back. */
static int
components(bool joined[MAX][MAX], int n, int *largest)
{
	static bool reach[MAX][MAX];
	int			count = 0;

	*largest = 0;
	memcpy(reach, joined, sizeof(reach));
	for (int u = 0; u < n; u++)
		reach[u][u] = true;
	for (int k = 0; k < n; k++)
		for (int u = 0; u < n; u++)
			for (int v = 0; v < n; v++)
				reach[u][v] |= reach[u][k] && reach[k][v];
	for (int u = 0; u < n; u++)
	{
		bool		first = true;
		int			size = 0;

		for (int v = 0; v < n; v++)
		{
			if (!reach[u][v] || !reach[v][u])
				continue;
			first &= v >= u;
			size++;
		}
		count += first;
		*largest = size > *largest ? size : *largest;
	}
	return count;
}

static void
full_metrics_agree_with_the_matrix(void **state)
{
	(void) state;
	for (int round = 0; round < 500; round++)
	{
		int64_t		n = 1 + rk_hash2(round, 1) % MAX;
		test_edges	e = random_edges(round, n, rk_hash2(round, 2) % (round & 8 ? 250 : 60), false);
		bool		directed = round & 1;
		int64_t		samples = round & 2 ? 3 : 0;
		static bool joined[MAX][MAX];
		static bool arcs[MAX][MAX];
		int64_t		degree[MAX] = {0};
		int64_t		most = 0,
					ends = 0,
					triangles = 0,
					wedges = 0;
		double		clustering = 0,
					x = 0,
					xx = 0,
					xy = 0;
		int			largest;
		int			strong;
		rk_full_metrics m;
		rk_density	d;
		rk_path_averages a;
		rk_ctx		ctx;

		memset(joined, 0, sizeof(joined));
		memset(arcs, 0, sizeof(arcs));
		for (int64_t i = 0; i < e.edges.count; i++)
		{
			uint32_t	u = e.source[i];
			uint32_t	v = e.target[i];

			if (u == v)
				continue;
			joined[u][v] = joined[v][u] = arcs[u][v] = true;
			if (!directed)
				arcs[v][u] = true;
		}
		for (int u = 0; u < n; u++)
		{
			for (int v = 0; v < n; v++)
				degree[u] += joined[u][v];
			most = degree[u] > most ? degree[u] : most;
			ends += degree[u];
			wedges += degree[u] * (degree[u] - 1) / 2;
		}
		for (int u = 0; u < n; u++)
		{
			int64_t		here = 0;

			for (int v = 0; v < n; v++)
			{
				if (!joined[u][v])
					continue;
				x += degree[u];
				xx += (double) degree[u] * degree[u];
				xy += (double) degree[u] * degree[v];
				for (int w = 0; w < v; w++)
					here += joined[u][w] && joined[v][w];
			}
			triangles += here;
			if (degree[u] > 1)
				clustering += 2.0 * here / (degree[u] * (degree[u] - 1));
		}
		rk_ctx_init(&ctx);
		ctx.threads = 1 + round % 2;
		assert_int_equal(density(&ctx, &e.edges, directed, &d), RK_OK);
		assert_int_equal(path_lengths(&ctx, &e.edges, directed, samples, &a), RK_OK);
		assert_int_equal(full_metrics(&ctx, &e.edges, directed, samples, &m), RK_OK);
		assert_memory_equal(&m.density, &d, offsetof(rk_density, reciprocity));
		assert_true(near(m.density.reciprocity, d.reciprocity));
		assert_true(near(m.mean_degree, (double) ends / n));
		assert_int_equal(m.max_degree, most);
		assert_int_equal(m.triangles, triangles / 3);
		assert_true(near(m.transitivity, wedges ? (double) triangles / wedges : 0));
		assert_true(near(m.average_clustering, clustering / n));
		assert_int_equal(m.degeneracy, degeneracy(joined, (int) n));
		if (ends == 0 || ends * xx == x * x)
			assert_true(isnan(m.degree_assortativity));
		else
			assert_true(near(m.degree_assortativity, (ends * xy - x * x) / (ends * xx - x * x)));
		strong = components(arcs, (int) n, &largest);
		assert_int_equal(m.strong_components, strong);
		assert_int_equal(m.components, components(joined, (int) n, &largest));
		assert_int_equal(m.largest_component, largest);
		assert_true(near(m.average_path_length, a.average) && near(m.diameter, a.diameter) &&
					near(m.radius, a.radius) && near(m.global_efficiency, a.global_efficiency));
		assert_int_equal(m.exact, a.exact);
		rk_ctx_destroy(&ctx);
		free_edges(&e);
	}
}

static void
full_metrics_of_nothing(void **state)
{
	test_edges	e = random_edges(1, 1, 0, false);
	rk_full_metrics m;
	rk_ctx		ctx;

	(void) state;
	e.edges.nodes = 0;
	rk_ctx_init(&ctx);
	assert_int_equal(full_metrics(&ctx, &e.edges, true, 0, &m), RK_OK);
	assert_true(m.components == 0 && m.max_degree == 0 && m.degeneracy == 0 && m.exact);
	assert_true(isnan(m.mean_degree) && isnan(m.transitivity) && isnan(m.average_path_length));
	rk_ctx_destroy(&ctx);
	free_edges(&e);
}

static rk_status
run_full_metrics(rk_ctx *ctx, const rk_edges *edges, void *result)
{
	rk_full_metrics m;
	rk_status	status = full_metrics(ctx, edges, true, 0, &m);

	/* field by field, for the gaps between them are anything */
	if (status == RK_OK)
		memcpy(result, (double[]) {m.density.reciprocity, m.mean_degree, m.degree_assortativity, m.average_clustering,
			   m.transitivity, m.average_path_length, m.global_efficiency, (double) m.triangles, (double) m.degeneracy},
			   9 * sizeof(double));
	return status;
}

static void
full_metrics_pass_the_sweeps(void **state)
{
	test_edges	e = random_edges(3, 1500, 9000, false);

	(void) state;
	assert_thread_independent(run_full_metrics, &e.edges, 9 * sizeof(double));
	assert_survives_allocation_failures(run_full_metrics, &e.edges, 9 * sizeof(double));
	assert_cancellable(run_full_metrics, &e.edges, 9 * sizeof(double));
	free_edges(&e);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(density_counts_what_the_matrix_holds),
		cmocka_unit_test(density_of_nothing),
		cmocka_unit_test(density_passes_the_sweeps),
		cmocka_unit_test(path_averages_agree_with_all_distances),
		cmocka_unit_test(path_averages_of_nothing),
		cmocka_unit_test(path_averages_pass_the_sweeps),
		cmocka_unit_test(full_metrics_agree_with_the_matrix),
		cmocka_unit_test(full_metrics_of_nothing),
		cmocka_unit_test(full_metrics_pass_the_sweeps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
