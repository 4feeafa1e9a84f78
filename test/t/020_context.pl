
# Contexts: data that sessions share, as PostgreSQL's own rules would have it.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Rustkernels;
use Test::More;

my $node = server('context', conf => "rk.context_memory = 24MB\nrestart_after_crash = on\n");
my $result;

sub sql { return $node->safe_psql('postgres', shift) }

# The error of a statement, without its place.
sub error_of
{
	my ($statement, $role) = @_;
	my ($status, $out, $err) =
	  $node->psql('postgres', ($role ? "SET ROLE $role; " : '') . $statement);

	return $status ? $err =~ s/^psql:\S+ //r : "no error, but $out";
}

sql(q{
	CREATE ROLE analyst;
	CREATE ROLE owner;
	CREATE ROLE other;
	GRANT CREATE, USAGE ON SCHEMA public TO owner;
	CREATE TABLE wires (source int, target int, weight float8);
	INSERT INTO wires SELECT i % 1000, (i * 7919 + i % 97) % 1000, 1 + i % 5 FROM generate_series(1, 5000) i;
	CREATE TABLE text_wires AS SELECT 'A' || source AS source, 'A' || target AS target FROM wires;
	CREATE TABLE uuid_wires AS SELECT md5(source::text)::uuid AS source, md5(target::text)::uuid AS target FROM wires;
	CREATE TABLE numeric_wires AS SELECT source::numeric / 10 AS source, target::numeric / 10 AS target FROM wires;
	GRANT SELECT ON wires TO owner;
	SELECT rk.context_create('aml');
	SELECT rk.context_load('aml', 'wires', 'graph', 'wires');
	SELECT rk.context_load('aml', 'text', 'graph', 'text_wires');
	SELECT rk.context_load('aml', 'uuid', 'graph', 'uuid_wires');
	SELECT rk.context_load('aml', 'numeric', 'graph', 'numeric_wires')});

# ---- results are those of the query, to the last bit ----

load_calls($node);
my $different = 0;
my $compared = 0;
my %relations = (
	wires => [ 'wires', undef ],
	text => [ 'text_wires', 'text' ],
	uuid => [ 'uuid_wires', 'uuid' ],
	numeric => [ 'numeric_wires', 'numeric' ]);
for my $kernel (grep { $_->{call} =~ /edges => 'edges'/ } kernel_calls($node, 1000, bounded => 1))
{
	my $has_id_type = sql(qq{SELECT count(*) FROM pg_proc WHERE proname = '$kernel->{name}' AND 'id_type' = ANY (proargnames)});
	my $only_edges = $kernel->{call} =~ /\(edges => 'edges'\)$/;

	for my $key (sort keys %relations)
	{
		my ($table, $type) = @{ $relations{$key} };

		# ids in other arguments would have to be of the type as well
		next if $type && !($has_id_type && $only_edges);
		my @rows = map {
			my $edges = "edges => '$_'" . ($type ? ", id_type => NULL::$type" : '');
			my $call = $kernel->{call} =~ s/edges => 'edges'/$edges/r;
			sql('SET client_min_messages = error; SELECT calls.digest($c$' . $call . '$c$)')
		} ("context:aml/$key", $table);

		$compared++;
		next if $rows[0] eq $rows[1];
		$different++;
		diag("$kernel->{name} of context:aml/$key differs from the same rows");
	}
}
cmp_ok($compared, '>', 20, "$compared calls compared");
is($different, 0, 'every kernel finds in a context what it finds in the rows');
is(sql(q{SELECT count(*) FROM rk.graph_pagerank('context:aml/wires', nodes => 'SELECT 5000 AS node')}),
	1001, 'nodes may be added to a context');

# ---- transactions ----

sql(q{BEGIN; SELECT rk.context_load('aml', 'gone', 'graph', 'wires'); ROLLBACK});
like(error_of(q{SELECT * FROM rk.graph_pagerank('context:aml/gone')}),
	qr/item "aml\/gone" given as "edges" does not exist/, 'what is rolled back is not there');
my $bytes = sql(q{SELECT bytes FROM rk.contexts WHERE name = 'aml'});
sql(q{BEGIN; SELECT rk.context_load('aml', 'gone', 'graph', 'wires'); ROLLBACK}) for 1 .. 200;
is(sql(q{SELECT bytes FROM rk.contexts WHERE name = 'aml'}), $bytes, 'and takes no memory');
is( sql(q{
		BEGIN;
		INSERT INTO wires VALUES (-1, -2, 1);
		SELECT rk.context_refresh('aml', 'wires');
		SAVEPOINT s;
		INSERT INTO wires VALUES (-3, -4, 1);
		SELECT rk.context_refresh('aml', 'wires');
		ROLLBACK TO s;
		SELECT count(*) FROM rk.graph_pagerank('context:aml/wires');
		ROLLBACK;
		SELECT count(*) FROM rk.graph_pagerank('context:aml/wires')}),
	"1\n1\n1002\n1000", 'a transaction sees its own data, a savepoint takes it back');
like(error_of(q{BEGIN; SELECT rk.context_refresh('aml', 'wires'); PREPARE TRANSACTION 'x'}),
	qr/cannot PREPARE/, 'no two-phase commit of data in memory');

# ---- staleness and refresh ----

# counted changes arrive a little after their transaction: the load above says stale
sql(q{SELECT rk.context_refresh('aml', 'wires')});
is(sql(q{SELECT stale FROM rk.context_items WHERE key = 'wires'}), 'f', 'fresh');
sql(q{INSERT INTO wires VALUES (-1, -2, 1)});
ok($node->poll_query_until('postgres', q{SELECT stale FROM rk.context_items WHERE key = 'wires'}),
	'stale once the table has changed');
is(sql(q{SELECT count(*) FROM rk.graph_pagerank('context:aml/wires')}), 1000, 'the data is that of the load');
is(sql(q{SELECT rk.context_refresh('aml')}), 4, 'refresh of a whole context');
is(sql(q{SELECT count(*) FROM rk.graph_pagerank('context:aml/wires')}), 1002, 'and now of the refresh');

# ---- readers keep what they read; memory really comes back ----

my $reader = $node->background_psql('postgres');
$bytes = sql(q{SELECT bytes FROM rk.context_items WHERE key = 'wires'});
start_query($reader, q{SELECT count(*) FROM rk.graph_betweenness_centrality('context:aml/wires')
	UNION ALL SELECT count(*) FROM (SELECT pg_sleep(0.02) FROM rk.graph_pagerank('context:aml/wires') LIMIT 100) x});
sql(q{SELECT rk.context_refresh('aml', 'wires')}) for 1 .. 50;
wait_for_session($reader);
is($reader->query_safe(q{SELECT count(*) FROM rk.graph_pagerank('context:aml/wires')}),
	1002, 'a reader lives through fifty refreshes');
cmp_ok(sql(q{SELECT bytes FROM rk.context_items WHERE key = 'wires'}), '<=', $bytes, 'the old data is freed');

# ---- rights ----

sql(q{SET ROLE owner; SELECT rk.context_create('private'); SELECT rk.context_load('private', 'w', 'graph', 'wires')});
like(error_of(q{SELECT * FROM rk.graph_pagerank('context:private/w')}, 'other'),
	qr/permission denied for context "private"/, 'another role may not use it');
is(sql(q{SET ROLE other; SELECT count(*) FROM rk.context_items}), 0, 'nor see it');
sql(q{SET ROLE owner; SELECT rk.context_grant('private', 'analyst')});
is(sql(q{SET ROLE analyst; SELECT count(*) FROM rk.graph_pagerank('context:private/w')}), 1002,
	'a role it was granted to may, without rights on the table');
like(error_of(q{SELECT rk.context_refresh('private')}, 'analyst'), qr/must be owner of context "private"/, 'but not refresh');
like(error_of(q{SELECT rk.context_drop('private')}, 'analyst'), qr/must be owner/, 'nor drop');
sql(q{SET ROLE owner; SELECT rk.context_revoke('private', 'analyst')});
like(error_of(q{SELECT * FROM rk.graph_pagerank('context:private/w')}, 'analyst'), qr/permission denied/, 'revoked');
sql(q{
	ALTER TABLE wires ENABLE ROW LEVEL SECURITY;
	CREATE POLICY few ON wires TO owner USING (source < 10 AND source >= 0);
	SELECT rk.context_refresh('private')});
cmp_ok(sql(q{SELECT count(*) FROM rk.graph_pagerank('context:private/w')}), '<', 200,
	"read with the owner's row security, even when a superuser refreshes");
like(error_of(q{SELECT * FROM rk.context_item}, 'owner'), qr/permission denied/, 'the tables are nobody\'s');

# a query that wants more rights than it has
like(error_of(q{SELECT rk.context_load('private', 'x', 'graph',
	'SELECT 1 AS source, 2 AS target FROM set_config(''role'', ''postgres'', false)')}, 'owner'),
	qr/cannot set parameter "role" within security-/, 'no way to another role');

# ---- limits ----

sql(q{SELECT rk.context_create('small', 10000)});
like(error_of(q{SELECT rk.context_load('small', 'w', 'graph', 'wires')}),
	qr/does not fit into the working set/, 'max_working_set holds');
like(error_of(q{SELECT rk.context_load('aml', 'big', 'graph',
	'SELECT i AS source, i + 1 AS target FROM generate_series(1, 4000000) i')}),
	qr/there is no room for an item/, 'rk.context_memory holds');
# twelve of some 4 MB: the ones not used for longest give way and are read again
sql(qq{SELECT rk.context_load('aml', 'n$_', 'graph',
	'SELECT i AS source, i + $_ AS target FROM generate_series(1, 150000) i')}) for 1 .. 12;
cmp_ok(sql(q{SELECT count(loaded_at) FROM rk.context_items WHERE key LIKE 'n%'}), '<', 12, 'some gave way');
is(sql(q{SELECT count(*) FROM rk.graph_connected_components_sizes('context:aml/n3')}), 3, 'and come back when used');
sql(q{SELECT rk.context_drop('aml', 'n' || i) FROM generate_series(1, 12) i});

# ---- bad input ----

for my $case (
	[ q{SELECT rk.context_create('a/b')}, qr/value "a\/b" of "name" is not a name/ ],
	[ q{SELECT rk.context_create('aml')}, qr/context "aml" already exists/ ],
	[ q{SELECT rk.context_load('none', 'k', 'graph', 'wires')}, qr/context "none" does not exist/ ],
	[ q{SELECT rk.context_load('aml', 'k', 'cube', 'wires')}, qr/value "cube" of "kind" is not valid/ ],
	[ q{SELECT rk.context_load('aml', 'k', 'graph', 'SELECT 1 AS a')}, qr/column "source" of "query" is missing|column "source" of "edges" is missing/ ],
	[ q{SELECT rk.context_refresh('aml', 'none')}, qr/context "aml" has no item "none"/ ],
	[ q{SELECT * FROM rk.graph_pagerank('context:aml')}, qr/does not exist.*The form is context:name\/key/s ],
	[ q{SELECT * FROM rk.graph_pagerank('context:aml/text')}, qr/ids are of type text, but the call returns bigint/ ])
{
	my ($statement, $expected) = @$case;
	like(error_of($statement), $expected, $statement);
}

# ---- restart, crash, dump ----

$node->restart;
is(sql(q{SELECT count(*), count(loaded_at) FROM rk.context_items WHERE context = 'aml'}), '4|0',
	'after a restart the definitions are there, the data is not');
is(sql(q{SELECT count(*) FROM rk.graph_pagerank('context:aml/wires')}), 1002, 'the first use reads it again');
my @sessions = map { $node->background_psql('postgres') } 1 .. 3;
start_query($_, q{SELECT count(*) FROM rk.graph_pagerank('context:aml/text', id_type => NULL::text)}) for @sessions;
wait_for_session($_) for @sessions;
is(sql(q{SELECT count(*) FROM rk.context_items WHERE key = 'text' AND loaded_at IS NOT NULL}), 1,
	'three first users at once');
$_->quit for @sessions;
$reader->quit;

my $victim = $node->background_psql('postgres', on_error_stop => 0);
my $pid = $victim->query_safe('SELECT pg_backend_pid()');
start_query($victim, q{SELECT count(*) FROM rk.graph_betweenness_centrality('context:aml/wires'), pg_sleep(60)});
kill_process($node, "pid = $pid");
is(sql(q{SELECT count(*) FROM rk.graph_pagerank('context:aml/wires')}), 1002, 'the data is there after a crash');
$victim->{run}->kill_kill;

my $dump = $node->backup_dir . '/dump.sql';
$node->run_log([ 'pg_dump', '-f', $dump, $node->connstr('postgres') ]);
sql('CREATE DATABASE restored');
$node->run_log([ 'psql', '-X', '-q', '-f', $dump, $node->connstr('restored') ]);
is($node->safe_psql('restored', q{SELECT count(*) FROM rk.graph_pagerank('context:aml/wires')}),
	1002, 'a dump carries the definitions');
is($node->safe_psql('restored', q{SELECT rk.context_drop('aml')}), 4, 'drop');
is(sql(q{SELECT count(*) FROM rk.graph_pagerank('context:aml/wires')}), 1002, 'of one database only');
sql('DROP DATABASE restored');
$node->stop;

# ---- without preloading ----

my $plain = server('plain', preload => 0);
my ($status, $out, $err) = $plain->psql('postgres', q{
	SELECT rk.context_create('aml'); SELECT rk.context_load('aml', 'x', 'graph', 'SELECT 1 AS source, 2 AS target')});
like($err, qr/contexts need shared memory.*shared_preload_libraries/s, 'without shared memory: a clear error');
$plain->stop;

done_testing();
