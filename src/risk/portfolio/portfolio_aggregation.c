/*
 * portfolio_aggregation.c
 *	  How the risks of positions add up.
 */
#include "portfolio.h"

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

rk_position_risk
rk_risk_position(double x, double rx, double variance, double z)
{
	/* a perfect hedge may come out a rounding error below zero */
	double		sigma = sqrt(fmax(variance, 0));

	return (rk_position_risk) {
		.portfolio_var = z * sigma,
		.standalone_var = z * fabs(x),
		.component_var = sigma > 0 ? z * x * rx / sigma + 0.0 : 0,
		/* variance without it: x'Rx - 2 x_i (Rx)_i + x_i^2 */
		.incremental_var = z * sigma - z * sqrt(fmax(variance - 2 * x * rx + x * x, 0))
	};
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
	p->sigma = sqrt(fmax(variance, 0));
	p->var = z * p->sigma;
	if (method == RK_SIMPLE_SUM)
	{
		p->var = p->undiversified_var;
		p->sigma = p->var / z;
	}
	for (int64_t i = 0; i < n; i++)
	{
		rk_position_risk one = rk_risk_position(x[i], rx[i], variance, z);

		if (method == RK_SIMPLE_SUM)
			one.component_var = one.incremental_var = one.standalone_var;
		if (p->standalone_var)
			p->standalone_var[i] = one.standalone_var;
		if (p->component_var)
			p->component_var[i] = one.component_var;
		if (p->incremental_var)
			p->incremental_var[i] = one.incremental_var;
	}
	rk_free(ctx, rx);
	return RK_OK;
}
