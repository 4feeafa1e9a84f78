/*
 * graph_input.h
 *	  From relation arguments to the graph a kernel sees.
 */
#ifndef RK_GRAPH_INPUT_H
#define RK_GRAPH_INPUT_H

#include "../call/call.h"
#include "../compute/csr.h"
#include "../compute/graph_bytes.h"
#include "ids.h"

/* What a weight means, and so which values are accepted. */
typedef enum rk_weight_meaning
{
	RK_WEIGHT_NONE,				/* the kernel has no use for it */
	RK_WEIGHT_STRENGTH,			/* finite, zero or more */
	RK_WEIGHT_LENGTH,			/* finite; the kernel judges the sign */
	RK_WEIGHT_SIGNED			/* finite, of any sign: a rating */
} rk_weight_meaning;

typedef struct rk_graph_input
{
	rk_ids	   *ids;
	rk_edges	edges;			/* weight NULL: unweighted */
	bool		weights_of_value;	/* weight lies in a value of type rk.graph */
	bool		negative;		/* some length is below zero */
	struct rk_context_use *context; /* the data is in shared memory; NULL: not */
	double	   *node_values;	/* by node: the number that its row in "nodes"
								 * has, NaN where none; NULL: no such column */
} rk_graph_input;

/*
 * Reads the parameter "edges" and, if the function has it, "nodes", or in the
 * graph form the value given as "graph", and numbers the nodes.  The parameter
 * "weighted", if the function has it, decides about the weights.  Where the
 * relation "nodes" has a number besides, it is read as well; a node must not
 * have two different ones.  Afterwards the phase is "building".
 */
extern rk_graph_input *rk_read_graph(rk_call *call, rk_weight_meaning meaning);

/*
 * Refuses the run (53200) when "edges" is a table whose size alone says that
 * rk.memory_limit will not do.  rk_read_graph does so by itself; this is for
 * bindings that read something else first.
 */
extern void rk_refuse_edges(rk_call *call);

/*
 * The edges as rows, for what works without a graph.  They are always there,
 * unless the input is an item of a context.
 */
extern const rk_edges *rk_input_edges(rk_call *call, rk_graph_input *input);

/* The graph that will be built from it, parallel edges not yet merged. */
extern rk_graph_size rk_input_size(const rk_call *call, const rk_graph_input *input, bool directed);

/* Gives the edge arrays back, once the graph is built. */
extern void rk_free_edges(rk_call *call, rk_graph_input *input);

/* Reads a relation of (node, value): an array of a value by node, 0 elsewhere. */
extern double *rk_read_node_values(rk_call *call, const char *param, const rk_graph_input *input);

/* Reads a relation of (node_a, node_b). */
extern void rk_read_pairs(rk_call *call, const char *param, const rk_graph_input *input,
						  uint32 **a, uint32 **b, int64 *count);

/* Index of the node given as a parameter; an unknown one is an error. */
extern uint32 rk_arg_node(rk_call *call, const char *param, const rk_graph_input *input);

/* Result of building with the options; checks and phases included. */
extern void rk_build_graph(rk_call *call, rk_graph_input *input,
						   const rk_graph_options *options, rk_graph *g);

/* ---- values of type rk.graph (graph_type.c) ---- */

/* Checks a value and returns a view of it; the value must outlive the view. */
extern rk_graph_view rk_graph_value_open(rk_call *call, struct varlena *value);

/*
 * Writes a value with these nodes and edges into the room that place finds for
 * it (zeroed).
 */
extern struct varlena *rk_graph_value(rk_call *call, const rk_ids *ids, const rk_edges *edges,
									  void *(*place) (void *arg, int64 size), void *arg);

/* Adds the nodes and edges of a value: fills in ids and edges of input. */
extern rk_id_column *rk_graph_value_ids(rk_call *call, Datum value, rk_ids **ids);

#endif							/* RK_GRAPH_INPUT_H */
