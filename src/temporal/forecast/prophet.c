/*
 * prophet.c
 *	  Decomposition into trend, seasons, holidays and regressors.
 */
#include "prophet.h"

#include <math.h>
#include <string.h>

#include "../../compute/normal.h"
#include "../../compute/philox.h"

#define TURNS 200
#define LEAST_NOISE 1e-6		/* of values scaled to 1 */
#define RIDGE_TREND (1.0 / 25)
#define SLACK 1e-9

/* One thread's series. */
typedef struct fit
{
	rk_ctx	   *ctx;
	int			thread;
	const rk_prophet_params *p;

	/* the history: values that are there */
	int64_t		n;
	double	   *y;				/* scaled */
	double	   *t;				/* scaled to [0, 1] */
	double	   *cap;			/* scaled; logistic */
	double	   *features;		/* [n][k] */

	/* the model */
	int			k;				/* features */
	int			changes;
	double	   *change_at;		/* [changes], scaled */
	double	   *ridge;			/* [k]: 1 / prior_scale^2 */
	bool	   *multiplicative; /* [k] */
	int			all;			/* 2 + changes + k */
	double	   *theta;			/* slope, offset, changes, coefficients */
	double	   *next;
	double		sigma;

	/* scratch */
	double	   *jacobian;		/* [all] of a row */
	double	   *numeric;		/* [n][2 + changes]: of a logistic trend */
	double	   *gram;			/* [all][all] */
	double	   *right;			/* [all] */
	double	   *system;			/* [all][all] */
	double	   *solution;
	int		   *active;			/* positions of what is not held at 0 */
	int		   *sign;			/* [all]: of changes in the active set */
	double	   *trend;			/* [n] */
	double	   *paths;			/* [samples][6] */
	double	   *row;			/* features of one row */
	double	   *means;			/* of regressors */
	double	   *deviations;
} fit;

typedef struct state
{
	rk_ctx	   *ctx;
	const rk_prophet_input *in;
	const rk_prophet_params *p;
	rk_prophet *out;
	fit		   *fits;
} state;

/* ---- the trend ---- */

/* Slope and offset at a time: those of the last change before. */
static void
trend_at(const fit *f, const double *theta, double t, double *slope, double *offset)
{
	double		k = theta[0];
	double		m = theta[1];

	for (int j = 0; j < f->changes && f->change_at[j] <= t; j++)
	{
		double		delta = theta[2 + j];

		if (f->p->growth == RK_GROWTH_LOGISTIC)
		{
			/* continuous where the slope changes */
			if (k + delta != 0)
				m += (f->change_at[j] - m) * (1 - k / (k + delta));
		}
		else
			m -= f->change_at[j] * delta;
		k += delta;
	}
	*slope = k;
	*offset = m;
}

static double
trend_value(const fit *f, double slope, double offset, double t, double cap)
{
	switch (f->p->growth)
	{
		case RK_GROWTH_LINEAR:
			return slope * t + offset;
		case RK_GROWTH_LOGISTIC:
			return cap / (1 + exp(-slope * (t - offset)));
		default:
			return offset;
	}
}

static void
all_trends(const fit *f, const double *theta, double *trend)
{
	double		k = theta[0];
	double		m = theta[1];
	int			j = 0;

	for (int64_t i = 0; i < f->n; i++)
	{
		if (j < f->changes && f->change_at[j] <= f->t[i])
		{
			while (j < f->changes && f->change_at[j] <= f->t[i])
				j++;
			trend_at(f, theta, f->t[i], &k, &m);
		}
		trend[i] = trend_value(f, k, m, f->t[i], f->cap ? f->cap[i] : 0);
	}
}

/* ---- the posterior ---- */

static double
residual_squares(const fit *f, const double *theta, double *trend)
{
	const double *beta = theta + 2 + f->changes;
	double		squares = 0;

	all_trends(f, theta, trend);
	for (int64_t i = 0; i < f->n; i++)
	{
		const double *x = f->features + i * f->k;
		double		added = 0;
		double		factor = 1;
		double		rest;

		if ((i & 0xfff) == 0 && rk_chunk_should_stop(f->ctx, f->thread))
			return INFINITY;
		for (int j = 0; j < f->k; j++)
		{
			if (f->multiplicative[j])
				factor += x[j] * beta[j];
			else
				added += x[j] * beta[j];
		}
		rest = f->y[i] - trend[i] * factor - added;
		squares += rest * rest;
	}
	return squares;
}

/* -log of the priors of theta. */
static double
penalty(const fit *f, const double *theta)
{
	double		sum = 0.5 * RIDGE_TREND * (theta[0] * theta[0] + theta[1] * theta[1]);

	for (int j = 0; j < f->changes; j++)
		sum += fabs(theta[2 + j]) / f->p->changepoint_prior_scale;
	for (int j = 0; j < f->k; j++)
		sum += 0.5 * f->ridge[j] * theta[2 + f->changes + j] * theta[2 + f->changes + j];
	return sum;
}

static double
posterior(const fit *f, double squares, double prior)
{
	double		variance = f->sigma * f->sigma;

	return f->n * log(f->sigma) + squares / (2 * variance) + prior + 2 * variance;
}

/* The noise that goes with residuals: n / s - squares / s^3 + 4 s = 0. */
static double
best_sigma(const fit *f, double squares)
{
	double		n = (double) f->n;
	double		variance = 2 * squares / (n + sqrt(n * n + 16 * squares));

	return fmax(sqrt(variance), LEAST_NOISE);
}

/* ---- the linear model about theta ---- */

/* Derivatives of a logistic trend by slope, offset and changes. */
static void
logistic_slopes(fit *f)
{
	int			k = 2 + f->changes;
	double	   *up = f->solution;	/* theta with one number moved */

	for (int j = 0; j < k; j++)
	{
		double		h = 1e-6 * fmax(1, fabs(f->theta[j]));

		for (int side = 0; side < 2; side++)
		{
			memcpy(up, f->theta, sizeof(double) * k);
			up[j] += side ? h : -h;
			all_trends(f, up, f->trend);
			for (int64_t i = 0; i < f->n; i++)
				f->numeric[i * k + j] = side ? (f->trend[i] - f->numeric[i * k + j]) / (2 * h) : f->trend[i];
		}
	}
}

/* gram = J'J and right = J'(y - f + J theta); false when the call is to end. */
static bool
linearise(fit *f)
{
	int			changes = f->changes;
	int			all = f->all;
	const double *beta = f->theta + 2 + changes;
	double	   *row = f->jacobian;

	memset(f->gram, 0, sizeof(double) * all * all);
	memset(f->right, 0, sizeof(double) * all);
	if (f->p->growth == RK_GROWTH_LOGISTIC)
		logistic_slopes(f);
	all_trends(f, f->theta, f->trend);
	for (int64_t i = 0; i < f->n; i++)
	{
		const double *x = f->features + i * f->k;
		double		factor = 1;
		double		added = 0;
		double		target;

		if ((i & 0x1f) == 0 && rk_chunk_should_stop(f->ctx, f->thread))
			return false;
		for (int j = 0; j < f->k; j++)
		{
			if (f->multiplicative[j])
				factor += x[j] * beta[j];
			else
				added += x[j] * beta[j];
		}
		switch (f->p->growth)
		{
			case RK_GROWTH_LINEAR:
				row[0] = factor * f->t[i];
				row[1] = factor;
				for (int j = 0; j < changes; j++)
					row[2 + j] = f->t[i] > f->change_at[j] ? factor * (f->t[i] - f->change_at[j]) : 0;
				break;
			case RK_GROWTH_LOGISTIC:
				for (int j = 0; j < 2 + changes; j++)
					row[j] = factor * f->numeric[i * (2 + changes) + j];
				break;
			default:
				row[0] = 0;
				row[1] = factor;
		}
		for (int j = 0; j < f->k; j++)
			row[2 + changes + j] = f->multiplicative[j] ? x[j] * f->trend[i] : x[j];
		target = f->y[i] - f->trend[i] * factor - added;
		for (int j = 0; j < all; j++)
			target += row[j] * f->theta[j];
		for (int a = 0; a < all; a++)
		{
			double		v = row[a];
			double	   *g = f->gram + (int64_t) a * all;

			if (v == 0)
				continue;
			f->right[a] += v * target;
			for (int b = 0; b <= a; b++)
				g[b] += v * row[b];
		}
	}
	for (int a = 0; a < all; a++)
		for (int b = 0; b < a; b++)
			f->gram[(int64_t) b * all + a] = f->gram[(int64_t) a * all + b];
	return true;
}

/* ---- least squares with penalties ---- */

/* Solves for the active set into solution; false where it is singular. */
static bool
solve_active(fit *f, int count, double variance)
{
	double	   *l = f->system;
	double		pull = variance / f->p->changepoint_prior_scale;

	for (int i = 0; i < count; i++)
	{
		int			a = f->active[i];
		double		ridge = a < 2 ? RIDGE_TREND : a < 2 + f->changes ? 0 : f->ridge[a - 2 - f->changes];

		if ((i & 0x1f) == 0x1f && rk_chunk_should_stop(f->ctx, f->thread))
			return false;
		for (int j = 0; j <= i; j++)
		{
			double		sum = f->gram[(int64_t) a * f->all + f->active[j]];

			if (i == j)
				sum += variance * ridge + 1e-12 * sum + 1e-14;
			for (int k = 0; k < j; k++)
				sum -= l[(int64_t) i * count + k] * l[(int64_t) j * count + k];
			if (i == j)
			{
				if (!(sum > 0))
					return false;
				l[(int64_t) i * count + i] = sqrt(sum);
			}
			else
				l[(int64_t) i * count + j] = sum / l[(int64_t) j * count + j];
		}
		f->solution[i] = f->right[a] - (a >= 2 && a < 2 + f->changes ? pull * f->sign[a] : 0);
		for (int k = 0; k < i; k++)
			f->solution[i] -= l[(int64_t) i * count + k] * f->solution[k];
		f->solution[i] /= l[(int64_t) i * count + i];
	}
	for (int i = count - 1; i >= 0; i--)
	{
		for (int k = i + 1; k < count; k++)
			f->solution[i] -= l[(int64_t) k * count + i] * f->solution[k];
		f->solution[i] /= l[(int64_t) i * count + i];
	}
	return true;
}

/*
 * The minimum of the linear model for this noise into next, from theta on: an
 * active set of changes with their signs (Lee, Battle, Raina, Ng 2006).
 */
static bool
solve(fit *f)
{
	double		variance = f->sigma * f->sigma;
	double		pull = variance / f->p->changepoint_prior_scale;
	int			first = 2;
	int			last = 2 + f->changes;

	memcpy(f->next, f->theta, sizeof(double) * f->all);
	for (int a = first; a < last; a++)
		f->sign[a] = (f->next[a] > 0) - (f->next[a] < 0);
	for (int round = 0; round < 20 * f->changes + 20; round++)
	{
		int			count = 0;
		int			leaves = -1;
		int			enters = -1;
		double		share = 1;
		double		worst = pull * (1 + SLACK) + 1e-15;

		for (int a = 0; a < f->all; a++)
			if (a < first || a >= last || f->sign[a] != 0)
				f->active[count++] = a;
		if (!solve_active(f, count, variance))
			return false;
		/* as far as the first change that would turn its sign */
		for (int i = 0; i < count; i++)
		{
			int			a = f->active[i];
			double		from = f->next[a];

			if (a < first || a >= last || f->solution[i] * f->sign[a] > 0)
				continue;
			if (from == 0)
			{
				share = 0;
				leaves = a;
			}
			else if (from / (from - f->solution[i]) < share)
			{
				share = from / (from - f->solution[i]);
				leaves = a;
			}
		}
		for (int i = 0; i < count; i++)
			f->next[f->active[i]] += share * (f->solution[i] - f->next[f->active[i]]);
		if (leaves >= 0)
		{
			f->next[leaves] = 0;
			f->sign[leaves] = 0;
			continue;
		}
		for (int a = first; a < last; a++)
		{
			double		slope = -f->right[a];

			if (f->sign[a] != 0)
				continue;
			for (int b = 0; b < f->all; b++)
				slope += f->gram[(int64_t) a * f->all + b] * f->next[b];
			if (fabs(slope) > worst)
			{
				worst = fabs(slope);
				enters = slope > 0 ? -a : a;
			}
		}
		if (enters == -1)
			break;
		f->sign[enters < 0 ? -enters : enters] = enters < 0 ? -1 : 1;
	}
	return true;
}

/* Turns of coefficients and noise until nothing is gained. */
static void
maximise(fit *f)
{
	bool		linear = f->p->growth != RK_GROWTH_LOGISTIC;
	double		value;

	for (int j = 0; j < f->k; j++)
		linear = linear && !f->multiplicative[j];
	f->sigma = 1;
	value = posterior(f, residual_squares(f, f->theta, f->trend), penalty(f, f->theta));
	for (int turn = 0; turn < TURNS; turn++)
	{
		double		before = value;
		double		share = 1;

		if (((turn == 0 || !linear) && !linearise(f)) || rk_chunk_should_stop(f->ctx, f->thread) || !solve(f))
			return;
		for (int halving = 0; halving < 30; halving++, share *= 0.5)
		{
			double		there;

			for (int a = 0; a < f->all; a++)
				f->solution[a] = f->theta[a] + share * (f->next[a] - f->theta[a]);
			there = posterior(f, residual_squares(f, f->solution, f->trend), penalty(f, f->solution));
			if (there <= value)
			{
				value = there;
				memcpy(f->theta, f->solution, sizeof(double) * f->all);
				break;
			}
		}
		f->sigma = best_sigma(f, residual_squares(f, f->theta, f->trend));
		value = posterior(f, residual_squares(f, f->theta, f->trend), penalty(f, f->theta));
		if (before - value <= 1e-7 && turn > 2)
			break;
	}
}

/* ---- features ---- */

/* The order of a season in a series that lasts so long and has such steps. */
static int
season_order(const rk_prophet_params *p, int season, double span, double step)
{
	static const double least[] = {730, 14, 2};
	static const double longest[] = {INFINITY, 7, 1};
	static const int orders[] = {10, 3, 4};

	if (p->seasons[season].order != RK_ORDER_AUTO)
		return p->seasons[season].order;
	return p->calendar && span >= least[season] && step < longest[season] ? orders[season] : 0;
}

/* Where the features of a part are: seasons, holidays, regressors. */
typedef struct layout
{
	int			orders[64];		/* of seasons */
	int			seasons;
	int			holidays;		/* index of the first one */
	int			regressors;
	int			count;
} layout;

static bool
is_holiday(const rk_prophet_holiday *h, int64_t day)
{
	int64_t		low = 0;
	int64_t		high = h->count;

	while (low < high)
	{
		int64_t		middle = (low + high) / 2;

		if (h->days[middle] < day)
			low = middle + 1;
		else
			high = middle;
	}
	return low < h->count && h->days[low] == day;
}

/* The features at a time; regressors come in x already standardised. */
static void
features_at(const fit *f, const layout *l, double time, double position, double *x)
{
	int			k = 0;

	for (int s = 0; s < l->seasons; s++)
	{
		double		angle = 2 * M_PI * (f->p->seasons[s].by_position ? position : time) / f->p->seasons[s].period;

		for (int i = 1; i <= l->orders[s]; i++)
		{
			x[k++] = sin(i * angle);
			x[k++] = cos(i * angle);
		}
	}
	for (int h = 0; h < f->p->holiday_count; h++)
		x[k++] = is_holiday(&f->p->holidays[h], (int64_t) floor(time));
}

static layout
lay_out(fit *f, double span, double step)
{
	layout		l = {.seasons = f->p->season_count};

	for (int s = 0; s < l.seasons; s++)
	{
		l.orders[s] = s < RK_BUILT_IN_SEASONS ? season_order(f->p, s, span, step) : f->p->seasons[s].order;
		for (int i = 0; i < 2 * l.orders[s]; i++)
		{
			f->ridge[l.count] = 1 / (f->p->seasons[s].prior_scale * f->p->seasons[s].prior_scale);
			f->multiplicative[l.count++] = f->p->seasons[s].multiplicative;
		}
	}
	l.holidays = l.count;
	for (int h = 0; h < f->p->holiday_count; h++)
	{
		f->ridge[l.count] = 1 / (f->p->holidays[h].prior_scale * f->p->holidays[h].prior_scale);
		f->multiplicative[l.count++] = f->p->multiplicative;
	}
	l.regressors = l.count;
	return l;
}

/* Centre and spread of a regressor: 0 and 1 where it is 0 and 1, or constant. */
static void
standardise(const double *x, const double *y, int64_t n, double *mean, double *deviation)
{
	double		sum = 0;
	double		squares = 0;
	int64_t		count = 0;
	bool		binary = true;
	bool		constant = true;
	double		first = NAN;

	for (int64_t i = 0; i < n; i++)
	{
		if (isnan(y[i]))
			continue;
		first = isnan(first) ? x[i] : first;
		binary = binary && (x[i] == 0 || x[i] == 1);
		constant = constant && x[i] == first;
		sum += x[i];
		count++;
	}
	*mean = 0;
	*deviation = 1;
	if (binary || constant)
		return;
	sum /= count;
	for (int64_t i = 0; i < n; i++)
		if (!isnan(y[i]))
			squares += (x[i] - sum) * (x[i] - sum);
	*mean = sum;
	*deviation = sqrt(squares / (count - 1));
}

/* ---- one series ---- */

/* Slope and offset to start from: through the first and the last value. */
static void
starting_point(fit *f)
{
	double		first = f->y[0];
	double		last = f->y[f->n - 1];

	memset(f->theta, 0, sizeof(double) * f->all);
	switch (f->p->growth)
	{
		case RK_GROWTH_LINEAR:
			f->theta[0] = last - first;
			f->theta[1] = first;
			break;
		case RK_GROWTH_LOGISTIC:
			{
				double		c0 = f->cap[0];
				double		c1 = f->cap[f->n - 1];
				double		r0 = c0 / fmax(0.01 * c0, fmin(0.99 * c0, first));
				double		r1 = c1 / fmax(0.01 * c1, fmin(0.99 * c1, last));

				if (fabs(r0 - r1) <= 0.01)
					r0 *= 1.05;
				f->theta[0] = log(r0 - 1) - log(r1 - 1);
				f->theta[1] = log(r0 - 1) / f->theta[0];
				break;
			}
		default:
			f->theta[1] = rk_mean(f->y, f->n);
	}
}

/* Positions where the slope may change: evenly among the first of the history. */
static void
place_changes(fit *f)
{
	int64_t		size = (int64_t) floor(f->n * f->p->changepoint_range);

	f->changes = f->p->growth == RK_GROWTH_FLAT ? 0 : f->p->n_changepoints;
	if (f->changes + 1 > size)
		f->changes = size > 1 ? (int) size - 1 : 0;
	for (int j = 1; j <= f->changes; j++)
		f->change_at[j - 1] = f->t[(int64_t) rint((double) j * (size - 1) / f->changes)];
}

/* One draw of a path, in (0, 1). */
static double
uniform(const fit *f, int64_t series, int path, uint32_t draw, int which)
{
	return rk_philox_uniform(rk_philox_word(f->p->seed, (uint64_t) series, draw, (uint32_t) path, which));
}

/* A path of trends to come. */
enum
{
	SLOPE, OFFSET, CHANGE_AT, DRAWS, VALUE, NOISY, PATH_NUMBERS
};

/* Bounds of a step from what the paths say there. */
static void
bounds(fit *f, int64_t series, int64_t h, double t, double cap, double scale, double lambda, double factor, double added,
	   double floor_value, double *out[4])
{
	int			samples = f->p->samples;
	double	   *sorted = f->paths + (int64_t) samples * PATH_NUMBERS;
	double		tail = 0.5 * (1 - f->p->confidence);

	for (int i = 0; i < samples; i++)
	{
		double	   *path = f->paths + (int64_t) i * PATH_NUMBERS;

		while (f->changes > 0 && path[CHANGE_AT] <= t)
		{
			double		u = uniform(f, series, i, (uint32_t) path[DRAWS], 0) - 0.5;
			double		delta = (u < 0 ? lambda : -lambda) * log(1 - 2 * fabs(u));
			double		c = path[CHANGE_AT];

			if (f->p->growth == RK_GROWTH_LOGISTIC)
				path[OFFSET] += (c - path[OFFSET]) * (1 - path[SLOPE] / (path[SLOPE] + delta));
			else
				path[OFFSET] -= c * delta;
			path[SLOPE] += delta;
			path[CHANGE_AT] -= log(uniform(f, series, i, (uint32_t) path[DRAWS], 1)) / f->changes;
			path[DRAWS]++;
		}
		path[VALUE] = trend_value(f, path[SLOPE], path[OFFSET], t, cap) * scale + floor_value;
		/* the noise of the step, from a draw that no change has */
		path[NOISY] = path[VALUE] * factor + added + f->sigma * scale *
			rk_normal_quantile(uniform(f, series, i, (uint32_t) h | UINT32_C(0x80000000), 0));
	}
	for (int which = 0; which < 2; which++)
	{
		for (int i = 0; i < samples; i++)
			sorted[i] = f->paths[(int64_t) i * PATH_NUMBERS + (which ? VALUE : NOISY)];
		rk_sort_doubles(sorted, samples);
		*out[2 * which] = rk_quantile_sorted(sorted, samples, tail);
		*out[2 * which + 1] = rk_quantile_sorted(sorted, samples, 1 - tail);
	}
}

/* Everything about the rows of a fitted series. */
static void
write_rows(state *st, fit *f, int64_t series, const layout *l, double start, double span, double scale)
{
	const rk_prophet_input *in = st->in;
	rk_prophet *out = st->out;
	int64_t		horizon = st->p->horizon;
	int64_t		base = in->s->offsets[series];
	int64_t		n = in->s->offsets[series + 1] - base;
	const double *beta = f->theta + 2 + f->changes;
	double		z = rk_normal_quantile(0.5 + 0.5 * st->p->confidence);
	double		lambda = 1e-8;
	double		slope;
	double		offset;

	for (int j = 0; j < f->changes; j++)
		lambda += fabs(f->theta[2 + j]) / f->changes;
	trend_at(f, f->theta, 1, &slope, &offset);
	for (int i = 0; i < st->p->samples; i++)
	{
		double	   *path = f->paths + (int64_t) i * PATH_NUMBERS;

		path[SLOPE] = slope;
		path[OFFSET] = offset;
		path[DRAWS] = 1;
		path[CHANGE_AT] = f->changes > 0 ? 1 - log(uniform(f, series, i, 0, 1)) / f->changes : INFINITY;
	}
	for (int64_t i = 0; i < n + horizon; i++)
	{
		bool		future = i >= n;
		int64_t		step = series * horizon + i - n;
		int64_t		row = base + series * horizon + i;
		double		time = future ? in->future_times[step] : in->times[base + i];
		double		t = (time - start) / span;
		double		floor_value = in->floor == NULL ? 0 : future ? in->future_floor[step] : in->floor[base + i];
		double		cap = in->cap == NULL ? 0 : ((future ? in->future_cap[step] : in->cap[base + i]) - floor_value) / scale;
		double	   *part = out->part + row * out->parts;
		double		factor = 1;
		double		added = 0;
		int			k = 0;

		if ((i & 0x3f) == 0 && rk_chunk_should_stop(f->ctx, f->thread))
			return;
		features_at(f, l, time, (double) i, f->row);
		for (int r = 0; r < in->regressors; r++)
			f->row[l->regressors + r] = ((future ? in->future[r][step] : in->values[r][base + i]) - f->means[r]) / f->deviations[r];
		trend_at(f, f->theta, t, &slope, &offset);
		out->trend[row] = trend_value(f, slope, offset, t, cap) * scale + floor_value;
		for (int s = 0; s < out->parts; s++)
		{
			int			end = s < l->seasons ? k + 2 * l->orders[s] : s == l->seasons ? l->regressors : k + 1;
			double		sum = 0;
			bool		multiplies = end > k && f->multiplicative[k];

			if (end == k)
			{
				part[s] = NAN;
				continue;
			}
			for (; k < end; k++)
				sum += f->row[k] * beta[k];
			part[s] = multiplies ? sum * out->trend[row] : sum * scale;
			if (multiplies)
				factor += sum;
			else
				added += sum * scale;
		}
		out->expected[row] = out->trend[row] * factor + added;
		if (!future)
		{
			out->trend_lower[row] = out->trend_upper[row] = out->trend[row];
			out->lower[row] = out->expected[row] - z * f->sigma * scale;
			out->upper[row] = out->expected[row] + z * f->sigma * scale;
		}
		else if (st->p->samples > 0)
			bounds(f, series, i - n, t, cap, scale, lambda, factor, added, floor_value,
				   (double *[4]) {&out->lower[row], &out->upper[row], &out->trend_lower[row], &out->trend_upper[row]});
	}
}

static void
one_series(state *st, fit *f, int64_t series)
{
	const rk_prophet_input *in = st->in;
	int64_t		base = in->s->offsets[series];
	int64_t		n = in->s->offsets[series + 1] - base;
	const double *y = in->s->values + base;
	double		start = NAN;
	double		end = NAN;
	double		step = INFINITY;
	double		scale = 0;
	layout		l;

	f->n = 0;
	for (int64_t i = 0; i < n; i++)
	{
		double		time = in->times[base + i];

		if (isnan(y[i]))
			continue;
		if (f->n == 0)
			start = time;
		else if (time - end < step)
			step = time - end;
		end = time;
		scale = fmax(scale, fabs(y[i] - (in->floor ? in->floor[base + i] : 0)));
		f->n++;
	}
	st->out->fitted[series] = f->n >= 2;
	if (f->n < 2)
		return;
	scale = scale > 0 ? scale : 1;
	l = lay_out(f, end - start, step);
	for (int r = 0; r < in->regressors; r++)
	{
		standardise(in->values[r] + base, y, n, &f->means[r], &f->deviations[r]);
		f->ridge[l.count] = 1 / (st->p->regressor_prior_scale * st->p->regressor_prior_scale);
		f->multiplicative[l.count++] = st->p->multiplicative;
	}
	f->k = l.count;
	f->n = 0;
	for (int64_t i = 0; i < n; i++)
	{
		double		low = in->floor ? in->floor[base + i] : 0;
		double	   *x = f->features + f->n * f->k;

		if (isnan(y[i]))
			continue;
		f->y[f->n] = (y[i] - low) / scale;
		f->t[f->n] = (in->times[base + i] - start) / (end - start);
		if (in->cap)
			f->cap[f->n] = (in->cap[base + i] - low) / scale;
		features_at(f, &l, in->times[base + i], (double) i, x);
		for (int r = 0; r < in->regressors; r++)
			x[l.regressors + r] = (in->values[r][base + i] - f->means[r]) / f->deviations[r];
		f->n++;
	}
	place_changes(f);
	st->out->changepoints[series] = f->changes;
	f->all = 2 + f->changes + f->k;
	starting_point(f);
	maximise(f);
	if (!rk_chunk_should_stop(f->ctx, f->thread))
		write_rows(st, f, series, &l, start, end - start, scale);
}

static void
chunk_of_series(void *arg, int64_t begin, int64_t end, int64_t chunk, int thread)
{
	state	   *st = arg;

	(void) chunk;
	for (int64_t i = begin; i < end && !rk_chunk_should_stop(st->ctx, thread); i++)
		one_series(st, &st->fits[thread], i);
}

/* ---- all series ---- */

static rk_status
make_fit(state *st, int thread, int64_t longest)
{
	const rk_prophet_params *p = st->p;
	rk_ctx	   *ctx = st->ctx;
	fit		   *f = &st->fits[thread];
	int64_t		k = p->holiday_count + st->in->regressors;
	int64_t		all;
	double	   *numbers;

	/* what is automatic has at most these orders */
	for (int s = 0; s < p->season_count; s++)
		k += 2 * (p->seasons[s].order == RK_ORDER_AUTO ? 10 : p->seasons[s].order);
	all = 2 + p->n_changepoints + k;
	f->ctx = ctx;
	f->thread = thread;
	f->p = p;
	f->features = rk_alloc(ctx, longest * k, sizeof(double));
	f->numeric = rk_alloc(ctx, p->growth == RK_GROWTH_LOGISTIC ? longest * (2 + p->n_changepoints) : 0, sizeof(double));
	f->gram = rk_alloc(ctx, 2 * all * all, sizeof(double));
	f->paths = rk_alloc(ctx, (int64_t) p->samples * (PATH_NUMBERS + 1), sizeof(double));
	numbers = rk_alloc(ctx, 4 * longest + 7 * all + 2 * st->in->regressors, sizeof(double));
	f->multiplicative = rk_alloc(ctx, k, sizeof(bool));
	f->active = rk_alloc(ctx, 2 * all, sizeof(int));
	if (!f->features || !f->numeric || !f->gram || !f->paths || !numbers || !f->multiplicative || !f->active)
		return RK_ERR_MEMORY;
	f->system = f->gram + all * all;
	f->sign = f->active + all;
	f->y = numbers;
	f->t = f->y + longest;
	f->cap = st->in->cap ? f->t + longest : NULL;
	f->trend = f->t + 2 * longest;
	f->change_at = f->trend + longest;
	f->ridge = f->change_at + all;
	f->theta = f->ridge + all;
	f->next = f->theta + all;
	f->right = f->next + all;
	f->solution = f->right + all;
	f->jacobian = f->solution + all;
	f->means = f->jacobian + all;
	f->deviations = f->means + st->in->regressors;
	f->row = rk_alloc(ctx, k, sizeof(double));
	return f->row ? RK_OK : RK_ERR_MEMORY;
}

rk_status
rk_temporal_prophet(rk_ctx *ctx, const rk_prophet_input *in, const rk_prophet_params *p, rk_prophet *out)
{
	state		st = {ctx, in, p, out, NULL};
	int64_t		rows = in->s->offsets[in->s->count] + in->s->count * p->horizon;

	if (p->season_count > 64)
		return rk_fail(ctx, RK_ERR_LIMIT, "there are more than %d seasons", 64);
	*out = (rk_prophet) {
		.parts = p->season_count + 1 + in->regressors,
		.trend = rk_nans(ctx, rows),
		.expected = rk_nans(ctx, rows),
		.lower = rk_nans(ctx, rows),
		.upper = rk_nans(ctx, rows),
		.trend_lower = rk_nans(ctx, rows),
		.trend_upper = rk_nans(ctx, rows),
		.part = rk_nans(ctx, rows * (p->season_count + 1 + in->regressors)),
		.changepoints = rk_alloc0(ctx, in->s->count, sizeof(int64_t)),
		.fitted = rk_alloc0(ctx, in->s->count, sizeof(bool))
	};
	st.fits = rk_alloc0(ctx, ctx->threads, sizeof(fit));
	if (!out->trend || !out->expected || !out->lower || !out->upper || !out->trend_lower || !out->trend_upper ||
		!out->part || !out->changepoints || !out->fitted || !st.fits)
		return RK_ERR_MEMORY;
	for (int i = 0; i < ctx->threads; i++)
		if (make_fit(&st, i, rk_series_longest(in->s)) != RK_OK)
			return RK_ERR_MEMORY;
	return rk_parallel_for(ctx, in->s->count, 1, chunk_of_series, &st);
}
