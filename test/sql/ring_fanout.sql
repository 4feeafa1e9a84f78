-- messages to several rings, and from ring to ring
\getenv abs_srcdir PG_ABS_SRCDIR
\set rings :abs_srcdir '/support/rings.sql'
\set ECHO none
\i :rings
\set ECHO all
CALL rk.ring_up('core/echo', 'a', '{"queue_capacity": 16, "priority_lanes": false}');
CALL rk.ring_up('core/echo', 'b');
CALL rk.ring_up('core/echo', 'c');

-- fan-outs
SELECT rk.fanout_create('all', ARRAY['a', 'b', 'nobody']);
SELECT rk.fanout_create('all', ARRAY['a', 'b', 'a']);
SELECT rk.fanout_create('all', ARRAY['a', NULL]);
SELECT rk.fanout_create('', '{}');
SELECT rk.fanout_create('all', ARRAY['a', 'b']);
SELECT rk.fanout_create('all', ARRAY['a']);
SELECT rk.fanout_add('all', 'c');
SELECT rk.fanout_add('all', 'c');
SELECT rk.fanout_add('some', 'c');
SELECT rk.fanout_remove('all', 'nobody');
SELECT ring, status, latency_ns > 0 AS measured FROM rk.broadcast('all', 52, '{"amount": 5}');
SELECT r, t.total FROM unnest('{a,b,c}'::text[]) r, rk.ring_core_total(r) t;
SELECT name, owner::text, destinations, broadcasts, delivered, targets FROM rk.fanouts;
SELECT ring, status, latency_ns FROM rk.broadcast('all', 52, '{"amount": 1}', 'none');
SELECT count(*) FILTER (WHERE status = 'delivered') >= 1 AS one, count(*) FROM rk.broadcast('all', 52, '{"amount": 1}', 'any');
SELECT count(*) FILTER (WHERE status = 'delivered') >= 2 AS two, count(*) FROM rk.broadcast('all', 52, '{"amount": 1}', '2');
SELECT r, t.total FROM unnest('{a,b,c}'::text[]) r, rk.ring_core_total(r, 4) t;
-- replies that nobody has fetched leave no room for the answers: then nothing is sent at all
SELECT count(rk.ring_send('a', 50, '{"value": 1}', receipt => true)) FROM generate_series(1, 62);
SELECT rk.broadcast('all', 52, '{"amount": 1}');
SELECT rk.ring_iterate('{a,b,c}', 52);
SELECT count(*) = 3 AS sent FROM rk.broadcast('all', 52, '{"amount": 0}', 'none');
SELECT r, t.total, t.messages FROM unnest('{a,b,c}'::text[]) r, rk.ring_core_total(r, 5) t;
DO $$ BEGIN FOR i IN 1 .. 62 LOOP PERFORM rk.ring_receive('a', '5s'); END LOOP; END $$;
-- what is wrong with one of them is not the others' business
SELECT rk.ring_suspend('a');
SELECT rk.ring_wait('a', 'suspended');
SELECT count(rk.ring_send('a', 52, '{"amount": 0}')) FROM generate_series(1, 15);
CALL rk.ring_down('b');
SET rk.timeout = '200ms';
SELECT ring, status, latency_ns > 0 AS measured FROM rk.broadcast('all', 52, '{"amount": 1}');
SELECT ring, status, latency_ns > 0 AS measured FROM rk.broadcast('all', 52, '{"amount": 1}', '1');
RESET rk.timeout;
SELECT rk.ring_resume('a');
CALL rk.ring_up('core/echo', 'b');
SELECT rk.ring_wait('a', 'active');
-- the one that was given up had a deadline, and is a dead letter
SELECT until('SELECT queue_depth = 0 FROM rk.rings WHERE name = ''a''');
SELECT until('SELECT count(*) = 1 FROM rk.dead_letters');
SELECT ring, reason, payload FROM rk.dead_letters;
-- one of them refuses
SELECT total AS total FROM rk.ring_core_add('c', 9223372036854775700) \gset
SELECT ring, status FROM rk.broadcast('all', 52, '{"amount": 100}');
SELECT until('SELECT count(*) = 2 FROM rk.dead_letters');
SELECT ring, reason, error FROM rk.dead_letters ORDER BY id;
SELECT rk.broadcast('all', 52, '{}', '4');
SELECT rk.broadcast('all', 52, '{}', 'most');
SELECT rk.broadcast('all', 52, '{}', NULL);
SELECT rk.broadcast('all', 53, '{}');
SELECT rk.broadcast('all', 60, '{"kind": "none"}');
SELECT rk.broadcast('some', 52, '{}');
BEGIN READ ONLY;
SELECT rk.broadcast('all', 52, '{}');
SELECT count(*) FROM rk.broadcast('all', 50, '{"value": 1}');
ROLLBACK;
BEGIN READ ONLY;
SELECT ring, status FROM rk.broadcast('all', 50, '{"value": 1}');
ROLLBACK;

-- rights: to change a fan-out it must be yours, to broadcast all its rings must be open to you
CREATE ROLE regress_rk_user;
SET ROLE regress_rk_user;
SELECT rk.fanout_create('mine', ARRAY['a']);
SELECT rk.fanout_add('all', 'a');
SELECT rk.fanout_drop('all');
SELECT rk.broadcast('all', 50, '{"value": 1}');
RESET ROLE;
SELECT rk.fanout_remove('all', 'c');
SELECT destinations FROM rk.fanouts;
SELECT rk.fanout_drop('all');
SELECT * FROM rk.fanouts;

-- from ring to ring: before the sender has the answer the message is on its way
SELECT rk.dlq_purge('a') + rk.dlq_purge('c');
SELECT total AS a FROM rk.ring_core_total('a') \gset
SELECT total AS b FROM rk.ring_core_total('b') \gset
SELECT total - :a AS total FROM rk.ring_core_pass('a', 7, next => 'b');
SELECT total - :b AS total FROM rk.ring_core_total('b');
-- round and round, until the limit of hops
SELECT total - :a AS total FROM rk.ring_core_pass('a', 1, next => 'b', after => 'a');
SELECT until('SELECT count(*) = 1 FROM rk.dead_letters');
SELECT ring, type_id, payload, reason, attempts, correlation_id IS NOT NULL AS correlated, error, sqlstate FROM rk.dead_letters;
SELECT a.total + b.total - :a - :b AS passed FROM rk.ring_core_total('a') a, rk.ring_core_total('b') b;
SELECT rk.ring_configure('a', '{"max_hops": 3}');
SELECT rk.ring_configure('b', '{"max_hops": 3}');
SELECT until('SELECT count(*) = 2 FROM rk.rings WHERE name IN (''a'', ''b'') AND state = ''active'' AND options ? ''max_hops'' AND epoch >= 2');
SELECT rk.dlq_purge('b') + rk.dlq_purge('a');
SELECT total AS a FROM rk.ring_core_total('a') \gset
SELECT count(*) FROM rk.ring_core_pass('a', 1, next => 'b', after => 'a');
SELECT until('SELECT count(*) = 1 FROM rk.dead_letters');
SELECT ring, reason, error FROM rk.dead_letters;
SELECT total - :a FROM rk.ring_core_total('a');
-- nobody there, or one who may not be sent to
SELECT rk.dlq_purge('b') + rk.dlq_purge('a');
SELECT count(*) FROM rk.ring_core_pass('a', 1, next => 'nobody');
CALL rk.ring_down('b');
SELECT count(*) FROM rk.ring_core_pass('a', 1, next => 'b');
GRANT EXECUTE ON FUNCTION rk.ring_start(text, text, jsonb) TO regress_rk_user;
GRANT USAGE ON SCHEMA rk TO regress_rk_user;
SET ROLE regress_rk_user;
SELECT rk.ring_start('core/echo', 'theirs');
SELECT rk.ring_wait('theirs');
RESET ROLE;
SELECT count(*) FROM rk.ring_core_pass('a', 1, next => 'theirs');
SELECT until('SELECT count(*) = 3 FROM rk.dead_letters');
SELECT ring, reason, error, sqlstate FROM rk.dead_letters ORDER BY id;
SELECT rk.k2k_allow('a', 'theirs');
SELECT until('SELECT (SELECT total FROM rk.ring_core_pass(''a'', 1, next => ''theirs'')) > 0 AND (SELECT total > 0 FROM rk.ring_core_total(''theirs''))');
SELECT rk.k2k_allow('a', 'c', false);
SELECT rk.k2k_allow('a', 'nobody', false);
SELECT pg_sleep(0.1);
SELECT rk.dlq_purge('a');
SELECT count(*) FROM rk.ring_core_pass('a', 1, next => 'c');
SELECT until('SELECT count(*) = 1 FROM rk.dead_letters WHERE ring = ''a''');
SELECT ring, reason, error FROM rk.dead_letters WHERE ring = 'a';
SET ROLE regress_rk_user;
SELECT rk.k2k_allow('theirs', 'c');
RESET ROLE;
-- a message that fails sends nothing
CALL rk.ring_up('core/echo', 'b');
SELECT total AS b FROM rk.ring_core_total('b') \gset
SELECT rk.ring_core_pass('c', 1000, next => 'b');
SELECT total - :b FROM rk.ring_core_total('b');

-- a ring with a log sends with it: before the sender has the answer the message is in a journal
CALL rk.ring_up('core/echo', 'd', '{"durability": "journal", "max_hops": 2}');
SELECT count(*) AS letters FROM rk.dead_letters \gset
SELECT total FROM rk.ring_core_pass('d', 5, next => 'b');
SELECT total - :b AS total FROM rk.ring_core_total('b');
SELECT total FROM rk.ring_core_pass('d', 6, next => 'b');
SELECT total - :b AS total FROM rk.ring_core_total('b');
-- where it waits for a ring that does not run
CALL rk.ring_down('b');
SELECT total FROM rk.ring_core_pass('d', 7, next => 'b');
CALL rk.ring_up('core/echo', 'b');
SELECT rk.ring_sync('b') > 0 AS synced;
SELECT total - :b AS total FROM rk.ring_core_total('b');
-- the limits are those of other messages: three times it adds, the third copy goes no further
SELECT total FROM rk.ring_core_pass('d', 100, next => 'd', after => 'd');
SELECT until('SELECT count(*) = 1 FROM rk.dead_letters WHERE ring = ''d''');
SELECT total FROM rk.ring_core_total('d');
SELECT count(*) FROM rk.ring_core_pass('d', 1, next => 'nobody');
SELECT rk.k2k_allow('d', 'c', false);
SELECT rk.ring_restart('d');
SELECT until('SELECT state = ''active'' AND epoch = 2 FROM rk.rings WHERE name = ''d''');
SELECT count(*) FROM rk.ring_core_pass('d', 1, next => 'c');
SELECT payload, reason, error, sqlstate FROM rk.dead_letters WHERE ring = 'd' ORDER BY id;
SELECT count(*) - :letters AS letters FROM rk.dead_letters;
SELECT total FROM rk.ring_core_total('d');
-- so does a ring without one that a table feeds
CREATE TABLE fed (amount bigint);
SELECT rk.ring_attach('a', 'fed', '{"type": "EchoPass", "fields": {"next": "''b''"}}') > 0 AS attached;
INSERT INTO fed VALUES (1000), (2000);
SELECT rk.ring_sync('a') > 0 AS synced;
SELECT total - :b AS total FROM rk.ring_core_total('b');
SELECT output_seq = apply_seq AS position FROM rk.stat_ring WHERE name = 'a';
DROP TABLE fed;
CALL rk.ring_down('d');

-- rings that work together: what cannot be iterated
SELECT rk.ring_iterate('{}', 52);
SELECT rk.ring_iterate('{a,b}', 52);
SELECT rk.ring_iterate('{a,nobody}', 52);
SELECT rk.ring_iterate('{a,a}', 52);
SELECT rk.ring_iterate('{a}', 52, tolerance => -1);
SELECT rk.ring_iterate('{a}', 52, max_iterations => 0);
SELECT rk.ring_iterate('{a}', NULL);

-- PageRank of a graph in four parts is that of the whole
CREATE TABLE wire AS
SELECT (i * 7919) % 200 - 20 AS source, (i * i * 31 + i) % 230 - 20 AS target, 1 + i % 5 AS weight FROM generate_series(1, 1500) i
WHERE (i * 7919) % 200 % 9 <> 0;
SELECT rk.ring_start('graph/pagerank-part', 'p' || i, jsonb_build_object('edges', 'wire', 'part', i, 'peers', 'p0,p1,p2,p3'))
FROM generate_series(0, 3) i;
SELECT count(*) FROM generate_series(0, 3) i WHERE rk.ring_wait('p' || i);
CREATE VIEW parts AS
SELECT b.node, b.score, q AS part_score
FROM rk.graph_pagerank('wire', tolerance => 1e-14, max_iterations => 1000) b, generate_series(0, 3) i,
	rk.ring_graph_pagerank_part_query('p' || i, b.node) q;
SELECT iterations, converged, reached_max FROM rk.ring_iterate('{p0,p1,p2,p3}', 152, 1e-12, 3);
SELECT iterations > 10, final_delta <= 1e-12 AS small, converged, reached_max FROM rk.ring_iterate('{p0,p1,p2,p3}', 152, 1e-12, 1000);
SELECT count(*) = (SELECT count(*) FROM rk.graph_pagerank('wire')) AS all, max(abs(score - part_score)) < 1e-11 AS equal,
	abs(sum(part_score) - 1) < 1e-10 AS mass FROM parts;
-- both truths apart, and together
SELECT iterations, converged, reached_max FROM rk.ring_iterate('{p0,p1,p2,p3}', 152, 1e-12, 2);
SELECT iterations, converged, reached_max FROM rk.ring_iterate('{p3,p2,p1,p0}', 152, 1e-9, 3);
SELECT iterations, converged, reached_max FROM rk.ring_iterate('{p0,p1,p2,p3}', 152, 1e-9, 4);
-- after some changes, one of which takes the last edge of a node
SELECT r, kept, status FROM unnest('{p0,p1,p2,p3}'::text[]) r, rk.ring_graph_pagerank_part_edge(r, 'add', 1002, 1003, 3);
SELECT count(*) FROM rk.ring_iterate('{p0,p1,p2,p3}', 152, 1e-12, 1000);
SELECT count(*), max(abs(b.score - q)) < 1e-11 AS equal
FROM rk.graph_pagerank('SELECT source, target, weight FROM wire UNION ALL VALUES (1002, 1003, 3)', tolerance => 1e-14, max_iterations => 1000) b,
	generate_series(0, 3) i, rk.ring_graph_pagerank_part_query('p' || i, b.node) q;
SELECT kept, status FROM rk.ring_graph_pagerank_part_edge('p2', 'remove', 1002, 1003, 3);
SELECT kept, status FROM rk.ring_graph_pagerank_part_edge('p2', 'remove', 1002, 1003, 3);
SELECT count(rk.ring_restart(name)), count(rk.ring_configure(name, '{"durability": "journal"}')) FROM rk.ring WHERE kernel = 'graph/pagerank-part';
SELECT until('SELECT count(*) = 4 FROM rk.rings WHERE kernel = ''graph/pagerank-part'' AND state = ''active'' AND epoch > 1');
SELECT converged FROM rk.ring_iterate('{p0,p1,p2,p3}', 152, 1e-10, 1000);
SELECT max(abs(score - part_score)) < 1e-9 AS equal FROM parts;
SELECT count(*) FROM rk.ring_graph_pagerank_part_query('p3', 1003);
-- one is missing, another is asked twice, someone plays alone
SELECT rk.ring_iterate('{p0,p1,p2}', 152);
SELECT rk.ring_call('p0', 152, '{"iteration": 9}');
SELECT rk.ring_call('p0', 154, '{"part": 7}');
SELECT rk.ring_iterate('{p0,p1}', 154);
SELECT rk.ring_start('graph/pagerank-part', 'p9', '{"part": 2, "peers": "a,b"}');
SELECT until('SELECT state = ''failed'' FROM rk.rings WHERE name = ''p9''');
SELECT last_error FROM rk.rings WHERE name = 'p9';
SELECT rk.ring_start('graph/pagerank-part', 'p8', '{"part": 0}');
-- the scores are there after a restart
CREATE TEMP TABLE sums AS SELECT name, rk.ring_checksum(name) AS checksum FROM rk.ring WHERE name ~ 'p[0-3]';
CALL rk.ring_down('p0');
CALL rk.ring_down('p1');
CALL rk.ring_down('p2');
CALL rk.ring_down('p3');
CALL rk.ring_down('p9');
SELECT count(rk.ring_start(kernel, name)) FROM rk.ring WHERE name ~ 'p[0-3]';
SELECT count(*) FROM sums WHERE rk.ring_wait(name) AND rk.ring_checksum(name) = checksum;
SELECT iterations < 10 AS soon, converged FROM rk.ring_iterate('{p0,p1,p2,p3}', 152, 1e-6, 1000);
CALL rk.ring_down('p0');
CALL rk.ring_down('p1');
CALL rk.ring_down('p2');
CALL rk.ring_down('p3');
DROP VIEW parts;
DROP TABLE wire;

CALL rk.ring_down('theirs');
CALL rk.ring_down('a');
CALL rk.ring_down('b');
CALL rk.ring_down('c');
SELECT count(rk.ring_drop(name)) FROM rk.ring;
REVOKE EXECUTE ON FUNCTION rk.ring_start(text, text, jsonb) FROM regress_rk_user;
REVOKE USAGE ON SCHEMA rk FROM regress_rk_user;
DROP ROLE regress_rk_user;
DROP FUNCTION until(text);
