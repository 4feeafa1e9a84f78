/*
 * test_screening_ring.c
 *	  Screening as actors: after any changes of the list the hits of the batch
 *	  search over what it holds, the same state after a snapshot, all or nothing
 *	  when memory is short.
 */
#include "actor_support.h"

#include <stdio.h>

#include "../../src/compliance/screening/parties.h"
#include "../../src/compliance/screening/screening_ring.h"

#define EPOCH_DAYS 10957
#define ENTRIES 200

/* ---- names ---- */

/* Few letters, so that many names are alike; some beyond ASCII, some long, some empty. */
static void
make_name(char *to, uint64_t seed)
{
	static const char *const letters[] = {"a", "b", "c", "d", "e", " ", "a", "b", "\xd0\xb6", "\xc3\xa9", "-", "X"};
	int			length = rk_hash2(seed, 1) % 12 == 0 ? 60 + (int) (rk_hash2(seed, 2) % 12) : 1 + (int) (rk_hash2(seed, 3) % 14);

	*to = '\0';
	for (int i = 0; i < length; i++)
		strcat(to, letters[rk_hash3(seed, i, 4) % 12]);
}

/* Whether there is a letter in it. */
static bool
is_name(const char *text)
{
	return strpbrk(text, "abcdeX\xd0\xc3") != NULL;
}

static const char *const countries[] = {"US", "us", "FR", "", "\xd0\xa0\xd0\xa4"};
static const char *const types[] = {"", "person", "person", "company"};

/* Entry of this id in its nth version. */
static rk_id
id_of(const char *text)
{
	rk_id		id = {.kind = RK_ID_TEXT,.length = (uint8_t) strlen(text)};

	memcpy(id.bytes, text, id.length);
	return id;
}

static rk_sanctions_entry
make_entry(uint64_t id, uint64_t version)
{
	uint64_t	seed = rk_hash3(9, id, version);
	rk_sanctions_entry q;
	char		text[32];
	uint32_t	used = 0;

	memset(&q, 0, sizeof(q));
	snprintf(text, sizeof(text), "entry %d", (int) id);
	q.entry_id = id_of(text);
	make_name(q.entry_name, rk_hash2(seed, 1));
	for (uint64_t k = 0; k < rk_hash2(seed, 2) % 4; k++)
	{
		make_name(q.aliases + used, rk_hash3(seed, 3, k));
		used += (uint32_t) strlen(q.aliases + used) + 1;
	}
	strcpy(q.source, seed % 2 ? "UN" : "EU");
	strcpy(q.country, countries[rk_hash2(seed, 5) % 5]);
	strcpy(q.entity_type, types[rk_hash2(seed, 6) % 4]);
	q.date_of_birth = rk_hash2(seed, 7) % 4 == 0 ? RK_FIELD_ABSENT_INT4 : (int32_t) (rk_hash2(seed, 8) % 4000) - 1000;
	return q;
}

static rk_screen_request
make_query(uint64_t seed)
{
	rk_screen_request q;

	memset(&q, 0, sizeof(q));
	do
		make_name(q.query_name, rk_hash2(seed++, 40));
	while (!is_name(q.query_name));
	strcpy(q.country, countries[rk_hash2(seed, 5) % 5]);
	strcpy(q.entity_type, types[rk_hash2(seed, 6) % 4]);
	q.date_of_birth = rk_hash2(seed, 7) % 4 == 0 ? RK_FIELD_ABSENT_INT4 : (int32_t) (rk_hash2(seed, 8) % 4000) - 1000;
	q.entity = id_of("who");
	return q;
}

/* ---- what the list holds, and the batch search over it ---- */

/* Entries in the order in which they first came. */
typedef struct model
{
	rk_sanctions_entry entries[ENTRIES];
	int			count;
} model;

static int
find(const model *m, const rk_id *id)
{
	for (int i = 0; i < m->count; i++)
		if (memcmp(&m->entries[i].entry_id, id, sizeof(*id)) == 0)
			return i;
	return -1;
}

static rk_bytes
bytes_of(const char *s)
{
	return (rk_bytes) {s, (uint32_t) strlen(s)};
}

static rk_screen_reply
batch(const model *m, const rk_screen_request *q, const rk_match_params *params, double hit_score)
{
	static rk_bytes names[ENTRIES];
	static rk_bytes aliases[ENTRIES * 8];
	static int64_t offsets[ENTRIES + 1];
	static int64_t dates[ENTRIES];
	static rk_bytes country[ENTRIES];
	static rk_bytes type[ENTRIES];
	rk_bytes	name = bytes_of(q->query_name);
	rk_bytes	query_country = bytes_of(q->country);
	rk_bytes	query_type = bytes_of(q->entity_type);
	int64_t		born = q->date_of_birth == RK_FIELD_ABSENT_INT4 ? RK_UNKNOWN_DAY : q->date_of_birth - EPOCH_DAYS;
	bool		secondary = params->rule.model == RK_MODEL_SECONDARY;
	rk_party_input inputs[2] = {
		{.names = {.rows = 1,.names = &name},.dates = &born,.countries = &query_country,.types = secondary ? &query_type : NULL},
		{.names = {.rows = m->count,.names = names,.alias_offsets = offsets,.aliases = aliases},.dates = dates,
		.countries = country,.types = secondary ? type : NULL}
	};
	rk_match_side sides[2];
	rk_matches	found;
	rk_ctx		ctx;
	rk_screen_reply r;
	int64_t		n = 0;

	for (int i = 0; i < m->count; i++)
	{
		const rk_sanctions_entry *e = &m->entries[i];

		names[i] = bytes_of(e->entry_name);
		offsets[i] = n;
		for (const char *a = e->aliases; *a; a += strlen(a) + 1)
			aliases[n++] = bytes_of(a);
		dates[i] = e->date_of_birth == RK_FIELD_ABSENT_INT4 ? RK_UNKNOWN_DAY : e->date_of_birth - EPOCH_DAYS;
		country[i] = bytes_of(e->country);
		type[i] = bytes_of(e->entity_type);
	}
	offsets[m->count] = n;
	rk_ctx_init(&ctx);
	assert_int_equal(rk_match_sides(&ctx, inputs, 2, false, 0, sides), RK_OK);
	assert_int_equal(rk_match(&ctx, &sides[0], &sides[1], params, &found), RK_OK);
	memset(&r, 0, sizeof(r));
	r.best_score = NAN;
	r.match_type = RK_FIELD_ABSENT_CODE;
	for (int64_t i = 0; i < found.count; i++)
		r.match_count += found.score[i] >= hit_score;
	if (found.count > 0)
	{
		strcpy(r.best_entry, m->entries[found.entry[0]].entry_id.bytes);
		r.best_score = found.score[0];
		r.match_type = found.name[0] == 0 ? (found.same[0] ? RK_SCREEN_EXACT : RK_SCREEN_FUZZY) :
			rk_name_is_one_word(sides[1].names, sides[1].names->first[found.entry[0]] + found.name[0]) ? RK_SCREEN_WEAK_ALIAS :
			RK_SCREEN_ALIAS;
	}
	r.is_hit = r.match_count > 0;
	rk_ctx_destroy(&ctx);
	return r;
}

/* A change of the list, of the model too. */
static void
change(ring *r, model *m, uint64_t i)
{
	uint64_t	id = rk_hash2(3, i) % ENTRIES;
	rk_sanctions_entry q = make_entry(id, i);
	rk_list_entry_name name;
	int			at = find(m, &q.entry_id);

	if (rk_hash2(4, i) % 4 == 0)
	{
		name.entry_id = q.entry_id;
		assert_int_equal(handle(r, 344, &name), RK_OK);
		assert_int_equal(((rk_list_removed *) r->data)->removed, at >= 0);
		if (at >= 0)
		{
			memmove(m->entries + at, m->entries + at + 1, sizeof(q) * (m->count - at - 1));
			m->count--;
		}
		return;
	}
	assert_int_equal(handle(r, 342, &q), RK_OK);
	if (at < 0)
		at = m->count++;
	m->entries[at] = q;
	assert_int_equal(((rk_list_count *) r->data)->entry_count, m->count);
}

static void
open_sanctions(ring *r, const rk_match_params *params, double hit_score)
{
	ring_options(r, &rk_actor_compliance_sanctions_screening);
	option(r, "method")->integer = params->method;
	option(r, "token_order")->integer = params->any_order;
	option(r, "use_secondary")->truth = params->rule.model == RK_MODEL_SECONDARY;
	option(r, "min_score")->number = params->min_score;
	option(r, "hit_score")->number = hit_score;
	ring_open(r);
}

static void
test_same_hits(void **state)
{
	static ring r;
	static model m;

	(void) state;
	for (int round = 0; round < 10; round++)
	{
		rk_match_params p = {
			.method = round % 5,.any_order = round % 3 != 0,.min_score = round % 4 == 3 ? 0 : 0.7,.top_k = ENTRIES,
			.rule = {.model = round % 2 ? RK_MODEL_SECONDARY : RK_MODEL_NAME}
		};
		double		hit_score = round % 7 == 6 ? p.min_score : 0.85;
		int64_t		hits = 0;

		m.count = 0;
		open_sanctions(&r, &p, hit_score);
		for (uint64_t i = 0; i < 450; i++)
		{
			rk_screen_request q = make_query(rk_hash2(round, i));
			rk_screen_reply wanted;
			const rk_screen_reply *a = (void *) r.data;

			change(&r, &m, rk_hash2(round, i));
			if (i % 3)
				continue;
			wanted = batch(&m, &q, &p, hit_score);
			assert_int_equal(handle(&r, 340, &q), RK_OK);
			assert_int_equal(a->is_hit, wanted.is_hit);
			assert_int_equal(a->match_count, wanted.match_count);
			assert_string_equal(a->best_entry, wanted.best_entry);
			assert_true(a->best_score == wanted.best_score || (isnan(a->best_score) && isnan(wanted.best_score)));
			assert_int_equal(a->match_type, wanted.match_type);
			hits += a->match_count;
			assert_int_equal(r.records > 0, hits > 0);
		}
		assert_true(hits > 20);
		rk_ctx_destroy(&r.ctx);
	}
}

/* ---- records and refusals ---- */

static void
test_matches(void **state)
{
	static ring r;
	const rk_sanctions_match *match = (void *) r.record;
	rk_sanctions_entry e;
	rk_screen_request q;
	rk_list_entry_name name;

	(void) state;
	ring_options(&r, &rk_actor_compliance_sanctions_screening);
	ring_open(&r);
	r.now = 1234;
	memset(&e, 0, sizeof(e));
	e.entry_id = id_of("Q7747");
	strcpy(e.entry_name, "Vladimir Putin");
	memcpy(e.aliases, "\xd0\x92\xd0\xbb\xd0\xb0\xd0\xb4\xd0\xb8\xd0\xbc\xd0\xb8\xd1\x80 \xd0\x9f\xd1\x83\xd1\x82\xd0\xb8\xd0\xbd", 27);
	strcpy(e.source, "UK OFSI");
	e.date_of_birth = RK_FIELD_ABSENT_INT4;
	assert_int_equal(ring_send(&r, 342, &e), RK_OK);
	memset(&q, 0, sizeof(q));
	strcpy(q.query_name, "PUTIN, vladmir");
	q.entity = id_of("42");
	q.date_of_birth = RK_FIELD_ABSENT_INT4;
	assert_int_equal(ring_send(&r, 340, &q), RK_OK);
	assert_int_equal(r.records, 1);
	assert_int_equal(match->match_type, 2);
	assert_string_equal(match->entity.bytes, "42");
	assert_int_equal(match->ts, 1234);
	assert_string_equal(match->list_code, "UK OFSI");
	assert_string_equal(match->list_entry, "Q7747");
	assert_true(fabs(match->confidence - 92.4176) < 5 || match->confidence > 85);
	strcpy(q.query_name, "putin vladimir");
	assert_int_equal(ring_send(&r, 340, &q), RK_OK);
	assert_true(match->match_type == 1 && match->confidence == 100);
	memcpy(q.query_name, "\xd0\x9f\xd1\x83\xd1\x82\xd0\xb8\xd0\xbd \xd0\x92\xd0\xbb\xd0\xb0\xd0\xb4\xd0\xb8\xd0\xbc\xd0\xb8\xd1\x80", 27);
	assert_int_equal(ring_send(&r, 340, &q), RK_OK);
	assert_true(match->match_type == 3 && match->confidence == 100);
	assert_int_equal(((rk_screen_reply *) r.data)->match_type, RK_SCREEN_ALIAS);
	/* letters that the list has not */
	strcpy(q.query_name, "zzqq xx \xe4\xb9\xa0");
	assert_int_equal(ring_send(&r, 340, &q), RK_OK);
	assert_false(((rk_screen_reply *) r.data)->is_hit);
	assert_int_equal(r.records, 3);
	/* refused */
	strcpy(q.query_name, " .- ");
	assert_int_equal(ring_send(&r, 340, &q), RK_ERR_PARAMETER);
	e.entry_name[0] = '\0';
	assert_int_equal(ring_send(&r, 342, &e), RK_ERR_PARAMETER);
	strcpy(e.entry_name, "x");
	memset(&e.entry_id, 0, sizeof(e.entry_id));
	assert_int_equal(ring_send(&r, 342, &e), RK_ERR_PARAMETER);
	memset(&name, 0, sizeof(name));
	name.entry_id = id_of("Q7747");
	assert_int_equal(ring_send(&r, 344, &name), RK_OK);
	assert_true(((rk_list_removed *) r.data)->removed);
	strcpy(q.query_name, "putin vladimir");
	assert_int_equal(ring_send(&r, 340, &q), RK_OK);
	assert_int_equal(r.records, 3);
	rk_ctx_destroy(&r.ctx);
	ring_options(&r, &rk_actor_compliance_sanctions_screening);
	option(&r, "min_score")->number = 0.9;
	assert_int_equal(r.actor->init(&r.ctx, &r.options, &r.state), RK_ERR_PARAMETER);
	rk_ctx_destroy(&r.ctx);
}

/* ---- long lives ---- */

static rk_status
send_sanctions(ring *r, int64_t i)
{
	uint64_t	id = rk_hash2(3, (uint64_t) i) % (i < 1500 ? 150 : 12);
	rk_sanctions_entry e = make_entry(id, (uint64_t) i);
	rk_screen_request q = make_query((uint64_t) i);
	rk_list_entry_name name;

	name.entry_id = e.entry_id;
	switch (rk_hash2(4, (uint64_t) i) % 6)
	{
		case 0:
			return handle(r, 344, &name);
		case 1:
		case 2:
			return handle(r, 340, &q);
		default:
			return handle(r, 342, &e);
	}
}

static void
test_sanctions_life(void **state)
{
	static ring r;

	(void) state;
	ring_options(&r, &rk_actor_compliance_sanctions_screening);
	ring_open(&r);
	assert_true(live_twice(&r, send_sanctions, 1500, 250) > 30);
	rk_ctx_destroy(&r.ctx);
	/* of a small list: each allocation of its return fails once */
	ring_options(&r, &rk_actor_compliance_sanctions_screening);
	ring_open(&r);
	for (int64_t i = 1500; i < 1560; i++)
		assert_int_equal(send_sanctions(&r, i), RK_OK);
	ring_restart(&r);
	rk_ctx_destroy(&r.ctx);
}

/* ---- compliance/pep-screening ---- */

static rk_pep_entry
pep(const char *id, const char *name, int level, int active, int left_on)
{
	rk_pep_entry q;

	memset(&q, 0, sizeof(q));
	q.entry_id = id_of(id);
	strcpy(q.entry_name, name);
	strcpy(q.position, "minister");
	q.level = level == 0 ? RK_FIELD_ABSENT_INT4 : level;
	q.left_on = left_on == 0 ? RK_FIELD_ABSENT_INT4 : left_on;
	q.active = (int8_t) active;
	return q;
}

static const rk_pep_reply *
ask(ring *r, const char *name, int64_t day)
{
	rk_pep_request q;

	memset(&q, 0, sizeof(q));
	strcpy(q.query_name, name);
	r->now = day * INT64_C(86400000000000) + 5;
	assert_int_equal(ring_send(r, 346, &q), RK_OK);
	return (void *) r->data;
}

#define EXPECT(reply, pep_, count_, best_, level_) \
	do { \
		const rk_pep_reply *a = (reply); \
		assert_int_equal(a->is_pep, pep_); \
		assert_int_equal(a->match_count, count_); \
		assert_string_equal(a->best_entry, best_); \
		assert_int_equal(a->level, level_); \
	} while (0)

static void
test_pep(void **state)
{
	static ring r;
	rk_pep_entry q;
	rk_list_entry_name name;
	int			left = 19844;	/* 2024-05-01 */

	(void) state;
	ring_options(&r, &rk_actor_compliance_pep_screening);
	option(&r, "cooling_off_months")->is_null = false;
	option(&r, "cooling_off_months")->integer = 12;
	ring_open(&r);
	EXPECT(ask(&r, "Jane Roe", left), false, 0, "", RK_FIELD_ABSENT_INT4);
	q = pep("third", "Jane Roe", 3, RK_FIELD_ABSENT_BOOLEAN, 0);
	assert_int_equal(ring_send(&r, 348, &q), RK_OK);
	q = pep("former", "Jane Roe", 2, 0, left);
	assert_int_equal(ring_send(&r, 348, &q), RK_OK);
	q = pep("second", "Jane Roe", 2, 1, 0);
	assert_int_equal(ring_send(&r, 348, &q), RK_OK);
	EXPECT(ask(&r, "roe, jane", left + 10), true, 3, "second", 2);
	/* a year later the former one has cooled off: not on the day itself */
	EXPECT(ask(&r, "roe, jane", left + 365), true, 3, "second", 2);
	EXPECT(ask(&r, "roe, jane", left + 366), true, 2, "second", 2);
	/* the last one in office goes: who is exposed comes before who is not */
	memset(&name, 0, sizeof(name));
	name.entry_id = id_of("second");
	assert_int_equal(ring_send(&r, 360, &name), RK_OK);
	EXPECT(ask(&r, "roe, jane", left + 366), true, 1, "third", 3);
	EXPECT(ask(&r, "roe, jane", left), true, 2, "former", 2);
	name.entry_id = id_of("third");
	assert_int_equal(ring_send(&r, 360, &name), RK_OK);
	EXPECT(ask(&r, "roe, jane", left + 400), false, 0, "former", 2);
	/* in office until left_on, if nothing else is said */
	q = pep("until", "Max Mustermann", 1, RK_FIELD_ABSENT_BOOLEAN, left);
	assert_int_equal(ring_send(&r, 348, &q), RK_OK);
	EXPECT(ask(&r, "max mustermann", left - 5), true, 1, "until", 1);
	EXPECT(ask(&r, "max mustermann", left + 366), false, 0, "until", 1);
	/* best, but no hit */
	EXPECT(ask(&r, "max must", left + 366), false, 0, "until", 1);
	ring_restart(&r);
	rk_ctx_destroy(&r.ctx);
}

static void
test_months(void **state)
{
	(void) state;
	for (int64_t day = -200000; day < 200000; day += 371)
	{
		uint32_t	from = rk_packed_date(day);

		for (int64_t months = 0; months < 30; months++)
		{
			uint32_t	to = rk_packed_plus_months(from, months);
			int64_t		passed = ((int64_t) (to >> 9) - (from >> 9)) * 12 + (int64_t) (to >> 5 & 15) - (from >> 5 & 15);
			int64_t		at = day + months * 30;

			assert_int_equal(passed, months);
			assert_true((to & 31) <= (from & 31));
			/* it is a day of the calendar, and where the day is less the next one is of another month */
			while (rk_packed_date(at) < to)
				at++;
			while (rk_packed_date(at) > to)
				at--;
			assert_int_equal(rk_packed_date(at), to);
			assert_true((to & 31) == (from & 31) || (rk_packed_date(at + 1) & 31) == 1);
		}
	}
}

static rk_status
send_pep(ring *r, int64_t i)
{
	rk_sanctions_entry e = make_entry(rk_hash2(5, (uint64_t) i) % 100, (uint64_t) i);
	rk_screen_request s = make_query((uint64_t) i);
	rk_pep_entry q = pep(e.entry_id.bytes, e.entry_name, (int) (rk_hash2(6, (uint64_t) i) % 4), (int) (i % 3) - 1, (int) (i % 4));
	rk_pep_request ask_for;
	rk_list_entry_name name;

	memset(&ask_for, 0, sizeof(ask_for));
	memcpy(ask_for.query_name, s.query_name, sizeof(ask_for.query_name));
	memcpy(q.aliases, e.aliases, sizeof(q.aliases));
	name.entry_id = e.entry_id;
	r->now = i;
	switch (i % 5)
	{
		case 0:
			return handle(r, 360, &name);
		case 1:
			return handle(r, 346, &ask_for);
		default:
			return handle(r, 348, &q);
	}
}

static void
test_pep_life(void **state)
{
	static ring r;

	(void) state;
	ring_options(&r, &rk_actor_compliance_pep_screening);
	ring_open(&r);
	assert_true(live_twice(&r, send_pep, 1000, 250) > 10);
	rk_ctx_destroy(&r.ctx);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same_hits),
		cmocka_unit_test(test_matches),
		cmocka_unit_test(test_sanctions_life),
		cmocka_unit_test(test_pep),
		cmocka_unit_test(test_months),
		cmocka_unit_test(test_pep_life),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
