# rk.device = auto: no call is given to a device that the estimates say is slower
# than the CPU, and none is kept from one that they say is faster.
#
# The device library is test/device/fake.c: slower than any CPU when it is
# measured, or faster than any, or one as there are.

use strict;
use warnings;

use Cwd qw(abs_path);
use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Rustkernels;
use Test::More;

my $library = "$FindBin::RealBin/../support/rustkernels_fake.so";
die "make fake-device builds $library" unless -e $library;

my $order = abs_path(PostgreSQL::Test::Utils::tempdir()) . '/order';
$ENV{RK_FAKE_DEVICE} = $order;

# Tells the fake device what it is.
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
my $node = server('device_auto', conf => <<~"CONF");
	rk.cuda_library = '$library'
	max_parallel_workers_per_gather = 1
	CONF
load_calls($node);
sub one { return $node->safe_psql('postgres', $_[0]); }

# the calls are for a table "edges"; small and large ones take its place
edges_table($node, 'few', 60, 20);
edges_table($node, 'many', 200_000, 20_000);
one(q{CREATE TABLE edges AS TABLE few});
my %forms = map { $_ => 1 } split /\n/, one(q{SELECT id FROM rk.kernels WHERE 'cuda' = ANY (devices)});
my @calls = grep { $forms{ $_->{kernel} } } kernel_calls($node, 20, bounded => 1);
cmp_ok(scalar(@calls), '>', scalar(keys %forms) - 1, 'functions of kernels with a form: ' . scalar @calls);

# a first run starts the device
one(q{SET rk.device = cuda; SELECT count(*) FROM rk.graph_pagerank('few')});

my (%chosen, %reasons);
for my $kind ('feeble', 'mighty', 'work')
{
	device($kind);
	one('SELECT rk.device_calibrate()');
	device('work');
	for my $table ('few', 'many')
	{
		one(qq{TRUNCATE edges; INSERT INTO edges TABLE $table; ANALYZE edges});
		for my $call (@calls)
		{
			my $name = "$kind, $table: $call->{name}";
			my ($out, $err);

			# what takes long on a CPU is not what this is about
			$node->psql('postgres', qq{SET statement_timeout = '20s'; SET rk.device = auto; SELECT count(*) FROM $call->{call} q \\g /dev/null
				SELECT device, device_reason FROM rk.last_run()}, stdout => \$out, stderr => \$err);
			my ($where, $reason) = split /\|/, (split /\n/, $out // '')[-1] // '|';
			# nothing was computed
			if ($err =~ /ERROR|too short to be fitted/) { note "$name: " . (split /\n/, $err)[0]; next; }
			unless (defined $reason && $reason =~ /^estimated: cpu (\S+) ms, cuda (\S+) ms$/)
			{
				# a form for other arguments, or an input that no estimate is needed for
				is($where, 'cpu', "$name: on the CPU, $reason");
				next;
			}
			my ($cpu, $cuda) = ($1, $2);

			# the device where it takes less time by a fifth; the two are rounded to three digits
			my $times = 1.2 * $cuda / $cpu;
			$times = $where eq 'cuda' ? 0.5 : 2 if abs($times - 1) < 0.02;
			is($where, $times < 1 ? 'cuda' : 'cpu', "$name: where it takes less time, cpu $cpu ms, cuda $cuda ms");
			$chosen{$kind}{$where}++;
		}
	}
}
is($chosen{feeble}{cuda} // 0, 0, 'nothing is for a feeble device');
cmp_ok($chosen{mighty}{cuda} // 0, '>', 5, "calls for a mighty one: $chosen{mighty}{cuda}");
cmp_ok($chosen{work}{cuda} // 0, '>', 0, "calls for one as there are: $chosen{work}{cuda}, for the CPU: $chosen{work}{cpu}");
cmp_ok($chosen{work}{cpu} // 0, '>', 0, 'small inputs are for the CPU');

# rk.explain says the same before the run
for my $kind ('feeble', 'mighty')
{
	device($kind);
	one('SELECT rk.device_calibrate()');
	device('work');
	is(one(q{SELECT device FROM rk.explain('graph/pagerank', '{"edges": "SELECT * FROM edges"}')}), $kind eq 'mighty' ? 'cuda' : 'cpu', "$kind: rk.explain");
}
# constants are kept
device('work');
$node->restart;
is(one(q{SELECT transfer_rate FROM rk.stat_device}), '1e+15', 'what was measured is kept');

# Machines: what rk.device_calibrate() would have written there.
# copies to the device, its memory, float8, a launch, copies on the host, its cores
my %machines = (
	laptop => '6e9 2e11 1e11 15e-6 1e9 1.2',
	server => '4e10 2.6e12 2.4e13 6e-6 1e9 0.8',
	slow => '3e7 1e15 1e15 1e-9 3e7 1',
);

sub machine
{
	my ($name, $library) = @_;

	$node->stop;
	open my $file, '>', $node->data_dir . '/pg_stat/rustkernels_device' or die $!;
	print $file "1 $machines{$name} $name\n";
	close $file;
	$node->append_conf('postgresql.conf', "rk.cuda_library = '" . ($library // '/nowhere/none.so') . "'");
	$node->start;
	# the first run that wants the device starts it
	one(q{SET rk.device = cuda; SELECT count(*) FROM rk.graph_pagerank('few')}) if $library;
	return;
}

sub where
{
	my ($statement) = @_;

	return one("SET rk.threads = 1; SET rk.device = auto; SELECT count(*) FROM $statement q \\g /dev/null
		SELECT device, device_reason FROM rk.last_run()");
}

my @runs = (
	[ 'pagerank, few', q{rk.graph_pagerank('few')}, 'cpu', 'cpu' ],
	[ 'pagerank, many', q{rk.graph_pagerank('many')}, 'cuda', 'cuda' ],
	[ 'one pass over many', q{rk.graph_connected_components('many')}, 'cpu', 'cpu' ],
	[ 'betweenness, many', q{rk.graph_betweenness_centrality('many', samples => 100)}, 'cuda', 'cuda' ],
	[ 'value at risk, few', q{rk.risk_monte_carlo_var('[{"id": 1, "value": 1, "volatility": 0.1}]', simulations => 1000)}, 'cpu', 'cpu' ],
	[ 'value at risk, many', q{rk.risk_monte_carlo_var('SELECT i AS id, 1 AS value, 0.1 AS volatility FROM generate_series(1, 50) i', simulations => 100000)}, 'cuda', 'cuda' ],
);
for my $name ('laptop', 'server')
{
	machine($name, $library);
	for my $run (@runs)
	{
		my ($where, $reason) = split /\|/, where($run->[1]);

		is($where, $run->[ $name eq 'laptop' ? 2 : 3 ], "$name: $run->[0]: $reason");
	}
}
machine('server');
like(where($_->[1]), qr/^cpu\|/, "no device: $_->[0]") for @runs;

# The graph of a context that takes long to come: it goes when it would have paid for
# its way, and not before, and stays.
machine('slow', $library);
one(q{SELECT rk.context_create('net'); SELECT rk.context_load('net', 'g', 'graph', 'SELECT * FROM many')});
my @devices;
for (1 .. 6)
{
	my ($where, $reason) = split /\|/, where(q{rk.graph_pagerank('context:net/g', tolerance => 1e-15, max_iterations => 300)});

	push @devices, $where;
	note $reason;
}
my $all = join ' ', @devices;
like($all, qr/^(cpu ){2,}cuda( cuda)*$/, "a graph goes to the device once it would have paid for its way: $all");
$node->stop;

done_testing();
