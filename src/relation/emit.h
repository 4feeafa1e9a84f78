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
	RK_OUT_ID,					/* uint32 data: nodes; none: the row's number */
	RK_OUT_FLOAT8,				/* double data */
	RK_OUT_INT8,				/* int64 data; NULL where negative */
	RK_OUT_UINT32,				/* uint32 data, as bigint */
	RK_OUT_INT4,				/* int64 data, as integer */
	RK_OUT_OPTIONAL,			/* double data; NULL where NaN */
	RK_OUT_BOOLEAN,				/* bool data */
	RK_OUT_TEXT,				/* rk_bytes data; NULL where data is NULL */
	RK_OUT_CHOICE,				/* int64 data: position in names; NULL where negative */
	RK_OUT_TIME,				/* int64 data: timestamptz in microseconds; NULL if RK_NO_TIME */
	RK_OUT_DATE,				/* int64 data: days; NULL if RK_NO_TIME */
	RK_OUT_INTERVAL,			/* int64 data: microseconds; NULL if RK_NO_TIME */
	RK_OUT_DECIMAL,				/* rk_decimal data of one scale */
	RK_OUT_FLOAT8_ARRAY,		/* double data; row i has offsets[i] .. offsets[i + 1] */
	RK_OUT_INT8_ARRAY,			/* int64 data, likewise */
	RK_OUT_INT4_ARRAY,			/* int64 data, likewise */
	RK_OUT_TEXT_ARRAY,			/* rk_bytes data, likewise */
	RK_OUT_ID_ARRAY,			/* uint32 data: nodes, likewise */
	RK_OUT_COMPUTED,			/* fn(arg, row) */
	RK_OUT_NULL
} rk_out_kind;

#define RK_NO_TIME INT64_MIN

/* A value that is made when its row is written; *is_null is false before. */
typedef Datum (*rk_out_fn) (void *arg, int64 row, bool *is_null);

/* One result column: an array with one entry a row. */
typedef struct rk_out
{
	rk_out_kind kind;
	const void *data;
	const uint32 *index;		/* row i has data[index[i]]; NULL: data[i] */
	const rk_ids *ids;
	rk_out_fn	fn;
	void	   *arg;
	const bool *nulls;			/* row i is NULL where nulls[i]; NULL: as kind says */
	const int64 *offsets;		/* of arrays */
	const char *const *names;	/* of RK_OUT_CHOICE */
	int			scale;			/* of RK_OUT_DECIMAL */
} rk_out;

/* The node with the row's number. */
#define RK_OUT_NODES(of_ids) ((rk_out) {.kind = RK_OUT_ID, .ids = (of_ids)})
/* The node codes[row]; NULL where that is RK_NO_NODE. */
#define RK_OUT_CODES(of_ids, codes) ((rk_out) {.kind = RK_OUT_ID, .data = (codes), .ids = (of_ids)})
#define RK_OUT_CODES_VIA(of_ids, codes, via) \
	((rk_out) {.kind = RK_OUT_ID, .data = (codes), .index = (via), .ids = (of_ids)})
#define RK_OUT_DOUBLES(values) ((rk_out) {.kind = RK_OUT_FLOAT8, .data = (values)})
#define RK_OUT_INTS(values) ((rk_out) {.kind = RK_OUT_INT8, .data = (values)})
#define RK_OUT_UINTS(values) ((rk_out) {.kind = RK_OUT_UINT32, .data = (values)})
#define RK_OUT_UINTS_VIA(values, via) \
	((rk_out) {.kind = RK_OUT_UINT32, .data = (values), .index = (via)})
#define RK_OUT_CALL(function, argument) \
	((rk_out) {.kind = RK_OUT_COMPUTED, .fn = (function), .arg = (argument)})
#define RK_OUT_INT4S(values) ((rk_out) {.kind = RK_OUT_INT4, .data = (values)})
#define RK_OUT_OPTIONALS(values) ((rk_out) {.kind = RK_OUT_OPTIONAL, .data = (values)})
#define RK_OUT_BOOLEANS(values) ((rk_out) {.kind = RK_OUT_BOOLEAN, .data = (values)})
#define RK_OUT_TEXTS(values) ((rk_out) {.kind = RK_OUT_TEXT, .data = (values)})
#define RK_OUT_CHOICES(values, of) ((rk_out) {.kind = RK_OUT_CHOICE, .data = (values), .names = (of)})
#define RK_OUT_TIMES(values) ((rk_out) {.kind = RK_OUT_TIME, .data = (values)})
#define RK_OUT_DATES(values) ((rk_out) {.kind = RK_OUT_DATE, .data = (values)})
#define RK_OUT_INTERVALS(values) ((rk_out) {.kind = RK_OUT_INTERVAL, .data = (values)})
#define RK_OUT_DECIMALS(values, of_scale) \
	((rk_out) {.kind = RK_OUT_DECIMAL, .data = (values), .scale = (of_scale)})
/* Arrays: values and where those of each row start. */
#define RK_OUT_ARRAYS(of_kind, values, starts) \
	((rk_out) {.kind = (of_kind), .data = (values), .offsets = (starts)})
#define RK_OUT_ID_ARRAYS(of_ids, nodes, starts) \
	((rk_out) {.kind = RK_OUT_ID_ARRAY, .data = (nodes), .offsets = (starts), .ids = (of_ids)})
#define RK_OUT_NULLS ((rk_out) {.kind = RK_OUT_NULL})

/*
 * Adds rows to the result; columns in the order of the descriptor.  keep, if
 * not NULL, says which rows are emitted.
 */
extern void rk_emit(rk_call *call, int64 rows, const rk_out *columns, const bool *keep);

/* Adds one row of Datums; for a scalar it is the result. */
extern void rk_emit_row(rk_call *call, Datum *values, bool *nulls);

/* A count that may be beyond bigint, as numeric (numeric.c). */
extern Datum rk_uint128_numeric(unsigned __int128 value);

/* Nodes as an array of ids. */
extern Datum rk_id_array(const rk_ids *ids, const uint32 *nodes, int64 count, Oid type);

/*
 * Tells the call what ids the data has: checks them against what the caller
 * expects (42804 with the call that works) and, for rk.execute, decides the
 * type of the id columns.
 */
extern void rk_set_id_type(rk_call *call, Oid type);

/* The same for the second kind of ids. */
extern void rk_set_second_id_type(rk_call *call, Oid type);

/* The type that ids are emitted as. */
extern Oid	rk_emitted_id_type(const rk_call *call);
extern Oid	rk_emitted_second_id_type(const rk_call *call);

/* The row type of the result; made here when the caller did not say it. */
extern void rk_result_ready(rk_call *call);

#endif							/* RK_EMIT_H */
