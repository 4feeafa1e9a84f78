/*
 * pagerank.cu
 *	  PageRank by pull iteration, as src/graph/centrality/pagerank.c.
 *
 * An iteration is the row sums of the in-edges (row_sums.cuh), one pass over
 * the nodes, and the sums of its chunks.  What the next iteration needs is
 * computed on the device, so that the host looks only after every BATCH of
 * them, which are one launch graph; iterations beyond the last one see the flag
 * "done" and return.
 * Number of iterations and residual are therefore those of the definition.
 *
 * Sums over nodes: chunks of CHUNK nodes, in fixed order.
 */
#include <cmath>

#include "batch.cuh"
#include "row_sums.cuh"

#define THREADS 256
#define CHUNK 2048				/* nodes of a block in passes over nodes */
#define BATCH 4					/* iterations between two looks of the host; even */

/* rk_dangling of the CPU engine. */
enum
{
	DANGLING_TELEPORT,
	DANGLING_UNIFORM,
	DANGLING_SELF,
	DANGLING_NONE
};

typedef struct pagerank_state
{
	double		everywhere;		/* what every node gets in the next iteration */
	double		teleport;		/* what node v gets times personalization[v] */
	double		residual;
	int32_t		iterations;
	int32_t		converged;
	int32_t		done;
} pagerank_state;

typedef struct pagerank_terms
{
	int64_t		nodes;
	double		damping;
	double		tolerance;
	double		total;			/* of personalization; 0: there is none */
	int			dangling;
	int			max_iterations;
} pagerank_terms;

/* ---- reciprocals of the out-weights ---- */

__global__ static void
count_neighbors(const uint32_t *neighbors, int64_t arcs, uint32_t *counts)
{
	int64_t		i = global_thread();

	if (i < arcs)
		atomicAdd(&counts[neighbors[i]], 1u);
}

__global__ static void
inverse_of_counts(const uint32_t *counts, int64_t nodes, double *inverse)
{
	int64_t		u = global_thread();

	if (u < nodes)
		inverse[u] = counts[u] > 0 ? 1.0 / counts[u] : 0;
}

__global__ static void
inverse_of_degrees(const int64_t *offsets, int64_t nodes, double *inverse)
{
	int64_t		u = global_thread();

	if (u < nodes)
		inverse[u] = offsets[u + 1] > offsets[u] ? 1.0 / (double) (offsets[u + 1] - offsets[u]) : 0;
}

__global__ static void
fill_ones(double *x, int64_t nodes)
{
	int64_t		u = global_thread();

	if (u < nodes)
		x[u] = 1;
}

__global__ static void
invert(double *x, int64_t nodes)
{
	int64_t		u = global_thread();

	if (u < nodes)
		x[u] = x[u] > 0 ? 1.0 / x[u] : 0;
}

static void
make_inverse(rk_cuda_device *device, rk_cuda_graph *g)
{
	int64_t		n = g->nodes;
	unsigned	blocks = blocks_for(n, THREADS);
	cudaStream_t stream = device->stream;

	if (g->in().weighted())
	{
		device_array<double> ones;
		device_array<int32_t> never;

		if (!g->out().present() || !g->out().weighted())
			decline("a weighted graph needs its out-edges as well");
		g->inverse_out.allocate(device, n);
		ones.allocate(device, n);
		never.allocate(device, 1);
		never.fill(0);
		RK_LAUNCH(fill_ones, blocks, THREADS, stream) (ones.get(), n);
		check_launch();
		row_sums(device, n, g->arcs, &g->out()).run(ones.get(), g->inverse_out.get(), never.get());
		RK_LAUNCH(invert, blocks, THREADS, stream) (g->inverse_out.get(), n);
	}
	else if (g->out().present())
	{
		g->inverse_out.allocate(device, n);
		RK_LAUNCH(inverse_of_degrees, blocks, THREADS, stream)
			(g->out().offsets.get(), n, g->inverse_out.get());
	}
	else
	{
		device_array<uint32_t> counts;

		g->inverse_out.allocate(device, n);
		counts.allocate(device, n);
		counts.fill(0);
		if (g->arcs > 0)
			RK_LAUNCH(count_neighbors, blocks_for(g->arcs, THREADS), THREADS, stream)
				(g->in().neighbors.get(), g->arcs, counts.get());
		check_launch();
		RK_LAUNCH(inverse_of_counts, blocks, THREADS, stream) (counts.get(), n, g->inverse_out.get());
	}
	check_launch();
}

/* ---- passes over the nodes ---- */

/* Scores before the first iteration; dangling mass of each chunk. */
__global__ static void __launch_bounds__(THREADS)
begin_scores(pagerank_terms t, const double *personalization, const double *inverse, double *x,
			 double *contribution, double *chunk_change, double *chunk_dangling)
{
	int64_t		first = (int64_t) blockIdx.x * CHUNK;
	double		dangling = 0;

	for (int k = threadIdx.x; k < CHUNK && first + k < t.nodes; k += THREADS)
	{
		int64_t		v = first + k;
		double		score = personalization ? personalization[v] / t.total : 1.0 / (double) t.nodes;

		x[v] = score;
		contribution[v] = score * inverse[v];
		if (inverse[v] == 0)
			dangling += score;
	}
	dangling = block_sum<double, THREADS>(dangling);
	if (threadIdx.x == 0)
	{
		chunk_change[blockIdx.x] = 0;
		chunk_dangling[blockIdx.x] = dangling;
	}
}

/* New scores from the sums over in-edges; change and dangling mass of each chunk. */
__global__ static void __launch_bounds__(THREADS)
update_scores(pagerank_terms t, const pagerank_state *state, const double *personalization,
			  const double *inverse, const double *sums, double *x, double *next,
			  double *chunk_change, double *chunk_dangling)
{
	int64_t		first = (int64_t) blockIdx.x * CHUNK;
	double		everywhere = state->everywhere;
	double		teleport = state->teleport;
	double		change = 0;
	double		dangling = 0;

	if (state->done)
		return;
	for (int k = threadIdx.x; k < CHUNK && first + k < t.nodes; k += THREADS)
	{
		int64_t		v = first + k;
		double		old = x[v];
		double		inv = inverse[v];
		double		sum = sums[v];
		double		score;

		if (t.dangling == DANGLING_SELF && inv == 0)
			sum += old;
		score = t.damping * sum + everywhere;
		if (personalization)
			score += teleport * personalization[v];
		change += fabs(score - old);
		x[v] = score;
		if (inv == 0)
			dangling += score;
		next[v] = score * inv;
	}
	change = block_sum<double, THREADS>(change);
	dangling = block_sum<double, THREADS>(dangling);
	if (threadIdx.x == 0)
	{
		chunk_change[blockIdx.x] = change;
		chunk_dangling[blockIdx.x] = dangling;
	}
}

/* Adds the chunks and says what the next iteration gives; one block. */
__global__ static void __launch_bounds__(THREADS)
end_iteration(pagerank_terms t, const double *chunk_change, const double *chunk_dangling,
			  int64_t chunks, int first, pagerank_state *state)
{
	double		change = 0;
	double		dangling = 0;

	if (!first && state->done)
		return;
	for (int64_t c = threadIdx.x; c < chunks; c += THREADS)
	{
		change += chunk_change[c];
		dangling += chunk_dangling[c];
	}
	change = block_sum<double, THREADS>(change);
	dangling = block_sum<double, THREADS>(dangling);
	if (threadIdx.x == 0)
	{
		double		to_teleport = 1 - t.damping;
		double		to_all = 0;

		if (t.dangling == DANGLING_TELEPORT)
			to_teleport += t.damping * dangling;
		else if (t.dangling == DANGLING_UNIFORM)
			to_all = t.damping * dangling / (double) t.nodes;
		state->teleport = t.total > 0 ? to_teleport / t.total : 0;
		state->everywhere = t.total > 0 ? to_all : to_all + to_teleport / (double) t.nodes;
		state->residual = change;
		state->iterations = first ? 0 : state->iterations + 1;
		state->converged = !first && change < t.tolerance;
		state->done = state->converged || state->iterations >= t.max_iterations;
	}
}

/* ---- the run ---- */

void
run_pagerank(rk_cuda_device *device, rk_cuda_call *call)
{
	const rk_cuda_pagerank_params *p = (const rk_cuda_pagerank_params *) call->params;
	const double *wanted = (const double *) call->input[0].data;
	rk_cuda_graph *g = call->graph;
	int64_t		n = g ? g->nodes : 0;
	int64_t		chunks = (n + CHUNK - 1) / CHUNK;
	pagerank_terms t = {n, 0, 0, 0, 0, 0};
	pagerank_state now = {0, 0, 0, 0, 0, 0};
	device_array<double> x;
	device_array<double> sums;
	device_array<double> contribution[2];
	device_array<double> personalization;
	device_array<double> change;
	device_array<double> dangling;
	device_array<pagerank_state> state;
	double	   *inverse;

	if (n == 0 || !g->in().present() || p == nullptr || call->params_bytes != sizeof(*p) ||
		call->output[0].bytes != n * (int64_t) sizeof(double) ||
		(wanted && call->input[0].bytes != n * (int64_t) sizeof(double)))
		decline("arrays of another shape than PageRank has");
	t.damping = p->damping;
	t.tolerance = p->tolerance;
	t.dangling = p->dangling;
	t.max_iterations = p->max_iterations;
	for (int64_t v = 0; wanted && v < n; v++)
		t.total += wanted[v];
	if (wanted && !(t.total > 0 && std::isfinite(t.total)))
		decline("personalization values have no sum to divide by");

	x.allocate(device, n);
	sums.allocate(device, n);
	contribution[0].allocate(device, n);
	contribution[1].allocate(device, n);
	change.allocate(device, chunks);
	dangling.allocate(device, chunks);
	state.allocate(device, 1);
	if (wanted)
		personalization.load(device, wanted, n, &call->usage);

	kernel_timer timer(device, &call->usage);

	if (g->inverse_out.get() == nullptr)
		make_inverse(device, g);
	inverse = g->inverse_out.get();

	row_sums	pull(device, n, g->arcs, &g->in());
	launch_batch batch(device);
	const int32_t *done = &state.get()->done;

	RK_LAUNCH(begin_scores, (unsigned) chunks, THREADS, device->stream)
		(t, personalization.get(), inverse, x.get(), contribution[0].get(), change.get(), dangling.get());
	check_launch();
	RK_LAUNCH(end_iteration, 1, THREADS, device->stream)
		(t, change.get(), dangling.get(), chunks, 1, state.get());
	check_launch();
	while (!now.done && p->max_iterations > 0)
	{
		if (stopped(call))
			stop_now();
		batch.run([&] {
			for (int i = 0; i < BATCH; i++)
			{
				pull.run(contribution[i % 2].get(), sums.get(), done);
				RK_LAUNCH(update_scores, (unsigned) chunks, THREADS, device->stream)
					(t, state.get(), personalization.get(), inverse, sums.get(), x.get(),
					 contribution[1 - i % 2].get(), change.get(), dangling.get());
				check_launch();
				RK_LAUNCH(end_iteration, 1, THREADS, device->stream)
					(t, change.get(), dangling.get(), chunks, 0, state.get());
				check_launch();
			}
		});
		check(cudaMemcpyAsync(&now, state.get(), sizeof(now), cudaMemcpyDeviceToHost, device->stream));
		check(cudaStreamSynchronize(device->stream));
	}
	timer.stop();
	x.store((double *) call->output[0].data, &call->usage);
	check(cudaStreamSynchronize(device->stream));
	call->iterations = now.iterations;
	call->residual = now.residual;
	call->converged = now.converged;
	call->usage.bytes_moved += now.iterations * (pull.bytes() + 48 * n);
}
