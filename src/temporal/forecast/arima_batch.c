/*
 * arima_batch.c
 *	  ARIMA models of many series for a device: what it takes, what it gives, and
 *	  the same by the CPU.
 */
#include "arima_fit.h"

#include <math.h>
#include <string.h>

#define SAME 1e-7				/* likelihoods that differ by no more are the same */

typedef struct state
{
	rk_ctx	   *ctx;
	const rk_series *s;
	const rk_arima_regressors *x;
	const rk_arima_params *p;
	const rk_arima_batch *batch;
	rk_arima_fit *fits;			/* [threads] */
	int64_t    *length;			/* of each series' columns */
} state;

static int
all_of(const rk_arima_batch *b)
{
	return b->coefficients + b->columns - 1;
}

/* ---- into a batch ---- */

/* Columns and starts of series [begin, end); columns lie where all of them have room. */
static void
chunk_of_series(void *arg, int64_t begin, int64_t end, int64_t chunk, int thread)
{
	state	   *st = arg;
	const rk_arima_batch *b = st->batch;
	rk_arima_fit *f = &st->fits[thread];

	(void) chunk;
	for (int64_t i = begin; i < end && !rk_chunk_should_stop(st->ctx, thread); i++)
	{
		rk_arima_place at = rk_arima_take_series(f, st->s, st->x, i);
		double	   *start = b->start + i * b->starts * b->coefficients;
		rk_arima_model m;

		memset(start, 0, sizeof(double) * b->starts * b->coefficients);
		st->length[i] = 0;
		if (at.equal || f->missing || !rk_arima_begin(f, &st->p->orders, &m))
			continue;
		rk_arima_starts(f, start);
		st->length[i] = f->length;
		for (int c = 0; c < f->columns; c++)
			memcpy(b->y + b->columns * st->s->offsets[i] + c * f->length, f->work_column[c], sizeof(double) * f->length);
	}
}

rk_status
rk_temporal_arima_batch(rk_ctx *ctx, const rk_series *s, const rk_arima_regressors *x, const rk_arima_params *p,
						rk_arima_batch *batch)
{
	state		st = {.ctx = ctx,.s = s,.x = x,.p = p,.batch = batch};
	int			k = rk_arima_coefficients(&p->orders);
	int			columns = 1 + p->orders.constant + x->count;
	int64_t		all = k + columns - 1;
	int64_t		end = 0;
	rk_status	status;

	*batch = (rk_arima_batch) {
		.count = s->count,
		.coefficients = k,
		.columns = columns,
		.starts = RK_ARIMA_STARTS,
		.offsets = rk_alloc(ctx, s->count + 1, sizeof(int64_t)),
		.y = rk_alloc(ctx, columns * s->offsets[s->count], sizeof(double)),
		.start = rk_alloc(ctx, s->count * RK_ARIMA_STARTS * k, sizeof(double)),
		.estimates = rk_alloc(ctx, s->count * k, sizeof(double)),
		.value = rk_alloc(ctx, s->count, sizeof(double)),
		.hessian = rk_alloc(ctx, s->count * all * all, sizeof(double)),
		.converged = rk_alloc(ctx, s->count, sizeof(int32_t))
	};
	st.fits = rk_alloc0(ctx, ctx->threads, sizeof(rk_arima_fit));
	st.length = rk_alloc(ctx, s->count, sizeof(int64_t));
	if (!batch->offsets || !batch->y || !batch->start || !batch->estimates || !batch->value || !batch->hessian ||
		!batch->converged || !st.fits || !st.length)
		return RK_ERR_MEMORY;
	for (int i = 0; i < ctx->threads; i++)
		if (rk_arima_make_fit(ctx, i, p, x->count, rk_series_longest(s), p->orders.period, &st.fits[i]) != RK_OK)
			return RK_ERR_MEMORY;
	status = rk_parallel_for(ctx, s->count, 1, chunk_of_series, &st);
	if (status != RK_OK)
		return status;
	/* together without the room that was left */
	batch->offsets[0] = 0;
	for (int64_t i = 0; i < s->count; i++)
	{
		int64_t		numbers = columns * st.length[i];

		if (rk_ctx_poll(ctx))
			return RK_STOPPED;
		memmove(batch->y + end, batch->y + columns * s->offsets[i], sizeof(double) * numbers);
		end += numbers;
		batch->there += numbers > 0;
		batch->offsets[i + 1] = end;
	}
	return RK_OK;
}

/* ---- the same by the CPU ---- */

/* Fits series [begin, end) of the batch. */
static void
chunk_of_batch(void *arg, int64_t begin, int64_t end, int64_t chunk, int thread)
{
	state	   *st = arg;
	const rk_arima_batch *b = st->batch;
	rk_arima_fit *f = &st->fits[thread];
	int			k = b->coefficients;
	int			all = all_of(b);

	(void) chunk;
	for (int64_t i = begin; i < end && !rk_chunk_should_stop(st->ctx, thread); i++)
	{
		double	   *hessian = b->hessian + i * all * all;
		rk_arima_model m = {.value = INFINITY};

		f->o = st->p->orders;
		f->columns = b->columns;
		f->length = (b->offsets[i + 1] - b->offsets[i]) / b->columns;
		for (int c = 0; c < f->columns; c++)
			f->work_column[c] = b->y + b->offsets[i] + c * f->length;
		for (int j = 0; j < all * all; j++)
			hessian[j] = NAN;
		if (f->length > 0)
			rk_arima_search(f, b->start + i * b->starts * k, b->starts, &m);
		memcpy(b->estimates + i * k, m.coefficients, sizeof(double) * k);
		b->value[i] = m.value;
		b->converged[i] = m.converged;
		if (!isfinite(m.value))
			continue;
		rk_arima_evaluate(f, m.coefficients);
		memcpy(f->first_fit, f->beta, sizeof(double) * (f->columns - 1));
		rk_arima_hessian(f, m.coefficients, f->first_fit, f->scratch, hessian);
	}
}

rk_status
rk_temporal_arima_fit_batch(rk_ctx *ctx, const rk_arima_params *p, const rk_arima_batch *batch)
{
	state		st = {.ctx = ctx,.p = p,.batch = batch};
	int64_t		longest = 2 * batch->columns;

	for (int64_t i = 0; i < batch->count; i++)
		if (batch->offsets[i + 1] - batch->offsets[i] > longest * batch->columns)
			longest = (batch->offsets[i + 1] - batch->offsets[i]) / batch->columns;
	st.fits = rk_alloc0(ctx, ctx->threads, sizeof(rk_arima_fit));
	if (!st.fits)
		return RK_ERR_MEMORY;
	for (int i = 0; i < ctx->threads; i++)
		if (rk_arima_make_fit(ctx, i, p, batch->columns - 1, longest, p->orders.period, &st.fits[i]) != RK_OK)
			return RK_ERR_MEMORY;
	return rk_parallel_for(ctx, batch->count, 1, chunk_of_batch, &st);
}

/* ---- out of a batch ---- */

bool
rk_arima_in_batch(const rk_arima_batch *b, int64_t series)
{
	return b->offsets[series + 1] > b->offsets[series];
}

bool
rk_arima_from_batch(rk_arima_fit *f, const rk_arima_batch *b, int64_t series, rk_arima_model *m,
					const double **hessian)
{
	int64_t		all = all_of(b);
	double		value = b->value[series];

	if (!isfinite(value) || !(fabs(rk_arima_evaluate(f, b->estimates + series * b->coefficients) - value) <=
							  SAME * (1 + fabs(value))))
		return false;
	memcpy(m->coefficients, b->estimates + series * b->coefficients, sizeof(double) * b->coefficients);
	m->value = value;
	m->converged = b->converged[series] != 0;
	*hessian = b->hessian + series * all * all;
	return true;
}
