/*
 * life.c
 *	  The life of a ring in its host: brought up, taken over, failed, stopped,
 *	  as rk.ring says.
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "../compat.h"
#include "convert.h"
#include "host.h"

rk_hosted **rk_hosted_rings = NULL;
int			rk_hosted_count = 0;

/* ---- life of a ring ---- */

static void
discard(rk_hosted *h, rk_slot *slot)
{
	if (!(slot->flags & RK_SLOT_CONTROL) && (slot->flags & (RK_SLOT_REPLY | RK_SLOT_LETTER)) != RK_SLOT_REPLY)
		rk_dead_letter(h, slot, "destroyed", RK_ERRCODE_NOT_RUNNING, "the ring stopped");
	rk_answer(h->ring, slot, RK_OUTCOME_STOPPED, 0, NULL);
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
			discard(h, slot);
			rk_release(h, slot, lane);
		}
	}
	for (int i = 0; i < h->parked_count; i++)
	{
		discard(h, &h->parked[i].slot);
		if (h->parked[i].slot.flags & RK_SLOT_SLAB)
			rk_slab_give(rk_region_slab(), h->parked[i].slot.block);
	}
	h->parked_count = 0;
}

static bool
apply_row(void *arg, const rk_message *message)
{
	rk_message	m = *message;

	return rk_apply(arg, &m) == RK_OK;
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
			rk_load_rows(type, o->text, h->ring->owner, apply_row, h);
	}
}

typedef struct launch_arg
{
	rk_hosted  *h;
} launch_arg;

/* In a transaction: the state from checkpoint and log, or a new one. */
static void
bring_up(void *arg)
{
	launch_arg *a = arg;
	rk_hosted  *h = a->h;
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
	if (!rk_checkpoint_restore(h))
	{
		if (rk_host_read_only)
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("ring \"%s\" has no checkpoint yet", NameStr(h->ring->name))));
		h->ctx.error.status = RK_OK;
		if (h->actor->init(&h->ctx, &h->options.kernel, &h->state) != RK_OK)
			ereport(ERROR, (errcode(rk_status_code(h->ctx.error.status)), errmsg("%s", h->ctx.error.message),
							h->ctx.error.detail[0] ? errdetail("%s", h->ctx.error.detail) : 0,
							h->ctx.error.hint[0] ? errhint("%s", h->ctx.error.hint) : 0));
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
}

/* A ring could not be brought up, or its actor failed. */
void
rk_ring_failed(rk_hosted *h)
{
	int64		now = rk_now_ns();

	if (now - h->failures_since_ns > INT64CONST(60000000000))
	{
		h->failures_since_ns = now;
		h->failures = 0;
	}
	h->failures++;
	rk_records_clear(h);
	rk_ctx_destroy(&h->ctx);
	h->state = NULL;
	h->ring->restarts++;
	h->restart_at_ns = h->options.restart_policy == 0 && h->failures <= h->options.max_restarts ?
		now + INT64CONST(1000000000) : 0;
	/* the primary may mend what is wrong */
	if (rk_host_read_only)
		h->restart_at_ns = now + INT64CONST(5000000000);
	rk_set_state(h->ring, RK_RING_FAILED);
	if (h->restart_at_ns == 0)
	{
		ereport(LOG,
				(errmsg("ring \"%s\" has failed and is not started again", NameStr(h->ring->name)),
				 errdetail("%s", h->ring->error)));
		discard_queue(h);
	}
}

/* Brings the state up and lets messages in. */
void
rk_launch(rk_hosted *h)
{
	launch_arg	arg = {.h = h};
	rk_ctx	   *ctx = &h->ctx;
	bool		good;

	h->restart_at_ns = 0;
	h->changes = 0;
	h->halted = false;
	rk_keys_clear(h);
	rk_outputs_forget(h);
	rk_set_state(h->ring, RK_RING_RESTORING);
	rk_ctx_init(ctx);
	ctx->memory_limit = h->options.memory_limit;
	ctx->interrupted = rk_host_interrupted;
	h->ring->apply_seq = 0;
	good = rk_in_transaction(h->ring, "restoring a ring", bring_up, &arg);
	rk_dead_written(true);
	if (!good)
	{
		rk_ring_failed(h);
		return;
	}
	/* the first checkpoint also says that the relations were loaded */
	h->ring->started_at = GetCurrentTimestamp();
	h->now_ns = rk_now_ns();
	h->checkpoint_due_ns = h->now_ns;
	h->busy = h->actor->tick != NULL;
	h->has_log = true;
	if (h->ring->checkpoint_id == 0 && !rk_checkpoint_write(h))
	{
		rk_ring_failed(h);
		return;
	}
	take_over(h);
	rk_set_state(h->ring, RK_RING_ACTIVE);
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
		rk_directory_close(ring);
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
	ring->host = rk_this_host - rk_region_hosts();
	ring->overflow = h->options.overflow;
	ring->journal = h->options.journal && !rk_host_read_only;
	ring->lanes = h->options.lanes;
	ring->message_timeout_ms = h->options.message_timeout_ms;
	LWLockRelease(rk_the_region->lock);
	h->ring = ring;
	h->queue = rk_ring_queue(ring);
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

/* Ends a ring.  final: its entry goes; else the next host takes it over. */
void
rk_ring_stop(rk_hosted *h, bool final)
{
	/* from here on no message is handled, so that none comes after the checkpoint */
	rk_set_state(h->ring, RK_RING_TERMINATING);
	if (h->state && h->ring->since_checkpoint > 0 && h->present && !rk_host_read_only)
		(void) rk_checkpoint_write(h);
	if (final)
	{
		/* after this no message can arrive */
		rk_directory_close(h->ring);
		discard_queue(h);
		rk_directory_free(h->ring);
	}
	rk_ctx_destroy(&h->ctx);
	rk_outputs_forget(h);
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

static bool
is_dedicated(const rk_ring_row *row)
{
	JsonbValue *v = row_option(row, "dedicated");

	return v && v->type == jbvBool && v->val.boolean;
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

/* Makes what runs what rk.ring says; returns the number of rings that run or should. */
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
			rk_ring_stop(rk_hosted_rings[i], true);
	}
	for (int i = 0; i < list.count; i++)
	{
		rk_ring_row *row = &list.rows[i];
		rk_hosted  *h = NULL;
		bool		dedicated = is_dedicated(row);

		for (int k = 0; k < rk_hosted_count; k++)
			if (rk_hosted_rings[k]->ring_id == row->ring_id)
				h = rk_hosted_rings[k];
		if (h)
			h->present = true;
		if (!h && dedicated && rk_this_host->ring_id == 0 && wants_to_run(row))
		{
			/* the database's host asks for the ring's own */
			mine++;
			LWLockAcquire(rk_the_region->lock, LW_EXCLUSIVE);
			(void) rk_host_slot(MyDatabaseId, row->ring_id, true);
			LWLockRelease(rk_the_region->lock);
			if (atomic_load(&rk_the_region->launcher))
				SetLatch(atomic_load(&rk_the_region->launcher));
			continue;
		}
		if (!h && (dedicated ? row->ring_id : 0) != rk_this_host->ring_id)
			continue;
		if (wants_to_run(row))
		{
			mine++;
			if (h == NULL)
			{
				adopt_arg	arg = {.row = row,.table = list.table};

				if (!rk_in_transaction(NULL, "launching a ring", adopt_in_transaction, &arg))
					continue;
				h = arg.h;
				rk_launch(h);
			}
			else if (h->restarts != row->restarts)
			{
				adopt_arg	arg = {.row = row,.table = list.table};

				rk_ring_stop(h, true);
				if (!rk_in_transaction(NULL, "launching a ring", adopt_in_transaction, &arg))
					continue;
				h = arg.h;
				rk_launch(h);
			}
			else if (h->ring->state == RK_RING_DRAINING)
				rk_set_state(h->ring, RK_RING_ACTIVE);
			if (strcmp(row->desired_state, "suspended") == 0 && h->ring->state == RK_RING_ACTIVE)
				rk_set_state(h->ring, RK_RING_SUSPENDED);
			else if (strcmp(row->desired_state, "running") == 0 && h->ring->state == RK_RING_SUSPENDED)
				rk_set_state(h->ring, RK_RING_ACTIVE);
		}
		else if (h)
		{
			mine++;
			if (strcmp(row->desired_state, "killed") == 0 || h->state == NULL)
			{
				rk_ring_stop(h, true);
				mine--;
			}
			else if (h->ring->state != RK_RING_DRAINING)
			{
				rk_set_state(h->ring, RK_RING_DRAINING);
				h->drain_until_ns = rk_now_ns() + (row->drain_ms >= 0 ? row->drain_ms * INT64CONST(1000000) :
													   rk_drain_timeout_s * INT64CONST(1000000000));
			}
		}
	}
	for (int i = rk_hosted_count - 1; i >= 0; i--)
		if (!rk_hosted_rings[i]->present)
			rk_ring_stop(rk_hosted_rings[i], true);
	if (!rk_host_read_only)
		rk_outputs_refresh();
	MemoryContextDelete(list.memory);
	return mine;
}
