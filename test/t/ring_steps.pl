
# Exactly once, step by step: crashes and errors inside the runtime's own
# transactions, against a serial model.
#
# Triggers on the runtime's tables kill the host (SIGKILL, so the whole server
# restarts) or raise an error in a step that each round draws: while a user
# writes, while the journal is taken in, while the log is written and committed,
# while records are written, while a checkpoint is, while a ring comes up.
# Meanwhile rows are inserted, with savepoints and rollbacks, and direct
# messages are sent.  Every amount is another number, so that it can be said of
# each whether it was lost or doubled:
#
#   the records of the fed ring, in the order of apply_seq, are what one pass
#   over them gives, and their amounts are the rows of the table;
#   what a direct call has answered is there once, what it has not at most once;
#   the ring that is linked to it got every record once;
#   what a ring sends on to another, one with durability "journal" or one that
#   rows of a table feed, is there once, too.
#
# RK_STEP_ROUNDS says how many rounds (a round is some 0.4 s), RK_STEP_SEED which.

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

my $rounds = $ENV{RK_STEP_ROUNDS} // 60;
my $seed = $ENV{RK_STEP_SEED} // 20261127;
my $group = 6;					# rounds between comparisons
srand($seed);
note "seed $seed";

my $node = server('steps', conf => <<~'CONF');
	restart_after_crash = on
	fsync = off
	shared_buffers = 32MB
	rk.checkpoint_interval = 1s
	rk.journal_poll = 100ms
	log_min_messages = fatal
	CONF

my @steps = ('write', 'intake', 'log', 'log commit', 'record', 'position', 'checkpoint', 'checkpoint bytes', 'checkpoint commit', 'launch');

$node->safe_psql(
	'postgres', q{
	CREATE TABLE wire (id bigint GENERATED ALWAYS AS IDENTITY);
	CREATE TABLE added (apply_seq bigint, amount bigint, total numeric, messages bigint);
	CREATE TABLE direct (apply_seq bigint, amount bigint, total numeric, messages bigint);
	CREATE TABLE arrived (apply_seq bigint, amount bigint, total numeric, messages bigint);
	CREATE UNLOGGED TABLE nothing ();
	CREATE TABLE plan (step text, action text);
	CREATE FUNCTION inject() RETURNS trigger LANGUAGE plpgsql SET search_path = public AS $$
	DECLARE
		what text;
	BEGIN
		SELECT action INTO what FROM plan WHERE step = TG_ARGV[0];
		IF what IS NOT NULL AND random() < 0.25 AND (TG_ARGV[0] = 'write'
			OR (SELECT backend_type = 'rk host' FROM pg_stat_activity WHERE pid = pg_backend_pid())) THEN
			IF what = 'kill' THEN
				EXECUTE format('COPY (SELECT) TO PROGRAM %L', 'kill -9 ' || pg_backend_pid());
			END IF;
			RAISE EXCEPTION 'injected into %', TG_ARGV[0];
		END IF;
		RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
	END
	$$;
	CREATE TRIGGER i AFTER INSERT ON wire FOR EACH ROW EXECUTE FUNCTION inject('write');
	CREATE TRIGGER i AFTER DELETE ON rk.ring_journal FOR EACH ROW EXECUTE FUNCTION inject('intake');
	CREATE TRIGGER i AFTER INSERT ON rk.ring_log FOR EACH ROW EXECUTE FUNCTION inject('log');
	CREATE CONSTRAINT TRIGGER c AFTER INSERT ON rk.ring_log DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION inject('log commit');
	CREATE TRIGGER i BEFORE INSERT ON added FOR EACH ROW EXECUTE FUNCTION inject('record');
	CREATE TRIGGER i BEFORE INSERT ON direct FOR EACH ROW EXECUTE FUNCTION inject('record');
	CREATE TRIGGER i BEFORE INSERT ON arrived FOR EACH ROW EXECUTE FUNCTION inject('record');
	CREATE TRIGGER i AFTER INSERT OR UPDATE ON rk.ring_position FOR EACH ROW EXECUTE FUNCTION inject('position');
	CREATE TRIGGER i AFTER INSERT ON rk.checkpoint FOR EACH ROW EXECUTE FUNCTION inject('checkpoint');
	CREATE TRIGGER i AFTER INSERT ON rk.checkpoint_chunk FOR EACH ROW EXECUTE FUNCTION inject('checkpoint bytes');
	CREATE CONSTRAINT TRIGGER c AFTER INSERT ON rk.checkpoint DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION inject('checkpoint commit');
	CREATE TRIGGER i AFTER UPDATE ON rk.ring FOR EACH ROW EXECUTE FUNCTION inject('launch');
	});
# an error is tried again each second and more often than three times
$node->safe_psql('postgres', qq{CALL rk.ring_up('core/echo', '$_', '{"max_restarts": 1000}')}) for qw(e f from_rows passed_to);
$node->safe_psql('postgres', qq{CALL rk.ring_up('core/echo', '$_', '{"max_restarts": 1000, "durability": "journal"}')}) for qw(j passes last);
$node->safe_psql('postgres', q{SELECT rk.ring_link('e', 'EchoAdded', 'f', '{"fields": {"amount": "messages"}}')});
$node->safe_psql('postgres', q{SELECT rk.ring_attach('e', 'wire', '{"type": "EchoAdd", "fields": {"amount": "id"}, "output": "added"}')});
$node->safe_psql('postgres', q{SELECT rk.ring_attach('from_rows', 'wire', '{"type": "EchoPass", "fields": {"amount": "id", "next": "''last''"}}')});
$node->safe_psql('postgres', q{SELECT rk.ring_output('j', 'EchoAdded', 'direct'), rk.ring_output('last', 'EchoAdded', 'arrived')});
$node->safe_psql('postgres', q{SELECT rk.ring_sync(name) FROM rk.ring});

my @psql = ('psql', '-XqAt', '-h', $node->host, '-p', $node->port, '-d', 'postgres');

# Starts SQL that may fail; finish with done().
sub start
{
	my ($sql) = @_;
	my %run = (out => '', err => '');

	$run{handle} = IPC::Run::start([@psql], '<', \$sql, '>', \$run{out}, '2>', \$run{err}, IPC::Run::timeout(60));
	return \%run;
}

sub done
{
	my ($run) = @_;

	eval { $run->{handle}->finish };
	return split /\n/, $run->{out};
}

# Runs SQL until the server is there to do it.
sub insist
{
	my ($sql) = @_;

	for (1 .. 600)
	{
		my ($rc, $out) = $node->psql('postgres', $sql);

		return $out if defined $rc && $rc == 0;
		usleep(50_000);
	}
	die "the server does not come back for: $sql";
}

my $next = 0;					# amounts of direct messages
my %answered;
my %passed;
my %steps_done;

sub compare
{
	my ($what) = @_;
	my $in_state = q{SELECT count(*) = 7 FROM rk.rings WHERE state = 'active'};

	insist('TRUNCATE plan');
	for (1 .. 600)
	{
		last if insist($in_state) eq 't';
		usleep(50_000);
	}
	insist(qq{SELECT rk.ring_sync('$_')}) for qw(e f from_rows passed_to last);
	my $serial = q{
		WITH r AS (SELECT *, sum(amount) OVER w AS right_total, row_number() OVER w AS right_messages
			FROM %s WINDOW w AS (ORDER BY apply_seq))
		SELECT coalesce(bool_and(total = right_total AND messages = right_messages), true), count(*), count(DISTINCT amount),
			count(DISTINCT apply_seq), coalesce(max(total), 0) FROM r};
	my ($good, $rows, $amounts, $places, $total) = split /\|/, insist(sprintf $serial, 'added');
	my $wires = insist('SELECT count(*) FROM wire');
	my $missing = insist('SELECT count(*) FROM wire w FULL JOIN added a ON a.amount = w.id WHERE a.amount IS NULL OR w.id IS NULL');

	is("$good $rows $amounts $places $missing", "t $wires $wires $wires 0", "$what: the fed ring is as the serial model");
	is(insist(q{SELECT total, messages FROM rk.ring_core_total('e')}), "$total|$wires", 'and so is its state');
	is( insist(q{SELECT total, messages FROM rk.ring_core_total('f')}),
		$wires * ($wires + 1) / 2 . "|$wires", 'the linked ring got every record once');

	($good, $rows, $amounts, $places, $total) = split /\|/, insist(sprintf $serial, 'direct');
	my %there = map { $_ => 1 } split /\n/, insist('SELECT amount FROM direct');
	my @lost = grep { !$there{$_} } keys %answered;
	my @invented = grep { $_ < 1 || $_ > $next } keys %there;

	is("$good $amounts $places " . @lost . ' ' . @invented, "t $rows $rows 0 0", 'direct messages: what was answered is there once');
	is(insist(q{SELECT total, messages FROM rk.ring_core_total('j')}), "$total|$rows", 'and so is the state');

	($good, $rows, $amounts, $places, $total) = split /\|/, insist(sprintf $serial, 'arrived');
	$missing = insist('SELECT count(*) FROM wire w FULL JOIN arrived a ON a.amount = w.id WHERE a.amount IS NULL OR w.id IS NULL');
	is("$good $rows $amounts $places $missing", "t $wires $wires $wires 0", 'what a fed ring sent on arrived once');
	my ($sent, $messages) = split /\|/, insist(q{SELECT total, messages FROM rk.ring_core_total('passes')});
	is(insist(q{SELECT total, messages FROM rk.ring_core_total('passed_to')}), "$sent|$messages", 'and what a durable ring did');
	cmp_ok($messages, '>=', scalar keys %passed, 'which knows of every call that was answered');
	return;
}

my $began = time;
for my $round (1 .. $rounds)
{
	my $step = $steps[ rand @steps ];
	my $action = rand() < 0.5 ? 'kill' : 'error';

	$steps_done{"$step, $action"}++;
	insist("TRUNCATE plan; INSERT INTO plan VALUES ('$step', '$action')");
	my @calls = map { ++$next } 1 .. 8;
	my $direct = start(join '', map { "SELECT $_ FROM rk.ring_core_add('j', $_);\n" } @calls);
	# numbers whose sums tell which of them were added up
	my $sender = start(join '', map { sprintf qq{SELECT '%1\$s' FROM rk.ring_core_pass('passes', %1\$s, 'passed_to');\n}, $_ * $_ } @calls);
	my $writer = start(join '', map {
		my $rows = 1 + int rand 4;
		my $kind = rand;
		my $insert = "INSERT INTO wire SELECT FROM generate_series(1, $rows);\n";

		$kind < 0.4 ? $insert
		: $kind < 0.6 ? "BEGIN;\n$insert${insert}COMMIT;\n"
		: $kind < 0.8 ? "BEGIN;\n${insert}SAVEPOINT s;\n${insert}ROLLBACK TO s;\nCOMMIT;\n"
		: "BEGIN;\n${insert}ROLLBACK;\n"
	} 1 .. 6);
	# those that launch and those that checkpoint need one
	if ($step =~ /^(launch|checkpoint)/)
	{
		my $other = start($step eq 'launch' ? q{SELECT rk.ring_restart('e')} : q{SELECT rk.ring_checkpoint('e'), rk.ring_checkpoint('j')});

		done($other);
	}
	$answered{$_} = 1 for done($direct);
	$passed{$_} = 1 for done($sender);
	done($writer);
	compare("round $round") if $round % $group == 0 || $round == $rounds;
}
note sprintf '%d rounds in %.0f s', $rounds, time - $began;
note "$_: $steps_done{$_}" for sort keys %steps_done;
cmp_ok(insist('SELECT count(*) FROM wire'), '>', 2 * $rounds, 'rows were written');
cmp_ok(scalar(keys %answered), '>', 0, scalar(keys %answered) . " of $next direct messages were answered");
is(insist(q{SELECT count(*) FROM rk.dead_letters WHERE reason <> 'destroyed'}), '0', 'nothing is among the dead letters');
$node->stop;

done_testing();
