"""Graph rings after random changes: networkx and the batch functions on the rows that are left."""
import json
import random
import uuid

import networkx as nx
import pytest

ROUNDS = 200


@pytest.fixture(scope="module", autouse=True)
def rings(session):
    if session.execute("SHOW shared_preload_libraries").fetchone()[0].find("rustkernels") < 0:
        pytest.skip("the library is not preloaded")
    names = {"d": "graph/degree-centrality", "r": "graph/degree-ratio", "p": "graph/pagerank", "a": "graph/pagerank",
             "u": "graph/pagerank"}
    options = {"a": {"auto_converge": True, "tolerance": 1e-12, "max_iterations": 1000},
               "u": {"directed": False, "dangling": "uniform", "tolerance": 1e-12}}
    for name, kernel in names.items():
        session.execute("CALL rk.ring_up(%s, %s, %s)", (kernel, name, json.dumps(options.get(name, {}))))
    yield
    for name in names:
        session.execute("CALL rk.ring_down(%s)", (name,))


class Changes:
    """A multiset of rows, and random changes of it that are sent to a ring."""

    def __init__(self, seed, undirected=False):
        self.random = random.Random(seed)
        self.undirected = undirected
        self.rows = []

    def change(self, db, ring, nodes, count):
        messages = []
        for _ in range(count):
            r = self.random.random()
            if r < 0.55 or not self.rows:
                row = (self.random.randrange(nodes), self.random.randrange(nodes), self.random.randrange(1, 9) / 8)
                self.rows.append(row)
                messages.append(("add", *row))
            elif r < 0.9:
                row = self.rows.pop(self.random.randrange(len(self.rows)))
                messages.append(("remove", *row))
            elif r < 0.95:
                # the rows of a pair become one
                pair = self.random.choice(self.rows)[:2]
                row = (*pair, self.random.randrange(1, 9) / 8)
                pairs = (pair, pair[::-1]) if self.undirected else (pair,)
                self.rows = [x for x in self.rows if x[:2] not in pairs] + [row]
                messages.append(("set_weight", *row))
            else:
                # nothing to remove: no change
                messages.append(("remove", -1, self.random.randrange(nodes), 1))
        data = [{"op": m[0], "source": m[1], "target": m[2], "weight": m[3]} for m in messages]
        db.execute("SELECT rk.ring_load(%s, %s)", (ring, json.dumps(data)))

    def edges(self):
        return json.dumps([{"source": s, "target": t, "weight": w} for s, t, w in self.rows])

    def graph(self):
        g = nx.MultiDiGraph()
        g.add_weighted_edges_from(self.rows)
        return g

    def take_back(self, db, ring):
        data = [{"op": "remove", "source": s, "target": t, "weight": w} for s, t, w in self.rows]
        db.execute("SELECT rk.ring_load(%s, %s)", (ring, json.dumps(data)))
        self.rows = []


def close(a, b, tolerance):
    return a == b or abs(a - b) <= tolerance * max(1, abs(b))


def test_degrees(db):
    changes = Changes(1)
    for i in range(ROUNDS):
        changes.change(db, "d", 3 + i % 12, 12)
        multi = changes.graph()
        simple = nx.DiGraph(multi)
        n = len(simple)
        nodes = sorted(simple)
        found = db.execute(
            "SELECT u, q.* FROM unnest(%s::bigint[]) u, rk.ring_graph_degree_query('d', u) q ORDER BY u", (nodes,)
        ).fetchall()
        assert [row[0] for row in found] == nodes
        for u, degree, i_deg, o_deg, score, i_score, o_score, i_rows, o_rows, i_str, o_str, others, num, _ in found:
            assert (i_deg, o_deg, degree) == (simple.in_degree[u], simple.out_degree[u], simple.degree[u])
            assert (i_rows, o_rows) == (multi.in_degree(u), multi.out_degree(u))
            assert (i_str, o_str) == (multi.in_degree(u, weight="weight"), multi.out_degree(u, weight="weight"))
            assert others == len(set(nx.all_neighbors(simple, u)) - {u})
            assert num == n
            assert close(score, degree / (n - 1) if n > 1 else 0, 1e-15)
            assert close(i_score, i_deg / (n - 1) if n > 1 else 0, 1e-15)
            assert close(o_score, o_deg / (n - 1) if n > 1 else 0, 1e-15)
        top = db.execute("SELECT node, degree FROM rk.ring_graph_degree_top('d', 5, 'in')").fetchall()
        assert top == sorted(((u, simple.in_degree[u]) for u in nodes), key=lambda x: (-x[1], x[0]))[:5]
    # what was added and removed has left no trace
    changes.take_back(db, "d")
    assert db.execute("SELECT node FROM rk.ring_graph_degree_top('d', 1000)").fetchall() == []
    assert db.execute("SELECT * FROM rk.ring_graph_degree_query('d', 1)").fetchall() == []


def test_roles(db):
    changes = Changes(2)
    for i in range(ROUNDS):
        changes.change(db, "r", 3 + i % 12, 12)
        if not changes.rows:
            continue
        batch = db.execute(
            "SELECT node, in_degree, out_degree, ratio, neighbor_degree_variance, classification "
            "FROM rk.graph_degree_ratio(%s) ORDER BY node", (changes.edges(),)
        ).fetchall()
        ring = db.execute(
            "SELECT u, q.in_degree, q.out_degree, q.ratio, q.neighbor_degree_variance, q.classification "
            "FROM unnest(%s::bigint[]) u, rk.ring_graph_degree_ratio_query('r', u) q ORDER BY u",
            ([row[0] for row in batch],)
        ).fetchall()
        assert len(ring) == len(batch)
        for a, b in zip(ring, batch):
            assert a[:4] == b[:4] and a[5] == b[5]
            assert close(a[4], b[4], 1e-12)
        counts = db.execute("SELECT isolated, source, balanced, sink, num_nodes, num_edges "
                            "FROM rk.ring_graph_role_counts('r')").fetchone()
        roles = [row[5] for row in batch]
        assert counts == (*(roles.count(x) for x in ("isolated", "source", "balanced", "sink")), len(batch),
                          len(changes.rows))
    changes.take_back(db, "r")
    assert db.execute("SELECT isolated, source, balanced, sink, num_nodes, num_edges "
                      "FROM rk.ring_graph_role_counts('r')").fetchone() == (0, 0, 0, 0, 0, 0)


def test_pagerank(db):
    changes = Changes(3)
    for i in range(ROUNDS):
        changes.change(db, "p", 3 + i % 12, 12)
        if not changes.rows:
            continue
        iterations, delta, converged = db.execute(
            "SELECT iterations, delta, converged FROM rk.ring_graph_pagerank_converge('p', 1e-12, 1000)").fetchone()
        assert converged and delta < 1e-12 and iterations < 1000
        simple = nx.DiGraph()
        for s, t, w in changes.rows:
            if simple.has_edge(s, t):
                simple[s][t]["weight"] += w
            else:
                simple.add_edge(s, t, weight=w)
        expected = nx.pagerank(simple, tol=1e-13, max_iter=1000)
        nodes = sorted(expected)
        ring = dict(db.execute(
            "SELECT u, q.score FROM unnest(%s::bigint[]) u, rk.ring_graph_pagerank_query('p', u) q", (nodes,)
        ).fetchall())
        batch = dict(db.execute("SELECT node, score FROM rk.graph_pagerank(%s, tolerance => 1e-12, "
                                "max_iterations => 1000)", (changes.edges(),)).fetchall())
        assert sorted(ring) == nodes
        for u in nodes:
            assert abs(ring[u] - expected[u]) < 1e-10
            assert abs(ring[u] - batch[u]) < 1e-10
        top = db.execute("SELECT node, score FROM rk.ring_graph_pagerank_top('p', 4)").fetchall()
        assert top == sorted(ring.items(), key=lambda x: (-x[1], x[0]))[:4]
    changes.take_back(db, "p")
    assert db.execute("SELECT * FROM rk.ring_graph_pagerank_top('p')").fetchall() == []


def test_pagerank_follows_by_itself(db):
    changes = Changes(4)
    for i in range(40):
        changes.change(db, "a", 3 + i % 12, 12)
        if not changes.rows:
            continue
        expected = dict(db.execute("SELECT node, score FROM rk.graph_pagerank(%s, tolerance => 1e-13, "
                                   "max_iterations => 1000)", (changes.edges(),)).fetchall())
        # every look is answered at once; after a few they say that they are final
        for _ in range(1000):
            ring = db.execute(
                "SELECT u, q.score, q.converged FROM unnest(%s::bigint[]) u, rk.ring_graph_pagerank_query('a', u) q",
                (sorted(expected),)).fetchall()
            if all(converged for _, _, converged in ring):
                break
        assert len(ring) == len(expected)
        assert all(converged and abs(score - expected[u]) < 1e-10 for u, score, converged in ring)


def test_pagerank_undirected_with_nodes_and_personalization(db):
    changes = Changes(5, undirected=True)
    nodes = {}
    for i in range(ROUNDS):
        n = 3 + i % 12
        changes.change(db, "u", n, 12)
        node = 100 + changes.random.randrange(4)
        op = "remove" if node in nodes else "add"
        db.execute("SELECT * FROM rk.ring_graph_pagerank_node('u', %s, %s)", (op, node))
        nodes = {**nodes, node: 0} if op == "add" else {k: v for k, v in nodes.items() if k != node}
        present = sorted({x for row in changes.rows for x in row[:2]} | set(nodes))
        preferences = {}
        for u in present:
            weight = changes.random.choice([0, 0, 0.5, 1, 3.25])
            status = db.execute("SELECT status FROM rk.ring_graph_pagerank_personalize('u', %s, %s::numeric)", (u, weight)).fetchone()
            assert status == ("ok",)
            preferences[u] = weight
        if not present:
            continue
        db.execute("SELECT * FROM rk.ring_graph_pagerank_converge('u', 1e-13, 1000)")
        ring = dict(db.execute(
            "SELECT u, q.score FROM unnest(%s::bigint[]) u, rk.ring_graph_pagerank_query('u', u) q", (present,)).fetchall())
        simple = nx.Graph()
        simple.add_nodes_from(present)
        for s, t, w in changes.rows:
            simple.add_edge(s, t, weight=simple.get_edge_data(s, t, {"weight": 0})["weight"] + w)
        personalization = preferences if any(preferences.values()) else None
        expected = nx.pagerank(simple, personalization=personalization, dangling={u: 1 for u in present},
                               tol=1e-14, max_iter=2000)
        assert sorted(ring) == present
        for u in present:
            assert abs(ring[u] - expected[u]) < 1e-10
    assert db.execute("SELECT status FROM rk.ring_graph_pagerank_personalize('u', 999, 1)").fetchone() == ("unknown_node",)


@pytest.mark.parametrize("id_type", ["text", "uuid"])
def test_ids_of_other_types(db, id_type):
    """What a ring of other ids says is what one of integers says, by another name."""
    name = {"text": lambda u: f"account {u}", "uuid": lambda u: str(uuid.uuid5(uuid.NAMESPACE_OID, str(u)))}[id_type]
    db.execute("CALL rk.ring_up('graph/degree-centrality', %s, %s)", (f"d {id_type}", json.dumps({"id_type": id_type})))
    db.execute("CALL rk.ring_up('graph/pagerank', %s, %s)", (f"p {id_type}", json.dumps({"id_type": id_type})))
    changes = Changes(6)
    for i in range(12):
        changes.change(db, "d", 20, 40)
    for ring in ("d", "p"):
        data = [{"source": name(s), "target": name(t), "weight": w} for s, t, w in changes.rows]
        db.execute("SELECT rk.ring_load(%s, %s)", (f"{ring} {id_type}", json.dumps(data)))
    nodes = sorted({x for row in changes.rows for x in row[:2]})
    for u in nodes:
        other, ours = (db.execute(f"SELECT * FROM rk.ring_graph_degree_query(%s, {value})", (ring,)).fetchone()
                       for ring, value in ((f"d {id_type}", f"'{name(u)}'::{id_type}"), ("d", str(u))))
        assert other[:-1] == ours[:-1]
    top = db.execute(f"SELECT node, degree FROM rk.ring_graph_degree_top(%s, NULL::{id_type}, 1000)",
                     (f"d {id_type}",)).fetchall()
    degrees = dict(db.execute("SELECT node, degree FROM rk.ring_graph_degree_top('d', 1000)").fetchall())
    assert [(str(u), d) for u, d in top] == sorted(((name(u), d) for u, d in degrees.items()), key=lambda x: (-x[1], x[0]))
    db.execute("SELECT * FROM rk.ring_graph_pagerank_converge(%s, 1e-12, 1000)", (f"p {id_type}",))
    scores = dict(db.execute("SELECT node, score FROM rk.graph_pagerank(%s, tolerance => 1e-12, max_iterations => 1000)",
                             (changes.edges(),)).fetchall())
    ring = dict(db.execute(f"SELECT node::text, score FROM rk.ring_graph_pagerank_top(%s, NULL::{id_type}, 1000)",
                           (f"p {id_type}",)).fetchall())
    assert ring.keys() == {name(u) for u in scores}
    assert all(abs(ring[name(u)] - score) < 1e-10 for u, score in scores.items())
    changes.take_back(db, "d")
    for ring in ("d", "p"):
        db.execute("CALL rk.ring_down(%s)", (f"{ring} {id_type}",))
        db.execute("SELECT rk.ring_drop(%s)", (f"{ring} {id_type}",))
