
# What senders and rings that work together see when somebody dies: receipts,
# broadcasts, iterations, messages from ring to ring, and refused messages of
# the log, each of which is a dead letter once.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Rustkernels;
use Test::More;
use Time::HiRes qw(time usleep);

my $node = server('messaging', conf => <<~'CONF');
	restart_after_crash = on
	fsync = off
	rk.checkpoint_interval = 1h
	CONF

sub value { return $node->safe_psql('postgres', $_[0]); }

sub up
{
	my ($rings) = @_;

	$node->poll_query_until('postgres', "SELECT count(*) = $rings FROM rk.rings WHERE state = 'active'")
	  or die 'the rings did not come up';
	return;
}

sub host_of { return value("SELECT host_pid FROM rk.rings WHERE name = '$_[0]'"); }

# ---- a host that ends under a message ----

value(q{
	CALL rk.ring_up('core/fault', 'f', '{"dedicated": true}');
	CALL rk.ring_up('core/echo', 'e');
	SELECT rk.fanout_create('both', '{f,e}');
});
my ($began, $errors);
my $session = session($node, on_error_stop => 0);

$began = time;
(undef, undef, $errors) = $node->psql('postgres', q{\set VERBOSITY verbose
	SELECT rk.ring_core_fault('f', 'exit')});
like($errors, qr/ERROR:  RK008: reply of ring "f" was lost/, 'a call under way ends when the host does');
cmp_ok(time - $began, '<', 30, 'and soon');
up(2);

# the receipt is anybody's to read, also when its sender has gone
my $lost = value(q{SELECT rk.ring_send('f', 60, '{"kind": "exit"}', receipt => true)});
my $next = value(q{SELECT rk.ring_send('e', 52, '{}', receipt => true)});
$node->poll_query_until('postgres', "SELECT rk.delivery($lost) = 'timeout'");
is(value("SELECT rk.delivery($lost)"), 'timeout', 'nobody knows whether a message took effect whose host has ended');
is(value("SELECT rk.delivery($next)"), 'delivered', 'another ring has its own');
up(2);

# a broadcast hears of the others
value(q{CALL rk.ring_up('core/fault', 'g'); SELECT rk.fanout_create('faults', '{f,g}')});
is(value(q{SELECT ring, status FROM rk.broadcast('faults', 60, '{"kind": "none"}')}), "f|delivered\ng|delivered", 'both are there');
$node->psql('postgres', q{SELECT rk.ring_core_fault('f', 'exit')});
like(value(q{SELECT string_agg(ring || ' ' || status, ', ' ORDER BY ring) FROM rk.broadcast('faults', 60, '{"kind": "none"}')}),
	qr/^f (not_found|delivered|timeout), g delivered$/, 'one that is coming up is not in the way');
up(3);

# ---- an iteration whose member goes ----

# with such a damping it has not converged for hours
value(q{
	CREATE TABLE web AS SELECT i AS source, (i * i + 1) % 1000 AS target, 1.0 AS weight FROM generate_series(1, 3000) i;
	SELECT rk.ring_start('graph/pagerank-part', 'p' || i, jsonb_build_object('edges', 'web', 'part', i, 'peers', 'p0,p1,p2,p3',
		'dedicated', i = 2, 'damping', 0.9999999))
	FROM generate_series(0, 3) i;
});
up(7);

# Starts an iteration in the session, and returns when it has got going.
sub iterate
{
	my $rounds = value(q{SELECT processed FROM rk.stat_ring WHERE name = 'p0'});

	start_query($session, q{\set VERBOSITY verbose
		SELECT * FROM rk.ring_iterate('{p0,p1,p2,p3}', 152, 0, 1000000000)});
	$node->poll_query_until('postgres', "SELECT processed > $rounds + 100 FROM rk.stat_ring WHERE name = 'p0'") or die 'it did not begin';
	return;
}

sub goes_through { return value(q{SELECT iterations, converged, reached_max FROM rk.ring_iterate('{p0,p1,p2,p3}', 152, 1e-9, 20)}); }

iterate();
$began = time;
kill 'TERM', host_of('p2');
like(wait_for_session($session), qr/ERROR:  RK008: /, 'an iteration ends when the host of a member does');
cmp_ok(time - $began, '<', 60, 'and does not hang');
up(7);
is(goes_through(), '20|f|t', 'the next one goes through');
iterate();
value(q{SELECT rk.ring_restart('p1')});
like(wait_for_session($session), qr/ERROR:  RK008: /, 'it ends when a member is restarted');
up(7);
is(goes_through(), '20|f|t', 'and goes through again');
iterate();
value(q{CALL rk.ring_down('p1')});
like(wait_for_session($session), qr/ERROR:  RK00[78]: /, 'it ends when a member is stopped');
value(q{CALL rk.ring_up('graph/pagerank-part', 'p1')});
iterate();
value(q{SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE query LIKE '%ring_iterate%' AND pid <> pg_backend_pid()});
like(wait_for_session($session), qr/ERROR:  57014: /, 'it can be cancelled');
is(goes_through(), '20|f|t', 'and begun again');
value(q{SELECT rk.ring_stop('p' || i) FROM generate_series(0, 3) i});
$node->poll_query_until('postgres', q{SELECT count(*) = 3 FROM rk.rings WHERE state = 'active'});

# ---- messages of the log that take the process along, or the server ----

value(q{
	CALL rk.ring_up('core/fault', 'x', '{"durability": "journal", "max_retries": 2, "max_restarts": 100}');
	SELECT rk.ring_core_fault('x', 'none', amount => 1);
});
for my $kind (qw(exit crash))
{
	# the server may go before the sender has its answer, which the message does not mind
	$node->psql('postgres', qq{SELECT rk.ring_send('x', 60, '{"kind": "$kind", "message": "$kind"}')});

	# and it comes and goes meanwhile
	my $there = 0;
	for (1 .. 600)
	{
		my ($code, $out) = $node->psql('postgres', qq{SELECT count(*) FROM rk.dead_letters WHERE ring = 'x' AND error LIKE 'the process%' AND payload->>'kind' = '$kind'});
		last if $there = $code == 0 && $out eq '1';
		usleep(100_000);
	}
	ok($there, "a message that lets the process $kind is put aside");
	$node->poll_query_until('postgres', q{SELECT state = 'active' FROM rk.rings WHERE name = 'x'}) or die 'x did not come up';
	is(value(qq{SELECT reason, attempts, sqlstate FROM rk.dead_letters WHERE ring = 'x' AND payload->>'kind' = '$kind'}), 'max_retries|3|57P02', 'after max_retries further attempts');
	value(q{SELECT rk.ring_core_fault('x', 'none', amount => 1)});
}
is(value(q{SELECT rk.ring_core_fault_count('x')}), 3, 'and the ring goes on with what else there is');
$session = session($node, on_error_stop => 0);
value(q{CALL rk.ring_down('x')});
is(scalar(() = glob($node->data_dir . '/pg_stat_tmp/rustkernels.ring.*')), value(q{SELECT count(*) FROM rk.rings WHERE state = 'active'}), 'no file is left behind');

# ---- refused messages of the log, while everything is killed ----

value(q{
	CALL rk.ring_down('f');
	CALL rk.ring_down('g');
	CREATE TABLE task (id bigint GENERATED ALWAYS AS IDENTITY, kind text NOT NULL, amount bigint NOT NULL, message text NOT NULL);
	CALL rk.ring_up('core/fault', 'j', '{"durability": "journal", "max_retries": 1}');
	SELECT rk.ring_attach('j', 'task');
});
my $rounds = $ENV{RK_CRASH_ROUNDS} // 6;

for my $round (1 .. $rounds)
{
	$session = session($node, on_error_stop => 0);
	start_query($session, q{
		DO $$
		BEGIN
			FOR i IN 1 .. 100 LOOP
				INSERT INTO task (kind, amount, message) SELECT (ARRAY['none', 'data', 'memory'])[1 + (random() * 2)::int], 1, 'task ' || clock_timestamp()
				FROM generate_series(1, 10);
				COMMIT;
			END LOOP;
		END $$});
	usleep(20_000 + int(rand(150_000)));
	kill_process($node, $round % 2 ? q{pid = (SELECT host_pid FROM rk.rings WHERE name = 'j')} : q{backend_type = 'background writer'});
	eval { $session->quit; 1 } or $session->{run}->kill_kill;
	up(2);
	value(q{SELECT rk.ring_sync('j')});
	# letters that are still to be written
	$node->poll_query_until('postgres', q{SELECT (SELECT count(*) FROM task WHERE kind <> 'none') = (SELECT count(*) FROM rk.dead_letters WHERE ring = 'j')});
	is(value(q{SELECT rk.ring_core_fault_count('j') - (SELECT count(*) FROM task WHERE kind = 'none')}), 0,
		"round $round: what could be handled was handled once");
	is(value(q{SELECT count(*), count(DISTINCT message) FROM (SELECT payload->>'message' || journal_id AS message FROM rk.dead_letters WHERE ring = 'j') d}),
		value(q{SELECT count(*), count(*) FROM task WHERE kind <> 'none'}), 'and what could not is a dead letter, once');
}
is(value(q{SELECT count(*) FROM rk.dead_letters d WHERE ring = 'j' AND (reason, attempts, sqlstate) NOT IN (('rejected', 1, '22023'), ('max_retries', 2, '53200'))}),
	0, 'each with its reason');
my $sum = value(q{SELECT rk.ring_checksum('j')});
value(q{CALL rk.ring_down('j'); DELETE FROM rk.checkpoint WHERE checkpoint_id > (SELECT min(checkpoint_id) FROM rk.checkpoint c JOIN rk.ring r USING (ring_id) WHERE r.name = 'j')
	AND ring_id = (SELECT ring_id FROM rk.ring WHERE name = 'j')});
my $before = value(q{SELECT count(*) FROM rk.dead_letters});
value(q{CALL rk.ring_up('core/fault', 'j')});
is(value(q{SELECT rk.ring_checksum('j')}), $sum, 'the log from the beginning gives the same state');
is(value(q{SELECT count(*) FROM rk.dead_letters}), $before, 'and no dead letter again');

# ---- replay: sent again exactly once ----

my $letters = value(q{SELECT count(*) FROM rk.dead_letters WHERE ring = 'j' AND reason = 'rejected'});
is(value(q{SELECT rk.dlq_replay('j', 'reason = ''rejected''')}), $letters, 'dead letters are sent again');
value(q{SELECT rk.ring_sync('j')});
$node->poll_query_until('postgres', "SELECT count(*) = $letters FROM rk.dead_letters WHERE ring = 'j' AND reason = 'rejected'");
is(value(q{SELECT count(*) FROM rk.dead_letters WHERE ring = 'j' AND reason = 'rejected'}), $letters, 'and refused again, once each');

$node->stop;
done_testing();
