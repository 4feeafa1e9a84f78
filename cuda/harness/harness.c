/*
 * harness.c
 *	  Every kernel of a device library against its twin on the CPU.
 *
 *	  harness LIBRARY [SCALE [KERNEL...]]
 *	  harness LIBRARY list
 *	  harness LIBRARY figures [SCALE [FIGURE...]]
 *
 * Needs no PostgreSQL.  Prints a line for each comparison: times of both (the
 * device's is that of its kernels; transfers are apart), bytes moved in device
 * memory over the rate that was measured there, and "ok" or "not ok".  Without a
 * device it says "skipped: no device" and succeeds.  SCALE multiplies the sizes:
 * 1 is for correctness, 100 and more for times.
 *
 * "list" prints the device and the names of the checks, one a line; figures.c
 * says what "figures" does.
 */
#include "harness.h"

#include <dlfcn.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define PROFILE_SECONDS 2e-3	/* of a call whose launches are worth looking at */

const graph_case graph_cases[] = {
	{"random", SHAPE_RANDOM, 1000, 7000},
	{"skewed", SHAPE_SKEWED, 2000, 12000},
	{"star", SHAPE_STAR, 3000, 3000},
	{"path", SHAPE_PATH, 1500, 1499},
	{"cliques", SHAPE_CLIQUES, 480, 7200},
	{"loops", SHAPE_LOOPS, 700, 700},
	{"empty", SHAPE_EMPTY, 300, 0},
	{"two nodes", SHAPE_PATH, 2, 1},
	{"one node", SHAPE_LOOPS, 1, 1},
	{NULL, SHAPE_EMPTY, 0, 0}
};

void
hand_over_fits(rk_cuda_call *call, const fit_arrays *a)
{
	const int64_t number = sizeof(double);

	call->input[0] = (rk_cuda_input) {a->offsets, (a->count + 1) * (int64_t) sizeof(int64_t)};
	call->input[1] = (rk_cuda_input) {a->y, a->offsets[a->count] * number};
	call->input[2] = (rk_cuda_input) {a->start, a->count * a->starts * number};
	call->output[0] = (rk_cuda_output) {a->estimates, a->count * a->k * number};
	call->output[1] = (rk_cuda_output) {a->value, a->count * number};
	call->output[2] = (rk_cuda_output) {a->matrix, a->count * a->side * a->side * number};
	call->output[3] = (rk_cuda_output) {a->converged, a->count * (int64_t) sizeof(int32_t)};
}

int64_t *
series_offsets(rk_ctx *ctx, int64_t count, int64_t length, int shapes, int short_one, int least, int more)
{
	int64_t    *offsets = rk_alloc(ctx, count + 1, sizeof(int64_t));

	if (offsets == NULL)
		must(ctx, RK_ERR_MEMORY);
	offsets[0] = 0;
	for (int64_t i = 0; i < count; i++)
		offsets[i + 1] = offsets[i] + (i % shapes == short_one ? least + i % (more + 1) : length + i % 37);
	return offsets;
}

double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + 1e-9 * t.tv_nsec;
}

/* ---- the CPU's side ---- */

void
must(rk_ctx *ctx, rk_status status)
{
	if (status == RK_OK)
		return;
	fprintf(stderr, "the CPU's twin failed: %s\n", ctx->error.message);
	exit(2);
}

void
begin_ctx(harness *h, rk_ctx *ctx)
{
	rk_ctx_init(ctx);
	ctx->threads = h->threads;
}

/* Ends of edge i. */
static void
edge_of(const graph_case *c, int64_t nodes, uint64_t seed, int64_t i, uint32_t *source, uint32_t *target)
{
	uint64_t	a = rk_hash3(seed, i, 1);
	uint64_t	b = rk_hash3(seed, i, 2);
	double		u = (a >> 11) * 0x1p-53;
	double		v = (b >> 11) * 0x1p-53;

	switch (c->shape)
	{
		case SHAPE_RANDOM:
			*source = a % nodes;
			*target = b % nodes;
			break;
		case SHAPE_SKEWED:
			*source = (uint32_t) (nodes * u * u * u);
			*target = (uint32_t) (nodes * v * v * v * v);
			break;
		case SHAPE_STAR:
			*source = i & 1 ? 0 : a % nodes;
			*target = i & 1 ? a % nodes : 0;
			break;
		case SHAPE_PATH:
			*source = i;
			*target = i + 1;
			break;
		case SHAPE_CLIQUES:
			*source = i / 15 % nodes;
			*target = *source / 16 * 16 + (*source % 16 + 1 + i % 15) % 16;
			break;
		case SHAPE_SPOKES:
			*target = 1 + i / 2 % ((nodes - 1) / 2);
			*source = i & 1 ? *target + (nodes - 1) / 2 : 0;
			break;
		case SHAPE_LOOPS:
			*source = *target = i % nodes;
			break;
		case SHAPE_EMPTY:
			*source = *target = 0;
			break;
	}
}

void
add_weights(rk_ctx *ctx, rk_graph *g, rk_adjacency *a, bool in, weight_kind kind)
{
	a->weights = rk_alloc(ctx, g->arcs, sizeof(double));
	for (int64_t v = 0; v < g->nodes; v++)
		for (int64_t e = a->offsets[v]; e < a->offsets[v + 1]; e++)
		{
			uint32_t	u = a->neighbors[e];
			uint64_t	from = in ? u : v;
			uint64_t	to = in ? v : u;
			uint64_t	h = g->directed ? rk_hash3(9, from, to) : rk_hash3(9, from < to ? from : to, from < to ? to : from);

			/* few different ones, so that sums are alike; zero among them */
			a->weights[e] = kind == WHOLE_WEIGHTS ? h % 4 : (h % 4) * 0.1;
		}
}

rk_graph
make_graph(harness *h, rk_ctx *ctx, const graph_case *c, uint64_t seed, bool weighted,
		   const rk_graph_options *options)
{
	/* the smallest cases stay as they are */
	double		scale = c->nodes < 100 ? 1 : h->scale;
	int64_t		nodes = (int64_t) (c->nodes * scale);
	int64_t		count = (int64_t) (c->edges * scale);
	uint32_t   *source;
	uint32_t   *target;
	double	   *weight = NULL;
	rk_graph	g;

	if (nodes < 1)
		nodes = 1;
	if (c->shape == SHAPE_CLIQUES)
		nodes = (nodes + 15) / 16 * 16;
	if (c->shape == SHAPE_PATH)
		count = nodes - 1;
	source = rk_alloc(ctx, count, sizeof(uint32_t));
	target = rk_alloc(ctx, count, sizeof(uint32_t));
	if (weighted)
		weight = rk_alloc(ctx, count, sizeof(double));
	if (!source || !target || (weighted && !weight))
		must(ctx, RK_ERR_MEMORY);
	for (int64_t i = 0; i < count; i++)
	{
		edge_of(c, nodes, seed, i, &source[i], &target[i]);
		/* of many orders of magnitude, zero among them */
		if (weighted)
			weight[i] = rk_hash3(seed, i, 3) % 20 == 0 ? 0 : exp2(rk_hash3(seed, i, 4) % 40 - 20.0);
	}
	must(ctx, rk_graph_build(ctx, &(rk_edges) {
		.nodes = nodes, .count = count, .source = source, .target = target, .weight = weight
	}, options, &g));
	rk_free(ctx, source);
	rk_free(ctx, target);
	rk_free(ctx, weight);
	return g;
}

rk_graph
make_search_graph(harness *h, rk_ctx *ctx, const graph_case *c, uint64_t seed, bool directed, search_lengths lengths)
{
	rk_graph_options options = {
		.directed = directed, .drop_loops = true, .want_out = true, .want_in = true,
		.parallel = lengths != NO_LENGTHS ? RK_EDGES_MIN : RK_EDGES_COLLAPSE
	};
	rk_graph	g = make_graph(h, ctx, c, seed, lengths != NO_LENGTHS, &options);
	rk_adjacency *sides[2] = {&g.out, &g.in};

	for (int side = 0; lengths != NO_LENGTHS && side < (directed ? 2 : 1); side++)
		for (int64_t v = 0; v < g.nodes; v++)
			for (int64_t j = sides[side]->offsets[v]; j < sides[side]->offsets[v + 1]; j++)
				if (lengths == FEW_LENGTHS)
					sides[side]->weights[j] = 1 + (v + sides[side]->neighbors[j]) % 3;
				else
					sides[side]->weights[j] += 1;
	return g;
}

void
check_searches(harness *h, const search_sizes *sizes, int kinds,
			   void (*check) (harness *h, const graph_case *c, int kind))
{
	const graph_case cases[] = {
		{"random", SHAPE_RANDOM, sizes->random[0], sizes->random[1]},
		{"skewed", SHAPE_SKEWED, sizes->skewed[0], sizes->skewed[1]},
		{"hub", SHAPE_STAR, sizes->star[0], sizes->star[1]},
		{"path", SHAPE_PATH, 40, 39},
		{"cliques", SHAPE_CLIQUES, 32, 480},
		{"loops", SHAPE_LOOPS, 40, 40},
		{"two nodes", SHAPE_PATH, 2, 1}
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		for (int kind = 0; kind < kinds; kind++)
			check(h, &cases[i], kind);
}

double *
make_numbers(rk_ctx *ctx, uint64_t seed, int64_t count, double limit)
{
	double	   *x = rk_alloc(ctx, count, sizeof(double));

	if (x == NULL)
		must(ctx, RK_ERR_MEMORY);
	for (int64_t i = 0; i < count; i++)
		x[i] = (2 * rk_uniform(rk_hash2(seed, i)) - 1) * limit;
	return x;
}

/* ---- the device's side ---- */

static void
broken(harness *h, const char *what, const char *message)
{
	printf("not ok - %-44s %s\n", what, message);
	h->failed++;
}

static rk_cuda_adjacency
side(const rk_adjacency *a)
{
	return (rk_cuda_adjacency) {a->offsets, a->neighbors, a->weights};
}

rk_cuda_graph *
load(harness *h, const char *what, const rk_graph *g, rk_cuda_usage *usage)
{
	rk_cuda_graph_data data = {
		.nodes = g->nodes, .arcs = g->arcs, .directed = g->directed, .out = side(&g->out)
	};
	rk_cuda_graph *graph = NULL;
	rk_cuda_error error = {0};

	if (g->directed)
		data.in = side(&g->in);
	if (h->table->load_graph(h->device, &data, &graph, usage, &error) == RK_CUDA_OK)
		return graph;
	broken(h, what, error.message);
	return NULL;
}

bool
run_device(harness *h, const char *what, rk_cuda_call *call, double *seconds)
{
	void	   *first[RK_CUDA_ARRAYS] = {NULL};
	int64_t		used = h->table->memory_used(h->device);
	bool		ok = true;

	*seconds = INFINITY;
	for (int i = 0; i < 3 && ok; i++)
	{
		rk_cuda_usage loaded = call->usage;

		for (int o = 0; o < RK_CUDA_ARRAYS; o++)
			if (call->output[o].data)
				memset(call->output[o].data, 0xa5, call->output[o].bytes);
		if (h->table->run(h->device, call) != RK_CUDA_OK)
		{
			broken(h, what, call->error.message);
			ok = false;
			break;
		}
		if (call->usage.kernel_seconds - loaded.kernel_seconds < *seconds)
			*seconds = call->usage.kernel_seconds - loaded.kernel_seconds;
		for (int o = 0; o < RK_CUDA_ARRAYS && ok; o++)
		{
			if (call->output[o].data == NULL)
				continue;
			if (i == 0)
			{
				first[o] = malloc(call->output[o].bytes + 1);
				memcpy(first[o], call->output[o].data, call->output[o].bytes);
			}
			else if (memcmp(first[o], call->output[o].data, call->output[o].bytes) != 0)
			{
				broken(h, what, "two runs have different bits");
				ok = false;
			}
		}
		if (i < 2)
			call->usage = loaded;
		/* what a kernel keeps with its graph, it keeps after the first run */
		if (i == 0)
			used = h->table->memory_used(h->device);
		else if (ok && h->table->memory_used(h->device) != used)
		{
			broken(h, what, "device memory is not given back");
			ok = false;
		}
	}
	for (int o = 0; o < RK_CUDA_ARRAYS; o++)
		free(first[o]);
	/* where it is about times, and there are some */
	if (ok && h->scale > 1 && *seconds > PROFILE_SECONDS)
		profile(h, what, call);
	return ok;
}

bool
run_searches(engine_check *e, const rk_graph *g, rk_cuda_call *call)
{
	call->graph = load(e->h, e->what, g, &call->usage);
	e->ok = call->graph != NULL && run_device(e->h, e->what, call, &e->seconds);
	if (call->graph)
		e->h->table->free_graph(e->h->device, call->graph);
	e->usage = call->usage;
	return e->ok;
}

void
profile(harness *h, const char *what, const rk_cuda_call *call)
{
	rk_cuda_call again = *call;

	fflush(stdout);
	(void) setenv("RK_CUDA_PROFILE", "1", 1);
	fprintf(stderr, "# %s\n", what);
	if (h->table->run(h->device, &again) != RK_CUDA_OK)
		fprintf(stderr, "# no times of its launches: %s\n", again.error.message);
	(void) unsetenv("RK_CUDA_PROFILE");
}

/* ---- reports ---- */

void
report(harness *h, const char *what, bool equal, const char *difference, double cpu_seconds,
	   double device_seconds, const rk_cuda_usage *usage)
{
	double		rate = usage->bytes_moved / device_seconds;

	if (!(h->constants.memory_rate > 0))
		printf("%s - %-44s %s\n", equal ? "ok" : "not ok", what, difference);
	else
		printf("%s - %-44s %-22s cpu %9.3f ms, device %9.3f ms (%6.2f x), sent %8.2f MB, moved %9.2f MB, %6.1f GB/s (%3.0f %% of copy)\n",
			   equal ? "ok" : "not ok", what, difference, 1e3 * cpu_seconds, 1e3 * device_seconds,
			   cpu_seconds / device_seconds, 1e-6 * usage->bytes_to, 1e-6 * usage->bytes_moved, 1e-9 * rate,
			   100 * rate / h->constants.memory_rate);
	if (equal)
		h->passed++;
	else
		h->failed++;
}

double
largest_difference(const double *a, const double *b, int64_t n)
{
	double		largest = 0;

	for (int64_t i = 0; i < n; i++)
	{
		double		d = fabs(a[i] - b[i]);

		/* NaN is larger than anything */
		if (!(d <= largest))
			largest = d;
		if (isnan(d))
			return d;
	}
	return largest;
}

double
largest_relative(const double *a, const double *b, int64_t n)
{
	double		largest = 0;

	for (int64_t i = 0; i < n; i++)
		largest = fmax(largest, fabs(a[i]));
	return largest_difference(a, b, n) / (largest > 0 ? largest : 1);
}

/* ---- the program ---- */

/* Functions of peers.so beside the library, where there is one. */
static void
open_peers(harness *h, const char *library)
{
	const char *slash = strrchr(library, '/');
	char		path[4096];
	void	   *handle;

	snprintf(path, sizeof(path), "%.*speers.so", slash ? (int) (slash - library + 1) : 0, library);
	handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (handle)
		h->peer_spmv = (rk_peer_spmv_fn) dlsym(handle, "rk_peer_spmv");
}

typedef struct kernel_check
{
	const char *name;
	void		(*check) (harness *h);
} kernel_check;

static const kernel_check checks[] = {
#define RK_CUDA_KERNEL(number, name) {#name, check_##name},
#include "../kernels.def"
#undef RK_CUDA_KERNEL
	{"ring", check_rings},
	{NULL, NULL}
};

static bool
wanted(const char *name, int argc, char **argv)
{
	for (int i = 3; i < argc; i++)
		if (strcmp(argv[i], name) == 0)
			return true;
	return argc <= 3;
}

/* Opens the first device; 0 and no device: there is none, which is said. */
int
open_device(harness *h)
{
	rk_cuda_device_info info[8];
	rk_cuda_error error = {0};
	int32_t		count = 0;

	if (h->table->list(info, 8, &count, &error) != RK_CUDA_OK || count == 0)
	{
		printf("skipped: no device (%s)\n", error.message[0] ? error.message : "the driver knows none");
		return 0;
	}
	/* small sizes are for checkers, under which measuring is slow and says nothing */
	if (h->table->open(0, 0, &h->device, &error) != RK_CUDA_OK ||
		(!(h->scale > 0 && h->scale < 1) && h->table->measure(h->device, &h->constants, &error) != RK_CUDA_OK))
	{
		fprintf(stderr, "could not open device 0: %s\n", error.message);
		return 2;
	}
	if (h->scale > 0 && h->scale < 1)
		return 0;
	printf("# %s on %s: %.1f GB/s to it, %.1f GB/s in its memory, %.1f GFLOP/s, %.1f us for a launch, %.2f us for a look at the host's memory; CPU with %d threads\n",
		   h->table->build, info[0].name, 1e-9 * h->constants.transfer_rate, 1e-9 * h->constants.memory_rate,
		   1e-9 * h->constants.flop_rate, 1e6 * h->constants.launch_seconds,
		   1e6 * h->constants.look_seconds, h->threads);
	return 0;
}

int
main(int argc, char **argv)
{
	const char *mode = argc > 2 ? argv[2] : "1";
	harness		h = {.scale = atof(mode), .threads = sysconf(_SC_NPROCESSORS_ONLN)};
	void	   *handle = argc > 1 ? dlopen(argv[1], RTLD_NOW | RTLD_LOCAL) : NULL;
	rk_cuda_open_table_fn open_table;
	int			status;

	if (argc < 2 || !(h.scale > 0 || strcmp(mode, "list") == 0 || strcmp(mode, "figures") == 0))
	{
		fprintf(stderr, "usage: harness LIBRARY [SCALE [KERNEL...] | list | figures [SCALE [FIGURE...]]]\n");
		return 64;
	}
	if (handle == NULL)
	{
		fprintf(stderr, "%s\n", dlerror());
		return 2;
	}
	open_table = (rk_cuda_open_table_fn) dlsym(handle, RK_CUDA_SYMBOL);
	h.table = open_table ? open_table(RK_CUDA_VERSION) : NULL;
	if (h.table == NULL)
	{
		fprintf(stderr, "%s is no device library of version %d\n", argv[1], RK_CUDA_VERSION);
		return 2;
	}
	/* a step that is ended at its limit leaves what it has found */
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (strcmp(mode, "figures") == 0)
	{
		int			scale = argc > 3 ? atoi(argv[3]) : 24;

		open_peers(&h, argv[1]);
		if (scale >= 4 && scale <= 28)
			return run_figures(&h, scale, argc > 4 ? argc - 4 : 0, argv + 4);
		fprintf(stderr, "the scale of figures is from 4 to 28\n");
		return 64;
	}
	status = open_device(&h);
	if (strcmp(mode, "list") == 0)
		for (const kernel_check *k = checks; k->name; k++)
			printf("%s\n", k->name);
	if (status != 0 || h.device == NULL || strcmp(mode, "list") == 0)
		return status;
	/* NVIDIA's libraries on the same inputs are for times only */
	if (h.scale > 1)
		open_peers(&h, argv[1]);
	for (const kernel_check *k = checks; k->name; k++)
		if (wanted(k->name, argc, argv))
			k->check(&h);
	if (h.table->memory_used(h.device) != 0)
		broken(&h, "the end", "device memory is still in use");
	h.table->close(h.device);
	printf("%d passed, %d failed\n", h.passed, h.failed);
	return h.failed > 0;
}
