/*
 * components.c
 *	  Weak components on the device against those on the CPU: equal.
 */
#include "harness.h"

#include <stdio.h>
#include <string.h>

#include "../../src/graph/community/connected_components.h"

static void
check_case(harness *h, const graph_case *c, uint64_t seed, bool directed)
{
	char		what[80];
	char		difference[40];
	rk_ctx		ctx;
	rk_graph_options options = {.directed = directed, .want_out = true, .parallel = RK_EDGES_KEEP};
	rk_cuda_call call = {.kernel = RK_CUDA_COMPONENTS};
	rk_components cpu;
	rk_components device;
	uint32_t   *number;
	uint32_t   *root;
	double		cpu_seconds;
	double		device_seconds;
	rk_graph	g;

	snprintf(what, sizeof(what), "components %s%s", c->name, directed ? "" : " undirected");
	begin_ctx(h, &ctx);
	g = make_graph(h, &ctx, c, seed, false, &options);
	number = rk_alloc(&ctx, g.nodes, sizeof(uint32_t));
	root = rk_alloc(&ctx, g.nodes, sizeof(uint32_t));
	cpu_seconds = now();
	must(&ctx, rk_graph_weak_components(&ctx, &g, number, &cpu));
	cpu_seconds = now() - cpu_seconds;
	call.output[0] = (rk_cuda_output) {root, g.nodes * (int64_t) sizeof(uint32_t)};
	call.graph = load(h, what, &g, &call.usage);
	if (call.graph)
	{
		if (run_device(h, what, &call, &device_seconds))
		{
			bool		equal = true;

			for (int64_t v = 0; v < g.nodes; v++)
				equal &= root[v] == cpu.root[number[v]];
			/* what the binding makes of it */
			if (equal)
				must(&ctx, rk_graph_number_components(&ctx, g.nodes, root, &device));
			equal = equal && device.count == cpu.count && memcmp(root, number, g.nodes * sizeof(uint32_t)) == 0;
			snprintf(difference, sizeof(difference), "%lld components", (long long) cpu.count);
			report(h, what, equal, difference, cpu_seconds, device_seconds, &call.usage);
		}
		h->table->free_graph(h->device, call.graph);
	}
	rk_ctx_destroy(&ctx);
}

void
check_components(harness *h)
{
	/* few edges, so that there are many components of all sizes */
	static const graph_case sparse = {"sparse", SHAPE_RANDOM, 4000, 2200};

	for (const graph_case *c = graph_cases; c->name; c++)
		for (int directed = 0; directed < 2; directed++)
			check_case(h, c, 2, directed);
	for (uint64_t seed = 10; seed < 20; seed++)
		check_case(h, &sparse, seed, seed & 1);
}
