"""compliance/reciprocity-flow against sums in Python, networkx and igraph."""
import datetime
from collections import Counter, deque
from decimal import Decimal

import igraph
import networkx as nx
import pytest

from payments import START, Payments, interval, ratio

KERNEL = "compliance/reciprocity-flow"


def returned(rows, delay):
    """What comes back within the delay: every payment first takes from the other side's open balances."""
    balances = deque()
    total = Decimal(0)
    for p in rows:
        left = p.amount
        while left > 0 and balances and balances[0][0].source != p.source:
            opened, amount = balances[0]
            if p.ts - opened.ts >= delay:
                balances.popleft()
                continue
            taken = min(left, amount)
            total += taken
            left -= taken
            balances[0][1] -= taken
            if balances[0][1] == 0:
                balances.popleft()
        if left > 0:
            balances.append([p, left])
    return total


def expected_pairs(rows, min_amount, delay):
    pairs = {}
    for p in rows:
        if p.source != p.target:
            pairs.setdefault(frozenset((p.source, p.target)), []).append(p)
    result = {}
    for group in pairs.values():
        a, b = group[0].source, group[0].target
        ab = [p.amount for p in group if p.source == a]
        ba = [p.amount for p in group if p.source == b]
        m = min(sum(ab), sum(ba)) if delay is None else returned(group, delay)
        if not ba or m < min_amount:
            continue
        larger = max(sum(ab), sum(ba))
        result[a, b] = (sum(ab), sum(ba), len(ab), len(ba), 2 * m, ratio(m, larger),
                        group[0].ts, group[-1].ts)
    return result


@pytest.mark.parametrize("batch", range(10))
def test_sums(db, batch):
    for case in range(30):
        p = Payments(batch * 30 + case, currencies=True)
        rng = p.rng
        arguments = {}
        rows = p.ordered()
        min_amount = rng.choice((Decimal(0), Decimal("50.5")))
        if min_amount:
            arguments["min_amount"] = min_amount
        if rng.random() < 0.3:
            start = START + datetime.timedelta(hours=rng.randint(0, 20))
            end = start + datetime.timedelta(hours=rng.randint(1, 40))
            arguments |= {"start_ts": f"'{start.isoformat()}'", "end_ts": f"'{end.isoformat()}'"}
            rows = [x for x in rows if start <= x.ts < end]
        delay = None
        if rng.random() < 0.5:
            delay = datetime.timedelta(seconds=rng.choice((600, 3600, 7200, 10**6)))
            arguments["max_delay"] = interval(int(delay.total_seconds()))
        expected = expected_pairs(rows, min_amount, delay)
        found = {row[:2]: row[2:] for row in db.execute(p.call("compliance_reciprocity_flow", **arguments), (p.query(),))}
        assert found.keys() == expected.keys()
        for key, values in expected.items():
            assert found[key] == values

        weighted, edge, rho, reciprocal, total, count = db.execute(
            p.call("compliance_reciprocity_flow_summary", entities=False, **arguments), (p.query(),)).fetchone()
        assert count == len(expected)
        assert reciprocal == sum(v[4] for v in expected.values())
        assert total == sum(x.amount for x in rows if x.source != x.target)
        assert weighted == ratio(reciprocal, total)
        edges = {(x.source, x.target) for x in rows if x.source != x.target}
        n = len({e for x in rows for e in (x.source, x.target)})
        if not edges:
            assert edge is None and rho is None
            continue
        g = nx.DiGraph(list(edges))
        assert edge == nx.overall_reciprocity(g)
        density = len(edges) / (n * (n - 1))
        assert rho is None if density == 1 else rho == pytest.approx((edge - density) / (1 - density), abs=1e-12)


def test_without_times(db):
    """Rows stand for the order; igraph's reciprocity over the graph with loops and parallel edges."""
    for seed in range(60):
        p = Payments(9000 + seed, entities=8, count=40)
        expected = {key: v[:6] for key, v in expected_pairs(p.rows, 0, None).items()}
        rows = db.execute(p.call("compliance_reciprocity_flow"), (p.query(ts=False),)).fetchall()
        assert {row[:2]: row[2:8] for row in rows} == expected
        assert all(row[8] is None and row[9] is None for row in rows)
        edge = db.execute(p.call("compliance_reciprocity_flow_summary", entities=False), (p.query(ts=False),)).fetchone()[1]
        names = sorted({e for x in p.rows for e in (x.source, x.target)})
        distinct = Counter((names.index(x.source), names.index(x.target)) for x in p.rows)
        g = igraph.Graph(len(names), list(distinct), directed=True)
        assert edge == pytest.approx(g.reciprocity(ignore_loops=True), abs=1e-12)
