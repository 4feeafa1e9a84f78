"""An order book ring fed event by event: a simple matcher, and the batch function on the same events."""
import random

import pytest

from test_orderbook_matching import COLUMNS, MODES, load, random_events, replay, table  # noqa: F401

KERNEL = "orderbook/matching"


@pytest.fixture(scope="module", autouse=True)
def preloaded(session):
    if session.execute("SHOW shared_preload_libraries").fetchone()[0].find("rustkernels") < 0:
        pytest.skip("the library is not preloaded")


@pytest.fixture(scope="module")
def rings(session):
    for mode in MODES:
        session.execute("CALL rk.ring_up('orderbook/matching', %s, %s)", (mode, f'{{"stp_mode": "{mode}"}}'))
    yield
    for mode in MODES:
        session.execute("CALL rk.ring_down(%s)", (mode,))
        session.execute("SELECT rk.ring_drop(%s)", (mode,))


@pytest.mark.parametrize("seed", range(200))
def test_streams(db, table, rings, seed):  # noqa: F811
    """Each stream is a symbol of its own; orders of others do not matter to it."""
    rng = random.Random(seed)
    mode = MODES[seed % len(MODES)]
    events = random_events(rng, rng.choice((1, 20, 60, 120)))
    symbol, first = f"S{seed}", seed * 1000
    # mass cancels and phases of this symbol alone, and ids that no other stream has
    load(db, events)
    db.execute("UPDATE order_event SET symbol = %s, order_id = order_id + %s", (symbol, first))
    book = replay(events, mode)
    assert db.execute("SELECT rk.ring_load(%s, 'SELECT * FROM order_event ORDER BY seq')", (mode,)).fetchone() == (len(events),)

    known = dict(db.execute("SELECT symbol, symbol_id FROM rk.ring_orderbook_symbols(%s)", (mode,)).fetchall())
    if symbol not in known:
        assert not [o for o in book.all if o.status != "rejected"]
        return
    trades = db.execute(
        "SELECT order_id - %s, contra_order_id - %s, price, quantity, aggressor FROM rk.ring_orderbook_trades(%s, symbol => %s)",
        (first, first, mode, symbol)).fetchall()
    assert trades == book.trades
    # the orders that live, each as the matcher has it
    live = db.execute(
        "SELECT i - %s, q.side, q.order_type, q.price, q.quantity, q.displayed, q.remaining, q.cum_quantity, q.status"
        " FROM generate_series(%s::bigint, %s::bigint) i, rk.ring_orderbook_query_order(%s, i) q ORDER BY i",
        (first, first, first + 999, mode)).fetchall()
    assert live == sorted((o.id, o.side, o.type, o.price, o.quantity, o.shown, o.leaves, o.cum, o.status)
                          for o in book.live.values())
    # queues in their order
    queued = db.execute("SELECT order_id - %s, side, price FROM rk.ring_orderbook_snapshot(%s, symbol => %s,"
                        " depth => 1000, book_level => 'orders')", (first, mode, symbol)).fetchall()
    assert queued == [(o.id, o.side, o.price) for side in ("buy", "sell") for o in book.resting(side) if o.price is not None]
    # and the batch function says the same
    batch = db.execute("SELECT side, level, price, quantity, order_count FROM rk.orderbook_matching_depth(%s, stp_mode => %s,"
                       " depth => 1000)", (table, mode)).fetchall()
    ring = db.execute("SELECT side, level, price, quantity, order_count FROM rk.ring_orderbook_snapshot(%s, symbol => %s,"
                      " depth => 1000)", (mode, symbol)).fetchall()
    assert ring == batch
    # the next stream has time again from its beginning
    db.execute("SELECT count(*) FROM rk.ring_orderbook_mass_cancel(%s)", (mode,))


def test_replay_from_checkpoint(db, table):  # noqa: F811
    """A ring that comes back, and one that is fed in pieces, have the same state."""
    sums = []
    for pieces in (1, 7):
        db.execute("CALL rk.ring_up('orderbook/matching', 'again')")
        events = random_events(random.Random(77), 700)
        for piece in range(pieces):
            load(db, [e for e in events if e["seq"] % 700 * pieces // 700 == piece])
            db.execute("SELECT rk.ring_load('again', 'SELECT * FROM order_event ORDER BY seq')")
            if pieces > 1:
                db.execute("SELECT count(*) FROM rk.ring_orderbook_symbols('again')")
                db.execute("CALL rk.ring_down('again')")
                db.execute("CALL rk.ring_up('orderbook/matching', 'again')")
        db.execute("SELECT count(*) FROM rk.ring_orderbook_symbols('again')")
        sums.append(db.execute("SELECT rk.ring_checksum('again')").fetchone())
        db.execute("CALL rk.ring_down('again')")
        db.execute("SELECT rk.ring_drop('again')")
    assert sums[0] == sums[1]
