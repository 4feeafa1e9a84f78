/*
 * flows.c
 *	  Times the kernels over flows of money without a server: flows WHAT WIRES
 *	  THREADS RUNS prints the best and the median of the runs, and a number to
 *	  compare, as JSON; flows export WIRES FILE writes the wires.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/compliance/flows/flows.h"
#include "../../src/compute/random.h"
#include "measure.h"

#define DAY (INT64_C(86400) * 1000000)
#define PER_ACCOUNT 10			/* wires, on average */
#define DAYS 60
#define SKEW 1.5				/* of accounts: few have much to do */
#define LOCAL 60				/* wires inside a group, in percent */
#define GROUP 20				/* accounts that have much to do with each other */

/* ---- wires ---- */

/* An account: few have much to do and many have little. */
static int64_t
account(uint64_t seed, int64_t i, int64_t accounts)
{
	double		u = (double) (rk_hash2(seed, i) >> 11) * 0x1p-53;

	return (int64_t) (pow(u, SKEW) * (double) accounts);
}

/*
 * Two months of wires in the order of time, more than half of them inside groups
 * of accounts, where money comes back; amounts in cents.
 */
static rk_transactions
make_wires(int64_t count)
{
	int64_t		accounts = count / PER_ACCOUNT;
	int64_t		groups = accounts / GROUP;
	uint32_t   *source = malloc(sizeof(uint32_t) * count);
	uint32_t   *target = malloc(sizeof(uint32_t) * count);
	rk_decimal *amount = malloc(sizeof(rk_decimal) * count);
	int64_t    *ts = malloc(sizeof(int64_t) * count);
	rk_transactions t = {count, accounts, source, target, amount, ts, 0};

	for (int64_t i = 0; i < count; i++)
	{
		int64_t		from = account(1, i, accounts);
		int64_t		to = account(2, i, accounts);

		/* a group is spread over busy and quiet accounts */
		if (rk_hash2(4, i) % 100 < LOCAL)
			to = (from + groups * (int64_t) (1 + rk_hash2(5, i) % (GROUP - 1))) % accounts;
		source[i] = (uint32_t) from;
		target[i] = (uint32_t) to;
		amount[i] = RK_MONEY_UNIT / 100 * (int64_t) (100 + rk_hash2(3, i) % 2000000);
		ts[i] = (int64_t) ((double) (DAYS * DAY) / (double) count * (double) i);
		t.total += amount[i];
	}
	return t;
}

/* ---- kernels; each returns a number to compare ---- */

static double
run_components(rk_ctx *ctx, const rk_transactions *t)
{
	rk_circular_params p = {.min_size = 2};
	rk_circular c;

	check(ctx, rk_compliance_circular(ctx, t, &p, &c));
	return c.count ? (double) c.components[0].members : 0;
}

static double
run_circulation(rk_ctx *ctx, const rk_transactions *t)
{
	rk_circular_params p = {.min_size = 2,.circulation = true};
	rk_circular c;

	check(ctx, rk_compliance_circular(ctx, t, &p, &c));
	return c.count ? (double) c.components[0].circulating / (double) RK_MONEY_UNIT : 0;
}

static double
cycles(rk_ctx *ctx, const rk_transactions *t, int64_t window, int length, bool temporal)
{
	rk_window	w = {.width = window};
	rk_flow_cycle_params p = {length, &w, 0, 1000000000};
	rk_flow_cycles c;

	check(ctx, temporal ? rk_compliance_temporal_cycles(ctx, t, &p, &c) : rk_compliance_aggregated_cycles(ctx, t, &p, &c));
	return (double) c.count;
}

static double
run_temporal(rk_ctx *ctx, const rk_transactions *t)
{
	return cycles(ctx, t, 30 * DAY, 6, true);
}

static double
run_pairs(rk_ctx *ctx, const rk_transactions *t)
{
	return cycles(ctx, t, 0, 3, false);
}

static double
run_reciprocity(rk_ctx *ctx, const rk_transactions *t)
{
	rk_reciprocity_params p = {0};
	rk_reciprocity r;

	check(ctx, rk_compliance_reciprocity(ctx, t, &p, &r));
	return r.edge_reciprocity;
}

static double
run_reversals(rk_ctx *ctx, const rk_transactions *t)
{
	rk_window	max = {.width = DAY};
	rk_window	hour = {.width = DAY / 24};
	rk_reversal_params p = {&max, &hour, &hour, 0.9, true};
	rk_reversals r;

	check(ctx, rk_compliance_reversals(ctx, t, &p, &r));
	return (double) r.count;
}

static double
run_splits(rk_ctx *ctx, const rk_transactions *t)
{
	rk_window	window = {.width = DAY};
	rk_split_params p = {10000 * RK_MONEY_UNIT, &window, 3, RK_SPLIT_SOURCE};
	rk_splits	r;

	check(ctx, rk_compliance_splits(ctx, t, &p, &r));
	return (double) r.count;
}

static const struct
{
	const char *name;
	double		(*run) (rk_ctx *ctx, const rk_transactions *t);
}			kernels[] = {
	{"components", run_components}, {"circulation", run_circulation}, {"temporal", run_temporal},
	{"pairs", run_pairs}, {"reciprocity", run_reciprocity},
	{"reversals", run_reversals}, {"splits", run_splits}
};

static int
compare(const void *a, const void *b)
{
	double		x = *(const double *) a;
	double		y = *(const double *) b;

	return x < y ? -1 : x > y;
}

/* Columns one after the other: source, target (uint32), cents, ts (int64). */
static int
export(const rk_transactions *t, const char *path)
{
	FILE	   *f = fopen(path, "wb");

	if (f == NULL)
		return 1;
	fwrite(t->source, sizeof(uint32_t), t->count, f);
	fwrite(t->target, sizeof(uint32_t), t->count, f);
	for (int64_t i = 0; i < t->count; i++)
	{
		int64_t		cents = (int64_t) (t->amount[i] / (RK_MONEY_UNIT / 100));

		fwrite(&cents, sizeof(cents), 1, f);
	}
	fwrite(t->ts, sizeof(int64_t), t->count, f);
	return fclose(f) != 0;
}

int
main(int argc, char **argv)
{
	rk_transactions t;

	if (argc == 4 && strcmp(argv[1], "export") == 0)
	{
		t = make_wires(atoll(argv[2]));
		return export(&t, argv[3]);
	}
	for (size_t k = 0; argc == 5 && k < sizeof(kernels) / sizeof(kernels[0]); k++)
	{
		int			runs = atoi(argv[4]);
		double	   *times;
		double		result = 0;

		if (strcmp(kernels[k].name, argv[1]) != 0 || runs < 1)
			continue;
		t = make_wires(atoll(argv[2]));
		times = malloc(sizeof(double) * runs);
		rk_memory_retain(INT64_C(1) << 30);
		for (int r = runs > 1 ? -1 : 0; r < runs; r++)
		{
			rk_ctx		ctx;
			double		start;

			rk_ctx_init(&ctx);
			ctx.threads = atoi(argv[3]);
			start = now();
			result = kernels[k].run(&ctx, &t);
			if (r >= 0)
				times[r] = now() - start;
			rk_ctx_destroy(&ctx);
		}
		qsort(times, runs, sizeof(double), compare);
		printf("{\"best\": %.9g, \"median\": %.9g, \"result\": %.17g}\n", times[0], times[runs / 2], result);
		return 0;
	}
	fprintf(stderr, "usage: flows WHAT WIRES THREADS RUNS\n");
	return 2;
}
