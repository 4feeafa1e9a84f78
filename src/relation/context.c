/*
 * context.c
 *	  Contexts: their definitions in tables, their data through shared memory.
 *
 * The tables rk.context, rk.context_item and rk.context_grantee belong to the
 * extension and are granted to nobody; the functions here read and write them
 * as the bootstrap superuser, with a search_path of their own, after checking
 * what the caller may do.  Data is always read as the owner of the context,
 * with the owner's rights and row-level security, whoever uses it first.
 *
 * What a transaction loads is its own until it commits: the list "pending"
 * holds it, and the callbacks at the end publish it or throw it away.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "../compat.h"
#include "../graph/relations.h"
#include "context.h"
#include "graph_input.h"

#define PREFIX "context:"

/* A row of rk.context_item with what belongs to it. */
typedef struct context_item
{
	int64		id;
	int64		context;
	Oid			owner;
	bool		may_use;
	bool		pinned;
	int64		max_working_set;
	char	   *name;			/* of the context */
	char	   *key;
	char	   *query;
	char	   *search_path;
} context_item;

/* ---- the tables, as their owner ---- */

typedef struct elevation
{
	Oid			user;
	int			security;
	int			nest_level;
} elevation;

static void
elevate(elevation *e, Oid user, const char *search_path)
{
	GetUserIdAndSecContext(&e->user, &e->security);
	e->nest_level = NewGUCNestLevel();
	(void) set_config_option("search_path", search_path, PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	SetUserIdAndSecContext(user, e->security | SECURITY_LOCAL_USERID_CHANGE |
						   SECURITY_RESTRICTED_OPERATION);
}

static void
descend(const elevation *e)
{
	SetUserIdAndSecContext(e->user, e->security);
	AtEOXact_GUC(false, e->nest_level);
}

static void
connect_elevated(elevation *e)
{
	elevate(e, BOOTSTRAP_SUPERUSERID, "pg_catalog, pg_temp");
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to the server programming interface");
}

/* Runs a statement on the tables; the result is in SPI_tuptable until finish. */
static int
run(elevation *e, const char *sql, int count, Oid *types, Datum *values, const char *nulls,
	bool read_only)
{
	int			result;

	connect_elevated(e);
	result = SPI_execute_with_args(sql, count, types, values, nulls, read_only, 0);
	if (result < 0)
		elog(ERROR, "statement on contexts failed: %s", SPI_result_code_string(result));
	return (int) SPI_processed;
}

static void
finish(const elevation *e)
{
	SPI_finish();
	descend(e);
}

static int64
column_int(int row, int column)
{
	bool		is_null;
	Datum		value = SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column, &is_null);

	return is_null ? 0 : DatumGetInt64(value);
}

static Oid
column_oid(int row, int column)
{
	bool		is_null;

	return DatumGetObjectId(SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column, &is_null));
}

static bool
column_bool(int row, int column)
{
	bool		is_null;

	return DatumGetBool(SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column, &is_null)) && !is_null;
}

static char *
column_text(int row, int column, MemoryContext memory)
{
	return MemoryContextStrdup(memory, SPI_getvalue(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column));
}

/* ---- definitions ---- */

/* The id of a context that the caller owns, through a role or as superuser. */
static int64
own_context(const char *name)
{
	elevation	e;
	Oid			caller = GetUserId();
	Oid			owner = InvalidOid;
	int64		id = 0;
	int			rows;

	rows = run(&e, "SELECT id, owner::oid FROM rk.context WHERE name = $1", 1,
			   (Oid[]) {TEXTOID}, (Datum[]) {CStringGetTextDatum(name)}, NULL, false);
	if (rows > 0)
	{
		id = column_int(0, 1);
		owner = column_oid(0, 2);
	}
	finish(&e);
	if (rows == 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("context \"%s\" does not exist", name),
				 errhint("SELECT rk.context_create(%s);", quote_literal_cstr(name))));
	if (!has_privs_of_role(caller, owner))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("must be owner of context \"%s\"", name)));
	return id;
}

/* A query for items by a condition on $2 and $3; $1 is the caller. */
static char *
items_query(const char *condition)
{
	return psprintf(
		"SELECT i.id, i.context, c.owner::oid, i.pinned, c.max_working_set, c.name, i.key, i.query, i.search_path,"
		" pg_has_role($1, c.owner::oid, 'USAGE') OR EXISTS (SELECT FROM rk.context_grantee g"
		"  WHERE g.context = c.id AND pg_has_role($1, g.role::oid, 'USAGE'))"
		" FROM rk.context c JOIN rk.context_item i ON i.context = c.id WHERE %s ORDER BY i.id", condition);
}

/* The rows that such a query found, copied into memory. */
static context_item *
items_found(int count, MemoryContext memory)
{
	context_item *items = MemoryContextAllocZero(memory, sizeof(context_item) * Max(count, 1));

	for (int i = 0; i < count; i++)
		items[i] = (context_item) {
			.id = column_int(i, 1),
			.context = column_int(i, 2),
			.owner = column_oid(i, 3),
			.pinned = column_bool(i, 4),
			.max_working_set = column_int(i, 5),
			.name = column_text(i, 6, memory),
			.key = column_text(i, 7, memory),
			.query = column_text(i, 8, memory),
			.search_path = column_text(i, 9, memory),
			.may_use = column_bool(i, 10)
		};
	return items;
}

/* The items of a context: all, or the one with a key. */
static context_item *
items_of_context(int64 context, const char *key, int *count)
{
	elevation	e;
	MemoryContext memory = CurrentMemoryContext;
	context_item *items;

	*count = run(&e, items_query("c.id = $2 AND ($3 IS NULL OR i.key = $3)"), 3,
				 (Oid[]) {OIDOID, INT8OID, TEXTOID},
				 (Datum[]) {ObjectIdGetDatum(GetUserId()), Int64GetDatum(context),
		key ? CStringGetTextDatum(key) : (Datum) 0}, key ? NULL : "  n", false);
	items = items_found(*count, memory);
	finish(&e);
	return items;
}

/* Name and key of 'context:name/key'; false if it is not of that form. */
static bool
split_name(const char *text, char **name, char **key)
{
	const char *start = text + strlen(PREFIX);
	const char *slash = strchr(start, '/');

	if (slash == NULL || slash == start || slash[1] == '\0')
		return false;
	*name = pnstrdup(start, slash - start);
	*key = pstrdup(slash + 1);
	return true;
}

/* The item that text names, or NULL; planned once, since every run asks. */
static context_item *
find_item(const char *text)
{
	static SPIPlanPtr plan = NULL;
	char	   *name;
	char	   *key;
	int			count;
	elevation	e;
	context_item *items;
	MemoryContext memory = CurrentMemoryContext;
	Datum		values[3];

	if (!split_name(text, &name, &key))
		return NULL;
	values[0] = ObjectIdGetDatum(GetUserId());
	values[1] = CStringGetTextDatum(name);
	values[2] = CStringGetTextDatum(key);
	connect_elevated(&e);
	if (plan == NULL)
	{
		plan = SPI_prepare(items_query("c.name = $2 AND i.key = $3"), 3, (Oid[]) {OIDOID, TEXTOID, TEXTOID});
		if (plan == NULL || SPI_keepplan(plan) != 0)
			elog(ERROR, "could not plan a query on contexts");
	}
	if (SPI_execute_plan(plan, values, NULL, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "query on contexts failed");
	count = (int) SPI_processed;
	items = items_found(count, memory);
	finish(&e);
	return count > 0 ? items : NULL;
}

/* ---- what this transaction did ---- */

typedef struct pending_change
{
	int64		item;
	int			slot;			/* -1: its data goes */
	SubTransactionId subtransaction;
} pending_change;

static List *pending = NIL;		/* in TopTransactionContext, oldest first */

static void
at_transaction_end(XactEvent event, void *arg)
{
	ListCell   *cell;

	if (pending == NIL)
		return;
	switch (event)
	{
		case XACT_EVENT_PRE_PREPARE:
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("cannot PREPARE a transaction that has loaded or dropped data of a context")));
			break;
		case XACT_EVENT_COMMIT:
			foreach(cell, pending)
			{
				pending_change *p = lfirst(cell);

				if (p->slot >= 0)
					rk_context_publish(p->slot);
				else
					rk_context_retire(MyDatabaseId, p->item);
			}
			pending = NIL;
			break;
		case XACT_EVENT_ABORT:
			foreach(cell, pending)
			{
				pending_change *p = lfirst(cell);

				if (p->slot >= 0)
					rk_context_discard(p->slot);
			}
			pending = NIL;
			break;
		default:
			break;
	}
}

static void
at_subtransaction_end(SubXactEvent event, SubTransactionId mine, SubTransactionId parent, void *arg)
{
	ListCell   *cell;

	foreach(cell, pending)
	{
		pending_change *p = lfirst(cell);

		if (p->subtransaction != mine)
			continue;
		if (event == SUBXACT_EVENT_COMMIT_SUB)
			p->subtransaction = parent;
		else if (event == SUBXACT_EVENT_ABORT_SUB)
		{
			if (p->slot >= 0)
				rk_context_discard(p->slot);
			pending = foreach_delete_current(pending, cell);
		}
	}
}

static void
add_pending(int64 item, int slot)
{
	static bool registered = false;
	MemoryContext old = MemoryContextSwitchTo(TopTransactionContext);
	pending_change *p = palloc(sizeof(pending_change));

	if (!registered)
	{
		RegisterXactCallback(at_transaction_end, NULL);
		RegisterSubXactCallback(at_subtransaction_end, NULL);
		registered = true;
	}
	*p = (pending_change) {item, slot, GetCurrentSubTransactionId()};
	pending = lappend(pending, p);
	MemoryContextSwitchTo(old);
}

/* The version of an item that this transaction has made; -1: none. */
static int
pending_slot(int64 item)
{
	int			slot = -1;
	ListCell   *cell;

	foreach(cell, pending)
	{
		pending_change *p = lfirst(cell);

		if (p->item == item)
			slot = p->slot;
	}
	return slot;
}

/* ---- reading data ---- */

static const rk_param load_params[] = {EDGES_PARAM, {0}};
static const rk_column no_columns[] = {{0}};
static const rk_function load_function = {.suffix = "",.params = load_params,.columns = no_columns};

/* The relations a query reads, as they are now. */
static void
note_relations(const rk_source *source, rk_context_version *version)
{
	ListCell   *cell;

	foreach(cell, source->plan->relationOids)
	{
		Oid			relation = lfirst_oid(cell);
		rk_context_relation *r;

		if (version->relation_count == RK_CONTEXT_RELATIONS)
		{
			version->relation_count = -1;
			return;
		}
		r = &version->relations[version->relation_count++];
		r->relation = relation;
		r->file = InvalidOid;
	}
}

/* File and count of changes of a relation. */
static void
look_at_relation(rk_context_relation *r)
{
	LOCAL_FCINFO(fcinfo, 1);
	Datum		relation = ObjectIdGetDatum(r->relation);
	Datum		file;

	InitFunctionCallInfoData(*fcinfo, NULL, 1, InvalidOid, NULL, NULL);
	fcinfo->args[0].value = relation;
	fcinfo->args[0].isnull = false;
	file = pg_relation_filenode(fcinfo);
	r->file = fcinfo->isnull ? InvalidOid : DatumGetObjectId(file);
	r->changes = DatumGetInt64(DirectFunctionCall1(pg_stat_get_tuples_inserted, relation)) +
		DatumGetInt64(DirectFunctionCall1(pg_stat_get_tuples_updated, relation)) +
		DatumGetInt64(DirectFunctionCall1(pg_stat_get_tuples_deleted, relation));
}

/* Where the block of a version is made. */
typedef struct version_place
{
	rk_context_version version;
	int64		max_working_set;
	int			slot;			/* -1: not made */
} version_place;

static void *
place_version(void *arg, int64 size)
{
	version_place *p = arg;
	void	   *block;

	p->slot = rk_context_create(&p->version, size, p->max_working_set, &block);
	return block;
}

/* Reads the data of an item, as its owner, into a new version. */
static int
read_version(const context_item *item)
{
	version_place place = {.slot = -1,.max_working_set = item->max_working_set};
	elevation	e;
	rk_call    *call;

	rk_context_require();
	elevate(&e, item->owner, item->search_path);
	PushActiveSnapshot(GetLatestSnapshot());
	place.version = (rk_context_version) {
		.item = item->id,
		.context = item->context,
		.pinned = item->pinned
	};
	note_relations(rk_source_open("query", item->query, &rk_edges_relation, InvalidOid), &place.version);
	/* counted before reading: what comes in between makes it stale */
	for (int i = 0; i < place.version.relation_count; i++)
		look_at_relation(&place.version.relations[i]);
	call = rk_call_create(NULL, &load_function);
	PG_TRY();
	{
		rk_graph_input *input;

		call->args[0] = CStringGetTextDatum(item->query);
		input = rk_read_graph(call, RK_WEIGHT_LENGTH);
		(void) rk_graph_value(call, input->ids, &input->edges, place_version, &place);
		place.version.nodes = input->edges.nodes;
		place.version.edges = input->edges.count;
		place.version.weighted = input->edges.weight != NULL;
		place.version.negative = input->negative;
		place.version.id_type = call->id_type;
	}
	PG_CATCH();
	{
		if (place.slot >= 0)
			rk_context_discard(place.slot);
		PG_RE_THROW();
	}
	PG_END_TRY();
	rk_context_describe(place.slot, &place.version);
	rk_call_destroy(call);
	PopActiveSnapshot();
	descend(&e);
	return place.slot;
}

/* ---- use ---- */

bool
rk_is_context_name(const char *text)
{
	return strncmp(text, PREFIX, strlen(PREFIX)) == 0;
}

static void
release_use(void *arg)
{
	rk_context_release(((rk_context_use *) arg)->slot);
}

/* Pins the version of an item that this transaction sees, reading it if need be. */
static int
pin_item(const context_item *item)
{
	int			slot = pending_slot(item->id);
	Oid			table;

	if (slot >= 0)
	{
		rk_context_pin(slot);
		return slot;
	}
	if ((slot = rk_context_acquire(MyDatabaseId, item->id)) >= 0)
		return slot;

	/* one session reads, the others wait for what it finds */
	table = get_relname_relid("context_item", get_namespace_oid("rk", false));
	LockDatabaseObject(table, (Oid) item->id, 0, ExclusiveLock);
	if ((slot = rk_context_acquire(MyDatabaseId, item->id)) < 0)
	{
		slot = read_version(item);
		rk_context_pin(slot);
		/* rows that are not committed yet are nobody else's business */
		if (TransactionIdIsValid(GetTopTransactionIdIfAny()))
			add_pending(item->id, slot);
		else
			rk_context_publish(slot);
	}
	UnlockDatabaseObject(table, (Oid) item->id, 0, ExclusiveLock);
	return slot;
}

rk_context_use *
rk_context_open(rk_call *call, const char *argument, const char *text)
{
	context_item *item = find_item(text);
	rk_context_use *use;
	MemoryContextCallback *callback;

	if (item == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("item \"%s\" given as \"%s\" does not exist", text + strlen(PREFIX), argument),
				 errhint("The form is context:name/key; SELECT context, key FROM rk.context_items; lists them.")));
	if (!item->may_use)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied for context \"%s\"", item->name),
				 errhint("Its owner can grant it: SELECT rk.context_grant(%s, %s);",
						 quote_literal_cstr(item->name),
						 quote_literal_cstr(GetUserNameFromId(GetUserId(), false)))));
	use = MemoryContextAllocZero(call->memory, sizeof(rk_context_use));
	callback = MemoryContextAllocZero(call->memory, sizeof(MemoryContextCallback));
	use->max_working_set = item->max_working_set;
	use->slot = pin_item(item);
	callback->func = release_use;
	callback->arg = use;
	MemoryContextRegisterResetCallback(call->memory, callback);
	use->view = rk_graph_bytes_view(rk_context_block(use->slot, &use->negative));
	return use;
}

bool
rk_context_size(const char *text, int64 *nodes, int64 *edges, bool *weighted, Oid *id_type)
{
	context_item *item = find_item(text);
	rk_context_version *versions;
	int			count;

	if (item == NULL || !item->may_use)
		return false;
	versions = rk_context_versions(&count);
	for (int i = 0; i < count; i++)
	{
		if (versions[i].item != item->id)
			continue;
		*nodes = versions[i].nodes;
		*edges = versions[i].edges;
		*weighted = versions[i].weighted;
		*id_type = versions[i].id_type;
		return true;
	}
	return false;
}

/* ---- SQL functions ---- */

PG_FUNCTION_INFO_V1(rk_context_create_sql);
PG_FUNCTION_INFO_V1(rk_context_load_sql);
PG_FUNCTION_INFO_V1(rk_context_refresh_sql);
PG_FUNCTION_INFO_V1(rk_context_drop_sql);
PG_FUNCTION_INFO_V1(rk_context_grant_sql);
PG_FUNCTION_INFO_V1(rk_context_revoke_sql);
PG_FUNCTION_INFO_V1(rk_context_item_list);

static void
check_name(const char *parameter, const char *name, bool slash)
{
	if (*name == '\0' || (!slash && strchr(name, '/') != NULL))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("value \"%s\" of \"%s\" is not a name", name, parameter),
				 errdetail("A name is not empty%s.", slash ? "" : " and has no slash")));
}

Datum
rk_context_create_sql(PG_FUNCTION_ARGS)
{
	char	   *name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	int64		max_working_set = PG_GETARG_INT64(1);
	Oid			owner = GetUserId();
	elevation	e;
	int			rows;

	check_name("name", name, false);
	if (max_working_set <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("value %lld of \"max_working_set\" is out of range", (long long) max_working_set),
				 errdetail("It is a number of bytes above zero.")));
	rows = run(&e, "INSERT INTO rk.context (name, owner, max_working_set) VALUES ($1, $2::regrole, $3)"
			   " ON CONFLICT (name) DO NOTHING", 3, (Oid[]) {TEXTOID, OIDOID, INT8OID},
			   (Datum[]) {PG_GETARG_DATUM(0), ObjectIdGetDatum(owner), Int64GetDatum(max_working_set)},
			   NULL, false);
	finish(&e);
	if (rows == 0)
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_OBJECT), errmsg("context \"%s\" already exists", name)));
	PG_RETURN_VOID();
}

/* Reads items anew; visible to all when the transaction commits. */
static void
reload(const context_item *item)
{
	add_pending(item->id, read_version(item));
}

Datum
rk_context_load_sql(PG_FUNCTION_ARGS)
{
	char	   *name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	char	   *key = text_to_cstring(PG_GETARG_TEXT_PP(1));
	char	   *kind = text_to_cstring(PG_GETARG_TEXT_PP(2));
	int64		context = own_context(name);
	elevation	e;
	context_item *items;
	int			count;
	TupleDesc	desc;
	Datum		values[3];
	bool		nulls[3] = {0};
	const char *search_path = GetConfigOption("search_path", false, false);
	rk_context_use use;
	bool		negative;

	check_name("key", key, true);
	if (strcmp(kind, "graph") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("value \"%s\" of \"kind\" is not valid", kind),
				 errhint("Valid values are: graph.")));
	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	rk_context_require();
	(void) run(&e, "INSERT INTO rk.context_item (context, key, kind, query, search_path, pinned)"
			   " VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (context, key) DO UPDATE SET kind = EXCLUDED.kind,"
			   " query = EXCLUDED.query, search_path = EXCLUDED.search_path, pinned = EXCLUDED.pinned",
			   6, (Oid[]) {INT8OID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, BOOLOID},
			   (Datum[]) {Int64GetDatum(context), PG_GETARG_DATUM(1), PG_GETARG_DATUM(2), PG_GETARG_DATUM(3),
		CStringGetTextDatum(search_path), PG_GETARG_DATUM(4)}, NULL, false);
	finish(&e);
	items = items_of_context(context, key, &count);
	if (count != 1)
		elog(ERROR, "item of a context is not there");
	reload(&items[0]);
	use.view = rk_graph_bytes_view(rk_context_block(pending_slot(items[0].id), &negative));
	values[0] = Int64GetDatum(use.view.header->nodes);
	values[1] = Int64GetDatum(use.view.header->arcs);
	values[2] = Int64GetDatum(VARSIZE(use.view.header));
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls)));
}

/* The items of a context that the caller owns; all, or the one with a key. */
static context_item *
own_items(const char *name, const char *key, int *count)
{
	context_item *items = items_of_context(own_context(name), key, count);

	if (key && *count == 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("context \"%s\" has no item \"%s\"", name, key)));
	return items;
}

Datum
rk_context_refresh_sql(PG_FUNCTION_ARGS)
{
	int			count;
	context_item *items;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	items = own_items(text_to_cstring(PG_GETARG_TEXT_PP(0)),
					  PG_ARGISNULL(1) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(1)), &count);
	for (int i = 0; i < count; i++)
		reload(&items[i]);
	PG_RETURN_INT64(count);
}

Datum
rk_context_drop_sql(PG_FUNCTION_ARGS)
{
	char	   *name;
	int			count;
	context_item *items;
	elevation	e;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	items = own_items(name, PG_ARGISNULL(1) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(1)), &count);
	for (int i = 0; i < count; i++)
	{
		(void) run(&e, "DELETE FROM rk.context_item WHERE id = $1", 1, (Oid[]) {INT8OID},
				   (Datum[]) {Int64GetDatum(items[i].id)}, NULL, false);
		finish(&e);
		/* attached now, because the end of a transaction must not fail */
		if (rk_context_attach())
			add_pending(items[i].id, -1);
	}
	if (PG_ARGISNULL(1))
	{
		(void) run(&e, "DELETE FROM rk.context WHERE name = $1", 1, (Oid[]) {TEXTOID},
				   (Datum[]) {CStringGetTextDatum(name)}, NULL, false);
		finish(&e);
	}
	PG_RETURN_INT64(count);
}

/* Adds or removes a role that may use a context. */
static Datum
change_grant(FunctionCallInfo fcinfo, const char *sql)
{
	int64		context = own_context(text_to_cstring(PG_GETARG_TEXT_PP(0)));
	elevation	e;
	int			rows;

	rows = run(&e, sql, 2, (Oid[]) {INT8OID, OIDOID},
			   (Datum[]) {Int64GetDatum(context), PG_GETARG_DATUM(1)}, NULL, false);
	finish(&e);
	PG_RETURN_BOOL(rows > 0);
}

Datum
rk_context_grant_sql(PG_FUNCTION_ARGS)
{
	return change_grant(fcinfo, "INSERT INTO rk.context_grantee (context, role) VALUES ($1, $2::regrole)"
						" ON CONFLICT DO NOTHING");
}

Datum
rk_context_revoke_sql(PG_FUNCTION_ARGS)
{
	return change_grant(fcinfo, "DELETE FROM rk.context_grantee WHERE context = $1 AND role = $2::regrole");
}

/* Whether a relation that a version was read from has changed since. */
static bool
is_stale(const rk_context_version *v)
{
	for (int i = 0; i < v->relation_count; i++)
	{
		rk_context_relation now = {.relation = v->relations[i].relation};

		look_at_relation(&now);
		if (now.file != v->relations[i].file || now.changes != v->relations[i].changes)
			return true;
	}
	return false;
}

Datum
rk_context_item_list(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	int			count;
	rk_context_version *versions;

	InitMaterializedSRF(fcinfo, 0);
	versions = rk_context_versions(&count);
	for (int i = 0; i < count; i++)
	{
		rk_context_version *v = &versions[i];
		Datum		values[8] = {Int64GetDatum(v->item), Int64GetDatum(v->nodes), Int64GetDatum(v->edges),
			Int64GetDatum(v->bytes), TimestampTzGetDatum(v->loaded_at), Int64GetDatum(v->hits),
		Int32GetDatum(v->readers), (Datum) 0};
		bool		nulls[8] = {0};

		nulls[7] = v->relation_count < 0;
		if (!nulls[7])
			values[7] = BoolGetDatum(is_stale(v));
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	return (Datum) 0;
}
