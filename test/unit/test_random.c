/*
 * test_random.c
 *	  The hash generator against its published check values.
 */
#include "support.h"

static void
hash_has_the_documented_values(void **state)
{
	(void) state;
	assert_true(rk_hash2(0, 0) == UINT64_C(0xa706dd2f4d197e6f));
	assert_true(rk_hash2(0, 1) == UINT64_C(0x08b4fda8c892b50e));
	assert_true(rk_hash2(1, 0) == UINT64_C(0x5e41ab087439611e));
	assert_true(rk_hash3(0, 1, 2) == UINT64_C(0x5def8c1f8a9e3322));
	assert_true(fabs(rk_uniform(rk_hash2(0, 0)) - 0.652448486374) < 1e-12);
	assert_true(fabs(rk_uniform(rk_hash2(0, 1)) - 0.034011701304) < 1e-12);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hash_has_the_documented_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
