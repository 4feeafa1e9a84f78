
# Memory: rk.memory_limit refuses a run before it allocates, runs leave nothing
# behind, and neither do errors wherever they arise.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Rustkernels;
use Test::More;

my $node = server('memory', conf => "max_parallel_workers_per_gather = 1\n");
load_calls($node);

my $session = session($node, on_error_stop => 0);
my $pid = $session->query_safe('SELECT pg_backend_pid()');

# Highest memory use from now on, in kB.
sub reset_peak
{
	append_to_file("/proc/$pid/clear_refs", "5\n");
	return status_kb($pid, 'VmHWM');
}

# Runs a query that may fail; returns the message of its error.
sub error_of
{
	my ($query) = @_;

	$session->{stderr} = '';
	$session->query("$query;");
	my ($error) = $session->{stderr} =~ /ERROR:\s+(.*(?:\n.*)*)/;
	$session->{stderr} = '';
	return $error // '';
}

# Memory that the backend's contexts hold, less the caches, which fill.
my $held = q{SELECT sum(total_bytes) FROM pg_backend_memory_contexts
	WHERE name NOT IN ('CacheMemoryContext', 'index info', 'relation rules')};

# ---- the limit ----

edges_table($node, 'edges', 2_000_000, 200_000);
for my $kernel (kernel_calls($node, 200_000))
{
	my $name = $kernel->{name};

	next unless $kernel->{call} =~ /'edges'/;

	# a table of known size is refused before anything is read
	$session->query_safe(q{SET rk.memory_limit = '8MB'; SET rk.pool_retain = 0});
	error_of("EXPLAIN SELECT count(*) FROM $kernel->{call}");
	my $before = reset_peak();
	my $error = error_of("SELECT count(*) FROM $kernel->{call}");
	like($error, qr/more memory than rk\.memory_limit.*About \d+ MB.*the limit is 8 MB/s,
		"$name: refused, with both amounts");
	cmp_ok(status_kb($pid, 'VmHWM') - $before, '<', 4096, "$name: before it allocates");
	my ($hint) = $error =~ /HINT:\s+(SET rk\.memory_limit = '\d+MB';)/;
	ok($hint, "$name: the hint names a limit");

	# a query whose size is not known is refused as soon as it is too large; what
	# is above the limit are pages of the server's shared memory, and other arguments
	(my $call = $kernel->{call}) =~ s/'edges'/'SELECT source, target FROM edges WHERE source > -1'/;
	$session->query_safe(q{SET rk.memory_limit = '12MB'});
	$before = reset_peak();
	$error = error_of("SELECT count(*) FROM $call");
	like($error, qr/memory limit exceeded.*needs \d+ kB more, and the limit is 12288 kB/s,
		"$name: an unknown size is refused on the way");
	cmp_ok(status_kb($pid, 'VmHWM') - $before, '<', (12 + 20) * 1024,
		"$name: not much above the limit");
}
# wide ids count as well, of whatever type
my %wide = (numeric => '1e600 + %s', text => q{repeat(''x'', 300) || %s}, bytea => q{decode(repeat(''00'', 300), ''hex'') || int8send(%s)});
for my $type (sort keys %wide)
{
	my $call = sprintf "rk.graph_connected_components('SELECT $wide{$type} AS source, $wide{$type} AS target FROM edges WHERE source > -1', id_type => NULL::$type)",
	  'source', 'target';

	$session->query_safe(q{SET rk.memory_limit = '48MB'});
	my $before = reset_peak();
	like(error_of("SELECT count(*) FROM $call"), qr/memory limit exceeded/, "wide $type ids are refused above the limit");
	cmp_ok(status_kb($pid, 'VmHWM') - $before, '<', (48 + 8) * 1024, "wide $type ids: not much above it");
}
$session->query_safe('RESET rk.memory_limit; RESET rk.pool_retain');

# ---- the same again and again ----

$node->safe_psql('postgres', 'CREATE TABLE small AS ' . random_edges(60, 20));
$node->safe_psql('postgres', q{
	CREATE PROCEDURE repeat_call(call text, times int) LANGUAGE plpgsql AS $$
	DECLARE n bigint;
	BEGIN
		FOR i IN 1 .. times LOOP
			EXECUTE 'SELECT count(*) FROM ' || call INTO n;
		END LOOP;
	END
	$$});
for my $kernel (kernel_calls($node, 20))
{
	(my $call = $kernel->{call}) =~ s/'edges'/'small'/;
	my $times = $kernel->{name} eq 'graph_pagerank' ? 10_000 : 300;

	# notices about a short series, say, are no matter here
	$session->query_safe(q{SET client_min_messages = error});
	$session->query_safe("CALL repeat_call(\$c\$$call\$c\$, 50)");
	my $before = $session->query_safe($held);
	my $peak = reset_peak();
	$session->query_safe("CALL repeat_call(\$c\$$call\$c\$, $times)");
	cmp_ok(status_kb($pid, 'VmHWM') - $peak, '<', 3072, "$kernel->{name}: $times calls do not grow the backend");
	cmp_ok($session->query_safe($held) - $before, q{<}, 32768, "$kernel->{name}: nor its memory contexts");
}
is(threads_of($pid), 1, 'no threads are left');

# ---- errors ----

# A limit that grows from run to run makes one allocation after the other fail.
$node->safe_psql('postgres', 'CREATE TABLE medium AS ' . random_edges(100_000, 20_000));
my $log = -s $node->logfile;
my %phases;
for my $kernel (kernel_calls($node, 20_000, bounded => 1))
{
	(my $call = $kernel->{call}) =~ s/'edges'/'SELECT source, target FROM medium WHERE source > -1'/;
	my $errors = 0;
	my $wrong = '';

	next unless $call =~ /medium/;
	$session->query_safe("SET statement_timeout = '1s'");
	error_of("SELECT count(*) FROM $call");
	my $before = $session->query_safe($held);
	for (my $limit = 1024; $limit < 200_000; $limit = int($limit * 1.3))
	{
		$session->query_safe("SET rk.memory_limit = '${limit}kB'");
		my $error = error_of("SELECT count(*) FROM $call");
		last if $error eq '' || $error =~ /statement timeout/;
		$errors++;
		$wrong .= "$error\n" unless $error =~ /^memory limit exceeded|^run of .* needs more memory/;
	}
	cmp_ok($errors, '>', 2, "$kernel->{name}: $errors runs failed for lack of memory");
	is($wrong, '', "$kernel->{name}: all of them said so");
	is(threads_of($pid), 1, "$kernel->{name}: no thread is left");
	$session->query_safe('RESET statement_timeout; RESET rk.memory_limit');
	cmp_ok($session->query_safe($held) - $before, '<', 65536, "$kernel->{name}: no memory context is left");
}

# Errors of other kinds: in planning, in a row of edges, of nodes, of a relation
# that is read when the graph has been built, and in the rows on their way out.
my %mistakes = (
	planning => q{rk.graph_pagerank('SELECT nothing')},
	'reading edges' => q{rk.graph_pagerank('SELECT source, 1 / (source - 15000) AS target FROM medium')},
	'reading nodes' => q{rk.graph_pagerank('medium', nodes => 'SELECT 1 / (source - 15000) AS node FROM medium')},
	personalization => q{rk.graph_pagerank('medium', personalization => 'SELECT source AS node, 1 / (source - 15000) AS value FROM medium')},
	'unknown node' => q{rk.graph_pagerank('medium', personalization => 'SELECT -1 AS node, 1 AS value')},
	writing => q{rk.graph_pagerank('SELECT source + 30000 AS source, target FROM medium', id_type => NULL::smallint)},
	'a run in a run' => q{rk.graph_pagerank('SELECT node AS source, node AS target FROM rk.graph_pagerank(''SELECT 1/0 AS source, 1 AS target'')')});
for my $where (sort keys %mistakes)
{
	my $query = "SELECT count(*) FROM $mistakes{$where}";

	isnt(error_of($query), '', "$where: an error");
	my $before = $session->query_safe($held);
	error_of($query) for 1 .. 50;
	cmp_ok($session->query_safe($held) - $before, '<', 65536, "$where: leaves no memory");

	# caught, in a transaction that goes on
	my $caught = $session->query_safe(qq{
		BEGIN;
		DO \$d\$ BEGIN PERFORM count(*) FROM $mistakes{$where}; EXCEPTION WHEN OTHERS THEN NULL; END \$d\$;
		CREATE TEMPORARY TABLE written AS SELECT count(*) FROM small;
		SELECT count(*) FROM rk.graph_pagerank('small');
		ROLLBACK});
	is($caught, 20, "$where: caught, and the transaction goes on, reading and writing");
	is(threads_of($pid), 1, "$where: no thread is left");
}
is($session->query_safe('SELECT count(*) FROM rk.stat_progress'), 0, 'no progress is left');
is($session->query_safe('SHOW transaction_read_only'), 'off', 'the session is not left read only');
is($session->query_safe(q{SET rk.threads = 2; SET rk.max_threads = 2;
	SELECT count(*) FROM rk.graph_pagerank('small'); SELECT threads FROM rk.last_run()}), "20\n2", 'all threads are free');

my $written = substr(slurp_file($node->logfile), $log);
unlike($written, qr/WARNING|PANIC|leak|not closed|still referenced/, 'no warning in the log');

$session->quit;
$node->stop;
done_testing();
