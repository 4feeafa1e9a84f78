/*
 * ring.cu
 *	  Rings on the device: a resident kernel that serves a window (rk_window.h).
 *
 * One block for each ring.  An actor handles one message after the other, so
 * more of the device would wait; and batch kernels have all the other
 * multiprocessors while it polls.  Within the block
 *
 *	  - the lanes of the first warp look at all of the next slot at once, and at
 *		the word that ends the slice: one load of 512 bytes, and a message that is
 *		there is in registers when it is found (rk_window.h says why that is right);
 *	  - one thread handles it, and its reply goes out at once, 16 bytes each lane,
 *		which nothing waits for;
 *	  - meanwhile the other warps fetch the slots behind it, more of them the more
 *		there were last time, and these are handled in order; for long ones, as an
 *		iteration of PageRank, all threads together (rk_team.h), which pause where
 *		the slice ends.
 *
 * So a lone message takes one trip across the bus to be found, half a one on the
 * average before the look that finds it begins, and half a one for the reply.
 * Of 32 that come at once, the first takes no longer, the others one trip more.
 *
 * The ring has a stream that does not wait for others, memory from the device's
 * pool and no call that waits for the whole device, so that it does not stop
 * runs, nor runs it, for longer than a slice.
 */
#include "device.cuh"
#include "ring_steps.h"

#include <cstring>

#define BATCH 32				/* messages at once: bits of a word */
#define LEAST 4					/* that are looked for at once, however few there were */
#define LOOKS 8					/* between two of the clock */
#define EVENT_NS 100000000		/* how long a slice of no time may find messages */

#ifdef RK_CUDA_ON_HOST
#define THREADS 64
#else
#define THREADS 256
#endif

struct rk_cuda_ring
{
	rk_cuda_device *device;
	rk_ring_window *window;		/* as the CPU has it */
	rk_ring_window *mapped;		/* as the device has it */
	char	   *file;			/* registered; NULL: not yet */
	char	   *image;			/* on the device */
	int64_t		image_bytes;
	cudaStream_t stream;
	cudaEvent_t ended;
};

/* ---- on the device ---- */

/*
 * A unit that the CPU writes, past every cache, in one access.  Relaxed: its tag
 * speaks for its data, and for nothing else.
 */
__device__ static inline void
fetch(const rk_window_unit *from, rk_window_unit *to)
{
#ifdef __CUDA_ARCH__
	uint64_t	low;
	uint64_t	high;

	asm volatile("{\n\t.reg .b128 unit;\n\tld.relaxed.sys.b128 unit, [%2];\n\tmov.b128 {%0, %1}, unit;\n\t}"
				 : "=l" (low), "=l" (high) : "l" (from) : "memory");
	to->data[0] = (uint32_t) low;
	to->data[1] = (uint32_t) (low >> 32);
	to->data[2] = (uint32_t) high;
	to->tag = (uint32_t) (high >> 32);
#else
	rk_unit_read(from, to);
#endif
}

/* Writes a unit in one access, for the CPU. */
__device__ static inline void
put(rk_window_unit *to, const uint32_t *data, uint32_t tag)
{
#ifdef __CUDA_ARCH__
	uint64_t	low = data[0] | (uint64_t) data[1] << 32;
	uint64_t	high = data[2] | (uint64_t) tag << 32;

	asm volatile("{\n\t.reg .b128 unit;\n\tmov.b128 unit, {%1, %2};\n\tst.relaxed.sys.b128 [%0], unit;\n\t}"
				 : : "l" (to), "l" (low), "l" (high) : "memory");
#else
	rk_unit_write(to, data, tag);
#endif
}

/* Part k of a message in shared memory. */
template <typename T> __device__ static inline uint32_t *
part_of(T *message, unsigned k)
{
	return (uint32_t *) message + 3 * k;
}

/* Lets others run while there is nothing to do: the CPU's threads, that is. */
__device__ static inline void
pause_a_moment()
{
#ifdef RK_CUDA_ON_HOST
	on_host::pause();
#endif
}

/* One piece of code, however often it is called. */
__device__ static RK_NOINLINE bool
step(int kind, char *image, const rk_window_request *q, rk_window_reply *r)
{
	return rk_ring_step(kind, image, q, r);
}

/*
 * Serves messages from the position in the window on until the slice is over.
 * Every path through the loop is taken by all threads.
 */
__global__ static void __launch_bounds__(THREADS, 1)
serve(int kind, rk_ring_window *w, char *image, int64_t slice_ns)
{
	constexpr unsigned others = THREADS - 32;	/* threads beside the first warp */
	constexpr unsigned rounds = ((BATCH - 1) * RK_WINDOW_UNITS + others - 1) / others;
	alignas(16) __shared__ rk_window_request in[BATCH];
	alignas(16) __shared__ rk_window_reply out[BATCH];
	__shared__ uint64_t parts[THREADS];
	__shared__ unsigned missing;	/* bit m: message m is not all there */
	__shared__ unsigned handled;	/* messages */
	__shared__ unsigned answered;	/* 1: the first of them went out at once */
	__shared__ bool found;
	__shared__ bool over;
	uint64_t	until = rk_team_clock() + (uint64_t) (slice_ns > 0 ? slice_ns : EVENT_NS);
	rk_team		team = {threadIdx.x, THREADS, parts, until, 0};
	uint64_t	position = rk_look64(&w->served);
	unsigned	width = LEAST;	/* messages that are looked for at once */
	unsigned	looks = 0;
	unsigned	ready;			/* messages that are there */
	bool		paused = false; /* within a message */
	bool		ended;

	for (;;)
	{
		if (threadIdx.x < 32)
		{
			unsigned	lane = threadIdx.x;
			const rk_window_slot *slot = &w->requests[position % RK_WINDOW_SLOTS];
			rk_window_unit u;
			bool		there;
			bool		stop;
			bool		late = false;

			for (;;)
			{
				/* the lanes that are left look at the host's words: one load, one trip */
				fetch(lane < RK_WINDOW_UNITS ? &slot->unit[lane] : (const rk_window_unit *) &w->stop, &u);
				there = __ballot_sync(FULL_WARP, lane >= RK_WINDOW_UNITS || u.tag == rk_window_tag(position)) == FULL_WARP;
				stop = __shfl_sync(FULL_WARP, u.data[0], 31) != 0;
				/* not every time: the clock is slow; all lanes see the same */
				if (++looks % LOOKS == 0 || stop)
					late = __any_sync(FULL_WARP, lane == 0 && rk_team_clock() >= until);
				if (there || stop || late || slice_ns == 0)
					break;
				pause_a_moment();
			}
			if (lane < RK_WINDOW_UNITS)
				for (int i = 0; i < 3; i++)
				{
					part_of(&in[0], lane)[i] = u.data[i];
					part_of(&out[0], lane)[i] = 0;
				}
			if (lane == 0)
			{
				found = there;
				missing = 0;
				handled = 0;
				answered = 0;
				/* without a slice it ends when nothing is left, or others wait for too long */
				over = late || (stop && slice_ns > 0);
			}
		}
		__syncthreads();
		if (!found)
			break;

		if (threadIdx.x < 32)
		{
			if (threadIdx.x == 0 && !rk_ring_is_wide(kind, in[0].type_id) && step(kind, image, &in[0], &out[0]))
				handled = answered = 1;
			__syncwarp();
			if (answered && threadIdx.x < RK_WINDOW_UNITS)
				put(&w->replies[position % RK_WINDOW_SLOTS].unit[threadIdx.x], part_of(&out[0], threadIdx.x),
					rk_window_tag(position));
		}
		else
		{
			rk_window_unit u[rounds];
			unsigned	first = threadIdx.x - 32;
			unsigned	count = (width - 1) * RK_WINDOW_UNITS;

			/* all of them are on their way before one is looked at */
			RK_UNROLL
			for (unsigned r = 0; r < rounds; r++)
				if (first + r * others < count)
				{
					unsigned	i = first + r * others;

					fetch(&w->requests[(position + 1 + i / RK_WINDOW_UNITS) % RK_WINDOW_SLOTS].unit[i % RK_WINDOW_UNITS], &u[r]);
				}
			RK_UNROLL
			for (unsigned r = 0; r < rounds; r++)
				if (first + r * others < count)
				{
					unsigned	m = 1 + (first + r * others) / RK_WINDOW_UNITS;
					unsigned	k = (first + r * others) % RK_WINDOW_UNITS;

					if (u[r].tag != rk_window_tag(position + m))
						atomicOr(&missing, 1u << m);
					for (int i = 0; i < 3; i++)
					{
						part_of(&in[m], k)[i] = u[r].data[i];
						part_of(&out[m], k)[i] = 0;
					}
				}
		}
		__syncthreads();
		ready = missing == 0 ? width : (unsigned) __ffs((int) missing) - 1;
		for (unsigned next = answered; next < ready;)
		{
			if (rk_ring_is_wide(kind, in[next].type_id))
			{
				paused = !rk_ring_step_wide(kind, image, &in[next], &out[next], &team, &w->stop);
				if (threadIdx.x == 0 && !paused)
					handled++;
			}
			else if (threadIdx.x == 0)
				while (handled < ready && !rk_ring_is_wide(kind, in[handled].type_id) &&
					   step(kind, image, &in[handled], &out[handled]))
					handled++;
			__syncthreads();
			/* none of them: there is no room, or no time */
			if (next == handled)
				break;
			next = handled;
			__syncthreads();
		}

		for (unsigned i = threadIdx.x; i < (handled - answered) * RK_WINDOW_UNITS; i += THREADS)
		{
			unsigned	m = answered + i / RK_WINDOW_UNITS;
			unsigned	k = i % RK_WINDOW_UNITS;

			put(&w->replies[(position + m) % RK_WINDOW_SLOTS].unit[k], part_of(&out[m], k), rk_window_tag(position + m));
		}
		if (threadIdx.x == 0 && handled < ready && !paused)
			rk_tell64(&w->room_for, position + handled + 1);
		ended = over || handled < ready;
		position += handled;
		width = max(min(2 * handled, (unsigned) BATCH), (unsigned) LEAST);
		/* the first warp must not write anything anew before all have read it */
		__syncthreads();
		if (ended)
			break;
	}
	if (threadIdx.x == 0)
		rk_tell64(&w->served, position);
}

static_assert(sizeof(rk_window_unit) == 16 && sizeof(rk_window_request) == 12 * RK_WINDOW_UNITS &&
			  sizeof(rk_window_reply) == 12 * RK_WINDOW_UNITS && offsetof(rk_window_reply, data) == 8 &&
			  RK_WINDOW_UNITS < 32 && 2 * BATCH <= RK_WINDOW_SLOTS,
			  "a warp reads a slot; units hold all of a message");
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
