/*
 * cuda_on_host.h
 *	  Enough of CUDA to run the kernels of this folder on a CPU, for tests.
 *
 * The same .cu files, compiled by g++ with -DRK_CUDA_ON_HOST, become a device
 * library whose device is this process.  Every CUDA thread is a fiber with a
 * stack of its own; __syncthreads, __syncwarp and the shuffles suspend it until
 * the others have come.  Blocks run one after the other.  Launches are
 * synchronous.
 *
 * What it finds: wrong indices (behind every allocation lies a page that nobody
 * may touch, before it bytes that must not change), use of freed memory, wrong
 * reductions, threads that do not come to a barrier (an error, not a hang), lanes
 * of a warp that meet in different operations or read from a lane that has ended,
 * launches of no blocks or too many, what a launch graph must not hold, reads of
 * memory nobody wrote (allocations and, before each launch, shared memory are
 * poisoned, with each order by another pattern), and missing barriers:
 * RK_ON_HOST_ORDER = forward, backward or shuffled is the order in which blocks
 * and threads take their turns, and no result may depend on it.  Products and
 * sums are contracted where nvcc does so, if the CPU can.  What it cannot find:
 * anything about time, and races that need two threads at the same moment.
 */
#ifndef RK_CUDA_ON_HOST_H
#define RK_CUDA_ON_HOST_H

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <type_traits>

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline
#define __launch_bounds__(...)
#define __grid_constant__
#define __restrict__ __restrict
/* one block at a time of each thread that launches, so one copy for each is enough */
#define __shared__ static thread_local

#define RK_HOST_SHARED 512		/* bytes of shared memory that a launch may ask for */

struct dim3
{
	unsigned	x, y, z;

	constexpr dim3(unsigned a = 1, unsigned b = 1, unsigned c = 1) : x(a), y(b), z(c) {}
};

struct alignas(16) uint4
{
	unsigned	x, y, z, w;
};

struct alignas(16) double2
{
	double		x, y;
};

/* calls within the library are direct */
#pragma GCC visibility push(hidden)
namespace on_host
{
	/* Where a fiber is in a launch. */
	struct place
	{
		dim3		thread;
		dim3		block;
		dim3		block_size;
		dim3		grid_size;
	};

	/* What has the place and the stacks of a thread that launches; launches of several run beside each other. */
	static const size_t REGION = (size_t) 128 << 20;

	/* Of the fiber that asks: at the begin of the region in which its stack lies. */
	static inline place *
	here()
	{
		return (place *) ((uintptr_t) __builtin_frame_address(0) & ~(uintptr_t) (REGION - 1));
	}

	typedef void (*body) (void *closure);

	/* Runs a launch to its end. */
	void		launch(dim3 grid, dim3 block, body run, void *closure);

	/* Suspend the calling thread until the others of its block, or warp, are there. */
	void		block_barrier();
	void		warp_barrier();

	/*
	 * The same, with a word or a vote of each: that of a lane, which must be there; the
	 * lanes that voted for it; the lanes with the same word.
	 */
	uint64_t	exchange_words(uint64_t word, unsigned from);
	unsigned	ballot(bool vote);
	unsigned	match(uint64_t word);

	/*
	 * Around what is recorded as a launch graph: it must launch the same each
	 * time (*seen holds a digest of that, 0 at first; NULL: it failed), and neither allocate
	 * nor wait.
	 */
	void		begin_recording();
	void		end_recording(uint64_t *seen);
	bool		recording();

	/* Lets other threads of the process, and other processes, run. */
	void		pause();

	unsigned	lane();

	template <typename T> T exchange(T value, unsigned from)
	{
		static_assert(sizeof(T) <= sizeof(uint64_t), "a shuffle moves up to 8 bytes");
		uint64_t	word = 0;
		T			result;

		memcpy(&word, &value, sizeof(T));
		word = exchange_words(word, from);
		memcpy(&result, &word, sizeof(T));
		return result;
	}
}
#pragma GCC visibility pop

#define threadIdx (on_host::here()->thread)
#define blockIdx (on_host::here()->block)
#define blockDim (on_host::here()->block_size)
#define gridDim (on_host::here()->grid_size)
#define warpSize 32

static inline void
__syncthreads()
{
	on_host::block_barrier();
}

static inline void
__syncwarp(unsigned = 0xffffffffu)
{
	on_host::warp_barrier();
}

static inline void
__threadfence()
{
}

template <typename T> T
__shfl_sync(unsigned, T value, int from)
{
	return on_host::exchange(value, (unsigned) from % 32);
}

template <typename T> T
__shfl_up_sync(unsigned, T value, unsigned delta)
{
	unsigned	lane = on_host::lane();

	return on_host::exchange(value, lane >= delta ? lane - delta : lane);
}

template <typename T> T
__shfl_down_sync(unsigned, T value, unsigned delta)
{
	unsigned	lane = on_host::lane();

	return on_host::exchange(value, lane + delta < 32 ? lane + delta : lane);
}

template <typename T> T
__shfl_xor_sync(unsigned, T value, unsigned mask)
{
	return on_host::exchange(value, (on_host::lane() ^ mask) % 32);
}

static inline unsigned
__ballot_sync(unsigned, int predicate)
{
	return on_host::ballot(predicate != 0);
}

static inline int
__any_sync(unsigned mask, int predicate)
{
	return __ballot_sync(mask, predicate) != 0;
}

template <typename T> unsigned
__match_any_sync(unsigned, T value)
{
	return on_host::match((uint64_t) value);
}

static inline int
__ffs(int x)
{
	return __builtin_ffs(x);
}

static inline int
__clz(int x)
{
	return x == 0 ? 32 : __builtin_clz((unsigned) x);
}

static inline int
__popc(unsigned x)
{
	return __builtin_popcount(x);
}

static inline int
__popcll(unsigned long long x)
{
	return __builtin_popcountll(x);
}

static inline int
__clzll(long long x)
{
	return x == 0 ? 64 : __builtin_clzll((unsigned long long) x);
}

static inline unsigned
__umulhi(unsigned a, unsigned b)
{
	return (unsigned) ((uint64_t) a * b >> 32);
}

/* cycles: much time goes by from call to call */
static inline long long
clock64()
{
	static thread_local long long cycles;

	return cycles += 1LL << 30;
}

template <typename T> T
__ldg(const T *p)
{
	return *p;
}

template <typename T> T
min(T a, T b)
{
	return a < b ? a : b;
}

template <typename T> T
max(T a, T b)
{
	return a > b ? a : b;
}

/* ---- atomics: one thread runs at a time ---- */

template <typename T, typename U> T
atomicAdd(T *p, U value)
{
	T			old = *p;

	*p = old + (T) value;
	return old;
}

template <typename T, typename U> T
atomicMin(T *p, U value)
{
	T			old = *p;

	if ((T) value < old)
		*p = (T) value;
	return old;
}

template <typename T, typename U> T
atomicMax(T *p, U value)
{
	T			old = *p;

	if ((T) value > old)
		*p = (T) value;
	return old;
}

template <typename T, typename U> T
atomicOr(T *p, U value)
{
	T			old = *p;

	*p = old | (T) value;
	return old;
}

template <typename T, typename U> T
atomicExch(T *p, U value)
{
	T			old = *p;

	*p = (T) value;
	return old;
}

template <typename T, typename U, typename V> T
atomicCAS(T *p, U compare, V value)
{
	T			old = *p;

	if (old == (T) compare)
		*p = (T) value;
	return old;
}

/* ---- the runtime's functions that are used ---- */

typedef int cudaError_t;
typedef void *cudaStream_t;
typedef struct on_host_event *cudaEvent_t;

enum
{
	cudaSuccess = 0,
	cudaErrorMemoryAllocation = 2,
	cudaErrorNoDevice = 100,
	cudaErrorNotReady = 600,
	cudaErrorUnknown = 999
};

enum cudaMemcpyKind
{
	cudaMemcpyHostToDevice,
	cudaMemcpyDeviceToHost,
	cudaMemcpyDeviceToDevice
};

struct cudaDeviceProp
{
	char		name[256];
	struct
	{
		char		bytes[16];
	}			uuid;
	size_t		totalGlobalMem;
	size_t		sharedMemPerBlockOptin;
	int			major;
	int			minor;
	int			multiProcessorCount;
	int			l2CacheSize;
	int			computeMode;
};

enum
{
	cudaComputeModeProhibited = 2
};

enum cudaStreamCaptureStatus
{
	cudaStreamCaptureStatusNone,
	cudaStreamCaptureStatusActive
};

enum
{
	cudaHostRegisterPortable = 1,
	cudaHostRegisterMapped = 2,
	cudaStreamNonBlocking = 1,
	cudaEventBlockingSync = 1,
	cudaEventDisableTiming = 2
};

cudaError_t cudaMalloc(void **p, size_t bytes);
cudaError_t cudaFree(void *p);
cudaError_t cudaGetDeviceCount(int *count);
cudaError_t cudaGetDeviceProperties(cudaDeviceProp *p, int number);
cudaError_t cudaEventCreate(cudaEvent_t *event);
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream);
cudaError_t cudaEventSynchronize(cudaEvent_t event);
cudaError_t cudaEventElapsedTime(float *ms, cudaEvent_t from, cudaEvent_t to);
const char *cudaGetErrorString(cudaError_t error);

enum
{
	cudaFuncAttributeMaxDynamicSharedMemorySize = 8,
	cudaFuncAttributePreferredSharedMemoryCarveout = 9
};

template <typename K> cudaError_t
cudaFuncSetAttribute(K *, int, int)
{
	return cudaSuccess;
}

static inline cudaError_t cudaSetDevice(int) { return cudaSuccess; }
cudaError_t cudaGetLastError();
cudaError_t cudaDeviceSynchronize();
cudaError_t cudaStreamSynchronize(cudaStream_t stream);
static inline cudaError_t cudaStreamCreate(cudaStream_t *s) { *s = nullptr; return cudaSuccess; }
static inline cudaError_t cudaStreamDestroy(cudaStream_t) { return cudaSuccess; }
static inline cudaError_t
cudaStreamIsCapturing(cudaStream_t, cudaStreamCaptureStatus *status)
{
	*status = on_host::recording() ? cudaStreamCaptureStatusActive : cudaStreamCaptureStatusNone;
	return cudaSuccess;
}


cudaError_t cudaStreamQuery(cudaStream_t stream);
static inline cudaError_t cudaFreeHost(void *p) { free(p); return cudaSuccess; }
static inline cudaError_t cudaEventDestroy(cudaEvent_t event) { free(event); return cudaSuccess; }
static inline cudaError_t cudaMallocAsync(void **p, size_t bytes, cudaStream_t) { return cudaMalloc(p, bytes); }
static inline cudaError_t cudaHostRegister(void *, size_t, unsigned) { return cudaSuccess; }
static inline cudaError_t cudaHostUnregister(void *) { return cudaSuccess; }
static inline cudaError_t cudaHostGetDevicePointer(void **to, void *p, unsigned) { *to = p; return cudaSuccess; }
static inline cudaError_t cudaStreamCreateWithFlags(cudaStream_t *s, unsigned) { return cudaStreamCreate(s); }
static inline cudaError_t cudaEventCreateWithFlags(cudaEvent_t *event, unsigned) { return cudaEventCreate(event); }
static inline cudaError_t cudaFreeAsync(void *p, cudaStream_t) { return cudaFree(p); }

enum
{
	cudaHostAllocPortable = 1,
	cudaHostAllocMapped = 2
};

static inline cudaError_t
cudaHostAlloc(void **p, size_t bytes, unsigned)
{
	*p = malloc(bytes);
	return *p ? cudaSuccess : cudaErrorMemoryAllocation;
}

static inline cudaError_t
cudaMemcpyAsync(void *to, const void *from, size_t bytes, cudaMemcpyKind, cudaStream_t)
{
	if (bytes > 0)
		memcpy(to, from, bytes);
	return cudaSuccess;
}

static inline cudaError_t
cudaMemsetAsync(void *to, int byte, size_t bytes, cudaStream_t)
{
	if (bytes > 0)
		memset(to, byte, bytes);
	return cudaSuccess;
}

#endif							/* RK_CUDA_ON_HOST_H */
