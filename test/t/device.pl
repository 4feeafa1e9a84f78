# Devices: the worker process, transfer, fallback, circuit breaker, crashes.
#
# The device library is test/device/fake.c, which computes on the CPU and fails
# when it is told to; in the end the kernels for CUDA themselves, compiled for
# the CPU.

use strict;
use warnings;

use Cwd qw(abs_path);
use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Rustkernels;
use Test::More;
use Time::HiRes qw(time usleep);

my $library = "$FindBin::RealBin/../support/rustkernels_fake.so";
die "make fake-device builds $library" unless -e $library;

# the worker works in another directory
my $order = abs_path(PostgreSQL::Test::Utils::tempdir()) . '/order';
$ENV{RK_FAKE_DEVICE} = $order;

# Tells the fake device what to do.
sub device
{
	my ($word) = @_;

	open my $file, '>', "$order.new" or die $!;
	print $file $word;
	close $file;
	rename "$order.new", $order or die $!;
	return;
}

device('work');

# ---- without a library ----

my $node = server('device', conf => <<~'CONF');
	max_parallel_workers_per_gather = 1
	rk.circuit_reset_timeout = 4s
	rk.cuda_library = '/nowhere/rustkernels_cuda.so'
	CONF

edges_table($node, 'edges', 300_000, 30_000);
edges_table($node, 'small', 30, 10);
$node->safe_psql('postgres', 'CREATE TABLE weighted AS SELECT source, target, 0.5 + (source * 7 + target) % 10 AS weight FROM edges');

sub one { return $node->safe_psql('postgres', $_[0]); }

# Runs PageRank with some settings; returns device, reason, fallback's reason
# and the error output.
sub run_on
{
	my ($device, %o) = @_;
	my $edges = $o{edges} // 'edges';
	my ($out, $err);

	$node->psql('postgres', "SET rk.device = $device;"
		  . join('', map { "SET $_ = $o{set}{$_};" } sort keys %{ $o{set} // {} })
		  . "SELECT count(*), round(sum(score)::numeric, 9) FROM rk.graph_pagerank('$edges');"
		  . q{SELECT device, device_reason, fallback_reason FROM rk.last_run()},
		stdout => \$out, stderr => \$err);
	my ($result, $how) = split /\n/, $out;
	my ($where, $reason, $fallback) = split /\|/, $how // '', 3;
	return { result => $result, device => $where, reason => $reason, fallback => $fallback, error => $err };
}

sub ready
{
	$node->poll_query_until('postgres', q{SELECT bool_or(usable) FROM rk.devices WHERE device <> 'cpu'})
	  or die 'the device did not come up';
	return;
}

sub worker { return one('SELECT worker_pid FROM rk.stat_device'); }

like(one(q{SELECT state, usable, reason FROM rk.devices WHERE device = 'cuda'}),
	qr{^unavailable\|f\|the device library "/nowhere/rustkernels_cuda.so" is not installed$},
	'rk.devices says why there is no device');
my $r = run_on('auto');
is($r->{device}, 'cpu', 'auto means the CPU');
$r = run_on('cuda');
like($r->{error}, qr/no CUDA device is available\nDETAIL:.*is not installed/, 'cuda is an error');
like(one(q{SET rk.device = auto; SELECT count(*) FROM rk.graph_pagerank('small'); SELECT device_reason FROM rk.last_run()}),
	qr/estimated: cpu .* ms, cuda .* ms/, 'auto decides by an estimate');

# ---- no device ----

$node->adjust_conf('postgresql.conf', 'rk.cuda_library', "'$library'");
device('absent');
$node->restart;
$r = run_on('cuda');
like($r->{error}, qr/no CUDA device is available\nDETAIL:  Because no CUDA-capable device is detected/, 'the driver knows no device');
is(one(q{SELECT state, reason FROM rk.devices WHERE device <> 'cpu'}), 'unavailable|no CUDA-capable device is detected',
	'and rk.devices says so');
$node->poll_query_until('postgres', q{SELECT supervisor_pid IS NULL AND worker_pid IS NULL FROM rk.stat_device});
is(one(q{SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'rk gpu'}), '0', 'no process is left');

# ---- a device that works ----

device('work');
one('SELECT rk.device_restart()');
my $cpu = run_on('cpu');
is($cpu->{reason}, 'rk.device is cpu', 'the CPU on request');
$r = run_on('cuda');
is($r->{device}, 'cuda', 'a run on the device');
is($r->{result}, $cpu->{result}, 'has the result of the CPU');
is($r->{reason}, 'rk.device is cuda', 'and a reason');
is(one(q{SELECT device, state, usable, reason FROM rk.devices}),
	"cpu|ready|t|\ncuda:0|ready|t|\ncuda:1|unused|f|it is broken", 'rk.devices lists what was found');
is(run_on('cuda', edges => 'weighted')->{device}, 'cuda', 'weighted edges');
is(one(q{SET rk.device = cuda; CREATE TEMP TABLE a AS SELECT * FROM rk.graph_pagerank('weighted');
	SET rk.device = cpu; CREATE TEMP TABLE b AS SELECT * FROM rk.graph_pagerank('weighted');
	SELECT count(*), max(abs(a.score - b.score)) < 1e-12 FROM a JOIN b USING (node)}),
	'30000|t', 'have the same scores');
my $none;
$node->psql('postgres', q{SET rk.device = cuda; SELECT * FROM rk.graph_density('small')}, stderr => \$none);
like($none, qr/rk.graph_density has no form for CUDA devices/, 'a kernel without a form');
is(one(q{SELECT devices FROM rk.kernels WHERE id = 'graph/pagerank'}), '{cpu,cuda}', 'the catalogue knows which have one');

# ---- the choice ----

like(one('SELECT device FROM rk.device_calibrate()'), qr/^Fake device 0$/, 'the device is measured');
is(one('SELECT transfer_rate, launch_us FROM rk.stat_device'), '25000000000|5', 'and its constants are kept');
$r = run_on('auto');
is($r->{device}, 'cuda', 'auto takes the device for a large graph');
like($r->{reason}, qr/^estimated: cpu .* ms, cuda .* ms$/, 'and says why');
$r = run_on('auto', edges => 'small');
is($r->{device}, 'cpu', 'and the CPU for a small one');
like(run_on('auto', set => { 'rk.memory_limit' => "'8MB'" })->{reason}, qr/beyond rk.memory_limit|estimated/, 'copies count as memory');
$node->restart;
is(one('SELECT measured_on FROM rk.stat_device'), 'Fake device 0', 'constants survive a restart');
$r = run_on('auto');
like($r->{reason}, qr/no device: the device worker is starting/, 'auto does not wait for the worker');
ready();
is(run_on('auto')->{device}, 'cuda', 'the next run has it');

# ---- faults ----

for my $case ([ fail => 'launch failed' ], [ memory => 'out of memory' ])
{
	my ($word, $message) = @$case;
	my $before = one('SELECT fallbacks FROM rk.stat_device');

	device($word);
	$r = run_on('cuda');
	is($r->{device}, 'cpu', "$word: the CPU has done it");
	is($r->{result}, $cpu->{result}, "$word: with the right result");
	is($r->{fallback}, $message, "$word: and the reason is kept");
	like($r->{error}, qr/WARNING:  graph\/pagerank failed on the device and runs on the CPU/, "$word: a warning");
	is(one('SELECT fallbacks FROM rk.stat_device'), $before + 1, "$word: it is counted");
}
device('fail');
like(run_on('cuda', set => { 'rk.fallback' => 'off' })->{error}, qr/graph\/pagerank failed on the device\nDETAIL:  Because launch failed/,
	'rk.fallback = off makes it an error');
is(one(q{SELECT state FROM rk.stat_circuit}), 'closed', 'the breaker is closed still');
my ($out, $err);
$node->psql('postgres', q{SET rk.device = cuda; SELECT count(*) FROM rk.graph_pagerank('small'); SELECT count(*) FROM rk.graph_pagerank('small')},
	stdout => \$out, stderr => \$err);
is(scalar(() = $err =~ /WARNING/g), 1, 'a session is warned once');
is(one(q{SELECT state, failures FROM rk.stat_circuit}), 'open|5', 'five failures open the breaker');

# ---- the breaker ----

device('work');
$r = run_on('auto');
is($r->{device}, 'cpu', 'open: auto means the CPU');
like($r->{reason}, qr/^circuit breaker is open until /, 'open: and says so');
like(run_on('cuda')->{error}, qr/circuit breaker of graph\/pagerank on the device is open/, 'open: cuda is an error');
my $half_open = q{SELECT state = 'half_open' FROM rk.stat_circuit};
ok($node->poll_query_until('postgres', $half_open), 'half open after a while');
device('fail');
is(run_on('auto')->{device}, 'cpu', 'half open: a failure');
is(one(q{SELECT state FROM rk.stat_circuit}), 'open', 'opens it again');
$node->poll_query_until('postgres', $half_open);
device('work');
is(run_on('auto')->{device}, 'cuda', 'half open: a success');
is(one(q{SELECT state, successes FROM rk.stat_circuit}), 'half_open|1', 'is not enough');
is(run_on('auto')->{device}, 'cuda', 'half open: a second success');
is(one(q{SELECT state, failures FROM rk.stat_circuit}), 'closed|0', 'closes it');
one(q{SELECT rk.circuit_open('graph/pagerank')});
is(run_on('auto')->{device}, 'cpu', 'opened by hand');
one(q{SELECT rk.circuit_reset('graph/pagerank')});
is(run_on('auto')->{device}, 'cuda', 'and closed by hand');

device('decline');
my $fallbacks = one('SELECT fallbacks FROM rk.stat_device');
$r = run_on('cuda');
is("$r->{device}, $r->{reason}, $r->{error}", 'cpu, the device declined: not for me, ', 'an input that is not for the device');
is(one('SELECT fallbacks FROM rk.stat_device'), $fallbacks, 'is not a failure');

# ---- cancel ----

my $session = session($node, on_error_stop => 0);
my $pid = $session->query_safe('SELECT pg_backend_pid()');
$session->query_safe('SET rk.device = cuda');
my $query = q{SELECT count(*) FROM rk.graph_pagerank('edges')};

# Waits until the session's run is with the worker.
sub running
{
	$node->poll_query_until('postgres', qq{SELECT device = 'cuda' AND phase = 'computing' FROM rk.stat_progress WHERE pid = $pid})
	  or die 'no run';
	usleep(100_000);
	return;
}

# Descriptors that a process has open.
sub descriptors
{
	my ($process) = @_;
	my @all = glob("/proc/$process/fd/*");

	return scalar @all;
}

# The same of those that are memory files.
sub memory_files
{
	my ($process) = @_;

	return scalar grep { (readlink($_) // '') =~ /memfd:rustkernels/ } glob("/proc/$process/fd/*");
}

sub maps
{
	my ($process) = @_;

	return scalar grep { /memfd:rustkernels/ } split /\n/, slurp_file("/proc/$process/maps");
}

device('work');
$session->query_safe($query);
my $worker = worker();
my @before = (descriptors($worker), descriptors($pid));
my @delays;
for my $how ('pg_cancel_backend', 'statement_timeout')
{
	device('slow');
	my $sent;
	if ($how eq 'statement_timeout')
	{
		$session->query_safe(q{SET statement_timeout = '700ms'});
		start_query($session, $query);
		my $began = time;
		my $errors = wait_for_session($session);
		like($errors, qr/canceling statement due to statement timeout/, $how);
		cmp_ok(time - $began, '<', 0.7 + 5, "$how: in time");
		$session->query_safe(q{SET statement_timeout = 0});
	}
	else
	{
		start_query($session, $query);
		running();
		is(maps($worker), 1, 'the worker has the run in its memory');
		$sent = time;
		one("SELECT pg_cancel_backend($pid)");
		$node->poll_query_until('postgres', "SELECT state <> 'active' FROM pg_stat_activity WHERE pid = $pid");
		my $delay = time - $sent;
		like(wait_for_session($session), qr/canceling statement due to user request/, $how);
		# the loop's own period and two starts of psql are in it; the time itself is measured below
		cmp_ok($delay, '<', 5, sprintf '%s: ended after %.0f ms', $how, 1000 * $delay);
	}
	device('work');
	is($session->query_safe($query), '30000', "$how: the session goes on");
}
is(worker(), $worker, 'the worker is the same');
is(maps($worker), 0, 'and keeps no memory of runs');
is(memory_files($pid), 0, 'nor does the session');
is(one(q{SELECT memory_used FROM rk.stat_device}), '0', 'nor is memory of the device in use');
is(one(q{SELECT failures FROM rk.stat_circuit}), '0', 'a cancelled run is no failure');

# the delay measured in one server process
$node->safe_psql('postgres', q{
	CREATE FUNCTION cancel_delay(p int) RETURNS float8 LANGUAGE plpgsql AS $$
	DECLARE
		began timestamptz := clock_timestamp();
	BEGIN
		PERFORM pg_cancel_backend(p);
		LOOP
			PERFORM pg_stat_clear_snapshot();
			EXIT WHEN (SELECT state FROM pg_stat_activity WHERE pid = p) <> 'active';
			PERFORM pg_sleep(0.0005);
		END LOOP;
		RETURN round(1000 * extract(epoch FROM clock_timestamp() - began), 1);
	END
	$$});
device('slow');
for (1 .. 3)
{
	start_query($session, $query);
	running();
	push @delays, one("SELECT cancel_delay($pid)");
	wait_for_session($session);
}
my ($best) = sort { $a <=> $b } @delays;
cmp_ok($best, '<', 100, "a waiting backend is cancelled within 100 ms (@delays ms)");
device('work');

# many runs leave nothing behind
$session->query_safe($query) for 1 .. 5;
my $rss = status_kb($worker, 'VmRSS');
$session->query_safe($query) for 1 .. 30;
is(join(' ', descriptors($worker), descriptors($pid)), "@before", 'no descriptor is left open');
cmp_ok(status_kb($worker, 'VmRSS'), '<', $rss + 8192, 'the worker does not grow');

# ---- the worker dies ----

for my $how ('KILL', 'crash', 'lost')
{
	one('SELECT rk.device_restart()');
	ready();
	$worker = worker();
	one(q{SELECT rk.circuit_reset('graph/pagerank')});
	if ($how eq 'KILL')
	{
		device('slow');
		start_query($session, "$query; SELECT fallback_reason FROM rk.last_run()");
		running();
		kill 'KILL', $worker;
		device('work');
		is(wait_for_session($session) =~ /ended during the run/, 1, 'killed during a run: the session is warned');
		is($session->query_safe('SELECT device FROM rk.last_run()'), 'cpu', 'killed during a run: the CPU has done it');
	}
	else
	{
		device($how);
		$r = run_on('cuda');
		device('work');
		is($r->{result}, $cpu->{result}, "$how: the result is right");
		like($r->{fallback}, $how eq 'lost' ? qr/illegal memory access/ : qr/the device worker ended during the run/, "$how: the reason");
	}
	$node->poll_query_until('postgres', "SELECT worker_pid <> $worker FROM rk.stat_device");
	ready();
	is(run_on('cuda')->{device}, 'cuda', "$how: the worker is back");
}
is($session->query_safe('SELECT pg_backend_pid()'), $pid, 'no backend has died');

# between two runs the death is not seen by the session
$worker = worker();
kill 'KILL', $worker;
$node->poll_query_until('postgres', "SELECT worker_pid <> $worker FROM rk.stat_device");
ready();
is($session->query_safe("$query; SELECT device FROM rk.last_run()"), "30000\ncuda", 'a session connects to the next worker');

# while it opens the device, which takes seconds where no process has it open: auto does
# not wait, and who does gets the next worker
one('SELECT rk.device_restart()');
ready();
device('opening');
$worker = worker();
one('SELECT rk.device_restart()');
$node->poll_query_until('postgres', "SELECT worker_pid <> $worker FROM rk.stat_device");
$r = run_on('auto', edges => 'edges', set => { 'rk.threads' => 1 });
is($r->{device}, 'cpu', 'auto does not wait for a device that opens');
start_query($session, "$query; SELECT device FROM rk.last_run()");
usleep(200_000);
$worker = worker();
kill 'KILL', $worker;
$node->poll_query_until('postgres', "SELECT worker_pid <> $worker FROM rk.stat_device");
device('work');
is(wait_for_session($session), '', 'killed while it opens the device: who waits is not warned');
is($session->query_safe('SELECT device FROM rk.last_run()'), 'cuda', 'and runs on the next one');

# with runs that wait behind another one
one('SELECT rk.device_restart()');
ready();
device('slow');
my @behind = map { session($node, on_error_stop => 0) } 1 .. 2;
$_->query_safe("SET rk.device = cuda") for @behind;
start_query($_, $query) for $session, @behind;
running();
usleep(200_000);
$worker = worker();
kill 'KILL', $worker;
device('work');
for my $s ($session, @behind)
{
	wait_for_session($s);
	is($s->query_safe('SELECT device, fallback_reason FROM rk.last_run()'), 'cpu|the device worker ended during the run',
		'killed with runs that wait: the CPU does them');
}
$_->quit for @behind;
$node->poll_query_until('postgres', "SELECT worker_pid <> $worker FROM rk.stat_device");
ready();
is(run_on('cuda')->{device}, 'cuda', 'and the next worker serves');
one('SELECT rk.device_restart()');
ready();

# three times in a minute
for (1 .. 3)
{
	my $state = one(q{SELECT state FROM rk.devices WHERE device LIKE 'cuda%' AND state <> 'unused'});
	last if $state eq 'off';
	ready();
	$worker = worker();
	kill 'KILL', $worker;
	$node->poll_query_until('postgres', "SELECT worker_pid IS DISTINCT FROM $worker FROM rk.stat_device");
	usleep(200_000);
}
like(one(q{SELECT state, reason FROM rk.devices WHERE device LIKE 'cuda%' AND state <> 'unused'}),
	qr/^off\|the device worker has failed three times, off until/, 'a worker that fails again and again is left alone');
like(run_on('auto')->{reason}, qr/no device: the device worker has failed/, 'and auto means the CPU');
one('SELECT rk.device_restart()');
ready();
is(run_on('auto')->{device}, 'cuda', 'rk.device_restart() has it back');

# a run that does not heed its request to stop
$worker = worker();
device('stubborn');
start_query($session, $query);
running();
one("SELECT pg_cancel_backend($pid)");
wait_for_session($session);
$node->poll_query_until('postgres', "SELECT worker_pid <> $worker FROM rk.stat_device");
device('work');
ready();
ok($node->log_contains(qr/a run did not stop within 10 s/), 'a stubborn run ends the worker, not the server');

# a session that dies while it waits
device('slow');
start_query($session, $query);
running();
$worker = worker();
one("SELECT pg_terminate_backend($pid, 5000)");
$session->{run}->kill_kill;
for (1 .. 100) { last if maps($worker) == 0; usleep(50_000); }
is(maps($worker), 0, 'the run of a session that was terminated is dropped');
device('work');
is(run_on('cuda')->{device}, 'cuda', 'and the next one is served');

# ---- graphs that stay ----

one(q{SELECT rk.context_create('net'); SELECT rk.context_load('net', 'g', 'graph', 'SELECT * FROM edges')});
my ($resident, $to) = split /\|/, one('SELECT resident, bytes_to FROM rk.stat_device');
run_on('cuda', edges => 'context:net/g');
my ($resident1, $to1) = split /\|/, one('SELECT resident, bytes_to FROM rk.stat_device');
is($resident1, $resident, 'the first run over a context sends the graph');
cmp_ok($to1 - $to, '>', 1_000_000, 'all of it');
$r = run_on('cuda', edges => 'context:net/g');
my ($resident2, $to2) = split /\|/, one('SELECT resident, bytes_to FROM rk.stat_device');
is($resident2, $resident + 1, 'the second one finds it there');
is($to2, $to1, 'and sends nothing');
is($r->{result}, $cpu->{result}, 'with the same result');
is(one('SELECT graphs, memory_used > 1000000 FROM rk.stat_device'), '1|t', 'it is in the statistics');
one(q{SELECT rk.context_refresh('net', 'g')});
run_on('cuda', edges => 'context:net/g');
is(one("SELECT resident, graphs FROM rk.stat_device"), "$resident2|1", 'a context that was read anew is sent anew, in place of the old one');

# ---- every kernel ----

my @queries = (
	'graph_pagerank' => q{SELECT node, round(score::numeric, 12) FROM rk.graph_pagerank('$edges')},
	'graph_connected_components' => q{SELECT * FROM rk.graph_connected_components('$edges')},
	'graph_triangle_counting' => q{SELECT * FROM rk.graph_triangle_counting('$edges')},
	'graph_triangle_counting_total' => q{SELECT * FROM rk.graph_triangle_counting_total('$edges')},
	'graph_shortest_path' => q{SELECT * FROM rk.graph_shortest_path('$edges', 0, include_unreachable => true)},
	'graph_shortest_path 2' => q{SELECT * FROM rk.graph_shortest_path('$edges', 0, directed => false, max_distance => 2.5)},
	'graph_connected_components_sizes' => q{SELECT * FROM rk.graph_connected_components_sizes('$edges')},
	'graph_label_propagation' => q{SELECT * FROM rk.graph_label_propagation('$edges')},
	'graph_label_propagation 2' => q{SELECT * FROM rk.graph_label_propagation('$edges', directed => true,
		initial => 'SELECT DISTINCT source AS node, source % 7 AS label, source % 2 = 0 AS fixed FROM sparse WHERE source % 4 = 0')},
	'graph_louvain_community' => q{SELECT * FROM rk.graph_louvain_community('$edges', seed => 5)},
	'graph_louvain_community 2' => q{SELECT * FROM rk.graph_louvain_community('$edges', algorithm => 'leiden', directed => true, max_iterations => 3)},
	'graph_shortest_path 3' => q{SELECT * FROM rk.graph_shortest_path('SELECT source, target, (source * 7 + target) % 10 / 4.0 AS weight FROM sparse', 0)},
	'graph_jaccard_similarity' => q{SELECT * FROM rk.graph_jaccard_similarity('$edges', pairs => 'SELECT source AS node_a, target AS node_b FROM sparse')},
	'graph_cosine_similarity' => q{SELECT * FROM rk.graph_cosine_similarity('$edges', pairs => 'SELECT source AS node_a, target AS node_b FROM sparse', direction => 'out')},
	'graph_adamic_adar' => q{SELECT * FROM rk.graph_adamic_adar('$edges', pairs => 'SELECT source AS node_a, target AS node_b FROM sparse', direction => 'in')},
	'graph_common_neighbors' => q{SELECT * FROM rk.graph_common_neighbors('$edges', pairs => 'SELECT source AS node_a, target AS node_b FROM sparse', min_count => 0)},
	'graph_jaccard_similarity of all' => q{SELECT * FROM rk.graph_jaccard_similarity('$edges', per_node => 3)},
	'graph_cosine_similarity of all' => q{SELECT * FROM rk.graph_cosine_similarity('$edges', top_k => 500, exclude_connected => true)},
	'graph_adamic_adar of all' => q{SELECT * FROM rk.graph_adamic_adar('$edges', min_score => 0.2)},
	'graph_common_neighbors of all' => q{SELECT * FROM rk.graph_common_neighbors('$edges', with_members => true, top_k => 200)},
	'graph_betweenness_centrality' => q{SELECT node, round(score::numeric, 12) FROM rk.graph_betweenness_centrality('$edges', samples => 5)},
	'graph_betweenness_centrality by length' => q{SELECT node, round(score::numeric, 12) FROM rk.graph_betweenness_centrality('SELECT source, target, 1 + (source + target) % 3 AS weight FROM sparse', weighted => true, samples => 5)},
	'graph_betweenness_centrality_edges' => q{SELECT source, target, round(score::numeric, 12) FROM rk.graph_betweenness_centrality_edges('$edges', samples => 3)},
	'graph_betweenness_centrality within' => q{SELECT node, score FROM rk.graph_betweenness_centrality('$edges', epsilon => 0.1)},
	'graph_shortest_path_pairs' => q{SELECT * FROM rk.graph_shortest_path_pairs('$edges', pairs => 'SELECT source AS node_a, (source * 7 + target) % 900 AS node_b FROM sparse WHERE source % 40 = 0')},
	'graph_shortest_path_pairs by length' => q{SELECT * FROM rk.graph_shortest_path_pairs('SELECT source, target, (source * 7 + target) % 10 / 4.0 AS weight FROM sparse WHERE source < 3000', pairs => 'SELECT source AS node_a, target AS node_b FROM sparse WHERE source < 100', max_distance => 20)},
	'graph_betweenness_centrality within by length' => q{SELECT node, score FROM rk.graph_betweenness_centrality('SELECT source, target, 1 + (source + target) % 3 AS weight FROM sparse WHERE source < 3000', weighted => true, epsilon => 0.3)},
	'graph_shortest_path_eccentricity' => q{SELECT * FROM rk.graph_shortest_path_eccentricity('sparse')},
	'graph_shortest_path_eccentricity by length' => q{SELECT * FROM rk.graph_shortest_path_eccentricity('SELECT source, target, 1 + (source + target) % 3 AS weight FROM sparse WHERE source < 900', weighted => true, directed => false)},
	'graph_average_path_length' => q{SELECT * FROM rk.graph_average_path_length('$edges', samples => 5)},
	'graph_average_path_length by length' => q{SELECT round(average_path_length::numeric, 10) AS a, diameter, radius, round(global_efficiency::numeric, 12) AS e, reachable_pairs FROM rk.graph_average_path_length('SELECT source, target, 1 + (source + target) % 3 AS weight FROM sparse', weighted => true, samples => 50)},
	'graph_betweenness_centrality_edges within' => q{SELECT source, target, score FROM rk.graph_betweenness_centrality_edges('sparse', directed => false, epsilon => 0.1)},
	'graph_betweenness_centrality_edges by length' => q{SELECT source, target, round(score::numeric, 12) FROM rk.graph_betweenness_centrality_edges('SELECT source, target, 1 + (source + target) % 3 AS weight FROM sparse', weighted => true, directed => false, samples => 5)},
	'graph_katz_centrality' => q{SELECT node, round(score::numeric, 12) FROM rk.graph_katz_centrality('$edges', norm => 'max')},
	'graph_eigenvector_centrality' => q{SELECT node, round(score::numeric, 10) FROM rk.graph_eigenvector_centrality('$edges', directed => false)},
);
my $book = q{$$SELECT 'p' || i AS id, (1000 * (i - 20))::numeric AS value, 0.1 + i / 100.0 AS volatility, 0.02 AS expected_return
	FROM generate_series(1, 41) i$$};

my $alike = q{$$SELECT 'p' || i AS asset_i, 'p' || j AS asset_j, 0.5 * 0.9 ^ (j - i) AS correlation
	FROM generate_series(1, 41) i, generate_series(i + 1, 41) j$$};
sub simulated { return qq{SELECT round(var::numeric, 4) AS var, round(expected_shortfall::numeric, 4) AS es, round(mean_pnl::numeric, 4) AS m,
	round(std_pnl::numeric, 4) AS s FROM rk.risk_monte_carlo_var($book, simulations => 5001, $_[0])} }

# a network of two layers and a layer of attention over three features of a node
my $points = q{$$SELECT i AS id, (i % 7) / 7.0 AS a, (i % 11) / 11.0 - 0.5 AS b, sin(i) AS c FROM generate_series(0::bigint, 30100) i$$};
my $network = q{'{"add_self_loops": false, "aggregation": "AGG", "layers": [
	{"weight": [[0.5, -0.2], [0.1, 0.9], [-0.4, 0.3]], "self_weight": [[0.1, 0.2], [0.3, 0.4], [0.5, 0.6]], "bias": [0.1, -0.1], "layer_norm": {"gamma": [1, 2]}},
	{"weight": [[0.3, 0.1, 0.7], [-0.6, 0.5, 0.2]]}]}'};
my $attention = q{'{"variant": "VAR", "concat_heads": true, "bias": [0.1, 0.2, 0.3, 0.4], "activation": "elu", "heads": [
	{"weight": [[0.5, -0.2], [0.1, 0.9], [-0.4, 0.3]], "attention": [0.3, -0.2, 0.5, 0.7]},
	{"query": [[0.5, 0.2], [0.1, 0.9], [0.4, 0.3]], "key": [[1, 2], [0.1, 0.2], [0.3, 0.1]], "value": [[2, 1], [1, 2], [3, 1]],
	 "attention": [0.1, 0.2, -0.5, 0.7]}]}'};
sub network { return $network =~ s/AGG/$_[0]/r }
my $gat = $attention =~ s/VAR/gat/r;
my $gatv2 = $attention =~ s/VAR/gatv2/r =~ s/"attention": \[0.3, -0.2, 0.5, 0.7\]/"attention": [0.3, -0.2]/r =~ s/"attention": \[0.1, 0.2, -0.5, 0.7\]/"attention": [0.1, 0.2]/r;
my @neural = (
	graph_gnn_inference => qq{SELECT * FROM rk.graph_gnn_inference('\$edges', $points, ${\network('mean')})},
	'graph_gnn_inference 2' => qq{SELECT * FROM rk.graph_gnn_inference('\$edges', $points, ${\network('gcn')}, directed => true, weighted => true, compute_type => 'float8')},
	graph_graph_attention => qq{SELECT * FROM rk.graph_graph_attention('\$edges', $points, $gat)},
	graph_graph_attention_weights => qq{SELECT * FROM rk.graph_graph_attention_weights('\$edges', $points, $gatv2, directed => true, compute_type => 'float8')},
);
my $returns = q{$$SELECT s AS series_id, i AS t, sin(i * s) * (1 + 0.5 * sin(i / 20.0)) + cos(i * i) AS value FROM generate_series(1, 7) s, generate_series(1, 40 + 10 * s) i$$};
# of each kind: a walk, one with gaps, a constant, few values
my $levels = q{$$SELECT s AS series_id, i AS t, CASE WHEN s = 2 AND i % 9 = 4 THEN NULL WHEN s = 3 THEN 5 ELSE
	sum(((hashint8(s * 1000 + i) & 1023) - 511) / 400.0) OVER (PARTITION BY s ORDER BY i) END AS value
	FROM generate_series(1::bigint, 9) s, generate_series(1::bigint, CASE WHEN s = 4 THEN 6 ELSE 50 + 5 * s END) i$$};
my $assets = q{$$SELECT a AS asset, '2026-01-01'::timestamptz + k * interval '1 day' AS ts, sin(a * k) + a * cos(k) AS value FROM generate_series(1, 9) a, generate_series(1, 30) k$$};
my $holdings = q{$$SELECT 'p' || i AS id, (i * 1000.37 - 20000)::numeric(12, 2) AS value, (ARRAY['equity', 'rate', 'fx', 'vol'])[i % 4 + 1] AS asset_class
	FROM generate_series(1, 99) i$$};
my $greeks = q{$$SELECT 'p' || i AS id, f AS factor, sin(i) AS delta, cos(i) AS gamma, -i AS rho, i / 7.0 AS convexity, i * 1e3 AS vega
	FROM generate_series(1, 99) i, unnest(ARRAY['equity', 'rate', 'vol']) f$$};
my @risks = (
	risk_stress_testing => qq{SELECT * FROM rk.risk_stress_testing($holdings, id_type => NULL::text)},
	'risk_stress_testing of Greeks' => qq{SELECT * FROM rk.risk_stress_testing($holdings, id_type => NULL::text, sensitivities => $greeks)},
	risk_stress_testing_summary => qq{SELECT * FROM rk.risk_stress_testing_summary($holdings, sensitivities => $greeks)},
	risk_realtime_correlation => qq{SELECT asset_i, asset_j, round(correlation::numeric, 10) AS r, round(covariance::numeric, 10) AS c, num_observations FROM rk.risk_realtime_correlation($assets, as_of_previous => '2026-01-20')},
	temporal_volatility_analysis => qq{SELECT * FROM rk.temporal_volatility_analysis($returns, model => 'gjr', horizon => 3)},
	temporal_garch_fit => qq{SELECT * FROM rk.temporal_garch_fit($returns, distribution => 't', mean => 'ar1')},
	temporal_arima_forecast => qq{SELECT * FROM rk.temporal_arima_forecast($levels, seasonal_order => '{1,0,0,4}', horizon => 3)},
	temporal_arima_fit => qq{SELECT * FROM rk.temporal_arima_fit($levels, p => 2, d => 0, method => 'ml')},
	'temporal_arima_fit 2' => qq{SELECT * FROM rk.temporal_arima_fit($levels, method => 'css', trend => 'drift')},
	(map { s/\$edges/weighted/r } @neural),
	risk_monte_carlo_var => qq{SELECT var, round(expected_shortfall::numeric, 5) AS es, var_lower, var_upper, round(mean_pnl::numeric, 5) AS m, round(std_pnl::numeric, 5) AS s, percentiles FROM rk.risk_monte_carlo_var($book, simulations => 20001)},
	risk_monte_carlo_var_scenarios => qq{SELECT * FROM rk.risk_monte_carlo_var_scenarios($book, simulations => 5001, antithetic => true, seed => 77)},
	risk_monte_carlo_var_components => qq{SELECT id, round(component_var::numeric, 4) AS c, round(component_expected_shortfall::numeric, 4) AS e FROM rk.risk_monte_carlo_var_components($book, correlations => $alike, simulations => 5001, id_type => NULL::text)},
	'risk_monte_carlo_var_components of lognormal prices' => qq{SELECT id, round(component_var::numeric, 4) AS c, round(component_expected_shortfall::numeric, 4) AS e FROM rk.risk_monte_carlo_var_components($book, returns => 'geometric', correlations => $alike, simulations => 5001, id_type => NULL::text)},
	'risk_monte_carlo_var of lognormal prices' => simulated(q{returns => 'geometric'}),
	'risk_monte_carlo_var of Student' => simulated(q{distribution => 'student_t'}),
	'risk_monte_carlo_var of Sobol' => simulated(q{sampling => 'sobol'}),
	'risk_monte_carlo_var of all' => simulated(qq{returns => 'geometric', correlations => $alike, distribution => 'student_t', sampling => 'sobol', antithetic => true}),
);
my @kernels = (
	'graph_pagerank' => q{SELECT node, round(score::numeric, 12) FROM rk.graph_pagerank('few')},
	'graph_pagerank of a context' => q{SELECT node, round(score::numeric, 12) FROM rk.graph_pagerank('context:net/s')},
	'graph_connected_components' => q{SELECT * FROM rk.graph_connected_components('few')},
	'graph_triangle_counting' => q{SELECT * FROM rk.graph_triangle_counting('few')},
	'graph_shortest_path' => q{SELECT * FROM rk.graph_shortest_path('few', 0, weighted => false)},
	'graph_label_propagation' => q{SELECT * FROM rk.graph_label_propagation('few')},
	'graph_label_propagation cdlp' => q{SELECT * FROM rk.graph_label_propagation('few', variant => 'cdlp', max_iterations => 10)},
	'graph_louvain_community' => q{SELECT * FROM rk.graph_louvain_community('few', max_levels => 1, max_iterations => 2)},
	'graph_shortest_path by length' => q{SELECT * FROM rk.graph_shortest_path('few', 0)},
	'graph_jaccard_similarity' => q{SELECT * FROM rk.graph_jaccard_similarity('few', pairs => 'SELECT source AS node_a, target AS node_b FROM few')},
	'graph_cosine_similarity' => q{SELECT * FROM rk.graph_cosine_similarity('few', pairs => 'SELECT source AS node_a, target AS node_b FROM few')},
	'graph_adamic_adar' => q{SELECT * FROM rk.graph_adamic_adar('few', pairs => 'SELECT source AS node_a, target AS node_b FROM few')},
	'graph_jaccard_similarity of all' => q{SELECT * FROM rk.graph_jaccard_similarity('few', weighted => true, min_score => 0.1)},
	'graph_cosine_similarity of all' => q{SELECT * FROM rk.graph_cosine_similarity('few', weighted => true, per_node => 4)},
	'graph_adamic_adar of all' => q{SELECT * FROM rk.graph_adamic_adar('few', top_k => 300)},
	'graph_common_neighbors of all' => q{SELECT * FROM rk.graph_common_neighbors('few', with_members => true, min_count => 4)},
	'graph_betweenness_centrality' => q{SELECT node, round(score::numeric, 12) FROM rk.graph_betweenness_centrality('few', weighted => false, directed => false, samples => 50)},
	'graph_betweenness_centrality 2' => q{SELECT node, round(score::numeric, 12) FROM rk.graph_betweenness_centrality('sparse', endpoints => true, samples => 50)},
	'graph_betweenness_centrality by length' => q{SELECT node, round(score::numeric, 12) FROM rk.graph_betweenness_centrality('few', weighted => true, samples => 5)},
	'graph_betweenness_centrality_edges' => q{SELECT source, target, round(score::numeric, 12) FROM rk.graph_betweenness_centrality_edges('few', weighted => false, samples => 5)},
	'graph_shortest_path_eccentricity' => q{SELECT * FROM rk.graph_shortest_path_eccentricity('few', weighted => false)},
	'graph_shortest_path_pairs' => q{SELECT * FROM rk.graph_shortest_path_pairs('few', weighted => false, pairs => 'SELECT source AS node_a, target % 20 AS node_b FROM few')},
	'graph_shortest_path_pairs by length' => q{SELECT * FROM rk.graph_shortest_path_pairs('few', weighted => true, directed => false, pairs => 'SELECT source AS node_a, target % 20 AS node_b FROM few WHERE source < 6')},
	'graph_average_path_length' => q{SELECT * FROM rk.graph_average_path_length('few', weighted => false, directed => true)},
	'graph_average_path_length by length' => q{SELECT round(average_path_length::numeric, 10) AS a, diameter, radius, round(global_efficiency::numeric, 12) AS e, reachable_pairs FROM rk.graph_average_path_length('few', weighted => true, samples => 3)},
	'graph_betweenness_centrality within' => q{SELECT node, score FROM rk.graph_betweenness_centrality('few', weighted => false, epsilon => 0.15)},
	'graph_betweenness_centrality_edges within' => q{SELECT source, target, score FROM rk.graph_betweenness_centrality_edges('few', weighted => false, directed => false, epsilon => 0.15)},
	'graph_betweenness_centrality_edges by length' => q{SELECT source, target, round(score::numeric, 12) FROM rk.graph_betweenness_centrality_edges('few', weighted => true, directed => false, samples => 5)},
	'graph_katz_centrality' => q{SELECT node, round(score::numeric, 10) FROM rk.graph_katz_centrality('few')},
	'graph_eigenvector_centrality' => q{SELECT node, round(score::numeric, 9) FROM rk.graph_eigenvector_centrality('few', max_iterations => 18)},
	'graph_gnn_inference' => qq{SELECT node, ARRAY(SELECT round(x::numeric, 9) FROM unnest(embedding) x) FROM rk.graph_gnn_inference('few', $points, ${\network('gcn')}, weighted => true, compute_type => 'float8')},
	'graph_graph_attention' => qq{SELECT node, ARRAY(SELECT round(x::numeric, 9) FROM unnest(embedding || importance) x) FROM rk.graph_graph_attention('few', $points, $gatv2, compute_type => 'float8')},
	'temporal_garch_fit' => qq{SELECT series_id, status, round(log_likelihood::numeric, 5) AS ll FROM rk.temporal_garch_fit($returns)},
	'temporal_arima_fit' => qq{SELECT series_id, status, orders, round(ar[1]::numeric, 5) AS ar, round(ma[1]::numeric, 5) AS ma, round(log_likelihood::numeric, 8) AS ll, n FROM rk.temporal_arima_fit($levels)},
	'temporal_arima_forecast' => qq{SELECT series_id, t, kind, value, round(expected::numeric, 5) AS e, round(std_error::numeric, 5) AS s FROM rk.temporal_arima_forecast($levels, p => 0, seasonal_order => '{0,1,1,4}')},
	'risk_realtime_correlation' => qq{SELECT asset_i, asset_j, round(correlation::numeric, 9) AS r FROM rk.risk_realtime_correlation($assets, estimator => 'spearman')},
	'risk_monte_carlo_var' => qq{SELECT round(var::numeric, 5) AS var, round(expected_shortfall::numeric, 5) AS es FROM rk.risk_monte_carlo_var($book, simulations => 20001)},
	'risk_monte_carlo_var of lognormal prices' => simulated(qq{returns => 'geometric', correlations => $alike}),
	'risk_monte_carlo_var of Student, Sobol' => simulated(q{distribution => 'student_t', degrees_of_freedom => 3.5, sampling => 'sobol', antithetic => true}),
);
one(q{CREATE TABLE sparse AS SELECT i AS source, i + 1 + i % 5 AS target FROM generate_series(0::bigint, 5000, 3) i;
	SELECT rk.context_load('net', 's', 'graph', 'SELECT * FROM sparse')});
my $tried = join ',', map { /^(\w+)/ ? "'$1'" : () } grep { !/SELECT/ } @queries, @risks;
is(one(qq{SELECT string_agg(id, ' ') FROM rk.kernels WHERE 'cuda' = ANY (devices)
	AND NOT EXISTS (SELECT FROM unnest(ARRAY[$tried]) f WHERE starts_with(f, translate(id, '/-', '__')))}),
	'', 'every kernel with a form is tried');
while (my ($name, $text) = splice @queries, 0, 2)
{
	for my $edges ('edges', 'sparse', 'context:net/g', 'context:net/s', 'context:net/s')
	{
		my $query = $text =~ s/\$edges/$edges/gr;

		is(one(qq{SET client_min_messages = error;
			SET rk.device = cpu; CREATE TEMP TABLE a AS $query;
			SET rk.device = cuda; CREATE TEMP TABLE b AS $query;
			SELECT device, (SELECT count(*) FROM ((TABLE a EXCEPT ALL TABLE b) UNION ALL (TABLE b EXCEPT ALL TABLE a)) d),
				(SELECT count(*) > 0 FROM a) FROM rk.last_run()}),
			'cuda|0|t', "$name of $edges: the device has the CPU's rows");
	}
	is(one(qq{SET rk.device = cuda; SELECT count(*) FROM ($text) q} =~ s/\$edges/[]/r), '0', "$name of nothing")
		if $name !~ /total|average/ && $text =~ /'\$edges'/ && $text !~ /initial|node_b/;
}
while (my ($name, $query) = splice @risks, 0, 2)
{
	is(one(qq{SET rk.device = cpu; CREATE TEMP TABLE a AS $query;
		SET rk.device = cuda; CREATE TEMP TABLE b AS $query;
		SELECT device, (SELECT count(*) FROM ((TABLE a EXCEPT ALL TABLE b) UNION ALL (TABLE b EXCEPT ALL TABLE a)) d),
			(SELECT count(*) > 0 FROM a) FROM rk.last_run()}),
		'cuda|0|t', "$name: the device has the CPU's rows");
}
my $beyond;
$node->psql('postgres', qq{SET rk.device = cuda; SELECT count(*) FROM rk.graph_gnn_inference('edges', } . $points =~ s/sin\(i\)/1e308/r . qq{, ${\network('sum')}, compute_type => 'float8')}, stderr => \$beyond);
like($beyond, qr/embedding of node \S+ is out of range/, 'what the device declines is the error of the CPU');
my $smooth;
$node->psql('postgres', qq{SET rk.device = cuda; SELECT * FROM rk.temporal_volatility_analysis($returns, model => 'ewma')}, stderr => \$smooth);
like($smooth, qr/no form for CUDA devices with these arguments\nDETAIL:  Because the device fits/, 'nor have models that are not fitted');
for my $case ("auto => true|orders are chosen", "p => 0, q => 0|a model without", "p => 0, seasonal_order => '{1,0,0,600}'|the device takes states of up to 512")
{
	my ($arguments, $reason) = split /\|/, $case;
	my $picked;

	$node->psql('postgres', qq{SET rk.device = cuda; SELECT * FROM rk.temporal_arima_fit($levels, $arguments)}, stderr => \$picked);
	like($picked, qr/no form for CUDA devices with these arguments\nDETAIL:  Because $reason/, "nor has ARIMA with $arguments");
}
is(one(qq{SET client_min_messages = error; SELECT count(*) FROM rk.temporal_arima_fit($levels, auto => true, max_p => 1, max_q => 1);
	SELECT device, device_reason FROM rk.last_run()}), "9\ncpu|orders are chosen on the CPU only", 'which is the CPU then');
my $gaps;
$node->psql('postgres', q{SET rk.device = cuda; SELECT * FROM rk.risk_realtime_correlation('SELECT a AS asset, now() + a * k * interval ''1 day'' AS ts, a + k AS value FROM generate_series(1, 3) a, generate_series(1, 9) k')}, stderr => \$gaps);
like($gaps, qr/no form for CUDA devices with these arguments\nDETAIL:  Because the series have gaps/, 'nor have series with gaps');
for ('paths => true|nodes of paths are listed on the CPU only', 'pairs => NULL|rows of all pairs are made on the CPU only')
{
	my ($argument, $reason) = split /\|/;
	my $pairs = $argument =~ /NULL/ ? '' : q{, pairs => 'SELECT source AS node_a, target AS node_b FROM small'};
	my $listed;
	$node->psql('postgres', qq{SET rk.device = cuda; SELECT * FROM rk.graph_shortest_path_pairs('small'$pairs, $argument)}, stderr => \$listed);
	like($listed, qr/no form for CUDA devices with these arguments\nDETAIL:  Because $reason/, "nor have pairs of paths with $argument");
}
my $partners;
$node->psql('postgres', q{SET rk.device = cuda; SELECT * FROM rk.graph_jaccard_similarity('small', per_node => 1025)}, stderr => \$partners);
like($partners, qr/no form for CUDA devices with these arguments\nDETAIL:  Because more than 1024 partners/, 'nor has a long list for every node');
# a result in parts, and one whose parts fail after the first
for my $word ('parts', 'halfway')
{
	device($word);
	my $all = q{SELECT * FROM rk.graph_cosine_similarity('SELECT source, target % 200 AS target FROM sparse', direction => 'out')};
	my $each = q{SELECT * FROM rk.graph_adamic_adar('SELECT source, target % 200 AS target FROM sparse', direction => 'out', per_node => 4)};

	for my $text ($all, $each)
	{
		is(one(qq{SET client_min_messages = error;
			SET rk.device = cpu; CREATE TEMP TABLE a AS $text;
			SET rk.device = cuda; CREATE TEMP TABLE b AS $text;
			SELECT device, fallback_reason, (SELECT count(*) FROM ((TABLE a EXCEPT ALL TABLE b) UNION ALL (TABLE b EXCEPT ALL TABLE a)) d),
				(SELECT count(*) > 3000 FROM a) FROM rk.last_run()}),
			$word eq 'parts' ? 'cuda||0|t' : 'cuda|launch failed|0|t', "$word: the rows are the CPU's");
	}
}
device('work');
my $strong;
$node->psql('postgres', q{SET rk.device = cuda; SELECT * FROM rk.graph_connected_components('small', mode => 'strong')}, stderr => \$strong);
like($strong, qr/no form for CUDA devices with these arguments\nDETAIL:  Because strong components/, 'a form for some arguments only');

# ---- many sessions ----

my @sessions = map { session($node) } 1 .. 4;
start_query($_, "SET rk.device = cuda; SELECT count(*) FROM rk.graph_pagerank('weighted') \\g /dev/null\n" x 5) for @sessions;
wait_for_session($_) for @sessions;
is(join(' ', map { $_->query_safe('SELECT device FROM rk.last_run()') } @sessions), 'cuda cuda cuda cuda', 'sessions share the device');
$_->quit for @sessions;

# ---- the end ----

my $supervisor = one('SELECT supervisor_pid FROM rk.stat_device');
$worker = worker();
# it has no session, so pg_terminate_backend does not know it
kill 'TERM', $supervisor;
for (1 .. 100) { last unless kill 0, $worker; usleep(50_000); }
ok(!kill(0, $worker), 'the worker ends with its supervisor');
is(run_on('cuda')->{device}, 'cuda', 'both come back when they are wanted');
$worker = worker();
$node->stop('immediate');
for (1 .. 100) { last unless kill 0, $worker; usleep(50_000); }
ok(!kill(0, $worker), 'and the worker with the server');

# ---- the kernels for CUDA, their threads run on the CPU ----

my $on_host = $library =~ s/_fake/_on_host/r;
die "make fake-device builds $on_host" unless -e $on_host;

# some call of the runtime fails, once
$ENV{RK_CUDA_FAULT} = 30;
$node->adjust_conf('postgresql.conf', 'rk.cuda_library', "'$on_host'");
$node->start;
one(q{CREATE TABLE few AS SELECT (hashint8extended(i, 1) & 1023) * (hashint8extended(i, 2) & 3) / 2 AS source,
	hashint8extended(i, 3) & 1023 AS target, 1 + i % 7 AS weight FROM generate_series(1::bigint, 5000) i;
	INSERT INTO few VALUES (0, 1, 1)});
$r = run_on('cuda', edges => 'few');
like("$r->{device}, $r->{fallback}", qr/^cpu, fault asked for/, 'an error of the runtime in the middle of a run');
while (my ($name, $query) = splice @kernels, 0, 2)
{
	is(one(qq{SET client_min_messages = error;
		SET rk.device = cpu; CREATE TEMP TABLE a AS $query;
		SET rk.device = cuda; CREATE TEMP TABLE b AS $query;
		SELECT device, (SELECT count(*) FROM ((TABLE a EXCEPT ALL TABLE b) UNION ALL (TABLE b EXCEPT ALL TABLE a)) d),
			(SELECT count(*) > 0 FROM a) FROM rk.last_run()}),
		'cuda|0|t', "$name by the kernels for CUDA: the CPU's rows");
}
is(one('SELECT fallbacks, graphs FROM rk.stat_device'), '1|1', 'one failure, one graph kept');
# levels that end before they are done
my %reached = map {
	$_ => one(qq{SET client_min_messages = error; SET rk.device = $_; SELECT count(*) FROM rk.graph_louvain_community('few', max_iterations => 1);
		SELECT iterations, reached_max, round(residual::numeric, 12) FROM rk.last_run()})
} qw(cpu cuda);
like($reached{cpu}, qr/\n1\|t\|0\.\d+$/, 'Louvain with one pass has not converged');
is($reached{cuda}, $reached{cpu}, 'nor has it on the device');
is(one(q{SET client_min_messages = error; SET rk.device = cuda; SELECT count(*) FROM rk.graph_betweenness_centrality('SELECT * FROM (VALUES (1, 2, 1.0), (2, 3, 1e-30), (3, 1, 1.0)) e (source, target, weight)', weighted => true); SELECT device, device_reason ~ 'a length is nothing beside a distance' FROM rk.last_run()}),
	"3\ncpu|t", 'a length that no distance shows is for the CPU');
$node->stop;

done_testing();
