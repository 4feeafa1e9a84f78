/*
 * correlation_matrix.c
 *	  Correlation matrices: whether they are ones, and their factors.
 */
#include "correlation_matrix.h"

#include <math.h>
#include <string.h>

#include "lapack.h"

#define PIVOT_TOLERANCE 1e-10
#define REPAIR_TOLERANCE 1e-10
#define REPAIR_ITERATIONS 1000

/*
 * The smallest eigenvalue, by bisection on the number of negative pivots of
 * r - shift I (Sylvester's law of inertia); work has n * n entries.
 */
static rk_status
smallest_eigenvalue(rk_ctx *ctx, const double *r, int64_t n, double *work, double *smallest)
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

			if (rk_ctx_poll(ctx))
				return RK_STOPPED;
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
	*smallest = 0.5 * (low + high);
	return RK_OK;
}

/* The factor, or the row in which a pivot fails (n: none). */
static rk_status
factor_rows(rk_ctx *ctx, const double *r, int64_t n, double *l, int64_t *failed)
{
	*failed = n;
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
				*failed = i;
				return RK_OK;
			}
			else
				row[i] = sum > 0 ? sqrt(sum) : 0;
		}
		for (int64_t j = i + 1; j < n; j++)
			row[j] = 0;
	}
	return RK_OK;
}

rk_status
rk_correlation_factor(rk_ctx *ctx, const double *r, int64_t n, double *factor)
{
	double	   *l = factor ? factor : rk_alloc(ctx, n * n, sizeof(double));
	int64_t		failed;
	rk_status	status;

	if (l == NULL)
		return RK_ERR_MEMORY;
	status = factor_rows(ctx, r, n, l, &failed);
	if (status == RK_OK && failed < n)
	{
		double		smallest;

		if ((status = smallest_eigenvalue(ctx, r, n, l, &smallest)) == RK_OK)
		{
			status = rk_fail(ctx, RK_ERR_DATA, "correlation matrix is not positive semidefinite");
			rk_fail_detail(ctx, "Its smallest eigenvalue is %.6g.", smallest);
			rk_fail_hint(ctx, "Set psd_repair => true to use the nearest correlation matrix.");
		}
	}
	if (factor == NULL)
		rk_free(ctx, l);
	return status;
}

/* Projects a onto the positive semidefinite matrices; work: vectors, scaled. */
static rk_status
project(rk_ctx *ctx, const double *a, int n, double *to, double *vectors, double *scaled, double *values,
		double *work, int lwork, int *iwork, int liwork)
{
	double		one = 1;
	double		zero = 0;
	int			info;

	memcpy(vectors, a, sizeof(double) * n * n);
	dsyevd_("V", "U", &n, vectors, &n, values, work, &lwork, iwork, &liwork, &info);
	if (info != 0)
		return rk_fail(ctx, RK_ERR_DATA, "eigenvalues of the correlation matrix were not found");
	for (int64_t k = 0; k < n; k++)
	{
		double		root = values[k] > 0 ? sqrt(values[k]) : 0;

		for (int64_t i = 0; i < n; i++)
			scaled[k * n + i] = vectors[k * n + i] * root;
	}
	dgemm_("N", "T", &n, &n, &n, &one, scaled, &n, scaled, &n, &zero, to, &n);
	return RK_OK;
}

/* Higham's iteration from r to y; both n x n. */
static rk_status
nearest(rk_ctx *ctx, const double *r, int n, double *y)
{
	int64_t		cells = (int64_t) n * n;
	int			lwork = 1 + 6 * n + 2 * n * n;
	int			liwork = 3 + 5 * n;
	double	   *correction = rk_alloc0(ctx, cells, sizeof(double));
	double	   *before = rk_alloc(ctx, cells, sizeof(double));
	double	   *x = rk_alloc(ctx, cells, sizeof(double));
	double	   *vectors = rk_alloc(ctx, cells, sizeof(double));
	double	   *scaled = rk_alloc(ctx, cells, sizeof(double));
	double	   *values = rk_alloc(ctx, n, sizeof(double));
	double	   *work = rk_alloc(ctx, lwork, sizeof(double));
	int		   *iwork = rk_alloc(ctx, liwork, sizeof(int));
	rk_status	status = RK_OK;

	if (!correction || !before || !x || !vectors || !scaled || !values || !work || !iwork)
		return RK_ERR_MEMORY;
	memcpy(y, r, sizeof(double) * cells);
	for (int iteration = 0; iteration < REPAIR_ITERATIONS; iteration++)
	{
		double		change = 0;
		double		size = 0;

		if (rk_ctx_poll(ctx))
			return RK_STOPPED;
		/* before: y less the correction of the last projection */
		for (int64_t k = 0; k < cells; k++)
			before[k] = y[k] - correction[k];
		status = project(ctx, before, n, x, vectors, scaled, values, work, lwork, iwork, liwork);
		if (status != RK_OK)
			return status;
		for (int64_t k = 0; k < cells; k++)
		{
			double		next = k % (n + 1) == 0 ? 1 : x[k];

			correction[k] = x[k] - before[k];
			change += (next - y[k]) * (next - y[k]);
			size += next * next;
			y[k] = next;
		}
		if (change <= REPAIR_TOLERANCE * REPAIR_TOLERANCE * size)
			break;
	}
	/* the unit diagonal may have left a trace below zero: once more, and rescale */
	status = project(ctx, y, n, x, vectors, scaled, values, work, lwork, iwork, liwork);
	if (status != RK_OK)
		return status;
	for (int64_t i = 0; i < n; i++)
		for (int64_t j = 0; j < n; j++)
			y[i * n + j] = i == j ? 1 : x[i * n + j] / sqrt(x[i * n + i] * x[j * n + j]);
	rk_free(ctx, correction);
	rk_free(ctx, before);
	rk_free(ctx, x);
	rk_free(ctx, vectors);
	rk_free(ctx, scaled);
	rk_free(ctx, values);
	rk_free(ctx, work);
	rk_free(ctx, iwork);
	return RK_OK;
}

rk_status
rk_correlation_repair(rk_ctx *ctx, double *r, int64_t n, double *distance)
{
	double	   *y = rk_alloc(ctx, n * n, sizeof(double));
	int64_t		failed;
	rk_status	status;

	*distance = 0;
	if (y == NULL)
		return RK_ERR_MEMORY;
	status = factor_rows(ctx, r, n, y, &failed);
	if (status != RK_OK || failed == n)
	{
		rk_free(ctx, y);
		return status;
	}
	if (n > 20000)
		return rk_fail(ctx, RK_ERR_LIMIT, "too many positions for a repair of their correlations: %lld", (long long) n);
	status = nearest(ctx, r, (int) n, y);
	if (status != RK_OK)
		return status;
	for (int64_t k = 0; k < n * n; k++)
	{
		*distance += (y[k] - r[k]) * (y[k] - r[k]);
		r[k] = y[k];
	}
	*distance = sqrt(*distance);
	rk_free(ctx, y);
	return RK_OK;
}
