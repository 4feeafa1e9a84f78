/*
 * similar_pairs.c
 *	  All similar pairs that the device finds against those of the CPU: the same
 *	  rows to the last bit, and in the same order where there is one.
 */
#include "harness.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/graph/similarity/similarity.h"

/* The four measures, two of them with weights as well. */
typedef enum measure
{
	JACCARD, COSINE, ADAMIC_ADAR, COMMON, RUZICKA, COSINE_VECTORS, MEASURES
} measure;

static const char *const names[] = {"jaccard", "cosine", "adamic-adar", "common", "ruzicka", "cosine of weights"};

typedef struct row
{
	uint32_t	a;
	uint32_t	b;
	uint32_t	common;
	uint32_t	nothing;		/* 0: rows are compared as bytes */
	double		score;
} row;

typedef struct row_list
{
	row		   *rows;
	int64_t		count;
} row_list;

/* What the search of the stream needs to be made by the device. */
typedef struct device_search
{
	harness    *h;
	const char *what;
	const rk_graph *g;
	bool		in;
	int64_t		room;			/* rows of a call; 0: as many as the stream has */
	double		seconds;
	int64_t		calls;
	bool		failed;
	rk_cuda_graph *graph;
	rk_cuda_usage usage;
} device_search;

static bool
search_on_device(void *arg, rk_pair_search *search)
{
	device_search *d = arg;
	int64_t		n = d->g->nodes;
	int64_t		arcs = d->g->arcs;
	const rk_adjacency *rows = d->in ? &d->g->in : &d->g->out;
	bool		replaced = search->row_weights && search->row_weights != rows->weights;
	rk_cuda_similar_pairs_params params = {
		.lowest = search->lowest, .threshold = search->threshold, .begin = search->begin, .top_k = search->top_k,
		.per_node = search->per_node, .term = search->term, .score = search->score, .power = search->power,
		.by_size = search->by_size, .exclude_connected = search->exclude_connected, .in = d->in
	};
	rk_cuda_call call = {
		.kernel = RK_CUDA_SIMILAR_PAIRS, .params = &params, .params_bytes = sizeof(params), .graph = d->graph
	};
	int64_t		room = d->room && d->room < search->capacity ? d->room : search->capacity;
	double		seconds;

	if (search->top_k)
		room = search->top_k;
	call.input[0] = (rk_cuda_input) {search->size, n * (int64_t) sizeof(double)};
	if (search->value)
		call.input[1] = (rk_cuda_input) {search->value, n * (int64_t) sizeof(double)};
	if (replaced)
	{
		call.input[2] = (rk_cuda_input) {search->row_weights, arcs * (int64_t) sizeof(double)};
		call.input[3] = (rk_cuda_input) {search->column_weights, arcs * (int64_t) sizeof(double)};
	}
	call.output[0] = (rk_cuda_output) {search->rows->a, room * (int64_t) sizeof(uint32_t)};
	call.output[1] = (rk_cuda_output) {search->rows->b, room * (int64_t) sizeof(uint32_t)};
	call.output[2] = (rk_cuda_output) {search->rows->common, room * (int64_t) sizeof(uint32_t)};
	call.output[3] = (rk_cuda_output) {search->rows->score, room * (int64_t) sizeof(double)};
	if (!run_device(d->h, d->what, &call, &seconds))
	{
		d->failed = true;
		return false;
	}
	d->seconds += seconds;
	d->usage.bytes_to += call.usage.bytes_to;
	d->usage.bytes_moved += call.usage.bytes_moved;
	d->calls++;
	search->rows->count = call.counts[0];
	search->next = call.counts[1];
	return true;
}

/* Reads the whole stream. */
static row_list
read_rows(rk_ctx *ctx, measure m, const rk_graph *g, rk_neighborhood direction, const rk_similarity_params *params)
{
	rk_neighbor_similarity *s;
	row_list	list = {NULL, 0};
	int64_t		capacity = 0;

	switch (m)
	{
		case JACCARD:
		case RUZICKA:
			must(ctx, rk_graph_jaccard_similarity(ctx, g, direction, params, &s));
			break;
		case COSINE:
		case COSINE_VECTORS:
			must(ctx, rk_graph_cosine_similarity(ctx, g, direction, params, &s));
			break;
		case ADAMIC_ADAR:
			must(ctx, rk_graph_adamic_adar(ctx, g, direction, RK_WEIGHTING_LOG, params, &s));
			break;
		default:
			must(ctx, rk_graph_common_neighbors(ctx, g, direction, params, &s));
	}
	for (;;)
	{
		rk_similarity_rows rows;

		must(ctx, rk_graph_neighbor_similarity_next(s, &rows));
		if (rows.count == 0)
			break;
		if (list.count + rows.count > capacity)
		{
			capacity = 2 * (list.count + rows.count);
			list.rows = realloc(list.rows, sizeof(row) * capacity);
			if (list.rows == NULL)
				must(ctx, RK_ERR_MEMORY);
		}
		for (int64_t i = 0; i < rows.count; i++)
			list.rows[list.count++] = (row) {rows.a[i], rows.b[i], rows.common[i], 0, rows.score[i]};
	}
	rk_graph_neighbor_similarity_end(s);
	return list;
}

static int
by_pair(const void *x, const void *y)
{
	const row  *p = x;
	const row  *q = y;

	if (p->a != q->a)
		return p->a < q->a ? -1 : 1;
	return (p->b > q->b) - (p->b < q->b);
}

static void
check_case(harness *h, const graph_case *c, measure m, rk_neighborhood direction, rk_similarity_params params,
		   int64_t room, bool scaled)
{
	static const char *const directions[] = {"", " out", " in"};
	char		what[96];
	char		difference[64];
	rk_ctx		ctx;
	bool		weighted = m >= RUZICKA;
	rk_graph_options options = {
		.directed = direction != RK_NEIGHBORS_BOTH, .drop_loops = true, .want_out = true, .want_in = true,
		.parallel = weighted ? RK_EDGES_SUM : RK_EDGES_COLLAPSE
	};
	device_search d = {.h = h, .what = what, .in = direction == RK_NEIGHBORS_IN, .room = room};
	int64_t		used = h->table->memory_used(h->device);
	row_list	expected;
	row_list	found;
	double		cpu_seconds;
	rk_graph	g;

	snprintf(what, sizeof(what), "pairs %s %s%s%s%s%s%s%s", c->name, names[m], directions[direction],
			 params.min_score > 0 ? " from" : "", params.top_k ? " top" : "", params.per_node ? " each" : "",
			 params.exclude_connected ? " apart" : "", room ? " in parts" : "");
	begin_ctx(h, &ctx);
	g = make_graph(h, &ctx, c, 9, weighted, &options);
	/* beyond what squares of float8 hold: rows are scaled, and weights are others than the graph's */
	for (int64_t i = 0; scaled && i < g.arcs; i++)
		g.out.weights[i] *= 0x1p300;
	for (int64_t i = 0; scaled && g.directed && i < g.arcs; i++)
		g.in.weights[i] *= 0x1p300;
	cpu_seconds = now();
	expected = read_rows(&ctx, m, &g, direction, &params);
	cpu_seconds = now() - cpu_seconds;
	d.g = &g;
	d.graph = load(h, what, &g, &d.usage);
	if (d.graph)
	{
		int64_t		wrong = 0;

		params.engine = search_on_device;
		params.engine_arg = &d;
		found = read_rows(&ctx, m, &g, direction, &params);
		if (!params.top_k && !params.per_node && found.count > 0)
		{
			/* without limits the rows of a node are in no order */
			qsort(expected.rows, expected.count, sizeof(row), by_pair);
			qsort(found.rows, found.count, sizeof(row), by_pair);
		}
		for (int64_t i = 0; i < found.count && i < expected.count; i++)
			wrong += memcmp(&found.rows[i], &expected.rows[i], sizeof(row)) != 0;
		wrong += llabs(found.count - expected.count);
		if (room && d.calls < 2 && expected.count > room)
			wrong++;
		h->table->free_graph(h->device, d.graph);
		wrong += h->table->memory_used(h->device) != used;
		snprintf(difference, sizeof(difference), "%lld found, %lld wrong", (long long) found.count, (long long) wrong);
		if (!d.failed)
			report(h, what, wrong == 0, difference, cpu_seconds, d.seconds, &d.usage);
		free(found.rows);
	}
	free(expected.rows);
	rk_ctx_destroy(&ctx);
}

bool
compare_best_pairs(harness *h, rk_ctx *ctx, const rk_graph *g, int64_t top_k, double *cpu_seconds, double *seconds,
				   rk_cuda_usage *usage)
{
	rk_similarity_params params = {.top_k = top_k};
	device_search d = {.h = h, .what = "best pairs", .g = g};
	row_list	expected;
	row_list	found;
	bool		equal;

	*cpu_seconds = now();
	expected = read_rows(ctx, JACCARD, g, RK_NEIGHBORS_BOTH, &params);
	*cpu_seconds = now() - *cpu_seconds;
	d.graph = load(h, d.what, g, &d.usage);
	if (d.graph == NULL)
		return false;
	params.engine = search_on_device;
	params.engine_arg = &d;
	found = read_rows(ctx, JACCARD, g, RK_NEIGHBORS_BOTH, &params);
	h->table->free_graph(h->device, d.graph);
	equal = !d.failed && found.count == expected.count &&
		(found.count == 0 || memcmp(found.rows, expected.rows, sizeof(row) * found.count) == 0);
	*seconds = d.seconds;
	*usage = d.usage;
	free(expected.rows);
	free(found.rows);
	return equal;
}

/* A call that is to stop, or cannot be made, gives its memory back. */
static void
check_refusals(harness *h, const graph_case *c)
{
	static const char *const names[] = {"pairs: stops when told", "pairs: no room for a node", "pairs: sizes too short"};
	static const rk_cuda_status expected[] = {RK_CUDA_STOPPED, RK_CUDA_DECLINED, RK_CUDA_DECLINED};
	int32_t		stop = 1;
	int64_t		used = h->table->memory_used(h->device);
	uint32_t	rows[3];
	double		score;
	double	   *size;
	rk_ctx		ctx;
	rk_graph_options options = {.drop_loops = true, .want_out = true, .want_in = true, .parallel = RK_EDGES_COLLAPSE};
	rk_cuda_similar_pairs_params params = {.lowest = 1, .threshold = 1, .score = RK_SCORE_COUNT};
	rk_cuda_usage usage = {0};
	rk_cuda_graph *graph;
	rk_graph	g;

	begin_ctx(h, &ctx);
	g = make_graph(h, &ctx, c, 9, false, &options);
	size = rk_alloc(&ctx, g.nodes, sizeof(double));
	if (size == NULL)
		must(&ctx, RK_ERR_MEMORY);
	for (int64_t u = 0; u < g.nodes; u++)
		size[u] = (double) rk_degree(&g.out, u);
	graph = load(h, names[0], &g, &usage);
	for (int k = 0; graph && k < 3; k++)
	{
		rk_cuda_call call = {
			.kernel = RK_CUDA_SIMILAR_PAIRS, .params = &params, .params_bytes = sizeof(params), .graph = graph,
			.input = {{size, (k == 2 ? 1 : g.nodes) * (int64_t) sizeof(double)}},
			.output = {
				{&rows[0], sizeof(uint32_t)}, {&rows[1], sizeof(uint32_t)}, {&rows[2], sizeof(uint32_t)},
				{&score, sizeof(double)}
			},
			.stop = k == 0 ? &stop : NULL
		};
		rk_cuda_status status;

		/* the first nodes have no rows, or one */
		params.begin = k == 1 ? g.nodes - 1 : 0;
		status = h->table->run(h->device, &call);
		report(h, names[k], status == expected[k], call.error.message, 0, 1, &call.usage);
	}
	if (graph)
		h->table->free_graph(h->device, graph);
	if (h->table->memory_used(h->device) != used)
		report(h, "pairs: memory", false, "is not given back", 0, 1, &usage);
	rk_ctx_destroy(&ctx);
}

void
check_similar_pairs(harness *h)
{
	/* smaller than those of other kernels, whose work is not that of all pairs */
	static const graph_case cases[] = {
		{"random", SHAPE_RANDOM, 300, 1200},
		{"skewed", SHAPE_SKEWED, 500, 1500},
		{"cliques", SHAPE_CLIQUES, 96, 1440},
		{"star", SHAPE_STAR, 150, 150},
		{"path", SHAPE_PATH, 200, 199},
		{"loops", SHAPE_LOOPS, 100, 100},
		{"empty", SHAPE_EMPTY, 100, 0},
		{"two nodes", SHAPE_PATH, 2, 1},
		{"one node", SHAPE_LOOPS, 1, 1}
	};
	static const graph_case dense = {"dense", SHAPE_RANDOM, 150, 3000};
	static const graph_case spokes = {"spokes", SHAPE_SPOKES, 3001, 3000};
	static const graph_case hubs = {"hubs", SHAPE_SKEWED, 1300, 2600};
	/* least scores that leave some */
	static const double least[] = {0.2, 0.3, 1.5, 3, 0.05, 0.4};
	int			round = 0;

	check_refusals(h, &dense);
	for (measure m = JACCARD; m < MEASURES; m++)
	{
		double		none = m == COMMON ? 1 : 0;
		bool		odd = m % 2;
		bool		scaled = m == COSINE_VECTORS;

		/* every case has each direction, and a least score or none, with some of the measures */
		for (int i = 0; i < 9; i++, round++)
			if (i >= 4 || (i + m) % 2 == 0)
				check_case(h, &cases[i], m, round % 3, (rk_similarity_params) {.min_score = round % 2 ? least[m] : none},
						   0, false);
		check_case(h, &hubs, m, odd ? RK_NEIGHBORS_OUT : RK_NEIGHBORS_BOTH,
				   (rk_similarity_params) {.min_score = none, .top_k = m == COSINE ? 1 : 1000}, 0, scaled);
		check_case(h, &hubs, m, odd ? RK_NEIGHBORS_BOTH : RK_NEIGHBORS_IN, (rk_similarity_params) {
			.min_score = odd ? least[m] : none, .per_node = m == ADAMIC_ADAR ? 1024 : 1 + 3 * m
		}, 0, false);
		/* one node has more partners than are sorted as they are */
		if (m == JACCARD || m >= RUZICKA)
			check_case(h, &spokes, m, RK_NEIGHBORS_OUT, (rk_similarity_params) {.min_score = none, .per_node = 5 + 30 * m}, 0, false);
		check_case(h, &dense, m, odd ? RK_NEIGHBORS_IN : RK_NEIGHBORS_OUT,
				   (rk_similarity_params) {.min_score = none, .exclude_connected = true}, 2000, false);
		check_case(h, &dense, m, RK_NEIGHBORS_BOTH, (rk_similarity_params) {
			.min_score = least[m], .exclude_connected = true, .per_node = 7
		}, 300, scaled);
	}
}
