-- Circular, reciprocal, reversed and sliced flows: worked examples, errors.
SET extra_float_digits = -3;
SET timezone = 'UTC';
CREATE SCHEMA flows;
SET search_path = flows;

CREATE TABLE payment (id text, payer int, payee int, amount numeric(12, 2), ts timestamptz, currency text);
INSERT INTO payment VALUES
	('a', 1, 2, 5000, '2024-01-01 00:01:40', 'USD'), ('b', 2, 1, 4800, '2024-01-01 00:03:20', 'USD'),
	('c', 3, 4, 3000, '2024-01-01 00:05:00', 'EUR'), ('d', 4, 3, 2800, '2024-01-01 00:06:40', 'EUR'),
	('e', 5, 5, 400, '2024-01-01 00:08:00', 'USD');
CREATE VIEW transfer AS SELECT id, payer AS source, payee AS target, amount, ts FROM payment;
CREATE VIEW mixed AS SELECT id, payer AS source, payee AS target, amount, ts, currency FROM payment;

-- ---- the relation ----

-- amounts in several currencies
SELECT entity_a, entity_b, amount_ab, amount_ba FROM rk.compliance_reciprocity_flow('mixed', rates => '{"USD": 1, "EUR": 1.0825}');
SELECT entity_a, entity_b, amount_ab, amount_ba FROM rk.compliance_reciprocity_flow('SELECT * FROM mixed WHERE currency = ''EUR''');
SELECT total_amount FROM rk.compliance_reciprocity_flow_summary('mixed', rates => '{"USD": 0.0000000051, "EUR": 0.000000005}');
SELECT * FROM rk.compliance_reciprocity_flow('mixed');
SELECT * FROM rk.compliance_reciprocity_flow('mixed', rates => '{"USD": 1}');
SELECT * FROM rk.compliance_reciprocity_flow('mixed', rates => '{"USD": 1, "EUR": 0}');
SELECT * FROM rk.compliance_reciprocity_flow('mixed', rates => '{"USD": 1, "EUR": "much"}');
SELECT * FROM rk.compliance_reciprocity_flow('mixed', rates => '[1]');
SELECT * FROM rk.compliance_reciprocity_flow('transfer', rates => '{"USD": 1}');
SELECT * FROM rk.compliance_reciprocity_flow('SELECT source, target, amount, nullif(currency, ''EUR'') AS currency FROM mixed');
SELECT count(*) FROM rk.compliance_reciprocity_flow('SELECT source, target, amount, NULL AS currency FROM mixed');
-- rows that are none
SELECT * FROM rk.compliance_reciprocity_flow('[{"source": 1, "target": 2, "amount": -3}]');
SELECT * FROM rk.compliance_reciprocity_flow('[{"source": 1, "target": 2, "amount": null}]');
SELECT * FROM rk.compliance_reciprocity_flow('[{"source": null, "target": 2, "amount": 3}]');
SELECT * FROM rk.compliance_reciprocity_flow('SELECT 1 AS source, 2 AS target, ''NaN''::float8 AS amount');
SELECT * FROM rk.compliance_reciprocity_flow('SELECT 1 AS source, 2 AS target, 100000000000000000001 AS amount');
SELECT * FROM rk.compliance_reciprocity_flow('SELECT 1 AS source, 2 AS target, 3 AS amount, NULL::date AS ts');
SELECT * FROM rk.compliance_reciprocity_flow('SELECT 1 AS source, 2 AS target');
SELECT * FROM rk.compliance_reciprocity_flow(NULL);
SELECT * FROM rk.compliance_flow_reversal('SELECT 1 AS source, 2 AS target, 3 AS amount');
SELECT * FROM rk.compliance_flow_reversal('SELECT NULL::int AS id, 1 AS source, 2 AS target, 3 AS amount, now() AS ts');
-- half away from zero, once; float goes through numeric
SELECT amount_ab, amount_ba FROM rk.compliance_reciprocity_flow('SELECT * FROM (VALUES (1, 2, 0.000000005), (2, 1, 0.000000004)) v (source, target, amount)');
SELECT amount_ab, amount_ba FROM rk.compliance_reciprocity_flow('SELECT * FROM (VALUES (1, 2, 0.1::float8), (2, 1, 1e20)) v (source, target, amount)');
-- ids of entities and transactions
SELECT original_id, reversal_id, entity_a, pg_typeof(entity_a), pg_typeof(original_id)
FROM rk.compliance_flow_reversal('transfer', NULL::bigint, NULL::text);
SELECT original_id, entity_b FROM rk.compliance_flow_reversal('SELECT source::text, target::text, amount, ts FROM transfer', id_type => NULL::text);
SELECT original_id, entity_a FROM rk.compliance_flow_reversal('SELECT id, ''n'' || source AS source, ''n'' || target AS target, amount, ts FROM transfer', NULL::text, NULL::text);
SELECT original_id, pg_typeof(original_id) FROM rk.compliance_flow_reversal('SELECT source, target, amount, ts FROM transfer', transaction_id_type => NULL::int);
SELECT original_id, pg_typeof(original_id) FROM rk.compliance_flow_reversal('[{"id": "00000000-0000-0000-0000-000000000001", "source": 1, "target": 2, "amount": 5, "ts": "2024-01-01"},
	{"id": "00000000-0000-0000-0000-000000000002", "source": 2, "target": 1, "amount": 5, "ts": "2024-01-01 00:01"}]', transaction_id_type => NULL::uuid);
SELECT * FROM rk.compliance_flow_reversal('transfer');
SELECT * FROM rk.compliance_flow_reversal('SELECT id, ''a'' || source AS source, ''a'' || target AS target, amount, ts FROM transfer');
SELECT * FROM rk.compliance_flow_reversal('SELECT source, target, amount, ts FROM transfer', transaction_id_type => NULL::uuid);
SELECT * FROM rk.compliance_flow_reversal('SELECT source::text, target::text, amount, ts FROM transfer');

-- ---- circular flows ----

CREATE VIEW circle AS SELECT * FROM (VALUES (11, 1, 2, 1000, timestamptz '2024-01-01'), (12, 2, 3, 950, '2024-01-02'), (13, 3, 1, 900, '2024-01-03'),
	(14, 3, 4, 50, '2024-01-04'), (15, 7, 8, 20, '2024-01-05'), (16, 8, 7, 30, '2024-01-06'), (17, 5, 5, 10, '2024-01-07')) v (id, source, target, amount, ts);
SELECT * FROM rk.compliance_circular_flow('circle', circulation => true) ORDER BY component_id;
SELECT component_id, members, circulating_amount FROM rk.compliance_circular_flow('circle', min_size => 3);
SELECT component_id, members, internal_amount FROM rk.compliance_circular_flow('circle', min_amount => 50) ORDER BY 1;
SELECT component_id, members FROM rk.compliance_circular_flow('circle', min_amount => 50.01);
SELECT * FROM rk.compliance_circular_flow_entities('circle') ORDER BY entity;
SELECT entity, component_id, ratio FROM rk.compliance_circular_flow_entities('circle', min_size => 3) ORDER BY entity;
SELECT members, internal_amount, first_ts FROM rk.compliance_circular_flow('SELECT ''n'' || source AS source, ''n'' || target AS target, amount FROM circle', id_type => NULL::text);
-- equal amounts: the one that is seen first, payer before payee
SELECT component_id, members FROM rk.compliance_circular_flow('SELECT * FROM (VALUES (5, 1, 9), (1, 2, 1), (2, 1, 1), (5, 6, 1), (6, 5, 1)) v (source, target, amount)') ORDER BY 1;
-- nothing goes round
SELECT count(*) FROM rk.compliance_circular_flow('[]');
SELECT count(*) FROM rk.compliance_circular_flow_entities('[]');
SELECT count(*) FROM rk.compliance_circular_flow('[{"source": 1, "target": 1, "amount": 5}, {"source": 1, "target": 2, "amount": 5}]');
SELECT internal_amount, circulating_amount, share FROM rk.compliance_circular_flow('[{"source": 1, "target": 2, "amount": 0}, {"source": 2, "target": 1, "amount": 0}]', circulation => true);
SELECT * FROM rk.compliance_circular_flow('circle', min_size => 1);
SELECT * FROM rk.compliance_circular_flow('circle', min_amount => -0.01);
SELECT * FROM rk.compliance_circular_flow('circle', circulation => NULL);

-- cycles
SELECT * FROM rk.compliance_circular_flow_cycles('circle');
SELECT cycle_id, transaction_ids FROM rk.compliance_circular_flow_cycles('circle', time_window => '2 days');
SELECT cycle_id, transaction_ids FROM rk.compliance_circular_flow_cycles('circle', max_cycle_length => 2);
SELECT cycle_id, transaction_ids FROM rk.compliance_circular_flow_cycles('circle', min_retention => 0.91);
SELECT * FROM rk.compliance_circular_flow_cycles('circle', time_respecting => false) ORDER BY cycle_id;
SELECT cycle_id, members, transaction_ids, first_ts FROM rk.compliance_circular_flow_cycles('SELECT source, target, amount FROM circle', time_respecting => false) ORDER BY cycle_id;
-- one moment is not later than itself
SELECT count(*) FROM rk.compliance_circular_flow_cycles('SELECT source, target, amount, date ''2024-01-01'' AS ts FROM circle');
-- parallel payments are cycles of their own; both rounds of money that goes round twice
SELECT cycle_id, transaction_ids FROM rk.compliance_circular_flow_cycles('SELECT 1 + i % 2 AS source, 2 - i % 2 AS target, 1 AS amount, timestamptz ''2024-01-01'' + i * interval ''1 h'' AS ts
	FROM generate_series(1, 4) i') ORDER BY 1;
-- an amount of 0 has no retention
SELECT retention FROM rk.compliance_circular_flow_cycles('[{"source": 1, "target": 2, "amount": 0, "ts": "2024-01-01"}, {"source": 2, "target": 1, "amount": 5, "ts": "2024-01-02"}]');
SELECT retention FROM rk.compliance_circular_flow_cycles('[{"source": 1, "target": 2, "amount": 0, "ts": "2024-01-01"}, {"source": 2, "target": 1, "amount": 5, "ts": "2024-01-02"}]', min_retention => 0.1);
SELECT transaction_ids FROM rk.compliance_circular_flow_cycles('SELECT ''x'' || id AS id, ''n'' || source AS source, ''n'' || target AS target, amount, ts FROM circle', NULL::text, NULL::text);
SELECT count(*) FROM rk.compliance_circular_flow_cycles('[]');
SELECT count(*) FROM rk.compliance_circular_flow_cycles('[]', time_respecting => false);
SELECT * FROM rk.compliance_circular_flow_cycles('SELECT source, target, amount FROM circle');
SELECT * FROM rk.compliance_circular_flow_cycles('SELECT 1 + i % 2 AS source, 2 - i % 2 AS target, 1 AS amount, timestamptz ''2024-01-01'' + i * interval ''1 h'' AS ts FROM generate_series(1, 4) i', max_cycles => 3);
SELECT * FROM rk.compliance_circular_flow_cycles('circle', time_respecting => false, max_cycles => 1);
SELECT * FROM rk.compliance_circular_flow_cycles('circle', max_cycles => 0);
SELECT * FROM rk.compliance_circular_flow_cycles('circle', max_cycle_length => 1);
SELECT * FROM rk.compliance_circular_flow_cycles('circle', max_cycle_length => 65);
SELECT * FROM rk.compliance_circular_flow_cycles('circle', min_retention => 1.1);
SELECT * FROM rk.compliance_circular_flow_cycles('circle', time_window => '0');

-- ---- reciprocity ----

SELECT * FROM rk.compliance_reciprocity_flow('transfer') ORDER BY entity_a;
SELECT * FROM rk.compliance_reciprocity_flow_summary('transfer');
SELECT * FROM rk.compliance_reciprocity_flow_summary('SELECT * FROM transfer WHERE id IN (''a'', ''b'')');
SELECT entity_a, reciprocal_amount, balance FROM rk.compliance_reciprocity_flow('transfer', min_amount => 2800.01);
SELECT entity_a, reciprocal_amount, balance FROM rk.compliance_reciprocity_flow('transfer', min_amount => 0.01, max_delay => '100 s');
SELECT entity_a, reciprocal_amount, balance FROM rk.compliance_reciprocity_flow('transfer', max_delay => '100.000001 s') ORDER BY entity_a;
SELECT entity_a, count_ab FROM rk.compliance_reciprocity_flow('transfer', start_ts => '2024-01-01 00:05:00', end_ts => '2024-01-01 00:06:40.000001');
-- only zeros, one row, nothing
SELECT amount_ab, reciprocal_amount, balance FROM rk.compliance_reciprocity_flow('SELECT * FROM (VALUES (1, 2, 0), (2, 1, 0)) v (source, target, amount)');
SELECT * FROM rk.compliance_reciprocity_flow_summary('SELECT 1 AS source, 2 AS target, 3 AS amount');
SELECT * FROM rk.compliance_reciprocity_flow_summary('SELECT 1 AS source, 1 AS target, 3 AS amount');
SELECT * FROM rk.compliance_reciprocity_flow_summary('[]');
SELECT count(*) FROM rk.compliance_reciprocity_flow('[]');
-- errors
SELECT * FROM rk.compliance_reciprocity_flow('transfer', min_amount => -1);
SELECT * FROM rk.compliance_reciprocity_flow('transfer', min_amount => 0.000000001);
SELECT * FROM rk.compliance_reciprocity_flow('transfer', min_amount => 1e21);
SELECT * FROM rk.compliance_reciprocity_flow('transfer', start_ts => '2024-01-02', end_ts => '2024-01-02');
SELECT * FROM rk.compliance_reciprocity_flow('transfer', start_ts => '-infinity');
SELECT * FROM rk.compliance_reciprocity_flow('transfer', max_delay => '0 s');
SELECT * FROM rk.compliance_reciprocity_flow('transfer', max_delay => '1 month -1 day');
SELECT * FROM rk.compliance_reciprocity_flow('SELECT source, target, amount FROM transfer', max_delay => '1 s');

-- ---- reversals ----

SELECT * FROM rk.compliance_flow_reversal('transfer', transaction_id_type => NULL::text);
SELECT * FROM rk.compliance_flow_reversal_summary('SELECT source, target, CASE id WHEN ''b'' THEN 5000 ELSE amount END AS amount, ts FROM transfer WHERE id <> ''e''');
SELECT * FROM rk.compliance_flow_reversal_offenders('transfer');
-- a payment is in one pair, or in every pair that there is
CREATE VIEW back_and_forth AS SELECT i AS id, 1 + i % 2 AS source, 2 - i % 2 AS target, 100 + i % 3 AS amount, timestamptz '2024-01-01' + i * interval '1 min' AS ts
FROM generate_series(1, 6) i;
SELECT original_id, reversal_id, original_amount, reversal_amount, risk_level FROM rk.compliance_flow_reversal('back_and_forth');
SELECT original_id, array_agg(reversal_id) FROM rk.compliance_flow_reversal('back_and_forth', matching => 'all_pairs') GROUP BY 1 ORDER BY 1;
SELECT * FROM rk.compliance_flow_reversal_offenders('back_and_forth');
-- the same moment is not later; the window's end is within
SELECT count(*) FROM rk.compliance_flow_reversal('SELECT * FROM (VALUES (1, 2, 5, date ''2024-01-01''), (2, 1, 5, ''2024-01-01'')) v (source, target, amount, ts)');
SELECT time_delta FROM rk.compliance_flow_reversal('SELECT * FROM (VALUES (1, 2, 5, date ''2024-01-01''), (2, 1, 5, ''2024-01-02'')) v (source, target, amount, ts)');
SELECT * FROM rk.compliance_flow_reversal_summary('[]');
SELECT count(*) FROM rk.compliance_flow_reversal('[]');
SELECT count(*) FROM rk.compliance_flow_reversal_offenders('[]');
SELECT * FROM rk.compliance_flow_reversal('transfer', critical_window => '2 hours');
SELECT * FROM rk.compliance_flow_reversal('transfer', max_window => '30 min');
SELECT * FROM rk.compliance_flow_reversal('back_and_forth', critical_window => '0');
SELECT * FROM rk.compliance_flow_reversal('transfer', min_amount_match_ratio => 0);
SELECT * FROM rk.compliance_flow_reversal('transfer', min_amount_match_ratio => 1.01);
SELECT * FROM rk.compliance_flow_reversal('transfer', matching => 'any');

-- ---- splits ----

-- n payments of one amount, an hour apart
CREATE FUNCTION slices(n int, amount numeric) RETURNS text LANGUAGE sql AS $$
	SELECT format('SELECT 1 AS source, 10 + i %% 2 AS target, %s AS amount, timestamptz ''2024-01-01'' + i * interval ''1 hour'' AS ts FROM generate_series(1, %s) i', amount, n)
$$;
SELECT n, amount, total_amount, transaction_ids, counterparties, time_span, uniform, risk_level
FROM (VALUES (4, 2500), (4, 2450), (5, 2500), (3, 3300), (3, 7500), (2, 500)) v (n, amount), rk.compliance_flow_split(slices(n, amount)) ORDER BY n, amount;
SELECT * FROM rk.compliance_flow_split(slices(4, 2450));
SELECT * FROM rk.compliance_flow_split_summary(slices(4, 2450));
-- from either side, and again within 30 days
SELECT split_id, entity, entity_side, amounts FROM rk.compliance_flow_split(slices(6, 2450), side => 'target') ORDER BY 1;
SELECT split_id, entity, entity_side, amounts FROM rk.compliance_flow_split(slices(6, 2450), side => 'both') ORDER BY 1;
SELECT split_id, risk_level, first_ts FROM rk.compliance_flow_split('SELECT 1 AS source, 2 AS target, 3300 AS amount,
	timestamptz ''2024-01-01'' + i / 3 * interval ''30 days'' + i % 3 * interval ''1 min'' + (i / 6) * interval ''1 day'' AS ts FROM generate_series(0, 8) i') ORDER BY 1;
SELECT * FROM rk.compliance_flow_split_summary('[]');
SELECT count(*) FROM rk.compliance_flow_split('[]');
SELECT * FROM rk.compliance_flow_split('transfer', reporting_threshold => 0);
SELECT * FROM rk.compliance_flow_split('transfer', reporting_threshold => 'NaN');
SELECT * FROM rk.compliance_flow_split('transfer', min_split_count => 1);
SELECT * FROM rk.compliance_flow_split('transfer', side => 'payer');
SELECT * FROM rk.compliance_flow_split('SELECT source, target, amount, ts FROM transfer', time_window => '-1 s');
SELECT rk.execute('compliance/flow-split', '{"transactions": [{"source": "a", "target": "b", "amount": 9900, "ts": "2024-01-01"}, {"source": "a", "target": "c", "amount": 9800, "ts": "2024-01-01"}], "min_split_count": 2, "reporting_threshold": 20000}') -> 'rows';

SET client_min_messages = warning;
DROP SCHEMA flows CASCADE;
