/*
 * garch.c
 *	  GARCH, GJR and EGARCH models by maximum likelihood.
 */
#include "garch_work.h"

#include <math.h>
#include <string.h>

#include "../compute/minimize.h"

typedef struct state
{
	rk_ctx	   *ctx;
	const rk_series *s;
	const rk_garch_params *p;
	const rk_garch_batch *batch;	/* what a device found; NULL: all is done here */
	const int64_t *place;		/* of each series in the batch; -1: it is not there */
	rk_garch   *out;
	rk_garch_work *fits;		/* [threads] */
} state;

/* ---- standard errors ---- */

/* The sum of outer products of scores. */
static void
outer_products(rk_garch_work *f, double *out)
{
	for (int i = 0; i < f->count; i++)
		for (int j = 0; j <= i; j++)
			out[i * f->count + j] = out[j * f->count + i] =
				rk_garch_sum_products(f->slopes + i * f->n, f->slopes + j * f->n, f->n);
}

/*
 * Covariance H^-1 S H^-1 of the estimates into covariance; work holds three
 * more matrices.  False where the Hessian cannot be inverted.
 */
static bool
robust_covariance(rk_garch_work *f, const double *x, double *covariance, double *work)
{
	int			k = f->count;
	double	   *hessian = work;
	double	   *outer = work + k * k;
	double	   *product = outer + k * k;
	double		at[RK_GARCH_MAX_COUNT];
	double		gradients[2][RK_GARCH_MAX_COUNT];
	int			pivots[RK_GARCH_MAX_COUNT];

	for (int i = 0; i < k; i++)
	{
		double		h = RK_GARCH_HESSIAN_STEP(x[i]);

		memcpy(at, x, sizeof(double) * k);
		for (int side = 0; side < 2; side++)
		{
			at[i] = x[i] + (side ? h : -h);
			rk_garch_objective(f, at, gradients[side]);
		}
		for (int j = 0; j < k; j++)
			hessian[i * k + j] = (gradients[1][j] - gradients[0][j]) / (2 * h);
	}
	for (int i = 0; i < k; i++)
		for (int j = 0; j < i; j++)
			hessian[i * k + j] = hessian[j * k + i] = 0.5 * (hessian[i * k + j] + hessian[j * k + i]);
	rk_garch_scores(f, x);
	outer_products(f, outer);
	if (!rk_invert(hessian, k, pivots))
		return false;
	for (int i = 0; i < k; i++)
		for (int j = 0; j < k; j++)
		{
			product[i * k + j] = 0;
			for (int l = 0; l < k; l++)
				product[i * k + j] += hessian[i * k + l] * outer[l * k + j];
		}
	for (int i = 0; i < k; i++)
		for (int j = 0; j < k; j++)
		{
			covariance[i * k + j] = 0;
			for (int l = 0; l < k; l++)
				covariance[i * k + j] += product[i * k + l] * hessian[l * k + j];
		}
	return true;
}

/* ---- one series ---- */

static bool
stop_asked(void *arg)
{
	const rk_garch_work *f = arg;

	return rk_chunk_should_stop(f->ctx, f->thread);
}

/* The best starting point of a kind; false where none has a likelihood. */
static bool
best_start(rk_garch_work *f, int kind, const double *mean, double *x)
{
	double		best = INFINITY;
	double		at[RK_GARCH_MAX_COUNT];

	for (int i = 0; i < RK_GARCH_GRID; i++)
	{
		double		value;

		if (rk_chunk_should_stop(f->ctx, f->thread))
			return false;
		rk_garch_start(&f->layout, kind, i, mean, at);
		value = rk_garch_objective(f, at, NULL);
		if (!(value < best))
			continue;
		best = value;
		memcpy(x, at, sizeof(double) * f->count);
	}
	return isfinite(best);
}

/* Whether the variance moves so much that a second maximum is not looked for. */
static bool
is_clear(rk_garch_work *f, const double *x, double value)
{
	double		at[RK_GARCH_MAX_COUNT];

	rk_garch_flat(&f->layout, x, at);
	return 2 * (rk_garch_objective(f, at, NULL) - value) > RK_GARCH_CLEAR_GAIN;
}

/* The highest maximum of all kinds of starts; its -log-likelihood. */
static double
maximise(rk_garch_work *f, const double *mean, double *best, bool *converged)
{
	double		a[RK_GARCH_MAX_CONSTRAINTS * RK_GARCH_MAX_COUNT];
	double		b[RK_GARCH_MAX_CONSTRAINTS];
	double		found = INFINITY;
	double		x[RK_GARCH_MAX_COUNT];
	rk_minimize_problem problem = {.n = f->count,.fn = rk_garch_objective,.arg = f,.a = a,.b = b,.max_iterations = RK_GARCH_ITERATIONS,
		.tolerance = RK_GARCH_TOLERANCE,.stop = stop_asked};

	problem.m = rk_garch_constraints(&f->layout, a, b);
	*converged = false;
	for (int kind = 0; kind < RK_GARCH_KINDS && !rk_chunk_should_stop(f->ctx, f->thread); kind++)
	{
		int			pivots[RK_GARCH_MAX_COUNT];
		rk_minimum	m;
		bool		done;

		if (!best_start(f, kind, mean, x))
			continue;
		/* Berndt, Hall, Hall, Hausman 1974: outer products stand for the Hessian */
		rk_garch_scores(f, x);
		outer_products(f, f->minimizer);
		for (int i = 0; i < f->count; i++)
			f->minimizer[i * f->count + i] *= 1 + 1e-6;
		problem.have_inverse = rk_invert(f->minimizer, f->count, pivots);
		m = rk_minimize(&problem, x, f->minimizer);
		done = m.converged || m.decrease <= RK_GARCH_FLAT_END(f->p->egarch);
		if (rk_garch_is_better(m.value, done, found, *converged))
		{
			found = m.value;
			*converged = done;
			memcpy(best, x, sizeof(double) * f->count);
		}
		if (*converged && is_clear(f, best, found))
			break;
	}
	return found;
}

/* Mean, spread and first guess of the mean's estimates; false: all are equal. */
static bool
prepare(rk_garch_work *f, const double *r, int64_t n, double *scale, double *mean)
{
	int64_t		skip = f->means > 1;
	double		m = rk_mean(r + skip, n - skip);
	double		squares = rk_sum_squares(r + skip, n - skip, m);
	double		largest = 0;
	double		weights = 0;
	double		weight = 1;

	for (int64_t t = 0; t < n; t++)
		largest = fmax(largest, fabs(r[t]));
	*scale = sqrt(squares / (n - skip));
	if (!(*scale > 1e-13 * largest) || !isfinite(*scale))
		return false;
	f->n = n - skip;
	mean[0] = f->means > 0 ? m / *scale : 0;
	if (skip)
	{
		double		before = rk_mean(r, n - 1);
		double		product = 0;

		for (int64_t t = 1; t < n; t++)
			product += (r[t] - m) * (r[t - 1] - before);
		mean[1] = product / rk_sum_squares(r, n - 1, before);
		mean[0] = (m - mean[1] * before) / *scale;
	}
	for (int64_t t = 0; t < n; t++)
		f->y[t - skip] = r[t] / *scale;
	rk_garch_shocks(f, mean);
	f->backcast = 0;
	for (int64_t t = 0; t < f->n && t < 75; t++, weight *= 0.94)
	{
		f->backcast += weight * f->shock[t] * f->shock[t];
		weights += weight;
	}
	f->backcast = fmax(f->backcast / weights, 1e-10);
	return true;
}

/* From scaled to the caller's units: returns and what is quadratic in them. */
static void
unscale(const rk_garch_work *f, double scale, const double *x, double *estimates)
{
	memcpy(estimates, x, sizeof(double) * f->count);
	if (f->means > 0)
		estimates[0] *= scale;
	if (!f->p->egarch)
		estimates[f->omega] *= scale * scale;
	else
	{
		estimates[f->omega] += 2 * log(scale);
		for (int j = 0; j < f->p->q; j++)
			estimates[f->omega] -= 2 * log(scale) * x[f->omega + 1 + f->p->p + f->p->o + j];
	}
}

/* In the caller's units, from the covariance of the scaled estimates. */
static void
standard_errors(const rk_garch_work *f, double scale, double *covariance, double *errors)
{
	int			k = f->count;

	if (f->p->egarch)
	{
		int			beta = f->omega + 1 + f->p->p + f->p->o;
		double		shift = -2 * log(scale);
		double	   *variance = covariance + f->omega * k + f->omega;

		/* omega in the caller's units is omega + shift (sum of betas - 1) */
		for (int i = 0; i < f->p->q; i++)
		{
			*variance += 2 * shift * covariance[f->omega * k + beta + i];
			for (int j = 0; j < f->p->q; j++)
				*variance += shift * shift * covariance[(beta + i) * k + beta + j];
		}
	}
	for (int i = 0; i < k; i++)
	{
		double		v = covariance[i * k + i];

		errors[i] = v > 0 && isfinite(v) ? sqrt(v) : NAN;
	}
	if (f->means > 0)
		errors[0] *= scale;
	if (!f->p->egarch)
		errors[f->omega] *= scale * scale;
}

static double
persistence_of(const rk_garch_work *f, const double *x)
{
	const rk_garch_params *p = f->p;
	double		total = 0;

	for (int i = 0; i < p->p && !p->egarch; i++)
		total += x[f->omega + 1 + i];
	for (int i = 0; i < p->o && !p->egarch; i++)
		total += 0.5 * x[f->omega + 1 + p->p + i];
	for (int j = 0; j < p->q; j++)
		total += x[f->omega + 1 + p->p + p->o + j];
	return total;
}

/* A series that is not fitted: the variance of the sample throughout. */
static void
plain(const rk_garch_work *f, const state *st, int64_t series, rk_fit_status status)
{
	const double *r = st->s->values + st->s->offsets[series];
	int64_t		n = st->s->offsets[series + 1] - st->s->offsets[series];
	rk_garch   *out = st->out;
	double		mean = n > 0 && f->means > 0 ? rk_mean(r, n) : 0;
	double		variance = n > 1 ? rk_sum_squares(r, n, mean) / (n - 1) : NAN;

	out->status[series] = status;
	if (status == RK_FIT_CONSTANT)
		variance = 0;
	for (int64_t t = 0; t < n; t++)
	{
		out->variance[st->s->offsets[series] + t] = variance;
		out->shock[st->s->offsets[series] + t] = r[t] - mean;
	}
	for (int64_t h = 0; h < st->p->horizon; h++)
	{
		out->forecast[series * st->p->horizon + h] = variance;
		out->forecast_mean[series * st->p->horizon + h] = mean;
	}
	out->long_run[series] = variance;
	out->observations[series] = n;
}

static void
one_series(rk_garch_work *f, const state *st, int64_t series)
{
	const rk_garch_params *p = st->p;
	rk_garch   *out = st->out;
	int64_t		base = st->s->offsets[series];
	int64_t		n = st->s->offsets[series + 1] - base;
	double	   *estimates = out->estimates + series * f->count;
	double	   *forecast = out->forecast + series * p->horizon;
	double	   *forecast_mean = out->forecast_mean + series * p->horizon;
	double		x[RK_GARCH_MAX_COUNT];
	double		mean[2];
	double		scale;
	double		value;
	double		previous;
	bool		converged;
	int64_t		skip = f->means > 1;

	if (n < RK_GARCH_LEAST)
	{
		plain(f, st, series, RK_FIT_TOO_SHORT);
		return;
	}
	if (!prepare(f, st->s->values + base, n, &scale, mean))
	{
		plain(f, st, series, RK_FIT_CONSTANT);
		return;
	}
	if (st->batch)
	{
		int64_t		at = st->place[series];

		value = st->batch->value[at];
		converged = st->batch->converged[at] != 0;
		memcpy(x, st->batch->estimates + at * f->count, sizeof(double) * f->count);
	}
	else
		value = maximise(f, mean, x, &converged);
	if (rk_chunk_should_stop(f->ctx, f->thread))
		return;
	if (!isfinite(value))
	{
		plain(f, st, series, RK_FIT_NOT_CONVERGED);
		return;
	}
	out->status[series] = converged ? RK_FIT_OK : RK_FIT_NOT_CONVERGED;
	unscale(f, scale, x, estimates);
	if (st->batch)
	{
		int			k = f->count;
		double	   *covariance = st->batch->covariance + st->place[series] * k * k;

		/* not a number: it could not be inverted */
		if (!isnan(covariance[0]))
			standard_errors(f, scale, covariance, out->std_errors + series * k);
	}
	else if (robust_covariance(f, x, f->minimizer, f->minimizer + f->count * f->count))
		standard_errors(f, scale, f->minimizer, out->std_errors + series * f->count);
	out->log_likelihood[series] = -value - f->n * log(scale);
	out->observations[series] = f->n;
	out->persistence[series] = persistence_of(f, x);
	if (out->persistence[series] < 1 - 1e-9)
	{
		double		level = estimates[f->omega] / (1 - out->persistence[series]);

		out->long_run[series] = p->egarch ? exp(level) : level;
	}
	rk_garch_variances(f, x);
	for (int64_t t = 0; t < f->n; t++)
	{
		out->variance[base + skip + t] = f->variance[t] * scale * scale;
		out->shock[base + skip + t] = f->shock[t] * scale;
	}
	rk_garch_forecast(f, x, (uint64_t) series, p->horizon, forecast);
	previous = st->s->values[base + n - 1];
	for (int64_t h = 0; h < p->horizon; h++)
	{
		forecast[h] *= scale * scale;
		forecast_mean[h] = (f->means > 0 ? estimates[0] : 0) + (f->means > 1 ? estimates[1] * previous : 0);
		previous = forecast_mean[h];
	}
}

static void
chunk_of_series(void *arg, int64_t begin, int64_t end, int64_t chunk, int thread)
{
	state	   *st = arg;

	(void) chunk;
	for (int64_t i = begin; i < end && !rk_chunk_should_stop(st->ctx, thread); i++)
		one_series(&st->fits[thread], st, i);
}

/* ---- all series ---- */

static rk_status
make_fits(rk_ctx *ctx, state *st, int64_t longest)
{
	int			k = rk_garch_count(st->p);
	int64_t		padded = longest + LAGS + 1;
	int64_t		matrices = rk_minimize_work(k, RK_GARCH_MAX_CONSTRAINTS);

	if (matrices < 4 * (int64_t) k * k)
		matrices = 4 * (int64_t) k * k;
	st->fits = rk_alloc0(ctx, ctx->threads, sizeof(rk_garch_work));
	if (st->fits == NULL)
		return RK_ERR_MEMORY;
	for (int i = 0; i < ctx->threads; i++)
	{
		rk_garch_work *f = &st->fits[i];
		double	   *arrays = rk_alloc0(ctx, 8 * padded, sizeof(double));

		f->slopes = rk_alloc(ctx, k * longest, sizeof(double));
		f->minimizer = rk_alloc(ctx, matrices, sizeof(double));
		f->paths = rk_alloc(ctx, st->p->egarch ? RK_GARCH_PATHS * LAGS * 3 : 0, sizeof(double));
		if (!arrays || !f->slopes || !f->minimizer || !f->paths)
			return RK_ERR_MEMORY;
		f->ctx = ctx;
		f->thread = i;
		f->p = st->p;
		f->layout = rk_garch_layout_of(st->p);
		f->count = k;
		f->means = st->p->mean;
		f->omega = f->means;
		f->shape = k - (int) st->p->distribution;
		f->y = arrays + LAGS;
		f->square = arrays + padded + LAGS;
		f->below = arrays + 2 * padded + LAGS;
		f->level = arrays + 3 * padded + LAGS;
		f->shock = arrays + 4 * padded;
		f->variance = arrays + 5 * padded;
		f->score = arrays + 6 * padded;
		f->adjoint = arrays + 7 * padded;
	}
	return RK_OK;
}

/* Where each series is in a batch. */
static rk_status
find_places(state *st)
{
	int64_t    *place = rk_alloc(st->ctx, st->s->count, sizeof(int64_t));

	if (place == NULL)
		return RK_ERR_MEMORY;
	for (int64_t i = 0; i < st->s->count; i++)
		place[i] = -1;
	for (int64_t i = 0; i < st->batch->count; i++)
		place[st->batch->series[i]] = i;
	st->place = place;
	return RK_OK;
}

rk_status
rk_temporal_garch_with(rk_ctx *ctx, const rk_series *s, const rk_garch_params *p, const rk_garch_batch *batch,
					   rk_garch *out)
{
	state		st = {.ctx = ctx,.s = s,.p = p,.batch = batch,.out = out};
	int64_t		total = s->offsets[s->count];
	int			k = rk_garch_count(p);

	*out = (rk_garch) {
		.count = k,
		.status = rk_alloc0(ctx, s->count, sizeof(int64_t)),
		.estimates = rk_nans(ctx, s->count * k),
		.std_errors = rk_nans(ctx, s->count * k),
		.log_likelihood = rk_nans(ctx, s->count),
		.observations = rk_alloc0(ctx, s->count, sizeof(int64_t)),
		.persistence = rk_nans(ctx, s->count),
		.long_run = rk_nans(ctx, s->count),
		.variance = rk_nans(ctx, total),
		.shock = rk_nans(ctx, total),
		.forecast = rk_nans(ctx, s->count * p->horizon),
		.forecast_mean = rk_nans(ctx, s->count * p->horizon)
	};
	if (!out->status || !out->estimates || !out->std_errors || !out->log_likelihood || !out->observations ||
		!out->persistence || !out->long_run || !out->variance || !out->shock || !out->forecast || !out->forecast_mean)
		return RK_ERR_MEMORY;
	if (make_fits(ctx, &st, rk_series_longest(s)) != RK_OK || (batch && find_places(&st) != RK_OK))
		return RK_ERR_MEMORY;
	return rk_parallel_for(ctx, s->count, 1, chunk_of_series, &st);
}

rk_status
rk_temporal_garch(rk_ctx *ctx, const rk_series *s, const rk_garch_params *p, rk_garch *out)
{
	return rk_temporal_garch_with(ctx, s, p, NULL, out);
}

/* ---- a batch for a device ---- */

rk_status
rk_temporal_garch_batch(rk_ctx *ctx, const rk_series *s, const rk_garch_params *p, rk_garch_batch *batch)
{
	state		st = {.ctx = ctx,.s = s,.p = p};
	int			k = rk_garch_count(p);
	int64_t		end = 0;

	*batch = (rk_garch_batch) {
		.series = rk_alloc(ctx, s->count, sizeof(int64_t)),
		.offsets = rk_alloc(ctx, s->count + 1, sizeof(int64_t)),
		.y = rk_alloc(ctx, s->offsets[s->count] + s->count, sizeof(double)),
		.start = rk_alloc(ctx, 3 * s->count, sizeof(double)),
		.estimates = rk_alloc(ctx, s->count * k, sizeof(double)),
		.value = rk_alloc(ctx, s->count, sizeof(double)),
		.covariance = rk_alloc(ctx, s->count * k * k, sizeof(double)),
		.converged = rk_alloc(ctx, s->count, sizeof(int32_t))
	};
	if (!batch->series || !batch->offsets || !batch->y || !batch->start || !batch->estimates || !batch->value ||
		!batch->covariance || !batch->converged || make_fits(ctx, &st, rk_series_longest(s)) != RK_OK)
		return RK_ERR_MEMORY;
	batch->offsets[0] = 0;
	for (int64_t i = 0; i < s->count; i++)
	{
		rk_garch_work *f = &st.fits[0];
		int64_t		n = s->offsets[i + 1] - s->offsets[i];
		double		mean[2] = {0, 0};
		double		scale;

		if (rk_ctx_poll(ctx))
			return RK_STOPPED;
		if (n < RK_GARCH_LEAST || !prepare(f, s->values + s->offsets[i], n, &scale, mean))
			continue;
		/* ar1 begins with the second value: the one before it is there */
		batch->y[end] = f->means > 1 ? f->y[-1] : 0;
		memcpy(batch->y + end + 1, f->y, sizeof(double) * f->n);
		end += f->n + 1;
		batch->start[3 * batch->count] = f->backcast;
		batch->start[3 * batch->count + 1] = mean[0];
		batch->start[3 * batch->count + 2] = mean[1];
		batch->series[batch->count++] = i;
		batch->offsets[batch->count] = end;
	}
	return RK_OK;
}

/* Fits series [begin, end) of the batch. */
static void
chunk_of_batch(void *arg, int64_t begin, int64_t end, int64_t chunk, int thread)
{
	state	   *st = arg;
	const rk_garch_batch *b = st->batch;
	rk_garch_work *f = &st->fits[thread];
	int			k = f->count;

	(void) chunk;
	for (int64_t i = begin; i < end && !rk_chunk_should_stop(st->ctx, thread); i++)
	{
		double	   *x = b->estimates + i * k;
		double	   *covariance = b->covariance + i * k * k;
		bool		converged;

		f->n = b->offsets[i + 1] - b->offsets[i] - 1;
		memcpy(f->y - 1, b->y + b->offsets[i], sizeof(double) * (f->n + 1));
		f->backcast = b->start[3 * i];
		for (int j = 0; j < k * k; j++)
			covariance[j] = NAN;
		for (int j = 0; j < k; j++)
			x[j] = 0;
		b->value[i] = maximise(f, b->start + 3 * i + 1, x, &converged);
		b->converged[i] = converged;
		if (isfinite(b->value[i]) && robust_covariance(f, x, f->minimizer, f->minimizer + k * k))
			memcpy(covariance, f->minimizer, sizeof(double) * k * k);
	}
}

rk_status
rk_temporal_garch_fit_batch(rk_ctx *ctx, const rk_garch_params *p, const rk_garch_batch *batch)
{
	state		st = {.ctx = ctx,.p = p,.batch = batch};
	int64_t		longest = 0;

	for (int64_t i = 0; i < batch->count; i++)
		if (batch->offsets[i + 1] - batch->offsets[i] > longest)
			longest = batch->offsets[i + 1] - batch->offsets[i];
	if (make_fits(ctx, &st, longest) != RK_OK)
		return RK_ERR_MEMORY;
	return rk_parallel_for(ctx, batch->count, 1, chunk_of_batch, &st);
}
