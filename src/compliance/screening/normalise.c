/*
 * normalise.c
 *	  Text as the code points that names are compared by, with ICU.
 *
 * Most names are ASCII, for which the result is written down at once.
 */
#include "names.h"

#include <string.h>

#include <unicode/uchar.h>
#include <unicode/unorm2.h>
#include <unicode/ustring.h>
#include <unicode/utf16.h>
#include <unicode/utrans.h>

/*
 * What Latin-ASCII would turn into apostrophes, and so into spaces inside of
 * words: the marks that stand for soft and hard signs, alef and ayin.
 */
#define LATIN "Any-Latin; [\\u02B0-\\u02FF] Remove; Latin-ASCII"

#define LONGEST (INT64_C(1) << 28)	/* UTF-16 units; ICU counts in 32 bits */

/* Text on its way through the steps of ICU. */
typedef struct buffer
{
	UChar	   *text;
	int64_t		capacity;
	int32_t		length;
} buffer;

struct rk_normaliser
{
	rk_ctx	   *ctx;
	const UNormalizer2 *nfkc;
	const UNormalizer2 *nfd;
	UTransliterator *latin;		/* NULL: letters stay in their script */
	buffer		from;
	buffer		to;
	uint32_t   *symbols;
	int64_t		capacity;
};

/* Made once for the process: that takes ICU milliseconds.  One thread at a time normalises. */
static UTransliterator *latin_letters = NULL;

static rk_status
icu_failure(rk_ctx *ctx, UErrorCode code)
{
	if (code == U_MEMORY_ALLOCATION_ERROR)
		return rk_fail(ctx, RK_ERR_MEMORY, "out of memory");
	return rk_fail(ctx, RK_ERR_UNSUPPORTED, "could not normalise names: ICU says %s", u_errorName(code));
}

rk_status
rk_normaliser_open(rk_ctx *ctx, bool transliterate, rk_normaliser **normaliser)
{
	UErrorCode	code = U_ZERO_ERROR;
	rk_normaliser *n = rk_alloc0(ctx, 1, sizeof(rk_normaliser));
	UChar		id[sizeof(LATIN)];

	*normaliser = n;
	if (n == NULL)
		return RK_ERR_MEMORY;
	n->ctx = ctx;
	n->nfkc = unorm2_getNFKCInstance(&code);
	n->nfd = unorm2_getNFDInstance(&code);
	if (transliterate && latin_letters == NULL)
	{
		u_uastrcpy(id, LATIN);
		latin_letters = utrans_openU(id, -1, UTRANS_FORWARD, NULL, 0, NULL, &code);
	}
	n->latin = transliterate ? latin_letters : NULL;
	return U_FAILURE(code) ? icu_failure(ctx, code) : RK_OK;
}

static rk_status
reserve(rk_normaliser *n, buffer *b, int64_t capacity)
{
	UChar	   *grown;

	if (capacity <= b->capacity)
		return RK_OK;
	if (capacity > LONGEST)
		return rk_fail(n->ctx, RK_ERR_LIMIT, "a name is too long: more than %lld characters", (long long) LONGEST);
	capacity = capacity < 128 ? 256 : capacity * 2;
	grown = rk_realloc(n->ctx, b->text, capacity, sizeof(UChar));
	if (grown == NULL)
		return RK_ERR_MEMORY;
	b->text = grown;
	b->capacity = capacity;
	return RK_OK;
}

typedef enum step
{
	STEP_NFKC,
	STEP_FOLD,
	STEP_NFD
} step;

/* One step from n->from to n->to, which then change places. */
static rk_status
take_step(rk_normaliser *n, step what)
{
	rk_status	status = reserve(n, &n->to, n->from.length + 16);
	buffer		swap;

	for (int turn = 0; status == RK_OK; turn++)
	{
		UErrorCode	code = U_ZERO_ERROR;

		if (what == STEP_FOLD)
			n->to.length = u_strFoldCase(n->to.text, (int32_t) n->to.capacity, n->from.text, n->from.length,
										 U_FOLD_CASE_DEFAULT, &code);
		else
			n->to.length = unorm2_normalize(what == STEP_NFKC ? n->nfkc : n->nfd, n->from.text, n->from.length,
											n->to.text, (int32_t) n->to.capacity, &code);
		if (code == U_BUFFER_OVERFLOW_ERROR && turn == 0)
		{
			status = reserve(n, &n->to, (int64_t) n->to.length + 1);
			continue;
		}
		if (U_FAILURE(code))
			return icu_failure(n->ctx, code);
		swap = n->from;
		n->from = n->to;
		n->to = swap;
		return RK_OK;
	}
	return status;
}

/* Turns n->from into Latin letters, in place. */
static rk_status
transliterate(rk_normaliser *n)
{
	rk_status	status = reserve(n, &n->to, n->from.length + 16);

	/* it says only that the room was too small, so ever more is tried */
	while (status == RK_OK)
	{
		UErrorCode	code = U_ZERO_ERROR;
		int32_t		length = n->from.length;
		int32_t		limit = length;
		buffer		swap;

		memcpy(n->to.text, n->from.text, sizeof(UChar) * length);
		utrans_transUChars(n->latin, n->to.text, &length, (int32_t) n->to.capacity, 0, &limit, &code);
		if (code == U_BUFFER_OVERFLOW_ERROR)
		{
			status = reserve(n, &n->to, n->to.capacity + 1);
			continue;
		}
		if (U_FAILURE(code))
			return icu_failure(n->ctx, code);
		n->to.length = length;
		swap = n->from;
		n->from = n->to;
		n->to = swap;
		return RK_OK;
	}
	return status;
}

/* Adds a code point, or a space between words. */
static inline int64_t
put(uint32_t *symbols, int64_t count, uint32_t c, bool separates)
{
	if (!separates)
		symbols[count++] = c;
	else if (count > 0 && symbols[count - 1] != ' ')
		symbols[count++] = ' ';
	return count;
}

static inline bool
ascii_separates(uint8_t c)
{
	/* the controls among them are white space by their bidirectional class */
	static const char punctuation[] = "!\"#%&'()*,-./:;?@[\\]_{}";

	return c == ' ' || (c >= '\t' && c <= '\r') || (c >= 0x1c && c <= 0x1f) ||
		(c && memchr(punctuation, c, sizeof(punctuation) - 1) != NULL);
}

static rk_status
reserve_symbols(rk_normaliser *n, int64_t count)
{
	uint32_t   *grown;

	if (count <= n->capacity)
		return RK_OK;
	grown = rk_realloc(n->ctx, n->symbols, count * 2, sizeof(uint32_t));
	if (grown == NULL)
		return RK_ERR_MEMORY;
	n->symbols = grown;
	n->capacity = count * 2;
	return RK_OK;
}

/* The code points of n->from that are compared. */
static int64_t
keep_letters(rk_normaliser *n)
{
	int64_t		count = 0;

	for (int32_t i = 0; i < n->from.length;)
	{
		UChar32		c;

		U16_NEXT(n->from.text, i, n->from.length, c);
		if (c < 0x80)
			count = put(n->symbols, count, c, ascii_separates((uint8_t) c));
		else if (u_getCombiningClass(c) == 0 && !u_hasBinaryProperty(c, UCHAR_DEFAULT_IGNORABLE_CODE_POINT))
			count = put(n->symbols, count, c, (U_GET_GC_MASK(c) & U_GC_P_MASK) != 0 || u_isUWhiteSpace(c));
	}
	return count;
}

static rk_status
normalise_unicode(rk_normaliser *n, rk_bytes text, int64_t *count)
{
	UErrorCode	code = U_ZERO_ERROR;
	rk_status	status;

	if (text.length > LONGEST)
		return rk_fail(n->ctx, RK_ERR_LIMIT, "a name is too long: more than %lld characters", (long long) LONGEST);
	/* never more units than bytes */
	status = reserve(n, &n->from, (int64_t) text.length + 1);
	if (status != RK_OK)
		return status;
	u_strFromUTF8WithSub(n->from.text, (int32_t) n->from.capacity, &n->from.length, text.data, (int32_t) text.length,
						 0xFFFD, NULL, &code);
	if (U_FAILURE(code))
		return icu_failure(n->ctx, code);
	status = take_step(n, STEP_NFKC);
	if (status == RK_OK && n->latin)
		status = transliterate(n);
	if (status == RK_OK)
		status = take_step(n, STEP_FOLD);
	if (status == RK_OK)
		status = take_step(n, STEP_NFD);
	if (status == RK_OK)
		status = reserve_symbols(n, n->from.length);
	if (status == RK_OK)
		*count = keep_letters(n);
	return status;
}

rk_status
rk_normalise(rk_normaliser *n, rk_bytes text, const uint32_t **symbols, int64_t *count)
{
	rk_status	status = reserve_symbols(n, text.length + 1);
	int64_t		k = 0;
	bool		ascii = true;

	for (uint32_t i = 0; i < text.length && ascii; i++)
		ascii = (uint8_t) text.data[i] < 0x80;
	if (status == RK_OK && ascii)
	{
		for (uint32_t i = 0; i < text.length; i++)
		{
			uint8_t		c = (uint8_t) text.data[i];

			k = put(n->symbols, k, c >= 'A' && c <= 'Z' ? c + 32 : c, ascii_separates(c));
		}
	}
	else if (status == RK_OK)
		status = normalise_unicode(n, text, &k);
	if (k > 0 && n->symbols[k - 1] == ' ')
		k--;
	*symbols = n->symbols;
	*count = k;
	return status;
}
