/*
 * context_shared.c
 *	  The versions of contexts in shared memory.
 *
 * One dynamic shared memory area lies inside the main shared memory segment,
 * rk.context_memory bytes long, so that every backend has it at once and at no
 * cost.  A table of slots says what is in it.
 *
 * Locking: one LWLock protects all slots and their counts.  The bytes of a
 * version are written before it becomes visible and never changed afterwards,
 * so a reader who holds a pin reads them without a lock.  Adjacency is added
 * in the same way: written first, entered in the slot under the lock.  The
 * area has locks of its own, which are taken inside.
 *
 * A crash of any backend restarts the server and with it this memory; the
 * items are read again on first use.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "storage/lwlock.h"
#include "storage/shmem.h"
#include "utils/dsa.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "context.h"
#include "../call/shared.h"

#define SLOTS 512
#define GRAPHS 8				/* adjacencies of one version */

/* An adjacency: options as one number, and where its arrays are. */
typedef struct kept_graph
{
	uint32		key;
	int64		arcs;
	int64		bytes;
	dsa_pointer data;
} kept_graph;

typedef struct slot
{
	bool		used;
	bool		pending;		/* of a transaction under way, or being written */
	bool		visible;		/* readers may take it */
	uint64		last_use;		/* of the clock below */
	rk_context_version version;
	dsa_pointer block;
	int			graph_count;
	kept_graph	graphs[GRAPHS];
} slot;

typedef struct shared_contexts
{
	LWLock		lock;
	int			area_tranche;
	uint64		clock;			/* counts uses, to tell older from newer */
	slot		slots[SLOTS];
	char		area[FLEXIBLE_ARRAY_MEMBER];
} shared_contexts;

static shared_contexts *shared = NULL;
static dsa_area *area = NULL;
static int	context_memory_kb = 256 * 1024;

#define AREA_OFFSET MAXALIGN(offsetof(shared_contexts, area))

/* ---- start ---- */

static Size
area_size(void)
{
	return (Size) context_memory_kb * 1024;
}

static Size
shared_size(void)
{
	return context_memory_kb > 0 ? add_size(AREA_OFFSET, area_size()) : 0;
}

static void
attach_shared(void *memory, bool made)
{
	shared = memory;
	if (made)
	{
		int			tranche = LWLockNewTrancheId();
		dsa_area   *new_area;

		memset(shared, 0, AREA_OFFSET);
		LWLockInitialize(&shared->lock, tranche);
		shared->area_tranche = LWLockNewTrancheId();
		/* no segments beyond the one here */
		new_area = dsa_create_in_place((char *) shared + AREA_OFFSET, area_size(),
									   shared->area_tranche, NULL);
		dsa_pin(new_area);
		dsa_set_size_limit(new_area, area_size());
		dsa_detach(new_area);
	}
	LWLockRegisterTranche(shared->lock.tranche, "RkContexts");
	LWLockRegisterTranche(shared->area_tranche, "RkContextMemory");
}

void
rk_context_install(void)
{
	static const rk_shared_part part = {.name = "rustkernels contexts",.size = shared_size,.attach = attach_shared};

	if (!process_shared_preload_libraries_in_progress)
		return;
	DefineCustomIntVariable("rk.context_memory",
							"Sets the shared memory for the data of contexts.",
							"Zero means that there are no contexts.",
							&context_memory_kb, 256 * 1024, 0, INT_MAX,
							PGC_POSTMASTER, GUC_UNIT_KB, NULL, NULL, NULL);
	rk_shared_add(&part);
}

bool
rk_context_attach(void)
{
	MemoryContext old;

	if (shared == NULL)
		return false;
	if (area)
		return true;
	LWLockRegisterTranche(shared->lock.tranche, "RkContexts");
	LWLockRegisterTranche(shared->area_tranche, "RkContextMemory");
	old = MemoryContextSwitchTo(TopMemoryContext);
	area = dsa_attach_in_place((char *) shared + AREA_OFFSET, NULL);
	dsa_pin_mapping(area);
	MemoryContextSwitchTo(old);
	return true;
}

void
rk_context_require(void)
{
	if (!rk_context_attach())
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("contexts need shared memory"),
				 errhint("Add rustkernels to shared_preload_libraries, set rk.context_memory above zero, and restart the server.")));
}

/* ---- room ---- */

/* Frees a slot and all that belongs to it; the lock is held. */
static void
free_slot(slot *s)
{
	for (int i = 0; i < s->graph_count; i++)
		dsa_free(area, s->graphs[i].data);
	dsa_free(area, s->block);
	memset(s, 0, sizeof(slot));
}

/*
 * Gives up the version that was not used for longest, of those that nobody
 * reads and that are not pinned; false when there is none.  The lock is held.
 */
static bool
give_up_one(const slot *except)
{
	slot	   *oldest = NULL;

	for (int i = 0; i < SLOTS; i++)
	{
		slot	   *s = &shared->slots[i];

		if (s->used && s->visible && s != except && s->version.readers == 0 &&
			!s->version.pinned && (oldest == NULL || s->last_use < oldest->last_use))
			oldest = s;
	}
	if (oldest == NULL)
		return false;
	free_slot(oldest);
	return true;
}

/* Bytes that a context holds; the lock is held. */
static int64
working_set(int64 context, int64 except_item)
{
	int64		bytes = 0;

	for (int i = 0; i < SLOTS; i++)
		if (shared->slots[i].used && shared->slots[i].version.database == MyDatabaseId &&
			shared->slots[i].version.context == context &&
			shared->slots[i].version.item != except_item)
			bytes += shared->slots[i].version.bytes;
	return bytes;
}

/* Shared memory of this size, making room; InvalidDsaPointer if there is none. */
static dsa_pointer
find_room(int64 bytes, const slot *except)
{
	dsa_pointer p = InvalidDsaPointer;

	if (bytes > (int64) area_size())
		return InvalidDsaPointer;
	do
	{
		p = dsa_allocate_extended(area, bytes, DSA_ALLOC_HUGE | DSA_ALLOC_NO_OOM);
	} while (!DsaPointerIsValid(p) && give_up_one(except));
	return p;
}

int
rk_context_create(const rk_context_version *version, int64 bytes, int64 max_working_set,
				  void **block)
{
	slot	   *s = NULL;
	dsa_pointer p;
	int64		held;

	rk_context_require();
	LWLockAcquire(&shared->lock, LW_EXCLUSIVE);
	/* what it replaces is not counted: it goes */
	held = working_set(version->context, version->item);
	if (held + bytes > max_working_set)
	{
		LWLockRelease(&shared->lock);
		ereport(ERROR,
				(errcode(ERRCODE_OUT_OF_MEMORY),
				 errmsg("item does not fit into the working set of its context"),
				 errdetail("The item takes %lld kB, the other items take %lld kB, and max_working_set is %lld kB.",
						   (long long) bytes / 1024, (long long) held / 1024,
						   (long long) max_working_set / 1024)));
	}
	for (;;)
	{
		for (int i = 0; i < SLOTS && s == NULL; i++)
			if (!shared->slots[i].used)
				s = &shared->slots[i];
		if (s || !give_up_one(NULL))
			break;
	}
	p = s ? find_room(bytes, NULL) : InvalidDsaPointer;
	if (!DsaPointerIsValid(p))
	{
		LWLockRelease(&shared->lock);
		ereport(ERROR,
				(errcode(ERRCODE_OUT_OF_MEMORY),
				 errmsg("there is no room for an item of %lld kB in rk.context_memory", (long long) bytes / 1024),
				 errdetail("rk.context_memory is %d kB; items that are in use or pinned are not given up.", context_memory_kb),
				 errhint("Drop items with rk.context_drop, or increase rk.context_memory and restart the server.")));
	}
	*s = (slot) {.used = true,.pending = true,.version = *version,.block = p,.last_use = ++shared->clock};
	s->version.database = MyDatabaseId;
	s->version.bytes = bytes;
	s->version.readers = 0;
	LWLockRelease(&shared->lock);
	*block = dsa_get_address(area, p);
	memset(*block, 0, bytes);
	return (int) (s - shared->slots);
}

/* Takes a version out of sight, for good; the lock is held. */
static void
retire(slot *s)
{
	s->visible = s->pending = false;
	if (s->version.readers == 0)
		free_slot(s);
}

void
rk_context_discard(int number)
{
	LWLockAcquire(&shared->lock, LW_EXCLUSIVE);
	retire(&shared->slots[number]);
	LWLockRelease(&shared->lock);
}

void
rk_context_publish(int number)
{
	slot	   *s = &shared->slots[number];

	LWLockAcquire(&shared->lock, LW_EXCLUSIVE);
	for (int i = 0; i < SLOTS; i++)
	{
		slot	   *other = &shared->slots[i];

		if (other->used && other->visible && other->version.item == s->version.item &&
			other->version.database == s->version.database)
			retire(other);
	}
	s->visible = true;
	s->pending = false;
	LWLockRelease(&shared->lock);
}

void
rk_context_retire(Oid database, int64 item)
{
	LWLockAcquire(&shared->lock, LW_EXCLUSIVE);
	for (int i = 0; i < SLOTS; i++)
	{
		slot	   *s = &shared->slots[i];

		if (s->used && s->visible && s->version.database == database && s->version.item == item)
			retire(s);
	}
	LWLockRelease(&shared->lock);
}

/* ---- readers ---- */

int
rk_context_acquire(Oid database, int64 item)
{
	int			found = -1;

	rk_context_require();
	LWLockAcquire(&shared->lock, LW_EXCLUSIVE);
	for (int i = 0; i < SLOTS; i++)
	{
		slot	   *s = &shared->slots[i];

		if (s->used && s->visible && s->version.database == database && s->version.item == item)
		{
			s->version.readers++;
			s->version.hits++;
			s->last_use = ++shared->clock;
			found = i;
			break;
		}
	}
	LWLockRelease(&shared->lock);
	return found;
}

void
rk_context_pin(int number)
{
	LWLockAcquire(&shared->lock, LW_EXCLUSIVE);
	shared->slots[number].version.readers++;
	shared->slots[number].version.hits++;
	LWLockRelease(&shared->lock);
}

void
rk_context_release(int number)
{
	slot	   *s = &shared->slots[number];

	LWLockAcquire(&shared->lock, LW_EXCLUSIVE);
	s->version.readers--;
	if (s->version.readers == 0 && !s->visible && !s->pending)
		free_slot(s);
	LWLockRelease(&shared->lock);
}

void
rk_context_describe(int number, const rk_context_version *version)
{
	rk_context_version *to = &shared->slots[number].version;

	LWLockAcquire(&shared->lock, LW_EXCLUSIVE);
	to->weighted = version->weighted;
	to->negative = version->negative;
	to->id_type = version->id_type;
	to->nodes = version->nodes;
	to->edges = version->edges;
	to->loaded_at = GetCurrentTimestamp();
	LWLockRelease(&shared->lock);
}

void *
rk_context_block(int number, bool *negative)
{
	*negative = shared->slots[number].version.negative;
	return dsa_get_address(area, shared->slots[number].block);
}

/* ---- adjacency ---- */

/* Options as one number. */
static uint32
options_key(const rk_graph_options *o, bool weighted)
{
	return 1 | o->directed << 1 | o->drop_loops << 2 | o->want_out << 3 | o->want_in << 4 |
		weighted << 5 | o->parallel << 6;
}

void
rk_context_identify(int number, const rk_graph_options *options, bool weighted,
					int64 *item, int64 *loaded_at, uint32 *database, uint32 *key)
{
	const rk_context_version *version = &shared->slots[number].version;

	*item = version->item;
	*loaded_at = version->loaded_at;
	*database = version->database;
	*key = options_key(options, weighted);
}

/* Sets the arrays of one direction from p; returns where they end. */
static char *
point_at(char *p, int64 nodes, int64 arcs, bool weights, rk_adjacency *a)
{
	a->offsets = (int64 *) p;
	p += sizeof(int64) * (nodes + 1);
	a->weights = weights ? (double *) p : NULL;
	p += weights ? sizeof(double) * arcs : 0;
	a->neighbors = (uint32 *) p;
	return p + MAXALIGN(sizeof(uint32) * arcs);
}

static Size
adjacency_bytes(int64 nodes, int64 arcs, bool weights)
{
	return sizeof(int64) * (nodes + 1) + (weights ? sizeof(double) * arcs : 0) +
		MAXALIGN(sizeof(uint32) * arcs);
}

/* Points g at a kept graph. */
static void
use_kept(const slot *s, const kept_graph *kept, const rk_graph_options *o, bool weighted, rk_graph *g)
{
	char	   *p = dsa_get_address(area, kept->data);
	bool		weights = weighted && o->parallel != RK_EDGES_COLLAPSE;

	*g = (rk_graph) {.nodes = s->version.nodes,.arcs = kept->arcs,.directed = o->directed};
	if (!o->directed)
	{
		point_at(p, g->nodes, g->arcs, weights, &g->out);
		g->in = g->out;
		return;
	}
	if (o->want_out)
		p = point_at(p, g->nodes, g->arcs, weights, &g->out);
	if (o->want_in)
		point_at(p, g->nodes, g->arcs, weights, &g->in);
}

bool
rk_context_find_graph(int number, const rk_graph_options *options, bool weighted, rk_graph *g)
{
	slot	   *s = &shared->slots[number];
	uint32		key = options_key(options, weighted);
	kept_graph	found = {0};

	LWLockAcquire(&shared->lock, LW_SHARED);
	for (int i = 0; i < s->graph_count; i++)
		if (s->graphs[i].key == key)
			found = s->graphs[i];
	LWLockRelease(&shared->lock);
	if (found.key == 0)
		return false;
	use_kept(s, &found, options, weighted, g);
	return true;
}

bool
rk_context_keep_graph(int number, const rk_graph_options *options, bool weighted,
					  int64 max_working_set, rk_graph *g)
{
	slot	   *s = &shared->slots[number];
	const rk_adjacency *sides[2] = {options->want_out || !options->directed ? &g->out : NULL,
	options->want_in && options->directed ? &g->in : NULL};
	bool		weights = weighted && options->parallel != RK_EDGES_COLLAPSE;
	kept_graph	kept = {.key = options_key(options, weighted),.arcs = g->arcs};
	bool		there = false;
	char	   *p;

	for (int i = 0; i < 2; i++)
		if (sides[i])
			kept.bytes += adjacency_bytes(g->nodes, g->arcs, weights);
	LWLockAcquire(&shared->lock, LW_EXCLUSIVE);
	if (s->graph_count < GRAPHS && working_set(s->version.context, 0) + kept.bytes <= max_working_set)
		kept.data = find_room(kept.bytes, s);
	LWLockRelease(&shared->lock);
	if (!DsaPointerIsValid(kept.data))
		return false;
	p = dsa_get_address(area, kept.data);
	for (int i = 0; i < 2; i++)
	{
		rk_adjacency to;

		if (sides[i] == NULL)
			continue;
		p = point_at(p, g->nodes, g->arcs, weights, &to);
		memcpy(to.offsets, sides[i]->offsets, sizeof(int64) * (g->nodes + 1));
		memcpy(to.neighbors, sides[i]->neighbors, sizeof(uint32) * g->arcs);
		if (weights)
			memcpy(to.weights, sides[i]->weights, sizeof(double) * g->arcs);
	}
	LWLockAcquire(&shared->lock, LW_EXCLUSIVE);
	for (int i = 0; i < s->graph_count; i++)
		there |= s->graphs[i].key == kept.key;
	if (!there && s->graph_count < GRAPHS)
	{
		s->graphs[s->graph_count++] = kept;
		s->version.bytes += kept.bytes;
		there = true;
	}
	else
		dsa_free(area, kept.data);	/* another session was faster */
	LWLockRelease(&shared->lock);
	return there && rk_context_find_graph(number, options, weighted, g);
}

/* ---- looking ---- */

rk_context_version *
rk_context_versions(int *count)
{
	rk_context_version *list = palloc(sizeof(rk_context_version) * SLOTS);

	*count = 0;
	if (shared == NULL)
		return list;
	LWLockAcquire(&shared->lock, LW_SHARED);
	for (int i = 0; i < SLOTS; i++)
		if (shared->slots[i].used && shared->slots[i].visible &&
			shared->slots[i].version.database == MyDatabaseId)
			list[(*count)++] = shared->slots[i].version;
	LWLockRelease(&shared->lock);
	return list;
}
