"""graph/cycle-participation against networkx's simple cycles and matrix powers; counts are exact."""
import networkx as nx
import numpy as np
import psycopg
import pytest

from graphs import SEEDS, close, make_case, weighted_params

KERNEL = "graph/cycle-participation"


def risk(twos, threes, fours):
    if fours > 3:
        return "critical"
    if fours >= 1:
        return "high"
    if threes >= 3:
        return "medium"
    return "low" if threes >= 1 or twos >= 3 else "baseline"


def by_enumeration(g):
    """Cycles of 2, 3, 4 through every node, and the arcs on them, from networkx."""
    counts = [[0] * 5 for _ in range(len(g))]
    on_cycle = set()
    for cycle in nx.simple_cycles(g, length_bound=4):
        for u, v in zip(cycle, cycle[1:] + cycle[:1]):
            counts[u][len(cycle)] += 1
            on_cycle.add((u, v))
            if not g.is_directed():
                on_cycle.add((v, u))
    return counts, on_cycle


def by_matrix(g):
    """The same counts of a directed graph from powers of its matrix."""
    a = nx.to_numpy_array(g, nodelist=range(len(g)), weight=None).astype(int)
    mutual = a * a.T
    twos = mutual.sum(axis=1)
    cubed = a @ a @ a
    return twos, np.diag(cubed), np.diag(cubed @ a) - twos**2 - mutual @ twos + twos


@pytest.mark.parametrize("seed", SEEDS)
def test_counts(db, seed):
    case = make_case(seed, largest=14, big=False)
    directed = seed % 3 != 2
    weighted = case.uses_weights(None)
    params = weighted_params(case)
    if not directed or seed % 2:
        params["directed"] = directed
    rows = case.by_node(db, "graph_cycle_participation", **params)
    arcs = case.simple(directed=True, loops=False, merge=sum if weighted else None)
    g = arcs if directed else case.simple(directed=False, loops=False, merge=sum if weighted else None)
    counts, on_cycle = by_enumeration(g)
    twos = [sum(arcs.has_edge(v, u) for v in arcs.successors(u)) for u in range(case.size)]
    if directed and case.size:
        assert [list(column) for column in by_matrix(g)] == [
            [row[name] for row in rows] for name in ("cycles_2", "cycles_3", "cycles_4")]
    for u, row in enumerate(rows):
        assert row["cycles_2"] == twos[u]
        assert row["cycles_3"] == counts[u][3]
        assert row["cycles_4"] == counts[u][4]
        assert row["risk_level"] == risk(twos[u], counts[u][3], counts[u][4])
        incident = list(g.out_edges(u)) + list(g.in_edges(u)) if directed else list(g.edges(u))
        cyclic = [edge for edge in incident if edge in on_cycle]
        assert row["cycle_ratio"] == (len(cyclic) / len(incident) if incident else 0)
        expected = sum(g.edges[edge]["weight"] for edge in cyclic) if weighted else len(cyclic)
        assert close([row["cycle_weight"]], [expected], 1e-12)


@pytest.mark.parametrize("seed", range(60))
def test_larger_graphs(db, seed):
    """Counts on some 60 to 200 nodes, from the matrix alone."""
    case = make_case(seed * 20 + 19)
    rows = case.by_node(db, "graph_cycle_participation", weighted=False)
    assert [list(column) for column in by_matrix(case.simple(directed=True, loops=False))] == [
        [row[name] for row in rows] for name in ("cycles_2", "cycles_3", "cycles_4")]
    undirected = case.by_node(db, "graph_cycle_participation", weighted=False, directed=False)
    a = nx.to_numpy_array(case.simple(directed=False, loops=False), nodelist=range(case.size), weight=None).astype(int)
    common = a @ a
    np.fill_diagonal(common, 0)
    assert [row["cycles_4"] for row in undirected] == list((common * (common - 1) // 2).sum(axis=1))


@pytest.mark.parametrize("seed", SEEDS)
def test_listed_cycles(db, seed):
    case = make_case(seed, largest=9, big=False)
    directed = seed % 3 != 2
    longest = 2 + seed % 7
    weighted = case.uses_weights(None)
    g = case.simple(directed=directed, loops=False, merge=sum if weighted else None)
    # an empty array has no column weight
    ours = case.run(db, "graph_cycle_participation_cycles", take_nodes=False, directed=directed,
                    form=None if case.rows else "query",
                    max_cycle_length=longest, **weighted_params(case))
    theirs = set()
    for cycle in nx.simple_cycles(g, length_bound=longest):
        first = cycle.index(min(cycle))
        cycle = cycle[first:] + cycle[:first]
        if not directed and cycle[1] > cycle[-1]:
            cycle = cycle[:1] + cycle[:0:-1]
        theirs.add(tuple(cycle))
    assert len(ours) == len(theirs)
    assert {tuple(row["path"]) for row in ours} == theirs
    for row in ours:
        path = row["path"]
        assert row["length"] == len(path)
        weights = [g.edges[edge]["weight"] for edge in zip(path, path[1:] + path[:1])]
        assert close([row["min_weight"], row["total_weight"]], [min(weights), sum(weights)], 1e-12)


def test_karate_club(db):
    rows = ", ".join(f"({u}, {v})" for u, v in nx.karate_club_graph().edges)
    found = dict(db.execute("SELECT node, cycles_4 FROM rk.graph_cycle_participation(%s, directed => false)",
                            (f"SELECT * FROM (VALUES {rows}) e(source, target)",)).fetchall())
    assert (sum(found.values()) // 4, found[0], found[33], found[2]) == (154, 63, 80, 55)


def test_errors(db):
    for length in (1, 13):
        with pytest.raises(psycopg.errors.InvalidParameterValue, match="max_cycle_length"):
            db.execute(f"SELECT * FROM rk.graph_cycle_participation_cycles('[]', max_cycle_length => {length})")
