
# The jobs of docs/how-to/scheduled-jobs.md, run by pg_cron: the page's own SQL
# is executed, then the schedules are set to every minute, and what the jobs
# write is compared with what was planted.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Rustkernels;
use Test::More;
use Time::HiRes qw(sleep);

my $libraries = `pg_config --pkglibdir`;
chomp $libraries;
plan skip_all => 'pg_cron is not installed (apt install postgresql-15-cron)'
  unless -e "$libraries/pg_cron.so";

my $node = server('cron', preload => 0, conf => <<~'CONF');
	shared_preload_libraries = 'rustkernels, pg_cron'
	cron.database_name = 'postgres'
	cron.use_background_workers = on
	max_worker_processes = 20
	CONF

# beside the tests in a copy of them, one level up in the tree
my ($docs) = grep { -d } map { "$FindBin::RealBin/$_/docs" } '..', '../..';
my $page = slurp_file("$docs/how-to/scheduled-jobs.md");
my @blocks = $page =~ /^```sql cron\n(.*?)^```$/msg;
is(scalar @blocks, 5, 'the page has its blocks');
$node->safe_psql('postgres', $_) for @blocks;
is($node->safe_psql('postgres', 'SELECT count(*) FROM cron.job'), '3', 'three jobs are scheduled');

$node->safe_psql('postgres', q{
	-- losses of 1 to 500 on as many days, and a desk that never loses
	INSERT INTO desk_pnl SELECT 'rates', current_date - i + 1, -i FROM generate_series(1, 500) i;
	INSERT INTO desk_pnl SELECT 'cash', current_date - i + 1, i FROM generate_series(1, 250) i;

	INSERT INTO sanctions_list VALUES
		(1, 'Vladimir Petrov', '{Volodymyr Petrov}', 'X1'), (2, 'Global Arms Trading', NULL, 'X2');
	INSERT INTO customer (id, name) SELECT i, 'Customer Number ' || i FROM generate_series(1, 1000) i;
	INSERT INTO customer VALUES
		(2001, 'Petrov, Vladimir', now(), NULL),				-- in another order
		(2002, 'Vladmir Petrov', now(), NULL),					-- misspelt
		(2003, 'Global Arms Trading', now() - interval '2 days', now() - interval '1 day'),	-- not changed since
		(2004, 'Global Arms Trading', now(), now() - interval '1 day');						-- changed

	-- five slices below the limit within a day; the same in half a year; ordinary payments
	INSERT INTO transfer SELECT i, 'slicer', 'p' || i, 9500 - i, now() - i * interval '2 hours'
		FROM generate_series(1, 5) i;
	INSERT INTO transfer SELECT 100 + i, 'patient', 'p' || i, 9500, now() - i * interval '40 days'
		FROM generate_series(1, 5) i;
	INSERT INTO transfer SELECT 1000 + i, 'payer' || i % 400, 'shop' || i % 50, 20 + i % 80, now() - i * interval '1 minute'
		FROM generate_series(1, 2000) i});
$node->safe_psql('postgres', q{UPDATE cron.job SET schedule = '* * * * *'});

my $runs = q{SELECT count(*) FROM (SELECT jobid FROM cron.job_run_details
	WHERE status IN ('succeeded', 'failed') GROUP BY jobid) d};
ok($node->poll_query_until('postgres', $runs, '3'), 'all jobs ran');
is($node->safe_psql('postgres', q{SELECT jobname, status, return_message FROM cron.job_run_details JOIN cron.job USING (jobid)
		WHERE status <> 'succeeded'}), '', 'and succeeded');

is($node->safe_psql('postgres', q{SELECT desk, var_99 > 490, expected_shortfall_97_5 > 490, days FROM desk_var ORDER BY desk}),
	"cash|f|f|250\nrates|t|t|500", 'value at risk of both desks');
is($node->safe_psql('postgres', q{SELECT d.var_99 = (SELECT rk.risk_historical_var(pnl, 0.99) FROM desk_pnl WHERE desk = 'rates')
		FROM desk_var d WHERE desk = 'rates'}), 't', 'as the same query gives by hand');
is($node->safe_psql('postgres', q{SELECT customer, entry FROM sanctions_hit ORDER BY 1, 2}),
	"2001|1\n2002|1\n2004|2", 'who is on the list and has changed');
is($node->safe_psql('postgres', q{SELECT count(*) FROM customer WHERE screened_at IS NULL}), '0', 'all customers are screened');
is($node->safe_psql('postgres', q{SELECT DISTINCT payer FROM structuring_alert}), 'slicer', 'who pays in slices');

# again by hand, as pg_cron would: nothing is doubled
my $before = $node->safe_psql('postgres', q{SELECT (SELECT count(*) FROM desk_var), (SELECT count(*) FROM sanctions_hit),
	(SELECT count(*) FROM structuring_alert)});
for my $job (split /;;\n/, $node->safe_psql('postgres', q{SELECT string_agg(command, E';;\n') FROM cron.job}))
{
	$node->safe_psql('postgres', "BEGIN; $job; COMMIT");
}
is($node->safe_psql('postgres', q{SELECT (SELECT count(*) FROM desk_var), (SELECT count(*) FROM sanctions_hit),
	(SELECT count(*) FROM structuring_alert)}), $before, 'a second run doubles nothing');

$node->stop;
done_testing();
