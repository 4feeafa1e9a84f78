/*
 * ring.cu
 *	  Rings on the device: a resident kernel that serves a window (rk_window.h).
 *
 * One block for each ring.  An actor handles one message after the other, so
 * more of the device would wait; and batch kernels have all the other
 * multiprocessors while it polls.  Within the block
 *
 *	  - the lanes of the first warp look at 32 slots at once, so that a look
 *		across the bus, about a microsecond, finds as many messages as are there;
 *	  - all threads copy them into shared memory, and replies back, 16 bytes
 *		each: whole lines on the bus instead of words;
 *	  - one thread handles them, in order; for long ones, as an iteration of
 *		PageRank, all of them together (rk_team.h), which pause where the slice ends.
 *
 * So a lone message takes three trips across the bus in a row (the look, the
 * copy, the reply), 32 take hardly longer.
 *
 * The ring has a stream that does not wait for others, memory from the device's
 * pool and no call that waits for the whole device, so that it does not stop
 * runs, nor runs it, for longer than a slice.
 */
#include "device.cuh"
#include "ring_steps.h"

#include <cstring>

#define BATCH 32				/* messages at once: a warp's lanes */
#define UNIT 16					/* bytes that a thread copies */
#define EVENT_NS 100000000		/* how long a slice of no time may find messages */

#ifdef RK_CUDA_ON_HOST
#define THREADS 64
#else
#define THREADS 256
#endif

struct rk_cuda_ring
{
	rk_cuda_device *device;
	rk_ring_window  *window;			/* as the CPU has it */
	rk_ring_window  *mapped;			/* as the device has it */
	char	   *file;			/* registered; NULL: not yet */
	char	   *image;			/* on the device */
	int64_t		image_bytes;
	cudaStream_t stream;
	cudaEvent_t ended;
};

/* ---- on the device ---- */

/* 16 bytes from memory that the CPU writes, past every cache. */
__device__ static inline uint4
fetch(const uint4 *p)
{
#ifdef __CUDA_ARCH__
	return __ldcv(p);
#else
	return *p;
#endif
}

/* A word as it is now or was a moment ago; others may be looked at meanwhile. */
__device__ static inline uint32_t
glance32(const uint32_t *p)
{
#ifdef __CUDA_ARCH__
	uint32_t	value;

	asm volatile("ld.relaxed.sys.u32 %0, [%1];" : "=r" (value) : "l" (p));
	return value;
#else
	return __atomic_load_n(p, __ATOMIC_RELAXED);
#endif
}

/* Lets others run while there is nothing to do: the CPU's threads, that is. */
__device__ static inline void
pause_a_moment()
{
#ifdef RK_CUDA_ON_HOST
	on_host::pause();
#endif
}

/*
 * Serves messages from the position in the window on until the slice is over.
 * Every path through the loop is taken by all threads.
 */
__global__ static void __launch_bounds__(THREADS, 1)
serve(int kind, rk_ring_window *w, char *image, int64_t slice_ns)
{
	alignas(16) __shared__ rk_window_request in[BATCH];
	alignas(16) __shared__ rk_window_reply out[BATCH];
	__shared__ uint64_t parts[THREADS];
	__shared__ uint64_t position;
	__shared__ unsigned ready;	/* messages that are there */
	__shared__ unsigned handled;	/* of these */
	__shared__ bool over;
	uint64_t	until = rk_team_clock() + (uint64_t) (slice_ns > 0 ? slice_ns : EVENT_NS);
	rk_team		team = {threadIdx.x, THREADS, parts, until, 0};
	bool		paused = false;	/* within a message */
	bool		ended;

	if (threadIdx.x == 0)
		position = rk_look64(&w->served);
	__syncthreads();
	for (;;)
	{
		if (threadIdx.x < BATCH)
		{
			unsigned	lane = threadIdx.x;
			uint64_t	mine = position + lane;
			const rk_window_request *slot = &w->requests[mine % RK_WINDOW_SLOTS];
			unsigned	missing;
			bool		stop;
			bool		late;

			for (;;)
			{
				/* on its way while the slots are looked at: one trip across the bus, not two */
				uint32_t	asked = lane == 0 ? glance32(&w->stop) : 0;

				missing = ~__ballot_sync(FULL_WARP, rk_look64(&slot->seq) == mine + 1);
				/* lane by lane: all of them end the loop or none does */
				stop = __any_sync(FULL_WARP, asked != 0);
				late = __any_sync(FULL_WARP, lane == 0 && rk_team_clock() >= until);
				if (stop || late || slice_ns == 0 || (missing & 1) == 0)
					break;
				pause_a_moment();
			}
			if (lane == 0)
			{
				ready = missing == 0 ? BATCH : (unsigned) __ffs((int) missing) - 1;
				handled = 0;
				/* without a slice it ends when nothing is left, or others wait for too long */
				over = late || (stop && slice_ns > 0);
			}
		}
		__syncthreads();
		if (ready == 0)
			break;

		for (unsigned i = threadIdx.x; i < ready * (sizeof(in[0]) / UNIT); i += THREADS)
		{
			unsigned	m = i / (sizeof(in[0]) / UNIT);
			unsigned	part = i % (sizeof(in[0]) / UNIT);

			((uint4 *) &in[m])[part] = fetch((const uint4 *) &w->requests[(position + m) % RK_WINDOW_SLOTS] + part);
			((uint4 *) &out[m])[part] = uint4 {0, 0, 0, 0};
		}
		__syncthreads();
		for (unsigned next = 0; next < ready;)
		{
			if (rk_ring_is_wide(kind, in[next].type_id))
			{
				paused = !rk_ring_step_wide(kind, image, &in[next], &out[next], &team, &w->stop);
				if (threadIdx.x == 0 && !paused)
					handled++;
			}
			else if (threadIdx.x == 0)
				while (handled < ready && !rk_ring_is_wide(kind, in[handled].type_id) &&
					   rk_ring_step(kind, image, &in[handled], &out[handled]))
					handled++;
			__syncthreads();
			/* none of them: there is no room, or no time */
			if (next == handled)
				break;
			next = handled;
			__syncthreads();
		}

		for (unsigned i = threadIdx.x; i < handled * (sizeof(out[0]) / UNIT); i += THREADS)
		{
			unsigned	m = i / (sizeof(out[0]) / UNIT);
			unsigned	part = i % (sizeof(out[0]) / UNIT);

			/* seq, in the first part, is still 0: no reply of any position */
			if (part * UNIT < offsetof(rk_window_reply, data) + out[m].length)
				((uint4 *) &w->replies[(position + m) % RK_WINDOW_SLOTS])[part] = ((const uint4 *) &out[m])[part];
		}
		__syncthreads();
		if (threadIdx.x < handled)
			rk_tell64(&w->replies[(position + threadIdx.x) % RK_WINDOW_SLOTS].seq, position + threadIdx.x + 1);
		__syncthreads();
		if (threadIdx.x == 0)
		{
			position += handled;
			if (handled < ready && !paused)
				rk_tell64(&w->room_for, position + 1);
			over = over || handled < ready;
		}
		__syncthreads();
		/* the first warp must not write it anew before all have read it */
		ended = over;
		__syncthreads();
		if (ended)
			break;
	}
	__syncthreads();
	if (threadIdx.x == 0)
		rk_tell64(&w->served, position);
}

static_assert(sizeof(rk_window_request) == 256 && sizeof(rk_window_reply) == 256 && offsetof(rk_window_reply, data) == 24,
			  "a slot is copied in parts of 16 bytes");
/* structs with 128-bit numbers are laid out as the CPU's compiler does it */
static_assert(sizeof(rk_mon_event) == 72 && offsetof(rk_mon_event, amount) == 8 && sizeof(rk_mon_state) == 64 &&
			  sizeof(rk_mon_rule) == 128 && offsetof(rk_mon_rule, limit) == 104, "layout of transaction monitoring");

/* ---- on the CPU ---- */

/* A thread's device is its own. */
static void
enter(rk_cuda_ring *ring)
{
	check(cudaSetDevice(ring->device->number));
}

void
ring_close(rk_cuda_ring *ring)
{
	(void) cudaSetDevice(ring->device->number);
	if (ring->image)
	{
		(void) cudaFreeAsync(ring->image, ring->stream);
		ring->device->used -= ring->image_bytes;
	}
	if (ring->ended)
		(void) cudaEventDestroy(ring->ended);
	if (ring->stream)
	{
		(void) cudaStreamSynchronize(ring->stream);
		(void) cudaStreamDestroy(ring->stream);
	}
	if (ring->file)
		(void) cudaHostUnregister(ring->file);
	delete ring;
}

rk_cuda_status
ring_open(rk_cuda_device *device, rk_ring_window *window, int64_t bytes, rk_cuda_ring **ring, rk_cuda_error *error)
{
	return guarded(error, [=] {
		rk_cuda_ring *r = new rk_cuda_ring();
		void	   *p = nullptr;

		*ring = nullptr;
		r->device = device;
		r->window = window;
		try
		{
			if (window->kind < 0 || window->kind >= RK_RING_KINDS)
				decline("there is no such ring");
			enter(r);
			check(cudaHostRegister(window, bytes, cudaHostRegisterMapped | cudaHostRegisterPortable));
			r->file = (char *) window;
			check(cudaHostGetDevicePointer(&p, window, 0));
			r->mapped = (rk_ring_window *) p;
			check(cudaStreamCreateWithFlags(&r->stream, cudaStreamNonBlocking));
			/* a thread that waits for a slice sleeps */
			check(cudaEventCreateWithFlags(&r->ended, cudaEventBlockingSync | cudaEventDisableTiming));
			if (window->image_bytes > device->limit - device->used)
				throw cuda_failure {RK_CUDA_MEMORY, cudaSuccess, "rk.gpu_memory_limit does not permit it"};
			check(cudaMallocAsync(&p, window->image_bytes, r->stream));
			r->image = (char *) p;
			r->image_bytes = window->image_bytes;
			device->used += r->image_bytes;
			check(cudaStreamSynchronize(r->stream));
			window->base = (uint64_t) (uintptr_t) r->image;
		}
		catch (...)
		{
			ring_close(r);
			throw;
		}
		*ring = r;
	});
}

rk_cuda_status
ring_load(rk_cuda_ring *ring, rk_cuda_error *error)
{
	return guarded(error, [=] {
		enter(ring);
		check(cudaMemcpyAsync(ring->image, ring->file + ring->window->image_offset, ring->image_bytes,
							  cudaMemcpyHostToDevice, ring->stream));
		check(cudaStreamSynchronize(ring->stream));
	});
}

rk_cuda_status
ring_save(rk_cuda_ring *ring, rk_cuda_error *error)
{
	return guarded(error, [=] {
		enter(ring);
		check(cudaMemcpyAsync(ring->file + ring->window->image_offset, ring->image, ring->image_bytes,
							  cudaMemcpyDeviceToHost, ring->stream));
		check(cudaStreamSynchronize(ring->stream));
	});
}

rk_cuda_status
ring_slice(rk_cuda_ring *ring, double seconds, rk_cuda_error *error)
{
	return guarded(error, [=] {
		enter(ring);
		RK_LAUNCH(serve, 1, THREADS, ring->stream) (ring->window->kind, ring->mapped, ring->image,
													(int64_t) (1e9 * seconds));
		check_launch();
		check(cudaEventRecord(ring->ended, ring->stream));
		check(cudaEventSynchronize(ring->ended));
	});
}
