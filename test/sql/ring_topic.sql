-- Topics: patterns, subscriptions of rings and roles, quality of service.
SELECT pattern, topic, rk.topic_matches(pattern, topic)
FROM unnest(ARRAY['a/b', 'a/*', 'a/#', '#', '*', 'a/*/c', '*/b', 'a/b/c/#']) WITH ORDINALITY p(pattern, n),
	unnest(ARRAY['a', 'a/b', 'a/b/c', 'b']) WITH ORDINALITY t(topic, m) ORDER BY n, m;
-- what is no topic, no pattern, no quality
SELECT rk.publish('', '{}');
SELECT rk.publish('a//b', '{}');
SELECT rk.publish('a/', '{}');
SELECT rk.publish('a/*', '{}');
SELECT rk.publish(repeat('x', 256), '{}');
SELECT rk.publish('a', NULL);
SELECT rk.publish(NULL, '{}');
SELECT rk.publish('a', '{}', 'perhaps');
SELECT rk.subscribe('a/#/b');
SELECT rk.subscribe('a/b*');
SELECT rk.subscribe('a', 'nowhere');
SELECT rk.subscribe('a', qos => 'perhaps');
SELECT rk.unsubscribe(0);
\getenv abs_srcdir PG_ABS_SRCDIR
\set rings :abs_srcdir '/support/rings.sql'
\set ECHO none
\i :rings
\set ECHO all

-- a role fetches what was published since it subscribed, and what is retained
SELECT rk.publish('alerts/eu', '{"n": 0}', retained => true) > 0, rk.publish('alerts/us', '{"n": -1}') > 0;
SELECT rk.subscribe('alerts/#', qos => 'exactly_once') AS sub \gset
SELECT topic, payload, type_id, sent_at <= clock_timestamp() AS sent FROM rk.ring_receive('alerts/#');
BEGIN;
SELECT rk.publish('alerts/eu', '{"n": 1}', 'exactly_once') > 0;
ROLLBACK;
SELECT rk.publish('alerts/eu', '{"n": 2}', 'exactly_once') > 0, rk.publish('alerts/us/ny', '{"n": 3}', 'at_least_once') > 0,
	rk.publish('news', '{"n": 4}', 'exactly_once') > 0, rk.publish('alerts', '{"n": 5}') > 0;
SELECT pattern, ring, qos, waiting FROM rk.subscriptions;
-- what was fetched comes back if the transaction does not commit
BEGIN;
SELECT topic, payload FROM rk.ring_receive('alerts/#') ORDER BY message_id;
ROLLBACK;
SELECT topic, payload FROM rk.ring_receive('alerts/#') ORDER BY message_id;
SELECT * FROM rk.ring_receive('alerts/#', '20ms');
-- what may be lost is limited to the newest
SELECT count(rk.publish('alerts/many', jsonb_build_object('n', i))) FROM generate_series(1, 300) i;
SELECT count(*), min((payload->>'n')::int), max((payload->>'n')::int) FROM rk.ring_receive('alerts/#');
SELECT rk.unsubscribe(:sub);
\set VERBOSITY sqlstate
SELECT rk.unsubscribe(:sub);
\set VERBOSITY default
SELECT * FROM rk.subscriptions;

-- a ring
CALL rk.ring_up('core/echo', 'e');
SELECT rk.subscribe('amounts/*', 'e', 'exactly_once') AS exact \gset
SELECT rk.subscribe('fast', 'e') AS fast \gset
BEGIN;
SELECT rk.publish('amounts/a', '{"amount": 1}', 'exactly_once') > 0;
ROLLBACK;
SELECT rk.publish('amounts/a', '{"amount": 10}', 'exactly_once') > 0, rk.publish('amounts/a/b', '{"amount": 100}', 'exactly_once') > 0;
SELECT rk.ring_sync('e');
SELECT total, messages FROM rk.ring_core_total('e');
SELECT rk.publish('fast', '{"amount": 1000}', 'exactly_once') > 0;
SELECT total, messages FROM rk.ring_core_total('e', 2);
-- what it cannot understand is its own problem
SELECT rk.publish('amounts/b', '{"colour": "blue"}', 'exactly_once') > 0, rk.publish('fast', '{"colour": "blue"}') > 0;
SELECT ring, type_id, payload, reason, error FROM rk.dead_letters;
-- one that does not run gets what is for sure when it does
CALL rk.ring_down('e');
SELECT rk.publish('fast', '{"amount": 10000}') > 0, rk.publish('amounts/c', '{"amount": 100000}', 'at_least_once') > 0;
CALL rk.ring_up('core/echo', 'e');
SELECT rk.ring_sync('e') > 0;
SELECT total, messages FROM rk.ring_core_total('e');
-- records of a ring on a topic, to another ring and a role
CALL rk.ring_up('core/echo', 'f');
SELECT rk.subscribe('added', 'f', 'exactly_once') > 0;
SELECT rk.subscribe('added', qos => 'exactly_once') > 0;
SELECT rk.ring_output('e', 'EchoAdded', topic => 'added/*');
SELECT rk.ring_output('e', 'EchoAdded', topic => 'added') > 0;
SELECT rk.ring_sync('e') > 0;
SELECT total FROM rk.ring_core_add('e', 5);
SELECT topic, payload FROM rk.ring_receive('added', '5s');
SELECT ring, record, topic FROM rk.outputs;
-- it has more fields than the other ring's message
SELECT ring, payload, error FROM rk.dead_letters WHERE ring = 'f';

-- whoever subscribes again has the same subscription, with the quality that was asked for last
SELECT rk.subscribe('again/#', 'e', 'exactly_once') AS again \gset
SELECT rk.subscribe('again/#', 'e') = :again AS same, rk.subscribe('again/#', 'e', 'exactly_once') = :again AS same;
SELECT rk.publish('again/kept', '{"n": 0}', 'exactly_once', retained => true) > 0;
SELECT rk.subscribe('again/#') = rk.subscribe('again/#', qos => 'exactly_once') AS same, rk.subscribe('again/#') <> :again AS other;
SELECT rk.subscribe('again/#', qos => 'exactly_once') > 0;
SELECT rk.publish('again/and', '{"amount": 1000000}', 'exactly_once') > 0;
SELECT pattern, ring, qos FROM rk.subscriptions WHERE pattern = 'again/#' ORDER BY ring;
SELECT topic, payload FROM rk.ring_receive('again/#') ORDER BY message_id;
-- a ring that two roles have subscribed has a message once
CREATE ROLE regress_rk_topic;
GRANT EXECUTE ON FUNCTION rk.subscribe TO regress_rk_topic;
SELECT rk.ring_grant('e', 'regress_rk_topic', 'send');
SET ROLE regress_rk_topic;
SELECT rk.subscribe('again/#', 'e') <> :again AS other;
RESET ROLE;
SELECT rk.publish('again/both', '{"amount": 2000000}', 'exactly_once') > 0;
SELECT rk.ring_sync('e') > 0;
SELECT total / 1000000 AS millions FROM rk.ring_core_total('e');
-- by whom it may be sent
SELECT rk.unsubscribe(:again);
SELECT rk.ring_revoke('e', 'regress_rk_topic', 'send');
SELECT rk.subscribe('again/#', 'e') > 0;
SELECT rk.publish('again/one', '{"amount": 4000000}') > 0;
SELECT total / 1000000 AS millions FROM rk.ring_core_total('e');
SET ROLE regress_rk_topic;
SELECT rk.unsubscribe(subscription_id) FROM rk.subscriptions;
RESET ROLE;
SELECT rk.unsubscribe(subscription_id) FROM rk.subscriptions WHERE pattern = 'again/#';
DELETE FROM rk.topic_retained WHERE topic = 'again/kept';
DROP OWNED BY regress_rk_topic;
DROP ROLE regress_rk_topic;

-- rights
CREATE ROLE regress_rk_topic;
SET ROLE regress_rk_topic;
SELECT rk.publish('a', '{}');
SELECT rk.subscribe('a');
RESET ROLE;
GRANT EXECUTE ON FUNCTION rk.subscribe TO regress_rk_topic;
SET ROLE regress_rk_topic;
SELECT rk.subscribe('a', 'e');
SELECT rk.subscribe('a') > 0;
SELECT count(*) FROM rk.subscriptions;
\set VERBOSITY sqlstate
SELECT rk.unsubscribe(:exact);
\set VERBOSITY default
SELECT * FROM rk.ring_receive('added');
SELECT rk.unsubscribe(subscription_id) FROM rk.subscriptions;
RESET ROLE;
REVOKE EXECUTE ON FUNCTION rk.subscribe FROM regress_rk_topic;
DROP ROLE regress_rk_topic;
CALL rk.ring_down('e');
CALL rk.ring_down('f');
SELECT rk.ring_drop(name) FROM rk.ring;
SELECT pattern, ring FROM rk.subscriptions;
-- topics, and what slow subscribers have lost of them
SELECT rk.subscribe('busy/one') > 0, rk.subscribe('busy/*') > 0;
SELECT count(rk.publish('busy/one', '{}')) FROM generate_series(1, 300);
SELECT count(rk.publish('busy/two', '{}', retained => i > 9)) FROM generate_series(1, 10) i;
SELECT * FROM rk.topics WHERE topic ~ 'busy' ORDER BY topic;
SELECT pattern, waiting FROM rk.subscriptions WHERE pattern ~ 'busy' ORDER BY 1;
INSERT INTO rk.subscription (pattern, role, qos) SELECT 'busy/one', i::regrole, 'at_most_once' FROM generate_series(100001, 100999) i;
CREATE ROLE regress_rk_topic;
GRANT EXECUTE ON FUNCTION rk.subscribe TO regress_rk_topic;
SET ROLE regress_rk_topic;
SELECT rk.subscribe('busy/one');
RESET ROLE;
SELECT rk.subscribe('busy/one') > 0;
DELETE FROM rk.subscription WHERE role <> current_user::regrole;
DROP OWNED BY regress_rk_topic;
DROP ROLE regress_rk_topic;
SELECT count(rk.unsubscribe(subscription_id)) FROM rk.subscriptions;
SELECT count(*) FROM rk.topic_message;
SELECT until('SELECT count(*) = 0 FROM pg_stat_activity WHERE backend_type = ''rk host'' AND datname = current_database()');
DELETE FROM rk.topic_retained WHERE topic = 'busy/two';
DROP FUNCTION until(text);
