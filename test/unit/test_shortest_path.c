/*
 * test_shortest_path.c
 *	  Shortest paths from one source, by every method, against plain rounds
 *	  of relaxation.
 */
#include "support.h"

#include "../../src/graph/paths/paths.h"

/* What rk_graph_shortest_path fills. */
typedef struct answer
{
	double	   *distance;
	uint32_t   *predecessor;
	int64_t    *hops;
} answer;

static answer
make_answer(int64_t nodes)
{
	return (answer) {malloc(sizeof(double) * (nodes + 1)), malloc(sizeof(uint32_t) * (nodes + 1)),
		malloc(sizeof(int64_t) * (nodes + 1))};
}

static void
free_answer(answer *a)
{
	free(a->distance);
	free(a->predecessor);
	free(a->hops);
}

static rk_status
build(rk_ctx *ctx, const rk_edges *edges, bool directed, rk_graph *g)
{
	rk_graph_options o = {.directed = directed,.want_out = true,.want_in = true,
		.parallel = edges->weight ? RK_EDGES_MIN : RK_EDGES_COLLAPSE};

	return rk_graph_build(ctx, edges, &o, g);
}

/*
 * The definition, in rounds over all arcs until nothing changes: distances
 * first, then hops over tight arcs, then predecessors.  False when distances
 * still fall after n rounds.
 */
static bool
reference(const rk_graph *g, uint32_t source, double max_distance, answer *a)
{
	const rk_adjacency *out = &g->out;
	bool		changed = true;

	for (int64_t v = 0; v < g->nodes; v++)
	{
		a->distance[v] = (uint32_t) v == source ? 0 : INFINITY;
		a->hops[v] = (uint32_t) v == source ? 0 : INT64_MAX - 1;
		a->predecessor[v] = RK_NO_NODE;
	}
	for (int64_t round = 0; changed; round++)
	{
		changed = false;
		if (round > g->nodes)
			return false;
		for (int64_t u = 0; u < g->nodes; u++)
			for (int64_t i = out->offsets[u]; i < out->offsets[u + 1]; i++)
			{
				double		sum = a->distance[u] + (out->weights ? out->weights[i] : 1);

				if (sum < a->distance[out->neighbors[i]])
				{
					a->distance[out->neighbors[i]] = sum;
					changed = true;
				}
			}
	}
	for (changed = true; changed;)
	{
		changed = false;
		for (int64_t u = 0; u < g->nodes; u++)
			for (int64_t i = out->offsets[u]; i < out->offsets[u + 1]; i++)
			{
				uint32_t	v = out->neighbors[i];

				if (a->distance[v] < INFINITY &&
					a->distance[u] + (out->weights ? out->weights[i] : 1) == a->distance[v] &&
					a->hops[u] + 1 < a->hops[v])
				{
					a->hops[v] = a->hops[u] + 1;
					changed = true;
				}
			}
	}
	for (int64_t u = g->nodes - 1; u >= 0; u--)
		for (int64_t i = out->offsets[u]; i < out->offsets[u + 1]; i++)
		{
			uint32_t	v = out->neighbors[i];

			if (a->distance[v] < INFINITY &&
				a->distance[u] + (out->weights ? out->weights[i] : 1) == a->distance[v] &&
				a->hops[u] + 1 == a->hops[v])
				a->predecessor[v] = (uint32_t) u;
		}
	for (int64_t v = 0; v < g->nodes; v++)
		if (a->distance[v] == INFINITY || a->distance[v] > max_distance)
		{
			a->distance[v] = INFINITY;
			a->hops[v] = -1;
			a->predecessor[v] = RK_NO_NODE;
		}
	return true;
}

static void
assert_same_answer(const answer *expected, const answer *found, int64_t nodes)
{
	for (int64_t v = 0; v < nodes; v++)
	{
		assert_memory_equal(&expected->distance[v], &found->distance[v], sizeof(double));
		assert_int_equal(expected->hops[v], found->hops[v]);
		assert_int_equal(expected->predecessor[v], found->predecessor[v]);
	}
}

/* All methods that apply find what the reference finds. */
static void
check_methods(const rk_edges *edges, bool directed, uint32_t source, double max_distance,
			  int threads)
{
	rk_ctx		ctx;
	rk_graph	g;
	answer		expected = make_answer(edges->nodes);
	answer		found = make_answer(edges->nodes);
	bool		negative = false;

	rk_ctx_init(&ctx);
	ctx.threads = threads;
	assert_int_equal(build(&ctx, edges, directed, &g), RK_OK);
	assert_true(reference(&g, source, max_distance, &expected));
	for (int64_t i = 0; edges->weight && i < edges->count; i++)
		negative |= edges->weight[i] < 0;
	for (int method = RK_PATH_AUTO; method <= RK_PATH_BELLMAN_FORD; method++)
	{
		rk_shortest_path_params params = {source, max_distance, method};

		if (edges->weight && (method == RK_PATH_BFS ||
							  (negative && method != RK_PATH_AUTO && method != RK_PATH_BELLMAN_FORD)))
			continue;
		memset(found.hops, 1, sizeof(int64_t) * edges->nodes);
		memset(found.distance, 1, sizeof(double) * edges->nodes);
		assert_int_equal(rk_graph_shortest_path(&ctx, &g, &params, found.distance,
												found.predecessor, found.hops), RK_OK);
		assert_same_answer(&expected, &found, edges->nodes);
	}
	rk_graph_free(&ctx, &g);
	assert_int_equal(ctx.memory_used, 0);
	rk_ctx_destroy(&ctx);
	free_answer(&expected);
	free_answer(&found);
}

static const uint32_t w8_pairs[][2] = {{1, 2}, {2, 3}, {3, 1}, {1, 3}, {3, 4}, {4, 5}, {5, 6},
{6, 3}, {2, 8}};
static const double w8_weights[] = {10, 10, 10, 2, 5, 5, 5, 5, 1};

/* Eight accounts; node 0 stands for nobody, 7 has no edges. */
static void
eight_accounts(void **state)
{
	static const double distance[] = {INFINITY, 0, 10, 2, 7, 12, 17, INFINITY, 11};
	static const int64_t hops[] = {-1, 0, 1, 1, 2, 3, 4, -1, 2};
	static const uint32_t predecessor[] = {RK_NO_NODE, RK_NO_NODE, 1, 1, 3, 4, 5, RK_NO_NODE, 2};
	test_edges	e = literal_edges(9, 9, w8_pairs, w8_weights);
	rk_shortest_path_params params = {1, INFINITY, RK_PATH_AUTO};
	answer		a = make_answer(9);
	rk_graph	g;
	rk_ctx		ctx;

	(void) state;
	rk_ctx_init(&ctx);
	assert_int_equal(build(&ctx, &e.edges, true, &g), RK_OK);
	assert_int_equal(rk_graph_shortest_path(&ctx, &g, &params, a.distance, a.predecessor, a.hops),
					 RK_OK);
	for (int v = 0; v < 9; v++)
	{
		assert_true(a.distance[v] == distance[v]);
		assert_int_equal(a.hops[v], hops[v]);
		assert_int_equal(a.predecessor[v], predecessor[v]);
	}

	/* a limit keeps what is at it */
	params.max_distance = 10;
	assert_int_equal(rk_graph_shortest_path(&ctx, &g, &params, a.distance, a.predecessor, a.hops),
					 RK_OK);
	assert_true(a.distance[2] == 10);
	assert_true(a.distance[8] == INFINITY);
	assert_int_equal(a.hops[8], -1);
	rk_ctx_destroy(&ctx);
	free_answer(&a);
	free_edges(&e);
}

/*
 * Of equally long paths the one with fewer edges counts, then the smaller
 * predecessor: 0-4-5 and 0-1-2-5 are 4 long, 3 and 4 both lead to 5.
 */
static void
ties_go_to_fewer_hops_then_to_the_smaller_node(void **state)
{
	test_edges	e = LITERAL_EDGES(6, {0, 4}, {4, 5}, {0, 1}, {1, 2}, {2, 5}, {0, 3}, {3, 5});
	double		w[] = {1, 3, 1, 1, 2, 2, 2};
	rk_shortest_path_params params = {0, INFINITY, RK_PATH_AUTO};
	answer		a = make_answer(6);
	rk_graph	g;
	rk_ctx		ctx;

	(void) state;
	e.edges.weight = w;
	rk_ctx_init(&ctx);
	assert_int_equal(build(&ctx, &e.edges, true, &g), RK_OK);
	assert_int_equal(rk_graph_shortest_path(&ctx, &g, &params, a.distance, a.predecessor, a.hops),
					 RK_OK);
	assert_true(a.distance[5] == 4);
	assert_int_equal(a.hops[5], 2);
	assert_int_equal(a.predecessor[5], 3);
	rk_ctx_destroy(&ctx);
	check_methods(&e.edges, true, 0, INFINITY, 1);
	free_answer(&a);
	free_edges(&e);
}

/* Shapes that have gone wrong elsewhere. */
static void
ugly_graphs(void **state)
{
	test_edges	alone = literal_edges(1, 0, w8_pairs, NULL);
	test_edges	alone_weighted = literal_edges(1, 0, w8_pairs, w8_weights);
	test_edges	loop = LITERAL_EDGES(2, {0, 0}, {0, 0}, {1, 1});
	test_edges	parallel = LITERAL_EDGES(2, {0, 1}, {0, 1}, {0, 1}, {1, 0});
	double		parallel_weights[] = {3, 1, 2, 0};
	test_edges	circle = LITERAL_EDGES(4, {0, 1}, {1, 2}, {2, 3}, {3, 0});
	double		nothing[] = {0, 0, 0, 0};

	(void) state;
	for (int directed = 0; directed < 2; directed++)
	{
		check_methods(&alone.edges, directed, 0, INFINITY, 2);
		check_methods(&alone_weighted.edges, directed, 0, INFINITY, 2);
		check_methods(&loop.edges, directed, 1, INFINITY, 2);
		parallel.edges.weight = NULL;
		check_methods(&parallel.edges, directed, 1, INFINITY, 2);
		parallel.edges.weight = parallel_weights;
		check_methods(&parallel.edges, directed, 0, INFINITY, 2);

		/* every node is at distance 0, but not at 0 hops */
		circle.edges.weight = nothing;
		check_methods(&circle.edges, directed, 2, INFINITY, 2);
		check_methods(&circle.edges, directed, 2, 0, 2);
	}
	free_edges(&alone);
	free_edges(&alone_weighted);
	free_edges(&loop);
	free_edges(&parallel);
	free_edges(&circle);
}

/* Replaces the weights by others of the same graph. */
static void
set_weights(test_edges *e, int kind, uint64_t seed)
{
	for (int64_t i = 0; i < e->edges.count; i++)
	{
		uint64_t	h = rk_hash3(seed, i, 77);

		switch (kind)
		{
			case 1:				/* many zeros */
				e->weight[i] = h % 3 == 0 ? 1 : 0;
				break;
			case 2:				/* sums are rounded */
				e->weight[i] = (double) (h % 1000) / 1000;
				break;
			case 3:				/* small lengths vanish beside large ones */
				e->weight[i] = h % 4 == 0 ? 1e17 : h % 4 == 1 ? 1 : h % 4 == 2 ? 0 : 3;
				break;
			case 4:				/* of every order of magnitude */
				e->weight[i] = ldexp(1 + rk_uniform(h), (int) (h % 60) - 30);
				break;
			case 5:				/* no path may be longer than the rest */
				e->weight[i] = h % 50 == 0 ? 1e-3 : 1e6;
				break;
		}
	}
}

static void
all_methods_agree_with_the_definition(void **state)
{
	static const int64_t sizes[][2] = {{2, 1}, {3, 5}, {10, 12}, {20, 60}, {100, 150}, {300, 2000},
	{2000, 3000}};

	(void) state;
	for (int round = 0; round < 7 * 28; round++)
	{
		int64_t		nodes = sizes[round % 7][0];
		int64_t		count = sizes[round % 7][1];
		int			kind = round / 7 % 7;
		test_edges	e = random_edges(round, nodes, count, kind < 6);
		uint32_t	source = rk_hash2(round, 5) % nodes;

		set_weights(&e, kind, round);
		for (int directed = 0; directed < 2; directed++)
		{
			check_methods(&e.edges, directed, source, INFINITY, 1 + round % 3);
			check_methods(&e.edges, directed, source, 2.5, 2);
		}
		free_edges(&e);
	}
}

/*
 * A hub, a long path and a large random graph: frontiers large enough for
 * bottom-up search, many levels, and more bins than the ring has.
 */
static void
large_graphs(void **state)
{
	int64_t		n = 30000;
	test_edges	e = random_edges(11, n, 12 * n, true);
	test_edges	path = random_edges(12, n, n - 1, true);
	test_edges	hub = random_edges(13, n, n - 1, true);

	(void) state;
	for (int64_t i = 0; i < n - 1; i++)
	{
		path.source[i] = i;
		path.target[i] = i + 1;
		path.weight[i] = rk_hash2(1, i) % 7 == 0 ? 5000 : 0.25;
		hub.source[i] = 0;
		hub.target[i] = i + 1;
	}
	check_methods(&e.edges, true, 3, INFINITY, 3);
	check_methods(&e.edges, false, 3, INFINITY, 2);
	check_methods(&path.edges, false, 20, INFINITY, 2);
	check_methods(&hub.edges, false, 7, INFINITY, 2);
	e.edges.weight = path.edges.weight = hub.edges.weight = NULL;
	check_methods(&e.edges, true, 3, INFINITY, 3);
	check_methods(&e.edges, false, 3, INFINITY, 2);
	check_methods(&e.edges, false, 3, 2, 2);
	check_methods(&path.edges, false, 20, 1000, 2);
	check_methods(&hub.edges, false, 7, INFINITY, 2);
	free_edges(&e);
	free_edges(&path);
	free_edges(&hub);
}

/*
 * Potentials p make lengths w + p[u] - p[v], negative as often as not, with no
 * negative cycle.  Halves add up exactly, so the paths stay the same ones.
 */
static void
negative_lengths_without_negative_cycle(void **state)
{
	(void) state;
	for (int round = 0; round < 60; round++)
	{
		int64_t		nodes = 2 + round * 5;
		test_edges	e = random_edges(round + 500, nodes, nodes * (1 + round % 5), true);

		for (int64_t i = 0; i < e.edges.count; i++)
			e.weight[i] += 0.5 * (double) (rk_hash2(round, e.source[i]) % 40) -
				0.5 * (double) (rk_hash2(round, e.target[i]) % 40);
		check_methods(&e.edges, true, 0, INFINITY, 2);
		check_methods(&e.edges, true, 0, -1, 1);
		free_edges(&e);
	}
}

/* Runs on weighted edges and returns the status; the error is in ctx. */
static rk_status
run_once(rk_ctx *ctx, const rk_edges *edges, bool directed, rk_path_method method)
{
	answer		a = make_answer(edges->nodes);
	rk_shortest_path_params params = {0, INFINITY, method};
	rk_graph	g;
	rk_status	status;

	rk_ctx_init(ctx);
	status = build(ctx, edges, directed, &g);
	if (status == RK_OK)
		status = rk_graph_shortest_path(ctx, &g, &params, a.distance, a.predecessor, a.hops);
	rk_ctx_destroy(ctx);
	free_answer(&a);
	return status;
}

static void
negative_cycles_are_found(void **state)
{
	test_edges	e = LITERAL_EDGES(6, {0, 1}, {1, 2}, {2, 3}, {3, 1}, {4, 5}, {5, 4});
	double		cycle[] = {1, 2, -4, 1, 1, 1};
	double		elsewhere[] = {1, 2, -3, 1, -1, -1};
	double		loop[] = {1, 2};
	test_edges	l = LITERAL_EDGES(2, {0, 1}, {1, 1});
	rk_ctx		ctx;

	(void) state;
	e.edges.weight = cycle;
	assert_int_equal(run_once(&ctx, &e.edges, true, RK_PATH_AUTO), RK_ERR_DATA);
	assert_string_equal(ctx.error.message, "graph has a cycle of negative length through node %node");
	assert_int_equal(ctx.error.node, 1);

	/* a cycle of length 0 is none, and one out of reach does not matter */
	e.edges.weight = elsewhere;
	assert_int_equal(run_once(&ctx, &e.edges, true, RK_PATH_AUTO), RK_OK);

	l.edges.weight = loop;
	assert_int_equal(run_once(&ctx, &l.edges, true, RK_PATH_AUTO), RK_OK);
	loop[1] = -1;
	assert_int_equal(run_once(&ctx, &l.edges, true, RK_PATH_AUTO), RK_ERR_DATA);
	assert_int_equal(ctx.error.node, 1);
	free_edges(&e);
	free_edges(&l);
}

/* Against the reference on graphs that may or may not have such a cycle. */
static void
negative_cycles_are_found_exactly_when_they_exist(void **state)
{
	int			cycles = 0;

	(void) state;
	for (int round = 0; round < 300; round++)
	{
		int64_t		nodes = 2 + round % 30;
		test_edges	e = random_edges(round + 900, nodes, nodes * 2, true);
		answer		a = make_answer(nodes);
		rk_graph	g;
		rk_ctx		ctx;
		bool		fine;

		for (int64_t i = 0; i < e.edges.count; i++)
			e.weight[i] -= 0.5 * (double) (round % 4);
		rk_ctx_init(&ctx);
		assert_int_equal(build(&ctx, &e.edges, true, &g), RK_OK);
		fine = reference(&g, 0, INFINITY, &a);
		rk_ctx_destroy(&ctx);
		if (fine)
			check_methods(&e.edges, true, 0, INFINITY, 1);
		else
		{
			assert_int_equal(run_once(&ctx, &e.edges, true, RK_PATH_AUTO), RK_ERR_DATA);
			assert_true(ctx.error.node >= 0);
			cycles++;
		}
		free_answer(&a);
		free_edges(&e);
	}
	assert_in_range(cycles, 30, 270);
}

/*
 * 1e-17 + 1 - 1 is 0 in float8, less than where it began; the cycle has
 * length 0 all the same, and node 1 keeps the distance of the path to it.
 */
static void
rounding_makes_no_negative_cycle(void **state)
{
	test_edges	e = LITERAL_EDGES(3, {0, 1}, {1, 2}, {2, 1});
	double		w[] = {1e-17, 1, -1};
	rk_shortest_path_params params = {0, INFINITY, RK_PATH_AUTO};
	answer		a = make_answer(3);
	rk_graph	g;
	rk_ctx		ctx;

	(void) state;
	e.edges.weight = w;
	rk_ctx_init(&ctx);
	assert_int_equal(build(&ctx, &e.edges, true, &g), RK_OK);
	assert_int_equal(rk_graph_shortest_path(&ctx, &g, &params, a.distance, a.predecessor, a.hops),
					 RK_OK);
	assert_true(a.distance[1] == 1e-17);
	assert_true(a.distance[2] == 1);
	assert_int_equal(a.predecessor[1], 0);
	assert_int_equal(a.predecessor[2], 1);
	rk_ctx_destroy(&ctx);

	/*
	 * Every cycle has length 0: differences of potentials that float8 holds,
	 * behind an arc so long that sums do not.
	 */
	for (int round = 0; round < 50; round++)
	{
		int64_t		nodes = 3 + round % 20;
		test_edges	r = random_edges(round, nodes, nodes * 4, true);

		for (int64_t i = 0; i < r.edges.count; i++)
		{
			if (r.target[i] == 0)
				r.target[i] = 1;
			r.weight[i] = r.source[i] == 0 ? 1e6 / 3 :
				ldexp((double) (rk_hash2(round, r.target[i]) >> 24), -40) -
				ldexp((double) (rk_hash2(round, r.source[i]) >> 24), -40);
		}
		assert_int_equal(run_once(&ctx, &r.edges, true, RK_PATH_AUTO), RK_OK);
		free_edges(&r);
	}
	free_answer(&a);
	free_edges(&e);
}

static void
bad_input_is_refused(void **state)
{
	test_edges	e = LITERAL_EDGES(3, {0, 1}, {1, 2});
	double		negative[] = {1, -1};
	double		infinite[] = {1, INFINITY};
	double		not_a_number[] = {NAN, 1};
	double		large[] = {1.5e308, 1.5e308};
	double		small[] = {-1.5e308, -1.5e308};
	rk_ctx		ctx;
	rk_graph	g;
	answer		a = make_answer(3);
	rk_shortest_path_params params = {3, INFINITY, RK_PATH_AUTO};

	(void) state;
	e.edges.weight = negative;
	assert_int_equal(run_once(&ctx, &e.edges, false, RK_PATH_AUTO), RK_ERR_DATA);
	assert_string_equal(ctx.error.message, "length of an edge of node %node is negative");
	assert_int_equal(ctx.error.node, 1);
	assert_int_equal(run_once(&ctx, &e.edges, true, RK_PATH_DIJKSTRA), RK_ERR_DATA);
	assert_int_equal(run_once(&ctx, &e.edges, true, RK_PATH_DELTA_STEPPING), RK_ERR_DATA);
	assert_int_equal(run_once(&ctx, &e.edges, true, RK_PATH_BFS), RK_ERR_PARAMETER);
	e.edges.weight = infinite;
	assert_int_equal(run_once(&ctx, &e.edges, true, RK_PATH_AUTO), RK_ERR_DATA);
	assert_string_equal(ctx.error.message, "length of an edge of node %node is not finite");
	e.edges.weight = not_a_number;
	assert_int_equal(run_once(&ctx, &e.edges, true, RK_PATH_AUTO), RK_ERR_DATA);
	for (int method = RK_PATH_DIJKSTRA; method <= RK_PATH_BELLMAN_FORD; method++)
	{
		e.edges.weight = large;
		assert_int_equal(run_once(&ctx, &e.edges, true, method), RK_ERR_OVERFLOW);
		assert_string_equal(ctx.error.message, "distance of node %node is out of range");
		assert_int_equal(ctx.error.node, 2);
	}
	e.edges.weight = small;
	assert_int_equal(run_once(&ctx, &e.edges, true, RK_PATH_AUTO), RK_ERR_OVERFLOW);

	/* a limit cuts off what would be too large */
	e.edges.weight = large;
	rk_ctx_init(&ctx);
	assert_int_equal(build(&ctx, &e.edges, true, &g), RK_OK);
	assert_int_equal(rk_graph_shortest_path(&ctx, &g, &params, a.distance, a.predecessor, a.hops),
					 RK_ERR_PARAMETER);
	rk_ctx_destroy(&ctx);
	for (int method = RK_PATH_DIJKSTRA; method <= RK_PATH_BELLMAN_FORD; method++)
	{
		params = (rk_shortest_path_params) {0, 1.6e308, method};
		rk_ctx_init(&ctx);
		assert_int_equal(build(&ctx, &e.edges, true, &g), RK_OK);
		assert_int_equal(rk_graph_shortest_path(&ctx, &g, &params, a.distance, a.predecessor,
												a.hops), RK_OK);
		assert_int_equal(a.hops[1], 1);
		assert_int_equal(a.hops[2], -1);
		rk_ctx_destroy(&ctx);
	}
	free_answer(&a);
	free_edges(&e);
}

static rk_path_method sweep_method;

static rk_status
run_sweep(rk_ctx *ctx, const rk_edges *edges, void *result)
{
	int64_t		n = edges->nodes;
	rk_shortest_path_params params = {1, INFINITY, sweep_method};
	rk_graph	g;
	rk_status	status = build(ctx, edges, sweep_method == RK_PATH_BELLMAN_FORD, &g);

	if (status != RK_OK)
		return status;
	return rk_graph_shortest_path(ctx, &g, &params, result, (uint32_t *) ((char *) result + 16 * n),
								  (int64_t *) ((char *) result + 8 * n));
}

static void
every_method_goes_through_all_sweeps(void **state)
{
	int64_t		n = 20000;
	test_edges	e = random_edges(21, n, 5 * n, true);

	(void) state;
	for (int method = RK_PATH_BFS; method <= RK_PATH_BELLMAN_FORD; method++)
	{
		sweep_method = method;
		e.edges.weight = method == RK_PATH_BFS ? NULL : e.weight;
		assert_thread_independent(run_sweep, &e.edges, 20 * n);
		assert_survives_allocation_failures(run_sweep, &e.edges, 20 * n);
		assert_cancellable(run_sweep, &e.edges, 20 * n);
	}
	free_edges(&e);
}

/* The estimate is an upper bound, and not a wild one. */
static void
memory_is_estimated(void **state)
{
	int64_t		n = 100000;
	test_edges	e = random_edges(31, n, 4 * n, true);
	answer		a = make_answer(n);

	(void) state;
	for (int method = RK_PATH_BFS; method <= RK_PATH_BELLMAN_FORD; method++)
	{
		rk_shortest_path_params params = {1, INFINITY, method};
		rk_graph	g;
		rk_ctx		ctx;
		int64_t		before;

		rk_ctx_init(&ctx);
		ctx.threads = 2;
		e.edges.weight = method == RK_PATH_BFS ? NULL : e.weight;
		assert_int_equal(build(&ctx, &e.edges, true, &g), RK_OK);
		before = ctx.memory_used;
		ctx.memory_peak = 0;
		assert_int_equal(rk_graph_shortest_path(&ctx, &g, &params, a.distance, a.predecessor,
												a.hops), RK_OK);
		/* large blocks are rounded up to 2 MB */
		assert_true(ctx.memory_peak - before <=
					rk_graph_shortest_path_memory(n, e.edges.weight != NULL, 2) + 8 * (2 << 20));
		rk_ctx_destroy(&ctx);
	}
	free_answer(&a);
	free_edges(&e);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(eight_accounts),
		cmocka_unit_test(ties_go_to_fewer_hops_then_to_the_smaller_node),
		cmocka_unit_test(ugly_graphs),
		cmocka_unit_test(all_methods_agree_with_the_definition),
		cmocka_unit_test(large_graphs),
		cmocka_unit_test(negative_lengths_without_negative_cycle),
		cmocka_unit_test(negative_cycles_are_found),
		cmocka_unit_test(negative_cycles_are_found_exactly_when_they_exist),
		cmocka_unit_test(rounding_makes_no_negative_cycle),
		cmocka_unit_test(bad_input_is_refused),
		cmocka_unit_test(every_method_goes_through_all_sweeps),
		cmocka_unit_test(memory_is_estimated),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
