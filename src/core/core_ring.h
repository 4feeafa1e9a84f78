/*
 * core_ring.h
 *	  The payloads of core/echo and core/fault.
 */
#ifndef RK_CORE_RING_H
#define RK_CORE_RING_H

#include "../ring/actor.h"

typedef struct rk_echo_request
{
	int64_t		value;
} rk_echo_request;

typedef struct rk_echo_reply
{
	int64_t		value;
} rk_echo_reply;

typedef struct rk_echo_add_request
{
	int64_t		amount;
} rk_echo_add_request;

typedef struct rk_echo_total_request
{
	int64_t		min_messages;	/* answer when so many were added up */
} rk_echo_total_request;

typedef struct rk_echo_total_reply
{
	int64_t		total;
	int64_t		messages;		/* that were added up */
	int64_t		sent_at;		/* of the last of them; 0: none yet */
} rk_echo_total_reply;

typedef struct rk_echo_pass_request
{
	int64_t		amount;
	char		next[56];		/* ring that gets the message after this one */
	char		after[56];		/* and the one after that */
} rk_echo_pass_request;

/* Published with every amount. */
typedef struct rk_echo_added
{
	int64_t		amount;
	int64_t		total;			/* after it */
	int64_t		messages;
} rk_echo_added;

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
