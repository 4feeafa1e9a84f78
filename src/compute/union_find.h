/*
 * union_find.h
 *	  Sets that grow together, for one thread.
 */
#ifndef RK_UNION_FIND_H
#define RK_UNION_FIND_H

#include <stdint.h>

/* The root of the set of x; halves the path to it (Tarjan, van Leeuwen 1984). */
static inline uint32_t
rk_find_root(uint32_t *parent, uint32_t x)
{
	while (parent[x] != x)
	{
		parent[x] = parent[parent[x]];
		x = parent[x];
	}
	return x;
}

#endif							/* RK_UNION_FIND_H */
