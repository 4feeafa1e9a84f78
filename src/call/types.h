/*
 * types.h
 *	  The descriptor's types as PostgreSQL's, and values between the two.
 */
#ifndef RK_TYPES_H
#define RK_TYPES_H

#include "postgres.h"

#include "access/tupdesc.h"

#include "../compute/aggregate.h"
#include "descriptor.h"

/* The type of a parameter or column; id and id2 are the types of ids. */
extern Oid	rk_type_oid(rk_type type, Oid id, Oid id2);

/* numeric to an exact decimal; what is "not" it (NaN, too many digits), or NULL. */
extern const char *rk_numeric_to_amount(Datum value, rk_amount *amount);
extern Datum rk_amount_to_numeric(rk_amount amount);

/* The same from the bytes of a numeric without its header of length. */
extern const char *rk_numeric_bytes_to_amount(const char *data, int length, rk_amount *amount);

/* Microseconds of an interval, a day being 24 hours; false if it has months. */
extern bool rk_interval_to_us(Datum value, int64 *us);
extern Datum rk_us_to_interval(int64 us);

/*
 * An argument as a kernel's value.  name says which, for errors.  type_oid is
 * the real type (ids).  Memory is that of the current context.
 */
extern rk_value rk_value_of_datum(const rk_param *param, Oid type_oid, Datum datum, bool is_null);

/* A kernel's value as a Datum of this type; text is UTF-8-agnostic bytes. */
extern Datum rk_datum_of_value(rk_type type, Oid type_oid, const rk_value *value);

/* The columns of a function's result as a row type, registered. */
extern TupleDesc rk_result_desc(const rk_function *function, Oid id, Oid id2);

#endif							/* RK_TYPES_H */
