/*
 * louvain.c
 *	  Louvain and Leiden on the device against the CPU: equal.
 */
#include "levels.h"

#include <stdio.h>
#include <string.h>

/* With a large one many nodes leave for a community of their own. */
static const double resolutions[] = {1, 0.5, 4};

#define TRIES_NODES 50			/* smaller graphs are tried in two orders; more take long where there is no device */

static const char *const kinds[] = {"", " whole weights", " weights"};

void
prepare_levels(device_levels *d, const rk_louvain_params *params, const rk_louvain_work *w, uint32_t *label)
{
	int64_t		n = w->graph->nodes;

	*d = (device_levels) {
		.params = {
			.resolution = params->resolution,
			.penalty = w->penalty,
			.total = w->total,
			.mean_weight = w->mean_weight,
			.min_gain = params->min_gain,
			.seed = params->seed,
			.leiden = params->algorithm == RK_COMMUNITY_LEIDEN,
			.max_levels = params->max_levels,
			.max_iterations = params->max_iterations,
			.tries = w->tries
		},
		.label = label
	};
	d->call = (rk_cuda_call) {
		.kernel = RK_CUDA_LOUVAIN,
		.params = &d->params,
		.params_bytes = sizeof(d->params),
		.input = {
			{w->out, n * (int64_t) sizeof(double)},
			{w->loop, n * (int64_t) sizeof(double)},
			{w->in, w->in ? n * (int64_t) sizeof(double) : 0}
		},
		.output = {
			{label, w->room * (int64_t) sizeof(uint32_t)},
			{d->count, sizeof(d->count)},
			{&d->modularity, sizeof(d->modularity)}
		}
	};
}

bool
same_levels(const rk_louvain_work *w, const device_levels *d)
{
	const rk_cuda_call *call = &d->call;
	int64_t		entries = w->graph->nodes;

	if (call->counts[1] != w->levels || d->modularity != w->modularity ||
		memcmp(d->count, w->count, w->levels * sizeof(int64_t)) != 0)
		return false;
	for (int i = 0; i + 1 < w->levels; i++)
		entries += w->count[i];
	return call->counts[0] == entries && memcmp(d->label, w->label, entries * sizeof(uint32_t)) == 0 &&
		call->iterations == w->run.iterations && !call->converged == w->run.reached_max &&
		call->residual == w->run.residual;
}

/* Does the work on both, compares, and leaves the CPU's. */
static bool
find_both(void *arg, const rk_louvain_params *params, rk_louvain_work *w)
{
	engine_check *e = arg;
	harness    *h = e->h;
	int64_t		n = w->graph->nodes;
	device_levels d;
	rk_ctx		ctx;
	double		seconds = 0;
	double		cpu_seconds;
	char		difference[48];

	if (h->scale <= 1)
		w->tries = n < TRIES_NODES ? 2 : 1;
	begin_ctx(h, &ctx);
	prepare_levels(&d, params, w, rk_alloc(&ctx, w->room, sizeof(uint32_t)));
	cpu_seconds = now();
	must(&ctx, rk_graph_louvain_levels(&ctx, params, w));
	cpu_seconds = now() - cpu_seconds;
	d.call.graph = load(h, e->what, w->graph, &d.call.usage);
	if (d.call.graph)
	{
		e->ok = run_device(h, e->what, &d.call, &seconds);
		h->table->free_graph(h->device, d.call.graph);
	}
	if (e->ok)
	{
		snprintf(difference, sizeof(difference), "%lld of %lld, %d levels", (long long) w->count[w->levels - 1],
				 (long long) n, w->levels);
		report(h, e->what, same_levels(w, &d), difference, cpu_seconds, seconds, &d.call.usage);
	}
	rk_ctx_destroy(&ctx);
	return true;
}

static void
check_case(harness *h, const graph_case *c, weight_kind kind, bool directed, bool leiden, int max_iterations)
{
	char		what[80];
	rk_ctx		ctx;
	rk_graph_options options = {
		.directed = directed, .want_in = directed, .want_out = true, .parallel = RK_EDGES_COLLAPSE
	};
	engine_check e = {.h = h, .what = what};
	rk_louvain_params p = {
		.resolution = resolutions[kind],
		.algorithm = leiden ? RK_COMMUNITY_LEIDEN : RK_COMMUNITY_LOUVAIN,
		.min_gain = 1e-7,
		.max_iterations = max_iterations,
		.seed = 3,
		.engine = find_both,
		.engine_arg = &e
	};
	rk_communities found;
	rk_run		run;
	rk_graph	g;

	snprintf(what, sizeof(what), "%s %s%s%s", leiden ? "leiden" : "louvain", c->name, kinds[kind],
			 directed ? " directed" : "");
	begin_ctx(h, &ctx);
	g = make_graph(h, &ctx, c, 17, false, &options);
	if (kind != WITHOUT_WEIGHTS)
	{
		add_weights(&ctx, &g, &g.out, false, kind);
		if (directed)
			add_weights(&ctx, &g, &g.in, true, kind);
		else
			g.in = g.out;
	}
	must(&ctx, rk_graph_louvain_community(&ctx, &g, &p, &found, &run));
	rk_ctx_destroy(&ctx);
}

void
check_louvain(harness *h)
{
	/*
	 * Batches of the smaller ones are single nodes, and one block's.  Those of
	 * "hubs" are not, and it has giants where the kernels run on the CPU.
	 */
	static const graph_case cases[] = {
		{"random", SHAPE_RANDOM, 50, 120},
		{"skewed", SHAPE_SKEWED, 300, 2500},
		{"hubs", SHAPE_SKEWED, 1500, 20000},
		{"star", SHAPE_STAR, 600, 600},
		{"path", SHAPE_PATH, 150, 149},
		{"cliques", SHAPE_CLIQUES, 48, 720},
		{"loops", SHAPE_LOOPS, 40, 40},
		{"two nodes", SHAPE_PATH, 2, 1},
		{"dense", SHAPE_RANDOM, 60, 1800}
	};

	for (size_t c = 0; c < sizeof(cases) / sizeof(cases[0]); c++)
		for (int k = 0; k < 4; k++)
			check_case(h, &cases[c], (k + c) % 3, (k + c) & 1, k >= 2, k & 1 ? 2 : 8);
}
