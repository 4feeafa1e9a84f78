/*
 * volatility.c
 *	  Volatility of returns and of price bars: aggregates, and along series.
 */
#include "volatility.h"

#include <math.h>
#include <string.h>

#include "series.h"

#define HEAD sizeof(int64_t)

enum
{
	OPEN, HIGH, LOW, CLOSE
};

static int64_t
count_of(const rk_buffer *state)
{
	return (state->length - HEAD) / sizeof(double);
}

static double *
values_of(const rk_buffer *state)
{
	return (double *) (state->data + HEAD);
}

static rk_status
append(rk_ctx *ctx, rk_buffer *state, double value)
{
	double	   *at = rk_buffer_extend(ctx, state, sizeof(double));

	if (at == NULL)
		return RK_ERR_MEMORY;
	*at = value;
	return RK_OK;
}

static rk_status
combine(rk_ctx *ctx, rk_buffer *state, const rk_buffer *other)
{
	size_t		bytes = other->length - HEAD;
	void	   *at = rk_buffer_extend(ctx, state, bytes);

	if (at == NULL)
		return RK_ERR_MEMORY;
	if (bytes > 0)
		memcpy(at, other->data + HEAD, bytes);
	return RK_OK;
}

static bool
valid(const rk_buffer *state)
{
	return (state->length - HEAD) % sizeof(double) == 0;
}

/* The oldest row is the first. */
static rk_status
window_remove(rk_ctx *ctx, rk_buffer *state, const rk_value *args)
{
	(void) ctx;
	(void) args;
	state->length -= sizeof(double);
	memmove(state->data + HEAD, state->data + HEAD + sizeof(double), state->length - HEAD);
	return RK_OK;
}

/* The root of the mean; in rising order, whatever the order of the rows. */
static rk_status
finish(rk_ctx *ctx, rk_buffer *state, const rk_value *args, rk_value *results)
{
	int64_t		n = count_of(state);
	double	   *sorted;
	double		sum = 0;

	(void) args;
	results[0].null = n == 0;
	if (n == 0)
		return RK_OK;
	sorted = rk_alloc(ctx, n, sizeof(double));
	if (sorted == NULL)
		return RK_ERR_MEMORY;
	memcpy(sorted, values_of(state), sizeof(double) * n);
	rk_sort_doubles(sorted, n);
	for (int64_t i = 0; i < n; i++)
		sum += sorted[i];
	rk_free(ctx, sorted);
	results[0].number = sqrt(fmax(sum / n, 0));
	return RK_OK;
}

/* ---- variances of a row ---- */

bool
rk_is_bar(double open, double high, double low, double close)
{
	/* fmin and fmax pass over NaN */
	return low > 0 && high >= low && !(low > fmin(open, close)) && !(high < fmax(open, close));
}

static rk_status
check_bar(rk_ctx *ctx, double open, double high, double low, double close)
{
	if (rk_is_bar(open, high, low, close))
		return RK_OK;
	rk_fail(ctx, RK_ERR_DATA, "open %.10g, high %.10g, low %.10g and close %.10g are not the prices of a bar", open, high, low,
			close);
	rk_fail_hint(ctx, "Prices are positive, low is the lowest of them and high the highest.");
	return RK_ERR_DATA;
}

static rk_status
add_realized(rk_ctx *ctx, rk_buffer *state, const rk_value *args)
{
	return append(ctx, state, args[0].number * args[0].number);
}

static double
parkinson(double high, double low)
{
	double		range = log(high / low);

	return range * range / (4 * M_LN2);
}

static rk_status
add_parkinson(rk_ctx *ctx, rk_buffer *state, const rk_value *args)
{
	double		high = args[0].number;
	double		low = args[1].number;

	if (!rk_is_bar(NAN, high, low, NAN))
	{
		rk_fail(ctx, RK_ERR_DATA, "high %.10g and low %.10g are not the prices of a bar", high, low);
		rk_fail_hint(ctx, "Prices are positive, and high is not below low.");
		return RK_ERR_DATA;
	}
	return append(ctx, state, parkinson(high, low));
}

static double
garman_klass(double open, double high, double low, double close)
{
	double		range = log(high / low);
	double		body = log(close / open);

	return 0.5 * range * range - (2 * M_LN2 - 1) * body * body;
}

static rk_status
add_garman_klass(rk_ctx *ctx, rk_buffer *state, const rk_value *args)
{
	rk_status	status = check_bar(ctx, args[OPEN].number, args[HIGH].number, args[LOW].number, args[CLOSE].number);

	return status != RK_OK ? status :
		append(ctx, state, garman_klass(args[OPEN].number, args[HIGH].number, args[LOW].number, args[CLOSE].number));
}

static double
rogers_satchell(double open, double high, double low, double close)
{
	return log(high / open) * log(high / close) + log(low / open) * log(low / close);
}

static rk_status
add_rogers_satchell(rk_ctx *ctx, rk_buffer *state, const rk_value *args)
{
	rk_status	status = check_bar(ctx, args[OPEN].number, args[HIGH].number, args[LOW].number, args[CLOSE].number);

	return status != RK_OK ? status :
		append(ctx, state, rogers_satchell(args[OPEN].number, args[HIGH].number, args[LOW].number, args[CLOSE].number));
}

/* ---- Yang-Zhang: prices in their order ---- */

static rk_status
add_bar(rk_ctx *ctx, rk_buffer *state, const rk_value *args)
{
	rk_status	status = check_bar(ctx, args[OPEN].number, args[HIGH].number, args[LOW].number, args[CLOSE].number);

	for (int i = OPEN; i <= CLOSE && status == RK_OK; i++)
		status = append(ctx, state, args[i].number);
	return status;
}

/* From sums of squares about the mean, and the mean of Rogers-Satchell. */
static double
yang_zhang(int64_t m, double overnight, double within, double ranges)
{
	double		k = 0.34 / (1.34 + (double) (m + 1) / (m - 1));

	return overnight / (m - 1) + k * within / (m - 1) + (1 - k) * ranges;
}

static rk_status
finish_yang_zhang(rk_ctx *ctx, rk_buffer *state, const rk_value *args, rk_value *results)
{
	const double *bars = values_of(state);
	int64_t		m = count_of(state) / 4 - 1;
	double		overnight = 0;
	double		within = 0;
	double		ranges = 0;
	double		overnight_squares = 0;
	double		within_squares = 0;

	(void) ctx;
	(void) args;
	results[0].null = m < 2;
	if (m < 2)
		return RK_OK;
	for (int pass = 0; pass < 2; pass++)
	{
		for (int64_t i = 1; i <= m; i++)
		{
			const double *bar = bars + 4 * i;
			double		o = log(bar[OPEN] / bar[CLOSE - 4]);
			double		c = log(bar[CLOSE] / bar[OPEN]);

			if (pass == 0)
			{
				overnight += o / m;
				within += c / m;
				ranges += rogers_satchell(bar[OPEN], bar[HIGH], bar[LOW], bar[CLOSE]) / m;
				continue;
			}
			overnight_squares += (o - overnight) * (o - overnight);
			within_squares += (c - within) * (c - within);
		}
	}
	results[0].number = sqrt(yang_zhang(m, overnight_squares, within_squares, ranges));
	return RK_OK;
}

/* ---- exponentially weighted ---- */

static rk_status
add_return(rk_ctx *ctx, rk_buffer *state, const rk_value *args)
{
	return append(ctx, state, args[0].number);
}

static rk_status
finish_ewma(rk_ctx *ctx, rk_buffer *state, const rk_value *args, rk_value *results)
{
	const double *r = values_of(state);
	int64_t		n = count_of(state);
	double		lambda = args[1].number;
	double		variance;

	(void) ctx;
	results[0].null = n < 2;
	if (n < 2)
		return RK_OK;
	variance = rk_sum_squares(r, n, rk_mean(r, n)) / (n - 1);
	for (int64_t i = 0; i < n; i++)
		variance = lambda * variance + (1 - lambda) * r[i] * r[i];
	results[0].number = sqrt(variance);
	return RK_OK;
}

#define MOVING(add) {.head = HEAD,.accumulate = (add),.combine = combine,.finish = finish,.valid = valid,.window_remove = window_remove}
#define ORDERED(add, last) {.head = HEAD,.accumulate = (add),.combine = combine,.finish = (last),.valid = valid}

const rk_aggregate rk_temporal_realized_volatility = MOVING(add_realized);
const rk_aggregate rk_temporal_parkinson_volatility = MOVING(add_parkinson);
const rk_aggregate rk_temporal_garman_klass_volatility = MOVING(add_garman_klass);
const rk_aggregate rk_temporal_rogers_satchell_volatility = MOVING(add_rogers_satchell);
const rk_aggregate rk_temporal_yang_zhang_volatility = ORDERED(add_bar, finish_yang_zhang);
const rk_aggregate rk_temporal_ewma_volatility = ORDERED(add_return, finish_ewma);

/* ---- along series ---- */

typedef struct state
{
	rk_ctx	   *ctx;
	const rk_series *s;
	const rk_bars *bars;
	const rk_volatility_params *p;
	double	   *variance;
	double	   *forecast;
} state;

static void
ewma(const double *r, int64_t n, double lambda, double *variance, double *forecast)
{
	double		v;

	for (int64_t t = 0; n < 2 && t < n; t++)
		variance[t] = NAN;
	if (n < 2)
		return;
	v = rk_sum_squares(r, n, rk_mean(r, n)) / (n - 1);
	for (int64_t t = 0; t < n; t++)
	{
		variance[t] = v;
		v = lambda * v + (1 - lambda) * r[t] * r[t];
	}
	*forecast = v;
}

/* What the row adds to the sums: of Yang-Zhang five numbers, else one. */
static void
terms(const state *st, int64_t i, bool first, long double *out)
{
	const rk_bars *b = st->bars;
	double		overnight;
	double		within;

	switch (st->p->model)
	{
		case RK_VOLATILITY_PARKINSON:
			out[0] = parkinson(b->high[i], b->low[i]);
			break;
		case RK_VOLATILITY_GARMAN_KLASS:
			out[0] = garman_klass(b->open[i], b->high[i], b->low[i], b->close[i]);
			break;
		case RK_VOLATILITY_ROGERS_SATCHELL:
			out[0] = rogers_satchell(b->open[i], b->high[i], b->low[i], b->close[i]);
			break;
		case RK_VOLATILITY_YANG_ZHANG:
			overnight = first ? 0 : log(b->open[i] / b->close[i - 1]);
			within = log(b->close[i] / b->open[i]);
			out[0] = rogers_satchell(b->open[i], b->high[i], b->low[i], b->close[i]);
			out[1] = overnight;
			out[2] = (long double) overnight * overnight;
			out[3] = within;
			out[4] = (long double) within * within;
			break;
		default:
			out[0] = st->s->values[i] * st->s->values[i];
	}
}

/* Means over windows; the sums are taken anew once a window, against drift. */
static void
windows(const state *st, int64_t base, int64_t n, int thread)
{
	bool		yz = st->p->model == RK_VOLATILITY_YANG_ZHANG;
	int			count = yz ? 5 : 1;
	int64_t		window = st->p->window;
	long double sums[5] = {0};

	for (int64_t t = 0; t < n; t++)
	{
		int64_t		from = t - window + 1 > 0 ? t - window + 1 : 0;
		long double term[5];

		if ((t & 0xfff) == 0 && rk_chunk_should_stop(st->ctx, thread))
			return;
		/* the first bar of a window has no night before it */
		from += yz;
		if (t % window == 0)
		{
			memset(sums, 0, sizeof(sums));
			for (int64_t i = from; i <= t; i++)
			{
				terms(st, base + i, i == 0, term);
				for (int k = 0; k < count; k++)
					sums[k] += term[k];
			}
		}
		else
		{
			if (t >= from)
			{
				terms(st, base + t, t == 0, term);
				for (int k = 0; k < count; k++)
					sums[k] += term[k];
			}
			if (t >= window)
			{
				terms(st, base + from - 1, from == 1, term);
				for (int k = 0; k < count; k++)
					sums[k] -= term[k];
			}
		}
		int64_t		m = t - from + 1;

		if (!yz)
			st->variance[base + t] = fmax((double) (sums[0] / m), 0);
		else
			st->variance[base + t] = m < 2 ? NAN :
				fmax(yang_zhang(m, (double) (sums[2] - sums[1] * sums[1] / m), (double) (sums[4] - sums[3] * sums[3] / m),
								(double) (sums[0] / m)), 0);
	}
}

static void
chunk_of_series(void *arg, int64_t begin, int64_t end, int64_t chunk, int thread)
{
	const state *st = arg;

	(void) chunk;
	for (int64_t i = begin; i < end; i++)
	{
		int64_t		base = st->s->offsets[i];
		int64_t		n = st->s->offsets[i + 1] - base;

		st->forecast[i] = NAN;
		if (st->p->model == RK_VOLATILITY_EWMA)
			ewma(st->s->values + base, n, st->p->lambda, st->variance + base, &st->forecast[i]);
		else
		{
			windows(st, base, n, thread);
			if (n > 0)
				st->forecast[i] = st->variance[base + n - 1];
		}
	}
}

rk_status
rk_temporal_volatility(rk_ctx *ctx, const rk_series *s, const rk_bars *bars, const rk_volatility_params *p,
					   double *variance, double *forecast)
{
	state		st = {ctx, s, bars, p, variance, forecast};

	return rk_parallel_for(ctx, s->count, 1, chunk_of_series, &st);
}
