/*
 * catalog.c
 *	  The ring runtime's tables, and the options of a ring.
 */
#include "postgres.h"

#include <math.h>

#include "access/htup_details.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/numeric.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"
#include "utils/varlena.h"

#include "../compat.h"
#include "../call/catalogue.h"
#include "../call/types.h"
#include "../device/device.h"
#include "../relation/reader.h"
#include "catalog.h"

void
rk_catalog_open(rk_catalog *catalog)
{
	Oid			schema = get_namespace_oid("rk", true);
	Oid			table = OidIsValid(schema) ? get_relname_relid("ring", schema) : InvalidOid;
	HeapTuple	tuple;

	if (!OidIsValid(table))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("extension rustkernels is not installed in this database"),
				 errhint("CREATE EXTENSION rustkernels;")));
	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(table));
	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for relation %u", table);
	GetUserIdAndSecContext(&catalog->user, &catalog->security_context);
	SetUserIdAndSecContext(((Form_pg_class) GETSTRUCT(tuple))->relowner,
						   catalog->security_context | SECURITY_LOCAL_USERID_CHANGE | SECURITY_NOFORCE_RLS);
	ReleaseSysCache(tuple);
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
}

void
rk_catalog_close(rk_catalog *catalog)
{
	SPI_finish();
	SetUserIdAndSecContext(catalog->user, catalog->security_context);
}

uint64
rk_run_sql(const char *command, int count, const Oid *types, const Datum *values, const char *nulls)
{
	int			result = SPI_execute_with_args(command, count, (Oid *) types, (Datum *) values, nulls, false, 0);

	if (result < 0)
		elog(ERROR, "SPI_execute failed: %s", SPI_result_code_string(result));
	return SPI_processed;
}

void
rk_ring_row_from_spi(uint64 i, rk_ring_row *row, MemoryContext memory)
{
	HeapTuple	t = SPI_tuptable->vals[i];
	TupleDesc	desc = SPI_tuptable->tupdesc;
	MemoryContext old = MemoryContextSwitchTo(memory);
	bool		is_null;

	row->ring_id = DatumGetInt32(SPI_getbinval(t, desc, 1, &is_null));
	strlcpy(row->name, TextDatumGetCString(SPI_getbinval(t, desc, 2, &is_null)), NAMEDATALEN);
	row->kernel = TextDatumGetCString(SPI_getbinval(t, desc, 3, &is_null));
	row->owner = DatumGetObjectId(SPI_getbinval(t, desc, 4, &is_null));
	strlcpy(row->desired_state, TextDatumGetCString(SPI_getbinval(t, desc, 5, &is_null)),
			sizeof(row->desired_state));
	row->epoch = DatumGetInt32(SPI_getbinval(t, desc, 6, &is_null));
	row->restarts = DatumGetInt32(SPI_getbinval(t, desc, 7, &is_null));
	row->options = DatumGetJsonbPCopy(SPI_getbinval(t, desc, 8, &is_null));
	row->drain_ms = DatumGetInt32(SPI_getbinval(t, desc, 9, &is_null));
	MemoryContextSwitchTo(old);
}

bool
rk_ring_row_read(const char *name, rk_ring_row *row)
{
	rk_catalog	catalog;
	Oid			types[] = {TEXTOID};
	Datum		values[] = {CStringGetTextDatum(name)};
	MemoryContext memory = CurrentMemoryContext;
	bool		found;

	rk_catalog_open(&catalog);
	/* a row that another session committed since this statement began counts too */
	PushActiveSnapshot(GetLatestSnapshot());
	if (SPI_execute_with_args("SELECT " RK_RING_COLUMNS " FROM rk.ring WHERE name = $1", 1, types, values, NULL,
							  true, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not read rk.ring");
	found = SPI_processed > 0;
	if (found)
		rk_ring_row_from_spi(0, row, memory);
	PopActiveSnapshot();
	rk_catalog_close(&catalog);
	return found;
}

void
rk_ring_row_require(const char *name, rk_ring_row *row)
{
	if (!rk_ring_row_read(name, row))
		rk_no_such_ring(name, NULL);
}

/*
 * The name of a ring that differs least from what was written, by no more than
 * half of it and three characters, or NULL.  A ring is proposed to those who may
 * read rk.ring, which is everybody unless that was revoked, or use the ring.
 */
static char *
nearest_ring(const char *name, const char *kernel)
{
	int			length = pg_mbcliplen(name, strlen(name), NAMEDATALEN - 1);
	int			limit = Min(3, pg_mbstrlen_with_len(name, length) / 2);
	rk_catalog	catalog;
	Oid			types[] = {OIDOID, TEXTOID};
	Datum		values[] = {ObjectIdGetDatum(GetUserId()), kernel ? CStringGetTextDatum(kernel) : (Datum) 0};
	char		nulls[] = {' ', kernel ? ' ' : 'n', '\0'};
	MemoryContext memory = CurrentMemoryContext;
	char	   *nearest = NULL;
	uint64		count;

	rk_catalog_open(&catalog);
	PushActiveSnapshot(GetLatestSnapshot());
	if (SPI_execute_with_args("SELECT name FROM rk.ring r WHERE ($2 IS NULL OR kernel = $2) AND "
							  "(pg_catalog.has_table_privilege($1, 'rk.ring', 'SELECT') OR "
							  "pg_catalog.pg_has_role($1, owner, 'USAGE') OR EXISTS (SELECT FROM rk.ring_access a "
							  "WHERE a.ring_id = r.ring_id AND (a.role = 0 OR pg_catalog.pg_has_role($1, a.role, 'USAGE')))) "
							  "ORDER BY name COLLATE \"C\"", 2, types, values, nulls, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not read rk.ring");
	count = SPI_processed;
	for (uint64 i = 0; i < count && limit > 0; i++)
	{
		bool		is_null;
		char	   *other = TextDatumGetCString(SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1, &is_null));
		int			distance = varstr_levenshtein_less_equal(name, length, other, strlen(other), 1, 1, 1, limit, true);

		if (distance > limit)
			continue;
		nearest = MemoryContextStrdup(memory, other);
		limit = distance - 1;
	}
	PopActiveSnapshot();
	rk_catalog_close(&catalog);
	return nearest;
}

void
rk_no_such_ring(const char *name, const char *kernel)
{
	char	   *nearest = nearest_ring(name, kernel);
	char	   *quoted = quote_literal_cstr(name);

	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_OBJECT),
			 errmsg("ring \"%s\" does not exist", name),
			 nearest ? errhint("Perhaps you meant the ring \"%s\".", nearest) :
			 *name == '\0' ? errhint("SELECT name, kernel FROM rk.rings;") :
			 kernel ? errhint("SELECT rk.ring_start(%s, %s);", quote_literal_cstr(kernel), quoted) :
			 errhint("SELECT name, kernel FROM rk.rings; lists the rings, rk.ring_start(kernel, %s) makes one.", quoted)));
}

bool
rk_ring_access(int32 ring_id, Oid role, const char *access)
{
	rk_catalog	catalog;
	Oid			types[] = {INT4OID, OIDOID, TEXTOID};
	Datum		values[] = {Int32GetDatum(ring_id), ObjectIdGetDatum(role), CStringGetTextDatum(access)};
	bool		found;

	rk_catalog_open(&catalog);
	PushActiveSnapshot(GetLatestSnapshot());
	if (SPI_execute_with_args("SELECT FROM rk.ring_access WHERE ring_id = $1 AND access = $3 AND "
							  "(role = 0 OR pg_catalog.pg_has_role($2, role, 'USAGE'))", 3, types, values, NULL,
							  true, 1) != SPI_OK_SELECT)
		elog(ERROR, "could not read rk.ring_access");
	found = SPI_processed > 0;
	PopActiveSnapshot();
	rk_catalog_close(&catalog);
	return found;
}

const rk_actor *
rk_ring_kernel(const char *kernel)
{
	const rk_actor *actor = rk_actor_find(kernel);
	StringInfoData all;

	if (actor)
		return actor;
	initStringInfo(&all);
	for (int i = 0; rk_actors[i]; i++)
		appendStringInfo(&all, "%s%s", i ? ", " : "", rk_actors[i]->kernel);
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_OBJECT),
			 errmsg("there is no ring kernel \"%s\"", kernel),
			 errhint("Ring kernels are %s.", all.data)));
}

void
rk_ring_kernel_check(const rk_actor *actor)
{
	if (actor->superusers_only && !superuser())
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("must be superuser to use kernel \"%s\"", actor->kernel)));
}

/* ---- options ---- */

/* The member of a JSON object, or NULL; JSON null counts as absent. */
static JsonbValue *
member(JsonbContainer *object, const char *key)
{
	JsonbValue	k = {.type = jbvString};
	JsonbValue *v;

	k.val.string.val = (char *) key;
	k.val.string.len = strlen(key);
	v = findJsonbValueFromContainer(object, JB_FOBJECT, &k);
	return v && v->type != jbvNull ? v : NULL;
}

static void bad_option(const char *name, const char *range) __attribute__((noreturn));

static void
bad_option(const char *name, const char *range)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("option \"%s\" of a ring must be %s", name, range)));
}

static char *
string_value(const JsonbValue *v)
{
	return v->type == jbvString ? pnstrdup(v->val.string.val, v->val.string.len) : NULL;
}

static bool
integer_option(JsonbContainer *o, const char *name, int64 min, int64 max, int64 *value)
{
	JsonbValue *v = member(o, name);
	double		d;

	if (v == NULL)
		return false;
	d = v->type == jbvNumeric ? DatumGetFloat8(DirectFunctionCall1(numeric_float8, NumericGetDatum(v->val.numeric)))
		: -INFINITY;
	if (!(d >= min && d <= max) || d != floor(d))
		bad_option(name, psprintf("a whole number from %lld to %lld", (long long) min, (long long) max));
	*value = (int64) d;
	return true;
}

static bool
share_option(JsonbContainer *o, const char *name, double *value)
{
	JsonbValue *v = member(o, name);
	double		d;

	if (v == NULL)
		return false;
	d = v->type == jbvNumeric ? DatumGetFloat8(DirectFunctionCall1(numeric_float8, NumericGetDatum(v->val.numeric)))
		: -1;
	if (!(d >= 0 && d <= 1))
		bad_option(name, "a number from 0 to 1");
	*value = d;
	return true;
}

static bool
boolean_option(JsonbContainer *o, const char *name, bool *value)
{
	JsonbValue *v = member(o, name);

	if (v == NULL)
		return false;
	if (v->type != jbvBool)
		bad_option(name, "true or false");
	*value = v->val.boolean;
	return true;
}

/* Seconds as a number, or an interval as text; in milliseconds. */
static bool
time_option(JsonbContainer *o, const char *name, int64 min_ms, int64 max_ms, int64 *value)
{
	JsonbValue *v = member(o, name);
	double		ms = -1;

	if (v == NULL)
		return false;
	if (v->type == jbvNumeric)
		ms = 1000 * DatumGetFloat8(DirectFunctionCall1(numeric_float8, NumericGetDatum(v->val.numeric)));
	else if (v->type == jbvString)
	{
		Interval   *i = DatumGetIntervalP(DirectFunctionCall3(interval_in, CStringGetDatum(string_value(v)),
															  ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1)));

		ms = i->time / 1000.0 + i->day * (double) SECS_PER_DAY * 1000 + i->month * 30.0 * SECS_PER_DAY * 1000;
	}
	if (!(ms >= min_ms && ms <= max_ms))
		bad_option(name, psprintf("from %g to %g seconds, as a number or an interval", min_ms / 1000.0,
								  max_ms / 1000.0));
	*value = (int64) ms;
	return true;
}

/* Position in a closed set. */
static bool
choice_option(JsonbContainer *o, const char *name, const char *const *choices, int *value)
{
	JsonbValue *v = member(o, name);
	char	   *text;
	StringInfoData all;

	if (v == NULL)
		return false;
	text = string_value(v);
	initStringInfo(&all);
	for (int i = 0; choices[i]; i++)
	{
		if (text && strcmp(text, choices[i]) == 0)
		{
			*value = i;
			return true;
		}
		appendStringInfo(&all, "%s\"%s\"", i ? ", " : "", choices[i]);
	}
	bad_option(name, psprintf("one of %s", all.data));
}

/* A length of time as microseconds, an amount as 8 decimals: as SQL writes them. */
static bool
parsed_option(const rk_param *p, char *text, rk_option *option)
{
	if (p->type == RK_TYPE_INTERVAL)
	{
		Datum		interval = DirectFunctionCall3(interval_in, CStringGetDatum(text), ObjectIdGetDatum(InvalidOid),
												   Int32GetDatum(-1));

		if (!rk_interval_to_us(interval, &option->integer))
			return false;
		option->number = option->integer / 1e6;
	}
	else
	{
		Datum		number = DirectFunctionCall3(numeric_in, CStringGetDatum(text), ObjectIdGetDatum(InvalidOid),
												 Int32GetDatum(-1));

		if (!rk_numeric_to_fixed(number, &option->integer))
			return false;
		option->number = (double) option->integer / RK_FIXED_ONE;
	}
	return (p->min_open ? option->number > p->min : option->number >= p->min) &&
		(p->max_open ? option->number < p->max : option->number <= p->max);
}

/* One of the actor's own options. */
static void
actor_option(const JsonbValue *v, const rk_param *p, rk_option *option)
{
	*option = (rk_option) {.param = p};
	if (v == NULL || v->type == jbvNull)
	{
		const char *initial = p->initial;

		if (initial == NULL)
			bad_option(p->name, "given");
		if (strcmp(initial, "NULL") == 0)
			option->is_null = true;
		else if (p->type == RK_TYPE_TEXT || p->type == RK_TYPE_RELATION)
			option->text = pnstrdup(initial + 1, strlen(initial) - 2);
		else if (p->type == RK_TYPE_BOOLEAN)
			option->truth = strcmp(initial, "true") == 0;
		else if (p->type == RK_TYPE_INTERVAL || p->type == RK_TYPE_NUMERIC)
			(void) parsed_option(p, *initial == '\'' ? pnstrdup(initial + 1, strlen(initial) - 2) : pstrdup(initial), option);
		else
		{
			option->number = strtod(initial, NULL);
			option->integer = strtoll(initial, NULL, 10);
		}
	}
	else
	{
		bool		good = false;

		switch (p->type)
		{
			case RK_TYPE_BOOLEAN:
				good = v->type == jbvBool;
				option->truth = good && v->val.boolean;
				break;
			case RK_TYPE_TEXT:
			case RK_TYPE_RELATION:
				good = v->type == jbvString;
				option->text = string_value(v);
				break;
			case RK_TYPE_INTERVAL:
				good = v->type == jbvString && parsed_option(p, string_value(v), option);
				break;
			case RK_TYPE_NUMERIC:
				good = (v->type == jbvString || v->type == jbvNumeric) &&
					parsed_option(p, v->type == jbvString ? string_value(v) :
								  DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(v->val.numeric))), option);
				break;
			default:
				if (v->type != jbvNumeric)
					break;
				option->number = DatumGetFloat8(DirectFunctionCall1(numeric_float8,
																	NumericGetDatum(v->val.numeric)));
				option->integer = (int64) option->number;
				good = (p->min_open ? option->number > p->min : option->number >= p->min) &&
					(p->max_open ? option->number < p->max : option->number <= p->max) &&
					(p->type == RK_TYPE_FLOAT8 || option->integer == option->number);
		}
		if (!good)
		{
			char	   *range = rk_range_text(p);
			const char *kind = p->type == RK_TYPE_BOOLEAN ? "true or false" :
				p->type == RK_TYPE_INTERVAL && p->min_open ? "a length of time above 0 like \"2 hours\", without months" :
				p->type == RK_TYPE_INTERVAL ? "a length of time like \"2 hours\", without months" :
				p->type == RK_TYPE_NUMERIC ? "an amount" :
				p->type == RK_TYPE_TEXT || p->type == RK_TYPE_RELATION ? "a string" :
				p->type == RK_TYPE_FLOAT8 ? "a number" : "a whole number";

			bad_option(p->name, range ? psprintf("%s in the range %s", kind, range) : kind);
		}
	}
	if (p->choices && option->text)
	{
		for (int i = 0; p->choices[i]; i++)
			if (strcmp(option->text, p->choices[i]) == 0)
			{
				option->integer = i;
				return;
			}
		bad_option(p->name, psprintf("one of %s", rk_range_text(p)));
	}
}

static const char *const runtime_options[] = {
	"queue_capacity", "overflow", "durability", "checkpoint_interval", "checkpoint_messages", "checkpoints_kept",
	"dedicated", "spin_us", "priority_lanes", "message_timeout", "restart_policy", "max_restarts", "start_timeout",
	"heartbeat_timeout", "device", "gpu_mode",
	"max_retries", "max_hops", "dedup_window", "dedup_keys", "memory_limit", "standby", "high_water", "low_water", "dlq_size", "dlq_age", "kernel", NULL
};

/* Every key is one that somebody understands. */
static void
check_keys(JsonbContainer *o, const rk_actor *actor, bool nested)
{
	JsonbIterator *it = JsonbIteratorInit(o);
	JsonbValue	v;
	JsonbIteratorToken token;

	while ((token = JsonbIteratorNext(&it, &v, true)) != WJB_DONE)
	{
		char	   *key;
		bool		known = false;
		StringInfoData all;

		if (token != WJB_KEY)
			continue;
		key = pnstrdup(v.val.string.val, v.val.string.len);
		initStringInfo(&all);
		for (int i = 0; !nested && runtime_options[i]; i++)
		{
			known |= strcmp(key, runtime_options[i]) == 0;
			appendStringInfo(&all, "%s%s", all.len ? ", " : "", runtime_options[i]);
		}
		for (const rk_param *p = actor->options; p && p->name; p++)
		{
			known |= strcmp(key, p->name) == 0;
			appendStringInfo(&all, "%s%s", all.len ? ", " : "", p->name);
		}
		if (!known)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("a ring of kernel \"%s\" has no option \"%s\"", actor->kernel, key),
					 all.len ? errhint("Options are %s.", all.data) : errhint("It has none.")));
	}
}

void
rk_ring_options_read(const Jsonb *options, const rk_actor *actor, rk_ring_options *r)
{
	static const char *const overflows[] = {"block", "error", "dlq", "drop", NULL};
	static const char *const durabilities[] = {"volatile", "journal", NULL};
	static const char *const policies[] = {"restart", "stop", "notify", NULL};
	static const char *const standbys[] = {"off", "readonly", NULL};
	static const char *const devices[] = {"auto", "cpu", "cuda", NULL};
	static const char *const modes[] = {"event", "persistent", NULL};
	static const char *const sizes[] = {"small", "medium", "large", "xlarge", NULL};
	JsonbContainer *o = (JsonbContainer *) &options->root;
	JsonbContainer *kernel = NULL;
	JsonbValue *v;
	rk_option  *values;
	int64		n;
	int			choice = 0;
	int			count = 0;

	*r = (rk_ring_options) {
		.queue_capacity = rk_queue_depth_setting,
		.checkpoint_interval_s = 0,
		.checkpoint_messages = 1000000,
		.lanes = true,
		.message_timeout_ms = 60000,
		.max_restarts = 3,
		.max_retries = 3,
		.max_hops = 8,
		.dedup_ms = 300000,
		.dedup_keys = 100000,
		.memory_limit = INT64CONST(1) << 30,
		.high_water = 0.75,
		.low_water = 0.25,
		.dlq_size = 10000,
		.dlq_age_ms = 3600000
	};
	if (!JB_ROOT_IS_OBJECT(options))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("options of a ring must be a JSON object")));
	check_keys(o, actor, false);
	v = member(o, "kernel");
	if (v)
	{
		if (v->type != jbvBinary || !JsonContainerIsObject(v->val.binary.data))
			bad_option("kernel", "a JSON object");
		kernel = v->val.binary.data;
		check_keys(kernel, actor, true);
	}

	v = member(o, "queue_capacity");
	if (v && v->type == jbvString)
	{
		static const uint32 capacities[] = {256, 1024, 4096, 16384};

		choice_option(o, "queue_capacity", sizes, &choice);
		r->queue_capacity = capacities[choice];
	}
	else if (integer_option(o, "queue_capacity", 16, 1048576, &n))
	{
		if ((n & (n - 1)) != 0)
			bad_option("queue_capacity", "a power of two from 16 to 1048576, or small, medium, large or xlarge");
		r->queue_capacity = n;
	}
	if (choice_option(o, "overflow", overflows, &choice))
		r->overflow = choice;
	if (choice_option(o, "durability", durabilities, &choice))
		r->journal = choice == 1;
	if (time_option(o, "checkpoint_interval", 1000, 86400000, &n))
		r->checkpoint_interval_s = n / 1000;
	if (integer_option(o, "checkpoint_messages", 1, INT64CONST(1000000000000), &n))
		r->checkpoint_messages = n;
	if (integer_option(o, "checkpoints_kept", 1, 100, &n))
		r->checkpoints_kept = n;
	boolean_option(o, "dedicated", &r->dedicated);
	boolean_option(o, "priority_lanes", &r->lanes);
	if (time_option(o, "message_timeout", 1, 86400000, &n))
		r->message_timeout_ms = n;
	if (choice_option(o, "restart_policy", policies, &choice))
		r->restart_policy = choice;
	if (time_option(o, "start_timeout", 0, 86400000, &n))
		r->start_timeout_ms = n;
	if (time_option(o, "heartbeat_timeout", 1000, 3600000, &n))
		r->heartbeat_timeout_ms = n;
	if ((r->has_spin = integer_option(o, "spin_us", -1, 1000000, &n)))
		r->spin_us = n;
	if (choice_option(o, "standby", standbys, &choice))
		r->standby = choice == 1;
	choice_option(o, "device", devices, &r->device);
	if (r->device == RK_DEVICE_CUDA && actor->device == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("a ring of kernel \"%s\" has no form for CUDA devices", actor->kernel),
				 errhint("Leave option \"device\" out.")));
	if (choice_option(o, "gpu_mode", modes, &choice))
		r->persistent = choice == 1;
	if (integer_option(o, "max_restarts", 0, 1000, &n))
		r->max_restarts = n;
	if (integer_option(o, "max_retries", 0, 100, &n))
		r->max_retries = n;
	if (integer_option(o, "max_hops", 1, 16, &n))
		r->max_hops = n;
	time_option(o, "dedup_window", 1000, INT64CONST(86400000), &r->dedup_ms);
	if (integer_option(o, "dedup_keys", 1, 10000000, &n))
		r->dedup_keys = n;
	if (integer_option(o, "memory_limit", 1 << 20, INT64CONST(1) << 40, &n))
		r->memory_limit = n;

	share_option(o, "high_water", &r->high_water);
	share_option(o, "low_water", &r->low_water);
	if (r->low_water > r->high_water)
		bad_option("low_water", "at most \"high_water\"");
	if (integer_option(o, "dlq_size", 0, 10000000, &n))
		r->dlq_size = n;
	time_option(o, "dlq_age", 1000, INT64CONST(31536000000), &r->dlq_age_ms);

	while (actor->options && actor->options[count].name)
		count++;
	values = palloc0(sizeof(rk_option) * (count + 1));
	for (int i = 0; i < count; i++)
	{
		const rk_param *p = &actor->options[i];

		v = kernel ? member(kernel, p->name) : NULL;
		actor_option(v ? v : member(o, p->name), p, &values[i]);
	}
	r->kernel = (rk_options) {values, count};
}
