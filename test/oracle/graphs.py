"""Random graphs, the forms in which a kernel can be given them, and the graph
that a kernel should see.

A case is made from a seed alone.  Its nodes are numbered in the order of their
ids, so that the number of a node is the dense index that the kernels use, and
results are compared by number: "smallest node" is the smallest number.
"""
import dataclasses
import datetime
import functools
import random
import uuid
from decimal import Decimal

import networkx as nx

SEEDS = range(240)

# weights that integers can hold
WHOLE = "whole"

ID_TYPES = ("bigint", "text", "uuid", "integer", "numeric", "date")
FORMS = ("query", "table", "json", "graph", "stored graph")


def prepare(conn):
    """Makes what the cases need in the scratch database."""
    conn.execute("CREATE TABLE graph_store (name text PRIMARY KEY, g rk.graph)")


# ---- ids ----

def make_ids(rng, id_type, count):
    """Different ids in the order of their type."""
    ids = set()
    while len(ids) < count:
        if id_type == "bigint":
            ids.add(rng.choice((rng.randrange(count * 3), rng.getrandbits(63), -rng.getrandbits(63))))
        elif id_type == "integer":
            ids.add(rng.randrange(-count, count * 2))
        elif id_type == "uuid":
            ids.add(uuid.UUID(int=rng.getrandbits(128) if rng.random() < 0.8 else rng.getrandbits(8)))
        elif id_type == "numeric":
            ids.add(Decimal(rng.randrange(-2000, 2000)).scaleb(-rng.randrange(4)))
        elif id_type == "date":
            ids.add(datetime.date(2000, 1, 1) + datetime.timedelta(rng.randrange(-20000, 20000)))
        else:
            ids.add(make_text(rng))
    if id_type == "text":
        return sorted(ids, key=lambda value: value.encode())
    if id_type == "uuid":
        return sorted(ids, key=lambda value: value.bytes)
    return sorted(ids)


def make_text(rng):
    """Short and long, with common beginnings, quotes, blanks and other scripts."""
    kind = rng.randrange(6)
    number = rng.randrange(1000)
    if kind == 0:
        return f"DE{number:020d}"
    if kind == 1:
        return f"account holder number {number}, a name of more than sixteen bytes"
    if kind == 2:
        return f"O'Brien \\ {number} \"x\""
    if kind == 3:
        return f"Žluťoučký {number}" if number % 2 else f"口座{number}"
    if kind == 4:
        return " " * (number % 5)
    return str(number)


def literal(value, id_type):
    """An id as a SQL literal with its type."""
    text = str(value).replace("'", "''")
    return f"'{text}'::{id_type}"


# ---- cases ----

@dataclasses.dataclass
class Case:
    seed: int
    id_type: str
    form: str
    ids: list					# in order; the index is the number
    rows: list					# (source, target, weight) by number, as they come
    nodes: list					# numbers given apart from the rows
    has_weight: bool			# the relation has a column weight
    weighted: bool | None		# the parameter of that name
    rng: random.Random

    @property
    def size(self):
        return len(self.ids)

    def index(self):
        return {value: i for i, value in enumerate(self.ids)}

    def uses_weights(self, default):
        """What "weighted" comes to for a kernel with this default."""
        wanted = default if self.weighted is None else self.weighted
        return self.has_weight if wanted is None else wanted

    # -- the graph a kernel should see --

    def simple(self, directed, merge=None, loops=True):
        """The graph without parallel edges: merge(weights) is their weight, or 1."""
        g = nx.DiGraph() if directed else nx.Graph()
        g.add_nodes_from(range(self.size))
        together = {}
        for u, v, w in self.rows:
            if u == v and not loops:
                continue
            key = (u, v) if directed else (min(u, v), max(u, v))
            together.setdefault(key, []).append(w)
        for (u, v), weights in together.items():
            g.add_edge(u, v, weight=merge(weights) if merge else 1.0)
        return g

    def multi(self, directed):
        """The graph with every row an edge."""
        g = nx.MultiDiGraph() if directed else nx.MultiGraph()
        g.add_nodes_from(range(self.size))
        g.add_weighted_edges_from((u, v, 1.0 if w is None else w) for u, v, w in self.rows)
        return g

    # -- the same in SQL --

    def query(self, nodes_as_rows=False):
        """The rows as a query."""
        rows = [f"({literal(self.ids[u], self.id_type)}, {literal(self.ids[v], self.id_type)}"
                + (f", {w!r}::float8)" if self.has_weight else ")") for u, v, w in self.rows]
        if nodes_as_rows:
            rows += [f"({literal(self.ids[u], self.id_type)}, NULL::{self.id_type}"
                     + (", NULL::float8)" if self.has_weight else ")") for u in self.nodes]
        columns = "source, target" + (", weight" if self.has_weight else "")
        if not rows:
            nothing = f"SELECT NULL::{self.id_type}, NULL::{self.id_type}" + (
                ", NULL::float8" if self.has_weight else "")
            return f"SELECT {columns} FROM ({nothing} WHERE false) e ({columns})"
        values = "VALUES " + ", ".join(rows)
        return (f"SELECT {columns} FROM ({values}) e ({columns})",
                f"WITH e ({columns}) AS ({values}) TABLE e",
                f"-- a comment\n(SELECT 'unused' AS note, e.* FROM ({values}) e ({columns}))",
                )[self.seed // 7 % 3]

    def table(self, db):
        """A table of the rows, with more columns than are wanted and a past."""
        name = f"edges_{self.seed}"
        weight = ""
        if self.has_weight:
            kinds = ["float8", "numeric"]
            if all(w == int(w) for _, _, w in self.rows):
                kinds += ["integer", "smallint", "bigint"]
            if all(w * 8 == int(w * 8) for _, _, w in self.rows):
                kinds.append("real")
            weight_type = self.rng.choice(kinds)
            weight = f", weight {weight_type}"
        db.execute(f"DROP TABLE IF EXISTS {name}")
        first = self.rng.choice(("", "note text, "))
        db.execute(f"CREATE TABLE {name} ({first}target {self.id_type}{weight}, amount integer,"
                   f" source {self.id_type})")
        columns = "source, target, amount" + (", weight" if self.has_weight else "")
        rows = [(self.ids[u], self.ids[v], i if i % 3 else None) + (
            () if not self.has_weight else (int(w),) if "int" in weight_type else (w,))
                for i, (u, v, w) in enumerate(self.rows)]
        with db.cursor() as cursor:
            with cursor.copy(f"COPY {name} ({columns}) FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
        past = self.rng.randrange(5)
        if past == 1:
            db.execute(f"VACUUM {name}")
        elif past == 2 and self.rows:
            # a dead version of every row
            db.execute(f"UPDATE {name} SET amount = 0")
        elif past == 3:
            db.execute(f"ALTER TABLE {name} DROP COLUMN amount, ADD COLUMN later text DEFAULT 'x'")
        elif past == 4 and self.rows:
            db.execute(f"INSERT INTO {name} (source, target, amount) SELECT source, target, -1 FROM {name}")
            db.execute(f"DELETE FROM {name} WHERE amount = -1")
            db.execute(f"VACUUM {name}")
        return name if self.rng.random() < 0.5 else f"public.{name}"

    def json(self):
        """The rows as a JSON array."""
        def value(number):
            if self.id_type in ("bigint", "integer", "numeric"):
                return str(self.ids[number])
            escaped = str(self.ids[number]).replace("\\", "\\\\").replace('"', '\\"')
            return f'"{escaped}"'

        return "[" + ", ".join(
            f'{{"source": {value(u)}, "target": {value(v)}'
            + (f', "weight": {w!r}' if self.has_weight else "") + "}"
            for u, v, w in self.rows) + "]"

    def aggregate(self):
        """A query that makes a graph of the rows and the nodes."""
        weight = ", weight" if self.has_weight else ""
        return f"SELECT rk.graph_agg(source, target{weight}) FROM ({self.query(nodes_as_rows=True)}) e"

    def edges(self, db, form=None):
        """The value of the parameter "edges"."""
        form = form or self.form
        if form in ("graph", "stored graph") and not self.rows and not self.nodes:
            form = "query"		# the aggregate of no rows is NULL
        if form == "table":
            return self.table(db)
        if form == "json":
            return self.json()
        if form == "graph":
            return self.aggregate()
        if form == "stored graph":
            name = f"case {self.seed}"
            db.execute("INSERT INTO graph_store VALUES (%s, NULL) ON CONFLICT DO NOTHING", (name,))
            db.execute(f"UPDATE graph_store SET g = ({self.aggregate()}) WHERE name = %s", (name,))
            return f"SELECT g FROM graph_store WHERE name = '{name}'"
        return self.query()

    def nodes_argument(self, form=None):
        """The value of the parameter "nodes", or None."""
        if (form or self.form) in ("graph", "stored graph") or not self.nodes:
            return None
        name = "node" if self.seed % 2 else "id"
        return (f"SELECT {name} FROM (VALUES "
                + ", ".join(f"({literal(self.ids[u], self.id_type)})" for u in self.nodes)
                + f") n ({name})")

    def run(self, db, function, form=None, node=None, other_node=None, take_nodes=True, **params):
        """Rows of rk.function for this case; ids in them become numbers.

        node and other_node are the parameters source and target of the path
        functions; take_nodes says whether the function has "nodes".
        """
        form = form or self.form
        if form == "json" and self.nodes and not returns_ids(db, function):
            form = "query"		# nothing says what type the strings are of
        text = self.edges(db, form)
        arguments = ["%s"]
        values = [text]
        for number in (node, other_node):
            if number is not None:
                arguments.append(literal(self.ids[number], self.id_type))
        if node is None and returns_ids(db, function) and (
                self.id_type not in ("bigint", "integer") or self.seed % 3 == 0):
            arguments.append(f"id_type => NULL::{self.id_type}")
        if take_nodes and self.nodes_argument(form):
            params = {"nodes": self.nodes_argument(form), **params}
        for name, value in params.items():
            arguments.append(f"{name} => %s")
            values.append(value)
        cursor = db.execute(f"SELECT * FROM rk.{function}({', '.join(arguments)})", values)
        index = self.index()
        columns = [column.name for column in cursor.description]
        ids = [i for i, name in enumerate(columns) if name in ("node", "source", "target", "root", "predecessor",
                                                                      "node_a", "node_b")]
        paths = [i for i, name in enumerate(columns) if name in ("path", "members")]
        rows = []
        for row in cursor:
            row = list(row)
            for i in ids:
                row[i] = None if row[i] is None else index[row[i]]
            for i in paths:
                row[i] = None if row[i] is None else [index[value] for value in row[i]]
            rows.append(row)
        return [dict(zip(columns, row)) for row in rows]

    def run_graph_form(self, db, function, **params):
        """The row of a function that is given the case as a value of type rk.graph."""
        named = "".join(f", {name} => %s" for name in params)
        cursor = db.execute(f"SELECT f.* FROM ({self.aggregate()}) t (g), rk.{function}(g{named}) f",
                            list(params.values()))
        columns = [column.name for column in cursor.description]
        return [dict(zip(columns, row)) for row in cursor]

    def by_node(self, db, function, **params):
        """Rows of a function with one row a node, in the order of the nodes."""
        rows = sorted(self.run(db, function, **params), key=lambda row: row["node"])
        assert [row["node"] for row in rows] == list(range(self.size))
        return rows


@functools.cache
def returns_ids(db, function):
    """Whether there are ids in the rows of a function, so that it has an id_type."""
    return db.execute("SELECT count(*) FROM rk.kernel_columns WHERE function = %s AND kind = 'result_column'"
                      " AND type IN ('id', 'id[]')", (f"rk.{function}",)).fetchone()[0] > 0


# ---- making cases ----

def shape(rng, kind, n):
    """Undirected pairs of a topology on n nodes."""
    if n == 0:
        return []
    if kind == "path":
        return [(i, i + 1) for i in range(n - 1)]
    if kind == "cycle":
        return [(i, (i + 1) % n) for i in range(n)] if n > 2 else []
    if kind == "star":
        return [(0, i) for i in range(1, n)]
    if kind == "tree":
        return [(i, rng.randrange(i)) for i in range(1, n)]
    if kind == "clique":
        return [(i, j) for i in range(n) for j in range(i)]
    if kind == "grid":
        width = max(1, int(n ** 0.5))
        return ([(i, i + 1) for i in range(n - 1) if (i + 1) % width]
                + [(i, i + width) for i in range(n - width)])
    if kind == "bipartite":
        return [(i, j) for i in range(n // 2) for j in range(n // 2, n) if rng.random() < 0.4]
    if kind == "pieces":
        return [(i, j) for i in range(n) for j in range(i) if i % 3 == j % 3 and rng.random() < 0.5]
    density = {"sparse": 1, "middling": 2, "dense": 5}[kind]
    return [(rng.randrange(n), rng.randrange(n)) for _ in range(density * n)]


KINDS = ("sparse", "middling", "dense", "pieces", "tree", "path", "cycle", "star", "clique", "grid",
         "bipartite", "sparse", "middling")


def make_weight(rng, meaning, exact):
    """A strength may be zero, a length is positive; exact ones add without rounding."""
    if meaning == "strength" and rng.random() < 0.05:
        return 0.0
    if exact:
        return rng.randrange(1, 64) / 8 if exact is not WHOLE else rng.randrange(1, 9) * 1.0
    return rng.choice((rng.random() + 1e-3, rng.uniform(0.01, 1e5)))


def make_case(seed, meaning="strength", largest=24, exact=None, big=True):
    """The case of a seed.

    Id type, form and use of weights go through all combinations as the seed
    grows; the rest is drawn.  Every twentieth case has some 200 nodes if big.
    """
    rng = random.Random(f"{seed} {meaning}")
    n = rng.randrange(largest + 1)
    if big and seed % 20 == 19:
        n = rng.randrange(150, 250)
    kind = rng.choice(KINDS if n < 50 else ("sparse", "middling", "pieces", "tree", "grid"))
    if n >= 50 and kind == "pieces":
        kind = "middling"
    exact = rng.random() < 0.6 if exact is None else exact
    if exact and rng.random() < 0.4:
        exact = WHOLE
    has_weight, weighted = ((False, None), (True, None), (True, True), (True, False), (False, False),
                            (True, None))[seed % 6]
    order = list(range(n))
    rng.shuffle(order)
    pairs = [(u, v) for u, v in shape(rng, kind, n) if u != v]
    pairs = [(v, u) if rng.random() < 0.5 else (u, v) for u, v in pairs]
    if rng.random() < 0.5:
        pairs += [(v, u) for u, v in pairs if rng.random() < 0.3]
    if rng.random() < 0.5 and pairs:
        pairs += rng.choices(pairs, k=len(pairs) // 3 + 1)
    if rng.random() < 0.4 and n:
        loops = [rng.randrange(n) for _ in range(n // 4 + 1)]
        pairs += [(u, u) for u in loops] + [(loops[0], loops[0])]
    rng.shuffle(pairs)
    nodes = []
    if rng.random() < 0.5:
        nodes = [u for u in range(n) if rng.random() < 0.5]
        nodes += nodes[:2]
        nodes += range(n, n + rng.randrange(3))
        order += range(n, n + 2)

    # only nodes that are named exist; number them in a random order
    present = sorted({u for pair in pairs for u in pair} | set(nodes), key=lambda u: order[u])
    number = {u: i for i, u in enumerate(present)}
    rows = [(number[u], number[v], make_weight(rng, meaning, exact) if has_weight else None)
            for u, v in pairs]
    id_type = ID_TYPES[seed // 6 % len(ID_TYPES)]
    case = Case(seed=seed, id_type=id_type, form=FORMS[(seed + seed // 36) % len(FORMS)],
                ids=make_ids(rng, id_type, len(present)), rows=rows,
                nodes=[number[u] for u in nodes], has_weight=has_weight, weighted=weighted, rng=rng)
    return case


def weighted_params(case):
    """The parameter "weighted" where the case writes it."""
    return {} if case.weighted is None else {"weighted": case.weighted}


def close(ours, theirs, tolerance):
    """Whether all numbers agree, absolutely below 1 and relatively above."""
    return len(ours) == len(theirs) and all(
        abs(a - b) <= tolerance * max(1.0, abs(b)) for a, b in zip(ours, theirs))


def worst(ours, theirs):
    """The largest deviation, for messages."""
    return max((abs(a - b), i, a, b) for i, (a, b) in enumerate(zip(ours, theirs)))
