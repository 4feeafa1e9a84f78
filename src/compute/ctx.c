/*
 * ctx.c
 *	  Context of a kernel call: memory, errors, cancellation, progress.
 *
 * Memory is a list of blocks, each with a header in front, so that a context
 * can be thrown away as a whole.  Blocks of RK_LARGE bytes and more are mapped
 * at 2 MB boundaries and advised to be huge pages; when freed they go to a
 * small process-wide store instead of back to the system, because touching
 * fresh pages costs 0.05 to 3 ms a megabyte, more than most phases that use
 * them.  Only the thread that owns a context allocates, and a process runs one
 * context at a time in that thread, so the store needs no lock; branches, which
 * other threads have, do not use it.  Tests with several threads give each its
 * own contexts but must not retain memory.
 */
#include "ctx.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "parallel.h"

#define RK_ALIGN 64
#define RK_LARGE (INT64_C(1) << 20)
#define RK_HUGE_PAGE (INT64_C(2) << 20)
#define RK_UNIT (INT64_C(64) << 10)	/* mapped blocks are multiples of this */

struct rk_block
{
	rk_block   *next;
	rk_block   *prev;
	int64_t		bytes;			/* of the whole block, header included */
	bool		mapped;			/* from mmap; else from aligned_alloc */
	bool		fresh;			/* mapped for this call: zeroes as long as nobody writes */
};

/* The header takes a whole line, so that what follows is aligned. */
#define RK_HEADER RK_ALIGN
_Static_assert(sizeof(struct rk_block) <= RK_HEADER, "block header too large");

/* Mapped blocks kept for the next context, and how many bytes may be kept. */
static rk_block *retained_blocks = NULL;
static int64_t retained_bytes = 0;
static int64_t retained_max = 0;

void
rk_ctx_init(rk_ctx *ctx)
{
	memset(ctx, 0, sizeof(*ctx));
	ctx->threads = 1;
	ctx->progress = &ctx->own_progress;
	ctx->error.node = -1;
}

void
rk_ctx_destroy(rk_ctx *ctx)
{
	rk_pool_destroy(ctx);
	while (ctx->blocks != NULL)
		rk_free(ctx, (char *) ctx->blocks + RK_HEADER);
}

void
rk_ctx_enter(rk_ctx *ctx, rk_ctx *inner)
{
	rk_ctx_init(inner);
	inner->threads = ctx->threads;
	inner->interrupted = ctx->interrupted;
	inner->interrupted_arg = ctx->interrupted_arg;
	if (ctx->memory_limit > 0)
		inner->memory_limit = ctx->memory_limit > ctx->memory_used ? ctx->memory_limit - ctx->memory_used : 1;
	if (ctx->fail_allocation > ctx->allocations)
		inner->fail_allocation = ctx->fail_allocation - ctx->allocations;
}

rk_status
rk_ctx_leave(rk_ctx *ctx, rk_ctx *inner, rk_status status)
{
	ctx->allocations += inner->allocations;
	if (status != RK_OK && status != RK_STOPPED)
		ctx->error = inner->error;
	rk_ctx_destroy(inner);
	return status;
}

/* ---- branches ---- */

static bool
parent_polls(void *arg)
{
	return rk_ctx_poll(arg);
}

static bool
parent_stops(void *arg)
{
	return rk_should_stop(arg);
}

void
rk_ctx_branch(rk_ctx *parent, rk_ctx *branches, int count)
{
	atomic_store(&parent->branch_left, parent->memory_limit - parent->memory_used);
	for (int i = 0; i < count; i++)
	{
		rk_ctx_init(&branches[i]);
		branches[i].parent = parent;
		if (parent->fail_allocation > parent->allocations)
			branches[i].fail_allocation = parent->fail_allocation - parent->allocations;
	}
}

void
rk_ctx_branch_thread(rk_ctx *branch, int thread)
{
	branch->interrupted = thread == 0 ? parent_polls : parent_stops;
	branch->interrupted_arg = branch->parent;
}

void
rk_ctx_join(rk_ctx *parent, rk_ctx *branches, int count)
{
	int64_t		peak = parent->memory_used;
	int64_t		allocations = 0;

	for (int i = 0; i < count; i++)
	{
		rk_ctx	   *branch = &branches[i];
		rk_block   *last = branch->blocks;

		while (last && last->next)
			last = last->next;
		if (last)
		{
			last->next = parent->blocks;
			if (last->next)
				last->next->prev = last;
			parent->blocks = branch->blocks;
			branch->blocks = NULL;
		}
		parent->memory_used += branch->memory_used;
		peak += branch->memory_peak;
		if (branch->allocations > allocations)
			allocations = branch->allocations;
		if (parent->error.status == RK_OK)
			parent->error = branch->error;
	}
	parent->allocations += allocations;
	if (peak > parent->memory_peak)
	{
		parent->memory_peak = peak;
		atomic_store_explicit(&parent->progress->memory, peak, memory_order_relaxed);
	}
}

/* Takes so many bytes of the limit; false: there are not so many left. */
static bool
take_budget(rk_ctx *ctx, int64_t bytes, int64_t *held)
{
	rk_ctx	   *parent = ctx->parent;
	int64_t		left;

	*held = ctx->memory_used;
	if (parent == NULL)
		return ctx->memory_limit <= 0 || bytes <= ctx->memory_limit - ctx->memory_used;
	if (parent->memory_limit <= 0)
		return true;
	left = atomic_fetch_sub(&parent->branch_left, bytes);
	*held = parent->memory_limit - left;
	if (left >= bytes)
		return true;
	atomic_fetch_add(&parent->branch_left, bytes);
	return false;
}

/* ---- memory ---- */

/* Takes the best fitting retained block, or NULL. */
static rk_block *
take_retained(int64_t bytes)
{
	rk_block   *best = NULL;

	for (rk_block *b = retained_blocks; b != NULL; b = b->next)
	{
		if (b->bytes >= bytes && b->bytes <= bytes * 2 &&
			(best == NULL || b->bytes < best->bytes))
			best = b;
	}
	if (best == NULL)
		return NULL;
	if (best->prev)
		best->prev->next = best->next;
	else
		retained_blocks = best->next;
	if (best->next)
		best->next->prev = best->prev;
	retained_bytes -= best->bytes;

	/* what is not asked for is given back, so that it is not counted either */
	if (best->bytes > bytes)
	{
		munmap((char *) best + bytes, best->bytes - bytes);
		best->bytes = bytes;
	}
	return best;
}

/* Maps bytes (a multiple of RK_UNIT) at a huge page boundary. */
static rk_block *
map_block(int64_t bytes)
{
	char	   *raw;
	char	   *aligned;
	size_t		head;

	raw = mmap(NULL, bytes + RK_HUGE_PAGE, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (raw == MAP_FAILED)
		return NULL;
	head = -(uintptr_t) raw & (RK_HUGE_PAGE - 1);
	aligned = raw + head;
	if (head > 0)
		munmap(raw, head);
	munmap(aligned + bytes, RK_HUGE_PAGE - head);
#ifdef MADV_HUGEPAGE
	madvise(aligned, bytes, MADV_HUGEPAGE);
#endif
	return (rk_block *) aligned;
}

int64_t
rk_block_bytes(int64_t count, size_t size)
{
	int64_t		bytes = (count * (int64_t) size + RK_HEADER + RK_ALIGN - 1) & ~(int64_t) (RK_ALIGN - 1);

	return bytes < RK_LARGE ? bytes : (bytes + RK_UNIT - 1) & ~(RK_UNIT - 1);
}

void *
rk_alloc(rk_ctx *ctx, int64_t count, size_t size)
{
	int64_t		bytes;
	bool		mapped;
	bool		fresh;
	int64_t		held;
	rk_block   *b = NULL;

	ctx->allocations++;
	if (count < 0 || __builtin_mul_overflow(count, (int64_t) size, &bytes) ||
		bytes > INT64_MAX / 4)
	{
		rk_fail(ctx, RK_ERR_MEMORY, "memory request is too large");
		return NULL;
	}
	bytes = (bytes + RK_HEADER + RK_ALIGN - 1) & ~(int64_t) (RK_ALIGN - 1);
	mapped = bytes >= RK_LARGE;
	if (mapped)
	{
		bytes = (bytes + RK_UNIT - 1) & ~(RK_UNIT - 1);
		b = ctx->parent ? NULL : take_retained(bytes);
	}
	if (!take_budget(ctx, bytes, &held))
	{
		if (b)
			munmap(b, b->bytes);
		rk_fail(ctx, RK_ERR_MEMORY, "memory limit exceeded");
		rk_fail_detail(ctx, "The run holds %lld kB, needs %lld kB more, and the limit is %lld kB.",
					   (long long) (held / 1024),
					   (long long) (bytes / 1024),
					   (long long) ((ctx->parent ? ctx->parent : ctx)->memory_limit / 1024));
		rk_fail_hint(ctx, "Increase rk.memory_limit.");
		return NULL;
	}
	fresh = mapped && b == NULL;
	if (b == NULL && ctx->allocations != ctx->fail_allocation)
		b = mapped ? map_block(bytes) : aligned_alloc(RK_ALIGN, bytes);
	else if (b != NULL && ctx->allocations == ctx->fail_allocation)
	{
		munmap(b, b->bytes);
		b = NULL;
	}
	if (b == NULL)
	{
		if (ctx->parent && ctx->parent->memory_limit > 0)
			atomic_fetch_add(&ctx->parent->branch_left, bytes);
		rk_fail(ctx, RK_ERR_MEMORY, "out of memory");
		rk_fail_detail(ctx, "Failed on a request of %lld bytes.", (long long) bytes);
		return NULL;
	}
	b->bytes = bytes;
	b->mapped = mapped;
	b->fresh = fresh;
	b->prev = NULL;
	b->next = ctx->blocks;
	if (b->next)
		b->next->prev = b;
	ctx->blocks = b;
	ctx->memory_used += bytes;
	if (ctx->memory_used > ctx->memory_peak)
	{
		ctx->memory_peak = ctx->memory_used;
		atomic_store_explicit(&ctx->progress->memory, ctx->memory_peak,
							  memory_order_relaxed);
	}
	return (char *) b + RK_HEADER;
}

void *
rk_alloc0(rk_ctx *ctx, int64_t count, size_t size)
{
	void	   *p = rk_alloc(ctx, count, size);

	/*
	 * The system has cleared what it has just mapped, and does so when a page
	 * is first touched: in the loops of the kernel, which look for interrupts,
	 * and in all their threads.
	 */
	if (p && !((rk_block *) ((char *) p - RK_HEADER))->fresh)
		memset(p, 0, count * size);
	return p;
}

void *
rk_realloc(rk_ctx *ctx, void *p, int64_t count, size_t size)
{
	rk_block   *b;
	int64_t		old;
	void	   *fresh;

	if (p == NULL)
		return rk_alloc(ctx, count, size);
	b = (rk_block *) ((char *) p - RK_HEADER);
	old = b->bytes - RK_HEADER;
	fresh = rk_alloc(ctx, count, size);
	if (fresh == NULL)
		return NULL;
	memcpy(fresh, p, old < count * (int64_t) size ? old : count * (int64_t) size);
	rk_free(ctx, p);
	return fresh;
}

void
rk_free(rk_ctx *ctx, void *p)
{
	rk_block   *b;

	if (p == NULL)
		return;
	b = (rk_block *) ((char *) p - RK_HEADER);
	if (b->prev)
		b->prev->next = b->next;
	else
		ctx->blocks = b->next;
	if (b->next)
		b->next->prev = b->prev;
	ctx->memory_used -= b->bytes;
	if (ctx->parent && ctx->parent->memory_limit > 0)
		atomic_fetch_add(&ctx->parent->branch_left, b->bytes);
	if (!b->mapped)
		free(b);
	else if (ctx->parent == NULL && retained_bytes + b->bytes <= retained_max)
	{
		b->prev = NULL;
		b->next = retained_blocks;
		if (b->next)
			b->next->prev = b;
		retained_blocks = b;
		retained_bytes += b->bytes;
	}
	else
		munmap(b, b->bytes);
}

void
rk_memory_retain(int64_t bytes)
{
	retained_max = bytes;
	if (retained_bytes > retained_max)
		rk_memory_trim();
}

int64_t
rk_memory_trim(void)
{
	int64_t		given = retained_bytes;

	while (retained_blocks != NULL)
	{
		rk_block   *b = retained_blocks;

		retained_blocks = b->next;
		munmap(b, b->bytes);
	}
	retained_bytes = 0;
	return given;
}

rk_status
rk_fail(rk_ctx *ctx, rk_status status, const char *fmt,...)
{
	va_list		args;

	if (ctx->error.status != RK_OK)
		return ctx->error.status;
	ctx->error.status = status;
	va_start(args, fmt);
	vsnprintf(ctx->error.message, RK_MESSAGE_MAX, fmt, args);
	va_end(args);
	return status;
}

rk_status
rk_fail_node(rk_ctx *ctx, rk_status status, int64_t node, const char *fmt,...)
{
	va_list		args;

	if (ctx->error.status != RK_OK)
		return ctx->error.status;
	ctx->error.status = status;
	ctx->error.node = node;
	va_start(args, fmt);
	vsnprintf(ctx->error.message, RK_MESSAGE_MAX, fmt, args);
	va_end(args);
	return status;
}

void
rk_fail_detail(rk_ctx *ctx, const char *fmt,...)
{
	va_list		args;

	va_start(args, fmt);
	vsnprintf(ctx->error.detail, RK_MESSAGE_MAX, fmt, args);
	va_end(args);
}

void
rk_fail_hint(rk_ctx *ctx, const char *fmt,...)
{
	va_list		args;

	va_start(args, fmt);
	vsnprintf(ctx->error.hint, RK_MESSAGE_MAX, fmt, args);
	va_end(args);
}

bool
rk_ctx_poll(rk_ctx *ctx)
{
	if (rk_should_stop(ctx))
		return true;
	if (ctx->interrupted != NULL && ctx->interrupted(ctx->interrupted_arg))
	{
		atomic_store_explicit(&ctx->stop, true, memory_order_relaxed);
		return true;
	}
	return false;
}

void
rk_phase(rk_ctx *ctx, const char *phase, int64_t total)
{
	rk_progress_state *p = ctx->progress;

	atomic_store_explicit(&p->done, 0, memory_order_relaxed);
	atomic_store_explicit(&p->total, total, memory_order_relaxed);
	atomic_store_explicit(&p->phase, phase, memory_order_relaxed);
}

void
rk_progress(rk_ctx *ctx, int64_t done)
{
	atomic_store_explicit(&ctx->progress->done, done, memory_order_relaxed);
}

void
rk_progress_iteration(rk_ctx *ctx, int64_t iteration, int64_t max_iterations,
					  double residual)
{
	rk_progress_state *p = ctx->progress;

	atomic_store_explicit(&p->iteration, iteration, memory_order_relaxed);
	atomic_store_explicit(&p->max_iterations, max_iterations, memory_order_relaxed);
	atomic_store_explicit(&p->residual, residual, memory_order_relaxed);
}
