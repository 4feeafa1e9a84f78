/*
 * similarity_stream.h
 *	  Rows of all pairs in batches, made node by node on all threads.
 */
#ifndef RK_SIMILARITY_STREAM_H
#define RK_SIMILARITY_STREAM_H

#include "similarity_rows.h"

#define RK_STREAM_CHUNKS 1024	/* in a batch, at most */
#define RK_STREAM_SEARCH (1 << 22)	/* rows that are searched for at a time, if no
									 * node needs more */

/* What makes the rows. */
typedef struct rk_similarity_source
{
	void	   *arg;
	int64_t		nodes;
	bool		common;			/* rows have this number */
	bool		distance;

	/* How many rows a node has at most, and its work; a chunk is 65536. */
	int64_t		(*most_rows) (void *arg, int64_t u);
	int64_t		(*work) (void *arg, int64_t u);

	/*
	 * Adds the rows of nodes [begin, end) that score at least the stream's
	 * threshold to out, which has room for them; false when the run is to
	 * stop.
	 */
	bool		(*rows) (void *arg, int64_t begin, int64_t end, int thread,
						 rk_similarity_rows *out);

	/*
	 * NULL, or another way to the rows of nodes from begin on: fills in out, which
	 * has room for capacity of them, and *next.  best: under top_k, so many are
	 * enough; 0: all.  False when it is not to be tried again; then prepare is
	 * called, and the functions above make the rest.
	 */
	bool		(*search) (void *arg, int64_t begin, double threshold, int64_t best,
						   int64_t capacity, rk_similarity_rows *out, int64_t *next);
	rk_status	(*prepare) (void *arg);
	int64_t		most;			/* rows that a node has at most, before prepare */
} rk_similarity_source;

typedef struct rk_similarity_stream
{
	rk_ctx	   *ctx;
	rk_similarity_source source;
	int64_t		top_k;			/* 0: all */
	double		threshold;		/* scores below are not wanted; rises under
								 * top_k, between batches */
	rk_similarity_rows buffer;
	int64_t		capacity;		/* of the buffer */
	int64_t		budget;			/* rows of the next batch, at most, if it has
								 * more than one node */
	int64_t		next_node;
	int64_t		bounds[RK_STREAM_CHUNKS + 1];
	int64_t		offset[RK_STREAM_CHUNKS];	/* of the chunk's rows in the buffer */
	int64_t		count[RK_STREAM_CHUNKS];
	int64_t		used;			/* chunks of this batch */
	int64_t		read;			/* of these, handed out */
	rk_similarity_rows best;	/* under top_k */
	int64_t		best_capacity;
	bool		sorted;			/* they are complete and in order */
} rk_similarity_stream;

/* Starts a stream; what begin allocates, end frees. */
extern rk_status rk_similarity_stream_begin(rk_ctx *ctx, const rk_similarity_source *source,
											double min_score, int64_t top_k,
											rk_similarity_stream *s);

/* rows point into the stream; count 0 at the end. */
extern rk_status rk_similarity_stream_next(rk_similarity_stream *s, rk_similarity_rows *rows);
extern void rk_similarity_stream_end(rk_similarity_stream *s);

/*
 * Bytes for nodes of which none has more than most rows; row: bytes of one;
 * search: there is another way.
 */
extern int64_t rk_similarity_stream_memory(int64_t nodes, int64_t most, int64_t top_k,
										   int64_t row, bool search);

#endif							/* RK_SIMILARITY_STREAM_H */
