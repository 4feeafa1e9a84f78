/*
 * arima.cu
 *	  ARIMA models of many series by maximum likelihood, as
 *	  src/temporal/forecast/arima_fit.c.
 *
 * The gradient is made of differences, so that a step of a search wants 2 k + 1
 * likelihoods, and the Hessian some more.  Each is a recursion over the series,
 * which a lane goes through alone, so that it has the CPU's order of sums.  A
 * group of lanes has a series: it evaluates for all of its searches at once, one
 * lane of the group a search does the CPU's minimiser's next step, and when
 * the series is done the group takes the next one.  Groups of a warp evaluate
 * side by side, wherever each of them is.
 *
 * Short filters are in registers.  Others, seasonal ones above all, have their
 * arrays in memory, an entry of the 32 lanes side by side.
 *
 * A fit takes as long as the series is hard: evaluations look at the stop word.
 */
#include "device.cuh"
#include "stop_word.cuh"

#include "../src/compute/minimize_steps.h"
#include "../src/temporal/forecast/arima_model.h"

#define LANES 32
#define MOST_LAGS ((RK_ARIMA_ORDER + 1) * (RK_ARIMA_SEASONAL + 1) - 1)
#define LOOK 512				/* steps between looks at the stop word */
#define WARPS(r, c) ((r) * (c) > 4 ? 12 : 16)	/* of a multiprocessor: as many as registers permit */
#define LANE_NUMBERS (INT64_C(1) << 27)	/* of scratch space for lanes: 1 GB */

typedef enum arima_phase
{
	PHASE_FETCH,				/* a series is wanted */
	PHASE_SEARCH,
	PHASE_BEST,					/* regressors' coefficients at the maximum */
	PHASE_HESSIAN,
	PHASE_DONE					/* there are no more series */
} arima_phase;

/* The series of a group, in memory that its lanes share. */
struct arima_group
{
	int64_t		number;
	int64_t		n;				/* of each column */
	const double *y;			/* [columns][n] */
	arima_phase phase;
	int			tasks;			/* evaluations that are wanted */
	int			cursor;			/* of those begun */
	int			active[RK_ARIMA_STARTS];	/* whether a search goes on */
	int			chosen;			/* the search with the best minimum */
	double		found;
	bool		converged;
	rk_minimizer minimizer[RK_ARIMA_STARTS];
};

/* Where arrays begin: in a group's memory, and of a lane's, LANES apart. */
struct group_places
{
	int			search;			/* of one search: minimiser, x, reference, beta */
	int			x;
	int			reference;
	int			beta;
	int			best;
	int			work;
	int			results;
	int			slopes;			/* [k][2][b] */
	int			middle;			/* products of errors at the maximum */
	int			numbers;
};

struct lane_places
{
	int			coefficients;
	int			free_work;
	int			phi;
	int			theta;
	int			column;
	int			start_work;
	int			sums;
	int			gram;
	int			beta;
	int			state;
	int			gain;
	int			w;
	int			errors;
	int			ring;
	int			numbers;
};

/* All series of a call. */
struct arima_batch
{
	rk_arima_orders o;
	int			css;
	int			columns;
	int			starts;
	int			k;				/* coefficients */
	int			b;				/* columns that explain */
	int			p;				/* degrees, multiplied out */
	int			q;
	int			order;			/* of the state */
	int			groups;			/* of a warp */
	int			width;			/* lanes of each */
	group_places in_group;
	lane_places in_lane;
	int			phi_lags;
	int			theta_lags;
	int16_t		phi_lag[MOST_LAGS];
	int16_t		theta_lag[MOST_LAGS];
	int			series;
	const int64_t *offsets;
	const double *y;
	const double *start;
	int		   *ticket;
	arima_group *group;
	double	   *group_memory;
	double	   *lane_memory;
	double	   *estimates;
	double	   *value;
	double	   *hessian;
	int32_t    *converged;
	const volatile int32_t *stop;
};

/* ---- the likelihood ---- */

/* Products of c errors at a time, the values' less what the reference explains. */
template <int C> __device__ static inline void
add_products(double *e, double reference, double *sum)
{
	if (C > 1)
		e[0] -= reference * e[C - 1];
RK_UNROLL
	for (int c = 0; c < C; c++)
RK_UNROLL
		for (int d = 0; d <= c; d++)
			sum[c * (c + 1) / 2 + d] += e[c] * e[d];
}

/*
 * Products of errors with each other into sums[columns (columns + 1) / 2], and
 * the sum of logarithms of their variances.  The order is R at most.
 */
template <int R, int C> __device__ static bool
filter_short(const arima_batch &g, const double *lane, const double *y, int64_t n, const double *reference, double *sums,
			 double *log_f, int64_t *look)
{
	double		phi[R];
	double		theta[R];
	double		values[C][R];	/* the last ones */
	double		errors[C][R];
	double		sum[C * (C + 1) / 2] = {};
	double		explained = C > 1 ? reference[0] : 0;
	int64_t		t = g.p;

	*log_f = 0;
RK_UNROLL
	for (int i = 0; i < R; i++)
	{
		phi[i] = i < g.p ? lane[g.in_lane.phi + i * LANES] : 0;
		theta[i] = i < g.q ? lane[g.in_lane.theta + i * LANES] : 0;
RK_UNROLL
		for (int c = 0; c < C; c++)
			errors[c][i] = 0;
	}
	if (!g.css)
	{
		rk_arma_recursion recursion;
		double		column[R + 1];
		double		w[R + 1];
		double		gain[R];
		double		state[C][R + 1];
		int			next = 0;

RK_UNROLL
		for (int i = 0; i < R; i++)
			column[i] = i < g.order ? lane[g.in_lane.column + i * LANES] : 0;
RK_UNROLL
		for (int c = 0; c < C; c++)
RK_UNROLL
			for (int i = 0; i <= R; i++)
				state[c][i] = 0;
		rk_arma_recursion_begin(&recursion, phi, column, w, gain, R, 1);
		for (t = 0; t < n && next == 0; t++)
		{
			double		root = 1 / sqrt(recursion.f);
			double		e[C];

			if ((t & (LOOK - 1)) == LOOK - 1 && stop_asked(g.stop, look))
				return false;
RK_UNROLL
			for (int c = 0; c < C; c++)
			{
				double		first = state[c][0];
				double		error = __ldg(&y[c * n + t]) - first;

				e[c] = error * root;
RK_UNROLL
				for (int i = 0; i < R; i++)
					state[c][i] = phi[i] * first + state[c][i + 1] + gain[i] * error;
RK_UNROLL
				for (int i = R - 1; i > 0; i--)
					errors[c][i] = errors[c][i - 1];
				errors[c][0] = e[c];
			}
			add_products<C>(e, explained, sum);
			rk_arma_recursion_count(&recursion);
			next = rk_arma_recursion_next(&recursion, phi, theta, g.q, w, gain, R, g.order, 1);
			if (next < 0)
				return false;
		}
		*log_f = recursion.log_f + log(recursion.product);
		if (!isfinite(*log_f))
			return false;
	}
RK_UNROLL
	for (int c = 0; c < C; c++)
RK_UNROLL
		for (int i = 0; i < R; i++)
			values[c][i] = t < n && t > i ? __ldg(&y[c * n + t - 1 - i]) : 0;
	for (; t < n; t++)
	{
		double		e[C];

		if ((t & (LOOK - 1)) == LOOK - 1 && stop_asked(g.stop, look))
			return false;
RK_UNROLL
		for (int c = 0; c < C; c++)
		{
			double		x = __ldg(&y[c * n + t]);
			double		error = x;

RK_UNROLL
			for (int i = 0; i < R; i++)
				error -= phi[i] * values[c][i];
RK_UNROLL
			for (int i = 0; i < R; i++)
				error -= theta[i] * errors[c][i];
RK_UNROLL
			for (int i = R - 1; i > 0; i--)
			{
				values[c][i] = values[c][i - 1];
				errors[c][i] = errors[c][i - 1];
			}
			values[c][0] = x;
			errors[c][0] = e[c] = error;
		}
		add_products<C>(e, explained, sum);
	}
RK_UNROLL
	for (int i = 0; i < C * (C + 1) / 2; i++)
		sums[i * LANES] = sum[i];
	return true;
}

/* The same for any order and number of columns. */
__device__ static bool
filter_long(const arima_batch &g, double *lane, const double *y, int64_t n, const double *reference, double *sums,
			double *log_f, int64_t *look)
{
	const double *phi = lane + g.in_lane.phi;
	const double *theta = lane + g.in_lane.theta;
	double	   *column = lane + g.in_lane.column;
	double	   *gain = lane + g.in_lane.gain;
	double	   *w = lane + g.in_lane.w;
	double	   *errors = lane + g.in_lane.errors;
	double	   *ring = lane + g.in_lane.ring;	/* [columns][q]: the last errors */
	int			r = g.order;
	int			columns = g.columns;
	int			place = 0;		/* in the ring */
	bool		steady = g.css;
	rk_arma_recursion recursion = {};

	*log_f = 0;
	for (int i = 0; i < columns * (columns + 1) / 2; i++)
		sums[i * LANES] = 0;
	for (int i = 0; i < columns * g.q; i++)
		ring[i * LANES] = 0;
	if (!steady)
	{
		for (int i = 0; i < columns * (r + 1); i++)
			lane[g.in_lane.state + i * LANES] = 0;
		rk_arma_recursion_begin(&recursion, phi, column, w, gain, r, LANES);
	}
	for (int64_t t = g.css ? g.p : 0; t < n; t++)
	{
		double		values;

		if ((t & (LOOK - 1)) == LOOK - 1 && stop_asked(g.stop, look))
			return false;
		if (steady)
			for (int c = 0; c < columns; c++)
			{
				const double *last = ring + c * g.q * LANES;
				double		error = __ldg(&y[c * n + t]);

				for (int i = 0; i < g.phi_lags; i++)
					error -= phi[(g.phi_lag[i] - 1) * LANES] * __ldg(&y[c * n + t - g.phi_lag[i]]);
				for (int i = 0; i < g.theta_lags; i++)
				{
					int			lag = g.theta_lag[i];

					error -= theta[(lag - 1) * LANES] * last[(place >= lag ? place - lag : place - lag + g.q) * LANES];
				}
				errors[c * LANES] = error;
			}
		else
		{
			double		root = 1 / sqrt(recursion.f);

			for (int c = 0; c < columns; c++)
			{
				double	   *state = lane + g.in_lane.state + c * (r + 1) * LANES;
				double		first = state[0];
				double		error = __ldg(&y[c * n + t]) - first;

				errors[c * LANES] = error * root;
RK_ARMA_UNROLL
				for (int i = 0; i < r; i++)
					state[i * LANES] = phi[i * LANES] * first + state[(i + 1) * LANES] + gain[i * LANES] * error;
			}
		}
		for (int c = 0; c < columns && g.q > 0; c++)
			ring[(c * g.q + place) * LANES] = errors[c * LANES];
		place = place + 1 < g.q ? place + 1 : 0;
		values = errors[0];
		for (int c = 1; c < columns; c++)
			values -= reference[c - 1] * errors[c * LANES];
		sums[0] += values * values;
		for (int c = 1; c < columns; c++)
			for (int d = 0; d <= c; d++)
				sums[(c * (c + 1) / 2 + d) * LANES] += errors[c * LANES] * (d > 0 ? errors[d * LANES] : values);
		if (!steady)
		{
			int			next;

			rk_arma_recursion_count(&recursion);
			next = rk_arma_recursion_next(&recursion, phi, theta, g.q, w, gain, r, r, LANES);
			if (next < 0)
				return false;
			steady = next > 0;
		}
	}
	if (!g.css)
		*log_f = recursion.log_f + log(recursion.product);
	return isfinite(*log_f);
}

/* The filter of the coefficients that are the lane's; R 0: from memory. */
template <int R, int C> __device__ static inline bool
filter(const arima_batch &g, double *lane, const double *y, int64_t n, const double *reference, double *log_f, int64_t *look)
{
	double	   *sums = lane + g.in_lane.sums;

	rk_arima_polynomials(&g.o, lane + g.in_lane.coefficients, lane + g.in_lane.phi, lane + g.in_lane.theta, LANES);
	if (!g.css && !rk_arma_stationary(lane + g.in_lane.phi, g.p, lane + g.in_lane.theta, g.q, lane + g.in_lane.column,
									  lane + g.in_lane.start_work, LANES))
		return false;
	if (R == 0)
		return filter_long(g, lane, y, n, reference, sums, log_f, look);
	return filter_short<R == 0 ? 1 : R, C>(g, lane, y, n, reference, sums, log_f, look);
}

/* ---- evaluations ---- */

/* The memory of a group's search. */
__device__ static inline double *
search_memory(const arima_batch &g, double *memory, int search)
{
	return memory + search * g.in_group.search;
}

/* Row and column of a matrix below its diagonal, by number. */
__device__ static inline void
pair_of(int number, int *i, int *j)
{
	*i = 0;
	while (number > *i)
		number -= ++*i;
	*j = number;
}

/* Coefficients of an evaluation into the lane's; whose reference it has. */
__device__ RK_NOINLINE static int
set_coefficients(const arima_batch &g, const arima_group &group, const double *memory, int task, double *lane)
{
	int			k = g.k;
	double	   *c = lane + g.in_lane.coefficients;
	const double *best = memory + g.in_group.best;
	int			corners = 2 * k * (k + 1);

	if (group.phase == PHASE_SEARCH)
	{
		int			search = group.active[0] ? task / (2 * k + 1) : 1;
		int			e = task % (2 * k + 1) - 1;
		const double *u = group.minimizer[search].at;
		int			moved = e < 0 ? -1 : e / 2;
		double		value = 0;

		if (moved >= 0)
		{
			double		h = RK_ARIMA_GRADIENT_STEP(u[moved]);

			value = u[moved] + (e % 2 ? h : -h);
		}
		rk_arima_from_free(&g.o, u, moved, value, c, lane + g.in_lane.free_work, LANES);
		return search;
	}
	for (int i = 0; i < k; i++)
		c[i * LANES] = best[i];
	if (group.phase == PHASE_HESSIAN && task < corners)
	{
		int			i;
		int			j;

		pair_of(task / 4, &i, &j);
		c[i * LANES] += task & 1 ? RK_ARIMA_HESSIAN_STEP(best[i]) : -RK_ARIMA_HESSIAN_STEP(best[i]);
		c[j * LANES] += task & 2 ? RK_ARIMA_HESSIAN_STEP(best[j]) : -RK_ARIMA_HESSIAN_STEP(best[j]);
	}
	else if (group.phase == PHASE_HESSIAN && g.b > 0 && task < corners + 2 * k)
	{
		int			i = (task - corners) / 2;

		c[i * LANES] = best[i] + (task & 1 ? RK_ARIMA_HESSIAN_STEP(best[i]) : -RK_ARIMA_HESSIAN_STEP(best[i]));
	}
	return group.chosen;
}

/* -log-likelihood with the best coefficients of regressors, which go to beta unless it is NULL. */
__device__ RK_NOINLINE static double
concentrated(const arima_batch &g, double *lane, double n, double log_f, const double *reference, double *beta)
{
	const double *sums = lane + g.in_lane.sums;
	double	   *gram = lane + g.in_lane.gram;
	double	   *change = lane + g.in_lane.beta;
	int			b = g.b;
	double		squares = sums[0];

	for (int i = 0; i < b; i++)
	{
		for (int j = 0; j <= i; j++)
			gram[(i * (b + 1) + j) * LANES] = sums[((i + 1) * (i + 2) / 2 + j + 1) * LANES];
		gram[(i * (b + 1) + b) * LANES] = sums[(i + 1) * (i + 2) / 2 * LANES];
	}
	if (!rk_arima_solve(gram, b, change, LANES))
		return INFINITY;
	for (int i = 0; i < b; i++)
	{
		double		part = gram[(i * (b + 1) + b) * LANES];

		squares -= part * part;
		if (beta)
			beta[i] = reference[i] + change[i * LANES];
	}
	return rk_arima_value(n, squares, log_f);
}

/* What an evaluation of the Hessian is for. */
__device__ RK_NOINLINE static void
keep_for_hessian(const arima_batch &g, const double *lane, double *memory, int task, bool there, double n, double log_f)
{
	const double *sums = lane + g.in_lane.sums;
	int			corners = 2 * g.k * (g.k + 1);
	double		squares = there ? sums[0] : NAN;

	memory[g.in_group.results + task] = squares > 0 ? 0.5 * (n * log(squares) + log_f) : NAN;
	if (g.b == 0 || task < corners)
		return;
	if (task < corners + 2 * g.k)
		for (int i = 0; i < g.b; i++)
			memory[g.in_group.slopes + (task - corners) * g.b + i] = -sums[(i + 1) * (i + 2) / 2 * LANES] * (n / squares);
	else
		for (int i = 0; i < g.columns * (g.columns + 1) / 2; i++)
			memory[g.in_group.middle + i] = sums[i * LANES];
}

template <int R, int C> __device__ static inline void
evaluate(const arima_batch &g, const arima_group &group, double *memory, int task, double *lane, int64_t *look)
{
	int			search = set_coefficients(g, group, memory, task, lane);
	double	   *of_search = search_memory(g, memory, search);
	const double *reference = of_search + g.in_group.reference;
	double		n = (double) (g.css ? group.n - g.p : group.n);
	double		log_f = 0;
	bool		there;

	if (group.phase == PHASE_HESSIAN)
		reference = of_search + g.in_group.beta;
	there = filter<R, C>(g, lane, group.y, group.n, reference, &log_f, look);
	if (group.phase == PHASE_HESSIAN)
		keep_for_hessian(g, lane, memory, task, there, n, log_f);
	else
	{
		bool		middle = group.phase == PHASE_BEST || task % (2 * g.k + 1) == 0;

		memory[g.in_group.results + task] =
			there ? concentrated(g, lane, n, log_f, reference, middle ? of_search + g.in_group.beta : nullptr) : INFINITY;
	}
}

/* ---- between evaluations ---- */

/* The next step of a search, by one lane. */
__device__ RK_NOINLINE static void
step_search(const arima_batch &g, arima_group &group, double *memory, int search)
{
	rk_minimizer *m = &group.minimizer[search];
	const double *result = memory + g.in_group.results;
	double	   *of_search = search_memory(g, memory, search);

	if (search > 0 && group.active[0])
		result += 2 * g.k + 1;
	for (int i = 0; i < g.k; i++)
		m->gradient_at[i] = (result[2 + 2 * i] - result[1 + 2 * i]) / (2 * RK_ARIMA_GRADIENT_STEP(m->at[i]));
	/* products are taken about what was the best: near it, less is lost */
	for (int i = 0; i < g.b && isfinite(result[0]); i++)
		of_search[g.in_group.reference + i] = of_search[g.in_group.beta + i];
	group.active[search] |= rk_minimizer_next(m, result[0]) ? 2 : 0;
}

/* A search begins at u. */
__device__ static inline void
begin_search(const arima_batch &g, arima_group &group, double *memory, int search, const double *u)
{
	rk_minimizer *m = &group.minimizer[search];
	double	   *of_search = search_memory(g, memory, search);
	double	   *x = of_search + g.in_group.x;

	for (int i = 0; i < g.k; i++)
		x[i] = u[i];
	for (int i = 0; i < g.b; i++)
		of_search[g.in_group.reference + i] = of_search[g.in_group.beta + i] = 0;
	*m = {};
	m->n = g.k;
	m->max_iterations = RK_ARIMA_ITERATIONS;
	m->tolerance = RK_ARIMA_TOLERANCE;
	m->x = x;
	rk_minimizer_begin(m, of_search);
	group.active[search] = 1;
}

/* The next series of the call; those without values have no fit. */
__device__ RK_NOINLINE static void
fetch(const arima_batch &g, arima_group &group, double *memory)
{
	for (;;)
	{
		int			number = atomicAdd(g.ticket, 1);
		int64_t		begin;

		if (number >= g.series)
		{
			group.phase = PHASE_DONE;
			return;
		}
		begin = g.offsets[number];
		group.number = number;
		group.n = (g.offsets[number + 1] - begin) / g.columns;
		group.y = g.y + begin;
		if (group.n > 0)
			break;
	}
	for (int s = 0; s < RK_ARIMA_STARTS; s++)
	{
		group.active[s] = 0;
		if (s < g.starts)
			begin_search(g, group, memory, s, g.start + (group.number * g.starts + s) * g.k);
	}
	group.phase = PHASE_SEARCH;
	group.cursor = 0;
	group.tasks = g.starts * (2 * g.k + 1);
}

/* The best of the searches, of which there is none that goes on. */
__device__ static inline void
choose(const arima_batch &g, arima_group &group, double *memory)
{
	group.found = INFINITY;
	group.converged = false;
	for (int s = 0; s < g.starts; s++)
	{
		const rk_minimum *m = &group.minimizer[s].result;

		if (rk_arima_is_better(m->value, group.found))
		{
			group.found = m->value;
			group.converged = rk_arima_has_converged(m->converged, m->decrease);
			group.chosen = s;
		}
	}
	if (isfinite(group.found))
		rk_arima_from_free(&g.o, search_memory(g, memory, group.chosen) + g.in_group.x, -1, 0,
						   memory + g.in_group.best, memory + g.in_group.work, 1);
}

/* The Hessian of what has been evaluated for it, as rk_arima_hessian. */
__device__ static inline void
store_hessian(const arima_batch &g, const double *memory, double *hessian)
{
	int			k = g.k;
	int			all = k + g.b;
	const double *best = memory + g.in_group.best;
	const double *value = memory + g.in_group.results;
	const double *slopes = memory + g.in_group.slopes;
	const double *middle = memory + g.in_group.middle;
	double		n;

	for (int i = 0; i < k; i++)
		for (int j = 0; j <= i; j++, value += 4)
			hessian[i * all + j] = hessian[j * all + i] = (value[3] - value[1] - value[2] + value[0]) /
				(4 * RK_ARIMA_HESSIAN_STEP(best[i]) * RK_ARIMA_HESSIAN_STEP(best[j]));
	if (g.b > 0)
		value += 2 * k;
	/* its n is in the slopes */
	for (int i = 0; i < k; i++)
		for (int j = 0; j < g.b; j++)
			hessian[i * all + k + j] = hessian[(k + j) * all + i] =
				(slopes[(2 * i + 1) * g.b + j] - slopes[2 * i * g.b + j]) / (2 * RK_ARIMA_HESSIAN_STEP(best[i]));
	n = memory[g.in_group.work];
	for (int i = 0; i < g.b; i++)
		for (int j = 0; j <= i; j++)
			hessian[(k + i) * all + k + j] = hessian[(k + j) * all + k + i] =
				n * middle[(i + 1) * (i + 2) / 2 + j + 1] / middle[0];
	if (!isfinite(*value))
		hessian[0] = NAN;
}

/* What comes after the evaluations that were wanted, by one lane. */
__device__ RK_NOINLINE static void
advance(const arima_batch &g, arima_group &group, double *memory)
{
	int			k = g.k;
	int			all = k + g.b;
	int			active = 0;

	group.cursor = 0;
	switch (group.phase)
	{
		case PHASE_SEARCH:
			for (int s = 0; s < RK_ARIMA_STARTS; s++)
				active += group.active[s] >>= 1;
			group.tasks = active * (2 * k + 1);
			if (active > 0)
				return;
			choose(g, group, memory);
			if (!isfinite(group.found))
			{
				group.phase = PHASE_FETCH;
				return;
			}
			group.phase = g.b > 0 ? PHASE_BEST : PHASE_HESSIAN;
			break;
		case PHASE_BEST:
			group.phase = PHASE_HESSIAN;
			break;
		default:
			memory[g.in_group.work] = (double) (g.css ? group.n - g.p : group.n);
			store_hessian(g, memory, g.hessian + group.number * all * all);
			for (int i = 0; i < k; i++)
				g.estimates[group.number * k + i] = memory[g.in_group.best + i];
			g.value[group.number] = group.found;
			g.converged[group.number] = group.converged;
			group.phase = PHASE_FETCH;
			return;
	}
	group.tasks = group.phase == PHASE_BEST ? 1 : 2 * k * (k + 1) + (g.b > 0 ? 2 * k : 0) + 1;
}

/* A block is a warp. */
template <int R, int C> __global__ static void __launch_bounds__(LANES, WARPS(R, C))
fit_series(const __grid_constant__ arima_batch g)
{
	int			mine = threadIdx.x / g.width;
	int			place = threadIdx.x % g.width;
	bool		member = mine < g.groups;
	int64_t		at = (int64_t) blockIdx.x * g.groups + (member ? mine : 0);
	arima_group &group = g.group[at];
	double	   *memory = g.group_memory + at * g.in_group.numbers;
	double	   *lane = g.lane_memory + (int64_t) blockIdx.x * g.in_lane.numbers * LANES + threadIdx.x;
	int64_t		look = 0;

	if (member && place == 0)
		group.phase = PHASE_FETCH;
	/* where phi ends nothing else is written */
	for (int i = g.p; i < g.order; i++)
		lane[g.in_lane.phi + i * LANES] = 0;
	for (;;)
	{
		bool		works;
		bool		over;

		__syncwarp();
		if (member && place == 0 && group.phase == PHASE_FETCH)
			fetch(g, group, memory);
		__syncwarp();
		works = member && group.phase != PHASE_DONE;
		if (!__any_sync(FULL_WARP, works) || __shfl_sync(FULL_WARP, (int) stop_asked(g.stop, &look), 0))
			return;
		if (works && group.cursor + place < group.tasks)
			evaluate<R, C>(g, group, memory, group.cursor + place, lane, &look);
		__syncwarp();
		if (works && place == 0)
			group.cursor += g.width;
		__syncwarp();
		over = works && group.cursor >= group.tasks;
		if (over && group.phase == PHASE_SEARCH && place < g.starts && group.active[place])
			step_search(g, group, memory, place);
		__syncwarp();
		if (over && place == 0)
			advance(g, group, memory);
	}
}

/* ---- the call ---- */

/* Lags of a product of polynomials, rising, each once. */
static int
find_lags(int p, int seasonal_p, int period, int16_t *lag)
{
	int			count = 0;

	for (int j = 0; j <= seasonal_p; j++)
		for (int i = j == 0; i <= p; i++)
		{
			int			here = j * period + i;
			int			at = count;

			while (at > 0 && lag[at - 1] > here)
				at--;
			if (at > 0 && lag[at - 1] == here)
				continue;
			for (int l = count; l > at; l--)
				lag[l] = lag[l - 1];
			lag[at] = (int16_t) here;
			count++;
		}
	return count;
}

static void
set_places(arima_batch *g, bool in_registers)
{
	int			k = g->k;
	int			b = g->b;
	int			r = g->order;
	int			products = g->columns * (g->columns + 1) / 2;
	int			next = 0;
	auto		take = [&] (int numbers) { int at = next; next += numbers; return at; };
	auto		take_lanes = [&] (int numbers) { return take(numbers * LANES); };

	take((int) rk_minimizer_work(k, 0));
	g->in_group.x = take(k);
	g->in_group.reference = take(b);
	g->in_group.beta = take(b);
	g->in_group.search = next;
	next *= g->starts;
	g->in_group.best = take(k);
	g->in_group.work = take(2 * RK_ARIMA_ORDER);
	g->in_group.results = take(max(g->starts * (2 * k + 1), 2 * k * (k + 1) + (b > 0 ? 2 * k : 0) + 1));
	g->in_group.slopes = take(2 * k * b);
	g->in_group.middle = take(products);
	g->in_group.numbers = next;
	next = 0;
	g->in_lane.coefficients = take_lanes(k);
	g->in_lane.free_work = take_lanes(2 * RK_ARIMA_ORDER);
	g->in_lane.phi = take_lanes(r);
	g->in_lane.theta = take_lanes(r);
	g->in_lane.column = take_lanes(r + 1);
	g->in_lane.start_work = take_lanes(rk_arma_stationary_work(r));
	g->in_lane.sums = take_lanes(products);
	g->in_lane.gram = take_lanes(b * (b + 1));
	g->in_lane.beta = take_lanes(b);
	g->in_lane.state = take_lanes(in_registers ? 0 : g->columns * (r + 1));
	g->in_lane.gain = take_lanes(in_registers ? 0 : r);
	g->in_lane.w = take_lanes(in_registers ? 0 : r + 1);
	g->in_lane.errors = take_lanes(in_registers ? 0 : g->columns);
	g->in_lane.ring = take_lanes(in_registers ? 0 : g->columns * g->q);
	g->in_lane.numbers = next / LANES;
}

void
run_arima(rk_cuda_device *device, rk_cuda_call *call)
{
	const rk_cuda_arima_params *p = (const rk_cuda_arima_params *) call->params;
	const int64_t *offsets = (const int64_t *) call->input[0].data;
	int64_t		series = call->input[0].bytes / (int64_t) sizeof(int64_t) - 1;
	arima_batch g = {};
	int64_t		blocks;
	int64_t		all;
	bool		in_registers;
	int			warps;
	device_array<int64_t> device_offsets;
	device_array<double> y;
	device_array<double> start;
	device_array<int> ticket;
	device_array<arima_group> group;
	device_array<double> group_memory;
	device_array<double> lane_memory;
	device_array<double> estimates;
	device_array<double> value;
	device_array<double> hessian;
	device_array<int32_t> converged;

	if (p == nullptr || call->params_bytes != sizeof(*p) || p->p < 0 || p->p > RK_ARIMA_ORDER || p->q < 0 ||
		p->q > RK_ARIMA_ORDER || p->seasonal_p < 0 || p->seasonal_p > RK_ARIMA_SEASONAL || p->seasonal_q < 0 ||
		p->seasonal_q > RK_ARIMA_SEASONAL || p->period < 0 || p->period > RK_ARIMA_PERIOD ||
		(p->period < 1 && p->seasonal_p + p->seasonal_q > 0) || p->columns < 1 || p->starts < 1 ||
		p->starts > RK_ARIMA_STARTS || series < 1 || series >= INT32_MAX / 2 || offsets == nullptr || offsets[0] != 0)
		decline("parameters of another shape than a model has");
	g.o.p = p->p;
	g.o.q = p->q;
	g.o.seasonal_p = p->seasonal_p;
	g.o.seasonal_q = p->seasonal_q;
	g.o.period = p->period;
	g.css = p->css != 0;
	g.columns = p->columns;
	g.starts = p->starts;
	g.k = rk_arima_coefficients(&g.o);
	g.b = p->columns - 1;
	g.p = p->p + p->seasonal_p * p->period;
	g.q = p->q + p->seasonal_q * p->period;
	g.order = rk_arima_state(&g.o);
	all = g.k + g.b;
	if (g.k < 1 || g.order > RK_ARIMA_DEVICE_STATE || p->columns > RK_ARIMA_DEVICE_COLUMNS)
		decline("a model that is too large, or has nothing to search for");
	for (int64_t i = 0; i < series; i++)
		if (offsets[i + 1] < offsets[i] || (offsets[i + 1] - offsets[i]) % p->columns != 0)
			decline("series that are not as many numbers in each column");
	if ((call->input[1].data == nullptr && offsets[series] > 0) ||
		call->input[1].bytes != offsets[series] * (int64_t) sizeof(double) || call->input[2].data == nullptr ||
		call->input[2].bytes != series * g.starts * g.k * (int64_t) sizeof(double) ||
		call->output[0].bytes != series * g.k * (int64_t) sizeof(double) ||
		call->output[1].bytes != series * (int64_t) sizeof(double) ||
		call->output[2].bytes != series * all * all * (int64_t) sizeof(double) ||
		call->output[3].bytes != series * (int64_t) sizeof(int32_t))
		decline("arrays of another shape than series have");
	g.phi_lags = find_lags(p->p, p->seasonal_p, p->period, g.phi_lag);
	g.theta_lags = find_lags(p->q, p->seasonal_q, p->period, g.theta_lag);
	g.groups = max(LANES / (g.starts * (2 * g.k + 1)), 1);
	g.width = LANES / g.groups;
	in_registers = g.order <= 4 && g.columns <= 2;
	warps = in_registers ? WARPS(g.order <= 2 ? 2 : 4, g.columns) : WARPS(0, 1);
	set_places(&g, in_registers);
	blocks = min((series + g.groups - 1) / g.groups, (int64_t) device->multiprocessors * warps);
	blocks = max(min(blocks, LANE_NUMBERS / ((int64_t) g.in_lane.numbers * LANES)), (int64_t) 1);

	device_offsets.load(device, offsets, series + 1, &call->usage);
	y.load(device, (const double *) call->input[1].data, offsets[series], &call->usage);
	start.load(device, (const double *) call->input[2].data, series * g.starts * g.k, &call->usage);
	ticket.allocate(device, 1);
	group.allocate(device, blocks * g.groups);
	group_memory.allocate(device, blocks * g.groups * g.in_group.numbers);
	lane_memory.allocate(device, blocks * g.in_lane.numbers * LANES);
	estimates.allocate(device, series * g.k);
	value.allocate(device, series);
	hessian.allocate(device, series * all * all);
	converged.allocate(device, series);

	stop_word	stop;
	kernel_timer timer(device, &call->usage);

	ticket.fill(0);
	estimates.fill(0);
	value.fill(0xff);			/* not a number */
	hessian.fill(0xff);
	converged.fill(0);
	g.series = (int) series;
	g.offsets = device_offsets.get();
	g.y = y.get();
	g.start = start.get();
	g.ticket = ticket.get();
	g.group = group.get();
	g.group_memory = group_memory.get();
	g.lane_memory = lane_memory.get();
	g.estimates = estimates.get();
	g.value = value.get();
	g.hessian = hessian.get();
	g.converged = converged.get();
	g.stop = stop.get();
#define FIT(r, c) RK_LAUNCH((fit_series<r, c>), (unsigned) blocks, LANES, device->stream) (g)
	if (!in_registers)
		FIT(0, 1);
	else if (g.order <= 2 && g.columns == 1)
		FIT(2, 1);
	else if (g.order <= 2)
		FIT(2, 2);
	else if (g.columns == 1)
		FIT(4, 1);
	else
		FIT(4, 2);
#undef FIT
	check_launch();
	stop.wait(device, call);
	timer.stop();
	estimates.store((double *) call->output[0].data, &call->usage);
	value.store((double *) call->output[1].data, &call->usage);
	hessian.store((double *) call->output[2].data, &call->usage);
	converged.store((int32_t *) call->output[3].data, &call->usage);
	check(cudaStreamSynchronize(device->stream));
	/* in each of about 40 rounds the series pass by; arrays of filters are in the cache */
	call->usage.bytes_moved += 40 * 8 * offsets[series];
}
