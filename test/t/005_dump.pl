
# rk.graph columns and everything else of the extension through pg_dump,
# pg_restore and COPY, in text and binary, also into a server of another major
# version (RK_OTHER_BIN: the directories of its programs, parted by blanks).

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Rustkernels;
use Test::More;

my $node = server('dump');
my $dir = PostgreSQL::Test::Utils::tempdir_short();

$node->safe_psql('postgres', q{
	CREATE TYPE colour AS ENUM ('red', 'blue', 'green');
	CREATE TABLE store (name text PRIMARY KEY, g rk.graph, gs rk.graph[]);
	INSERT INTO store VALUES ('null', NULL, '{}');
	INSERT INTO store SELECT 'bigint', rk.graph_agg(i % 500, i * 7 % 300), NULL FROM generate_series(1, 20000) i;
	INSERT INTO store SELECT 'weighted', rk.graph_agg(i % 50, i % 30, i / 7.0::float8), ARRAY[rk.graph_agg(1, 2), NULL] FROM generate_series(1, 2000) i;
	INSERT INTO store SELECT 'text', rk.graph_agg('é "' || i, chr(92) || i % 3), NULL FROM generate_series(1, 50) i;
	INSERT INTO store SELECT 'uuid', rk.graph_agg(md5(i::text)::uuid, md5((i % 3)::text)::uuid), NULL FROM generate_series(1, 50) i;
	INSERT INTO store SELECT 'numeric', rk.graph_agg(i / 3.0, i::numeric), NULL FROM generate_series(1, 50) i;
	INSERT INTO store SELECT 'enum', rk.graph_agg('red'::colour, 'green'), NULL;
	INSERT INTO store SELECT 'date', rk.graph_agg(date '2024-02-29' + i, date 'infinity'), NULL FROM generate_series(1, 5) i;
	INSERT INTO store SELECT 'lonely', rk.graph_agg(7, NULL::int), NULL;
	CREATE VIEW ranked AS SELECT * FROM rk.graph_pagerank('SELECT g FROM public.store WHERE name = ''weighted''');
	CREATE MATERIALIZED VIEW kept AS SELECT * FROM ranked;
	CREATE INDEX ON store (rk.num_edges(g));
	ALTER TABLE store ADD CHECK (rk.num_nodes(g) > 0);
	SET rk.threads = 2;
	ALTER DATABASE postgres SET rk.memory_limit = '512MB'});

# What there is, as text that does not depend on the version.
my $contents = q{
	SELECT name, md5(g::text), rk.num_nodes(g), rk.num_edges(g), md5(gs::text) FROM store ORDER BY name;
	SELECT node, score FROM ranked ORDER BY node;
	SELECT node, score FROM kept ORDER BY node};
my $expected = $node->safe_psql('postgres', $contents);

# ---- COPY ----

for my $format ('text', 'csv', 'binary')
{
	my $file = "$dir/copy.$format";

	$node->safe_psql('postgres', qq{
		COPY store TO '$file' WITH (FORMAT $format);
		CREATE TABLE back (LIKE store);
		COPY back FROM '$file' WITH (FORMAT $format)});
	is( $node->safe_psql('postgres', q{
			SELECT count(*), count(*) FILTER (WHERE s.g::text IS NOT DISTINCT FROM b.g::text AND s.gs::text IS NOT DISTINCT FROM b.gs::text)
			FROM store s JOIN back b USING (name);
			DROP TABLE back}),
		'9|9', "COPY in format $format and back");
}

# for another server: there the type of an array's elements has another number
$node->safe_psql('postgres', "COPY (SELECT name, g FROM store) TO '$dir/graphs.binary' WITH (FORMAT binary)");

# a binary file of another version, or cut off, is refused
my $bytes = slurp_file("$dir/copy.binary");
$node->safe_psql('postgres', q{CREATE TABLE back (g rk.graph)});
for my $case ([ "\x02{}", qr/unsupported version 2 of the binary form of rk\.graph/ ], [ '', qr/no data left in message|insufficient data/ ], [ "\x01", qr/invalid input syntax for type rk\.graph/ ], [ "\x01{\xff}", qr/invalid byte sequence/ ])
{
	my ($value, $error) = @$case;
	my $file = "$dir/bad.binary";

	unlink $file;
	append_to_file($file, "PGCOPY\n\xff\r\n\0" . pack('NNnN', 0, 0, 1, length $value) . $value . pack('n', 0xffff));
	my ($status, $stdout, $stderr) = $node->psql('postgres', "COPY back FROM '$file' WITH (FORMAT binary)");
	like($stderr, $error, 'a binary value that is none: ' . unpack('H*', $value));
}

# ---- dump and restore ----

for my $format ('plain', 'custom', 'directory')
{
	my $file = "$dir/dump.$format";

	$node->command_ok([ 'pg_dump', '--format', $format, '--file', $file, $node->connstr('postgres') ], "pg_dump in format $format");
	$node->safe_psql('postgres', "CREATE DATABASE restored_$format");
	$node->command_ok(
		$format eq 'plain'
		? [ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-f', $file, '-d', $node->connstr("restored_$format") ]
		: [ 'pg_restore', '--exit-on-error', '-d', $node->connstr("restored_$format"), $file ],
		'is restored');
	is($node->safe_psql("restored_$format", $contents), $expected, 'with all graphs as they were');
}
unlike(slurp_file("$dir/dump.plain"), qr/CREATE FUNCTION rk\./, "a dump does not hold the extension's own functions");

# ---- rings ----

# what waits, what feeds, where records go, who may: all of it goes on in the copy
$node->safe_psql('postgres', q{
	CREATE DATABASE rings;
	CREATE ROLE teller});
$node->safe_psql('rings', q{
	CREATE EXTENSION rustkernels;
	CREATE TABLE pay (amount bigint);
	CREATE TABLE turnover (apply_seq bigint, total bigint)});
$node->safe_psql('rings', q{CALL rk.ring_up('core/echo', 'total', '{"durability": "journal"}')});
$node->safe_psql('rings', q{SELECT rk.ring_attach('total', 'pay', '{"type": "EchoAdd", "output": {"EchoAdded": "turnover"}}')});
$node->safe_psql('rings', q{
	SELECT rk.ring_grant('total', 'teller', 'send');
	SELECT rk.subscribe('pay/#', 'total', 'exactly_once'), rk.route_add(52, 'total', 'amount > 0');
	SELECT rk.fanout_create('all', '{total}')});
$node->safe_psql('rings', q{INSERT INTO pay VALUES (1), (2)});
$node->safe_psql('rings', q{SELECT rk.ring_sync('total')});
$node->safe_psql('rings', q{SELECT rk.ring_suspend('total')});
$node->safe_psql('rings', q{SELECT rk.ring_wait('total', 'suspended')});
$node->safe_psql('rings', q{INSERT INTO pay VALUES (4)});
for my $format ('plain', 'custom')
{
	my $file = "$dir/rings.$format";
	my $copy = "rings_$format";

	$node->command_ok([ 'pg_dump', '--format', $format, '--file', $file, $node->connstr('rings') ], "pg_dump of rings in format $format");
	$node->safe_psql('postgres', "CREATE DATABASE $copy");
	$node->command_ok(
		$format eq 'plain'
		? [ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-f', $file, '-d', $node->connstr($copy) ]
		: [ 'pg_restore', '--exit-on-error', '-d', $node->connstr($copy), $file ],
		'is restored');
	# whoever writes to its table or asks for it has it come up
	$node->safe_psql($copy, q{INSERT INTO pay VALUES (0)}) if $format eq 'plain';
	ok( $node->poll_query_until($copy, q{SELECT state = 'suspended' FROM rk.rings}), 'the ring is as it was, suspended')
	  if $format eq 'plain';
	is($node->safe_psql($copy, q{SELECT rk.ring_wait('total', 'suspended')}), 't', 'and can be waited for');
	$node->safe_psql($copy, q{SELECT rk.ring_resume('total')});
	is($node->safe_psql($copy, q{SELECT rk.ring_wait('total')}), 't', 'and goes on');
	$node->safe_psql($copy, q{INSERT INTO pay VALUES (8)});
	$node->safe_psql($copy, q{SELECT rk.ring_sync('total')});
	is($node->safe_psql($copy, q{SELECT total FROM rk.ring_core_total('total')}), '15', 'with what had waited, and what its table feeds it');
	is($node->safe_psql($copy, q{SELECT string_agg(total::text, ',' ORDER BY apply_seq) FROM (SELECT DISTINCT ON (total) * FROM turnover ORDER BY total, apply_seq) t}), '1,3,7,15', 'its records are written once');
	$node->safe_psql($copy, q{SELECT rk.publish('pay/eu', '{"amount": 16}', 'exactly_once')});
	$node->safe_psql($copy, q{SELECT rk.ring_sync('total')});
	is($node->safe_psql($copy, q{SELECT total FROM rk.ring_core_total('total')}), '31', 'topics reach it');
	is($node->safe_psql($copy, q{SELECT ring, role, access FROM rk.ring_grants}), 'total|teller|send', 'who may send to it still may');
	is($node->safe_psql($copy, q{SELECT rk.dispatch(52, '{"amount": 1}') > 0, count(*) FROM rk.broadcast('all', 52, '{"amount": 1}')}), 't|1', 'routes and fan-outs are there');
}
$node->safe_psql('rings', 'DROP EXTENSION rustkernels CASCADE');
is($node->safe_psql('rings', 'INSERT INTO pay VALUES (16); SELECT count(*) FROM pay'), '4', 'without the extension its tables are what they were');

# ---- another major ----

for my $bin (split / /, $ENV{RK_OTHER_BIN} // '')
{
	my $other = "$dir/other";
	my ($major) = `'$bin/postgres' --version` =~ /(\d+)/;

	note "PostgreSQL $major in $bin";
	system("rm -rf '$other'");
	system_or_bail("$bin/initdb", '-D', $other, '-U', $ENV{USER} // 'postgres', '-A', 'trust', '--no-sync', '--encoding=UTF8', '--locale=C');
	append_to_file("$other/postgresql.conf", "listen_addresses = ''\nunix_socket_directories = '$dir'\nport = 5599\nshared_preload_libraries = 'rustkernels'\nfsync = off\n");
	system_or_bail("$bin/pg_ctl", '-D', $other, '-l', "$dir/other.log", '-w', 'start');
	my $connstr = "host=$dir port=5599 user=" . ($ENV{USER} // 'postgres');

	command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-f', "$dir/dump.plain", '-d', "$connstr dbname=postgres" ], "the dump is restored into $major");
	my ($stdout, $stderr);
	run_command([ 'true' ]);
	($stdout, $stderr) = run_command([ 'psql', '-X', '-A', '-t', '-q', '-d', "$connstr dbname=postgres", '-c', $contents ]);
	is($stdout, $expected, "with all graphs as they were and the same ranks");
	command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d', "$connstr dbname=postgres", '-c', "CREATE TABLE copied (name text, g rk.graph); COPY copied FROM '$dir/graphs.binary' WITH (FORMAT binary)" ], "$major reads the binary form of 15");
	($stdout) = run_command([ 'psql', '-X', '-A', '-t', '-q', '-d', "$connstr dbname=postgres", '-c', 'SELECT count(*) FROM store s JOIN copied b USING (name) WHERE s.g::text IS NOT DISTINCT FROM b.g::text' ]);
	is($stdout, '9', 'and it is the same');
	system("$bin/pg_ctl", '-D', $other, '-m', 'immediate', 'stop');
}

# ---- the extension comes and goes ----

$node->safe_psql('postgres', 'CREATE DATABASE twice');
$node->safe_psql('twice', 'CREATE EXTENSION rustkernels; DROP EXTENSION rustkernels; CREATE EXTENSION rustkernels');
is($node->safe_psql('twice', q{SELECT count(*) FROM rk.graph_pagerank('[{"source": 1, "target": 2}]')}), 2, 'created, dropped and created again');
my (undef, undef, $error) = $node->psql('postgres', 'DROP EXTENSION rustkernels');
like($error, qr/cannot drop extension rustkernels because other objects depend on it/, 'graphs in tables keep it');
$node->safe_psql('twice', 'DROP EXTENSION rustkernels');
is($node->safe_psql('twice', q{SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace WHERE nspname = 'rk'}), 0, 'dropping it leaves nothing');

$node->stop;
done_testing();
