-- Back to an older state of a ring, and to another ring.
CALL rk.ring_up('core/echo', 'e', '{"checkpoints_kept": 20}');
CALL rk.ring_up('core/echo', 'g');
CALL rk.ring_up('graph/degree-centrality', 'd');
CREATE TABLE added (apply_seq bigint, total bigint);
SELECT rk.ring_output('e', 'EchoAdded', 'added') > 0;
SELECT rk.ring_sync('e');
\getenv abs_srcdir PG_ABS_SRCDIR
\set rings :abs_srcdir '/support/rings.sql'
\set ECHO none
\i :rings
\set ECHO all
SELECT total FROM rk.ring_core_add('e', 1);
SELECT rk.ring_checkpoint('e') AS first \gset
SELECT total FROM rk.ring_core_add('e', 10);
SELECT rk.ring_checkpoint('e') AS second \gset
SELECT total FROM rk.ring_core_add('e', 100);
SELECT apply_seq FROM rk.checkpoints WHERE checkpoint_id IN (:first, :second) ORDER BY checkpoint_id;
-- what is wrong is said
SELECT rk.ring_restore('e', :first);
SELECT rk.ring_restore('e', 0);
SELECT rk.ring_restore('nowhere', :first);
\set VERBOSITY sqlstate
SELECT rk.ring_restore('g', :first);
\set VERBOSITY default
SELECT rk.checkpoint_export(0);
-- back to the first, and on from there; what was published is not published again
CALL rk.ring_down('e');
SELECT rk.ring_restore('e', :first);
CALL rk.ring_up('core/echo', 'e');
SELECT total, messages FROM rk.ring_core_total('e');
SELECT total FROM rk.ring_core_add('e', 1000);
SELECT * FROM added ORDER BY apply_seq;
-- forward again to the second
CALL rk.ring_down('e');
SELECT rk.ring_restore('e', :second);
CALL rk.ring_up('core/echo', 'e');
SELECT total, messages FROM rk.ring_core_total('e');
SELECT total FROM rk.ring_core_add('e', 10000);
-- a suspended ring goes back without being stopped, and what it had can be gone back to
SELECT rk.ring_suspend('e');
SELECT rk.ring_wait('e', 'suspended');
SELECT rk.ring_send('e', 52, '{"amount": 100000}') > 0 AS queued;
SELECT rk.ring_restore('e', :first);
SELECT until('SELECT epoch = 4 AND state = ''suspended'' FROM rk.rings WHERE name = ''e''');
SELECT rk.ring_resume('e');
SELECT rk.ring_wait('e');
SELECT total, messages FROM rk.ring_core_total('e', 2);
SELECT rk.ring_suspend('e');
SELECT rk.ring_wait('e', 'suspended');
SELECT rk.ring_restore('e', (SELECT checkpoint_id FROM rk.checkpoints c WHERE ring = 'e' AND epoch = 3 ORDER BY 1 DESC LIMIT 1));
SELECT until('SELECT epoch = 5 AND state = ''suspended'' FROM rk.rings WHERE name = ''e''');
SELECT rk.ring_resume('e');
SELECT rk.ring_wait('e');
SELECT total, messages FROM rk.ring_core_total('e');
-- not while somebody may resume it
BEGIN;
SELECT rk.ring_suspend('e');
SELECT rk.ring_restore('e', :first);
ROLLBACK;
-- to a device; what is in the queue stays there
SELECT rk.ring_migrate('e', 'cuda:7');
SELECT rk.ring_migrate('nowhere', 'cpu');
SELECT rk.ring_suspend('e');
SELECT rk.ring_wait('e', 'suspended');
SELECT count(rk.ring_send('e', 52, '{"amount": 1}')) FROM generate_series(1, 10);
SELECT rk.ring_migrate('e', 'cpu');
SELECT until('SELECT epoch = 6 AND state = ''suspended'' FROM rk.rings WHERE name = ''e''');
SELECT queue_depth FROM rk.ring_status('e');
SELECT rk.ring_resume('e');
SELECT total, messages FROM rk.ring_core_total('e', 13);
SELECT options ->> 'device' AS option, device FROM rk.rings JOIN rk.stat_ring USING (name) WHERE name = 'e';
-- in the format of the library that is loaded
SELECT rk.ring_upgrade('e');
SELECT until('SELECT epoch = 7 AND state = ''active'' FROM rk.rings WHERE name = ''e''');
SELECT total, messages FROM rk.ring_core_total('e');
SELECT * FROM added ORDER BY apply_seq;
-- to another ring
CREATE TEMP TABLE exported AS SELECT rk.checkpoint_export(:second) AS data;
SELECT rk.checkpoint_import('g', data) FROM exported;
CALL rk.ring_down('g');
CALL rk.ring_down('d');
SELECT rk.ring_upgrade('g');
SELECT rk.ring_migrate('g', 'cpu');
SELECT rk.checkpoint_import('d', data) FROM exported;
SELECT rk.checkpoint_import('g', set_byte(data, length(data) - 1, 255 - get_byte(data, length(data) - 1))) FROM exported;
SELECT rk.checkpoint_import('g', substr(data, 1, length(data) - 1)) FROM exported;
SELECT rk.checkpoint_import('g', 'not at all');
SELECT rk.checkpoint_import('g', data) > 0 FROM exported;
CALL rk.ring_up('core/echo', 'g');
SELECT total, messages FROM rk.ring_core_total('g');
-- rights
CREATE ROLE regress_rk_other;
SET ROLE regress_rk_other;
SELECT count(*) FROM rk.checkpoints;
SELECT rk.checkpoint_export(:second);
SELECT rk.ring_restore('e', :first);
SELECT rk.checkpoint_import('e', '');
RESET ROLE;
DROP ROLE regress_rk_other;
CALL rk.ring_down('e');
CALL rk.ring_down('g');
SELECT rk.ring_drop(name) FROM rk.ring;
SELECT until('SELECT count(*) = 0 FROM pg_stat_activity WHERE backend_type = ''rk host'' AND datname = current_database()');
DROP TABLE added, exported;
DROP FUNCTION until(text);
