
# Rings on a standby that is promoted, and in a database that is restored from
# a dump: state, log and what feeds them come along.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use IPC::Run ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Rustkernels;
use Test::More;

my $primary = PostgreSQL::Test::Cluster->new('primary');
$primary->init(allows_streaming => 1);
$primary->append_conf('postgresql.conf', <<~'CONF');
	shared_preload_libraries = 'rustkernels'
	rk.checkpoint_interval = 1h
	CONF
$primary->start;
$primary->safe_psql(
	'postgres', q{
	CREATE EXTENSION rustkernels;
	CREATE TABLE wire (amount bigint);
	CALL rk.ring_up('core/echo', 'e');
	SELECT rk.ring_attach('e', 'wire', '{"type": "EchoAdd"}');
	INSERT INTO wire SELECT generate_series(1, 100);
	SELECT rk.ring_sync('e'), rk.ring_checkpoint('e');
	INSERT INTO wire SELECT generate_series(1, 50);
	SELECT rk.ring_sync('e');
	CREATE TABLE fed (amount bigint);
	CREATE TABLE added (apply_seq bigint, total bigint);
	CALL rk.ring_up('core/echo', 'r', '{"standby": "readonly"}');
	CALL rk.ring_up('core/echo', 'v', '{"standby": "readonly"}');
	SELECT rk.ring_attach('r', 'fed', '{"type": "EchoAdd", "output": "added"}');
	INSERT INTO fed SELECT generate_series(1, 10);
	SELECT rk.ring_sync('r');
	});
my $truth = q{SELECT sum(amount), count(*) FROM wire};
my $ring = q{SELECT total, messages FROM rk.ring_core_total('e')};

# a dump takes the ring's state and log along
my $dump = $primary->backup_dir . '/rings.sql';
mkdir $primary->backup_dir;
$primary->command_ok([ 'pg_dump', '-d', $primary->connstr('postgres'), '-f', $dump ], 'pg_dump');
$primary->safe_psql('postgres', 'CREATE DATABASE restored');
$primary->command_ok([ 'psql', '-XqAt', '-v', 'ON_ERROR_STOP=1', '-d', $primary->connstr('restored'), '-f', $dump ], 'restored');
$primary->safe_psql('restored', q{CALL rk.ring_up('core/echo', 'e')});
$primary->safe_psql('restored', q{SELECT rk.ring_stop(name, force => true) FROM rk.ring WHERE name <> 'e'});
is($primary->safe_psql('restored', $ring), '6325|150', 'the ring has its state');
$primary->safe_psql('restored', q{INSERT INTO wire VALUES (1000)});
$primary->safe_psql('restored', q{SELECT rk.ring_sync('e')});
is($primary->safe_psql('restored', $ring), '7325|151', 'and is fed as before');

# a standby
$primary->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'base', has_streaming => 1);
$standby->start;
$primary->safe_psql('postgres', q{INSERT INTO wire SELECT generate_series(1, 30)});
$primary->safe_psql('postgres', q{SELECT rk.ring_sync('e')});
# committed, and taken in by nobody
$primary->safe_psql('postgres', q{SELECT rk.ring_suspend('e')});
wait_for_ring($primary, 'e', 'suspended');
$primary->safe_psql('postgres', q{INSERT INTO wire SELECT generate_series(1, 20)});
my $expected = $primary->safe_psql('postgres', $truth);
$primary->wait_for_catchup($standby);

my ($rc, $out, $err) = $standby->psql('postgres', "\\set VERBOSITY verbose\n$ring");
like($err, qr/55000: +ring is not available during recovery/, 'no messages during recovery');
is($standby->safe_psql('postgres', q{SELECT state, host_pid IS NULL FROM rk.rings WHERE name = 'e'}), 'pending|t', 'the ring is known');

# rings that only read there: from checkpoint and log, as they come
ok($standby->poll_query_until('postgres', q{SELECT count(*) = 2 FROM rk.rings WHERE state = 'active' AND replay_lag IS NOT NULL}),
	'two rings answer on the standby');
is($standby->safe_psql('postgres', q{SELECT total, messages FROM rk.ring_core_total('r')}), '55|10', 'what the log has');
$primary->safe_psql('postgres', q{INSERT INTO fed SELECT generate_series(1, 100); SELECT rk.ring_sync('r')});
ok($standby->poll_query_until('postgres', q{SELECT messages = 110 FROM rk.ring_core_total('r')}), 'and what it gets');
is( $standby->safe_psql('postgres', q{SELECT rk.ring_checksum('r')}),
	$primary->safe_psql('postgres', q{SELECT rk.ring_checksum('r')}),
	'the same state to the last bit');
is($standby->safe_psql('postgres', q{SELECT apply_seq FROM rk.stat_ring WHERE name = 'r'}), '110', 'at the same place of the log');
# a volatile ring by its checkpoints
is($primary->safe_psql('postgres', q{SELECT total FROM rk.ring_core_add('v', 7)}), '7', 'direct messages');
$primary->safe_psql('postgres', q{SELECT rk.ring_checkpoint('v')});
ok($standby->poll_query_until('postgres', q{SELECT total = 7 FROM rk.ring_core_total('v')}), 'come with a checkpoint');
# the log before the oldest checkpoint is gone: the standby begins with a newer one
$primary->safe_psql('postgres', qq{INSERT INTO fed VALUES ($_); SELECT rk.ring_sync('r'), rk.ring_checkpoint('r')}) for 1 .. 7;
ok($standby->poll_query_until('postgres', q{SELECT messages = 117 FROM rk.ring_core_total('r')}), 'checkpoints pass by');
for my $call (q{rk.ring_core_add('r', 1)}, q{rk.ring_call('r', 52, '{}')}, q{rk.ring_send('r', 52, '{}')}, q{rk.ring_checkpoint('r')}, q{rk.ring_stop('r')}, q{rk.ring_start('core/echo')})
{
	($rc, $out, $err) = $standby->psql('postgres', "\\set VERBOSITY verbose\nSELECT $call");
	like($err, qr/55000: +ring is not available during recovery|25006/, "$call changes something");
}
# one that is created while the standby runs, and one that is dropped
$primary->safe_psql('postgres', q{CALL rk.ring_up('core/echo', 'new', '{"standby": "readonly"}'); CALL rk.ring_down('v'); SELECT rk.ring_drop('v')});
ok($standby->poll_query_until('postgres', q{SELECT string_agg(name, ' ' ORDER BY name) = 'new r' FROM rk.rings WHERE state = 'active'}),
	'rings come and go as on the primary');

# a database is dropped while the standby has rings there
$primary->safe_psql('postgres', 'CREATE DATABASE brief');
$primary->safe_psql('brief', q{CREATE EXTENSION rustkernels; CALL rk.ring_up('core/echo', 'b', '{"standby": "readonly"}')});
$primary->wait_for_catchup($standby);
ok($standby->poll_query_until('brief', q{SELECT state = 'active' FROM rk.rings}), 'a ring of another database answers on the standby');
$primary->safe_psql('postgres', 'DROP DATABASE brief');
$primary->wait_for_catchup($standby);
is($standby->safe_psql('postgres', q{SELECT count(*) FROM pg_database WHERE datname = 'brief'}), '0', 'which is dropped there, too');
ok($standby->poll_query_until('postgres', q{SELECT count(*) = 1 FROM pg_stat_activity WHERE backend_type = 'rk host'}), 'its host is gone');
ok($standby->poll_query_until('postgres', q{SELECT count(*) = 2 FROM rk.rings WHERE state = 'active'}), 'the other rings answer');

# writers are at work while the primary dies
$primary->safe_psql(
	'postgres', q{
	CREATE PROCEDURE write() LANGUAGE plpgsql AS $$
	BEGIN
		FOR i IN 1 .. 100000 LOOP
			INSERT INTO fed SELECT i FROM generate_series(1, 1 + i % 7);
			IF i % 5 = 0 THEN
				ROLLBACK;
			ELSE
				COMMIT;
			END IF;
		END LOOP;
	END
	$$});
$primary->wait_for_catchup($standby);
my @writers = map {
	my ($in, $out, $err) = ('', '', '');
	IPC::Run::start([ 'psql', '-XqAt', '-d', $primary->connstr('postgres'), '-c', 'CALL write()' ], '<', \$in, '>', \$out, '2>', \$err);
} 1 .. 2;
$primary->poll_query_until('postgres', q{SELECT count(*) > 1000 FROM fed});
$primary->stop('immediate');
$_->finish for @writers;
$standby->promote;
ok(wait_for_ring($standby, 'e', 'suspended'), 'up after the promotion, as it was');
$standby->safe_psql('postgres', q{SELECT rk.ring_resume('e')});
ok(wait_for_ring($standby, 'e'), 'resumed');
ok($standby->poll_query_until('postgres', q{SELECT state = 'active' AND replay_lag IS NULL FROM rk.rings WHERE name = 'r'}), 'a ring that only read writes now');
$standby->safe_psql('postgres', q{INSERT INTO fed VALUES (1000); SELECT rk.ring_sync('r')});
is( $standby->safe_psql('postgres', q{SELECT total, messages FROM rk.ring_core_total('r')}),
	$standby->safe_psql('postgres', q{SELECT sum(amount), count(*) FROM fed}),
	'and goes on, with all that was replicated and nothing else');
is( $standby->safe_psql('postgres', q{SELECT count(*) = (SELECT count(*) FROM fed), count(DISTINCT apply_seq) = count(*) FROM added}),
	't|t', 'with its output, each record once');
$standby->safe_psql('postgres', q{SELECT rk.ring_sync('e')});
is($standby->safe_psql('postgres', $ring), $expected, 'with all that was committed and replicated');
$standby->safe_psql('postgres', q{INSERT INTO wire VALUES (1)});
$standby->safe_psql('postgres', q{SELECT rk.ring_sync('e')});
is($standby->safe_psql('postgres', $ring), $standby->safe_psql('postgres', $truth), 'and it goes on');
$standby->stop;

done_testing();
