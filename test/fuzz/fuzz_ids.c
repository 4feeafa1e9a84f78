/*
 * fuzz_ids.c
 *	  Numbering of ids against the definition: equal ids have one number, and
 *	  numbers are in the order of the ids.
 *
 * The first byte of the input chooses between integers and byte strings; zero
 * bytes part strings, as they cannot be in them.
 */
#include <stdlib.h>
#include <string.h>

#include "../../src/compute/dense.h"

#define CHECK(condition) do { if (!(condition)) abort(); } while (0)
#define MAX_IDS 96

static void
number_integers(const uint8_t *data, size_t size, bool narrow)
{
	rk_ctx		ctx;
	int64_t		values[MAX_IDS];
	int64_t	   *ids;
	int64_t		distinct;
	int			n = 0;
	int			half;
	rk_int_columns set = {.count = 0};

	for (size_t i = 0; i + 8 <= size && n < MAX_IDS; i += narrow ? 1 : 8)
	{
		memcpy(&values[n], data + i, 8);
		if (narrow)
			values[n] = (int8_t) values[n];
		n++;
	}
	rk_ctx_init(&ctx);
	half = n / 2;
	CHECK(rk_int_columns_add(&ctx, &set, 1) == RK_OK && rk_int_columns_add(&ctx, &set, 1) == RK_OK);
	/* in pieces, so that a value that is far from the others comes late */
	for (int i = 0; i < n; i += 4)
	{
		int			first = i < half && half < i + 4 ? half - i : n - i < 4 ? n - i : 4;

		CHECK(rk_int_columns_append(&ctx, &set, i >= half, values + i, first) == RK_OK);
		i += first - 4;
	}
	CHECK(rk_dense_ints(&ctx, &set, &ids, &distinct) == RK_OK);
	for (int64_t i = 1; i < distinct; i++)
		CHECK(ids[i - 1] < ids[i]);
	for (int i = 0; i < n; i++)
	{
		uint32_t	code = i < half ? set.columns[0].codes[i] : set.columns[1].codes[i - half];

		CHECK(code < distinct && ids[code] == values[i]);
		CHECK(rk_dense_find_int(ids, distinct, values[i]) == code);
		if (values[i] < INT64_MAX && rk_dense_find_int(ids, distinct, values[i] + 1) >= 0)
			CHECK(ids[rk_dense_find_int(ids, distinct, values[i] + 1)] == values[i] + 1);
	}
	rk_ctx_destroy(&ctx);
}

static int
compare(rk_bytes a, rk_bytes b)
{
	int			c = memcmp(a.data, b.data, a.length < b.length ? a.length : b.length);

	return c ? c : (a.length > b.length) - (a.length < b.length);
}

static void
number_strings(const uint8_t *data, size_t size)
{
	rk_ctx		ctx;
	rk_dictionary *d;
	rk_bytes	keys[MAX_IDS];
	uint32_t	codes[MAX_IDS];
	uint32_t   *rank;
	uint32_t   *order;
	int64_t		distinct;
	int			n = 0;
	const char *p = (const char *) data;
	const char *end = p + size;

	while (p < end && n < MAX_IDS)
	{
		const char *stop = memchr(p, 0, end - p);

		if (stop == NULL)
			stop = end;
		keys[n++] = (rk_bytes) {p, (uint32_t) (stop - p)};
		p = stop + 1;
	}
	rk_ctx_init(&ctx);
	d = rk_dictionary_create(&ctx);
	CHECK(d != NULL);
	/* in two steps, so that the second one finds ids of the first */
	CHECK(rk_dictionary_add(d, keys, n / 2, codes) == RK_OK);
	CHECK(rk_dictionary_add(d, keys + n / 2, n - n / 2, codes + n / 2) == RK_OK);
	distinct = rk_dictionary_count(d);
	rank = rk_alloc(&ctx, distinct, sizeof(uint32_t));
	order = rk_alloc(&ctx, distinct, sizeof(uint32_t));
	CHECK(rank && order);
	CHECK(rk_dictionary_sort(d, rank, order) == RK_OK);
	for (int i = 0; i < n; i++)
	{
		char		buffer[16];
		rk_bytes	back = rk_dictionary_key(d, codes[i], buffer);

		CHECK(compare(back, keys[i]) == 0);
		CHECK(rk_dictionary_find(d, keys[i]) == codes[i]);
		CHECK(order[rank[codes[i]]] == codes[i]);
		for (int j = 0; j < i; j++)
		{
			int			c = compare(keys[i], keys[j]);

			CHECK((c == 0) == (codes[i] == codes[j]));
			CHECK((c < 0) == (rank[codes[i]] < rank[codes[j]]));
		}
	}
	rk_ctx_destroy(&ctx);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 1)
		return 0;
	if (data[0] % 3 == 0)
		number_strings(data + 1, size - 1);
	else
		number_integers(data + 1, size - 1, data[0] % 3 == 1);
	return 0;
}
