/*
 * activation_steps.h
 *	  The activations for one type of numbers, on the CPU and on devices; REAL
 *	  and NAME as layer_steps.h wants them.
 */

RK_BOTH REAL
NAME(activate)(rk_activation activation, REAL x)
{
	switch (activation)
	{
		case RK_ACTIVATION_RELU:
			return x > 0 ? x : 0;
		case RK_ACTIVATION_LEAKY_RELU:
			return x > 0 ? x : x * (REAL) 0.01;
		case RK_ACTIVATION_ELU:
			return x > 0 ? x : (REAL) expm1((double) x);
		case RK_ACTIVATION_GELU:
			return (REAL) (0.5 * x * (1 + erf(x * 0.70710678118654752440)));
		case RK_ACTIVATION_SIGMOID:
			return (REAL) (1 / (1 + exp(-(double) x)));
		case RK_ACTIVATION_TANH:
			return (REAL) tanh((double) x);
		case RK_ACTIVATION_NONE:
			break;
	}
	return x;
}
