
# A run as part of a session: results that do not depend on threads, rights and
# row security of the caller, queries that try to do more than read, what other
# sessions see, and a server that does not preload the library.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Rustkernels;
use Test::More;

my $node = server('session', conf => "rk.max_threads = 16\nrestart_after_crash = on\n");
load_calls($node);
edges_table($node, 'edges', 30_000, 4000);

# ---- threads ----

my $threaded = session($node);

# that a run did not converge is no matter here
$threaded->query_safe('SET client_min_messages = error');

# The same bits with any number of threads, and in any order of rows: every
# function, with weights of all sizes.
$node->safe_psql('postgres', q{
	CREATE TABLE weighted AS SELECT source, target, 1 + (hashint8(source * 31 + target) & 65535) / 7.0::float8 AS weight FROM edges;
	CREATE TABLE shuffled AS SELECT * FROM weighted ORDER BY hashint8(source * 7 + target);
	CREATE TABLE sparse AS SELECT source % 300 AS source, target % 300 AS target, weight FROM weighted LIMIT 2500;
	VACUUM ANALYZE weighted; VACUUM ANALYZE shuffled; VACUUM ANALYZE sparse});
# All pairs of 4000 nodes take too long: there the calls are bounded.
my @runs = (
	(map { [ $_, [ 'weighted', 1, 2, 3, 8 ], [ 'shuffled', 2 ] ] } kernel_calls($node, 4000, bounded => 1)),
	(map { [ $_, [ 'sparse', 1, 2, 3, 8 ] ] } kernel_calls($node, 300)));
for my $run (@runs)
{
	my ($kernel, @parts) = @$run;
	my %digests;

	for my $part (@parts)
	{
		my ($table, @threads) = @$part;
		(my $call = $kernel->{call}) =~ s/'edges'/'$table'/;

		for my $threads (@threads)
		{
			push @{ $digests{ $threaded->query_safe("SET rk.threads = $threads; SELECT calls.digest(\$c\$$call\$c\$)") } },
			  "$table with $threads";
		}
	}
	is(scalar keys %digests, 1,
		"$kernel->{name}: the same bits with 1, 2, 3 and 8 threads" . (@parts > 1 ? ' and in another order' : ''))
	  or diag(join "\n", map { "$_: @{$digests{$_}}" } keys %digests);
}
$threaded->quit;
is($node->safe_psql('postgres', q{SET rk.threads = 8; SELECT count(*) FROM rk.graph_pagerank('edges'); SELECT threads FROM rk.last_run()}),
	"4000\n8", 'there were 8 threads');
is($node->safe_psql('postgres', q{SET rk.threads = 8; SET rk.max_threads = 3; SELECT count(*) FROM rk.graph_pagerank('edges'); SELECT threads FROM rk.last_run()}),
	"4000\n3", 'rk.max_threads is a limit');

# ---- what a query may not do ----

$node->safe_psql('postgres', q{
	CREATE ROLE plain LOGIN;
	CREATE ROLE friend;
	GRANT friend TO plain;
	CREATE TABLE target (n int);
	CREATE SEQUENCE counter;
	GRANT ALL ON target, counter TO plain;
	GRANT SELECT ON edges TO plain;
	GRANT CREATE ON SCHEMA public TO plain;
	CREATE TABLE secret (source bigint, target bigint, weight float8);
	CREATE TABLE partly (source bigint, target bigint, weight float8, note text);
	GRANT SELECT (source, target, weight) ON partly TO plain;
	INSERT INTO partly VALUES (1, 2, 3, 'private');
	CREATE FUNCTION writes() RETURNS int LANGUAGE sql VOLATILE AS 'INSERT INTO target VALUES (1) RETURNING n';
	CREATE FUNCTION writes_quietly() RETURNS int LANGUAGE plpgsql STABLE AS $$ BEGIN EXECUTE 'INSERT INTO target VALUES (1)'; RETURN 1; END $$;
	CREATE FUNCTION changes_role() RETURNS int LANGUAGE plpgsql AS $$ BEGIN SET ROLE friend; RETURN 1; END $$;
	CREATE FUNCTION changes_setting() RETURNS int LANGUAGE plpgsql AS $$ BEGIN SET work_mem = '1MB'; RETURN 1; END $$;
	CREATE FUNCTION commits() RETURNS int LANGUAGE plpgsql AS $$ BEGIN COMMIT; RETURN 1; END $$;
	CREATE FUNCTION is_definer() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT count(*)::int FROM secret'});
$node->safe_psql('postgres', q{GRANT CREATE ON DATABASE postgres TO plain});
my $session = session($node, on_error_stop => 0, extra_params => ['-U', 'plain']);
my $state = q{SELECT current_user || ' ' || session_user || ' ' || current_setting('role') || ' ' || current_setting('work_mem')
	|| ' ' || current_setting('search_path') || ' ' || current_setting('transaction_read_only') || ' ' || count(*) FROM target};
my $untouched = $session->query_safe($state);

for my $attempt (
	[ q{SELECT set_config('role', 'friend', false), 1 AS source, 2 AS target}, qr/cannot set parameter "role" within security-restricted operation/ ],
	[ q{SELECT set_config('session_authorization', 'friend', false), 1 AS source, 2 AS target}, qr/cannot set parameter "session_authorization"|permission denied to set session authorization/ ],
	[ q{SELECT set_config('transaction_read_only', 'off', false), 1 AS source, 2 AS target}, qr/cannot set transaction read-write mode|must be set before any query/ ],
	[ q{SELECT changes_role() AS source, 2 AS target}, qr/cannot set parameter "role" within security-restricted operation/ ],
	[ q{SET ROLE friend}, qr/query given as "edges" is not a SELECT/ ],
	[ q{RESET ROLE}, qr/query given as "edges" is not a SELECT/ ],
	[ q{SELECT 1 AS source, 2 AS target; SET ROLE friend}, qr/query given as "edges" has more than one statement/ ],
	[ q{WITH w AS (INSERT INTO target VALUES (1) RETURNING n) SELECT n AS source, n AS target FROM w}, qr/query given as "edges" is not a SELECT/ ],
	[ q{SELECT * FROM (WITH w AS (INSERT INTO target VALUES (1) RETURNING n) SELECT n AS source, n AS target FROM w) s}, qr/WITH clause containing a data-modifying statement must be at the top level/ ],
	[ q{SELECT writes() AS source, 2 AS target}, qr/cannot execute INSERT in a read-only transaction/ ],
	[ q{SELECT writes_quietly() AS source, 2 AS target}, qr/INSERT is not allowed in a non-volatile function|cannot execute INSERT in a read-only transaction/ ],
	[ q{SELECT nextval('counter') AS source, 2 AS target}, qr/cannot execute nextval\(\) in a read-only transaction/ ],
	[ q{SELECT commits() AS source, 2 AS target}, qr/invalid transaction termination/ ],
	[ q{SELECT source, target FROM edges FOR UPDATE}, qr/query given as "edges" is not a SELECT/ ],
	[ q{SELECT source, target FROM (SELECT * FROM edges FOR SHARE) e}, qr/cannot execute SELECT|permission denied/ ],
	[ q{SELECT source, target INTO stolen FROM edges}, qr/query given as "edges" is not a SELECT/ ],
	[ q{CREATE TABLE stolen AS SELECT 1}, qr/query given as "edges" is not a SELECT/ ],
	[ q{COPY edges TO PROGRAM 'true'}, qr/query given as "edges" is not a SELECT/ ],
	[ q{DO $$ BEGIN END $$}, qr/query given as "edges" is not a SELECT/ ],
	[ q{EXPLAIN ANALYZE SELECT 1}, qr/query given as "edges" is not a SELECT/ ],
	[ q{SELECT source, target FROM secret}, qr/permission denied for table secret/ ],
	[ q{secret}, qr/permission denied for table secret/ ],
	[ q{SELECT * FROM partly}, qr/permission denied for table partly/ ],
	[ q{SELECT 1 AS source, 2 AS}, qr/syntax error at end of input/ ],
	[ q{SELECT source, target FROM nowhere}, qr/relation "nowhere" does not exist/ ],
	[ q{nowhere}, qr/relation "nowhere" named in "edges" does not exist/ ])
{
	my ($query, $expected) = @$attempt;
	my @forms = (
		"SELECT count(*) FROM rk.graph_pagerank(\$q\$$query\$q\$)",
		"SELECT rk.execute('graph/pagerank', jsonb_build_object('edges', \$q\$$query\$q\$))",
		"SELECT count(*) FROM rk.graph_pagerank('[]', nodes => \$q\$$query\$q\$)");

	$forms[2] = undef if $query =~ /EXPLAIN/;
	for my $form (grep { defined } @forms)
	{
		my $is_nodes = $form =~ /nodes =>/;
		my $pattern = "$expected";
		$pattern =~ s/"edges"/"nodes"/g if $is_nodes;

		# planning for EXPLAIN does not do it either
		for my $prefix ('', 'EXPLAIN ')
		{
			$session->{stderr} = '';
			$session->query("$prefix$form;");
			my $errors = $session->{stderr};
			$session->{stderr} = '';
			next if $prefix;
			$errors =~ s/\nbackground_psql.*//s;
			like($errors, $is_nodes ? qr/$pattern|column "node" of "nodes" is missing/ : qr/$pattern/, ($is_nodes ? 'nodes' : $form =~ /execute/ ? 'execute' : 'edges') . ": $query");
		}
	}
	is($session->query_safe($state), $untouched, 'and nothing is changed');
}
is($session->query_safe(q{SELECT last_value, is_called FROM counter}), '1|f', 'the sequence has not moved');

# settings that a query may set are back afterwards
$session->query_safe(q{SELECT count(*) FROM rk.graph_pagerank('SELECT changes_setting() AS source, set_config(''rk.threads'', ''5'', false)::bigint AS target')});
is($session->query_safe($state), $untouched, 'a setting that a query changes is back afterwards');
is($session->query_safe('SHOW rk.threads'), '0', 'so are our own');
is($session->query_safe(q{
	BEGIN;
	INSERT INTO target VALUES (7);
	SELECT count(*) FROM rk.graph_pagerank('SELECT n AS source, n + 1 AS target FROM target');
	INSERT INTO target VALUES (8);
	ROLLBACK}), 2, 'a transaction reads what it wrote, and goes on writing');
is($session->query_safe(q{SELECT count(*) FROM rk.graph_pagerank('SELECT is_definer() AS source, 5 AS target')}), 2,
	'a function that runs as its owner may');
is($session->query_safe(q{SELECT count(*) FROM rk.graph_pagerank('partly')}), 2, 'rights on the columns that are read are enough');

# ---- rights and row security of the caller ----

$node->safe_psql('postgres', q{
	CREATE TABLE mine (source bigint, target bigint, owner name);
	INSERT INTO mine VALUES (1, 2, 'plain'), (3, 4, 'friend'), (5, 6, 'postgres');
	ALTER TABLE mine ENABLE ROW LEVEL SECURITY;
	CREATE POLICY own_rows ON mine USING (owner = current_user);
	GRANT SELECT ON mine TO plain, friend;
	CREATE FUNCTION as_owner() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS $$SELECT sum(node) FROM rk.graph_pagerank('mine')$$;
	CREATE FUNCTION as_friend() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS $$SELECT sum(node) FROM rk.graph_pagerank('mine')$$;
	ALTER FUNCTION as_friend() OWNER TO friend;
	CREATE VIEW through_view AS SELECT source, target FROM secret;
	GRANT SELECT ON through_view TO plain;
	INSERT INTO secret VALUES (10, 20, 1)});
my $sum = q{SELECT sum(node) FROM rk.graph_pagerank('mine')};
is($session->query_safe($sum), 3, 'row security: the rows of the caller');
is($session->query_safe("SET ROLE friend; $sum; RESET ROLE"), 7, 'of the role that was set');
is($session->query_safe('SELECT as_friend()'), 7, "of a function's owner");
is($node->safe_psql('postgres', $sum), 21, 'a superuser sees all');
is($session->query_safe('SELECT as_owner()'), 21, "and so does a superuser's function");
is($session->query_safe(q{SELECT sum(node) FROM rk.graph_pagerank('through_view')}), 30, "a view reads with its owner's rights");
my ($ret, $out, $err) = $node->psql('postgres', "SET row_security = off; SET ROLE plain; $sum");
like($err, qr/query would be affected by row-level security policy for table "mine"/, 'row_security = off is an error');
# an estimate reads no rows, and planning a call of a table one may not read works
is($session->query_safe(q{SELECT count(*) FROM (SELECT 1 FROM rk.kernels LIMIT 1) k}), 1, 'the catalogue is for everybody');

# ---- what other sessions see ----

my $running = session($node, on_error_stop => 0);
my $pid = $running->query_safe('SELECT pg_backend_pid()');
$node->safe_psql('postgres', 'CREATE TABLE middle AS ' . random_edges(400_000, 40_000) . '; VACUUM ANALYZE middle');
$node->safe_psql('postgres', 'CREATE DATABASE other');
start_query($running, q{SELECT count(*) FROM rk.graph_betweenness_centrality('middle')});
ok($node->poll_query_until('postgres', qq{SELECT phase = 'searching' FROM rk.stat_progress WHERE pid = $pid}), 'a run is seen');
is($node->safe_psql('postgres', qq{
		SELECT role, kernel, run_id > 0, phase, device, threads > 0, memory > 1000000, elapsed_ms BETWEEN 0 AND 60000, started BETWEEN now() - interval '1 minute' AND now(), fraction IS NULL OR fraction BETWEEN 0 AND 1
		FROM rk.stat_progress WHERE pid = $pid}),
	'postgres|graph/betweenness-centrality|t|searching|cpu|t|t|t|t|t', 'with what it is');
is($session->query_safe('SELECT count(*) FROM rk.stat_progress'), 0, 'not by a role without rights');
$node->safe_psql('postgres', 'GRANT pg_read_all_stats TO plain');
is($session->query_safe('SELECT count(*) FROM rk.stat_progress'), 1, 'but by members of pg_read_all_stats');
$node->safe_psql('other', 'CREATE EXTENSION rustkernels');
is($node->safe_psql('other', 'SELECT count(*) FROM rk.stat_progress'), 0, 'not in another database');
$node->safe_psql('postgres', "SELECT pg_cancel_backend($pid)");
wait_for_session($running);
is($node->safe_psql('postgres', 'SELECT count(*) FROM rk.stat_progress'), 0, 'and not when it has ended');

# a run that is read by another one is part of its reading
start_query($running, q{SELECT count(*) FROM rk.graph_pagerank('SELECT node AS source, node AS target FROM rk.graph_betweenness_centrality(''middle'')')});
ok($node->poll_query_until('postgres', qq{SELECT count(*) = 1 FROM rk.stat_progress WHERE pid = $pid AND kernel = 'graph/pagerank'}), 'a run within a run: the outer one is shown');
$node->safe_psql('postgres', "SELECT pg_cancel_backend($pid)");
wait_for_session($running);

# a killed server forgets its runs
start_query($running, q{SELECT count(*) FROM rk.graph_betweenness_centrality('middle')});
ok($node->poll_query_until('postgres', qq{SELECT count(*) = 1 FROM rk.stat_progress WHERE pid = $pid}), 'a run');
kill_process($node, "pid = $pid");
$running->{run}->kill_kill;
$session->{run}->kill_kill;
is($node->safe_psql('postgres', 'SELECT count(*) FROM rk.stat_progress'), 0, 'is gone after a crash');
is($node->safe_psql('postgres', q{SET rk.threads = 16; SELECT count(*) FROM rk.graph_pagerank('weighted'); SELECT threads FROM rk.last_run()}),
	"4000\n16", 'and its threads are free');

# ---- rk.last_run ----

is($node->safe_psql('postgres', 'SELECT num_nulls(run_id, kernel, elapsed_us) FROM rk.last_run()'), 3, 'no run yet');
is($node->safe_psql('postgres', q{
		SELECT count(*) FROM rk.graph_pagerank('weighted', max_iterations => 3);
		SELECT kernel, rows_in, rows_out, iterations, converged, reached_max, residual > 0, memory_peak > 1000000, device,
			elapsed_us >= read_us + compute_us + write_us, (SELECT string_agg(k, ' ' ORDER BY k) FROM jsonb_object_keys(phases) k)
		FROM rk.last_run()}),
	"4000\ngraph/pagerank|30000|4000|3|f|t|t|t|cpu|t|building computing planning reading relabelling writing",
	'the last run of the session');
(undef, my $after) = $node->psql('postgres', q{
	SELECT count(*) FROM rk.graph_pagerank('weighted', max_iterations => 3);
	SELECT count(*) FROM rk.graph_pagerank('weighted', damping => 2);
	SELECT count(*) FROM rk.graph_pagerank('nowhere');
	SELECT run_id, iterations FROM rk.last_run()}, on_error_stop => 0);
is($after, "4000\n1|3", 'a run that fails is not the last run');
$node->stop;

# ---- without shared_preload_libraries ----

my $lone = server('lone', preload => 0);
load_calls($lone);
$lone->safe_psql('postgres', 'CREATE TABLE edges AS ' . random_edges(500, 100));
for my $kernel (kernel_calls($lone, 100))
{
	my ($status, $stdout, $stderr) = $lone->psql('postgres', "SELECT count(*) FROM $kernel->{call}");

	is($status, 0, "$kernel->{name} works without preloading") or diag($stderr);
}
is($lone->safe_psql('postgres', 'SELECT count(*) FROM rk.stat_progress'), 0, 'rk.stat_progress is empty');
is($lone->safe_psql('postgres', q{SELECT count(*) > 0 FROM rk.kernels}), 't', 'the catalogue is there');
is($lone->safe_psql('postgres', q{SET rk.threads = 2; SELECT count(*) FROM rk.graph_pagerank('edges'); SELECT threads >= 1 FROM rk.last_run()}),
	"100\nt", 'threads are counted for the session');
# what needs shared memory says so
$lone->safe_psql('postgres', q{SELECT rk.context_create('a')});
my (undef, undef, $needs) = $lone->psql('postgres', q{
	\set VERBOSITY verbose
	SELECT * FROM rk.context_load('a', 'b', 'graph', 'SELECT 1 AS source, 2 AS target')});
like($needs, qr/55000.*HINT.*shared_preload_libraries/s, 'rk.context_load says what it needs');
$lone->stop;

done_testing();
