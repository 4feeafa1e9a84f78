-- Transaction monitoring: rules over transactions.
CREATE SCHEMA compliance_monitoring;
SET search_path = compliance_monitoring;
CREATE TABLE wire (id text, payer text, payee text, amount numeric(12,2), ts timestamptz, tx_type text, currency text,
	source_country text, target_country text);
INSERT INTO wire VALUES
	('t1', 'ann', 'bob', 15000, '2024-01-01 10:00+00', 'wire', 'EUR', 'DE', 'DE'),
	('t2', 'ann', 'cem', 100.55, '2024-01-01 11:00+00', 'wire', 'EUR', 'DE', 'KY'),
	('t3', 'ann', 'ann', 9000, '2024-01-02 09:30+00', 'cash_deposit', 'EUR', 'DE', 'DE'),
	('t4', 'bob', 'ann', 12000, '2024-01-05 00:00+00', 'wire', 'EUR', 'DE', 'FR'),
	('t5', 'ann', 'ann', 1500, '2024-01-02 22:00+00', 'cash_deposit', 'EUR', NULL, 'DE');
CREATE VIEW tx AS SELECT id, payer AS source, payee AS target, amount, ts, tx_type, currency, source_country, target_country FROM wire;
SET TimeZone = 'UTC';
SELECT * FROM rk.compliance_default_rules ORDER BY id;
SELECT * FROM rk.compliance_transaction_monitoring('tx', id_type => NULL::text, transaction_id_type => NULL::text);
SELECT * FROM rk.compliance_transaction_monitoring_summary('tx');
SELECT rule_id, entity, ts, current_value, transaction_ids
FROM rk.compliance_transaction_monitoring('tx', id_type => NULL::text, transaction_id_type => NULL::text, as_of => '2024-01-02 10:00');
-- row numbers as ids of transactions
SELECT rule_id, entity, transaction_ids FROM rk.compliance_transaction_monitoring('SELECT source, target, amount, ts FROM tx',
	id_type => NULL::text) WHERE rule_id = 2;
-- every type of rule, with everything that a rule may have
CREATE TABLE rule (id int, name text, rule_type text, threshold numeric, time_window interval, severity text, side text,
	comparison text, currency text, transaction_types text[], countries text[], cooldown interval, enabled boolean);
INSERT INTO rule VALUES
	(20, 'offshore', 'geographic_risk', 100, NULL, 'critical', NULL, NULL, NULL, NULL, '{KY,PA}', NULL, NULL),
	(10, 'cash', 'cash_aggregate', 10000, NULL, 'emergency', NULL, NULL, 'EUR', NULL, NULL, NULL, true),
	(5, 'sleeper', 'dormant_reactivation', 5000, '2 days', 'low', NULL, NULL, NULL, NULL, NULL, NULL, NULL),
	(6, 'below', 'just_below_threshold', 10000, '2 days', 'info', 'target', NULL, NULL, NULL, NULL, NULL, NULL),
	(7, 'partners', 'distinct_counterparties', 1, '30 days', NULL, 'source', '>', NULL, '{wire}', NULL, NULL, NULL),
	(8, 'off', 'single_amount', 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, false),
	(9, 'again', 'velocity', 1, '10 hours', NULL, 'source', NULL, NULL, '{wire}', NULL, '30 minutes', NULL);
SELECT alert_id, rule_id, rule_name, entity, ts, severity, current_value, transaction_ids, message
FROM rk.compliance_transaction_monitoring('tx', rules => 'rule', id_type => NULL::text, transaction_id_type => NULL::text);
SELECT by_rule FROM rk.compliance_transaction_monitoring_summary('tx', rules => 'rule');
-- rules as JSON, transactions as JSON, by id
SELECT rk.execute('compliance/transaction-monitoring', '{"transactions": [{"source": 1, "target": 2, "amount": 100, "ts": "2024-01-01"}],
	"rules": [{"id": 1, "name": "one", "rule_type": "single_amount", "threshold": 50}]}')->'rows';
-- as many rows as do not fit in one batch, ids of rules below zero
SELECT jsonb_array_length(rk.execute('compliance/transaction-monitoring', jsonb_build_object(
	'transactions', 'SELECT i AS source, -i AS target, 10 AS amount, now() AS ts, i AS id FROM generate_series(1, 5000) i',
	'rules', 'SELECT -1 AS id, ''x'' AS name, ''single_amount'' AS rule_type, 10 AS threshold'))->'rows');
SELECT DISTINCT rule_id FROM rk.compliance_transaction_monitoring('SELECT 1 AS source, 2 AS target, 10 AS amount, now() AS ts',
	rules => 'SELECT -1 AS id, ''x'' AS name, ''single_amount'' AS rule_type, 10 AS threshold');
-- nothing
SELECT * FROM rk.compliance_transaction_monitoring('SELECT * FROM tx WHERE false', id_type => NULL::text, transaction_id_type => NULL::text);
SELECT * FROM rk.compliance_transaction_monitoring_summary('SELECT * FROM tx WHERE false');
SELECT * FROM rk.compliance_transaction_monitoring_summary('tx', rules => 'SELECT * FROM rule WHERE false');
-- currencies
SELECT current_value, message FROM rk.compliance_transaction_monitoring(
	$$SELECT 1 AS source, 2 AS target, 100 AS amount, now() AS ts, 'EUR' AS currency$$, rates => '{"EUR": 1.0825}',
	rules => $$SELECT 1 AS id, 'x' AS name, 'single_amount' AS rule_type, 108 AS threshold$$);

-- errors
\set VERBOSITY default
\set one '''SELECT 1 AS source, 2 AS target, 3 AS amount, now() AS ts'''
SELECT * FROM rk.compliance_transaction_monitoring(NULL);
SELECT * FROM rk.compliance_transaction_monitoring(:one, rules => NULL);
SELECT * FROM rk.compliance_transaction_monitoring('SELECT 1 AS source, 2 AS target, -3 AS amount, now() AS ts');
SELECT * FROM rk.compliance_transaction_monitoring('SELECT 1 AS source, 2 AS target, 3 AS amount');
SELECT * FROM rk.compliance_transaction_monitoring('SELECT 1 AS source, NULL::int AS target, 3 AS amount, now() AS ts');
SELECT * FROM rk.compliance_transaction_monitoring(:one, rules => 'SELECT 1 AS id, ''x'' AS name, ''surprise'' AS rule_type, 1 AS threshold');
SELECT * FROM rk.compliance_transaction_monitoring(:one, rules => 'SELECT 1 AS id, ''x'' AS name, ''velocity'' AS rule_type, 1 AS threshold');
SELECT * FROM rk.compliance_transaction_monitoring(:one, rules => 'SELECT 1 AS id, ''x'' AS name, ''single_amount'' AS rule_type, -1 AS threshold');
SELECT * FROM rk.compliance_transaction_monitoring(:one, rules => 'SELECT 1 AS id, ''x'' AS name, ''single_amount'' AS rule_type, 0.000000001 AS threshold');
SELECT * FROM rk.compliance_transaction_monitoring(:one, rules => 'SELECT 1 AS id, ''x'' AS name, ''single_amount'' AS rule_type, 1e21 AS threshold');
SELECT * FROM rk.compliance_transaction_monitoring(:one, rules => 'SELECT 1 AS id, ''x'' AS name, ''single_amount'' AS rule_type, 1 AS threshold, ''huge'' AS severity');
SELECT * FROM rk.compliance_transaction_monitoring(:one, rules => 'SELECT 1 AS id, ''x'' AS name, ''single_amount'' AS rule_type, 1 AS threshold, ''left'' AS side');
SELECT * FROM rk.compliance_transaction_monitoring(:one, rules => 'SELECT 1 AS id, ''x'' AS name, ''single_amount'' AS rule_type, 1 AS threshold, ''<'' AS comparison');
SELECT * FROM rk.compliance_transaction_monitoring(:one, rules => 'SELECT 1 AS id, ''x'' AS name, ''single_amount'' AS rule_type, 1 AS threshold FROM generate_series(1, 2)');
SELECT * FROM rk.compliance_transaction_monitoring(:one, rules => 'SELECT 1 AS id, ''x'' AS name, ''single_amount'' AS rule_type, 1 AS threshold, interval ''-1 day'' AS time_window');
SELECT * FROM rk.compliance_transaction_monitoring(:one, rules => 'SELECT 1 AS id, ''x'' AS name, ''single_amount'' AS rule_type, 1 AS threshold, interval ''1 month'' AS time_window');
SELECT * FROM rk.compliance_transaction_monitoring(:one, rules => 'SELECT 1 AS id, ''x'' AS name, ''single_amount'' AS rule_type, 1 AS threshold, interval ''0'' AS cooldown');
SELECT * FROM rk.compliance_transaction_monitoring(:one, rules => 'SELECT 1 AS id, ''x'' AS name, ''cash_aggregate'' AS rule_type, 1 AS threshold');
SELECT * FROM rk.compliance_transaction_monitoring(:one, rules => 'SELECT 1 AS id, ''x'' AS name, ''geographic_risk'' AS rule_type, 1 AS threshold');
SELECT * FROM rk.compliance_transaction_monitoring(:one, rules => 'SELECT 1 AS id, ''x'' AS name, ''single_amount'' AS rule_type, 1 AS threshold, ''EUR'' AS currency');
SELECT * FROM rk.compliance_transaction_monitoring('tx');
