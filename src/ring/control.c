/*
 * control.c
 *	  rk.ring_start and the other functions that say what should run, and the
 *	  views of what does.
 *
 * What should run is a row of rk.ring: these functions change it in the
 * caller's transaction, and the database's host follows after the commit.
 */
#include "postgres.h"

#include <math.h>

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "commands/dbcommands.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"

#include "../compat.h"
#include "catalog.h"
#include "host.h"
#include "send.h"

PG_FUNCTION_INFO_V1(rk_ring_start);
PG_FUNCTION_INFO_V1(rk_ring_want);
PG_FUNCTION_INFO_V1(rk_ring_configure);
PG_FUNCTION_INFO_V1(rk_ring_drop);
PG_FUNCTION_INFO_V1(rk_ring_reset);
PG_FUNCTION_INFO_V1(rk_ring_allow);
PG_FUNCTION_INFO_V1(rk_ring_change_owner);
PG_FUNCTION_INFO_V1(rk_ring_wait);
PG_FUNCTION_INFO_V1(rk_ring_checkpoint);
PG_FUNCTION_INFO_V1(rk_ring_checksum);
PG_FUNCTION_INFO_V1(rk_ring_sync);
PG_FUNCTION_INFO_V1(rk_ring_replace);
PG_FUNCTION_INFO_V1(rk_dlq_check);
PG_FUNCTION_INFO_V1(rk_ring_list);
PG_FUNCTION_INFO_V1(rk_ring_control);
PG_FUNCTION_INFO_V1(rk_message_type_list);

static uint64 send_control(const char *name, rk_control what, int64 payload);

static void
check_control(const char *name, const rk_ring_row *row)
{
	if (!has_privs_of_role(GetUserId(), row->owner) && !rk_ring_access(row->ring_id, GetUserId(), "control"))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied for ring \"%s\"", name),
				 errhint("Its owner can run SELECT rk.ring_grant(%s, %s, 'control');", quote_literal_cstr(name),
						 quote_literal_cstr(GetUserNameFromId(GetUserId(), false)))));
}

void
rk_controlled_ring(const char *name, rk_ring_row *row)
{
	rk_region_required();
	if (RecoveryInProgress())
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("ring is not available during recovery")));
	rk_ring_row_require(name, row);
	check_control(name, row);
}

char *
rk_controlled_ring_of(const char *kind, const char *query, int64 id, rk_ring_row *row)
{
	rk_catalog	catalog;
	Oid			types[] = {INT8OID};
	Datum		values[] = {Int64GetDatum(id)};
	bool		is_null;
	char	   *name;
	MemoryContext memory = CurrentMemoryContext;
	MemoryContext old;

	rk_region_required();
	rk_catalog_open(&catalog);
	if (rk_run_sql(query, 1, types, values, NULL) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("%s %lld does not exist", kind, (long long) id)));
	old = MemoryContextSwitchTo(memory);
	name = TextDatumGetCString(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &is_null));
	MemoryContextSwitchTo(old);
	rk_catalog_close(&catalog);
	rk_controlled_ring(name, row);
	return name;
}

/* rk.dlq_check(ring, filter) */
Datum
rk_dlq_check(PG_FUNCTION_ARGS)
{
	rk_ring_row row;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("parameter \"%s\" must not be null", PG_ARGISNULL(0) ? "ring" : "filter")));
	rk_ring_row_require(text_to_cstring(PG_GETARG_TEXT_PP(0)), &row);
	PG_RETURN_VOID();
}

static void
change_row(const char *command, int32 ring_id, Datum value, Oid type)
{
	rk_catalog	catalog;
	Oid			types[] = {INT4OID, type};
	Datum		values[] = {Int32GetDatum(ring_id), value};

	rk_catalog_open(&catalog);
	rk_run_sql(command, OidIsValid(type) ? 2 : 1, types, values, NULL);
	rk_catalog_close(&catalog);
	rk_rescan_at_commit();
}

Datum
rk_ring_start(PG_FUNCTION_ARGS)
{
	char	   *kernel;
	const rk_actor *actor;
	char		name[NAMEDATALEN];
	rk_ring_row row;
	rk_ring_options options;
	Jsonb	   *given;
	bool		exists;
	rk_catalog	catalog;

	rk_region_required();
	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("parameter \"kernel\" must not be null")));
	if (RecoveryInProgress())
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("ring is not available during recovery"),
				 errhint("Send to the primary server.")));
	if (!rk_database_listed(get_database_name(MyDatabaseId)))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("rings do not run in database \"%s\"", get_database_name(MyDatabaseId)),
				 errhint("Add it to the setting \"rk.databases\", now \"%s\".", rk_databases)));
	PreventCommandIfReadOnly("rk.ring_start()");
	kernel = text_to_cstring(PG_GETARG_TEXT_PP(0));
	actor = rk_ring_kernel(kernel);
	rk_ring_kernel_check(actor);
	if (PG_ARGISNULL(1))
	{
		/* graph/pagerank is graph_pagerank */
		strlcpy(name, kernel, NAMEDATALEN);
		for (char *p = name; *p; p++)
			if (*p == '/' || *p == '-')
				*p = '_';
	}
	else
	{
		char	   *given_name = text_to_cstring(PG_GETARG_TEXT_PP(1));

		if (*given_name == '\0' || strlen(given_name) >= NAMEDATALEN)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_NAME),
					 errmsg("name of a ring must have 1 to %d bytes", NAMEDATALEN - 1)));
		strlcpy(name, given_name, NAMEDATALEN);
	}
	given = PG_ARGISNULL(2) ? DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum("{}"))) :
		PG_GETARG_JSONB_P(2);
	exists = rk_ring_row_read(name, &row);
	/* a ring that is there has its options */
	if (!exists || JB_ROOT_COUNT(given) > 0)
		rk_ring_options_read(given, actor, &options);

	if (exists)
	{
		check_control(name, &row);
		if (strcmp(row.kernel, kernel) != 0)
			ereport(ERROR,
					(errcode(ERRCODE_DUPLICATE_OBJECT),
					 errmsg("ring \"%s\" already exists with kernel \"%s\"", name, row.kernel)));
		change_row("UPDATE rk.ring SET desired_state = 'running' WHERE ring_id = $1 AND desired_state <> 'running'",
				   row.ring_id, (Datum) 0, InvalidOid);
		if (!DatumGetBool(DirectFunctionCall2(jsonb_contains, JsonbPGetDatum(row.options), JsonbPGetDatum(given))))
			ereport(NOTICE,
					(errmsg("ring \"%s\" already exists and keeps its options", name),
					 errhint("SELECT rk.ring_configure(%s, %s);", quote_literal_cstr(name),
							 quote_literal_cstr(JsonbToCString(NULL, &given->root, VARSIZE(given))))));
	}
	else
	{
		Oid			types[] = {TEXTOID, TEXTOID, OIDOID, JSONBOID};
		Datum		values[] = {CStringGetTextDatum(name), CStringGetTextDatum(kernel), ObjectIdGetDatum(GetUserId()),
		JsonbPGetDatum(given)};

		rk_catalog_open(&catalog);
		rk_run_sql("INSERT INTO rk.ring (name, kernel, owner, options) VALUES ($1, $2, $3::regrole, $4)", 4, types,
				   values, NULL);
		rk_catalog_close(&catalog);
		rk_rescan_at_commit();
	}
	rk_started_here(name);
	PG_RETURN_TEXT_P(cstring_to_text(name));
}

/* The state of a ring as rk.rings shows it. */
static const char *
current_state(const char *name, const rk_ring_row *row)
{
	rk_ring    *ring;
	rk_ring_state state;

	LWLockAcquire(rk_the_region->lock, LW_SHARED);
	ring = rk_directory_find(MyDatabaseId, name, 0);
	state = ring ? ring->state : RK_RING_FREE;
	LWLockRelease(rk_the_region->lock);
	if (state == RK_RING_FREE && (strcmp(row->desired_state, "running") == 0 || strcmp(row->desired_state, "suspended") == 0))
		return "pending";
	return rk_ring_state_name(state);
}

/*
 * rk.ring_want(name, desired state): stop, drain, suspend, resume, restart.  What
 * is not in the list of transitions (region.h) is refused; to want what is the
 * case already is not.
 */
Datum
rk_ring_want(PG_FUNCTION_ARGS)
{
	char	   *name;
	char	   *wanted;
	rk_ring_row row;
	const char *state;
	bool		ends;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("parameter \"name\" must not be null")));
	name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	wanted = text_to_cstring(PG_GETARG_TEXT_PP(1));
	PreventCommandIfReadOnly(strcmp(wanted, "suspended") == 0 ? "rk.ring_suspend()" :
							 strcmp(wanted, "running") == 0 ? "rk.ring_resume()" :
							 strcmp(wanted, "restart") == 0 ? "rk.ring_restart()" : "rk.ring_stop()");
	rk_controlled_ring(name, &row);
	state = current_state(name, &row);
	ends = strcmp(state, "draining") == 0 || strcmp(state, "terminating") == 0;
	if (strcmp(wanted, "restart") == 0 ? ends :
		(strcmp(wanted, "suspended") == 0 || strcmp(wanted, "running") == 0) &&
		(ends || strcmp(state, "terminated") == 0 || strcmp(state, "failed") == 0))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("invalid state transition from \"%s\" to \"%s\"", state,
						strcmp(wanted, "running") == 0 ? "active" : strcmp(wanted, "restart") == 0 ? "launching" : wanted),
				 strcmp(state, "failed") == 0 ? errhint("SELECT rk.ring_restart(%s);", quote_literal_cstr(name)) :
				 errhint("SELECT rk.ring_start(%s, %s);", quote_literal_cstr(row.kernel), quote_literal_cstr(name))));
	if (strcmp(wanted, "restart") == 0)
		change_row("UPDATE rk.ring SET desired_state = 'running', restarts = restarts + 1 WHERE ring_id = $1",
				   row.ring_id, (Datum) 0, InvalidOid);
	else
	{
		if (!PG_ARGISNULL(2))
			change_row("UPDATE rk.ring SET drain_timeout = $2 WHERE ring_id = $1", row.ring_id, PG_GETARG_DATUM(2),
					   INTERVALOID);
		change_row("UPDATE rk.ring SET desired_state = $2 WHERE ring_id = $1", row.ring_id,
				   CStringGetTextDatum(wanted), TEXTOID);
	}
	PG_RETURN_VOID();
}

/* Relations among the options are read as the ring's owner: nobody else may name one. */
static void
check_relations(const char *name, const rk_ring_row *row, const rk_actor *actor, JsonbContainer *given)
{
	if (has_privs_of_role(GetUserId(), row->owner))
		return;
	for (const rk_param *p = actor->options; p && p->name; p++)
	{
		JsonbValue	key = {.type = jbvString,.val.string = {strlen(p->name), (char *) p->name}};

		if (p->type == RK_TYPE_RELATION && findJsonbValueFromContainer(given, JB_FOBJECT, &key))
			ereport(ERROR,
					(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
					 errmsg("must be owner of ring \"%s\" to change option \"%s\"", name, p->name)));
	}
}

Datum
rk_ring_configure(PG_FUNCTION_ARGS)
{
	char	   *name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	Jsonb	   *given = PG_GETARG_JSONB_P(1);
	rk_ring_row row;
	rk_ring_options options;
	Datum		merged;
	const rk_actor *actor;
	JsonbValue	kernel = {.type = jbvString,.val.string = {6, "kernel"}};
	JsonbValue *nested;

	PreventCommandIfReadOnly("rk.ring_configure()");
	rk_controlled_ring(name, &row);
	actor = rk_ring_kernel(row.kernel);
	merged = DirectFunctionCall2(jsonb_concat, JsonbPGetDatum(row.options), JsonbPGetDatum(given));
	rk_ring_options_read(DatumGetJsonbP(merged), actor, &options);
	check_relations(name, &row, actor, &given->root);
	nested = findJsonbValueFromContainer(&given->root, JB_FOBJECT, &kernel);
	if (nested && nested->type == jbvBinary)
		check_relations(name, &row, actor, nested->val.binary.data);
	change_row("UPDATE rk.ring SET options = $2, restarts = restarts + 1 WHERE ring_id = $1", row.ring_id, merged,
			   JSONBOID);
	if (strcmp(row.desired_state, "running") == 0 || strcmp(row.desired_state, "suspended") == 0)
		ereport(NOTICE, (errmsg("ring \"%s\" restarts with the new options when this transaction commits", name)));
	PG_RETURN_VOID();
}

void
rk_must_be_stopped(const char *name, const rk_ring_row *row, const char *what)
{
	bool		runs;

	LWLockAcquire(rk_the_region->lock, LW_SHARED);
	runs = rk_directory_find(MyDatabaseId, name, 0) != NULL;
	LWLockRelease(rk_the_region->lock);
	if (runs || strcmp(row->desired_state, "running") == 0 || strcmp(row->desired_state, "suspended") == 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("ring \"%s\" must be stopped to be %s", name, what),
				 errhint("CALL rk.ring_down(%s);", quote_literal_cstr(name))));
}

/* Detaches everything that feeds a ring. */
static void
drop_attachments(int32 ring_id)
{
	rk_catalog	catalog;
	Oid			types[] = {INT4OID};
	Datum		values[] = {Int32GetDatum(ring_id)};
	uint64		count;
	int64	   *ids;
	MemoryContext memory = CurrentMemoryContext;

	rk_catalog_open(&catalog);
	count = rk_run_sql("SELECT attachment_id FROM rk.attachment WHERE ring_id = $1", 1, types, values, NULL);
	ids = MemoryContextAlloc(memory, sizeof(int64) * (count + 1));
	for (uint64 i = 0; i < count; i++)
	{
		bool		is_null;

		ids[i] = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1, &is_null));
	}
	rk_catalog_close(&catalog);
	for (uint64 i = 0; i < count; i++)
		DirectFunctionCall1(rk_ring_detach, Int64GetDatum(ids[i]));
}

Datum
rk_ring_drop(PG_FUNCTION_ARGS)
{
	char	   *name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	rk_ring_row row;

	rk_controlled_ring(name, &row);
	rk_must_be_stopped(name, &row, "dropped");
	drop_attachments(row.ring_id);
	change_row("DELETE FROM rk.ring_journal WHERE ring_id = $1", row.ring_id, (Datum) 0, InvalidOid);
	change_row("DELETE FROM rk.ring WHERE ring_id = $1", row.ring_id, (Datum) 0, InvalidOid);
	/* after the ring, whose row a host holds while it writes here */
	change_row("DELETE FROM rk.ring_log WHERE ring_id = $1", row.ring_id, (Datum) 0, InvalidOid);
	PG_RETURN_VOID();
}

Datum
rk_ring_reset(PG_FUNCTION_ARGS)
{
	char	   *name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	rk_ring_row row;

	rk_controlled_ring(name, &row);
	rk_must_be_stopped(name, &row, "reset");
	change_row("DELETE FROM rk.checkpoint WHERE ring_id = $1", row.ring_id, (Datum) 0, InvalidOid);
	change_row("DELETE FROM rk.ring_log WHERE ring_id = $1", row.ring_id, (Datum) 0, InvalidOid);
	/* its log begins anew */
	change_row("DELETE FROM rk.ring_position WHERE ring_id = $1", row.ring_id, (Datum) 0, InvalidOid);
	change_row("UPDATE rk.ring_output SET after_seq = NULL WHERE ring_id = $1", row.ring_id, (Datum) 0, InvalidOid);
	PG_RETURN_VOID();
}

/* rk.ring_allow(name, role, access, grant): ring_grant and ring_revoke. */
Datum
rk_ring_allow(PG_FUNCTION_ARGS)
{
	char	   *name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	char	   *access = text_to_cstring(PG_GETARG_TEXT_PP(2));
	bool		grant = PG_GETARG_BOOL(3);
	rk_ring_row row;
	rk_catalog	catalog;
	Oid			types[] = {INT4OID, OIDOID, TEXTOID};
	Datum		values[3];
	rk_ring    *ring;

	PreventCommandIfReadOnly(grant ? "rk.ring_grant()" : "rk.ring_revoke()");
	rk_controlled_ring(name, &row);
	if (!has_privs_of_role(GetUserId(), row.owner))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("must be owner of ring \"%s\"", name)));
	if (strcmp(access, "send") != 0 && strcmp(access, "control") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("parameter \"access\" must be \"send\" or \"control\"")));
	values[0] = Int32GetDatum(row.ring_id);
	values[1] = PG_GETARG_DATUM(1);
	values[2] = CStringGetTextDatum(access);
	rk_catalog_open(&catalog);
	rk_run_sql(grant ? "INSERT INTO rk.ring_access VALUES ($1, $2::regrole, $3) ON CONFLICT DO NOTHING" :
			   "DELETE FROM rk.ring_access WHERE ring_id = $1 AND role = $2 AND access = $3", 3, types, values, NULL);
	rk_catalog_close(&catalog);
	/* sessions that know their right ask again; after the commit too, by the host */
	LWLockAcquire(rk_the_region->lock, LW_SHARED);
	ring = rk_directory_find(MyDatabaseId, name, 0);
	if (ring)
		atomic_fetch_add(&ring->access_epoch, 1);
	LWLockRelease(rk_the_region->lock);
	rk_rescan_at_commit();
	PG_RETURN_VOID();
}

/* As ALTER TABLE ... OWNER TO does, for one who is a member of both roles. */
Datum
rk_ring_change_owner(PG_FUNCTION_ARGS)
{
	char	   *name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	Oid			owner = PG_GETARG_OID(1);
	rk_ring_row row;

	PreventCommandIfReadOnly("rk.ring_change_owner()");
	rk_controlled_ring(name, &row);
	if (!has_privs_of_role(GetUserId(), row.owner))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("must be owner of ring \"%s\"", name)));
	/* also an error for a role that is none */
	rk_check_may_be(GetUserId(), owner);
	(void) GetUserNameFromId(owner, false);
	/* the host does everything as the owner that it was started for */
	change_row("UPDATE rk.ring SET owner = $2::oid, restarts = restarts + 1 WHERE ring_id = $1", row.ring_id,
			   ObjectIdGetDatum(owner), OIDOID);
	PG_RETURN_VOID();
}

/* An error where a ring will not change while this transaction goes on. */
static void
check_wait(const char *name)
{
	rk_catalog	catalog;
	Oid			types[] = {TEXTOID};
	Datum		values[] = {CStringGetTextDatum(name)};
	TransactionId xmin = FrozenTransactionId;
	bool		is_null;
	bool		found;

	rk_catalog_open(&catalog);
	PushActiveSnapshot(GetLatestSnapshot());
	if (SPI_execute_with_args("SELECT xmin FROM rk.ring WHERE name = $1", 1, types, values, NULL, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not read rk.ring");
	found = SPI_processed > 0;
	if (found)
		xmin = DatumGetTransactionId(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &is_null));
	PopActiveSnapshot();
	rk_catalog_close(&catalog);
	/* a standby may be behind */
	if (!found && !RecoveryInProgress())
		rk_no_such_ring(name, NULL);
	if (TransactionIdIsCurrentTransactionId(xmin))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("ring \"%s\" changes when this transaction commits", name),
				 errhint("Wait in the next transaction.")));
}

Datum
rk_ring_wait(PG_FUNCTION_ARGS)
{
	char	   *name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	char	   *wanted = text_to_cstring(PG_GETARG_TEXT_PP(1));
	int64		until = rk_now_ns() + rk_interval_span_ms(PG_GETARG_INTERVAL_P(2)) * 1000000;
	bool		known = false;
	bool		checked = false;

	rk_region_required();
	for (int s = 0; s <= RK_RING_FAILED; s++)
		known |= strcmp(rk_ring_state_name(s), wanted) == 0;
	if (!known)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("there is no state \"%s\" of a ring", wanted),
				 errhint("States are launching, restoring, active, suspended, draining, terminating, terminated and failed.")));
	for (;;)
	{
		rk_ring    *ring;
		rk_ring_state state;

		LWLockAcquire(rk_the_region->lock, LW_SHARED);
		ring = rk_directory_find(MyDatabaseId, name, 0);
		state = ring ? ring->state : RK_RING_FREE;
		LWLockRelease(rk_the_region->lock);
		/* not before a restart that has been committed */
		if (strcmp(rk_ring_state_name(state), wanted) == 0 && !(ring && rk_ring_restarts(ring, name)))
			PG_RETURN_BOOL(true);
		if (!checked)
		{
			check_wait(name);
			/* a database that was restored has no host yet */
			if (ring == NULL)
				rk_request_rescan(MyDatabaseId);
		}
		checked = true;
		if (rk_now_ns() > until)
			PG_RETURN_BOOL(false);
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, 5, PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
	}
}

bool
rk_state_may_be_replaced(const char *name, rk_ring_row *row)
{
	rk_catalog	catalog;
	Oid			types[] = {INT4OID};
	Datum		values[] = {Int32GetDatum(row->ring_id)};
	bool		is_null;

	/* nobody resumes or starts it before this transaction has ended; its host may refer to the row */
	rk_catalog_open(&catalog);
	if (rk_run_sql("SELECT desired_state FROM rk.ring WHERE ring_id = $1 FOR NO KEY UPDATE", 1, types, values, NULL) == 1)
		strlcpy(row->desired_state, TextDatumGetCString(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1,
																	   &is_null)), sizeof(row->desired_state));
	rk_catalog_close(&catalog);
	if (strcmp(row->desired_state, "suspended") != 0 || strcmp(current_state(name, row), "suspended") != 0)
	{
		rk_must_be_stopped(name, row, "restored");
		return false;
	}
	/* what it has now can be gone back to, and nothing is left to be written when it restarts */
	(void) send_control(name, RK_CONTROL_CHECKPOINT, 0);
	return true;
}

void
rk_restart_at_commit(const rk_ring_row *row)
{
	change_row("UPDATE rk.ring SET restarts = restarts + 1 WHERE ring_id = $1", row->ring_id, (Datum) 0, InvalidOid);
}

/* Whether a device is a CUDA device; one that is not there is an error. */
static bool
wants_cuda(const char *device, const rk_actor *actor)
{
	rk_catalog	catalog;
	Oid			types[] = {TEXTOID};
	Datum		values[] = {CStringGetTextDatum(device)};
	bool		known;

	if (strcmp(device, "cpu") == 0 || strcmp(device, "auto") == 0)
		return false;
	rk_catalog_open(&catalog);
	known = strcmp(device, "cuda") == 0 || rk_run_sql("SELECT FROM rk.devices WHERE device = $1", 1, types, values, NULL) > 0;
	rk_catalog_close(&catalog);
	if (!known)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("there is no device \"%s\"", device),
				 errhint("SELECT device, usable FROM rk.devices;")));
	if (actor->device == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("a ring of kernel \"%s\" has no form for CUDA devices", actor->kernel)));
	return true;
}

/* Whether a ring's state is on a device now. */
static bool
is_away(const char *name)
{
	rk_ring    *ring;
	bool		away;

	LWLockAcquire(rk_the_region->lock, LW_SHARED);
	ring = rk_directory_find(MyDatabaseId, name, 0);
	away = ring && strcmp(ring->device, "cpu") != 0;
	LWLockRelease(rk_the_region->lock);
	return away;
}

/*
 * rk.ring_replace(name, device): rk.ring_upgrade and rk.ring_migrate.  A
 * checkpoint is written at once, so that a ring that cannot is left alone; then
 * the ring begins with it when the transaction commits.  What is in its queue
 * stays there, and it is suspended if it was.  To a CUDA device and back the
 * state moves at once, and the ring goes on where it was if that fails.
 */
Datum
rk_ring_replace(PG_FUNCTION_ARGS)
{
	char	   *name;
	rk_ring_row row;
	const char *state;
	bool		cuda = false;

	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("parameter \"name\" must not be null")));
	name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	PreventCommandIfReadOnly(PG_ARGISNULL(1) ? "rk.ring_upgrade()" : "rk.ring_migrate()");
	rk_controlled_ring(name, &row);
	state = current_state(name, &row);
	if (!PG_ARGISNULL(1))
		cuda = wants_cuda(text_to_cstring(PG_GETARG_TEXT_PP(1)), rk_ring_kernel(row.kernel));
	if (strcmp(state, "active") != 0 && strcmp(state, "suspended") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("ring \"%s\" must be active or suspended", name),
				 errdetail("Its state is \"%s\".", state)));
	(void) send_control(name, RK_CONTROL_CHECKPOINT, 0);
	if (!PG_ARGISNULL(1))
	{
		char	   *option = cuda ? "cuda" : text_to_cstring(PG_GETARG_TEXT_PP(1));

		change_row("UPDATE rk.ring SET options = options || pg_catalog.jsonb_build_object('device', $2) WHERE ring_id = $1",
				   row.ring_id, CStringGetTextDatum(option), TEXTOID);
	}
	if (cuda || (!PG_ARGISNULL(1) && is_away(name)))
		(void) send_control(name, RK_CONTROL_MOVE, cuda);
	else
		rk_restart_at_commit(&row);
	PG_RETURN_VOID();
}

/* Sends a control message and returns its number. */
static uint64
send_control(const char *name, rk_control what, int64 payload)
{
	rk_ring_handle handle = {0};
	rk_ring_row row;
	rk_ring    *ring;
	rk_outgoing out = {.type_id = what,.flags = RK_SLOT_CONTROL,.priority = RK_PRIORITY_REALTIME,.payload = &payload,.length = sizeof(payload),
	.may_wait = true};
	rk_incoming in;
	uint64		value;

	rk_region_required();
	if (what == RK_CONTROL_CHECKSUM && RecoveryInProgress() && rk_ring_row_read(name, &row))
		check_control(name, &row);
	else if (what != RK_CONTROL_INTAKE || RecoveryInProgress())
		rk_controlled_ring(name, &row);
	/* whoever may send may wait until it has arrived */
	handle.controls = what != RK_CONTROL_INTAKE ||
		(rk_ring_row_read(name, &row) && rk_ring_access(row.ring_id, GetUserId(), "control"));
	rk_send_init();
	ring = rk_ring_find(&handle, name, strlen(name), 0);
	out.deadline_ns = rk_now_ns() + INT64CONST(600000000000);
	rk_call_begin(ring, &handle, &out, &in);
	memcpy(&value, in.data, sizeof(value));
	rk_call_end(&in);
	return value;
}

Datum
rk_ring_checkpoint(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64(send_control(text_to_cstring(PG_GETARG_TEXT_PP(0)), RK_CONTROL_CHECKPOINT, 0));
}

Datum
rk_ring_sync(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64(send_control(text_to_cstring(PG_GETARG_TEXT_PP(0)), RK_CONTROL_INTAKE, 0));
}

Datum
rk_ring_checksum(PG_FUNCTION_ARGS)
{
	uint64		sum = send_control(text_to_cstring(PG_GETARG_TEXT_PP(0)), RK_CONTROL_CHECKSUM, 0);
	bytea	   *result = palloc(VARHDRSZ + sizeof(sum));

	SET_VARSIZE(result, VARHDRSZ + sizeof(sum));
	for (int i = 0; i < 8; i++)
		VARDATA(result)[i] = (char) (sum >> (56 - 8 * i));
	PG_RETURN_BYTEA_P(result);
}

/* ---- views ---- */

/* A quantile of latencies in ns, by place within its power of two. */
static double
quantile(const uint64 *buckets, double share)
{
	uint64		total = 0;
	double		rank;

	for (int i = 0; i < RK_BUCKETS; i++)
		total += buckets[i];
	rank = share * total;
	for (int i = 0; i < RK_BUCKETS; i++)
	{
		if (buckets[i] > 0 && rank <= buckets[i])
			return ldexp(1 + rank / buckets[i], i);
		rank -= buckets[i];
	}
	return 0;
}

Datum
rk_ring_list(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;

	InitMaterializedSRF(fcinfo, 0);
	if (rk_the_region == NULL)
		return (Datum) 0;
	LWLockAcquire(rk_the_region->lock, LW_SHARED);
	for (int i = 0; i < rk_the_region->rings; i++)
	{
		rk_ring    *r = &rk_region_rings()[i];
		Datum		v[40];
		bool		nulls[40] = {0};
		Datum		lanes[RK_WORK_LANES];
		int64		now = rk_now_ns();
		int			n = 0;

		if (r->state == RK_RING_FREE || r->database != MyDatabaseId)
			continue;
		for (int l = 0; l < RK_WORK_LANES; l++)
			lanes[l] = Int32GetDatum(rk_lane_depth(rk_ring_queue(r), l));
		v[n++] = Int32GetDatum(r->ring_id);
		v[n++] = CStringGetTextDatum(rk_ring_state_name(r->state));
		v[n++] = Int32GetDatum(r->epoch);
		v[n++] = Int32GetDatum(rk_region_hosts()[r->host].pid);
		v[n++] = Int64GetDatum(rk_queue_depth(rk_ring_queue(r)));
		v[n++] = Int64GetDatum(r->capacity);
		v[n++] = PointerGetDatum(construct_array(lanes, RK_WORK_LANES, INT4OID, 4, true, TYPALIGN_INT));
		v[n++] = Int64GetDatum(r->processed);
		v[n++] = Int64GetDatum(r->failed);
		v[n++] = Int64GetDatum(r->expired);
		v[n++] = Int64GetDatum(atomic_load(&r->dropped));
		v[n++] = Int64GetDatum(atomic_load(&r->rejected));
		v[n++] = Int64GetDatum(r->dead_lettered);
		v[n++] = Int64GetDatum(r->in_flight != 0);
		v[n++] = Int64GetDatum(r->replies_sent);
		v[n++] = Int64GetDatum(r->replies_dropped);
		nulls[n] = nulls[n + 1] = nulls[n + 2] = r->latency_max == 0;
		v[n++] = Float8GetDatum(r->processed + r->failed + r->expired > 0 ? (double) r->latency_sum /
								(r->processed + r->failed + r->expired) : 0);
		v[n++] = Int64GetDatum(r->latency_min);
		v[n++] = Int64GetDatum(r->latency_max);
		for (int q = 0; q < 4; q++)
		{
			static const double shares[] = {0.5, 0.9, 0.99, 0.999};

			nulls[n] = r->latency_max == 0;
			v[n++] = Float8GetDatum(quantile(r->latency, shares[q]));
		}
		v[n++] = Int64GetDatum(r->bytes);
		v[n++] = Int64GetDatum(r->apply_seq);
		v[n++] = Int64GetDatum(rk_ring_backlog(r));
		nulls[n] = r->checkpoint_at == 0;
		v[n++] = TimestampTzGetDatum(r->checkpoint_at);
		nulls[n] = r->checkpoint_id == 0;
		v[n++] = Int64GetDatum(r->checkpoint_bytes);
		nulls[n] = r->checkpoint_at == 0;
		v[n++] = Int64GetDatum(r->checkpoint_ms);
		v[n++] = Int32GetDatum(r->restarts);
		nulls[n] = r->error_at == 0;
		v[n++] = CStringGetTextDatum(r->error);
		nulls[n] = r->error_at == 0;
		v[n++] = TimestampTzGetDatum(r->error_at);
		nulls[n] = r->started_at == 0;
		v[n++] = TimestampTzGetDatum(r->started_at);
		v[n++] = Float8GetDatum((now - atomic_load(&r->heartbeat_ns)) / 1e9);
		v[n++] = Int64GetDatum(r->memory_bytes);
		v[n++] = BoolGetDatum(r->high_water != 0);
		v[n++] = Int64GetDatum(r->output_seq);
		v[n++] = Int64GetDatum(r->retried);
		v[n++] = CStringGetTextDatum(r->device);
		v[n++] = CStringGetTextDatum(r->device_reason);
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, v, nulls);
	}
	LWLockRelease(rk_the_region->lock);
	return (Datum) 0;
}

/* The entry of the directory as it is, for those who look for a fault. */
Datum
rk_ring_control(PG_FUNCTION_ARGS)
{
	char	   *name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	StringInfoData json;
	rk_ring    *r;

	rk_region_required();
	initStringInfo(&json);
	LWLockAcquire(rk_the_region->lock, LW_SHARED);
	r = rk_directory_find(MyDatabaseId, name, 0);
	if (r == NULL)
	{
		LWLockRelease(rk_the_region->lock);
		PG_RETURN_NULL();
	}
	appendStringInfo(&json, "{\"state\": %u, \"generation\": %u, \"epoch\": %u, \"capacity\": %u, \"mask\": %u, "
					 "\"host\": %d, \"host_pid\": %d, \"in_flight\": %u, \"processed\": %lld, \"replies_sent\": %lld, "
					 "\"replies_dropped\": %lld, \"apply_seq\": %lld, \"logged_seq\": %lld, \"queue_offset\": %zu, "
					 "\"queue_bytes\": %zu, \"output_seq\": %lld, \"journal_backlog\": %lld, \"acting\": %llu, \"stuck\": %s, "
					 "\"suspended\": %s, \"high_water\": %s, \"failures\": %d, \"error_count\": %d, \"heartbeat_ns\": %lld, "
					 "\"lanes\": [",
					 atomic_load(&r->state), atomic_load(&r->generation), atomic_load(&r->epoch), r->capacity,
					 r->capacity - 1, r->host, rk_region_hosts()[r->host].pid, r->in_flight, (long long) r->processed,
					 (long long) r->replies_sent, (long long) r->replies_dropped, (long long) r->apply_seq,
					 (long long) r->logged_seq, r->queue_offset, r->queue_bytes, (long long) r->output_seq,
					 (long long) r->journal_backlog, (unsigned long long) atomic_load(&r->acting),
					 atomic_load(&r->stuck) ? "true" : "false", r->state == RK_RING_SUSPENDED ? "true" : "false",
					 r->high_water ? "true" : "false", r->failures, r->error_count, (long long) atomic_load(&r->heartbeat_ns));
	for (int l = 0; l < RK_LANES; l++)
	{
		rk_lane    *lane = &rk_ring_queue(r)->lanes[l];

		appendStringInfo(&json, "%s{\"head\": %llu, \"tail\": %llu, \"capacity\": %llu}", l ? ", " : "",
						 (unsigned long long) atomic_load(&lane->head), (unsigned long long) atomic_load(&lane->tail),
						 (unsigned long long) lane->capacity);
	}
	LWLockRelease(rk_the_region->lock);
	appendStringInfo(&json, "], \"slab_used\": %llu}", (unsigned long long) rk_slab_used(rk_region_slab()));
	return DirectFunctionCall1(jsonb_in, CStringGetDatum(json.data));
}

static void
fields_json(StringInfo json, const rk_field *fields)
{
	appendStringInfoChar(json, '[');
	for (const rk_field *f = fields; f && f->name; f++)
	{
		appendStringInfo(json, "%s{\"name\": \"%s\", \"type\": \"%s\", \"offset\": %d, \"bytes\": %d, \"required\": %s",
						 f == fields ? "" : ", ", f->name, rk_field_sql_type(f), f->offset, f->size,
						 f->initial ? "false" : "true");
		if (f->choices)
		{
			appendStringInfoString(json, ", \"choices\": {");
			for (int i = 0; f->choices[i]; i++)
				appendStringInfo(json, "%s\"%s\": %d", i ? ", " : "", f->choices[i], f->first_code + i);
			appendStringInfoChar(json, '}');
		}
		appendStringInfoChar(json, '}');
	}
	appendStringInfoChar(json, ']');
}

Datum
rk_message_type_list(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;

	InitMaterializedSRF(fcinfo, 0);
	for (int r = 0; rk_message_rooms[r]; r++)
		for (const rk_message_type *t = rk_message_rooms[r]; t->type_id; t++)
		{
			StringInfoData request;
			StringInfoData reply;
			Datum		v[11];
			bool		nulls[11] = {0};
			const char *slash = strchr(t->kernel, '/');

			initStringInfo(&request);
			initStringInfo(&reply);
			fields_json(&request, t->request);
			if (t->rows)
				appendStringInfoString(&reply, "{\"fields\": ");
			fields_json(&reply, t->reply);
			if (t->rows)
			{
				appendStringInfoString(&reply, ", \"rows\": ");
				fields_json(&reply, t->rows);
				appendStringInfoChar(&reply, '}');
			}
			v[0] = Int32GetDatum(t->type_id);
			v[1] = CStringGetTextDatum(t->name);
			v[2] = PointerGetDatum(cstring_to_text_with_len(t->kernel, slash - t->kernel));
			v[3] = CStringGetTextDatum(t->kernel);
			v[4] = BoolGetDatum(t->mutating);
			v[5] = DirectFunctionCall1(jsonb_in, CStringGetDatum(request.data));
			nulls[6] = t->reply_id == 0;
			v[6] = Int32GetDatum(t->reply_id);
			v[7] = DirectFunctionCall1(jsonb_in, CStringGetDatum(reply.data));
			nulls[8] = t->function == NULL;
			v[8] = t->function ? CStringGetTextDatum(psprintf("rk.%s", t->function)) : (Datum) 0;
			v[9] = CStringGetTextDatum(t->description);
			v[10] = BoolGetDatum(t->published);
			tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, v, nulls);
		}
	return (Datum) 0;
}
