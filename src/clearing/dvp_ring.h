/*
 * dvp_ring.h
 *	  The payloads of clearing/dvp-matching as an actor.
 */
#ifndef RK_DVP_RING_H
#define RK_DVP_RING_H

#include "../ring/keys.h"
#include "clearing.h"

#define RK_DVP_SECURITY_BYTES 24

typedef struct rk_dvp_submit_request
{
	_Alignas(8) rk_id instruction_id;
	rk_id		deliverer;
	rk_id		receiver;
	int64_t		quantity;
	int64_t		amount;
	int32_t		settlement_date;
	int16_t		side;
	char		currency[3];
	char		reference[16];
	char		security_id[RK_DVP_SECURITY_BYTES];
} rk_dvp_submit_request;

typedef struct rk_dvp_id_request
{
	_Alignas(8) rk_id instruction_id;
	bool		hold;			/* DvpHold */
} rk_dvp_id_request;

typedef struct rk_dvp_reply
{
	int64_t		match_id;
	int64_t		confidence;
	rk_id		counter_instruction_id;
	int16_t		status;
	int16_t		known;			/* DvpQuery; 0: there is such an instruction */
} rk_dvp_reply;

typedef struct rk_dvp_success_reply
{
	int16_t		status;
	bool		success;
	char		unused[5];
} rk_dvp_success_reply;

typedef struct rk_dvp_unmatched_request
{
	char		security_id[RK_DVP_SECURITY_BYTES];
	int32_t		settlement_date;
	int32_t		max_rows;
} rk_dvp_unmatched_request;

typedef struct rk_dvp_unmatched_reply
{
	int64_t		total_count;
} rk_dvp_unmatched_reply;

/* Published: two instructions were matched. */
typedef struct rk_dvp_pair
{
	int64_t		match_id;
	rk_id		delivery_id;
	rk_id		receipt_id;
	int64_t		confidence;
	int64_t		quantity;
	int64_t		amount;
	int64_t		amount_difference;
} rk_dvp_pair;

typedef struct rk_dvp_match_request
{
	int64_t		match_id;
} rk_dvp_match_request;

typedef struct rk_dvp_status_reply
{
	int16_t		status;
	char		unused[6];
} rk_dvp_status_reply;

#endif							/* RK_DVP_RING_H */
