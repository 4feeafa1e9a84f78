"""What the tests of the neighbour similarities share: neighbourhoods, and the
rows that thresholds and limits should leave."""
import networkx as nx
import numpy as np

from graphs import literal

DIRECTIONS = ("both", "out", "in")


def direction_of(case):
    return DIRECTIONS[case.seed // 2 % 3]


def graph_of(case, direction, weighted=False):
    """The graph whose successors are the neighbours, without self-loops."""
    merge = sum if weighted else None
    g = case.simple(direction != "both", merge=merge, loops=False)
    return nx.reverse(g) if direction == "in" else g


def matrix_of(case, g):
    """Rows of neighbours, weighted as the graph is, as a dense matrix."""
    return nx.to_numpy_array(g, nodelist=range(case.size)) if case.size else np.zeros((0, 0))


def structure_of(case, g):
    """The same with 1 for every edge, also one of weight 0."""
    a = np.zeros((case.size, case.size), dtype=int)
    for u in g:
        for v in g[u]:
            a[u, v] = 1
    return a


def pairs_of(case, structure):
    """All pairs with a common neighbour: {(a, b): number of them}."""
    common = structure @ structure.T
    return {(a, b): int(common[a, b]) for a in range(case.size) for b in range(a + 1, case.size) if common[a, b]}


def given_pairs(case, count=20):
    """Pairs of nodes that have edges, and the query that gives them."""
    present = sorted({u for row in case.rows for u in row[:2]})
    if not present:
        return [], None
    pairs = [(case.rng.choice(present), case.rng.choice(present)) for _ in range(count)]
    values = ", ".join(f"({literal(case.ids[a], case.id_type)}, {literal(case.ids[b], case.id_type)})"
                       for a, b in pairs)
    return pairs, f"SELECT * FROM (VALUES {values}) p (node_a, node_b)"


def compare(rows, expected, tolerance):
    """Rows are exactly the expected pairs: {(a, b): (score, common)}."""
    assert len(rows) == len(expected)
    for row in rows:
        score, common = expected[row["node_a"], row["node_b"]]
        assert row["common"] == common
        assert abs(row["score"] - score) <= tolerance * max(1, abs(score)), (row, score)


def check_limits(db, case, function, least=0.0, **params):
    """min_score, top_k, per_node and exclude_connected choose from all rows."""
    rows = case.run(db, function, take_nodes=False, min_score=least, **params)
    joined = {(min(u, v), max(u, v)) for u, v, _ in case.rows}
    scores = sorted(row["score"] for row in rows)
    threshold = scores[len(scores) // 2] if scores else 0.5
    rank = lambda row: (-row["score"], row["node_a"], row["node_b"])  # noqa: E731
    chosen = case.seed % 4
    limits = {"min_score": threshold if chosen != 3 else least}
    rows = [row for row in rows if row["score"] >= limits["min_score"]]
    if case.seed % 2:
        limits["exclude_connected"] = True
        rows = [row for row in rows if (row["node_a"], row["node_b"]) not in joined]
    if chosen == 1:
        limits["top_k"] = 1 + case.seed % 13
        rows = sorted(rows, key=rank)[:limits["top_k"]]
    elif chosen == 2:
        limits["per_node"] = 1 + case.seed % 3
        both = rows + [{**row, "node_a": row["node_b"], "node_b": row["node_a"]} for row in rows]
        rows = []
        for u in range(case.size):
            rows += sorted((row for row in both if row["node_a"] == u), key=rank)[:limits["per_node"]]
    ours = case.run(db, function, take_nodes=False, **limits, **params)
    assert sorted(ours, key=rank) == sorted(rows, key=rank)
    if chosen == 1:
        assert ours == rows		# best first
