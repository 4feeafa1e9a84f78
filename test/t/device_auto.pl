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

			is($where, $cuda < $cpu ? 'cuda' : 'cpu', "$name: where it takes less time, cpu $cpu ms, cuda $cuda ms");
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
$node->stop;

done_testing();
