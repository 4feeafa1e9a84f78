"""rk.explain's memory beside what runs really take, for every graph function.

The functions come from rk.kernel_columns, so a new kernel is tested too.
"""
import json

import pytest

NODES, EDGES = 20_000, 200_000

# closeness with weights takes the square of it
WEIGHTED_NODES, WEIGHTED_EDGES = 5_000, 100_000

FEATURES = 16

# parameters that no function over edges can do without
ARGUMENTS = {"source": 1, "target": 2, "node_id": 1}


def matrix(columns):
    return [[0.1] * columns for _ in range(FEATURES)]


MODELS = {
    "graph/gnn-inference": {"layers": [{"weight": matrix(24)}]},
    "graph/graph-attention": {"heads": [{"weight": matrix(8), "attention": [0.1] * 16}] * 2},
}

# what keeps a run over so many nodes short
BOUNDED = {
    "graph_adamic_adar": {"min_score": 100},
    "graph_common_neighbors": {"min_count": 1000},
    "graph_cosine_similarity": {"min_score": 0.9},
    "graph_jaccard_similarity": {"min_score": 0.9},
    "graph_betweenness_centrality": {"samples": 4},
    "graph_betweenness_centrality_edges": {"samples": 4},
    "graph_shortest_path_pairs": {"max_distance": 0},
}

# how the edges are given: table, table of points, type of the ids
INPUTS = {"bigint": ("memory_edges", "memory_points", "bigint"), "text": ("memory_text_edges", "memory_points", "text"),
          "weighted": ("memory_weighted_edges", "memory_weighted_points", "bigint")}


@pytest.fixture(scope="module")
def functions(session):
    """Makes the tables; returns every function over edges with its mandatory parameters."""
    session.execute(f"""
        CREATE TABLE memory_edges AS
            SELECT (hashint8extended(i, 1) & 9223372036854775807) % {NODES} AS source,
                   (hashint8extended(i, 2) & 9223372036854775807) % {NODES} AS target
            FROM generate_series(1, {EDGES}) i;
        CREATE TABLE memory_weighted_edges AS
            SELECT source % {WEIGHTED_NODES} AS source, target % {WEIGHTED_NODES} AS target, 1 + source % 5 AS weight
            FROM memory_edges LIMIT {WEIGHTED_EDGES};
        CREATE TABLE memory_text_edges AS
            SELECT md5(source::text) AS source, md5(target::text) AS target FROM memory_edges;
        CREATE TABLE memory_points AS
            SELECT i::bigint AS node, array_fill(i::float8, ARRAY[{FEATURES}]) AS features
            FROM generate_series(0, {NODES - 1}) i;
        CREATE TABLE memory_weighted_points AS SELECT * FROM memory_points WHERE node < {WEIGHTED_NODES};
        CREATE TABLE memory_communities AS SELECT i::bigint AS node, i % 100 AS community
            FROM generate_series(0, {NODES - 1}) i;
        ANALYZE memory_edges, memory_weighted_edges, memory_text_edges, memory_points, memory_weighted_points,
            memory_communities""")
    return session.execute("""
        SELECT kernel, replace(function, 'rk.', ''),
               coalesce(array_agg(name ORDER BY position) FILTER (WHERE required AND name <> 'edges'), '{}')
        FROM rk.kernel_columns WHERE kind = 'argument'
        GROUP BY kernel, function HAVING bool_or(name = 'edges') ORDER BY 2""").fetchall()


def literal(key, value):
    """An argument as SQL."""
    if isinstance(value, dict):
        return f"'{json.dumps(value)}'::jsonb"
    return f"'{value}'" if isinstance(value, str) else f"{value}::bigint" if key in ARGUMENTS else value


@pytest.mark.parametrize(("form", "threads"), (("bigint", 1), ("bigint", 2), ("weighted", 2), ("text", 2)))
def test_estimates(db, functions, form, threads):
    table, points, id_type = INPUTS[form]
    db.execute(f"SET rk.threads = {threads}; SET rk.memory_limit = '2GB'; SET client_min_messages = error")
    wrong = []
    for kernel, name, mandatory in functions:
        arguments = ARGUMENTS | {"points": points, "communities": "memory_communities",
                                 "model": MODELS.get(kernel)}
        if not set(mandatory) <= set(arguments) or (id_type == "text" and mandatory):
            continue
        given = {key: arguments[key] for key in mandatory} | BOUNDED.get(name, {})
        suffix = name[len(kernel.replace("/", "_").replace("-", "_")):]
        estimate, = db.execute("SELECT memory FROM rk.explain(%s, %s)",
                               (kernel + suffix, json.dumps({"edges": table} | given))).fetchone()
        values = [f"edges => '{table}'"] + [f"{key} => {literal(key, value)}" for key, value in given.items()]
        if id_type == "text" and db.execute(
                "SELECT count(*) FROM pg_proc WHERE proname = %s AND 'id_type' = ANY (proargnames)", (name,)
        ).fetchone()[0]:
            values.insert(1, "id_type => NULL::text")
        elif id_type == "text" and db.execute(
                "SELECT count(*) FROM rk.kernel_columns WHERE function = %s AND kind = 'result_column'"
                " AND type = 'id'", ("rk." + name,)).fetchone()[0]:
            continue
        db.execute("SELECT rk.trim()")
        db.execute(f"SELECT count(*) FROM rk.{name}({', '.join(values)})")
        taken, = db.execute("SELECT memory_peak FROM rk.last_run()").fetchone()
        if not 0.8 * taken <= estimate <= 1.2 * taken:
            wrong.append(f"{name}: {estimate / 1e6:.1f} MB estimated, {taken / 1e6:.1f} MB taken")
    assert not wrong, "\n".join(wrong)
