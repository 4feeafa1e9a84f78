/*
 * call.h
 *	  The one gate that every kernel run passes.
 *
 * A SQL function of a kernel is one line, RK_FUNCTION(...), that names its
 * descriptor and a binding.  The gate checks the arguments by the descriptor,
 * makes the context (memory limit, threads, cancellation, progress), runs the
 * binding, hands out its rows and keeps what rk.last_run() shows.  rk.execute
 * passes the same gate with arguments from jsonb.
 *
 * A binding reads arguments with rk_arg_*, relations with relation/, calls the
 * kernel through rk_call_check and emits columns with relation/emit.h.
 */
#ifndef RK_CALL_H
#define RK_CALL_H

#include "postgres.h"

#include "fmgr.h"
#include "lib/stringinfo.h"
#include "portability/instr_time.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"

#include "../compute/aggregate.h"
#include "../compute/csr.h"
#include "descriptor.h"

#define RK_MAX_PARAMS 24
#define RK_MAX_PHASES 16

typedef struct rk_phase_time
{
	const char *name;
	double		us;
} rk_phase_time;

/* The text of a node's id. */
typedef char *(*rk_node_name_fn) (void *arg, int64 node);

typedef struct rk_call
{
	rk_ctx		ctx;
	const rk_kernel *kernel;
	const rk_function *function;
	MemoryContext memory;		/* of this call; deleted with it */

	/* arguments, by position in the descriptor */
	Datum		args[RK_MAX_PARAMS];
	bool		nulls[RK_MAX_PARAMS];
	Oid			arg_types[RK_MAX_PARAMS];	/* of ids given as values */
	Datum		graph;			/* the value of type rk.graph, in the graph form */
	bool		graph_form;		/* "graph" was given instead of edges and nodes */
	bool		array_form;		/* an array was given instead of the first relation */

	/* ids: what the caller expects, and what the data has */
	Oid			expected_id_type;	/* InvalidOid: whatever the data has */
	Oid			id_type;
	Oid			expected_id2_type;	/* the same for the second kind of ids */
	Oid			id2_type;
	struct rk_table_set *tables;	/* relations read so far (relation/table.c) */

	/* the result */
	TupleDesc	desc;			/* NULL until the id type is known (execute) */
	Tuplestorestate *rows;
	MemoryContext rows_memory;	/* outlives the call */

	/* a scalar's result instead: its columns, and whether there is one */
	bool		scalar;
	bool		returned;
	Datum	   *values;
	bool	   *value_nulls;

	/* for rk.last_run() */
	int64		run_id;
	TimestampTz started;
	instr_time	start;
	instr_time	phase_start;
	const char *phase;
	rk_phase_time phases[RK_MAX_PHASES];
	int			phase_count;
	rk_run		run;
	int64		rows_in;
	int64		rows_out;
	StringInfo	details;		/* members of a JSON object, or NULL */
	const char *device;			/* that it ran on: "cpu" or "cuda" */
	char	   *device_reason;	/* why; NULL: there was no choice */
	char	   *fallback_reason;	/* why the device could not do it, or NULL */

	rk_node_name_fn node_name;
	void	   *node_name_arg;

	/* an error that arrived while threads were at work */
	ErrorData  *pending_error;
} rk_call;

typedef void (*rk_binding) (rk_call *call);

/* The graph that a run will work on: estimated at first, then as it is. */
typedef struct rk_graph_size
{
	int64		nodes;
	int64		arcs;			/* entries of one direction */
	bool		weighted;
	int			threads;
	int64		pairs;			/* that are given, where they matter; else 0 */
	int64		sources;		/* different nodes that those begin at */
	bool		kept;			/* its adjacency is, for the next run too: an item of
								 * a context, ... */
	int64		item;			/* ... this one, in this version; else 0 */
	int64		loaded_at;
} rk_graph_size;

/* What a run over a graph needs, beside its ids. */
typedef struct rk_need
{
	rk_graph_options graph;		/* what is built; no direction: nothing is,
								 * and the edges stay as they were read */
	int64		bytes;			/* at the peak beside graph and ids: scratch
								 * space and results */
} rk_need;

/*
 * Says what a binding will need for a graph of this size; need is zeroed
 * before.  Called with the arguments of the run, twice: by rk.explain and
 * before the run with an estimate, when the options of the graph are wanted
 * too, and with the graph itself before the kernel begins.
 */
typedef void (*rk_need_fn) (const rk_call *call, const rk_graph_size *size, rk_need *need);

/*
 * Says what a run over a graph of this size takes, on the CPU and on a device
 * (device/device.h).  Called with the arguments of the run.
 */
typedef struct rk_device_cost rk_device_cost;
typedef void (*rk_cost_fn) (const rk_call *call, const rk_graph_size *size, rk_device_cost *cost);

/*
 * What stands behind a kernel's function: a binding, or for an aggregate the
 * kernel itself.
 */
typedef struct rk_bound_function
{
	const char *id;
	const char *suffix;
	rk_binding	binding;
	rk_need_fn	need;			/* of kernels over graphs */
	const rk_aggregate *aggregate;
	rk_cost_fn	device_cost;	/* of functions with a device form */
} rk_bound_function;

/* Tables of the rooms; each ends with a NULL id. */
#define RK_ROOM(room) extern const rk_bound_function rk_##room##_bindings[];
#include "rooms.def"
#undef RK_ROOM

/* Finds a kernel's function; NULL when there is none. */
extern const rk_kernel *rk_find_kernel(const char *id);
extern const rk_function *rk_find_function(const rk_kernel *kernel, const char *suffix);
extern const rk_bound_function *rk_find_binding(const rk_kernel *kernel,
												const rk_function *function);

/* The SQL function's name without schema; palloc'd. */
extern char *rk_sql_name(const rk_kernel *kernel, const rk_function *function);

/* Runs a function called from SQL: relations, scalars, parts of aggregates. */
extern Datum rk_call_from_sql(FunctionCallInfo fcinfo, const char *id, const char *suffix);
extern Datum rk_scalar_from_sql(FunctionCallInfo fcinfo, const char *id, const char *suffix);
extern Datum rk_aggregate_transition(FunctionCallInfo fcinfo, const char *id, const char *suffix, bool moving);
extern Datum rk_aggregate_remove(FunctionCallInfo fcinfo, const char *id, const char *suffix);
extern Datum rk_aggregate_combine(FunctionCallInfo fcinfo, const char *id, const char *suffix);
extern Datum rk_aggregate_serialize(FunctionCallInfo fcinfo, const char *id, const char *suffix);
extern Datum rk_aggregate_deserialize(FunctionCallInfo fcinfo, const char *id, const char *suffix);
extern Datum rk_aggregate_final(FunctionCallInfo fcinfo, const char *id, const char *suffix, bool moving);

#define RK_SQL_FUNCTION(symbol, call) \
	PG_FUNCTION_INFO_V1(symbol); \
	Datum \
	symbol(PG_FUNCTION_ARGS) \
	{ \
		return call; \
	} \
	extern Datum symbol(PG_FUNCTION_ARGS)

/*
 * Defines the SQL function of a scalar kernel; symbol is rk_<id><suffix>_sql.
 * The binding emits one row, or none for NULL.
 */
#define RK_SCALAR(symbol, id, suffix) \
	RK_SQL_FUNCTION(symbol, rk_scalar_from_sql(fcinfo, id, suffix))

/* Defines the support functions of an aggregate; prefix is rk_<id><suffix>. */
#define RK_AGGREGATE(prefix, id, suffix) \
	RK_SQL_FUNCTION(prefix##_transition, rk_aggregate_transition(fcinfo, id, suffix, false)); \
	RK_SQL_FUNCTION(prefix##_combine, rk_aggregate_combine(fcinfo, id, suffix)); \
	RK_SQL_FUNCTION(prefix##_serialize, rk_aggregate_serialize(fcinfo, id, suffix)); \
	RK_SQL_FUNCTION(prefix##_deserialize, rk_aggregate_deserialize(fcinfo, id, suffix)); \
	RK_SQL_FUNCTION(prefix##_final, rk_aggregate_final(fcinfo, id, suffix, false))

/* The same for one whose rows can leave a moving window. */
#define RK_MOVING_AGGREGATE(prefix, id, suffix) \
	RK_SQL_FUNCTION(prefix##_moving_add, rk_aggregate_transition(fcinfo, id, suffix, true)); \
	RK_SQL_FUNCTION(prefix##_moving_remove, rk_aggregate_remove(fcinfo, id, suffix)); \
	RK_SQL_FUNCTION(prefix##_moving_final, rk_aggregate_final(fcinfo, id, suffix, true)); \
	RK_AGGREGATE(prefix, id, suffix)

/* Defines the SQL function of a relation kernel; symbol is rk_<id><suffix>_sql. */
#define RK_FUNCTION(symbol, id, suffix) \
	RK_SQL_FUNCTION(symbol, rk_call_from_sql(fcinfo, id, suffix))

/*
 * Runs a function with arguments that are already in call->args.  Rows go to
 * call->rows.
 */
extern rk_call *rk_call_create(const rk_kernel *kernel, const rk_function *function);
extern void rk_call_run(rk_call *call, rk_binding binding);
extern void rk_call_destroy(rk_call *call);

/* What a context asks whether to stop; arg is the call, which keeps the error. */
extern bool rk_call_interrupted(void *arg);

/* Checks one argument against its descriptor: range, closed set, NULL. */
extern void rk_check_argument(rk_call *call, int param);
extern void rk_check_value(const rk_param *param, Datum value, bool is_null);

/* An argument's default as a Datum; *is_null when it is NULL. */
extern Datum rk_default_datum(const rk_param *param, bool *is_null);

/* ---- for bindings ---- */

/* Position of a parameter of this function; an unknown name is a bug. */
extern int	rk_param_index(const rk_call *call, const char *name);

extern bool rk_arg_is_null(const rk_call *call, const char *name);
extern double rk_arg_float8(const rk_call *call, const char *name);
extern int64 rk_arg_int(const rk_call *call, const char *name);
extern double rk_arg_float8_or(const rk_call *call, const char *name, double if_null);
extern int64 rk_arg_int_or(const rk_call *call, const char *name, int64 if_null);
extern bool rk_arg_boolean(const rk_call *call, const char *name);
extern char *rk_arg_text(const rk_call *call, const char *name);
extern Datum rk_arg_datum(const rk_call *call, const char *name);

/* Exact; a NaN, an infinity or more than 38 digits are an error. */
extern rk_amount rk_arg_amount(const rk_call *call, const char *name);

/* Microseconds: since 2000-01-01 UTC; of an interval, whose months are an error. */
extern int64 rk_arg_timestamptz(const rk_call *call, const char *name);
extern int64 rk_arg_interval(const rk_call *call, const char *name);

/* Elements of an array without NULLs; *count is their number. */
extern const double *rk_arg_float8_array(const rk_call *call, const char *name, int64 *count);
extern const int64 *rk_arg_int_array(const rk_call *call, const char *name, int64 *count);
extern char **rk_arg_text_array(const rk_call *call, const char *name, int64 *count);

/*
 * A field of the row given as a RK_TYPE_RECORD parameter; false when there is
 * no such column or its value is NULL.  A column of another type is an error.
 */
extern bool rk_arg_field_float8(const rk_call *call, const char *name, const char *field, double *value);
extern bool rk_arg_field_amount(const rk_call *call, const char *name, const char *field, rk_amount *value);
extern bool rk_arg_field_boolean(const rk_call *call, const char *name, const char *field, bool *value);
extern char *rk_arg_field_text(const rk_call *call, const char *name, const char *field);
extern bool rk_arg_has_field(const rk_call *call, const char *name, const char *field);

/* Position of a text argument in its closed set. */
extern int	rk_arg_choice(const rk_call *call, const char *name);

/* Raises the error a kernel left in the context, if status is not RK_OK. */
extern void rk_call_check(rk_call *call, rk_status status);

/* The same for an allocation. */
#define rk_call_alloc(call, count, type) \
	((type *) rk_call_alloc_size((call), (count), sizeof(type)))
extern void *rk_call_alloc_size(rk_call *call, int64 count, size_t size);

/* Ends the running phase and starts the next, shown by last_run and progress. */
extern void rk_call_phase(rk_call *call, const char *phase, int64 total);

/* Adds a member to rk.last_run().details. */
extern void rk_call_detail_float8(rk_call *call, const char *key, double value);
extern void rk_call_detail_int(rk_call *call, const char *key, int64 value);

/* Sets how the text of a node id is found, for errors that name a node. */
extern void rk_call_node_names(rk_call *call, rk_node_name_fn fn, void *arg);

/* Settings (settings.c). */
extern int	rk_threads;
extern int	rk_max_threads;
extern int	rk_memory_limit_kb;
extern int	rk_pool_retain_kb;
extern int	rk_device;
extern void rk_define_settings(void);

/* Shared memory (progress.c): slots for rk.stat_progress, threads in use. */
extern void rk_progress_install(void);
extern void rk_progress_begin(rk_call *call);
extern void rk_progress_device(const char *device);
extern void rk_progress_end(void);
extern int	rk_threads_reserve(int wanted);
extern void rk_threads_release(int count);

/* last_run.c */
extern void rk_last_run_store(const rk_call *call, int64 elapsed_us);

#endif							/* RK_CALL_H */
