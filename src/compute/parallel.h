/*
 * parallel.h
 *	  Loops over all threads of a context.
 *
 * Results must not depend on the number of threads.  Chunks are therefore cut
 * from the input alone (n and chunk), each chunk is worked off by exactly one
 * thread, and a sum over chunks is kept per chunk and added in chunk order
 * (rk_sum_chunks).
 */
#ifndef RK_PARALLEL_H
#define RK_PARALLEL_H

#include "ctx.h"

/*
 * Work on [begin, end), the chunk with this number, as the thread with this
 * number (0 = the caller, < ctx->threads, and below the number of chunks; for
 * scratch space).  Must not allocate and must not call rk_fail; a failure is left in arg.
 */
typedef void (*rk_chunk_fn) (void *arg, int64_t begin, int64_t end,
							 int64_t chunk, int thread);

/*
 * Runs fn over [0, n) in chunks of the given size, on up to ctx->threads
 * threads, the caller among them.  Returns RK_STOPPED when the call was
 * interrupted (some chunks may then not have run), else RK_OK.  A chunk
 * should take between 10 us and 10 ms.  Not reentrant: fn must not call it.
 */
extern rk_status rk_parallel_for(rk_ctx *ctx, int64_t n, int64_t chunk,
								 rk_chunk_fn fn, void *arg);

/*
 * The same for chunks of unequal size: bounds[0..chunks] are rising positions,
 * chunk i is [bounds[i], bounds[i + 1]).
 */
extern rk_status rk_parallel_ranges(rk_ctx *ctx, const int64_t *bounds,
									int64_t chunks, rk_chunk_fn fn, void *arg);

/*
 * Whether to stop, asked from inside a chunk that takes longer than 10 ms:
 * the owner's thread (0) also asks its owner.
 */
static inline bool
rk_chunk_should_stop(rk_ctx *ctx, int thread)
{
	return thread == 0 ? rk_ctx_poll(ctx) : rk_should_stop(ctx);
}

/* How many chunks rk_parallel_for makes of n. */
static inline int64_t
rk_chunks(int64_t n, int64_t chunk)
{
	return n <= 0 ? 0 : (n - 1) / chunk + 1;
}

/* Adds partial sums in chunk order: the same bits for any thread count. */
static inline double
rk_sum_chunks(const double *partial, int64_t chunks)
{
	double		sum = 0;

	for (int64_t i = 0; i < chunks; i++)
		sum += partial[i];
	return sum;
}

/* Stops and joins the helper threads; rk_ctx_destroy calls it. */
extern void rk_pool_destroy(rk_ctx *ctx);

#endif							/* RK_PARALLEL_H */
