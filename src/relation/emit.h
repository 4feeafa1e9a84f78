/*
 * emit.h
 *	  Result columns as rows.
 */
#ifndef RK_EMIT_H
#define RK_EMIT_H

#include "../call/call.h"
#include "ids.h"

typedef enum rk_out_kind
{
	RK_OUT_ID,
	RK_OUT_FLOAT8,
	RK_OUT_INT8,
	RK_OUT_NULL
} rk_out_kind;

/* One result column: an array with one entry a row. */
typedef struct rk_out
{
	rk_out_kind kind;
	const void *data;
	const rk_ids *ids;
} rk_out;

/* The node with the row's number. */
#define RK_OUT_NODES(of_ids) ((rk_out) {RK_OUT_ID, NULL, (of_ids)})
/* The node codes[row]; NULL where that is RK_NO_NODE. */
#define RK_OUT_CODES(of_ids, codes) ((rk_out) {RK_OUT_ID, (codes), (of_ids)})
#define RK_OUT_DOUBLES(values) ((rk_out) {RK_OUT_FLOAT8, (values), NULL})
/* int64; NULL where negative */
#define RK_OUT_INTS(values) ((rk_out) {RK_OUT_INT8, (values), NULL})
#define RK_OUT_NULLS ((rk_out) {RK_OUT_NULL, NULL, NULL})

/*
 * Adds rows to the result; columns in the order of the descriptor.  keep, if
 * not NULL, says which rows are emitted.
 */
extern void rk_emit(rk_call *call, int64 rows, const rk_out *columns, const bool *keep);

/* Adds one row of Datums. */
extern void rk_emit_row(rk_call *call, Datum *values, bool *nulls);

/*
 * Tells the call what ids the data has: checks them against what the caller
 * expects (42804 with the call that works) and, for rk.execute, decides the
 * type of the id columns.
 */
extern void rk_set_id_type(rk_call *call, Oid type);

/* The type that ids are emitted as. */
extern Oid	rk_emitted_id_type(const rk_call *call);

#endif							/* RK_EMIT_H */
