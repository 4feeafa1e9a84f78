/*
 * anomaly_ring.c
 *	  temporal/anomaly-detection as an actor: every value of many series is
 *	  judged by those before it.
 *
 * zscore is the batch method rolling_zscore, value by value; mad takes median
 * and median absolute deviation of the same window; ewma takes mean and
 * variance with weights that fall by 1 - 2 / (window_size + 1) (Finch 2009).
 * With a period, what is judged is the distance from the mean of the phase,
 * which follows its values by a twentieth.  An anomaly is a value like any
 * other to those after it.
 */
#include "temporal_ring.h"

#include <math.h>
#include <string.h>

#include "../compute/random.h"
#include "rolling.h"

#define NORMAL_QUARTILE 0.67448975019608171	/* standard deviations in a MAD */
#define PHASE_FACTOR 0.05

typedef struct watch
{
	/* how it is watched */
	double		threshold;		/* NaN: that of the method */
	int32_t		period;			/* 0: none */
	int16_t		method;
	/* what came */
	int64_t		n;
	int64_t		ts;				/* the latest */
	rk_rolling	window;
	double	   *phases;			/* [period] */
	int64_t		weighted;		/* values in the next two */
	double		weighted_mean;
	double		weighted_variance;
} watch;

typedef struct watcher
{
	rk_names	names;
	watch	   *list;			/* by number of the name */
	uint32_t	room;
	watch		initial;		/* of a series that is new */
} watcher;

/* ---- shared by the temporal actors ---- */

rk_status
rk_series_check(rk_ctx *ctx, double value)
{
	if (fabs(value) <= RK_RING_VALUE_MAX)
		return RK_OK;
	return rk_fail(ctx, RK_ERR_PARAMETER, "field \"value\" must be from %g to %g", -RK_RING_VALUE_MAX, RK_RING_VALUE_MAX);
}

/* ---- series ---- */

static double
threshold_of(const watch *w)
{
	return !isnan(w->threshold) ? w->threshold : w->method == RK_WATCH_MAD ? 3.5 : 3;
}

static rk_status
anomaly_init(rk_ctx *ctx, const rk_options *options, void **state)
{
	watcher    *s = rk_alloc0(ctx, 1, sizeof(*s));
	const rk_option *threshold = rk_option_find(options, "threshold");
	const rk_option *period = rk_option_find(options, "period");

	if (s == NULL)
		return RK_ERR_MEMORY;
	s->initial = (watch) {
		.threshold = threshold->is_null ? NAN : threshold->number,
		.period = period->is_null ? 0 : (int32_t) period->integer,
		.method = (int16_t) rk_option_find(options, "method")->integer,
		.ts = INT64_MIN,
		.window = rk_rolling_make((int32_t) rk_option_find(options, "window_size")->integer)
	};
	*state = s;
	return RK_OK;
}

/* Room for one series more. */
static rk_status
reserve(rk_ctx *ctx, watcher *s)
{
	rk_status	status = rk_names_reserve(ctx, &s->names);

	return status == RK_OK ? rk_names_reserve_list(ctx, &s->names, (void **) &s->list, &s->room, sizeof(*s->list)) : status;
}

/* Makes room for a value; the phases are new. */
static rk_status
make_room(rk_ctx *ctx, watch *w)
{
	if (w->period > 0 && w->phases == NULL && (w->phases = rk_alloc0(ctx, w->period, sizeof(double))) == NULL)
		return RK_ERR_MEMORY;
	return rk_rolling_reserve(ctx, &w->window, w->method == RK_WATCH_MAD);
}

static void
free_watch(rk_ctx *ctx, watch *w)
{
	rk_rolling_free(ctx, &w->window);
	rk_free(ctx, w->phases);
	w->phases = NULL;
}

/* ---- values ---- */

/* Centre and scale that the next value is judged by; false: too few values. */
static bool
scale_of(const watch *w, double *centre, double *scale)
{
	if ((w->method == RK_WATCH_EWMA ? w->weighted : w->window.kept) < 2)
		return false;
	switch (w->method)
	{
		case RK_WATCH_MAD:
			rk_rolling_medians(&w->window, centre, scale);
			*scale /= NORMAL_QUARTILE;
			break;
		case RK_WATCH_EWMA:
			*centre = w->weighted_mean;
			*scale = sqrt(w->weighted_variance);
			break;
		default:
			rk_rolling_moments(&w->window, centre, scale);
	}
	return true;
}

/* Takes what is judged of a value; there is room for it. */
static void
take(watch *w, double x)
{
	double		alpha = 2.0 / (w->window.window + 1);
	double		d = x - w->weighted_mean;

	rk_rolling_push(&w->window, x);
	if (w->weighted++ == 0)
	{
		w->weighted_mean = x;
		w->weighted_variance = 0;
		return;
	}
	w->weighted_mean += alpha * d;
	w->weighted_variance = (1 - alpha) * (w->weighted_variance + alpha * d * d);
}

static void
judge(const watch *w, double base, double x, rk_anomaly_reply *r)
{
	double		centre;
	double		scale;
	double		threshold = threshold_of(w);

	r->expected = r->lower = r->upper = NAN;
	if (!scale_of(w, &centre, &scale))
		return;
	r->expected = base + centre;
	r->score = scale > 0 ? fabs(x - centre) / scale : x == centre ? 0 : INFINITY;
	r->is_anomaly = r->score > threshold;
	r->lower = r->expected - threshold * scale;
	r->upper = r->expected + threshold * scale;
}

static void
observe_value(watch *w, double value, rk_anomaly_reply *r)
{
	int32_t		phase = w->period > 0 ? (int32_t) (w->n % w->period) : 0;

	if (w->period > 0 && w->n < w->period)
	{
		w->phases[phase] = value;
		r->expected = r->lower = r->upper = NAN;
	}
	else
	{
		double		base = w->period > 0 ? w->phases[phase] : 0;

		judge(w, base, value - base, r);
		take(w, value - base);
		if (w->period > 0)
			w->phases[phase] += PHASE_FACTOR * (value - base);
	}
	r->n = ++w->n;
}

static rk_status
observe(rk_ctx *ctx, watcher *s, const rk_message *message, rk_reply *reply)
{
	const rk_series_value *q = message->payload;
	rk_anomaly_reply *r = rk_reply_reserve(ctx, reply, sizeof(*r));
	int64_t		ts = q->ts == RK_FIELD_ABSENT_INT8 ? message->sent_ns : q->ts;
	watch		fresh = s->initial;
	rk_name		name;
	uint32_t	i;
	watch	   *w;
	rk_status	status;

	if (r == NULL)
		return ctx->error.status;
	if ((status = rk_name_of_id(ctx, "series_id", &q->series_id, &name)) != RK_OK ||
		(status = rk_series_check(ctx, q->value)) != RK_OK)
		return status;
	i = rk_names_find(&s->names, name.text);
	w = i == RK_NO_NAME ? &fresh : &s->list[i];
	if (i == RK_NO_NAME && (status = reserve(ctx, s)) != RK_OK)
		return status;
	if ((status = make_room(ctx, w)) != RK_OK)
	{
		if (i == RK_NO_NAME)
			free_watch(ctx, &fresh);
		return status;
	}
	if (i == RK_NO_NAME)
	{
		i = rk_names_add(&s->names, name.text);
		s->list[i] = fresh;
		w = &s->list[i];
	}
	r->in_order = ts >= w->ts;
	w->ts = ts > w->ts ? ts : w->ts;
	observe_value(w, q->value, r);
	if (r->is_anomaly && reply->publish)
	{
		double		times = r->score / threshold_of(w);
		rk_anomaly_alert alert = {
			.series_id = q->series_id,.ts = ts,.value = q->value,.score = r->score,
			.severity = times >= 2 ? 3 : times >= 1.5 ? 2 : 1
		};

		rk_publish(reply, 1146, &alert, sizeof(alert));
	}
	return RK_OK;
}

/* ---- settings ---- */

static rk_status
check_size(rk_ctx *ctx, const char *field, int32_t value, int32_t least)
{
	if (value >= least && value != 1 && value <= RK_WATCH_WINDOW_MAX)
		return RK_OK;
	return rk_fail(ctx, RK_ERR_PARAMETER, "field \"%s\" must be %sfrom 2 to %d", field, least == 0 ? "0 or " : "",
				   RK_WATCH_WINDOW_MAX);
}

/* Takes the newest values of another window, as if they had come now. */
static rk_status
take_over(rk_ctx *ctx, watch *to, const watch *from)
{
	int32_t		kept = from->window.kept;
	int32_t		first = kept > to->window.window ? kept - to->window.window : 0;

	for (int32_t k = first; k < kept; k++)
	{
		rk_status	status = make_room(ctx, to);

		if (status != RK_OK)
			return status;
		take(to, rk_rolling_value(&from->window, k));
		if ((k & 0xfff) == 0xfff && rk_ctx_poll(ctx))
			return RK_STOPPED;
	}
	return RK_OK;
}

static rk_status
configure(rk_ctx *ctx, watcher *s, const rk_anomaly_settings *q, rk_reply *reply)
{
	rk_anomaly_applied *r = rk_reply_reserve(ctx, reply, sizeof(*r));
	rk_name		name;
	uint32_t	i;
	const watch *old;
	watch		w;
	rk_status	status = r ? rk_name_of_id(ctx, "series_id", &q->series_id, &name) : ctx->error.status;
	bool		anew;

	if (status != RK_OK)
		return status;
	i = rk_names_find(&s->names, name.text);
	old = i == RK_NO_NAME ? &s->initial : &s->list[i];
	w = *old;
	if (!isnan(q->threshold) && !(q->threshold > 0 && q->threshold <= RK_RING_VALUE_MAX))
		return rk_fail(ctx, RK_ERR_PARAMETER, "field \"threshold\" must be above 0 and at most %g", RK_RING_VALUE_MAX);
	if ((q->window_size != RK_FIELD_ABSENT_INT4 && (status = check_size(ctx, "window_size", q->window_size, 2)) != RK_OK) ||
		(q->period != RK_FIELD_ABSENT_INT4 && (status = check_size(ctx, "period", q->period, 0)) != RK_OK))
		return status;
	if (!isnan(q->threshold))
		w.threshold = q->threshold;
	if (q->method != RK_FIELD_ABSENT_CODE)
		w.method = q->method;
	if (q->period != RK_FIELD_ABSENT_INT4)
		w.period = q->period;
	if (q->window_size != RK_FIELD_ABSENT_INT4)
		w.window.window = q->window_size;
	anew = i == RK_NO_NAME || w.period != old->period || w.window.window != old->window.window || w.method != old->method;
	if (i == RK_NO_NAME && (status = reserve(ctx, s)) != RK_OK)
		return status;
	if (anew)
	{
		w.window = rk_rolling_make(w.window.window);
		w.weighted = 0;
		w.weighted_mean = w.weighted_variance = 0;
		w.phases = NULL;
		/* values less their phases mean nothing to other phases */
		if (w.period != old->period)
			w.n = 0;
		status = make_room(ctx, &w);
		if (status == RK_OK && w.period == old->period)
		{
			if (w.period > 0 && old->phases)
				memcpy(w.phases, old->phases, sizeof(double) * w.period);
			status = take_over(ctx, &w, old);
		}
		if (status != RK_OK)
		{
			free_watch(ctx, &w);
			return status;
		}
		if (i == RK_NO_NAME)
			i = rk_names_add(&s->names, name.text);
		else
			free_watch(ctx, &s->list[i]);
	}
	s->list[i] = w;
	r->applied = true;
	return RK_OK;
}

static rk_status
query(rk_ctx *ctx, const watcher *s, const rk_series_name *q, rk_reply *reply)
{
	rk_anomaly_state *r = rk_reply_reserve(ctx, reply, sizeof(*r));
	rk_name		name;
	uint32_t	i;
	const watch *w;
	rk_status	status = r ? rk_name_of_id(ctx, "series_id", &q->series_id, &name) : ctx->error.status;

	if (status != RK_OK)
		return status;
	i = rk_names_find(&s->names, name.text);
	r->status = i == RK_NO_NAME;
	r->mean = r->stddev = r->threshold = NAN;
	if (i == RK_NO_NAME)
		return RK_OK;
	w = &s->list[i];
	if (scale_of(w, &r->mean, &r->stddev) && w->period > 0)
		r->mean += w->phases[w->n % w->period];
	r->threshold = threshold_of(w);
	r->n = w->n;
	return RK_OK;
}

static rk_status
anomaly_handle(rk_ctx *ctx, void *state, const rk_message *message, rk_reply *reply)
{
	switch (message->type_id)
	{
		case 1140:
			return observe(ctx, state, message, reply);
		case 1142:
			return configure(ctx, state, message->payload, reply);
		case 1144:
			return query(ctx, state, message->payload, reply);
	}
	return rk_fail(ctx, RK_ERR_UNSUPPORTED, "temporal/anomaly-detection has no message %u", message->type_id);
}

/* ---- snapshots ---- */

typedef struct stored_watch
{
	rk_name		name;
	double		threshold;
	int64_t		n;
	int64_t		ts;
	int64_t		weighted;
	double		weighted_mean;
	double		weighted_variance;
	double		pivot;
	double		shift;
	double		squares;
	double		peak;
	int32_t		window;
	int32_t		kept;
	int32_t		since;
	int32_t		equal;
	int32_t		period;
	int32_t		method;
} stored_watch;

static rk_status
anomaly_snapshot(rk_ctx *ctx, void *state, rk_writer *writer)
{
	watcher    *s = state;
	int64_t		count = s->names.count;
	rk_status	status = rk_write(ctx, writer, &count, sizeof(count));

	for (int64_t i = 0; i < count && status == RK_OK; i++)
	{
		const watch *w = &s->list[i];
		const rk_rolling *v = &w->window;
		stored_watch out = {
			.name = s->names.name[i],.threshold = w->threshold,.n = w->n,.ts = w->ts,.weighted = w->weighted,
			.weighted_mean = w->weighted_mean,.weighted_variance = w->weighted_variance,.pivot = v->pivot,
			.shift = v->shift,.squares = v->squares,.peak = v->peak,.window = v->window,.kept = v->kept,
			.since = v->since,.equal = v->equal,.period = w->period,.method = w->method
		};

		status = rk_write(ctx, writer, &out, sizeof(out));
		/* the oldest first: a circle from head to its end, and from its start to head */
		if (status == RK_OK && v->kept > 0)
			status = rk_write(ctx, writer, v->values + v->head, sizeof(double) * (v->kept - v->head));
		if (status == RK_OK && v->head > 0)
			status = rk_write(ctx, writer, v->values, sizeof(double) * v->head);
		if (status == RK_OK && w->period > 0)
			status = rk_write(ctx, writer, w->phases, sizeof(double) * w->period);
	}
	return status;
}

static rk_status
read_watch(rk_ctx *ctx, void *state, rk_reader *reader)
{
	watcher    *s = state;
	stored_watch in;
	watch	   *w;
	rk_status	status = rk_read_bytes(ctx, reader, &in, sizeof(in));

	if (status != RK_OK || (status = reserve(ctx, s)) != RK_OK)
		return status;
	if (in.window < 2 || in.window > RK_WATCH_WINDOW_MAX || in.kept < 0 || in.kept > in.window || in.period < 0 ||
		in.period > RK_WATCH_WINDOW_MAX || in.method < 0 || in.method > RK_WATCH_EWMA ||
		(size_t) in.kept + in.period > reader->left / sizeof(double) || in.n < 0 ||
		rk_names_find(&s->names, in.name.text) != RK_NO_NAME)
		return rk_fail(ctx, RK_ERR_CORRUPT, "snapshot is not one of anomaly detection");
	w = &s->list[rk_names_add(&s->names, in.name.text)];
	*w = (watch) {
		.threshold = in.threshold,.period = in.period,.method = (int16_t) in.method,.n = in.n,.ts = in.ts,
		.window = rk_rolling_make(in.window),.weighted = in.weighted,.weighted_mean = in.weighted_mean,
		.weighted_variance = in.weighted_variance
	};
	if (in.period > 0 && (w->phases = rk_alloc(ctx, in.period, sizeof(double))) == NULL)
		return RK_ERR_MEMORY;
	/* a full window is a circle; room as if it had filled value by value */
	while (w->window.capacity < in.kept)
	{
		w->window.kept = w->window.capacity;
		if ((status = rk_rolling_reserve(ctx, &w->window, false)) != RK_OK)
			return status;
	}
	w->window.kept = in.kept;
	if ((status = rk_read_bytes(ctx, reader, w->window.values, sizeof(double) * in.kept)) != RK_OK ||
		(status = rk_read_bytes(ctx, reader, w->phases, sizeof(double) * in.period)) != RK_OK)
		return status;
	if (in.method == RK_WATCH_MAD && in.kept > 0 && (status = rk_rolling_reserve(ctx, &w->window, true)) != RK_OK)
		return status;
	w->window.pivot = in.pivot;
	w->window.shift = in.shift;
	w->window.squares = in.squares;
	w->window.peak = in.peak;
	w->window.since = in.since;
	w->window.equal = in.equal;
	return RK_OK;
}

static rk_status
anomaly_restore(rk_ctx *ctx, const rk_options *options, uint32_t version, rk_reader *reader, void **state)
{
	rk_status	status = anomaly_init(ctx, options, state);

	(void) version;
	return status == RK_OK ? rk_read_each(ctx, reader, read_watch, *state) : status;
}

static uint64_t
anomaly_checksum(rk_ctx *ctx, void *state)
{
	watcher    *s = state;
	uint64_t	all = rk_hash1(s->names.count);

	(void) ctx;
	for (uint32_t i = 0; i < s->names.count; i++)
	{
		const watch *w = &s->list[i];
		uint64_t	h = rk_name_hash(s->names.name[i].text);

		h = rk_hash_fold(h, rk_number_bits(w->threshold));
		h = rk_hash_fold(h, (uint64_t) w->period << 32 | (uint64_t) w->method);
		h = rk_hash_fold(h, (uint64_t) w->n);
		h = rk_hash_fold(h, (uint64_t) w->ts);
		h = rk_hash_fold(h, (uint64_t) w->window.window);
		h = rk_hash_fold(h, rk_number_bits(w->window.pivot + w->window.shift));
		h = rk_hash_fold(h, rk_number_bits(w->window.squares));
		h = rk_hash_fold(h, rk_number_bits(w->weighted_mean));
		h = rk_hash_fold(h, rk_number_bits(w->weighted_variance));
		for (int32_t k = 0; k < w->window.kept; k++)
			h = rk_hash_fold(h, rk_number_bits(rk_rolling_value(&w->window, k)));
		for (int32_t k = 0; k < w->period; k++)
			h = rk_hash_fold(h, rk_number_bits(w->phases[k]));
		all += h;
	}
	return all;
}

static const char *const method_names[] = {"zscore", "mad", "ewma", NULL};

static const rk_param anomaly_options[] = {
	{.name = "observations",.type = RK_TYPE_RELATION,.initial = "NULL",
	.meaning = "rows (series_id, value, ts) to begin with, in the order of time"},
	{.name = "method",.type = RK_TYPE_TEXT,.initial = "'zscore'",.choices = method_names,
	.meaning = "of a series that is new: zscore, mad or ewma"},
	{.name = "threshold",.type = RK_TYPE_FLOAT8,.initial = "NULL",RK_ABOVE(0),
	.meaning = "score above which a value is an anomaly; NULL: 3, mad 3.5"},
	{.name = "window_size",.type = RK_TYPE_INT4,.initial = "20",RK_BETWEEN(2, RK_WATCH_WINDOW_MAX),
	.meaning = "values that the next one is judged by"},
	{.name = "period",.type = RK_TYPE_INT4,.initial = "NULL",RK_BETWEEN(2, RK_WATCH_WINDOW_MAX),
	.meaning = "values in a season; NULL: there is none"},
	{0}
};

static const rk_actor_load anomaly_loads[] = {{"observations", 1140}, {0}};

const rk_actor rk_actor_temporal_anomaly_detection = {
	.kernel = "temporal/anomaly-detection",
	.version = 1,
	.description = "values of many series, each judged by those before it",
	.messages = rk_temporal_anomaly_messages,
	.options = anomaly_options,
	.loads = anomaly_loads,
	.init = anomaly_init,
	.handle = anomaly_handle,
	.snapshot = anomaly_snapshot,
	.restore = anomaly_restore,
	.checksum = anomaly_checksum
};
