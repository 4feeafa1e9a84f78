-- messages to several rings, and from ring to ring
CREATE FUNCTION until(query text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
	good boolean;
BEGIN
	FOR i IN 1 .. 1000 LOOP
		EXECUTE query INTO good;
		IF good THEN
			RETURN true;
		END IF;
		PERFORM pg_sleep(0.01);
	END LOOP;
	RETURN false;
END
$$;
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

-- rings that work together: what cannot be iterated
SELECT rk.ring_iterate('{}', 52);
SELECT rk.ring_iterate('{a,b}', 52);
SELECT rk.ring_iterate('{a,nobody}', 52);
SELECT rk.ring_iterate('{a,a}', 52);
SELECT rk.ring_iterate('{a}', 52, tolerance => -1);
SELECT rk.ring_iterate('{a}', 52, max_iterations => 0);
SELECT rk.ring_iterate('{a}', NULL);

CALL rk.ring_down('theirs');
CALL rk.ring_down('a');
CALL rk.ring_down('b');
CALL rk.ring_down('c');
SELECT count(rk.ring_drop(name)) FROM rk.ring;
REVOKE EXECUTE ON FUNCTION rk.ring_start(text, text, jsonb) FROM regress_rk_user;
REVOKE USAGE ON SCHEMA rk FROM regress_rk_user;
DROP ROLE regress_rk_user;
DROP FUNCTION until(text);
