"""orderbook/matching against a deliberately simple matcher, on random streams; all exact."""
import random
from decimal import Decimal

import pytest

from matcher import Book

KERNEL = "orderbook/matching"

MODES = ("cancel_newest", "cancel_oldest", "cancel_both", "decrement", "skip", "none")
COLUMNS = ("seq", "action", "symbol", "order_id", "side", "order_type", "price", "stop_price", "quantity", "tif",
           "display_quantity", "min_quantity", "post_only", "trader_id", "new_price", "new_quantity", "phase")


def random_events(rng, count):
    """A stream for one symbol: every action and kind of order, prices that meet."""
    events = []
    for seq in range(1, count + 1):
        e = dict.fromkeys(COLUMNS) | {"seq": seq, "action": "new", "symbol": "X", "expires": None, "post_only": False}
        kind = rng.random()
        e["order_id"] = rng.randrange(1, max(count // 2, 4))
        e["side"] = rng.choice(("buy", "sell"))
        e["order_type"], e["tif"] = "limit", rng.choice(("gtc", "gtc", "gtc", "day", "ioc", "fok", "gtd"))
        e["quantity"] = Decimal(rng.randrange(1, 30)) + rng.choice((0, Decimal("0.5")))
        e["price"] = Decimal(rng.randrange(9990, 10011)) / 100
        e["trader_id"] = rng.choice((None, 1, 2, 3, 4))
        if kind < 0.12:
            e["action"], e["trader_id"] = "cancel", None
        elif kind < 0.28:
            e["action"], e["trader_id"] = "amend", None
            e["new_price"] = e["price"] if rng.random() < 0.5 else None
            e["new_quantity"] = e["quantity"] if rng.random() < 0.6 else None
            e["display_quantity"] = Decimal(rng.randrange(1, 9)) if rng.random() < 0.2 else None
        elif kind < 0.36:
            e["order_type"], e["tif"], e["price"] = "market", "ioc", None
        elif kind < 0.46:
            e["order_type"] = rng.choice(("stop", "stop_limit"))
            e["tif"] = "gtc"
            e["stop_price"] = Decimal(rng.randrange(9990, 10011)) / 100
            e["price"] = e["price"] if e["order_type"] == "stop_limit" else None
        elif kind < 0.54:
            e["display_quantity"] = min(Decimal(rng.randrange(1, 6)), e["quantity"])
            e["tif"] = "gtc"
        elif kind < 0.58:
            e["post_only"], e["tif"] = True, "gtc"
        elif kind < 0.62:
            e["min_quantity"], e["tif"] = min(Decimal(rng.randrange(1, 20)), e["quantity"]), "gtc"
        elif kind < 0.64:
            e["action"] = "phase"
            e["phase"] = rng.choice(("auction", "continuous", "continuous", "halt", "closed"))
        elif kind < 0.65:
            e["action"], e["side"] = "mass_cancel", rng.choice((None, "buy", "sell"))
            e["trader_id"] = rng.choice((None, 1, 2))
        if e["tif"] == "gtd" and e["action"] == "new":
            e["expires"] = seq + rng.randrange(1, 40)
        if e["action"] in ("mass_cancel", "phase"):
            e["order_id"] = None
        events.append(e)
    return events


def replay(events, mode):
    book = Book(stp=mode)
    for e in events:
        book.pass_time(e["seq"])
        if e["action"] == "new":
            book.new(e, e["seq"])
        elif e["action"] == "amend":
            book.amend(e)
        elif e["action"] == "cancel":
            book.cancel(e)
        elif e["action"] == "mass_cancel":
            book.mass_cancel(e["side"], e["trader_id"])
        else:
            book.change_phase(e["phase"])
    return book


@pytest.fixture(scope="module")
def table(session):
    session.execute("""
        CREATE TABLE IF NOT EXISTS order_event (seq bigint, action text, symbol text, order_id bigint, side text, order_type text,
            price numeric, stop_price numeric, quantity numeric, tif text, display_quantity numeric,
            min_quantity numeric, post_only boolean, trader_id bigint, new_price numeric, new_quantity numeric,
            phase text, ts timestamptz, expires_at timestamptz)""")
    return "SELECT * FROM order_event ORDER BY seq"


def load(db, events):
    db.execute("TRUNCATE order_event")
    with db.cursor().copy(f"COPY order_event ({', '.join(COLUMNS)}, ts, expires_at) FROM STDIN") as copy:
        for e in events:
            moments = [None if n is None else f"2024-01-01 00:{n // 60:02}:{n % 60:02}+00" for n in (e["seq"], e["expires"])]
            copy.write_row([e[c] for c in COLUMNS] + moments)


@pytest.mark.parametrize("seed", range(240))
def test_streams(db, table, seed):
    rng = random.Random(seed)
    mode = MODES[seed % len(MODES)]
    events = random_events(rng, rng.choice((1, 20, 60, 150)))
    load(db, events)
    book = replay(events, mode)

    trades = db.execute(
        "SELECT order_id, contra_order_id, price, quantity, aggressor FROM rk.orderbook_matching(%s, stp_mode => %s)"
        " WHERE event = 'trade' ORDER BY seq, event_no", (table, mode)).fetchall()
    assert trades == book.trades

    # an id may come again after its order has ended, so both lists keep their order
    orders = db.execute(
        "SELECT order_id, side, order_type, price, quantity, displayed, remaining, cum_quantity, status, reason"
        " FROM rk.orderbook_matching_orders(%s, stp_mode => %s)", (table, mode)).fetchall()
    assert orders == [
        (o.id, o.side, o.type, o.price, o.quantity, o.shown, o.leaves, o.cum, o.status, o.reason) for o in book.all]

    depth = db.execute("SELECT side, price, quantity, order_count FROM rk.orderbook_matching_depth(%s, stp_mode => %s,"
                       " depth => 1000) ORDER BY side, level", (table, mode)).fetchall()
    levels = {}
    for side in ("buy", "sell"):
        for o in book.resting(side):
            if o.price is not None:
                quantity, count = levels.get((side, o.price), (0, 0))
                levels[side, o.price] = (quantity + o.shown, count + 1)
    assert depth == [(*key, *value) for key, value in levels.items()]


@pytest.mark.parametrize("seed", range(60))
def test_snapshots(db, table, seed):
    """Stopped anywhere and gone on from a snapshot: the same trades, books and live orders."""
    rng = random.Random(1000 + seed)
    mode = MODES[seed % len(MODES)]
    events = random_events(rng, 120)
    for e in events:
        e["symbol"] = "Y'\"" if e["order_id"] and e["order_id"] % 3 == 0 else "X"
    load(db, events)
    cut = rng.randrange(0, 121)
    whole = "SELECT * FROM rk.orderbook_matching{}(%s, stp_mode => %s)"
    rest = "SELECT * FROM rk.orderbook_matching{}(%s, snapshot => (SELECT rk.orderbook_matching_snapshot(%s, stp_mode => %s, until_seq => %s)))"
    for companion, live in (("", " WHERE seq > %s AND event = 'trade'"), ("_depth", ""), ("_stats", ""),
                            ("_snapshot", ""), ("_orders", " WHERE status IN ('new', 'partially_filled', 'pending_trigger')")):
        a = db.execute(whole.format(companion) + live, (table, mode) + ((cut,) if companion == "" else ())).fetchall()
        b = db.execute(rest.format(companion) + live, (table, table, mode, cut) + ((cut,) if companion == "" else ())).fetchall()
        if companion == "_orders":  # in order of age there, in queue order here
            a, b = sorted(a), sorted(b)
        if companion == "_snapshot":  # ages are numbered by what was read
            for row in a + b:
                ages = sorted(o["age"] for o in row[0]["orders"])
                for o in row[0]["orders"]:
                    o["age"] = ages.index(o["age"])
        assert a == b


def test_snapshot_keeps_rules_ids_and_time(db):
    """Rules, text ids, uuid traders, sessions and expiries come along."""
    instruments = "SELECT 'A' AS symbol, 0.05 AS tick_size, 0.001 AS taker_fee_rate, interval '17:30' AS trading_day_end, 2 AS collar_ticks"
    query = """SELECT * FROM (VALUES
        (1, 'A', 'a"1', 'sell', 5, 10.05, 'day', NULL::timestamptz, '11111111-1111-1111-1111-111111111111'::uuid, timestamptz '2024-01-01 10:00+00'),
        (2, 'A', 'a2', 'buy', 2, 10.05, 'gtc', NULL, NULL, '2024-01-01 11:00+00'),
        (3, 'A', 'a3', 'buy', 1, 9.00, 'gtd', '2024-01-01 18:00+00', '22222222-2222-2222-2222-222222222222', '2024-01-01 12:00+00'),
        (4, 'A', 'a4', 'buy', 9, 10.05, 'gtc', NULL, '11111111-1111-1111-1111-111111111111', '2024-01-01 13:00+00'),
        (5, 'A', 'a5', 'buy', 1, 10.01, 'gtc', NULL, NULL, '2024-01-01 17:45+00'),
        (6, 'B', 'b1', 'sell', 1, 10.01, 'gtc', NULL, NULL, '2024-01-01 18:45+00'))
        v (seq, symbol, order_id, side, quantity, price, tif, expires_at, trader_id, ts)"""
    columns = "seq, event, symbol, order_id, contra_order_id, price, quantity, remaining, reason, taker_fee, ts"
    whole = db.execute(f"SELECT {columns} FROM rk.orderbook_matching(%s, id_type => NULL::text, instruments => %s)", (query, instruments)).fetchall()
    assert [r[1] for r in whole] == ["accepted", "accepted", "trade", "done", "accepted", "accepted", "canceled", "expired", "rejected",
                                     "expired", "accepted"]
    assert [r[8] for r in whole if r[1] == "rejected"] == ["bad_tick"]
    assert [r[8] for r in whole if r[1] == "canceled"] == ["self_trade"]
    for cut in range(7):
        rest = db.execute(f"SELECT {columns} FROM rk.orderbook_matching(%s, id_type => NULL::text,"
                          " snapshot => (SELECT rk.orderbook_matching_snapshot(%s, %s, until_seq => %s)))", (query, query, instruments, cut)).fetchall()
        if cut > 0:  # without an event nothing says that A has rules
            assert rest == [r for r in whole if r[0] > cut]


@pytest.mark.parametrize("seed", range(6))
def test_threads_do_not_matter(db, seed):
    """Many symbols, matched together and one by one, by one thread and by many."""
    query = f"""SELECT i AS seq, CASE WHEN h % 10 < 7 THEN 'new' WHEN h % 10 = 7 THEN 'amend' WHEN i % 4000 = 0 THEN 'mass_cancel' ELSE 'cancel' END AS action,
            CASE WHEN h % 10 < 7 OR i % 8000 = 0 THEN 's' || owner % 50 END AS symbol, owner AS order_id,
            CASE WHEN g % 2 = 0 THEN 'buy' ELSE 'sell' END AS side, 100 + g / 2 % 11 AS price, 1 + g / 64 % 30 AS quantity,
            CASE WHEN h % 10 < 7 THEN g % 6 END AS trader_id, CASE WHEN h % 10 = 7 THEN 1 + g % 20 END AS new_quantity,
            CASE WHEN h % 20 = 3 THEN 'gtd' ELSE 'gtc' END AS tif, timestamptz '2024-01-01' + i * interval '1 ms' AS ts,
            timestamptz '2024-01-01' + (i + 300) * interval '1 ms' AS expires_at
        FROM (SELECT i, h, g, CASE WHEN h % 10 < 7 THEN i ELSE i - g % 400 END AS owner
            FROM (SELECT i, hashint8extended(i, {seed}) & 1048575 AS h, hashint8extended(i, {seed} + 100) & 1048575 AS g
                FROM generate_series(1, 30000) i) x) y ORDER BY i"""
    sums = set()
    for threads in (1, 2, 5):
        db.execute(f"SET rk.threads = {threads}")
        sums.add(db.execute("SELECT count(*), count(DISTINCT symbol), md5(string_agg(r::text, ',')) FROM rk.orderbook_matching(%s) r",
                            (query,)).fetchone())
    assert len(sums) == 1 and 20000 < next(iter(sums))[0] and next(iter(sums))[1] == 50
    # a symbol by itself trades as among the others
    for symbol in ("s3", "s17"):
        alone = db.execute("SELECT trade_id, order_id, contra_order_id, price, quantity FROM rk.orderbook_matching(%s)"
                           " WHERE event = 'trade'", (f"SELECT * FROM ({query}) q WHERE action NOT IN ('new') OR symbol = '{symbol}' ORDER BY seq",)).fetchall()
        among = db.execute("SELECT trade_id, order_id, contra_order_id, price, quantity FROM rk.orderbook_matching(%s)"
                           " WHERE event = 'trade' AND symbol = %s ORDER BY seq, event_no", (query, symbol)).fetchall()
        assert alone == among and len(among) > 50
    db.execute("RESET rk.threads")


def test_instruments_in_the_stream(db):
    """Rules change with an event, and only for what comes after it."""
    query = """SELECT * FROM (VALUES
        (1, 'new', 'A', 1, 'sell', 5, 10.01, NULL::numeric, NULL::numeric, NULL::interval),
        (2, 'instrument', 'A', NULL, NULL, NULL, NULL, 0.05, 0.01, NULL),
        (3, 'new', 'A', 2, 'sell', 5, 10.01, NULL, NULL, NULL),
        (4, 'new', 'A', 3, 'buy', 5, 10.05, NULL, NULL, NULL),
        (5, 'instrument', 'A', NULL, NULL, NULL, NULL, NULL, NULL, NULL),
        (6, 'new', 'A', 4, 'buy', 5, 10.01, NULL, NULL, NULL))
        v (seq, action, symbol, order_id, side, quantity, price, tick_size, taker_fee_rate, trading_day_end)"""
    assert db.execute("SELECT seq, event, reason, taker_fee FROM rk.orderbook_matching(%s)", (query,)).fetchall() == [
        (1, "accepted", "none", None), (3, "rejected", "bad_tick", None), (4, "accepted", "none", None),
        (4, "trade", "none", Decimal("0.5005")), (4, "done", "none", None), (4, "done", "none", None), (6, "accepted", "none", None)]


def test_conservation(db, table):
    """What is bought is sold, and averages are what was paid."""
    load(db, random_events(random.Random(4711), 3000))
    rows = db.execute("""
        WITH r AS (SELECT * FROM rk.orderbook_matching(%s) WHERE event = 'trade'),
             f AS (SELECT order_id AS id, price, quantity FROM r UNION ALL SELECT contra_order_id, price, quantity FROM r),
             o AS (SELECT order_id, sum(cum_quantity) AS cum, sum(cum_quantity * avg_price) AS paid
                   FROM rk.orderbook_matching_orders(%s) GROUP BY order_id)
        SELECT o.order_id, o.cum, f.quantity, o.paid, f.paid
        FROM o LEFT JOIN (SELECT id, sum(quantity) AS quantity, sum(price * quantity) AS paid FROM f GROUP BY id) f
            ON f.id = o.order_id""", (table, table)).fetchall()
    assert sum(row[1] for row in rows) > 1000
    for _, cum, traded, paid, sums in rows:
        assert cum == (traded or 0)
        assert abs((paid or 0) - (sums or 0)) < Decimal("0.00001")


def test_text_ids_symbols_apart_and_until_seq(db):
    query = """SELECT * FROM (VALUES
        (1, 'A', 'a1', 'sell', 5, 10), (2, 'B', 'b1', 'sell', 5, 10), (3, 'A', 'a2', 'buy', 7, 10), (4, 'B', 'b2', 'buy', 1, 9))
        v (seq, symbol, order_id, side, quantity, price)"""
    assert db.execute("SELECT symbol, order_id, contra_order_id, quantity FROM rk.orderbook_matching(%s,"
                      " id_type => NULL::text) WHERE event = 'trade'", (query,)).fetchall() == [("A", "a2", "a1", 5)]
    assert db.execute("SELECT symbol, best_bid, best_ask, trade_count FROM rk.orderbook_matching_stats(%s)"
                      " ORDER BY symbol", (query,)).fetchall() == [("A", 10, None, 1), ("B", 9, 10, 0)]
    assert db.execute("SELECT count(*) FROM rk.orderbook_matching(%s, until_seq => 2, id_type => NULL::text)",
                      (query,)).fetchone() == (2,)
