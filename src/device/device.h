/*
 * device.h
 *	  Runs on a device: for bindings, and between the files of this folder.
 *
 * A binding whose kernel has a device form asks rk_device_begin before it
 * builds its graph, hands over arrays, and calls rk_device_finish; where either
 * says no, it runs the kernel of the CPU.  What was chosen and why is in
 * rk.last_run().
 *
 * PROCESSES
 *	  supervisor	a background worker, started by the first session that wants a
 *				device.  Starts the device worker, again when it ends, and writes
 *				what that reports into shared memory.
 *	  device worker	worker/: owns the device; not a child of the postmaster.
 *	  backends	hand it runs through memory files (wire.h).
 *
 * SHARED MEMORY: rk_the_devices, under its lock, which is held for a few
 * assignments only.  Without shared_preload_libraries there is none, and every
 * run is one of the CPU.
 */
#ifndef RK_DEVICE_H
#define RK_DEVICE_H

#include "postgres.h"

#include "storage/condition_variable.h"
#include "storage/latch.h"
#include "storage/lwlock.h"
#include "utils/timestamp.h"

#include "../call/call.h"
#include "../relation/graph_input.h"
#include "wire.h"

/* Values of rk.device. */
enum
{
	RK_DEVICE_AUTO,
	RK_DEVICE_CPU,
	RK_DEVICE_CUDA
};

/* ---- for bindings ---- */

typedef struct rk_device_run rk_device_run;

/* What a run would take, on one core and on the device (costs.c). */
struct rk_device_cost
{
	double		cpu_seconds;	/* of one core */
	double		bytes_to;
	double		bytes_from;
	double		bytes_moved;	/* in device memory */
	double		flops;			/* float8 operations */
	double		launches;		/* that are waited for */
	double		host_seconds;	/* what the CPU does for the device beside, on all
								 * threads; INFINITY: there is no form for this */
};

/*
 * Decides where a run of the kernel takes place, by the device_cost of the
 * binding for a graph of this size.  NULL: on the CPU.  With rk.device = cuda a
 * device that is not there is an error (0A000), an open breaker as well
 * (RK002).
 */
extern rk_device_run *rk_device_begin(rk_call *call, rk_cuda_kernel kernel, const rk_graph_size *size);

/*
 * Says that a run has no form on the device with these arguments: an error
 * (0A000) with rk.device = cuda, otherwise the reason in rk.last_run().
 */
extern void rk_device_skip(rk_call *call, const char *reason);

/* Where a run of this size would take place as things are, for rk.explain. */
extern const char *rk_device_explain(const rk_call *call, const rk_graph_size *size);

/*
 * What the run works on.  Arrays are copied by rk_device_finish; inputs and
 * outputs are numbered in the order of the calls, data NULL is an input that is
 * not given.  A graph that is an item of a context stays on the device; one that
 * was made from another, input NULL, does not.
 */
extern void rk_device_graph(rk_device_run *run, const rk_graph_input *input, const rk_graph *g,
							const rk_graph_options *options);
extern void rk_device_params(rk_device_run *run, const void *data, Size bytes);
extern void rk_device_input(rk_device_run *run, const void *data, Size bytes);
extern void rk_device_output(rk_device_run *run, void *data, Size bytes);

/* An output of up to capacity rows: counts[0] says how many there are. */
extern void rk_device_output_rows(rk_device_run *run, void *data, int64 capacity, Size row);

/*
 * Runs it.  True: outputs, call->run and counts (4 of them, or NULL) are
 * filled in.  False: the device failed or declined, which is noted and counted;
 * the CPU shall do it.  With rk.fallback off a failure is an error (RK010).
 */
extern bool rk_device_finish(rk_device_run *run, int64 *counts);

/* How far the iterations of a finished run came, also where they are a part of the kernel. */
extern rk_run rk_device_reached(const rk_device_run *run);

/*
 * Begins the next part of a run that is made in parts, after one that was
 * finished: inputs and outputs are given anew.  False: the CPU shall do the rest.
 */
extern bool rk_device_again(rk_device_run *run);

/* Costs of kernels (costs.c). */
extern rk_device_cost rk_device_pagerank_cost(int64 nodes, int64 arcs, bool weighted, bool kept, double damping,
											  double tolerance, int max_iterations);

/* What is simulated, as far as its time depends on it. */
typedef struct rk_device_simulation
{
	int64		positions;
	int64		simulations;
	bool		antithetic;
	bool		sobol;
	bool		geometric;
	bool		correlated;		/* each return is needed, not only their sum */
	double		degrees_of_freedom; /* of Student's returns; 0: normal ones */
	bool		measures;		/* quantiles and moments are found where the simulations are */
} rk_device_simulation;

extern rk_device_cost rk_device_monte_carlo_cost(const rk_device_simulation *s);
extern rk_device_cost rk_device_bfs_cost(int64 nodes, int64 arcs, bool kept);
extern rk_device_cost rk_device_triangles_cost(int64 nodes, int64 arcs, bool kept);
extern rk_device_cost rk_device_components_cost(int64 nodes, int64 arcs, bool kept, int threads);
extern rk_device_cost rk_device_katz_cost(int64 nodes, int64 arcs, bool weighted, bool kept, int max_iterations);
extern rk_device_cost rk_device_betweenness_cost(int64 nodes, int64 arcs, bool directed, bool weighted, bool edges,
												 int64 sources, int threads);
extern rk_device_cost rk_device_path_samples_cost(int64 nodes, int64 arcs, bool directed, bool weighted, bool edges,
												  bool kept, double epsilon, double delta);
extern rk_device_cost rk_device_reach_cost(int64 nodes, int64 arcs, bool directed, bool weighted, bool kept,
										   int64 sources);

/* pairs 0: not known yet; sources: different ones among them. */
extern rk_device_cost rk_device_path_pairs_cost(int64 nodes, int64 arcs, bool directed, bool weighted, bool kept,
												int64 pairs, int64 sources);
extern rk_device_cost rk_device_lengths_cost(int64 nodes, int64 arcs, bool kept);
extern rk_device_cost rk_device_similarity_cost(int64 nodes, int64 arcs, bool weighted, bool kept, bool directed,
												int64 pairs, bool sums);

/* limit: rows of the result at most, 0 if it is not known; least: there is a least score. */
extern rk_device_cost rk_device_similar_pairs_cost(int64 nodes, int64 arcs, bool weighted, bool kept, bool directed,
												   bool sums, bool both_sides, int64 limit, bool least);
extern rk_device_cost rk_device_labels_cost(int64 nodes, int64 arcs, bool weighted, bool kept, bool directed,
											bool coloured, int max_iterations);
extern rk_device_cost rk_device_eigenvector_cost(int64 nodes, int64 arcs, bool weighted, bool kept, bool directed,
												 int max_iterations);

extern rk_device_cost rk_device_louvain_cost(int64 nodes, int64 arcs, bool weighted, bool kept, bool directed,
											 bool leiden);

/* Of the neural kernels; bytes: of a number that is computed with. */
struct rk_gnn_model;
struct rk_attention_model;
extern rk_device_cost rk_device_gnn_cost(int64 nodes, int64 arcs, bool weighted, bool kept,
										 const struct rk_gnn_model *model, int bytes);
extern rk_device_cost rk_device_attention_cost(int64 nodes, int64 arcs, bool kept,
											   const struct rk_attention_model *model, int bytes, bool want_attention);

/* estimates: of a model; alone: positions follow one another, as with egarch. */
extern rk_device_cost rk_device_garch_cost(int64 series, int64 values, int estimates, bool alone);

/* coefficients: of AR and MA kind; columns: values and what explains them; state: of the filter. */
extern rk_device_cost rk_device_arima_cost(int64 series, int64 values, int coefficients, int columns, int starts,
										   int state, bool seasonal, int threads);

/* times: of each asset. */
extern rk_device_cost rk_device_correlation_cost(int64 assets, int64 times, int threads);

/* shocks: of each sensitivity, on average; sums: of each shock, not rows. */
extern rk_device_cost rk_device_stress_cost(int64 sensitivities, int64 shocks, bool sums);

/* Whether a function of a kernel has a device form (functions.def). */
extern bool rk_device_has_form(const char *id, const char *suffix);

/* Whether some function of it has. */
extern bool rk_device_has_kernel(const char *id);

/* Whether the SQL kernel with this id runs under that number: it may under several. */
extern bool rk_device_is_kernel_of(rk_cuda_kernel kernel, const char *id);

/* The id of the SQL kernel that a number stands for; of several the first. */
extern const char *rk_device_kernel_id(rk_cuda_kernel kernel);

/* ---- shared memory (shared.c) ---- */

typedef enum rk_device_state
{
	RK_DEVICE_IDLE,				/* nobody has asked for it yet */
	RK_DEVICE_STARTING,
	RK_DEVICE_READY,
	RK_DEVICE_UNAVAILABLE,		/* problem says why */
	RK_DEVICE_OFF				/* failed too often: until retry_at */
} rk_device_state;

/* Estimates are made from these (calibrate.c). */
typedef struct rk_device_constants
{
	double		transfer_rate;	/* bytes a second between host and device */
	double		memory_rate;	/* bytes a second in device memory */
	double		flop_rate;		/* float8 operations a second of the device */
	double		launch_seconds;
	double		copy_rate;		/* bytes a second into a memory file */
	double		cpu_factor;		/* seconds of the CPU over those in costs.c */
	bool		measured;
	char		device[128];	/* that they were measured on */
} rk_device_constants;

typedef enum rk_circuit_state
{
	RK_CIRCUIT_CLOSED,
	RK_CIRCUIT_OPEN,
	RK_CIRCUIT_HALF_OPEN
} rk_circuit_state;

#define RK_CIRCUIT_BUCKETS 6	/* of the window */

/* The breaker of a kernel on the device; fields under the lock. */
typedef struct rk_circuit
{
	rk_circuit_state state;
	int			failures[RK_CIRCUIT_BUCKETS];
	int64		bucket[RK_CIRCUIT_BUCKETS]; /* which slice of time it holds */
	int			successes;		/* in a row, while half open */
	int			probes;			/* under way */
	TimestampTz opened_at;
	TimestampTz retry_at;
	int64		requests;
	int64		failures_total;
	int64		rejections;
} rk_circuit;

/* A graph of a context, for a kernel: whether it is on the device, and what it would have saved. */
typedef struct rk_sent_graph
{
	int64		item;			/* 0: free */
	int64		loaded_at;
	Oid			database;
	rk_cuda_kernel kernel;
	int64		start;			/* of the worker that it was sent to; 0: none */
	int64		last_use;
	double		missed;			/* seconds */
} rk_sent_graph;

#define RK_SENT_GRAPHS 64

typedef struct rk_devices
{
	LWLock		lock;
	ConditionVariable changed;	/* of the state */
	rk_device_state state;
	char		address[64];	/* of the worker's socket */
	pid_t		supervisor;		/* 0: none */
	pid_t		worker;
	Latch	   *latch;			/* of the supervisor */
	bool		restart;		/* it is to start the worker anew */
	TimestampTz retry_at;
	int64		starts;			/* of the worker */
	char		problem[RK_CUDA_TEXT];
	rk_wire_report report;
	rk_device_constants constants;
	rk_circuit	circuits[RK_CUDA_KERNELS + RK_RING_KINDS];	/* rings: RK_CUDA_KERNELS + kind */

	/* for estimates */
	double		claimed;		/* seconds of the device that runs under way take */
	int			claims;
	int64		graph_clock;
	rk_sent_graph graphs[RK_SENT_GRAPHS];

	/* counters since the server started */
	int64		runs;
	int64		fallbacks;
	int64		bytes_to;
	int64		bytes_from;
	int64		resident;		/* runs whose graph was on the device already */
} rk_devices;

/* NULL without shared_preload_libraries. */
extern rk_devices *rk_the_devices;

extern void rk_device_install(void);
extern void rk_device_define_settings(void);

/* Writes the constants to disk; raises an error when it cannot. */
extern void rk_device_constants_save(const rk_device_constants *constants);

/* Settings. */
extern char *rk_cuda_library;
extern int	rk_cuda_device_number;
extern int	rk_gpu_memory_limit_mb;
extern int	rk_gpu_slice_ms;
extern bool rk_fallback;
extern bool rk_circuit_breaker;
extern int	rk_circuit_failures;
extern int	rk_circuit_successes;
extern int	rk_circuit_reset_s;
extern int	rk_circuit_window_s;
extern int	rk_circuit_probes;

/* The library's file: $libdir resolved. */
extern char *rk_device_library_path(void);

/* ---- supervisor.c ---- */

/*
 * Starts the supervisor unless it runs.  False: it could not be, with the
 * reason in *problem.
 */
extern bool rk_device_start(const char **problem);

/* ---- breaker.c ---- */

/* Asks to run; false: the breaker is open, until *retry_at. */
extern bool rk_circuit_permit(rk_cuda_kernel kernel, TimestampTz *retry_at);

/* What became of it: exactly one of these after a permit. */
extern void rk_circuit_success(rk_cuda_kernel kernel);
extern void rk_circuit_failure(rk_cuda_kernel kernel);
extern void rk_circuit_release(rk_cuda_kernel kernel);	/* neither */

/* ---- client.c ---- */

/*
 * Whether the worker can be asked; starts it if nobody has.  wait: not now is
 * not an answer.  False with the reason in *problem.
 */
extern bool rk_device_ready(bool wait, const char **problem);

/* The address of the worker's socket; room for that of rk_devices. */
extern void rk_device_address(char *address);

/* A connection to it, counted as an external descriptor; -1 with the reason in problem. */
extern int	rk_device_connect(const char *address, char *problem, Size size);

/*
 * A sealed memory file and its mapping, which are the caller's as soon as they are
 * in *fd and *map, also where an interrupt is raised: the descriptor is counted as an
 * external one, -1 if there is none.  False with the reason in problem.
 */
extern bool rk_device_memory(Size bytes, int *fd, char **map, char *problem, Size size);

/* Sends a message with a memory file. */
extern bool rk_device_send(int fd, int file, Size bytes, rk_wire_type type, uint32 id);

/*
 * Measures the device and the copies to it; false with the reason in *problem.
 * Waits for the worker to start.
 */
extern bool rk_device_measure(rk_device_constants *constants, const char **problem);

#endif							/* RK_DEVICE_H */
