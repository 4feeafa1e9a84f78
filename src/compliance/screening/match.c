/*
 * match.c
 *	  The best entries for each query: sanctions and PEP screening, entity
 *	  resolution.
 *
 * For a query the entries are passed in runs of 64 that have the same length.
 * What a pair must score says how similar the names must be, that says how many
 * symbols they must share, and bits say how many they can share at most; what
 * is left is compared.  A query that wants a few entries first looks for very
 * good ones only, and for less good ones when these were not enough: each look
 * is over all entries, but the first ones compare almost nothing.
 */
#include "screening.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "../../compute/clones.h"
#include "../../compute/parallel.h"
#include "name_index.h"
#include "name_terms.h"

#define RESULT_BYTES (INT64_C(64) << 20)	/* of results that are not yet handed on */
#define WORK_OF_CHUNK 400000	/* pairs that one chunk of queries looks at */
#define PAIRS_TO_POLL 50000		/* between two looks whether to stop */

/* An entry that scores enough. */
typedef struct hit
{
	double		score;
	double		similarity;		/* of the names */
	uint32_t	order;			/* among equal scores */
	uint32_t	entry;
	uint32_t	name;			/* the entry's name that is most alike */
} hit;

/* The name of a row that is most alike so far; -1: none is known. */
typedef struct best_name
{
	double		similarity;
	uint32_t	name;
} best_name;

#define WAITING 256				/* entries whose memory is on its way */

/* An entry that shares enough symbols. */
typedef struct candidate
{
	const rk_name_entry *entry;
	int64_t		common;
} candidate;

/* What a thread works with. */
typedef struct worker
{
	rk_name_matcher matcher;
	uint8_t    *seen;			/* [alphabet] */
	best_name  *best;			/* [rows of entries] */
	hit		   *hits;			/* [rows of entries] */
	int64_t		hit_count;
	candidate	waiting[WAITING];
	int			waiting_count;
	int64_t		until_poll;
	bool		stop;

	/* of the running query */
	int64_t		row;
	int64_t		name;
	double		least;			/* score */
	double		need[RK_DATE_AGREEMENTS][RK_COUNTRY_AGREEMENTS];
} worker;

typedef struct search
{
	rk_ctx	   *ctx;
	const rk_match_side *queries;
	const rk_match_side *entries;
	const rk_match_params *params;
	rk_name_index index;
	rk_name_terms terms;		/* words or sounds, for methods that find names by them */
	rk_run_fn	run;
	worker	   *workers;
	_Atomic(uint32_t) *parent;	/* clusters: else NULL */

	/* results of a batch of queries */
	int64_t		first_query;
	int64_t		slots;			/* of each query */
	hit		   *batch;
	int64_t    *batch_count;
} search;

/* ---- clusters ---- */

/* The first row of a row's component so far; shortens the way to it. */
static uint32_t
root_of(_Atomic(uint32_t) *parent, uint32_t row)
{
	uint32_t	up = atomic_load_explicit(&parent[row], memory_order_relaxed);

	while (up != row)
	{
		uint32_t	next = atomic_load_explicit(&parent[up], memory_order_relaxed);

		/* roots only get smaller, so this is right whoever else is at work */
		if (next != up)
			atomic_compare_exchange_weak_explicit(&parent[row], &up, next, memory_order_relaxed, memory_order_relaxed);
		row = next;
		up = atomic_load_explicit(&parent[row], memory_order_relaxed);
	}
	return row;
}

/* Joins two components; the smaller row stays the root. */
static void
join(_Atomic(uint32_t) *parent, uint32_t a, uint32_t b)
{
	for (;;)
	{
		uint32_t	expected;

		a = root_of(parent, a);
		b = root_of(parent, b);
		if (a == b)
			return;
		if (a < b)
		{
			uint32_t	swap = a;

			a = b;
			b = swap;
		}
		expected = a;
		if (atomic_compare_exchange_strong_explicit(&parent[a], &expected, b, memory_order_relaxed, memory_order_relaxed))
			return;
	}
}

/* ---- one pair ---- */

static inline uint32_t
code_of(const uint32_t *codes, int64_t row)
{
	return codes ? codes[row] : RK_NO_CODE;
}

static inline rk_date_agreement
dates_of(const search *s, int64_t row, int64_t entry)
{
	return rk_compare_dates(code_of(s->queries->dates, row), code_of(s->entries->dates, entry));
}

static inline rk_country_agreement
countries_of(const search *s, int64_t row, int64_t entry)
{
	return rk_compare_countries(code_of(s->queries->countries, row), code_of(s->entries->countries, entry));
}

/* Whether two rows may match at all. */
static inline bool
may_match(const search *s, int64_t row, int64_t entry)
{
	uint32_t	type = code_of(s->queries->types, row);
	uint32_t	other = code_of(s->entries->types, entry);

	if (s->params->within && entry <= row)
		return false;
	if (type != RK_NO_CODE && other != RK_NO_CODE && type != other)
		return false;
	return s->queries->blocks == NULL || s->queries->blocks[row] == s->entries->blocks[entry];
}

static bool
stop_now(search *s, worker *w, int64_t work)
{
	w->until_poll -= work;
	if (w->until_poll <= 0)
	{
		w->until_poll = PAIRS_TO_POLL;
		w->stop = w->stop || rk_chunk_should_stop(s->ctx, w->matcher.thread);
	}
	return w->stop;
}

/* Keeps what a comparison found. */
static void
keep(search *s, worker *w, uint32_t name, uint32_t entry, double similarity)
{
	best_name  *best = &w->best[entry];

	if (s->parent)
	{
		if (rk_match_score(&s->params->rule, similarity, dates_of(s, w->row, entry), countries_of(s, w->row, entry)) >= w->least)
			join(s->parent, (uint32_t) w->row, entry);
		return;
	}
	if (best->similarity < 0)
		w->hits[w->hit_count++].entry = entry;
	if (similarity > best->similarity || (similarity == best->similarity && name < best->name))
		*best = (best_name) {similarity, name};
}

/* Compares the running query's name with another that shares common symbols at most. */
static void
consider(search *s, worker *w, const rk_name_entry *e, int64_t common)
{
	double		need = w->need[0][0];
	double		similarity;

	if (!may_match(s, w->row, e->owner))
		return;
	if (s->params->rule.model != RK_MODEL_NAME)
	{
		need = w->need[dates_of(s, w->row, e->owner)][countries_of(s, w->row, e->owner)];
		if (need > 1 || common < rk_common_needed(s->params->method, w->matcher.length, e->length, need, 4))
			return;
	}
	if (s->parent && root_of(s->parent, (uint32_t) w->row) == root_of(s->parent, e->owner))
		return;
	if (s->params->method == RK_PHONETIC)
		similarity = rk_terms_meet(&s->terms, w->name, e->name);
	else
		similarity = rk_matcher_compare(&w->matcher, s->entries->names, e->offset, e->length,
										need > w->best[e->owner].similarity ? need : w->best[e->owner].similarity);
	stop_now(s, w, 8 + e->length / 16);
	if (similarity >= need)
		keep(s, w, e->name, e->owner, similarity);
}

/* ---- one query ---- */

/* What names must score for a pair to score at least that; returns the least of it. */
static double
set_needs(const search *s, worker *w)
{
	bool		has_date = code_of(s->queries->dates, w->row) != RK_NO_DATE && s->entries->dates != NULL;
	bool		has_country = code_of(s->queries->countries, w->row) != RK_NO_CODE && s->entries->countries != NULL;
	double		least = 2;

	for (int d = 0; d < (has_date ? RK_DATE_AGREEMENTS : 1); d++)
		for (int c = 0; c < (has_country ? RK_COUNTRY_AGREEMENTS : 1); c++)
		{
			w->need[d][c] = rk_match_need(&s->params->rule, w->least, d, c);
			least = fmin(least, w->need[d][c]);
		}
	return least;
}

/* The common symbols that names of a length need, by how many they both begin with. */
static void
needed_by_prefix(rk_name_method method, int64_t length, int64_t other, double need, int64_t needed[5])
{
	for (int p = 0; p < 5; p++)
		needed[p] = p == 0 || method == RK_JARO_WINKLER ? rk_common_needed(method, length, other, need, p) : needed[0];
}

/* Compares the candidates that wait. */
static void
consider_waiting(search *s, worker *w)
{
	for (int k = 0; k < w->waiting_count; k++)
	{
		const rk_name_entry *e = w->waiting[k].entry;

		for (int f = 0; f < s->entries->names->forms; f++)
			__builtin_prefetch(s->entries->names->form[f] + e->offset);
		__builtin_prefetch(&w->best[e->owner]);
	}
	for (int k = 0; k < w->waiting_count && !w->stop; k++)
		consider(s, w, w->waiting[k].entry, w->waiting[k].common);
	w->waiting_count = 0;
}

/* Takes those of a run that may share enough symbols, after a first look for all of them. */
__attribute__((always_inline)) static inline void
pass_run(search *s, worker *w, int64_t begin, int64_t count, int64_t slack, const rk_name_bits *bits,
		 const int64_t needed[5])
{
	const rk_name_index *index = &s->index;
	uint64_t	found = s->run(index, begin, count, bits, needed[0] - slack, needed[4] - slack);

	for (uint64_t left = found; left; left &= left - 1)
		__builtin_prefetch(&index->entry[begin + __builtin_ctzll(left)]);
	for (; found; found &= found - 1)
	{
		int64_t		at = begin + __builtin_ctzll(found);
		const rk_name_entry *e = &index->entry[at];
		int64_t		common = rk_shared_bits(index, at, bits) + slack;
		int			p = rk_shared_prefix(e, bits, 0);
		int			q = rk_shared_prefix(e, bits, 1);

		w->waiting[w->waiting_count] = (candidate) {e, common};
		w->waiting_count += common >= needed[p > q ? p : q];
	}
	if (w->waiting_count > WAITING - RK_RUN - 1)
		consider_waiting(s, w);
}

/* Passes all entries of the query's block with as many common symbols as a similarity needs. */
RK_CLONES static void
pass_entries(search *s, worker *w, double need)
{
	const rk_name_index *index = &s->index;
	rk_name_bits bits = rk_name_bits_of(index, s->queries->names, w->name, w->seen);
	int64_t		length = w->matcher.length;
	uint32_t	block = s->queries->blocks ? s->queries->blocks[w->row] : 0;
	int64_t		group_length = -1;
	int64_t		needed[5] = {0};

	for (int64_t g = index->block_groups[block]; g < index->block_groups[block + 1] && !w->stop; g++)
	{
		const rk_name_group *group = &index->group[g];
		int64_t		end = group[1].begin;
		int64_t		slack = group->slack < bits.slack ? group->slack : bits.slack;

		if (group->length != group_length)
		{
			group_length = group->length;
			needed_by_prefix(s->params->method, length, group_length, need, needed);
		}
		if (needed[4] > length || needed[4] > group_length)
		{
			stop_now(s, w, 1);
			continue;
		}
		for (int64_t at = group->begin; at < end && !stop_now(s, w, RK_RUN); at += RK_RUN)
			pass_run(s, w, at, end - at < RK_RUN ? end - at : RK_RUN, slack, &bits, needed);
	}
	consider_waiting(s, w);
}

/* Compares with a name that is found by a term. */
static void
consider_name(search *s, worker *w, uint32_t name)
{
	const rk_name_set *names = s->entries->names;
	rk_name_entry e = {name, names->owner[name], {0, 0}, names->offsets[name], rk_name_length(names, name)};

	consider(s, w, &e, INT64_MAX);
}

/* Looks for entries that score at least w->least; leaves them as touched. */
static void
look(search *s, worker *w)
{
	const rk_name_set *names = s->queries->names;
	double		need = set_needs(s, w);
	bool		by_terms = s->terms.count > 0;

	if (need > 1 || (s->queries->blocks && s->queries->blocks[w->row] == RK_NO_CODE))
		return;
	for (int64_t i = names->first[w->row]; i < names->first[w->row + 1] && !w->stop; i++)
	{
		w->name = i;
		rk_matcher_set(&w->matcher, names, i);
		for (int64_t t = 0; by_terms && need > 0 && t < rk_terms_of(&s->terms, i); t++)
		{
			const uint32_t *found;
			int64_t		count = rk_terms_entries(&s->terms, i, t, &found);

			for (int64_t k = 0; k < count && !w->stop; k++)
				consider_name(s, w, found[k]);
		}
		if (s->params->method != RK_PHONETIC || need <= 0)
			pass_entries(s, w, need);
	}
}

/* Turns the touched entries into hits, if they score enough. */
static void
score_hits(search *s, worker *w)
{
	int64_t		n = 0;

	for (int64_t k = 0; k < w->hit_count; k++)
	{
		uint32_t	entry = w->hits[k].entry;
		best_name  *best = &w->best[entry];
		double		score = rk_match_score(&s->params->rule, best->similarity, dates_of(s, w->row, entry),
										   countries_of(s, w->row, entry));

		if (score >= w->least)
			w->hits[n++] = (hit) {score, best->similarity, s->params->order ? s->params->order[entry] : entry, entry,
			best->name};
		best->similarity = -1;
	}
	w->hit_count = n;
}

static int
compare_hits(const void *a, const void *b)
{
	const hit  *x = a;
	const hit  *y = b;

	if (x->score != y->score)
		return x->score > y->score ? -1 : 1;
	return (x->order > y->order) - (x->order < y->order);
}

/* Lets the hit at i sink to where no worse one is above it: the worst on top. */
static void
sift(hit *heap, int64_t n, int64_t i)
{
	for (;;)
	{
		int64_t		worst = i;
		hit			swap = heap[i];

		for (int64_t c = 2 * i + 1; c <= 2 * i + 2 && c < n; c++)
			if (compare_hits(&heap[c], &heap[worst]) > 0)
				worst = c;
		if (worst == i)
			return;
		heap[i] = heap[worst];
		heap[worst] = swap;
		i = worst;
	}
}

/* The best k of the hits, in order. */
static void
keep_best(worker *w, int64_t k)
{
	if (w->hit_count > k)
	{
		for (int64_t i = k / 2 - 1; i >= 0; i--)
			sift(w->hits, k, i);
		for (int64_t i = k; i < w->hit_count; i++)
		{
			if (compare_hits(&w->hits[i], &w->hits[0]) > 0)
				continue;
			w->hits[0] = w->hits[i];
			sift(w->hits, k, 0);
		}
		w->hit_count = k;
	}
	qsort(w->hits, w->hit_count, sizeof(hit), compare_hits);
}

/* The scores looked for, one after the other, before the least that is wanted. */
#define LEVELS 7

static const double levels[LEVELS] = {0.94, 0.88, 0.82, 0.76, 0.70, 0.60, 0.45};

static void
match_query(search *s, worker *w, int64_t row)
{
	/* who wants all entries finds them in one look */
	int			level = s->parent || s->slots >= s->entries->names->rows ? LEVELS : 0;

	w->row = row;
	for (;;)
	{
		bool		more = level < LEVELS && levels[level] > s->params->min_score;

		w->least = more ? levels[level++] : s->params->min_score;
		w->hit_count = 0;
		look(s, w);
		if (s->parent)
			return;
		score_hits(s, w);
		if (w->stop || w->hit_count >= s->slots || w->least == s->params->min_score)
			break;
	}
	keep_best(w, s->slots);
}

static void
match_chunk(void *arg, int64_t begin, int64_t end, int64_t chunk, int thread)
{
	search	   *s = arg;
	worker	   *w = &s->workers[thread];

	(void) chunk;
	for (int64_t i = begin; i < end && !w->stop; i++)
	{
		match_query(s, w, s->first_query + i);
		if (s->parent)
			continue;
		memcpy(s->batch + i * s->slots, w->hits, sizeof(hit) * w->hit_count);
		s->batch_count[i] = w->hit_count;
		if (rk_chunk_should_stop(s->ctx, thread))
			return;
	}
}

/* ---- all queries ---- */

static rk_status
make_workers(search *s, int64_t alphabet)
{
	int64_t		rows = s->entries->names->rows;
	int64_t		longest = s->queries->names->longest > s->entries->names->longest ? s->queries->names->longest :
		s->entries->names->longest;

	s->workers = rk_alloc0(s->ctx, s->ctx->threads, sizeof(worker));
	if (s->workers == NULL)
		return RK_ERR_MEMORY;
	for (int t = 0; t < s->ctx->threads; t++)
	{
		worker	   *w = &s->workers[t];

		if (rk_matcher_init(&w->matcher, s->ctx, s->params->method, alphabet, longest) != RK_OK)
			return RK_ERR_MEMORY;
		w->matcher.thread = t;
		w->until_poll = PAIRS_TO_POLL;
		w->seen = rk_alloc0(s->ctx, alphabet, 1);
		w->best = rk_alloc(s->ctx, rows, sizeof(best_name));
		w->hits = rk_alloc(s->ctx, rows, sizeof(hit));
		if (!w->seen || !w->best || !w->hits)
			return RK_ERR_MEMORY;
		for (int64_t i = 0; i < rows; i++)
			w->best[i] = (best_name) {-1, 0};
	}
	return RK_OK;
}

static int64_t
count_blocks(const rk_match_side *side)
{
	int64_t		n = 1;

	for (int64_t i = 0; side->blocks && i < side->names->rows; i++)
		if (side->blocks[i] != RK_NO_CODE && (int64_t) side->blocks[i] >= n)
			n = (int64_t) side->blocks[i] + 1;
	return n;
}

static rk_status
prepare(search *s)
{
	rk_name_set   *sets[2] = {s->queries->names, s->entries->names};
	int			count = s->params->within ? 1 : 2;
	int64_t		blocks = count_blocks(s->queries);
	int64_t		other_blocks = count_blocks(s->entries);
	int64_t		alphabet;
	rk_status	status = RK_OK;

	rk_phase(s->ctx, "indexing", 0);
	if (s->params->method == RK_PHONETIC)
		status = rk_terms_of_sounds(s->ctx, sets[0], sets[1], s->params->any_order, &s->terms);
	if (status == RK_OK)
		status = rk_names_prepare(s->ctx, sets, count, rk_name_form_of(s->params->method, s->params->any_order), &alphabet);
	if (status == RK_OK && s->params->method == RK_TOKEN_SET_RATIO)
		status = rk_terms_of_words(s->ctx, sets[0], sets[1], &s->terms);
	if (status == RK_OK)
		status = rk_name_index_build(s->ctx, sets[1], alphabet, s->entries->blocks, blocks > other_blocks ? blocks : other_blocks,
									 &s->index);
	s->run = rk_name_run();
	return status == RK_OK ? make_workers(s, alphabet) : status;
}

/* Queries that a chunk has; depends on the input alone. */
static int64_t
chunk_of(const search *s)
{
	int64_t		n = WORK_OF_CHUNK / (s->entries->names->count + 1);

	return n < 1 ? 1 : n > 256 ? 256 : n;
}

static rk_status
run_batch(search *s, int64_t first, int64_t count)
{
	s->first_query = first;
	rk_progress(s->ctx, first);
	return rk_parallel_for(s->ctx, count, chunk_of(s), match_chunk, s);
}

/* Room for so many pairs more. */
static rk_status
reserve(rk_ctx *ctx, rk_matches *m, int64_t *capacity, int64_t more)
{
	int64_t		n;

	if (m->count + more <= *capacity)
		return RK_OK;
	n = *capacity * 3 / 2 + more;
#define GROW(member) \
	do \
	{ \
		void	   *grown = rk_realloc(ctx, m->member, n, sizeof(*m->member)); \
		if (grown == NULL) \
			return RK_ERR_MEMORY; \
		m->member = grown; \
	} while (0)
	GROW(query);
	GROW(entry);
	GROW(name);
	GROW(rank);
	GROW(score);
	GROW(name_score);
	GROW(date);
	GROW(country);
	GROW(same);
#undef GROW
	*capacity = n;
	return RK_OK;
}

/* Whether a name of the query has the words of the entry's name. */
static bool
same_words(const search *s, int64_t row, uint32_t name)
{
	const rk_name_set *names = s->queries->names;

	for (int64_t i = names->first[row]; i < names->first[row + 1]; i++)
		if (rk_names_equal(names, i, s->entries->names, name))
			return true;
	return false;
}

/* Adds the results of a batch. */
static rk_status
take_batch(search *s, int64_t count, rk_matches *m, int64_t *capacity)
{
	int64_t		more = 0;

	for (int64_t i = 0; i < count; i++)
		more += s->batch_count[i];
	if (reserve(s->ctx, m, capacity, more) != RK_OK)
		return RK_ERR_MEMORY;
	for (int64_t i = 0; i < count; i++)
	{
		for (int64_t k = 0; k < s->batch_count[i]; k++)
		{
			const hit  *h = &s->batch[i * s->slots + k];
			int64_t		row = s->first_query + i;

			m->query[m->count] = (uint32_t) row;
			m->entry[m->count] = h->entry;
			m->name[m->count] = h->name - (uint32_t) s->entries->names->first[h->entry];
			m->rank[m->count] = k + 1;
			m->score[m->count] = h->score;
			m->date[m->count] = dates_of(s, row, h->entry);
			m->country[m->count] = countries_of(s, row, h->entry);
			m->name_score[m->count] = h->similarity;
			m->same[m->count] = same_words(s, row, h->name);
			m->count++;
		}
		if ((i & 255) == 0 && rk_ctx_poll(s->ctx))
			return RK_STOPPED;
	}
	return RK_OK;
}

rk_status
rk_match(rk_ctx *ctx, const rk_match_side *queries, const rk_match_side *entries, const rk_match_params *params,
		 rk_matches *matches)
{
	search		s = {.ctx = ctx,.queries = queries,.entries = params->within ? queries : entries,.params = params};
	rk_status	status;
	int64_t		batch;
	int64_t		capacity = 0;

	*matches = (rk_matches) {0};
	status = prepare(&s);
	if (status != RK_OK)
		return status;
	s.slots = params->top_k < s.entries->names->rows ? params->top_k : s.entries->names->rows;
	batch = RESULT_BYTES / ((int64_t) sizeof(hit) * (s.slots + 1));
	batch = batch < 1 ? 1 : batch > queries->names->rows ? queries->names->rows : batch;
	s.batch = rk_alloc(ctx, batch * s.slots, sizeof(hit));
	s.batch_count = rk_alloc(ctx, batch, sizeof(int64_t));
	if (!s.batch || !s.batch_count)
		return RK_ERR_MEMORY;
	rk_phase(ctx, "matching", queries->names->rows);
	for (int64_t first = 0; first < queries->names->rows && status == RK_OK; first += batch)
	{
		int64_t		count = queries->names->rows - first < batch ? queries->names->rows - first : batch;

		status = run_batch(&s, first, count);
		if (status == RK_OK)
			status = take_batch(&s, count, matches, &capacity);
	}
	return status;
}

rk_status
rk_match_clusters(rk_ctx *ctx, const rk_match_side *rows, const rk_match_params *params, uint32_t *cluster)
{
	search		s = {.ctx = ctx,.queries = rows,.entries = rows,.params = params};
	int64_t		n = rows->names->rows;
	rk_status	status = prepare(&s);

	if (status != RK_OK)
		return status;
	s.parent = rk_alloc(ctx, n, sizeof(*s.parent));
	if (s.parent == NULL)
		return RK_ERR_MEMORY;
	for (int64_t i = 0; i < n; i++)
		atomic_init(&s.parent[i], (uint32_t) i);
	rk_phase(ctx, "matching", n);
	status = run_batch(&s, 0, n);
	for (int64_t i = 0; i < n && status == RK_OK; i++)
		cluster[i] = root_of(s.parent, (uint32_t) i);
	return status;
}

rk_status
rk_number_clusters(rk_ctx *ctx, const uint32_t *cluster, int64_t rows, int64_t *number, int64_t *size)
{
	int64_t    *count = rk_alloc0(ctx, rows, sizeof(int64_t));
	int64_t		n = 0;

	if (count == NULL)
		return RK_ERR_MEMORY;
	for (int64_t i = 0; i < rows; i++)
		count[cluster[i]]++;
	/* a cluster's first row comes before its others */
	for (int64_t i = 0; i < rows; i++)
	{
		number[i] = cluster[i] == i ? ++n : number[cluster[i]];
		size[i] = count[cluster[i]];
	}
	rk_free(ctx, count);
	return RK_OK;
}

rk_status
rk_name_similarity(rk_ctx *ctx, rk_bytes a, rk_bytes b, rk_name_method method, bool any_order, double *similarity)
{
	rk_bytes	texts[2] = {a, b};
	rk_name_input input = {.rows = 2,.names = texts};
	rk_normaliser *normaliser;
	rk_name_set	names;
	rk_name_set   *sets[] = {&names};
	rk_name_matcher matcher;
	int64_t		alphabet;
	rk_status	status = rk_normaliser_open(ctx, false, &normaliser);

	if (status == RK_OK)
		status = rk_names_build(normaliser, ctx, &input, &names);
	if (status == RK_OK && method == RK_PHONETIC)
	{
		uint32_t	codes[4];
		rk_dictionary *keys = rk_dictionary_create(ctx);

		status = keys ? rk_sound_keys(ctx, &names, any_order, keys, codes) : RK_ERR_MEMORY;
		*similarity = status == RK_OK && codes[0] != RK_NO_CODE && (codes[0] == codes[2] || codes[1] == codes[3]);
		return status;
	}
	if (status == RK_OK)
		status = rk_names_prepare(ctx, sets, 1, rk_name_form_of(method, any_order), &alphabet);
	if (status == RK_OK)
		status = rk_matcher_init(&matcher, ctx, method, alphabet, names.longest);
	if (status != RK_OK)
		return status;
	rk_matcher_set(&matcher, &names, 0);
	*similarity = rk_matcher_compare(&matcher, &names, names.offsets[1], rk_name_length(&names, 1), 0);
	return rk_should_stop(ctx) ? RK_STOPPED : RK_OK;
}
