/*
 * gnn.cu
 *	  Graph neural networks with given weights, as src/graph/neural/gnn_inference.c:
 *	  layer by layer a sum over neighbours (neighbor_sums.cuh) and a product with
 *	  a small matrix (dense.cuh), the product first where it makes vectors shorter.
 *
 * The node's own vector is multiplied in the same pass, bias and activation go
 * with the sums that are still in registers, so that each layer reads its input
 * twice at most and writes its output once.
 */
#include "neighbor_sums.cuh"
#include "row_sums.cuh"

#include "../src/compute/both.h"
#include "../src/graph/neural/choices.h"

#define REAL float
#define NAME(x) x##_float4
#include "../src/graph/neural/activation_steps.h"
#undef REAL
#undef NAME
#define REAL double
#define NAME(x) x##_float8
#include "../src/graph/neural/activation_steps.h"
#undef REAL
#undef NAME

/* The activation of a layer. */
struct activate
{
	int32_t		activation;

	__device__ float operator() (float x) const { return activate_float4((rk_activation) activation, x); }
	__device__ double operator() (double x) const { return activate_float8((rk_activation) activation, x); }
};

/* 1 / degree, 1 / strength and 1 / root of it; strength: sums of weights or NULL. */
__global__ static void
invert_scales(const int64_t *offsets, const double *strength, int64_t n, int32_t loops, double *by_degree,
			  double *by_strength, double *by_root)
{
	int64_t		v = global_thread();
	double		degree;
	double		sum;

	if (v >= n)
		return;
	degree = (double) (offsets[v + 1] - offsets[v]);
	sum = (strength ? strength[v] : degree) + loops;
	by_degree[v] = degree > 0 ? 1 / degree : 0;
	by_strength[v] = sum > 0 ? 1 / sum : 0;
	by_root[v] = sum > 0 ? 1 / sqrt(sum) : 0;
}

/* Sets *flag where a weight is below 0 or no number. */
__global__ static void
look_for_negative(const double *weights, int64_t count, int32_t *flag)
{
	for (int64_t i = global_thread(); i < count; i += (int64_t) gridDim.x * blockDim.x)
		if (!(weights[i] >= 0))
			*flag = 1;
}

/* Bias and activation of what is there: one thread a number. */
template <typename T> __global__ static void
finish_rows(T *z, int64_t count, int64_t stride, const T *bias, activate finish)
{
	int64_t		i = global_thread();

	if (i < count)
		z[i] = finish(bias ? z[i] + bias[i % stride] : z[i]);
}

/* Layer norm, a warp a row; gamma and beta may be NULL. */
template <typename T> __global__ static void
normalize_rows(T *z, int64_t rows, int64_t columns, int64_t stride, double eps, const double *gamma,
			   const double *beta)
{
	int64_t		row = global_thread() / 32;
	int			lane = threadIdx.x % 32;
	double		sum = 0;
	double		mean;
	double		variance = 0;

	if (row >= rows)
		return;
	z += row * stride;
	for (int64_t c = lane; c < columns; c += 32)
		sum += z[c];
	mean = warp_sum(sum) / columns;
	for (int64_t c = lane; c < columns; c += 32)
		variance += (z[c] - mean) * (z[c] - mean);
	variance = 1 / sqrt(warp_sum(variance) / columns + eps);
	for (int64_t c = lane; c < columns; c += 32)
		z[c] = (T) ((z[c] - mean) * variance * (gamma ? gamma[c] : 1.0) + (beta ? beta[c] : 0.0));
}

/*
 * Prediction and probabilities, a warp a row; *flag is set where a number is
 * not finite.
 */
template <typename T> __global__ static void
read_output(const T *x, int64_t rows, int64_t columns, int64_t stride, int32_t output, int64_t *prediction,
			double *probabilities, int32_t *flag)
{
	int64_t		row = global_thread() / 32;
	int			lane = threadIdx.x % 32;
	double		largest = -INFINITY;
	int64_t		best = INT64_MAX;
	double		sum = 0;

	if (row >= rows)
		return;
	x += row * stride;
	for (int64_t c = lane; c < columns; c += 32)
	{
		double		value = x[c];

		if (!(value - value == 0))
			*flag = 1;
		if (value > largest)
		{
			largest = value;
			best = c;
		}
	}
	/* the first of equal ones */
	for (int distance = 16; distance > 0; distance /= 2)
	{
		double		other = __shfl_xor_sync(FULL_WARP, largest, distance);
		int64_t		place = __shfl_xor_sync(FULL_WARP, best, distance);

		if (other > largest || (other == largest && place < best))
		{
			largest = other;
			best = place;
		}
	}
	if (prediction && lane == 0)
		prediction[row] = best;
	if (probabilities == nullptr)
		return;
	probabilities += row * columns;
	for (int64_t c = lane; c < columns; c += 32)
	{
		double		value = x[c];
		double		p = output == RK_OUTPUT_SOFTMAX ? exp(value - largest) : 1 / (1 + exp(-value));

		probabilities[c] = p;
		sum += p;
	}
	if (output != RK_OUTPUT_SOFTMAX)
		return;
	sum = warp_sum(sum);
	for (int64_t c = lane; c < columns; c += 32)
		probabilities[c] /= sum;
}

/* What all layers share. */
struct gnn_run
{
	rk_cuda_device *device;
	rk_cuda_call *call;
	rk_cuda_graph *g;
	bool		loops;
	row_pieces	pieces;
	device_array<double> by_degree;
	device_array<double> by_strength;
	device_array<double> by_root;
};

static int64_t
numbers_of(const rk_cuda_gnn_layer *l)
{
	return l->in * l->out * (l->has_self ? 2 : 1) + l->out * (l->has_bias + l->has_gamma + l->has_beta);
}

/* Degrees and strengths, inverted. */
static void
make_scales(gnn_run *run)
{
	rk_cuda_device *device = run->device;
	int64_t		n = run->g->nodes;
	device_adjacency &in = run->g->in();
	device_array<double> strength;

	run->by_degree.allocate(device, n);
	run->by_strength.allocate(device, n);
	run->by_root.allocate(device, n);
	if (in.weighted())
	{
		device_array<int32_t> flag;
		int32_t		negative = 0;

		strength.allocate(device, n);
		flag.allocate(device, 1);
		flag.fill(0);
		sum_weights(device, n, run->g->arcs, &in, strength.get());
		RK_LAUNCH(look_for_negative, (unsigned) (8 * device->multiprocessors), 256, device->stream)
			(in.weights.get(), run->g->arcs, flag.get());
		check_launch();
		check(cudaMemcpyAsync(&negative, flag.get(), sizeof(negative), cudaMemcpyDeviceToHost, device->stream));
		check(cudaStreamSynchronize(device->stream));
		run->call->usage.bytes_moved += 16 * run->g->arcs + 50 * n;
		if (negative)
			decline("a weight is negative or not a number");
	}
	RK_LAUNCH(invert_scales, blocks_for(n, 256), 256, device->stream)
		(in.offsets.get(), strength.get(), n, run->loops, run->by_degree.get(), run->by_strength.get(),
		 run->by_root.get());
	check_launch();
	run->call->usage.bytes_moved += 40 * n;
}

/* Weights of the sum of a layer; returns its kind. */
template <typename T> static gather_kind
choose_scales(const gnn_run *run, const rk_cuda_gnn_layer *l, gather_work<T> *g)
{
	const double *weights = run->g->in().weights.get();

	g->self_weight = 1;
	g->has_self = run->loops;
	switch (l->aggregation)
	{
		case RK_AGGREGATE_SUM:
			g->weights = weights;
			break;
		case RK_AGGREGATE_MEAN:
			g->weights = weights;
			g->row_scale = run->by_strength.get();
			break;
		case RK_AGGREGATE_MAX:
			return GATHER_LARGEST;
		case RK_AGGREGATE_SAGE:
			g->row_scale = run->by_degree.get();
			g->has_self = false;
			break;
		case RK_AGGREGATE_GCN:
			g->weights = weights;
			g->scale = run->by_root.get();
			g->row_scale = run->by_root.get();
			/* the node's own weight is 1, scaled as a neighbour's is */
			g->self = run->by_root.get();
			break;
		case RK_AGGREGATE_GIN:
			g->self_weight = 1 + l->epsilon;
			g->has_self = true;
			break;
		default:
			decline("an aggregation that is not known");
	}
	return g->weights || g->scale ? GATHER_WEIGHTED : GATHER_SUM;
}

/* One layer: x of l->in columns, padded, becomes z of l->out. */
template <typename T> static void
run_layer(gnn_run *run, const rk_cuda_gnn_layer *l, const double *numbers, const device_array<T> &x,
		  device_array<T> &z)
{
	rk_cuda_device *device = run->device;
	int64_t		n = run->g->nodes;
	int64_t		in = padded<T>(l->in);
	int64_t		out = padded<T>(l->out);
	bool		shorter = out < in && l->aggregation != RK_AGGREGATE_MAX;
	activate	finish = {l->activation};
	device_array<T> weight;
	device_array<T> self_weight;
	device_array<T> bias;
	device_array<T> middle;
	gather_work<T> gather = {};
	dense_product<T> product = {};
	gather_kind kind;

	weight.allocate(device, l->in * out);
	run_spread(device, numbers, l->in, l->out, l->out, weight.get(), out);
	numbers += l->in * l->out;
	if (l->has_bias)
	{
		bias.allocate(device, out);
		run_spread(device, numbers, 1, l->out, l->out, bias.get(), out);
		numbers += l->out;
	}
	if (l->has_self)
	{
		self_weight.allocate(device, l->in * out);
		run_spread(device, numbers, l->in, l->out, l->out, self_weight.get(), out);
		numbers += l->in * l->out;
	}
	middle.allocate(device, n * (shorter ? out : in));
	z.allocate(device, n * out);

	product.rows = n;
	product.in = l->in;
	product.x_stride = in;
	product.w_stride = out;
	product.z_stride = out;
	product.w = weight.get();
	gather.offsets = run->g->in().offsets.get();
	gather.neighbors = run->g->in().neighbors.get();
	gather.share = 1;
	kind = choose_scales(run, l, &gather);
	gather.x = shorter ? middle.get() : x.get();
	gather.z = shorter ? z.get() : middle.get();
	gather.x_stride = gather.z_stride = gather.columns = shorter ? out : in;
	if (shorter)
	{
		product.x = x.get();
		product.z = middle.get();
		run_product(device, run->call, product, as_it_is());
	}
	run_gather(device, run->call, run->pieces, run->g->arcs, kind, gather);
	product.z = z.get();
	product.bias = bias.get();
	if (!shorter)
	{
		product.x = middle.get();
		product.second_x = l->has_self ? x.get() : nullptr;
		product.second_w = self_weight.get();
		run_product(device, run->call, product, finish);
	}
	else if (l->has_self)
	{
		product.x = x.get();
		product.w = self_weight.get();
		product.add = true;
		run_product(device, run->call, product, finish);
	}
	else if (l->has_bias || l->activation != RK_ACTIVATION_NONE)
	{
		RK_LAUNCH(finish_rows<T>, blocks_for(n * out, 256), 256, device->stream)
			(z.get(), n * out, out, bias.get(), finish);
		check_launch();
		run->call->usage.bytes_moved += 2 * (int64_t) sizeof(T) * n * out;
	}
	if (l->normalize)
	{
		RK_LAUNCH(normalize_rows<T>, blocks_for(n * 32, 256), 256, device->stream)
			(z.get(), n, l->out, out, l->eps, l->has_gamma ? numbers : nullptr,
			 l->has_beta ? numbers + (l->has_gamma ? l->out : 0) : nullptr);
		check_launch();
		run->call->usage.bytes_moved += 2 * (int64_t) sizeof(T) * n * out;
	}
}

template <typename T> static void
run_model(gnn_run *run, const rk_cuda_gnn_params *p, const rk_cuda_gnn_layer *layers)
{
	rk_cuda_device *device = run->device;
	rk_cuda_call *call = run->call;
	int64_t		n = run->g->nodes;
	int64_t		in = layers[0].in;
	int64_t		out = layers[p->layers - 1].out;
	int64_t		at = 0;
	int32_t		bad = 0;
	device_array<double> numbers;
	device_array<T> x[2];
	device_array<int64_t> prediction;
	device_array<double> probabilities;
	device_array<int32_t> flag;

	numbers.load(device, (const double *) call->input[1].data, call->input[1].bytes / (int64_t) sizeof(double),
				 &call->usage);
	if (padded<T>(in) == in)
		x[0].load(device, (const T *) call->input[2].data, n * in, &call->usage);
	else
	{
		x[1].load(device, (const T *) call->input[2].data, n * in, &call->usage);
		x[0].allocate(device, n * padded<T>(in));
		run_spread(device, x[1].get(), n, in, in, x[0].get(), padded<T>(in));
		x[1].release();
	}

	kernel_timer timer(device, &call->usage);

	run->pieces.make(device, run->g->in().offsets.get(), n);
	make_scales(run);
	for (int l = 0; l < p->layers; l++)
	{
		check(cudaStreamSynchronize(device->stream));
		if (stopped(call))
			stop_now();
		run_layer(run, &layers[l], numbers.get() + at, x[l % 2], x[1 - l % 2]);
		at += numbers_of(&layers[l]);
		/* what comes next is allocated in its place */
		x[l % 2].release();
	}
	device_array<T> &last = x[p->layers % 2];

	flag.allocate(device, 1);
	flag.fill(0);
	if (call->output[1].bytes > 0)
		prediction.allocate(device, n);
	if (call->output[2].bytes > 0)
		probabilities.allocate(device, n * out);
	RK_LAUNCH(read_output<T>, blocks_for(n * 32, 256), 256, device->stream)
		(last.get(), n, out, padded<T>(out), p->output, prediction.get(), probabilities.get(), flag.get());
	check_launch();
	check(cudaMemcpyAsync(&bad, flag.get(), sizeof(bad), cudaMemcpyDeviceToHost, device->stream));
	if (padded<T>(out) != out)
	{
		x[1 - p->layers % 2].allocate(device, n * out);
		run_spread(device, last.get(), n, out, padded<T>(out), x[1 - p->layers % 2].get(), out);
	}
	timer.stop();
	if (bad)
		decline("an embedding is out of range");
	x[padded<T>(out) != out ? 1 - p->layers % 2 : p->layers % 2].store((T *) call->output[0].data, &call->usage);
	if (prediction.get())
		prediction.store((int64_t *) call->output[1].data, &call->usage);
	if (probabilities.get())
		probabilities.store((double *) call->output[2].data, &call->usage);
	check(cudaStreamSynchronize(device->stream));
}

void
run_gnn(rk_cuda_device *device, rk_cuda_call *call)
{
	const rk_cuda_gnn_params *p = (const rk_cuda_gnn_params *) call->params;
	const rk_cuda_gnn_layer *layers = (const rk_cuda_gnn_layer *) call->input[0].data;
	rk_cuda_graph *g = call->graph;
	int64_t		n = g ? g->nodes : 0;
	int64_t		numbers = 0;
	int64_t		size;
	int64_t		out;
	gnn_run		run;

	if (n == 0 || !g->in().present() || p == nullptr || call->params_bytes != sizeof(*p) || p->layers < 1 ||
		layers == nullptr || call->input[0].bytes != p->layers * (int64_t) sizeof(rk_cuda_gnn_layer))
		decline("arrays of another shape than a network has");
	size = p->compute_type == RK_COMPUTE_FLOAT4 ? sizeof(float) : sizeof(double);
	for (int l = 0; l < p->layers; l++)
	{
		if (layers[l].in < 1 || layers[l].out < 1 || layers[l].in > INT32_MAX || layers[l].out > INT32_MAX ||
			(l > 0 && layers[l].in != layers[l - 1].out))
			decline("layers of widths that do not fit");
		numbers += numbers_of(&layers[l]);
	}
	out = layers[p->layers - 1].out;
	if (call->input[1].data == nullptr || call->input[1].bytes != numbers * (int64_t) sizeof(double) ||
		call->input[2].data == nullptr || call->input[2].bytes != n * layers[0].in * size ||
		call->output[0].bytes != n * out * size ||
		(call->output[1].bytes != 0 && call->output[1].bytes != n * (int64_t) sizeof(int64_t)) ||
		(call->output[2].bytes != 0 && call->output[2].bytes != n * out * (int64_t) sizeof(double)))
		decline("arrays of another shape than a network has");
	run.device = device;
	run.call = call;
	run.g = g;
	run.loops = p->add_self_loops != 0;
	if (p->compute_type == RK_COMPUTE_FLOAT4)
		run_model<float>(&run, p, layers);
	else
		run_model<double>(&run, p, layers);
}
