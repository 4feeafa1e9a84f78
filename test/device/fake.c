/*
 * fake.c
 *	  A device library for tests: the table of rk_cuda.h over the CPU engine,
 *	  with faults on demand.
 *
 * What a run shall do is the first word of the file that RK_FAKE_DEVICE names,
 * read anew for every run:
 *
 *	  fail		an error after which the device works on
 *	  memory	the device has not enough memory
 *	  lost		the context is gone
 *	  decline	not an input for the device
 *	  crash		the process ends by a signal
 *	  slow		waits until it is told to stop, or until the word changes
 *	  stubborn	waits without heed to that
 *	  absent	no device is found (read when the library is opened)
 *	  version	the library is one of another version (likewise)
 *	  opening	it takes until the word changes to open the device
 *	  noring	a ring cannot be opened
 *	  feeble	measured, it is slower than any CPU
 *	  mighty	measured, it takes no time worth mentioning
 *	  parts		results of unknown length come a thousand rows at a time
 *	  halfway	the same, and every part after the first fails
 *	  midway	the process ends by a signal when a ring's message was handled and
 *				before its reply is written
 *
 * Slices of rings heed fail, lost, crash and stubborn as well.
 *
 * Whatever else it says, or no file, is a device that works.
 */
#include <sched.h>
#include <math.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../../cuda/ring_steps.h"
#include "../../cuda/rk_cuda.h"
#include "../../src/compute/csr.h"
#include "../../src/graph/centrality/betweenness.h"
#include "../../src/graph/community/community.h"
#include "../../src/graph/neural/neural.h"
#include "../../src/graph/paths/paths.h"
#include "../../src/graph/patterns/patterns.h"
#include "../../src/graph/similarity/neighbor_similarity.h"
#include "../../src/risk/portfolio/portfolio.h"
#include "../../src/risk/stress/stress.h"
#include "../../src/temporal/forecast/arima.h"
#include "../../src/temporal/garch.h"

struct rk_cuda_device
{
	int64_t		limit;
	int64_t		used;
};

struct rk_cuda_graph
{
	rk_graph	g;
	int64_t		bytes;
	bool		in_is_out;
};

static bool
asked_for(const char *word)
{
	const char *name = getenv("RK_FAKE_DEVICE");
	FILE	   *file = name ? fopen(name, "r") : NULL;
	char		text[32] = "";

	if (file == NULL)
		return false;
	if (fscanf(file, "%31s", text) != 1)
		text[0] = '\0';
	fclose(file);
	return strcmp(text, word) == 0;
}

static rk_cuda_status
fail(rk_cuda_error *error, rk_cuda_status status, const char *message)
{
	error->code = status;
	snprintf(error->message, sizeof(error->message), "%.*s", RK_CUDA_TEXT - 1, message);
	return status;
}

static rk_cuda_status
fake_list(rk_cuda_device_info *info, int32_t capacity, int32_t *count, rk_cuda_error *error)
{
	if (asked_for("absent"))
		return fail(error, RK_CUDA_FAILED, "no CUDA-capable device is detected");
	*count = 2;
	for (int i = 0; i < 2 && i < capacity; i++)
	{
		info[i] = (rk_cuda_device_info) {
			.number = i, .major = 9, .minor = 0, .multiprocessors = 132,
			.memory = INT64_C(8) << 30, .cache = INT64_C(32) << 20
		};
		snprintf(info[i].name, sizeof(info[i].name), "Fake device %d", i);
		snprintf(info[i].uuid, sizeof(info[i].uuid), "fake-%d", i);
	}
	if (capacity > 1)
		snprintf(info[1].problem, sizeof(info[1].problem), "it is broken");
	return RK_CUDA_OK;
}

static rk_cuda_status
fake_open(int32_t number, int64_t memory_limit, rk_cuda_device **device, rk_cuda_error *error)
{
	(void) number;
	while (asked_for("opening"))
		usleep(10000);
	*device = calloc(1, sizeof(**device));
	if (*device == NULL)
		return fail(error, RK_CUDA_MEMORY, "out of memory");
	(*device)->limit = memory_limit ? memory_limit : INT64_MAX;
	return RK_CUDA_OK;
}

static void
fake_close(rk_cuda_device *device)
{
	free(device);
}

static int64_t
fake_memory_used(const rk_cuda_device *device)
{
	return device->used;
}

/* A copy of an array, counted. */
static void *
copy(rk_cuda_graph *graph, const void *data, int64_t bytes)
{
	void	   *to = data ? malloc(bytes + 1) : NULL;

	if (to)
	{
		memcpy(to, data, bytes);
		graph->bytes += bytes;
	}
	return to;
}

static rk_adjacency
copy_adjacency(rk_cuda_graph *graph, const rk_cuda_graph_data *data, const rk_cuda_adjacency *a)
{
	return (rk_adjacency) {
		.offsets = copy(graph, a->offsets, 8 * (data->nodes + 1)),
		.neighbors = copy(graph, a->neighbors, 4 * data->arcs),
		.weights = copy(graph, a->weights, 8 * data->arcs)
	};
}

static void
fake_free_graph(rk_cuda_device *device, rk_cuda_graph *graph)
{
	device->used -= graph->bytes;
	free(graph->g.out.offsets);
	free(graph->g.out.neighbors);
	free(graph->g.out.weights);
	if (!graph->in_is_out)
	{
		free(graph->g.in.offsets);
		free(graph->g.in.neighbors);
		free(graph->g.in.weights);
	}
	free(graph);
}

static rk_cuda_status
fake_load_graph(rk_cuda_device *device, const rk_cuda_graph_data *data, rk_cuda_graph **graph,
				rk_cuda_usage *usage, rk_cuda_error *error)
{
	rk_cuda_graph *made = calloc(1, sizeof(*made));

	if (made == NULL)
		return fail(error, RK_CUDA_MEMORY, "out of memory");
	made->g = (rk_graph) {.nodes = data->nodes, .arcs = data->arcs, .directed = data->directed};
	made->g.out = copy_adjacency(made, data, &data->out);
	made->g.in = copy_adjacency(made, data, &data->in);
	if (!data->directed)
	{
		made->g.in = made->g.out;
		made->in_is_out = true;
	}
	device->used += made->bytes;
	if (device->used > device->limit)
	{
		fake_free_graph(device, made);
		return fail(error, RK_CUDA_MEMORY, "out of memory");
	}
	usage->bytes_to += made->bytes;
	*graph = made;
	return RK_CUDA_OK;
}

static bool
stop_asked(void *arg)
{
	const volatile int32_t *stop = ((rk_cuda_call *) arg)->stop;

	/* a harness has none */
	return stop && *stop != 0;
}

/* Does what the file says; RK_CUDA_OK: nothing. */
static rk_cuda_status
fault(rk_cuda_call *call)
{
	if (asked_for("fail"))
		return fail(&call->error, RK_CUDA_FAILED, "launch failed");
	if (asked_for("memory"))
		return fail(&call->error, RK_CUDA_MEMORY, "out of memory");
	if (asked_for("lost"))
		return fail(&call->error, RK_CUDA_LOST, "an illegal memory access was encountered");
	if (asked_for("decline"))
		return fail(&call->error, RK_CUDA_DECLINED, "not for me");
	if (asked_for("crash"))
		raise(SIGSEGV);
	while (asked_for("stubborn"))
		usleep(10000);
	while (asked_for("slow"))
	{
		if (stop_asked(call))
			return RK_CUDA_STOPPED;
		usleep(10000);
	}
	return RK_CUDA_OK;
}

static void
give_run(rk_cuda_call *call, const rk_run *run)
{
	call->iterations = run->iterations;
	call->residual = run->residual;
	call->converged = run->converged;
}

static rk_status
run_pagerank(rk_ctx *ctx, rk_cuda_call *call)
{
	const rk_cuda_pagerank_params *p = call->params;
	rk_pagerank_params params = {
		.damping = p->damping,
		.tolerance = p->tolerance,
		.max_iterations = p->max_iterations,
		.dangling = p->dangling,
		.personalization = call->input[0].data
	};
	rk_run		run;
	rk_status	status = rk_graph_pagerank(ctx, &call->graph->g, &params, call->output[0].data, &run);

	give_run(call, &run);
	return status;
}

static rk_status
run_components(rk_ctx *ctx, rk_cuda_call *call)
{
	const rk_graph *g = &call->graph->g;
	uint32_t   *number = call->output[0].data;
	rk_components result;
	rk_status	status = rk_graph_weak_components(ctx, g, number, &result);

	for (int64_t v = 0; status == RK_OK && v < g->nodes; v++)
		number[v] = result.root[number[v]];
	return status;
}

static rk_status
run_triangles(rk_ctx *ctx, rk_cuda_call *call)
{
	rk_triangle_totals totals;

	return rk_graph_triangle_counts(ctx, &call->graph->g, call->output[0].data, NULL, &totals);
}

static rk_status
run_bfs(rk_ctx *ctx, rk_cuda_call *call)
{
	const rk_cuda_bfs_params *p = call->params;
	const rk_graph *g = &call->graph->g;
	rk_shortest_path_params params = {.source = p->source, .max_distance = (double) p->max_hops};
	uint32_t   *hops = call->output[0].data;
	double	   *distance = rk_alloc(ctx, g->nodes, sizeof(double));
	int64_t    *found = rk_alloc(ctx, g->nodes, sizeof(int64_t));
	rk_status	status;

	if (!distance || !found)
		return RK_ERR_MEMORY;
	status = rk_graph_shortest_path(ctx, g, &params, distance, call->output[1].data, found);
	for (int64_t v = 0; status == RK_OK && v < g->nodes; v++)
		hops[v] = found[v] < 0 ? UINT32_MAX : (uint32_t) found[v];
	return status;
}

/* Adds what a search came to to the arcs; paths: of all nodes, from before it went back. */
static void
add_arcs(const rk_path_search *s, const double *paths, double mass, double *total)
{
	const rk_adjacency *out = &s->graph->out;
	const double *coefficient = rk_path_coefficients(s);
	uint32_t   *rank = malloc(sizeof(uint32_t) * (s->graph->nodes + 1));
	int64_t		level = 0;

	for (int64_t i = 0; i < s->reached; i++)
	{
		if (!s->distance && i == s->level_begin[level + 1])
			level++;
		rank[s->order[i]] = s->distance ? i : level;
	}
	for (int64_t i = 0; i < s->reached; i++)
	{
		uint32_t	v = s->order[i];

		for (int64_t j = out->offsets[v]; j < out->offsets[v + 1]; j++)
		{
			uint32_t	w = out->neighbors[j];

			if (paths[w] != 0 && (s->distance ? s->distance[w] == s->distance[v] + out->weights[j] && rank[w] > rank[v] :
								  rank[w] == rank[v] + 1))
				total[j] += mass * -paths[v] * coefficient[w];
		}
	}
	free(rank);
}

static rk_status
run_betweenness(rk_ctx *ctx, rk_cuda_call *call)
{
	const rk_cuda_betweenness_params *p = call->params;
	const rk_graph *g = &call->graph->g;
	const uint32_t *sources = call->input[0].data;
	const uint32_t *source_mass = call->input[1].data;
	const uint32_t *mass = call->input[2].data;
	double	   *total = call->output[0].data;
	uint32_t   *reach = call->output[1].data;
	double	   *paths = rk_alloc(ctx, g->nodes, sizeof(double));
	rk_path_search *s = rk_path_search_create(ctx, g, mass);

	if (!s || !paths)
		return RK_ERR_MEMORY;
	memset(total, 0, call->output[0].bytes);
	for (int64_t i = 0; i < call->input[0].bytes / (int64_t) sizeof(uint32_t); i++)
	{
		double		times = source_mass ? source_mass[i] : 1;

		if (!rk_path_count(s, sources[i], RK_NO_NODE))
			return s->failure ? RK_ERR_OVERFLOW : RK_STOPPED;
		memcpy(paths, s->paths, sizeof(double) * g->nodes);
		if (!rk_path_dependencies(s, times, p->extra, p->edges ? NULL : total))
			return s->failure ? RK_ERR_OVERFLOW : RK_STOPPED;
		if (p->edges)
			add_arcs(s, paths, times, total);
		reach[i] = 0;
		for (int64_t k = 1; k < s->reached; k++)
			reach[i] += mass ? mass[s->order[k]] : 1;
		rk_path_clear(s);
	}
	return RK_OK;
}

static rk_status
run_path_samples(rk_ctx *ctx, rk_cuda_call *call)
{
	const rk_cuda_path_sample_params *p = call->params;
	rk_betweenness_params params = {.delta = p->delta, .seed = p->seed};
	int64_t		elements = call->output[0].bytes / sizeof(int64_t);
	int64_t    *hits = call->output[0].data;
	double	   *share = rk_alloc(ctx, elements, sizeof(double));
	rk_status	status;

	if (share == NULL)
		return RK_ERR_MEMORY;
	status = rk_path_sample(ctx, &call->graph->g, p->edges, p->ends, p->epsilon, &params, share, &call->counts[0]);
	for (int64_t i = 0; status == RK_OK && i < elements; i++)
		hits[i] = llround(share[i] * call->counts[0]);
	return status;
}

static rk_status
run_path_pairs(rk_ctx *ctx, rk_cuda_call *call)
{
	const rk_cuda_path_pairs_params *p = call->params;
	const rk_graph *g = &call->graph->g;
	const uint32_t *sources = call->input[0].data;
	const uint32_t *number = call->input[1].data;
	const uint32_t *target = call->input[2].data;
	uint32_t   *found = call->output[0].data;
	double	   *lengths = call->output[1].data;
	double	   *distance = rk_alloc(ctx, g->nodes, sizeof(double));
	uint32_t   *predecessor = rk_alloc(ctx, g->nodes, sizeof(uint32_t));
	int64_t    *hops = rk_alloc(ctx, g->nodes, sizeof(int64_t));

	if (!distance || !predecessor || !hops)
		return RK_ERR_MEMORY;
	for (int64_t i = 0; i < call->input[1].bytes / (int64_t) sizeof(uint32_t); i++)
	{
		rk_status	status = RK_OK;

		if (i == 0 || number[i] != number[i - 1])
			status = rk_graph_shortest_path(ctx, g, &(rk_shortest_path_params) {
				.source = sources[number[i]], .max_distance = p->max_distance
			}, distance, predecessor, hops);
		if (status != RK_OK)
			return status;
		found[i] = hops[target[i]] < 0 ? RK_NO_NODE : (uint32_t) hops[target[i]];
		if (lengths)
			lengths[i] = distance[target[i]];
	}
	return RK_OK;
}

static rk_status
run_reach(rk_ctx *ctx, rk_cuda_call *call)
{
	const rk_graph *g = &call->graph->g;
	const uint32_t *sources = call->input[0].data;
	uint32_t   *farthest = call->output[0].data;
	int64_t    *pairs = call->output[1].data;
	double	   *sums = call->output[0].data;
	double	   *distance = rk_alloc(ctx, g->nodes, sizeof(double));
	uint32_t   *predecessor = rk_alloc(ctx, g->nodes, sizeof(uint32_t));
	int64_t    *hops = rk_alloc(ctx, g->nodes, sizeof(int64_t));

	if (!distance || !predecessor || !hops)
		return RK_ERR_MEMORY;
	memset(call->output[0].data, 0, call->output[0].bytes);
	if (pairs)
		memset(pairs, 0, call->output[1].bytes);
	for (int64_t i = 0; i < call->input[0].bytes / (int64_t) sizeof(uint32_t); i++)
	{
		rk_status	status = rk_graph_shortest_path(ctx, g, &(rk_shortest_path_params) {
			.source = sources[i], .max_distance = INFINITY
		}, distance, predecessor, hops);

		if (status != RK_OK)
			return status;
		for (int64_t v = 0; v < g->nodes; v++)
		{
			if (hops[v] < 0 || v == sources[i])
				continue;
			if (g->out.weights)
			{
				sums[4 * i] += 1;
				sums[4 * i + 1] += distance[v];
				sums[4 * i + 2] += 1 / distance[v];
				sums[4 * i + 3] = fmax(sums[4 * i + 3], distance[v]);
				continue;
			}
			if (hops[v] >= call->output[1].bytes / (int64_t) sizeof(int64_t))
				return RK_ERR_UNSUPPORTED;
			pairs[hops[v]]++;
			farthest[i] = hops[v] > farthest[i] ? (uint32_t) hops[v] : farthest[i];
		}
	}
	return RK_OK;
}

static rk_status
run_lengths(rk_ctx *ctx, rk_cuda_call *call)
{
	const rk_cuda_length_params *p = call->params;
	const rk_graph *g = &call->graph->g;
	rk_shortest_path_params params = {.source = p->source, .max_distance = p->max_distance};
	uint32_t   *hops = call->output[1].data;
	int64_t    *found = rk_alloc(ctx, g->nodes, sizeof(int64_t));
	rk_status	status;

	if (!found)
		return RK_ERR_MEMORY;
	status = rk_graph_shortest_path(ctx, g, &params, call->output[0].data, call->output[2].data, found);
	for (int64_t v = 0; status == RK_OK && v < g->nodes; v++)
		hops[v] = found[v] < 0 ? UINT32_MAX : (uint32_t) found[v];
	return status;
}

static rk_status
run_similarity(rk_ctx *ctx, rk_cuda_call *call)
{
	const rk_cuda_similarity_params *p = call->params;
	const rk_graph *g = &call->graph->g;
	rk_neighborhoods hoods = {.nodes = g->nodes, .rows = p->in ? g->in : g->out};
	rk_measure	m = {.term = p->term, .value = call->input[2].data};
	const uint32_t *a = call->input[0].data;
	const uint32_t *b = call->input[1].data;
	uint32_t   *common = call->output[0].data;
	double	   *sum = call->output[1].data;
	double		unused;

	(void) ctx;
	if (call->input[3].data)
		hoods.rows.weights = (double *) call->input[3].data;
	for (int64_t i = 0; i < call->input[0].bytes / (int64_t) sizeof(uint32_t); i++)
		common[i] = rk_neighbor_intersect(&hoods, &m, a[i], b[i], sum ? &sum[i] : &unused, NULL);
	return RK_OK;
}

/* Pairs by the CPU's search: all of them each time, of which those asked for are taken. */
static rk_status
run_similar_pairs(rk_ctx *ctx, rk_cuda_call *call)
{
	const rk_cuda_similar_pairs_params *p = call->params;
	const rk_graph *g = &call->graph->g;
	rk_neighborhoods hoods = {.nodes = g->nodes, .rows = p->in ? g->in : g->out, .columns = p->in ? g->out : g->in};
	rk_measure	m = {
		.term = p->term, .power = p->power, .by_size = p->by_size, .lowest = p->lowest, .size = call->input[0].data,
		.value = call->input[1].data, .score = p->score
	};
	rk_similarity_params params = {
		.min_score = p->threshold, .top_k = p->top_k, .per_node = p->per_node, .exclude_connected = p->exclude_connected
	};
	int64_t		room = call->output[3].bytes / (int64_t) sizeof(double);
	int64_t		first = 0;		/* row that the node begins with */
	int64_t		node = -1;
	rk_wedges  *wedges;
	rk_similarity_rows rows;
	rk_status	status;

	if (call->input[2].data)
	{
		hoods.rows.weights = (double *) call->input[2].data;
		hoods.columns.weights = (double *) call->input[3].data;
	}
	if ((asked_for("parts") || asked_for("halfway")) && room > 1000)
		room = 1000;
	call->counts[0] = 0;
	call->counts[1] = g->nodes;
	status = rk_wedges_begin(ctx, &hoods, &m, &params, &wedges);
	while (status == RK_OK && (status = rk_wedges_next(wedges, &rows)) == RK_OK && rows.count > 0)
		for (int64_t i = 0; i < rows.count; i++)
		{
			int64_t		mine = p->per_node ? rows.a[i] : p->top_k ? 0 : rows.b[i];
			int64_t		to = call->counts[0];

			if (!p->top_k && mine < p->begin)
				continue;
			if (mine != node)
				first = to;
			node = mine;
			/* a node whose rows do not all fit is one for the next call */
			if (to == room)
			{
				call->counts[0] = first;
				call->counts[1] = node;
				return RK_OK;
			}
			((uint32_t *) call->output[0].data)[to] = rows.a[i];
			((uint32_t *) call->output[1].data)[to] = rows.b[i];
			((uint32_t *) call->output[2].data)[to] = rows.common[i];
			((double *) call->output[3].data)[to] = rows.score[i];
			call->counts[0]++;
		}
	return status;
}

/*
 * A book of which each position has its weight as value and a volatility of 1,
 * or, with lognormal prices, the spread as one.
 */
static rk_status
simulate(rk_ctx *ctx, const rk_cuda_monte_carlo_params *p, const rk_cuda_call *call, double *pnl)
{
	int64_t		n = call->input[0].bytes / sizeof(double);
	double	   *volatility = rk_alloc(ctx, n, sizeof(double));
	double	   *expected = rk_alloc0(ctx, n, sizeof(double));
	const double *drift = call->input[1].data;
	const double *spread = call->input[2].data;
	rk_positions positions = {n, call->input[0].data, volatility, expected, NULL, call->input[3].data};
	rk_simulation s = {
		.years = 1, .simulations = p->simulations, .antithetic = p->antithetic, .seed = p->seed,
		.distribution = p->degrees_of_freedom > 0 ? RK_STUDENT_T : RK_NORMAL, .degrees_of_freedom = p->degrees_of_freedom,
		.geometric = p->geometric, .sobol = call->input[5].data != NULL
	};
	rk_status	status;

	if (!volatility || !expected)
		return RK_ERR_MEMORY;
	for (int64_t j = 0; j < n; j++)
	{
		volatility[j] = spread ? spread[j] : 1;
		expected[j] = drift ? drift[j] + 0.5 * spread[j] * spread[j] : 0;
	}
	status = rk_risk_simulate(ctx, &positions, &s, pnl);
	for (int64_t i = 0; i < p->simulations; i++)
		pnl[i] += p->mean;
	return status;
}

static rk_status
run_monte_carlo(rk_ctx *ctx, rk_cuda_call *call)
{
	return simulate(ctx, call->params, call, call->output[0].data);
}

static rk_status
run_monte_carlo_risk(rk_ctx *ctx, rk_cuda_call *call)
{
	const rk_cuda_monte_carlo_risk_params *p = call->params;
	int64_t		n = p->book.simulations;
	const int64_t *ranks = call->input[6].data;
	int			count = call->input[6].bytes / sizeof(int64_t);
	double	   *sums = call->output[1].data;
	double	   *pnl = rk_alloc(ctx, n, sizeof(double));
	rk_status	status;

	if (pnl == NULL)
		return RK_ERR_MEMORY;
	status = simulate(ctx, &p->book, call, pnl);
	if (status != RK_OK)
		return status;
	sums[0] = sums[1] = sums[2] = 0;
	for (int64_t i = 0; i < n; i++)
		sums[0] += pnl[i] / n;
	for (int64_t i = 0; i < n; i++)
		sums[1] += (pnl[i] - sums[0]) * (pnl[i] - sums[0]);
	sums[1] = n > 1 ? sqrt(sums[1] / (n - 1)) : 0;
	rk_select_smallest(pnl, n, n);
	for (int k = 0; k < count; k++)
		((double *) call->output[0].data)[k] = pnl[ranks[k]];
	for (int64_t i = 0; i < p->full; i++)
		sums[2] += pnl[i];
	return RK_OK;
}

static rk_status
run_monte_carlo_parts(rk_ctx *ctx, rk_cuda_call *call)
{
	const rk_cuda_monte_carlo_parts_params *p = call->params;
	const rk_cuda_monte_carlo_params *book = &p->risk.book;
	int64_t		n = call->input[0].bytes / sizeof(double);
	int64_t		runs = book->simulations;
	const double *value = call->input[0].data;
	double	   *sums = call->output[2].data;
	double	   *pnl = rk_alloc(ctx, runs, sizeof(double));
	double	   *move = rk_alloc(ctx, runs, sizeof(double));
	double	   *ranked = rk_alloc(ctx, runs, sizeof(double));
	double	   *alone = rk_alloc(ctx, n, sizeof(double));
	rk_cuda_call whole = *call;
	double		border;
	int64_t		smaller = 0;
	rk_status	status;

	if (!pnl || !move || !ranked || !alone)
		return RK_ERR_MEMORY;
	whole.params = &p->risk;
	whole.params_bytes = sizeof(p->risk);
	status = run_monte_carlo_risk(ctx, &whole);
	if (status == RK_OK)
		status = simulate(ctx, book, call, pnl);
	if (status != RK_OK)
		return status;
	memcpy(ranked, pnl, sizeof(double) * runs);
	rk_select_smallest(ranked, runs, runs);
	border = ranked[p->risk.full < runs ? p->risk.full : runs - 1];
	for (int64_t i = 0; i < runs; i++)
		smaller += pnl[i] < border;
	/* a book of one position after the other has the same draws */
	for (int64_t j = 0; j < n; j++)
	{
		int64_t		equal = smaller;

		memset(alone, 0, sizeof(double) * n);
		alone[j] = value[j];
		whole = *call;
		whole.input[0].data = alone;
		status = simulate(ctx, book, &whole, move);
		if (status != RK_OK)
			return status;
		sums[j] = sums[n + j] = sums[2 * n + j] = 0;
		for (int64_t i = 0; i < runs; i++)
		{
			double		share = pnl[i] < border ? 1 : pnl[i] > border ? 0 : fmin(fmax(p->mass - (double) equal++, 0), 1);

			sums[j] += move[i];
			sums[n + j] += move[i] * pnl[i];
			sums[2 * n + j] += move[i] * share;
		}
	}
	return RK_OK;
}

static rk_status
run_stress(rk_ctx *ctx, rk_cuda_call *call)
{
	const rk_cuda_stress_params *p = call->params;
	rk_stress_grid grid = {
		.values = call->input[0].data,.scale = p->scale,.lines = (rk_stress_line *) call->input[1].data,
		.factors = call->input[2].bytes / sizeof(int64_t) - 1,.factor_offsets = call->input[2].data,
		.shock = (rk_stress_shock *) call->input[3].data,.shocks = call->input[3].bytes / sizeof(rk_stress_shock)
	};

	grid.offsets = rk_alloc0(ctx, grid.shocks + 1, sizeof(int64_t));
	if (grid.offsets == NULL)
		return RK_ERR_MEMORY;
	for (int64_t k = 0; k < grid.shocks; k++)
		grid.offsets[k + 1] = grid.offsets[k] + grid.factor_offsets[grid.shock[k].factor + 1] -
			grid.factor_offsets[grid.shock[k].factor];
	grid.rows = grid.offsets[grid.shocks];
	return p->sums ? rk_risk_stress_sums(ctx, &grid, call->output[0].data) :
		rk_risk_stress_rows(ctx, &grid, call->output[0].data);
}

static rk_status
run_katz(rk_ctx *ctx, rk_cuda_call *call)
{
	const rk_cuda_katz_params *p = call->params;
	rk_katz_params params = {
		.alpha = p->alpha,
		.beta = p->beta,
		.node_beta = call->input[0].data,
		.tolerance = p->tolerance,
		.max_iterations = p->max_iterations,
		.norm = p->norm
	};
	rk_run		run;
	rk_status	status = rk_graph_katz_centrality(ctx, &call->graph->g, &params, call->output[0].data,
												  call->output[1].data, &run);

	give_run(call, &run);
	return status;
}

static rk_status
run_eigenvector(rk_ctx *ctx, rk_cuda_call *call)
{
	const rk_cuda_eigenvector_params *p = call->params;
	rk_eigenvector_params params = {.tolerance = p->tolerance, .max_iterations = p->max_iterations, .norm = p->norm};
	rk_run		run;
	rk_status	status = rk_graph_eigenvector_centrality(ctx, &call->graph->g, &params, call->output[0].data,
														 call->output[1].data, &run);

	give_run(call, &run);
	return status;
}

/* Features in float8. */
static const double *
features_of(rk_ctx *ctx, const rk_cuda_call *call, int32_t type, int64_t count)
{
	const float *narrow = call->input[2].data;
	double	   *wide;

	if (type == RK_COMPUTE_FLOAT8)
		return call->input[2].data;
	wide = rk_alloc(ctx, count, sizeof(double));
	for (int64_t i = 0; wide && i < count; i++)
		wide[i] = narrow[i];
	return wide;
}

/* An embedding in the type that is computed with. */
static void
put_embedding(rk_cuda_call *call, int32_t type, const double *embedding, int64_t count)
{
	if (type == RK_COMPUTE_FLOAT8)
		memcpy(call->output[0].data, embedding, sizeof(double) * count);
	else
		for (int64_t i = 0; i < count; i++)
			((float *) call->output[0].data)[i] = (float) embedding[i];
}

/* The next array of a model. */
static const double *
take(const double **numbers, bool there, int64_t count)
{
	const double *at = *numbers;

	*numbers += there ? count : 0;
	return there ? at : NULL;
}

static rk_status
run_gnn(rk_ctx *ctx, rk_cuda_call *call)
{
	const rk_cuda_gnn_params *p = call->params;
	const rk_cuda_gnn_layer *from = call->input[0].data;
	const double *numbers = call->input[1].data;
	int64_t		n = call->graph->g.nodes;
	int64_t		out = from[p->layers - 1].out;
	rk_gnn_layer *layers = rk_alloc0(ctx, p->layers, sizeof(rk_gnn_layer));
	rk_gnn_model model = {.add_self_loops = p->add_self_loops, .layers = p->layers, .layer = layers, .output = p->output};
	rk_gnn_result result;
	const double *features = features_of(ctx, call, p->compute_type, n * from[0].in);
	rk_status	status;

	if (!layers || !features)
		return RK_ERR_MEMORY;
	for (int i = 0; i < p->layers; i++)
	{
		layers[i] = (rk_gnn_layer) {
			.in = from[i].in, .out = from[i].out, .aggregation = from[i].aggregation, .activation = from[i].activation,
			.normalize = from[i].normalize, .eps = from[i].eps, .epsilon = from[i].epsilon
		};
		layers[i].weight = take(&numbers, true, from[i].in * from[i].out);
		layers[i].bias = take(&numbers, from[i].has_bias, from[i].out);
		layers[i].self_weight = take(&numbers, from[i].has_self, from[i].in * from[i].out);
		layers[i].gamma = take(&numbers, from[i].has_gamma, from[i].out);
		layers[i].beta = take(&numbers, from[i].has_beta, from[i].out);
	}
	status = rk_graph_gnn_inference(ctx, &call->graph->g, features, &model, p->compute_type, &result);
	if (status != RK_OK)
		return status;
	put_embedding(call, p->compute_type, result.embedding, n * out);
	if (call->output[1].bytes > 0)
		memcpy(call->output[1].data, result.prediction, call->output[1].bytes);
	if (call->output[2].bytes > 0)
		memcpy(call->output[2].data, result.probabilities, call->output[2].bytes);
	return RK_OK;
}

static rk_status
run_attention(rk_ctx *ctx, rk_cuda_call *call)
{
	const rk_cuda_attention_params *p = call->params;
	const rk_cuda_attention_head *from = call->input[0].data;
	const double *numbers = call->input[1].data;
	int64_t		n = call->graph->g.nodes;
	int64_t		columns = p->concat ? p->heads * p->width : p->width;
	rk_attention_head *heads = rk_alloc0(ctx, p->heads, sizeof(rk_attention_head));
	rk_attention_model model = {
		.second = p->second, .negative_slope = p->negative_slope, .concat = p->concat, .in = p->in, .width = p->width,
		.heads = p->heads, .head = heads, .out = p->out, .activation = p->activation
	};
	rk_attention_result result;
	const double *features = features_of(ctx, call, p->compute_type, n * p->in);
	rk_status	status;

	if (!heads || !features)
		return RK_ERR_MEMORY;
	for (int i = 0; i < p->heads; i++)
	{
		int64_t		matrix = p->in * p->width;

		heads[i].query = take(&numbers, true, matrix);
		heads[i].key = from[i].key == RK_CUDA_MATRIX_OWN ? take(&numbers, true, matrix) : heads[i].query;
		heads[i].value = from[i].value == RK_CUDA_MATRIX_OWN ? take(&numbers, true, matrix) :
			from[i].value == RK_CUDA_MATRIX_KEY ? heads[i].key : heads[i].query;
		heads[i].attention = take(&numbers, true, p->second ? p->width : 2 * p->width);
	}
	model.output_weight = take(&numbers, p->has_output, columns * p->out);
	model.bias = take(&numbers, p->has_bias, p->out);
	status = rk_graph_graph_attention(ctx, &call->graph->g, features, &model, p->compute_type,
									  call->output[2].bytes > 0, &result);
	if (status != RK_OK)
		return status;
	put_embedding(call, p->compute_type, result.embedding, n * p->out);
	memcpy(call->output[1].data, result.importance, call->output[1].bytes);
	if (call->output[2].bytes > 0)
		memcpy(call->output[2].data, result.attention, call->output[2].bytes);
	return RK_OK;
}

static rk_status
run_labels(rk_ctx *ctx, rk_cuda_call *call)
{
	const rk_cuda_label_params *p = call->params;
	const rk_graph *g = &call->graph->g;
	const uint32_t *given = call->input[0].data;
	const int64_t *values = call->input[1].data;
	uint32_t   *label = call->output[0].data;
	int64_t    *community = rk_alloc(ctx, g->nodes, sizeof(int64_t));
	int64_t    *initial = given ? rk_alloc(ctx, g->nodes, sizeof(int64_t)) : NULL;
	rk_label_params params = {
		.variant = p->variant, .max_iterations = p->max_iterations, .seed = p->seed, .initial = initial,
		.fixed = call->input[2].data
	};
	rk_label_result result;
	int64_t    *ranks;
	int64_t		labels;
	rk_run		run;
	rk_status	status;

	if (!community || (given && !initial))
		return RK_ERR_MEMORY;
	for (int64_t v = 0; given && v < g->nodes; v++)
		initial[v] = given[v] == RK_NO_NODE ? -1 : values[given[v]];
	status = rk_graph_label_propagation(ctx, g, &params, community, &result, &run);
	*(double *) call->output[1].data = result.modularity;
	give_run(call, &run);
	if (status == RK_OK && given)
		return rk_graph_label_start(ctx, g->nodes, community, label, &ranks, &labels);
	/* any names will do */
	for (int64_t v = 0; status == RK_OK && v < g->nodes; v++)
		label[v] = (uint32_t) community[v];
	return status;
}

static rk_status
run_louvain(rk_ctx *ctx, rk_cuda_call *call)
{
	const rk_cuda_louvain_params *p = call->params;
	rk_louvain_params params = {
		.resolution = p->resolution,
		.algorithm = p->leiden ? RK_COMMUNITY_LEIDEN : RK_COMMUNITY_LOUVAIN,
		.min_gain = p->min_gain,
		.max_levels = p->max_levels,
		.max_iterations = p->max_iterations,
		.seed = p->seed
	};
	rk_louvain_work work = {
		.graph = &call->graph->g,
		.out = call->input[0].data,
		.loop = call->input[1].data,
		.in = call->input[2].data,
		.total = p->total,
		.mean_weight = p->mean_weight,
		.penalty = p->penalty,
		.tries = p->tries,
		.label = call->output[0].data,
		.room = call->output[0].bytes / (int64_t) sizeof(uint32_t)
	};
	rk_status	status = rk_graph_louvain_levels(ctx, &params, &work);

	memcpy(call->output[1].data, work.count, sizeof(work.count));
	*(double *) call->output[2].data = work.modularity;
	call->counts[0] = call->graph->g.nodes;
	for (int i = 0; i + 1 < work.levels; i++)
		call->counts[0] += work.count[i];
	call->counts[1] = work.levels;
	give_run(call, &work.run);
	return status;
}

/* Fits of series that are scaled already. */
static rk_status
run_garch(rk_ctx *ctx, rk_cuda_call *call)
{
	const rk_cuda_garch_params *p = call->params;
	rk_garch_params params = {
		.egarch = p->egarch, .p = p->p, .o = p->o, .q = p->q, .mean = p->mean, .distribution = p->distribution,
		.mean_backcast = p->mean_backcast
	};

	return rk_temporal_garch_fit_batch(ctx, &params, &(rk_garch_batch) {
		.count = call->input[0].bytes / (int64_t) sizeof(int64_t) - 1,
		.offsets = (int64_t *) call->input[0].data,
		.y = (double *) call->input[1].data,
		.start = (double *) call->input[2].data,
		.estimates = call->output[0].data,
		.value = call->output[1].data,
		.covariance = call->output[2].data,
		.converged = call->output[3].data
	});
}

/* Fits of series that are differenced and scaled already. */
static rk_status
run_arima(rk_ctx *ctx, rk_cuda_call *call)
{
	const rk_cuda_arima_params *p = call->params;
	rk_arima_params params = {
		.orders = {.p = p->p, .q = p->q, .seasonal_p = p->seasonal_p, .seasonal_q = p->seasonal_q, .period = p->period},
		.method = p->css ? RK_ARIMA_CSS : RK_ARIMA_ML,
		.box_cox = NAN
	};

	return rk_temporal_arima_fit_batch(ctx, &params, &(rk_arima_batch) {
		.count = call->input[0].bytes / (int64_t) sizeof(int64_t) - 1,
		.coefficients = rk_arima_coefficients(&params.orders),
		.columns = p->columns,
		.starts = p->starts,
		.offsets = (int64_t *) call->input[0].data,
		.y = (double *) call->input[1].data,
		.start = (double *) call->input[2].data,
		.estimates = call->output[0].data,
		.value = call->output[1].data,
		.hessian = call->output[2].data,
		.converged = call->output[3].data
	});
}

static rk_status
run_correlation(rk_ctx *ctx, rk_cuda_call *call)
{
	const rk_cuda_correlation_params *p = call->params;
	const double *x = call->input[0].data;
	double	   *product = call->output[0].data;

	for (int64_t i = 0; i < p->assets; i++)
	{
		if (rk_ctx_poll(ctx))
			return RK_STOPPED;
		for (int64_t j = i + 1; j < p->assets; j++)
		{
			double		sum = 0;

			for (int64_t k = 0; k < p->times; k++)
				sum += x[i * p->times + k] * x[j * p->times + k];
			*product++ = sum;
		}
	}
	return RK_OK;
}

/* The CPU's kernels, by rk_cuda_kernel. */
static rk_status (*const twins[]) (rk_ctx *ctx, rk_cuda_call *call) = {
#define RK_CUDA_KERNEL(number, name) run_##name,
#include "../../cuda/kernels.def"
#undef RK_CUDA_KERNEL
};

static rk_cuda_status
fake_run(rk_cuda_device *device, rk_cuda_call *call)
{
	rk_cuda_status status = fault(call);
	rk_ctx		ctx;
	rk_status	done = RK_ERR_UNSUPPORTED;

	(void) device;
	if (status != RK_CUDA_OK)
		return status;
	if (call->kernel == RK_CUDA_SIMILAR_PAIRS && asked_for("halfway") &&
		((const rk_cuda_similar_pairs_params *) call->params)->begin > 0)
		return fail(&call->error, RK_CUDA_FAILED, "launch failed");
	rk_ctx_init(&ctx);
	ctx.interrupted = stop_asked;
	ctx.interrupted_arg = call;
	if (call->kernel >= 0 && call->kernel < RK_CUDA_KERNELS)
		done = twins[call->kernel](&ctx, call);
	if (done == RK_STOPPED)
		status = RK_CUDA_STOPPED;
	else if (done == RK_ERR_MEMORY)
		status = fail(&call->error, RK_CUDA_MEMORY, ctx.error.message);
	else if (done != RK_OK)
		status = fail(&call->error, RK_CUDA_DECLINED, ctx.error.message);
	rk_ctx_destroy(&ctx);
	for (int i = 0; i < RK_CUDA_ARRAYS; i++)
	{
		call->usage.bytes_to += call->input[i].bytes;
		call->usage.bytes_from += call->output[i].bytes;
	}
	return status;
}

/* ---- rings ---- */

struct rk_cuda_ring
{
	rk_cuda_device *device;
	rk_ring_window  *window;
	char	   *image;
};

static rk_cuda_status
fake_ring_open(rk_cuda_device *device, rk_ring_window *window, int64_t bytes, rk_cuda_ring **ring, rk_cuda_error *error)
{
	rk_cuda_ring *r;

	(void) bytes;
	*ring = NULL;
	if (asked_for("noring"))
		return fail(error, RK_CUDA_FAILED, "operation not supported");
	r = calloc(1, sizeof(*r));
	if (r)
		r->image = malloc(window->image_bytes);
	if (r == NULL || r->image == NULL)
	{
		free(r);
		return fail(error, RK_CUDA_MEMORY, "out of memory");
	}
	r->device = device;
	r->window = window;
	__atomic_fetch_add(&device->used, window->image_bytes, __ATOMIC_RELAXED);
	window->base = (uint64_t) (uintptr_t) r->image;
	*ring = r;
	return RK_CUDA_OK;
}

static rk_cuda_status
fake_ring_load(rk_cuda_ring *r, rk_cuda_error *error)
{
	if (asked_for("fail"))
		return fail(error, RK_CUDA_FAILED, "copy failed");
	memcpy(r->image, (char *) r->window + r->window->image_offset, r->window->image_bytes);
	return RK_CUDA_OK;
}

static rk_cuda_status
fake_ring_save(rk_cuda_ring *r, rk_cuda_error *error)
{
	if (asked_for("fail"))
		return fail(error, RK_CUDA_FAILED, "copy failed");
	memcpy((char *) r->window + r->window->image_offset, r->image, r->window->image_bytes);
	return RK_CUDA_OK;
}

static double
seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + 1e-9 * t.tv_nsec;
}

static rk_cuda_status
fake_ring_slice(rk_cuda_ring *r, double slice, rk_cuda_error *error)
{
	rk_ring_window  *w = r->window;
	double		until = seconds() + slice;
	uint64_t	position = rk_look64(&w->served);
	rk_cuda_status status = RK_CUDA_OK;

	if (asked_for("fail"))
		status = fail(error, RK_CUDA_FAILED, "launch failed");
	if (asked_for("lost"))
		status = fail(error, RK_CUDA_LOST, "an illegal memory access was encountered");
	if (asked_for("crash"))
		raise(SIGSEGV);
	while (asked_for("stubborn"))
		usleep(10000);
	while (status == RK_CUDA_OK)
	{
		rk_window_request request;
		rk_window_reply reply = {0};

		if (!rk_window_look(w, position, &request))
		{
			if (rk_look32(&w->stop) || seconds() >= until)
				break;
			sched_yield();
			continue;
		}
		if (rk_ring_is_wide(w->kind, request.type_id))
		{
			uint64_t	part;
			rk_team		alone = {.size = 1, .parts = &part};

			if (slice > 0)
				alone.until = rk_team_clock() + (uint64_t) (1e9 * slice);
			if (!rk_ring_step_wide(w->kind, r->image, &request, &reply, &alone, &w->stop))
				break;
		}
		else if (!rk_ring_step(w->kind, r->image, &request, &reply))
		{
			rk_tell64(&w->room_for, position + 1);
			break;
		}
		if (asked_for("midway"))
			raise(SIGSEGV);
		rk_window_answer(w, position++, &reply);
	}
	rk_tell64(&w->served, position);
	return status;
}

static void
fake_ring_close(rk_cuda_ring *r)
{
	__atomic_fetch_sub(&r->device->used, r->window->image_bytes, __ATOMIC_RELAXED);
	free(r->image);
	free(r);
}

static rk_cuda_status
fake_measure(rk_cuda_device *device, rk_cuda_constants *constants, rk_cuda_error *error)
{
	(void) device;
	if (asked_for("fail"))
		return fail(error, RK_CUDA_FAILED, "launch failed");
	if (asked_for("feeble"))
		*constants = (rk_cuda_constants) {
			.transfer_rate = 1e6, .memory_rate = 1e6, .flop_rate = 1e6, .launch_seconds = 1
		};
	else if (asked_for("mighty"))
		*constants = (rk_cuda_constants) {
			.transfer_rate = 1e15, .memory_rate = 1e15, .flop_rate = 1e18, .launch_seconds = 1e-12
		};
	else
		*constants = (rk_cuda_constants) {.transfer_rate = 25e9, .memory_rate = 3e12, .flop_rate = 2e13, .launch_seconds = 5e-6};
	return RK_CUDA_OK;
}

const rk_cuda_table *
rk_cuda_open_table(uint32_t version)
{
	static const rk_cuda_table table = {
		.version = RK_CUDA_VERSION,
		.bytes = sizeof(rk_cuda_table),
		.build = "fake, for tests",
		.kernels = (UINT64_C(1) << RK_CUDA_KERNELS) - 1,
		.list = fake_list,
		.open = fake_open,
		.close = fake_close,
		.memory_used = fake_memory_used,
		.load_graph = fake_load_graph,
		.free_graph = fake_free_graph,
		.run = fake_run,
		.measure = fake_measure,
		.rings = (UINT64_C(1) << RK_RING_KINDS) - 1,
		.ring_open = fake_ring_open,
		.ring_load = fake_ring_load,
		.ring_save = fake_ring_save,
		.ring_slice = fake_ring_slice,
		.ring_close = fake_ring_close
	};

	if (asked_for("version"))
		return NULL;
	return version == RK_CUDA_VERSION ? &table : NULL;
}
