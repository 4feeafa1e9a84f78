/*
 * reader.c
 *	  Rows of a relation argument as batches of typed columns.
 *
 * Two ways lead to a batch.  In general the plan runs into a DestReceiver of
 * our own, no SPI, no tuplestore.  A plan that is a bare sequential scan of a
 * heap with no condition, where every output column is a column of the table,
 * is read by a page loop: the executor has checked the rights and taken the
 * locks, we take its snapshot and read the pages as heapgetpage would, but
 * decode the wanted columns of a whole page at a time.  That is three times
 * faster.  Row security, views with conditions, partitions and inheritance
 * give other plans, so the plan itself decides.
 */
#include "postgres.h"

#include "access/heapam.h"
#include "access/relscan.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "nodes/execnodes.h"
#include "pgstat.h"
#include "storage/bufmgr.h"
#include "tcop/dest.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/date.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

#include "../compat.h"
#include "reader.h"

#define BATCH_ROWS 1024
#define MAX_COLUMNS 64

bool		rk_page_loop = true;

/* Everything a run of rk_read needs. */
typedef struct reader
{
	DestReceiver dest;			/* first: the executor knows only this */
	const rk_read_column *columns;
	int			count;
	int			last_attno;		/* the highest wanted */
	bool		copy_bytes;		/* the row's memory goes before the batch does */
	rk_batch	batch;
	rk_vector  *vectors;
	int64		rows;
	rk_batch_fn fn;
	void	   *arg;
	void		(*progress) (void *arg, int64 rows);
	void	   *progress_arg;
	MemoryContext copies;		/* of the values in this batch */
	MemoryContext outer;
	ErrorContextCallback context;	/* of errors in the query, not in fn */
} reader;

rk_read_kind
rk_read_kind_of_id(Oid type)
{
	switch (getBaseType(type))
	{
		case INT2OID:
		case INT4OID:
		case INT8OID:
		case DATEOID:
		case TIMESTAMPOID:
		case TIMESTAMPTZOID:
			return RK_READ_INT64;
		case TEXTOID:
		case VARCHAROID:
		case BPCHAROID:
		case NAMEOID:
		case UUIDOID:
			return RK_READ_BYTES;
		default:
			return RK_READ_DATUM;
	}
}

static void
flush_batch(reader *r)
{
	MemoryContext old;

	if (r->batch.rows == 0)
		return;
	r->batch.first_row = r->rows + 1;
	old = MemoryContextSwitchTo(r->outer);
	error_context_stack = r->context.previous;
	r->fn(r->arg, &r->batch);
	error_context_stack = &r->context;
	MemoryContextSwitchTo(old);
	r->rows += r->batch.rows;
	r->batch.rows = 0;
	for (int c = 0; c < r->count; c++)
		r->vectors[c].any_null = false;
	MemoryContextReset(r->copies);
	if (r->progress)
		r->progress(r->progress_arg, r->rows);
}

/* Notes whether row i of a column is NULL. */
static inline void
put_null(rk_vector *v, int i, bool is_null)
{
	if (is_null && !v->any_null)
	{
		memset(v->nulls, 0, i);
		v->any_null = true;
	}
	if (v->any_null)
		v->nulls[i] = is_null;
}

/* Stores a value that is not NULL as row i; may allocate in r->copies. */
static inline void
put_value(reader *r, int column, int i, Datum value)
{
	const rk_read_column *c = &r->columns[column];
	rk_vector  *v = &r->vectors[column];

	switch (c->kind)
	{
		case RK_READ_INT64:
			switch (c->type)
			{
				case INT2OID:
					v->ints[i] = DatumGetInt16(value);
					break;
				case INT4OID:
					v->ints[i] = DatumGetInt32(value);
					break;
				case DATEOID:
					v->ints[i] = DatumGetDateADT(value);
					break;
				default:
					v->ints[i] = DatumGetInt64(value);
					break;
			}
			break;
		case RK_READ_FLOAT8:
			v->floats[i] = rk_number_to_double(value, c->type);
			break;
		case RK_READ_BYTES:
			if (c->type == UUIDOID)
				v->bytes[i] = (rk_bytes) {(char *) DatumGetUUIDP(value)->data, UUID_LEN};
			else if (c->type == NAMEOID)
				v->bytes[i] = (rk_bytes) {NameStr(*DatumGetName(value)), strlen(NameStr(*DatumGetName(value)))};
			else
			{
				struct varlena *t = PG_DETOAST_DATUM_PACKED(value);

				v->bytes[i] = (rk_bytes) {VARDATA_ANY(t), VARSIZE_ANY_EXHDR(t)};
				/* blanks at the end are no part of a char(n) */
				if (c->type == BPCHAROID)
					while (v->bytes[i].length > 0 && v->bytes[i].data[v->bytes[i].length - 1] == ' ')
						v->bytes[i].length--;
			}
			if (r->copy_bytes)
			{
				char	   *copy = MemoryContextAlloc(r->copies, v->bytes[i].length + 1);

				memcpy(copy, v->bytes[i].data, v->bytes[i].length);
				v->bytes[i].data = copy;
			}
			break;
		case RK_READ_DATUM:
			{
				int16		length;
				bool		by_value;

				get_typlenbyval(c->type, &length, &by_value);
				v->datums[i] = length == -1 ? PointerGetDatum(PG_DETOAST_DATUM_COPY(value)) :
					datumCopy(value, by_value, length);
			}
			break;
	}
}

/* ---- the plan into a receiver ---- */

static bool
receive_row(TupleTableSlot *slot, DestReceiver *self)
{
	reader	   *r = (reader *) self;
	int			i = r->batch.rows;
	MemoryContext old = MemoryContextSwitchTo(r->copies);

	slot_getsomeattrs(slot, r->last_attno);
	for (int c = 0; c < r->count; c++)
	{
		int			a = r->columns[c].attno - 1;

		put_null(&r->vectors[c], i, slot->tts_isnull[a]);
		if (!slot->tts_isnull[a])
			put_value(r, c, i, slot->tts_values[a]);
	}
	MemoryContextSwitchTo(old);
	if (++r->batch.rows == BATCH_ROWS)
		flush_batch(r);
	return true;
}

static void
receiver_startup(DestReceiver *self, int operation, TupleDesc desc)
{
}

static void
receiver_nothing(DestReceiver *self)
{
}

/* ---- the page loop ---- */

/*
 * If the plan is a bare scan of a heap, returns the relation and rewrites
 * attno of the columns from output columns to table columns.
 */
static Relation
bare_heap_scan(QueryDesc *desc, const rk_read_column *columns, int count, int *attnos)
{
	PlanState  *state = desc->planstate;
	SeqScanState *scan;
	Relation	rel;

	if (!rk_page_loop || !IsA(state, SeqScanState) || state->qual != NULL ||
		IsolationIsSerializable())
		return NULL;
	scan = (SeqScanState *) state;
	rel = scan->ss.ss_currentRelation;
	if (rel->rd_tableam != GetHeapamTableAmRoutine() ||
		!IsMVCCSnapshot(desc->estate->es_snapshot))
		return NULL;
	for (int c = 0; c < count; c++)
	{
		TargetEntry *entry = list_nth(state->plan->targetlist, columns[c].attno - 1);

		if (!IsA(entry->expr, Var) || ((Var *) entry->expr)->varattno <= 0)
			return NULL;
		attnos[c] = ((Var *) entry->expr)->varattno;
	}
	return rel;
}

/* Where to find a column in a tuple. */
typedef struct column_place
{
	int			attno;
	int			offset;			/* from the data, in a tuple without nulls whose
								 * earlier columns are of fixed length; else -1 */
} column_place;

static void
find_offsets(TupleDesc desc, column_place *places, int count)
{
	int			offset = 0;

	for (int c = 0; c < count; c++)
		places[c].offset = -1;
	for (int a = 0; a < desc->natts; a++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, a);

		/* a varlena of its own alignment may be short and unaligned */
		if (att->attlen > 0)
			offset = att_align_nominal(offset, att->attalign);
		for (int c = 0; c < count; c++)
		{
			if (places[c].attno == a + 1 && att->attlen > 0)
				places[c].offset = offset;
		}
		if (att->attlen <= 0)
		{
			/* the first one of variable length starts here if it is packed */
			return;
		}
		offset += att->attlen;
	}
}

/* Decodes one tuple attribute by attribute into row i. */
static void
decode_tuple(reader *r, TupleDesc desc, const column_place *places, HeapTupleHeader tuple, int i)
{
	bits8	   *nulls = (tuple->t_infomask & HEAP_HASNULL) ? tuple->t_bits : NULL;
	char	   *data = (char *) tuple + tuple->t_hoff;
	int			natts = HeapTupleHeaderGetNatts(tuple);
	int			offset = 0;
	int			last = 0;

	for (int c = 0; c < r->count; c++)
		last = Max(last, places[c].attno);
	for (int a = 0; a < last; a++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, a);
		bool		is_null;
		Datum		value = (Datum) 0;

		if (a >= natts)
			value = getmissingattr(desc, a + 1, &is_null);
		else if (nulls != NULL && att_isnull(a, nulls))
			is_null = true;
		else
		{
			is_null = false;
			if (att->attlen == -1)
				offset = att_align_pointer(offset, att->attalign, -1, data + offset);
			else
				offset = att_align_nominal(offset, att->attalign);
			value = fetchatt(att, data + offset);
			offset = att_addlength_pointer(offset, att->attlen, data + offset);
		}
		for (int c = 0; c < r->count; c++)
		{
			if (places[c].attno != a + 1)
				continue;
			put_null(&r->vectors[c], i, is_null);
			if (!is_null)
				put_value(r, c, i, value);
		}
	}
}

/* Decodes n tuples of a page into rows of the batch. */
static void
decode_page(reader *r, TupleDesc desc, const column_place *places, HeapTupleHeader *tuples, int n)
{
	MemoryContext old = MemoryContextSwitchTo(r->copies);
	bool		fast = true;
	int			last = 0;
	int			row = r->batch.rows;

	for (int c = 0; c < r->count; c++)
	{
		last = Max(last, places[c].attno);
		fast = fast && places[c].offset >= 0;
	}
	if (fast)
	{
		for (int i = 0; i < n && fast; i++)
			fast = !(tuples[i]->t_infomask & HEAP_HASNULL) && HeapTupleHeaderGetNatts(tuples[i]) >= last;
	}
	if (!fast)
	{
		for (int i = 0; i < n; i++)
			decode_tuple(r, desc, places, tuples[i], row + i);
	}
	else
	{
		for (int c = 0; c < r->count; c++)
		{
			int			offset = places[c].offset;
			Form_pg_attribute att = TupleDescAttr(desc, places[c].attno - 1);
			rk_vector  *v = &r->vectors[c];

			if (v->any_null)
				memset(v->nulls + row, 0, n);
			if (r->columns[c].type == INT8OID && r->columns[c].kind == RK_READ_INT64)
			{
				for (int i = 0; i < n; i++)
					v->ints[row + i] = *(int64 *) ((char *) tuples[i] + tuples[i]->t_hoff + offset);
			}
			else if (r->columns[c].type == INT4OID && r->columns[c].kind == RK_READ_INT64)
			{
				for (int i = 0; i < n; i++)
					v->ints[row + i] = *(int32 *) ((char *) tuples[i] + tuples[i]->t_hoff + offset);
			}
			else if (r->columns[c].type == FLOAT8OID && r->columns[c].kind == RK_READ_FLOAT8)
			{
				for (int i = 0; i < n; i++)
					v->floats[row + i] = *(double *) ((char *) tuples[i] + tuples[i]->t_hoff + offset);
			}
			else
			{
				for (int i = 0; i < n; i++)
					put_value(r, c, row + i,
							  fetchatt(att, (char *) tuples[i] + tuples[i]->t_hoff + offset));
			}
		}
	}
	r->batch.rows += n;
	MemoryContextSwitchTo(old);
}

static void
read_pages(reader *r, Relation rel, Snapshot snapshot, const int *attnos)
{
	BlockNumber blocks = RelationGetNumberOfBlocks(rel);
	BufferAccessStrategy strategy = NULL;
	TupleDesc	desc = RelationGetDescr(rel);
	HeapTupleHeader tuples[MaxHeapTuplesPerPage];
	column_place places[MAX_COLUMNS];
	bool		page_is_batch = false;	/* bytes point into the pinned page */

	Assert(r->count <= lengthof(places));
	for (int c = 0; c < r->count; c++)
	{
		places[c].attno = attnos[c];
		page_is_batch = page_is_batch || r->columns[c].kind == RK_READ_BYTES;
	}
	find_offsets(desc, places, r->count);
	/* as a sequential scan: a big table must not sweep the cache */
	if (!RelationUsesLocalBuffers(rel) && blocks > NBuffers / 4)
		strategy = GetAccessStrategy(BAS_BULKREAD);
	pgstat_count_heap_scan(rel);
	for (BlockNumber block = 0; block < blocks; block++)
	{
		Buffer		buffer;
		Page		page;
		OffsetNumber lines;
		bool		all_visible;
		int			n = 0;

		CHECK_FOR_INTERRUPTS();
		buffer = ReadBufferExtended(rel, MAIN_FORKNUM, block, RBM_NORMAL, strategy);
		/* line pointers are stable, and visibility is judged, under this lock */
		LockBuffer(buffer, BUFFER_LOCK_SHARE);
		page = BufferGetPage(buffer);
		rk_test_for_old_snapshot(snapshot, rel, page);
		lines = PageGetMaxOffsetNumber(page);
		all_visible = PageIsAllVisible(page) && !snapshot->takenDuringRecovery;
		for (OffsetNumber line = FirstOffsetNumber; line <= lines; line++)
		{
			ItemId		item = PageGetItemId(page, line);

			if (!ItemIdIsNormal(item))
				continue;
			if (!all_visible)
			{
				HeapTupleData tuple;

				tuple.t_data = (HeapTupleHeader) PageGetItem(page, item);
				tuple.t_len = ItemIdGetLength(item);
				tuple.t_tableOid = RelationGetRelid(rel);
				ItemPointerSet(&tuple.t_self, block, line);
				if (!HeapTupleSatisfiesVisibility(&tuple, snapshot, buffer))
					continue;
			}
			tuples[n++] = (HeapTupleHeader) PageGetItem(page, item);
		}
		LockBuffer(buffer, BUFFER_LOCK_UNLOCK);
		/* the pin keeps the tuples where they are */
		decode_page(r, desc, places, tuples, n);
		if (page_is_batch || r->batch.rows + MaxHeapTuplesPerPage > BATCH_ROWS)
			flush_batch(r);
		ReleaseBuffer(buffer);
	}
	if (strategy)
		FreeAccessStrategy(strategy);
}

int64
rk_read(rk_source *source, const rk_read_column *columns, int count,
		rk_batch_fn fn, void *arg, void (*progress) (void *arg, int64 rows),
		void *progress_arg)
{
	QueryDesc  *desc;
	Relation	heap;
	rk_guard	guard;
	int			attnos[MAX_COLUMNS];
	reader		r = {
		.dest = {
			.receiveSlot = receive_row,
			.rStartup = receiver_startup,
			.rShutdown = receiver_nothing,
			.rDestroy = receiver_nothing,
			.mydest = DestNone
		},
		.columns = columns,
		.count = count,
		.fn = fn,
		.arg = arg,
		.progress = progress,
		.progress_arg = progress_arg,
		.outer = CurrentMemoryContext
	};

	StaticAssertStmt(MaxHeapTuplesPerPage <= BATCH_ROWS, "a page must fit a batch");
	if (count > (int) lengthof(attnos))
		elog(ERROR, "too many columns wanted: %d", count);
	r.copies = AllocSetContextCreate(CurrentMemoryContext, "rk batch", ALLOCSET_DEFAULT_SIZES);
	r.vectors = palloc0(sizeof(rk_vector) * count);
	r.batch.columns = r.vectors;
	for (int c = 0; c < count; c++)
	{
		rk_vector  *v = &r.vectors[c];

		r.last_attno = Max(r.last_attno, columns[c].attno);
		v->nulls = palloc(BATCH_ROWS);
		switch (columns[c].kind)
		{
			case RK_READ_INT64:
				v->ints = palloc(sizeof(int64) * BATCH_ROWS);
				break;
			case RK_READ_FLOAT8:
				v->floats = palloc(sizeof(double) * BATCH_ROWS);
				break;
			case RK_READ_BYTES:
				v->bytes = palloc(sizeof(rk_bytes) * BATCH_ROWS);
				break;
			case RK_READ_DATUM:
				v->datums = palloc(sizeof(Datum) * BATCH_ROWS);
				break;
		}
	}

	r.context = (ErrorContextCallback) {error_context_stack, rk_source_context, source};
	error_context_stack = &r.context;
	rk_guard_begin(&guard);
	PushCopiedSnapshot(GetActiveSnapshot());
	desc = CreateQueryDesc(source->plan, source->query, GetActiveSnapshot(), InvalidSnapshot,
						   &r.dest, NULL, NULL, 0);
	ExecutorStart(desc, 0);
	heap = bare_heap_scan(desc, columns, count, attnos);
	if (heap != NULL)
	{
		read_pages(&r, heap, desc->estate->es_snapshot, attnos);
	}
	else
	{
		r.copy_bytes = true;
		rk_executor_run(desc);
	}
	flush_batch(&r);
	ExecutorFinish(desc);
	ExecutorEnd(desc);
	FreeQueryDesc(desc);
	PopActiveSnapshot();
	rk_guard_end(&guard);
	error_context_stack = r.context.previous;
	MemoryContextDelete(r.copies);
	return r.rows;
}
