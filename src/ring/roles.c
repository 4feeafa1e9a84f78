/*
 * roles.c
 *	  Roles that own rings, or are named by what belongs to them.
 *
 * PostgreSQL does not let a role go that objects depend on, in any database, and
 * knows of them by pg_shdepend, which has rows for objects of its own catalogs
 * only.  A ring is a row.  So while a row names a role, that role is given a
 * right on the column that has its name: REFERENCES, of which nothing can be
 * made, as no foreign key can refer to a column that is not unique.  The right
 * is an object that all of PostgreSQL understands: DROP ROLE is refused, DROP
 * OWNED takes it back, a dump has it.
 *
 * A trigger keeps it, whoever writes the row.  Two transactions that write rows
 * of one role must not pass each other, the one taking its last row away and the
 * right with it, the other relying on the right: who adds holds the role's lock
 * in share mode, who removes exclusively, both until they end.
 *
 * REASSIGN OWNED and DROP OWNED then do with the rows what they do with objects.
 */
#include "postgres.h"

#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/catalog.h"
#include "catalog/namespace.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "commands/user.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "../compat.h"
#include "catalog.h"
#include "host.h"
#include "send.h"

PG_FUNCTION_INFO_V1(rk_role_row);

/* ---- the right that stands for a row ---- */

/* Whether a role has rights of its own on a column. */
static bool
marked(Oid table, AttrNumber column, Oid role)
{
	HeapTuple	tuple = SearchSysCache2(ATTNUM, ObjectIdGetDatum(table), Int16GetDatum(column));
	Datum		datum;
	bool		is_null;
	bool		found = false;

	if (!HeapTupleIsValid(tuple))
		return false;
	datum = SysCacheGetAttr(ATTNUM, tuple, Anum_pg_attribute_attacl, &is_null);
	if (!is_null)
	{
		Acl		   *acl = DatumGetAclP(datum);

		for (int i = 0; i < ACL_NUM(acl); i++)
			found |= ACL_DAT(acl)[i].ai_grantee == role;
	}
	ReleaseSysCache(tuple);
	return found;
}

/* Grants or revokes it, one transaction at a time, as they write the same row of pg_attribute. */
static void
mark(Relation table, AttrNumber column, Oid role, bool grant)
{
	Oid			id = RelationGetRelid(table);
	char	   *name;

	LockRelationOid(id, ShareUpdateExclusiveLock);
	if (marked(id, column, role) == grant)
		return;
	name = GetUserNameFromId(role, true);
	if (name == NULL)
		return;
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	if (SPI_execute(psprintf("%s REFERENCES (%s) ON %s %s %s", grant ? "GRANT" : "REVOKE",
							 quote_identifier(get_attname(id, column, false)),
							 quote_qualified_identifier(get_namespace_name(RelationGetNamespace(table)),
														RelationGetRelationName(table)),
							 grant ? "TO" : "FROM", quote_identifier(name)), false, 0) < 0)
		elog(ERROR, "could not change the rights on \"%s\"", RelationGetRelationName(table));
	SPI_finish();
}

/* Those that cannot be dropped need no mark; nor does the owner, whom the table itself keeps. */
static bool
may_be_dropped(Relation table, Oid role)
{
	return OidIsValid(role) && role != table->rd_rel->relowner && !IsPinnedObject(AuthIdRelationId, role);
}

static void
role_used(Relation table, AttrNumber column, Oid role)
{
	if (!may_be_dropped(table, role))
		return;
	LockSharedObject(AuthIdRelationId, role, 0, RowShareLock);
	if (!marked(RelationGetRelid(table), column, role))
		mark(table, column, role, true);
}

static void
role_left(Relation table, AttrNumber column, Oid role)
{
	Oid			types[] = {OIDOID};
	Datum		values[] = {ObjectIdGetDatum(role)};
	bool		named;

	if (!may_be_dropped(table, role) || !marked(RelationGetRelid(table), column, role))
		return;
	LockSharedObject(AuthIdRelationId, role, 0, ExclusiveLock);
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	/* without what this command has removed, and with what others have committed */
	CommandCounterIncrement();
	PushActiveSnapshot(GetLatestSnapshot());
	if (SPI_execute_with_args(psprintf("SELECT FROM %s WHERE %s OPERATOR(pg_catalog.=) $1",
									   quote_qualified_identifier(get_namespace_name(RelationGetNamespace(table)),
																  RelationGetRelationName(table)),
									   quote_identifier(get_attname(RelationGetRelid(table), column, false))), 1, types,
							  values, NULL, true, 1) != SPI_OK_SELECT)
		elog(ERROR, "could not read \"%s\"", RelationGetRelationName(table));
	named = SPI_processed > 0;
	PopActiveSnapshot();
	SPI_finish();
	if (!named)
		mark(table, column, role, false);
}

static Oid
role_of(HeapTuple row, TupleDesc desc, AttrNumber column)
{
	bool		is_null;
	Datum		role = heap_getattr(row, column, desc, &is_null);

	return is_null ? InvalidOid : DatumGetObjectId(role);
}

/* Trigger after each row, whose argument is the column that names a role. */
Datum
rk_role_row(PG_FUNCTION_ARGS)
{
	TriggerData *data = (TriggerData *) fcinfo->context;
	Relation	table;
	TupleDesc	desc;
	AttrNumber	column;
	Oid			before = InvalidOid;
	Oid			after = InvalidOid;

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_FOR_ROW(data->tg_event) || data->tg_trigger->tgnargs != 1)
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function rk.role_row() is for triggers of the extension's own tables")));
	table = data->tg_relation;
	desc = RelationGetDescr(table);
	column = get_attnum(RelationGetRelid(table), data->tg_trigger->tgargs[0]);
	if (column <= 0 || TupleDescAttr(desc, column - 1)->atttypid != REGROLEOID)
		elog(ERROR, "relation \"%s\" has no role \"%s\"", RelationGetRelationName(table), data->tg_trigger->tgargs[0]);
	if (TRIGGER_FIRED_BY_INSERT(data->tg_event))
		after = role_of(data->tg_trigtuple, desc, column);
	else
	{
		before = role_of(data->tg_trigtuple, desc, column);
		if (TRIGGER_FIRED_BY_UPDATE(data->tg_event))
			after = role_of(data->tg_newtuple, desc, column);
	}
	if (after != before)
	{
		role_used(table, column, after);
		role_left(table, column, before);
	}
	return PointerGetDatum(NULL);
}

/* ---- commands ---- */

/* Whether this database has rings, and they may be changed here. */
static bool
installed(void)
{
	Oid			schema = get_namespace_oid("rk", true);

	return OidIsValid(schema) && OidIsValid(get_relname_relid("ring", schema)) && !RecoveryInProgress();
}

/* Everything of a role becomes that of another one. */
static void
reassign(Oid role, Oid heir)
{
	static const char *const commands[] = {
		"UPDATE rk.ring SET owner = $2::regrole, restarts = restarts + 1 WHERE owner = $1",
		"UPDATE rk.fanout SET owner = $2::regrole WHERE owner = $1",
		"UPDATE rk.route SET role = $2::regrole WHERE role = $1",
		/* one who has subscribed already keeps that subscription */
		"DELETE FROM rk.subscription s WHERE role = $1 AND EXISTS (SELECT FROM rk.subscription o WHERE o.role = $2 "
		"AND o.pattern = s.pattern AND o.ring_id IS NOT DISTINCT FROM s.ring_id)",
		"UPDATE rk.subscription SET role = $2::regrole WHERE role = $1"
	};
	rk_catalog	catalog;
	Oid			types[] = {OIDOID, OIDOID};
	Datum		values[] = {ObjectIdGetDatum(role), ObjectIdGetDatum(heir)};

	rk_catalog_open(&catalog);
	for (int i = 0; i < lengthof(commands); i++)
		(void) rk_run_sql(commands[i], 2, types, values, NULL);
	rk_catalog_close(&catalog);
}

/* The names of the rings of a role, as a list of C strings. */
static List *
rings_of(Oid role)
{
	rk_catalog	catalog;
	Oid			types[] = {OIDOID};
	Datum		values[] = {ObjectIdGetDatum(role)};
	MemoryContext memory = CurrentMemoryContext;
	MemoryContext old;
	List	   *names = NIL;
	uint64		count;

	rk_catalog_open(&catalog);
	count = rk_run_sql("SELECT name FROM rk.ring WHERE owner = $1 ORDER BY name COLLATE \"C\"", 1, types, values, NULL);
	old = MemoryContextSwitchTo(memory);
	for (uint64 i = 0; i < count; i++)
	{
		bool		is_null;

		names = lappend(names, TextDatumGetCString(SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1, &is_null)));
	}
	MemoryContextSwitchTo(old);
	rk_catalog_close(&catalog);
	return names;
}

/* Removes what a role has: its rings must be stopped. */
static void
drop_owned(Oid role)
{
	static const char *const commands[] = {
		"DELETE FROM rk.ring_access WHERE role = $1",
		"DELETE FROM rk.fanout WHERE owner = $1",
		"DELETE FROM rk.route WHERE role = $1",
		"DELETE FROM rk.subscription WHERE role = $1",
		"DELETE FROM rk.topic_volatile v WHERE NOT EXISTS "
		"(SELECT FROM rk.subscription s WHERE s.subscription_id = v.subscription_id) AND $1 IS NOT NULL"
	};
	rk_catalog	catalog;
	Oid			types[] = {OIDOID};
	Datum		values[] = {ObjectIdGetDatum(role)};
	ListCell   *c;

	foreach(c, rings_of(role))
		DirectFunctionCall1(rk_ring_drop, CStringGetTextDatum((char *) lfirst(c)));
	rk_catalog_open(&catalog);
	for (int i = 0; i < lengthof(commands); i++)
		(void) rk_run_sql(commands[i], 1, types, values, NULL);
	rk_catalog_close(&catalog);
}

void
rk_roles_after_utility(Node *statement)
{
	ListCell   *c;

	if (!(IsA(statement, ReassignOwnedStmt) || IsA(statement, DropOwnedStmt)) || !installed())
		return;
	CommandCounterIncrement();
	if (IsA(statement, ReassignOwnedStmt))
	{
		ReassignOwnedStmt *s = (ReassignOwnedStmt *) statement;
		Oid			heir = get_rolespec_oid(s->newrole, false);

		foreach(c, roleSpecsToIds(s->roles))
			if (lfirst_oid(c) != heir)
				reassign(lfirst_oid(c), heir);
	}
	else
		foreach(c, roleSpecsToIds(((DropOwnedStmt *) statement)->roles))
			drop_owned(lfirst_oid(c));
	rk_routes_changed();
	rk_rescan_at_commit();
}

char *
rk_roles_drop_hint(Node *statement)
{
	StringInfoData hint;
	ListCell   *c;

	if (!IsA(statement, DropRoleStmt) || !installed())
		return NULL;
	initStringInfo(&hint);
	foreach(c, ((DropRoleStmt *) statement)->roles)
	{
		RoleSpec   *spec = lfirst_node(RoleSpec, c);
		Oid			role = spec->roletype == ROLESPEC_CSTRING ? get_role_oid(spec->rolename, true) : InvalidOid;
		List	   *rings = OidIsValid(role) ? rings_of(role) : NIL;
		ListCell   *r;

		if (rings == NIL)
			continue;
		appendStringInfo(&hint, "%sRole \"%s\" owns the ring%s ", hint.len ? " " : "", spec->rolename,
						 list_length(rings) > 1 ? "s" : "");
		foreach(r, rings)
			appendStringInfo(&hint, "%s%s", foreach_current_index(r) ? ", " : "", quote_identifier(lfirst(r)));
		appendStringInfo(&hint, ": REASSIGN OWNED BY %s TO CURRENT_USER;", quote_identifier(spec->rolename));
	}
	return hint.len ? hint.data : NULL;
}

void
rk_roles_drop_context(void *hint)
{
	if (hint && geterrcode() == ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST)
		errhint("%s", (char *) hint);
}
