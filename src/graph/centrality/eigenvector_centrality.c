/*
 * eigenvector_centrality.c
 *	  The dominant eigenvector of the transposed adjacency matrix.
 *
 * Plain iterations x' = (x + B x) / |x + B x| come first and decide when to
 * stop; B is the transposed matrix divided by the largest weight, so that its
 * scale does not matter.  Where they crawl, for the second largest eigenvalue
 * lies close or the graph is nearly bipartite, the next one starts from a
 * better vector: an orthonormal basis of x, B x, B^2 x, ... is made (Arnoldi
 * 1951, with Gram and Schmidt's method applied twice), and in this space of a
 * few dimensions the iteration is run to its end, by squaring the small matrix
 * again and again.  That is where the iteration itself leads as far as the
 * space can tell, also when several eigenvectors belong to the largest
 * eigenvalue and the start decides.  No more than some millions of steps, for
 * an eigenvalue that is repeated along a chain of components comes out of
 * rounding as several that differ by 1e-8, perhaps as complex ones.
 *
 * A directed graph without cycles has no eigenvalue but 0; taking away nodes
 * without successors, one after the other, tells.
 */
#include "centrality.h"

#include <math.h>
#include <string.h>

#include "../../compute/parallel.h"
#include "gather.h"

#define CHUNK_WORK 65536
#define PLAIN 3					/* plain iterations before the first space */
#define DIMENSIONS 12			/* of a space */
#define SQUARINGS 22			/* powers of the small matrix: 2^22 */
#define BREAKDOWN 1e-14			/* what is left of a vector that is in the space */

typedef struct eigen_state
{
	rk_ctx	   *ctx;
	const rk_graph *g;
	double		scale;			/* 1 / largest weight */
	double	   *x;				/* of unit length */
	double	   *y;
	double		inverse;		/* 1 / length of y */
	int64_t    *bounds;
	int64_t		chunks;
	double	   *sums;			/* per chunk: DIMENSIONS + 1 values */

	/* the space */
	double	   *basis[DIMENSIONS + 1];
	double		h[DIMENSIONS][DIMENSIONS];	/* B in the basis; [row][column] */
	double		subtract[DIMENSIONS];
	double		combine[DIMENSIONS];
	int			column;			/* that is being made */
} eigen_state;

/* Adds up value number i of all chunks. */
static double
sum_of(const eigen_state *s, int i)
{
	double		sum = 0;

	for (int64_t c = 0; c < s->chunks; c++)
		sum += s->sums[c * (DIMENSIONS + 1) + i];
	return sum;
}

static rk_status
each_chunk(eigen_state *s, rk_chunk_fn fn)
{
	return rk_parallel_ranges(s->ctx, s->bounds, s->chunks, fn, s);
}

/* ---- plain iteration ---- */

/* y = x + B x; sums: of y^2, of x B x. */
static void
multiply_rows(void *arg, int64_t begin, int64_t end, int64_t chunk, int thread)
{
	eigen_state *s = arg;
	double		squares = 0;
	double		product = 0;

	(void) thread;
	for (int64_t v = begin; v < end; v++)
	{
		double		taken = rk_gather(s->x, &s->g->in, v) * s->scale;
		double		y = s->x[v] + taken;

		s->y[v] = y;
		squares += y * y;
		product += s->x[v] * taken;
	}
	s->sums[chunk * (DIMENSIONS + 1)] = squares;
	s->sums[chunk * (DIMENSIONS + 1) + 1] = product;
}

/* x = y at unit length; sum: of the change. */
static void
take_rows(void *arg, int64_t begin, int64_t end, int64_t chunk, int thread)
{
	eigen_state *s = arg;
	double		change = 0;

	(void) thread;
	for (int64_t v = begin; v < end; v++)
	{
		double		x = s->y[v] * s->inverse;

		change += fabs(x - s->x[v]);
		s->x[v] = x;
	}
	s->sums[chunk * (DIMENSIONS + 1)] = change;
}

/* One iteration; *change is that of x in L1. */
static rk_status
iterate(eigen_state *s, double *change)
{
	double		squares;
	rk_status	status;

	if ((status = each_chunk(s, multiply_rows)) != RK_OK)
		return status;
	squares = sum_of(s, 0);
	if (!isfinite(squares))
		return rk_fail(s->ctx, RK_ERR_OVERFLOW, "sum of the weights of a node is out of range");
	s->inverse = 1 / sqrt(squares);
	if ((status = each_chunk(s, take_rows)) != RK_OK)
		return status;
	*change = sum_of(s, 0);
	return RK_OK;
}

/* ---- the space ---- */

/* basis[column + 1] = B basis[column]; sums: its products with the basis, its square. */
static void
extend_rows(void *arg, int64_t begin, int64_t end, int64_t chunk, int thread)
{
	eigen_state *s = arg;
	double	   *to = s->basis[s->column + 1];
	double	   *sums = s->sums + chunk * (DIMENSIONS + 1);
	double		squares = 0;

	(void) thread;
	for (int64_t v = begin; v < end; v++)
	{
		to[v] = rk_gather(s->basis[s->column], &s->g->in, v) * s->scale;
		squares += to[v] * to[v];
	}
	for (int i = 0; i <= s->column; i++)
	{
		double		product = 0;

		for (int64_t v = begin; v < end; v++)
			product += to[v] * s->basis[i][v];
		sums[i] = product;
	}
	sums[DIMENSIONS] = squares;
}

/* Takes the subtract-fold of the basis away; sums: as before. */
static void
subtract_rows(void *arg, int64_t begin, int64_t end, int64_t chunk, int thread)
{
	eigen_state *s = arg;
	double	   *to = s->basis[s->column + 1];
	double	   *sums = s->sums + chunk * (DIMENSIONS + 1);
	double		squares = 0;

	(void) thread;
	for (int i = 0; i <= s->column; i++)
		for (int64_t v = begin; v < end; v++)
			to[v] -= s->subtract[i] * s->basis[i][v];
	for (int i = 0; i <= s->column; i++)
	{
		double		product = 0;

		for (int64_t v = begin; v < end; v++)
			product += to[v] * s->basis[i][v];
		sums[i] = product;
	}
	for (int64_t v = begin; v < end; v++)
		squares += to[v] * to[v];
	sums[DIMENSIONS] = squares;
}

static void
shorten_rows(void *arg, int64_t begin, int64_t end, int64_t chunk, int thread)
{
	eigen_state *s = arg;
	double	   *to = s->basis[s->column + 1];

	(void) chunk;
	(void) thread;
	for (int64_t v = begin; v < end; v++)
		to[v] *= s->inverse;
}

/* y = the combination of the basis, negative values being rounding errors. */
static void
combine_rows(void *arg, int64_t begin, int64_t end, int64_t chunk, int thread)
{
	eigen_state *s = arg;
	double		squares = 0;

	(void) thread;
	for (int64_t v = begin; v < end; v++)
	{
		double		y = 0;

		for (int i = 0; i < s->column; i++)
			y += s->combine[i] * s->basis[i][v];
		s->y[v] = y > 0 ? y : 0;
		squares += s->y[v] * s->y[v];
	}
	s->sums[chunk * (DIMENSIONS + 1)] = squares;
}

/* Sets combine to what the shifted small matrix makes of the start. */
static void
solve_small(eigen_state *s, int size)
{
	double		power[DIMENSIONS][DIMENSIONS];
	double		largest = 0;
	double		sign = 0;

	for (int i = 0; i < size; i++)
		for (int j = 0; j < size; j++)
			largest = fmax(largest, fabs(s->h[i][j]));

	/* the shift makes the largest eigenvalue the largest in magnitude */
	for (int i = 0; i < size; i++)
		for (int j = 0; j < size; j++)
			power[i][j] = s->h[i][j] + (i == j ? largest : 0);
	for (int round = 0; round < SQUARINGS; round++)
	{
		double		square[DIMENSIONS][DIMENSIONS] = {{0}};

		largest = 0;
		for (int i = 0; i < size; i++)
			for (int k = 0; k < size; k++)
				for (int j = 0; j < size; j++)
					square[i][j] += power[i][k] * power[k][j];
		for (int i = 0; i < size; i++)
			for (int j = 0; j < size; j++)
				largest = fmax(largest, fabs(square[i][j]));
		if (!(largest > 0))
			break;
		for (int i = 0; i < size; i++)
			for (int j = 0; j < size; j++)
				power[i][j] = square[i][j] / largest;
	}
	/* the start is the first vector of the basis; the result points its way */
	for (int i = 0; i < size; i++)
		s->combine[i] = power[i][0];
	sign = s->combine[0] < 0 ? -1 : 1;
	for (int i = 0; i < size; i++)
		s->combine[i] *= sign;
}

static rk_status
make_basis(eigen_state *s)
{
	for (int i = 0; i <= DIMENSIONS && s->basis[i] == NULL; i++)
		if ((s->basis[i] = rk_alloc(s->ctx, s->g->nodes, sizeof(double))) == NULL)
			return RK_ERR_MEMORY;
	return RK_OK;
}

/*
 * Moves x to the best vector of the space it spans; *passes: how many products
 * with the matrix were made, at most limit.
 */
static rk_status
leap(eigen_state *s, int limit, int *passes)
{
	int			size = limit < DIMENSIONS ? limit : DIMENSIONS;
	double		squares;
	rk_status	status;

	if ((status = make_basis(s)) != RK_OK)
		return status;
	memset(s->h, 0, sizeof(s->h));
	memcpy(s->basis[0], s->x, sizeof(double) * s->g->nodes);
	*passes = 0;
	for (s->column = 0; s->column < size; s->column++)
	{
		double		before;

		if ((status = each_chunk(s, extend_rows)) != RK_OK)
			return status;
		++*passes;
		before = sum_of(s, DIMENSIONS);
		if (!isfinite(before))
			return rk_fail(s->ctx, RK_ERR_OVERFLOW, "sum of the weights of a node is out of range");
		for (int round = 0; round < 2; round++)
		{
			for (int i = 0; i <= s->column; i++)
			{
				s->subtract[i] = sum_of(s, i);
				s->h[i][s->column] += s->subtract[i];
			}
			if ((status = each_chunk(s, subtract_rows)) != RK_OK)
				return status;
		}
		squares = sum_of(s, DIMENSIONS);
		if (s->column + 1 == size || squares <= BREAKDOWN * BREAKDOWN * before)
		{
			s->column++;
			break;
		}
		s->h[s->column + 1][s->column] = sqrt(squares);
		s->inverse = 1 / sqrt(squares);
		if ((status = each_chunk(s, shorten_rows)) != RK_OK)
			return status;
	}
	solve_small(s, s->column);
	if ((status = each_chunk(s, combine_rows)) != RK_OK)
		return status;
	squares = sum_of(s, 0);
	if (squares > 0)
	{
		s->inverse = 1 / sqrt(squares);
		status = each_chunk(s, take_rows);
	}
	return status;
}

/* ---- whether there is a cycle ---- */

/*
 * Sets *cyclic to whether arcs of positive weight form a cycle.  successors and
 * queue: n entries.
 */
static rk_status
find_cycle(rk_ctx *ctx, const rk_graph *g, uint32_t *successors, uint32_t *queue, bool *cyclic)
{
	const rk_adjacency *in = &g->in;
	int64_t		n = g->nodes;
	int64_t		arcs = in->offsets[n];
	int64_t		queued = 0;

	memset(successors, 0, sizeof(uint32_t) * n);
	for (int64_t i = 0; i < arcs; i++)
	{
		if ((i & 0xfffff) == 0 && rk_ctx_poll(ctx))
			return RK_STOPPED;
		successors[in->neighbors[i]] += in->weights == NULL || in->weights[i] > 0;
	}
	for (int64_t v = 0; v < n; v++)
		if (successors[v] == 0)
			queue[queued++] = (uint32_t) v;
	for (int64_t q = 0; q < queued; q++)
	{
		uint32_t	v = queue[q];

		if ((q & 0xfff) == 0 && rk_ctx_poll(ctx))
			return RK_STOPPED;
		for (int64_t i = in->offsets[v]; i < in->offsets[v + 1]; i++)
		{
			uint32_t	u = in->neighbors[i];

			if ((in->weights == NULL || in->weights[i] > 0) && --successors[u] == 0)
				queue[queued++] = u;
		}
	}
	*cyclic = queued < n;
	return RK_OK;
}

/* ---- the kernel ---- */

static rk_status
largest_weight(rk_ctx *ctx, const rk_adjacency *in, int64_t n, double *largest)
{
	int64_t		arcs = in->offsets[n];

	*largest = arcs > 0 && in->weights == NULL ? 1 : 0;
	for (int64_t i = 0; in->weights && i < arcs; i++)
	{
		if ((i & 0xfffff) == 0 && rk_ctx_poll(ctx))
			return RK_STOPPED;
		if (in->weights[i] > *largest)
			*largest = in->weights[i];
	}
	return RK_OK;
}

/* Brings x from unit length to the norm asked for. */
static void
normalize(const rk_graph *g, rk_eigenvector_norm norm, double *x)
{
	double		size = 0;

	if (norm == RK_EIGENVECTOR_L2)
		return;
	for (int64_t v = 0; v < g->nodes; v++)
		size = norm == RK_EIGENVECTOR_MAX ? fmax(size, x[v]) : size + x[v];
	for (int64_t v = 0; v < g->nodes; v++)
		x[v] /= size;
}

/*
 * Whether a space is worth its products: the plain iterations that are left, if
 * changes go on to shrink by this rate, are more.
 */
static bool
crawls(double change, double before, double wanted)
{
	double		rate = before > 0 ? change / before : 1;

	return !(rate < 1) || log(wanted / change) / log(rate) > DIMENSIONS;
}

rk_status
rk_graph_eigenvector_centrality(rk_ctx *ctx, const rk_graph *g, const rk_eigenvector_params *params,
								double *score, double *eigenvalue, rk_run *run)
{
	eigen_state s = {.ctx = ctx,.g = g,.x = score};
	int64_t		n = g->nodes;
	double		largest;
	bool		cyclic = false;
	double		wanted = (double) n * params->tolerance;
	double		change = 0;
	double		before = 0;		/* the change of the iteration before; 0: it was none */
	rk_status	status;

	*run = (rk_run) {.iterative = true,.converged = true};
	*eigenvalue = 0;
	if (n == 0)
		return RK_OK;
	if ((status = largest_weight(ctx, &g->in, n, &largest)) != RK_OK)
		return status;
	cyclic = largest > 0;
	if (g->directed && cyclic)
	{
		uint32_t   *successors = rk_alloc(ctx, n, sizeof(uint32_t));
		uint32_t   *queue = rk_alloc(ctx, n, sizeof(uint32_t));

		if (successors == NULL || queue == NULL)
			return RK_ERR_MEMORY;
		if ((status = find_cycle(ctx, g, successors, queue, &cyclic)) != RK_OK)
			return status;
		rk_free(ctx, successors);
		rk_free(ctx, queue);
	}
	if (!cyclic)
	{
		memset(score, 0, sizeof(double) * n);
		return RK_OK;
	}

	s.scale = 1 / largest;
	s.y = rk_alloc(ctx, n, sizeof(double));
	s.bounds = rk_graph_chunks(ctx, n, g->in.offsets, CHUNK_WORK, &s.chunks);
	if (s.y == NULL || s.bounds == NULL)
		return RK_ERR_MEMORY;
	s.sums = rk_alloc(ctx, s.chunks * (DIMENSIONS + 1), sizeof(double));
	if (s.sums == NULL)
		return RK_ERR_MEMORY;
	for (int64_t v = 0; v < n; v++)
		score[v] = 1 / sqrt((double) n);

	rk_phase(ctx, "iterating", params->max_iterations);
	run->converged = false;
	while (run->iterations < params->max_iterations)
	{
		int			left = params->max_iterations - run->iterations;
		int			passes;

		if (run->iterations >= PLAIN && left > 1 && crawls(change, before, wanted))
		{
			if ((status = leap(&s, left - 1, &passes)) != RK_OK)
				return status;
			run->iterations += passes;
			change = 0;
		}
		before = change;
		if ((status = iterate(&s, &change)) != RK_OK)
			return status;
		run->iterations++;
		run->residual = change;
		rk_progress(ctx, run->iterations);
		rk_progress_iteration(ctx, run->iterations, params->max_iterations, change);
		if (change < wanted)
		{
			run->converged = true;
			break;
		}
	}
	run->reached_max = !run->converged;
	if ((status = each_chunk(&s, multiply_rows)) != RK_OK)
		return status;
	*eigenvalue = sum_of(&s, 1) * largest;
	normalize(g, params->norm, score);
	for (int i = 0; i <= DIMENSIONS; i++)
		rk_free(ctx, s.basis[i]);
	rk_free(ctx, s.y);
	rk_free(ctx, s.sums);
	rk_free(ctx, s.bounds);
	return RK_OK;
}

int64_t
rk_graph_eigenvector_memory(int64_t nodes, int64_t arcs)
{
	int64_t		chunks = (arcs + 4 * nodes) / CHUNK_WORK + 2;

	/* y and the basis; the look for cycles takes less, and before */
	return (DIMENSIONS + 2) * rk_block_bytes(nodes, sizeof(double)) + chunks * (DIMENSIONS + 2) * (int64_t) sizeof(double) + 4096;
}
