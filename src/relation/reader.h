/*
 * reader.h
 *	  Runs a relation argument and hands its rows on as typed columns.
 */
#ifndef RK_READER_H
#define RK_READER_H

#include "../compute/dense.h"
#include "source.h"

/* How the values of a column are delivered. */
typedef enum rk_read_kind
{
	RK_READ_INT64,				/* int2, int4, int8, date, timestamps */
	RK_READ_FLOAT8,				/* any number */
	RK_READ_BYTES,				/* text, uuid: bytes, valid during the call */
	RK_READ_DATUM				/* anything else, valid during the call */
} rk_read_kind;

typedef struct rk_read_column
{
	int			attno;			/* in the source's rows */
	Oid			type;			/* of the source's column */
	rk_read_kind kind;
} rk_read_column;

/* One column of some rows; the member that kind says is set. */
typedef struct rk_vector
{
	int64	   *ints;
	double	   *floats;
	rk_bytes   *bytes;
	Datum	   *datums;
	bool	   *nulls;
	bool		any_null;		/* else nulls is not filled in */
} rk_vector;

typedef struct rk_batch
{
	int			rows;
	int64		first_row;		/* number of the first row, from 1 */
	rk_vector  *columns;
} rk_batch;

typedef void (*rk_batch_fn) (void *arg, const rk_batch *batch);

/* The way in which ids of a type are delivered. */
extern rk_read_kind rk_read_kind_of_id(Oid type);

/*
 * Runs the source and calls fn for some rows at a time (up to 1024), in the
 * caller's snapshot.  progress, if not NULL, is called with the number of rows
 * so far.  Returns the number of rows.
 */
extern int64 rk_read(rk_source *source, const rk_read_column *columns, int count,
					 rk_batch_fn fn, void *arg, void (*progress) (void *arg, int64 rows),
					 void *progress_arg);

/* For tests: whether rk_read may use the page loop (rk.page_loop). */
extern bool rk_page_loop;

/* numeric to double, correctly rounded; NaN and infinities as such. */
extern double rk_numeric_to_double(Datum value);

/* A number of any of the types of rk_is_number_type. */
extern double rk_number_to_double(Datum value, Oid type);
extern Datum rk_number_to_numeric(Datum value, Oid type);
/*
 * numeric as a whole number of 1e-8, halves rounded away from zero; false when
 * that is out of range or no number.
 */
extern bool rk_numeric_to_fixed(Datum value, int64 *result);

#endif							/* RK_READER_H */
