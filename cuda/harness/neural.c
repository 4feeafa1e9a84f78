/*
 * neural.c
 *	  Graph neural networks and attention on the device against those on the CPU:
 *	  within the rounding of what is computed with, predictions but for ties.
 */
#include "harness.h"

#include <math.h>
#include <stdio.h>

#include "../../src/graph/neural/device_form.h"

static double
tolerance_of(rk_compute_type type)
{
	return type == RK_COMPUTE_FLOAT4 ? 1e-4 : 1e-12;
}

/* A layer that no other test has: everything follows from the seed. */
static rk_gnn_layer
make_layer(rk_ctx *ctx, uint64_t seed, int64_t in, int64_t out, rk_aggregation aggregation, rk_activation activation)
{
	rk_gnn_layer l = {
		.in = in, .out = out, .aggregation = aggregation, .activation = activation, .eps = 1e-5, .epsilon = 0.25,
		.weight = make_numbers(ctx, seed, in * out, 1 / sqrt(in))
	};

	if (seed % 3)
		l.bias = make_numbers(ctx, seed + 1, out, 0.5);
	if (seed % 2 || aggregation == RK_AGGREGATE_SAGE)
		l.self_weight = make_numbers(ctx, seed + 2, in * out, 1 / sqrt(in));
	l.normalize = seed % 5 < 2;
	if (seed % 5 == 1)
	{
		l.gamma = make_numbers(ctx, seed + 3, out, 2);
		l.beta = make_numbers(ctx, seed + 4, out, 1);
	}
	return l;
}

/* The network on both; widths and choices follow from the seed. */
static void
check_network(harness *h, const graph_case *c, uint64_t seed, int64_t in, int64_t hidden, int64_t out,
			  rk_aggregation aggregation, rk_gnn_output output, rk_compute_type type)
{
	char		what[80];
	char		difference[40];
	bool		directed = seed % 2;
	bool		weighted = aggregation == RK_AGGREGATE_GCN || seed % 3 == 0;
	rk_ctx		ctx;
	rk_graph_options options = {
		.directed = directed, .drop_loops = true, .want_in = true, .parallel = weighted ? RK_EDGES_SUM : RK_EDGES_COLLAPSE
	};
	rk_gnn_layer layer[2];
	rk_gnn_model model = {.add_self_loops = seed % 4 < 2, .layers = 2, .layer = layer, .output = output};
	rk_gnn_result cpu;
	rk_gnn_result device;
	rk_cuda_gnn_params params;
	rk_neural_arrays arrays;
	rk_cuda_call call = {.kernel = RK_CUDA_GNN, .params = &params, .params_bytes = sizeof(params)};
	double	   *features;
	double		cpu_seconds;
	double		device_seconds;
	rk_graph	g;

	begin_ctx(h, &ctx);
	g = make_graph(h, &ctx, c, seed, weighted, &options);
	layer[0] = make_layer(&ctx, seed * 10, in, hidden, aggregation, (rk_activation) (seed % 7));
	layer[1] = make_layer(&ctx, seed * 10 + 7, hidden, out, (rk_aggregation) ((aggregation + seed) % 6), RK_ACTIVATION_NONE);
	features = make_numbers(&ctx, seed + 99, g.nodes * in, 3);
	snprintf(what, sizeof(what), "gnn %s %lld-%lld-%lld %s", c->name, (long long) in, (long long) hidden, (long long) out,
			 type == RK_COMPUTE_FLOAT4 ? "float4" : "float8");
	cpu_seconds = now();
	must(&ctx, rk_graph_gnn_inference(&ctx, &g, features, &model, type, &cpu));
	cpu_seconds = now() - cpu_seconds;
	must(&ctx, rk_graph_gnn_to_device(&ctx, g.nodes, features, &model, type, &params, &arrays, &device));
	for (int i = 0; i < 3; i++)
		call.input[i] = arrays.input[i];
	call.output[0] = arrays.embedding;
	if (device.prediction)
		call.output[1] = (rk_cuda_output) {device.prediction, g.nodes * (int64_t) sizeof(int64_t)};
	if (device.probabilities)
		call.output[2] = (rk_cuda_output) {device.probabilities, g.nodes * out * (int64_t) sizeof(double)};
	call.graph = load(h, what, &g, &call.usage);
	if (call.graph)
	{
		if (run_device(h, what, &call, &device_seconds))
		{
			double		limit = tolerance_of(type);
			double		d;
			int64_t		wrong = 0;

			rk_neural_from_device(&ctx, type, g.nodes * out, &arrays, device.embedding);
			d = largest_relative(cpu.embedding, device.embedding, g.nodes * out);
			if (cpu.probabilities)
				d = fmax(d, largest_relative(cpu.probabilities, device.probabilities, g.nodes * out));
			for (int64_t v = 0; cpu.prediction && v < g.nodes; v++)
			{
				const double *x = cpu.embedding + v * out;

				wrong += device.prediction[v] < 0 || device.prediction[v] >= out ||
					!(x[device.prediction[v]] >= x[cpu.prediction[v]] - limit * (1 + fabs(x[cpu.prediction[v]])));
			}
			snprintf(difference, sizeof(difference), "%.1e, %lld wrong", d, (long long) wrong);
			report(h, what, d <= limit && wrong == 0, difference, cpu_seconds, device_seconds, &call.usage);
		}
		h->table->free_graph(h->device, call.graph);
	}
	rk_ctx_destroy(&ctx);
}

void
check_gnn(harness *h)
{
	uint64_t	seed = 1;

	/* widths below, at and beyond words, blocks and what float4 adds up */
	static const int64_t widths[][3] = {{5, 3, 2}, {16, 64, 7}, {33, 8, 1}, {40, 70, 4}, {1, 1, 1}, {300, 20, 65}};

	for (const graph_case *c = graph_cases; c->name; c++)
		for (int i = 0; i < 3; i++, seed++)
		{
			/* the widest where nodes are few: it is slow without a device */
			const int64_t *w = widths[seed % 6 == 5 && c->nodes > 700 ? 0 : seed % 6];
			bool		single = w[2] == 1;

			check_network(h, c, seed, w[0], w[1], w[2], (rk_aggregation) ((seed + seed / 6) % 6),
						  single ? RK_OUTPUT_NONE : (rk_gnn_output) (seed / 2 % 3),
						  i == 1 ? RK_COMPUTE_FLOAT8 : RK_COMPUTE_FLOAT4);
		}
	if (h->scale > 1)
		check_network(h, &graph_cases[1], 1000, 64, 64, 16, RK_AGGREGATE_GCN, RK_OUTPUT_SOFTMAX, RK_COMPUTE_FLOAT4);
}

static void
check_layer(harness *h, const graph_case *c, uint64_t seed, int64_t in, int64_t width, int heads, bool second,
			bool concat, int64_t out, bool wanted, rk_compute_type type)
{
	char		what[80];
	char		difference[40];
	rk_ctx		ctx;
	rk_graph_options options = {
		.directed = seed % 2, .drop_loops = true, .want_in = true, .parallel = RK_EDGES_COLLAPSE
	};
	rk_attention_head head[8] = {{0}};
	rk_attention_model model = {
		.second = second, .negative_slope = 0.2, .concat = concat, .in = in, .width = width, .heads = heads, .head = head,
		.activation = (rk_activation) (seed % 7)
	};
	int64_t		columns = concat ? heads * width : width;
	rk_attention_result cpu;
	rk_attention_result device;
	rk_cuda_attention_params params;
	rk_neural_arrays arrays;
	rk_cuda_call call = {.kernel = RK_CUDA_ATTENTION, .params = &params, .params_bytes = sizeof(params)};
	double	   *features;
	double		cpu_seconds;
	double		device_seconds;
	rk_graph	g;

	begin_ctx(h, &ctx);
	g = make_graph(h, &ctx, c, seed, false, &options);
	for (int i = 0; i < heads; i++)
	{
		/* matrices that are shared in every way that there is */
		head[i].query = make_numbers(&ctx, seed * 100 + i, in * width, 1 / sqrt(in));
		head[i].key = (seed + i) % 3 ? make_numbers(&ctx, seed * 100 + i + 10, in * width, 1 / sqrt(in)) : head[i].query;
		head[i].value = (seed + i) % 4 == 0 ? head[i].key : (seed + i) % 4 == 1 ? head[i].query :
			make_numbers(&ctx, seed * 100 + i + 20, in * width, 1 / sqrt(in));
		head[i].attention = make_numbers(&ctx, seed * 100 + i + 30, 2 * width, 2);
	}
	if (out > 0)
	{
		model.out = out;
		model.output_weight = make_numbers(&ctx, seed + 40, columns * out, 1);
	}
	if (seed % 3)
		model.bias = make_numbers(&ctx, seed + 50, out > 0 ? out : columns, 1);
	features = make_numbers(&ctx, seed + 99, g.nodes * in, 2);
	snprintf(what, sizeof(what), "%s %s %d x %lld %s%s", second ? "gatv2" : "gat", c->name, heads, (long long) width,
			 type == RK_COMPUTE_FLOAT4 ? "float4" : "float8", wanted ? " with weights" : "");
	cpu_seconds = now();
	must(&ctx, rk_graph_graph_attention(&ctx, &g, features, &model, type, wanted, &cpu));
	cpu_seconds = now() - cpu_seconds;
	must(&ctx, rk_graph_attention_to_device(&ctx, &g, features, &model, type, wanted, &params, &arrays, &device));
	for (int i = 0; i < 3; i++)
		call.input[i] = arrays.input[i];
	call.output[0] = arrays.embedding;
	call.output[1] = (rk_cuda_output) {device.importance, g.nodes * heads * (int64_t) sizeof(double)};
	if (wanted)
		call.output[2] = (rk_cuda_output) {device.attention, cpu.offsets[g.nodes] * heads * (int64_t) sizeof(double)};
	call.graph = load(h, what, &g, &call.usage);
	if (call.graph)
	{
		if (run_device(h, what, &call, &device_seconds))
		{
			double		d;
			int64_t		wrong = 0;

			rk_neural_from_device(&ctx, type, g.nodes * cpu.out, &arrays, device.embedding);
			d = largest_relative(cpu.embedding, device.embedding, g.nodes * cpu.out);
			d = fmax(d, largest_difference(cpu.importance, device.importance, g.nodes * heads));
			if (wanted)
				d = fmax(d, largest_difference(cpu.attention, device.attention, cpu.offsets[g.nodes] * heads));
			for (int64_t e = 0; wanted && e < cpu.offsets[g.nodes]; e++)
				wrong += cpu.nodes[e] != device.nodes[e] || cpu.neighbors[e] != device.neighbors[e];
			snprintf(difference, sizeof(difference), "%.1e", d);
			report(h, what, d <= tolerance_of(type) && wrong == 0, difference, cpu_seconds, device_seconds, &call.usage);
		}
		h->table->free_graph(h->device, call.graph);
	}
	rk_ctx_destroy(&ctx);
}

void
check_attention(harness *h)
{
	uint64_t	seed = 1;
	static const int64_t shapes[][3] = {{5, 3, 0}, {16, 8, 6}, {33, 20, 0}, {1, 1, 1}, {12, 68, 3}};

	for (const graph_case *c = graph_cases; c->name; c++)
		for (int i = 0; i < 3; i++, seed++)
		{
			const int64_t *s = shapes[seed % 5];

			check_layer(h, c, seed, s[0], s[1], (int) (1 + seed % 3), (int) (seed % 2) != i % 2, seed % 4 < 2, s[2], i != 1,
						i == 2 ? RK_COMPUTE_FLOAT8 : RK_COMPUTE_FLOAT4);
		}
	if (h->scale > 1)
		check_layer(h, &graph_cases[1], 1000, 64, 32, 4, false, true, 0, false, RK_COMPUTE_FLOAT4);
}
