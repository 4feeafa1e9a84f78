/*
 * triangles.c
 *	  Triangles on the device against those on the CPU: equal.
 */
#include "harness.h"

#include <stdio.h>
#include <string.h>

#include "../../src/graph/patterns/patterns.h"

static void
check_case(harness *h, const graph_case *c, uint64_t seed)
{
	char		what[80];
	char		difference[40];
	rk_ctx		ctx;
	rk_graph_options options = {.drop_loops = true, .want_out = true, .parallel = RK_EDGES_COLLAPSE};
	rk_cuda_call call = {.kernel = RK_CUDA_TRIANGLES};
	rk_triangle_totals totals;
	int64_t    *cpu;
	int64_t    *device;
	double	   *clustering;
	double		cpu_seconds;
	double		device_seconds;
	rk_graph	g;

	snprintf(what, sizeof(what), "triangles %s", c->name);
	begin_ctx(h, &ctx);
	g = make_graph(h, &ctx, c, seed, false, &options);
	cpu = rk_alloc(&ctx, g.nodes, sizeof(int64_t));
	device = rk_alloc(&ctx, g.nodes, sizeof(int64_t));
	clustering = rk_alloc(&ctx, g.nodes, sizeof(double));
	cpu_seconds = now();
	must(&ctx, rk_graph_triangle_counts(&ctx, &g, cpu, clustering, &totals));
	cpu_seconds = now() - cpu_seconds;
	call.output[0] = (rk_cuda_output) {device, g.nodes * (int64_t) sizeof(int64_t)};
	call.graph = load(h, what, &g, &call.usage);
	if (call.graph)
	{
		if (run_device(h, what, &call, &device_seconds))
		{
			snprintf(difference, sizeof(difference), "%lld triangles", (long long) totals.triangles);
			report(h, what, memcmp(cpu, device, g.nodes * sizeof(int64_t)) == 0, difference, cpu_seconds,
				   device_seconds, &call.usage);
		}
		h->table->free_graph(h->device, call.graph);
	}
	rk_ctx_destroy(&ctx);
}

void
check_triangles(harness *h)
{
	static const graph_case dense = {"dense", SHAPE_RANDOM, 150, 8000};

	for (const graph_case *c = graph_cases; c->name; c++)
		check_case(h, c, 3);
	check_case(h, &dense, 4);
	check_case(h, &dense, 5);
}
