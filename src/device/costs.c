/*
 * costs.c
 *	  What runs take, for the choice of a device; which functions have a form.
 *
 * Seconds of the CPU are those of one core of the machine that
 * docs/performance.md was measured on; rk.device_calibrate() scales them to the
 * machine at hand.  Bytes moved in device memory count a gather of a float8
 * from an array beyond the cache as a sector of 32 bytes.
 */
#include "postgres.h"

#include <math.h>

#include "device.h"

#define SECTOR 32.0

/* Bytes of m gathers of float8 from n of them. */
static double
gather_bytes(const rk_devices *d, double n, double m)
{
	double		cache = d && d->report.device_count > 0 ? d->report.devices[d->report.device].cache : 32e6;
	double		beyond = 8 * n > cache ? 1 - cache / (8 * n) : 0;

	return m * (8 + (SECTOR - 8) * beyond);
}

/*
 * Bytes to send for one direction of a graph.  One that stays on the device is
 * sent once for several runs: four, say.
 */
static double
graph_bytes(double n, double m, bool weighted, bool kept)
{
	return (8 * (n + 1) + (weighted ? 12 : 4) * m) * (kept ? 0.25 : 1);
}

rk_device_cost
rk_device_pagerank_cost(int64 nodes, int64 arcs, bool weighted, bool kept, double damping,
						double tolerance, int max_iterations)
{
	double		n = nodes;
	double		m = arcs;
	/* the change shrinks by the damping in each iteration, about */
	double		iterations = damping > 0 ? ceil(log(tolerance) / log(damping)) : 1;

	iterations = Max(1, Min(iterations, max_iterations));
	return (rk_device_cost) {
		.cpu_seconds = iterations * 1e-9 * (2 * n + (weighted ? 2 : 1.5) * m),
		.bytes_to = graph_bytes(n, m, weighted, kept) * (weighted ? 2 : 1),
		.bytes_from = 8 * n,
		.bytes_moved = iterations * (gather_bytes(rk_the_devices, n, m) + (weighted ? 12 : 4) * m + 72 * n),
		.launches = iterations / 4 + 8
	};
}

rk_device_cost
rk_device_components_cost(int64 nodes, int64 arcs, bool kept, int threads)
{
	double		n = nodes;
	double		m = arcs;

	return (rk_device_cost) {
		.cpu_seconds = 1e-9 * (6 * n + 2 * m),
		.bytes_to = graph_bytes(n, m, false, kept),
		.bytes_from = 4 * n,
		.bytes_moved = 100 * n + 4 * m + gather_bytes(rk_the_devices, n / 2, m),
		.launches = 10,
		/* the CPU takes edges as they are, the device wants rows */
		.host_seconds = kept ? 0 : 20e-9 * m / threads
	};
}

rk_device_cost
rk_device_triangles_cost(int64 nodes, int64 arcs, bool kept)
{
	double		n = nodes;
	double		m = arcs;

	/* pairs of neighbours that are looked up, as in graphs with skewed degrees */
	double		looks = 0.36 * pow(m / 2, 1.5);

	return (rk_device_cost) {
		.cpu_seconds = 1e-9 * (looks + 5 * (n + m)),
		.bytes_to = graph_bytes(n, m, false, kept),
		.bytes_from = 8 * n,
		/* looks go to the cache, several for each */
		.bytes_moved = 64 * looks + 16 * m + 40 * n,
		.launches = 8 + m / 8e6
	};
}

rk_device_cost
rk_device_monte_carlo_cost(int64 positions, int64 simulations, bool antithetic)
{
	double		draws = (double) positions * simulations / (antithetic ? 2 : 1);

	return (rk_device_cost) {
		.cpu_seconds = 2.5e-9 * draws,
		.bytes_to = 8.0 * positions,
		.bytes_from = 8.0 * simulations,
		.bytes_moved = 8.0 * simulations,
		/* Philox, and both ways of a normal number, as threads of a warp differ */
		.flops = 200 * draws,
		.launches = 2 + draws / 2.7e8
	};
}

rk_device_cost
rk_device_bfs_cost(int64 nodes, int64 arcs, bool kept)
{
	double		n = nodes;
	double		m = arcs;

	return (rk_device_cost) {
		.cpu_seconds = 1e-9 * (4 * n + 1.5 * m),
		.bytes_to = graph_bytes(n, m, false, kept),
		.bytes_from = 8 * n,
		.bytes_moved = 4 * m + gather_bytes(rk_the_devices, n / 2, m) + 40 * n,
		/* levels of a graph whose distances are short */
		.launches = 20
	};
}

rk_device_cost
rk_device_katz_cost(int64 nodes, int64 arcs, bool weighted, bool kept, int max_iterations)
{
	double		n = nodes;
	double		m = arcs;
	/* with the alpha that is taken when none is given */
	double		iterations = Min(20, max_iterations);

	return (rk_device_cost) {
		.cpu_seconds = iterations * 1e-9 * (2 * n + (weighted ? 2 : 1.5) * m),
		.bytes_to = graph_bytes(n, m, weighted, kept),
		.bytes_from = 8 * n,
		.bytes_moved = iterations * (gather_bytes(rk_the_devices, n, m) + (weighted ? 12 : 4) * m + 40 * n) + 40 * n,
		.launches = iterations / 4 + 8
	};
}

rk_device_cost
rk_device_eigenvector_cost(int64 nodes, int64 arcs, bool weighted, bool kept, bool directed, int max_iterations)
{
	double		n = nodes;
	double		m = arcs;
	/* three plain iterations, then spaces of 12 products and one iteration */
	double		products = Min(29, max_iterations);

	return (rk_device_cost) {
		/* bases are passed through three times for each of their vectors */
		.cpu_seconds = 1e-9 * (products * ((weighted ? 2 : 1.5) * m + 22 * n) + (directed ? 6 * m : 0)),
		.bytes_to = graph_bytes(n, m, weighted, kept),
		.bytes_from = 8 * n,
		.bytes_moved = products * (gather_bytes(rk_the_devices, n, m) + (weighted ? 12 : 4) * m + 250 * n) +
			(directed ? 12 * m + 30 * n : 0),
		.launches = products / 6 + (directed ? 10 : 4)
	};
}

/* ---- which functions ---- */

typedef struct device_function
{
	const char *id;
	const char *suffix;
	rk_cuda_kernel kernel;
} device_function;

static const device_function functions[] = {
#define RK_DEVICE_FUNCTION(id, suffix, kernel) {id, suffix, kernel},
#include "functions.def"
#undef RK_DEVICE_FUNCTION
};

bool
rk_device_has_form(const char *id, const char *suffix)
{
	for (int i = 0; i < lengthof(functions); i++)
		if (strcmp(functions[i].id, id) == 0 && strcmp(functions[i].suffix, suffix) == 0)
			return true;
	return false;
}

bool
rk_device_has_kernel(const char *id)
{
	for (int i = 0; i < lengthof(functions); i++)
		if (strcmp(functions[i].id, id) == 0)
			return true;
	return false;
}

const char *
rk_device_kernel_id(rk_cuda_kernel kernel)
{
	for (int i = 0; i < lengthof(functions); i++)
		if (functions[i].kernel == kernel)
			return functions[i].id;
	return "?";
}
