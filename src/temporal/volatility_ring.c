/*
 * volatility_ring.c
 *	  temporal/volatility-analysis as an actor: the volatility of many series
 *	  after every return.
 *
 * A series begins with exponential weights, and has after each return the bits
 * of sqrt(lambda^n s2 + (1 - lambda) sum lambda^(n-i) r_i^2), s2 being the
 * sample variance of all its returns so far: what the batch function forecasts
 * from them (RiskMetrics 1996).  Coefficients, given or fitted, make it a
 * GARCH(p, q) process of mean 0 (Bollerslev 1986) from then on, that begins
 * with the returns that are kept and with a backcast before them.
 */
#include "temporal_ring.h"

#include <math.h>
#include <string.h>

#include "../compute/random.h"

/* The returns and weights that the variance before a sample comes from. */
#define BACKCAST_RETURNS 75
#define BACKCAST_WEIGHT 0.94

#define FIRST_ROOM 16

/* Lags are newest first. */
typedef struct garch
{
	double		omega;
	double		alpha[RK_GARCH_LAGS];
	double		beta[RK_GARCH_LAGS];
	double		squares[RK_GARCH_LAGS];	/* of returns */
	double		variances[RK_GARCH_LAGS];
	double		next;			/* variance of the return to come */
	int32_t		p;
	int32_t		q;
} garch;

typedef struct series
{
	int64_t		count;
	int64_t		ts;				/* of the last return */
	/* exponential weights */
	double		mean;			/* of all returns */
	double		deviations;		/* sum of squares about it */
	double		start;			/* weight of their sample variance */
	double		weighted;		/* what the returns add to that */
	garch	   *model;			/* NULL: none */
	double	   *returns;		/* the last ones: a circle from head on once it is full */
	int32_t		kept;
	int32_t		room;
	int32_t		head;
} series;

typedef struct volatilities
{
	rk_names	names;
	series	   *list;			/* by number of the name */
	uint32_t	room;
	double		lambda;
	int32_t		window;
	int64_t		least;			/* returns before a jump is one */
	rk_garch_params fit;
} volatilities;

static rk_status
volatility_init(rk_ctx *ctx, const rk_options *options, void **state)
{
	volatilities *s = rk_alloc0(ctx, 1, sizeof(*s));

	if (s == NULL)
		return RK_ERR_MEMORY;
	s->lambda = rk_option_find(options, "lambda")->number;
	s->window = (int32_t) rk_option_find(options, "fit_window")->integer;
	s->least = rk_option_find(options, "min_observations")->integer;
	s->fit = (rk_garch_params) {
		.p = (int) rk_option_find(options, "p")->integer,
		.q = (int) rk_option_find(options, "q")->integer,
		.mean = RK_MEAN_ZERO,.distribution = RK_GARCH_NORMAL,.horizon = 1
	};
	*state = s;
	return RK_OK;
}

/* ---- series ---- */

/* Room for one series more. */
static rk_status
reserve(rk_ctx *ctx, volatilities *s)
{
	rk_status	status = rk_names_reserve(ctx, &s->names);

	return status == RK_OK ? rk_names_reserve_list(ctx, &s->names, (void **) &s->list, &s->room, sizeof(*s->list)) : status;
}

/* Room for one return more; before the circle closes they lie from 0 on. */
static rk_status
return_room(rk_ctx *ctx, series *v, int32_t window)
{
	int32_t		room = v->room > window / 2 ? window : v->room == 0 ? FIRST_ROOM : 2 * v->room;
	double	   *grown;

	if (v->kept < v->room || v->room == window)
		return RK_OK;
	room = room > window ? window : room;
	grown = v->returns ? rk_realloc(ctx, v->returns, room, sizeof(double)) : rk_alloc(ctx, room, sizeof(double));
	if (grown == NULL)
		return RK_ERR_MEMORY;
	v->returns = grown;
	v->room = room;
	return RK_OK;
}

/* Return number i of those kept, 0 being the oldest. */
static double
return_at(const series *v, int32_t i)
{
	int32_t		at = v->head + i;

	return v->returns[at < v->kept ? at : at - v->kept];
}

static void
keep_return(series *v, double r)
{
	if (v->kept < v->room)
	{
		v->returns[v->kept++] = r;
		return;
	}
	v->returns[v->head] = r;
	v->head = v->head + 1 < v->kept ? v->head + 1 : 0;
}

/* ---- models ---- */

static double
weighted_variance(const series *v)
{
	return v->count < 2 ? NAN : v->start * (v->deviations / (v->count - 1)) + v->weighted;
}

/* Of the return to come; NaN: below two returns. */
static double
variance_of(const series *v)
{
	return v->model ? v->model->next : weighted_variance(v);
}

static double
persistence_of(const garch *g)
{
	double		sum = 0;

	for (int i = 0; i < g->p; i++)
		sum += g->alpha[i];
	for (int j = 0; j < g->q; j++)
		sum += g->beta[j];
	return sum;
}

/* Takes a squared return, or what is expected of one. */
static void
step(garch *g, double square)
{
	double		next = g->omega;

	memmove(g->squares + 1, g->squares, sizeof(double) * (RK_GARCH_LAGS - 1));
	memmove(g->variances + 1, g->variances, sizeof(double) * (RK_GARCH_LAGS - 1));
	g->squares[0] = square;
	g->variances[0] = g->next;
	for (int i = 0; i < g->p; i++)
		next += g->alpha[i] * g->squares[i];
	for (int j = 0; j < g->q; j++)
		next += g->beta[j] * g->variances[j];
	g->next = next;
}

/* The variance before the returns that are kept; without any, the one of the long run. */
static double
backcast(const garch *g, const series *v)
{
	double		sum = 0;
	double		weights = 0;
	double		weight = 1;

	if (v->kept == 0)
		return g->omega / (1 - persistence_of(g));
	for (int32_t i = 0; i < v->kept && i < BACKCAST_RETURNS; i++, weight *= BACKCAST_WEIGHT)
	{
		sum += weight * return_at(v, i) * return_at(v, i);
		weights += weight;
	}
	return sum / weights;
}

/* The model after the returns that are kept. */
static void
filter(garch *g, const series *v)
{
	double		before = backcast(g, v);

	for (int i = 0; i < RK_GARCH_LAGS; i++)
		g->squares[i] = g->variances[i] = before;
	g->next = g->omega + persistence_of(g) * before;
	for (int32_t i = 0; i < v->kept; i++)
		step(g, return_at(v, i) * return_at(v, i));
}

/* ---- returns ---- */

/* Takes a return; there is room for it. */
static void
take(series *v, double r, double lambda)
{
	double		d = r - v->mean;

	v->count++;
	v->mean += d / v->count;
	v->deviations += d * (r - v->mean);
	v->start = v->count == 1 ? lambda : v->start * lambda;
	/* what is left of it adds nothing, but would make each step slow */
	if (v->start < 1e-290)
		v->start = 0;
	v->weighted = lambda * v->weighted + (1 - lambda) * r * r;
	if (v->model)
		step(v->model, r * r);
	keep_return(v, r);
}

static int16_t
severity_of(double ratio)
{
	return ratio >= 3 ? 3 : ratio >= 2 ? 2 : ratio >= 1.5 ? 1 : 0;
}

/* Finds the series, or makes it, and takes a return. */
static rk_status
observe(rk_ctx *ctx, volatilities *s, const rk_id *series_id, double value, double lambda, int64_t ts, rk_reply *reply,
		series **result)
{
	rk_name		name;
	uint32_t	i;
	series		fresh = {0};
	series	   *v;
	double		before;
	double		after;
	rk_status	status;

	if ((status = rk_name_of_id(ctx, "series_id", series_id, &name)) != RK_OK || (status = rk_series_check(ctx, value)) != RK_OK)
		return status;
	if (!(lambda > 0 && lambda < 1))
		return rk_fail(ctx, RK_ERR_PARAMETER, "field \"lambda\" must be above 0 and below 1");
	i = rk_names_find(&s->names, name.text);
	v = i == RK_NO_NAME ? &fresh : &s->list[i];
	if ((i == RK_NO_NAME && (status = reserve(ctx, s)) != RK_OK) || (status = return_room(ctx, v, s->window)) != RK_OK)
		return status;
	if (i == RK_NO_NAME)
	{
		i = rk_names_add(&s->names, name.text);
		s->list[i] = fresh;
		v = &s->list[i];
	}
	before = sqrt(variance_of(v));
	take(v, value, lambda);
	after = sqrt(variance_of(v));
	v->ts = ts;
	if (v->count > s->least && severity_of(after / before) > 0 && reply->publish)
	{
		rk_volatility_spike spike = {
			.series_id = *series_id,.volatility = after,.previous = before,.ratio = after / before,.ts = ts,
			.severity = severity_of(after / before)
		};

		rk_publish(reply, 1104, &spike, sizeof(spike));
	}
	*result = v;
	return RK_OK;
}

static rk_status
update(rk_ctx *ctx, volatilities *s, const rk_message *message, rk_reply *reply)
{
	const rk_series_value *q = message->payload;
	rk_volatility_reply *r = rk_reply_reserve(ctx, reply, sizeof(*r));
	int64_t		ts = q->ts == RK_FIELD_ABSENT_INT8 ? message->sent_ns : q->ts;
	series	   *v;
	rk_status	status;

	if (r == NULL)
		return ctx->error.status;
	status = observe(ctx, s, &q->series_id, q->value, s->lambda, ts, reply, &v);
	if (status != RK_OK)
		return status;
	r->variance = variance_of(v);
	r->volatility = sqrt(r->variance);
	r->count = v->count;
	return RK_OK;
}

static rk_status
update_weighted(rk_ctx *ctx, volatilities *s, const rk_message *message, rk_reply *reply)
{
	const rk_ewma_request *q = message->payload;
	rk_ewma_reply *r = rk_reply_reserve(ctx, reply, sizeof(*r));
	int64_t		ts = q->ts == RK_FIELD_ABSENT_INT8 ? message->sent_ns : q->ts;
	series	   *v;
	rk_status	status;

	if (r == NULL)
		return ctx->error.status;
	status = observe(ctx, s, &q->series_id, q->value, q->lambda, ts, reply, &v);
	if (status != RK_OK)
		return status;
	r->variance = weighted_variance(v);
	r->volatility = sqrt(r->variance);
	return RK_OK;
}

/* ---- questions ---- */

static rk_status
query(rk_ctx *ctx, const volatilities *s, const rk_volatility_query *q, rk_reply *reply)
{
	rk_volatility_answer *r;
	rk_volatility_step *steps;
	rk_name		name;
	uint32_t	i;
	const series *v;
	garch		g;
	double		variance;
	rk_status	status = rk_name_of_id(ctx, "series_id", &q->series_id, &name);

	if (status != RK_OK)
		return status;
	if (q->horizon < 1 || q->horizon > 1000)
		return rk_fail(ctx, RK_ERR_PARAMETER, "field \"horizon\" must be from 1 to 1000");
	r = rk_reply_reserve(ctx, reply, sizeof(*r));
	if (r == NULL)
		return ctx->error.status;
	i = rk_names_find(&s->names, name.text);
	v = i == RK_NO_NAME ? NULL : &s->list[i];
	variance = v ? variance_of(v) : NAN;
	r->volatility = sqrt(variance);
	r->persistence = v == NULL ? NAN : v->model ? persistence_of(v->model) : 1;
	if (isnan(variance))
		return RK_OK;
	steps = rk_reply_reserve(ctx, reply, (uint32_t) (sizeof(*steps) * q->horizon));
	if (steps == NULL)
		return ctx->error.status;
	if (v->model)
		g = *v->model;
	for (int32_t k = 0; k < q->horizon; k++)
	{
		steps[k].step = k + 1;
		steps[k].forecast = v->model ? sqrt(g.next) : sqrt(variance);
		if (v->model)
			step(&g, g.next);
	}
	return RK_OK;
}

/* ---- coefficients ---- */

static int32_t
length_of(const double *lags)
{
	int32_t		n = 0;

	while (n < RK_GARCH_LAGS && !isnan(lags[n]))
		n++;
	return n;
}

static rk_status
check_lags(rk_ctx *ctx, const char *field, const double *lags, int32_t count)
{
	for (int32_t i = 0; i < count; i++)
		if (!(lags[i] >= 0 && lags[i] < 1))
			return rk_fail(ctx, RK_ERR_PARAMETER, "elements of field \"%s\" must be at least 0 and below 1, not %.10g", field,
						   lags[i]);
	return RK_OK;
}

static rk_status
check_coefficients(rk_ctx *ctx, const garch *g)
{
	double		persistence = persistence_of(g);
	rk_status	status;

	if (!(g->omega > 0 && g->omega <= RK_RING_VALUE_MAX))
		return rk_fail(ctx, RK_ERR_PARAMETER, "field \"omega\" must be above 0 and at most %g", RK_RING_VALUE_MAX);
	if (g->p == 0)
		return rk_fail(ctx, RK_ERR_PARAMETER, "field \"alpha\" must have an element");
	if ((status = check_lags(ctx, "alpha", g->alpha, g->p)) != RK_OK ||
		(status = check_lags(ctx, "beta", g->beta, g->q)) != RK_OK)
		return status;
	if (persistence >= 1)
	{
		rk_fail(ctx, RK_ERR_DATA, "alpha and beta add up to %.10g: the variance would grow without end", persistence);
		rk_fail_hint(ctx, "Their sum must be below 1.");
		return RK_ERR_DATA;
	}
	return RK_OK;
}

static double
long_run(const garch *g)
{
	double		persistence = persistence_of(g);

	return persistence < 1 - 1e-9 ? g->omega / (1 - persistence) : NAN;
}

static rk_status
set_coefficients(rk_ctx *ctx, volatilities *s, const rk_coefficients_request *q, rk_reply *reply)
{
	rk_coefficients_reply *r = rk_reply_reserve(ctx, reply, sizeof(*r));
	rk_name		name;
	uint32_t	i = RK_NO_NAME;
	garch		g = {.omega = q->omega,.p = length_of(q->alpha),.q = length_of(q->beta)};
	garch	   *model;
	rk_status	status = rk_name_of_id(ctx, "series_id", &q->series_id, &name);

	if (r == NULL)
		return ctx->error.status;
	if (status == RK_OK)
		i = rk_names_find(&s->names, name.text);
	memcpy(g.alpha, q->alpha, sizeof(double) * g.p);
	memcpy(g.beta, q->beta, sizeof(double) * g.q);
	if (status != RK_OK || (status = check_coefficients(ctx, &g)) != RK_OK ||
		(i == RK_NO_NAME && (status = reserve(ctx, s)) != RK_OK))
		return status;
	model = i != RK_NO_NAME && s->list[i].model ? s->list[i].model : rk_alloc(ctx, 1, sizeof(*model));
	if (model == NULL)
		return RK_ERR_MEMORY;
	if (i == RK_NO_NAME)
	{
		i = rk_names_add(&s->names, name.text);
		s->list[i] = (series) {0};
	}
	filter(&g, &s->list[i]);
	*model = g;
	s->list[i].model = model;
	r->success = true;
	r->long_run_variance = long_run(&g);
	return RK_OK;
}

/* Fits a model to the returns of v, in a context of its own. */
static rk_status
fit_model(rk_ctx *call, const volatilities *s, const series *v, rk_model_status *outcome, garch *g)
{
	int64_t		offsets[2] = {0, v->kept};
	double	   *values = rk_alloc(call, v->kept, sizeof(double));
	rk_series	in = {1, offsets, values};
	rk_garch	fitted;
	rk_status	status;

	if (values == NULL)
		return RK_ERR_MEMORY;
	for (int32_t k = 0; k < v->kept; k++)
		values[k] = return_at(v, k);
	status = rk_temporal_garch(call, &in, &s->fit, &fitted);
	if (status == RK_OK && rk_should_stop(call))
		status = RK_STOPPED;
	if (status != RK_OK)
		return status;
	*outcome = fitted.status[0] == RK_FIT_OK ? RK_MODEL_OK : fitted.status[0] == RK_FIT_TOO_SHORT ? RK_MODEL_TOO_SHORT :
		fitted.status[0] == RK_FIT_CONSTANT ? RK_MODEL_CONSTANT : RK_MODEL_NOT_CONVERGED;
	if (*outcome != RK_MODEL_OK)
		return RK_OK;
	*g = (garch) {.omega = fitted.estimates[0],.p = s->fit.p,.q = s->fit.q};
	memcpy(g->alpha, fitted.estimates + 1, sizeof(double) * g->p);
	memcpy(g->beta, fitted.estimates + 1 + g->p, sizeof(double) * g->q);
	filter(g, v);
	return RK_OK;
}

static rk_status
fit(rk_ctx *ctx, volatilities *s, const rk_series_name *q, rk_reply *reply)
{
	rk_coefficients_reply *r = rk_reply_reserve(ctx, reply, sizeof(*r));
	rk_name		name;
	uint32_t	i;
	rk_model_status outcome = RK_MODEL_UNKNOWN_SERIES;
	series	   *v;
	garch		g;
	garch	   *model;
	rk_ctx		call;
	rk_status	status = r ? rk_name_of_id(ctx, "series_id", &q->series_id, &name) : ctx->error.status;

	if (status != RK_OK)
		return status;
	i = rk_names_find(&s->names, name.text);
	v = i == RK_NO_NAME ? NULL : &s->list[i];
	r->long_run_variance = NAN;
	r->status = RK_MODEL_UNKNOWN_SERIES;
	if (v == NULL)
		return RK_OK;
	model = v->model ? v->model : rk_alloc(ctx, 1, sizeof(*model));
	if (model == NULL)
		return RK_ERR_MEMORY;
	rk_ctx_enter(ctx, &call);
	status = rk_ctx_leave(ctx, &call, fit_model(&call, s, v, &outcome, &g));
	if (status == RK_OK && outcome == RK_MODEL_OK)
	{
		*model = g;
		v->model = model;
		r->success = true;
		r->long_run_variance = long_run(&g);
	}
	else if (v->model == NULL)
		rk_free(ctx, model);
	r->status = (int16_t) outcome;
	return status;
}

static rk_status
volatility_handle(rk_ctx *ctx, void *state, const rk_message *message, rk_reply *reply)
{
	switch (message->type_id)
	{
		case 1100:
			return update(ctx, state, message, reply);
		case 1102:
			return query(ctx, state, message->payload, reply);
		case 1105:
			return update_weighted(ctx, state, message, reply);
		case 1107:
			return set_coefficients(ctx, state, message->payload, reply);
		case 1109:
			return fit(ctx, state, message->payload, reply);
	}
	return rk_fail(ctx, RK_ERR_UNSUPPORTED, "temporal/volatility-analysis has no message %u", message->type_id);
}

/* ---- snapshots ---- */

typedef struct stored_series
{
	rk_name		name;
	int64_t		count;
	int64_t		ts;
	double		mean;
	double		deviations;
	double		start;
	double		weighted;
	int32_t		kept;
	int32_t		has_model;
} stored_series;

static rk_status
volatility_snapshot(rk_ctx *ctx, void *state, rk_writer *writer)
{
	volatilities *s = state;
	int64_t		count = s->names.count;
	rk_status	status = rk_write(ctx, writer, &count, sizeof(count));

	for (int64_t i = 0; i < count && status == RK_OK; i++)
	{
		const series *v = &s->list[i];
		stored_series out = {
			.name = s->names.name[i],.count = v->count,.ts = v->ts,.mean = v->mean,.deviations = v->deviations,
			.start = v->start,.weighted = v->weighted,.kept = v->kept,.has_model = v->model != NULL
		};

		status = rk_write(ctx, writer, &out, sizeof(out));
		if (status == RK_OK && v->model)
			status = rk_write(ctx, writer, v->model, sizeof(garch));
		/* the oldest first */
		if (status == RK_OK && v->kept > 0)
			status = rk_write(ctx, writer, v->returns + v->head, sizeof(double) * (v->kept - v->head));
		if (status == RK_OK && v->head > 0)
			status = rk_write(ctx, writer, v->returns, sizeof(double) * v->head);
	}
	return status;
}

static rk_status
read_model(rk_ctx *ctx, series *v, rk_reader *reader)
{
	rk_status	status;

	v->model = rk_alloc(ctx, 1, sizeof(garch));
	if (v->model == NULL)
		return RK_ERR_MEMORY;
	status = rk_read_bytes(ctx, reader, v->model, sizeof(garch));
	if (status == RK_OK && (v->model->p < 0 || v->model->p > RK_GARCH_LAGS || v->model->q < 0 || v->model->q > RK_GARCH_LAGS))
		return rk_fail(ctx, RK_ERR_CORRUPT, "snapshot has a model with too many lags");
	return status;
}

static rk_status
read_series(rk_ctx *ctx, void *state, rk_reader *reader)
{
	volatilities *s = state;
	stored_series in;
	series	   *v;
	rk_status	status = rk_read_bytes(ctx, reader, &in, sizeof(in));

	if (status != RK_OK || (status = reserve(ctx, s)) != RK_OK)
		return status;
	if (in.kept < 0 || (size_t) in.kept > reader->left / sizeof(double) || in.count < 0 ||
		rk_names_find(&s->names, in.name.text) != RK_NO_NAME)
		return rk_fail(ctx, RK_ERR_CORRUPT, "snapshot is not one of volatility analysis");
	v = &s->list[rk_names_add(&s->names, in.name.text)];
	*v = (series) {
		.count = in.count,.ts = in.ts,.mean = in.mean,.deviations = in.deviations,.start = in.start,
		.weighted = in.weighted
	};
	if (in.has_model && (status = read_model(ctx, v, reader)) != RK_OK)
		return status;
	/* a window that has become shorter keeps the newest */
	for (int32_t k = 0; k < in.kept; k++)
	{
		double		r;

		if ((status = rk_read_bytes(ctx, reader, &r, sizeof(r))) != RK_OK ||
			(status = return_room(ctx, v, s->window)) != RK_OK)
			return status;
		keep_return(v, r);
	}
	return RK_OK;
}

static rk_status
volatility_restore(rk_ctx *ctx, const rk_options *options, uint32_t version, rk_reader *reader, void **state)
{
	rk_status	status = volatility_init(ctx, options, state);

	(void) version;
	return status == RK_OK ? rk_read_each(ctx, reader, read_series, *state) : status;
}

static uint64_t
volatility_checksum(rk_ctx *ctx, void *state)
{
	volatilities *s = state;
	uint64_t	all = rk_hash1(s->names.count);

	(void) ctx;
	for (uint32_t i = 0; i < s->names.count; i++)
	{
		const series *v = &s->list[i];
		uint64_t	h = rk_name_hash(s->names.name[i].text);

		h = rk_hash_fold(h, (uint64_t) v->count);
		h = rk_hash_fold(h, (uint64_t) v->ts);
		h = rk_hash_fold(h, rk_number_bits(v->mean));
		h = rk_hash_fold(h, rk_number_bits(v->deviations));
		h = rk_hash_fold(h, rk_number_bits(v->start));
		h = rk_hash_fold(h, rk_number_bits(v->weighted));
		for (int32_t k = 0; k < v->kept; k++)
			h = rk_hash_fold(h, rk_number_bits(return_at(v, k)));
		if (v->model)
		{
			h = rk_hash_fold(h, rk_number_bits(v->model->omega));
			h = rk_hash_fold(h, rk_number_bits(v->model->next));
			for (int k = 0; k < v->model->p; k++)
				h = rk_hash_fold(h, rk_number_bits(v->model->alpha[k]) ^ rk_number_bits(v->model->squares[k]));
			for (int k = 0; k < v->model->q; k++)
				h = rk_hash_fold(h, rk_number_bits(v->model->beta[k]) ^ rk_number_bits(v->model->variances[k]));
		}
		all += h;
	}
	return all;
}

static const rk_param volatility_options[] = {
	{.name = "observations",.type = RK_TYPE_RELATION,.initial = "NULL",
	.meaning = "rows (series_id, value, ts) to begin with, value being a return, in the order of time"},
	{.name = "lambda",.type = RK_TYPE_FLOAT8,.initial = "0.94",RK_BETWEEN_OPEN(0, 1),
	.meaning = "weight that the past keeps at each return, before a series has coefficients"},
	{.name = "fit_window",.type = RK_TYPE_INT4,.initial = "1000",RK_BETWEEN(RK_GARCH_LEAST, 100000),
	.meaning = "returns of each series that are kept, for coefficients to begin with and for fitting them"},
	{.name = "p",.type = RK_TYPE_INT4,.initial = "1",RK_BETWEEN(1, RK_GARCH_LAGS),.meaning = "lags of squared returns that are fitted"},
	{.name = "q",.type = RK_TYPE_INT4,.initial = "1",RK_BETWEEN(0, RK_GARCH_LAGS),.meaning = "lags of variances that are fitted"},
	{.name = "min_observations",.type = RK_TYPE_INT8,.initial = "30",RK_AT_LEAST(2),
	.meaning = "returns of a series before a jump of its volatility is published"},
	{0}
};

static const rk_actor_load volatility_loads[] = {{"observations", 1100}, {0}};

const rk_actor rk_actor_temporal_volatility_analysis = {
	.kernel = "temporal/volatility-analysis",
	.version = 1,
	.description = "volatility of many series after every return",
	.messages = rk_temporal_volatility_messages,
	.options = volatility_options,
	.loads = volatility_loads,
	.init = volatility_init,
	.handle = volatility_handle,
	.snapshot = volatility_snapshot,
	.restore = volatility_restore,
	.checksum = volatility_checksum
};
