/*
 * layer_steps.h
 *	  Dense steps of a layer, for one type of numbers.
 *
 * To be included with REAL (float or double) and NAME(x), which makes a name
 * of that type, defined.  Rows of a matrix are padded with zeros to whole
 * blocks of two vectors, so that no loop has a remainder.  Sums of more than
 * RK_TERMS terms are added up in float8.
 */

typedef REAL NAME(vector) __attribute__((vector_size(32)));

#define LANES ((int64_t) (32 / sizeof(REAL)))
#define BLOCK (2 * LANES)
#define ROWS 6					/* rows multiplied at a time: 12 sums in registers */

static inline int64_t
NAME(padded)(int64_t columns)
{
	return (columns + BLOCK - 1) / BLOCK * BLOCK;
}

/* A matrix of a model, in blocks of columns: [block][row][BLOCK]. */
static REAL *
NAME(pack)(rk_ctx *ctx, const double *matrix, int64_t rows, int64_t columns)
{
	int64_t		blocks = NAME(padded)(columns) / BLOCK;
	REAL	   *packed = rk_alloc0(ctx, blocks * BLOCK * rows, sizeof(REAL));

	for (int64_t i = 0; packed && i < rows; i++)
		for (int64_t j = 0; j < columns; j++)
			packed[(j / BLOCK * rows + i) * BLOCK + j % BLOCK] = (REAL) matrix[i * columns + j];
	return packed;
}

/* A dense matrix of numbers with padded rows. */
static REAL *
NAME(spread)(rk_ctx *ctx, const double *matrix, int64_t rows, int64_t columns)
{
	int64_t		stride = NAME(padded)(columns);
	REAL	   *spread = rk_alloc(ctx, rows * stride, sizeof(REAL));

	for (int64_t i = 0; spread && i < rows; i++)
	{
		for (int64_t j = 0; j < columns; j++)
			spread[i * stride + j] = (REAL) matrix[i * columns + j];
		memset(spread + i * stride + columns, 0, sizeof(REAL) * (stride - columns));
	}
	return spread;
}

/* z = x W, or z + x W. */
typedef struct NAME(product)
{
	const REAL *x;
	int64_t		in;
	int64_t		x_stride;
	const REAL *packed;
	int64_t		out;			/* padded */
	REAL	   *z;
	int64_t		z_stride;
	bool		add;
} NAME(product);

WIDE static void
NAME(multiply)(const NAME(product) *p, int64_t begin, int64_t end)
{
	for (int64_t i = begin; i < end; i += ROWS)
	{
		const REAL *row[ROWS];

		/* rows beyond the end are the last one once more */
		for (int r = 0; r < ROWS; r++)
			row[r] = p->x + (i + r < end ? i + r : end - 1) * p->x_stride;
		for (int64_t j = 0; j < p->out; j += BLOCK)
		{
			const REAL *w = p->packed + j * p->in;
			double		total[ROWS][BLOCK];
			NAME(vector) sum[ROWS][2];

			memset(sum, 0, sizeof(sum));
			for (int64_t tile = 0; tile < p->in; tile += RK_TERMS)
			{
				int64_t		last = tile + RK_TERMS < p->in ? tile + RK_TERMS : p->in;

				for (int64_t k = tile; k < last; k++)
				{
					NAME(vector) low;
					NAME(vector) high;

					memcpy(&low, w + k * BLOCK, sizeof(low));
					memcpy(&high, w + k * BLOCK + LANES, sizeof(high));
#pragma GCC unroll 6
					for (int r = 0; r < ROWS; r++)
					{
						sum[r][0] += row[r][k] * low;
						sum[r][1] += row[r][k] * high;
					}
				}
				if (p->in > RK_TERMS)
				{
					for (int r = 0; r < ROWS; r++)
						for (int c = 0; c < BLOCK; c++)
							total[r][c] = (tile == 0 ? 0 : total[r][c]) + sum[r][c / LANES][c % LANES];
					memset(sum, 0, sizeof(sum));
				}
			}
			for (int r = 0; r < ROWS && i + r < end; r++)
			{
				REAL	   *z = p->z + (i + r) * p->z_stride + j;

				for (int c = 0; c < BLOCK; c++)
				{
					REAL		value = p->in > RK_TERMS ? (REAL) total[r][c] : sum[r][c / LANES][c % LANES];

					z[c] = p->add ? z[c] + value : value;
				}
			}
		}
	}
}

static void
NAME(multiply_chunk)(void *arg, int64_t begin, int64_t end, int64_t chunk, int thread)
{
	(void) chunk;
	(void) thread;
	NAME(multiply)(arg, begin, end);
}

static rk_status
NAME(run_product)(rk_ctx *ctx, int64_t n, const NAME(product) *p)
{
	/* a chunk is some hundred thousand multiplications */
	int64_t		rows = 200000 / (p->in * p->out + 1) / ROWS * ROWS;

	return rk_parallel_for(ctx, n, rows < ROWS ? ROWS : rows, NAME(multiply_chunk), (void *) p);
}

#include "activation_steps.h"

#undef LANES
#undef BLOCK
#undef ROWS
