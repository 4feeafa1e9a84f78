/*
 * topic.c
 *	  Topics: whoever publishes need not know who listens.
 *
 * A topic is a path, a/b/c; a subscription has a pattern, in which * is one
 * level and # at the end the rest.  A subscription is a ring's, or a role's,
 * which fetches messages with rk.ring_receive.  What holds for a message is the
 * weaker of what its sender and its receiver want:
 *
 *	  at_most_once	to a ring: sent past the transaction, dropped if there is no
 *				room.  To a role: in an unlogged table, the newest 256.
 *	  at_least_once, exactly_once	to a ring: in its journal.  To a role: a row
 *				that goes with the transaction that has fetched it.
 *
 * So a message that is more than at_most_once exists if the transaction that
 * published it commits, and is gone if that of its receiver does: once.
 *
 * What a subscriber makes of a message is not the publisher's business: one that
 * a ring cannot understand becomes a dead letter of that ring.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "parser/parse_func.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/memutils.h"
#include "utils/resowner.h"

#include "../compat.h"
#include "catalog.h"
#include "convert.h"
#include "host.h"
#include "send.h"

PG_FUNCTION_INFO_V1(rk_topic_matches);
PG_FUNCTION_INFO_V1(rk_topic_publish);
PG_FUNCTION_INFO_V1(rk_topic_subscribe);
PG_FUNCTION_INFO_V1(rk_topic_unsubscribe);

#define TOPIC_MAX 255			/* bytes */
#define BUFFER_TEXT "256"		/* messages of a subscription that may be lost */
#define SUBSCRIBERS_MAX 1000	/* subscriptions with one pattern */

static const char *const qualities[] = {"at_most_once", "at_least_once", "exactly_once"};

static int
quality(const char *text)
{
	for (int i = 0; i < lengthof(qualities); i++)
		if (strcmp(qualities[i], text) == 0)
			return i;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("parameter \"qos\" must be at_most_once, at_least_once or exactly_once")));
}

/* ---- patterns ---- */

/* Checks a topic, or a pattern: levels that are not empty, * and # alone in theirs. */
static void
check_path(const char *path, bool pattern)
{
	const char *level = path;
	bool		good = *path != '\0' && strlen(path) <= TOPIC_MAX;

	while (good && level)
	{
		const char *slash = strchr(level, '/');
		size_t		length = slash ? (size_t) (slash - level) : strlen(level);
		bool		wild = memchr(level, '*', length) || memchr(level, '#', length);

		good = length > 0 && (!wild || (pattern && length == 1 && !(*level == '#' && slash)));
		level = slash ? slash + 1 : NULL;
	}
	if (!good)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 pattern ? errmsg("\"%s\" is no pattern of topics", path) : errmsg("\"%s\" is no topic", path),
				 pattern ? errhint("A pattern is like a/*/c or a/#: * is one level, # at the end the rest.") :
				 errhint("A topic is like a/b/c, of %d bytes at most, without * and #.", TOPIC_MAX)));
}

/*
 * Whoever publishes through an output needs the right to publish.
 */
void
rk_topic_check(const char *topic)
{
	Oid			types[] = {TEXTOID, JSONBOID, TEXTOID, BOOLOID};
	Oid			function = LookupFuncName(list_make2(makeString("rk"), makeString("publish")), 4, types, false);

	check_path(topic, false);
	if (rk_function_aclcheck(function, GetUserId()) != ACLCHECK_OK)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied for function rk.publish")));
}

static bool
matches(const char *pattern, const char *topic)
{
	for (;;)
	{
		size_t		p = strcspn(pattern, "/");
		size_t		t = strcspn(topic, "/");

		if (p == 1 && *pattern == '#')
			return true;
		if (!(p == 1 && *pattern == '*') && !(p == t && memcmp(pattern, topic, p) == 0))
			return false;
		if (pattern[p] == '\0' || topic[t] == '\0')
		{
			/* a/# is a, too */
			if (topic[t] == '\0' && strcmp(pattern + p, "/#") == 0)
				return true;
			return pattern[p] == topic[t];
		}
		pattern += p + 1;
		topic += t + 1;
	}
}

Datum
rk_topic_matches(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(matches(text_to_cstring(PG_GETARG_TEXT_PP(0)), text_to_cstring(PG_GETARG_TEXT_PP(1))));
}

/* ---- delivery ---- */

typedef struct subscriber
{
	int64		subscription_id;
	int			qos;
	Oid			role;
	int32		ring_id;		/* 0: the role itself */
	char		ring[NAMEDATALEN];
	char	   *kernel;
} subscriber;

/* The message that a kernel takes from topics: what it is loaded with, or its first that changes the state. */
static const rk_message_type *
topic_message_type(const rk_actor *actor)
{
	if (actor->loads && actor->loads[0].option)
		return rk_actor_message(actor, actor->loads[0].type_id);
	for (const rk_message_type *t = actor->messages; t->type_id; t++)
		if (t->mutating)
			return t;
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("kernel \"%s\" has no message that changes its state", actor->kernel)));
}

/* Hands a message to a ring; what is wrong with it is an error. */
static void
send_to_ring(const subscriber *s, Jsonb *payload, int qos)
{
	const rk_message_type *type = topic_message_type(rk_ring_kernel(s->kernel));
	void	   *request = palloc0(type->request_size + 8);

	rk_jsonb_to_payload(type, payload, request);
	if (qos == 0)
	{
		rk_ring_handle handle = {0};
		rk_outgoing out = {
			.type_id = type->type_id,
			.priority = RK_PRIORITY_NORMAL,
			.payload = request,
			.length = type->request_size,
			.never_waits = true
		};

		(void) rk_ring_post(rk_ring_find(&handle, s->ring, strlen(s->ring), rk_now_ns()), &handle, &out);
	}
	else
	{
		bytea	   *message = palloc(VARHDRSZ + type->request_size);

		SET_VARSIZE(message, VARHDRSZ + type->request_size);
		memcpy(VARDATA(message), request, type->request_size);
		(void) rk_journal_write(s->ring_id, type->type_id, RK_PRIORITY_NORMAL, 0, message);
	}
}

/*
 * The same, so that a failure is nobody's but the ring's: it is undone, and the
 * message a dead letter unless it may be lost anyway.
 */
static void
try_ring(const subscriber *s, Jsonb *payload, int qos)
{
	MemoryContext memory = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	Oid			user;
	int			security_context;
	char	   *volatile problem = NULL;
	volatile int problem_code = 0;

	GetUserIdAndSecContext(&user, &security_context);
	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(memory);
	PG_TRY();
	{
		SetUserIdAndSecContext(s->role, security_context | SECURITY_LOCAL_USERID_CHANGE);
		send_to_ring(s, payload, qos);
		SetUserIdAndSecContext(user, security_context);
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		ErrorData  *error;

		MemoryContextSwitchTo(memory);
		error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(memory);
		CurrentResourceOwner = owner;
		SetUserIdAndSecContext(user, security_context);
		/* whoever cancels means the whole */
		if (error->sqlerrcode == ERRCODE_QUERY_CANCELED || error->sqlerrcode == ERRCODE_ADMIN_SHUTDOWN)
			ReThrowError(error);
		problem = error->message;
		problem_code = error->sqlerrcode;
	}
	PG_END_TRY();
	MemoryContextSwitchTo(memory);
	CurrentResourceOwner = owner;
	if (problem && qos > 0)
	{
		rk_catalog	catalog;
		Oid			types[] = {INT4OID, INT4OID, JSONBOID, OIDOID, TEXTOID, TEXTOID};
		Datum		values[] = {
			Int32GetDatum(s->ring_id), Int32GetDatum(topic_message_type(rk_ring_kernel(s->kernel))->type_id),
			JsonbPGetDatum(payload), ObjectIdGetDatum(s->role), CStringGetTextDatum(problem),
			CStringGetTextDatum(unpack_sql_state(problem_code))
		};

		rk_catalog_open(&catalog);
		rk_run_sql("INSERT INTO rk.dead_letter (ring_id, type_id, payload, reason, attempts, message_id, role, priority, error, "
				   "sqlstate) VALUES ($1, $2, $3, 'invalid', 0, 0, $4::regrole, 64, $5, $6)", 6, types, values, NULL);
		rk_catalog_close(&catalog);
	}
}

/* Counts what happens to messages of a topic, for rk.topics. */
static void
count_topic(const char *topic, int which)
{
	uint64		hash = DatumGetUInt64(hash_any_extended((const unsigned char *) topic, strlen(topic), 0));
	rk_tally   *tally = rk_the_region ? rk_tally_of(RK_TALLY_TOPIC, (int64) hash, true) : NULL;

	if (tally)
		atomic_fetch_add_explicit(&tally->count[which], 1, memory_order_relaxed);
}

/* Leaves a message for a role to fetch; the catalog is open. */
static void
leave_for_role(const subscriber *s, int64 id, const char *topic, Jsonb *payload, int qos)
{
	Oid			types[] = {INT8OID, INT8OID, TEXTOID, JSONBOID};
	Datum		values[] = {Int64GetDatum(id), Int64GetDatum(s->subscription_id), CStringGetTextDatum(topic),
	JsonbPGetDatum(payload)};
	uint64		lost;

	if (qos > 0)
		rk_run_sql("INSERT INTO rk.topic_message (message_id, subscription_id, topic, payload) VALUES ($1, $2, $3, $4)", 4,
				   types, values, NULL);
	else
	{
		rk_run_sql("INSERT INTO rk.topic_volatile (message_id, subscription_id, topic, payload) VALUES ($1, $2, $3, $4)",
				   4, types, values, NULL);
		lost = rk_run_sql("DELETE FROM rk.topic_volatile WHERE subscription_id = $2 AND message_id <= (SELECT message_id FROM "
						  "rk.topic_volatile WHERE subscription_id = $2 ORDER BY message_id DESC OFFSET " BUFFER_TEXT " LIMIT 1) "
						  "RETURNING topic", 2, types, values, NULL);
		for (uint64 i = 0; i < lost; i++)
		{
			bool		is_null;

			count_topic(TextDatumGetCString(SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1, &is_null)), 1);
		}
	}
}

/*
 * A ring that several roles have subscribed to one pattern has a message once,
 * through the best of those who may send to it.
 */
#define MATCHING_SUBSCRIPTIONS \
	"SELECT DISTINCT ON (coalesce(s.ring_id::bigint, -s.subscription_id), s.pattern) s.subscription_id, s.qos, s.role::oid, " \
	"s.ring_id, r.name, r.kernel FROM rk.subscription s LEFT JOIN rk.ring r USING (ring_id) " \
	"WHERE rk.topic_matches(s.pattern, $1) ORDER BY coalesce(s.ring_id::bigint, -s.subscription_id), s.pattern, " \
	"s.ring_id IS NULL OR pg_catalog.pg_has_role(s.role, r.owner, 'USAGE') OR EXISTS (SELECT FROM rk.ring_access a " \
	"WHERE a.ring_id = s.ring_id AND a.access = 'send' AND (a.role = 0 OR pg_catalog.pg_has_role(s.role, a.role, 'USAGE'))) DESC, " \
	"pg_catalog.array_position('{exactly_once,at_least_once,at_most_once}', s.qos), s.subscription_id"

int64
rk_publish_topic(const char *topic, Jsonb *payload, int qos, bool retained)
{
	rk_catalog	catalog;
	Oid			types[] = {TEXTOID, JSONBOID, TEXTOID};
	Datum		values[] = {CStringGetTextDatum(topic), JsonbPGetDatum(payload), CStringGetTextDatum(qualities[qos])};
	MemoryContext memory = CurrentMemoryContext;
	MemoryContext old;
	subscriber *subscribers;
	uint64		count;
	bool		is_null;
	int64		id;

	check_path(topic, false);
	rk_catalog_open(&catalog);
	rk_run_sql("SELECT pg_catalog.nextval('rk.topic_message_id')", 0, NULL, NULL, NULL);
	id = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &is_null));
	count_topic(topic, 0);
	if (retained)
		rk_run_sql("INSERT INTO rk.topic_retained (topic, payload, qos) VALUES ($1, $2, $3) ON CONFLICT (topic) DO UPDATE "
				   "SET payload = excluded.payload, qos = excluded.qos, sent_at = excluded.sent_at", 3, types, values, NULL);
	count = rk_run_sql(MATCHING_SUBSCRIPTIONS, 1, types, values, NULL);
	old = MemoryContextSwitchTo(memory);
	subscribers = palloc0(sizeof(subscriber) * (count + 1));
	for (uint64 i = 0; i < count; i++)
	{
		HeapTuple	t = SPI_tuptable->vals[i];
		TupleDesc	d = SPI_tuptable->tupdesc;
		subscriber *s = &subscribers[i];
		Datum		ring;

		s->subscription_id = DatumGetInt64(SPI_getbinval(t, d, 1, &is_null));
		s->qos = Min(qos, quality(TextDatumGetCString(SPI_getbinval(t, d, 2, &is_null))));
		s->role = DatumGetObjectId(SPI_getbinval(t, d, 3, &is_null));
		ring = SPI_getbinval(t, d, 4, &is_null);
		if (is_null)
			continue;
		s->ring_id = DatumGetInt32(ring);
		strlcpy(s->ring, TextDatumGetCString(SPI_getbinval(t, d, 5, &is_null)), NAMEDATALEN);
		s->kernel = TextDatumGetCString(SPI_getbinval(t, d, 6, &is_null));
	}
	MemoryContextSwitchTo(old);
	for (uint64 i = 0; i < count; i++)
		if (subscribers[i].ring_id == 0)
			leave_for_role(&subscribers[i], id, topic, payload, subscribers[i].qos);
	rk_catalog_close(&catalog);
	for (uint64 i = 0; i < count; i++)
		if (subscribers[i].ring_id != 0)
			try_ring(&subscribers[i], payload, subscribers[i].qos);
	return id;
}

/* ---- from SQL ---- */

static char *
text_argument(FunctionCallInfo fcinfo, int n, const char *name)
{
	if (PG_ARGISNULL(n))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("parameter \"%s\" must not be null", name)));
	return text_to_cstring(PG_GETARG_TEXT_PP(n));
}

/* rk.publish(topic, payload, qos, retained) */
Datum
rk_topic_publish(PG_FUNCTION_ARGS)
{
	char	   *topic = text_argument(fcinfo, 0, "topic");
	int			qos = quality(text_argument(fcinfo, 2, "qos"));
	bool		retained = !PG_ARGISNULL(3) && PG_GETARG_BOOL(3);

	if (PG_ARGISNULL(1))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("parameter \"payload\" must not be null")));
	PreventCommandIfReadOnly("rk.publish()");
	PG_RETURN_INT64(rk_publish_topic(topic, PG_GETARG_JSONB_P(1), qos, retained));
}

/* What topics retain, for a new subscription. */
static void
deliver_retained(const subscriber *s, const char *pattern)
{
	rk_catalog	catalog;
	Oid			types[] = {TEXTOID};
	Datum		values[] = {CStringGetTextDatum(pattern)};
	MemoryContext memory = CurrentMemoryContext;
	MemoryContext old;
	uint64		count;
	char	  **topics;
	Jsonb	  **payloads;
	int		   *qos;
	bool		is_null;

	rk_catalog_open(&catalog);
	count = rk_run_sql("SELECT topic, payload, qos FROM rk.topic_retained WHERE rk.topic_matches($1, topic) ORDER BY topic",
					   1, types, values, NULL);
	old = MemoryContextSwitchTo(memory);
	topics = palloc(sizeof(*topics) * (count + 1));
	payloads = palloc(sizeof(*payloads) * (count + 1));
	qos = palloc(sizeof(*qos) * (count + 1));
	for (uint64 i = 0; i < count; i++)
	{
		HeapTuple	t = SPI_tuptable->vals[i];
		TupleDesc	d = SPI_tuptable->tupdesc;

		topics[i] = TextDatumGetCString(SPI_getbinval(t, d, 1, &is_null));
		payloads[i] = DatumGetJsonbPCopy(SPI_getbinval(t, d, 2, &is_null));
		qos[i] = Min(s->qos, quality(TextDatumGetCString(SPI_getbinval(t, d, 3, &is_null))));
	}
	MemoryContextSwitchTo(old);
	for (uint64 i = 0; i < count && s->ring_id == 0; i++)
	{
		rk_run_sql("SELECT pg_catalog.nextval('rk.topic_message_id')", 0, NULL, NULL, NULL);
		leave_for_role(s, DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &is_null)),
					   topics[i], payloads[i], qos[i]);
	}
	rk_catalog_close(&catalog);
	for (uint64 i = 0; i < count && s->ring_id != 0; i++)
		try_ring(s, payloads[i], qos[i]);
}

/* rk.subscribe(pattern, ring, qos) */
Datum
rk_topic_subscribe(PG_FUNCTION_ARGS)
{
	char	   *pattern = text_argument(fcinfo, 0, "pattern");
	subscriber	s = {.qos = quality(text_argument(fcinfo, 2, "qos")),.role = GetUserId()};
	rk_ring_row row;
	rk_catalog	catalog;
	Oid			types[] = {TEXTOID, INT4OID, OIDOID, TEXTOID};
	Datum		values[4];
	char		nulls[] = {' ', 'n', ' ', ' ', '\0'};
	bool		is_null;
	bool		is_new;

	check_path(pattern, true);
	PreventCommandIfReadOnly("rk.subscribe()");
	if (!PG_ARGISNULL(1))
	{
		char	   *ring = text_to_cstring(PG_GETARG_TEXT_PP(1));

		rk_region_required();
		rk_ring_row_require(ring, &row);
		if (!has_privs_of_role(GetUserId(), row.owner) && !rk_ring_access(row.ring_id, GetUserId(), "send"))
			ereport(ERROR,
					(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
					 errmsg("permission denied for ring \"%s\"", ring)));
		(void) topic_message_type(rk_ring_kernel(row.kernel));
		s.ring_id = row.ring_id;
		s.kernel = row.kernel;
		strlcpy(s.ring, row.name, NAMEDATALEN);
		nulls[1] = ' ';
	}
	values[0] = CStringGetTextDatum(pattern);
	values[1] = Int32GetDatum(s.ring_id);
	values[2] = ObjectIdGetDatum(GetUserId());
	values[3] = CStringGetTextDatum(qualities[s.qos]);
	rk_catalog_open(&catalog);
	/* whoever subscribes again has the same subscription, which is new where no row was there to be changed */
	rk_run_sql("INSERT INTO rk.subscription AS s (pattern, ring_id, role, qos) VALUES ($1, $2, $3::regrole, $4) "
			   "ON CONFLICT (pattern, ring_id, role) DO UPDATE SET qos = excluded.qos RETURNING subscription_id, s.xmax = 0",
			   4, types, values, nulls);
	s.subscription_id = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &is_null));
	is_new = DatumGetBool(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 2, &is_null));
	if (is_new && rk_run_sql("SELECT FROM rk.subscription WHERE pattern = $1", 1, types, values, NULL) > SUBSCRIBERS_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("\"%s\" has %d subscriptions already", pattern, SUBSCRIBERS_MAX)));
	rk_catalog_close(&catalog);
	if (is_new)
		deliver_retained(&s, pattern);
	PG_RETURN_INT64(s.subscription_id);
}

Datum
rk_topic_unsubscribe(PG_FUNCTION_ARGS)
{
	rk_catalog	catalog;
	Oid			types[] = {INT8OID, OIDOID};
	Datum		values[] = {PG_GETARG_DATUM(0), ObjectIdGetDatum(GetUserId())};
	uint64		count;

	rk_catalog_open(&catalog);
	count = rk_run_sql("DELETE FROM rk.subscription WHERE subscription_id = $1 AND pg_catalog.pg_has_role($2, role, 'USAGE')",
					   2, types, values, NULL);
	rk_run_sql("DELETE FROM rk.topic_volatile v WHERE subscription_id = $1 AND NOT EXISTS "
			   "(SELECT FROM rk.subscription s WHERE s.subscription_id = v.subscription_id)", 1, types, values, NULL);
	rk_catalog_close(&catalog);
	if (count == 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("you have no subscription %lld", (long long) PG_GETARG_INT64(0))));
	PG_RETURN_VOID();
}

/* ---- fetching ---- */

bool
rk_topic_subscribed(const char *pattern)
{
	rk_catalog	catalog;
	Oid			types[] = {TEXTOID, OIDOID};
	Datum		values[] = {CStringGetTextDatum(pattern), ObjectIdGetDatum(GetUserId())};
	bool		found;

	rk_catalog_open(&catalog);
	found = rk_run_sql("SELECT FROM rk.subscription WHERE pattern = $1 AND ring_id IS NULL AND role = $2 LIMIT 1", 2, types,
					   values, NULL) > 0;
	rk_catalog_close(&catalog);
	return found;
}

uint64
rk_topic_fetch(const char *pattern, Tuplestorestate *store, TupleDesc desc)
{
	static const char *const commands[] = {
		/* what another transaction is fetching is passed over */
		"WITH due AS (SELECT m.ctid AS place FROM rk.topic_message m JOIN rk.subscription s USING (subscription_id) "
		"WHERE s.pattern = $1 AND s.ring_id IS NULL AND s.role = $2 ORDER BY message_id LIMIT 1000 FOR UPDATE OF m SKIP LOCKED), "
		"gone AS (DELETE FROM rk.topic_message m USING due WHERE m.ctid = due.place RETURNING m.*) "
		"SELECT message_id, topic, payload, sent_at FROM gone ORDER BY message_id",
		"WITH due AS (SELECT m.ctid AS place FROM rk.topic_volatile m JOIN rk.subscription s USING (subscription_id) "
		"WHERE s.pattern = $1 AND s.ring_id IS NULL AND s.role = $2 ORDER BY message_id LIMIT 1000 FOR UPDATE OF m SKIP LOCKED), "
		"gone AS (DELETE FROM rk.topic_volatile m USING due WHERE m.ctid = due.place RETURNING m.*) "
		"SELECT message_id, topic, payload, sent_at FROM gone ORDER BY message_id"
	};
	rk_catalog	catalog;
	Oid			types[] = {TEXTOID, OIDOID};
	Datum		values[] = {CStringGetTextDatum(pattern), ObjectIdGetDatum(GetUserId())};
	uint64		total = 0;

	rk_catalog_open(&catalog);
	for (int c = 0; c < lengthof(commands); c++)
	{
		uint64		count = rk_run_sql(commands[c], 2, types, values, NULL);

		for (uint64 i = 0; i < count; i++)
		{
			HeapTuple	t = SPI_tuptable->vals[i];
			TupleDesc	d = SPI_tuptable->tupdesc;
			bool		is_null;
			Datum		row[5] = {
				SPI_getbinval(t, d, 1, &is_null), (Datum) 0, SPI_getbinval(t, d, 2, &is_null),
				SPI_getbinval(t, d, 3, &is_null), SPI_getbinval(t, d, 4, &is_null)
			};
			bool		nulls[5] = {false, true, false, false, false};

			tuplestore_putvalues(store, desc, row, nulls);
		}
		total += count;
	}
	rk_catalog_close(&catalog);
	return total;
}
