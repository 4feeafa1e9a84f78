/*
 * names.h
 *	  Names of assets and obligors in the state of an actor, numbered from 0.
 *
 * A name has at most RK_NAME_BYTES bytes, padded with zeros as in a message:
 * enough for a ticker, an ISIN, an IBAN or the text of a number or a uuid.  An
 * open-addressing table finds its number in O(1).
 */
#ifndef RK_RING_NAMES_H
#define RK_RING_NAMES_H

#include "../compute/ctx.h"
#include "message.h"

#define RK_NAME_BYTES 40
#define RK_NO_NAME UINT32_MAX

typedef struct rk_name
{
	char		text[RK_NAME_BYTES];
} rk_name;

/* All zeros: empty. */
typedef struct rk_names
{
	rk_name    *name;			/* by number */
	uint32_t   *slots;			/* number + 1; 0: free */
	uint32_t	count;
	uint32_t	capacity;
	uint32_t	slot_count;		/* a power of 2, at least twice the capacity */
} rk_names;

/* A hash of the bytes of a name. */
extern uint64_t rk_name_hash(const char *text);

/* The number of a name, or RK_NO_NAME. */
extern uint32_t rk_names_find(const rk_names *names, const char *text);

/* Makes room for one more, or so many, so that rk_names_add cannot fail. */
extern rk_status rk_names_reserve(rk_ctx *ctx, rk_names *names);
extern rk_status rk_names_reserve_more(rk_ctx *ctx, rk_names *names, uint32_t more);

/*
 * Makes an array by number, of elements of this size, as large as names are; it
 * has *room elements.
 */
extern rk_status rk_names_reserve_list(rk_ctx *ctx, const rk_names *names, void **list, uint32_t *room, size_t size);

/* Adds a name that is not there; its number is the count before. */
extern uint32_t rk_names_add(rk_names *names, const char *text);

/* Removes a name; the last one takes its number. */
extern void rk_names_remove(rk_names *names, uint32_t i);

/* Removes all; the memory stays. */
extern void rk_names_clear(rk_names *names);

/*
 * The name that an id of a message is: its text, whatever it was sent as.  Fails
 * when there is none, or when it is longer than RK_NAME_BYTES.
 */
extern rk_status rk_name_of_id(rk_ctx *ctx, const char *field, const rk_id *id, rk_name *name);

/* Fails when a field of a message holds no name. */
extern rk_status rk_name_check(rk_ctx *ctx, const char *field, const char *text);

#endif							/* RK_RING_NAMES_H */
