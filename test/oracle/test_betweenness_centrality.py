"""graph/betweenness-centrality against networkx and igraph."""
import random

import igraph
import networkx as nx
import pytest

import draws
from graphs import SEEDS, make_case, weighted_params, worst

KERNEL = "graph/betweenness-centrality"


def length_of(case):
    return "weight" if case.uses_weights(False) else None


def graph_of(case, directed):
    return case.simple(directed, merge=min if case.uses_weights(False) else None, loops=False)


def expected_scores(g, length, normalized, endpoints):
    """Sums over ordered pairs by networkx, scaled as the specification says."""
    n = len(g)
    directed = g.is_directed()
    if n <= 2 and not endpoints:
        return [0.0] * n
    raw = nx.betweenness_centrality(g, normalized=False, weight=length)
    pairs = [raw[u] * (1 if directed else 2) for u in range(n)]
    if endpoints:
        # a path counts at both of its ends: what u reaches and what reaches it
        reach = {u: len(nx.descendants(g, u)) for u in g}
        reached = {u: len(nx.ancestors(g, u)) for u in g}
        pairs = [p + reach[u] + reached[u] for u, p in enumerate(pairs)]
    if normalized:
        scale = n * (n - 1) if endpoints else (n - 1) * (n - 2)
        return [p / scale if scale else 0.0 for p in pairs]
    return pairs if directed else [p / 2 for p in pairs]


def agree(ours, theirs):
    for a, b in zip(ours, theirs, strict=True):
        if abs(a - b) > 1e-9 * abs(b) + 1e-12:
            return False
    return True


@pytest.mark.parametrize("seed", SEEDS)
def test_scores(db, seed):
    # equal sums must be equal: lengths in eighths
    case = make_case(seed, meaning="length", exact=True)
    directed = seed % 2 == 0
    rng = random.Random(f"betweenness {seed}")
    normalized = rng.random() < 0.5
    endpoints = rng.random() < 0.3
    rows = case.by_node(db, "graph_betweenness_centrality", directed=directed, normalized=normalized,
                        endpoints=endpoints, **weighted_params(case))
    ours = [row["score"] for row in rows]
    g = graph_of(case, directed)
    length = length_of(case)
    theirs = expected_scores(g, length, normalized, endpoints)
    assert agree(ours, theirs), worst(ours, theirs)

    if not endpoints and len(g) > 2:
        edges = list(g.edges(data="weight"))
        h = igraph.Graph(len(g), [(u, v) for u, v, _ in edges], directed=directed)
        theirs = h.betweenness(directed=directed, weights=[w for _, _, w in edges] if length and edges else None)
        if normalized:
            theirs = [x * (1 if directed else 2) / ((len(g) - 1) * (len(g) - 2)) for x in theirs]
        assert agree(ours, theirs), worst(ours, theirs)

    if not normalized and not endpoints and length is None and len(g) > 2:
        # every path from s to t has d(s, t) - 1 inner nodes
        inner = sum(d - 1 for _, distances in nx.all_pairs_shortest_path_length(g)
                    for d in distances.values() if d > 0)
        assert sum(ours) == pytest.approx(inner if directed else inner / 2, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("seed", SEEDS)
def test_edges(db, seed):
    case = make_case(seed + 1000, meaning="length", exact=True, big=False)
    directed = seed % 2 == 1
    normalized = seed % 4 < 2
    rows = case.run(db, "graph_betweenness_centrality_edges", directed=directed, normalized=normalized,
                    **weighted_params(case))
    g = graph_of(case, directed)
    ours = {(row["source"], row["target"]): row["score"] for row in rows}
    assert len(ours) == len(rows)
    assert all(directed or u < v for u, v in ours)
    raw = nx.edge_betweenness_centrality(g, normalized=False, weight=length_of(case))
    n = len(g)
    scale = 1.0
    if normalized:
        scale = (1 if directed else 2) / (n * (n - 1)) if n > 1 else 0.0
    theirs = {(u, v) if directed or u < v else (v, u): x * scale for (u, v), x in raw.items()}
    assert ours.keys() == theirs.keys()
    keys = sorted(ours)
    assert agree([ours[k] for k in keys], [theirs[k] for k in keys])


@pytest.mark.parametrize("seed", range(120))
def test_samples(db, seed):
    """The sample is the one that draws.py draws, scaled as the specification says."""
    case = make_case(seed + 2000, meaning="length", exact=True, largest=30)
    n = case.size
    if n < 3:
        return
    directed = seed % 2 == 0
    rng = random.Random(f"samples {seed}")
    k = rng.randint(1, n - 1)
    draw = rng.choice((0, 1, 77, -5))
    endpoints = seed % 5 == 0
    rows = case.by_node(db, "graph_betweenness_centrality", directed=directed, samples=k, seed=draw,
                        endpoints=endpoints, **weighted_params(case))
    g = graph_of(case, directed)
    length = length_of(case)
    sources = draws.sample(n, k, draw)
    raw = nx.betweenness_centrality_subset(g, sources=sources, targets=range(n), weight=length)
    pairs = [raw[u] * (1 if directed else 2) for u in range(n)]
    if endpoints:
        for s in sources:
            reached = nx.descendants(g, s)
            pairs[s] += len(reached)
            for t in reached:
                pairs[t] += 1
        theirs = [p * n / k / (n * (n - 1)) for p in pairs]
    else:
        chosen = set(sources)
        theirs = []
        for u, p in enumerate(pairs):
            scale = (n - 1) / k if u not in chosen else (n - 1) / (k - 1) if k > 1 else 0.0
            theirs.append(p * scale / ((n - 1) * (n - 2)))
    ours = [row["score"] for row in rows]
    assert agree(ours, theirs), worst(ours, theirs)


@pytest.mark.parametrize("seed", range(20))
def test_as_many_samples_as_nodes_are_exact(db, seed):
    case = make_case(seed * 7 + 3, meaning="length", exact=True)
    exact = case.by_node(db, "graph_betweenness_centrality", **weighted_params(case))
    for more in (0, 1, 1000):
        if case.size + more:
            assert exact == case.by_node(db, "graph_betweenness_centrality", samples=case.size + more,
                                         seed=seed, **weighted_params(case))


def test_epsilon_is_kept(db):
    """Of 60 runs at delta 0.1, few may miss; the same seed draws the same."""
    missed = 0
    runs = 0
    for seed in range(60):
        case = make_case(seed * 20 + 19, meaning="length", exact=True)
        if case.size < 3:
            continue
        directed = seed % 2 == 0
        exact = [row["score"] for row in case.by_node(
            db, "graph_betweenness_centrality", form="table", directed=directed, **weighted_params(case))]
        ours = [row["score"] for row in case.by_node(
            db, "graph_betweenness_centrality", form="table", directed=directed, epsilon=0.05, delta=0.1,
            seed=seed, **weighted_params(case))]
        runs += 1
        missed += max(abs(a - b) for a, b in zip(ours, exact, strict=True)) > 0.05
        if seed < 10:
            again = [row["score"] for row in case.by_node(
                db, "graph_betweenness_centrality", form="table", directed=directed, epsilon=0.05, delta=0.1,
                seed=seed, **weighted_params(case))]
            assert again == ours
    # 60 draws of probability 0.1 exceed 15 with probability 2e-4
    assert runs == 60 and missed <= 15
