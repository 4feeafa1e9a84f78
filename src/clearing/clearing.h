/*
 * clearing.h
 *	  Clearing: which delivery belongs to which receipt.
 *
 * Two instructions are a pair when they name the same security, currency and
 * day of settlement (their block), the same two parties, and quantities and
 * amounts that are close enough: the matching fields of T2S and ECSDA.
 * Quantities and amounts are whole numbers of a unit that the caller chooses,
 * exact in 128 bits; only the closeness is a floating-point number.
 */
#ifndef RK_CLEARING_CLEARING_H
#define RK_CLEARING_CLEARING_H

#include "../compute/ctx.h"
#include "../compute/decimal.h"

#define RK_DVP_NONE INT64_MIN	/* a trade date that is not given */
#define RK_DVP_ALONE UINT32_MAX	/* the partner of an instruction without one */

typedef enum rk_dvp_side
{
	RK_DVP_DELIVER,
	RK_DVP_RECEIVE
} rk_dvp_side;

typedef enum rk_dvp_status
{
	RK_DVP_PENDING,
	RK_DVP_MATCHED,
	RK_DVP_SECURITIES_DELIVERED,
	RK_DVP_PAYMENT_MADE,
	RK_DVP_SETTLED,
	RK_DVP_FAILED,
	RK_DVP_ON_HOLD,
	RK_DVP_CANCELLED
} rk_dvp_status;

typedef enum rk_dvp_method
{
	RK_DVP_BEST_FIRST,			/* of all pairs the best, then of what is left */
	RK_DVP_OPTIMAL,				/* the largest sum of confidence */
	RK_DVP_FIFO					/* each delivery in its turn takes its best receipt */
} rk_dvp_method;

/* In what two instructions differ; why one has no partner. */
typedef enum rk_dvp_difference
{
	RK_DVP_DELIVERER = 1,
	RK_DVP_RECEIVER = 2,
	RK_DVP_QUANTITY = 4,
	RK_DVP_AMOUNT = 8,
	RK_DVP_TRADE_DATE = 16,
	RK_DVP_REFERENCE = 32,
	RK_DVP_CONFIDENCE = 64,		/* all of them together are too much */
	RK_DVP_TAKEN = 128,			/* the one it fits has another partner */
	RK_DVP_NO_COUNTERPART = 256 /* nothing of the other side in its block */
} rk_dvp_difference;

#define RK_DVP_DIFFERENCES 9

typedef struct rk_dvp_instruction
{
	int64_t		id;				/* decides between equals */
	uint64_t	deliverer;		/* both legs name the same two */
	uint64_t	receiver;
	rk_decimal	quantity;		/* > 0 */
	rk_decimal	amount;			/* >= 0 */
	uint64_t	reference[2];	/* of the trade; zeros: none */
	int64_t		trade_date;		/* days; RK_DVP_NONE: not given */
	uint32_t	security;
	uint32_t	currency;
	int32_t		settlement_date;	/* days */
	uint8_t		side;			/* rk_dvp_side */
	uint8_t		status;			/* rk_dvp_status; only pending ones are matched */
} rk_dvp_instruction;

typedef struct rk_dvp_rules
{
	double		min_confidence; /* of a pair */
	double		quantity_tolerance; /* largest difference by the larger one */
	double		amount_tolerance;
	bool		t2s;			/* in place of amount_tolerance: 2 up to 100,000, else 25 */
	rk_decimal	amount_unit;	/* units of an amount in 1 of its currency, for t2s */
	bool		strict_counterparty;
	bool		strict_quantity;
	bool		match_reference;
} rk_dvp_rules;

/*
 * Compares a delivery and a receipt of one block.  confidence is
 * (1 - |dq| / max q) (1 - |da| / max a) 0.5^(parties that differ).  Returns
 * whether they may be a pair; differences are then what is not equal, else
 * what is to blame.
 */
extern bool rk_dvp_compare(const rk_dvp_rules *rules, const rk_dvp_instruction *delivery,
						   const rk_dvp_instruction *receipt, double *confidence, int *differences);

/* The difference of their amounts without sign. */
static inline rk_decimal
rk_dvp_amount_gap(const rk_dvp_instruction *a, const rk_dvp_instruction *b)
{
	return a->amount > b->amount ? a->amount - b->amount : b->amount - a->amount;
}

static inline bool
rk_dvp_same_block(const rk_dvp_instruction *a, const rk_dvp_instruction *b)
{
	return a->security == b->security && a->currency == b->currency && a->settlement_date == b->settlement_date;
}

/* What became of each instruction. */
typedef struct rk_dvp_result
{
	uint32_t   *partner;		/* [n]; RK_DVP_ALONE: none */
	double	   *confidence;		/* [n] of the pair */
	uint16_t   *differences;	/* [n] rk_dvp_difference, of a pair or of the best candidate */
	int64_t		pairs;
	int64_t		pending;		/* that could be matched */
} rk_dvp_result;

/*
 * Matches n instructions.  Equals are decided by smaller difference of amounts,
 * then the id of the delivery, then that of the receipt; under fifo the order
 * of the list counts as well, else not.
 * Errors: RK_ERR_LIMIT, a block too large for method optimal (rk_fail_node
 * with one of its instructions).
 * Cost: O(n log n) when parties are strict and the amounts of two parties in a
 * block are apart; O(k m) for k deliveries and m receipts of two parties that
 * are all within the tolerances; optimal O(k^2 m).  Parallel over blocks, the
 * same result for any number of threads.  About 100 bytes an instruction, 48
 * for a pair that is possible.
 */
extern rk_status rk_dvp_match(rk_ctx *ctx, const rk_dvp_instruction *list, int64_t n, const rk_dvp_rules *rules,
							  rk_dvp_method method, rk_dvp_result *result);

/*
 * The assignment of rows to columns with the largest sum of weights (rows x
 * columns, none negative; rows <= columns): column[r] for each row.  After
 * Jonker and Volgenant, by shortest augmenting paths.
 */
extern rk_status rk_assignment(rk_ctx *ctx, const double *weights, int64_t rows, int64_t columns, int64_t *column);

/* Names of the codes, in their order; each list ends with NULL. */
extern const char *const rk_dvp_side_names[];
extern const char *const rk_dvp_status_names[];
extern const char *const rk_dvp_method_names[];
extern const char *const rk_dvp_difference_names[];

#endif							/* RK_CLEARING_CLEARING_H */
