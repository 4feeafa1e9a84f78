-- A book that several rings share, whose risk another one puts together; prices from a book of orders.
CREATE SCHEMA ring_workers;
SET search_path = ring_workers;
SET TimeZone = 'UTC';
SELECT type_id, name, mutating, published, reply_type_id, function FROM rk.message_types WHERE type_id BETWEEN 460 AND 467 ORDER BY type_id;

CREATE TABLE correlation AS SELECT 'bund' AS asset_i, 'dax' AS asset_j, 0.5 AS correlation;
CREATE TABLE final (apply_seq bigint, complete boolean, final_var float8, final_expected_shortfall float8, diversification_benefit float8);
CALL rk.ring_up('risk/monte-carlo-var', 'w1', '{"worker": 1}');
CALL rk.ring_up('risk/monte-carlo-var', 'w2', '{"worker": 2}');
CALL rk.ring_up('risk/portfolio-aggregation', 'desk', '{"workers": 2}');
CALL rk.ring_up('risk/monte-carlo-var', 'whole');
SELECT rk.ring_output('desk', 'AggregationReply', 'ring_workers.final') > 0;
SELECT rk.ring_link(w, 'Partial', 'desk', '{"type": "Aggregation"}') > 0 FROM unnest('{w1,w2}'::text[]) w;
SELECT rk.ring_sync(r) FROM unnest('{w1,w2,desk}'::text[]) r;
-- all rings get all positions, with whose they are
SELECT rk.ring_risk_position_batch(r, 1, '[{"asset": "bund", "value": 1000000, "expected_return": 0, "volatility": 0.2}]')
FROM unnest('{w1,w2,whole}'::text[]) r;
SELECT rk.ring_risk_position_batch(r, 2, '[{"asset": "dax", "value": 500000, "expected_return": 0, "volatility": 0.3}]')
FROM unnest('{w1,w2,whole}'::text[]) r;
SELECT rk.ring_risk_set_correlation(r, 'bund', 'dax', 0.5) FROM unnest('{w1,w2,whole}'::text[]) r;
SELECT rk.ring_sync('w1') > 0, rk.ring_sync('w2') > 0, rk.ring_sync('desk') > 0;
SELECT count(*), bool_or(complete) AS complete FROM final;
SELECT complete, round(final_var::numeric, 6) AS final_var, round(final_expected_shortfall::numeric, 6) AS final_expected_shortfall,
	round(diversification_benefit::numeric, 6) AS diversification_benefit FROM final ORDER BY apply_seq DESC LIMIT 1;
SELECT round(var::numeric, 6) AS var, round(expected_shortfall::numeric, 6) AS expected_shortfall FROM rk.ring_risk_query_var('whole');
-- trades move prices, prices move the risk
CALL rk.ring_up('orderbook/matching', 'xetra');
SELECT rk.ring_link('xetra', 'Trade', r, '{"type": "MarketUpdate", "fields": {"asset": "symbol"}}') > 0 FROM unnest('{w1,w2,whole}'::text[]) r;
SELECT rk.ring_sync('xetra');
SELECT count(*) FROM (VALUES (1, 'sell', 100), (2, 'buy', 100), (3, 'sell', 120), (4, 'buy', 120)) o(id, side, price),
	rk.ring_orderbook_event('xetra', symbol => 'dax', order_id => id, side => side, price => price, quantity => 10);
SELECT rk.ring_sync('xetra') > 0, rk.ring_sync('w1') > 0, rk.ring_sync('w2') > 0, rk.ring_sync('whole') > 0, rk.ring_sync('desk') > 0;
SELECT count(*) FROM final;
SELECT f.final_var / q.var BETWEEN 1 - 1e-12 AND 1 + 1e-12 AS same, round(q.var::numeric, 6) AS var
FROM (SELECT final_var FROM final ORDER BY apply_seq DESC LIMIT 1) f, rk.ring_risk_query_var('whole') q;
-- one by one
SELECT round(rk.ring_risk_market_update('whole', 'dax', 60)::numeric, 6) AS var_impact;
SELECT round(rk.ring_risk_market_update('whole', 'dax', 60, 0.05)::numeric, 6) AS var_impact;
SELECT rk.ring_risk_market_update('whole', 'dax', 10, ts => '2000-01-01') AS late;
SELECT rk.ring_risk_market_update('whole', 'gold', 60) AS unknown;
SELECT complete, final_var IS NULL AS nothing FROM rk.ring_risk_aggregation('desk', 3, 1, 2, 3, 4);

CREATE TEMP TABLE before AS SELECT r, rk.ring_checksum(r) AS sum FROM unnest('{w1,w2,desk}'::text[]) r;
SELECT rk.ring_restart(r) FROM unnest('{w1,w2,desk}'::text[]) r;
SELECT rk.ring_wait(r) FROM unnest('{w1,w2,desk}'::text[]) r;
SELECT r, rk.ring_checksum(r) = sum AS same FROM before;

-- errors
\set VERBOSITY default
SELECT rk.ring_risk_position_batch('w1', 1, '[]');
SELECT rk.ring_risk_position_batch('w1', 1, '{}');
SELECT rk.ring_risk_position_batch('w1', 1, '[{"asset": "x", "value": 1, "expected_return": 0, "volatility": -1}]');
SELECT rk.ring_risk_position_batch('w1', 1, '[{"asset": "x", "value": 1}]');
SELECT rk.ring_risk_position_batch('w1', 1, (SELECT jsonb_agg(jsonb_build_object('asset', i::text, 'value', 1, 'expected_return', 0, 'volatility', 1)) FROM generate_series(1, 9) i));
SELECT rk.ring_risk_market_update('whole', 'dax', 0);
SELECT rk.ring_risk_market_update('whole', 'dax', 60, -1);
SELECT rk.ring_risk_market_update('whole', 'dax', 60, 'NaN');
SELECT rk.ring_risk_market_update('whole', 'dax', 92233720368);
SELECT rk.ring_risk_aggregation('desk', 1, 'NaN', 0, 0, 0);
CALL rk.ring_up('risk/portfolio-aggregation', 'bad', '{"workers": 0}');

SET client_min_messages = warning;
CALL rk.ring_down('xetra');
CALL rk.ring_down('w1');
CALL rk.ring_down('w2');
CALL rk.ring_down('whole');
CALL rk.ring_down('desk');
SELECT count(rk.ring_drop(r)) FROM unnest('{xetra,w1,w2,whole,desk}'::text[]) r;
DROP SCHEMA ring_workers CASCADE;
