# A book that rings share, whatever dies: each price reaches each worker once,
# each partial risk the ring that puts them together once, and what comes out is
# the risk of the whole book.
#
# A writer inserts prices, with commits and rollbacks at random, while the rings'
# host and the whole server are killed with SIGKILL.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use IPC::Run ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Rustkernels;
use Test::More;
use Time::HiRes qw(usleep);

my $rounds = $ENV{RK_CRASH_ROUNDS} // 4;

my $node = server('workers', conf => <<~'CONF');
	restart_after_crash = on
	fsync = off
	rk.checkpoint_interval = 1s
	rk.journal_poll = 200ms
	CONF

$node->safe_psql(
	'postgres', q{
	CREATE TABLE quote (id bigint GENERATED ALWAYS AS IDENTITY (CACHE 1), asset text NOT NULL, price numeric NOT NULL, ts timestamptz DEFAULT clock_timestamp());
	CREATE TABLE batch (worker int, positions jsonb);
	CREATE TABLE final (apply_seq bigint, complete boolean, final_var float8);
	CREATE TABLE partial (worker int, covariance_contribution float8);
	CALL rk.ring_up('risk/monte-carlo-var', 'w1', '{"worker": 1}');
	CALL rk.ring_up('risk/monte-carlo-var', 'w2', '{"worker": 2}');
	CALL rk.ring_up('risk/monte-carlo-var', 'whole');
	CALL rk.ring_up('risk/portfolio-aggregation', 'desk', '{"workers": 2}');
	SELECT rk.ring_output('desk', 'AggregationReply', 'final');
	SELECT rk.ring_output(w, 'Partial', 'partial'), rk.ring_link(w, 'Partial', 'desk', '{"type": "Aggregation"}') FROM unnest('{w1,w2}'::text[]) w;
	SELECT rk.ring_attach(r, 'batch', '{"type": "PositionBatch", "on": ["insert"]}'), rk.ring_attach(r, 'quote', '{"type": "MarketUpdate", "on": ["insert"]}')
	FROM unnest('{w1,w2,whole}'::text[]) r;
	INSERT INTO batch
	SELECT i % 2 + 1, jsonb_build_array(jsonb_build_object('asset', 'a' || i, 'value', 100000 * i, 'expected_return', 0.01, 'volatility', 0.1 + 0.02 * i))
	FROM generate_series(1, 6) i;

	CREATE PROCEDURE write(rows int) LANGUAGE plpgsql AS $$
	BEGIN
		FOR i IN 1 .. rows LOOP
			INSERT INTO quote (asset, price) SELECT 'a' || 1 + (random() * 5)::int, (90 + random() * 20)::numeric(8, 2) FROM generate_series(1, 1 + (random() * 3)::int);
			IF random() < 0.3 THEN
				ROLLBACK;
			ELSE
				COMMIT;
			END IF;
		END LOOP;
	END
	$$;
	});

for my $round (1 .. $rounds)
{
	my $victim = $round % 2 ? q{backend_type = 'rk host'} : q{backend_type = 'background writer'};
	my $writer = psql_beside($node, 'CALL write(100000)');

	usleep(400_000 + int(rand(300_000)));
	kill_process($node, $victim);
	$writer->finish;
	$node->poll_query_until('postgres', q{SELECT count(*) = 4 FROM rk.rings WHERE state = 'active'}) or die 'the rings did not come up';
	$node->safe_psql('postgres', q{SELECT rk.ring_sync(r) FROM unnest('{w1,w2,whole}'::text[]) r});
	$node->safe_psql('postgres', q{SELECT rk.ring_sync('desk')});

	# six batches, and every quote, in both workers
	is($node->safe_psql('postgres', 'SELECT count(*) - 2 * (6 + (SELECT count(*) FROM quote)) FROM partial'), '0', "round $round: each worker said each change once");
	is($node->safe_psql('postgres', 'SELECT count(*) - 2 * (6 + (SELECT count(*) FROM quote)) FROM final'), '0', "round $round: each was taken once");
	is($node->safe_psql('postgres', q{
			SELECT bool_and(abs(f.final_var / q.var - 1) < 1e-9) FROM (SELECT final_var FROM final ORDER BY apply_seq DESC LIMIT 1) f, rk.ring_risk_query_var('whole') q}),
		't', "round $round: the risk of the whole book");
}

cmp_ok($node->safe_psql('postgres', 'SELECT count(*) FROM quote'), '>', 100, 'there were prices');
done_testing();
