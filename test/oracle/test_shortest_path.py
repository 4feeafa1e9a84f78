"""graph/shortest-path against networkx, igraph and the definition itself."""
import math
import random

import igraph
import networkx as nx
import psycopg
import pytest

from graphs import SEEDS, literal, make_case, weighted_params

KERNEL = "graph/shortest-path"

INF = math.inf


def graph_of(case, directed, loops=False):
    return case.simple(directed, merge=min if case.uses_weights(None) else None, loops=loops)


def arcs_of(g):
    for u, v, w in g.edges(data="weight"):
        yield u, v, w
        if not g.is_directed() and u != v:
            yield v, u, w


def solve(g, source):
    """Distance, hops and predecessor of every node, straight from their definitions.

    Distances are the least fixpoint of relaxing every arc; hops counts the
    fewest arcs among those that are tight; the predecessor is the smallest
    node that both can come from.
    """
    n = len(g)
    arcs = list(arcs_of(g))
    distance = [INF] * n
    distance[source] = 0.0
    changed = True
    while changed:
        changed = False
        for u, v, w in arcs:
            if distance[u] + w < distance[v]:
                distance[v] = distance[u] + w
                changed = True
    tight = [(u, v) for u, v, w in arcs if distance[u] < INF and distance[u] + w == distance[v]]
    hops = [None] * n
    hops[source] = 0
    layer = [source]
    while layer:
        reached = {v for u, v in tight if u in set(layer) and hops[v] is None}
        for v in reached:
            hops[v] = hops[layer[0]] + 1
        layer = sorted(reached)
    before = [None] * n
    for u, v in sorted(tight, reverse=True):
        if v != source and hops[u] + 1 == hops[v]:
            before[v] = u
    return distance, hops, before


def with_zeros(case):
    """Some lengths become zero."""
    case.rows = [(u, v, 0.0 if w is not None and case.rng.random() < 0.1 else w) for u, v, w in case.rows]
    return case


@pytest.mark.parametrize("seed", SEEDS)
def test_one_source(db, seed):
    case = with_zeros(make_case(seed, meaning="length"))
    if case.size == 0:
        return
    rng = random.Random(f"path {seed}")
    source = rng.randrange(case.size)
    # without "nodes", those named there only are not in the graph
    named = {u for row in case.rows for u in row[:2]}
    if case.form not in ("graph", "stored graph"):
        if not named:
            return
        source = rng.choice(sorted(named))
    present = named if case.form not in ("graph", "stored graph") else set(range(case.size))
    directed = seed % 2 == 0
    weighted = case.uses_weights(None)
    g = graph_of(case, directed)
    distance, hops, before = solve(g, source)
    expected = {u: (distance[u], hops[u], before[u]) for u in present if hops[u] is not None}

    params = {"directed": directed, **weighted_params(case)}
    methods = ["auto", "dijkstra", "delta-stepping", "bellman-ford"] if weighted else ["auto", "bfs"]
    if seed % 3 and weighted:
        methods = [rng.choice(methods)]
    for method in methods:
        rows = case.run(db, "graph_shortest_path", node=source, take_nodes=False,
                        method=method, **params)
        ours = {row["node"]: (row["distance"], row["hops"], row["predecessor"]) for row in rows}
        assert len(ours) == len(rows)
        assert ours == expected, method

    theirs = nx.single_source_dijkstra_path_length(g, source, weight="weight")
    assert theirs.keys() == expected.keys()
    assert all(math.isclose(expected[u][0], theirs[u], rel_tol=1e-12, abs_tol=1e-12) for u in theirs)
    edges = list(g.edges(data="weight"))
    h = igraph.Graph(len(g), [(u, v) for u, v, _ in edges], directed=directed)
    theirs = h.distances(source, weights=[w for _, _, w in edges] if edges else None)[0]
    assert all(math.isclose(distance[u], theirs[u], rel_tol=1e-12, abs_tol=1e-12) for u in range(case.size))

    limit = rng.choice([d for d in distance if d < INF]) * rng.choice((1, 1, 0.7))
    rows = case.run(db, "graph_shortest_path", node=source, take_nodes=False, max_distance=limit, **params)
    assert {row["node"]: (row["distance"], row["hops"], row["predecessor"]) for row in rows} == {
        u: e for u, e in expected.items() if e[0] <= limit}

    rows = case.run(db, "graph_shortest_path", node=source, take_nodes=False, include_unreachable=True, **params)
    assert {row["node"]: (row["distance"], row["hops"], row["predecessor"]) for row in rows} == {
        u: expected.get(u, (INF, None, None)) for u in present}


@pytest.mark.parametrize("seed", range(200))
def test_negative_lengths(db, seed):
    """Lengths a potential makes negative, without a negative cycle; then with one."""
    case = make_case(seed + 400, meaning="length", exact=True, largest=16, big=False)
    case.form = ("query", "table", "json")[seed % 3]
    case.weighted = None
    case.has_weight = True
    rng = random.Random(f"negative {seed}")
    named = sorted({u for row in case.rows for u in row[:2]})
    if not named:
        return
    source = rng.choice(named)
    height = [rng.randrange(-40, 40) / 8 for _ in range(case.size)]
    case.rows = [(u, v, rng.randrange(1, 64) / 8 + height[v] - height[u]) for u, v, _ in case.rows]
    g = graph_of(case, True, loops=True)
    assert all(w > 0 for _, _, w in nx.selfloop_edges(g, data="weight"))
    distance, hops, before = solve(g, source)
    theirs = nx.single_source_bellman_ford_path_length(g, source)
    for method in ("auto", "bellman-ford"):
        rows = case.run(db, "graph_shortest_path", node=source, take_nodes=False, method=method)
        assert {row["node"]: (row["distance"], row["hops"], row["predecessor"]) for row in rows} == {
            u: (distance[u], hops[u], before[u]) for u in theirs}
        assert all(distance[u] == theirs[u] for u in theirs)
    if all(w >= 0 for _, _, w in case.rows):
        return

    for params in ({"method": "dijkstra"}, {"method": "delta-stepping"}, {"directed": False}):
        with pytest.raises(psycopg.errors.InvalidParameterValue):
            case.run(db, "graph_shortest_path", node=source, take_nodes=False, **params)

    # turn some arcs down until a cycle is negative, which must be found if it is reached
    case.rows = [(u, v, w - (6 if rng.random() < 0.3 else 0)) for u, v, w in case.rows]
    g = graph_of(case, True, loops=True)
    reached = nx.DiGraph(g.subgraph({source} | nx.descendants(g, source)))
    cyclic = [set(c) for c in nx.strongly_connected_components(reached)
              if nx.negative_edge_cycle(nx.DiGraph(reached.subgraph(c)))]
    if cyclic:
        with pytest.raises(psycopg.errors.InvalidParameterValue, match="negative") as error:
            case.run(db, "graph_shortest_path", node=source, take_nodes=False)
        assert any(str(case.ids[u]) in str(error.value) for u in set.union(*cyclic))
    else:
        distance, hops, before = solve(g, source)
        rows = case.run(db, "graph_shortest_path", node=source, take_nodes=False)
        assert {row["node"]: (row["distance"], row["hops"], row["predecessor"]) for row in rows} == {
            u: (distance[u], hops[u], before[u]) for u in reached}


def all_paths(g, source, target):
    """Every simple path as (distance, hops, path), in the order of the kernel."""
    if source == target:
        return [(0.0, 0, [source])]
    found = []
    for path in nx.all_simple_paths(g, source, target):
        length = 0.0
        for u, v in zip(path, path[1:]):
            length += g[u][v]["weight"]
        found.append((length, len(path) - 1, path))
    return sorted(found)


@pytest.mark.parametrize("seed", SEEDS)
def test_k_shortest(db, seed):
    case = with_zeros(make_case(seed + 800, meaning="length", exact=True, largest=8, big=False))
    named = sorted({u for row in case.rows for u in row[:2]})
    if not named:
        return
    rng = random.Random(f"between {seed}")
    directed = seed % 2 == 0
    source, target = rng.choice(named), rng.choice(named)
    g = graph_of(case, directed)
    expected = all_paths(g, source, target)
    for k in (None, 1, 2, rng.randint(3, 12), 10000):
        params = {"directed": directed, **weighted_params(case)} | ({} if k is None else {"k": k})
        rows = case.run(db, "graph_shortest_path_between", node=source, other_node=target, take_nodes=False,
                        **params)
        rows.sort(key=lambda row: row["path_no"])
        assert [row["path_no"] for row in rows] == list(range(1, len(rows) + 1))
        assert [(row["distance"], row["hops"], row["path"]) for row in rows] == expected[:k or 1]


@pytest.mark.parametrize("seed", range(60))
def test_k_shortest_of_larger_graphs(db, seed):
    """Distances against networkx, which orders ties otherwise."""
    case = make_case(seed * 20 + 19, meaning="length")
    case.form = ("query", "table", "json", "graph")[seed % 4]
    rng = random.Random(f"larger {seed}")
    named = sorted({u for row in case.rows for u in row[:2]})
    directed = seed % 2 == 0
    source, target = rng.sample(named, 2)
    g = graph_of(case, directed)
    rows = case.run(db, "graph_shortest_path_between", node=source, other_node=target, take_nodes=False,
                    k=8, directed=directed, **weighted_params(case))
    theirs = []
    if nx.has_path(g, source, target):
        for path in nx.shortest_simple_paths(g, source, target, weight="weight"):
            theirs.append(sum(g[u][v]["weight"] for u, v in zip(path, path[1:])))
            if len(theirs) == 8:
                break
    ours = [row["distance"] for row in rows]
    assert ours == pytest.approx(sorted(theirs), rel=1e-12)
    paths = [row["path"] for row in rows]
    assert len({tuple(p) for p in paths}) == len(paths)
    for row in rows:
        path = row["path"]
        assert path[0] == source and path[-1] == target and len(set(path)) == len(path) == row["hops"] + 1
        assert row["distance"] == pytest.approx(
            sum(g[u][v]["weight"] for u, v in zip(path, path[1:])), rel=1e-12)


@pytest.mark.parametrize("seed", SEEDS)
def test_pairs(db, seed):
    case = with_zeros(make_case(seed + 1200, meaning="length", largest=14, big=False))
    named = {u for row in case.rows for u in row[:2]}
    if case.form in ("graph", "stored graph") and (case.rows or case.nodes):
        named = set(range(case.size))
    directed = seed % 2 == 0
    rng = random.Random(f"pairs {seed}")
    g = graph_of(case, directed)
    solved = {u: solve(g, u) for u in named}
    params = {"directed": directed, **weighted_params(case)}
    paths = seed % 3 == 0
    wanted = [(u, v) for u in named for v in named if u != v]
    if seed % 2 and named:
        wanted = [(rng.choice(sorted(named)), rng.choice(sorted(named))) for _ in range(12)]
        params["pairs"] = "SELECT node_a, node_b FROM (VALUES " + ", ".join(
            f"({literal(case.ids[u], case.id_type)}, {literal(case.ids[v], case.id_type)})"
            for u, v in wanted) + ") p (node_a, node_b)"
    limit = None
    if seed % 5 == 0 and wanted:
        limit = rng.choice([solved[u][0][v] for u, v in wanted])
        if limit < INF:
            params["max_distance"] = limit
        else:
            limit = None
    if paths:
        params["paths"] = True
    expected = []
    for u, v in sorted(wanted):
        distance, hops, before = solved[u]
        if hops[v] is None or (limit is not None and distance[v] > limit):
            continue
        path = None
        if paths:
            path = [v]
            while path[-1] != u:
                path.append(before[path[-1]])
            path.reverse()
        expected.append((u, v, distance[v], hops[v], path))
    rows = case.run(db, "graph_shortest_path_pairs", take_nodes=False, **params)
    assert sorted((row["source"], row["target"], row["distance"], row["hops"], row["path"])
                  for row in rows) == expected


@pytest.mark.parametrize("seed", SEEDS)
def test_eccentricity(db, seed):
    case = make_case(seed + 1600, meaning="length", largest=20)
    directed = seed % 2 == 0
    rows = case.by_node(db, "graph_shortest_path_eccentricity", directed=directed, **weighted_params(case))
    g = graph_of(case, directed)
    for u, row in enumerate(rows):
        reached = nx.single_source_dijkstra_path_length(g, u, weight="weight")
        assert row["eccentricity"] == pytest.approx(max(reached.values()), rel=1e-12)
    if not directed and len(g) and nx.is_connected(g) and not case.uses_weights(None):
        theirs = nx.eccentricity(g)
        assert [row["eccentricity"] for row in rows] == [theirs[u] for u in range(len(g))]
