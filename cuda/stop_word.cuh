/*
 * stop_word.cuh
 *	  A word that a kernel looks at while it runs: for work that cannot be cut
 *	  into launches of a few milliseconds.
 */
#ifndef RK_STOP_WORD_CUH
#define RK_STOP_WORD_CUH

#include "device.cuh"

#include <chrono>
#include <thread>

class stop_word
{
public:
	stop_word()
	{
		check(cudaHostAlloc((void **) &host, sizeof(*host), cudaHostAllocMapped));
		*host = 0;
		try
		{
			check(cudaHostGetDevicePointer((void **) &device, (void *) host, 0));
		}
		catch (...)
		{
			(void) cudaFreeHost((void *) host);
			throw;
		}
	}
	~stop_word() { (void) cudaFreeHost((void *) host); }
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

#endif							/* RK_STOP_WORD_CUH */
