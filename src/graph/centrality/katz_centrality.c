/*
 * katz_centrality.c
 *	  Katz centrality: x = alpha A^T x + beta, by iteration from x = 0.
 *
 * Every pass gathers over the in-edges.  The changes of the last hundred
 * iterations are kept: where they grow over such a stretch and the iterations
 * have come to their end, or a score has become infinite, alpha is too large.
 * Growth alone proves nothing before: along a path of a thousand nodes changes
 * may grow a thousand times, and then there are none.
 */
#include "centrality.h"

#include <math.h>

#include "../../compute/parallel.h"
#include "gather.h"

#define CHUNK_WORK 65536
#define POLL_WORK 1048576
#define STRETCH 100				/* iterations over which growth is judged */

typedef struct katz_state
{
	const rk_graph *g;
	double		alpha;
	double		beta;
	const double *node_beta;	/* NaN where beta holds; or NULL */
	const double *x;
	double	   *next;
	double	   *change;			/* per chunk */
} katz_state;

static void
iterate_rows(void *arg, int64_t begin, int64_t end, int64_t chunk, int thread)
{
	katz_state *s = arg;
	double		change = 0;

	(void) thread;
	for (int64_t v = begin; v < end; v++)
	{
		double		beta = s->node_beta && !isnan(s->node_beta[v]) ? s->node_beta[v] : s->beta;
		double		x = s->alpha * rk_gather(s->x, &s->g->in, v) + beta;

		change += fabs(x - s->x[v]);
		s->next[v] = x;
	}
	s->change[chunk] = change;
}

/* Sets *largest to the largest sum of weights of a row. */
static rk_status
largest_strength(rk_ctx *ctx, const rk_adjacency *in, int64_t n, double *largest)
{
	int64_t		work = 0;

	*largest = 0;
	for (int64_t v = 0; v < n; v++)
	{
		double		strength = 0;

		work += rk_degree(in, v) + 1;
		if (work > POLL_WORK)
		{
			work = 0;
			if (rk_ctx_poll(ctx))
				return RK_STOPPED;
		}

		if (in->weights == NULL)
			strength = (double) rk_degree(in, v);
		else
			for (int64_t i = in->offsets[v]; i < in->offsets[v + 1]; i++)
				strength += in->weights[i];
		*largest = fmax(*largest, strength);
	}
	return RK_OK;
}

/* The error of an alpha that is too large; growth: of changes per iteration. */
static rk_status
fail_divergence(rk_ctx *ctx, double alpha, double growth)
{
	if (isfinite(growth) && growth > 0)
		rk_fail(ctx, RK_ERR_PARAMETER, "alpha %g is not below 1/lambda_max, about %g", alpha, alpha / growth);
	else
		rk_fail(ctx, RK_ERR_PARAMETER, "alpha %g is not below 1/lambda_max", alpha);
	rk_fail_detail(ctx, "The scores grow without end.");
	rk_fail_hint(ctx, "Leave alpha out for a value that always converges, or take a smaller one.");
	return RK_ERR_PARAMETER;
}

/* Brings the scores to the norm asked for. */
static void
normalize(rk_katz_norm norm, int64_t n, double *x)
{
	double		largest = 0;
	double		squares = 0;
	double		size;

	if (norm == RK_KATZ_NONE)
		return;
	for (int64_t v = 0; v < n; v++)
		largest = fmax(largest, fabs(x[v]));
	if (largest == 0)
		return;
	for (int64_t v = 0; v < n; v++)
		squares += (x[v] / largest) * (x[v] / largest);
	size = norm == RK_KATZ_MAX ? 1 : sqrt(squares);
	for (int64_t v = 0; v < n; v++)
		x[v] = x[v] / largest / size;
}

rk_status
rk_graph_katz_centrality(rk_ctx *ctx, const rk_graph *g, const rk_katz_params *params,
						 double *score, double *alpha, rk_run *run)
{
	int64_t		n = g->nodes;
	katz_state	s = {.g = g,.beta = params->beta,.node_beta = params->node_beta};
	double		changes[STRETCH + 1];	/* of iteration i at i % (STRETCH + 1) */
	double	   *buffer;
	double	   *x = score;
	int64_t    *bounds;
	int64_t		chunks;
	rk_status	status;

	*run = (rk_run) {.iterative = true,.converged = true};
	*alpha = s.alpha = params->alpha;
	if (n == 0)
		return RK_OK;
	if (params->alpha == 0)
	{
		double		strength;

		if ((status = largest_strength(ctx, &g->in, n, &strength)) != RK_OK)
			return status;
		*alpha = s.alpha = 1 / (1 + strength);
	}
	buffer = rk_alloc(ctx, n, sizeof(double));
	bounds = rk_graph_chunks(ctx, n, g->in.offsets, CHUNK_WORK, &chunks);
	if (buffer == NULL || bounds == NULL)
		return RK_ERR_MEMORY;
	s.change = rk_alloc(ctx, chunks, sizeof(double));
	if (s.change == NULL)
		return RK_ERR_MEMORY;
	for (int64_t v = 0; v < n; v++)
		score[v] = 0;

	rk_phase(ctx, "iterating", params->max_iterations);
	run->converged = false;
	while (run->iterations < params->max_iterations)
	{
		double	   *to = x == score ? buffer : score;
		double		change;
		double		last;

		s.x = x;
		s.next = to;
		if ((status = rk_parallel_ranges(ctx, bounds, chunks, iterate_rows, &s)) != RK_OK)
			return status;
		x = to;
		change = rk_sum_chunks(s.change, chunks);
		last = run->iterations > 0 ? changes[(run->iterations - 1) % (STRETCH + 1)] : 0;
		if (!isfinite(change))
		{
			int			stretch = run->iterations - 1 < STRETCH ? run->iterations - 1 : STRETCH;

			if (run->iterations == 0)
				return rk_fail(ctx, RK_ERR_OVERFLOW, "sum of the values of beta is out of range");
			/* growth over the iterations before, if there are enough */
			return fail_divergence(ctx, s.alpha, stretch == 0 ? NAN :
								   pow(last / changes[(run->iterations - 1 - stretch) % (STRETCH + 1)],
									   1.0 / stretch));
		}
		changes[run->iterations % (STRETCH + 1)] = change;
		run->iterations++;
		run->residual = change;
		rk_progress(ctx, run->iterations);
		rk_progress_iteration(ctx, run->iterations, params->max_iterations, change);
		if (change < (double) n * params->tolerance)
		{
			run->converged = true;
			break;
		}
	}
	run->reached_max = !run->converged;
	if (!run->converged && run->iterations > STRETCH)
	{
		double		before = changes[(run->iterations - 1 - STRETCH) % (STRETCH + 1)];

		if (run->residual > before)
			return fail_divergence(ctx, s.alpha, pow(run->residual / before, 1.0 / STRETCH));
	}
	if (x != score)
		for (int64_t v = 0; v < n; v++)
			score[v] = x[v];
	normalize(params->norm, n, score);
	rk_free(ctx, buffer);
	rk_free(ctx, s.change);
	rk_free(ctx, bounds);
	return RK_OK;
}

int64_t
rk_graph_katz_memory(int64_t nodes, int64_t arcs)
{
	return rk_block_bytes(nodes, sizeof(double)) +
		((arcs + 4 * nodes) / CHUNK_WORK + 2) * 2 * (int64_t) sizeof(double) + 4096;
}
