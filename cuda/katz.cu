/*
 * katz.cu
 *	  Katz centrality by iteration, as src/graph/centrality/katz_centrality.c.
 *
 * An iteration is the row sums of the in-edges, one pass over the nodes and the
 * sum of its chunks; batches of them are sent as one graph, and the host looks
 * after each.  The changes of the last STRETCH iterations stay on the device.
 * Scores that grow without end are left to the CPU, which says so.
 */
#include "batch.cuh"
#include "hub_order.cuh"
#include "nodes.cuh"

#define BATCH 4					/* iterations between two looks of the host */
#define STRETCH 100				/* iterations over which growth is judged */

/* rk_katz_norm of the CPU engine. */
enum
{
	NORM_L2,
	NORM_MAX,
	NORM_NONE
};

typedef struct katz_state
{
	double		alpha;
	double		residual;
	double		changes[STRETCH + 1];	/* of iteration i at i % (STRETCH + 1) */
	int32_t		iterations;
	int32_t		done;
	int32_t		converged;
	int32_t		diverged;
} katz_state;

/* Sums of the weights of rows without weights. */
__global__ static void
count_entries(const int64_t *offsets, int64_t nodes, double *strength)
{
	int64_t		v = global_thread();

	if (v < nodes)
		strength[v] = (double) (offsets[v + 1] - offsets[v]);
}

/* The state before the first iteration. */
__global__ static void
start_katz(double alpha, const double *strength, katz_state *state)
{
	state->alpha = alpha > 0 ? alpha : 1 / (1 + *strength);
	state->residual = 0;
	state->iterations = 0;
	state->done = state->converged = state->diverged = 0;
}

__global__ static void __launch_bounds__(NODE_THREADS)
update_katz(int64_t nodes, const katz_state *state, double beta, const double *node_beta, const double *sums,
			double *x, double *chunk_change)
{
	double		alpha = state->alpha;
	double		change = 0;

	if (state->done)
		return;
	visit_chunk(nodes, [&] (int64_t v) {
		/* no number: that of all */
		double		given = node_beta ? load_once(node_beta + v) : beta;
		double		score = alpha * load_once(sums + v) + (given == given ? given : beta);

		change += fabs(score - x[v]);
		x[v] = score;
	});
	change = block_sum<double, NODE_THREADS>(change);
	if (threadIdx.x == 0)
		chunk_change[blockIdx.x] = change;
}

__global__ static void __launch_bounds__(NODE_THREADS)
end_katz(const double *chunk_change, int64_t chunks, double wanted, int32_t max_iterations, katz_state *state)
{
	double		change;

	if (state->done)
		return;
	change = sum_of_chunks(chunk_change, chunks, 1);
	if (threadIdx.x == 0)
	{
		int			i = state->iterations++;

		if (!(fabs(change) < INFINITY))
			state->diverged = 1;
		else if (change < wanted)
			state->converged = 1;
		else if (i >= STRETCH && i + 1 == max_iterations)
			state->diverged = change > state->changes[(i - STRETCH) % (STRETCH + 1)];
		state->changes[i % (STRETCH + 1)] = change;
		state->residual = change;
		state->done = state->diverged || state->converged || i + 1 == max_iterations;
	}
}

void
run_katz(rk_cuda_device *device, rk_cuda_call *call)
{
	const rk_cuda_katz_params *p = (const rk_cuda_katz_params *) call->params;
	const double *given = (const double *) call->input[0].data;
	rk_cuda_graph *g = call->graph;
	int64_t		n = g ? g->nodes : 0;
	int64_t		chunks = node_chunks(n);
	unsigned	blocks = blocks_for(n, NODE_THREADS);
	cudaStream_t stream = device->stream;
	katz_state	now;
	device_array<double> x;
	device_array<double> node_beta;
	device_array<double> scratch;
	device_array<double> sizes;		/* two values */
	device_array<katz_state> state;

	if (n == 0 || !g->in().present() || p == nullptr || call->params_bytes != sizeof(*p) ||
		call->output[0].bytes != n * (int64_t) sizeof(double) || call->output[1].bytes != sizeof(double) ||
		(given && call->input[0].bytes != n * (int64_t) sizeof(double)) || p->max_iterations < 1)
		decline("arrays of another shape than Katz centrality has");
	x.allocate(device, n);
	scratch.allocate(device, chunks);
	sizes.allocate(device, 2);
	state.allocate(device, 1);
	if (given)
		node_beta.load(device, given, n, &call->usage);

	kernel_timer timer(device, &call->usage);

	make_hub_rows(device, g, &call->usage);
	reorder_nodes<false>(device, g, &node_beta);

	row_sums	pull(device, n, g->arcs, hub_adjacency(g), &g->hubs.parts);
	launch_batch batch(device);
	const int32_t *done = &state.get()->done;

	state.fill(0);
	sizes.fill(0);
	if (!(p->alpha > 0))
	{
		if (g->in().weighted())
		{
			pull.run_weights(done);
			reduce_nodes<NODES_LARGEST>(device, pull.get(), n, nullptr, scratch.get(), sizes.get());
		}
		else
		{
			RK_LAUNCH(count_entries, blocks, NODE_THREADS, stream) (g->in().offsets.get(), n, x.get());
			check_launch();
			reduce_nodes<NODES_LARGEST>(device, x.get(), n, nullptr, scratch.get(), sizes.get());
		}
	}
	RK_LAUNCH(start_katz, 1, 1, stream) (p->alpha, sizes.get(), state.get());
	check_launch();
	x.fill(0);
	do
	{
		if (stopped(call))
			stop_now();
		batch.run([&] {
			for (int i = 0; i < BATCH; i++)
			{
				pull.run(x.get(), done);
				RK_LAUNCH(update_katz, (unsigned) chunks, NODE_THREADS, stream)
					(n, state.get(), p->beta, node_beta.get(), pull.get(), x.get(), scratch.get());
				check_launch();
				RK_LAUNCH(end_katz, 1, NODE_THREADS, stream)
					(scratch.get(), chunks, (double) n * p->tolerance, p->max_iterations, state.get());
				check_launch();
			}
		});
		check(cudaMemcpyAsync(&now, state.get(), sizeof(now), cudaMemcpyDeviceToHost, stream));
		check(cudaStreamSynchronize(stream));
	} while (!now.done);
	if (now.diverged)
		decline("the scores grow without end");
	if (p->norm != NORM_NONE)
	{
		double	   *largest = sizes.get();
		double	   *squares = sizes.get() + 1;

		reduce_nodes<NODES_LARGEST>(device, x.get(), n, nullptr, scratch.get(), largest);
		if (p->norm == NORM_L2)
			reduce_nodes<NODES_SQUARES>(device, x.get(), n, largest, scratch.get(), squares);
		RK_LAUNCH(divide_nodes, blocks, NODE_THREADS, stream)
			(x.get(), n, largest, p->norm == NORM_L2 ? squares : (double *) nullptr);
		check_launch();
	}
	reorder_nodes<true>(device, g, &x);
	timer.stop();
	x.store((double *) call->output[0].data, &call->usage);
	check(cudaStreamSynchronize(stream));
	*(double *) call->output[1].data = now.alpha;
	call->iterations = now.iterations;
	call->residual = now.residual;
	call->converged = now.converged;
	call->usage.bytes_moved += now.iterations * (pull.bytes() + (given ? 32 : 24) * n) + 40 * n;
}
