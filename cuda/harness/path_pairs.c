/*
 * path_pairs.c
 *	  Distances of pairs that the device finds against those of the CPU: the same
 *	  rows.
 */
#include "harness.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "../../src/graph/paths/paths.h"

bool
search_path_pairs(void *arg, const rk_path_pairs_work *w)
{
	rk_cuda_path_pairs_params params = {.max_distance = w->max_distance};
	rk_cuda_call call = {.kernel = RK_CUDA_PATH_PAIRS, .params = &params, .params_bytes = sizeof(params)};

	call.input[0] = (rk_cuda_input) {w->sources, w->source_count * (int64_t) sizeof(uint32_t)};
	call.input[1] = (rk_cuda_input) {w->number, w->count * (int64_t) sizeof(uint32_t)};
	call.input[2] = (rk_cuda_input) {w->target, w->count * (int64_t) sizeof(uint32_t)};
	call.output[0] = (rk_cuda_output) {w->hops, w->count * (int64_t) sizeof(uint32_t)};
	if (w->distance)
		call.output[1] = (rk_cuda_output) {w->distance, w->count * (int64_t) sizeof(double)};
	return run_searches(arg, w->graph, &call);
}

/* Rows of a stream, put together to one number. */
typedef struct row_digest
{
	int64_t		rows;
	uint64_t	hash;
} row_digest;

static row_digest
read_rows(rk_ctx *ctx, const rk_graph *g, const rk_path_pairs_params *params)
{
	row_digest	d = {0, 0};
	rk_path_pairs *pairs;
	rk_path_rows rows;

	must(ctx, rk_graph_shortest_path_pairs_begin(ctx, g, params, &pairs));
	for (;;)
	{
		must(ctx, rk_graph_shortest_path_pairs_next(pairs, &rows));
		if (rows.count == 0)
			break;
		for (int64_t i = 0; i < rows.count; i++)
		{
			uint64_t	bits;

			memcpy(&bits, &rows.distance[i], sizeof(bits));
			d.hash = rk_hash3(d.hash, (uint64_t) rows.source[i] << 32 | rows.target[i], bits ^ (uint64_t) rows.hops[i]);
		}
		d.rows += rows.count;
	}
	rk_graph_shortest_path_pairs_end(pairs);
	return d;
}

static void
check_case(harness *h, const graph_case *c, int kind)
{
	char		what[80];
	char		difference[60];
	rk_ctx		ctx;
	bool		directed = kind & 1;
	bool		near = (kind & 2) != 0;
	search_lengths lengths = kind < 4 ? NO_LENGTHS : kind < 6 ? FEW_LENGTHS : MANY_LENGTHS;
	engine_check e = {.h = h, .what = what, .seconds = INFINITY};
	rk_path_pairs_params params = {.max_distance = near ? 3 : INFINITY, .engine = search_path_pairs, .engine_arg = &e};
	row_digest	found[2];
	uint32_t   *pair[2];
	double		cpu_seconds;
	rk_graph	g;

	/* emulated, large graphs take long */
	if (c->nodes > 100 && (c->shape == SHAPE_STAR ? kind % 3 != 0 && kind != 7 : lengths && (kind + c->shape) % 2 == 0))
		return;
	snprintf(what, sizeof(what), "pairs of paths %s%s%s%s", c->name, directed ? "" : " undirected",
			 lengths == NO_LENGTHS ? "" : lengths == FEW_LENGTHS ? " by few lengths" : " by length", near ? " near" : "");
	begin_ctx(h, &ctx);
	g = make_search_graph(h, &ctx, c, 23, directed, lengths);
	params.count = (int64_t) ((lengths ? 30 : 400) * (h->scale > 1 ? h->scale : 1));
	for (int side = 0; side < 2; side++)
	{
		pair[side] = rk_alloc(&ctx, params.count, sizeof(uint32_t));
		if (pair[side] == NULL)
			must(&ctx, RK_ERR_MEMORY);
		/* some sources have many targets; the same pair twice, and nodes with themselves, are among them */
		for (int64_t i = 0; i < params.count; i++)
			pair[side][i] = i % 7 == 6 ? pair[side][i - 1] :
				(uint32_t) (rk_hash2(side && i % 11 ? 2 : 1, i) % (side || i % 3 ? (uint64_t) g.nodes : (uint64_t) g.nodes / 10 + 1));
	}
	params.from = pair[0];
	params.to = pair[1];
	found[1] = read_rows(&ctx, &g, &params);
	params.engine = NULL;
	cpu_seconds = now();
	found[0] = read_rows(&ctx, &g, &params);
	cpu_seconds = now() - cpu_seconds;
	if (e.ok)
	{
		snprintf(difference, sizeof(difference), "%lld of %lld pairs", (long long) found[1].rows, (long long) params.count);
		report(h, what, found[0].rows == found[1].rows && found[0].hash == found[1].hash, difference, cpu_seconds, e.seconds,
			   &e.usage);
	}
	rk_ctx_destroy(&ctx);
}

void
check_path_pairs(harness *h)
{
	/* more than one search, and rows of more than a block's share */
	static const search_sizes sizes = {{500, 2000}, {200, 1500}, {2500, 2500}};

	check_searches(h, &sizes, 8, check_case);
}
