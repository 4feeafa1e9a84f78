/*
 * cuda_on_host.cpp
 *	  Fibers for the threads of a block, and the runtime's functions.
 */
#include "cuda_on_host.h"

#include <cstdio>
#include <initializer_list>
#include <link.h>
#include <new>
#include <sched.h>
#include <sys/mman.h>
#include <time.h>

#if !defined(__x86_64__)
#include <ucontext.h>
#endif

#pragma GCC visibility push(hidden)
namespace on_host
{

static const size_t STACK = 64 * 1024;
static const unsigned MAX_THREADS = 1024;
static const unsigned WARP = 32;

/* From stack to stack: not a power of two, so that their ends do not share lines of caches. */
static const size_t STRIDE = STACK + 17 * 64;

/* The order in which blocks, warps, and threads of a warp take their turns. */
enum turn_order
{
	FORWARD,
	BACKWARD,
	SHUFFLED
};

static turn_order
order_of_environment()
{
	const char *kind = getenv("RK_ON_HOST_ORDER");

	if (kind && strcmp(kind, "backward") == 0)
		return BACKWARD;
	return kind && strcmp(kind, "shuffled") == 0 ? SHUFFLED : FORWARD;
}

static const turn_order turns = order_of_environment();

/* What lanes meet in; all of them in the same. */
enum meeting
{
	MEET_SYNC,
	MEET_SHUFFLE,
	MEET_BALLOT,
	MEET_MATCH
};

struct fiber
{
#if defined(__x86_64__)
	void	   *sp;
#else
	ucontext_t	context;
#endif
};

/* Of 32 threads, in masks of them: who has not ended, and where they wait. */
struct warp
{
	unsigned	live;
	unsigned	runnable;
	unsigned	at_warp;
	unsigned	at_block;
	meeting		what;			/* those of at_warp are in */
	unsigned	met;			/* who was at the barrier before */
	/* of two meetings in turn: nobody is in the next but one while one still reads */
	unsigned	turn;
	unsigned	votes[2];
	uint64_t	words[2][WARP];
};

/*
 * What a thread that launches has for it, at the begin of a region that also has
 * the stacks, so that a fiber finds it without a look at the thread's variables.
 */
struct bench : place
{
	warp	   *mine;			/* of the fiber that runs */
	unsigned	current;
	unsigned	lane;
	unsigned	left;			/* in its warp, to have a turn in this round */
	unsigned	picked;			/* how many of order had */
	unsigned	order[WARP];
	unsigned	count;			/* of threads in a block */
	unsigned	living;			/* of those, not ended */
	body		run_body;
	void	   *run_closure;
	fiber		scheduler;
	warp		warps[MAX_THREADS / WARP];
	fiber		fibers[MAX_THREADS];
	dim3		threads[MAX_THREADS];
};

static_assert(sizeof(bench) + 4096 + MAX_THREADS * STRIDE <= REGION, "the stacks do not fit into a region");

static bench *
bench_here()
{
	return static_cast<bench *>(here());
}

/* The end of a stack, where it begins to be used. */
static char *
stack_end(bench *b, unsigned i)
{
	return (char *) b + (sizeof(bench) + 4095) / 4096 * 4096 + i * STRIDE + STACK;
}

static bench *
make_bench()
{
	char	   *map = (char *) mmap(nullptr, 2 * REGION, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	char	   *begin = (char *) (((uintptr_t) map + REGION - 1) / REGION * REGION);

	if (map == MAP_FAILED)
	{
		fprintf(stderr, "no memory for stacks\n");
		abort();
	}
	if (begin > map)
		munmap(map, begin - map);
	munmap(begin + REGION, map + REGION - begin);
	return new (begin) bench();
}

struct bench_owner
{
	bench	   *own;
	int			begun = 1;

	~bench_owner()
	{
		if (own)
			munmap(own, REGION);
	}
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
	bool		recording;
	bool		asked;			/* whether a stream is over, and told that it is not */
	cudaError_t last_error;
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
	.hidden rk_on_host_switch
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
	popq %rcx
	jmp *%rcx
	.size rk_on_host_switch, . - rk_on_host_switch
)");

static void
prepare(bench *b, unsigned i)
{
	void	  **top = (void **) stack_end(b, i);

	/* a return address and six registers; aligned as at the start of a function */
	top -= 2;
	*top = (void *) entry;
	top -= 6;
	memset(top, 0, 6 * sizeof(void *));
	b->fibers[i].sp = top;
}

static void
go(fiber *from, fiber *to)
{
	rk_on_host_switch(&from->sp, to->sp);
}

#else

static void
prepare(bench *b, unsigned i)
{
	ucontext_t *c = &b->fibers[i].context;

	getcontext(c);
	c->uc_stack.ss_sp = stack_end(b, i) - STACK;
	c->uc_stack.ss_size = STACK;
	c->uc_link = nullptr;
	makecontext(c, entry, 0);
}

static void
go(fiber *from, fiber *to)
{
	swapcontext(&from->context, &to->context);
}

#endif

/* From a fiber, or the scheduler, to the next of the warp whose turn it is, or to the scheduler. */
static void
go_on(bench *b, fiber *from)
{
	unsigned	lane;

	if (b->left == 0)
	{
		go(from, &b->scheduler);
		return;
	}
	if (turns == FORWARD)
		lane = __builtin_ctz(b->left);
	else if (turns == BACKWARD)
		lane = 31 - __builtin_clz(b->left);
	else
		do
			lane = b->order[b->picked++];
		while (!(b->left >> lane & 1));
	b->left &= ~(1u << lane);
	b->lane = lane;
	b->current = (unsigned) (b->mine - b->warps) * WARP + lane;
	b->thread = b->threads[b->current];
	go(from, &b->fibers[b->current]);
}

static void
suspend(bench *b)
{
	go_on(b, &b->fibers[b->current]);
}

static void
entry()
{
	bench	   *b = bench_here();

	b->run_body(b->run_closure);
	b->mine->live &= ~(1u << b->lane);
	b->living--;
	suspend(b);
	abort();
}

/* ---- barriers ---- */

void
pause()
{
	sched_yield();
}

[[noreturn]] static void
fail(bench *b, const char *what)
{
	fprintf(stderr, "block %u, thread %u: %s\n", b->block.x, b->current, what);
	abort();
}

void
block_barrier()
{
	bench	   *b = bench_here();

	b->mine->at_block |= 1u << b->lane;
	suspend(b);
}

/* Waits for the warp. */
static void
meet(bench *b, meeting what)
{
	warp	   *w = b->mine;

	if (w->at_warp != 0 && w->what != what)
		fail(b, "lanes meet in different operations");
	w->what = what;
	w->at_warp |= 1u << b->lane;
	suspend(b);
}

void
warp_barrier()
{
	meet(bench_here(), MEET_SYNC);
}

uint64_t
exchange_words(uint64_t word, unsigned from)
{
	bench	   *b = bench_here();
	warp	   *w = b->mine;
	const uint64_t *words = w->words[w->turn];

	w->words[w->turn][b->lane] = word;
	meet(b, MEET_SHUFFLE);
	if (!(w->met >> from & 1))
		fail(b, "reads from a lane that is not there");
	return words[from];
}

unsigned
ballot(bool vote)
{
	bench	   *b = bench_here();
	warp	   *w = b->mine;
	const unsigned *votes = &w->votes[w->turn];

	w->votes[w->turn] |= (unsigned) vote << b->lane;
	meet(b, MEET_BALLOT);
	return *votes;
}

unsigned
match(uint64_t word)
{
	bench	   *b = bench_here();
	warp	   *w = b->mine;
	const uint64_t *words = w->words[w->turn];
	unsigned	mask = 0;

	w->words[w->turn][b->lane] = word;
	meet(b, MEET_MATCH);
	for (unsigned l = 0; l < WARP; l++)
		mask |= (unsigned) (words[l] == word) << l;
	return mask & w->met;
}

unsigned
lane()
{
	return bench_here()->lane;
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
	if (self.shared.begin == nullptr)
		dl_iterate_phdr(find_shared, &self.shared);
	if (self.shared.begin)
		memset(self.shared.begin, turns == BACKWARD ? 0xa5 : 0xff, self.shared.bytes);
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

/* In which warps, or the threads of one, take their turns. */
static void
fill_order(unsigned *order, unsigned length)
{
	for (unsigned i = 0; i < length; i++)
		order[i] = turns == BACKWARD ? length - 1 - i : i;
	for (unsigned i = length; turns == SHUFFLED && i > 1; i--)
	{
		unsigned	j = (unsigned) ((uint64_t) next_random() * i >> 32);
		unsigned	swap = order[i - 1];

		order[i - 1] = order[j];
		order[j] = swap;
	}
}

/*
 * Runs the threads of a warp as far as they go without the rest of the block:
 * a warp that is ahead shows where a barrier is missing.  Returns whether some
 * thread had a turn.
 */
static bool
run_warp(bench *b, warp *w)
{
	bool		moved = w->runnable != 0;

	b->mine = w;
	while (w->runnable != 0)
	{
		b->left = w->runnable;
		w->runnable = 0;
		if (turns == SHUFFLED)
		{
			fill_order(b->order, WARP);
			b->picked = 0;
		}
		go_on(b, &b->scheduler);
		/* all that have not ended are there */
		if (w->at_warp != 0 && w->at_warp == w->live)
		{
			w->met = w->runnable = w->at_warp;
			w->at_warp = 0;
			w->turn ^= 1;
			w->votes[w->turn] = 0;
		}
	}
	return moved;
}

/* Lets all go that wait for the block if nobody else is left; true: it did. */
static bool
release_block(bench *b, unsigned warps)
{
	for (unsigned i = 0; i < warps; i++)
		if (b->warps[i].at_block != b->warps[i].live)
			return false;
	for (unsigned i = 0; i < warps; i++)
	{
		b->warps[i].runnable = b->warps[i].at_block;
		b->warps[i].at_block = 0;
	}
	return b->living > 0;
}

static void
run_block(bench *b)
{
	unsigned	order[MAX_THREADS / WARP];
	unsigned	warps = (b->count + WARP - 1) / WARP;

	fill_order(order, warps);
	for (unsigned i = 0; i < warps; i++)
	{
		warp	   *w = &b->warps[i];
		unsigned	size = b->count - i * WARP;

		w->live = w->runnable = size < WARP ? (1u << size) - 1 : ~0u;
		w->at_warp = w->at_block = w->met = w->turn = w->votes[0] = 0;
	}
	for (unsigned i = 0; i < b->count; i++)
		prepare(b, i);
	b->living = b->count;
	while (b->living > 0)
	{
		bool		moved = false;

		for (unsigned i = 0; i < warps; i++)
			moved |= run_warp(b, &b->warps[order[i]]);
		moved |= release_block(b, warps);
		if (!moved && b->living > 0)
		{
			fprintf(stderr, "threads of block %u wait for different barriers\n", b->block.x);
			abort();
		}
	}
}

/* The block whose turn is the i-th. */
static uint64_t
turn_of(uint64_t i, uint64_t blocks)
{
	uint64_t	step = 1;

	if (turns == FORWARD)
		return i;
	if (turns == BACKWARD)
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
	unsigned	count = block.x * block.y * block.z;
	bench	   *b;

	if (count > MAX_THREADS || count == 0)
	{
		fprintf(stderr, "a block of %u threads\n", count);
		abort();
	}
	blocks = (uint64_t) grid.x * grid.y * grid.z;
	/* no blocks are an error of CUDA as well */
	if (blocks == 0 || grid.x > INT32_MAX || grid.y > 65535 || grid.z > 65535)
	{
		fprintf(stderr, "a launch of %u x %u x %u blocks\n", grid.x, grid.y, grid.z);
		abort();
	}
	if (owner.own == nullptr)
		owner.own = make_bench();
	b = owner.own;
	if (self.recording)
	{
		self.digest = (self.digest ^ (uint64_t) (uintptr_t) run) * UINT64_C(0x9E3779B97F4A7C15);
		self.digest = (self.digest ^ blocks << 10 ^ count) * UINT64_C(0x9E3779B97F4A7C15);
	}
	poison_shared();
	b->run_body = run;
	b->run_closure = closure;
	b->count = count;
	b->grid_size = grid;
	b->block_size = block;
	for (unsigned i = 0; i < count; i++)
		b->threads[i] = dim3(i % block.x, i / block.x % block.y, i / block.x / block.y);
	for (uint64_t i = 0; i < blocks; i++)
	{
		uint64_t	n = turn_of(i, blocks);

		b->block = dim3((unsigned) (n % grid.x), (unsigned) (n / grid.x % grid.y), (unsigned) (n / grid.x / grid.y));
		run_block(b);
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

/* Every other time the work of a stream is not over, which stays behind as the last error. */
static bool
ask_stream()
{
	self.asked = !self.asked;
	if (self.asked)
		self.last_error = cudaErrorNotReady;
	return !self.asked;
}

static cudaError_t
take_last_error()
{
	cudaError_t error = self.last_error;

	self.last_error = cudaSuccess;
	return error;
}

}								/* namespace */
#pragma GCC visibility pop

/* ---- the runtime ---- */

cudaError_t
cudaStreamQuery(cudaStream_t)
{
	return on_host::ask_stream() ? cudaSuccess : cudaErrorNotReady;
}

cudaError_t
cudaGetLastError()
{
	return on_host::take_last_error();
}

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
	/* a float8 of 0xff is no number, one of 0xa5 a small one */
	if (on_host::turns != on_host::SHUFFLED)
		memset(p, on_host::turns == on_host::BACKWARD ? 0xa5 : 0xff, bytes);
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
