/*
 * eigenvector.cu
 *	  Eigenvector centrality, as src/graph/centrality/eigenvector_centrality.c:
 *	  the same plain iterations, the same spaces between them.
 *
 * What decides about the next step is computed on the device.  Plain iterations
 * are sent in batches; one that finds that they crawl, or that they are over,
 * sets "halt", and the launches behind it return.  A space with all its columns,
 * the small matrix and the plain iteration that follows it is one batch too.
 */
#include <cstring>

#include "batch.cuh"
#include "hub_order.cuh"
#include "nodes.cuh"
#include "pieces.cuh"

#define BATCH 4					/* plain iterations between two looks of the host */
#define PLAIN 3					/* plain iterations before the first space */
#define DIMENSIONS 12			/* of a space */
#define SQUARINGS 22			/* powers of the small matrix: 2^22 */
#define BREAKDOWN 1e-14			/* what is left of a vector that is in the space */
#define STRIDE (DIMENSIONS + 1)	/* sums of a chunk */
#define PEEL_LEVELS 16			/* of a batch when cycles are looked for */
#define MAX_LEVELS 4096

/* rk_eigenvector_norm of the CPU engine. */
enum
{
	NORM_L2,
	NORM_MAX,
	NORM_SUM
};

typedef struct eigen_state
{
	double		inverse;		/* 1 / length of what is made */
	double		product;		/* x B x */
	double		change;
	double		before;			/* the change of the iteration before; 0: it was none */
	double		residual;
	int32_t		iterations;
	int32_t		halt;			/* plain iterations are not to go on */
	int32_t		leap;			/* because a space is worth its products */
	int32_t		converged;
	int32_t		overflow;

	/* the space */
	int32_t		closed;			/* it has all its columns */
	int32_t		size;			/* columns that it may have */
	int32_t		column;
	int32_t		empty;			/* the combination is nothing */
	double		squares;		/* of the column before anything was taken away */
	double		subtract[DIMENSIONS];
	double		combine[DIMENSIONS];
	double		h[DIMENSIONS * DIMENSIONS];	/* B in the basis; row by row */
} eigen_state;

typedef struct eigen_terms
{
	int64_t		nodes;
	int64_t		chunks;
	double		scale;			/* 1 / largest weight */
	double		wanted;			/* change of the last iteration */
	int32_t		max_iterations;
} eigen_terms;

/* ---- plain iteration ---- */

/* y = x + B x from the sums; of each chunk: y^2 and x B x. */
__global__ static void __launch_bounds__(NODE_THREADS)
add_product(eigen_terms t, const eigen_state *state, const double *x, const double *sums, double *y, double *chunk)
{
	double		squares = 0;
	double		product = 0;

	if (state->halt)
		return;
	visit_chunk(t.nodes, [&] (int64_t v) {
		double		taken = sums[v] * t.scale;
		double		value = x[v] + taken;

		y[v] = value;
		squares += value * value;
		product += x[v] * taken;
	});
	squares = block_sum<double, NODE_THREADS>(squares);
	product = block_sum<double, NODE_THREADS>(product);
	if (threadIdx.x == 0)
	{
		chunk[(int64_t) blockIdx.x * STRIDE] = squares;
		chunk[(int64_t) blockIdx.x * STRIDE + 1] = product;
	}
}

__global__ static void __launch_bounds__(NODE_THREADS)
end_product(eigen_terms t, const double *chunk, eigen_state *state)
{
	double		squares;
	double		product;

	if (state->halt)
		return;
	squares = sum_of_chunks(chunk, t.chunks, STRIDE);
	product = sum_of_chunks(chunk + 1, t.chunks, STRIDE);
	if (threadIdx.x == 0)
	{
		state->product = product;
		state->inverse = 1 / sqrt(squares);
		if (!(fabs(squares) < INFINITY))
			state->overflow = state->halt = 1;
	}
}

/* x = y at unit length; of each chunk: the change. */
__global__ static void __launch_bounds__(NODE_THREADS)
take_product(eigen_terms t, const eigen_state *state, const int32_t *skip, const double *y, double *x, double *chunk)
{
	double		inverse = state->inverse;
	double		change = 0;

	if (*skip)
		return;
	visit_chunk(t.nodes, [&] (int64_t v) {
		double		value = y[v] * inverse;

		change += fabs(value - x[v]);
		x[v] = value;
	});
	change = block_sum<double, NODE_THREADS>(change);
	if (threadIdx.x == 0)
		chunk[(int64_t) blockIdx.x * STRIDE] = change;
}

/* Whether a space is worth its products, if changes go on to shrink like that. */
__device__ static inline bool
crawls(double change, double before, double wanted)
{
	double		rate = before > 0 ? change / before : 1;

	return !(rate < 1) || log(wanted / change) / log(rate) > DIMENSIONS;
}

__global__ static void __launch_bounds__(NODE_THREADS)
end_iteration(eigen_terms t, const double *chunk, eigen_state *state)
{
	double		change;
	int			left;

	if (state->halt)
		return;
	change = sum_of_chunks(chunk, t.chunks, STRIDE);
	if (threadIdx.x == 0)
	{
		state->before = state->change;
		state->change = state->residual = change;
		left = t.max_iterations - ++state->iterations;
		state->converged = change < t.wanted;
		state->leap = !state->converged && state->iterations >= PLAIN && left > 1 &&
			crawls(change, state->before, t.wanted);
		state->halt = state->converged || state->leap || left <= 0;
		/* the space leaves one product for the iteration behind it */
		state->size = min(left - 1, DIMENSIONS);
	}
}

/* ---- the space ---- */

__global__ static void
open_space(int64_t nodes, const double *x, double *basis, eigen_state *state)
{
	int64_t		v = global_thread();

	if (v < nodes)
		basis[v] = x[v];
	if (v < DIMENSIONS * DIMENSIONS)
		state->h[v] = 0;
	if (v == 0)
		state->closed = state->column = state->empty = 0;
}

/*
 * What a chunk of the vector behind the column gives: its products with the
 * basis, and its square.  EXTEND: the vector is B times the last one, from the
 * sums; otherwise what the state says is taken away from it first.
 */
template <bool EXTEND> __global__ static void __launch_bounds__(NODE_THREADS)
project_column(eigen_terms t, const eigen_state *state, const double *sums, double *basis, double *chunk)
{
	int			column = state->column;
	double	   *to = basis + (column + 1) * t.nodes;
	double		product[DIMENSIONS] = {0};
	double		subtract[DIMENSIONS];
	double		squares = 0;

	if (state->closed)
		return;
RK_UNROLL
	for (int i = 0; i < DIMENSIONS; i++)
		subtract[i] = !EXTEND && i <= column ? state->subtract[i] : 0;
	visit_chunk(t.nodes, [&] (int64_t v) {
		double		entry[DIMENSIONS];
		double		value = EXTEND ? sums[v] * t.scale : to[v];

RK_UNROLL
		for (int i = 0; i < DIMENSIONS; i++)
		{
			entry[i] = i <= column ? basis[i * t.nodes + v] : 0;
			if (!EXTEND)
				value -= subtract[i] * entry[i];
		}
RK_UNROLL
		for (int i = 0; i < DIMENSIONS; i++)
			product[i] += value * entry[i];
		to[v] = value;
		squares += value * value;
	});
RK_UNROLL
	for (int i = 0; i < DIMENSIONS; i++)
	{
		/* the same for all threads */
		if (i <= column)
			product[i] = block_sum<double, NODE_THREADS>(product[i]);
	}
	squares = block_sum<double, NODE_THREADS>(squares);
	if (threadIdx.x == 0)
	{
RK_UNROLL
		for (int i = 0; i < DIMENSIONS; i++)
			chunk[(int64_t) blockIdx.x * STRIDE + i] = product[i];
		chunk[(int64_t) blockIdx.x * STRIDE + DIMENSIONS] = squares;
	}
}

/* Adds the chunks up to what is to be taken away; one block. */
__global__ static void __launch_bounds__(NODE_THREADS)
end_projection(eigen_terms t, const double *chunk, int first, eigen_state *state)
{
	int			column = state->column;
	double		squares;

	if (state->closed)
		return;
	for (int i = 0; i <= column; i++)
	{
		double		sum = sum_of_chunks(chunk + i, t.chunks, STRIDE);

		if (threadIdx.x == 0)
		{
			state->subtract[i] = sum;
			state->h[i * DIMENSIONS + column] += sum;
		}
	}
	squares = sum_of_chunks(chunk + DIMENSIONS, t.chunks, STRIDE);
	if (threadIdx.x == 0 && first)
	{
		state->iterations++;
		state->squares = squares;
		if (!(fabs(squares) < INFINITY))
			state->overflow = state->closed = 1;
	}
}

/* Closes the space or says how long the new vector is; one block. */
__global__ static void __launch_bounds__(NODE_THREADS)
end_column(eigen_terms t, const double *chunk, eigen_state *state)
{
	double		squares;

	if (state->closed)
		return;
	squares = sum_of_chunks(chunk + DIMENSIONS, t.chunks, STRIDE);
	if (threadIdx.x == 0)
	{
		int			column = state->column++;

		if (column + 1 == state->size || squares <= BREAKDOWN * BREAKDOWN * state->squares)
			state->closed = 1;
		else
		{
			state->h[(column + 1) * DIMENSIONS + column] = sqrt(squares);
			state->inverse = 1 / sqrt(squares);
		}
	}
}

__global__ static void
shorten_column(int64_t nodes, const eigen_state *state, double *basis)
{
	int64_t		v = global_thread();

	if (!state->closed && v < nodes)
		basis[state->column * nodes + v] *= state->inverse;
}

/*
 * Sets combine to what the shifted small matrix makes of the start; one block,
 * a thread for each entry.
 */
__global__ static void __launch_bounds__(NODE_THREADS)
solve_small(eigen_state *state)
{
	__shared__ double power[DIMENSIONS * DIMENSIONS];
	__shared__ double shift;
	int			size = state->column;
	int			i = threadIdx.x / DIMENSIONS;
	int			j = threadIdx.x % DIMENSIONS;
	bool		mine = i < size && j < size;
	double		value = mine ? state->h[i * DIMENSIONS + j] : 0;
	double		largest = block_max(fabs(value));

	if (threadIdx.x == 0)
		shift = largest;
	__syncthreads();
	/* makes the largest eigenvalue the largest in magnitude */
	if (mine && i == j)
		value += shift;
	if (i < DIMENSIONS)
		power[threadIdx.x] = value;
	for (int round = 0; round < SQUARINGS; round++)
	{
		double		square = 0;

		__syncthreads();
		for (int k = 0; mine && k < size; k++)
			square += power[i * DIMENSIONS + k] * power[k * DIMENSIONS + j];
		largest = block_max(fabs(square));
		if (threadIdx.x == 0)
			shift = largest;
		__syncthreads();
		if (!(shift > 0))
			break;
		if (mine)
			power[threadIdx.x] = square / shift;
	}
	__syncthreads();
	/* the start is the first vector of the basis; the result points its way */
	if ((int) threadIdx.x < size)
		state->combine[threadIdx.x] = power[threadIdx.x * DIMENSIONS] * (power[0] < 0 ? -1 : 1);
}

/* y = the combination of the basis, negative values being rounding errors. */
__global__ static void __launch_bounds__(NODE_THREADS)
combine_basis(eigen_terms t, const eigen_state *state, const double *basis, double *y, double *chunk)
{
	int			size = state->column;
	double		squares = 0;

	visit_chunk(t.nodes, [&] (int64_t v) {
		double		value = 0;

		for (int i = 0; i < size; i++)
			value += state->combine[i] * basis[i * t.nodes + v];
		value = value > 0 ? value : 0;
		y[v] = value;
		squares += value * value;
	});
	squares = block_sum<double, NODE_THREADS>(squares);
	if (threadIdx.x == 0)
		chunk[(int64_t) blockIdx.x * STRIDE] = squares;
}

__global__ static void __launch_bounds__(NODE_THREADS)
close_space(eigen_terms t, const double *chunk, eigen_state *state)
{
	double		squares = sum_of_chunks(chunk, t.chunks, STRIDE);

	if (threadIdx.x == 0)
	{
		state->empty = !(squares > 0);
		state->inverse = 1 / sqrt(squares);
		state->change = 0;
		state->halt = state->overflow;
	}
}

/* ---- whether there is a cycle ---- */

typedef struct peel_state
{
	unsigned long long queued;	/* pieces in the queue */
	unsigned long long begin;	/* those of this level */
	unsigned long long end;
	unsigned long long nodes;	/* without successors */
} peel_state;

struct count_successor
{
	const double *weights;
	uint32_t   *successors;

	__device__ void operator() (int64_t, uint32_t neighbor, int64_t entry) const
	{
		if (weights == nullptr || weights[entry] > 0)
			atomicAdd(&successors[neighbor], 1u);
	}
};

__global__ static void
start_peel(const int64_t *offsets, int64_t nodes, const uint32_t *successors, row_piece *queue, peel_state *state)
{
	int64_t		v = global_thread();

	if (v >= nodes || successors[v] != 0)
		return;
	atomicAdd(&state->nodes, 1ull);
	enqueue(offsets, (uint32_t) v, queue, &state->queued);
}

__global__ static void
next_level(peel_state *state)
{
	state->begin = state->end;
	state->end = state->queued;
}

/* Takes the nodes of a level away from their predecessors. */
__global__ static void __launch_bounds__(NODE_THREADS)
peel_level(const int64_t *offsets, const uint32_t *neighbors, const double *weights, uint32_t *successors,
		   row_piece *queue, peel_state *state)
{
	unsigned long long end = state->end;

	for (unsigned long long piece = state->begin + global_thread() / 32; piece < end;
		 piece += (unsigned long long) gridDim.x * NODE_THREADS / 32)
	{
		int64_t		from;
		int64_t		to;

		piece_entries(offsets, queue[piece], &from, &to);
		for (int64_t i = from + threadIdx.x % 32; i < to; i += 32)
		{
			uint32_t	u = neighbors[i];

			if ((weights == nullptr || weights[i] > 0) && atomicAdd(&successors[u], UINT32_MAX) == 1)
			{
				atomicAdd(&state->nodes, 1ull);
				enqueue(offsets, u, queue, &state->queued);
			}
		}
	}
}

/* Whether arcs of positive weight form a cycle, of a directed graph. */
static bool
find_cycle(rk_cuda_device *device, rk_cuda_call *call, rk_cuda_graph *g)
{
	int64_t		n = g->nodes;
	device_adjacency *in = &g->in();
	cudaStream_t stream = device->stream;
	unsigned	blocks = (unsigned) (4 * device->multiprocessors);
	device_array<uint32_t> successors;
	device_array<row_piece> queue;
	device_array<peel_state> state;
	launch_batch batch(device);
	peel_state	now = {0, 0, 0, 0};

	successors.allocate(device, n);
	queue.allocate(device, most_pieces(n, g->arcs));
	state.allocate(device, 1);
	successors.fill(0);
	state.fill(0);
	visit_entries(device, in, n, g->arcs, count_successor {in->weights.get(), successors.get()});
	RK_LAUNCH(start_peel, blocks_for(n, NODE_THREADS), NODE_THREADS, stream)
		(in->offsets.get(), n, successors.get(), queue.get(), state.get());
	check_launch();
	for (int level = 0; level < MAX_LEVELS; level += PEEL_LEVELS)
	{
		if (stopped(call))
			stop_now();
		batch.run([&] {
			for (int i = 0; i < PEEL_LEVELS; i++)
			{
				RK_LAUNCH(next_level, 1, 1, stream) (state.get());
				check_launch();
				RK_LAUNCH(peel_level, blocks, NODE_THREADS, stream)
					(in->offsets.get(), in->neighbors.get(), in->weights.get(), successors.get(), queue.get(),
					 state.get());
				check_launch();
			}
		});
		check(cudaMemcpyAsync(&now, state.get(), sizeof(now), cudaMemcpyDeviceToHost, stream));
		check(cudaStreamSynchronize(stream));
		if (now.queued == now.end)
		{
			call->usage.bytes_moved += 12 * g->arcs + 30 * n;
			return (int64_t) now.nodes < n;
		}
	}
	decline("the graph is too deep");
}

/* ---- the run ---- */

struct largest_weight
{
	const double *weights;
	unsigned long long *largest;

	/* positive numbers compare as their bits do */
	__device__ void operator() (int64_t, uint32_t, int64_t entry) const
	{
		unsigned long long bits;

		memcpy(&bits, &weights[entry], sizeof(bits));
		if (weights[entry] > 0 && bits > *(const volatile unsigned long long *) largest)
			atomicMax(largest, bits);
	}
};

class eigen_run
{
public:
	eigen_run(rk_cuda_device *d, rk_cuda_call *c, rk_cuda_graph *graph, double weight)
		: device(d), call(c), g(graph), pull(d, graph->nodes, graph->arcs, hub_adjacency(graph), &graph->hubs.parts), largest(weight)
	{
		const rk_cuda_eigenvector_params *p = (const rk_cuda_eigenvector_params *) call->params;
		int64_t		n = g->nodes;

		t = {n, node_chunks(n), 1 / weight, (double) n * p->tolerance, p->max_iterations};
		norm = p->norm;
		x.allocate(device, n);
		y.allocate(device, n);
		chunk.allocate(device, t.chunks * STRIDE);
		state.allocate(device, 1);
		never.allocate(device, 1);
		sizes.allocate(device, 1);
	}

	void run()
	{
		launch_batch plain(device);
		launch_batch space(device);
		eigen_state now;

		state.fill(0);
		never.fill(0);
		RK_LAUNCH(fill_nodes, blocks_for(t.nodes, NODE_THREADS), NODE_THREADS, device->stream)
			(x.get(), t.nodes, 1 / sqrt((double) t.nodes));
		check_launch();
		now.halt = now.leap = 0;
		while (!now.halt || now.leap)
		{
			if (stopped(call))
				stop_now();
			if (!now.leap)
				plain.run([&] {
					for (int i = 0; i < BATCH; i++)
						iterate();
				});
			else
			{
				if (basis.get() == nullptr)
					basis.allocate(device, t.nodes * STRIDE);
				space.run([&] {
					leap();
					iterate();
				});
				call->usage.bytes_moved += 8 * t.nodes * DIMENSIONS * (2 * DIMENSIONS + 6);
			}
			read(&now);
		}
		finish(&now);
	}

	void store()
	{
		reorder_nodes<true>(device, g, &x);
		x.store((double *) call->output[0].data, &call->usage);
		check(cudaStreamSynchronize(device->stream));
	}

private:
	rk_cuda_device *device;
	rk_cuda_call *call;
	rk_cuda_graph *g;
	row_sums	pull;
	double		largest;
	eigen_terms t;
	int			norm;
	device_array<double> x;
	device_array<double> y;
	device_array<double> chunk;
	device_array<double> basis;
	device_array<double> sizes;
	device_array<eigen_state> state;
	device_array<int32_t> never;

	/* y = x + B x, unless the state says halt */
	void multiply()
	{
		pull.run(x.get(), &state.get()->halt);
		RK_LAUNCH(add_product, (unsigned) t.chunks, NODE_THREADS, device->stream)
			(t, state.get(), x.get(), pull.get(), y.get(), chunk.get());
		check_launch();
		RK_LAUNCH(end_product, 1, NODE_THREADS, device->stream) (t, chunk.get(), state.get());
		check_launch();
	}

	void take(const int32_t *skip)
	{
		RK_LAUNCH(take_product, (unsigned) t.chunks, NODE_THREADS, device->stream)
			(t, state.get(), skip, y.get(), x.get(), chunk.get());
		check_launch();
	}

	void iterate()
	{
		multiply();
		take(&state.get()->halt);
		RK_LAUNCH(end_iteration, 1, NODE_THREADS, device->stream) (t, chunk.get(), state.get());
		check_launch();
	}

	/* Moves x to the best vector of the space it spans. */
	void leap()
	{
		unsigned	blocks = blocks_for(max(t.nodes, (int64_t) DIMENSIONS * DIMENSIONS), NODE_THREADS);
		unsigned	chunks = (unsigned) t.chunks;

		RK_LAUNCH(open_space, blocks, NODE_THREADS, device->stream) (t.nodes, x.get(), basis.get(), state.get());
		check_launch();
		for (int column = 0; column < DIMENSIONS; column++)
		{
			pull.run(basis.get() + column * t.nodes, &state.get()->closed);
			RK_LAUNCH(project_column<true>, chunks, NODE_THREADS, device->stream)
				(t, state.get(), pull.get(), basis.get(), chunk.get());
			check_launch();
			/* Gram and Schmidt, twice */
			for (int round = 0; round < 2; round++)
			{
				RK_LAUNCH(end_projection, 1, NODE_THREADS, device->stream)
					(t, chunk.get(), round == 0, state.get());
				check_launch();
				RK_LAUNCH(project_column<false>, chunks, NODE_THREADS, device->stream)
					(t, state.get(), pull.get(), basis.get(), chunk.get());
				check_launch();
			}
			RK_LAUNCH(end_column, 1, NODE_THREADS, device->stream) (t, chunk.get(), state.get());
			check_launch();
			RK_LAUNCH(shorten_column, blocks, NODE_THREADS, device->stream) (t.nodes, state.get(), basis.get());
			check_launch();
		}
		RK_LAUNCH(solve_small, 1, NODE_THREADS, device->stream) (state.get());
		check_launch();
		RK_LAUNCH(combine_basis, chunks, NODE_THREADS, device->stream)
			(t, state.get(), basis.get(), y.get(), chunk.get());
		check_launch();
		RK_LAUNCH(close_space, 1, NODE_THREADS, device->stream) (t, chunk.get(), state.get());
		check_launch();
		take(&state.get()->empty);
	}

	void read(eigen_state *now)
	{
		check(cudaMemcpyAsync(now, state.get(), sizeof(*now), cudaMemcpyDeviceToHost, device->stream));
		check(cudaStreamSynchronize(device->stream));
		if (now->overflow)
			decline("sum of the weights of a node is out of range");
	}

	/* The eigenvalue and the norm. */
	void finish(eigen_state *now)
	{
		check(cudaMemsetAsync(&state.get()->halt, 0, sizeof(int32_t), device->stream));
		multiply();
		call->iterations = now->iterations;
		call->residual = now->residual;
		call->converged = now->converged;
		if (norm != NORM_L2)
		{
			if (norm == NORM_MAX)
				reduce_nodes<NODES_LARGEST>(device, x.get(), t.nodes, nullptr, chunk.get(), sizes.get());
			else
				reduce_nodes<NODES_SUM>(device, x.get(), t.nodes, nullptr, chunk.get(), sizes.get());
			RK_LAUNCH(divide_nodes, blocks_for(t.nodes, NODE_THREADS), NODE_THREADS, device->stream)
				(x.get(), t.nodes, sizes.get(), (double *) nullptr);
			check_launch();
		}
		read(now);
		*(double *) call->output[1].data = now->product * largest;
		call->usage.bytes_moved += (call->iterations + 1) * (pull.bytes() + 48 * t.nodes);
	}
};

void
run_eigenvector(rk_cuda_device *device, rk_cuda_call *call)
{
	const rk_cuda_eigenvector_params *p = (const rk_cuda_eigenvector_params *) call->params;
	rk_cuda_graph *g = call->graph;
	int64_t		n = g ? g->nodes : 0;
	double		largest = 1;

	if (n == 0 || !g->in().present() || p == nullptr || call->params_bytes != sizeof(*p) || p->max_iterations < 1 ||
		call->output[0].bytes != n * (int64_t) sizeof(double) || call->output[1].bytes != sizeof(double))
		decline("arrays of another shape than eigenvector centrality has");

	kernel_timer timer(device, &call->usage);

	if (g->in().weighted())
	{
		device_array<unsigned long long> bits;

		bits.allocate(device, 1);
		bits.fill(0);
		visit_entries(device, &g->in(), n, g->arcs, largest_weight {g->in().weights.get(), bits.get()});
		check(cudaMemcpyAsync(&largest, bits.get(), sizeof(largest), cudaMemcpyDeviceToHost, device->stream));
		check(cudaStreamSynchronize(device->stream));
	}
	if (g->arcs == 0 || largest == 0 || (g->directed && !find_cycle(device, call, g)))
	{
		memset(call->output[0].data, 0, call->output[0].bytes);
		*(double *) call->output[1].data = 0;
		call->iterations = 0;
		call->residual = 0;
		call->converged = 1;
		timer.stop();
		return;
	}

	make_hub_rows(device, g, &call->usage);

	eigen_run	run(device, call, g, largest);

	run.run();
	timer.stop();
	run.store();
}
