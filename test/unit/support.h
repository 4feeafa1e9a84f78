/*
 * support.h
 *	  What the unit tests share: random graphs, contexts, and the sweeps every
 *	  kernel goes through (threads, failing allocations, cancellation).
 *
 * Include it first; it brings cmocka and what cmocka needs.
 */
#ifndef RK_TEST_SUPPORT_H
#define RK_TEST_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/compute/csr.h"
#include "../../src/compute/ctx.h"
#include "../../src/compute/parallel.h"
#include "../../src/compute/random.h"

/* Edges in arrays of their own. */
typedef struct test_edges
{
	rk_edges	edges;
	uint32_t   *source;
	uint32_t   *target;
	double	   *weight;
} test_edges;

/*
 * count random edges over nodes nodes, self-loops and parallel edges among
 * them; weights are multiples of 0.5 in (0, 5], so that many are equal.
 */
static inline test_edges
random_edges(uint64_t seed, int64_t nodes, int64_t count, bool weighted)
{
	test_edges	e = {.edges = {.nodes = nodes,.count = count}};

	e.source = malloc(sizeof(uint32_t) * (count + 1));
	e.target = malloc(sizeof(uint32_t) * (count + 1));
	e.weight = weighted ? malloc(sizeof(double) * (count + 1)) : NULL;
	for (int64_t i = 0; i < count; i++)
	{
		e.source[i] = rk_hash3(seed, i, 1) % nodes;
		e.target[i] = rk_hash3(seed, i, 2) % nodes;
		if (weighted)
			e.weight[i] = 0.5 * (1 + rk_hash3(seed, i, 3) % 10);
	}
	e.edges.source = e.source;
	e.edges.target = e.target;
	e.edges.weight = e.weight;
	return e;
}

/* Edges from a list of pairs: LITERAL_EDGES(3, {0, 1}, {1, 2}). */
static inline test_edges
literal_edges(int64_t nodes, int64_t count, const uint32_t (*pairs)[2], const double *weight)
{
	test_edges	e = {.edges = {.nodes = nodes,.count = count}};

	e.source = malloc(sizeof(uint32_t) * (count + 1));
	e.target = malloc(sizeof(uint32_t) * (count + 1));
	e.weight = weight ? malloc(sizeof(double) * (count + 1)) : NULL;
	for (int64_t i = 0; i < count; i++)
	{
		e.source[i] = pairs[i][0];
		e.target[i] = pairs[i][1];
		if (weight)
			e.weight[i] = weight[i];
	}
	e.edges.source = e.source;
	e.edges.target = e.target;
	e.edges.weight = e.weight;
	return e;
}

#define LITERAL_EDGES(nodes, ...) \
	literal_edges(nodes, sizeof((uint32_t[][2]) {__VA_ARGS__}) / sizeof(uint32_t[2]), \
				  (uint32_t[][2]) {__VA_ARGS__}, NULL)

static inline void
free_edges(test_edges *e)
{
	free(e->source);
	free(e->target);
	free(e->weight);
}

/* An owner that wants to stop at the poll number *arg. */
static inline bool
interrupt_after(void *arg)
{
	return --*(int64_t *) arg < 0;
}

/*
 * One run of a kernel on a fresh context: builds what it needs, runs, and
 * copies what it computed into result (size bytes, or NULL).
 */
typedef rk_status (*test_run_fn) (rk_ctx *ctx, const rk_edges *edges, void *result);

/* The same bits with 1, 2, 3 and 8 threads. */
static inline void
assert_thread_independent(test_run_fn run, const rk_edges *edges, size_t result_size)
{
	static const int threads[] = {1, 2, 3, 8};
	void	   *expected = calloc(1, result_size);
	void	   *found = calloc(1, result_size);

	for (int i = 0; i < 4; i++)
	{
		rk_ctx		ctx;

		rk_ctx_init(&ctx);
		ctx.threads = threads[i];
		assert_int_equal(run(&ctx, edges, i == 0 ? expected : found), RK_OK);
		rk_ctx_destroy(&ctx);
		if (i > 0)
			assert_memory_equal(expected, found, result_size);
	}
	free(expected);
	free(found);
}

/* Every allocation fails once; each time the run says so and nothing leaks. */
static inline void
assert_survives_allocation_failures(test_run_fn run, const rk_edges *edges, size_t result_size)
{
	void	   *result = calloc(1, result_size);
	rk_status	status = RK_ERR_MEMORY;

	for (int64_t k = 1; status != RK_OK; k++)
	{
		rk_ctx		ctx;

		rk_ctx_init(&ctx);
		ctx.threads = 2;
		ctx.fail_allocation = k;
		status = run(&ctx, edges, result);
		if (status != RK_OK)
		{
			assert_int_equal(status, RK_ERR_MEMORY);
			assert_string_equal(ctx.error.message, "out of memory");
		}
		rk_ctx_destroy(&ctx);
		assert_int_equal(ctx.memory_used, 0);
	}
	free(result);
}

/* Interrupted at the 1st, 2nd, 4th, ... poll, the run ends with RK_STOPPED. */
static inline void
assert_cancellable(test_run_fn run, const rk_edges *edges, size_t result_size)
{
	void	   *result = calloc(1, result_size);
	rk_status	status = RK_STOPPED;
	int64_t		stops = 0;

	for (int64_t polls = 0; status != RK_OK; polls = polls * 2 + 1)
	{
		rk_ctx		ctx;
		int64_t		left = polls;

		rk_ctx_init(&ctx);
		ctx.threads = 2;
		ctx.interrupted = interrupt_after;
		ctx.interrupted_arg = &left;
		status = run(&ctx, edges, result);
		if (status != RK_OK)
		{
			assert_int_equal(status, RK_STOPPED);
			stops++;
		}
		rk_ctx_destroy(&ctx);
		assert_int_equal(ctx.memory_used, 0);
	}
	assert_true(stops > 0);
	free(result);
}

#endif							/* RK_TEST_SUPPORT_H */
