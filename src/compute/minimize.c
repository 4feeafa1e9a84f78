/*
 * minimize.c
 *	  Quasi-Newton steps within linear constraints.
 */
#include "minimize.h"

int64_t
rk_minimize_work(int n, int m)
{
	return rk_minimizer_work(n, m);
}

rk_minimum
rk_minimize(const rk_minimize_problem *p, double *x, double *work)
{
	rk_minimizer s = {
		.n = p->n, .m = p->m, .a = p->a, .b = p->b, .max_iterations = p->max_iterations, .tolerance = p->tolerance,
		.have_inverse = p->have_inverse, .x = x
	};

	rk_minimizer_begin(&s, work);
	while (rk_minimizer_next(&s, p->fn(p->arg, s.at, s.gradient_at)) && !(p->stop && p->stop(p->arg)))
		continue;
	return s.result;
}

bool
rk_invert(double *a, int n, int *pivots)
{
	return rk_invert_matrix(a, n, pivots);
}
