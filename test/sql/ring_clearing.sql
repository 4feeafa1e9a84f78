-- Matching of deliveries and receipts as a ring: the shape of its answers, errors.
\set VERBOSITY default
CREATE TABLE pairs (match_id bigint, delivery_id bigint, receipt_id bigint, confidence numeric, quantity numeric, amount numeric, amount_difference numeric);
CALL rk.ring_up('clearing/dvp-matching', 'dvp', '{"amount_tolerance_rule": "t2s"}');
SELECT rk.ring_output('dvp', 'DvpMatch', 'pairs') IS NOT NULL;
SELECT rk.ring_sync('dvp');
SELECT * FROM rk.ring_clearing_dvp_submit('dvp', 1, 'deliver', 10, 7, 8, 100, 1000, 'EUR', '2026-03-02');
SELECT * FROM rk.ring_clearing_dvp_submit('dvp', 2, 'receive', 10, 7, 8, 100, 1002.01, 'EUR', '2026-03-02');
SELECT * FROM rk.ring_clearing_dvp_submit('dvp', 3, 'receive', 10, 7, 8, 100, 1001.5, 'EUR', '2026-03-02', 'T-17');
SELECT * FROM rk.ring_clearing_dvp_query('dvp', 1);
SELECT * FROM rk.ring_clearing_dvp_query('dvp', 99);
SELECT * FROM rk.ring_clearing_dvp_unmatched('dvp');
SELECT * FROM rk.ring_clearing_dvp_unmatched('dvp', 11);
SELECT * FROM pairs;
SELECT * FROM rk.ring_clearing_dvp_hold('dvp', 3);
SELECT rk.ring_clearing_dvp_settle('dvp', 1);
SELECT * FROM rk.ring_clearing_dvp_hold('dvp', 3, false);
SELECT * FROM rk.ring_clearing_dvp_cancel('dvp', 3);
SELECT rk.ring_clearing_dvp_settle('dvp', 1);
SELECT * FROM rk.ring_clearing_dvp_cancel('dvp', 1);
SELECT * FROM rk.ring_clearing_dvp_amend('dvp', 2, 'receive', 11, 7, 8, 5, 50, 'USD', '2026-03-03');
SELECT * FROM rk.ring_clearing_dvp_submit('dvp', 4, 'deliver', 11, 7, 8, 5, 50, 'USD', '2026-03-03');
SELECT match_id, delivery_id, receipt_id, amount_difference FROM pairs ORDER BY match_id;
-- errors
SELECT * FROM rk.ring_clearing_dvp_submit('dvp', 4, 'deliver', 11, 7, 8, 5, 50, 'USD', '2026-03-03');
SELECT * FROM rk.ring_clearing_dvp_amend('dvp', 4, 'deliver', 11, 7, 8, 5, 50, 'USD', '2026-03-03');
SELECT * FROM rk.ring_clearing_dvp_submit('dvp', 5, 'deliver', 11, 7, 8, 0, 50, 'USD', '2026-03-03');
SELECT * FROM rk.ring_clearing_dvp_submit('dvp', 5, 'deliver', 11, 7, 8, 1, -50, 'USD', '2026-03-03');
SELECT * FROM rk.ring_clearing_dvp_submit('dvp', 5, 'lend', 11, 7, 8, 1, 50, 'USD', '2026-03-03');
SELECT * FROM rk.ring_clearing_dvp_submit('dvp', 5, 'deliver', 11, 7, 8, 1, 50, 'EURO', '2026-03-03');
SELECT * FROM rk.ring_clearing_dvp_cancel('dvp', 99);
SELECT rk.ring_clearing_dvp_settle('dvp', 99);
CALL rk.ring_down('dvp');
SELECT rk.ring_drop('dvp');
DROP TABLE pairs;
