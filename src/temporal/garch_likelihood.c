/*
 * garch_likelihood.c
 *	  Densities, variances, likelihood and forecasts of GARCH models.
 */
#include "garch_work.h"

#include <math.h>
#include <string.h>

#include "../compute/normal.h"
#include "../compute/philox.h"
#include "../compute/special.h"

#define MEAN_ABSOLUTE RK_GARCH_MEAN_ABSOLUTE

int
rk_garch_count(const rk_garch_params *p)
{
	return rk_garch_layout_of(p).count;
}

/* The sum of log densities of all z = e / s. */
static double
sum_log_density(const rk_garch_density *d, const rk_garch_work *f)
{
	rk_log_sum	logs = {0, 1};
	double		x;
	double		side;

	for (int64_t t = 0; t < f->n; t++)
		rk_log_sum_add(&logs, rk_garch_kernel_of(d, f->shock[t] / sqrt(f->variance[t]), &x, &side));
	return f->n * d->constant - 0.5 * (d->nu + 1) * rk_log_sum_total(&logs);
}

/*
 * The log-likelihood of the shocks; with derivatives score = d/de and adjoint =
 * d/ds2, or d/d ln s2 for egarch.
 */
static double
likelihood(rk_garch_work *f, const rk_garch_density *d, bool derivatives)
{
	rk_log_sum	scale = {0, 1};
	rk_log_sum	kernels = {0, 1};
	double		squares = 0;
	bool		egarch = f->p->egarch;

	for (int64_t t = 0; t < f->n; t++)
		rk_log_sum_add(&scale, f->variance[t]);
	if (d->kind == RK_GARCH_NORMAL)
	{
		for (int64_t t = 0; t < f->n; t++)
		{
			double		inverse = 1 / f->variance[t];
			double		z2 = f->shock[t] * f->shock[t] * inverse;

			squares += z2;
			f->score[t] = -f->shock[t] * inverse;
			f->adjoint[t] = 0.5 * (z2 - 1) * (egarch ? 1 : inverse);
		}
		return f->n * d->constant - 0.5 * (squares + rk_log_sum_total(&scale));
	}
	for (int64_t t = 0; t < f->n; t++)
	{
		double		s = sqrt(f->variance[t]);
		double		z = f->shock[t] / s;
		double		x;
		double		side;
		double		kernel = rk_garch_kernel_of(d, z, &x, &side);

		rk_log_sum_add(&kernels, kernel);
		if (derivatives)
		{
			double		slope = rk_garch_slope_of(d, x, side, kernel);

			f->score[t] = slope / s;
			f->adjoint[t] = -0.5 * (1 + z * slope) * (egarch ? 1 : 1 / f->variance[t]);
		}
	}
	return f->n * d->constant - 0.5 * ((d->nu + 1) * rk_log_sum_total(&kernels) + rk_log_sum_total(&scale));
}

static double
student_or_normal_quantile(double nu, double probability)
{
	return rk_student_quantile(nu, probability) * sqrt((nu - 2) / nu);
}

double
rk_garch_quantile(const rk_garch_params *p, const double *estimates, double probability)
{
	const double *shape;
	rk_garch_density d;
	double		left;

	if (estimates == NULL || p->distribution == RK_GARCH_NORMAL || isnan(estimates[0]))
		return rk_normal_quantile(probability);
	shape = estimates + rk_garch_count(p) - (int) p->distribution;
	d = rk_garch_density_of(p->distribution, shape);
	left = (1 - d.skew) / 2;
	if (probability < left)
		return ((1 - d.skew) * student_or_normal_quantile(d.nu, probability / (1 - d.skew)) - d.a) / d.b;
	return ((1 + d.skew) * student_or_normal_quantile(d.nu, 0.5 + (probability - left) / (1 + d.skew)) - d.a) / d.b;
}

/* ---- the recursions ---- */

void
rk_garch_shocks(rk_garch_work *f, const double *x)
{
	double		mu = f->means > 0 ? x[0] : 0;
	double		ar = f->means > 1 ? x[1] : 0;

	for (int64_t t = 0; t < f->n; t++)
		f->shock[t] = f->y[t] - mu;
	if (f->means > 1)
		for (int64_t t = 0; t < f->n; t++)
			f->shock[t] -= ar * f->y[t - 1];
}

static double
backcast(const rk_garch_work *f)
{
	double		sum = 0;

	if (!f->p->mean_backcast)
		return f->backcast;
	for (int64_t t = 0; t < f->n; t++)
		sum += f->shock[t] * f->shock[t];
	return sum / f->n;
}

/*
 * x[t] += beta x[t - step] from start on, in blocks of four: within a block as
 * if there were nothing before it, then what was before, so that the processor
 * waits once a block.  step is 1 or -1, last the value before start.
 */
static inline void
first_order(double *x, int64_t n, int step, double beta, double last)
{
	double		beta2 = beta * beta;
	double		beta3 = beta2 * beta;
	double		beta4 = beta2 * beta2;
	int64_t		t = 0;

	for (; t + 4 <= n; t += 4, x += 4 * step)
	{
		double		a = x[0];
		double		b = x[step] + beta * a;
		double		c = x[2 * step] + beta * b;
		double		d = x[3 * step] + beta * c;

		x[0] = a + beta * last;
		x[step] = b + beta2 * last;
		x[2 * step] = c + beta3 * last;
		x[3 * step] = last = d + beta4 * last;
	}
	for (; t < n; t++, x += step)
		*x = last = *x + beta * last;
}

static void
garch_variances(rk_garch_work *f, const double *x)
{
	const rk_garch_params *p = f->p;
	double		omega = x[f->omega];
	const double *alpha = x + f->omega + 1;
	const double *gamma = alpha + p->p;
	const double *beta = gamma + p->o;
	double		before = backcast(f);

	for (int64_t t = -LAGS; t < 0; t++)
	{
		f->square[t] = f->level[t] = before;
		f->below[t] = 0.5 * before;
	}
	for (int64_t t = 0; t < f->n; t++)
		f->square[t] = f->shock[t] * f->shock[t];
	if (p->o > 0)
		for (int64_t t = 0; t < f->n; t++)
			f->below[t] = f->shock[t] < 0 ? f->square[t] : 0;
	for (int64_t t = 0; t < f->n; t++)
		f->level[t] = p->p > 0 ? omega + alpha[0] * f->square[t - 1] : omega;
	for (int i = 2; i <= p->p; i++)
		for (int64_t t = 0; t < f->n; t++)
			f->level[t] += alpha[i - 1] * f->square[t - i];
	for (int i = 1; i <= p->o; i++)
		for (int64_t t = 0; t < f->n; t++)
			f->level[t] += gamma[i - 1] * f->below[t - i];
	if (p->q == 1)
		first_order(f->level, f->n, 1, beta[0], before);
	else
		for (int64_t t = 0; t < f->n; t++)
			for (int j = 1; j <= p->q; j++)
				f->level[t] += beta[j - 1] * f->level[t - j];
	/* rounding at a boundary must not make a variance negative */
	for (int64_t t = 0; t < f->n; t++)
		f->variance[t] = f->level[t] > 1e-12 ? f->level[t] : 1e-12;
}

static void
egarch_variances(rk_garch_work *f, const double *x)
{
	const rk_garch_params *p = f->p;
	double		omega = x[f->omega];
	const double *alpha = x + f->omega + 1;
	const double *gamma = alpha + p->p;
	const double *beta = gamma + p->o;
	double		before = log(backcast(f));

	for (int64_t t = -LAGS; t < 0; t++)
	{
		f->square[t] = f->below[t] = 0;
		f->level[t] = before;
	}
	for (int64_t t = 0; t < f->n; t++)
	{
		double		level = omega;

		for (int i = 1; i <= p->p; i++)
			level += alpha[i - 1] * f->square[t - i];
		for (int i = 1; i <= p->o; i++)
			level += gamma[i - 1] * f->below[t - i];
		for (int j = 1; j <= p->q; j++)
			level += beta[j - 1] * f->level[t - j];
		f->level[t] = level;
		f->variance[t] = exp(level);
		f->below[t] = f->shock[t] * exp(-0.5 * level);
		f->square[t] = fabs(f->below[t]) - MEAN_ABSOLUTE;
	}
}

void
rk_garch_variances(rk_garch_work *f, const double *x)
{
	rk_garch_shocks(f, x);
	if (f->p->egarch)
		egarch_variances(f, x);
	else
		garch_variances(f, x);
}

/*
 * Backwards: adjoint becomes the derivative of the likelihood by the level (s2
 * or its logarithm) with all that follows from it, score that by the shock.
 */
static void
backwards(rk_garch_work *f, const double *x)
{
	const rk_garch_params *p = f->p;
	const double *alpha = x + f->omega + 1;
	const double *gamma = alpha + p->p;
	const double *beta = gamma + p->o;

	for (int64_t t = f->n; t < f->n + LAGS; t++)
		f->adjoint[t] = 0;
	if (!p->egarch && p->q == 1)
		first_order(f->adjoint + f->n - 1, f->n, -1, beta[0], 0);
	else if (!p->egarch)
		for (int64_t t = f->n; t-- > 0;)
			for (int j = 1; j <= p->q; j++)
				f->adjoint[t] += beta[j - 1] * f->adjoint[t + j];
	if (!p->egarch)
	{
		for (int i = 1; i <= p->p; i++)
			for (int64_t t = 0; t < f->n; t++)
				f->score[t] += 2 * f->shock[t] * alpha[i - 1] * f->adjoint[t + i];
		for (int i = 1; i <= p->o; i++)
			for (int64_t t = 0; t < f->n; t++)
				f->score[t] += f->shock[t] < 0 ? 2 * f->shock[t] * gamma[i - 1] * f->adjoint[t + i] : 0;
		return;
	}
	for (int64_t t = f->n; t-- > 0;)
	{
		double		by_z = 0;	/* of z_t, through the levels that follow */
		double		level = f->adjoint[t];

		for (int i = 1; i <= p->p; i++)
			by_z += (f->shock[t] < 0 ? -alpha[i - 1] : alpha[i - 1]) * f->adjoint[t + i];
		for (int i = 1; i <= p->o; i++)
			by_z += gamma[i - 1] * f->adjoint[t + i];
		for (int j = 1; j <= p->q; j++)
			level += beta[j - 1] * f->adjoint[t + j];
		f->score[t] += by_z / sqrt(f->variance[t]);
		f->adjoint[t] = level - 0.5 * f->below[t] * by_z;
	}
}

/* The sum of a[t] b[t + lag], in four parts that run side by side. */
double
rk_garch_sum_products(const double *a, const double *b, int64_t n)
{
	double		sums[4] = {0, 0, 0, 0};
	int64_t		t = 0;

	for (; t + 4 <= n; t += 4)
		for (int k = 0; k < 4; k++)
			sums[k] += a[t + k] * b[t + k];
	for (; t < n; t++)
		sums[0] += a[t] * b[t];
	return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

static double
sum(const double *a, int64_t n)
{
	double		sums[4] = {0, 0, 0, 0};
	int64_t		t = 0;

	for (; t + 4 <= n; t += 4)
		for (int k = 0; k < 4; k++)
			sums[k] += a[t + k];
	for (; t < n; t++)
		sums[0] += a[t];
	return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

/* The derivative by the variance before the sample. */
static double
by_backcast(const rk_garch_work *f, const double *x)
{
	const rk_garch_params *p = f->p;
	const double *alpha = x + f->omega + 1;
	const double *gamma = alpha + p->p;
	const double *beta = gamma + p->o;
	double		total = 0;

	for (int64_t t = 0; t < LAGS && t < f->n; t++)
	{
		double		weight = 0;

		for (int i = t + 1; i <= p->p && !p->egarch; i++)
			weight += alpha[i - 1];
		for (int i = t + 1; i <= p->o && !p->egarch; i++)
			weight += 0.5 * gamma[i - 1];
		for (int j = t + 1; j <= p->q; j++)
			weight += beta[j - 1];
		total += weight * f->adjoint[t];
	}
	return p->egarch ? total / exp(f->level[-1]) : total;
}

/* Derivatives by the shape: the density alone depends on it. */
static void
shape_gradient(rk_garch_work *f, const double *x, double *gradient)
{
	for (int k = f->shape; k < f->count; k++)
	{
		double		shape[2] = {x[f->shape], f->shape + 1 < f->count ? x[f->shape + 1] : 0};
		int			which = k - f->shape;
		double		h = RK_GARCH_SHAPE_STEP(shape[which]);
		double		values[2];

		for (int side = 0; side < 2; side++)
		{
			rk_garch_density d;

			shape[which] = x[k] + (side ? h : -h);
			d = rk_garch_density_of(f->p->distribution, shape);
			values[side] = sum_log_density(&d, f);
		}
		gradient[k] = (values[1] - values[0]) / (2 * h);
	}
}

/* The log-likelihood times -1, for the minimiser; gradient may be NULL. */
double
rk_garch_objective(void *arg, const double *x, double *gradient)
{
	rk_garch_work *f = arg;
	const rk_garch_params *p = f->p;
	rk_garch_density d = rk_garch_density_of(p->distribution, x + f->shape);
	double		value;
	int			k = f->omega;

	rk_garch_variances(f, x);
	value = likelihood(f, &d, gradient != NULL);
	if (gradient == NULL)
		return -value;
	backwards(f, x);
	if (f->means > 0)
		gradient[0] = -sum(f->score, f->n);
	if (f->means > 1)
		gradient[1] = -rk_garch_sum_products(f->score, f->y - 1, f->n);
	if (p->mean_backcast && f->means > 0)
	{
		double		by = by_backcast(f, x) * -2 / f->n;

		gradient[0] += by * sum(f->shock, f->n);
		if (f->means > 1)
			gradient[1] += by * rk_garch_sum_products(f->shock, f->y - 1, f->n);
	}
	gradient[k++] = sum(f->adjoint, f->n);
	for (int i = 1; i <= p->p; i++)
		gradient[k++] = rk_garch_sum_products(f->adjoint, f->square - i, f->n);
	for (int i = 1; i <= p->o; i++)
		gradient[k++] = rk_garch_sum_products(f->adjoint, f->below - i, f->n);
	for (int j = 1; j <= p->q; j++)
		gradient[k++] = rk_garch_sum_products(f->adjoint, f->level - j, f->n);
	shape_gradient(f, x, gradient);
	for (int i = 0; i < f->count; i++)
		gradient[i] = -gradient[i];
	return -value;
}

/* ---- scores ---- */

/*
 * Scores of each position by each estimate into slopes.  The variances are
 * differentiated numerically, the density exactly.
 */
void
rk_garch_scores(rk_garch_work *f, const double *x)
{
	double		at[RK_GARCH_MAX_COUNT];
	rk_garch_density d = rk_garch_density_of(f->p->distribution, x + f->shape);

	for (int k = 0; k < f->shape; k++)
	{
		double	   *slope = f->slopes + k * f->n;
		double		h = RK_GARCH_SLOPE_STEP(x[k]);
		int64_t		n = f->n;

		if (rk_chunk_should_stop(f->ctx, f->thread))
			return;
		memcpy(at, x, sizeof(double) * f->count);
		at[k] = x[k] + h;
		rk_garch_variances(f, at);
		for (int64_t t = 0; t < n; t++)
			slope[t] = f->level[t];
		at[k] = x[k] - h;
		rk_garch_variances(f, at);
		for (int64_t t = 0; t < n; t++)
			slope[t] = (slope[t] - f->level[t]) / (2 * h);
	}
	rk_garch_variances(f, x);
	likelihood(f, &d, true);
	for (int k = 0; k < f->shape; k++)
	{
		double	   *slope = f->slopes + k * f->n;

		for (int64_t t = 0; t < f->n; t++)
			slope[t] *= f->adjoint[t];
		if (k == 0 && f->means > 0)
			for (int64_t t = 0; t < f->n; t++)
				slope[t] -= f->score[t];
		if (k == 1 && f->means > 1)
			for (int64_t t = 0; t < f->n; t++)
				slope[t] -= f->score[t] * f->y[t - 1];
	}
	for (int k = f->shape; k < f->count; k++)
	{
		double		shape[2] = {x[f->shape], f->shape + 1 < f->count ? x[f->shape + 1] : 0};
		double		h = RK_GARCH_SHAPE_STEP(x[k]);
		rk_garch_density up;
		rk_garch_density down;

		shape[k - f->shape] = x[k] + h;
		up = rk_garch_density_of(f->p->distribution, shape);
		shape[k - f->shape] = x[k] - h;
		down = rk_garch_density_of(f->p->distribution, shape);
		for (int64_t t = 0; t < f->n; t++)
		{
			double		z = f->shock[t] / sqrt(f->variance[t]);

			f->slopes[k * f->n + t] = (rk_garch_log_density(&up, z) - rk_garch_log_density(&down, z)) / (2 * h);
		}
	}
}

/* ---- forecasts, in scaled units ---- */

static void
garch_forecast(rk_garch_work *f, const double *x, int64_t horizon, double *forecast)
{
	const rk_garch_params *p = f->p;
	const double *alpha = x + f->omega + 1;
	const double *gamma = alpha + p->p;
	const double *beta = gamma + p->o;

	for (int64_t h = 0; h < horizon; h++)
	{
		double		level = x[f->omega];

		/* what is not known yet is what it will be on average */
		for (int i = 1; i <= p->p; i++)
			level += alpha[i - 1] * (h - i >= 0 ? forecast[h - i] : f->square[f->n + h - i]);
		for (int i = 1; i <= p->o; i++)
			level += gamma[i - 1] * (h - i >= 0 ? 0.5 * forecast[h - i] : f->below[f->n + h - i]);
		for (int j = 1; j <= p->q; j++)
			level += beta[j - 1] * (h - j >= 0 ? forecast[h - j] : f->level[f->n + h - j]);
		forecast[h] = level;
	}
}

/* A shock of variance 1: step h of a path. */
static double
draw(const rk_garch_work *f, const rk_garch_density *d, uint64_t series, int64_t h, int path)
{
	uint64_t	first = rk_philox_word(f->p->seed, series, (uint32_t) h, (uint32_t) path, 0);
	uint64_t	second = rk_philox_word(f->p->seed, series, (uint32_t) h, (uint32_t) path, 1);
	double		u = rk_philox_uniform(first);
	double		v = rk_philox_uniform(second);
	double		t;

	if (d->kind == RK_GARCH_NORMAL)
		return rk_normal_quantile(u);
	/* Bailey 1994: Student's t in polar coordinates; the side after Hansen */
	t = sqrt(d->nu * expm1(-2 / d->nu * log(u))) * sqrt((d->nu - 2) / d->nu);
	if (d->kind == RK_GARCH_STUDENT)
		return t * cos(2 * M_PI * v);
	first = rk_philox_word(f->p->seed, series, (uint32_t) h, (uint32_t) (path + RK_GARCH_PATHS), 0);
	t = fabs(t * cos(2 * M_PI * v));
	t *= rk_philox_uniform(first) < (1 - d->skew) / 2 ? -(1 - d->skew) : 1 + d->skew;
	return (t - d->a) / d->b;
}

static void
egarch_forecast(rk_garch_work *f, const double *x, uint64_t series, int64_t horizon, double *forecast)
{
	const rk_garch_params *p = f->p;
	const double *alpha = x + f->omega + 1;
	const double *gamma = alpha + p->p;
	const double *beta = gamma + p->o;
	rk_garch_density d = rk_garch_density_of(p->distribution, x + f->shape);

	/* rings of the last LAGS values of each path: square, below, level */
	for (int path = 0; path < RK_GARCH_PATHS; path++)
		for (int i = 0; i < LAGS; i++)
		{
			double	   *ring = f->paths + ((int64_t) path * LAGS + i) * 3;
			int64_t		t = f->n - LAGS + i;

			ring[0] = f->square[t];
			ring[1] = f->below[t];
			ring[2] = f->level[t];
		}
	for (int64_t h = 0; h < horizon; h++)
	{
		int			paths = h == 0 ? 1 : RK_GARCH_PATHS;
		double		total = 0;

		if (rk_chunk_should_stop(f->ctx, f->thread))
			return;
		for (int path = 0; path < RK_GARCH_PATHS; path++)
		{
			double	   *ring = f->paths + (int64_t) path * LAGS * 3;
			double		level = x[f->omega];
			double		z = draw(f, &d, series, h, path);

#define BEFORE(i) ring[((h + LAGS - (i)) % LAGS) * 3]
			for (int i = 1; i <= p->p; i++)
				level += alpha[i - 1] * BEFORE(i);
			for (int i = 1; i <= p->o; i++)
				level += gamma[i - 1] * (&BEFORE(i))[1];
			for (int j = 1; j <= p->q; j++)
				level += beta[j - 1] * (&BEFORE(j))[2];
#undef BEFORE
			ring[h % LAGS * 3] = fabs(z) - MEAN_ABSOLUTE;
			ring[h % LAGS * 3 + 1] = z;
			ring[h % LAGS * 3 + 2] = level;
			total += path < paths ? exp(level) : 0;
		}
		forecast[h] = total / paths;
	}
}

void
rk_garch_forecast(rk_garch_work *f, const double *x, uint64_t series, int64_t horizon, double *forecast)
{
	if (f->p->egarch)
		egarch_forecast(f, x, series, horizon, forecast);
	else
		garch_forecast(f, x, horizon, forecast);
}
