/*
 * neural.h
 *	  Graph neural networks with given weights: what each kernel computes.
 *
 * A layer gives every node a new vector made from its own and from those of
 * the nodes around it.  Graph: "in" built, self-loops dropped, parallel edges
 * collapsed (weights, where they count: summed); a directed edge u -> v brings
 * the vector of u to v.  Matrices are dense, row by row; a model's matrix in x
 * out is multiplied from the right.  n is the number of nodes, m the number of
 * entries of "in".  No result depends on the number of threads in any bit.
 */
#ifndef RK_GRAPH_NEURAL_H
#define RK_GRAPH_NEURAL_H

#include "../../compute/csr.h"
#include "choices.h"

/* ---- gnn-inference ----------------------------------------------------- */

typedef struct rk_gnn_layer
{
	int64_t		in;
	int64_t		out;
	const double *weight;		/* in x out */
	const double *bias;			/* out; NULL: none */
	const double *self_weight;	/* in x out; NULL: none */
	rk_aggregation aggregation;
	rk_activation activation;
	bool		normalize;		/* layer norm after the activation */
	const double *gamma;		/* out; NULL: 1 */
	const double *beta;			/* out; NULL: 0 */
	double		eps;			/* of the norm */
	double		epsilon;		/* of gin */
} rk_gnn_layer;

typedef struct rk_gnn_model
{
	bool		add_self_loops;
	int			layers;			/* at least 1; each out is the next one's in */
	const rk_gnn_layer *layer;
	rk_gnn_output output;
} rk_gnn_model;

typedef struct rk_gnn_result
{
	double	   *embedding;		/* n x out of the last layer */
	int64_t    *prediction;		/* n: position of the largest, the first of
								 * equal ones; NULL: output none of width 1 */
	double	   *probabilities;	/* n x out; NULL: output none */
} rk_gnn_result;

/*
 * Runs the model over the features (n x in of the first layer).  A layer is
 * activation(a W + b + x S), then the norm, where a is for node v over its
 * neighbours u, and over v itself if add_self_loops, with weight 1:
 *
 *	 sum	sum of w_u x_u
 *	 mean	the same by the sum of w_u
 *	 max	the largest in every component
 *	 sage	mean of x_u without v; S is needed
 *	 gcn	sum of w_u x_u / sqrt(d_u d_v), d the sums of the w around a node
 *	 gin	(1 + epsilon) x_v + sum of x_u without v
 *
 * and 0 where nothing is.  w is 1 unless the graph has weights, which sum, mean
 * and gcn look at.  Layer norm: population variance, plus eps.
 *
 * Result arrays are allocated in ctx.  Errors: RK_ERR_PARAMETER, widths that do
 * not fit; RK_ERR_DATA, a weight below 0 or features that are not finite;
 * RK_ERR_OVERFLOW, a result that is not finite.
 * Cost: O(m d + n d d') a layer; a sum of vectors is taken after the product
 * with W where that makes them shorter.  Memory:
 * rk_graph_gnn_inference_memory.
 */
extern rk_status rk_graph_gnn_inference(rk_ctx *ctx, const rk_graph *g, const double *features,
										const rk_gnn_model *model, rk_compute_type type,
										rk_gnn_result *result);
extern int64_t rk_graph_gnn_inference_memory(int64_t nodes, const rk_gnn_model *model,
											 rk_compute_type type);

/* Allocates the arrays of a result other than the embedding. */
extern rk_status rk_graph_gnn_allocate(rk_ctx *ctx, int64_t nodes, const rk_gnn_model *model,
									   rk_gnn_result *result);

/* Uniform weights of layer l of a new model (Glorot, Bengio 2010). */
extern void rk_graph_gnn_init(uint64_t seed, int64_t l, int64_t in, int64_t out, double *weight);

/* ---- graph-attention --------------------------------------------------- */

typedef struct rk_attention_head
{
	const double *query;		/* in x width */
	const double *key;
	const double *value;		/* may be the same arrays */
	const double *attention;	/* 2 width, gatv2: width */
} rk_attention_head;

typedef struct rk_attention_model
{
	bool		second;			/* gatv2 (Brody, Alon, Yahav 2022), else gat */
	double		negative_slope; /* >= 0 */
	bool		concat;			/* heads side by side; else their mean */
	int64_t		in;
	int64_t		width;			/* of a head */
	int			heads;			/* at least 1 */
	const rk_attention_head *head;
	int64_t		out;			/* columns of output_weight */
	const double *output_weight;	/* heads' columns x out; NULL: none */
	const double *bias;			/* out, or the heads' columns; NULL: none */
	rk_activation activation;
} rk_attention_model;

typedef struct rk_attention_result
{
	int64_t		out;
	double	   *embedding;		/* n x out */
	double	   *importance;		/* n x heads */
	int64_t    *offsets;		/* n + 1 */
	uint32_t   *neighbors;		/* N(i), i included, rising */
	double	   *attention;		/* heads x offsets[n], if asked for; else NULL */
	uint32_t   *nodes;			/* offsets[n]: whose entry it is; likewise */
} rk_attention_result;

/*
 * One layer of attention.  N(i) holds the neighbours of i and i itself.  Of
 * head h, with q = x query, k = x key, v = x value:
 *
 *	 gat	e_ij = leaky_relu(a [q_i, k_j])		(Velickovic et al. 2018)
 *	 gatv2	e_ij = a leaky_relu(q_i + k_j)
 *
 * alpha_ij is the softmax of e_ij over N(i), o_i the sum of alpha_ij v_j.  The
 * heads' o side by side or their mean, times output_weight, plus bias, through
 * the activation, is the embedding.  importance of j: mean of alpha_ij over
 * the i with j in N(i).  Weights of edges are not looked at.
 *
 * Result arrays are allocated in ctx.  Errors as rk_graph_gnn_inference.
 * Cost: O(heads (n d h + m h)).  Memory: rk_graph_graph_attention_memory.
 */
extern rk_status rk_graph_graph_attention(rk_ctx *ctx, const rk_graph *g, const double *features,
										  const rk_attention_model *model, rk_compute_type type,
										  bool want_attention, rk_attention_result *result);
extern int64_t rk_graph_graph_attention_memory(int64_t nodes, int64_t arcs,
											   const rk_attention_model *model,
											   rk_compute_type type, bool want_attention);

/*
 * Allocates the arrays of a result other than the embedding, and fills in N(i),
 * which is there only if the attention is asked for.
 */
extern rk_status rk_graph_attention_allocate(rk_ctx *ctx, const rk_graph *g,
											 const rk_attention_model *model, bool want_attention,
											 rk_attention_result *result);

/* Matrix m of a head of a new model: 0 query, 1 key, 2 value, 3 attention, 4 output. */
extern void rk_graph_graph_attention_init(uint64_t seed, int64_t head, int64_t m, int64_t count,
										  double limit, double *weight);

#endif							/* RK_GRAPH_NEURAL_H */
