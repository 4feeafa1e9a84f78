/*
 * peers.cu
 *	  cuSPARSE's matrix-vector product, for comparison with row_sums.cuh.
 */
#include "peers.h"

#include <algorithm>
#include <cuda_runtime.h>
#include <cusparse.h>
#include <vector>

#define TRY(call) do { if ((call) != 0) goto done; } while (0)

extern "C" double
rk_peer_spmv(int64_t rows, int64_t entries, const int64_t *offsets, const uint32_t *neighbors,
			 const double *values, int repeats)
{
	int32_t    *d_offsets = nullptr;
	int32_t    *d_columns = nullptr;
	double	   *d_values = nullptr;
	double	   *d_x = nullptr;
	double	   *d_y = nullptr;
	void	   *buffer = nullptr;
	size_t		buffer_bytes = 0;
	double		one = 1;
	double		zero = 0;
	double		result = -1;
	cusparseHandle_t handle = nullptr;
	cusparseSpMatDescr_t matrix = nullptr;
	cusparseDnVecDescr_t x = nullptr;
	cusparseDnVecDescr_t y = nullptr;
	cudaEvent_t begin = nullptr;
	cudaEvent_t end = nullptr;
	std::vector<double> times;
	/* it is fastest with indices of 32 bits */
	std::vector<int32_t> ends(offsets, offsets + rows + 1);
	std::vector<int32_t> columns(neighbors, neighbors + entries);
	std::vector<double> ones(rows, 1.0);

	if (entries > INT32_MAX || rows >= INT32_MAX)
		return -1;
	TRY(cudaMalloc(&d_offsets, (rows + 1) * sizeof(int32_t)));
	TRY(cudaMalloc(&d_columns, std::max<int64_t>(entries, 1) * sizeof(int32_t)));
	TRY(cudaMalloc(&d_values, std::max<int64_t>(entries, 1) * sizeof(double)));
	TRY(cudaMalloc(&d_x, rows * sizeof(double)));
	TRY(cudaMalloc(&d_y, rows * sizeof(double)));
	TRY(cudaMemcpy(d_offsets, ends.data(), (rows + 1) * sizeof(int32_t), cudaMemcpyHostToDevice));
	TRY(cudaMemcpy(d_columns, columns.data(), entries * sizeof(int32_t), cudaMemcpyHostToDevice));
	TRY(cudaMemcpy(d_values, values, entries * sizeof(double), cudaMemcpyHostToDevice));
	TRY(cudaMemcpy(d_x, ones.data(), rows * sizeof(double), cudaMemcpyHostToDevice));
	TRY(cusparseCreate(&handle));
	TRY(cusparseCreateCsr(&matrix, rows, rows, entries, d_offsets, d_columns, d_values, CUSPARSE_INDEX_32I,
						  CUSPARSE_INDEX_32I, CUSPARSE_INDEX_BASE_ZERO, CUDA_R_64F));
	TRY(cusparseCreateDnVec(&x, rows, d_x, CUDA_R_64F));
	TRY(cusparseCreateDnVec(&y, rows, d_y, CUDA_R_64F));
	TRY(cusparseSpMV_bufferSize(handle, CUSPARSE_OPERATION_NON_TRANSPOSE, &one, matrix, x, &zero, y, CUDA_R_64F,
								CUSPARSE_SPMV_CSR_ALG2, &buffer_bytes));
	TRY(cudaMalloc(&buffer, std::max<size_t>(buffer_bytes, 1)));
	TRY(cudaEventCreate(&begin));
	TRY(cudaEventCreate(&end));
	for (int i = 0; i <= repeats; i++)
	{
		float		ms;

		TRY(cudaEventRecord(begin));
		TRY(cusparseSpMV(handle, CUSPARSE_OPERATION_NON_TRANSPOSE, &one, matrix, x, &zero, y, CUDA_R_64F,
						 CUSPARSE_SPMV_CSR_ALG2, buffer));
		TRY(cudaEventRecord(end));
		TRY(cudaEventSynchronize(end));
		TRY(cudaEventElapsedTime(&ms, begin, end));
		if (i > 0)
			times.push_back(1e-3 * ms);
	}
	std::sort(times.begin(), times.end());
	result = times[times.size() / 2];
done:
	if (begin)
		cudaEventDestroy(begin);
	if (end)
		cudaEventDestroy(end);
	if (x)
		cusparseDestroyDnVec(x);
	if (y)
		cusparseDestroyDnVec(y);
	if (matrix)
		cusparseDestroySpMat(matrix);
	if (handle)
		cusparseDestroy(handle);
	cudaFree(buffer);
	cudaFree(d_y);
	cudaFree(d_x);
	cudaFree(d_values);
	cudaFree(d_columns);
	cudaFree(d_offsets);
	return result;
}
