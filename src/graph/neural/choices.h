/*
 * choices.h
 *	  What a model chooses from, for the CPU and for devices.
 */
#ifndef RK_NEURAL_CHOICES_H
#define RK_NEURAL_CHOICES_H

typedef enum rk_activation
{
	RK_ACTIVATION_RELU,
	RK_ACTIVATION_LEAKY_RELU,	/* slope 0.01 */
	RK_ACTIVATION_ELU,			/* alpha 1 */
	RK_ACTIVATION_GELU,			/* x Phi(x) */
	RK_ACTIVATION_SIGMOID,
	RK_ACTIVATION_TANH,
	RK_ACTIVATION_NONE
} rk_activation;

/* What is computed with; sums of more than 256 terms are float8 in both. */
typedef enum rk_compute_type
{
	RK_COMPUTE_FLOAT4,
	RK_COMPUTE_FLOAT8
} rk_compute_type;

typedef enum rk_aggregation
{
	RK_AGGREGATE_SUM,
	RK_AGGREGATE_MEAN,
	RK_AGGREGATE_MAX,
	RK_AGGREGATE_SAGE,			/* mean of the others (Hamilton et al. 2017) */
	RK_AGGREGATE_GCN,			/* Kipf, Welling 2017 */
	RK_AGGREGATE_GIN			/* Xu et al. 2019 */
} rk_aggregation;

typedef enum rk_gnn_output
{
	RK_OUTPUT_SOFTMAX,
	RK_OUTPUT_SIGMOID,
	RK_OUTPUT_NONE
} rk_gnn_output;

#endif							/* RK_NEURAL_CHOICES_H */
