
# Exactly once: what a ring has applied is what has committed, whatever dies.
#
# Writers insert into an attached table, with commits, rollbacks and savepoints
# at random, while processes are killed with SIGKILL: hosts, writers, the
# launcher, the background writer, and the whole server.  After each round the
# ring's total is compared with the table.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Rustkernels;
use Test::More;
use Time::HiRes qw(usleep);

my $rounds = $ENV{RK_CRASH_ROUNDS} // 10;
my $seed = $ENV{RK_CRASH_SEED} // 20261127;
srand($seed);
note "seed $seed";

my $node = server('crash', conf => <<~'CONF');
	restart_after_crash = on
	fsync = off
	max_prepared_transactions = 10
	rk.checkpoint_interval = 1s
	rk.journal_poll = 200ms
	CONF

$node->safe_psql(
	'postgres', q{
	CREATE TABLE wire (id bigint GENERATED ALWAYS AS IDENTITY, amount bigint NOT NULL, side text NOT NULL);
	CALL rk.ring_up('core/echo', 'e');
	CALL rk.ring_up('core/echo', 'j', '{"durability": "journal"}');
	SELECT rk.ring_attach('e', 'wire', '{"type": "EchoAdd", "on": ["insert"], "fields": {"amount": "CASE side WHEN ''in'' THEN amount ELSE -amount END"}}');

	CREATE PROCEDURE write(rows int) LANGUAGE plpgsql AS $$
	BEGIN
		FOR i IN 1 .. rows LOOP
			INSERT INTO wire (amount, side) SELECT 1 + (random() * 100)::int, CASE WHEN random() < 0.7 THEN 'in' ELSE 'out' END
			FROM generate_series(1, 1 + (random() * 5)::int);
			BEGIN
				INSERT INTO wire (amount, side) VALUES (1000, 'in');
				IF random() < 0.5 THEN
					RAISE EXCEPTION 'undone';
				END IF;
			EXCEPTION WHEN raise_exception THEN
			END;
			IF random() < 0.3 THEN
				ROLLBACK;
			ELSE
				COMMIT;
			END IF;
		END LOOP;
	END
	$$;
	});

my $truth = q{SELECT coalesce(sum(CASE side WHEN 'in' THEN amount ELSE -amount END), 0), count(*) FROM wire};
my $ring = q{SELECT total, messages FROM rk.ring_core_total('e')};

sub up
{
	$node->poll_query_until('postgres', q{SELECT count(*) = 2 FROM rk.rings WHERE state = 'active'})
	  or die 'the rings did not come up';
	return;
}

sub compare
{
	my ($what) = @_;

	up();
	$node->safe_psql('postgres', q{SELECT rk.ring_sync('e')});
	is($node->safe_psql('postgres', $ring), $node->safe_psql('postgres', $truth), "$what: the ring has what the table has");
	return;
}

my %victims = (
	host => q{backend_type = 'rk host'},
	writer => q{query LIKE 'CALL write%' AND pid <> pg_backend_pid()},
	launcher => q{backend_type = 'rk launcher'},
	'background writer' => q{backend_type = 'background writer'});
my @names = sort keys %victims;

for my $round (1 .. $rounds)
{
	my $victim = $names[ $round % @names ];
	my @writers = map { psql_beside($node, 'CALL write(100000)') } 1 .. 2;

	usleep(int(rand(400_000)) + 50_000);
	kill_process($node, $victims{$victim});
	$_->finish for @writers;
	compare("round $round, $victim killed");
}

# the whole server
{
	my @writers = map { psql_beside($node, 'CALL write(100000)') } 1 .. 2;

	usleep(300_000);
	$node->stop('immediate');
	$_->finish for @writers;
	$node->start;
	compare('the server killed');
}

# writers that end in peace, and a checksum that is the same after a replay
my @writers = map { psql_beside($node, 'CALL write(500)') } 1 .. 3;
$_->finish for @writers;
compare('no crash');
my $sum = $node->safe_psql('postgres', q{SELECT rk.ring_checksum('e')});
kill_process($node, $victims{host});
compare('replayed');
is($node->safe_psql('postgres', q{SELECT rk.ring_checksum('e')}), $sum, 'the state is the same to the last bit');

# a transaction that began early and commits late is neither forgotten nor waited for
my $early = $node->background_psql('postgres');
$early->query_safe(q{BEGIN});
$early->query_safe(q{INSERT INTO wire (amount, side) VALUES (7, 'in')});
$node->safe_psql('postgres', q{INSERT INTO wire (amount, side) VALUES (11, 'in')});
compare('a later transaction has committed');
$early->query_safe('COMMIT');
$early->quit;
compare('the early one too');

# prepared transactions
$node->safe_psql('postgres', q{BEGIN; INSERT INTO wire (amount, side) VALUES (13, 'in'); PREPARE TRANSACTION 'p1'});
$node->safe_psql('postgres', q{BEGIN; INSERT INTO wire (amount, side) VALUES (17, 'in'); PREPARE TRANSACTION 'p2'});
compare('prepared');
kill_process($node, $victims{host});
up();
$node->safe_psql('postgres', q{COMMIT PREPARED 'p1'});
$node->safe_psql('postgres', q{ROLLBACK PREPARED 'p2'});
compare('one committed, one rolled back');

# COPY, and a statement that fails half way
$node->safe_psql('postgres', qq{COPY wire (amount, side) FROM stdin;\n5\tin\n6\tout\n\\.\n});
$node->psql('postgres', q{INSERT INTO wire (amount, side) SELECT 1000000 / (50 - i), 'in' FROM generate_series(1, 100) i});
compare('COPY and a failed statement');

# durability "journal": what was answered is there after a crash, with calls under way
my $answered = 0;
for my $round (1 .. 3)
{
	my $calls = psql_beside($node, q{SELECT count(rk.ring_core_add('j', 1)) FROM generate_series(1, 1000000)});

	for (1 .. 20)
	{
		$answered = (split /\|/, $node->safe_psql('postgres', q{SELECT messages, total FROM rk.ring_core_add('j', 1)}))[0];
	}
	kill_process($node, $victims{host});
	$calls->finish;
	up();
	my ($messages, $total) = split /\|/, $node->safe_psql('postgres', q{SELECT messages, total FROM rk.ring_core_total('j')});
	cmp_ok($messages, '>=', $answered, "round $round: what was answered is there");
	is($total, $messages, 'and nothing was applied twice');
}

# a damaged checkpoint: the one before is taken, and the log makes up for it
$node->safe_psql('postgres', q{INSERT INTO wire (amount, side) VALUES (19, 'in')});
$node->safe_psql('postgres', q{SELECT rk.ring_sync('e'), rk.ring_checkpoint('e')});
$node->safe_psql('postgres', q{INSERT INTO wire (amount, side) VALUES (23, 'in')});
$node->safe_psql('postgres', q{SELECT rk.ring_sync('e'), rk.ring_checkpoint('e')});
kill_process($node, $victims{launcher});
up();
$node->safe_psql('postgres', q{CALL rk.ring_down('e')});
$node->safe_psql('postgres', q{UPDATE rk.checkpoint_chunk SET data = set_byte(data, 20, 255 - get_byte(data, 20))
	WHERE checkpoint_id = (SELECT max(checkpoint_id) FROM rk.checkpoint JOIN rk.ring USING (ring_id) WHERE name = 'e')});
$node->safe_psql('postgres', q{CALL rk.ring_up('core/echo', 'e')});
compare('a damaged checkpoint');
ok($node->log_contains(qr/checkpoint \d+ of ring "e" is corrupt, trying the one before/), 'which is reported');

is($node->safe_psql('postgres', q{SELECT backlog FROM rk.attachments}), '0', 'nothing is left in the journal');
is($node->safe_psql('postgres', q{SELECT count(*) FROM rk.dead_letters}), '0', 'and nothing among the dead letters');
$node->stop;

done_testing();
