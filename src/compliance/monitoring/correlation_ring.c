/*
 * correlation_ring.c
 *	  compliance/alert-correlation: what the alerts of several rings say together
 *	  about an entity.
 *
 * It takes the alerts of other kernels (message 350), through links, topics or
 * tables, keeps those of the last time_window of each entity, and publishes the
 * risk that follows from them, cases, and their updates; with the option freeze
 * it asks rings that monitor to freeze who is to be blocked.
 *
 * Time is that of the alerts: the newest one that the ring has seen is now.
 * What a kernel says of an entity is the highest score of its alerts; the risk
 * of the entity is the mean over kernels, weighted by their numbers of alerts.
 */
#include "correlation_ring.h"
#include "monitoring_ring.h"

#include "../../compute/random.h"

#define KERNEL "compliance/alert-correlation"
#define FIRST_ENTITIES 64
#define FIRST_ALERTS 4
#define MAX_KERNELS 1000

typedef struct alert
{
	int64_t		ts;				/* ns since 1970 */
	double		risk_score;
	uint32_t	related;		/* number of the entity; RK_NO_ID: none */
	uint16_t	kernel;			/* number of the name */
	uint8_t		severity;
	uint8_t		type;
	char		context[RK_ALERT_CONTEXT_BYTES];
} alert;

typedef struct entity
{
	alert	   *alerts;			/* in the order of ts, then as they came */
	int32_t		count;
	int32_t		capacity;
	int64_t		case_id;		/* 0: no case is open */
	int32_t		recommendation; /* last one of its case */
	bool		known;			/* has had an alert */
} entity;

typedef struct correlation
{
	rk_keys		ids;
	int64_t		window;			/* ns */
	int32_t		case_at;		/* recommendation that opens a case */
	bool		freeze;			/* whether Freeze is said */
	int64_t		freeze_duration;	/* us, or absent */
	int64_t		newest;			/* ts of all alerts; INT64_MIN: none yet */
	int64_t		cases;			/* that were opened */
	entity	   *entities;		/* by number of the id */
	uint32_t	capacity;
	char		(*kernels)[RK_ALERT_KERNEL_BYTES];
	uint32_t	kernel_count;
	uint32_t	kernel_capacity;
} correlation;

/* What is known of an entity. */
typedef struct risk
{
	double		score;
	int64_t		alerts;
	int64_t		types;			/* bits by type, from 0 */
	int32_t		max_severity;
	int32_t		kernels;
	rk_recommendation recommendation;
} risk;

static rk_recommendation
recommended(double score)
{
	return score >= 75 ? RK_RECOMMEND_BLOCK : score >= 50 ? RK_RECOMMEND_ESCALATE :
		score >= 25 ? RK_RECOMMEND_MONITOR : RK_RECOMMEND_NONE;
}

/* Alerts at or before this moment no longer count. */
static int64_t
begins_after(int64_t newest, int64_t window)
{
	int64_t		ts;

	return __builtin_sub_overflow(newest, window, &ts) ? INT64_MIN : ts;
}

static void
let_go(const correlation *c, entity *e)
{
	int64_t		after = begins_after(c->newest, c->window);
	int32_t		gone = 0;

	while (gone < e->count && e->alerts[gone].ts <= after)
		gone++;
	if (gone == 0)
		return;
	e->count -= gone;
	memmove(e->alerts, e->alerts + gone, sizeof(alert) * e->count);
}

/*
 * The risk from the alerts after a moment.  Kernels are few: those that were
 * seen are looked for among the alerts.
 */
static risk
risk_of(const entity *e, int64_t after)
{
	risk		r = {0};
	double		sum = 0;

	for (int32_t i = 0; i < e->count; i++)
	{
		const alert *a = &e->alerts[i];
		double		highest = a->risk_score;
		int64_t		same = 1;
		bool		first = true;

		if (a->ts <= after)
			continue;
		r.alerts++;
		r.types |= INT64_C(1) << (a->type - 1);
		r.max_severity = a->severity > r.max_severity ? a->severity : r.max_severity;
		for (int32_t k = i - 1; k >= 0 && first && e->alerts[k].ts > after; k--)
			first = e->alerts[k].kernel != a->kernel;
		if (!first)
			continue;
		for (int32_t k = i + 1; k < e->count; k++)
			if (e->alerts[k].kernel == a->kernel)
			{
				highest = e->alerts[k].risk_score > highest ? e->alerts[k].risk_score : highest;
				same++;
			}
		r.kernels++;
		sum += highest * (double) same;
	}
	if (r.alerts > 0)
		r.score = sum / (double) r.alerts;
	r.recommendation = recommended(r.score);
	return r;
}

/* ---- messages ---- */

/* Appends a text to a list of them, each ended by a zero, unless it is there or there are enough. */
static void
list_add(char *list, const char *text, size_t size)
{
	size_t		at = 0;
	size_t		length = strnlen(text, size);
	int			items = 0;

	if (length == 0)
		return;
	for (; list[at]; at += strlen(list + at) + 1, items++)
		if (strlen(list + at) == length && memcmp(list + at, text, length) == 0)
			return;
	if (items < RK_CASE_LIST)
		memcpy(list + at, text, length);
}

static void
open_case(correlation *c, uint32_t i, const risk *r, int64_t ts, rk_reply *reply)
{
	entity	   *e = &c->entities[i];
	rk_case_creation record;

	e->case_id = ++c->cases;
	if (reply->publish == NULL)
		return;
	memset(&record, 0, sizeof(record));
	record.case_id = e->case_id;
	record.entity = rk_keys_id(&c->ids, i);
	record.total_risk = r->score;
	record.ts = ts;
	record.priority = 1 + r->recommendation;
	/* the newest ones first */
	for (int32_t k = e->count - 1; k >= 0; k--)
	{
		const alert *a = &e->alerts[k];

		list_add(record.kernels, c->kernels[a->kernel], RK_ALERT_KERNEL_BYTES);
		if (a->related != RK_NO_ID)
		{
			rk_id		related = rk_keys_id(&c->ids, a->related);
			char		text[RK_ID_ROOM];

			list_add(record.related, rk_id_text(&related, text), sizeof(text));
		}
	}
	rk_publish(reply, 355, &record, sizeof(record));
}

static void
update_case(const correlation *c, uint32_t i, rk_case_update_type type, double score, int64_t ts, rk_reply *reply)
{
	const entity *e = &c->entities[i];
	rk_case_update record;

	if (reply->publish == NULL)
		return;
	memset(&record, 0, sizeof(record));
	record.case_id = e->case_id;
	record.entity = rk_keys_id(&c->ids, i);
	record.new_risk = score;
	record.ts = ts;
	record.update_type = type;
	for (int32_t k = e->count - 1; k >= 0; k--)
		list_add(record.evidence, e->alerts[k].context, RK_ALERT_CONTEXT_BYTES);
	rk_publish(reply, 356, &record, sizeof(record));
}

/* Asks to freeze an entity. */
static void
ask_to_freeze(const correlation *c, uint32_t i, rk_reply *reply)
{
	rk_freeze_request record;

	if (reply->publish == NULL)
		return;
	memset(&record, 0, sizeof(record));
	record.entity = rk_keys_id(&c->ids, i);
	record.duration = c->freeze_duration;
	strcpy(record.reason, "alerts of " KERNEL);
	rk_publish(reply, RK_FREEZE, &record, sizeof(record));
}

static rk_status
kernel_number(rk_ctx *ctx, correlation *c, const char *name, uint16_t *number)
{
	uint32_t	i = 0;

	while (i < c->kernel_count && memcmp(c->kernels[i], name, RK_ALERT_KERNEL_BYTES) != 0)
		i++;
	*number = (uint16_t) i;
	if (i < c->kernel_count)
		return RK_OK;
	if (i == MAX_KERNELS)
		return rk_fail(ctx, RK_ERR_LIMIT, "alerts of more than %d kernels", MAX_KERNELS);
	if (i == c->kernel_capacity)
	{
		int64_t		capacity = i ? 2 * (int64_t) i : 8;
		void	   *kernels = c->kernels ? rk_realloc(ctx, c->kernels, capacity, sizeof(*c->kernels)) :
			rk_alloc(ctx, capacity, sizeof(*c->kernels));

		if (kernels == NULL)
			return RK_ERR_MEMORY;
		c->kernels = kernels;
		c->kernel_capacity = (uint32_t) capacity;
	}
	/* counted when nothing can fail any more */
	memcpy(c->kernels[i], name, RK_ALERT_KERNEL_BYTES);
	return RK_OK;
}

/* The entity with this number, and room for one more alert of it. */
static rk_status
alert_room(rk_ctx *ctx, correlation *c, uint32_t i)
{
	entity	   *e;

	if (i >= c->capacity)
	{
		int64_t		capacity = 2 * (int64_t) c->capacity;
		entity	   *entities;

		while (capacity <= i)
			capacity *= 2;
		entities = rk_realloc(ctx, c->entities, capacity, sizeof(*entities));
		if (entities == NULL)
			return RK_ERR_MEMORY;
		memset(entities + c->capacity, 0, sizeof(*entities) * (capacity - c->capacity));
		c->entities = entities;
		c->capacity = (uint32_t) capacity;
	}
	e = &c->entities[i];
	let_go(c, e);
	if (e->count == e->capacity)
	{
		int64_t		capacity = e->capacity ? 2 * (int64_t) e->capacity : FIRST_ALERTS;
		alert	   *alerts;

		if (capacity > INT32_MAX)
			return rk_fail(ctx, RK_ERR_LIMIT, "too many alerts about an entity");
		alerts = e->alerts ? rk_realloc(ctx, e->alerts, capacity, sizeof(*alerts)) :
			rk_alloc(ctx, capacity, sizeof(*alerts));
		if (alerts == NULL)
			return RK_ERR_MEMORY;
		e->alerts = alerts;
		e->capacity = (int32_t) capacity;
	}
	return RK_OK;
}

static rk_status
do_alert(rk_ctx *ctx, correlation *c, const rk_alert_broadcast *q, rk_reply *reply)
{
	rk_alert_ack *r = rk_reply_reserve(ctx, reply, sizeof(*r));
	alert		a;
	uint32_t	i;
	entity	   *e;
	risk		now;
	int32_t		at;
	rk_status	status;

	if (r == NULL)
		return ctx->error.status;
	memset(&a, 0, sizeof(a));
	a.related = RK_NO_ID;
	if (q->source_kernel[0] == '\0')
		return rk_fail(ctx, RK_ERR_DATA, "source_kernel must not be empty");
	/* whatever may fail comes first */
	if ((status = kernel_number(ctx, c, q->source_kernel, &a.kernel)) != RK_OK ||
		(status = rk_keys_add(ctx, &c->ids, "entity", &q->entity, &i)) != RK_OK ||
		(q->related_entity.kind != RK_ID_NONE &&
		 (status = rk_keys_add(ctx, &c->ids, "related_entity", &q->related_entity, &a.related)) != RK_OK) ||
		(status = alert_room(ctx, c, i)) != RK_OK)
		return status;

	c->kernel_count += a.kernel == c->kernel_count;
	memcpy(r->kernel_id, KERNEL, sizeof(KERNEL));
	c->newest = q->ts > c->newest ? q->ts : c->newest;
	e = &c->entities[i];
	e->known = true;
	let_go(c, e);
	/* nothing has been heard for as long as alerts count */
	if (e->case_id != 0 && e->count == 0)
	{
		update_case(c, i, RK_CASE_STATUS_CHANGE, 0, q->ts, reply);
		e->case_id = 0;
	}
	if (q->ts <= begins_after(c->newest, c->window))
		return RK_OK;

	a.ts = q->ts;
	a.risk_score = q->risk_score;
	a.severity = (uint8_t) q->severity;
	a.type = (uint8_t) q->alert_type;
	memcpy(a.context, q->context, sizeof(a.context));
	for (at = e->count; at > 0 && e->alerts[at - 1].ts > a.ts; at--)
		;
	memmove(e->alerts + at + 1, e->alerts + at, sizeof(alert) * (e->count - at));
	e->alerts[at] = a;
	e->count++;

	now = risk_of(e, INT64_MIN);
	r->correlation_found = now.kernels > 1;
	if (a.related != RK_NO_ID && a.related != i && a.related < c->capacity)
	{
		let_go(c, &c->entities[a.related]);
		r->correlation_found |= c->entities[a.related].count > 0;
	}
	if (reply->publish)
	{
		rk_aggregated_risk record = {
			.entity = rk_keys_id(&c->ids, i), .score = now.score, .total_alerts = now.alerts, .ts = e->alerts[e->count - 1].ts,
			.kernel_count = now.kernels, .recommendation = now.recommendation
		};

		rk_publish(reply, 354, &record, sizeof(record));
	}
	if (e->case_id == 0 && (int32_t) now.recommendation >= c->case_at)
		open_case(c, i, &now, q->ts, reply);
	else if (e->case_id != 0)
		update_case(c, i, (int32_t) now.recommendation != e->recommendation ? RK_CASE_RISK_CHANGE : RK_CASE_NEW_EVIDENCE,
					now.score, q->ts, reply);
	if (c->freeze && now.recommendation == RK_RECOMMEND_BLOCK && e->recommendation != RK_RECOMMEND_BLOCK)
		ask_to_freeze(c, i, reply);
	e->recommendation = now.recommendation;
	r->will_action = e->case_id != 0;
	return RK_OK;
}

static rk_status
do_risk(rk_ctx *ctx, correlation *c, const rk_entity_risk_request *q, rk_reply *reply)
{
	rk_entity_risk_reply *r = rk_reply_reserve(ctx, reply, sizeof(*r));
	int64_t		window = c->window;
	uint32_t	i;
	risk		now;
	rk_status	status;

	if (r == NULL)
		return ctx->error.status;
	if (q->time_window != RK_FIELD_ABSENT_INT8)
	{
		if (q->time_window <= 0)
			return rk_fail(ctx, RK_ERR_DATA, "time_window must be longer than nothing");
		if (q->time_window < window / 1000)
			window = q->time_window * 1000;
	}
	if ((status = rk_keys_find(ctx, &c->ids, "entity", &q->entity, &i)) != RK_OK)
		return status;
	if (i == RK_NO_ID || i >= c->capacity || !c->entities[i].known)
	{
		r->status = 1;
		return RK_OK;
	}
	now = risk_of(&c->entities[i], begins_after(c->newest, window));
	r->risk_score = now.score;
	r->alert_count = now.alerts;
	r->patterns = now.types;
	r->max_severity = now.max_severity;
	r->kernel_count = now.kernels;
	r->recommendation = (int16_t) now.recommendation;
	return RK_OK;
}

static rk_status
correlation_handle(rk_ctx *ctx, void *state, const rk_message *message, rk_reply *reply)
{
	switch (message->type_id)
	{
		case 350:
			return do_alert(ctx, state, message->payload, reply);
		case 352:
			return do_risk(ctx, state, message->payload, reply);
	}
	return rk_fail(ctx, RK_ERR_UNSUPPORTED, KERNEL " has no message %u", message->type_id);
}

/* ---- its life ---- */

static rk_status
correlation_init(rk_ctx *ctx, const rk_options *options, void **state)
{
	correlation *c = rk_alloc0(ctx, 1, sizeof(*c));
	rk_status	status;

	if (c == NULL)
		return RK_ERR_MEMORY;
	if (__builtin_mul_overflow(rk_option_find(options, "time_window")->integer, 1000, &c->window))
		c->window = INT64_MAX;
	c->case_at = 1 + (int32_t) rk_option_find(options, "case_at")->integer;
	c->freeze = rk_option_find(options, "freeze")->truth;
	c->freeze_duration = rk_option_find(options, "freeze_duration")->is_null ? RK_FIELD_ABSENT_INT8 :
		rk_option_find(options, "freeze_duration")->integer;
	c->newest = INT64_MIN;
	c->capacity = FIRST_ENTITIES;
	c->entities = rk_alloc0(ctx, FIRST_ENTITIES, sizeof(*c->entities));
	if (c->entities == NULL)
		return RK_ERR_MEMORY;
	status = rk_keys_init(ctx, options, &c->ids);
	*state = c;
	return status;
}

typedef struct stored_head
{
	int64_t		newest;
	int64_t		cases;
	int64_t		kernel_count;
} stored_head;

typedef struct stored_entity
{
	int64_t		case_id;
	int32_t		recommendation;
	int32_t		known;
	int64_t		count;
} stored_entity;

static rk_status
correlation_snapshot(rk_ctx *ctx, void *state, rk_writer *writer)
{
	correlation *c = state;
	stored_head head = {c->newest, c->cases, c->kernel_count};
	uint32_t	count = rk_keys_count(&c->ids);
	rk_status	status;

	if ((status = rk_keys_write(ctx, &c->ids, writer)) != RK_OK ||
		(status = rk_write(ctx, writer, &head, sizeof(head))) != RK_OK ||
		(status = rk_write(ctx, writer, c->kernels, sizeof(*c->kernels) * c->kernel_count)) != RK_OK)
		return status;
	for (uint32_t i = 0; i < count; i++)
	{
		entity		none = {0};
		entity	   *e = i < c->capacity ? &c->entities[i] : &none;
		stored_entity out;

		let_go(c, e);
		out = (stored_entity) {e->case_id, e->recommendation, e->known, e->count};
		if ((status = rk_write(ctx, writer, &out, sizeof(out))) != RK_OK ||
			(status = rk_write(ctx, writer, e->alerts, sizeof(alert) * e->count)) != RK_OK)
			return status;
		if (i % 4096 == 4095 && rk_ctx_poll(ctx))
			return RK_STOPPED;
	}
	return RK_OK;
}

static rk_status
corrupt(rk_ctx *ctx)
{
	return rk_fail(ctx, RK_ERR_CORRUPT, "snapshot is not one of " KERNEL);
}

static rk_status
read_entity(rk_ctx *ctx, const correlation *c, entity *e, rk_reader *reader)
{
	stored_entity in;
	rk_status	status = rk_read_bytes(ctx, reader, &in, sizeof(in));

	if (status != RK_OK)
		return status;
	if (in.count < 0 || in.count > INT32_MAX)
		return corrupt(ctx);
	if ((uint64_t) in.count > reader->left / sizeof(alert))
		return rk_fail(ctx, RK_ERR_CORRUPT, "snapshot ends too early");
	*e = (entity) {.case_id = in.case_id, .recommendation = in.recommendation, .known = in.known != 0};
	if (in.count == 0)
		return RK_OK;
	e->alerts = rk_alloc(ctx, in.count, sizeof(*e->alerts));
	if (e->alerts == NULL)
		return RK_ERR_MEMORY;
	e->count = e->capacity = (int32_t) in.count;
	if ((status = rk_read_bytes(ctx, reader, e->alerts, sizeof(*e->alerts) * in.count)) != RK_OK)
		return status;
	for (int32_t i = 0; i < e->count; i++)
	{
		const alert *a = &e->alerts[i];

		if ((i > 0 && a->ts < a[-1].ts) || a->kernel >= c->kernel_count || a->type < RK_ALERT_TRANSACTION ||
			a->type > RK_ALERT_SANCTIONS || (a->related != RK_NO_ID && a->related >= rk_keys_count(&c->ids)))
			return corrupt(ctx);
	}
	return RK_OK;
}

static rk_status
correlation_restore(rk_ctx *ctx, const rk_options *options, uint32_t version, rk_reader *reader, void **state)
{
	rk_status	status = correlation_init(ctx, options, state);
	correlation *c = *state;
	stored_head head;
	uint32_t	count;

	(void) version;
	if (status != RK_OK || (status = rk_keys_read(ctx, &c->ids, reader)) != RK_OK ||
		(status = rk_read_bytes(ctx, reader, &head, sizeof(head))) != RK_OK)
		return status;
	if (head.kernel_count < 0 || head.kernel_count > MAX_KERNELS)
		return corrupt(ctx);
	c->newest = head.newest;
	c->cases = head.cases;
	c->kernel_count = c->kernel_capacity = (uint32_t) head.kernel_count;
	if (c->kernel_count > 0)
	{
		c->kernels = rk_alloc(ctx, c->kernel_count, sizeof(*c->kernels));
		if (c->kernels == NULL)
			return RK_ERR_MEMORY;
		if ((status = rk_read_bytes(ctx, reader, c->kernels, sizeof(*c->kernels) * c->kernel_count)) != RK_OK)
			return status;
	}
	count = rk_keys_count(&c->ids);
	if (count > c->capacity)
	{
		rk_free(ctx, c->entities);
		c->entities = rk_alloc0(ctx, count, sizeof(*c->entities));
		if (c->entities == NULL)
			return RK_ERR_MEMORY;
		c->capacity = count;
	}
	for (uint32_t i = 0; i < count; i++)
	{
		if ((status = read_entity(ctx, c, &c->entities[i], reader)) != RK_OK)
			return status;
		if (i % 4096 == 4095 && rk_ctx_poll(ctx))
			return RK_STOPPED;
	}
	return RK_OK;
}

/* A number for bytes. */
static uint64_t
bytes_hash(const char *bytes, size_t size)
{
	uint64_t	h = rk_hash1(size);

	for (size_t i = 0; i < size; i += 8)
	{
		uint64_t	word;

		memcpy(&word, bytes + i, sizeof(word));
		h = rk_hash_fold(h, word);
	}
	return h;
}

static uint64_t
correlation_checksum(rk_ctx *ctx, void *state)
{
	correlation *c = state;
	uint64_t	all = rk_hash2((uint64_t) c->newest, (uint64_t) c->cases);
	uint32_t	count = rk_keys_count(&c->ids);

	(void) ctx;
	for (uint32_t i = 0; i < count && i < c->capacity; i++)
	{
		entity	   *e = &c->entities[i];
		uint64_t	h;

		/* named by others, or by a message that failed */
		if (!e->known)
			continue;
		let_go(c, e);
		h = rk_hash3(rk_keys_hash(&c->ids, i), (uint64_t) e->case_id, (uint64_t) e->recommendation);
		for (int32_t k = 0; k < e->count; k++)
		{
			const alert *a = &e->alerts[k];
			uint64_t	score;

			memcpy(&score, &a->risk_score, sizeof(score));
			h = rk_hash_fold(h, (uint64_t) a->ts);
			h = rk_hash_fold(h, score);
			h = rk_hash_fold(h, (uint64_t) a->severity * 8 + a->type);
			h = rk_hash_fold(h, a->related == RK_NO_ID ? 0 : rk_keys_hash(&c->ids, a->related));
			h = rk_hash_fold(h, bytes_hash(c->kernels[a->kernel], RK_ALERT_KERNEL_BYTES));
			h = rk_hash_fold(h, bytes_hash(a->context, RK_ALERT_CONTEXT_BYTES));
		}
		all += h;
	}
	return all;
}

static const char *const case_choices[] = {"monitor", "escalate", "block", NULL};

static const rk_param correlation_options[] = {
	RK_ID_TYPE_OPTION,
	{.name = "time_window",.type = RK_TYPE_INTERVAL,.initial = "'30 days'",RK_ABOVE(0),
	.meaning = "how long an alert counts, before the newest alert of the ring"},
	{.name = "case_at",.type = RK_TYPE_TEXT,.initial = "'escalate'",.choices = case_choices,
	.meaning = "the recommendation that opens a case: monitor, escalate or block"},
	{.name = "freeze",.type = RK_TYPE_BOOLEAN,.initial = "false",
	.meaning = "publish a Freeze when the recommendation becomes block"},
	{.name = "freeze_duration",.type = RK_TYPE_INTERVAL,.initial = "NULL",RK_ABOVE(0),.meaning = "for how long; without it, until lifted"},
	{0}
};

const rk_actor rk_actor_compliance_alert_correlation = {
	.kernel = KERNEL,
	.version = 1,
	.description = "what the alerts of several rings say together about an entity",
	.messages = rk_compliance_alerts_messages,
	.options = correlation_options,
	.feed = 350,
	.says = rk_freeze_said,
	.init = correlation_init,
	.handle = correlation_handle,
	.snapshot = correlation_snapshot,
	.restore = correlation_restore,
	.checksum = correlation_checksum
};
