/*
 * louvain_turns.h
 *	  How nodes take their turns, and what decides of them, for the CPU and for
 *	  devices.
 *
 * The nodes that are looked at in a pass are cut into batches by their work, and
 * a batch is judged by the communities as they were before it.  Many small ones
 * are as good as one node after the other; the fewer, the more moves work
 * against each other.
 */
#ifndef RK_LOUVAIN_TURNS_H
#define RK_LOUVAIN_TURNS_H

#include <stdbool.h>
#include <stdint.h>

#include "../../compute/both.h"
#include "../../compute/normal.h"
#include "../../compute/random.h"

#define LOUVAIN_ALONE UINT32_MAX	/* as a target: a community of its own */

/* More than rounding can make of a gain of nothing, as a share of strength. */
#define LOUVAIN_EPSILON 1e-12

#define LOUVAIN_NODE_WORK 4		/* of a node, beside 1 an entry of its row */
#define LOUVAIN_BATCHES 64		/* of a pass, at least ... */
#define LOUVAIN_BATCH_WORK 131072	/* ... and none larger */
#define LOUVAIN_SINGLE_WORK 128 /* a batch below this is one node */

/* A batch ends at the node with which it has this work, of total in the pass. */
RK_BOTH int64_t
rk_louvain_batch_work(int64_t total)
{
	int64_t		work = total / LOUVAIN_BATCHES;

	if (work > LOUVAIN_BATCH_WORK)
		return LOUVAIN_BATCH_WORK;
	return work < LOUVAIN_SINGLE_WORK ? 1 : work;
}

/*
 * The order of the turns: nodes by buckets that a hash draws, in each as they
 * are numbered.
 */
#define LOUVAIN_BUCKETS 65536	/* at most; a power of 2 */

RK_BOTH int64_t
rk_louvain_buckets(int64_t nodes)
{
	int64_t		buckets = 1;

	while (buckets * 2 <= nodes && buckets < LOUVAIN_BUCKETS)
		buckets *= 2;
	return buckets;
}

/*
 * Sums that round have an order.  Members of communities, by community and then
 * as they are numbered, fall into pieces of equal work; what a community has of a
 * piece is added up from nothing, by member and entry, and then the sums are.
 */
#define LOUVAIN_PIECES 64		/* of a level, at least ... */
#define LOUVAIN_PIECE_WORK 65536	/* ... and none larger */
#define LOUVAIN_LEAST_PIECE 512

/* Of a level whose nodes and entries are total work. */
RK_BOTH int64_t
rk_louvain_piece_work(int64_t total)
{
	int64_t		work = total / LOUVAIN_PIECES;

	if (work > LOUVAIN_PIECE_WORK)
		return LOUVAIN_PIECE_WORK;
	return work < LOUVAIN_LEAST_PIECE ? LOUVAIN_LEAST_PIECE : work;
}

/* Sums over all nodes are added up in chunks of so many, and then the sums are. */
#define LOUVAIN_QUALITY_CHUNK 1024

/* Q from the sums of the chunks. */
RK_BOTH double
rk_louvain_modularity(const double *inside, const double *expected, int64_t chunks, double total,
					  double resolution, bool directed)
{
	double		all_inside = 0;
	double		all_expected = 0;

	for (int64_t c = 0; c < chunks; c++)
	{
		all_inside += inside[c];
		all_expected += expected[c];
	}
	return all_inside / total - resolution * (directed ? all_expected : all_expected / 4);
}

/* ---- Leiden's refinement ---- */

/* Greater: worse joins become likelier; in mean weights of an edge of level 0. */
#define LOUVAIN_TEMPERATURE 0.01

/*
 * Weight that chance would put between a part with strengths in and out and the
 * rest of its community; an undirected graph has one kind of strength.
 */
RK_BOTH double
rk_louvain_expected_cut(double penalty, bool directed, double in, double out, double whole_in, double whole_out)
{
	double		cut = penalty * out * (whole_in - in);

	return directed ? cut + penalty * in * (whole_out - out) : cut;
}

/*
 * A node joins candidate c with a probability in proportion to exp(score_c /
 * temperature).  That is the one whose score / temperature + a number of
 * Gumbel's distribution is the largest (Gumbel 1954, Maddison, Tarlow, Minka
 * 2014), whatever the order in which they are looked at.  chain: the hash of
 * the node.
 */
RK_BOTH double
rk_louvain_gumbel(uint64_t chain, uint32_t candidate)
{
	/* neither 0 nor 1 */
	double		u = ((double) (rk_hash_fold(chain, candidate) >> 12) + 0.5) * 0x1p-52;

	return -rk_log_of_half(-rk_log_of_half(u));
}

/* Two of these numbers are no farther apart: -log(53 log 2) and 53 log 2. */
#define LOUVAIN_GUMBEL_RANGE 41

#endif							/* RK_LOUVAIN_TURNS_H */
