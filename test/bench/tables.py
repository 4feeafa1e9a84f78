"""From a table to a result: the extension against what leaves the database.

Every contender has a session of its own that is warmed up by one run that is
not counted; then they take turns.
"""
import json
import os
import time

import numpy as np

import inputs
import peers
from server import Server

EDGE = np.dtype([("fields", ">i2"), ("n1", ">i4"), ("source", ">i8"), ("n2", ">i4"), ("target", ">i8")])
SCORE = np.dtype([("fields", ">i2"), ("n1", ">i4"), ("node", ">i8"), ("n2", ">i4"), ("score", ">f8")])
COPY_HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
COPY_TRAILER = b"\xff\xff"


class Pipeline:
    """Out by binary COPY into numpy, back by binary COPY into a table.

    COPY writes and reads a file in memory; that is faster than the protocol,
    which sends a message a row.
    """

    def __init__(self, session, server):
        self.session = session
        self.out = os.path.join(server.exchange, "out")
        self.back = os.path.join(server.exchange, "back")

    def edges(self, table):
        """Returns dense source and target, and the ids."""
        self.session.execute(f"COPY {table} TO '{self.out}' (FORMAT binary)")
        rows = np.fromfile(self.out, EDGE, (os.path.getsize(self.out) - 21) // EDGE.itemsize, offset=19)
        source, target = rows["source"].astype(np.int64), rows["target"].astype(np.int64)
        present = np.zeros(max(source.max(), target.max()) + 1, dtype=bool)
        present[source] = True
        present[target] = True
        rank = np.cumsum(present, dtype=np.int32) - 1
        return rank[source], rank[target], np.flatnonzero(present)

    def scores(self, node, score):
        rows = np.empty(len(node), SCORE)
        rows["fields"], rows["n1"], rows["n2"] = 2, 8, 8
        rows["node"], rows["score"] = node, score
        with open(self.back, "wb") as f:
            f.write(COPY_HEADER)
            rows.tofile(f)
            f.write(COPY_TRAILER)
        os.chmod(self.back, 0o644)
        self.session.execute("CREATE TABLE r (node bigint, score float8)")
        self.session.execute(f"COPY r FROM '{self.back}' (FORMAT binary)")

    def scipy_pagerank(self, table):
        import scipy.sparse

        source, target, ids = self.edges(table)
        n = len(ids)
        matrix = scipy.sparse.csr_matrix((np.ones(len(source)), (target, source)), shape=(n, n))
        degree = np.bincount(source, minlength=n)
        dangling = degree == 0
        inverse = 0.85 / np.where(dangling, 1, degree)
        inverse[dangling] = 0
        x = np.full(n, 1 / n)
        for _ in range(20):
            x = matrix @ (x * inverse) + (0.85 * x[dangling].sum() + 0.15) / n
        self.scores(ids, x)

    def numpy_degrees(self, table):
        source, target, ids = self.edges(table)
        n = len(ids)
        # no row of these inputs is there twice
        degree = np.bincount(source, minlength=n) + np.bincount(target, minlength=n)
        self.scores(ids, degree.astype(np.float64))

    def scipy_components(self, table):
        import scipy.sparse.csgraph

        source, target, ids = self.edges(table)
        n = len(ids)
        matrix = scipy.sparse.csr_matrix((np.ones(len(source), np.int8), (source, target)), shape=(n, n))
        _, label = scipy.sparse.csgraph.connected_components(matrix, directed=False)
        self.scores(ids, label.astype(np.float64))

    def networkit_components(self, table, nk):
        source, target, ids = self.edges(table)
        graph = nk.graphtools.toUndirected(peers.networkit_directed(nk, source, target, len(ids)))
        found = nk.components.ParallelConnectedComponents(graph)
        found.run()
        self.scores(ids, np.array(found.getPartition().getVector(), dtype=np.float64))

    def networkit_pagerank(self, table, nk):
        source, target, ids = self.edges(table)
        p = peers.networkit_pagerank(nk, peers.networkit_directed(nk, source, target, len(ids)))
        p.run()
        self.scores(ids, np.array(p.scores()))


def load(session, edges, table, exchange):
    """Makes the table of an edge list, unless it is there."""
    made = f"{edges.name}, {edges.rows} rows"
    found = session.execute("SELECT obj_description(to_regclass(%s), 'pg_class')", [table]).fetchone()[0]
    if found == made:
        return
    print(f"loading {table} ...", flush=True)
    ids = edges.ids
    rows = np.empty(edges.rows, EDGE)
    rows["fields"], rows["n1"], rows["n2"] = 2, 8, 8
    rows["source"], rows["target"] = ids[edges.source], ids[edges.target]
    path = os.path.join(exchange, "load")
    with open(path, "wb") as f:
        f.write(COPY_HEADER)
        rows.tofile(f)
        f.write(COPY_TRAILER)
    os.chmod(path, 0o644)
    session.execute(f"DROP TABLE IF EXISTS {table}")
    session.execute(f"CREATE TABLE {table} (source bigint, target bigint)")
    session.execute(f"COPY {table} FROM '{path}' (FORMAT binary)")
    session.execute(f"VACUUM (FREEZE, ANALYZE) {table}")
    session.execute(f"COMMENT ON TABLE {table} IS '{made}'")
    os.remove(path)


def take_turns(contenders, runs, limit=60.0):
    """Returns, for each name, the seconds of its runs; the first is not counted.

    A contender that has used up its time makes no further runs, unless it has
    none that counts.
    """
    times = {name: [] for name in contenders}
    spent = dict.fromkeys(contenders, 0.0)
    for turn in range(runs + 1):
        for name, work in contenders.items():
            if times[name] and spent[name] > limit:
                continue
            start = time.perf_counter()
            reported = work()
            elapsed = time.perf_counter() - start
            spent[name] += elapsed
            if turn > 0 or elapsed > limit / 2:
                times[name].append(elapsed if reported is None else reported)
    return times


class Phases:
    """Phase times of the quickest of the runs it has been shown."""

    def __init__(self, session):
        self.session, self.best, self.line = session, None, ""

    def look(self, seconds):
        if self.best is None or seconds < self.best:
            self.best, self.line = seconds, phases(self.session)
        return seconds


def phases(session):
    """Returns the phase times of the last run in milliseconds, as one line."""
    found = session.execute("SELECT to_jsonb(r) FROM rk.last_run() r").fetchone()[0]
    found = json.loads(found) if isinstance(found, str) else found
    line = [f"{name} {us / 1000:.1f}" for name, us in (found.get("phases") or {}).items()]
    return "    " + ", ".join(line + [f"all {found['elapsed_us'] / 1000:.1f} ms"])


def measure(args, table, build):
    """Adds the rows of the SQL part; returns whether all of it could be run."""
    try:
        import psycopg
    except ImportError:
        print("psycopg is missing (apt install python3-psycopg, or pip install 'psycopg[binary]')")
        return False
    server = Server(build, args.pg_config)

    def session():
        return psycopg.connect(host=server.sockets, user="postgres", dbname="postgres", autocommit=True)

    def available(name):
        return owner.execute("SELECT count(*) FROM pg_available_extensions WHERE name = %s",
                             [name]).fetchone()[0] > 0

    owner = session()
    if not available("rustkernels"):
        print("the extension is not installed (make && make install)")
        return False
    owner.execute("DROP EXTENSION IF EXISTS rustkernels CASCADE")
    owner.execute("CREATE EXTENSION rustkernels")
    routing = available("pgrouting")
    if routing:
        owner.execute("CREATE EXTENSION IF NOT EXISTS pgrouting CASCADE")
    else:
        print("pgRouting is missing and left out (apt install postgresql-15-pgrouting)")
    try:
        import scipy.sparse  # noqa: F401
        scipy = True
    except ImportError:
        scipy = False
        print("scipy is missing and left out (apt install python3-scipy, or pip install scipy)")
    networkit = peers.load().get("networkit")

    for scale in args.scale:
        measure_scale(args, table, build, scale, server, session, routing, scipy, networkit)
    return True


def owner_context(session, name):
    """Loads the edges of a table into the context bench."""
    if not session.execute("SELECT count(*) FROM rk.contexts WHERE name = 'bench'").fetchone()[0]:
        session.execute("SELECT rk.context_create('bench', 2147483648)")
    session.execute(f"SELECT rk.context_load('bench', '{name}', 'graph', 'SELECT * FROM {name}')")


def measure_scale(args, table, build, scale, server, session, routing, scipy, networkit):
    edges = inputs.rmat_edges(build, scale)
    name = f"edges{scale}"
    ours, plain, peer = session(), session(), session()
    load(peer, edges, name, server.exchange)
    peer.execute("CHECKPOINT")
    plain.execute("SET max_parallel_workers_per_gather = 0")
    plain.execute("SET jit = off")
    pipeline = Pipeline(peer, server)

    def wanted(label):
        return not args.only or label.startswith(args.only)

    def run(connection, statement):
        connection.execute(statement).fetchall()

    def summing():
        run(plain, f"SELECT sum(source + target) FROM {name}")

    def reading(relation):
        run(ours, f"SELECT count(*) FROM rk.graph_degree_centrality('{relation}')")
        return ours.execute("SELECT read_us FROM rk.last_run()").fetchone()[0] / 1e6

    def query():
        """A query that is a plain table in disguise is read as the table."""
        ours.execute("SET rk.page_loop = off")
        elapsed = reading(f"SELECT source, target FROM {name}")
        ours.execute("RESET rk.page_loop")
        return elapsed

    def to_table(connection, statement):
        connection.execute(f"CREATE TABLE r AS {statement}")

    def fresh(work, *arguments, seen=None):
        """Times work that makes the table r; dropping the last one is not timed."""
        def go():
            peer.execute("DROP TABLE IF EXISTS r")
            start = time.perf_counter()
            work(*arguments)
            elapsed = time.perf_counter() - start
            return seen.look(elapsed) if seen else elapsed
        return go

    def end_to_end(seen):
        start = time.perf_counter()
        run(ours, f"SELECT count(*) FROM rk.graph_degree_centrality('{name}')")
        return seen.look(time.perf_counter() - start)

    def value(statement):
        return peer.execute(statement).fetchone()[0]

    for threads in args.threads:
        judged = threads == max(args.threads)       # the goals are for all threads
        seen = Phases(ours)
        ours.execute(f"SET rk.threads = {threads}")
        ours.execute("SET rk.memory_limit = '8GB'")
        if networkit:
            networkit.setNumberOfThreads(threads)

        if wanted("reading"):
            times = take_turns({
                "sum": summing,
                "table": lambda: reading(name),
                "query": query,
                "end": lambda: end_to_end(seen),
            }, args.runs)
            table.add("reading a table", name, threads, times["table"], "sum(source + target)",
                      times["sum"], 0.5 if judged else None)
            table.add("reading a query", name, threads, times["query"], "sum(source + target)",
                      times["sum"], 1.0 if judged else None)
            table.add("degree centrality, count(*)", name, threads, times["end"],
                      "sum(source + target)", times["sum"], 1.0 if judged else None)
            print(seen.line)

        seen = Phases(ours)
        if wanted("pagerank"):
            statement = (f"SELECT * FROM rk.graph_pagerank('{name}', max_iterations => 20,"
                         f" tolerance => 1e-300)")
            ours.execute("SET client_min_messages = error")     # it does not converge
            contenders = {"ours": fresh(to_table, ours, statement, seen=seen)}
            if scipy:
                contenders["scipy"] = fresh(pipeline.scipy_pagerank, name)
            if networkit:
                contenders["networkit"] = fresh(pipeline.networkit_pagerank, name, networkit)
            times = take_turns(contenders, args.runs)
            peer.execute("DROP TABLE IF EXISTS r, mine")
            to_table(ours, statement)
            peer.execute("ALTER TABLE r RENAME TO mine")
            for other, goal in (("scipy", 1 / 3), ("networkit", 1 / 4)):
                if other not in contenders:
                    continue
                contenders[other]()
                error = value("SELECT sum(abs(coalesce(r.score, 9) - coalesce(mine.score, 9)))"
                                " FROM r FULL JOIN mine USING (node)")
                table.add("pagerank, table to table", name, threads, times["ours"],
                          f"COPY {other} COPY", times[other], goal if judged else None, error < 1e-9)
            if not scipy and not networkit:
                table.add("pagerank, table to table", name, threads, times["ours"], None, [], None)
            peer.execute("DROP TABLE IF EXISTS r, mine")
            print(seen.line)

        seen = Phases(ours)
        if wanted("components"):
            statement = f"SELECT * FROM rk.graph_connected_components('{name}')"
            contenders = {"ours": fresh(to_table, ours, statement, seen=seen)}
            # one size is enough to see it, and pgRouting has one thread
            if routing and scale <= 18 and judged:
                contenders["pgrouting"] = fresh(
                    to_table, peer,
                    "SELECT * FROM pgr_connectedComponents('SELECT 0::bigint AS id, source, target,"
                    f" 1::float8 AS cost, 1::float8 AS reverse_cost FROM {name}')")
            times = take_turns(contenders, args.runs, limit=20)
            agrees = None
            if "pgrouting" in contenders:
                found = value("SELECT count(DISTINCT component) FROM r")
                contenders["ours"]()
                agrees = found == value("SELECT count(DISTINCT component) FROM r")
            table.add("components, table to table", name, threads, times["ours"],
                      "pgRouting" if "pgrouting" in times else None, times.get("pgrouting", []),
                      1 / 20 if "pgrouting" in times else None, agrees)
            peer.execute("DROP TABLE IF EXISTS r")
            print(seen.line)
        # light kernels: most of the time is the way in and out
        for label, columns, function, others, same in (
            ("degrees", "node, degree", "graph_degree_centrality", {"numpy": pipeline.numpy_degrees},
             "SELECT count(*) = 0 FROM r FULL JOIN mine USING (node) WHERE r.score IS DISTINCT FROM mine.degree"),
            ("components of a context", "node, component", "graph_connected_components",
             ({"scipy": pipeline.scipy_components} if scipy else {}) |
             ({"networkit": lambda t: pipeline.networkit_components(t, networkit)} if networkit else {}),
             "SELECT (SELECT count(DISTINCT score) FROM r) = (SELECT count(DISTINCT component) FROM mine)"),
        ):
            if not wanted(label):
                continue
            item = f"context:bench/{name}"
            if not value(f"SELECT count(*) FROM rk.context_items WHERE context = 'bench' AND key = '{name}'"):
                owner_context(ours, name)
            contenders = {source: fresh(to_table, ours, f"SELECT {columns} FROM rk.{function}('{source}')")
                          for source in (name, item)}
            contenders |= {other: fresh(work, name) for other, work in others.items()}
            times = take_turns(contenders, args.runs)
            peer.execute("DROP TABLE IF EXISTS r, mine")
            to_table(ours, f"SELECT {columns} FROM rk.{function}('{item}')")
            peer.execute("ALTER TABLE r RENAME TO mine")
            for other in others:
                contenders[other]()
                agrees = value(same)
                for source, goal in ((name, 1 / 2), (item, 1 / 8)):
                    table.add(f"{label.split()[0]}, {'table' if source == name else 'context'} to table", name,
                              threads, times[source], f"COPY {other} COPY", times[other],
                              goal if judged else None, agrees)
            peer.execute("DROP TABLE IF EXISTS r, mine")
    for connection in (ours, plain, peer):
        connection.close()
