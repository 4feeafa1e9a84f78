"""graph/full-metrics against networkx, and against the single kernels."""
import random
import warnings

import networkx as nx
import pytest

from graphs import SEEDS, close, make_case

KERNEL = "graph/full-metrics"
FUNCTION = "graph_full_metrics"


@pytest.mark.parametrize("seed", SEEDS)
def test_measures(db, seed):
    case = make_case(seed)
    rng = random.Random(f"metrics {seed}")
    directed = rng.random() < 0.6
    params = {} if directed and seed % 4 else {"directed": directed}
    row, = case.run(db, FUNCTION, **params)
    if case.rows or case.nodes:
        assert case.run_graph_form(db, FUNCTION, **params) == [row]
    density, = case.run(db, "graph_density", **params)
    paths, = case.run(db, "graph_average_path_length", **params)
    for other in (density, paths):
        for name in row.keys() & other.keys():
            assert row[name] == other[name], name
    n = case.size
    g = case.simple(directed, loops=False)
    u = case.simple(False, loops=False)
    degrees = [d for _, d in u.degree]
    assert row["num_edges"] == g.number_of_edges() and row["max_degree"] == max(degrees, default=0)
    assert row["num_components"] == nx.number_connected_components(u)
    assert row["largest_component_size"] == max(map(len, nx.connected_components(u)), default=0)
    assert row["num_strong_components"] == (
        nx.number_strongly_connected_components(g) if directed else nx.number_connected_components(u))
    assert row["is_connected"] == (row["num_components"] <= 1) and row["exact"]
    assert row["triangles"] == sum(nx.triangles(u).values()) // 3
    assert row["degeneracy"] == max(nx.core_number(u).values(), default=0)
    if n == 0:
        assert row["mean_degree"] is None and row["transitivity"] is None
        return
    assert close([row["mean_degree"], row["average_clustering_coefficient"], row["transitivity"]],
                 [sum(degrees) / n, nx.average_clustering(u), nx.transitivity(u)], 1e-12)
    ends = {d for d in degrees if d}
    if len(ends) < 2:
        assert row["degree_assortativity"] is None
    else:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            expected = nx.degree_assortativity_coefficient(u)
        assert abs(row["degree_assortativity"] - expected) <= 1e-9


@pytest.mark.parametrize("seed", range(0, 240, 8))
def test_only_distances_are_sampled(db, seed):
    case = make_case(seed)
    if case.size < 6:
        return
    exact, = case.run(db, FUNCTION)
    sampled, = case.run(db, FUNCTION, samples=5, seed=seed)
    paths, = case.run(db, "graph_average_path_length", samples=5, seed=seed)
    assert not sampled["exact"]
    for name in sampled:
        assert sampled[name] == (paths if name in paths else exact)[name], name


def test_karate_club(db):
    g = nx.karate_club_graph()
    edges = ", ".join(f"({u}, {v})" for u, v in g.edges)
    row = db.execute("SELECT triangles, degree_assortativity, average_clustering_coefficient, transitivity, density,"
                     f" degeneracy FROM rk.graph_full_metrics('SELECT * FROM (VALUES {edges}) e (source, target)',"
                     " directed => false)").fetchone()
    assert close([float(x) for x in row], (45, -0.4756130977, 0.5706384782, 0.2556818182, 0.1390374332, 4), 1e-9)
