/*
 * garch_model.h
 *	  Models of volatility: choices, constraints, starting points, densities, on
 *	  the CPU and on devices.
 */
#ifndef RK_GARCH_MODEL_H
#define RK_GARCH_MODEL_H

#include <math.h>
#include <stdbool.h>
#include <stdint.h>

#include "../compute/both.h"

/* Lags of each kind. */
#define RK_GARCH_LAGS 20
#define RK_GARCH_MAX_COUNT (5 + 3 * RK_GARCH_LAGS)
#define RK_GARCH_MAX_CONSTRAINTS (8 + 4 * RK_GARCH_LAGS)

#define RK_GARCH_MEAN_ABSOLUTE 0.79788456080286535588	/* of a normal number: sqrt(2 / pi) */

typedef enum rk_garch_mean
{
	RK_MEAN_ZERO,
	RK_MEAN_CONSTANT,
	RK_MEAN_AR1
} rk_garch_mean;

typedef enum rk_garch_distribution
{
	RK_GARCH_NORMAL,
	RK_GARCH_STUDENT,
	RK_GARCH_SKEW_STUDENT
} rk_garch_distribution;

typedef struct rk_garch_params
{
	bool		egarch;
	int			p;				/* lags of squared (absolute) shocks */
	int			o;				/* of those below 0 (signed shocks) */
	int			q;				/* of the variance */
	rk_garch_mean mean;
	rk_garch_distribution distribution;
	bool		mean_backcast;	/* variance before the sample: mean square of all
								 * shocks; else of the first 75, weights 0.94^i */
	int64_t		horizon;
	uint64_t	seed;			/* of the paths that egarch forecasts come from */
} rk_garch_params;

/* Where the estimates of a model stand. */
typedef struct rk_garch_layout
{
	bool		egarch;
	int			p;
	int			o;
	int			q;
	rk_garch_distribution distribution;
	int			count;			/* of all estimates */
	int			means;			/* of those of the mean, which come first */
	int			omega;			/* index of the first one of the variance */
	int			alpha;
	int			gamma;
	int			beta;
	int			shape;			/* of nu, skew */
} rk_garch_layout;

RK_BOTH rk_garch_layout
rk_garch_layout_of(const rk_garch_params *p)
{
	rk_garch_layout l;

	l.egarch = p->egarch;
	l.p = p->p;
	l.o = p->o;
	l.q = p->q;
	l.distribution = p->distribution;
	l.means = (int) p->mean;
	l.omega = l.means;
	l.alpha = l.omega + 1;
	l.gamma = l.alpha + l.p;
	l.beta = l.gamma + l.o;
	l.shape = l.beta + l.q;
	l.count = l.shape + (int) p->distribution;
	return l;
}

/* ---- constraints and starts ---- */

/* The next row of a, with its bound. */
RK_BOTH double *
rk_garch_constraint(const rk_garch_layout *l, double *a, double *b, int *m, double bound)
{
	double	   *row = a + (int64_t) *m * l->count;

	for (int i = 0; i < l->count; i++)
		row[i] = 0;
	b[(*m)++] = bound;
	return row;
}

/* a x >= b; returns how many rows there are, RK_GARCH_MAX_CONSTRAINTS at most. */
RK_BOTH int
rk_garch_constraints(const rk_garch_layout *l, double *a, double *b)
{
	int			m = 0;

#define ROW(bound) rk_garch_constraint(l, a, b, &m, bound)
	if (!l->egarch)
	{
		double	   *total;

		ROW(1e-8)[l->omega] = 1;
		for (int i = 0; i < l->p; i++)
			ROW(0)[l->alpha + i] = 1;
		for (int i = 0; i < l->o; i++)
		{
			double	   *row = ROW(0);

			row[l->gamma + i] = 1;
			if (i < l->p)
				row[l->alpha + i] = 1;
		}
		total = ROW(-1);
		for (int i = 0; i < l->p; i++)
			total[l->alpha + i] = -1;
		for (int i = 0; i < l->o; i++)
			total[l->gamma + i] = -0.5;
		for (int j = 0; j < l->q; j++)
			total[l->beta + j] = -1;
	}
	else if (l->q > 0)
	{
		double	   *total = ROW(-1);

		for (int j = 0; j < l->q; j++)
			total[l->beta + j] = -1;
	}
	for (int j = 0; j < l->q; j++)
		ROW(0)[l->beta + j] = 1;
	if (l->distribution >= RK_GARCH_STUDENT)
	{
		ROW(2.05)[l->shape] = 1;
		ROW(l->distribution == RK_GARCH_STUDENT ? -500 : -300)[l->shape] = -1;
	}
	if (l->distribution == RK_GARCH_SKEW_STUDENT)
	{
		ROW(-0.99)[l->shape + 1] = 1;
		ROW(-0.99)[l->shape + 1] = -1;
	}
#undef ROW
	return m;
}

/*
 * Shares of shocks, of those below 0 and of the variance at starting points:
 * three kinds, as likelihoods of short series have maxima of each: variances
 * that follow shocks and stay, that forget at once, and that hardly move.
 */
#define RK_GARCH_KINDS 3
#define RK_GARCH_GRID 4

/* Starting point number i of a kind; mean: estimates of the mean. */
RK_BOTH void
rk_garch_start(const rk_garch_layout *l, int kind, int i, const double *mean, double *x)
{
	const double garch[RK_GARCH_KINDS][RK_GARCH_GRID][3] = {
		{{0.05, 0.05, 0.90}, {0.10, 0.00, 0.80}, {0.10, 0.10, 0.80}, {0.10, 0.02, 0.88}},
		{{0.15, 0.05, 0.05}, {0.20, 0.10, 0.40}, {0.05, 0.20, 0.20}, {0.30, 0.05, 0.30}},
		{{0.005, 0.005, 0.985}, {0.02, 0.04, 0.95}, {0.03, 0.00, 0.96}, {0.02, 0.00, 0.90}}
	};
	const double egarch[RK_GARCH_KINDS][RK_GARCH_GRID][3] = {
		{{0.10, -0.05, 0.95}, {0.20, 0.00, 0.90}, {0.20, -0.10, 0.95}, {0.10, 0.05, 0.90}},
		{{0.30, -0.05, 0.10}, {0.30, -0.10, 0.60}, {0.15, 0.10, 0.30}, {0.10, 0.00, 0.50}},
		{{0.02, 0.00, 0.99}, {0.05, -0.05, 0.98}, {0.10, -0.10, 0.98}, {0.05, 0.05, 0.97}}
	};
	const double *shares = l->egarch ? egarch[kind][i] : garch[kind][i];
	double		gamma = l->p > 0 || l->egarch ? shares[1] : shares[0] + shares[1];

	for (int k = 0; k < l->means; k++)
		x[k] = mean[k];
	x[l->omega] = l->egarch ? 0 : 1 - (l->p > 0 ? shares[0] : 0) - (l->o > 0 ? 0.5 * gamma : 0) - (l->q > 0 ? shares[2] : 0);
	for (int k = 0; k < l->p; k++)
		x[l->alpha + k] = shares[0] / l->p;
	for (int k = 0; k < l->o; k++)
		x[l->gamma + k] = gamma / l->o;
	for (int k = 0; k < l->q; k++)
		x[l->beta + k] = shares[2] / l->q;
	if (l->distribution >= RK_GARCH_STUDENT)
		x[l->shape] = 8;
	if (l->distribution == RK_GARCH_SKEW_STUDENT)
		x[l->shape + 1] = 0;
}

/* Twice the likelihood gained over a constant variance that leaves no doubt. */
#define RK_GARCH_CLEAR_GAIN 40

/* The same estimates with a constant variance. */
RK_BOTH void
rk_garch_flat(const rk_garch_layout *l, const double *x, double *flat)
{
	for (int k = 0; k < l->count; k++)
		flat[k] = k >= l->omega && k < l->shape ? 0 : x[k];
	flat[l->omega] = !l->egarch;
}

/* Of the minimiser, and of what it leaves: |z| has no derivative at 0, so that egarch's maximum may be a kink. */
#define RK_GARCH_TOLERANCE 1e-9
#define RK_GARCH_ITERATIONS 300
#define RK_GARCH_FLAT_END(egarch) ((egarch) ? 1e-3 : 1e-5)

/*
 * Whether a maximum is taken instead of the one before.  With negative alpha
 * egarch has regions where variances are chaotic and likelihoods high but
 * rugged: what converges is preferred.
 */
RK_BOTH bool
rk_garch_is_better(double value, bool done, double found, bool converged)
{
	return isfinite(value) && (!isfinite(found) || (done && !converged) || (done == converged && value < found - 1e-7));
}

/* Steps of numerical derivatives. */
#define RK_GARCH_HESSIAN_STEP(x) (1e-4 * fmax(fabs(x), 0.01))
#define RK_GARCH_SLOPE_STEP(x) (1e-5 * fmax(fabs(x), 0.01))
#define RK_GARCH_SHAPE_STEP(x) (1e-5 * fmax(fabs(x), 0.1))

/* ---- sums of logarithms ---- */

/* The product of some factors, so that the logarithm is taken once for all. */
typedef struct rk_log_sum
{
	double		sum;
	double		product;
} rk_log_sum;

RK_BOTH void
rk_log_sum_add(rk_log_sum *s, double factor)
{
	s->product *= factor;
	if (!(s->product > 1e-150 && s->product < 1e150))
	{
		s->sum += log(s->product);
		s->product = 1;
	}
}

RK_BOTH double
rk_log_sum_total(const rk_log_sum *s)
{
	return s->sum + log(s->product);
}

/* ---- distributions of variance 1 ---- */

/* Constants of the density; Hansen's letters. */
typedef struct rk_garch_density
{
	rk_garch_distribution kind;
	double		nu;
	double		skew;
	double		a;
	double		b;
	double		constant;		/* logarithm of what does not depend on z */
} rk_garch_density;

RK_BOTH double
rk_log_gamma(double x)
{
#ifdef __CUDACC__
	return lgamma(x);
#else
	int			sign;

	return lgamma_r(x, &sign);
#endif
}

RK_BOTH rk_garch_density
rk_garch_density_of(rk_garch_distribution kind, const double *shape)
{
	rk_garch_density d;
	double		c;

	d.kind = kind;
	d.nu = d.skew = d.a = 0;
	d.b = 1;
	d.constant = -0.91893853320467274178;
	if (kind == RK_GARCH_NORMAL)
		return d;
	d.nu = shape[0];
	d.skew = kind == RK_GARCH_SKEW_STUDENT ? shape[1] : 0;
	c = rk_log_gamma((d.nu + 1) / 2) - rk_log_gamma(d.nu / 2) - 0.5 * log(3.14159265358979323846 * (d.nu - 2));
	d.a = 4 * d.skew * exp(c) * (d.nu - 2) / (d.nu - 1);
	d.b = sqrt(1 + 3 * d.skew * d.skew - d.a * d.a);
	d.constant = c + log(d.b);
	return d;
}

/* 1 + x^2 / (nu - 2), and x = (b z + a) / (1 -/+ skew). */
RK_BOTH double
rk_garch_kernel_of(const rk_garch_density *d, double z, double *x, double *side)
{
	double		v = d->b * z + d->a;

	*side = v < 0 ? 1 - d->skew : 1 + d->skew;
	*x = v / *side;
	return 1 + *x * *x / (d->nu - 2);
}

RK_BOTH double
rk_garch_log_density(const rk_garch_density *d, double z)
{
	double		x;
	double		side;

	if (d->kind == RK_GARCH_NORMAL)
		return d->constant - 0.5 * z * z;
	return d->constant - 0.5 * (d->nu + 1) * log(rk_garch_kernel_of(d, z, &x, &side));
}

/* The derivative of the log density by z. */
RK_BOTH double
rk_garch_slope_of(const rk_garch_density *d, double x, double side, double kernel)
{
	return -(d->nu + 1) * x * d->b / (side * (d->nu - 2) * kernel);
}

#endif							/* RK_GARCH_MODEL_H */
