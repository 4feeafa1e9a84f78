/*
 * correlations.c
 *	  Correlation matrices: whether they are ones, and their factors.
 */
#include "risk.h"

#include <math.h>

#define PIVOT_TOLERANCE 1e-10

/*
 * The smallest eigenvalue, by bisection on the number of negative pivots of
 * r - shift I (Sylvester's law of inertia); work has n * n entries.
 */
static double
smallest_eigenvalue(const double *r, int64_t n, double *work)
{
	double		low = -(double) n;
	double		high = 1;

	for (int step = 0; step < 40; step++)
	{
		double		shift = 0.5 * (low + high);
		bool		negative = false;

		for (int64_t i = 0; i < n && !negative; i++)
		{
			double	   *row = work + i * n;

			for (int64_t j = 0; j <= i; j++)
			{
				double		sum = r[i * n + j] - (i == j ? shift : 0);

				for (int64_t k = 0; k < j; k++)
					sum -= row[k] * work[j * n + k] * work[k * n + k];
				row[j] = i == j ? sum : sum / work[j * n + j];
			}
			negative = row[i] <= 0;
		}
		if (negative)
			high = shift;
		else
			low = shift;
	}
	return 0.5 * (low + high);
}

rk_status
rk_correlation_factor(rk_ctx *ctx, const double *r, int64_t n, double *factor)
{
	double	   *l = factor ? factor : rk_alloc(ctx, n * n, sizeof(double));

	if (l == NULL)
		return RK_ERR_MEMORY;
	for (int64_t i = 0; i < n; i++)
	{
		double	   *row = l + i * n;

		if (rk_ctx_poll(ctx))
			return RK_STOPPED;
		for (int64_t j = 0; j <= i; j++)
		{
			const double *other = l + j * n;
			double		sum = r[i * n + j];

			for (int64_t k = 0; k < j; k++)
				sum -= row[k] * other[k];
			/* beside a pivot of zero, only what rounding leaves may stand */
			if (j < i && (other[j] > 0 || fabs(sum) <= sqrt(PIVOT_TOLERANCE)))
				row[j] = other[j] > 0 ? sum / other[j] : 0;
			else if (j < i || sum < -PIVOT_TOLERANCE)
			{
				double		smallest = smallest_eigenvalue(r, n, l);

				rk_fail(ctx, RK_ERR_DATA, "correlation matrix is not positive semidefinite");
				rk_fail_detail(ctx, "Its smallest eigenvalue is %.6g.", smallest);
				return RK_ERR_DATA;
			}
			else
				row[i] = sum > 0 ? sqrt(sum) : 0;
		}
		for (int64_t j = i + 1; j < n; j++)
			row[j] = 0;
	}
	if (factor == NULL)
		rk_free(ctx, l);
	return RK_OK;
}
