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
