/*
 * stress.cu
 *	  What shocks do to positions, as src/risk/stress/stress_testing.c: the same
 *	  exact numbers by the same function.
 *
 * Rows are made by a thread each.  For sums a warp has up to 32 shocks of one
 * factor and goes through its sensitivities, which all lanes read together; a
 * lane adds up its own shock, so that nothing but whole numbers is left to add.
 */
#include "device.cuh"

#include <vector>

#include "../src/risk/stress/stress_pnl.h"

#define THREADS 128
#define WARPS (THREADS / 32)
#define CHUNK 256				/* sensitivities that a warp goes through */
#define LAUNCH_ROWS (INT64_C(1) << 26)

static_assert(sizeof(rk_stress_line) % 16 == 0 && sizeof(rk_stress_shock) % 16 == 0, "whole numbers of 128 bits are aligned");

/* Arrays on the device. */
struct stress_grid
{
	const rk_decimal *values;
	const rk_stress_line *lines;
	const int64_t *factor_offsets;
	const rk_stress_shock *shock;
	const int64_t *offsets;		/* rows of each shock */
	int64_t		shocks;
	int			scale;
	__int128	largest;		/* of a row, so that sums of all lines have room */
};

/* Some of the rows of up to 32 shocks of a factor. */
struct stress_task
{
	int64_t		first;			/* sensitivity */
	int64_t		last;
	int64_t		part;			/* where its first sum goes */
	int32_t		order;			/* of its first shock */
	int32_t		count;
};

__device__ static inline void
pnl_of(const stress_grid &g, const rk_stress_line &line, const rk_stress_shock &shock, int *overflow, rk_decimal *pnl)
{
	if (!rk_stress_pnl(g.values[line.position], g.scale, &line, &shock, pnl) || *pnl > g.largest || *pnl < -g.largest)
		atomicOr(overflow, 1);
}

__global__ static void __launch_bounds__(THREADS)
make_rows(stress_grid g, int64_t first, int64_t last, rk_decimal *__restrict__ pnl, int *overflow)
{
	int64_t		row = first + global_thread();
	int64_t		low = 0;
	int64_t		high = g.shocks;

	if (row >= last)
		return;
	while (high - low > 1)
	{
		int64_t		middle = low + (high - low) / 2;

		if (g.offsets[middle] <= row)
			low = middle;
		else
			high = middle;
	}
	pnl_of(g, g.lines[g.factor_offsets[g.shock[low].factor] + row - g.offsets[low]], g.shock[low], overflow, &pnl[row]);
}

/* partial[part + lane] of every task: the sum of a shock over the task's sensitivities. */
__global__ static void __launch_bounds__(THREADS)
add_rows(stress_grid g, const stress_task *__restrict__ tasks, int64_t count, const int32_t *__restrict__ order,
		 rk_decimal *__restrict__ partial, int *overflow)
{
	int64_t		task = global_thread() / 32;
	int			lane = threadIdx.x % 32;
	rk_stress_shock shock;
	__int128	sum = 0;

	if (task >= count || lane >= tasks[task].count)
		return;
	shock = g.shock[order[tasks[task].order + lane]];
	for (int64_t i = tasks[task].first; i < tasks[task].last; i++)
	{
		rk_decimal	pnl = 0;

		pnl_of(g, g.lines[i], shock, overflow, &pnl);
		sum += pnl;
	}
	partial[tasks[task].part + lane] = sum;
}

/* Where the sums of a shock lie. */
struct stress_sum
{
	int64_t		part;
	int32_t		parts;
	int32_t		stride;
};

__global__ static void __launch_bounds__(THREADS)
add_parts(const stress_sum *__restrict__ sums, int64_t shocks, const rk_decimal *__restrict__ partial,
		  rk_decimal *__restrict__ sum)
{
	int64_t		shock = global_thread();
	__int128	all = 0;

	if (shock >= shocks)
		return;
	for (int i = 0; i < sums[shock].parts; i++)
		all += partial[sums[shock].part + (int64_t) i * sums[shock].stride];
	sum[shock] = all;
}

/* What is to do for sums; arrays of the host. */
struct stress_plan
{
	std::vector<int32_t> order;	/* shocks by factor */
	std::vector<stress_task> tasks;
	std::vector<stress_sum> sums;
	int64_t		parts;
};

static stress_plan
make_plan(const rk_stress_shock *shock, int64_t shocks, const int64_t *factor_offsets, int64_t factors)
{
	stress_plan plan;
	std::vector<int64_t> first(factors + 1, 0);
	std::vector<int64_t> next;

	plan.order.resize(shocks);
	plan.sums.resize(shocks);
	plan.parts = 0;
	for (int64_t k = 0; k < shocks; k++)
		first[shock[k].factor + 1]++;
	for (int64_t f = 0; f < factors; f++)
		first[f + 1] += first[f];
	next = first;
	for (int64_t k = 0; k < shocks; k++)
		plan.order[next[shock[k].factor]++] = (int32_t) k;
	for (int64_t f = 0; f < factors; f++)
		for (int64_t at = first[f]; at < first[f + 1]; at += 32)
		{
			int			count = (int) min(first[f + 1] - at, INT64_C(32));
			int			chunks = (int) ((factor_offsets[f + 1] - factor_offsets[f] + CHUNK - 1) / CHUNK);

			for (int i = 0; i < count; i++)
				plan.sums[plan.order[at + i]] = {plan.parts + i, chunks, count};
			for (int64_t line = factor_offsets[f]; line < factor_offsets[f + 1]; line += CHUNK)
			{
				plan.tasks.push_back({line, min(line + CHUNK, factor_offsets[f + 1]), plan.parts, (int32_t) at, count});
				plan.parts += count;
			}
		}
	return plan;
}

static void
run_sums(rk_cuda_device *device, rk_cuda_call *call, const stress_grid &g, const stress_plan &plan, rk_decimal *sum, int *overflow)
{
	device_array<int32_t> order;
	device_array<stress_task> tasks;
	device_array<stress_sum> sums;
	device_array<__int128> partial;
	int64_t		step = LAUNCH_ROWS / 32 / CHUNK;
	int64_t		count = (int64_t) plan.tasks.size();

	order.load(device, plan.order.data(), g.shocks, &call->usage);
	tasks.load(device, plan.tasks.data(), count, &call->usage);
	sums.load(device, plan.sums.data(), g.shocks, &call->usage);
	partial.allocate(device, plan.parts);
	for (int64_t first = 0; first < count; first += step)
	{
		int64_t		now = min(step, count - first);

		if (stopped(call))
			stop_now();
		RK_LAUNCH(add_rows, blocks_for(now, WARPS), THREADS, device->stream)
			(g, tasks.get() + first, now, order.get(), partial.get(), overflow);
		check_launch();
		check(cudaStreamSynchronize(device->stream));
	}
	RK_LAUNCH(add_parts, blocks_for(g.shocks, THREADS), THREADS, device->stream) (sums.get(), g.shocks, partial.get(), sum);
	check_launch();
	check(cudaStreamSynchronize(device->stream));
	call->usage.bytes_moved += (int64_t) (CHUNK * (sizeof(rk_stress_line) + sizeof(rk_decimal)) + sizeof(stress_task)) * count +
		2 * (int64_t) sizeof(rk_decimal) * plan.parts;
}

/* An input of so many entries. */
template <typename T> static const T *
input_of(const rk_cuda_call *call, int input, int64_t *count)
{
	*count = call->input[input].bytes / (int64_t) sizeof(T);
	if (call->input[input].data == nullptr || *count < 1 || call->input[input].bytes != *count * (int64_t) sizeof(T))
		decline("arrays of another shape than a grid has");
	return (const T *) call->input[input].data;
}

/* Rows of each shock; declines what is not a grid. */
static std::vector<int64_t>
count_rows(const rk_stress_line *line, int64_t lines, int64_t positions, const int64_t *factor_offsets, int64_t factors,
		   const rk_stress_shock *shock, int64_t shocks)
{
	std::vector<int64_t> offsets(shocks + 1, 0);
	bool		good = factor_offsets[0] == 0 && factor_offsets[factors] == lines && shocks <= INT32_MAX;

	for (int64_t f = 0; f < factors; f++)
		good = good && factor_offsets[f] <= factor_offsets[f + 1];
	for (int64_t i = 0; i < lines; i++)
		good = good && line[i].position >= 0 && line[i].position < positions;
	for (int64_t k = 0; k < shocks && good; k++)
	{
		good = shock[k].factor < factors;
		if (good)
			offsets[k + 1] = offsets[k] + factor_offsets[shock[k].factor + 1] - factor_offsets[shock[k].factor];
	}
	if (!good)
		decline("arrays of another shape than a grid has");
	return offsets;
}

void
run_stress(rk_cuda_device *device, rk_cuda_call *call)
{
	const rk_cuda_stress_params *p = (const rk_cuda_stress_params *) call->params;
	int64_t		positions;
	int64_t		lines;
	int64_t		factors;
	stress_grid g = {};
	const __int128 *values = input_of<__int128>(call, 0, &positions);
	const rk_stress_line *line = input_of<rk_stress_line>(call, 1, &lines);
	const int64_t *factor_offsets = input_of<int64_t>(call, 2, &factors);
	const rk_stress_shock *shock = input_of<rk_stress_shock>(call, 3, &g.shocks);
	std::vector<int64_t> offsets = count_rows(line, lines, positions, factor_offsets, factors - 1, shock, g.shocks);
	int64_t		rows = offsets[g.shocks];
	int			bad = 0;
	device_array<__int128> on_values;
	device_array<rk_stress_line> on_lines;
	device_array<int64_t> on_factors;
	device_array<rk_stress_shock> on_shocks;
	device_array<int64_t> on_offsets;
	device_array<__int128> out;
	device_array<int> overflow;
	stress_plan plan;

	if (p == nullptr || call->params_bytes != sizeof(*p) || p->scale < 0 || p->scale > 38 || rows < 1 ||
		call->output[0].bytes != (p->sums ? g.shocks : rows) * (int64_t) sizeof(rk_decimal))
		decline("arrays of another shape than a grid has");
	on_values.load(device, values, positions, &call->usage);
	on_lines.load(device, line, lines, &call->usage);
	on_factors.load(device, factor_offsets, factors, &call->usage);
	on_shocks.load(device, shock, g.shocks, &call->usage);
	on_offsets.load(device, offsets.data(), g.shocks + 1, &call->usage);
	out.allocate(device, p->sums ? g.shocks : rows);
	overflow.allocate(device, 1);
	overflow.fill(0);
	g.values = on_values.get();
	g.lines = on_lines.get();
	g.factor_offsets = on_factors.get();
	g.shock = on_shocks.get();
	g.offsets = on_offsets.get();
	g.scale = p->scale;
	/* a sum of all lines fits whatever their order; the CPU is to say what does not */
	g.largest = (__int128) (((unsigned __int128) 1 << 127) - 1) / (p->sums ? lines : 1);
	if (p->sums)
		plan = make_plan(shock, g.shocks, factor_offsets, factors - 1);

	kernel_timer timer(device, &call->usage);

	if (p->sums)
		run_sums(device, call, g, plan, out.get(), overflow.get());
	else
	{
		for (int64_t first = 0; first < rows; first += LAUNCH_ROWS)
		{
			int64_t		last = min(first + LAUNCH_ROWS, rows);

			if (stopped(call))
				stop_now();
			RK_LAUNCH(make_rows, blocks_for(last - first, THREADS), THREADS, device->stream)
				(g, first, last, out.get(), overflow.get());
			check_launch();
			check(cudaStreamSynchronize(device->stream));
		}
		call->usage.bytes_moved += rows * (int64_t) (sizeof(rk_stress_line) + 2 * sizeof(rk_decimal));
	}
	timer.stop();
	check(cudaMemcpyAsync(&bad, overflow.get(), sizeof(bad), cudaMemcpyDeviceToHost, device->stream));
	check(cudaStreamSynchronize(device->stream));
	if (bad)
		decline("amounts that are out of range, or nearly so");
	out.store((rk_decimal *) call->output[0].data, &call->usage);
	check(cudaStreamSynchronize(device->stream));
}
