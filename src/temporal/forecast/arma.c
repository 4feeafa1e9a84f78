/*
 * arma.c
 *	  Filters of ARMA processes.
 */
#include "arma.h"

#include <math.h>
#include <string.h>

#include "arma_steps.h"

#define UNKNOWN 1e7
#define TOO_LARGE 1e4

int64_t
rk_arma_work(int order, int lags, int columns)
{
	int64_t		m = (int64_t) order + lags;

	return columns * (m + 1) + 2 * m * m + 2 * m + 8 * (int64_t) order + 8 + rk_arma_stationary_work(order);
}

/* ---- the fast filter ---- */

/* What is left when the gain stands still: sparse sums over lags. */
static void
steady_errors(const rk_arma *a, const double *x, int64_t from, int64_t n, double *out)
{
	for (int64_t t = from; t < n; t++)
		out[t] = x[t];
	for (int j = 1; j <= a->p; j++)
		if (a->phi[j - 1] != 0)
			for (int64_t t = from; t < n; t++)
				out[t] -= a->phi[j - 1] * x[t - j];
	if (a->q == 1)
	{
		double		theta = a->theta[0];
		double		before = out[from - 1];

		for (int64_t t = from; t < n; t++)
			out[t] = before = out[t] - theta * before;
		return;
	}
	if (a->q == 0)
		return;
	for (int64_t t = from; t < n; t++)
	{
		double		sum = out[t];

		for (int j = 1; j <= a->q; j++)
			if (a->theta[j - 1] != 0)
				sum -= a->theta[j - 1] * out[t - j];
		out[t] = sum;
	}
}

bool
rk_arma_filter(const rk_arma *a, const double *const *x, int columns, int64_t n, double *const *out, double *work,
			   rk_arma_result *result)
{
	int			r = rk_arma_order(a);
	double	   *state = work;	/* [columns][r + 1], a 0 behind each */
	double	   *gain = state + columns * (r + 1);
	double	   *w = gain + r + 1;
	double	   *column = w + r + 1;
	double	   *phi = column + r + 1;
	rk_arma_recursion g;
	int			next = 0;
	int64_t		t;

	*result = (rk_arma_result) {0, n};
	memset(phi, 0, sizeof(double) * r);
	memcpy(phi, a->phi, sizeof(double) * a->p);
	if (!rk_arma_stationary(a->phi, a->p, a->theta, a->q, column, phi + r, 1))
		return false;
	memset(state, 0, sizeof(double) * columns * (r + 1));
	rk_arma_recursion_begin(&g, phi, column, w, gain, r, 1);
	for (t = 0; t < n && next == 0; t++)
	{
		double		root = 1 / sqrt(g.f);

		for (int c = 0; c < columns; c++)
		{
			double	   *s = state + c * (r + 1);
			double		first = s[0];
			double		error = x[c][t] - first;

			out[c][t] = error * root;
			for (int i = 0; i < r; i++)
				s[i] = phi[i] * first + s[i + 1] + gain[i] * error;
		}
		rk_arma_recursion_count(&g);
		next = rk_arma_recursion_next(&g, phi, a->theta, a->q, w, gain, r, r, 1);
		if (next < 0)
			return false;
	}
	result->log_f = g.log_f + log(g.product);
	if (t < n)
		for (int c = 0; c < columns; c++)
			steady_errors(a, x[c], t, n, out[c]);
	return isfinite(result->log_f);
}

/* ---- the Kalman filter ---- */

/* The product of the observation with a row or column of the state. */
static double
observe(const rk_arma *a, int r, const double *v, int64_t stride)
{
	double		sum = v[0];

	for (int j = 0; j < a->lags; j++)
		if (a->delta[j] != 0)
			sum += a->delta[j] * v[(r + j) * stride];
	return sum;
}

/* The state one step on; level: the value at this time, or what is thought of it. */
static void
move_state(const rk_arma *a, int r, double *s)
{
	double		first = s[0];
	double		level = observe(a, r, s, 1);

	for (int i = 0; i < r; i++)
		s[i] = (i < a->p ? a->phi[i] * first : 0) + (i + 1 < r ? s[i + 1] : 0);
	for (int j = a->lags - 1; j > 0; j--)
		s[r + j] = s[r + j - 1];
	if (a->lags > 0)
		s[r] = level;
}

/* The covariance one step on, from p into next. */
static void
move_covariance(const rk_arma *a, int r, int64_t m, const double *p, double *next, double *seen)
{
#define P(i, j) ((i) < r && (j) < r ? p[(i) * m + (j)] : 0)
	for (int64_t i = 0; i < m && a->lags > 0; i++)
		seen[i] = observe(a, r, p + i * m, 1);
	for (int i = 0; i < r; i++)
	{
		double		phi = i < a->p ? a->phi[i] : 0;
		double		shock = i == 0 ? 1 : i <= a->q ? a->theta[i - 1] : 0;

		for (int j = 0; j <= i; j++)
		{
			double		other = j < a->p ? a->phi[j] : 0;
			double		v = phi * other * p[0] + phi * P(0, j + 1) + other * P(i + 1, 0) + P(i + 1, j + 1) +
				shock * (j == 0 ? 1 : j <= a->q ? a->theta[j - 1] : 0);

			next[i * m + j] = next[j * m + i] = v;
		}
		for (int j = 0; j < a->lags; j++)
		{
			const double *row = j == 0 ? seen : NULL;
			double		here = row ? row[0] : p[r + j - 1];
			double		below = i + 1 >= r ? 0 : row ? row[i + 1] : p[(i + 1) * m + r + j - 1];

			next[i * m + r + j] = next[(r + j) * m + i] = phi * here + below;
		}
	}
#undef P
	for (int i = 0; i < a->lags; i++)
		for (int j = 0; j <= i; j++)
		{
			double		v = j > 0 ? p[(r + i - 1) * m + r + j - 1] : i > 0 ? seen[r + i - 1] : observe(a, r, seen, 1);

			next[(r + i) * m + r + j] = next[(r + j) * m + r + i] = v;
		}
}

bool
rk_arma_kalman(const rk_arma *a, const double *const *y, int columns, int64_t n, double *const *out, double *f,
			   double *predicted, double *work, rk_arma_result *result, bool (*stop) (void *arg), void *arg)
{
	int			r = rk_arma_order(a);
	int64_t		m = r + a->lags;
	double	   *states = work;
	double	   *p = states + columns * m;
	double	   *next = p + m * m;
	double	   *seen = next + m * m;
	double	   *column = seen + m;	/* [m], then scratch */
	double		variance = 0;
	bool		steady = false;
	bool		whole = true;
	int			still = 0;
	bool		swapped = false;

	*result = (rk_arma_result) {0};
	memset(p, 0, sizeof(double) * m * m);
	memset(states, 0, sizeof(double) * columns * m);
	if (!rk_arma_stationary(a->phi, a->p, a->theta, a->q, column, column + m, 1))
		return false;
	/* the rest of the stationary covariance from its first column, backwards */
	for (int i = r - 1; i >= 0; i--)
		for (int j = i; j >= 0; j--)
		{
			double		phi = i < a->p ? a->phi[i] : 0;
			double		other = j < a->p ? a->phi[j] : 0;
			double		shock = (i == 0 ? 1 : i <= a->q ? a->theta[i - 1] : 0) * (j == 0 ? 1 : j <= a->q ? a->theta[j - 1] : 0);

			p[i * m + j] = p[j * m + i] = j == 0 ? column[i] : phi * other * column[0] + phi * column[j + 1 < r ? j + 1 : 0] * (j + 1 < r) +
				other * (i + 1 < r ? column[i + 1] : 0) + (i + 1 < r ? p[(i + 1) * m + j + 1] : 0) + shock;
		}
	/* levels before the first that is predicted */
	for (int j = 0; j < a->lags; j++)
	{
		int64_t		t = a->lags - 1 - j;

		for (int c = 0; c < columns; c++)
		{
			double		v = y[c][t];

			/* where it is not known the next one that is will do for a guess */
			for (int64_t k = t; isnan(v) && k < n; k++)
				v = y[c][k];
			states[c * m + r + j] = isnan(v) ? 0 : v;
		}
		if (isnan(y[0][t]))
			p[(r + j) * m + r + j] = UNKNOWN;
	}
	for (int64_t t = a->lags; t < n; t++)
	{
		bool		there = !isnan(y[0][t]);

		if ((t & 0x3f) == 0 && stop && stop(arg))
			return false;
		if (!steady)
		{
			for (int64_t i = 0; i < m; i++)
				seen[i] = observe(a, r, p + i * m, 1);
			variance = observe(a, r, seen, 1);
		}
		if (f)
			f[t] = variance;
		if (predicted)
			predicted[t] = observe(a, r, states, 1);
		for (int c = 0; c < columns; c++)
		{
			double	   *s = states + c * m;
			double		error = there ? y[c][t] - observe(a, r, s, 1) : NAN;

			if (out)
				out[c][t] = error / sqrt(variance);
			for (int64_t i = 0; i < m && there; i++)
				s[i] += seen[i] * error / variance;
			move_state(a, r, s);
		}
		if (there && variance < TOO_LARGE)
		{
			result->log_f += log(variance);
			result->counted++;
		}
		else if (there && out)
			for (int c = 0; c < columns; c++)
				out[c][t] = NAN;
		if (steady && there)
			continue;
		whole = whole && there && a->lags == 0;
		still = whole && fabs(variance - 1) < 1e-13 ? still + 1 : 0;
		/* when nothing but the shock has been unknown for so long it stays so */
		steady = still > r;
		if (there)
		{
			for (int64_t i = 0; i < m; i++)
				for (int64_t j = 0; j < m; j++)
					next[i * m + j] = p[i * m + j] - seen[i] * seen[j] / variance;
			move_covariance(a, r, m, next, p, column);
		}
		else
		{
			double	   *swap = p;

			move_covariance(a, r, m, p, next, column);
			p = next;
			next = swap;
			swapped = !swapped;
		}
	}
	if (swapped)
		memcpy(next, p, sizeof(double) * m * m);
	return true;
}
