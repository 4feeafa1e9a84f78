/*
 * sobol.c
 *	  Direction numbers from primitive polynomials (Sobol 1967; Bratley, Fox
 *	  1988).
 */
#include "sobol.h"

void
rk_sobol_directions(int64_t dimensions, uint32_t *v)
{
	const uint16_t *initial = rk_sobol_initial;

	/* the first dimension: van der Corput */
	for (int k = 0; k < RK_SOBOL_BITS && dimensions > 0; k++)
		v[k] = UINT32_C(1) << (31 - k);
	for (int64_t d = 1; d < dimensions; d++)
	{
		uint32_t	polynomial = rk_sobol_polynomials[d - 1];
		int			degree = 31 - __builtin_clz(polynomial);
		uint32_t   *w = v + d * RK_SOBOL_BITS;

		for (int k = 0; k < degree; k++)
			w[k] = (uint32_t) *initial++ << (31 - k);
		for (int k = degree; k < RK_SOBOL_BITS; k++)
		{
			w[k] = w[k - degree] ^ w[k - degree] >> degree;
			for (int i = 1; i < degree; i++)
				if (polynomial >> (degree - i) & 1)
					w[k] ^= w[k - i];
		}
	}
}
