/*
 * core_payloads.h
 *	  The payloads of core/echo.
 */
#ifndef RK_CORE_PAYLOADS_H
#define RK_CORE_PAYLOADS_H

#include <stdint.h>

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

#endif							/* RK_CORE_PAYLOADS_H */
