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

#include "../graph/neural/neural.h"
#include "../ring/actor.h"
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
 * The same from a vector that begins with what is wanted most: of the gathers, a
 * third of those that would go beyond the cache do, as in graphs with skewed
 * degrees.
 */
static double
hub_gather_bytes(const rk_devices *d, double n, double m)
{
	return 8 * m + (gather_bytes(d, n, m) - 8 * m) / 3;
}

/* Bytes moved to bring a graph into that order, once for several runs where it is kept. */
static double
hub_order_bytes(const rk_devices *d, double n, double m, bool weighted, bool kept)
{
	/* names are half as long as the numbers of a vector */
	return ((weighted ? 24 : 8) * m + gather_bytes(d, n / 2, m) + 90 * n) * (kept ? 0.25 : 1);
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
		.bytes_moved = iterations * (hub_gather_bytes(rk_the_devices, n, m) + (weighted ? 12 : 4) * m + 54 * n) +
			hub_order_bytes(rk_the_devices, n, m, weighted, kept),
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

	/* entries that are looked up, as counted in RMAT graphs of scale 16 to 24 */
	double		looks = 2.1 * pow(m / 2, 1.26);

	return (rk_device_cost) {
		.cpu_seconds = 1e-9 * (looks + 5 * (n + m)),
		.bytes_to = graph_bytes(n, m, false, kept),
		.bytes_from = 8 * n,
		/* a look is an entry that is read, and as long again in the table */
		.bytes_moved = 8 * looks + 16 * m + 200 * n,
		.launches = 30
	};
}

rk_device_cost
rk_device_monte_carlo_cost(const rk_device_simulation *s)
{
	double		n = s->positions;
	double		runs = s->simulations;
	double		draws = n * runs / (s->antithetic ? 2 : 1);
	/* of the triangle that correlates the returns */
	double		products = s->correlated ? n / 2 * draws : 0;
	double		prices = s->geometric ? n * runs : 0;
	/*
	 * Of the series whose sum is a chi-square number's rank, in each step towards
	 * it; with many degrees of freedom rounding keeps these from ending.
	 */
	double		steps = s->degrees_of_freedom > 1000 ? 15 : s->degrees_of_freedom > 0 ? 5 : 0;
	double		terms = steps * Min(20 + 5 * sqrt(s->degrees_of_freedom), 10000) * runs;
	double		numbers = n * (s->geometric ? 3 : 1) + (s->correlated ? n * n : 0) + (s->sobol ? 17 * n : 0);

	return (rk_device_cost) {
		/* ranking: some passes */
		.cpu_seconds = (s->sobol ? 6e-9 : 2.5e-9) * draws + 5e-11 * products + 2e-9 * prices + 1e-9 * terms +
			(s->measures ? 12e-9 * runs : 0),
		.bytes_to = 8 * numbers,
		.bytes_from = s->measures ? 200 : 8 * runs,
		.bytes_moved = (s->measures ? 96 : 8) * runs + (s->correlated ? 8 * draws * (2 + n / 128) : 0),
		/*
		 * Instructions of a draw (Philox or as many steps of Sobol's, the centre's
		 * function for all, the tails' for 15 % by full warps) are 170, in the time
		 * of 85 products added to sums; divisions of the series.  Tiles of the
		 * product reach half of the rate.
		 */
		.flops = 170 * draws + 4 * products + 60 * prices + 60 * terms,
		.launches = (s->measures ? 14 : 2) + draws / (s->correlated ? 8.4e6 : 2.7e8) + terms / 6.7e8
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
		.bytes_moved = iterations * (hub_gather_bytes(rk_the_devices, n, m) + (weighted ? 12 : 4) * m + 36 * n) + 40 * n +
			hub_order_bytes(rk_the_devices, n, m, weighted, kept),
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
		.bytes_moved = products * (hub_gather_bytes(rk_the_devices, n, m) + (weighted ? 12 : 4) * m + 250 * n) +
			(directed ? 12 * m + 30 * n : 0) + hub_order_bytes(rk_the_devices, n, m, weighted, kept),
		.launches = products / 6 + (directed ? 10 : 4)
	};
}

/* Bytes of m gathers of vectors from n of them, and of the n results. */
static double
vector_bytes(double n, double m, double numbers, int bytes)
{
	double		each = bytes * ceil(numbers * bytes / 16) * 16 / bytes;

	return (m + n) * each;
}

rk_device_cost
rk_device_gnn_cost(int64 nodes, int64 arcs, bool weighted, bool kept, const rk_gnn_model *model, int bytes)
{
	double		n = nodes;
	double		m = arcs;
	double		out = model->layer[model->layers - 1].out;
	rk_device_cost cost = {
		.bytes_to = graph_bytes(n, m, weighted, kept) + bytes * n * model->layer[0].in,
		.bytes_from = n * out * bytes,
		.launches = 6,
		/* features and embedding change their type */
		.host_seconds = bytes == 4 ? 0.5e-9 * n * (model->layer[0].in + out) : 0
	};

	if (model->output != RK_OUTPUT_NONE || out > 1)
		cost.bytes_from += 8 * n;
	if (model->output != RK_OUTPUT_NONE)
	{
		cost.bytes_from += 8 * n * out;
		cost.cpu_seconds += 8e-9 * n * out;
	}
	for (int i = 0; i < model->layers; i++)
	{
		const rk_gnn_layer *l = &model->layer[i];
		double		gathered = l->aggregation == RK_AGGREGATE_MAX ? l->in : Min(l->in, l->out);
		double		products = n * l->in * l->out * (l->self_weight ? 2 : 1);

		/* a vector of 8 float4 a cycle, in both steps */
		cost.cpu_seconds += 1e-10 * bytes / 4 * (products + 2 * m * gathered) + 2e-9 * (m + n * l->out);
		cost.bytes_moved += vector_bytes(n, m, gathered, bytes) + (weighted ? 12 : 4) * m +
			2 * bytes * n * (l->in + l->out);
		/* float4 runs at twice the rate */
		cost.flops += 2 * products * bytes / 8;
		cost.launches += 1;
	}
	return cost;
}

rk_device_cost
rk_device_attention_cost(int64 nodes, int64 arcs, bool kept, const rk_attention_model *model, int bytes,
						 bool want_attention)
{
	double		n = nodes;
	double		m = (double) arcs + nodes;
	double		width = model->width;
	double		columns = model->concat ? model->heads * width : width;
	double		out = model->output_weight ? model->out : columns;
	double		passes = model->second ? 2 : 1;
	double		products = n * columns * (model->output_weight ? out : 0);
	rk_device_cost cost = {
		.bytes_to = graph_bytes(n, arcs, false, kept) + bytes * n * model->in,
		.bytes_from = n * (out * bytes + 8 * model->heads) + (want_attention ? 8 * m * model->heads : 0),
		.launches = 6 + model->heads,
		.host_seconds = (bytes == 4 ? 0.5e-9 * n * (model->in + out) : 0) + (want_attention ? 4e-9 * m : 0)
	};

	for (int h = 0; h < model->heads; h++)
	{
		int			matrices = 1 + (model->head[h].key != model->head[h].query) +
			(model->head[h].value != model->head[h].key);

		products += matrices * n * model->in * width;
	}
	cost.cpu_seconds = 1e-10 * bytes / 4 * (products + 2 * passes * model->heads * m * width) + 15e-9 * model->heads * m;
	cost.bytes_moved = model->heads * (passes * vector_bytes(n, m, width, bytes) + 96 * m) + 12 * m +
		bytes * products / Max(width, 1) * 2;
	cost.flops = 2 * products * bytes / 8;
	return cost;
}

/* Bytes of a search by length and the counts of its paths: what of an entry is looked at is seldom the one wanted. */
static double
path_search_bytes(double n, double m)
{
	return 220 * n + m * (36 + 2 * (12 + SECTOR) + 3 * SECTOR);
}

/* So many of as many are made at a time. */
static double
path_searches(double n, double count)
{
	return Max(1, Min(count, 22e6 / Max(n, 1)));
}

rk_device_cost
rk_device_betweenness_cost(int64 nodes, int64 arcs, bool directed, bool weighted, bool edges, int64 sources,
						   int threads)
{
	double		n = nodes;
	double		m = arcs;
	double		count = sources;
	double		batch = weighted ? path_searches(n, count) : Max(1, Min(count, 67108864 / Max(n, 1)));
	/* of each source, and the way back */
	double		bytes = weighted ? path_search_bytes(n, m) + 40 * n + m * (12 + SECTOR) : 60 * n + 3 * m * (4 + SECTOR) / 2;

	return (rk_device_cost) {
		.cpu_seconds = 1e-9 * count * ((weighted ? 70 * n + 10 * m : 8 * n + 2.5 * m) + (edges ? 3 * (n + m) : 0)),
		.bytes_to = graph_bytes(n, m, weighted, false) * (directed ? 2 : 1) + 12 * n,
		.bytes_from = edges ? 8 * m : 12 * n,
		.bytes_moved = count * (bytes + (edges ? m * (4 + 2 * SECTOR) : 0)),
		/* levels of a graph whose distances are short; with lengths bins as well */
		.launches = ceil(count / batch) * (weighted ? 100 : 30),
		/* a copy without trees, hubs first */
		.host_seconds = 25e-9 * (n + m) / threads
	};
}

rk_device_cost
rk_device_path_samples_cost(int64 nodes, int64 arcs, bool directed, bool weighted, bool edges, bool kept, double epsilon,
							double delta)
{
	double		n = nodes;
	double		m = arcs;
	double		elements = edges ? m : n;
	/* a third of what paths of 16 nodes may take at most */
	double		samples = (5 + log(2 / delta)) / (6 * epsilon * epsilon);
	/* searches from both ends meet where they have seen about the root of the graph */
	double		seen = 30 * sqrt(m + 1);
	double		rounds = samples > 1024 ? 10 + 10 * log(samples / 1024) : 1;
	/* each has 16 bytes for every node, of half of the memory */
	double		memory = rk_gpu_memory_limit_mb > 0 ? 1048576.0 * rk_gpu_memory_limit_mb : 64e9;
	double		warps = Max(4, Min(4224, Min(memory / 2, 34e9) / (16 * n)));

	/* by length from one end, on the CPU until the other one is reached: about half of the graph */
	if (weighted)
		return (rk_device_cost) {
			.cpu_seconds = 1e-9 * (samples * (35 * n + 5 * m) + 40 * elements),
			.bytes_to = graph_bytes(n, m, true, kept) * (directed ? 2 : 1),
			.bytes_from = 8 * elements,
			.bytes_moved = samples * path_search_bytes(n, m) + 16 * elements * rounds,
			.launches = (rounds + samples / path_searches(n, samples)) * 80
		};
	return (rk_device_cost) {
		.cpu_seconds = 1e-9 * (samples * (4 * seen + 2000) + 40 * elements),
		.bytes_to = graph_bytes(n, m, false, kept) * (directed ? 2 : 1),
		.bytes_from = 8 * elements,
		/* a warp waits for each piece of a row, so that rates are a quarter of the memory's */
		.bytes_moved = 4 * samples * seen * (4 + 3 * SECTOR) + 16 * elements * rounds,
		/* and there are few warps where the graph is large, as launches of 5 us */
		.launches = 2 * rounds + samples * seen / 32 * 1.5e-6 / warps / 5e-6,
		/* how far paths may be, and the hits of the first samples */
		.host_seconds = directed ? 0 : 5e-9 * (n + m)
	};
}

rk_device_cost
rk_device_reach_cost(int64 nodes, int64 arcs, bool directed, bool weighted, bool kept, int64 sources)
{
	double		n = nodes;
	double		m = arcs;
	double		count = sources;
	/* without lengths searches of 256 sources, over all rows for a few of the levels */
	double		searches = weighted ? count : ceil(count / 256);
	double		beside = Max(1, Min(searches, (weighted ? 16777216 : 4194304) / Max(n, 1)));

	return (rk_device_cost) {
		.cpu_seconds = 1e-9 * (weighted ? count * (60 * n + 10 * m) : searches * (60 * n + 6 * m)),
		.bytes_to = graph_bytes(n, m, weighted, kept) * (directed ? 2 : 1) + 4 * count,
		.bytes_from = weighted ? 32 * count : 4 * count + 8 * Min(n, 2049),
		.bytes_moved = searches * (weighted ? 36 * m + 3 * gather_bytes(rk_the_devices, n, m) + 130 * n :
								   4 * (36 * m + 100 * n)),
		.launches = ceil(searches / beside) * (weighted ? 60 : 20)
	};
}

rk_device_cost
rk_device_path_pairs_cost(int64 nodes, int64 arcs, bool directed, bool weighted, bool kept, int64 pairs, int64 sources)
{
	double		n = nodes;
	double		m = arcs;
	double		count = pairs > 0 ? pairs : n;
	double		from = sources > 0 ? sources : Min(count, n);
	/* of a source with many targets, and of a pair, which is searched for from both ends */
	double		one = weighted ? 60 * n + 10 * m : 4 * n + 1.5 * m;
	double		both = 2000 + (weighted ? 15 : 4) * 30 * sqrt(m + 1);
	double		searches = weighted ? from : ceil(from / 256);
	double		beside = weighted ? path_searches(n, searches) : Max(1, Min(searches, 4194304 / Max(n, 1)));

	return (rk_device_cost) {
		.cpu_seconds = 1e-9 * (count <= 8 * from ? count * Min(one, both) : from * one),
		.bytes_to = graph_bytes(n, m, weighted, kept) * (directed ? 2 : 1) + 8 * count + 4 * from,
		.bytes_from = (weighted ? 12 : 4) * count,
		.bytes_moved = searches * (weighted ? path_search_bytes(n, m) : 4 * (36 * m + 100 * n)) + 200 * count,
		.launches = ceil(searches / beside) * (weighted ? 80 : 20),
		/* pairs, and what became of them */
		.host_seconds = 10e-9 * count
	};
}

rk_device_cost
rk_device_lengths_cost(int64 nodes, int64 arcs, bool kept)
{
	double		n = nodes;
	double		m = arcs;

	return (rk_device_cost) {
		.cpu_seconds = 1e-9 * (30 * n + 14 * m),
		.bytes_to = graph_bytes(n, m, true, kept),
		.bytes_from = 16 * n,
		/* rows are relaxed twice, say, and gone through once more for hops */
		.bytes_moved = 36 * m + 3 * gather_bytes(rk_the_devices, n, m) + 120 * n,
		.launches = 60
	};
}

rk_device_cost
rk_device_similarity_cost(int64 nodes, int64 arcs, bool weighted, bool kept, bool directed, int64 pairs, bool sums)
{
	double		n = nodes;
	double		m = arcs;
	double		count = pairs > 0 ? pairs : n;
	double		row = m / Max(n, 1);

	return (rk_device_cost) {
		/* entries of two rows that are read side by side, and where they are */
		.cpu_seconds = 1e-9 * count * (20 + (sums ? 5 : 3) * row),
		.bytes_to = graph_bytes(n, m, weighted, kept) * (directed ? 2 : 1) + 8 * count + (sums && !weighted ? 8 * n : 0),
		.bytes_from = (sums ? 12 : 4) * count,
		/* sectors of both rows, and those that halving looks at */
		.bytes_moved = count * (4 * SECTOR + (sums && weighted ? 12 : 4) * 2 * row + SECTOR * row / 4),
		.launches = 4 + count / 2e6,
		/* scores come of counts on all threads */
		.host_seconds = 2e-9 * count
	};
}

rk_device_cost
rk_device_similar_pairs_cost(int64 nodes, int64 arcs, bool weighted, bool kept, bool directed, bool sums,
							 bool both_sides, int64 limit, bool least)
{
	double		n = nodes;
	double		m = arcs;
	/* two steps from every node, as in graphs with skewed degrees */
	double		wedges = Min(6 * m / Max(n, 1), n) * m / (both_sides ? 1 : 2);
	double		rows = Min(wedges / 2, n * n / (both_sides ? 1 : 2));
	double		found = Min(limit > 0 ? limit : INFINITY, least ? rows / 20 : rows);
	/* a least score, or the worst of the best, excludes most wedges before they are counted */
	double		share = least || (limit > 0 && !both_sides) ? 0.4 : 1;

	return (rk_device_cost) {
		.cpu_seconds = 1e-9 * (wedges * (sums ? 3 : 2) + rows * 3) * share + 3e-9 * m,
		.bytes_to = graph_bytes(n, m, weighted, kept) * (directed ? 2 : 1) + (sums && !weighted ? 16 : 8) * n,
		.bytes_from = 20 * found,
		/* wedges are looked for among those of a node; rows pass by six times */
		.bytes_moved = (wedges * (sums ? 32 : 20) + rows * (sums ? 2 * SECTOR : 0) / 4 + 120 * rows) * share + 140 * m,
		.launches = 60 + 30 * Max(wedges / 1e8, rows / 4e6),
		.host_seconds = 1e-9 * found
	};
}

rk_device_cost
rk_device_labels_cost(int64 nodes, int64 arcs, bool weighted, bool kept, bool directed, bool coloured,
					  int max_iterations)
{
	double		n = nodes;
	double		m = arcs * (directed ? 2.0 : 1.0);	/* of merged rows */
	/* later ones look at few nodes, but those of CDLP at all */
	double		rounds = Min(coloured ? 4 : 10, max_iterations);
	/* as counted in RMAT graphs of scale 20 and 22; each level makes others ready */
	double		classes = coloured ? 1.8 * pow(m, 0.28) : 1;
	double		levels = coloured ? 2.6 * pow(m, 0.375) : 0;

	return (rk_device_cost) {
		.cpu_seconds = 1e-9 * (rounds * (10 * n + 4 * m) + (coloured ? 60 * n + 4 * m : 0) + (directed ? 6 * m : 0) +
							   15 * n + 2 * m),
		.bytes_to = graph_bytes(n, arcs, weighted, kept) * (directed ? 2 : 1),
		.bytes_from = 4 * n,
		.bytes_moved = rounds * (40 * n + (weighted ? 24 : 16) * m + gather_bytes(rk_the_devices, n / 2, m)) +
			(coloured ? 40 * n + 8 * m + 2 * gather_bytes(rk_the_devices, n / 2, m) : 0) + (directed ? 40 * m : 0) +
			40 * m + 120 * n,
		/* a launch of a graph of launches is shorter than one that is waited for */
		.launches = 30 + 1.5 * levels + 2.5 * classes * rounds,
		/* communities are numbered by one thread */
		.host_seconds = 12e-9 * n
	};
}

rk_device_cost
rk_device_louvain_cost(int64 nodes, int64 arcs, bool weighted, bool kept, bool directed, bool leiden)
{
	double		n = nodes;
	double		m = arcs * (directed ? 2.0 : 1.0);	/* of merged rows */
	/* Leiden runs at least twice, and looks at every node once more */
	double		runs = leiden ? 4 : 1;
	/* a node is looked at some four times, in a dozen passes; levels above add little */
	double		batches = Min(12 * 64, 4 * n) + 4 * m / 131072;
	double		gathers = gather_bytes(rk_the_devices, n / 2, m);

	weighted |= directed;
	return (rk_device_cost) {
		.cpu_seconds = 1e-9 * runs * (50 * n + 40 * m),
		.bytes_to = graph_bytes(n, m, weighted, kept && !directed) + (directed ? 24 : 16) * n,
		.bytes_from = 6 * n,
		/* moves, and the entries of the next level: gathered, written, copied */
		.bytes_moved = runs * (4 * ((weighted ? 20 : 12) * m + gathers) + gathers + 40 * m + 2000 * n),
		/* launches of a batch follow one another; some 100 moves, one after the other, take the time of one */
		.launches = runs * (400 + 3 * batches + n / 100),
		/* levels are composed */
		.host_seconds = 4e-9 * n
	};
}

rk_device_cost
rk_device_garch_cost(int64 series, int64 values, int estimates, bool alone)
{
	double		n = values;
	/* of the likelihood: starts, the search, Hessian and scores */
	double		evaluations = 25 + 8.0 * estimates;
	double		length = n / Max(series, 1);

	return (rk_device_cost) {
		.cpu_seconds = evaluations * (alone ? 10e-9 : 4.5e-9) * n,
		.bytes_to = 8 * n + 40.0 * series,
		.bytes_from = 8.0 * series * (estimates * (estimates + 1.0) + 2),
		.bytes_moved = evaluations * 64 * n,
		/* a position takes a warp's time where it waits for the one before */
		.flops = evaluations * (alone ? 12000 : 1000) * n,
		/* one series cannot be faster than its chain of operations: as launches of 5 us */
		.launches = 4 + evaluations * length * (alone ? 2e-7 : 6e-8) / 5e-6,
		.host_seconds = 20e-9 * n
	};
}

rk_device_cost
rk_device_arima_cost(int64 series, int64 values, int coefficients, int columns, int starts, int state, bool seasonal,
					 int threads)
{
	double		n = values;
	double		k = coefficients;
	double		all = k + columns - 1;
	/* gradients of differences in the search, and the Hessian */
	double		rounds = 20;
	double		evaluations = starts * rounds * (2 * k + 1) + 2 * k * (k + 2);
	double		length = n / Max(series, 1);
	/* with seasons the gain goes on changing: all of the state in each step */
	double		step = columns * (seasonal ? 10 + 3.5 * state : 3 + 0.5 * k);

	return (rk_device_cost) {
		.cpu_seconds = evaluations * 1e-9 * step * n,
		.bytes_to = 8 * n * columns + (8 + 8 * starts * k) * series,
		.bytes_from = 8 * series * (k + 2 + all * all),
		.bytes_moved = rounds * 8 * n * columns,
		/* a lane takes its time for each step, with arrays in memory more of it */
		.flops = evaluations * columns * (seasonal || state > 4 ? 200.0 * state : 250) * n,
		/* a search is as long as its chain of steps, as launches of 5 us */
		.launches = 6 + 1.5 * rounds * length * columns * (seasonal || state > 4 ? 3e-8 * state : 6e-8) / 5e-6,
		/* differences twice, and starts */
		.host_seconds = 60e-9 * n * columns / threads
	};
}

rk_device_cost
rk_device_correlation_cost(int64 assets, int64 times, int threads)
{
	double		n = assets;
	double		m = times;
	double		pairs = n * (n - 1) / 2;

	return (rk_device_cost) {
		/* the CPU's product is one thread's, as is what both do before and after */
		.cpu_seconds = threads * 4e-11 * 2 * m * pairs,
		.bytes_to = 8 * n * m,
		.bytes_from = 8 * pairs,
		.bytes_moved = 8 * n * m + 4 * n * n,
		/* matrix units have twice the rate of the others, and reach two thirds of it */
		.flops = 1.5 * m * pairs,
		.launches = 3 + m * n * n / 2.7e11
	};
}

rk_device_cost
rk_device_stress_cost(int64 sensitivities, int64 shocks, bool sums)
{
	double		n = sensitivities;
	double		rows = n * shocks;

	return (rk_device_cost) {
		.cpu_seconds = 20e-9 * rows,
		/* values and sensitivities as whole numbers */
		.bytes_to = 80 * n,
		.bytes_from = 16 * (sums ? shocks : rows),
		/* for sums the shocks of a warp read a sensitivity together */
		.bytes_moved = 80 * n + (sums ? 3 : 88) * rows,
		/* whole numbers, at the rate of float8: four products of 64 bits and a division */
		.flops = 300 * rows,
		.launches = 4 + rows / 6.7e7
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
rk_device_is_kernel_of(rk_cuda_kernel kernel, const char *id)
{
	for (int i = 0; i < lengthof(functions); i++)
		if (functions[i].kernel == kernel && strcmp(functions[i].id, id) == 0)
			return true;
	return strcmp(rk_device_kernel_id(kernel), id) == 0;
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
	/* numbers behind those of the kernels are rings */
	for (int i = 0; kernel >= RK_CUDA_KERNELS && rk_actors[i]; i++)
		if (rk_actors[i]->device && rk_actors[i]->device->kind == kernel - RK_CUDA_KERNELS)
			return psprintf("%s ring", rk_actors[i]->kernel);
	for (int i = 0; i < lengthof(functions); i++)
		if (functions[i].kernel == kernel)
			return functions[i].id;
	return "?";
}
