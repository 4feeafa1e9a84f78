/*
 * test_similarity.c
 *	  Neighbour similarities against their definitions on the full matrix, in
 *	  every form of the stream, and through the sweeps.
 */
#include "support.h"

#include "../../src/graph/similarity/similarity.h"

#define MAX 160

typedef enum kernel
{
	JACCARD, COSINE, ADAMIC, RESOURCE, COMMON, KERNELS
} kernel;

/* ---- the definitions ---- */

typedef struct matrix
{
	int			n;
	bool		weighted;
	bool		has[MAX][MAX];	/* z in N(u) */
	double		w[MAX][MAX];
	bool		joined[MAX][MAX];
	int			degree[MAX];	/* how many N contain z */
} matrix;

static void
make_matrix(const rk_edges *e, rk_neighborhood direction, bool weighted, matrix *m)
{
	memset(m, 0, sizeof(*m));
	m->n = (int) e->nodes;
	m->weighted = weighted;
	for (int64_t i = 0; i < e->count; i++)
	{
		uint32_t	u = e->source[i];
		uint32_t	v = e->target[i];

		if (u == v)
			continue;
		m->joined[u][v] = m->joined[v][u] = true;
		if (direction != RK_NEIGHBORS_IN)
		{
			m->has[u][v] = true;
			m->w[u][v] += weighted ? e->weight[i] : 1;
		}
		if (direction != RK_NEIGHBORS_OUT)
		{
			m->has[v][u] = true;
			m->w[v][u] += weighted ? e->weight[i] : 1;
		}
	}
	for (int u = 0; u < m->n; u++)
		for (int z = 0; z < m->n; z++)
			m->degree[z] += m->has[u][z];
}

static double
reference(const matrix *m, kernel k, int a, int b, int *common, int *either)
{
	double		least = 0,
				greatest = 0,
				product = 0,
				square_a = 0,
				square_b = 0,
				adamic = 0,
				resource = 0;

	*common = *either = 0;
	for (int z = 0; z < m->n; z++)
	{
		double		x = m->has[a][z] ? m->weighted ? m->w[a][z] : 1 : 0;
		double		y = m->has[b][z] ? m->weighted ? m->w[b][z] : 1 : 0;
		int			degree = m->degree[z];

		*either += m->has[a][z] || m->has[b][z];
		least += fmin(x, y);
		greatest += fmax(x, y);
		product += x * y;
		square_a += x * x;
		square_b += y * y;
		if (!m->has[a][z] || !m->has[b][z])
			continue;
		++*common;
		adamic += degree > 1 ? 1 / log(degree) : 0;
		resource += degree > 1 ? 1.0 / degree : 0;
	}
	switch (k)
	{
		case JACCARD:
			return greatest > 0 ? least / greatest : 0;
		case COSINE:
			return square_a * square_b > 0 ? product / sqrt(square_a) / sqrt(square_b) : 0;
		case ADAMIC:
			return adamic;
		case RESOURCE:
			return resource;
		default:
			return *common;
	}
}

/* ---- running ---- */

static int64_t graph_memory;

static rk_status
begin(rk_ctx *ctx, const rk_edges *e, kernel k, rk_neighborhood direction, bool weighted,
	  const rk_similarity_params *p, rk_neighbor_similarity **s)
{
	rk_graph_options o = {.directed = direction != RK_NEIGHBORS_BOTH,.drop_loops = true,.want_out = true,
	.want_in = true,.parallel = weighted ? RK_EDGES_SUM : RK_EDGES_COLLAPSE};
	rk_edges	edges = *e;
	rk_graph	g;
	rk_status	status;

	if (!weighted)
		edges.weight = NULL;
	status = rk_graph_build(ctx, &edges, &o, &g);
	if (status != RK_OK)
		return status;
	/* from here on it is the kernel's memory */
	graph_memory = ctx->memory_peak = ctx->memory_used;
	switch (k)
	{
		case JACCARD:
			return rk_graph_jaccard_similarity(ctx, &g, direction, p, s);
		case COSINE:
			return rk_graph_cosine_similarity(ctx, &g, direction, p, s);
		case ADAMIC:
			return rk_graph_adamic_adar(ctx, &g, direction, RK_WEIGHTING_LOG, p, s);
		case RESOURCE:
			return rk_graph_adamic_adar(ctx, &g, direction, RK_WEIGHTING_INVERSE, p, s);
		default:
			return rk_graph_common_neighbors(ctx, &g, direction, p, s);
	}
}

typedef struct found_row
{
	uint32_t	a;
	uint32_t	b;
	uint32_t	common;
	uint32_t	nothing;		/* 0: rows are compared as bytes */
	double		score;
} found_row;

/* Reads the whole stream; members are checked on the way. */
static found_row *
collect(rk_ctx *ctx, const rk_edges *e, const matrix *m, kernel k, rk_neighborhood direction,
		bool weighted, const rk_similarity_params *p, int64_t *count)
{
	rk_neighbor_similarity *s;
	rk_similarity_rows rows;
	found_row  *list = NULL;

	*count = 0;
	assert_int_equal(begin(ctx, e, k, direction, weighted, p, &s), RK_OK);
	for (;;)
	{
		assert_int_equal(rk_graph_neighbor_similarity_next(s, &rows), RK_OK);
		if (rows.count == 0)
			break;
		list = realloc(list, sizeof(found_row) * (*count + rows.count));
		for (int64_t i = 0; i < rows.count; i++)
		{
			int			common;
			int			either;

			reference(m, k, rows.a[i], rows.b[i], &common, &either);
			assert_int_equal(rows.common[i], common);
			assert_int_equal(rk_neighbor_union(s, rows.a[i], rows.b[i], rows.common[i]), either);
			list[(*count)++] = (found_row) {
				rows.a[i], rows.b[i], rows.common[i], 0, rows.score[i]
			};
			if (p->with_members)
			{
				int64_t		at = rows.member_offsets[i];

				for (int z = 0; z < m->n; z++)
					if (m->has[rows.a[i]][z] && m->has[rows.b[i]][z])
						assert_int_equal(rows.members[at++], z);
				assert_int_equal(at, rows.member_offsets[i + 1]);
			}
		}
	}
	rk_graph_neighbor_similarity_end(s);
	return list;
}

static int
by_rank(const void *x, const void *y)
{
	const found_row *p = x;
	const found_row *q = y;

	if (p->score != q->score)
		return p->score > q->score ? -1 : 1;
	if (p->a != q->a)
		return p->a < q->a ? -1 : 1;
	return (p->b > q->b) - (p->b < q->b);
}

static int
by_pair(const void *x, const void *y)
{
	const found_row *p = x;
	const found_row *q = y;

	if (p->a != q->a)
		return p->a < q->a ? -1 : 1;
	return (p->b > q->b) - (p->b < q->b);
}

/* A random graph, every third one with hubs. */
static test_edges
make_edges(uint64_t round)
{
	int64_t		nodes = 1 + rk_hash2(round, 1) % MAX;
	test_edges	e = random_edges(round, nodes, rk_hash2(round, 2) % (nodes * (1 + round % 25)), true);

	for (int64_t i = 0; round % 3 == 0 && i < e.edges.count; i++)
		e.target[i] = e.target[i] * (uint64_t) e.target[i] / nodes;
	return e;
}

/* ---- tests ---- */

static void
all_pairs_are_found(void **state)
{
	static matrix m;

	(void) state;
	for (uint64_t round = 0; round < 300; round++)
	{
		test_edges	e = make_edges(round);
		kernel		k = round % KERNELS;
		rk_neighborhood direction = round / KERNELS % 3;
		bool		weighted = k <= COSINE && round / 15 % 2;
		rk_similarity_params p = {.min_score = k == COMMON ? 1 : 0,.with_members = round % 7 == 0};
		found_row  *rows;
		int64_t		count;
		int64_t		expected = 0;
		rk_ctx		ctx;

		make_matrix(&e.edges, direction, weighted, &m);
		rk_ctx_init(&ctx);
		rows = collect(&ctx, &e.edges, &m, k, direction, weighted, &p, &count);
		for (int a = 0; a < m.n; a++)
			for (int b = a + 1; b < m.n; b++)
			{
				int			common;
				int			either;

				reference(&m, k, a, b, &common, &either);
				expected += common > 0;
			}
		assert_int_equal(count, expected);
		for (int64_t i = 0; i < count; i++)
		{
			int			common;
			int			either;
			double		score = reference(&m, k, rows[i].a, rows[i].b, &common, &either);

			assert_true(rows[i].a < rows[i].b);
			assert_true(fabs(rows[i].score - score) <= 1e-13 * fmax(1, score));
		}
		if (count > 0)
			qsort(rows, count, sizeof(found_row), by_pair);
		for (int64_t i = 1; i < count; i++)
			assert_true(by_pair(&rows[i - 1], &rows[i]) < 0);
		free(rows);
		rk_ctx_destroy(&ctx);
		free_edges(&e);
	}
}

/* Thresholds, limits and exclusion choose from the rows that all pairs have. */
static void
limits_choose_among_all(void **state)
{
	static matrix m;
	static const double least[] = {0, 0.05, 0.2, 0.5, 0.9, 1};

	(void) state;
	for (uint64_t round = 0; round < 600; round++)
	{
		test_edges	e = make_edges(round);
		kernel		k = rk_hash2(round, 4) % KERNELS;
		rk_neighborhood direction = rk_hash2(round, 5) % 3;
		bool		weighted = k <= COSINE && rk_hash2(round, 6) % 2;
		bool		exclude = rk_hash2(round, 7) % 3 == 0;
		double		min_score = least[rk_hash2(round, 8) % 6] * (k < ADAMIC ? 1 : k == COMMON ? 20 : 4);
		int			limit = (int) (rk_hash2(round, 9) % 3);	/* none, top_k, per_node */
		int64_t		number = 1 + rk_hash2(round, 10) % (rk_hash2(round, 11) % 2 ? 5 : 400);
		rk_similarity_params all = {.min_score = k == COMMON ? 1 : 0};
		rk_similarity_params p = {.min_score = min_score,.exclude_connected = exclude};
		rk_ctx		ctx;
		found_row  *rows;
		found_row  *found;
		int64_t		count;
		int64_t		found_count;
		int64_t		kept = 0;

		if (k == COMMON)
			p.min_score = fmax(1, floor(min_score));
		if (limit == 1)
			p.top_k = number;
		if (limit == 2)
			p.per_node = number;
		make_matrix(&e.edges, direction, weighted, &m);
		rk_ctx_init(&ctx);
		rows = collect(&ctx, &e.edges, &m, k, direction, weighted, &all, &count);
		found = collect(&ctx, &e.edges, &m, k, direction, weighted, &p, &found_count);
		for (int64_t i = 0; i < count; i++)
			if (rows[i].score >= p.min_score && !(exclude && m.joined[rows[i].a][rows[i].b]))
				rows[kept++] = rows[i];
		count = kept;
		if (limit == 2 && count > 0)
		{
			/* both ends, then the best of every node */
			rows = realloc(rows, sizeof(found_row) * 2 * count);
			for (int64_t i = 0; i < count; i++)
				rows[count + i] = (found_row) {
					rows[i].b, rows[i].a, rows[i].common, 0, rows[i].score
				};
			qsort(rows, 2 * count, sizeof(found_row), by_rank);
			kept = 0;
			for (uint32_t u = 0; u < e.edges.nodes; u++)
			{
				found_row  *next = malloc(sizeof(found_row) * 2 * count);
				int64_t		mine = 0;

				for (int64_t i = 0; i < 2 * count && mine < number; i++)
					if (rows[i].a == u)
						next[mine++] = rows[i];
				for (int64_t i = 0; i < mine; i++)
				{
					assert_true(kept < found_count);
					assert_memory_equal(&found[kept++], &next[i], sizeof(found_row));
				}
				free(next);
			}
			assert_int_equal(kept, found_count);
		}
		else
		{
			if (count > 0)
				qsort(rows, count, sizeof(found_row), by_rank);
			if (limit == 1 && count > number)
				count = number;
			assert_int_equal(found_count, count);
			/* top_k is in order already */
			if (limit == 0 && count > 0)
				qsort(found, count, sizeof(found_row), by_rank);
			for (int64_t i = 0; i < count; i++)
				assert_memory_equal(&found[i], &rows[i], sizeof(found_row));
		}
		free(rows);
		free(found);
		rk_ctx_destroy(&ctx);
		free_edges(&e);
	}
}

static void
given_pairs_have_one_row_each(void **state)
{
	static matrix m;

	(void) state;
	for (uint64_t round = 0; round < 200; round++)
	{
		test_edges	e = make_edges(round);
		kernel		k = rk_hash2(round, 4) % KERNELS;
		rk_neighborhood direction = rk_hash2(round, 5) % 3;
		bool		weighted = k <= COSINE && round % 2;
		rk_similarity_params p = {.count = rk_hash2(round, 6) % 1000,.with_members = round % 3 == 0};
		uint32_t   *a = malloc(sizeof(uint32_t) * 1000);
		uint32_t   *b = malloc(sizeof(uint32_t) * 1000);
		found_row  *rows;
		int64_t		count;
		rk_ctx		ctx;

		for (int64_t i = 0; i < p.count; i++)
		{
			a[i] = rk_hash3(round, i, 7) % e.edges.nodes;
			b[i] = i % 5 == 0 ? a[i] : rk_hash3(round, i, 8) % e.edges.nodes;
		}
		p.a = a;
		p.b = b;
		make_matrix(&e.edges, direction, weighted, &m);
		rk_ctx_init(&ctx);
		rows = collect(&ctx, &e.edges, &m, k, direction, weighted, &p, &count);
		assert_int_equal(count, p.count);
		for (int64_t i = 0; i < count; i++)
		{
			int			common;
			int			either;
			double		score = reference(&m, k, a[i], b[i], &common, &either);

			assert_int_equal(rows[i].a, a[i]);
			assert_int_equal(rows[i].b, b[i]);
			assert_true(fabs(rows[i].score - score) <= 1e-13 * fmax(1, score));
			if (k <= COSINE && a[i] == b[i])
				assert_true(rows[i].score == (either > 0 ? 1 : 0));
		}
		free(rows);
		free(a);
		free(b);
		rk_ctx_destroy(&ctx);
		free_edges(&e);
	}
}

/* Ratings: scores below 0, and squares beyond the range of float8. */
static void
cosine_takes_any_weights(void **state)
{
	static matrix m;

	(void) state;
	for (uint64_t round = 0; round < 100; round++)
	{
		test_edges	e = make_edges(round);
		double		scale = round % 4 == 0 ? 1e-300 : round % 4 == 1 ? 1e200 : 1;
		rk_similarity_params p = {.min_score = round % 2 ? -1 : 0.3};
		double		negative = 0;
		found_row  *rows;
		int64_t		count;
		rk_ctx		ctx;

		for (int64_t i = 0; i < e.edges.count; i++)
			e.weight[i] -= 2.5;
		make_matrix(&e.edges, RK_NEIGHBORS_OUT, true, &m);
		for (int64_t i = 0; i < e.edges.count; i++)
			e.weight[i] *= scale;
		rk_ctx_init(&ctx);
		rows = collect(&ctx, &e.edges, &m, COSINE, RK_NEIGHBORS_OUT, true, &p, &count);
		for (int64_t i = 0; i < count; i++)
		{
			int			common;
			int			either;
			double		score = reference(&m, COSINE, rows[i].a, rows[i].b, &common, &either);

			assert_true(fabs(rows[i].score - score) <= 1e-11);
			assert_true(rows[i].score >= p.min_score);
			negative = fmin(negative, score);
		}
		if (round % 2 && count > 100)
			assert_true(negative < 0);
		free(rows);
		rk_ctx_destroy(&ctx);
		free_edges(&e);
	}
}

static void
wrong_parameters_are_errors(void **state)
{
	test_edges	e = LITERAL_EDGES(3, {0, 1}, {1, 2});
	uint32_t	a[] = {0};
	uint32_t	far[] = {7};
	double		weight[] = {1e308, 1e308};
	double		negative[] = {-1, 2};
	rk_similarity_params wrong[] = {
		{.top_k = 1,.per_node = 1},
		{.a = a,.b = a,.count = 1,.top_k = 1},
		{.a = a,.b = a,.count = 1,.per_node = 1},
		{.a = a,.b = a,.count = 1,.min_score = 0.5},
		{.a = a,.b = a,.count = 1,.exclude_connected = true},
		{.a = a,.b = far,.count = 1},
	};
	rk_neighbor_similarity *s;

	(void) state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		for (kernel k = 0; k < KERNELS; k++)
		{
			rk_ctx		ctx;

			rk_ctx_init(&ctx);
			assert_int_equal(begin(&ctx, &e.edges, k, RK_NEIGHBORS_BOTH, false, &wrong[i], &s), RK_ERR_PARAMETER);
			rk_ctx_destroy(&ctx);
		}
	for (int i = 0; i < 2; i++)
	{
		rk_similarity_params none = {0};
		rk_ctx		ctx;

		e.edges.weight = i ? negative : weight;
		rk_ctx_init(&ctx);
		assert_int_equal(begin(&ctx, &e.edges, JACCARD, RK_NEIGHBORS_BOTH, true, &none, &s),
						 i ? RK_ERR_DATA : RK_ERR_OVERFLOW);
		rk_ctx_destroy(&ctx);
	}
	free_edges(&e);
}

/* ---- another engine ---- */

/* An engine that knows all pairs already, and gives up after some calls. */
typedef struct known_pairs
{
	const matrix *m;
	const found_row *rows;		/* of all pairs, a < b */
	int64_t		count;
	int64_t		calls;
	int64_t		answers;		/* calls that are answered */
	int64_t		nodes;			/* of an answer, at most */
	double		threshold;		/* of the call before */
	int64_t		most;			/* rows there is room for, at most */
} known_pairs;

static bool
known_pairs_engine(void *arg, rk_pair_search *s)
{
	known_pairs *k = arg;
	rk_similarity_rows *out = s->rows;
	int64_t		u = s->begin;

	assert_true(s->threshold >= k->threshold);
	k->threshold = s->threshold;
	assert_true(s->capacity <= k->most && (s->top_k > 0 || s->capacity >= k->m->n));
	if (k->calls++ >= k->answers)
		return false;
	for (; u < k->m->n && u < s->begin + k->nodes; u++)
	{
		found_row	mine[MAX];
		int64_t		found = 0;

		for (int64_t i = 0; i < k->count; i++)
		{
			const found_row *r = &k->rows[i];
			bool		upper = r->b == u;

			if ((!upper && (r->a != u || !s->per_node)) || r->score < s->threshold ||
				(s->exclude_connected && k->m->joined[r->a][r->b]))
				continue;
			mine[found++] = s->per_node && upper ? (found_row) {r->b, r->a, r->common, 0, r->score} : *r;
		}
		if (s->per_node && found > 0)
			qsort(mine, found, sizeof(found_row), by_rank);
		if (s->per_node && found > s->per_node)
			found = s->per_node;
		/* there is room for any one node, unless it is for the best of all */
		if (out->count + found > s->capacity)
			break;
		for (int64_t i = 0; i < found; i++)
		{
			out->a[out->count] = mine[i].a;
			out->b[out->count] = mine[i].b;
			out->common[out->count] = mine[i].common;
			out->score[out->count++] = mine[i].score;
		}
	}
	s->next = u;
	return true;
}

/* Rows are the same whoever finds them, and whoever goes on where an engine has left off. */
static void
engines_and_the_cpu_go_together(void **state)
{
	static matrix m;

	(void) state;
	for (uint64_t round = 0; round < 300; round++)
	{
		test_edges	e = make_edges(round);
		kernel		k = rk_hash2(round, 4) % KERNELS;
		rk_neighborhood direction = rk_hash2(round, 5) % 3;
		bool		weighted = k <= COSINE && rk_hash2(round, 6) % 2;
		rk_similarity_params all = {.min_score = k == COMMON ? 1 : 0};
		rk_similarity_params p = all;
		known_pairs known = {
			.m = &m, .answers = round % 2 ? INT64_MAX : (int64_t) (rk_hash2(round, 8) % 6),
			.nodes = 1 + rk_hash2(round, 9) % 40, .threshold = -1, .most = INT64_MAX
		};
		found_row  *rows;
		found_row  *expected;
		found_row  *found;
		int64_t		expected_count;
		int64_t		found_count;
		rk_ctx		ctx;

		p.exclude_connected = rk_hash2(round, 7) % 3 == 0;
		p.with_members = round % 5 == 0;
		if (rk_hash2(round, 10) % 2)
			p.min_score += k < ADAMIC ? 0.2 : 1;
		if (round % 3 == 1)
			p.top_k = 1 + rk_hash2(round, 11) % 200;
		if (round % 3 == 2)
			p.per_node = 1 + rk_hash2(round, 11) % 20;
		make_matrix(&e.edges, direction, weighted, &m);
		rk_ctx_init(&ctx);
		rows = collect(&ctx, &e.edges, &m, k, direction, weighted, &all, &known.count);
		known.rows = rows;
		expected = collect(&ctx, &e.edges, &m, k, direction, weighted, &p, &expected_count);
		/* more than fit into the room for the best are not offered at once */
		if (p.top_k)
			known.nodes = 1;
		p.engine = known_pairs_engine;
		p.engine_arg = &known;
		/* half of what is left for the rows of the engine, and none if that is not enough */
		if (round % 4 == 0 && !p.with_members)
		{
			ctx.memory_limit = ctx.memory_used + (2 << 20);
			known.most = ctx.memory_limit / 40;
		}
		found = collect(&ctx, &e.edges, &m, k, direction, weighted, &p, &found_count);
		assert_true(known.calls > 0 || m.n == 0);
		assert_int_equal(found_count, expected_count);
		if (!p.top_k && !p.per_node && found_count > 0)
		{
			qsort(expected, expected_count, sizeof(found_row), by_pair);
			qsort(found, found_count, sizeof(found_row), by_pair);
		}
		if (found_count > 0)
			assert_memory_equal(found, expected, sizeof(found_row) * found_count);
		free(rows);
		free(expected);
		free(found);
		rk_ctx_destroy(&ctx);
		free_edges(&e);
	}
}

/* ---- sweeps ---- */

static kernel sweep_kernel;
static bool sweep_weighted;
static rk_similarity_params sweep_params;

/* A hash of all rows in their order. */
static rk_status
run_stream(rk_ctx *ctx, const rk_edges *edges, void *result)
{
	uint64_t   *sum = result;
	rk_neighbor_similarity *s;
	rk_similarity_rows rows;
	rk_status	status = begin(ctx, edges, sweep_kernel, RK_NEIGHBORS_OUT, sweep_weighted, &sweep_params, &s);

	*sum = 0;
	if (status != RK_OK)
		return status;
	while ((status = rk_graph_neighbor_similarity_next(s, &rows)) == RK_OK && rows.count > 0)
	{
		for (int64_t i = 0; i < rows.count; i++)
		{
			uint64_t	bits;

			memcpy(&bits, &rows.score[i], sizeof(bits));
			*sum = rk_hash_fold(*sum, bits ^ (uint64_t) rows.a[i] << 32 ^ rows.b[i]);
		}
		for (int64_t i = 0; rows.members && i < rows.member_offsets[rows.count]; i++)
			*sum = rk_hash_fold(*sum, rows.members[i]);
	}
	if (status == RK_OK)
	{
		int64_t		arcs = edges->count;
		int64_t		promised = sweep_kernel == JACCARD ?
			rk_graph_jaccard_similarity_memory(edges->nodes, arcs, sweep_weighted, ctx->threads, &sweep_params) :
			sweep_kernel == COSINE ?
			rk_graph_cosine_similarity_memory(edges->nodes, arcs, sweep_weighted, ctx->threads, &sweep_params) :
			sweep_kernel == COMMON ?
			rk_graph_common_neighbors_memory(edges->nodes, arcs, ctx->threads, &sweep_params) :
			rk_graph_adamic_adar_memory(edges->nodes, arcs, ctx->threads, &sweep_params);

		/* large blocks are rounded up to huge pages */
		assert_true(ctx->memory_peak - graph_memory <= promised + 8 * (2 << 20));
		rk_graph_neighbor_similarity_end(s);
		assert_int_equal(ctx->memory_used, graph_memory);
	}
	return status;
}

static void
all_kernels_pass_the_sweeps(void **state)
{
	uint32_t   *pairs = malloc(sizeof(uint32_t) * 4000);
	test_edges	e = random_edges(3, 1500, 60000, true);
	rk_similarity_params forms[] = {
		{.min_score = 0},
		{.min_score = 0.04},
		{.top_k = 5000},
		{.per_node = 7},
		{.with_members = true,.exclude_connected = true,.top_k = 100},
		{.a = pairs,.b = pairs + 2000,.count = 2000,.with_members = true},
	};

	(void) state;
	for (int i = 0; i < 4000; i++)
		pairs[i] = rk_hash2(i, 1) % 1500;
	for (kernel k = 0; k < KERNELS; k++)
		for (int weighted = 0; weighted <= (k <= COSINE); weighted++)
			for (int form = 0; form < 6; form++)
			{
				if (form != (int) k && form != 5 - (int) k && form != 2)
					continue;
				sweep_kernel = k;
				sweep_weighted = weighted;
				sweep_params = forms[form];
				if (k == COMMON && form < 2)
					sweep_params.min_score = 1 + 3 * form;
				assert_thread_independent(run_stream, &e.edges, sizeof(uint64_t));
				assert_survives_allocation_failures(run_stream, &e.edges, sizeof(uint64_t));
				assert_cancellable(run_stream, &e.edges, sizeof(uint64_t));
			}
	free(pairs);
	free_edges(&e);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_pairs_are_found),
		cmocka_unit_test(limits_choose_among_all),
		cmocka_unit_test(given_pairs_have_one_row_each),
		cmocka_unit_test(cosine_takes_any_weights),
		cmocka_unit_test(wrong_parameters_are_errors),
		cmocka_unit_test(engines_and_the_cpu_go_together),
		cmocka_unit_test(all_kernels_pass_the_sweeps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
