"""compliance/flow-reversal against brute force over all pairs of payments."""
import datetime
from collections import Counter

import pytest

from payments import Payments, interval, ratio

KERNEL = "compliance/flow-reversal"


def match(a, b):
    return ratio(min(a.amount, b.amount), max(a.amount, b.amount)) or 0


def level(seconds, exact, suspicious, critical):
    if seconds < critical:
        return "critical" if exact else "high"
    if seconds < suspicious:
        return "high" if exact else "suspicious"
    return "suspicious" if exact else "normal"


def reversals(rows, most, least_ratio, one_to_one):
    used, found = set(), []
    for a in rows:
        candidates = [b for b in rows if b.source == a.target != a.source == b.target
                      and 0 < (b.ts - a.ts).total_seconds() <= most and match(a, b) > 0 and match(a, b) >= least_ratio]
        if one_to_one:
            if a.row in used:
                continue
            candidates = [b for b in candidates if b.row not in used]
            candidates.sort(key=lambda b: (-match(a, b), b.ts, b.row))
            candidates = candidates[:1]
            used |= {x.row for b in candidates for x in (a, b)}
        found += [(a, b) for b in candidates]
    return found


@pytest.mark.parametrize("batch", range(10))
def test_brute_force(db, batch):
    for case in range(30):
        p = Payments(batch * 30 + case, entities=2 + case % 4, count=case * 2, currencies=True, hours=24,
                     amounts=lambda rng: rng.choice((0, 10000, 9900, 9899, 9000, 8999, rng.randint(8000, 10000))))
        rng = p.rng
        critical, suspicious, most = sorted(rng.choice((60, 300, 3600, 7200, 86400)) for _ in range(3))
        least = rng.choice((0.9, 0.99, 1, 0.5))
        one_to_one = rng.random() < 0.6
        arguments = {"max_window": interval(most), "suspicious_window": interval(suspicious), "critical_window": interval(critical),
                     "min_amount_match_ratio": least}
        if not one_to_one:
            arguments["matching"] = "'all_pairs'"
        rows = p.ordered()
        expected = reversals(rows, most, least, one_to_one)
        found = db.execute(p.call("compliance_flow_reversal", ids=True, **arguments), (p.query(),)).fetchall()
        assert found == [
            (a.id, b.id, a.source, a.target, a.amount, b.amount, b.ts - a.ts, match(a, b),
             level((b.ts - a.ts).total_seconds(), match(a, b) >= 0.99, suspicious, critical)) for a, b in expected]
        if one_to_one:
            ids = [x.row for pair in expected for x in pair]
            assert len(ids) == len(set(ids))

        count, volume, share, repeat, score = db.execute(
            p.call("compliance_flow_reversal_summary", entities=False, **arguments), (p.query(),)).fetchone()
        by_entity = Counter(e for a, _ in expected for e in (a.source, a.target))
        offenders = {e: n for e, n in by_entity.items() if n >= 2}
        assert count == len(expected)
        assert volume == sum(a.amount + b.amount for a, b in expected)
        assert share == ratio(volume, sum(x.amount for x in rows))
        assert repeat == len(offenders)
        severe = sum(row[-1] in ("high", "critical") for row in found)
        assert score == pytest.approx(min(100, 5 * count + 15 * severe + 10 * repeat + 50 * (share or 0)))
        assert dict(db.execute(p.call("compliance_flow_reversal_offenders", **arguments), (p.query(),)).fetchall()) == offenders


def test_calendar(db):
    """A day is as long as the calendar of the session says."""
    db.execute("SET timezone = 'Europe/Berlin'")
    query = """SELECT * FROM (VALUES (1, 2, 5, timestamptz '2024-03-30 12:00'), (2, 1, 5, '2024-03-31 12:00'),
        (3, 4, 5, '2024-03-30 12:00'), (4, 3, 5, '2024-03-31 12:00:01'),
        (5, 6, 5, '2024-10-26 12:00'), (6, 5, 5, '2024-10-27 12:00')) v (source, target, amount, ts)"""
    found = db.execute("SELECT original_id, time_delta FROM rk.compliance_flow_reversal(%s, max_window => '1 day')", (query,))
    assert found.fetchall() == [(1, datetime.timedelta(hours=23)), (5, datetime.timedelta(hours=25))]
    found = db.execute("SELECT original_id FROM rk.compliance_flow_reversal(%s, max_window => '24 hours')", (query,))
    assert found.fetchall() == [(1,), (3,)]
