/*
 * device.cuh
 *	  What the kernels of this folder share: errors, memory, graphs, launches,
 *	  reductions.
 *
 * Host code throws cuda_failure; the functions of the table (library.cu) catch
 * it and make a status of it.  No exception leaves the library.
 *
 * Determinism: sums are added in an order that follows from the input alone,
 * never from the number of multiprocessors or the order in which blocks run;
 * atomics are used on integers only, where order does not matter.
 */
#ifndef RK_DEVICE_CUH
#define RK_DEVICE_CUH

#ifdef RK_CUDA_ON_HOST
#include "host/cuda_on_host.h"
#else
#include <cuda_runtime.h>
#endif

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <new>
#include <utility>

#include "rk_cuda.h"

/*
 * With RK_CUDA_PROFILE in the environment, a call says on standard error what its
 * launches took, by kernel (library.cu).
 */
struct call_profile
{
	struct launch_profile *now; /* NULL: none is wanted */
	int			known;			/* 1: variables that begin with zeros are the emulation's shared memory */
};
extern __thread call_profile profile_of_call;
extern void add_to_profile(const char *kernel, cudaStream_t stream);

static inline void
note_launch(const char *kernel, cudaStream_t stream)
{
	if (profile_of_call.now)
		add_to_profile(kernel, stream);
}

/*
 * RK_LAUNCH(kernel<...>, grid, block, stream)(arguments...) with a static
 * amount of shared memory; RK_LAUNCH_SHARED with so many bytes more, an array
 * that the kernel declares by RK_DYNAMIC_SHARED(type, name).  One type for all
 * kernels of a file.
 */
#ifdef RK_CUDA_ON_HOST
template <typename K> struct on_host_launch
{
	K			kernel;
	dim3		grid;
	dim3		block;

	template <typename... A> void operator() (A... arguments) const
	{
		K			k = kernel;
		auto		call = [=] { k(arguments...); };

		on_host::launch(grid, block, [] (void *closure) { (*(decltype(call) *) closure)(); }, &call);
	}
};

template <typename K> on_host_launch<K>
make_launch(K kernel, dim3 grid, dim3 block)
{
	return {kernel, grid, block};
}
#define RK_LAUNCH(kernel, grid, block, stream) \
	(note_launch(#kernel, (stream)), make_launch(kernel, dim3(grid), dim3(block)))
#define RK_LAUNCH_SHARED(kernel, grid, block, bytes, stream) \
	((void) (bytes), note_launch(#kernel, (stream)), make_launch(kernel, dim3(grid), dim3(block)))
#define RK_DYNAMIC_SHARED(type, name) alignas(16) __shared__ type name[RK_HOST_SHARED / sizeof(type)]
#define RK_UNROLL
#define RK_NOINLINE __attribute__((noinline))
#else
#define RK_UNROLL _Pragma("unroll")
#define RK_NOINLINE __noinline__
#define RK_LAUNCH(kernel, grid, block, stream) RK_LAUNCH_SHARED(kernel, grid, block, 0, stream)
#define RK_LAUNCH_SHARED(kernel, grid, block, bytes, stream) \
	note_launch(#kernel, (stream)), kernel<<<(grid), (block), (bytes), (stream)>>>
#define RK_DYNAMIC_SHARED(type, name) extern __shared__ __align__(16) type name[]
#endif

/* ---- errors ---- */

struct cuda_failure
{
	rk_cuda_status status;		/* RK_CUDA_FAILED: look at code */
	cudaError_t code;
	const char *message;
	const char *call = nullptr; /* of the runtime, as it is written */
};

/*
 * Throws if a call of the runtime failed.  RK_CUDA_FAULT=n in the environment
 * makes the n-th one of the process fail, for tests.
 */
#define check(...) check_call((__VA_ARGS__), #__VA_ARGS__)
extern void check_call(cudaError_t code, const char *call);

/* The same for the launch before it. */
static inline void
check_launch()
{
	check(cudaGetLastError());
}

extern rk_cuda_status status_of(const cuda_failure &f, rk_cuda_error *error);

/* Calls body; what it throws becomes the status. */
template <typename F> static rk_cuda_status
guarded(rk_cuda_error *error, F body)
{
	try
	{
		body();
		return RK_CUDA_OK;
	}
	catch (const cuda_failure &f)
	{
		return status_of(f, error);
	}
	catch (const std::bad_alloc &)
	{
		return status_of(cuda_failure {RK_CUDA_MEMORY, cudaSuccess, "out of memory on the host"}, error);
	}
}

[[noreturn]] static inline void
decline(const char *message)
{
	throw cuda_failure {RK_CUDA_DECLINED, cudaSuccess, message};
}

/* ---- memory ---- */

struct rk_cuda_device
{
	int			number;
	int			multiprocessors;
	int64_t		shared_bytes;	/* of a block that asks for all */
	int64_t		limit;			/* bytes; INT64_MAX: none */
	std::atomic<int64_t> used;	/* rings are opened by threads of their own */
	cudaStream_t stream;
	cudaEvent_t begin;
	cudaEvent_t end;
};

/* An array in device memory, counted, freed with its scope. */
template <typename T> class device_array
{
public:
	device_array() : device(nullptr), data(nullptr), length(0) {}
	~device_array() { release(); }
	device_array(const device_array &) = delete;
	device_array &operator=(const device_array &) = delete;

	void allocate(rk_cuda_device *on, int64_t count)
	{
		int64_t		bytes = size_of(count);
		void	   *p = nullptr;

		release();
		if (bytes > on->limit - on->used)
			throw cuda_failure {RK_CUDA_MEMORY, cudaSuccess, "rk.gpu_memory_limit does not permit it"};
		check(cudaMallocAsync(&p, bytes, on->stream));
		device = on;
		data = (T *) p;
		length = count;
		on->used += bytes;
	}

	/* Copies from host memory; the copy is over when this returns. */
	void load(rk_cuda_device *on, const T *from, int64_t count, rk_cuda_usage *usage)
	{
		allocate(on, count);
		check(cudaMemcpyAsync(data, from, count * sizeof(T), cudaMemcpyHostToDevice, on->stream));
		usage->bytes_to += count * sizeof(T);
	}

	void store(T *to, rk_cuda_usage *usage) const { store(to, usage, length); }

	/* The first count entries. */
	void store(T *to, rk_cuda_usage *usage, int64_t count) const
	{
		check(cudaMemcpyAsync(to, data, count * sizeof(T), cudaMemcpyDeviceToHost, device->stream));
		usage->bytes_from += count * sizeof(T);
	}

	void swap(device_array &other)
	{
		std::swap(device, other.device);
		std::swap(data, other.data);
		std::swap(length, other.length);
	}

	void fill(int byte)
	{
		check(cudaMemsetAsync(data, byte, length * sizeof(T), device->stream));
	}

	void release()
	{
		if (data)
		{
			(void) cudaFreeAsync(data, device->stream);
			device->used -= size_of(length);
		}
		data = nullptr;
	}

	T		   *get() const { return data; }
	int64_t		size() const { return length; }

private:
	static int64_t size_of(int64_t count) { return count > 0 ? count * (int64_t) sizeof(T) : (int64_t) sizeof(T); }

	rk_cuda_device *device;
	T		   *data;
	int64_t		length;
};

/* An array of the host, freed with its scope. */
template <typename T> class host_array
{
public:
	host_array() : data(nullptr) {}
	~host_array() { free(data); }
	host_array(const host_array &) = delete;
	host_array &operator=(const host_array &) = delete;

	T *allocate(int64_t count)
	{
		free(data);
		data = (T *) malloc((count > 0 ? count : 1) * sizeof(T));
		if (data == nullptr)
			throw std::bad_alloc();
		return data;
	}

	T		   *get() const { return data; }

private:
	T		   *data;
};

/* ---- graphs ---- */

struct device_adjacency
{
	device_array<int64_t> offsets;
	device_array<uint32_t> neighbors;
	device_array<double> weights;
	device_array<int64_t> tile_rows;	/* made when first wanted: tiles.cuh */

	bool		present() const { return offsets.get() != nullptr; }
	bool		weighted() const { return weights.get() != nullptr; }
};

/* The same for kernels, as a plain value. */
struct device_adjacency_view
{
	const int64_t *offsets;
	const uint32_t *neighbors;
	const double *weights;		/* NULL: all 1 */
};

static inline device_adjacency_view
view_of(const device_adjacency &a)
{
	return {a.offsets.get(), a.neighbors.get(), a.weights.get()};
}

/* Where rows end, for sums over them: row_sums.cuh. */
struct row_ends
{
	device_array<uint32_t> ends;	/* a bit for each entry: the last of its row */
	device_array<uint32_t> first;	/* rows that end before each tile */
	device_array<uint32_t> rows;	/* those with entries */
};

/* The rows of "in" with the nodes that are in most of them first: hub_order.cuh. */
struct hub_rows
{
	bool		made;
	device_array<uint32_t> order;	/* old names; absent: rows are as they were */
	int64_t		used;			/* nodes from here on are in no row; all of them where there is no order */
	device_adjacency own;		/* absent as well */
	row_ends	parts;
};

struct rk_cuda_graph
{
	rk_cuda_device *device;
	int64_t		nodes;
	int64_t		arcs;
	bool		directed;
	device_adjacency out_rows;
	device_adjacency in_rows;			/* undirected: absent */
	hub_rows	hubs;
	device_array<double> inverse_out;	/* 1 / sum of out-weights, by the names of hubs: pagerank.cu */

	device_adjacency &out() { return out_rows; }
	device_adjacency &in() { return directed ? in_rows : out_rows; }
};

/* ---- launches ---- */

static inline unsigned
blocks_for(int64_t items, int64_t each)
{
	return (unsigned) ((items + each - 1) / each);
}

/* Times what is launched in its scope, as kernel time of the call. */
class kernel_timer
{
public:
	kernel_timer(rk_cuda_device *d, rk_cuda_usage *u) : device(d), usage(u)
	{
		check(cudaEventRecord(device->begin, device->stream));
	}

	void stop()
	{
		float		ms;

		check(cudaEventRecord(device->end, device->stream));
		check(cudaEventSynchronize(device->end));
		check(cudaEventElapsedTime(&ms, device->begin, device->end));
		usage->kernel_seconds += 1e-3 * ms;
	}

private:
	rk_cuda_device *device;
	rk_cuda_usage *usage;
};

static inline bool
stopped(const rk_cuda_call *call)
{
	return call->stop && *call->stop != 0;
}

[[noreturn]] static inline void
stop_now()
{
	throw cuda_failure {RK_CUDA_STOPPED, cudaSuccess, "stopped"};
}

/* ---- in kernels ---- */

#define FULL_WARP 0xffffffffu

__device__ static inline int64_t
global_thread()
{
	return (int64_t) blockIdx.x * blockDim.x + threadIdx.x;
}

/* What is not wanted again while the cache has it: it makes way for the rest. */
template <typename T> __device__ static inline T
load_once(const T *p)
{
#ifdef RK_CUDA_ON_HOST
	return *p;
#else
	return __ldcs(p);
#endif
}

template <typename T> __device__ static inline void
store_once(T *p, T value)
{
#ifdef RK_CUDA_ON_HOST
	*p = value;
#else
	__stcs(p, value);
#endif
}

/* An array of shared memory whose place is computed once, not for every number that is read. */
struct shared_doubles
{
#ifdef RK_CUDA_ON_HOST
	const double *from;

	explicit shared_doubles(const double *array) : from(array) {}
	double operator[] (uint32_t i) const { return from[i]; }
#else
	unsigned	from;

	__device__ explicit shared_doubles(const double *array) : from((unsigned) __cvta_generic_to_shared(array))
	{
		asm volatile ("" : "+r" (from));
	}

	__device__ double operator[] (uint32_t i) const
	{
		double		value;

		/* not volatile, but after what was written before a barrier */
		asm ("ld.shared.f64 %0, [%1];" : "=d" (value) : "r" (from + i * 8) : "memory");
		return value;
	}
#endif
};

/* Sum over the lanes, in a fixed order; every lane gets it. */
template <typename T> __device__ static inline T
warp_sum(T value)
{
	for (int distance = 16; distance > 0; distance /= 2)
		value += __shfl_xor_sync(FULL_WARP, value, distance);
	return value;
}

/*
 * Sum over a block of THREADS, in a fixed order; thread 0 gets it.  All threads
 * call it.
 */
template <typename T, int THREADS> __device__ static inline T
block_sum(T value)
{
	__shared__ T parts[THREADS / 32];
	T			sum = 0;

	value = warp_sum(value);
	__syncthreads();
	if (threadIdx.x % 32 == 0)
		parts[threadIdx.x / 32] = value;
	__syncthreads();
	if (threadIdx.x == 0)
		for (int i = 0; i < THREADS / 32; i++)
			sum += parts[i];
	return sum;
}

/* ---- rings (ring.cu) ---- */

extern rk_cuda_status ring_open(rk_cuda_device *device, rk_ring_window *window, int64_t bytes, rk_cuda_ring **ring,
								rk_cuda_error *error);
extern rk_cuda_status ring_load(rk_cuda_ring *ring, rk_cuda_error *error);
extern rk_cuda_status ring_save(rk_cuda_ring *ring, rk_cuda_error *error);
extern rk_cuda_status ring_slice(rk_cuda_ring *ring, double seconds, rk_cuda_error *error);
extern void ring_close(rk_cuda_ring *ring);

/* ---- kernels of this folder ---- */

#define RK_CUDA_KERNEL(number, name) extern void run_##name(rk_cuda_device *device, rk_cuda_call *call);
#include "kernels.def"
#undef RK_CUDA_KERNEL

#endif							/* RK_DEVICE_CUH */
