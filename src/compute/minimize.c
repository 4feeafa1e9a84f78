/*
 * minimize.c
 *	  Quasi-Newton steps within linear constraints.
 */
#include "minimize.h"

#include <math.h>
#include <string.h>

#define ARMIJO 1e-4
#define SWEEPS 400
#define HALVINGS 40
#define STILL 4

typedef struct state
{
	const rk_minimize_problem *p;
	double	   *inverse;		/* [n][n] */
	double	   *gradient;
	double	   *step;
	double	   *next;
	double	   *next_gradient;
	double	   *change;			/* of the gradient */
	double	   *image;			/* inverse times something */
	double	   *dual;			/* [m] */
	double	   *slack;			/* [m]: b - a x, <= 0 */
	double	   *rows;			/* [m][n]: a times inverse */
	double	   *gram;			/* [m][m]: a inverse a' */
} state;

int64_t
rk_minimize_work(int n, int m)
{
	return (int64_t) n * n + 6 * (int64_t) n + 2 * (int64_t) m + (int64_t) m * n + (int64_t) m * m;
}

static double
dot(const double *a, const double *b, int n)
{
	double		sum = 0;

	for (int i = 0; i < n; i++)
		sum += a[i] * b[i];
	return sum;
}

static void
times_inverse(const state *s, const double *v, double *out)
{
	for (int i = 0; i < s->p->n; i++)
		out[i] = dot(s->inverse + (int64_t) i * s->p->n, v, s->p->n);
}

static void
set_identity(state *s, double scale)
{
	int			n = s->p->n;

	memset(s->inverse, 0, sizeof(double) * n * n);
	for (int i = 0; i < n; i++)
		s->inverse[(int64_t) i * n + i] = scale;
}

/* Multipliers of the constraints of the quadratic model, one after another. */
static void
hildreth(state *s, const double *x)
{
	int			n = s->p->n;
	int			m = s->p->m;

	for (int i = 0; i < m; i++)
	{
		s->slack[i] = s->p->b[i] - dot(s->p->a + (int64_t) i * n, x, n);
		times_inverse(s, s->p->a + (int64_t) i * n, s->rows + (int64_t) i * n);
		s->dual[i] = 0;
	}
	for (int i = 0; i < m; i++)
		for (int j = 0; j < m; j++)
			s->gram[(int64_t) i * m + j] = dot(s->rows + (int64_t) i * n, s->p->a + (int64_t) j * n, n);
	for (int sweep = 0; sweep < SWEEPS; sweep++)
	{
		double		moved = 0;
		double		size = 0;

		for (int i = 0; i < m; i++)
		{
			double		diagonal = s->gram[(int64_t) i * m + i];
			double		value;

			if (!(diagonal > 0))
				continue;
			/* step without this multiplier: how far the constraint is missed */
			value = s->slack[i] + dot(s->rows + (int64_t) i * n, s->gradient, n);
			for (int j = 0; j < m; j++)
				if (j != i)
					value -= s->gram[(int64_t) i * m + j] * s->dual[j];
			value = fmax(0, value / diagonal);
			moved = fmax(moved, fabs(value - s->dual[i]));
			size = fmax(size, value);
			s->dual[i] = value;
		}
		if (moved <= 1e-14 * size || moved == 0)
			break;
	}
}

/* The step to the minimum of the model; the share of it that is permitted. */
static double
model_step(state *s, const double *x)
{
	int			n = s->p->n;
	int			m = s->p->m;
	double		share = 1;
	bool		inside = true;

	times_inverse(s, s->gradient, s->step);
	for (int i = 0; i < n; i++)
		s->step[i] = -s->step[i];
	for (int i = 0; i < m && inside; i++)
	{
		const double *a = s->p->a + (int64_t) i * n;

		inside = dot(a, x, n) + dot(a, s->step, n) >= s->p->b[i];
	}
	if (inside)
		return 1;
	hildreth(s, x);
	for (int i = 0; i < m; i++)
		for (int j = 0; j < n; j++)
			s->step[j] += s->rows[(int64_t) i * n + j] * s->dual[i];
	for (int i = 0; i < m; i++)
	{
		double		along = dot(s->p->a + (int64_t) i * n, s->step, n);

		/* no step beyond a constraint by more than rounding */
		if (along < s->slack[i] - 1e-10)
			share = fmin(share, (s->slack[i] - 1e-10) / along);
	}
	return fmax(share, 0);
}

/* BFGS with Powell's damping, on the inverse: next - x is the step. */
static void
update(state *s, double share, bool first)
{
	int			n = s->p->n;
	double	   *step = s->step;
	double	   *change = s->change;
	double		curvature;
	double		quadratic;

	for (int i = 0; i < n; i++)
	{
		step[i] *= share;
		change[i] = s->next_gradient[i] - s->gradient[i];
	}
	curvature = dot(step, change, n);
	if (first && !s->p->have_inverse && curvature > 0)
		set_identity(s, curvature / dot(change, change, n));
	times_inverse(s, change, s->image);
	quadratic = dot(change, s->image, n);
	if (!(curvature > 1e-14 * sqrt(dot(step, step, n) * dot(change, change, n))) || !(quadratic > 0))
		return;
	/* dual form of the damping: the step is bent towards the image */
	if (curvature < 0.2 * quadratic)
	{
		double		theta = 0.8 * quadratic / (quadratic - curvature);

		for (int i = 0; i < n; i++)
			step[i] = theta * step[i] + (1 - theta) * s->image[i];
		curvature = dot(step, change, n);
	}
	for (int i = 0; i < n; i++)
		for (int j = 0; j < n; j++)
			s->inverse[(int64_t) i * n + j] += (1 + quadratic / curvature) * (step[i] * step[j]) / curvature -
				(s->image[i] * step[j] + step[i] * s->image[j]) / curvature;
}

static bool
usable(double value, const double *gradient, int n)
{
	for (int i = 0; i < n; i++)
		if (!isfinite(gradient[i]))
			return false;
	return isfinite(value);
}

rk_minimum
rk_minimize(const rk_minimize_problem *p, double *x, double *work)
{
	int			n = p->n;
	int			restarts = 0;
	int			still = 0;
	state		s = {.p = p};
	rk_minimum	result = {0};

	s.inverse = work;
	s.gradient = s.inverse + (int64_t) n * n;
	s.step = s.gradient + n;
	s.next = s.step + n;
	s.next_gradient = s.next + n;
	s.change = s.next_gradient + n;
	s.image = s.change + n;
	s.dual = s.image + n;
	s.slack = s.dual + p->m;
	s.rows = s.slack + p->m;
	s.gram = s.rows + (int64_t) p->m * n;
	result.value = p->fn(p->arg, x, s.gradient);
	if (!usable(result.value, s.gradient, n))
		return result;
	if (!p->have_inverse)
		set_identity(&s, 0.1 / fmax(sqrt(dot(s.gradient, s.gradient, n)), 1e-10));
	for (bool first = true; result.iterations < p->max_iterations && !(p->stop && p->stop(p->arg)); result.iterations++)
	{
		double		share = model_step(&s, x);
		double		slope = dot(s.gradient, s.step, n);
		double		value = NAN;

		result.decrease = -slope;
		if (-slope <= p->tolerance)
		{
			/* the scale of the first guess says nothing about the minimum */
			if (!first || p->have_inverse || slope == 0)
			{
				result.converged = true;
				return result;
			}
		}
		for (int k = 0; k < HALVINGS && share > 0; k++)
		{
			for (int i = 0; i < n; i++)
				s.next[i] = x[i] + share * s.step[i];
			value = p->fn(p->arg, s.next, s.next_gradient);
			if (usable(value, s.next_gradient, n))
			{
				double		at;

				if (value <= result.value + ARMIJO * share * slope)
					break;
				/* the minimum of the parabola through what is known */
				at = -slope * share / (2 * ((value - result.value) / share - slope));
				share = isfinite(at) ? fmin(fmax(at, 0.1 * share), 0.5 * share) : 0.5 * share;
			}
			else
				share *= 0.1;
			value = NAN;
		}
		if (!isfinite(value))
		{
			/* no way down: once more from the gradient, then as good as it gets */
			if (restarts++ > 1)
				return result;
			set_identity(&s, 1e-3 / fmax(sqrt(dot(s.gradient, s.gradient, n)), 1e-10));
			continue;
		}
		/* steps that gain nothing any more: a flat end, as at infinity */
		still = result.value - value <= p->tolerance ? still + 1 : 0;
		update(&s, share, first);
		first = false;
		memcpy(x, s.next, sizeof(double) * n);
		memcpy(s.gradient, s.next_gradient, sizeof(double) * n);
		result.value = value;
		if (still >= STILL)
		{
			result.converged = true;
			return result;
		}
	}
	return result;
}

bool
rk_invert(double *a, int n, int *pivots)
{
	for (int k = 0; k < n; k++)
	{
		int			best = k;
		double		pivot;

		for (int i = k; i < n; i++)
			if (fabs(a[(int64_t) i * n + k]) > fabs(a[(int64_t) best * n + k]))
				best = i;
		pivots[k] = best;
		pivot = a[(int64_t) best * n + k];
		if (!(fabs(pivot) > 1e-300) || !isfinite(pivot))
			return false;
		for (int j = 0; j < n; j++)
		{
			double		v = a[(int64_t) best * n + j];

			a[(int64_t) best * n + j] = a[(int64_t) k * n + j];
			a[(int64_t) k * n + j] = v;
		}
		a[(int64_t) k * n + k] = 1;
		for (int j = 0; j < n; j++)
			a[(int64_t) k * n + j] /= pivot;
		for (int i = 0; i < n; i++)
		{
			double		factor = a[(int64_t) i * n + k];

			if (i == k)
				continue;
			a[(int64_t) i * n + k] = 0;
			for (int j = 0; j < n; j++)
				a[(int64_t) i * n + j] -= factor * a[(int64_t) k * n + j];
		}
	}
	/* rows were exchanged: columns of the inverse go back */
	for (int k = n; k-- > 0;)
		for (int i = 0; i < n && pivots[k] != k; i++)
		{
			double		v = a[(int64_t) i * n + k];

			a[(int64_t) i * n + k] = a[(int64_t) i * n + pivots[k]];
			a[(int64_t) i * n + pivots[k]] = v;
		}
	return true;
}
