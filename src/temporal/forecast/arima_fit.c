/*
 * arima_fit.c
 *	  The likelihood of an ARIMA model with regressors, its maximum, and how it
 *	  curves there.
 */
#include "arima_fit.h"

#include <math.h>
#include <string.h>

#include "../../compute/minimize.h"

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

/* ---- coefficients ---- */

rk_arma
rk_arima_arma(rk_arima_fit *f, const double *coefficients)
{
	rk_arma		a = {
		.p = f->o.p + f->o.seasonal_p * f->o.period,.q = f->o.q + f->o.seasonal_q * f->o.period,
		.phi = f->phi,.theta = f->theta,.lags = f->missing ? f->lags : 0,.delta = f->delta
	};

	rk_arima_polynomials(&f->o, coefficients, f->phi, f->theta, 1);
	return a;
}

static void
from_free(const rk_arima_fit *f, const double *u, int moved, double value, double *coefficients)
{
	double		work[2 * RK_ARIMA_ORDER];

	rk_arima_from_free(&f->o, u, moved, value, coefficients, work, 1);
}

/* Free numbers of coefficients; what is not stationary or invertible is pulled in. */
static void
to_free(const rk_arima_fit *f, const double *coefficients, double *u)
{
	for (int g = 0; g < 4; g++)
	{
		int			size = rk_arima_group(&f->o, g);
		double		c[RK_ARIMA_ORDER];
		double		partial[RK_ARIMA_ORDER];
		double		work[RK_ARIMA_ORDER];
		double		factor = 1;

		for (int attempt = 0;; attempt++)
		{
			double		power = factor;
			bool		inside;

			for (int i = 0; i < size; i++, power *= factor)
				c[i] = (g % 2 == 1 ? -power : power) * coefficients[i];
			inside = rk_arma_to_partial(c, size, partial, work, 1);
			for (int i = 0; i < size && inside; i++)
				inside = fabs(partial[i]) < 0.98;
			if (inside)
				break;
			factor = attempt > 60 ? 0 : factor * 0.93;
		}
		for (int i = 0; i < size; i++)
			u[i] = atanh(partial[i]);
		u += size;
		coefficients += size;
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
	if (!rk_arima_solve(g, k, beta, 1))
		return -1;
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
	if (regress(f, f->error, from, f->length, f->beta) < 0)
		return INFINITY;
	return rk_arima_value((double) f->result.counted, f->squares, f->result.log_f);
}

/* For the minimiser.  There are few variables, so central differences will do. */
static double
objective(void *arg, const double *u, double *gradient)
{
	rk_arima_fit *f = arg;
	int			k = rk_arima_coefficients(&f->o);
	double		coefficients[RK_ARIMA_MAX_COEFFICIENTS];

	for (int i = 0; i < k; i++)
	{
		double		h = RK_ARIMA_GRADIENT_STEP(u[i]);
		double		values[2];

		for (int side = 0; side < 2; side++)
		{
			from_free(f, u, i, u[i] + (side ? h : -h), coefficients);
			values[side] = rk_arima_evaluate(f, coefficients);
		}
		gradient[i] = (values[1] - values[0]) / (2 * h);
	}
	from_free(f, u, -1, 0, coefficients);
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

int
rk_arima_starts(rk_arima_fit *f, double *u)
{
	int			k = rk_arima_coefficients(&f->o);
	int			guessed = f->method == RK_ARIMA_ML ? k : 0;
	double		guess[RK_ARIMA_MAX_COEFFICIENTS];

	/* next to a unit root a search from one point often ends where all is flat */
	hannan_rissanen(f, guess);
	to_free(f, guess, u + guessed);
	for (int i = 0; i < k; i++)
		u[k - guessed + i] = 0.1;
	return RK_ARIMA_STARTS;
}

bool
rk_arima_begin(rk_arima_fit *f, const rk_arima_orders *o, rk_arima_model *m)
{
	f->o = *o;
	m->o = *o;
	m->value = INFINITY;
	m->criterion = INFINITY;
	m->converged = false;
	memset(m->coefficients, 0, sizeof(m->coefficients));
	m->status = set_columns(f);
	if (m->status != RK_FIT_OK)
		return false;
	if (is_constant(f))
	{
		m->status = RK_FIT_CONSTANT;
		return false;
	}
	scale_columns(f);
	return true;
}

void
rk_arima_search(rk_arima_fit *f, const double *u, int starts, rk_arima_model *m)
{
	int			k = rk_arima_coefficients(&f->o);

	m->value = INFINITY;
	m->converged = false;
	if (k == 0)
	{
		m->value = rk_arima_evaluate(f, m->coefficients);
		m->converged = true;
		return;
	}
	for (int start = 0; start < starts && !rk_arima_stopped(f); start++)
	{
		double		x[RK_ARIMA_MAX_COEFFICIENTS];
		rk_minimum	found;

		memcpy(x, u + start * k, sizeof(double) * k);
		found = rk_minimize(&(rk_minimize_problem) {
			.n = k, .fn = objective, .arg = f, .max_iterations = RK_ARIMA_ITERATIONS, .tolerance = RK_ARIMA_TOLERANCE,
			.stop = rk_arima_stopped
		}, x, f->minimizer);
		if (rk_arima_is_better(found.value, m->value))
		{
			m->value = found.value;
			m->converged = rk_arima_has_converged(found.converged, found.decrease);
			from_free(f, x, -1, 0, m->coefficients);
		}
	}
}

void
rk_arima_end(rk_arima_fit *f, rk_arima_model *m)
{
	int			k = rk_arima_coefficients(&f->o);

	if (!isfinite(m->value))
	{
		m->status = RK_FIT_NOT_CONVERGED;
		return;
	}
	m->value = rk_arima_evaluate(f, m->coefficients) + f->result.counted * log(f->scale);
	m->status = m->converged ? RK_FIT_OK : RK_FIT_NOT_CONVERGED;
	m->criterion = rk_information(f->p->criterion, -m->value, k + f->columns, f->result.counted);
}

void
rk_arima_fit_model(rk_arima_fit *f, const rk_arima_orders *o, rk_arima_model *m)
{
	double		u[RK_ARIMA_STARTS * RK_ARIMA_MAX_COEFFICIENTS];

	if (!rk_arima_begin(f, o, m))
		return;
	rk_arima_search(f, u, rk_arima_starts(f, u), m);
	rk_arima_end(f, m);
}

/* ---- curvature ---- */

/*
 * n / 2 log(sum of squares) + log_f / 2 of these coefficients with given
 * regressors' ones, and its derivatives by those.
 */
static double
given_beta(rk_arima_fit *f, const double *coefficients, const double *beta, double *by_beta)
{
	double		squares = 0;
	int			k = f->columns - 1;
	double		n;

	for (int i = 0; i < k; i++)
		by_beta[i] = NAN;
	if (!isfinite(rk_arima_evaluate(f, coefficients)))
		return NAN;
	n = (double) f->result.counted;
	memset(by_beta, 0, sizeof(double) * k);
	for (int64_t t = f->missing ? f->lags : 0; t < f->length; t++)
	{
		double		rest = f->error[0][t];

		if (isnan(rest))
			continue;
		for (int i = 0; i < k; i++)
			rest -= beta[i] * f->error[i + 1][t];
		squares += rest * rest;
		for (int i = 0; i < k; i++)
			by_beta[i] -= rest * f->error[i + 1][t];
	}
	for (int i = 0; i < k; i++)
		by_beta[i] *= n / squares;
	return 0.5 * (n * log(squares) + f->result.log_f);
}

void
rk_arima_hessian(rk_arima_fit *f, const double *coefficients, const double *beta, double *slopes, double *hessian)
{
	int			k = rk_arima_coefficients(&f->o);
	int			b = f->columns - 1;
	int			all = k + b;
	double		at[RK_ARIMA_MAX_COEFFICIENTS];
	double		steps[RK_ARIMA_MAX_COEFFICIENTS];
	double		middle;
	double		n;

	memcpy(at, coefficients, sizeof(double) * k);
	for (int i = 0; i < k; i++)
		steps[i] = RK_ARIMA_HESSIAN_STEP(at[i]);
	for (int i = 0; i < k; i++)
		for (int j = 0; j <= i; j++)
		{
			double		corners[4];

			if (rk_arima_stopped(f))
				return;
			for (int corner = 0; corner < 4; corner++)
			{
				at[i] += corner & 1 ? steps[i] : -steps[i];
				at[j] += corner & 2 ? steps[j] : -steps[j];
				corners[corner] = given_beta(f, at, beta, slopes);
				memcpy(at, coefficients, sizeof(double) * k);
			}
			hessian[i * all + j] = hessian[j * all + i] =
				(corners[3] - corners[1] - corners[2] + corners[0]) / (4 * steps[i] * steps[j]);
		}
	for (int i = 0; i < k && b > 0; i++)
	{
		for (int side = 0; side < 2; side++)
		{
			at[i] = coefficients[i] + (side ? steps[i] : -steps[i]);
			given_beta(f, at, beta, slopes + side * b);
		}
		at[i] = coefficients[i];
		for (int j = 0; j < b; j++)
			hessian[i * all + k + j] = hessian[(k + j) * all + i] = (slopes[b + j] - slopes[j]) / (2 * steps[i]);
	}
	/* at the maximum the slope by beta is 0, so that squares alone curve */
	middle = given_beta(f, coefficients, beta, slopes);
	n = (double) f->result.counted;
	for (int i = 0; i < b; i++)
		for (int j = 0; j <= i; j++)
		{
			double		sum = 0;

			for (int64_t t = f->missing ? f->lags : 0; t < f->length; t++)
				if (!isnan(f->error[0][t]))
					sum += f->error[i + 1][t] * f->error[j + 1][t];
			hessian[(k + i) * all + k + j] = hessian[(k + j) * all + k + i] = n * sum / f->squares;
		}
	if (!isfinite(middle) && all > 0)
		hessian[0] = NAN;
}

/* ---- memory ---- */

rk_status
rk_arima_make_fit(rk_ctx *ctx, int thread, const rk_arima_params *p, int regressors, int64_t longest, int period,
				  rk_arima_fit *f)
{
	int			most = 2 + regressors;
	bool		fixed = !p->automatic;
	int			ar = (fixed ? p->orders.p + p->orders.seasonal_p * period : p->max_p + 2 * period);
	int			ma = (fixed ? p->orders.q + p->orders.seasonal_q * period : p->max_q + 2 * period);
	int			order = ar > ma + 1 ? ar : ma + 1;
	int			lags = fixed ? p->orders.d + p->orders.seasonal_d * period : 2 + period;
	int64_t		scratch = 4 * longest + 2 * (order + lags) + 16;
	int64_t		minimizer = rk_minimize_work(RK_ARIMA_MAX_COEFFICIENTS, 0);
	double	   *columns = rk_alloc(ctx, 3 * most * longest, sizeof(double));
	double	  **pointers = rk_alloc(ctx, 3 * most, sizeof(double *));

	f->ctx = ctx;
	f->thread = thread;
	f->p = p;
	f->method = p->method;
	f->regressors = regressors;
	f->delta = rk_alloc(ctx, lags + 1, sizeof(double));
	f->first_fit = rk_alloc(ctx, most, sizeof(double));
	f->phi = rk_alloc(ctx, ar + 1, sizeof(double));
	f->theta = rk_alloc(ctx, ma + 1, sizeof(double));
	f->beta = rk_alloc(ctx, most, sizeof(double));
	f->gram = rk_alloc(ctx, most * most, sizeof(double));
	f->filter = rk_alloc(ctx, rk_arma_work(order, lags, most), sizeof(double));
	f->minimizer = rk_alloc(ctx, minimizer, sizeof(double));
	f->scratch = rk_alloc(ctx, scratch, sizeof(double));
	f->transformed = rk_alloc(ctx, longest, sizeof(double));
	f->columns_of_x = rk_alloc(ctx, regressors, sizeof(double *));
	if (!columns || !pointers || !f->delta || !f->first_fit || !f->phi || !f->theta || !f->beta || !f->gram ||
		!f->filter || !f->minimizer || !f->scratch || !f->transformed || !f->columns_of_x)
		return RK_ERR_MEMORY;
	for (int i = 0; i < 3 * most; i++)
		pointers[i] = columns + i * longest;
	f->level = pointers;
	f->work_column = pointers + most;
	f->error = pointers + 2 * most;
	return RK_OK;
}

rk_arima_place
rk_arima_take_series(rk_arima_fit *f, const rk_series *s, const rk_arima_regressors *x, int64_t series)
{
	int64_t		end = s->offsets[series + 1];
	rk_arima_place at = {.series = series,.base = s->offsets[series],.equal = true};
	double		lambda = f->p->box_cox;

	while (at.base < end && isnan(s->values[at.base]))
		at.base++;
	at.rest = end - at.base;
	f->missing = false;
	for (int64_t t = at.base; t < end; t++)
	{
		double		v = s->values[t];

		if (isnan(v))
			f->missing = true;
		else
			at.equal = at.equal && v == s->values[at.base];
		f->transformed[t - at.base] = isnan(lambda) || isnan(v) ? v : rk_box_cox(v, lambda);
	}
	f->n = at.rest;
	f->y = f->transformed;
	for (int i = 0; i < f->regressors; i++)
		f->columns_of_x[i] = x->values[i] + at.base;
	f->x = f->columns_of_x;
	return at;
}
