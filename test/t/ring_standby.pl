
# Rings on a standby that is promoted, and in a database that is restored from
# a dump: state, log and what feeds them come along.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Rustkernels;
use Test::More;

my $primary = PostgreSQL::Test::Cluster->new('primary');
$primary->init(allows_streaming => 1);
$primary->append_conf('postgresql.conf', <<~'CONF');
	shared_preload_libraries = 'rustkernels'
	rk.checkpoint_interval = 1h
	CONF
$primary->start;
$primary->safe_psql(
	'postgres', q{
	CREATE EXTENSION rustkernels;
	CREATE TABLE wire (amount bigint);
	CALL rk.ring_up('core/echo', 'e');
	SELECT rk.ring_attach('e', 'wire', '{"type": "EchoAdd"}');
	INSERT INTO wire SELECT generate_series(1, 100);
	SELECT rk.ring_sync('e'), rk.ring_checkpoint('e');
	INSERT INTO wire SELECT generate_series(1, 50);
	SELECT rk.ring_sync('e');
	});
my $truth = q{SELECT sum(amount), count(*) FROM wire};
my $ring = q{SELECT total, messages FROM rk.ring_core_total('e')};

# a dump takes the ring's state and log along
my $dump = $primary->backup_dir . '/rings.sql';
mkdir $primary->backup_dir;
$primary->command_ok([ 'pg_dump', '-d', $primary->connstr('postgres'), '-f', $dump ], 'pg_dump');
$primary->safe_psql('postgres', 'CREATE DATABASE restored');
$primary->command_ok([ 'psql', '-XqAt', '-v', 'ON_ERROR_STOP=1', '-d', $primary->connstr('restored'), '-f', $dump ], 'restored');
$primary->safe_psql('restored', q{CALL rk.ring_up('core/echo', 'e')});
is($primary->safe_psql('restored', $ring), '6325|150', 'the ring has its state');
$primary->safe_psql('restored', q{INSERT INTO wire VALUES (1000)});
$primary->safe_psql('restored', q{SELECT rk.ring_sync('e')});
is($primary->safe_psql('restored', $ring), '7325|151', 'and is fed as before');

# a standby
$primary->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'base', has_streaming => 1);
$standby->start;
$primary->safe_psql('postgres', q{INSERT INTO wire SELECT generate_series(1, 30)});
$primary->safe_psql('postgres', q{SELECT rk.ring_sync('e')});
# committed, and taken in by nobody
$primary->safe_psql('postgres', q{SELECT rk.ring_suspend('e')});
$primary->poll_query_until('postgres', q{SELECT state = 'suspended' FROM rk.rings});
$primary->safe_psql('postgres', q{INSERT INTO wire SELECT generate_series(1, 20)});
my $expected = $primary->safe_psql('postgres', $truth);
$primary->wait_for_catchup($standby);

my ($rc, $out, $err) = $standby->psql('postgres', "\\set VERBOSITY verbose\n$ring");
like($err, qr/55000: +ring is not available during recovery/, 'no messages during recovery');
is($standby->safe_psql('postgres', q{SELECT count(*) FROM pg_stat_activity WHERE backend_type LIKE 'rk %'}),
	'0', 'and no processes');
is($standby->safe_psql('postgres', q{SELECT name, state FROM rk.rings}), 'e|pending', 'the ring is known');

$primary->stop('immediate');
$standby->promote;
ok($standby->poll_query_until('postgres', q{SELECT state = 'suspended' FROM rk.rings}), 'up after the promotion, as it was');
$standby->safe_psql('postgres', q{SELECT rk.ring_resume('e')});
ok($standby->poll_query_until('postgres', q{SELECT state = 'active' FROM rk.rings}), 'resumed');
$standby->safe_psql('postgres', q{SELECT rk.ring_sync('e')});
is($standby->safe_psql('postgres', $ring), $expected, 'with all that was committed and replicated');
$standby->safe_psql('postgres', q{INSERT INTO wire VALUES (1)});
$standby->safe_psql('postgres', q{SELECT rk.ring_sync('e')});
is($standby->safe_psql('postgres', $ring), $standby->safe_psql('postgres', $truth), 'and it goes on');
$standby->stop;

done_testing();
