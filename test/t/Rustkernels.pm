
# What the cluster tests share: servers with the extension, sessions that run
# beside the test, kernels and how to call them.
package Rustkernels;

use strict;
use warnings;

use Exporter 'import';
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

our @EXPORT = qw(server kernel_calls start_query wait_for_session status_kb
  threads_of random_edges edges_table);

# Starts a server with the extension in database postgres.  Options: conf =>
# text for postgresql.conf, preload => 0, extension => 0.
sub server
{
	my ($name, %o) = @_;
	my $node = PostgreSQL::Test::Cluster->new($name);

	$node->init(extra => [ '--locale=C.UTF-8', '--encoding=UTF8', @{ $o{initdb} // [] } ]);
	$node->append_conf('postgresql.conf',
		"shared_preload_libraries = 'rustkernels'")
	  if $o{preload} // 1;
	$node->append_conf('postgresql.conf', <<~'CONF');
		shared_buffers = 256MB
		max_wal_size = 4GB
		log_statement = none
		autovacuum = off
		jit = off
		CONF
	$node->append_conf('postgresql.conf', $o{conf}) if $o{conf};
	$node->start;
	$node->safe_psql('postgres', 'CREATE EXTENSION rustkernels')
	  if $o{extension} // 1;
	return $node;
}

# What a companion or a costly kernel is given beside its edges, so that any
# graph with the nodes 1 and 2 will do.  "bounded" ends soon on large graphs.
my %arguments = (
	source => "source => 1::bigint",
	target => "target => 2::bigint");
my %bounded = (
	graph_betweenness_centrality => 'samples => 2',
	graph_betweenness_centrality_edges => 'samples => 2',
	graph_shortest_path_pairs => 'max_distance => 0');

# Returns, for every function of every kernel that takes edges, a hash with
# name, kernel and call: the call's text with %s where the edges go.
sub kernel_calls
{
	my ($node, %o) = @_;
	my @calls;
	my $rows = $node->safe_psql(
		'postgres', q{
		SELECT kernel, replace(function, 'rk.', ''),
			string_agg(name, ',' ORDER BY "position") FILTER (WHERE required)
		FROM rk.kernel_columns WHERE kind = 'argument'
		GROUP BY 1, 2 HAVING bool_or(name = 'edges') ORDER BY 2});

	for my $row (split /\n/, $rows)
	{
		my ($kernel, $name, $required) = split /\|/, $row;
		my @parts = ('%s');

		for my $parameter (split /,/, $required)
		{
			next if $parameter eq 'edges';
			die "$name needs $parameter, which these tests do not know"
			  unless $arguments{$parameter};
			push @parts, $arguments{$parameter};
		}
		push @parts, $bounded{$name} if $o{bounded} && $bounded{$name};
		push @calls,
		  {
			name => $name,
			kernel => $kernel,
			endless => exists $bounded{$name} || $name =~ /eccentricity/,
			call => "rk.$name(" . join(', ', @parts) . ')'
		  };
	}
	return @calls;
}

# Sends a query to a background session without waiting for its end.
sub start_query
{
	my ($session, $query) = @_;

	$session->{stderr} = '';
	$session->query_until(qr/started/, "\\echo started\n$query;\n");
	return;
}

# Waits until a session is idle again and returns what it wrote to stderr.
sub wait_for_session
{
	my ($session) = @_;

	$session->query('SELECT 1');
	my $errors = $session->{stderr};
	$session->{stderr} = '';
	return $errors;
}

# A figure of /proc/PID/status in kB.
sub status_kb
{
	my ($pid, $key) = @_;

	return slurp_file("/proc/$pid/status") =~ /^$key:\s+(\d+) kB/m ? $1 : 0;
}

# Number of threads of a process.
sub threads_of
{
	my ($pid) = @_;

	return slurp_file("/proc/$pid/status") =~ /^Threads:\s+(\d+)/m ? $1 : 0;
}

# A query that yields the same pseudo-random edges every time.
sub random_edges
{
	my ($edges, $nodes) = @_;

	return qq{SELECT (hashint8extended(i, 1) & 9223372036854775807) % $nodes AS source,
		(hashint8extended(i, 2) & 9223372036854775807) % $nodes AS target
		FROM generate_series(1, $edges) i};
}

# Makes a table of random edges, vacuumed, so that it is read page by page.
sub edges_table
{
	my ($node, $table, $edges, $nodes) = @_;

	$node->safe_psql('postgres',
		"CREATE UNLOGGED TABLE $table AS " . random_edges($edges, $nodes));
	$node->safe_psql('postgres', "VACUUM (ANALYZE, FREEZE) $table");
	return;
}

1;
