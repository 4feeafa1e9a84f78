-- Order matching: the shape of its answers, rejections and errors.
\set VERBOSITY default
CREATE TEMP TABLE flow AS SELECT * FROM (VALUES
	(1, 'new', 'X', 1, 'sell', 'limit', 100.00, 5.0), (2, 'new', 'X', 2, 'sell', 'limit', 101.00, 5.0),
	(3, 'new', 'X', 3, 'buy', 'limit', 101.00, 7.0), (4, 'cancel', NULL, 2, NULL, NULL, NULL, NULL),
	(5, 'cancel', NULL, 2, NULL, NULL, NULL, NULL), (6, 'new', 'X', 4, 'buy', 'market', NULL, 1.0))
	v (seq, action, symbol, order_id, side, order_type, price, quantity);

SELECT seq, event_no, event, order_id, contra_order_id AS contra, price, quantity, remaining, status, reason
FROM rk.orderbook_matching('flow');
SELECT * FROM rk.orderbook_matching_orders('flow');
SELECT * FROM rk.orderbook_matching_stats('flow');
SELECT * FROM rk.orderbook_matching_depth('flow', until_seq => 2);
SELECT count(*) FROM rk.orderbook_matching('SELECT * FROM flow WHERE false');

-- rejected by the rules of the instrument: a report, not an error
CREATE TEMP TABLE rules AS SELECT 'X' AS symbol, 0.05 AS tick_size, 2 AS lot_size, 10 AS max_quantity,
	90 AS band_low, 110 AS band_high, 500 AS max_notional;
SELECT order_id, reason FROM rk.orderbook_matching($$
	SELECT * FROM (VALUES (1, 'X', 1, 'buy', 100.01, 2), (2, 'X', 2, 'buy', 100, 3), (3, 'X', 3, 'buy', 80, 2),
		(4, 'X', 4, 'buy', 100, 12), (5, 'X', 5, 'buy', 100, 8), (6, 'X', 6, 'buy', 100, 2), (7, 'X', 6, 'buy', 100, 2),
		(8, 'X', 7, 'buy', -5, 2), (9, 'X', 8, 'buy', 100, 0))
		v (seq, symbol, order_id, side, price, quantity)$$, instruments => 'rules');
-- fees, and a fee that is a rebate
SELECT price, quantity, maker_fee, taker_fee FROM rk.orderbook_matching(
	'SELECT * FROM flow WHERE seq <= 3', instruments => $$SELECT 'X' AS symbol, -0.0001 AS maker_fee_rate, 0.00025 AS taker_fee_rate$$)
WHERE event = 'trade';

-- errors
SELECT * FROM rk.orderbook_matching('SELECT 2 AS seq, ''X'' AS symbol, 1 AS order_id, ''buy'' AS side, 1 AS price, 1 AS quantity UNION ALL SELECT 1, ''X'', 2, ''buy'', 1, 1');
SELECT * FROM rk.orderbook_matching('SELECT 1 AS seq, ''X'' AS symbol, 1 AS order_id, ''bid'' AS side');
SELECT * FROM rk.orderbook_matching('SELECT 1 AS seq, ''X'' AS symbol, 1 AS order_id');
SELECT * FROM rk.orderbook_matching('SELECT 1 AS seq, ''X'' AS symbol, ''buy'' AS side');
SELECT * FROM rk.orderbook_matching('SELECT 1 AS seq, ''X'' AS symbol, 1 AS order_id, ''buy'' AS side, 1.123456789 AS price, 1 AS quantity');
SELECT * FROM rk.orderbook_matching('SELECT 1 AS seq, ''X'' AS symbol, 1 AS order_id, ''buy'' AS side, 1 AS price, 92233720368.54775808 AS quantity');
SELECT * FROM rk.orderbook_matching('SELECT 1 AS seq, ''phase'' AS action');
SELECT * FROM rk.orderbook_matching('SELECT 1 AS seq, repeat(''X'', 65) AS symbol, 1 AS order_id, ''buy'' AS side, 1 AS price, 1 AS quantity');
SELECT * FROM rk.orderbook_matching('flow', instruments => 'SELECT ''X'' AS symbol, 0 AS tick_size');
SELECT * FROM rk.orderbook_matching('flow', stp_mode => 'never');
SELECT * FROM rk.orderbook_matching_depth('flow', depth => 0);
SELECT * FROM rk.orderbook_matching(NULL);

-- going on from a snapshot: events that are in it are passed over
SELECT state->'seq' AS seq, state->'books' AS books FROM rk.orderbook_matching_snapshot('flow', until_seq => 3);
SELECT seq, event, order_id, quantity, remaining, reason
FROM rk.orderbook_matching('flow', snapshot => (SELECT rk.orderbook_matching_snapshot('flow', until_seq => 3)));
SELECT symbol, last_price, volume, turnover, trade_count, vwap, ask_depth
FROM rk.orderbook_matching_stats('flow', snapshot => (SELECT rk.orderbook_matching_snapshot('flow', until_seq => 3)));
SELECT * FROM rk.orderbook_matching_snapshot('SELECT * FROM flow WHERE false');
-- rules that change with an event, and what has none
SELECT seq, event, order_id, reason FROM rk.orderbook_matching($$
	SELECT * FROM (VALUES (1, 'instrument', 'X', NULL, 0.5, 2), (2, 'new', 'X', 1, NULL, NULL), (3, 'instrument', 'X', NULL, NULL, NULL),
		(4, 'new', 'X', 2, NULL, NULL)) v (seq, action, symbol, order_id, tick_size, lot_size),
	(VALUES ('buy', 100.25, 3)) o (side, price, quantity)$$);
SELECT * FROM rk.orderbook_matching('SELECT 1 AS seq, ''instrument'' AS action, 0.5 AS tick_size');
SELECT * FROM rk.orderbook_matching('SELECT 1 AS seq, ''instrument'' AS action, ''X'' AS symbol, -1 AS tick_size');
-- orders that were refused are listed, too
SELECT order_id, status, reason, quantity, remaining FROM rk.orderbook_matching_orders('SELECT * FROM flow UNION ALL SELECT 7, ''new'', ''X'', 4, ''buy'', ''limit'', 0.001, 1 ORDER BY 1');

-- snapshots that are none
SELECT * FROM rk.orderbook_matching('flow', snapshot => '[]');
SELECT * FROM rk.orderbook_matching('flow', snapshot => '{}');
SELECT * FROM rk.orderbook_matching('flow', snapshot => '{"format": 2}');
SELECT * FROM rk.orderbook_matching('flow', snapshot => '{"format": "1"}');
SELECT * FROM rk.orderbook_matching('flow', snapshot => '{"format": 1, "books": []}');
SELECT * FROM rk.orderbook_matching('flow', snapshot => '{"format": 1, "seq": 1, "books": [{"symbol": "X", "phase": "dinner"}], "orders": []}');
SELECT * FROM rk.orderbook_matching('flow', snapshot => '{"format": 1, "seq": 1, "books": [], "orders": [{"symbol": "X", "order_id": 1}]}');
SELECT * FROM rk.orderbook_matching('flow', snapshot => '{"format": 1, "seq": 1, "books": [], "orders": [{"symbol": "X", "order_id": 1, "age": 1,
	"side": "buy", "order_type": "limit", "tif": "gtc", "status": "new", "price": 1, "quantity": 2, "remaining": 3, "displayed": 3}]}');
SELECT * FROM rk.orderbook_matching('flow', snapshot => '{"format": 1, "seq": 1, "books": [{"symbol": "X", "volume": 0.000000001}], "orders": []}');
