/*
 * test_screening.c
 *	  The matching of names: worked examples, all pairs against the search, and
 *	  the sweeps every kernel passes.
 */
#include "support.h"

#include "../../src/compliance/screening/name_index.h"
#include "../../src/compliance/screening/parties.h"

/* ---- names ---- */

#define ROWS 240
#define MAX_NAMES (2 * ROWS)

/* Rows with a name and some with an alias, in texts of their own. */
typedef struct test_rows
{
	char		text[MAX_NAMES][160];
	rk_bytes	names[ROWS];
	rk_bytes	aliases[ROWS];
	int64_t		alias_offsets[ROWS + 1];
	int64_t		dates[ROWS];
	rk_bytes	countries[ROWS];
	rk_bytes	types[ROWS];
	rk_party_input input;
} test_rows;

static rk_bytes
bytes_of(const char *s)
{
	return (rk_bytes) {s, (uint32_t) strlen(s)};
}

/* Few letters, so that many names are alike; some beyond ASCII, some long, some empty. */
static void
make_name(char *to, uint64_t seed)
{
	static const char *const letters[] = {"a", "b", "c", "d", "e", " ", "a", "b", "\xd0\xb6", "\xc3\xa9", "-", "X"};
	int			length = rk_hash2(seed, 1) % 10 == 0 ? 60 + (int) (rk_hash2(seed, 2) % 12) : (int) (rk_hash2(seed, 3) % 14);

	*to = '\0';
	for (int i = 0; i < length; i++)
		strcat(to, letters[rk_hash3(seed, i, 4) % 12]);
}

static test_rows *
make_rows(uint64_t seed, int64_t rows)
{
	static const char *const countries[] = {"US", "us", "FR", "", "\xd0\xa0\xd0\xa4"};
	static const char *const types[] = {"", "person", "person", "company"};
	test_rows  *t = calloc(1, sizeof(test_rows));
	int64_t		aliases = 0;

	for (int64_t i = 0; i < rows; i++)
	{
		make_name(t->text[2 * i], rk_hash2(seed, i));
		make_name(t->text[2 * i + 1], rk_hash2(seed + 1, i));
		t->names[i] = bytes_of(t->text[2 * i]);
		t->alias_offsets[i] = aliases;
		if (rk_hash3(seed, i, 5) % 3 == 0)
			t->aliases[aliases++] = bytes_of(t->text[2 * i + 1]);
		t->dates[i] = rk_hash3(seed, i, 6) % 4 == 0 ? RK_UNKNOWN_DAY : (int64_t) (rk_hash3(seed, i, 7) % 4000) - 12000;
		t->countries[i] = bytes_of(countries[rk_hash3(seed, i, 8) % 5]);
		t->types[i] = bytes_of(types[rk_hash3(seed, i, 9) % 4]);
	}
	t->alias_offsets[rows] = aliases;
	t->input = (rk_party_input) {
		.names = {.rows = rows,.names = t->names,.alias_offsets = t->alias_offsets,.aliases = t->aliases},
		.dates = t->dates,.countries = t->countries,.types = t->types
	};
	return t;
}

/* ---- what is normalised ---- */

static void
assert_normalised(const char *text, bool transliterate, const uint32_t *expected, int64_t expected_count)
{
	rk_ctx		ctx;
	rk_normaliser *n;
	const uint32_t *symbols;
	int64_t		count;

	rk_ctx_init(&ctx);
	assert_int_equal(rk_normaliser_open(&ctx, transliterate, &n), RK_OK);
	assert_int_equal(rk_normalise(n, bytes_of(text), &symbols, &count), RK_OK);
	assert_int_equal(count, expected_count);
	assert_memory_equal(symbols, expected, sizeof(uint32_t) * count);
	rk_ctx_destroy(&ctx);
}

#define NORMALISED(text, transliterate, wide) \
	assert_normalised(text, transliterate, (const uint32_t *) wide, sizeof(wide) / sizeof(wide[0]) - 1)

static void
names_are_normalised(void **state)
{
	(void) state;
	NORMALISED("", false, L"");
	NORMALISED(" .,- ", false, L"");
	NORMALISED("  John   O'Neil-SMITH, Jr. ", false, L"john o neil smith jr");
	NORMALISED("M\xc3\xbcller", false, L"muller");
	NORMALISED("Stra\xc3\x9f" "e", false, L"strasse");
	NORMALISED("\xef\xac\x81nch \xe2\x85\xa7", false, L"finch viii");
	NORMALISED("a\xe2\x80\x8b" "b\xc2\xad" "c", false, L"abc");
	NORMALISED("a\xe2\x80\x94" "b\xc2\xa0" "c", false, L"a b c");
	NORMALISED("\xd0\x92\xd0\xbb\xd0\xb0\xd0\xb4", false, L"\x432\x43b\x430\x434");
	NORMALISED("\xd0\x92\xd0\xbb\xd0\xb0\xd0\xb4 \xc5\x81\xc3\xb8", true, L"vlad lo");
	/* no UTF-8: replaced, not read beyond */
	NORMALISED("a\xff\xc3", false, L"a\xfffd\xfffd");
}

/* ---- single pairs ---- */

static double
similarity(const char *a, const char *b, rk_name_method method, bool any_order)
{
	rk_ctx		ctx;
	double		result = -1;

	rk_ctx_init(&ctx);
	assert_int_equal(rk_name_similarity(&ctx, bytes_of(a), bytes_of(b), method, any_order, &result), RK_OK);
	rk_ctx_destroy(&ctx);
	return result;
}

static void
assert_similar(const char *a, const char *b, rk_name_method method, bool any_order, double expected)
{
	assert_true(fabs(similarity(a, b, method, any_order) - expected) < 5e-7);
	assert_true(similarity(a, b, method, any_order) == similarity(b, a, method, any_order));
}

static void
known_similarities(void **state)
{
	(void) state;
	assert_similar("martha", "marhta", RK_JARO_WINKLER, false, 0.961111);
	assert_similar("dwayne", "duane", RK_JARO_WINKLER, false, 0.84);
	assert_similar("dixon", "dicksonx", RK_JARO_WINKLER, false, 0.813333);
	assert_similar("abcba", "caccbccc", RK_JARO, false, 0.547222);
	assert_similar("smith john", "john smith", RK_JARO_WINKLER, false, 0.533333);
	assert_similar("smith john", "john smith", RK_JARO_WINKLER, true, 1);
	assert_similar("kitten", "sitting", RK_LEVENSHTEIN, false, 1 - 3.0 / 7);
	assert_similar("ca", "abc", RK_DAMERAU, false, 1.0 / 3);
	assert_similar("new york mets", "mets new york", RK_TOKEN_SORT_RATIO, false, 1);
	assert_similar("fuzzy was a bear", "fuzzy fuzzy was a bear", RK_TOKEN_SET_RATIO, false, 1);
	assert_similar("catherine", "katherine", RK_PHONETIC, false, 1);
	assert_similar("smith", "smyth", RK_PHONETIC, false, 1);
	assert_similar("smith", "jones", RK_PHONETIC, false, 0);
	for (int method = RK_JARO_WINKLER; method <= RK_PHONETIC; method++)
	{
		assert_similar("", "", method, true, 0);
		assert_similar("a", "...", method, true, 0);
		assert_similar("a", "a", method, true, 1);
	}
}

/* ---- all pairs ---- */

/* The best similarity of two rows over all their names. */
static double
best_of(rk_name_matcher *m, const rk_name_set *q, int64_t row, const rk_name_set *e, int64_t entry)
{
	double		best = 0;

	for (int64_t i = q->first[row]; i < q->first[row + 1]; i++)
	{
		rk_matcher_set(m, q, i);
		for (int64_t j = e->first[entry]; j < e->first[entry + 1]; j++)
			best = fmax(best, rk_matcher_compare(m, e, e->offsets[j], rk_name_length(e, j), 0));
	}
	return best;
}

static void
nothing_is_missed(void **state)
{
	(void) state;
	for (int seed = 0; seed < 60; seed++)
	{
		rk_ctx		ctx;
		rk_match_side sides[2];
		rk_matches	found;
		rk_name_matcher matcher;
		test_rows  *rows[2] = {make_rows(seed, 60), make_rows(seed + 1000, 80)};
		rk_party_input inputs[2] = {rows[0]->input, rows[1]->input};
		static const double scores[] = {0.5, 0.7, 0.8, 0.85, 0.95, 0};
		rk_match_params p = {.method = seed % RK_PHONETIC,.any_order = seed % 2,.min_score = scores[seed % 6],.top_k = 1000};
		int64_t		next = 0;

		rk_ctx_init(&ctx);
		ctx.threads = 2;
		assert_int_equal(rk_match_sides(&ctx, inputs, 2, false, 0, sides), RK_OK);
		assert_int_equal(rk_match(&ctx, &sides[0], &sides[1], &p, &found), RK_OK);
		assert_int_equal(rk_matcher_init(&matcher, &ctx, p.method, 0x10000, 200), RK_OK);
		for (int64_t i = 0; i < 60; i++)
		{
			int64_t		count = 0;
			int64_t		begin = next;

			while (next < found.count && found.query[next] == i)
			{
				assert_true(next == begin || found.score[next] <= found.score[next - 1]);
				assert_true(found.score[next] == best_of(&matcher, sides[0].names, i, sides[1].names, found.entry[next]));
				assert_int_equal(found.rank[next], next - begin + 1);
				next++;
			}
			/* types keep some apart */
			for (int64_t j = 0; j < 80; j++)
			{
				uint32_t	a = sides[0].types[i];
				uint32_t	b = sides[1].types[j];

				if (a == RK_NO_CODE || b == RK_NO_CODE || a == b)
					count += best_of(&matcher, sides[0].names, i, sides[1].names, j) >= p.min_score;
			}
			assert_int_equal(next - begin, count);
		}
		assert_int_equal(next, found.count);
		rk_ctx_destroy(&ctx);
		free(rows[0]);
		free(rows[1]);
	}
}

/* A few of many are the first of all. */
static void
the_best_are_first(void **state)
{
	(void) state;
	for (int seed = 0; seed < 12; seed++)
	{
		rk_ctx		ctx;
		rk_matches	found[2];
		test_rows  *rows[2] = {make_rows(seed, 80), make_rows(seed + 500, 200)};
		rk_party_input inputs[2] = {rows[0]->input, rows[1]->input};
		int64_t		next = 0;

		rk_ctx_init(&ctx);
		for (int k = 0; k < 2; k++)
		{
			rk_match_side sides[2];
			rk_match_params p = {.method = RK_JARO_WINKLER,.any_order = true,.min_score = 0.3,.top_k = k == 0 ? 1000 : 1 + seed % 4};

			assert_int_equal(rk_match_sides(&ctx, inputs, 2, false, 0, sides), RK_OK);
			assert_int_equal(rk_match(&ctx, &sides[0], &sides[1], &p, &found[k]), RK_OK);
		}
		for (int64_t i = 0; i < found[0].count; i++)
		{
			if (found[0].rank[i] > 1 + seed % 4)
				continue;
			assert_true(next < found[1].count);
			assert_int_equal(found[1].query[next], found[0].query[i]);
			assert_int_equal(found[1].entry[next], found[0].entry[i]);
			assert_true(found[1].score[next] == found[0].score[i]);
			next++;
		}
		assert_int_equal(next, found[1].count);
		rk_ctx_destroy(&ctx);
		free(rows[0]);
		free(rows[1]);
	}
}

/* The three ways to count bits agree. */
static void
runs_agree(void **state)
{
	rk_ctx		ctx;
	rk_normaliser *n;
	rk_name_set	names;
	rk_name_set   *sets[] = {&names};
	rk_name_index index;
	test_rows  *rows = make_rows(3, ROWS);
	uint8_t    *seen;
	int64_t		alphabet;

	(void) state;
	rk_ctx_init(&ctx);
	assert_int_equal(rk_normaliser_open(&ctx, false, &n), RK_OK);
	assert_int_equal(rk_names_build(n, &ctx, &rows->input.names, &names), RK_OK);
	assert_int_equal(rk_names_prepare(&ctx, sets, 1, RK_FORM_BOTH, &alphabet), RK_OK);
	assert_int_equal(rk_name_index_build(&ctx, &names, alphabet, NULL, 1, &index), RK_OK);
	seen = rk_alloc0(&ctx, alphabet, 1);
	for (int64_t i = 0; i < names.count; i++)
	{
		rk_name_bits bits = rk_name_bits_of(&index, &names, i, seen);
		int64_t		begin = rk_hash2(8, i) % index.entries;
		int64_t		count = index.entries - begin < RK_RUN ? index.entries - begin : RK_RUN;
		uint64_t	found = rk_name_run()(&index, begin, count, &bits, 5, 3);

		for (int64_t k = 0; k < count; k++)
		{
			int64_t		e = begin + k;
			int64_t		shared = rk_shared_bits(&index, e, &bits);
			bool		alike = index.begins[0][e] == bits.begins[0] || index.begins[1][e] == bits.begins[1];

			assert_int_equal(found >> k & 1, shared >= 5 || (alike && shared >= 3));
		}
		assert_true(count == RK_RUN || found >> count == 0);
	}
	rk_ctx_destroy(&ctx);
	free(rows);
}

/* ---- evidence ---- */

static void
dates_agree(void **state)
{
	/* 2000-01-01 is day 0 */
	uint32_t	base = rk_packed_date(33);	/* 2000-02-03 */

	(void) state;
	assert_int_equal(base, (uint32_t) 7000 << 9 | 2 << 5 | 3);
	assert_int_equal(rk_packed_date(-1), (uint32_t) 6999 << 9 | 12 << 5 | 31);
	assert_int_equal(rk_packed_date(59), (uint32_t) 7000 << 9 | 2 << 5 | 29);
	assert_int_equal(rk_compare_dates(base, base), RK_DATE_EXACT);
	assert_int_equal(rk_compare_dates(base, base + 1), RK_DATE_MONTH);
	assert_int_equal(rk_compare_dates(base, (uint32_t) 7000 << 9 | 3 << 5 | 2), RK_DATE_SWAPPED);
	assert_int_equal(rk_compare_dates(base, (uint32_t) 7000 << 9 | 7 << 5 | 3), RK_DATE_YEAR);
	assert_int_equal(rk_compare_dates(base, (uint32_t) 7002 << 9 | 2 << 5 | 3), RK_DATE_NEAR);
	assert_int_equal(rk_compare_dates((uint32_t) 7005 << 9 | 2 << 5 | 3, base), RK_DATE_FIVE_YEARS);
	assert_int_equal(rk_compare_dates(base, (uint32_t) 7006 << 9 | 2 << 5 | 3), RK_DATE_MISMATCH);
	assert_int_equal(rk_compare_dates(base, RK_NO_DATE), RK_DATE_UNKNOWN);
}

/* What a pair needs is never more than what makes its score. */
static void
needs_are_bounds(void **state)
{
	(void) state;
	for (int i = 0; i < 200000; i++)
	{
		rk_match_rule r = {.model = rk_hash2(i, 1) % 4,.candidates = 1 + rk_hash2(i, 2) % 100};
		double		name = rk_hash2(i, 3) % 2 ? 0.01 * (rk_hash2(i, 4) % 101) : (double) (rk_hash2(i, 4) >> 11) * 0x1p-53;
		rk_date_agreement d = rk_hash2(i, 5) % RK_DATE_AGREEMENTS;
		rk_country_agreement c = rk_hash2(i, 6) % RK_COUNTRY_AGREEMENTS;
		double		score;

		for (int k = 0; k < 3; k++)
		{
			r.weights[k] = rk_hash3(i, k, 7) % 5 * (rk_hash3(i, k, 10) % 4 ? 0.25 : 1e-9);
			r.m[k] = 0.05 + 0.1 * (rk_hash3(i, k, 8) % 10);
			r.u[k] = 0.05 + 0.1 * (rk_hash3(i, k, 9) % 10);
		}
		score = rk_match_score(&r, name, d, c);
		if (score < 0)
			continue;
		assert_true(score <= 1);
		assert_true(rk_match_need(&r, score, d, c) <= name);
	}
}

static void
peps_have_tiers(void **state)
{
	static const int64_t levels[] = {3, 0, 1, 1, 2, 3};
	static const bool active[] = {true, true, false, true, true, true};
	static const uint32_t expected[] = {3, 5, 1, 0, 2, 4};
	uint32_t	order[6];
	rk_ctx		ctx;

	(void) state;
	assert_int_equal(rk_pep_tier(1, true), 3);
	assert_int_equal(rk_pep_tier(1, false), 2);
	assert_int_equal(rk_pep_tier(2, true), 2);
	assert_int_equal(rk_pep_tier(2, false), 1);
	assert_int_equal(rk_pep_tier(3, true), 1);
	assert_int_equal(rk_pep_tier(3, false), 0);
	assert_int_equal(rk_pep_tier(0, true), 0);
	rk_ctx_init(&ctx);
	assert_int_equal(rk_pep_order(&ctx, levels, active, 6, order), RK_OK);
	assert_memory_equal(order, expected, sizeof(expected));
	rk_ctx_destroy(&ctx);
}

/* ---- sweeps ---- */

static int	sweep_method;

#define KEPT 4096

/* A run whose result is the pairs found. */
static rk_status
run_match(rk_ctx *ctx, const rk_edges *edges, void *result)
{
	test_rows  *rows[2] = {make_rows(1, 100), make_rows(2, ROWS)};
	rk_party_input inputs[2] = {rows[0]->input, rows[1]->input};
	rk_match_side sides[2];
	rk_matches	found;
	rk_match_params p = {.method = sweep_method,.any_order = true,.min_score = 0.6,.top_k = 4,
	.rule = {RK_MODEL_WEIGHTED, {0.6, 0.25, 0.15}, {0}, {0}, ROWS}};
	rk_status	status = rk_match_sides(ctx, inputs, 2, sweep_method == 0, RK_BLOCK_COUNTRY, sides);
	double	   *to = result;

	(void) edges;
	if (status == RK_OK)
		status = rk_match(ctx, &sides[0], &sides[1], &p, &found);
	for (int64_t i = 0; status == RK_OK && i < found.count && i < KEPT / 4; i++)
	{
		to[4 * i] = found.query[i];
		to[4 * i + 1] = found.entry[i];
		to[4 * i + 2] = found.score[i];
		to[4 * i + 3] = found.name[i];
	}
	free(rows[0]);
	free(rows[1]);
	return status;
}

static rk_status
run_clusters(rk_ctx *ctx, const rk_edges *edges, void *result)
{
	test_rows  *rows = make_rows(5, ROWS);
	rk_match_side side;
	rk_match_params p = {.method = sweep_method,.any_order = true,.min_score = 0.85,.within = true};
	rk_status	status = rk_match_sides(ctx, &rows->input, 1, false, 0, &side);
	uint32_t   *cluster = rk_alloc(ctx, ROWS, sizeof(uint32_t));
	int64_t    *number = rk_alloc(ctx, ROWS, sizeof(int64_t));

	(void) edges;
	if (cluster == NULL || number == NULL)
		status = RK_ERR_MEMORY;
	if (status == RK_OK)
		status = rk_match_clusters(ctx, &side, &p, cluster);
	if (status == RK_OK)
		status = rk_number_clusters(ctx, cluster, ROWS, number, result);
	free(rows);
	return status;
}

static rk_status
run_order(rk_ctx *ctx, const rk_edges *edges, void *result)
{
	static int64_t levels[200000];
	static bool active[200000];
	uint32_t   *order = rk_alloc(ctx, 200000, sizeof(uint32_t));
	rk_status	status = order ? rk_pep_order(ctx, levels, active, 200000, order) : RK_ERR_MEMORY;

	(void) edges;
	(void) result;
	return status;
}

static void
sweeps(void **state)
{
	rk_edges	none = {0};

	(void) state;
	for (sweep_method = RK_JARO_WINKLER; sweep_method <= RK_PHONETIC; sweep_method++)
	{
		assert_thread_independent(run_match, &none, KEPT * sizeof(double));
		assert_survives_allocation_failures(run_match, &none, KEPT * sizeof(double));
		assert_cancellable(run_match, &none, KEPT * sizeof(double));
		assert_thread_independent(run_clusters, &none, ROWS * sizeof(int64_t));
		assert_survives_allocation_failures(run_clusters, &none, ROWS * sizeof(int64_t));
		assert_cancellable(run_clusters, &none, ROWS * sizeof(int64_t));
	}
	assert_cancellable(run_order, &none, 8);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_normalised),
		cmocka_unit_test(known_similarities),
		cmocka_unit_test(nothing_is_missed),
		cmocka_unit_test(the_best_are_first),
		cmocka_unit_test(runs_agree),
		cmocka_unit_test(dates_agree),
		cmocka_unit_test(needs_are_bounds),
		cmocka_unit_test(peps_have_tiers),
		cmocka_unit_test(sweeps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
