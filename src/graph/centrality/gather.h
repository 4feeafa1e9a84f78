/*
 * gather.h
 *	  The inner loop of iterations over the in-edges: what a node takes from its
 *	  neighbours.
 */
#ifndef RK_GRAPH_GATHER_H
#define RK_GRAPH_GATHER_H

#include "../../compute/csr.h"

/*
 * Sum of value, times weight if there are weights, over the neighbours of node
 * v.  Four accumulators, and always in this order.
 */
static inline double
rk_gather(const double *value, const rk_adjacency *in, int64_t v)
{
	const uint32_t *neighbors = in->neighbors;
	const double *weights = in->weights;
	double		s0 = 0,
				s1 = 0,
				s2 = 0,
				s3 = 0;
	int64_t		i = in->offsets[v];
	int64_t		end = in->offsets[v + 1];

	if (weights)
	{
		for (; i + 4 <= end; i += 4)
		{
			s0 += value[neighbors[i]] * weights[i];
			s1 += value[neighbors[i + 1]] * weights[i + 1];
			s2 += value[neighbors[i + 2]] * weights[i + 2];
			s3 += value[neighbors[i + 3]] * weights[i + 3];
		}
		for (; i < end; i++)
			s0 += value[neighbors[i]] * weights[i];
	}
	else
	{
		for (; i + 4 <= end; i += 4)
		{
			s0 += value[neighbors[i]];
			s1 += value[neighbors[i + 1]];
			s2 += value[neighbors[i + 2]];
			s3 += value[neighbors[i + 3]];
		}
		for (; i < end; i++)
			s0 += value[neighbors[i]];
	}
	return (s0 + s1) + (s2 + s3);
}

#endif							/* RK_GRAPH_GATHER_H */
