
# The settings of rings: what they are, that those which a reload changes hold
# in running workers within a second, and what bounds the number of workers.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Rustkernels;
use Test::More;
use Time::HiRes qw(usleep time);

my $node = server('settings', conf => "rk.checkpoint_interval = 1h\nrk.journal_poll = 60s\nfsync = off\n");

# name, default, unit, range, context
my @settings = (
	[ 'checkpoint_interval', '30', 's', '1 .. 86400', 'sighup' ],
	[ 'checkpoints_kept', '5', '', '1 .. 100', 'sighup' ],
	[ 'databases', '*', '', undef, 'sighup' ],
	[ 'drain_timeout', '30', 's', '0 .. 3600', 'sighup' ],
	[ 'heartbeat_timeout', '30', 's', '1 .. 3600', 'sighup' ],
	[ 'journal_limit', '1000000', '', '1000 .. 2147483647', 'sighup' ],
	[ 'journal_poll', '1000', 'ms', '10 .. 60000', 'sighup' ],
	[ 'max_checkpoint_size', '1048576', 'kB', '1024 .. 1048576', 'sighup' ],
	[ 'max_inflight', '64', '', '1 .. 1024', 'postmaster' ],
	[ 'max_message_size', '65536', 'B', '256 .. 65536', 'postmaster' ],
	[ 'max_ring_workers', '0', '', '0 .. 262143', 'sighup' ],
	[ 'max_rings', '100', '', '0 .. 10000', 'postmaster' ],
	[ 'max_timeout', '300000', 'ms', '0 .. 2147483647', 'superuser' ],
	[ 'priority', 'normal', '', undef, 'user' ],
	[ 'queue_depth', '1024', '', '16 .. 1048576', 'sighup' ],
	[ 'ring_memory', '32768', 'kB', '0 .. 67108864', 'postmaster' ],
	[ 'ring_spin_us', '20', '', '-1 .. 1000000', 'sighup' ],
	[ 'ring_workers', '1', '', '1 .. 64', 'postmaster' ],
	[ 'shutdown_timeout', '10', 's', '0 .. 3600', 'sighup' ],
	[ 'timeout', '0', 'ms', '0 .. 2147483647', 'user' ],
	[ 'trace_context', '', '', undef, 'user' ]);

for my $s (@settings)
{
	my ($name, $default, $unit, $range, $context) = @$s;

	is( $node->safe_psql('postgres', "SELECT boot_val, coalesce(unit, ''), min_val || ' .. ' || max_val, context FROM pg_settings WHERE name = 'rk.$name'"),
		join('|', $default, $unit, $range // '', $context),
		"rk.$name");
	next unless $range;
	my ($low, $high) = split / \.\. /, $range;
	for my $bad ($low - 1, $high == 2147483647 ? () : $high + 1)
	{
		my ($rc, $out, $err) = $node->psql('postgres', "ALTER SYSTEM SET rk.$name = $bad");
		like($err, qr/$bad.* is outside the valid range for parameter "rk.$name" \(\Q$low\E.* \.\. \Q$high\E.*\)/, "not $bad");
	}
}
for ([ queue_depth => 100, qr/DETAIL:  The value must be a power of two/ ], [ databases => q('a,,b'), qr/DETAIL:  The value must be a list of names of databases, or \*/ ],
	[ priority => 'utmost', qr/HINT:  Available values: low, normal, high, critical, realtime/ ])
{
	my ($name, $bad, $message) = @$_;
	my ($rc, $out, $err) = $node->psql('postgres', "ALTER SYSTEM SET rk.$name = $bad");

	like($err, $message, "rk.$name = $bad");
}
$node->safe_psql('postgres', q{CREATE ROLE clerk; SET ROLE clerk; SET rk.timeout = 5});
my ($rc, $out, $err) = $node->psql('postgres', q{SET ROLE clerk; SET rk.max_timeout = 0});
like($err, qr/permission denied to set parameter "rk.max_timeout"/, 'a limit on others is for superusers');

# Changes a setting, and returns whether a condition holds soon, where there is one.
sub change
{
	my ($name, $value, $condition) = @_;

	$node->safe_psql('postgres', "ALTER SYSTEM SET rk.$name = $value");
	$node->safe_psql('postgres', 'SELECT pg_reload_conf()');
	return !$condition || $node->poll_query_until('postgres', $condition);
}

$node->safe_psql('postgres', q{CALL rk.ring_up('core/echo', 'e'); CREATE TABLE wire (amount bigint)});
$node->safe_psql('postgres', q{SELECT rk.ring_attach('e', 'wire', '{"type": "EchoAdd"}'); SELECT rk.ring_core_add('e', 1)});
$node->poll_query_until('postgres', q{SELECT count(*) = 2 FROM rk.checkpoints});
$node->safe_psql('postgres', q{SELECT rk.ring_core_add('e', 1)});
usleep(1_500_000);
is($node->safe_psql('postgres', 'SELECT count(*) FROM rk.checkpoints'), '2', 'the next checkpoint is an hour away');
ok(change('checkpoint_interval', "'1s'", 'SELECT count(*) = 3 FROM rk.checkpoints'), 'until the interval is a second');
change('checkpoint_interval', "'1h'");

$node->safe_psql('postgres', q{SELECT rk.ring_checkpoint('e')}) for 1 .. 3;
is($node->safe_psql('postgres', 'SELECT count(*) FROM rk.checkpoints'), '5', 'five checkpoints are kept');
change('checkpoints_kept', 2);
usleep(500_000);
$node->safe_psql('postgres', q{SELECT rk.ring_checkpoint('e')});
is($node->safe_psql('postgres', 'SELECT count(*) FROM rk.checkpoints'), '2', 'and now two');

# a row that nobody says anything of
$node->safe_psql('postgres', q{INSERT INTO rk.ring_journal (id, ring_id, xid, type_id, priority, sent_at_ns, role, payload)
	SELECT nextval('rk.ring_journal_id'), ring_id, pg_current_xact_id(), 52, 64, 0, owner, '\x6400000000000000' FROM rk.ring WHERE name = 'e'});
is($node->safe_psql('postgres', q{SELECT total FROM rk.ring_core_total('e')}), '2', 'the next look at the journal is a minute away');
ok(change('journal_poll', "'20ms'", q{SELECT total = 102 FROM rk.ring_core_total('e')}), 'until the poll is faster');

# what spins is awake
my $pid = $node->safe_psql('postgres', q{SELECT host_pid FROM rk.rings WHERE name = 'e'});
my $ticks = sub { my @stat = split / /, slurp_file("/proc/$pid/stat"); $stat[13] + $stat[14] };
my $before = $ticks->();
change('ring_spin_us', -1);
usleep(1_500_000);
cmp_ok($ticks->() - $before, '>', 20, 'a host that spins takes time');
change('ring_spin_us', 0);
usleep(500_000);
$before = $ticks->();
usleep(1_500_000);
cmp_ok($ticks->() - $before, '<', 20, 'and does not any more');

# a checkpoint that is too large: the ring goes on
$node->safe_psql('postgres', q{CALL rk.ring_up('graph/degree-centrality', 'large', '{"edges": "SELECT i AS source, i + 1 AS target FROM generate_series(1, 100000) i"}')});
change('max_checkpoint_size', "'1MB'");
usleep(500_000);
($rc, $out, $err) = $node->psql('postgres', q{SELECT rk.ring_checkpoint('large')});
like($err, qr/the checkpoint would be larger than rk.max_checkpoint_size, 1 MB/, 'a checkpoint that is too large');
is($node->safe_psql('postgres', q{SELECT out_degree FROM rk.ring_graph_degree_query('large', 7)}), '1', 'leaves the ring alone');
change('max_checkpoint_size', "'64MB'");
usleep(500_000);
cmp_ok($node->safe_psql('postgres', q{SELECT rk.ring_checkpoint('large')}), '>', 0, 'with more it is written');
$node->safe_psql('postgres', q{CALL rk.ring_down('large'); SELECT rk.ring_drop('large')});

# messages from tables that wait for a suspended ring
$node->safe_psql('postgres', q{SELECT rk.ring_suspend('e'), pg_sleep(0.1)});
$node->poll_query_until('postgres', q{SELECT state = 'suspended' FROM rk.rings WHERE name = 'e'});
$node->safe_psql('postgres', q{CREATE TABLE strict (amount bigint); SELECT rk.ring_attach('e', 'strict', '{"type": "EchoAdd", "on_backlog": "error"}')});
my $offset = -s $node->logfile;
$node->safe_psql('postgres', 'INSERT INTO wire SELECT 1 FROM generate_series(1, 1500)');
$node->safe_psql('postgres', 'INSERT INTO strict VALUES (1)');
ok(change('journal_limit', 1000, q{SELECT high_water AND journal_backlog = 1501 FROM rk.stat_ring WHERE name = 'e'}), 'a backlog is seen');
ok($node->wait_for_log(qr/1501 messages from tables wait for ring "e"/, $offset), 'and in the log');
usleep(1_100_000);
($rc, $out, $err) = $node->psql('postgres', "\\set VERBOSITY verbose\nINSERT INTO strict VALUES (2)");
like($err, qr/RK001: +too many messages wait for ring \d+.*The setting rk.journal_limit is 1000/s, 'who asked for it is refused');
$node->safe_psql('postgres', 'INSERT INTO wire VALUES (1)');
$node->safe_psql('postgres', q{SELECT rk.ring_resume('e')});
ok($node->poll_query_until('postgres', q{SELECT total = 102 + 1502 FROM rk.ring_core_total('e')}), 'all that was accepted is applied');
ok($node->poll_query_until('postgres', q{SELECT NOT high_water AND journal_backlog = 0 FROM rk.stat_ring WHERE name = 'e'}), 'and the level is low again');
usleep(1_100_000);
$node->safe_psql('postgres', 'INSERT INTO strict VALUES (3)');

# nobody waits longer than the superuser allows
my $began = time;
($rc, $out, $err) = $node->psql('postgres', qq{SET rk.max_timeout = '100ms';\n\\set VERBOSITY verbose\nSELECT rk.ring_call('e', 54, '{"min_messages": 1000000}', '1 hour')});
like($err, qr/RK005/, 'a call that asks for an hour');
cmp_ok(time - $began, '<', 60, 'has not got it');

# how long a ring may work on its queue
$node->safe_psql('postgres', q{
	CREATE TABLE slow (amount bigint);
	CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(0.02); RETURN NEW; END $$;
	CREATE TRIGGER dawdle BEFORE INSERT ON slow FOR EACH ROW EXECUTE FUNCTION dawdle();
	CALL rk.ring_up('core/echo', 's');
	SELECT rk.ring_output('s', 'EchoAdded', 'slow');
	SELECT rk.ring_sync('s')});
change('drain_timeout', 0);
usleep(500_000);
$node->safe_psql('postgres', q{SELECT count(rk.ring_send('s', 52, '{}')) FROM generate_series(1, 500); CALL rk.ring_down('s')});
ok($node->poll_query_until('postgres', q{SELECT (SELECT count(*) FROM slow) + (SELECT count(*) FROM rk.dead_letters WHERE ring = 's' AND reason = 'destroyed') = 500}),
	'no time to drain, but every message is somewhere');
cmp_ok($node->safe_psql('postgres', q{SELECT count(*) FROM slow}), '<', 400, 'most are dead letters');
$node->safe_psql('postgres', q{SELECT rk.ring_drop('s')});

# databases
$node->safe_psql('postgres', 'CREATE DATABASE other');
$node->safe_psql('other', q{CREATE EXTENSION rustkernels; CALL rk.ring_up('core/echo', 'e'); SELECT rk.ring_core_add('e', 7)});
my $hosts = q{SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'rk host' AND datname = 'other'};
ok(change('databases', "'postgres, elsewhere'", "SELECT ($hosts) = 0"), 'hosts leave a database that is not listed');
is($node->safe_psql('other', q{SELECT state FROM rk.rings}), 'pending', 'its ring waits');
($rc, $out, $err) = $node->psql('other', q{SELECT rk.ring_start('core/echo', 'f')});
like($err, qr/rings do not run in database "other".*HINT:  Add it to the setting "rk.databases", now "postgres, elsewhere"/s, 'none can be started');
is($node->safe_psql('postgres', q{SELECT rk.ring_core_echo('e', 5)}), '5', 'others go on');
$node->safe_psql('other', q{SELECT rk.ring_stop('e'); SELECT rk.ring_resume('e') FROM (VALUES (1)) v WHERE false});
$node->safe_psql('other', q{UPDATE rk.ring SET desired_state = 'running'});
usleep(700_000);
is($node->safe_psql('postgres', $hosts), '0', 'nobody is sent there');
ok(change('databases', "'*'", "SELECT ($hosts) = 1"), 'listed again');
is($node->safe_psql('other', q{SELECT rk.ring_wait('e'), total FROM rk.ring_core_total('e')}), 't|7', 'its ring is up with its state');
$node->safe_psql('other', q{CALL rk.ring_down('e')});

# processes: a number for each database, and one for all
$node->append_conf('postgresql.conf', "rk.ring_workers = 3\nmax_worker_processes = 12\n");
$node->restart;
$node->safe_psql('postgres', "CALL rk.ring_up('core/echo', 'w$_')") for 1 .. 6;
$hosts = q{SELECT count(DISTINCT host_pid) FROM rk.rings WHERE state = 'active'};
is($node->safe_psql('postgres', $hosts), '3', 'seven rings, three hosts');
is($node->safe_psql('postgres', q{SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'rk host'}), '3', 'and no more');
is($node->safe_psql('postgres', qq{SELECT rk.ring_core_echo('w$_', $_)}), $_, "ring w$_ answers") for 1 .. 6;
like($node->safe_psql('postgres', q{SELECT string_agg(query, ' ') FROM pg_stat_activity WHERE backend_type = 'rk host'}), qr/ring .*\bw1\b/, 'pg_stat_activity says where');
$pid = $node->safe_psql('postgres', q{SELECT host_pid FROM rk.rings WHERE name = 'w1'});
$node->safe_psql('postgres', "CREATE TABLE before AS SELECT name, epoch, host_pid FROM rk.rings");
$node->safe_psql('postgres', "SELECT pg_terminate_backend($pid)");
ok($node->poll_query_until('postgres', "SELECT count(*) = 7 AND bool_and((r.epoch > b.epoch) = (b.host_pid = $pid)) FROM rk.rings r JOIN before b USING (name) WHERE r.state = 'active'"),
	'when one ends, its rings start again, and the others do not');
# from one process into another
$node->safe_psql('postgres', q{SELECT rk.ring_core_add('w2', 5); SELECT rk.ring_configure('w2', '{"dedicated": true}')});
ok($node->poll_query_until('postgres', q{SELECT state = 'active' AND host_pid NOT IN (SELECT host_pid FROM rk.rings WHERE name <> 'w2') FROM rk.rings WHERE name = 'w2'}),
	'a ring gets a process of its own');
is($node->safe_psql('postgres', q{SELECT total FROM rk.ring_core_total('w2')}), '5', 'with its state');
$offset = -s $node->logfile;
change('max_ring_workers', 4);
usleep(300_000);
$node->safe_psql('postgres', q{SELECT rk.ring_start('core/echo', 'own', '{"dedicated": true}')});
ok($node->wait_for_log(qr/no process is free for the rings of database.*\n.*Rings have 4 processes, and need 1 more.*\n.*Raise "rk.max_ring_workers", now 4, to 5/, $offset),
	'no process for one more, which is in the log');
is($node->safe_psql('postgres', q{SELECT state FROM rk.rings WHERE name = 'own'}), 'pending', 'it waits');
ok(change('max_ring_workers', 5, q{SELECT state = 'active' FROM rk.rings WHERE name = 'own'}), 'until there is one');
$node->safe_psql('postgres', q{SELECT rk.ring_configure('w2', '{"dedicated": false}')});
ok($node->poll_query_until('postgres', q{SELECT state = 'active' AND host_pid IN (SELECT host_pid FROM rk.rings WHERE name <> 'w2') FROM rk.rings WHERE name = 'w2'}),
	'and back into a shared one');
is($node->safe_psql('postgres', q{SELECT total FROM rk.ring_core_total('w2')}), '5', 'with its state');
# places for rings: whoever has none waits for one
$node->append_conf('postgresql.conf', "rk.max_rings = 9\n");
$node->restart;
$node->poll_query_until('postgres', q{SELECT count(*) = 8 FROM rk.rings WHERE state = 'active'});
$node->safe_psql('other', q{CALL rk.ring_up('core/echo', 'e')});
$offset = -s $node->logfile;
$node->safe_psql('postgres', q{SELECT rk.ring_start('core/echo', 'over')});
ok($node->wait_for_log(qr/too many rings are running.*\n.*All 9 places are taken/, $offset), 'no place for one more, which is in the log');
is($node->safe_psql('postgres', q{SELECT state FROM rk.rings WHERE name = 'over'}), 'pending', 'it waits');
$node->safe_psql('other', q{CALL rk.ring_down('e')});
ok($node->poll_query_until('postgres', q{SELECT state = 'active' FROM rk.rings WHERE name = 'over'}), 'until a ring of another database stops');
$node->stop;

done_testing();
