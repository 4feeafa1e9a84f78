"""graph/degree-ratio against counts in Python, networkx and numpy."""
import math
import random

import networkx as nx
import numpy as np
import psycopg
import pytest

from graphs import SEEDS, close, make_case, weighted_params

KERNEL = "graph/degree-ratio"


def ratio(enters, leaves):
    return enters / leaves if leaves else math.inf if enters else 0.0


@pytest.mark.parametrize("seed", SEEDS)
def test_ratios(db, seed):
    case = make_case(seed)
    rng = random.Random(f"ratio {seed}")
    weighted = case.uses_weights(None)
    basis = rng.choice(("degree", "edges", "weight") if weighted else ("degree", "edges"))
    low, high = sorted((rng.choice((0.0, 0.2, 0.5, 1.0)), rng.choice((0.5, 1.0, 2.0, 5.0))))
    params = weighted_params(case)
    if basis != "degree" or seed % 2:
        params["basis"] = basis
    rows = case.by_node(db, "graph_degree_ratio", source_threshold=low, sink_threshold=high, **params)

    g = case.simple(directed=True, loops=False)
    edges = {"in": [0] * case.size, "out": [0] * case.size}
    strength = {"in": [0.0] * case.size, "out": [0.0] * case.size}
    for u, v, w in case.rows:
        if u != v:
            edges["out"][u] += 1
            edges["in"][v] += 1
            if weighted:
                strength["out"][u] += w
                strength["in"][v] += w
    for u, row in enumerate(rows):
        assert (row["in_degree"], row["out_degree"]) == (g.in_degree(u), g.out_degree(u))
        counts = {"degree": (g.in_degree(u), g.out_degree(u)), "edges": (edges["in"][u], edges["out"][u]),
                  "weight": (strength["in"][u], strength["out"][u])}[basis]
        expected = ratio(*counts)
        assert row["ratio"] == pytest.approx(expected, rel=1e-12)
        variance = np.var([g.out_degree(v) for v in g.successors(u)]) if g.out_degree(u) else 0
        assert row["neighbor_degree_variance"] == pytest.approx(variance, rel=1e-12, abs=1e-12)
        # a ratio on the threshold by rounding may fall on either side
        if basis != "weight" or min(abs(expected - low), abs(expected - high)) > 1e-9:
            assert row["classification"] == (
                "isolated" if counts == (0, 0) else "source" if expected < low else "sink" if expected > high else "balanced")
        if weighted:
            assert close([row["in_strength"], row["out_strength"]], [strength["in"][u], strength["out"][u]], 1e-12)
            assert row["strength_ratio"] == pytest.approx(ratio(strength["in"][u], strength["out"][u]), rel=1e-12)
        else:
            assert row["in_strength"] is row["out_strength"] is row["strength_ratio"] is None


def test_karate_club(db):
    """The club as arcs from the smaller to the larger member."""
    club = nx.karate_club_graph()
    rows = ", ".join(f"({u}, {v})" for u, v in club.edges)
    found = db.execute("SELECT node, classification, neighbor_degree_variance FROM rk.graph_degree_ratio(%s)",
                       (f"SELECT * FROM (VALUES {rows}) e(source, target)",)).fetchall()
    kinds = [kind for _, kind, _ in found]
    assert [kinds.count(kind) for kind in ("source", "balanced", "sink")] == [10, 15, 9]
    variance = {node: value for node, _, value in found}
    assert (variance[0], variance[2]) == (6.375, 1.0)


def test_errors(db):
    for arguments, error in (("'[]', basis => 'volume'", psycopg.errors.InvalidParameterValue),
                             ("'[]', source_threshold => 2, sink_threshold => 1", psycopg.errors.InvalidParameterValue),
                             ("'[]', sink_threshold => 'NaN'", psycopg.errors.InvalidParameterValue),
                             ("'SELECT 1 AS source, 2 AS target', basis => 'weight'", psycopg.errors.UndefinedColumn),
                             ("'SELECT 1 AS source, 2 AS target, -1 AS weight'", psycopg.errors.InvalidParameterValue)):
        with pytest.raises(error):
            db.execute(f"SELECT * FROM rk.graph_degree_ratio({arguments})")
