/*
 * domains.c
 *	  The list of domains whose kernels the library holds.
 */
#include "descriptor.h"

const rk_kernel *const rk_domains[] = {
	rk_graph_kernels,
	NULL
};
