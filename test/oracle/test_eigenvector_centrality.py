"""graph/eigenvector-centrality against networkx, igraph and numpy."""
import random
import warnings

import igraph
import networkx as nx
import numpy as np
import pytest

from graphs import SEEDS, close, make_case, weighted_params, worst

KERNEL = "graph/eigenvector-centrality"
FUNCTION = "graph_eigenvector_centrality"


def dominant(matrix):
    """The largest eigenvalue by real part, and whether it stands alone."""
    values = np.linalg.eigvals(matrix)
    first = values.real.max()
    return first, np.sum(np.abs(values - first) < 1e-3 * max(1, first)) == 1


@pytest.mark.parametrize("seed", SEEDS)
def test_scores(db, seed):
    case = make_case(seed)
    rng = random.Random(f"eigenvector {seed}")
    directed = seed % 3 == 0
    norm = rng.choice(("l2", "l2", "max", "sum"))
    params = weighted_params(case)
    if norm != "l2" or seed % 5 == 0:
        params["norm"] = norm
    if not directed or seed % 4 == 0:
        params["directed"] = directed
    ours = [row["score"] for row in case.by_node(
        db, FUNCTION, tolerance=1e-13, max_iterations=20000, **params)]
    n = case.size
    if n == 0:
        return
    run = db.execute("SELECT (details->>'eigenvalue')::float8, converged FROM rk.last_run()").fetchone()
    g = case.simple(directed, merge=sum if case.uses_weights(None) else None)
    matrix = nx.to_numpy_array(g, nodelist=range(n), weight="weight").T
    assert run[1]
    structure = nx.DiGraph((u, v) for u, v, w in g.edges(data="weight") if w > 0)
    if directed and nx.is_directed_acyclic_graph(structure) or not matrix.any():
        assert run[0] == 0 and not any(ours)
        return
    assert min(ours) >= 0
    size = {"l2": np.linalg.norm(ours), "max": max(ours), "sum": sum(ours)}[norm]
    assert abs(size - 1) <= 1e-12
    x = np.array(ours) / np.linalg.norm(ours)
    first, simple = dominant(matrix)
    if not simple:
        # the largest eigenvalue is repeated: the start decides
        assert np.linalg.norm(matrix @ x - run[0] * x) <= 1e-4 * max(1, first)
        return
    assert abs(run[0] - first) <= 1e-8 * max(1, first)
    values, vectors = np.linalg.eig(matrix)
    expected = np.abs(vectors[:, np.argmax(values.real)].real)
    expected /= np.linalg.norm(expected)
    assert close(x, expected, 1e-6), worst(x, expected)
    theirs = None
    if n < 100:
        try:
            theirs = nx.eigenvector_centrality(g, max_iter=10000, tol=1e-13, weight="weight")
        except nx.PowerIterationFailedConvergence:
            pass
    if theirs:
        assert close(x, [theirs[u] for u in range(n)], 1e-6)
    # igraph counts an undirected self-loop twice
    edges = list(g.edges(data="weight"))
    if n > 2 and (directed or not any(u == v for u, v, _ in edges)):
        h = igraph.Graph(n, [(u, v) for u, v, _ in edges], directed=directed)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            theirs = h.eigenvector_centrality(scale=True, weights=[w for _, _, w in edges])
        assert close(x / x.max(), theirs, 1e-6), worst(x / x.max(), theirs)


@pytest.mark.parametrize("seed", range(0, 240, 4))
def test_components_are_weighed_by_the_start(db, seed):
    """Copies of one graph share the largest eigenvalue: the limit from a uniform start has all of them."""
    rng = random.Random(seed)
    n, copies = rng.randint(2, 8), rng.randint(2, 4)
    piece = nx.gnp_random_graph(n, 0.6, seed=seed)
    if piece.number_of_edges() == 0:
        return
    g = nx.disjoint_union_all([piece] * copies)
    edges = ", ".join(f"({u}, {v})" for u, v in g.edges)
    ours = dict(db.execute(
        f"SELECT * FROM rk.graph_eigenvector_centrality('SELECT * FROM (VALUES {edges}) e (source, target)',"
        " directed => false, tolerance => 1e-13)").fetchall())
    a = np.eye(n) + nx.to_numpy_array(piece)
    x = np.ones(n)
    for _ in range(20000):
        x = a @ x
        x /= np.linalg.norm(x)
    x /= np.sqrt(copies)
    for u in ours:
        assert abs(ours[u] - x[u % n]) <= 1e-6


def test_doubled_weights_change_nothing(db):
    for seed in range(1, 120, 6):
        case = make_case(seed)
        once = case.by_node(db, FUNCTION)
        case.rows = [(u, v, 2 * w) for u, v, w in case.rows]
        assert case.by_node(db, FUNCTION) == once


def test_nearly_bipartite_graphs_converge(db):
    """A star of many leaves: a plain iteration would need thousands of rounds."""
    ours = dict(db.execute("SELECT * FROM rk.graph_eigenvector_centrality("
                           "'SELECT 0 AS source, generate_series(1, 10000) AS target', directed => false,"
                           " tolerance => 1e-14)").fetchall())
    assert abs(ours[0] - 0.5 ** 0.5) < 1e-12 and abs(ours[17] - (0.5 / 10000) ** 0.5) < 1e-12
    assert db.execute("SELECT iterations < 50 FROM rk.last_run()").fetchone()[0]


def test_acyclic_graph_is_a_warning(db):
    codes = []

    def note(diagnostic):
        codes.append(diagnostic.sqlstate)

    db.add_notice_handler(note)
    try:
        rows = db.execute("SELECT score FROM rk.graph_eigenvector_centrality("
                          "'[{\"source\": 1, \"target\": 2}, {\"source\": 2, \"target\": 3}]')").fetchall()
    finally:
        db.remove_notice_handler(note)
    assert codes == ["01000"] and rows == [(0,)] * 3
