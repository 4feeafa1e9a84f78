-- The order book as a ring: the shape of its answers, rejections and errors.
\set VERBOSITY default
CALL rk.ring_up('orderbook/matching', 'book', '{"instruments": "SELECT ''AAA'' AS symbol, 0.05 AS tick_size, 0.001 AS taker_fee_rate UNION ALL SELECT ''BBB'', 1, 0", "stp_mode": "cancel_oldest"}');
SELECT * FROM rk.ring_orderbook_symbols('book');
SELECT * FROM rk.ring_orderbook_submit_order('book', 1, 1, 'sell', price => 100, quantity => 5);
SELECT * FROM rk.ring_orderbook_submit_order('book', 2, 1, 'sell', price => 100.05, quantity => 5, trader_id => 7);
SELECT * FROM rk.ring_orderbook_submit_order('book', 3, 1, 'buy', price => 100.10, quantity => 7);
SELECT trade_id, order_id, contra_order_id, side, price, quantity, aggressor, maker_fee, taker_fee FROM rk.ring_orderbook_trades('book');
SELECT * FROM rk.ring_orderbook_trades('book', after_trade_id => 2);
SELECT * FROM rk.ring_orderbook_submit_order('book', 2, 1, 'buy', price => 100, quantity => 1);
SELECT * FROM rk.ring_orderbook_submit_order('book', 4, 1, 'buy', price => 100.01, quantity => 1);
SELECT * FROM rk.ring_orderbook_submit_order('book', 4, 9, 'buy', price => 100, quantity => 1);
SELECT * FROM rk.ring_orderbook_submit_order('book', 4, 1, 'buy', 'market', quantity => 10, trader_id => 7);
SELECT * FROM rk.ring_orderbook_submit_order('book', 5, 1, 'buy', price => 99, quantity => 9, display_quantity => 2, tif => 'gtd', expires_at => '2100-01-01');
SELECT * FROM rk.ring_orderbook_submit_order('book', 6, 1, 'sell', 'stop', quantity => 1, stop_price => 98);
SELECT * FROM rk.ring_orderbook_event('book', symbol => 'CCC', order_id => 7, side => 'buy', price => 10, quantity => 2);
SELECT * FROM rk.ring_orderbook_query_order('book', 5);
SELECT * FROM rk.ring_orderbook_query_order('book', 6);
SELECT * FROM rk.ring_orderbook_query_order('book', 1);
SELECT * FROM rk.ring_orderbook_query_book('book', symbol => 'AAA');
SELECT * FROM rk.ring_orderbook_snapshot('book', 1);
SELECT * FROM rk.ring_orderbook_snapshot('book', symbol => 'CCC', book_level => 'orders');
SELECT * FROM rk.ring_orderbook_amend_order('book', 5, new_quantity => 8);
SELECT * FROM rk.ring_orderbook_amend_order('book', 5, new_price => 99.05);
SELECT * FROM rk.ring_orderbook_amend_order('book', 99, new_price => 99.05);
SELECT * FROM rk.ring_orderbook_cancel_order('book', 7, trader_id => 3);
SELECT * FROM rk.ring_orderbook_cancel_order('book', 7);
SELECT expired_count FROM rk.ring_orderbook_time_tick('book', '2100-01-01');
SELECT trade_count, price FROM rk.ring_orderbook_set_phase('book', phase => 'auction');
SELECT rk.ring_load('book', 'SELECT ''BBB'' AS symbol, i AS order_id, CASE WHEN i % 2 = 0 THEN ''buy'' ELSE ''sell'' END AS side, 100 + i % 3 AS price, i AS quantity FROM generate_series(11, 20) i');
SELECT trade_count, price FROM rk.ring_orderbook_set_phase('book', symbol => 'BBB');
SELECT * FROM rk.ring_orderbook_snapshot('book', 2);
SELECT canceled_count FROM rk.ring_orderbook_mass_cancel('book', symbol => 'BBB', side => 'buy');
SELECT hash IS NOT NULL FROM rk.ring_orderbook_state_hash('book', 2);
SELECT * FROM rk.ring_orderbook_event('book', symbol => 'AAA', order_id => 1);
SELECT * FROM rk.ring_orderbook_event('book', 'phase', symbol => 'AAA');
SELECT * FROM rk.ring_orderbook_event('book', symbol => 'AAAAAAAAAAAAAAAAAAAAAA', order_id => 1, side => 'buy');
SELECT * FROM rk.ring_orderbook_query_book('book');
SELECT * FROM rk.ring_orderbook_query_book('book', 77);
SELECT * FROM rk.ring_orderbook_state_hash('book', symbol => 'ZZZ');
SELECT * FROM rk.ring_orderbook_submit_order('book', 8, 1, 'bid', price => 1, quantity => 1);
SELECT * FROM rk.ring_orderbook_set_instrument('book', 'AAA', tick_size => 0);
SELECT * FROM rk.ring_orderbook_set_instrument('book', '');
SELECT rk.ring_load('book', 'SELECT 1 AS order_id, now() AS side, ''AAA'' AS symbol');
SELECT rk.ring_load('book', 'SELECT 30 AS order_id, ''AAA''::name AS symbol, ''buy''::char(8) AS side, ''100'' AS price, 1 AS quantity');
SELECT rk.ring_load('book', 'SELECT 30 AS order_id, ''AAA''::name AS symbol, ''buy''::char(8) AS side, 100 AS price, 1 AS quantity, timestamp ''2100-01-01'' AS ts');
SELECT symbol, side FROM rk.ring_orderbook_query_order('book', 30);
-- a crash, and a ring that keeps fewer trades: the state is the same
CREATE TEMP TABLE book_sum AS SELECT rk.ring_checksum('book') AS checksum;
CALL rk.ring_down('book');
SELECT rk.ring_configure('book', '{"trades_kept": 1}');
CALL rk.ring_up('orderbook/matching', 'book');
SELECT rk.ring_checksum('book') = checksum FROM book_sum;
SELECT count(*) FROM rk.ring_orderbook_trades('book');
SELECT rk.ring_start('orderbook/matching', 'bad', '{"stp_mode": "never"}');
CALL rk.ring_down('book');
SELECT rk.ring_drop('book');
-- many orders as one message; figures of a trade made in another ring; levels as they change
CALL rk.ring_up('orderbook/matching', 'book', '{"instruments": "SELECT ''AAA'' AS symbol UNION ALL SELECT ''BBB''"}');
CALL rk.ring_up('orderbook/matching', 'legs', '{"instruments": "SELECT ''AAA'' AS symbol"}');
CREATE TABLE delta (seq bigint, symbol text, side text, price numeric, quantity numeric, order_count bigint);
SELECT rk.ring_output('book', 'BookDelta', 'delta') > 0;
SELECT rk.ring_link('book', 'Trade', 'legs', '{"type": "CrossSymbolTrade", "fields": {"source_symbol": "symbol", "target_symbol": "symbol"}}') > 0;
SELECT rk.ring_sync('book') IS NOT NULL;
SELECT * FROM rk.ring_orderbook_submit_batch('book', '[
	{"order_id": 1, "symbol_id": 1, "side": "sell", "price": 100, "quantity": 5},
	{"order_id": 2, "symbol_id": 1, "side": "sell", "price": 100, "quantity": 5, "display_quantity": 2},
	{"order_id": 3, "symbol_id": 1, "side": "buy", "order_type": "market", "quantity": "7.5"},
	{"order_id": 4, "symbol_id": 9, "side": "buy", "price": 1, "quantity": 1}]');
SELECT * FROM rk.ring_orderbook_submit_batch('book', '[]');
SELECT rk.ring_sync('book') IS NOT NULL;
SELECT * FROM delta ORDER BY seq;
SELECT rk.ring_sync('legs') IS NOT NULL;
SELECT trade_id, order_id, side, price, quantity FROM rk.ring_orderbook_trades('legs');
SELECT last_price, volume_24h FROM rk.ring_orderbook_query_book('legs', 1);
SELECT rk.ring_call('legs', 540, '{"target_symbol": "CCC", "price": 1, "quantity": 1}');
SELECT rk.ring_call('legs', 540, '{"target_symbol": "AAA", "price": 1.001, "quantity": 1}');
SELECT * FROM rk.ring_orderbook_submit_batch('book', '{}');
SELECT * FROM rk.ring_orderbook_submit_batch('book', '[1]');
SELECT * FROM rk.ring_orderbook_submit_batch('book', '[{"order_id": 5, "symbol_id": 1, "side": "sell"}, {"order_id": 6, "side": "sell"}]');
SELECT * FROM rk.ring_orderbook_submit_batch('book', '[{"order_id": 5, "symbol_id": 1, "side": "up"}]');
SELECT * FROM rk.ring_orderbook_submit_batch('book', '[{"order": 5}]');
SELECT count(*) FROM rk.ring_orderbook_submit_batch('book', (SELECT jsonb_agg(jsonb_build_object('order_id', i, 'symbol_id', 2, 'side', 'buy', 'price', 1, 'quantity', 1)) FROM generate_series(10, 510) i));
SELECT count(*) FROM rk.ring_orderbook_submit_batch('book', (SELECT jsonb_agg(jsonb_build_object('order_id', i, 'symbol_id', 2, 'side', 'buy', 'price', 1, 'quantity', 1)) FROM generate_series(11, 510) i));
-- one table of instruments for the ring and the function
CREATE TABLE instrument (symbol text, tick_size numeric, trading_day_end time);
INSERT INTO instrument VALUES ('DAY', 0.01, '17:30');
CALL rk.ring_up('orderbook/matching', 'days', '{"instruments": "instrument"}');
SELECT status FROM rk.ring_orderbook_event('days', 'new', 'DAY', 1, 'buy', price => 1, quantity => 1, tif => 'day', ts => '2026-03-02 17:29:59.999+00');
SELECT expired_count FROM rk.ring_orderbook_time_tick('days', '2026-03-02 17:30+00');
SELECT event, order_id, ts AT TIME ZONE 'UTC' AS ts FROM rk.orderbook_matching('SELECT * FROM (VALUES (1, ''new'', ''DAY'', 1, ''buy'', 1, 1, ''day'', timestamptz ''2026-03-02 17:29:59.999+00''),
	(2, ''time'', NULL, NULL, NULL, NULL, NULL, NULL, ''2026-03-02 17:30+00'')) v (seq, action, symbol, order_id, side, price, quantity, tif, ts)', 'instrument');
SELECT symbol_id FROM rk.ring_orderbook_set_instrument('days', 'LATE', trading_day_end => '22:00');
SELECT rk.ring_orderbook_set_instrument('days', 'LATE', trading_day_end => '1 day');
CALL rk.ring_down('days');
SELECT rk.ring_drop('days');
CALL rk.ring_down('book');
CALL rk.ring_down('legs');
SELECT rk.ring_drop('book'), rk.ring_drop('legs');
DROP TABLE delta;
