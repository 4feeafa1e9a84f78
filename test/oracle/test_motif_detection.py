"""graph/motif-detection against networkx's triadic census, igraph's motifs and brute force."""
import itertools
import math

import igraph
import networkx as nx
import psycopg
import pytest

from graphs import SEEDS, make_case

KERNEL = "graph/motif-detection"
CENSUS = ("003", "012", "102", "021D", "021U", "021C", "111D", "111U",
          "030T", "030C", "201", "120D", "120U", "120C", "210", "300")
FOUR = ("empty4", "edge+2", "2edges", "wedge+1", "triangle+1", "claw", "path", "paw", "cycle", "diamond", "clique4")
# igraph's numbers of the connected ones
IGRAPH = dict(zip(("claw", "path", "paw", "cycle", "diamond", "clique4"), (4, 6, 7, 8, 9, 10)))


def counts(case, db, **params):
    return {row["motif"]: row["count"] for row in case.run(db, "graph_motif_detection", **params)}


@pytest.mark.parametrize("seed", SEEDS)
def test_triads(db, seed):
    case = make_case(seed)
    ours = counts(case, db, directed=True)
    g = case.simple(directed=True, loops=False)
    assert tuple(ours) == CENSUS
    assert sum(ours.values()) == math.comb(case.size, 3)
    if case.size >= 3:
        assert ours == nx.triadic_census(g)


@pytest.mark.parametrize("seed", SEEDS)
def test_undirected(db, seed):
    case = make_case(seed + 500)
    g = case.simple(directed=False, loops=False)
    three = counts(case, db)
    triangles = sum(nx.triangles(g).values()) // 3
    wedges = sum(math.comb(d, 2) for _, d in g.degree) - 3 * triangles
    edges = g.number_of_edges() * (case.size - 2) - 2 * wedges - 3 * triangles if case.size >= 3 else 0
    assert three == {"empty": math.comb(case.size, 3) - edges - wedges - triangles, "edge": edges,
                     "wedge": wedges, "triangle": triangles}

    four = counts(case, db, size=4)
    assert tuple(four) == FOUR
    assert sum(four.values()) == math.comb(case.size, 4)
    if case.size:
        theirs = igraph.Graph(case.size, list(g.edges)).motifs_randesu(size=4)
        for name, number in IGRAPH.items():
            assert four[name] == (0 if math.isnan(theirs[number]) else theirs[number]), name
    if case.size <= 16:
        found = dict.fromkeys(FOUR, 0)
        for nodes in itertools.combinations(range(case.size), 4):
            degrees = sorted(d for _, d in g.subgraph(nodes).degree)
            found[{(0, 0, 0, 0): "empty4", (0, 0, 1, 1): "edge+2", (1, 1, 1, 1): "2edges", (0, 1, 1, 2): "wedge+1",
                   (0, 2, 2, 2): "triangle+1", (1, 1, 1, 3): "claw", (1, 1, 2, 2): "path", (1, 2, 2, 3): "paw",
                   (2, 2, 2, 2): "cycle", (2, 2, 3, 3): "diamond", (3, 3, 3, 3): "clique4"}[tuple(degrees)]] += 1
        assert four == found


def test_known_graphs(db):
    club = nx.karate_club_graph()
    rows = "SELECT * FROM (VALUES " + ", ".join(f"({u}, {v})" for u, v in club.edges) + ") e(source, target)"

    def found(**params):
        named = "".join(f", {name} => {value}" for name, value in params.items())
        return [int(row[0]) for row in db.execute(
            f"SELECT count FROM rk.graph_motif_detection(%s{named})", (rows,))]

    assert found() == [3971, 1575, 393, 45]
    assert found(size=4) == [21939, 13969, 1067, 6309, 729, 1098, 681, 452, 36, 85, 11]
    assert found(directed="true") == [3971, 1575, 0, 164, 186, 43, 0, 0, 45, 0, 0, 0, 0, 0, 0, 0]


@pytest.mark.parametrize("directed", (False, True))
def test_random_graphs(db, directed):
    """Means beside those of networkx's own switching of edges, by four standard errors."""
    g = nx.gnp_random_graph(40, 0.12, seed=5, directed=True)
    rows = "SELECT * FROM (VALUES " + ", ".join(f"({u}, {v})" for u, v in g.edges) + ") e(source, target)"
    table = db.execute("SELECT motif, count, expected, z_score FROM rk.graph_motif_detection(%s, directed => %s,"
                       " randomizations => 200, seed => 9)", (rows, directed)).fetchall()
    ours = {motif: (float(count), expected, score) for motif, count, expected, score in table}
    sample = []
    for seed in range(60):
        h = g.copy()
        if directed:
            nx.directed_edge_swap(h, nswap=3 * h.number_of_edges(), max_tries=10**6, seed=seed)
            census = nx.triadic_census(h)
        else:
            h = nx.Graph(h)
            nx.double_edge_swap(h, nswap=3 * h.number_of_edges(), max_tries=10**6, seed=seed)
            triangles = sum(nx.triangles(h).values()) // 3
            census = {"triangle": triangles, "wedge": sum(math.comb(d, 2) for _, d in h.degree) - 3 * triangles}
        sample.append(census)
    for name in ("030T", "030C", "021C") if directed else ("triangle", "wedge"):
        values = [census[name] for census in sample]
        mean = sum(values) / len(values)
        deviation = math.sqrt(sum((x - mean) ** 2 for x in values) / (len(values) - 1))
        count, expected, score = ours[name]
        assert abs(expected - mean) < 4 * deviation * math.sqrt(1 / 60 + 1 / 200), name
        assert score * deviation == pytest.approx(count - expected, rel=0.35), name
    again = db.execute("SELECT motif, count, expected, z_score FROM rk.graph_motif_detection(%s, directed => %s,"
                       " randomizations => 200, seed => 9)", (rows, directed)).fetchall()
    assert again == table


def test_errors(db):
    edges = "'SELECT 1 AS source, 2 AS target UNION ALL SELECT 2, 3'"
    for call, error in ((f"graph_motif_detection({edges}, size => 2)", psycopg.errors.InvalidParameterValue),
                        (f"graph_motif_detection({edges}, size => 4, directed => true)", psycopg.errors.FeatureNotSupported),
                        (f"graph_motif_detection({edges}, randomizations => -1)", psycopg.errors.InvalidParameterValue)):
        with pytest.raises(error):
            db.execute(f"SELECT * FROM rk.{call}")
