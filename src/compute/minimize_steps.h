/*
 * minimize_steps.h
 *	  The minimiser of minimize.c a step at a time, on the CPU and on devices.
 *
 * Whoever calls it evaluates the function: rk_minimizer_begin, then, for as long
 * as rk_minimizer_next returns true, the value of the function at s->at, with
 * its gradient in s->gradient_at.
 */
#ifndef RK_MINIMIZE_STEPS_H
#define RK_MINIMIZE_STEPS_H

#include <math.h>
#include <stdbool.h>
#include <stdint.h>

#include "both.h"

#define RK_MINIMIZE_ARMIJO 1e-4
#define RK_MINIMIZE_SWEEPS 400
#define RK_MINIMIZE_HALVINGS 40
#define RK_MINIMIZE_STILL 4

typedef struct rk_minimum
{
	double		value;
	int			iterations;
	bool		converged;
	double		decrease;		/* what the model promised at the end */
} rk_minimum;

typedef struct rk_minimizer
{
	/* the problem, as rk_minimize_problem */
	int			n;
	int			m;
	const double *a;
	const double *b;
	int			max_iterations;
	double		tolerance;
	bool		have_inverse;
	double	   *x;				/* [n]: the best so far */

	/* scratch space */
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

	/* what is wanted of the caller */
	const double *at;
	double	   *gradient_at;

	/* where it stands */
	bool		started;
	bool		first;
	int			halvings;
	int			restarts;
	int			still;
	double		share;			/* of the step that is tried */
	double		slope;
	rk_minimum	result;
} rk_minimizer;

/* Numbers of scratch space; the first n * n are the inverse Hessian. */
RK_BOTH int64_t
rk_minimizer_work(int n, int m)
{
	return (int64_t) n * n + 6 * (int64_t) n + 2 * (int64_t) m + (int64_t) m * n + (int64_t) m * m;
}

RK_BOTH double
rk_minimizer_dot(const double *a, const double *b, int n)
{
	double		sum = 0;

	for (int i = 0; i < n; i++)
		sum += a[i] * b[i];
	return sum;
}

RK_BOTH void
rk_minimizer_times_inverse(const rk_minimizer *s, const double *v, double *out)
{
	for (int i = 0; i < s->n; i++)
		out[i] = rk_minimizer_dot(s->inverse + (int64_t) i * s->n, v, s->n);
}

RK_BOTH void
rk_minimizer_set_identity(rk_minimizer *s, double scale)
{
	int			n = s->n;

	for (int64_t i = 0; i < (int64_t) n * n; i++)
		s->inverse[i] = 0;
	for (int i = 0; i < n; i++)
		s->inverse[(int64_t) i * n + i] = scale;
}

/* Multipliers of the constraints of the quadratic model, one after another. */
RK_BOTH void
rk_minimizer_hildreth(rk_minimizer *s, const double *x)
{
	int			n = s->n;
	int			m = s->m;

	for (int i = 0; i < m; i++)
	{
		s->slack[i] = s->b[i] - rk_minimizer_dot(s->a + (int64_t) i * n, x, n);
		rk_minimizer_times_inverse(s, s->a + (int64_t) i * n, s->rows + (int64_t) i * n);
		s->dual[i] = 0;
	}
	for (int i = 0; i < m; i++)
		for (int j = 0; j < m; j++)
			s->gram[(int64_t) i * m + j] = rk_minimizer_dot(s->rows + (int64_t) i * n, s->a + (int64_t) j * n, n);
	for (int sweep = 0; sweep < RK_MINIMIZE_SWEEPS; sweep++)
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
			value = s->slack[i] + rk_minimizer_dot(s->rows + (int64_t) i * n, s->gradient, n);
			for (int j = 0; j < m; j++)
				if (j != i)
					value -= s->gram[(int64_t) i * m + j] * s->dual[j];
			value = fmax(0.0, value / diagonal);
			moved = fmax(moved, fabs(value - s->dual[i]));
			size = fmax(size, value);
			s->dual[i] = value;
		}
		if (moved <= 1e-14 * size || moved == 0)
			break;
	}
}

/* The step to the minimum of the model; the share of it that is permitted. */
RK_BOTH double
rk_minimizer_model_step(rk_minimizer *s, const double *x)
{
	int			n = s->n;
	int			m = s->m;
	double		share = 1;
	bool		inside = true;

	rk_minimizer_times_inverse(s, s->gradient, s->step);
	for (int i = 0; i < n; i++)
		s->step[i] = -s->step[i];
	for (int i = 0; i < m && inside; i++)
	{
		const double *a = s->a + (int64_t) i * n;

		inside = rk_minimizer_dot(a, x, n) + rk_minimizer_dot(a, s->step, n) >= s->b[i];
	}
	if (inside)
		return 1;
	rk_minimizer_hildreth(s, x);
	for (int i = 0; i < m; i++)
		for (int j = 0; j < n; j++)
			s->step[j] += s->rows[(int64_t) i * n + j] * s->dual[i];
	for (int i = 0; i < m; i++)
	{
		double		along = rk_minimizer_dot(s->a + (int64_t) i * n, s->step, n);

		/* no step beyond a constraint by more than rounding */
		if (along < s->slack[i] - 1e-10)
			share = fmin(share, (s->slack[i] - 1e-10) / along);
	}
	return fmax(share, 0.0);
}

/* BFGS with Powell's damping, on the inverse: next - x is the step. */
RK_BOTH void
rk_minimizer_update(rk_minimizer *s, double share, bool first)
{
	int			n = s->n;
	double	   *step = s->step;
	double	   *change = s->change;
	double		curvature;
	double		quadratic;

	for (int i = 0; i < n; i++)
	{
		step[i] *= share;
		change[i] = s->next_gradient[i] - s->gradient[i];
	}
	curvature = rk_minimizer_dot(step, change, n);
	if (first && !s->have_inverse && curvature > 0)
		rk_minimizer_set_identity(s, curvature / rk_minimizer_dot(change, change, n));
	rk_minimizer_times_inverse(s, change, s->image);
	quadratic = rk_minimizer_dot(change, s->image, n);
	if (!(curvature > 1e-14 * sqrt(rk_minimizer_dot(step, step, n) * rk_minimizer_dot(change, change, n))) || !(quadratic > 0))
		return;
	/* dual form of the damping: the step is bent towards the image */
	if (curvature < 0.2 * quadratic)
	{
		double		theta = 0.8 * quadratic / (quadratic - curvature);

		for (int i = 0; i < n; i++)
			step[i] = theta * step[i] + (1 - theta) * s->image[i];
		curvature = rk_minimizer_dot(step, change, n);
	}
	for (int i = 0; i < n; i++)
		for (int j = 0; j < n; j++)
			s->inverse[(int64_t) i * n + j] += (1 + quadratic / curvature) * (step[i] * step[j]) / curvature -
				(s->image[i] * step[j] + step[i] * s->image[j]) / curvature;
}

RK_BOTH bool
rk_minimizer_usable(double value, const double *gradient, int n)
{
	for (int i = 0; i < n; i++)
		if (!isfinite(gradient[i]))
			return false;
	return isfinite(value);
}

/*
 * The next point that is wanted: of a new step, or less of the one at hand.
 * False at the end.
 */
RK_BOTH bool
rk_minimizer_go(rk_minimizer *s, bool new_step)
{
	for (;;)
	{
		if (new_step)
		{
			if (s->result.iterations >= s->max_iterations)
				return false;
			s->share = rk_minimizer_model_step(s, s->x);
			s->slope = rk_minimizer_dot(s->gradient, s->step, s->n);
			s->result.decrease = -s->slope;
			/* the scale of the first guess says nothing about the minimum */
			if (-s->slope <= s->tolerance && (!s->first || s->have_inverse || s->slope == 0))
			{
				s->result.converged = true;
				return false;
			}
			s->halvings = 0;
		}
		if (s->halvings < RK_MINIMIZE_HALVINGS && s->share > 0)
		{
			for (int i = 0; i < s->n; i++)
				s->next[i] = s->x[i] + s->share * s->step[i];
			s->at = s->next;
			s->gradient_at = s->next_gradient;
			return true;
		}
		/* no way down: once more from the gradient, then as good as it gets */
		if (s->restarts++ > 1)
			return false;
		rk_minimizer_set_identity(s, 1e-3 / fmax(sqrt(rk_minimizer_dot(s->gradient, s->gradient, s->n)), 1e-10));
		s->result.iterations++;
		new_step = true;
	}
}

/* Takes the value at s->at; true: another one is wanted. */
RK_BOTH bool
rk_minimizer_next(rk_minimizer *s, double value)
{
	int			n = s->n;

	if (!s->started)
	{
		s->result.value = value;
		if (!rk_minimizer_usable(value, s->gradient, n))
			return false;
		s->started = true;
		if (!s->have_inverse)
			rk_minimizer_set_identity(s, 0.1 / fmax(sqrt(rk_minimizer_dot(s->gradient, s->gradient, n)), 1e-10));
		return rk_minimizer_go(s, true);
	}
	s->halvings++;
	if (!rk_minimizer_usable(value, s->next_gradient, n))
	{
		s->share *= 0.1;
		return rk_minimizer_go(s, false);
	}
	if (!(value <= s->result.value + RK_MINIMIZE_ARMIJO * s->share * s->slope))
	{
		/* the minimum of the parabola through what is known */
		double		at = -s->slope * s->share / (2 * ((value - s->result.value) / s->share - s->slope));

		s->share = isfinite(at) ? fmin(fmax(at, 0.1 * s->share), 0.5 * s->share) : 0.5 * s->share;
		return rk_minimizer_go(s, false);
	}
	/* steps that gain nothing any more: a flat end, as at infinity */
	s->still = s->result.value - value <= s->tolerance ? s->still + 1 : 0;
	rk_minimizer_update(s, s->share, s->first);
	s->first = false;
	for (int i = 0; i < n; i++)
	{
		s->x[i] = s->next[i];
		s->gradient[i] = s->next_gradient[i];
	}
	s->result.value = value;
	if (s->still >= RK_MINIMIZE_STILL)
	{
		s->result.converged = true;
		return false;
	}
	s->result.iterations++;
	return rk_minimizer_go(s, true);
}

/* Begins: the fields of the problem are set; work as rk_minimizer_work. */
RK_BOTH void
rk_minimizer_begin(rk_minimizer *s, double *work)
{
	int			n = s->n;
	int			m = s->m;

	s->inverse = work;
	s->gradient = s->inverse + (int64_t) n * n;
	s->step = s->gradient + n;
	s->next = s->step + n;
	s->next_gradient = s->next + n;
	s->change = s->next_gradient + n;
	s->image = s->change + n;
	s->dual = s->image + n;
	s->slack = s->dual + m;
	s->rows = s->slack + m;
	s->gram = s->rows + (int64_t) m * n;
	s->at = s->x;
	s->gradient_at = s->gradient;
	s->started = false;
	s->first = true;
	s->halvings = s->restarts = s->still = 0;
	s->share = s->slope = 0;
	s->result.value = s->result.decrease = 0;
	s->result.iterations = 0;
	s->result.converged = false;
}

/*
 * Inverse of a matrix [n][n] in place by Gauss-Jordan elimination with pivoting;
 * false where it is singular.  pivots: room for n.
 */
RK_BOTH bool
rk_invert_matrix(double *a, int n, int *pivots)
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

#endif							/* RK_MINIMIZE_STEPS_H */
