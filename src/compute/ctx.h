/*
 * ctx.h
 *	  What every kernel is given: memory, threads, cancellation, progress and
 *	  a place to say what went wrong.
 *
 * A kernel is a function over plain arrays that has never heard of
 * PostgreSQL.  It takes a rk_ctx as its first argument and returns a
 * rk_status.  The owner of the context (a server binding, a unit test, a
 * benchmark) decides the limits and frees everything with rk_ctx_destroy,
 * whether the kernel succeeded or not.
 *
 * Who may call what: rk_alloc, rk_free, rk_fail and rk_ctx_poll belong to the
 * thread that owns the context.  Inside a parallel region only
 * rk_should_stop may be called; nothing is allocated there, but from a branch
 * of the context (rk_ctx_branch) that the chunk has for itself.
 */
#ifndef RK_CTX_H
#define RK_CTX_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "status.h"

#define RK_MESSAGE_MAX 512

typedef struct rk_error
{
	rk_status	status;
	char		message[RK_MESSAGE_MAX];
	char		detail[RK_MESSAGE_MAX]; /* empty when there is none */
	char		hint[RK_MESSAGE_MAX];	/* empty when there is none */

	/*
	 * A message about a node holds "%node" in place of its id, and the dense
	 * index here; the owner, who knows the ids, fills it in.
	 */
	int64_t		node;			/* -1: the message names no node */
} rk_error;

/* What an iterative kernel reports beside its result. */
typedef struct rk_run
{
	int			iterations;
	double		residual;
	bool		iterative;		/* false: the fields around mean nothing */
	bool		converged;
	bool		reached_max;
} rk_run;

/*
 * Progress of the running call.  Written by the owning thread without locks,
 * read by anybody; may lie in shared memory.
 */
typedef struct rk_progress_state
{
	_Atomic(const char *) phase;	/* a string constant of the library */
	_Atomic int64_t done;
	_Atomic int64_t total;
	_Atomic int64_t iteration;
	_Atomic int64_t max_iterations;
	_Atomic double residual;
	_Atomic int64_t memory;
} rk_progress_state;

typedef struct rk_block rk_block;
typedef struct rk_pool rk_pool;

typedef struct rk_ctx
{
	/* set by the owner before the first kernel runs */
	int			threads;		/* threads a parallel region may use, >= 1 */
	int64_t		memory_limit;	/* bytes; 0 = unlimited */
	bool		(*interrupted) (void *arg); /* owner's thread only; true = stop */
	void	   *interrupted_arg;
	rk_progress_state *progress;	/* never NULL */
	const char *ring;			/* that the memory is of, as an SQL literal, for hints; NULL: of none */

	/* owned by ctx.c and parallel.c */
	atomic_bool stop;
	int64_t		memory_used;
	int64_t		memory_peak;
	rk_block   *blocks;
	int64_t		allocations;	/* how many were asked for */
	int64_t		fail_allocation;	/* tests: this one (1-based) fails; 0 none */
	rk_pool    *pool;			/* helper threads, made on first use */
	struct rk_ctx *parent;		/* of a branch */
	_Atomic int64_t branch_left;	/* of the memory limit, for all branches */
	rk_error	error;
	rk_progress_state own_progress;
} rk_ctx;

/* Makes ctx ready: one thread, no limits, never interrupted. */
extern void rk_ctx_init(rk_ctx *ctx);

/*
 * Makes inner ready for a call within another one's life, and within what is
 * left of its limits: an actor calls a kernel, whose memory goes at the end of
 * that.  rk_ctx_leave hands an error on, destroys inner and returns status.
 */
extern void rk_ctx_enter(rk_ctx *ctx, rk_ctx *inner);
extern rk_status rk_ctx_leave(rk_ctx *ctx, rk_ctx *inner, rk_status status);

/* Joins the helper threads and frees all memory of ctx.  Safe to repeat. */
extern void rk_ctx_destroy(rk_ctx *ctx);

/*
 * Branches: contexts for the chunks of a parallel region that allocate, one
 * each.  They have one memory limit together, what the parent has left, and
 * stop when it does.  A chunk says first which thread works it off.  After the
 * region, whatever became of it, rk_ctx_join hands their memory to the parent,
 * so that what they made lives as long as it does, and the first error in
 * their order.  Meanwhile the parent must not allocate.
 */
extern void rk_ctx_branch(rk_ctx *parent, rk_ctx *branches, int count);
extern void rk_ctx_branch_thread(rk_ctx *branch, int thread);
extern void rk_ctx_join(rk_ctx *parent, rk_ctx *branches, int count);

/*
 * Returns count * size bytes, 64-byte aligned, or NULL after rk_fail with
 * RK_ERR_MEMORY.  Contents are undefined; rk_alloc0 zeroes them.  A count of
 * 0 returns a valid pointer.  Blocks of a megabyte and more are mapped on
 * huge pages where the system has them.
 */
extern void *rk_alloc(rk_ctx *ctx, int64_t count, size_t size);
extern void *rk_alloc0(rk_ctx *ctx, int64_t count, size_t size);

/*
 * What such a block counts in memory_used, its header and the rounding up to
 * whole pages included: for estimates before a run.
 */
extern int64_t rk_block_bytes(int64_t count, size_t size);

/* Grows a block made by rk_alloc, keeping its contents; NULL as rk_alloc. */
extern void *rk_realloc(rk_ctx *ctx, void *p, int64_t count, size_t size);

/* Gives one block back before the call ends.  NULL is allowed. */
extern void rk_free(rk_ctx *ctx, void *p);

/*
 * Large blocks freed by a context are kept by the process, up to this many
 * bytes, and handed to the next one: touching fresh memory costs more than
 * most phases of a kernel.  rk_memory_trim gives all of them back and returns
 * the number of bytes.
 */
extern void rk_memory_retain(int64_t bytes);
extern int64_t rk_memory_trim(void);

/*
 * Records what went wrong and returns status, so that a kernel can write
 * "return rk_fail(ctx, ...)".  The first error of a call is kept.
 */
extern rk_status rk_fail(rk_ctx *ctx, rk_status status, const char *fmt,...)
			__attribute__((format(printf, 3, 4)));
extern void rk_fail_detail(rk_ctx *ctx, const char *fmt,...)
			__attribute__((format(printf, 2, 3)));
extern void rk_fail_hint(rk_ctx *ctx, const char *fmt,...)
			__attribute__((format(printf, 2, 3)));

/*
 * Same, for a message about one node: "%node" in fmt (written "%%node", being
 * a printf format) stands for the id of the node with this dense index.
 */
extern rk_status rk_fail_node(rk_ctx *ctx, rk_status status, int64_t node,
							  const char *fmt,...)
			__attribute__((format(printf, 4, 5)));

/*
 * True when the call should end; any thread may ask, it is one relaxed load.
 * Loops look at least every 10 ms of work, then return RK_STOPPED.
 */
static inline bool
rk_should_stop(rk_ctx *ctx)
{
	return atomic_load_explicit(&ctx->stop, memory_order_relaxed);
}

/*
 * Owner's thread: also asks the owner whether to stop.  Serial loops call
 * this; rk_parallel_for does it at every chunk of the owner's thread.
 */
extern bool rk_ctx_poll(rk_ctx *ctx);

/* Owner's thread: names the phase and its amount of work (any unit). */
extern void rk_phase(rk_ctx *ctx, const char *phase, int64_t total);
extern void rk_progress(rk_ctx *ctx, int64_t done);
extern void rk_progress_iteration(rk_ctx *ctx, int64_t iteration,
								  int64_t max_iterations, double residual);

#endif							/* RK_CTX_H */
