/*
 * test_row_products.c
 *	  Products of all pairs of rows: each once, right, whatever the shape, and
 *	  with the same bits on any number of threads.
 */
#include "support.h"

#include "../../src/compute/row_products.h"

#define MOST 160

typedef struct shape
{
	int64_t		rows;
	int64_t		columns;
	const double *x;
	double	   *products;		/* [rows * rows] */
	_Atomic int calls;
} shape;

static void
take(void *arg, int64_t i, int64_t first, int64_t count, const double *products)
{
	shape	   *s = arg;

	assert_true(first > i && first + count <= s->rows);
	for (int64_t k = 0; k < count; k++)
	{
		assert_true(isnan(s->products[i * s->rows + first + k]));
		s->products[i * s->rows + first + k] = products[k];
		atomic_fetch_add(&s->calls, 1);
	}
}

static void
every_pair_once(void **state)
{
	static const int64_t rows[] = {0, 1, 2, 3, 4, 5, 47, 48, 49, 97, MOST};
	static const int64_t columns[] = {0, 1, 7, 8, 9, 511, 512, 513, 1500};

	(void) state;
	for (size_t a = 0; a < sizeof(rows) / sizeof(*rows); a++)
		for (size_t b = 0; b < sizeof(columns) / sizeof(*columns); b++)
		{
			shape		s = {.rows = rows[a],.columns = columns[b]};
			double	   *x = malloc(sizeof(double) * (s.rows * s.columns + 1));
			rk_ctx		ctx;

			s.products = malloc(sizeof(double) * (s.rows * s.rows + 1));
			s.x = x;
			for (int64_t k = 0; k < s.rows * s.columns; k++)
				x[k] = rk_uniform(rk_hash3(a, b, k)) - 0.3;
			for (int64_t k = 0; k < s.rows * s.rows; k++)
				s.products[k] = NAN;
			rk_ctx_init(&ctx);
			ctx.threads = 1 + (int) (a + b) % 3;
			assert_int_equal(rk_row_products(&ctx, x, s.rows, s.columns, take, &s), RK_OK);
			assert_int_equal(atomic_load(&s.calls), s.rows * (s.rows - 1) / 2);
			for (int64_t i = 0; i < s.rows; i++)
				for (int64_t j = i + 1; j < s.rows; j++)
				{
					long double sum = 0;

					for (int64_t k = 0; k < s.columns; k++)
						sum += (long double) x[i * s.columns + k] * x[j * s.columns + k];
					assert_true(fabsl(s.products[i * s.rows + j] - sum) <= 1e-13L * (1 + s.columns));
				}
			rk_ctx_destroy(&ctx);
			free(x);
			free(s.products);
		}
}

static void
keep(void *arg, int64_t i, int64_t first, int64_t count, const double *products)
{
	memcpy((double *) arg + i * MOST + first, products, sizeof(double) * count);
}

static rk_status
run_products(rk_ctx *ctx, const rk_edges *edges, void *result)
{
	static double x[MOST * 600];

	(void) edges;
	for (int64_t k = 0; k < MOST * 600; k++)
		x[k] = rk_uniform(rk_hash2(7, k)) - 0.5;
	return rk_row_products(ctx, x, MOST, 600, keep, result);
}

static void
sweeps(void **state)
{
	size_t		size = sizeof(double) * MOST * MOST;

	(void) state;
	assert_thread_independent(run_products, NULL, size);
	assert_survives_allocation_failures(run_products, NULL, size);
	assert_cancellable(run_products, NULL, size);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_pair_once),
		cmocka_unit_test(sweeps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
