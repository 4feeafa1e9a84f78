
# Cancel and statement_timeout end a run on 10 million edges within 100 ms, in
# every kernel and in every phase, and the session goes on.
#
# The delay is measured by a second session, from its pg_cancel_backend to the
# first look at pg_stat_activity that finds the statement ended.  On a busy
# machine a delay may be the scheduler's: a point that takes too long is
# measured again, and the shortest of three counts, as a loop that does not look
# is late every time.
#
# Reading, numbering and building are the same code for all kernels, so every
# kernel is cancelled in one of these phases only, in turn, and twice while it
# computes.

use strict;
use warnings;

use Digest::MD5 qw(md5_hex);
use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Rustkernels;
use Test::More;

# The contract is 100 ms; a machine that others share is given some more, and
# every delay of 50 ms and more is printed.
my $contract_ms = 100;
my $limit_ms = $ENV{RK_CANCEL_LIMIT_MS} // 500;
my $edges = $ENV{RK_CANCEL_EDGES} // 10_000_000;

my $began = time;
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
		phases text[] := ARRAY['planning', 'reading', 'relabelling', 'building', 'computing', 'writing'];
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
				-- short phases can pass between two looks
				EXIT WHEN array_position(phases, now_in) > array_position(phases, wanted);
				-- a kernel may give its work phases of its own
				EXIT WHEN wanted = 'computing'
					AND now_in NOT IN ('planning', 'reading', 'relabelling', 'building', 'writing');
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

my $session = session($node, on_error_stop => 0);
my $pid = $session->query_safe('SELECT pg_backend_pid()');
my $observer = session($node, on_error_stop => 0);
my $marks = 0;
my @all;
my @late;

# Runs the query in the session and cancels it; returns the delay in ms, undef
# if the run was over before, and checks the error.
sub cancel_once
{
	my ($query, $phase, $after, $what) = @_;
	my $mark = sprintf 'mark %d;', ++$marks;
	my $wanted = defined $phase ? "'$phase'" : 'NULL';

	start_query($session, "/* $mark */ $query");
	my $delay = $observer->query_safe(
		"SELECT cancel_in_phase($pid, '$mark', $wanted, $after)");
	my $errors = wait_for_session($session);
	# it ended by itself, before or just when it was told to
	return if $delay eq '' || $errors =~ /memory limit exceeded/ ||
	  ($errors eq '' && $delay < $contract_ms);
	like($errors, qr/canceling statement due to user request/, "$what: cancelled");
	return $delay;
}

# Runs the query under a statement_timeout; returns how much later it ended,
# undef if it was over before.
sub time_out_once
{
	my ($query, $timeout) = @_;
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
	return $timed_out ? sprintf('%.1f', $ms - $timeout) : undef;
}

# Measures up to three times; the shortest delay is within the limit.
sub in_time
{
	my ($what, $once) = @_;
	my $best;

	for (1 .. 3)
	{
		my $delay = $once->();

		unless (defined $delay)
		{
			note "$what: over before it could be cancelled" unless defined $best;
			last;
		}
		$best = $delay if !defined $best || $delay < $best;
		last if $best < $contract_ms;
	}
	return unless defined $best;
	push @all, $best;
	push @late, "$what ($best ms)" if $best >= $contract_ms / 2;
	cmp_ok($best, '<', $limit_ms, "$what: ended after $best ms");
	return;
}

sub cancelled
{
	my ($query, $phase, $after, $what) = @_;

	in_time($what, sub { cancel_once($query, $phase, $after, $what) });
	return;
}

sub timed_out
{
	my ($query, $timeout, $what) = @_;

	in_time($what, sub { time_out_once($query, $timeout) });
	return;
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
my @phases = ('reading', 'relabelling', 'building');
my $number = 0;

load_calls($node);
for my $kernel (kernel_calls($node, $edges / 10))
{
	my $query = "SELECT count(*) FROM $kernel->{call}";
	my $name = $kernel->{name};
	my $phase = $phases[ $number++ % @phases ];

	# a moment of its own for every kernel, the same in every run of the test
	my $after = 50 + hex(substr(md5_hex($name), 0, 4)) % 700;

	cancelled($query, $phase, 0, "$name, $phase");
	cancelled($query, 'computing', 0, "$name, computing");
	cancelled($query, 'computing', $after, "$name, $after ms into computing");
	timed_out($query, 500 + $after, "$name, statement_timeout of " . (500 + $after) . ' ms');
	goes_on($name);
}

# rows on their way out
for my $name ('graph_pagerank', 'graph_connected_components')
{
	cancelled("SELECT count(*) FROM rk.$name('edges')", 'writing', 0, "$name, writing");
	goes_on("$name, writing");
}

# other ways in: a query, text ids, ids of a type with operators only
my %ways = (
	query => [ q{'SELECT source, target, 1.5 AS weight FROM edges WHERE source > 10'}, 'bigint', 700 ],
	'query with text ids' => [ q{'SELECT source::text, target::text FROM edges'}, 'text', 1500 ],
	'query with numeric ids' => [ q{'SELECT source::numeric, target::numeric FROM edges LIMIT 3000000'}, 'numeric', 1500 ]);

for my $way (sort keys %ways)
{
	my ($text, $type, $after) = @{ $ways{$way} };
	my $query = "SELECT count(*) FROM rk.graph_pagerank($text, id_type => NULL::$type)";

	cancelled($query, undef, $after, "pagerank of a $way, $after ms after its start");
	for my $phase ('relabelling', 'writing')
	{
		cancelled($query, $phase, 0, "pagerank of a $way, $phase");
	}
	goes_on("pagerank of a $way");
}

# making, storing and printing rk.graph
$node->safe_psql('postgres',
	'CREATE TABLE stored AS SELECT rk.graph_agg(source, target) AS g FROM (SELECT * FROM edges LIMIT 3000000) e');
for my $case (
	[ 'rk.graph_agg', 'SELECT rk.num_edges(rk.graph_agg(source, target)) FROM edges', 500, 1500, 2500 ],
	[ 'rk.graph_agg of text', 'SELECT rk.num_edges(rk.graph_agg(source::text, target::text)) FROM edges', 3000 ],
	[ 'binary form of a graph', 'SELECT length(rk.graph_send(g)) FROM stored', 100, 400 ],
	[ 'text to a graph', 'SELECT rk.num_edges(g::text::rk.graph) FROM stored', 1000, 1500 ],
	[ 'kernel on a graph', q{SELECT count(*) FROM rk.graph_pagerank('SELECT g FROM stored')}, 50, 200, 400 ])
{
	my ($what, $query, @after) = @$case;

	cancelled($query, undef, $_, "$what, after $_ ms") for @after;
	goes_on($what);
}

# the end of a session in the middle of a run
start_query($session, q{SELECT count(*) FROM rk.graph_betweenness_centrality('edges')});
ok( $node->poll_query_until(
		'postgres', qq{SELECT phase NOT IN ('planning', 'reading', 'relabelling', 'building') FROM rk.stat_progress WHERE pid = $pid}),
	'a run is in its kernel');
my $from = time;
$node->safe_psql('postgres', "SELECT pg_terminate_backend($pid, 5000)");
cmp_ok(time - $from, '<', 4, 'pg_terminate_backend returns before its timeout');
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
diag("half of the limit or more: $_") for @late;
diag(sprintf 'delays of %d cancelled runs: median %.1f ms, longest %.1f ms; %d s',
	scalar @all, $all[ @all / 2 ], $all[-1], time - $began);

$session->{run}->kill_kill;
$observer->quit;
$node->stop;
done_testing();
