/*
 * typed.c
 *	  Messages from SQL: the typed functions, rk.ring_call, rk.ring_send.
 *
 * All typed functions are one C function that finds out by the name it was
 * called under which message it sends; what it has found it keeps with the
 * call's FmgrInfo, together with the ring, so that in a query only the first
 * call looks anything up.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "../compat.h"
#include "catalog.h"
#include "convert.h"
#include "send.h"

PG_FUNCTION_INFO_V1(rk_ring_typed);
PG_FUNCTION_INFO_V1(rk_ring_call);
PG_FUNCTION_INFO_V1(rk_ring_send);
PG_FUNCTION_INFO_V1(rk_ring_send_many);
PG_FUNCTION_INFO_V1(rk_ring_load);
PG_FUNCTION_INFO_V1(rk_ring_receive);
PG_FUNCTION_INFO_V1(rk_message_delivery);

#define MAX_FIELDS 64
#define LOCAL_PAYLOAD 1024

/* What a call site of a typed function has found out. */
typedef struct call_site
{
	const rk_message_type *type;
	rk_ring_handle handle;
	int			fields;
	int			first;			/* argument of the first field: 1, or 2 after id_type */
	Oid			arg_types[MAX_FIELDS];
	int			outputs;		/* columns of a row of the result */
	bool		returns_set;
	TupleDesc	desc;			/* NULL: one column, a scalar */
	Oid			column_types[2 * MAX_FIELDS];
	const rk_field *columns[2 * MAX_FIELDS];
	bool		from_row[2 * MAX_FIELDS];
} call_site;

static call_site *
prepare_site(FunctionCallInfo fcinfo)
{
	MemoryContext memory = fcinfo->flinfo->fn_mcxt;
	MemoryContext old = MemoryContextSwitchTo(memory);
	char	   *name = get_func_name(fcinfo->flinfo->fn_oid);
	call_site  *site = palloc0(sizeof(*site));
	TupleDesc	desc;
	Oid			type;

	rk_send_init();
	site->type = name ? rk_message_function_find(name) : NULL;
	if (site->type == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_FUNCTION),
				 errmsg("the library has no message for function \"%s\"", name ? name : "?")));
	site->handle.type_id = site->type->type_id;
	site->fields = rk_field_count(site->type->request);
	site->first = rk_takes_id_type(site->type) && PG_NARGS() == site->fields + 2 ? 2 : 1;
	if (site->first == 2 && !PG_ARGISNULL(1))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("parameter \"id_type\" is a NULL of the type that ids are to have"),
				 errhint("Write NULL::text right after the name.")));
	if (PG_NARGS() != site->fields + site->first)
		elog(ERROR, "function \"%s\" has %d arguments, its message %d fields", name, PG_NARGS(), site->fields);
	for (int i = 0; i < site->fields; i++)
		site->arg_types[i] = site->type->request[i].kind == RK_FIELD_ANY_ID ?
			getBaseType(get_fn_expr_argtype(fcinfo->flinfo, i + site->first)) : rk_field_type(&site->type->request[i]);
	for (const rk_field *f = site->type->reply; f && f->name; f++)
		if (!site->type->found || strcmp(f->name, site->type->found) != 0)
			site->columns[site->outputs++] = f;
	for (const rk_field *f = site->type->rows; f && f->name; f++)
	{
		site->from_row[site->outputs] = true;
		site->columns[site->outputs++] = f;
	}
	site->returns_set = fcinfo->flinfo->fn_retset;
	if (get_call_result_type(fcinfo, &type, &desc) == TYPEFUNC_COMPOSITE)
		site->desc = BlessTupleDesc(CreateTupleDescCopy(desc));
	for (int i = 0; i < site->outputs; i++)
		site->column_types[i] = site->columns[i]->kind != RK_FIELD_ANY_ID ? rk_field_type(site->columns[i]) :
			getBaseType(site->desc ? TupleDescAttr(site->desc, i)->atttypid : type);
	fcinfo->flinfo->fn_extra = site;
	MemoryContextSwitchTo(old);
	return site;
}

/* A name given as text, without a copy when it can be helped. */
static inline const char *
name_argument(FunctionCallInfo fcinfo, int *length)
{
	text	   *t;

	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("parameter \"name\" must not be null")));
	t = PG_GETARG_TEXT_PP(0);
	*length = VARSIZE_ANY_EXHDR(t);
	return VARDATA_ANY(t);
}

void
rk_message_check(const rk_message_type *type)
{
	if (type->mutating && RecoveryInProgress())
		rk_not_during_recovery();
	if (type->mutating && XactReadOnly)
		ereport(ERROR,
				(errcode(ERRCODE_READ_ONLY_SQL_TRANSACTION),
				 errmsg("cannot send message %s in a read-only transaction", type->name)));
}

/* Whether the reply says that there is no such thing. */
static bool
nothing_found(const rk_message_type *type, const char *reply)
{
	const rk_field *f;
	int16		code;

	if (type->found == NULL)
		return false;
	f = rk_field_find(type->reply, type->found);
	memcpy(&code, reply + f->offset, 2);
	return code != f->first_code;
}

Datum
rk_ring_typed(PG_FUNCTION_ARGS)
{
	call_site  *site = fcinfo->flinfo->fn_extra;
	const rk_message_type *type;
	int64		aligned[LOCAL_PAYLOAD / 8];
	char	   *payload = (char *) aligned;
	rk_outgoing out;
	rk_incoming in;
	rk_ring    *ring;
	int			length;
	const char *name = name_argument(fcinfo, &length);
	Datum		result = (Datum) 0;
	bool		null = false;

	if (unlikely(site == NULL))
		site = prepare_site(fcinfo);
	type = site->type;
	if (unlikely(XactReadOnly))
		rk_message_check(type);
	if (unlikely(type->request_size > LOCAL_PAYLOAD))
		payload = palloc(type->request_size);
	memset(payload, 0, type->request_size);
	for (int i = 0; i < site->fields; i++)
	{
		const rk_field *f = &type->request[i];
		int			arg = i + site->first;

		if (likely((f->kind == RK_FIELD_INT8 || f->kind == RK_FIELD_ID) && !PG_ARGISNULL(arg) && f->max == 0))
			memcpy(payload + f->offset, &(int64) {PG_GETARG_INT64(arg)}, 8);
		else
			rk_field_store(f, payload, PG_GETARG_DATUM(arg), site->arg_types[i], PG_ARGISNULL(arg));
	}
	ring = rk_ring_find(&site->handle, name, length, 0);
	out = (rk_outgoing) {
		.type_id = type->type_id,
		.flags = type->mutating ? 0 : RK_SLOT_READ_ONLY,
		.priority = rk_priority,
		.payload = payload,
		.length = type->request_size
	};
	out.now_ns = rk_now_ns();
	out.deadline_ns = rk_call_deadline(ring, out.now_ns, 0);
	rk_call_begin(ring, &site->handle, &out, &in);

	/* the reply is read before anything can fail, unless it has rows */
	if (likely(site->desc == NULL && !site->returns_set))
	{
		/* a void function has no column */
		if (likely(site->outputs > 0))
			result = rk_field_fetch_as(site->columns[0], in.data, site->column_types[0], &null);
	}
	else
	{
		Datum		values[2 * MAX_FIELDS];
		bool		nulls[2 * MAX_FIELDS];
		ReturnSetInfo *rsinfo = NULL;

		if (site->returns_set)
		{
			InitMaterializedSRF(fcinfo, site->desc ? 0 : MAT_SRF_USE_EXPECTED_DESC);
			rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
		}
		if (type->rows)
		{
			for (uint32 at = type->reply_size; at + type->row_size <= in.length; at += type->row_size)
			{
				for (int i = 0; i < site->outputs; i++)
					values[i] = rk_field_fetch_as(site->columns[i], site->from_row[i] ? in.data + at : in.data,
												  site->column_types[i], &nulls[i]);
				tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
			}
		}
		else if (!nothing_found(type, in.data))
		{
			for (int i = 0; i < site->outputs; i++)
				values[i] = rk_field_fetch_as(site->columns[i], in.data, site->column_types[i], &nulls[i]);
			if (rsinfo)
				tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
			else
				result = HeapTupleGetDatum(heap_form_tuple(site->desc, values, nulls));
		}
		null = rsinfo != NULL;
	}
	rk_call_end(&in);
	if (null)
		PG_RETURN_NULL();
	return result;
}

/* ---- by type id ---- */

const rk_message_type *
rk_kernel_message_type(const rk_actor *actor, int type_id)
{
	const rk_message_type *type = rk_actor_message(actor, type_id);
	StringInfoData all;

	if (type)
		return type;
	initStringInfo(&all);
	for (const rk_message_type *t = actor->messages; t->type_id; t++)
		if (!t->published)
			appendStringInfo(&all, "%s%u (%s)", all.len ? ", " : "", t->type_id, t->name);
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_OBJECT),
			 errmsg("kernel \"%s\" has no message type %d", actor->kernel, type_id),
			 errhint("It has %s.", all.data)));
}

static const rk_message_type *
message_type(const rk_ring *ring, int type_id)
{
	return rk_kernel_message_type(rk_actors[ring->kernel], type_id);
}

int64
rk_interval_span_ms(const Interval *i)
{
	/* no more than a hundred years, so that there are as many nanoseconds */
	int64		most = INT64CONST(36525) * SECS_PER_DAY * INT64CONST(1000);
	int64		days = i->day + 30 * (int64) i->month;
	int64		ms = days * SECS_PER_DAY * INT64CONST(1000) + i->time / 1000 + (i->time % 1000 > 0);

	return Max(0, Min(ms, most));
}

int64
rk_interval_ms(const Interval *i)
{
	int64		ms = rk_interval_span_ms(i);

	if (ms == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a timeout or deadline must be more than zero")));
	return ms;
}

/* One handle for the functions that name a type id, kept for the session. */
static rk_ring_handle session_handle;

/* The ring that the first argument names; type_id as in rk_ring_handle. */
static rk_ring *
ring_argument(FunctionCallInfo fcinfo, uint32 type_id)
{
	int			length;
	const char *name = name_argument(fcinfo, &length);

	rk_send_init();
	session_handle.type_id = type_id;
	return rk_ring_find(&session_handle, name, length, 0);
}

static void
not_null(FunctionCallInfo fcinfo, int argument, const char *name)
{
	if (PG_ARGISNULL(argument))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("parameter \"%s\" must not be null", name)));
}

Datum
rk_ring_call(PG_FUNCTION_ARGS)
{
	rk_ring    *ring = ring_argument(fcinfo, PG_ARGISNULL(1) ? 0 : PG_GETARG_INT32(1));
	const rk_message_type *type;
	rk_outgoing out;
	rk_incoming in;
	void	   *payload;
	Datum		result;
	int64		timeout = PG_ARGISNULL(3) ? 0 : rk_interval_ms(PG_GETARG_INTERVAL_P(3));

	not_null(fcinfo, 1, "type_id");
	not_null(fcinfo, 2, "payload");
	type = message_type(ring, PG_GETARG_INT32(1));
	rk_message_check(type);
	payload = palloc0(type->request_size + 8);
	rk_jsonb_to_payload(type, PG_GETARG_JSONB_P(2), payload);
	out = (rk_outgoing) {
		.type_id = type->type_id,
		.flags = type->mutating ? 0 : RK_SLOT_READ_ONLY,
		.priority = rk_priority,
		.payload = payload,
		.length = type->request_size,
		.now_ns = rk_now_ns()
	};
	out.deadline_ns = rk_call_deadline(ring, out.now_ns, timeout);
	rk_call_begin(ring, &session_handle, &out, &in);
	result = rk_reply_to_jsonb(type, in.data, in.length);
	rk_call_end(&in);
	return result;
}

/* ---- replies for later ---- */

/* A message sent with receipt => true, oldest first. */
typedef struct receipt
{
	rk_incoming in;
	rk_ring    *ring;
	const rk_message_type *type;
	TimestampTz sent_at;
	char		name[NAMEDATALEN];
	struct receipt *next;
} receipt;

static receipt *oldest_receipt = NULL;

static int64
send_for_later(rk_ring *ring, const rk_message_type *type, rk_outgoing *out)
{
	receipt    *r = MemoryContextAllocZero(TopMemoryContext, sizeof(receipt));
	receipt   **last = &oldest_receipt;

	int64		id;

	if (out->deadline_ns == 0)
		out->deadline_ns = rk_call_deadline(ring, rk_now_ns(), 0);
	out->receipt = true;
	if (!rk_call_try(ring, &session_handle, out, &r->in))
	{
		/* rk.delivery says where it is */
		id = r->in.message_id;
		pfree(r);
		return id;
	}
	rk_receipt_keep(&r->in);
	r->ring = ring;
	r->type = type;
	r->sent_at = GetCurrentTimestamp();
	strlcpy(r->name, session_handle.name, NAMEDATALEN);
	while (*last)
		last = &(*last)->next;
	*last = r;
	return r->in.message_id;
}

static bool
has_receipts(const char *name)
{
	for (receipt *r = oldest_receipt; r; r = r->next)
		if (strcmp(r->name, name) == 0)
			return true;
	return false;
}

/*
 * The replies that have come to messages of this session with a receipt, in
 * the order of sending, or the messages of a subscription; waits for the first
 * one at most for the timeout.
 */
Datum
rk_ring_receive(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	char	   *name;
	int64		until = PG_ARGISNULL(1) ? 0 : rk_now_ns() + rk_interval_ms(PG_GETARG_INTERVAL_P(1)) * 1000000;
	bool		found = false;

	not_null(fcinfo, 0, "name");
	name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	InitMaterializedSRF(fcinfo, 0);
	if (!has_receipts(name) && rk_topic_subscribed(name))
	{
		/* a topic's */
		while (rk_topic_fetch(name, rsinfo->setResult, rsinfo->setDesc) == 0 && until != 0 && rk_now_ns() < until)
		{
			(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, 10, PG_WAIT_EXTENSION);
			ResetLatch(MyLatch);
			CHECK_FOR_INTERRUPTS();
		}
		return (Datum) 0;
	}
	rk_send_init();
	for (;;)
	{
		bool		waiting = false;

		for (receipt **p = &oldest_receipt; *p;)
		{
			receipt    *r = *p;
			rk_incoming in = r->in;
			Datum		values[5];
			bool		nulls[5] = {0};

			if (strcmp(r->name, name) != 0)
			{
				p = &r->next;
				continue;
			}
			if (rk_reply_look(in.slot) != RK_REPLY_DONE)
			{
				/* it says so before it sleeps, so that the host sets the latch */
				waiting |= rk_reply_sleep(in.slot);
				p = &r->next;
				continue;
			}
			/* an error has a call of its own, lest it take along what came before it */
			if (found && (in.slot->outcome != RK_OUTCOME_OK || !rk_reply_intact(in.slot)))
			{
				waiting = false;
				break;
			}
			/* ours no more, whatever it says */
			values[0] = Int64GetDatum(in.message_id);
			values[1] = Int32GetDatum(r->type->reply_id);
			nulls[2] = true;
			values[4] = TimestampTzGetDatum(r->sent_at);
			*p = r->next;
			rk_receipt_drop(&in);
			{
				const rk_message_type *type = r->type;
				rk_ring    *ring = r->ring;

				pfree(r);
				rk_reply_check(ring, &in);
				values[3] = rk_reply_to_jsonb(type, in.data, in.length);
			}
			rk_call_end(&in);
			tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
			found = true;
		}
		if (found || !waiting || until == 0 || rk_now_ns() > until)
			break;
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
						 Max(1, Min((until - rk_now_ns()) / 1000000, 1000)), PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
	}
	return (Datum) 0;
}

Datum
rk_delivery_datum(rk_delivery status, Oid type)
{
	static const char *const names[] = {
		"pending", "delivered", "not_found", "queue_full", "timeout", "max_hops_exceeded", "tenant_mismatch", "expired",
		"dead_lettered"
	};

	return DirectFunctionCall2(enum_in, CStringGetDatum(names[status]), ObjectIdGetDatum(type));
}

/* What became of a message with a receipt; NULL: it is not known any more. */
Datum
rk_message_delivery(PG_FUNCTION_ARGS)
{
	uint64		id = (uint64) PG_GETARG_INT64(0);

	rk_region_required();
	for (int i = 0; i < rk_the_region->receipts; i++)
	{
		rk_receipt *r = &rk_region_receipts()[i];
		uint64		word = atomic_load(&r->word);

		if (word != 0 && word >> 4 == id && atomic_load(&r->database) == MyDatabaseId && atomic_load(&r->word) >> 4 == id)
			PG_RETURN_DATUM(rk_delivery_datum(word & 15, get_func_rettype(fcinfo->flinfo->fn_oid)));
	}
	PG_RETURN_NULL();
}

Datum
rk_ring_send(PG_FUNCTION_ARGS)
{
	rk_ring    *ring = ring_argument(fcinfo, PG_ARGISNULL(1) ? 0 : PG_GETARG_INT32(1));
	const rk_message_type *type;
	rk_outgoing out;
	void	   *payload;
	char	   *priority;
	int64		id;

	not_null(fcinfo, 1, "type_id");
	not_null(fcinfo, 2, "payload");
	type = message_type(ring, PG_GETARG_INT32(1));
	rk_message_check(type);
	payload = palloc0(type->request_size + 8);
	rk_jsonb_to_payload(type, PG_GETARG_JSONB_P(2), payload);
	out = (rk_outgoing) {
		.type_id = type->type_id,
		.flags = type->mutating ? 0 : RK_SLOT_READ_ONLY,
		.priority = rk_priority,
		.payload = payload,
		.length = type->request_size
	};
	if (!PG_ARGISNULL(3))
	{
		/* an enum, whose labels are the setting's */
		priority = DatumGetCString(DirectFunctionCall1(enum_out, PG_GETARG_DATUM(3)));
		out.priority = rk_priority_named(priority);
	}
	if (!PG_ARGISNULL(4))
		out.deadline_ns = rk_now_ns() + rk_interval_ms(PG_GETARG_INTERVAL_P(4)) * 1000000;
	if (!PG_ARGISNULL(6) && PG_GETARG_BOOL(6))
	{
		/* with this transaction, or not at all */
		bytea	   *journaled = palloc(VARHDRSZ + type->request_size);

		if (!PG_ARGISNULL(4) || !PG_ARGISNULL(5) || (!PG_ARGISNULL(7) && PG_GETARG_BOOL(7)))
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("a transactional message has neither deadline, key nor receipt")));
		SET_VARSIZE(journaled, VARHDRSZ + type->request_size);
		memcpy(VARDATA(journaled), payload, type->request_size);
		PG_RETURN_INT64(rk_journal_write(ring->ring_id, type->type_id, out.priority, 0, journaled));
	}
	if (!PG_ARGISNULL(7) && PG_GETARG_BOOL(7))
	{
		if (!PG_ARGISNULL(5))
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("a message with a key has no receipt")));
		PG_RETURN_INT64(send_for_later(ring, type, &out));
	}
	if (PG_ARGISNULL(5))
	{
		id = rk_ring_post(ring, &session_handle, &out);
		if (id == 0)
			PG_RETURN_NULL();
		PG_RETURN_INT64(id);
	}
	else
	{
		/* whether the key is new is known to the host */
		text	   *key = PG_GETARG_TEXT_PP(5);
		rk_incoming in;

		out.key_hash[0] = hash_bytes_extended((unsigned char *) VARDATA_ANY(key), VARSIZE_ANY_EXHDR(key), 1);
		out.key_hash[1] = hash_bytes_extended((unsigned char *) VARDATA_ANY(key), VARSIZE_ANY_EXHDR(key), 2) | 1;
		if (out.deadline_ns == 0)
			out.deadline_ns = rk_call_deadline(ring, rk_now_ns(), 0);
		rk_call_begin(ring, &session_handle, &out, &in);
		memcpy(&id, in.data, sizeof(id));
		rk_call_end(&in);
		PG_RETURN_INT64(id);
	}
}

Datum
rk_ring_send_many(PG_FUNCTION_ARGS)
{
	rk_ring    *ring = ring_argument(fcinfo, PG_ARGISNULL(1) ? 0 : PG_GETARG_INT32(1));
	const rk_message_type *type;
	Datum	   *items;
	bool	   *nulls;
	int			count;
	Datum	   *ids;
	bool	   *gone;
	int			dims[1];
	int			bounds[] = {1};
	void	   *payload;

	not_null(fcinfo, 1, "type_id");
	not_null(fcinfo, 2, "payloads");
	type = message_type(ring, PG_GETARG_INT32(1));
	rk_message_check(type);
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(2), JSONBOID, -1, false, TYPALIGN_INT, &items, &nulls, &count);
	ids = palloc(sizeof(Datum) * (count + 1));
	gone = palloc(sizeof(bool) * (count + 1));
	/* all of them are checked before the first one is sent */
	payload = palloc0((Size) type->request_size * (count + 1) + 8);
	for (int i = 0; i < count; i++)
	{
		if (nulls[i])
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("payload %d must not be null", i + 1)));
		rk_jsonb_to_payload(type, DatumGetJsonbP(items[i]), (char *) payload + (Size) i * type->request_size);
	}
	for (int i = 0; i < count; i++)
	{
		rk_outgoing out = {
			.type_id = type->type_id,
			.flags = type->mutating ? 0 : RK_SLOT_READ_ONLY,
			.priority = rk_priority,
			.payload = (char *) payload + (Size) i * type->request_size,
			.length = type->request_size
		};

		int64		id = rk_ring_post(ring, &session_handle, &out);

		/* what a full queue did not take has no number */
		ids[i] = Int64GetDatum(id);
		gone[i] = id == 0;
	}
	if (count == 0)
		PG_RETURN_ARRAYTYPE_P(construct_empty_array(INT8OID));
	dims[0] = count;
	PG_RETURN_ARRAYTYPE_P(construct_md_array(ids, gone, 1, dims, bounds, INT8OID, 8, FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}

typedef struct load_arg
{
	rk_ring    *ring;
	int64		sent;
} load_arg;

static void
load_row(void *arg, const rk_message *message)
{
	load_arg   *l = arg;
	rk_outgoing out = {
		.type_id = message->type_id,
		.priority = rk_priority,
		.payload = message->payload,
		.length = message->length,
		.may_wait = true
	};

	(void) rk_ring_post(l->ring, &session_handle, &out);
	l->sent++;
}

/*
 * Bulk messages of the type that the kernel's relation option has, or its
 * first message that changes the state.  Waits until all are applied.
 */
Datum
rk_ring_load(PG_FUNCTION_ARGS)
{
	rk_ring    *ring = ring_argument(fcinfo, 0);
	const rk_actor *actor = rk_actors[ring->kernel];
	const rk_message_type *type = NULL;
	load_arg	arg = {.ring = ring};

	if (rk_actor_feed(actor) != 0)
		type = rk_actor_message(actor, rk_actor_feed(actor));
	for (const rk_message_type *t = actor->messages; type == NULL && t->type_id; t++)
		if (t->mutating)
			type = t;
	if (type == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("kernel \"%s\" has no messages to load", actor->kernel)));
	rk_message_check(type);
	rk_load_rows(type, "query", text_to_cstring(PG_GETARG_TEXT_PP(1)), GetUserId(), load_row, &arg);
	PG_RETURN_INT64(arg.sent);
}
