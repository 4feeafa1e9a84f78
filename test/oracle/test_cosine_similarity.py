"""graph/cosine-similarity against scikit-learn on the rows of the adjacency matrix."""
import networkx as nx
import pytest
from sklearn.metrics.pairwise import cosine_similarity

from graphs import SEEDS, make_case, weighted_params
from similarity import (check_limits, compare, direction_of, given_pairs, graph_of, matrix_of, pairs_of,
                        structure_of)

KERNEL = "graph/cosine-similarity"


@pytest.mark.parametrize("seed", SEEDS)
def test_all_pairs(db, seed):
    case = make_case(seed)
    if seed % 5 == 0 and case.has_weight:
        # ratings: of either sign
        case.rows = [(u, v, w - 3) for u, v, w in case.rows]
    direction = direction_of(case)
    g = graph_of(case, direction, case.uses_weights(False))
    common = pairs_of(case, structure_of(case, g))
    score = cosine_similarity(matrix_of(case, g)) if case.size else {}
    rows = case.run(db, "graph_cosine_similarity", take_nodes=False, direction=direction, min_score=-1,
                    **weighted_params(case))
    compare(rows, {pair: (score[pair], common[pair]) for pair in common}, 1e-12)


@pytest.mark.parametrize("seed", SEEDS[::2])
def test_given_pairs(db, seed):
    case = make_case(seed + 500)
    pairs, query = given_pairs(case)
    if not pairs:
        return
    g = graph_of(case, "both", case.uses_weights(False))
    score = cosine_similarity(matrix_of(case, g))
    rows = case.run(db, "graph_cosine_similarity", take_nodes=False, pairs=query, **weighted_params(case))
    assert [(row["node_a"], row["node_b"]) for row in rows] == pairs
    for row, pair in zip(rows, pairs):
        assert abs(row["score"] - score[pair]) <= 1e-12


@pytest.mark.parametrize("seed", SEEDS[::2])
def test_limits(db, seed):
    case = make_case(seed + 900)
    check_limits(db, case, "graph_cosine_similarity", least=-1.0, direction=direction_of(case), **weighted_params(case))


def test_karate_club(db):
    edges = ", ".join(f"({u}, {v})" for u, v in nx.karate_club_graph().edges)
    query = f"SELECT * FROM (VALUES {edges}) e (source, target)"
    pairs = "SELECT * FROM (VALUES (0, 33), (0, 1)) p (node_a, node_b)"
    rows = db.execute("SELECT score FROM rk.graph_cosine_similarity(%s, pairs => %s)", (query, pairs)).fetchall()
    assert rows == [(pytest.approx(0.2425356250, abs=1e-10),), (pytest.approx(0.5833333333, abs=1e-10),)]
