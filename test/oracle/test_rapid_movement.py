"""compliance/rapid-movement: every window added up again, money matched unit by unit, pandas' rolling counts."""
import datetime
import operator
import random
from decimal import Decimal
from fractions import Fraction

import pandas as pd
import pytest

from test_aml_patterns import month_ends

KERNEL = "compliance/rapid-movement"
START = datetime.datetime(2024, 5, 1, tzinfo=datetime.timezone.utc)
COLUMNS = ("entity transaction_count max_velocity window_start window_amount rapid_amount amount_in amount_out pass_through "
           "mean_dwell velocity_flag pass_through_flag flagged").split()


def make(rng, entities, count, minutes, grain):
    return [dict(row=i, source=f"n{rng.randrange(entities)}", target=f"n{rng.randrange(entities)}",
                 amount=Decimal(rng.choice((0, 100, 500, rng.randint(1, 10**5)))) / rng.choice((1, 4)),
                 ts=START + datetime.timedelta(minutes=rng.randrange(minutes) // grain * grain)) for i in range(count)]


def expected(rows, window, velocity, threshold, dwell, share, plus=operator.add):
    rows = [dict(t, over=plus(t["ts"], window), old=plus(t["ts"], dwell)) for t in rows]
    ordered = sorted(rows, key=lambda t: (t["ts"], t["row"]))
    seen = list(dict.fromkeys(e for t in rows for e in (t["source"], t["target"])))
    for entity in seen:
        own = [t for t in ordered if entity in (t["source"], t["target"])]
        windows = []
        for t in own:
            inside = [x for x in own if t["ts"] <= x["ts"] < t["over"]]
            hours = (t["over"] - t["ts"]).total_seconds() / 3600
            windows.append((t["ts"], len(inside) / hours, sum((x["amount"] for x in inside), Decimal(0))))
        most = max(w[1] for w in windows)
        start, _, amount = next(w for w in windows if w[1] == most)
        rapid = [w[2] for w in windows if w[1] >= velocity and w[2] >= threshold]
        incoming = sum((t["amount"] for t in own if t["target"] == entity), Decimal(0))
        outgoing = sum((t["amount"] for t in own if t["source"] == entity), Decimal(0))
        queue, matched, weighted = [], Decimal(0), Fraction(0)
        for t in own:
            if t["source"] == t["target"]:
                continue
            if t["target"] == entity:
                queue.append([t["ts"], t["amount"], t["old"]])
                continue
            wanted = t["amount"]
            for money in queue:
                if t["ts"] < money[2]:
                    part = min(wanted, money[1])
                    money[1] -= part
                    wanted -= part
                    matched += part
                    weighted += Fraction(part) * Fraction((t["ts"] - money[0]) // datetime.timedelta(microseconds=1))
        ratio = None if incoming == 0 else float(Fraction(matched) / Fraction(incoming))
        mean = None if matched == 0 else datetime.timedelta(microseconds=int(weighted / Fraction(matched) + Fraction(1, 2)))
        through = ratio is not None and ratio >= share and matched >= threshold
        yield (entity, len(own), most, start, amount, max(rapid, default=Decimal(0)), incoming, outgoing, ratio, mean,
               bool(rapid), through, bool(rapid) or through)


def movements(db, rows, window, velocity, threshold, dwell, share):
    """What the server finds in these rows."""
    db.execute("DROP TABLE IF EXISTS tx")
    db.execute("CREATE TEMP TABLE tx (row int, source text, target text, amount numeric, ts timestamptz)")
    with db.cursor().copy("COPY tx FROM STDIN") as copy:
        for t in rows:
            copy.write_row([t[c] for c in ("row", "source", "target", "amount", "ts")])
    return db.execute(f"""SELECT {", ".join(COLUMNS)} FROM rk.compliance_rapid_movement('SELECT * FROM tx ORDER BY row', id_type => NULL::text,
        time_window => %s, velocity_threshold => %s, amount_threshold => %s, max_dwell => %s, pass_through_threshold => %s)""",
        (window, velocity, threshold, dwell, share)).fetchall()


@pytest.mark.parametrize("batch", range(8))
def test_movements(db, batch):
    for case in range(30):
        rng = random.Random(f"movement {batch} {case}")
        rows = make(rng, rng.randint(1, 6), rng.randint(0, 40), rng.choice((30, 600, 5000)), rng.choice((1, 10)))
        window = datetime.timedelta(minutes=rng.choice((1, 10, 60, 1440)))
        dwell = datetime.timedelta(minutes=rng.choice((5, 120, 1440)))
        velocity, share = rng.choice((0.1, 2, 10, 12.5)), rng.choice((0.25, 0.8, 1.0))
        threshold = Decimal(rng.choice((0, 500, 1000, 20000)))
        db.execute(f"SET rk.threads = {rng.choice((1, 2, 3))}")
        found = movements(db, rows, window, velocity, threshold, dwell, share)
        wanted = list(expected(rows, window, velocity, threshold, dwell, share))
        assert found == wanted
        assert all(f[8] is None or 0 <= f[8] <= 1 for f in found)


@pytest.mark.parametrize("zone", ("UTC", "Europe/Berlin", "America/New_York"))
def test_months(db, zone):
    """Windows of calendar months, around their ends; ends as the server adds."""
    db.execute(f"SET TimeZone = '{zone}'")
    for case in range(40):
        rng = random.Random(f"months {zone} {case}")
        rows, year = make(rng, rng.randint(1, 4), rng.choice((5, 40, 120)), 100000, rng.choice((1, 360))), rng.choice((2023, 2024))
        rows = [dict(t, ts=month_ends(rng, year) if rng.random() < 0.8 else t["ts"]) for t in rows]
        window = rng.choice(("1 month", "1 month 1 day", "1 year", "3 hours"))
        dwell = rng.choice(("1 month", "2 months 12 hours"))
        velocity, share = rng.choice((0.01, 0.05, 0.1)), rng.choice((0.25, 0.8, 1.0))
        threshold = Decimal(rng.choice((0, 500, 20000)))
        found = movements(db, rows, window, velocity, threshold, dwell, share)

        def plus(ts, interval):
            return db.execute("SELECT %s::timestamptz + %s::interval", (ts, interval)).fetchone()[0]

        assert found == list(expected(rows, window, velocity, threshold, dwell, share, plus))


def test_pandas(db):
    """The busiest window ends where pandas' rolling count is highest."""
    rng = random.Random(5)
    rows = make(rng, 5, 400, 3000, 1)
    db.execute("DROP TABLE IF EXISTS tx")
    db.execute("CREATE TEMP TABLE tx (row int, source text, target text, amount numeric, ts timestamptz)")
    with db.cursor().copy("COPY tx FROM STDIN") as copy:
        for t in rows:
            copy.write_row([t[c] for c in ("row", "source", "target", "amount", "ts")])
    found = dict(db.execute("SELECT entity, max_velocity FROM rk.compliance_rapid_movement('tx', id_type => NULL::text)").fetchall())
    for entity, velocity in found.items():
        own = pd.Series(1, index=sorted(t["ts"] for t in rows if entity in (t["source"], t["target"])))
        # a window may begin before a transaction, but no such one has more
        assert own.rolling("1h").sum().max() == velocity
