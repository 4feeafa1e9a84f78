/*
 * attach.c
 *	  Rows of tables as messages: rk.ring_attach and its trigger.
 *
 * The trigger fires after each row, whatever wrote it, and puts the message
 * into rk.ring_journal in the same transaction.  It does not touch the ring:
 * at commit a callback tells the host that there is something to take in.
 *
 * Fields are expressions over the row.  Those that are columns are read from
 * the tuple; if all are, no query is run.
 */
#include "postgres.h"

#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "commands/sequence.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
#include "utils/typcache.h"
#include "utils/xid8.h"

#include "../compat.h"
#include "catalog.h"
#include "convert.h"
#include "host.h"
#include "send.h"

PG_FUNCTION_INFO_V1(rk_ring_attach);
PG_FUNCTION_INFO_V1(rk_ring_detach);
PG_FUNCTION_INFO_V1(rk_ring_journal_row);

#define MAX_FIELDS 64

typedef enum attach_event
{
	EVENT_INSERT = 1,
	EVENT_UPDATE = 2,
	EVENT_DELETE = 4
} attach_event;

/* An attachment as a session knows it, for one relation or partition. */
typedef struct attached_key
{
	int64		attachment_id;
	Oid			relation;
	uint32		unused;			/* zero: the key is hashed as bytes */
} attached_key;

typedef struct attached
{
	attached_key key;
	bool		stale;			/* its table has changed since */
	bool		exists;
	int32		ring_id;
	const rk_message_type *type;
	int			priority;
	int			op;				/* index of a field "op" that the event decides; -1: none */
	int			fields;
	int			attno[MAX_FIELDS];	/* column; 0: an expression or default */
	Oid			attype[MAX_FIELDS];
	int			result[MAX_FIELDS]; /* column of the query, from 1; 0: none */
	SPIPlanPtr	plan;			/* NULL: no expressions */
	bool		has_when;		/* the query's last column */
	bool		refuses;		/* when the ring is too far behind */
	int64		counted_ns;		/* when its backlog was counted */
	int64		backlog;		/* as counted, and what was written since */
} attached;

static HTAB *known = NULL;

/* ---- mapping ---- */

char *
rk_mapping_text(Jsonb *mapping, const char *key)
{
	JsonbValue	k = {.type = jbvString,.val.string = {strlen(key), (char *) key}};
	JsonbValue *v = findJsonbValueFromContainer(&mapping->root, JB_FOBJECT, &k);

	if (v == NULL || v->type == jbvNull)
		return NULL;
	if (v->type == jbvNumeric)
		return DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(v->val.numeric)));
	if (v->type != jbvString)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("member \"%s\" of the mapping must be a string", key)));
	return pnstrdup(v->val.string.val, v->val.string.len);
}

static bool
mapping_flag(Jsonb *mapping, const char *key)
{
	JsonbValue	k = {.type = jbvString,.val.string = {strlen(key), (char *) key}};
	JsonbValue *v = findJsonbValueFromContainer(&mapping->root, JB_FOBJECT, &k);

	if (v == NULL || v->type == jbvNull)
		return false;
	if (v->type != jbvBool)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("member \"%s\" of the mapping must be true or false", key)));
	return v->val.boolean;
}

/* Events of the mapping; insert alone if it names none. */
static int
mapping_events(Jsonb *mapping)
{
	static const char *const names[] = {"insert", "update", "delete"};
	JsonbValue	k = {.type = jbvString,.val.string = {2, "on"}};
	JsonbValue *v = findJsonbValueFromContainer(&mapping->root, JB_FOBJECT, &k);
	int			events = 0;
	bool		good = true;

	if (v == NULL)
		return EVENT_INSERT;
	if (v->type == jbvBinary && JsonContainerIsArray(v->val.binary.data))
	{
		for (int i = 0; i < JsonContainerSize(v->val.binary.data); i++)
		{
			JsonbValue *e = getIthJsonbValueFromContainer(v->val.binary.data, i);
			int			found = -1;

			for (int n = 0; n < 3; n++)
				if (e->type == jbvString && e->val.string.len == strlen(names[n]) &&
					memcmp(e->val.string.val, names[n], e->val.string.len) == 0)
					found = n;
			good &= found >= 0;
			if (found >= 0)
				events |= 1 << found;
		}
	}
	if (!good || events == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("member \"on\" of the mapping must be an array of \"insert\", \"update\" and \"delete\"")));
	return events;
}

/* What happens when too many messages wait: they wait, or the writer has an error. */
static bool
mapping_refuses(Jsonb *mapping)
{
	char	   *policy = rk_mapping_text(mapping, "on_backlog");

	if (policy && strcmp(policy, "error") != 0 && strcmp(policy, "wait") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("member \"on_backlog\" of the mapping must be \"wait\" or \"error\"")));
	return policy && strcmp(policy, "error") == 0;
}

Jsonb *
rk_mapping_object(Jsonb *mapping, const char *key)
{
	JsonbValue	k = {.type = jbvString,.val.string = {strlen(key), (char *) key}};
	JsonbValue *v = findJsonbValueFromContainer(&mapping->root, JB_FOBJECT, &k);

	if (v == NULL || v->type == jbvNull)
		return NULL;
	if (v->type != jbvBinary || !JsonContainerIsObject(v->val.binary.data))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("member \"%s\" of the mapping must be an object", key)));
	return JsonbValueToJsonb(v);
}

void
rk_mapping_check(Jsonb *object, const char *const *keys, const rk_field *fields)
{
	JsonbIterator *it = JsonbIteratorInit(&object->root);
	JsonbValue	v;
	JsonbIteratorToken token;

	while ((token = JsonbIteratorNext(&it, &v, true)) != WJB_DONE)
	{
		char	   *key;
		bool		good = false;
		StringInfoData all;

		if (token != WJB_KEY)
			continue;
		key = pnstrdup(v.val.string.val, v.val.string.len);
		initStringInfo(&all);
		for (int i = 0; keys && keys[i]; i++)
		{
			good |= strcmp(keys[i], key) == 0;
			appendStringInfo(&all, "%s%s", all.len ? ", " : "", keys[i]);
		}
		for (const rk_field *f = fields; f && f->name; f++)
		{
			good |= strcmp(f->name, key) == 0;
			appendStringInfo(&all, "%s%s", all.len ? ", " : "", f->name);
		}
		if (!good)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("a mapping has no member \"%s\" here", key),
					 errhint("Members are %s.", all.data)));
	}
}

/* The message type of a mapping: an id, a name, or what the kernel is loaded with. */
const rk_message_type *
rk_mapping_type(Jsonb *mapping, const rk_actor *actor)
{
	char	   *wanted = rk_mapping_text(mapping, "type");
	StringInfoData all;

	if (wanted == NULL && rk_actor_feed(actor) != 0)
		return rk_actor_message(actor, rk_actor_feed(actor));
	initStringInfo(&all);
	for (const rk_message_type *t = actor->messages; t->type_id; t++)
	{
		if (!t->mutating || t->published)
			continue;
		if (wanted ? strcmp(t->name, wanted) == 0 || atoi(wanted) == t->type_id : true)
			return t;
		appendStringInfo(&all, "%s%s", all.len ? ", " : "", t->name);
	}
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_OBJECT),
			 errmsg("kernel \"%s\" has no message type \"%s\" that changes its state", actor->kernel,
					wanted ? wanted : ""),
			 errhint("It has %s.", all.data)));
}

void
rk_row_expression_check(const char *what, const char *expression, const char *source, Oid *types, int count)
{
	SPIPlanPtr	plan = SPI_prepare(psprintf("SELECT (%s)%s", expression, source), count, types);
	Query	   *query;

	if (plan == NULL)
		elog(ERROR, "SPI_prepare failed: %s", SPI_result_code_string(SPI_result));
	query = linitial_node(Query, ((CachedPlanSource *) linitial(SPI_plan_get_plan_sources(plan)))->query_list);
	if (query->hasAggs || query->hasWindowFuncs || query->hasTargetSRFs)
		ereport(ERROR,
				(errcode(query->hasAggs ? ERRCODE_GROUPING_ERROR :
						 query->hasWindowFuncs ? ERRCODE_WINDOWING_ERROR : ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("%s functions are not allowed in %s", query->hasAggs ? "aggregate" :
						query->hasWindowFuncs ? "window" : "set-returning", what),
				 errdetail("It has one value for each message; it is: %s", expression),
				 errhint("A subquery may look at other rows, like (SELECT max(amount) FROM payment).")));
	if (list_length(query->targetList) != 1)
		ereport(ERROR,
				(errcode(ERRCODE_SYNTAX_ERROR),
				 errmsg("%s must be one expression", what),
				 errdetail("It is: %s", expression)));
	SPI_freeplan(plan);
}

/* What an expression of a mapping is taken from: "new" is a reserved word in rules only. */
#define FROM_ROW " FROM (SELECT ($1).*) AS new"

/* The type of a column, from 1, of what a plan returns. */
static Oid
result_type(SPIPlanPtr plan, int column)
{
	CachedPlanSource *source = linitial(SPI_plan_get_plan_sources(plan));

	return TupleDescAttr(source->resultDesc, column - 1)->atttypid;
}

/*
 * Finds out where the fields come from in rows of a relation, and prepares the
 * query for those that are expressions.  SPI is connected; what lasts is in
 * TopMemoryContext.
 */
static void
prepare_attached(attached *a, Jsonb *mapping, Oid relation)
{
	Jsonb	   *fields = rk_mapping_object(mapping, "fields");
	char	   *when = rk_mapping_text(mapping, "when");
	char	   *priority = rk_mapping_text(mapping, "priority");
	StringInfoData query;
	Oid			row_type = get_rel_type_id(relation);
	int			results = 0;

	a->fields = rk_field_count(a->type->request);
	a->refuses = mapping_refuses(mapping);
	a->op = -1;
	a->priority = RK_PRIORITY_NORMAL;
	if (priority && (a->priority = rk_priority_named(priority)) < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("member \"priority\" of the mapping must be low, normal, high, critical or realtime")));
	initStringInfo(&query);
	appendStringInfoString(&query, "SELECT ");
	for (int i = 0; i < a->fields; i++)
	{
		const rk_field *f = &a->type->request[i];
		char	   *expression = fields ? rk_mapping_text(fields, f->name) : NULL;
		AttrNumber	attno;

		a->attno[i] = 0;
		a->result[i] = 0;
		if (expression == NULL && strcmp(f->name, "op") == 0 && f->kind == RK_FIELD_CODE)
		{
			a->op = i;
			continue;
		}
		attno = get_attnum(relation, expression ? expression : f->name);
		if (attno <= 0 && expression == NULL && f->column)
			attno = get_attnum(relation, f->column);
		if (attno > 0)
		{
			a->attno[i] = attno;
			a->attype[i] = getBaseType(get_atttype(relation, attno));
			rk_field_check_type(f, a->attype[i]);
		}
		else if (expression)
		{
			rk_row_expression_check(psprintf("field \"%s\" of a mapping", f->name), expression, FROM_ROW, &row_type, 1);
			a->result[i] = ++results;
			appendStringInfo(&query, "%s(%s)", results > 1 ? ", " : "", expression);
		}
		else if (f->initial == NULL)
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_COLUMN),
					 errmsg("field \"%s\" of message %s is not mapped, and relation \"%s\" has no such column",
							f->name, a->type->name, get_rel_name(relation)),
					 errhint("Give an expression for it in \"fields\" of the mapping.")));
	}
	a->has_when = when != NULL;
	if (when)
	{
		rk_row_expression_check("member \"when\" of a mapping", when, FROM_ROW, &row_type, 1);
		appendStringInfo(&query, "%s(%s)::pg_catalog.bool", results > 0 ? ", " : "", when);
	}
	if (results > 0 || when)
	{
		/* columns may be written with "new" or without */
		appendStringInfoString(&query, FROM_ROW);
		a->plan = SPI_prepare(query.data, 1, &row_type);
		if (a->plan == NULL)
			elog(ERROR, "SPI_prepare failed: %s", SPI_result_code_string(SPI_result));
		/* here, rather than in whoever writes to the table */
		for (int i = 0; i < a->fields; i++)
			if (a->result[i])
				rk_field_check_type(&a->type->request[i], getBaseType(result_type(a->plan, a->result[i])));
		SPI_keepplan(a->plan);
	}
	else
		a->plan = NULL;
}

/* ---- the trigger ---- */

/* Columns of a table may have other types, or other numbers, from now on. */
static void
table_changed(Datum arg, Oid relation)
{
	HASH_SEQ_STATUS status;
	attached   *a;

	hash_seq_init(&status, known);
	while ((a = hash_seq_search(&status)) != NULL)
		a->stale |= relation == InvalidOid || a->key.relation == relation;
}

static attached *
attached_of(int64 attachment_id, Oid relation)
{
	attached_key key = {.attachment_id = attachment_id,.relation = relation};
	bool		found;
	attached   *a;
	rk_catalog	catalog;
	Oid			types[] = {INT8OID};
	Datum		values[] = {Int64GetDatum(attachment_id)};
	Jsonb	   *mapping = NULL;
	int32		ring_id = 0;
	int32		type_id = 0;
	MemoryContext memory = CurrentMemoryContext;

	if (known == NULL)
	{
		HASHCTL		control = {.keysize = sizeof(attached_key),.entrysize = sizeof(attached)};

		known = hash_create("rk attachments", 16, &control, HASH_ELEM | HASH_BLOBS);
		CacheRegisterRelcacheCallback(table_changed, (Datum) 0);
	}
	a = hash_search(known, &key, HASH_FIND, NULL);
	if (a && !a->stale)
		return a;
	if (a)
	{
		if (a->plan)
			SPI_freeplan(a->plan);
		hash_search(known, &key, HASH_REMOVE, NULL);
	}
	rk_catalog_open(&catalog);
	if (rk_run_sql("SELECT ring_id, type_id, mapping FROM rk.attachment WHERE attachment_id = $1", 1, types, values,
				   NULL) == 1)
	{
		bool		is_null;
		HeapTuple	t = SPI_tuptable->vals[0];
		MemoryContext old = MemoryContextSwitchTo(memory);

		ring_id = DatumGetInt32(SPI_getbinval(t, SPI_tuptable->tupdesc, 1, &is_null));
		type_id = DatumGetInt32(SPI_getbinval(t, SPI_tuptable->tupdesc, 2, &is_null));
		mapping = DatumGetJsonbPCopy(SPI_getbinval(t, SPI_tuptable->tupdesc, 3, &is_null));
		MemoryContextSwitchTo(old);
	}
	rk_catalog_close(&catalog);
	{
		attached	made = {.key = key,.exists = mapping != NULL,.ring_id = ring_id};

		if (mapping)
		{
			made.type = rk_message_type_find(type_id);
			if (SPI_connect() != SPI_OK_CONNECT)
				elog(ERROR, "SPI_connect failed");
			prepare_attached(&made, mapping, relation);
			SPI_finish();
		}
		a = hash_search(known, &key, HASH_ENTER, &found);
		*a = made;
	}
	return a;
}

/*
 * Writes a message into the journal, in the current transaction; returns its
 * id.  Past SQL, as whoever writes has no right to the table, which has no
 * index to be kept up.
 */
int64
rk_journal_write(int32 ring_id, uint32 type_id, int priority, int hops, void *payload)
{
	Oid			schema = get_namespace_oid("rk", false);
	Relation	journal = table_open(get_relname_relid("ring_journal", schema), RowExclusiveLock);
	int64		id = nextval_internal(get_relname_relid("ring_journal_id", schema), false);
	bool		nulls[9] = {0};
	Datum		values[9] = {
		Int64GetDatum(id),
		Int32GetDatum(ring_id),
		FullTransactionIdGetDatum(GetTopFullTransactionId()),
		Int32GetDatum(type_id),
		Int16GetDatum(priority),
		Int16GetDatum(hops),
		Int64GetDatum((GetCurrentTimestamp() + (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * USECS_PER_DAY) * 1000),
		ObjectIdGetDatum(GetUserId()),
		PointerGetDatum(payload)
	};
	HeapTuple	row = heap_form_tuple(RelationGetDescr(journal), values, nulls);

	simple_heap_insert(journal, row);
	heap_freetuple(row);
	table_close(journal, NoLock);
	if (rk_the_region)
		rk_intake_at_commit();
	return id;
}

/* Writes a message for one row. */
static void
journal_row(attached *a, HeapTuple tuple, TupleDesc desc, const char *op)
{
	char	   *payload = palloc0(VARHDRSZ + a->type->request_size);
	void	   *record = palloc0(a->type->request_size + 8);
	HeapTuple	result = NULL;
	TupleDesc	result_desc = NULL;
	bool		connected = false;

	if (a->plan)
	{
		Datum		arg = heap_copy_tuple_as_datum(tuple, desc);
		bool		is_null;

		if (SPI_connect() != SPI_OK_CONNECT)
			elog(ERROR, "SPI_connect failed");
		connected = true;
		if (SPI_execute_plan(a->plan, &arg, NULL, false, 1) != SPI_OK_SELECT || SPI_processed != 1)
			elog(ERROR, "could not evaluate the mapping");
		result = SPI_tuptable->vals[0];
		result_desc = SPI_tuptable->tupdesc;
		if (a->has_when &&
			(!DatumGetBool(SPI_getbinval(result, result_desc, result_desc->natts, &is_null)) || is_null))
		{
			SPI_finish();
			return;
		}
	}
	for (int i = 0; i < a->fields; i++)
	{
		const rk_field *f = &a->type->request[i];
		Datum		value = (Datum) 0;
		bool		is_null = true;

		if (i == a->op)
			rk_field_store(f, record, CStringGetTextDatum(op), TEXTOID, false);
		else if (a->attno[i])
		{
			value = heap_getattr(tuple, a->attno[i], desc, &is_null);
			if (is_null && f->initial)
				rk_field_default(f, record);
			else
				rk_field_store(f, record, value, a->attype[i], is_null);
		}
		else if (a->result[i])
		{
			value = SPI_getbinval(result, result_desc, a->result[i], &is_null);
			if (is_null && f->initial)
				rk_field_default(f, record);
			else
				rk_field_store(f, record, value, getBaseType(SPI_gettypeid(result_desc, a->result[i])), is_null);
		}
		else
			rk_field_default(f, record);
	}
	if (connected)
		SPI_finish();
	SET_VARSIZE(payload, VARHDRSZ + a->type->request_size);
	memcpy(VARDATA(payload), record, a->type->request_size);

	(void) rk_journal_write(a->ring_id, a->type->type_id, a->priority, 0, payload);
	pfree(record);
	pfree(payload);
}

/*
 * Refuses a row when too many messages wait for its ring.  They are counted once
 * a second at most: the journal has no index.
 */
static void
check_backlog(attached *a)
{
	int64		now = rk_now_ns();
	rk_ring    *ring;

	if (a->counted_ns == 0 || now - a->counted_ns > INT64CONST(1000000000))
	{
		rk_catalog	catalog;
		Oid			types[] = {INT4OID, INT8OID};
		Datum		values[] = {Int32GetDatum(a->ring_id), Int64GetDatum(rk_journal_limit + INT64CONST(1))};
		bool		is_null;
		int64		backlog;

		rk_catalog_open(&catalog);
		PushActiveSnapshot(GetLatestSnapshot());
		if (SPI_execute_with_args("SELECT count(*) FROM (SELECT FROM rk.ring_journal WHERE ring_id = $1 LIMIT $2) j", 2, types,
								  values, NULL, true, 0) != SPI_OK_SELECT)
			elog(ERROR, "could not count rk.ring_journal");
		backlog = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &is_null));
		PopActiveSnapshot();
		rk_catalog_close(&catalog);
		/* and what was taken in, but not applied */
		if (rk_the_region)
		{
			LWLockAcquire(rk_the_region->lock, LW_SHARED);
			ring = rk_directory_find(MyDatabaseId, NULL, a->ring_id);
			if (ring)
				backlog += ring->logged_seq - ring->apply_seq;
			LWLockRelease(rk_the_region->lock);
		}
		a->backlog = backlog;
		a->counted_ns = now;
	}
	if (++a->backlog > rk_journal_limit)
		ereport(ERROR,
				(errcode(RK_ERRCODE_QUEUE_FULL),
				 errmsg("too many messages wait for ring %d", a->ring_id),
				 errdetail("The setting rk.journal_limit is %d.", rk_journal_limit),
				 errhint("SELECT name, state, last_error FROM rk.rings WHERE ring_id = %d;", a->ring_id)));
}

Datum
rk_ring_journal_row(PG_FUNCTION_ARGS)
{
	TriggerData *data = (TriggerData *) fcinfo->context;
	attached   *a;
	TupleDesc	desc;

	if (!CALLED_AS_TRIGGER(fcinfo) || data->tg_trigger->tgnargs != 1)
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function rk.ring_journal_row() is for triggers made by rk.ring_attach()")));
	a = attached_of(strtoll(data->tg_trigger->tgargs[0], NULL, 10), RelationGetRelid(data->tg_relation));
	/* its ring was dropped */
	if (!a->exists)
		return PointerGetDatum(NULL);
	if (a->refuses)
		check_backlog(a);
	desc = RelationGetDescr(data->tg_relation);
	if (TRIGGER_FIRED_BY_INSERT(data->tg_event))
		journal_row(a, data->tg_trigtuple, desc, "add");
	else if (TRIGGER_FIRED_BY_DELETE(data->tg_event))
		journal_row(a, data->tg_trigtuple, desc, "remove");
	else if (TRIGGER_FIRED_BY_UPDATE(data->tg_event))
	{
		if (a->op >= 0)
			journal_row(a, data->tg_trigtuple, desc, "remove");
		journal_row(a, data->tg_newtuple, desc, "add");
	}
	return PointerGetDatum(NULL);
}

/* ---- attaching ---- */

/* A table by its name, qualified or not, as regclass reads it. */
static Oid
relation_of(const char *name)
{
	return DatumGetObjectId(DirectFunctionCall1(regclassin, CStringGetDatum(name)));
}

/* What is there already, as if it were inserted now. */
static void
backfill(attached *a, Oid relation, const char *name)
{
	Portal		portal;
	SPIPlanPtr	plan;

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	plan = SPI_prepare(psprintf("SELECT t FROM %s t", name), 0, NULL);
	if (plan == NULL)
		elog(ERROR, "SPI_prepare failed: %s", SPI_result_code_string(SPI_result));
	portal = SPI_cursor_open(NULL, plan, NULL, NULL, true);
	for (;;)
	{
		SPITupleTable *table;
		uint64		count;

		SPI_cursor_fetch(portal, true, 1000);
		table = SPI_tuptable;
		count = SPI_processed;
		if (count == 0)
			break;
		for (uint64 i = 0; i < count; i++)
		{
			bool		is_null;
			HeapTupleHeader h = DatumGetHeapTupleHeader(SPI_getbinval(table->vals[i], table->tupdesc, 1, &is_null));
			TupleDesc	desc = lookup_rowtype_tupdesc(HeapTupleHeaderGetTypeId(h), HeapTupleHeaderGetTypMod(h));
			HeapTupleData tuple = {.t_len = HeapTupleHeaderGetDatumLength(h),.t_data = h};

			journal_row(a, &tuple, desc, "add");
			ReleaseTupleDesc(desc);
		}
		SPI_freetuptable(table);
		CHECK_FOR_INTERRUPTS();
	}
	SPI_cursor_close(portal);
	SPI_finish();
}

static void
run_utility(const char *command)
{
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	if (SPI_execute(command, false, 0) < 0)
		elog(ERROR, "could not run: %s", command);
	SPI_finish();
}

/*
 * Makes the outputs that a mapping names: a table or channel, or an object of
 * them by record.
 */
static void
attach_outputs(Jsonb *mapping, const char *key, const rk_ring_row *row, const char *ring, int64 attachment_id,
			   const rk_actor *actor, const rk_message_type *type)
{
	JsonbValue	k = {.type = jbvString,.val.string = {strlen(key), (char *) key}};
	JsonbValue *v = findJsonbValueFromContainer(&mapping->root, JB_FOBJECT, &k);
	bool		to_table = strcmp(key, "output") == 0;
	Jsonb	   *object;
	JsonbIterator *it;
	JsonbIteratorToken token;
	JsonbValue	member;
	char	   *record = NULL;

	if (v == NULL || v->type == jbvNull)
		return;
	if (v->type == jbvString)
	{
		char	   *target = rk_mapping_text(mapping, key);

		(void) rk_output_add(row, ring, attachment_id, rk_record_find(actor, NULL, type),
							 to_table ? relation_of(target) : InvalidOid, to_table ? NULL : target, NULL);
		return;
	}
	object = rk_mapping_object(mapping, key);
	it = JsonbIteratorInit(&object->root);
	while ((token = JsonbIteratorNext(&it, &member, true)) != WJB_DONE)
	{
		char	   *target;

		if (token == WJB_KEY)
			record = pnstrdup(member.val.string.val, member.val.string.len);
		if (token != WJB_VALUE)
			continue;
		if (member.type != jbvString)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("member \"%s\" of the mapping must name a %s for each record", key,
							to_table ? "table" : "channel")));
		target = pnstrdup(member.val.string.val, member.val.string.len);
		(void) rk_output_add(row, ring, attachment_id, rk_record_find(actor, record, type),
							 to_table ? relation_of(target) : InvalidOid, to_table ? NULL : target, NULL);
	}
}

Datum
rk_ring_attach(PG_FUNCTION_ARGS)
{
	static const char *const members[] = {"type", "on", "when", "fields", "priority", "backfill", "replica",
	"output", "notify", "on_backlog", NULL};
	char	   *name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	Oid			relation = PG_GETARG_OID(1);
	Jsonb	   *mapping = PG_GETARG_JSONB_P(2);
	Jsonb	   *fields;
	rk_ring_row row;
	const rk_actor *actor;
	const rk_message_type *type;
	attached   *a;
	int			events;
	int64		id;
	char	   *qualified;
	StringInfoData command;
	bool		is_null;
	rk_catalog	catalog;

	rk_controlled_ring(name, &row);
	if (!JB_ROOT_IS_OBJECT(mapping))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a mapping must be a JSON object")));
	actor = rk_ring_kernel(row.kernel);
	rk_mapping_check(mapping, members, NULL);
	type = rk_mapping_type(mapping, actor);
	fields = rk_mapping_object(mapping, "fields");
	if (fields)
		rk_mapping_check(fields, NULL, type->request);
	events = mapping_events(mapping);
	if (pg_class_aclcheck(relation, GetUserId(), ACL_TRIGGER) != ACLCHECK_OK)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied for table %s", get_rel_name(relation)),
				 errdetail("The right TRIGGER is needed.")));

	{
		Oid			types[] = {INT4OID, OIDOID, INT4OID, JSONBOID};
		Datum		values[] = {Int32GetDatum(row.ring_id), ObjectIdGetDatum(relation), Int32GetDatum(type->type_id),
		JsonbPGetDatum(mapping)};

		rk_catalog_open(&catalog);
		rk_run_sql("INSERT INTO rk.attachment (ring_id, relation, type_id, mapping) VALUES ($1, $2::regclass, $3, $4) "
				   "RETURNING attachment_id", 4, types, values, NULL);
		id = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &is_null));
		rk_catalog_close(&catalog);
	}
	/* the mapping is checked against the table here */
	a = attached_of(id, relation);
	attach_outputs(mapping, "output", &row, name, id, actor, type);
	attach_outputs(mapping, "notify", &row, name, id, actor, type);
	qualified = quote_qualified_identifier(get_namespace_name(get_rel_namespace(relation)), get_rel_name(relation));
	initStringInfo(&command);
	appendStringInfo(&command, "CREATE TRIGGER rk_attachment_%lld AFTER ", (long long) id);
	for (int e = 0; e < 3; e++)
	{
		static const char *const words[] = {"INSERT", "UPDATE", "DELETE"};

		if (events & (1 << e))
			appendStringInfo(&command, "%s%s", (events & ((1 << e) - 1)) ? " OR " : "", words[e]);
	}
	appendStringInfo(&command, " ON %s FOR EACH ROW EXECUTE FUNCTION rk.ring_journal_row('%lld')", qualified,
					 (long long) id);
	run_utility(command.data);
	if (mapping_flag(mapping, "replica"))
		run_utility(psprintf("ALTER TABLE %s ENABLE ALWAYS TRIGGER rk_attachment_%lld", qualified, (long long) id));
	if (mapping_flag(mapping, "backfill"))
		backfill(a, relation, qualified);
	PG_RETURN_INT64(id);
}

Datum
rk_ring_detach(PG_FUNCTION_ARGS)
{
	int64		id = PG_GETARG_INT64(0);
	rk_catalog	catalog;
	Oid			types[] = {INT8OID};
	Datum		values[] = {Int64GetDatum(id)};
	Oid			relation;
	char	   *ring;
	rk_ring_row row;
	bool		is_null;
	MemoryContext memory = CurrentMemoryContext;
	MemoryContext old;

	rk_catalog_open(&catalog);
	if (rk_run_sql("SELECT a.relation::oid, r.name FROM rk.attachment a JOIN rk.ring r USING (ring_id) "
				   "WHERE attachment_id = $1", 1, types, values, NULL) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("attachment %lld does not exist", (long long) id)));
	relation = DatumGetObjectId(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &is_null));
	old = MemoryContextSwitchTo(memory);
	ring = TextDatumGetCString(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 2, &is_null));
	MemoryContextSwitchTo(old);
	rk_catalog_close(&catalog);
	rk_controlled_ring(ring, &row);
	if (get_rel_name(relation))
		run_utility(psprintf("DROP TRIGGER IF EXISTS rk_attachment_%lld ON %s", (long long) id,
							 quote_qualified_identifier(get_namespace_name(get_rel_namespace(relation)),
														get_rel_name(relation))));
	rk_catalog_open(&catalog);
	rk_run_sql("DELETE FROM rk.attachment WHERE attachment_id = $1", 1, types, values, NULL);
	rk_catalog_close(&catalog);
	PG_RETURN_VOID();
}
