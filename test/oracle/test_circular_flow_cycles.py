"""compliance/circular-flow: cycles against networkx.simple_cycles and every choice of payments along them."""
import itertools

import networkx as nx
import pytest

from payments import Payments, interval, ratio

KERNEL = "compliance/circular-flow"


def simple_cycles(rows, longest):
    g = nx.DiGraph([(p.source, p.target) for p in rows if p.source != p.target])
    return [c for c in nx.simple_cycles(g, length_bound=longest) if len(c) >= 2]


def rotations(cycle):
    return [cycle[i:] + cycle[:i] for i in range(len(cycle))]


def temporal_cycles(rows, longest, seconds):
    """All of them as lists of payments, in the order of first payments, then second ones."""
    by_pair = {}
    for p in rows:
        by_pair.setdefault((p.source, p.target), []).append(p)
    found = []
    for cycle in simple_cycles(rows, longest):
        for turned in rotations(cycle):
            pairs = list(zip(turned, turned[1:] + turned[:1]))
            for payments in itertools.product(*(by_pair[pair] for pair in pairs)):
                times = [p.ts for p in payments]
                if all(a < b for a, b in itertools.pairwise(times)) and (times[-1] - times[0]).total_seconds() < seconds:
                    found.append(payments)
    return sorted(found, key=lambda c: [(p.ts, p.row) for p in c])


@pytest.mark.parametrize("batch", range(10))
def test_temporal(db, batch):
    for case in range(30):
        number = batch * 30 + case
        p = Payments(number, entities=(3, 4, 6, 9, 14)[case % 5], count=(10, 14, 24, 40, 60)[case % 5], currencies=case % 4 == 0,
                     hours=100, grain=(1, 36000)[case % 2])
        rng = p.rng
        rows = p.ordered()
        longest, seconds = rng.choice((2, 3, 4, 5, 6, 9)), rng.choice((36000, 100000, 300000, 10**7))
        if p.kind == "bigint" and len(p.rows) >= 40:
            longest = min(longest, 5)
        retention = rng.choice((0, 0, 0.5, 1))
        arguments = {"max_cycle_length": longest, "time_window": interval(seconds), "min_retention": retention}
        expected = []
        for c in temporal_cycles(rows, longest, seconds):
            kept = ratio(c[-1].amount, c[0].amount)
            if retention == 0 or (kept is not None and kept >= retention):
                expected.append(([x.source for x in c], [x.id for x in c], len(c), min(x.amount for x in c),
                                 sum(x.amount for x in c), kept, c[0].ts, c[-1].ts))
        found = db.execute(p.call("compliance_circular_flow_cycles", ids=True, **arguments), (p.query(),)).fetchall()
        assert [row[1:] for row in found] == expected
        assert [row[0] for row in found] == list(range(1, len(expected) + 1))


@pytest.mark.parametrize("batch", range(5))
def test_aggregated(db, batch):
    for case in range(40):
        p = Payments(3000 + batch * 40 + case, entities=3 + case % 7, count=case, currencies=case % 4 == 0)
        rng = p.rng
        with_ts = rng.random() < 0.6
        rows = p.converted()
        ordered = p.ordered() if with_ts else rows
        longest, retention = rng.choice((2, 3, 4, 12)), rng.choice((0, 0, 0.7))
        seen = list(dict.fromkeys(e for x in sorted(rows, key=lambda x: x.row) for e in (x.source, x.target)))
        expected = []
        for cycle in simple_cycles(rows, longest):
            cycle = min(rotations(cycle), key=lambda c: seen.index(c[0]))
            arcs = [[x for x in ordered if (x.source, x.target) == pair] for pair in zip(cycle, cycle[1:] + cycle[:1])]
            sums = [sum(x.amount for x in arc) for arc in arcs]
            kept = ratio(sums[-1], sums[0])
            if retention and (kept is None or kept < retention):
                continue
            payments = [x for arc in arcs for x in arc]
            times = (min(x.ts for x in payments), max(x.ts for x in payments)) if with_ts else (None, None)
            expected.append((cycle, [x.id for x in payments], len(cycle), min(sums), sum(sums), kept, *times))
        found = db.execute(p.call("compliance_circular_flow_cycles", ids=True, time_respecting="false", max_cycle_length=longest,
                                  min_retention=retention), (p.query(ts=with_ts),)).fetchall()
        assert sorted(row[1:4] for row in found) == sorted(e[:3] for e in expected)
        assert {tuple(row[1]): row[2:] for row in found} == {tuple(e[0]): e[1:] for e in expected}
        assert [seen.index(row[1][0]) for row in found] == sorted(seen.index(row[1][0]) for row in found)


def test_number_of_cycles(db):
    """Exactly as many as max_cycles are no error; and the window may be as long as it likes."""
    query = "SELECT i % 3 AS source, (i + 1) % 3 AS target, 1 AS amount, timestamptz '2024-01-01' + i * interval '1 h' AS ts FROM generate_series(0, 29) i"
    call = "SELECT count(*) FROM rk.compliance_circular_flow_cycles(%s, max_cycles => {}, time_window => '200000 years')"
    count = db.execute(call.format(1000000), (query,)).fetchone()[0]
    assert count == sum(1 for a, b, c in itertools.combinations(range(30), 3) if b % 3 == (a + 1) % 3 and c % 3 == (b + 1) % 3)
    assert db.execute(call.format(count), (query,)).fetchone()[0] == count
    with pytest.raises(Exception, match=f"there are more than {count - 1} cycles"):
        db.execute(call.format(count - 1), (query,))
