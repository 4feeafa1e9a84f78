/*
 * louvain.cu
 *	  Louvain and Leiden, as src/graph/community/louvain_community.c: the same
 *	  communities, bit for bit.
 *
 * The graph is sent once; levels, their numbers and the parts of communities are
 * made here (louvain_levels.cuh), nodes move and join here (louvain_moves.cuh),
 * and what is found goes back.  The host goes from level to level by the same
 * text as the CPU's engine (src/graph/community/louvain_levels.h).
 */
#include "../src/graph/community/louvain_levels.h"
#include "trees.cuh"

#include "louvain_levels.cuh"

#define SEGMENT_SLOTS (1 << 17)	/* of a table for segments that are not of the longest */
#define SEGMENT_TABLES 256
#define LABEL_LEVELS LOUVAIN_MAX_LEVELS

/* A result: levels of labels. */
struct found_levels
{
	int			levels = 0;
	int64_t		count[LABEL_LEVELS];
	device_array<uint32_t> label[LABEL_LEVELS]; /* by node of the level below */

	void forget()
	{
		while (levels > 0)
			label[--levels].release();
	}
};

/* What belongs to a level above the graph. */
struct level_arrays
{
	device_adjacency rows;
	device_array<double> out;
	device_array<double> in;
	device_array<double> loop;
	device_array<uint32_t> size;
	device_array<uint32_t> first;
};

class louvain_engine
{
public:
	louvain_engine(rk_cuda_device *d, rk_cuda_call *c)
		: device(d), call(c), p((const rk_cuda_louvain_params *) c->params), g(c->graph), n(c->graph->nodes),
		  directed(c->input[2].data != nullptr) {}

	void run()
	{
		static const louvain_steps steps = {
			[] (void *e, bool alone, louvain_slot from) { return ((louvain_engine *) e)->start(alone, from); },
			[] (void *e, uint64_t seed, uint64_t salt, double tolerance, louvain_moves *m) {
				return ((louvain_engine *) e)->move(seed, salt, tolerance, m);
			},
			[] (void *e, louvain_labels which, int64_t *count) { return ((louvain_engine *) e)->number(which, count); },
			[] (void *e, bool, double *quality) { return ((louvain_engine *) e)->weigh(quality); },
			[] (void *e, uint64_t seed, uint64_t salt) { return ((louvain_engine *) e)->refine(seed, salt); },
			[] (void *e) { return ((louvain_engine *) e)->split(); },
			[] (void *e, louvain_labels which, int64_t count) { return ((louvain_engine *) e)->keep(which, count); },
			[] (void *e, louvain_labels which, int64_t count) { return ((louvain_engine *) e)->climb(which, count); },
			[] (void *e) { ((louvain_engine *) e)->drop(); },
			[] (void *e, louvain_slot from, louvain_slot to) { ((louvain_engine *) e)->hand_over(from, to); }
		};
		louvain_plan plan = {n, p->min_gain, p->seed, p->leiden, p->max_levels, p->tries};
		louvain_run r = {};
		kernel_timer timer(device, &call->usage);

		r.steps = &steps;
		r.engine = this;
		r.plan = &plan;
		load();
		/* steps throw */
		(void) louvain_climb_all(&r);
		timer.stop();
		give(r);
	}

private:
	rk_cuda_device *device;
	rk_cuda_call *call;
	const rk_cuda_louvain_params *p;
	rk_cuda_graph *g;
	int64_t		n;
	bool		directed;
	bool		exact = false;			/* sums do not round */

	/* the level at work */
	louvain_level at = {};
	device_adjacency *rows = nullptr;
	int64_t		longest = 0;			/* row */
	bool		alone = false;			/* every node is a community of the same number */
	level_arrays first;					/* strengths and loops of the graph */
	level_arrays above;
	found_levels results[LOUVAIN_SLOTS];

	/* by node of the level at work, or by its communities; n of each */
	device_array<uint32_t> community;
	device_array<uint32_t> refined;
	device_array<uint32_t> size;
	device_array<uint32_t> free;
	device_array<double> total_out;
	device_array<double> total_in;		/* directed */
	device_array<double> inside;		/* Leiden, and so on */
	device_array<double> cut;
	device_array<double> whole_out;
	device_array<double> whole_in;		/* directed */
	device_array<uint8_t> active;
	device_array<uint32_t> order;
	device_array<uint32_t> list;
	device_array<int64_t> before;
	device_array<uint32_t> target;
	device_array<double> gain;
	device_array<uint32_t> movers;
	device_array<uint32_t> queue;
	device_array<uint32_t> giants;
	device_array<move_state> state;
	device_array<uint32_t> listed;		/* scratch, and the sums of that */
	device_array<uint32_t> work;
	device_array<int64_t> place;
	device_array<int64_t> work_before;

	cudaStream_t stream() const { return device->stream; }

	template <typename T> const T *input(int i) const { return (const T *) call->input[i].data; }

	unsigned blocks(int64_t items) const { return blocks_for(items, NODE_THREADS); }
	unsigned warps(int64_t items) const { return blocks_for(items, NODE_THREADS / 32); }

	void look_at_stop() const
	{
		if (stopped(call))
			stop_now();
	}

	template <typename T> T value_of(const T *where) const
	{
		T			value;

		check(cudaMemcpyAsync(&value, where, sizeof(value), cudaMemcpyDeviceToHost, stream()));
		check(cudaStreamSynchronize(stream()));
		return value;
	}

	template <typename T> void copy(T *to, const T *from, int64_t count) const
	{
		check(cudaMemcpyAsync(to, from, count * sizeof(T), cudaMemcpyDeviceToDevice, stream()));
	}

	uint32_t *labels(louvain_labels which) const { return which == LOUVAIN_PARTS ? refined.get() : community.get(); }

	double *all_in() const { return directed ? total_in.get() : total_out.get(); }

	/* ---- the beginning and the end ---- */

	void load()
	{
		int32_t		most;

		exact = sums_are_exact(device, &g->out(), n, g->arcs, g->out().offsets.get(), 2 * p->total, &most);
		call->usage.bytes_moved += (g->out().weighted() ? 12 : 0) * g->arcs + 8 * n;
		first.out.load(device, input<double>(0), n, &call->usage);
		first.loop.load(device, input<double>(1), n, &call->usage);
		if (directed)
		{
			first.in.load(device, input<double>(2), n, &call->usage);
			total_in.allocate(device, n);
		}
		community.allocate(device, n);
		size.allocate(device, n);
		free.allocate(device, n);
		total_out.allocate(device, n);
		active.allocate(device, n);
		order.allocate(device, n);
		list.allocate(device, n);
		before.allocate(device, n + 1);
		target.allocate(device, n);
		gain.allocate(device, n);
		movers.allocate(device, n);
		queue.allocate(device, n);
		giants.allocate(device, n);
		state.allocate(device, 1);
		listed.allocate(device, n);
		work.allocate(device, n);
		place.allocate(device, n + 1);
		work_before.allocate(device, n + 1);
		if (p->leiden)
		{
			refined.allocate(device, n);
			inside.allocate(device, n);
			cut.allocate(device, n);
			whole_out.allocate(device, n);
			if (directed)
				whole_in.allocate(device, n);
		}
		check(cudaStreamSynchronize(stream()));
	}

	void give(const louvain_run &r)
	{
		const found_levels &best = results[LOUVAIN_BEST];
		uint32_t   *label = (uint32_t *) call->output[0].data;
		int64_t    *count = (int64_t *) call->output[1].data;
		int64_t		entries = 0;

		for (int i = 0; i < best.levels; i++)
		{
			best.label[i].store(label + entries, &call->usage);
			entries += best.label[i].size();
		}
		for (int i = 0; i < LABEL_LEVELS; i++)
			count[i] = i < best.levels ? best.count[i] : 0;
		*(double *) call->output[2].data = r.modularity[LOUVAIN_BEST];
		call->counts[0] = entries;
		call->counts[1] = best.levels;
		call->iterations = r.passes;
		call->residual = r.residual;
		call->converged = !r.exhausted;
		check(cudaStreamSynchronize(stream()));
	}

	/* ---- results ---- */

	int keep(louvain_labels which, int64_t count)
	{
		found_levels &r = results[LOUVAIN_NEW];
		int64_t		entries = at.nodes;

		for (int i = 0; i < r.levels; i++)
			entries += r.label[i].size();
		if (entries * (int64_t) sizeof(uint32_t) > call->output[0].bytes)
			decline("levels have more nodes than there is room for");
		r.label[r.levels].allocate(device, at.nodes);
		copy(r.label[r.levels].get(), labels(which), at.nodes);
		r.count[r.levels++] = count;
		return 0;
	}

	void drop()
	{
		found_levels &r = results[LOUVAIN_NEW];

		r.label[--r.levels].release();
	}

	void hand_over(louvain_slot from, louvain_slot to)
	{
		found_levels &a = results[from];
		found_levels &b = results[to];

		b.forget();
		if (from == to)
			return;
		for (int i = 0; i < a.levels; i++)
		{
			a.label[i].swap(b.label[i]);
			b.count[i] = a.count[i];
		}
		std::swap(a.levels, b.levels);
	}

	/* ---- levels ---- */

	void set_level(device_adjacency *a, const level_arrays &l, int64_t nodes, int64_t entries)
	{
		device_array<weight_bits> bits;
		weight_bits found = {0, 0};

		rows = a;
		at = {
			nodes, entries, view_of(*a), l.out.get(), directed ? l.in.get() : l.out.get(), l.loop.get(), l.size.get(),
			l.first.get()
		};
		bits.allocate(device, 1);
		bits.fill(0);
		RK_LAUNCH(find_longest_row, blocks(nodes), NODE_THREADS, stream()) (a->offsets.get(), nodes, bits.get());
		check_launch();
		found = value_of(bits.get());
		longest = found.longest;
	}

	void set_alone()
	{
		RK_LAUNCH(number_nodes, blocks(at.nodes), NODE_THREADS, stream()) (community.get(), at.nodes);
		check_launch();
		alone = true;
	}

	int start(bool anew, louvain_slot from)
	{
		const found_levels &r = results[from];

		look_at_stop();
		set_level(&g->out(), first, n, g->arcs);
		set_alone();
		alone = anew;
		for (int i = 0; !anew && i < r.levels; i++)
		{
			RK_LAUNCH(map_nodes, blocks(n), NODE_THREADS, stream()) (community.get(), n, r.label[i].get());
			check_launch();
		}
		return 0;
	}

	/* Nodes by label, then as they are numbered; sorted: their labels. */
	void sort_members(const uint32_t *label, int64_t labels, device_array<uint32_t> &sorted,
					  device_array<uint32_t> &member)
	{
		sorted.allocate(device, at.nodes);
		member.allocate(device, at.nodes);
		copy(sorted.get(), label, at.nodes);
		sort_pairs(device, sorted, member, true, at.nodes, bits_below(labels));
		call->usage.bytes_moved += 24 * at.nodes * ((bits_below(labels) + 7) / 8);
	}

	/* Strengths and sizes of communities. */
	void sum_up()
	{
		int64_t		nodes = at.nodes;

		call->usage.bytes_moved += 40 * nodes;
		if (alone)
		{
			RK_LAUNCH(fill_words, blocks(nodes), NODE_THREADS, stream()) (size.get(), nodes, 1u);
			check_launch();
			copy(total_out.get(), at.out, nodes);
			if (directed)
				copy(total_in.get(), at.in, nodes);
			return;
		}
		check(cudaMemsetAsync(size.get(), 0, nodes * sizeof(uint32_t), stream()));
		RK_LAUNCH(count_members, blocks(nodes), NODE_THREADS, stream()) (community.get(), nodes, size.get());
		check_launch();
		if (exact)
		{
			check(cudaMemsetAsync(total_out.get(), 0, nodes * sizeof(double), stream()));
			if (directed)
				check(cudaMemsetAsync(total_in.get(), 0, nodes * sizeof(double), stream()));
			RK_LAUNCH(add_strengths, blocks(nodes), NODE_THREADS, stream())
				(at, community.get(), total_out.get(), all_in());
			check_launch();
		}
		else
		{
			device_array<uint32_t> sorted;
			device_array<uint32_t> member;

			sort_members(community.get(), nodes, sorted, member);
			scan_lengths(device, size.get(), nodes, place.get());
			RK_LAUNCH(add_strengths_in_order, warps(nodes), NODE_THREADS, stream())
				(at, member.get(), place.get(), total_out.get(), all_in());
			check_launch();
		}
	}

	/* Weight of every node into its community, to inside. */
	void weigh_inside(double *into)
	{
		int64_t		nodes = at.nodes;

		call->usage.bytes_moved += 24 * nodes + (rows->weighted() ? 20 : 12) * at.entries;
		if (exact)
		{
			check(cudaMemsetAsync(&state.get()->queued, 0, sizeof(uint32_t), stream()));
			RK_LAUNCH(weigh_rows<false>, warps(nodes), NODE_THREADS, stream())
				(at, community.get(), into, queue.get(), &state.get()->queued);
			check_launch();
			if (longest > WIDE)
				RK_LAUNCH(weigh_wide_rows, 4 * device->multiprocessors, NODE_THREADS, stream())
					(at, community.get(), into, queue.get(), &state.get()->queued);
		}
		else
			RK_LAUNCH(weigh_rows<true>, warps(nodes), NODE_THREADS, stream())
				(at, community.get(), into, queue.get(), &state.get()->queued);
		check_launch();
	}

	int weigh(double *quality)
	{
		int64_t		chunks = (at.nodes + LOUVAIN_QUALITY_CHUNK - 1) / LOUVAIN_QUALITY_CHUNK;
		device_array<double> sums;
		host_array<double> found;

		look_at_stop();
		sum_up();
		if (!alone)
			weigh_inside(gain.get());
		sums.allocate(device, 2 * chunks);
		RK_LAUNCH(sum_quality, warps(chunks), NODE_THREADS, stream())
			(at, alone ? nullptr : gain.get(), total_out.get(), all_in(), p->total, sums.get(), sums.get() + chunks);
		check_launch();
		found.allocate(2 * chunks);
		check(cudaMemcpyAsync(found.get(), sums.get(), 2 * chunks * sizeof(double), cudaMemcpyDeviceToHost, stream()));
		check(cudaStreamSynchronize(stream()));
		*quality = rk_louvain_modularity(found.get(), found.get() + chunks, chunks, p->total, p->resolution, directed);
		return 0;
	}

	int number(louvain_labels which, int64_t *count)
	{
		int64_t		nodes = at.nodes;
		uint32_t   *label = labels(which);
		uint32_t   *smallest = movers.get();	/* free between moves */
		device_array<uint32_t> met;
		device_array<uint32_t> label_of;
		device_array<int64_t> places;
		device_array<uint32_t> key;
		device_array<uint32_t> sorted;

		look_at_stop();
		check(cudaMemsetAsync(size.get(), 0, nodes * sizeof(uint32_t), stream()));
		check(cudaMemsetAsync(smallest, 0xff, nodes * sizeof(uint32_t), stream()));
		RK_LAUNCH(measure_labels, blocks(nodes), NODE_THREADS, stream()) (at, label, size.get(), smallest);
		check_launch();
		met.allocate(device, n);
		met.fill(0);
		label_of.allocate(device, n);
		RK_LAUNCH(meet_labels, blocks(nodes), NODE_THREADS, stream())
			(nodes, size.get(), smallest, met.get(), label_of.get());
		check_launch();
		places.allocate(device, n + 1);
		scan_lengths(device, met.get(), n, places.get());
		*count = value_of(places.get() + n);
		key.allocate(device, *count);
		sorted.allocate(device, *count);
		RK_LAUNCH(list_labels, blocks(n), NODE_THREADS, stream())
			(n, places.get(), label_of.get(), size.get(), key.get(), sorted.get());
		check_launch();
		sort_pairs(device, key, sorted, false, *count, bits_below(n));
		RK_LAUNCH(give_numbers, blocks(*count), NODE_THREADS, stream()) (sorted.get(), *count, smallest);
		check_launch();
		RK_LAUNCH(map_nodes, blocks(nodes), NODE_THREADS, stream()) (label, nodes, smallest);
		check_launch();
		call->usage.bytes_moved += 40 * nodes + 40 * n + 24 * *count * ((bits_below(n) + 7) / 8);
		return 0;
	}

	/* ---- the next level ---- */

	/* Entries of segments, added up; most: arcs of the longest one. */
	void gather(const segments_view &s, int64_t communities, int64_t most)
	{
		device_array<uint32_t> keys;
		device_array<double> sums;
		unsigned	grid = (unsigned) min((int64_t) blocks_for(s.count, MEDIUM_THREADS / 32), 32 * (int64_t) device->multiprocessors);

		check(cudaMemsetAsync(s.queued, 0, sizeof(uint32_t), stream()));
		RK_LAUNCH(gather_short, grid, MEDIUM_THREADS, stream()) (s);
		check_launch();
		if (most <= MEDIUM)
			return;
		/* the longest have few tables */
		gather_some(s, communities, MEDIUM + 1, min(most, (int64_t) SEGMENT_SLOTS / 3 * 2), SEGMENT_TABLES, keys, sums);
		if (most > SEGMENT_SLOTS / 3 * 2)
			gather_some(s, communities, SEGMENT_SLOTS / 3 * 2 + 1, most, 8, keys, sums);
	}

	void gather_some(const segments_view &s, int64_t communities, int64_t least, int64_t most, int64_t tables,
					 device_array<uint32_t> &keys, device_array<double> &sums)
	{
		long_tables t = {nullptr, nullptr, segment_slots(most, communities)};
		int64_t		workers = LONG_THREADS / 32;

		tables = min(tables, (s.count + workers - 1) / workers * workers);
		if (!exact)
			tables = max(tables / workers * workers, workers);
		keys.allocate(device, tables * t.slots);
		sums.allocate(device, tables * t.slots);
		keys.fill(0xff);
		sums.fill(0);
		t.keys = keys.get();
		t.sums = sums.get();
		if (exact)
			RK_LAUNCH(gather_long<LONG_THREADS>, (unsigned) tables, LONG_THREADS, stream()) (s, communities, least, most, t);
		else
			RK_LAUNCH(gather_long<32>, (unsigned) (tables / workers), LONG_THREADS, stream())
				(s, communities, least, most, t);
		check_launch();
	}

	int climb(louvain_labels which, int64_t count)
	{
		int64_t		nodes = at.nodes;
		uint32_t   *label = labels(which);
		device_array<uint32_t> sorted;
		device_array<uint32_t> member;
		device_array<int64_t> member_work;
		device_array<int64_t> segment_begin;
		device_array<int64_t> segments_of;
		device_array<uint32_t> segment_community;
		device_array<uint32_t> room;
		device_array<int64_t> segment_at;
		device_array<unsigned long long> most;
		device_array<uint32_t> neighbors;
		device_array<double> weights;
		device_array<uint32_t> entries;
		device_array<double> weight_inside;
		device_array<uint32_t> segment_queue;
		device_array<uint32_t> queued;
		segments_view s = {};
		int64_t		all;

		look_at_stop();
		sort_members(label, count, sorted, member);
		RK_LAUNCH(weigh_members, blocks(nodes), NODE_THREADS, stream()) (at, member.get(), work.get());
		check_launch();
		member_work.allocate(device, nodes + 1);
		scan_lengths(device, work.get(), nodes, member_work.get());
		RK_LAUNCH(mark_segments, blocks(nodes), NODE_THREADS, stream())
			(sorted.get(), member_work.get(), rk_louvain_piece_work(at.entries + LOUVAIN_NODE_WORK * nodes), nodes,
			 listed.get());
		check_launch();
		scan_lengths(device, listed.get(), nodes, place.get());
		s.level = at;
		s.label = label;
		s.member = member.get();
		s.before = member_work.get();
		s.count = value_of(place.get() + nodes);
		segment_begin.allocate(device, s.count + 1);
		segment_community.allocate(device, s.count);
		segments_of.allocate(device, count + 1);
		s.begin = segment_begin.get();
		s.community = segment_community.get();
		RK_LAUNCH(list_segments, blocks(nodes + 1), NODE_THREADS, stream())
			(s, sorted.get(), place.get(), count, segments_of.get());
		check_launch();
		sorted.release();
		room.allocate(device, s.count);
		segment_at.allocate(device, s.count + 1);
		most.allocate(device, 1);
		most.fill(0);
		RK_LAUNCH(make_room, blocks(s.count), NODE_THREADS, stream()) (s, count, room.get(), most.get());
		check_launch();
		scan_lengths(device, room.get(), s.count, segment_at.get());
		all = value_of(segment_at.get() + s.count);
		neighbors.allocate(device, all);
		weights.allocate(device, all);
		entries.allocate(device, s.count);
		weight_inside.allocate(device, s.count);
		segment_queue.allocate(device, s.count);
		queued.allocate(device, 1);
		s.at = segment_at.get();
		s.neighbors = neighbors.get();
		s.weights = weights.get();
		s.entries = entries.get();
		s.inside = weight_inside.get();
		s.queue = segment_queue.get();
		s.queued = queued.get();
		gather(s, count, (int64_t) value_of(most.get()));
		look_at_stop();
		call->usage.bytes_moved += 60 * nodes + (rows->weighted() ? 40 : 24) * at.entries;

		level_arrays next;

		add_members(s, segments_of.get(), count, &next);
		make_rows(s, segments_of.get(), count, &next);
		if (which == LOUVAIN_PARTS)
			inherit(count);
		use(next, count);
		if (which == LOUVAIN_COMMUNITIES)
			set_alone();
		return 0;
	}

	/* The next level is at work. */
	void use(level_arrays &next, int64_t nodes)
	{
		above.rows.offsets.swap(next.rows.offsets);
		above.rows.neighbors.swap(next.rows.neighbors);
		above.rows.weights.swap(next.rows.weights);
		above.rows.tile_rows.swap(next.rows.tile_rows);
		above.out.swap(next.out);
		above.in.swap(next.in);
		above.loop.swap(next.loop);
		above.size.swap(next.size);
		above.first.swap(next.first);
		set_level(&above.rows, above, nodes, above.rows.neighbors.size());
	}

	/* What is added up over members: by segment, then by community. */
	void add_members(const segments_view &s, const int64_t *segments_of, int64_t count, level_arrays *next)
	{
		device_array<double> loop;
		device_array<double> out;
		device_array<double> in;
		device_array<uint32_t> sizes;
		device_array<uint32_t> firsts;

		loop.allocate(device, s.count);
		out.allocate(device, s.count);
		sizes.allocate(device, s.count);
		firsts.allocate(device, s.count);
		next->loop.allocate(device, count);
		next->out.allocate(device, count);
		next->size.allocate(device, count);
		next->first.allocate(device, count);
		if (directed)
		{
			in.allocate(device, s.count);
			next->in.allocate(device, count);
		}

		segment_sums by_segment = {loop.get(), out.get(), in.get(), sizes.get(), firsts.get()};
		segment_sums by_community = {
			next->loop.get(), next->out.get(), next->in.get(), next->size.get(), next->first.get()
		};

		RK_LAUNCH(sum_members, warps(s.count), NODE_THREADS, stream()) (s, by_segment);
		check_launch();
		RK_LAUNCH(sum_segments, blocks(count), NODE_THREADS, stream()) (segments_of, count, by_segment, by_community);
		check_launch();
		call->usage.bytes_moved += 36 * at.nodes + 60 * count;
	}

	/* The rows of the next level from what was gathered. */
	void make_rows(const segments_view &s, const int64_t *segments_of, int64_t count, level_arrays *next)
	{
		merge_view m = {s, segments_of, nullptr, 0};
		device_array<uint32_t> lengths;
		device_array<int64_t> begin;
		device_array<uint32_t> marked;
		device_array<int64_t> places;
		device_array<double> sums;
		int64_t		all;

		if (s.count > count)
		{
			lengths.allocate(device, s.count);
			begin.allocate(device, s.count + 1);
			RK_LAUNCH(count_merged, blocks(s.count), NODE_THREADS, stream()) (s, segments_of, lengths.get());
			check_launch();
			scan_lengths(device, lengths.get(), s.count, begin.get());
			m.begin = begin.get();
			m.count = value_of(begin.get() + s.count);
			if (m.count >= (int64_t) UINT32_MAX)
				decline("communities have too many neighbours");
			marked.allocate(device, m.count);
			sums.allocate(device, m.count);
			places.allocate(device, m.count + 1);
			places.fill(0);
			if (m.count > 0)
			{
				merge(m, count, marked.get(), sums.get());
				scan_lengths(device, marked.get(), m.count, places.get());
			}
		}
		lengths.allocate(device, count);
		RK_LAUNCH(count_rows, blocks(count), NODE_THREADS, stream()) (m, places.get(), count, lengths.get());
		check_launch();
		next->rows.offsets.allocate(device, count + 1);
		scan_lengths(device, lengths.get(), count, next->rows.offsets.get());
		all = value_of(next->rows.offsets.get() + count);
		next->rows.neighbors.allocate(device, all);
		next->rows.weights.allocate(device, all);
		if (all > 0)
			visit_entries(device, &next->rows, count, all,
						  copy_rows {s, segments_of, next->rows.offsets.get(), next->rows.neighbors.get(), next->rows.weights.get()});
		if (m.count > 0)
		{
			RK_LAUNCH(write_merged, blocks(m.count), NODE_THREADS, stream())
				(m, places.get(), sums.get(), next->rows.offsets.get(), next->rows.neighbors.get(),
				 next->rows.weights.get());
			check_launch();
		}
		call->usage.bytes_moved += 24 * all;
	}

	/* Entries of communities of several segments: sorted by label within each. */
	void merge(const merge_view &m, int64_t count, uint32_t *marked, double *sums)
	{
		device_array<uint32_t> key;
		device_array<uint32_t> entry;
		int			bits = bits_below(count);

		key.allocate(device, m.count);
		entry.allocate(device, m.count);
		RK_LAUNCH(key_by_label, blocks(m.count), NODE_THREADS, stream()) (m, key.get());
		check_launch();
		sort_pairs(device, key, entry, true, m.count, bits);
		RK_LAUNCH(key_by_community, blocks(m.count), NODE_THREADS, stream()) (m, entry.get(), key.get());
		check_launch();
		sort_pairs(device, key, entry, false, m.count, bits);
		RK_LAUNCH(add_merged, blocks(m.count), NODE_THREADS, stream()) (m, entry.get(), key.get(), marked, sums);
		check_launch();
		call->usage.bytes_moved += m.count * (48 * ((bits + 7) / 8) + 60);
	}

	/* Parts start in their community: its label is the smallest of them. */
	void inherit(int64_t count)
	{
		int64_t		nodes = at.nodes;

		check(cudaMemsetAsync(target.get(), 0xff, nodes * sizeof(uint32_t), stream()));
		RK_LAUNCH(find_smallest, blocks(nodes), NODE_THREADS, stream())
			(community.get(), refined.get(), nodes, target.get());
		check_launch();
		RK_LAUNCH(inherit_smallest, blocks(nodes), NODE_THREADS, stream())
			(community.get(), refined.get(), nodes, target.get(), list.get());
		check_launch();
		copy(community.get(), list.get(), count);
		alone = false;
		call->usage.bytes_moved += 40 * nodes;
	}

	/* ---- turns ---- */

	level_view view() const
	{
		return {
			at.rows, at.nodes, at.out, at.in, p->penalty, community.get(), total_out.get(), all_in(), size.get(),
			list.get(), before.get(), target.get(), gain.get(), movers.get(), queue.get(), giants.get(),
			longest > GIANT, state.get()
		};
	}

	/* The nodes of a pass: how many, and their work. */
	void list_nodes(const level_view &l, int64_t *count, int64_t *total)
	{
		int64_t		nodes = at.nodes;

		look_at_stop();
		RK_LAUNCH(mark_active, blocks(nodes), NODE_THREADS, stream())
			(l, active.get(), order.get(), listed.get(), work.get());
		check_launch();
		scan_lengths(device, listed.get(), nodes, place.get());
		scan_lengths(device, work.get(), nodes, work_before.get());
		RK_LAUNCH(make_list, blocks(nodes + 1), NODE_THREADS, stream())
			(l, order.get(), place.get(), work_before.get());
		check_launch();
		check(cudaMemcpyAsync(count, place.get() + nodes, sizeof(*count), cudaMemcpyDeviceToHost, stream()));
		check(cudaMemcpyAsync(total, work_before.get() + nodes, sizeof(*total), cudaMemcpyDeviceToHost, stream()));
		check(cudaStreamSynchronize(stream()));
		call->usage.bytes_moved += 100 * nodes;
	}

	int move(uint64_t seed, uint64_t salt, double tolerance, louvain_moves *moves)
	{
		int64_t		nodes = at.nodes;
		int64_t		buckets = rk_louvain_buckets(nodes);
		move_state	now = {};
		moves_view	l;
		double		last = 0;

		look_at_stop();
		RK_LAUNCH(draw_buckets, blocks(nodes), NODE_THREADS, stream())
			(nodes, rk_hash2(seed, salt), buckets, listed.get());
		check_launch();
		sort_pairs(device, listed, order, true, nodes, bits_below(buckets));
		sum_up();
		alone = false;
		RK_LAUNCH(mark_free, blocks(nodes), NODE_THREADS, stream()) (size.get(), nodes, listed.get());
		check_launch();
		scan_lengths(device, listed.get(), nodes, place.get());
		RK_LAUNCH(list_free, blocks(nodes), NODE_THREADS, stream()) (place.get(), nodes, free.get());
		check_launch();
		now.free_count = (uint32_t) value_of(place.get() + nodes);
		check(cudaMemcpyAsync(state.get(), &now, sizeof(now), cudaMemcpyHostToDevice, stream()));
		check(cudaMemsetAsync(active.get(), 1, nodes, stream()));
		(level_view &) l = view();
		l.free = free.get();
		l.active = active.get();

		turns<moves_view> turn(this, l);

		for (int pass = 0;; pass++)
		{
			int64_t		count;
			int64_t		total;

			list_nodes(l, &count, &total);
			if (count == 0)
				break;
			if (pass == p->max_iterations)
			{
				moves->reached_max = true;
				moves->gain = last;
				break;
			}
			turn.take(count, total);
			now = value_of(state.get());
			last = now.gain / p->total;
			moves->passes = pass + 1;
			moves->moved |= now.moves > 0;
			if (now.moves == 0 || last < tolerance)
				break;
		}
		return 0;
	}

	int refine(uint64_t seed, uint64_t salt)
	{
		int64_t		nodes = at.nodes;
		int64_t		count;
		int64_t		total;
		joins_view	l;

		look_at_stop();
		sum_up();
		copy(whole_out.get(), total_out.get(), nodes);
		if (directed)
			copy(whole_in.get(), total_in.get(), nodes);
		weigh_inside(inside.get());
		copy(cut.get(), inside.get(), nodes);
		/* every node is alone */
		copy(total_out.get(), at.out, nodes);
		if (directed)
			copy(total_in.get(), at.in, nodes);
		RK_LAUNCH(number_nodes, blocks(nodes), NODE_THREADS, stream()) (refined.get(), nodes);
		check_launch();
		RK_LAUNCH(fill_words, blocks(nodes), NODE_THREADS, stream()) (size.get(), nodes, 1u);
		check_launch();
		check(cudaMemsetAsync(active.get(), 1, nodes, stream()));
		(level_view &) l = view();
		l.refined = refined.get();
		l.inside = inside.get();
		l.cut = cut.get();
		l.whole_out = whole_out.get();
		l.whole_in = directed ? whole_in.get() : whole_out.get();
		l.temperature = LOUVAIN_TEMPERATURE * p->mean_weight;
		l.chain = rk_hash3(seed, salt, 1);
		list_nodes(l, &count, &total);

		turns<joins_view> turn(this, l);

		turn.take(count, total);
		check(cudaStreamSynchronize(stream()));
		return 0;
	}

	/* Labels are the smallest node of each connected part. */
	int split()
	{
		int64_t		nodes = at.nodes;
		device_array<int32_t> moved;

		look_at_stop();
		moved.allocate(device, 1);
		RK_LAUNCH(number_nodes, blocks(nodes), NODE_THREADS, stream()) (refined.get(), nodes);
		check_launch();
		if (at.entries > 0)
			visit_entries(device, rows, nodes, at.entries, link_inside {community.get(), at.rows.weights, refined.get()});
		compress(device, call, refined.get(), nodes, moved);
		copy(community.get(), refined.get(), nodes);
		call->usage.bytes_moved += (rows->weighted() ? 28 : 20) * at.entries + 12 * nodes;
		return 0;
	}

	/* Batches of a level, by P. */
	template <typename P> class turns
	{
	public:
		turns(louvain_engine *e, const P &view) : engine(e), device(e->device), l(view), rounds(e->device)
		{
			int64_t		longest = e->longest;
			int64_t		all = min((int64_t) LONG_BLOCKS, l.nodes);

			small = l;
			small.apart = false;
			if (longest <= MEDIUM)
				return;
			/* a small batch has rows of no more than all small ones */
			make_tables(min(longest, (int64_t) max(GIANT, SMALL_WORK * LOUVAIN_BATCHES + LOUVAIN_BATCHES)), all, &table,
						&keys, &sums, &workers);
			if (longest <= GIANT)
				return;
			if (e->exact)
			{
				giants.slots = slots_for(longest);
				giant_keys.allocate(device, GIANTS * giants.slots);
				giant_sums.allocate(device, GIANTS * giants.slots);
				giant_parts.allocate(device, GIANTS * max(giants.slots / GIANT_TILE, INT64_C(1)));
				giant_keys.fill(0xff);
				giant_sums.fill(0);
				giants.keys = giant_keys.get();
				giants.sums = giant_sums.get();
				giants.parts = giant_parts.get();
			}
			else
				make_tables(longest, GIANTS, &giant_table, &giant_keys, &giant_sums, &giant_workers);
		}

		void take(int64_t count, int64_t total)
		{
			int64_t		each = rk_louvain_batch_work(total);
			/* each but the last has at least this work */
			int64_t		batches = min(total / each + 1, count);

			RK_LAUNCH(begin_pass<P>, 1, MOVE_THREADS, engine->stream()) (l, count, each);
			check_launch();
			for (int64_t b = 0, round = 1; b < batches; round++)
			{
				if (each <= SMALL_WORK)
				{
					RK_LAUNCH(small_batches<P>, 1, MEDIUM_THREADS, engine->stream()) (small, engine->exact, table);
					check_launch();
					b += SMALL_BATCHES;
				}
				else
				{
					rounds.run([&] { make_batches(); });
					b += ROUND_BATCHES;
				}
				if (round % ROUNDS_AHEAD == 0)
				{
					check(cudaStreamSynchronize(engine->stream()));
					engine->look_at_stop();
				}
			}
			/* an entry's neighbour, weight and community; of a node most arrays */
			engine->call->usage.bytes_moved += (engine->rows->weighted() ? 44 : 36) * total + 100 * count;
		}

	private:
		louvain_engine *engine;
		rk_cuda_device *device;
		P			l;
		P			small;
		launch_batch rounds;
		long_tables table = {nullptr, nullptr, 0};
		device_array<uint32_t> keys;
		device_array<double> sums;
		int64_t		workers = 0;
		giant_tables giants = {nullptr, nullptr, 0, nullptr};
		long_tables giant_table = {nullptr, nullptr, 0};
		device_array<uint32_t> giant_keys;
		device_array<double> giant_sums;
		device_array<giant_part> giant_parts;
		int64_t		giant_workers = 0;

		/* Tables for rows of so many entries, for as many workers as wanted if memory permits: blocks, or warps. */
		void make_tables(int64_t entries, int64_t wanted, long_tables *t, device_array<uint32_t> *k,
						 device_array<double> *s, int64_t *made)
		{
			int64_t		warps = LONG_THREADS / 32;

			t->slots = slots_for(entries);
			*made = max(min(TABLE_SLOTS / t->slots, wanted), INT64_C(1));
			/* blocks of whole warps */
			if (!engine->exact)
				*made = (*made + warps - 1) / warps * warps;
			k->allocate(device, *made * t->slots);
			s->allocate(device, *made * t->slots);
			k->fill(0xff);
			s->fill(0);
			t->keys = k->get();
			t->sums = s->get();
		}

		void make_batches()
		{
			/* a batch has at most so many nodes */
			int64_t		most = min(l.nodes, (int64_t) LOUVAIN_BATCH_WORK / LOUVAIN_NODE_WORK);
			unsigned	grid = (unsigned) min(blocks_for(most * 32, MEDIUM_THREADS), 8u * device->multiprocessors);
			unsigned	spread = 2 * (unsigned) device->multiprocessors;
			cudaStream_t stream = engine->stream();

			for (int i = 0; i < ROUND_BATCHES; i++)
			{
				RK_LAUNCH(judge_batch<P>, grid, MEDIUM_THREADS, stream) (l);
				check_launch();
				if (workers > 0 && engine->exact)
					RK_LAUNCH((judge_long<LONG_THREADS, false, P>), (unsigned) workers, LONG_THREADS, stream) (l, table);
				else if (workers > 0)
					RK_LAUNCH((judge_long<32, false, P>), (unsigned) (workers / (LONG_THREADS / 32)), LONG_THREADS, stream)
						(l, table);
				check_launch();
				if (giants.keys)
				{
					RK_LAUNCH(add_giants<P>, spread, LONG_THREADS, stream) (l, giants);
					check_launch();
					RK_LAUNCH(judge_giants<P>, spread, LONG_THREADS, stream) (l, giants);
					check_launch();
					RK_LAUNCH(note_giants<P>, spread, LONG_THREADS, stream) (l, giants);
				}
				else if (giant_table.keys)
					RK_LAUNCH((judge_long<32, true, P>), (unsigned) (giant_workers / (LONG_THREADS / 32)), LONG_THREADS, stream)
						(l, giant_table);
				check_launch();
				RK_LAUNCH(move_batch<P>, 1, MOVE_THREADS, stream) (l);
				check_launch();
			}
		}
	};
};

void
run_louvain(rk_cuda_device *device, rk_cuda_call *call)
{
	const rk_cuda_louvain_params *p = (const rk_cuda_louvain_params *) call->params;
	rk_cuda_graph *g = call->graph;
	int64_t		n = g ? g->nodes : 0;
	bool		fits = n > 0 && n < STAY && !g->directed && g->out().present() && p != nullptr &&
		call->params_bytes == sizeof(*p) && p->max_iterations >= 1 && p->total > 0 && p->tries >= 1 &&
		call->output[0].data && call->output[1].bytes == LABEL_LEVELS * (int64_t) sizeof(int64_t) &&
		call->output[2].bytes == (int64_t) sizeof(double);

	for (int i = 0; i < 3; i++)
		fits = fits && (call->input[i].data ? call->input[i].bytes == n * (int64_t) sizeof(double) : i == 2);
	if (!fits)
		decline("arrays of another shape than communities have");
	louvain_engine(device, call).run();
}
