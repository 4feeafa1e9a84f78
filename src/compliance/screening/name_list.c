/*
 * name_list.c
 *	  A list of names that changes entry by entry, and finds those that are
 *	  like another.
 *
 * The names of a bucket have one length and one slack, so that all of them need
 * to share the same number of bits.  The index is made anew when so many names
 * have come as it had: then the most frequent symbols get bits of their own, and
 * what was removed is let go.
 *
 * What can fail comes before what changes the list.  Symbols and codes may stay
 * behind; nothing is found by them.
 */
#include "name_list.h"

#include <math.h>
#include <string.h>

#include "../../compute/clones.h"
#include "name_index.h"

#define NONE UINT32_MAX
#define SLACKS 4				/* 0, 1, 2, more */
#define PAGE 256				/* code points whose symbols lie together */
#define PAGES (0x110000 / PAGE)
#define LEAST_REBUILD 64		/* names that come before the index is made anew */
#define RUNS_TO_POLL 4096
#define WAITING 256				/* names whose memory is on its way */

/* A name of an entry. */
typedef struct listed
{
	uint32_t	owner;			/* NONE: free */
	uint32_t	number;			/* among the names of its entry */
	uint32_t	next;			/* of the same entry; of the free ones */
	uint32_t	bucket;			/* NONE: it has no symbols */
	uint32_t	at;				/* place in it */
	uint32_t	length;
	int64_t		offset;			/* of its symbols */
} listed;

typedef struct list_entry
{
	uint32_t	first;			/* name */
	rk_list_evidence evidence;
} list_entry;

/* Names of one length and slack. */
typedef struct bucket
{
	rk_name_index index;		/* its arrays; entries: how many there are */
	int64_t		room;
	int64_t		length;
	int64_t		slack;			/* at most */
} bucket;

typedef struct bucket_set
{
	bucket	   *list;
	uint32_t	count;
	uint32_t	room;
	uint32_t   *of;				/* [lengths * SLACKS] bucket + 1; 0: there is none */
	int64_t		lengths;
} bucket_set;

/* What the names have come to. */
typedef struct prepared
{
	uint32_t   *symbols[2];
	int64_t		room;
	int64_t		used;
} prepared;

typedef struct best_name
{
	double		similarity;		/* -1: not met */
	uint32_t	name;
} best_name;

struct rk_name_list
{
	rk_ctx	   *ctx;
	rk_name_list_params params;
	rk_name_form form;
	int			forms;
	rk_normaliser *normaliser;
	rk_dictionary *codes;
	rk_run_fn	run;

	/* symbols */
	uint32_t   *pages[PAGES];	/* symbol of a code point; NONE: not seen yet */
	uint32_t	alphabet;
	int64_t		alphabet_room;	/* of what follows */
	uint8_t    *bit_of;
	uint8_t    *seen;
	rk_name_matcher matcher;
	int64_t		longest;		/* name that the matcher can take */

	/* entries and their names */
	list_entry *entries;
	uint32_t	entry_count;
	uint32_t	entry_room;
	listed	   *names;
	uint32_t	name_top;		/* all below were used */
	uint32_t	name_room;
	uint32_t	free_name;		/* NONE */
	uint32_t	live;			/* names that are not free */
	uint32_t	since;			/* names that came since the index was made */
	prepared	text;			/* symbols of all names */
	int64_t		garbage;		/* of them of names that are gone */
	bucket_set	buckets;

	/* of one change or question */
	prepared	scratch;
	int64_t    *ends;			/* of its names */
	int64_t		ends_room;
	rk_word    *words;
	int64_t		words_room;
	uint32_t   *strange;		/* code points of a question that the list has not */
	int64_t		strange_room;
	best_name  *best;			/* [entry_room] */
	rk_list_hit *hits;			/* [entry_room] */
	uint32_t	hit_count;
	int			waiting_count;
	struct
	{
		const rk_name_entry *entry;
		int64_t		common;		/* symbols that it shares at most */
	}			waiting[WAITING];
};

/* ---- memory ---- */

/* Room for so many elements, and for some more. */
#define RESERVE(list, member, room, wanted) \
	reserve((list)->ctx, (void **) &(list)->member, &(list)->room, wanted, sizeof(*(list)->member))

static bool
reserve(rk_ctx *ctx, void **array, int64_t *room, int64_t wanted, size_t size)
{
	int64_t		n = *room * 2 > wanted ? *room * 2 : wanted + 16;
	void	   *grown;

	if (wanted <= *room)
		return true;
	grown = *array ? rk_realloc(ctx, *array, n, size) : rk_alloc(ctx, n, size);
	if (grown == NULL)
		return false;
	*array = grown;
	*room = n;
	return true;
}

static bool
reserve_symbols(rk_ctx *ctx, prepared *p, int forms, int64_t more)
{
	int64_t		n = p->room;

	for (int f = 0; f < forms; f++)
	{
		n = p->room;
		if (!reserve(ctx, (void **) &p->symbols[f], &n, p->used + more, sizeof(uint32_t)))
			return false;
	}
	p->room = n;
	return true;
}

/* Symbols up to this number can be compared, and names of this length. */
static bool
reserve_alphabet(rk_name_list *l, int64_t alphabet, int64_t longest)
{
	int64_t		room = l->alphabet_room;
	uint8_t    *bit_of;
	uint8_t    *seen;
	rk_name_matcher matcher;

	if (alphabet <= room && longest <= l->longest)
		return true;
	if (alphabet > room)
		room = alphabet + alphabet / 2 + 64;
	if (longest > l->longest)
		longest = longest + longest / 2 > 64 ? longest + longest / 2 : 64;
	else
		longest = l->longest;
	if (rk_matcher_init(&matcher, l->ctx, l->params.method, room, longest) != RK_OK)
	{
		rk_matcher_free(&matcher);
		return false;
	}
	bit_of = rk_alloc(l->ctx, room * RK_OCCURRENCES, 1);
	seen = rk_alloc0(l->ctx, room, 1);
	if (bit_of == NULL || seen == NULL)
	{
		rk_matcher_free(&matcher);
		rk_free(l->ctx, bit_of);
		rk_free(l->ctx, seen);
		return false;
	}
	for (int64_t e = 0; e < room * RK_OCCURRENCES; e++)
		bit_of[e] = e < l->alphabet_room * RK_OCCURRENCES ? l->bit_of[e] : rk_name_shared_bit(e);
	rk_free(l->ctx, l->bit_of);
	rk_free(l->ctx, l->seen);
	if (l->matcher.ctx)
		rk_matcher_free(&l->matcher);
	l->bit_of = bit_of;
	l->seen = seen;
	l->matcher = matcher;
	l->alphabet_room = room;
	l->longest = longest;
	return true;
}

rk_status
rk_name_list_create(rk_ctx *ctx, const rk_name_list_params *params, rk_name_list **list)
{
	rk_name_list *l = rk_alloc0(ctx, 1, sizeof(*l));

	if (l == NULL)
		return RK_ERR_MEMORY;
	*list = l;
	l->ctx = ctx;
	l->params = *params;
	l->form = rk_name_form_of(params->method, params->any_order);
	l->forms = l->form == RK_FORM_BOTH ? 2 : 1;
	l->alphabet = RK_SPACE + 1;
	l->free_name = NONE;
	l->run = rk_name_run();
	l->codes = rk_dictionary_create(ctx);
	if (l->codes == NULL || !reserve_alphabet(l, 64, 64))
		return RK_ERR_MEMORY;
	return rk_normaliser_open(ctx, params->transliterate, &l->normaliser);
}

uint32_t
rk_name_list_count(const rk_name_list *l)
{
	return l->entry_count;
}

/* ---- symbols ---- */

/* The symbol of a code point; new ones get one if they may. */
static rk_status
symbol_of(rk_name_list *l, uint32_t code_point, bool add, uint32_t *symbol)
{
	uint32_t  **page = &l->pages[code_point / PAGE];

	if (code_point == ' ')
	{
		*symbol = RK_SPACE;
		return RK_OK;
	}
	*symbol = *page ? (*page)[code_point % PAGE] : NONE;
	if (*symbol != NONE || !add)
		return RK_OK;
	if (*page == NULL)
	{
		*page = rk_alloc(l->ctx, PAGE, sizeof(uint32_t));
		if (*page == NULL)
			return RK_ERR_MEMORY;
		memset(*page, 0xff, PAGE * sizeof(uint32_t));
	}
	if (!reserve_alphabet(l, (int64_t) l->alphabet + 1, 0))
		return RK_ERR_MEMORY;
	*symbol = (*page)[code_point % PAGE] = l->alphabet++;
	return RK_OK;
}

/* The symbol of a code point that only a question has: behind the alphabet. */
static uint32_t
strange_symbol(rk_name_list *l, uint32_t code_point, int64_t *count)
{
	int64_t		k = 0;

	while (k < *count && l->strange[k] != code_point)
		k++;
	if (k == *count)
		l->strange[(*count)++] = code_point;
	return l->alphabet + (uint32_t) k;
}

/*
 * Adds the forms of a name to the scratch.  Words are put in order by their
 * code points, as rk_names_prepare does.
 */
static rk_status
prepare_name(rk_name_list *l, rk_bytes text, bool add, int64_t *strange)
{
	prepared   *p = &l->scratch;
	const uint32_t *code_points;
	uint32_t   *to[2];
	int64_t		length;
	rk_status	status = rk_normalise(l->normaliser, text, &code_points, &length);

	if (status != RK_OK)
		return status;
	if (!reserve_symbols(l->ctx, p, 2, length) || !RESERVE(l, words, words_room, length / 2 + 1) ||
		!RESERVE(l, strange, strange_room, length) ||
		!reserve_alphabet(l, add ? 0 : (int64_t) l->alphabet + length, length))
		return RK_ERR_MEMORY;
	to[0] = p->symbols[0] + p->used;
	to[1] = p->symbols[1] + p->used;
	for (int64_t i = 0; i < length; i++)
		to[0][i] = code_points[i] == ' ' ? RK_SPACE : code_points[i] + 1;
	if (l->form != RK_FORM_GIVEN)
		(void) rk_name_sort_words(to[0], length, l->words, false, to[1]);
	if (l->form == RK_FORM_SORTED && length > 0)
		memcpy(to[0], to[1], sizeof(uint32_t) * length);
	for (int f = 0; f < l->forms; f++)
		for (int64_t i = 0; i < length; i++)
		{
			uint32_t	c = to[f][i] == RK_SPACE ? ' ' : to[f][i] - 1;

			status = symbol_of(l, c, add, &to[f][i]);
			if (status != RK_OK)
				return status;
			if (to[f][i] == NONE)
				to[f][i] = strange_symbol(l, c, strange);
		}
	p->used += length;
	return RK_OK;
}

rk_status
rk_name_list_code(rk_name_list *l, rk_bytes text, bool add, uint32_t *code)
{
	const uint32_t *symbols;
	int64_t		length;
	rk_status	status = rk_normalise(l->normaliser, text, &symbols, &length);
	rk_bytes	key = {(const char *) symbols, (uint32_t) (sizeof(uint32_t) * length)};
	int64_t		found;

	*code = RK_NO_CODE;
	if (status != RK_OK || length == 0)
		return status;
	if (add)
		return rk_dictionary_add(l->codes, &key, 1, code);
	found = rk_dictionary_find(l->codes, key);
	/* one that no entry has differs from all that are known */
	*code = found >= 0 ? (uint32_t) found : RK_NO_CODE - 1;
	return RK_OK;
}

/* ---- buckets ---- */

/* One name as rk_name_set. */
typedef struct one_name
{
	rk_name_set	names;
	int64_t		offsets[2];
} one_name;

static const rk_name_set *
view(one_name *v, int forms, uint32_t *const *symbols, int64_t offset, int64_t length)
{
	v->offsets[0] = offset;
	v->offsets[1] = offset + length;
	v->names = (rk_name_set) {
		.rows = 1,.count = 1,.offsets = v->offsets,.forms = forms,.form = {symbols[0], forms > 1 ? symbols[1] : NULL}
	};
	return &v->names;
}

static rk_name_bits
bits_of(rk_name_list *l, const rk_name_set *names)
{
	rk_name_index index = {.bit_of = l->bit_of};

	return rk_name_bits_of(&index, names, 0, l->seen);
}

static int64_t
bucket_key(int64_t length, int64_t slack)
{
	return length * SLACKS + (slack < SLACKS ? slack : SLACKS - 1);
}

/* The bucket of a length and slack, with room for some more; NONE: no memory. */
static uint32_t
bucket_for(rk_ctx *ctx, bucket_set *set, int64_t length, int64_t slack, int64_t more)
{
	int64_t		key = bucket_key(length, slack);
	bucket	   *b;

	if (length >= set->lengths)
	{
		int64_t		lengths = length * 3 / 2 + 32;
		uint32_t   *of = rk_alloc0(ctx, lengths * SLACKS, sizeof(uint32_t));

		if (of == NULL)
			return NONE;
		if (set->lengths > 0)
			memcpy(of, set->of, sizeof(uint32_t) * set->lengths * SLACKS);
		rk_free(ctx, set->of);
		set->of = of;
		set->lengths = lengths;
	}
	if (set->of[key] == 0)
	{
		int64_t		room = set->room;

		if (!reserve(ctx, (void **) &set->list, &room, (int64_t) set->count + 1, sizeof(bucket)))
			return NONE;
		set->room = (uint32_t) room;
		set->list[set->count] = (bucket) {.length = length,.slack = slack < SLACKS - 1 ? slack : length};
		set->of[key] = ++set->count;
	}
	b = &set->list[set->of[key] - 1];
	if (b->index.entries + more > b->room)
	{
		int64_t		room = b->room * 2 > b->index.entries + more ? b->room * 2 : b->index.entries + more + 8;
		int64_t		entry_room = b->room;
		bool		ok = true;

		/* runs read a whole run behind the last entry */
		for (int k = 0; k < 2; k++)
		{
			int64_t		bits_room = b->room;
			int64_t		begins_room = b->room;

			ok = ok && reserve(ctx, (void **) &b->index.bits[k], &bits_room, room + RK_RUN, sizeof(uint64_t)) &&
				reserve(ctx, (void **) &b->index.begins[k], &begins_room, room + RK_RUN, 1);
		}
		ok = ok && reserve(ctx, (void **) &b->index.entry, &entry_room, room, sizeof(rk_name_entry));
		if (!ok)
			return NONE;
		b->room = room;
	}
	return set->of[key] - 1;
}

static void
free_buckets(rk_ctx *ctx, bucket_set *set)
{
	for (uint32_t i = 0; i < set->count; i++)
	{
		for (int k = 0; k < 2; k++)
		{
			rk_free(ctx, set->list[i].index.bits[k]);
			rk_free(ctx, set->list[i].index.begins[k]);
		}
		rk_free(ctx, set->list[i].index.entry);
	}
	rk_free(ctx, set->list);
	rk_free(ctx, set->of);
	*set = (bucket_set) {0};
}

/* Puts a name at the end of a bucket that has room; returns its place. */
static uint32_t
put_name(bucket *b, const rk_name_bits *bits, uint32_t name, uint32_t owner, int64_t offset)
{
	int64_t		at = b->index.entries++;

	b->index.entry[at] = (rk_name_entry) {name, owner, {bits->prefix[0], bits->prefix[1]}, offset, b->length};
	for (int k = 0; k < 2; k++)
	{
		b->index.bits[k][at] = bits->bits[k];
		b->index.begins[k][at] = bits->begins[k];
	}
	return (uint32_t) at;
}

/* Takes a name out of its bucket; the last one takes its place. */
static void
take_name(rk_name_list *l, uint32_t name)
{
	listed	   *n = &l->names[name];
	bucket	   *b;
	int64_t		last;

	if (n->bucket == NONE)
		return;
	b = &l->buckets.list[n->bucket];
	last = --b->index.entries;
	if (n->at == last)
		return;
	b->index.entry[n->at] = b->index.entry[last];
	for (int k = 0; k < 2; k++)
	{
		b->index.bits[k][n->at] = b->index.bits[k][last];
		b->index.begins[k][n->at] = b->index.begins[k][last];
	}
	l->names[b->index.entry[n->at].name].at = n->at;
}

/* ---- the index ---- */

/* The live names one behind the other, in new memory. */
static rk_status
compact(rk_name_list *l, prepared *to, int64_t *offsets)
{
	int64_t		k = 0;

	if (!reserve_symbols(l->ctx, to, l->forms, l->text.used - l->garbage))
		return RK_ERR_MEMORY;
	for (uint32_t i = 0; i < l->name_top; i++)
	{
		const listed *n = &l->names[i];

		if (n->owner == NONE)
			continue;
		offsets[k++] = to->used;
		for (int f = 0; f < l->forms && n->length > 0; f++)
			memcpy(to->symbols[f] + to->used, l->text.symbols[f] + n->offset, sizeof(uint32_t) * n->length);
		to->used += n->length;
		if ((k & 4095) == 0 && rk_ctx_poll(l->ctx))
			return RK_STOPPED;
	}
	offsets[k] = to->used;
	return RK_OK;
}

/* Buckets of the live names by their bits as they are now. */
static rk_status
fill_buckets(rk_name_list *l, const prepared *text, const int64_t *offsets, bucket_set *set, uint32_t (*places)[2])
{
	int64_t		k = 0;

	for (uint32_t i = 0; i < l->name_top; i++)
	{
		const listed *n = &l->names[i];
		one_name	v;
		rk_name_bits bits;
		uint32_t	b;

		if (n->owner == NONE)
			continue;
		places[k][0] = NONE;
		if (n->length > 0)
		{
			bits = bits_of(l, view(&v, l->forms, text->symbols, offsets[k], n->length));
			b = bucket_for(l->ctx, set, n->length, bits.slack, 1);
			if (b == NONE)
				return RK_ERR_MEMORY;
			places[k][0] = b;
			places[k][1] = put_name(&set->list[b], &bits, i, n->owner, offsets[k]);
		}
		k++;
		if ((k & 4095) == 0 && rk_ctx_poll(l->ctx))
			return RK_STOPPED;
	}
	return RK_OK;
}

/* Makes the index anew; if that fails it is as it was. */
static rk_status
rebuild(rk_name_list *l)
{
	rk_ctx	   *ctx = l->ctx;
	int64_t    *offsets = rk_alloc(ctx, (int64_t) l->live + 1, sizeof(int64_t));
	uint32_t	(*places)[2] = rk_alloc(ctx, l->live, sizeof(*places));
	uint8_t    *bit_of = rk_alloc(ctx, l->alphabet_room * RK_OCCURRENCES, 1);
	uint8_t    *old_bits = l->bit_of;
	prepared	text = {0};
	bucket_set	set = {0};
	rk_name_set	all;
	int64_t		k = 0;
	rk_status	status = offsets && places && bit_of ? compact(l, &text, offsets) : RK_ERR_MEMORY;

	if (status == RK_OK)
	{
		all = (rk_name_set) {.count = l->live,.offsets = offsets,.forms = l->forms,.form = {text.symbols[0], text.symbols[1]}};
		status = rk_name_assign_bits(ctx, &all, l->alphabet_room, l->seen, bit_of);
		/* it stops between names, of which none is half counted */
	}
	if (status == RK_OK)
	{
		l->bit_of = bit_of;
		status = fill_buckets(l, &text, offsets, &set, places);
	}
	if (status != RK_OK)
	{
		l->bit_of = old_bits;
		rk_free(ctx, bit_of);
		rk_free(ctx, text.symbols[0]);
		rk_free(ctx, text.symbols[1]);
		free_buckets(ctx, &set);
		rk_free(ctx, offsets);
		rk_free(ctx, places);
		return status;
	}
	for (uint32_t i = 0; i < l->name_top; i++)
		if (l->names[i].owner != NONE)
		{
			l->names[i].offset = offsets[k];
			l->names[i].bucket = places[k][0];
			l->names[i].at = places[k][1];
			k++;
		}
	rk_free(ctx, old_bits);
	rk_free(ctx, l->text.symbols[0]);
	rk_free(ctx, l->text.symbols[1]);
	free_buckets(ctx, &l->buckets);
	rk_free(ctx, offsets);
	rk_free(ctx, places);
	l->text = text;
	l->buckets = set;
	l->garbage = 0;
	l->since = 0;
	return RK_OK;
}

/* ---- entries ---- */

/* Removes the names of an entry. */
static void
drop_names(rk_name_list *l, uint32_t entry)
{
	uint32_t	name = l->entries[entry].first;

	while (name != NONE)
	{
		listed	   *n = &l->names[name];
		uint32_t	next = n->next;

		take_name(l, name);
		l->garbage += n->length;
		l->live--;
		n->owner = NONE;
		n->next = l->free_name;
		l->free_name = name;
		name = next;
	}
	l->entries[entry].first = NONE;
}

/* Adds a name whose symbols are in the scratch, for which there is room. */
static void
add_name(rk_name_list *l, uint32_t entry, uint32_t number, int64_t begin, int64_t length, uint32_t *last)
{
	uint32_t	name = l->free_name;
	listed	   *n;

	if (name == NONE)
		name = l->name_top++;
	else
		l->free_name = l->names[name].next;
	n = &l->names[name];
	*n = (listed) {.owner = entry,.number = number,.next = NONE,.bucket = NONE,.length = (uint32_t) length,.offset = l->text.used};
	if (length > 0)
	{
		one_name	v;
		rk_name_bits bits = bits_of(l, view(&v, l->forms, l->scratch.symbols, begin, length));
		uint32_t	b = l->buckets.of[bucket_key(length, bits.slack)] - 1;

		for (int f = 0; f < l->forms; f++)
			memcpy(l->text.symbols[f] + l->text.used, l->scratch.symbols[f] + begin, sizeof(uint32_t) * length);
		n->bucket = b;
		n->at = put_name(&l->buckets.list[b], &bits, name, entry, n->offset);
		l->text.used += length;
	}
	if (*last == NONE)
		l->entries[entry].first = name;
	else
		l->names[*last].next = name;
	*last = name;
	l->live++;
	l->since++;
}

/* Room for everything that an entry with the names in the scratch takes. */
static rk_status
reserve_entry(rk_name_list *l, uint32_t entry, int64_t count)
{
	int64_t		entry_room = l->entry_room;
	int64_t		name_room = l->name_room;

	if ((int64_t) l->name_top + count >= NONE)
		return rk_fail(l->ctx, RK_ERR_LIMIT, "too many names: %u", l->live);
	if (entry >= l->entry_room)
	{
		int64_t		best_room = l->entry_room;
		int64_t		hit_room = l->entry_room;

		if (!reserve(l->ctx, (void **) &l->best, &best_room, (int64_t) entry + 1, sizeof(*l->best)) ||
			!reserve(l->ctx, (void **) &l->hits, &hit_room, (int64_t) entry + 1, sizeof(*l->hits)) ||
			!reserve(l->ctx, (void **) &l->entries, &entry_room, (int64_t) entry + 1, sizeof(*l->entries)))
			return RK_ERR_MEMORY;
		for (int64_t i = l->entry_room; i < entry_room; i++)
			l->best[i].similarity = -1;
		l->entry_room = (uint32_t) entry_room;
	}
	if (!reserve(l->ctx, (void **) &l->names, &name_room, (int64_t) l->name_top + count, sizeof(*l->names)))
		return RK_ERR_MEMORY;
	l->name_room = (uint32_t) name_room;
	if (!reserve_symbols(l->ctx, &l->text, l->forms, l->scratch.used))
		return RK_ERR_MEMORY;
	for (int64_t i = 0; i < count; i++)
	{
		int64_t		begin = i > 0 ? l->ends[i - 1] : 0;
		int64_t		length = l->ends[i] - begin;
		one_name	v;

		/* all of them may go into one bucket */
		if (length > 0 && bucket_for(l->ctx, &l->buckets, length, bits_of(l, view(&v, l->forms, l->scratch.symbols, begin, length)).slack,
									 count) == NONE)
			return RK_ERR_MEMORY;
	}
	return RK_OK;
}

rk_status
rk_name_list_set(rk_name_list *l, uint32_t entry, const rk_bytes *names, int64_t count, const rk_list_evidence *evidence)
{
	uint32_t	last = NONE;
	int64_t		strange = 0;
	rk_status	status;

	if (!RESERVE(l, ends, ends_room, count))
		return RK_ERR_MEMORY;
	l->scratch.used = 0;
	for (int64_t i = 0; i < count; i++)
	{
		status = prepare_name(l, names[i], true, &strange);
		if (status != RK_OK)
			return status;
		l->ends[i] = l->scratch.used;
	}
	if (l->since >= LEAST_REBUILD && (l->since >= l->live / 2 || l->garbage > l->text.used / 2))
	{
		status = rebuild(l);
		if (status != RK_OK)
			return status;
	}
	status = reserve_entry(l, entry, count);
	if (status != RK_OK)
		return status;
	if (entry < l->entry_count)
		drop_names(l, entry);
	else
		l->entry_count++;
	l->entries[entry] = (list_entry) {NONE, *evidence};
	for (int64_t i = 0; i < count; i++)
	{
		int64_t		begin = i > 0 ? l->ends[i - 1] : 0;

		add_name(l, entry, (uint32_t) i, begin, l->ends[i] - begin, &last);
	}
	return RK_OK;
}

void
rk_name_list_remove(rk_name_list *l, uint32_t entry)
{
	uint32_t	last = l->entry_count - 1;

	drop_names(l, entry);
	l->entry_count--;
	if (entry == last)
		return;
	l->entries[entry] = l->entries[last];
	for (uint32_t name = l->entries[entry].first; name != NONE; name = l->names[name].next)
	{
		listed	   *n = &l->names[name];

		n->owner = entry;
		if (n->bucket != NONE)
			l->buckets.list[n->bucket].index.entry[n->at].owner = entry;
	}
}

/* ---- the search ---- */

/* A name on its search. */
typedef struct quest
{
	const rk_name_set *name;
	const rk_list_evidence *evidence;
	rk_name_bits bits;
	double		least;			/* score */
	double		need[RK_DATE_AGREEMENTS][RK_COUNTRY_AGREEMENTS];	/* of names, by what else is known */
	int64_t		runs;
} quest;

static double
set_needs(rk_name_list *l, quest *q)
{
	bool		has_date = q->evidence->date != RK_NO_DATE;
	bool		has_country = q->evidence->country != RK_NO_CODE;
	double		least = 2;

	for (int d = 0; d < (has_date ? RK_DATE_AGREEMENTS : 1); d++)
		for (int c = 0; c < (has_country ? RK_COUNTRY_AGREEMENTS : 1); c++)
		{
			q->need[d][c] = rk_match_need(&l->params.rule, q->least, d, c);
			least = fmin(least, q->need[d][c]);
		}
	return least;
}

/* Compares with a name that shares so many symbols at most. */
static void
consider(rk_name_list *l, const quest *q, const rk_name_entry *e, int64_t common)
{
	double		need = q->need[0][0];
	best_name  *best = &l->best[e->owner];
	rk_name_set text = {.forms = l->forms,.form = {l->text.symbols[0], l->text.symbols[1]}};
	double		similarity;

	if (l->params.rule.model != RK_MODEL_NAME)
	{
		const rk_list_evidence *known = &l->entries[e->owner].evidence;

		if (known->type != RK_NO_CODE && q->evidence->type != RK_NO_CODE && known->type != q->evidence->type)
			return;
		need = q->need[rk_compare_dates(q->evidence->date, known->date)][rk_compare_countries(q->evidence->country, known->country)];
		if (need > 1 || common < rk_common_needed(l->params.method, l->matcher.length, e->length, need, 4))
			return;
	}
	similarity = rk_matcher_compare(&l->matcher, &text, e->offset, e->length,
									need > best->similarity ? need : best->similarity);
	if (similarity < need)
		return;
	if (best->similarity < 0)
		l->hits[l->hit_count++].entry = e->owner;
	if (similarity > best->similarity ||
		(similarity == best->similarity && l->names[e->name].number < l->names[best->name].number))
		*best = (best_name) {similarity, e->name};
}

/* Compares with the names that wait. */
static void
consider_waiting(rk_name_list *l, const quest *q)
{
	for (int k = 0; k < l->waiting_count; k++)
	{
		const rk_name_entry *e = l->waiting[k].entry;

		for (int f = 0; f < l->forms; f++)
			__builtin_prefetch(l->text.symbols[f] + e->offset);
		__builtin_prefetch(&l->best[e->owner]);
	}
	for (int k = 0; k < l->waiting_count; k++)
		consider(l, q, l->waiting[k].entry, l->waiting[k].common);
	l->waiting_count = 0;
}

/* Takes the names of a bucket that share enough symbols; false: stopped. */
RK_CLONES static bool
pass_bucket(rk_name_list *l, quest *q, const bucket *b, double need)
{
	const rk_name_index *index = &b->index;
	int64_t		slack = b->slack < q->bits.slack ? b->slack : q->bits.slack;
	int64_t		length = l->matcher.length;
	int64_t		needed[5];

	for (int p = 0; p < 5; p++)
		needed[p] = p == 0 || l->params.method == RK_JARO_WINKLER ?
			rk_common_needed(l->params.method, length, b->length, need, p) : needed[0];
	if (needed[4] > length || needed[4] > b->length)
		return true;
	for (int64_t at = 0; at < index->entries; at += RK_RUN)
	{
		int64_t		count = index->entries - at < RK_RUN ? index->entries - at : RK_RUN;
		uint64_t	found = l->run(index, at, count, &q->bits, needed[0] - slack, needed[4] - slack);

		for (uint64_t left = found; left; left &= left - 1)
			__builtin_prefetch(&index->entry[at + __builtin_ctzll(left)]);
		for (; found; found &= found - 1)
		{
			int64_t		i = at + __builtin_ctzll(found);
			const rk_name_entry *e = &index->entry[i];
			int64_t		common = rk_shared_bits(index, i, &q->bits) + slack;
			int			first = rk_shared_prefix(e, &q->bits, 0);
			int			second = rk_shared_prefix(e, &q->bits, 1);

			l->waiting[l->waiting_count].entry = e;
			l->waiting[l->waiting_count].common = common;
			l->waiting_count += common >= needed[first > second ? first : second];
		}
		if (l->waiting_count > WAITING - RK_RUN - 1)
			consider_waiting(l, q);
		if (++q->runs % RUNS_TO_POLL == 0 && rk_ctx_poll(l->ctx))
			return false;
	}
	return true;
}

static bool
same_words(const rk_name_list *l, const rk_name_set *name, const listed *n)
{
	int64_t		length = rk_name_length(name, 0);

	if (length != n->length)
		return false;
	for (int f = 0; f < l->forms; f++)
		if (memcmp(name->form[f] + name->offsets[0], l->text.symbols[f] + n->offset, sizeof(uint32_t) * length) == 0)
			return true;
	return false;
}

static bool
is_one_word(const rk_name_list *l, const listed *n)
{
	for (uint32_t i = 0; i < n->length; i++)
		if (l->text.symbols[0][n->offset + i] == RK_SPACE)
			return false;
	return true;
}

/* What was met and scores enough. */
static void
score_hits(rk_name_list *l, const quest *q)
{
	uint32_t	n = 0;

	for (uint32_t k = 0; k < l->hit_count; k++)
	{
		uint32_t	entry = l->hits[k].entry;
		best_name  *best = &l->best[entry];
		const listed *name = &l->names[best->name];
		const rk_list_evidence *known = &l->entries[entry].evidence;
		double		score = rk_match_score(&l->params.rule, best->similarity,
										   rk_compare_dates(q->evidence->date, known->date),
										   rk_compare_countries(q->evidence->country, known->country));

		if (score >= q->least)
			l->hits[n++] = (rk_list_hit) {score, best->similarity, entry, name->number, same_words(l, q->name, name), is_one_word(l, name)};
		best->similarity = -1;
	}
	l->hit_count = n;
}

/* The scores that a best one is looked for from, where there is no hit. */
static const double levels[] = {0.94, 0.88, 0.82, 0.76, 0.70, 0.60, 0.45, 0};

rk_status
rk_name_list_search(rk_name_list *l, rk_bytes name, const rk_list_evidence *evidence, double hit_score, double min_score,
					const rk_list_hit **hits, uint32_t *count)
{
	quest		q = {.evidence = evidence,.least = hit_score};
	one_name	v;
	int64_t		strange = 0;
	int			level = 0;
	bool		stopped = false;
	rk_status	status;

	l->scratch.used = 0;
	status = prepare_name(l, name, false, &strange);
	if (status != RK_OK)
		return status;
	if (l->scratch.used == 0)
		return rk_fail(l->ctx, RK_ERR_PARAMETER, "field \"query_name\" has no letters");
	q.name = view(&v, l->forms, l->scratch.symbols, 0, l->scratch.used);
	q.bits = bits_of(l, q.name);
	rk_matcher_set(&l->matcher, q.name, 0);
	for (;;)
	{
		double		need = set_needs(l, &q);

		l->hit_count = 0;
		for (uint32_t b = 0; b < l->buckets.count && need <= 1 && !stopped; b++)
			stopped = !pass_bucket(l, &q, &l->buckets.list[b], need);
		consider_waiting(l, &q);
		score_hits(l, &q);
		if (stopped || l->hit_count > 0 || q.least <= min_score)
			break;
		while (levels[level] >= q.least)
			level++;
		q.least = levels[level] > min_score ? levels[level] : min_score;
	}
	rk_matcher_set(&l->matcher, NULL, 0);
	stopped = stopped || rk_should_stop(l->ctx);
	*hits = l->hits;
	*count = l->hit_count;
	return stopped ? RK_STOPPED : RK_OK;
}
