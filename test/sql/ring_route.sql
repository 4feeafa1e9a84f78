-- receipts, and messages that find their ring by their type
\getenv abs_srcdir PG_ABS_SRCDIR
\set rings :abs_srcdir '/support/rings.sql'
\set ECHO none
\i :rings
\set ECHO all
CALL rk.ring_up('core/echo', 'a', '{"queue_capacity": 16, "overflow": "drop", "priority_lanes": false}');

-- what became of a message
SELECT enum_range(NULL::rk.delivery_status);
SELECT rk.delivery(1), rk.delivery(NULL);
SELECT rk.ring_send('a', 52, '{"amount": 1}') AS id \gset plain_
SELECT rk.ring_send('a', 52, '{"amount": 1}', receipt => true) AS id \gset good_
SELECT rk.ring_send('a', 52, '{"amount": 9223372036854775807}', receipt => true) AS id \gset bad_
SELECT rk.ring_core_echo('a', 1);
SELECT count(*) FROM rk.ring_receive('a', '5s');
SELECT count(*) FROM rk.ring_receive('a', '5s');
SELECT rk.delivery(:plain_id) AS plain, rk.delivery(:good_id) AS good, rk.delivery(:bad_id) AS bad;
SELECT until('SELECT count(*) = 1 FROM rk.dead_letters');
SELECT reason, error, message_id = :bad_id AS the_same FROM rk.dead_letters;
SELECT rk.ring_suspend('a');
SELECT rk.ring_wait('a', 'suspended');
SELECT rk.ring_send('a', 52, '{}', receipt => true, deadline => '10ms') AS id \gset late_
SELECT rk.ring_send('a', 52, '{}', receipt => true) AS id \gset next_
SELECT count(rk.ring_send('a', 52, '{}')) FROM generate_series(1, 20);
SELECT rk.ring_send('a', 52, '{}', receipt => true) AS id \gset much_
SELECT rk.ring_send('a', 52, '{}');
SELECT rk.ring_send_many('a', 52, ARRAY['{}', '{}']::jsonb[]), rk.ring_send_many('a', 52, '{}');
SELECT pg_sleep(0.05);
SELECT rk.delivery(:late_id) AS late, rk.delivery(:next_id) AS next, rk.delivery(:much_id) AS much;
SELECT rk.ring_resume('a');
SELECT until('SELECT queue_depth = 0 FROM rk.rings WHERE name = ''a''');
SELECT rk.ring_core_echo('a', 1);
SELECT rk.delivery(:late_id) AS late, rk.delivery(:next_id) AS next, rk.delivery(:much_id) AS much;
SELECT rk.ring_receive('a');
SELECT count(*) FROM rk.ring_receive('a');
-- the ring stops before it comes to one
SELECT rk.ring_suspend('a');
SELECT rk.ring_wait('a', 'suspended');
SELECT rk.ring_send('a', 52, '{}', receipt => true) AS id \gset last_
SELECT rk.ring_stop('a', force => true);
SELECT rk.ring_wait('a', 'terminated');
SELECT rk.delivery(:last_id);
SELECT rk.ring_receive('a');

-- an error among replies does not take them along, nor those after it
CALL rk.ring_up('core/echo', 'a');
SELECT count(rk.ring_send('a', 50, jsonb_build_object('value', i), receipt => true)) FROM generate_series(1, 2) i;
SELECT rk.ring_send('a', 52, '{"amount": 9223372036854775807}', receipt => true) > 0;
SELECT rk.ring_send('a', 50, '{"value": 3}', receipt => true) > 0;
SELECT rk.ring_core_echo('a', 1);
SELECT payload FROM rk.ring_receive('a', '5s');
SELECT payload FROM rk.ring_receive('a', '5s');
SELECT payload FROM rk.ring_receive('a', '5s');
SELECT payload FROM rk.ring_receive('a', '10ms');

-- keys: as many as are known, as long, and after a restart
CALL rk.ring_up('core/echo', 'k', '{"dedup_keys": 2}');
SELECT rk.ring_send('k', 52, '{}', key => 'k1') AS k1 \gset
SELECT rk.ring_send('k', 52, '{}', key => 'k2') AS k2 \gset
SELECT rk.ring_send('k', 52, '{}', key => 'k1') = :k1 AS the_same;
SELECT rk.ring_send('k', 52, '{}', key => 'k3') AS k3 \gset
SELECT rk.ring_send('k', 52, '{}', key => 'k3') = :k3 AS the_same;
CALL rk.ring_down('k');
CALL rk.ring_up('core/echo', 'k');
SELECT rk.ring_send('k', 52, '{}', key => 'k3') = :k3 AS the_same, rk.ring_send('k', 52, '{}', key => 'k2') = :k2 AS this_too;
SELECT messages FROM rk.ring_core_total('k');
SELECT rk.ring_send('k', 52, '{}', key => 'k1') = :k1 AS the_same;
SELECT rk.ring_configure('k', '{"dedup_window": "2 seconds"}');
SELECT until('SELECT epoch = 3 AND state = ''active'' FROM rk.rings WHERE name = ''k''');
SELECT rk.ring_send('k', 52, '{}', key => 'k4') AS k4 \gset
SELECT rk.ring_send('k', 52, '{}', key => 'k4') = :k4 AS the_same;
SELECT pg_sleep(2.1);
SELECT rk.ring_send('k', 52, '{}', key => 'k4') = :k4 AS the_same;
SELECT rk.ring_configure('k', '{"dedup_keys": 0}');
CALL rk.ring_down('k');
SELECT rk.ring_drop('k');

-- a call that the queue does not take leaves nothing behind
CALL rk.ring_up('core/echo', 'full', '{"queue_capacity": 16, "overflow": "error", "priority_lanes": false}');
SELECT rk.ring_suspend('full');
SELECT rk.ring_wait('full', 'suspended');
SELECT count(rk.ring_send('full', 52, '{}')) FROM generate_series(1, 16);
DO $$
BEGIN
	FOR i IN 1 .. 100 LOOP
		BEGIN
			PERFORM rk.ring_call('full', 50, '{"value": 1}');
		EXCEPTION WHEN SQLSTATE 'RK001' THEN
			IF SQLERRM <> 'queue of ring "full" is full' THEN
				RAISE;
			END IF;
		END;
	END LOOP;
END
$$;
SELECT rk.ring_resume('full');
SELECT until('SELECT queue_depth = 0 FROM rk.rings WHERE name = ''full''');
SELECT rk.ring_core_echo('full', 1);
SELECT rejected FROM rk.stat_ring WHERE name = 'full';
CALL rk.ring_down('full');
SELECT rk.ring_drop('full');

-- routes
CALL rk.ring_up('core/echo', 'a');
CALL rk.ring_up('core/echo', 'b');
SELECT messages FROM rk.ring_core_total('a') \gset
SELECT * FROM rk.dispatch_stats \gset before_
SELECT rk.dispatch(52, '{"amount": 5}');
SELECT rk.dispatch(999999, '{}');
SELECT rk.dispatch(56, '{}');
SELECT rk.dispatch(NULL, '{}');
SELECT rk.route_add(52, 'nowhere');
SELECT rk.route_add(100, 'a');
SELECT rk.route_add(52, 'a', 'amunt > 10');
SELECT rk.route_add(52, 'a', 'amount > 10') AS id \gset large_
SELECT rk.dispatch(52, '{"amount": 5}');
SELECT rk.dispatch(52, '{"amount": 50}') > 0;
SELECT rk.route_add(52, 'b') AS id \gset rest_
SELECT count(rk.dispatch(52, jsonb_build_object('amount', i))) FROM generate_series(1, 20) i;
SELECT messages - :messages FROM rk.ring_core_total('a');
SELECT messages FROM rk.ring_core_total('b');
SELECT type_id, message, ring, condition, role::text, dispatched, delivered, delivery_errors FROM rk.routes ORDER BY route_id;
SELECT dispatched - :before_dispatched AS dispatched, delivered - :before_delivered AS delivered,
	unknown_type - :before_unknown_type AS unknown_type, delivery_errors - :before_delivery_errors AS delivery_errors
FROM rk.dispatch_stats;
-- a transaction sees its own routes, and nobody those that were rolled back
BEGIN;
SELECT rk.route_add(50, 'b') > 0;
SELECT rk.dispatch(50, '{"value": 1}') > 0;
ROLLBACK;
SELECT rk.dispatch(50, '{"value": 1}');
SELECT rk.route_drop(:large_id);
SELECT rk.route_drop(0);
SELECT count(rk.dispatch(52, jsonb_build_object('amount', 100))) FROM generate_series(1, 3) i;
SELECT messages FROM rk.ring_core_total('b');
-- a condition is its maker's
CREATE TABLE secret (amount bigint);
INSERT INTO secret VALUES (7);
SELECT rk.route_add(52, 'a', 'EXISTS (SELECT FROM public.secret s WHERE s.amount = message.amount)') AS id \gset secret_
CREATE ROLE regress_rk_user;
SELECT rk.ring_grant('a', 'regress_rk_user', 'send');
SET ROLE regress_rk_user;
SELECT rk.route_add(52, 'a');
DO $$ BEGIN PERFORM rk.route_drop(max(route_id)) FROM rk.routes; EXCEPTION WHEN undefined_object THEN RAISE NOTICE 'not yours'; END $$;
SELECT rk.dispatch(52, '{"amount": 7}') > 0;
-- and the ring must be open to the sender
SELECT rk.dispatch(52, '{"amount": 8}');
BEGIN READ ONLY;
SELECT rk.dispatch(52, '{"amount": 7}');
ROLLBACK;
RESET ROLE;
SELECT rk.ring_revoke('a', 'regress_rk_user', 'send');
DROP ROLE regress_rk_user;
SELECT rk.route_drop(route_id) FROM rk.route;

-- several rings share the messages by their first id: what is about a node goes to one of them
CALL rk.ring_up('graph/degree-centrality', 'd1');
CALL rk.ring_up('graph/degree-centrality', 'd2');
CALL rk.ring_up('graph/degree-centrality', 'd3');
SELECT type_id AS edge FROM rk.message_types WHERE function = 'rk.ring_graph_edge_update' \gset
SELECT count(rk.route_add(:edge, r)) FROM unnest(ARRAY['d1', 'd2', 'd3']) r;
SELECT count(rk.dispatch(:edge, jsonb_build_object('op', 'add', 'source', i % 90, 'target', 1000 + i))) FROM generate_series(1, 900) i;
CREATE TEMP TABLE place AS SELECT n AS node, r AS ring, q.out_degree
FROM generate_series(0, 89) n, unnest(ARRAY['d1', 'd2', 'd3']) r, rk.ring_graph_degree_query(r, n) q WHERE q.out_degree > 0;
SELECT count(*) AS nodes, count(DISTINCT ring) AS rings, min(out_degree), max(out_degree) FROM place;
SELECT bool_and(n BETWEEN 15 AND 45) AS even FROM (SELECT count(*) AS n FROM place GROUP BY ring) c;
SELECT sum(dispatched) AS dispatched, sum(delivered) AS delivered FROM rk.routes;
-- a ring that stops is an error, one that is dropped is no route any more
CALL rk.ring_down('d1');
SELECT node AS node FROM place WHERE ring = 'd1' LIMIT 1 \gset
SELECT rk.dispatch(:edge, jsonb_build_object('op', 'add', 'source', :node, 'target', 1));
SELECT sum(delivery_errors) FROM rk.routes;
SELECT rk.ring_drop('d1');
SELECT rk.dispatch(:edge, jsonb_build_object('op', 'add', 'source', :node, 'target', 1)) > 0;
SELECT ring FROM rk.routes ORDER BY 1;
CALL rk.ring_down('d2');
CALL rk.ring_down('d3');
CALL rk.ring_down('a');
CALL rk.ring_down('b');
SELECT rk.ring_drop(name) FROM rk.ring;
DROP TABLE secret;
DROP FUNCTION until(text);
