/*
 * route.c
 *	  Messages by what they are instead of whom they are for.
 *
 * A route says that messages of a type go to a ring, those that meet its
 * condition if it has one.  Of several rings that may have a message, one gets
 * it, by a hash of the message's first id (of its first field, where it has no
 * id): messages about the same thing always go to the same ring, and the rings
 * share the work.  Routes whose condition is met go before those that have
 * none.
 *
 * A session reads the routes of a type once and keeps them, with the plans of
 * their conditions, until a commit that changes routes or rings has counted
 * routes_epoch up.  A condition is evaluated with the rights of the role that
 * made the route, who need not be trusted by whoever dispatches.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "../compat.h"
#include "catalog.h"
#include "convert.h"
#include "keys.h"
#include "send.h"

PG_FUNCTION_INFO_V1(rk_route_add);
PG_FUNCTION_INFO_V1(rk_route_drop);
PG_FUNCTION_INFO_V1(rk_route_dispatch);
PG_FUNCTION_INFO_V1(rk_tally_counts);

#define MAX_FIELDS 64

typedef struct route
{
	int64		route_id;
	Oid			role;			/* that made it */
	char	   *ring;
	SPIPlanPtr	plan;			/* of its condition; NULL: none */
	rk_ring_handle handle;
} route;

/* The routes of a message type, in the order of their ids. */
typedef struct route_set
{
	int32		type_id;		/* the key */
	uint64		epoch;			/* of the region when they were read; 0: read them again */
	Oid			table;			/* rk.route then */
	MemoryContext memory;
	const rk_message_type *type;
	const rk_field *field;		/* that is hashed; NULL: there are no fields */
	route	   *routes;
	int			count;
} route_set;

static HTAB *sets = NULL;

/* ---- conditions ---- */

/*
 * Prepares the condition of a route over the fields of a message, by name; SPI
 * is connected.
 */
static SPIPlanPtr
prepare_condition(const rk_message_type *type, const char *condition)
{
	StringInfoData source;
	Oid			types[MAX_FIELDS];
	int			n = 0;
	SPIPlanPtr	plan;

	initStringInfo(&source);
	appendStringInfoString(&source, " FROM (SELECT ");
	for (const rk_field *f = type->request; f && f->name; f++)
	{
		types[n++] = rk_field_type(f);
		appendStringInfo(&source, "%s$%d AS %s", n > 1 ? ", " : "", n, quote_identifier(f->name));
	}
	appendStringInfoString(&source, ") AS message");
	rk_row_expression_check("the condition of a route", condition, source.data, types, n);
	plan = SPI_prepare(psprintf("SELECT (%s)::pg_catalog.bool%s", condition, source.data), n, types);
	if (plan == NULL)
		elog(ERROR, "SPI_prepare failed: %s", SPI_result_code_string(SPI_result));
	return plan;
}

/* As the role that made the route, whose condition may call what it likes. */
static bool
meets(const route *r, const rk_message_type *type, const void *payload)
{
	Datum		values[MAX_FIELDS];
	char		nulls[MAX_FIELDS];
	int			n = 0;
	bool		is_null;
	bool		met;
	Oid			user;
	int			security_context;

	for (const rk_field *f = type->request; f && f->name; f++, n++)
	{
		values[n] = rk_field_fetch(f, payload, &is_null);
		nulls[n] = is_null ? 'n' : ' ';
	}
	GetUserIdAndSecContext(&user, &security_context);
	SetUserIdAndSecContext(r->role, security_context | SECURITY_LOCAL_USERID_CHANGE | SECURITY_RESTRICTED_OPERATION);
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	if (SPI_execute_plan(r->plan, values, nulls, true, 1) != SPI_OK_SELECT || SPI_processed != 1)
		elog(ERROR, "could not evaluate the condition of a route");
	met = DatumGetBool(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &is_null)) && !is_null;
	SPI_finish();
	SetUserIdAndSecContext(user, security_context);
	return met;
}

/* ---- the routes of a type ---- */

static void
forget_set(route_set *set)
{
	for (int i = 0; i < set->count; i++)
		if (set->routes[i].plan)
			SPI_freeplan(set->routes[i].plan);
	if (set->memory)
		MemoryContextDelete(set->memory);
	set->memory = NULL;
	set->routes = NULL;
	set->count = 0;
	set->epoch = 0;
}

/* Reads rk.route; what fails leaves an empty set that is read again. */
static void
read_set(route_set *set)
{
	rk_catalog	catalog;
	Oid			types[] = {INT4OID};
	Datum		values[] = {Int32GetDatum(set->type_id)};
	uint64		count;
	char	  **conditions;
	MemoryContext old;

	forget_set(set);
	set->memory = AllocSetContextCreate(TopMemoryContext, "rk routes", ALLOCSET_SMALL_SIZES);
	rk_catalog_open(&catalog);
	count = rk_run_sql("SELECT route_id, r.name, t.role::oid, condition FROM rk.route t JOIN rk.ring r USING (ring_id) "
					   "WHERE type_id = $1 ORDER BY route_id", 1, types, values, NULL);
	old = MemoryContextSwitchTo(set->memory);
	set->routes = palloc0(sizeof(route) * (count + 1));
	conditions = palloc0(sizeof(char *) * (count + 1));
	for (uint64 i = 0; i < count; i++)
	{
		HeapTuple	t = SPI_tuptable->vals[i];
		TupleDesc	d = SPI_tuptable->tupdesc;
		bool		is_null;
		Datum		condition = SPI_getbinval(t, d, 4, &is_null);

		if (!is_null)
			conditions[i] = TextDatumGetCString(condition);
		set->routes[i].route_id = DatumGetInt64(SPI_getbinval(t, d, 1, &is_null));
		set->routes[i].ring = TextDatumGetCString(SPI_getbinval(t, d, 2, &is_null));
		set->routes[i].role = DatumGetObjectId(SPI_getbinval(t, d, 3, &is_null));
	}
	MemoryContextSwitchTo(old);
	rk_catalog_close(&catalog);
	set->count = count;
	for (uint64 i = 0; i < count; i++)
	{
		if (conditions[i] == NULL)
			continue;
		if (SPI_connect() != SPI_OK_CONNECT)
			elog(ERROR, "SPI_connect failed");
		set->routes[i].plan = prepare_condition(set->type, conditions[i]);
		SPI_keepplan(set->routes[i].plan);
		SPI_finish();
	}
}

static route_set *
routes_of(const rk_message_type *type)
{
	Oid			schema = get_namespace_oid("rk", true);
	Oid			table = OidIsValid(schema) ? get_relname_relid("route", schema) : InvalidOid;
	int32		type_id = type->type_id;
	/* before the table is read: a change in between is seen the next time */
	uint64		epoch = atomic_load(&rk_the_region->routes_epoch) + 1;
	bool		found;
	route_set  *set;

	if (sets == NULL)
	{
		HASHCTL		control = {.keysize = sizeof(int32),.entrysize = sizeof(route_set)};

		sets = hash_create("rk routes", 16, &control, HASH_ELEM | HASH_BLOBS);
	}
	set = hash_search(sets, &type_id, HASH_ENTER, &found);
	if (!found)
		memset((char *) set + sizeof(int32), 0, sizeof(route_set) - sizeof(int32));
	if (found && set->epoch == epoch && set->table == table && !rk_routes_dirty())
		return set;

	set->type = type;
	set->field = type->request && type->request->name ? type->request : NULL;
	for (const rk_field *f = type->request; f && f->name; f++)
		if (f->kind == RK_FIELD_ID || f->kind == RK_FIELD_ANY_ID)
		{
			set->field = f;
			break;
		}
	read_set(set);
	set->table = table;
	/* an old snapshot shows old routes, and this transaction's own may not stay */
	set->epoch = IsolationUsesXactSnapshot() || rk_routes_dirty() ? 0 : epoch;
	return set;
}

/* ---- dispatching ---- */

/* The same on every machine of the same byte order, and after a restart. */
static uint64
field_hash(const rk_field *f, const char *payload)
{
	char		text[RK_ID_ROOM];
	int			size = f->size;

	/* an integer and a text that is written like it may be the same id */
	if (f->kind == RK_FIELD_ANY_ID)
	{
		rk_id_text((const rk_id *) (payload + f->offset), text);
		return hash_bytes_extended((const unsigned char *) text, strlen(text), 0);
	}
	if (f->kind == RK_FIELD_TEXT)
		size = strnlen(payload + f->offset, f->size);
	return hash_bytes_extended((const unsigned char *) payload + f->offset, size, 0);
}

/* The route that a message takes; NULL: none. */
static route *
choose(route_set *set, const char *payload)
{
	route	  **candidates = palloc(sizeof(route *) * (set->count + 1));
	int			n = 0;

	for (int i = 0; i < set->count; i++)
		if (set->routes[i].plan && meets(&set->routes[i], set->type, payload))
			candidates[n++] = &set->routes[i];
	for (int i = 0; i < set->count && n == 0; i++)
		if (set->routes[i].plan == NULL)
		{
			for (int k = i; k < set->count; k++)
				if (set->routes[k].plan == NULL)
					candidates[n++] = &set->routes[k];
		}
	if (n == 0)
		return NULL;
	return candidates[n > 1 && set->field ? field_hash(set->field, payload) % n : 0];
}

static void
count(rk_tally *t, int which)
{
	if (t)
		atomic_fetch_add_explicit(&t->count[which], 1, memory_order_relaxed);
}

static void unknown_type(int type_id, const rk_message_type *type, int routes) __attribute__((noreturn));

static void
unknown_type(int type_id, const rk_message_type *type, int routes)
{
	count(rk_tally_of(RK_TALLY_DISPATCH, 0, true), 2);
	if (type == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("there is no message type %d", type_id),
				 errhint("SELECT type_id, name, kernel FROM rk.message_types;")));
	if (routes == 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("no route takes messages of type %d (%s)", type_id, type->name),
				 errhint("SELECT rk.route_add(%d, '<a ring of kernel %s>');", type_id, type->kernel)));
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_OBJECT),
			 errmsg("no route takes this message of type %d (%s)", type_id, type->name),
			 errdetail("It meets none of the conditions of %d routes.", routes),
			 errhint("Add a route without a condition for the rest.")));
}

Datum
rk_route_dispatch(PG_FUNCTION_ARGS)
{
	int			type_id;
	const rk_message_type *type;
	route_set  *set;
	route	   *r;
	void	   *payload;
	rk_tally   *all;
	rk_tally   *own;
	volatile int64 id = 0;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("parameter \"%s\" must not be null", PG_ARGISNULL(0) ? "type_id" : "payload")));
	type_id = PG_GETARG_INT32(0);
	rk_send_init();
	type = rk_message_type_find(type_id);
	if (type == NULL || type->published)
		unknown_type(type_id, NULL, 0);
	rk_message_check(type);
	set = routes_of(type);
	if (set->count == 0)
		unknown_type(type_id, type, 0);
	payload = palloc0(type->request_size + 8);
	rk_jsonb_to_payload(type, PG_GETARG_JSONB_P(1), payload);
	r = choose(set, payload);
	if (r == NULL)
		unknown_type(type_id, type, set->count);
	all = rk_tally_of(RK_TALLY_DISPATCH, 0, true);
	own = rk_tally_of(RK_TALLY_ROUTE, r->route_id, true);
	count(all, 0);
	count(own, 0);
	PG_TRY();
	{
		rk_ring    *ring = rk_ring_find(&r->handle, r->ring, strlen(r->ring), 0);
		rk_outgoing out = {
			.type_id = type->type_id,
			.flags = type->mutating ? 0 : RK_SLOT_READ_ONLY,
			.priority = rk_priority,
			.payload = payload,
			.length = type->request_size
		};

		id = rk_ring_post(ring, &r->handle, &out);
	}
	PG_CATCH();
	{
		count(all, 3);
		count(own, 3);
		PG_RE_THROW();
	}
	PG_END_TRY();
	count(all, id ? 1 : 3);
	count(own, id ? 1 : 3);
	if (id == 0)
		PG_RETURN_NULL();
	PG_RETURN_INT64(id);
}

/* ---- from SQL ---- */

Datum
rk_route_add(PG_FUNCTION_ARGS)
{
	int			type_id;
	const rk_message_type *type;
	char	   *ring;
	char	   *condition = PG_ARGISNULL(2) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(2));
	rk_ring_row row;
	rk_catalog	catalog;
	Oid			types[] = {INT4OID, INT4OID, TEXTOID, OIDOID};
	Datum		values[4];
	char		nulls[] = {' ', ' ', condition ? ' ' : 'n', ' ', '\0'};
	bool		is_null;
	int64		id;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("parameter \"%s\" must not be null", PG_ARGISNULL(0) ? "type_id" : "ring")));
	type_id = PG_GETARG_INT32(0);
	ring = text_to_cstring(PG_GETARG_TEXT_PP(1));
	rk_region_required();
	PreventCommandIfReadOnly("rk.route_add()");
	rk_ring_row_require(ring, &row);
	if (!has_privs_of_role(GetUserId(), row.owner) && !rk_ring_access(row.ring_id, GetUserId(), "send"))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied for ring \"%s\"", ring)));
	type = rk_kernel_message_type(rk_ring_kernel(row.kernel), type_id);
	if (condition)
	{
		/* what is wrong with it is said now */
		if (SPI_connect() != SPI_OK_CONNECT)
			elog(ERROR, "SPI_connect failed");
		(void) prepare_condition(type, condition);
		SPI_finish();
	}
	values[0] = Int32GetDatum(type_id);
	values[1] = Int32GetDatum(row.ring_id);
	values[2] = condition ? CStringGetTextDatum(condition) : (Datum) 0;
	values[3] = ObjectIdGetDatum(GetUserId());
	rk_catalog_open(&catalog);
	rk_run_sql("INSERT INTO rk.route (type_id, ring_id, condition, role) VALUES ($1, $2, $3, $4::regrole) RETURNING route_id",
			   4, types, values, nulls);
	id = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &is_null));
	rk_catalog_close(&catalog);
	rk_routes_changed();
	PG_RETURN_INT64(id);
}

Datum
rk_route_drop(PG_FUNCTION_ARGS)
{
	rk_catalog	catalog;
	Oid			types[] = {INT8OID, OIDOID};
	Datum		values[] = {PG_GETARG_DATUM(0), ObjectIdGetDatum(GetUserId())};
	uint64		gone;

	rk_region_required();
	PreventCommandIfReadOnly("rk.route_drop()");
	rk_catalog_open(&catalog);
	gone = rk_run_sql("DELETE FROM rk.route WHERE route_id = $1 AND pg_catalog.pg_has_role($2, role, 'USAGE')", 2, types,
					  values, NULL);
	rk_catalog_close(&catalog);
	if (gone == 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("you have no route %lld", (long long) PG_GETARG_INT64(0))));
	rk_routes_changed();
	PG_RETURN_VOID();
}

/* rk.tally(kind, id): the counters of something, since the server was started */
Datum
rk_tally_counts(PG_FUNCTION_ARGS)
{
	Datum		counts[4];
	rk_tally   *t = rk_the_region ? rk_tally_of(PG_GETARG_INT32(0), PG_GETARG_INT64(1), false) : NULL;

	for (int i = 0; i < 4; i++)
		counts[i] = Int64GetDatum(t ? atomic_load(&t->count[i]) : 0);
	PG_RETURN_ARRAYTYPE_P(construct_array(counts, 4, INT8OID, 8, FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}
