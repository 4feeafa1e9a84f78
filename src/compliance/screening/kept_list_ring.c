/*
 * kept_list_ring.c
 *	  The list that the screening actors keep: entries as they came, and the
 *	  index of their names.
 *
 * A snapshot holds the entries alone; the index is made of them again.
 */
#include "screening_ring.h"

#include <string.h>

#include "../../compute/random.h"

/* Those that name lists are searched by. */
const char *const rk_kept_methods[] = {"jaro_winkler", "jaro", "levenshtein", "damerau", "token_sort_ratio", NULL};

#define EPOCH_DAYS 10957		/* from 1970 to 2000 */
#define MOST_NAMES (RK_SCREEN_ALIASES_MAX / 2 + 1)

rk_status
rk_kept_open(rk_ctx *ctx, const rk_options *options, bool secondary, rk_kept_list **list)
{
	rk_kept_list *l = rk_alloc0(ctx, 1, sizeof(*l));
	rk_name_list_params params = {
		.method = (rk_name_method) rk_option_find(options, "method")->integer,
		.any_order = rk_option_find(options, "token_order")->integer == 1,
		.transliterate = rk_option_find(options, "transliterate")->truth,
		.rule = {.model = secondary ? RK_MODEL_SECONDARY : RK_MODEL_NAME}
	};

	if (l == NULL)
		return RK_ERR_MEMORY;
	l->min_score = rk_option_find(options, "min_score")->number;
	l->hit_score = rk_option_find(options, "hit_score")->number;
	if (l->hit_score < l->min_score)
		return rk_fail(ctx, RK_ERR_PARAMETER, "option \"hit_score\" is %g, but must be at least \"min_score\", %g", l->hit_score,
					   l->min_score);
	*list = l;
	return rk_name_list_create(ctx, &params, &l->names);
}

/* ---- entries ---- */

const char *
rk_kept_text(const rk_kept *kept, int i)
{
	const char *text = kept->texts;

	while (i-- > 0)
		text += strlen(text) + 1;
	return text;
}

static rk_bytes
bytes_of(const char *text, uint32_t most)
{
	return (rk_bytes) {text, (uint32_t) strnlen(text, most)};
}

/* The name and the aliases; returns how many. */
static int64_t
names_of(const rk_kept_input *in, rk_bytes *names)
{
	int64_t		n = 0;

	names[n++] = bytes_of(in->texts[0], in->sizes[0]);
	for (uint32_t at = 0; at < RK_SCREEN_ALIASES_MAX && in->aliases[at];)
	{
		names[n] = bytes_of(in->aliases + at, RK_SCREEN_ALIASES_MAX - at);
		at += names[n++].length + 1;
	}
	return n;
}

/* The texts one behind the other. */
static rk_status
pack_texts(rk_ctx *ctx, const rk_kept_input *in, const rk_bytes *names, int64_t count, rk_kept *kept)
{
	char	   *to;

	kept->bytes = 0;
	for (int i = 0; i < RK_KEPT_TEXTS - 1; i++)
		kept->bytes += bytes_of(in->texts[i], in->sizes[i]).length + 1;
	for (int64_t i = 1; i < count; i++)
		kept->bytes += names[i].length + 1;
	to = kept->texts = rk_alloc0(ctx, (int64_t) kept->bytes + 1, 1);
	if (to == NULL)
		return RK_ERR_MEMORY;
	for (int i = 0; i < RK_KEPT_TEXTS - 1; i++)
	{
		rk_bytes	text = bytes_of(in->texts[i], in->sizes[i]);

		memcpy(to, text.data, text.length);
		to += text.length + 1;
	}
	for (int64_t i = 1; i < count; i++)
	{
		memcpy(to, names[i].data, names[i].length);
		to += names[i].length + 1;
	}
	kept->bytes++;
	return RK_OK;
}

/* Room for one entry more. */
static rk_status
reserve(rk_ctx *ctx, rk_kept_list *l)
{
	rk_status	status = rk_names_reserve(ctx, &l->ids);

	return status == RK_OK ? rk_names_reserve_list(ctx, &l->ids, (void **) &l->kept, &l->room, sizeof(*l->kept)) : status;
}

static rk_status
evidence_of(rk_kept_list *l, const rk_kept_input *in, rk_list_evidence *evidence)
{
	rk_status	status = rk_name_list_code(l->names, in->country, true, &evidence->country);

	evidence->date = in->born == RK_FIELD_ABSENT_INT4 ? RK_NO_DATE : rk_packed_date((int64_t) in->born - EPOCH_DAYS);
	return status == RK_OK ? rk_name_list_code(l->names, in->type, true, &evidence->type) : status;
}

/* Puts an entry into the list under the text of its id. */
static rk_status
put_entry(rk_ctx *ctx, rk_kept_list *l, const rk_name *id, const rk_kept_input *in)
{
	uint32_t	i = rk_names_find(&l->ids, id->text);
	rk_kept		kept = {.sequence = l->next_sequence,.day = in->day,.level = in->level,.active = in->active};
	rk_list_evidence evidence;
	rk_bytes	names[MOST_NAMES];
	int64_t		count = names_of(in, names);
	rk_status	status;

	if (names[0].length == 0)
		return rk_fail(ctx, RK_ERR_PARAMETER, "field \"entry_name\" must not be empty");
	if ((i == RK_NO_NAME && (status = reserve(ctx, l)) != RK_OK) || (status = evidence_of(l, in, &evidence)) != RK_OK ||
		(status = pack_texts(ctx, in, names, count, &kept)) != RK_OK)
		return status;
	status = rk_name_list_set(l->names, i == RK_NO_NAME ? l->ids.count : i, names, count, &evidence);
	if (status != RK_OK)
	{
		rk_free(ctx, kept.texts);
		return status;
	}
	if (i == RK_NO_NAME)
	{
		i = rk_names_add(&l->ids, id->text);
		l->next_sequence++;
	}
	else
	{
		kept.sequence = l->kept[i].sequence;
		rk_free(ctx, l->kept[i].texts);
	}
	l->kept[i] = kept;
	return RK_OK;
}

rk_status
rk_kept_put(rk_ctx *ctx, rk_kept_list *l, const rk_kept_input *in)
{
	rk_name		id;
	rk_status	status = rk_name_of_id(ctx, "entry_id", in->id, &id);

	return status == RK_OK ? put_entry(ctx, l, &id, in) : status;
}

rk_status
rk_kept_drop(rk_ctx *ctx, rk_kept_list *l, const rk_id *id, bool *removed)
{
	rk_name		name;
	uint32_t	i;
	rk_status	status = rk_name_of_id(ctx, "entry_id", id, &name);

	if (status != RK_OK)
		return status;
	i = rk_names_find(&l->ids, name.text);
	*removed = i != RK_NO_NAME;
	if (!*removed)
		return RK_OK;
	rk_free(ctx, l->kept[i].texts);
	l->kept[i] = l->kept[l->ids.count - 1];
	rk_name_list_remove(l->names, i);
	rk_names_remove(&l->ids, i);
	return RK_OK;
}

/* ---- snapshots ---- */

typedef struct stored_list
{
	int64_t		count;
	int64_t		next_sequence;
	int64_t		screened;
	int64_t		found;
} stored_list;

typedef struct stored_entry
{
	rk_name		id;
	int64_t		sequence;
	uint32_t	bytes;
	int32_t		day;
	int32_t		level;
	int32_t		active;
} stored_entry;

rk_status
rk_kept_snapshot(rk_ctx *ctx, void *list, rk_writer *writer)
{
	rk_kept_list *l = list;
	stored_list head = {l->ids.count, l->next_sequence, l->screened, l->found};
	rk_status	status = rk_write(ctx, writer, &head, sizeof(head));

	for (uint32_t i = 0; i < l->ids.count && status == RK_OK; i++)
	{
		const rk_kept *k = &l->kept[i];
		stored_entry out = {l->ids.name[i], k->sequence, k->bytes, k->day, k->level, k->active};

		status = rk_write(ctx, writer, &out, sizeof(out));
		if (status == RK_OK)
			status = rk_write(ctx, writer, k->texts, k->bytes);
	}
	return status;
}

static rk_status
corrupt(rk_ctx *ctx)
{
	return rk_fail(ctx, RK_ERR_CORRUPT, "snapshot is not one of a list of names");
}

static rk_status
read_entry(rk_ctx *ctx, rk_kept_list *l, rk_reader *reader, void (*evidence) (const rk_kept *kept, rk_kept_input *in))
{
	stored_entry in;
	char		aliases[RK_SCREEN_ALIASES_MAX] = {0};
	rk_kept		kept;
	rk_kept_input input;
	uint32_t	at = 0;
	uint32_t	left;
	rk_status	status = rk_read_bytes(ctx, reader, &in, sizeof(in));

	if (status != RK_OK)
		return status;
	if (in.bytes < RK_KEPT_TEXTS || in.bytes > reader->left || reader->data[in.bytes - 1] != '\0' ||
		rk_names_find(&l->ids, in.id.text) != RK_NO_NAME)
		return corrupt(ctx);
	kept = (rk_kept) {in.sequence, (char *) reader->data, in.bytes, in.day, in.level, in.active};
	input = (rk_kept_input) {.day = in.day,.level = in.level,.active = in.active,.born = RK_FIELD_ABSENT_INT4};
	for (int i = 0; i < RK_KEPT_TEXTS - 1; i++)
	{
		if (at >= in.bytes)
			return corrupt(ctx);
		input.texts[i] = reader->data + at;
		input.sizes[i] = (uint32_t) strlen(input.texts[i]);
		at += input.sizes[i] + 1;
	}
	left = in.bytes - at;
	if (at >= in.bytes || left > sizeof(aliases) + 1)
		return corrupt(ctx);
	memcpy(aliases, reader->data + at, left < sizeof(aliases) ? left : sizeof(aliases));
	input.aliases = aliases;
	evidence(&kept, &input);
	reader->data += in.bytes;
	reader->left -= in.bytes;
	l->next_sequence = in.sequence;
	return put_entry(ctx, l, &in.id, &input);
}

rk_status
rk_kept_restore(rk_ctx *ctx, rk_kept_list *l, rk_reader *reader, void (*evidence) (const rk_kept *kept, rk_kept_input *in))
{
	stored_list head;
	rk_status	status = rk_read_bytes(ctx, reader, &head, sizeof(head));

	for (int64_t i = 0; status == RK_OK && i < head.count; i++)
	{
		status = read_entry(ctx, l, reader, evidence);
		if (status == RK_OK && (i & 1023) == 0 && rk_ctx_poll(ctx))
			status = RK_STOPPED;
	}
	if (status != RK_OK)
		return status;
	l->next_sequence = head.next_sequence;
	l->screened = head.screened;
	l->found = head.found;
	return RK_OK;
}

uint64_t
rk_kept_checksum(rk_ctx *ctx, void *list)
{
	rk_kept_list *l = list;
	uint64_t	all = rk_hash3((uint64_t) l->next_sequence, (uint64_t) l->screened, (uint64_t) l->found);

	(void) ctx;
	for (uint32_t i = 0; i < l->ids.count; i++)
	{
		const rk_kept *k = &l->kept[i];
		uint64_t	h = rk_hash_fold(rk_name_hash(l->ids.name[i].text), (uint64_t) k->sequence);

		h = rk_hash_fold(h, (uint64_t) (uint32_t) k->day << 32 | (uint32_t) k->level);
		h = rk_hash_fold(h, (uint64_t) (uint32_t) k->active);
		for (uint32_t b = 0; b < k->bytes; b++)
			h = rk_hash_fold(h, (unsigned char) k->texts[b]);
		all += h;
	}
	return all;
}
