/*
 * assignment.c
 *	  Rows to columns with the largest sum of weights.
 *
 * Jonker and Volgenant 1987, "A shortest augmenting path algorithm for dense
 * and sparse linear assignment problems", its augmentation alone: a row after
 * the other enters along the path that is cheapest in reduced costs.
 */
#include "clearing.h"

#include <math.h>

/* Prices and who is assigned to whom, with one column more as a place to start. */
typedef struct assignment
{
	const double *weights;
	int64_t		columns;
	double	   *row_price;
	double	   *column_price;
	double	   *least;			/* reduced cost of the cheapest path to a column */
	int64_t    *row_of;			/* of a column; -1: free */
	int64_t    *before;			/* column before on that path */
	bool	   *done;
} assignment;

/* Finds the cheapest path from a row to a free column and flips it. */
static void
enter_row(assignment *a, int64_t row)
{
	int64_t		at = a->columns;	/* stands for the row that enters */

	a->row_of[at] = row;
	for (int64_t c = 0; c <= a->columns; c++)
	{
		a->least[c] = INFINITY;
		a->done[c] = false;
	}
	do
	{
		int64_t		r = a->row_of[at];
		int64_t		next = -1;
		double		step = INFINITY;

		a->done[at] = true;
		for (int64_t c = 0; c < a->columns; c++)
		{
			double		cost;

			if (a->done[c])
				continue;
			cost = -a->weights[r * a->columns + c] - a->row_price[r] - a->column_price[c];
			if (cost < a->least[c])
			{
				a->least[c] = cost;
				a->before[c] = at;
			}
			if (a->least[c] < step)
			{
				step = a->least[c];
				next = c;
			}
		}
		for (int64_t c = 0; c <= a->columns; c++)
		{
			if (a->done[c])
			{
				a->row_price[a->row_of[c]] += step;
				a->column_price[c] -= step;
			}
			else
				a->least[c] -= step;
		}
		at = next;
	} while (a->row_of[at] >= 0);
	while (at != a->columns)
	{
		a->row_of[at] = a->row_of[a->before[at]];
		at = a->before[at];
	}
}

rk_status
rk_assignment(rk_ctx *ctx, const double *weights, int64_t rows, int64_t columns, int64_t *column)
{
	assignment	a = {
		.weights = weights,
		.columns = columns,
		.row_price = rk_alloc0(ctx, rows, sizeof(double)),
		.column_price = rk_alloc0(ctx, columns + 1, sizeof(double)),
		.least = rk_alloc(ctx, columns + 1, sizeof(double)),
		.row_of = rk_alloc(ctx, columns + 1, sizeof(int64_t)),
		.before = rk_alloc(ctx, columns + 1, sizeof(int64_t)),
		.done = rk_alloc(ctx, columns + 1, sizeof(bool))
	};

	if (!a.row_price || !a.column_price || !a.least || !a.row_of || !a.before || !a.done)
		return RK_ERR_MEMORY;
	for (int64_t c = 0; c <= columns; c++)
		a.row_of[c] = -1;
	for (int64_t r = 0; r < rows; r++)
	{
		if (rk_ctx_poll(ctx))
			return RK_STOPPED;
		enter_row(&a, r);
	}
	for (int64_t c = 0; c < columns; c++)
		if (a.row_of[c] >= 0)
			column[a.row_of[c]] = c;
	rk_free(ctx, a.row_price);
	rk_free(ctx, a.column_price);
	rk_free(ctx, a.least);
	rk_free(ctx, a.row_of);
	rk_free(ctx, a.before);
	rk_free(ctx, a.done);
	return RK_OK;
}
