/*
 * engine.c
 *	  The thread that has the device: opens the library, runs requests, keeps
 *	  graphs.
 *
 * Graphs with a key stay on the device after their run.  When memory is short
 * the one used longest ago is given up, as many as it takes, before the run is
 * refused.
 */
#include "worker.h"

#include <dlfcn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define KEPT_GRAPHS 64

typedef struct kept_graph
{
	rk_wire_key key;
	rk_cuda_graph *graph;		/* NULL: free */
	uint64_t	last_use;
} kept_graph;

/* What the thread alone touches. */
typedef struct device_state
{
	engine	   *e;
	const rk_cuda_table *table;
	rk_cuda_device *device;
	kept_graph	kept[KEPT_GRAPHS];
	uint64_t	clock;
	int64_t		runs;
} device_state;

/* ---- opening ---- */

static bool
no_device(engine *e, const char *fmt,...)
{
	va_list		args;

	va_start(args, fmt);
	vsnprintf(e->report.problem, sizeof(e->report.problem), fmt, args);
	va_end(args);
	e->report.state = RK_WIRE_NO_DEVICE;
	return false;
}

/* Opens library and device; false after no_device. */
static bool
open_device(device_state *s)
{
	engine	   *e = s->e;
	void	   *handle = dlopen(e->library, RTLD_NOW | RTLD_LOCAL);
	rk_cuda_open_table_fn open_table;
	rk_cuda_error error = {0};
	int32_t		count = 0;
	rk_cuda_status status;

	if (handle == NULL)
		return no_device(e, "could not load the device library: %s", dlerror());
	open_table = (rk_cuda_open_table_fn) dlsym(handle, RK_CUDA_SYMBOL);
	if (open_table == NULL)
		return no_device(e, "\"%s\" is no device library", e->library);
	s->table = open_table(RK_CUDA_VERSION);
	if (s->table == NULL || s->table->version != RK_CUDA_VERSION ||
		s->table->bytes != sizeof(rk_cuda_table))
		return no_device(e, "\"%s\" is of another version", e->library);
	snprintf(e->report.build, sizeof(e->report.build), "%s", s->table->build);
	e->report.kernels = s->table->kernels;

	status = s->table->list(e->report.devices, RK_WIRE_DEVICES, &count, &error);
	if (status != RK_CUDA_OK)
		return no_device(e, "%s", error.message);
	e->report.device_count = count < RK_WIRE_DEVICES ? count : RK_WIRE_DEVICES;
	if (count == 0)
		return no_device(e, "the driver knows no device");
	if (e->device >= count)
		return no_device(e, "there is no device %d: the last one is %d", e->device, count - 1);
	for (int i = 0; i < e->report.device_count; i++)
		if (e->report.devices[i].number == e->device && e->report.devices[i].problem[0])
			return no_device(e, "device %d cannot be used: %s", e->device, e->report.devices[i].problem);
	status = s->table->open(e->device, e->memory_limit, &s->device, &error);
	if (status != RK_CUDA_OK)
		return no_device(e, "could not open device %d: %s", e->device, error.message);
	e->report.state = RK_WIRE_READY;
	e->report.device = e->device;
	return true;
}

/* ---- requests ---- */

/* An extent as a pointer; NULL when absent.  *ok is cleared when it is not inside the file. */
static void *
at(const job *j, rk_wire_extent x, bool *ok)
{
	if (x.offset == 0)
		return NULL;
	if (x.offset < (int64_t) sizeof(rk_wire_request) || x.offset % 8 != 0 || x.bytes < 0 ||
		x.offset > (int64_t) j->bytes || x.bytes > (int64_t) j->bytes - x.offset)
	{
		*ok = false;
		return NULL;
	}
	return j->map + x.offset;
}

/* The arrays of one direction, which must have their lengths. */
static rk_cuda_adjacency
adjacency(const job *j, const rk_wire_adjacency *a, bool *ok)
{
	const rk_wire_request *q = j->request;
	rk_cuda_adjacency to = {
		.offsets = at(j, a->offsets, ok),
		.neighbors = at(j, a->neighbors, ok),
		.weights = at(j, a->weights, ok)
	};

	if (to.offsets == NULL)
		return to;
	if (to.neighbors == NULL ||
		a->offsets.bytes != (q->nodes + 1) * (int64_t) sizeof(int64_t) ||
		a->neighbors.bytes != q->arcs * (int64_t) sizeof(uint32_t) ||
		(to.weights && a->weights.bytes != q->arcs * (int64_t) sizeof(double)))
		*ok = false;
	return to;
}

static bool
same_key(const rk_wire_key *a, const rk_wire_key *b)
{
	return a->item == b->item && a->loaded_at == b->loaded_at && a->database == b->database &&
		a->options == b->options;
}

/* Gives up the graph used longest ago, other than keep; false: there is none. */
static bool
give_up_one(device_state *s, const rk_cuda_graph *keep)
{
	kept_graph *oldest = NULL;

	for (int i = 0; i < KEPT_GRAPHS; i++)
	{
		kept_graph *k = &s->kept[i];

		if (k->graph && k->graph != keep && (oldest == NULL || k->last_use < oldest->last_use))
			oldest = k;
	}
	if (oldest == NULL)
		return false;
	s->table->free_graph(s->device, oldest->graph);
	oldest->graph = NULL;
	return true;
}

/*
 * Finds or loads the graph of a request; *temporary: it is to be freed after
 * the run.
 */
static int
graph_of(device_state *s, job *j, rk_cuda_graph **graph, bool *temporary)
{
	rk_wire_request *q = j->request;
	bool		keyed = q->key.item != 0;
	bool		ok = q->nodes > 0 && q->arcs >= 0 && q->nodes < INT64_MAX / 16 && q->arcs < INT64_MAX / 16;
	rk_cuda_graph_data data;
	rk_cuda_usage usage = {0};
	kept_graph *place = NULL;
	int			status;

	*temporary = false;
	for (int i = 0; keyed && i < KEPT_GRAPHS; i++)
	{
		kept_graph *k = &s->kept[i];

		if (k->graph && same_key(&k->key, &q->key))
		{
			k->last_use = ++s->clock;
			*graph = k->graph;
			q->was_resident = 1;
			return RK_CUDA_OK;
		}
		/* a version that was read anew takes the place of the one before */
		if (k->graph && k->key.item == q->key.item && k->key.database == q->key.database &&
			k->key.loaded_at < q->key.loaded_at)
		{
			s->table->free_graph(s->device, k->graph);
			k->graph = NULL;
		}
	}
	if (!q->has_arrays)
		return RK_WIRE_MISSING;
	data = (rk_cuda_graph_data) {.nodes = q->nodes, .arcs = q->arcs, .directed = q->directed};
	if (ok)
	{
		data.out = adjacency(j, &q->out, &ok);
		data.in = adjacency(j, &q->in, &ok);
	}
	if (!ok || (data.out.offsets == NULL && data.in.offsets == NULL))
		return RK_WIRE_BAD;
	do
	{
		q->error = (rk_cuda_error) {0};
		status = s->table->load_graph(s->device, &data, graph, &usage, &q->error);
	} while (status == RK_CUDA_MEMORY && give_up_one(s, NULL));
	if (status != RK_CUDA_OK)
		return status;
	q->usage = usage;
	for (int i = 0; keyed && place == NULL && i < KEPT_GRAPHS; i++)
		if (s->kept[i].graph == NULL)
			place = &s->kept[i];
	if (place)
		*place = (kept_graph) {.key = q->key, .graph = *graph, .last_use = ++s->clock};
	*temporary = place == NULL;
	return RK_CUDA_OK;
}

static int
run(device_state *s, job *j)
{
	rk_wire_request *q = j->request;
	rk_cuda_call call;
	rk_cuda_graph *graph = NULL;
	bool		temporary = false;
	bool		ok = true;
	int			status;

	if (q->magic != RK_WIRE_MAGIC || q->version != RK_CUDA_VERSION || q->kernel < 0 ||
		q->kernel >= RK_CUDA_KERNELS || !(s->table->kernels >> q->kernel & 1))
		return RK_WIRE_BAD;
	call = (rk_cuda_call) {
		.kernel = q->kernel,
		.params = at(j, q->params, &ok),
		.params_bytes = q->params.bytes,
		.stop = &q->stop
	};
	for (int i = 0; i < RK_CUDA_ARRAYS; i++)
	{
		call.input[i] = (rk_cuda_input) {at(j, q->input[i], &ok), q->input[i].bytes};
		call.output[i] = (rk_cuda_output) {at(j, q->output[i], &ok), q->output[i].bytes};
	}
	if (!ok)
		return RK_WIRE_BAD;
	if (q->stop)
		return RK_CUDA_STOPPED;
	q->usage = (rk_cuda_usage) {0};
	if (q->has_graph && (status = graph_of(s, j, &graph, &temporary)) != RK_CUDA_OK)
		return status;
	call.graph = graph;
	call.usage = q->usage;
	for (;;)
	{
		rk_cuda_usage loaded = call.usage;

		status = s->table->run(s->device, &call);
		if (status != RK_CUDA_MEMORY || !give_up_one(s, graph))
			break;
		call.error = (rk_cuda_error) {0};
		call.usage = loaded;
	}
	if (temporary && status != RK_CUDA_LOST)
		s->table->free_graph(s->device, graph);
	q->iterations = call.iterations;
	q->converged = call.converged;
	q->residual = call.residual;
	memcpy(q->counts, call.counts, sizeof(q->counts));
	q->usage = call.usage;
	q->error = call.error;
	return status;
}

static int
measure(device_state *s, job *j)
{
	return s->table->measure(s->device, &j->request->constants, &j->request->error);
}

/* The first job that waits, which is now running. */
static job *
take(engine *e)
{
	for (;;)
	{
		for (job *j = e->jobs; j != NULL; j = j->next)
			if (j->state == JOB_WAITING)
			{
				j->state = JOB_RUNNING;
				return j;
			}
		pthread_cond_wait(&e->wanted, &e->mutex);
	}
}

void
tell_main(engine *e)
{
	uint64_t	one = 1;

	/* a counter: writing to it can only fail when it is at its end */
	(void) !write(e->event, &one, sizeof(one));
}

void *
engine_main(void *arg)
{
	engine	   *e = arg;
	device_state s = {.e = e};
	bool		open = open_device(&s);

	pthread_mutex_lock(&e->mutex);
	e->table = s.table;
	e->opened = s.device;
	e->started = true;
	tell_main(e);
	while (open)
	{
		job		   *j = take(e);
		int			status;

		pthread_mutex_unlock(&e->mutex);
		status = j->type == RK_WIRE_MEASURE ? measure(&s, j) : run(&s, j);
		j->request->status = status;
		pthread_mutex_lock(&e->mutex);
		j->state = JOB_DONE;
		e->lost |= status == RK_CUDA_LOST;
		e->report.runs = ++s.runs;
		e->report.graphs = 0;
		for (int i = 0; i < KEPT_GRAPHS; i++)
			e->report.graphs += s.kept[i].graph != NULL;
		/* a context that is gone answers nothing any more */
		if (!e->lost)
			e->report.memory_used = s.table->memory_used(s.device);
		open = !e->lost;
		tell_main(e);
	}
	pthread_mutex_unlock(&e->mutex);
	return NULL;
}
