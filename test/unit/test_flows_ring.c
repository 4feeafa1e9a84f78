/*
 * test_flows_ring.c
 *	  Reciprocity and circular flow as actors: what they say after a stream of
 *	  payments is what the batch functions say about the same payments; the same
 *	  bits after a snapshot and the messages since; all or nothing when memory is
 *	  short.
 */
#include "payments_support.h"

#include "../../src/compliance/flows/flows.h"
#include "../../src/compliance/flows/circular_state.h"
#include "../../src/compliance/flows/flows_ring.h"

#define ENTITIES 12
#define HOUR (3600 * SECOND)

static test_transactions stream;
static rk_id_type id_type;

static rk_payment_request
payment_of(const test_transactions *x, int64_t i)
{
	rk_payment_request q;

	memset(&q, 0, sizeof(q));
	q.source = id_of(id_type, x->source[i]);
	q.target = id_of(id_type, x->target[i]);
	q.amount = (int64_t) x->amount[i];
	q.ts = EPOCH_NS + x->ts[i] * 1000;
	return q;
}

/* ---- compliance/reciprocity-flow ---- */

static void
open_reciprocity(ring *r, rk_decimal least, int64_t max_delay, int64_t lateness)
{
	ring_options(r, &rk_actor_compliance_reciprocity_flow);
	option(r, "id_type")->integer = id_type;
	option(r, "min_amount")->integer = (int64_t) least;
	option(r, "max_delay")->is_null = max_delay == 0;
	option(r, "max_delay")->integer = max_delay;
	option(r, "allowed_lateness")->integer = lateness;
	ring_open(r);
}

static rk_status
send_reciprocity(ring *r, int64_t i)
{
	rk_payment_request q = payment_of(&stream, i);

	return handle(r, 370, &q);
}

/* Every pair, and the ratio, as the batch function has them. */
static void
compare_reciprocity(ring *r, const test_transactions *x, int64_t count, rk_decimal least, int64_t max_delay)
{
	rk_window	window = {.width = max_delay};
	rk_reciprocity_params p = {.min_amount = least,.max_delay = max_delay ? &window : NULL};
	rk_transactions t = x->t;
	rk_reciprocity batch;
	const rk_reciprocity_reply *last = (rk_reciprocity_reply *) r->data;
	double		ratio = last->ratio;
	int64_t		found = 0;
	rk_ctx		ctx;

	t.count = count;
	rk_ctx_init(&ctx);
	assert_int_equal(rk_compliance_reciprocity(&ctx, &t, &p, &batch), RK_OK);
	assert_true(ratio == batch.ratio || (isnan(ratio) && isnan(batch.ratio)));
	for (int64_t i = 0; i < batch.count; i++)
	{
		const rk_reciprocal_pair *b = &batch.pairs[i];
		rk_pair_request q;
		const rk_pair_reply *a = (rk_pair_reply *) r->data;

		memset(&q, 0, sizeof(q));
		q.entity_a = id_of(id_type, b->entity_a);
		q.entity_b = id_of(id_type, b->entity_b);
		assert_int_equal(handle(r, 372, &q), RK_OK);
		assert_int_equal(a->status, 0);
		assert_true(a->amount_ab == b->amount_ab && a->amount_ba == b->amount_ba);
		assert_true(a->count_ab == b->count_ab && a->count_ba == b->count_ba);
		assert_true(a->reciprocal_amount == b->reciprocal_amount);
		assert_true(a->balance == b->balance || (isnan(a->balance) && isnan(b->balance)));
		found++;
	}
	if (count > 1000 && max_delay == 0)
		assert_true(found > 10);
	rk_ctx_destroy(&ctx);
}

static void
test_reciprocity_is_batch(void **state)
{
	static const int64_t delays[] = {0, HOUR / 2, 6 * HOUR};
	ring		r;
	int			total = 0;

	(void) state;
	for (int seed = 0; seed < 24; seed++)
	{
		int64_t		delay = delays[seed % 3];
		rk_decimal	least = seed % 2 ? 0 : 300 * RK_MONEY_UNIT;
		int			alerts = 0;
		int			reported = 0;

		id_type = seed % 3;
		stream = random_stream(seed, ENTITIES, 1200, 300, seed % 4 == 3 ? 7200 : 0);
		open_reciprocity(&r, least, delay, 3 * HOUR);
		for (int64_t i = 0; i < stream.t.count; i++)
		{
			const rk_reciprocity_reply *reply = (rk_reciprocity_reply *) r.data;

			assert_int_equal(send_reciprocity(&r, i), RK_OK);
			reported += reply->is_reciprocal;
			if (i % 173 == 0 || i == stream.t.count - 1)
				compare_reciprocity(&r, &stream, i + 1, least, delay);
		}
		alerts = r.records;
		assert_int_equal(r.said, alerts);
		/* a pair may fall below again only when something late has come in between */
		if (seed % 4 != 3)
			assert_true(alerts <= ENTITIES * (ENTITIES - 1) / 2);
		assert_true(reported >= alerts);
		total += alerts;
		rk_ctx_destroy(&r.ctx);
		free_transactions(&stream);
	}
	assert_true(total > 300);
}

static void
test_reciprocity_lives_twice(void **state)
{
	ring		r;

	(void) state;
	for (id_type = RK_IDS_BIGINT; id_type <= RK_IDS_UUID; id_type++)
	{
		stream = random_stream(77, 60, 3000, 60, 600);
		open_reciprocity(&r, 0, id_type == RK_IDS_TEXT ? 0 : 2 * HOUR, HOUR / 4);
		assert_true(live_twice(&r, send_reciprocity, stream.t.count, 250) > (id_type == RK_IDS_TEXT ? 0 : 30));
		compare_reciprocity(&r, &stream, stream.t.count, 0, id_type == RK_IDS_TEXT ? 0 : 2 * HOUR);
		ring_restart(&r);
		rk_ctx_destroy(&r.ctx);
		free_transactions(&stream);
	}
}

static void
test_reciprocity_by_hand(void **state)
{
	ring		r;
	rk_payment_request q;
	rk_pair_request pair;
	const rk_reciprocity_reply *added = (rk_reciprocity_reply *) r.data;
	const rk_pair_reply *found = (rk_pair_reply *) r.data;
	const rk_reciprocity_alert *alert = (rk_reciprocity_alert *) r.record;
	const rk_alert_broadcast *said = (rk_alert_broadcast *) r.last_said;

	(void) state;
	id_type = RK_IDS_BIGINT;
	open_reciprocity(&r, 0, 0, 0);
	memset(&q, 0, sizeof(q));
	q.source = rk_id_of_int(1);
	q.target = rk_id_of_int(2);
	q.amount = 5000 * RK_FIXED_ONE;
	q.ts = 100 * INT64_C(1000000000);
	assert_int_equal(ring_send(&r, 370, &q), RK_OK);
	assert_false(added->is_reciprocal);
	assert_true(added->ratio == 0);
	q.source = rk_id_of_int(2);
	q.target = rk_id_of_int(1);
	q.amount = 4800 * RK_FIXED_ONE;
	q.ts *= 2;
	assert_int_equal(ring_send(&r, 370, &q), RK_OK);
	assert_true(added->is_reciprocal);
	assert_true(added->pair_reciprocal == 9600 * RK_FIXED_ONE);
	assert_float_equal(added->ratio, 0.979592, 1e-6);
	assert_int_equal(r.records, 1);
	assert_true(alert->balance == 0.96 && said->risk_score == 96 && said->severity == 5);
	assert_string_equal(said->source_kernel, "compliance/reciprocity-flow");
	memset(&pair, 0, sizeof(pair));
	pair.entity_a = rk_id_of_int(2);
	pair.entity_b = rk_id_of_int(1);
	assert_int_equal(ring_send(&r, 372, &pair), RK_OK);
	assert_true(found->amount_ab == 4800 * RK_FIXED_ONE && found->amount_ba == 5000 * RK_FIXED_ONE);
	pair.entity_a = rk_id_of_int(3);
	assert_int_equal(ring_send(&r, 372, &pair), RK_OK);
	assert_int_equal(found->status, 1);
	q.amount = -1;
	assert_int_equal(ring_send(&r, 370, &q), RK_ERR_DATA);
	/* to oneself: counts nowhere here */
	q.amount = 7;
	q.target = q.source;
	assert_int_equal(ring_send(&r, 370, &q), RK_OK);
	assert_float_equal(added->ratio, 0.979592, 1e-6);
	rk_ctx_destroy(&r.ctx);

	/* later than is allowed */
	open_reciprocity(&r, 0, HOUR, 10 * SECOND);
	q.target = rk_id_of_int(1);
	q.ts = 100 * INT64_C(1000000000);
	assert_int_equal(ring_send(&r, 370, &q), RK_OK);
	q.ts = 90 * INT64_C(1000000000);
	assert_int_equal(ring_send(&r, 370, &q), RK_OK);
	q.ts -= 1000;
	assert_int_equal(ring_send(&r, 370, &q), RK_ERR_DATA);
	rk_ctx_destroy(&r.ctx);
}

/* ---- compliance/circular-flow ---- */

#define MOST 60					/* entities of a graph that is looked at slowly */

static rk_decimal min_amount;

static void
open_circular(ring *r, int64_t max_length)
{
	ring_options(r, &rk_actor_compliance_circular_flow);
	option(r, "id_type")->integer = id_type;
	option(r, "min_amount")->integer = (int64_t) min_amount;
	option(r, "max_cycle_length")->integer = max_length;
	ring_open(r);
}

static rk_status
send_circular(ring *r, int64_t i)
{
	rk_payment_request q = payment_of(&stream, i);

	/* now and then what is old is dropped */
	if (i % 90 == 89)
	{
		rk_circular_expire_request e = {EPOCH_NS + (stream.ts[i] - 3000 * SECOND) * 1000};

		return handle(r, 315, &e);
	}
	return handle(r, 310, &q);
}

/* Whom the batch function has in components, and what stays there, of the payments of which keep is true. */
static void
compare_circular(ring *r, const test_transactions *x, int64_t count, const bool *keep)
{
	rk_circular_params p = {.min_amount = min_amount,.min_size = 2};
	test_transactions kept = random_transactions(0, x->t.entities, count, 1);
	rk_circular batch;
	rk_entity_flow flows[MOST];
	bool		active[MOST] = {0};
	rk_ctx		ctx;

	kept.t.count = kept.t.total = 0;
	for (int64_t i = 0; i < count; i++)
		if (keep == NULL || keep[i])
		{
			int64_t		k = kept.t.count++;

			kept.source[k] = x->source[i];
			kept.target[k] = x->target[i];
			kept.amount[k] = x->amount[i];
			kept.ts[k] = x->ts[i];
			kept.t.total += x->amount[i];
			active[x->source[i]] = active[x->target[i]] = true;
		}
	rk_ctx_init(&ctx);
	assert_int_equal(rk_compliance_circular(&ctx, &kept.t, &p, &batch), RK_OK);
	rk_compliance_entity_flows(&kept.t, &batch, flows);
	for (uint32_t e = 0; e < x->t.entities; e++)
	{
		rk_circular_query_request q;
		const rk_circular_query_reply *a = (rk_circular_query_reply *) r->data;
		uint32_t	c = batch.component_of[e];

		memset(&q, 0, sizeof(q));
		q.entity = id_of(id_type, e);
		assert_int_equal(handle(r, 312, &q), RK_OK);
		assert_int_equal(a->status, !active[e]);
		if (!active[e])
			continue;
		assert_true(a->ratio == flows[e].ratio || (isnan(a->ratio) && isnan(flows[e].ratio)));
		assert_int_equal(a->scc_count, c != RK_NO_ROW);
		assert_true(a->cycle_volume == flows[e].circular);
		if (c != RK_NO_ROW)
		{
			assert_int_equal(a->member_count, batch.components[c].members);
			assert_true(a->internal_amount == batch.components[c].internal);
		}
	}
	rk_ctx_destroy(&ctx);
	free_transactions(&kept);
}

/* Arcs on a shortest way from one entity to another over the payments so far; 0: none. */
static int
slow_distance(const test_transactions *x, int64_t count, const bool *keep, uint32_t from, uint32_t to)
{
	int			distance[MOST];
	bool		changed = true;

	for (int e = 0; e < MOST; e++)
		distance[e] = e == (int) from ? 0 : 1000;
	while (changed)
	{
		changed = false;
		for (int64_t i = 0; i < count; i++)
			if (keep[i] && distance[x->source[i]] + 1 < distance[x->target[i]])
			{
				distance[x->target[i]] = distance[x->source[i]] + 1;
				changed = true;
			}
	}
	return distance[to] == 1000 ? 0 : distance[to];
}

/*
 * Levels: they do not fall along pairs, lists have the pairs between components,
 * those inward of one level, and components are who reaches each other.
 */
static void
check_levels(circular *s, bool reach[MOST][MOST])
{
	int			outward = 0;
	int			inward = 0;

	for (uint32_t i = 0; i < s->pair_count; i++)
	{
		uint32_t	x = rk_circular_root(s, s->pairs[i].source);
		uint32_t	y = rk_circular_root(s, s->pairs[i].target);

		assert_true(s->nodes[x].level <= s->nodes[y].level);
		outward += x != y;
		inward += x != y && s->nodes[x].level == s->nodes[y].level;
	}
	for (uint32_t i = 0; i < s->node_count; i++)
	{
		if (rk_circular_root(s, i) != i)
			continue;
		for (int d = 0; d < 2; d++)
			for (uint32_t k = s->nodes[i].first_outward[d]; k != RK_CIRCULAR_NONE; k = s->pairs[k].next_outward[d])
			{
				uint32_t	x = rk_circular_root(s, s->pairs[k].source);
				uint32_t	y = rk_circular_root(s, s->pairs[k].target);

				assert_int_equal(d ? y : x, i);
				if (x == y)
					continue;
				*(d ? &inward : &outward) -= 1;
				assert_true(d == 0 || s->nodes[x].level == s->nodes[y].level);
			}
	}
	assert_int_equal(outward, 0);
	assert_int_equal(inward, 0);
	for (uint32_t x = 0; x < s->node_count; x++)
		for (uint32_t y = 0; y < s->node_count; y++)
			assert_int_equal(rk_circular_root(s, x) == rk_circular_root(s, y), x == y || (reach[x][y] && reach[y][x]));
}

static void
test_circular_levels(void **state)
{
	(void) state;
	for (uint64_t seed = 0; seed < 300; seed++)
	{
		static bool reach[MOST][MOST];
		uint32_t	n = 3 + (uint32_t) (rk_hash2(seed, 1) % (MOST - 3));
		int			m = (int) (n * (1 + rk_hash2(seed, 2) % 3));
		circular	s = {.max_length = 4};
		rk_ctx		ctx;

		memset(reach, 0, sizeof(reach));
		rk_ctx_init(&ctx);
		assert_int_equal(rk_circular_create(&ctx, &s, 0, 0), RK_OK);
		for (int i = 0; i < m; i++)
		{
			uint32_t	x = (uint32_t) (rk_hash3(seed, 3, (uint64_t) i) % n);
			uint32_t	y = (uint32_t) (rk_hash3(seed, 4, (uint64_t) i) % n);
			circular_step step;

			/* most of them first lead down, then some up; hubs have many */
			if (seed % 3 == 0 && x > y && rk_hash3(seed, 5, (uint64_t) i) % 8 > 0)
				continue;
			if (seed % 3 == 1 && rk_hash3(seed, 5, (uint64_t) i) % 2)
				x = x % 3;
			assert_int_equal(rk_circular_add(&ctx, &s, x, y, 1, 0, &step), RK_OK);
			for (uint32_t a = 0; a < n; a++)
				for (uint32_t b = 0; b < n; b++)
					reach[a][b] |= (a == x || reach[a][x]) && (b == y || reach[y][b]);
			assert_int_equal(step.closed, x != y && reach[y][x]);
			if (i % 5 == 0 || i == m - 1)
				check_levels(&s, reach);
		}
		rk_ctx_destroy(&ctx);
	}
}

/* A search that is stopped changes nothing, wherever it is stopped, and the next one is right. */
static void
test_circular_stopped(void **state)
{
	const uint32_t n = 30000;
	int			stops = 0;

	(void) state;
	for (int64_t polls = 0;; polls++)
	{
		circular	s = {.max_length = 3};
		circular_step step;
		int64_t		left = polls;
		rk_status	status;
		rk_ctx		ctx;

		rk_ctx_init(&ctx);
		assert_int_equal(rk_circular_create(&ctx, &s, 0, 0), RK_OK);
		/* a way that is long, and a fan, on the first level; then a pair back */
		for (uint32_t i = 1; i < n; i++)
			assert_int_equal(rk_circular_add(&ctx, &s, i < n / 2 ? i - 1 : 0, i, 1, 0, &step), RK_OK);
		ctx.interrupted = interrupt_after;
		ctx.interrupted_arg = &left;
		status = rk_circular_add(&ctx, &s, n / 2 - 1, 0, 1, 0, &step);
		ctx.interrupted = NULL;
		atomic_store(&ctx.stop, false);
		if (status != RK_OK)
		{
			assert_int_equal(status, RK_STOPPED);
			assert_int_equal(s.pair_count, n - 1);
			stops++;
			/* one that closes nothing, and again the one that does */
			assert_int_equal(rk_circular_add(&ctx, &s, n - 1, n, 1, 0, &step), RK_OK);
			assert_false(step.closed);
			assert_int_equal(rk_circular_add(&ctx, &s, n / 2 - 1, 0, 1, 0, &step), RK_OK);
		}
		assert_true(step.closed);
		assert_int_equal(s.nodes[rk_circular_root(&s, 0)].size, n / 2);
		assert_int_equal(s.nodes[rk_circular_root(&s, n / 2)].size, 1);
		assert_true(s.nodes[rk_circular_root(&s, 0)].internal == n / 2);
		rk_ctx_destroy(&ctx);
		if (status == RK_OK)
			break;
	}
	assert_true(stops >= 5);
}

static void
test_circular_is_batch(void **state)
{
	ring		r;
	int			alerts = 0;

	(void) state;
	for (int seed = 0; seed < 30; seed++)
	{
		int64_t		entities = seed % 2 ? MOST : 25;
		int64_t		length = 2 + seed % 9;
		bool		keep[600];

		id_type = seed % 3;
		min_amount = seed % 4 == 3 ? 2000 * RK_MONEY_UNIT : 0;
		stream = random_stream(seed, entities, seed % 2 ? 400 : 200, 100, 500);
		open_circular(&r, length);
		for (int64_t i = 0; i < stream.t.count; i++)
		{
			rk_payment_request q = payment_of(&stream, i);
			const rk_circular_reply *a = (rk_circular_reply *) r.data;
			uint32_t	source = stream.source[i];
			uint32_t	target = stream.target[i];
			int			back;
			int			before = r.records;
			bool		is_new = true;

			for (int64_t k = 0; k < i; k++)
				is_new &= !(keep[k] && stream.source[k] == source && stream.target[k] == target);
			keep[i] = true;
			assert_int_equal(handle(&r, 310, &q), RK_OK);
			back = source == target ? 0 : slow_distance(&stream, i + 1, keep, target, source);
			assert_int_equal(a->cycle_detected, back > 0);
			assert_int_equal(a->cycle_size, back > 0 && back < length ? back + 1 : RK_FIELD_ABSENT_INT4);
			if (min_amount == 0)
				assert_int_equal(r.records - before, is_new && back > 0 && back < length);
			if (i % 50 == 49 || i == stream.t.count - 1)
				compare_circular(&r, &stream, i + 1, keep);
			/* pairs without a payment in the last while go */
			if (i % 120 == 119)
			{
				int64_t		from = stream.ts[i] - 2500 * SECOND;
				rk_circular_expire_request e = {EPOCH_NS + from * 1000};
				int64_t		dropped = 0;

				for (int64_t k = 0; k <= i; k++)
				{
					int64_t		newest = INT64_MIN;
					bool		first = keep[k];

					for (int64_t j = 0; j <= i; j++)
						if (stream.source[j] == stream.source[k] && stream.target[j] == stream.target[k] && keep[j])
						{
							newest = stream.ts[j] > newest ? stream.ts[j] : newest;
							first &= j >= k;
						}
					dropped += first && newest < from;
				}
				assert_int_equal(handle(&r, 315, &e), RK_OK);
				assert_int_equal(((rk_circular_expire_reply *) r.data)->edges_dropped, dropped);
				for (int64_t k = 0; k <= i; k++)
				{
					bool		alive = false;

					for (int64_t j = 0; j <= i; j++)
						alive |= keep[j] && stream.source[j] == stream.source[k] && stream.target[j] == stream.target[k] &&
							stream.ts[j] >= from;
					/* whole pairs: marked when all have been looked at */
					if (!alive && keep[k])
						stream.ts[k] = INT64_MIN;
				}
				for (int64_t k = 0; k <= i; k++)
					keep[k] &= stream.ts[k] != INT64_MIN;
				compare_circular(&r, &stream, i + 1, keep);
			}
		}
		alerts += r.records;
		assert_int_equal(r.records, r.said);
		rk_ctx_destroy(&r.ctx);
		free_transactions(&stream);
	}
	assert_true(alerts > 200);
}

static void
test_circular_lives_twice(void **state)
{
	ring		r;

	(void) state;
	min_amount = 0;
	for (id_type = RK_IDS_BIGINT; id_type <= RK_IDS_UUID; id_type++)
	{
		stream = random_stream(79, 300, 3000, 60, 600);
		open_circular(&r, 8);
		assert_true(live_twice(&r, send_circular, stream.t.count, 250) > 10);
		ring_restart(&r);
		rk_ctx_destroy(&r.ctx);
		free_transactions(&stream);
	}
}

static void
test_circular_by_hand(void **state)
{
	static const int steps[][3] = {{1, 2, 1000}, {2, 3, 950}, {3, 1, 900}, {3, 1, 50}, {1, 1, 500}};
	ring		r;
	const rk_circular_reply *a = (rk_circular_reply *) r.data;
	const rk_circular_query_reply *found = (rk_circular_query_reply *) r.data;
	const rk_circular_alert *alert = (rk_circular_alert *) r.record;
	rk_circular_query_request who;
	rk_payment_request q;

	(void) state;
	id_type = RK_IDS_BIGINT;
	min_amount = 0;
	open_circular(&r, 6);
	memset(&q, 0, sizeof(q));
	for (int i = 0; i < 5; i++)
	{
		q.source = rk_id_of_int(steps[i][0]);
		q.target = rk_id_of_int(steps[i][1]);
		q.amount = steps[i][2] * RK_FIXED_ONE;
		q.ts = i;
		assert_int_equal(ring_send(&r, 310, &q), RK_OK);
		assert_int_equal(a->cycle_detected, i == 2 || i == 3);
		if (i == 2)
		{
			assert_int_equal(a->cycle_size, 3);
			assert_true(a->source_ratio == 1);
			assert_int_equal(alert->cycle_id, 1);
			assert_int_equal(alert->cycle_size, 3);
			assert_true(alert->total_value == 2850 * RK_FIXED_ONE);
			assert_int_equal(alert->risk_level, 5);
		}
	}
	/* once, and not for the second payment of a pair */
	assert_int_equal(r.records, 1);
	assert_true(a->source_ratio == 1000.0 / 1500);
	memset(&who, 0, sizeof(who));
	who.entity = rk_id_of_int(3);
	assert_int_equal(ring_send(&r, 312, &who), RK_OK);
	assert_true(found->internal_amount == 2900 * RK_FIXED_ONE && found->cycle_volume == 950 * RK_FIXED_ONE);
	assert_int_equal(found->member_count, 3);
	q.amount = -1;
	assert_int_equal(ring_send(&r, 310, &q), RK_ERR_DATA);
	rk_ctx_destroy(&r.ctx);
}

/* ---- ids ---- */

static rk_id
text_id(const char *text)
{
	rk_id		id;

	memset(&id, 0, sizeof(id));
	id.kind = RK_ID_TEXT;
	id.length = (uint8_t) strlen(text);
	memcpy(id.bytes, text, id.length);
	return id;
}

static void
test_ids(void **state)
{
	static const struct
	{
		rk_id_type	type;
		const char *text;
		const char *canonical;	/* NULL: refused */
	}			cases[] = {
		{RK_IDS_BIGINT, "42", "42"},
		{RK_IDS_BIGINT, "-9223372036854775808", "-9223372036854775808"},
		{RK_IDS_BIGINT, "9223372036854775807", "9223372036854775807"},
		{RK_IDS_BIGINT, "9223372036854775808", NULL},
		{RK_IDS_BIGINT, "", NULL},
		{RK_IDS_BIGINT, "-", NULL},
		{RK_IDS_BIGINT, "4 2", NULL},
		{RK_IDS_TEXT, "", ""},
		{RK_IDS_TEXT, "DE89370400440532013000", "DE89370400440532013000"},
		{RK_IDS_UUID, "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"},
		{RK_IDS_UUID, "{a0eebc99-9c0b4ef8-bb6d6bb9-bd380a11}", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"},
		{RK_IDS_UUID, "a0eebc999c0b4ef8bb6d6bb9bd380a1", NULL},
		{RK_IDS_UUID, "a0eebc999c0b4ef8bb6d6bb9bd380a111", NULL},
		{RK_IDS_UUID, "a0eebc999c0b4ef8bb6d6bb9bd380a11-", NULL},
		{RK_IDS_UUID, "g0eebc999c0b4ef8bb6d6bb9bd380a11", NULL},
		{RK_IDS_UUID, "", NULL}
	};

	(void) state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		rk_keys		keys = {.type = cases[i].type};
		rk_id		id = text_id(cases[i].text);
		char		text[RK_ID_ROOM];
		uint32_t	number;
		uint32_t	again;
		rk_ctx		ctx;

		rk_ctx_init(&ctx);
		keys.dictionary = rk_dictionary_create(&ctx);
		if (cases[i].canonical == NULL)
			assert_int_equal(rk_keys_add(&ctx, &keys, "entity", &id, &number), RK_ERR_DATA);
		else
		{
			assert_int_equal(rk_keys_add(&ctx, &keys, "entity", &id, &number), RK_OK);
			id = rk_keys_id(&keys, number);
			assert_string_equal(rk_id_text(&id, text), cases[i].canonical);
			assert_int_equal(rk_keys_find(&ctx, &keys, "entity", &id, &again), RK_OK);
			assert_int_equal(number, again);
		}
		/* an integer is the text of a ring of texts, and no uuid */
		id = rk_id_of_int(-7);
		assert_int_equal(rk_keys_add(&ctx, &keys, "entity", &id, &number),
						 cases[i].type == RK_IDS_UUID ? RK_ERR_DATA : RK_OK);
		rk_ctx_destroy(&ctx);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ids),
		cmocka_unit_test(test_circular_by_hand),
		cmocka_unit_test(test_circular_levels),
		cmocka_unit_test(test_circular_stopped),
		cmocka_unit_test(test_circular_is_batch),
		cmocka_unit_test(test_circular_lives_twice),
		cmocka_unit_test(test_reciprocity_by_hand),
		cmocka_unit_test(test_reciprocity_is_batch),
		cmocka_unit_test(test_reciprocity_lives_twice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
