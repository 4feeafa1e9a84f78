
# The page loop of the relation reader against the executor: whatever state a
# table is in, both read the same rows.  And the rules of the page loop itself:
# when it may not be used, and on a standby.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Rustkernels;
use Test::More;

my $node = server('reader', conf => "wal_level = replica\nmax_wal_senders = 4\nhot_standby = on\n");

# All rows of a relation as the kernel sees them, and as SQL does: the digest of
# in_edges, out_edges and strengths of every node.
my $digest = q{
	SELECT count(*) || ' ' || coalesce(sum(hashtextextended(r::text, 0)::numeric), 0)
	FROM rk.graph_degree_centrality(%s, id_type => NULL::%s) r};

# Reads both ways in the given session (or one of its own) and compares; returns
# what was read.
sub same
{
	my ($what, $edges, $type, $session) = @_;
	my $query = sprintf $digest, "\$q\$$edges\$q\$", $type;
	my %got;

	for my $loop ('on', 'off')
	{
		my $sql = "SET rk.page_loop = $loop; $query";

		$got{$loop} = $session ? $session->query_safe($sql) : $node->safe_psql('postgres', $sql);
	}
	is($got{on}, $got{off}, $what);
	return $got{on};
}

# ---- tables in every state ----

$node->safe_psql('postgres', q{
	CREATE TABLE t (source bigint, target bigint, weight float8);
	INSERT INTO t SELECT i % 97, i % 89, i / 7.0 FROM generate_series(1, 20000) i;
});
same('inserted, never vacuumed', 't', 'bigint');
$node->safe_psql('postgres', 'DELETE FROM t WHERE source % 3 = 0');
my $deleted = same('dead rows', 't', 'bigint');
$node->safe_psql('postgres', 'UPDATE t SET weight = weight + 1 WHERE target % 5 = 0');
isnt(same('updated rows, some of them on the page of the old one', 't', 'bigint'), $deleted, 'and they are read');
$node->safe_psql('postgres', 'VACUUM t');
same('vacuumed: unused and dead line pointers, all-visible pages', 't', 'bigint');
$node->safe_psql('postgres', 'INSERT INTO t SELECT i, i + 1, i FROM generate_series(1, 500) i; BEGIN; DELETE FROM t; ROLLBACK');
same('an aborted delete', 't', 'bigint');
$node->safe_psql('postgres', 'VACUUM (FREEZE) t');
same('frozen', 't', 'bigint');

# columns that come and go
$node->safe_psql('postgres', q{
	ALTER TABLE t ADD COLUMN note text DEFAULT 'new';
	ALTER TABLE t DROP COLUMN weight;
	ALTER TABLE t ADD COLUMN weight numeric DEFAULT 2.5;
	INSERT INTO t VALUES (1, 2, 'x', 7), (1, 2, NULL, 8)});
same('a dropped column, added columns with a default that old rows lack', 't', 'bigint');
$node->safe_psql('postgres', 'CREATE TABLE empty (source bigint, target bigint)');
is(same('no rows', 'empty', 'bigint'), '0 0', 'and that is nothing');

# the layout of a row: what comes before the ids
my $number = 0;
for my $before ('', 'a smallint', 'a "char"', 'a text', 'a text, b text', 'a numeric', 'a name', 'a int, b "char"', 'a uuid', 'a boolean, b date, x text, y timestamp')
{
	my $table = 'layout' . ++$number;
	my $fill = join '', map { "nullif(i % 3, 0)::text::" . (split / /)[1] . ', ' } grep { /text|numeric|name|smallint/ } split /, /, $before;
	my $columns = join ', ', (split /, /, $before), 'source int', 'n int', 'target bigint', 'weight real', 's text', 'u uuid', 'c char(7)', 'd date';

	$node->safe_psql('postgres', "CREATE TABLE $table ($columns)");
	my $names = join ', ', ((map { (split / /)[0] } grep { /text|numeric|name|smallint/ } split /, /, $before), 'source', 'n', 'target', 'weight', 's', 'u', 'c', 'd');
	$node->safe_psql('postgres', qq{
		INSERT INTO $table ($names) SELECT $fill i % 50, nullif(i % 2, 0), i % 31, i / 3.0, repeat(chr(97 + i % 26), i % 200),
			md5((i % 40)::text)::uuid, (i % 9)::text, date '2024-01-01' + i % 20 FROM generate_series(1, 3000) i;
		DELETE FROM $table WHERE target % 7 = 0});
	same("ids after ($before)", $table, 'bigint');
	same("text ids after ($before)", "SELECT s AS source, c AS target, target AS weight FROM $table", 'text');
	same("uuid ids after ($before)", "SELECT u AS source, u AS target FROM $table", 'uuid');
	same("dates after ($before)", "SELECT d AS source, d AS target FROM $table", 'date');
	same("one column twice after ($before)", "SELECT target AS source, target, weight FROM $table", 'bigint');
}

# values out of line and compressed
$node->safe_psql('postgres', q{
	CREATE TABLE wide (filler text, source text, target text, weight numeric);
	ALTER TABLE wide ALTER filler SET STORAGE external, ALTER target SET STORAGE external;
	INSERT INTO wide SELECT repeat(i::text, 2000), repeat('s' || i % 7, 1000 * (i % 4)), repeat(md5((i % 11)::text), 100 * (i % 5)), 1e200 / i FROM generate_series(1, 400) i});
same('toasted ids', 'wide', 'text');

# the same error for a NULL
for my $loop ('on', 'off')
{
	my ($ret, $out, $err) = $node->psql('postgres', qq{
		SET rk.page_loop = $loop;
		SELECT * FROM rk.graph_degree_centrality('SELECT source, n AS target FROM layout1')});
	my ($row) = $err =~ /column "target" of "edges" is NULL in row (\d+)/;
	is($row, 2, "page_loop $loop: the first NULL is in row 2");
}

# ---- snapshots ----

my $reader = session($node, on_error_stop => 0);
my $writer = session($node, on_error_stop => 0);
$reader->query_safe('BEGIN ISOLATION LEVEL REPEATABLE READ');
my $before = same('a snapshot', 't', 'bigint', $reader);
$writer->query_safe('INSERT INTO t SELECT i, i, 0 FROM generate_series(1, 5000) i; DELETE FROM t WHERE source = 5; UPDATE t SET target = target + 1');
is(same('the snapshot after another session wrote', 't', 'bigint', $reader), $before, 'it has not changed');
$reader->query_safe('COMMIT');
isnt(same('a new snapshot', 't', 'bigint', $reader), $before, 'it has');
$writer->query_safe('BEGIN; DELETE FROM t; INSERT INTO t SELECT 1, 2');
$before = same('while a delete and an insert are not committed', 't', 'bigint', $reader);
$writer->query_safe('ROLLBACK');
is(same('after they were rolled back', 't', 'bigint', $reader), $before, 'it has not changed');

# one's own changes: visible to the next command, not to the command itself
$reader->query_safe('BEGIN; CREATE TEMPORARY TABLE own (source bigint, target bigint)');
$reader->query_safe('INSERT INTO own VALUES (1, 2)');
isnt(same('rows of this transaction in a temporary table', 'own', 'bigint', $reader), '0 0', 'are there');
$reader->query_safe('SAVEPOINT s; INSERT INTO own VALUES (3, 4); ROLLBACK TO s');
is($reader->query_safe(q{SELECT count(*) FROM rk.graph_degree_centrality('own')}), 2, 'a rolled back savepoint is not');
is( $reader->query_safe(q{
		WITH i AS (INSERT INTO own VALUES (5, 6) RETURNING 1)
		SELECT count(*) FROM i, rk.graph_degree_centrality('own')}),
	2, 'nor are rows of the same command');
$reader->query_safe('COMMIT');

# a cursor that was opened before
is( $reader->query_safe(q{
		BEGIN;
		DECLARE c CURSOR FOR SELECT count(*) FROM rk.graph_degree_centrality('own');
		INSERT INTO own VALUES (7, 8);
		FETCH c;
		COMMIT}),
	4, 'a cursor keeps its snapshot');

# a writer beside a reader, for some time: every read is of one moment, in which
# there are as many rows as ever
$node->safe_psql('postgres', q{
	CREATE TABLE balance (source int, target int, weight float8);
	INSERT INTO balance SELECT i % 100, i % 70, 1 FROM generate_series(1, 4000) i;
	CREATE PROCEDURE shuffle(n int) LANGUAGE plpgsql AS $$
	BEGIN
		FOR i IN 1 .. n LOOP
			UPDATE balance SET weight = 1 WHERE source = (i + 50) % 100;
			DELETE FROM balance WHERE source = i % 100;
			INSERT INTO balance SELECT i % 100, j, 1 FROM generate_series(1, 40) j;
			COMMIT;
		END LOOP;
	END
	$$});
$writer->query_until(qr/started/, "\\echo started\nCALL shuffle(600);\n");
my %seen;
for (1 .. 60)
{
	$seen{ $reader->query_safe(q{
		SET rk.page_loop = on;
		SELECT sum(in_edges) || ' ' || sum(in_strength) FROM rk.graph_degree_centrality('balance')}) }++;
}
$writer->query('SELECT 1');
is(join(', ', sort keys %seen), '4000 4000', 'while rows are replaced all the time, every read finds as many');
$node->safe_psql('postgres', 'VACUUM balance');
same('after all that', 'balance', 'bigint');

# ---- where the page loop is not used ----

# SERIALIZABLE needs the locks that the executor takes: of these two one fails
$node->safe_psql('postgres', 'CREATE TABLE ser (source bigint, target bigint); INSERT INTO ser VALUES (1, 2)');
for my $s ($reader, $writer)
{
	$s->query_safe('BEGIN ISOLATION LEVEL SERIALIZABLE');
	$s->query_safe(q{SELECT count(*) FROM rk.graph_degree_centrality('ser')});
}
$_->query_safe('INSERT INTO ser VALUES (3, 4)') for $reader, $writer;
$reader->query_safe('COMMIT');
$writer->{stderr} = '';
$writer->query('COMMIT');
like($writer->{stderr}, qr/could not serialize access/, 'a run in a serializable transaction is seen by its rules');
$writer->{stderr} = '';

# conditions, inheritance, partitions and row security go through the executor
$node->safe_psql('postgres', q{
	CREATE TABLE parent (source bigint, target bigint);
	CREATE TABLE child () INHERITS (parent);
	INSERT INTO parent VALUES (1, 2);
	INSERT INTO child VALUES (3, 4);
	CREATE ROLE reader;
	GRANT SELECT ON parent, t TO reader;
	CREATE TABLE secret (source bigint, target bigint, owner name);
	INSERT INTO secret VALUES (1, 2, 'reader'), (3, 4, 'postgres');
	ALTER TABLE secret ENABLE ROW LEVEL SECURITY;
	CREATE POLICY mine ON secret USING (owner = current_user);
	GRANT SELECT ON secret TO reader});
like(same('with children', 'parent', 'bigint'), qr/^4 /, 'all of them');
like(same('without', 'SELECT * FROM ONLY parent', 'bigint'), qr/^2 /, 'one of them');
like(same('a condition', 'SELECT * FROM ONLY parent WHERE source > 1', 'bigint'), qr/^0 /, 'it is obeyed');
for my $loop ('on', 'off')
{
	is( $node->safe_psql('postgres', qq{
			SET ROLE reader; SET rk.page_loop = $loop;
			SELECT string_agg(node::text, ' ' ORDER BY node) FROM rk.graph_degree_centrality('secret')}),
		'1 2', "page_loop $loop: row security is obeyed");
}

# foreign tables
$node->safe_psql('postgres', q{
	CREATE EXTENSION file_fdw;
	CREATE SERVER files FOREIGN DATA WRAPPER file_fdw;
	CREATE FOREIGN TABLE abroad (source bigint, target bigint, weight float8) SERVER files
		OPTIONS (program 'printf "1,2,0.5\n2,3,0.25\n"', format 'csv')});
is( $node->safe_psql('postgres', q{SELECT string_agg(node || ' ' || in_strength, ', ' ORDER BY node) FROM rk.graph_degree_centrality('abroad')}),
	'1 0, 2 0.5, 3 0.25', 'a foreign table');
like(same('a foreign table', 'abroad', 'bigint'), qr/^3 /, 'all its rows');
$node->safe_psql('postgres', 'DROP SERVER files CASCADE');

# ---- on a standby ----

$node->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'base', has_streaming => 1);
$standby->start;
$node->safe_psql('postgres', 'INSERT INTO t SELECT i, i + 3, 0 FROM generate_series(1, 3000) i; DELETE FROM t WHERE source = 7');
$node->wait_for_catchup($standby, 'replay', $node->lsn('insert'));
my $primary = same('on the primary', 't', 'bigint');
my $held = $standby->background_psql('postgres');
$held->query_safe('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1');
my %on_standby;
for my $loop ('on', 'off')
{
	$on_standby{$loop} = $standby->safe_psql('postgres', "SET rk.page_loop = $loop; " . sprintf $digest, "'t'", 'bigint');
}
is($on_standby{on}, $primary, 'a standby reads what the primary has');
is($on_standby{off}, $primary, 'through the executor as well');
$node->safe_psql('postgres', 'INSERT INTO t VALUES (100000, 100001)');
$node->wait_for_catchup($standby, 'replay', $node->lsn('insert'));
is($held->query_safe(sprintf $digest, "'t'", 'bigint'), $primary, 'a snapshot on the standby stays as it is');
$held->quit;
is($standby->safe_psql('postgres', q{SELECT count(*) FROM rk.graph_pagerank('[{"source": 1, "target": 2}]')}), 2, 'JSON on a standby');
$standby->stop;

# rows of a large table, in the cache or not
edges_table($node, 'large', 300_000, 1000);
same('many pages', 'large', 'bigint');
$node->restart;
$reader->{run}->kill_kill;
$writer->{run}->kill_kill;
same('many pages that are not in the cache', 'large', 'bigint');

$node->stop;
done_testing();
