/*
 * similarity_rows.c
 *	  The best k of many rows: a heap over arrays, the worst at its root.
 */
#include "similarity_rows.h"

rk_status
rk_similarity_rows_make(rk_ctx *ctx, int64_t capacity, bool common, bool distance,
						rk_similarity_rows *rows)
{
	*rows = (rk_similarity_rows) {
		.a = rk_alloc(ctx, capacity, sizeof(uint32_t)),
		.b = rk_alloc(ctx, capacity, sizeof(uint32_t)),
		.score = rk_alloc(ctx, capacity, sizeof(double)),
		.common = common ? rk_alloc(ctx, capacity, sizeof(uint32_t)) : NULL,
		.distance = distance ? rk_alloc(ctx, capacity, sizeof(double)) : NULL
	};
	return rows->a && rows->b && rows->score && (rows->common || !common) &&
		(rows->distance || !distance) ? RK_OK : RK_ERR_MEMORY;
}

/* Grows one array; the old one stays where it is when memory is short. */
static bool
grow(rk_ctx *ctx, void **array, int64_t capacity, size_t size)
{
	void	   *grown = rk_realloc(ctx, *array, capacity, size);

	if (grown)
		*array = grown;
	return grown != NULL;
}

rk_status
rk_similarity_rows_grow(rk_ctx *ctx, int64_t capacity, rk_similarity_rows *rows)
{
	return grow(ctx, (void **) &rows->a, capacity, sizeof(uint32_t)) &&
		grow(ctx, (void **) &rows->b, capacity, sizeof(uint32_t)) &&
		grow(ctx, (void **) &rows->score, capacity, sizeof(double)) &&
		(!rows->common || grow(ctx, (void **) &rows->common, capacity, sizeof(uint32_t))) &&
		(!rows->distance || grow(ctx, (void **) &rows->distance, capacity, sizeof(double))) ?
		RK_OK : RK_ERR_MEMORY;
}

void
rk_similarity_rows_free(rk_ctx *ctx, rk_similarity_rows *rows)
{
	rk_free(ctx, rows->a);
	rk_free(ctx, rows->b);
	rk_free(ctx, rows->score);
	rk_free(ctx, rows->common);
	rk_free(ctx, rows->distance);
	*rows = (rk_similarity_rows) {0};
}

rk_similarity_rows
rk_similarity_rows_from(const rk_similarity_rows *rows, int64_t at)
{
	return (rk_similarity_rows) {
		.a = rows->a + at,
		.b = rows->b + at,
		.score = rows->score + at,
		.common = rows->common ? rows->common + at : NULL,
		.distance = rows->distance ? rows->distance + at : NULL
	};
}

static inline rk_similarity_row
get(const rk_similarity_rows *rows, int64_t i)
{
	return (rk_similarity_row) {
		rows->a[i], rows->b[i], rows->score[i],
		rows->common ? rows->common[i] : 0,
		rows->distance ? rows->distance[i] : 0
	};
}

static inline void
put(rk_similarity_rows *rows, int64_t i, const rk_similarity_row *row)
{
	rows->a[i] = row->a;
	rows->b[i] = row->b;
	rows->score[i] = row->score;
	if (rows->common)
		rows->common[i] = row->common;
	if (rows->distance)
		rows->distance[i] = row->distance;
}

/* Whether x comes before y in the result. */
static inline bool
is_better(const rk_similarity_row *x, const rk_similarity_row *y)
{
	if (x->score != y->score)
		return x->score > y->score;
	return x->a != y->a ? x->a < y->a : x->b < y->b;
}

/* Puts row into the hole at i of a heap of count rows, or below it. */
static void
sift_down(rk_similarity_rows *rows, int64_t count, int64_t i, const rk_similarity_row *row)
{
	for (;;)
	{
		int64_t		child = 2 * i + 1;
		rk_similarity_row worse;

		if (child >= count)
			break;
		worse = get(rows, child);
		if (child + 1 < count)
		{
			rk_similarity_row other = get(rows, child + 1);

			if (is_better(&worse, &other))
			{
				worse = other;
				child++;
			}
		}
		if (!is_better(row, &worse))
			break;
		put(rows, i, &worse);
		i = child;
	}
	put(rows, i, row);
}

void
rk_similarity_keep(rk_similarity_rows *rows, int64_t k, rk_similarity_row row)
{
	if (rows->count == k)
	{
		rk_similarity_row worst = get(rows, 0);

		if (is_better(&row, &worst))
			sift_down(rows, k, 0, &row);
	}
	else
	{
		int64_t		i = rows->count++;

		while (i > 0)
		{
			rk_similarity_row parent = get(rows, (i - 1) / 2);

			if (!is_better(&parent, &row))
				break;
			put(rows, i, &parent);
			i = (i - 1) / 2;
		}
		put(rows, i, &row);
	}
}

rk_status
rk_similarity_sort(rk_ctx *ctx, rk_similarity_rows *rows)
{
	for (int64_t last = rows->count - 1; last > 0; last--)
	{
		rk_similarity_row worst = get(rows, 0);
		rk_similarity_row row = get(rows, last);

		if (ctx && (last & 0xffff) == 0 && rk_ctx_poll(ctx))
			return RK_STOPPED;
		sift_down(rows, last, 0, &row);
		put(rows, last, &worst);
	}
	return RK_OK;
}
