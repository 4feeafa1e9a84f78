/*
 * region.c
 *	  The shared memory of the ring runtime: layout, directory, settings.
 */
#include "postgres.h"

#include <unistd.h>

#include "miscadmin.h"
#include "storage/proc.h"
#include "storage/shmem.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/varlena.h"

#include "../call/shared.h"
#include "../compat.h"
#include "region.h"

rk_region  *rk_the_region = NULL;

int			rk_ring_memory_kb = 32 * 1024;
int			rk_max_rings = 100;
int			rk_max_message_size = 65536;
int			rk_max_inflight = 64;
int			rk_ring_spin_us = 20;
int			rk_queue_depth_setting = 1024;
int			rk_receipts_kept = 4096;
int			rk_timeout_ms = 0;
int			rk_priority = RK_PRIORITY_NORMAL;
int			rk_journal_poll_ms = 1000;
int			rk_checkpoint_interval_s = 30;
int			rk_checkpoints_kept = 5;
int			rk_drain_timeout_s = 30;
int			rk_shutdown_timeout_s = 10;
int			rk_ring_workers = 1;
int			rk_max_ring_workers = 0;
int			rk_journal_limit = 1000000;
int			rk_max_timeout_ms = 300000;
int			rk_max_checkpoint_size_kb = 1024 * 1024;
int			rk_heartbeat_timeout_s = 30;
char	   *rk_databases = NULL;
char	   *rk_trace_context = NULL;

static bool spin_is_default = true;

/* Sizes of the parts, each a multiple of a page. */
typedef struct region_plan
{
	Size		replies;
	Size		hazards;
	Size		rings;
	Size		hosts;
	Size		slab;
	Size		receipts;
	Size		tallies;
	Size		queues;
	Size		total;
} region_plan;

static Size
page_round(Size size)
{
	return TYPEALIGN(4096, size);
}

static region_plan
plan_region(void)
{
	region_plan p;
	Size		memory = (Size) rk_ring_memory_kb * 1024;

	p.replies = page_round(mul_size(mul_size(MaxBackends, rk_max_inflight), sizeof(rk_reply_slot)));
	p.hazards = page_round(mul_size(MaxBackends, 128));
	p.rings = page_round(mul_size(rk_max_rings, sizeof(rk_ring)));
	p.hosts = page_round(mul_size(max_worker_processes, sizeof(rk_host)));
	p.slab = page_round(memory / 4);
	p.receipts = page_round(mul_size(rk_receipts_kept, sizeof(rk_receipt)));
	p.tallies = page_round(RK_TALLIES * sizeof(rk_tally));
	p.queues = page_round(memory - memory / 4);
	p.total = page_round(sizeof(rk_region));
	p.total = add_size(p.total, p.replies);
	p.total = add_size(p.total, p.hazards);
	p.total = add_size(p.total, p.rings);
	p.total = add_size(p.total, p.hosts);
	p.total = add_size(p.total, p.slab);
	p.total = add_size(p.total, p.receipts);
	p.total = add_size(p.total, p.tallies);
	p.total = add_size(p.total, p.queues);
	p.total = add_size(p.total, 4096);
	return p;
}

static Size
region_size(void)
{
	return rk_ring_memory_kb == 0 || rk_max_rings == 0 ? 0 : plan_region().total;
}

static void
attach_region(void *memory, bool made)
{
	region_plan p = plan_region();
	rk_region  *r = (rk_region *) TYPEALIGN(4096, memory);
	Size		at;

	rk_the_region = r;
	if (made)
	{
		memset(r, 0, p.total - 4096);
		r->lock = &GetNamedLWLockTranche("rustkernels_ring")->lock;
		r->procs = MaxBackends;
		r->inflight = rk_max_inflight;
		r->rings = rk_max_rings;
		r->hosts = max_worker_processes;
		at = page_round(sizeof(rk_region));
		r->replies_offset = at;
		at += p.replies;
		r->hazards_offset = at;
		at += p.hazards;
		r->rings_offset = at;
		at += p.rings;
		r->hosts_offset = at;
		at += p.hosts;
		r->slab_offset = at;
		at += p.slab;
		r->receipts_offset = at;
		r->receipts = rk_receipts_kept;
		at += p.receipts;
		r->tallies_offset = at;
		at += p.tallies;
		r->queues_offset = at;
		r->queues_bytes = p.queues;
		rk_slab_init(rk_region_slab(), p.slab);
		for (int i = 0; i < r->rings; i++)
		{
			ConditionVariableInit(&rk_region_rings()[i].space);
			ConditionVariableInit(&rk_region_rings()[i].changed);
		}
		rk_set_wall_offset();
	}
}

void
rk_region_install(void)
{
	static const rk_shared_part part = {.name = "rustkernels rings",.size = region_size,.attach = attach_region,.lock = "rustkernels_ring"};

	if (process_shared_preload_libraries_in_progress)
		rk_shared_add(&part);
}

rk_region *
rk_region_required(void)
{
	if (rk_the_region == NULL)
	{
		if (rk_ring_memory_kb == 0 || rk_max_rings == 0)
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("rings are disabled by \"%s\"", rk_max_rings == 0 ? "rk.max_rings" : "rk.ring_memory"),
					 errhint("Set rk.ring_memory = '32MB' and rk.max_rings = 100 in postgresql.conf and restart the server.")));
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("rustkernels must be loaded via shared_preload_libraries"),
				 errhint("Set shared_preload_libraries = 'rustkernels' in postgresql.conf and restart the server.")));
	}
	return rk_the_region;
}

void
rk_set_wall_offset(void)
{
	struct timespec t;
	int64		now = rk_now_ns();

	clock_gettime(CLOCK_REALTIME, &t);
	atomic_store_explicit(&rk_the_region->wall_offset,
						  t.tv_sec * INT64CONST(1000000000) + t.tv_nsec - now, memory_order_relaxed);
}

/*
 * On one or two processors somebody who spins takes away what the other side
 * needs, so there the default is not to.
 */
int64
rk_spin_ns(void)
{
	static long processors = 0;

	if (processors == 0)
		processors = sysconf(_SC_NPROCESSORS_ONLN);
	if (rk_ring_spin_us < 0)
		return -1;
	if (spin_is_default && processors <= 2)
		return 0;
	return rk_ring_spin_us * INT64CONST(1000);
}

/* ---- receipts and counters ---- */

uint32
rk_receipt_begin(int64 message_id)
{
	uint64		at;
	rk_receipt *r;

	if (rk_the_region->receipts == 0)
		return 0;
	at = atomic_fetch_add(&rk_the_region->next_receipt, 1) % rk_the_region->receipts;
	r = &rk_region_receipts()[at];
	atomic_store(&r->word, 0);
	atomic_store(&r->database, MyDatabaseId);
	atomic_store(&r->word, (uint64) message_id << 4 | RK_DELIVERY_PENDING);
	return at + 1;
}

rk_tally *
rk_tally_of(rk_tally_kind kind, int64 id, bool make)
{
	rk_tally   *tallies = rk_region_at(rk_the_region->tallies_offset);
	uint64		key = (uint64) MyDatabaseId << 32 | (uint64) kind << 29 | ((uint64) id & 0x1FFFFFFF);
	uint32		at = (key * UINT64CONST(0x9E3779B97F4A7C15)) >> 54;

	for (int i = 0; i < RK_TALLIES; i++)
	{
		rk_tally   *t = &tallies[(at + i) % RK_TALLIES];
		uint64		found = atomic_load_explicit(&t->key, memory_order_relaxed);

		if (found == key)
			return t;
		if (found != 0)
			continue;
		if (!make || (kind == RK_TALLY_TOPIC && atomic_load(&rk_the_region->tallies_used) >= RK_TALLIES / 2))
			return NULL;
		if (atomic_compare_exchange_strong(&t->key, &found, key))
		{
			atomic_fetch_add(&rk_the_region->tallies_used, 1);
			return t;
		}
		if (found == key)
			return t;
	}
	return NULL;
}

/* ---- directory ---- */

const char *
rk_ring_state_name(rk_ring_state state)
{
	static const char *const names[] = {
		"terminated", "launching", "restoring", "active", "suspended", "draining", "terminating", "failed"
	};

	return names[state];
}

rk_ring *
rk_directory_find(Oid database, const char *name, int32 ring_id)
{
	for (int i = 0; i < rk_the_region->rings; i++)
	{
		rk_ring    *ring = &rk_region_rings()[i];

		if (ring->state != RK_RING_FREE && ring->database == database &&
			(name ? strcmp(NameStr(ring->name), name) == 0 : ring->ring_id == ring_id))
			return ring;
	}
	return NULL;
}

/* First place in queue memory where bytes fit between the extents in use. */
static bool
find_extent(Size bytes, Size *offset, Size *unused)
{
	Size		at = rk_the_region->queues_offset;
	Size		end = at + rk_the_region->queues_bytes;

	*unused = rk_the_region->queues_bytes;
	for (int i = 0; i < rk_the_region->rings; i++)
		if (rk_region_rings()[i].state != RK_RING_FREE)
			*unused -= rk_region_rings()[i].queue_bytes;
	for (;;)
	{
		rk_ring    *in_the_way = NULL;

		if (at + bytes > end)
			return false;
		for (int i = 0; i < rk_the_region->rings && in_the_way == NULL; i++)
		{
			rk_ring    *ring = &rk_region_rings()[i];

			if (ring->state != RK_RING_FREE && ring->queue_offset < at + bytes &&
				at < ring->queue_offset + ring->queue_bytes)
				in_the_way = ring;
		}
		if (in_the_way == NULL)
		{
			*offset = at;
			return true;
		}
		at = in_the_way->queue_offset + in_the_way->queue_bytes;
	}
}

void
rk_directory_renew(rk_ring *ring)
{
	uint32		parked = ring->parked_count;

	ring->rejected = 0;
	ring->dropped = 0;
	memset(&ring->in_flight, 0, sizeof(rk_ring) - offsetof(rk_ring, in_flight));
	ring->parked_count = parked;
}

rk_ring *
rk_directory_make(Oid database, int32 ring_id, const char *name, uint32 capacity)
{
	rk_ring    *ring = NULL;
	Size		bytes = TYPEALIGN(4096, TYPEALIGN(128, rk_queue_size(capacity)) + sizeof(rk_parked) * RK_PARKED_MAX);
	Size		offset;
	Size		unused;
	uint32		generation;

	for (int i = 0; i < rk_the_region->rings && ring == NULL; i++)
		if (rk_region_rings()[i].state == RK_RING_FREE)
			ring = &rk_region_rings()[i];
	if (ring == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
				 errmsg("too many rings are running"),
				 errdetail("All %d places are taken.", rk_the_region->rings),
				 errhint("Raise \"rk.max_rings\" and restart the server, or stop a ring.")));
	if (!find_extent(bytes, &offset, &unused))
		ereport(ERROR,
				(errcode(ERRCODE_OUT_OF_MEMORY),
				 errmsg("no room for the queue of ring \"%s\"", name),
				 errdetail("It needs %zu bytes, %zu bytes are free.", bytes, unused),
				 errhint("Raise \"rk.ring_memory\" and restart the server, or lower the option queue_capacity.")));
	generation = ring->generation;
	/* the condition variables stay: somebody may be on their lists */
	memset(&ring->database, 0, offsetof(rk_ring, space_waiters) - offsetof(rk_ring, database));
	ring->space_waiters = 0;
	rk_directory_renew(ring);
	ring->parked_count = 0;
	ring->database = database;
	ring->ring_id = ring_id;
	namestrcpy(&ring->name, name);
	ring->capacity = capacity;
	ring->queue_offset = offset;
	ring->queue_bytes = bytes;
	rk_queue_init(rk_region_at(offset), capacity);
	atomic_store(&ring->generation, generation + 1);
	atomic_store(&ring->state, RK_RING_LAUNCHING);
	return ring;
}

void
rk_directory_close(rk_ring *ring)
{
	int			index = rk_ring_index(ring);

	rk_set_state(ring, RK_RING_TERMINATING);
	atomic_fetch_add(&ring->generation, 1);
	atomic_thread_fence(memory_order_seq_cst);
	for (int proc = 0; proc < rk_the_region->procs; proc++)
		while (atomic_load(rk_region_hazard(proc)) == (uint32) index + 1)
			pg_usleep(10);
}

void
rk_directory_free(rk_ring *ring)
{
	LWLockAcquire(rk_the_region->lock, LW_EXCLUSIVE);
	atomic_store(&ring->state, RK_RING_FREE);
	atomic_fetch_add(&rk_the_region->freed, 1);
	LWLockRelease(rk_the_region->lock);
	ConditionVariableBroadcast(&ring->changed);
	ConditionVariableBroadcast(&ring->space);
}

void
rk_set_state(rk_ring *ring, rk_ring_state state)
{
	atomic_store(&ring->state, state);
	ConditionVariableBroadcast(&ring->changed);
}

rk_host *
rk_host_slot(Oid database, int32 ring_id, bool make)
{
	rk_host    *unused = NULL;

	for (int i = 0; i < rk_the_region->hosts; i++)
	{
		rk_host    *host = &rk_region_hosts()[i];

		if (host->state == RK_HOST_FREE)
			unused = unused ? unused : host;
		else if (host->state != RK_HOST_STUCK && host->database == database && host->ring_id == ring_id)
			return host;
	}
	if (!make)
		return NULL;
	if (unused == NULL)
	{
		atomic_store(&rk_the_region->overlooked, 1);
		return NULL;
	}
	memset(unused, 0, sizeof(*unused));
	unused->database = database;
	unused->ring_id = ring_id;
	unused->state = RK_HOST_WANTED;
	return unused;
}

static void
wake(_Atomic(Latch *) *latch)
{
	Latch	   *l = atomic_load(latch);

	if (l)
		SetLatch(l);
}

void
rk_request_rescan(Oid database)
{
	rk_host    *host;

	LWLockAcquire(rk_the_region->lock, LW_EXCLUSIVE);
	host = rk_host_slot(database, 0, true);
	if (host)
		atomic_store(&host->rescan, 1);
	for (int i = 0; i < rk_the_region->hosts; i++)
	{
		rk_host    *h = &rk_region_hosts()[i];

		if (h->state != RK_HOST_FREE && h->database == database)
		{
			atomic_store(&h->rescan, 1);
			wake(&h->latch);
		}
	}
	LWLockRelease(rk_the_region->lock);
	/* without a slot too: it says so, and comes back to it */
	wake(&rk_the_region->launcher);
}

void
rk_request_inbox(Oid database, int32 ring_id)
{
	rk_ring    *ring;

	LWLockAcquire(rk_the_region->lock, LW_SHARED);
	ring = rk_directory_find(database, NULL, ring_id);
	if (ring)
		atomic_fetch_add(&ring->inbox, 1);
	LWLockRelease(rk_the_region->lock);
}

void
rk_request_intake(Oid database)
{
	static bool asked = false;
	bool		found = false;

	LWLockAcquire(rk_the_region->lock, LW_SHARED);
	for (int i = 0; i < rk_the_region->hosts; i++)
	{
		rk_host    *host = &rk_region_hosts()[i];

		if (host->state != RK_HOST_FREE && host->database == database)
		{
			atomic_store(&host->journal, 1);
			wake(&host->latch);
			found = true;
		}
	}
	LWLockRelease(rk_the_region->lock);
	/* one that was restored has none yet; one whose rings are stopped has none either, and is not asked again */
	if (!found && !asked)
		rk_request_rescan(database);
	asked = true;
}

bool
rk_database_held(Oid database)
{
	for (int i = 0; i < lengthof(rk_the_region->held); i++)
		if (rk_the_region->held[i] == database)
			return true;
	return false;
}

/* ---- settings ---- */

static const struct config_enum_entry priority_options[] = {
	{"low", RK_PRIORITY_LOW, false},
	{"normal", RK_PRIORITY_NORMAL, false},
	{"high", RK_PRIORITY_HIGH, false},
	{"critical", RK_PRIORITY_CRITICAL, false},
	{"realtime", RK_PRIORITY_REALTIME, false},
	{NULL, 0, false}
};

int
rk_priority_named(const char *name)
{
	for (const struct config_enum_entry *e = priority_options; e->name; e++)
		if (strcmp(e->name, name) == 0)
			return e->val;
	return -1;
}

static bool
check_queue_depth(int *value, void **extra, GucSource source)
{
	if ((*value & (*value - 1)) != 0)
	{
		GUC_check_errdetail("The value must be a power of two.");
		return false;
	}
	return true;
}

/* Splits the value of rk.databases; a copy of it is what the names lie in. */
static bool
split_databases(const char *value, char **copy, List **names)
{
	*copy = pstrdup(value ? value : "");
	*names = NIL;
	return SplitIdentifierString(*copy, ',', names);
}

static bool
check_databases(char **value, void **extra, GucSource source)
{
	char	   *copy;
	List	   *names;
	bool		good = split_databases(*value, &copy, &names);

	if (!good)
		GUC_check_errdetail("The value must be a list of names of databases, or *.");
	list_free(names);
	pfree(copy);
	return good;
}

bool
rk_database_listed(const char *name)
{
	char	   *copy;
	List	   *names;
	ListCell   *cell;
	bool		listed = false;

	if (split_databases(rk_databases, &copy, &names))
		foreach(cell, names)
			listed |= strcmp(lfirst(cell), "*") == 0 || strcmp(lfirst(cell), name) == 0;
	list_free(names);
	pfree(copy);
	return listed;
}

static bool
check_spin(int *value, void **extra, GucSource source)
{
	bool	   *is_default = rk_guc_malloc(sizeof(bool));

	if (is_default == NULL)
		return false;
	*is_default = source == PGC_S_DEFAULT;
	*extra = is_default;
	return true;
}

static void
assign_spin(int value, void *extra)
{
	spin_is_default = *(bool *) extra;
}

void
rk_ring_define_settings(void)
{
	DefineCustomIntVariable("rk.checkpoint_interval",
							"Sets the time between checkpoints of a ring whose state has changed.",
							NULL, &rk_checkpoint_interval_s, 30, 1, 86400,
							PGC_SIGHUP, GUC_UNIT_S, NULL, NULL, NULL);
	DefineCustomIntVariable("rk.checkpoints_kept",
							"Sets the number of checkpoints kept of each ring.",
							NULL, &rk_checkpoints_kept, 5, 1, 100, PGC_SIGHUP, 0, NULL, NULL, NULL);
	DefineCustomStringVariable("rk.databases",
							   "Sets the databases whose rings run.",
							   "A list of names; * means every database that takes connections.",
							   &rk_databases, "*", PGC_SIGHUP, GUC_LIST_INPUT, check_databases, NULL, NULL);
	DefineCustomIntVariable("rk.drain_timeout",
							"Sets how long a ring that is stopped may work on what is in its queue.",
							NULL, &rk_drain_timeout_s, 30, 0, 3600,
							PGC_SIGHUP, GUC_UNIT_S, NULL, NULL, NULL);
	DefineCustomIntVariable("rk.heartbeat_timeout",
							"Sets how long an actor may work without a sign of life before its host is given up.",
							"A ring can have its own, the option heartbeat_timeout.",
							&rk_heartbeat_timeout_s, 30, 1, 3600,
							PGC_SIGHUP, GUC_UNIT_S, NULL, NULL, NULL);
	DefineCustomIntVariable("rk.journal_limit",
							"Sets how many messages from tables may wait for a ring.",
							"More are a warning, and refused where an attachment says so.",
							&rk_journal_limit, 1000000, 1000, INT_MAX, PGC_SIGHUP, 0, NULL, NULL, NULL);
	DefineCustomIntVariable("rk.journal_poll",
							"Sets the time between looks at the journal that nobody asked for.",
							"They find rows of prepared transactions.",
							&rk_journal_poll_ms, 1000, 10, 60000,
							PGC_SIGHUP, GUC_UNIT_MS, NULL, NULL, NULL);
	DefineCustomIntVariable("rk.max_checkpoint_size",
							"Sets the size of the largest checkpoint of a ring.",
							NULL, &rk_max_checkpoint_size_kb, 1024 * 1024, 1024, 1024 * 1024,
							PGC_SIGHUP, GUC_UNIT_KB, NULL, NULL, NULL);
	DefineCustomIntVariable("rk.max_ring_workers",
							"Sets the number of processes that run rings, in all databases together.",
							"Zero means as many as max_worker_processes leaves.",
							&rk_max_ring_workers, 0, 0, 262143, PGC_SIGHUP, 0, NULL, NULL, NULL);
	DefineCustomIntVariable("rk.max_timeout",
							"Sets the longest time that a call of a ring can ask for.",
							"Zero means any.",
							&rk_max_timeout_ms, 300000, 0, INT_MAX, PGC_SUSET, GUC_UNIT_MS, NULL, NULL, NULL);
	DefineCustomEnumVariable("rk.priority",
							 "Sets the priority of messages.",
							 NULL, &rk_priority, RK_PRIORITY_NORMAL, priority_options,
							 PGC_USERSET, 0, NULL, NULL, NULL);
	DefineCustomIntVariable("rk.queue_depth",
							"Sets the capacity of the queue of rings without the option queue_capacity.",
							"A power of two.",
							&rk_queue_depth_setting, 1024, 16, 1048576,
							PGC_SIGHUP, 0, check_queue_depth, NULL, NULL);
	DefineCustomIntVariable("rk.ring_spin_us",
							"Sets how long senders and hosts look for a message before they sleep, in microseconds.",
							"-1 means that they never sleep. The default is 0 on one or two processors.",
							&rk_ring_spin_us, 20, -1, 1000000,
							PGC_SIGHUP, 0, check_spin, assign_spin, NULL);
	DefineCustomIntVariable("rk.shutdown_timeout",
							"Sets how long a host may work on queues when the server stops.",
							NULL, &rk_shutdown_timeout_s, 10, 0, 3600,
							PGC_SIGHUP, GUC_UNIT_S, NULL, NULL, NULL);
	DefineCustomIntVariable("rk.timeout",
							"Sets how long a call of a ring may take.",
							"Zero means the ring's own limit, message_timeout.",
							&rk_timeout_ms, 0, 0, INT_MAX, PGC_USERSET, GUC_UNIT_MS, NULL, NULL, NULL);
	DefineCustomStringVariable("rk.trace_context",
							   "Sets the trace that messages belong to, as a W3C traceparent.",
							   NULL, &rk_trace_context, "", PGC_USERSET, 0, NULL, NULL, NULL);

	/* fixed when the server starts; without preloading there is nothing to fix */
	if (process_shared_preload_libraries_in_progress)
	{
		DefineCustomIntVariable("rk.max_inflight",
								"Sets the number of calls that a session may have under way.",
								NULL, &rk_max_inflight, 64, 1, 1024, PGC_POSTMASTER, 0, NULL, NULL, NULL);
		DefineCustomIntVariable("rk.max_message_size",
								"Sets the size of the largest message.",
								NULL, &rk_max_message_size, 65536, 256, 65536,
								PGC_POSTMASTER, GUC_UNIT_BYTE, NULL, NULL, NULL);
		DefineCustomIntVariable("rk.max_rings",
								"Sets the number of rings that can run at a time.",
								"Zero disables rings.",
								&rk_max_rings, 100, 0, 10000, PGC_POSTMASTER, 0, NULL, NULL, NULL);
		DefineCustomIntVariable("rk.receipts_kept",
								"Sets the number of messages that rk.delivery knows of.",
								NULL, &rk_receipts_kept, 4096, 0, 1024 * 1024, PGC_POSTMASTER, 0, NULL, NULL, NULL);
		DefineCustomIntVariable("rk.ring_memory",
								"Sets the shared memory for queues and large messages.",
								"Zero disables rings.",
								&rk_ring_memory_kb, 32 * 1024, 0, 64 * 1024 * 1024,
								PGC_POSTMASTER, GUC_UNIT_KB, NULL, NULL, NULL);
		DefineCustomIntVariable("rk.ring_workers",
								"Sets the number of processes that share the rings of a database.",
								"Rings with the option dedicated have their own beside them.",
								&rk_ring_workers, 1, 1, 64, PGC_POSTMASTER, 0, NULL, NULL, NULL);
	}
}
