/*
 * batch.cuh
 *	  The same launches again and again, handed to the driver as one graph.
 *
 * An iteration of many small kernels is bound by their launches; a graph of
 * them is sent at once, but for a profile, which has the launches one by one.
 * Kernels that see that the work is over return, so a
 * batch may hold more iterations than are left.
 */
#ifndef RK_BATCH_CUH
#define RK_BATCH_CUH

#include "device.cuh"

class launch_batch
{
public:
	explicit launch_batch(rk_cuda_device *d) : device(d) {}
	launch_batch(const launch_batch &) = delete;
	launch_batch &operator=(const launch_batch &) = delete;

#ifdef RK_CUDA_ON_HOST
	template <typename F> void run(F body)
	{
		if (profile_of_call.now)
		{
			body();
			return;
		}
		on_host::begin_recording();
		try
		{
			body();
		}
		catch (...)
		{
			on_host::end_recording(nullptr);
			throw;
		}
		on_host::end_recording(&recorded);
	}
#else
	~launch_batch()
	{
		if (recorded)
			(void) cudaGraphExecDestroy(recorded);
	}

	/*
	 * Does what body launches.  It must launch the same every time, and neither
	 * allocate nor wait: only the first call runs it.
	 */
	template <typename F> void run(F body)
	{
		if (profile_of_call.now)
		{
			body();
			return;
		}
		if (recorded == nullptr)
			record(body);
		check(cudaGraphLaunch(recorded, device->stream));
	}
#endif

private:
	rk_cuda_device *device;

#ifdef RK_CUDA_ON_HOST
	uint64_t	recorded = 0;
#else
	cudaGraphExec_t recorded = nullptr;

	template <typename F> void record(F body)
	{
		cudaGraph_t graph = nullptr;
		cudaError_t code;

		check(cudaStreamBeginCapture(device->stream, cudaStreamCaptureModeThreadLocal));
		try
		{
			body();
		}
		catch (...)
		{
			/* the stream must not stay in that state */
			(void) cudaStreamEndCapture(device->stream, &graph);
			if (graph)
				(void) cudaGraphDestroy(graph);
			throw;
		}
		check(cudaStreamEndCapture(device->stream, &graph));
		code = cudaGraphInstantiate(&recorded, graph, 0);
		(void) cudaGraphDestroy(graph);
		check(code);
	}
#endif
};

#endif							/* RK_BATCH_CUH */
