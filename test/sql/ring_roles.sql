-- Roles that own rings, or are named by them: DROP ROLE, REASSIGN OWNED, DROP OWNED.
CREATE ROLE regress_rk_one;
CREATE ROLE "regress rk two";
CREATE ROLE regress_rk_three;
GRANT EXECUTE ON FUNCTION rk.ring_start, rk.subscribe, rk.route_add, rk.fanout_create TO regress_rk_one;
CREATE VIEW marks AS
SELECT c.attrelid::regclass AS relation, c.attname AS column_name, a.grantee::regrole AS role, a.privilege_type
FROM pg_attribute c, aclexplode(c.attacl) a WHERE c.attrelid::regclass::text ~ '^rk\.';

-- while a ring names a role, that role stays
SET ROLE regress_rk_one;
SELECT rk.ring_start('core/echo', 'first'), rk.ring_start('core/echo', 'second');
RESET ROLE;
REVOKE EXECUTE ON FUNCTION rk.ring_start FROM regress_rk_one;
SELECT * FROM marks ORDER BY 1, 3;
DROP ROLE "regress rk two", regress_rk_one;
SELECT rk.ring_grant('first', '"regress rk two"', 'send'), rk.ring_grant('first', '"regress rk two"', 'control'),
	rk.ring_grant('second', '-', 'send');
DROP ROLE "regress rk two";
SELECT rk.ring_revoke('first', '"regress rk two"', 'send');
DROP ROLE "regress rk two";
SELECT rk.ring_revoke('first', '"regress rk two"', 'control');
SELECT * FROM marks ORDER BY 1, 3;
BEGIN;
DROP ROLE "regress rk two";
ROLLBACK;
-- also by subscriptions, routes and fan-outs
SET ROLE regress_rk_one;
SELECT rk.subscribe('a/#', 'first', 'exactly_once') > 0, rk.subscribe('b') > 0, rk.route_add(52, 'first') > 0,
	rk.fanout_create('all', '{first, second}');
RESET ROLE;
REVOKE EXECUTE ON FUNCTION rk.subscribe, rk.route_add, rk.fanout_create FROM regress_rk_one;
SELECT * FROM marks ORDER BY 1, 3;
DROP ROLE regress_rk_one;

-- who gets it all
GRANT EXECUTE ON FUNCTION rk.subscribe TO "regress rk two";
SET ROLE "regress rk two";
SELECT rk.subscribe('b', qos => 'exactly_once') > 0;
RESET ROLE;
REVOKE EXECUTE ON FUNCTION rk.subscribe FROM "regress rk two";
REASSIGN OWNED BY regress_rk_one TO "regress rk two";
SELECT name, owner FROM rk.rings ORDER BY name;
SELECT name, owner FROM rk.fanouts;
SELECT ring, role FROM rk.routes;
SELECT pattern, ring, role, qos FROM rk.subscriptions ORDER BY pattern;
SELECT * FROM marks ORDER BY 1, 3;
DROP ROLE regress_rk_one;
-- the ring does everything as its new owner
SELECT rk.ring_wait('first');
SELECT total FROM rk.ring_core_add('first', 5);
REASSIGN OWNED BY "regress rk two" TO "regress rk two";
SELECT name, owner FROM rk.rings ORDER BY name;

-- and that it is all gone
SELECT rk.ring_change_owner('second', 'regress_rk_three');
SELECT rk.ring_grant('second', '"regress rk two"', 'send'), rk.ring_grant('first', 'regress_rk_three', 'send');
SELECT * FROM marks ORDER BY 1, 3;
DROP OWNED BY "regress rk two";
CALL rk.ring_down('first');
DROP OWNED BY "regress rk two";
DROP ROLE "regress rk two";
SELECT name, owner FROM rk.rings;
SELECT ring, role, access FROM rk.ring_grants;
SELECT count(*) FROM rk.fanouts;
SELECT count(*) FROM rk.routes;
SELECT count(*) FROM rk.subscriptions;
SELECT * FROM marks ORDER BY 1, 3;
-- a ring that is dropped takes with it what named roles
CALL rk.ring_down('second');
SELECT rk.ring_drop('second');
SELECT * FROM marks;
DROP ROLE regress_rk_three;
-- the trigger is no function for others
CREATE TABLE other (role regrole);
CREATE TRIGGER wrong AFTER INSERT ON other EXECUTE FUNCTION rk.role_row('role');
INSERT INTO other DEFAULT VALUES;
DROP TABLE other;
DROP VIEW marks;

-- a name that no ring has: the one that is meant, or how there would be one
SELECT rk.ring_start('core/echo', 'payments'), rk.ring_start('core/echo', 'Zahlungen'), rk.ring_start('core/echo', 'x');
SELECT rk.ring_core_echo('payment', 1);
SELECT rk.ring_core_echo('paymets', 1);
SELECT rk.ring_core_echo('zahlungen', 1);
SELECT rk.ring_core_echo('y', 1);
SELECT rk.ring_core_echo('', 1);
SELECT rk.ring_core_echo(repeat('é', 40), 1);
SELECT rk.ring_graph_pagerank_query('payment', 1);
SELECT rk.ring_send('payment', 100, '{}');
SELECT rk.ring_send('payment', 52, '{}');
SELECT rk.ring_send('nowhere', NULL, '{}');
SELECT rk.ring_stop('payment');
SELECT rk.ring_stop('o''clock');
SELECT rk.ring_wait('paymants');
SELECT rk.subscribe('a', 'paymentz');
SELECT rk.route_add(52, 'payment');
SELECT rk.fanout_create('all', '{payment}');
SELECT rk.ring_link('payment', 'EchoAdded', 'payments');
SELECT rk.ring_link('payments', 'EchoAdded', 'payment');
SELECT rk.k2k_allow('payment', 'payments');
SELECT rk.dlq_purge('payment');
SELECT rk.dlq_replay('payment');
-- which is no way to learn what rings there are
REVOKE SELECT ON rk.ring FROM PUBLIC;
CREATE ROLE regress_rk_three;
SET ROLE regress_rk_three;
SELECT rk.ring_core_echo('payment', 1);
RESET ROLE;
SELECT rk.ring_grant('payments', 'regress_rk_three', 'send');
SET ROLE regress_rk_three;
SELECT rk.ring_core_echo('payment', 1);
RESET ROLE;
GRANT SELECT ON rk.ring TO PUBLIC;
SELECT rk.ring_wait(name) FROM rk.ring;
CALL rk.ring_down('payments');
CALL rk.ring_down('Zahlungen');
CALL rk.ring_down('x');
SELECT rk.ring_drop(name) FROM rk.ring;
DROP ROLE regress_rk_three;
