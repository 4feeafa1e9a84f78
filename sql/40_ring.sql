/* Ring kernels: actors with state in background workers, fed through shared memory. */

CREATE TYPE rk.priority AS ENUM ('low', 'normal', 'high', 'critical', 'realtime');
COMMENT ON TYPE rk.priority IS 'priority of a message';

CREATE TYPE rk.delivery_status AS ENUM ('pending', 'delivered', 'not_found', 'queue_full', 'timeout', 'max_hops_exceeded',
	'tenant_mismatch', 'expired', 'dead_lettered');
COMMENT ON TYPE rk.delivery_status IS 'what became of a message';

/* ---- what should run ---- */

CREATE TABLE rk.ring (
	ring_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	name text NOT NULL UNIQUE CHECK (name <> '' AND octet_length(name) < 64),
	kernel text NOT NULL,
	owner regrole NOT NULL,
	tenant text,
	options jsonb NOT NULL DEFAULT '{}',
	desired_state text NOT NULL DEFAULT 'running'
		CHECK (desired_state IN ('running', 'suspended', 'stopped', 'killed')),
	drain_timeout interval,
	restarts integer NOT NULL DEFAULT 0,
	epoch integer NOT NULL DEFAULT 0,
	created_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE rk.ring IS 'rings of this database and what is wanted of them; changed by rk.ring_start and its like';

CREATE TABLE rk.ring_access (
	ring_id integer NOT NULL REFERENCES rk.ring ON DELETE CASCADE,
	role regrole NOT NULL,
	access text NOT NULL CHECK (access IN ('send', 'control')),
	PRIMARY KEY (ring_id, role, access)
);
COMMENT ON TABLE rk.ring_access IS 'who may use a ring beside its owner';

/* ---- what a crash must not take away ---- */

CREATE TABLE rk.checkpoint (
	checkpoint_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	ring_id integer NOT NULL REFERENCES rk.ring ON DELETE CASCADE,
	taken_at timestamptz NOT NULL DEFAULT clock_timestamp(),
	apply_seq bigint NOT NULL,
	epoch integer NOT NULL,
	format_version integer NOT NULL,
	kernel_version integer NOT NULL,
	bytes bigint NOT NULL,
	crc32c bigint NOT NULL
);
CREATE INDEX ON rk.checkpoint (ring_id, checkpoint_id);
COMMENT ON TABLE rk.checkpoint IS 'states of rings, the newest ones of each';

CREATE TABLE rk.checkpoint_chunk (
	checkpoint_id bigint NOT NULL REFERENCES rk.checkpoint ON DELETE CASCADE,
	n integer NOT NULL,
	data bytea NOT NULL,
	PRIMARY KEY (checkpoint_id, n)
);
ALTER TABLE rk.checkpoint_chunk ALTER data SET STORAGE EXTERNAL;
COMMENT ON TABLE rk.checkpoint_chunk IS 'bytes of checkpoints';

CREATE TABLE rk.attachment (
	attachment_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	ring_id integer NOT NULL REFERENCES rk.ring ON DELETE CASCADE,
	relation regclass NOT NULL,
	type_id integer NOT NULL,
	mapping jsonb NOT NULL,
	created_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE rk.attachment IS 'tables whose rows become messages';

CREATE SEQUENCE rk.ring_journal_id;
/* No index: rows live for milliseconds, and a look at all of them is a look at few. */
CREATE TABLE rk.ring_journal (
	id bigint NOT NULL,
	ring_id integer NOT NULL,
	xid xid8 NOT NULL,
	type_id integer NOT NULL,
	priority smallint NOT NULL,
	hops smallint NOT NULL DEFAULT 0,
	sent_at_ns bigint NOT NULL,
	role regrole NOT NULL,
	payload bytea NOT NULL
);
COMMENT ON TABLE rk.ring_journal IS 'messages written by transactions, until their ring takes them in';

/* No foreign key: it would ask for the ring of every row; the host asks once a transaction, rk.ring_drop deletes. */
CREATE TABLE rk.ring_log (
	ring_id integer NOT NULL,
	apply_seq bigint NOT NULL,
	type_id integer NOT NULL,
	priority smallint NOT NULL,
	hops smallint NOT NULL DEFAULT 0,
	message_id bigint NOT NULL,
	sent_at_ns bigint NOT NULL,
	role regrole NOT NULL,
	payload bytea NOT NULL,
	key bytea,
	refused boolean NOT NULL DEFAULT false,
	PRIMARY KEY (ring_id, apply_seq)
);
COMMENT ON TABLE rk.ring_log IS 'messages that a ring applies again after a crash, since its oldest checkpoint';

CREATE TABLE rk.ring_output (
	output_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	ring_id integer NOT NULL REFERENCES rk.ring ON DELETE CASCADE,
	attachment_id bigint REFERENCES rk.attachment ON DELETE CASCADE,
	type_id integer NOT NULL,
	relation regclass,
	channel text,
	topic text,
	destination integer REFERENCES rk.ring ON DELETE CASCADE,
	mapping jsonb,
	after_seq bigint,
	created_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE rk.ring_output IS 'where records of rings go: tables, channels, other rings';

CREATE TABLE rk.ring_position (
	ring_id integer PRIMARY KEY REFERENCES rk.ring ON DELETE CASCADE,
	output_seq bigint NOT NULL
);
COMMENT ON TABLE rk.ring_position IS 'up to which message of its log the records of a ring are written, and its messages to other rings';

CREATE TABLE rk.subscription (
	subscription_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	pattern text NOT NULL,
	ring_id integer REFERENCES rk.ring ON DELETE CASCADE,
	role regrole NOT NULL,
	qos text NOT NULL CHECK (qos IN ('at_most_once', 'at_least_once', 'exactly_once')),
	created_at timestamptz NOT NULL DEFAULT now(),
	UNIQUE NULLS NOT DISTINCT (pattern, ring_id, role)
);
COMMENT ON TABLE rk.subscription IS 'who gets what is published to topics: rings, and roles that fetch it';

CREATE SEQUENCE rk.topic_message_id;
CREATE TABLE rk.topic_message (
	message_id bigint NOT NULL,
	subscription_id bigint NOT NULL REFERENCES rk.subscription ON DELETE CASCADE,
	topic text NOT NULL,
	payload jsonb NOT NULL,
	sent_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX ON rk.topic_message (subscription_id, message_id);
COMMENT ON TABLE rk.topic_message IS 'messages that a role has not fetched yet';

CREATE UNLOGGED TABLE rk.topic_volatile (LIKE rk.topic_message INCLUDING ALL);
COMMENT ON TABLE rk.topic_volatile IS 'the same for messages that may be lost: the newest ones of each subscription';

CREATE TABLE rk.topic_retained (
	topic text PRIMARY KEY,
	payload jsonb NOT NULL,
	qos text NOT NULL,
	sent_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE rk.topic_retained IS 'last messages of topics, for those who subscribe later';

CREATE TABLE rk.route (
	route_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	type_id integer NOT NULL,
	ring_id integer NOT NULL REFERENCES rk.ring ON DELETE CASCADE,
	condition text,
	role regrole NOT NULL,
	created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX ON rk.route (type_id);
COMMENT ON TABLE rk.route IS 'which ring gets messages of a type that rk.dispatch sends';

CREATE TABLE rk.fanout (
	fanout_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	name text NOT NULL UNIQUE CHECK (name <> '' AND octet_length(name) < 64),
	owner regrole NOT NULL,
	created_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE rk.fanout IS 'named sets of rings for rk.broadcast';

CREATE TABLE rk.fanout_ring (
	fanout_id integer NOT NULL REFERENCES rk.fanout ON DELETE CASCADE,
	ring_id integer NOT NULL REFERENCES rk.ring ON DELETE CASCADE,
	PRIMARY KEY (fanout_id, ring_id)
);
COMMENT ON TABLE rk.fanout_ring IS 'rings of the sets in rk.fanout';

CREATE TABLE rk.k2k_link (
	source integer NOT NULL REFERENCES rk.ring ON DELETE CASCADE,
	destination integer NOT NULL REFERENCES rk.ring ON DELETE CASCADE,
	allowed boolean NOT NULL,
	PRIMARY KEY (source, destination)
);
COMMENT ON TABLE rk.k2k_link IS
'which rings may send to which, and may not; where it says nothing, those of the same owner or tenant may';

CREATE TABLE rk.dead_letter (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	ring_id integer NOT NULL REFERENCES rk.ring ON DELETE CASCADE,
	type_id integer NOT NULL,
	payload jsonb NOT NULL,
	reason text NOT NULL CHECK (reason IN ('max_retries', 'not_found', 'queue_full', 'expired', 'destroyed', 'rejected',
		'invalid', 'hop_limit')),
	attempts integer NOT NULL,
	message_id bigint NOT NULL,
	correlation_id bigint,
	tenant text,
	role regrole NOT NULL,
	priority smallint NOT NULL,
	error text,
	sqlstate text,
	journal_id bigint,
	arrived_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX ON rk.dead_letter (ring_id, id);
COMMENT ON TABLE rk.dead_letter IS 'messages without a waiting sender that could not be handled; options dlq_size and dlq_age say how many are kept and how long';

/* A role that is named in one of them cannot be dropped. */
CREATE FUNCTION rk.role_row() RETURNS trigger
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'rk_role_row';
COMMENT ON FUNCTION rk.role_row() IS 'trigger that lets the roles named in a column depend on it';
REVOKE EXECUTE ON FUNCTION rk.role_row() FROM PUBLIC;
CREATE TRIGGER role_row AFTER INSERT OR DELETE OR UPDATE OF owner ON rk.ring
	FOR EACH ROW EXECUTE FUNCTION rk.role_row('owner');
CREATE TRIGGER role_row AFTER INSERT OR DELETE OR UPDATE OF role ON rk.ring_access
	FOR EACH ROW EXECUTE FUNCTION rk.role_row('role');
CREATE TRIGGER role_row AFTER INSERT OR DELETE OR UPDATE OF role ON rk.subscription
	FOR EACH ROW EXECUTE FUNCTION rk.role_row('role');
CREATE TRIGGER role_row AFTER INSERT OR DELETE OR UPDATE OF role ON rk.route
	FOR EACH ROW EXECUTE FUNCTION rk.role_row('role');
CREATE TRIGGER role_row AFTER INSERT OR DELETE OR UPDATE OF owner ON rk.fanout
	FOR EACH ROW EXECUTE FUNCTION rk.role_row('owner');

SELECT pg_catalog.pg_extension_config_dump('rk.ring', '');
SELECT pg_catalog.pg_extension_config_dump('rk.ring_ring_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('rk.ring_access', '');
SELECT pg_catalog.pg_extension_config_dump('rk.checkpoint', '');
SELECT pg_catalog.pg_extension_config_dump('rk.checkpoint_checkpoint_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('rk.checkpoint_chunk', '');
SELECT pg_catalog.pg_extension_config_dump('rk.attachment', '');
SELECT pg_catalog.pg_extension_config_dump('rk.attachment_attachment_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('rk.ring_journal', '');
SELECT pg_catalog.pg_extension_config_dump('rk.ring_journal_id', '');
SELECT pg_catalog.pg_extension_config_dump('rk.ring_log', '');
SELECT pg_catalog.pg_extension_config_dump('rk.ring_output', '');
SELECT pg_catalog.pg_extension_config_dump('rk.ring_output_output_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('rk.ring_position', '');
SELECT pg_catalog.pg_extension_config_dump('rk.subscription', '');
SELECT pg_catalog.pg_extension_config_dump('rk.subscription_subscription_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('rk.topic_message', '');
SELECT pg_catalog.pg_extension_config_dump('rk.topic_message_id', '');
SELECT pg_catalog.pg_extension_config_dump('rk.topic_retained', '');
SELECT pg_catalog.pg_extension_config_dump('rk.route', '');
SELECT pg_catalog.pg_extension_config_dump('rk.route_route_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('rk.fanout', '');
SELECT pg_catalog.pg_extension_config_dump('rk.fanout_fanout_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('rk.fanout_ring', '');
SELECT pg_catalog.pg_extension_config_dump('rk.k2k_link', '');
SELECT pg_catalog.pg_extension_config_dump('rk.dead_letter', '');
SELECT pg_catalog.pg_extension_config_dump('rk.dead_letter_id_seq', '');

/* ---- control ---- */

CREATE FUNCTION rk.ring_start(kernel text, name text DEFAULT NULL, options jsonb DEFAULT '{}') RETURNS text
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'rk_ring_start';
COMMENT ON FUNCTION rk.ring_start(text, text, jsonb) IS
'creates a ring of a kernel, or lets a stopped one run again, when the transaction commits; returns its name';

CREATE FUNCTION rk.ring_want(name text, state text, timeout interval DEFAULT NULL) RETURNS void
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'rk_ring_want';
COMMENT ON FUNCTION rk.ring_want(text, text, interval) IS
'what rk.ring_stop, rk.ring_drain, rk.ring_suspend, rk.ring_resume and rk.ring_restart do';

CREATE FUNCTION rk.ring_stop(name text, force boolean DEFAULT false) RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
BEGIN ATOMIC
	SELECT rk.ring_want(name, CASE WHEN force THEN 'killed' ELSE 'stopped' END);
END;
COMMENT ON FUNCTION rk.ring_stop(text, boolean) IS
'stops a ring when the transaction commits: it works off its queue, or with force does not, and writes a checkpoint';

CREATE FUNCTION rk.ring_drain(name text, timeout interval DEFAULT NULL) RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
BEGIN ATOMIC
	SELECT rk.ring_want(name, 'stopped', timeout);
END;
COMMENT ON FUNCTION rk.ring_drain(text, interval) IS
'stops a ring that works off its queue for at most the timeout (rk.drain_timeout)';

CREATE FUNCTION rk.ring_suspend(name text) RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
BEGIN ATOMIC
	SELECT rk.ring_want(name, 'suspended');
END;
COMMENT ON FUNCTION rk.ring_suspend(text) IS 'lets messages queue up without handling them';

CREATE FUNCTION rk.ring_resume(name text) RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
BEGIN ATOMIC
	SELECT rk.ring_want(name, 'running');
END;
COMMENT ON FUNCTION rk.ring_resume(text) IS 'ends rk.ring_suspend';

CREATE FUNCTION rk.ring_restart(name text) RETURNS void
LANGUAGE sql VOLATILE PARALLEL UNSAFE
BEGIN ATOMIC
	SELECT rk.ring_want(name, 'restart');
END;
COMMENT ON FUNCTION rk.ring_restart(text) IS
'stops a ring without working off its queue and starts it again, a failed one too';

CREATE FUNCTION rk.ring_configure(name text, options jsonb) RETURNS void
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'rk_ring_configure';
COMMENT ON FUNCTION rk.ring_configure(text, jsonb) IS 'changes options of a ring, which restarts';

CREATE FUNCTION rk.ring_drop(name text) RETURNS void
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'rk_ring_drop';
COMMENT ON FUNCTION rk.ring_drop(text) IS 'removes a stopped ring with its checkpoints, attachments and log';

CREATE FUNCTION rk.ring_reset(name text) RETURNS void
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'rk_ring_reset';
COMMENT ON FUNCTION rk.ring_reset(text) IS 'removes checkpoints and log of a stopped ring: it begins with an empty state';

CREATE FUNCTION rk.ring_allow(name text, role regrole, access text, allow boolean) RETURNS void
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'rk_ring_allow';
COMMENT ON FUNCTION rk.ring_allow(text, regrole, text, boolean) IS 'what rk.ring_grant and rk.ring_revoke do';

CREATE FUNCTION rk.ring_grant(name text, role regrole, access text) RETURNS void
LANGUAGE sql VOLATILE STRICT PARALLEL UNSAFE
BEGIN ATOMIC
	SELECT rk.ring_allow(name, role, access, true);
END;
COMMENT ON FUNCTION rk.ring_grant(text, regrole, text) IS 'lets a role send messages to a ring, or control it';

CREATE FUNCTION rk.ring_revoke(name text, role regrole, access text) RETURNS void
LANGUAGE sql VOLATILE STRICT PARALLEL UNSAFE
BEGIN ATOMIC
	SELECT rk.ring_allow(name, role, access, false);
END;
COMMENT ON FUNCTION rk.ring_revoke(text, regrole, text) IS 'undoes rk.ring_grant';

CREATE FUNCTION rk.ring_change_owner(name text, role regrole) RETURNS void
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'rk_ring_change_owner';
COMMENT ON FUNCTION rk.ring_change_owner(text, regrole) IS
'gives a ring to another role, of which you must be a member; it restarts, and does everything as that role';

CREATE VIEW rk.ring_grants WITH (security_barrier) AS
SELECT r.name AS ring, a.role, a.access
FROM rk.ring_access a JOIN rk.ring r USING (ring_id)
WHERE pg_has_role(r.owner, 'USAGE') OR a.role = 0 OR pg_has_role(a.role, 'USAGE');
COMMENT ON VIEW rk.ring_grants IS 'who may send to your rings and control them, and which rings you may';

CREATE FUNCTION rk.ring_wait(name text, state text DEFAULT 'active', timeout interval DEFAULT '10s') RETURNS boolean
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'rk_ring_wait';
COMMENT ON FUNCTION rk.ring_wait(text, text, interval) IS 'waits until a ring is in a state; false when it is not in time';

CREATE FUNCTION rk.ring_checkpoint(name text) RETURNS bigint
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'rk_ring_checkpoint';
COMMENT ON FUNCTION rk.ring_checkpoint(text) IS 'writes a checkpoint of a ring now and returns its number';

CREATE FUNCTION rk.ring_restore(name text, checkpoint_id bigint) RETURNS void
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'rk_ring_restore';
COMMENT ON FUNCTION rk.ring_restore(text, bigint) IS
'lets a stopped or suspended ring begin with the state of one of its checkpoints (rk.checkpoints); messages since then are passed over';

CREATE FUNCTION rk.checkpoint_export(checkpoint_id bigint) RETURNS bytea
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'rk_checkpoint_export';
COMMENT ON FUNCTION rk.checkpoint_export(bigint) IS 'a checkpoint as bytes, for rk.checkpoint_import';

CREATE FUNCTION rk.checkpoint_import(name text, data bytea) RETURNS bigint
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'rk_checkpoint_import';
COMMENT ON FUNCTION rk.checkpoint_import(text, bytea) IS
'lets a stopped or suspended ring begin with an exported checkpoint of the same kernel; returns its number';

CREATE FUNCTION rk.ring_replace(name text, device text) RETURNS void
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'rk_ring_replace';
COMMENT ON FUNCTION rk.ring_replace(text, text) IS 'what rk.ring_upgrade and rk.ring_migrate do';

CREATE FUNCTION rk.ring_upgrade(name text) RETURNS void
LANGUAGE sql VOLATILE STRICT PARALLEL UNSAFE
BEGIN ATOMIC
	SELECT rk.ring_replace(name, NULL);
END;
COMMENT ON FUNCTION rk.ring_upgrade(text) IS
'writes a checkpoint in the format of the library that is loaded, and starts the ring from it when the transaction commits; what is in its queue stays';

CREATE FUNCTION rk.ring_migrate(name text, device text) RETURNS void
LANGUAGE sql VOLATILE STRICT PARALLEL UNSAFE
BEGIN ATOMIC
	SELECT rk.ring_replace(name, device);
END;
COMMENT ON FUNCTION rk.ring_migrate(text, text) IS
'moves a ring to a device (rk.devices), where it goes on; what is in its queue stays, and if it cannot the ring goes on where it was';

CREATE FUNCTION rk.ring_checksum(name text) RETURNS bytea
LANGUAGE C VOLATILE STRICT PARALLEL RESTRICTED
AS 'MODULE_PATHNAME', 'rk_ring_checksum';
COMMENT ON FUNCTION rk.ring_checksum(text) IS 'a checksum of the state of a ring, the same after a restart';

/* A ring that fails is started again after a second, and has another chance. */
CREATE PROCEDURE rk.ring_up(kernel text, name text DEFAULT NULL, options jsonb DEFAULT '{}')
LANGUAGE plpgsql AS $$
DECLARE
	ring text;
	found record;
	failures integer := 0;
BEGIN
	ring := rk.ring_start(kernel, name, options);
	COMMIT;
	FOR i IN 1 .. 20 LOOP
		EXIT WHEN rk.ring_wait(ring, timeout => '0.5 s');
		SELECT r.state, r.last_error INTO found FROM rk.rings r WHERE r.name OPERATOR(pg_catalog.=) ring;
		failures := CASE WHEN found.state OPERATOR(pg_catalog.=) 'failed' THEN failures OPERATOR(pg_catalog.+) 1 ELSE 0 END;
		IF i OPERATOR(pg_catalog.=) 20 OR failures OPERATOR(pg_catalog.=) 4 THEN
			RAISE EXCEPTION 'ring "%" did not come up', ring
				USING DETAIL = coalesce(found.last_error, pg_catalog.format('Its state is "%s".', found.state));
		END IF;
	END LOOP;
END
$$;
COMMENT ON PROCEDURE rk.ring_up(text, text, jsonb) IS 'rk.ring_start, commits, and waits until the ring is active';

CREATE PROCEDURE rk.ring_down(name text)
LANGUAGE plpgsql AS $$
BEGIN
	PERFORM rk.ring_stop(name);
	COMMIT;
	IF NOT rk.ring_wait(name, 'terminated', '1 minute') THEN
		RAISE EXCEPTION 'ring "%" did not stop in time', name;
	END IF;
END
$$;
COMMENT ON PROCEDURE rk.ring_down(text) IS 'rk.ring_stop, commits, and waits until the ring has stopped';

/* ---- messages ---- */

CREATE FUNCTION rk.ring_call(name text, type_id integer, payload jsonb, timeout interval DEFAULT NULL) RETURNS jsonb
LANGUAGE C VOLATILE PARALLEL UNSAFE COST 100
AS 'MODULE_PATHNAME', 'rk_ring_call';
COMMENT ON FUNCTION rk.ring_call(text, integer, jsonb, interval) IS
'sends a message (rk.message_types) to a ring and returns its reply';

CREATE FUNCTION rk.ring_send(name text, type_id integer, payload jsonb, priority rk.priority DEFAULT NULL,
	deadline interval DEFAULT NULL, key text DEFAULT NULL, transactional boolean DEFAULT false,
	receipt boolean DEFAULT false) RETURNS bigint
LANGUAGE C VOLATILE PARALLEL UNSAFE COST 100
AS 'MODULE_PATHNAME', 'rk_ring_send';
COMMENT ON FUNCTION rk.ring_send(text, integer, jsonb, rk.priority, interval, text, boolean, boolean) IS
'sends a message to a ring without waiting for a reply and returns its id; a key makes repeats within 5 minutes return the id of the first; a transactional message is sent if and when the transaction commits; with a receipt the reply can be had by rk.ring_receive';

CREATE FUNCTION rk.ring_receive(name text, timeout interval DEFAULT NULL,
	OUT message_id bigint, OUT type_id integer, OUT topic text, OUT payload jsonb, OUT sent_at timestamptz)
RETURNS SETOF record
LANGUAGE C VOLATILE PARALLEL UNSAFE COST 100 ROWS 10
AS 'MODULE_PATHNAME', 'rk_ring_receive';
COMMENT ON FUNCTION rk.ring_receive(text, interval) IS
'replies that have come to messages this session sent to a ring with a receipt, or what was published to a pattern that you have subscribed to; waits for the first one until the timeout';

CREATE FUNCTION rk.ring_send_many(name text, type_id integer, payloads jsonb[]) RETURNS bigint[]
LANGUAGE C VOLATILE PARALLEL UNSAFE COST 100
AS 'MODULE_PATHNAME', 'rk_ring_send_many';
COMMENT ON FUNCTION rk.ring_send_many(text, integer, jsonb[]) IS 'sends messages to a ring without waiting for replies';

CREATE FUNCTION rk.delivery(message_id bigint) RETURNS rk.delivery_status
LANGUAGE C VOLATILE STRICT PARALLEL RESTRICTED
AS 'MODULE_PATHNAME', 'rk_message_delivery';
COMMENT ON FUNCTION rk.delivery(bigint) IS
'what became of a message that was sent with a receipt; null: it was not, or rk.receipts_kept others have come since';

CREATE FUNCTION rk.ring_load(name text, query text) RETURNS bigint
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE COST 10000
AS 'MODULE_PATHNAME', 'rk_ring_load';
COMMENT ON FUNCTION rk.ring_load(text, text) IS
'sends every row of a relation to a ring, as the message that its kernel is loaded with; returns the number of rows';

CREATE FUNCTION rk.ring_bench(name text, messages bigint DEFAULT 100000, payload jsonb DEFAULT NULL, mode text DEFAULT 'call',
	producers integer DEFAULT 1, OUT p50_ns double precision, OUT p90_ns double precision, OUT p99_ns double precision,
	OUT p999_ns double precision, OUT max_ns double precision, OUT per_s double precision)
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'rk_ring_bench';
COMMENT ON FUNCTION rk.ring_bench(text, bigint, jsonb, text, integer) IS
'measures messages to a ring: call (with reply), send (without), or floor, what two processes can do at all; several producers, background workers, share the messages';

/* ---- messages by their type ---- */

CREATE FUNCTION rk.route_add(type_id integer, ring text, condition text DEFAULT NULL) RETURNS bigint
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'rk_route_add';
COMMENT ON FUNCTION rk.route_add(integer, text, text) IS
'lets a ring have messages of a type that rk.dispatch sends, those that meet a condition on their fields; of several rings, one by a hash of the first id; returns the number of the route';

CREATE FUNCTION rk.route_drop(route_id bigint) RETURNS void
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'rk_route_drop';
COMMENT ON FUNCTION rk.route_drop(bigint) IS 'undoes rk.route_add';

CREATE FUNCTION rk.dispatch(type_id integer, payload jsonb) RETURNS bigint
LANGUAGE C VOLATILE PARALLEL UNSAFE COST 100
AS 'MODULE_PATHNAME', 'rk_route_dispatch';
COMMENT ON FUNCTION rk.dispatch(integer, jsonb) IS
'sends a message to the ring that a route says; returns its number';

CREATE FUNCTION rk.tally(kind integer, id bigint) RETURNS bigint[]
LANGUAGE C VOLATILE STRICT PARALLEL RESTRICTED
AS 'MODULE_PATHNAME', 'rk_tally_counts';
COMMENT ON FUNCTION rk.tally(integer, bigint) IS 'counters behind rk.routes, rk.dispatch_stats, rk.fanouts and rk.topics';

CREATE VIEW rk.dispatch_stats AS
SELECT n[1] AS dispatched, n[2] AS delivered, n[3] AS unknown_type, n[4] AS delivery_errors
FROM rk.tally(0, 0) n;
COMMENT ON VIEW rk.dispatch_stats IS
'what rk.dispatch has done in this database since the server was started: messages with a route, those a queue took, those without a route, those a queue did not take';

/* ---- messages to several rings ---- */

CREATE FUNCTION rk.fanout_create(name text, rings text[]) RETURNS void
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'rk_fanout_create';
COMMENT ON FUNCTION rk.fanout_create(text, text[]) IS 'names a set of rings for rk.broadcast';

CREATE FUNCTION rk.fanout_add(name text, ring text) RETURNS void
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'rk_fanout_add';
COMMENT ON FUNCTION rk.fanout_add(text, text) IS 'adds a ring to a fan-out';

CREATE FUNCTION rk.fanout_remove(name text, ring text) RETURNS void
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'rk_fanout_remove';
COMMENT ON FUNCTION rk.fanout_remove(text, text) IS 'takes a ring out of a fan-out';

CREATE FUNCTION rk.fanout_drop(name text) RETURNS void
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'rk_fanout_drop';
COMMENT ON FUNCTION rk.fanout_drop(text) IS 'forgets a fan-out; its rings stay';

CREATE FUNCTION rk.broadcast(name text, type_id integer, payload jsonb, wait text DEFAULT 'all',
	OUT ring text, OUT status rk.delivery_status, OUT latency_ns bigint) RETURNS SETOF record
LANGUAGE C VOLATILE PARALLEL UNSAFE COST 1000 ROWS 10
AS 'MODULE_PATHNAME', 'rk_fanout_broadcast';
COMMENT ON FUNCTION rk.broadcast(text, integer, jsonb, text) IS
'sends a message to all rings of a fan-out, and waits until none, any, all or a number of them have handled it';

CREATE FUNCTION rk.ring_iterate(rings text[], type_id integer, tolerance double precision DEFAULT 1e-6,
	max_iterations integer DEFAULT 100, OUT iterations integer, OUT final_delta double precision, OUT converged boolean,
	OUT reached_max boolean)
LANGUAGE C VOLATILE PARALLEL UNSAFE COST 10000
AS 'MODULE_PATHNAME', 'rk_ring_iterate';
COMMENT ON FUNCTION rk.ring_iterate(text[], integer, double precision, integer) IS
'sends rings that work together one message after the other, all at the same time, until the sum of the changes that they answer is at most the tolerance';

CREATE FUNCTION rk.k2k_allow(source text, destination text, allowed boolean DEFAULT true) RETURNS void
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'rk_k2k_allow';
COMMENT ON FUNCTION rk.k2k_allow(text, text, boolean) IS
'lets a ring send to another, or not; with null it depends on their owners and tenants again';

/* ---- messages from tables ---- */

CREATE FUNCTION rk.ring_journal_row() RETURNS trigger
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'rk_ring_journal_row';
COMMENT ON FUNCTION rk.ring_journal_row() IS 'trigger of rk.ring_attach: writes a row as a message into the journal';

CREATE FUNCTION rk.ring_attach(name text, relation regclass, mapping jsonb DEFAULT '{}') RETURNS bigint
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'rk_ring_attach';
COMMENT ON FUNCTION rk.ring_attach(text, regclass, jsonb) IS
'makes rows that are inserted, updated or deleted in a table messages of a ring when their transaction commits, each exactly once; returns the number of the attachment';

CREATE FUNCTION rk.ring_detach(attachment_id bigint) RETURNS void
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'rk_ring_detach';
COMMENT ON FUNCTION rk.ring_detach(bigint) IS 'undoes rk.ring_attach; messages that were written stay';

CREATE FUNCTION rk.ring_sync(name text) RETURNS bigint
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'rk_ring_sync';
COMMENT ON FUNCTION rk.ring_sync(text) IS
'waits until a ring has applied all messages of transactions that have committed; returns the number of the last one';

CREATE VIEW rk.attachments AS
SELECT a.attachment_id, r.name AS ring, a.relation, a.type_id, a.mapping,
	(SELECT count(*) FROM rk.ring_journal j WHERE j.ring_id = a.ring_id) AS backlog, a.created_at
FROM rk.attachment a JOIN rk.ring r USING (ring_id)
WHERE EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.oid = a.relation);
COMMENT ON VIEW rk.attachments IS
'tables that feed rings; backlog is the number of committed messages that their ring has not taken in';

/* ---- what rings publish ---- */

CREATE FUNCTION rk.ring_output(name text, record text DEFAULT NULL, relation regclass DEFAULT NULL,
	channel text DEFAULT NULL, topic text DEFAULT NULL) RETURNS bigint
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'rk_ring_output';
COMMENT ON FUNCTION rk.ring_output(text, text, regclass, text, text) IS
'writes records of a ring into a table, each exactly once, notifies a channel of them, publishes them to a topic; returns the number of the output';

CREATE FUNCTION rk.ring_link(source text, record text, destination text, mapping jsonb DEFAULT '{}') RETURNS bigint
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'rk_ring_link';
COMMENT ON FUNCTION rk.ring_link(text, text, text, jsonb) IS
'makes records of a ring messages of another ring, each exactly once; returns the number of the output';

CREATE FUNCTION rk.ring_output_drop(output_id bigint) RETURNS void
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'rk_ring_output_drop';
COMMENT ON FUNCTION rk.ring_output_drop(bigint) IS 'undoes rk.ring_output or rk.ring_link; what was written stays';

/* ---- topics ---- */

CREATE FUNCTION rk.topic_matches(pattern text, topic text) RETURNS boolean
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'rk_topic_matches';
COMMENT ON FUNCTION rk.topic_matches(text, text) IS
'whether a topic such as a/b/c meets a pattern: * is one level, # at the end the rest';

CREATE FUNCTION rk.publish(topic text, payload jsonb, qos text DEFAULT 'at_most_once', retained boolean DEFAULT false)
RETURNS bigint
LANGUAGE C VOLATILE PARALLEL UNSAFE COST 1000
AS 'MODULE_PATHNAME', 'rk_topic_publish';
COMMENT ON FUNCTION rk.publish(text, jsonb, text, boolean) IS
'hands a message to all who have subscribed to its topic, with qos exactly_once if and when the transaction commits; one that is retained is there for later subscribers; returns its number';

CREATE FUNCTION rk.subscribe(pattern text, ring text DEFAULT NULL, qos text DEFAULT 'at_most_once') RETURNS bigint
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'rk_topic_subscribe';
COMMENT ON FUNCTION rk.subscribe(text, text, text) IS
'lets a ring, or with rk.ring_receive yourself, have what is published to topics that meet a pattern; returns the number of the subscription';

CREATE FUNCTION rk.unsubscribe(subscription_id bigint) RETURNS void
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'rk_topic_unsubscribe';
COMMENT ON FUNCTION rk.unsubscribe(bigint) IS 'undoes rk.subscribe; what was not fetched is gone';

CREATE VIEW rk.subscriptions WITH (security_barrier) AS
SELECT s.subscription_id, s.pattern, (SELECT r.name FROM rk.ring r WHERE r.ring_id = s.ring_id) AS ring, s.role, s.qos,
	(SELECT count(*) FROM rk.topic_message m WHERE m.subscription_id = s.subscription_id)
	+ (SELECT count(*) FROM rk.topic_volatile m WHERE m.subscription_id = s.subscription_id) AS waiting, s.created_at
FROM rk.subscription s
WHERE pg_has_role(s.role, 'USAGE');
COMMENT ON VIEW rk.subscriptions IS 'your subscriptions, and how many messages you have not fetched';

CREATE VIEW rk.topics AS
SELECT k.topic, (SELECT count(*) FROM rk.subscription s WHERE rk.topic_matches(s.pattern, k.topic)) AS subscribers,
	n[1] AS published, (SELECT count(*) FROM rk.topic_retained r WHERE r.topic = k.topic) AS retained, n[2] AS lagged
FROM (SELECT topic FROM rk.topic_retained UNION SELECT topic FROM rk.topic_message UNION SELECT topic FROM rk.topic_volatile
	UNION SELECT pattern FROM rk.subscription WHERE pattern !~ '[*#]') k (topic), rk.tally(3, hashtextextended(k.topic, 0)) n;
COMMENT ON VIEW rk.topics IS
'topics that have subscribers of their own, waiting or retained messages; published and lagged (lost by subscribers that did not fetch them) since the server was started';

/* ---- what runs ---- */

CREATE FUNCTION rk.ring_list(
	OUT ring_id integer, OUT state text, OUT epoch integer, OUT host_pid integer, OUT queue_depth bigint,
	OUT capacity bigint, OUT lanes integer[], OUT processed bigint, OUT failed bigint, OUT expired bigint,
	OUT dropped bigint, OUT rejected bigint, OUT dead_lettered bigint, OUT in_flight bigint,
	OUT replies_sent bigint, OUT replies_dropped bigint, OUT avg_ns double precision, OUT min_ns bigint,
	OUT max_ns bigint, OUT p50_ns double precision, OUT p90_ns double precision, OUT p99_ns double precision,
	OUT p999_ns double precision, OUT bytes bigint, OUT apply_seq bigint, OUT journal_backlog bigint,
	OUT last_checkpoint timestamptz, OUT checkpoint_bytes bigint, OUT checkpoint_ms bigint,
	OUT restarts integer, OUT last_error text, OUT last_error_at timestamptz, OUT started_at timestamptz,
	OUT heartbeat_age double precision, OUT memory_bytes bigint, OUT high_water boolean, OUT output_seq bigint,
	OUT retried bigint,
	OUT device text, OUT device_reason text
) RETURNS SETOF record
LANGUAGE C VOLATILE PARALLEL RESTRICTED COST 100 ROWS 10
AS 'MODULE_PATHNAME', 'rk_ring_list';
COMMENT ON FUNCTION rk.ring_list() IS 'rows of the views rk.rings and rk.stat_ring: the rings of this database that run';

CREATE VIEW rk.rings AS
SELECT r.ring_id, r.name, r.kernel, r.owner, r.tenant,
	coalesce(l.state, CASE WHEN r.desired_state IN ('running', 'suspended') THEN 'pending' ELSE 'terminated' END) AS state,
	CASE WHEN r.desired_state = 'killed' THEN 'stopped' ELSE r.desired_state END AS desired_state,
	r.epoch, l.host_pid, l.queue_depth, l.capacity, l.last_error,
	CASE WHEN l.ring_id IS NOT NULL AND pg_is_in_recovery() THEN clock_timestamp() - pg_last_xact_replay_timestamp() END AS replay_lag,
	r.options, r.created_at
FROM rk.ring r LEFT JOIN rk.ring_list() l USING (ring_id);
COMMENT ON VIEW rk.rings IS 'rings of this database and their state';

CREATE VIEW rk.stat_ring AS
SELECT r.name, r.kernel, l.state, l.epoch, l.host_pid, l.queue_depth, l.capacity, l.lanes, l.processed, l.failed,
	l.expired, l.dropped, l.rejected, l.dead_lettered, l.retried, l.in_flight, l.replies_sent, l.replies_dropped, l.avg_ns,
	l.min_ns, l.max_ns, l.p50_ns, l.p90_ns, l.p99_ns, l.p999_ns, l.bytes, l.apply_seq, l.output_seq, l.journal_backlog,
	l.last_checkpoint, l.checkpoint_bytes, l.checkpoint_ms, l.restarts, l.last_error, l.last_error_at,
	clock_timestamp() - l.started_at AS uptime, l.heartbeat_age * interval '1 second' AS heartbeat_age,
	l.memory_bytes, l.high_water, l.device, r.tenant, l.device_reason
FROM rk.ring r JOIN rk.ring_list() l USING (ring_id);
COMMENT ON VIEW rk.stat_ring IS
'what running rings have done since they were started: messages, latencies from sending to the reply, checkpoints';

CREATE FUNCTION rk.ring_status(name text DEFAULT NULL) RETURNS SETOF rk.rings
LANGUAGE sql VOLATILE PARALLEL RESTRICTED
BEGIN ATOMIC
	SELECT s.* FROM rk.rings s WHERE ring_status.name IS NULL OR s.name = ring_status.name;
END;
COMMENT ON FUNCTION rk.ring_status(text) IS 'rows of rk.rings: one ring, or all';

CREATE FUNCTION rk.ring_control(name text) RETURNS jsonb
LANGUAGE C VOLATILE STRICT PARALLEL RESTRICTED
AS 'MODULE_PATHNAME', 'rk_ring_control';
COMMENT ON FUNCTION rk.ring_control(text) IS 'the control block of a running ring as it lies in shared memory';

CREATE FUNCTION rk.message_type_list(
	OUT type_id integer, OUT name text, OUT domain text, OUT kernel text, OUT mutating boolean,
	OUT request jsonb, OUT reply_type_id integer, OUT reply jsonb, OUT function text, OUT description text,
	OUT published boolean
) RETURNS SETOF record
LANGUAGE C STABLE PARALLEL SAFE COST 100 ROWS 100
AS 'MODULE_PATHNAME', 'rk_message_type_list';
COMMENT ON FUNCTION rk.message_type_list() IS 'rows of the view rk.message_types, from the descriptions in the library';

CREATE VIEW rk.message_types AS
SELECT type_id, name, domain, kernel, mutating, request, reply_type_id, reply, function, description, published
FROM rk.message_type_list();
COMMENT ON VIEW rk.message_types IS
'messages that ring kernels understand, or publish, their fields and typed functions';

CREATE VIEW rk.routes AS
SELECT t.route_id, t.type_id, m.name AS message, r.name AS ring, t.condition, t.role, n[1] AS dispatched,
	n[2] AS delivered, n[4] AS delivery_errors, t.created_at
FROM rk.route t JOIN rk.ring r USING (ring_id) LEFT JOIN rk.message_types m USING (type_id), rk.tally(1, t.route_id) n;
COMMENT ON VIEW rk.routes IS
'routes of rk.dispatch; counters since the server was started';

CREATE VIEW rk.fanouts AS
SELECT f.name, f.owner, ARRAY(SELECT r.name FROM rk.fanout_ring m JOIN rk.ring r USING (ring_id)
	WHERE m.fanout_id = f.fanout_id ORDER BY r.name) AS destinations, n[1] AS broadcasts, n[2] AS delivered,
	n[3] AS targets, f.created_at
FROM rk.fanout f, rk.tally(2, f.fanout_id) n;
COMMENT ON VIEW rk.fanouts IS
'sets of rings; broadcasts since the server was started, rings of the last one, and how many had handled it when it returned';

CREATE VIEW rk.outputs AS
SELECT o.output_id, r.name AS ring, coalesce(m.name, q.name || 'Reply') AS record, o.type_id, o.relation, o.channel, o.topic,
	d.name AS destination, o.mapping, p.output_seq, o.created_at
FROM rk.ring_output o JOIN rk.ring r USING (ring_id)
	LEFT JOIN rk.message_types m ON m.type_id = o.type_id
	LEFT JOIN rk.message_types q ON q.reply_type_id = o.type_id
	LEFT JOIN rk.ring d ON d.ring_id = o.destination
	LEFT JOIN rk.ring_position p ON p.ring_id = o.ring_id;
COMMENT ON VIEW rk.outputs IS
'where records of rings go; output_seq is the message of the log up to which they are written';

CREATE VIEW rk.checkpoints WITH (security_barrier) AS
SELECT c.checkpoint_id, r.name AS ring, c.taken_at, c.apply_seq, c.epoch, c.format_version, c.kernel_version, c.bytes
FROM rk.checkpoint c JOIN rk.ring r USING (ring_id)
WHERE pg_has_role(r.owner, 'USAGE');
COMMENT ON VIEW rk.checkpoints IS 'checkpoints of your own rings';

/* One table, so that rows can be deleted through it. */
CREATE VIEW rk.dead_letters WITH (security_barrier) AS
SELECT d.id, (SELECT r.name FROM rk.ring r WHERE r.ring_id = d.ring_id) AS ring, d.type_id, d.payload, d.reason,
	d.attempts, d.message_id, d.correlation_id, d.tenant, d.role,
	(CASE WHEN d.priority < 64 THEN 'low' WHEN d.priority < 128 THEN 'normal' WHEN d.priority < 192 THEN 'high'
		WHEN d.priority < 255 THEN 'critical' ELSE 'realtime' END)::rk.priority AS priority,
	d.error, d.sqlstate, d.journal_id, d.arrived_at
FROM rk.dead_letter d
WHERE EXISTS (SELECT FROM rk.ring r WHERE r.ring_id = d.ring_id AND pg_has_role(r.owner, 'USAGE'));
COMMENT ON VIEW rk.dead_letters IS 'dead letters of your own rings';

/* A name that is misspelt has no dead letters either, and a filter that is null means none of them. */
CREATE FUNCTION rk.dlq_check(ring text, filter text) RETURNS void
LANGUAGE C STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'rk_dlq_check';
COMMENT ON FUNCTION rk.dlq_check(text, text) IS 'an error where there is no such ring';

CREATE FUNCTION rk.dlq_purge(ring text, filter text DEFAULT 'true', max_rows bigint DEFAULT NULL) RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE AS $$
DECLARE
	purged bigint;
BEGIN
	PERFORM rk.dlq_check(ring, filter);
	EXECUTE pg_catalog.format('DELETE FROM rk.dead_letters WHERE id IN (SELECT id FROM rk.dead_letters '
		'WHERE ring OPERATOR(pg_catalog.=) %L AND (%s) ORDER BY id LIMIT %L)', ring, filter, max_rows);
	GET DIAGNOSTICS purged = ROW_COUNT;
	RETURN purged;
END
$$;
COMMENT ON FUNCTION rk.dlq_purge(text, text, bigint) IS
'removes dead letters of a ring that meet a condition on the columns of rk.dead_letters; returns their number';

/* Those that were changed in the queue have no message that could be sent; they stay. */
CREATE FUNCTION rk.dlq_replay(ring text, filter text DEFAULT 'true', max_rows bigint DEFAULT NULL) RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE AS $$
DECLARE
	letter record;
	replayed bigint := 0;
BEGIN
	PERFORM rk.dlq_check(ring, filter);
	FOR letter IN EXECUTE pg_catalog.format('WITH gone AS (DELETE FROM rk.dead_letters WHERE id IN (SELECT id FROM rk.dead_letters '
		'WHERE ring OPERATOR(pg_catalog.=) %L AND (%s) AND reason OPERATOR(pg_catalog.<>) ''invalid'' ORDER BY id LIMIT %L) '
		'RETURNING id, type_id, payload, priority) '
		'SELECT g.type_id, g.payload, g.priority, m.mutating FROM gone g LEFT JOIN rk.message_types m USING (type_id) '
		'ORDER BY g.id', ring, filter, max_rows)
	LOOP
		PERFORM rk.ring_send(ring, letter.type_id, letter.payload, letter.priority, transactional => letter.mutating);
		replayed := replayed OPERATOR(pg_catalog.+) 1;
	END LOOP;
	RETURN replayed;
END
$$;
COMMENT ON FUNCTION rk.dlq_replay(text, text, bigint) IS
'sends dead letters of a ring again, oldest first, and removes them, both when the transaction commits; returns their number';

REVOKE EXECUTE ON FUNCTION rk.ring_start(text, text, jsonb), rk.checkpoint_import(text, bytea),
	rk.publish(text, jsonb, text, boolean), rk.subscribe(text, text, text), rk.route_add(integer, text, text),
	rk.fanout_create(text, text[]) FROM PUBLIC;
GRANT DELETE ON rk.dead_letters TO PUBLIC;
GRANT SELECT ON rk.ring, rk.rings, rk.ring_grants, rk.stat_ring, rk.message_types, rk.dead_letters, rk.attachments, rk.outputs, rk.checkpoints, rk.subscriptions,
	rk.routes, rk.dispatch_stats, rk.fanouts TO PUBLIC;
