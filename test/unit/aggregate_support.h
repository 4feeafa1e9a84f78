/*
 * aggregate_support.h
 *	  The sweeps that every aggregate kernel goes through: one state, states
 *	  combined from any cut of the rows, a moving window, failing allocations.
 */
#ifndef RK_TEST_AGGREGATE_SUPPORT_H
#define RK_TEST_AGGREGATE_SUPPORT_H

#include "support.h"

#include "../../src/compute/aggregate.h"

/* Memory of a state; *owner is how many more requests are granted. */
static inline void *
test_resize(void *owner, void *p, size_t size)
{
	int64_t    *left = owner;

	if (left && (*left)-- <= 0)
		return NULL;
	return realloc(p, size);
}

/* The rows of a test: row i is args[i * params ...]. */
typedef struct test_rows
{
	const rk_value *args;
	int			params;
	int64_t		count;
} test_rows;

static inline rk_status
test_start(rk_ctx *ctx, const rk_aggregate *a, rk_buffer *state)
{
	void	   *head;

	state->length = 0;
	head = rk_buffer_extend(ctx, state, a->head);
	if (head == NULL)
		return RK_ERR_MEMORY;
	memset(head, 0, a->head);
	return RK_OK;
}

static inline rk_status
test_accumulate(rk_ctx *ctx, const rk_aggregate *a, rk_buffer *state, const test_rows *rows,
				int64_t from, int64_t to)
{
	rk_status	status = test_start(ctx, a, state);

	for (int64_t i = from; i < to && status == RK_OK; i++)
		status = a->accumulate(ctx, state, rows->args + i * rows->params);
	return status;
}

/* The result of rows from .. to - 1, as chunks states combined in order. */
static inline void
test_aggregate(const rk_aggregate *a, const test_rows *rows, int64_t from, int64_t to, int chunks,
			   rk_value *results)
{
	rk_ctx		ctx;
	rk_buffer	state = {.resize = test_resize};
	int64_t		at = from;

	rk_ctx_init(&ctx);
	for (int c = 0; c < chunks; c++)
	{
		int64_t		next = c == chunks - 1 ? to : from + (to - from) * (c + 1) / chunks;

		if (c == 0)
			assert_int_equal(test_accumulate(&ctx, a, &state, rows, at, next), RK_OK);
		else if (next > at)
		{
			rk_buffer	other = {.resize = test_resize};

			assert_int_equal(test_accumulate(&ctx, a, &other, rows, at, next), RK_OK);
			assert_true(a->valid == NULL || a->valid(&other));
			assert_int_equal(a->combine(&ctx, &state, &other), RK_OK);
			free(other.data);
		}
		at = next;
	}
	assert_int_equal(a->finish(&ctx, &state, rows->args, results), RK_OK);
	free(state.data);
	rk_ctx_destroy(&ctx);
}

/* A window of width rows slides over all; each result as of its rows alone. */
static inline void
assert_window_agrees(const rk_aggregate *a, const test_rows *rows, int64_t width,
					 void (*same) (const rk_value *expected, const rk_value *found))
{
	rk_ctx		ctx;
	rk_buffer	state = {.resize = test_resize};
	rk_value	expected[8] = {0};
	rk_value	found[8] = {0};

	rk_ctx_init(&ctx);
	assert_int_equal(test_start(&ctx, a, &state), RK_OK);
	for (int64_t i = 0; i < rows->count; i++)
	{
		const rk_value *row = rows->args + i * rows->params;

		if (i >= width)
			assert_int_equal(a->window_remove(&ctx, &state, row - width * rows->params), RK_OK);
		assert_int_equal((a->window_add ? a->window_add : a->accumulate) (&ctx, &state, row), RK_OK);
		assert_int_equal((a->window_finish ? a->window_finish : a->finish)
						 (&ctx, &state, rows->args, found), RK_OK);
		test_aggregate(a, rows, i >= width ? i - width + 1 : 0, i + 1, 1, expected);
		same(expected, found);
	}
	free(state.data);
	rk_ctx_destroy(&ctx);
}

/* Every request for memory is refused once; each time the step says so. */
static inline void
assert_aggregate_survives_failures(const rk_aggregate *a, const test_rows *rows)
{
	rk_status	status = RK_ERR_MEMORY;

	for (int64_t granted = 0; status != RK_OK; granted++)
	{
		rk_ctx		ctx;
		int64_t		left = granted;
		rk_buffer	state = {.resize = test_resize,.owner = &left};

		rk_ctx_init(&ctx);
		status = test_accumulate(&ctx, a, &state, rows, 0, rows->count);
		if (status != RK_OK)
			assert_int_equal(status, RK_ERR_MEMORY);
		free(state.data);
		rk_ctx_destroy(&ctx);
	}
}

#endif							/* RK_TEST_AGGREGATE_SUPPORT_H */
