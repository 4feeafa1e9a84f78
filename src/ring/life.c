/*
 * life.c
 *	  The life of a ring in its host: brought up, taken over, failed, stopped,
 *	  as rk.ring says.
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "commands/async.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/timeout.h"
#include "utils/timestamp.h"

#include "../compat.h"
#include "convert.h"
#include "host.h"

rk_hosted **rk_hosted_rings = NULL;
int			rk_hosted_count = 0;

static bool was_taken;			/* another process had a ring that is to run here */
static bool no_room;			/* there was no room for one */
static uint32 freed_then;

/* ---- life of a ring ---- */

void
rk_discard(rk_hosted *h, const rk_slot *slot)
{
	bool		letter = !(slot->flags & RK_SLOT_CONTROL) &&
		(slot->flags & (RK_SLOT_REPLY | RK_SLOT_LETTER)) != RK_SLOT_REPLY;

	if (letter && !rk_slot_intact(slot))
		rk_dead_letter(h, slot, "invalid", ERRCODE_DATA_CORRUPTED, RK_SLOT_DAMAGED);
	else if (letter)
		rk_dead_letter(h, slot, "destroyed", RK_ERRCODE_NOT_RUNNING, "the ring stopped");
	rk_answer(h->ring, slot, RK_OUTCOME_STOPPED, 0, NULL);
}

/* Ends messages that wait for a change, which will not come. */
static void
discard_parked(rk_hosted *h)
{
	for (uint32 i = 0; i < h->ring->parked_count; i++)
	{
		rk_discard(h, &h->parked[i].slot);
		if (h->parked[i].slot.flags & RK_SLOT_SLAB)
			rk_slab_give(rk_region_slab(), h->parked[i].slot.block);
	}
	h->ring->parked_count = 0;
}

/* Answers everything in the queue; what nobody waits for becomes a dead letter. */
static void
discard_queue(rk_hosted *h)
{
	for (int lane = 0; lane < RK_LANES; lane++)
	{
		rk_slot    *slot;

		while ((slot = rk_lane_peek(h->queue, lane, 0)) != NULL)
		{
			rk_discard(h, slot);
			rk_release(h, slot, lane);
		}
	}
	discard_parked(h);
}

void
rk_memory_hint(rk_hosted *h, rk_status status)
{
	rk_error   *e = &h->ctx.error;

	if (status == RK_ERR_MEMORY && e->hint[0])
		snprintf(e->hint, sizeof(e->hint), "SELECT rk.ring_configure(%s, '{\"memory_limit\": %lld}');", h->literal,
				 (long long) h->options.memory_limit * 2);
}

void
rk_actor_error(rk_hosted *h)
{
	const rk_error *e = &h->ctx.error;

	rk_memory_hint(h, e->status);
	ereport(ERROR,
			(errcode(rk_status_code(e->status)),
			 errmsg_internal("%s", e->message),
			 e->detail[0] ? errdetail_internal("%s", e->detail) : 0,
			 e->hint[0] ? errhint("%s", e->hint) : 0));
}

static void
apply_row(void *arg, const rk_message *message)
{
	rk_message	m = *message;

	if (rk_apply(arg, &m) != RK_OK)
		rk_actor_error(arg);
}

/* Reads the relations among the options, each row as a message. */
static void
load_relations(rk_hosted *h)
{
	for (const rk_actor_load *l = h->actor->loads; l && l->option; l++)
	{
		const rk_option *o = rk_option_find(&h->options.kernel, l->option);
		const rk_message_type *type = rk_actor_message(h->actor, l->type_id);

		if (o && !o->is_null && o->text)
			rk_load_rows(type, l->option, o->text, h->ring->owner, apply_row, h);
	}
}

/*
 * In a transaction of its own, as bringing the state up may take long, and
 * whoever wants something else of the ring meanwhile changes the same row.
 */
static void
next_epoch(void *arg)
{
	rk_hosted  *h = arg;
	rk_catalog	catalog;
	Oid			types[] = {INT4OID};
	Datum		values[] = {Int32GetDatum(h->ring_id)};
	bool		is_null;

	rk_catalog_open(&catalog);
	if (rk_run_sql(rk_host_read_only ? "SELECT epoch FROM rk.ring WHERE ring_id = $1" :
				   "UPDATE rk.ring SET epoch = epoch + 1 WHERE ring_id = $1 RETURNING epoch", 1, types, values,
				   NULL) != 1)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("ring \"%s\" was dropped", NameStr(h->ring->name))));
	atomic_store(&h->ring->epoch, DatumGetInt32(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1,
															  &is_null)));
	rk_catalog_close(&catalog);
}

/* In a transaction: the state from checkpoint and log, or a new one. */
static void
bring_up(void *arg)
{
	rk_hosted  *h = arg;
	rk_catalog	catalog;

	rk_catalog_open(&catalog);
	if (!rk_checkpoint_restore(h))
	{
		if (rk_host_read_only)
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("ring \"%s\" has no checkpoint yet", NameStr(h->ring->name))));
		rk_status	status;

		h->ctx.error.status = RK_OK;
		rk_act(h->ring);
		status = h->actor->init(&h->ctx, &h->options.kernel, &h->state);
		rk_act_end(h->ring);
		if (status != RK_OK)
			rk_actor_error(h);
		rk_catalog_close(&catalog);
		load_relations(h);
		rk_catalog_open(&catalog);
		h->ring->since_checkpoint = h->changes;
	}
	rk_log_newest(h);
	if (!rk_host_read_only)
		rk_outputs_read(h, h->ring->logged_seq);
	rk_log_apply(h, true);
	rk_catalog_close(&catalog);
}

/* What a predecessor left behind in the queue. */
static void
take_over(rk_hosted *h)
{
	rk_ring    *ring = h->ring;
	uint32		parked = 0;

	if (ring->in_flight > 0)
	{
		rk_lane_name lane = ring->in_flight - 1;
		rk_slot    *slot = rk_lane_peek(h->queue, lane, 0);

		if (slot)
		{
			rk_receipt_settle(slot, RK_DELIVERY_TIMEOUT);
			rk_answer(ring, slot, RK_OUTCOME_LOST, 0, NULL);
			rk_release(h, slot, lane);
		}
		ring->in_flight = 0;
	}
	/* what it had logged has been applied from there */
	for (int lane = 0; lane < RK_WORK_LANES && h->logged_count > 0; lane++)
	{
		rk_slot    *slot;

		while ((slot = rk_lane_peek(h->queue, lane, 0)) != NULL && rk_log_has(h, slot->message_id))
		{
			rk_receipt_settle(slot, RK_DELIVERY_TIMEOUT);
			rk_answer(ring, slot, RK_OUTCOME_LOST, 0, NULL);
			rk_release(h, slot, lane);
		}
	}
	h->logged_count = 0;
	/* who waits for a change goes on waiting; what may have taken effect is not tried again */
	for (uint32 i = 0; i < ring->parked_count; i++)
	{
		rk_parked  *p = &h->parked[i];
		const rk_message_type *type = rk_actor_message(h->actor, p->slot.type_id);

		if (p->tried || (ring->journal && (type == NULL || type->mutating)))
		{
			rk_answer(ring, &p->slot, RK_OUTCOME_LOST, 0, NULL);
			rk_receipt_settle(&p->slot, RK_DELIVERY_TIMEOUT);
			if (p->slot.flags & RK_SLOT_SLAB)
				rk_slab_give(rk_region_slab(), p->slot.block);
			continue;
		}
		p->seen = UINT64_MAX;
		h->parked[parked++] = *p;
	}
	ring->parked_count = parked;
}

static void
tell_failure(void *arg)
{
	rk_hosted  *h = arg;
	StringInfoData payload;

	initStringInfo(&payload);
	appendStringInfoString(&payload, "{\"ring\": ");
	escape_json(&payload, NameStr(h->ring->name));
	appendStringInfoString(&payload, ", \"event\": \"failed\", \"error\": ");
	escape_json(&payload, h->ring->error);
	appendStringInfoChar(&payload, '}');
	Async_Notify("rk_ring", payload.data);
}

/* A ring could not be brought up, or its actor failed. */
void
rk_ring_failed(rk_hosted *h)
{
	int64		now = rk_now_ns();
	rk_ring    *ring = h->ring;

	/* counted where it outlives the process, which may be what fails */
	if (now - ring->failures_since_ns > INT64CONST(60000000000))
	{
		ring->failures_since_ns = now;
		ring->failures = 0;
	}
	ring->failures++;
	rk_away_drop(h);
	rk_records_clear(h);
	rk_ctx_destroy(&h->ctx);
	h->state = NULL;
	ring->restarts++;
	h->restart_at_ns = h->options.restart_policy == RK_RESTART && ring->failures <= h->options.max_restarts ?
		now + INT64CONST(1000000000) : 0;
	/* the primary may mend what is wrong */
	if (rk_host_read_only)
		h->restart_at_ns = now + INT64CONST(5000000000);
	rk_set_state(h->ring, RK_RING_FAILED);
	ring->given_up = h->restart_at_ns == 0;
	if (ring->given_up)
	{
		ereport(LOG,
				(errmsg("ring \"%s\" has failed and is not started again", NameStr(h->ring->name)),
				 errdetail("%s", h->ring->error)));
		discard_queue(h);
		if (h->options.restart_policy == RK_RESTART_NOTIFY)
			rk_in_transaction(NULL, "telling the failure of a ring", tell_failure, h);
	}
}

/* The limit on a start: the actor sees it when it polls, queries are cancelled. */
static bool
bring_up_in_time(rk_hosted *h)
{
	int			limit = h->options.start_timeout_ms;
	int64		began = rk_now_ns();
	bool		good;

	if (limit == 0)
		return rk_in_transaction(h->ring, "restoring", bring_up, h);
	enable_timeout_after(STATEMENT_TIMEOUT, limit);
	good = rk_in_transaction(h->ring, "restoring", bring_up, h);
	disable_timeout(STATEMENT_TIMEOUT, false);
	QueryCancelPending = false;
	if (!good && !ShutdownRequestPending && rk_now_ns() - began >= limit * INT64CONST(1000000))
	{
		char		text[100];

		snprintf(text, sizeof(text), "the ring did not start within its start_timeout of %d ms", limit);
		rk_ring_error(h->ring, text);
	}
	return good;
}

void
rk_hosted_ctx(rk_hosted *h)
{
	rk_ctx_init(&h->ctx);
	h->ctx.memory_limit = h->options.memory_limit;
	h->ctx.interrupted = rk_host_interrupted;
	strlcpy(h->literal, quote_literal_cstr(NameStr(h->ring->name)), sizeof(h->literal));
	h->ctx.ring = h->literal;
}

/* Brings the state up and lets messages in. */
void
rk_launch(rk_hosted *h)
{
	bool		good;

	h->restart_at_ns = 0;
	h->ring->given_up = false;
	h->changes = 0;
	h->halted = false;
	rk_keys_clear(h);
	rk_outputs_forget(h);
	rk_set_state(h->ring, RK_RING_RESTORING);
	rk_hosted_ctx(h);
	h->ring->apply_seq = 0;
	rk_suspect_open(h);
	rk_suspect_judge(h);
	good = rk_in_transaction(h->ring, "counting starts", next_epoch, h) && bring_up_in_time(h);
	rk_dead_written(true);
	if (!good)
	{
		rk_ring_failed(h);
		return;
	}
	/* the first checkpoint also says that the relations were loaded */
	h->ring->started_at = GetCurrentTimestamp();
	h->now_ns = rk_now_ns();
	h->checkpointed_ns = 0;
	h->busy = h->actor->tick != NULL;
	h->has_log = true;
	if (h->ring->checkpoint_id == 0 && !rk_checkpoint_write(h))
	{
		rk_ring_failed(h);
		return;
	}
	take_over(h);
	rk_away_try(h);
	rk_set_state(h->ring, RK_RING_ACTIVE);
	/* what came meanwhile */
	atomic_store(&rk_this_host->journal, 1);
}

/* Makes room for a ring in this process and in the directory. */
static rk_hosted *
adopt(const rk_ring_row *row, Oid table)
{
	MemoryContext memory = AllocSetContextCreate(TopMemoryContext, "rk ring", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(memory);
	rk_hosted  *h = palloc0(sizeof(*h));
	uint32		last = 0;
	rk_ring    *ring;

	h->memory = memory;
	h->ring_id = row->ring_id;
	h->table = table;
	h->present = true;
	h->restarts = row->restarts;
	h->actor = rk_ring_kernel(row->kernel);
	rk_ring_options_read(row->options, h->actor, &h->options);
	h->first_type = UINT32_MAX;
	for (const rk_message_type *t = h->actor->messages; t->type_id; t++)
	{
		h->first_type = Min(h->first_type, t->type_id);
		last = Max(last, t->type_id);
	}
	h->type_count = last - h->first_type + 1;
	h->types = palloc0(sizeof(*h->types) * h->type_count);
	for (const rk_message_type *t = h->actor->messages; t->type_id; t++)
		if (!t->published)
			h->types[t->type_id - h->first_type] = t;

	LWLockAcquire(rk_the_region->lock, LW_EXCLUSIVE);
	/* one that is there was a predecessor's; its queue goes on */
	ring = rk_directory_find(MyDatabaseId, NULL, row->ring_id);
	if (ring && ring->capacity != h->options.queue_capacity)
	{
		LWLockRelease(rk_the_region->lock);
		h->ring = ring;
		h->queue = rk_ring_queue(ring);
		h->parked = rk_ring_parked(ring);
		rk_directory_close(ring);
		rk_journal_keep(h);
		discard_queue(h);
		rk_directory_free(ring);
		LWLockAcquire(rk_the_region->lock, LW_EXCLUSIVE);
		ring = NULL;
	}
	if (ring == NULL)
		ring = rk_directory_make(MyDatabaseId, row->ring_id, row->name, h->options.queue_capacity);
	ring->owner = row->owner;
	ring->row_restarts = row->restarts;
	for (int i = 0; rk_actors[i]; i++)
		if (rk_actors[i] == h->actor)
			ring->kernel = i;
	h->died = ring->host_pid != 0 && ring->host_pid != MyProcPid &&
		(atomic_load(&ring->acting) != 0 || ring->state == RK_RING_LAUNCHING || ring->state == RK_RING_RESTORING);
	h->given_up = ring->state == RK_RING_FAILED && ring->given_up;
	atomic_store(&ring->acting, 0);
	/* the journal is taken in when the ring has come up, whatever is in it */
	h->inbox_seen = atomic_load(&ring->inbox);
	ring->host = rk_this_host - rk_region_hosts();
	ring->host_pid = MyProcPid;
	ring->overflow = h->options.overflow;
	ring->journal = h->options.journal && !rk_host_read_only;
	ring->lanes = h->options.lanes;
	ring->message_timeout_ms = h->options.message_timeout_ms;
	ring->heartbeat_timeout_ms = h->options.heartbeat_timeout_ms;
	/* it may have to look sooner than it meant to */
	if (ring->heartbeat_timeout_ms > 0 && atomic_load(&rk_the_region->launcher))
		SetLatch(atomic_load(&rk_the_region->launcher));
	strlcpy(ring->device, "cpu", sizeof(ring->device));
	ring->device_reason[0] = '\0';
	LWLockRelease(rk_the_region->lock);
	h->ring = ring;
	h->queue = rk_ring_queue(ring);
	h->parked = rk_ring_parked(ring);
	MemoryContextSwitchTo(old);

	old = MemoryContextSwitchTo(TopMemoryContext);
	if (rk_hosted_rings == NULL)
		rk_hosted_rings = palloc(sizeof(*rk_hosted_rings));
	else
		rk_hosted_rings = repalloc(rk_hosted_rings, sizeof(*rk_hosted_rings) * (rk_hosted_count + 1));
	rk_hosted_rings[rk_hosted_count++] = h;
	MemoryContextSwitchTo(old);
	return h;
}

/* Ends a ring. */
void
rk_ring_stop(rk_hosted *h, rk_ending ending)
{
	/* from here on no message is handled, so that none comes after the checkpoint */
	rk_set_state(h->ring, RK_RING_TERMINATING);
	if (h->away && !rk_away_home(h, "it stops"))
	{
		/* as if its host had died: checkpoint and log are what there is */
		ereport(LOG,
				(errmsg("the last changes of ring \"%s\" were lost by the device", NameStr(h->ring->name))));
		rk_away_drop(h);
		h->state = NULL;
	}
	if (h->state && h->ring->since_checkpoint > 0 && h->present && !rk_host_read_only)
		(void) rk_checkpoint_write(h);
	if (ending == RK_END_RESTART)
	{
		/* senders wait for it, and what they have sent is handled then */
		rk_directory_renew(h->ring);
		rk_set_state(h->ring, RK_RING_LAUNCHING);
	}
	else
	{
		/* after this no message can arrive */
		rk_directory_close(h->ring);
		if (ending == RK_END_LEAVING && h->present)
			rk_journal_keep(h);
		discard_queue(h);
		rk_directory_free(h->ring);
	}
	rk_ctx_destroy(&h->ctx);
	rk_outputs_forget(h);
	rk_suspect_close(h);
	free(h->records.data);
	free(h->sends.data);
	for (int i = 0; i < rk_hosted_count; i++)
		if (rk_hosted_rings[i] == h)
			rk_hosted_rings[i] = rk_hosted_rings[--rk_hosted_count];
	MemoryContextDelete(h->memory);
}

/* ---- rk.ring ---- */

typedef struct ring_list
{
	rk_ring_row *rows;
	int			count;
	Oid			table;			/* rk.ring itself */
	MemoryContext memory;
} ring_list;

static void
read_rings(void *arg)
{
	ring_list  *list = arg;
	rk_catalog	catalog;

	if (!OidIsValid(get_extension_oid("rustkernels", true)))
		return;
	rk_catalog_open(&catalog);
	list->table = get_relname_relid("ring", get_namespace_oid("rk", false));
	list->count = rk_run_sql("SELECT " RK_RING_COLUMNS " FROM rk.ring ORDER BY ring_id", 0, NULL, NULL, NULL);
	list->rows = MemoryContextAllocZero(list->memory, sizeof(rk_ring_row) * (list->count + 1));
	for (int i = 0; i < list->count; i++)
		rk_ring_row_from_spi(i, &list->rows[i], list->memory);
	rk_links_read();
	rk_catalog_close(&catalog);
}

/* An option of a ring that is not hosted yet; bad ones are found out later. */
static JsonbValue *
row_option(const rk_ring_row *row, char *name)
{
	JsonbValue	key = {.type = jbvString,.val.string = {strlen(name), name}};

	return findJsonbValueFromContainer(&row->options->root, JB_FOBJECT, &key);
}

static bool
wants_to_run(const rk_ring_row *row)
{
	JsonbValue *standby = row_option(row, "standby");

	if (rk_host_read_only && !(standby && standby->type == jbvString && standby->val.string.len == 8 &&
							   memcmp(standby->val.string.val, "readonly", 8) == 0))
		return false;
	return strcmp(row->desired_state, "running") == 0 || strcmp(row->desired_state, "suspended") == 0;
}

/* Which host of the database runs the ring: rk_host.ring_id. */
static int32
host_of(const rk_ring_row *row)
{
	JsonbValue *v = row_option(row, "dedicated");

	return v && v->type == jbvBool && v->val.boolean ? row->ring_id : -(row->ring_id % rk_ring_workers);
}

/*
 * Asks for another host of this database.  False: there is no slot for it now,
 * and somebody has to be here to ask again.
 */
static bool
ask_for_host(int32 number)
{
	rk_host    *host;

	LWLockAcquire(rk_the_region->lock, LW_EXCLUSIVE);
	host = rk_host_slot(MyDatabaseId, number, true);
	LWLockRelease(rk_the_region->lock);
	if (atomic_load(&rk_the_region->launcher))
		SetLatch(atomic_load(&rk_the_region->launcher));
	return host != NULL;
}

/* Whether another process has the ring: it lets go in a moment, or is stuck in it. */
static bool
taken(int32 ring_id)
{
	rk_ring    *ring;
	bool		taken = false;

	LWLockAcquire(rk_the_region->lock, LW_SHARED);
	ring = rk_directory_find(MyDatabaseId, NULL, ring_id);
	if (ring && ring->host_pid != MyProcPid)
	{
		const rk_host *host = &rk_region_hosts()[ring->host];

		taken = atomic_load(&ring->stuck) != 0 ||
			(host->pid == ring->host_pid && (host->state == RK_HOST_STARTING || host->state == RK_HOST_RUNNING));
	}
	LWLockRelease(rk_the_region->lock);
	return taken;
}

typedef struct adopt_arg
{
	const rk_ring_row *row;
	Oid			table;
	rk_hosted  *h;
} adopt_arg;

static void
adopt_in_transaction(void *arg)
{
	adopt_arg  *a = arg;

	a->h = adopt(a->row, a->table);
}

/* Takes a ring in and brings it up, unless the process before has died of it too often. */
static void
bring_in(const rk_ring_row *row, Oid table)
{
	adopt_arg	arg = {.row = row,.table = table};

	if (!rk_in_transaction(NULL, "launching a ring", adopt_in_transaction, &arg))
	{
		no_room = true;
		return;
	}
	if (arg.h->given_up)
		rk_set_state(arg.h->ring, RK_RING_FAILED);
	else if (arg.h->died)
	{
		rk_ring_error(arg.h->ring, "the process ended while the ring was at work");
		take_over(arg.h);
		rk_ring_failed(arg.h);
	}
	else
		rk_launch(arg.h);
}

/* A ring of this process by its number, or NULL. */
static rk_hosted *
hosted(int32 ring_id)
{
	for (int i = 0; i < rk_hosted_count; i++)
		if (rk_hosted_rings[i]->ring_id == ring_id)
			return rk_hosted_rings[i];
	return NULL;
}

bool
rk_may_follow_again(void)
{
	return was_taken || (no_room && atomic_load(&rk_the_region->freed) != freed_then);
}

int
rk_follow_catalog(void)
{
	ring_list	list = {0};
	int			mine = 0;

	list.memory = AllocSetContextCreate(TopMemoryContext, "rk ring list", ALLOCSET_DEFAULT_SIZES);
	if (!rk_in_transaction(NULL, "reading rk.ring", read_rings, &list))
	{
		MemoryContextDelete(list.memory);
		return rk_hosted_count + 1;
	}
	/* rings of an extension that was dropped, even if it was created again */
	for (int i = rk_hosted_count - 1; i >= 0; i--)
	{
		rk_hosted_rings[i]->present = false;
		if (rk_hosted_rings[i]->table != list.table)
			rk_ring_stop(rk_hosted_rings[i], RK_END_STOPPED);
	}
	was_taken = no_room = false;
	freed_then = atomic_load(&rk_the_region->freed);
	for (int i = 0; i < list.count; i++)
	{
		rk_ring_row *row = &list.rows[i];
		rk_hosted  *h = hosted(row->ring_id);
		int32		place = host_of(row);

		if (h)
			h->present = true;
		/* it is to run in a process of its own, or no longer */
		if (h && place != rk_this_host->ring_id && wants_to_run(row))
		{
			rk_ring_stop(h, RK_END_LEAVING);
			h = NULL;
			if (rk_this_host->ring_id != 0)
				rk_request_rescan(MyDatabaseId);
		}
		if (!h && place != rk_this_host->ring_id)
		{
			/* the first host of the database asks for the others */
			if (rk_this_host->ring_id == 0 && wants_to_run(row) && !ask_for_host(place))
				mine++;
			continue;
		}
		if (wants_to_run(row))
		{
			bool		suspend = strcmp(row->desired_state, "suspended") == 0;

			mine++;
			if (h == NULL && taken(row->ring_id))
			{
				was_taken = true;
				continue;
			}
			if (h == NULL || h->restarts != row->restarts)
			{
				if (h)
					rk_ring_stop(h, RK_END_RESTART);
				bring_in(row, list.table);
				h = hosted(row->ring_id);
				if (h == NULL)
					continue;
			}
			else if (h->ring->state == RK_RING_DRAINING)
				rk_set_state(h->ring, RK_RING_ACTIVE);
			if (suspend && h->ring->state == RK_RING_ACTIVE)
				rk_set_state(h->ring, RK_RING_SUSPENDED);
			else if (!suspend && h->ring->state == RK_RING_SUSPENDED)
			{
				rk_set_state(h->ring, RK_RING_ACTIVE);
				h->ring->journal_backlog = 0;
				atomic_store(&rk_this_host->journal, 1);
			}
		}
		else if (h)
		{
			mine++;
			if (strcmp(row->desired_state, "killed") == 0 || h->state == NULL)
			{
				rk_ring_stop(h, RK_END_STOPPED);
				mine--;
			}
			else if (h->ring->state != RK_RING_DRAINING)
			{
				rk_set_state(h->ring, RK_RING_DRAINING);
				/* what has committed is worked off too */
				atomic_store(&rk_this_host->journal, 1);
				h->drain_until_ns = rk_now_ns() + (row->drain_ms >= 0 ? row->drain_ms * INT64CONST(1000000) :
													   rk_drain_timeout_s * INT64CONST(1000000000));
			}
		}
	}
	for (int i = rk_hosted_count - 1; i >= 0; i--)
		if (!rk_hosted_rings[i]->present)
			rk_ring_stop(rk_hosted_rings[i], RK_END_STOPPED);
	if (!rk_host_read_only)
		rk_outputs_refresh();
	MemoryContextDelete(list.memory);
	return mine;
}
