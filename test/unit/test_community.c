/*
 * test_community.c
 *	  The community kernels: worked examples, the sweeps that every kernel
 *	  passes, and the estimates of memory.
 */
#include "support.h"

#include <math.h>

#include "../../src/graph/community/community.h"
#include "../../src/graph/community/louvain_turns.h"

static rk_status
build(rk_ctx *ctx, const rk_edges *edges, bool directed, rk_graph *g)
{
	rk_graph_options o = {.directed = directed,.want_in = true,.want_out = true,
		.parallel = edges->weight ? RK_EDGES_SUM : RK_EDGES_COLLAPSE};

	return rk_graph_build(ctx, edges, &o, g);
}

/* ---- louvain-community ---- */

static rk_louvain_params louvain = {.resolution = 1,.min_gain = 1e-3,.max_iterations = 100};
static bool louvain_directed;

/* Result: number of levels, modularity, then the communities of all levels. */
#define LOUVAIN_RESULT(n) (16 + 4 * 16 * (n))

static rk_status
run_louvain(rk_ctx *ctx, const rk_edges *edges, void *result)
{
	rk_communities c;
	rk_graph	g;
	rk_run		run;
	rk_status	status = build(ctx, edges, louvain_directed, &g);

	if (status != RK_OK ||
		(status = rk_graph_louvain_community(ctx, &g, &louvain, &c, &run)) != RK_OK)
		return status;
	assert_true(c.levels >= 1 && c.levels <= 16);
	memset(result, 0, LOUVAIN_RESULT(g.nodes));
	((double *) result)[0] = c.levels;
	((double *) result)[1] = c.modularity;
	for (int i = 0; i < c.levels; i++)
		memcpy((char *) result + 16 + 4 * i * g.nodes, c.community[i], 4 * g.nodes);
	return RK_OK;
}

static void
louvain_sweeps(int64_t nodes, int64_t rows, bool weighted)
{
	test_edges	e = random_edges(11, nodes, rows, weighted);

	assert_thread_independent(run_louvain, &e.edges, LOUVAIN_RESULT(nodes));
	assert_cancellable(run_louvain, &e.edges, LOUVAIN_RESULT(nodes));
	free_edges(&e);
	/* a small graph is tried in many orders: two levels each are enough */
	e = random_edges(12, 60, 150, weighted);
	louvain.max_levels = 2;
	louvain.min_gain = 0.5;
	assert_survives_allocation_failures(run_louvain, &e.edges, LOUVAIN_RESULT(60));
	louvain.max_levels = 0;
	louvain.min_gain = 1e-3;
	free_edges(&e);
}

static void
louvain_passes(void **state)
{
	(void) state;
	louvain.algorithm = RK_COMMUNITY_LOUVAIN;
	louvain_directed = false;
	louvain_sweeps(10000, 300000, false);
	louvain_sweeps(4000, 12000, true);
	louvain_directed = true;
	louvain_sweeps(4000, 20000, true);
}

static void
leiden_passes(void **state)
{
	(void) state;
	louvain.algorithm = RK_COMMUNITY_LEIDEN;
	louvain_directed = false;
	louvain_sweeps(10000, 300000, false);
	louvain_directed = true;
	louvain_sweeps(4000, 12000, true);
}

/* The communities of the last level of a small graph, and Q. */
static double
find(const test_edges *e, const rk_louvain_params *params, uint32_t *community)
{
	rk_communities c;
	rk_graph	g;
	rk_run		run;
	rk_ctx		ctx;

	rk_ctx_init(&ctx);
	assert_int_equal(build(&ctx, &e->edges, false, &g), RK_OK);
	assert_int_equal(rk_graph_louvain_community(&ctx, &g, params, &c, &run), RK_OK);
	memcpy(community, c.community[c.levels - 1], sizeof(uint32_t) * g.nodes);
	rk_ctx_destroy(&ctx);
	return c.modularity;
}

/* Numbers that decide of joins have Gumbel's distribution, within the range that is looked at. */
static void
louvain_draws(void **state)
{
	const int	count = 100000;
	double		sum = 0;
	double		least = 0;
	double		most = 0;
	int			first = 0;

	(void) state;
	for (int i = 0; i < count; i++)
	{
		uint64_t	chain = rk_hash_fold(7, i);
		double		x = rk_louvain_gumbel(chain, 3);

		sum += x;
		least = fmin(least, x);
		most = fmax(most, x);
		/* scores 1 and 0: the first has the share e / (e + 1) */
		first += 1 + x > rk_louvain_gumbel(chain, LOUVAIN_ALONE);
	}
	/* Euler's constant; standard deviations are 0.0041 and 0.0014 */
	assert_true(fabs(sum / count - 0.5772156649) < 0.02);
	assert_true(fabs((double) first / count - exp(1) / (exp(1) + 1)) < 0.007);
	assert_true(most - least <= LOUVAIN_GUMBEL_RANGE);
}

/* Another engine: the same function; where it is told to, it does nothing. */
typedef struct other_engine
{
	int			asked;
	bool		refuses;
} other_engine;

static bool
find_levels(void *arg, const rk_louvain_params *params, rk_louvain_work *w)
{
	other_engine *e = arg;
	rk_ctx		ctx;

	e->asked++;
	if (e->refuses)
		return false;
	assert_true(w->graph->out.offsets[w->graph->nodes] == w->graph->arcs);
	rk_ctx_init(&ctx);
	assert_int_equal(rk_graph_louvain_levels(&ctx, params, w), RK_OK);
	/* and without room */
	w->room = w->graph->nodes - 1;
	assert_int_equal(rk_graph_louvain_levels(&ctx, params, w), RK_ERR_OVERFLOW);
	rk_ctx_destroy(&ctx);
	return true;
}

/* What an engine makes of a graph is what the kernel does, to the last bit. */
static void
louvain_engine(void **state)
{
	rk_louvain_params p = {.resolution = 1,.min_gain = 1e-7};

	(void) state;
	for (int i = 0; i < 16; i++)
	{
		test_edges	e = random_edges(30 + i, i & 8 ? 3000 : 100, i & 8 ? 60000 : 300, i & 1);
		rk_communities plain;
		rk_communities other;
		rk_run		plain_run;
		rk_run		other_run;
		other_engine engine = {0};
		rk_graph	g;
		rk_ctx		ctx;

		rk_ctx_init(&ctx);
		assert_int_equal(build(&ctx, &e.edges, i & 2, &g), RK_OK);
		p.algorithm = i & 4 ? RK_COMMUNITY_LEIDEN : RK_COMMUNITY_LOUVAIN;
		p.max_iterations = i % 5 == 0 ? 1 : 100;
		p.engine = NULL;
		assert_int_equal(rk_graph_louvain_community(&ctx, &g, &p, &plain, &plain_run), RK_OK);
		engine.refuses = i % 3 == 2;
		p.engine = find_levels;
		p.engine_arg = &engine;
		assert_int_equal(rk_graph_louvain_community(&ctx, &g, &p, &other, &other_run), RK_OK);
		assert_int_equal(engine.asked, 1);
		assert_int_equal(plain.levels, other.levels);
		assert_true(plain.modularity == other.modularity);
		for (int j = 0; j < plain.levels; j++)
			assert_memory_equal(plain.community[j], other.community[j], sizeof(uint32_t) * g.nodes);
		assert_int_equal(plain_run.iterations, other_run.iterations);
		assert_int_equal(plain_run.reached_max, other_run.reached_max);
		assert_true(plain_run.residual == other_run.residual);
		rk_ctx_destroy(&ctx);
		free_edges(&e);
	}
}

/* Two triangles and a bridge; node 6 has an edge of weight 0, node 7 none. */
static void
louvain_examples(void **state)
{
	static const uint32_t pairs[][2] = {
		{5, 3}, {0, 1}, {0, 2}, {1, 2}, {3, 4}, {4, 5}, {2, 3}, {6, 0}, {1, 0}
	};
	static const double weight[] = {1, 0.5, 1, 1, 1, 1, 1, 0, 0.5};
	static const uint32_t expected[] = {0, 0, 0, 1, 1, 1, 2, 3};
	test_edges	e = literal_edges(8, 9, pairs, weight);
	uint32_t	community[8];

	(void) state;
	for (int algorithm = RK_COMMUNITY_LOUVAIN; algorithm <= RK_COMMUNITY_LEIDEN; algorithm++)
	{
		for (uint64_t seed = 0; seed < 20; seed++)
		{
			rk_louvain_params p = {.resolution = 1,.algorithm = algorithm,.min_gain = 0,
				.max_iterations = 100,.seed = seed};

			assert_float_equal(find(&e, &p, community), 6.0 / 7 - 0.5, 1e-12);
			assert_memory_equal(community, expected, sizeof(expected));
			/* all of it one community when chance counts for little */
			p.resolution = 0.01;
			assert_float_equal(find(&e, &p, community), 0.99, 1e-12);
			assert_int_equal(community[5], 0);
			/* nothing but loops and edges without weight */
			p.resolution = INFINITY;
			find(&e, &p, community);
		}
	}
	free_edges(&e);
}

static void
louvain_of_nothing(void **state)
{
	test_edges	e = LITERAL_EDGES(3, {1, 1});
	rk_louvain_params p = {.resolution = 1,.max_iterations = 1,.max_levels = 1};
	uint32_t	community[3];
	rk_communities c;
	rk_graph	g;
	rk_run		run;
	rk_ctx		ctx;

	(void) state;
	/* Q of a loop: 1 / 1 - (2 / 2)^2 */
	assert_float_equal(find(&e, &p, community), 0, 1e-15);
	assert_int_equal(community[0], 0);
	assert_int_equal(community[2], 2);
	e.edges.count = 0;
	assert_float_equal(find(&e, &p, community), 0, 0);
	e.edges.nodes = 0;
	rk_ctx_init(&ctx);
	assert_int_equal(build(&ctx, &e.edges, false, &g), RK_OK);
	assert_int_equal(rk_graph_louvain_community(&ctx, &g, &p, &c, &run), RK_OK);
	assert_int_equal(c.levels, 0);
	rk_ctx_destroy(&ctx);
	free_edges(&e);
}

static void
louvain_overflows(void **state)
{
	static const uint32_t pairs[][2] = {{0, 1}, {1, 2}};
	static const double weight[] = {1e308, 1.5e308};
	test_edges	e = literal_edges(3, 2, pairs, weight);
	rk_louvain_params p = {.resolution = 1,.max_iterations = 10};
	rk_communities c;
	rk_graph	g;
	rk_run		run;
	rk_ctx		ctx;

	(void) state;
	rk_ctx_init(&ctx);
	assert_int_equal(build(&ctx, &e.edges, false, &g), RK_OK);
	assert_int_equal(rk_graph_louvain_community(&ctx, &g, &p, &c, &run), RK_ERR_OVERFLOW);
	rk_ctx_destroy(&ctx);
	free_edges(&e);
}

/* A pass over more nodes than one may be the last. */
static void
louvain_says_that_it_ran_out(void **state)
{
	test_edges	e = random_edges(3, 4000, 20000, false);
	rk_louvain_params p = {.resolution = 1,.max_iterations = 1};
	rk_communities c;
	rk_graph	g;
	rk_run		run;
	rk_ctx		ctx;

	(void) state;
	rk_ctx_init(&ctx);
	assert_int_equal(build(&ctx, &e.edges, false, &g), RK_OK);
	assert_int_equal(rk_graph_louvain_community(&ctx, &g, &p, &c, &run), RK_OK);
	assert_true(run.reached_max && !run.converged);
	p.max_iterations = 1000;
	assert_int_equal(rk_graph_louvain_community(&ctx, &g, &p, &c, &run), RK_OK);
	assert_true(!run.reached_max && run.converged);
	rk_ctx_destroy(&ctx);
	free_edges(&e);
}

static void
louvain_memory_is_estimated(void **state)
{
	int64_t		n = 40000;
	test_edges	e = random_edges(31, n, 4 * n, true);

	(void) state;
	for (int form = 0; form < 4; form++)
	{
		rk_louvain_params p = {.resolution = 1,.min_gain = 0.01,.max_iterations = 100,
			.algorithm = form & 1 ? RK_COMMUNITY_LEIDEN : RK_COMMUNITY_LOUVAIN};
		bool		directed = form > 1;
		rk_communities c;
		rk_graph	g;
		rk_run		run;
		rk_ctx		ctx;
		int64_t		before;
		int64_t		estimate;

		rk_ctx_init(&ctx);
		ctx.threads = 2;
		assert_int_equal(build(&ctx, &e.edges, directed, &g), RK_OK);
		before = ctx.memory_used;
		ctx.memory_peak = 0;
		assert_int_equal(rk_graph_louvain_community(&ctx, &g, &p, &c, &run), RK_OK);
		estimate = rk_graph_louvain_community_memory(n, g.arcs, directed, true, 2, &p);
		/* large blocks are rounded up to 2 MB */
		assert_true(ctx.memory_peak - before <= estimate + 20 * (2 << 20));
		assert_true(ctx.memory_peak - before >= estimate / 4);
		rk_ctx_destroy(&ctx);
	}
	free_edges(&e);
}

/* ---- modularity-score ---- */

/* Result: the three numbers, then internal, boundary, contribution by community. */
static rk_status
run_score(rk_ctx *ctx, const rk_edges *edges, void *result)
{
	double	   *numbers = result;
	rk_partition_score score;
	uint32_t   *community;
	rk_graph	g;
	rk_status	status = build(ctx, edges, louvain_directed, &g);

	if (status != RK_OK)
		return status;
	community = rk_alloc(ctx, g.nodes, sizeof(uint32_t));
	if (community == NULL)
		return RK_ERR_MEMORY;
	for (int64_t v = 0; v < g.nodes; v++)
		community[v] = rk_hash2(3, v) % 100;
	status = rk_graph_modularity_score(ctx, &g, g.nodes, community, 100, 1.5, &score);
	if (status != RK_OK)
		return status;
	numbers[0] = score.modularity;
	numbers[1] = score.coverage;
	numbers[2] = score.performance;
	for (int c = 0; c < 100; c++)
	{
		numbers[3 + 3 * c] = score.internal[c];
		numbers[4 + 3 * c] = score.boundary[c];
		numbers[5 + 3 * c] = score.contribution[c];
	}
	return RK_OK;
}

static void
modularity_passes(void **state)
{
	(void) state;
	for (int directed = 0; directed < 2; directed++)
	{
		test_edges	e = random_edges(21, 20000, 100000, true);

		louvain_directed = directed;
		assert_thread_independent(run_score, &e.edges, 303 * sizeof(double));
		assert_survives_allocation_failures(run_score, &e.edges, 303 * sizeof(double));
		assert_cancellable(run_score, &e.edges, 303 * sizeof(double));
		free_edges(&e);
	}
}

/* Louvain and the score mean the same by modularity. */
static void
modularity_agrees(void **state)
{
	(void) state;
	for (int form = 0; form < 4; form++)
	{
		test_edges	e = random_edges(form, 500, 2000, form & 1);
		rk_louvain_params p = {.resolution = 0.8,.max_iterations = 100};
		rk_partition_score score;
		rk_communities c;
		rk_graph	g;
		rk_run		run;
		rk_ctx		ctx;

		rk_ctx_init(&ctx);
		assert_int_equal(build(&ctx, &e.edges, form > 1, &g), RK_OK);
		assert_int_equal(rk_graph_louvain_community(&ctx, &g, &p, &c, &run), RK_OK);
		assert_int_equal(rk_graph_modularity_score(&ctx, &g, g.nodes, c.community[c.levels - 1],
												   c.count[c.levels - 1], 0.8, &score), RK_OK);
		assert_float_equal(c.modularity, score.modularity, 1e-12);
		rk_ctx_destroy(&ctx);
		free_edges(&e);
	}
}

/* ---- label-propagation ---- */

#define LABELLED 20000

static rk_label_params label_params;

static rk_status
run_labels(rk_ctx *ctx, const rk_edges *edges, void *result)
{
	rk_label_result found;
	rk_graph	g;
	rk_run		run;
	rk_status	status = build(ctx, edges, louvain_directed, &g);

	if (status != RK_OK)
		return status;
	return rk_graph_label_propagation(ctx, &g, &label_params, result, &found, &run);
}

static void
label_sweeps(int64_t rows, bool weighted)
{
	test_edges	e = random_edges(13, LABELLED, rows, weighted);

	assert_thread_independent(run_labels, &e.edges, sizeof(int64_t) * LABELLED);
	assert_survives_allocation_failures(run_labels, &e.edges, sizeof(int64_t) * LABELLED);
	assert_cancellable(run_labels, &e.edges, sizeof(int64_t) * LABELLED);
	free_edges(&e);
}

static void
label_propagation_passes(void **state)
{
	int64_t		initial[LABELLED];
	bool		fixed[LABELLED];

	(void) state;
	for (int64_t v = 0; v < LABELLED; v++)
	{
		initial[v] = v % 3 == 0 ? (int64_t) (rk_hash2(7, v) % 50) : -1;
		fixed[v] = v % 9 == 0;
	}
	for (int variant = RK_LABEL_SEMI_SYNCHRONOUS; variant <= RK_LABEL_CDLP; variant++)
	{
		label_params = (rk_label_params) {.variant = variant,.max_iterations = 5};
		louvain_directed = false;
		label_sweeps(100000, false);
		louvain_directed = true;
		label_params.initial = initial;
		label_params.fixed = fixed;
		label_sweeps(40000, true);
	}
}

static void
label_memory_is_estimated(void **state)
{
	int64_t		n = 100000;
	test_edges	e = random_edges(31, n, 2 * n, true);
	int64_t    *community = malloc(sizeof(int64_t) * n);

	(void) state;
	for (int form = 0; form < 4; form++)
	{
		rk_label_params p = {.variant = form & 1,.max_iterations = 3};
		rk_label_result found;
		rk_graph	g;
		rk_run		run;
		rk_ctx		ctx;
		int64_t		before;
		int64_t		estimate;

		rk_ctx_init(&ctx);
		ctx.threads = 2;
		assert_int_equal(build(&ctx, &e.edges, form > 1, &g), RK_OK);
		before = ctx.memory_used;
		ctx.memory_peak = 0;
		assert_int_equal(rk_graph_label_propagation(&ctx, &g, &p, community, &found, &run), RK_OK);
		estimate = rk_graph_label_propagation_memory(n, g.arcs, form > 1, true, 2, &p);
		/* large blocks are rounded up to 2 MB */
		assert_true(ctx.memory_peak - before <= estimate + 8 * (2 << 20));
		assert_true(ctx.memory_peak - before >= estimate / 2);
		rk_ctx_destroy(&ctx);
	}
	free(community);
	free_edges(&e);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(louvain_passes),
		cmocka_unit_test(leiden_passes),
		cmocka_unit_test(louvain_draws),
		cmocka_unit_test(louvain_engine),
		cmocka_unit_test(louvain_examples),
		cmocka_unit_test(louvain_of_nothing),
		cmocka_unit_test(louvain_overflows),
		cmocka_unit_test(louvain_says_that_it_ran_out),
		cmocka_unit_test(louvain_memory_is_estimated),
		cmocka_unit_test(modularity_passes),
		cmocka_unit_test(modularity_agrees),
		cmocka_unit_test(label_propagation_passes),
		cmocka_unit_test(label_memory_is_estimated),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
