"""graph/star-topology against networkx on the undirected graph."""
import random

import networkx as nx
import psycopg
import pytest

from graphs import SEEDS, close, make_case, weighted_params

KERNEL = "graph/star-topology"


@pytest.mark.parametrize("seed", SEEDS)
def test_stars(db, seed):
    case = make_case(seed)
    rng = random.Random(f"star {seed}")
    min_degree = rng.choice((1, 2, 3, 3, 5))
    dominance = rng.choice((0.5, 0.7, 0.9))
    weighted = case.uses_weights(None)
    params = weighted_params(case)
    if min_degree != 3 or seed % 2:
        params["min_degree"] = min_degree
    rows = case.by_node(db, "graph_star_topology", dominance=dominance, **params)
    g = case.simple(directed=True, loops=False, merge=sum if weighted else None)
    plain = nx.Graph(g)
    clustering = nx.clustering(plain)
    triangles = nx.triangles(plain)
    for u, row in enumerate(rows):
        spokes = plain.degree[u]
        enters, leaves = g.in_degree(u), g.out_degree(u)
        assert row["spoke_count"] == spokes
        assert row["inter_spoke_edges"] == triangles[u]
        assert (row["in_degree"], row["out_degree"]) == (enters, leaves)
        score = 1 - clustering[u] if spokes >= max(2, min_degree) else 0
        assert abs(row["star_score"] - score) <= 1e-15
        if spokes < min_degree or spokes == 0:
            kind = "none"
        elif enters > dominance * (enters + leaves):
            kind = "in-star"
        else:
            kind = "out-star" if leaves > dominance * (enters + leaves) else "mixed"
        assert row["star_type"] == kind
        if not weighted:
            assert row["in_strength"] is row["out_strength"] is row["pass_through"] is None
            continue
        into, out = g.in_degree(u, weight="weight"), g.out_degree(u, weight="weight")
        assert close([row["in_strength"], row["out_strength"]], [into, out], 1e-12)
        if max(into, out) > 0:
            assert row["pass_through"] == pytest.approx(min(into, out) / max(into, out), rel=1e-12)
        else:
            assert row["pass_through"] is None


def test_errors(db):
    for arguments in ("min_degree => 0", "dominance => 0.49", "dominance => 1", "dominance => 'NaN'"):
        with pytest.raises(psycopg.errors.InvalidParameterValue):
            db.execute(f"SELECT * FROM rk.graph_star_topology('[]', {arguments})")
