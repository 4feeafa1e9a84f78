"""graph/triangle-counting against networkx and matrix products; every count is exact."""
import networkx as nx
import numpy as np
import pytest

from graphs import SEEDS, make_case

KERNEL = "graph/triangle-counting"


@pytest.mark.parametrize("seed", SEEDS)
def test_triangles(db, seed):
    case = make_case(seed)
    rows = case.by_node(db, "graph_triangle_counting")
    g = case.simple(directed=False, loops=False)
    triangles = nx.triangles(g)
    clustering = nx.clustering(g)
    for u, row in enumerate(rows):
        assert row["triangles"] == triangles[u]
        assert abs(row["clustering_coefficient"] - clustering[u]) <= 1e-15
    if case.size:
        a = nx.to_numpy_array(g, nodelist=range(case.size)).astype(int)
        cubed = a @ a @ a
        assert [row["triangles"] for row in rows] == [cubed[u, u] // 2 for u in range(case.size)]


@pytest.mark.parametrize("seed", SEEDS)
def test_total_and_edges(db, seed):
    case = make_case(seed + 300)
    g = case.simple(directed=False, loops=False)
    total, = case.run(db, "graph_triangle_counting_total", take_nodes=False)
    wedges = sum(d * (d - 1) // 2 for _, d in g.degree)
    assert total["triangles"] == sum(nx.triangles(g).values()) // 3
    assert total["wedges"] == wedges
    if wedges:
        assert total["transitivity"] == pytest.approx(nx.transitivity(g), abs=1e-15)
    else:
        assert total["transitivity"] is None

    ours = case.run(db, "graph_triangle_counting_edges", take_nodes=False)
    support = {(min(u, v), max(u, v)): len(set(g[u]) & set(g[v])) for u, v in g.edges}
    assert len(ours) == len(support)
    assert {(row["source"], row["target"]): row["triangles"] for row in ours} == support


@pytest.mark.parametrize("seed", range(30))
def test_an_isolated_node_changes_nothing(db, seed):
    case = make_case(seed * 3 + 1, largest=15)
    if case.id_type != "bigint":
        return
    before = case.run(db, "graph_triangle_counting", form="query", take_nodes=False)
    after = db.execute("SELECT count(*), sum(triangles)::bigint FROM rk.graph_triangle_counting(%s, nodes => "
                       "'SELECT 9223372036854775807 AS node')", (case.query(),)).fetchone()
    assert after == (len(before) + 1, sum(row["triangles"] for row in before))


def test_skewed_graph(db):
    """A dense core with long tails: hubs and intersections of unequal length."""
    db.execute("CREATE TABLE IF NOT EXISTS skewed AS"
               " SELECT (2000 * power(abs(hashint8(i)) / 2147483648.0, 3))::int AS source,"
               " (2000 * power(abs(hashint8(-i)) / 2147483648.0, 2))::int AS target FROM generate_series(1, 40000) i")
    g = nx.Graph(db.execute("SELECT source, target FROM skewed").fetchall())
    g.remove_edges_from(list(nx.selfloop_edges(g)))
    ours = {node: (count, coefficient) for node, count, coefficient in db.execute(
        "SELECT node, triangles, clustering_coefficient FROM rk.graph_triangle_counting('skewed')")}
    triangles = nx.triangles(g)
    assert ours.keys() == triangles.keys()
    for u in g:
        d = g.degree[u]
        assert ours[u][0] == triangles[u]
        assert ours[u][1] == pytest.approx(2 * triangles[u] / (d * (d - 1)) if d > 1 else 0, abs=1e-15)
