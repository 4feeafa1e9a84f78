/*
 * realtime_correlation_ring.c
 *	  risk/realtime-correlation as an actor: correlations of assets that are
 *	  observed one by one.
 *
 * A pair is about the times at which both have a value, as in the batch
 * function with sync complete.  So each pair has moments of its own, which
 * follow Welford (1962), or the recursion of RiskMetrics; they take in a pair
 * of values as soon as the second of them arrives.  Answers are about all
 * values that have come, and an observation costs O(k) for the k assets
 * observed at its time before it.
 *
 * Times do not go back: a late value would have to be taken into a recursion
 * that has gone on, and is refused.
 */
#include "correlation_ring.h"

#include <math.h>

#include "../../compute/random.h"
#include "correlation.h"

/* Moments of two assets; a is the one that came first. */
typedef struct pair_moments
{
	double		mean_a;
	double		mean_b;
	double		aa;				/* sums of squares and products about the means; */
	double		bb;				/* ewma: exponentially weighted, about zero */
	double		ab;
	int64_t		count;
} pair_moments;

typedef struct asset
{
	int64_t		time;			/* of its last observation */
	double		value;			/* at that time; NaN: the first price */
	double		price;			/* as_returns: the last one */
} asset;

enum
{
	RETURNS_NONE,
	RETURNS_LOG,
	RETURNS_SIMPLE
};

typedef struct correlation_state
{
	/* options */
	rk_correlation_estimator estimator;
	double		lambda;
	int64_t		min_observations;
	double		change_threshold;	/* NaN: no alerts */
	int			as_returns;		/* RETURNS_... */
	uint32_t	max_assets;

	rk_names	names;
	asset	   *assets;			/* by number */
	uint32_t   *now;			/* those observed at the latest time */
	uint32_t	now_count;
	int64_t		time;			/* the latest */
	pair_moments *pairs;		/* (b, a) with a < b at b (b - 1) / 2 + a */
	uint32_t	capacity;		/* of assets, now and pairs: in assets */
} correlation_state;

static rk_status
correlation_init(rk_ctx *ctx, const rk_options *options, void **state)
{
	correlation_state *s = rk_alloc0(ctx, 1, sizeof(*s));
	const rk_option *threshold = rk_option_find(options, "change_threshold");
	const rk_option *returns = rk_option_find(options, "as_returns");

	if (s == NULL)
		return RK_ERR_MEMORY;
	s->estimator = rk_option_find(options, "estimator")->integer;
	s->lambda = rk_option_find(options, "lambda")->number;
	s->min_observations = rk_option_find(options, "min_observations")->integer;
	s->change_threshold = threshold->is_null ? NAN : threshold->number;
	s->as_returns = returns->is_null ? RETURNS_NONE : RETURNS_LOG + (int) returns->integer;
	s->max_assets = rk_option_find(options, "max_assets")->integer;
	s->time = INT64_MIN;
	*state = s;
	return RK_OK;
}

static int64_t
pairs_below(uint32_t n)
{
	return n == 0 ? 0 : (int64_t) n * (n - 1) / 2;
}

static pair_moments *
pair_of(const correlation_state *s, uint32_t i, uint32_t j)
{
	return i > j ? &s->pairs[pairs_below(i) + j] : &s->pairs[pairs_below(j) + i];
}

/* Correlation of a pair; NaN for too few observations or a constant one. */
static double
correlation_of(const correlation_state *s, const pair_moments *p)
{
	return p->count < s->min_observations ? NAN : rk_correlation_of_products(p->ab, p->aa, p->bb);
}

/* Takes in values of both at one time. */
static void
fold(const correlation_state *s, pair_moments *p, double a, double b)
{
	p->count++;
	if (s->estimator == RK_EWMA)
	{
		double		w = p->count == 1 ? 1 : 1 - s->lambda;

		p->aa = s->lambda * p->aa + w * a * a;
		p->bb = s->lambda * p->bb + w * b * b;
		p->ab = s->lambda * p->ab + w * a * b;
	}
	else
	{
		double		da = a - p->mean_a;
		double		db = b - p->mean_b;

		p->mean_a += da / (double) p->count;
		p->mean_b += db / (double) p->count;
		p->aa += da * (a - p->mean_a);
		p->bb += db * (b - p->mean_b);
		p->ab += da * (b - p->mean_b);
	}
}

/* Makes an array larger, or makes it. */
static bool
enlarge(rk_ctx *ctx, void **array, int64_t count, size_t size)
{
	void	   *p = *array ? rk_realloc(ctx, *array, count, size) : rk_alloc(ctx, count, size);

	if (p == NULL)
		return false;
	*array = p;
	return true;
}

/* Room for one more asset. */
static rk_status
reserve(rk_ctx *ctx, correlation_state *s)
{
	rk_status	status;
	uint32_t	capacity;

	if (s->names.count >= s->max_assets)
	{
		rk_fail(ctx, RK_ERR_LIMIT, "ring has %u assets already", s->names.count);
		rk_fail_hint(ctx, "Start it with a larger option max_assets, or reset it.");
		return RK_ERR_LIMIT;
	}
	status = rk_names_reserve(ctx, &s->names);
	capacity = s->names.capacity;
	if (status != RK_OK || capacity == s->capacity)
		return status;
	if (!enlarge(ctx, (void **) &s->assets, capacity, sizeof(asset)) ||
		!enlarge(ctx, (void **) &s->now, capacity, sizeof(uint32_t)) ||
		!enlarge(ctx, (void **) &s->pairs, pairs_below(capacity), sizeof(pair_moments)))
		return RK_ERR_MEMORY;
	s->capacity = capacity;
	return RK_OK;
}

/* An asset without observations; there is room for it. */
static uint32_t
add_asset(correlation_state *s, const char *name)
{
	uint32_t	i = rk_names_add(&s->names, name);

	s->assets[i] = (asset) {INT64_MIN, NAN, NAN};
	if (i > 0)
		memset(&s->pairs[pairs_below(i)], 0, sizeof(pair_moments) * i);
	return i;
}

static rk_status
check_observation(rk_ctx *ctx, const correlation_state *s, const rk_observe_request *q, uint32_t i)
{
	if (rk_name_check(ctx, "asset", q->asset) != RK_OK)
		return ctx->error.status;
	if (!isfinite(q->value))
		return rk_fail(ctx, RK_ERR_PARAMETER, "field \"value\" must be a finite number");
	if (s->as_returns != RETURNS_NONE && q->value <= 0)
		return rk_fail(ctx, RK_ERR_PARAMETER, "field \"value\" must be above 0, being a price");
	if (q->ts < s->time)
		return rk_fail(ctx, RK_ERR_DATA, "observation of \"%.*s\" is older than one before it", RK_NAME_BYTES, q->asset);
	if (i != RK_NO_NAME && q->ts == s->assets[i].time)
		return rk_fail(ctx, RK_ERR_DATA, "\"%.*s\" is observed twice at one time", RK_NAME_BYTES, q->asset);
	return RK_OK;
}

/* The value that an observation stands for; NaN: the first price. */
static double
value_of(const correlation_state *s, const rk_observe_request *q, uint32_t i)
{
	double		before = i == RK_NO_NAME ? NAN : s->assets[i].price;

	switch (s->as_returns)
	{
		case RETURNS_LOG:
			return log(q->value / before);
		case RETURNS_SIMPLE:
			return q->value / before - 1;
		default:
			return q->value;
	}
}

/* Folds a value with that of another asset at its time, and says what that did. */
static void
meet(correlation_state *s, uint32_t i, uint32_t j, int64_t ts, rk_observe_reply *r, rk_reply *reply)
{
	pair_moments *p = pair_of(s, i, j);
	double		before = correlation_of(s, p);
	double		after;
	double		change;

	if (i < j)
		fold(s, p, s->assets[i].value, s->assets[j].value);
	else
		fold(s, p, s->assets[j].value, s->assets[i].value);
	r->correlations_updated++;
	after = correlation_of(s, p);
	change = after - before;
	if (isnan(change))
		return;
	if (isnan(r->max_change) || fabs(change) > fabs(r->max_change))
	{
		r->max_change = change;
		memcpy(r->other_asset, s->names.name[j].text, RK_NAME_BYTES);
	}
	if (fabs(change) >= s->change_threshold)
	{
		r->change_count++;
		if (reply->publish)
		{
			rk_correlation_alert alert = {
				.previous_correlation = before,
				.correlation = after,
				.ts = ts
			};

			memcpy(alert.asset_i, s->names.name[i].text, RK_NAME_BYTES);
			memcpy(alert.asset_j, s->names.name[j].text, RK_NAME_BYTES);
			rk_publish(reply, 486, &alert, sizeof(alert));
		}
	}
}

static rk_status
observe(rk_ctx *ctx, correlation_state *s, const rk_observe_request *q, rk_reply *reply)
{
	rk_observe_reply *r = rk_reply_reserve(ctx, reply, sizeof(*r));
	uint32_t	i = rk_names_find(&s->names, q->asset);
	double		value;
	rk_status	status;

	if (r == NULL)
		return ctx->error.status;
	if ((status = check_observation(ctx, s, q, i)) != RK_OK)
		return status;
	value = value_of(s, q, i);
	if (isinf(value))
		return rk_fail(ctx, RK_ERR_OVERFLOW, "return is out of range");
	if (i == RK_NO_NAME)
	{
		if ((status = reserve(ctx, s)) != RK_OK)
			return status;
		i = add_asset(s, q->asset);
	}
	if (q->ts > s->time)
		s->now_count = 0;
	s->time = q->ts;
	s->assets[i] = (asset) {q->ts, value, q->value};
	r->max_change = NAN;
	if (isnan(value))
		return RK_OK;
	for (uint32_t k = 0; k < s->now_count; k++)
		meet(s, i, s->now[k], q->ts, r, reply);
	s->now[s->now_count++] = i;
	return RK_OK;
}

static rk_status
query_pair(rk_ctx *ctx, const correlation_state *s, const rk_pair_request *q, rk_reply *reply)
{
	rk_pair_reply *r = rk_reply_reserve(ctx, reply, sizeof(*r));
	uint32_t	i = rk_names_find(&s->names, q->asset_i);
	uint32_t	j = rk_names_find(&s->names, q->asset_j);
	const pair_moments *p;

	if (r == NULL)
		return ctx->error.status;
	if (memcmp(q->asset_i, q->asset_j, RK_NAME_BYTES) == 0)
		return rk_fail(ctx, RK_ERR_PARAMETER, "fields \"asset_i\" and \"asset_j\" must differ");
	if (i == RK_NO_NAME || j == RK_NO_NAME)
	{
		r->status = RK_RISK_UNKNOWN_ASSET;
		return RK_OK;
	}
	p = pair_of(s, i, j);
	r->correlation = correlation_of(s, p);
	r->num_observations = p->count;
	return RK_OK;
}

static rk_status
query_row(rk_ctx *ctx, const correlation_state *s, const rk_asset_name *q, rk_reply *reply)
{
	uint32_t	i = rk_names_find(&s->names, q->asset);
	rk_correlation_row *row;

	if (i == RK_NO_NAME || s->names.count == 1)
		return RK_OK;
	row = rk_reply_reserve(ctx, reply, (s->names.count - 1) * sizeof(*row));
	if (row == NULL)
		return ctx->error.status;
	for (uint32_t j = 0; j < s->names.count; j++)
	{
		const pair_moments *p;

		if (j == i)
			continue;
		p = pair_of(s, i, j);
		memcpy(row->asset_j, s->names.name[j].text, RK_NAME_BYTES);
		row->correlation = correlation_of(s, p);
		row->num_observations = p->count;
		row++;
	}
	return RK_OK;
}

/* Forgets all assets; the memory stays for those to come. */
static rk_status
reset(rk_ctx *ctx, correlation_state *s, rk_reply *reply)
{
	rk_correlation_reset_reply *r = rk_reply_reserve(ctx, reply, sizeof(*r));

	if (r == NULL)
		return ctx->error.status;
	r->assets = s->names.count;
	rk_names_clear(&s->names);
	s->now_count = 0;
	s->time = INT64_MIN;
	return RK_OK;
}

static rk_status
correlation_handle(rk_ctx *ctx, void *state, const rk_message *message, rk_reply *reply)
{
	correlation_state *s = state;

	switch (message->type_id)
	{
		case 480:
			return observe(ctx, s, message->payload, reply);
		case 482:
			return query_pair(ctx, s, message->payload, reply);
		case 484:
			return query_row(ctx, s, message->payload, reply);
		case 487:
			return reset(ctx, s, reply);
	}
	return rk_fail(ctx, RK_ERR_UNSUPPORTED, "risk/realtime-correlation has no message %u", message->type_id);
}

/* ---- snapshots ---- */

typedef struct stored_header
{
	int64_t		time;
	int64_t		assets;
	int64_t		now;
} stored_header;

static rk_status
correlation_snapshot(rk_ctx *ctx, void *state, rk_writer *writer)
{
	correlation_state *s = state;
	uint32_t	n = s->names.count;
	stored_header h = {s->time, n, s->now_count};
	rk_status	status = rk_write(ctx, writer, &h, sizeof(h));

	if (status == RK_OK && n > 0)
		status = rk_write(ctx, writer, s->names.name, n * sizeof(rk_name));
	if (status == RK_OK && n > 0)
		status = rk_write(ctx, writer, s->assets, n * sizeof(asset));
	if (status == RK_OK && s->now_count > 0)
		status = rk_write(ctx, writer, s->now, s->now_count * sizeof(uint32_t));
	if (status == RK_OK && n > 1)
		status = rk_write(ctx, writer, s->pairs, pairs_below(n) * sizeof(pair_moments));
	return status;
}

static rk_status
correlation_restore(rk_ctx *ctx, const rk_options *options, uint32_t version, rk_reader *reader, void **state)
{
	rk_status	status = correlation_init(ctx, options, state);
	correlation_state *s = *state;
	stored_header h;
	rk_name		name;

	(void) version;
	if (status != RK_OK || (status = rk_read_bytes(ctx, reader, &h, sizeof(h))) != RK_OK)
		return status;
	if (h.assets < 0 || h.assets > (int64_t) (reader->left / sizeof(rk_name)) || h.now < 0 || h.now > h.assets)
		return rk_fail(ctx, RK_ERR_CORRUPT, "snapshot has an impossible number of assets");
	/* the option may have been lowered: who is there stays */
	if (h.assets > s->max_assets)
		s->max_assets = h.assets;
	for (int64_t i = 0; i < h.assets; i++)
	{
		if ((status = rk_read_bytes(ctx, reader, &name, sizeof(name))) != RK_OK ||
			(status = reserve(ctx, s)) != RK_OK)
			return status;
		if (rk_names_find(&s->names, name.text) != RK_NO_NAME)
			return rk_fail(ctx, RK_ERR_CORRUPT, "snapshot has an asset twice");
		(void) add_asset(s, name.text);
	}
	s->time = h.time;
	s->now_count = h.now;
	if (h.assets == 0)
		return RK_OK;
	if ((status = rk_read_bytes(ctx, reader, s->assets, h.assets * sizeof(asset))) != RK_OK ||
		(status = rk_read_bytes(ctx, reader, s->now, h.now * sizeof(uint32_t))) != RK_OK)
		return status;
	for (int64_t k = 0; k < h.now; k++)
		if (s->now[k] >= h.assets)
			return rk_fail(ctx, RK_ERR_CORRUPT, "snapshot has an observation of no asset");
	return rk_read_bytes(ctx, reader, s->pairs, pairs_below(h.assets) * sizeof(pair_moments));
}

static uint64_t
correlation_checksum(rk_ctx *ctx, void *state)
{
	correlation_state *s = state;
	uint64_t	sum = 0;

	(void) ctx;
	for (uint32_t i = 0; i < s->names.count; i++)
	{
		const asset *a = &s->assets[i];
		uint64_t	h = rk_hash_fold(rk_name_hash(s->names.name[i].text), (uint64_t) a->time);

		h = rk_hash_fold(h, rk_number_bits(a->value));
		sum += rk_hash_fold(h, rk_number_bits(a->price));
		for (uint32_t j = 0; j < i; j++)
		{
			const pair_moments *p = pair_of(s, i, j);
			uint64_t	a_side = rk_hash_fold(rk_name_hash(s->names.name[j].text), rk_number_bits(p->mean_a));
			uint64_t	b_side = rk_hash_fold(rk_name_hash(s->names.name[i].text), rk_number_bits(p->mean_b));

			if (p->count == 0)
				continue;
			/* which of the two came first does not matter */
			h = rk_hash_fold(a_side, rk_number_bits(p->aa)) + rk_hash_fold(b_side, rk_number_bits(p->bb));
			sum += rk_hash_fold(rk_hash_fold(h, rk_number_bits(p->ab)), (uint64_t) p->count);
		}
	}
	return rk_hash_fold(sum, (uint64_t) s->time);
}

static const char *const estimators[] = {"pearson", "ewma", NULL};
static const char *const price_returns[] = {"log", "simple", NULL};

static const rk_param correlation_options[] = {
	{.name = "observations",.type = RK_TYPE_RELATION,.initial = "NULL",
	.meaning = "rows (asset, value, ts) to begin with, in order of ts"},
	{.name = "estimator",.type = RK_TYPE_TEXT,.initial = "'pearson'",.choices = estimators,
	.meaning = "pearson, or ewma (RiskMetrics)"},
	{.name = "lambda",.type = RK_TYPE_FLOAT8,.initial = "0.94",RK_BETWEEN_OPEN(0, 1),
	.meaning = "of ewma: weight that the past keeps at each step"},
	{.name = "min_observations",.type = RK_TYPE_INT8,.initial = "30",RK_AT_LEAST(2),
	.meaning = "fewer give no correlation"},
	{.name = "change_threshold",.type = RK_TYPE_FLOAT8,.initial = "NULL",RK_AT_LEAST(0),
	.meaning = "a correlation that changes this much is published; NULL: none is"},
	{.name = "as_returns",.type = RK_TYPE_TEXT,.initial = "NULL",.choices = price_returns,
	.meaning = "values are prices, and their log or simple returns are correlated"},
	{.name = "max_assets",.type = RK_TYPE_INT4,.initial = "1000",RK_BETWEEN(2, 1000),
	.meaning = "an observation of one more is an error; memory is 24 bytes for the square of their number"},
	{0}
};

static const rk_actor_load correlation_loads[] = {{"observations", 480}, {0}};

const rk_actor rk_actor_risk_realtime_correlation = {
	.kernel = "risk/realtime-correlation",
	.version = 1,
	.description = "correlations of assets that are observed one by one",
	.messages = rk_risk_correlation_messages,
	.options = correlation_options,
	.loads = correlation_loads,
	.init = correlation_init,
	.handle = correlation_handle,
	.snapshot = correlation_snapshot,
	.restore = correlation_restore,
	.checksum = correlation_checksum
};
