"""compliance/flow-split against the definition, window by window."""
import datetime
from decimal import Decimal

import pytest

from payments import Payments, interval, ratio

KERNEL = "compliance/flow-split"
LEVELS = ["elevated", "high", "critical"]


def windows(rows, entity, side, seconds):
    """Maximal windows of an entity's payments."""
    mine = [p for p in rows if (p.source if side == "source" else p.target) == entity]
    previous = set()
    for i, p in enumerate(mine):
        window = [q for q in mine[i:] if (q.ts - p.ts).total_seconds() < seconds]
        if {q.row for q in window} <= previous:
            continue
        previous = {q.row for q in window}
        yield window


def splits(rows, threshold, seconds, least, sides):
    first_seen = {}
    for p in sorted(rows, key=lambda p: p.row):
        for e in (p.source, p.target):
            first_seen.setdefault(e, p.row)
    small = [p for p in rows if p.source != p.target and 0 < p.amount < threshold]
    found = []
    for side in sides:
        for entity in first_seen:
            for window in windows(small, entity, side, seconds):
                n, total = len(window), sum(p.amount for p in window)
                if n < least or total < Decimal("0.8") * threshold:
                    continue
                near = sum(p.amount > Decimal("0.7") * threshold for p in window) >= 3
                at = Decimal("0.95") * threshold <= total <= Decimal("1.05") * threshold
                if not near and not at and not (n >= 5 and total > threshold):
                    continue
                found.append([1 if near or at else 0, total, window, entity, side])

    def order(f):
        return -f[0], -f[1], f[2][0].ts, first_seen[f[3]], f[4], f[3]

    used, kept = set(), []
    for f in sorted(found, key=order):
        rows_of = {p.row for p in f[2]}
        if 2 * len(rows_of & used) < len(rows_of):
            used |= rows_of
            kept.append(f)
    high = [f for f in kept if f[0] == 1]
    for f in high:
        if any(g is not f and g[3] == f[3] and abs(g[2][0].ts - f[2][0].ts) <= datetime.timedelta(days=30) for g in high):
            f[0] = 2
    return sorted(kept, key=order)


@pytest.mark.parametrize("batch", range(10))
def test_definition(db, batch):
    for case in range(30):
        p = Payments(batch * 30 + case, entities=1 + case % 5, count=case * 3, currencies=True, hours=(24, 200, 3000)[case % 3],
                     amounts=lambda rng: 100 * rng.choice((0, 2500, 2450, 3300, 7500, 500, 10000, 12000, rng.randint(1, 11000))))
        rng = p.rng
        threshold = Decimal(rng.choice(("10000", "5000.005", "20000")))
        seconds, least, side = rng.choice((3600, 86400, 300000)), rng.choice((2, 3, 3, 4)), rng.choice(("source", "target", "both"))
        arguments = {"reporting_threshold": threshold, "time_window": interval(seconds), "min_split_count": least, "side": f"'{side}'"}
        rows = p.ordered()
        expected = splits(rows, threshold, seconds, least, ("source", "target") if side == "both" else (side,))
        found = db.execute(p.call("compliance_flow_split", ids=True, **arguments), (p.query(),)).fetchall()
        assert [row[0] for row in found] == list(range(1, len(expected) + 1))
        for row, (level, total, window, entity, its_side) in zip(found, expected, strict=True):
            mean = total / len(window)
            parties = list(dict.fromkeys(q.target if its_side == "source" else q.source for q in window))
            assert row[1:] == (
                entity, its_side, parties, [q.id for q in window], [q.amount for q in window], total,
                window[-1].ts - window[0].ts, threshold, all(abs(q.amount - mean) < Decimal("0.3") * mean for q in window),
                LEVELS[level], window[0].ts)
        count, entities, volume, share, score = db.execute(
            p.call("compliance_flow_split_summary", entities=False, **arguments), (p.query(),)).fetchone()
        structuring = {f[3] for f in expected if f[0] > 0}
        assert (count, entities, volume) == (len(expected), len(structuring), sum(f[1] for f in expected))
        assert share == ratio(volume, sum(x.amount for x in rows))
        assert score == min(100, 5 * count + sum((0, 15, 25)[f[0]] for f in expected) + 10 * len(structuring))
