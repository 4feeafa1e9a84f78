/*
 * keys.c
 *	  Ids of entities in the state of an actor, numbered from 0.
 */
#include "keys.h"

#include <stdio.h>
#include <string.h>

#include "../compute/random.h"

const char *const rk_id_type_names[] = {"bigint", "text", "uuid", NULL};

rk_status
rk_keys_init(rk_ctx *ctx, const rk_options *options, rk_keys *ids)
{
	return rk_keys_init_by(ctx, options, "id_type", ids);
}

rk_status
rk_keys_init_by(rk_ctx *ctx, const rk_options *options, const char *option, rk_keys *ids)
{
	const rk_option *type = rk_option_find(options, option);

	ids->option = option;
	ids->type = type ? (rk_id_type) type->integer : RK_IDS_BIGINT;
	ids->dictionary = rk_dictionary_create(ctx);
	return ids->dictionary ? RK_OK : RK_ERR_MEMORY;
}

rk_id
rk_id_of_int(int64_t value)
{
	rk_id		key = {.kind = RK_ID_INT, .length = sizeof(value)};

	memcpy(key.bytes, &value, sizeof(value));
	return key;
}

const char *
rk_id_text(const rk_id *key, char buffer[RK_ID_ROOM])
{
	int64_t		value;

	switch (key->kind)
	{
		case RK_ID_INT:
			memcpy(&value, key->bytes, sizeof(value));
			snprintf(buffer, RK_ID_ROOM, "%lld", (long long) value);
			break;
		case RK_ID_UUID:
			{
				char	   *p = buffer;

				for (int i = 0; i < 16; i++)
					p += sprintf(p, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "",
								 (unsigned char) key->bytes[i]);
				break;
			}
		default:
			memcpy(buffer, key->bytes, key->length);
			buffer[key->length] = '\0';
	}
	return buffer;
}

/* A whole number with nothing around it. */
static bool
parse_int(const rk_id *key, int64_t *value)
{
	const char *p = key->bytes;
	const char *end = p + key->length;
	bool		negative = p < end && *p == '-';
	int64_t		v = 0;

	p += negative;
	if (p == end)
		return false;
	for (; p < end; p++)
		if (*p < '0' || *p > '9' || __builtin_mul_overflow(v, 10, &v) ||
			__builtin_sub_overflow(v, *p - '0', &v))
			return false;
	/* summed below zero, where there is one more */
	if (!negative && v == INT64_MIN)
		return false;
	*value = negative ? v : -v;
	return true;
}

/* 32 hexadecimal digits, a hyphen after any four, as PostgreSQL reads a uuid. */
static bool
parse_uuid(const rk_id *key, char uuid[16])
{
	const char *p = key->bytes;
	const char *end = p + key->length;
	int			digits = 0;

	if (p < end && *p == '{' && end[-1] == '}')
	{
		p++;
		end--;
	}
	for (; p < end; p++)
	{
		int			digit = *p >= '0' && *p <= '9' ? *p - '0' :
			(*p | 32) >= 'a' && (*p | 32) <= 'f' ? (*p | 32) - 'a' + 10 : -1;

		if (*p == '-' && digits > 0 && digits < 32 && digits % 4 == 0 && p[-1] != '-')
			continue;
		if (digit < 0 || digits == 32)
			return false;
		uuid[digits / 2] = (char) (digits % 2 ? uuid[digits / 2] | digit : digit << 4);
		digits++;
	}
	return digits == 32 && end[-1] != '-';
}

/* An id as the bytes that the dictionary has. */
static rk_status
bytes_of_key(rk_ctx *ctx, const rk_keys *ids, const char *field, const rk_id *key, char buffer[RK_ID_ROOM],
			 rk_bytes *bytes)
{
	int64_t		value;

	*bytes = (rk_bytes) {key->bytes, key->length};
	switch (ids->type)
	{
		case RK_IDS_TEXT:
			if (key->kind == RK_ID_TEXT)
				return RK_OK;
			if (key->kind == RK_ID_NONE)
				break;
			bytes->data = rk_id_text(key, buffer);
			bytes->length = (uint32_t) strlen(buffer);
			return RK_OK;
		case RK_IDS_BIGINT:
			if (key->kind == RK_ID_INT)
				return RK_OK;
			if (key->kind != RK_ID_TEXT || !parse_int(key, &value))
				break;
			memcpy(buffer, &value, sizeof(value));
			*bytes = (rk_bytes) {buffer, sizeof(value)};
			return RK_OK;
		case RK_IDS_UUID:
			if (key->kind == RK_ID_UUID)
				return RK_OK;
			if (key->kind != RK_ID_TEXT || !parse_uuid(key, buffer))
				break;
			*bytes = (rk_bytes) {buffer, 16};
			return RK_OK;
	}
	rk_fail(ctx, RK_ERR_DATA, "%s \"%s\" is not of type %s, the %s of this ring", field, rk_id_text(key, buffer),
			rk_id_type_names[ids->type], ids->option);
	if (ctx->ring)
		rk_fail_hint(ctx, "The ring can begin anew, empty, with other ids: CALL rk.ring_down(%s); SELECT rk.ring_reset(%s), "
					 "rk.ring_configure(%s, '{\"%s\": \"%s\"}'); "
					 "SELECT rk.ring_start(kernel, name) FROM rk.ring WHERE name = %s;", ctx->ring, ctx->ring, ctx->ring,
					 ids->option, key->kind == RK_ID_UUID ? "uuid" : "text", ctx->ring);
	return RK_ERR_DATA;
}

rk_status
rk_keys_find(rk_ctx *ctx, const rk_keys *ids, const char *field, const rk_id *key, uint32_t *number)
{
	char		buffer[RK_ID_ROOM];
	rk_bytes	bytes;
	rk_status	status = bytes_of_key(ctx, ids, field, key, buffer, &bytes);
	int64_t		code;

	if (status != RK_OK)
		return status;
	code = rk_dictionary_find(ids->dictionary, bytes);
	*number = code < 0 ? RK_NO_ID : (uint32_t) code;
	return RK_OK;
}

rk_status
rk_keys_add(rk_ctx *ctx, const rk_keys *ids, const char *field, const rk_id *key, uint32_t *number)
{
	char		buffer[RK_ID_ROOM];
	rk_bytes	bytes;
	rk_status	status = bytes_of_key(ctx, ids, field, key, buffer, &bytes);

	return status != RK_OK ? status : rk_dictionary_add(ids->dictionary, &bytes, 1, number);
}

rk_id
rk_keys_id(const rk_keys *ids, uint32_t number)
{
	static const uint8_t kinds[] = {RK_ID_INT, RK_ID_TEXT, RK_ID_UUID};
	char		buffer[16];
	rk_bytes	bytes = rk_dictionary_key(ids->dictionary, number, buffer);
	rk_id		key = {.kind = kinds[ids->type], .length = (uint8_t) bytes.length};

	memcpy(key.bytes, bytes.data, bytes.length);
	return key;
}

uint64_t
rk_id_hash(const rk_id *key)
{
	uint64_t	h = rk_hash1(key->length);
	uint64_t	word;

	if (key->kind == RK_ID_INT)
	{
		memcpy(&word, key->bytes, sizeof(word));
		return word;
	}
	for (int i = 0; i < key->length; i += 8)
	{
		word = 0;
		memcpy(&word, key->bytes + i, key->length - i < 8 ? key->length - i : 8);
		h = rk_hash_fold(h, word);
	}
	return h;
}

uint64_t
rk_keys_hash(const rk_keys *ids, uint32_t number)
{
	rk_id		key = rk_keys_id(ids, number);

	return rk_id_hash(&key);
}

rk_status
rk_keys_value(rk_ctx *ctx, const rk_keys *ids, const char *field, const rk_id *key, bool add, int64_t *value)
{
	char		buffer[RK_ID_ROOM];
	rk_bytes	bytes;
	rk_status	status = bytes_of_key(ctx, ids, field, key, buffer, &bytes);
	uint32_t	number;

	if (status != RK_OK)
		return status;
	if (ids->type == RK_IDS_BIGINT)
		memcpy(value, bytes.data, sizeof(*value));
	else if (!add)
		*value = rk_dictionary_find(ids->dictionary, bytes);
	else if ((status = rk_dictionary_add(ids->dictionary, &bytes, 1, &number)) == RK_OK)
		*value = number;
	return status;
}

rk_id
rk_keys_of_value(const rk_keys *ids, int64_t value)
{
	return ids->type == RK_IDS_BIGINT ? rk_id_of_int(value) : rk_keys_id(ids, (uint32_t) value);
}

int
rk_keys_compare(const rk_keys *ids, int64_t a, int64_t b)
{
	char		a_buffer[16];
	char		b_buffer[16];
	rk_bytes	x;
	rk_bytes	y;
	int			order;

	if (ids->type == RK_IDS_BIGINT || a == b)
		return (a > b) - (a < b);
	x = rk_dictionary_key(ids->dictionary, (uint32_t) a, a_buffer);
	y = rk_dictionary_key(ids->dictionary, (uint32_t) b, b_buffer);
	order = memcmp(x.data, y.data, x.length < y.length ? x.length : y.length);
	return order != 0 ? order : (x.length > y.length) - (x.length < y.length);
}

rk_status
rk_keys_write(rk_ctx *ctx, const rk_keys *ids, rk_writer *writer)
{
	uint32_t	head[2] = {(uint32_t) ids->type, rk_keys_count(ids)};
	rk_status	status = rk_write(ctx, writer, head, sizeof(head));

	for (uint32_t i = 0; i < head[1] && status == RK_OK; i++)
	{
		rk_id		key = rk_keys_id(ids, i);

		status = rk_write(ctx, writer, &key.length, 1);
		if (status == RK_OK)
			status = rk_write(ctx, writer, key.bytes, key.length);
		if (i % 65536 == 65535 && rk_ctx_poll(ctx))
			return RK_STOPPED;
	}
	return status;
}

rk_status
rk_keys_read(rk_ctx *ctx, rk_keys *ids, rk_reader *reader)
{
	uint32_t	head[2];
	rk_status	status = rk_read_bytes(ctx, reader, head, sizeof(head));

	if (status != RK_OK)
		return status;
	if (head[0] > RK_IDS_UUID)
		return rk_fail(ctx, RK_ERR_CORRUPT, "snapshot has ids of an unknown type");
	if (head[0] != (uint32_t) ids->type)
	{
		rk_fail(ctx, RK_ERR_PARAMETER, "ids of the ring are of type %s, not %s", rk_id_type_names[head[0]],
				rk_id_type_names[ids->type]);
		if (ctx->ring)
			rk_fail_hint(ctx, "The ring can begin anew, empty, with such ids: CALL rk.ring_down(%s); SELECT rk.ring_reset(%s); "
						 "SELECT rk.ring_start(kernel, name) FROM rk.ring WHERE name = %s;", ctx->ring, ctx->ring, ctx->ring);
		return RK_ERR_PARAMETER;
	}
	for (uint32_t i = 0; i < head[1]; i++)
	{
		uint8_t		length = 0;
		rk_bytes	bytes;
		uint32_t	number;

		if ((status = rk_read_bytes(ctx, reader, &length, 1)) != RK_OK)
			return status;
		if (length > RK_ID_BYTES || length > reader->left || (ids->type == RK_IDS_BIGINT && length != 8) ||
			(ids->type == RK_IDS_UUID && length != 16))
			return rk_fail(ctx, RK_ERR_CORRUPT, "snapshot has an id that is none");
		bytes = (rk_bytes) {reader->data, length};
		reader->data += length;
		reader->left -= length;
		if ((status = rk_dictionary_add(ids->dictionary, &bytes, 1, &number)) != RK_OK)
			return status;
		if (number != i)
			return rk_fail(ctx, RK_ERR_CORRUPT, "snapshot has an id twice");
	}
	return RK_OK;
}
