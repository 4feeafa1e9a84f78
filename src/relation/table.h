/*
 * table.h
 *	  A relation argument as typed columns in memory.
 *
 * The descriptor's relation says which columns there are, which must be there,
 * which values are permitted; all of that is checked while reading, and an
 * error names the row.  How a column arrives:
 *
 *	  type							member
 *	  FLOAT8						floats; NULL is NaN
 *	  INT4, INT8					ints
 *	  BOOLEAN						booleans
 *	  TEXT							texts; with choices: ints, the position among them
 *	  NUMERIC						decimals, with the column's scale
 *	  ID, ID2						codes, after rk_tables_number; NULL is RK_NO_NODE
 *	  TIMESTAMPTZ					ints: microseconds since 2000-01-01 UTC
 *	  DATE							ints: days since 2000-01-01
 *	  INTERVAL						ints: microseconds, a day being 24 hours
 *	  JSONB							datums
 *	  FLOAT8_ARRAY, INT8_ARRAY,		offsets[rows + 1] into floats, ints, texts
 *	  INT4_ARRAY, TEXT_ARRAY
 *
 * A relation that the descriptor calls open may have further columns of
 * numbers: they follow the described ones as FLOAT8.  Memory comes from
 * rk_alloc and lives as long as the call.
 */
#ifndef RK_TABLE_H
#define RK_TABLE_H

#include "../call/call.h"
#include "ids.h"

typedef struct rk_table_column
{
	const rk_relation_column *what;
	bool		there;
	const char *name;			/* as found */
	Oid			type;			/* as found */
	bool	   *nulls;			/* NULL: no value is */
	double	   *floats;
	int64	   *ints;
	bool	   *booleans;
	rk_bytes   *texts;
	rk_decimal *decimals;
	int			scale;
	Datum	   *datums;
	int64	   *offsets;
	uint32	   *codes;
	struct rk_column_state *state;	/* while reading */
} rk_table_column;

typedef struct rk_table
{
	rk_call    *call;
	const char *argument;
	const rk_relation *relation;
	struct rk_source *source;
	int64		rows;
	int			count;			/* columns, those of an open relation included */
	int			described;		/* of them in the descriptor */
	rk_table_column *columns;
} rk_table;

/*
 * Reads the relation given as this parameter; NULL when the argument is NULL.
 * Ids are numbered by rk_tables_number, those of all relations of the call
 * together, in the order of the ids, RK_TYPE_ID and RK_TYPE_ID2 apart.
 */
extern rk_table *rk_table_read(rk_call *call, const char *param);
extern void rk_tables_number(rk_call *call);

/* The same for rows that are part of an argument; argument is what errors call them. */
extern rk_table *rk_table_read_text(rk_call *call, const char *argument, const rk_relation *relation,
									const char *text);

/* Both, for a kernel with one relation. */
extern rk_table *rk_read_table(rk_call *call, const char *param);

/* The ids of a kind; NULL when no column of it was there. */
extern rk_ids *rk_table_ids(const rk_call *call, rk_type kind);

/* A column by its name in the descriptor; an unknown name is a bug. */
extern rk_table_column *rk_table_column_named(const rk_table *table, const char *name);

/* True when the column is there and row i is not NULL. */
static inline bool
rk_has_value(const rk_table_column *c, int64 i)
{
	return c->there && !(c->nulls && c->nulls[i]);
}

/* Raises the error of a value (22023): "column ... is <what> in row ...". */
extern void rk_table_bad_value(const rk_table *table, const rk_table_column *column, int64 row,
							   const char *what) __attribute__((noreturn));

/*
 * The row of each id of a table whose column id is a key, -1 for ids that are
 * none of its; an id that comes twice is an error (22023).  What an id is
 * called in it: "position".  After rk_tables_number.
 */
extern int64 *rk_table_places(rk_call *call, const rk_table *table, const rk_ids *ids, const char *what);

/* Raises the error of a row that names an id without a place (22023). */
extern void rk_table_unknown_id(const rk_table *table, const rk_table_column *column, int64 row, const rk_ids *ids,
								const char *what) __attribute__((noreturn));

/* The exact sum of a column of amounts without NULLs. */
extern rk_amount rk_table_sum(const rk_table *table, const rk_table_column *column);

/* Rows by key: series per instrument, events per case. */
typedef struct rk_groups
{
	int64		count;			/* groups, none of them empty, in the order of the ids */
	int64	   *offsets;		/* [count + 1] into rows */
	int64	   *rows;			/* row numbers, from 0 */
	uint32	   *codes;			/* the key of each group; NULL when there is no key */
	rk_ids	   *ids;
} rk_groups;

/*
 * Groups the rows by an id column (NULL, or a column that is not there: one
 * group) and orders each group by a column of ints (NULL: as read), ties as
 * read.  After rk_tables_number.
 */
extern rk_groups *rk_table_group(rk_table *table, const char *key, const char *order_by);

/* Values in the order of the groups' rows. */
extern double *rk_gather_floats(rk_call *call, const rk_groups *groups, const double *values);
extern int64 *rk_gather_ints(rk_call *call, const rk_groups *groups, const int64 *values);

#endif							/* RK_TABLE_H */
