/*
 * convert.h
 *	  Payloads from and to SQL values, jsonb and rows, by the description of
 *	  the message type.
 */
#ifndef RK_CONVERT_H
#define RK_CONVERT_H

#include "postgres.h"

#include "fmgr.h"
#include "utils/jsonb.h"

#include "actor.h"

/* ---- values (convert.c) ---- */

/* SQL type of a field as the typed functions show it. */
extern Oid	rk_field_type(const rk_field *field);

/* An error if no value of this type can be stored in a field, whatever it is. */
extern void rk_field_check_type(const rk_field *field, Oid type);

/*
 * Stores a SQL value in its field of a record.  type is that of the value,
 * which may be wider or narrower than the field's.  NULL is the field's
 * default.
 */
extern void rk_field_store(const rk_field *field, void *record, Datum value, Oid type, bool is_null);

/* The value of a field; *is_null for one that is absent. */
extern Datum rk_field_fetch(const rk_field *field, const void *record, bool *is_null);

/*
 * The same as a value of this type, where the field is an id: integers, uuid
 * or text.  rk_id_sql_type is the one of these that a value of type wanted is
 * made from.
 */
extern Datum rk_field_fetch_as(const rk_field *field, const void *record, Oid type, bool *is_null);
extern Oid	rk_id_sql_type(Oid wanted);

/* ---- jsonb (convert_json.c) ---- */

/* Stores a default as written in SQL: a number, a word in quotes, true, false, NULL. */
extern void rk_field_literal(const rk_field *field, void *record, const char *initial);

/* A field of records from a JSON array of objects, and the other way. */
extern void rk_records_store(const rk_field *field, char *at, JsonbContainer *array);
extern Datum rk_records_fetch(const rk_field *field, const char *at);

/* Fills in a request from a JSON object. */
extern void rk_jsonb_to_payload(const rk_message_type *type, const Jsonb *object, void *payload);

/* A request, or a reply with its rows, as a JSON object. */
extern Datum rk_payload_to_jsonb(const rk_message_type *type, const void *payload, uint32 length);

/* {"bytes": what is no message, in hexadecimal digits} */
extern Datum rk_bytes_to_jsonb(const void *payload, uint32 length);
extern Datum rk_reply_to_jsonb(const rk_message_type *type, const void *reply, uint32 length);

/* ---- rows (convert_rows.c) ---- */

/* Stores what a field means where a row says nothing about it. */
extern void rk_field_default(const rk_field *field, void *record);

/* Takes a message. */
typedef void (*rk_load_fn) (void *arg, const rk_message *message);

/*
 * Runs a query, or reads a relation, with the rights of role and turns each
 * row into a message of the type: columns are matched with fields by name.
 * parameter is what messages call the relation.  Returns the number of rows.
 */
extern int64 rk_load_rows(const rk_message_type *type, const char *parameter, const char *relation, Oid role,
						  rk_load_fn fn, void *arg);

#endif							/* RK_CONVERT_H */
