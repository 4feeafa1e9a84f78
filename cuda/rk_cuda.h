/*
 * rk_cuda.h
 *	  The device engine, as the process that uses it sees it: a table of
 *	  functions in plain C with a version.
 *
 * rustkernels_cuda.so exports one symbol, rk_cuda_open_table.  Nothing else is
 * linked against it: the device worker (src/device/worker) opens it with
 * dlopen, and so do the harness and the tests, which have libraries of their
 * own with the same table.  The library knows neither PostgreSQL nor the
 * extension.
 *
 * A kernel is called by number with arrays: parameters, inputs and outputs as
 * rk_cuda_kernel says below, and for graph kernels a graph that was loaded
 * before and stays on the device until it is freed.  All functions of one
 * device are called from one thread at a time.  None of them ends the process;
 * each returns a status, and after RK_CUDA_LOST nothing but ending the process
 * helps.
 */
#ifndef RK_CUDA_H
#define RK_CUDA_H

#include <stdint.h>

#ifdef __cplusplus
extern "C"
{
#endif

/*
 * Changes with everything below: RK_CUDA_INTERFACE by hand, the number of
 * kernels by itself.
 */
#define RK_CUDA_INTERFACE 6
#define RK_CUDA_VERSION (1000 * RK_CUDA_INTERFACE + RK_CUDA_KERNELS)

#define RK_CUDA_ARRAYS 8		/* inputs, or outputs, of a call */
#define RK_CUDA_TEXT 256

typedef enum rk_cuda_status
{
	RK_CUDA_OK = 0,
	RK_CUDA_STOPPED,			/* the caller asked for it */
	RK_CUDA_DECLINED,			/* not an input for the device: the CPU has the
								 * answer, or the error to raise */
	RK_CUDA_MEMORY,				/* the device has not enough */
	RK_CUDA_FAILED,				/* an error after which the device still works */
	RK_CUDA_LOST				/* the context is gone: end the process */
} rk_cuda_status;

typedef struct rk_cuda_error
{
	int32_t		code;			/* the driver's; 0: none */
	char		message[RK_CUDA_TEXT];
} rk_cuda_error;

typedef struct rk_cuda_device_info
{
	int32_t		number;
	int32_t		major;			/* compute capability */
	int32_t		minor;
	int32_t		multiprocessors;
	int64_t		memory;			/* bytes */
	int64_t		cache;			/* bytes of the last-level cache */
	char		name[128];
	char		uuid[48];
	char		problem[RK_CUDA_TEXT];	/* why it cannot be used; "" if it can */
} rk_cuda_device_info;

/* What estimates are made from. */
typedef struct rk_cuda_constants
{
	double		transfer_rate;	/* bytes a second, from pageable host memory */
	double		memory_rate;	/* bytes a second in device memory, read + written */
	double		flop_rate;		/* float8 operations a second */
	double		launch_seconds; /* a launch and the wait for its end */
	double		look_seconds;	/* a load of host memory by a thread of the device */
} rk_cuda_constants;

/* What a call took. */
typedef struct rk_cuda_usage
{
	int64_t		bytes_to;		/* the device */
	int64_t		bytes_from;
	int64_t		bytes_moved;	/* in device memory, as counted by the kernel */
	double		transfer_seconds;
	double		kernel_seconds;
} rk_cuda_usage;

/* One direction of a graph, rows sorted by neighbour. */
typedef struct rk_cuda_adjacency
{
	const int64_t *offsets;		/* nodes + 1; NULL: not there */
	const uint32_t *neighbors;
	const double *weights;		/* NULL: all 1 */
} rk_cuda_adjacency;

typedef struct rk_cuda_graph_data
{
	int64_t		nodes;
	int64_t		arcs;			/* entries of each direction */
	int32_t		directed;		/* 0: "in" is the same as "out" and absent */
	rk_cuda_adjacency out;
	rk_cuda_adjacency in;
} rk_cuda_graph_data;

typedef struct rk_cuda_device rk_cuda_device;
typedef struct rk_cuda_graph rk_cuda_graph;
typedef struct rk_cuda_ring rk_cuda_ring;	/* rk_window.h */
struct rk_ring_window;

/* ---- kernels --------------------------------------------------------- */

/* Same numbers as RK_DANGLING_* of the CPU engine. */
typedef struct rk_cuda_pagerank_params
{
	double		damping;
	double		tolerance;
	int32_t		max_iterations;
	int32_t		dangling;
} rk_cuda_pagerank_params;

typedef struct rk_cuda_monte_carlo_params
{
	int64_t		simulations;
	uint64_t	seed;
	double		mean;			/* of the profit and loss, with normal prices */
	double		degrees_of_freedom; /* of Student's returns; 0: normal ones */
	int32_t		antithetic;
	int32_t		geometric;		/* lognormal prices */
} rk_cuda_monte_carlo_params;

typedef struct rk_cuda_monte_carlo_risk_params
{
	rk_cuda_monte_carlo_params book;
	int64_t		full;			/* the smallest ones that are summed */
} rk_cuda_monte_carlo_risk_params;

typedef struct rk_cuda_monte_carlo_parts_params
{
	rk_cuda_monte_carlo_risk_params risk;
	double		mass;			/* of the tail, in simulations: full, and a share of the next one */
} rk_cuda_monte_carlo_parts_params;

typedef struct rk_cuda_bfs_params
{
	int64_t		max_hops;		/* nodes farther away are not reached */
	uint32_t	source;
	uint32_t	unused;
} rk_cuda_bfs_params;

/* Norms have the numbers of rk_katz_norm. */
typedef struct rk_cuda_katz_params
{
	double		alpha;			/* 0: 1 / (1 + largest in-strength) */
	double		beta;
	double		tolerance;
	int32_t		max_iterations;
	int32_t		norm;
} rk_cuda_katz_params;

/* Norms have the numbers of rk_eigenvector_norm. */
typedef struct rk_cuda_eigenvector_params
{
	double		tolerance;
	int32_t		max_iterations;
	int32_t		norm;
} rk_cuda_eigenvector_params;

/* Choices of the neural kernels: same numbers as src/graph/neural/choices.h. */
typedef struct rk_cuda_gnn_params
{
	int32_t		layers;
	int32_t		compute_type;
	int32_t		add_self_loops;
	int32_t		output;
} rk_cuda_gnn_params;

typedef struct rk_cuda_gnn_layer
{
	int64_t		in;
	int64_t		out;
	int32_t		aggregation;
	int32_t		activation;
	int32_t		normalize;
	int32_t		has_bias;		/* which arrays there are, beside the weights */
	int32_t		has_self;
	int32_t		has_gamma;
	int32_t		has_beta;
	int32_t		unused;
	double		eps;
	double		epsilon;
} rk_cuda_gnn_layer;

typedef struct rk_cuda_attention_params
{
	int64_t		in;
	int64_t		width;			/* of a head */
	int64_t		out;			/* of the embedding */
	double		negative_slope;
	int32_t		heads;
	int32_t		compute_type;
	int32_t		second;			/* gatv2 */
	int32_t		concat;
	int32_t		activation;
	int32_t		has_output;		/* an output matrix */
	int32_t		has_bias;
	int32_t		unused;
} rk_cuda_attention_params;

/* What the matrices of a head are. */
typedef enum rk_cuda_head_matrix
{
	RK_CUDA_MATRIX_OWN,
	RK_CUDA_MATRIX_QUERY,		/* the query's once more */
	RK_CUDA_MATRIX_KEY
} rk_cuda_head_matrix;

typedef struct rk_cuda_attention_head
{
	int32_t		key;			/* rk_cuda_head_matrix */
	int32_t		value;
} rk_cuda_attention_head;

typedef struct rk_cuda_betweenness_params
{
	double		extra;			/* added to the dependency on every node that is found */
	int32_t		edges;			/* sums of the arcs instead of the nodes */
	int32_t		unused;
} rk_cuda_betweenness_params;

typedef struct rk_cuda_path_sample_params
{
	double		epsilon;
	double		delta;
	uint64_t	seed;
	int64_t		limit;			/* samples at most, below 2^52 */
	int32_t		edges;			/* elements are entries of "out" instead of nodes */
	int32_t		ends;			/* paths hit their ends */
} rk_cuda_path_sample_params;

typedef struct rk_cuda_length_params
{
	double		max_distance;	/* nodes farther away are not reached */
	uint32_t	source;
	uint32_t	unused;
} rk_cuda_length_params;

typedef struct rk_cuda_path_pairs_params
{
	double		max_distance;	/* targets farther away are not reached */
} rk_cuda_path_pairs_params;

typedef struct rk_cuda_similarity_params
{
	int32_t		term;			/* rk_similarity_term */
	int32_t		in;				/* rows are those of "in", else of "out" */
} rk_cuda_similarity_params;

/* What the fields mean: rk_pair_search of the CPU engine. */
typedef struct rk_cuda_similar_pairs_params
{
	double		lowest;
	double		threshold;
	int64_t		begin;
	int64_t		top_k;
	int64_t		per_node;		/* 1024 at most */
	int32_t		term;			/* rk_similarity_term */
	int32_t		score;			/* rk_score */
	int32_t		power;
	int32_t		by_size;
	int32_t		exclude_connected;
	int32_t		in;				/* rows are those of "in", else of "out" */
} rk_cuda_similar_pairs_params;

/* Variants have the numbers of rk_label_variant. */
typedef struct rk_cuda_label_params
{
	uint64_t	seed;
	int32_t		variant;
	int32_t		max_iterations;
} rk_cuda_label_params;

/* Numbers as in rk_louvain_params and rk_louvain_work (src/graph/community/community.h). */
typedef struct rk_cuda_louvain_params
{
	double		resolution;
	double		penalty;
	double		total;			/* weight of all edges, > 0 */
	double		mean_weight;
	double		min_gain;
	uint64_t	seed;
	int32_t		leiden;
	int32_t		max_levels;		/* 0: no limit */
	int32_t		max_iterations; /* passes of a level */
	int32_t		tries;			/* orders of the nodes */
} rk_cuda_louvain_params;

/* Models of volatility: same numbers as src/temporal/garch_model.h. */
typedef struct rk_cuda_garch_params
{
	int32_t		egarch;
	int32_t		p;
	int32_t		o;
	int32_t		q;
	int32_t		mean;
	int32_t		distribution;
	int32_t		mean_backcast;
	int32_t		unused;
} rk_cuda_garch_params;

typedef struct rk_cuda_arima_params
{
	int32_t		p;
	int32_t		q;
	int32_t		seasonal_p;
	int32_t		seasonal_q;
	int32_t		period;
	int32_t		css;			/* conditional sums of squares */
	int32_t		columns;		/* values, and what explains them */
	int32_t		starts;			/* of the search: 1 or 2 */
} rk_cuda_arima_params;

typedef struct rk_cuda_correlation_params
{
	int64_t		assets;
	int64_t		times;
} rk_cuda_correlation_params;

typedef struct rk_cuda_stress_params
{
	int32_t		scale;			/* of the values */
	int32_t		sums;			/* of each shock are wanted, not rows */
} rk_cuda_stress_params;

/* Numbers, and what goes with each: kernels.def. */
typedef enum rk_cuda_kernel
{
#define RK_CUDA_KERNEL(number, name) number,
#include "kernels.def"
#undef RK_CUDA_KERNEL
	RK_CUDA_KERNELS				/* how many there are */
} rk_cuda_kernel;

typedef struct rk_cuda_input
{
	const void *data;			/* NULL: not given */
	int64_t		bytes;
} rk_cuda_input;

typedef struct rk_cuda_output
{
	void	   *data;
	int64_t		bytes;
} rk_cuda_output;

typedef struct rk_cuda_call
{
	int32_t		kernel;
	const void *params;
	int64_t		params_bytes;
	rk_cuda_graph *graph;		/* NULL: the kernel has none */
	rk_cuda_input input[RK_CUDA_ARRAYS];
	rk_cuda_output output[RK_CUDA_ARRAYS];

	/* set to 1 by the caller at any time: the call ends within 50 ms */
	const volatile int32_t *stop;

	/* filled in */
	int32_t		iterations;
	int32_t		converged;
	double		residual;
	int64_t		counts[4];		/* what a kernel returns beside arrays */
	rk_cuda_usage usage;
	rk_cuda_error error;
} rk_cuda_call;

/* ---- the table ------------------------------------------------------- */

typedef struct rk_cuda_table
{
	uint32_t	version;		/* RK_CUDA_VERSION */
	uint32_t	bytes;			/* sizeof(rk_cuda_table) */
	const char *build;			/* what it was built with and for */
	uint64_t	kernels;		/* bit k: kernel k can be called */

	/* Fills in up to capacity devices; *count is how many there are. */
	rk_cuda_status (*list) (rk_cuda_device_info *info, int32_t capacity, int32_t *count,
							rk_cuda_error *error);

	/*
	 * Makes the context of a device.  memory_limit, in bytes, is what graphs
	 * and calls may take of it; 0: all.
	 */
	rk_cuda_status (*open) (int32_t number, int64_t memory_limit, rk_cuda_device **device,
							rk_cuda_error *error);
	void		(*close) (rk_cuda_device *device);

	/* Bytes in use by us. */
	int64_t		(*memory_used) (const rk_cuda_device *device);

	/* Copies a graph to the device. */
	rk_cuda_status (*load_graph) (rk_cuda_device *device, const rk_cuda_graph_data *data,
								  rk_cuda_graph **graph, rk_cuda_usage *usage,
								  rk_cuda_error *error);
	void		(*free_graph) (rk_cuda_device *device, rk_cuda_graph *graph);

	/* Runs a kernel; outputs are written when RK_CUDA_OK is returned. */
	rk_cuda_status (*run) (rk_cuda_device *device, rk_cuda_call *call);

	/* Measures in well under a second. */
	rk_cuda_status (*measure) (rk_cuda_device *device, rk_cuda_constants *constants,
							   rk_cuda_error *error);

	/*
	 * Rings.  The functions of one ring are called from one thread, which may be
	 * another than the device's, and at the same time as other functions.
	 *
	 * ring_open maps a window, the beginning of a memory file of so many bytes,
	 * for the device, takes memory for the image there and sets window->base.
	 * ring_load copies the image from the file to the device, ring_save back.
	 * ring_slice serves what comes for so long; it returns at once after
	 * window->stop is set, or before a message without room, or if seconds is 0
	 * as soon as nothing is there.
	 */
	uint64_t	rings;			/* bit k: kind k can be served */
	rk_cuda_status (*ring_open) (rk_cuda_device *device, struct rk_ring_window *window, int64_t bytes,
								 rk_cuda_ring **ring, rk_cuda_error *error);
	rk_cuda_status (*ring_load) (rk_cuda_ring *ring, rk_cuda_error *error);
	rk_cuda_status (*ring_save) (rk_cuda_ring *ring, rk_cuda_error *error);
	rk_cuda_status (*ring_slice) (rk_cuda_ring *ring, double seconds, rk_cuda_error *error);
	void		(*ring_close) (rk_cuda_ring *ring);
} rk_cuda_table;

/* The table, or NULL when the library has another version. */
typedef const rk_cuda_table *(*rk_cuda_open_table_fn) (uint32_t version);
#define RK_CUDA_SYMBOL "rk_cuda_open_table"
extern const rk_cuda_table *rk_cuda_open_table(uint32_t version);

#ifdef __cplusplus
}
#endif

#endif							/* RK_CUDA_H */
