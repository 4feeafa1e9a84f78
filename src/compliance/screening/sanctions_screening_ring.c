/*
 * sanctions_screening_ring.c
 *	  compliance/sanctions-screening as an actor: a list that changes entry by
 *	  entry, and names that are screened against it as they come.
 *
 * The hits are those of the batch function over the entries in the order in
 * which they first came.
 */
#include "screening_ring.h"

#include <math.h>
#include <string.h>

#define SOURCE 1				/* numbers of texts */
#define PROGRAM 2
#define COUNTRY 3
#define TYPE 4
#define EPOCH_DAYS 10957		/* from 1970 to 2000 */

static rk_status
sanctions_init(rk_ctx *ctx, const rk_options *options, void **state)
{
	rk_kept_list *list = NULL;
	rk_status	status = rk_kept_open(ctx, options, rk_option_find(options, "use_secondary")->truth, &list);

	*state = list;
	return status;
}

/* What else is known of an entry. */
static void
set_evidence(const rk_kept *kept, rk_kept_input *in)
{
	(void) kept;
	in->country = (rk_bytes) {in->texts[COUNTRY], (uint32_t) strnlen(in->texts[COUNTRY], in->sizes[COUNTRY])};
	in->type = (rk_bytes) {in->texts[TYPE], (uint32_t) strnlen(in->texts[TYPE], in->sizes[TYPE])};
	in->born = in->day;
}

static rk_status
load(rk_ctx *ctx, rk_kept_list *l, const rk_sanctions_entry *q, rk_reply *reply)
{
	rk_list_count *r = rk_reply_reserve(ctx, reply, sizeof(*r));
	rk_kept_input in = {
		.id = &q->entry_id,
		.texts = {q->entry_name, q->source, q->program, q->country, q->entity_type},
		.sizes = {sizeof(q->entry_name), sizeof(q->source), sizeof(q->program), sizeof(q->country), sizeof(q->entity_type)},
		.aliases = q->aliases,.day = q->date_of_birth
	};
	rk_status	status;

	if (r == NULL)
		return ctx->error.status;
	set_evidence(NULL, &in);
	status = rk_kept_put(ctx, l, &in);
	r->entry_count = l->ids.count;
	return status;
}

static rk_status
drop(rk_ctx *ctx, rk_kept_list *l, const rk_list_entry_name *q, rk_reply *reply)
{
	rk_list_removed *r = rk_reply_reserve(ctx, reply, sizeof(*r));

	if (r == NULL)
		return ctx->error.status;
	return rk_kept_drop(ctx, l, &q->entry_id, &r->removed);
}

/* The first of the hits: the best, and of equal ones that which came first. */
static const rk_list_hit *
best_of(const rk_kept_list *l, const rk_list_hit *hits, uint32_t count)
{
	const rk_list_hit *best = NULL;

	for (uint32_t i = 0; i < count; i++)
		if (best == NULL || hits[i].score > best->score ||
			(hits[i].score == best->score && l->kept[hits[i].entry].sequence < l->kept[best->entry].sequence))
			best = &hits[i];
	return best;
}

static rk_screen_match
type_of(const rk_list_hit *hit)
{
	if (hit->name > 0)
		return hit->one_word ? RK_SCREEN_WEAK_ALIAS : RK_SCREEN_ALIAS;
	return hit->same ? RK_SCREEN_EXACT : RK_SCREEN_FUZZY;
}

static void
publish_match(const rk_kept_list *l, const rk_screen_request *q, const rk_list_hit *hit, int64_t ts, rk_reply *reply)
{
	rk_screen_match type = type_of(hit);
	const char *source = rk_kept_text(&l->kept[hit->entry], SOURCE);
	rk_sanctions_match match = {
		.entity = q->entity,.ts = ts,.confidence = 100 * hit->score,
		.match_type = type == RK_SCREEN_EXACT ? 1 : type == RK_SCREEN_FUZZY ? 2 : 3
	};

	memcpy(match.list_entry, l->ids.name[hit->entry].text, RK_NAME_BYTES);
	memcpy(match.query_name, q->query_name, sizeof(match.query_name));
	memcpy(match.list_code, source, strnlen(source, sizeof(match.list_code)));
	rk_publish(reply, 357, &match, sizeof(match));
}

static rk_bytes
text_of(const char *text, uint32_t size)
{
	return (rk_bytes) {text, (uint32_t) strnlen(text, size)};
}

static rk_status
screen(rk_ctx *ctx, rk_kept_list *l, const rk_message *message, rk_reply *reply)
{
	const rk_screen_request *q = message->payload;
	rk_screen_reply *r = rk_reply_reserve(ctx, reply, sizeof(*r));
	rk_list_evidence evidence = {
		q->date_of_birth == RK_FIELD_ABSENT_INT4 ? RK_NO_DATE : rk_packed_date((int64_t) q->date_of_birth - EPOCH_DAYS)
	};
	const rk_list_hit *hits;
	const rk_list_hit *best;
	uint32_t	count;
	rk_status	status;

	if (r == NULL)
		return ctx->error.status;
	if ((status = rk_name_list_code(l->names, text_of(q->country, sizeof(q->country)), false, &evidence.country)) != RK_OK ||
		(status = rk_name_list_code(l->names, text_of(q->entity_type, sizeof(q->entity_type)), false, &evidence.type)) != RK_OK ||
		(status = rk_name_list_search(l->names, text_of(q->query_name, sizeof(q->query_name)), &evidence, l->hit_score,
									  l->min_score, &hits, &count)) != RK_OK)
		return status;
	best = best_of(l, hits, count);
	r->is_hit = best && best->score >= l->hit_score;
	r->match_count = r->is_hit ? count : 0;
	r->best_score = best ? best->score : NAN;
	r->match_type = best ? (int16_t) type_of(best) : RK_FIELD_ABSENT_CODE;
	if (best)
		memcpy(r->best_entry, l->ids.name[best->entry].text, RK_NAME_BYTES);
	l->screened++;
	l->found += r->is_hit;
	if (r->is_hit && reply->publish)
		publish_match(l, q, best, message->sent_ns, reply);
	return RK_OK;
}

static rk_status
sanctions_handle(rk_ctx *ctx, void *state, const rk_message *message, rk_reply *reply)
{
	switch (message->type_id)
	{
		case 340:
			return screen(ctx, state, message, reply);
		case 342:
			return load(ctx, state, message->payload, reply);
		case 344:
			return drop(ctx, state, message->payload, reply);
	}
	return rk_fail(ctx, RK_ERR_UNSUPPORTED, "compliance/sanctions-screening has no message %u", message->type_id);
}

static rk_status
sanctions_restore(rk_ctx *ctx, const rk_options *options, uint32_t version, rk_reader *reader, void **state)
{
	rk_status	status = sanctions_init(ctx, options, state);

	(void) version;
	return status == RK_OK ? rk_kept_restore(ctx, *state, reader, set_evidence) : status;
}

static const rk_param sanctions_options[] = {
	{.name = "sanctions_list",.type = RK_TYPE_RELATION,.initial = "NULL",
	.meaning = "entries to begin with, as the batch function takes them"},
	RK_KEPT_OPTIONS,
	{.name = "use_secondary",.type = RK_TYPE_BOOLEAN,.initial = "false",
	.meaning = "0.05 more where day or month of birth, or the country, agree; 0.10 less where the years of birth are more than two apart; entries of another entity_type never match"},
	{0}
};

static const rk_actor_load sanctions_loads[] = {{"sanctions_list", 342}, {0}};

const rk_actor rk_actor_compliance_sanctions_screening = {
	.kernel = "compliance/sanctions-screening",
	.version = 1,
	.description = "names screened against a sanctions list that changes entry by entry",
	.messages = rk_compliance_sanctions_messages,
	.options = sanctions_options,
	.loads = sanctions_loads,
	.init = sanctions_init,
	.handle = sanctions_handle,
	.snapshot = rk_kept_snapshot,
	.restore = sanctions_restore,
	.checksum = rk_kept_checksum
};
