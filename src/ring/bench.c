/*
 * bench.c
 *	  rk.ring_bench: what a message costs, measured inside.
 *
 * Modes: "call" sends a message and waits for the reply, one after the other;
 * "send" sends without waiting, and the rate is that until the last one was
 * handled; "floor" bounces a number between this process and the host over two
 * cache lines, which is what any exchange between two processes costs at least
 * on this machine at this moment.  Every exchange is timed by one reading of
 * the clock, whose own time is in the figures of all modes alike.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"

#include "../compat.h"
#include "catalog.h"
#include "convert.h"
#include "host.h"
#include "send.h"

PG_FUNCTION_INFO_V1(rk_ring_bench);

static int
by_time(const void *a, const void *b)
{
	uint32		x = *(const uint32 *) a;
	uint32		y = *(const uint32 *) b;

	return x < y ? -1 : x > y;
}

/* The other side of this is in the host's run_control. */
static int64
bounce(rk_ring *ring, rk_ring_handle *handle, int64 count, uint32 *times)
{
	int64		start_value = (int64) atomic_load(&rk_the_region->pong);
	int64		payload[1] = {count};
	rk_outgoing out = {
		.type_id = RK_CONTROL_BOUNCE,.flags = RK_SLOT_CONTROL,.priority = RK_PRIORITY_REALTIME,
		.payload = payload,.length = sizeof(payload),.may_wait = true,
		.deadline_ns = rk_now_ns() + INT64CONST(600000000000)
	};
	rk_incoming in;
	int64		began;
	int64		before;
	uint64		done;

	atomic_store(&rk_the_region->ping, start_value);
	rk_call_start(ring, handle, &out, &in);
	/* the first exchange waits until the host is there */
	began = before = 0;
	for (int64 i = 0; i <= count; i++)
	{
		int64		now;
		int64		spins = 0;

		atomic_store_explicit(&rk_the_region->ping, start_value + i + 1, memory_order_release);
		while (atomic_load_explicit(&rk_the_region->pong, memory_order_acquire) != start_value + i + 1)
		{
			rk_cpu_relax();
			if (++spins % 65536 == 0)
			{
				CHECK_FOR_INTERRUPTS();
				if (rk_reply_look(in.slot) == RK_REPLY_DONE)
					ereport(ERROR,
							(errcode(ERRCODE_INTERNAL_ERROR),
							 errmsg("the host gave up bouncing")));
			}
		}
		now = rk_now_ns();
		if (i == 0)
			began = now;
		else
			times[i - 1] = (uint32) Min(now - before, PG_UINT32_MAX);
		before = now;
	}
	rk_call_wait(ring, &out, &in);
	memcpy(&done, in.data, sizeof(done));
	rk_call_end(&in);
	return before - began;
}

static int64
exchange(rk_ring *ring, rk_ring_handle *handle, const rk_message_type *type, const void *payload, bool wait,
		 int64 count, uint32 *times)
{
	rk_outgoing out = {
		.type_id = type->type_id,
		.flags = type->mutating ? 0 : RK_SLOT_READ_ONLY,
		.priority = RK_PRIORITY_NORMAL,
		.payload = payload,
		.length = type->request_size,
		.may_wait = true
	};
	rk_incoming in;
	int64		began;
	int64		before;

	out.deadline_ns = rk_call_deadline(ring, rk_now_ns(), 0);
	rk_call_begin(ring, handle, &out, &in);
	rk_call_end(&in);
	began = before = rk_now_ns();
	for (int64 i = 0; i < count; i++)
	{
		int64		now;

		if (wait)
		{
			out.deadline_ns = rk_call_deadline(ring, before, 0);
			rk_call_begin(ring, handle, &out, &in);
			rk_call_end(&in);
		}
		else
		{
			out.deadline_ns = 0;
			(void) rk_ring_post(ring, handle, &out);
		}
		now = rk_now_ns();
		times[i] = (uint32) Min(now - before, PG_UINT32_MAX);
		before = now;
		if (i % 1024 == 0)
			CHECK_FOR_INTERRUPTS();
	}
	if (!wait)
	{
		out.deadline_ns = rk_call_deadline(ring, before, 0);
		rk_call_begin(ring, handle, &out, &in);
		rk_call_end(&in);
		before = rk_now_ns();
	}
	return before - began;
}

Datum
rk_ring_bench(PG_FUNCTION_ARGS)
{
	char	   *name;
	int64		count = PG_GETARG_INT64(1);
	char	   *mode = text_to_cstring(PG_GETARG_TEXT_PP(3));
	rk_ring_handle handle = {0};
	rk_ring_row row;
	rk_ring    *ring;
	const rk_message_type *type;
	void	   *payload;
	uint32	   *times;
	int64		total;
	TupleDesc	desc;
	Datum		values[6];
	bool		nulls[6] = {0};
	static const double shares[] = {0.5, 0.9, 0.99, 0.999};

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1) || PG_ARGISNULL(3))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("parameters of rk.ring_bench other than \"payload\" must not be null")));
	name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	if (count < 1 || count > 100000000)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("parameter \"messages\" must be from 1 to 100000000")));
	rk_controlled_ring(name, &row);
	rk_send_init();
	ring = rk_ring_find(&handle, name, strlen(name), 0);
	type = rk_actors[ring->kernel]->messages;
	payload = palloc0(type->request_size + 8);
	if (!PG_ARGISNULL(2))
		rk_jsonb_to_payload(type, PG_GETARG_JSONB_P(2), payload);
	times = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(uint32) * count);
	if (strcmp(mode, "floor") == 0)
		total = bounce(ring, &handle, count, times);
	else if (strcmp(mode, "call") == 0 || strcmp(mode, "send") == 0)
		total = exchange(ring, &handle, type, payload, *mode == 'c', count, times);
	else
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("parameter \"mode\" must be \"call\", \"send\" or \"floor\"")));
	qsort(times, count, sizeof(uint32), by_time);
	for (int i = 0; i < 4; i++)
		values[i] = Float8GetDatum(times[(int64) (shares[i] * (count - 1))]);
	values[4] = Float8GetDatum(times[count - 1]);
	values[5] = Float8GetDatum(count * 1e9 / Max(total, 1));
	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls));
}
