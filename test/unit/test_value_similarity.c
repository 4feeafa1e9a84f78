/*
 * test_value_similarity.c
 *	  Similarity of distributions against the definitions in long double, its
 *	  limits, its errors, and the sweeps.
 */
#include "support.h"

#include "../../src/graph/similarity/similarity.h"

/* ---- the definitions ---- */

static long double
divergence(const long double *p, const long double *q, int bins)
{
	long double sum = 0;

	for (int i = 0; i < bins; i++)
	{
		long double m = (p[i] + q[i]) / 2;

		sum += (p[i] > 0 ? p[i] * logl(p[i] / m) : 0) + (q[i] > 0 ? q[i] * logl(q[i] / m) : 0);
	}
	return sum / 2;
}

static long double
histogram_score(rk_value_metric metric, const double *a, const double *b, int bins)
{
	long double p[64],
				q[64],
				in_p = 0,
				in_q = 0,
				sum = 0,
				running = 0;

	for (int i = 0; i < bins; i++)
	{
		in_p += a[i];
		in_q += b[i];
	}
	for (int i = 0; i < bins; i++)
	{
		p[i] = a[i] / in_p;
		q[i] = b[i] / in_q;
		running += p[i] - q[i];
		sum += metric == RK_VALUE_HELLINGER ? sqrtl(p[i] * q[i]) : fabsl(running);
	}
	if (metric == RK_VALUE_JSD)
		return 1 - sqrtl(fmaxl(0, divergence(p, q, bins)) / logl(2));
	if (metric == RK_VALUE_HELLINGER)
		return 1 - sqrtl(fmaxl(0, 1 - sum));
	return 1 / (1 + sum);
}

static void
two_histograms_agree_with_the_definition(void **state)
{
	(void) state;
	for (uint64_t round = 0; round < 3000; round++)
	{
		static const rk_value_metric metrics[] = {RK_VALUE_JSD, RK_VALUE_WASSERSTEIN_BINNED, RK_VALUE_HELLINGER};
		rk_value_metric metric = metrics[round % 3];
		int			bins = 1 + rk_hash2(round, 1) % 60;
		double		p[64];
		double		q[64];
		double		score;
		double		same;
		rk_ctx		ctx;

		for (int i = 0; i < bins; i++)
		{
			p[i] = rk_hash3(round, i, 2) % 4 ? rk_uniform(rk_hash3(round, i, 3)) : 0;
			q[i] = rk_hash3(round, i, 4) % 4 ? rk_uniform(rk_hash3(round, i, 5)) : 0;
			/* all degrees of likeness */
			if (round % 7 == 0)
				q[i] = p[i] * (1 + rk_uniform(rk_hash3(round, i, 6)) * pow(10, -(double) (round % 12)));
		}
		p[0] += 0.5;
		q[bins - 1] += round % 7 ? 0.25 : 0;
		if (round % 7 == 0)
			q[0] += 0.5;
		rk_ctx_init(&ctx);
		assert_int_equal(rk_histogram_similarity(&ctx, p, q, bins, metric, &score), RK_OK);
		assert_true(fabs(score - (double) histogram_score(metric, p, q, bins)) < (round % 7 ? 1e-12 : 1e-9));
		assert_int_equal(rk_histogram_similarity(&ctx, p, p, bins, metric, &same), RK_OK);
		assert_true(same == 1);
		assert_int_equal(rk_histogram_similarity(&ctx, q, p, bins, metric, &same), RK_OK);
		assert_true(same == score);
		rk_ctx_destroy(&ctx);
	}
}

/* ---- streams ---- */

typedef struct sample
{
	rk_observations o;
	uint32_t   *node;
	double	   *value;
} sample;

/* Values around a few centres, many of them equal, every node with one at least. */
static sample
make_sample(uint64_t seed, int64_t nodes, int64_t count)
{
	sample		s = {.node = malloc(sizeof(uint32_t) * count),.value = malloc(sizeof(double) * count)};

	for (int64_t i = 0; i < count; i++)
	{
		s.node[i] = i < nodes ? (uint64_t) i : rk_hash3(seed, i, 1) % nodes;
		s.value[i] = 1 + s.node[i] % 3 + rk_hash3(seed, i, 2) % 50 / 8.0;
	}
	s.o = (rk_observations) {
		.nodes = nodes,.count = count,.node = s.node,.value = s.value
	};
	return s;
}

static void
free_sample(sample *s)
{
	free(s->node);
	free(s->value);
}

/* W1 and ks by going through all values for every pair. */
static long double
sample_distance(const sample *s, rk_value_metric metric, uint32_t a, uint32_t b)
{
	long double distance = 0;

	for (int64_t i = 0; i < s->o.count; i++)
	{
		long double in_a = 0,
					in_b = 0,
					all_a = 0,
					all_b = 0;
		double		next = INFINITY;
		double		x = s->value[i];
		bool		first = true;

		for (int64_t j = 0; j < s->o.count; j++)
		{
			first &= s->value[j] != x || j >= i;
			if (s->value[j] > x && s->value[j] < next)
				next = s->value[j];
			all_a += s->node[j] == a;
			all_b += s->node[j] == b;
			in_a += s->node[j] == a && s->value[j] <= x;
			in_b += s->node[j] == b && s->value[j] <= x;
		}
		if (!first)
			continue;
		in_a = fabsl(in_a / all_a - in_b / all_b);
		if (metric == RK_VALUE_KS)
			distance = fmaxl(distance, in_a);
		else if (next < INFINITY)
			distance += in_a * (next - x);
	}
	return distance;
}

static void
samples_agree_with_the_definition(void **state)
{
	(void) state;
	for (uint64_t round = 0; round < 60; round++)
	{
		int64_t		nodes = 1 + round % 9;
		sample		s = make_sample(round, nodes, nodes + rk_hash2(round, 3) % 60);
		rk_value_params p = {.metric = round % 2 ? RK_VALUE_KS : RK_VALUE_WASSERSTEIN,.bins = 10};
		rk_value_similarity *v;
		rk_similarity_rows rows;
		int64_t		count = 0;
		rk_ctx		ctx;

		rk_ctx_init(&ctx);
		assert_int_equal(rk_graph_value_similarity(&ctx, &s.o, &p, &v), RK_OK);
		while (rk_graph_value_similarity_next(v, &rows) == RK_OK && rows.count > 0)
		{
			for (int64_t i = 0; i < rows.count; i++)
				assert_true(fabs(rows.distance[i] - (double) sample_distance(&s, p.metric, rows.a[i], rows.b[i])) < 1e-12);
			count += rows.count;
		}
		assert_int_equal(count, nodes * (nodes - 1) / 2);
		rk_graph_value_similarity_end(v);
		rk_ctx_destroy(&ctx);
		free_sample(&s);
	}
}

/* Everything is in the rows of all pairs: thresholds, limits, given pairs. */
static void
limits_choose_among_all(void **state)
{
	enum
	{
		NODES = 70
	};
	static double score[NODES][NODES];
	static double distance[NODES][NODES];

	(void) state;
	for (uint64_t round = 0; round < 60; round++)
	{
		sample		s = make_sample(round, NODES, 900);
		rk_value_params p = {.metric = round % 5,.bins = 1 + round % 30,.binning = round / 5 % 3};
		rk_value_params limited = p;
		uint32_t	pair[2][NODES];
		rk_value_similarity *v;
		rk_similarity_rows rows;
		int64_t		better = 0;
		int64_t		count = 0;
		rk_ctx		ctx;

		rk_ctx_init(&ctx);
		assert_int_equal(rk_graph_value_similarity(&ctx, &s.o, &p, &v), RK_OK);
		while (rk_graph_value_similarity_next(v, &rows) == RK_OK && rows.count > 0)
			for (int64_t i = 0; i < rows.count; i++)
			{
				assert_true(rows.a[i] < rows.b[i]);
				score[rows.a[i]][rows.b[i]] = score[rows.b[i]][rows.a[i]] = rows.score[i];
				distance[rows.a[i]][rows.b[i]] = distance[rows.b[i]][rows.a[i]] = rows.distance[i];
			}
		rk_graph_value_similarity_end(v);

		limited.pairs.min_score = score[3][40];
		for (int a = 0; a < NODES; a++)
			for (int b = a + 1; b < NODES; b++)
				better += score[a][b] >= limited.pairs.min_score;
		if (round % 2)
			limited.pairs.top_k = 7;
		assert_int_equal(rk_graph_value_similarity(&ctx, &s.o, &limited, &v), RK_OK);
		while (rk_graph_value_similarity_next(v, &rows) == RK_OK && rows.count > 0)
			for (int64_t i = 0; i < rows.count; i++)
			{
				assert_true(rows.score[i] == score[rows.a[i]][rows.b[i]]);
				assert_true(rows.distance[i] == distance[rows.a[i]][rows.b[i]]);
				assert_true(rows.score[i] >= limited.pairs.min_score);
				if (round % 2 && i > 0)
					assert_true(rows.score[i] <= rows.score[i - 1]);
				/* nothing left out is better than the last one kept */
				if (round % 2 && i == rows.count - 1)
				{
					int64_t		ahead = 0;

					for (int a = 0; a < NODES; a++)
						for (int b = a + 1; b < NODES; b++)
							ahead += score[a][b] > rows.score[i];
					assert_true(ahead < 7);
				}
				count++;
			}
		assert_int_equal(count, round % 2 && better > 7 ? 7 : better);
		rk_graph_value_similarity_end(v);

		limited = p;
		limited.pairs.per_node = 3;
		count = 0;
		assert_int_equal(rk_graph_value_similarity(&ctx, &s.o, &limited, &v), RK_OK);
		while (rk_graph_value_similarity_next(v, &rows) == RK_OK && rows.count > 0)
			for (int64_t i = 0; i < rows.count; i++, count++)
			{
				int64_t		ahead = 0;

				assert_int_equal(rows.a[i], count / 3);
				for (int b = 0; b < NODES; b++)
					ahead += b != (int) rows.a[i] &&
						(score[rows.a[i]][b] > rows.score[i] || (score[rows.a[i]][b] == rows.score[i] && b < (int) rows.b[i]));
				assert_int_equal(ahead, count % 3);
			}
		assert_int_equal(count, 3 * NODES);
		rk_graph_value_similarity_end(v);

		limited = p;
		for (int i = 0; i < NODES; i++)
		{
			pair[0][i] = rk_hash3(round, i, 4) % NODES;
			pair[1][i] = i % 4 ? rk_hash3(round, i, 5) % NODES : pair[0][i];
		}
		limited.pairs.a = pair[0];
		limited.pairs.b = pair[1];
		limited.pairs.count = NODES;
		assert_int_equal(rk_graph_value_similarity(&ctx, &s.o, &limited, &v), RK_OK);
		assert_int_equal(rk_graph_value_similarity_next(v, &rows), RK_OK);
		assert_int_equal(rows.count, NODES);
		for (int64_t i = 0; i < NODES; i++)
			assert_true(rows.score[i] == (pair[0][i] == pair[1][i] ? 1 : score[pair[0][i]][pair[1][i]]));
		rk_graph_value_similarity_end(v);
		rk_ctx_destroy(&ctx);
		assert_int_equal(ctx.memory_used, 0);
		free_sample(&s);
	}
}

static void
bad_input_is_an_error(void **state)
{
	uint32_t	node[] = {0, 1};
	double		fine[] = {1, 2};
	double		zero[] = {1, 0};
	double		infinite[] = {1, INFINITY};
	double		wide[] = {-1e308, 1e308};
	double		negative[] = {1, 1, 1, -1};
	double		empty[] = {1, 1, 0, 0};
	const struct
	{
		const double *value;
		const double *histograms;
		rk_value_params p;
		rk_status	expected;
	}			wrong[] = {
		{zero, NULL, {.bins = 5,.binning = RK_BINS_LOGARITHMIC}, RK_ERR_DATA},
		{infinite, NULL, {.bins = 5}, RK_ERR_DATA},
		{wide, NULL, {.bins = 5}, RK_ERR_OVERFLOW},
		{NULL, negative, {.bins = 5}, RK_ERR_DATA},
		{NULL, empty, {.bins = 5}, RK_ERR_DATA},
		{NULL, empty, {.metric = RK_VALUE_KS}, RK_ERR_PARAMETER},
		{fine, NULL, {.bins = 5,.pairs = {.top_k = 1,.per_node = 1}}, RK_ERR_PARAMETER},
		{fine, NULL, {.bins = 5,.pairs = {.a = node,.b = node,.count = 1,.top_k = 1}}, RK_ERR_PARAMETER},
	};

	(void) state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
	{
		rk_observations o = {.nodes = 2,.count = 2,.node = node,.value = wrong[i].value,
		.histograms = wrong[i].histograms,.bins = 2};
		rk_value_similarity *v;
		rk_ctx		ctx;

		rk_ctx_init(&ctx);
		assert_int_equal(rk_graph_value_similarity(&ctx, &o, &wrong[i].p, &v), wrong[i].expected);
		assert_true(ctx.error.message[0] != '\0');
		rk_ctx_destroy(&ctx);
	}
	for (int metric = 0; metric < 5; metric++)
		for (int64_t count = 0; count <= 2; count++)
		{
			/* the third node has none */
			rk_observations o = {.nodes = 3,.count = count,.node = node,.value = fine};
			rk_value_params p = {.metric = metric,.bins = 3};
			rk_value_similarity *v;
			rk_ctx		ctx;

			rk_ctx_init(&ctx);
			assert_int_equal(rk_graph_value_similarity(&ctx, &o, &p, &v), RK_ERR_DATA);
			rk_ctx_destroy(&ctx);
		}
	{
		double		score;
		rk_ctx		ctx;

		rk_ctx_init(&ctx);
		assert_int_equal(rk_histogram_similarity(&ctx, fine, infinite, 2, RK_VALUE_JSD, &score), RK_ERR_DATA);
		rk_ctx_destroy(&ctx);
	}
}

/* ---- sweeps ---- */

static rk_value_params sweep_params;

static rk_status
run_stream(rk_ctx *ctx, const rk_edges *edges, void *result)
{
	/* sources are the nodes, weights the values */
	rk_observations o = {.nodes = edges->nodes,.count = edges->count,.node = edges->source,.value = edges->weight};
	uint64_t   *sum = result;
	rk_value_similarity *v;
	rk_similarity_rows rows;
	rk_status	status = rk_graph_value_similarity(ctx, &o, &sweep_params, &v);

	*sum = 0;
	if (status != RK_OK)
		return status;
	while ((status = rk_graph_value_similarity_next(v, &rows)) == RK_OK && rows.count > 0)
		for (int64_t i = 0; i < rows.count; i++)
		{
			uint64_t	bits;

			memcpy(&bits, &rows.distance[i], sizeof(bits));
			*sum = rk_hash_fold(*sum, bits ^ (uint64_t) rows.a[i] << 32 ^ rows.b[i]);
		}
	if (status == RK_OK)
	{
		rk_graph_value_similarity_end(v);
		assert_int_equal(ctx->memory_used, 0);
		assert_true(ctx->memory_peak <= rk_graph_value_similarity_memory(o.nodes, o.count, ctx->threads, &sweep_params) +
					8 * (2 << 20));
	}
	return status;
}

static void
all_metrics_pass_the_sweeps(void **state)
{
	test_edges	e = random_edges(3, 400, 9000, true);
	uint32_t	pairs[300];

	(void) state;
	for (int i = 0; i < 300; i++)
		pairs[i] = rk_hash2(i, 1) % 400;
	/* no node without a value */
	for (int i = 0; i < 400; i++)
		e.source[i] = i;
	for (int i = 0; i < 10; i++)
	{
		sweep_params = (rk_value_params) {.metric = i % 5,.bins = 20,.binning = i % 3};
		if (i % 4 == 1)
			sweep_params.pairs.top_k = 2000;
		if (i % 4 == 2)
			sweep_params.pairs.per_node = 3;
		if (i % 4 == 3)
			sweep_params.pairs = (rk_similarity_params) {.a = pairs,.b = pairs + 150,.count = 150};
		assert_thread_independent(run_stream, &e.edges, sizeof(uint64_t));
		assert_survives_allocation_failures(run_stream, &e.edges, sizeof(uint64_t));
		assert_cancellable(run_stream, &e.edges, sizeof(uint64_t));
	}
	free_edges(&e);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_histograms_agree_with_the_definition),
		cmocka_unit_test(samples_agree_with_the_definition),
		cmocka_unit_test(limits_choose_among_all),
		cmocka_unit_test(bad_input_is_an_error),
		cmocka_unit_test(all_metrics_pass_the_sweeps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
