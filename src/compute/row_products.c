/*
 * row_products.c
 *	  Products of all pairs of rows, block by block.
 *
 * A block is 48 rows times 48 rows, so many columns at a time that both parts
 * stay in the cache, copied to where every load is aligned; in it tiles of sums
 * stay in registers, and each value that is loaded takes part in three or four
 * of them.
 */
#include "row_products.h"

#include <string.h>

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>
#endif

#include "parallel.h"

#define BLOCK 48				/* a multiple of the rows and columns of all tiles */
#define DEPTH 512				/* columns at a time, between looks for a stop; a multiple of all lanes */
#define LINE 64					/* bytes that panels are aligned to */

typedef void (*block_fn) (const double *a, int64_t row_count, const double *b, int64_t column_count, int64_t lead,
						  int64_t depth, bool upper, double *panels, double *to);

#define TILE(name) name##_narrow
#define TILE_LANES 4
#define TILE_ROWS 3
#define TILE_COLUMNS 4
#define TILE_ADD(sum, a, b) ((sum) + (a) * (b))
#define TILE_SUM(v) (((v)[0] + (v)[1]) + ((v)[2] + (v)[3]))
#define TILE_TARGET
#include "row_products_tile.h"

#if defined(__x86_64__) && defined(__GNUC__)

#define TILE(name) name##_middle
#define TILE_LANES 4
#define TILE_ROWS 3
#define TILE_COLUMNS 4
#define TILE_ADD(sum, a, b) _mm256_fmadd_pd(a, b, sum)
#define TILE_SUM(v) (((v)[0] + (v)[1]) + ((v)[2] + (v)[3]))
#define TILE_TARGET __attribute__((target("avx2,fma")))
#include "row_products_tile.h"

#define TILE(name) name##_wide
#define TILE_LANES 8
#define TILE_ROWS 4
#define TILE_COLUMNS 4
#define TILE_ADD(sum, a, b) _mm512_fmadd_pd(a, b, sum)
#define TILE_SUM(v) _mm512_reduce_add_pd(v)
#define TILE_TARGET __attribute__((target("avx512f,avx512dq,avx512vl,avx512bw,fma")))
#include "row_products_tile.h"

static block_fn
fastest(void)
{
	if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
		__builtin_cpu_supports("avx512bw"))
		return block_wide;
	return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? block_middle : block_narrow;
}

#else

static block_fn
fastest(void)
{
	return block_narrow;
}

#endif

typedef struct products
{
	rk_ctx	   *ctx;
	const double *x;
	int64_t		rows;
	int64_t		columns;
	block_fn	block;
	double	   *panels;			/* 2 BLOCK DEPTH for each thread */
	rk_products_fn take;
	void	   *arg;
} products;

/* Pairs of blocks come in the order (0, 0), (0, 1), (1, 1), (0, 2), ... */
static void
pairs_of_block(void *arg, int64_t begin, int64_t end, int64_t chunk, int thread)
{
	const products *p = arg;

	(void) chunk;
	for (int64_t pair = begin; pair < end; pair++)
	{
		double	   *panels = p->panels + thread * 2 * BLOCK * DEPTH;
		double		to[BLOCK * BLOCK];
		int64_t		second = 0;
		int64_t		i;
		int64_t		j;
		int64_t		row_count;
		int64_t		column_count;

		while ((second + 1) * (second + 2) / 2 <= pair)
			second++;
		i = (pair - second * (second + 1) / 2) * BLOCK;
		j = second * BLOCK;
		row_count = p->rows - i < BLOCK ? p->rows - i : BLOCK;
		column_count = p->rows - j < BLOCK ? p->rows - j : BLOCK;
		memset(to, 0, sizeof(to));
		for (int64_t k = 0; k < p->columns; k += DEPTH)
		{
			if (rk_chunk_should_stop(p->ctx, thread))
				return;
			p->block(p->x + i * p->columns + k, row_count, p->x + j * p->columns + k, column_count, p->columns,
					 p->columns - k < DEPTH ? p->columns - k : DEPTH, i == j, panels, to);
		}
		for (int64_t r = 0; r < row_count; r++)
		{
			int64_t		first = i == j ? r + 1 : 0;

			if (first < column_count)
				p->take(p->arg, i + r, j + first, column_count - first, to + r * BLOCK + first);
		}
	}
}

rk_status
rk_row_products(rk_ctx *ctx, const double *x, int64_t rows, int64_t columns, rk_products_fn take, void *arg)
{
	products	p = {.ctx = ctx,.x = x,.rows = rows,.columns = columns,.block = fastest(),.take = take,.arg = arg};
	int64_t		blocks = rk_chunks(rows, BLOCK);
	double	   *memory = rk_alloc(ctx, (int64_t) ctx->threads * 2 * BLOCK * DEPTH + LINE / sizeof(double), sizeof(double));
	rk_status	status;

	if (memory == NULL)
		return RK_ERR_MEMORY;
	p.panels = (double *) (((uintptr_t) memory + LINE - 1) / LINE * LINE);
	status = rk_parallel_for(ctx, blocks * (blocks + 1) / 2, 1, pairs_of_block, &p);
	rk_free(ctx, memory);
	return status;
}
