/*
 * minimize.h
 *	  Smooth functions of a few variables: their minimum, in a polyhedron.
 *
 * For likelihoods.  Takes no memory and asks for no numbers but those given, so
 * that threads may run it side by side and the result has the same bits each
 * time.
 */
#ifndef RK_MINIMIZE_H
#define RK_MINIMIZE_H

#include <stdbool.h>
#include <stdint.h>

#include "minimize_steps.h"

/*
 * The function at x and its gradient; not finite where it has no value.  x may
 * lie outside the constraints by rounding.
 */
typedef double (*rk_objective) (void *arg, const double *x, double *gradient);

typedef struct rk_minimize_problem
{
	int			n;				/* variables */
	rk_objective fn;
	void	   *arg;
	int			m;				/* constraints a x >= b */
	const double *a;			/* [m][n] */
	const double *b;			/* [m] */
	int			max_iterations;
	double		tolerance;		/* of the decrease that the quadratic model promises */
	bool		have_inverse;	/* inverse holds a guess of the inverse Hessian */
	bool		(*stop) (void *arg);	/* asked each iteration; NULL: never */
} rk_minimize_problem;

/* Numbers of scratch space; the first n * n are the inverse Hessian. */
extern int64_t rk_minimize_work(int n, int m);

/*
 * Minimises from x, which fulfils the constraints, and leaves the minimum
 * there: quasi-Newton steps (BFGS updates of the inverse, damped as by Powell
 * 1978), each the minimum of the quadratic model within the constraints, whose
 * dual is solved by Hildreth's method, then backtracking.  Where the function
 * is not finite at the start the result does not converge.
 */
extern rk_minimum rk_minimize(const rk_minimize_problem *p, double *x, double *work);

/*
 * Inverse of a matrix [n][n] in place by Gauss-Jordan elimination with pivoting;
 * false where it is singular.  pivots: room for n.
 */
extern bool rk_invert(double *a, int n, int *pivots);

#endif							/* RK_MINIMIZE_H */
