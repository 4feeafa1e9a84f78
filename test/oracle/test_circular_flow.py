"""compliance/circular-flow against networkx and linear programming in scipy."""
import networkx as nx
import numpy as np
import pytest
from scipy.optimize import linprog

from payments import Payments, ratio

KERNEL = "compliance/circular-flow"
UNIT = 10**8


def largest_circulation(rows):
    """By linear programming, in units of 10^-8; the matrix is totally unimodular, so the optimum is whole."""
    amounts = {}
    for p in rows:
        amounts[p.source, p.target] = amounts.get((p.source, p.target), 0) + int(p.amount * UNIT)
    nodes = {e: i for i, e in enumerate({e for pair in amounts for e in pair})}
    matrix = np.zeros((len(nodes), len(amounts)))
    for k, (u, v) in enumerate(amounts):
        matrix[nodes[u], k] += 1
        matrix[nodes[v], k] -= 1
    scale = 10**6       # cents
    assert all(a % scale == 0 for a in amounts.values())
    result = linprog([-1] * len(amounts), A_eq=matrix, b_eq=[0] * len(nodes),
                     bounds=[(0, a // scale) for a in amounts.values()], method="highs")
    return round(-result.fun) * scale


def components(rows, min_amount, min_size):
    first_seen = {}
    for p in sorted(rows, key=lambda p: p.row):
        for e in (p.source, p.target):
            first_seen.setdefault(e, len(first_seen))
    g = nx.DiGraph([(p.source, p.target) for p in rows if p.source != p.target])
    found = []
    for members in nx.strongly_connected_components(g):
        inside = [p for p in rows if p.source != p.target and {p.source, p.target} <= members]
        internal = sum(p.amount for p in inside)
        if len(members) >= min_size and internal >= min_amount:
            found.append((-internal, min(first_seen[e] for e in members), sorted(members), inside))
    return sorted(found, key=lambda f: f[:2])


@pytest.mark.parametrize("batch", range(10))
def test_components(db, batch):
    for case in range(25):
        p = Payments(batch * 25 + case, entities=3 + case % 8, count=case * 2, currencies=case % 2 == 0)
        rng = p.rng
        rows = p.converted()
        total = sum(x.amount for x in rows)
        min_amount, min_size = rng.choice((0, 0, 500)), rng.choice((2, 2, 3))
        with_ts, circulation = rng.random() < 0.7, not p.currencies
        arguments = {"min_amount": min_amount, "min_size": min_size, "circulation": str(circulation)}
        expected = components(rows, min_amount, min_size)
        found = db.execute(p.call("compliance_circular_flow", **arguments), (p.query(ts=with_ts),)).fetchall()
        assert len(found) == len(expected)
        for number, (row, (internal, _, members, inside)) in enumerate(zip(found, expected), 1):
            assert row[:5] == (number, members, len(members), len(inside), -internal)
            if circulation:
                assert row[5] * UNIT == largest_circulation(inside)
            else:
                assert row[5] is None
            assert row[6] == ratio(-internal, total)
            assert row[7:] == ((min(x.ts for x in inside), max(x.ts for x in inside)) if with_ts else (None, None))
        assert sum(row[6] or 0 for row in found) <= 1 + 1e-12

        number = {e: c for c, f in enumerate(expected, 1) for e in f[2]}
        flows = {row[0]: row[1:] for row in db.execute(p.call("compliance_circular_flow_entities", **arguments), (p.query(),))}
        assert flows.keys() == {e for x in rows for e in (x.source, x.target)}
        for e, flow in flows.items():
            out = sum(x.amount for x in rows if x.source == e)
            stays = sum(x.amount for x in rows if x.source == e != x.target and number.get(e) and number.get(e) == number.get(x.target))
            assert flow == (number.get(e), out, sum(x.amount for x in rows if x.target == e), stays, ratio(stays, out))


def test_circulation_of_larger_graphs(db):
    """Dense and sparse, with amounts of very different size."""
    for seed in range(40):
        p = Payments(5000 + seed, entities=12 + seed, count=60 + 12 * seed,
                     amounts=lambda rng: rng.choice((1, 7, rng.randint(1, 10**5), rng.randint(1, 10**9))))
        rows = p.rows
        found = db.execute(p.call("compliance_circular_flow", circulation="true"), (p.query(ts=False),)).fetchall()
        for row in found:
            inside = [x for x in rows if x.source != x.target and {x.source, x.target} <= set(row[1])]
            assert row[5] * UNIT == largest_circulation(inside)
            assert row[5] <= row[4]
