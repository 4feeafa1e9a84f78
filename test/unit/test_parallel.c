/*
 * test_parallel.c
 *	  Regions of chunks: each chunk once, by threads that have scratch space.
 */
#include "support.h"

#include <unistd.h>

#include "../../src/compute/parallel.h"

typedef struct region
{
	_Atomic int runs[64];
	_Atomic int largest;		/* number of a thread */
} region;

static void
note(void *arg, int64_t begin, int64_t end, int64_t chunk, int thread)
{
	region	   *r = arg;
	int			seen = atomic_load(&r->largest);

	assert_true(begin == chunk && end == chunk + 1);
	atomic_fetch_add(&r->runs[chunk], 1);
	while (thread > seen && !atomic_compare_exchange_weak(&r->largest, &seen, thread))
		;
	/* long enough for the others to come */
	usleep(20);
}

/* Fewer chunks than threads: those threads that have a number below the chunks' work them off. */
static void
test_few_chunks(void **state)
{
	rk_ctx		ctx;

	(void) state;
	rk_ctx_init(&ctx);
	ctx.threads = 8;
	for (int i = 0; i < 4000; i++)
	{
		int64_t		chunks = 1 + i % 64;
		region		r = {0};

		assert_int_equal(rk_parallel_for(&ctx, chunks, 1, note, &r), RK_OK);
		for (int64_t k = 0; k < chunks; k++)
			assert_int_equal(r.runs[k], 1);
		assert_true(r.largest < chunks && r.largest < 8);
	}
	rk_ctx_destroy(&ctx);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_few_chunks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
