/*
 * pagerank.cu
 *	  PageRank by pull iteration, as src/graph/centrality/pagerank.c.
 *
 * An iteration is the row sums of the in-edges (row_sums.cuh), in an order of
 * nodes that is kept with the graph (hub_order.cuh), one pass over
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
#include "hub_order.cuh"

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
	int64_t		used;			/* nobody gathers from nodes behind these */
	double		damping;
	double		tolerance;
	double		total;			/* of personalization; 0: there is none */
	int			dangling;
	int			max_iterations;
} pagerank_terms;

/* ---- reciprocals of the out-weights ---- */

/* 1 / each, by the names in order; 0 stays so.  order: NULL if these are the old ones. */
template <typename T> __global__ static void
invert(const T *x, const uint32_t *order, int64_t nodes, double *inverse)
{
	int64_t		i = global_thread();

	if (i < nodes)
	{
		double		value = (double) x[order ? order[i] : i];

		inverse[i] = value > 0 ? 1 / value : 0;
	}
}

static void
make_inverse(rk_cuda_device *device, rk_cuda_graph *g)
{
	int64_t		n = g->nodes;
	unsigned	blocks = blocks_for(n, THREADS);
	const uint32_t *order = g->hubs.order.get();
	device_array<double> strength;
	device_array<uint32_t> uses;

	if (g->in().weighted())
	{
		if (!g->out().present() || !g->out().weighted())
			decline("a weighted graph needs its out-edges as well");
		strength.allocate(device, n);
		sum_weights(device, n, g->arcs, &g->out(), strength.get());
		g->inverse_out.allocate(device, n);
		RK_LAUNCH(invert<double>, blocks, THREADS, device->stream) (strength.get(), order, n, g->inverse_out.get());
	}
	else
	{
		make_uses(device, g, &uses);
		g->inverse_out.allocate(device, n);
		RK_LAUNCH(invert<uint32_t>, blocks, THREADS, device->stream) (uses.get(), order, n, g->inverse_out.get());
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
		/* what is gathered next is to stay in the cache, not these */
		double		old = load_once(x + v);
		double		inv = v < t.used ? load_once(inverse + v) : 0;
		double		sum = load_once(sums + v);
		double		score;

		if (t.dangling == DANGLING_SELF && inv == 0)
			sum += old;
		score = t.damping * sum + everywhere;
		if (personalization)
			score += teleport * load_once(personalization + v);
		change += fabs(score - old);
		store_once(x + v, score);
		if (inv == 0)
			dangling += score;
		if (v < t.used)
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
	pagerank_terms t = {n, n, 0, 0, 0, 0, 0};
	pagerank_state now = {0, 0, 0, 0, 0, 0};
	device_array<double> x;
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
	contribution[0].allocate(device, n);
	contribution[1].allocate(device, n);
	/* copies of its beginning may reach beyond the nodes that are gathered from */
	contribution[1].fill(0);
	change.allocate(device, chunks);
	dangling.allocate(device, chunks);
	state.allocate(device, 1);
	if (wanted)
		personalization.load(device, wanted, n, &call->usage);

	kernel_timer timer(device, &call->usage);

	make_hub_rows(device, g, &call->usage);
	if (g->inverse_out.get() == nullptr)
		make_inverse(device, g);
	inverse = g->inverse_out.get();
	t.used = g->hubs.used;
	reorder_nodes<false>(device, g, &personalization);

	row_sums	pull(device, n, g->arcs, hub_adjacency(g), &g->hubs.parts);
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
				pull.run(contribution[i % 2].get(), done);
				RK_LAUNCH(update_scores, (unsigned) chunks, THREADS, device->stream)
					(t, state.get(), personalization.get(), inverse, pull.get(), x.get(),
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
	reorder_nodes<true>(device, g, &x);
	timer.stop();
	x.store((double *) call->output[0].data, &call->usage);
	check(cudaStreamSynchronize(device->stream));
	call->iterations = now.iterations;
	call->residual = now.residual;
	call->converged = now.converged;
	call->usage.bytes_moved += now.iterations * (pull.bytes() + (wanted ? 40 : 32) * n + 16 * t.used);
}
