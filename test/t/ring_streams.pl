# Rings of series and of names, whatever dies: what they write is what the batch
# functions say about the same rows, each once.
#
# A writer inserts values, returns and customers, with commits and rollbacks at
# random, while the rings' host and the whole server are killed with SIGKILL.

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

my $node = server('streams', conf => <<~'CONF');
	restart_after_crash = on
	fsync = off
	rk.checkpoint_interval = 1s
	rk.journal_poll = 200ms
	CONF

$node->safe_psql(
	'postgres', q{
	CREATE TABLE reading (id bigint GENERATED ALWAYS AS IDENTITY (CACHE 1), series_id int NOT NULL, value float8 NOT NULL);
	CREATE TABLE client (id bigint GENERATED ALWAYS AS IDENTITY (CACHE 1), name text NOT NULL);
	CREATE TABLE odd (series_id text, value float8, score float8);
	CREATE TABLE matched (entity bigint, list_entry text, confidence float8);
	CREATE TABLE exposed (is_pep boolean, match_count bigint, best_entry text, best_score float8);
	CREATE TABLE listed AS SELECT i AS id, substr(md5(i::text), 1, 4) || ' ' || substr(md5(i::text || 'x'), 1, 5) AS name FROM generate_series(1, 500) i;
	CALL rk.ring_up('temporal/anomaly-detection', 'a', '{"kernel": {"window_size": 15, "threshold": 1.5}}');
	CALL rk.ring_up('temporal/volatility-analysis', 'v');
	CALL rk.ring_up('compliance/sanctions-screening', 's', '{"kernel": {"sanctions_list": "listed"}}');
	CALL rk.ring_up('compliance/pep-screening', 'p', '{"kernel": {"pep_list": "listed"}}');
	SELECT rk.ring_attach('a', 'reading', '{"output": {"AnomalyAlert": "odd"}}');
	SELECT rk.ring_attach('v', 'reading');
	SELECT rk.ring_attach('s', 'client', '{"type": "ScreenName", "output": {"SanctionsMatch": "matched"}}');
	SELECT rk.ring_attach('p', 'client', '{"type": "PepScreen", "output": {"PepScreenReply": "exposed"}}');

	CREATE PROCEDURE write(rows int) LANGUAGE plpgsql AS $$
	BEGIN
		FOR i IN 1 .. rows LOOP
			INSERT INTO reading (series_id, value)
			SELECT random() * 5, (random() - 0.5) * CASE WHEN random() < 0.1 THEN 5 ELSE 1 END FROM generate_series(1, 1 + (random() * 5)::int);
			INSERT INTO client (name)
			SELECT CASE WHEN random() < 0.5 THEN 'new ' ELSE '' END || translate(name, '0', 'o') FROM listed ORDER BY random() LIMIT 1 + (random() * 3)::int;
			IF random() < 0.3 THEN
				ROLLBACK;
			ELSE
				COMMIT;
			END IF;
		END LOOP;
	END
	$$;
	});

# what the rings wrote, and what the batch functions say
my %pairs = (
	'anomalies' => [
		q{SELECT count(*), md5(string_agg(concat_ws(' ', series_id, value, score), ',' ORDER BY series_id, value, score)) FROM odd},
		q{SELECT count(*), md5(string_agg(concat_ws(' ', series_id, value, score), ',' ORDER BY series_id::text, value, score))
		FROM rk.temporal_anomaly_detection('SELECT series_id, id AS t, value FROM reading', 'rolling_zscore', threshold => 1.5, window_size => 15) WHERE is_anomaly}
	],
	'matches' => [
		q{SELECT count(*), md5(string_agg(concat_ws(' ', entity, list_entry, confidence), ',' ORDER BY entity)) FROM matched},
		q{SELECT count(*), md5(string_agg(concat_ws(' ', id, entry_id, 100 * score), ',' ORDER BY id))
		FROM rk.compliance_sanctions_screening('client', 'listed') WHERE rank = 1 AND is_hit}
	],
	'exposed persons' => [
		q{SELECT count(*) FILTER (WHERE is_pep), md5(string_agg(concat_ws(' ', best_entry, best_score, match_count), ',' ORDER BY best_entry, best_score, match_count)) FROM exposed WHERE is_pep},
		q{SELECT count(*), md5(string_agg(concat_ws(' ', entry_id, score, hits), ',' ORDER BY entry_id::text, score, hits))
		FROM (SELECT id, entry_id, score, rank, is_pep, count(*) FILTER (WHERE is_pep) OVER (PARTITION BY id) AS hits
			FROM rk.compliance_pep_screening('client', 'listed', top_k => 500) WHERE is_pep) x WHERE rank = 1}
	]);

my $seen = 0;

for my $round (1 .. $rounds)
{
	my $victim = $round % 2 ? q{backend_type = 'rk host'} : q{backend_type = 'background writer'};
	my $writer = psql_beside($node, 'CALL write(100000)');

	usleep(400_000 + int(rand(300_000)));
	kill_process($node, $victim);
	$writer->finish;
	$node->poll_query_until('postgres', q{SELECT count(*) = 4 FROM rk.rings WHERE state = 'active'}) or die 'the rings did not come up';
	$node->safe_psql('postgres', q{SELECT rk.ring_sync(r) FROM unnest('{a,v,s,p}'::text[]) r});

	for my $what (sort keys %pairs)
	{
		my ($ring, $batch) = map { $node->safe_psql('postgres', $_) } @{ $pairs{$what} };

		is($ring, $batch, "round $round: the $what of the batch function");
	}
	# the order of rows is that of their commits, which for one writer is that of ids
	is($node->safe_psql(
			'postgres', q{
			SELECT count(*), bool_and(abs(q.volatility / b.volatility - 1) < 1e-9)
			FROM rk.temporal_volatility_analysis('SELECT series_id, id AS t, value FROM reading', 'ewma', horizon => 1) b,
				rk.ring_temporal_volatility_query('v', b.series_id, 1) q WHERE b.kind = 'forecast'}),
		'6|t', "round $round: the volatilities of the batch function");
	my $rows = $node->safe_psql('postgres', 'SELECT count(*) FROM reading');
	cmp_ok($rows, '>', $seen, 'there are more rows');
	$seen = $rows;
}

# state and replay agree
for my $ring (qw(a v s p))
{
	my $sum = $node->safe_psql('postgres', "SELECT rk.ring_checksum('$ring')");

	$node->safe_psql('postgres', "SELECT rk.ring_restart('$ring')");
	$node->safe_psql('postgres', "SELECT rk.ring_wait('$ring')");
	is($node->safe_psql('postgres', "SELECT rk.ring_checksum('$ring')"), $sum, "ring $ring: the same state after a restart");
}

done_testing();
