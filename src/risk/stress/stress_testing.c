/*
 * stress_testing.c
 *	  What shocks of risk factors do to positions, and the most plausible shock
 *	  that does a given damage.
 */
#include "stress.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../../compute/parallel.h"

/* Digits kept beyond those of the result while terms are added. */
#define GUARD_DIGITS 8

static const struct
{
	const char *name;
	const char *factor;
}			aliases[] = {
	{"stock", "equity"}, {"index", "equity"}, {"rate", "interest_rate"}, {"ir", "interest_rate"},
	{"currency", "fx"}, {"credit", "credit_spread"}, {"vol", "volatility"}, {"vega", "volatility"}
};

rk_bytes
rk_risk_factor_name(rk_bytes name)
{
	for (size_t i = 0; i < sizeof(aliases) / sizeof(aliases[0]); i++)
		if (strlen(aliases[i].name) == name.length && memcmp(aliases[i].name, name.data, name.length) == 0)
			return (rk_bytes) {aliases[i].factor, strlen(aliases[i].factor)};
	return name;
}

static bool
is(rk_bytes name, const char *text)
{
	return strlen(text) == name.length && memcmp(text, name.data, name.length) == 0;
}

rk_factor_kind
rk_risk_factor_kind(rk_bytes name)
{
	if (is(name, "interest_rate"))
		return RK_FACTOR_RATE;
	if (is(name, "volatility"))
		return RK_FACTOR_VOLATILITY;
	if (is(name, "credit_spread"))
		return RK_FACTOR_CREDIT;
	if (is(name, "time"))
		return RK_FACTOR_TIME;
	return RK_FACTOR_RELATIVE;
}

/* ---- one position, one factor ---- */

/* a b as a decimal: exact while both are short, else the nearest double. */
static rk_amount
ratio_product(rk_amount a, rk_amount b)
{
	rk_amount	product;

	if (a.scale + b.scale <= RK_DECIMAL_MAX_SCALE &&
		rk_amount_multiply(a, b, a.scale + b.scale, &product))
		return product;
	return rk_amount_from_double(rk_amount_to_double(a) * rk_amount_to_double(b));
}

/* Adds factor * money, in the digits of the guard. */
static bool
add_term(rk_amount *sum, rk_amount factor, rk_amount money, int scale)
{
	rk_amount	term;

	return rk_amount_multiply(factor, money, scale, &term) && rk_amount_add(sum, term);
}

/* The money a shock of 1 moves, and half of what its square moves; of value 1. */
static void
orders(const rk_sensitivity *s, rk_factor_kind kind, double *first, double *second, bool *of_value)
{
	*first = 0;
	*second = 0;
	*of_value = true;
	switch (kind)
	{
		case RK_FACTOR_RATE:
			*first = s->rho;
			*second = s->convexity;
			break;
		case RK_FACTOR_CREDIT:
			*first = -s->spread_duration;
			break;
		case RK_FACTOR_VOLATILITY:
			*first = s->vega;
			*of_value = s->vega_of_value;
			break;
		case RK_FACTOR_TIME:
			*first = s->theta;
			*of_value = false;
			break;
		case RK_FACTOR_RELATIVE:
			*first = s->delta;
			*second = s->gamma;
			break;
	}
}

bool
rk_risk_stress_pnl(rk_amount value, rk_factor_kind kind, const rk_sensitivity *s, double shock, rk_amount *pnl)
{
	rk_amount	one = {1, 0};
	rk_amount	by = rk_amount_from_double(shock);
	int			scale = value.scale + 2;
	rk_amount	sum = {0, scale + GUARD_DIGITS};
	double		first;
	double		second;
	bool		of_value;

	orders(s, kind, &first, &second, &of_value);
	if (!add_term(&sum, ratio_product(rk_amount_from_double(first), by), of_value ? value : one, sum.scale))
		return false;
	if (second != 0)
	{
		rk_amount	half = ratio_product(rk_amount_from_double(second), (rk_amount) {5, 1});

		if (!add_term(&sum, ratio_product(ratio_product(half, by), by), value, sum.scale))
			return false;
	}
	pnl->value = rk_decimal_round_down(sum.value, GUARD_DIGITS);
	pnl->scale = scale;
	return true;
}

double
rk_risk_linear_exposure(double value, rk_factor_kind kind, const rk_sensitivity *s)
{
	double		first;
	double		second;
	bool		of_value;

	orders(s, kind, &first, &second, &of_value);
	return of_value ? first * value : first;
}

/* ---- all positions, all shocks ---- */

typedef struct stress_run
{
	const rk_stress_input *in;
	rk_stress_result *out;
	_Atomic bool overflow;
} stress_run;

static void
apply_shocks(void *arg, int64_t begin, int64_t end, int64_t chunk, int thread)
{
	stress_run *run = arg;
	const rk_stress_input *in = run->in;
	rk_stress_result *out = run->out;
	int64_t		low = 0;
	int64_t		high = in->shocks;

	(void) chunk;
	(void) thread;
	/* the shock that the first row belongs to */
	while (high - low > 1)
	{
		int64_t		middle = low + (high - low) / 2;

		if (out->offsets[middle] <= begin)
			low = middle;
		else
			high = middle;
	}
	for (int64_t row = begin; row < end; row++)
	{
		const rk_sensitivity *s;
		rk_amount	pnl;

		while (out->offsets[low + 1] <= row)
			low++;
		s = &in->sensitivities[in->factor_offsets[in->shock_factor[low]] + (row - out->offsets[low])];
		out->shock[row] = low;
		out->position[row] = s->position;
		if (!rk_risk_stress_pnl((rk_amount) {in->values[s->position], in->scale},
								in->kinds[in->shock_factor[low]], s, in->shock[low], &pnl))
		{
			run->overflow = true;
			return;
		}
		out->pnl[row] = pnl.value;
	}
}

rk_status
rk_risk_stress_testing(rk_ctx *ctx, const rk_stress_input *in, rk_stress_result *out)
{
	stress_run	run = {.in = in,.out = out};
	rk_status	status;

	*out = (rk_stress_result) {.offsets = rk_alloc(ctx, in->shocks + 1, sizeof(int64_t))};
	if (out->offsets == NULL)
		return RK_ERR_MEMORY;
	for (int64_t k = 0; k < in->shocks; k++)
	{
		uint32_t	f = in->shock_factor[k];

		out->offsets[k] = out->rows;
		out->rows += in->factor_offsets[f + 1] - in->factor_offsets[f];
	}
	out->offsets[in->shocks] = out->rows;
	out->shock = rk_alloc(ctx, out->rows, sizeof(int64_t));
	out->position = rk_alloc(ctx, out->rows, sizeof(int64_t));
	out->pnl = rk_alloc(ctx, out->rows, sizeof(rk_decimal));
	if (!out->shock || !out->position || !out->pnl)
		return RK_ERR_MEMORY;
	out->scale = in->scale + 2;
	status = rk_parallel_for(ctx, out->rows, 4096, apply_shocks, &run);
	if (status == RK_OK && run.overflow)
		status = rk_fail(ctx, RK_ERR_OVERFLOW, "stressed profit and loss is out of range");
	return status;
}

rk_status
rk_risk_stress_impacts(rk_ctx *ctx, const rk_stress_result *result, const int64_t *scenario_of_shock,
					   int64_t scenarios, rk_decimal *impact)
{
	for (int64_t s = 0; s < scenarios; s++)
		impact[s] = 0;
	for (int64_t row = 0; row < result->rows; row++)
	{
		__int128	sum;

		if (__builtin_add_overflow((__int128) impact[scenario_of_shock[result->shock[row]]],
								   (__int128) result->pnl[row], &sum))
			return rk_fail(ctx, RK_ERR_OVERFLOW, "impact of a scenario is out of range");
		impact[scenario_of_shock[result->shock[row]]] = sum;
		if ((row & 0xfffff) == 0 && rk_ctx_poll(ctx))
			return RK_STOPPED;
	}
	return RK_OK;
}

/* ---- reverse ---- */

rk_status
rk_risk_reverse_stress(rk_ctx *ctx, const double *exposure, const double *volatility, const double *correlations,
					   int64_t n, double target_loss, double *shock, double *contribution, double *distance)
{
	double		variance = 0;

	/* S d, and d' S d */
	for (int64_t i = 0; i < n; i++)
	{
		double		sum = 0;

		if (correlations == NULL)
			sum = volatility[i] * exposure[i];
		else
			for (int64_t j = 0; j < n; j++)
				sum += correlations[i * n + j] * volatility[j] * exposure[j];
		shock[i] = sum * volatility[i];
		variance += shock[i] * exposure[i];
	}
	if (!(variance > 0))
	{
		rk_fail(ctx, RK_ERR_DATA, "no shock of the factors leads to the target loss");
		rk_fail_detail(ctx, "No factor has both exposure and volatility, or they cancel.");
		return RK_ERR_DATA;
	}
	*distance = target_loss / sqrt(variance);
	for (int64_t i = 0; i < n; i++)
	{
		shock[i] = 0 - target_loss * shock[i] / variance;
		contribution[i] = exposure[i] * shock[i] + 0.0;
	}
	return RK_OK;
}
