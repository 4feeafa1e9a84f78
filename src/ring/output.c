/*
 * output.c
 *	  What a ring publishes: into tables, to LISTEN, topics and other rings, once.
 *
 * A record is what an actor says beside its reply (rk_publish), or the reply
 * itself.  A ring with outputs is a durable ring: whatever changes its state has
 * a place in the log.  The records of some messages are written in one
 * transaction together with rk.ring_position, which says up to which place of
 * the log they are out.  After a crash the log is applied again, and what it
 * publishes up to that place is left out: a handler is deterministic, so it is
 * the same.  So each record is written once, and the position that fed it with
 * it.
 *
 * An output begins with the message after the one that was logged last when the
 * host took note of it (after_seq).  What an attachment journals in the
 * transaction that makes its output comes after that.
 *
 * If a record cannot be written, the state is ahead of the outputs: the ring
 * fails, and starts again from its checkpoint and log.
 *
 * Messages that a handler sends to other rings (k2k.c) are records too, without
 * an output: they are written into the journals of those rings with the others.
 *
 * Rows are inserted with the rights of the ring's owner.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "commands/async.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/inval.h"
#include "utils/json.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

#include "../compat.h"
#include "convert.h"
#include "host.h"
#include "send.h"

PG_FUNCTION_INFO_V1(rk_ring_output);
PG_FUNCTION_INFO_V1(rk_ring_link);
PG_FUNCTION_INFO_V1(rk_ring_output_drop);

#define ROWS 1000				/* inserted by one command */
#define KEEP (1024 * 1024)		/* of the buffer, when it is empty */
#define MAX_COLUMNS 128

/* Columns of a table that are of the message, not of the record. */
static const struct
{
	const char *name;
	Oid			type;
}			extras[] = {{"apply_seq", INT8OID}, {"message_id", INT8OID}, {"sent_at", TIMESTAMPTZOID}, {"ring", TEXTOID}};

/* ---- the buffer ---- */

/* A record in the buffer; its bytes follow, padded to 8. */
typedef struct record
{
	uint32		type_id;		/* 0: a message for another ring */
	uint32		length;
	uint64		apply_seq;
	int64		message_id;
	int64		sent_ns;
} record;

static inline record *
record_at(const rk_hosted *h, Size at)
{
	return (record *) (h->records.data + at);
}

static inline Size
record_size(const record *r)
{
	return sizeof(record) + MAXALIGN(r->length);
}

/* Nothing may be raised here: an actor is on the stack. */
static void
add_record(rk_hosted *h, const rk_message *message, uint32 type_id, const void *data, uint32 length)
{
	record	   *r;
	Size		needed = h->records.size + sizeof(record) + MAXALIGN(length);

	if (needed > h->records.capacity)
	{
		Size		capacity = Max(2 * h->records.capacity, needed + 65536);
		char	   *larger = realloc(h->records.data, capacity);

		if (larger == NULL)
		{
			h->records.failed = true;
			return;
		}
		h->records.data = larger;
		h->records.capacity = capacity;
	}
	r = record_at(h, h->records.size);
	*r = (record) {type_id, length, message->apply_seq, message->id, message->sent_ns};
	memcpy(r + 1, data, length);
	h->records.size = needed;
}

void
rk_record_add(rk_hosted *h, const rk_message *message, uint32 type_id, const void *data, uint32 length)
{
	bool		wanted = false;

	for (int i = 0; i < h->output_count; i++)
		wanted |= h->outputs[i].type_id == type_id && message->apply_seq > h->outputs[i].after_seq;
	if (wanted)
		add_record(h, message, type_id, data, length);
}

void
rk_record_send(rk_hosted *h, const rk_message *message, const void *data, uint32 length)
{
	add_record(h, message, 0, data, length);
}

void
rk_records_clear(rk_hosted *h)
{
	h->records.size = 0;
	h->records.failed = false;
	if (h->records.capacity > KEEP)
	{
		free(h->records.data);
		h->records.data = NULL;
		h->records.capacity = 0;
	}
}

/* ---- record types ---- */

/* What a record of this type is described by; *reply: it is the reply of that message. */
static const rk_message_type *
record_type(const rk_actor *actor, uint32 type_id, bool *reply)
{
	const rk_message_type *t;

	for (int i = 0; (t = rk_actor_record(actor, i, reply)); i++)
		if (type_id == (*reply ? t->reply_id : t->type_id))
			return t;
	return NULL;
}

/*
 * Id of a record by its name: a published message, or <message>Reply.  Without
 * a name, the actor's own that is published, or else the reply of message.
 */
uint32
rk_record_find(const rk_actor *actor, const char *name, const rk_message_type *message)
{
	StringInfoData all;
	const rk_message_type *t;
	bool		reply;
	int			published = 0;
	uint32		only = 0;

	initStringInfo(&all);
	for (int i = 0; (t = rk_actor_record(actor, i, &reply)); i++)
	{
		char	   *own = reply ? psprintf("%sReply", t->name) : pstrdup(t->name);

		if (name && strcmp(own, name) == 0)
			return reply ? t->reply_id : t->type_id;
		if (t->published)
		{
			published++;
			only = t->type_id;
		}
		appendStringInfo(&all, "%s%s", all.len ? ", " : "", own);
	}
	if (name == NULL && published == 1)
		return only;
	if (name == NULL && published == 0 && message && message->reply_id)
		return message->reply_id;
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_OBJECT),
			 name ? errmsg("kernel \"%s\" has no record \"%s\"", actor->kernel, name) :
			 errmsg("kernel \"%s\" has several records, and the output names none", actor->kernel),
			 errhint("Records are %s.", all.data)));
}

/* The fields of a record; returns their number. */
static int
record_fields(const rk_message_type *type, bool reply, const rk_field *fields[], bool from_row[])
{
	int			n = 0;

	for (const rk_field *f = reply ? type->reply : type->request; f && f->name; f++)
		if (!reply || type->found == NULL || strcmp(f->name, type->found) != 0)
		{
			from_row[n] = false;
			fields[n++] = f;
		}
	for (const rk_field *f = reply ? type->rows : NULL; f && f->name; f++)
	{
		from_row[n] = true;
		fields[n++] = f;
	}
	return n;
}

/* A reply that says there is no such thing is no record. */
static bool
is_nothing(const rk_message_type *type, const char *data)
{
	const rk_field *f = type->found ? rk_field_find(type->reply, type->found) : NULL;
	int16		code;

	if (f == NULL)
		return false;
	memcpy(&code, data + f->offset, sizeof(code));
	return code != f->first_code;
}

/* ---- tables ---- */

/* How rows of a table are made from records. */
struct rk_table_writer
{
	struct rk_table_writer *next;	/* of this process */
	Oid			relation;
	bool		stale;			/* the table has changed since */
	const rk_message_type *type;
	bool		reply;
	int			columns;
	const rk_field *field[MAX_COLUMNS]; /* NULL: an extra */
	bool		from_row[MAX_COLUMNS];
	int			extra[MAX_COLUMNS];
	Oid			types[MAX_COLUMNS];	/* of the elements */
	bool		as_text[MAX_COLUMNS];	/* an array, which cannot be an element */
	SPIPlanPtr	plan;
};

typedef struct rk_table_writer table_writer;

static table_writer *writers;

/* A table may have another name, or other columns, from now on. */
static void
table_changed(Datum arg, Oid relation)
{
	for (table_writer *w = writers; w; w = w->next)
		w->stale |= relation == InvalidOid || w->relation == relation;
}

static void
free_writer(table_writer *w)
{
	table_writer **at = &writers;

	while (*at != w)
		at = &(*at)->next;
	*at = w->next;
	SPI_freeplan(w->plan);
	pfree(w);
}

/* Matches columns with fields by name, and prepares the command; SPI is connected. */
static void
prepare_writer(table_writer *w, const rk_message_type *type, bool reply, Oid relation)
{
	Relation	rel = table_open(relation, AccessShareLock);
	TupleDesc	desc = RelationGetDescr(rel);
	const rk_field *fields[MAX_COLUMNS];
	bool		from_row[MAX_COLUMNS];
	int			count = record_fields(type, reply, fields, from_row);
	Oid			arrays[MAX_COLUMNS];
	int			matched = 0;
	StringInfoData command;
	StringInfoData names;
	StringInfoData params;
	StringInfoData aliases;
	StringInfoData values;

	memset(w, 0, sizeof(*w));
	w->relation = relation;
	w->type = type;
	w->reply = reply;
	initStringInfo(&command);
	initStringInfo(&names);
	initStringInfo(&params);
	initStringInfo(&aliases);
	initStringInfo(&values);
	for (int a = 0; a < desc->natts; a++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, a);
		int			n = w->columns;
		int			f = 0;
		int			e = 0;

		if (att->attisdropped || att->attgenerated || att->attidentity == ATTRIBUTE_IDENTITY_ALWAYS)
			continue;
		while (f < count && strcmp(fields[f]->name, NameStr(att->attname)) != 0)
			f++;
		while (e < lengthof(extras) && strcmp(extras[e].name, NameStr(att->attname)) != 0)
			e++;
		if ((f == count && e == lengthof(extras)) || n == MAX_COLUMNS)
		{
			if (att->attnotnull && !att->atthasdef && !att->attidentity && get_typdefault(att->atttypid) == NULL)
				ereport(ERROR,
						(errcode(ERRCODE_NOT_NULL_VIOLATION),
						 errmsg("column \"%s\" of relation \"%s\" must not be null, and record %s%s has no such field",
								NameStr(att->attname), RelationGetRelationName(rel), type->name, reply ? "Reply" : "")));
			continue;
		}
		matched += f < count;
		w->field[n] = f < count ? fields[f] : NULL;
		w->from_row[n] = f < count && from_row[f];
		w->extra[n] = e;
		w->types[n] = f == count ? extras[e].type : fields[f]->kind == RK_FIELD_ANY_ID ?
			rk_id_sql_type(getBaseType(att->atttypid)) : rk_field_type(fields[f]);
		w->as_text[n] = !OidIsValid(get_array_type(w->types[n]));
		appendStringInfo(&values, "%sc%d", n ? ", " : "", n);
		if (w->as_text[n])
		{
			appendStringInfo(&values, "::%s", format_type_be(w->types[n]));
			w->types[n] = TEXTOID;
		}
		arrays[n] = get_array_type(w->types[n]);
		w->columns++;
		appendStringInfo(&names, "%s%s", n ? ", " : "", quote_identifier(NameStr(att->attname)));
		appendStringInfo(&params, "%spg_catalog.unnest($%d)", n ? ", " : "", n + 1);
		appendStringInfo(&aliases, "%sc%d", n ? ", " : "", n);
	}
	if (matched == 0)
	{
		StringInfoData all;

		initStringInfo(&all);
		for (int f = 0; f < count; f++)
			appendStringInfo(&all, "%s%s", f ? ", " : "", fields[f]->name);
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("relation \"%s\" has no column of record %s%s", RelationGetRelationName(rel), type->name,
						reply ? "Reply" : ""),
				 errhint("Its fields are %s; apply_seq, message_id, sent_at and ring are there too.", all.data)));
	}
	appendStringInfo(&command, "INSERT INTO %s (%s) SELECT %s FROM ROWS FROM (%s) r (%s)",
					 quote_qualified_identifier(get_namespace_name(RelationGetNamespace(rel)),
												RelationGetRelationName(rel)), names.data, values.data, params.data,
					 aliases.data);
	table_close(rel, NoLock);
	w->plan = SPI_prepare(command.data, w->columns, arrays);
	if (w->plan == NULL)
		elog(ERROR, "SPI_prepare failed: %s", SPI_result_code_string(SPI_result));
}

static Datum
extra_value(const rk_hosted *h, const record *r, int extra)
{
	switch (extra)
	{
		case 0:
			return Int64GetDatum(r->apply_seq);
		case 1:
			return Int64GetDatum(r->message_id);
		case 2:
			return TimestampTzGetDatum(r->sent_ns / 1000 - (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * USECS_PER_DAY);
		default:
			return CStringGetTextDatum(NameStr(h->ring->name));
	}
}

/* The rows that are collected, by column. */
typedef struct collected
{
	int			rows;
	Datum	   *values[MAX_COLUMNS];
	bool	   *nulls[MAX_COLUMNS];
} collected;

static void
insert_rows(const table_writer *w, collected *c)
{
	Datum		arrays[MAX_COLUMNS];

	if (c->rows == 0)
		return;
	for (int i = 0; i < w->columns; i++)
	{
		int			dims[] = {c->rows};
		int			bounds[] = {1};
		int16		length;
		bool		by_value;
		char		align;

		get_typlenbyvalalign(w->types[i], &length, &by_value, &align);
		arrays[i] = PointerGetDatum(construct_md_array(c->values[i], c->nulls[i], 1, dims, bounds, w->types[i],
													   length, by_value, align));
	}
	if (SPI_execute_plan(w->plan, arrays, NULL, false, 0) != SPI_OK_INSERT)
		elog(ERROR, "could not insert records");
	c->rows = 0;
}

/* Inserts the records of an output into its table, as the ring's owner. */
static void
write_table(rk_hosted *h, rk_output *o)
{
	bool		reply;
	const rk_message_type *type = record_type(h->actor, o->type_id, &reply);
	table_writer *w;
	collected	c = {0};
	Oid			user;
	int			security_context;
	MemoryContext memory = AllocSetContextCreate(CurrentMemoryContext, "rk output", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old;

	/* from here on the table stays as it is */
	LockRelationOid(o->relation, RowExclusiveLock);
	if (get_rel_name(o->relation) == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("the table of output %lld of ring \"%s\" does not exist", (long long) o->output_id,
						NameStr(h->ring->name)),
				 errhint("SELECT rk.ring_output_drop(%lld), rk.ring_restart(%s);", (long long) o->output_id,
						 quote_literal_cstr(NameStr(h->ring->name)))));
	GetUserIdAndSecContext(&user, &security_context);
	SetUserIdAndSecContext(h->ring->owner, security_context | SECURITY_LOCAL_USERID_CHANGE | SECURITY_RESTRICTED_OPERATION);
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	if (o->writer && o->writer->stale)
	{
		free_writer(o->writer);
		o->writer = NULL;
	}
	if (o->writer == NULL)
	{
		static bool listens = false;

		if (!listens)
			CacheRegisterRelcacheCallback(table_changed, (Datum) 0);
		listens = true;
		w = MemoryContextAlloc(h->output_memory, sizeof(*w));
		prepare_writer(w, type, reply, o->relation);
		SPI_keepplan(w->plan);
		w->next = writers;
		o->writer = writers = w;
	}
	w = o->writer;
	for (int i = 0; i < w->columns; i++)
	{
		c.values[i] = palloc(sizeof(Datum) * ROWS);
		c.nulls[i] = palloc(sizeof(bool) * ROWS);
	}
	old = MemoryContextSwitchTo(memory);
	for (Size at = 0; at < h->records.size; at += record_size(record_at(h, at)))
	{
		const record *r = record_at(h, at);
		const char *data = (const char *) (r + 1);
		uint32		row = reply ? type->reply_size : 0;

		if (r->type_id != o->type_id || r->apply_seq <= o->after_seq || (reply && is_nothing(type, data)))
			continue;
		/* one row, or one for each row of the reply */
		for (; !(reply && type->rows) || row + type->row_size <= r->length; row += type->row_size)
		{
			for (int i = 0; i < w->columns; i++)
				if (w->field[i])
				{
					c.values[i][c.rows] = rk_field_fetch_as(w->field[i], w->from_row[i] ? data + row : data,
															w->types[i], &c.nulls[i][c.rows]);
					if (w->as_text[i] && !c.nulls[i][c.rows])
						c.values[i][c.rows] = CStringGetTextDatum(OidOutputFunctionCall(F_ARRAY_OUT, c.values[i][c.rows]));
				}
				else
				{
					c.values[i][c.rows] = extra_value(h, r, w->extra[i]);
					c.nulls[i][c.rows] = false;
				}
			if (++c.rows == ROWS)
			{
				insert_rows(w, &c);
				MemoryContextReset(memory);
			}
			if (!(reply && type->rows))
				break;
		}
	}
	insert_rows(w, &c);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(memory);
	SPI_finish();
	SetUserIdAndSecContext(user, security_context);
}

/* ---- LISTEN ---- */

static Jsonb *
record_json(const rk_message_type *type, bool reply, const record *r)
{
	return DatumGetJsonbP(reply ? rk_reply_to_jsonb(type, r + 1, r->length) : rk_payload_to_jsonb(type, r + 1, r->length));
}

/* One notification a record, with JSON; one message of a topic, too. */
static void
notify(rk_hosted *h, const rk_output *o)
{
	bool		reply;
	const rk_message_type *type = record_type(h->actor, o->type_id, &reply);
	StringInfoData payload;

	initStringInfo(&payload);
	for (Size at = 0; at < h->records.size; at += record_size(record_at(h, at)))
	{
		const record *r = record_at(h, at);
		const void *data = r + 1;
		Jsonb	   *fields;
		int			head;

		if (r->type_id != o->type_id || r->apply_seq <= o->after_seq || (reply && is_nothing(type, data)))
			continue;
		if (o->topic)
			(void) rk_publish_topic(o->topic, record_json(type, reply, r), 2, false);
		if (o->channel == NULL)
			continue;
		resetStringInfo(&payload);
		appendStringInfoString(&payload, "{\"ring\": ");
		escape_json(&payload, NameStr(h->ring->name));
		appendStringInfo(&payload, ", \"record\": \"%s%s\", \"apply_seq\": %llu", type->name, reply ? "Reply" : "",
						 (unsigned long long) r->apply_seq);
		head = payload.len;
		fields = record_json(type, reply, r);
		appendStringInfoString(&payload, ", \"data\": ");
		(void) JsonbToCString(&payload, &fields->root, VARSIZE(fields));
		/* what is too long for a notification can be read in the table */
		if (payload.len > 7990)
			payload.len = head;
		appendStringInfoChar(&payload, '}');
		Async_Notify(o->channel, payload.data);
		pfree(fields);
	}
	pfree(payload.data);
}

/* ---- other rings ---- */

/* Fields of a message from fields of a record: "fields" names those that are called differently. */
typedef struct link_map
{
	const rk_message_type *type;	/* of the message */
	const rk_field *from[MAX_COLUMNS];	/* by field of the message; NULL: its default */
} link_map;

static void
map_link(link_map *map, const rk_message_type *record_of, bool reply, const rk_actor *destination, Jsonb *mapping)
{
	Jsonb	   *fields = rk_mapping_object(mapping, "fields");
	const rk_field *known = reply ? record_of->reply : record_of->request;

	map->type = rk_mapping_type(mapping, destination);
	if (fields)
		rk_mapping_check(fields, NULL, map->type->request);
	for (int i = 0; map->type->request[i].name; i++)
	{
		const rk_field *f = &map->type->request[i];
		char	   *name = fields ? rk_mapping_text(fields, f->name) : NULL;

		map->from[i] = rk_field_find(known, name ? name : f->name);
		if (map->from[i] == NULL && (name || f->initial == NULL))
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_COLUMN),
					 errmsg("record %s%s has no field \"%s\" for field \"%s\" of message %s", record_of->name,
							reply ? "Reply" : "", name ? name : f->name, f->name, map->type->name),
					 errhint("Name one in \"fields\" of the mapping.")));
	}
}

/* Writes records into the journal of another ring, in this transaction. */
static void
forward(rk_hosted *h, const rk_output *o)
{
	bool		reply;
	const rk_message_type *record_of = record_type(h->actor, o->type_id, &reply);
	Oid			types[] = {INT4OID};
	Datum		values[] = {Int32GetDatum(o->destination)};
	link_map	map;
	Oid			user;
	int			security_context;
	bool		is_null;
	char	   *kernel;
	bytea	   *payload;
	void	   *request;

	/* one that is about to be dropped gets nothing */
	if (rk_run_sql("SELECT kernel FROM rk.ring WHERE ring_id = $1 FOR KEY SHARE", 1, types, values, NULL) == 0)
		return;
	kernel = TextDatumGetCString(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &is_null));
	map_link(&map, record_of, reply, rk_ring_kernel(kernel), o->mapping);
	request = palloc0(map.type->request_size + 8);
	payload = palloc(VARHDRSZ + map.type->request_size);
	SET_VARSIZE(payload, VARHDRSZ + map.type->request_size);
	GetUserIdAndSecContext(&user, &security_context);
	SetUserIdAndSecContext(h->ring->owner, security_context | SECURITY_LOCAL_USERID_CHANGE | SECURITY_RESTRICTED_OPERATION);
	for (Size at = 0; at < h->records.size; at += record_size(record_at(h, at)))
	{
		const record *r = record_at(h, at);
		bool		says_all = true;

		if (r->type_id != o->type_id || r->apply_seq <= o->after_seq || (reply && is_nothing(record_of, (char *) (r + 1))))
			continue;
		memset(request, 0, map.type->request_size);
		for (int i = 0; map.type->request[i].name && says_all; i++)
		{
			const rk_field *f = &map.type->request[i];
			Datum		value = (Datum) 0;
			Oid			type = InvalidOid;

			is_null = true;
			if (map.from[i] && map.from[i]->kind == RK_FIELD_ANY_ID && f->kind == RK_FIELD_ANY_ID)
			{
				/* an id stays what it is */
				memcpy((char *) request + f->offset, (const char *) (r + 1) + map.from[i]->offset, sizeof(rk_id));
				continue;
			}
			if (map.from[i])
			{
				type = map.from[i]->kind == RK_FIELD_ANY_ID ? rk_id_sql_type(rk_field_type(f)) : rk_field_type(map.from[i]);
				value = rk_field_fetch_as(map.from[i], r + 1, type, &is_null);
			}
			if (is_null && f->initial)
				rk_field_default(f, request);
			else if (is_null)
				says_all = false;
			else
				rk_field_store(f, request, value, type, is_null);
		}
		/* nothing for a field that the message must have: it is about something else */
		if (!says_all)
			continue;
		memcpy(VARDATA(payload), request, map.type->request_size);
		(void) rk_journal_write(o->destination, map.type->type_id, RK_PRIORITY_NORMAL, 0, payload);
	}
	SetUserIdAndSecContext(user, security_context);
}

/* ---- writing ---- */

static void
output_context(void *arg)
{
	const rk_output *o = arg;

	errcontext("output %lld of a ring", (long long) o->output_id);
}

void
rk_output_write(rk_hosted *h)
{
	ErrorContextCallback context = {.previous = error_context_stack,.callback = output_context};
	uint64		last = h->output_seq;
	Oid			types[] = {INT4OID, INT8OID};
	Datum		values[2];

	if (h->records.failed)
		ereport(ERROR,
				(errcode(ERRCODE_OUT_OF_MEMORY),
				 errmsg("no memory for the records of ring \"%s\"", NameStr(h->ring->name))));
	if (h->records.size == 0)
		return;
	h->published = true;
	for (Size at = 0; at < h->records.size; at += record_size(record_at(h, at)))
		last = record_at(h, at)->apply_seq;
	/* a deferred trigger would run at the commit, no more as the ring's owner */
	if (SPI_execute("SET CONSTRAINTS ALL IMMEDIATE", false, 0) < 0)
		elog(ERROR, "SET CONSTRAINTS failed");
	error_context_stack = &context;
	for (int i = 0; i < h->output_count; i++)
	{
		rk_output  *o = &h->outputs[i];

		context.arg = o;
		/* two attachments may want the same */
		if (o->repeated)
			continue;
		if (OidIsValid(o->relation))
			write_table(h, o);
		if (o->channel || o->topic)
			notify(h, o);
		if (o->destination != 0)
			forward(h, o);
	}
	error_context_stack = context.previous;
	for (Size at = 0; at < h->records.size; at += record_size(record_at(h, at)))
	{
		const record *r = record_at(h, at);
		rk_message	cause = {.id = r->message_id,.apply_seq = r->apply_seq,.sent_ns = r->sent_ns};

		if (r->type_id == 0)
			rk_send_recorded(h, r + 1, &cause);
	}
	values[0] = Int32GetDatum(h->ring_id);
	values[1] = Int64GetDatum(last);
	rk_run_sql("INSERT INTO rk.ring_position (ring_id, output_seq) VALUES ($1, $2) ON CONFLICT (ring_id) "
			   "DO UPDATE SET output_seq = excluded.output_seq", 2, types, values, NULL);
	h->output_seq = last;
	h->ring->output_seq = last;
	rk_records_clear(h);
}

static void
write_in_transaction(void *arg)
{
	rk_catalog	catalog;

	rk_catalog_open(&catalog);
	rk_output_write(arg);
	rk_catalog_close(&catalog);
}

bool
rk_output_flush(rk_hosted *h)
{
	if (likely(h->records.size == 0 && !h->records.failed))
		return true;
	return rk_in_transaction(h->ring, "writing outputs", write_in_transaction, h);
}

/* ---- which outputs there are ---- */

void
rk_outputs_forget(rk_hosted *h)
{
	for (int i = 0; i < h->output_count; i++)
		if (h->outputs[i].writer)
			free_writer(h->outputs[i].writer);
	if (h->output_memory)
		MemoryContextReset(h->output_memory);
	h->outputs = NULL;
	h->output_count = 0;
	rk_records_clear(h);
}

static bool
same_name(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

/* Reads rk.ring_output; returns how many there are, *unmarked if one is new. */
static uint64
select_outputs(const rk_hosted *h, bool *unmarked)
{
	Oid			types[] = {INT4OID};
	Datum		values[] = {Int32GetDatum(h->ring_id)};
	uint64		count = rk_run_sql("SELECT output_id, type_id, relation::oid, channel, destination, mapping, after_seq, topic "
								   "FROM rk.ring_output WHERE ring_id = $1 ORDER BY output_id", 1, types, values, NULL);
	bool		is_null;

	*unmarked = false;
	for (uint64 i = 0; i < count; i++)
	{
		(void) SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 7, &is_null);
		*unmarked |= is_null;
	}
	return count;
}

void
rk_outputs_read(rk_hosted *h, uint64 logged)
{
	Oid			types[] = {INT4OID, INT8OID};
	Datum		values[] = {Int32GetDatum(h->ring_id), Int64GetDatum(logged)};
	bool		unmarked;
	bool		same;
	uint64		count = select_outputs(h, &unmarked);
	bool		is_null;
	MemoryContext old;

	/* those that are new begin here */
	if (unmarked && !RecoveryInProgress())
	{
		rk_run_sql("UPDATE rk.ring_output SET after_seq = $2 WHERE ring_id = $1 AND after_seq IS NULL", 2, types, values,
				   NULL);
		count = select_outputs(h, &unmarked);
	}
	same = count == h->output_count;
	for (uint64 i = 0; i < count && same; i++)
		same = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1, &is_null)) ==
			h->outputs[i].output_id;
	if (same && count > 0)
		return;

	rk_outputs_forget(h);
	if (h->output_memory == NULL)
		h->output_memory = AllocSetContextCreate(h->memory, "rk outputs", ALLOCSET_SMALL_SIZES);
	old = MemoryContextSwitchTo(h->output_memory);
	h->outputs = palloc0(sizeof(rk_output) * (count + 1));
	for (uint64 i = 0; i < count; i++)
	{
		HeapTuple	t = SPI_tuptable->vals[i];
		TupleDesc	d = SPI_tuptable->tupdesc;
		rk_output  *o = &h->outputs[i];
		Datum		value;

		o->output_id = DatumGetInt64(SPI_getbinval(t, d, 1, &is_null));
		o->type_id = DatumGetInt32(SPI_getbinval(t, d, 2, &is_null));
		value = SPI_getbinval(t, d, 3, &is_null);
		o->relation = is_null ? InvalidOid : DatumGetObjectId(value);
		value = SPI_getbinval(t, d, 4, &is_null);
		o->channel = is_null ? NULL : TextDatumGetCString(value);
		value = SPI_getbinval(t, d, 5, &is_null);
		o->destination = is_null ? 0 : DatumGetInt32(value);
		value = SPI_getbinval(t, d, 6, &is_null);
		o->mapping = is_null ? NULL : DatumGetJsonbPCopy(value);
		value = SPI_getbinval(t, d, 7, &is_null);
		o->after_seq = is_null ? logged : (uint64) DatumGetInt64(value);
		value = SPI_getbinval(t, d, 8, &is_null);
		o->topic = is_null ? NULL : TextDatumGetCString(value);
		for (int k = 0; k < i; k++)
			o->repeated |= h->outputs[k].type_id == o->type_id && h->outputs[k].relation == o->relation &&
				o->destination == 0 && h->outputs[k].destination == 0 &&
				same_name(o->channel, h->outputs[k].channel) && same_name(o->topic, h->outputs[k].topic);
	}
	MemoryContextSwitchTo(old);
	h->output_count = count;
	if (rk_run_sql("SELECT output_seq FROM rk.ring_position WHERE ring_id = $1", 1, types, values, NULL) > 0)
		h->output_seq = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &is_null));
	else
		h->output_seq = 0;
	h->ring->output_seq = h->output_seq;
	/*
	 * What is published must have a place in the log; and what has none yet
	 * must be in a checkpoint, so that the log can be applied to it.
	 */
	if (count > 0 && !h->ring->journal)
		h->checkpoint_wanted = h->ring->since_checkpoint > 0;
	h->ring->journal = h->options.journal || count > 0;
}

static void
read_all(void *arg)
{
	rk_catalog	catalog;

	rk_catalog_open(&catalog);
	for (int i = 0; i < rk_hosted_count; i++)
		if (rk_hosted_rings[i]->state)
			rk_outputs_read(rk_hosted_rings[i], rk_hosted_rings[i]->ring->logged_seq);
	rk_catalog_close(&catalog);
}

void
rk_outputs_refresh(void)
{
	if (rk_hosted_count == 0 || !rk_in_transaction(NULL, "reading outputs", read_all, NULL))
		return;
	for (int i = 0; i < rk_hosted_count; i++)
		if (rk_hosted_rings[i]->checkpoint_wanted)
			(void) rk_checkpoint_write(rk_hosted_rings[i]);
}

/* ---- from SQL ---- */

int64
rk_output_add(const rk_ring_row *row, const char *name, int64 attachment_id, uint32 type_id, Oid relation,
			  const char *channel, const char *topic)
{
	bool		reply;
	const rk_message_type *type = record_type(rk_ring_kernel(row->kernel), type_id, &reply);
	rk_catalog	catalog;
	Oid			types[] = {INT4OID, INT8OID, INT4OID, OIDOID, TEXTOID, TEXTOID};
	Datum		values[] = {Int32GetDatum(row->ring_id), Int64GetDatum(attachment_id), Int32GetDatum(type_id),
		ObjectIdGetDatum(relation), channel ? CStringGetTextDatum(channel) : (Datum) 0,
	topic ? CStringGetTextDatum(topic) : (Datum) 0};
	char		nulls[] = {' ', attachment_id ? ' ' : 'n', ' ', OidIsValid(relation) ? ' ' : 'n', channel ? ' ' : 'n',
	topic ? ' ' : 'n', '\0'};
	bool		is_null;
	int64		id;

	if (OidIsValid(relation))
	{
		table_writer w;

		/* it is written by the owner, on behalf of whoever asks for it */
		if (pg_class_aclcheck(relation, row->owner, ACL_INSERT) != ACLCHECK_OK ||
			pg_class_aclcheck(relation, GetUserId(), ACL_INSERT) != ACLCHECK_OK)
			ereport(ERROR,
					(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
					 errmsg("permission denied for table %s", get_rel_name(relation)),
					 errdetail("You and the owner of ring \"%s\" need the right INSERT.", name)));
		if (SPI_connect() != SPI_OK_CONNECT)
			elog(ERROR, "SPI_connect failed");
		prepare_writer(&w, type, reply, relation);
		SPI_finish();
	}
	if (channel && (*channel == '\0' || strlen(channel) >= NAMEDATALEN))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("name of a channel must have 1 to %d bytes", NAMEDATALEN - 1)));
	rk_catalog_open(&catalog);
	rk_run_sql("INSERT INTO rk.ring_output (ring_id, attachment_id, type_id, relation, channel, topic) "
			   "VALUES ($1, $2, $3, $4::regclass, $5, $6) RETURNING output_id", 6, types, values, nulls);
	id = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &is_null));
	rk_catalog_close(&catalog);
	rk_rescan_at_commit();
	return id;
}

Datum
rk_ring_output(PG_FUNCTION_ARGS)
{
	char	   *name;
	char	   *record_name;
	Oid			relation = PG_ARGISNULL(2) ? InvalidOid : PG_GETARG_OID(2);
	char	   *channel = PG_ARGISNULL(3) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(3));
	char	   *topic = PG_ARGISNULL(4) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(4));
	rk_ring_row row;

	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("parameter \"name\" must not be null")));
	if (!OidIsValid(relation) && channel == NULL && topic == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("an output needs a relation, a channel or a topic")));
	if (topic)
		rk_topic_check(topic);
	name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	record_name = PG_ARGISNULL(1) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(1));
	rk_controlled_ring(name, &row);
	PG_RETURN_INT64(rk_output_add(&row, name, 0, rk_record_find(rk_ring_kernel(row.kernel), record_name, NULL),
								  relation, channel, topic));
}

/* rk.ring_link(source, record, destination, mapping) */
Datum
rk_ring_link(PG_FUNCTION_ARGS)
{
	static const char *const members[] = {"type", "fields", NULL};
	char	   *source_name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	char	   *record_name = text_to_cstring(PG_GETARG_TEXT_PP(1));
	char	   *destination_name = text_to_cstring(PG_GETARG_TEXT_PP(2));
	Jsonb	   *mapping = PG_GETARG_JSONB_P(3);
	rk_ring_row source;
	rk_ring_row destination;
	uint32		type_id;
	const rk_message_type *type;
	bool		reply;
	link_map	map;
	rk_catalog	catalog;
	bool		is_null;
	int64		id;

	rk_controlled_ring(source_name, &source);
	rk_ring_row_require(destination_name, &destination);
	/* the messages are the owner's */
	if (!has_privs_of_role(source.owner, destination.owner) && !rk_ring_access(destination.ring_id, source.owner, "send"))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied for ring \"%s\"", destination_name),
				 errdetail("The owner of ring \"%s\" may not send to it.", source_name)));
	if (!JB_ROOT_IS_OBJECT(mapping))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a mapping must be a JSON object")));
	rk_mapping_check(mapping, members, NULL);
	type_id = rk_record_find(rk_ring_kernel(source.kernel), record_name, NULL);
	type = record_type(rk_ring_kernel(source.kernel), type_id, &reply);
	map_link(&map, type, reply, rk_ring_kernel(destination.kernel), mapping);

	rk_catalog_open(&catalog);
	{
		Oid			types[] = {INT4OID, INT4OID, INT4OID, JSONBOID};
		Datum		values[] = {Int32GetDatum(source.ring_id), Int32GetDatum(destination.ring_id), Int32GetDatum(type_id),
		JsonbPGetDatum(mapping)};

		/* two links made at the same time may close a circle together */
		rk_run_sql("LOCK TABLE rk.ring_output IN SHARE ROW EXCLUSIVE MODE", 0, NULL, NULL, NULL);
		if (rk_run_sql("WITH RECURSIVE behind (ring_id) AS (SELECT $2 UNION SELECT o.destination FROM rk.ring_output o "
					   "JOIN behind b ON o.ring_id = b.ring_id WHERE o.destination IS NOT NULL) "
					   "SELECT FROM behind WHERE ring_id = $1", 2, types, values, NULL) > 0)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("a link from ring \"%s\" to ring \"%s\" would close a circle", source_name, destination_name)));
		rk_run_sql("INSERT INTO rk.ring_output (ring_id, destination, type_id, mapping) VALUES ($1, $2, $3, $4) "
				   "RETURNING output_id", 4, types, values, NULL);
		id = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &is_null));
	}
	rk_catalog_close(&catalog);
	rk_rescan_at_commit();
	PG_RETURN_INT64(id);
}

Datum
rk_ring_output_drop(PG_FUNCTION_ARGS)
{
	int64		id = PG_GETARG_INT64(0);
	rk_catalog	catalog;
	Oid			types[] = {INT8OID};
	Datum		values[] = {Int64GetDatum(id)};
	rk_ring_row row;

	rk_controlled_ring_of("output", "SELECT r.name FROM rk.ring_output o JOIN rk.ring r USING (ring_id) WHERE output_id = $1",
						  id, &row);
	rk_catalog_open(&catalog);
	rk_run_sql("DELETE FROM rk.ring_output WHERE output_id = $1", 1, types, values, NULL);
	rk_catalog_close(&catalog);
	rk_rescan_at_commit();
	PG_RETURN_VOID();
}
