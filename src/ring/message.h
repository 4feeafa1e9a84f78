/*
 * message.h
 *	  What a message is, as data.
 *
 * A message type is described once, in the messages.c of its room.  From the
 * description come the typed SQL function, the conversion between jsonb or SQL
 * values and the payload, rk.message_types and the reference documentation.
 * This header is plain C: actors, unit tests and the program that writes SQL
 * at build time include it.
 *
 * A payload is a C struct: little endian, every field aligned to its size, the
 * struct's size a multiple of 8.  RK_FIELD takes offset and size from the
 * struct itself, so that actor and description cannot disagree.  A request is
 * one struct.  A reply is one struct that may be followed by rows of a second
 * one; there are as many as fit in the reply's length.
 */
#ifndef RK_MESSAGE_H
#define RK_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum rk_field_kind
{
	RK_FIELD_INT2,				/* int16_t; smallint would be a nuisance: integer in SQL */
	RK_FIELD_INT4,				/* int32_t; integer */
	RK_FIELD_INT8,				/* int64_t; bigint */
	RK_FIELD_FLOAT8,			/* double; double precision */
	RK_FIELD_FIXED,				/* int64_t, 8 decimals; numeric */
	RK_FIELD_BOOLEAN,			/* bool, int8_t where it may be NULL; boolean */
	RK_FIELD_CODE,				/* int16_t, one of a closed set; text */
	RK_FIELD_ID,				/* int64_t; bigint, smaller integers widen */
	RK_FIELD_TIME,				/* int64_t, ns since 1970 UTC; timestamptz */
	RK_FIELD_DATE,				/* int32_t, days since 1970; date */
	RK_FIELD_TEXT,				/* char[size], padded with zeros; text */
	RK_FIELD_UUID,				/* 16 bytes; uuid */
	RK_FIELD_INTERVAL,			/* int64_t, microseconds, a day being 24 hours; interval */
	RK_FIELD_TEXT_ARRAY,		/* char[size], each element ended by a zero; text[] */
	RK_FIELD_FLOAT8_ARRAY,		/* double[], NaN behind the last element; double precision[] */
	RK_FIELD_ANY_ID,			/* rk_id; an id of any type: anycompatible, text in tables */
	RK_FIELD_RECORDS			/* int64_t, how many, then the records; jsonb: an array of objects */
} rk_field_kind;

/*
 * An id as its sender has it; the actor knows what type its ids are of
 * (keys.h).  All zeros: absent.
 */
#define RK_ID_BYTES 46

typedef enum rk_id_kind
{
	RK_ID_NONE,
	RK_ID_INT,					/* 8 bytes, as int64_t */
	RK_ID_TEXT,
	RK_ID_UUID					/* 16 bytes */
} rk_id_kind;

typedef struct rk_id
{
	uint8_t		kind;
	uint8_t		length;
	char		bytes[RK_ID_BYTES];	/* zeros behind length */
} rk_id;

/* Fixed-point numbers have 8 decimals. */
#define RK_FIXED_ONE INT64_C(100000000)

typedef struct rk_field
{
	const char *name;
	rk_field_kind kind;
	uint16_t	offset;
	uint16_t	size;
	const char *initial;		/* default as SQL; NULL: mandatory */
	const char *implied;		/* what a row of a table means that has no such column,
								 * where that is not the default; as SQL */
	const char *column;			/* another name for it in rows of a table; NULL: none */
	const char *const *choices; /* of RK_FIELD_CODE; ends with NULL */
	bool		apart;			/* of RK_FIELD_ANY_ID: its type is not that of other ids: anyelement */
	int			first_code;		/* code of choices[0] */
	double		min;			/* numbers: permitted range; both 0: any */
	double		max;
	const struct rk_field *records; /* of RK_FIELD_RECORDS: their fields */
	uint16_t	record_size;
	const char *meaning;
} rk_field;

#define RK_FIELD(record, member, field_kind, ...) \
	{.name = #member, .kind = (field_kind), .offset = offsetof(record, member), \
	 .size = sizeof(((record *) 0)->member), __VA_ARGS__}

/* What SQL NULL becomes in a field whose default is NULL. */
#define RK_FIELD_ABSENT_INT8 INT64_MIN	/* also of ids, fixed-point numbers, times, intervals */
#define RK_FIELD_ABSENT_INT4 INT32_MIN
#define RK_FIELD_ABSENT_CODE INT16_MIN	/* also of RK_FIELD_INT2 */
								/* FLOAT8 and its arrays: NaN; TEXT: empty; UUID,
								 * ANY_ID, TEXT_ARRAY, RECORDS: zeros */
#define RK_FIELD_ABSENT_BOOLEAN (-1)	/* of a field that is an int8_t */

typedef struct rk_message_type
{
	uint32_t	type_id;
	uint32_t	reply_id;		/* 0: there is no reply */
	const char *name;			/* DegreeQuery */
	const char *kernel;			/* that it is for */
	const char *function;		/* typed SQL function without schema; NULL: none */
	const char *description;	/* one line */
	bool		mutating;		/* may change the actor's state */
	const rk_field *request;	/* NULL name ends */
	uint16_t	request_size;
	const rk_field *reply;		/* NULL name ends; NULL: no fields */
	uint16_t	reply_size;
	const rk_field *rows;		/* NULL: the reply is one row */
	uint16_t	row_size;

	/*
	 * Name of the reply's status code.  Where it is not the first of its
	 * choices, the typed function returns no row and leaves the code out;
	 * NULL: there is none, or it is a column like any other.
	 */
	const char *found;

	/*
	 * The actor does not understand it but says it (rk_publish): request
	 * describes the record, and there is no reply.
	 */
	bool		published;
} rk_message_type;

/* A set of message types; ends with a type_id of 0. */
#define RK_MESSAGES(room) extern const rk_message_type rk_##room##_messages[];
#include "messages.def"
#undef RK_MESSAGES

/* All sets; ends with NULL. */
extern const rk_message_type *const rk_message_rooms[];

/* The message type with this id, or NULL. */
extern const rk_message_type *rk_message_type_find(uint32_t type_id);

/* The same by the name of its SQL function. */
extern const rk_message_type *rk_message_function_find(const char *function);

/* SQL type of a field in typed functions. */
extern const char *rk_field_sql_type(const rk_field *field);

/*
 * That of a column of a reply, or of a record.  Ids are of the type that a
 * parameter says; text in a record, and in a reply of one row where none does.
 */
extern const char *rk_column_sql_type(const rk_message_type *type, const rk_field *column);

/*
 * Whether the rows of a reply have ids whose type no parameter says: there are
 * two typed functions then, one with ids of type bigint, and one with the parameter
 * id_type after the name.
 */
extern bool rk_takes_id_type(const rk_message_type *type);

/* The columns that a typed function returns; room for 128. */
extern int	rk_reply_columns(const rk_message_type *type, const rk_field *columns[]);

static inline int
rk_field_count(const rk_field *fields)
{
	int			n = 0;

	while (fields && fields[n].name != NULL)
		n++;
	return n;
}

static inline const rk_field *
rk_field_find(const rk_field *fields, const char *name)
{
	for (; fields && fields->name; fields++)
	{
		const char *a = fields->name;
		const char *b = name;

		while (*a && *a == *b)
			a++, b++;
		if (*a == *b)
			return fields;
	}
	return NULL;
}

#endif							/* RK_MESSAGE_H */
