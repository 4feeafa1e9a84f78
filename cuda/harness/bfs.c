/*
 * bfs.c
 *	  Breadth-first search on the device against that on the CPU: equal.
 */
#include "harness.h"

#include <math.h>
#include <stdio.h>

#include "../../src/graph/paths/paths.h"

static void
check_case(harness *h, const graph_case *c, bool directed, bool both, double max_distance)
{
	char		what[80];
	char		difference[40];
	rk_ctx		ctx;
	rk_graph_options options = {
		.directed = directed, .drop_loops = true, .want_out = true, .want_in = both, .parallel = RK_EDGES_COLLAPSE
	};
	rk_shortest_path_params p = {.max_distance = max_distance};
	rk_cuda_bfs_params params = {.max_hops = isinf(max_distance) ? INT64_MAX : (int64_t) max_distance};
	rk_cuda_call call = {.kernel = RK_CUDA_BFS, .params = &params, .params_bytes = sizeof(params)};
	double	   *distance;
	uint32_t   *predecessor;
	int64_t    *hops;
	uint32_t   *device_hops;
	uint32_t   *device_predecessor;
	double		cpu_seconds;
	double		device_seconds;
	rk_graph	g;

	snprintf(what, sizeof(what), "bfs %s%s%s", c->name, both ? " both ways" : directed ? "" : " undirected",
			 isinf(max_distance) ? "" : " with a limit");
	begin_ctx(h, &ctx);
	g = make_graph(h, &ctx, c, 6, false, &options);
	/* a node that has neighbours, if one has */
	p.source = g.nodes / 3;
	for (int64_t i = 0; i < g.nodes && rk_degree(&g.out, p.source) == 0; i++)
		p.source = (p.source + 1) % g.nodes;
	params.source = p.source;
	distance = rk_alloc(&ctx, g.nodes, sizeof(double));
	predecessor = rk_alloc(&ctx, g.nodes, sizeof(uint32_t));
	hops = rk_alloc(&ctx, g.nodes, sizeof(int64_t));
	device_hops = rk_alloc(&ctx, g.nodes, sizeof(uint32_t));
	device_predecessor = rk_alloc(&ctx, g.nodes, sizeof(uint32_t));
	cpu_seconds = now();
	must(&ctx, rk_graph_shortest_path(&ctx, &g, &p, distance, predecessor, hops));
	cpu_seconds = now() - cpu_seconds;
	call.output[0] = (rk_cuda_output) {device_hops, g.nodes * (int64_t) sizeof(uint32_t)};
	call.output[1] = (rk_cuda_output) {device_predecessor, g.nodes * (int64_t) sizeof(uint32_t)};
	call.graph = load(h, what, &g, &call.usage);
	if (call.graph)
	{
		if (run_device(h, what, &call, &device_seconds))
		{
			int64_t		wrong = 0;
			int64_t		reached = 0;

			for (int64_t v = 0; v < g.nodes; v++)
			{
				reached += hops[v] >= 0;
				wrong += (hops[v] < 0 ? UINT32_MAX : (uint32_t) hops[v]) != device_hops[v] ||
					predecessor[v] != device_predecessor[v];
			}
			snprintf(difference, sizeof(difference), "%lld reached", (long long) reached);
			report(h, what, wrong == 0, difference, cpu_seconds, device_seconds, &call.usage);
		}
		h->table->free_graph(h->device, call.graph);
	}
	rk_ctx_destroy(&ctx);
}

void
check_bfs(harness *h)
{
	/* a level that most nodes look for from rows of all lengths, few of them with a neighbour on it */
	static const graph_case dense = {"dense", SHAPE_RANDOM, 400, 20000};
	static const graph_case hubs = {"hubs", SHAPE_SKEWED, 4000, 9000};

	for (const graph_case *c = graph_cases; c->name; c++)
		/* at larger scales a path is what the device declines */
		for (int kind = 0; kind < 3 && (c->shape != SHAPE_PATH || h->scale <= 1); kind++)
			for (int limit = 0; limit < 2; limit++)
				check_case(h, c, kind > 0, kind > 1, limit ? 2.5 : INFINITY);
	for (int kind = 0; kind < 3; kind++)
	{
		check_case(h, &dense, kind > 0, kind > 1, INFINITY);
		check_case(h, &hubs, kind > 0, kind > 1, INFINITY);
	}
}
