
# What the cluster tests share: servers with the extension, sessions that run
# beside the test, kernels and how to call them.
package Rustkernels;

use strict;
use warnings;

use Exporter 'import';
use FindBin;
use IPC::Run ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(usleep);

our @EXPORT = qw(server session load_calls kernel_calls start_query wait_for_session status_kb
  threads_of random_edges edges_table psql_beside process_of kill_process wait_for_ring);

# A psql that cannot connect, as the server is coming back, ends before it has
# read its statement, which IPC::Run dies of when it writes that too late.  It is
# a failed connection like others: psql returns 2, and who polls tries again.
{
	no warnings 'redefine';
	my ($psql, $poll) = map { PostgreSQL::Test::Cluster->can($_) } qw(psql poll_query_until);

	*PostgreSQL::Test::Cluster::psql = sub {
		my ($self, $dbname, $sql, %o) = @_;
		my $list = wantarray;
		my @result;

		return $list ? @result : $result[0] if eval { @result = $list ? $psql->(@_) : scalar $psql->(@_); 1 };
		die $@ if $@ !~ /Broken pipe/ || $o{on_error_die};
		${ $o{$_} } = '' for grep { $o{$_} } qw(stdout stderr);
		return $list ? (2, '', 'no connection') : 2;
	};
	*PostgreSQL::Test::Cluster::poll_query_until = sub {
		my @arguments = @_;
		my $result;

		until (eval { $result = $poll->(@arguments); 1 })
		{
			die $@ if $@ !~ /Broken pipe/;
		}
		return $result;
	};
}

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

# A session beside the test.  The time limit of PostgreSQL::Test is for each
# query, not for all of them.
sub session
{
	my ($node, @options) = @_;
	my $session = $node->background_psql('postgres', @options);

	$session->set_query_timer_restart();
	return $session;
}

# Makes the functions of test/support/calls.sql.
sub load_calls
{
	my ($node) = @_;

	$node->psql('postgres', slurp_file("$FindBin::RealBin/../support/calls.sql"),
		on_error_die => 1);
	return;
}

# Returns, for every function of every kernel, a hash with name, kernel and
# call, which reads the table edges with the given number of nodes.  Option
# bounded => 1: calls that end soon on a large graph.
sub kernel_calls
{
	my ($node, $nodes, %o) = @_;
	my $rows = $node->safe_psql('postgres',
		sprintf q{SELECT * FROM calls.list($e$'edges'$e$, %d, %s)},
		$nodes, $o{bounded} ? 'true' : 'false');
	my @calls;

	for my $row (split /\n/, $rows)
	{
		my ($kernel, $name, $call) = split /\|/, $row, 3;

		push @calls, { kernel => $kernel, name => $name, call => $call };
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

# Starts a psql of its own with a query, which may die; finish() waits for its end.
sub psql_beside
{
	my ($node, $query) = @_;
	my ($in, $out, $err) = ('', '', '');

	return IPC::Run::start([ 'psql', '-XqAt', '-h', $node->host, '-p', $node->port, '-d', 'postgres', '-c', $query ],
		'<', \$in, '>', \$out, '2>', \$err);
}

# The pid of a server process, by a condition on pg_stat_activity.
sub process_of
{
	my ($node, $condition) = @_;

	return $node->safe_psql('postgres', "SELECT min(pid) FROM pg_stat_activity WHERE $condition");
}

# Kills a process that the condition names, as soon as there is one, and waits
# until the server has noticed: it ends all the others and starts again.
sub kill_process
{
	my ($node, $condition) = @_;
	my $checkpointer = q{SELECT pid FROM pg_stat_activity WHERE backend_type = 'checkpointer'};
	my $before = $node->safe_psql('postgres', $checkpointer);
	my $pid;

	for (1 .. 600)
	{
		last if ($pid = process_of($node, $condition)) && kill 'KILL', $pid;
		$pid = undef;
		usleep(100_000);
	}
	die "no process with $condition" unless $pid;
	$node->poll_query_until('postgres', "SELECT ($checkpointer) <> $before") or die 'the server did not come back';
	return;
}

# Waits until a ring has this state; whether it has.
sub wait_for_ring
{
	my ($node, $ring, $state) = @_;

	$state //= 'active';
	return $node->poll_query_until('postgres', "SELECT state = '$state' FROM rk.rings WHERE name = '$ring'");
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

# A query that yields the same pseudo-random edges every time.  The nodes are 0
# to nodes - 1: the first edges are a cycle through all of them.
sub random_edges
{
	my ($edges, $nodes) = @_;

	return qq{SELECT CASE WHEN i <= $nodes THEN i - 1
			ELSE (hashint8extended(i, 1) & 9223372036854775807) % $nodes END AS source,
		CASE WHEN i <= $nodes THEN i % $nodes
			ELSE (hashint8extended(i, 2) & 9223372036854775807) % $nodes END AS target
		FROM generate_series(1::bigint, $edges) i};
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
