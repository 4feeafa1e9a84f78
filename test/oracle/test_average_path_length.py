"""graph/average-path-length against networkx and igraph."""
import math
import random

import igraph
import networkx as nx
import pytest

import draws
from graphs import SEEDS, close, make_case, weighted_params

KERNEL = "graph/average-path-length"
FUNCTION = "graph_average_path_length"


def effective(hops):
    """SNAP's effective diameter, from the list of all finite distances."""
    if not hops:
        return 0.0
    wanted, before = 0.9 * len(hops), 0
    for h in range(1, max(hops) + 1):
        here = hops.count(h)
        if before + here >= wanted:
            return h - 1 + (wanted - before) / here
        before += here


@pytest.mark.parametrize("sampled", (False, True))
@pytest.mark.parametrize("seed", SEEDS)
def test_measures(db, seed, sampled):
    case = make_case(seed, meaning="length", big=not sampled)
    rng = random.Random(f"average {seed}")
    directed = rng.random() < 0.5
    params = weighted_params(case)
    if not directed or seed % 4 == 0:
        params["directed"] = directed
    k, draw = rng.randint(1, 12), rng.choice((0, 3, -5))
    if sampled:
        params |= {"samples": k, "seed": draw}
    row, = case.run(db, FUNCTION, **params)
    if case.rows or case.nodes:
        assert case.run_graph_form(db, FUNCTION, **params) == [row]
    n = case.size
    if n == 0:
        assert row == {**dict.fromkeys(row), "reachable_pairs": 0, "unreachable_pairs": 0, "connected": True,
                       "exact": not sampled} | {"exact": True}
        return
    weighted = case.uses_weights(False)
    g = case.simple(directed, merge=min if weighted else None, loops=False)
    exact = not sampled or k >= n
    sources = range(n) if exact else sorted(draws.sample(n, k, draw))
    lengths = [[d for v, d in nx.single_source_dijkstra_path_length(g, u).items() if v != u] for u in sources]
    found = [d for reached in lengths for d in reached]
    scale = n / len(sources)
    pairs = len(found)
    assert row["exact"] == exact
    assert row["connected"] == (nx.is_strongly_connected(g) if directed else nx.is_connected(g))
    assert abs(row["reachable_pairs"] - pairs * scale) <= 0.5
    assert row["reachable_pairs"] + row["unreachable_pairs"] == n * (n - 1)
    expected = [math.fsum(found) / pairs if pairs else 0, max(found, default=0),
                min((max(reached) for reached in lengths if reached), default=0),
                scale * math.fsum(1 / d for d in found) / (n * (n - 1)) if n > 1 else 0]
    ours = [row[name] for name in ("average_path_length", "diameter", "radius", "global_efficiency")]
    assert close(ours, expected, 1e-12)
    if weighted:
        assert row["effective_diameter"] is None
    else:
        assert abs(row["effective_diameter"] - effective([int(d) for d in found])) <= 1e-12
    if exact and pairs and not weighted:
        h = igraph.Graph(n, list(g.edges), directed=directed)
        assert abs(ours[0] - h.average_path_length(directed=directed, unconn=True)) <= 1e-12
        assert ours[1] == h.diameter(directed=directed, unconn=True)
        if not directed:
            assert abs(ours[3] - nx.global_efficiency(g)) <= 1e-12
            if row["connected"]:
                assert abs(ours[0] - nx.average_shortest_path_length(g)) <= 1e-12
                assert ours[1] == nx.diameter(g) and ours[2] == nx.radius(g)


def test_karate_club(db):
    g = nx.karate_club_graph()
    edges = ", ".join(f"({u}, {v})" for u, v in g.edges)
    row = db.execute(f"SELECT * FROM rk.graph_average_path_length('SELECT * FROM (VALUES {edges}) e (source, target)',"
                     " directed => false)").fetchone()
    assert close(row[:5], (2.4081996435, 5, 3, 3.3410958904, 0.4920083185), 1e-9)
