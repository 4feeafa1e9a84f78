/*
 * screening_ring.h
 *	  The payloads of the screening actors, and the list that both keep.
 *
 * Texts are UTF-8.
 */
#ifndef RK_SCREENING_RING_H
#define RK_SCREENING_RING_H

#include "../../ring/actor.h"
#include "../../ring/names.h"
#include "name_list.h"

#define RK_SCREEN_NAME_MAX 256	/* bytes of a name */
#define RK_SCREEN_ALIASES_MAX 3072	/* of all aliases of an entry */
#define RK_SCREEN_TEXT_MAX 128	/* of a program, position and the like */
#define RK_SCREEN_WORD_MAX 64	/* of a source, country or type */

/* ---- compliance/sanctions-screening ---- */

typedef struct rk_screen_request
{
	char		query_name[RK_SCREEN_NAME_MAX];
	char		country[RK_SCREEN_WORD_MAX];
	char		entity_type[RK_SCREEN_WORD_MAX];
	rk_id		entity;			/* absent: not said */
	int32_t		date_of_birth;	/* days since 1970; absent: not known */
	int32_t		unused;
} rk_screen_request;

typedef enum rk_screen_match
{
	RK_SCREEN_EXACT,
	RK_SCREEN_FUZZY,
	RK_SCREEN_ALIAS,
	RK_SCREEN_WEAK_ALIAS
} rk_screen_match;

typedef struct rk_screen_reply
{
	char		best_entry[RK_NAME_BYTES];	/* empty: none */
	double		best_score;		/* NaN: none */
	int64_t		match_count;
	int16_t		match_type;		/* absent: none */
	bool		is_hit;
} rk_screen_reply;

typedef struct rk_sanctions_entry
{
	rk_id		entry_id;
	char		entry_name[RK_SCREEN_NAME_MAX];
	char		aliases[RK_SCREEN_ALIASES_MAX];
	char		source[RK_SCREEN_WORD_MAX];
	char		program[RK_SCREEN_TEXT_MAX];
	char		country[RK_SCREEN_WORD_MAX];
	char		entity_type[RK_SCREEN_WORD_MAX];
	int32_t		date_of_birth;
	int32_t		unused;
} rk_sanctions_entry;

typedef struct rk_list_entry_name
{
	rk_id		entry_id;
} rk_list_entry_name;

typedef struct rk_list_count
{
	int64_t		entry_count;
} rk_list_count;

typedef struct rk_list_removed
{
	_Alignas(8) bool removed;
} rk_list_removed;

/* Published for a hit: the best one of a screening. */
typedef struct rk_sanctions_match
{
	rk_id		entity;			/* absent: not said */
	int64_t		ts;				/* ns since 1970 */
	double		confidence;		/* 0 to 100 */
	char		list_entry[RK_NAME_BYTES];
	char		list_code[RK_SCREEN_WORD_MAX];	/* source of the entry */
	char		query_name[RK_SCREEN_NAME_MAX];
	int16_t		match_type;		/* 1 exact, 2 fuzzy, 3 alias */
} rk_sanctions_match;

/* ---- compliance/pep-screening ---- */

typedef struct rk_pep_request
{
	char		query_name[RK_SCREEN_NAME_MAX];
} rk_pep_request;

typedef struct rk_pep_reply
{
	char		best_entry[RK_NAME_BYTES];	/* empty: none */
	double		best_score;		/* NaN: none */
	int64_t		match_count;
	int32_t		level;			/* absent: not known */
	bool		is_pep;
} rk_pep_reply;

typedef struct rk_pep_entry
{
	rk_id		entry_id;
	char		entry_name[RK_SCREEN_NAME_MAX];
	char		aliases[RK_SCREEN_ALIASES_MAX];
	char		position[RK_SCREEN_NAME_MAX];
	char		country[RK_SCREEN_WORD_MAX];
	int32_t		level;			/* 1 to 3; absent: not known */
	int32_t		left_on;		/* days since 1970; absent: not known */
	int8_t		active;			/* RK_FIELD_ABSENT_BOOLEAN: by left_on */
	char		unused[7];
} rk_pep_entry;

/* ---- the list (kept_list_ring.c) ---- */

#define RK_KEPT_TEXTS 6			/* the name, four others, and the aliases */

/* What is kept of an entry. */
typedef struct rk_kept
{
	int64_t		sequence;		/* order of coming; a new version keeps it */
	char	   *texts;			/* one behind the other, each ended by a zero; the aliases last */
	uint32_t	bytes;
	int32_t		day;			/* of birth, or on which the person left office */
	int32_t		level;
	int32_t		active;
} rk_kept;

/* An entry as a message brings it: texts with their greatest size, the name first. */
typedef struct rk_kept_input
{
	const rk_id *id;
	const char *texts[RK_KEPT_TEXTS - 1];
	uint32_t	sizes[RK_KEPT_TEXTS - 1];
	const char *aliases;		/* each ended by a zero, in RK_SCREEN_ALIASES_MAX bytes */
	int32_t		day;
	int32_t		level;
	int32_t		active;
	rk_bytes	country;		/* evidence; empty: none */
	rk_bytes	type;
	int32_t		born;			/* likewise; absent: none */
} rk_kept_input;

typedef struct rk_kept_list
{
	rk_names	ids;
	rk_kept    *kept;			/* by number of the id, as in names */
	uint32_t	room;
	int64_t		next_sequence;
	int64_t		screened;
	int64_t		found;			/* of them with a hit */
	rk_name_list *names;
	double		min_score;
	double		hit_score;
} rk_kept_list;

/* An empty list by the options that both actors have. */
extern rk_status rk_kept_open(rk_ctx *ctx, const rk_options *options, bool secondary, rk_kept_list **list);

/* Puts an entry into the list, in place of one of its id. */
extern rk_status rk_kept_put(rk_ctx *ctx, rk_kept_list *list, const rk_kept_input *in);

/* Removes an entry, if there is one. */
extern rk_status rk_kept_drop(rk_ctx *ctx, rk_kept_list *list, const rk_id *id, bool *removed);

/* Text number i of an entry: 0 its name, RK_KEPT_TEXTS - 1 its aliases. */
extern const char *rk_kept_text(const rk_kept *kept, int i);

extern rk_status rk_kept_snapshot(rk_ctx *ctx, void *list, rk_writer *writer);
extern rk_status rk_kept_restore(rk_ctx *ctx, rk_kept_list *list, rk_reader *reader,
								 void (*evidence) (const rk_kept *kept, rk_kept_input *in));
extern uint64_t rk_kept_checksum(rk_ctx *ctx, void *list);

/* The options that both actors have. */
#define RK_KEPT_OPTIONS \
	{.name = "min_score",.type = RK_TYPE_FLOAT8,.initial = "0.7",RK_BETWEEN(0, 1), \
	.meaning = "where there is no hit, the best entry from this score on is named"}, \
	{.name = "hit_score",.type = RK_TYPE_FLOAT8,.initial = "0.85",RK_BETWEEN(0, 1), \
	.meaning = "entries from this score on are hits; at least min_score"}, \
	{.name = "method",.type = RK_TYPE_TEXT,.initial = "'jaro_winkler'",.choices = rk_kept_methods, \
	.meaning = "how similar names are"}, \
	{.name = "token_order",.type = RK_TYPE_TEXT,.initial = "'any'",.choices = rk_token_order_names, \
	.meaning = "as_given, or any: words in any order"}, \
	{.name = "transliterate",.type = RK_TYPE_BOOLEAN,.initial = "false", \
	.meaning = "other scripts become Latin letters, and letters lose their marks"}

extern const char *const rk_kept_methods[];

#endif							/* RK_SCREENING_RING_H */
