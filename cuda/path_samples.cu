/*
 * path_samples.cu
 *	  Betweenness within a given error from sampled shortest paths, as
 *	  src/graph/centrality/betweenness_sampling.c (Borassi, Natale 2016).
 *
 * A warp draws one sample at a time: two searches that grow towards each other,
 * and the walk along one path of those that they make together.  Entries of a row
 * are looked at by 32 lanes at once, and what they find is put in the order of
 * the row, products are added in it: so searches, draws and paths are those of
 * the CPU to the last bit (this file is compiled without contraction), whatever
 * warp draws which sample.  Hits are counted in integers.
 *
 * With lengths many samples share a search (path_levels.cuh) from the source of
 * each to all nodes, and a warp goes back along one path of each.  Counts of paths
 * are then whole numbers below 2^53, the same in whatever order they are added;
 * what has more is left to the CPU.
 *
 * After each round all elements are looked at by the bounds that both have in
 * common (sampling_steps.h).
 */
#include <vector>

#include "path_levels.cuh"
#include "stop_word.cuh"

#include "../src/compute/random.h"
#include "../src/graph/centrality/sampling_steps.h"

#define THREADS 128
#define WARPS (THREADS / 32)
#define MULTIPROCESSOR_WARPS 32
#define BLOCK_BYTES (16 * WARPS)	/* of a node */
#define MOST_BYTES (INT64_C(1) << 35)
#define POLL_STEPS 256			/* pieces of rows between two looks at the word */
#ifdef RK_CUDA_ON_HOST
#define MOST_ENTRIES INT64_C(3000)	/* small, so that tests have several batches */
#else
#define MOST_ENTRIES (INT64_C(1) << 26)	/* with lengths: nodes of all searches at a time */
#endif

struct sampler
{
	device_adjacency_view out;
	device_adjacency_view in;
	int64_t		nodes;
	bool		directed;
	bool		edges;
	bool		ends;
	/* by warp and node, as in betweenness_sampling.c */
	int32_t    *mark;			/* 1 + level from the source, minus that from the target, 0 not seen */
	double	   *paths;
	uint32_t   *order;
	unsigned long long *hits;
	unsigned long long *next;	/* sample of the launch to be drawn */
	int32_t    *failure;		/* more paths than can be counted */
	const volatile int32_t *stop;
};

/* One of the two searches, the same in all lanes. */
struct half_search
{
	device_adjacency_view forward;
	device_adjacency_view back;
	int			sign;
	int64_t		begin;			/* last level: count nodes from here on */
	int64_t		count;
	int32_t		level;
	int64_t		arcs;			/* that leave the last level */
};

/* What a warp works in. */
struct warp_state
{
	int32_t    *mark;
	double	   *paths;
	uint32_t   *order;
	uint64_t	chain;			/* of the sample */
	uint64_t	draws;
	int			steps;
};

__device__ static inline int64_t
degree_of(const device_adjacency_view &a, uint32_t v)
{
	return a.offsets[v + 1] - a.offsets[v];
}

__device__ static inline double
draw(warp_state *w)
{
	return rk_uniform(rk_hash_fold(w->chain, w->draws++));
}

/* Whether somebody wants an end; looked at now and then. */
__device__ static inline bool
wants_stop(const sampler &s, warp_state *w)
{
	if (++w->steps < POLL_STEPS)
		return false;
	w->steps = 0;
	return __any_sync(FULL_WARP, *s.stop != 0);
}

__device__ static inline bool
is_other_side(int32_t mark, int sign)
{
	return mark != 0 && (mark < 0) != (sign < 0);
}

/*
 * Grows h by one level.  Returns the number of shortest paths that the two
 * searches make together once they meet, 0 before that, and -1 to stop.
 */
__device__ static double
grow(const sampler &s, warp_state *w, half_search *h)
{
	int			lane = threadIdx.x % 32;
	int32_t		next = h->sign * (h->level + 2);
	int64_t		end = h->begin + h->sign * h->count;
	int64_t		to = end;
	int64_t		arcs = 0;
	double		met = 0;

	for (int64_t i = h->begin; i != end; i += h->sign)
	{
		uint32_t	v = w->order[i];
		double		count = w->paths[v];
		int64_t		last = h->forward.offsets[v + 1];

		for (int64_t first = h->forward.offsets[v]; first < last; first += 32)
		{
			bool		inside = first + lane < last;
			uint32_t	x = inside ? h->forward.neighbors[first + lane] : v;
			int32_t		mark = w->mark[x];
			bool		found = inside && mark == 0;
			bool		meets = inside && is_other_side(mark, h->sign);
			unsigned	mask = __ballot_sync(FULL_WARP, found);
			unsigned	meeting = __ballot_sync(FULL_WARP, meets);
			double		product = meets ? count * w->paths[x] : 0;

			if (wants_stop(s, w))
				return -1;
			if (found)
			{
				w->mark[x] = next;
				w->paths[x] = count;
				w->order[to + h->sign * (int64_t) __popc(mask & ((1u << lane) - 1))] = x;
				arcs += degree_of(h->forward, x);
			}
			else if (inside && mark == next)
				w->paths[x] += count;
			to += h->sign * (int64_t) __popc(mask);
			for (; meeting; meeting &= meeting - 1)
				met += __shfl_sync(FULL_WARP, product, __ffs((int) meeting) - 1);
			__syncwarp();
		}
	}
	h->arcs = warp_sum(arcs);
	h->begin = end;
	h->count = (to - end) * h->sign;
	h->level++;
	return met;
}

/* Draws the arc at which the searches met, h being the one that grew last. */
__device__ static void
draw_meeting(warp_state *w, const half_search &h, int64_t begin, int64_t count, double met, uint32_t *near,
			 uint32_t *far)
{
	int			lane = threadIdx.x % 32;
	double		rest = draw(w) * met;

	for (int64_t i = begin; i != begin + h.sign * count; i += h.sign)
	{
		uint32_t	v = w->order[i];
		int64_t		last = h.forward.offsets[v + 1];

		for (int64_t first = h.forward.offsets[v]; first < last; first += 32)
		{
			bool		inside = first + lane < last;
			uint32_t	x = inside ? h.forward.neighbors[first + lane] : v;
			bool		meets = inside && is_other_side(w->mark[x], h.sign);
			unsigned	meeting = __ballot_sync(FULL_WARP, meets);
			double		product = meets ? w->paths[v] * w->paths[x] : 0;

			for (; meeting; meeting &= meeting - 1)
			{
				/* if rounding leaves a rest after the last one, it is that one */
				*near = v;
				*far = __shfl_sync(FULL_WARP, x, __ffs((int) meeting) - 1);
				rest -= __shfl_sync(FULL_WARP, product, __ffs((int) meeting) - 1);
				if (rest < 0)
					return;
			}
		}
	}
}

/* The entry of y in the row of x, which holds it. */
__device__ static inline int64_t
find_entry(const device_adjacency_view &a, uint32_t x, uint32_t y)
{
	int64_t		low = a.offsets[x];
	int64_t		high = a.offsets[x + 1] - 1;

	while (low < high)
	{
		int64_t		middle = low + (high - low) / 2;

		if (a.neighbors[middle] < y)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

__device__ static inline void
hit(const sampler &s, int64_t element)
{
	if (threadIdx.x % 32 == 0)
		atomicAdd(&s.hits[element], 1ull);
}

/* Counts the step of a path from x to y. */
__device__ static inline void
hit_edge(const sampler &s, uint32_t x, uint32_t y)
{
	if (threadIdx.x % 32 == 0)
		hit(s, !s.directed && y < x ? find_entry(s.out, y, x) : find_entry(s.out, x, y));
}

/* Counts the way from v back to the end of h, v included unless it is the end. */
__device__ static void
walk_back(const sampler &s, warp_state *w, const half_search &h, uint32_t v)
{
	int			lane = threadIdx.x % 32;

	while (w->mark[v] != h.sign)
	{
		int32_t		previous = w->mark[v] - h.sign;
		double		rest = draw(w) * w->paths[v];
		uint32_t	u = v;
		int64_t		last = h.back.offsets[v + 1];
		bool		drawn = false;

		for (int64_t first = h.back.offsets[v]; first < last && !drawn; first += 32)
		{
			bool		inside = first + lane < last;
			uint32_t	x = inside ? h.back.neighbors[first + lane] : v;
			bool		leads = inside && w->mark[x] == previous;
			unsigned	leading = __ballot_sync(FULL_WARP, leads);
			double		count = leads ? w->paths[x] : 0;

			for (; leading && !drawn; leading &= leading - 1)
			{
				u = __shfl_sync(FULL_WARP, x, __ffs((int) leading) - 1);
				rest -= __shfl_sync(FULL_WARP, count, __ffs((int) leading) - 1);
				drawn = rest < 0;
			}
		}
		if (!s.edges)
			hit(s, v);
		else if (h.sign > 0)
			hit_edge(s, u, v);
		else
			hit_edge(s, v, u);
		v = u;
	}
}

/* Samples a path from source to target.  False: stop. */
__device__ static bool
sample_path(const sampler &s, warp_state *w, uint32_t source, uint32_t target)
{
	int			lane = threadIdx.x % 32;
	int64_t		n = s.nodes;
	half_search from = {s.out, s.in, 1, 0, 1, 0, degree_of(s.out, source)};
	half_search into = {s.in, s.out, -1, n - 1, 1, 0, degree_of(s.in, target)};
	double		met = 0;
	int64_t		begin = 0;
	int64_t		count = 0;
	bool		forward = true;

	if (lane == 0)
	{
		w->order[0] = source;
		w->order[n - 1] = target;
		w->mark[source] = 1;
		w->mark[target] = -1;
		w->paths[source] = w->paths[target] = 1;
	}
	__syncwarp();
	while (met == 0 && from.count > 0 && into.count > 0)
	{
		forward = from.arcs <= into.arcs;
		begin = forward ? from.begin : into.begin;
		count = forward ? from.count : into.count;
		met = grow(s, w, forward ? &from : &into);
	}
	if (!(met < INFINITY))
	{
		*s.failure = 1;
		return false;
	}
	if (met < 0)
		return false;
	if (met > 0)
	{
		uint32_t	near = source;
		uint32_t	far = target;

		draw_meeting(w, forward ? from : into, begin, count, met, &near, &far);
		if (s.edges && forward)
			hit_edge(s, near, far);
		else if (s.edges)
			hit_edge(s, far, near);
		walk_back(s, w, forward ? from : into, near);
		walk_back(s, w, forward ? into : from, far);
		if (s.ends)
		{
			hit(s, source);
			hit(s, target);
		}
	}
	__syncwarp();
	for (int64_t i = lane; i < from.begin + from.count; i += 32)
		w->mark[w->order[i]] = 0;
	for (int64_t i = n - 1 - lane; i > into.begin - into.count; i -= 32)
		w->mark[w->order[i]] = 0;
	__syncwarp();
	return true;
}

/* Draws the samples [first, first + count) of a phase. */
__global__ static void __launch_bounds__(THREADS)
draw_samples(sampler s, uint64_t chain, int64_t first, int64_t count)
{
	int64_t		warp = global_thread() / 32;
	warp_state	w = {s.mark + warp * s.nodes, s.paths + warp * s.nodes, s.order + warp * s.nodes, 0, 0, 0};

	for (;;)
	{
		unsigned long long at = 0;
		uint32_t	source;
		uint32_t	target;

		if (threadIdx.x % 32 == 0)
			at = atomicAdd(s.next, 1ull);
		at = __shfl_sync(FULL_WARP, at, 0);
		if ((int64_t) at >= count || __any_sync(FULL_WARP, *(volatile int32_t *) s.failure != 0))
			return;
		w.chain = rk_hash_fold(chain, (uint64_t) (first + (int64_t) at));
		w.draws = 0;
		source = (uint32_t) (draw(&w) * (double) s.nodes);
		target = (uint32_t) (draw(&w) * (double) (s.nodes - 1));
		target += target >= source;
		if (!sample_path(s, &w, source, target))
			return;
	}
}

/* What each element may fail with, by its hits. */
__global__ static void
set_log_delta(const unsigned long long *hits, int64_t elements, const double *by_hits, double *log_delta)
{
	int64_t		i = global_thread();

	if (i < elements)
		log_delta[i] = by_hits[hits[i]];
}

__global__ static void
find_unknown(const unsigned long long *hits, int64_t elements, double samples, double limit, const double *log_delta,
			 double epsilon, int32_t *unknown)
{
	int64_t		i = global_thread();

	if (i < elements && !rk_sample_is_known((double) hits[i], samples, limit, log_delta[i], epsilon))
		*unknown = 1;
}

/* ---- with lengths ---- */

/* The ends of the samples [first, first + count) of a phase. */
__global__ static void
draw_ends(uint64_t chain, int64_t first, int64_t count, int64_t nodes, uint32_t *source, uint32_t *target)
{
	int64_t		i = global_thread();
	warp_state	w = {};

	if (i >= count)
		return;
	w.chain = rk_hash_fold(chain, (uint64_t) (first + i));
	source[i] = (uint32_t) (draw(&w) * (double) nodes);
	target[i] = (uint32_t) (draw(&w) * (double) (nodes - 1));
	target[i] += target[i] >= source[i];
}

/* Goes back along a path of each sample; a warp for each. */
__global__ static void __launch_bounds__(THREADS)
walk_paths(sampler s, search_set set, uint64_t chain, int64_t first, int64_t count, const uint32_t *source,
		   const uint32_t *target)
{
	int			lane = threadIdx.x % 32;
	int64_t		slot = global_thread() / 32;
	int64_t		base = slot * s.nodes;
	warp_state	w = {};
	uint32_t	v;

	if (slot >= count || !(set.distance[base + target[slot]] < INFINITY))
		return;
	v = target[slot];
	if (!(set.paths[base + v] < 0x1p53))
	{
		*set.failure = FAILED_COUNT;
		return;
	}
	w.chain = rk_hash_fold(chain, (uint64_t) (first + slot));
	/* two were drawn for the ends */
	w.draws = 2;
	while (v != source[slot])
	{
		double		rest = draw(&w) * set.paths[base + v];
		uint32_t	u = v;
		int64_t		last = s.in.offsets[v + 1];
		bool		drawn = false;

		for (int64_t begin = s.in.offsets[v]; begin < last && !drawn; begin += 32)
		{
			bool		inside = begin + lane < last;
			uint32_t	x = inside ? s.in.neighbors[begin + lane] : v;
			bool		leads = inside && is_step<true>(set, base, x, v, s.in.weights, begin + lane);
			unsigned	leading = __ballot_sync(FULL_WARP, leads);
			double		paths = leads ? set.paths[base + x] : 0;

			/* if rounding leaves a rest after the last one, it is that one */
			for (; leading && !drawn; leading &= leading - 1)
			{
				u = __shfl_sync(FULL_WARP, x, __ffs((int) leading) - 1);
				rest -= __shfl_sync(FULL_WARP, paths, __ffs((int) leading) - 1);
				drawn = rest < 0;
			}
		}
		if (s.edges)
			hit_edge(s, u, v);
		else if (v != target[slot])
			hit(s, v);
		v = u;
	}
	if (s.ends)
	{
		hit(s, source[slot]);
		hit(s, target[slot]);
	}
}

/* ---- rounds ---- */

class path_sampling
{
public:
	path_sampling(rk_cuda_device *d, rk_cuda_call *c, const rk_cuda_path_sample_params *p)
		: device(d), call(c), params(p), g(c->graph), n(c->graph->nodes), elements(p->edges ? c->graph->arcs : n)
	{
		int64_t		bytes;

		hits.allocate(device, elements);
		log_delta.allocate(device, elements);
		word.allocate(device, 2);
		next.allocate(device, 1);
		if (g->out().weighted())
		{
			slots = searches_at_a_time(device, n, p->limit, MOST_ENTRIES, search_bytes(true, true));
			searches.reset(new path_levels(device, call, slots, true));
			source.allocate(device, slots);
			target.allocate(device, slots);
			return;
		}
		bytes = min((device->limit - device->used) / 2, MOST_BYTES);
		blocks = max(min((int64_t) MULTIPROCESSOR_WARPS / WARPS * device->multiprocessors, bytes / (BLOCK_BYTES * n)),
					 INT64_C(1));
		mark.allocate(device, blocks * WARPS * n);
		paths.allocate(device, blocks * WARPS * n);
		order.allocate(device, blocks * WARPS * n);
		mark.fill(0);
	}

	void run()
	{
		int64_t		first = params->limit / RK_SAMPLE_FIRST_SHARE + 1;
		int64_t		samples = 0;
		int32_t		unknown = 1;

		word.fill(0);
		hits.fill(0);
		draw_round(rk_hash2(params->seed, 0), 0, first);
		divide_delta(first);
		hits.fill(0);
		while (samples < params->limit && unknown)
		{
			int64_t		round = rk_sample_round(samples, params->limit);

			draw_round(rk_hash2(params->seed, 1), samples, round);
			samples += round;
			check(cudaMemsetAsync(word.get() + 1, 0, sizeof(int32_t), device->stream));
			RK_LAUNCH(find_unknown, blocks_for(elements, 256), 256, device->stream)
				(hits.get(), elements, (double) samples, (double) params->limit, log_delta.get(), params->epsilon,
				 word.get() + 1);
			check_launch();
			check(cudaMemcpyAsync(&unknown, word.get() + 1, sizeof(unknown), cudaMemcpyDeviceToHost, device->stream));
			check(cudaStreamSynchronize(device->stream));
			call->usage.bytes_moved += 16 * elements;
		}
		call->counts[0] = samples;
	}

	void store()
	{
		hits.store((unsigned long long *) call->output[0].data, &call->usage);
		check(cudaStreamSynchronize(device->stream));
	}

private:
	rk_cuda_device *device;
	rk_cuda_call *call;
	const rk_cuda_path_sample_params *params;
	rk_cuda_graph *g;
	int64_t		n;
	int64_t		elements;
	int64_t		blocks;
	int64_t		slots;			/* with lengths: samples at a time */
	std::unique_ptr<path_levels> searches;
	stop_word	stop;
	device_array<unsigned long long> hits;
	device_array<double> log_delta;
	device_array<double> by_hits;
	device_array<int32_t> word;		/* a failure; whether an element is not known */
	device_array<unsigned long long> next;
	device_array<int32_t> mark;
	device_array<double> paths;
	device_array<uint32_t> order;
	device_array<uint32_t> source;
	device_array<uint32_t> target;

	/* Draws the samples [first, first + count) of a phase. */
	void draw_round(uint64_t chain, int64_t first, int64_t count)
	{
		int32_t		failed = 0;
		sampler		s = {
			view_of(g->out()), view_of(g->in()), n, g->directed, params->edges != 0, params->ends != 0, mark.get(),
			paths.get(), order.get(), hits.get(), next.get(), word.get(), stop.get()
		};

		if (searches)
		{
			for (int64_t i = 0; i < count; i += slots)
				draw_by_length(s, chain, first + i, min(slots, count - i));
			return;
		}
		next.fill(0);
		RK_LAUNCH(draw_samples, (unsigned) min(blocks, (count + WARPS - 1) / WARPS), THREADS, device->stream)
			(s, chain, first, count);
		check_launch();
		stop.wait(device, call);
		check(cudaMemcpyAsync(&failed, word.get(), sizeof(failed), cudaMemcpyDeviceToHost, device->stream));
		check(cudaStreamSynchronize(device->stream));
		if (failed)
			decline("number of shortest paths is out of range");
		/* searches from both ends see few nodes as long as distances are short */
		call->usage.bytes_moved += (int64_t) (count * 100 * 40 * sqrt((double) g->arcs + 1));
	}

	void draw_by_length(const sampler &s, uint64_t chain, int64_t first, int64_t count)
	{
		uint32_t	last;

		RK_LAUNCH(draw_ends, blocks_for(count, THREADS), THREADS, device->stream)
			(chain, first, count, n, source.get(), target.get());
		check_launch();
		searches->search<LEVELS_BY_LENGTH>(source.get(), count, INT64_MAX, &last);
		RK_LAUNCH(walk_paths, blocks_for(count * 32, THREADS), THREADS, device->stream)
			(s, searches->set(), chain, first, count, source.get(), target.get());
		check_launch();
		searches->check_failure();
	}

	/* From the hits of the first samples, by the host: the CPU's sums in the CPU's order. */
	void divide_delta(int64_t samples)
	{
		std::vector<unsigned long long> found(elements);
		unsigned long long most = 0;

		check(cudaMemcpyAsync(found.data(), hits.get(), elements * sizeof(found[0]), cudaMemcpyDeviceToHost,
							  device->stream));
		check(cudaStreamSynchronize(device->stream));
		for (unsigned long long h : found)
			most = max(most, h);

		std::vector<int64_t> count(most + 1);
		std::vector<double> table(most + 1);

		for (unsigned long long h : found)
			count[h]++;
		rk_sample_divide_delta(count.data(), (int64_t) most, elements, samples, params->delta, table.data());
		by_hits.load(device, table.data(), (int64_t) most + 1, &call->usage);
		RK_LAUNCH(set_log_delta, blocks_for(elements, 256), 256, device->stream)
			(hits.get(), elements, by_hits.get(), log_delta.get());
		check_launch();
		check(cudaStreamSynchronize(device->stream));
	}
};

void
run_path_samples(rk_cuda_device *device, rk_cuda_call *call)
{
	const rk_cuda_path_sample_params *p = (const rk_cuda_path_sample_params *) call->params;
	rk_cuda_graph *g = call->graph;
	int64_t		n = g ? g->nodes : 0;

	if (n < 2 || n > INT32_MAX || g->arcs == 0 || !g->out().present() || !g->in().present() || p == nullptr ||
		call->params_bytes != sizeof(*p) || !(p->epsilon > 0) || !(p->delta > 0 && p->delta < 1) || p->limit < 1 ||
		p->limit >= INT64_C(1) << 52 ||
		call->output[0].bytes != (p->edges ? g->arcs : n) * (int64_t) sizeof(int64_t))
		decline("arrays of another shape than sampled paths have");

	path_sampling sampling(device, call, p);
	kernel_timer timer(device, &call->usage);

	sampling.run();
	timer.stop();
	sampling.store();
}
