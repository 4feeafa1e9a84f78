
# Rings and their hosts: one process for a database, none where there is
# nothing to run; restarts; CREATE and DROP DATABASE; a server without the
# library preloaded; many senders and a small queue.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Rustkernels;
use Test::More;
use Time::HiRes qw(usleep time);

my $node = server('ring', conf => "rk.checkpoint_interval = 1s\nrestart_after_crash = on\n");
my $hosts = q{SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'rk host'};
my $host_pid = q{SELECT host_pid FROM rk.rings WHERE name = 'e'};

is($node->safe_psql('postgres', $hosts), '0', 'no ring, no host');
is($node->safe_psql('postgres', q{SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'rk launcher'}),
	'1', 'one launcher');

$node->safe_psql('postgres', q{CALL rk.ring_up('core/echo', 'e'); CALL rk.ring_up('core/echo', 'f')});
is($node->safe_psql('postgres', $hosts), '1', 'two rings, one host');
$node->safe_psql('postgres', q{CALL rk.ring_up('core/echo', 'own', '{"dedicated": true}')});
is($node->safe_psql('postgres', $hosts), '2', 'a dedicated ring has a host of its own');
$node->safe_psql('postgres', q{CALL rk.ring_down('own')});
ok($node->poll_query_until('postgres', $hosts, '1'), 'which ends with it');

# a second database
$node->safe_psql('postgres', 'CREATE DATABASE other');
$node->safe_psql('other', q{CREATE EXTENSION rustkernels});
$node->safe_psql('other', q{CALL rk.ring_up('core/echo', 'e')});
is($node->safe_psql('other', q{SELECT total FROM rk.ring_core_add('e', 7)}), '7', 'a ring of the same name elsewhere');
is($node->safe_psql('postgres', q{SELECT total FROM rk.ring_core_add('e', 1)}), '1', 'is another ring');
is($node->safe_psql('postgres', q{SELECT count(*) FROM rk.rings}), '3', 'and seen there only');

# databases are copied, renamed and dropped while their rings run
my $began = time;
$node->safe_psql('postgres', 'CREATE DATABASE copy TEMPLATE other');
ok($node->poll_query_until('other', q{SELECT state = 'active' FROM rk.rings}), 'CREATE DATABASE from one with a ring');
is($node->safe_psql('other', q{SELECT total FROM rk.ring_core_total('e')}), '7', 'its ring goes on with its state');
is($node->safe_psql('copy', q{SELECT rk.ring_wait('e'), total FROM rk.ring_core_total('e')}), 't|7',
	'the copy has a ring with the same state');
$node->safe_psql('postgres', 'ALTER DATABASE copy RENAME TO copy2');
$node->safe_psql('postgres', 'DROP DATABASE copy2');
$node->safe_psql('postgres', 'DROP DATABASE other');
cmp_ok(time - $began, '<', 60, 'and nothing blocks');
my ($rc, $out, $err) = $node->psql('postgres', 'DROP DATABASE nowhere');
like($err, qr/does not exist/, 'a database that is not there');
ok($node->poll_query_until('postgres', $hosts, '1'), 'their hosts are gone');

# a terminated host comes back with the state and loses no queued message
my $pid = $node->safe_psql('postgres', $host_pid);
$node->safe_psql('postgres', q{SELECT rk.ring_core_add('e', 9)});
$node->safe_psql('postgres', "SELECT pg_terminate_backend($pid)");
ok($node->poll_query_until('postgres', "SELECT host_pid <> $pid AND state = 'active' FROM rk.rings WHERE name = 'e'"),
	'another host takes over');
is($node->safe_psql('postgres', q{SELECT total FROM rk.ring_core_total('e')}), '10', 'with the state');
cmp_ok($node->safe_psql('postgres', q{SELECT epoch FROM rk.rings WHERE name = 'e'}), '>', 1, 'and a new epoch');

# a clean restart loses nothing, not even what is queued
$node->safe_psql('postgres', q{SELECT count(rk.ring_send('e', 52, '{}')) FROM generate_series(1, 500)});
$node->restart;
ok(wait_for_ring($node, 'e'), 'up after a restart');
is($node->safe_psql('postgres', q{SELECT total FROM rk.ring_core_total('e')}), '510', 'with all messages');

# kill -9: what the checkpoint has is there
$node->safe_psql('postgres', q{SELECT rk.ring_checkpoint('e')});
$pid = $node->safe_psql('postgres', $host_pid);
kill 'KILL', $pid;
$node->poll_query_until('postgres', "SELECT count(*) = 0 FROM pg_stat_activity WHERE pid = $pid");
ok(wait_for_ring($node, 'e'), 'up after kill -9');
is($node->safe_psql('postgres', q{SELECT total FROM rk.ring_core_total('e')}), '510', 'from the checkpoint');

# many senders, a small queue, the policy block: every message is applied once
$node->safe_psql('postgres', q{CALL rk.ring_up('core/echo', 'small', '{"queue_capacity": 16}')});
my @sessions = map { $node->background_psql('postgres', on_error_stop => 0) } 1 .. 6;
for my $s (@sessions)
{
	start_query($s, q{SELECT count(rk.ring_send('small', 52, jsonb_build_object('amount', i))) FROM generate_series(1, 5000) i});
}
is(wait_for_session($_), '', 'a sender ends without error') for @sessions;
is( $node->safe_psql('postgres', q{SELECT total, messages FROM rk.ring_core_total('small', 30000)}),
	6 * 5000 * 5001 / 2 . '|30000',
	'no message lost, none doubled');

# the host answers others while senders wait, and sessions that die leave no trace
$sessions[0]->query_safe(q{SET application_name = 'waits'});
start_query($sessions[0], q{SELECT rk.ring_core_total('small', 1000000)});
$node->poll_query_until('postgres', q{SELECT wait_event_type = 'Extension' FROM pg_stat_activity WHERE application_name = 'waits'});
$began = time;
is($node->safe_psql('postgres', q{SELECT rk.ring_core_echo('small', 3)}), '3', 'a waiting call blocks nobody');
$node->safe_psql('postgres', q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'waits'});
ok($node->poll_query_until('postgres', q{SELECT count(*) = 0 FROM pg_stat_activity WHERE application_name = 'waits'}),
	'a waiting session can be terminated');
is($node->safe_psql('postgres', q{SELECT rk.ring_core_echo('small', 4)}), '4', 'and the ring goes on');
$_->quit for @sessions[1 .. 5];

# an idle host does next to nothing
$pid = $node->safe_psql('postgres', $host_pid);
my $switches = sub { slurp_file("/proc/$pid/status") =~ /^voluntary_ctxt_switches:\s+(\d+)/m ? $1 : 0 };
usleep(1_500_000);
my $before = $switches->();
usleep(2_000_000);
cmp_ok($switches->() - $before, '<', 40, 'an idle host sleeps');

# without the library preloaded
my $plain = server('plain', preload => 0);
for my $call (q{rk.ring_start('core/echo')}, q{rk.ring_core_echo('e', 1)}, q{rk.ring_wait('e')}, q{rk.ring_stop('e')})
{
	($rc, $out, $err) = $plain->psql('postgres', "\\set VERBOSITY verbose\nSELECT $call");
	like($err, qr/55000.*must be loaded via shared_preload_libraries.*HINT:  Set shared_preload_libraries/s,
		"$call says that the library must be preloaded");
}
is($plain->safe_psql('postgres', 'SELECT count(*) FROM rk.rings'), '0', 'views are empty');
is($plain->safe_psql('postgres', 'SELECT count(*) FROM rk.stat_ring'), '0', 'both of them');
$plain->safe_psql('postgres', 'CREATE DATABASE another');
$plain->stop;

# stopped, dropped: nothing is left
$node->safe_psql('postgres', "CALL rk.ring_down('$_')") for qw(e f small);
$node->safe_psql('postgres', q{SELECT rk.ring_drop(name) FROM rk.ring});
ok($node->poll_query_until('postgres', $hosts, '0'), 'no ring, no host again');
$node->safe_psql('postgres', 'DROP EXTENSION rustkernels');
$node->stop;

done_testing();
