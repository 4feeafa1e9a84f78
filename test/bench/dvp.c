/*
 * dvp.c
 *	  Times delivery-versus-payment matching without a server: dvp LEGS RUNS
 *	  THREADS prints the best and the median of the runs, and a number that
 *	  stands for the pairs, as JSON.  dvp LEGS FILE writes the legs instead, for
 *	  peers that are not written in C.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/clearing/clearing.h"
#include "dvp_stream.h"
#include "measure.h"

static int
compare_double(const void *a, const void *b)
{
	double		x = *(const double *) a;
	double		y = *(const double *) b;

	return (x > y) - (x < y);
}

int
main(int argc, char **argv)
{
	int64_t		count = argc > 1 ? atoll(argv[1]) : 1000000;
	int			runs = argc > 2 ? atoi(argv[2]) : 3;
	dvp_leg    *legs = malloc(sizeof(dvp_leg) * (size_t) count);
	rk_dvp_instruction *list = malloc(sizeof(rk_dvp_instruction) * (size_t) count);
	rk_dvp_rules rules = {
		.min_confidence = 0.8,.quantity_tolerance = 0.01,.amount_tolerance = 0.01,.amount_unit = 100,
		.strict_counterparty = true,.match_reference = true
	};
	double		times[100];
	uint64_t	sum = 0;

	dvp_stream(legs, count);
	if (argc > 2 && !isdigit((unsigned char) argv[2][0]))
	{
		FILE	   *f = fopen(argv[2], "wb");

		return f && fwrite(legs, sizeof(dvp_leg), (size_t) count, f) == (size_t) count && fclose(f) == 0 ? 0 : 1;
	}
	for (int64_t i = 0; i < count; i++)
		list[i] = (rk_dvp_instruction) {
			.id = legs[i].id,.deliverer = legs[i].deliverer,.receiver = legs[i].receiver,.quantity = legs[i].quantity,
			.amount = legs[i].amount,.trade_date = RK_DVP_NONE,.security = legs[i].security,.currency = legs[i].currency,
			.settlement_date = (int32_t) legs[i].date,.side = legs[i].receives ? RK_DVP_RECEIVE : RK_DVP_DELIVER
		};
	rk_memory_retain(INT64_C(1) << 30);
	runs = runs > 100 ? 100 : runs;
	for (int r = 0; r < runs; r++)
	{
		rk_dvp_result result;
		rk_ctx		ctx;
		double		began = now();

		rk_ctx_init(&ctx);
		ctx.threads = argc > 3 ? atoi(argv[3]) : 1;
		check(&ctx, rk_dvp_match(&ctx, list, count, &rules, RK_DVP_BEST_FIRST, &result));
		times[r] = now() - began;
		sum = 0;
		for (int64_t i = 0; i < count; i++)
			if (!legs[i].receives && result.partner[i] != RK_DVP_ALONE)
				sum += legs[i].id * UINT64_C(31) + legs[result.partner[i]].id * UINT64_C(17) + 1;
		rk_ctx_destroy(&ctx);
	}
	qsort(times, (size_t) runs, sizeof(double), compare_double);
	printf("{\"best\": %.6f, \"median\": %.6f, \"result\": %llu}\n", times[0], times[runs / 2], (unsigned long long) sum);
	return 0;
}
