/*
 * cycle_list.c
 *	  What both ways to find cycles need for their results.
 */
#include "flows.h"

rk_status
rk_flows_too_many_cycles(rk_ctx *ctx, const rk_flow_cycle_params *p)
{
	rk_status	status = rk_fail(ctx, RK_ERR_LIMIT, "there are more than %lld cycles", (long long) p->max_cycles);

	rk_fail_hint(ctx, "Set max_cycles higher, or ask for less: a shorter max_cycle_length or time_window, a higher min_retention.");
	return status;
}

rk_status
rk_flows_reserve(rk_ctx *ctx, void **list, int64_t *capacity, int64_t count, size_t size)
{
	void	   *grown;

	if (count <= *capacity)
		return RK_OK;
	if (count < *capacity * 2)
		count = *capacity * 2;
	if ((grown = rk_realloc(ctx, *list, count, size)) == NULL)
		return RK_ERR_MEMORY;
	*list = grown;
	*capacity = count;
	return RK_OK;
}
