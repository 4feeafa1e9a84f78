/*
 * changepoint.c
 *	  Change points: exact by pruned dynamic programming, or greedy.
 */
#include "changepoint.h"

#include <string.h>

#include "../compute/random.h"

#define POLL_WORK 2000000		/* costs between looks at the stop flag */
#define COMPACT_EVERY 8			/* steps between throwing candidates out */

/* A vector unit twice as wide where there is one; the operations are the same. */
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__SANITIZE_ADDRESS__) && !defined(__clang__)
#define WIDE __attribute__((target_clones("avx2", "default")))
#else
#define WIDE
#endif

/* Scratch space of a thread, for the longest series. */
typedef struct scratch
{
	rk_costs	costs;
	rk_costs	shuffled;		/* of two neighbouring segments */
	double	   *best;			/* [n + 1]: least cost of the first i positions */
	int64_t    *last;			/* [n + 1]: where its last segment starts */
	/* candidates, in rising order */
	double	   *start;
	double	   *offset;			/* best - s2 (l2), best (others) */
	double	   *sum;			/* s1 at the start */
	double	   *value;
	double	   *drop_at;		/* no use for ends from here on */
	/* optimal for each number of change points */
	double	   *table;			/* [n + 1][k + 1] */
	int32_t    *from;
	/* greedy methods */
	int64_t    *bounds;
	double	   *gains;
	double	   *tree;
} scratch;

typedef struct state
{
	rk_ctx	   *ctx;
	const rk_series *s;
	const double *values;
	int			dimensions;
	const rk_changepoint_params *p;
	rk_changepoints *found;
	scratch    *scratch;
	int64_t		work;			/* of the running chunk, see must_stop */
} state;

/* Counts work of a chunk and asks whether to stop after a lot of it. */
static inline bool
must_stop(rk_ctx *ctx, int thread, int64_t *work, int64_t more)
{
	*work += more;
	if (*work < POLL_WORK)
		return false;
	*work = 0;
	return rk_chunk_should_stop(ctx, thread);
}

/* ---- pelt ---- */

/* value[i] of all candidates for the end t under l2. */
WIDE static void
evaluate_l2(int64_t n, const double *start, const double *offset, const double *sum, double t, double s1, double s2,
			double *value)
{
	for (int64_t i = 0; i < n; i++)
	{
		double		d = s1 - sum[i];

		value[i] = (offset[i] + s2) - d * d / (t - start[i]);
	}
}

/* The smallest value. */
WIDE static double
smallest(int64_t n, const double *value)
{
	double		lane[8];
	double		best = INFINITY;
	int64_t		i = 0;

	for (int k = 0; k < 8; k++)
		lane[k] = INFINITY;
	for (; i + 8 <= n; i += 8)
		for (int k = 0; k < 8; k++)
			lane[k] = value[i + k] < lane[k] ? value[i + k] : lane[k];
	for (; i < n; i++)
		best = value[i] < best ? value[i] : best;
	for (int k = 0; k < 8; k++)
		best = lane[k] < best ? lane[k] : best;
	return best;
}

/* Candidates with no hope below limit are of no use from the end due on. */
WIDE static void
mark_hopeless(int64_t n, const double *value, double limit, double due, double *drop_at)
{
	for (int64_t i = 0; i < n; i++)
	{
		double		d = value[i] >= limit ? due : INFINITY;

		drop_at[i] = d < drop_at[i] ? d : drop_at[i];
	}
}

static int64_t
compact(scratch *w, int64_t n, double end)
{
	int64_t		kept = 0;

	for (int64_t i = 0; i < n; i++)
	{
		w->start[kept] = w->start[i];
		w->offset[kept] = w->offset[i];
		w->sum[kept] = w->sum[i];
		w->drop_at[kept] = w->drop_at[i];
		kept += w->drop_at[i] > end;
	}
	return kept;
}

/*
 * A start s that cannot beat a change at t, because best(s) + cost(s, t) >=
 * best(t), cannot beat it for any end that leaves room for a segment behind t.
 */
static bool
pelt(rk_ctx *ctx, scratch *w, double penalty, int64_t m, int thread)
{
	const rk_costs *c = &w->costs;
	bool		l2 = c->kind == RK_COST_L2 && c->dimensions == 1;
	int64_t		n = c->n;
	int64_t		candidates = 0;
	int64_t		work = 0;

	w->best[0] = -penalty;
	for (int64_t t = m; t <= n; t++)
	{
		int64_t		s = t - m;
		int64_t		at = 0;
		double		best;

		if (s == 0 || s >= m)
		{
			w->start[candidates] = (double) s;
			w->offset[candidates] = l2 ? w->best[s] - c->s2[s] : w->best[s];
			w->sum[candidates] = c->s1[s];
			w->drop_at[candidates++] = INFINITY;
		}
		if (l2)
			evaluate_l2(candidates, w->start, w->offset, w->sum, (double) t, c->s1[t], c->s2[t], w->value);
		else
			for (int64_t i = 0; i < candidates; i++)
				w->value[i] = w->offset[i] + rk_segment_costs(c, (int64_t) w->start[i], t);
		best = smallest(candidates, w->value);
		while (w->value[at] != best)
			at++;
		w->best[t] = best + penalty;
		w->last[t] = (int64_t) w->start[at];
		mark_hopeless(candidates, w->value, w->best[t], (double) (t + m), w->drop_at);
		if (t % COMPACT_EVERY == 0)
			candidates = compact(w, candidates, (double) (t + 1));
		if (must_stop(ctx, thread, &work, l2 ? candidates : 10 * candidates))
			return false;
	}
	return true;
}

/* ---- a given number of change points ---- */

static bool
optimal(rk_ctx *ctx, scratch *w, int64_t k, int64_t m, int thread)
{
	const rk_costs *c = &w->costs;
	int64_t		n = c->n;
	int64_t		row = k + 1;
	int64_t		work = 0;

	for (int64_t t = 0; t <= n; t++)
	{
		double	   *at = w->table + t * row;
		int32_t    *from = w->from + t * row;

		for (int64_t j = 0; j < row; j++)
			at[j] = INFINITY;
		if (t < m)
			continue;
		at[0] = rk_segment_costs(c, 0, t);
		from[0] = 0;
		for (int64_t s = m; s + m <= t; s++)
		{
			const double *before = w->table + s * row;
			double		cost = rk_segment_costs(c, s, t);

			for (int64_t j = 1; j < row; j++)
			{
				if (before[j - 1] + cost < at[j])
				{
					at[j] = before[j - 1] + cost;
					from[j] = (int32_t) s;
				}
			}
		}
		if (must_stop(ctx, thread, &work, t * (10 + row)))
			return false;
	}
	return true;
}

/* ---- greedy splits ---- */

/* The best place to split [a, b), or -1; *gain is what it takes off. */
static int64_t
best_split(const rk_costs *c, int64_t a, int64_t b, int64_t m, double *gain)
{
	double		whole = rk_segment_costs(c, a, b);
	int64_t		at = -1;

	*gain = -INFINITY;
	for (int64_t t = a + m; t + m <= b; t++)
	{
		double		g = whole - rk_segment_costs(c, a, t) - rk_segment_costs(c, t, b);

		if (g > *gain)
		{
			*gain = g;
			at = t;
		}
	}
	return at;
}

static bool
binary_segmentation(rk_ctx *ctx, scratch *w, double penalty, int64_t k, int64_t m, bool *starts, int thread)
{
	/* segment i is [bounds[2i], bounds[2i + 1]); its split is in last[i] */
	int64_t		segments = 1;
	int64_t		work = 0;

	w->bounds[0] = 0;
	w->bounds[1] = w->costs.n;
	w->last[0] = best_split(&w->costs, 0, w->costs.n, m, &w->gains[0]);
	for (int64_t found = 0; k < 0 || found < k; found++)
	{
		int64_t		best = 0;
		int64_t		split;

		for (int64_t i = 1; i < segments; i++)
			if (w->gains[i] > w->gains[best] ||
				(w->gains[i] == w->gains[best] && w->bounds[2 * i] < w->bounds[2 * best]))
				best = i;
		split = w->last[best];
		if (split < 0 || (k < 0 && !(w->gains[best] > penalty)))
			break;
		starts[split] = true;
		w->bounds[2 * segments] = split;
		w->bounds[2 * segments + 1] = w->bounds[2 * best + 1];
		w->bounds[2 * best + 1] = split;
		for (int64_t i = best;; i = segments)
		{
			int64_t		a = w->bounds[2 * i];
			int64_t		b = w->bounds[2 * i + 1];

			w->last[i] = best_split(&w->costs, a, b, m, &w->gains[i]);
			if (must_stop(ctx, thread, &work, 20 * (b - a) + segments))
				return false;
			if (i == segments)
				break;
		}
		segments++;
	}
	return true;
}

/* ---- greedy merges ---- */

/* Cuts [a, b) in the middle as long as both parts are long enough. */
static void
cut(int64_t a, int64_t b, int64_t m, bool *starts)
{
	while (b - a >= 2 * m)
	{
		int64_t		middle = (a + b) / 2;

		starts[middle] = true;
		cut(a, middle, m, starts);
		a = middle;
	}
}

/*
 * Leaves in a list, gains of merging each with the next in a tournament tree
 * of which the root is the smallest, the leftmost of equal ones.
 */
static bool
bottom_up(rk_ctx *ctx, scratch *w, double penalty, int64_t k, int64_t m, bool *starts, int thread)
{
	const rk_costs *c = &w->costs;
	int64_t		leaves = 0;
	int64_t		width = 1;
	int64_t		work = 0;
	int64_t		left;
	int64_t    *next = w->last; /* of each leaf */
	int64_t    *before = w->bounds + c->n + 1;

	cut(0, c->n, m, starts);
	for (int64_t i = 0; i < c->n; i++)
		if (i == 0 || starts[i])
			w->bounds[leaves++] = i;
	w->bounds[leaves] = c->n;
	while (width < leaves)
		width *= 2;
	for (int64_t i = 0; i < width; i++)
	{
		w->tree[width + i] = INFINITY;
		if (i >= leaves)
			continue;
		next[i] = i + 1;
		before[i] = i - 1;
		if (i + 1 < leaves)
			w->tree[width + i] = rk_segment_costs(c, w->bounds[i], w->bounds[i + 2]) -
				rk_segment_costs(c, w->bounds[i], w->bounds[i + 1]) - rk_segment_costs(c, w->bounds[i + 1], w->bounds[i + 2]);
	}
	for (int64_t i = width - 1; i > 0; i--)
		w->tree[i] = fmin(w->tree[2 * i], w->tree[2 * i + 1]);
	for (left = leaves; left > 1; left--)
	{
		int64_t		i = 1;
		int64_t		gone;

		if (k >= 0 ? left - 1 <= k : !(w->tree[1] < penalty))
			break;
		while (i < width)
			i = w->tree[2 * i] == w->tree[i] ? 2 * i : 2 * i + 1;
		i -= width;
		gone = next[i];
		starts[w->bounds[gone]] = false;
		next[i] = next[gone];
		if (next[i] < leaves)
			before[next[i]] = i;
		/* the merged one changes what it and the one before would gain */
		for (int64_t j = i; j >= 0; j = j == i ? before[i] : -1)
		{
			int64_t		a = w->bounds[j];
			int64_t		b = w->bounds[next[j]];
			double		gain = INFINITY;

			if (next[j] < leaves)
			{
				int64_t		e = w->bounds[next[next[j]]];

				gain = rk_segment_costs(c, a, e) - rk_segment_costs(c, a, b) - rk_segment_costs(c, b, e);
			}
			w->tree[width + j] = gain;
			for (int64_t v = (width + j) / 2; v > 0; v /= 2)
				w->tree[v] = fmin(w->tree[2 * v], w->tree[2 * v + 1]);
		}
		w->tree[width + gone] = INFINITY;
		for (int64_t v = (width + gone) / 2; v > 0; v /= 2)
			w->tree[v] = fmin(w->tree[2 * v], w->tree[2 * v + 1]);
		if (must_stop(ctx, thread, &work, 200))
			return false;
	}
	return true;
}

/* ---- window ---- */

/* Takes the change point t in; returns what it takes off the costs. */
static double
split_gain(const rk_costs *c, const bool *starts, int64_t t)
{
	int64_t		a = t - 1;
	int64_t		b = t + 1;

	while (a > 0 && !starts[a])
		a--;
	while (b < c->n && !starts[b])
		b++;
	return rk_segment_costs(c, a, b) - rk_segment_costs(c, a, t) - rk_segment_costs(c, t, b);
}

static bool
sliding_window(rk_ctx *ctx, scratch *w, double penalty, int64_t k, int64_t window, int64_t m, bool *starts, int thread)
{
	const rk_costs *c = &w->costs;
	int64_t		n = c->n;
	int64_t		half = window / 2;
	int64_t		reach = window / 2 > m ? window / 2 : m;
	int64_t		scores = n - 2 * half + 1;	/* of ends half .. n - half */
	int64_t		peaks = 0;
	int64_t		work = 0;

	for (int64_t i = 0; i < scores; i++)
		w->gains[i] = rk_segment_costs(c, i, i + 2 * half) - rk_segment_costs(c, i, i + half) -
			rk_segment_costs(c, i + half, i + 2 * half);
	for (int64_t i = 0; i < scores; i++)
	{
		bool		peak = i + half >= m && n - i - half >= m;

		for (int64_t d = 1; d <= reach && peak; d++)
			peak = (i < d || w->gains[i] > w->gains[i - d]) && (i + d >= scores || w->gains[i] > w->gains[i + d]);
		if (must_stop(ctx, thread, &work, 20 + 2 * reach))
			return false;
		if (peak)
			w->bounds[peaks++] = i;
	}
	for (int64_t found = 0; peaks > 0 && (k < 0 || found < k); found++)
	{
		int64_t		best = 0;
		int64_t		t;

		for (int64_t i = 1; i < peaks; i++)
			if (w->gains[w->bounds[i]] > w->gains[w->bounds[best]])
				best = i;
		t = w->bounds[best] + half;
		if (k < 0 && !(split_gain(c, starts, t) > penalty))
			break;
		starts[t] = true;
		peaks--;
		for (int64_t i = best; i < peaks; i++)
			w->bounds[i] = w->bounds[i + 1];
		if (must_stop(ctx, thread, &work, n + peaks))
			return false;
	}
	return true;
}

/* ---- cusum ---- */

static void
cusum(const double *x, int64_t n, double threshold, int64_t k, int64_t m, bool *starts)
{
	int64_t		learn = n / 4 < 50 ? n / 4 : 50;
	int64_t		a = 0;
	int64_t		found = 0;

	if (learn < 10)
		learn = 10;
	while (a + learn < n && (k < 0 || found < k))
	{
		double		mean = rk_mean(x + a, learn);
		double		sd = sqrt(rk_sum_squares(x + a, learn, mean) / (learn - 1));
		double		high = 0;
		double		low = 0;
		int64_t		high_zero = a + learn;	/* where the sum left zero */
		int64_t		low_zero = a + learn;
		int64_t		change = -1;

		for (int64_t i = a + learn; i < n && change < 0; i++)
		{
			double		z = x[i] == mean ? 0 : (x[i] - mean) / sd;

			high = fmax(0, high + z - 0.5);
			low = fmax(0, low - z - 0.5);
			if (high == 0)
				high_zero = i + 1;
			if (low == 0)
				low_zero = i + 1;
			if (high > threshold || low > threshold)
				change = high > threshold ? high_zero : low_zero;
		}
		if (change < 0 || change - a < m || n - change < m)
			break;
		starts[change] = true;
		found++;
		a = change;
	}
}

/* ---- one series ---- */

static double
default_penalty(const state *st, scratch *w, const double *x, int64_t n)
{
	const rk_costs *c = &w->costs;
	double		variance = 0;

	if (st->p->method == RK_CUSUM)
		return 5;
	if (c->kind == RK_COST_NORMAL)
		return (2 * st->dimensions + 1) * log((double) n);
	if (c->kind == RK_COST_POISSON || c->kind == RK_COST_RANK)
		return 2 * log((double) n);
	for (int d = 0; d < st->dimensions; d++)
	{
		double		s = 0;

		if (n > 1)
		{
			double		median;

			for (int64_t i = 1; i < n; i++)
				w->value[i - 1] = x[i * st->dimensions + d] - x[(i - 1) * st->dimensions + d];
			median = rk_median(w->value, n - 1);
			for (int64_t i = 0; i < n - 1; i++)
				w->value[i] = fabs(w->value[i] - median);
			s = rk_median(w->value, n - 1) / (0.67448975019608171 * sqrt(2));
			if (s == 0)
			{
				for (int64_t i = 0; i < n; i++)
					w->value[i] = x[i * st->dimensions + d];
				s = sqrt(rk_sum_squares(w->value, n, rk_mean(w->value, n)) / (n - 1));
			}
		}
		variance += s * s;
	}
	if (variance == 0)
		return INFINITY;
	return 2 * (c->kind == RK_COST_L1 ? sqrt(variance) : variance) * log((double) n);
}

/* How often shuffling two segments gains as much: the p-value of their border. */
static bool
permute(const state *st, scratch *w, int64_t series, int64_t a, int64_t t, int64_t b, double gain, int thread, double *p)
{
	const rk_costs *c = &w->costs;
	rk_costs   *q = &w->shuffled;
	int64_t		m = b - a;
	int64_t		at_least = 0;
	int64_t		work = 0;

	q->scale = c->scale;
	for (int d = 0; d < c->dimensions; d++)
		memcpy(q->y + d * m, c->y + d * c->n + a, sizeof(double) * m);
	for (int64_t r = 0; r < st->p->n_permutations; r++)
	{
		uint64_t	h = rk_hash_fold(rk_hash_fold(rk_hash2(st->p->seed, series), t), r);
		double		g;

		for (int64_t i = m - 1; i > 0; i--)
		{
			int64_t		j = (int64_t) (rk_uniform(rk_hash_fold(h, i)) * (i + 1));

			for (int d = 0; d < c->dimensions; d++)
			{
				double		v = q->y[d * m + i];

				q->y[d * m + i] = q->y[d * m + j];
				q->y[d * m + j] = v;
			}
		}
		rk_costs_init_centred(q, m);
		g = rk_segment_costs(q, 0, m) - rk_segment_costs(q, 0, t - a) - rk_segment_costs(q, t - a, m);
		at_least += g >= gain - 1e-12 * fabs(gain);
		if (must_stop(st->ctx, thread, &work, m * (c->kind == RK_COST_L1 ? 100 : 10)))
			return false;
	}
	*p = (double) (1 + at_least) / (double) (1 + st->p->n_permutations);
	return true;
}

/* Numbers of the segments that were found. */
static bool
describe(const state *st, scratch *w, int64_t series, const double *x, double penalty, int thread)
{
	const rk_costs *c = &w->costs;
	rk_changepoints *f = st->found;
	int64_t		base = st->s->offsets[series];
	int64_t		n = c->n;
	double		total = 0;

	for (int64_t a = 0, before = -1, b; a < n; before = a, a = b)
	{
		int64_t		at = base + a;

		for (b = a + 1; b < n && !f->starts[base + b];)
			b++;
		total += rk_segment_costs(c, a, b) + (before >= 0 ? penalty : 0);
		f->mean[at] = f->variance[at] = f->gain[at] = f->p_value[at] = NAN;
		if (st->dimensions == 1)
		{
			f->mean[at] = rk_mean(x + a, b - a);
			if (b - a > 1)
				f->variance[at] = rk_sum_squares(x + a, b - a, f->mean[at]) / (b - a - 1);
		}
		if (before < 0)
			continue;
		f->gain[at] = rk_segment_costs(c, before, b) - rk_segment_costs(c, before, a) - rk_segment_costs(c, a, b);
		if (st->p->n_permutations > 0 && !permute(st, w, series, before, a, b, f->gain[at], thread, &f->p_value[at]))
			return false;
	}
	f->total_cost[series] = total;
	return true;
}

static bool
find(const state *st, scratch *w, const double *x, bool *starts, double penalty, int64_t k, int thread)
{
	const rk_changepoint_params *p = st->p;
	int64_t		n = w->costs.n;
	int64_t		m = p->min_segment;

	if (k < 0 && penalty == INFINITY)
		return true;
	switch (p->method)
	{
		case RK_PELT:
			if (!pelt(st->ctx, w, penalty, m, thread))
				return false;
			for (int64_t t = w->last[n]; t > 0; t = w->last[t])
				starts[t] = true;
			return true;
		case RK_OPT:
			if (!optimal(st->ctx, w, k, m, thread))
				return false;
			for (int64_t t = n; k > 0; k--)
			{
				t = w->from[t * (st->p->n_changepoints + 1 < n / m ? st->p->n_changepoints + 1 : n / m) + k];
				starts[t] = true;
			}
			return true;
		case RK_BINSEG:
			return binary_segmentation(st->ctx, w, penalty, k, m, starts, thread);
		case RK_BOTTOMUP:
			return bottom_up(st->ctx, w, penalty, k, m, starts, thread);
		case RK_WINDOW:
			return sliding_window(st->ctx, w, penalty, k, p->window_size < n ? p->window_size : n, m, starts, thread);
		case RK_CUSUM:
			cusum(x, n, penalty, k, m, starts);
			return true;
	}
	return true;
}

static void
find_chunk(void *arg, int64_t begin, int64_t end, int64_t chunk, int thread)
{
	state	   *st = arg;
	scratch    *w = &st->scratch[thread];

	(void) chunk;
	for (int64_t i = begin; i < end; i++)
	{
		int64_t		base = st->s->offsets[i];
		int64_t		n = st->s->offsets[i + 1] - base;
		int64_t		k = st->p->n_changepoints;
		const double *x = st->values + base * st->dimensions;
		double		penalty = st->p->penalty;

		if (n == 0)
			continue;
		rk_costs_init(&w->costs, x, n);
		if (k >= 0)
			penalty = 0;
		else if (isnan(penalty))
			penalty = default_penalty(st, w, x, n);
		/* no more change points than fit */
		if (k >= 0 && k > n / st->p->min_segment - 1)
			k = n / st->p->min_segment - 1;
		st->found->starts[base] = true;
		if (n >= 2 * st->p->min_segment && !find(st, w, x, st->found->starts + base, penalty, k, thread))
			return;
		/* an infinite penalty has found nothing, so it counts for nothing */
		if (!describe(st, w, i, x, st->p->method == RK_CUSUM ? 0 : penalty, thread))
			return;
	}
}

/* ---- the kernel ---- */

static rk_status
make_scratch(rk_ctx *ctx, const rk_changepoint_params *p, int64_t n, int dimensions, scratch *w)
{
	int64_t		row = p->n_changepoints + 1 < n / p->min_segment ? p->n_changepoints + 1 : n / p->min_segment;
	int64_t		width = 1;
	rk_status	status = rk_costs_alloc(ctx, p->cost, n, dimensions, &w->costs);

	if (status == RK_OK && p->n_permutations > 0)
		status = rk_costs_alloc(ctx, p->cost, n, dimensions, &w->shuffled);
	if (status != RK_OK)
		return status;
	while (width < n)
		width *= 2;
	w->best = rk_alloc(ctx, n + 1, sizeof(double));
	w->last = rk_alloc(ctx, n + 1, sizeof(int64_t));
	w->start = rk_alloc(ctx, n + 1, sizeof(double));
	w->offset = rk_alloc(ctx, n + 1, sizeof(double));
	w->sum = rk_alloc(ctx, n + 1, sizeof(double));
	w->value = rk_alloc(ctx, n + 1, sizeof(double));
	w->drop_at = rk_alloc(ctx, n + 1, sizeof(double));
	w->table = rk_alloc(ctx, p->method == RK_OPT ? (n + 1) * row : 0, sizeof(double));
	w->from = rk_alloc(ctx, p->method == RK_OPT ? (n + 1) * row : 0, sizeof(int32_t));
	w->bounds = rk_alloc(ctx, 2 * (n + 2), sizeof(int64_t));
	w->gains = rk_alloc(ctx, n + 1, sizeof(double));
	w->tree = rk_alloc(ctx, p->method == RK_BOTTOMUP ? 2 * width : 0, sizeof(double));
	if (!w->best || !w->last || !w->start || !w->offset || !w->sum || !w->value || !w->drop_at || !w->table ||
		!w->from || !w->bounds || !w->gains || !w->tree)
		return RK_ERR_MEMORY;
	return RK_OK;
}

rk_status
rk_temporal_changepoints(rk_ctx *ctx, const rk_series *s, const double *values, int dimensions,
						 const rk_changepoint_params *p, rk_changepoints *found)
{
	state		st = {ctx, s, values, dimensions, p, found};
	int64_t		longest = rk_series_longest(s);
	int64_t		total = s->offsets[s->count];

	if (p->cost == RK_COST_POISSON)
		for (int64_t i = 0; i < total; i++)
			if (values[i] < 0)
				return rk_fail(ctx, RK_ERR_DATA, "cost 'poisson' needs values that are not negative, but there is %.10g", values[i]);
	if (longest > INT32_MAX - 1)
		return rk_fail(ctx, RK_ERR_LIMIT, "series has more than %d positions", INT32_MAX - 1);
	found->starts = rk_alloc0(ctx, total, sizeof(bool));
	found->mean = rk_alloc(ctx, total, sizeof(double));
	found->variance = rk_alloc(ctx, total, sizeof(double));
	found->gain = rk_alloc(ctx, total, sizeof(double));
	found->p_value = rk_alloc(ctx, total, sizeof(double));
	found->total_cost = rk_alloc(ctx, s->count, sizeof(double));
	st.scratch = rk_alloc0(ctx, ctx->threads, sizeof(scratch));
	if (!found->starts || !found->mean || !found->variance || !found->gain || !found->p_value || !found->total_cost ||
		!st.scratch)
		return RK_ERR_MEMORY;
	for (int i = 0; i < ctx->threads; i++)
	{
		/* a thread without a series needs no room */
		rk_status	status = make_scratch(ctx, p, i < s->count ? longest : 0, dimensions, &st.scratch[i]);

		if (status != RK_OK)
			return status;
	}
	return rk_parallel_for(ctx, s->count, 1, find_chunk, &st) == RK_OK && !rk_should_stop(ctx) ? RK_OK : RK_STOPPED;
}
