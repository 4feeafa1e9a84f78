"""graph/common-neighbors against networkx and the square of the matrix; exact."""
import networkx as nx
import pytest

from graphs import SEEDS, make_case
from similarity import direction_of, given_pairs, graph_of, pairs_of, structure_of

KERNEL = "graph/common-neighbors"


def check_rows(case, g, rows, with_members):
    for row in rows:
        a, b = set(g[row["node_a"]]), set(g[row["node_b"]])
        assert row["total"] == len(a | b)
        assert row["members"] == (sorted(a & b) if with_members else None)
        assert row["common"] == len(a & b)


@pytest.mark.parametrize("seed", SEEDS)
def test_all_pairs(db, seed):
    case = make_case(seed)
    direction = direction_of(case)
    least = 1 + seed % 3
    g = graph_of(case, direction)
    common = pairs_of(case, structure_of(case, g))
    rows = case.run(db, "graph_common_neighbors", take_nodes=False, direction=direction, min_count=least,
                    with_members=seed % 2 == 0)
    assert {(row["node_a"], row["node_b"]): row["common"] for row in rows} == {
        pair: count for pair, count in common.items() if count >= least}
    check_rows(case, g, rows, seed % 2 == 0)


@pytest.mark.parametrize("seed", SEEDS[::2])
def test_given_pairs(db, seed):
    case = make_case(seed + 500)
    pairs, query = given_pairs(case)
    if not pairs:
        return
    g = graph_of(case, "both")
    rows = case.run(db, "graph_common_neighbors", take_nodes=False, pairs=query, with_members=True,
                    min_count=seed % 2)
    assert [(row["node_a"], row["node_b"]) for row in rows] == pairs
    for row, (a, b) in zip(rows, pairs):
        if a != b:
            assert row["members"] == sorted(nx.common_neighbors(g, a, b))
    check_rows(case, g, rows, True)


@pytest.mark.parametrize("seed", SEEDS[::2])
def test_limits(db, seed):
    case = make_case(seed + 900)
    direction = direction_of(case)
    g = graph_of(case, direction)
    common = pairs_of(case, structure_of(case, g))
    best = sorted(common, key=lambda pair: (-common[pair], pair))
    joined = {(min(u, v), max(u, v)) for u, v, _ in case.rows}
    k = 1 + seed % 7
    rows = case.run(db, "graph_common_neighbors", take_nodes=False, direction=direction, top_k=k)
    assert [(row["node_a"], row["node_b"]) for row in rows] == best[:k]
    check_rows(case, g, rows, False)
    rows = case.run(db, "graph_common_neighbors", take_nodes=False, direction=direction, per_node=k,
                    exclude_connected=True, with_members=True)
    check_rows(case, g, rows, True)
    expected = []
    for u in range(case.size):
        mine = sorted((-count, a + b - u) for (a, b), count in common.items() if u in (a, b) and (a, b) not in joined)
        expected += [(u, v) for _, v in mine[:k]]
    assert sorted((row["node_a"], row["node_b"]) for row in rows) == sorted(expected)


def test_many_members(db):
    """More members than a batch of rows holds."""
    query = "SELECT a AS source, 1000 + b AS target FROM generate_series(1, 60) a, generate_series(1, 1500) b"
    rows = db.execute("SELECT count(*), sum(common)::bigint, sum(cardinality(members))::bigint, min(members[1]), max(members[1500])"
                      " FROM rk.graph_common_neighbors(%s, direction => 'out', with_members => true)", (query,)).fetchone()
    assert rows == (60 * 59 // 2, 60 * 59 // 2 * 1500, 60 * 59 // 2 * 1500, 1001, 2500)
