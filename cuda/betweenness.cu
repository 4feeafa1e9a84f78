/*
 * betweenness.cu
 *	  Dependencies of many sources on the nodes, or edges, between, as
 *	  src/graph/centrality/betweenness_search.c (Brandes 2001).
 *
 * On the way out paths are counted (path_levels.cuh); on the way back dependencies
 * are pulled, each by one group of threads in one order.  They are added to the
 * total in the order of the sources, whatever the batches are.
 */
#include "path_levels.cuh"

#define THREADS 256
#ifdef RK_CUDA_ON_HOST
#define MOST_ENTRIES INT64_C(1500)	/* small, so that tests have several batches */
#else
#define MOST_ENTRIES (INT64_C(1) << 26)	/* nodes of all searches of a batch */
#endif

/* What is made of the searches on the way back. */
struct dependency_set
{
	search_set	s;
	const uint32_t *mass;		/* nodes that a node stands for; NULL: 1 each */
	/* by slot and node */
	double	   *coefficient;	/* (mass + dependency) / paths; may be in place of paths */
	double	   *dependency;		/* NULL: not wanted */
};

/* Dependencies on the nodes of a level, from those behind. */
template <int WIDTH, bool LENGTHS> __global__ static void __launch_bounds__(WIDTH > 32 ? WIDTH : SEARCH_THREADS)
go_back(dependency_set d, const slot_node *items, int64_t count, uint32_t)
{
	int64_t		at = global_thread() / WIDTH;
	uint32_t	v;
	int64_t		base;
	double		sum;

	if (at >= count)
		return;
	v = items[at].node;
	base = items[at].slot * d.s.nodes;
	sum = sum_of_steps<WIDTH, LENGTHS, true>(d.s, base, v, d.coefficient);
	if (threadIdx.x % WIDTH == 0)
	{
		double		paths = d.s.paths[base + v];
		double		dependency = paths * sum;

		if (!(paths < INFINITY))
			*d.s.failure = FAILED_COUNT;
		if (d.dependency)
			d.dependency[base + v] = dependency;
		d.coefficient[base + v] = ((d.mass ? d.mass[v] : 1) + dependency) / paths;
	}
}

/* Adds the share of each source of a batch to the arcs. */
template <bool LENGTHS> struct add_to_arcs
{
	search_set	s;
	const double *coefficient;
	int64_t		count;
	const uint32_t *source_mass;
	double	   *total;

	__device__ void operator() (int64_t u, uint32_t v, int64_t e) const
	{
		double		sum = total[e];

		for (int64_t slot = 0; slot < count; slot++)
		{
			int64_t		base = slot * s.nodes;

			if (is_step<LENGTHS>(s, base, (uint32_t) u, v, s.out.weights, e))
				sum += (source_mass ? source_mass[slot] : 1) * s.paths[base + u] * coefficient[base + v];
		}
		total[e] = sum;
	}
};

/*
 * Adds a batch to the total of nodes, unless that is NULL, source by source, and
 * counts what each has found.
 */
__global__ static void __launch_bounds__(THREADS)
add_searches(dependency_set d, int64_t count, const uint32_t *source_mass, double extra, double *total, uint32_t *reach)
{
	const search_set &s = d.s;
	int64_t		v = global_thread();
	bool		valid = v < s.nodes;
	uint32_t	mass = !valid ? 0 : d.mass ? d.mass[v] : 1;
	double		sum = valid && total ? total[v] : 0;

	for (int64_t slot = 0; slot < count; slot++)
	{
		int64_t		at = slot * s.nodes + v;
		bool		counts = valid && (s.distance ? s.distance[at] > 0 && s.distance[at] < INFINITY :
									   s.level[at] != NOT_FOUND && s.level[at] > 0);
		uint32_t	found = warp_sum(counts ? mass : 0u);

		if (counts && total)
			sum += (source_mass ? source_mass[slot] : 1) * (d.dependency[at] + extra);
		if (threadIdx.x % 32 == 0 && found > 0)
			atomicAdd(&reach[slot], found);
	}
	if (valid && total)
		total[v] = sum;
}

class source_batches
{
public:
	source_batches(rk_cuda_device *d, rk_cuda_call *c, const rk_cuda_betweenness_params *p)
		: device(d), call(c), g(c->graph), n(c->graph->nodes), extra(p->extra), edges(p->edges != 0),
		  lengths(c->graph->out().weighted())
	{
		int64_t		sources = call->input[0].bytes / (int64_t) sizeof(uint32_t);

		slots = searches_at_a_time(device, n, sources, MOST_ENTRIES, search_bytes(lengths, true) + sizeof(double));
		source.load(device, (const uint32_t *) call->input[0].data, sources, &call->usage);
		if (call->input[1].data)
			source_mass.load(device, (const uint32_t *) call->input[1].data, sources, &call->usage);
		if (call->input[2].data)
			mass.load(device, (const uint32_t *) call->input[2].data, n, &call->usage);
		/* of edges coefficients, of nodes dependencies */
		second.allocate(device, slots * n);
		total.allocate(device, edges ? g->arcs : n);
		reach.allocate(device, sources);
	}

	void run()
	{
		int64_t		sources = source.size();
		path_levels searches(device, call, slots, true);

		total.fill(0);
		reach.fill(0);
		for (int64_t first = 0; first < sources; first += slots)
		{
			int64_t		count = min(slots, sources - first);

			if (lengths)
				search<LEVELS_BY_LENGTH>(&searches, first, count);
			else
				search<LEVELS_BY_HOPS>(&searches, first, count);
		}
	}

	void store()
	{
		total.store((double *) call->output[0].data, &call->usage);
		reach.store((uint32_t *) call->output[1].data, &call->usage);
		check(cudaStreamSynchronize(device->stream));
	}

private:
	rk_cuda_device *device;
	rk_cuda_call *call;
	rk_cuda_graph *g;
	int64_t		n;
	int64_t		slots;			/* searches of a batch */
	double		extra;
	bool		edges;
	bool		lengths;
	device_array<uint32_t> source;
	device_array<uint32_t> source_mass;
	device_array<uint32_t> mass;
	device_array<double> second;
	device_array<double> total;
	device_array<uint32_t> reach;

	template <level_kind KIND> void search(path_levels *searches, int64_t first, int64_t count)
	{
		const bool	LENGTHS = KIND == LEVELS_BY_LENGTH;
		const uint32_t *masses = source_mass.get() ? source_mass.get() + first : nullptr;
		dependency_set d = {
			searches->set(), mass.get(), edges ? second.get() : searches->paths.get(), edges ? nullptr : second.get()
		};
		uint32_t	last;

		searches->search<KIND>(source.get() + first, count, INT64_MAX, &last);
		for (uint32_t l = last; l > 0; l--)
			searches->each(go_back<32, LENGTHS>, go_back<WIDE_THREADS, LENGTHS>, d, l, l);
		RK_LAUNCH(add_searches, blocks_for(n, THREADS), THREADS, device->stream)
			(d, count, masses, extra, edges ? (double *) nullptr : total.get(), reach.get() + first);
		check_launch();
		if (edges)
			searches->by_arcs(count, [&] (int64_t slot, int64_t some) {
				visit_entries(device, &g->out(), n, g->arcs, add_to_arcs<LENGTHS> {
					searches->from_slot(slot), d.coefficient + slot * n, some, masses ? masses + slot : nullptr,
					total.get()
				});
			});
		searches->check_failure();
		call->usage.bytes_moved += count * ((edges ? 36 : 16) * g->arcs + 40 * n);
	}
};

void
run_betweenness(rk_cuda_device *device, rk_cuda_call *call)
{
	const rk_cuda_betweenness_params *p = (const rk_cuda_betweenness_params *) call->params;
	rk_cuda_graph *g = call->graph;
	int64_t		n = g ? g->nodes : 0;
	int64_t		sources = call->input[0].bytes / (int64_t) sizeof(uint32_t);

	if (n == 0 || sources == 0 || !g->out().present() || !g->in().present() || p == nullptr ||
		call->params_bytes != sizeof(*p) || g->out().weighted() != g->in().weighted() ||
		(call->input[1].data && call->input[1].bytes != call->input[0].bytes) ||
		(call->input[2].data && call->input[2].bytes != n * (int64_t) sizeof(uint32_t)) ||
		call->output[0].bytes != (p->edges ? g->arcs : n) * (int64_t) sizeof(double) ||
		call->output[1].bytes != call->input[0].bytes)
		decline("arrays of another shape than betweenness has");
	for (int64_t i = 0; i < sources; i++)
		if (((const uint32_t *) call->input[0].data)[i] >= n)
			decline("a source is not in the graph");

	source_batches batches(device, call, p);
	kernel_timer timer(device, &call->usage);

	batches.run();
	timer.stop();
	batches.store();
}
