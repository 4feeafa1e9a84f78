"""graph/clustering-coefficient against networkx, igraph and the definition of LDBC Graphalytics."""
import math

import igraph
import networkx as nx
import psycopg
import pytest

from graphs import SEEDS, close, make_case, worst

KERNEL = "graph/clustering-coefficient"
VARIANTS = ("watts-strogatz", "onnela", "barrat", "fagiolo", "graphalytics")


def barrat(g):
    """igraph's local transitivity with weights is Barrat's; NaN below two neighbours."""
    edges = list(g.edges(data="weight"))
    h = igraph.Graph(len(g), [(u, v) for u, v, _ in edges])
    values = h.transitivity_local_undirected(weights=[w for _, _, w in edges])
    return [0.0 if math.isnan(value) else value for value in values]


def graphalytics(g):
    """LCC as the specification has it: arcs among the neighbours of either direction."""
    values = []
    for u in range(len(g)):
        around = (set(g.successors(u)) | set(g.predecessors(u))) - {u}
        k = len(around)
        arcs = sum(len(around & set(g.successors(v))) for v in around)
        values.append(arcs / (k * (k - 1)) if k > 1 else 0.0)
    return values


def expected(g, variant):
    if variant == "barrat":
        return barrat(g)
    if variant == "graphalytics":
        return graphalytics(g)
    values = nx.clustering(g, weight="weight" if variant == "onnela" else None)
    return [float(values[u]) for u in range(len(g))]


@pytest.mark.parametrize("seed", SEEDS)
def test_coefficients(db, seed):
    variant = VARIANTS[seed % 5]
    weighted = variant in ("onnela", "barrat")
    case = make_case(seed * 6 + 1 if weighted else seed)
    g = case.simple(directed=variant in ("fagiolo", "graphalytics"), loops=False, merge=sum if weighted else None)
    params = {} if variant == "watts-strogatz" and seed % 2 else {"variant": variant}
    if weighted and not any(w for _, _, w in g.edges(data="weight")):
        if g.number_of_edges():
            with pytest.raises(psycopg.errors.InvalidParameterValue, match="all weights are 0"):
                case.by_node(db, "graph_clustering_coefficient", **params)
        return
    rows = case.by_node(db, "graph_clustering_coefficient", **params)
    ours = [row["clustering_coefficient"] for row in rows]
    theirs = expected(g, variant)
    assert close(ours, theirs, 1e-12), worst(ours, theirs)
    plain = nx.Graph(g)
    triangles = nx.triangles(plain)
    assert [row["degree"] for row in rows] == [plain.degree[u] for u in range(len(g))]
    assert [row["triangles"] for row in rows] == [triangles[u] for u in range(len(g))]

    whole, = case.run(db, "graph_clustering_coefficient_global", form="query", variant=variant)
    assert whole["triangles"] == sum(triangles.values()) // 3
    assert whole["wedges"] == sum(d * (d - 1) // 2 for _, d in plain.degree)
    if not len(g):
        assert whole["average_clustering_coefficient"] is None and whole["transitivity"] is None
        return
    assert whole["average_clustering_coefficient"] == pytest.approx(sum(theirs) / len(g), abs=1e-12)
    assert whole["transitivity"] == pytest.approx(nx.transitivity(plain), abs=1e-15)
    busy = [theirs[u] for u, d in plain.degree if d >= 2]
    if busy:
        assert whole["average_nonzero_degree"] == pytest.approx(sum(busy) / len(busy), abs=1e-12)
    else:
        assert whole["average_nonzero_degree"] is None


@pytest.mark.parametrize("variant", VARIANTS)
def test_karate_club(db, variant):
    """A real graph; every edge given as an arc from the smaller member, some also back."""
    club = nx.karate_club_graph()
    g = nx.Graph() if variant in VARIANTS[:3] else nx.DiGraph()
    for u, v, w in club.edges(data="weight"):
        g.add_edge(u, v, weight=float(w))
        if g.is_directed() and (u + v) % 3 == 0:
            g.add_edge(v, u, weight=float(w))
    rows = ", ".join(f"({u}, {v}, {w})" for u, v, w in g.edges(data="weight"))
    ours = db.execute("SELECT clustering_coefficient FROM rk.graph_clustering_coefficient(%s, variant => %s) ORDER BY node",
                      (f"SELECT * FROM (VALUES {rows}) e(source, target, weight)", variant)).fetchall()
    h = type(g)()
    h.add_nodes_from(range(34))
    h.add_edges_from(g.edges(data=True))
    theirs = expected(h, variant)
    assert close([row[0] for row in ours], theirs, 1e-12)
    if variant == "watts-strogatz":
        assert sum(theirs) / 34 == pytest.approx(0.5706384782, abs=1e-10)


def test_fagiolo_of_a_symmetric_graph_is_watts_strogatz(db):
    for seed in range(40):
        case = make_case(seed)
        case.rows += [(v, u, w) for u, v, w in case.rows]
        case.form = "query"
        once, again, lcc = ([row["clustering_coefficient"] for row in case.by_node(
            db, "graph_clustering_coefficient", variant=variant)] for variant in ("watts-strogatz", "fagiolo", "graphalytics"))
        assert close(once, again, 1e-15) and once == lcc


def test_doubled_weights_change_nothing(db):
    for seed in range(20):
        case = make_case(seed * 6 + 1)
        if not any(w for _, _, w in case.rows):
            continue
        for variant in ("onnela", "barrat"):
            once = case.by_node(db, "graph_clustering_coefficient", variant=variant)
            rows = case.rows
            case.rows = [(u, v, 2 * w) for u, v, w in rows]
            assert case.by_node(db, "graph_clustering_coefficient", variant=variant) == once
            case.rows = rows


def test_errors(db):
    with pytest.raises(psycopg.errors.InvalidParameterValue, match="variant"):
        db.execute("SELECT * FROM rk.graph_clustering_coefficient('[]', variant => 'soffer')")
    with pytest.raises(psycopg.errors.UndefinedColumn, match="weight"):
        db.execute("SELECT * FROM rk.graph_clustering_coefficient('SELECT 1 AS source, 2 AS target', variant => 'onnela')")
    with pytest.raises(psycopg.errors.InvalidParameterValue, match="negative"):
        db.execute("SELECT * FROM rk.graph_clustering_coefficient("
                   "'SELECT 1 AS source, 2 AS target, -1 AS weight', variant => 'barrat')")
