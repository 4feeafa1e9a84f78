
# Text that a user can send and the server parses: JSON relations and the text
# form of rk.graph, made by a grammar and then damaged.  Whatever comes, the
# answer is rows or an error of the user's, and the session goes on; and what is
# accepted is what SQL makes of the same JSON.
#
# RK_FUZZ_SECONDS: how long; RK_FUZZ_SEED: another sequence of inputs (the one
# by default is always the same, so that a failure belongs to the change tested).

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Rustkernels;
use Test::More;

my $seconds = $ENV{RK_FUZZ_SECONDS} // 10;
my $seed = $ENV{RK_FUZZ_SEED} // 1;
srand $seed;
note "RK_FUZZ_SEED=$seed";

my $node = server('fuzz', conf => "log_min_messages = panic\n");
$node->safe_psql('postgres', q{
	-- what came of a JSON relation: its nodes, or the state of the error
	CREATE FUNCTION try_json(doc text) RETURNS text LANGUAGE plpgsql AS $$
	DECLARE
		result text;
	BEGIN
		SELECT 'rows ' || coalesce(string_agg(node, ',' ORDER BY node COLLATE "C"), '') INTO result
		FROM rk.graph_connected_components(doc, id_type => NULL::text);
		RETURN result;
	EXCEPTION WHEN OTHERS THEN
		RETURN SQLSTATE || ' ' || SQLERRM;
	END
	$$;
	-- the same by SQL's own means, for an array of objects whose ids are strings
	CREATE FUNCTION expected_nodes(doc text) RETURNS text LANGUAGE sql AS $$
		SELECT 'rows ' || coalesce(string_agg(n, ',' ORDER BY n), '')
		FROM (SELECT DISTINCT n COLLATE "C" AS n FROM jsonb_to_recordset(doc::jsonb) AS r(source text, target text), LATERAL (VALUES (source), (target)) v(n)) s
	$$;
	CREATE FUNCTION try_graph(doc text) RETURNS text LANGUAGE plpgsql AS $$
	DECLARE
		g rk.graph;
	BEGIN
		g := doc::rk.graph;
		-- an accepted graph prints as one that is accepted and prints the same
		IF (g::text)::rk.graph::text <> g::text THEN
			RETURN 'XX999 the text form does not come back: ' || g::text;
		END IF;
		RETURN 'a graph of ' || rk.num_nodes(g);
	EXCEPTION WHEN OTHERS THEN
		RETURN SQLSTATE || ' ' || SQLERRM;
	END
	$$});

sub pick { return $_[ rand @_ ] }

sub string
{
	return '"' . join('', map { pick('a' .. 'e', '\\u00e9', '\\n', '\\u0041', '\\"', '7', ' ', '\\ud83d\\ude00') } 1 .. rand 12) . '"';
}

sub number
{
	return pick(0, 1, -1, 7, '1.5', '1e3', '1e400', '-0', '9223372036854775807', '9223372036854775808', '1e-400', int rand 1000);
}

sub value
{
	my ($depth) = @_;

	return pick(string(), string(), number(), 'null', 'true', 'false',
		$depth > 0 ? ('[' . join(',', map { value($depth - 1) } 1 .. rand 3) . ']',
			'{' . join(',', map { string() . ':' . value($depth - 1) } 1 .. rand 3) . '}') : ());
}

# One object of a relation; mostly in order.
sub object
{
	my ($clean) = @_;
	my @members = map { "\"$_\": " . ($clean || rand() < 0.9 ? string() : value(2)) } 'source', 'target';

	push @members, '"weight": ' . ($clean || rand() < 0.8 ? pick(1, 2.5, 0) : value(1)) if rand() < 0.3;
	push @members, string() . ': ' . value(2) if rand() < 0.3;
	splice @members, rand @members, 1 if !$clean && rand() < 0.1;
	return '{' . join(', ', sort { rand() < 0.5 ? -1 : 1 } @members) . '}';
}

sub relation
{
	my ($clean) = @_;

	return '[' . join(', ', map { $clean || rand() < 0.97 ? object($clean) : value(2) } 1 .. rand 6) . ']';
}

sub graph
{
	my $nodes = int rand 5;
	my $weighted = rand() < 0.5;
	my $type = pick('bigint', 'bigint', 'text', 'numeric', 'uuid', 'date', 'integer[]', 'boolean', 'anyarray', 'bytea', 'interval');
	my @parts = (
		"\"id_type\": \"$type\"",
		'"weighted": ' . ($weighted ? 'true' : 'false'),
		'"nodes": [' . join(', ', map { $type eq 'text' || rand() < 0.1 ? string() : $type eq 'boolean' ? pick('"t"', '"f"') : '"' . int(rand 9) . '"' } 1 .. $nodes) . ']',
		'"edges": [' . join(', ', map { '[' . join(', ', (map { int rand($nodes + (rand() < 0.05 ? 1 : 0)) } 1 .. 2), $weighted ? number() : ()) . ']' } 1 .. ($nodes ? rand 6 : 0)) . ']');

	@parts[ 0, 2 ] = @parts[ 2, 0 ] if rand() < 0.05;
	push @parts, pick(@parts) if rand() < 0.1;
	return '{' . join(', ', @parts) . '}';
}

# Cuts, doubles and replaces pieces.
sub damage
{
	my ($text) = @_;

	for (1 .. 1 + rand 3)
	{
		my $at = int rand(1 + length $text);
		my $length = int rand 8;

		if (rand() < 0.4) { substr($text, $at, $length) = '' if $at + $length <= length $text }
		elsif (rand() < 0.5) { substr($text, $at, 0) = pick('{', '}', '[', ']', ',', ':', '"', '\\', '-', '1e', 'null', ' ', '\\u0000', '\\ud800', '/*', '--') }
		else { substr($text, $at, 0) = substr($text, int rand(length($text) + 1), $length) }
	}
	return $text;
}

my $session = session($node, on_error_stop => 0);
my $pid = $session->query_safe('SELECT pg_backend_pid()');
my $end = time + $seconds;
my $tried = 0;
my %states;
my @wrong;

while (time < $end && @wrong == 0)
{
	my (@json, @clean, @graphs);

	for (1 .. 100)
	{
		push @json, rand() < 0.5 ? relation(0) : damage(relation(rand() < 0.5));
		push @clean, relation(1);
		push @graphs, rand() < 0.5 ? graph() : damage(graph());
	}
	my $values = sub { join ', ', map { s/\n/ /gr } map { "(\$x\$$_\$x\$)" } @_ };
	my $result = $session->query(sprintf q{
		SELECT 'json ' || left(encode(convert_to(d, 'UTF8'), 'escape'), 600) || ' => ' || try_json(d) FROM (VALUES %s) v(d);
		SELECT 'clean ' || d || ' => ' || try_json(d) || ' instead of ' || expected_nodes(d) FROM (VALUES %s) v(d) WHERE try_json(d) <> expected_nodes(d);
		SELECT 'graph ' || d || ' => ' || try_graph(d) FROM (VALUES %s) v(d);
		}, $values->(@json), $values->(@clean), $values->(@graphs));
	last unless kill 0, $pid;
	if ($session->{stderr} =~ /(?:ERROR|FATAL|PANIC|server closed)/)
	{
		push @wrong, $session->{stderr};
		last;
	}
	$session->{stderr} = '';
	for my $line (split /\n(?=json |clean |graph )/, $result)
	{
		my ($kind, $outcome) = $line =~ /^(\w+) .* => (.*)$/s or next;

		$tried++;
		push @wrong, $line if $kind eq 'clean';
		my ($state) = $outcome =~ /^([0-9A-Z]{5}) /;
		$state //= 'accepted';
		$states{"$kind $state"}++;

		# the user's mistakes: data exceptions, names (of a type as well as of the
		# schema before it), syntax, datatype
		push @wrong, $line unless $state =~ /^(?:accepted|22...|42...|3F000|0A000|54001|54000)$/;
	}
}
ok(kill(0, $pid), 'the backend is alive');
is(join("\n", @wrong), '', "nothing wrong in $tried inputs (RK_FUZZ_SEED=$seed)");
cmp_ok($states{'json accepted'} // 0, '>', 20, 'some of the damaged JSON is accepted');
cmp_ok($states{'graph accepted'} // 0, '>', 20, 'some of the damaged graphs are accepted');
diag(join ', ', map { "$_: $states{$_}" } sort keys %states);

$session->{run}->kill_kill;
$node->stop;
done_testing();
