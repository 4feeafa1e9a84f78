/*
 * fanout.c
 *	  One message to several rings: broadcasts, and loops over a set of rings.
 *
 * A fan-out is a named set of rings.  rk.broadcast sends them all one message
 * and waits for none, one, some or all of them.  Rings do not hear of each
 * other: one that does not run, has no room or refuses the message is a row of
 * the result, and what it refused is a dead letter.
 *
 * rk.ring_iterate drives rings that work on one problem together.  A round is
 * one message to each; a ring does its part, sends to the others what they need
 * (rk_send), and answers how much has changed.  The next round begins when all
 * have answered: what was sent in one round has arrived before the next, as
 * queues keep the order.  A ring that is restarted in between has lost what it
 * was sent, so that the loop ends with "reply lost".
 */
#include "postgres.h"

#include <math.h>

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/proc.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/memutils.h"

#include "../compat.h"
#include "catalog.h"
#include "convert.h"
#include "send.h"

PG_FUNCTION_INFO_V1(rk_fanout_create);
PG_FUNCTION_INFO_V1(rk_fanout_add);
PG_FUNCTION_INFO_V1(rk_fanout_remove);
PG_FUNCTION_INFO_V1(rk_fanout_drop);
PG_FUNCTION_INFO_V1(rk_fanout_broadcast);
PG_FUNCTION_INFO_V1(rk_ring_iterate);

/* ---- which rings ---- */

static int32
ring_id_of(const char *name)
{
	rk_ring_row row;

	rk_ring_row_require(name, &row);
	return row.ring_id;
}

/* Number of a fan-out; owner: only if the current user may change it. */
static int32
fanout_id_of(const char *name, bool owner)
{
	rk_catalog	catalog;
	Oid			types[] = {TEXTOID, OIDOID};
	Datum		values[] = {CStringGetTextDatum(name), ObjectIdGetDatum(GetUserId())};
	bool		is_null;
	int32		id;

	rk_region_required();
	rk_catalog_open(&catalog);
	if (rk_run_sql("SELECT fanout_id, pg_catalog.pg_has_role($2, owner, 'USAGE') FROM rk.fanout WHERE name = $1", 2, types,
				   values, NULL) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("fan-out \"%s\" does not exist", name)));
	id = DatumGetInt32(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &is_null));
	if (owner && !DatumGetBool(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 2, &is_null)))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("must be owner of fan-out \"%s\"", name)));
	rk_catalog_close(&catalog);
	return id;
}

static uint64
change(const char *command, int32 fanout_id, int32 ring_id)
{
	rk_catalog	catalog;
	Oid			types[] = {INT4OID, INT4OID};
	Datum		values[] = {Int32GetDatum(fanout_id), Int32GetDatum(ring_id)};
	uint64		rows;

	rk_catalog_open(&catalog);
	rows = rk_run_sql(command, ring_id ? 2 : 1, types, values, NULL);
	rk_catalog_close(&catalog);
	return rows;
}

static void
add_ring(int32 fanout_id, const char *name, const char *ring)
{
	if (change("INSERT INTO rk.fanout_ring VALUES ($1, $2) ON CONFLICT DO NOTHING", fanout_id, ring_id_of(ring)) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_OBJECT),
				 errmsg("ring \"%s\" is in fan-out \"%s\" already", ring, name)));
}

/* The names in an array, each once. */
static char **
names_of(ArrayType *array, int *count)
{
	Datum	   *items;
	bool	   *nulls;
	char	  **names;

	deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT, &items, &nulls, count);
	names = palloc(sizeof(char *) * (*count + 1));
	for (int i = 0; i < *count; i++)
	{
		if (nulls[i])
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("parameter \"rings\" must not have null elements")));
		names[i] = TextDatumGetCString(items[i]);
		for (int k = 0; k < i; k++)
			if (strcmp(names[i], names[k]) == 0)
				ereport(ERROR,
						(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						 errmsg("parameter \"rings\" has ring \"%s\" twice", names[i])));
	}
	return names;
}

/* rk.fanout_create(name, rings) */
Datum
rk_fanout_create(PG_FUNCTION_ARGS)
{
	char	   *name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	int			count;
	char	  **rings = names_of(PG_GETARG_ARRAYTYPE_P(1), &count);
	rk_catalog	catalog;
	Oid			types[] = {TEXTOID, OIDOID};
	Datum		values[] = {CStringGetTextDatum(name), ObjectIdGetDatum(GetUserId())};
	bool		is_null;
	int32		id;

	rk_region_required();
	PreventCommandIfReadOnly("rk.fanout_create()");
	if (*name == '\0' || strlen(name) >= NAMEDATALEN)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_NAME),
				 errmsg("name of a fan-out must have 1 to %d bytes", NAMEDATALEN - 1)));
	rk_catalog_open(&catalog);
	if (rk_run_sql("INSERT INTO rk.fanout (name, owner) VALUES ($1, $2::regrole) ON CONFLICT DO NOTHING RETURNING fanout_id",
				   2, types, values, NULL) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_OBJECT),
				 errmsg("fan-out \"%s\" already exists", name)));
	id = DatumGetInt32(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &is_null));
	rk_catalog_close(&catalog);
	for (int i = 0; i < count; i++)
		add_ring(id, name, rings[i]);
	PG_RETURN_VOID();
}

Datum
rk_fanout_add(PG_FUNCTION_ARGS)
{
	char	   *name = text_to_cstring(PG_GETARG_TEXT_PP(0));

	PreventCommandIfReadOnly("rk.fanout_add()");
	add_ring(fanout_id_of(name, true), name, text_to_cstring(PG_GETARG_TEXT_PP(1)));
	PG_RETURN_VOID();
}

Datum
rk_fanout_remove(PG_FUNCTION_ARGS)
{
	char	   *name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	char	   *ring = text_to_cstring(PG_GETARG_TEXT_PP(1));

	PreventCommandIfReadOnly("rk.fanout_remove()");
	if (change("DELETE FROM rk.fanout_ring WHERE fanout_id = $1 AND ring_id = $2", fanout_id_of(name, true),
			   ring_id_of(ring)) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("ring \"%s\" is not in fan-out \"%s\"", ring, name)));
	PG_RETURN_VOID();
}

Datum
rk_fanout_drop(PG_FUNCTION_ARGS)
{
	PreventCommandIfReadOnly("rk.fanout_drop()");
	(void) change("DELETE FROM rk.fanout WHERE fanout_id = $1", fanout_id_of(text_to_cstring(PG_GETARG_TEXT_PP(0)), true), 0);
	PG_RETURN_VOID();
}

/* ---- several calls at a time ---- */

/* A call to one ring of several. */
typedef struct member
{
	char	   *name;
	rk_ring    *ring;
	rk_ring_handle handle;
	rk_incoming in;
	bool		waiting;		/* for the reply in in.slot */
	rk_delivery status;
	int64		sent_ns;
	int64		latency_ns;		/* -1: no reply */
} member;

/* The names of a fan-out's rings, as members in their order. */
static member *
members_of(int32 fanout_id, int *count)
{
	rk_catalog	catalog;
	Oid			types[] = {INT4OID};
	Datum		values[] = {Int32GetDatum(fanout_id)};
	MemoryContext memory = CurrentMemoryContext;
	member	   *members;

	rk_catalog_open(&catalog);
	*count = rk_run_sql("SELECT r.name FROM rk.fanout_ring f JOIN rk.ring r USING (ring_id) WHERE fanout_id = $1 ORDER BY r.name",
						1, types, values, NULL);
	members = MemoryContextAllocZero(memory, sizeof(member) * (*count + 1));
	for (int i = 0; i < *count; i++)
	{
		bool		is_null;
		Datum		name = SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1, &is_null);

		members[i].name = MemoryContextStrdup(memory, TextDatumGetCString(name));
		members[i].latency_ns = -1;
	}
	rk_catalog_close(&catalog);
	return members;
}

/* Takes a reply that has come. */
static void
settle(member *m)
{
	bool		intact = rk_reply_intact(m->in.slot);

	if (!intact)
		m->in.slot->in_slab = false;
	/* one that was changed is as good as lost */
	switch (intact ? m->in.slot->outcome : RK_OUTCOME_LOST)
	{
		case RK_OUTCOME_OK:
			m->status = RK_DELIVERY_DELIVERED;
			break;
		case RK_OUTCOME_EXPIRED:
			m->status = RK_DELIVERY_EXPIRED;
			break;
		case RK_OUTCOME_LOST:
			m->status = RK_DELIVERY_TIMEOUT;
			break;
		default:
			m->status = RK_DELIVERY_DEAD_LETTERED;
			break;
	}
	m->latency_ns = rk_now_ns() - m->sent_ns;
	m->waiting = false;
	rk_call_end(&m->in);
}

/* Takes the replies that are there; returns how many are still to come. */
static int
look(member *members, int count, int *delivered)
{
	int			waiting = 0;

	*delivered = 0;
	for (int i = 0; i < count; i++)
	{
		if (members[i].waiting && rk_reply_look(members[i].in.slot) == RK_REPLY_DONE)
			settle(&members[i]);
		waiting += members[i].waiting;
		*delivered += members[i].status == RK_DELIVERY_DELIVERED;
	}
	return waiting;
}

/* Waits until as many as are wanted have handled the message, or no more can. */
static void
wait_for(member *members, int count, int wanted, int64 until)
{
	int64		spin = rk_spin_ns();
	int64		asleep_at = rk_now_ns() + (spin < 0 ? INT64CONST(1000000000) : spin);
	int			delivered;

	while (look(members, count, &delivered) > 0 && delivered < wanted)
	{
		int64		now = rk_now_ns();
		bool		sleep = true;

		CHECK_FOR_INTERRUPTS();
		/* hosts answer what has expired; late are those that are stuck */
		if (now > until + INT64CONST(20000000))
			break;
		if (now < asleep_at)
		{
			rk_cpu_relax();
			continue;
		}
		for (int i = 0; i < count; i++)
			if (members[i].waiting)
				sleep &= rk_reply_sleep(members[i].in.slot);
		if (!sleep)
			continue;
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
						 Max(1, Min((until - now) / 1000000 + 21, 1000)), PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
	}
	for (int i = 0; i < count; i++)
		if (members[i].waiting)
		{
			if (!rk_call_abandon(&members[i].in))
				settle(&members[i]);
			else
			{
				members[i].waiting = false;
				members[i].status = rk_now_ns() > until ? RK_DELIVERY_TIMEOUT : RK_DELIVERY_PENDING;
			}
		}
}

/* ---- broadcast ---- */

/* How many of count rings "wait" wants to hear of. */
static int
wanted_of(const char *wait, int count)
{
	char	   *end;
	long		k;

	if (strcmp(wait, "none") == 0)
		return 0;
	if (strcmp(wait, "any") == 0)
		return Min(1, count);
	if (strcmp(wait, "all") == 0)
		return count;
	k = strtol(wait, &end, 10);
	if (*wait < '0' || *wait > '9' || *end != '\0')
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("parameter \"wait\" must be none, any, all or a number")));
	if (k > count)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("parameter \"wait\" is %ld, and the fan-out has %d rings", k, count)));
	return k;
}

/* rk.broadcast(name, type_id, payload, wait) */
Datum
rk_fanout_broadcast(PG_FUNCTION_ARGS)
{
	static const char *const parameters[] = {"name", "type_id", "payload", "wait"};
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	int32		fanout_id;
	int			count;
	int			wanted;
	int			delivered = 0;
	member	   *members;
	const rk_message_type *type;
	void	   *payload;
	int64		until = PG_INT64_MAX;
	rk_tally   *tally;

	for (int i = 0; i < lengthof(parameters); i++)
		if (PG_ARGISNULL(i))
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("parameter \"%s\" must not be null", parameters[i])));
	fanout_id = fanout_id_of(text_to_cstring(PG_GETARG_TEXT_PP(0)), false);
	rk_send_init();
	type = rk_message_type_find(PG_GETARG_INT32(1));
	if (type == NULL || type->published)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("there is no message type %d", PG_GETARG_INT32(1)),
				 errhint("SELECT type_id, name, kernel FROM rk.message_types;")));
	rk_message_check(type);
	members = members_of(fanout_id, &count);
	wanted = wanted_of(text_to_cstring(PG_GETARG_TEXT_PP(3)), count);
	payload = palloc0(type->request_size + 8);
	rk_jsonb_to_payload(type, PG_GETARG_JSONB_P(2), payload);

	/* whatever is an error is one before the first message is sent */
	if (wanted > 0)
		rk_calls_check(count);
	for (int i = 0; i < count; i++)
	{
		members[i].ring = rk_ring_look(&members[i].handle, members[i].name);
		if (members[i].ring)
			(void) rk_kernel_message_type(rk_actors[members[i].ring->kernel], type->type_id);
	}
	for (int i = 0; i < count; i++)
	{
		member	   *m = &members[i];
		rk_outgoing out = {
			.type_id = type->type_id,
			.flags = (type->mutating ? 0 : RK_SLOT_READ_ONLY) | RK_SLOT_LETTER,
			.priority = rk_priority,
			.payload = payload,
			.length = type->request_size,
			.never_waits = true
		};

		m->status = RK_DELIVERY_NOT_FOUND;
		if (m->ring == NULL)
			continue;
		m->sent_ns = rk_now_ns();
		out.deadline_ns = rk_call_deadline(m->ring, m->sent_ns, 0);
		until = Min(until, out.deadline_ns);
		m->waiting = wanted > 0 && rk_call_try(m->ring, &m->handle, &out, &m->in);
		if (wanted == 0)
			m->status = rk_ring_post(m->ring, &m->handle, &out) ? RK_DELIVERY_PENDING : RK_DELIVERY_QUEUE_FULL;
		else
			m->status = m->waiting ? RK_DELIVERY_PENDING : RK_DELIVERY_QUEUE_FULL;
	}
	if (wanted > 0)
		wait_for(members, count, wanted, until);

	InitMaterializedSRF(fcinfo, 0);
	for (int i = 0; i < count; i++)
	{
		member	   *m = &members[i];
		bool		nulls[] = {false, false, m->latency_ns < 0};
		Datum		values[] = {
			CStringGetTextDatum(m->name),
			rk_delivery_datum(m->status, TupleDescAttr(rsinfo->setDesc, 1)->atttypid),
			Int64GetDatum(m->latency_ns)
		};

		delivered += m->status == RK_DELIVERY_DELIVERED;
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	tally = rk_tally_of(RK_TALLY_FANOUT, fanout_id, true);
	if (tally)
	{
		atomic_fetch_add(&tally->count[0], 1);
		atomic_store(&tally->count[1], delivered);
		atomic_store(&tally->count[2], count);
	}
	return (Datum) 0;
}

/* ---- iteration ---- */

/*
 * A request with the defaults of its fields, and a number of its own for the
 * run if it has a field for that; *iteration: where the number of the round is.
 */
static void *
default_request(const rk_message_type *type, const rk_field **iteration)
{
	void	   *payload = palloc0(type->request_size + 8);
	int64		run = ((int64) (rk_my_proc() + 1) << 40) + ++*rk_region_counter(rk_my_proc());

	*iteration = NULL;
	for (const rk_field *f = type->request; f && f->name; f++)
	{
		if (strcmp(f->name, "iteration") == 0 && f->kind == RK_FIELD_INT4)
			*iteration = f;
		else if (strcmp(f->name, "run") == 0 && f->kind == RK_FIELD_INT8)
			memcpy((char *) payload + f->offset, &run, sizeof(run));
		else if (f->initial == NULL)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("message %s cannot be iterated, as its field \"%s\" has no default", type->name, f->name)));
		else
			rk_field_default(f, payload);
	}
	return payload;
}

static void restarted(const char *name) __attribute__((noreturn));

static void
restarted(const char *name)
{
	ereport(ERROR,
			(errcode(RK_ERRCODE_REPLY_LOST),
			 errmsg("ring \"%s\" was stopped during the iteration", name),
			 errdetail("What other rings had sent to it is lost."),
			 errhint("Iterate again: the other rings begin with what they have.")));
}

/* rk.ring_iterate(rings, type_id, tolerance, max_iterations) */
Datum
rk_ring_iterate(PG_FUNCTION_ARGS)
{
	static const char *const parameters[] = {"rings", "type_id", "tolerance", "max_iterations"};
	char	  **names;
	int			count;
	member	   *members;
	const rk_message_type *type = NULL;
	const rk_field *delta_field;
	const rk_field *iteration_field;
	void	   *payload;
	double		tolerance;
	int			most;
	int			made = 0;
	double		delta = 0;
	uint32	   *epochs;
	TupleDesc	desc;
	Datum		values[4];
	bool		nulls[4] = {0};

	for (int i = 0; i < lengthof(parameters); i++)
		if (PG_ARGISNULL(i))
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("parameter \"%s\" must not be null", parameters[i])));
	rk_send_init();
	names = names_of(PG_GETARG_ARRAYTYPE_P(0), &count);
	tolerance = PG_GETARG_FLOAT8(2);
	most = PG_GETARG_INT32(3);
	if (count < 1 || count > rk_the_region->inflight)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("parameter \"rings\" must have 1 to %d rings", rk_the_region->inflight)));
	if (!(tolerance >= 0))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("parameter \"tolerance\" must be at least 0")));
	if (most < 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("parameter \"max_iterations\" must be at least 1")));
	rk_calls_check(count);
	members = palloc0(sizeof(member) * count);
	epochs = palloc0(sizeof(uint32) * count);
	for (int i = 0; i < count; i++)
	{
		members[i].name = names[i];
		members[i].handle.type_id = PG_GETARG_INT32(1);
		members[i].ring = rk_ring_find(&members[i].handle, names[i], strlen(names[i]), 0);
		type = rk_kernel_message_type(rk_actors[members[i].ring->kernel], PG_GETARG_INT32(1));
	}
	rk_message_check(type);
	delta_field = rk_field_find(type->reply, "delta");
	if (delta_field == NULL || delta_field->kind != RK_FIELD_FLOAT8)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("message %s cannot be iterated, as its reply has no field \"delta\"", type->name)));
	payload = default_request(type, &iteration_field);

	do
	{
		int32		number = made + 1;

		if (iteration_field)
			memcpy((char *) payload + iteration_field->offset, &number, sizeof(number));
		for (int i = 0; i < count; i++)
		{
			member	   *m = &members[i];
			rk_outgoing out = {
				.type_id = type->type_id,
				.flags = type->mutating ? 0 : RK_SLOT_READ_ONLY,
				/* that of all, so that messages between the rings keep their place */
				.priority = RK_PRIORITY_NORMAL,
				.payload = payload,
				.length = type->request_size,
				.may_wait = true
			};

			/* it may have been stopped in the meantime */
			if (made > 0 && (m->ring = rk_ring_look(&m->handle, m->name)) == NULL)
				restarted(m->name);
			out.deadline_ns = rk_call_deadline(m->ring, rk_now_ns(), 0);
			rk_call_start(m->ring, &m->handle, &out, &m->in);
		}
		delta = 0;
		for (int i = 0; i < count; i++)
		{
			member	   *m = &members[i];
			rk_outgoing out = {.deadline_ns = rk_call_deadline(m->ring, rk_now_ns(), 0)};
			double		own;
			uint32		epoch;

			rk_call_await(m->ring, &out, &m->in);
			epoch = m->in.slot->epoch;
			/* whatever one says that has begun anew */
			if (rk_reply_intact(m->in.slot) &&
				(m->in.slot->outcome == RK_OUTCOME_STOPPED || m->in.slot->outcome == RK_OUTCOME_LOST ||
				 (made > 0 && epoch != epochs[i])))
			{
				rk_call_end(&m->in);
				restarted(m->name);
			}
			rk_reply_check(m->ring, &m->in);
			memcpy(&own, m->in.data + delta_field->offset, sizeof(own));
			rk_call_end(&m->in);
			epochs[i] = epoch;
			delta += own;
		}
		if (isnan(delta))
			ereport(ERROR,
					(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
					 errmsg("change of iteration %d is not a number", number)));
		made++;
	} while (delta > tolerance && made < most);

	values[0] = Int32GetDatum(made);
	values[1] = Float8GetDatum(delta);
	values[2] = BoolGetDatum(delta <= tolerance);
	values[3] = BoolGetDatum(made == most);
	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls));
}
