"""graph/density against networkx and igraph."""
import igraph
import networkx as nx
import pytest

from graphs import SEEDS, make_case

KERNEL = "graph/density"


@pytest.mark.parametrize("seed", SEEDS)
def test_counts(db, seed):
    case = make_case(seed)
    directed = seed % 2 == 0
    params = {} if directed and seed % 4 else {"directed": directed}
    row, = case.run(db, "graph_density", **params)
    n = case.size
    g = case.simple(directed, loops=False)
    rows = [(u, v) for u, v, _ in case.rows if u != v]
    assert row["num_nodes"] == n and row["num_edges"] == g.number_of_edges()
    assert row["self_loops"] == len(case.rows) - len(rows)
    assert row["parallel_edges"] == len(rows) - g.number_of_edges()
    assert abs(row["density"] - (nx.density(g) if n > 1 else 0)) <= 1e-15
    if directed and g.number_of_edges():
        assert abs(row["reciprocity"] - nx.overall_reciprocity(g)) <= 1e-15
        h = igraph.Graph(n, list(g.edges), directed=True)
        assert abs(row["reciprocity"] - h.reciprocity()) <= 1e-15
        assert abs(row["density"] - h.density()) <= 1e-15 if n > 1 else True
    else:
        assert row["reciprocity"] is None
    if case.rows or case.nodes:
        assert case.run_graph_form(db, "graph_density", **params) == [row]
