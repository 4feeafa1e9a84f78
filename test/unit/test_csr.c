/*
 * test_csr.c
 *	  The graph builder against a list of edges sorted by hand.
 */
#include "support.h"

typedef struct arc
{
	uint32_t	row;
	uint32_t	column;
	double		weight;
} arc;

static int
compare_arcs(const void *a, const void *b)
{
	const arc  *x = a;
	const arc  *y = b;

	if (x->row != y->row)
		return x->row < y->row ? -1 : 1;
	if (x->column != y->column)
		return x->column < y->column ? -1 : 1;
	return (x->weight > y->weight) - (x->weight < y->weight);
}

/* The slow way: list all arcs, sort, merge. */
static int64_t
reference_arcs(const rk_edges *e, const rk_graph_options *o, bool swapped, arc *arcs)
{
	int64_t		n = 0;
	int64_t		to = 0;

	for (int64_t i = 0; i < e->count; i++)
	{
		uint32_t	r = swapped ? e->target[i] : e->source[i];
		uint32_t	c = swapped ? e->source[i] : e->target[i];
		double		w = e->weight ? e->weight[i] : 1;

		if (r == c && o->drop_loops)
			continue;
		arcs[n++] = (arc) {r, c, w};
		if (!o->directed && r != c)
			arcs[n++] = (arc) {c, r, w};
	}
	qsort(arcs, n, sizeof(arc), compare_arcs);
	if (o->parallel == RK_EDGES_KEEP)
		return n;
	for (int64_t i = 0; i < n;)
	{
		int64_t		j = i + 1;
		arc			a = arcs[i];

		for (; j < n && arcs[j].row == a.row && arcs[j].column == a.column; j++)
		{
			if (o->parallel == RK_EDGES_SUM)
				a.weight += arcs[j].weight;
		}
		arcs[to++] = a;
		i = j;
	}
	return to;
}

static void
assert_adjacency(const rk_adjacency *a, int64_t nodes, const arc *arcs, int64_t count)
{
	int64_t		i = 0;

	assert_int_equal(a->offsets[0], 0);
	assert_int_equal(a->offsets[nodes], count);
	for (int64_t u = 0; u < nodes; u++)
	{
		for (int64_t k = a->offsets[u]; k < a->offsets[u + 1]; k++, i++)
		{
			assert_int_equal(arcs[i].row, u);
			assert_int_equal(arcs[i].column, a->neighbors[k]);
			if (a->weights)
				assert_true(arcs[i].weight == a->weights[k]);
		}
	}
}

/* All options on graphs from empty to a few thousand edges. */
static void
build_agrees_with_sorted_edge_list(void **state)
{
	static const int64_t sizes[][2] = {{1, 0}, {1, 3}, {2, 1}, {5, 12}, {100, 90},
	{3000, 20000}, {70000, 30000}};

	(void) state;
	for (int round = 0; round < 7 * 64; round++)
	{
		int64_t		nodes = sizes[round % 7][0];
		int64_t		count = sizes[round % 7][1];
		int			bits = round / 7;
		rk_graph_options o = {.directed = bits & 1,.drop_loops = bits & 2,
			.want_out = true,.want_in = bits & 4,.parallel = (bits >> 3) & 3};
		test_edges	e = random_edges(round, nodes, count, bits & 32);
		arc		   *arcs = malloc(sizeof(arc) * (2 * count + 1));
		rk_ctx		ctx;
		rk_graph	g;

		rk_ctx_init(&ctx);
		ctx.threads = 1 + round % 4;
		assert_int_equal(rk_graph_build(&ctx, &e.edges, &o, &g), RK_OK);
		assert_int_equal(g.nodes, nodes);
		assert_adjacency(&g.out, nodes, arcs, reference_arcs(&e.edges, &o, false, arcs));
		if (o.directed && o.want_in)
			assert_adjacency(&g.in, nodes, arcs, reference_arcs(&e.edges, &o, true, arcs));
		rk_graph_free(&ctx, &g);
		assert_int_equal(ctx.memory_used, 0);
		rk_ctx_destroy(&ctx);
		free(arcs);
		free_edges(&e);
	}
}

static void
chunks_cover_all_rows_once(void **state)
{
	test_edges	e = random_edges(7, 1000, 5000, false);
	rk_graph_options o = {.directed = true,.want_out = true};
	rk_graph	g;
	rk_ctx		ctx;

	(void) state;
	rk_ctx_init(&ctx);
	assert_int_equal(rk_graph_build(&ctx, &e.edges, &o, &g), RK_OK);
	for (int64_t work = 1; work < 20000; work = work * 3 + 1)
	{
		int64_t		chunks;
		int64_t    *bounds = rk_graph_chunks(&ctx, g.nodes, g.out.offsets, work, &chunks);

		assert_non_null(bounds);
		assert_int_equal(bounds[0], 0);
		assert_int_equal(bounds[chunks], g.nodes);
		for (int64_t i = 0; i < chunks; i++)
			assert_true(bounds[i] < bounds[i + 1]);
	}
	rk_ctx_destroy(&ctx);
	free_edges(&e);
}

static rk_status
build_both(rk_ctx *ctx, const rk_edges *edges, void *result)
{
	rk_graph_options o = {.directed = true,.want_out = true,.want_in = true,
	.parallel = RK_EDGES_SUM};
	rk_graph	g;
	rk_status	status = rk_graph_build(ctx, edges, &o, &g);

	if (status == RK_OK)
		memcpy(result, g.in.weights, sizeof(double) * g.arcs);
	return status;
}

static void
build_goes_through_all_sweeps(void **state)
{
	test_edges	e = random_edges(3, 3000, 200000, true);

	(void) state;
	assert_thread_independent(build_both, &e.edges, sizeof(double) * e.edges.count);
	assert_survives_allocation_failures(build_both, &e.edges, sizeof(double) * e.edges.count);
	assert_cancellable(build_both, &e.edges, sizeof(double) * e.edges.count);
	free_edges(&e);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(build_agrees_with_sorted_edge_list),
		cmocka_unit_test(chunks_cover_all_rows_once),
		cmocka_unit_test(build_goes_through_all_sweeps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
