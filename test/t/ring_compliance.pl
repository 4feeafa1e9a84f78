
# Rings of compliance fed from a table, and a ring that gathers their alerts,
# whatever dies: each says what the batch function says about the same rows, and
# each alert reaches the table and the other ring once.
#
# A writer inserts payments, with commits and rollbacks at random, while the
# rings' host and the whole server are killed with SIGKILL.

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

my $node = server('compliance', conf => <<~'CONF');
	restart_after_crash = on
	fsync = off
	rk.checkpoint_interval = 1s
	rk.journal_poll = 200ms
	CONF

my @rings = ('round', 'types', 'back', 'fast', 'desk');
my $count = @rings;

$node->safe_psql(
	'postgres', q{
	CREATE TABLE wire (id bigint GENERATED ALWAYS AS IDENTITY (CACHE 1), source text NOT NULL, target text NOT NULL,
		amount numeric NOT NULL, ts timestamptz NOT NULL);
	CREATE TABLE heard (source_kernel text, entity text, risk_score float8, severity int, ts timestamptz);
	CREATE TABLE risk (entity text, score float8, kernel_count int, total_alerts bigint);
	CALL rk.ring_up('compliance/alert-correlation', 'desk', '{"id_type": "text", "time_window": "1000 days"}');
	CALL rk.ring_up('compliance/circular-flow', 'round', '{"id_type": "text"}');
	CALL rk.ring_up('compliance/aml-patterns', 'types', '{"id_type": "text", "min_fan": 6, "max_dwell": "2 hours", "time_window": "1 hour", "cycle_window": "6 hours", "min_forwarded": 0.9}');
	CALL rk.ring_up('compliance/reciprocity-flow', 'back', '{"id_type": "text", "min_amount": 50, "max_delay": "2 hours"}');
	CALL rk.ring_up('compliance/rapid-movement', 'fast', '{"id_type": "text", "amount_threshold": 3000, "velocity_threshold": 12}');
	SELECT rk.ring_output(r, 'AlertBroadcast', 'heard'), rk.ring_link(r, 'AlertBroadcast', 'desk', '{}')
	FROM unnest(ARRAY['round', 'types', 'back', 'fast']) r;
	SELECT rk.ring_output('desk', 'AggregatedRisk', 'risk');
	SELECT rk.ring_attach(r, 'wire', '{}') FROM unnest(ARRAY['round', 'back', 'fast']) r;
	SELECT rk.ring_attach('types', 'wire', '{"fields": {"transaction_id": "id"}}');

	-- time goes on with the number of the row, and some come a little late
	CREATE PROCEDURE write(rows int) LANGUAGE plpgsql AS $$
	BEGIN
		FOR i IN 1 .. rows LOOP
			INSERT INTO wire (source, target, amount, ts)
			SELECT 'account ' || (random() * 60)::int, 'account ' || (random() * 60)::int, (random() * 1000)::numeric(8, 2),
				timestamptz '2024-01-01' + last_value * interval '20 seconds' - (random() * 3)::int * interval '1 minute'
			FROM generate_series(1, 1 + (random() * 5)::int), wire_id_seq;
			IF random() < 0.3 THEN
				ROLLBACK;
			ELSE
				COMMIT;
			END IF;
		END LOOP;
	END
	$$;
	});

# what each ring says, and what the batch function says
my %queries = (
	round => [
		q{SELECT md5(string_agg(concat_ws(' ', e, ratio, scc_count, trim_scale(cycle_volume)), ',' ORDER BY e))
			FROM (SELECT source AS e FROM wire UNION SELECT target FROM wire) w, rk.ring_compliance_circular_query('round', e)},
		q{SELECT md5(string_agg(concat_ws(' ', entity, ratio, (component_id IS NOT NULL)::int, trim_scale(circular_amount)), ',' ORDER BY entity))
			FROM rk.compliance_circular_flow_entities('SELECT * FROM wire ORDER BY id', id_type => NULL::text)}
	],
	types => [
		q{SELECT md5(string_agg(concat_ws(' ', e, risk_score::numeric(20, 10), pattern_count, transaction_count), ',' ORDER BY e))
			FROM (SELECT source AS e FROM wire UNION SELECT target FROM wire) w, rk.ring_compliance_entity_patterns('types', e) WHERE pattern_count > 0},
		q{SELECT md5(string_agg(concat_ws(' ', entity, risk_score::numeric(20, 10), pattern_count, transaction_count), ',' ORDER BY entity))
			FROM rk.compliance_aml_patterns_entities($$SELECT * FROM wire WHERE ts > (SELECT max(ts) FROM wire) - interval '6 hours' ORDER BY id$$,
				id_type => NULL::text, min_fan => 6, max_dwell => '2 hours', time_window => '1 hour', cycle_window => '6 hours', min_forwarded => 0.9)}
	],
	back => [
		q{SELECT md5(string_agg(concat_ws(' ', a, b, trim_scale(r.amount_ab), trim_scale(r.amount_ba), trim_scale(r.reciprocal_amount), r.balance, r.count_ab, r.count_ba), ',' ORDER BY a, b))
			FROM (SELECT entity_a AS a, entity_b AS b FROM rk.compliance_reciprocity_flow('SELECT * FROM wire ORDER BY id', id_type => NULL::text, min_amount => 50, max_delay => '2 hours')) p,
				rk.ring_compliance_reciprocity_query('back', a, b) r},
		q{SELECT md5(string_agg(concat_ws(' ', entity_a, entity_b, trim_scale(amount_ab), trim_scale(amount_ba), trim_scale(reciprocal_amount), balance, count_ab, count_ba), ',' ORDER BY entity_a, entity_b))
			FROM rk.compliance_reciprocity_flow('SELECT * FROM wire ORDER BY id', id_type => NULL::text, min_amount => 50, max_delay => '2 hours')}
	],
	fast => [
		q{SELECT md5(string_agg(concat_ws(' ', e, velocity, trim_scale(window_amount), trim_scale(rapid_amount), pass_through, transaction_count, flagged), ',' ORDER BY e))
			FROM (SELECT source AS e FROM wire UNION SELECT target FROM wire) w, rk.ring_compliance_movement_query('fast', e)},
		q{SELECT md5(string_agg(concat_ws(' ', entity, max_velocity, trim_scale(window_amount), trim_scale(rapid_amount), pass_through, transaction_count, flagged), ',' ORDER BY entity))
			FROM rk.compliance_rapid_movement('SELECT * FROM wire ORDER BY id', id_type => NULL::text, amount_threshold => 3000, velocity_threshold => 12)}
	],
	desk => [
		q{SELECT md5(string_agg(concat_ws(' ', e, risk_score::numeric(20, 10), alert_count, max_severity, kernel_count), ',' ORDER BY e))
			FROM (SELECT DISTINCT entity AS e FROM heard) h, rk.ring_compliance_entity_risk('desk', e)},
		q{SELECT md5(string_agg(concat_ws(' ', e, (s / n)::numeric(20, 10), n, severity, kernels), ',' ORDER BY e))
			FROM (SELECT entity AS e, sum(score * n) AS s, sum(n) AS n, max(severity) AS severity, count(*) AS kernels
				FROM (SELECT entity, source_kernel, max(risk_score) AS score, count(*) AS n, max(severity) AS severity
					FROM heard GROUP BY 1, 2) k GROUP BY 1) a}
	]);

my $seen = 0;

for my $round (1 .. $rounds)
{
	my $victim = $round % 2 ? q{backend_type = 'rk host'} : q{backend_type = 'background writer'};
	my $writer = psql_beside($node, 'CALL write(100000)');

	usleep(400_000 + int(rand(300_000)));
	kill_process($node, $victim);
	$writer->finish;
	$node->poll_query_until('postgres', qq{SELECT count(*) = $count FROM rk.rings WHERE state = 'active'}) or die 'the rings did not come up';
	# those that feed others first
	$node->safe_psql('postgres', "SELECT rk.ring_sync('$_')") for @rings;

	for my $ring (@rings)
	{
		my ($ours, $batch) = @{ $queries{$ring} };

		is($node->safe_psql('postgres', $ours), $node->safe_psql('postgres', $batch), "round $round: ring $ring says what the rows say");
	}
	is($node->safe_psql('postgres', 'SELECT count(*) FROM risk'), $node->safe_psql('postgres', 'SELECT count(*) FROM heard'),
		'each alert has made one assessment');
	is($node->safe_psql('postgres', 'SELECT count(*) FROM rk.dead_letters'), 0, 'nothing was refused');
	my $alerts = $node->safe_psql('postgres', 'SELECT count(*) FROM heard');
	cmp_ok($alerts, '>', $round == 1 ? 0 : $seen - 1, 'there are alerts');
	$seen = $alerts;
}

# state and replay agree
for my $ring (@rings)
{
	my $sum = $node->safe_psql('postgres', "SELECT rk.ring_checksum('$ring')");

	$node->safe_psql('postgres', "SELECT rk.ring_restart('$ring')");
	$node->safe_psql('postgres', "SELECT rk.ring_wait('$ring')");
	is($node->safe_psql('postgres', "SELECT rk.ring_checksum('$ring')"), $sum, "ring $ring has the same state after a restart");
}

done_testing();
