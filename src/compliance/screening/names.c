/*
 * names.c
 *	  Sets of normalised names, their words and their alphabet.
 */
#include "names.h"

#include <stdlib.h>
#include <string.h>

/* ---- normalising ---- */

/* Where the names of each row begin. */
static int64_t
count_names(const rk_name_input *input, int64_t *first)
{
	int64_t		count = 0;

	for (int64_t r = 0; r < input->rows; r++)
	{
		first[r] = count;
		count += 1 + (input->alias_offsets ? input->alias_offsets[r + 1] - input->alias_offsets[r] : 0);
	}
	first[input->rows] = count;
	return count;
}

rk_status
rk_names_build(rk_normaliser *normaliser, rk_ctx *ctx, const rk_name_input *input, rk_name_set *names)
{
	int64_t		capacity = 0;
	int64_t		used = 0;

	*names = (rk_name_set) {.rows = input->rows,.forms = 1};
	names->first = rk_alloc(ctx, input->rows + 1, sizeof(int64_t));
	if (names->first == NULL)
		return RK_ERR_MEMORY;
	names->count = count_names(input, names->first);
	if (names->count >= UINT32_MAX)
		return rk_fail(ctx, RK_ERR_LIMIT, "too many names: %lld", (long long) names->count);
	names->owner = rk_alloc(ctx, names->count, sizeof(uint32_t));
	names->offsets = rk_alloc(ctx, names->count + 1, sizeof(int64_t));
	if (names->owner == NULL || names->offsets == NULL)
		return RK_ERR_MEMORY;
	names->offsets[0] = 0;
	for (int64_t r = 0; r < input->rows; r++)
	{
		for (int64_t i = names->first[r]; i < names->first[r + 1]; i++)
		{
			int64_t		k = i - names->first[r];
			const uint32_t *symbols;
			int64_t		length;
			rk_status	status = rk_normalise(normaliser, k == 0 ? input->names[r] :
											  input->aliases[input->alias_offsets[r] + k - 1], &symbols, &length);

			if (status == RK_OK && used + length > capacity)
			{
				uint32_t   *grown;

				capacity = capacity * 3 / 2 + length + 16 * (names->count - i);
				grown = rk_realloc(ctx, names->form[0], capacity, sizeof(uint32_t));
				if (grown == NULL)
					return RK_ERR_MEMORY;
				names->form[0] = grown;
			}
			if (status != RK_OK)
				return status;
			if (length > 0)
				memcpy(names->form[0] + used, symbols, sizeof(uint32_t) * length);
			used += length;
			names->owner[i] = (uint32_t) r;
			names->offsets[i + 1] = used;
			if (length > names->longest)
				names->longest = length;
		}
		if ((r & 1023) == 0 && rk_ctx_poll(ctx))
			return RK_STOPPED;
	}
	return RK_OK;
}

/* ---- alphabet ---- */

#define CODE_POINTS 0x110000
#define FEW 4096				/* symbols for which a table of all code points costs more than sorting */

static int
compare_code_points(const void *a, const void *b)
{
	uint32_t	x = *(const uint32_t *) a;
	uint32_t	y = *(const uint32_t *) b;

	return (x > y) - (x < y);
}

static uint32_t
place_in(const uint32_t *sorted, int64_t n, uint32_t c)
{
	int64_t		low = 0;

	while (n > 1)
	{
		int64_t		half = n / 2;

		low += sorted[low + half] <= c ? half : 0;
		n -= half;
	}
	return (uint32_t) low;
}

/* Numbers the code points of short sets by sorting them. */
static rk_status
number_few(rk_ctx *ctx, rk_name_set *const *sets, int count, int64_t total, int64_t *alphabet)
{
	uint32_t   *sorted = rk_alloc(ctx, total + 1, sizeof(uint32_t));
	int64_t		n = 1;
	int64_t		unique = 0;

	if (sorted == NULL)
		return RK_ERR_MEMORY;
	/* below all others, and so symbol 0: letters below the space cannot be told apart from it otherwise */
	sorted[0] = 0;
	for (int s = 0; s < count; s++)
		for (int64_t i = 0; i < sets[s]->offsets[sets[s]->count]; i++)
			sorted[n++] = sets[s]->form[0][i] == ' ' ? 0 : sets[s]->form[0][i] + 1;
	qsort(sorted, n, sizeof(uint32_t), compare_code_points);
	for (int64_t i = 0; i < n; i++)
		if (i == 0 || sorted[i] != sorted[i - 1])
			sorted[unique++] = sorted[i];
	for (int s = 0; s < count; s++)
		for (int64_t i = 0; i < sets[s]->offsets[sets[s]->count]; i++)
		{
			uint32_t   *c = &sets[s]->form[0][i];

			*c = place_in(sorted, unique, *c == ' ' ? 0 : *c + 1);
		}
	*alphabet = unique;
	rk_free(ctx, sorted);
	return RK_OK;
}

/* Marks the code points of a set in a table, or puts what is there in their place; false: stopped. */
static bool
visit_symbols(rk_ctx *ctx, rk_name_set *set, uint32_t *number, bool replace)
{
	for (int64_t i = 0; i < set->offsets[set->count]; i++)
	{
		uint32_t   *c = &set->form[0][i];
		uint32_t   *place = &number[*c == ' ' ? 0 : *c + 1];

		if (replace)
			*c = *place;
		else
			*place = 1;
		if ((i & 0xfffff) == 0 && rk_ctx_poll(ctx))
			return false;
	}
	return true;
}

/* The same for many, by a table of all code points. */
static rk_status
number_many(rk_ctx *ctx, rk_name_set *const *sets, int count, int64_t *alphabet)
{
	uint32_t   *number = rk_alloc0(ctx, CODE_POINTS + 1, sizeof(uint32_t));
	uint32_t	n = 0;

	if (number == NULL)
		return RK_ERR_MEMORY;
	number[0] = 1;
	for (int s = 0; s < count; s++)
		if (!visit_symbols(ctx, sets[s], number, false))
			return RK_STOPPED;
	for (int64_t c = 0; c <= CODE_POINTS; c++)
		if (number[c])
			number[c] = n++;
	for (int s = 0; s < count; s++)
		if (!visit_symbols(ctx, sets[s], number, true))
			return RK_STOPPED;
	*alphabet = n;
	rk_free(ctx, number);
	return RK_OK;
}

/* ---- words ---- */

static int
compare_words(const void *a, const void *b)
{
	const rk_word *x = a;
	const rk_word *y = b;
	int64_t		n = x->length < y->length ? x->length : y->length;

	for (int64_t i = 0; i < n; i++)
		if (x->symbols[i] != y->symbols[i])
			return x->symbols[i] < y->symbols[i] ? -1 : 1;
	return (x->length > y->length) - (x->length < y->length);
}

static int64_t
split(const uint32_t *symbols, int64_t length, rk_word *words)
{
	int64_t		n = 0;
	int64_t		begin = 0;

	for (int64_t i = 0; i <= length; i++)
	{
		if (i < length && symbols[i] != RK_SPACE)
			continue;
		if (i > begin)
			words[n++] = (rk_word) {symbols + begin, i - begin};
		begin = i + 1;
	}
	return n;
}

int64_t
rk_name_sort_words(const uint32_t *symbols, int64_t length, rk_word *words, bool once, uint32_t *to)
{
	int64_t		n = split(symbols, length, words);
	int64_t		used = 0;

	if (n > 1)
		qsort(words, n, sizeof(rk_word), compare_words);
	for (int64_t i = 0; i < n; i++)
	{
		if (once && i > 0 && compare_words(&words[i], &words[i - 1]) == 0)
			continue;
		if (used > 0)
			to[used++] = RK_SPACE;
		memcpy(to + used, words[i].symbols, sizeof(uint32_t) * words[i].length);
		used += words[i].length;
	}
	return used;
}

/* Adds the form with the words in order, or puts it in place of that as given. */
static rk_status
sort_words(rk_ctx *ctx, rk_name_set *names, rk_name_form form)
{
	int64_t		total = names->offsets[names->count];
	uint32_t   *sorted = rk_alloc(ctx, total, sizeof(uint32_t));
	rk_word    *words = rk_alloc(ctx, names->longest / 2 + 1, sizeof(rk_word));
	int64_t		used = 0;
	int64_t		longest = 0;

	if (sorted == NULL || words == NULL)
		return RK_ERR_MEMORY;
	for (int64_t i = 0, begin = 0; i < names->count; i++)
	{
		int64_t		end = names->offsets[i + 1];
		int64_t		length = rk_name_sort_words(names->form[0] + begin, end - begin, words, form == RK_FORM_SET, sorted + used);

		used += length;
		if (length > longest)
			longest = length;
		names->offsets[i + 1] = used;
		begin = end;
		if ((i & 4095) == 0 && rk_ctx_poll(ctx))
			return RK_STOPPED;
	}
	rk_free(ctx, words);
	names->longest = longest;
	if (form == RK_FORM_BOTH)
	{
		names->form[1] = sorted;
		names->forms = 2;
		return RK_OK;
	}
	rk_free(ctx, names->form[0]);
	names->form[0] = sorted;
	return RK_OK;
}

rk_status
rk_names_prepare(rk_ctx *ctx, rk_name_set *const *sets, int count, rk_name_form form, int64_t *alphabet)
{
	int64_t		total = 0;
	rk_status	status;

	for (int s = 0; s < count; s++)
		total += sets[s]->offsets[sets[s]->count];
	status = total < FEW ? number_few(ctx, sets, count, total, alphabet) : number_many(ctx, sets, count, alphabet);
	for (int s = 0; s < count && status == RK_OK && form != RK_FORM_GIVEN; s++)
		status = sort_words(ctx, sets[s], form);
	return status;
}

bool
rk_names_equal(const rk_name_set *a, int64_t i, const rk_name_set *b, int64_t j)
{
	int64_t		length = rk_name_length(a, i);

	if (length == 0 || length != rk_name_length(b, j))
		return false;
	for (int f = 0; f < a->forms; f++)
		if (memcmp(a->form[f] + a->offsets[i], b->form[f] + b->offsets[j], sizeof(uint32_t) * length) == 0)
			return true;
	return false;
}

bool
rk_name_is_one_word(const rk_name_set *names, int64_t name)
{
	for (int64_t i = names->offsets[name]; i < names->offsets[name + 1]; i++)
		if (names->form[0][i] == RK_SPACE)
			return false;
	return true;
}
