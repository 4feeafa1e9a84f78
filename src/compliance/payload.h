/*
 * payload.h
 *	  Times and amounts between the messages of the rings of compliance and
 *	  their states, which count microseconds.
 */
#ifndef RK_COMPLIANCE_PAYLOAD_H
#define RK_COMPLIANCE_PAYLOAD_H

#include "../compute/decimal.h"
#include "../ring/actor.h"

/* Microseconds of the nanoseconds in a message, rounded down. */
static inline int64_t
rk_us_of_ns(int64_t ns)
{
	return ns / 1000 - (ns % 1000 < 0);
}

/* A moment moved by a span, which may be negative; the ends of time stay where they are. */
static inline int64_t
rk_moved(int64_t ts, int64_t span)
{
	int64_t		sum;

	return __builtin_add_overflow(ts, span, &sum) ? (span < 0 ? INT64_MIN : INT64_MAX) : sum;
}

/* A sum of amounts as a field of a message; absent: it is beyond what one holds. */
static inline int64_t
rk_fixed_or_absent(rk_decimal value)
{
	return value >= INT64_MAX ? RK_FIELD_ABSENT_INT8 : (int64_t) value;
}

/* Makes room for more than the capacity items of an array; what says what there are too many of. */
static inline rk_status
rk_grow_array(rk_ctx *ctx, void **array, int32_t *capacity, int32_t first, size_t size, const char *what)
{
	int64_t		larger = *capacity ? 2 * (int64_t) *capacity : first;
	void	   *p;

	if (larger > INT32_MAX)
		return rk_fail(ctx, RK_ERR_LIMIT, "too many %s", what);
	p = *array ? rk_realloc(ctx, *array, larger, size) : rk_alloc(ctx, larger, size);
	if (p == NULL)
		return RK_ERR_MEMORY;
	*array = p;
	*capacity = (int32_t) larger;
	return RK_OK;
}

#endif							/* RK_COMPLIANCE_PAYLOAD_H */
