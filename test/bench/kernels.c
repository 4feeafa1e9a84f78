/*
 * kernels.c
 *	  Times the graph kernels alone, without a server.
 *
 * usage: kernels FILE WHAT THREADS RUNS [NUMBER]
 *
 * FILE is an edge file of inputs.py, read as it is: 32 bytes of header
 * ("rkedges1", then nodes, rows and whether there are weights, each an int64),
 * then uint32 sources, uint32 targets, float8 weights.  WHAT is one of the
 * entries of kernels[] below; NUMBER is what that entry says it is.  One JSON
 * line is printed: seconds of the best and the median run, and a number that
 * tells a right result from a wrong one.
 *
 * A run has a context of its own, as a call in a server has, so that making
 * threads and allocating are part of the time; the graph is built before.
 * Memory freed by one run is kept for the next, as a backend keeps it, and the
 * first run is not counted.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../../src/graph/centrality/centrality.h"
#include "../../src/graph/community/community.h"
#include "../../src/graph/measures/measures.h"
#include "../../src/graph/paths/paths.h"
#include "../../src/graph/neural/neural.h"
#include "../../src/graph/similarity/similarity.h"
#include "../../src/graph/patterns/patterns.h"

typedef struct input
{
	rk_edges	edges;
	int			threads;
	double		number;			/* the last argument, 0 where there is none */
} input;

/* What a run reports beside its time. */
typedef struct outcome
{
	double		begin;			/* clock when it began; 0: when it was called */
	double		end;			/* clock when the kernel returned */
	double		result;			/* compared with the peers' by the driver */
	int			iterations;		/* 0: not iterative */
} outcome;

typedef struct kernel
{
	const char *name;
	rk_graph_options graph;		/* how the rows become a graph */
	rk_status	(*run) (rk_ctx *ctx, const rk_graph *g, const input *in, outcome *out);
	bool		weighted;
} kernel;

static double
seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec * 1e-9;
}

/* NUMBER: tolerance; 0 makes exactly 20 iterations.  Result: sum of squares. */
static rk_status
run_pagerank(rk_ctx *ctx, const rk_graph *g, const input *in, outcome *out)
{
	rk_pagerank_params p = {
		.damping = 0.85,
		.tolerance = in->number > 0 ? in->number : 1e-300,
		.max_iterations = in->number > 0 ? 1000 : 20,
		.dangling = RK_DANGLING_TELEPORT
	};
	double	   *score = rk_alloc(ctx, g->nodes, sizeof(double));
	rk_run		run;
	rk_status	status;

	if (score == NULL)
		return RK_ERR_MEMORY;
	status = rk_graph_pagerank(ctx, g, &p, score, &run);
	out->end = seconds();
	if (status != RK_OK)
		return status;
	out->iterations = run.iterations;
	for (int64_t v = 0; v < g->nodes; v++)
		out->result += score[v] * score[v];
	return RK_OK;
}

/* Result: number of components. */
static rk_status
run_components(rk_ctx *ctx, const rk_graph *g, const input *in, outcome *out)
{
	uint32_t   *component = rk_alloc(ctx, g->nodes, sizeof(uint32_t));
	rk_components found;
	rk_status	status;

	(void) in;
	if (component == NULL)
		return RK_ERR_MEMORY;
	status = rk_graph_weak_components(ctx, g, component, &found);
	out->end = seconds();
	if (status == RK_OK)
		out->result = found.count;
	return status;
}

/* The same from the rows, without a graph. */
static rk_status
run_components_rows(rk_ctx *ctx, const rk_graph *g, const input *in, outcome *out)
{
	uint32_t   *component = rk_alloc(ctx, g->nodes, sizeof(uint32_t));
	rk_components found;
	rk_status	status;

	if (component == NULL)
		return RK_ERR_MEMORY;
	status = rk_graph_weak_components_edges(ctx, &in->edges, component, &found);
	out->end = seconds();
	if (status == RK_OK)
		out->result = found.count;
	return status;
}

/* NUMBER: sources.  Result: sum of their dependencies, halved. */
static rk_status
run_betweenness(rk_ctx *ctx, const rk_graph *g, const input *in, outcome *out)
{
	rk_betweenness_params p = {.samples = (int64_t) in->number};
	double	   *score = rk_alloc(ctx, g->nodes, sizeof(double));
	uint32_t   *source = rk_alloc(ctx, p.samples, sizeof(uint32_t));
	double		all = g->nodes - 1;
	int64_t		used;
	rk_status	status;

	if (score == NULL || source == NULL)
		return RK_ERR_MEMORY;
	status = rk_graph_betweenness_centrality(ctx, g, &p, score, &used);
	out->end = seconds();
	if (status == RK_OK)
		status = rk_graph_sample_nodes(ctx, g->nodes, p.samples, p.seed, source);
	if (status != RK_OK)
		return status;
	/* takes back the scaling from the sample to all sources */
	for (int64_t v = 0; v < g->nodes; v++)
		out->result += score[v] * p.samples / all;
	for (int64_t i = 0; i < p.samples; i++)
		out->result -= score[source[i]] / all;
	return RK_OK;
}

/* Per node.  Result: number of triangles. */
static rk_status
run_triangles(rk_ctx *ctx, const rk_graph *g, const input *in, outcome *out)
{
	int64_t    *triangles = rk_alloc(ctx, g->nodes, sizeof(int64_t));
	double	   *clustering = rk_alloc(ctx, g->nodes, sizeof(double));
	rk_triangle_totals totals;
	rk_status	status;

	(void) in;
	if (triangles == NULL || clustering == NULL)
		return RK_ERR_MEMORY;
	status = rk_graph_triangle_counts(ctx, g, triangles, clustering, &totals);
	out->end = seconds();
	if (status == RK_OK)
		out->result = (double) totals.triangles;
	return status;
}

/* Watts-Strogatz.  Result: average over all nodes. */
static rk_status
run_clustering(rk_ctx *ctx, const rk_graph *g, const input *in, outcome *out)
{
	int64_t    *degree = rk_alloc(ctx, g->nodes, sizeof(int64_t));
	int64_t    *triangles = rk_alloc(ctx, g->nodes, sizeof(int64_t));
	double	   *clustering = rk_alloc(ctx, g->nodes, sizeof(double));
	rk_clustering_totals totals;
	rk_status	status;

	(void) in;
	if (degree == NULL || triangles == NULL || clustering == NULL)
		return RK_ERR_MEMORY;
	status = rk_graph_clustering_coefficient(ctx, g, RK_CLUSTERING_WATTS_STROGATZ, degree,
											 triangles, clustering, &totals);
	out->end = seconds();
	if (status == RK_OK)
		out->result = totals.average;
	return status;
}

/* Result: sum of in-degrees. */
static rk_status
run_degree_ratio(rk_ctx *ctx, const rk_graph *g, const input *in, outcome *out)
{
	rk_degree_ratio_params p = {.source_threshold = 0.2,.sink_threshold = 5};
	rk_degree_ratios r;
	rk_status	status = rk_graph_degree_ratio(ctx, g, &p, &r);

	(void) in;
	out->end = seconds();
	for (int64_t v = 0; status == RK_OK && v < g->nodes; v++)
		out->result += r.in_degree[v];
	return status;
}

/* Result: mean score. */
static rk_status
run_stars(rk_ctx *ctx, const rk_graph *g, const input *in, outcome *out)
{
	rk_star_params p = {.min_degree = 2,.dominance = 0.9};
	rk_stars	r;
	rk_status	status = rk_graph_star_topology(ctx, g, &p, &r);

	(void) in;
	out->end = seconds();
	for (int64_t v = 0; status == RK_OK && v < g->nodes; v++)
		out->result += r.score[v] / g->nodes;
	return status;
}

/* Result: cycles of four arcs, each counted at its four nodes. */
static rk_status
run_cycles(rk_ctx *ctx, const rk_graph *g, const input *in, outcome *out)
{
	rk_cycle_counts r;
	rk_status	status = rk_graph_cycle_participation(ctx, g, false, &r);

	(void) in;
	out->end = seconds();
	for (int64_t v = 0; status == RK_OK && v < g->nodes; v++)
		out->result += r.cycles_4[v];
	return status;
}

/* NUMBER: nodes.  Result: wedges, or paths of four nodes. */
static rk_status
run_motifs(rk_ctx *ctx, const rk_graph *g, const input *in, outcome *out)
{
	rk_motif_params p = {.size = (int) in->number};
	rk_motifs	found;
	rk_status	status = rk_graph_motif_detection(ctx, g, &p, &found);

	out->end = seconds();
	if (status == RK_OK)
		out->result = (double) found.count[p.size == 4 ? 6 : 2];
	return status;
}

/* Result: triads of type 021C. */
static rk_status
run_triads(rk_ctx *ctx, const rk_graph *g, const input *in, outcome *out)
{
	rk_motif_params p = {.size = 3};
	rk_motifs	found;
	rk_status	status = rk_graph_motif_detection(ctx, g, &p, &found);

	(void) in;
	out->end = seconds();
	if (status == RK_OK)
		out->result = (double) found.count[5];
	return status;
}

/* NUMBER: source.  Result: sum of distances. */
static rk_status
run_sssp(rk_ctx *ctx, const rk_graph *g, const input *in, outcome *out)
{
	rk_shortest_path_params p = {
		.source = (uint32_t) in->number,
		.max_distance = INFINITY,
		.method = RK_PATH_AUTO
	};
	double	   *distance = rk_alloc(ctx, g->nodes, sizeof(double));
	uint32_t   *predecessor = rk_alloc(ctx, g->nodes, sizeof(uint32_t));
	int64_t    *hops = rk_alloc(ctx, g->nodes, sizeof(int64_t));
	rk_status	status;

	if (distance == NULL || predecessor == NULL || hops == NULL)
		return RK_ERR_MEMORY;
	status = rk_graph_shortest_path(ctx, g, &p, distance, predecessor, hops);
	out->end = seconds();
	if (status != RK_OK)
		return status;
	for (int64_t v = 0; v < g->nodes; v++)
		if (isfinite(distance[v]))
			out->result += distance[v];
	return RK_OK;
}

/* NUMBER 1: Leiden.  Result: modularity. */
static rk_status
run_louvain(rk_ctx *ctx, const rk_graph *g, const input *in, outcome *out)
{
	rk_louvain_params p = {
		.resolution = 1,
		.algorithm = in->number == 1 ? RK_COMMUNITY_LEIDEN : RK_COMMUNITY_LOUVAIN,
		.min_gain = 1e-7,
		.max_iterations = 100
	};
	rk_communities found;
	rk_run		run;
	rk_status	status = rk_graph_louvain_community(ctx, g, &p, &found, &run);

	out->end = seconds();
	if (status != RK_OK)
		return status;
	out->iterations = found.levels;
	out->result = found.modularity;
	return RK_OK;
}

/*
 * NUMBER: pivots, 0: all nodes.  Result: sum of the harmonic scores of all
 * nodes, over the pivots alone.
 */
static rk_status
run_closeness(rk_ctx *ctx, const rk_graph *g, const input *in, outcome *out)
{
	rk_closeness_params p = {.variant = RK_CLOSENESS_HARMONIC,.samples = (int64_t) in->number};
	double	   *score = rk_alloc(ctx, g->nodes, sizeof(double));
	double	   *sum = rk_alloc(ctx, g->nodes, sizeof(double));
	int64_t    *reachable = rk_alloc(ctx, g->nodes, sizeof(int64_t));
	rk_status	status;

	if (score == NULL || sum == NULL || reachable == NULL)
		return RK_ERR_MEMORY;
	status = rk_graph_closeness_centrality(ctx, g, &p, score, reachable, sum);
	out->end = seconds();
	/* an estimate is scaled by component; only what is exact can be compared */
	for (int64_t v = 0; v < g->nodes && p.samples == 0; v++)
		out->result += score[v];
	return status;
}

/* NUMBER: tolerance.  Result: the largest score of a vector of length 1. */
static rk_status
run_eigenvector(rk_ctx *ctx, const rk_graph *g, const input *in, outcome *out)
{
	rk_eigenvector_params p = {.tolerance = in->number,.max_iterations = 1000};
	double	   *score = rk_alloc(ctx, g->nodes, sizeof(double));
	double		value;
	rk_run		run;
	rk_status	status;

	if (score == NULL)
		return RK_ERR_MEMORY;
	status = rk_graph_eigenvector_centrality(ctx, g, &p, score, &value, &run);
	out->end = seconds();
	out->iterations = run.iterations;
	for (int64_t v = 0; v < g->nodes; v++)
		out->result = fmax(out->result, score[v]);
	return status;
}

/* NUMBER: tolerance.  Result: the largest of unit length. */
static rk_status
run_katz(rk_ctx *ctx, const rk_graph *g, const input *in, outcome *out)
{
	rk_katz_params p = {.beta = 1,.tolerance = in->number,.max_iterations = 1000};
	double	   *score = rk_alloc(ctx, g->nodes, sizeof(double));
	double		alpha;
	rk_run		run;
	rk_status	status;

	if (score == NULL)
		return RK_ERR_MEMORY;
	status = rk_graph_katz_centrality(ctx, g, &p, score, &alpha, &run);
	out->end = seconds();
	out->iterations = run.iterations;
	for (int64_t v = 0; v < g->nodes; v++)
		out->result = fmax(out->result, score[v]);
	return status;
}

/* NUMBER: sources, 0: all nodes.  Result: the mean distance. */
static rk_status
run_distances(rk_ctx *ctx, const rk_graph *g, const input *in, outcome *out)
{
	rk_path_averages a;
	rk_status	status = rk_graph_average_path_length(ctx, g, (int64_t) in->number, 0, &a);

	out->end = seconds();
	out->result = a.average;
	return status;
}

/* Result: reciprocity. */
static rk_status
run_density(rk_ctx *ctx, const rk_graph *g, const input *in, outcome *out)
{
	rk_density	d;
	rk_status	status = rk_graph_density(ctx, g, &d);

	(void) in;
	out->end = seconds();
	out->result = d.reciprocity;
	return status;
}

/* NUMBER: sources of the distances, 0: all nodes.  Result: number of triangles. */
static rk_status
run_metrics(rk_ctx *ctx, const rk_graph *g, const input *in, outcome *out)
{
	rk_full_metrics m;
	rk_status	status = rk_graph_full_metrics(ctx, g, (int64_t) in->number, 0, &m);

	out->end = seconds();
	out->result = (double) m.triangles;
	return status;
}

#define DIRECTED_ROWS \
	{.directed = true,.want_out = true,.want_in = true,.parallel = RK_EDGES_KEEP}
/* Reads a stream to its end.  Result: sum of the scores. */
static rk_status
drain(rk_neighbor_similarity *s, outcome *out)
{
	rk_similarity_rows rows;
	rk_status	status;

	while ((status = rk_graph_neighbor_similarity_next(s, &rows)) == RK_OK && rows.count > 0)
		for (int64_t i = 0; i < rows.count; i++)
			out->result += rows.score[i];
	out->end = seconds();
	return status;
}

/* All pairs with a common neighbour; NUMBER: least score. */
static rk_status
run_jaccard(rk_ctx *ctx, const rk_graph *g, const input *in, outcome *out)
{
	rk_similarity_params p = {.min_score = in->number};
	rk_neighbor_similarity *s;
	rk_status	status = rk_graph_jaccard_similarity(ctx, g, RK_NEIGHBORS_BOTH, &p, &s);

	return status == RK_OK ? drain(s, out) : status;
}

static rk_status
run_cosine(rk_ctx *ctx, const rk_graph *g, const input *in, outcome *out)
{
	rk_similarity_params p = {.min_score = in->number};
	rk_neighbor_similarity *s;
	rk_status	status = rk_graph_cosine_similarity(ctx, g, RK_NEIGHBORS_BOTH, &p, &s);

	return status == RK_OK ? drain(s, out) : status;
}

static rk_status
run_adamic(rk_ctx *ctx, const rk_graph *g, const input *in, outcome *out)
{
	rk_similarity_params p = {.min_score = in->number};
	rk_neighbor_similarity *s;
	rk_status	status = rk_graph_adamic_adar(ctx, g, RK_NEIGHBORS_BOTH, RK_WEIGHTING_LOG, &p, &s);

	return status == RK_OK ? drain(s, out) : status;
}

static rk_status
run_common(rk_ctx *ctx, const rk_graph *g, const input *in, outcome *out)
{
	rk_similarity_params p = {.min_score = in->number};
	rk_neighbor_similarity *s;
	rk_status	status = rk_graph_common_neighbors(ctx, g, RK_NEIGHBORS_BOTH, &p, &s);

	return status == RK_OK ? drain(s, out) : status;
}

/*
 * All pairs of 2000 nodes by 50 bins: row i is a value, target mod 1000, of the
 * node i mod 2000.  NUMBER: metric.  Result: sum of the distances.
 */
static rk_status
run_values(rk_ctx *ctx, const rk_graph *g, const input *in, outcome *out)
{
	rk_value_params p = {.metric = (rk_value_metric) in->number,.bins = 50};
	rk_observations o = {.nodes = 2000,.count = in->edges.count};
	uint32_t   *node = rk_alloc(ctx, o.count, sizeof(uint32_t));
	double	   *value = rk_alloc(ctx, o.count, sizeof(double));
	rk_value_similarity *s;
	rk_similarity_rows rows;
	rk_status	status;

	(void) g;
	if (node == NULL || value == NULL)
		return RK_ERR_MEMORY;
	for (int64_t i = 0; i < o.count; i++)
	{
		node[i] = (uint32_t) (i % 2000);
		value[i] = in->edges.target[i] % 1000;
	}
	o.node = node;
	o.value = value;
	if ((status = rk_graph_value_similarity(ctx, &o, &p, &s)) != RK_OK)
		return status;
	while ((status = rk_graph_value_similarity_next(s, &rows)) == RK_OK && rows.count > 0)
		for (int64_t i = 0; i < rows.count; i++)
			out->result += rows.distance[i];
	out->end = seconds();
	return status;
}

/* Numbers in [-1/2, 1/2) that a peer can make too. */
static double *
some_numbers(rk_ctx *ctx, int64_t count, double scale)
{
	double	   *x = rk_alloc(ctx, count, sizeof(double));

	for (int64_t i = 0; x && i < count; i++)
		x[i] = ((double) (i * INT64_C(40503) & 0xffff) / 65536 - 0.5) * scale;
	return x;
}

#define FEATURES 64

/*
 * Two layers of GCN, 64 features to 64 to 16, in float4; with NUMBER 1 of
 * means in float8.  Result: sum of squares of the embedding.
 */
static rk_status
run_gnn(rk_ctx *ctx, const rk_graph *g, const input *in, outcome *out)
{
	rk_aggregation aggregation = in->number == 1 ? RK_AGGREGATE_MEAN : RK_AGGREGATE_GCN;
	double	   *x = some_numbers(ctx, g->nodes * FEATURES, 1);
	double	   *w = some_numbers(ctx, FEATURES * FEATURES, 0.25);
	rk_gnn_layer layers[] = {
		{.in = FEATURES,.out = FEATURES,.weight = w,.aggregation = aggregation},
		{.in = FEATURES,.out = 16,.weight = w,.aggregation = aggregation,.activation = RK_ACTIVATION_NONE}
	};
	rk_gnn_model model = {.add_self_loops = true,.layers = 2,.layer = layers,.output = RK_OUTPUT_NONE};
	rk_gnn_result result;
	rk_status	status;

	if (x == NULL || w == NULL)
		return RK_ERR_MEMORY;
	out->begin = seconds();
	status = rk_graph_gnn_inference(ctx, g, x, &model, in->number == 1 ? RK_COMPUTE_FLOAT8 : RK_COMPUTE_FLOAT4, &result);
	out->end = seconds();
	for (int64_t i = 0; status == RK_OK && i < g->nodes * 16; i++)
		out->result += result.embedding[i] * result.embedding[i];
	return status;
}

/* GAT, 64 features, four heads of 16, in float4.  Result as before. */
static rk_status
run_gat(rk_ctx *ctx, const rk_graph *g, const input *in, outcome *out)
{
	double	   *x = some_numbers(ctx, g->nodes * FEATURES, 1);
	double	   *w = some_numbers(ctx, FEATURES * FEATURES, 0.25);
	rk_attention_head heads[4];
	rk_attention_model model = {.negative_slope = 0.2,.concat = true,.in = FEATURES,.width = 16,.heads = 4,.head = heads,
	.activation = RK_ACTIVATION_NONE};
	rk_attention_result result;
	rk_status	status;

	(void) in;
	if (x == NULL || w == NULL)
		return RK_ERR_MEMORY;
	for (int h = 0; h < 4; h++)
		heads[h] = (rk_attention_head) {
			w + h * 1024, w + h * 1024, w + h * 1024, w + h * 100
		};
	out->begin = seconds();
	status = rk_graph_graph_attention(ctx, g, x, &model, RK_COMPUTE_FLOAT4, false, &result);
	out->end = seconds();
	for (int64_t i = 0; status == RK_OK && i < g->nodes * 64; i++)
		out->result += result.embedding[i] * result.embedding[i];
	return status;
}

/* Result: modularity. */
static rk_status
run_labels(rk_ctx *ctx, const rk_graph *g, const input *in, outcome *out)
{
	rk_label_params p = {.variant = RK_LABEL_SEMI_SYNCHRONOUS,.max_iterations = 100};
	int64_t    *community = rk_alloc(ctx, g->nodes, sizeof(int64_t));
	rk_label_result found;
	rk_run		run;
	rk_status	status;

	(void) in;
	if (community == NULL)
		return RK_ERR_MEMORY;
	status = rk_graph_label_propagation(ctx, g, &p, community, &found, &run);
	out->end = seconds();
	out->iterations = run.iterations;
	out->result = found.modularity;
	return status;
}

/* NUMBER: communities, node by node in turn.  Result: modularity. */
static rk_status
run_modularity(rk_ctx *ctx, const rk_graph *g, const input *in, outcome *out)
{
	uint32_t   *community = rk_alloc(ctx, g->nodes, sizeof(uint32_t));
	rk_partition_score score;
	rk_status	status;

	if (community == NULL)
		return RK_ERR_MEMORY;
	for (int64_t v = 0; v < g->nodes; v++)
		community[v] = (uint32_t) (v % (int64_t) in->number);
	status = rk_graph_modularity_score(ctx, g, g->nodes, community, (int64_t) in->number, 1, &score);
	out->end = seconds();
	if (status == RK_OK)
		out->result = score.modularity;
	return status;
}

/* NUMBER: nodes of a clique.  Result: how many there are. */
static rk_status
run_cliques(rk_ctx *ctx, const rk_graph *g, const input *in, outcome *out)
{
	unsigned __int128 total;
	rk_status	status = rk_graph_k_clique_count(ctx, g, (int) in->number, NULL, &total);

	out->end = seconds();
	if (status == RK_OK)
		out->result = (double) total;
	return status;
}

static bool
count_clique(void *arg, const uint32_t *nodes, int size)
{
	(void) nodes;
	(void) size;
	++*(int64_t *) arg;
	return true;
}

/* Result: number of maximal cliques. */
static rk_status
run_maximal(rk_ctx *ctx, const rk_graph *g, const input *in, outcome *out)
{
	int64_t		count = 0;
	rk_status	status = rk_graph_maximal_cliques(ctx, g, 1, count_clique, &count);

	(void) in;
	out->end = seconds();
	out->result = (double) count;
	return status;
}

#define DIRECTED_IN {.directed = true,.want_in = true,.parallel = RK_EDGES_COLLAPSE}
#define DIRECTED_BOTH \
	{.directed = true,.want_out = true,.want_in = true,.parallel = RK_EDGES_COLLAPSE}
#define UNDIRECTED {.want_out = true,.want_in = true,.parallel = RK_EDGES_COLLAPSE}
#define SIMPLE \
	{.drop_loops = true,.want_out = true,.want_in = true,.parallel = RK_EDGES_COLLAPSE}
#define LENGTHS \
	{.drop_loops = true,.want_out = true,.want_in = true,.parallel = RK_EDGES_MIN}

#define DIRECTED_SIMPLE \
	{.directed = true,.drop_loops = true,.want_out = true,.want_in = true,.parallel = RK_EDGES_COLLAPSE}
#define DIRECTED_NO_LOOPS \
	{.directed = true,.drop_loops = true,.want_out = true,.want_in = true,.parallel = RK_EDGES_KEEP}

static const kernel kernels[] = {
	{"build", DIRECTED_IN, NULL, false},
	{"pagerank", DIRECTED_IN, run_pagerank, false},
	{"gnn", SIMPLE, run_gnn, false},
	{"gat", SIMPLE, run_gat, false},
	{"jaccard", SIMPLE, run_jaccard, false},
	{"cosine", SIMPLE, run_cosine, false},
	{"adamic", SIMPLE, run_adamic, false},
	{"common", SIMPLE, run_common, false},
	{"values", SIMPLE, run_values, false},
	{"components", DIRECTED_BOTH, run_components, false},
	{"components_rows", DIRECTED_IN, run_components_rows, false},
	{"triangles", SIMPLE, run_triangles, false},
	{"degreeratio", DIRECTED_NO_LOOPS, run_degree_ratio, false},
	{"motifs", SIMPLE, run_motifs, false},
	{"triads", DIRECTED_SIMPLE, run_triads, false},
	{"cycles", DIRECTED_SIMPLE, run_cycles, false},
	{"stars", DIRECTED_SIMPLE, run_stars, false},
	{"clustering", SIMPLE, run_clustering, false},
	{"betweenness", SIMPLE, run_betweenness, false},
	{"louvain", UNDIRECTED, run_louvain, false},
	{"labels", UNDIRECTED, run_labels, false},
	{"modularity", UNDIRECTED, run_modularity, false},
	{"cliques", SIMPLE, run_cliques, false},
	{"maximal", SIMPLE, run_maximal, false},
	{"sssp", LENGTHS, run_sssp, true},
	{"closeness", SIMPLE, run_closeness, false},
	{"eigenvector", SIMPLE, run_eigenvector, false},
	{"katz", SIMPLE, run_katz, false},
	{"distances", SIMPLE, run_distances, false},
	{"metrics", DIRECTED_ROWS, run_metrics, false},
	{"density", DIRECTED_ROWS, run_density, false},
};

static void
die(const char *what, const char *why)
{
	fprintf(stderr, "kernels: %s: %s\n", what, why);
	exit(1);
}

static void *
read_array(FILE *f, const char *path, int64_t count, size_t size)
{
	void	   *p = malloc(count * size + 1);

	if (p == NULL)
		die(path, "out of memory");
	if (fread(p, size, count, f) != (size_t) count)
		die(path, "file is shorter than its header says");
	return p;
}

static rk_edges
read_edges(const char *path)
{
	struct
	{
		char		magic[8];
		int64_t		nodes;
		int64_t		rows;
		int64_t		weighted;
	}			header;
	rk_edges	e;
	FILE	   *f = fopen(path, "rb");

	if (f == NULL)
		die(path, strerror(errno));
	if (fread(&header, sizeof(header), 1, f) != 1 ||
		memcmp(header.magic, "rkedges1", 8) != 0)
		die(path, "not an edge file");
	e.nodes = header.nodes;
	e.count = header.rows;
	e.source = read_array(f, path, e.count, sizeof(uint32_t));
	e.target = read_array(f, path, e.count, sizeof(uint32_t));
	e.weight = header.weighted ? read_array(f, path, e.count, sizeof(double)) : NULL;
	fclose(f);
	return e;
}

static int
by_value(const void *a, const void *b)
{
	double		x = *(const double *) a;
	double		y = *(const double *) b;

	return (x > y) - (x < y);
}

static void
check(const rk_ctx *ctx, const char *what, rk_status status)
{
	if (status != RK_OK)
		die(what, status == RK_STOPPED ? "stopped" : ctx->error.message);
}

int
main(int argc, char **argv)
{
	const kernel *k = NULL;
	input		in;
	rk_edges	unweighted;
	rk_ctx		owner;			/* of the graph */
	rk_graph	g;
	outcome		out = {0};
	double	   *times;
	int			runs;

	if (argc < 5)
		die("usage", "kernels FILE WHAT THREADS RUNS [NUMBER]");
	for (size_t i = 0; i < sizeof(kernels) / sizeof(kernels[0]); i++)
		if (strcmp(kernels[i].name, argv[2]) == 0)
			k = &kernels[i];
	if (k == NULL)
		die(argv[2], "no such kernel");
	in.edges = read_edges(argv[1]);
	in.threads = atoi(argv[3]);
	in.number = argc > 5 ? atof(argv[5]) : 0;
	runs = atoi(argv[4]);
	if (in.threads < 1 || runs < 1)
		die("usage", "THREADS and RUNS are at least 1");
	if (k->weighted && in.edges.weight == NULL)
		die(argv[1], "no weights in this file");
	unweighted = in.edges;
	if (!k->weighted)
		unweighted.weight = NULL;

	rk_memory_retain(INT64_C(4) << 30);
	rk_ctx_init(&owner);
	owner.threads = in.threads;
	if (k->run)
		check(&owner, "build", rk_graph_build(&owner, &unweighted, &k->graph, &g));

	times = malloc(sizeof(double) * runs);
	for (int r = -1; r < runs; r++)
	{
		rk_ctx		ctx;
		double		start;

		rk_ctx_init(&ctx);
		ctx.threads = in.threads;
		out = (outcome) {0};
		start = seconds();
		if (k->run)
			check(&ctx, k->name, k->run(&ctx, &g, &in, &out));
		else
		{
			check(&ctx, k->name, rk_graph_build(&ctx, &unweighted, &k->graph, &g));
			out.end = seconds();
			out.result = g.arcs;
		}
		if (r >= 0)
			times[r] = out.end - (out.begin > 0 ? out.begin : start);
		rk_ctx_destroy(&ctx);
	}
	qsort(times, runs, sizeof(double), by_value);
	printf("{\"what\": \"%s\", \"nodes\": %lld, \"rows\": %lld, \"threads\": %d, \"runs\": %d, "
		   "\"best\": %.9f, \"median\": %.9f, \"iterations\": %d, \"result\": %.17g}\n",
		   k->name, (long long) in.edges.nodes, (long long) in.edges.count, in.threads, runs,
		   times[0], times[runs / 2], out.iterations, out.result);
	free(times);
	rk_ctx_destroy(&owner);
	rk_memory_trim();
	free((void *) in.edges.source);
	free((void *) in.edges.target);
	free((void *) in.edges.weight);
	return 0;
}
