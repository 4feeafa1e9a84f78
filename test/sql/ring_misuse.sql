-- What a user does wrong with rings, and what the ring says to it.
\set VERBOSITY default

-- a default stands for NULL, in every way to send
CALL rk.ring_up('core/echo', 'm');
SELECT total FROM rk.ring_core_add('m', NULL);
SELECT rk.ring_call('m', 52, '{"amount": null}') -> 'total' AS total;
SELECT rk.ring_load('m', 'SELECT NULL::bigint AS amount');
SELECT total, messages FROM rk.ring_core_total('m', NULL);
SELECT rk.ring_call('m', 52, '{"amount": "one"}');
CALL rk.ring_up('graph/degree-ratio', 'g');
SELECT num_edges FROM rk.ring_graph_edge_update('g', 'add', 1, 2, NULL);
CALL rk.ring_up('graph/degree-centrality', 'd');
SELECT num_edges FROM rk.ring_graph_edge_update('d', 'add', 1, 2);
SELECT node FROM rk.ring_graph_degree_top('d', NULL::uuid);
SELECT node FROM rk.ring_graph_degree_top('d', NULL::bigint);
SELECT neighbor_degree_variance IS NOT NULL AS with_variance FROM rk.ring_graph_degree_ratio_query('g', 1, NULL, NULL);

-- what is no relation
SELECT rk.ring_load('m', 'nowhere');
SELECT rk.ring_load('m', 'DELETE FROM rk.ring');
SELECT rk.ring_load('m', $$SELECT 'x' AS amount$$);
CALL rk.ring_up('graph/degree-ratio', 'h', '{"edges": "nowhere"}');
CALL rk.ring_up('graph/degree-ratio', 'i', $${"edges": "VALUES ('DE1', 'FR2')"}$$);
CALL rk.ring_up('graph/degree-ratio', 'j', $${"edges": "SELECT 'DE1' AS source, 'FR2' AS target"}$$);
SELECT state IN ('failed', 'launching', 'restoring') AS down, last_error FROM rk.rings WHERE name = 'j';

-- ids of another type: the hint works
SELECT rk.ring_graph_edge_update('g', 'add', 'DE1', 'FR2');
CALL rk.ring_down('g'); SELECT rk.ring_reset('g'), rk.ring_configure('g', '{"id_type": "text"}'); SELECT rk.ring_start(kernel, name) FROM rk.ring WHERE name = 'g';
SELECT num_edges FROM rk.ring_graph_edge_update('g', 'add', 'DE1', 'FR2');
SELECT rk.ring_checkpoint('g') > 0 AS written;
-- and an option that does not go with the state is no corrupt checkpoint
SELECT rk.ring_configure('g', '{"id_type": "uuid"}');
SELECT rk.ring_wait('g', 'failed');
SELECT last_error FROM rk.rings WHERE name = 'g';
SELECT rk.ring_configure('g', '{"id_type": "text"}');
SELECT rk.ring_wait('g');
SELECT num_edges FROM rk.ring_graph_role_counts('g');
-- nor is one that the memory is not enough for
CALL rk.ring_up('graph/degree-ratio', 'k', '{"edges": "SELECT i AS source, i + 1 AS target FROM generate_series(1, 100000) i"}');
SELECT rk.ring_checkpoint('k') > 0 AS written;
SELECT rk.ring_configure('k', '{"memory_limit": 2000000}');
SELECT rk.ring_wait('k', 'failed');
SELECT last_error FROM rk.rings WHERE name = 'k';
SELECT rk.ring_configure('k', '{"memory_limit": null}');
SELECT rk.ring_wait('k');
SELECT num_edges FROM rk.ring_graph_role_counts('k');

-- a mapping is wrong when it is made, not when somebody writes to the table
CREATE TABLE misuse (amount bigint, label text, price money, at bigint, id uuid);
SELECT rk.ring_attach('m', 'misuse', '{"type": "EchoAdd", "fields": {"amount": "label"}}');
SELECT rk.ring_attach('m', 'misuse', '{"type": "EchoAdd", "fields": {"amount": "label || ''1''"}}');
SELECT rk.ring_attach('m', 'misuse', '{"type": "EchoAdd", "fields": {"amount": "price"}}');
CALL rk.ring_up('compliance/reciprocity-flow', 'r');
SELECT rk.ring_attach('r', 'misuse', '{"fields": {"source": "id", "target": "label", "amount": "amount", "ts": "at"}}');
SELECT rk.ring_attach('r', 'misuse', '{"fields": {"source": "id", "target": "label", "amount": "amount", "ts": "amount > 1"}}');
SELECT rk.ring_attach('r', 'misuse', '{"fields": {"source": "id", "target": "label", "amount": "amount", "ts": "to_timestamp(at)"}}') > 0 AS attached;
SELECT relation FROM rk.attachments;
-- what has not one value for one row
SELECT rk.ring_attach('m', 'misuse', '{"type": "EchoAdd", "fields": {"amount": "sum(new.at)"}}');
SELECT rk.ring_attach('m', 'misuse', '{"type": "EchoAdd", "fields": {"amount": "rank() OVER (ORDER BY at)"}}');
SELECT rk.ring_attach('m', 'misuse', '{"type": "EchoAdd", "fields": {"amount": "generate_series(1, 3)"}}');
SELECT rk.ring_attach('m', 'misuse', '{"type": "EchoAdd", "fields": {"amount": "1), (2"}}');
SELECT rk.ring_attach('m', 'misuse', '{"type": "EchoAdd", "fields": {"amount": "0"}, "when": "count(*) > 1"}');
SELECT rk.route_add(52, 'm', 'max(amount) > 1');
SELECT rk.ring_attach('m', 'misuse', '{"type": "EchoAdd", "fields": {"amount": "(SELECT count(*) FROM pg_database WHERE false)"}}') > 0 AS attached;

-- a table that is dropped is attached no more
DROP TABLE misuse;
SELECT relation FROM rk.attachments;

-- one that is altered is read as it is now
CREATE TABLE altered (amount bigint, note text);
CALL rk.ring_up('core/echo', 'a');
SELECT rk.ring_attach('a', 'altered') > 0 AS attached;
INSERT INTO altered VALUES (1);
ALTER TABLE altered ALTER amount TYPE numeric;
INSERT INTO altered VALUES (2);
ALTER TABLE altered ALTER amount TYPE int;
INSERT INTO altered VALUES (4);
ALTER TABLE altered DROP amount;
ALTER TABLE altered ADD amount bigint;
INSERT INTO altered VALUES ('', 8);
ALTER TABLE altered RENAME TO renamed;
INSERT INTO renamed VALUES ('', 16);
ALTER TABLE renamed ALTER amount TYPE text;
INSERT INTO renamed VALUES ('', '32');
SELECT rk.ring_sync('a');
SELECT total, messages FROM rk.ring_core_total('a');
DROP TABLE renamed;

-- waiting for what cannot come
SELECT rk.ring_wait('nobody');
SELECT rk.ring_wait('nobody', 'terminated');
SELECT rk.ring_wait('m', 'suspended', '0');
SELECT rk.ring_wait('m', 'active', '1 month');
BEGIN;
SELECT rk.ring_start('core/echo', 'later');
SELECT rk.ring_wait('later');
ROLLBACK;
BEGIN;
SELECT rk.ring_suspend('m');
SELECT rk.ring_wait('m', 'suspended');
ROLLBACK;
SELECT rk.delivery(rk.ring_send('m', 52, '{}', deadline => '1000 years', receipt => true)) IS NOT NULL AS known;
SELECT total FROM rk.ring_core_add('m', 0);
SELECT (rk.ring_receive('m', '1 hour')).payload -> 'total' AS total;

-- options of a ring that is there already
SELECT rk.ring_start('core/echo', 'm', '{"queue_capacity": 16, "message_timeout": "5 s"}');
SELECT rk.ring_start('core/echo', 'm');
SELECT options FROM rk.rings WHERE name = 'm';
SELECT rk.ring_start('core/echo', 'n', '{"kernel": {"no": 1}}');
CALL rk.ring_down('m');
SELECT rk.ring_configure('m', '{"message_timeout": "5 s"}');

-- a day and a month are told apart whatever the settings of those who write and read
SET datestyle = 'SQL, DMY';
SELECT rk.ring_call('a', 54, '{}') ->> 'sent_at' ~ '^\d{4}-\d\d-\d\dT' AS iso;
RESET datestyle;

-- rights
CREATE ROLE misuser;
SET ROLE misuser;
SELECT rk.ring_suspend('r');
RESET ROLE;
SELECT rk.ring_grant('r', 'misuser', 'send');
SET ROLE misuser;
SELECT rk.ring_sync('r') IS NOT NULL AS synced;
SELECT rk.ring_checkpoint('r');
RESET ROLE;
SELECT rk.ring_revoke('r', 'misuser', 'send'), rk.ring_grant('r', 'misuser', 'control');
SET ROLE misuser;
SELECT rk.ring_checkpoint('r') > 0 AS written, rk.ring_checksum('r') IS NOT NULL AS summed, rk.ring_sync('r') IS NOT NULL AS synced;
SELECT rk.ring_compliance_reciprocity_query('r', 1, 2);
RESET ROLE;
-- who controls a ring may not have it read what its owner may read
SELECT rk.ring_grant('k', 'misuser', 'control');
SET ROLE misuser;
SELECT rk.ring_configure('k', '{"edges": "SELECT oid AS source, oid AS target FROM pg_authid"}');
SELECT rk.ring_configure('k', '{"kernel": {"edges": null}}');
SELECT rk.ring_configure('k', '{"max_hops": 4}');
SELECT ring, role, access FROM rk.ring_grants ORDER BY ring;
RESET ROLE;
SELECT rk.ring_wait('k');
SELECT ring, role, access FROM rk.ring_grants ORDER BY ring;
SELECT rk.ring_revoke('k', 'misuser', 'control'), rk.ring_revoke('r', 'misuser', 'control');
DROP ROLE misuser;

-- in a transaction that reads only
BEGIN READ ONLY;
SELECT rk.ring_suspend('r');
ROLLBACK;
BEGIN READ ONLY;
SELECT rk.ring_configure('r', '{}');
ROLLBACK;
BEGIN READ ONLY;
SELECT rk.ring_grant('r', current_user::regrole, 'send');
ROLLBACK;

-- dead letters of nothing
SELECT rk.dlq_purge('r', NULL);
SELECT rk.dlq_replay(NULL);

-- a ring goes to another owner, before the role is dropped or after it
CREATE ROLE misuse_one;
CREATE ROLE misuse_two;
GRANT misuse_one TO misuse_two;
CREATE TABLE owned (total bigint);
GRANT INSERT ON owned TO misuse_one, misuse_two;
SET ROLE misuse_two;
SELECT rk.ring_change_owner('a', 'misuse_two');
RESET ROLE;
SELECT rk.ring_change_owner('a', 'misuse_one');
SELECT rk.ring_wait('a');
SELECT rk.ring_output('a', 'EchoAdded', 'owned') > 0 AS written;
-- whose words are another's in later versions
\set VERBOSITY sqlstate
SET ROLE misuse_one;
SELECT rk.ring_change_owner('a', 'misuse_two');
RESET ROLE;
\set VERBOSITY default
SET ROLE misuse_two;
SELECT rk.ring_change_owner('a', 'misuse_two');
RESET ROLE;
SELECT rk.ring_wait('a');
REVOKE ALL ON owned FROM misuse_one;
DROP ROLE misuse_one;
SELECT total FROM rk.ring_core_add('a', 1);
SELECT * FROM owned;
SELECT rk.ring_change_owner('a', current_user::regrole);
SELECT rk.ring_change_owner('a', '-');
SELECT rk.ring_wait('a');
DROP TABLE owned;
DROP ROLE misuse_two;

-- every function answers to nothing but NULLs
DO $$
DECLARE
	f record;
BEGIN
	FOR f IN SELECT p.oid::regprocedure AS signature, format('SELECT rk.%I(%s)', proname, (SELECT string_agg('NULL::' ||
			CASE WHEN t::regtype::text IN ('anyelement', 'anycompatible') THEN 'bigint' WHEN t::regtype::text IN ('anyarray', 'anycompatiblearray') THEN 'bigint[]'
				WHEN t = 'record'::regtype THEN 'pg_class' ELSE t::regtype::text END, ', ' ORDER BY o) FROM unnest(proargtypes::oid[]) WITH ORDINALITY u (t, o))) AS call
		FROM pg_proc p WHERE pronamespace = 'rk'::regnamespace AND NOT proisstrict AND prokind = 'f' AND pronargs > 0
			AND prorettype <> 'trigger'::regtype AND 'internal'::regtype <> ALL (proargtypes::oid[])
		ORDER BY 1
	LOOP
		BEGIN
			EXECUTE f.call;
		EXCEPTION
			-- null, invalid, or of two forms that NULLs do not tell apart
			WHEN null_value_not_allowed OR invalid_parameter_value OR ambiguous_function THEN NULL;
			WHEN OTHERS THEN RAISE NOTICE '%: % %', f.signature, SQLSTATE, SQLERRM;
		END;
	END LOOP;
END
$$;

SELECT count(rk.ring_stop(name)) FROM rk.rings WHERE desired_state <> 'stopped';
SELECT count(*) FROM rk.rings WHERE NOT rk.ring_wait(name, 'terminated');
SELECT count(rk.ring_drop(name)) FROM rk.rings;
