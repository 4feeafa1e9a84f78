-- Circular flow, reciprocity, rapid movement, typologies and alert correlation as rings: messages, ids of three types, records, errors.
CREATE SCHEMA ring_compliance;
SET search_path = ring_compliance;
SET TimeZone = 'UTC';
CREATE FUNCTION until(condition text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
	done boolean;
BEGIN
	FOR i IN 1..1000 LOOP
		EXECUTE 'SELECT ' || condition INTO done;
		EXIT WHEN done;
		PERFORM pg_sleep(0.01);
	END LOOP;
	RETURN done;
END
$$;
SELECT type_id, name, kernel, mutating, published, reply_type_id, function FROM rk.message_types
WHERE kernel IN ('compliance/circular-flow', 'compliance/reciprocity-flow', 'compliance/rapid-movement', 'compliance/aml-patterns', 'compliance/alert-correlation') ORDER BY type_id;

-- circles
CALL rk.ring_up('compliance/circular-flow', 'round', '{"max_cycle_length": 3}');
SELECT r.* FROM (VALUES (1, 2, 1000, 0), (2, 3, 950, 1), (3, 1, 900, 2), (3, 4, 10, 3), (4, 5, 10, 4), (5, 2, 10, 5), (6, 6, 1, 6)) w (s, t, a, h),
	rk.ring_compliance_circular_add_edge('round', s, t, a, timestamptz '2024-01-01' + h * interval '1 hour') r ORDER BY h;
SELECT * FROM rk.ring_compliance_circular_query('round', 3);
SELECT * FROM rk.ring_compliance_circular_query('round', 6);
SELECT * FROM rk.ring_compliance_circular_query('round', 7);
SELECT rk.ring_compliance_circular_expire('round', '2024-01-01 02:00');
SELECT * FROM rk.ring_compliance_circular_query('round', 3);
SELECT * FROM rk.ring_compliance_circular_query('round', 1);

-- reciprocity
CALL rk.ring_up('compliance/reciprocity-flow', 'back');
SELECT * FROM rk.ring_compliance_reciprocity_add('back', 1, 2, 5000, '2024-01-01 00:01:40');
SELECT * FROM rk.ring_compliance_reciprocity_add('back', 2, 1, 4800, '2024-01-01 00:03:20');
SELECT * FROM rk.ring_compliance_reciprocity_query('back', 2, 1::bigint);
SELECT * FROM rk.ring_compliance_reciprocity_query('back', '1', '2');
SELECT * FROM rk.ring_compliance_reciprocity_query('back', 1, 3);
SELECT rk.ring_call('back', 372, '{"entity_a": 2, "entity_b": "1"}');
-- texts, with time
CALL rk.ring_up('compliance/reciprocity-flow', 'intime', '{"id_type": "text", "max_delay": "1 day", "min_amount": 0.5, "allowed_lateness": "2 hours"}');
CREATE TABLE wire (source varchar(30), target text, amount numeric, ts timestamptz);
INSERT INTO wire VALUES ('ann', 'bob', 100, '2024-01-01 10:00'), ('bob', 'ann', 30, '2024-01-01 12:00'), ('bob', 'ann', 50, '2024-01-02 11:00');
CREATE TABLE back_alert (entity text, related_entity varchar, amount_ab numeric, amount_ba numeric, reciprocal_amount numeric, balance float8, ts timestamptz);
SELECT rk.ring_attach('intime', 'wire', '{"backfill": true, "output": {"ReciprocityAlert": "back_alert"}}') > 0;
INSERT INTO wire VALUES ('ann', 'bob', 0.25, '2024-01-02 10:30'), ('ann', 'bob', 1, '2024-01-02 08:59');
SELECT rk.ring_sync('intime');
SELECT * FROM rk.ring_compliance_reciprocity_query('intime', 'ann', 'bob');
SELECT entity_a, amount_ab, amount_ba, reciprocal_amount FROM rk.compliance_reciprocity_flow('SELECT * FROM wire WHERE amount <> 1', id_type => NULL::text, max_delay => '1 day');
SELECT * FROM back_alert;
SELECT until('count(*) = 1 FROM rk.dead_letters WHERE ring = ''intime''');
SELECT reason, error FROM rk.dead_letters WHERE ring = 'intime';

-- rapid movement
CALL rk.ring_up('compliance/rapid-movement', 'fast', '{"amount_threshold": 1000, "id_type": "uuid"}');
CREATE FUNCTION u(i int) RETURNS uuid IMMUTABLE LANGUAGE sql AS $$ SELECT lpad(i::text, 32, '0')::uuid $$;
SELECT * FROM rk.ring_compliance_movement_observe('fast', u(1), u(2), 2000, '2024-01-01 10:00');
SELECT * FROM rk.ring_compliance_movement_observe('fast', u(2), u(3), 1700, '2024-01-01 11:00');
SELECT * FROM rk.ring_compliance_movement_query('fast', u(2));
SELECT flagged FROM rk.ring_compliance_movement_query('fast', '{00000000-0000-0000-0000-000000000002}');
SELECT * FROM rk.ring_compliance_movement_query('fast', u(4));
SELECT pg_typeof(entity), entity FROM rk.ring_compliance_movement_observe('fast', u(5), u(5), 1, '2024-01-01 11:00');

-- typologies: three between scatter and gather, then a payment back
CALL rk.ring_up('compliance/aml-patterns', 'types', '{"id_type": "text", "min_fan": 3}');
CREATE TABLE typology (pattern_type text, entity text, confidence float8, transaction_id bigint, evidence text[], evidence_count int);
SELECT rk.ring_output('types', 'PatternAlert', 'typology') > 0;
SELECT m.* FROM (VALUES (1, 'a', 'm1', 0, 100), (2, 'a', 'm2', 1, 100), (3, 'a', 'm3', 2, 100), (4, 'm1', 'b', 10, 95), (5, 'm2', 'b', 10, 95),
	(6, 'm3', 'b', 10, 95), (7, 'b', 'a', 20, 90)) w (id, s, t, h, amount),
	rk.ring_compliance_match_pattern('types', id, s, t, amount, timestamptz '2024-01-01' + h * interval '1 hour') m ORDER BY id;
SELECT rk.ring_sync('types') IS NOT NULL AS written;
SELECT * FROM typology ORDER BY transaction_id, pattern_type;
SELECT * FROM rk.ring_compliance_entity_patterns('types', 'b');
SELECT * FROM rk.ring_compliance_entity_patterns('types', 'c');
SELECT rk.ring_call('types', 320, '{"transaction_id": 8, "source": "b", "target": "b", "amount": 5, "ts": "2024-01-02", "transaction_type": "crypto"}');
-- transactions with ids of any type, which a restart keeps
CREATE TABLE named (pattern_type text, transaction_id text, evidence text[]);
CALL rk.ring_up('compliance/aml-patterns', 'named', '{"min_fan": 3}');
SELECT rk.ring_output('named', 'PatternAlert', 'named') > 0;
SELECT patterns_matched FROM rk.ring_compliance_match_pattern('named', 'TX-1', 1, 11, 100, '2024-01-01 10:00+00');
SELECT patterns_matched FROM rk.ring_compliance_match_pattern('named', u(2), 1, 12, 100, '2024-01-01 11:00+00');
SELECT rk.ring_restart('named');
SELECT rk.ring_wait('named');
SELECT patterns_matched FROM rk.ring_compliance_match_pattern('named', 3::bigint, 1, 13, 100, '2024-01-01 12:00+00');
SELECT patterns_matched FROM rk.ring_compliance_match_pattern('named', transaction_id => 'TX-4', source => 1, target => 14, amount => 100, ts => '2024-01-01 13:00+00');
SELECT * FROM named ORDER BY transaction_id;
SELECT rk.ring_compliance_match_pattern('named', repeat('T', 47), 1, 15, 100, '2024-01-01 14:00+00');
SELECT rk.ring_compliance_match_pattern('named', NULL, 1, 15, 100, '2024-01-01 14:00+00');
CALL rk.ring_down('named');
SELECT rk.ring_drop('named');

-- alerts of several rings about the same entities: rings into a ring, and a ring into tables
CALL rk.ring_up('compliance/alert-correlation', 'desk', '{"id_type": "text", "case_at": "monitor"}');
CALL rk.ring_up('compliance/rapid-movement', 'speed', '{"amount_threshold": 100, "id_type": "text"}');
CREATE TABLE risk (entity text, score float8, kernel_count int, total_alerts bigint, recommendation text, ts timestamptz);
CREATE TABLE cases (case_id bigint, entity text, related text[], kernels text[], total_risk float8, priority int);
CREATE TABLE case_update (case_id bigint, entity text, update_type text, new_risk float8, evidence text[]);
SELECT rk.ring_link('speed', 'AlertBroadcast', 'desk', '{}') > 0, rk.ring_link('intime', 'AlertBroadcast', 'desk', '{}') > 0;
SELECT rk.ring_output('desk', 'AggregatedRisk', 'risk') > 0, rk.ring_output('desk', 'CaseCreation', 'cases') > 0, rk.ring_output('desk', 'CaseUpdate', 'case_update') > 0;
CREATE TABLE payment (source text, target text, amount numeric, ts timestamptz);
SELECT rk.ring_attach('speed', 'payment', '{}') > 0;
INSERT INTO payment VALUES ('dan', 'eve', 500, '2024-02-01 10:00'), ('eve', 'fay', 450, '2024-02-01 11:00'), ('fay', 'eve', 50, '2024-02-01 12:00'), ('fay', 'eve', 350, '2024-02-01 13:00');
SELECT rk.ring_sync('speed');
SELECT rk.ring_sync('desk');
SELECT rk.ring_attach('intime', 'payment', '{"backfill": true}') > 0;
SELECT rk.ring_sync('intime') > 0;
SELECT rk.ring_sync('desk');
SELECT entity, count(*), max(kernel_count) FROM risk GROUP BY entity ORDER BY entity;
SELECT entity, priority, total_risk > 25 FROM cases ORDER BY entity;
SELECT entity, update_type, cardinality(evidence) FROM case_update ORDER BY entity;
SELECT * FROM rk.ring_compliance_entity_risk('desk', 'eve');
SELECT alert_count FROM rk.ring_compliance_entity_risk('desk', 'eve', '1 second');
SELECT * FROM rk.ring_compliance_entity_risk('desk', 'nobody');
SELECT * FROM rk.ring_compliance_alert_broadcast('desk', 'my/own', 'sanctions', 5, 'eve', 100, '2024-02-01 14:00', 'fay', 'on a list');
SELECT risk_score > 75, max_severity, patterns, kernel_count, recommendation FROM rk.ring_compliance_entity_risk('desk', 'eve');

-- who is to be blocked is frozen in a ring that monitors, whose alerts come back through a table
CALL rk.ring_up('compliance/alert-correlation', 'guard', '{"id_type": "text", "freeze": true, "freeze_duration": "1 day"}');
CALL rk.ring_up('compliance/transaction-monitoring', 'gate', '{"id_type": "text"}');
SELECT rk.ring_link('guard', 'Freeze', 'gate', '{"type": "Freeze"}') > 0;
CREATE TABLE broadcast (source_kernel text, alert_type text, severity int, entity text, related_entity text, risk_score float8, ts timestamptz, context text);
SELECT rk.ring_output('gate', 'AlertBroadcast', 'broadcast') > 0, rk.ring_attach('guard', 'broadcast', '{}') > 0;
SELECT risk_score FROM rk.ring_compliance_monitor('gate', 1, 'gil', 'hal', 50000, '2024-03-01 10:00');
SELECT rk.ring_sync('gate') IS NOT NULL;
SELECT rk.ring_sync('guard') IS NOT NULL;
SELECT rk.ring_sync('gate') IS NOT NULL;
SELECT alert_type, severity, entity, related_entity, risk_score, context FROM broadcast ORDER BY context, entity;
SELECT entity, r.* FROM unnest('{gil,hal}'::text[]) entity, rk.ring_compliance_entity_risk('guard', entity) r;
SELECT alert_count, risk_score FROM rk.ring_compliance_monitor('gate', 2, 'gil', 'ida', 1, '2024-03-05 10:00');
SELECT frozen, blocked_count FROM rk.ring_compliance_freeze('gate', 'gil', duration => '0');

-- errors
\set VERBOSITY default
SELECT rk.ring_link('gate', 'AlertBroadcast', 'guard', '{}');
SELECT rk.ring_compliance_match_pattern('types', 1, 'a', 'b', 1, '2024-01-01', 'barter');
CALL rk.ring_up('compliance/aml-patterns', 'bad', '{"min_fan": 1}');
CALL rk.ring_up('compliance/aml-patterns', 'bad', '{"structuring_low": 1}');
CALL rk.ring_up('compliance/aml-patterns', 'bad', '{"time_window": "0 hours"}');
SELECT rk.ring_compliance_circular_add_edge('round', 1, 2, -1, '2024-01-01');
CALL rk.ring_up('compliance/circular-flow', 'bad', '{"max_cycle_length": 65}');
SELECT rk.ring_compliance_reciprocity_add('back', 1, 2, -1, '2024-01-01');
SELECT rk.ring_compliance_reciprocity_add('back', 1, NULL, 1, '2024-01-01');
SELECT rk.ring_compliance_reciprocity_add('back', 'ann', 'bob', 1, '2024-01-01');
SELECT rk.ring_compliance_reciprocity_add('back', u(1), u(2), 1, '2024-01-01');
SELECT rk.ring_compliance_reciprocity_add('intime', 'ann', 'bob', 1, '2024-01-01');
SELECT rk.ring_compliance_reciprocity_add('intime', 'ann', repeat('x', 47), 1, '2024-01-01');
SELECT rk.ring_compliance_movement_observe('fast', 1, 2, 1, '2024-01-01');
SELECT rk.ring_compliance_movement_observe('fast', u(1), u(2), 1, '2023-01-01');
SELECT rk.ring_call('fast', 382, '{"entity": true}');
SELECT rk.ring_compliance_entity_risk('desk', 'eve', '-1 hour');
SELECT rk.ring_compliance_alert_broadcast('desk', '', 'cycle', 5, 'eve', 100, '2024-02-01');
SELECT rk.ring_compliance_alert_broadcast('desk', 'x', 'surprise', 5, 'eve', 100, '2024-02-01');
SELECT rk.ring_compliance_alert_broadcast('desk', 'x', 'cycle', 6, 'eve', 100, '2024-02-01');
SELECT rk.ring_compliance_alert_broadcast('desk', 'x', 'cycle', 5, 'eve', 101, '2024-02-01');
CALL rk.ring_up('compliance/reciprocity-flow', 'bad', '{"id_type": "point"}');
CALL rk.ring_up('compliance/reciprocity-flow', 'bad', '{"max_delay": "1 month"}');
CALL rk.ring_up('compliance/reciprocity-flow', 'bad', '{"max_delay": "-1 day"}');
CALL rk.ring_up('compliance/reciprocity-flow', 'bad', '{"max_delay": 5}');
CALL rk.ring_up('compliance/reciprocity-flow', 'bad', '{"min_amount": -1}');
CALL rk.ring_up('compliance/rapid-movement', 'bad', '{"pass_through_threshold": 0}');
CALL rk.ring_up('compliance/alert-correlation', 'bad', '{"case_at": "never"}');
SELECT rk.ring_link('speed', 'Nothing', 'desk', '{}');
CALL rk.ring_down('round');
CALL rk.ring_down('types');
CALL rk.ring_down('back');
CALL rk.ring_down('intime');
CALL rk.ring_down('fast');
CALL rk.ring_down('speed');
CALL rk.ring_down('desk');
CALL rk.ring_down('guard');
CALL rk.ring_down('gate');
SELECT rk.ring_drop(n) FROM unnest('{guard,gate,round,types,back,intime,fast,speed,desk}'::text[]) n;
