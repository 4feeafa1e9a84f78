"""graph/jaccard-similarity against networkx, igraph and numpy."""
import igraph
import networkx as nx
import numpy as np
import pytest

from graphs import SEEDS, make_case, weighted_params
from similarity import (check_limits, compare, direction_of, given_pairs, graph_of, matrix_of, pairs_of,
                        structure_of)

KERNEL = "graph/jaccard-similarity"


def igraph_matrix(case, g, direction):
    # neighbours are the successors of g, which is turned round for "in"
    peer = igraph.Graph(n=case.size, edges=list(g.edges), directed=direction != "both")
    return np.array(peer.similarity_jaccard(mode="all" if direction == "both" else "out", loops=False))


@pytest.mark.parametrize("seed", SEEDS)
def test_all_pairs(db, seed):
    case = make_case(seed)
    direction = direction_of(case)
    weighted = case.uses_weights(False)
    g = graph_of(case, direction, weighted)
    common = pairs_of(case, structure_of(case, g))
    if weighted:
        a = matrix_of(case, g)
        score = {}
        for u, v in common:
            most = np.maximum(a[u], a[v]).sum()
            score[u, v] = np.minimum(a[u], a[v]).sum() / most if most else 0.0
        tolerance = 1e-12
    else:
        score = igraph_matrix(case, g, direction) if case.size else {}
        tolerance = 1e-15
    rows = case.run(db, "graph_jaccard_similarity", take_nodes=False, direction=direction, **weighted_params(case))
    compare(rows, {pair: (score[pair], common[pair]) for pair in common}, tolerance)


@pytest.mark.parametrize("seed", SEEDS[::2])
def test_given_pairs(db, seed):
    case = make_case(seed + 500)
    pairs, query = given_pairs(case)
    if not pairs:
        return
    g = graph_of(case, "both")
    rows = case.run(db, "graph_jaccard_similarity", take_nodes=False, pairs=query)
    assert [(row["node_a"], row["node_b"]) for row in rows] == pairs
    for row, (a, b, score) in zip(rows, nx.jaccard_coefficient(g, pairs)):
        assert abs(row["score"] - score) <= 1e-15
        assert row["common"] == len(set(g[a]) & set(g[b]))


@pytest.mark.parametrize("seed", SEEDS[::2])
def test_limits(db, seed):
    case = make_case(seed + 900)
    check_limits(db, case, "graph_jaccard_similarity", direction=direction_of(case), **weighted_params(case))


def test_karate_club(db):
    edges = ", ".join(f"({u}, {v})" for u, v in nx.karate_club_graph().edges)
    query = f"SELECT * FROM (VALUES {edges}) e (source, target)"
    assert db.execute("SELECT count(*) FROM rk.graph_jaccard_similarity(%s)", (query,)).fetchone() == (332,)
    pairs = "SELECT * FROM (VALUES (0, 33), (0, 1)) p (node_a, node_b)"
    rows = db.execute("SELECT score, common FROM rk.graph_jaccard_similarity(%s, pairs => %s)", (query, pairs)).fetchall()
    assert rows == [(pytest.approx(0.1379310345, abs=1e-10), 4), (pytest.approx(0.3888888889, abs=1e-10), 7)]
