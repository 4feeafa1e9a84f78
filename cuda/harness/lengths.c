/*
 * lengths.c
 *	  Shortest paths by length on the device against those of the CPU: equal.
 */
#include "harness.h"

#include <math.h>
#include <stdio.h>

#include "../../src/graph/paths/paths.h"

static void
check_case(harness *h, const graph_case *c, bool directed, double max_distance, bool whole)
{
	char		what[80];
	char		difference[64];
	rk_ctx		ctx;
	rk_graph_options options = {
		.directed = directed, .drop_loops = true, .want_out = true, .parallel = RK_EDGES_MIN
	};
	rk_shortest_path_params p = {.max_distance = max_distance};
	rk_cuda_length_params params = {.max_distance = max_distance};
	rk_cuda_call call = {.kernel = RK_CUDA_LENGTHS, .params = &params, .params_bytes = sizeof(params)};
	double	   *distance;
	uint32_t   *predecessor;
	int64_t    *hops;
	double	   *device_distance;
	uint32_t   *device_hops;
	uint32_t   *device_predecessor;
	double		cpu_seconds;
	double		device_seconds;
	rk_graph	g;

	snprintf(what, sizeof(what), "lengths %s%s%s%s", c->name, directed ? "" : " undirected",
			 isinf(max_distance) ? "" : " with a limit", whole ? " whole" : "");
	begin_ctx(h, &ctx);
	g = make_graph(h, &ctx, c, 8, true, &options);
	/* of many orders of magnitude, or few different ones, so that many paths are alike */
	for (int64_t v = 0; v < g.nodes && whole; v++)
		for (int64_t e = g.out.offsets[v]; e < g.out.offsets[v + 1]; e++)
		{
			uint32_t	u = g.out.neighbors[e];

			g.out.weights[e] = rk_hash3(1, v < u || directed ? v : u, v < u || directed ? u : v) % 4;
		}
	p.source = g.nodes / 3;
	for (int64_t i = 0; i < g.nodes && rk_degree(&g.out, p.source) == 0; i++)
		p.source = (p.source + 1) % g.nodes;
	params.source = p.source;
	distance = rk_alloc(&ctx, g.nodes, sizeof(double));
	predecessor = rk_alloc(&ctx, g.nodes, sizeof(uint32_t));
	hops = rk_alloc(&ctx, g.nodes, sizeof(int64_t));
	device_distance = rk_alloc(&ctx, g.nodes, sizeof(double));
	device_hops = rk_alloc(&ctx, g.nodes, sizeof(uint32_t));
	device_predecessor = rk_alloc(&ctx, g.nodes, sizeof(uint32_t));
	cpu_seconds = now();
	must(&ctx, rk_graph_shortest_path(&ctx, &g, &p, distance, predecessor, hops));
	cpu_seconds = now() - cpu_seconds;
	call.output[0] = (rk_cuda_output) {device_distance, g.nodes * (int64_t) sizeof(double)};
	call.output[1] = (rk_cuda_output) {device_hops, g.nodes * (int64_t) sizeof(uint32_t)};
	call.output[2] = (rk_cuda_output) {device_predecessor, g.nodes * (int64_t) sizeof(uint32_t)};
	call.graph = load(h, what, &g, &call.usage);
	if (call.graph && g.arcs == 0)
		h->table->free_graph(h->device, call.graph);
	else if (call.graph)
	{
		if (run_device(h, what, &call, &device_seconds))
		{
			int64_t		wrong = 0;
			int64_t		reached = 0;

			for (int64_t v = 0; v < g.nodes; v++)
			{
				reached += hops[v] >= 0;
				wrong += distance[v] != device_distance[v] || predecessor[v] != device_predecessor[v] ||
					(hops[v] < 0 ? UINT32_MAX : (uint32_t) hops[v]) != device_hops[v];
			}
			snprintf(difference, sizeof(difference), "%lld reached, %lld wrong", (long long) reached, (long long) wrong);
			report(h, what, wrong == 0, difference, cpu_seconds, device_seconds, &call.usage);
		}
		h->table->free_graph(h->device, call.graph);
	}
	rk_ctx_destroy(&ctx);
}

/* What the CPU has to refuse, or may not have room for. */
static void
check_refusals(harness *h)
{
	static const double bad[] = {-1, NAN, INFINITY, 1e308};

	for (int k = 0; k < 4; k++)
	{
		rk_ctx		ctx;
		rk_graph_options options = {.directed = true, .want_out = true, .parallel = RK_EDGES_MIN};
		rk_cuda_length_params params = {.max_distance = INFINITY};
		rk_cuda_call call = {.kernel = RK_CUDA_LENGTHS, .params = &params, .params_bytes = sizeof(params)};
		double		distance[60];
		uint32_t	numbers[2][60];
		rk_graph	g;

		begin_ctx(h, &ctx);
		g = make_graph(h, &ctx, &(graph_case) {"", SHAPE_PATH, 60, 59}, 1, true, &options);
		g.out.weights[g.arcs / 2] = bad[k];
		call.output[0] = (rk_cuda_output) {distance, g.nodes * (int64_t) sizeof(double)};
		for (int i = 0; i < 2; i++)
			call.output[1 + i] = (rk_cuda_output) {numbers[i], g.nodes * (int64_t) sizeof(uint32_t)};
		call.graph = load(h, "lengths refused", &g, &call.usage);
		if (call.graph)
		{
			report(h, "lengths refused", h->table->run(h->device, &call) == RK_CUDA_DECLINED, call.error.message, 1, 1,
				   &call.usage);
			h->table->free_graph(h->device, call.graph);
		}
		rk_ctx_destroy(&ctx);
	}
}

void
check_lengths(harness *h)
{
	static const graph_case path = {"short path", SHAPE_PATH, 90, 89};

	for (const graph_case *c = graph_cases; c->name; c++)
		/* a step for every node of a path is too slow an emulation */
		for (int k = 0; k < 4; k++)
			check_case(h, c->shape == SHAPE_PATH && c->nodes > 100 ? &path : c, k & 1, k == 2 ? 0.5 : INFINITY, k == 3 || k == 0);
	if (h->scale <= 1)
		check_refusals(h);
}
