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

/* What its owner has written; false beyond 38 digits. */
static bool
as_written(double x, rk_decimal *value, int32_t *scale)
{
	rk_amount	a = rk_amount_from_double(x);

	*value = a.value;
	*scale = a.scale;
	return fabs(x) < 1e38;
}

static bool
make_line(rk_factor_kind kind, const rk_sensitivity *s, rk_stress_line *line)
{
	double		first;
	double		second;
	bool		of_value;
	rk_amount	half;

	orders(s, kind, &first, &second, &of_value);
	*line = (rk_stress_line) {.position = (int32_t) s->position,.of_value = of_value};
	if (!as_written(first, &line->first, &line->first_scale))
		return false;
	if (second == 0)
		return true;
	half = rk_amount_from_double(second);
	line->half_scale = half.scale + 1;
	return fabs(second) < 1e37 && rk_amount_multiply(half, (rk_amount) {5, 0}, half.scale, &half) &&
		((line->half = half.value), true);
}

bool
rk_risk_stress_pnl(rk_amount value, rk_factor_kind kind, const rk_sensitivity *s, double shock, rk_amount *pnl)
{
	rk_stress_line line;
	rk_stress_shock by = {0};

	pnl->scale = value.scale + RK_STRESS_DIGITS;
	return make_line(kind, s, &line) && as_written(shock, &by.by, &by.scale) &&
		rk_stress_pnl(value.value, value.scale, &line, &by, &pnl->value);
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
	rk_ctx	   *ctx;
	const rk_stress_input *in;
	const rk_stress_grid *grid;
	rk_decimal *out;
	_Atomic bool overflow;
} stress_run;

static rk_status
out_of_range(rk_ctx *ctx)
{
	return rk_fail(ctx, RK_ERR_OVERFLOW, "stressed profit and loss is out of range");
}

/* The part of rising offsets[parts + 1] that an entry belongs to; some may be empty. */
static int64_t
part_of(const int64_t *offsets, int64_t parts, int64_t entry)
{
	int64_t		low = 0;
	int64_t		high = parts;

	while (high - low > 1)
	{
		int64_t		middle = low + (high - low) / 2;

		if (offsets[middle] <= entry)
			low = middle;
		else
			high = middle;
	}
	return low;
}

static void
make_lines(void *arg, int64_t begin, int64_t end, int64_t chunk, int thread)
{
	stress_run *run = arg;
	const rk_stress_input *in = run->in;
	int64_t		factor = part_of(in->factor_offsets, in->factors, begin);

	(void) chunk;
	(void) thread;
	for (int64_t i = begin; i < end; i++)
	{
		while (in->factor_offsets[factor + 1] <= i)
			factor++;
		if (!make_line(in->kinds[factor], &in->sensitivities[i], &run->grid->lines[i]))
			run->overflow = true;
	}
}

rk_status
rk_risk_stress_grid(rk_ctx *ctx, const rk_stress_input *in, rk_stress_grid *grid)
{
	int64_t		lines = in->factor_offsets[in->factors];
	stress_run	run = {.ctx = ctx,.in = in,.grid = grid};
	rk_status	status;

	*grid = (rk_stress_grid) {
		.values = in->values,.scale = in->scale,.factors = in->factors,.factor_offsets = in->factor_offsets,
		.lines = rk_alloc(ctx, lines, sizeof(rk_stress_line)),
		.shocks = in->shocks,.shock = rk_alloc(ctx, in->shocks, sizeof(rk_stress_shock)),
		.offsets = rk_alloc(ctx, in->shocks + 1, sizeof(int64_t))
	};
	if (!grid->lines || !grid->shock || !grid->offsets)
		return RK_ERR_MEMORY;
	for (int64_t k = 0; k < in->shocks; k++)
	{
		uint32_t	f = in->shock_factor[k];

		grid->shock[k] = (rk_stress_shock) {.factor = f};
		if (!as_written(in->shock[k], &grid->shock[k].by, &grid->shock[k].scale))
			run.overflow = true;
		grid->offsets[k] = grid->rows;
		grid->rows += in->factor_offsets[f + 1] - in->factor_offsets[f];
	}
	grid->offsets[in->shocks] = grid->rows;
	status = rk_parallel_for(ctx, lines, 8192, make_lines, &run);
	/* without rows no number counts */
	return status == RK_OK && run.overflow && grid->rows > 0 ? out_of_range(ctx) : status;
}

static void
make_rows(void *arg, int64_t begin, int64_t end, int64_t chunk, int thread)
{
	stress_run *run = arg;
	const rk_stress_grid *g = run->grid;
	int64_t		shock = part_of(g->offsets, g->shocks, begin);

	(void) chunk;
	(void) thread;
	for (int64_t row = begin; row < end; row++)
	{
		const rk_stress_line *line;

		while (g->offsets[shock + 1] <= row)
			shock++;
		line = &g->lines[g->factor_offsets[g->shock[shock].factor] + (row - g->offsets[shock])];
		if (!rk_stress_pnl(g->values[line->position], g->scale, line, &g->shock[shock], &run->out[row]))
			run->overflow = true;
	}
}

rk_status
rk_risk_stress_rows(rk_ctx *ctx, const rk_stress_grid *grid, rk_decimal *pnl)
{
	stress_run	run = {.ctx = ctx,.grid = grid,.out = pnl};
	rk_status	status = rk_parallel_for(ctx, grid->rows, 4096, make_rows, &run);

	return status == RK_OK && run.overflow ? out_of_range(ctx) : status;
}

rk_status
rk_risk_stress_index(rk_ctx *ctx, const rk_stress_grid *grid, uint32_t *shock, uint32_t *position)
{
	for (int64_t k = 0; k < grid->shocks; k++)
	{
		const rk_stress_line *line = &grid->lines[grid->factor_offsets[grid->shock[k].factor]];
		int64_t		first = grid->offsets[k];

		if (rk_ctx_poll(ctx))
			return RK_STOPPED;
		for (int64_t row = first; row < grid->offsets[k + 1]; row++)
		{
			shock[row] = (uint32_t) k;
			position[row] = (uint32_t) line[row - first].position;
		}
	}
	return RK_OK;
}

#define SUM_LOOK 4096			/* rows between looks at the stop */

static void
add_rows(void *arg, int64_t begin, int64_t end, int64_t chunk, int thread)
{
	stress_run *run = arg;
	const rk_stress_grid *g = run->grid;

	(void) chunk;
	for (int64_t shock = begin; shock < end; shock++)
	{
		const rk_stress_shock *by = &g->shock[shock];
		const rk_stress_line *line = &g->lines[g->factor_offsets[by->factor]];
		int64_t		count = g->offsets[shock + 1] - g->offsets[shock];
		__int128	sum = 0;

		for (int64_t i = 0; i < count; i++)
		{
			rk_decimal	pnl;

			if ((i & (SUM_LOOK - 1)) == 0 && rk_chunk_should_stop(run->ctx, thread))
				return;
			if (!rk_stress_pnl(g->values[line[i].position], g->scale, &line[i], by, &pnl) ||
				__builtin_add_overflow(sum, (__int128) pnl, &sum))
				run->overflow = true;
		}
		run->out[shock] = sum;
	}
}

rk_status
rk_risk_stress_sums(rk_ctx *ctx, const rk_stress_grid *grid, rk_decimal *sum)
{
	stress_run	run = {.ctx = ctx,.grid = grid,.out = sum};
	rk_status	status = rk_parallel_for(ctx, grid->shocks, 1, add_rows, &run);

	return status == RK_OK && run.overflow ? out_of_range(ctx) : status;
}

rk_status
rk_risk_stress_impacts(rk_ctx *ctx, const rk_decimal *sum, const int64_t *scenario_of_shock, int64_t shocks,
					   int64_t scenarios, rk_decimal *impact)
{
	for (int64_t s = 0; s < scenarios; s++)
		impact[s] = 0;
	for (int64_t k = 0; k < shocks; k++)
	{
		__int128	total;

		if (__builtin_add_overflow((__int128) impact[scenario_of_shock[k]], (__int128) sum[k], &total))
			return rk_fail(ctx, RK_ERR_OVERFLOW, "impact of a scenario is out of range");
		impact[scenario_of_shock[k]] = total;
		if ((k & 0xfffff) == 0 && rk_ctx_poll(ctx))
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
