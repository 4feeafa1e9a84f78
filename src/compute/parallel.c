/*
 * parallel.c
 *	  A small pool of helper threads that a context makes on first use.
 *
 * A region is one job: a function and a number of chunks.  The ticket holds
 * the number of the region (high 24 bits) and the next chunk to take (low 40
 * bits) in one word, so a helper that wakes up late, after its region ended,
 * fails its compare-and-swap and does nothing: nobody ever waits for a helper
 * that has not taken a chunk.  The caller takes chunks like everybody else,
 * then waits until the chunks in other hands are done.  With one busy
 * neighbour on the machine this loses nothing, where a barrier that spins
 * loses half the speed.
 *
 * Helpers start with all signals blocked: signals belong to the owner.  Idle
 * helpers spin for some microseconds, because the next region usually follows
 * at once, then sleep on a condition variable.
 */
#include "parallel.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#define CHUNK_BITS 40
#define CHUNK_MASK ((UINT64_C(1) << CHUNK_BITS) - 1)
#define SPINS 4000				/* some 10 us */
#define OWNER_NAP_NS 2000000	/* how often a waiting owner polls */

struct rk_pool
{
	_Atomic uint64_t ticket;
	char		pad1[56];
	_Atomic int64_t done;		/* chunks finished in this region */
	char		pad2[56];

	/* The job.  Read before the ticket is taken, valid if that succeeds. */
	_Atomic(rk_chunk_fn) fn;
	_Atomic(void *) arg;
	_Atomic(const int64_t *) bounds;	/* NULL: equal chunks */
	_Atomic int64_t n;
	_Atomic int64_t chunk;
	_Atomic int64_t chunks;

	pthread_mutex_t mutex;
	pthread_cond_t work;		/* a region began, or quit */
	pthread_cond_t finished;	/* the last chunk is done */
	_Atomic int sleepers;
	atomic_bool owner_sleeps;
	atomic_bool quit;
	int			helpers;
	pthread_t  *threads;
	rk_ctx	   *ctx;
};

typedef struct helper_start
{
	rk_pool    *pool;
	int			number;
} helper_start;

static inline void
cpu_relax(void)
{
#if defined(__x86_64__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield");
#endif
}

/* Works off chunks of the current region until none is left. */
static void
drain(rk_pool *pool, int thread)
{
	rk_ctx	   *ctx = pool->ctx;

	for (;;)
	{
		uint64_t	t = atomic_load_explicit(&pool->ticket, memory_order_acquire);
		int64_t		i = t & CHUNK_MASK;
		int64_t		chunks = atomic_load_explicit(&pool->chunks, memory_order_relaxed);
		int64_t		n = atomic_load_explicit(&pool->n, memory_order_relaxed);
		int64_t		chunk = atomic_load_explicit(&pool->chunk, memory_order_relaxed);
		const int64_t *bounds = atomic_load_explicit(&pool->bounds, memory_order_relaxed);
		rk_chunk_fn fn = atomic_load_explicit(&pool->fn, memory_order_relaxed);
		void	   *arg = atomic_load_explicit(&pool->arg, memory_order_relaxed);
		int64_t		begin;
		int64_t		end;
		bool		stop;

		/* order the reads of the job before the swap that validates them */
		atomic_thread_fence(memory_order_acquire);
		/* threads beyond the number of chunks keep out, as the header promises */
		if (i >= chunks || thread >= chunks)
			return;
		if (!atomic_compare_exchange_weak_explicit(&pool->ticket, &t, t + 1,
												   memory_order_acq_rel,
												   memory_order_acquire))
			continue;
		stop = thread == 0 ? rk_ctx_poll(ctx) : rk_should_stop(ctx);
		if (!stop)
		{
			if (bounds != NULL)
			{
				begin = bounds[i];
				end = bounds[i + 1];
			}
			else
			{
				begin = i * chunk;
				end = begin + chunk < n ? begin + chunk : n;
			}
			fn(arg, begin, end, i, thread);
		}
		if (atomic_fetch_add_explicit(&pool->done, 1, memory_order_acq_rel) + 1 == chunks &&
			thread != 0)
		{
			/* the owner may be asleep */
			if (atomic_load(&pool->owner_sleeps))
			{
				pthread_mutex_lock(&pool->mutex);
				pthread_cond_signal(&pool->finished);
				pthread_mutex_unlock(&pool->mutex);
			}
		}
	}
}

static void *
helper_main(void *start_arg)
{
	helper_start start = *(helper_start *) start_arg;
	rk_pool    *pool = start.pool;
	uint64_t	seen = 0;		/* region last worked on */

	free(start_arg);
	for (;;)
	{
		int			spins = 0;

		while ((atomic_load_explicit(&pool->ticket, memory_order_acquire) >> CHUNK_BITS) == seen &&
			   !atomic_load_explicit(&pool->quit, memory_order_relaxed))
		{
			if (++spins < SPINS)
			{
				cpu_relax();
				continue;
			}
			pthread_mutex_lock(&pool->mutex);
			atomic_fetch_add(&pool->sleepers, 1);
			while ((atomic_load(&pool->ticket) >> CHUNK_BITS) == seen &&
				   !atomic_load(&pool->quit))
				pthread_cond_wait(&pool->work, &pool->mutex);
			atomic_fetch_sub(&pool->sleepers, 1);
			pthread_mutex_unlock(&pool->mutex);
		}
		if (atomic_load(&pool->quit))
			return NULL;
		seen = atomic_load_explicit(&pool->ticket, memory_order_acquire) >> CHUNK_BITS;
		drain(pool, start.number);
	}
}

/*
 * Makes the pool of ctx.  Fewer helpers than wanted, even none, is no error:
 * the caller works alone then.
 */
static void
pool_create(rk_ctx *ctx)
{
	rk_pool    *pool;
	int			wanted = ctx->threads - 1;
	sigset_t	all;
	sigset_t	saved;
	pthread_attr_t attr;

	pool = aligned_alloc(64, (sizeof(*pool) + 63) & ~(size_t) 63);
	if (pool == NULL)
		return;
	*pool = (rk_pool) {.ctx = ctx};
	pool->threads = malloc(sizeof(pthread_t) * wanted);
	if (pool->threads == NULL)
	{
		free(pool);
		return;
	}
	pthread_mutex_init(&pool->mutex, NULL);
	pthread_cond_init(&pool->work, NULL);
	pthread_cond_init(&pool->finished, NULL);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 1 << 20);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &saved);
	for (int i = 0; i < wanted; i++)
	{
		helper_start *start = malloc(sizeof(*start));

		if (start == NULL)
			break;
		*start = (helper_start) {pool, i + 1};
		if (pthread_create(&pool->threads[i], &attr, helper_main, start) != 0)
		{
			free(start);
			break;
		}
		pool->helpers++;
	}
	pthread_sigmask(SIG_SETMASK, &saved, NULL);
	pthread_attr_destroy(&attr);
	ctx->pool = pool;
}

void
rk_pool_destroy(rk_ctx *ctx)
{
	rk_pool    *pool = ctx->pool;

	if (pool == NULL)
		return;
	ctx->pool = NULL;

	/*
	 * After an error that left a region in the middle, the rest of its chunks
	 * is skipped; helpers end with the chunk they are in.
	 */
	atomic_store(&ctx->stop, true);
	pthread_mutex_lock(&pool->mutex);
	atomic_store(&pool->quit, true);
	pthread_cond_broadcast(&pool->work);
	pthread_mutex_unlock(&pool->mutex);
	for (int i = 0; i < pool->helpers; i++)
		pthread_join(pool->threads[i], NULL);
	pthread_cond_destroy(&pool->finished);
	pthread_cond_destroy(&pool->work);
	pthread_mutex_destroy(&pool->mutex);
	free(pool->threads);
	free(pool);
}

/* Waits until every chunk is done, polling for interrupts meanwhile. */
static void
wait_for_helpers(rk_pool *pool, int64_t chunks)
{
	int			spins = 0;

	while (atomic_load_explicit(&pool->done, memory_order_acquire) < chunks)
	{
		struct timespec until;

		if (++spins < SPINS)
		{
			cpu_relax();
			continue;
		}
		rk_ctx_poll(pool->ctx);
		pthread_mutex_lock(&pool->mutex);
		atomic_store(&pool->owner_sleeps, true);
		if (atomic_load(&pool->done) < chunks)
		{
			clock_gettime(CLOCK_REALTIME, &until);
			until.tv_nsec += OWNER_NAP_NS;
			if (until.tv_nsec >= 1000000000)
			{
				until.tv_sec++;
				until.tv_nsec -= 1000000000;
			}
			pthread_cond_timedwait(&pool->finished, &pool->mutex, &until);
		}
		atomic_store(&pool->owner_sleeps, false);
		pthread_mutex_unlock(&pool->mutex);
	}
}

/* Runs one region: equal chunks, or those cut by bounds. */
static rk_status
run_region(rk_ctx *ctx, int64_t n, int64_t chunk, const int64_t *bounds,
		   int64_t chunks, rk_chunk_fn fn, void *arg)
{
	rk_pool    *pool;
	uint64_t	region;

	if (chunks > 1 && ctx->threads > 1 && ctx->pool == NULL)
		pool_create(ctx);
	pool = ctx->pool;
	if (pool == NULL || chunks <= 1)
	{
		for (int64_t i = 0; i < chunks; i++)
		{
			int64_t		begin = bounds ? bounds[i] : i * chunk;
			int64_t		end = bounds ? bounds[i + 1] :
				(begin + chunk < n ? begin + chunk : n);

			if (rk_ctx_poll(ctx))
				return RK_STOPPED;
			fn(arg, begin, end, i, 0);
		}
		return rk_should_stop(ctx) ? RK_STOPPED : RK_OK;
	}

	/*
	 * Close the old region before its job changes: a helper that still holds
	 * its ticket then fails to swap it, and one that reads the closed ticket
	 * finds no chunk below CHUNK_MASK.
	 */
	region = (atomic_load(&pool->ticket) >> CHUNK_BITS) + 1;
	atomic_store(&pool->ticket, region << CHUNK_BITS | CHUNK_MASK);
	atomic_store(&pool->done, 0);
	atomic_store(&pool->fn, fn);
	atomic_store(&pool->arg, arg);
	atomic_store(&pool->bounds, bounds);
	atomic_store(&pool->n, n);
	atomic_store(&pool->chunk, chunk);
	atomic_store(&pool->chunks, chunks);
	atomic_store(&pool->ticket, (region + 1) << CHUNK_BITS);
	if (atomic_load(&pool->sleepers) > 0)
	{
		pthread_mutex_lock(&pool->mutex);
		pthread_cond_broadcast(&pool->work);
		pthread_mutex_unlock(&pool->mutex);
	}
	drain(pool, 0);
	wait_for_helpers(pool, chunks);
	return rk_should_stop(ctx) ? RK_STOPPED : RK_OK;
}

rk_status
rk_parallel_for(rk_ctx *ctx, int64_t n, int64_t chunk, rk_chunk_fn fn, void *arg)
{
	return run_region(ctx, n, chunk, NULL, rk_chunks(n, chunk), fn, arg);
}

rk_status
rk_parallel_ranges(rk_ctx *ctx, const int64_t *bounds, int64_t chunks,
				   rk_chunk_fn fn, void *arg)
{
	return run_region(ctx, 0, 0, bounds, chunks, fn, arg);
}
