-- The states of a ring, and what leads from one to another.
\getenv abs_srcdir PG_ABS_SRCDIR
\set rings :abs_srcdir '/support/rings.sql'
\set ECHO none
\i :rings
\set ECHO all
-- what each function would do to a ring as it is; nothing of it happens
CREATE FUNCTION allowed(ring text) RETURNS TABLE (function text, result text) LANGUAGE plpgsql AS $$
BEGIN
	FOREACH function IN ARRAY ARRAY['stop', 'drain', 'suspend', 'resume', 'restart', 'start', 'reset', 'drop', 'upgrade'] LOOP
		BEGIN
			EXECUTE CASE function WHEN 'start' THEN format('SELECT rk.ring_start(%L, %L)', 'core/echo', ring)
				ELSE format('SELECT rk.ring_%s(%L)', function, ring) END;
			RAISE EXCEPTION USING ERRCODE = 'ZZ000';
		EXCEPTION WHEN SQLSTATE 'ZZ000' THEN
			result := 'allowed';
		WHEN OTHERS THEN
			result := SQLSTATE || ' ' || SQLERRM;
		END;
		RETURN NEXT;
	END LOOP;
END
$$;
CREATE TABLE slow (amount bigint CHECK (amount <> 13));
CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(NEW.amount / 1000.0); RETURN NEW; END $$;
CREATE TRIGGER dawdle BEFORE INSERT ON slow FOR EACH ROW EXECUTE FUNCTION dawdle();

-- created, not committed
BEGIN;
SELECT rk.ring_start('core/echo', 's', '{"restart_policy": "stop"}');
SELECT state FROM rk.rings WHERE name = 's';
SELECT * FROM allowed('s');
COMMIT;
SELECT rk.ring_wait('s');
SELECT rk.ring_output('s', 'EchoAdded', 'slow') > 0 AS slow;
SELECT rk.ring_sync('s');
SELECT * FROM allowed('s');
SELECT rk.ring_suspend('s');
SELECT rk.ring_wait('s', 'suspended');
SELECT * FROM allowed('s');
SELECT rk.ring_sync('s');
-- suspended -> draining: it works off its queue, and what has committed
CREATE TABLE fed (amount bigint);
SELECT rk.ring_attach('s', 'fed', '{"type": "EchoAdd"}') > 0 AS attached;
INSERT INTO fed VALUES (1), (2);
SELECT count(rk.ring_send('s', 52, jsonb_build_object('amount', 700 + i))) FROM generate_series(1, 3) i;
SELECT rk.ring_stop('s');
SELECT until('SELECT state = ''draining'' FROM rk.rings WHERE name = ''s''');
SELECT * FROM allowed('s');
SELECT rk.ring_core_echo('s', 1);
SELECT rk.ring_wait('s', 'terminated');
SELECT * FROM allowed('s');
SELECT amount FROM slow ORDER BY amount;
SELECT count(*) FROM rk.ring_journal;
-- terminated -> launching -> active -> failed, as a record cannot be written
CALL rk.ring_up('core/echo', 's');
SELECT total FROM rk.ring_core_total('s');
SELECT rk.ring_send('s', 52, '{"amount": 13}') > 0 AS sent;
SELECT rk.ring_wait('s', 'failed');
SELECT * FROM allowed('s');
SELECT rk.ring_core_echo('s', 1);
-- failed -> launching
ALTER TABLE slow DROP CONSTRAINT slow_amount_check;
SELECT rk.ring_restart('s');
SELECT rk.ring_wait('s');
SELECT total FROM rk.ring_core_total('s');
-- failed -> terminated
ALTER TABLE slow ADD CHECK (amount <> 17);
SELECT rk.ring_send('s', 52, '{"amount": 17}') > 0 AS sent;
SELECT rk.ring_wait('s', 'failed');
SELECT rk.ring_stop('s');
SELECT rk.ring_wait('s', 'terminated');
SELECT rk.ring_drop('s');

-- restoring, for as long as what it loads takes
CREATE FUNCTION edges(seconds float8) RETURNS TABLE (source bigint, target bigint) LANGUAGE plpgsql AS
$$ BEGIN PERFORM pg_sleep(seconds); RETURN QUERY VALUES (1::bigint, 2::bigint); END $$;
SELECT rk.ring_start('graph/degree-centrality', 'l', '{"edges": "SELECT * FROM edges(1.5)"}');
SELECT until('SELECT state = ''restoring'' FROM rk.rings WHERE name = ''l''');
SELECT * FROM allowed('l') WHERE function <> 'start';
-- suspended when it is up
SELECT rk.ring_suspend('l');
SELECT rk.ring_wait('l', 'suspended');
SELECT rk.ring_stop('l', force => true);
SELECT rk.ring_wait('l', 'terminated');
-- but no longer than start_timeout
SELECT rk.ring_start('graph/degree-centrality', 'm', '{"edges": "SELECT * FROM edges(60)", "start_timeout": 0.3, "max_restarts": 1}');
SELECT until('SELECT restarts = 2 AND state = ''failed'' FROM rk.stat_ring WHERE name = ''m''');
SELECT last_error FROM rk.rings WHERE name = 'm';
SELECT rk.ring_stop('m');
SELECT rk.ring_wait('m', 'terminated');
SELECT rk.ring_drop(name) FROM rk.ring WHERE name IN ('l', 'm');
DROP TABLE slow, fed;
DROP FUNCTION edges(float8), allowed(text), dawdle(), until(text);
