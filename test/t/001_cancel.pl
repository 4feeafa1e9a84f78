
# Cancel and statement_timeout end a run on 10 million edges within 100 ms, in
# every phase of every kernel, and the session goes on.
#
# The delay is measured by a second session, from its pg_cancel_backend to the
# first look at pg_stat_activity that finds the statement ended.  The limit
# here is wider than the contract, because the machine of a test may be busy;
# every delay is printed.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use List::Util qw(max);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Rustkernels;
use Test::More;

my $limit_ms = $ENV{RK_CANCEL_LIMIT_MS} // 1000;
my $edges = $ENV{RK_CANCEL_EDGES} // 10_000_000;

my $node = server('cancel', conf => "shared_buffers = 1GB\n");
edges_table($node, 'edges', $edges, $edges / 10);
$node->safe_psql(
	'postgres', q{
	CREATE TABLE small AS SELECT i AS source, i + 1 AS target FROM generate_series(1, 9) i;

	-- Cancels what session p runs under this mark, some time after it entered
	-- the phase.  Returns the delay, or NULL if the run ended before.
	CREATE FUNCTION cancel_in_phase(p int, mark text, wanted text, after_ms float8) RETURNS float8
	LANGUAGE plpgsql AS $$
	DECLARE
		began timestamptz;
		now_in text;
		activity record;
	BEGIN
		LOOP
			PERFORM pg_stat_clear_snapshot();
			SELECT state, query INTO activity FROM pg_stat_activity WHERE pid = p;
			IF strpos(activity.query, mark) > 0 THEN
				IF activity.state <> 'active' THEN
					RETURN NULL;
				END IF;
				EXIT WHEN wanted IS NULL;
				SELECT phase INTO now_in FROM rk.stat_progress WHERE pid = p;
				EXIT WHEN now_in = wanted;
			END IF;
			PERFORM pg_sleep(0.0005);
		END LOOP;
		PERFORM pg_sleep(after_ms / 1000);
		PERFORM pg_stat_clear_snapshot();
		IF (SELECT state FROM pg_stat_activity WHERE pid = p) <> 'active' THEN
			RETURN NULL;
		END IF;
		began := clock_timestamp();
		PERFORM pg_cancel_backend(p);
		LOOP
			PERFORM pg_stat_clear_snapshot();
			EXIT WHEN (SELECT state FROM pg_stat_activity WHERE pid = p) <> 'active';
			PERFORM pg_sleep(0.0005);
		END LOOP;
		RETURN round(1000 * extract(epoch FROM clock_timestamp() - began)::numeric, 1);
	END
	$$;

	});

my $session = $node->background_psql('postgres', on_error_stop => 0);
my $pid = $session->query_safe('SELECT pg_backend_pid()');
my $observer = $node->background_psql('postgres', on_error_stop => 0);
my $marks = 0;
my @all;

# Runs the query in the session, cancels it, checks what came of it.
sub cancelled
{
	my ($query, $phase, $after, $what) = @_;
	my $mark = sprintf 'mark %d;', ++$marks;
	my $wanted = defined $phase ? "'$phase'" : 'NULL';

	start_query($session, "/* $mark */ $query");
	my $delay = $observer->query_safe(
		"SELECT cancel_in_phase($pid, '$mark', $wanted, $after)");
	my $errors = wait_for_session($session);
	if ($delay eq '')
	{
		note "$what: over before it could be cancelled";
		return;
	}
	push @all, $delay;
	like($errors, qr/canceling statement due to user request/, "$what: cancelled")
	  or return;
	cmp_ok($delay, '<', $limit_ms, "$what: after $delay ms");
	return $delay;
}

# The session still works, alone in its process.
sub goes_on
{
	my ($what) = @_;

	is( $session->query_safe(
			q{SELECT count(*), round(sum(score)::numeric, 6) FROM rk.graph_pagerank('small')}
		),
		'10|1.000000',
		"$what: the session goes on");
	is(threads_of($pid), 1, "$what: no thread is left");
	return;
}

$session->query_safe(q{SET rk.memory_limit = '8GB'});
for my $kernel (kernel_calls($node, bounded => 0))
{
	my $query = "SELECT count(*) FROM " . sprintf($kernel->{call}, q('edges'));

	for my $phase ('reading', 'relabelling', 'building', 'computing')
	{
		cancelled($query, $phase, 0, "$kernel->{name}, $phase");
	}
	for my $after (20, 100, 300, 1000)
	{
		cancelled($query, 'computing', $after,
			"$kernel->{name}, $after ms into computing");
	}
	goes_on($kernel->{name});
}

# rows on their way out
for my $kernel (kernel_calls($node, bounded => 1))
{
	next if $kernel->{endless} && $kernel->{name} !~ /betweenness/;
	my $query = "SELECT count(*) FROM " . sprintf($kernel->{call}, q('edges'));

	cancelled($query, 'writing', 0, "$kernel->{name}, writing");
	goes_on("$kernel->{name}, writing");
}

# other ways in: a query, text ids, any ids, JSON, a prepared graph
my %ways = (
	query => [ q{'SELECT source, target FROM edges WHERE source > 10'}, 'bigint', 700 ],
	'weighted query' => [ q{'SELECT source, target, 1.5 AS weight FROM edges'}, 'bigint', 1500 ],
	'text ids' => [ q{'SELECT source::text, target::text FROM edges'}, 'text', 1500 ],
	'numeric ids' => [ q{'SELECT source::numeric, target::numeric FROM edges LIMIT 3000000'}, 'numeric', 1500 ]);

for my $way (sort keys %ways)
{
	my ($text, $type, $after) = @{ $ways{$way} };
	my $query = "SELECT count(*) FROM rk.graph_pagerank($text, id_type => NULL::$type)";

	cancelled($query, undef, 50, "pagerank of a $way, 50 ms after its start");
	cancelled($query, undef, $after, "pagerank of a $way, $after ms after its start");
	for my $phase ('relabelling', 'building', 'computing', 'writing')
	{
		cancelled($query, $phase, 0, "pagerank of a $way, $phase");
	}
	goes_on("pagerank of a $way");
}

# making, storing and printing rk.graph
$node->safe_psql('postgres',
	'CREATE TABLE stored AS SELECT rk.graph_agg(source, target) AS g FROM (SELECT * FROM edges LIMIT 5000000) e');
for my $case (
	[ 'rk.graph_agg', 'SELECT rk.num_edges(rk.graph_agg(source, target)) FROM edges', 50, 500, 1500, 2500 ],
	[ 'rk.graph_agg of text', 'SELECT rk.num_edges(rk.graph_agg(source::text, target::text)) FROM edges', 500, 3000, 5000 ],
	[ 'text of a graph', 'SELECT length(g::text) FROM stored', 50, 300, 600 ],
	[ 'text to a graph', 'SELECT rk.num_edges(g::text::rk.graph) FROM stored', 1000, 2000, 3000, 4000 ],
	[ 'kernel on a graph', q{SELECT count(*) FROM rk.graph_pagerank('SELECT g FROM stored')}, 50, 100, 200, 300, 500 ])
{
	my ($what, $query, @after) = @$case;

	cancelled($query, undef, $_, "$what, after $_ ms") for @after;
	goes_on($what);
}

# statement_timeout, at growing times until the run is done
for my $kernel (kernel_calls($node, bounded => 1))
{
	my $query = "SELECT count(*) FROM " . sprintf($kernel->{call}, q('edges'));
	my @delays;

	for my $timeout (30, 80, 130, 200, 300, 450, 700, 1000, 1500)
	{
		my $result = $session->query(<<~SQL);
			SET statement_timeout = $timeout;
			\\timing on
			$query;
			\\timing off
			RESET statement_timeout;
			SQL
		my ($ms) = $result =~ /Time: ([0-9.]+) ms/;
		my $timed_out = $session->{stderr} =~ /canceling statement due to statement timeout/;

		$session->{stderr} = '';
		last unless $timed_out;
		push @delays, sprintf '%.1f', $ms - $timeout;
	}
	push @all, @delays;
	cmp_ok(max(0, @delays), '<', $limit_ms,
		"$kernel->{name}: statement_timeout late by @delays ms");
	goes_on("$kernel->{name}, statement_timeout");
}

# the end of a session in the middle of a run
start_query($session, q{SELECT count(*) FROM rk.graph_betweenness_centrality('edges')});
ok( $node->poll_query_until(
		'postgres', qq{SELECT phase = 'computing' FROM rk.stat_progress WHERE pid = $pid}),
	'a run is in its kernel');
$node->safe_psql('postgres', "SELECT pg_terminate_backend($pid, 5000)");
is( $node->safe_psql('postgres', "SELECT count(*) FROM pg_stat_activity WHERE pid = $pid"),
	'0', 'pg_terminate_backend ends it');
is($node->safe_psql('postgres', 'SELECT count(*) FROM rk.stat_progress'),
	'0', 'its progress is gone');
is( $node->safe_psql('postgres', q{
		SET rk.threads = 2;
		SET rk.max_threads = 2;
		SELECT count(*) FROM rk.graph_pagerank('small');
		SELECT threads FROM rk.last_run()}),
	"10\n2", 'its threads are free again');

@all = sort { $a <=> $b } @all;
diag(sprintf 'delays of %d cancelled runs: median %.1f ms, longest %.1f ms',
	scalar @all, $all[ @all / 2 ], $all[-1]);

$session->{run}->kill_kill;
$observer->quit;
$node->stop;
done_testing();
