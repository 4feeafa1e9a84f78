-- messages that fail: what senders are told, what is tried again, where the dead letters are
\set VERBOSITY default
\getenv abs_srcdir PG_ABS_SRCDIR
\set rings :abs_srcdir '/support/rings.sql'
\set ECHO none
\i :rings
\set ECHO all
CALL rk.ring_up('core/fault', 'f', '{"memory_limit": 1048576}');

-- an actor's error comes as it was said, whichever way the message went
SELECT rk.ring_core_fault('f', 'data', message => 'no such account', detail => 'Account 7 was closed.', hint => 'Look for account 8.');
SELECT rk.ring_call('f', 60, '{"kind": "overflow", "message": "sum is out of range", "hint": "Use smaller amounts."}');
SELECT rk.ring_send('f', 60, '{"kind": "data", "message": "no such account", "detail": "Account 7 was closed."}', receipt => true) > 0;
SELECT * FROM rk.ring_receive('f', '5s');
-- nobody may ever have fetched it: it is a dead letter, too
SELECT until('SELECT count(*) = 1 FROM rk.dead_letters');
SELECT rk.dlq_purge('f', 'error = ''no such account''');
-- one that is longer than a reply slot
SELECT rk.ring_core_fault('f', 'data', message => repeat('m', 80), detail => repeat('d', 80), hint => repeat('h', 80));
-- and nothing of it is left in the next
SELECT rk.ring_core_fault('f', 'data');
DO $$
DECLARE
	d text;
	h text;
	s text;
BEGIN
	PERFORM rk.ring_core_fault('f', 'overflow', detail => 'd', hint => 'h');
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS d = PG_EXCEPTION_DETAIL, h = PG_EXCEPTION_HINT, s = RETURNED_SQLSTATE;
	RAISE NOTICE '% % %', s, d, h;
END
$$;

-- replies that are empty
SELECT pg_typeof(rk.ring_core_fault('f', 'none', amount => 7));
SELECT * FROM rk.ring_core_fault('f', 'none', amount => 7);
SELECT rk.ring_call('f', 60, '{"kind": "none"}');
SELECT rk.ring_core_fault_count('f');

-- what fails for want of memory is tried again, max_retries times; the state is as before
SELECT failed, retried FROM rk.stat_ring WHERE name = 'f' \gset before_
CREATE TEMP TABLE before AS SELECT rk.ring_checksum('f') AS checksum;
SELECT rk.ring_core_fault('f', 'memory', attempts => 4);
SELECT rk.ring_core_fault('f', 'allocate', amount => 4000000);
SELECT rk.ring_checksum('f') = checksum FROM before;
SELECT rk.ring_core_fault('f', 'memory', attempts => 3);
SELECT rk.ring_core_fault('f', 'allocate', amount => 400000);
SELECT rk.ring_core_fault_count('f');
SELECT failed - :before_failed AS failed, retried - :before_retried AS retried
FROM rk.stat_ring WHERE name = 'f';

-- a poisoned message is put aside, and the ring goes on; one that is refused is not tried again
SELECT rk.ring_send('f', 60, '{"kind": "memory", "message": "poison"}', priority => 'high') > 0;
SELECT rk.ring_send('f', 60, '{"kind": "data", "message": "refused"}') > 0;
SELECT rk.ring_core_fault_count('f');
SELECT until('SELECT count(*) = 2 FROM rk.dead_letters');
SELECT ring, type_id, payload->>'kind' AS kind, reason, attempts, message_id > 0 AS numbered, role::text, priority, error, sqlstate, journal_id
FROM rk.dead_letters ORDER BY id;

-- sent again if the transaction commits, and then once
BEGIN;
SELECT rk.dlq_replay('f', 'reason = ''max_retries''');
ROLLBACK;
SELECT count(*) FROM rk.dead_letters;
SELECT rk.dlq_replay('f', 'reason = ''max_retries''');
SELECT rk.ring_sync('f');
SELECT reason, attempts, priority, error, journal_id FROM rk.dead_letters ORDER BY id;
SELECT rk.dlq_replay('g');
SELECT rk.dlq_purge('g');
SELECT rk.dlq_purge('f', 'sqlstate = ''22023''');
SELECT rk.dlq_purge('f', max_rows => 0);
SELECT rk.dlq_purge('f', max_rows => 10);

-- as many as are to be kept, and as long
SELECT rk.ring_configure('f', '{"dlq_size": 2, "max_retries": 0}');
SELECT until('SELECT epoch = 2 AND state = ''active'' FROM rk.rings');
SELECT count(rk.ring_send('f', 60, jsonb_build_object('kind', 'data', 'message', i::text))) FROM generate_series(1, 5) i;
SELECT until('SELECT array_agg(error ORDER BY id) = ARRAY[''4'', ''5''] FROM rk.dead_letters');
SELECT rk.ring_core_fault('f', 'memory', attempts => 1);
SELECT retried FROM rk.stat_ring WHERE name = 'f';
SELECT rk.ring_configure('f', '{"dlq_age": "1 second"}');
SELECT until('SELECT count(*) = 0 FROM rk.dead_letters');
SELECT rk.ring_configure('f', '{"max_retries": -1}');

-- expired, refused because the payload is wrong, thrown away with the queue
SELECT rk.ring_configure('f', '{"dlq_age": "1 hour"}');
SELECT until('SELECT epoch = 4 AND state = ''active'' FROM rk.rings');
SELECT rk.ring_suspend('f');
SELECT rk.ring_wait('f', 'suspended');
SELECT rk.ring_send('f', 60, '{"kind": "none"}', deadline => '10 ms') > 0;
SELECT pg_sleep(0.05);
SELECT rk.ring_resume('f');
SELECT until('SELECT count(*) = 1 FROM rk.dead_letters');
SELECT rk.ring_suspend('f');
SELECT rk.ring_wait('f', 'suspended');
SELECT rk.ring_send('f', 60, '{"kind": "none"}') > 0;
SELECT rk.ring_stop('f', force => true);
SELECT rk.ring_wait('f', 'terminated');
SELECT until('SELECT count(*) = 2 FROM rk.dead_letters');
SELECT reason, attempts, error, sqlstate FROM rk.dead_letters ORDER BY id;
CALL rk.ring_down('f');
SELECT rk.ring_drop('f');
SELECT count(*) FROM rk.dead_letters;

-- what the log has of a message that was refused does not come to life
CALL rk.ring_up('core/fault', 'j', '{"durability": "journal", "checkpoint_interval": "1 hour"}');
SELECT rk.ring_core_fault('j', 'none', amount => 5);
SELECT rk.ring_core_fault('j', 'memory');
SELECT rk.ring_core_fault('j', 'data', message => 'refused');
SELECT rk.ring_send('j', 60, '{"kind": "memory", "message": "poison"}') > 0;
SELECT rk.ring_core_fault('j', 'memory', attempts => 2);
SELECT rk.ring_core_fault_count('j');
SELECT reason, attempts, error, journal_id FROM rk.dead_letters ORDER BY id;
SELECT apply_seq, refused FROM rk.ring_log ORDER BY 1;
CREATE TEMP TABLE logged AS SELECT rk.ring_checksum('j') AS checksum;
CALL rk.ring_down('j');
-- the checkpoints since the first are lost: everything comes from the log again
DELETE FROM rk.checkpoint WHERE checkpoint_id > (SELECT min(checkpoint_id) FROM rk.checkpoint);
CALL rk.ring_up('core/fault', 'j');
SELECT rk.ring_checksum('j') = checksum FROM logged;
SELECT rk.ring_core_fault_count('j');
SELECT reason, attempts, error, journal_id FROM rk.dead_letters ORDER BY id;

-- rows of a table, one of them poisoned, in one transaction
CREATE TABLE task (kind text, message text);
SELECT rk.ring_attach('j', 'task') > 0;
INSERT INTO task VALUES ('none', 'a'), ('memory', 'b'), ('data', 'c'), ('none', 'd');
SELECT rk.ring_sync('j');
SELECT rk.ring_core_fault_count('j');
SELECT reason, attempts, error, journal_id FROM rk.dead_letters ORDER BY id;

-- for superusers only
CREATE ROLE regress_rk_user;
GRANT EXECUTE ON FUNCTION rk.ring_start(text, text, jsonb) TO regress_rk_user;
SELECT rk.ring_grant('j', 'regress_rk_user', 'send');
SET ROLE regress_rk_user;
SELECT rk.ring_start('core/fault', 'mine');
SELECT rk.ring_core_fault('j', 'none');
RESET ROLE;
SELECT rk.ring_revoke('j', 'regress_rk_user', 'send');
REVOKE EXECUTE ON FUNCTION rk.ring_start(text, text, jsonb) FROM regress_rk_user;
DROP ROLE regress_rk_user;
CALL rk.ring_down('j');
SELECT rk.ring_drop('j');
DROP TABLE task;
DROP FUNCTION until(text);
