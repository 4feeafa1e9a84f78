/*
 * core_ring.h
 *	  core/echo and core/fault, for their actors and messages.
 */
#ifndef RK_CORE_RING_H
#define RK_CORE_RING_H

#include "../ring/actor.h"
#include "core_payloads.h"

/* What core/fault is to do. */
typedef enum rk_fault
{
	RK_FAULT_NONE,
	RK_FAULT_DATA,				/* refuse the message */
	RK_FAULT_OVERFLOW,
	RK_FAULT_MEMORY,			/* say that there is no memory */
	RK_FAULT_ALLOCATE,			/* ask for amount bytes */
	RK_FAULT_SLEEP,				/* for amount ms */
	RK_FAULT_HANG,				/* the same without looking whether to stop */
	RK_FAULT_EXIT,				/* end the process */
	RK_FAULT_CRASH				/* kill it */
} rk_fault;

typedef struct rk_fault_request
{
	int16_t		kind;
	int32_t		attempts;		/* so many fail; 0: all */
	int64_t		amount;
	char		message[80];
	char		detail[80];
	char		hint[80];
} rk_fault_request;

typedef struct rk_fault_count_reply
{
	int64_t		handled;
} rk_fault_count_reply;

#endif							/* RK_CORE_RING_H */
