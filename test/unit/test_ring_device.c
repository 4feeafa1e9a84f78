/*
 * test_ring_device.c
 *	  What a device does with the messages of rings is what the actors do: the
 *	  same replies, the same state, whatever way the state went.
 *
 * Two rings get the same random messages.  One handles them by its actor.  The
 * other one's state is packed into an image, served by the functions for devices,
 * and taken back: for messages that are not served there, when there is no room,
 * and at random.
 */
#include "actor_support.h"

#include <math.h>
#include <stdio.h>

#include "../../cuda/ring_steps.h"
#include "../../src/compliance/monitoring/monitoring_ring.h"
#include "../../src/core/core_ring.h"
#include "../../src/graph/centrality/graph_ring.h"
#include "../../src/ring/keys.h"

/* A ring whose state may be in an image. */
typedef struct remote
{
	ring		r;
	char	   *image;			/* NULL: it is here */
	int			crowded;		/* how often there was no room */
	int			trips;
} remote;

static int	paused;				/* messages, where a slice ended */

static void
go(remote *m)
{
	const rk_actor_device *d = m->r.actor->device;
	size_t		bytes;

	if (d->room)
		assert_int_equal(d->room(&m->r.ctx, m->r.state), RK_OK);
	bytes = d->pack(m->r.state, NULL, 0);
	m->image = aligned_alloc(64, (bytes + 63) / 64 * 64);
	/* what nobody has written is no number */
	memset(m->image, 0xFF, bytes);
	assert_int_equal(d->pack(m->r.state, m->image, (uint64_t) (uintptr_t) m->image), bytes);
	m->trips++;
}

static void
come(remote *m)
{
	if (m->image == NULL)
		return;
	assert_int_equal(m->r.actor->device->unpack(&m->r.ctx, m->r.state, m->image, (uint64_t) (uintptr_t) m->image), RK_OK);
	free(m->image);
	m->image = NULL;
}

static bool
served(const rk_actor *actor, uint32_t type)
{
	for (const uint32_t *t = actor->device->types; *t; t++)
		if (*t == type)
			return true;
	return false;
}

/* Handles a message there, or here if it must be. */
static rk_status
remote_handle(remote *m, uint32_t type, const void *payload, int64_t id, bool *later)
{
	const rk_actor_device *d = m->r.actor->device;
	const rk_message_type *t = rk_actor_message(m->r.actor, type);
	rk_message	message = {.type_id = type,.length = t->request_size,.payload = payload,.id = id,.sent_ns = m->r.now};
	rk_window_request q = {.type_id = type,.length = t->request_size,.id = id,.sent_ns = m->r.now};
	rk_window_reply reply = {0};
	uint64_t	part;
	rk_team		alone = {.size = 1, .parts = &part, .until = 1, .chunk = 3};
	uint32_t	stop = 0;

	*later = false;
	if (!served(m->r.actor, type))
	{
		come(m);
		return handle(&m->r, type, payload);
	}
	if (m->image == NULL)
		go(m);
	m->r.ctx.error.status = RK_OK;
	if (d->prepare)
	{
		rk_status	status = d->prepare(&m->r.ctx, m->r.state, &message, q.payload, &q.length);

		if (status != RK_OK)
			return status;
	}
	else
		memcpy(q.payload, payload, q.length);
	assert_true(q.length <= RK_WINDOW_PAYLOAD);
	if (rk_ring_is_wide(d->kind, type))
		while (!rk_ring_step_wide(d->kind, m->image, &q, &reply, &alone, &stop))
			paused++;
	else
		while (!rk_ring_step(d->kind, m->image, &q, &reply))
		{
			m->crowded++;
			come(m);
			go(m);
			memset(&reply, 0, sizeof(reply));
		}
	assert_true(reply.length <= RK_WINDOW_REPLY);
	*later = reply.flags & RK_WINDOW_LATER;
	memcpy(m->r.data, reply.data, reply.length);
	m->r.length = reply.length;
	return reply.status;
}

/* By the actor, as a message of the journal: long ones are done at once. */
static rk_status
here(ring *r, uint32_t type, const void *payload, int64_t id, bool *later)
{
	const rk_message_type *t = rk_actor_message(r->actor, type);
	rk_message	m = {
		.type_id = type,.length = t->request_size,.payload = payload,.id = id,.sent_ns = r->now,.apply_seq = id
	};
	rk_reply	reply = {.data = r->data,.capacity = sizeof(r->data),.grow = no_growth,.owner = r};
	rk_status	status;

	r->ctx.error = (rk_error) {.node = -1};
	status = r->actor->handle(&r->ctx, r->state, &m, &reply);
	r->length = status == RK_OK && !reply.later ? reply.length : 0;
	*later = reply.later;
	return status;
}

/* Whether two replies agree: bytes, or doubles to a tolerance. */
static void
assert_replies(const rk_message_type *t, const ring *a, const ring *b, double tolerance)
{
	const rk_field *fields = t->rows ? NULL : t->reply;

	assert_int_equal(a->length, b->length);
	if (fields == NULL)
		return;
	for (const rk_field *f = fields; f->name && a->length > 0; f++)
		if (f->kind == RK_FIELD_FLOAT8)
		{
			double		x;
			double		y;

			memcpy(&x, a->data + f->offset, sizeof(x));
			memcpy(&y, b->data + f->offset, sizeof(y));
			if (!(fabs(x - y) <= tolerance))
				fail_msg("%s.%s: %.17g and %.17g", t->name, f->name, x, y);
		}
		else
			assert_memory_equal(a->data + f->offset, b->data + f->offset, f->size);
}

typedef uint32_t (*make_fn) (uint64_t x, uint64_t y, void *payload);

static int	number;				/* of the message that is made */

static void
live(const rk_actor *actor, void (*set) (ring *r), make_fn make, uint64_t seed, int messages, double tolerance,
	 int *crowded, int *trips)
{
	static ring a;
	static remote b;

	memset(&b, 0, sizeof(b));
	ring_options(&a, actor);
	ring_options(&b.r, actor);
	if (set)
	{
		set(&a);
		set(&b.r);
	}
	ring_open(&a);
	ring_open(&b.r);
	for (int i = 0; i < messages; i++)
	{
		uint64_t	x = rk_hash3(seed, i, 1);
		char		payload[2048] __attribute__((aligned(8)));
		uint32_t	type;
		bool		later_a;
		bool		later_b;
		rk_status	status_a;
		rk_status	status_b;

		memset(payload, 0, sizeof(payload));
		number = i;
		type = make(x, rk_hash3(seed, i, 2), payload);
		a.now = b.r.now = 1000 + i;
		status_a = here(&a, type, payload, i + 1, &later_a);
		status_b = remote_handle(&b, type, payload, i + 1, &later_b);
		assert_int_equal(status_a, status_b);
		if (served(actor, type))
			assert_int_equal(later_a, later_b);
		if (status_a != RK_OK && served(actor, type) && b.image && actor->device->prepare == NULL)
			assert_string_equal(a.ctx.error.message, b.r.data);
		if (status_a == RK_OK && !later_a)
			assert_replies(rk_actor_message(actor, type), &a, &b.r, tolerance);
		if (x % 397 == 0)
		{
			come(&b);
			assert_true(actor->checksum(&a.ctx, a.state) == actor->checksum(&b.r.ctx, b.r.state));
		}
	}
	come(&b);
	assert_true(actor->checksum(&a.ctx, a.state) == actor->checksum(&b.r.ctx, b.r.state));
	ring_restart(&b.r);
	*crowded += b.crowded;
	*trips += b.trips;
	rk_ctx_destroy(&a.ctx);
	rk_ctx_destroy(&b.r.ctx);
}

/* ---- core/echo ---- */

static uint32_t
make_echo(uint64_t x, uint64_t y, void *payload)
{
	int64_t		value = y % 40 == 0 ? INT64_MAX / 2 : (int64_t) (y >> 30) - (1 << 30);
	uint32_t	types[] = {50, 52, 52, 54};
	uint32_t	type = types[x % 4];

	if (type == 54)
		value = y % 100;
	memcpy(payload, &value, sizeof(value));
	return type;
}

static void
test_echo(void **state)
{
	int			crowded = 0;
	int			trips = 0;

	(void) state;
	for (int seed = 0; seed < 50; seed++)
		live(&rk_actor_core_echo, NULL, make_echo, seed, 300, 0, &crowded, &trips);
	assert_int_equal(crowded, 0);
}

/* ---- graph/pagerank ---- */

static int	variant;

static void
set_pagerank(ring *r)
{
	option(r, "dangling")->integer = variant % 4;
	option(r, "weighted")->truth = variant & 1;
	option(r, "directed")->truth = variant % 3 != 0;
	option(r, "id_type")->integer = variant % 5 == 4;
	if (variant % 7 == 6)
		option(r, "damping")->number = 0.5;
}

static rk_id
node_id(uint64_t n)
{
	rk_id		id;
	char		text[RK_ID_BYTES];

	if (variant % 5 != 4)
		return rk_id_of_int((int64_t) n - 10);
	memset(&id, 0, sizeof(id));
	id.kind = RK_ID_TEXT;
	id.length = snprintf(text, sizeof(text), "account %llu", (unsigned long long) n);
	memcpy(id.bytes, text, id.length);
	return id;
}

static uint32_t
make_pagerank(uint64_t x, uint64_t y, void *payload)
{
	uint64_t	range = variant % 2 ? 40 : 2000;

	/* half of them stay away for long, and outgrow their arrays */
	switch (variant % 2 == 0 && x % 32 < 6 && x % 32 > 3 ? 31 : x % 32)
	{
		case 0:
		case 1:
			{
				rk_node_request *q = payload;

				q->node = node_id(y % (range + 5));
				q->min_version = y % 11 == 0 ? INT64_MAX : 0;
				return 100;
			}
		case 2:
			return 102;
		case 3:
			{
				rk_converge_request *q = payload;

				q->threshold = y % 9 == 0 ? -1 : y % 5 == 0 ? 1e-9 : NAN;
				q->max_iterations = y % 7 == 0 ? 0 : y % 3 == 0 ? RK_FIELD_ABSENT_INT4 : (int32_t) (y % 30);
				return 104;
			}
		case 4:
			if (y % 4 == 0)
			{
				rk_pagerank_control *q = payload;

				q->op = RK_PAGERANK_RESET + y / 4 % 2;
				return 108;
			}
			else
			{
				rk_node_change_request *q = payload;

				q->node = node_id(y % range);
				q->op = y % 3 ? RK_NODE_ADD : RK_NODE_REMOVE;
				return 142;
			}
		case 5:
			{
				rk_preference_request *q = payload;

				q->node = node_id(y % range);
				q->value = (int64_t) (y >> 32) % 1000 * RK_FIXED_ONE;
				return 144;
			}
		default:
			{
				rk_edge_request *q = payload;

				q->source = node_id(y % range);
				q->target = node_id((y >> 16) % range);
				q->weight = (y >> 32) % 50 == 0 ? INT64_MAX - 5 : (y >> 32) % 60 == 0 ? -1 : (int64_t) ((y >> 32) % 3) * RK_FIXED_ONE;
				q->op = (y >> 40) % 10 < 6 ? RK_EDGE_ADD : (y >> 40) % 10 < 8 ? RK_EDGE_REMOVE : RK_EDGE_SET;
				return 106;
			}
	}
}

static void
test_pagerank(void **state)
{
	int			crowded = 0;
	int			trips = 0;

	(void) state;
	for (variant = 0; variant < 60; variant++)
		live(&rk_actor_graph_pagerank, set_pagerank, make_pagerank, variant, 1200, 1e-13, &crowded, &trips);
	/* the arrays were outgrown now and then */
	assert_true(crowded > 20);
	assert_true(trips > 500);
	/* and iterations went on where they were */
	assert_true(paused > 1000);
}

/* ---- compliance/transaction-monitoring ---- */

static void
set_monitoring(ring *r)
{
	option(r, "id_type")->integer = variant % 5 == 4;
}

/* All kinds of rules at first, some of them anew later. */
static uint32_t
make_monitoring(uint64_t x, uint64_t y, void *payload)
{
	static const char *const kinds[] = {"", "cash_withdrawal", "cash_deposit", "wire"};
	static const char *const countries[] = {"", "DE", "KY"};
	uint64_t	range = variant % 2 ? 12 : 400;

	if (number < 3 + variant % 8 || x % 300 == 0)
	{
		rk_rule_request *q = payload;
		int			kind = number < 20 ? number : (int) (y % 9);

		q->id = kind;
		q->rule_type = (int16_t) (kind % 9);
		q->threshold = (q->rule_type == RK_MON_TRANSACTION_COUNT || q->rule_type == RK_MON_DISTINCT_COUNTERPARTIES ? 3 : 900) * RK_FIXED_ONE;
		q->time_window = INT64_C(3600000000) * (1 + (int64_t) (y >> 8) % 48);
		q->cooldown = y % 3 == 0 ? INT64_C(3600000000) : RK_FIELD_ABSENT_INT8;
		q->severity = (int16_t) (y % 6);
		q->side = (int16_t) (y / 7 % 3);
		q->comparison = y / 11 % 2;
		q->enabled = y % 17 != 0;
		strcpy(q->rule_name, "rule");
		if (y % 4 == 1)
			memcpy(q->transaction_types, "wire\0cash_deposit", 18);
		if (y % 5 == 1)
			memcpy(q->countries, "KY", 3);
		return 303;
	}
	if (x % 40 == 1)
	{
		rk_totals_request *q = payload;

		q->entity = node_id(y % range);
		return 305;
	}
	if (x % 60 == 2)
	{
		rk_freeze_request *q = payload;

		q->entity = node_id(y % range);
		q->duration = y % 3 == 0 ? 0 : y % 3 == 1 ? RK_FIELD_ABSENT_INT8 : 100;
		return 358;
	}
	{
		rk_monitor_request *q = payload;

		q->transaction_id = rk_id_of_int(number);
		q->source = node_id(y % range);
		q->target = node_id(y % 50 == 0 ? y % range : (y >> 16) % range);
		q->amount = y % 70 == 0 ? -1 : (int64_t) ((y >> 32) % 200000) * 1000000;
		/* a few come late */
		q->ts = INT64_C(1700000000000000000) + (int64_t) (x % 23 == 0 ? number - (int64_t) (y % 40) : number) * INT64_C(700000000000);
		strcpy(q->transaction_type, kinds[(y >> 20) % 4]);
		strcpy(q->source_country, countries[(y >> 24) % 3]);
		strcpy(q->target_country, countries[(y >> 28) % 3]);
		q->day = RK_FIELD_ABSENT_INT4;
		return 300;
	}
}

static void
test_monitoring(void **state)
{
	int			crowded = 0;
	int			trips = 0;

	(void) state;
	for (variant = 0; variant < 60; variant++)
		live(&rk_actor_compliance_transaction_monitoring, set_monitoring, make_monitoring, variant, 1500, 0, &crowded, &trips);
	assert_true(crowded > 5);
	assert_true(trips > 500);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_echo),
		cmocka_unit_test(test_pagerank),
		cmocka_unit_test(test_monitoring),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
