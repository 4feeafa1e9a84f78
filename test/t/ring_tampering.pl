
# Messages that are changed in the queue: shared memory is written to from
# outside, a bit of a message at a time.  None of them takes effect; each is a
# dead letter, or an error for its sender.  Replies that are changed are errors.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Rustkernels;
use Test::More;

# segments of System V are open to whoever knows their number
my $node = server('tampering', conf => <<~'CONF');
	shared_memory_type = sysv
	shared_buffers = 1MB
	rk.ring_memory = 8MB
	rk.checkpoint_interval = 1h
	fsync = off
	CONF
my (undef, undef, undef, undef, undef, undef, $shmem) = split /\n/, slurp_file($node->data_dir . '/postmaster.pid');
my ($key, $id) = split ' ', $shmem;
my $size = $node->safe_psql('postgres', q{SELECT sum(allocated_size) FROM pg_shmem_allocations});

# The payloads that a pattern finds in the segment: by its first group, their places.
sub places_of
{
	my ($pattern) = @_;
	my $all = memory();
	my %place;

	while ($$all =~ /$pattern/gs)
	{
		die 'there are several' if exists $place{$1};
		$place{$1} = $-[1];
	}
	return %place;
}

sub place_of
{
	my ($bytes) = @_;
	my %place = places_of("(\Q$bytes\E)");

	return $place{$bytes} // die 'there is no such message';
}

sub memory
{
	my $all;

	# the whole of it is a little more than what is allocated by name
	for (my $end = $size; $end > 0; $end -= 4096)
	{
		last if shmread($id, $all, 0, $end);
	}
	return \$all;
}

# Changes a bit, counted from a place.
sub flip
{
	my ($at, $bit) = @_;
	my $byte;

	$at += $bit >> 3;
	shmread($id, $byte, $at, 1) or die "shmread: $!";
	shmwrite($id, chr(ord($byte) ^ 1 << ($bit & 7)), $at, 1) or die "shmwrite: $!";
	return;
}

sub value { return $node->safe_psql('postgres', $_[0]); }

# a slot: type at 8, version at 15, length at 16, crc at 48, role at 52, payload at 56
my $payload = 56;
my $header = pack('L', 52) . '...' . "\x01" . pack('L', 8) . '.{36}';
my %field = (type => [ 8, 32 ], crc => [ 48, 32 ], role => [ 52, 32 ], length => [ 16, 32 ], version => [ 15, 8 ]);
# amounts of no small distance, as slots keep what was in them
my %first = (volatile => 0x7a5a << 32, journal => 0x0ff5 << 32, call => 0x61c3 << 32, restart => 0x133e << 32);

for my $durability (qw(volatile journal))
{
	my $ring = "e_$durability";
	my $first = $first{$durability};

	value(qq{CALL rk.ring_up('core/echo', '$ring', '{"durability": "$durability", "queue_capacity": 1024}')});
	value(qq{SELECT rk.ring_core_add('$ring', 1)});
	value(qq{SELECT rk.ring_suspend('$ring')});

	# every bit of the payload, and of what the header says of it
	my @bits = map { [ 'payload', $payload, $_ ] } 0 .. 63;
	for my $name (sort keys %field)
	{
		push @bits, [ $name, $field{$name}[0], $_ ] for 0 .. $field{$name}[1] - 1;
	}
	my $n = @bits;
	value(qq{SELECT count(rk.ring_send('$ring', 52, jsonb_build_object('amount', $first + i))) FROM generate_series(0, $n - 1) i});
	my $intact = value(qq{SELECT sum(rk.ring_send('$ring', 52, '{"amount": 1000}') * 0 + 1000) FROM generate_series(1, 3) i});
	my %place = places_of($header . '(.' . substr(pack('q<', $first), 1) . ')');
	is(scalar(keys %place), $n, "$durability: $n messages are in the queue");
	flip($place{ pack 'q<', $first + $_ } - $payload + $bits[$_][1], $bits[$_][2]) for 0 .. $#bits;
	value(qq{SELECT rk.ring_resume('$ring')});
	is(value(qq{SELECT total, messages FROM rk.ring_core_total('$ring', 4)}), ($intact + 1) . '|4', "$durability: only what was left alone takes effect");
	ok($node->poll_query_until('postgres', qq{SELECT count(*) = $n FROM rk.dead_letters WHERE ring = '$ring'}), "the other $n are dead letters")
	  or note value(qq{SELECT reason, sqlstate, error, count(*) FROM rk.dead_letters WHERE ring = '$ring' GROUP BY 1, 2, 3 ORDER BY 1, 2, 3 LIMIT 20});
	is(value(qq{SELECT DISTINCT reason FROM rk.dead_letters WHERE ring = '$ring'}), 'invalid', 'and invalid');
	is(value(qq{SELECT count(*) FROM rk.dead_letters WHERE ring = '$ring' AND sqlstate = 'XX001' AND error = 'message was changed in the queue' AND length(payload->>'bytes') = 16}),
		128 + 8 + count_of_types(52), 'which say what is wrong');
	is(value(qq{SELECT failed FROM rk.stat_ring WHERE name = '$ring'}), $n, 'and are counted');
	is(value(qq{SELECT rk.dlq_replay('$ring')}), 0, 'they cannot be sent again');
	is(value(qq{SELECT rk.dlq_purge('$ring')}), $n, 'they can be removed');
	is(value(q{SELECT count(*) FROM rk.ring_log}), $durability eq 'journal' ? 4 : 0, 'none is in a log');
}

# Types of core/echo with a payload as long, one bit away: they are told by the checksum alone.
sub count_of_types
{
	my ($type) = @_;

	return scalar grep { my $bit = $type ^ $_; ($bit & $bit - 1) == 0 } (50, 54);
}

# who waits for the answer hears of it
value(q{SELECT rk.ring_suspend('e_volatile')});
my $caller = session($node, on_error_stop => 0);
$caller->query_safe('\set VERBOSITY verbose');
start_query($caller, "SELECT rk.ring_core_add('e_volatile', $first{call})");
$node->poll_query_until('postgres', q{SELECT queue_depth = 1 FROM rk.stat_ring WHERE name = 'e_volatile'});
flip(place_of(pack('q<', $first{call})), 17);
value(q{SELECT rk.ring_resume('e_volatile')});
like(wait_for_session($caller), qr/XX001: +message was changed in the queue/, 'a call fails');
is(value(q{SELECT count(*) FROM rk.dead_letters}), '0', 'and leaves no dead letter');
$caller->quit;

# a payload of two cache lines, and one outside of the queue
value(q{CALL rk.ring_up('risk/monte-carlo-var', 'var'); SELECT rk.ring_suspend('e_volatile'), rk.ring_suspend('var')});
value(q{SELECT rk.ring_send('e_volatile', 58, '{"amount": 7, "next": "tampered_with"}', receipt => true)});
value(q{SELECT rk.ring_send('var', (SELECT type_id FROM rk.message_types WHERE name = 'PositionBatch'),
	'{"worker": 0, "positions": [{"asset": "also_tampered", "value": 5, "expected_return": 0.01, "volatility": 0.1}]}', receipt => true)});
flip(place_of("tampered_with\0\0\0\0"), 3);
flip(place_of("also_tampered\0\0\0\0"), 8 * 12 + 1);
value(q{SELECT rk.ring_resume('e_volatile'), rk.ring_resume('var')});
for my $ring (qw(e_volatile var))
{
	ok($node->poll_query_until('postgres', qq{SELECT count(*) = 1 FROM rk.dead_letters WHERE ring = '$ring' AND reason = 'invalid' AND sqlstate = 'XX001'}),
		"$ring: a long message with one other bit is a dead letter");
}
is(value(q{SELECT total FROM rk.ring_core_total('e_volatile')}), '3001', 'it had no effect');

# replies: every bit of one and of what is said of it; they wait for the session that has a receipt
value(q{CALL rk.ring_up('core/echo', 'r')});
my $reader = session($node, on_error_stop => 0);
my @of_reply = map { my ($name, $at, $bits) = @$_; map { [ $name, $at, $_ ] } 0 .. $bits - 1 }
  ([ 'data', 28, 64 ], [ 'crc', 24, 32 ], [ 'epoch', 20, 32 ], [ 'length', 12, 32 ], [ 'in_slab', 10, 16 ], [ 'outcome', 8, 16 ]);
my $value = 0x2b7d << 32;
my ($asked, $refused) = (0, 0);
$reader->query_safe('\set VERBOSITY verbose');
while (my @bits = splice @of_reply, 0, 48)
{
	my $n = @bits;

	$value += 256;
	$reader->query_safe("SELECT count(rk.ring_send('r', 50, jsonb_build_object('value', $value + i), receipt => true)) FROM generate_series(0, $n - 1) i");
	$node->poll_query_until('postgres', "SELECT replies_sent = $asked + $n FROM rk.stat_ring WHERE name = 'r'");
	# done, a generation, an outcome that is good, 8 bytes, in no block
	my %place = places_of("\x03\0\0\0.{4}\0\0\0\0\x08\0\0\0\xff{4}.{8}(." . quotemeta(substr(pack('q<', $value), 1)) . ')');
	die "there are @{[ scalar keys %place ]} replies" if keys %place != $n;
	flip($place{ pack 'q<', $value + $_ } - 28 + $bits[$_][1], $bits[$_][2]) for 0 .. $#bits;
	start_query($reader, join(";\n", (q{SELECT * FROM rk.ring_receive('r')}) x $n));
	$refused += () = wait_for_session($reader) =~ /XX001: +reply of ring "r" was changed in shared memory/g;
	$asked += $n;
}
is($refused, $asked, "$asked replies are refused");
is($reader->query_safe(q{SELECT rk.ring_send('r', 50, '{"value": 5}', receipt => true) > 0}), 't', 'the slots can be used again');
like($reader->query_safe(q{SELECT payload FROM rk.ring_receive('r', '10s')}), qr/"value": 5/, 'and a reply that is left alone comes');
$reader->quit;

# what a server that stops keeps is what was sent
value(q{SELECT rk.ring_suspend('e_volatile')});
value(qq{SELECT rk.ring_send('e_volatile', 52, '{"amount": $first{restart}}'), rk.ring_send('e_volatile', 52, '{"amount": 20000}')});
flip(place_of(pack('q<', $first{restart})), 40);
$node->restart;
value(q{SELECT rk.ring_resume('e_volatile')});
value(q{SELECT rk.ring_sync('e_volatile')});
is(value(q{SELECT total FROM rk.ring_core_total('e_volatile')}), '23001', 'a restart keeps what is as it was sent');
is(value(q{SELECT count(*) FROM rk.dead_letters WHERE ring = 'e_volatile' AND sqlstate = 'XX001' AND length(payload->>'bytes') = 16}), '1', 'the other one is a dead letter');
$node->stop;

done_testing();
