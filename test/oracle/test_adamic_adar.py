"""graph/adamic-adar against networkx and igraph."""
import igraph
import networkx as nx
import numpy as np
import pytest

from graphs import SEEDS, make_case
from similarity import (check_limits, compare, direction_of, given_pairs, graph_of, pairs_of, structure_of)

KERNEL = "graph/adamic-adar"


def igraph_matrix(case, g, direction):
    peer = igraph.Graph(n=case.size, edges=list(g.edges), directed=direction != "both")
    return np.array(peer.similarity_inverse_log_weighted(mode="all" if direction == "both" else "out"))


@pytest.mark.parametrize("seed", SEEDS)
def test_all_pairs(db, seed):
    case = make_case(seed)
    direction = direction_of(case)
    weighting = ("log", "inverse")[seed % 2]
    g = graph_of(case, direction)
    structure = structure_of(case, g)
    common = pairs_of(case, structure)
    if weighting == "log":
        score = igraph_matrix(case, g, direction) if case.size else {}
    else:
        degree = np.maximum(structure.sum(axis=0), 1)
        score = structure / degree @ structure.T
    rows = case.run(db, "graph_adamic_adar", take_nodes=False, direction=direction, weighting=weighting)
    compare(rows, {pair: (score[pair], common[pair]) for pair in common}, 1e-12)


@pytest.mark.parametrize("seed", SEEDS[::2])
def test_given_pairs(db, seed):
    case = make_case(seed + 500)
    pairs, query = given_pairs(case)
    if not pairs:
        return
    g = graph_of(case, "both")
    weighting, theirs = (("log", nx.adamic_adar_index), ("inverse", nx.resource_allocation_index))[seed // 2 % 2]
    rows = case.run(db, "graph_adamic_adar", take_nodes=False, pairs=query, weighting=weighting)
    assert [(row["node_a"], row["node_b"]) for row in rows] == pairs
    apart = [row for row in rows if row["node_a"] != row["node_b"]]
    for row, (_, _, score) in zip(apart, theirs(g, [pair for pair in pairs if pair[0] != pair[1]])):
        assert abs(row["score"] - score) <= 1e-12


@pytest.mark.parametrize("seed", SEEDS[::2])
def test_limits(db, seed):
    case = make_case(seed + 900)
    check_limits(db, case, "graph_adamic_adar", direction=direction_of(case), weighting=("log", "inverse")[seed // 8 % 2])


def test_karate_club(db):
    edges = ", ".join(f"({u}, {v})" for u, v in nx.karate_club_graph().edges)
    query = f"SELECT * FROM (VALUES {edges}) e (source, target)"
    pairs = "SELECT * FROM (VALUES (0, 33), (0, 1)) p (node_a, node_b)"
    for weighting, expected in (("log", (2.7110197223, 6.1307168719)), ("inverse", (0.9, 2.05))):
        rows = db.execute("SELECT score FROM rk.graph_adamic_adar(%s, pairs => %s, weighting => %s)",
                          (query, pairs, weighting)).fetchall()
        assert [row[0] for row in rows] == pytest.approx(expected, abs=1e-10)
