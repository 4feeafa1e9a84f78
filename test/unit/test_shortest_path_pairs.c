/*
 * test_shortest_path_pairs.c
 *	  Streams of pairs and eccentricities against one search after the other.
 */
#include "support.h"

#include "../../src/graph/paths/paths.h"

static rk_status
build(rk_ctx *ctx, const rk_edges *edges, bool directed, bool want_in, rk_graph *g)
{
	rk_graph_options o = {.directed = directed,.want_out = true,.want_in = want_in,
		.parallel = edges->weight ? RK_EDGES_MIN : RK_EDGES_COLLAPSE};

	return rk_graph_build(ctx, edges, &o, g);
}

/* All answers of rk_graph_shortest_path, source by source. */
typedef struct table
{
	int64_t		nodes;
	double	   *distance;
	uint32_t   *predecessor;
	int64_t    *hops;
} table;

static table
make_table(rk_ctx *ctx, const rk_graph *g)
{
	int64_t		n = g->nodes;
	table		t = {n, malloc(sizeof(double) * n * n + 1), malloc(sizeof(uint32_t) * n * n + 1),
	malloc(sizeof(int64_t) * n * n + 1)};

	for (int64_t u = 0; u < n; u++)
	{
		rk_shortest_path_params params = {u, INFINITY, RK_PATH_AUTO};

		assert_int_equal(rk_graph_shortest_path(ctx, g, &params, t.distance + u * n,
												t.predecessor + u * n, t.hops + u * n), RK_OK);
	}
	return t;
}

static void
free_table(table *t)
{
	free(t->distance);
	free(t->predecessor);
	free(t->hops);
}

static bool
is_near(const table *t, uint32_t u, uint32_t v, double max_distance)
{
	int64_t		at = (int64_t) u * t->nodes + v;

	return t->hops[at] >= 0 && t->distance[at] <= max_distance;
}

/* A row is what the table says, and its path follows the predecessors. */
static void
assert_row(const table *t, const rk_path_rows *rows, int64_t i, uint32_t source, uint32_t target)
{
	int64_t		at = (int64_t) source * t->nodes + target;

	assert_int_equal(rows->source[i], source);
	assert_int_equal(rows->target[i], target);
	assert_true(rows->distance[i] == t->distance[at]);
	assert_int_equal(rows->hops[i], t->hops[at]);
	if (rows->path_offsets)
	{
		int64_t		end = rows->path_offsets[i + 1];

		assert_int_equal(end - rows->path_offsets[i], rows->hops[i] + 1);
		for (uint32_t v = target; v != RK_NO_NODE;
			 v = t->predecessor[(int64_t) source * t->nodes + v])
			assert_int_equal(rows->path[--end], v);
		assert_int_equal(end, rows->path_offsets[i]);
	}
}

static int
compare_pairs(const void *a, const void *b)
{
	uint64_t	x = *(const uint64_t *) a;
	uint64_t	y = *(const uint64_t *) b;

	return (x > y) - (x < y);
}

/* Streams the pairs and compares every row; from NULL: all pairs. */
static void
check_pairs(rk_ctx *ctx, const rk_graph *g, const table *t, const rk_path_pairs_params *params)
{
	int64_t		n = g->nodes;
	int64_t		count = params->from ? params->count : n * n;
	uint64_t   *pairs = malloc(sizeof(uint64_t) * (count + 1));
	int64_t		next = 0;
	int64_t		before = ctx->memory_used;
	rk_path_pairs *stream;
	rk_path_rows rows;

	for (int64_t i = 0; i < count; i++)
		pairs[i] = params->from ? (uint64_t) params->from[i] << 32 | params->to[i] :
			(uint64_t) (i / n) << 32 | (uint64_t) (i % n);
	qsort(pairs, count, sizeof(uint64_t), compare_pairs);
	assert_int_equal(rk_graph_shortest_path_pairs_begin(ctx, g, params, &stream), RK_OK);
	do
	{
		assert_int_equal(rk_graph_shortest_path_pairs_next(stream, &rows), RK_OK);
		for (int64_t i = 0; i < rows.count; i++, next++)
		{
			for (;; next++)
			{
				uint32_t	u = pairs[next] >> 32;
				uint32_t	v = (uint32_t) pairs[next];

				if ((params->from || u != v) && is_near(t, u, v, params->max_distance))
					break;
			}
			assert_row(t, &rows, i, pairs[next] >> 32, (uint32_t) pairs[next]);
		}
	} while (rows.count > 0);
	for (; next < count; next++)
		assert_true((!params->from && pairs[next] >> 32 == (uint32_t) pairs[next]) ||
					!is_near(t, pairs[next] >> 32, (uint32_t) pairs[next], params->max_distance));

	/* the end stays the end */
	assert_int_equal(rk_graph_shortest_path_pairs_next(stream, &rows), RK_OK);
	assert_int_equal(rows.count, 0);
	rk_graph_shortest_path_pairs_end(stream);
	assert_int_equal(ctx->memory_used, before);
	free(pairs);
}

static void
check_eccentricity(rk_ctx *ctx, const rk_graph *g, const table *t)
{
	double	   *found = malloc(sizeof(double) * (g->nodes + 1));

	assert_int_equal(rk_graph_shortest_path_eccentricity(ctx, g, found), RK_OK);
	for (int64_t u = 0; u < g->nodes; u++)
	{
		double		expected = 0;

		for (int64_t v = 0; v < g->nodes; v++)
			if (t->hops[u * g->nodes + v] >= 0 && t->distance[u * g->nodes + v] > expected)
				expected = t->distance[u * g->nodes + v];
		assert_true(found[u] == expected);
	}
	free(found);
}

/* An engine: one search after the other, unless it is told (by arg) to refuse. */
static bool
search_one_by_one(void *arg, const rk_path_pairs_work *w)
{
	int64_t		n = w->graph->nodes;
	double	   *distance = malloc(sizeof(double) * n);
	uint32_t   *predecessor = malloc(sizeof(uint32_t) * n);
	int64_t    *hops = malloc(sizeof(int64_t) * n);
	rk_ctx		ctx;

	if (arg == NULL)
	{
		/* what it leaves behind does not matter */
		memset(w->hops, 0, sizeof(uint32_t) * w->count);
		free(distance);
		free(predecessor);
		free(hops);
		return false;
	}
	rk_ctx_init(&ctx);
	for (int64_t i = 0; i < w->count; i++)
	{
		rk_shortest_path_params params = {w->sources[w->number[i]], w->max_distance, RK_PATH_AUTO};

		assert_true(w->number[i] < w->source_count);
		if (i == 0 || w->number[i] != w->number[i - 1])
			assert_int_equal(rk_graph_shortest_path(&ctx, w->graph, &params, distance, predecessor, hops), RK_OK);
		w->hops[i] = hops[w->target[i]] < 0 ? RK_NO_NODE : (uint32_t) hops[w->target[i]];
		assert_int_equal(w->distance != NULL, w->graph->out.weights != NULL);
		if (w->distance)
			w->distance[i] = distance[w->target[i]];
	}
	rk_ctx_destroy(&ctx);
	free(distance);
	free(predecessor);
	free(hops);
	return true;
}

/* All views of one graph. */
static void
check_graph(const rk_edges *edges, bool directed, uint64_t seed)
{
	int64_t		n = edges->nodes;
	uint32_t   *from = malloc(sizeof(uint32_t) * (4 * n + 1));
	uint32_t   *to = malloc(sizeof(uint32_t) * (4 * n + 1));
	rk_ctx		ctx;
	rk_graph	g;
	table		t;

	rk_ctx_init(&ctx);
	ctx.threads = 1 + seed % 3;
	assert_int_equal(build(&ctx, edges, directed, seed % 4 != 0, &g), RK_OK);

	/* some sources with many targets, some with few, some pairs twice */
	for (int64_t i = 0; i < 4 * n; i++)
	{
		from[i] = rk_hash3(seed, i, 1) % (i < 2 * n ? 1 + n / 8 : n);
		to[i] = rk_hash3(seed, i, 2) % n;
	}
	t = make_table(&ctx, &g);
	check_eccentricity(&ctx, &g, &t);
	for (int limited = 0; limited < 2; limited++)
	{
		double		max_distance = limited ? 3 : INFINITY;

		for (int paths = 0; paths < 2; paths++)
		{
			rk_path_pairs_params all = {.max_distance = max_distance,.paths = paths};
			rk_path_pairs_params some = {from, to, 4 * n, max_distance, paths};
			rk_path_pairs_params none = {from, to, 0, max_distance, paths};
			rk_path_pairs_params engine = some;

			check_pairs(&ctx, &g, &t, &all);
			check_pairs(&ctx, &g, &t, &some);
			check_pairs(&ctx, &g, &t, &none);
			engine.engine = search_one_by_one;
			engine.engine_arg = seed % 5 == 0 ? NULL : &t;
			check_pairs(&ctx, &g, &t, &engine);
		}
	}
	free_table(&t);
	rk_graph_free(&ctx, &g);
	assert_int_equal(ctx.memory_used, 0);
	rk_ctx_destroy(&ctx);
	free(from);
	free(to);
}

static void
pairs_and_eccentricities_are_those_of_single_searches(void **state)
{
	static const int64_t sizes[][2] = {{1, 0}, {2, 1}, {5, 6}, {30, 40}, {60, 300}, {200, 300}};

	(void) state;
	for (int round = 0; round < 6 * 24; round++)
	{
		int64_t		nodes = sizes[round % 6][0];
		int			kind = round / 6 % 6;
		test_edges	e = random_edges(round, nodes, sizes[round % 6][1], kind > 0);

		for (int64_t i = 0; i < e.edges.count && kind > 1; i++)
		{
			uint64_t	h = rk_hash3(round, i, 5);

			if (kind == 2)		/* zeros: hops and distance differ in order */
				e.weight[i] = h % 3;
			else if (kind == 3) /* rounded sums */
				e.weight[i] = (double) (h % 1000) / 1000;
			else if (kind == 4) /* lengths that vanish beside others */
				e.weight[i] = h % 3 == 0 ? 1e17 : (double) (h % 7);
			else				/* negative, without negative cycle */
				e.weight[i] += 0.5 * (double) (e.source[i] * 7 % 11) -
					0.5 * (double) (e.target[i] * 7 % 11);
		}
		check_graph(&e.edges, true, round);
		if (kind != 5)
			check_graph(&e.edges, false, round + 1);
		free_edges(&e);
	}
}

/* Rows that do not fit one batch, and a path longer than the room for paths. */
static void
long_streams_and_long_paths(void **state)
{
	int64_t		n = 300;
	test_edges	e = random_edges(1, n, 4 * n, true);
	int64_t		length = 100000;
	test_edges	path = random_edges(2, length, length - 1, false);
	uint32_t	from[] = {0, 5, 5};
	uint32_t	to[] = {length - 1, 5, 4};
	rk_path_pairs_params params = {from, to, 3, INFINITY, true};
	rk_path_pairs *stream;
	rk_path_rows rows;
	rk_graph	g;
	rk_ctx		ctx;

	(void) state;
	check_graph(&e.edges, true, 2);
	for (int64_t i = 0; i < length - 1; i++)
	{
		path.source[i] = i;
		path.target[i] = i + 1;
	}
	rk_ctx_init(&ctx);
	assert_int_equal(build(&ctx, &path.edges, false, true, &g), RK_OK);
	assert_int_equal(rk_graph_shortest_path_pairs_begin(&ctx, &g, &params, &stream), RK_OK);
	assert_int_equal(rk_graph_shortest_path_pairs_next(stream, &rows), RK_OK);
	assert_int_equal(rows.count, 3);
	assert_int_equal(rows.hops[0], length - 1);
	for (int64_t i = 0; i < length; i++)
		assert_int_equal(rows.path[i], i);
	assert_int_equal(rows.target[1], 4);
	assert_int_equal(rows.target[2], 5);
	assert_int_equal(rows.hops[2], 0);
	assert_int_equal(rows.path_offsets[3] - rows.path_offsets[2], 1);
	rk_graph_shortest_path_pairs_end(stream);
	rk_ctx_destroy(&ctx);
	free_edges(&e);
	free_edges(&path);
}

/* Large enough for bounds (undirected) and for bottom-up search. */
static void
eccentricities_of_larger_graphs(void **state)
{
	(void) state;
	for (int round = 0; round < 6; round++)
	{
		int64_t		n = 5000;
		test_edges	e = random_edges(round, n, round % 3 == 0 ? n : 5 * n, false);
		double	   *found = malloc(sizeof(double) * n);
		double	   *distance = malloc(sizeof(double) * n);
		uint32_t   *predecessor = malloc(sizeof(uint32_t) * n);
		int64_t    *hops = malloc(sizeof(int64_t) * n);
		rk_graph	g;
		rk_ctx		ctx;

		/* round 2: a ring, where no bound helps */
		for (int64_t i = 0; i < e.edges.count && round == 2; i++)
		{
			e.source[i] = i % n;
			e.target[i] = (i + 1) % n;
		}
		rk_ctx_init(&ctx);
		ctx.threads = 2;
		assert_int_equal(build(&ctx, &e.edges, round % 2, true, &g), RK_OK);
		assert_int_equal(rk_graph_shortest_path_eccentricity(&ctx, &g, found), RK_OK);
		for (int64_t u = 0; u < n; u += 37)
		{
			rk_shortest_path_params params = {u, INFINITY, RK_PATH_AUTO};
			double		expected = 0;

			assert_int_equal(rk_graph_shortest_path(&ctx, &g, &params, distance, predecessor,
													hops), RK_OK);
			for (int64_t v = 0; v < n; v++)
				if (hops[v] >= 0 && distance[v] > expected)
					expected = distance[v];
			assert_true(found[u] == expected);
		}
		rk_ctx_destroy(&ctx);
		free_edges(&e);
		free(found);
		free(distance);
		free(predecessor);
		free(hops);
	}
}

static void
bad_input_is_refused(void **state)
{
	test_edges	e = LITERAL_EDGES(3, {0, 1}, {1, 2});
	double		large[] = {1.5e308, 1.5e308};
	double		negative[] = {1, -1};
	double		cycle[] = {1, -2};
	test_edges	c = LITERAL_EDGES(2, {0, 1}, {1, 0});
	uint32_t	from[] = {0, 3};
	uint32_t	to[] = {1, 0};
	rk_path_pairs_params outside = {from, to, 2, INFINITY, false};
	rk_path_pairs_params all = {.max_distance = INFINITY};
	rk_path_pairs *stream;
	rk_path_rows rows;
	double		eccentricity[3];
	rk_graph	g;
	rk_ctx		ctx;

	(void) state;
	rk_ctx_init(&ctx);
	assert_int_equal(build(&ctx, &e.edges, true, true, &g), RK_OK);
	assert_int_equal(rk_graph_shortest_path_pairs_begin(&ctx, &g, &outside, &stream),
					 RK_ERR_PARAMETER);
	rk_ctx_destroy(&ctx);

	e.edges.weight = large;
	for (int view = 0; view < 2; view++)
	{
		rk_ctx_init(&ctx);
		assert_int_equal(build(&ctx, &e.edges, true, true, &g), RK_OK);
		if (view == 0)
		{
			assert_int_equal(rk_graph_shortest_path_pairs_begin(&ctx, &g, &all, &stream), RK_OK);
			assert_int_equal(rk_graph_shortest_path_pairs_next(stream, &rows), RK_ERR_OVERFLOW);
		}
		else
			assert_int_equal(rk_graph_shortest_path_eccentricity(&ctx, &g, eccentricity),
							 RK_ERR_OVERFLOW);
		assert_int_equal(ctx.error.node, 2);
		rk_ctx_destroy(&ctx);
	}

	e.edges.weight = negative;
	rk_ctx_init(&ctx);
	assert_int_equal(build(&ctx, &e.edges, false, true, &g), RK_OK);
	assert_int_equal(rk_graph_shortest_path_eccentricity(&ctx, &g, eccentricity), RK_ERR_DATA);
	rk_ctx_destroy(&ctx);

	c.edges.weight = cycle;
	rk_ctx_init(&ctx);
	assert_int_equal(build(&ctx, &c.edges, true, true, &g), RK_OK);
	assert_int_equal(rk_graph_shortest_path_pairs_begin(&ctx, &g, &all, &stream), RK_OK);
	assert_int_equal(rk_graph_shortest_path_pairs_next(stream, &rows), RK_ERR_DATA);
	assert_string_equal(ctx.error.message, "graph has a cycle of negative length through node %node");
	rk_ctx_destroy(&ctx);
	free_edges(&e);
	free_edges(&c);
}

static bool sweep_given;		/* given pairs, or all */
static bool sweep_engine;		/* an engine finds the pairs that are given */

/* A digest of all rows, and the eccentricities. */
static rk_status
run_sweep(rk_ctx *ctx, const rk_edges *edges, void *result)
{
	uint32_t	from[400];
	uint32_t	to[400];
	rk_path_pairs_params params = {sweep_given ? from : NULL, to, 400, INFINITY, !sweep_engine};
	uint64_t	digest = 0;
	rk_path_pairs *stream;
	rk_path_rows rows;
	rk_graph	g;
	rk_status	status;

	if (sweep_engine)
	{
		params.engine = search_one_by_one;
		params.engine_arg = &params;
	}
	for (int i = 0; i < 400; i++)
	{
		from[i] = i * i % 37;
		to[i] = rk_hash1(i) % edges->nodes;
	}
	if ((status = build(ctx, edges, false, true, &g)) != RK_OK ||
		(status = rk_graph_shortest_path_pairs_begin(ctx, &g, &params, &stream)) != RK_OK)
		return status;
	do
	{
		if ((status = rk_graph_shortest_path_pairs_next(stream, &rows)) != RK_OK)
			return status;
		for (int64_t i = 0; i < rows.count; i++)
		{
			digest = rk_hash_fold(digest, (uint64_t) rows.source[i] << 32 | rows.target[i]);
			digest = rk_hash_fold(digest, (uint64_t) (rows.distance[i] * 1000));
			if (rows.path_offsets == NULL)
				continue;
			for (int64_t k = rows.path_offsets[i]; k < rows.path_offsets[i + 1]; k++)
				digest = rk_hash_fold(digest, rows.path[k]);
		}
	} while (rows.count > 0);
	rk_graph_shortest_path_pairs_end(stream);
	memcpy(result, &digest, sizeof(digest));
	return rk_graph_shortest_path_eccentricity(ctx, &g, (double *) result + 1);
}

static void
streams_go_through_all_sweeps(void **state)
{
	(void) state;
	for (int kind = 0; kind < 6; kind++)
	{
		test_edges	e = random_edges(kind, 400, 1200, kind & 1);

		sweep_given = kind > 1;
		sweep_engine = kind > 3;
		assert_thread_independent(run_sweep, &e.edges, 8 * 401);
		assert_survives_allocation_failures(run_sweep, &e.edges, 8 * 401);
		assert_cancellable(run_sweep, &e.edges, 8 * 401);
		free_edges(&e);
	}

	/* bounds and passes */
	sweep_engine = false;
	for (int kind = 0; kind < 2; kind++)
	{
		test_edges	e = random_edges(kind, 4500, 4000, false);

		sweep_given = true;
		for (int64_t i = 0; i < e.edges.count && kind == 1; i++)
		{
			e.source[i] = i;
			e.target[i] = (i + 1) % 4000;
		}
		assert_thread_independent(run_sweep, &e.edges, 8 * 4501);
		assert_survives_allocation_failures(run_sweep, &e.edges, 8 * 4501);
		assert_cancellable(run_sweep, &e.edges, 8 * 4501);
		free_edges(&e);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pairs_and_eccentricities_are_those_of_single_searches),
		cmocka_unit_test(long_streams_and_long_paths),
		cmocka_unit_test(eccentricities_of_larger_graphs),
		cmocka_unit_test(bad_input_is_refused),
		cmocka_unit_test(streams_go_through_all_sweeps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
