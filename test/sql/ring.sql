-- Ring kernels: life of a ring, messages, errors.
\set VERBOSITY default
SELECT type_id, name, kernel, mutating, reply_type_id, function FROM rk.message_types WHERE kernel = 'core/echo' ORDER BY type_id;
-- no id twice, each in the range of its domain
SELECT count(*) = count(DISTINCT type_id) AS unique_ids FROM rk.message_types;
SELECT type_id, domain FROM rk.message_types
WHERE type_id NOT BETWEEN CASE domain WHEN 'core' THEN 1 WHEN 'graph' THEN 100 WHEN 'ml' THEN 200 WHEN 'compliance' THEN 300
	WHEN 'risk' THEN 400 WHEN 'orderbook' THEN 500 WHEN 'procint' THEN 600 WHEN 'behavioral' THEN 700 WHEN 'banking' THEN 800
	WHEN 'clearing' THEN 900 WHEN 'treasury' THEN 1000 WHEN 'temporal' THEN 1100 WHEN 'accounting' THEN 1200
	WHEN 'payments' THEN 1300 WHEN 'audit' THEN 1400 ELSE -1 END
	AND CASE domain WHEN 'core' THEN 99 ELSE 9999 END;
-- a kernel says that it runs as a ring if and only if it has messages
SELECT id, mode FROM rk.kernels k
WHERE (mode <> 'batch') <> EXISTS (SELECT FROM rk.message_types m WHERE m.kernel = k.id);
-- every typed function exists, says what it does, and sends what the type says
SELECT type_id, function FROM rk.message_types
WHERE function IS NOT NULL AND (SELECT count(*) FROM pg_proc p WHERE 'rk.' || p.proname = function
	AND p.pronamespace = 'rk'::regnamespace AND p.pronargs = jsonb_array_length(request) + 1
	AND obj_description(p.oid, 'pg_proc') = description) <> CASE WHEN request @> '[{"type": "anyelement"}]' THEN 2 ELSE 1 END;

-- life
BEGIN;
SELECT rk.ring_start('core/echo', 'gone');
SELECT rk.ring_core_echo('gone', 1);
ROLLBACK;
SELECT rk.ring_core_echo('gone', 1);
SELECT rk.ring_start('core/echo', 'e');
SELECT rk.ring_core_echo('e', 42);
SELECT name, kernel, state, desired_state, epoch, capacity FROM rk.rings;
SELECT rk.ring_start('core/echo', 'e');
-- (the hint has them all)
\set VERBOSITY terse
SELECT rk.ring_start('core/nothing', 'e');
\set VERBOSITY default
SELECT rk.ring_wait('e', 'asleep');

-- messages
SELECT total, messages FROM rk.ring_core_add('e', 5);
SELECT total, messages FROM rk.ring_core_add('e');
SELECT rk.ring_call('e', 52, '{"amount": 3}') - 'sent_at';
SELECT rk.ring_call('e', 52, '{"amount": "4"}') - 'sent_at';
SELECT sent_at BETWEEN now() - interval '1 minute' AND clock_timestamp() FROM rk.ring_core_total('e');
SELECT rk.ring_send('e', 52, '{"amount": 10}') IS NOT NULL;
SELECT total, messages FROM rk.ring_core_total('e', 5);
SELECT cardinality(rk.ring_send_many('e', 52, ARRAY['{"amount": 1}', '{}']::jsonb[]));
SELECT total, messages FROM rk.ring_core_total('e', 7);
-- a key makes a message count once
SELECT rk.ring_send('e', 52, '{"amount": 100}', key => 'k1') = rk.ring_send('e', 52, '{"amount": 100}', key => 'k1');
SELECT total FROM rk.ring_core_total('e');
SELECT rk.ring_load('e', 'SELECT i AS amount FROM generate_series(1, 1000) i');
SELECT total FROM rk.ring_core_total('e', 1008);
SELECT rk.ring_load('e', '[{"amount": 1}, {"amount": -1}]');
SELECT rk.ring_load('e', 'SELECT 1 AS x');
SELECT sum(rk.ring_core_echo('e', i)) FROM generate_series(1, 10000) i;

-- replies later, in the order of sending
SELECT rk.ring_send('e', 50, jsonb_build_object('value', i), receipt => true) > 0 FROM generate_series(1, 3) i;
SELECT rk.ring_core_echo('e', 0);
SELECT type_id, payload, sent_at <= now() FROM rk.ring_receive('e', '5s') WHERE message_id > 0;
SELECT rk.ring_send('e', 52, '{"amount": 9223372036854775807}', receipt => true) > 0;
SELECT * FROM rk.ring_receive('e', '5s');
SELECT * FROM rk.ring_receive('e');
SELECT rk.ring_send('e', 54, '{"min_messages": 1000000}', receipt => true, deadline => '1s') > 0;
SELECT * FROM rk.ring_receive('e', '20ms');
SELECT * FROM rk.ring_receive('e', '5s');
-- sent if and when the transaction commits
BEGIN;
SELECT rk.ring_send('e', 52, '{"amount": 7}', transactional => true) > 0;
ROLLBACK;
BEGIN;
SELECT rk.ring_send('e', 52, '{"amount": -5}', transactional => true) > 0;
SELECT rk.ring_send('e', 52, '{"amount": 5}', transactional => true) > 0;
COMMIT;
SELECT rk.ring_sync('e');
SELECT total, messages FROM rk.ring_core_total('e', 1013);
SELECT rk.ring_send('e', 52, '{}', transactional => true, key => 'k');

-- measured
SELECT p50_ns > 0 AND p50_ns <= p99_ns AND p99_ns <= max_ns AND per_s > 0 FROM rk.ring_bench('e', 1000);
SELECT per_s > 0 FROM rk.ring_bench('e', 1000, '{"value": 5}', mode => 'send');
SELECT p50_ns > 0 FROM rk.ring_bench('e', 20, mode => 'floor');
SELECT rk.ring_bench('e', 0);
SELECT rk.ring_bench('e', mode => 'guess');
-- by several processes, which share the messages; each sends one more before
SELECT processed AS before FROM rk.stat_ring WHERE name = 'e' \gset
SELECT p50_ns > 0 AND p50_ns <= p99_ns AND p99_ns <= max_ns AND per_s > 0 FROM rk.ring_bench('e', 1001, producers => 2);
SELECT processed - :before AS messages FROM rk.stat_ring WHERE name = 'e';
SELECT per_s > 0 FROM rk.ring_bench('e', 5000, mode => 'send', producers => 2);
SELECT processed - :before AS messages FROM rk.stat_ring WHERE name = 'e';
SELECT rk.ring_bench('e', producers => 0);
SELECT rk.ring_bench('e', producers => 1001);
SELECT rk.ring_bench('e', 3, producers => 4);
SELECT rk.ring_bench('e', producers => NULL);
SELECT rk.ring_bench('e', mode => 'floor', producers => 2);

-- what is wrong is said
SELECT rk.ring_call('e', 53, '{}');
SELECT rk.ring_call('e', 52, '{"amont": 3}');
SELECT rk.ring_call('e', 52, '{"amount": true}');
SELECT rk.ring_call('e', 52, '{"amount": 1e30}');
SELECT rk.ring_call('e', 50, '{}');
SELECT rk.ring_call('e', 50, '{"value": null}');
SELECT rk.ring_call('e', 50, '[]');
SELECT rk.ring_call('e', 50, NULL);
SELECT rk.ring_call(NULL, 50, '{}');
SELECT rk.ring_core_echo('e', NULL);
SELECT rk.ring_call('e', 50, '{"value": 1}', '-1s');
SELECT rk.ring_core_add('e', 9223372036854775807);
SELECT total FROM rk.ring_core_total('e');
-- nobody changes the state from a read-only transaction
BEGIN READ ONLY;
SELECT rk.ring_core_echo('e', 1);
SELECT rk.ring_core_add('e', 1);
ROLLBACK;
-- a reply that does not come in time
SELECT rk.ring_call('e', 54, '{"min_messages": 1000000}', '50ms');
SET rk.timeout = '50ms';
SELECT rk.ring_core_total('e', 1000000);
RESET rk.timeout;
SET statement_timeout = '100ms';
SELECT rk.ring_core_total('e', 1000000);
RESET statement_timeout;
SELECT rk.ring_core_echo('e', 7);
-- a message nobody waits for and nobody can handle
SELECT rk.ring_send('e', 52, '{"amount": 9223372036854775807}') IS NOT NULL;
\getenv abs_srcdir PG_ABS_SRCDIR
\set rings :abs_srcdir '/support/rings.sql'
\set ECHO none
\i :rings
\set ECHO all
SELECT until('SELECT count(*) = 3 FROM rk.dead_letters');
SELECT ring, type_id, payload, reason, attempts, error FROM rk.dead_letters ORDER BY id;

-- suspended, messages wait; resumed, they are handled
SELECT rk.ring_suspend('e');
SELECT rk.ring_wait('e', 'suspended');
SELECT rk.ring_send('e', 52, '{"amount": 1}') IS NOT NULL;
SELECT queue_depth FROM rk.ring_status('e');
SELECT rk.ring_call('e', 50, '{"value": 1}', '50ms');
SELECT rk.ring_resume('e');
SELECT total FROM rk.ring_core_total('e', 1014);

-- the state outlives a stop
SELECT rk.ring_checkpoint('e') > 0;
CREATE TEMP TABLE before AS SELECT rk.ring_checksum('e') AS checksum;
CALL rk.ring_down('e');
SELECT rk.ring_core_echo('e', 1);
SELECT name, state, desired_state FROM rk.rings;
SELECT rk.ring_suspend('e');
CALL rk.ring_up('core/echo', 'e');
SELECT rk.ring_checksum('e') = checksum FROM before;
SELECT epoch, state FROM rk.rings;
SELECT rk.ring_restart('e');
SELECT until('SELECT epoch = 3 AND state = ''active'' FROM rk.rings');
SELECT rk.ring_checksum('e') = checksum FROM before;
SELECT rk.ring_drop('e');

-- options
SELECT rk.ring_start('core/echo', 'o', '{"queue_capacity": 100}');
SELECT rk.ring_start('core/echo', 'o', '{"queue_capasity": 128}');
SELECT rk.ring_start('core/echo', 'o', '{"overflow": "explode"}');
SELECT rk.ring_start('core/echo', 'o', '{"checkpoint_interval": "1 week"}');
SELECT rk.ring_start('core/echo', 'o', '{"device": "tpu"}');
SELECT rk.ring_start('core/echo', 'o', '{"gpu_mode": true}');
SELECT rk.ring_start('graph/degree-centrality', 'o', '{"device": "cuda"}');
SELECT rk.ring_start('core/echo', 'o', '[]');
SELECT rk.ring_start('core/echo', 'o', '{"high_water": 2}');
SELECT rk.ring_start('core/echo', 'o', '{"low_water": 0.9}');
SELECT rk.ring_start('core/echo', 'o', '{"standby": "writes"}');
SELECT rk.ring_start('core/echo', 'o', '{"dlq_size": -1}');
SELECT rk.ring_start('core/echo', 'o', '{"restart_policy": "pray"}');
SELECT rk.ring_start('core/echo', 'o', '{"max_restarts": 1001}');
SELECT rk.ring_start('core/echo', 'o', '{"start_timeout": -1}');
SELECT rk.ring_start('core/echo', 'o', '{"heartbeat_timeout": "10 ms"}');
SELECT rk.ring_start('core/echo', 'o', '{"spin_us": -2}');
SELECT rk.ring_start('core/echo', '');
CALL rk.ring_up('core/echo', 'o', '{"queue_capacity": 16, "overflow": "error", "priority_lanes": false, "checkpoint_interval": "10 s"}');
SELECT rk.ring_suspend('o');
SELECT rk.ring_wait('o', 'suspended');
SELECT count(rk.ring_send('o', 52, '{}')) FROM generate_series(1, 16);
SELECT rk.ring_send('o', 52, '{}');
SELECT rk.ring_configure('o', '{"overflow": "drop", "queue_capacity": 32}');
SELECT until('SELECT epoch = 2 AND capacity = 32 FROM rk.rings WHERE name = ''o''');
SELECT rk.ring_wait('o', 'suspended');
SELECT count(rk.ring_send('o', 52, '{}')) FROM generate_series(1, 40);
SELECT dropped FROM rk.stat_ring WHERE name = 'o';
SELECT rk.ring_configure('o', '{"overflow": "dlq"}');
SELECT until('SELECT epoch = 3 FROM rk.rings WHERE name = ''o''');
SELECT rk.ring_wait('o', 'suspended');
SELECT count(rk.ring_send('o', 52, '{}')) FROM generate_series(1, 40);
SELECT type_id, payload, reason, count(*) FROM rk.dead_letters WHERE ring = 'o' AND reason = 'queue_full' GROUP BY 1, 2, 3;

-- dead letters are sent again, or thrown away
SELECT rk.ring_configure('o', '{"overflow": "block"}');
SELECT rk.ring_resume('o');
SELECT until('SELECT epoch = 4 AND state = ''active'' FROM rk.rings WHERE name = ''o''');
SELECT total, messages FROM rk.ring_core_total('o');
SELECT rk.dlq_replay('o', 'reason = ''queue_full''', 5);
SELECT total, messages FROM rk.ring_core_total('o', 53);
SELECT rk.dlq_purge('o', 'reason = ''queue_full''');
SELECT count(*) FROM rk.dead_letters WHERE ring = 'o' AND reason = 'queue_full';
SELECT rk.dlq_purge('o', 'nonsense');
SELECT rk.ring_suspend('o');
SELECT rk.ring_wait('o', 'suspended');
SELECT count(rk.ring_send('o', 52, '{}')) FROM generate_series(1, 32);

-- rights
CREATE ROLE regress_rk_user;
SET ROLE regress_rk_user;
SELECT rk.ring_start('core/echo', 'mine');
SELECT rk.ring_core_echo('e', 1);
SELECT rk.ring_stop('e');
SELECT * FROM rk.ring_log;
SELECT count(*) FROM rk.dead_letters;
SELECT rk.dlq_purge('o');
RESET ROLE;
SELECT rk.ring_grant('e', 'regress_rk_user', 'send');
SET ROLE regress_rk_user;
SELECT rk.ring_core_echo('e', 1);
SELECT rk.ring_checkpoint('e');
RESET ROLE;
SELECT rk.ring_revoke('e', 'regress_rk_user', 'send');
SET ROLE regress_rk_user;
SELECT rk.ring_core_echo('e', 1);
RESET ROLE;
DROP ROLE regress_rk_user;

-- force throws the queue away, which a restart does not: what nobody waits for is a dead letter
SELECT rk.ring_stop('o', force => true);
SELECT rk.ring_wait('o', 'terminated');
SELECT until('SELECT count(*) = 32 FROM rk.dead_letters WHERE ring = ''o'' AND reason = ''destroyed''');
CALL rk.ring_down('e');
SELECT rk.ring_drop('o'), rk.ring_drop('e');
SELECT * FROM rk.rings;
SELECT count(*) FROM rk.checkpoint;
-- graph actors: loaded from a relation, changed edge by edge
CREATE TABLE wire AS SELECT * FROM (VALUES (1, 2, 5.00), (1, 3, 2.50), (2, 3, 1.00), (3, 1, 4.25), (4, 3, 1.00), (3, 3, 9.99)) w(source, target, weight);
CALL rk.ring_up('graph/degree-centrality', 'd', '{"edges": "wire"}');
CALL rk.ring_up('graph/degree-ratio', 'r', '{"edges": "wire", "kernel": {"source_threshold": 0.5}}');
CALL rk.ring_up('graph/pagerank', 'p', '{"edges": "wire", "damping": 0.85}');
SELECT u, q.* FROM generate_series(1, 5) u, rk.ring_graph_degree_query('d', u) q;
SELECT count(*) FROM rk.graph_degree_centrality('wire') b, rk.ring_graph_degree_query('d', b.node) q
WHERE (b.degree, b.in_degree, b.out_degree, b.score, b.in_score, b.out_score, b.in_edges, b.out_edges, b.in_strength, b.out_strength, b.neighbors)
	= (q.degree, q.in_degree, q.out_degree, q.score, q.in_score, q.out_score, q.in_edges, q.out_edges, q.in_strength, q.out_strength, q.neighbors);
SELECT * FROM rk.ring_graph_edge_update('d', 'add', 5, 1, 0.00000001);
SELECT in_strength FROM rk.ring_graph_degree_query('d', 1);
SELECT * FROM rk.ring_graph_edge_update('d', 'remove', 5, 1, 0.00000001);
SELECT * FROM rk.ring_graph_edge_update('d', 'remove', 5, 1);
SELECT * FROM rk.ring_graph_edge_update('d', 'set_weight', 1, 2, 7);
SELECT * FROM rk.ring_graph_edge_update('d', 'burn', 1, 2);
SELECT * FROM rk.ring_graph_edge_update('d', 'add', 1, 2, -1);
SELECT * FROM rk.ring_graph_edge_update('d', 'add', 1, 2, 1e11);
SELECT * FROM rk.ring_graph_edge_update('d', 'add', 1, 2, 92233720368.54775807);
SELECT * FROM rk.ring_graph_degree_top('d', 2, 'in');
SELECT * FROM rk.ring_graph_degree_top('d', 0);
SELECT u, q.* FROM generate_series(1, 5) u, rk.ring_graph_degree_ratio_query('r', u) q;
SELECT * FROM rk.ring_graph_role_counts('r');
SELECT converged, delta < 1e-9 AS small FROM rk.ring_graph_pagerank_converge('p', 1e-9);
SELECT count(*) FROM rk.graph_pagerank('wire', tolerance => 1e-9) b, rk.ring_graph_pagerank_query('p', b.node) q
WHERE abs(b.score - q.score) < 1e-8 AND q.converged;
SELECT version, num_nodes, num_edges FROM rk.ring_graph_pagerank_edge('p', 'add', 9, 1);
SELECT converged FROM rk.ring_graph_pagerank_query('p', 1, min_version => 7);
SELECT iteration > 5, converged FROM rk.ring_graph_pagerank_iterate('p');
SELECT node, score > 0 FROM rk.ring_graph_pagerank_top('p', 2);
SELECT * FROM rk.ring_graph_pagerank_control('p', 'reset');
SELECT * FROM rk.ring_graph_pagerank_control('p', 'compact');
SELECT * FROM rk.ring_graph_pagerank_control('p', 'polish');
-- ids of other types
CALL rk.ring_up('graph/pagerank', 'iban', '{"id_type": "text", "edges": "SELECT ''A'' || source AS source, ''A'' || target AS target FROM wire"}');
SELECT * FROM rk.ring_graph_pagerank_edge('iban', 'add', 'A1', 'A7');
SELECT node FROM rk.ring_graph_pagerank_top('iban', NULL::text, 10) ORDER BY node;
SELECT * FROM rk.ring_graph_pagerank_top('iban');
SELECT * FROM rk.ring_graph_pagerank_top('iban', 3::bigint);
SELECT * FROM rk.ring_graph_pagerank_query('p', 'A1');
SELECT * FROM rk.ring_graph_pagerank_edge('p', 'add', uuid '00000000-0000-0000-0000-000000000001', uuid '00000000-0000-0000-0000-000000000002');
CALL rk.ring_down('iban');
SELECT rk.ring_drop('iban');
-- nodes without edges, and where a teleport leads to
SELECT * FROM rk.ring_graph_pagerank_node('p', 'add', 77);
SELECT * FROM rk.ring_graph_pagerank_personalize('p', 77, 2.5);
SELECT * FROM rk.ring_graph_pagerank_personalize('p', 78, 2.5);
SELECT * FROM rk.ring_graph_pagerank_personalize('p', 77, -1);
SELECT converged FROM rk.ring_graph_pagerank_converge('p', 1e-12, 1000);
SELECT round(score::numeric, 9) FROM rk.ring_graph_pagerank_query('p', 77);
SELECT * FROM rk.ring_graph_pagerank_node('p', 'remove', 77);
SELECT * FROM rk.ring_graph_pagerank_query('p', 77);
SELECT * FROM rk.ring_graph_node_update('r', 'add', 77);
SELECT classification FROM rk.ring_graph_degree_ratio_query('r', 77);
SELECT isolated FROM rk.ring_graph_role_counts('r');
SELECT * FROM rk.ring_graph_node_update('r', 'remove', 77);
CALL rk.ring_up('graph/pagerank', 'both', '{"edges": "wire", "nodes": "SELECT 5 AS node", "personalization": "SELECT * FROM (VALUES (5, 1), (2, 3)) p(node, value)", "directed": false, "auto_converge": true, "tolerance": 1e-12}');
SELECT until('SELECT converged FROM rk.ring_graph_pagerank_query(''both'', 5)');
SELECT count(*) FROM rk.graph_pagerank('wire', nodes => 'SELECT 5 AS node', personalization => 'SELECT * FROM (VALUES (5, 1), (2, 3)) p(node, value)', directed => false, tolerance => 1e-12) b,
	rk.ring_graph_pagerank_query('both', b.node) q WHERE abs(b.score - q.score) < 1e-10;
CALL rk.ring_down('both');
SELECT rk.ring_drop('both');
SELECT * FROM rk.ring_graph_pagerank_converge('p', max_iterations => 0);
SELECT rk.ring_start('graph/pagerank', 'q', '{"damping": 1}');
SELECT rk.ring_start('graph/degree-ratio', 'q', '{"basis": "luck"}');
-- a ring that cannot come up says why
SELECT rk.ring_start('graph/pagerank', 'q', '{"edges": "nowhere"}');
SELECT until('SELECT state = ''failed'' FROM rk.rings WHERE name = ''q''');
SELECT last_error FROM rk.rings WHERE name = 'q';
SELECT * FROM rk.ring_graph_pagerank_iterate('q');
CREATE TEMP TABLE sums AS SELECT name, rk.ring_checksum(name) AS checksum FROM rk.rings WHERE name <> 'q';
CALL rk.ring_down('d');
CALL rk.ring_down('r');
CALL rk.ring_down('p');
CALL rk.ring_down('q');
SELECT rk.ring_start(kernel, name) FROM rk.ring WHERE name <> 'q' ORDER BY name;
SELECT count(*) FROM sums WHERE rk.ring_wait(name) AND rk.ring_checksum(name) = checksum;
CALL rk.ring_down('d');
CALL rk.ring_down('r');
CALL rk.ring_down('p');
SELECT rk.ring_drop(name) FROM rk.ring;
-- rows of tables as messages
CREATE TABLE payment (payer int, payee int, amount numeric, status text);
INSERT INTO payment VALUES (1, 2, 10, 'booked'), (2, 3, 20, 'draft');
CALL rk.ring_up('graph/degree-centrality', 'd');
SELECT rk.ring_attach('d', 'payment', '{"fields": {"source": "payer", "target": "nobody"}}');
SELECT rk.ring_attach('d', 'payment', '{"fields": {"source": "payer", "sauce": "payee"}}');
SELECT rk.ring_attach('d', 'payment', '{"fields": {"source": "payer"}}');
SELECT rk.ring_attach('d', 'payment', '{"on": ["truncate"]}');
SELECT rk.ring_attach('d', 'payment', '{"type": "DegreeQuery"}');
SELECT rk.ring_attach('d', 'payment', '{"colour": "blue"}');
SELECT rk.ring_attach('d', 'payment', '{"on_backlog": "panic", "fields": {"source": "payer", "target": "payee"}}');
SELECT rk.ring_attach('d', 'payment', '{"priority": "utmost", "fields": {"source": "payer", "target": "payee"}}');
SELECT rk.ring_attach('nothing', 'payment', '{}');
SELECT rk.ring_attach('d', 'payment', '{"on": ["insert", "update", "delete"], "when": "new.status = ''booked''", "backfill": true,
	"fields": {"source": "payer", "target": "payee", "weight": "amount * 2"}}') > 0;
SELECT rk.ring_sync('d');
SELECT u, in_strength, out_strength FROM generate_series(1, 3) u, rk.ring_graph_degree_query('d', u);
BEGIN;
INSERT INTO payment VALUES (1, 3, 1, 'booked');
SAVEPOINT s;
INSERT INTO payment VALUES (1, 4, 1, 'booked');
ROLLBACK TO s;
COMMIT;
BEGIN;
INSERT INTO payment VALUES (1, 5, 1, 'booked');
ROLLBACK;
SELECT rk.ring_sync('d');
SELECT u, out_strength FROM generate_series(1, 5) u, rk.ring_graph_degree_query('d', u);
UPDATE payment SET amount = 100 WHERE payee = 3 AND payer = 1;
DELETE FROM payment WHERE payee = 2;
SELECT version, num_nodes, out_strength FROM rk.ring_graph_degree_query('d', 1, min_version => 5);
INSERT INTO payment VALUES (NULL, 1, 1, 'booked');
SELECT ring, relation, type_id, backlog FROM rk.attachments;
SELECT rk.ring_detach(attachment_id) FROM rk.attachments;
INSERT INTO payment VALUES (8, 9, 1, 'booked');
SELECT rk.ring_sync('d');
SELECT rk.ring_detach(0);
SELECT rk.ring_attach('d', 'payment', '{"fields": {"source": "payer", "target": "payee"}}') > 0;
CALL rk.ring_down('d');
SELECT rk.ring_drop('d');
SELECT count(*) FROM pg_trigger WHERE tgrelid = 'payment'::regclass;
SELECT count(*) FROM rk.attachment;
-- the host has left: the database can be dropped
SELECT until('SELECT count(*) = 0 FROM pg_stat_activity WHERE backend_type = ''rk host'' AND datname = current_database()');
DROP TABLE wire, payment;
DROP FUNCTION until(text);
