/*
 * portfolio_aggregation.c
 *	  How the risks of positions add up.
 */
#include "risk.h"

#include <math.h>

/* (r x)_i */
static double
row_product(const double *r, const double *x, int64_t n, int64_t i)
{
	double		sum = 0;

	if (r == NULL)
		return x[i];
	for (int64_t j = 0; j < n; j++)
		sum += r[i * n + j] * x[j];
	return sum;
}

rk_status
rk_risk_portfolio_aggregation(rk_ctx *ctx, const double *x, const double *r, int64_t n,
							  double z, rk_portfolio_method method, rk_portfolio_risk *p)
{
	double	   *rx = rk_alloc(ctx, n, sizeof(double));
	double		variance = 0;

	if (rx == NULL)
		return RK_ERR_MEMORY;
	if (method == RK_SQRT_SUM_SQUARES)
		r = NULL;
	p->undiversified_var = 0;
	for (int64_t i = 0; i < n; i++)
	{
		if ((i & 63) == 0 && rk_ctx_poll(ctx))
			return RK_STOPPED;
		rx[i] = row_product(r, x, n, i);
		variance += x[i] * rx[i];
		p->undiversified_var += z * fabs(x[i]);
	}
	/* a perfect hedge may come out a rounding error below zero */
	p->sigma = sqrt(fmax(variance, 0));
	p->var = z * p->sigma;
	if (method == RK_SIMPLE_SUM)
	{
		p->var = p->undiversified_var;
		p->sigma = p->var / z;
	}
	for (int64_t i = 0; i < n; i++)
	{
		double		alone = z * fabs(x[i]);

		if (p->standalone_var)
			p->standalone_var[i] = alone;
		if (method == RK_SIMPLE_SUM)
		{
			if (p->component_var)
				p->component_var[i] = alone;
			if (p->incremental_var)
				p->incremental_var[i] = alone;
			continue;
		}
		if (p->component_var)
			p->component_var[i] = p->sigma > 0 ? z * x[i] * rx[i] / p->sigma : 0;
		/* variance without i: x'Rx - 2 x_i (Rx)_i + x_i^2 */
		if (p->incremental_var)
			p->incremental_var[i] = p->var -
				z * sqrt(fmax(variance - 2 * x[i] * rx[i] + x[i] * x[i], 0));
	}
	rk_free(ctx, rx);
	return RK_OK;
}
