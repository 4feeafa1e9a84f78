/*
 * garch.cu
 *	  Volatility models of many series by maximum likelihood, as
 *	  src/temporal/garch.c: a warp fits a series.
 *
 * The lanes take 32 positions at a time.  With one lag of each kind the variance
 * is a linear recurrence, and so is the gradient's way back: both are scans over
 * the lanes.  Otherwise (more lags, egarch) a position is finished after the
 * other, and each one is pushed to the lanes that look back at it.  What does
 * not depend on order, densities and sums, is a position a lane either way.  The
 * minimiser is the CPU's, a step at a time by the first lane, and so are
 * constraints, starting points and formulas; sums are added in another order.
 *
 * A fit takes as long as the series is hard, so that a launch may take seconds:
 * every evaluation looks at the stop word.
 */
#include "device.cuh"
#include "stop_word.cuh"

#include "../src/compute/minimize_steps.h"
#include "../src/temporal/garch_model.h"

#define LAGS RK_GARCH_LAGS
#define COUNT RK_GARCH_MAX_COUNT
#define SIDES 5					/* the density, and it with each shape moved both ways */
#define LAUNCH_NUMBERS (INT64_C(1) << 27)	/* of scratch space: 1 GB, a quarter of what rk.gpu_memory_limit is */

/* All series of a call. */
struct garch_batch
{
	rk_garch_layout layout;
	bool		mean_backcast;
	int			constraints;
	const double *a;			/* [constraints][count] */
	const double *b;
	const int64_t *offsets;
	const double *y;
	const double *start;		/* [series][3]: backcast, mean */
	double	   *scratch;
	int64_t		first_offset;	/* of the launch's first series, scratch begins with its */
	int64_t		matrices;		/* numbers for the minimiser and for the covariance */
	double	   *estimates;
	double	   *value;
	double	   *covariance;
	int32_t    *converged;
	const volatile int32_t *stop;
};

/* One series: what a warp works on. */
struct garch_series
{
	rk_garch_layout l;
	bool		mean_backcast;
	int64_t		n;
	const double *y;			/* [-1 .. n) */
	double		backcast;
	double		before;			/* variance before the sample, of the last recursion */
	double	   *shock;			/* [n]: e */
	double	   *level;			/* [n]: s2; egarch ln s2 */
	double	   *slopes;			/* [count][n] */
	const volatile int32_t *stop;
	int64_t		look;			/* when it is looked at next */
	bool		stopped;
};

/* Numbers of scratch space that a series of n values takes beside its matrices. */
static inline __host__ __device__ int64_t
series_scratch(int64_t n, int count)
{
	return n * (2 + count);
}

/* ---- positions ---- */

/* Squared shock, |z| - E|z| of egarch, at a position that may precede the sample. */
__device__ static inline double
square_at(const garch_series &f, int64_t t)
{
	if (t < 0)
		return f.l.egarch ? 0 : f.before;
	if (f.l.egarch)
		return fabs(f.shock[t] * exp(-0.5 * f.level[t])) - RK_GARCH_MEAN_ABSOLUTE;
	return f.shock[t] * f.shock[t];
}

/* The same where the shock is below 0; z of egarch. */
__device__ static inline double
below_at(const garch_series &f, int64_t t)
{
	if (t < 0)
		return f.l.egarch ? 0 : 0.5 * f.before;
	if (f.l.egarch)
		return f.shock[t] * exp(-0.5 * f.level[t]);
	return f.shock[t] < 0 ? f.shock[t] * f.shock[t] : 0;
}

__device__ static inline double
level_at(const garch_series &f, int64_t t)
{
	if (t < 0)
		return f.l.egarch ? log(f.before) : f.before;
	return f.level[t];
}

__device__ static inline double
variance_of(const garch_series &f, double level)
{
	if (f.l.egarch)
		return exp(level);
	/* rounding at a boundary must not make a variance negative */
	return level > 1e-12 ? level : 1e-12;
}

/* ---- forwards ---- */

/* beta^1, 2, 4, 8, 16 for a scan, and beta^(lane + 1). */
struct powers
{
	double		step[5];
	double		mine;
};

__device__ static inline powers
powers_of(double beta, int lane)
{
	powers		p;

	p.step[0] = beta;
	p.mine = 1;
RK_UNROLL
	for (int i = 1; i < 5; i++)
		p.step[i] = p.step[i - 1] * p.step[i - 1];
RK_UNROLL
	for (int i = 0; i < 5; i++)
		if ((lane + 1) >> i & 1)
			p.mine *= p.step[i];
	if (lane == 31)
		p.mine = p.step[4] * p.step[4];
	return p;
}

/* What a position gives to the one d later, d from 1 to LAGS. */
__device__ static inline double
push_of(const rk_garch_layout &l, const double *x, int d, double level, double z)
{
	double		sum = d <= l.q ? x[l.beta + d - 1] * level : 0;

	if (l.egarch)
	{
		sum += d <= l.p ? x[l.alpha + d - 1] * (fabs(z) - RK_GARCH_MEAN_ABSOLUTE) : 0;
		sum += d <= l.o ? x[l.gamma + d - 1] * z : 0;
	}
	return sum;
}

/* Shocks and levels with the estimates x. */
template <bool SHORT> __device__ RK_NOINLINE static void
recursion(garch_series &f, const double *x)
{
	const rk_garch_layout &l = f.l;
	int			lane = threadIdx.x % 32;
	double		mu = l.means > 0 ? x[0] : 0;
	double		ar = l.means > 1 ? x[1] : 0;
	double		omega = x[l.omega];
	double		alpha = SHORT && l.p ? x[l.alpha] : 0;
	double		gamma = SHORT && l.o ? x[l.gamma] : 0;
	powers		power = powers_of(SHORT && l.q ? x[l.beta] : 0, lane);
	double		last_shock = 0;
	double		last_level;
	double		pushed = 0;		/* to the next 32 positions */

	f.before = f.backcast;
	if (f.mean_backcast)
	{
		double		sum = 0;

		for (int64_t t = lane; t < f.n; t += 32)
		{
			double		e = f.y[t] - mu - ar * f.y[t - 1];

			sum += e * e;
		}
		f.before = warp_sum(sum) / f.n;
	}
	last_level = f.before;
	/* the others may still read what is written now */
	__syncwarp();
	for (int64_t base = 0; base < f.n; base += 32)
	{
		int64_t		t = base + lane;
		double		e = t < f.n ? f.y[t] - mu - ar * f.y[t - 1] : 0;
		double		level;

		if (t < f.n)
			f.shock[t] = e;
		if (SHORT)
		{
			double		previous = __shfl_up_sync(FULL_WARP, e, 1);
			double		square;
			double		below;

			if (lane == 0)
				previous = last_shock;
			square = previous * previous;
			below = previous < 0 ? square : 0;
			if (t == 0)
			{
				square = f.before;
				below = 0.5 * f.before;
			}
			level = omega + alpha * square + gamma * below;
RK_UNROLL
			for (int i = 0; i < 5; i++)
			{
				double		other = __shfl_up_sync(FULL_WARP, level, 1 << i);

				if (lane >= 1 << i)
					level += power.step[i] * other;
			}
			level += power.mine * last_level;
			last_level = __shfl_sync(FULL_WARP, level, 31);
			last_shock = __shfl_sync(FULL_WARP, e, 31);
		}
		else
		{
			int			here = (int) min(f.n - base, (int64_t) 32);
			double		before = l.egarch ? log(f.before) : f.before;

			level = omega + pushed;
			pushed = 0;
			for (int j = (int) min(t + 1, (int64_t) LAGS + 1); j <= l.q; j++)
				level += x[l.beta + j - 1] * before;
			__syncwarp();
			if (!l.egarch && t < f.n)
			{
				for (int i = 1; i <= l.p; i++)
					level += x[l.alpha + i - 1] * square_at(f, t - i);
				for (int i = 1; i <= l.o; i++)
					level += x[l.gamma + i - 1] * below_at(f, t - i);
			}
			for (int j = 0; j < here; j++)
			{
				double		done = __shfl_sync(FULL_WARP, level, j);
				double		z = 0;
				int			d = lane - j;

				if (l.egarch)
					z = __shfl_sync(FULL_WARP, e * exp(-0.5 * level), j);
				if (d > 0 && d <= LAGS)
					level += push_of(l, x, d, done, z);
				else if (d <= 0 && d + 32 <= LAGS)
					pushed += push_of(l, x, d + 32, done, z);
			}
		}
		if (t < f.n)
			f.level[t] = level;
	}
	__syncwarp();
}

/* ---- the likelihood ---- */

/*
 * The log-likelihood of what the last recursion left by each density; normal
 * ones have but one side.
 */
__device__ static void
likelihoods(const garch_series &f, const rk_garch_density *d, int sides, double *sums)
{
	int			lane = threadIdx.x % 32;
	rk_log_sum	scale = {0, 1};
	rk_log_sum	kernels[SIDES];
	double		squares = 0;
	double		scales;

	for (int s = 0; s < SIDES; s++)
		kernels[s] = {0, 1};
	for (int64_t t = lane; t < f.n; t += 32)
	{
		double		e = f.shock[t];
		double		variance = variance_of(f, f.level[t]);

		rk_log_sum_add(&scale, variance);
		if (d[0].kind == RK_GARCH_NORMAL)
			squares += e * e / variance;
		else
		{
			double		z = e / sqrt(variance);
			double		v;
			double		side;

RK_UNROLL
			for (int s = 0; s < SIDES; s++)
				if (s < sides)
					rk_log_sum_add(&kernels[s], rk_garch_kernel_of(&d[s], z, &v, &side));
		}
	}
	scales = warp_sum(rk_log_sum_total(&scale));
	if (d[0].kind == RK_GARCH_NORMAL)
	{
		sums[0] = f.n * d[0].constant - 0.5 * (warp_sum(squares) + scales);
		return;
	}
RK_UNROLL
	for (int s = 0; s < SIDES; s++)
		if (s < sides)
			sums[s] = f.n * d[s].constant -
				0.5 * ((d[s].nu + 1) * warp_sum(rk_log_sum_total(&kernels[s])) + scales);
}

/* Derivatives of the log density at a position by e, and by s2 or ln s2. */
__device__ static inline void
derivatives(const garch_series &f, const rk_garch_density &d, int64_t t, double *score, double *adjoint)
{
	double		e = f.shock[t];
	double		variance = variance_of(f, f.level[t]);

	if (d.kind == RK_GARCH_NORMAL)
	{
		double		inverse = 1 / variance;

		*score = -e * inverse;
		*adjoint = 0.5 * (e * e * inverse - 1) * (f.l.egarch ? 1 : inverse);
	}
	else
	{
		double		s = sqrt(variance);
		double		z = e / s;
		double		v;
		double		side;
		double		kernel = rk_garch_kernel_of(&d, z, &v, &side);
		double		slope = rk_garch_slope_of(&d, v, side, kernel);

		*score = slope / s;
		*adjoint = -0.5 * (1 + z * slope) * (f.l.egarch ? 1 : 1 / variance);
	}
}

/* ---- backwards ---- */

/*
 * The gradient of -log-likelihood by all estimates but the shape, after a
 * recursion with x.
 */
template <bool SHORT> __device__ static void
backwards(const garch_series &f, const double *x, const rk_garch_density &d, double *gradient)
{
	const int	MOST = SHORT ? 1 : LAGS;
	const rk_garch_layout &l = f.l;
	int			lane = threadIdx.x % 32;
	double		alpha = SHORT && l.p ? x[l.alpha] : 0;
	double		gamma = SHORT && l.o ? x[l.gamma] : 0;
	/* from the other end: lane 31 is the first */
	powers		power = powers_of(SHORT && l.q ? x[l.beta] : 0, 31 - lane);
	double		last = 0;		/* adjoint of the position after these 32 */
	double		pushed_level = 0;
	double		pushed_alpha = 0;
	double		pushed_gamma = 0;
	double		mean[2] = {0, 0};
	double		shocks[2] = {0, 0};
	double		by_before = 0;
	double		by_omega = 0;
	double		by_alpha[MOST] = {};
	double		by_gamma[MOST] = {};
	double		by_beta[MOST] = {};

	for (int64_t base = (f.n - 1) / 32 * 32; base >= 0; base -= 32)
	{
		int64_t		t = base + lane;
		bool		there = t < f.n;
		double		e = there ? f.shock[t] : 0;
		double		score = 0;
		double		adjoint = 0;
		double		a;			/* of e2 or |z|, by alpha and by gamma */
		double		g;

		if (there)
			derivatives(f, d, t, &score, &adjoint);
		if (SHORT)
		{
			double		next;

RK_UNROLL
			for (int i = 0; i < 5; i++)
			{
				double		other = __shfl_down_sync(FULL_WARP, adjoint, 1 << i);

				if (lane + (1 << i) < 32)
					adjoint += power.step[i] * other;
			}
			adjoint += power.mine * last;
			next = __shfl_down_sync(FULL_WARP, adjoint, 1);
			if (lane == 31)
				next = last;
			last = __shfl_sync(FULL_WARP, adjoint, 0);
			a = alpha * next;
			g = gamma * next;
		}
		else
		{
			double		z = l.egarch && there ? e * exp(-0.5 * f.level[t]) : 0;

			adjoint += pushed_level;
			a = pushed_alpha;
			g = pushed_gamma;
			pushed_level = pushed_alpha = pushed_gamma = 0;
			for (int j = (int) min(f.n - base, (int64_t) 32) - 1; j >= 0; j--)
			{
				double		mine = l.egarch ? adjoint - 0.5 * z * ((e < 0 ? -a : a) + g) : adjoint;
				double		done = __shfl_sync(FULL_WARP, mine, j);
				int			distance = j - lane;

				if (distance > 0 && distance <= LAGS)
				{
					adjoint += distance <= l.q ? x[l.beta + distance - 1] * done : 0;
					a += distance <= l.p ? x[l.alpha + distance - 1] * done : 0;
					g += distance <= l.o ? x[l.gamma + distance - 1] * done : 0;
				}
				else if (distance <= 0 && distance + 32 <= LAGS)
				{
					distance += 32;
					pushed_level += distance <= l.q ? x[l.beta + distance - 1] * done : 0;
					pushed_alpha += distance <= l.p ? x[l.alpha + distance - 1] * done : 0;
					pushed_gamma += distance <= l.o ? x[l.gamma + distance - 1] * done : 0;
				}
			}
			if (l.egarch)
				adjoint -= 0.5 * z * ((e < 0 ? -a : a) + g);
		}
		if (!there)
			continue;
		if (l.egarch)
			score += ((e < 0 ? -a : a) + g) * exp(-0.5 * f.level[t]);
		else
			score += 2 * e * (a + (e < 0 ? g : 0));
		mean[0] += score;
		mean[1] += l.means > 1 ? score * f.y[t - 1] : 0;
		shocks[0] += e;
		shocks[1] += l.means > 1 ? e * f.y[t - 1] : 0;
		by_omega += adjoint;
RK_UNROLL
		for (int i = 0; i < (SHORT ? 1 : l.p); i++)
			by_alpha[i] += i < l.p ? adjoint * square_at(f, t - 1 - i) : 0;
RK_UNROLL
		for (int i = 0; i < (SHORT ? 1 : l.o); i++)
			by_gamma[i] += i < l.o ? adjoint * below_at(f, t - 1 - i) : 0;
RK_UNROLL
		for (int i = 0; i < (SHORT ? 1 : l.q); i++)
			by_beta[i] += i < l.q ? adjoint * level_at(f, t - 1 - i) : 0;
		if (t < LAGS && f.mean_backcast)
		{
			double		weight = 0;

			for (int i = (int) t + 1; i <= l.p && !l.egarch; i++)
				weight += x[l.alpha + i - 1];
			for (int i = (int) t + 1; i <= l.o && !l.egarch; i++)
				weight += 0.5 * x[l.gamma + i - 1];
			for (int j = (int) t + 1; j <= l.q; j++)
				weight += x[l.beta + j - 1];
			by_before += weight * adjoint;
		}
	}
	by_before = warp_sum(by_before) / (l.egarch ? f.before : 1) * -2 / f.n;
	for (int i = 0; i < l.means; i++)
	{
		double		sum = warp_sum(mean[i]);
		double		sum_shocks = warp_sum(shocks[i]);

		if (lane == 0)
			gradient[i] = sum - (f.mean_backcast ? by_before * sum_shocks : 0);
	}
#define GIVE(at, sum) do { double all = warp_sum(sum); if (lane == 0) gradient[at] = -all; } while (0)
	GIVE(l.omega, by_omega);
	for (int i = 0; i < l.p; i++)
		GIVE(l.alpha + i, by_alpha[SHORT ? 0 : i]);
	for (int i = 0; i < l.o; i++)
		GIVE(l.gamma + i, by_gamma[SHORT ? 0 : i]);
	for (int i = 0; i < l.q; i++)
		GIVE(l.beta + i, by_beta[SHORT ? 0 : i]);
#undef GIVE
}

/* The density with the shape of x moved: side 0 not, 1 and 2 nu down and up, 3 and 4 the skew. */
__device__ static inline rk_garch_density
density_at(const rk_garch_layout &l, const double *x, int side)
{
	double		shape[2] = {0, 0};

	for (int k = 0; k < l.count - l.shape; k++)
	{
		double		value = x[l.shape + k];

		if (side == 2 * k + 1)
			value -= RK_GARCH_SHAPE_STEP(value);
		if (side == 2 * k + 2)
			value += RK_GARCH_SHAPE_STEP(value);
		shape[k] = value;
	}
	return rk_garch_density_of(l.distribution, shape);
}

/* The densities of all sides, each made by a lane. */
__device__ static inline void
make_densities(const rk_garch_layout &l, const double *x, rk_garch_density *d)
{
	int			lane = threadIdx.x % 32;
	rk_garch_density mine = density_at(l, x, lane < SIDES ? lane : 0);

RK_UNROLL
	for (int s = 0; s < SIDES; s++)
	{
		d[s].kind = mine.kind;
		d[s].nu = __shfl_sync(FULL_WARP, mine.nu, s);
		d[s].skew = __shfl_sync(FULL_WARP, mine.skew, s);
		d[s].a = __shfl_sync(FULL_WARP, mine.a, s);
		d[s].b = __shfl_sync(FULL_WARP, mine.b, s);
		d[s].constant = __shfl_sync(FULL_WARP, mine.constant, s);
	}
}

/*
 * The log-likelihood times -1, which all lanes get, and its gradient, which may
 * be NULL, by the first lane.
 */
template <bool SHORT> __device__ RK_NOINLINE static double
objective(garch_series &f, const double *x, double *gradient)
{
	const rk_garch_layout &l = f.l;
	int			shapes = l.count - l.shape;
	rk_garch_density d[SIDES];
	double		sums[SIDES];

	if (!f.stopped)
		f.stopped = __shfl_sync(FULL_WARP, (int) stop_asked(f.stop, &f.look), 0) != 0;
	if (f.stopped)
		return NAN;
	recursion<SHORT>(f, x);
	make_densities(l, x, d);
	likelihoods(f, d, gradient ? 1 + 2 * shapes : 1, sums);
	if (gradient)
	{
		backwards<SHORT>(f, x, d[0], gradient);
		if (threadIdx.x % 32 == 0)
RK_UNROLL
			for (int k = 0; k < 2; k++)
				if (k < shapes)
					gradient[l.shape + k] = -(sums[2 * k + 2] - sums[2 * k + 1]) / (2 * RK_GARCH_SHAPE_STEP(x[l.shape + k]));
	}
	__syncwarp();
	return -sums[0];
}

/* ---- scores ---- */

/*
 * Scores of each position by each estimate into slopes, and the sum of their
 * outer products into out.  at: room for the estimates, shared by the lanes.
 */
template <bool SHORT> __device__ RK_NOINLINE static void
outer_products(garch_series &f, const double *x, double *at, double *out)
{
	const rk_garch_layout &l = f.l;
	int			lane = threadIdx.x % 32;
	rk_garch_density d[SIDES];

	make_densities(l, x, d);
	for (int k = 0; k < l.shape; k++)
	{
		double	   *slope = f.slopes + k * f.n;
		double		h = RK_GARCH_SLOPE_STEP(x[k]);

		for (int side = 0; side < 2; side++)
		{
			__syncwarp();
			for (int i = lane; i < l.count; i += 32)
				at[i] = x[i] + (i != k ? 0 : side ? -h : h);
			__syncwarp();
			recursion<SHORT>(f, at);
			for (int64_t t = lane; t < f.n; t += 32)
				slope[t] = side ? (slope[t] - f.level[t]) / (2 * h) : f.level[t];
		}
	}
	recursion<SHORT>(f, x);
	for (int64_t t = lane; t < f.n; t += 32)
	{
		double		score;
		double		adjoint;
		double		z = f.shock[t] / sqrt(variance_of(f, f.level[t]));

		derivatives(f, d[0], t, &score, &adjoint);
		for (int k = 0; k < l.shape; k++)
			f.slopes[k * f.n + t] = f.slopes[k * f.n + t] * adjoint -
				(k < l.means ? score * (k == 0 ? 1 : f.y[t - 1]) : 0);
RK_UNROLL
		for (int k = 0; k < 2; k++)
			if (l.shape + k < l.count)
				f.slopes[(l.shape + k) * f.n + t] = (rk_garch_log_density(&d[2 * k + 2], z) -
													 rk_garch_log_density(&d[2 * k + 1], z)) /
					(2 * RK_GARCH_SHAPE_STEP(x[l.shape + k]));
	}
	__syncwarp();
	for (int i = 0; i < l.count; i++)
		for (int j = 0; j <= i; j++)
		{
			double		sum = 0;

			for (int64_t t = lane; t < f.n; t += 32)
				sum += f.slopes[i * f.n + t] * f.slopes[j * f.n + t];
			sum = warp_sum(sum);
			if (lane == 0)
				out[i * l.count + j] = out[j * l.count + i] = sum;
		}
	__syncwarp();
}

/* out = a b of matrices [k][k], an entry a lane. */
__device__ static inline void
multiply_matrices(const double *a, const double *b, int k, double *out)
{
	for (int i = threadIdx.x % 32; i < k * k; i += 32)
	{
		double		sum = 0;

		for (int j = 0; j < k; j++)
			sum += a[i / k * k + j] * b[j * k + i % k];
		out[i] = sum;
	}
	__syncwarp();
}

/* ---- a fit ---- */

/* What the lanes of a warp share. */
struct garch_shared
{
	double		x[COUNT];
	double		best[COUNT];
	double		at[COUNT];
	double		gradient[2][COUNT];
	int			pivots[COUNT];
	rk_minimizer minimizer;
};

__device__ static inline void
copy_numbers(double *to, const double *from, int count)
{
	__syncwarp();
	for (int i = threadIdx.x % 32; i < count; i += 32)
		to[i] = from[i];
	__syncwarp();
}

/* The inverse of a matrix by the first lane. */
__device__ static inline bool
invert(double *a, int n, int *pivots)
{
	int			done = 0;

	if (threadIdx.x % 32 == 0)
		done = rk_invert_matrix(a, n, pivots);
	done = __shfl_sync(FULL_WARP, done, 0);
	__syncwarp();
	return done != 0;
}

/* The best starting point of a kind into s->x; false where none has a likelihood. */
template <bool SHORT> __device__ static bool
best_start(garch_series &f, garch_shared *s, int kind, const double *mean)
{
	double		best = INFINITY;

	for (int i = 0; i < RK_GARCH_GRID; i++)
	{
		double		value;

		__syncwarp();
		if (threadIdx.x % 32 == 0)
			rk_garch_start(&f.l, kind, i, mean, s->at);
		__syncwarp();
		value = objective<SHORT>(f, s->at, nullptr);
		if (!(value < best))
			continue;
		best = value;
		copy_numbers(s->x, s->at, f.l.count);
	}
	return isfinite(best);
}

/* The minimum from s->x, which becomes it. */
template <bool SHORT> __device__ static rk_minimum
minimize(garch_series &f, garch_shared *s, const garch_batch &g, double *work)
{
	int			count = f.l.count;
	int			more = 1;

	/* Berndt, Hall, Hall, Hausman 1974: outer products stand for the Hessian */
	outer_products<SHORT>(f, s->x, s->at, work);
	for (int i = threadIdx.x % 32; i < count; i += 32)
		work[i * count + i] *= 1 + 1e-6;
	__syncwarp();
	bool		have_inverse = invert(work, count, s->pivots);

	if (threadIdx.x % 32 == 0)
	{
		s->minimizer.n = count;
		s->minimizer.m = g.constraints;
		s->minimizer.a = g.a;
		s->minimizer.b = g.b;
		s->minimizer.max_iterations = RK_GARCH_ITERATIONS;
		s->minimizer.tolerance = RK_GARCH_TOLERANCE;
		s->minimizer.have_inverse = have_inverse;
		s->minimizer.x = s->x;
		rk_minimizer_begin(&s->minimizer, work);
	}
	__syncwarp();
	while (more)
	{
		double		value = objective<SHORT>(f, s->minimizer.at, s->minimizer.gradient_at);

		__syncwarp();
		if (threadIdx.x % 32 == 0)
			more = rk_minimizer_next(&s->minimizer, value) && !f.stopped;
		more = __shfl_sync(FULL_WARP, more, 0);
		__syncwarp();
	}
	return s->minimizer.result;
}

/* H^-1 S H^-1 of s->best into covariance; NaN where the Hessian has no inverse. */
template <bool SHORT> __device__ static void
robust_covariance(garch_series &f, garch_shared *s, double *work, double *covariance)
{
	int			k = f.l.count;
	int			lane = threadIdx.x % 32;
	double	   *hessian = work;
	double	   *outer = work + k * k;
	double	   *product = outer + k * k;

	for (int i = 0; i < k; i++)
	{
		double		h = RK_GARCH_HESSIAN_STEP(s->best[i]);

		for (int side = 0; side < 2; side++)
		{
			copy_numbers(s->at, s->best, k);
			if (lane == 0)
				s->at[i] += side ? h : -h;
			__syncwarp();
			(void) objective<SHORT>(f, s->at, s->gradient[side]);
		}
		for (int j = lane; j < k; j += 32)
			hessian[i * k + j] = (s->gradient[1][j] - s->gradient[0][j]) / (2 * h);
		__syncwarp();
	}
	for (int i = lane; i < k * k; i += 32)
		if (i / k > i % k)
		{
			double		middle = 0.5 * (hessian[i] + hessian[i % k * k + i / k]);

			hessian[i] = hessian[i % k * k + i / k] = middle;
		}
	__syncwarp();
	outer_products<SHORT>(f, s->best, s->at, outer);
	if (!invert(hessian, k, s->pivots))
	{
		for (int i = lane; i < k * k; i += 32)
			covariance[i] = NAN;
		return;
	}
	multiply_matrices(hessian, outer, k, product);
	multiply_matrices(product, hessian, k, covariance);
}

/* A block is a warp, and has a series. */
template <bool SHORT> __global__ static void __launch_bounds__(32)
fit_series(garch_batch g, int64_t first)
{
	__shared__ garch_shared shared;
	garch_shared *s = &shared;
	int64_t		number = first + blockIdx.x;
	int64_t		begin = g.offsets[number];
	int			count = g.layout.count;
	const double *mean = g.start + 3 * number + 1;
	garch_series f;
	double	   *work;
	double		found = INFINITY;
	bool		converged = false;

	f.l = g.layout;
	f.mean_backcast = g.mean_backcast;
	f.n = g.offsets[number + 1] - begin - 1;
	f.y = g.y + begin + 1;
	f.backcast = g.start[3 * number];
	f.stop = g.stop;
	f.look = 0;
	f.stopped = false;
	f.shock = g.scratch + series_scratch(begin - g.first_offset, count) + blockIdx.x * g.matrices;
	f.level = f.shock + f.n;
	f.slopes = f.level + f.n;
	work = f.slopes + count * f.n;

	for (int kind = 0; kind < RK_GARCH_KINDS; kind++)
	{
		rk_minimum	m;
		bool		done;

		if (!best_start<SHORT>(f, s, kind, mean))
			continue;
		m = minimize<SHORT>(f, s, g, work);
		done = m.converged || m.decrease <= RK_GARCH_FLAT_END(f.l.egarch);
		if (rk_garch_is_better(m.value, done, found, converged))
		{
			found = m.value;
			converged = done;
			copy_numbers(s->best, s->x, count);
		}
		if (converged)
		{
			__syncwarp();
			if (threadIdx.x == 0)
				rk_garch_flat(&f.l, s->best, s->at);
			__syncwarp();
			if (2 * (objective<SHORT>(f, s->at, nullptr) - found) > RK_GARCH_CLEAR_GAIN)
				break;
		}
	}
	if (threadIdx.x == 0)
	{
		g.value[number] = found;
		g.converged[number] = converged;
	}
	if (!isfinite(found))
		return;
	for (int i = threadIdx.x; i < count; i += 32)
		g.estimates[number * count + i] = s->best[i];
	__syncwarp();
	robust_covariance<SHORT>(f, s, work, g.covariance + number * count * count);
}

void
run_garch(rk_cuda_device *device, rk_cuda_call *call)
{
	const rk_cuda_garch_params *p = (const rk_cuda_garch_params *) call->params;
	const int64_t *offsets = (const int64_t *) call->input[0].data;
	int64_t		series = call->input[0].bytes / (int64_t) sizeof(int64_t) - 1;
	rk_garch_params model = {};
	garch_batch g = {};
	double		a[RK_GARCH_MAX_CONSTRAINTS * COUNT];
	double		b[RK_GARCH_MAX_CONSTRAINTS];
	int64_t		most = 0;
	int64_t		most_blocks = 0;
	int			count;
	device_array<int64_t> device_offsets;
	device_array<double> y;
	device_array<double> start;
	device_array<double> rows;
	device_array<double> bounds;
	device_array<double> scratch;
	device_array<double> estimates;
	device_array<double> value;
	device_array<double> covariance;
	device_array<int32_t> converged;

	if (p == nullptr || call->params_bytes != sizeof(*p) || p->p < 0 || p->p > LAGS || p->o < 0 || p->o > LAGS ||
		p->q < 0 || p->q > LAGS || p->mean < RK_MEAN_ZERO || p->mean > RK_MEAN_AR1 || p->distribution < RK_GARCH_NORMAL ||
		p->distribution > RK_GARCH_SKEW_STUDENT || series < 1 || offsets == nullptr)
		decline("parameters of another shape than a model has");
	model.egarch = p->egarch != 0;
	model.p = p->p;
	model.o = p->o;
	model.q = p->q;
	model.mean = (rk_garch_mean) p->mean;
	model.distribution = (rk_garch_distribution) p->distribution;
	g.layout = rk_garch_layout_of(&model);
	g.mean_backcast = p->mean_backcast != 0;
	count = g.layout.count;
	for (int64_t i = 0; i < series; i++)
		if (offsets[0] != 0 || offsets[i + 1] - offsets[i] < 2)
			decline("a series without values");
	if (call->input[1].data == nullptr || call->input[1].bytes != offsets[series] * (int64_t) sizeof(double) ||
		call->input[2].data == nullptr || call->input[2].bytes != 3 * series * (int64_t) sizeof(double) ||
		call->output[0].bytes != series * count * (int64_t) sizeof(double) ||
		call->output[1].bytes != series * (int64_t) sizeof(double) ||
		call->output[2].bytes != series * count * count * (int64_t) sizeof(double) ||
		call->output[3].bytes != series * (int64_t) sizeof(int32_t))
		decline("arrays of another shape than series have");
	g.constraints = rk_garch_constraints(&g.layout, a, b);
	g.matrices = max(rk_minimizer_work(count, g.constraints), 3 * (int64_t) count * count);

	/* launches of as many series as there is scratch space for, at least one */
	for (int64_t first = 0, next; first < series; first = next)
	{
		for (next = first; next < series && (next == first || series_scratch(offsets[next + 1] - offsets[first], count) +
											 (next + 1 - first) * g.matrices <= LAUNCH_NUMBERS); next++)
			continue;
		most = max(most, series_scratch(offsets[next] - offsets[first], count) + (next - first) * g.matrices);
		most_blocks = max(most_blocks, next - first);
	}
	device_offsets.load(device, offsets, series + 1, &call->usage);
	y.load(device, (const double *) call->input[1].data, offsets[series], &call->usage);
	start.load(device, (const double *) call->input[2].data, 3 * series, &call->usage);
	rows.load(device, a, (int64_t) g.constraints * count, &call->usage);
	bounds.load(device, b, g.constraints, &call->usage);
	scratch.allocate(device, most);
	estimates.allocate(device, series * count);
	value.allocate(device, series);
	covariance.allocate(device, series * count * count);
	converged.allocate(device, series);

	stop_word	stop;
	kernel_timer timer(device, &call->usage);

	estimates.fill(0);
	covariance.fill(0xff);		/* not a number */
	g.a = rows.get();
	g.b = bounds.get();
	g.offsets = device_offsets.get();
	g.y = y.get();
	g.start = start.get();
	g.scratch = scratch.get();
	g.estimates = estimates.get();
	g.value = value.get();
	g.covariance = covariance.get();
	g.converged = converged.get();
	g.stop = stop.get();
	for (int64_t first = 0, next; first < series; first = next)
	{
		for (next = first; next < series && (next == first || series_scratch(offsets[next + 1] - offsets[first], count) +
											 (next + 1 - first) * g.matrices <= LAUNCH_NUMBERS); next++)
			continue;
		g.first_offset = offsets[first];
		if (!model.egarch && model.p <= 1 && model.o <= 1 && model.q <= 1)
			RK_LAUNCH(fit_series<true>, (unsigned) (next - first), 32, device->stream) (g, first);
		else
			RK_LAUNCH(fit_series<false>, (unsigned) (next - first), 32, device->stream) (g, first);
		check_launch();
		stop.wait(device, call);
	}
	timer.stop();
	estimates.store((double *) call->output[0].data, &call->usage);
	value.store((double *) call->output[1].data, &call->usage);
	covariance.store((double *) call->output[2].data, &call->usage);
	converged.store((int32_t *) call->output[3].data, &call->usage);
	check(cudaStreamSynchronize(device->stream));
	/* evaluations, in each of which the series, shocks and levels pass by a few times */
	call->usage.bytes_moved += 8 * offsets[series] * 80 * 8;
}
