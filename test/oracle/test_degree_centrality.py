"""graph/degree-centrality against networkx; every number is exact."""
import networkx as nx
import pytest

from graphs import SEEDS, make_case, weighted_params

KERNEL = "graph/degree-centrality"


@pytest.mark.parametrize("seed", SEEDS)
def test_degrees(db, seed):
    # weights in eighths, whose sums are exact in any order
    case = make_case(seed, exact=True)
    directed = seed % 2 == 0
    rows = case.by_node(db, "graph_degree_centrality", directed=directed, **weighted_params(case))
    n = case.size
    simple = case.simple(directed)
    multi = case.multi(directed)
    into = simple.in_degree if directed else simple.degree
    out = simple.out_degree if directed else simple.degree
    rows_into = multi.in_degree if directed else multi.degree
    rows_out = multi.out_degree if directed else multi.degree
    score = nx.degree_centrality(simple) if n > 1 else {u: 0.0 for u in range(n)}
    in_score = nx.in_degree_centrality(simple) if directed and n > 1 else score
    out_score = nx.out_degree_centrality(simple) if directed and n > 1 else score
    weighted = case.uses_weights(None)

    for u, row in enumerate(rows):
        assert row["degree"] == (into[u] + out[u] if directed else simple.degree[u])
        assert row["in_degree"] == into[u]
        assert row["out_degree"] == out[u]
        # 1 / (n - 1) times a count there, a division here
        assert abs(row["score"] - score[u]) <= 1e-15 * max(1, score[u])
        assert abs(row["in_score"] - in_score[u]) <= 1e-15 * max(1, in_score[u])
        assert abs(row["out_score"] - out_score[u]) <= 1e-15 * max(1, out_score[u])
        assert row["in_edges"] == rows_into[u]
        assert row["out_edges"] == rows_out[u]
        strengths = (rows_into(u, weight="weight"), rows_out(u, weight="weight")) if weighted else (None, None)
        assert (row["in_strength"], row["out_strength"]) == strengths
        assert row["neighbors"] == len(set(nx.all_neighbors(simple, u)) - {u})


@pytest.mark.parametrize("seed", range(0, 240, 6))
def test_sums_of_weights_that_round(db, seed):
    case = make_case(seed + 1, exact=False)
    rows = case.by_node(db, "graph_degree_centrality")
    multi = case.multi(True)
    for u, row in enumerate(rows):
        assert row["in_strength"] == pytest.approx(multi.in_degree(u, weight="weight"), rel=1e-12)
        assert row["out_strength"] == pytest.approx(multi.out_degree(u, weight="weight"), rel=1e-12)


@pytest.mark.parametrize("seed", range(40))
def test_equals_count_distinct(db, seed):
    """What a user would write without the extension."""
    case = make_case(seed, largest=40)
    if not case.rows:
        return
    query = case.query()
    ours = {row["node"]: row["out_degree"] for row in case.run(
        db, "graph_degree_centrality", form="query", weighted=False) if row["out_degree"]}
    index = case.index()
    theirs = {index[node]: count for node, count in db.execute(
        f"SELECT source, count(DISTINCT target) FROM ({query}) e GROUP BY source")}
    assert ours == theirs
