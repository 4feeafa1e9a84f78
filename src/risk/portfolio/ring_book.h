/*
 * ring_book.h
 *	  A book of correlated positions that changes one by one: the state of
 *	  the actors of risk/portfolio-aggregation and risk/monte-carlo-var.
 *
 * Kept are x (annual exposures, value times volatility), R (correlations), R x
 * and x' R x, so that a change is O(n) and a question about the whole or one
 * position O(1).  Changes are added to R x and x' R x for as long as the actor
 * lives; sums of two doubles (Dekker 1971), 106 bits, keep what they leave far
 * below the precision of an answer.  A snapshot has all of it: the bits are
 * the same after a restart.
 */
#ifndef RK_RING_BOOK_H
#define RK_RING_BOOK_H

#include "portfolio_ring.h"

/* A number as the sum of two, the second at most half a unit of the first. */
typedef struct rk_twofold
{
	double		high;
	double		low;
} rk_twofold;

/* A sum that has been added to and subtracted from; noise bounds its error. */
typedef struct rk_long_sum
{
	rk_twofold	sum;
	double		noise;
} rk_long_sum;

/* All zeros: empty. */
typedef struct rk_ring_book
{
	rk_names	names;			/* assets; arrays are by their number */
	uint32_t	capacity;
	int64_t    *value;			/* fixed-point */
	double	   *volatility;
	double	   *expected_return;
	double	   *x;				/* value * volatility */
	double	   *rx_high;		/* R x */
	double	   *rx_low;
	double	   *r;				/* capacity x capacity, symmetric, diagonal 1 */
	__int128	total;			/* sum of the values */
	uint32_t	active;			/* positions with an exposure other than 0 */
	rk_long_sum variance;		/* x' R x */
	rk_long_sum gross;			/* sum of |x| */
	rk_long_sum mean;			/* sum of value * expected_return */
	bool		unchecked;		/* correlations have changed since R was found good */
	uint64_t	changes;		/* how many there were, since init or restore */
} rk_ring_book;

/* What a sum is worth: 0 when it is not above its noise. */
static inline double
rk_long_sum_value(const rk_long_sum *s)
{
	return s->sum.high > s->noise || s->sum.high < -s->noise ? s->sum.high : 0;
}

static inline double
rk_fixed_value(int64_t fixed)
{
	return (double) fixed / (double) RK_FIXED_ONE;
}

/* Makes room for so many positions more, so that setting new ones cannot run out of memory. */
extern rk_status rk_book_reserve(rk_ctx *ctx, rk_ring_book *b, uint32_t more);

/* Whether these can be a position's: RK_ERR_PARAMETER. */
extern rk_status rk_book_check_position(rk_ctx *ctx, const char *asset, double volatility, double expected_return);

/* Sets a position, which may be new.  O(n); RK_ERR_PARAMETER for bad numbers. */
extern rk_status rk_book_set(rk_ctx *ctx, rk_ring_book *b, const char *asset, int64_t value, double volatility,
							 double expected_return);

/*
 * Sets a correlation.  O(1).  RK_ERR_DATA when one of the assets is no
 * position, or the correlation of an asset with itself is not 1.
 */
extern rk_status rk_book_correlate(rk_ctx *ctx, rk_ring_book *b, const rk_correlation_request *q);

/* Removes a position; false if there is none.  O(n). */
extern bool rk_book_remove(rk_ring_book *b, const char *asset);

/* Annual standard deviation of the profit and loss; NaN when x' R x < 0. */
extern double rk_book_sigma(const rk_ring_book *b);

/*
 * Fails as the batch functions do unless R is positive semidefinite: O(n^3 / 3)
 * after a change of a correlation, nothing otherwise.
 */
extern rk_status rk_book_check(rk_ctx *ctx, rk_ring_book *b);

/* R without gaps, n x n; NULL after rk_fail. */
extern double *rk_book_matrix(rk_ctx *ctx, const rk_ring_book *b);

extern rk_status rk_book_write(rk_ctx *ctx, const rk_ring_book *b, rk_writer *writer);
extern rk_status rk_book_read(rk_ctx *ctx, rk_ring_book *b, rk_reader *reader);
extern uint64_t rk_book_checksum(const rk_ring_book *b);

/* ---- questions ---- */

/* At which confidence and horizon. */
typedef struct rk_risk_question
{
	double		confidence;
	double		horizon;		/* days */
	double		days_per_year;
} rk_risk_question;

/* Takes the options of these names. */
extern rk_risk_question rk_question_init(const rk_options *options);

/* That of a message, whose fields are NaN where the options are meant. */
extern rk_status rk_question_of(rk_ctx *ctx, const rk_risk_question *initial, double confidence, double horizon,
								rk_risk_question *q);

/*
 * A question about the whole of a book: what it is at, and the annual standard
 * deviation, after the checks of rk_question_of and rk_book_check.  A perfect
 * hedge, which may come out a rounding error below zero, has 0.
 */
extern rk_status rk_book_question(rk_ctx *ctx, rk_ring_book *b, const rk_risk_question *initial,
								  const rk_question_request *q, rk_risk_question *at, double *sigma);

#define RK_QUESTION_OPTIONS \
	{.name = "confidence",.type = RK_TYPE_FLOAT8,.initial = "0.99",RK_BETWEEN_OPEN(0.5, 1), \
	.meaning = "probability that the loss is not above the VaR, where a message does not say"}, \
	{.name = "horizon",.type = RK_TYPE_FLOAT8,.initial = "10",RK_ABOVE(0), \
	.meaning = "in days, where a message does not say"}, \
	{.name = "days_per_year",.type = RK_TYPE_FLOAT8,.initial = "252",RK_ABOVE(0), \
	.meaning = "days of a year of volatility and expected return"}

#endif							/* RK_RING_BOOK_H */
