
# Roles that rings name cannot be dropped: in whatever database the rings are,
# whatever two transactions do at a time, and after a dump and restore.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Rustkernels;
use Test::More;

my $node = server('roles');
my $dir = PostgreSQL::Test::Utils::tempdir_short();

# Whether DROP ROLE is refused in a database, with a message like this.
sub refused
{
	my ($database, $role, $message, $what) = @_;
	my ($rc, $out, $err) = $node->psql($database, "BEGIN; DROP ROLE $role; ROLLBACK");

	like($err, $message, $what);
	return;
}

sub marks
{
	my ($database) = @_;

	return $node->safe_psql($database, q{SELECT string_agg(c.attrelid::regclass || ':' || a.grantee::regrole, ' ' ORDER BY 1)
		FROM (SELECT * FROM pg_attribute ORDER BY attrelid) c, aclexplode(c.attacl) a WHERE c.attrelid::regclass::text ~ '^rk\.'});
}

$node->safe_psql('postgres', q{
	CREATE ROLE owner;
	CREATE ROLE guest;
	CREATE ROLE heir;
	CREATE DATABASE bank});
$node->safe_psql('bank', 'CREATE EXTENSION rustkernels');
$node->safe_psql('bank', q{CALL rk.ring_up('core/echo', 'e')});
$node->safe_psql('bank', q{
	SELECT rk.ring_change_owner('e', 'owner');
	SELECT rk.ring_grant('e', 'guest', 'send');
	SELECT rk.fanout_create('all', '{e}')});

# ---- another database ----

refused('bank', 'owner', qr/cannot be dropped because some objects depend on it\nDETAIL:  privileges for column owner of table rk\.ring\nHINT:  Role "owner" owns the ring e:/, 'the owner of a ring stays');
refused('postgres', 'owner', qr/cannot be dropped because some objects depend on it\nDETAIL:  1 object in database bank/, 'for another database, too');
refused('postgres', 'guest', qr/1 object in database bank/, 'and one who may send to it');
refused('postgres', 'owner, heir', qr/role "owner" cannot be dropped/, 'beside others');

# ---- a dump ----

for my $format ('plain', 'custom')
{
	my $file = "$dir/dump.$format";
	my $copy = "copy_$format";

	# a dump without the rights of tables, as rows say enough
	$node->command_ok([ 'pg_dump', '--format', $format, '--file', $file, $format eq 'custom' ? '--no-acl' : (), $node->connstr('bank') ], "pg_dump in format $format");
	$node->safe_psql('postgres', "CREATE DATABASE $copy");
	$node->command_ok(
		$format eq 'plain'
		? [ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-f', $file, '-d', $node->connstr($copy) ]
		: [ 'pg_restore', '--exit-on-error', '-d', $node->connstr($copy), $file ],
		'is restored');
	is(marks($copy), 'rk.ring:owner rk.ring_access:guest', 'with what holds the roles');
}
$node->safe_psql('copy_custom', q{CALL rk.ring_down('e')});
$node->safe_psql('copy_custom', q{DROP OWNED BY owner, guest});
is(marks('copy_custom'), '', 'which DROP OWNED gives up');
is($node->safe_psql('copy_custom', 'SELECT count(*) FROM rk.ring'), '0', 'with the ring');
$node->safe_psql('postgres', "DROP DATABASE $_") for 'copy_plain', 'copy_custom';

# ---- two at a time ----

my ($one, $two) = map { $node->background_psql('bank', on_error_stop => 0) } 1, 2;

# two grants of the first right on the same column
$one->query_safe(q{BEGIN});
$one->query_safe(q{SELECT rk.ring_grant('e', 'owner', 'control')});
start_query($two, q{SELECT rk.ring_grant('e', 'heir', 'send')});
ok($node->poll_query_until('bank', q{SELECT count(*) = 1 FROM pg_locks WHERE NOT granted}), 'the second waits for the first');
$one->query_safe(q{COMMIT});
is(wait_for_session($two), '', 'and is no error');
is(marks('bank'), 'rk.ring:owner rk.ring_access:guest rk.ring_access:owner rk.ring_access:heir', 'both are there');

# the last row of a role goes while another comes
$one->query_safe(q{BEGIN});
$one->query_safe(q{SELECT rk.ring_revoke('e', 'guest', 'send')});
start_query($two, q{SELECT rk.ring_grant('e', 'guest', 'control')});
ok($node->poll_query_until('bank', q{SELECT count(*) = 1 FROM pg_locks WHERE NOT granted}), 'who adds waits for who removes');
$one->query_safe(q{COMMIT});
is(wait_for_session($two), '', 'and is no error');
refused('bank', 'guest', qr/privileges for column role of table rk\.ring_access/, 'the role stays');

# another one comes, and then the last row is the last no more
$one->query_safe(q{BEGIN});
$one->query_safe(q{SELECT rk.ring_grant('e', 'guest', 'send')});
start_query($two, q{SELECT rk.ring_revoke('e', 'guest', 'control')});
ok($node->poll_query_until('bank', q{SELECT count(*) = 1 FROM pg_locks WHERE NOT granted}), 'who removes waits for who adds');
$one->query_safe(q{COMMIT});
is(wait_for_session($two), '', 'and is no error');
refused('bank', 'guest', qr/privileges for column role of table rk\.ring_access/, 'the role stays');

# what was added is gone with its transaction
$one->query_safe(q{BEGIN});
$one->query_safe(q{SELECT rk.ring_revoke('e', 'heir', 'send')});
$one->query_safe(q{ROLLBACK});
refused('bank', 'heir', qr/privileges for column role/, 'what is rolled back was not removed');
$node->safe_psql('bank', q{SELECT rk.ring_revoke('e', 'heir', 'send')});
$one->query_safe(q{BEGIN});
$one->query_safe(q{SELECT rk.ring_grant('e', 'heir', 'send')});
start_query($two, q{DROP ROLE heir});
ok($node->poll_query_until('bank', q{SELECT count(*) = 1 FROM pg_locks WHERE NOT granted}), 'a role is not dropped while a right comes');
$one->query_safe(q{COMMIT});
like(wait_for_session($two), qr/role "heir" cannot be dropped/, 'which it then has');
$one->quit;
$two->quit;

# ---- leaving ----

$node->safe_psql('bank', q{REASSIGN OWNED BY owner TO heir});
is($node->safe_psql('bank', q{SELECT owner FROM rk.rings}), 'heir', 'the ring has another owner');
is($node->safe_psql('bank', q{SELECT rk.ring_wait('e')}), 't', 'and comes up again');
$node->safe_psql('bank', q{DROP OWNED BY owner, guest});
$node->safe_psql('postgres', q{DROP ROLE owner, guest});
refused('postgres', 'heir', qr/2 objects in database bank/, 'who has inherited stays');
$node->safe_psql('postgres', q{DROP DATABASE bank});
$node->safe_psql('postgres', q{DROP ROLE heir});
is($node->safe_psql('postgres', q{SELECT count(*) FROM pg_shdepend WHERE dbid NOT IN (SELECT oid FROM pg_database UNION SELECT 0)}), '0', 'nothing is left behind');
$node->stop;
done_testing();
