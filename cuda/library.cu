/*
 * library.cu
 *	  The table of rk_cuda.h: devices, contexts, graphs, calls, measuring.
 *
 * Memory comes from the device's own pool, which keeps what is freed: a run
 * after the first pays no allocation by the driver.
 */
#include "device.cuh"
#include "rk_window.h"

#include "../src/compute/random.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <map>
#include <new>
#include <string>
#include <vector>

#ifdef RK_CUDA_ON_HOST
#define BUILD "CUDA kernels on the CPU, for tests"
#else
#define BUILD_TEXT(x) #x
#define BUILD_VALUE(x) BUILD_TEXT(x)
#define BUILD "CUDA " BUILD_VALUE(__CUDACC_VER_MAJOR__) "." BUILD_VALUE(__CUDACC_VER_MINOR__) ": sm_80, sm_90, PTX"
#endif

/* ---- errors ---- */

/* What is to be done about an error that the runtime's own text leaves open; NULL: nothing. */
static const char *
advice(cudaError_t code)
{
#ifndef RK_CUDA_ON_HOST
	switch (code)
	{
		case cudaErrorDevicesUnavailable:
			return "another process has it for itself, or its compute mode keeps others out: nvidia-smi -q -d COMPUTE";
		case cudaErrorSystemNotReady:
			return "nvidia-fabricmanager does not run";
		case cudaErrorSystemDriverMismatch:
			return "the driver's library and its kernel module are of different versions: reload the module";
		case cudaErrorCompatNotSupportedOnDevice:
			return "a library of CUDA's forward compatibility is found before the driver's";
		case cudaErrorOperatingSystem:
		case cudaErrorNoDevice:
			return "the server's user may not be allowed to open /dev/nvidia*, or CUDA_VISIBLE_DEVICES names none";
		case cudaErrorNoKernelImageForDevice:
		case cudaErrorUnsupportedPtxVersion:
			return "the driver is too old for a device of its kind";
		case cudaErrorECCUncorrectable:
			return "its memory is damaged: nvidia-smi -q -d ECC";
		case cudaErrorUnknown:
		case cudaErrorInitializationError:
			return "see dmesg for NVRM and Xid; nvidia_uvm may not be loaded";
		default:
			break;
	}
#endif
	(void) code;
	return nullptr;
}

void
check_call(cudaError_t code, const char *call)
{
	static const char *fault = getenv("RK_CUDA_FAULT");
	static std::atomic<int64_t> calls(0);

	if (fault && ++calls == atoll(fault))
		throw cuda_failure {RK_CUDA_FAILED, cudaErrorUnknown, "fault asked for by RK_CUDA_FAULT"};
	if (code == cudaSuccess)
		return;
	(void) cudaGetLastError();
#ifndef RK_CUDA_ON_HOST
	/* also what it says without any driver */
	if (code == cudaErrorInsufficientDriver)
		throw cuda_failure {RK_CUDA_FAILED, code, "there is no NVIDIA driver, or one too old for this library (" BUILD ")"};
#endif
	throw cuda_failure {code == cudaErrorMemoryAllocation ? RK_CUDA_MEMORY : RK_CUDA_FAILED, code,
						cudaGetErrorString(code), call};
}

/*
 * Turns what was thrown into a status.  An error after which the device does
 * not even answer to a synchronisation is the end of its context.
 */
rk_cuda_status
status_of(const cuda_failure &f, rk_cuda_error *error)
{
	rk_cuda_status status = f.status;

	error->code = (int32_t) f.code;
	snprintf(error->message, sizeof(error->message), "%s", f.message ? f.message : "unknown error");
	/* the name of the function is enough; an error that is seen after a launch may be of one before */
	if (f.call && strchr(f.call, '('))
	{
		bool		launch = strncmp(f.call, "cudaGetLastError", 16) == 0;
		const char *remedy = advice(f.code);

		snprintf(error->message, sizeof(error->message), "%.*s: %s (%d)%s%s",
				 launch ? 8 : (int) strcspn(f.call, "("), launch ? "a launch" : f.call,
				 f.message ? f.message : "unknown error", (int) f.code, remedy ? "; " : "", remedy ? remedy : "");
	}
	if (status == RK_CUDA_FAILED && cudaDeviceSynchronize() != cudaSuccess)
		status = RK_CUDA_LOST;
	return status;
}

/* ---- devices ---- */

static rk_cuda_status
list_devices(rk_cuda_device_info *info, int32_t capacity, int32_t *count, rk_cuda_error *error)
{
	return guarded(error, [=] {
		int			found = 0;

		*count = 0;
		/*
		 * All kernels are loaded with the context: one that is loaded when it is first
		 * launched waits for the others, rings among them, and cannot be recorded.
		 */
		(void) setenv("CUDA_MODULE_LOADING", "EAGER", 0);
		check(cudaGetDeviceCount(&found));
		*count = found;
		for (int i = 0; i < found && i < capacity; i++)
		{
			cudaDeviceProp p;
			rk_cuda_device_info *to = &info[i];

			check(cudaGetDeviceProperties(&p, i));
			memset(to, 0, sizeof(*to));
			to->number = i;
			to->major = p.major;
			to->minor = p.minor;
			to->multiprocessors = p.multiProcessorCount;
			to->memory = (int64_t) p.totalGlobalMem;
			to->cache = p.l2CacheSize;
			snprintf(to->name, sizeof(to->name), "%.*s", (int) sizeof(to->name) - 1, p.name);
			for (int b = 0; b < 16; b++)
				snprintf(to->uuid + 2 * b, sizeof(to->uuid) - 2 * b, "%02x", (unsigned char) p.uuid.bytes[b]);
#ifndef RK_CUDA_ON_HOST
			int			mode = 0;
			int			pools = 1;

			(void) cudaDeviceGetAttribute(&mode, cudaDevAttrComputeMode, i);
			(void) cudaDeviceGetAttribute(&pools, cudaDevAttrMemoryPoolsSupported, i);
			if (p.major < 8)
				snprintf(to->problem, sizeof(to->problem), "its compute capability is %d.%d, below 8.0", p.major, p.minor);
			else if (mode == cudaComputeModeProhibited)
				snprintf(to->problem, sizeof(to->problem), "its compute mode is \"prohibited\"");
			else if (!pools)
				snprintf(to->problem, sizeof(to->problem),
						 "it has no memory pools, as some virtual ones without unified memory");
#endif
		}
	});
}

static rk_cuda_status
open_device(int32_t number, int64_t memory_limit, rk_cuda_device **device, rk_cuda_error *error)
{
	return guarded(error, [=] {
		rk_cuda_device *d = new rk_cuda_device();

		*device = nullptr;
		try
		{
			cudaDeviceProp p;

			d->number = number;
			d->limit = memory_limit > 0 ? memory_limit : INT64_MAX;
			check(cudaSetDevice(number));
			check(cudaGetDeviceProperties(&p, number));
			d->multiprocessors = p.multiProcessorCount;
			d->shared_bytes = (int64_t) p.sharedMemPerBlockOptin;
			check(cudaStreamCreate(&d->stream));
			check(cudaEventCreate(&d->begin));
			check(cudaEventCreate(&d->end));
#ifndef RK_CUDA_ON_HOST
			{
				cudaMemPool_t pool;
				uint64_t	keep = UINT64_MAX;

				check(cudaDeviceGetDefaultMemPool(&pool, number));
				check(cudaMemPoolSetAttribute(pool, cudaMemPoolAttrReleaseThreshold, &keep));
			}
#endif
		}
		catch (...)
		{
			delete d;
			throw;
		}
		*device = d;
	});
}

static void
close_device(rk_cuda_device *device)
{
	(void) cudaEventDestroy(device->begin);
	(void) cudaEventDestroy(device->end);
	(void) cudaStreamDestroy(device->stream);
	delete device;
}

static int64_t
memory_used(const rk_cuda_device *device)
{
	return device->used;
}

/* ---- graphs ---- */

static void
load_adjacency(rk_cuda_device *device, const rk_cuda_graph_data *data, const rk_cuda_adjacency *from,
			   device_adjacency *to, rk_cuda_usage *usage)
{
	if (from->offsets == nullptr)
		return;
	to->offsets.load(device, from->offsets, data->nodes + 1, usage);
	to->neighbors.load(device, from->neighbors, data->arcs, usage);
	if (from->weights)
		to->weights.load(device, from->weights, data->arcs, usage);
}

static rk_cuda_status
load_graph(rk_cuda_device *device, const rk_cuda_graph_data *data, rk_cuda_graph **graph,
		   rk_cuda_usage *usage, rk_cuda_error *error)
{
	return guarded(error, [=] {
		/* a thread's device is its own */
		check(cudaSetDevice(device->number));

		rk_cuda_graph *g = new rk_cuda_graph();
		auto		begin = std::chrono::steady_clock::now();

		g->device = device;
		g->nodes = data->nodes;
		g->arcs = data->arcs;
		g->directed = data->directed != 0;
		try
		{
			load_adjacency(device, data, &data->out, &g->out_rows, usage);
			if (g->directed)
				load_adjacency(device, data, &data->in, &g->in_rows, usage);
			check(cudaStreamSynchronize(device->stream));
		}
		catch (...)
		{
			delete g;
			throw;
		}
		usage->transfer_seconds += std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
		*graph = g;
	});
}

static void
free_graph(rk_cuda_device *, rk_cuda_graph *graph)
{
	delete graph;
}

/* ---- calls ---- */

typedef void (*run_function) (rk_cuda_device *device, rk_cuda_call *call);

/* By rk_cuda_kernel. */
static const run_function kernels[RK_CUDA_KERNELS] = {
#define RK_CUDA_KERNEL(number, name) run_##name,
#include "kernels.def"
#undef RK_CUDA_KERNEL
};

static const char *const kernel_names[RK_CUDA_KERNELS] = {
#define RK_CUDA_KERNEL(number, name) #name,
#include "kernels.def"
#undef RK_CUDA_KERNEL
};

/* ---- what launches take ---- */

#define PROFILE_MARKS 20000		/* further launches count with the last one */

/* An event before each launch of a call: the time to the next one is the launch's. */
struct launch_profile
{
	struct mark
	{
		const char *kernel;
		cudaEvent_t at;
	};
	std::vector<mark> marks;

	~launch_profile()
	{
		for (mark &m : marks)
			(void) cudaEventDestroy(m.at);
	}
};

__thread call_profile profile_of_call = {nullptr, 1};

void
add_to_profile(const char *kernel, cudaStream_t stream)
{
	cudaStreamCaptureStatus recorded;
	cudaEvent_t at;

	/* what is recorded now runs later */
	check(cudaStreamIsCapturing(stream, &recorded));
	if (recorded != cudaStreamCaptureStatusNone || profile_of_call.now->marks.size() >= PROFILE_MARKS)
		return;
	check(cudaEventCreate(&at));
	profile_of_call.now->marks.push_back({kernel, at});
	check(cudaEventRecord(at, stream));
}

/* Says what the launches have taken, the longest sums first. */
static void
print_profile(rk_cuda_device *device, const rk_cuda_call *call)
{
	struct sum
	{
		double		ms = 0;
		double		longest = 0;
		int			count = 0;
	};
	std::map<std::string, sum> sums;
	std::vector<std::pair<double, std::string>> order;
	launch_profile &p = *profile_of_call.now;
	double		all = 0;

	if (p.marks.empty())
		return;
	p.marks.push_back({nullptr, nullptr});
	check(cudaEventCreate(&p.marks.back().at));
	check(cudaEventRecord(p.marks.back().at, device->stream));
	check(cudaEventSynchronize(p.marks.back().at));
	for (size_t i = 0; i + 1 < p.marks.size(); i++)
	{
		sum		   &s = sums[p.marks[i].kernel];
		float		ms;

		check(cudaEventElapsedTime(&ms, p.marks[i].at, p.marks[i + 1].at));
		s.ms += ms;
		s.longest = std::max(s.longest, (double) ms);
		s.count++;
		all += ms;
	}
	for (auto &s : sums)
		order.push_back({-s.second.ms, s.first});
	std::sort(order.begin(), order.end());
	fprintf(stderr, "# launches of %s: %zu in %.3f ms, with the waits between them\n", kernel_names[call->kernel],
			p.marks.size() - 1, all);
	for (auto &o : order)
	{
		const sum  &s = sums[o.second];

		fprintf(stderr, "#   %10.3f ms %5.1f %% %6d x %9.4f ms, longest %9.4f  %s\n", s.ms, all > 0 ? 100 * s.ms / all : 0,
				s.count, s.ms / s.count, s.longest, o.second.c_str());
	}
}

static rk_cuda_status
run(rk_cuda_device *device, rk_cuda_call *call)
{
	if (call->kernel < 0 || call->kernel >= RK_CUDA_KERNELS)
	{
		snprintf(call->error.message, sizeof(call->error.message), "there is no kernel %d", call->kernel);
		return RK_CUDA_DECLINED;
	}
	return guarded(&call->error, [=] {
		check(cudaSetDevice(device->number));
		if (getenv("RK_CUDA_PROFILE") == nullptr)
		{
			kernels[call->kernel](device, call);
			return;
		}

		launch_profile profile;

		profile_of_call.now = &profile;
		try
		{
			kernels[call->kernel](device, call);
			print_profile(device, call);
		}
		catch (...)
		{
			profile_of_call.now = nullptr;
			throw;
		}
		profile_of_call.now = nullptr;
	});
}

/* ---- measuring ---- */

struct alignas(16) two_words
{
	double		x;
	double		y;
};

__global__ static void
copy_words(const two_words *__restrict__ from, two_words *__restrict__ to, int64_t count)
{
	for (int64_t i = global_thread(); i < count; i += (int64_t) gridDim.x * blockDim.x)
		to[i] = from[i];
}

/* Numbers that look like data: memory may move others faster. */
__global__ static void
draw_words(two_words *to, int64_t count)
{
	for (int64_t i = global_thread(); i < count; i += (int64_t) gridDim.x * blockDim.x)
	{
		to[i].x = rk_uniform(rk_hash2(1, 2 * i));
		to[i].y = rk_uniform(rk_hash2(1, 2 * i + 1));
	}
}

#define CHAIN 256				/* products and sums of each of 8 in a row */

__global__ static void
multiply(double *p, double factor)
{
	double		x[8];

	for (int k = 0; k < 8; k++)
		x[k] = threadIdx.x + k;
	for (int i = 0; i < CHAIN; i++)
	{
		RK_UNROLL
		for (int k = 0; k < 8; k++)
			x[k] = x[k] * factor + 1.0;
	}
	for (int k = 1; k < 8; k++)
		x[0] += x[k];
	/* never so, but the compiler does not know */
	if (x[0] == -1)
		*p = x[0];
}

/* Loads of the host's memory, each of which waits for the one before. */
__global__ static void
look_across(const volatile uint32_t *zeros, int count, double *p)
{
	uint32_t	at = 0;

	for (int i = 0; i < count; i++)
		at = zeros[at];
	if (at != 0)
		*p = at;
}

__global__ static void
nothing(double *p)
{
	if (p == nullptr)
		return;
}

static double
seconds()
{
	return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/* Seconds on the device of what body launches. */
template <typename F> static double
time_on_device(rk_cuda_device *device, F body)
{
	rk_cuda_usage usage = {};
	kernel_timer timer(device, &usage);

	body();
	check_launch();
	timer.stop();
	return usage.kernel_seconds;
}

/* A word of the host, 0, as the device has it. */
struct mapped_word
{
	uint32_t   *host = nullptr;
	uint32_t   *device = nullptr;

	mapped_word()
	{
		check(cudaHostAlloc((void **) &host, sizeof(*host), cudaHostAllocMapped | cudaHostAllocPortable));
		*host = 0;
		check(cudaHostGetDevicePointer((void **) &device, host, 0));
	}
	~mapped_word() { (void) cudaFreeHost(host); }
};

static rk_cuda_status
measure(rk_cuda_device *device, rk_cuda_constants *constants, rk_cuda_error *error)
{
	return guarded(error, [=] {
#ifdef RK_CUDA_ON_HOST
		const int64_t words = 1 << 12;
#else
		const int64_t words = 1 << 25;	/* 256 MB: beyond any cache */
#endif
		const int64_t sent = words / 4;
		device_array<two_words> from;
		device_array<two_words> to;
		host_array<double> host;
		double		best = INFINITY;
		double		best_copy = INFINITY;
		double		best_flops = INFINITY;
		double		best_launch = INFINITY;
		double		best_look = INFINITY;
		const int	trips = 256;
		mapped_word word;
		unsigned	blocks = (unsigned) (16 * device->multiprocessors);

		check(cudaSetDevice(device->number));
		host.allocate(sent);
		from.allocate(device, words / 2);
		to.allocate(device, words / 2);
		for (int64_t i = 0; i < sent; i++)
			host.get()[i] = rk_uniform(rk_hash2(2, i));
		RK_LAUNCH(draw_words, blocks, 256, device->stream) (from.get(), words / 2);
		check_launch();
		for (int i = 0; i < 5; i++)
		{
			double		begin;

			check(cudaStreamSynchronize(device->stream));
			begin = seconds();
			check(cudaMemcpyAsync(to.get(), host.get(), sent * sizeof(double), cudaMemcpyHostToDevice, device->stream));
			check(cudaStreamSynchronize(device->stream));
			best = min(best, seconds() - begin);
			best_copy = min(best_copy, time_on_device(device, [&] {
				RK_LAUNCH(copy_words, blocks, 256, device->stream) (from.get(), to.get(), words / 2);
			}));
			best_flops = min(best_flops, time_on_device(device, [&] {
				RK_LAUNCH(multiply, blocks, 256, device->stream) ((double *) to.get(), 0.999);
			}));
			begin = seconds();
			RK_LAUNCH(nothing, 1, 32, device->stream) ((double *) to.get());
			check_launch();
			check(cudaStreamSynchronize(device->stream));
			best_launch = min(best_launch, seconds() - begin);
			best_look = min(best_look, time_on_device(device, [&] {
				RK_LAUNCH(look_across, 1, 1, device->stream) (word.device, trips, (double *) to.get());
			}));
		}
		constants->transfer_rate = sent * sizeof(double) / best;
		constants->memory_rate = 2.0 * words * sizeof(double) / best_copy;
		constants->flop_rate = 2.0 * 8 * CHAIN * 256 * blocks / best_flops;
		constants->launch_seconds = best_launch;
		constants->look_seconds = best_look / trips;
	});
}

/* ---- the table ---- */

static const rk_cuda_table table = {
	RK_CUDA_VERSION,
	sizeof(rk_cuda_table),
	BUILD,
	(UINT64_C(1) << RK_CUDA_KERNELS) - 1,
	list_devices,
	open_device,
	close_device,
	memory_used,
	load_graph,
	free_graph,
	run,
	measure,
	(UINT64_C(1) << RK_RING_KINDS) - 1,
	ring_open,
	ring_load,
	ring_save,
	ring_slice,
	ring_close
};

extern "C" const rk_cuda_table *
rk_cuda_open_table(uint32_t version)
{
	return version == RK_CUDA_VERSION ? &table : nullptr;
}
