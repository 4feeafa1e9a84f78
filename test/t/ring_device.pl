# Rings on a device: the same answers, and nothing lost that should not be, with
# every way in which a device, its library or its worker can fail.
#
# The device library is test/device/fake.c, which serves rings by the functions
# that the kernel for devices has, and fails when it is told to; in the end the
# kernel itself, compiled for the CPU.

use strict;
use warnings;

use Cwd qw(abs_path);
use FindBin;
use lib $FindBin::RealBin;
use IPC::Run ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Rustkernels;
use Test::More;
use Time::HiRes qw(time usleep);

my $library = "$FindBin::RealBin/../support/rustkernels_fake.so";
die "make fake-device builds $library" unless -e $library;

my $order = abs_path(PostgreSQL::Test::Utils::tempdir()) . '/order';
$ENV{RK_FAKE_DEVICE} = $order;
srand($ENV{RK_CRASH_SEED} // 20261127);

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
my $node = server('ring_device', conf => <<~'CONF');
	rk.cuda_library = '/nowhere/rustkernels_cuda.so'
	rk.circuit_reset_timeout = 3s
	rk.circuit_failures = 100
	rk.journal_poll = 200ms
	rk.gpu_slice_ms = 50
	CONF

sub one { return $node->safe_psql('postgres', $_[0]); }

sub error_of
{
	my ($query) = @_;
	my $err;

	$node->psql('postgres', $query, stderr => \$err);
	return $err;
}

# Waits until a ring is where it should be.
sub place
{
	my ($name, $where) = @_;

	$node->poll_query_until('postgres',
		"SELECT coalesce((SELECT device LIKE '$where%' AND state = 'active' FROM rk.stat_ring WHERE name = '$name'), false)")
	  or die "ring $name does not come to $where: " . one("SELECT device, device_reason, state FROM rk.stat_ring WHERE name = '$name'");
	return;
}

# A ring with an empty state on the device.
sub away
{
	my ($name, %options) = @_;
	my $options = join ', ', '"device": "cuda"', map { qq{"$_": $options{$_}} } sort keys %options;

	one(qq{CALL rk.ring_up('core/echo', '$name', '{$options}')});
	place($name, 'cuda');
	return;
}

# Back to the device after a fault.
sub again
{
	my ($name) = @_;

	device('work');
	one('SELECT rk.device_restart()');
	$node->poll_query_until('postgres', q{SELECT bool_or(usable) FROM rk.devices WHERE device <> 'cpu'})
	  or die 'the device did not come up';
	one("SELECT rk.ring_restart('$name')");
	place($name, 'cuda');
	return;
}

# Starts a psql that may die.
sub client
{
	my ($query) = @_;
	my ($in, $out, $err) = ('', '', '');

	return IPC::Run::start([ 'psql', '-XqAt', '-h', $node->host, '-p', $node->port, '-d', 'postgres', '-c', $query ],
		'<', \$in, '>', \$out, '2>', \$err);
}

sub worker { return one('SELECT worker_pid FROM rk.stat_device'); }

# ---- options, and no device ----

like(error_of(q{SELECT rk.ring_start('core/echo', 'x', '{"device": "tpu"}')}),
	qr/option "device" of a ring must be one of "auto", "cpu", "cuda"/, 'a device that there is not');
like(error_of(q{SELECT rk.ring_start('core/echo', 'x', '{"gpu_mode": "always"}')}),
	qr/option "gpu_mode" of a ring must be one of "event", "persistent"/, 'a mode that there is not');
like(error_of(q{SELECT rk.ring_start('graph/degree-centrality', 'x', '{"device": "cuda"}')}),
	qr/a ring of kernel "graph\/degree-centrality" has no form for CUDA devices/, 'a kernel without a form');
one(q{CALL rk.ring_up('core/echo', 'plain')});
is(one(q{SELECT device, device_reason FROM rk.stat_ring}), 'cpu|a message takes less time here than its way to a device',
	'auto is the CPU');
one(q{CALL rk.ring_up('core/echo', 'lonely', '{"device": "cuda"}')});
is(one(q{SELECT device, device_reason ~ 'not installed' FROM rk.stat_ring WHERE name = 'lonely'}), 'cpu|t', 'no library: the CPU, with the reason');
is(one(q{SELECT total FROM rk.ring_core_add('lonely', 3)}), '3', 'and it works');
$node->adjust_conf('postgresql.conf', 'rk.cuda_library', "'$library'");
device('absent');
$node->restart;
$node->poll_query_until('postgres', q{SELECT device_reason = 'no CUDA-capable device is detected' FROM rk.stat_ring WHERE name = 'lonely'});
is(one(q{SELECT total FROM rk.ring_core_total('lonely')}), '3', 'no device: the CPU, and its state was kept');
device('version');
one('SELECT rk.device_restart()');
one(q{SELECT rk.ring_restart('lonely')});
$node->poll_query_until('postgres', q{SELECT device_reason ~ 'is of another version' FROM rk.stat_ring WHERE name = 'lonely'});
ok($node->log_contains(qr/ring "lonely" runs on the CPU\n.*is of another version/), 'a library of another version: the log says so');
again('lonely');
is(one(q{SELECT total FROM rk.ring_core_total('lonely')}), '3', 'a device that works: the state has moved there');
# by hand, and back; what cannot be leaves it where it is
for my $where ('cpu', 'cuda')
{
	one("SELECT rk.ring_migrate('lonely', '$where')");
	place('lonely', $where);
	is(one(q{SELECT total FROM rk.ring_core_total('lonely')}), '3', "moved to $where with its state");
	is(one(q{SELECT options ->> 'device' FROM rk.rings WHERE name = 'lonely'}), $where, 'where it starts again');
}
like(error_of(q{SELECT rk.ring_migrate('lonely', 'cuda:9')}), qr/there is no device "cuda:9".*SELECT device, usable FROM rk.devices/s, 'a device that there is not');
place('lonely', 'cuda');
one(q{CALL rk.ring_down('lonely'); CALL rk.ring_down('plain')});

# ---- the same answers ----

for my $mode ('event', 'persistent')
{
	my $twin = "twin_$mode";

	away($mode, gpu_mode => qq{"$mode"});
	one(qq{CALL rk.ring_up('core/echo', '$twin')});
	like(one(qq{SELECT device, device_reason FROM rk.stat_ring WHERE name = '$mode'}),
		$mode eq 'event' ? qr/^cuda:0\|served by a launch for each batch$/ : qr/^cuda:0\|served by a resident kernel$/, "$mode: on the device");
	for my $ring ($mode, $twin)
	{
		one(qq{SELECT setseed(0.5)});
		is(one(qq{SELECT count(*), sum(rk.ring_core_echo('$ring', i)) FROM generate_series(1, 2000) i}), '2000|2001000', "$ring: echo");
		one(qq{SELECT rk.ring_send_many('$ring', 52, array_agg(jsonb_build_object('amount', i % 97 - 40))) FROM generate_series(1, 500) i});
		is(one(qq{SELECT total, messages FROM rk.ring_core_total('$ring', min_messages => 500)}), '3400|500', "$ring: many at a time, and a total that waits for them");
		is(one(qq{SELECT rk.ring_call('$ring', 52, '{"amount": 9223372036854770000}') ->> 'messages'}), '501', "$ring: a large amount");
		like(error_of(qq{SELECT rk.ring_core_add('$ring', 9223372036854770000)}), qr/total is out of range/, "$ring: an error of the actor");
		like(error_of(qq{SET rk.timeout = '300ms'; SELECT rk.ring_core_total('$ring', min_messages => 502)}), qr/ERROR/, "$ring: a total that never comes");
		is(one(qq{SELECT rk.ring_send('$ring', 52, '{"amount": 1}', key => 'k') = rk.ring_send('$ring', 52, '{"amount": 1}', key => 'k')}), 't', "$ring: a repeat");
		is(one(qq{SELECT messages FROM rk.ring_core_total('$ring')}), '502', "$ring: counts once");
	}
	is(one(qq{SELECT a.total = b.total AND a.messages = b.messages FROM rk.ring_core_total('$mode') a, rk.ring_core_total('$twin') b}), 't', "$mode: the totals agree");
	is(one(qq{SELECT processed, failed FROM rk.stat_ring WHERE name = '$mode'}), one(qq{SELECT processed, failed FROM rk.stat_ring WHERE name = '$twin'}), "$mode: so do the counters");
	my $sum = one(qq{SELECT rk.ring_checksum('$mode')});
	one(qq{SELECT rk.ring_restart('$mode')});
	place($mode, 'cuda');
	is(one(qq{SELECT rk.ring_checksum('$mode')}), $sum, "$mode: the state survives a restart");
	$node->restart;
	place($mode, 'cuda');
	is(one(qq{SELECT rk.ring_checksum('$mode')}), $sum, "$mode: and one of the server");
	one(qq{CALL rk.ring_down('$mode'); CALL rk.ring_down('$twin')});
}
$node->poll_query_until('postgres', q{SELECT memory_used = 0 FROM rk.stat_device});
is(one('SELECT memory_used FROM rk.stat_device'), '0', 'no memory of the device is left in use');

# ---- PageRank: its graph is on the device, its ids are here ----

one(q{CREATE TABLE wires AS SELECT 'p' || (i * 7919) % 300 AS source, 'p' || (i * 104729) % 300 AS target, 1 + i % 5 AS weight FROM generate_series(1, 1500) i});
for my $mode ('event', 'persistent')
{
	for my $ring ("rank_$mode", "rtwin_$mode")
	{
		my $device = $ring =~ /rank/ ? 'cuda' : 'cpu';

		one(qq{CALL rk.ring_up('graph/pagerank', '$ring', '{"device": "$device", "gpu_mode": "$mode", "edges": "SELECT * FROM wires", "id_type": "text"}')});
		place($ring, $device);
		# twice as many edges, by single messages and by many, until they outgrow what there is
		one(qq{SELECT count(rk.ring_call('$ring', 106, jsonb_build_object('op', 'add', 'source', 'p' || (i * 31) % 450, 'target', 'q' || (i * 17) % 450, 'weight', 2))) FROM generate_series(1, 700) i});
		one(qq{SELECT rk.ring_send_many('$ring', 106, array_agg(jsonb_build_object('op', CASE WHEN i % 4 = 0 THEN 'remove' ELSE 'add' END, 'source', 'p' || (i * 31) % 450, 'target', 'q' || (i * 17) % 450, 'weight', 2))) FROM generate_series(1, 2500) i});
		one(qq{SELECT rk.ring_call('$ring', 104, '{"threshold": 1e-12, "max_iterations": 300, "min_version": 3000}')});
		like(error_of(qq{SELECT rk.ring_call('$ring', 104, '{"threshold": -1}')}), qr/field "threshold" must be above 0/, "$ring: a threshold that is none");
		like(error_of(qq{SELECT rk.ring_call('$ring', 106, '{"op": "add", "source": "a", "target": "b", "weight": -1}')}), qr/weight of an edge must not be negative/, "$ring: a weight that is none");
		one(qq{CREATE TABLE top_$ring AS SELECT * FROM rk.ring_graph_pagerank_top('$ring', NULL::text, k => 1000)});
	}
	is(one(qq{SELECT device FROM rk.stat_ring WHERE name = 'rank_$mode'}), 'cuda:0', "$mode: PageRank is on the device still");
	is(one(qq{SELECT count(*) = (SELECT count(*) FROM top_rtwin_$mode) AND count(*) > 700, max(abs(a.score - b.score)) < 1e-14
		FROM top_rank_$mode a JOIN top_rtwin_$mode b USING (node)}), 't|t', "$mode: PageRank has the scores of the CPU");
	is(one(qq{SELECT rk.ring_checksum('rank_$mode') = rk.ring_checksum('rtwin_$mode')}), 't', "$mode: and its graph");
	my $sum = one(qq{SELECT rk.ring_checksum('rank_$mode'), rk.ring_checkpoint('rank_$mode') > 0});
	kill 'KILL', worker();
	place("rank_$mode", 'cpu');
	is(one(qq{SELECT rk.ring_checksum('rank_$mode'), true}), $sum, "$mode: PageRank comes back from its checkpoint");
	again("rank_$mode");
	is(one(qq{SELECT rk.ring_checksum('rank_$mode'), true}), $sum, "$mode: and goes again");
	one(qq{CALL rk.ring_down('rank_$mode'); CALL rk.ring_down('rtwin_$mode')});
}
one(q{CALL rk.ring_up('graph/pagerank', 'auto', '{"device": "cuda", "auto_converge": true}')});
is(one(q{SELECT device, device_reason FROM rk.stat_ring WHERE name = 'auto'}), 'cpu|auto_converge iterates between messages, on the CPU', 'what iterates by itself stays');
one(q{CALL rk.ring_down('auto')});

# ---- transaction monitoring ----

for my $mode ('event', 'persistent')
{
	for my $ring ("mon_$mode", "mtwin_$mode")
	{
		my $device = $ring =~ /mon_/ ? 'cuda' : 'cpu';

		one(qq{CALL rk.ring_up('compliance/transaction-monitoring', '$ring', '{"device": "$device", "gpu_mode": "$mode", "id_type": "text", "durability": "journal"}')});
		place($ring, $device);
		one(qq{CREATE TABLE said_$ring AS SELECT i, rk.ring_call('$ring', 300, jsonb_build_object('transaction_id', i, 'source', 'a' || (i * 7) % 23, 'target', 'b' || (i * 11) % 31,
			'amount', 500 + (i * 37) % 9600, 'ts', timestamptz '2024-03-01 00:00Z' + i * interval '17 minutes',
			'transaction_type', (ARRAY['wire', 'cash_deposit', 'card'])[1 + i % 3], 'source_country', 'DE', 'target_country', (ARRAY['DE', 'KY'])[1 + i % 2])) AS reply
			FROM generate_series(1, 700) i});
		like(error_of(qq{SELECT rk.ring_call('$ring', 300, '{"transaction_id": 1, "source": "a", "target": "b", "amount": -1, "ts": "2024-03-01"}')}), qr/amount/, "$ring: an amount that is none");
		# served by the CPU: the state comes back, and goes again
		one(qq{SELECT rk.ring_call('$ring', 358, '{"entity": "a7", "reason": "test"}')});
		one(qq{INSERT INTO said_$ring SELECT i, rk.ring_call('$ring', 300, jsonb_build_object('transaction_id', i, 'source', 'a' || i % 23, 'target', 'new' || i,
			'amount', 9000, 'ts', timestamptz '2024-04-01 00:00Z' + i * interval '1 minute')) FROM generate_series(701, 900) i});
	}
	is(one(qq{SELECT device FROM rk.stat_ring WHERE name = 'mon_$mode'}), 'cuda:0', "$mode: monitoring is on the device still");
	is(one(qq{SELECT count(*), count(*) FILTER (WHERE a.reply = b.reply), count(*) FILTER (WHERE (a.reply ->> 'alert_count')::int > 0) > 50
		FROM said_mon_$mode a JOIN said_mtwin_$mode b USING (i)}), '900|900|t', "$mode: every reply is the CPU's");
	is(one(qq{SELECT rk.ring_checksum('mon_$mode') = rk.ring_checksum('mtwin_$mode')}), 't', "$mode: and so is the state");
	one(qq{SELECT rk.ring_call('$_', 300, '{"transaction_id": 1, "source": "a1", "target": "b1", "amount": 9999, "ts": "2024-05-01"}') FROM generate_series(1, 20)}) for "mon_$mode", "mtwin_$mode";
	kill 'KILL', worker();
	place("mon_$mode", 'cpu');
	is(one(qq{SELECT rk.ring_checksum('mon_$mode') = rk.ring_checksum('mtwin_$mode')}), 't', "$mode: the worker is killed, nothing is lost");
	one(qq{CALL rk.ring_down('mon_$mode'); CALL rk.ring_down('mtwin_$mode')});
	one('SELECT rk.device_restart()');
	$node->poll_query_until('postgres', q{SELECT bool_or(usable) FROM rk.devices WHERE device <> 'cpu'});
}

# an output: records are published from the CPU
away('out', gpu_mode => '"persistent"');
one(q{SELECT rk.ring_core_add('out', 5)});
one(q{CREATE TABLE added (amount bigint, total bigint, messages bigint); SELECT rk.ring_output('out', 'EchoAdded', 'added')});
place('out', 'cpu');
one(q{SELECT rk.ring_core_add('out', 6)});
is(one(q{SELECT * FROM added}), '6|11|2', 'a ring with an output comes back, with its state');
is(one(q{SELECT device_reason FROM rk.stat_ring WHERE name = 'out'}), 'a ring with outputs publishes from the CPU', 'and says why');
one(q{CALL rk.ring_down('out')});

# ---- faults ----

# What comes back of a message that is under way.
my %survives = (
	noring => 'cannot be opened',
	fail => 'a launch that fails',
	lost => 'the context is gone',
	crash => 'dies at a launch',
	midway => 'dies in the middle of a slice',
	stubborn => 'hangs beyond its slice',
	KILL => 'is killed');

for my $durability ('journal', 'volatile')
{
	for my $mode ('event', 'persistent')
	{
		for my $fault (sort keys %survives)
		{
			my $what = "$durability, $mode, device $survives{$fault}";
			my $ring = "${durability}_${mode}_$fault";
			my ($before, $out, $err);

			# each hang takes seconds
			next if $fault eq 'stubborn' && $mode eq 'event' && $durability eq 'volatile';
			if ($fault eq 'noring')
			{
				device('noring');
				one(qq{CALL rk.ring_up('core/echo', '$ring', '{"device": "cuda", "durability": "$durability", "gpu_mode": "$mode"}')});
				$node->poll_query_until('postgres', qq{SELECT device_reason = 'operation not supported' FROM rk.stat_ring WHERE name = '$ring'})
				  or die 'no reason';
				is(one(qq{SELECT total FROM rk.ring_core_add('$ring', 1)}), '1', "$what: the CPU serves it");
				again($ring);
				is(one(qq{SELECT total FROM rk.ring_core_add('$ring', 1)}), '2', "$what: the next start finds the device");
				one(qq{CALL rk.ring_down('$ring')});
				next;
			}
			away($ring, durability => qq{"$durability"}, gpu_mode => qq{"$mode"});
			one(qq{SELECT rk.ring_core_add('$ring', 1) FROM generate_series(1, 10)});
			one(qq{SELECT rk.ring_checkpoint('$ring')});
			one(qq{SELECT rk.ring_core_add('$ring', 1) FROM generate_series(1, 7)});
			is(one(qq{SELECT total FROM rk.ring_core_total('$ring')}), '17', "$what: before") if $mode eq 'event';
			if ($fault eq 'KILL') { kill 'KILL', worker(); }
			else { device($fault); }
			# in mode persistent the running slice knows of it when it ends
			usleep(150_000) if $mode eq 'persistent' && $fault ne 'midway';
			my $began = time;
			$node->psql('postgres', qq{SELECT total FROM rk.ring_core_add('$ring', 1)}, stdout => \$out, stderr => \$err);
			device('work');
			cmp_ok(time - $began, '<', 8, "$what: the caller is not kept");
			place($ring, 'cpu');
			my ($total, $messages) = split /\|/, one(qq{SELECT total, messages FROM rk.ring_core_total('$ring')});
			if ($durability eq 'journal')
			{
				is($total, 18, "$what: nothing is lost");
				like("$out$err", qr/^18$|reply was lost|RK008|lost/i, "$what: the caller has its reply or knows that it is lost");
			}
			else
			{
				is($total, 11, "$what: as far as the checkpoint, and what came after");
				is($out, '11', "$what: the message under way is handled by the CPU");
			}
			is($total, $messages, "$what: nothing is applied twice");
			isnt(one(qq{SELECT device_reason FROM rk.stat_ring WHERE name = '$ring'}), '', "$what: the reason is kept");
			again($ring);
			is(one(qq{SELECT total FROM rk.ring_core_add('$ring', 1)}), $total + 1, "$what: and back to the device");
			one(qq{CALL rk.ring_down('$ring')});
		}
	}
}
ok($node->log_contains(qr/a slice of a ring did not end within 3 s/), 'the watch-dog has ended a worker');
is(one(q{SELECT sum(failures_total) > 10 FROM rk.stat_circuit WHERE kernel = 'core/echo ring'}), 't', 'failures are counted by the breaker');

# ---- stopping in peace, and moving ----

away('calm', gpu_mode => '"persistent"', checkpoint_interval => 3600);
one(q{SELECT rk.ring_core_add('calm', 6)});
$node->restart;
place('calm', 'cuda');
is(one(q{SELECT total FROM rk.ring_core_total('calm')}), '6', 'a server that stops fetches the states of volatile rings first');
one(q{SELECT rk.ring_migrate('calm', 'cpu')});
place('calm', 'cpu');
is(one(q{SELECT total FROM rk.ring_core_add('calm', 1)}), '7', 'rk.ring_migrate: back with its state');
one(q{SELECT rk.ring_migrate('calm', 'cuda')});
place('calm', 'cuda');
is(one(q{SELECT total FROM rk.ring_core_add('calm', 1)}), '8', 'and there again');
{
	my $load = client(q{SELECT count(rk.ring_core_add('calm', 1)) FROM generate_series(1, 3000)});

	for (1 .. 6) { one(qq{SELECT rk.ring_migrate('calm', '$_')}) for 'cpu', 'cuda'; }
	$load->finish;
}
is(one(q{SELECT total, messages FROM rk.ring_core_total('calm')}), '3008|3003', 'to and fro under load: each message counts once');
device('noring');
one(q{SELECT rk.ring_migrate('calm', 'cpu')});
like(error_of(q{SELECT rk.ring_migrate('calm', 'cuda')}), qr/operation not supported/, 'a device that does not want it');
is(one(q{SELECT total FROM rk.ring_core_add('calm', 1)}), '3009', 'it goes on where it was');
device('work');
one(q{CALL rk.ring_down('calm')});

# a state that is current here is not lost with the device
away('kept', gpu_mode => '"persistent"', checkpoint_interval => 3600);
one(q{SELECT rk.ring_core_add('kept', 4); SELECT rk.ring_checksum('kept')});
kill 'KILL', worker();
place('kept', 'cpu');
is(one(q{SELECT total FROM rk.ring_core_total('kept')}), '4', 'a checksum takes the state back, and that is what goes on');
is(one(q{SELECT restarts FROM rk.stat_ring WHERE name = 'kept'}), '0', 'without a restart');
one(q{CALL rk.ring_down('kept')});

# ---- the breaker ----

$node->adjust_conf('postgresql.conf', 'rk.circuit_failures', '2');
$node->reload;
one(q{SELECT rk.circuit_reset('core/echo ring')});
one('SELECT rk.device_restart()');
$node->poll_query_until('postgres', q{SELECT bool_or(usable) FROM rk.devices WHERE device <> 'cpu'});
one(q{SELECT rk.circuit_open('core/echo ring')});
one(q{CALL rk.ring_up('core/echo', 'b', '{"device": "cuda"}')});
is(one(q{SELECT device, device_reason FROM rk.stat_ring WHERE name = 'b'}), 'cpu|its circuit breaker is open', 'an open breaker keeps a ring on the CPU');
place('b', 'cuda');
ok(1, 'until it lets one through');
one(q{CALL rk.ring_down('b')});

# ---- killed under load ----

one(q{CREATE TABLE wire (amount bigint NOT NULL);
	CALL rk.ring_up('core/echo', 'fed', '{"device": "cuda", "gpu_mode": "persistent"}');
	CALL rk.ring_up('core/echo', 'called', '{"device": "cuda", "gpu_mode": "persistent", "durability": "journal"}');
	SELECT rk.ring_attach('fed', 'wire', '{"type": "EchoAdd", "on": ["insert"]}')});

one(q{CREATE PROCEDURE write(rows int) LANGUAGE plpgsql AS $$
	BEGIN
		FOR i IN 1 .. rows LOOP
			INSERT INTO wire SELECT 1 + (random() * 100)::int FROM generate_series(1, 1 + (random() * 5)::int);
			IF random() < 0.3 THEN ROLLBACK; ELSE COMMIT; END IF;
		END LOOP;
	END
	$$;});
for my $round (1 .. 4)
{
	again('fed');
	again('called');
	my @clients = (client('CALL write(3000)'), client('CALL write(3000)'),
		client(q{SELECT count(rk.ring_core_add('called', 1)) FROM generate_series(1, 100000)}));
	my $answered = 0;

	for (1 .. 10)
	{
		my ($out);

		$node->psql('postgres', q{SELECT messages FROM rk.ring_core_add('called', 1)}, stdout => \$out);
		$answered = $out if $out;
	}
	usleep(int(rand(200_000)));
	my $pid = worker();
	kill 'KILL', $pid;
	for (1 .. 10)
	{
		my ($out);

		$node->psql('postgres', q{SELECT messages FROM rk.ring_core_add('called', 1)}, stdout => \$out);
		$answered = $out if $out;
	}
	$clients[2]->kill_kill;
	$clients[$_]->finish for 0, 1;
	place($_, 'cpu') for 'fed', 'called';
	one(q{SELECT rk.ring_sync('fed')});
	is(one(q{SELECT total, messages FROM rk.ring_core_total('fed')}), one('SELECT coalesce(sum(amount), 0), count(*) FROM wire'),
		"round $round: the ring has what the table has");
	my ($total, $messages) = split /\|/, one(q{SELECT total, messages FROM rk.ring_core_total('called')});
	cmp_ok($messages, '>=', $answered, "round $round: what was answered is there");
	is($total, $messages, "round $round: nothing was applied twice");
}
ok(!$node->log_contains(qr/rk host.*(?:terminated by signal|exited with exit code)/), 'no host has died');

# the host dies, the device has a state that nobody wants
again('called');
my ($total) = split /\|/, one(q{SELECT total FROM rk.ring_core_add('called', 1)});
$node->stop('immediate');
$node->start;
place('called', 'cuda');
# a killed client's statement may have gone on until then
cmp_ok(one(q{SELECT total FROM rk.ring_core_total('called')}), '>=', $total, 'the server is killed: the ring comes up on the device with all that was answered');
one(q{CALL rk.ring_down('called'); CALL rk.ring_down('fed')});

# ---- the kernel for devices, its threads run on the CPU ----

my $on_host = $library =~ s/_fake/_on_host/r;
die "make fake-device builds $on_host" unless -e $on_host;
$node->adjust_conf('postgresql.conf', 'rk.cuda_library', "'$on_host'");
$node->restart;
for my $mode ('event', 'persistent')
{
	away("kernel_$mode", gpu_mode => qq{"$mode"}, durability => '"journal"');
	is(one(qq{SELECT count(*), sum(rk.ring_core_echo('kernel_$mode', i)) FROM generate_series(1, 300) i}), '300|45150', "the kernel, $mode: echo");
	one(qq{SELECT rk.ring_send_many('kernel_$mode', 52, array_agg(jsonb_build_object('amount', i))) FROM generate_series(1, 300) i});
	is(one(qq{SELECT total, messages FROM rk.ring_core_total('kernel_$mode', min_messages => 300)}), '45150|300', "the kernel, $mode: many at a time");
	kill 'KILL', worker();
	place("kernel_$mode", 'cpu');
	is(one(qq{SELECT total, messages FROM rk.ring_core_add('kernel_$mode', 1)}), '45151|301', "the kernel, $mode: killed, nothing is lost");
	one(qq{CALL rk.ring_down('kernel_$mode')});
	one('SELECT rk.device_restart()');
}
one(q{CALL rk.ring_up('graph/pagerank', 'kernel_rank', '{"device": "cuda", "gpu_mode": "event", "edges": "SELECT * FROM wires", "id_type": "text"}');
	CALL rk.ring_up('graph/pagerank', 'twin_rank', '{"edges": "SELECT * FROM wires", "id_type": "text"}')});
place('kernel_rank', 'cuda');
for my $ring ('kernel_rank', 'twin_rank')
{
	one(qq{SELECT rk.ring_call('$ring', 106, jsonb_build_object('op', 'add', 'source', 'p' || i, 'target', 'new' || i, 'weight', 1)) FROM generate_series(1, 100) i});
	one(qq{SELECT rk.ring_call('$ring', 104, '{"threshold": 1e-12, "max_iterations": 40}')});
}
is(one(q{SELECT count(*), max(abs((rk.ring_call('kernel_rank', 100, n) ->> 'score')::float8 - (rk.ring_call('twin_rank', 100, n) ->> 'score')::float8)) < 1e-14
	FROM (SELECT jsonb_build_object('node', 'p' || i * 3) FROM generate_series(1, 50) i) q(n)}), '50|t', 'the kernel: scores of the CPU');
is(one(q{SELECT device FROM rk.stat_ring WHERE name = 'kernel_rank'}), 'cuda:0', 'from the device');
$node->stop;

done_testing();
