/*
 * sobol.h
 *	  Sobol's low-discrepancy sequence, in any order of its points.
 */
#ifndef RK_SOBOL_H
#define RK_SOBOL_H

#include "ctx.h"
#include "sobol_point.h"

/*
 * Of the 21,201 dimensions of the published table: those whose polynomials and
 * numbers fit 16 bits (degree 13 at most).  The others would be twenty times the
 * data, and a dimension of degree 14 needs more than 2^14 points before it is
 * spread more evenly than random ones.
 */
#define RK_SOBOL_DIMENSIONS 1111

extern const uint16_t rk_sobol_polynomials[];
extern const uint16_t rk_sobol_initial[];

/*
 * Sets directions[d * 32 + k] for the dimensions 0 <= d < dimensions <=
 * RK_SOBOL_DIMENSIONS: the number whose bits are switched with bit k of the
 * Gray code of a point's index.
 */
extern void rk_sobol_directions(int64_t dimensions, uint32_t *directions);

#endif							/* RK_SOBOL_H */
