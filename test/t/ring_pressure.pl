
# A ring that cannot keep up, under each policy of a full queue; listeners; and
# a server without a free worker.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Rustkernels;
use Test::More;
use Time::HiRes qw(usleep);

my $node = server('pressure', conf => "rk.checkpoint_interval = 1h\nfsync = off\n");
my ($sessions, $each) = (6, 400);
my $sent = $sessions * $each;

# A table that is slow to write makes a slow ring: a batch of its messages takes some milliseconds.
$node->safe_psql(
	'postgres', q{
	CREATE TABLE slow (amount bigint);
	CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(0.0005); RETURN NEW; END $$;
	CREATE TRIGGER dawdle BEFORE INSERT ON slow FOR EACH ROW EXECUTE FUNCTION dawdle();

	-- sends numbers of its own; returns how many were taken, and what was raised instead
	CREATE FUNCTION send(ring text, session int, messages int) RETURNS TABLE (taken bigint, refused bigint, dropped bigint) LANGUAGE plpgsql AS $$
	BEGIN
		taken := 0; refused := 0; dropped := 0;
		FOR i IN 1 .. messages LOOP
			BEGIN
				IF rk.ring_send(ring, 52, jsonb_build_object('amount', session * messages + i)) IS NULL THEN
					dropped := dropped + 1;
				ELSE
					taken := taken + 1;
				END IF;
			EXCEPTION WHEN SQLSTATE 'RK001' THEN
				refused := refused + 1;
				PERFORM pg_sleep(0.001);
			END;
		END LOOP;
		RETURN NEXT;
	END
	$$;
	CREATE TABLE result (taken bigint, refused bigint, dropped bigint);
	});
my @sessions = map { $node->background_psql('postgres', on_error_stop => 0) } 1 .. $sessions;

for my $policy (qw(block error dlq drop))
{
	$node->safe_psql('postgres', qq{CALL rk.ring_up('core/echo', '$policy', '{"queue_capacity": 16, "overflow": "$policy"}')});
	$node->safe_psql('postgres', qq{TRUNCATE slow, result; SELECT rk.ring_output('$policy', 'EchoAdded', 'slow')});
	$node->safe_psql('postgres', qq{SELECT rk.ring_sync('$policy')});
	start_query($sessions[$_], "INSERT INTO result SELECT * FROM send('$policy', $_, $each)") for 0 .. $sessions - 1;
	is(wait_for_session($_), '', 'a sender ends without error') for @sessions;
	$node->poll_query_until('postgres', "SELECT queue_depth = 0 AND in_flight = 0 FROM rk.stat_ring WHERE name = '$policy'");

	my ($taken, $refused, $dropped) = split /\|/, $node->safe_psql('postgres', 'SELECT sum(taken), sum(refused), sum(dropped) FROM result');
	my ($messages, $rejected, $gone) = split /\|/, $node->safe_psql('postgres', qq{
		SELECT t.messages, s.rejected, s.dropped FROM rk.ring_core_total('$policy') t, rk.stat_ring s WHERE name = '$policy'});
	my $dead = $node->safe_psql('postgres', qq{SELECT count(*) FROM rk.dead_letters WHERE ring = '$policy' AND reason = 'queue_full'});

	is($taken + $refused + $dropped, $sent, 'every message was taken, refused or dropped');
	if ($policy eq 'block')
	{
		is("$taken $messages $rejected $gone $dead", "$sent $sent 0 0 0", "$policy: senders wait, and all are handled");
	}
	elsif ($policy eq 'error')
	{
		cmp_ok($refused, '>', 0, 'some are refused');
		is("$messages $rejected $gone $dead", "$taken $refused 0 0", 'what was taken is handled');
	}
	elsif ($policy eq 'dlq')
	{
		cmp_ok($dead, '>', 0, 'some become dead letters');
		is($messages + $dead, $sent, 'the others are handled');
	}
	else
	{
		cmp_ok($dropped, '>', 0, 'some are dropped');
		is("$messages $gone $rejected $dead", "$taken $dropped 0 0", 'the others are handled, and it is counted');
	}
	is($node->safe_psql('postgres', 'SELECT count(*), count(DISTINCT amount) FROM slow'), "$messages|$messages", 'each once');
	$node->safe_psql('postgres', "CALL rk.ring_down('$policy')");
}
$_->quit for @sessions;

# a listener hears each record once, after its transaction
$node->safe_psql('postgres', q{CALL rk.ring_up('core/echo', 'heard')});
$node->safe_psql('postgres', q{SELECT rk.ring_output('heard', 'EchoAdded', channel => 'added'), rk.ring_output('heard', 'EchoAddReply', channel => 'replies')});
$node->safe_psql('postgres', q{SELECT rk.ring_sync('heard')});
my $listener = session($node);
$listener->query_safe('LISTEN added');
$listener->query_safe('LISTEN replies');
$node->safe_psql('postgres', q{SELECT rk.ring_core_add('heard', 4), rk.ring_core_add('heard', 5)});
my $news = '';
for (1 .. 100)
{
	$news .= $listener->query_safe('SELECT 1');
	last if (() = $news =~ /notification/g) >= 4;
	usleep(20_000);
}
my @heard = $news =~ /notification "added" with payload "(.*)" received/g;
is(scalar @heard, 2, 'two notifications');
is($heard[1], '{"ring": "heard", "record": "EchoAdded", "apply_seq": 2, "data": {"total": 9, "amount": 5, "messages": 2}}', 'with the record');
like($news, qr/"replies" with payload "\{"ring": "heard", "record": "EchoAddReply", "apply_seq": 2, "data": \{"total": 9, "sent_at": "/, 'and with a reply');

# and when a queue fills up and is empty again
$listener->query_safe('LISTEN rk_ring');
$node->safe_psql('postgres', q{CALL rk.ring_up('core/echo', 'level', '{"queue_capacity": 16, "high_water": 0.5, "low_water": 0.1, "dlq_size": 5}'); SELECT rk.ring_suspend('level')});
wait_for_ring($node, 'level', 'suspended');
$node->safe_psql('postgres', q{SELECT count(rk.ring_send('level', 52, '{}')) FROM generate_series(1, 9)});
$news = '';
for my $event (qw(high_water low_water))
{
	for (1 .. 200)
	{
		last if ($news .= $listener->query_safe('SELECT 1')) =~ /"event": "$event"/;
		usleep(20_000);
	}
	like($news, qr/\{"ring": "level", "event": "$event", "queue_depth": \d+\}/, "a listener hears of $event");
	is($node->safe_psql('postgres', q{SELECT high_water FROM rk.stat_ring WHERE name = 'level'}), $event eq 'high_water' ? 't' : 'f', 'and the view shows it');
	$node->safe_psql('postgres', q{SELECT rk.ring_resume('level')});
}
$listener->quit;
# the newest dead letters are kept
$node->safe_psql('postgres', q{SELECT rk.ring_core_add('level', 9223372036854775000)});
$node->safe_psql('postgres', q{SELECT count(rk.ring_send('level', 52, jsonb_build_object('amount', 9000000000000000000 + i))) FROM generate_series(1, 12) i});
ok($node->poll_query_until('postgres', q{SELECT dead_lettered = 12 FROM rk.stat_ring WHERE name = 'level'}), 'twelve dead letters');
ok($node->poll_query_until('postgres', q{SELECT count(*) = 5 AND min((payload->>'amount')::numeric) = 9000000000000000008 FROM rk.dead_letters WHERE ring = 'level'}), 'of which five are kept');
$node->stop;

# several producers: as many as workers are free, gone with the statement that wanted them
my $busy = server('busy', conf => "max_worker_processes = 6\nmax_logical_replication_workers = 0\nfsync = off\n");
$busy->safe_psql(
	'postgres', q{
	CREATE ROLE keeper NOLOGIN;
	GRANT USAGE ON SCHEMA rk TO keeper;
	GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA rk TO keeper;
	CALL rk.ring_up('core/echo', 'e');
	CALL rk.ring_up('core/echo', 'paused');
	});
my $producers = q{SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'rk producer'};
for my $mode (qw(call send))
{
	is($busy->safe_psql('postgres', qq{SELECT per_s > 0 AND p50_ns <= max_ns FROM rk.ring_bench('e', 2000, mode => '$mode', producers => 4)}), 't', "four producers, mode $mode");
}
my ($code, $text, $error) = $busy->psql('postgres', q{SELECT rk.ring_bench('e', producers => 5)});
like($error, qr/could not start 5 producers.*DETAIL:  No background worker is free for producer 5; "max_worker_processes" is 6.*HINT:  Ask for fewer/s, 'a fifth finds no worker');
ok($busy->poll_query_until('postgres', "SELECT ($producers) = 0"), 'and the four that did are gone');
for my $mode (qw(call send))
{
	my $pushed = $busy->background_psql('postgres', on_error_stop => 0);
	start_query($pushed, qq{SELECT rk.ring_bench('e', 100000000, mode => '$mode', producers => 3)});
	ok($busy->poll_query_until('postgres', "SELECT ($producers) = 3"), "three producers at work, mode $mode");
	my $at = time;
	$busy->safe_psql('postgres', q{SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE query LIKE 'SELECT rk.ring_bench%'});
	like(wait_for_session($pushed), qr/canceling statement due to user request/, 'are cancelled with the statement');
	ok($busy->poll_query_until('postgres', "SELECT ($producers) = 0"), 'and end');
	cmp_ok(time - $at, '<=', 3, 'soon');
	$pushed->quit;
}
# one of them dies, or its ring does
my $mourner = $busy->background_psql('postgres', on_error_stop => 0);
start_query($mourner, q{SELECT rk.ring_bench('e', 100000000, producers => 2)});
ok($busy->poll_query_until('postgres', "SELECT ($producers) = 2"), 'two producers at work');
$busy->safe_psql('postgres', q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'rk producer' LIMIT 1});
like(wait_for_session($mourner), qr/canceling statement due to user request.*CONTEXT:  producer \d/s, 'one is terminated: the statement fails');
start_query($mourner, q{SELECT rk.ring_bench('e', 100000000, producers => 2)});
ok($busy->poll_query_until('postgres', "SELECT ($producers) = 2"), 'two producers at work again');
$busy->safe_psql('postgres', q{CALL rk.ring_down('e')});
like(wait_for_session($mourner), qr/ring "e" (?:is not running|stopped before it came to the message).*CONTEXT:.*producer \d/s, 'the ring stops: its error is the statement\'s');
$mourner->quit;
ok($busy->poll_query_until('postgres', "SELECT ($producers) = 0"), 'nobody is left');
# a role that cannot log in
is( $busy->safe_psql('postgres', q{
		SET ROLE keeper;
		CALL rk.ring_up('core/echo', 'own');
		SELECT per_s > 0 FROM rk.ring_bench('own', 100, producers => 2)}),
	't', 'producers of a role that cannot log in');
($code, $text, $error) = $busy->psql('postgres', q{SET ROLE keeper; SELECT rk.ring_bench('paused', 100, producers => 2)});
like($error, qr/permission denied for ring "paused"/, 'and not for the rings of others');
$busy->stop;

# one worker for hosts: the second database waits until the first has no more rings
my $small = server('small', conf => "max_worker_processes = 3\nmax_parallel_workers = 0\nmax_logical_replication_workers = 0\n");
$small->safe_psql('postgres', q{CREATE DATABASE second; CREATE DATABASE third});
$small->safe_psql($_, 'CREATE EXTENSION rustkernels') for qw(second third);
# the launcher of logical replication has one of the three
my $first = $small->safe_psql('postgres', q{CALL rk.ring_up('core/echo', 'e'); SELECT total FROM rk.ring_core_add('e', 7)});
is($first, '7', 'the first ring runs');
my $offset = -s $small->logfile;
$small->safe_psql($_, q{SELECT rk.ring_start('core/echo', 'e')}) for qw(second third);
ok( $small->wait_for_log(qr/no background worker is free for the rings of database \d+.*\n.*Rings have \d processes, and need \d more.*\n.*Raise "max_worker_processes", now 3, to at least [45]/, $offset),
	'workers are missing, and the log says how many');
my @waiting = grep { $small->safe_psql($_, q{SELECT state FROM rk.rings}) eq 'pending' } qw(second third);
cmp_ok(scalar @waiting, '>=', 1, 'a ring waits for a worker');
my ($rc, $out, $err) = $small->psql($waiting[0], "SET rk.timeout = '100ms'; SELECT rk.ring_core_echo('e', 1)", timeout => 30);
like($err, qr/ring "e" did not come up in time/, 'and a sender is told so');
is($small->safe_psql('postgres', q{SELECT rk.ring_core_echo('e', 1)}), '1', 'the first one goes on');
$small->safe_psql('postgres', q{CALL rk.ring_down('e')});
for my $database (qw(second third))
{
	ok($small->poll_query_until($database, q{SELECT state = 'active' FROM rk.rings}), "the ring of the $database database comes up");
	is($small->safe_psql($database, q{SELECT total FROM rk.ring_core_add('e', 1)}), '1', 'and answers');
	$small->safe_psql($database, q{CALL rk.ring_down('e')});
}
# more databases than slots: when the server starts each of them is looked at
$small->safe_psql('postgres', "CREATE DATABASE d$_") for 1 .. 6;
$small->safe_psql('d6', q{CREATE EXTENSION rustkernels; CALL rk.ring_up('core/echo', 'last'); SELECT rk.ring_core_add('last', 3)});
$small->restart;
ok($small->poll_query_until('d6', q{SELECT state = 'active' FROM rk.rings}), 'the ring of the last of nine databases comes up with three slots');
is($small->safe_psql('d6', q{SELECT total FROM rk.ring_core_total('last')}), '3', 'with its state');
$small->stop;

done_testing();
