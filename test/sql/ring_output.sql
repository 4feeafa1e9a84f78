-- What rings publish: into tables, to channels, to other rings.
CALL rk.ring_up('core/echo', 'e');
CALL rk.ring_up('core/echo', 'f');
CREATE TABLE wire (amount bigint);
CREATE TABLE added (id bigint GENERATED ALWAYS AS IDENTITY, apply_seq bigint NOT NULL, amount numeric, total bigint,
	ring text, sent_at timestamptz, twice bigint GENERATED ALWAYS AS (total * 2) STORED, note text NOT NULL DEFAULT 'x');
CREATE TABLE totals (total bigint, messages bigint);
CREATE TABLE other (colour text);
CREATE TABLE strict (total bigint, colour text NOT NULL);
SELECT type_id, name, published, mutating, function FROM rk.message_types WHERE published AND kernel = 'core/echo';
-- a record is not a message
SELECT rk.ring_call('e', 56, '{"amount": 1, "total": 1, "messages": 1}');
SELECT rk.ring_attach('e', 'wire', '{"type": "EchoAdded"}');

-- what is wrong is said
SELECT rk.ring_output('e', 'EchoAdded');
SELECT rk.ring_output('e', 'Echo', 'added');
SELECT rk.ring_output('nowhere', 'EchoAdded', 'added');
SELECT rk.ring_output(NULL, 'EchoAdded', 'added');
SELECT rk.ring_output('e', 'EchoAdded', 'other');
SELECT rk.ring_output('e', 'EchoAdded', 'strict');
SELECT rk.ring_output('e', 'EchoAdded', channel => '');
SELECT rk.ring_attach('e', 'wire', '{"type": "EchoAdd", "output": "nowhere"}');
SELECT rk.ring_attach('e', 'wire', '{"type": "EchoAdd", "output": {"EchoAdded": 5}}');
SELECT rk.ring_attach('e', 'wire', '{"type": "EchoAdd", "output": ["added"]}');
SELECT rk.ring_output_drop(0);
SELECT rk.ring_link('e', 'EchoAdded', 'e');
SELECT rk.ring_link('e', 'EchoAdded', 'nowhere');
SELECT rk.ring_link('e', 'EchoAdded', 'f', '{"fields": {"amount": "colour"}}');
SELECT rk.ring_link('e', 'EchoAdded', 'f', '{"colour": "blue"}');
SELECT rk.ring_link('e', 'EchoAdded', 'f', '[]');

-- rows, replies and another ring; what is there already comes along
SELECT rk.ring_link('e', 'EchoAdded', 'f', '{"fields": {"amount": "total"}}') > 0;
SELECT rk.ring_link('f', 'EchoAdded', 'e');
SELECT rk.ring_sync('e');
INSERT INTO wire SELECT generate_series(1, 5);
SELECT rk.ring_attach('e', 'wire', '{"type": "EchoAdd", "backfill": true, "output": {"EchoAdded": "added", "EchoAddReply": "public.totals"}}') > 0;
SELECT rk.ring_sync('e');
SELECT id, apply_seq, amount, total, ring, sent_at <= now() AS sent, twice, note FROM added ORDER BY id;
SELECT * FROM totals ORDER BY messages;
SELECT ring, record, type_id, relation, channel, destination, mapping, output_seq FROM rk.outputs ORDER BY output_id;
-- direct messages are logged now, and their records are there when the reply is
SELECT total FROM rk.ring_core_add('e', 100);
SELECT apply_seq, amount, total FROM added WHERE amount = 100;
SELECT apply_seq, output_seq FROM rk.stat_ring WHERE name = 'e';
-- many rows in one command; what is rolled back publishes nothing
INSERT INTO wire SELECT i FROM generate_series(1, 2500) i;
BEGIN;
INSERT INTO wire VALUES (1000000);
ROLLBACK;
SELECT rk.ring_sync('e');
SELECT count(*), count(DISTINCT apply_seq), max(apply_seq), sum(amount) = max(total) AS complete FROM added;
-- a refused message publishes nothing
INSERT INTO wire VALUES (9223372036854775807);
SELECT rk.ring_sync('e');
SELECT count(*) FROM added;
-- the other ring was sent each total once
SELECT rk.ring_sync('f') IS NOT NULL;
\getenv abs_srcdir PG_ABS_SRCDIR
\set rings :abs_srcdir '/support/rings.sql'
\set ECHO none
\i :rings
\set ECHO all
SELECT until('SELECT messages = 2506 FROM rk.ring_core_total(''f'')');
SELECT f.total = (SELECT sum(total) FROM added) AS same FROM rk.ring_core_total('f') f;

-- an output that begins later has what comes later; the same one twice is written once
CREATE TABLE later (amount bigint);
SELECT rk.ring_output('e', 'EchoAdded', 'later') > 0, rk.ring_output('e', NULL, 'later') > 0;
SELECT rk.ring_sync('e') IS NOT NULL;
SELECT total > 0 FROM rk.ring_core_add('e', 7);
SELECT * FROM later;
-- a checkpoint in between, a restart: nothing twice, nothing lost
SELECT rk.ring_checkpoint('e') > 0;
SELECT count(rk.ring_core_add('e', 1)) FROM generate_series(1, 10);
SELECT rk.ring_restart('e');
SELECT until('SELECT epoch = 2 AND state = ''active'' FROM rk.rings WHERE name = ''e''');
SELECT count(*), sum(amount) FROM later;
SELECT count(rk.ring_core_add('e', 1)) FROM generate_series(1, 10);
SELECT count(*), sum(amount) FROM later;

-- a table that takes no more rows stops the ring, which goes on when it does
ALTER TABLE later ADD CONSTRAINT small CHECK (amount < 50);
INSERT INTO wire VALUES (60);
SELECT until('SELECT state = ''failed'' FROM rk.rings WHERE name = ''e''');
SELECT last_error FROM rk.rings WHERE name = 'e';
ALTER TABLE later DROP CONSTRAINT small;
SELECT until('SELECT state = ''active'' FROM rk.rings WHERE name = ''e''');
SELECT rk.ring_sync('e') IS NOT NULL;
SELECT count(*), sum(amount) FROM later;
SELECT count(*) = (SELECT messages FROM rk.ring_core_total('e')), max(total) = (SELECT total FROM rk.ring_core_total('e')) FROM added;
-- one with another name, in another schema or with other columns is written as it is then
CREATE SCHEMA elsewhere;
ALTER TABLE later RENAME TO latest;
SELECT total > 0 FROM rk.ring_core_add('e', 2);
ALTER TABLE latest SET SCHEMA elsewhere;
ALTER TABLE elsewhere.latest ADD COLUMN messages bigint;
SELECT total > 0 FROM rk.ring_core_add('e', 3);
ALTER TABLE elsewhere.latest ALTER COLUMN amount TYPE numeric(12, 2), DROP COLUMN messages;
SELECT total > 0 FROM rk.ring_core_add('e', 4);
SELECT amount FROM elsewhere.latest ORDER BY amount DESC OFFSET 2 LIMIT 3;
SELECT count(*), sum(amount) FROM elsewhere.latest;
SELECT epoch, last_error FROM rk.rings WHERE name = 'e';
-- one that is gone, too; without the output the ring goes on
DROP SCHEMA elsewhere CASCADE;
INSERT INTO wire VALUES (1);
SELECT until('SELECT state = ''failed'' FROM rk.rings WHERE name = ''e''');
SELECT regexp_replace(last_error, '\d+', 'N') FROM rk.rings WHERE name = 'e';
SELECT count(rk.ring_output_drop(output_id)) FROM rk.outputs WHERE ring = 'e' AND relation NOT IN ('added'::regclass, 'totals'::regclass);
SELECT rk.ring_restart('e');
SELECT until('SELECT state = ''active'' FROM rk.rings WHERE name = ''e''');
SELECT rk.ring_sync('e') IS NOT NULL;
SELECT count(*) = (SELECT messages FROM rk.ring_core_total('e')) FROM added;

-- rows are inserted with the rights of the ring's owner, also by a trigger that comes late
CREATE ROLE regress_rk_owner;
CREATE ROLE regress_rk_control;
GRANT EXECUTE ON FUNCTION rk.ring_start TO regress_rk_owner;
CREATE TABLE mine (total bigint);
SET ROLE regress_rk_owner;
CALL rk.ring_up('core/echo', 'o');
SELECT rk.ring_output('o', 'EchoAdded', 'mine');
RESET ROLE;
GRANT INSERT ON mine TO regress_rk_owner;
CREATE TABLE who (name text);
GRANT INSERT ON who TO PUBLIC;
CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO who VALUES (current_user); RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER late AFTER INSERT ON mine DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION tell();
SET ROLE regress_rk_owner;
SELECT rk.ring_grant('o', 'regress_rk_control', 'control');
SET ROLE regress_rk_control;
SELECT rk.ring_output('o', 'EchoAdded', 'mine');
SET ROLE regress_rk_owner;
SELECT rk.ring_output('o', 'EchoAdded', 'mine') > 0;
SELECT rk.ring_sync('o');
SELECT total FROM rk.ring_core_add('o', 3);
RESET ROLE;
SELECT * FROM mine;
SELECT * FROM who;
CALL rk.ring_down('o');
SELECT rk.ring_drop('o');

-- a reset begins a new log; outputs go with the attachment, or with the ring
CALL rk.ring_down('e');
SELECT rk.ring_reset('e');
CALL rk.ring_up('core/echo', 'e');
TRUNCATE added, totals;
INSERT INTO wire VALUES (5);
SELECT rk.ring_sync('e');
SELECT apply_seq, total FROM added;
SELECT count(rk.ring_detach(attachment_id)) FROM rk.attachments;
SELECT ring, record, destination FROM rk.outputs;
CALL rk.ring_down('e');
CALL rk.ring_down('f');
SELECT rk.ring_drop(name) FROM rk.ring;
SELECT count(*) FROM rk.ring_output;
SELECT count(*) FROM rk.ring_position;
SELECT count(*) FROM rk.ring_journal;
SELECT until('SELECT count(*) = 0 FROM pg_stat_activity WHERE backend_type = ''rk host'' AND datname = current_database()');
REVOKE EXECUTE ON FUNCTION rk.ring_start FROM regress_rk_owner;
DROP TABLE wire, added, totals, other, strict, mine, who;
DROP FUNCTION until(text), tell();
DROP ROLE regress_rk_owner, regress_rk_control;
