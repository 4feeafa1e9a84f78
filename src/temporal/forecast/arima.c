/*
 * arima.c
 *	  Seasonal ARIMA models of many series: estimates, errors, forecasts.
 */
#include "arima_fit.h"

#include <math.h>
#include <string.h>

#include "../../compute/minimize.h"
#include "../../compute/special.h"

typedef struct state
{
	rk_ctx	   *ctx;
	const rk_series *s;
	const rk_arima_regressors *x;
	const rk_arima_params *p;
	const rk_arima_batch *batch;	/* what a device found; NULL: all is done here */
	rk_arima   *out;
	rk_arima_fit *fits;			/* [threads] */
	double	  **predicted;		/* [threads][longest] */
	double	  **variance;		/* likewise: of predictions */
	double	  **hessian;		/* [threads][stride^2 and more] */
} state;

double
rk_box_cox(double y, double lambda)
{
	return lambda == 0 ? log(y) : (pow(y, lambda) - 1) / lambda;
}

double
rk_box_cox_back(double z, double lambda)
{
	double		base = lambda * z + 1;

	/* beyond the range of the transformation: its end */
	if (lambda == 0)
		return exp(z);
	return base > 0 ? pow(base, 1 / lambda) : lambda > 0 ? 0 : INFINITY;
}

/* ---- standard errors ---- */

/*
 * Standard errors of coefficients and regressors; given: their Hessian, NULL
 * where it is to be found.
 */
static void
standard_errors(rk_arima_fit *f, const rk_arima_model *m, const double *beta, const double *given, double *work,
				double *errors)
{
	int			k = rk_arima_coefficients(&m->o);
	int			b = f->columns - 1;
	int			all = k + b;
	double	   *slopes = work + all * all;	/* [2][b], then pivots */
	int		   *pivots = (int *) (slopes + 2 * b + 1);

	if (all == 0)
		return;
	if (given)
		memcpy(work, given, sizeof(double) * all * all);
	else
		rk_arima_hessian(f, m->coefficients, beta, slopes, work);
	if (rk_arima_stopped(f) || isnan(work[0]) || !rk_invert(work, all, pivots))
		return;
	for (int i = 0; i < all; i++)
	{
		double		v = work[i * all + i];

		errors[i] = v > 0 && isfinite(v) ? sqrt(v) * (i < k ? 1 : f->scale) : NAN;
	}
}

/* ---- after the fit ---- */

/* Ljung, Box 1978: p value of no correlation among standardised errors. */
static double
ljung_box(rk_arima_fit *f, const double *e, int64_t from, int64_t n, int period, int parameters, int64_t counted, double *work)
{
	int64_t		lags = period > 1 ? 2 * (int64_t) period : 10;
	int64_t		m = 0;
	double		total = 0;
	double		q = 0;

	if (lags > counted / 5)
		lags = counted / 5;
	if (lags <= parameters)
		return NAN;
	for (int64_t t = from; t < n; t++)
		if (!isnan(e[t]))
			work[m++] = e[t];
	double		mean = rk_mean(work, m);

	total = rk_sum_squares(work, m, mean);
	for (int64_t lag = 1; lag <= lags; lag++)
	{
		double		sum = 0;

		if (rk_arima_stopped(f))
			return NAN;
		for (int64_t t = lag; t < m; t++)
			sum += (work[t] - mean) * (work[t - lag] - mean);
		q += sum / total * (sum / total) / (double) (m - lag);
	}
	q *= (double) m * (double) (m + 2);
	return total > 0 ? rk_gamma_q((double) (lags - parameters) / 2, q / 2) : NAN;
}

/* Forecasts of the scaled levels less what regressors explain, and variances. */
static void
forecast_levels(rk_arima_fit *f, const rk_arma *a, const double *states, const double *covariance, int64_t stride,
				int known, int64_t horizon, double *mean, double *variance)
{
	int			r = rk_arma_order(a);
	int			m = r + f->lags;
	double	   *c = f->scratch;		/* the observation h steps on, in terms of the state */
	double	   *s = c + m;
	double		shocks = 0;

	memset(c, 0, sizeof(double) * m);
	memcpy(s, states, sizeof(double) * m);
	c[0] = 1;
	for (int j = 0; j < f->lags; j++)
		c[r + j] = f->delta[j];
	for (int64_t h = 0; h < horizon; h++)
	{
		double		level = s[0];
		double		first = s[0];
		double		total = shocks;
		double		shock = c[0];
		double		head;
		double		back = f->lags > 0 ? c[r] : 0;

		if ((h & 0xff) == 0 && rk_arima_stopped(f))
			return;
		for (int j = 0; j < f->lags; j++)
			level += f->delta[j] * s[r + j];
		mean[h] = level;
		for (int i = 0; i < known; i++)
			for (int j = 0; j < known; j++)
				if (c[i] != 0 && c[j] != 0)
					total += c[i] * c[j] * covariance[i * stride + j];
		variance[h] = total;
		for (int i = 1; i <= a->q; i++)
			shock += c[i] * a->theta[i - 1];
		shocks += shock * shock;
		/* the state moves on, the observation one step away from it */
		for (int i = 0; i < r; i++)
			s[i] = (i < a->p ? a->phi[i] * first : 0) + (i + 1 < r ? s[i + 1] : 0);
		for (int j = f->lags - 1; j > 0; j--)
			s[r + j] = s[r + j - 1];
		if (f->lags > 0)
			s[r] = level;
		head = back;
		for (int i = 0; i < a->p; i++)
			head += c[i] * a->phi[i];
		for (int i = r - 1; i > 0; i--)
			c[i] = c[i - 1];
		c[0] = head;
		for (int j = 0; j < f->lags; j++)
			c[r + j] = back * f->delta[j] + (j + 1 < f->lags ? c[r + j + 1] : 0);
	}
}

/*
 * Predictions and forecasts of a fitted model.  beta: of all regressors, first
 * fit included; a constant series has no errors.
 */
static void
predict(state *st, int thread, const rk_arima_place *at, const rk_arima_model *m, const double *beta, double sigma)
{
	rk_arima_fit *f = &st->fits[thread];
	rk_arima   *out = st->out;
	int64_t		horizon = st->p->horizon;
	bool		flat = m->status == RK_FIT_CONSTANT;
	double		scale = flat ? 1 : f->scale;
	double	   *predicted = st->predicted[thread];
	double	   *variance = st->variance[thread];
	double		lambda = st->p->box_cox;
	int			r;
	int64_t		stride;
	double	   *states = f->filter;
	double	   *covariance;
	rk_arma		a = rk_arima_arma(f, m->coefficients);

	/* column 0 without what the regressors explain; the only one from here on */
	for (int64_t t = 0; t < f->n; t++)
		for (int c = 1; c < f->columns && !flat; c++)
			f->level[0][t] -= f->beta[c - 1] * f->level[c][t];
	if (!f->missing)
		rk_arima_difference(f, f->level[0], f->work_column[0]);
	else
		memcpy(f->work_column[0], f->level[0], sizeof(double) * f->n);
	r = rk_arma_order(&a);
	stride = r + a.lags;
	covariance = states + stride;
	for (int64_t t = 0; t < f->lags; t++)
		variance[t] = predicted[t] = NAN;
	if (!rk_arma_kalman(&a, (const double *const *) f->work_column, 1, f->missing ? f->n : f->n - f->lags, NULL,
						f->missing ? variance : variance + f->lags, f->missing ? predicted : predicted + f->lags,
						f->filter, &f->result, rk_arima_stopped, f))
		return;
	for (int64_t t = f->lags; t < f->n; t++)
	{
		double		explained = 0;
		int64_t		row = at->base + t;
		double		value = predicted[t];

		for (int j = 0; j < f->lags && !f->missing; j++)
			if (f->delta[j] != 0)
				value += f->delta[j] * f->level[0][t - 1 - j];
		for (int c = 1; c < f->columns; c++)
			explained += beta[c - 1] * f->level[c][t];
		value = value * scale + explained;
		if (variance[t] >= 1e4 || isnan(value))
			continue;
		out->expected[row] = isnan(lambda) ? value : rk_box_cox_back(value, lambda);
		out->std_error[row] = sigma * sqrt(variance[t]);
	}
	if (!f->missing)
	{
		/* levels are known: they follow the state */
		memmove(states + r + f->lags, states + r, sizeof(double) * r * r);
		covariance = states + r + f->lags;
		for (int j = 0; j < f->lags; j++)
			states[r + j] = f->level[0][f->n - 1 - j];
	}
	forecast_levels(f, &a, states, covariance, stride, f->missing ? (int) stride : r, horizon,
					out->forecast + at->series * horizon, out->forecast_error + at->series * horizon);
	for (int64_t h = 0; h < horizon; h++)
	{
		int64_t		k = at->series * horizon + h;
		double		value = out->forecast[k] * scale;
		int			c = 0;

		if (m->o.constant)
			value += beta[c++] * (f->lags > 0 ? (double) (f->n + h + 1) : 1);
		for (int i = 0; i < f->regressors; i++)
			value += beta[c++] * st->x->future[i][k];
		out->forecast_level[k] = value;
		out->forecast[k] = isnan(lambda) ? value : rk_box_cox_back(value, lambda);
		out->forecast_error[k] = sigma * sqrt(out->forecast_error[k]);
	}
}

/* A series without a value that changes: it goes on as it is. */
static void
no_fit(state *st, const rk_arima_place *at, rk_fit_status status)
{
	int64_t		horizon = st->p->horizon;

	st->out->status[at->series] = status;
	for (int64_t h = 0; h < horizon && status == RK_FIT_CONSTANT; h++)
	{
		int64_t		k = at->series * horizon + h;

		/* its first value that is there is like all of them */
		st->out->forecast[k] = st->out->forecast_level[k] = st->s->values[at->base];
		st->out->forecast_error[k] = 0;
	}
	for (int64_t t = 1; t < at->rest && status == RK_FIT_CONSTANT; t++)
	{
		st->out->expected[at->base + t] = st->s->values[at->base];
		st->out->std_error[at->base + t] = 0;
	}
}

static void
one_series(state *st, int64_t series, int thread)
{
	const rk_arima_params *p = st->p;
	rk_arima_fit *f = &st->fits[thread];
	rk_arima   *out = st->out;
	double	   *estimates = out->estimates + series * out->stride;
	double	   *errors = out->std_errors + series * out->stride;
	double	   *beta;
	rk_arima_model m = {.o = p->orders};
	rk_arima_place at = rk_arima_take_series(f, st->s, st->x, series);
	bool		given = st->batch && rk_arima_in_batch(st->batch, series);
	const double *hessian = NULL;
	double		sigma = 0;
	int			k;

	out->orders[series] = p->orders;
	if (at.equal)
	{
		no_fit(st, &at, at.rest > 0 ? RK_FIT_CONSTANT : RK_FIT_TOO_SHORT);
		return;
	}
	if (p->automatic)
		rk_arima_select(f, p->periods ? (int) p->periods[series] : p->orders.period, &m);
	else if (!given)
		rk_arima_fit_model(f, &p->orders, &m);
	else if (rk_arima_begin(f, &p->orders, &m))
	{
		if (!rk_arima_from_batch(f, st->batch, series, &m, &hessian))
		{
			double		u[RK_ARIMA_STARTS * RK_ARIMA_MAX_COEFFICIENTS];

			rk_arima_search(f, u, rk_arima_starts(f, u), &m);
		}
		rk_arima_end(f, &m);
	}
	out->status[series] = m.status;
	out->orders[series] = m.o;
	if (rk_arima_stopped(f) || m.status == RK_FIT_TOO_SHORT || (!isfinite(m.value) && m.status != RK_FIT_CONSTANT))
		return;
	k = rk_arima_coefficients(&m.o);
	beta = estimates + k;
	memcpy(estimates, m.coefficients, sizeof(double) * k);
	for (int c = 1; c < f->columns; c++)
		beta[c - 1] = f->first_fit[c - 1] + (m.status == RK_FIT_CONSTANT ? 0 : f->beta[c - 1] * f->scale);
	if (m.status != RK_FIT_CONSTANT)
	{
		int64_t		n = f->result.counted;
		int			parameters = k + f->columns;

		sigma = f->scale * sqrt(f->squares / n);
		out->sigma2[series] = sigma * sigma;
		out->log_likelihood[series] = -m.value;
		out->observations[series] = n;
		out->aic[series] = rk_information(RK_AIC, -m.value, parameters, n);
		out->aicc[series] = rk_information(RK_AICC, -m.value, parameters, n);
		out->bic[series] = rk_information(RK_BIC, -m.value, parameters, n);
		for (int64_t t = 0; t < f->length; t++)
			for (int c = 1; c < f->columns; c++)
				f->error[0][t] -= f->beta[c - 1] * f->error[c][t];
		out->ljung_box[series] = ljung_box(f, f->error[0], f->missing ? f->lags : 0, f->length, m.o.period, k, n, f->scratch);
		/* the last evaluation is to be the fit itself: beta is needed below */
		memcpy(f->first_fit, f->beta, sizeof(double) * (f->columns - 1));
		standard_errors(f, &m, f->first_fit, hessian, st->hessian[thread], errors);
		memcpy(f->beta, f->first_fit, sizeof(double) * (f->columns - 1));
	}
	predict(st, thread, &at, &m, beta, sigma);
}

static void
chunk_of_series(void *arg, int64_t begin, int64_t end, int64_t chunk, int thread)
{
	state	   *st = arg;

	(void) chunk;
	for (int64_t i = begin; i < end && !rk_chunk_should_stop(st->ctx, thread); i++)
		one_series(st, i, thread);
}

/* ---- all series ---- */

rk_status
rk_temporal_arima_with(rk_ctx *ctx, const rk_series *s, const rk_arima_regressors *x, const rk_arima_params *p,
					   const rk_arima_batch *batch, rk_arima *out)
{
	state		st = {.ctx = ctx,.s = s,.x = x,.p = p,.batch = batch,.out = out};
	int64_t		total = s->offsets[s->count];
	int64_t		longest = rk_series_longest(s);
	int			stride = 1 + x->count + (p->automatic ? p->max_p + p->max_q + 4 : rk_arima_coefficients(&p->orders));
	int			period = p->orders.period;

	for (int64_t i = 0; p->periods && i < s->count; i++)
		period = p->periods[i] > period ? (int) p->periods[i] : period;
	*out = (rk_arima) {
		.stride = stride,
		.regressors = x->count,
		.status = rk_alloc0(ctx, s->count, sizeof(int64_t)),
		.orders = rk_alloc0(ctx, s->count, sizeof(rk_arima_orders)),
		.estimates = rk_nans(ctx, s->count * stride),
		.std_errors = rk_nans(ctx, s->count * stride),
		.sigma2 = rk_nans(ctx, s->count),
		.log_likelihood = rk_nans(ctx, s->count),
		.aic = rk_nans(ctx, s->count),
		.aicc = rk_nans(ctx, s->count),
		.bic = rk_nans(ctx, s->count),
		.ljung_box = rk_nans(ctx, s->count),
		.observations = rk_alloc0(ctx, s->count, sizeof(int64_t)),
		.expected = rk_nans(ctx, total),
		.std_error = rk_nans(ctx, total),
		.forecast = rk_nans(ctx, s->count * p->horizon),
		.forecast_error = rk_nans(ctx, s->count * p->horizon),
		.forecast_level = rk_nans(ctx, s->count * p->horizon)
	};
	st.fits = rk_alloc0(ctx, ctx->threads, sizeof(rk_arima_fit));
	st.predicted = rk_alloc(ctx, ctx->threads, sizeof(double *));
	st.variance = rk_alloc(ctx, ctx->threads, sizeof(double *));
	st.hessian = rk_alloc(ctx, ctx->threads, sizeof(double *));
	if (!out->status || !out->orders || !out->estimates || !out->std_errors || !out->sigma2 || !out->log_likelihood ||
		!out->aic || !out->aicc || !out->bic || !out->ljung_box || !out->observations || !out->expected ||
		!out->std_error || !out->forecast || !out->forecast_error || !out->forecast_level || !st.fits ||
		!st.predicted || !st.variance || !st.hessian)
		return RK_ERR_MEMORY;
	for (int i = 0; i < ctx->threads; i++)
	{
		st.predicted[i] = rk_alloc(ctx, longest, sizeof(double));
		st.variance[i] = rk_alloc(ctx, longest, sizeof(double));
		st.hessian[i] = rk_alloc(ctx, (stride + 2) * (stride + 4), sizeof(double));
		if (!st.predicted[i] || !st.variance[i] || !st.hessian[i] ||
			rk_arima_make_fit(ctx, i, p, x->count, longest, period, &st.fits[i]) != RK_OK)
			return RK_ERR_MEMORY;
	}
	return rk_parallel_for(ctx, s->count, 1, chunk_of_series, &st);
}

rk_status
rk_temporal_arima(rk_ctx *ctx, const rk_series *s, const rk_arima_regressors *x, const rk_arima_params *p, rk_arima *out)
{
	return rk_temporal_arima_with(ctx, s, x, p, NULL, out);
}
