"""graph/katz-centrality against networkx and the linear system it solves."""
import random

import networkx as nx
import numpy as np
import psycopg
import pytest

from graphs import SEEDS, close, literal, make_case, weighted_params, worst

KERNEL = "graph/katz-centrality"
FUNCTION = "graph_katz_centrality"


def normalized(x, norm):
    size = {"l2": np.linalg.norm(x), "max": np.abs(x).max(), "none": 1}[norm]
    return x / size if size > 0 else x


@pytest.mark.parametrize("seed", SEEDS)
def test_scores(db, seed):
    case = make_case(seed)
    rng = random.Random(f"katz {seed}")
    directed = seed % 3 != 2
    n = case.size
    norm = rng.choice(("l2", "max", "none"))
    beta = rng.choice((1.0, 1.0, 0.25, -3.0, 0.0))
    params = {"beta": beta, **weighted_params(case)}
    if norm != "l2" or seed % 5 == 0:
        params["norm"] = norm
    if not directed or seed % 4 == 0:
        params["directed"] = directed
    g = case.simple(directed, merge=sum if case.uses_weights(None) else None)
    matrix = nx.to_numpy_array(g, nodelist=range(n), weight="weight").T if n else np.zeros((0, 0))
    betas = np.full(n, beta)
    if n and rng.random() < 0.4:
        # a value for some of the nodes, NULL for others
        for u in rng.sample(range(n), rng.randint(1, n)):
            betas[u] = rng.choice((0.0, 2.0, -1.5, beta))
        rows = ", ".join(f"({literal(case.ids[u], case.id_type)}, "
                         + (f"{betas[u]}::float8)" if betas[u] != beta or rng.random() < 0.5 else "NULL::float8)")
                         for u in sorted(set(case.nodes) | {u for u in range(n) if betas[u] != beta} | {0}))
        params["nodes"] = f"SELECT node, beta FROM (VALUES {rows}) n (node, beta)"
    alpha = 1 / (1 + (matrix.sum(axis=1).max() if n else 0))
    if n and rng.random() < 0.5:
        radius = np.abs(np.linalg.eigvals(matrix)).max()
        alpha = rng.choice((0.3, 0.8)) / radius if radius > 1e-6 else 0.01
        params["alpha"] = alpha
    ours = [row["score"] for row in case.by_node(
        db, FUNCTION, tolerance=1e-14, max_iterations=20000, **params)]
    if n == 0:
        return
    run = db.execute("SELECT (details->>'alpha')::float8, converged FROM rk.last_run()").fetchone()
    assert abs(run[0] - alpha) <= 1e-12 * alpha
    if not run[1]:
        # a heavy self-loop: alpha lambda is just below 1
        assert alpha * np.abs(np.linalg.eigvals(matrix)).max() > 0.998
        return
    expected = normalized(np.linalg.solve(np.eye(n) - alpha * matrix, betas), norm)
    assert close(ours, expected, 1e-8), worst(ours, expected)
    if norm == "l2" and betas.any() and n < 100:
        try:
            theirs = nx.katz_centrality(g, alpha=alpha, beta=dict(enumerate(betas)), max_iter=100000, tol=1e-14,
                                        weight="weight")
        except nx.PowerIterationFailedConvergence:
            return
        theirs = [theirs[u] for u in range(n)]
        assert close(ours, theirs, 1e-8), worst(ours, theirs)


@pytest.mark.parametrize("seed", range(0, 240, 3))
def test_divergence(db, seed):
    """Above 1 / spectral radius it is an error that names about that value; on an acyclic graph never."""
    case = make_case(seed, big=False)
    n = case.size
    if n == 0:
        return
    g = case.simple(True, merge=sum if case.uses_weights(None) else None)
    matrix = nx.to_numpy_array(g, nodelist=range(n), weight="weight").T
    structure = nx.DiGraph((u, v) for u, v, w in g.edges(data="weight") if w > 0)
    acyclic = nx.is_directed_acyclic_graph(structure)
    alpha = 5 / max(1, matrix.max()) if acyclic else 1.5 / np.abs(np.linalg.eigvals(matrix)).max()
    call = {"alpha": alpha, "norm": "none", **weighted_params(case)}
    if acyclic:
        ours = [row["score"] for row in case.by_node(db, FUNCTION, **call)]
        expected = np.linalg.solve(np.eye(n) - alpha * matrix, np.ones(n))
        assert close(ours, expected, 1e-8)
        return
    with pytest.raises(psycopg.Error) as error:
        case.by_node(db, FUNCTION, **call)
    assert error.value.sqlstate == "22023" and "1/lambda_max, about" in str(error.value)
    named = float(str(error.value).split("about ")[1].split()[0])
    assert 0.9 * alpha / 1.5 <= named <= 1.1 * alpha / 1.5


def test_error_is_within_what_the_tolerance_promises(db):
    """The change of an iteration bounds what is still to come."""
    for seed in range(30):
        case = make_case(seed)
        if case.size == 0:
            continue
        case.by_node(db, FUNCTION, tolerance=1e-6, **weighted_params(case))
        run = db.execute("SELECT residual, converged FROM rk.last_run()").fetchone()
        assert run[1] and run[0] < case.size * 1e-6
