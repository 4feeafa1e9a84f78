/*
 * harness.h
 *	  What the checks of kernels share: graphs, the device library, reports.
 *
 * A check runs a kernel of the device library and its twin of the CPU engine on
 * the same generated input, compares, and reports times.
 */
#ifndef RK_HARNESS_H
#define RK_HARNESS_H

#include <stdbool.h>
#include <stdint.h>

#include "../rk_cuda.h"
#include "peers.h"
#include "../../src/compute/csr.h"
#include "../../src/compute/random.h"

typedef struct harness
{
	const rk_cuda_table *table;
	rk_cuda_device *device;
	rk_cuda_constants constants;	/* as measured */
	double		scale;			/* of sizes; 1: a check of correctness */
	int			threads;		/* of the CPU's twin */
	rk_peer_spmv_fn peer_spmv;	/* NULL: not there, or not wanted */
	int			passed;
	int			failed;
} harness;

typedef enum graph_shape
{
	SHAPE_RANDOM,
	SHAPE_SKEWED,				/* a few nodes have most edges */
	SHAPE_STAR,					/* one node has all of them */
	SHAPE_PATH,
	SHAPE_CLIQUES,				/* many small complete graphs */
	SHAPE_SPOKES,				/* 0 and another node have an edge to each node of the first half */
	SHAPE_LOOPS,				/* every edge is a self-loop */
	SHAPE_EMPTY					/* no edges */
} graph_shape;

typedef struct graph_case
{
	const char *name;
	graph_shape shape;
	int64_t		nodes;			/* at scale 1 */
	int64_t		edges;
} graph_case;

/* What a check hands on to the engine of a kernel's searches, and has back. */
typedef struct engine_check
{
	harness    *h;
	const char *what;
	bool		ok;
	double		seconds;
	rk_cuda_usage usage;
} engine_check;

/* Cases for all graph kernels; ends with a NULL name. */
extern const graph_case graph_cases[];

/* Builds a case; the graph belongs to ctx. */
extern rk_graph make_graph(harness *h, rk_ctx *ctx, const graph_case *c, uint64_t seed,
						   bool weighted, const rk_graph_options *options);

/* Lengths of the graphs that searches are checked with. */
typedef enum search_lengths
{
	NO_LENGTHS,
	FEW_LENGTHS,				/* 1, 2 and 3: many paths are equally long */
	MANY_LENGTHS				/* of many orders of magnitude, from 1 on */
} search_lengths;

/* Builds a case for searches: both directions, parallel edges merged, no loops. */
extern rk_graph make_search_graph(harness *h, rk_ctx *ctx, const graph_case *c, uint64_t seed,
								  bool directed, search_lengths lengths);

/* Nodes and edges of the cases for searches that differ by kernel. */
typedef struct search_sizes
{
	int64_t		random[2];
	int64_t		skewed[2];
	int64_t		star[2];		/* for its long row */
} search_sizes;

/* Calls check for each of the cases and each number below kinds. */
extern void check_searches(harness *h, const search_sizes *sizes, int kinds,
						   void (*check) (harness *h, const graph_case *c, int kind));

/* A context for the CPU's twin; ends the program when something fails. */
extern void begin_ctx(harness *h, rk_ctx *ctx);
extern void must(rk_ctx *ctx, rk_status status);

typedef enum weight_kind
{
	WITHOUT_WEIGHTS,
	WHOLE_WEIGHTS,				/* whose sums do not round */
	OTHER_WEIGHTS
} weight_kind;

/* What a kernel that fits a model to each of many series takes and gives. */
typedef struct fit_arrays
{
	int64_t		count;			/* series */
	const int64_t *offsets;		/* [count + 1] into y */
	const double *y;
	const double *start;		/* [count][starts] */
	int64_t		starts;
	double	   *estimates;		/* [count][k] */
	int64_t		k;
	double	   *value;
	double	   *matrix;			/* [count][side][side] */
	int64_t		side;
	int32_t    *converged;
} fit_arrays;

extern void hand_over_fits(rk_cuda_call *call, const fit_arrays *a);

/*
 * Offsets of series of about this length; of every shapes of them the one with
 * number short_one has least values, or some more.
 */
extern int64_t *series_offsets(rk_ctx *ctx, int64_t count, int64_t length, int shapes, int short_one, int least, int more);

/* Adds weights to a graph that has none: the same in both directions. */
extern void add_weights(rk_ctx *ctx, rk_graph *g, rk_adjacency *a, bool in, weight_kind kind);

/* The same graph on the device; NULL after a failure was reported. */
extern rk_cuda_graph *load(harness *h, const char *what, const rk_graph *g, rk_cuda_usage *usage);

/*
 * Runs the call on the device three times with outputs poisoned, and checks
 * that the bits are the same each time.  False after a failure was reported.
 * *seconds: the best time of the kernel.
 */
extern bool run_device(harness *h, const char *what, rk_cuda_call *call, double *seconds);

/*
 * Runs the call once more for the times of its launches, by kernel, which the
 * library says on standard error.
 */
extern void profile(harness *h, const char *what, const rk_cuda_call *call);

extern double now(void);

/* Has the device make an engine's searches; sets e, where the check finds what came of it. */
extern bool run_searches(engine_check *e, const rk_graph *g, rk_cuda_call *call);

/* Engines of kernels, whose arg is an engine_check. */
struct rk_betweenness_work;
struct rk_betweenness_sampling;
struct rk_reach_work;
struct rk_path_pairs_work;
extern bool search_betweenness(void *arg, const struct rk_betweenness_work *work);
extern bool sample_paths(void *arg, const struct rk_betweenness_sampling *work);
extern bool search_reach(void *arg, const struct rk_reach_work *work);
extern bool search_path_pairs(void *arg, const struct rk_path_pairs_work *work);

/*
 * The most similar pairs of an undirected graph by Jaccard, on the CPU and on the
 * device: whether they are the same, and what both took.
 */
extern bool compare_best_pairs(harness *h, rk_ctx *ctx, const rk_graph *g, int64_t top_k, double *cpu_seconds,
							   double *seconds, rk_cuda_usage *usage);

/* Reports one comparison: a line, and counts. */
extern void report(harness *h, const char *what, bool equal, const char *difference,
				   double cpu_seconds, double device_seconds, const rk_cuda_usage *usage);

/* Largest absolute difference; NaN when one of them is no number. */
extern double largest_difference(const double *a, const double *b, int64_t n);

/* The same as a share of the largest magnitude in a, or as it is where that is 0. */
extern double largest_relative(const double *a, const double *b, int64_t n);

/* count numbers in (-limit, limit), which belong to ctx. */
extern double *make_numbers(rk_ctx *ctx, uint64_t seed, int64_t count, double limit);

/* ---- checks of kernels ---- */

#define RK_CUDA_KERNEL(number, name) extern void check_##name(harness *h);
#include "../kernels.def"
#undef RK_CUDA_KERNEL
extern void check_rings(harness *h);

/* A message at a time, there and back; seconds. */
typedef struct ring_times
{
	int			count;
	double	   *sorted;			/* of each message; the caller's to free */
	double		in_batches;		/* of a message where 64 are under way */
	char		problem[RK_CUDA_TEXT];	/* where there are none */
} ring_times;

extern bool ring_round_trip(harness *h, int count, ring_times *t);

/* Correlations on both. */
typedef struct correlation_run
{
	double		cpu_seconds;
	double		device_seconds;
	double		worst;
	int64_t		wrong;			/* pairs that one has no number for, or another count */
	rk_cuda_usage usage;
} correlation_run;

extern bool correlate_on_both(harness *h, const char *what, int64_t n, int64_t times, int estimator, correlation_run *run);

/* ---- the program ---- */

/* 0, or how to end; h->device stays NULL where there is no device. */
extern int	open_device(harness *h);
extern int	run_figures(harness *h, int scale, int argc, char **argv);

#endif							/* RK_HARNESS_H */
