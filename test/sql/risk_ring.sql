-- Risk kernels as rings: replies beside the batch functions, errors, restarts.
\set VERBOSITY default

-- credit scoring
CREATE TABLE loan AS
SELECT 'obligor ' || i AS obligor, 0.004 * i AS pd, 0.45 AS lgd, (123456.78 * i)::numeric AS ead, 'other_retail' AS asset_class
FROM generate_series(1, 5) i;
CALL rk.ring_up('risk/credit-scoring', 'loans', '{"exposures": "loan"}');
SELECT ead, expected_loss, round(rwa, 6) AS rwa, count FROM rk.ring_risk_credit_totals('loans');
SELECT sum(l.ead) AS ead, sum(k.expected_loss) AS expected_loss, sum(k.rwa) AS rwa, count(*)
FROM loan l, rk.risk_credit_scoring(l.pd, l.lgd, l.ead::numeric(20, 6), asset_class => l.asset_class) k;
SELECT q.expected_loss = k.expected_loss, q.rwa = k.rwa, q.risk_weight = k.risk_weight
FROM loan l, rk.risk_credit_scoring(l.pd, l.lgd, l.ead::numeric(20, 6), asset_class => l.asset_class) k,
	rk.ring_risk_credit_score_obligor('loans', l.obligor, l.pd, l.lgd, l.ead, asset_class => l.asset_class) q;
SELECT expected_loss, round(rwa, 4), round(risk_weight::numeric, 10) AS risk_weight
FROM rk.ring_risk_credit_set_exposure('loans', 'new', 0.01, 0.45, 1000000, 2.5, 'sme', sales => 20);
SELECT expected_loss, rwa, round(risk_weight::numeric, 10) AS risk_weight
FROM rk.ring_risk_credit_set_exposure('loans', 'new', 1, 0.45, 1000000, best_estimate_loss => 0.3);
SELECT count FROM rk.ring_risk_credit_totals('loans');
SELECT rk.ring_risk_credit_remove('loans', 'new'), rk.ring_risk_credit_remove('loans', 'new');
SELECT * FROM rk.ring_risk_credit_set_exposure('loans', 'new', 0.01, 0.45, 1000000, asset_class => 'sme');
SELECT * FROM rk.ring_risk_credit_set_exposure('loans', 'new', 1.5, 0.45, 1000000);
SELECT * FROM rk.ring_risk_credit_set_exposure('loans', 'new', 'NaN', 0.45, 1000000);
SELECT * FROM rk.ring_risk_credit_set_exposure('loans', 'new', 0.01, 0.45, -1);
SELECT * FROM rk.ring_risk_credit_set_exposure('loans', 'new', 0.01, 0.45, 1, 0);
SELECT * FROM rk.ring_risk_credit_set_exposure('loans', 'new', 0.01, 0.45, 1, asset_class => 'friends');
SELECT * FROM rk.ring_risk_credit_set_exposure('loans', '', 0.01, 0.45, 1);
SELECT * FROM rk.ring_risk_credit_set_exposure('loans', repeat('x', 41), 0.01, 0.45, 1);
SELECT * FROM rk.ring_risk_credit_set_exposure('loans', 'new', 1, 1, 90000000000);
SELECT * FROM rk.ring_risk_credit_score_obligor('loans', 'new', 0.2, 1, 90000000000);
SELECT ead, expected_loss, round(rwa, 6) AS rwa, count FROM rk.ring_risk_credit_totals('loans');
SELECT rk.ring_start('risk/credit-scoring', 'q', '{"basel": "basel1"}');
-- rows of a table as messages
SELECT rk.ring_attach('loans', 'loan', '{"type": "CreditSetExposure", "on": ["insert", "update"]}') > 0;
INSERT INTO loan VALUES ('obligor 6', 0.02, 0.4, 1000, 'corporate');
UPDATE loan SET ead = 2000 WHERE obligor = 'obligor 6';
SELECT rk.ring_sync('loans');
SELECT count, ead - 90000000000 AS ead FROM rk.ring_risk_credit_totals('loans');

-- what they know is there after a restart
CREATE TEMP TABLE sums AS SELECT name, rk.ring_checksum(name) AS checksum FROM rk.rings;
CALL rk.ring_down('loans');
SELECT rk.ring_start(kernel, name) FROM rk.ring ORDER BY name;
SELECT name, rk.ring_wait(name) AND rk.ring_checksum(name) = checksum AS same FROM sums ORDER BY name;
CALL rk.ring_down('loans');
SELECT count(rk.ring_drop(name)) FROM rk.ring;
DROP TABLE loan;
