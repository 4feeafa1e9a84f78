-- Transaction monitoring as a ring: messages, rules, alerts, and what fields of messages take.
CREATE SCHEMA ring_monitoring;
SET search_path = ring_monitoring;
SET TimeZone = 'UTC';
SELECT type_id, name, mutating, published, reply_type_id, function FROM rk.message_types
WHERE kernel = 'compliance/transaction-monitoring' ORDER BY type_id;
-- the rules that the batch function has by default
CALL rk.ring_up('compliance/transaction-monitoring', 'm');
SELECT * FROM rk.ring_compliance_monitor('m', 1, 10, 20, 15000, '2024-01-01 10:00');
SELECT * FROM rk.ring_compliance_monitor('m', 2, 10, 10, 100.55, '2024-01-01 10:30');
SELECT * FROM rk.ring_compliance_entity_totals('m', 10);
SELECT * FROM rk.ring_compliance_entity_totals('m', 99);
-- a rule more, with all that it may have; replaced; switched off
SELECT rk.ring_compliance_load_rule('m', 9, 'offshore', 'geographic_risk', 10, severity => 'critical', side => 'target', comparison => '>',
	currency => 'EUR', transaction_types => '{wire,card}', countries => '{KY,PA}', time_window => '1 day', cooldown => '90 minutes');
SELECT * FROM rk.ring_compliance_monitor('m', 3, 11, 21, 10.00000001, '2024-01-01 12:00', 'wire', 'EUR', 'DE', 'KY');
SELECT * FROM rk.ring_compliance_monitor('m', 4, 11, 21, 10, '2024-01-01 12:00', 'wire', 'EUR', 'DE', 'KY');
SELECT * FROM rk.ring_compliance_monitor('m', 5, 11, 21, 11, '2024-01-01 12:00', 'cash', 'EUR', 'DE', 'KY');
SELECT rk.ring_call('m', 303, '{"id": 9, "rule_name": "offshore", "rule_type": "geographic_risk", "threshold": "10.5", "countries": ["KY"], "cooldown": "01:00:00", "enabled": true}');
SELECT * FROM rk.ring_compliance_monitor('m', 6, 11, 21, 11, '2024-01-01 12:00', 'cash', 'EUR', 'DE', 'KY');
SELECT rk.ring_compliance_load_rule('m', 9, 'offshore', 'geographic_risk', 10, enabled => false);
SELECT * FROM rk.ring_compliance_monitor('m', 7, 11, 21, 11, '2024-01-01 12:00', 'cash', 'EUR', 'DE', 'KY');
-- many at once
CREATE TABLE rule (id int, name varchar(40), rule_type text, threshold float8, time_window interval, transaction_types varchar(20)[], countries text[]);
INSERT INTO rule VALUES (50, 'far', 'single_amount', 0.25, NULL, '{x,y}', '{}'), (51, 'wide', 'transaction_count', 1, '3 days 04:05', NULL, NULL);
SELECT rk.ring_load('m', 'rule');
SELECT rk.ring_load('m', '[{"id": 52, "name": "json", "rule_type": "cash_aggregate", "threshold": 1, "countries": ["DE", "FR"]}]');
SELECT rule_id, threshold FROM rk.ring_compliance_entity_totals('m', 10);
-- cash, with a day of one's own
SELECT alert_count FROM rk.ring_compliance_monitor('m', 8, 12, 22, 0.6, '2024-01-01 23:30', 'cash_deposit', source_country => 'DE');
SELECT alert_count, alert_flags FROM rk.ring_compliance_monitor('m', 9, 12, 22, 0.6, '2024-01-02 00:30', 'cash_deposit', source_country => 'DE', day => '2024-01-01');
-- frozen
SELECT * FROM rk.ring_compliance_freeze('m', 22, 'court order', '1 hour');
SELECT * FROM rk.ring_compliance_monitor('m', 10, 13, 22, 1, '2024-01-02 00:30');
SELECT * FROM rk.ring_compliance_freeze('m', 22, duration => '0');
SELECT risk_score FROM rk.ring_compliance_monitor('m', 11, 13, 22, 1, '2024-01-02 00:30');
-- a table of payments in, a table of alerts out; columns of all types of time
CREATE TABLE wire (id int, source int, target int, amount numeric, ts timestamp, transaction_type varchar, day date);
CREATE TABLE alert (apply_seq bigint, transaction_id bigint, alert_type text, severity text, entity bigint, threshold numeric, actual numeric,
	ts timestamptz, rule_id bigint, rule_name text, message text);
CREATE TABLE rules2 AS SELECT 1 AS id, 'Big' AS name, 'aggregate_amount' AS rule_type, 100 AS threshold, interval '1 hour' AS time_window, 'source' AS side;
CALL rk.ring_up('compliance/transaction-monitoring', 'n', '{"kernel": {"rules": "ring_monitoring.rules2"}}');
SELECT rk.ring_attach('n', 'wire', '{"type": "Monitor", "fields": {"transaction_id": "id"}, "output": {"Alert": "ring_monitoring.alert"}}') > 0;
INSERT INTO wire VALUES (1, 1, 2, 60, '2024-01-01 10:00', 'wire', NULL), (2, 1, 3, 50.5, '2024-01-01 10:30', NULL, '2024-01-01'), (3, 1, 3, 1, '2024-01-01 11:30', NULL, NULL);
SELECT rk.ring_sync('n');
SELECT transaction_id, alert_type, severity, entity, threshold, actual, ts, rule_id, rule_name, message FROM alert ORDER BY apply_seq;
-- entities and transactions with ids of other types
CREATE TABLE iban_wire (id uuid, source text, target text, amount numeric, ts timestamptz);
CREATE TABLE iban_alert (transaction_id uuid, entity text, actual numeric);
CALL rk.ring_up('compliance/transaction-monitoring', 'iban', '{"id_type": "text", "rules": "ring_monitoring.rules2"}');
SELECT rk.ring_attach('iban', 'iban_wire', '{"type": "Monitor", "fields": {"transaction_id": "id"}, "output": {"Alert": "ring_monitoring.iban_alert"}}') > 0;
INSERT INTO iban_wire VALUES ('00000000-0000-0000-0000-00000000000a', 'DE89370400440532013000', 'GB29NWBK60161331926819', 60, '2024-01-01 10:00'),
	('00000000-0000-0000-0000-00000000000b', 'DE89370400440532013000', 'FR1420041010050500013M02606', 50.5, '2024-01-01 10:30');
SELECT rk.ring_sync('iban');
SELECT * FROM iban_alert;
SELECT * FROM rk.ring_compliance_monitor('iban', 17, 'DE89370400440532013000', 'GB29NWBK60161331926819', 1, '2024-01-01 10:40');
SELECT * FROM rk.ring_compliance_entity_totals('iban', 'DE89370400440532013000');
SELECT frozen FROM rk.ring_compliance_freeze('iban', 'DE89370400440532013000');
SELECT risk_score FROM rk.ring_compliance_monitor('iban', 'T1'::text, 'DE89370400440532013000', 'new', 1, '2024-01-01 15:40');
SELECT rk.ring_checksum('iban') AS before \gset
SELECT rk.ring_restart('iban');
SELECT rk.ring_wait('iban');
SELECT rk.ring_checksum('iban') = :'before' AS same;
SELECT * FROM rk.ring_compliance_monitor('m', 1, 'ten', '20', 1, '2024-01-01');
CALL rk.ring_down('iban');
SELECT rk.ring_drop('iban');

-- errors
\set VERBOSITY default
SELECT rk.ring_compliance_monitor('m', 1, 10, 20, -1, '2024-01-01');
SELECT rk.ring_compliance_monitor('m', 1, 10, 20, NULL, '2024-01-01');
SELECT rk.ring_compliance_monitor('m', 1, 10, 20, 1, '2024-01-01', repeat('x', 33));
SELECT rk.ring_compliance_load_rule('m', 60, 'x', 'velocity', 1);
SELECT rk.ring_compliance_load_rule('m', 60, 'x', 'surprise', 1);
SELECT rk.ring_compliance_load_rule('m', 60, 'x', 'velocity', 1, time_window => '1 month');
SELECT rk.ring_compliance_load_rule('m', 60, 'x', 'velocity', 1, time_window => '-1 day');
SELECT rk.ring_compliance_load_rule('m', 60, 'x', 'single_amount', -1);
SELECT rk.ring_compliance_load_rule('m', 60, 'x', 'single_amount', 1, countries => '{DE,NULL}');
SELECT rk.ring_compliance_load_rule('m', 60, 'x', 'single_amount', 1, countries => '{DE,""}');
SELECT rk.ring_compliance_load_rule('m', 60, 'x', 'single_amount', 1, countries => array_agg('country ' || i)) FROM generate_series(1, 30) i;
SELECT rk.ring_compliance_freeze('m', 22, duration => '-1 hour');
SELECT rk.ring_load('m', 'SELECT 1 AS id, 2 AS name, ''single_amount'' AS rule_type, 1 AS threshold');
SELECT rk.ring_load('m', 'SELECT 1 AS id, ''x'' AS name, 7 AS rule_type, 1 AS threshold');
SELECT rk.ring_load('m', 'SELECT 1 AS id, ''x'' AS name, ''single_amount'' AS rule_type, 1 AS threshold, 5 AS time_window');
SELECT rk.ring_load('m', 'SELECT 1 AS id, ''x'' AS name, ''single_amount'' AS rule_type, 1 AS threshold, ''DE'' AS countries');
SELECT rk.ring_load('m', 'SELECT 1 AS id, ''x'' AS name, ''single_amount'' AS rule_type, 1 AS threshold, 1 AS enabled');
SELECT rk.ring_call('m', 303, '{"id": 60, "rule_name": "x", "rule_type": "single_amount", "threshold": 1, "countries": [1]}');
SELECT rk.ring_call('m', 303, '{"id": 60, "rule_name": "x", "rule_type": "single_amount", "threshold": 1, "countries": {"a": 1}}');
SELECT rk.ring_call('m', 302, '{}');
CALL rk.ring_up('compliance/transaction-monitoring', 'bad', '{"kernel": {"rules": 1}}');
CALL rk.ring_down('m');
CALL rk.ring_down('n');
SELECT rk.ring_drop('m'), rk.ring_drop('n');
