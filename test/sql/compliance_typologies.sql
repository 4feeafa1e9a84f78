-- Typologies of money laundering: rapid movement, patterns.
CREATE SCHEMA compliance_typologies;
SET search_path = compliance_typologies;
SET TimeZone = 'UTC';
CREATE TABLE tx (id text, source text, target text, amount numeric(12,2), ts timestamptz, source_country text, target_country text);

-- twenty payments of 500, a minute apart
SELECT * FROM rk.compliance_rapid_movement($$SELECT 1 AS source, 2 AS target, 500 AS amount, timestamptz '2024-01-01' + i * interval '1 minute' AS ts
	FROM generate_series(0, 19) i$$);
-- money that passes through: 100 stayed 4 hours, 50 of the next 100 stayed 3
INSERT INTO tx VALUES ('t1', 'a', 'b', 100, '2024-01-01 00:00'), ('t2', 'a', 'b', 100, '2024-01-01 01:00'), ('t3', 'b', 'b', 50, '2024-01-01 01:00'),
	('t4', 'b', 'c', 150, '2024-01-01 04:00'), ('t5', 'b', 'c', 100, '2024-01-02 01:00');
SELECT entity, transaction_count, amount_in, amount_out, pass_through, mean_dwell, pass_through_flag, flagged
FROM rk.compliance_rapid_movement('tx', id_type => NULL::text, amount_threshold => 150, pass_through_threshold => 0.6);
SELECT * FROM rk.compliance_rapid_movement('SELECT * FROM tx WHERE false', id_type => NULL::text);

-- scatter and gather
TRUNCATE tx;
INSERT INTO tx
SELECT 'out' || i, 'A', 'm' || i, 100, timestamptz '2024-01-01' + (i - 1) * interval '1 hour' FROM generate_series(1, 3) i
UNION ALL SELECT 'in' || i, 'm' || i, 'B', 95, timestamptz '2024-01-01 10:00' FROM generate_series(1, 3) i;
\x on
SELECT * FROM rk.compliance_aml_patterns('tx', id_type => NULL::text, transaction_id_type => NULL::text, min_fan => 3);
\x off
SELECT pattern, hub, transaction_count FROM rk.compliance_aml_patterns('tx', id_type => NULL::text, transaction_id_type => NULL::text,
	min_fan => 3, suppress_contained => false);
SELECT * FROM rk.compliance_aml_patterns_entities('tx', id_type => NULL::text, min_fan => 3) ORDER BY risk_score DESC, entity;
SELECT * FROM rk.compliance_aml_patterns_summary('tx', min_fan => 3);
-- a cycle, by its other name; row numbers as ids of transactions
SELECT pattern, hub, entities, roles, transaction_ids, amount, confidence FROM rk.compliance_aml_patterns(
	$$SELECT * FROM (VALUES (1, 2, 1000, timestamptz '2024-01-01'), (2, 3, 950, '2024-01-02'), (3, 1, 900, '2024-01-03')) t (source, target, amount, ts)$$,
	patterns => '{cycle}');
-- structuring, and amounts of another currency
SELECT pattern, hub, transaction_count, amount FROM rk.compliance_aml_patterns(
	$$SELECT 1 AS source, 1 + i AS target, 9000 AS amount, timestamptz '2024-01-01' + i * interval '1 hour' AS ts, 'EUR' AS currency FROM generate_series(1, 4) i$$,
	patterns => '{structuring}', rates => '{"EUR": 1.0825}');
-- countries at risk; without countries nothing is looked for
SELECT pattern, hub, entities FROM rk.compliance_aml_patterns($$SELECT 1 AS source, 2 AS target, 5 AS amount, timestamptz '2024-01-01' AS ts, 'DE' AS source_country,
	'KY' AS target_country$$, patterns => '{geographic_anomaly}', high_risk_countries => '{KY,PA}');
SELECT count(*) FROM rk.compliance_aml_patterns($$SELECT 1 AS source, 2 AS target, 5 AS amount, timestamptz '2024-01-01' AS ts$$,
	patterns => '{geographic_anomaly}', high_risk_countries => '{KY,PA}');
-- dealing with who is in a pattern
SELECT pattern, hub, entities, roles FROM rk.compliance_aml_patterns($$SELECT 'A' AS source, 'm' || i AS target, 1 AS amount, timestamptz '2024-01-01' AS ts FROM generate_series(1, 5) i
	UNION ALL SELECT 'Z', 'm1', 1, '2024-06-01'$$, id_type => NULL::text, patterns => '{counterparty_risk}');
-- more linked pairs than permitted
SELECT count(*) FROM rk.compliance_aml_patterns('tx', id_type => NULL::text, transaction_id_type => NULL::text, min_fan => 3,
	patterns => '{scatter_gather}', max_pairs_per_node => 1);
INSERT INTO tx VALUES ('x', 'm1', 'B', 95, '2024-01-01 11:00');
SELECT count(*) FROM rk.compliance_aml_patterns('tx', id_type => NULL::text, transaction_id_type => NULL::text, min_fan => 3,
	patterns => '{scatter_gather}', max_pairs_per_node => 1);
SELECT details FROM rk.last_run();
-- nothing
SELECT * FROM rk.compliance_aml_patterns('SELECT * FROM tx WHERE false', id_type => NULL::text, transaction_id_type => NULL::text);
SELECT * FROM rk.compliance_aml_patterns_entities('SELECT * FROM tx WHERE false', id_type => NULL::text);
SELECT * FROM rk.compliance_aml_patterns_summary('SELECT * FROM tx WHERE false');
SELECT count(*) FROM rk.compliance_aml_patterns('tx', id_type => NULL::text, transaction_id_type => NULL::text, patterns => '{}');

-- a month later, by the calendar: 28, 29 or 31 days, and an hour less where clocks go forward
SET TimeZone = 'Europe/Berlin';
CREATE TABLE monthly AS SELECT i AS id, 'a' AS source, 'b' AS target, 100 AS amount, ts
FROM unnest(ARRAY['2024-01-31 12:00', '2024-02-29 11:59:59', '2024-02-29 12:00', '2024-03-29 11:59:59', '2024-03-29 12:00',
	'2024-03-31 12:00']::timestamptz[]) WITH ORDINALITY t(ts, i);
INSERT INTO monthly VALUES (7, 'b', 'c', 500, '2024-04-29 12:00');
SELECT entity, window_start, window_amount, max_velocity * 24 * 29 AS in_29_days FROM rk.compliance_rapid_movement('SELECT * FROM monthly WHERE id < 7', id_type => NULL::text, time_window => '1 month');
SELECT entity, pass_through, mean_dwell FROM rk.compliance_rapid_movement('monthly', id_type => NULL::text, max_dwell => '1 month') WHERE entity = 'b';
SELECT entity, pass_through, mean_dwell FROM rk.compliance_rapid_movement('monthly', id_type => NULL::text, max_dwell => '1 month 1 second') WHERE entity = 'b';
SELECT transaction_ids FROM rk.compliance_aml_patterns('monthly', id_type => NULL::text, patterns => '{structuring}', reporting_threshold => 101,
	time_window => '1 month', structuring_min_count => 2);
SELECT * FROM rk.compliance_rapid_movement('SELECT 1 AS source, 2 AS target, 3 AS amount, ''294276-01-01''::timestamptz AS ts', time_window => '10000 years') ORDER BY entity;
SELECT pattern FROM rk.compliance_aml_patterns('SELECT 1 AS source, 2 AS target, 3 AS amount, ''294276-01-01''::timestamptz AS ts', time_window => '178000000 years', max_dwell => '1 month');
DROP TABLE monthly;
RESET TimeZone;

-- errors
\set VERBOSITY default
\set one '''SELECT 1 AS source, 2 AS target, 3 AS amount, now() AS ts'''
SELECT * FROM rk.compliance_rapid_movement(NULL);
SELECT * FROM rk.compliance_rapid_movement('SELECT 1 AS source, 2 AS target, -3 AS amount, now() AS ts');
SELECT * FROM rk.compliance_rapid_movement('SELECT 1 AS source, 2 AS target, 3 AS amount');
SELECT * FROM rk.compliance_rapid_movement(:one, time_window => '0');
SELECT * FROM rk.compliance_rapid_movement(:one, time_window => '1 month -1 day');
SELECT * FROM rk.compliance_rapid_movement(:one, max_dwell => '-1 month');
SELECT * FROM rk.compliance_rapid_movement(:one, max_dwell => '-1 hour');
SELECT * FROM rk.compliance_rapid_movement(:one, velocity_threshold => 0);
SELECT * FROM rk.compliance_rapid_movement(:one, amount_threshold => -1);
SELECT * FROM rk.compliance_rapid_movement(:one, amount_threshold => 0.000000001);
SELECT * FROM rk.compliance_rapid_movement(:one, pass_through_threshold => 0);
SELECT * FROM rk.compliance_rapid_movement(:one, pass_through_threshold => 1.5);
SELECT * FROM rk.compliance_aml_patterns(NULL);
SELECT * FROM rk.compliance_aml_patterns(:one, patterns => '{fan_in,surprise}');
SELECT * FROM rk.compliance_aml_patterns(:one, patterns => '{fan_in,NULL}');
SELECT * FROM rk.compliance_aml_patterns(:one, time_window => '0');
SELECT * FROM rk.compliance_aml_patterns(:one, max_dwell => '0');
SELECT * FROM rk.compliance_aml_patterns(:one, cycle_window => '-1 year 400 days');
SELECT * FROM rk.compliance_aml_patterns(:one, min_fan => 1);
SELECT * FROM rk.compliance_aml_patterns(:one, min_layers => 1);
SELECT * FROM rk.compliance_aml_patterns(:one, max_cycle_length => 33);
SELECT * FROM rk.compliance_aml_patterns(:one, min_forwarded => 1.1);
SELECT * FROM rk.compliance_aml_patterns(:one, reporting_threshold => -1);
SELECT * FROM rk.compliance_aml_patterns(:one, structuring_low => 1);
SELECT * FROM rk.compliance_aml_patterns(:one, structuring_min_count => 0);
SELECT * FROM rk.compliance_aml_patterns(:one, max_pairs_per_node => 0);
SELECT * FROM rk.compliance_aml_patterns($$SELECT 1 AS source, 2 AS target, 3 AS amount, now() AS ts, c AS currency FROM unnest('{EUR,USD}'::text[]) c$$);
SELECT * FROM rk.compliance_aml_patterns('tx');
