-- Clearing: the shape of its answers, errors.
\set VERBOSITY default
CREATE TEMP TABLE leg AS SELECT * FROM (VALUES
	(1, 'DE0001', 'anna', 'bert', 'deliver', 100, 1000.00, 'EUR', date '2026-03-02', NULL, 'pending'),
	(2, 'DE0001', 'anna', 'bert', 'receive', 100, 1000.00, 'EUR', date '2026-03-02', 'R1', 'pending'),
	(3, 'DE0001', 'anna', 'bert', 'receive', 100, 1004.00, 'EUR', date '2026-03-02', NULL, 'pending'),
	(4, 'DE0001', 'anna', 'cora', 'deliver', 50, 500.00, 'EUR', date '2026-03-02', 'R2', 'pending'),
	(5, 'DE0001', 'anna', 'cora', 'receive', 50, 500.00, 'EUR', date '2026-03-02', 'R3', 'pending'),
	(6, 'DE0001', 'anna', 'dora', 'deliver', 50, 500.00, 'EUR', date '2026-03-02', NULL, 'pending'),
	(7, 'DE0001', 'emil', 'dora', 'receive', 50, 500.00, 'EUR', date '2026-03-02', NULL, 'pending'),
	(8, 'DE0002', 'anna', 'bert', 'deliver', 7, 70.005, 'EUR', date '2026-03-02', NULL, 'pending'),
	(9, 'DE0002', 'anna', 'bert', 'receive', 7, 70.00, 'EUR', date '2026-03-02', NULL, 'pending'),
	(10, 'DE0002', 'anna', 'bert', 'deliver', 7, 70.00, 'USD', date '2026-03-02', NULL, 'settled'),
	(11, 'DE0003', 'anna', 'bert', 'deliver', 7, 70.00, 'USD', date '2026-03-02', NULL, 'pending'))
	v (instruction_id, security_id, deliverer, receiver, side, quantity, amount, currency, settlement_date, reference, status);

SELECT * FROM rk.clearing_dvp_matching('leg');
SELECT * FROM rk.clearing_dvp_matching_settle('leg');
SELECT details FROM rk.last_run();
SELECT delivery_id, receipt_id, confidence FROM rk.clearing_dvp_matching('leg', strict_counterparty => false, min_confidence => 0.5, match_reference => false) WHERE matched;
SELECT delivery_id, receipt_id, differences FROM rk.clearing_dvp_matching('leg', relative_amount_tolerance => 0) WHERE matched;
-- the sum of confidence: one receipt less alike, but one pair more
SELECT method, count(*), sum(confidence) FROM unnest(ARRAY['best_first', 'optimal', 'fifo']) method, rk.clearing_dvp_matching($$
	SELECT i AS instruction_id, 'A' AS security_id, 1 AS deliverer, 2 AS receiver, side, 100 AS quantity, amount, 'EUR' AS currency,
		date '2026-03-02' AS settlement_date
	FROM (VALUES (1, 'deliver', 1000), (2, 'deliver', 1009), (3, 'receive', 1001), (4, 'receive', 992)) v (i, side, amount)$$,
	method => method) WHERE matched GROUP BY method ORDER BY method;
-- the sign of the quantity is the side; names of the parties the other way round; text ids
SELECT delivery_id, receipt_id, quantity, confidence FROM rk.clearing_dvp_matching($$
	SELECT * FROM (VALUES ('d', 'A', 1, 2, -10, 5, 'EUR', date '2026-03-02'), ('r', 'A', 2, 1, 10, 5, 'EUR', date '2026-03-02'))
		v (instruction_id, security_id, deliverer, receiver, quantity, amount, currency, settlement_date)$$,
	id_type => NULL::text, swapped_parties => true);
SELECT count(*) FROM rk.clearing_dvp_matching('SELECT * FROM leg WHERE false');

-- errors
SELECT * FROM rk.clearing_dvp_matching(NULL);
SELECT * FROM rk.clearing_dvp_matching('leg', min_confidence => 1.5);
SELECT * FROM rk.clearing_dvp_matching('leg', relative_amount_tolerance => -0.1);
SELECT * FROM rk.clearing_dvp_matching('leg', relative_quantity_tolerance => 2);
SELECT * FROM rk.clearing_dvp_matching('leg', method => 'luck');
SELECT * FROM rk.clearing_dvp_matching('leg', amount_tolerance_rule => 'csd');
SELECT * FROM rk.clearing_dvp_matching('SELECT instruction_id, security_id FROM leg');
SELECT * FROM rk.clearing_dvp_matching('SELECT instruction_id, security_id, deliverer, receiver, 0 AS quantity, amount, currency, settlement_date FROM leg');
SELECT * FROM rk.clearing_dvp_matching('SELECT instruction_id, security_id, deliverer, receiver, quantity, -amount AS amount, currency, settlement_date FROM leg');
SELECT * FROM rk.clearing_dvp_matching('SELECT instruction_id, security_id, deliverer, receiver, quantity, amount, currency, settlement_date, ''lend'' AS side FROM leg');
SELECT * FROM rk.clearing_dvp_matching('SELECT instruction_id, security_id, deliverer, receiver, quantity, amount, currency, settlement_date, ''lost'' AS status FROM leg');
SELECT count(*) FROM rk.clearing_dvp_matching($$SELECT i AS instruction_id, 'A' AS security_id, 1 AS deliverer, 2 AS receiver,
	CASE i % 2 WHEN 0 THEN 1 ELSE -1 END AS quantity, 1 + i / 2 AS amount, 'EUR' AS currency, date '2026-03-02' AS settlement_date
	FROM generate_series(1, 50000) i$$, method => 'optimal', relative_amount_tolerance => 0);
