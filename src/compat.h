/*
 * compat.h
 *	  The differences between PostgreSQL 15 to 18, in one place.
 */
#ifndef RK_COMPAT_H
#define RK_COMPAT_H

#include "executor/executor.h"
#include "common/jsonapi.h"
#include "mb/pg_wchar.h"

/* The macros of variable-length values have a header of their own from 16 on. */
#if PG_VERSION_NUM >= 160000
#include "varatt.h"
#endif

/* ExecutorRun lost execute_once in 18. */
#if PG_VERSION_NUM >= 180000
#define rk_executor_run(desc) ExecutorRun((desc), ForwardScanDirection, 0)
#else
#define rk_executor_run(desc) ExecutorRun((desc), ForwardScanDirection, 0, true)
#endif

/* old_snapshot_threshold is gone since 17: pages need no check before they are read. */
#if PG_VERSION_NUM >= 170000
#define rk_test_for_old_snapshot(snapshot, rel, page) ((void) 0)
#else
#define rk_test_for_old_snapshot(snapshot, rel, page) \
	TestForOldSnapshot((snapshot), (rel), (page))
#endif

/* The lexer's constructor took its context as an argument from 17 on. */
#if PG_VERSION_NUM >= 170000
#define rk_json_lexer(text, length) \
	makeJsonLexContextCstringLen(NULL, (text), (length), GetDatabaseEncoding(), true)
#else
#define rk_json_lexer(text, length) \
	makeJsonLexContextCstringLen((text), (length), GetDatabaseEncoding(), true)
#endif

/* Its callbacks return a result from 16 on. */
#if PG_VERSION_NUM >= 160000
#define RK_JSON_ACTION JsonParseErrorType
#define RK_JSON_DONE return JSON_SUCCESS
#else
#define RK_JSON_ACTION void
#define RK_JSON_DONE return
#endif

/* Number of backend slots and one's own: proc numbers since 17. */
#if PG_VERSION_NUM >= 170000
#include "storage/procnumber.h"
#define rk_my_slot() (MyProcNumber)
#else
#include "storage/backendid.h"
#define rk_my_slot() (MyBackendId - 1)
#endif

/* One's own number among the procs, which finds the latch. */
#if PG_VERSION_NUM >= 170000
#define rk_my_proc() (MyProcNumber)
#else
#define rk_my_proc() (MyProc->pgprocno)
#endif

/* What a check hook allocates. */
#if PG_VERSION_NUM >= 160000
#define rk_guc_malloc(size) guc_malloc(LOG, (size))
#else
#define rk_guc_malloc(size) malloc(size)
#endif

/* Whether a role may do with a database what its owner may. */
#include "catalog/pg_database.h"
#include "utils/acl.h"
#if PG_VERSION_NUM >= 160000
#define rk_database_owner(database, role) object_ownercheck(DatabaseRelationId, (database), (role))
#else
#define rk_database_owner(database, role) pg_database_ownercheck((database), (role))
#endif

/* Whether a role may call a function. */
#include "catalog/pg_proc.h"
#if PG_VERSION_NUM >= 160000
#define rk_function_aclcheck(function, role) object_aclcheck(ProcedureRelationId, (function), (role), ACL_EXECUTE)
#else
#define rk_function_aclcheck(function, role) pg_proc_aclcheck((function), (role), ACL_EXECUTE)
#endif

/* Whether somebody may act as a role: membership alone was not enough from 16 on. */
#if PG_VERSION_NUM >= 160000
#define rk_check_may_be(member, role) check_can_set_role((member), (role))
#else
#define rk_check_may_be(member, role) check_is_member_of_role((member), (role))
#endif

#endif							/* RK_COMPAT_H */
