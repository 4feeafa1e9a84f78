/*
 * monte_carlo.cu
 *	  Simulated profits and losses of a book, as
 *	  src/risk/portfolio/monte_carlo_var.c.
 *
 * A thread makes one simulation, or with antithetic draws a pair: the draws of
 * the positions from Philox by the numbers of simulation and position, or from
 * Sobol's sequence, the normal numbers by the functions that the CPU has too
 * (draw_batch), and what they come to, added in the order of the positions.  Student's returns
 * need one chi-square number of a simulation, which is made before, since
 * threads differ in how long that takes.  This file is compiled without
 * contraction of products and sums, as the CPU's normal numbers are, so that the
 * draws have the same bits.
 *
 * Lognormal prices with correlations need the correlated returns themselves: the
 * product of a lower triangle with the draws of many simulations, in tiles that
 * go through shared memory, whose numbers become prices where they are made.
 *
 * What is wanted of simulations are mostly some quantiles, the sum of a tail and
 * two moments: these are found where the simulations are, so that they do not go
 * over the bus (select.cuh).
 */
#include "scan.cuh"
#include "select.cuh"

#include <math.h>

#include "../src/compute/gamma_quantile.h"
#include "../src/compute/normal.h"
#include "../src/compute/philox.h"
#include "../src/compute/sobol_point.h"

#define THREADS 128
#define STREAM_NORMAL 0
#define STREAM_CHI_SQUARE 1
#define LAUNCH_DRAWS (INT64_C(1) << 28)	/* normal numbers of a launch */

/* What is simulated; arrays are on the device. */
struct book
{
	int64_t		n;				/* positions */
	int64_t		simulations;
	uint64_t	seed;
	double		mean;
	double		nu;				/* degrees of freedom; 0: normal returns */
	double		log_gamma;		/* of half of them */
	bool		antithetic;
	bool		geometric;
	const double *weight;		/* geometric: values */
	const double *drift;
	const double *spread;
	const double *factor;		/* NULL: no correlations */
	const uint32_t *directions; /* NULL: Philox */
	const uint64_t *shifts;
};

/* Those arrays. */
struct book_arrays
{
	device_array<double> weight;
	device_array<double> drift;
	device_array<double> spread;
	device_array<double> factor;
	device_array<uint32_t> directions;
	device_array<uint64_t> shifts;
};

/* ---- draws ---- */

/* rk_normal_quantile of a uniform number, where it is farther than 0.425 from 1/2. */
__device__ static inline double
normal_tail(double u)
{
	/* no number of 53 bits is small enough to be denormal */
	double		s = sqrt(-rk_log_of_half(u < 0.5 ? u : 1 - u));
	double		x = s <= 5 ? rk_normal_near_tail(s) : rk_normal_far_tail(s);

	return u < 0.5 ? -x : x;
}

/* The same, anywhere. */
__device__ static inline double
normal_of(double u)
{
	return fabs(u - 0.5) <= 0.425 ? rk_normal_center(u - 0.5) : normal_tail(u);
}

__device__ static inline double
sobol_uniform(const book &b, int64_t dimension, uint64_t point)
{
	uint64_t	bits = (uint64_t) rk_sobol_bits(b.directions + dimension * RK_SOBOL_BITS, (uint32_t) point) << 32;

	return rk_philox_uniform(bits ^ b.shifts[dimension]);
}

/* Uniform draws of positions j, which is even, and j + 1. */
template <bool SOBOL> __device__ static inline void
uniform_two(const book &b, int64_t simulation, int64_t point, int64_t j, double *even, double *odd)
{
	if (SOBOL)
	{
		*even = sobol_uniform(b, j, point);
		*odd = j + 1 < b.n ? sobol_uniform(b, j + 1, point) : 0.5;
	}
	else
	{
		uint32_t	x[4] = {(uint32_t) simulation, (uint32_t) (simulation >> 32), (uint32_t) (j / 2), STREAM_NORMAL};

		rk_philox_rounds(x, (uint32_t) b.seed, (uint32_t) (b.seed >> 32));
		*even = rk_philox_uniform((uint64_t) x[0] << 32 | x[1]);
		*odd = rk_philox_uniform((uint64_t) x[2] << 32 | x[3]);
	}
}

#define BATCH 16				/* positions that a warp draws for at a time */
#define AT_ONCE 4				/* of a thread: constants are loaded once for them */

/* Draws of the simulations of a warp, and which of them wait for the function of the tails. */
struct warp_draws
{
	double		z[BATCH][32];
	uint16_t	waiting[BATCH * 32];
};

/*
 * Normal draws of positions j to j + count - 1, j even, for the simulation of
 * each lane: the first one of a pair with antithetic draws.  point is its number
 * of all that differ.  All lanes call it.
 *
 * Nearly every warp has both draws of the centre and draws of the tails, which
 * take twice as long and are 15 %.  So these are collected, and taken by full
 * warps.
 */
template <bool SOBOL> __device__ static inline void
draw_batch(const book &b, int64_t simulation, int64_t point, int64_t j, int count, warp_draws *w)
{
	int			lane = threadIdx.x % 32;
	int			waiting = 0;

	for (int k = 0; k < count; k += AT_ONCE)
	{
		double		u[AT_ONCE];
		double		above[AT_ONCE];
		double		below[AT_ONCE];

RK_UNROLL
		for (int i = 0; i < AT_ONCE; i += 2)
		{
			u[i] = u[i + 1] = 0.5;
			if (k + i < count)
				uniform_two<SOBOL>(b, simulation, point, j + k + i, &u[i], &u[i + 1]);
		}
RK_UNROLL
		for (int i = 0; i < AT_ONCE; i++)
			rk_normal_center_parts(u[i] - 0.5, &above[i], &below[i]);
RK_UNROLL
		for (int i = 0; i < AT_ONCE; i++)
		{
			bool		tail = fabs(u[i] - 0.5) > 0.425 && k + i < count;
			unsigned	mask = __ballot_sync(FULL_WARP, tail);

			if (tail)
				w->waiting[waiting + __popc(mask & ((1u << lane) - 1))] = (uint16_t) (32 * (k + i) + lane);
			waiting += __popc(mask);
			w->z[k + i][lane] = tail ? u[i] : (u[i] - 0.5) * (above[i] / below[i]);
		}
	}
	__syncwarp();
	for (int i = lane; i < waiting; i += 32)
	{
		double	   *z = &w->z[0][0] + w->waiting[i];

		*z = normal_tail(*z);
	}
	__syncwarp();
}

/* Factors that make normal returns Student's with the same variance, where the profits will be. */
template <bool SOBOL> __global__ static void __launch_bounds__(THREADS)
make_tails(book b, int64_t first, int64_t last, double *__restrict__ tail)
{
	int64_t		simulation = first + global_thread();
	double		u;

	if (simulation >= last)
		return;
	if (SOBOL)
		u = sobol_uniform(b, b.n, b.antithetic ? simulation / 2 : simulation);
	else
		u = rk_philox_uniform(rk_philox_word(b.seed, simulation, 0, STREAM_CHI_SQUARE, 0));
	tail[simulation] = sqrt((b.nu - 2) / (2 * rk_gamma_quantile_from(0.5 * b.nu, u, b.log_gamma, normal_of(u))));
}

/* ---- simulations that need no correlated returns ---- */

/* Profit and loss of position j from its standardised return. */
__device__ static inline double
price_move(const book &b, int64_t j, double z)
{
	return b.weight[j] * (exp(b.drift[j] + b.spread[j] * z) - 1);
}

template <bool ANTITHETIC, bool SOBOL, bool GEOMETRIC> __global__ static void __launch_bounds__(THREADS)
simulate(book b, int64_t first, int64_t last, double *__restrict__ pnl)
{
	__shared__ warp_draws drawn[THREADS / 32];
	warp_draws *mine = &drawn[threadIdx.x / 32];
	int			lane = threadIdx.x % 32;
	int64_t		simulation = first + global_thread() * (ANTITHETIC ? 2 : 1);
	bool		there = simulation < last;
	bool		paired = ANTITHETIC && simulation + 1 < last;
	double		tail = 1;
	double		paired_tail = 1;
	double		sum = 0;
	double		paired_sum = 0;

	/* lanes beyond the end draw with the others */
	if (!__any_sync(FULL_WARP, there))
		return;
	if (b.nu > 0)
	{
		tail = there ? pnl[simulation] : 1;
		paired_tail = paired ? pnl[simulation + 1] : 1;
	}
	for (int64_t j = 0; j < b.n; j += BATCH)
	{
		int			count = (int) min(b.n - j, (int64_t) BATCH);

		draw_batch<SOBOL>(b, simulation, ANTITHETIC ? simulation / 2 : simulation, j, count, mine);
		for (int k = 0; k < count; k++)
		{
			double		draw = mine->z[k][lane];

			sum += GEOMETRIC ? price_move(b, j + k, draw * tail) : b.weight[j + k] * draw;
			if (GEOMETRIC && ANTITHETIC)
				paired_sum += price_move(b, j + k, -draw * paired_tail);
		}
	}
	if (!there)
		return;
	if (GEOMETRIC)
	{
		pnl[simulation] = sum;
		if (paired)
			pnl[simulation + 1] = paired_sum;
	}
	else
	{
		pnl[simulation] = sum * tail + b.mean;
		/* every product changes its sign, and so does the sum */
		if (paired)
			pnl[simulation + 1] = -sum * paired_tail + b.mean;
	}
}

/* Makes simulations [first, last), first even. */
static void
launch_simulations(rk_cuda_device *device, const book &b, int64_t first, int64_t last, double *pnl)
{
	int64_t		threads = b.antithetic ? (last - first + 1) / 2 : last - first;
	int			which = (b.antithetic ? 1 : 0) + (b.directions ? 2 : 0) + (b.geometric ? 4 : 0);

	switch (which)
	{
#define CASE(k) \
		case k: \
			RK_LAUNCH((simulate<(k & 1) != 0, (k & 2) != 0, (k & 4) != 0>), blocks_for(threads, THREADS), THREADS, \
					  device->stream) (b, first, last, pnl); \
			break;
		CASE(0)
		CASE(1)
		CASE(2)
		CASE(3)
		CASE(4)
		CASE(5)
		CASE(6)
		CASE(7)
#undef CASE
	}
	check_launch();
}

/* ---- correlated lognormal prices ---- */

#define TILE_THREADS 256		/* 16 groups of rows by 16 of columns */
#define TILE_COLUMNS 64			/* draws of simulations, 4 of a thread */
#define TILE_DEPTH 16
#define TILE_PAD 1
#define CHUNK_ROWS 256			/* positions that a block goes through */
#define DRAWN (INT64_C(1) << 23)	/* normal numbers that are kept at a time, which caches hold */

/*
 * e[j][column]: draw of position j for each simulation, or pair, from first on.
 * A warp has 32 columns, which are a multiple of that, of BATCH positions.
 */
template <bool SOBOL> __global__ static void __launch_bounds__(THREADS)
draw_all(book b, int64_t first, int64_t columns, double *__restrict__ e)
{
	__shared__ warp_draws drawn[THREADS / 32];
	warp_draws *mine = &drawn[threadIdx.x / 32];
	int64_t		column = global_thread() % columns;
	int64_t		j = global_thread() / columns * BATCH;
	int			count = (int) min(b.n - j, (int64_t) BATCH);

	if (j >= b.n)
		return;
	draw_batch<SOBOL>(b, (first + column) * (b.antithetic ? 2 : 1), first + column, j, count, mine);
	for (int k = 0; k < count; k++)
		e[(j + k) * columns + column] = mine->z[k][threadIdx.x % 32];
}

/*
 * partial[2 chunk + mirrored][column]: what the positions of a chunk come to.
 * A thread has MY_ROWS positions of 4 columns at a time.  KEEP: the correlated
 * draws themselves instead, partial[position][column].
 */
template <int MY_ROWS, bool ANTITHETIC, bool KEEP> __global__ static void __launch_bounds__(TILE_THREADS)
price_chunk(book b, const double *__restrict__ e, int64_t first, int64_t columns, const double *__restrict__ tails,
			double *__restrict__ partial)
{
	constexpr int rows = 16 * MY_ROWS;
	__shared__ double slice_l[TILE_DEPTH][rows + TILE_PAD];
	__shared__ double slice_e[TILE_DEPTH][TILE_COLUMNS];
	__shared__ double added[16][TILE_COLUMNS];
	int64_t		across = columns / TILE_COLUMNS;
	/* the last chunk has the longest rows, and begins first */
	int64_t		chunk = (b.n + CHUNK_ROWS - 1) / CHUNK_ROWS - 1 - blockIdx.x / across;
	int64_t		first_column = blockIdx.x % across * TILE_COLUMNS;
	int64_t		end = min((chunk + 1) * CHUNK_ROWS, b.n);
	int			my_row = threadIdx.x / 16 * MY_ROWS;
	int			my_column = threadIdx.x % 16;	/* and 16, 32, 48 columns on: banks differ */
	double		pnl[2][4] = {};
	double		tail[2][4];

RK_UNROLL
	for (int c = 0; c < 4; c++)
RK_UNROLL
		for (int side = 0; side < (ANTITHETIC ? 2 : 1); side++)
		{
			int64_t		simulation = (first + first_column + my_column + 16 * c) * (ANTITHETIC ? 2 : 1) + side;

			tail[side][c] = !KEEP && b.nu > 0 && simulation < b.simulations ? tails[simulation] : 1;
		}
	for (int64_t row = chunk * CHUNK_ROWS; row < end; row += rows)
	{
		int64_t		depth = min(row + rows, b.n);
		double		sum[MY_ROWS][4] = {};
		double		next_l[MY_ROWS];
		double		next_e[4];

		/* a slice goes to registers while the one before is multiplied */
		for (int64_t k = -TILE_DEPTH; k < depth; k += TILE_DEPTH)
		{
			if (k >= 0)
			{
				__syncthreads();
RK_UNROLL
				for (int i = 0; i < MY_ROWS; i++)
					slice_l[threadIdx.x % 16][threadIdx.x / 16 + 16 * i] = next_l[i];
RK_UNROLL
				for (int i = 0; i < 4; i++)
					slice_e[threadIdx.x / 64 + 4 * i][threadIdx.x % 64] = next_e[i];
				__syncthreads();
			}
			if (k + TILE_DEPTH < depth)
			{
				int64_t		l_column = k + TILE_DEPTH + threadIdx.x % 16;

RK_UNROLL
				for (int i = 0; i < MY_ROWS; i++)
				{
					int64_t		l_row = row + threadIdx.x / 16 + 16 * i;

					next_l[i] = l_row < b.n && l_column <= l_row ? b.factor[l_row * b.n + l_column] : 0;
				}
RK_UNROLL
				for (int i = 0; i < 4; i++)
				{
					int64_t		e_row = k + TILE_DEPTH + threadIdx.x / 64 + 4 * i;

					next_e[i] = e_row < b.n ? e[e_row * columns + first_column + threadIdx.x % 64] : 0;
				}
			}
			if (k < 0)
				continue;
RK_UNROLL
			for (int d = 0; d < TILE_DEPTH; d++)
RK_UNROLL
				for (int i = 0; i < MY_ROWS; i++)
RK_UNROLL
					for (int c = 0; c < 4; c++)
						sum[i][c] = fma(slice_l[d][my_row + i], slice_e[d][my_column + 16 * c], sum[i][c]);
		}
RK_UNROLL
		for (int i = 0; i < MY_ROWS; i++)
			if (row + my_row + i < end)
RK_UNROLL
				for (int c = 0; c < 4; c++)
				{
					if (KEEP)
					{
						partial[(row + my_row + i) * columns + first_column + my_column + 16 * c] = sum[i][c];
						continue;
					}
					pnl[0][c] += price_move(b, row + my_row + i, sum[i][c] * tail[0][c]);
					if (ANTITHETIC)
						pnl[1][c] += price_move(b, row + my_row + i, -sum[i][c] * tail[1][c]);
				}
	}
	for (int side = 0; side < (KEEP ? 0 : ANTITHETIC ? 2 : 1); side++)
	{
		double		total = 0;

		__syncthreads();
RK_UNROLL
		for (int c = 0; c < 4; c++)
			added[threadIdx.x / 16][my_column + 16 * c] = pnl[side][c];
		__syncthreads();
		if (threadIdx.x < TILE_COLUMNS)
		{
			for (int i = 0; i < 16; i++)
				total += added[i][threadIdx.x];
			partial[(2 * chunk + side) * columns + first_column + threadIdx.x] = total;
		}
	}
}

/* Adds up the chunks of each simulation. */
__global__ static void __launch_bounds__(THREADS)
add_chunks(book b, int64_t first, int64_t columns, const double *__restrict__ partial, double *__restrict__ pnl)
{
	int			sides = b.antithetic ? 2 : 1;
	int64_t		at = global_thread();
	int64_t		simulation = first * sides + at;
	double		sum = 0;

	if (at >= columns * sides || simulation >= b.simulations)
		return;
	for (int64_t row = 0; row < b.n; row += CHUNK_ROWS)
		sum += partial[(2 * (row / CHUNK_ROWS) + at % sides) * columns + at / sides];
	pnl[simulation] = sum;
}

/* pnl NULL: correlated draws are kept. */
template <int MY_ROWS> static void
launch_prices(rk_cuda_device *device, const book &b, const double *e, int64_t first, int64_t columns, const double *pnl,
			  double *partial)
{
	unsigned	blocks = blocks_for(b.n, CHUNK_ROWS) * (unsigned) (columns / TILE_COLUMNS);

	if (pnl == nullptr)
		RK_LAUNCH((price_chunk<MY_ROWS, false, true>), blocks, TILE_THREADS, device->stream) (b, e, first, columns, pnl, partial);
	else if (b.antithetic)
		RK_LAUNCH((price_chunk<MY_ROWS, true, false>), blocks, TILE_THREADS, device->stream) (b, e, first, columns, pnl, partial);
	else
		RK_LAUNCH((price_chunk<MY_ROWS, false, false>), blocks, TILE_THREADS, device->stream) (b, e, first, columns, pnl, partial);
	check_launch();
}

/* Draws of some simulations, or pairs, and what the correlations make of them; a multiple of TILE_COLUMNS. */
static void
draw_correlated(rk_cuda_device *device, const book &b, int64_t first, int64_t columns, double *e, const double *pnl, double *to)
{
	unsigned	blocks = blocks_for(columns * blocks_for(b.n, BATCH), THREADS);

	if (b.directions)
		RK_LAUNCH(draw_all<true>, blocks, THREADS, device->stream) (b, first, columns, e);
	else
		RK_LAUNCH(draw_all<false>, blocks, THREADS, device->stream) (b, first, columns, e);
	check_launch();
	if (b.factor == nullptr)
		return;
	if (b.n <= 16)
		launch_prices<1>(device, b, e, first, columns, pnl, to);
	else if (b.n <= 32)
		launch_prices<2>(device, b, e, first, columns, pnl, to);
	else
		launch_prices<4>(device, b, e, first, columns, pnl, to);
}

/* How many of those are drawn at a time. */
static int64_t
columns_of(const book &b, int64_t draws)
{
	int64_t		columns = min(max(DRAWN / b.n, INT64_C(1)), draws);

	return (columns + TILE_COLUMNS - 1) / TILE_COLUMNS * TILE_COLUMNS;
}

static void
simulate_correlated(rk_cuda_device *device, rk_cuda_call *call, const book &b, double *pnl)
{
	/* pairs, with antithetic draws */
	int64_t		draws = b.antithetic ? (b.simulations + 1) / 2 : b.simulations;
	int64_t		columns = columns_of(b, draws);
	int64_t		chunks = (b.n + CHUNK_ROWS - 1) / CHUNK_ROWS;
	device_array<double> e;
	device_array<double> partial;

	e.allocate(device, b.n * columns);
	partial.allocate(device, 2 * chunks * columns);
	for (int64_t first = 0; first < draws; first += columns)
	{
		if (stopped(call))
			stop_now();
		draw_correlated(device, b, first, columns, e.get(), pnl, partial.get());
		RK_LAUNCH(add_chunks, blocks_for(columns * (b.antithetic ? 2 : 1), THREADS), THREADS, device->stream)
			(b, first, columns, partial.get(), pnl);
		check_launch();
		check(cudaStreamSynchronize(device->stream));
		/* draws are written once and read by all tiles of later rows, and with each the triangle */
		call->usage.bytes_moved += 8 * b.n * columns * (2 + b.n / 128) + 4 * b.n * b.n * (columns / TILE_COLUMNS);
	}
}

/* ---- books ---- */

/* Copies an input, which is empty unless there shall be so many. */
template <typename T> static const T *
load_input(rk_cuda_device *device, rk_cuda_call *call, int input, int64_t count, device_array<T> *to)
{
	const rk_cuda_input *from = &call->input[input];

	if (from->bytes != count * (int64_t) sizeof(T) || (count > 0 && from->data == nullptr))
		decline("arrays of another shape than a simulation has");
	if (count == 0)
		return nullptr;
	to->load(device, (const T *) from->data, count, &call->usage);
	return to->get();
}

static book
load_book(rk_cuda_device *device, rk_cuda_call *call, const rk_cuda_monte_carlo_params *p, book_arrays *arrays)
{
	book		b = {};
	int64_t		dimensions;
	int			sign;

	b.n = call->input[0].bytes / (int64_t) sizeof(double);
	if (b.n == 0 || b.n > INT32_MAX || p->simulations <= 0 ||
		!(p->degrees_of_freedom == 0 || p->degrees_of_freedom > 2))
		decline("arrays of another shape than a simulation has");
	b.simulations = p->simulations;
	b.seed = p->seed;
	b.mean = p->mean;
	b.nu = p->degrees_of_freedom;
	b.log_gamma = b.nu > 0 ? lgamma_r(0.5 * b.nu, &sign) : 0;
	b.antithetic = p->antithetic;
	b.geometric = p->geometric;
	dimensions = call->input[5].bytes == 0 ? 0 : b.n + (b.nu > 0);
	b.weight = load_input(device, call, 0, b.n, &arrays->weight);
	b.drift = load_input(device, call, 1, b.geometric ? b.n : 0, &arrays->drift);
	b.spread = load_input(device, call, 2, b.geometric ? b.n : 0, &arrays->spread);
	b.factor = load_input(device, call, 3, b.geometric && call->input[3].bytes > 0 ? b.n * b.n : 0, &arrays->factor);
	b.directions = load_input(device, call, 4, dimensions * RK_SOBOL_BITS, &arrays->directions);
	b.shifts = load_input(device, call, 5, dimensions, &arrays->shifts);
	return b;
}

/* The factors of all simulations. */
static void
draw_tails(rk_cuda_device *device, rk_cuda_call *call, const book &b, double *tail)
{
	/* terms of a series of which five are wanted, say */
	int64_t		terms = (int64_t) min(30 + 8 * sqrt(b.nu), (double) RK_GAMMA_TERMS);
	int64_t		step = LAUNCH_DRAWS / 2 / terms;

	for (int64_t first = 0; first < b.simulations; first += step)
	{
		int64_t		last = min(first + step, b.simulations);

		if (stopped(call))
			stop_now();
		if (b.directions)
			RK_LAUNCH(make_tails<true>, blocks_for(last - first, THREADS), THREADS, device->stream) (b, first, last, tail);
		else
			RK_LAUNCH(make_tails<false>, blocks_for(last - first, THREADS), THREADS, device->stream) (b, first, last, tail);
		check_launch();
		check(cudaStreamSynchronize(device->stream));
	}
}

/* Makes all simulations. */
static void
simulate_book(rk_cuda_device *device, rk_cuda_call *call, const book &b, double *pnl)
{
	/* of pairs, too */
	int64_t		step = max(LAUNCH_DRAWS / b.n, (int64_t) THREADS) & ~INT64_C(1);

	if (b.nu > 0)
		draw_tails(device, call, b, pnl);
	if (b.factor)
		simulate_correlated(device, call, b, pnl);
	for (int64_t first = 0; b.factor == nullptr && first < b.simulations; first += step)
	{
		if (stopped(call))
			stop_now();
		launch_simulations(device, b, first, min(first + step, b.simulations), pnl);
		check(cudaStreamSynchronize(device->stream));
	}
	call->usage.bytes_moved += 8 * b.simulations * (b.nu > 0 ? 3 : 1);
}

void
run_monte_carlo(rk_cuda_device *device, rk_cuda_call *call)
{
	const rk_cuda_monte_carlo_params *p = (const rk_cuda_monte_carlo_params *) call->params;
	book_arrays arrays;
	book		b;
	device_array<double> pnl;

	if (p == nullptr || call->params_bytes != sizeof(*p) ||
		call->output[0].bytes != p->simulations * (int64_t) sizeof(double))
		decline("arrays of another shape than a simulation has");
	b = load_book(device, call, p, &arrays);
	pnl.allocate(device, p->simulations);

	kernel_timer timer(device, &call->usage);

	simulate_book(device, call, b, pnl.get());
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

/* Ranks and sums of a call, and what they are. */
struct measured
{
	int64_t		ranks[SELECT_MOST];
	int			count;
	selected	found[SELECT_MOST];
	double		sums[3];
};

static void
check_measured(const rk_cuda_call *call, const rk_cuda_monte_carlo_risk_params *p, int64_t params, measured *m)
{
	const int64_t *ranks = (const int64_t *) call->input[6].data;
	int64_t		count = call->input[6].bytes / (int64_t) sizeof(int64_t);

	/* two ranks more are looked for than are given out */
	if (p == nullptr || call->params_bytes != params || ranks == nullptr || count < 1 || count >= SELECT_MOST - 1 ||
		p->full < 0 || p->full > p->book.simulations || call->output[0].bytes != count * (int64_t) sizeof(double) ||
		call->output[1].bytes != 3 * (int64_t) sizeof(double))
		decline("arrays of another shape than a simulation has");
	m->count = (int) count;
	for (int64_t k = 0; k < count; k++)
	{
		if (ranks[k] < 0 || ranks[k] >= p->book.simulations)
			decline("a rank beyond the simulations");
		m->ranks[k] = ranks[k];
	}
	/* the value that the tail ends with, and the one that has a share in it */
	m->ranks[count] = max(p->full - 1, INT64_C(0));
	m->ranks[count + 1] = min(p->full, p->book.simulations - 1);
}

static void
measure(rk_cuda_device *device, const rk_cuda_monte_carlo_risk_params *p, const double *pnl, measured *m)
{
	int64_t		size = p->book.simulations;
	double		mean;

	select_ranks(device, pnl, size, m->ranks, m->count + 2, m->found);
	mean = add_up(device, pnl, size, as_value()) / size;
	m->sums[0] = mean;
	m->sums[1] = size > 1 ? sqrt(add_up(device, pnl, size, squared_from {mean}) / (size - 1)) : 0;
	m->sums[2] = 0;
	if (p->full > 0)
	{
		const selected *border = &m->found[m->count];

		/* of those that are equal to it as many as are missing */
		m->sums[2] = add_up(device, pnl, size, if_below {border->value}) + (p->full - border->smaller) * border->value;
	}
}

static void
give_measured(rk_cuda_call *call, const measured *m, int64_t size)
{
	for (int k = 0; k < m->count; k++)
		((double *) call->output[0].data)[k] = m->found[k].value;
	for (int k = 0; k < 3; k++)
		((double *) call->output[1].data)[k] = m->sums[k];
	call->usage.bytes_from += call->output[0].bytes + call->output[1].bytes;
	call->usage.bytes_moved += 8 * 11 * size;
}

void
run_monte_carlo_risk(rk_cuda_device *device, rk_cuda_call *call)
{
	const rk_cuda_monte_carlo_risk_params *p = (const rk_cuda_monte_carlo_risk_params *) call->params;
	measured	m;
	book_arrays arrays;
	book		b;
	device_array<double> pnl;

	check_measured(call, p, sizeof(*p), &m);
	b = load_book(device, call, &p->book, &arrays);
	pnl.allocate(device, b.simulations);

	kernel_timer timer(device, &call->usage);

	simulate_book(device, call, b, pnl.get());
	measure(device, p, pnl.get(), &m);
	timer.stop();
	give_measured(call, &m, b.simulations);
}

/* ---- parts of positions ---- */

#define PART_COLUMNS 4096		/* of a position that a block adds up */

__global__ static void __launch_bounds__(THREADS)
mark_equal(const double *__restrict__ pnl, int64_t n, double border, uint32_t *__restrict__ equal)
{
	int64_t		i = global_thread();

	if (i < n)
		equal[i] = pnl[i] == border;
}

/* Shares in the tail: all that is below the border, and of what is equal to it the first ones. */
__global__ static void __launch_bounds__(THREADS)
set_shares(const double *__restrict__ pnl, int64_t n, double border, int64_t smaller, double mass,
		   const int64_t *__restrict__ equal_before, double *__restrict__ share)
{
	int64_t		i = global_thread();

	if (i < n)
		share[i] = pnl[i] < border ? 1 : pnl[i] == border ? fmin(fmax(mass - (double) (smaller + equal_before[i]), 0.0), 1.0) : 0;
}

/* partial[sum][position][tile]: the three sums of a position over a tile of columns. */
__global__ static void __launch_bounds__(THREADS)
add_columns(book b, const double *__restrict__ z, int64_t first, int64_t columns, const double *__restrict__ tails,
			const double *__restrict__ pnl, const double *__restrict__ share, int64_t tiles, double *__restrict__ partial)
{
	int			sides = b.antithetic ? 2 : 1;
	int64_t		j = blockIdx.x / tiles;
	int64_t		tile = blockIdx.x % tiles;
	int64_t		end = min((tile + 1) * PART_COLUMNS, columns);
	double		sum[3] = {0, 0, 0};

	for (int64_t column = tile * PART_COLUMNS + threadIdx.x; column < end; column += THREADS)
		for (int side = 0; side < sides; side++)
		{
			int64_t		simulation = (first + column) * sides + side;
			double		draw = z[j * columns + column];
			double		x;

			if (simulation >= b.simulations)
				continue;
			x = price_move(b, j, (side ? -draw : draw) * (b.nu > 0 ? tails[simulation] : 1));
			sum[0] += x;
			sum[1] += x * pnl[simulation];
			sum[2] += x * share[simulation];
		}
	for (int k = 0; k < 3; k++)
	{
		double		all = block_sum<double, THREADS>(sum[k]);

		if (threadIdx.x == 0)
			partial[(k * b.n + j) * tiles + tile] = all;
	}
}

__global__ static void __launch_bounds__(THREADS)
add_tiles(const double *__restrict__ partial, int64_t count, int64_t tiles, double *__restrict__ sums)
{
	int64_t		i = global_thread();
	double		sum = 0;

	if (i >= count)
		return;
	for (int64_t tile = 0; tile < tiles; tile++)
		sum += partial[i * tiles + tile];
	sums[i] += sum;
}

/* Simulates once more, for sums[3][n] of positions whose book is known by now. */
static void
add_positions(rk_cuda_device *device, rk_cuda_call *call, const book &b, const double *pnl, const double *share, double *sums)
{
	int64_t		draws = b.antithetic ? (b.simulations + 1) / 2 : b.simulations;
	int64_t		columns = columns_of(b, draws);
	int64_t		tiles = (columns + PART_COLUMNS - 1) / PART_COLUMNS;
	device_array<double> e;
	device_array<double> z;
	device_array<double> tails;
	device_array<double> partial;

	e.allocate(device, b.n * columns);
	z.allocate(device, b.factor ? b.n * columns : 0);
	partial.allocate(device, 3 * b.n * tiles);
	tails.allocate(device, b.nu > 0 ? b.simulations : 0);
	if (b.nu > 0)
		draw_tails(device, call, b, tails.get());
	for (int64_t first = 0; first < draws; first += columns)
	{
		if (stopped(call))
			stop_now();
		draw_correlated(device, b, first, columns, e.get(), nullptr, z.get());
		RK_LAUNCH(add_columns, (unsigned) (b.n * tiles), THREADS, device->stream)
			(b, b.factor ? z.get() : e.get(), first, columns, tails.get(), pnl, share, tiles, partial.get());
		check_launch();
		RK_LAUNCH(add_tiles, blocks_for(3 * b.n, THREADS), THREADS, device->stream) (partial.get(), 3 * b.n, tiles, sums);
		check_launch();
		check(cudaStreamSynchronize(device->stream));
		call->usage.bytes_moved += 8 * b.n * columns * (b.factor ? 4 + b.n / 128 : 2);
	}
}

void
run_monte_carlo_parts(rk_cuda_device *device, rk_cuda_call *call)
{
	const rk_cuda_monte_carlo_parts_params *p = (const rk_cuda_monte_carlo_parts_params *) call->params;
	measured	m;
	book_arrays arrays;
	book		b;
	device_array<double> pnl;
	device_array<double> share;
	device_array<double> sums;
	device_array<uint32_t> equal;
	device_array<int64_t> equal_before;
	const selected *border;

	check_measured(call, p ? &p->risk : nullptr, sizeof(*p), &m);
	if (!p->risk.book.geometric || !(p->mass >= (double) p->risk.full && p->mass <= (double) p->risk.full + 1) ||
		call->output[2].bytes != 3 * call->input[0].bytes)
		decline("arrays of another shape than a simulation has");
	b = load_book(device, call, &p->risk.book, &arrays);
	pnl.allocate(device, b.simulations);
	share.allocate(device, b.simulations);
	equal.allocate(device, b.simulations);
	equal_before.allocate(device, b.simulations + 1);
	sums.allocate(device, 3 * b.n);
	sums.fill(0);

	kernel_timer timer(device, &call->usage);

	simulate_book(device, call, b, pnl.get());
	measure(device, &p->risk, pnl.get(), &m);
	border = &m.found[m.count + 1];
	RK_LAUNCH(mark_equal, blocks_for(b.simulations, THREADS), THREADS, device->stream)
		(pnl.get(), b.simulations, border->value, equal.get());
	check_launch();
	scan_lengths(device, equal.get(), b.simulations, equal_before.get());
	RK_LAUNCH(set_shares, blocks_for(b.simulations, THREADS), THREADS, device->stream)
		(pnl.get(), b.simulations, border->value, border->smaller, p->mass, equal_before.get(), share.get());
	check_launch();
	add_positions(device, call, b, pnl.get(), share.get(), sums.get());
	timer.stop();
	give_measured(call, &m, b.simulations);
	sums.store((double *) call->output[2].data, &call->usage);
	check(cudaStreamSynchronize(device->stream));
	call->usage.bytes_moved += 52 * b.simulations;
}
