/*
 * keys.h
 *	  Ids of entities in the state of an actor, numbered from 0.
 *
 * In a message an id comes as its sender has it: an integer, a text, a uuid
 * (rk_id).  A ring has ids of one type, its option id_type: a text that is
 * written like a number is the id 42 of a ring of integers, and 42 is the text
 * "42" where ids are texts.  Texts are equal when their bytes are.
 */
#ifndef RK_RING_KEYS_H
#define RK_RING_KEYS_H

#include "../compute/dense.h"
#include "actor.h"
#include "keys_state.h"

/* The option of an actor with such ids. */
#define RK_ID_TYPE_OPTION RK_ID_TYPE_OPTION_OF("id_type", "entities")
#define RK_ID_TYPE_OPTION_OF(option, things) \
	{.name = (option),.type = RK_TYPE_TEXT,.initial = "'bigint'",.choices = rk_id_type_names, \
	.meaning = "type of the ids of " things ": bigint, text (up to 46 bytes) or uuid"}

extern const char *const rk_id_type_names[];

/* Empty, of the type that the option id_type, or one of another name, says. */
extern rk_status rk_keys_init(rk_ctx *ctx, const rk_options *options, rk_keys *ids);
extern rk_status rk_keys_init_by(rk_ctx *ctx, const rk_options *options, const char *option, rk_keys *ids);

/*
 * The number of an id, or RK_NO_ID if it is new; fails when a key of this kind
 * cannot be such an id, and says of which field of the message.
 */
#define RK_NO_ID UINT32_MAX
extern rk_status rk_keys_find(rk_ctx *ctx, const rk_keys *ids, const char *field, const rk_id *key, uint32_t *number);

/* The same, added if it is new; numbers rise by one. */
extern rk_status rk_keys_add(rk_ctx *ctx, const rk_keys *ids, const char *field, const rk_id *key, uint32_t *number);

/* How many there are; those of messages that failed are among them. */
static inline uint32_t
rk_keys_count(const rk_keys *ids)
{
	return (uint32_t) rk_dictionary_count(ids->dictionary);
}

/* The id with this number, for a reply or a record. */
extern rk_id rk_keys_id(const rk_keys *ids, uint32_t number);

/* A number that depends on the id alone; of an integer itself. */
extern uint64_t rk_id_hash(const rk_id *key);

/* The same of the id with this number. */
extern uint64_t rk_keys_hash(const rk_keys *ids, uint32_t number);

/*
 * An id as one number, for actors whose ids are integers as a rule and come
 * and go: a bigint is itself, another id its number, which stays taken when
 * the actor forgets it.  Without add, an id that is new is -1 where ids are
 * numbered; there is none with that number.
 */
extern rk_status rk_keys_value(rk_ctx *ctx, const rk_keys *ids, const char *field, const rk_id *key, bool add,
							   int64_t *value);

/* The id of such a number. */
extern rk_id rk_keys_of_value(const rk_keys *ids, int64_t value);

/* A number that depends on the id alone. */
static inline uint64_t
rk_keys_value_hash(const rk_keys *ids, int64_t value)
{
	return ids->type == RK_IDS_BIGINT ? (uint64_t) value : rk_keys_hash(ids, (uint32_t) value);
}

/* Below 0, 0 or above, as the first id comes before the second: texts by their bytes. */
extern int rk_keys_compare(const rk_keys *ids, int64_t a, int64_t b);

/* Snapshots.  What is read must have the type that the options say. */
extern rk_status rk_keys_write(rk_ctx *ctx, const rk_keys *ids, rk_writer *writer);
extern rk_status rk_keys_read(rk_ctx *ctx, rk_keys *ids, rk_reader *reader);

/* The text of a key, for messages; at most RK_ID_ROOM bytes. */
#define RK_ID_ROOM 48
extern const char *rk_id_text(const rk_id *key, char buffer[RK_ID_ROOM]);

/* Keys of integers, of which actors make some themselves. */
extern rk_id rk_id_of_int(int64_t value);

#endif							/* RK_RING_KEYS_H */
