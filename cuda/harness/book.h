/*
 * book.h
 *	  Books whose profits and losses are simulated, and what is sent of them to a
 *	  device.
 */
#ifndef RK_HARNESS_BOOK_H
#define RK_HARNESS_BOOK_H

#include "harness.h"

#include "../../src/risk/portfolio/portfolio.h"

typedef struct harness_book
{
	rk_positions p;				/* count is set by the caller */
	rk_simulation s;			/* so is this */
	rk_cuda_monte_carlo_params params;
} harness_book;

/* Makes it, and the inputs of call that both kernels have. */
extern void make_book(rk_ctx *ctx, harness_book *b, bool correlated, rk_cuda_call *call);

/* A kind of simulation, by the words of its name. */
extern rk_simulation simulation_of(int64_t simulations, const char *kind, uint64_t seed);

#endif							/* RK_HARNESS_BOOK_H */
