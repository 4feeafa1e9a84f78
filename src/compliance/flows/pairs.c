/*
 * pairs.c
 *	  Transactions by unordered pair of entities.
 */
#include "flows.h"

rk_status
rk_pairs_build(rk_ctx *ctx, const rk_transactions *t, const uint32_t *rows, int64_t count, rk_pairs *pairs)
{
	rk_keyed_row *list = rk_alloc(ctx, count, sizeof(rk_keyed_row));
	rk_keyed_row *scratch = rk_alloc(ctx, count, sizeof(rk_keyed_row));
	int			bits = 1;
	int64_t		n = 0;
	rk_status	status;

	*pairs = (rk_pairs) {0};
	if (!list || !scratch)
		return RK_ERR_MEMORY;
	while (t->entities > (int64_t) 1 << bits)
		bits++;
	for (int64_t i = 0; i < count; i++)
	{
		uint64_t	a = t->source[rows[i]];
		uint64_t	b = t->target[rows[i]];

		if (a != b)
			list[n++] = (rk_keyed_row) {a < b ? a << bits | b : b << bits | a, rows[i]};
	}
	status = rk_sort_keyed_rows(ctx, &list, &scratch, n, (uint64_t) (t->entities - 1) << bits);
	rk_free(ctx, scratch);
	if (status != RK_OK)
		return status;
	for (int64_t i = 0; i < n; i++)
		pairs->count += i == 0 || list[i - 1].key != list[i].key;
	pairs->offsets = rk_alloc(ctx, pairs->count + 1, sizeof(int64_t));
	pairs->rows = rk_alloc(ctx, n, sizeof(uint32_t));
	if (!pairs->offsets || !pairs->rows)
		return RK_ERR_MEMORY;
	pairs->count = 0;
	for (int64_t i = 0; i < n; i++)
	{
		if (i == 0 || list[i - 1].key != list[i].key)
			pairs->offsets[pairs->count++] = i;
		pairs->rows[i] = list[i].row;
	}
	pairs->offsets[pairs->count] = n;
	rk_free(ctx, list);
	return RK_OK;
}
