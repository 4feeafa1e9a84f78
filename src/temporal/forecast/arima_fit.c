/*
 * arima_fit.c
 *	  The likelihood of an ARIMA model with regressors, and its maximum.
 */
#include "arima_fit.h"

#include <math.h>
#include <string.h>

#include "../../compute/minimize.h"

#define STEP 1e-5				/* of numerical gradients */
#define TOLERANCE 1e-8
#define NEAR_ONE (1 - 1e-9)

bool
rk_arima_stopped(void *arg)
{
	const rk_arima_fit *f = arg;

	return rk_chunk_should_stop(f->ctx, f->thread);
}

double
rk_information(rk_criterion criterion, double log_likelihood, int k, int64_t n)
{
	double		aic = -2 * log_likelihood + 2 * k;

	if (criterion == RK_AIC)
		return aic;
	if (criterion == RK_BIC)
		return -2 * log_likelihood + k * log((double) n);
	return n > k + 1 ? aic + 2.0 * k * (k + 1) / (n - k - 1) : INFINITY;
}

/* ---- polynomials ---- */

/*
 * out = the lags of (1 + sign sum short B^i)(1 + sign sum seasonal B^(i s)),
 * with the same sign.
 */
static int
multiply_out(const double *plain, int p, const double *seasonal, int sp, int period, double sign, double *out)
{
	int			degree = p + sp * period;

	memset(out, 0, sizeof(double) * (degree > 0 ? degree : 1));
	for (int i = 1; i <= p; i++)
		out[i - 1] += plain[i - 1];
	for (int j = 1; j <= sp; j++)
	{
		out[j * period - 1] += seasonal[j - 1];
		for (int i = 1; i <= p; i++)
			out[j * period + i - 1] += sign * seasonal[j - 1] * plain[i - 1];
	}
	return degree;
}

rk_arma
rk_arima_arma(rk_arima_fit *f, const double *coefficients)
{
	const double *ar = coefficients;
	const double *ma = ar + f->o.p;
	const double *sar = ma + f->o.q;
	const double *sma = sar + f->o.seasonal_p;
	rk_arma		a = {.phi = f->phi,.theta = f->theta,.delta = f->delta};

	a.p = multiply_out(ar, f->o.p, sar, f->o.seasonal_p, f->o.period, -1, f->phi);
	a.q = multiply_out(ma, f->o.q, sma, f->o.seasonal_q, f->o.period, 1, f->theta);
	a.lags = f->missing ? f->lags : 0;
	return a;
}

/* Groups of coefficients that a partial autocorrelation each stands for. */
static void
each_group(const rk_arima_fit *f, int sizes[4])
{
	sizes[0] = f->o.p;
	sizes[1] = f->o.q;
	sizes[2] = f->o.seasonal_p;
	sizes[3] = f->o.seasonal_q;
}

static void
from_free(const rk_arima_fit *f, const double *u, double *coefficients)
{
	int			sizes[4];

	each_group(f, sizes);
	for (int g = 0; g < 4; g++)
	{
		double		partial[RK_ARIMA_ORDER];
		double		work[RK_ARIMA_ORDER];

		for (int i = 0; i < sizes[g]; i++)
			partial[i] = fmax(-NEAR_ONE, fmin(NEAR_ONE, tanh(u[i])));
		rk_partial_to_ar(partial, sizes[g], coefficients, work);
		/* a moving average is invertible where its negative is stationary */
		for (int i = 0; i < sizes[g] && g % 2 == 1; i++)
			coefficients[i] = -coefficients[i];
		u += sizes[g];
		coefficients += sizes[g];
	}
}

/* The other way; what is not stationary or invertible is pulled in. */
static void
to_free(const rk_arima_fit *f, const double *coefficients, double *u)
{
	int			sizes[4];

	each_group(f, sizes);
	for (int g = 0; g < 4; g++)
	{
		double		c[RK_ARIMA_ORDER];
		double		partial[RK_ARIMA_ORDER];
		double		work[RK_ARIMA_ORDER];
		double		factor = 1;

		for (int attempt = 0;; attempt++)
		{
			double		power = factor;
			bool		inside;

			for (int i = 0; i < sizes[g]; i++, power *= factor)
				c[i] = (g % 2 == 1 ? -power : power) * coefficients[i];
			inside = rk_ar_to_partial(c, sizes[g], partial, work);
			for (int i = 0; i < sizes[g] && inside; i++)
				inside = fabs(partial[i]) < 0.98;
			if (inside)
				break;
			factor = attempt > 60 ? 0 : factor * 0.93;
		}
		for (int i = 0; i < sizes[g]; i++)
			u[i] = atanh(partial[i]);
		u += sizes[g];
		coefficients += sizes[g];
	}
}

/* ---- least squares of the columns ---- */

/*
 * Coefficients of the columns 1 .. of v that explain column 0, rows where any
 * is NaN left out; f->squares = what is left.  Returns the number of rows used,
 * -1 where columns depend on each other.
 */
static int64_t
regress(rk_arima_fit *f, double *const *v, int64_t from, int64_t to, double *beta)
{
	int			k = f->columns - 1;
	double	   *g = f->gram;
	int64_t		rows = 0;

	for (int i = 0; i < k; i++)
		for (int j = 0; j <= i + 1; j++)
		{
			double		sum = 0;
			const double *a = v[i + 1];
			const double *b = j <= i ? v[j + 1] : v[0];

			for (int64_t t = from; t < to; t++)
				if (!isnan(v[0][t]))
					sum += a[t] * b[t];
			g[i * (k + 1) + (j <= i ? j : k)] = sum;
		}
	/* Cholesky in place, the right hand side behind each row */
	for (int i = 0; i < k; i++)
	{
		double		diagonal = g[i * (k + 1) + i];

		for (int j = 0; j < i; j++)
		{
			for (int l = 0; l < j; l++)
				g[i * (k + 1) + j] -= g[i * (k + 1) + l] * g[j * (k + 1) + l];
			g[i * (k + 1) + j] /= g[j * (k + 1) + j];
		}
		for (int l = 0; l < i; l++)
			g[i * (k + 1) + i] -= g[i * (k + 1) + l] * g[i * (k + 1) + l];
		if (!(g[i * (k + 1) + i] > 1e-12 * diagonal))
			return -1;
		g[i * (k + 1) + i] = sqrt(g[i * (k + 1) + i]);
		for (int l = 0; l < i; l++)
			g[i * (k + 1) + k] -= g[i * (k + 1) + l] * g[l * (k + 1) + k];
		g[i * (k + 1) + k] /= g[i * (k + 1) + i];
	}
	for (int i = k - 1; i >= 0; i--)
	{
		beta[i] = g[i * (k + 1) + k];
		for (int l = i + 1; l < k; l++)
			beta[i] -= g[l * (k + 1) + i] * beta[l];
		beta[i] /= g[i * (k + 1) + i];
	}
	f->squares = 0;
	for (int64_t t = from; t < to; t++)
	{
		double		rest = v[0][t];

		if (isnan(rest))
			continue;
		for (int i = 0; i < k; i++)
			rest -= beta[i] * v[i + 1][t];
		f->squares += rest * rest;
		rows++;
	}
	return rows;
}

/* ---- the likelihood ---- */

/* Errors of conditional sums of squares: nothing is known before position p. */
static int64_t
conditional_errors(rk_arima_fit *f, const rk_arma *a)
{
	for (int c = 0; c < f->columns; c++)
	{
		const double *x = f->work_column[c];
		double	   *e = f->error[c];

		for (int64_t t = 0; t < a->p && t < f->length; t++)
			e[t] = 0;
		for (int64_t t = a->p; t < f->length; t++)
		{
			double		sum = x[t];

			for (int j = 1; j <= a->p; j++)
				if (a->phi[j - 1] != 0)
					sum -= a->phi[j - 1] * x[t - j];
			for (int j = 1; j <= a->q && j <= t; j++)
				if (a->theta[j - 1] != 0)
					sum -= a->theta[j - 1] * e[t - j];
			e[t] = sum;
		}
	}
	f->result = (rk_arma_result) {0, f->length - a->p};
	return a->p;
}

double
rk_arima_evaluate(rk_arima_fit *f, const double *coefficients)
{
	rk_arma		a = rk_arima_arma(f, coefficients);
	int64_t		from = 0;
	double		n;

	if (rk_arima_stopped(f))
		return INFINITY;
	if (f->method == RK_ARIMA_CSS && !f->missing)
		from = conditional_errors(f, &a);
	else if (f->missing)
	{
		from = f->lags;
		if (!rk_arma_kalman(&a, (const double *const *) f->work_column, f->columns, f->length, f->error, NULL, NULL,
							f->filter, &f->result, rk_arima_stopped, f))
			return INFINITY;
	}
	else if (!rk_arma_filter(&a, (const double *const *) f->work_column, f->columns, f->length, f->error, f->filter,
							 &f->result))
		return INFINITY;
	n = (double) f->result.counted;
	if (regress(f, f->error, from, f->length, f->beta) < 0 || !(n > 0) || !(f->squares > 0))
		return INFINITY;
	return 0.5 * (n * (log(2 * M_PI * f->squares / n) + 1) + f->result.log_f);
}

/* For the minimiser.  There are few variables, so central differences will do. */
static double
objective(void *arg, const double *u, double *gradient)
{
	rk_arima_fit *f = arg;
	int			k = rk_arima_coefficients(&f->o);
	double		at[RK_ARIMA_MAX_COEFFICIENTS];
	double		coefficients[RK_ARIMA_MAX_COEFFICIENTS];

	memcpy(at, u, sizeof(double) * k);
	for (int i = 0; i < k; i++)
	{
		double		h = STEP * fmax(1, fabs(u[i]));
		double		values[2];

		for (int side = 0; side < 2; side++)
		{
			at[i] = u[i] + (side ? h : -h);
			from_free(f, at, coefficients);
			values[side] = rk_arima_evaluate(f, coefficients);
		}
		at[i] = u[i];
		gradient[i] = (values[1] - values[0]) / (2 * h);
	}
	from_free(f, u, coefficients);
	return rk_arima_evaluate(f, coefficients);
}

/* ---- columns ---- */

/* delta of (1 - B)^d (1 - B^s)^D = 1 - sum delta_j B^j. */
static void
set_differences(rk_arima_fit *f)
{
	int			lags = 0;
	double	   *work = f->scratch;

	f->lags = f->o.d + f->o.seasonal_d * f->o.period;
	/* coefficients of the polynomial, from 1 on */
	memset(work, 0, sizeof(double) * (f->lags + 1));
	work[0] = 1;
	for (int i = 0; i < f->o.d + f->o.seasonal_d; i++)
	{
		int			step = i < f->o.d ? 1 : f->o.period;

		lags += step;
		for (int j = lags; j >= step; j--)
			work[j] -= work[j - step];
	}
	for (int j = 1; j <= f->lags; j++)
		f->delta[j - 1] = -work[j];
}

void
rk_arima_difference(const rk_arima_fit *f, const double *y, double *out)
{
	for (int64_t t = f->lags; t < f->n; t++)
	{
		double		v = y[t];

		for (int j = 0; j < f->lags; j++)
			if (f->delta[j] != 0)
				v -= f->delta[j] * y[t - 1 - j];
		out[t - f->lags] = v;
	}
}

/*
 * Columns for the model: what regressors explain by plain least squares is
 * taken off first, the rest scaled.  The status that ends the fit, if any.
 */
static rk_fit_status
set_columns(rk_arima_fit *f)
{
	int64_t		length;
	int64_t		rows;
	int			parameters = rk_arima_coefficients(&f->o) + f->o.constant + f->regressors + 1;
	int64_t		there = 0;

	f->columns = 1 + f->o.constant + f->regressors;
	for (int64_t t = 0; t < f->n; t++)
		there += !isnan(f->y[t]);
	f->lags = f->o.d + f->o.seasonal_d * f->o.period;
	if (there <= f->lags + parameters)
		return RK_FIT_TOO_SHORT;
	set_differences(f);
	length = f->n - f->lags;
	for (int c = 0; c < f->columns; c++)
		for (int64_t t = 0; t < f->n; t++)
			f->level[c][t] = c == 0 ? f->y[t] : c == 1 && f->o.constant ? (f->lags > 0 ? (double) (t + 1) : 1) :
				f->x[c - 1 - f->o.constant][t];
	for (int c = 0; c < f->columns; c++)
		rk_arima_difference(f, f->level[c], f->error[c]);
	f->squares = 0;
	rows = regress(f, f->error, 0, length, f->first_fit);
	if (rows < 0)
		return RK_FIT_NOT_CONVERGED;
	for (int64_t t = 0; t < f->n; t++)
		for (int c = 1; c < f->columns; c++)
			f->level[0][t] -= f->first_fit[c - 1] * f->level[c][t];
	f->scale = rows > 0 ? sqrt(f->squares / rows) : 1;
	return RK_FIT_OK;
}

/* Whether the differenced column 0 is nothing but rounding. */
static bool
is_constant(const rk_arima_fit *f)
{
	double		largest = 0;

	for (int64_t t = 0; t < f->n; t++)
		if (!isnan(f->y[t]))
			largest = fmax(largest, fabs(f->y[t]));
	return !(f->scale > 1e-13 * largest);
}

static void
scale_columns(rk_arima_fit *f)
{
	for (int64_t t = 0; t < f->n; t++)
		f->level[0][t] /= f->scale;
	f->length = f->missing ? f->n : f->n - f->lags;
	for (int c = 0; c < f->columns; c++)
	{
		if (f->missing)
			memcpy(f->work_column[c], f->level[c], sizeof(double) * f->n);
		else
			rk_arima_difference(f, f->level[c], f->work_column[c]);
	}
}

/* ---- starts ---- */

/*
 * Hannan, Rissanen 1982: shocks from a long autoregression, then least squares
 * on lags of values and shocks.  Zeros where there is too little.
 */
static void
hannan_rissanen(rk_arima_fit *f, double *coefficients)
{
	int			k = rk_arima_coefficients(&f->o);
	int64_t		n = f->n - f->lags;
	double	   *w = f->scratch;
	double	   *e = w + n;
	double	   *ar = e + n;
	int			lag[RK_ARIMA_MAX_COEFFICIENTS];
	double		a[RK_ARIMA_MAX_COEFFICIENTS * RK_ARIMA_MAX_COEFFICIENTS];
	double		b[RK_ARIMA_MAX_COEFFICIENTS];
	int			pivots[RK_ARIMA_MAX_COEFFICIENTS];
	int			most = 0;
	int			order;
	int			c = 0;
	double		variance = 0;

	memset(coefficients, 0, sizeof(double) * k);
	for (int i = 1; i <= f->o.p; i++)
		lag[c++] = i;
	for (int i = 1; i <= f->o.q; i++)
		lag[c++] = i;
	for (int i = 1; i <= f->o.seasonal_p; i++)
		lag[c++] = i * f->o.period;
	for (int i = 1; i <= f->o.seasonal_q; i++)
		lag[c++] = i * f->o.period;
	for (int i = 0; i < k; i++)
		most = lag[i] > most ? lag[i] : most;
	order = most + 5 < 10 ? 10 : most + 5;
	if (order > n / 4)
		order = (int) (n / 4);
	if (order < most || order < 1 || n < 3 * k + order)
		return;
	rk_arima_difference(f, f->level[0], w);
	for (int64_t t = 0; t < n; t++)
		w[t] = isnan(w[t]) ? 0 : w[t];
	/* Yule-Walker by Levinson: ar[order], autocovariances and scratch behind */
	double	   *gamma = ar + order;
	double	   *work = gamma + order + 1;

	for (int j = 0; j <= order; j++)
	{
		gamma[j] = 0;
		if (rk_arima_stopped(f))
			return;
		for (int64_t t = j; t < n; t++)
			gamma[j] += w[t] * w[t - j];
	}
	variance = gamma[0];
	for (int j = 0; j < order && variance > 0; j++)
	{
		double		partial = gamma[j + 1];

		for (int i = 0; i < j; i++)
			partial -= ar[i] * gamma[j - i];
		partial /= variance;
		memcpy(work, ar, sizeof(double) * j);
		for (int i = 0; i < j; i++)
			ar[i] = work[i] - partial * work[j - 1 - i];
		ar[j] = partial;
		variance *= 1 - partial * partial;
	}
	if (!(variance > 0))
		return;
	for (int64_t t = 0; t < n; t++)
	{
		e[t] = w[t];
		if ((t & 0xff) == 0 && rk_arima_stopped(f))
			return;
		for (int j = 1; j <= order && j <= t; j++)
			e[t] -= ar[j - 1] * w[t - j];
	}
	memset(a, 0, sizeof(a));
	memset(b, 0, sizeof(b));
#define LAGGED(i) ((((i) >= f->o.p && (i) < f->o.p + f->o.q) || (i) >= f->o.p + f->o.q + f->o.seasonal_p) ? e[t - lag[i]] : w[t - lag[i]])
	for (int64_t t = order; t < n; t++)
		for (int i = 0; i < k; i++)
		{
			b[i] += LAGGED(i) * w[t];
			for (int j = 0; j <= i; j++)
				a[i * k + j] += LAGGED(i) * LAGGED(j);
		}
#undef LAGGED
	for (int i = 0; i < k; i++)
		for (int j = 0; j < i; j++)
			a[j * k + i] = a[i * k + j];
	for (int i = 0; i < k; i++)
		a[i * k + i] *= 1 + 1e-8;
	if (!rk_invert(a, k, pivots))
		return;
	for (int i = 0; i < k; i++)
		for (int j = 0; j < k; j++)
			coefficients[i] += a[i * k + j] * b[j];
}

/* ---- a fit ---- */

void
rk_arima_fit_model(rk_arima_fit *f, const rk_arima_orders *o, rk_arima_model *m)
{
	int			k = rk_arima_coefficients(o);
	int			starts = f->method == RK_ARIMA_ML ? 1 : 2;
	bool		converged = false;

	f->o = *o;
	m->o = *o;
	m->value = INFINITY;
	m->criterion = INFINITY;
	memset(m->coefficients, 0, sizeof(m->coefficients));
	m->status = set_columns(f);
	if (m->status != RK_FIT_OK)
		return;
	if (is_constant(f))
	{
		m->status = RK_FIT_CONSTANT;
		return;
	}
	scale_columns(f);
	if (k == 0)
	{
		m->value = rk_arima_evaluate(f, m->coefficients);
		converged = true;
		starts = 0;
	}
	for (int start = 0; start < starts && !rk_arima_stopped(f); start++)
	{
		double		u[RK_ARIMA_MAX_COEFFICIENTS] = {0};
		double		guess[RK_ARIMA_MAX_COEFFICIENTS];
		rk_minimum	found;

		if (starts == 2 && start == 0)
		{
			hannan_rissanen(f, guess);
			to_free(f, guess, u);
		}
		else
			for (int i = 0; i < k; i++)
				u[i] = 0.1;
		found = rk_minimize(&(rk_minimize_problem) {
			.n = k, .fn = objective, .arg = f, .max_iterations = 200, .tolerance = TOLERANCE, .stop = rk_arima_stopped
		}, u, f->minimizer);
		if (found.value < m->value - (isfinite(m->value) ? 1e-7 : 0))
		{
			m->value = found.value;
			converged = found.converged || found.decrease < 1e-3;
			from_free(f, u, m->coefficients);
		}
	}
	if (!isfinite(m->value))
	{
		m->status = RK_FIT_NOT_CONVERGED;
		return;
	}
	m->value = rk_arima_evaluate(f, m->coefficients) + f->result.counted * log(f->scale);
	m->status = converged ? RK_FIT_OK : RK_FIT_NOT_CONVERGED;
	m->criterion = rk_information(f->p->criterion, -m->value, k + f->columns, f->result.counted);
}
