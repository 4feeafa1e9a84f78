/*
 * monte_carlo.cu
 *	  Simulated profits and losses of a book with normal returns, as
 *	  src/risk/portfolio/monte_carlo_var.c.
 *
 * A thread makes one simulation, or with antithetic draws a pair: the draws of
 * the positions from Philox by the numbers of simulation and position, the
 * normal numbers by the functions that the CPU has too, and their products with
 * the weights, added in the order of the positions.  This file is compiled
 * without contraction of products and sums, as the CPU's normal numbers are, so
 * that the draws have the same bits.
 *
 * What is wanted of them are mostly some quantiles, the sum of a tail and two
 * moments: these are found where the simulations are, so that they do not go
 * over the bus (select.cuh).
 */
#include "select.cuh"

#include "../src/compute/normal.h"
#include "../src/compute/philox.h"

#define THREADS 128
#define STREAM_NORMAL 0
#define LAUNCH_DRAWS (INT64_C(1) << 28)	/* normal numbers of a launch */

/* The normal number of a word of Philox: rk_normal_quantile of its uniform. */
__device__ static inline double
normal_of(uint64_t word)
{
	double		u = rk_philox_uniform(word);
	double		q = u - 0.5;
	double		s;
	double		x;

	if (fabs(q) <= 0.425)
		return rk_normal_center(q);
	/* no number of 53 bits is small enough to be denormal */
	s = sqrt(-rk_log_of_half(q < 0 ? u : 1 - u));
	x = s <= 5 ? rk_normal_near_tail(s) : rk_normal_far_tail(s);
	return q < 0 ? -x : x;
}

template <bool ANTITHETIC> __global__ static void __launch_bounds__(THREADS)
simulate(const double *__restrict__ weight, int64_t n, uint64_t seed, double mean, int64_t first,
		 int64_t last, double *__restrict__ pnl)
{
	int64_t		simulation = first + global_thread() * (ANTITHETIC ? 2 : 1);
	double		sum = 0;

	if (simulation >= last)
		return;
	for (int64_t j = 0; j < n; j += 2)
	{
		uint32_t	x[4] = {(uint32_t) simulation, (uint32_t) (simulation >> 32), (uint32_t) (j / 2),
						STREAM_NORMAL};

		rk_philox_rounds(x, (uint32_t) seed, (uint32_t) (seed >> 32));
		sum += weight[j] * normal_of((uint64_t) x[0] << 32 | x[1]);
		if (j + 1 < n)
			sum += weight[j + 1] * normal_of((uint64_t) x[2] << 32 | x[3]);
	}
	pnl[simulation] = sum + mean;
	/* every product changes its sign, and so does the sum */
	if (ANTITHETIC && simulation + 1 < last)
		pnl[simulation + 1] = -sum + mean;
}

/* Makes all simulations. */
static void
simulate_book(rk_cuda_device *device, rk_cuda_call *call, const rk_cuda_monte_carlo_params *p, const double *weight,
			  int64_t n, double *pnl)
{
	/* of pairs, too */
	int64_t		step = max(LAUNCH_DRAWS / n, (int64_t) THREADS) & ~INT64_C(1);

	for (int64_t first = 0; first < p->simulations; first += step)
	{
		int64_t		last = min(first + step, p->simulations);

		if (stopped(call))
			stop_now();
		if (p->antithetic)
			RK_LAUNCH(simulate<true>, blocks_for((last - first + 1) / 2, THREADS), THREADS, device->stream)
				(weight, n, p->seed, p->mean, first, last, pnl);
		else
			RK_LAUNCH(simulate<false>, blocks_for(last - first, THREADS), THREADS, device->stream)
				(weight, n, p->seed, p->mean, first, last, pnl);
		check_launch();
		check(cudaStreamSynchronize(device->stream));
	}
	call->usage.bytes_moved += 8 * p->simulations;
}

void
run_monte_carlo(rk_cuda_device *device, rk_cuda_call *call)
{
	const rk_cuda_monte_carlo_params *p = (const rk_cuda_monte_carlo_params *) call->params;
	int64_t		n = call->input[0].bytes / (int64_t) sizeof(double);
	device_array<double> weight;
	device_array<double> pnl;

	if (p == nullptr || call->params_bytes != sizeof(*p) || n == 0 || call->input[0].data == nullptr ||
		p->simulations <= 0 || call->output[0].bytes != p->simulations * (int64_t) sizeof(double))
		decline("arrays of another shape than a simulation has");
	weight.load(device, (const double *) call->input[0].data, n, &call->usage);
	pnl.allocate(device, p->simulations);

	kernel_timer timer(device, &call->usage);

	simulate_book(device, call, p, weight.get(), n, pnl.get());
	timer.stop();
	pnl.store((double *) call->output[0].data, &call->usage);
	check(cudaStreamSynchronize(device->stream));
}

/* ---- measures ---- */

struct as_value
{
	__device__ double operator() (double x) const { return x; }
};

struct squared_from
{
	double		mean;

	__device__ double operator() (double x) const { return (x - mean) * (x - mean); }
};

struct if_below
{
	double		border;

	__device__ double operator() (double x) const { return x < border ? x : 0; }
};

void
run_monte_carlo_risk(rk_cuda_device *device, rk_cuda_call *call)
{
	const rk_cuda_monte_carlo_risk_params *p = (const rk_cuda_monte_carlo_risk_params *) call->params;
	int64_t		n = call->input[0].bytes / (int64_t) sizeof(double);
	const int64_t *ranks = (const int64_t *) call->input[1].data;
	int64_t		count = call->input[1].bytes / (int64_t) sizeof(int64_t);
	double	   *value = (double *) call->output[0].data;
	double	   *sums = (double *) call->output[1].data;
	int64_t		size;
	int64_t		wanted[SELECT_MOST];
	selected	found[SELECT_MOST];
	device_array<double> weight;
	device_array<double> pnl;
	double		mean;

	if (p == nullptr || call->params_bytes != sizeof(*p) || n == 0 || call->input[0].data == nullptr ||
		ranks == nullptr || count < 1 || count >= SELECT_MOST || p->book.simulations <= 0 || p->full < 0 ||
		p->full > p->book.simulations || call->output[0].bytes != count * (int64_t) sizeof(double) ||
		call->output[1].bytes != 3 * (int64_t) sizeof(double))
		decline("arrays of another shape than a simulation has");
	size = p->book.simulations;
	for (int64_t k = 0; k < count; k++)
	{
		if (ranks[k] < 0 || ranks[k] >= size)
			decline("a rank beyond the simulations");
		wanted[k] = ranks[k];
	}
	/* and the value that the tail ends with */
	wanted[count] = max(p->full - 1, INT64_C(0));
	weight.load(device, (const double *) call->input[0].data, n, &call->usage);
	pnl.allocate(device, size);

	kernel_timer timer(device, &call->usage);

	simulate_book(device, call, &p->book, weight.get(), n, pnl.get());
	select_ranks(device, pnl.get(), size, wanted, (int) count + 1, found);
	mean = add_up(device, pnl.get(), size, as_value()) / size;
	sums[0] = mean;
	sums[1] = size > 1 ? sqrt(add_up(device, pnl.get(), size, squared_from {mean}) / (size - 1)) : 0;
	sums[2] = 0;
	if (p->full > 0)
	{
		double		border = found[count].value;

		/* of those that are equal to it as many as are missing */
		sums[2] = add_up(device, pnl.get(), size, if_below {border}) + (p->full - found[count].smaller) * border;
	}
	timer.stop();
	for (int64_t k = 0; k < count; k++)
		value[k] = found[k].value;
	call->usage.bytes_from += call->output[0].bytes + call->output[1].bytes;
	call->usage.bytes_moved += 8 * 11 * size;
}
