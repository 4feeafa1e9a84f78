"""graph/label-propagation beside a plain implementation of its definition."""
import random

import networkx as nx
import pytest

from graphs import SEEDS, literal, make_case, weighted_params
from draws import h

KERNEL = "graph/label-propagation"


def neighbours(case, directed, weighted):
    """By node: (neighbour, weight); directed, a reciprocal arc is there twice."""
    g = case.simple(directed, merge=sum if weighted else None, loops=False)
    near = [[] for _ in range(case.size)]
    for u, v, w in g.edges(data="weight"):
        near[u].append((v, w))
        near[v].append((u, w))
    return near, g


def weigh(near, labels, u):
    sums = {}
    for v, w in near[u]:
        if labels[v] is not None and w > 0:
            sums[labels[v]] = sums.get(labels[v], 0.0) + w
    return sums


def semi_synchronous(near, labels, fixed, seed, rounds):
    colours = {}
    for u in sorted(range(len(near)), key=lambda u: (-h(seed, 0, u), u)):
        taken = {colours[v] for v, _ in near[u] if v in colours}
        colours[u] = next(c for c in range(len(near) + 1) if c not in taken)
    for done in range(rounds):
        changed = False
        for u in sorted(range(len(near)), key=lambda u: (colours[u], u)):
            sums = weigh(near, labels, u)
            if fixed[u] or not sums:
                continue
            most = max(sums.values())
            if sums.get(labels[u]) != most:
                labels[u] = min((c for c in sums if sums[c] == most), key=lambda c: h(seed, 1, c))
                changed = True
        if not changed:
            return done + 1
    return rounds


def cdlp(near, labels, fixed, rounds):
    for _ in range(rounds):
        new = list(labels)
        for u in range(len(near)):
            sums = weigh(near, labels, u)
            if sums and not fixed[u]:
                most = max(sums.values())
                new[u] = min(c for c in sums if sums[c] == most)
        labels[:] = new


def number(labels):
    """0.. by falling size, ties by smallest node."""
    parts = {}
    for u, label in enumerate(labels):
        parts.setdefault(label, []).append(u)
    order = sorted(parts.values(), key=lambda part: (-len(part), part[0]))
    numbers = {u: i for i, part in enumerate(order) for u in part}
    return [numbers[u] for u in range(len(labels))]


@pytest.mark.parametrize("variant", ("semi-synchronous", "cdlp"))
@pytest.mark.parametrize("seed", SEEDS)
def test_definition(db, seed, variant):
    # weights that add without rounding, so that ties are ties
    case = make_case(seed + (3000 if variant == "cdlp" else 4000), exact=True, largest=30)
    rng = random.Random(f"labels {seed}")
    directed = seed % 3 == 0
    near, g = neighbours(case, directed, case.uses_weights(None))
    draw = rng.randrange(-5, 100)
    rounds = rng.choice((1, 2, 5, 100))
    params = {"variant": variant, "directed": directed, "seed": draw, "max_iterations": rounds,
              **weighted_params(case)}
    fixed = [False] * case.size
    labels = list(range(case.size))
    given = seed % 2 == 0 and case.size > 0
    if given:
        labels = [rng.choice((None, None, rng.randrange(4), rng.getrandbits(62))) for _ in labels]
        fixed = [label is not None and rng.random() < 0.4 for label in labels]
        rows = [f"({literal(case.ids[u], case.id_type)}, {label}::bigint, {fixed[u]})"
                for u, label in enumerate(labels) if label is not None]
        if not rows:
            rows = [f"({literal(case.ids[0], case.id_type)}, 7::bigint, false)"]
            labels[0] = 7
        params["initial"] = f"SELECT * FROM (VALUES {', '.join(rows)}) i (node, label, fixed)"
    # a JSON array without rows has no column weight, and no type
    form = "query" if case.form in ("json", "graph", "stored graph") and (given or not case.rows) else case.form
    db.execute("SET client_min_messages = error")
    rows = case.by_node(db, "graph_label_propagation", form=form, **params)
    if variant == "cdlp":
        cdlp(near, labels, fixed, rounds)
    else:
        taken = semi_synchronous(near, labels, fixed, draw & 2**64 - 1, rounds)
    assert [row["community"] for row in rows] == (labels if given else number(labels))
    if not rows:
        return
    iterations, quality, communities = db.execute(
        "SELECT iterations, (details->>'modularity')::float8, (details->>'communities')::int"
        " FROM rk.last_run()").fetchone()
    if variant != "cdlp":
        assert iterations == taken
    whole = case.simple(directed, merge=sum if case.uses_weights(None) else None)
    labels = [label if label is not None else ("alone", u) for u, label in enumerate(labels)]
    parts = [{u for u in range(case.size) if labels[u] == label} for label in set(labels)]
    assert communities == len(parts)
    if whole.size(weight="weight") > 0:
        assert quality == pytest.approx(nx.community.modularity(whole, parts, weight="weight"), abs=1e-9)
    else:
        assert quality == 0


def test_known_values(db):
    """The karate club, unweighted."""
    g = nx.karate_club_graph()
    edges = "SELECT * FROM (VALUES " + ", ".join(f"({u}, {v})" for u, v in g.edges) + ") e (source, target)"
    for seed, q in ((0, 0.3948882314), (1, 0.1120973044), (2, 0.3744247206)):
        sizes = [row[0] for row in db.execute(
            "SELECT count(*) FROM rk.graph_label_propagation(%s, seed => %s) GROUP BY community ORDER BY community",
            (edges, seed))]
        found = db.execute("SELECT (details->>'modularity')::float8, iterations FROM rk.last_run()").fetchone()
        assert found[0] == pytest.approx(q, abs=1e-9)
        if seed == 0:
            assert sizes == [13, 10, 7, 4] and found[1] == 3
    for rounds, count in ((2, None), (10, 1)):
        db.execute("SELECT * FROM rk.graph_label_propagation(%s, variant => 'cdlp', max_iterations => %s)",
                   (edges, rounds))
        q, communities = db.execute(
            "SELECT (details->>'modularity')::float8, (details->>'communities')::int FROM rk.last_run()").fetchone()
        if count is None:
            assert q == pytest.approx(0.0994411571, abs=1e-9)
        else:
            assert communities == count
