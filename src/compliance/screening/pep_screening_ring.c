/*
 * pep_screening_ring.c
 *	  compliance/pep-screening as an actor: a list of politically exposed
 *	  persons that changes entry by entry, and names that are screened against
 *	  it as they come.
 *
 * Who is in office, and who has cooled off, is seen from the day on which a
 * name is sent.
 */
#include "screening_ring.h"

#include <math.h>
#include <string.h>

#include "parties.h"

#define EPOCH_DAYS 10957		/* from 1970 to 2000 */
#define DAY_NS INT64_C(86400000000000)

typedef struct pep_state
{
	rk_kept_list *list;
	int64_t		cooling_off;	/* months; -1: never */
} pep_state;

static rk_status
pep_init(rk_ctx *ctx, const rk_options *options, void **state)
{
	pep_state  *s = rk_alloc0(ctx, 1, sizeof(*s));
	const rk_option *months = rk_option_find(options, "cooling_off_months");

	if (s == NULL)
		return RK_ERR_MEMORY;
	*state = s;
	s->cooling_off = months->is_null ? -1 : months->integer;
	return rk_kept_open(ctx, options, false, &s->list);
}

static rk_status
load(rk_ctx *ctx, pep_state *s, const rk_pep_entry *q, rk_reply *reply)
{
	rk_list_count *r = rk_reply_reserve(ctx, reply, sizeof(*r));
	rk_kept_input in = {
		.id = &q->entry_id,
		.texts = {q->entry_name, q->position, q->country, "", ""},
		.sizes = {sizeof(q->entry_name), sizeof(q->position), sizeof(q->country)},
		.aliases = q->aliases,.day = q->left_on,.level = q->level,.active = q->active,.born = RK_FIELD_ABSENT_INT4
	};
	rk_status	status;

	if (r == NULL)
		return ctx->error.status;
	status = rk_kept_put(ctx, s->list, &in);
	r->entry_count = s->list->ids.count;
	return status;
}

static rk_status
drop(rk_ctx *ctx, pep_state *s, const rk_list_entry_name *q, rk_reply *reply)
{
	rk_list_removed *r = rk_reply_reserve(ctx, reply, sizeof(*r));

	if (r == NULL)
		return ctx->error.status;
	return rk_kept_drop(ctx, s->list, &q->entry_id, &r->removed);
}

/* ---- screening ---- */

static bool
in_office(const rk_kept *k, int64_t today)
{
	if (k->active != RK_FIELD_ABSENT_BOOLEAN)
		return k->active;
	return k->day == RK_FIELD_ABSENT_INT4 || k->day > today;
}

/* Whether so many months after the person has left office lie before today. */
static bool
cooled_off(const pep_state *s, const rk_kept *k, int64_t today)
{
	if (s->cooling_off < 0 || k->day == RK_FIELD_ABSENT_INT4 || in_office(k, today))
		return false;
	return rk_packed_plus_months(rk_packed_date((int64_t) k->day - EPOCH_DAYS), s->cooling_off) <
		rk_packed_date(today - EPOCH_DAYS);
}

/* Whether a comes before b: by score, level, office, and the order of coming. */
static bool
comes_before(const pep_state *s, const rk_list_hit *a, const rk_list_hit *b, int64_t today)
{
	const rk_kept *x = &s->list->kept[a->entry];
	const rk_kept *y = &s->list->kept[b->entry];
	int32_t		x_level = x->level == RK_FIELD_ABSENT_INT4 ? 4 : x->level;
	int32_t		y_level = y->level == RK_FIELD_ABSENT_INT4 ? 4 : y->level;

	if (a->score != b->score)
		return a->score > b->score;
	if (x_level != y_level)
		return x_level < y_level;
	if (in_office(x, today) != in_office(y, today))
		return in_office(x, today);
	return x->sequence < y->sequence;
}

static rk_status
screen(rk_ctx *ctx, pep_state *s, const rk_message *message, rk_reply *reply)
{
	const rk_pep_request *q = message->payload;
	rk_pep_reply *r = rk_reply_reserve(ctx, reply, sizeof(*r));
	rk_kept_list *l = s->list;
	rk_list_evidence nothing = {RK_NO_DATE, RK_NO_CODE, RK_NO_CODE};
	rk_bytes	name = {q->query_name, (uint32_t) strnlen(q->query_name, sizeof(q->query_name))};
	int64_t		today = message->sent_ns / DAY_NS - (message->sent_ns % DAY_NS < 0);
	const rk_list_hit *hits;
	const rk_list_hit *best = NULL;
	uint32_t	count;
	rk_status	status;

	if (r == NULL)
		return ctx->error.status;
	status = rk_name_list_search(l->names, name, &nothing, l->hit_score, l->min_score, &hits, &count);
	if (status != RK_OK)
		return status;
	/* who is exposed comes before all others */
	for (uint32_t i = 0; i < count; i++)
	{
		bool		exposed = hits[i].score >= l->hit_score && !cooled_off(s, &l->kept[hits[i].entry], today);

		if (best == NULL || exposed > r->is_pep || (exposed == r->is_pep && comes_before(s, &hits[i], best, today)))
			best = &hits[i];
		r->is_pep = r->is_pep || exposed;
		r->match_count += exposed;
	}
	r->best_score = best ? best->score : NAN;
	r->level = best ? l->kept[best->entry].level : RK_FIELD_ABSENT_INT4;
	if (best)
		memcpy(r->best_entry, l->ids.name[best->entry].text, RK_NAME_BYTES);
	l->screened++;
	l->found += r->is_pep;
	return RK_OK;
}

static rk_status
pep_handle(rk_ctx *ctx, void *state, const rk_message *message, rk_reply *reply)
{
	switch (message->type_id)
	{
		case 346:
			return screen(ctx, state, message, reply);
		case 348:
			return load(ctx, state, message->payload, reply);
		case 360:
			return drop(ctx, state, message->payload, reply);
	}
	return rk_fail(ctx, RK_ERR_UNSUPPORTED, "compliance/pep-screening has no message %u", message->type_id);
}

/* ---- snapshots ---- */

static rk_status
pep_snapshot(rk_ctx *ctx, void *state, rk_writer *writer)
{
	return rk_kept_snapshot(ctx, ((pep_state *) state)->list, writer);
}

/* Names alone count. */
static void
no_evidence(const rk_kept *kept, rk_kept_input *in)
{
	(void) kept;
	(void) in;
}

static rk_status
pep_restore(rk_ctx *ctx, const rk_options *options, uint32_t version, rk_reader *reader, void **state)
{
	rk_status	status = pep_init(ctx, options, state);

	(void) version;
	return status == RK_OK ? rk_kept_restore(ctx, ((pep_state *) *state)->list, reader, no_evidence) : status;
}

static uint64_t
pep_checksum(rk_ctx *ctx, void *state)
{
	return rk_kept_checksum(ctx, ((pep_state *) state)->list);
}

static const rk_param pep_options[] = {
	{.name = "pep_list",.type = RK_TYPE_RELATION,.initial = "NULL",
	.meaning = "entries to begin with, as the batch function takes them"},
	RK_KEPT_OPTIONS,
	{.name = "cooling_off_months",.type = RK_TYPE_INT4,.initial = "NULL",RK_BETWEEN(0, 1200),
	.meaning = "former persons are no longer exposed when so many months have passed since left_on; NULL: they are"},
	{0}
};

static const rk_actor_load pep_loads[] = {{"pep_list", 348}, {0}};

const rk_actor rk_actor_compliance_pep_screening = {
	.kernel = "compliance/pep-screening",
	.version = 1,
	.description = "names screened against a list of politically exposed persons that changes entry by entry",
	.messages = rk_compliance_pep_messages,
	.options = pep_options,
	.loads = pep_loads,
	.init = pep_init,
	.handle = pep_handle,
	.snapshot = pep_snapshot,
	.restore = pep_restore,
	.checksum = pep_checksum
};
