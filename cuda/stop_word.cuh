/*
 * stop_word.cuh
 *	  A word that a kernel looks at while it runs: for work that cannot be cut
 *	  into launches of a few milliseconds.
 */
#ifndef RK_STOP_WORD_CUH
#define RK_STOP_WORD_CUH

#include "device.cuh"

#include <chrono>
#include <mutex>
#include <thread>
#include <vector>

/*
 * Words that are not in use.  They are kept: taking and giving back memory of the
 * host waits for all kernels, those of rings too.
 */
struct idle_words
{
	std::mutex	mutex;
	std::vector<volatile int32_t *> words;

	static idle_words &all()
	{
		/* never destroyed: the driver may be gone by then */
		static idle_words *words = new idle_words();

		return *words;
	}
};

class stop_word
{
public:
	stop_word()
	{
		idle_words &idle = idle_words::all();
		std::lock_guard<std::mutex> guard(idle.mutex);

		if (idle.words.empty())
		{
			void	   *p = nullptr;

			idle.words.reserve(1);
			check(cudaHostAlloc(&p, sizeof(*host), cudaHostAllocMapped | cudaHostAllocPortable));
			idle.words.push_back((volatile int32_t *) p);
		}
		host = idle.words.back();
		*host = 0;
		check(cudaHostGetDevicePointer((void **) &device, (void *) host, 0));
		/* its place in the list is kept for it */
		idle.words.pop_back();
	}
	~stop_word()
	{
		idle_words &idle = idle_words::all();
		std::lock_guard<std::mutex> guard(idle.mutex);

		idle.words.push_back(host);
	}
	stop_word(const stop_word &) = delete;
	stop_word &operator=(const stop_word &) = delete;

	/* What kernels read. */
	const volatile int32_t *get() const { return device; }

	/* Waits until the stream is idle; tells the kernel when the caller wants to stop. */
	void wait(rk_cuda_device *on, const rk_cuda_call *call)
	{
		cudaError_t code;

		while ((code = cudaStreamQuery(on->stream)) == cudaErrorNotReady)
		{
			/* which stays behind as the last error: the next launch would have failed */
			(void) cudaGetLastError();
			if (stopped(call))
				*host = 1;
			std::this_thread::sleep_for(std::chrono::microseconds(200));
		}
		check(code);
		if (*host || stopped(call))
			stop_now();
	}

private:
	volatile int32_t *host;
	volatile int32_t *device;
};

/*
 * Whether the caller wants to stop, asked for as often as one likes: the word is
 * in the host's memory, a microsecond and a bus that all warps share away, so it
 * is looked at once in about a millisecond.  next: 0 at first.
 */
__device__ static inline bool
stop_asked(const volatile int32_t *word, int64_t *next)
{
	int64_t		now = clock64();

	if (now < *next)
		return false;
	*next = now + (1 << 21);
	return *word != 0;
}

#endif							/* RK_STOP_WORD_CUH */
