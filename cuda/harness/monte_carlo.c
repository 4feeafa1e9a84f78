/*
 * monte_carlo.c
 *	  Simulated profits and losses on the device against those on the CPU.
 *
 * The draws have the same bits; sums differ at most by products and sums that
 * the CPU's compiler has contracted, by the order of correlated returns, and by
 * the last digits of exp and log.
 */
#include "book.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/compute/normal.h"

/* Factor of correlations that fall with the distance of two positions. */
static double *
make_factor(rk_ctx *ctx, int64_t n)
{
	double	   *factor = rk_alloc0(ctx, n * n, sizeof(double));
	double	   *matrix = rk_alloc(ctx, n * n, sizeof(double));

	if (!factor || !matrix)
		must(ctx, RK_ERR_MEMORY);
	for (int64_t i = 0; i < n; i++)
		for (int64_t j = 0; j < n; j++)
			matrix[i * n + j] = 0.3 + 0.7 * pow(-0.8, (double) llabs(i - j));
	must(ctx, rk_correlation_factor(ctx, matrix, n, factor));
	return factor;
}

void
make_book(rk_ctx *ctx, harness_book *b, bool correlated, rk_cuda_call *call)
{
	int64_t		n = b->p.count;
	rk_simulation *s = &b->s;
	double	   *value = make_numbers(ctx, s->seed, n, 1e6);
	double	   *volatility = make_numbers(ctx, s->seed + 1, n, 0.4);
	double	   *weight = rk_alloc(ctx, n, sizeof(double));
	double	   *drift = rk_alloc(ctx, n, sizeof(double));
	double	   *spread = rk_alloc(ctx, n, sizeof(double));
	uint32_t   *directions = NULL;
	uint64_t   *shifts = NULL;
	int64_t		d = rk_risk_dimensions(n, s);

	if (!weight || !drift || !spread)
		must(ctx, RK_ERR_MEMORY);
	/* a book that is worth nothing has equal results */
	for (int64_t j = 0; j < n && s->seed % 5 == 0; j++)
		value[j] = 0;
	for (int64_t j = 0; j < n; j++)
		volatility[j] = fabs(volatility[j]);
	b->p.value = value;
	b->p.volatility = volatility;
	b->p.expected_return = make_numbers(ctx, s->seed + 2, n, 0.05);
	b->p.factor = correlated ? make_factor(ctx, n) : NULL;
	b->params = (rk_cuda_monte_carlo_params) {
		.simulations = s->simulations, .seed = s->seed, .antithetic = s->antithetic, .geometric = s->geometric,
		.degrees_of_freedom = s->distribution == RK_STUDENT_T ? s->degrees_of_freedom : 0
	};
	must(ctx, rk_risk_book_weights(ctx, &b->p, s, weight, &b->params.mean));
	rk_risk_price_moves(&b->p, s, drift, spread);
	call->input[0] = (rk_cuda_input) {s->geometric ? value : weight, n * (int64_t) sizeof(double)};
	if (s->geometric)
	{
		call->input[1] = (rk_cuda_input) {drift, n * (int64_t) sizeof(double)};
		call->input[2] = (rk_cuda_input) {spread, n * (int64_t) sizeof(double)};
		if (correlated)
			call->input[3] = (rk_cuda_input) {b->p.factor, n * n * (int64_t) sizeof(double)};
	}
	if (s->sobol)
	{
		must(ctx, rk_risk_sobol(ctx, &b->p, s, &directions, &shifts));
		call->input[4] = (rk_cuda_input) {directions, d * 32 * (int64_t) sizeof(uint32_t)};
		call->input[5] = (rk_cuda_input) {shifts, d * (int64_t) sizeof(uint64_t)};
	}
}

rk_simulation
simulation_of(int64_t simulations, const char *kind, uint64_t seed)
{
	rk_simulation s = {
		.confidence = 0.99, .years = 0.04, .simulations = simulations,
		.degrees_of_freedom = 5, .seed = seed
	};

	s.antithetic = strstr(kind, "antithetic") != NULL;
	s.sobol = strstr(kind, "sobol") != NULL;
	s.geometric = strstr(kind, "lognormal") != NULL;
	s.distribution = strstr(kind, "student") ? RK_STUDENT_T : RK_NORMAL;
	if (strstr(kind, "student nearly normal"))
		s.degrees_of_freedom = 3000.5;
	if (strstr(kind, "student wild"))
		s.degrees_of_freedom = 2.01;
	return s;
}

static void
check_case(harness *h, int64_t n, int64_t simulations, const char *kind, uint64_t seed)
{
	char		what[80];
	char		difference[40];
	rk_ctx		ctx;
	harness_book b = {
		.p = {.count = n}, .s = simulation_of((int64_t) ceil(simulations * h->scale), kind, seed)
	};
	rk_cuda_call call = {.kernel = RK_CUDA_MONTE_CARLO, .params = &b.params, .params_bytes = sizeof(b.params)};
	double	   *cpu;
	double	   *device;
	double		cpu_seconds;
	double		device_seconds;

	begin_ctx(h, &ctx);
	make_book(&ctx, &b, strstr(kind, "correlated") != NULL, &call);
	cpu = rk_alloc(&ctx, b.s.simulations, sizeof(double));
	device = rk_alloc(&ctx, b.s.simulations, sizeof(double));
	snprintf(what, sizeof(what), "%lld positions%s", (long long) n, kind);
	cpu_seconds = now();
	must(&ctx, rk_risk_simulate(&ctx, &b.p, &b.s, cpu));
	cpu_seconds = now() - cpu_seconds;
	call.output[0] = (rk_cuda_output) {device, b.s.simulations * (int64_t) sizeof(double)};
	if (run_device(h, what, &call, &device_seconds))
	{
		double		d = largest_relative(cpu, device, b.s.simulations);

		snprintf(difference, sizeof(difference), "%.1e", d);
		/* a chi-square number is the end of some steps */
		report(h, what, d <= (b.s.distribution == RK_STUDENT_T ? 1e-12 : 1e-13), difference, cpu_seconds, device_seconds, &call.usage);
	}
	rk_ctx_destroy(&ctx);
}

/* The largest uniform number, which a shift of ones makes of the first point of Sobol's sequence. */
static void
check_largest(harness *h)
{
	static const double one = 1;
	uint32_t	directions[32] = {1};
	uint64_t	shift = UINT64_MAX;
	double		pnl;
	rk_cuda_monte_carlo_params params = {.simulations = 1};
	rk_cuda_call call = {.kernel = RK_CUDA_MONTE_CARLO, .params = &params, .params_bytes = sizeof(params)};
	double		seconds;

	call.input[0] = (rk_cuda_input) {&one, sizeof(one)};
	call.input[4] = (rk_cuda_input) {directions, sizeof(directions)};
	call.input[5] = (rk_cuda_input) {&shift, sizeof(shift)};
	call.output[0] = (rk_cuda_output) {&pnl, sizeof(pnl)};
	if (run_device(h, "the largest draw", &call, &seconds))
		report(h, "the largest draw", pnl == rk_normal_quantile(1 - 0x1p-53), "", 0, seconds, &call.usage);
}

void
check_monte_carlo(harness *h)
{
	static const char *const kinds[] = {
		"", " antithetic", " student", " student antithetic", " student wild", " student nearly normal", " sobol",
		" sobol antithetic", " sobol student antithetic", " lognormal", " lognormal antithetic student",
		" lognormal sobol", " correlated", " lognormal correlated", " lognormal correlated antithetic",
		" lognormal correlated student", " lognormal correlated sobol student antithetic"
	};

	check_largest(h);
	check_case(h, 1, 20000, "", 1);
	check_case(h, 1, 20001, " antithetic", 2);
	check_case(h, 501, 301, "", UINT64_MAX);
	check_case(h, 300, 1001, " lognormal correlated antithetic", UINT64_MAX);
	for (int k = 0; k < (int) (sizeof(kinds) / sizeof(kinds[0])); k++)
	{
		check_case(h, 1, 2001, kinds[k], 6 + k);
		check_case(h, 21, 3001, kinds[k], UINT64_C(0xdeadbeefcafe) + k);
		check_case(h, 64, 1000, kinds[k], 4 + k);
	}
}

/* Measures from ranks and sums of the device against those of the CPU. */
static void
check_measures(harness *h, int64_t n, int64_t simulations, double confidence, const char *kind, uint64_t seed)
{
	char		what[80];
	char		difference[40];
	rk_ctx		ctx;
	harness_book b = {
		.p = {.count = n}, .s = simulation_of((int64_t) ceil(simulations * h->scale), kind, seed)
	};
	rk_cuda_monte_carlo_risk_params params;
	rk_cuda_call call = {.kernel = RK_CUDA_MONTE_CARLO_RISK, .params = &params, .params_bytes = sizeof(params)};
	rk_simulated_sample sample;
	rk_simulated_risk cpu;
	rk_simulated_risk device;
	double	   *pnl;
	double		cpu_seconds;
	double		device_seconds;

	begin_ctx(h, &ctx);
	b.s.confidence = confidence;
	make_book(&ctx, &b, strstr(kind, "correlated") != NULL, &call);
	pnl = rk_alloc(&ctx, b.s.simulations, sizeof(double));
	snprintf(what, sizeof(what), "measures of %lld simulations at %g%s", (long long) b.s.simulations, confidence, kind);
	cpu_seconds = now();
	must(&ctx, rk_risk_simulate(&ctx, &b.p, &b.s, pnl));
	must(&ctx, rk_risk_simulated_measures(&ctx, &b.p, &b.s, pnl, &cpu));
	cpu_seconds = now() - cpu_seconds;
	rk_risk_simulated_sample(&b.s, &sample);
	params = (rk_cuda_monte_carlo_risk_params) {b.params, sample.full};
	call.input[6] = (rk_cuda_input) {sample.ranks, sample.count * (int64_t) sizeof(int64_t)};
	call.output[0] = (rk_cuda_output) {sample.value, sample.count * (int64_t) sizeof(double)};
	call.output[1] = (rk_cuda_output) {sample.moments, sizeof(sample.moments)};
	if (run_device(h, what, &call, &device_seconds))
	{
		double		d;

		rk_risk_sample_measures(&b.p, &b.s, &sample, &device);
		/* the structs are doubles throughout */
		d = largest_relative((const double *) &cpu, (const double *) &device, sizeof(cpu) / sizeof(double));
		snprintf(difference, sizeof(difference), "%.1e", d);
		report(h, what, d <= 1e-12, difference, cpu_seconds, device_seconds, &call.usage);
	}
	rk_ctx_destroy(&ctx);
}

/* Parts of a book from sums of the device against those of the CPU. */
static void
check_parts(harness *h, int64_t n, int64_t simulations, double confidence, const char *kind, uint64_t seed)
{
	char		what[80];
	char		difference[40];
	rk_ctx		ctx;
	harness_book b = {
		.p = {.count = n}, .s = simulation_of((int64_t) ceil(simulations * h->scale), kind, seed)
	};
	rk_cuda_monte_carlo_parts_params params;
	rk_cuda_call call = {.kernel = RK_CUDA_MONTE_CARLO_PARTS, .params = &params, .params_bytes = sizeof(params)};
	rk_simulated_sample sample;
	rk_simulated_risk cpu;
	rk_simulated_risk device;
	double	   *parts[2];
	rk_risk_components of[2];
	double	   *sums;
	double		cpu_seconds;
	double		device_seconds;

	begin_ctx(h, &ctx);
	b.s.confidence = confidence;
	make_book(&ctx, &b, strstr(kind, "correlated") != NULL, &call);
	sums = rk_alloc(&ctx, 3 * n, sizeof(double));
	for (int k = 0; k < 2; k++)
	{
		parts[k] = rk_alloc(&ctx, 3 * n, sizeof(double));
		of[k] = (rk_risk_components) {parts[k], parts[k] + n, parts[k] + 2 * n};
	}
	if (!sums || !parts[0] || !parts[1])
		must(&ctx, RK_ERR_MEMORY);
	snprintf(what, sizeof(what), "parts of %lld at %g%s", (long long) n, confidence, kind);
	cpu_seconds = now();
	must(&ctx, rk_risk_monte_carlo_components(&ctx, &b.p, &b.s, NULL, &cpu, &of[0]));
	cpu_seconds = now() - cpu_seconds;
	rk_risk_simulated_sample(&b.s, &sample);
	params = (rk_cuda_monte_carlo_parts_params) {
		{b.params, sample.full}, rk_tail_of(b.s.simulations, confidence).mass
	};
	call.input[6] = (rk_cuda_input) {sample.ranks, sample.count * (int64_t) sizeof(int64_t)};
	call.output[0] = (rk_cuda_output) {sample.value, sample.count * (int64_t) sizeof(double)};
	call.output[1] = (rk_cuda_output) {sample.moments, sizeof(sample.moments)};
	call.output[2] = (rk_cuda_output) {sums, 3 * n * (int64_t) sizeof(double)};
	if (run_device(h, what, &call, &device_seconds))
	{
		double		d;

		rk_risk_sample_measures(&b.p, &b.s, &sample, &device);
		must(&ctx, rk_risk_components_of_sums(&ctx, &b.p, &b.s, &device, sums, &of[1]));
		d = largest_relative((const double *) &cpu, (const double *) &device, sizeof(cpu) / sizeof(double));
		for (int k = 0; k < 3; k++)
			d = fmax(d, largest_relative(parts[0] + k * n, parts[1] + k * n, n));
		snprintf(difference, sizeof(difference), "%.1e", d);
		report(h, what, d <= 1e-10, difference, cpu_seconds, device_seconds, &call.usage);
	}
	rk_ctx_destroy(&ctx);
}

void
check_monte_carlo_parts(harness *h)
{
	check_parts(h, 1, 101, 0.99, " lognormal", 1);
	check_parts(h, 3, 1000, 0.975, " lognormal antithetic", 5);
	check_parts(h, 12, 5001, 0.99, " lognormal correlated antithetic", 7);
	check_parts(h, 30, 9000, 0.95, " lognormal correlated student", 8);
	check_parts(h, 40, 4096, 0.99, " lognormal sobol student antithetic", 9);
	check_parts(h, 70, 2001, 0.999, " lognormal correlated sobol", 11);
	check_parts(h, 300, 301, 0.9, " lognormal correlated student antithetic", 12);
}

void
check_monte_carlo_risk(harness *h)
{
	check_measures(h, 1, 1, 0.99, "", 1);
	check_measures(h, 1, 2, 0.5, " antithetic", 2);
	check_measures(h, 3, 101, 0.99, "", 3);
	check_measures(h, 3, 1000, 0.975, " antithetic", 5);
	check_measures(h, 7, 70001, 0.99, " antithetic", 7);
	check_measures(h, 20, 5000, 0.9999, "", 8);
	check_measures(h, 2, 66000, 0.5, "", 9);
	check_measures(h, 7, 20001, 0.99, " student", 11);
	check_measures(h, 30, 5000, 0.975, " sobol lognormal", 12);
	check_measures(h, 30, 5001, 0.99, " lognormal correlated student antithetic", 13);
	check_measures(h, 30, 4096, 0.99, " lognormal correlated sobol student", 15);
}
