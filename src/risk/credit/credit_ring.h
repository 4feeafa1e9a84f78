/*
 * credit_ring.h
 *	  The payloads of the actor of credit scoring.
 */
#ifndef RK_CREDIT_RING_H
#define RK_CREDIT_RING_H

#include "../risk_ring.h"

typedef struct rk_obligor_request
{
	char		obligor[RK_NAME_BYTES];
	double		pd;
	double		lgd;
	int64_t		ead;
	double		maturity;
	double		sales;			/* NaN: not given */
	double		best_estimate_loss;	/* NaN: not given */
	int16_t		asset_class;	/* rk_asset_class */
} rk_obligor_request;

typedef struct rk_obligor_reply
{
	int64_t		expected_loss;
	int64_t		rwa;
	double		risk_weight;
} rk_obligor_reply;

typedef struct rk_credit_totals_reply
{
	int64_t		ead;
	int64_t		expected_loss;
	int64_t		rwa;
	int64_t		count;
} rk_credit_totals_reply;

typedef struct rk_obligor_name
{
	char		obligor[RK_NAME_BYTES];
} rk_obligor_name;

#endif							/* RK_CREDIT_RING_H */
