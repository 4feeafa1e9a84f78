
# Alerts of a ring that monitors, whatever dies: those of the batch function
# over the same transactions, each written once.
#
# A writer inserts transactions, with commits and rollbacks at random, while the
# ring's host and the whole server are killed with SIGKILL.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Rustkernels;
use Test::More;
use Time::HiRes qw(usleep);

my $rounds = $ENV{RK_CRASH_ROUNDS} // 4;

my $node = server('monitoring', conf => <<~'CONF');
	restart_after_crash = on
	fsync = off
	rk.checkpoint_interval = 1s
	rk.journal_poll = 200ms
	CONF

$node->safe_psql(
	'postgres', q{
	CREATE TABLE wire (id bigint GENERATED ALWAYS AS IDENTITY (CACHE 1), source bigint NOT NULL, target bigint NOT NULL,
		amount numeric NOT NULL, ts timestamptz NOT NULL, transaction_type text);
	CREATE TABLE alert (transaction_id bigint, rule_id bigint, entity bigint, actual numeric, ts timestamptz, severity text, message text);
	CREATE TABLE rule AS
	SELECT * FROM (VALUES
		(1, 'large', 'single_amount', 950, NULL, 'high'),
		(2, 'sum', 'aggregate_amount', 5000, interval '1 hour', 'medium'),
		(3, 'partners', 'distinct_counterparties', 8, interval '1 hour', 'low'),
		(4, 'just below', 'just_below_threshold', 1000, interval '2 hours', 'medium'),
		(5, 'cash', 'cash_aggregate', 20000, NULL, 'critical'))
		AS r (id, name, rule_type, threshold, time_window, severity);
	CALL rk.ring_up('compliance/transaction-monitoring', 'm', '{"kernel": {"rules": "rule"}}');
	SELECT rk.ring_attach('m', 'wire', '{"type": "Monitor", "fields": {"transaction_id": "id"}, "output": {"Alert": "alert"}}');

	-- time goes on with the number of the row
	CREATE PROCEDURE write(rows int) LANGUAGE plpgsql AS $$
	BEGIN
		FOR i IN 1 .. rows LOOP
			INSERT INTO wire (source, target, amount, ts, transaction_type)
			SELECT random() * 30, random() * 30, (random() * 1000)::numeric(8, 2),
				timestamptz '2024-01-01' + currval_or_0() * interval '20 seconds',
				CASE WHEN random() < 0.2 THEN 'cash_deposit' END
			FROM generate_series(1, 1 + (random() * 5)::int);
			IF random() < 0.3 THEN
				ROLLBACK;
			ELSE
				COMMIT;
			END IF;
		END LOOP;
	END
	$$;
	CREATE FUNCTION currval_or_0() RETURNS bigint LANGUAGE sql VOLATILE AS
	$$SELECT last_value FROM wire_id_seq$$;
	});

my $batch = q{SELECT count(*), md5(string_agg(concat_ws(' ', transaction_ids[cardinality(transaction_ids)], rule_id, entity, current_value::float8, ts, severity, message), ',' ORDER BY ts, rule_id, entity, transaction_ids[cardinality(transaction_ids)]))
	FROM rk.compliance_transaction_monitoring('SELECT * FROM wire ORDER BY id', rules => 'rule')};
my $ring = q{SELECT count(*), md5(string_agg(concat_ws(' ', transaction_id, rule_id, entity, actual::float8, ts, severity, message), ',' ORDER BY ts, rule_id, entity, transaction_id))
	FROM alert};

my $seen = 0;

for my $round (1 .. $rounds)
{
	my $victim = $round % 2 ? q{backend_type = 'rk host'} : q{backend_type = 'background writer'};
	my $writer = psql_beside($node, 'CALL write(100000)');

	$node->poll_query_until('postgres', "SELECT count(*) > $seen FROM alert") or die 'no alerts';
	usleep(int(rand(300_000)));
	kill_process($node, $victim);
	$writer->finish;
	$node->poll_query_until('postgres', q{SELECT count(*) = 1 FROM rk.rings WHERE state = 'active'}) or die 'the ring did not come up';
	$node->safe_psql('postgres', q{SELECT rk.ring_sync('m')});

	my $alerts = $node->safe_psql('postgres', $ring);
	is($alerts, $node->safe_psql('postgres', $batch), "round $round: the alerts of the batch function");
	cmp_ok((split /\|/, $alerts)[0], '>', $seen, 'there are more of them');
	$seen = (split /\|/, $alerts)[0];
}

# state and replay agree
my $sum = $node->safe_psql('postgres', q{SELECT rk.ring_checksum('m')});
$node->safe_psql('postgres', q{SELECT rk.ring_restart('m')});
$node->safe_psql('postgres', q{SELECT rk.ring_wait('m')});
is($node->safe_psql('postgres', q{SELECT rk.ring_checksum('m')}), $sum, 'the same state after a restart');

done_testing();
