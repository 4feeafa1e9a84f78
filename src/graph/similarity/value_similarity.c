/*
 * value_similarity.c
 *	  Nodes compared by the distribution of their values, as a stream.
 *
 * Every node becomes one row of a dense matrix (shares, their roots or their
 * running sums, as the metric wants them) or a sorted sample; a node is then
 * compared with a block of others at a time.
 */
#include "similarity_stream.h"
#include "value_bins.h"
#include "value_distances.h"

#include <math.h>
#include <string.h>

#include "../../compute/parallel.h"

#define BLOCK 256				/* partners compared at a time */
#define SLICE_ROWS 65536		/* given pairs at a time */
#define CHUNK_ROWS 64

struct rk_value_similarity
{
	rk_ctx	   *ctx;
	rk_value_params params;
	int64_t		nodes;
	bool		half;			/* partners below the node only */
	double		unit;			/* of the metric wasserstein */
	int64_t		padded;			/* of a histogram */
	double	   *histograms;		/* nodes x padded; or else */
	double	   *entropy;		/* with them, of jsd */
	int64_t    *offsets;		/* nodes + 1 into */
	double	   *samples;		/* each node's, rising */
	rk_similarity_stream stream;	/* all pairs */
	int64_t		next_pair;		/* given pairs */
	rk_similarity_rows rows;
};

/* Distances of node u to the nodes from first on. */
static void
distances(const rk_value_similarity *s, int64_t u, int64_t first, int64_t count, double *distance)
{
	rk_value_metric metric = s->params.metric;

	if (s->histograms)
	{
		rk_histogram_distances(metric, s->padded, s->histograms + u * s->padded,
							   s->histograms + first * s->padded, count,
							   s->entropy ? s->entropy[u] : 0,
							   s->entropy ? s->entropy + first : NULL, distance);
		return;
	}
	for (int64_t i = 0; i < count; i++)
	{
		const double *a = s->samples + s->offsets[u];
		const double *b = s->samples + s->offsets[first + i];
		int64_t		in_a = s->offsets[u + 1] - s->offsets[u];
		int64_t		in_b = s->offsets[first + i + 1] - s->offsets[first + i];

		distance[i] = metric == RK_VALUE_KS ? rk_sample_ks(a, in_a, b, in_b) :
			rk_sample_wasserstein(a, in_a, b, in_b);
	}
}

/* How much work a comparison is, in units of some nanoseconds. */
static int64_t
pair_work(const rk_value_similarity *s)
{
	return s->histograms ? 1 + s->padded / 4 : 1 + s->offsets[s->nodes] / s->nodes;
}

/* ---- all pairs ---- */

static bool
node_rows(void *arg, int64_t begin, int64_t end, int thread, rk_similarity_rows *out)
{
	rk_value_similarity *s = arg;
	double		threshold = s->stream.threshold;
	int64_t		per_node = s->params.pairs.per_node;
	double		distance[BLOCK];

	for (int64_t u = begin; u < end; u++)
	{
		int64_t		partners = s->half ? u : s->nodes;
		rk_similarity_rows mine = rk_similarity_rows_from(out, out->count);

		for (int64_t first = 0; first < partners; first += BLOCK)
		{
			int64_t		count = partners - first < BLOCK ? partners - first : BLOCK;

			if (rk_chunk_should_stop(s->ctx, thread))
				return false;
			distances(s, u, first, count, distance);
			for (int64_t i = 0; i < count; i++)
			{
				double		score = rk_value_score(s->params.metric, distance[i], s->unit);
				uint32_t	b = (uint32_t) (first + i);

				if (score < threshold)
					continue;
				if (!s->half)
				{
					if (b != u)
						rk_similarity_keep(&mine, per_node, (rk_similarity_row) {
							(uint32_t) u, b, score, 0, distance[i]
						});
					continue;
				}
				out->a[out->count] = b;
				out->b[out->count] = (uint32_t) u;
				out->score[out->count] = score;
				out->distance[out->count++] = distance[i];
			}
		}
		if (!s->half)
		{
			rk_similarity_sort(NULL, &mine);
			out->count += mine.count;
		}
	}
	return true;
}

static int64_t
most_rows(void *arg, int64_t u)
{
	const rk_value_similarity *s = arg;
	int64_t		most = s->half ? u : s->nodes - 1;

	return !s->half && s->params.pairs.per_node < most ? s->params.pairs.per_node : most;
}

static int64_t
node_work(void *arg, int64_t u)
{
	const rk_value_similarity *s = arg;

	return (s->half ? u : s->nodes) * pair_work(s);
}

/* ---- given pairs ---- */

static void
score_pairs(void *arg, int64_t begin, int64_t end, int64_t number, int thread)
{
	rk_value_similarity *s = arg;
	rk_similarity_rows *rows = &s->rows;

	(void) number;
	for (int64_t i = begin; i < end; i++)
	{
		uint32_t	a = rows->a[i] = s->params.pairs.a[s->next_pair + i];
		uint32_t	b = rows->b[i] = s->params.pairs.b[s->next_pair + i];

		if (rk_chunk_should_stop(s->ctx, thread))
			return;
		distances(s, a, b, 1, &rows->distance[i]);
		rows->score[i] = rk_value_score(s->params.metric, rows->distance[i], s->unit);
	}
}

rk_status
rk_graph_value_similarity_next(rk_value_similarity *s, rk_similarity_rows *rows)
{
	const rk_similarity_params *p = &s->params.pairs;
	int64_t		left = p->count - s->next_pair;
	int64_t		count = left < SLICE_ROWS ? left : SLICE_ROWS;
	rk_status	status;

	if (p->a == NULL)
		return rk_similarity_stream_next(&s->stream, rows);
	rows->count = 0;
	if (count == 0)
		return RK_OK;
	if ((status = rk_parallel_for(s->ctx, count, CHUNK_ROWS, score_pairs, s)) != RK_OK)
		return status;
	s->next_pair += count;
	*rows = s->rows;
	rows->count = count;
	return RK_OK;
}

/* ---- begin and end ---- */

static rk_status
check_params(rk_ctx *ctx, const rk_observations *o, const rk_value_params *params)
{
	const rk_similarity_params *p = &params->pairs;

	if (p->top_k && p->per_node)
		return rk_fail(ctx, RK_ERR_PARAMETER, "\"top_k\" and \"per_node\" cannot be used together");
	if (o->histograms && (params->metric == RK_VALUE_WASSERSTEIN || params->metric == RK_VALUE_KS))
	{
		rk_fail(ctx, RK_ERR_PARAMETER, "metric \"%s\" needs values, not distributions",
				params->metric == RK_VALUE_KS ? "ks" : "wasserstein");
		rk_fail_hint(ctx, "Metrics for distributions are: jsd, wasserstein-binned, hellinger.");
		return RK_ERR_PARAMETER;
	}
	if (p->a && (p->top_k || p->per_node || p->min_score != 0))
	{
		rk_fail(ctx, RK_ERR_PARAMETER, "\"%s\" cannot be used together with \"pairs\"",
				p->top_k ? "top_k" : p->per_node ? "per_node" : "min_score");
		rk_fail_detail(ctx, "Every pair given has its row.");
		rk_fail_hint(ctx, "Choose among the rows: ... WHERE ... ORDER BY ... LIMIT ...");
		return RK_ERR_PARAMETER;
	}
	for (int64_t i = 0; p->a && i < p->count; i++)
	{
		if ((i & 0xfffff) == 0 && rk_ctx_poll(ctx))
			return RK_STOPPED;
		if (p->a[i] >= o->nodes || p->b[i] >= o->nodes)
			return rk_fail(ctx, RK_ERR_PARAMETER, "pair names a node that has no values");
	}
	return RK_OK;
}

/* Takes the histograms given, after a look at their numbers. */
static rk_status
take_histograms(rk_value_similarity *s, const rk_observations *o)
{
	s->padded = rk_padded_bins(o->bins);
	if ((s->histograms = rk_alloc(s->ctx, s->nodes * s->padded, sizeof(double))) == NULL)
		return RK_ERR_MEMORY;
	for (int64_t u = 0; u < s->nodes; u++)
	{
		double		sum = 0;

		if (rk_ctx_poll(s->ctx))
			return RK_STOPPED;
		for (int i = 0; i < o->bins; i++)
		{
			if (!(o->histograms[u * o->bins + i] >= 0))
				return rk_fail_node(s->ctx, RK_ERR_DATA, u, "distribution of node %%node has a number below 0");
			sum += o->histograms[u * o->bins + i];
		}
		if (!(sum > 0) || isinf(sum))
			return rk_fail_node(s->ctx, RK_ERR_DATA, u, sum > 0 ? "distribution of node %%node has too large a sum" :
								"distribution of node %%node has no number above 0");
		memcpy(s->histograms + u * s->padded, o->histograms + u * o->bins, sizeof(double) * o->bins);
		rk_histogram_prepare(s->params.metric, o->bins, s->histograms + u * s->padded);
	}
	return RK_OK;
}

static rk_status
no_values(const rk_value_similarity *s, int64_t u)
{
	return rk_fail_node(s->ctx, RK_ERR_DATA, u, "node %%node has no values");
}

/* Makes histograms or sorted samples of the values. */
static rk_status
take_values(rk_value_similarity *s, const rk_observations *o)
{
	rk_sorted_values sorted;
	int			bins = s->params.bins;
	double	   *edges;
	rk_status	status = rk_values_sort(s->ctx, o, &sorted);

	if (status != RK_OK)
		return status;
	if (s->params.metric == RK_VALUE_WASSERSTEIN || s->params.metric == RK_VALUE_KS)
	{
		s->unit = sorted.count > 0 ? (sorted.value[sorted.count - 1] - sorted.value[0]) / bins : 0;
		if ((status = rk_value_samples(s->ctx, s->nodes, &sorted, &s->offsets, &s->samples)) != RK_OK)
			return status;
		for (int64_t u = 0; u < s->nodes; u++)
			if (s->offsets[u] == s->offsets[u + 1])
				return no_values(s, u);
		return RK_OK;
	}
	if (sorted.count == 0)
		return no_values(s, 0);
	if ((status = rk_value_edges(s->ctx, o, &sorted, s->params.binning, &bins, &edges)) != RK_OK)
		return status;
	s->padded = rk_padded_bins(bins);
	if ((s->histograms = rk_alloc0(s->ctx, s->nodes * s->padded, sizeof(double))) == NULL)
		return RK_ERR_MEMORY;
	if ((status = rk_value_count(s->ctx, &sorted, bins, edges, s->padded, s->histograms)) != RK_OK)
		return status;
	for (int64_t u = 0; u < s->nodes; u++)
	{
		if (rk_ctx_poll(s->ctx))
			return RK_STOPPED;
		if (!rk_histogram_prepare(s->params.metric, bins, s->histograms + u * s->padded))
			return no_values(s, u);
	}
	rk_free(s->ctx, edges);
	rk_free(s->ctx, sorted.value);
	rk_free(s->ctx, sorted.node);
	return RK_OK;
}

rk_status
rk_graph_value_similarity(rk_ctx *ctx, const rk_observations *o, const rk_value_params *params,
						  rk_value_similarity **similarity)
{
	rk_value_similarity *s = rk_alloc0(ctx, 1, sizeof(rk_value_similarity));
	const rk_similarity_params *p = &params->pairs;
	rk_status	status;

	if ((*similarity = s) == NULL)
		return RK_ERR_MEMORY;
	s->ctx = ctx;
	s->params = *params;
	s->nodes = o->nodes;
	s->half = p->per_node == 0;
	if ((status = check_params(ctx, o, params)) != RK_OK)
		return status;
	if (o->nodes > 0 &&
		(status = o->histograms ? take_histograms(s, o) : take_values(s, o)) != RK_OK)
		return status;
	if (params->metric == RK_VALUE_JSD)
	{
		if ((s->entropy = rk_alloc(ctx, s->nodes, sizeof(double))) == NULL)
			return RK_ERR_MEMORY;
		for (int64_t u = 0; u < s->nodes; u++)
		{
			if (rk_ctx_poll(ctx))
				return RK_STOPPED;
			s->entropy[u] = rk_histogram_entropy(s->padded, s->histograms + u * s->padded);
		}
	}
	if (p->a)
		return rk_similarity_rows_make(ctx, p->count < SLICE_ROWS ? p->count : SLICE_ROWS, false, true, &s->rows);
	return rk_similarity_stream_begin(ctx, &(rk_similarity_source) {
		.arg = s,.nodes = s->nodes,.distance = true,.most_rows = most_rows,.work = node_work,.rows = node_rows
	}, p->min_score, p->top_k, &s->stream);
}

void
rk_graph_value_similarity_end(rk_value_similarity *s)
{
	rk_ctx	   *ctx = s->ctx;

	if (s->params.pairs.a == NULL)
		rk_similarity_stream_end(&s->stream);
	rk_similarity_rows_free(ctx, &s->rows);
	rk_free(ctx, s->histograms);
	rk_free(ctx, s->entropy);
	rk_free(ctx, s->offsets);
	rk_free(ctx, s->samples);
	rk_free(ctx, s);
}

int64_t
rk_graph_value_similarity_memory(int64_t nodes, int64_t count, int threads,
								 const rk_value_params *params)
{
	const rk_similarity_params *p = &params->pairs;
	bool		samples = params->metric == RK_VALUE_WASSERSTEIN || params->metric == RK_VALUE_KS;
	int64_t		kept = samples ? 8 * (nodes + count) : 8 * nodes * (rk_padded_bins(params->bins) + 1);
	int64_t		most = p->per_node && p->per_node < nodes ? p->per_node : nodes;
	int64_t		rows = p->a ? 24 * SLICE_ROWS : rk_similarity_stream_memory(nodes, most, p->top_k, 24, false);
	int64_t		sorting = 24 * count;

	(void) threads;
	/* sorted values are there until bins or samples are made of them */
	if (12 * count + kept > sorting)
		sorting = 12 * count + kept;
	return (sorting > kept + rows ? sorting : kept + rows) + (int64_t) sizeof(rk_value_similarity);
}

/* ---- two histograms ---- */

rk_status
rk_histogram_similarity(rk_ctx *ctx, const double *p, const double *q, int64_t bins,
						rk_value_metric metric, double *score)
{
	const double *given[] = {p, q};
	int64_t		padded = rk_padded_bins(bins);
	double	   *both = rk_alloc(ctx, 2 * padded, sizeof(double));
	double		entropy[2] = {0, 0};
	double		distance;

	if (both == NULL)
		return RK_ERR_MEMORY;
	for (int h = 0; h < 2; h++)
	{
		double		sum = 0;

		for (int64_t i = 0; i < bins; i++)
		{
			if (!(given[h][i] >= 0) || isinf(given[h][i]))
				return rk_fail(ctx, RK_ERR_DATA, "element %lld of \"%c\" is not a number of at least 0: %g",
							   (long long) (i + 1), "pq"[h], given[h][i]);
			sum += given[h][i];
		}
		if (!(sum > 0) || isinf(sum))
			return rk_fail(ctx, RK_ERR_DATA, sum > 0 ? "sum of \"%c\" is too large" : "\"%c\" has no number above 0", "pq"[h]);
		memcpy(both + h * padded, given[h], sizeof(double) * bins);
		rk_histogram_prepare(metric, bins, both + h * padded);
		if (metric == RK_VALUE_JSD)
			entropy[h] = rk_histogram_entropy(padded, both + h * padded);
	}
	rk_histogram_distances(metric, padded, both, both + padded, 1, entropy[0], &entropy[1], &distance);
	*score = rk_value_score(metric, distance, 0);
	rk_free(ctx, both);
	return RK_OK;
}
