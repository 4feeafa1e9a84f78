"""graph/louvain-community: there is no one answer, so its quality and its promises."""
import itertools
import random

import igraph
import networkx as nx
import pytest

from graphs import SEEDS, make_case, weighted_params

KERNEL = "graph/louvain-community"


def communities_of(labels):
    parts = {}
    for u, label in enumerate(labels):
        parts.setdefault(label, set()).add(u)
    return [parts[label] for label in sorted(parts)]


def modularity(g, parts, resolution):
    if sum(w for _, _, w in g.edges(data="weight")) == 0:
        return 0.0
    return nx.community.modularity(g, parts, weight="weight", resolution=resolution)


def check_numbering(labels):
    """0.. by falling size, ties by smallest node."""
    parts = communities_of(labels)
    assert sorted(set(labels)) == list(range(len(parts)))
    assert parts == sorted(parts, key=lambda part: (-len(part), min(part)))


@pytest.mark.parametrize("algorithm", ("louvain", "leiden"))
@pytest.mark.parametrize("seed", SEEDS)
def test_quality(db, seed, algorithm):
    case = make_case(seed if algorithm == "louvain" else seed + 700, largest=30)
    rng = random.Random(f"communities {seed}")
    directed = seed % 4 == 0
    resolution = rng.choice((1.0, 1.0, 1.0, 0.5, 2.0))
    params = {"algorithm": algorithm, "directed": directed, "resolution": resolution, "seed": seed % 3,
              **weighted_params(case)}
    rows = case.by_node(db, "graph_louvain_community", **params)
    if not rows:
        return
    details = db.execute("SELECT (details->>'modularity')::float8, (details->>'communities')::int,"
                         " (details->>'levels')::int FROM rk.last_run()").fetchone()
    labels = [row["community"] for row in rows]
    levels = [row["levels"] for row in rows]
    parts = communities_of(labels)
    g = case.simple(directed, merge=sum if case.uses_weights(None) else None)

    ours = modularity(g, parts, resolution)
    assert details[0] == pytest.approx(ours, abs=1e-9)
    assert details[1] == len(parts)
    assert all(len(level) == details[2] and level[-1] == label for level, label in zip(levels, labels))
    for j in range(details[2]):
        check_numbering([level[j] for level in levels])
        if j:
            # a community of a finer level lies in one of the coarser
            coarser = {}
            for level in levels:
                assert coarser.setdefault(level[j - 1], level[j]) == level[j]
    for u in nx.isolates(g):
        assert len(parts[labels[u]]) == 1
    if sum(w for _, _, w in g.edges(data="weight")) == 0:
        return

    best = max(modularity(g, nx.community.louvain_communities(
        g, weight="weight", resolution=resolution, seed=s), resolution) for s in range(10))
    assert ours >= best - 0.01
    if algorithm == "leiden":
        undirected = g.to_undirected(as_view=True)
        for part in parts:
            # an edge without weight joins nothing
            inside = nx.Graph(undirected.subgraph(part))
            inside.remove_edges_from([(u, v) for u, v, w in inside.edges(data="weight") if w == 0])
            assert nx.is_connected(inside)
        if not directed:
            edges = list(g.edges(data="weight"))
            h = igraph.Graph(len(g), [(u, v) for u, v, _ in edges])
            weights = [w for _, _, w in edges]
            igraph.set_random_number_generator(random.Random(seed))
            theirs = h.community_leiden(objective_function="modularity", weights=weights,
                                        resolution=resolution, n_iterations=-1)
            theirs = modularity(g, communities_of(theirs.membership), resolution)
            assert ours >= theirs - 0.005


@pytest.mark.parametrize("algorithm", ("louvain", "leiden"))
@pytest.mark.parametrize("seed", range(3))
def test_planted_partition(db, seed, algorithm):
    """Ten groups of a hundred, dense inside: found exactly."""
    g = nx.planted_partition_graph(10, 100, 0.3, 0.005, seed=seed)
    name = f"planted_{seed}"
    db.execute(f"CREATE TABLE IF NOT EXISTS {name} (source int, target int)")
    if db.execute(f"SELECT count(*) FROM {name}").fetchone()[0] == 0:
        with db.cursor().copy(f"COPY {name} FROM STDIN") as copy:
            for edge in g.edges:
                copy.write_row(edge)
    found = dict(db.execute("SELECT node, community FROM rk.graph_louvain_community(%s, algorithm => %s)",
                            (name, algorithm)).fetchall())
    assert communities_of([found[u] for u in range(1000)]) == [
        set(range(100 * i, 100 * i + 100)) for i in range(10)]


@pytest.mark.parametrize("algorithm", ("louvain", "leiden"))
@pytest.mark.parametrize("seed", range(30))
def test_doubled_weights_change_nothing(db, seed, algorithm):
    case = make_case(seed * 6 + 1, largest=40)
    once = case.by_node(db, "graph_louvain_community", algorithm=algorithm)
    case.rows = [(u, v, 2 * w) for u, v, w in case.rows]
    assert case.by_node(db, "graph_louvain_community", algorithm=algorithm) == once


def test_ring_of_cliques(db):
    """Cliques joined in a ring: every clique is a community while there are few."""
    for count, size in itertools.product((4, 6, 10), (4, 6)):
        g = nx.ring_of_cliques(count, size)
        edges = "SELECT * FROM (VALUES " + ", ".join(f"({u}, {v})" for u, v in g.edges) + ") e (source, target)"
        for algorithm in ("louvain", "leiden"):
            found = dict(db.execute(
                "SELECT node, community FROM rk.graph_louvain_community(%s, algorithm => %s)",
                (edges, algorithm)).fetchall())
            assert communities_of([found[u] for u in range(count * size)]) == [
                set(range(i * size, i * size + size)) for i in range(count)]


def test_single_level(db):
    """max_levels => 1 is the first level of the full run or a valid one of its own."""
    for seed in range(20):
        case = make_case(seed * 20 + 19)
        rows = case.by_node(db, "graph_louvain_community", max_levels=1)
        assert all(row["levels"] == [row["community"]] for row in rows)
