"""graph/connected-components against networkx and scipy."""
import networkx as nx
import pytest
import scipy.sparse
import scipy.sparse.csgraph

from graphs import SEEDS, make_case

KERNEL = "graph/connected-components"


def numbered(components):
    """Components by falling size, then by smallest node."""
    return sorted((sorted(c) for c in components), key=lambda c: (-len(c), c[0]))


@pytest.mark.parametrize("mode", ("weak", "strong"))
@pytest.mark.parametrize("seed", SEEDS)
def test_components(db, seed, mode):
    case = make_case(seed if mode == "weak" else seed + 500)
    params = {} if mode == "weak" and seed % 2 else {"mode": mode}
    rows = case.by_node(db, "graph_connected_components", **params)
    g = case.simple(directed=True)
    find = nx.weakly_connected_components if mode == "weak" else nx.strongly_connected_components
    expected = numbered(find(g))
    for number, members in enumerate(expected):
        for u in members:
            assert rows[u] == {"node": u, "component": number, "root": members[0], "size": len(members)}

    sizes = case.run(db, "graph_connected_components_sizes", **params)
    assert sorted(sizes, key=lambda row: row["component"]) == [
        {"component": i, "root": c[0], "size": len(c)} for i, c in enumerate(expected)]

    if case.size:
        matrix = scipy.sparse.coo_array(
            ([1] * len(case.rows), ([u for u, _, _ in case.rows], [v for _, v, _ in case.rows])),
            shape=(case.size, case.size))
        count, labels = scipy.sparse.csgraph.connected_components(matrix, directed=True, connection=mode)
        assert count == len(expected)
        assert all(len({labels[u] for u in members}) == 1 for members in expected)
    run = db.execute("SELECT (details->>'components')::int FROM rk.last_run()").fetchone()
    assert run[0] == len(expected)


@pytest.mark.parametrize("mode", ("weak", "strong"))
def test_large_graph(db, mode):
    """Near the point where a giant component appears, where there is every size."""
    db.execute("CREATE TABLE IF NOT EXISTS large_sparse AS"
               " SELECT abs(hashint8(i)) % 30000 AS source, abs(hashint8(i + 1000000)) % 30000 AS target"
               " FROM generate_series(1, 33000) i")
    edges = db.execute("SELECT source, target FROM large_sparse").fetchall()
    g = nx.DiGraph(edges)
    find = nx.weakly_connected_components if mode == "weak" else nx.strongly_connected_components
    expected = {u: (i, c[0], len(c)) for i, c in enumerate(numbered(find(g))) for u in c}
    ours = {node: rest for node, *rest in db.execute(
        "SELECT node, component, root, size FROM rk.graph_connected_components('large_sparse', mode => %s)", (mode,))}
    assert ours == {u: list(e) for u, e in expected.items()}
