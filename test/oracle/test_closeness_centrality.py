"""graph/closeness-centrality against networkx and igraph."""
import math
import random
import warnings

import igraph
import networkx as nx
import psycopg
import pytest

import draws
from graphs import SEEDS, close, make_case, weighted_params, worst

KERNEL = "graph/closeness-centrality"
FUNCTION = "graph_closeness_centrality"
VARIANTS = ("wasserman-faust", "classic", "harmonic", "sum")


def parameters(seed):
    rng = random.Random(f"closeness {seed}")
    params = {}
    variant = rng.choice(VARIANTS)
    normalized = rng.random() < 0.6
    direction = rng.choice(("out", "out", "in"))
    if variant != "wasserman-faust" or rng.random() < 0.3:
        params["variant"] = variant
    if not normalized or rng.random() < 0.3:
        params["normalized"] = normalized
    if direction == "in" or rng.random() < 0.3:
        params["direction"] = direction
    return params, variant, normalized, direction


def from_distances(n, reached, variant, normalized):
    """The definition: reached are the distances to other nodes."""
    r, total = len(reached), math.fsum(reached)
    if r == 0:
        return 0.0
    if variant == "wasserman-faust":
        return r / (n - 1) * (r / total)
    if variant == "classic":
        return r / total
    if variant == "harmonic":
        return math.fsum(1 / d for d in reached) / (n - 1 if normalized else 1)
    return (r if normalized else 1) / total


def against_networkx(g, direction, weighted):
    """networkx's closeness and harmonic centrality of the same direction."""
    toward = g.reverse() if direction == "out" and g.is_directed() else g
    distance = "weight" if weighted else None
    return (nx.closeness_centrality(toward, distance=distance),
            nx.closeness_centrality(toward, distance=distance, wf_improved=False),
            nx.harmonic_centrality(toward, distance=distance))


@pytest.mark.parametrize("seed", SEEDS)
def test_scores(db, seed):
    case = make_case(seed, meaning="length")
    directed = seed % 3 != 2
    params, variant, normalized, direction = parameters(seed)
    params |= weighted_params(case)
    if not directed or seed % 4 == 0:
        params["directed"] = directed
    rows = case.by_node(db, FUNCTION, **params)
    n = case.size
    if n == 0:
        return
    weighted = case.uses_weights(False)
    g = case.simple(directed, merge=min if weighted else None, loops=False)
    along = g.reverse() if direction == "in" and directed else g
    for u in range(n):
        length = nx.single_source_dijkstra_path_length(along, u)
        reached = [d for v, d in length.items() if v != u]
        expected = from_distances(n, reached, variant, normalized)
        assert rows[u]["reachable"] == len(reached)
        assert close([rows[u]["distance_sum"], rows[u]["score"]], [math.fsum(reached), expected], 1e-12)

    ours = [row["score"] for row in rows]
    faust, classic, harmonic = against_networkx(g, direction, weighted)
    theirs = {"wasserman-faust": faust, "classic": classic,
              "harmonic": {u: h / (n - 1 if normalized and n > 1 else 1) for u, h in harmonic.items()}}.get(variant)
    if theirs:
        theirs = [theirs[u] for u in range(n)]
        assert close(ours, theirs, 1e-12), worst(ours, theirs)

    edges = list(g.edges(data="weight"))
    h = igraph.Graph(n, [(u, v) for u, v, _ in edges], directed=directed)
    weights = [w for _, _, w in edges] if weighted and edges else None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if variant in ("classic", "sum"):
            theirs = h.closeness(mode=direction, weights=weights, normalized=normalized or variant == "classic")
        elif variant == "harmonic":
            theirs = h.harmonic_centrality(mode=direction, weights=weights, normalized=normalized)
        else:
            return
    theirs = [0.0 if math.isnan(score) else score for score in theirs]
    assert close(ours, theirs, 1e-12), worst(ours, theirs)


@pytest.mark.parametrize("seed", SEEDS)
def test_samples(db, seed):
    """The estimate of Eppstein and Wang, component by component."""
    case = make_case(seed, meaning="length", largest=40)
    rng = random.Random(f"closeness sample {seed}")
    k, draw = rng.randint(1, 12), rng.choice((0, 1, -7, 2**40))
    params, variant, normalized, _ = parameters(seed)
    rows = case.by_node(db, FUNCTION, directed=False, samples=k, seed=draw, **params, **weighted_params(case))
    n = case.size
    g = case.simple(False, merge=min if case.uses_weights(False) else None, loops=False)
    pivots = set(draws.sample(n, k, draw))
    for component in nx.connected_components(g):
        size, here = len(component), pivots & component
        for u in component:
            row = rows[u]
            assert row["reachable"] == size - 1
            if size == 1:
                assert row["score"] == 0 and row["distance_sum"] == 0
                continue
            if not here - {u}:
                assert row["score"] is None and row["distance_sum"] is None
                continue
            length = nx.single_source_dijkstra_path_length(g, u)
            scale = 1 if k >= n else size / len(here)
            total = scale * math.fsum(length[v] for v in here)
            inverse = scale * math.fsum(1 / length[v] for v in here if v != u)
            r = size - 1
            expected = {"wasserman-faust": r / (n - 1) * (r / total), "classic": r / total,
                        "harmonic": inverse / (n - 1 if normalized else 1),
                        "sum": (r if normalized else 1) / total}[variant]
            assert close([row["distance_sum"], row["score"]], [total, expected], 1e-12)


def test_more_sources_than_a_pass_has(db):
    """Passes of 256 sources, on short and on long distances."""
    db.execute("CREATE TABLE IF NOT EXISTS closeness_many AS"
               " SELECT abs(hashint8(i)) % 1500 AS source, abs(hashint8(i + 1000000)) % 1500 AS target"
               " FROM generate_series(1, 2500) i UNION ALL SELECT 2000 + i, 2001 + i FROM generate_series(1, 300) i")
    g = nx.Graph()
    g.add_edges_from(db.execute("SELECT source, target FROM closeness_many WHERE source <> target"))
    g.add_nodes_from(u for u, in db.execute("SELECT source FROM closeness_many"))
    theirs = nx.harmonic_centrality(g)
    for threads in (1, 2, 3):
        db.execute(f"SET rk.threads = {threads}")
        ours = dict(db.execute("SELECT node, score FROM rk.graph_closeness_centrality('closeness_many',"
                               " variant => 'harmonic', normalized => false, directed => false)").fetchall())
        assert ours.keys() == theirs.keys()
        assert all(abs(ours[u] - theirs[u]) <= 1e-12 * max(1, theirs[u]) for u in ours)


@pytest.mark.parametrize("call, code, words", (
    ("'e', variant => 'nearest'", "22023", "variant"),
    ("'e', direction => 'both'", "22023", "direction"),
    ("'e', samples => 3", "22023", "samples"),
    ("'e', samples => 0, directed => false", "22023", "samples"),
    ("'SELECT 1 AS source, 2 AS target, -1 AS weight', weighted => true", "22023", "node 1 is negative"),
    ("'SELECT 1 AS source, 2 AS target, -1 AS weight', weighted => true, directed => false", "22023", "negative"),
    ("'SELECT 1 AS source, 2 AS target, 0 AS weight', weighted => true, variant => 'harmonic'", "22023", "zero"),
    ("'SELECT 1 AS source, 2 AS target, ''NaN''::float8 AS weight', weighted => true", "22023", "weight"),
    ("'SELECT 1 AS source, 2 AS target', weighted => true", "42703", "weight"),
))
def test_errors(db, call, code, words):
    db.execute("CREATE TABLE IF NOT EXISTS e AS SELECT 1 AS source, 2 AS target")
    with pytest.raises(psycopg.Error) as error:
        db.execute(f"SELECT * FROM rk.graph_closeness_centrality({call})")
    assert error.value.sqlstate == code and words in str(error.value)
