"""graph/pagerank against networkx, igraph and the linear system it solves."""
import random
import warnings

import igraph
import networkx as nx
import numpy as np
import pytest

from graphs import SEEDS, close, literal, make_case, weighted_params, worst

KERNEL = "graph/pagerank"


def transition(g):
    """Row-stochastic matrix of a graph and the mask of its dangling nodes."""
    a = nx.to_numpy_array(g, nodelist=range(len(g)), weight="weight")
    total = a.sum(axis=1)
    dangling = total == 0
    return a / np.where(dangling, 1, total)[:, None], dangling


def solve(g, damping, teleport, dangling):
    """The fixpoint itself, by Gaussian elimination."""
    p, loose = transition(g)
    n = len(g)
    if dangling == "teleport":
        p[loose] = teleport
    elif dangling == "uniform":
        p[loose] = 1 / n
    elif dangling == "self":
        p[loose] = np.eye(n)[loose]
    return np.linalg.solve(np.eye(n) - damping * p.T, (1 - damping) * teleport)


def parameters(seed, n):
    rng = random.Random(f"pagerank {seed}")
    damping = rng.choice((0.85, 0.85, 0.5, 0.95, 0.99, 0.0, 0.3))
    dangling = rng.choice(("teleport", "teleport", "uniform", "self", "none"))
    personal = None
    if n and rng.random() < 0.4:
        chosen = rng.sample(range(n), rng.randint(1, n))
        personal = {u: rng.choice((0.0, 1.0, 2.5, rng.random())) for u in chosen}
        personal[chosen[0]] = 1.0
    return damping, dangling, personal


@pytest.mark.parametrize("seed", SEEDS)
def test_scores(db, seed):
    case = make_case(seed)
    directed = seed % 3 != 2
    n = case.size
    damping, dangling, personal = parameters(seed, n)
    params = weighted_params(case)
    if not directed or seed % 4 == 0:
        params["directed"] = directed
    if personal:
        params["personalization"] = "SELECT node, value FROM (VALUES " + ", ".join(
            f"({literal(case.ids[u], case.id_type)}, {value!r}::float8)"
            for u, value in personal.items()) + ") p (node, value)"
    ours = [row["score"] for row in case.by_node(
        db, "graph_pagerank", damping=damping, dangling=dangling, tolerance=1e-12,
        max_iterations=100000, **params)]
    if n == 0:
        return

    g = case.simple(directed, merge=sum if case.uses_weights(None) else None)
    teleport = np.full(n, 1 / n)
    if personal:
        teleport = np.array([personal.get(u, 0.0) for u in range(n)])
        teleport /= teleport.sum()
    expected = solve(g, damping, teleport, dangling)
    assert close(ours, expected, 1e-9), worst(ours, expected)
    if dangling != "none":
        assert abs(sum(ours) - 1) <= 1e-9

    if dangling in ("teleport", "uniform") and damping > 0:
        everywhere = {u: 1.0 for u in range(n)}
        theirs = nx.pagerank(g, damping, tol=1e-14, max_iter=100000,
                             personalization=personal,
                             dangling=everywhere if dangling == "uniform" else None)
        theirs = [theirs[u] for u in range(n)]
        assert close(ours, theirs, 1e-9), worst(ours, theirs)
    if dangling == "uniform" and not personal and 0 < damping and (
            directed or not any(u == v for u, v in g.edges)):
        # igraph counts an undirected self-loop twice
        edges = list(g.edges(data="weight"))
        if all(w > 0 for _, _, w in edges):
            h = igraph.Graph(n, [(u, v) for u, v, _ in edges], directed=directed)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                theirs = h.pagerank(damping=damping, directed=directed, weights=[w for _, _, w in edges])
            assert close(ours, theirs, 1e-9), worst(ours, theirs)


@pytest.mark.parametrize("seed", range(30))
def test_doubled_weights_change_nothing(db, seed):
    case = make_case(seed * 6 + 1)
    once = case.by_node(db, "graph_pagerank")
    case.rows = [(u, v, 2 * w) for u, v, w in case.rows]
    assert case.by_node(db, "graph_pagerank") == once


def test_error_is_within_what_the_tolerance_promises(db):
    """The true L1 error is at most tolerance * d / (1 - d)."""
    for seed in range(40):
        case = make_case(seed)
        if case.size == 0:
            continue
        g = case.simple(True, merge=sum if case.has_weight and case.weighted is not False else None)
        expected = solve(g, 0.9, np.full(case.size, 1 / case.size), "teleport")
        for tolerance in (1e-2, 1e-4, 1e-6):
            ours = [row["score"] for row in case.by_node(
                db, "graph_pagerank", damping=0.9, tolerance=tolerance, max_iterations=1000,
                **weighted_params(case))]
            assert np.abs(np.array(ours) - expected).sum() <= tolerance * 0.9 / 0.1 + 1e-12
            run = db.execute("SELECT iterations, residual, converged FROM rk.last_run()").fetchone()
            assert run[2] and run[1] < tolerance and run[0] >= 1


def test_run_that_does_not_converge(db):
    """A warning, the result so far, and rk.last_run() says so."""
    codes = []

    def note(diagnostic):
        codes.append(diagnostic.sqlstate)

    db.add_notice_handler(note)
    try:
        db.execute("SELECT * FROM rk.graph_pagerank('[{\"source\": 1, \"target\": 2}, {\"source\": 2, \"target\": 1},"
                   " {\"source\": 3, \"target\": 1}]', tolerance => 1e-15, max_iterations => 3)")
    finally:
        db.remove_notice_handler(note)
    assert codes == ["01000"]
    assert db.execute("SELECT iterations, converged, reached_max FROM rk.last_run()").fetchone() == (3, False, True)
