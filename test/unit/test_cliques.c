/*
 * test_cliques.c
 *	  The clique kernels beside a search over all sets of nodes, and the sweeps
 *	  that every kernel passes.
 */
#include "support.h"

#include "../../src/graph/community/community.h"

#define SMALL 14				/* nodes of the graphs that are searched in full */

static rk_status
build(rk_ctx *ctx, const rk_edges *edges, rk_graph *g)
{
	rk_graph_options o = {.drop_loops = true,.want_out = true,.parallel = RK_EDGES_COLLAPSE};

	return rk_graph_build(ctx, edges, &o, g);
}

/* ---- all sets of nodes ---- */

/* Cliques as bit masks over at most SMALL nodes. */
typedef struct clique_set
{
	uint32_t	near[SMALL];
	bool		seen[1 << SMALL];
	int64_t		count;
	int			last_size;
	bool		rising;
} clique_set;

static bool
is_clique(const clique_set *s, uint32_t mask)
{
	for (int v = 0; v < SMALL; v++)
		if (mask >> v & 1 && (s->near[v] & mask) != (mask & ~(1u << v)))
			return false;
	return true;
}

static bool
is_maximal(const clique_set *s, uint32_t mask)
{
	for (int v = 0; v < SMALL; v++)
		if (!(mask >> v & 1) && (s->near[v] & mask) == mask)
			return false;
	return true;
}

static bool
take(void *arg, const uint32_t *nodes, int size)
{
	clique_set *s = arg;
	uint32_t	mask = 0;

	for (int i = 0; i < size; i++)
	{
		s->rising &= i == 0 || nodes[i] > nodes[i - 1];
		mask |= 1u << nodes[i];
	}
	assert_int_equal(__builtin_popcount(mask), size);
	assert_false(s->seen[mask]);
	s->seen[mask] = true;
	s->count++;
	return true;
}

/* Nodes of the community that holds the clique mask, grown clique by clique. */
static uint32_t
percolate(const clique_set *s, uint32_t mask, bool *done)
{
	uint32_t	queue[1 << 12];
	int			head = 0;
	int			tail = 0;
	uint32_t	nodes = 0;

	queue[tail++] = mask;
	done[mask] = true;
	while (head < tail)
	{
		uint32_t	c = queue[head++];

		nodes |= c;
		for (int out = 0; out < SMALL; out++)
		{
			for (int in = 0; in < SMALL; in++)
			{
				uint32_t	next = (c & ~(1u << out)) | 1u << in;

				if (!(c >> out & 1) || c >> in & 1 || done[next] || !is_clique(s, next))
					continue;
				done[next] = true;
				assert_true(tail < 1 << 12);
				queue[tail++] = next;
			}
		}
	}
	return nodes;
}

static void
check_graph(rk_ctx *ctx, const rk_graph *g)
{
	clique_set *s = calloc(1, sizeof(clique_set));

	for (int64_t v = 0; v < g->nodes; v++)
		for (int64_t e = g->out.offsets[v]; e < g->out.offsets[v + 1]; e++)
			s->near[v] |= 1u << g->out.neighbors[e];
	for (int k = 1; k <= 8; k++)
	{
		unsigned __int128 of_node[SMALL];
		unsigned __int128 total;
		int64_t		expected[SMALL] = {0};
		int64_t		cliques = 0;
		int64_t		maximal = 0;

		for (uint32_t mask = 1; mask < 1u << g->nodes; mask++)
		{
			if (__builtin_popcount(mask) < k || !is_clique(s, mask))
				continue;
			maximal += is_maximal(s, mask);
			if (__builtin_popcount(mask) > k)
				continue;
			cliques++;
			for (int v = 0; v < SMALL; v++)
				expected[v] += mask >> v & 1;
		}
		memset(s->seen, 0, sizeof(s->seen));
		s->count = 0;
		s->rising = true;
		assert_int_equal(rk_graph_k_clique(ctx, g, k, take, s), RK_OK);
		assert_int_equal(s->count, cliques);
		for (uint32_t mask = 1; mask < 1u << g->nodes; mask++)
			assert_true(!s->seen[mask] || (__builtin_popcount(mask) == k && is_clique(s, mask)));

		assert_int_equal(rk_graph_k_clique_count(ctx, g, k, of_node, &total), RK_OK);
		assert_true(total == (unsigned __int128) cliques);
		for (int v = 0; v < g->nodes; v++)
			assert_true(of_node[v] == (unsigned __int128) expected[v]);

		memset(s->seen, 0, sizeof(s->seen));
		s->count = 0;
		assert_int_equal(rk_graph_maximal_cliques(ctx, g, k, take, s), RK_OK);
		assert_int_equal(s->count, maximal);
		assert_true(s->rising);
		for (uint32_t mask = 1; mask < 1u << g->nodes; mask++)
			assert_true(!s->seen[mask] || (__builtin_popcount(mask) >= k && is_clique(s, mask) && is_maximal(s, mask)));

		if (k >= 2)
		{
			rk_clique_communities c;
			bool	   *done = calloc(1 << SMALL, sizeof(bool));
			int64_t		communities = 0;

			assert_int_equal(rk_graph_k_clique_communities(ctx, g, k, &c), RK_OK);
			for (uint32_t mask = 1; mask < 1u << g->nodes; mask++)
			{
				uint32_t	nodes;
				bool		found = false;

				if (__builtin_popcount(mask) != k || done[mask] || !is_clique(s, mask))
					continue;
				nodes = percolate(s, mask, done);
				communities++;
				for (int64_t i = 0; i < c.count; i++)
				{
					uint32_t	ours = 0;

					for (int64_t e = c.offsets[i]; e < c.offsets[i + 1]; e++)
						ours |= 1u << c.nodes[e];
					found |= ours == nodes;
				}
				assert_true(found);
			}
			assert_int_equal(c.count, communities);
			for (int64_t i = 0; i + 1 < c.count; i++)
				assert_true(c.offsets[i + 1] - c.offsets[i] >= c.offsets[i + 2] - c.offsets[i + 1]);
			free(done);
		}
	}
	free(s);
}

static void
all_sets_agree(void **state)
{
	(void) state;
	for (uint64_t seed = 0; seed < 60; seed++)
	{
		int64_t		nodes = 1 + rk_hash2(seed, 77) % SMALL;
		test_edges	e = random_edges(seed, nodes, rk_hash2(seed, 78) % (nodes * 6), false);
		rk_graph	g;
		rk_ctx		ctx;

		rk_ctx_init(&ctx);
		assert_int_equal(build(&ctx, &e.edges, &g), RK_OK);
		check_graph(&ctx, &g);
		rk_ctx_destroy(&ctx);
		free_edges(&e);
	}
}

/* A clique of so many nodes, and another one that shares half of it. */
static test_edges
overlapping_cliques(uint32_t size)
{
	test_edges	e = {.edges = {.nodes = size + size / 2}};

	e.source = malloc(sizeof(uint32_t) * size * size);
	e.target = malloc(sizeof(uint32_t) * size * size);
	for (uint32_t u = 0; u < size; u++)
	{
		for (uint32_t v = 0; v < u; v++)
		{
			e.source[e.edges.count] = u;
			e.target[e.edges.count++] = v;
			e.source[e.edges.count] = u + size / 2;
			e.target[e.edges.count++] = v + size / 2;
		}
	}
	e.edges.source = e.source;
	e.edges.target = e.target;
	return e;
}

/* More nodes than a word has bits: counts are binomial coefficients. */
static void
large_cliques(void **state)
{
	test_edges	e = overlapping_cliques(140);
	rk_clique_communities c;
	unsigned __int128 total;
	unsigned __int128 expected = 1;
	unsigned __int128 shared = 1;
	rk_graph	g;
	rk_ctx		ctx;

	(void) state;
	rk_ctx_init(&ctx);
	ctx.threads = 2;
	assert_int_equal(build(&ctx, &e.edges, &g), RK_OK);
	for (int k = 1; k <= 20; k++)
	{
		/* twice C(140, k) less C(70, k) */
		expected = expected * (141 - k) / k;
		shared = shared * (71 - k) / k;
		assert_int_equal(rk_graph_k_clique_count(&ctx, &g, k, NULL, &total), RK_OK);
		assert_true(total == 2 * expected - shared);
	}
	assert_int_equal(rk_graph_k_clique_count(&ctx, &g, 141, NULL, &total), RK_OK);
	assert_true(total == 0);
	assert_int_equal(rk_graph_k_clique_count(&ctx, &g, INT32_MAX, NULL, &total), RK_OK);
	assert_true(total == 0);
	assert_int_equal(rk_graph_k_clique_count(&ctx, &g, 70, NULL, &total), RK_ERR_OVERFLOW);
	assert_int_equal(rk_graph_k_clique_communities(&ctx, &g, 71, &c), RK_OK);
	assert_int_equal(c.count, 1);
	assert_int_equal(c.offsets[1], 210);
	assert_int_equal(rk_graph_k_clique_communities(&ctx, &g, 72, &c), RK_OK);
	assert_int_equal(c.count, 2);
	assert_int_equal(c.nodes[0], 0);
	rk_ctx_destroy(&ctx);
	free_edges(&e);
}

/* ---- sweeps ---- */

#define SWEPT 3000

/* A digest of what was emitted, in its order. */
static bool
digest(void *arg, const uint32_t *nodes, int size)
{
	uint64_t   *h = arg;

	for (int i = 0; i < size; i++)
		*h = rk_hash_fold(*h, nodes[i]);
	return true;
}

static rk_status
run_list(rk_ctx *ctx, const rk_edges *edges, void *result)
{
	rk_graph	g;
	rk_status	status = build(ctx, edges, &g);

	memset(result, 0, sizeof(uint64_t));
	return status == RK_OK ? rk_graph_k_clique(ctx, &g, 3, digest, result) : status;
}

static rk_status
run_maximal(rk_ctx *ctx, const rk_edges *edges, void *result)
{
	rk_graph	g;
	rk_status	status = build(ctx, edges, &g);

	memset(result, 0, sizeof(uint64_t));
	return status == RK_OK ? rk_graph_maximal_cliques(ctx, &g, 2, digest, result) : status;
}

static rk_status
run_count(rk_ctx *ctx, const rk_edges *edges, void *result)
{
	unsigned __int128 total;
	rk_graph	g;
	rk_status	status = build(ctx, edges, &g);

	return status == RK_OK ? rk_graph_k_clique_count(ctx, &g, 4, result, &total) : status;
}

static rk_status
run_communities(rk_ctx *ctx, const rk_edges *edges, void *result)
{
	rk_clique_communities c;
	uint64_t   *h = result;
	rk_graph	g;
	rk_status	status = build(ctx, edges, &g);

	if (status != RK_OK || (status = rk_graph_k_clique_communities(ctx, &g, 3, &c)) != RK_OK)
		return status;
	*h = c.count;
	for (int64_t i = 0; i < c.count; i++)
		for (int64_t e = c.offsets[i]; e < c.offsets[i + 1]; e++)
			*h = rk_hash_fold(*h, c.nodes[e]);
	return RK_OK;
}

static void
cliques_pass(void **state)
{
	test_edges	e = random_edges(5, SWEPT, 40000, false);
	test_run_fn runs[] = {run_list, run_maximal, run_count, run_communities};
	size_t		sizes[] = {8, 8, 16 * SWEPT, 8};

	(void) state;
	for (int i = 0; i < 4; i++)
	{
		assert_thread_independent(runs[i], &e.edges, sizes[i]);
		assert_survives_allocation_failures(runs[i], &e.edges, sizes[i]);
		assert_cancellable(runs[i], &e.edges, sizes[i]);
	}
	free_edges(&e);
}

/* Taking no more stops the search. */
static bool
refuse(void *arg, const uint32_t *nodes, int size)
{
	(void) nodes;
	(void) size;
	return ++*(int *) arg < 3;
}

static void
emit_stops(void **state)
{
	test_edges	e = random_edges(5, 200, 3000, false);
	rk_graph	g;
	rk_ctx		ctx;

	(void) state;
	rk_ctx_init(&ctx);
	assert_int_equal(build(&ctx, &e.edges, &g), RK_OK);
	for (int k = 1; k < 5; k++)
	{
		int			taken = 0;

		assert_int_equal(rk_graph_k_clique(&ctx, &g, k, refuse, &taken), RK_STOPPED);
		assert_int_equal(taken, 3);
		taken = 0;
		assert_int_equal(rk_graph_maximal_cliques(&ctx, &g, k, refuse, &taken), RK_STOPPED);
		assert_int_equal(taken, 3);
	}
	rk_ctx_destroy(&ctx);
	free_edges(&e);
}

static void
memory_is_estimated(void **state)
{
	int64_t		n = 100000;
	test_edges	e = random_edges(31, n, 4 * n, false);
	unsigned __int128 *of_node = malloc(sizeof(unsigned __int128) * n);
	unsigned __int128 total;
	rk_graph	g;
	rk_ctx		ctx;
	int64_t		before;
	int64_t		estimate;

	(void) state;
	rk_ctx_init(&ctx);
	ctx.threads = 2;
	assert_int_equal(build(&ctx, &e.edges, &g), RK_OK);
	before = ctx.memory_used;
	ctx.memory_peak = 0;
	assert_int_equal(rk_graph_k_clique_count(&ctx, &g, 3, of_node, &total), RK_OK);
	estimate = rk_graph_k_clique_memory(n, g.arcs, 2, true);
	/* large blocks are rounded up to 2 MB */
	assert_true(ctx.memory_peak - before <= estimate + 6 * (2 << 20));
	assert_true(ctx.memory_peak - before >= estimate / 2);
	rk_ctx_destroy(&ctx);
	free(of_node);
	free_edges(&e);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_sets_agree),
		cmocka_unit_test(large_cliques),
		cmocka_unit_test(cliques_pass),
		cmocka_unit_test(emit_stops),
		cmocka_unit_test(memory_is_estimated),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
