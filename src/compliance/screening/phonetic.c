/*
 * phonetic.c
 *	  What names sound like: Soundex and Metaphone of their words.
 */
#include "similarity.h"

#include <stdlib.h>
#include <string.h>

#define NONE UINT32_MAX

/* ---- words ---- */

/*
 * American Soundex: the first letter and three digits; letters of one digit in
 * a row count once, also across h and w, but not across a vowel.
 */
int64_t
rk_soundex(const char *word, int64_t length, char *code)
{
	static const char digits[] = "01230120022455012623010202";	/* a to z */
	int64_t		n = 0;
	char		last = '0';

	for (int64_t i = 0; i < length && n < 4; i++)
	{
		char		digit = digits[word[i] - 'a'];

		if (n == 0)
			code[n++] = word[i];
		else if (digit != '0' && digit != last)
			code[n++] = digit;
		if (word[i] != 'h' && word[i] != 'w')
			last = digit;
		else if (i == 0)
			last = '0';
	}
	while (n > 0 && n < 4)
		code[n++] = '0';
	return n;
}

static inline bool
is_vowel(char c)
{
	return c == 'a' || c == 'e' || c == 'i' || c == 'o' || c == 'u';
}

static inline bool
is_front(char c)
{
	return c == 'e' || c == 'i' || c == 'y';
}

/* What a letter sounds like; *skip: letters after it that it takes along. */
static const char *
metaphone_of(const char *w, int64_t i, int64_t length, int64_t *skip)
{
	char		c = w[i];
	char		before = i > 0 ? w[i - 1] : 0;
	char		next = i + 1 < length ? w[i + 1] : 0;
	char		after = i + 2 < length ? w[i + 2] : 0;

	*skip = 0;
	switch (c)
	{
		case 'a':
		case 'e':
		case 'i':
		case 'o':
		case 'u':
			return i > 0 ? "" : c == 'a' ? "a" : c == 'e' ? "e" : c == 'i' ? "i" : c == 'o' ? "o" : "u";
		case 'b':
			/* silent in -mb */
			return before == 'm' && next == 0 ? "" : "b";
		case 'c':
			if ((next == 'i' && after == 'a') || next == 'h')
			{
				*skip = 1;
				return "x";
			}
			if (is_front(next))
			{
				*skip = 1;
				return "s";
			}
			return "k";
		case 'd':
			if (next == 'g' && is_front(after))
			{
				*skip = 2;
				return "j";
			}
			return "t";
		case 'g':
			if (is_front(next))
				return "j";
			/* silent in -gh- before a consonant, and in -gh and -gn */
			if (next == 'h' && !is_vowel(after))
			{
				*skip = 1;
				return "";
			}
			if (next == 'n' && after == 0)
			{
				*skip = 1;
				return "";
			}
			return "k";
		case 'h':
			return i == 0 || is_vowel(next) || !is_vowel(before) ? "h" : "";
		case 'k':
			return before == 'c' ? "" : "k";
		case 'p':
			if (next == 'h')
			{
				*skip = 1;
				return "f";
			}
			return "p";
		case 'q':
			return "k";
		case 's':
			if (next == 'h')
			{
				*skip = 1;
				return "x";
			}
			if (next == 'i' && (after == 'o' || after == 'a'))
			{
				*skip = 2;
				return "x";
			}
			return "s";
		case 't':
			if (next == 'i' && (after == 'o' || after == 'a'))
				return "x";
			if (next == 'h')
			{
				*skip = 1;
				return "0";
			}
			/* silent in -tch- */
			return next == 'c' && after == 'h' ? "" : "t";
		case 'v':
			return "f";
		case 'w':
			if (i == 0 && next == 'h')
			{
				*skip = 1;
				return "w";
			}
			return is_vowel(next) ? "w" : "";
		case 'x':
			if (i > 0)
				return "ks";
			return next == 'h' || (next == 'i' && (after == 'o' || after == 'a')) ? "x" : "s";
		case 'y':
			return is_vowel(next) ? "y" : "";
		case 'z':
			return "s";
		case 'f':
			return "f";
		case 'j':
			return "j";
		case 'l':
			return "l";
		case 'm':
			return "m";
		case 'n':
			return "n";
		default:
			return "r";
	}
}

/* Metaphone (Philips 1990); code has room for two symbols a letter. */
int64_t
rk_metaphone(const char *word, int64_t length, char *code)
{
	static const char *const silent[] = {"kn", "gn", "pn", "wr", "ae"};
	int64_t		n = 0;

	for (int k = 0; k < 5 && length >= 2; k++)
	{
		if (memcmp(word, silent[k], 2) != 0)
			continue;
		word++;
		length--;
		break;
	}
	for (int64_t i = 0; i < length; i++)
	{
		int64_t		skip;
		const char *sound;

		/* of double letters the second counts, but both of cc */
		if (i + 1 < length && word[i] == word[i + 1] && word[i] != 'c')
			continue;
		sound = metaphone_of(word, i, length, &skip);
		while (*sound)
			code[n++] = *sound++;
		i += skip;
	}
	return n;
}

/* ---- names ---- */

/* Room for making the key of one name. */
typedef struct workshop
{
	char	   *word;			/* a word, then its code behind it */
	char	   *codes;			/* of all words, one behind the other */
	rk_bytes   *parts;			/* each of them */
	char	   *key;
} workshop;

static int
compare_parts(const void *a, const void *b)
{
	const rk_bytes *x = a;
	const rk_bytes *y = b;
	uint32_t	n = x->length < y->length ? x->length : y->length;
	int			order = memcmp(x->data, y->data, n);

	return order != 0 ? order : (x->length > y->length) - (x->length < y->length);
}

/* The code of a word; one that has other letters, or no sound, is its own. */
static int64_t
code_of_word(const uint32_t *symbols, int64_t length, bool metaphone, workshop *w, char *code)
{
	bool		latin = true;
	int64_t		n = 0;

	for (int64_t i = 0; i < length; i++)
	{
		latin = latin && symbols[i] >= 'a' && symbols[i] <= 'z';
		w->word[i] = (char) symbols[i];
	}
	if (latin)
		n = metaphone ? rk_metaphone(w->word, length, code) : rk_soundex(w->word, length, code);
	if (n > 0)
		return n;
	*code = '=';
	memcpy(code + 1, symbols, sizeof(uint32_t) * length);
	return 1 + (int64_t) sizeof(uint32_t) * length;
}

/* The codes of all words of a name as one key. */
static rk_bytes
key_of_name(const uint32_t *symbols, int64_t length, bool metaphone, bool any_order, workshop *w)
{
	int64_t		parts = 0;
	int64_t		used = 0;
	int64_t		begin = 0;
	int64_t		n = 0;

	for (int64_t i = 0; i <= length; i++)
	{
		int64_t		size;

		if (i < length && symbols[i] != ' ')
			continue;
		size = code_of_word(symbols + begin, i - begin, metaphone, w, w->codes + used);
		w->parts[parts++] = (rk_bytes) {w->codes + used, (uint32_t) size};
		used += size;
		begin = i + 1;
	}
	if (any_order && parts > 1)
		qsort(w->parts, parts, sizeof(rk_bytes), compare_parts);
	w->key[n++] = metaphone ? 'm' : 's';
	for (int64_t k = 0; k < parts; k++)
	{
		memcpy(w->key + n, w->parts[k].data, w->parts[k].length);
		n += w->parts[k].length;
		w->key[n++] = ' ';
	}
	return (rk_bytes) {w->key, (uint32_t) n};
}

rk_status
rk_sound_keys(rk_ctx *ctx, const rk_name_set *names, bool any_order, rk_dictionary *keys, uint32_t *codes)
{
	int64_t		longest = names->longest + 1;
	workshop	w = {rk_alloc(ctx, longest, 1), rk_alloc(ctx, longest, 6), rk_alloc(ctx, longest, sizeof(rk_bytes)),
	rk_alloc(ctx, longest, 8)};
	rk_status	status = w.word && w.codes && w.parts && w.key ? RK_OK : RK_ERR_MEMORY;

	for (int64_t i = 0; i < names->count && status == RK_OK; i++)
	{
		int64_t		length = rk_name_length(names, i);

		codes[2 * i] = codes[2 * i + 1] = NONE;
		for (int metaphone = 0; metaphone < 2 && length > 0 && status == RK_OK; metaphone++)
		{
			rk_bytes	key = key_of_name(names->form[0] + names->offsets[i], length, metaphone, any_order, &w);

			status = rk_dictionary_add(keys, &key, 1, &codes[2 * i + metaphone]);
		}
		if ((i & 1023) == 0 && status == RK_OK && rk_ctx_poll(ctx))
			status = RK_STOPPED;
	}
	rk_free(ctx, w.word);
	rk_free(ctx, w.codes);
	rk_free(ctx, w.parts);
	rk_free(ctx, w.key);
	return status;
}
