
# An order book is what its table says, whatever dies.
#
# Sessions insert orders, amendments and cancels into an attached table, and
# typed calls a second ring, while the host and other processes are killed with
# SIGKILL.  The trades that the ring wrote into a table, its book, and the
# batch function over the log of what was applied must agree, and every order
# that has committed must have been applied once.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Rustkernels;
use Test::More;
use Time::HiRes qw(usleep);

my $rounds = $ENV{RK_CRASH_ROUNDS} // 5;
my $seed = $ENV{RK_CRASH_SEED} // 20261127;
srand($seed);
note "seed $seed";

my $node = server('book', conf => <<~'CONF');
	restart_after_crash = on
	fsync = off
	rk.checkpoint_interval = 1s
	rk.journal_poll = 200ms
	CONF

$node->safe_psql(
	'postgres', q{
	CREATE TABLE order_event (id bigint GENERATED ALWAYS AS IDENTITY, action text NOT NULL DEFAULT 'new', symbol text, order_id bigint,
		side text, order_type text, price numeric, stop_price numeric, quantity numeric, display_quantity numeric, tif text, trader_id bigint,
		new_quantity numeric);
	CREATE SEQUENCE order_number;
	CREATE TABLE trade (trade_id bigint, symbol text, buy_order_id bigint, sell_order_id bigint, price numeric, quantity numeric,
		aggressor text, seq bigint);
	CREATE TABLE report (seq bigint, event_no bigint, event text, symbol text, order_id bigint, status text, reason text, ts timestamptz);
	CALL rk.ring_up('orderbook/matching', 'book');
	-- the moment of an event tells its row in the reports
	SELECT rk.ring_attach('book', 'order_event', '{"on": ["insert"], "output": {"Trade": "trade", "ExecutionReport": "report"},
		"fields": {"ts": "timestamptz ''2026-03-02 00:00+00'' + id * interval ''1 microsecond''"}}');

	CREATE FUNCTION random_order() RETURNS void LANGUAGE plpgsql AS $$
	DECLARE
		r float8 := random();
		number bigint := nextval('order_number');
		stop boolean := random() < 0.1;
	BEGIN
		IF r < 0.2 THEN
			INSERT INTO order_event (action, order_id) VALUES ('cancel', number - 1 - (random() * 50)::int);
		ELSIF r < 0.3 THEN
			INSERT INTO order_event (action, order_id, new_quantity) VALUES ('amend', number - 1 - (random() * 50)::int, 1 + (random() * 20)::int);
		ELSE
			INSERT INTO order_event (symbol, order_id, side, order_type, price, stop_price, quantity, display_quantity, tif, trader_id)
			SELECT CASE WHEN random() < 0.5 THEN 'A' ELSE 'B' END, number, CASE WHEN random() < 0.5 THEN 'buy' ELSE 'sell' END,
				CASE WHEN stop THEN 'stop' WHEN r < 0.4 THEN 'market' ELSE 'limit' END,
				CASE WHEN NOT stop AND r >= 0.4 THEN 100 + (random() * 10)::int END, CASE WHEN stop THEN 100 + (random() * 10)::int END,
				10 + (random() * 50)::int, CASE WHEN random() < 0.1 THEN 5 END, CASE WHEN random() < 0.1 THEN 'ioc' END, 1 + (random() * 5)::int;
		END IF;
	END
	$$;
	CREATE PROCEDURE trade_along(rows int) LANGUAGE plpgsql AS $$
	BEGIN
		FOR i IN 1 .. rows LOOP
			PERFORM random_order() FROM generate_series(1, 1 + (random() * 4)::int);
			IF random() < 0.2 THEN
				ROLLBACK;
			ELSE
				COMMIT;
			END IF;
		END LOOP;
	END
	$$;
	});

# Every event that has committed was applied once: the reports name the row of
# each, and the ring's own numbers have no gap.  What the batch function says of
# the events in the order of application is what the ring has.
sub compare
{
	my ($what) = @_;

	wait_for_ring($node, 'book') or die 'the ring did not come up';
	$node->safe_psql('postgres', q{SELECT rk.ring_sync('book')});
	is($node->safe_psql('postgres', q{SELECT seq FROM rk.ring_orderbook_query_book('book', 1)}),
		$node->safe_psql('postgres', q{SELECT count(*) FROM order_event}), "$what: as many events as rows");
	is($node->safe_psql('postgres', q{SELECT count(*) = count(DISTINCT (seq, event_no)), count(DISTINCT seq) = max(seq), count(DISTINCT ts) = max(seq) FROM report}),
		't|t|t', "$what: reports of every event, each once");
	is($node->safe_psql('postgres', q{SELECT count(*) FROM (SELECT symbol, count(*), min(trade_id), max(trade_id) FROM trade
		GROUP BY symbol HAVING count(*) <> max(trade_id) OR count(DISTINCT trade_id) <> count(*)) x}), 0, "$what: every trade once");
	is($node->safe_psql('postgres', q{SELECT sum(trade_count) FROM rk.ring_orderbook_symbols('book')}),
		$node->safe_psql('postgres', q{SELECT count(*) FROM trade}), "$what: the table has the ring's trades");
	my $applied = q{SELECT r.seq, e.action, e.symbol, e.order_id, e.side, e.order_type, e.price, e.stop_price, e.quantity,
			e.display_quantity, e.tif, e.trader_id, e.new_quantity
		FROM (SELECT DISTINCT seq, ts FROM report) r
		JOIN order_event e ON e.id = (extract(epoch FROM r.ts - timestamptz '2026-03-02 00:00+00') * 1000000)::bigint ORDER BY 1};
	for my $symbol ('A', 'B')
	{
		is($node->safe_psql('postgres', "SELECT side, level, price, quantity, order_count FROM rk.orderbook_matching_depth(\$q\$$applied\$q\$, depth => 100000) WHERE symbol = '$symbol'"),
			$node->safe_psql('postgres', "SELECT side, level, price, quantity, order_count FROM rk.ring_orderbook_snapshot('book', symbol => '$symbol', depth => 100000)"),
			"$what: the batch function has the same book of $symbol");
		is($node->safe_psql('postgres', "SELECT trade_id, least(order_id, contra_order_id), price, quantity, aggressor FROM rk.orderbook_matching(\$q\$$applied\$q\$) WHERE event = 'trade' AND symbol = '$symbol' ORDER BY 1"),
			$node->safe_psql('postgres', "SELECT trade_id, least(buy_order_id, sell_order_id), price, quantity, aggressor FROM trade WHERE symbol = '$symbol' ORDER BY 1"),
			"$what: and the same trades");
	}
	return;
}

my %victims = (
	host => q{backend_type = 'rk host'},
	writer => q{query LIKE 'CALL trade_along%' AND pid <> pg_backend_pid()});
my @names = sort keys %victims;

for my $round (1 .. $rounds)
{
	my $victim = $names[ $round % @names ];
	my @writers = map { psql_beside($node, 'CALL trade_along(100000)') } 1 .. 3;

	usleep(int(rand(300_000)) + 100_000);
	kill_process($node, $victims{$victim});
	$_->finish for @writers;
	compare("round $round, $victim killed");
}

# in peace, beside direct calls; and the same bits after a replay
my @writers = map { psql_beside($node, 'CALL trade_along(300)') } 1 .. 3;
$_->finish for @writers;
compare('no crash');
cmp_ok($node->safe_psql('postgres', q{SELECT count(*) FROM trade}), '>', 500, 'orders have traded');
cmp_ok($node->safe_psql('postgres', q{SELECT count(DISTINCT event) FROM report}), '>', 8, 'and all kinds of things have happened to them');
my $sum = $node->safe_psql('postgres', q{SELECT rk.ring_checksum('book')});
kill_process($node, $victims{host});
compare('replayed');
is($node->safe_psql('postgres', q{SELECT rk.ring_checksum('book')}), $sum, 'the state is the same to the last bit');

# several sessions by typed calls, each order answered once
$node->safe_psql('postgres', q{CALL rk.ring_up('orderbook/matching', 'direct', '{"durability": "journal"}')});
my @callers = map {
	psql_beside($node, qq{SELECT count(*) FROM generate_series($_ * 100000, $_ * 100000 + 1999) i,
		rk.ring_orderbook_event('direct', symbol => 'A', order_id => i, side => CASE WHEN hashint8(i) % 2 = 0 THEN 'buy' ELSE 'sell' END,
			price => 100 + (hashint8(i) & 7), quantity => 1 + (hashint8(i) & 15)) q WHERE status <> 'rejected'})
} 1 .. 3;
$_->finish for @callers;
is($node->safe_psql('postgres', q{SELECT seq FROM rk.ring_orderbook_query_book('direct', 1)}), 6000, 'orders of three sessions, each applied once');
$sum = $node->safe_psql('postgres', q{SELECT rk.ring_checksum('direct')});
kill_process($node, $victims{host});
wait_for_ring($node, 'direct');
is($node->safe_psql('postgres', q{SELECT rk.ring_checksum('direct')}), $sum, 'what was answered is there after the host was killed');

done_testing();
