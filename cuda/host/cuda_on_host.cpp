/*
 * cuda_on_host.cpp
 *	  Fibers for the threads of a block, and the runtime's functions.
 */
#include "cuda_on_host.h"

#include <cstdio>
#include <initializer_list>
#include <link.h>
#include <sched.h>
#include <sys/mman.h>
#include <time.h>
#include <vector>

#if !defined(__x86_64__)
#include <ucontext.h>
#endif

__thread dim3 threadIdx;
__thread dim3 blockIdx;
__thread dim3 blockDim;
__thread dim3 gridDim;

namespace on_host
{

static const size_t STACK = 64 * 1024;
static const unsigned MAX_THREADS = 1024;

enum fiber_state
{
	RUNNABLE,
	AT_WARP,					/* waits for its warp */
	AT_BLOCK,					/* waits for its block */
	ENDED
};

struct fiber
{
	fiber_state state;
	meeting		what;			/* it waits in its warp for */
	char	   *stack;
#if defined(__x86_64__)
	void	   *sp;
#else
	ucontext_t	context;
#endif
};

/* What a thread that launches has for it. */
struct bench
{
	fiber		fibers[MAX_THREADS];
	uint64_t	words[MAX_THREADS];

	~bench()
	{
		for (unsigned i = 0; i < MAX_THREADS; i++)
			if (fibers[i].stack)
				munmap(fibers[i].stack, STACK);
	}
};

struct bench_owner
{
	bench	   *own;
	int			begun = 1;

	~bench_owner() { delete own; }
};

struct shared_memory
{
	unsigned char *begin;
	size_t		bytes;
};

/*
 * A thread's variables.  Those that begin with zeros are shared memory, which is
 * poisoned: begun is not zero.
 */
struct launch_state
{
	int			begun = 1;
	fiber	   *fibers;
	uint64_t   *words;
	unsigned	current;
	unsigned	count;
	body		run_body;
	void	   *run_closure;
#if defined(__x86_64__)
	void	   *scheduler;
#endif
	bool		recording;
	uint64_t	digest;
	shared_memory shared;
};

static thread_local bench_owner owner {};
static __thread launch_state self {};

/* ---- switching ---- */

static void entry();

#if defined(__x86_64__)

/* Saves the registers that a call keeps and goes to another stack. */
extern "C" void rk_on_host_switch(void **from, void *to);
asm(R"(
	.text
	.type rk_on_host_switch, @function
rk_on_host_switch:
	pushq %rbp
	pushq %rbx
	pushq %r12
	pushq %r13
	pushq %r14
	pushq %r15
	movq %rsp, (%rdi)
	movq %rsi, %rsp
	popq %r15
	popq %r14
	popq %r13
	popq %r12
	popq %rbx
	popq %rbp
	ret
	.size rk_on_host_switch, . - rk_on_host_switch
)");

static void
prepare(fiber *f)
{
	void	  **top = (void **) (f->stack + STACK);

	/* a return address and six registers; aligned as at the start of a function */
	top -= 2;
	*top = (void *) entry;
	top -= 6;
	memset(top, 0, 6 * sizeof(void *));
	f->sp = top;
}

static void
resume(fiber *f)
{
	rk_on_host_switch(&self.scheduler, f->sp);
}

static void
suspend()
{
	rk_on_host_switch(&self.fibers[self.current].sp, self.scheduler);
}

#else

static __thread ucontext_t scheduler;

static void
prepare(fiber *f)
{
	getcontext(&f->context);
	f->context.uc_stack.ss_sp = f->stack;
	f->context.uc_stack.ss_size = STACK;
	f->context.uc_link = &scheduler;
	makecontext(&f->context, entry, 0);
}

static void
resume(fiber *f)
{
	swapcontext(&scheduler, &f->context);
}

static void
suspend()
{
	swapcontext(&self.fibers[self.current].context, &scheduler);
}

#endif

static void
entry()
{
	self.run_body(self.run_closure);
	self.fibers[self.current].state = ENDED;
	suspend();
	abort();
}

/* ---- barriers ---- */

static void
wait_as(fiber_state state)
{
	dim3		mine = threadIdx;

	self.fibers[self.current].state = state;
	suspend();
	threadIdx = mine;
}

void
pause()
{
	sched_yield();
}

void
block_barrier()
{
	wait_as(AT_BLOCK);
}

void
warp_barrier(meeting what)
{
	self.fibers[self.current].what = what;
	wait_as(AT_WARP);
}

[[noreturn]] static void
fail(const char *what)
{
	fprintf(stderr, "block %u, thread %u: %s\n", blockIdx.x, self.current, what);
	abort();
}

void
must_live(unsigned lane)
{
	if (!(live_lanes() >> lane & 1))
		fail("reads from a lane that is not there");
}

uint64_t *
warp_words()
{
	return &self.words[self.current / 32 * 32];
}

unsigned
lane()
{
	return self.current % 32;
}

unsigned
live_lanes()
{
	unsigned	mask = 0;
	unsigned	first = self.current / 32 * 32;

	for (unsigned i = 0; i < 32 && first + i < self.count; i++)
		if (self.fibers[first + i].state != ENDED)
			mask |= 1u << i;
	return mask;
}

/* Lets go who waits in [from, to) if all that have not ended do; true: it did. */
static bool
release(unsigned from, unsigned to, fiber_state state)
{
	unsigned	first = to;		/* that has not ended */
	bool		any = false;

	for (unsigned i = from; i < to; i++)
	{
		if (self.fibers[i].state == ENDED)
			continue;
		if (self.fibers[i].state != state)
			return false;
		if (state == AT_WARP && first < to && self.fibers[i].what != self.fibers[first].what)
			fail("lanes meet in different operations");
		if (first == to)
			first = i;
		any = true;
	}
	for (unsigned i = from; any && i < to; i++)
		if (self.fibers[i].state == state)
			self.fibers[i].state = RUNNABLE;
	return any;
}

/* ---- shared memory ---- */

/* Of the calling thread: the variables of this library that begin with zeros. */
static int
find_shared(struct dl_phdr_info *info, size_t, void *found)
{
	uintptr_t	here = (uintptr_t) &find_shared;
	const ElfW(Phdr) *tls = nullptr;
	bool		ours = false;

	for (int i = 0; i < info->dlpi_phnum; i++)
	{
		const ElfW(Phdr) *h = &info->dlpi_phdr[i];

		if (h->p_type == PT_TLS)
			tls = h;
		if (h->p_type == PT_LOAD && here - info->dlpi_addr - h->p_vaddr < h->p_memsz)
			ours = true;
	}
	if (!ours)
		return 0;
	if (tls && info->dlpi_tls_data)
		*(shared_memory *) found = {
			(unsigned char *) info->dlpi_tls_data + tls->p_filesz, tls->p_memsz - tls->p_filesz
		};
	return 1;
}

/* A device's holds what the block before has left. */
static void
poison_shared()
{
	static const char *kind = getenv("RK_ON_HOST_ORDER");

	if (self.shared.begin == nullptr)
		dl_iterate_phdr(find_shared, &self.shared);
	if (self.shared.begin)
		memset(self.shared.begin, kind && strcmp(kind, "backward") == 0 ? 0xa5 : 0xff, self.shared.bytes);
}

/* ---- a launch ---- */

static uint32_t
next_random()
{
	static __thread uint64_t state = 88172645463325252ull;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint32_t) (state >> 16);
}

/* The order in which warps, or the threads of one, take their turns. */
static void
fill_order(unsigned *order, unsigned length)
{
	static const char *kind = getenv("RK_ON_HOST_ORDER");

	for (unsigned i = 0; i < length; i++)
		order[i] = kind && strcmp(kind, "backward") == 0 ? length - 1 - i : i;
	for (unsigned i = length; kind && strcmp(kind, "shuffled") == 0 && i > 1; i--)
	{
		unsigned	j = next_random() % i;
		unsigned	swap = order[i - 1];

		order[i - 1] = order[j];
		order[j] = swap;
	}
}

/*
 * Runs the threads of a warp as far as they go without the rest of the block:
 * a warp that is ahead shows where a barrier is missing.  Returns how many have
 * ended; *moved: some thread had a turn.
 */
static unsigned
run_warp(unsigned first, bool *moved)
{
	unsigned	size = first + 32 < self.count ? 32 : self.count - first;
	unsigned	order[32];
	unsigned	ended = 0;
	bool		again = true;

	while (again)
	{
		fill_order(order, size);
		for (unsigned k = 0; k < size; k++)
		{
			unsigned	i = first + order[k];

			if (self.fibers[i].state != RUNNABLE)
				continue;
			self.current = i;
			threadIdx = dim3(i % blockDim.x, i / blockDim.x % blockDim.y, i / blockDim.x / blockDim.y);
			resume(&self.fibers[i]);
			ended += self.fibers[i].state == ENDED;
			*moved = true;
		}
		again = release(first, first + size, AT_WARP);
	}
	return ended;
}

static void
run_block()
{
	unsigned	order[MAX_THREADS / 32];
	unsigned	warps = (self.count + 31) / 32;
	unsigned	left = self.count;

	fill_order(order, warps);
	for (unsigned i = 0; i < self.count; i++)
	{
		self.fibers[i].state = RUNNABLE;
		prepare(&self.fibers[i]);
	}
	while (left > 0)
	{
		bool		moved = false;

		for (unsigned w = 0; w < warps; w++)
			left -= run_warp(order[w] * 32, &moved);
		moved |= release(0, self.count, AT_BLOCK);
		if (!moved && left > 0)
		{
			fprintf(stderr, "threads of block %u wait for different barriers\n", blockIdx.x);
			abort();
		}
	}
}

/* The block whose turn is the i-th. */
static uint64_t
turn_of(uint64_t i, uint64_t blocks)
{
	static const char *kind = getenv("RK_ON_HOST_ORDER");
	uint64_t	step = 1;

	if (kind == nullptr || strcmp(kind, "forward") == 0)
		return i;
	if (strcmp(kind, "backward") == 0)
		return blocks - 1 - i;
	/* multiples of a prime that does not divide the number of blocks reach all of them */
	for (uint64_t prime : {1000003, 10007, 101, 7, 3, 2})
		if (blocks % prime != 0)
		{
			step = prime;
			break;
		}
	return (i * step + blocks / 3) % blocks;
}

void
launch(dim3 grid, dim3 block, body run, void *closure)
{
	uint64_t	blocks;

	self.count = block.x * block.y * block.z;
	if (self.count > MAX_THREADS || self.count == 0)
	{
		fprintf(stderr, "a block of %u threads\n", self.count);
		abort();
	}
	if (owner.own == nullptr)
	{
		owner.own = new bench();
		self.fibers = owner.own->fibers;
		self.words = owner.own->words;
	}
	for (unsigned i = 0; i < self.count; i++)
		if (self.fibers[i].stack == nullptr)
			self.fibers[i].stack = (char *) mmap(nullptr, STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	blocks = (uint64_t) grid.x * grid.y * grid.z;
	/* no blocks are an error of CUDA as well */
	if (blocks == 0 || grid.x > INT32_MAX || grid.y > 65535 || grid.z > 65535)
	{
		fprintf(stderr, "a launch of %u x %u x %u blocks\n", grid.x, grid.y, grid.z);
		abort();
	}
	if (self.recording)
	{
		self.digest = (self.digest ^ (uint64_t) (uintptr_t) run) * UINT64_C(0x9E3779B97F4A7C15);
		self.digest = (self.digest ^ blocks << 10 ^ self.count) * UINT64_C(0x9E3779B97F4A7C15);
	}
	poison_shared();
	self.run_body = run;
	self.run_closure = closure;
	gridDim = grid;
	blockDim = block;
	for (uint64_t i = 0; i < blocks; i++)
	{
		uint64_t	b = turn_of(i, blocks);

		blockIdx = dim3((unsigned) (b % grid.x), (unsigned) (b / grid.x % grid.y), (unsigned) (b / grid.x / grid.y));
		run_block();
	}
}

/* ---- launch graphs ---- */

void
begin_recording()
{
	self.recording = true;
	self.digest = 1;
}

bool
recording()
{
	return self.recording;
}

void
end_recording(uint64_t *seen)
{
	self.recording = false;
	if (seen == nullptr)
		return;
	if (*seen != 0 && *seen != self.digest)
	{
		fprintf(stderr, "a launch graph would have other launches the second time\n");
		abort();
	}
	*seen = self.digest;
}

/* Ends the process where a call cannot be recorded. */
static void
not_recorded(const char *call)
{
	if (self.recording)
	{
		fprintf(stderr, "%s while a launch graph is recorded\n", call);
		abort();
	}
}

}								/* namespace */

/* ---- the runtime ---- */

struct on_host_event
{
	double		seconds;
};

/* Before the data of an allocation: its page has the header, and what is left a pattern. */
struct allocation
{
	size_t		mapped;
	size_t		bytes;
};

static const size_t PAGE = 4096;
static const unsigned char BEFORE = 0x5a;

/* What memory holds that nobody wrote. */
static void
poison(unsigned char *p, size_t bytes)
{
	static const char *kind = getenv("RK_ON_HOST_ORDER");

	/* a float8 of 0xff is no number, one of 0xa5 a small one */
	if (kind == nullptr || strcmp(kind, "shuffled") != 0)
		memset(p, kind && strcmp(kind, "backward") == 0 ? 0xa5 : 0xff, bytes);
	else
		for (size_t i = 0; i < bytes; i++)
			p[i] = (unsigned char) (i * 151 + (i >> 8) * 37 + 1);
}

cudaError_t
cudaMalloc(void **p, size_t bytes)
{
	/* vectors of 16 bytes begin at multiples of 16 */
	size_t		room = (bytes + 15) / 16 * 16;
	size_t		mapped = (sizeof(allocation) + 64 + room + PAGE - 1) / PAGE * PAGE + PAGE;
	unsigned char *map;
	unsigned char *data;

	on_host::not_recorded("memory is allocated");
	map = (unsigned char *) mmap(nullptr, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (map == MAP_FAILED || mprotect(map + mapped - PAGE, PAGE, PROT_NONE) != 0)
		return cudaErrorMemoryAllocation;
	data = map + mapped - PAGE - room;
	*(allocation *) map = {mapped, bytes};
	memset(map + sizeof(allocation), BEFORE, data - map - sizeof(allocation));
	memset(data + bytes, BEFORE, room - bytes);
	poison(data, bytes);
	*p = data;
	return cudaSuccess;
}

cudaError_t
cudaFree(void *p)
{
	unsigned char *data = (unsigned char *) p;
	unsigned char *map;
	allocation	a;

	if (p == nullptr)
		return cudaSuccess;
	/* the header is in the page of the data, or the one before */
	map = (unsigned char *) ((uintptr_t) data / PAGE * PAGE);
	if ((size_t) (data - map) < sizeof(allocation) + 64)
		map -= PAGE;
	a = *(allocation *) map;
	for (unsigned char *q = map + sizeof(allocation); q < map + a.mapped - PAGE; q++)
	{
		if (q == data)
			q += a.bytes;
		if (q < map + a.mapped - PAGE && *q != BEFORE)
		{
			fprintf(stderr, "%s an allocation of %zu bytes was written\n", q < data ? "before" : "behind", a.bytes);
			abort();
		}
	}
	munmap(map, a.mapped);
	return cudaSuccess;
}

cudaError_t
cudaDeviceSynchronize()
{
	on_host::not_recorded("the device is waited for");
	return cudaSuccess;
}

cudaError_t
cudaStreamSynchronize(cudaStream_t)
{
	on_host::not_recorded("a stream is waited for");
	return cudaSuccess;
}

cudaError_t
cudaGetDeviceCount(int *count)
{
	*count = 1;
	return cudaSuccess;
}

cudaError_t
cudaGetDeviceProperties(cudaDeviceProp *p, int)
{
	memset(p, 0, sizeof(*p));
	snprintf(p->name, sizeof(p->name), "this process");
	p->totalGlobalMem = (size_t) 8 << 30;
	p->sharedMemPerBlockOptin = RK_HOST_SHARED;
	p->multiProcessorCount = 1;
	p->l2CacheSize = 1 << 20;
	return cudaSuccess;
}

cudaError_t
cudaEventCreate(cudaEvent_t *event)
{
	*event = (cudaEvent_t) calloc(1, sizeof(**event));
	return *event ? cudaSuccess : cudaErrorMemoryAllocation;
}

cudaError_t
cudaEventRecord(cudaEvent_t event, cudaStream_t)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	event->seconds = t.tv_sec + 1e-9 * t.tv_nsec;
	return cudaSuccess;
}

cudaError_t
cudaEventSynchronize(cudaEvent_t)
{
	return cudaSuccess;
}

cudaError_t
cudaEventElapsedTime(float *ms, cudaEvent_t from, cudaEvent_t to)
{
	*ms = (float) (1e3 * (to->seconds - from->seconds));
	return cudaSuccess;
}

const char *
cudaGetErrorString(cudaError_t error)
{
	return error == cudaErrorMemoryAllocation ? "out of memory" : "an error";
}
