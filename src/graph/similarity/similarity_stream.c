/*
 * similarity_stream.c
 *	  Rows of all pairs in batches, made node by node on all threads.
 *
 * Nodes are worked off in rising order in chunks that are cut from their work
 * alone.  A batch takes as many as the buffer surely has room for; its chunks
 * write next to each other's place, and their rows are handed out where they
 * lie.  Under top_k the rows of a batch go through a heap instead, and the
 * worst of it is the threshold of the next batch.
 */
#include "similarity_stream.h"

#include "../../compute/parallel.h"

#define CHUNK_WORK 65536
#define BUFFER_ROWS (1 << 18)	/* rows of a batch, if no node needs more */

/* Rows the buffer of a batch holds: the largest node fits. */
static int64_t
buffer_rows(int64_t all, int64_t largest)
{
	int64_t		rows = largest > BUFFER_ROWS ? largest : BUFFER_ROWS;

	return all < rows ? all : rows;
}

/* The same for rows that are searched for. */
static int64_t
search_rows(int64_t nodes, int64_t most, int64_t top_k)
{
	int64_t		rows = most > RK_STREAM_SEARCH ? most : RK_STREAM_SEARCH;

	if (most < rows / nodes)
		rows = most * nodes;
	return top_k && top_k < rows ? top_k : rows;
}

/*
 * Rows of the buffer for a search: of the memory that is left, half at most.  0:
 * they would not be enough.
 */
static int64_t
affordable_rows(const rk_similarity_stream *s)
{
	const rk_similarity_source *source = &s->source;
	int64_t		rows = search_rows(source->nodes, source->most, s->top_k);
	int64_t		row = 2 * sizeof(uint32_t) + sizeof(double) + (source->common ? sizeof(uint32_t) : 0) +
		(source->distance ? sizeof(double) : 0);
	int64_t		afford = s->ctx->memory_limit > 0 ? (s->ctx->memory_limit - s->ctx->memory_used) / (2 * row) : rows;

	if (afford >= rows)
		return rows;
	return afford >= source->most ? afford : 0;
}

/* The buffer for rows that are made node by node. */
static rk_status
make_buffer(rk_similarity_stream *s)
{
	rk_ctx	   *ctx = s->ctx;
	const rk_similarity_source *source = &s->source;
	int64_t		all = 0;
	int64_t		largest = 0;

	for (int64_t u = 0; u < source->nodes; u++)
	{
		int64_t		most = source->most_rows(source->arg, u);

		if ((u & 0xfffff) == 0 && rk_ctx_poll(ctx))
			return RK_STOPPED;
		largest = most > largest ? most : largest;
		/* beyond the buffer it does not matter */
		if (all < INT64_MAX / 2)
			all += most;
	}
	s->capacity = buffer_rows(all, largest);
	/* the sooner there are k rows, the sooner they exclude others */
	s->budget = s->top_k && s->capacity > 16384 ? 16384 : s->capacity;
	return rk_similarity_rows_make(ctx, s->capacity, source->common, source->distance, &s->buffer);
}

/* From a search to rows that are made node by node. */
static rk_status
leave_search(rk_similarity_stream *s)
{
	rk_status	status;

	s->source.search = NULL;
	rk_similarity_rows_free(s->ctx, &s->buffer);
	status = s->source.prepare(s->source.arg);
	return status == RK_OK ? make_buffer(s) : status;
}

rk_status
rk_similarity_stream_begin(rk_ctx *ctx, const rk_similarity_source *source, double min_score,
						   int64_t top_k, rk_similarity_stream *s)
{
	rk_status	status;

	s->ctx = ctx;
	s->source = *source;
	s->top_k = top_k;
	s->threshold = min_score;
	s->best_capacity = top_k < 1024 ? top_k : 1024;
	if (source->search && (s->capacity = affordable_rows(s)) > 0)
		status = rk_similarity_rows_make(ctx, s->capacity, source->common, source->distance, &s->buffer);
	else if (source->search)
		status = leave_search(s);
	else
		status = make_buffer(s);
	if (status == RK_OK && top_k)
		status = rk_similarity_rows_make(ctx, s->best_capacity, source->common, source->distance, &s->best);
	if (status == RK_OK)
		rk_phase(ctx, "computing", source->nodes);
	return status;
}

/* A batch that is searched for; false: the rest is made node by node. */
static bool
search_batch(rk_similarity_stream *s)
{
	int64_t		next = s->next_node;
	rk_similarity_rows out = rk_similarity_rows_from(&s->buffer, 0);

	rk_progress(s->ctx, s->next_node);
	if (!s->source.search(s->source.arg, s->next_node, s->threshold, s->top_k <= s->capacity ? s->top_k : 0,
						  s->capacity, &out, &next) ||
		next <= s->next_node || next > s->source.nodes || out.count < 0 || out.count > s->capacity)
		return false;
	s->used = 1;
	s->read = 0;
	s->offset[0] = 0;
	s->count[0] = out.count;
	s->next_node = next;
	return true;
}

static void
do_chunk(void *arg, int64_t begin, int64_t end, int64_t number, int thread)
{
	rk_similarity_stream *s = arg;
	rk_similarity_rows out = rk_similarity_rows_from(&s->buffer, s->offset[number]);

	if (s->source.rows(s->source.arg, begin, end, thread, &out))
		s->count[number] = out.count;
}

/* Runs the next nodes, as many as the buffer surely has room for. */
static rk_status
run_batch(rk_similarity_stream *s)
{
	const rk_similarity_source *source = &s->source;
	int64_t		rows = 0;
	int64_t		u = s->next_node;

	if (source->search)
	{
		rk_status	status;

		if (search_batch(s))
			return RK_OK;
		if ((status = leave_search(s)) != RK_OK)
			return status;
	}
	s->used = s->read = 0;
	while (s->used < RK_STREAM_CHUNKS && u < source->nodes)
	{
		int64_t		work = 0;
		int64_t		first = u;
		int64_t		offset = rows;

		for (; u < source->nodes && work < CHUNK_WORK; u++)
		{
			int64_t		most = source->most_rows(source->arg, u);

			if (rows + most > (rows ? s->budget : s->capacity))
				break;
			rows += most;
			work += source->work(source->arg, u) + 16;
		}
		if (u == first)
			break;
		s->offset[s->used] = offset;
		s->count[s->used] = 0;
		s->bounds[s->used++] = first;
	}
	s->bounds[s->used] = u;
	s->next_node = u;
	rk_progress(s->ctx, s->bounds[0]);
	if (s->budget < s->capacity)
		s->budget = s->budget * 2 < s->capacity ? s->budget * 2 : s->capacity;
	return s->used > 0 ? rk_parallel_ranges(s->ctx, s->bounds, s->used, do_chunk, s) : RK_OK;
}

/* Puts the rows of the batch among the best, and so raises the threshold. */
static rk_status
keep_best(rk_similarity_stream *s)
{
	for (int64_t c = 0; c < s->used; c++)
	{
		rk_similarity_rows rows = rk_similarity_rows_from(&s->buffer, s->offset[c]);

		for (int64_t i = 0; i < s->count[c]; i++)
		{
			if ((i & 0xffff) == 0 && rk_ctx_poll(s->ctx))
				return RK_STOPPED;
			if (s->best.count == s->best_capacity && s->best_capacity < s->top_k)
			{
				s->best_capacity = s->best_capacity * 2 < s->top_k ? s->best_capacity * 2 : s->top_k;
				if (rk_similarity_rows_grow(s->ctx, s->best_capacity, &s->best) != RK_OK)
					return RK_ERR_MEMORY;
			}
			rk_similarity_keep(&s->best, s->top_k, (rk_similarity_row) {
				rows.a[i], rows.b[i], rows.score[i], rows.common ? rows.common[i] : 0,
				rows.distance ? rows.distance[i] : 0
			});
		}
	}
	if (s->best.count == s->top_k && s->best.score[0] > s->threshold)
		s->threshold = s->best.score[0];
	return RK_OK;
}

rk_status
rk_similarity_stream_next(rk_similarity_stream *s, rk_similarity_rows *rows)
{
	rk_status	status;

	rows->count = 0;
	if (s->top_k)
	{
		while (s->next_node < s->source.nodes)
			if ((status = run_batch(s)) != RK_OK || (status = keep_best(s)) != RK_OK)
				return status;
		if (!s->sorted)
		{
			if ((status = rk_similarity_sort(s->ctx, &s->best)) != RK_OK)
				return status;
			s->sorted = true;
			*rows = s->best;
		}
		return RK_OK;
	}
	for (;;)
	{
		while (s->read < s->used)
		{
			int64_t		c = s->read++;

			if (s->count[c] > 0)
			{
				*rows = rk_similarity_rows_from(&s->buffer, s->offset[c]);
				rows->count = s->count[c];
				return RK_OK;
			}
		}
		if (s->next_node >= s->source.nodes)
			return RK_OK;
		if ((status = run_batch(s)) != RK_OK)
			return status;
	}
}

void
rk_similarity_stream_end(rk_similarity_stream *s)
{
	rk_similarity_rows_free(s->ctx, &s->buffer);
	rk_similarity_rows_free(s->ctx, &s->best);
}

int64_t
rk_similarity_stream_memory(int64_t nodes, int64_t most, int64_t top_k, int64_t row, bool search)
{
	double		pairs = 0.5 * nodes * nodes;
	int64_t		best = pairs < top_k ? (int64_t) pairs : top_k;

	int64_t		buffer = buffer_rows(INT64_MAX, most);

	/* one of the two buffers at a time */
	if (search && search_rows(nodes > 0 ? nodes : 1, most, top_k) > buffer)
		buffer = search_rows(nodes, most, top_k);
	/* the heap is there twice while it grows to its full size */
	return row * (buffer + best + best / 2);
}
