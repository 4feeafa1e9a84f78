/*
 * similarity.c
 *	  How alike two names are.
 */
#include "similarity.h"

#include <math.h>
#include <string.h>

#include "../../compute/clones.h"
#include "../../compute/parallel.h"

#define WORD 64
#define NONE UINT32_MAX
#define BOOST_ABOVE 0.7			/* Winkler's prefix counts only above */
#define PREFIX_WEIGHT 0.1
#define MARGIN 1e-9				/* bounds are this much wider than numbers need */

/* ---- memory ---- */

rk_status
rk_matcher_init(rk_name_matcher *m, rk_ctx *ctx, rk_name_method method, int64_t alphabet, int64_t longest)
{
	bool		ok;

	*m = (rk_name_matcher) {.ctx = ctx,.method = method,.chained = -1};
	m->masks[0] = rk_alloc0(ctx, alphabet, sizeof(uint64_t));
	m->masks[1] = rk_alloc0(ctx, alphabet, sizeof(uint64_t));
	ok = m->masks[0] && m->masks[1];
	if (longest > WORD && ok)
	{
		m->head = rk_alloc(ctx, alphabet, sizeof(uint32_t));
		m->current = rk_alloc(ctx, alphabet, sizeof(uint32_t));
		ok = m->head && m->current;
		if (ok)
			memset(m->head, 0xff, sizeof(uint32_t) * alphabet);
		for (int i = 0; i < 2 && ok; i++)
		{
			m->next[i] = rk_alloc(ctx, longest, sizeof(uint32_t));
			m->matched[i] = rk_alloc(ctx, longest, 1);
			ok = m->next[i] && m->matched[i];
		}
	}
	if ((longest > WORD || method == RK_DAMERAU || method == RK_TOKEN_SET_RATIO) && ok)
	{
		m->last_row = rk_alloc0(ctx, alphabet, sizeof(uint32_t));
		ok = m->last_row != NULL;
		for (int i = 0; i < 3 && ok; i++)
		{
			m->rows[i] = rk_alloc(ctx, longest + 2, sizeof(uint32_t));
			ok = m->rows[i] != NULL;
		}
	}
	return ok ? RK_OK : RK_ERR_MEMORY;
}

void
rk_matcher_free(rk_name_matcher *m)
{
	for (int i = 0; i < 2; i++)
	{
		rk_free(m->ctx, m->masks[i]);
		rk_free(m->ctx, m->next[i]);
		rk_free(m->ctx, m->matched[i]);
	}
	for (int i = 0; i < 3; i++)
		rk_free(m->ctx, m->rows[i]);
	rk_free(m->ctx, m->head);
	rk_free(m->ctx, m->current);
	rk_free(m->ctx, m->last_row);
	*m = (rk_name_matcher) {.ctx = m->ctx,.method = m->method,.chained = -1};
}

/* ---- Jaro ---- */

/* Half of the positions at which the matched symbols differ, rounded down. */
static double
jaro_of(int64_t length, int64_t other, int64_t common, int64_t misplaced)
{
	double		m = (double) common;
	double		sum;

	if (common == 0)
		return 0;
	sum = m / (double) length + m / (double) other;
	sum += (m - (double) (misplaced / 2)) / m;
	return sum / 3;
}

static inline int64_t
window_of(int64_t length, int64_t other)
{
	int64_t		w = (length > other ? length : other) / 2 - 1;

	return w > 0 ? w : 0;
}

/* Symbols that both begin with, up to four. */
static inline int
common_prefix(const uint32_t *a, int64_t length, const uint32_t *b, int64_t other)
{
	int			n = 0;

	while (n < 4 && n < length && n < other && a[n] == b[n])
		n++;
	return n;
}

static inline double
winkler(double jaro, int prefix)
{
	double		boosted = jaro + prefix * PREFIX_WEIGHT * (1 - jaro);

	return jaro > BOOST_ABOVE ? (boosted < 1 ? boosted : 1) : jaro;
}

/*
 * Jaro of names of at most 64 symbols: each symbol of b takes the first place
 * of it in a that is free and within the window.  0 when too few have a place
 * for the similarity, which prefix raises.
 */
RK_CLONES static double
jaro_word(const uint64_t *masks, const uint32_t *a, int64_t length, const uint32_t *b, int64_t other, double at_least,
		  int prefix)
{
	int64_t		w = window_of(length, other);
	uint64_t	taken = 0;
	uint64_t	matched = 0;
	uint64_t	window = w + 1 >= WORD ? ~UINT64_C(0) : (UINT64_C(1) << (w + 1)) - 1;
	int64_t		last = length + w < other ? length + w : other;
	int64_t		common;
	int64_t		misplaced = 0;

	for (int64_t j = 0; j < last; j++)
	{
		uint64_t	free_places = masks[b[j]] & window & ~taken;

		taken |= free_places & -free_places;
		matched |= (uint64_t) (free_places != 0) << j;
		window = window << 1 | (uint64_t) (j < w);
	}
	common = __builtin_popcountll(taken);
	if (winkler(jaro_of(length, other, common, 0), prefix) < at_least - MARGIN)
		return 0;
	while (taken)
	{
		misplaced += a[__builtin_ctzll(taken)] != b[__builtin_ctzll(matched)];
		taken &= taken - 1;
		matched &= matched - 1;
	}
	return jaro_of(length, other, common, misplaced);
}

/* Chains the places of each symbol of the name that is ready. */
static void
chain_places(rk_name_matcher *m, int form)
{
	const uint32_t *a = m->names->form[form] + m->names->offsets[m->name];

	for (int64_t i = 0; i < m->length; i++)
		m->head[a[i]] = NONE;
	for (int64_t i = m->length - 1; i >= 0; i--)
	{
		m->next[0][i] = m->head[a[i]];
		m->head[a[i]] = (uint32_t) i;
	}
	m->chained = form;
}

/* The same for names of any length, each symbol going along the places of its own. */
static double
jaro_long(rk_name_matcher *m, int form, const uint32_t *b, int64_t other)
{
	const uint32_t *a = m->names->form[form] + m->names->offsets[m->name];
	int64_t		w = window_of(m->length, other);
	int64_t		common = 0;
	int64_t		misplaced = 0;

	if (m->chained != form)
		chain_places(m, form);
	for (int64_t i = 0; i < m->length; i++)
		m->current[a[i]] = m->head[a[i]];
	memset(m->matched[0], 0, m->length);
	for (int64_t j = 0; j < other; j++)
	{
		uint32_t	place = NONE;

		m->matched[1][j] = 0;
		if (m->head[b[j]] == NONE)
			continue;
		place = m->current[b[j]];
		while (place != NONE && place < j - w)
			place = m->next[0][place];
		if (place != NONE && place <= j + w)
		{
			m->matched[0][place] = m->matched[1][j] = 1;
			place = m->next[0][place];
			common++;
		}
		m->current[b[j]] = place;
	}
	for (int64_t i = 0, j = 0; i < m->length; i++)
	{
		if (!m->matched[0][i])
			continue;
		while (!m->matched[1][j])
			j++;
		misplaced += a[i] != b[j++];
	}
	return jaro_of(m->length, other, common, misplaced);
}

/* ---- edit distances ---- */

/* Levenshtein by the vertical differences of one column in a word (Hyyro 2003). */
static int64_t
levenshtein_word(const uint64_t *masks, int64_t length, const uint32_t *b, int64_t other)
{
	uint64_t	up = ~UINT64_C(0);
	uint64_t	down = 0;
	uint64_t	last = UINT64_C(1) << (length - 1);
	int64_t		distance = length;

	for (int64_t j = 0; j < other; j++)
	{
		uint64_t	equal = masks[b[j]];
		uint64_t	diagonal = (((equal & up) + up) ^ up) | equal | down;
		uint64_t	right = down | ~(diagonal | up);
		uint64_t	left = diagonal & up;

		distance += (right & last) != 0;
		distance -= (left & last) != 0;
		right = right << 1 | 1;
		left <<= 1;
		up = left | ~(diagonal | right);
		down = right & diagonal;
	}
	return distance;
}

/* Longest common subsequence, one bit a symbol (Hyyro 2004). */
RK_CLONES static int64_t
subsequence_word(const uint64_t *masks, int64_t length, const uint32_t *b, int64_t other)
{
	uint64_t	s = ~UINT64_C(0);

	for (int64_t j = 0; j < other; j++)
	{
		uint64_t	u = s & masks[b[j]];

		s = (s + u) | (s - u);
	}
	return __builtin_popcountll(~s & (length == WORD ? ~UINT64_C(0) : (UINT64_C(1) << length) - 1));
}

/* Both by rows, for names of any length. */
static int64_t
levenshtein_long(rk_name_matcher *m, const uint32_t *a, int64_t length, const uint32_t *b, int64_t other)
{
	uint32_t   *row = m->rows[0];

	for (int64_t i = 0; i <= length; i++)
		row[i] = (uint32_t) i;
	for (int64_t j = 0; j < other; j++)
	{
		uint32_t	diagonal = row[0];

		row[0] = (uint32_t) j + 1;
		for (int64_t i = 0; i < length; i++)
		{
			uint32_t	least = diagonal + (a[i] != b[j]);

			diagonal = row[i + 1];
			if (diagonal + 1 < least)
				least = diagonal + 1;
			if (row[i] + 1 < least)
				least = row[i] + 1;
			row[i + 1] = least;
		}
		if (rk_chunk_should_stop(m->ctx, m->thread))
			break;
	}
	return row[length];
}

static int64_t
subsequence_long(rk_name_matcher *m, const uint32_t *a, int64_t length, const uint32_t *b, int64_t other)
{
	uint32_t   *row = m->rows[0];

	memset(row, 0, sizeof(uint32_t) * (length + 1));
	for (int64_t j = 0; j < other; j++)
	{
		uint32_t	diagonal = 0;

		for (int64_t i = 0; i < length; i++)
		{
			uint32_t	above = row[i + 1];

			row[i + 1] = a[i] == b[j] ? diagonal + 1 : above > row[i] ? above : row[i];
			diagonal = above;
		}
		if (rk_chunk_should_stop(m->ctx, m->thread))
			break;
	}
	return row[length];
}

/*
 * Damerau's distance, where what has changed places may be edited further, in
 * linear memory (Zhao and Sahinalp 2019): beside two rows, for each column the
 * distance before the pair that its symbol last made.  Rows are shifted by one,
 * so that there is a wall before column 0.
 */
static int64_t
damerau(rk_name_matcher *m, const uint32_t *a, int64_t length, const uint32_t *b, int64_t other)
{
	uint32_t   *before = m->rows[0];
	uint32_t   *row = m->rows[1];
	uint32_t   *paired = m->rows[2];
	uint32_t	wall = (uint32_t) (length + other + 1);

	for (int64_t j = 0; j <= other + 1; j++)
	{
		before[j] = paired[j] = wall;
		row[j] = j == 0 ? wall : (uint32_t) j - 1;
	}
	for (int64_t i = 1; i <= length && !rk_chunk_should_stop(m->ctx, m->thread); i++)
	{
		uint32_t   *swap = before;
		int64_t		column = 0;	/* last one whose symbol is the row's; 0: none */
		uint32_t	before_column = wall;	/* distance two rows up, left of that column */
		uint32_t	two_up;

		before = row;
		row = swap;
		/* row holds the one before the last until it is written over */
		two_up = row[1];
		row[1] = (uint32_t) i;
		for (int64_t j = 1; j <= other; j++)
		{
			uint32_t	least = before[j] + (a[i - 1] != b[j - 1]);
			int64_t		k = m->last_row[b[j - 1]];

			if (before[j + 1] + 1 < least)
				least = before[j + 1] + 1;
			if (row[j] + 1 < least)
				least = row[j] + 1;
			if (a[i - 1] == b[j - 1])
			{
				column = j;
				paired[j + 1] = before[j - 1];
				before_column = two_up;
			}
			else if (k > 0 && column > 0 && j - column == 1 && paired[j + 1] + (uint32_t) (i - k) < least)
				least = paired[j + 1] + (uint32_t) (i - k);
			else if (k > 0 && column > 0 && i - k == 1 && before_column + (uint32_t) (j - column) < least)
				least = before_column + (uint32_t) (j - column);
			two_up = row[j + 1];
			row[j + 1] = least;
		}
		m->last_row[a[i - 1]] = (uint32_t) i;
	}
	for (int64_t i = 0; i < length; i++)
		m->last_row[a[i]] = 0;
	return row[other + 1];
}

/* ---- ratios ---- */

static int64_t
subsequence(rk_name_matcher *m, int form, const uint32_t *a, int64_t length, const uint32_t *b, int64_t other)
{
	return m->length <= WORD ? subsequence_word(m->masks[form], length, b, other) : subsequence_long(m, a, length, b, other);
}

/* 1 - distance / most, as rapidfuzz rounds it. */
static inline double
normalised(int64_t distance, int64_t most)
{
	return most > 0 ? 1 - (double) distance / (double) most : 1;
}

/* Walks through the words of a name that is a set of words. */
typedef struct walk
{
	const uint32_t *at;
	const uint32_t *end;
	int64_t		length;			/* of the word at at; 0: no more */
} walk;

static inline void
find_word_end(walk *w)
{
	w->length = 0;
	while (w->at + w->length < w->end && w->at[w->length] != RK_SPACE)
		w->length++;
}

static inline void
next_word(walk *w)
{
	w->at += w->length + (w->at + w->length < w->end);
	find_word_end(w);
}

static int
compare_words(const walk *x, const walk *y)
{
	for (int64_t i = 0; i < x->length && i < y->length; i++)
		if (x->at[i] != y->at[i])
			return x->at[i] < y->at[i] ? -1 : 1;
	return (x->length > y->length) - (x->length < y->length);
}

/* Appends a word to those that only one of the names has. */
static int64_t
append_word(uint32_t *to, int64_t used, const walk *w)
{
	if (used > 0)
		to[used++] = RK_SPACE;
	memcpy(to + used, w->at, sizeof(uint32_t) * w->length);
	return used + w->length;
}

/*
 * The token set ratio (rapidfuzz): with the words of both s, of a alone A and
 * of b alone B, the largest of the ratios of s to sA, s to sB and sA to sB; 1
 * when one name has no words of its own.
 */
static double
token_set_ratio(rk_name_matcher *m, const uint32_t *a, int64_t length, const uint32_t *b, int64_t other)
{
	walk		x = {a, a + length, 0};
	walk		y = {b, b + other, 0};
	uint32_t   *own[2] = {m->rows[1], m->rows[2]};
	int64_t		own_length[2] = {0, 0};
	int64_t		both = 0;
	int64_t		joint;
	double		ratio;

	find_word_end(&x);
	find_word_end(&y);
	while (x.length > 0 || y.length > 0)
	{
		int			order = y.length == 0 ? -1 : x.length == 0 ? 1 : compare_words(&x, &y);

		if (order == 0)
			both += x.length + (both > 0);
		else
			own_length[order > 0] = append_word(own[order > 0], own_length[order > 0], order < 0 ? &x : &y);
		if (order <= 0)
			next_word(&x);
		if (order >= 0)
			next_word(&y);
	}
	if (both > 0 && (own_length[0] == 0 || own_length[1] == 0))
		return 1;
	joint = both > 0 ? both + 1 : 0;
	ratio = normalised(own_length[0] + own_length[1] - 2 * subsequence_long(m, own[0], own_length[0], own[1], own_length[1]),
					   2 * joint + own_length[0] + own_length[1]);
	for (int i = 0; i < 2 && both > 0; i++)
		ratio = fmax(ratio, normalised(1 + own_length[i], both + joint + own_length[i]));
	return ratio;
}

/* ---- all of them ---- */

void
rk_matcher_set(rk_name_matcher *m, const rk_name_set *names, int64_t name)
{
	const uint32_t *s;

	for (int f = 0; m->names && f < m->names->forms; f++)
	{
		s = m->names->form[f] + m->names->offsets[m->name];
		for (int64_t i = 0; i < m->length && i < WORD; i++)
			m->masks[f][s[i]] = 0;
	}
	if (m->names && m->head)
	{
		s = m->names->form[0] + m->names->offsets[m->name];
		for (int64_t i = 0; i < m->length; i++)
			m->head[s[i]] = NONE;
	}
	m->chained = -1;
	m->names = names;
	if (names == NULL)
		return;
	m->name = name;
	m->length = rk_name_length(names, name);
	for (int f = 0; f < names->forms; f++)
	{
		s = names->form[f] + names->offsets[name];
		for (int64_t i = 0; i < m->length && i < WORD; i++)
			m->masks[f][s[i]] |= UINT64_C(1) << i;
	}
}

/* Fewest common symbols for a Jaro similarity of at least this. */
static int64_t
common_for_jaro(int64_t length, int64_t other, double jaro)
{
	return (int64_t) ceil((3 * jaro - 1) / (1.0 / (double) length + 1.0 / (double) other) - MARGIN);
}

int64_t
rk_common_needed(rk_name_method method, int64_t length, int64_t other, double score, int prefix)
{
	int64_t		most = length > other ? length : other;
	int64_t		needed;

	if (score <= 0)
		return 0;
	if (length == 0 || other == 0)
		return INT64_MAX;
	switch (method)
	{
		case RK_JARO_WINKLER:
			if (score > BOOST_ABOVE)
				score = fmax(BOOST_ABOVE, (score - prefix * PREFIX_WEIGHT) / (1 - prefix * PREFIX_WEIGHT));
			needed = common_for_jaro(length, other, score);
			break;
		case RK_JARO:
			needed = common_for_jaro(length, other, score);
			break;
		case RK_LEVENSHTEIN:
		case RK_DAMERAU:
			needed = (int64_t) ceil(score * (double) most - MARGIN);
			break;
		case RK_TOKEN_SORT_RATIO:
		case RK_TOKEN_SET_RATIO:
			/* of a set: when the names have no word in common */
			needed = (int64_t) ceil(score * (double) (length + other) / 2 - MARGIN);
			break;
		default:
			return 1;
	}
	return needed > 1 ? needed : 1;
}

/* The similarity in one form. */
static double
compare_form(rk_name_matcher *m, int form, const uint32_t *b, int64_t other, double at_least)
{
	const uint32_t *a = m->names->form[form] + m->names->offsets[m->name];
	int			prefix = 0;
	double		jaro;

	switch (m->method)
	{
		case RK_JARO_WINKLER:
			prefix = common_prefix(a, m->length, b, other);
			/* FALLTHROUGH */
		case RK_JARO:
			jaro = m->length <= WORD && other <= WORD ? jaro_word(m->masks[form], a, m->length, b, other, at_least, prefix) :
				jaro_long(m, form, b, other);
			return winkler(jaro, prefix);
		case RK_LEVENSHTEIN:
			return normalised(m->length <= WORD ? levenshtein_word(m->masks[form], m->length, b, other) :
							  levenshtein_long(m, a, m->length, b, other), m->length > other ? m->length : other);
		case RK_DAMERAU:
			return normalised(damerau(m, a, m->length, b, other), m->length > other ? m->length : other);
		case RK_TOKEN_SORT_RATIO:
			return normalised(m->length + other - 2 * subsequence(m, form, a, m->length, b, other), m->length + other);
		case RK_TOKEN_SET_RATIO:
			return token_set_ratio(m, a, m->length, b, other);
		default:
			return 0;
	}
}

double
rk_matcher_compare(rk_name_matcher *m, const rk_name_set *names, int64_t offset, int64_t length, double at_least)
{
	double		best;

	if (m->length == 0 || length == 0)
		return 0;
	best = compare_form(m, 0, names->form[0] + offset, length, at_least);
	for (int f = 1; f < names->forms; f++)
	{
		double		other = compare_form(m, f, names->form[f] + offset, length, best > at_least ? best : at_least);

		best = other > best ? other : best;
	}
	return best;
}
