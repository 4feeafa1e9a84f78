/*
 * sorting.c
 *	  A merge sort that can be stopped.
 */
#include "flows.h"

#include <stdlib.h>
#include <string.h>

#define RUN 8192				/* elements sorted between looks at the stop flag */

/* Merges the runs [from, middle) and [middle, to) into the same places elsewhere. */
static void
merge_runs(const char *list, char *merged, size_t size, int64_t from, int64_t middle, int64_t to,
		   rk_compare_fn compare)
{
	int64_t		i = from;
	int64_t		j = middle;

	for (int64_t k = from; k < to; k++)
	{
		bool		left = j == to || (i < middle && compare(list + i * size, list + j * size) <= 0);

		memcpy(merged + k * size, list + (left ? i++ : j++) * size, size);
	}
}

rk_status
rk_flows_sort(rk_ctx *ctx, void **list, int64_t count, size_t size, rk_compare_fn compare)
{
	char	   *from = *list;
	char	   *to;

	if (count < 2)
		return RK_OK;
	if ((to = rk_alloc(ctx, count, size)) == NULL)
		return RK_ERR_MEMORY;
	for (int64_t i = 0; i < count; i += RUN)
	{
		if (rk_ctx_poll(ctx))
			return RK_STOPPED;
		qsort(from + i * size, count - i < RUN ? count - i : RUN, size, compare);
	}
	for (int64_t run = RUN; run < count; run *= 2)
	{
		char	   *swap = from;

		for (int64_t i = 0; i < count; i += 2 * run)
		{
			int64_t		middle = i + run < count ? i + run : count;

			if (rk_ctx_poll(ctx))
				return RK_STOPPED;
			merge_runs(from, to, size, i, middle, middle + run < count ? middle + run : count, compare);
		}
		from = to;
		to = swap;
	}
	*list = from;
	rk_free(ctx, to);
	return RK_OK;
}
