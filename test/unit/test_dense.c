/*
 * test_dense.c
 *	  Numbering of ids against sorting all of them.
 */
#include "support.h"

#include "../../src/compute/dense.h"

static int
compare_ints(const void *a, const void *b)
{
	int64_t		x = *(const int64_t *) a;
	int64_t		y = *(const int64_t *) b;

	return (x > y) - (x < y);
}

/*
 * spread: the range of the ids; a wide one goes through the hash table, and
 * one beyond 32 bits is held wide, after some rows or from the first on.
 */
static void
integers_are_ranks(void **state)
{
	static const uint64_t spreads[] = {1, 10, 5000, UINT64_C(1) << 30, UINT64_C(1) << 40, UINT64_MAX};

	(void) state;
	for (int s = 0; s < 6; s++)
	{
		enum
		{
			COUNT = 20000
		};
		int64_t    *values = malloc(sizeof(int64_t) * COUNT);
		int64_t    *sorted = malloc(sizeof(int64_t) * COUNT);
		rk_int_columns set = {.count = 0};
		int64_t    *ids;
		int64_t		n;
		int64_t		distinct = 1;
		rk_ctx		ctx;

		for (int i = 0; i < COUNT; i++)
			values[i] = s == 5 ? (int64_t) rk_hash2(s, i % 7000) :
				(int64_t) (rk_hash2(s, i) % spreads[s]) - 1000;
		memcpy(sorted, values, sizeof(int64_t) * COUNT);
		qsort(sorted, COUNT, sizeof(int64_t), compare_ints);
		for (int i = 1; i < COUNT; i++)
			distinct += sorted[i] != sorted[i - 1];
		rk_ctx_init(&ctx);
		ctx.threads = 2;
		for (int c = 0; c < 2; c++)
			assert_int_equal(rk_int_columns_add(&ctx, &set, 100), RK_OK);
		for (int i = 0; i < COUNT / 2; i += 500)
			for (int c = 0; c < 2; c++)
				assert_int_equal(rk_int_columns_append(&ctx, &set, c, values + c * COUNT / 2 + i, 500), RK_OK);
		assert_int_equal(rk_dense_ints(&ctx, &set, &ids, &n), RK_OK);
		assert_int_equal(n, distinct);
		for (int64_t i = 1; i < n; i++)
			assert_true(ids[i - 1] < ids[i]);
		for (int i = 0; i < COUNT; i++)
		{
			uint32_t	code = set.columns[i / (COUNT / 2)].codes[i % (COUNT / 2)];

			assert_true(ids[code] == values[i]);
			assert_int_equal(rk_dense_find_int(ids, n, values[i]), code);
		}
		assert_int_equal(rk_dense_find_int(ids, n, INT64_MAX - 3), -1);
		rk_ctx_destroy(&ctx);
		free(values);
		free(sorted);
	}
}

/* Both ends of the integers, and a value that comes late and far from the rest. */
static void
far_integers_keep_their_order(void **state)
{
	static const int64_t rows[][4] = {
		{INT64_MIN, INT64_MAX, INT64_MIN + 1, 0},
		{INT64_MIN, INT64_MIN + 5, INT64_MIN + UINT32_MAX, INT64_MIN},
		{INT64_MAX, INT64_MAX - 7, INT64_MAX, INT64_MAX - 1},
		{5, 6, 7, INT64_MAX},
		{5, 6, 7, INT64_MIN},
		{0, INT64_C(1) << 31, -(INT64_C(1) << 31), 1},
	};

	(void) state;
	for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++)
	{
		rk_int_columns set = {.count = 0};
		int64_t    *ids;
		int64_t		n;
		rk_ctx		ctx;

		rk_ctx_init(&ctx);
		assert_int_equal(rk_int_columns_add(&ctx, &set, 1), RK_OK);
		for (int i = 0; i < 4; i++)
			assert_int_equal(rk_int_columns_append(&ctx, &set, 0, &rows[r][i], 1), RK_OK);
		assert_int_equal(rk_dense_ints(&ctx, &set, &ids, &n), RK_OK);
		for (int64_t i = 1; i < n; i++)
			assert_true(ids[i - 1] < ids[i]);
		for (int i = 0; i < 4; i++)
			assert_true(ids[set.columns[0].codes[i]] == rows[r][i]);
		rk_ctx_destroy(&ctx);
	}
}

/* Strings of 0 to 40 bytes over a small alphabet: many share long prefixes. */
static void
strings_are_ranks_in_byte_order(void **state)
{
	enum
	{
		COUNT = 30000
	};
	char	  (*text)[41] = malloc(sizeof(char[41]) * COUNT);
	rk_bytes   *keys = malloc(sizeof(rk_bytes) * COUNT);
	uint32_t   *codes = malloc(sizeof(uint32_t) * COUNT);
	uint32_t   *rank;
	uint32_t   *order;
	rk_dictionary *d;
	rk_ctx		ctx;

	(void) state;
	for (int i = 0; i < COUNT; i++)
	{
		uint32_t	length = rk_hash3(1, i, 0) % 41;

		for (uint32_t k = 0; k < length; k++)
			text[i][k] = k < 20 ? 'a' : "ab"[rk_hash3(2, i, k) % 2];
		keys[i] = (rk_bytes) {text[i], length};
	}
	rk_ctx_init(&ctx);
	d = rk_dictionary_create(&ctx);
	assert_non_null(d);
	assert_int_equal(rk_dictionary_add(d, keys, COUNT, codes), RK_OK);
	rank = rk_alloc(&ctx, rk_dictionary_count(d), sizeof(uint32_t));
	order = rk_alloc(&ctx, rk_dictionary_count(d), sizeof(uint32_t));
	assert_int_equal(rk_dictionary_sort(d, rank, order), RK_OK);
	for (int i = 0; i < COUNT; i++)
	{
		char		buffer[16];
		rk_bytes	back = rk_dictionary_key(d, codes[i], buffer);

		assert_int_equal(back.length, keys[i].length);
		assert_memory_equal(back.data, keys[i].data, back.length);
		assert_int_equal(rk_dictionary_find(d, keys[i]), codes[i]);
	}
	for (int64_t i = 1; i < rk_dictionary_count(d); i++)
	{
		char		b1[16];
		char		b2[16];
		rk_bytes	x = rk_dictionary_key(d, order[i - 1], b1);
		rk_bytes	y = rk_dictionary_key(d, order[i], b2);
		int			c = memcmp(x.data, y.data, x.length < y.length ? x.length : y.length);

		assert_true(c < 0 || (c == 0 && x.length < y.length));
		assert_int_equal(rank[order[i]], i);
	}
	assert_int_equal(rk_dictionary_find(d, (rk_bytes) {"nobody", 6}), -1);
	rk_ctx_destroy(&ctx);
	free(text);
	free(keys);
	free(codes);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(integers_are_ranks),
		cmocka_unit_test(far_integers_keep_their_order),
		cmocka_unit_test(strings_are_ranks_in_byte_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
