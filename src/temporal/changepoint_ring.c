/*
 * changepoint_ring.c
 *	  temporal/changepoint-detection as an actor: after every value of many
 *	  series, how long its present run is, and whether it has just begun.
 *
 * Bayesian online detection (Adams & MacKay 2007; Fearnhead & Liu 2007).  A run
 * is values that are normal with one mean and one variance, of which a
 * normal-gamma prior (mean, kappa, alpha, beta) is all that is known; at each
 * value a run ends with probability hazard.  Kept is the posterior over the
 * value that began the present run.  A value multiplies the weight of each run
 * by its predictive density, Student's t with 2 alpha degrees of freedom, and
 * begins a run itself.
 *
 * Unless options say otherwise, mean and beta of the prior come from the first
 * values of a series, which then count like all others.  A change is announced
 * once: when the run has probably begun after the last announcement.
 */
#include "temporal_ring.h"

#include <math.h>
#include <string.h>

#include "../compute/random.h"

#define LEAST_WEIGHT 1e-6		/* runs below it are forgotten */
#define MOST_RUNS 500
#define LEAST_VARIANCE 1e-290	/* values that differ by less are equal */

/* A run that the newest value may be in; or, before there is a prior, a value in mean. */
typedef struct run
{
	double		weight;			/* its probability */
	double		mean;			/* of the posterior */
	double		beta;
	int64_t		length;			/* values */
	int64_t		ts;				/* of the first */
} run;

typedef struct watch
{
	int64_t		n;				/* values so far */
	int64_t		since;			/* the one at the last announcement, from 1 */
	double		level;			/* mean of the likeliest run that began by then */
	double		mean;			/* of the prior */
	double		beta;			/* likewise; 0: not known yet */
	run		   *runs;			/* the longest first */
	int32_t		count;
	int32_t		room;
} watch;

typedef struct watcher
{
	rk_names	names;
	watch	   *list;			/* by number of the name */
	uint32_t	room;
	double		hazard;
	double		threshold;
	double		mean;			/* of the prior; NaN: from the first values */
	double		beta;			/* likewise */
	double		kappa;
	double		alpha;
	int32_t		warm_up;
} watcher;

static double
number_or_nan(const rk_options *options, const char *name)
{
	const rk_option *o = rk_option_find(options, name);

	return o->is_null ? NAN : o->number;
}

static rk_status
changepoint_init(rk_ctx *ctx, const rk_options *options, void **state)
{
	watcher    *s = rk_alloc0(ctx, 1, sizeof(*s));

	if (s == NULL)
		return RK_ERR_MEMORY;
	s->hazard = rk_option_find(options, "hazard")->number;
	s->threshold = rk_option_find(options, "threshold")->number;
	s->mean = number_or_nan(options, "prior_mean");
	s->beta = number_or_nan(options, "prior_beta");
	s->kappa = rk_option_find(options, "prior_kappa")->number;
	s->alpha = rk_option_find(options, "prior_alpha")->number;
	s->warm_up = (int32_t) rk_option_find(options, "warm_up")->integer;
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

/* Room for so many runs. */
static rk_status
make_room(rk_ctx *ctx, watch *w, int32_t runs)
{
	int32_t		room = w->room > 0 ? w->room : 8;
	run		   *p;

	if (runs <= w->room)
		return RK_OK;
	while (room < runs)
		room *= 2;
	p = w->runs ? rk_realloc(ctx, w->runs, room, sizeof(run)) : rk_alloc(ctx, room, sizeof(run));
	if (p == NULL)
		return RK_ERR_MEMORY;
	w->runs = p;
	w->room = room;
	return RK_OK;
}

/* A series that is new. */
static watch
fresh_watch(const watcher *s)
{
	watch		w = {.since = 1,.level = NAN};

	if (!isnan(s->mean) && !isnan(s->beta))
	{
		w.mean = s->mean;
		w.beta = s->beta;
	}
	return w;
}

/* ---- the posterior ---- */

/* ln Gamma(a + 1/2) - ln Gamma(a); from 16 on by its expansion. */
static double
half_step(double a)
{
	double		u = 1 / (a * a);
	int			sign;

	if (a < 16)
		return lgamma_r(a + 0.5, &sign) - lgamma_r(a, &sign);
	return 0.5 * log(a) - (1.0 / 8 - u * (1.0 / 192 - u * (1.0 / 640 - u * 17.0 / 14336))) / a;
}

/* ln of the density of x after a run of this length, but for a constant. */
static double
log_density(const watcher *s, double mean, double beta, int64_t length, double x)
{
	double		kappa = s->kappa + (double) length;
	double		alpha = s->alpha + 0.5 * (double) length;
	double		spread = 2 * beta * ((kappa + 1) / kappa);	/* 2 alpha times the squared scale */
	double		d = fabs(x - mean);
	double		z = d * d / spread;

	/* far out, where the quotient may be infinite */
	z = z < 1e30 ? log1p(z) : 2 * log(d) - log(spread);
	return half_step(alpha) - 0.5 * log(spread) - (alpha + 0.5) * z;
}

/* Appends x to a run. */
static void
extend(const watcher *s, run *r, double x)
{
	double		kappa = s->kappa + (double) r->length;
	double		d = x - r->mean;

	r->mean += d / (kappa + 1);
	r->beta += 0.5 * (kappa / (kappa + 1)) * d * d;
	r->length++;
}

/* The likeliest of the runs that began after this value, or not after it; the longest of those, or NULL. */
static const run *
likeliest(const watch *w, int64_t value, bool after)
{
	const run  *best = NULL;

	for (int32_t i = 0; i < w->count; i++)
		if ((w->n - w->runs[i].length + 1 > value) == after && (best == NULL || w->runs[i].weight > best->weight))
			best = &w->runs[i];
	return best;
}

/* Weights that are logarithms become probabilities; small ones go. */
static void
normalise(watch *w)
{
	double		top = -INFINITY;
	double		all = 0;
	double		kept = 0;
	int32_t		count = 0;

	for (int32_t i = 0; i < w->count; i++)
		top = fmax(top, w->runs[i].weight);
	for (int32_t i = 0; i < w->count; i++)
		all += w->runs[i].weight = exp(w->runs[i].weight - top);
	for (int32_t i = 0; i < w->count; i++)
		if (w->runs[i].weight >= LEAST_WEIGHT * all)
		{
			w->runs[count] = w->runs[i];
			kept += w->runs[count++].weight;
		}
	/* one more than may be kept, as one comes at a time */
	if (count > MOST_RUNS)
	{
		int32_t		least = 0;

		for (int32_t i = 1; i < count; i++)
			if (w->runs[i].weight < w->runs[least].weight)
				least = i;
		kept -= w->runs[least].weight;
		count--;
		memmove(&w->runs[least], &w->runs[least + 1], sizeof(run) * (count - least));
	}
	w->count = count;
	for (int32_t i = 0; i < count; i++)
		w->runs[i].weight /= kept;
}

/* Takes a value into the posterior; there is room for one run more. */
static void
step(const watcher *s, watch *w, double x, int64_t ts)
{
	bool		first = w->count == 0;
	double		stays = log1p(-s->hazard);
	run			born = {.mean = w->mean,.beta = w->beta,.ts = ts};

	born.weight = log_density(s, w->mean, w->beta, 0, x) + (first ? 0 : log(s->hazard));
	for (int32_t i = 0; i < w->count; i++)
	{
		run		   *r = &w->runs[i];

		r->weight = log(r->weight) + stays + log_density(s, r->mean, r->beta, r->length, x);
		extend(s, r, x);
	}
	extend(s, &born, x);
	w->runs[w->count++] = born;
	normalise(w);
}

/* ---- the first values ---- */

/* Makes the prior from the values that have come, unless they are equal, and takes them. */
static void
warm(const watcher *s, watch *w)
{
	run			values[RK_CHANGE_WARM_UP_MAX];
	int32_t		count = w->count;
	double		mean = 0;
	double		squares = 0;

	for (int32_t i = 0; i < count; i++)
		mean += (w->runs[i].mean - mean) / (i + 1);
	for (int32_t i = 0; i < count; i++)
		squares += (w->runs[i].mean - mean) * (w->runs[i].mean - mean);
	if (!(squares / (count - 1) >= LEAST_VARIANCE))
		return;
	w->mean = isnan(s->mean) ? mean : s->mean;
	w->beta = isnan(s->beta) ? s->alpha * (squares / (count - 1)) : s->beta;
	memcpy(values, w->runs, sizeof(run) * count);
	w->since = w->n - count + 1;
	w->count = 0;
	for (int32_t i = 0; i < count; i++)
		step(s, w, values[i].mean, values[i].ts);
}

/* Keeps a value until there is a prior, the newest ones where all are equal. */
static void
keep(const watcher *s, watch *w, double x, int64_t ts)
{
	if (w->count == s->warm_up)
		memmove(w->runs, w->runs + 1, sizeof(run) * --w->count);
	w->runs[w->count++] = (run) {.mean = x,.ts = ts};
	w->level = x;
	if (w->count == s->warm_up)
		warm(s, w);
}

/* ---- messages ---- */

/* What is known after the newest value. */
static void
tell(const watch *w, rk_changepoint_reply *r)
{
	const run  *now;

	r->n = r->run_length = w->n;
	r->at_ts = RK_FIELD_ABSENT_INT8;
	r->mean = w->level;
	if (w->count == 0)
		return;
	r->at_ts = w->runs[0].ts;
	if (w->beta == 0)
		return;
	now = likeliest(w, 0, true);
	r->run_length = now->length;
	r->at_ts = now->ts;
	r->mean = now->mean;
	for (int32_t i = 0; i < w->count; i++)
		if (w->n - w->runs[i].length + 1 > w->since)
			r->probability += w->runs[i].weight;
}

static void
observe_value(const watcher *s, watch *w, const rk_series_value *q, int64_t ts, rk_changepoint_reply *r, rk_reply *reply)
{
	double		level = w->level;
	const run  *before;
	const run  *change;

	w->n++;
	if (w->beta == 0)
		keep(s, w, q->value, ts);
	else
		step(s, w, q->value, ts);
	tell(w, r);
	if (w->beta == 0)
		return;
	if ((before = likeliest(w, w->since, false)) != NULL)
		w->level = before->mean;
	if (r->probability < s->threshold || (change = likeliest(w, w->since, true)) == NULL)
		return;
	r->changed = true;
	r->run_length = change->length;
	r->at_ts = change->ts;
	r->mean = change->mean;
	if (reply->publish)
	{
		rk_changepoint_alert alert = {
			.series_id = q->series_id,.at_ts = change->ts,.ts = ts,.probability = r->probability,
			.run_length = change->length,.mean = change->mean,.previous_mean = level
		};

		rk_publish(reply, 1124, &alert, sizeof(alert));
	}
	w->level = change->mean;
	w->since = w->n;
}

static rk_status
observe(rk_ctx *ctx, watcher *s, const rk_message *message, rk_reply *reply)
{
	const rk_series_value *q = message->payload;
	rk_changepoint_reply *r = rk_reply_reserve(ctx, reply, sizeof(*r));
	int64_t		ts = q->ts == RK_FIELD_ABSENT_INT8 ? message->sent_ns : q->ts;
	watch		fresh = fresh_watch(s);
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
	if ((status = make_room(ctx, w, w->count + 1)) != RK_OK)
		return status;
	if (i == RK_NO_NAME)
	{
		i = rk_names_add(&s->names, name.text);
		s->list[i] = fresh;
		w = &s->list[i];
	}
	observe_value(s, w, q, ts, r, reply);
	return RK_OK;
}

static rk_status
query(rk_ctx *ctx, const watcher *s, const rk_series_name *q, rk_reply *reply)
{
	rk_changepoint_state *r = rk_reply_reserve(ctx, reply, sizeof(*r));
	rk_changepoint_reply now = {0};
	rk_name		name;
	uint32_t	i;
	rk_status	status = r ? rk_name_of_id(ctx, "series_id", &q->series_id, &name) : ctx->error.status;

	if (status != RK_OK)
		return status;
	i = rk_names_find(&s->names, name.text);
	r->status = i == RK_NO_NAME;
	if (i == RK_NO_NAME)
		return RK_OK;
	tell(&s->list[i], &now);
	r->run_length = now.run_length;
	r->probability = now.probability;
	r->at_ts = now.at_ts;
	r->mean = now.mean;
	r->n = now.n;
	return RK_OK;
}

static rk_status
changepoint_handle(rk_ctx *ctx, void *state, const rk_message *message, rk_reply *reply)
{
	switch (message->type_id)
	{
		case 1120:
			return observe(ctx, state, message, reply);
		case 1122:
			return query(ctx, state, message->payload, reply);
	}
	return rk_fail(ctx, RK_ERR_UNSUPPORTED, "temporal/changepoint-detection has no message %u", message->type_id);
}

/* ---- snapshots ---- */

typedef struct stored_watch
{
	rk_name		name;
	int64_t		n;
	int64_t		since;
	double		level;
	double		mean;
	double		beta;
	int64_t		count;
} stored_watch;

static rk_status
changepoint_snapshot(rk_ctx *ctx, void *state, rk_writer *writer)
{
	watcher    *s = state;
	int64_t		count = s->names.count;
	rk_status	status = rk_write(ctx, writer, &count, sizeof(count));

	for (int64_t i = 0; i < count && status == RK_OK; i++)
	{
		const watch *w = &s->list[i];
		stored_watch out = {
			.name = s->names.name[i],.n = w->n,.since = w->since,.level = w->level,.mean = w->mean,.beta = w->beta,
			.count = w->count
		};

		status = rk_write(ctx, writer, &out, sizeof(out));
		if (status == RK_OK && w->count > 0)
			status = rk_write(ctx, writer, w->runs, sizeof(run) * w->count);
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
	if (in.n < 0 || in.count < 0 || in.count > (in.beta > 0 ? MOST_RUNS : RK_CHANGE_WARM_UP_MAX) ||
		(size_t) in.count > reader->left / sizeof(run) || rk_names_find(&s->names, in.name.text) != RK_NO_NAME)
		return rk_fail(ctx, RK_ERR_CORRUPT, "snapshot is not one of change point detection");
	w = &s->list[rk_names_add(&s->names, in.name.text)];
	*w = (watch) {.n = in.n,.since = in.since,.level = in.level,.mean = in.mean,.beta = in.beta};
	if ((status = make_room(ctx, w, (int32_t) in.count)) != RK_OK)
		return status;
	w->count = (int32_t) in.count;
	if ((status = rk_read_bytes(ctx, reader, w->runs, sizeof(run) * in.count)) != RK_OK)
		return status;
	/* a warm-up that has become shorter is over with the next value */
	if (w->beta == 0 && w->count > s->warm_up)
	{
		memmove(w->runs, w->runs + w->count - s->warm_up, sizeof(run) * s->warm_up);
		w->count = s->warm_up;
	}
	return RK_OK;
}

static rk_status
changepoint_restore(rk_ctx *ctx, const rk_options *options, uint32_t version, rk_reader *reader, void **state)
{
	rk_status	status = changepoint_init(ctx, options, state);

	(void) version;
	return status == RK_OK ? rk_read_each(ctx, reader, read_watch, *state) : status;
}

static uint64_t
changepoint_checksum(rk_ctx *ctx, void *state)
{
	watcher    *s = state;
	uint64_t	all = rk_hash1(s->names.count);

	(void) ctx;
	for (uint32_t i = 0; i < s->names.count; i++)
	{
		const watch *w = &s->list[i];
		uint64_t	h = rk_name_hash(s->names.name[i].text);

		h = rk_hash_fold(h, (uint64_t) w->n);
		h = rk_hash_fold(h, (uint64_t) w->since);
		h = rk_hash_fold(h, rk_number_bits(w->level));
		h = rk_hash_fold(h, rk_number_bits(w->mean));
		h = rk_hash_fold(h, rk_number_bits(w->beta));
		for (int32_t k = 0; k < w->count; k++)
		{
			h = rk_hash_fold(h, rk_number_bits(w->runs[k].weight));
			h = rk_hash_fold(h, rk_number_bits(w->runs[k].mean));
			h = rk_hash_fold(h, rk_number_bits(w->runs[k].beta));
			h = rk_hash_fold(h, (uint64_t) w->runs[k].length);
			h = rk_hash_fold(h, (uint64_t) w->runs[k].ts);
		}
		all += h;
	}
	return all;
}

static const rk_param changepoint_options[] = {
	{.name = "observations",.type = RK_TYPE_RELATION,.initial = "NULL",
	.meaning = "rows (series_id, value, ts) to begin with, in the order of time"},
	{.name = "hazard",.type = RK_TYPE_FLOAT8,.initial = "0.004",RK_BETWEEN_OPEN(0, 1),
	.meaning = "probability that a run ends at a value: 1 / its expected length"},
	{.name = "threshold",.type = RK_TYPE_FLOAT8,.initial = "0.5",RK_BETWEEN_OPEN(0, 1),
	.meaning = "probability of a new run from which it is announced"},
	{.name = "warm_up",.type = RK_TYPE_INT4,.initial = "20",RK_BETWEEN(2, RK_CHANGE_WARM_UP_MAX),
	.meaning = "values that mean and beta of the prior are taken from, more where all are equal"},
	{.name = "prior_mean",.type = RK_TYPE_FLOAT8,.initial = "NULL",RK_BETWEEN(-RK_RING_VALUE_MAX, RK_RING_VALUE_MAX),
	.meaning = "mean that a run is expected to have; NULL: that of the first values"},
	{.name = "prior_kappa",.type = RK_TYPE_FLOAT8,.initial = "0.01",RK_BETWEEN(1e-12, 1e12),
	.meaning = "how many values that counts as: the smaller, the further a run may lie from it"},
	{.name = "prior_alpha",.type = RK_TYPE_FLOAT8,.initial = "1",RK_BETWEEN(1e-3, 1e12),
	.meaning = "half of the values that the expected variance counts as"},
	{.name = "prior_beta",.type = RK_TYPE_FLOAT8,.initial = "NULL",RK_BETWEEN(LEAST_VARIANCE, 1e200),
	.meaning = "alpha times the expected variance; NULL: that of the first values"},
	{0}
};

static const rk_actor_load changepoint_loads[] = {{"observations", 1120}, {0}};

const rk_actor rk_actor_temporal_changepoint_detection = {
	.kernel = "temporal/changepoint-detection",
	.version = 1,
	.description = "changes of level and spread in many series, after every value",
	.messages = rk_temporal_changepoint_messages,
	.options = changepoint_options,
	.loads = changepoint_loads,
	.init = changepoint_init,
	.handle = changepoint_handle,
	.snapshot = changepoint_snapshot,
	.restore = changepoint_restore,
	.checksum = changepoint_checksum
};
