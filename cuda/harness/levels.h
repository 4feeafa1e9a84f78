/*
 * levels.h
 *	  Louvain and Leiden on the device, for its check and its figures.
 */
#ifndef RK_HARNESS_LEVELS_H
#define RK_HARNESS_LEVELS_H

#include "harness.h"

#include "../../src/graph/community/community.h"

/* A call, with what it gives beside the labels. */
typedef struct device_levels
{
	rk_cuda_louvain_params params;
	rk_cuda_call call;
	uint32_t   *label;
	int64_t		count[64];
	double		modularity;
} device_levels;

/* label: room for w->room of them. */
extern void prepare_levels(device_levels *d, const rk_louvain_params *params, const rk_louvain_work *w, uint32_t *label);

/* Whether the device has found what the CPU did: labels, levels, and what is said of them. */
extern bool same_levels(const rk_louvain_work *w, const device_levels *d);

#endif							/* RK_HARNESS_LEVELS_H */
