/*
 * special.h
 *	  Distributions beside the normal one.
 */
#ifndef RK_SPECIAL_H
#define RK_SPECIAL_H

/* P(X <= x) and P(X > x) of the gamma distribution with shape a, scale 1. */
extern double rk_gamma_p(double a, double x);
extern double rk_gamma_q(double a, double x);

/* The chi-square distribution with nu degrees of freedom: its p-quantile. */
extern double rk_chi_square_quantile(double nu, double p);

/* Regularised incomplete beta function I_x(a, b). */
extern double rk_beta_p(double a, double b, double x);

/* Student's t with nu degrees of freedom, not necessarily whole. */
extern double rk_student_cdf(double nu, double t);
extern double rk_student_quantile(double nu, double p);

#endif							/* RK_SPECIAL_H */
