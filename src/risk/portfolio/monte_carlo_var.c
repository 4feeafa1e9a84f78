/*
 * monte_carlo_var.c
 *	  Simulated profits and losses of a book.
 *
 * With normal returns the book's profit and loss is m + x' L e = m + (L' x)' e:
 * one product of n numbers a simulation, the correlations being in L' x once.
 * Only lognormal prices need the correlated returns themselves, which are made
 * for blocks of simulations at a time.
 *
 * Chunks are cut from the number of simulations and of positions; within a
 * block the positions are added in their order, so that the bits depend on
 * neither threads nor block size.
 */
#include "portfolio.h"

#include <math.h>
#include <string.h>

#include "../../compute/clones.h"
#include "../../compute/normal.h"
#include "../../compute/parallel.h"
#include "../../compute/philox.h"
#include "../../compute/sobol.h"
#include "../../compute/special.h"

#define BLOCK RK_DRAWS			/* simulations at a time */
#define STREAM_NORMAL 0
#define STREAM_CHI_SQUARE 1
#define STREAM_SHIFT 2

/* A simulation under way. */
typedef struct simulator
{
	rk_ctx	   *ctx;
	const rk_positions *p;
	const rk_simulation *s;
	double	   *weight;			/* L' x: of the draws (arithmetic) */
	double	   *drift;			/* of the log price (geometric) */
	double	   *spread;			/* sigma sqrt(h) */
	double		mean;			/* of the book */
	uint32_t   *directions;		/* Sobol */
	uint64_t   *shifts;			/* Sobol, of each dimension */
	double	   *scratch;		/* of each thread */
	int64_t		scratch_size;
	double	   *pnl;
	double	   *draws;			/* kept, a block after the other; NULL: they are not */
	bool		drawn;			/* they are there already */
	/* moments of positions and book (geometric components) */
	double	   *sums;			/* of each chunk: pnl_i, then pnl_i * pnl */
} simulator;

int64_t
rk_risk_dimensions(int64_t positions, const rk_simulation *s)
{
	return positions + (s->distribution == RK_STUDENT_T ? 1 : 0);
}

/* ---- draws ---- */

/* The base of a simulation's draws: its own number, or that of its pair. */
static uint64_t
draw_of(const rk_simulation *s, int64_t simulation)
{
	return s->antithetic ? (uint64_t) simulation & ~UINT64_C(1) : (uint64_t) simulation;
}

static double
sobol_uniform(const simulator *sim, int64_t dimension, uint64_t point)
{
	uint64_t	bits = (uint64_t) rk_sobol_bits(sim->directions + dimension * RK_SOBOL_BITS, (uint32_t) point) << 32;

	return rk_philox_uniform(bits ^ sim->shifts[dimension]);
}

/*
 * Normal draws of positions 2 block and 2 block + 1 for count simulations from
 * first on; with antithetic draws first is even, and odd ones are negated.
 */
static void
draw_pair(const simulator *sim, int64_t first, int count, int64_t block, double *even, double *odd)
{
	const rk_simulation *s = sim->s;
	int			step = s->antithetic ? 2 : 1;
	int			distinct = s->antithetic ? (count + 1) / 2 : count;

	if (s->sobol)
	{
		bool		has_odd = 2 * block + 1 < sim->p->count;

		for (int i = 0; i < distinct; i++)
		{
			uint64_t	point = (uint64_t) first / step + i;

			even[i] = sobol_uniform(sim, 2 * block, point);
			odd[i] = has_odd ? sobol_uniform(sim, 2 * block + 1, point) : 0.5;
		}
		rk_normals_of_uniforms(even, distinct);
		rk_normals_of_uniforms(odd, distinct);
	}
	else
		rk_philox_normals(s->seed, (uint64_t) first, step, distinct, (uint32_t) block, STREAM_NORMAL, even, odd);
	if (s->antithetic)
		for (int i = count - 1; i >= 0; i--)
		{
			even[i] = i & 1 ? -even[i / 2] : even[i / 2];
			odd[i] = i & 1 ? -odd[i / 2] : odd[i / 2];
		}
}

/* Factors that make normal draws Student's with the same variance. */
static void
tail_factors(const simulator *sim, int64_t first, int count, double *factor)
{
	const rk_simulation *s = sim->s;
	double		nu = s->degrees_of_freedom;

	for (int i = 0; i < count; i++)
	{
		uint64_t	simulation = (uint64_t) first + i;
		double		u = s->sobol ? sobol_uniform(sim, sim->p->count, draw_of(s, first + i) / (s->antithetic ? 2 : 1)) :
			rk_philox_uniform(rk_philox_word(s->seed, simulation, 0, STREAM_CHI_SQUARE, 0));

		factor[i] = sqrt((nu - 2) / rk_chi_square_quantile(nu, u));
	}
}

/* ---- arithmetic returns ---- */

RK_CLONES static void
add_pair(double *restrict sum, const double *restrict even, const double *restrict odd, double a, double b, int count)
{
	for (int i = 0; i < count; i++)
		sum[i] = sum[i] + a * even[i] + b * odd[i];
}

/* Numbers that a simulation draws, where they are kept: pairs, and the factor of the tail. */
static int64_t
draw_rows(int64_t positions, const rk_simulation *s)
{
	return positions + positions % 2 + (s->distribution == RK_STUDENT_T);
}

static void
simulate_arithmetic(void *arg, int64_t begin, int64_t end, int64_t chunk, int thread)
{
	simulator  *sim = arg;
	int64_t		n = sim->p->count;
	double		even[BLOCK];
	double		odd[BLOCK];
	double		factor[BLOCK];

	(void) chunk;
	for (int64_t first = begin; first < end; first += BLOCK)
	{
		int			count = end - first < BLOCK ? (int) (end - first) : BLOCK;
		double	   *pnl = sim->pnl + first;
		double	   *kept = sim->draws ? sim->draws + first * draw_rows(n, sim->s) : NULL;

		memset(pnl, 0, sizeof(double) * count);
		for (int64_t j = 0; j < n; j += 2)
		{
			double	   *a = kept ? kept + j * BLOCK : even;
			double	   *b = kept ? kept + (j + 1) * BLOCK : odd;

			if ((j & 127) == 0 && rk_chunk_should_stop(sim->ctx, thread))
				return;
			if (!sim->drawn)
				draw_pair(sim, first, count, j / 2, a, b);
			add_pair(pnl, a, b, sim->weight[j], j + 1 < n ? sim->weight[j + 1] : 0, count);
		}
		if (sim->s->distribution == RK_STUDENT_T)
		{
			double	   *tail = kept ? kept + (n + n % 2) * BLOCK : factor;

			if (!sim->drawn)
				tail_factors(sim, first, count, tail);
			for (int i = 0; i < count; i++)
				pnl[i] *= tail[i];
		}
		for (int i = 0; i < count; i++)
			pnl[i] += sim->mean;
	}
}

/* ---- correlated returns ---- */

RK_CLONES static void
multiply_row(double *restrict row, double diagonal, const double *restrict factor_row, const double *restrict draws,
			 int64_t columns, int count, int stride)
{
	for (int i = 0; i < count; i++)
		row[i] *= diagonal;
	for (int64_t j = 0; j < columns; j++)
		for (int i = 0; i < count; i++)
			row[i] += factor_row[j] * draws[j * stride + i];
}

/*
 * Correlated standardised returns of count simulations: row j of z (stride
 * apart) is that of position j.  False when the call was stopped.
 */
static bool
correlated(const simulator *sim, int64_t first, int count, double *z, int stride, int thread)
{
	const rk_positions *p = sim->p;
	int64_t		n = p->count;
	double		even[BLOCK];
	double		odd[BLOCK];
	double		factor[BLOCK];

	for (int64_t j = 0; j < n; j += 2)
	{
		draw_pair(sim, first, count, j / 2, even, odd);
		memcpy(z + j * stride, even, sizeof(double) * count);
		if (j + 1 < n)
			memcpy(z + (j + 1) * stride, odd, sizeof(double) * count);
	}
	/* from the last row up, as a row needs the draws of those above it */
	for (int64_t j = n - 1; p->factor && j >= 0; j--)
	{
		if ((j & 15) == 0 && rk_chunk_should_stop(sim->ctx, thread))
			return false;
		multiply_row(z + j * stride, p->factor[j * n + j], p->factor + j * n, z, j, count, stride);
	}
	if (sim->s->distribution == RK_STUDENT_T)
	{
		tail_factors(sim, first, count, factor);
		for (int64_t j = 0; j < n; j++)
			for (int i = 0; i < count; i++)
				z[j * stride + i] *= factor[i];
	}
	return true;
}

/* Profit and loss of position j from its standardised return. */
static double
position_pnl(const simulator *sim, int64_t j, double z)
{
	if (sim->s->geometric)
		return sim->p->value[j] * (exp(sim->drift[j] + sim->spread[j] * z) - 1);
	return sim->p->value[j] * (sim->drift[j] + sim->spread[j] * z);
}

#define DENSE_BLOCK 64			/* simulations at a time where n rows are kept */

static void
simulate_geometric(void *arg, int64_t begin, int64_t end, int64_t chunk, int thread)
{
	simulator  *sim = arg;
	int64_t		n = sim->p->count;
	double	   *z = sim->scratch + thread * sim->scratch_size;
	double	   *sums = sim->sums ? sim->sums + chunk * 2 * n : NULL;

	for (int64_t first = begin; first < end; first += DENSE_BLOCK)
	{
		int			count = end - first < DENSE_BLOCK ? (int) (end - first) : DENSE_BLOCK;
		double	   *pnl = sim->pnl + first;

		if (rk_chunk_should_stop(sim->ctx, thread) ||
			!correlated(sim, first, count, z, DENSE_BLOCK, thread))
			return;
		if (!sums)
			memset(pnl, 0, sizeof(double) * count);
		for (int64_t j = 0; j < n; j++)
		{
			for (int i = 0; i < count; i++)
			{
				double		x = position_pnl(sim, j, z[j * DENSE_BLOCK + i]);

				if (sums)
				{
					/* the second pass: the book's are known */
					sums[j] += x;
					sums[n + j] += x * pnl[i];
				}
				else
					pnl[i] += x;
			}
		}
	}
}

/* ---- set up ---- */

/* x_j = value_j sigma_j sqrt(h) */
static double
exposure(const rk_positions *p, const rk_simulation *s, int64_t j)
{
	return p->value[j] * p->volatility[j] * sqrt(s->years);
}

rk_status
rk_risk_book_weights(rk_ctx *ctx, const rk_positions *p, const rk_simulation *s, double *weight, double *mean)
{
	int64_t		n = p->count;

	*mean = 0;
	memset(weight, 0, sizeof(double) * n);
	for (int64_t j = 0; j < n; j++)
	{
		double		x = exposure(p, s, j);

		if ((j & 63) == 0 && rk_ctx_poll(ctx))
			return RK_STOPPED;
		*mean += p->value[j] * p->expected_return[j] * s->years;
		if (p->factor == NULL)
			weight[j] = x;
		else
			for (int64_t k = 0; k <= j; k++)
				weight[k] += p->factor[j * n + k] * x;
	}
	return RK_OK;
}

void
rk_risk_price_moves(const rk_positions *p, const rk_simulation *s, double *drift, double *spread)
{
	for (int64_t j = 0; j < p->count; j++)
	{
		spread[j] = p->volatility[j] * sqrt(s->years);
		drift[j] = (p->expected_return[j] -
					(s->geometric ? 0.5 * p->volatility[j] * p->volatility[j] : 0)) * s->years;
	}
}

rk_status
rk_risk_sobol(rk_ctx *ctx, const rk_positions *p, const rk_simulation *s, uint32_t **directions, uint64_t **shifts)
{
	int64_t		d = rk_risk_dimensions(p->count, s);

	if (d > RK_SOBOL_DIMENSIONS)
	{
		rk_fail(ctx, RK_ERR_LIMIT, "too many dimensions for sampling sobol: %lld", (long long) d);
		rk_fail_detail(ctx, "There are direction numbers for %d.", RK_SOBOL_DIMENSIONS);
		rk_fail_hint(ctx, "Use sampling => 'pseudo'.");
		return RK_ERR_LIMIT;
	}
	if (s->simulations > INT64_C(1) << RK_SOBOL_BITS)
		return rk_fail(ctx, RK_ERR_LIMIT, "too many simulations for sampling sobol: %lld", (long long) s->simulations);
	*directions = rk_alloc(ctx, d * RK_SOBOL_BITS, sizeof(uint32_t));
	*shifts = rk_alloc(ctx, d, sizeof(uint64_t));
	if (!*directions || !*shifts)
		return RK_ERR_MEMORY;
	rk_sobol_directions(d, *directions);
	for (int64_t k = 0; k < d; k++)
		(*shifts)[k] = rk_philox_word(s->seed, 0, (uint32_t) (k / 2), STREAM_SHIFT, k % 2);
	return RK_OK;
}

static rk_status
prepare(rk_ctx *ctx, const rk_positions *p, const rk_simulation *s, simulator *sim)
{
	int64_t		n = p->count;
	rk_status	status;

	*sim = (simulator) {.ctx = ctx,.p = p,.s = s};
	sim->drift = rk_alloc(ctx, n, sizeof(double));
	sim->spread = rk_alloc(ctx, n, sizeof(double));
	sim->weight = rk_alloc(ctx, n, sizeof(double));
	if (!sim->drift || !sim->spread || !sim->weight)
		return RK_ERR_MEMORY;
	rk_risk_price_moves(p, s, sim->drift, sim->spread);
	if ((status = rk_risk_book_weights(ctx, p, s, sim->weight, &sim->mean)) != RK_OK)
		return status;
	if (s->sobol && (status = rk_risk_sobol(ctx, p, s, &sim->directions, &sim->shifts)) != RK_OK)
		return status;
	return RK_OK;
}

/* Simulations of a chunk: some milliseconds, a multiple of both blocks. */
static int64_t
chunk_of(const rk_positions *p, const rk_simulation *s)
{
	int64_t		n = p->count + 1;
	int64_t		work = s->geometric ? n * n / 8 + 8 * n : n;
	int64_t		blocks = 1000 / work;

	return BLOCK * (blocks < 1 ? 1 : blocks > 16 ? 16 : blocks);
}

static rk_status
run(simulator *sim)
{
	const rk_simulation *s = sim->s;
	int64_t		n = sim->p->count;
	rk_status	status;

	if (!s->geometric)
		return rk_parallel_for(sim->ctx, s->simulations, chunk_of(sim->p, s), simulate_arithmetic, sim);
	sim->scratch_size = (n + 1) * DENSE_BLOCK;
	sim->scratch = rk_alloc(sim->ctx, sim->scratch_size * sim->ctx->threads, sizeof(double));
	if (sim->scratch == NULL)
		return RK_ERR_MEMORY;
	status = rk_parallel_for(sim->ctx, s->simulations, chunk_of(sim->p, s), simulate_geometric, sim);
	rk_free(sim->ctx, sim->scratch);
	return status;
}

static void
release(simulator *sim)
{
	rk_free(sim->ctx, sim->drift);
	rk_free(sim->ctx, sim->spread);
	rk_free(sim->ctx, sim->weight);
	rk_free(sim->ctx, sim->directions);
	rk_free(sim->ctx, sim->shifts);
}

int64_t
rk_risk_draws(int64_t positions, const rk_simulation *s)
{
	return s->geometric ? 0 : (s->simulations + BLOCK - 1) / BLOCK * BLOCK * draw_rows(positions, s);
}

rk_status
rk_risk_simulate(rk_ctx *ctx, const rk_positions *p, const rk_simulation *s, double *pnl)
{
	return rk_risk_simulate_drawn(ctx, p, s, NULL, false, pnl);
}

rk_status
rk_risk_simulate_drawn(rk_ctx *ctx, const rk_positions *p, const rk_simulation *s, double *draws, bool drawn, double *pnl)
{
	simulator	sim;
	rk_status	status = prepare(ctx, p, s, &sim);

	if (status != RK_OK)
		return status;
	sim.pnl = pnl;
	sim.draws = draws;
	sim.drawn = drawn;
	rk_phase(ctx, "simulating", s->simulations);
	status = run(&sim);
	release(&sim);
	return status;
}

/* ---- measures ---- */

/* Variance of the book's profit and loss, and covariances x_i (R x)_i. */
static double
book_variance(const rk_positions *p, const rk_simulation *s, double *covariance)
{
	int64_t		n = p->count;
	double		variance = 0;

	for (int64_t i = 0; i < n; i++)
	{
		double		sum = 0;

		if (p->correlations == NULL)
			sum = exposure(p, s, i);
		else
			for (int64_t j = 0; j < n; j++)
				sum += p->correlations[i * n + j] * exposure(p, s, j);
		sum *= exposure(p, s, i);
		if (covariance)
			covariance[i] = sum;
		variance += sum;
	}
	return fmax(variance, 0);
}

typedef struct moments
{
	const double *pnl;
	double		mean;
	double	   *partial;
	bool		squares;
} moments;

static void
add_moments(void *arg, int64_t begin, int64_t end, int64_t chunk, int thread)
{
	moments    *m = arg;
	double		sum = 0;

	(void) thread;
	for (int64_t i = begin; i < end; i++)
		sum += m->squares ? (m->pnl[i] - m->mean) * (m->pnl[i] - m->mean) : m->pnl[i];
	m->partial[chunk] = sum;
}

#define MOMENT_CHUNK 65536

static rk_status
mean_and_deviation(rk_ctx *ctx, const double *pnl, int64_t n, double *mean, double *deviation)
{
	int64_t		chunks = rk_chunks(n, MOMENT_CHUNK);
	moments		m = {.pnl = pnl,.partial = rk_alloc(ctx, chunks, sizeof(double))};
	rk_status	status;

	if (m.partial == NULL)
		return RK_ERR_MEMORY;
	status = rk_parallel_for(ctx, n, MOMENT_CHUNK, add_moments, &m);
	if (status != RK_OK)
		return status;
	*mean = m.mean = rk_sum_chunks(m.partial, chunks) / (double) n;
	m.squares = true;
	status = rk_parallel_for(ctx, n, MOMENT_CHUNK, add_moments, &m);
	*deviation = n > 1 ? sqrt(rk_sum_chunks(m.partial, chunks) / (double) (n - 1)) : 0;
	rk_free(ctx, m.partial);
	return status;
}

/* Adds a rank (from 1) to rising ones from 0, if it is not there. */
static int
add_rank(int64_t *ranks, int count, int64_t rank)
{
	int			at = count;

	rank--;
	while (at > 0 && ranks[at - 1] > rank)
		at--;
	if (at > 0 && ranks[at - 1] == rank)
		return count;
	memmove(ranks + at + 1, ranks + at, sizeof(int64_t) * (count - at));
	ranks[at] = rank;
	return count + 1;
}

/* Ranks from 1 of n simulations. */
typedef struct wanted_ranks
{
	rk_tail		tail;
	int64_t		lower;
	int64_t		upper;
	int64_t		at[RK_PERCENTILES];
} wanted_ranks;

static wanted_ranks
ranks_of(const rk_simulation *s)
{
	static const double percents[RK_PERCENTILES] = {1, 5, 10, 25, 50, 75, 90, 95, 99};
	int64_t		n = s->simulations;
	wanted_ranks w = {.tail = rk_tail_of(n, s->confidence)};
	double		a = w.tail.mass / (double) n;
	double		half = 1.959964 * sqrt(w.tail.mass * (1 - a));

	w.lower = (int64_t) ceil(w.tail.mass + half);
	w.upper = (int64_t) floor(w.tail.mass - half);
	w.lower = w.lower > n ? n : w.lower;
	w.upper = w.upper < 1 ? 1 : w.upper;
	for (int k = 0; k < RK_PERCENTILES; k++)
	{
		w.at[k] = (int64_t) ceil(rint((double) n * percents[k] / 100 * 1e9) / 1e9);
		w.at[k] = w.at[k] < 1 ? 1 : w.at[k];
	}
	return w;
}

void
rk_risk_simulated_sample(const rk_simulation *s, rk_simulated_sample *sample)
{
	wanted_ranks w = ranks_of(s);
	int			count = 0;

	for (int k = 0; k < RK_PERCENTILES; k++)
		count = add_rank(sample->ranks, count, w.at[k]);
	count = add_rank(sample->ranks, count, w.lower);
	count = add_rank(sample->ranks, count, w.upper);
	/* the tail, and the value that it ends in */
	count = add_rank(sample->ranks, count, w.tail.rank);
	count = add_rank(sample->ranks, count, w.tail.full < s->simulations ? w.tail.full + 1 : s->simulations);
	sample->count = count;
	sample->full = w.tail.full;
}

/* The value of a rank from 1 that is in the sample. */
static double
sample_value(const rk_simulated_sample *sample, int64_t rank)
{
	int			k = 0;

	while (sample->ranks[k] != rank - 1)
		k++;
	return sample->value[k];
}

void
rk_risk_sample_measures(const rk_positions *p, const rk_simulation *s, const rk_simulated_sample *sample,
						rk_simulated_risk *r)
{
	wanted_ranks w = ranks_of(s);
	double		sum = sample->moments[2];
	double		mean = 0;

	r->mean_pnl = sample->moments[0];
	r->std_pnl = sample->moments[1];
	/* no -0 */
	r->var_lower = 0 - sample_value(sample, w.lower);
	r->var_upper = 0 - sample_value(sample, w.upper);
	for (int k = 0; k < RK_PERCENTILES; k++)
		r->percentiles[k] = sample_value(sample, w.at[k]);
	r->var = 0 - sample_value(sample, w.tail.rank);
	if (w.tail.full < s->simulations)
		sum += (w.tail.mass - (double) w.tail.full) * sample_value(sample, w.tail.full + 1);
	r->expected_shortfall = w.tail.mass > 0 ? (0 - sum) / w.tail.mass : r->var;
	for (int64_t j = 0; j < p->count; j++)
		mean += p->value[j] * p->expected_return[j] * s->years;
	r->parametric_var = rk_normal_quantile(s->confidence) * sqrt(book_variance(p, s, NULL)) - mean;
}

rk_status
rk_risk_simulated_measures(rk_ctx *ctx, const rk_positions *p, const rk_simulation *s, double *pnl, rk_simulated_risk *r)
{
	int64_t		n = s->simulations;
	rk_simulated_sample sample;
	rk_status	status;

	rk_phase(ctx, "ranking", n);
	rk_risk_simulated_sample(s, &sample);
	status = mean_and_deviation(ctx, pnl, n, &sample.moments[0], &sample.moments[1]);
	if (status != RK_OK)
		return status;
	status = rk_select_ranks(ctx, pnl, n, sample.ranks, sample.count);
	if (status != RK_OK)
		return status;
	for (int k = 0; k < sample.count; k++)
		sample.value[k] = pnl[sample.ranks[k]];
	sample.moments[2] = 0;
	for (int64_t i = 0; i < sample.full; i++)
		sample.moments[2] += pnl[i];
	rk_risk_sample_measures(p, s, &sample, r);
	return RK_OK;
}

/* ---- components ---- */

/* Quantile of the standardised return at the confidence. */
static double
return_quantile(const rk_simulation *s)
{
	double		nu = s->degrees_of_freedom;

	if (s->distribution == RK_STUDENT_T)
		return rk_student_quantile(nu, s->confidence) * sqrt((nu - 2) / nu);
	return rk_normal_quantile(s->confidence);
}

/* Loss of position i alone: its profit falls or rises with its return. */
static double
standalone(const simulator *sim, int64_t i, double q)
{
	return -position_pnl(sim, i, sim->p->value[i] >= 0 ? -q : q);
}

/*
 * The simulations of the tail, from the profits and losses in order of
 * simulation and the value that the tail ends in: all below it, and of those
 * equal to it the first ones.  tail has full entries, and one more for the
 * fraction.
 */
static void
tail_simulations(const double *pnl, int64_t n, rk_tail t, double border, int64_t *tail)
{
	int64_t		wanted = t.full < n ? t.full + 1 : n;
	int64_t		count = 0;

	for (int64_t i = 0; i < n; i++)
		if (pnl[i] < border)
			tail[count++] = i;
	for (int64_t i = 0; i < n && count < wanted; i++)
		if (pnl[i] == border)
			tail[count++] = i;
}

/* Sums over the tail, in chunks of it. */
typedef struct tail_sum
{
	simulator  *sim;
	const int64_t *tail;
	rk_tail		extent;
	double	   *partial;		/* n for each chunk */
} tail_sum;

#define TAIL_CHUNK 64

static void
add_tail(void *arg, int64_t begin, int64_t end, int64_t chunk, int thread)
{
	tail_sum   *t = arg;
	simulator  *sim = t->sim;
	int64_t		n = sim->p->count;
	double	   *z = sim->scratch + thread * sim->scratch_size;
	double	   *sums = t->partial + chunk * n;

	memset(sums, 0, sizeof(double) * n);
	for (int64_t k = begin; k < end; k++)
	{
		double		share = k < t->extent.full ? 1 : t->extent.mass - (double) t->extent.full;
		int64_t		simulation = t->tail[k];
		/* a pair is drawn as a whole */
		int			offset = sim->s->antithetic ? (int) (simulation & 1) : 0;

		if (!correlated(sim, simulation - offset, 1 + offset, z, 2, thread))
			return;
		for (int64_t j = 0; j < n; j++)
			sums[j] += share * position_pnl(sim, j, z[2 * j + offset]);
	}
}

static rk_status
tail_components(simulator *sim, const double *pnl, double border, rk_tail extent, double *component)
{
	rk_ctx	   *ctx = sim->ctx;
	int64_t		n = sim->p->count;
	int64_t		count = extent.full < sim->s->simulations ? extent.full + 1 : sim->s->simulations;
	int64_t		chunks = rk_chunks(count, TAIL_CHUNK);
	tail_sum	t = {.sim = sim,.extent = extent};
	int64_t    *tail = rk_alloc(ctx, count, sizeof(int64_t));
	rk_status	status;

	t.tail = tail;
	t.partial = rk_alloc(ctx, chunks * n, sizeof(double));
	sim->scratch_size = 2 * (n + 1);
	sim->scratch = rk_alloc(ctx, sim->scratch_size * ctx->threads, sizeof(double));
	if (!tail || !t.partial || !sim->scratch)
		return RK_ERR_MEMORY;
	tail_simulations(pnl, sim->s->simulations, extent, border, tail);
	status = rk_parallel_for(ctx, count, TAIL_CHUNK, add_tail, &t);
	if (status != RK_OK)
		return status;
	for (int64_t j = 0; j < n; j++)
	{
		component[j] = 0;
		for (int64_t k = 0; k < chunks; k++)
			component[j] += t.partial[k * n + j];
		component[j] = 0 - component[j] / extent.mass;
	}
	rk_free(ctx, tail);
	rk_free(ctx, t.partial);
	rk_free(ctx, sim->scratch);
	sim->scratch = NULL;
	return RK_OK;
}

/* Simulated means of the positions and covariances with the book. */
static rk_status
simulated_moments(simulator *sim, double *mean, double *covariance, double book_mean)
{
	rk_ctx	   *ctx = sim->ctx;
	int64_t		n = sim->p->count;
	int64_t		chunks = rk_chunks(sim->s->simulations, chunk_of(sim->p, sim->s));
	double		runs = (double) sim->s->simulations;
	rk_status	status;

	sim->sums = rk_alloc0(ctx, chunks * 2 * n, sizeof(double));
	if (sim->sums == NULL)
		return RK_ERR_MEMORY;
	status = run(sim);
	if (status != RK_OK)
		return status;
	for (int64_t j = 0; j < n; j++)
	{
		double		product = 0;

		mean[j] = 0;
		for (int64_t k = 0; k < chunks; k++)
		{
			mean[j] += sim->sums[k * 2 * n + j];
			product += sim->sums[k * 2 * n + n + j];
		}
		mean[j] /= runs;
		covariance[j] = product / runs - mean[j] * book_mean;
	}
	rk_free(ctx, sim->sums);
	sim->sums = NULL;
	return RK_OK;
}

/* Standalone and component VaR from means of the positions and covariances with the book. */
static void
attribute(const simulator *sim, const rk_simulated_risk *r, const double *mean, const double *covariance,
		  rk_risk_components *c)
{
	double		q = return_quantile(sim->s);
	double		variance = 0;
	double		total = 0;

	for (int64_t j = 0; j < sim->p->count; j++)
	{
		variance += covariance[j];
		total += mean[j];
	}
	for (int64_t j = 0; j < sim->p->count; j++)
	{
		c->standalone_var[j] = standalone(sim, j, q);
		/* a book without risk has a VaR of minus its mean; 0 is not to be -0 */
		c->component_var[j] = (variance > 0 ? covariance[j] * (r->var + total) / variance : 0) - mean[j] + 0.0;
	}
}

rk_status
rk_risk_components_of_sums(rk_ctx *ctx, const rk_positions *p, const rk_simulation *s, const rk_simulated_risk *r,
						   const double *sums, rk_risk_components *c)
{
	int64_t		n = p->count;
	double		runs = (double) s->simulations;
	double		mass = rk_tail_of(s->simulations, s->confidence).mass;
	double	   *mean = rk_alloc(ctx, n, sizeof(double));
	double	   *covariance = rk_alloc(ctx, n, sizeof(double));
	simulator	sim = {.ctx = ctx,.p = p,.s = s,.drift = rk_alloc(ctx, n, sizeof(double)),.spread = rk_alloc(ctx, n, sizeof(double))};

	if (!mean || !covariance || !sim.drift || !sim.spread)
		return RK_ERR_MEMORY;
	rk_risk_price_moves(p, s, sim.drift, sim.spread);
	for (int64_t j = 0; j < n; j++)
	{
		mean[j] = sums[j] / runs;
		covariance[j] = sums[n + j] / runs - mean[j] * r->mean_pnl;
		c->component_expected_shortfall[j] = 0 - sums[2 * n + j] / mass;
	}
	attribute(&sim, r, mean, covariance, c);
	rk_free(ctx, mean);
	rk_free(ctx, covariance);
	rk_free(ctx, sim.drift);
	rk_free(ctx, sim.spread);
	return RK_OK;
}

rk_status
rk_risk_monte_carlo_components(rk_ctx *ctx, const rk_positions *p, const rk_simulation *s, double *simulated,
							   rk_simulated_risk *r, rk_risk_components *c)
{
	int64_t		n = p->count;
	double	   *pnl = simulated ? simulated : rk_alloc(ctx, s->simulations, sizeof(double));
	double	   *ranked = rk_alloc(ctx, s->simulations, sizeof(double));
	double	   *mean = rk_alloc(ctx, n, sizeof(double));
	double	   *covariance = rk_alloc(ctx, n, sizeof(double));
	rk_tail		extent = rk_tail_of(s->simulations, s->confidence);
	simulator	sim;
	rk_status	status;

	if (!pnl || !ranked || !mean || !covariance)
		return RK_ERR_MEMORY;
	status = prepare(ctx, p, s, &sim);
	if (status != RK_OK)
		return status;
	sim.pnl = pnl;
	rk_phase(ctx, "simulating", s->simulations);
	if (simulated == NULL && (status = run(&sim)) != RK_OK)
		return status;
	memcpy(ranked, pnl, sizeof(double) * s->simulations);
	status = rk_risk_simulated_measures(ctx, p, s, ranked, r);
	if (status != RK_OK)
		return status;
	rk_phase(ctx, "attributing", n);
	if (s->geometric)
		status = simulated_moments(&sim, mean, covariance, r->mean_pnl);
	else
	{
		book_variance(p, s, covariance);
		for (int64_t j = 0; j < n; j++)
			mean[j] = p->value[j] * sim.drift[j];
	}
	if (status != RK_OK)
		return status;
	attribute(&sim, r, mean, covariance, c);
	status = tail_components(&sim, pnl, ranked[extent.full < s->simulations ? extent.full : s->simulations - 1],
							 extent, c->component_expected_shortfall);
	release(&sim);
	if (simulated == NULL)
		rk_free(ctx, pnl);
	rk_free(ctx, ranked);
	rk_free(ctx, mean);
	rk_free(ctx, covariance);
	return status;
}
