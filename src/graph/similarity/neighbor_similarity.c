/*
 * neighbor_similarity.c
 *	  What the four neighbour kernels share: given pairs, members of a pair,
 *	  and the stream of either way.
 */
#include "neighbor_similarity.h"

#include "../../compute/parallel.h"

#define SLICE_ROWS 65536		/* given pairs, or rows with members, at a time */
#define SLICE_MEMBERS (1 << 20) /* members of a slice, if one row has no more */
#define CHUNK_ROWS 256
#define GALLOP 16				/* a row so much longer is searched, not read */

struct rk_neighbor_similarity
{
	rk_ctx	   *ctx;
	rk_neighborhoods hoods;
	rk_measure	m;
	rk_similarity_params params;
	rk_wedges  *wedges;			/* all pairs; else NULL */
	int64_t		next_pair;
	const uint32_t *given_common;	/* of given pairs, found elsewhere; or NULL */
	const double *given_sum;
	rk_similarity_rows rows;	/* of given pairs: arrays of our own */
	rk_similarity_rows pending; /* rows whose members are still to come */
	int64_t		read;			/* of these, handed out */
	int64_t    *member_offsets;
	uint32_t   *members;
	int64_t		member_capacity;
};

/* ---- two rows ---- */

/* First position in [i, end) with an entry of at least z. */
static inline int64_t
gallop(const uint32_t *list, int64_t i, int64_t end, uint32_t z)
{
	int64_t		step = 1;
	int64_t		low = i;

	while (i < end && list[i] < z)
	{
		low = i + 1;
		i += step;
		step *= 2;
	}
	if (i > end)
		i = end;
	while (low < i)
	{
		int64_t		middle = low + (i - low) / 2;

		if (list[middle] < z)
			low = middle + 1;
		else
			i = middle;
	}
	return low;
}

/* What a common neighbour adds, at these positions of the two rows. */
static inline double
term_of(const rk_neighborhoods *hoods, const rk_measure *m, int64_t i, int64_t j)
{
	const double *w = hoods->rows.weights;

	switch (m->term)
	{
		case RK_TERM_NODE:
			return m->value[hoods->rows.neighbors[i]];
		case RK_TERM_MIN:
			return w[i] < w[j] ? w[i] : w[j];
		case RK_TERM_PRODUCT:
			return w[i] * w[j];
		default:
			return 0;
	}
}

uint32_t
rk_neighbor_intersect(const rk_neighborhoods *hoods, const rk_measure *m, uint32_t a,
					  uint32_t b, double *sum, uint32_t *members)
{
	const rk_adjacency *rows = &hoods->rows;
	const uint32_t *list = rows->neighbors;
	bool		swap = rk_degree(rows, a) > rk_degree(rows, b);
	uint32_t	shorter = swap ? b : a;
	uint32_t	longer = swap ? a : b;
	int64_t		i = rows->offsets[shorter];
	int64_t		i_end = rows->offsets[shorter + 1];
	int64_t		j = rows->offsets[longer];
	int64_t		j_end = rows->offsets[longer + 1];
	uint32_t	common = 0;
	double		total = 0;

	if ((j_end - j) / GALLOP > i_end - i)
	{
		for (; i < i_end; i++)
		{
			j = gallop(list, j, j_end, list[i]);
			if (j == j_end)
				break;
			if (list[j] != list[i])
				continue;
			total += term_of(hoods, m, i, j);
			if (members)
				members[common] = list[i];
			common++;
		}
	}
	else if (m->term == RK_TERM_NONE && members == NULL)
	{
		/* no branch depends on the entries */
		while (i < i_end && j < j_end)
		{
			uint32_t	x = list[i];
			uint32_t	y = list[j];

			common += x == y;
			i += x <= y;
			j += y <= x;
		}
	}
	else
	{
		while (i < i_end && j < j_end)
		{
			uint32_t	x = list[i];
			uint32_t	y = list[j];

			if (x == y)
			{
				total += term_of(hoods, m, i, j);
				if (members)
					members[common] = x;
				common++;
			}
			i += x <= y;
			j += y <= x;
		}
	}
	*sum = total;
	return common;
}

/* ---- scores ---- */

/* One loop for each way, so that none of them chooses in its middle. */
static inline __attribute__((always_inline)) void
score_as(rk_score way, const double *size, int64_t count, const uint32_t *a, const uint32_t *b,
		 const uint32_t *common, double *score)
{
	for (int64_t i = 0; i < count; i++)
		score[i] = rk_score_of(way, size[a[i]], size[b[i]], common[i], score[i]);
}

void
rk_measure_scores(const rk_measure *m, int64_t count, const uint32_t *a, const uint32_t *b,
				  const uint32_t *common, double *score)
{
	switch (m->score)
	{
		case RK_SCORE_SUM:
			break;
		case RK_SCORE_COUNT:
			for (int64_t i = 0; i < count; i++)
				score[i] = common[i];
			break;
		case RK_SCORE_JACCARD:
			score_as(RK_SCORE_JACCARD, m->size, count, a, b, common, score);
			break;
		case RK_SCORE_RUZICKA:
			score_as(RK_SCORE_RUZICKA, m->size, count, a, b, common, score);
			break;
		case RK_SCORE_COSINE:
			score_as(RK_SCORE_COSINE, m->size, count, a, b, common, score);
			break;
		case RK_SCORE_COSINE_VECTORS:
			score_as(RK_SCORE_COSINE_VECTORS, m->size, count, a, b, common, score);
			break;
	}
}

/* ---- opening ---- */

double *
rk_neighbor_counts(rk_ctx *ctx, const rk_neighborhoods *hoods)
{
	double	   *size = rk_alloc(ctx, hoods->nodes, sizeof(double));

	for (int64_t u = 0; size && u < hoods->nodes; u++)
		size[u] = (double) rk_degree(&hoods->rows, u);
	return size;
}

rk_status
rk_neighborhoods_open(rk_ctx *ctx, const rk_graph *g, rk_neighborhood direction,
					  const rk_similarity_params *params, const char *least,
					  rk_neighborhoods *hoods)
{
	hoods->nodes = g->nodes;
	hoods->rows = direction == RK_NEIGHBORS_IN ? g->in : g->out;
	hoods->columns = direction == RK_NEIGHBORS_IN ? g->out : g->in;
	if (params->top_k && params->per_node)
		return rk_fail(ctx, RK_ERR_PARAMETER, "\"top_k\" and \"per_node\" cannot be used together");
	if (params->a == NULL)
		return RK_OK;
	if (params->top_k || params->per_node || params->exclude_connected || params->min_score != 0)
	{
		rk_fail(ctx, RK_ERR_PARAMETER, "\"%s\" cannot be used together with \"pairs\"",
				params->top_k ? "top_k" : params->per_node ? "per_node" :
				params->exclude_connected ? "exclude_connected" : least);
		rk_fail_detail(ctx, "Every pair given has its row.");
		rk_fail_hint(ctx, "Choose among the rows: ... WHERE ... ORDER BY ... LIMIT ...");
		return RK_ERR_PARAMETER;
	}
	for (int64_t i = 0; i < params->count; i++)
	{
		if ((i & 0xfffff) == 0 && rk_ctx_poll(ctx))
			return RK_STOPPED;
		if (params->a[i] >= g->nodes || params->b[i] >= g->nodes)
			return rk_fail(ctx, RK_ERR_PARAMETER, "pair names a node that is not in the graph");
	}
	return RK_OK;
}

rk_status
rk_neighbor_similarity_begin(rk_ctx *ctx, const rk_neighborhoods *hoods,
							 const rk_measure *measure, const rk_similarity_params *params,
							 rk_neighbor_similarity **similarity)
{
	rk_neighbor_similarity *s = rk_alloc0(ctx, 1, sizeof(rk_neighbor_similarity));
	int64_t		longest = 0;

	if ((*similarity = s) == NULL)
		return RK_ERR_MEMORY;
	s->ctx = ctx;
	s->hoods = *hoods;
	s->m = *measure;
	s->params = *params;
	if (params->with_members)
	{
		for (int64_t u = 0; u < hoods->nodes; u++)
			if (rk_degree(&hoods->rows, u) > longest)
				longest = rk_degree(&hoods->rows, u);
		s->member_capacity = longest > SLICE_MEMBERS ? longest : SLICE_MEMBERS;
		s->member_offsets = rk_alloc(ctx, SLICE_ROWS + 1, sizeof(int64_t));
		s->members = rk_alloc(ctx, s->member_capacity, sizeof(uint32_t));
		if (!s->member_offsets || !s->members)
			return RK_ERR_MEMORY;
	}
	if (params->a)
		return rk_similarity_rows_make(ctx, params->count < SLICE_ROWS ? params->count : SLICE_ROWS,
									   true, false, &s->rows);
	return rk_wedges_begin(ctx, hoods, measure, params, &s->wedges);
}

/* ---- given pairs ---- */

static void
score_pairs(void *arg, int64_t begin, int64_t end, int64_t number, int thread)
{
	rk_neighbor_similarity *s = arg;
	rk_similarity_rows *rows = &s->rows;

	(void) number;
	for (int64_t i = begin; i < end; i++)
	{
		uint32_t	a = rows->a[i] = s->params.a[s->next_pair + i];
		uint32_t	b = rows->b[i] = s->params.b[s->next_pair + i];

		if (rk_chunk_should_stop(s->ctx, thread))
			return;
		if (s->given_common)
		{
			rows->common[i] = s->given_common[s->next_pair + i];
			rows->score[i] = s->given_sum ? s->given_sum[s->next_pair + i] : 0;
		}
		else
			rows->common[i] = rk_neighbor_intersect(&s->hoods, &s->m, a, b, &rows->score[i], NULL);
	}
	rk_measure_scores(&s->m, end - begin, rows->a + begin, rows->b + begin, rows->common + begin,
					  rows->score + begin);
}

static rk_status
next_pairs(rk_neighbor_similarity *s, rk_similarity_rows *rows)
{
	int64_t		left = s->params.count - s->next_pair;
	int64_t		count = left < SLICE_ROWS ? left : SLICE_ROWS;
	rk_status	status;

	rows->count = 0;
	if (count == 0)
		return RK_OK;
	status = rk_parallel_for(s->ctx, count, CHUNK_ROWS, score_pairs, s);
	if (status != RK_OK)
		return status;
	s->next_pair += count;
	*rows = s->rows;
	rows->count = count;
	return RK_OK;
}

void
rk_graph_neighbor_similarity_wanted(const rk_neighbor_similarity *s, rk_intersections *wanted)
{
	*wanted = (rk_intersections) {s->m.term, s->m.value, s->hoods.rows.weights};
}

void
rk_graph_neighbor_similarity_given(rk_neighbor_similarity *s, const uint32_t *common, const double *sum)
{
	s->given_common = common;
	s->given_sum = sum;
}

/* ---- members ---- */

/* Rows whose members are being listed. */
typedef struct listing
{
	const rk_neighbor_similarity *s;
	const rk_similarity_rows *rows;
} listing;

static void
list_members(void *arg, int64_t begin, int64_t end, int64_t number, int thread)
{
	const listing *l = arg;
	double		sum;

	(void) number;
	for (int64_t i = begin; i < end; i++)
	{
		if (rk_chunk_should_stop(l->s->ctx, thread))
			return;
		rk_neighbor_intersect(&l->s->hoods, &l->s->m, l->rows->a[i], l->rows->b[i], &sum,
							  l->s->members + l->s->member_offsets[i]);
	}
}

/* Hands out as many of the pending rows as have their members fit. */
static rk_status
next_members(rk_neighbor_similarity *s, rk_similarity_rows *rows)
{
	listing		l = {s, rows};
	int64_t		count = 0;
	int64_t		members = 0;

	*rows = rk_similarity_rows_from(&s->pending, s->read);
	while (count < SLICE_ROWS && s->read + count < s->pending.count &&
		   members + rows->common[count] <= s->member_capacity)
	{
		s->member_offsets[count] = members;
		members += rows->common[count++];
	}
	s->member_offsets[count] = members;
	s->read += count;
	rows->count = count;
	rows->member_offsets = s->member_offsets;
	rows->members = s->members;
	return rk_parallel_for(s->ctx, count, CHUNK_ROWS, list_members, &l);
}

/* ---- the stream ---- */

static rk_status
next_rows(rk_neighbor_similarity *s, rk_similarity_rows *rows)
{
	return s->wedges ? rk_wedges_next(s->wedges, rows) : next_pairs(s, rows);
}

rk_status
rk_graph_neighbor_similarity_next(rk_neighbor_similarity *s, rk_similarity_rows *rows)
{
	if (!s->params.with_members)
		return next_rows(s, rows);
	if (s->read == s->pending.count)
	{
		rk_status	status = next_rows(s, &s->pending);

		if (status != RK_OK)
			return status;
		s->read = 0;
	}
	return next_members(s, rows);
}

void
rk_graph_neighbor_similarity_end(rk_neighbor_similarity *s)
{
	rk_ctx	   *ctx = s->ctx;

	if (s->wedges)
		rk_wedges_end(s->wedges);
	rk_similarity_rows_free(ctx, &s->rows);
	rk_free(ctx, s->member_offsets);
	rk_free(ctx, s->members);
	rk_free(ctx, (void *) s->m.size);
	rk_free(ctx, (void *) s->m.value);
	rk_free(ctx, s);
}

int64_t
rk_neighbor_union(const rk_neighbor_similarity *s, uint32_t a, uint32_t b, uint32_t common)
{
	int64_t		in_a = rk_degree(&s->hoods.rows, a);

	return a == b ? in_a : in_a + rk_degree(&s->hoods.rows, b) - (int64_t) common;
}

int64_t
rk_neighbor_similarity_memory(int64_t nodes, int64_t arcs, bool sums, int threads,
							  const rk_similarity_params *params)
{
	int64_t		bytes = sizeof(rk_neighbor_similarity);

	if (params->with_members)
		bytes += 8 * (SLICE_ROWS + 1) + 4 * (nodes > SLICE_MEMBERS ? nodes : SLICE_MEMBERS);
	if (params->a)
		return bytes + 20 * SLICE_ROWS;
	return bytes + rk_wedges_memory(nodes, arcs, sums, threads, params);
}
