
# What becomes of rings, of those who wait for them, and of what is queued, when
# something ends: a host with an error, a host whose actor hangs, the launcher, a
# sender, and the server in each way of stopping it.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use IPC::Run ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Rustkernels;
use Test::More;
use Time::HiRes qw(usleep time);

my $node = server('faults', conf => <<~'CONF');
	rk.checkpoint_interval = 1h
	rk.shutdown_timeout = 2s
	max_prepared_transactions = 5
	restart_after_crash = on
	fsync = off
	CONF
my $total = q{SELECT total FROM rk.ring_core_total('e')};
my ($rc, $out, $err);

sub pid_of
{
	my ($ring) = @_;

	return $node->safe_psql('postgres', "SELECT host_pid FROM rk.rings WHERE name = '$ring'");
}

# A session that runs one query and may fail.
sub caller_of
{
	my ($query) = @_;
	my $session = session($node, on_error_stop => 0);

	$session->query_safe('\set VERBOSITY verbose');
	start_query($session, $query);
	return $session;
}

$node->safe_psql('postgres', q{CALL rk.ring_up('core/echo', 'e'); CALL rk.ring_up('core/fault', 'f', '{"max_restarts": 2, "heartbeat_timeout": 1}')});
is(pid_of('e'), pid_of('f'), 'two rings in one host');
$node->safe_psql('postgres', q{SELECT rk.ring_core_add('e', 5), rk.ring_checkpoint('e')});

# ---- a host that ends with an error ----

# its caller hears of it, what is queued stays, the other ring goes on
my $pid = pid_of('f');
my $waits = caller_of(q{SELECT rk.ring_core_total('e', 2)});
my $began = time;
($rc, $out, $err) = $node->psql('postgres', "\\set VERBOSITY verbose\nSELECT rk.ring_core_fault('f', 'exit')");
like($err, qr/RK008: +reply of ring "f" was lost/, 'the host ends: the reply is lost');
cmp_ok(time - $began, '<', 30, 'which is said soon');
ok(wait_for_ring($node, 'e', 'active'), 'another ring of the host is up again');
isnt(pid_of('e'), $pid, 'in another process');
is($node->safe_psql('postgres', $total), '5', 'with its state');
ok(wait_for_ring($node, 'f', 'active'), 'the ring that was at work comes up a second later');
is($node->safe_psql('postgres', q{SELECT restarts FROM rk.stat_ring WHERE name = 'f'}), '1', 'and counts it');
$node->safe_psql('postgres', q{SELECT rk.ring_core_add('e', 1)});
is(wait_for_session($waits), '', 'a call that waited for a change of the other ring has waited on');
$node->safe_psql('postgres', q{SELECT rk.ring_checkpoint('e')});

# too often within a minute
my $offset = -s $node->logfile;
for my $round (2 .. 3)
{
	$node->psql('postgres', q{SELECT rk.ring_core_fault('f', 'exit')});
	ok(wait_for_ring($node, 'f', $round < 3 ? 'active' : 'failed'), "round $round");
}
ok($node->wait_for_log(qr/ring "f" has failed and is not started again/, $offset), 'it is given up');
usleep(1_500_000);
($rc, $out, $err) = $node->psql('postgres', q{SELECT rk.ring_core_fault_count('f')});
like($err, qr/ring "f" has failed.*the process ended while the ring was at work.*SELECT rk.ring_restart\('f'\)/s, 'a sender is told what happened, and what to do');
ok(wait_for_ring($node, 'e', 'active'), 'the other ring runs');
$node->safe_psql('postgres', q{SELECT rk.ring_restart('f')});
ok(wait_for_ring($node, 'f', 'active'), 'restarted by hand');

# the policies
$node->safe_psql('postgres', q{CALL rk.ring_up('core/fault', 'n', '{"restart_policy": "notify"}'); CALL rk.ring_up('core/fault', 'h', '{"restart_policy": "stop"}')});
my $listener = session($node);
$listener->query_safe('LISTEN rk_ring');
for my $ring (qw(n h))
{
	$node->psql('postgres', "SELECT rk.ring_core_fault('$ring', 'exit')");
	ok(wait_for_ring($node, $ring, 'failed'), "$ring has failed");
}
usleep(1_500_000);
is($node->safe_psql('postgres', q{SELECT string_agg(state, ' ') FROM rk.rings WHERE name IN ('n', 'h')}), 'failed failed', 'and stays so');
my $news = '';
for (1 .. 100)
{
	last if ($news .= $listener->query_safe('SELECT 1')) =~ /failed/;
	usleep(20_000);
}
like($news, qr/\{"ring": "n", "event": "failed", "error": "the process ended while the ring was at work"\}/, 'listeners hear of it');
unlike($news, qr/"ring": "h"/, 'by the policy notify alone');
$listener->quit;
$node->safe_psql('postgres', qq{CALL rk.ring_down('$_'); SELECT rk.ring_drop('$_')}) for qw(n h);

# ---- a host whose actor hangs ----

ok(wait_for_ring($node, 'e', 'active') && wait_for_ring($node, 'f', 'active'), 'both rings run');
$pid = pid_of('f');
is(pid_of('e'), $pid, 'in one host');
$node->safe_psql('postgres', q{SELECT rk.ring_checkpoint('e')});
$offset = -s $node->logfile;
$waits = caller_of(q{SELECT rk.ring_core_fault('f', 'hang', amount => 15000)});
my $behind = caller_of(q{SELECT rk.ring_core_fault_count('f')});
$began = time;
ok($node->wait_for_log(qr/WARNING:  terminating process $pid, as ring "f" has shown no sign of life/, $offset), 'the launcher sees it');
ok($node->wait_for_log(qr/WARNING:  ring "f" has failed: process $pid does not come back from a message/, $offset), 'and gives the host up');
cmp_ok(time - $began, '<', 15, 'before the message is through');
like(wait_for_session($waits), qr/RK008: +reply of ring "f" was lost/, 'its caller is told');
like(wait_for_session($behind), qr/RK008: +reply of ring "f" was lost/, 'and who stood behind it');
is($node->safe_psql('postgres', q{SELECT rk.ring_wait('e'), total FROM rk.ring_core_total('e')}), 't|6', 'the other ring goes on');
isnt(pid_of('e'), $pid, 'in another process');
is($node->safe_psql('postgres', q{SELECT state, host_pid, last_error FROM rk.rings WHERE name = 'f'}),
	"failed|$pid|process $pid does not come back from a message", 'the ring itself has failed');
is($node->safe_psql('postgres', q{SELECT rk.ring_control('f') ->> 'stuck'}), 'true', 'which the control block shows');
($rc, $out, $err) = $node->psql('postgres', q{SELECT rk.ring_core_fault_count('f')});
like($err, qr/ring "f" has failed/, 'nobody is let in');
$node->safe_psql('postgres', q{SELECT rk.ring_restart('f')});
usleep(1_200_000);
is(pid_of('f'), $pid, 'nor can it be restarted as long as the process has it');
$node->safe_psql('postgres', q{CREATE DATABASE elsewhere});
$node->safe_psql('postgres', q{DROP DATABASE elsewhere});
$node->safe_psql('postgres', q{SELECT rk.ring_core_add('e', 10)});
# it comes back, ends without touching what is not its own any more, and the ring is up
ok($node->poll_query_until('postgres', "SELECT count(*) = 0 FROM pg_stat_activity WHERE pid = $pid"), 'the process has come back and ended');
ok(wait_for_ring($node, 'f', 'active'), 'the ring runs again');
is(pid_of('f'), pid_of('e'), 'in the new host');
is($node->safe_psql('postgres', $total), '16', 'nobody has touched the other one');

# in the log the message would do so again at every start: it is put aside
$node->safe_psql('postgres', q{SELECT rk.ring_checkpoint('e'); CALL rk.ring_up('core/fault', 'logged', '{"durability": "journal", "heartbeat_timeout": 1, "max_retries": 0}')});
$offset = -s $node->logfile;
$waits = caller_of(q{SELECT rk.ring_core_fault('logged', 'hang', amount => 15000)});
ok($node->wait_for_log(qr/ring "logged" has failed: process \d+ does not come back/, $offset), 'a message of the log hangs');
is($node->safe_psql('postgres', q{SELECT rk.ring_wait('e'), total FROM rk.ring_core_total('e')}), 't|16', 'the other ring goes on');
like(wait_for_session($waits), qr/RK008/, 'its caller is told');
ok(wait_for_ring($node, 'logged'), 'the ring comes up when the process has ended');
is($node->safe_psql('postgres', q{SELECT count(*), min(reason) FROM rk.dead_letters WHERE ring = 'logged'}), '1|max_retries', 'the message is a dead letter');
$node->safe_psql('postgres', q{CALL rk.ring_down('logged'); SELECT rk.ring_drop('logged')});

# one that polls is not stuck, however long it takes, and ends when it is told to
$waits = caller_of(q{SELECT rk.ring_core_fault('f', 'sleep', amount => 3000)});
is(wait_for_session($waits), '', 'a long message that looks whether to stop');
$waits = caller_of(q{SELECT rk.ring_core_fault('f', 'sleep', amount => 60000)});
$node->poll_query_until('postgres', q{SELECT (rk.ring_control('f') ->> 'in_flight')::int > 0}) or die 'the message is not at work';
$pid = pid_of('f');
$began = time;
$node->safe_psql('postgres', "SELECT pg_cancel_backend($pid)");
like(wait_for_session($waits), qr/ERROR/, 'can be cancelled');
cmp_ok(time - $began, '<', 30, 'at once');
is(pid_of('f'), $pid, 'and the host goes on');

# ---- senders that end ----

$node->safe_psql('postgres', q{SELECT rk.ring_suspend('e')});
wait_for_ring($node, 'e', 'suspended');
my $sender = session($node, on_error_stop => 0);
my $sender_pid = $sender->query_safe('SELECT pg_backend_pid()');
$sender->query_safe(q{SELECT count(rk.ring_send('e', 52, '{"amount": 1}')) FROM generate_series(1, 100)});
start_query($sender, q{SELECT rk.ring_core_add('e', 1000)});
$node->poll_query_until('postgres', q{SELECT queue_depth = 101 FROM rk.rings WHERE name = 'e'});
$node->safe_psql('postgres', "SELECT pg_terminate_backend($sender_pid, 5000)");
is($node->safe_psql('postgres', q{SELECT queue_depth FROM rk.rings WHERE name = 'e'}), '101', 'what a session has sent stays when it ends');
$node->safe_psql('postgres', q{SELECT rk.ring_resume('e')});
is($node->safe_psql('postgres', $total), '1116', 'and is handled');
is($node->safe_psql('postgres', q{SELECT replies_dropped FROM rk.stat_ring WHERE name = 'e'}), '1', 'the reply to nobody is dropped');

# replies come late, after the caller was cancelled or out of time, and never to another call
$node->safe_psql(
	'postgres', q{
	CREATE FUNCTION many_calls(calls int, session int) RETURNS text LANGUAGE plpgsql AS $$
	DECLARE
		mine bigint;
		answer bigint;
		good int := 0;
		late int := 0;
	BEGIN
		FOR i IN 1 .. calls LOOP
			mine := session * 1000000 + i;
			BEGIN
				IF random() < 0.5 THEN
					-- waits for what will not come
					PERFORM rk.ring_call('e', 54, '{"min_messages": 1000000000}', make_interval(secs => 0.001 + random() * 0.01));
				END IF;
				answer := (rk.ring_call('e', 50, jsonb_build_object('value', mine), make_interval(secs => 0.001 + random() * 0.003)) ->> 'value')::bigint;
				IF answer <> mine THEN
					RETURN format('asked %s, was answered %s', mine, answer);
				END IF;
				good := good + 1;
			EXCEPTION WHEN SQLSTATE 'RK005' THEN
				late := late + 1;
			END;
		END LOOP;
		RETURN CASE WHEN good > 0 AND late > 0 THEN 'good' ELSE format('%s good, %s late', good, late) END;
	END
	$$});
my @sessions = map { session($node, on_error_stop => 0) } 1 .. 4;
$node->safe_psql('postgres', 'CREATE TABLE result (result text)');
start_query($sessions[$_], "INSERT INTO result SELECT many_calls(400, $_)") for 0 .. 3;
# and somebody is cancelled all the time
my $victim = session($node, on_error_stop => 0);
my $victim_pid = $victim->query_safe('SELECT pg_backend_pid()');
my $wrong = 0;
for my $i (1 .. 40)
{
	start_query($victim, "SELECT rk.ring_call('e', 54, '{\"min_messages\": 1000000000}', '20s')");
	usleep(5_000);
	$node->safe_psql('postgres', "SELECT pg_cancel_backend($victim_pid)");
	wait_for_session($victim);
	$wrong++ if $victim->query_safe("SELECT rk.ring_core_echo('e', $i)") ne $i;
}
is($wrong, 0, 'a session that was cancelled has its own answers afterwards');
is(wait_for_session($_), '', 'a session that is out of time again and again') for @sessions;
is($node->safe_psql('postgres', q{SELECT count(*) FILTER (WHERE result = 'good'), min(result) FROM result}), '4|good', 'has its own answers, too');
$_->quit for @sessions, $victim;
is($node->safe_psql('postgres', q{SELECT in_flight FROM rk.stat_ring WHERE name = 'e'}), '0', 'nothing is left under way');

# ---- the launcher ----

my $launcher = q{SELECT pid FROM pg_stat_activity WHERE backend_type = 'rk launcher'};
$pid = $node->safe_psql('postgres', $launcher);
my $host = pid_of('e');
$node->safe_psql('postgres', "SELECT pg_terminate_backend($pid, 5000)");
ok($node->poll_query_until('postgres', "SELECT count(*) = 1 FROM pg_stat_activity WHERE backend_type = 'rk launcher' AND pid <> $pid"), 'a launcher that is terminated comes back');
is(pid_of('e'), $host, 'the hosts have not noticed');
$node->psql('postgres', q{SELECT rk.ring_core_fault('f', 'exit')});
ok(wait_for_ring($node, 'e', 'active') && wait_for_ring($node, 'f', 'active'), 'and a host that it has not started is replaced, too');
isnt(pid_of('e'), $host, 'by another process');

# ---- two-phase commit of what should run ----

$node->safe_psql('postgres', q{BEGIN; SELECT rk.ring_start('core/echo', 'two'); PREPARE TRANSACTION 'start'});
usleep(300_000);
is($node->safe_psql('postgres', q{SELECT count(*) FROM rk.rings WHERE name = 'two'}), '0', 'prepared, a ring is not there');
$node->safe_psql('postgres', q{COMMIT PREPARED 'start'});
ok(wait_for_ring($node, 'two', 'active'), 'committed, it starts');
$node->safe_psql('postgres', q{BEGIN; SELECT rk.ring_stop('two'); PREPARE TRANSACTION 'stop'});
$node->safe_psql('postgres', q{ROLLBACK PREPARED 'stop'});
is($node->safe_psql('postgres', q{SELECT rk.ring_core_echo('two', 1)}), '1', 'rolled back, it runs on');
$node->safe_psql('postgres', q{CALL rk.ring_down('two')});

# ---- the server stops ----

$node->safe_psql('postgres', q{
	CREATE TABLE wire (amount bigint);
	SELECT rk.ring_attach('e', 'wire', '{"type": "EchoAdd"}')});
my $expected = $node->safe_psql('postgres', $total);
for my $mode (qw(fast smart))
{
	# what is queued, suspended or not, and what has committed and was not taken in
	$node->safe_psql('postgres', q{SELECT rk.ring_suspend('e')});
	wait_for_ring($node, 'e', 'suspended');
	$node->safe_psql('postgres', q{SELECT count(rk.ring_send('e', 52, '{"amount": 1}')) FROM generate_series(1, 200)});
	$node->safe_psql('postgres', q{SELECT rk.ring_send('e', 52, '{"amount": 1}', 'high') FROM generate_series(1, 2)});
	$node->safe_psql('postgres', q{INSERT INTO wire SELECT 1000 FROM generate_series(1, 3)});
	$expected += 200 + 2 + 3000;
	my ($psql, $nothing, $said) = (undef, '', '');
	if ($mode eq 'fast')
	{
		$psql = IPC::Run::start([ 'psql', '-XqAt', '-v', 'VERBOSITY=verbose', '-d', $node->connstr('postgres'), '-c', q{SELECT rk.ring_core_add('e', 7)} ],
			'<', \$nothing, '>', \$nothing, '2>', \$said);
		$node->poll_query_until('postgres', q{SELECT queue_depth = 203 FROM rk.rings WHERE name = 'e'});
	}
	$began = time;
	$node->stop($mode);
	cmp_ok(time - $began, '<', 60, "$mode: the server stops");
	if ($psql)
	{
		$psql->finish;
		like($said, qr/57P01|RK007/, 'who waits is told');
	}
	$node->start;
	ok(wait_for_ring($node, 'e', 'suspended'), 'the ring is suspended, as it was');
	$node->safe_psql('postgres', q{SELECT rk.ring_resume('e')});
	wait_for_ring($node, 'e', 'active');
	$node->safe_psql('postgres', q{SELECT rk.ring_sync('e')});
	is($node->safe_psql('postgres', $total), $expected, 'and nothing is lost, nor was the call applied');
}
$node->safe_psql('postgres', q{INSERT INTO wire VALUES (1); SELECT rk.ring_sync('e')});
$node->safe_psql('postgres', q{INSERT INTO wire VALUES (2)});
$node->stop('immediate');
$node->start;
ok(wait_for_ring($node, 'e', 'active'), 'immediate: the ring is up');
$node->safe_psql('postgres', q{SELECT rk.ring_sync('e')});
is($node->safe_psql('postgres', $total), $expected + 3, 'with what had committed');
is($node->safe_psql('postgres', q{SELECT count(*) FROM rk.dead_letters WHERE ring = 'e'}), '0', 'nothing has become a dead letter');

# somebody holds locks on the tables, and is no session that could be ended
$node->safe_psql('postgres', q{SELECT rk.ring_core_add('e', 1); BEGIN; LOCK rk.checkpoint, rk.ring_log IN ACCESS EXCLUSIVE MODE; PREPARE TRANSACTION 'locks'});
$node->safe_psql('postgres', q{INSERT INTO wire VALUES (1)});
ok($node->poll_query_until('postgres', q{SELECT count(*) = 1 FROM pg_stat_activity WHERE backend_type = 'rk host' AND wait_event_type = 'Lock'}), 'a host waits for a lock');
like($node->safe_psql('postgres', q{SELECT query FROM pg_stat_activity WHERE backend_type = 'rk host'}), qr/journal|ring e: /, 'pg_stat_activity says with what');
$began = time;
$node->stop('fast');
cmp_ok(time - $began, '<', 60, 'and does not hold up a shutdown');
$node->start;
$node->safe_psql('postgres', q{ROLLBACK PREPARED 'locks'});
ok(wait_for_ring($node, 'e', 'active'), 'without the locks the ring runs');
$node->safe_psql('postgres', q{SELECT rk.ring_sync('e')});
cmp_ok($node->safe_psql('postgres', $total), '>=', $expected + 4, 'with what had committed');

# a database is dropped while its ring has all hands full
$node->safe_psql('postgres', 'CREATE DATABASE busy');
$node->safe_psql('busy', q{CREATE EXTENSION rustkernels; CREATE TABLE wire (amount bigint); CALL rk.ring_up('core/echo', 'b'); CALL rk.ring_up('core/echo', 'own', '{"dedicated": true}')});
$node->safe_psql('busy', q{SELECT rk.ring_attach('b', 'wire', '{"type": "EchoAdd"}'), rk.ring_attach('own', 'wire', '{"type": "EchoAdd"}')});
for my $round (1 .. 3)
{
	$node->safe_psql('busy', 'INSERT INTO wire SELECT 1 FROM generate_series(1, 20000)');
	$node->safe_psql('postgres', "CREATE DATABASE copy$round TEMPLATE busy");
	is($node->safe_psql("copy$round", q{SELECT rk.ring_wait('b'), rk.ring_wait('own'), rk.ring_sync('b') > 0, total FROM rk.ring_core_total('b')}),
		't|t|t|' . 20000 * $round, 'a copy has all that had committed');
	is($node->safe_psql("copy$round", 'SELECT total FROM rk.ring_core_total(\'own\')'), 20000 * $round, 'in its dedicated ring, too') if $node->safe_psql("copy$round", q{SELECT rk.ring_sync('own') > 0});
	$node->safe_psql("copy$round", 'INSERT INTO wire SELECT 1 FROM generate_series(1, 20000)');
	$began = time;
	($rc, $out, $err) = $node->psql('postgres', "DROP DATABASE copy$round");
	is("$rc $err", '0 ', 'it is dropped');
	cmp_ok(time - $began, '<', 60, 'at once');
}
$node->stop;

done_testing();
