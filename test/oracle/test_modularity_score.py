"""graph/modularity-score beside networkx and igraph."""
import random

import igraph
import networkx as nx
import pytest

from graphs import SEEDS, literal, make_case, weighted_params

KERNEL = "graph/modularity-score"


def communities_argument(case, labels, rng):
    """The partition as a query, its rows in any order, extra columns beside."""
    rows = [f"({literal(case.ids[u], case.id_type)}, {label}, 0)" for u, label in enumerate(labels)]
    rng.shuffle(rows)
    name = rng.choice(("node", "id"))
    if not rows:
        return f"SELECT NULL::{case.id_type} AS {name}, 1 AS community WHERE false"
    return f"SELECT {name}, community FROM (VALUES {', '.join(rows)}) c ({name}, community, other)"


def near(a, b):
    return (a is None and b is None) or a == pytest.approx(b, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("seed", SEEDS)
def test_against_networkx(db, seed):
    case = make_case(seed + 2000)
    rng = random.Random(f"partition {seed}")
    directed = seed % 3 == 0
    resolution = rng.choice((1.0, 1.0, 0.0, 0.5, 2.5))
    labels = [rng.randrange(1 + case.size // rng.choice((2, 4, 8))) for _ in range(case.size)]
    form = case.form if case.form != "json" else "query"
    params = {"communities": communities_argument(case, labels, rng), "resolution": resolution,
              "directed": directed, **weighted_params(case)}
    row, = case.run(db, "graph_modularity_score", form=form, take_nodes=False, **params)
    each = case.run(db, "graph_modularity_score_communities", form=form, take_nodes=False, **params)

    parts = {}
    for u, label in enumerate(labels):
        parts.setdefault(label, set()).add(u)
    g = case.simple(directed, merge=sum if case.uses_weights(None) else None)
    total = sum(w for _, _, w in g.edges(data="weight"))
    assert row["num_communities"] == len(parts) == len(each)
    if case.size == 0:
        assert row["modularity"] is None
        return
    if total == 0:
        assert row["modularity"] == 0 and row["coverage"] is None
    else:
        assert near(row["modularity"], nx.community.modularity(
            g, parts.values(), weight="weight", resolution=resolution))
        if not directed:
            h = igraph.Graph(len(g), list(g.edges))
            assert near(row["modularity"], h.modularity(
                labels, weights=[w for _, _, w in g.edges(data="weight")], resolution=resolution))
        inside = sum(w for u, v, w in g.edges(data="weight") if labels[u] == labels[v])
        assert near(row["coverage"], inside / total)
    simple = g.copy()
    simple.remove_edges_from(list(nx.selfloop_edges(simple)))
    if directed or case.size < 2:
        assert row["performance"] is None
    elif simple.size() > 0:
        assert near(row["performance"], nx.community.partition_quality(simple, parts.values())[1])
    else:
        # no pair is an edge: those across are right
        pairs = case.size * (case.size - 1) / 2
        assert near(row["performance"], 1 - sum(len(p) * (len(p) - 1) / 2 for p in parts.values()) / pairs)

    assert near(sum(c["contribution"] for c in each), row["modularity"])
    for c in each:
        part = parts[int(c["community"])]
        rest = set(g) - part
        strength = sum(d for _, d in g.degree(part, weight="weight"))
        others = sum(d for _, d in g.degree(rest, weight="weight"))
        boundary = sum(w for u, v, w in g.edges(data="weight") if (u in part) != (v in part))
        assert c["num_nodes"] == len(part)
        assert near(c["strength"], strength)
        assert near(c["boundary_weight"], boundary)
        assert near(c["internal_weight"], g.subgraph(part).size(weight="weight"))
        if min(strength, others) > 1e-9 * total:
            assert near(c["conductance"], boundary / min(strength, others))
        elif strength == 0:
            assert c["conductance"] is None


def test_known_values(db):
    """The karate club: Q of the two clubs, its coverage and performance."""
    g = nx.karate_club_graph()
    edges = "VALUES " + ", ".join(f"({u}, {v}, {w})" for u, v, w in g.edges(data="weight"))
    clubs = "VALUES " + ", ".join(f"({u}, '{club}')" for u, club in g.nodes(data="club"))
    call = ("SELECT modularity, coverage, performance FROM rk.graph_modularity_score("
            "%s, %s, weighted => %s, resolution => %s)")
    edges = f"SELECT * FROM ({edges}) e (source, target, weight)"
    clubs = f"SELECT * FROM ({clubs}) c (node, community)"
    got = db.execute(call, (edges, clubs, False, 1)).fetchone()
    assert got == pytest.approx((0.3582347140, 0.8589743590, 0.6149732620), abs=1e-9)
    assert db.execute(call, (edges, clubs, True, 1)).fetchone()[0] == pytest.approx(0.3914375668, abs=1e-9)
    assert db.execute(call, (edges, clubs, False, 2)).fetchone()[0] == pytest.approx(-0.1425049310, abs=1e-9)
