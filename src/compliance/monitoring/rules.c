/*
 * rules.c
 *	  Rules of transaction monitoring: names, checks, what alerts say.
 */
#include "monitoring.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HOUR INT64_C(3600000000)

const char *const rk_mon_words[] = {"", "cash_withdrawal", "cash_deposit"};

static int
by_id(const void *a, const void *b)
{
	const rk_mon_rule *x = a;
	const rk_mon_rule *y = b;

	return x->id < y->id ? -1 : x->id > y->id;
}

rk_status
rk_mon_prepare(rk_ctx *ctx, rk_mon_rules *rules)
{
	if (rules->count > 1)
		qsort(rules->rules, rules->count, sizeof(rk_mon_rule), by_id);
	rules->counters = 0;
	rules->horizon = 0;
	for (uint32_t k = 0; k < rules->count; k++)
	{
		rk_mon_rule *r = &rules->rules[k];
		int64_t		horizon = 0;

		if (k > 0 && r->id == r[-1].id)
			return rk_fail(ctx, RK_ERR_DATA, "rule id %" PRId64 " is not unique", r->id);
		if (r->threshold < 0 || r->threshold > RK_MONEY_MAX)
			return rk_fail(ctx, RK_ERR_DATA, "threshold of rule %" PRId64 " must be from 0 to 10^20", r->id);
		if (r->time_window != RK_MON_NEVER && r->time_window <= 0)
			return rk_fail(ctx, RK_ERR_DATA, "time_window of rule %" PRId64 " must be above zero", r->id);
		if (r->time_window == RK_MON_NEVER && rk_mon_needs_window(r->type))
		{
			rk_fail(ctx, RK_ERR_DATA, "rule %" PRId64 " needs a time_window", r->id);
			rk_fail_detail(ctx, "Rules of type %s look at a window of time.", rk_mon_type_names[r->type]);
			return RK_ERR_DATA;
		}
		if (r->cooldown != RK_MON_NEVER && r->cooldown <= 0)
			return rk_fail(ctx, RK_ERR_DATA, "cooldown of rule %" PRId64 " must be above zero", r->id);
		r->limit = r->threshold;
		r->counter = 0;
		switch (r->type)
		{
			case RK_MON_VELOCITY:
				{
					/* the sum that makes sum * hour / window the threshold */
					__int128	product;

					if (__builtin_mul_overflow((__int128) r->threshold, (__int128) r->time_window, &product))
						return rk_fail(ctx, RK_ERR_DATA, "threshold of rule %" PRId64 " is too large for its window", r->id);
					r->limit = product / HOUR;
					if (r->comparison == RK_MON_AT_LEAST && product % HOUR != 0)
						r->limit++;
					break;
				}
			case RK_MON_DISTINCT_COUNTERPARTIES:
				r->counter = rules->counters++;
				break;
			case RK_MON_JUST_BELOW_THRESHOLD:
				/* the least of the amounts that are just below */
				r->limit = (r->threshold * 9 + 9) / 10;
				break;
			default:
				break;
		}
		if (r->enabled && rk_mon_needs_window(r->type))
			horizon = r->time_window;
		else if (r->enabled && r->type == RK_MON_CASH_AGGREGATE)
			horizon = 48 * HOUR;	/* covers any calendar day that a late event may belong to */
		if (horizon > rules->horizon)
			rules->horizon = horizon;
	}
	return RK_OK;
}

void
rk_mon_number(rk_decimal value, char text[48])
{
	char		digits[48];
	unsigned __int128 v = value < 0 ? -(unsigned __int128) value : (unsigned __int128) value;
	int			skip = 0;
	int			n = 0;
	char	   *out = text;

	while (skip < RK_MONEY_SCALE && v % 10 == 0)
	{
		v /= 10;
		skip++;
	}
	/* from the right, with the point where it belongs */
	for (int i = skip; v > 0 || i <= RK_MONEY_SCALE; i++)
	{
		if (i == RK_MONEY_SCALE && skip < RK_MONEY_SCALE)
			digits[n++] = '.';
		digits[n++] = '0' + (int) (v % 10);
		v /= 10;
	}
	if (value < 0)
		*out++ = '-';
	while (n > 0)
		*out++ = digits[--n];
	*out = '\0';
}

/* A time span in its largest whole unit. */
static void
span(int64_t us, char text[48])
{
	static const struct
	{
		int64_t		us;
		const char *name;
	}			units[] = {{24 * HOUR, "day"}, {HOUR, "hour"}, {60000000, "minute"}, {1000000, "second"},
	{1, "microsecond"}};

	for (int i = 0; i < 5; i++)
		if (us % units[i].us == 0 && us >= units[i].us)
		{
			snprintf(text, 48, "%" PRId64 " %s%s", us / units[i].us, units[i].name, us == units[i].us ? "" : "s");
			return;
		}
	snprintf(text, 48, "0 seconds");
}

/* A day since 2000-01-01 as a date. */
static void
date(int32_t day, char text[48])
{
	/* civil date from days, by eras of 400 years that begin on March 1 */
	int64_t		z = (int64_t) day + 730425;
	int64_t		era = (z >= 0 ? z : z - 146096) / 146097;
	int64_t		doe = z - era * 146097;
	int64_t		yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	int64_t		doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	int64_t		mp = (5 * doy + 2) / 153;
	int			month = (int) (mp < 10 ? mp + 3 : mp - 9);

	snprintf(text, 48, "%04" PRId64 "-%02d-%02d", yoe + era * 400 + (month <= 2), month,
			 (int) (doy - (153 * mp + 2) / 5 + 1));
}

void
rk_mon_describe(const rk_mon_alert *a, char text[RK_MON_MESSAGE_MAX])
{
	const rk_mon_rule *r = a->rule;
	const char *is = r->comparison == RK_MON_AT_LEAST ? "at least" : "above";
	char		value[48];
	char		threshold[48];
	char		window[48];

	rk_mon_number(a->value, value);
	rk_mon_number(r->threshold, threshold);
	span(r->time_window == RK_MON_NEVER ? 0 : r->time_window, window);
	switch (r->type)
	{
		case RK_MON_SINGLE_AMOUNT:
			snprintf(text, RK_MON_MESSAGE_MAX, "amount %s is %s %s", value, is, threshold);
			break;
		case RK_MON_AGGREGATE_AMOUNT:
			snprintf(text, RK_MON_MESSAGE_MAX, "amount %s within %s is %s %s", value, window, is, threshold);
			break;
		case RK_MON_TRANSACTION_COUNT:
			snprintf(text, RK_MON_MESSAGE_MAX, "number of transactions %s within %s is %s %s", value, window, is,
					 threshold);
			break;
		case RK_MON_VELOCITY:
			snprintf(text, RK_MON_MESSAGE_MAX, "amount per hour %s within %s is %s %s", value, window, is, threshold);
			break;
		case RK_MON_DISTINCT_COUNTERPARTIES:
			snprintf(text, RK_MON_MESSAGE_MAX, "number of counterparties %s within %s is %s %s", value, window, is,
					 threshold);
			break;
		case RK_MON_GEOGRAPHIC_RISK:
			snprintf(text, RK_MON_MESSAGE_MAX, "cross-border amount %s is %s %s", value, is, threshold);
			break;
		case RK_MON_DORMANT_REACTIVATION:
			span(a->idle, window);
			snprintf(text, RK_MON_MESSAGE_MAX, "amount %s after %s without activity is %s %s", value, window, is,
					 threshold);
			break;
		case RK_MON_JUST_BELOW_THRESHOLD:
			snprintf(text, RK_MON_MESSAGE_MAX, "%s amounts within %s are just below %s", value, window, threshold);
			break;
		case RK_MON_CASH_AGGREGATE:
			date(a->day, window);
			snprintf(text, RK_MON_MESSAGE_MAX, "cash %s of %s on %s are above %s",
					 a->cash == RK_MON_CASH_DEPOSIT ? "deposits" : "withdrawals", value, window, threshold);
			break;
	}
}
