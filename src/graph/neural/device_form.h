/*
 * device_form.h
 *	  Models and features as the kernels for devices take them.
 */
#ifndef RK_NEURAL_DEVICE_FORM_H
#define RK_NEURAL_DEVICE_FORM_H

#include "../../../cuda/rk_cuda.h"
#include "neural.h"

/* Arrays of a run, as rk_cuda_kernel says; all belong to the context. */
typedef struct rk_neural_arrays
{
	rk_cuda_input input[3];		/* layers or heads, numbers of the model, features */
	rk_cuda_output embedding;	/* of the compute type */
} rk_neural_arrays;

/*
 * Fills in parameters and arrays for a run, allocates what the device writes,
 * and refuses features that are not finite as the kernels of the CPU do.
 * nodes > 0.
 */
extern rk_status rk_graph_gnn_to_device(rk_ctx *ctx, int64_t nodes, const double *features,
										const rk_gnn_model *model, rk_compute_type type,
										rk_cuda_gnn_params *params, rk_neural_arrays *arrays,
										rk_gnn_result *result);
extern rk_status rk_graph_attention_to_device(rk_ctx *ctx, const rk_graph *g, const double *features,
											  const rk_attention_model *model, rk_compute_type type,
											  bool want_attention, rk_cuda_attention_params *params,
											  rk_neural_arrays *arrays, rk_attention_result *result);

/* Takes over the embedding that the device wrote: count numbers in float8. */
extern void rk_neural_from_device(rk_ctx *ctx, rk_compute_type type, int64_t count,
								  const rk_neural_arrays *arrays, double *embedding);

#endif							/* RK_NEURAL_DEVICE_FORM_H */
