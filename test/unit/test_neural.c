/*
 * test_neural.c
 *	  Layers against their formulas on the full matrix, worked numbers, and the
 *	  sweeps.
 */
#include "support.h"

#include "../../src/graph/neural/neural.h"

#define MAX 40
#define WIDE_MAX 320

/* Numbers in (-1, 1). */
static double *
numbers(uint64_t seed, int64_t count)
{
	double	   *x = malloc(sizeof(double) * (count + 1));

	for (int64_t i = 0; i < count; i++)
		x[i] = 2 * rk_uniform(rk_hash2(seed, i)) - 1;
	return x;
}

/* The graph as a matrix: w[v][u] of u -> v, without loops. */
static void
make_matrix(const rk_edges *e, bool directed, bool weighted, double w[MAX][MAX])
{
	memset(w, 0, sizeof(double) * MAX * MAX);
	for (int64_t i = 0; i < e->count; i++)
	{
		uint32_t	u = e->source[i];
		uint32_t	v = e->target[i];

		if (u == v)
			continue;
		w[v][u] = weighted ? w[v][u] + e->weight[i] : 1;
		if (!directed)
			w[u][v] = weighted ? w[u][v] + e->weight[i] : 1;
	}
}

static double
activate(rk_activation a, double x)
{
	switch (a)
	{
		case RK_ACTIVATION_RELU:
			return fmax(x, 0);
		case RK_ACTIVATION_LEAKY_RELU:
			return x > 0 ? x : 0.01 * x;
		case RK_ACTIVATION_ELU:
			return x > 0 ? x : exp(x) - 1;
		case RK_ACTIVATION_GELU:
			return x * 0.5 * erfc(-x / sqrt(2));
		case RK_ACTIVATION_SIGMOID:
			return 1 / (1 + exp(-x));
		case RK_ACTIVATION_TANH:
			return tanh(x);
		default:
			return x;
	}
}

/* One layer by its definition; x and z have n rows. */
static void
layer_by_definition(double w[MAX][MAX], int n, bool loops, const rk_gnn_layer *l, const double *x, double *z)
{
	for (int v = 0; v < n; v++)
	{
		double		a[WIDE_MAX];
		double	   *y = z + v * l->out;

		for (int c = 0; c < l->in; c++)
		{
			double		sum = 0;
			double		of = 0;
			double		most = -INFINITY;

			for (int u = 0; u < n; u++)
			{
				bool		self = u == v;
				double		plain = self ? loops : w[v][u] != 0;
				double		weight = self ? loops : w[v][u];
				double		d_u = loops;
				double		d_v = loops;

				if (plain == 0 && !(self && l->aggregation == RK_AGGREGATE_GIN))
					continue;
				for (int t = 0; t < n; t++)
				{
					d_u += t == u ? 0 : w[u][t];
					d_v += t == v ? 0 : w[v][t];
				}
				most = fmax(most, x[u * l->in + c]);
				if (l->aggregation == RK_AGGREGATE_SAGE || l->aggregation == RK_AGGREGATE_GIN)
					weight = self ? l->aggregation == RK_AGGREGATE_GIN ? 1 + l->epsilon : 0 : 1;
				if (l->aggregation == RK_AGGREGATE_GCN)
					weight = d_u * d_v > 0 ? weight / sqrt(d_u) / sqrt(d_v) : 0;
				sum += weight * x[u * l->in + c];
				of += weight;
			}
			if (l->aggregation == RK_AGGREGATE_MEAN || l->aggregation == RK_AGGREGATE_SAGE)
				sum = of > 0 ? sum / of : 0;
			a[c] = l->aggregation != RK_AGGREGATE_MAX ? sum : most > -INFINITY ? most : 0;
		}
		for (int c = 0; c < l->out; c++)
		{
			y[c] = l->bias ? l->bias[c] : 0;
			for (int k = 0; k < l->in; k++)
			{
				y[c] += a[k] * l->weight[k * l->out + c];
				if (l->self_weight)
					y[c] += x[v * l->in + k] * l->self_weight[k * l->out + c];
			}
			y[c] = activate(l->activation, y[c]);
		}
		if (l->normalize)
		{
			double		mean = 0;
			double		variance = 0;

			for (int c = 0; c < l->out; c++)
				mean += y[c] / l->out;
			for (int c = 0; c < l->out; c++)
				variance += (y[c] - mean) * (y[c] - mean) / l->out;
			for (int c = 0; c < l->out; c++)
				y[c] = (y[c] - mean) / sqrt(variance + l->eps) * (l->gamma ? l->gamma[c] : 1) + (l->beta ? l->beta[c] : 0);
		}
	}
}

static rk_status
build(rk_ctx *ctx, const rk_edges *e, bool directed, bool weighted, rk_graph *g)
{
	rk_graph_options o = {.directed = directed,.drop_loops = true,.want_in = true,
	.parallel = weighted ? RK_EDGES_SUM : RK_EDGES_COLLAPSE};
	rk_edges	edges = *e;

	if (!weighted)
		edges.weight = NULL;
	return rk_graph_build(ctx, &edges, &o, g);
}

static void
layers_agree_with_their_definition(void **state)
{
	(void) state;
	for (uint64_t round = 0; round < 400; round++)
	{
		int			n = 1 + rk_hash2(round, 1) % MAX;
		test_edges	e = random_edges(round, n, rk_hash2(round, 2) % (4 * n), true);
		bool		directed = round % 2;
		bool		weighted = round / 2 % 2;
		rk_compute_type type = round / 4 % 2;
		double		tolerance = type == RK_COMPUTE_FLOAT4 ? 2e-5 : 1e-12;
		static double w[MAX][MAX];
		double	   *matrices[3][5];
		rk_gnn_layer layer[3] = {0};
		rk_gnn_model model = {.add_self_loops = round / 8 % 2,.layers = 1 + rk_hash2(round, 3) % 3,.layer = layer,
		.output = rk_hash2(round, 4) % 3};
		int64_t		width = 1 + rk_hash2(round, 5) % (round % 10 ? 30 : WIDE_MAX - 1);
		double	   *features = numbers(round, n * width);
		double	   *x = malloc(sizeof(double) * n * WIDE_MAX);
		double	   *z = malloc(sizeof(double) * n * WIDE_MAX);
		double		largest = 1;
		rk_gnn_result result;
		rk_graph	g;
		rk_ctx		ctx;

		make_matrix(&e.edges, directed, weighted, w);
		memcpy(x, features, sizeof(double) * n * width);
		for (int l = 0; l < model.layers; l++)
		{
			int64_t		out = 1 + rk_hash3(round, l, 6) % 40;

			matrices[l][0] = numbers(rk_hash3(round, l, 7), width * out);
			matrices[l][1] = numbers(rk_hash3(round, l, 8), out);
			matrices[l][2] = numbers(rk_hash3(round, l, 9), width * out);
			matrices[l][3] = numbers(rk_hash3(round, l, 10), out);
			matrices[l][4] = numbers(rk_hash3(round, l, 11), out);
			for (int64_t i = 0; i < width * out; i++)
			{
				matrices[l][0][i] /= sqrt(width);
				matrices[l][2][i] /= sqrt(width);
			}
			layer[l] = (rk_gnn_layer) {
				.in = width,.out = out,.weight = matrices[l][0],
				.bias = rk_hash3(round, l, 12) % 2 ? matrices[l][1] : NULL,
				.aggregation = rk_hash3(round, l, 13) % 6,
				.activation = rk_hash3(round, l, 14) % 7,
				.normalize = out > 3 && rk_hash3(round, l, 15) % 2,
				.gamma = rk_hash3(round, l, 16) % 2 ? matrices[l][3] : NULL,
				.beta = rk_hash3(round, l, 16) % 2 ? matrices[l][4] : NULL,
				.eps = 0.1,.epsilon = 0.25
			};
			if (layer[l].aggregation == RK_AGGREGATE_SAGE || rk_hash3(round, l, 17) % 3 == 0)
				layer[l].self_weight = matrices[l][2];
			layer_by_definition(w, n, model.add_self_loops, &layer[l], x, z);
			memcpy(x, z, sizeof(double) * n * out);
			width = out;
		}
		rk_ctx_init(&ctx);
		ctx.threads = 1 + round % 3;
		assert_int_equal(build(&ctx, &e.edges, directed, weighted, &g), RK_OK);
		assert_int_equal(rk_graph_gnn_inference(&ctx, &g, features, &model, type, &result), RK_OK);
		for (int i = 0; i < n * width; i++)
			largest = fmax(largest, fabs(x[i]));
		for (int i = 0; i < n * width; i++)
			assert_true(fabs(result.embedding[i] - x[i]) <= tolerance * largest);
		assert_true((result.prediction == NULL) == (model.output == RK_OUTPUT_NONE && width == 1));
		assert_true((result.probabilities == NULL) == (model.output == RK_OUTPUT_NONE));
		for (int v = 0; v < n; v++)
		{
			double		sum = 0;

			for (int c = 0; c < width; c++)
			{
				if (result.prediction && c < result.prediction[v])
					assert_true(result.embedding[v * width + c] < result.embedding[v * width + result.prediction[v]]);
				if (result.prediction)
					assert_true(result.embedding[v * width + c] <= result.embedding[v * width + result.prediction[v]]);
				if (result.probabilities)
					sum += result.probabilities[v * width + c];
				if (model.output == RK_OUTPUT_SIGMOID)
					assert_true(fabs(result.probabilities[v * width + c] - 1 / (1 + exp(-result.embedding[v * width + c]))) < 1e-12);
			}
			if (model.output == RK_OUTPUT_SOFTMAX)
				assert_true(fabs(sum - 1) < 1e-12);
		}
		rk_ctx_destroy(&ctx);
		for (int l = 0; l < model.layers; l++)
			for (int i = 0; i < 5; i++)
				free(matrices[l][i]);
		free(features);
		free(x);
		free(z);
		free_edges(&e);
	}
}

static void
attention_agrees_with_its_definition(void **state)
{
	(void) state;
	for (uint64_t round = 0; round < 300; round++)
	{
		int			n = 1 + rk_hash2(round, 1) % MAX;
		test_edges	e = random_edges(round, n, rk_hash2(round, 2) % (4 * n), true);
		bool		directed = round % 2;
		rk_compute_type type = round / 2 % 2;
		double		tolerance = type == RK_COMPUTE_FLOAT4 ? 2e-5 : 1e-12;
		int			in = 1 + rk_hash2(round, 3) % 20;
		int			width = 1 + rk_hash2(round, 4) % 20;
		rk_attention_head head[3];
		rk_attention_model m = {.second = round / 4 % 2,.negative_slope = 0.2,.concat = round / 8 % 2,.in = in,
			.width = width,.heads = 1 + rk_hash2(round, 5) % 3,.head = head,.activation = rk_hash2(round, 6) % 7};
		int			columns = m.concat ? m.heads * width : width;
		double	   *features = numbers(round, n * in);
		double	   *output = numbers(round + 1000, columns * 5);
		double	   *bias = numbers(round + 2000, 100);
		double	   *heads[3][4];
		double	   *joined = calloc(n * columns, sizeof(double));
		double	   *importance = calloc(n * 3, sizeof(double));
		static double w[MAX][MAX];
		rk_attention_result result;
		rk_graph	g;
		rk_ctx		ctx;

		if (round % 3 == 0)
		{
			m.output_weight = output;
			m.out = 5;
		}
		if (round % 5 < 3)
			m.bias = bias;
		for (int h = 0; h < 3; h++)
		{
			for (int i = 0; i < 4; i++)
				heads[h][i] = numbers(rk_hash3(round, h, 20 + i), in * width + 2 * width);
			head[h] = (rk_attention_head) {
				heads[h][0], heads[h][1], heads[h][2], heads[h][3]
			};
			if (round % 4 == 0)
				head[h].key = head[h].value = head[h].query;
			else if (round % 4 == 1)
				head[h].value = head[h].key;
			else if (round % 4 == 2)
				head[h].value = head[h].query;
		}
		make_matrix(&e.edges, directed, false, w);
		rk_ctx_init(&ctx);
		ctx.threads = 1 + round % 3;
		assert_int_equal(build(&ctx, &e.edges, directed, false, &g), RK_OK);
		assert_int_equal(rk_graph_graph_attention(&ctx, &g, features, &m, type, round % 7 < 4, &result), RK_OK);
		assert_int_equal(result.out, m.output_weight ? 5 : columns);
		for (int h = 0; h < m.heads; h++)
		{
			static double q[3][MAX][24];

			for (int v = 0; v < n; v++)
				for (int c = 0; c < width; c++)
					for (int part = 0; part < 3; part++)
					{
						const double *matrix = part == 0 ? head[h].query : part == 1 ? head[h].key : head[h].value;

						q[part][v][c] = 0;
						for (int k = 0; k < in; k++)
							q[part][v][c] += features[v * in + k] * matrix[k * width + c];
					}
			for (int i = 0; i < n; i++)
			{
				double		alpha[MAX];
				double		sum = 0;
				int64_t		at = result.offsets[i];

				for (int j = 0; j < n; j++)
				{
					double		score = 0;

					for (int c = 0; c < width; c++)
						score += m.second ? head[h].attention[c] * fmax(q[0][i][c] + q[1][j][c], 0.2 * (q[0][i][c] + q[1][j][c])) :
							head[h].attention[c] * q[0][i][c] + head[h].attention[width + c] * q[1][j][c];
					if (!m.second)
						score = fmax(score, 0.2 * score);
					alpha[j] = j == i || w[i][j] != 0 ? exp(score) : 0;
					sum += alpha[j];
				}
				for (int j = 0; j < n; j++)
				{
					if (alpha[j] == 0)
						continue;
					alpha[j] /= sum;
					assert_int_equal(result.neighbors[at], j);
					if (result.attention)
						assert_int_equal(result.nodes[at], i);
					if (result.attention)
						assert_true(fabs(result.attention[h * result.offsets[n] + at] - alpha[j]) <= 3 * tolerance);
					at++;
					importance[j * m.heads + h] += alpha[j];
					for (int c = 0; c < width; c++)
						joined[i * columns + (m.concat ? h * width : 0) + c] += alpha[j] * q[2][j][c] / (m.concat ? 1 : m.heads);
				}
				assert_int_equal(at, result.offsets[i + 1]);
			}
		}
		for (int v = 0; v < n; v++)
		{
			int			looks = 1;

			for (int u = 0; u < n; u++)
				looks += w[u][v] != 0;
			for (int h = 0; h < m.heads; h++)
				assert_true(fabs(result.importance[v * m.heads + h] - importance[v * m.heads + h] / looks) <= 3 * tolerance);
			for (int c = 0; c < result.out; c++)
			{
				double		y = m.output_weight ? 0 : joined[v * columns + c];

				for (int k = 0; m.output_weight && k < columns; k++)
					y += joined[v * columns + k] * output[k * 5 + c];
				y = activate(m.activation, y + (m.bias ? bias[c] : 0));
				assert_true(fabs(result.embedding[v * result.out + c] - y) <= 10 * tolerance * fmax(1, fabs(y)));
			}
		}
		rk_ctx_destroy(&ctx);
		for (int h = 0; h < 3; h++)
			for (int i = 0; i < 4; i++)
				free(heads[h][i]);
		free(features);
		free(output);
		free(bias);
		free(joined);
		free(importance);
		free_edges(&e);
	}
}

/* A path 1 - 2 - 3 whose numbers can be checked by hand. */
static void
worked_numbers(void **state)
{
	test_edges	e = LITERAL_EDGES(3, {0, 1}, {1, 2});
	double		features[] = {1, 0, 0, 1, 1, 1};
	double		unit[] = {1, 0, 0, 1};
	double		weight[] = {1, 2, -1, 1};
	double		bias[] = {0.5, -0.5};
	double		gcn[] = {0.5, 0.40824829, 0.81649658, 0.74158162, 0.5, 0.90824829};
	double		mean[] = {0.5, 1, 0.5, 1.5, 0, 1.5};
	double		two[] = {-0.99995001, 0.99995001, -0.99996371, 0.99996371, -0.99998556, 0.99998556};
	double		gat[] = {1, 0, 0, 1};
	double		alpha[] = {0.26894142, 0.73105858, 0.1553624, 0.4223188, 0.4223188, 0.5, 0.5};
	rk_gnn_layer layer[2] = {
		{.in = 2,.out = 2,.weight = unit,.aggregation = RK_AGGREGATE_GCN,.activation = RK_ACTIVATION_NONE}
	};
	rk_gnn_model model = {.add_self_loops = true,.layers = 1,.layer = layer};
	rk_attention_head head = {unit, unit, unit, gat};
	rk_attention_model attention = {.negative_slope = 0.2,.concat = true,.in = 2,.width = 2,.heads = 1,.head = &head,
	.activation = RK_ACTIVATION_NONE};
	double		drawn[4];
	double		expected[] = {-0.5109420521, -0.4463729299, 0.2792410949, -0.2529075590};
	rk_gnn_result result;
	rk_attention_result found;
	rk_graph	g;
	rk_ctx		ctx;

	(void) state;
	rk_ctx_init(&ctx);
	assert_int_equal(build(&ctx, &e.edges, false, false, &g), RK_OK);
	assert_int_equal(rk_graph_gnn_inference(&ctx, &g, features, &model, RK_COMPUTE_FLOAT8, &result), RK_OK);
	for (int i = 0; i < 6; i++)
		assert_true(fabs(result.embedding[i] - gcn[i]) < 1e-8);
	layer[0] = (rk_gnn_layer) {
		.in = 2,.out = 2,.weight = weight,.bias = bias,.aggregation = RK_AGGREGATE_MEAN,.activation = RK_ACTIVATION_NONE
	};
	assert_int_equal(rk_graph_gnn_inference(&ctx, &g, features, &model, RK_COMPUTE_FLOAT8, &result), RK_OK);
	for (int i = 0; i < 6; i++)
		assert_true(fabs(result.embedding[i] - mean[i]) < 1e-12);
	assert_true(fabs(result.probabilities[0] - 0.37754067) < 1e-8);
	assert_int_equal(result.prediction[2], 1);
	layer[0].activation = RK_ACTIVATION_RELU;
	layer[0].normalize = true;
	layer[0].eps = 1e-5;
	layer[1] = (rk_gnn_layer) {
		.in = 2,.out = 2,.weight = unit,.aggregation = RK_AGGREGATE_MEAN,.activation = RK_ACTIVATION_NONE
	};
	model.layers = 2;
	assert_int_equal(rk_graph_gnn_inference(&ctx, &g, features, &model, RK_COMPUTE_FLOAT8, &result), RK_OK);
	for (int i = 0; i < 6; i++)
		assert_true(fabs(result.embedding[i] - two[i]) < 1e-8);
	assert_int_equal(rk_graph_graph_attention(&ctx, &g, features, &attention, RK_COMPUTE_FLOAT8, true, &found), RK_OK);
	for (int i = 0; i < 7; i++)
		assert_true(fabs(found.attention[i] - alpha[i]) < 1e-7);
	rk_graph_gnn_init(0, 0, 2, 2, drawn);
	for (int i = 0; i < 4; i++)
		assert_true(fabs(drawn[i] - expected[i]) < 1e-10);
	rk_ctx_destroy(&ctx);
	free_edges(&e);
}

static void
bad_input_is_an_error(void **state)
{
	test_edges	e = LITERAL_EDGES(2, {0, 1});
	double		unit[] = {1, 0, 0, 1};
	double		huge[] = {1e308, 1e308, 1e308, 1e308};
	double		nothing[] = {1, NAN, 0, 1};
	rk_gnn_layer layer[2] = {{.in = 2,.out = 2,.weight = unit}, {.in = 1,.out = 2,.weight = unit}};
	rk_gnn_layer sage = {.in = 2,.out = 2,.weight = unit,.aggregation = RK_AGGREGATE_SAGE};
	rk_gnn_layer large = {.in = 2,.out = 2,.weight = huge,.activation = RK_ACTIVATION_NONE};
	rk_attention_head head = {unit, unit, unit, unit};
	rk_attention_model slope = {.negative_slope = -1,.in = 2,.width = 2,.heads = 1,.head = &head};
	rk_gnn_model model = {.layers = 2,.layer = layer,.add_self_loops = true};
	rk_gnn_result result;
	rk_attention_result found;
	rk_graph	g;
	rk_ctx		ctx;

	(void) state;
	for (int i = 0; i < 6; i++)
	{
		rk_ctx_init(&ctx);
		assert_int_equal(build(&ctx, &e.edges, false, false, &g), RK_OK);
		model.layers = i == 0 ? 2 : i == 1 ? 0 : 1;
		model.layer = i == 2 ? &sage : i == 4 ? &large : layer;
		if (i == 5)
			assert_int_equal(rk_graph_graph_attention(&ctx, &g, unit, &slope, RK_COMPUTE_FLOAT8, false, &found), RK_ERR_PARAMETER);
		else
			assert_int_equal(rk_graph_gnn_inference(&ctx, &g, i == 3 ? nothing : i == 4 ? huge : unit, &model, RK_COMPUTE_FLOAT8, &result),
							 i == 3 ? RK_ERR_DATA : i == 4 ? RK_ERR_OVERFLOW : RK_ERR_PARAMETER);
		rk_ctx_destroy(&ctx);
	}
	free_edges(&e);
}

/* ---- sweeps ---- */

static rk_compute_type sweep_type;
static int sweep_form;
static double *sweep_numbers;

enum
{
	IN = 20, OUT = 9
};

static rk_status
run_gnn(rk_ctx *ctx, const rk_edges *edges, void *result)
{
	rk_gnn_layer layer[2] = {
		{.in = IN,.out = OUT,.weight = sweep_numbers,.self_weight = sweep_numbers + 300,
		.aggregation = sweep_form,.normalize = true,.eps = 1e-5},
		{.in = OUT,.out = OUT,.weight = sweep_numbers + 100,.aggregation = (sweep_form + 1) % 6,
		.self_weight = sweep_numbers + 500}
	};
	rk_gnn_model model = {.add_self_loops = true,.layers = 2,.layer = layer};
	rk_gnn_result r;
	rk_graph	g;
	rk_status	status = build(ctx, edges, true, true, &g);
	int64_t		before;

	if (status != RK_OK)
		return status;
	before = ctx->memory_peak = ctx->memory_used;
	status = rk_graph_gnn_inference(ctx, &g, sweep_numbers, &model, sweep_type, &r);
	if (status == RK_OK)
	{
		memcpy(result, r.probabilities, sizeof(double) * g.nodes * OUT);
		assert_true(ctx->memory_peak - before <= rk_graph_gnn_inference_memory(g.nodes, &model, sweep_type) + 8 * (2 << 20));
	}
	return status;
}

static rk_status
run_attention(rk_ctx *ctx, const rk_edges *edges, void *result)
{
	const double *x = sweep_numbers;
	rk_attention_head head[2] = {{x, x + 200, x + 400, x + 600}, {x + 50, x + 50, x + 50, x + 50}};
	rk_attention_model model = {.second = sweep_form % 2,.negative_slope = 0.1,.concat = sweep_form / 2 % 2,.in = IN,.width = OUT,
		.heads = 2,.head = head,.out = OUT,.output_weight = x,.bias = x};
	rk_attention_result r;
	rk_graph	g;
	rk_status	status = build(ctx, edges, true, false, &g);
	int64_t		before;

	if (status != RK_OK)
		return status;
	before = ctx->memory_peak = ctx->memory_used;
	status = rk_graph_graph_attention(ctx, &g, sweep_numbers, &model, sweep_type, sweep_form == 0, &r);
	if (status == RK_OK)
	{
		double	   *all = result;

		memcpy(all, r.embedding, sizeof(double) * g.nodes * OUT);
		for (int64_t v = 0; v < g.nodes; v++)
			all[v] += r.importance[v];
		assert_true(ctx->memory_peak - before <= rk_graph_graph_attention_memory(g.nodes, g.arcs, &model, sweep_type, sweep_form == 0) +
					8 * (2 << 20));
	}
	return status;
}

static void
all_kernels_pass_the_sweeps(void **state)
{
	test_edges	e = random_edges(3, 3000, 30000, true);

	(void) state;
	/* a hub, so that a row has many tiles */
	for (int64_t i = 0; i < 9000; i++)
		e.target[i] = 7;
	sweep_numbers = numbers(5, 3000 * IN);
	for (int i = 0; i < 12; i++)
	{
		sweep_type = i % 2;
		sweep_form = i / 2;
		assert_thread_independent(run_gnn, &e.edges, sizeof(double) * 3000 * OUT);
		if (i % 4 < 2)
			assert_thread_independent(run_attention, &e.edges, sizeof(double) * 3000 * OUT);
		if (i > 1 && i < 10)
			continue;
		assert_survives_allocation_failures(run_gnn, &e.edges, sizeof(double) * 3000 * OUT);
		assert_survives_allocation_failures(run_attention, &e.edges, sizeof(double) * 3000 * OUT);
		assert_cancellable(run_gnn, &e.edges, sizeof(double) * 3000 * OUT);
		assert_cancellable(run_attention, &e.edges, sizeof(double) * 3000 * OUT);
	}
	free(sweep_numbers);
	free_edges(&e);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(layers_agree_with_their_definition),
		cmocka_unit_test(attention_agrees_with_its_definition),
		cmocka_unit_test(worked_numbers),
		cmocka_unit_test(bad_input_is_an_error),
		cmocka_unit_test(all_kernels_pass_the_sweeps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
