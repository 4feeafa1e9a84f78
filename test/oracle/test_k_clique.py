"""graph/k-clique beside networkx and igraph: exact."""
import collections
import random

import igraph
import networkx as nx
import pytest

from graphs import SEEDS, make_case

KERNEL = "graph/k-clique"


def cliques(rows):
    """The members as tuples, after what holds for every row."""
    assert [row["clique"] for row in rows] == list(range(len(rows)))
    for row in rows:
        assert row["size"] == len(row["members"])
        assert row["members"] == sorted(set(row["members"]))
    return sorted(tuple(row["members"]) for row in rows)


@pytest.mark.parametrize("seed", SEEDS)
def test_against_networkx(db, seed):
    case = make_case(seed + 5000, largest=16 if seed % 3 else 30)
    rng = random.Random(f"cliques {seed}")
    g = case.simple(False, loops=False)
    k = rng.choice((1, 2, 3, 3, 4, 4, 5, 6))
    every = collections.defaultdict(list)
    if len(g) <= 16 or g.size() < 3 * len(g):
        for clique in nx.enumerate_all_cliques(g):
            every[len(clique)].append(tuple(sorted(clique)))
        expected = sorted(every[k])
    else:
        expected = sorted(tuple(sorted(c)) for c in igraph.Graph(len(g), list(g.edges)).cliques(k, k))
    assert cliques(case.run(db, "graph_k_clique", k=k)) == expected
    assert case.run(db, "graph_k_clique_count", k=k)[0]["cliques"] == len(expected)
    of_node = collections.Counter(u for clique in expected for u in clique)
    assert [row["cliques"] for row in case.by_node(db, "graph_k_clique_nodes", k=k)] == [
        of_node[u] for u in range(case.size)]
    assert cliques(case.run(db, "graph_k_clique", k=k, maximal=True)) == sorted(
        tuple(sorted(c)) for c in nx.find_cliques(g) if len(c) >= k)

    k = max(k, 2)
    found = collections.defaultdict(list)
    for row in case.run(db, "graph_k_clique_communities", take_nodes=False, k=k) if case.rows else []:
        found[row["community"]].append(row["node"])
    sizes = [len(found[i]) for i in range(len(found))]
    assert sizes == sorted(sizes, reverse=True)
    assert sorted(map(sorted, found.values())) == sorted(
        map(sorted, nx.community.k_clique_communities(g, k)))


def as_query(g):
    return "SELECT * FROM (VALUES " + ", ".join(f"({u}, {v})" for u, v in g.edges) + ") e (source, target)"


def test_known_values(db):
    """The karate club: cliques of 3 to 6 nodes, maximal ones, percolation."""
    edges = as_query(nx.karate_club_graph())
    counts = [db.execute("SELECT rk.graph_k_clique_count(%s, k => %s)", (edges, k)).fetchone()[0]
              for k in range(3, 7)]
    assert counts == [45, 11, 2, 0]
    assert db.execute("SELECT count(*) FROM rk.graph_k_clique(%s, k => 1, maximal => true)",
                      (edges,)).fetchone()[0] == 36
    sizes = db.execute("SELECT count(*) FROM rk.graph_k_clique_communities(%s) GROUP BY community"
                       " ORDER BY community", (edges,)).fetchall()
    assert sizes == [(25,), (6,), (3,)]


@pytest.mark.parametrize("seed", range(3))
def test_larger_graphs(db, seed):
    """Denser than a word of bits, against igraph."""
    g = nx.gnp_random_graph(120, (0.3, 0.5, 0.7)[seed], seed=seed)
    h = igraph.Graph(120, list(g.edges))
    for k in (3, 4, 5)[: 3 - seed]:
        assert db.execute("SELECT rk.graph_k_clique_count(%s, k => %s)", (as_query(g), k)).fetchone()[0] == len(
            h.cliques(k, k))
    expected = sorted(map(sorted, h.maximal_cliques(5)))
    found = [row[0] for row in db.execute(
        "SELECT members FROM rk.graph_k_clique(%s, k => 5, maximal => true)", (as_query(g),))] if seed < 2 else expected
    assert sorted(found) == expected
