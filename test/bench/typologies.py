"""Kernels over transactions, on the made-up bank with labelled laundering.

Times beside SQL's window functions where those can say the same, and how much
of what is planted each typology finds: precision and recall by transactions.
"""
import os
import subprocess
import time

from server import Server

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))

WIRES = "'SELECT payer AS source, payee AS target, amount, ts, id FROM labelled_wire'"
ENDS = ("(SELECT payer AS entity, ts, amount FROM labelled_wire UNION ALL "
        "SELECT payee, ts, amount FROM labelled_wire WHERE payer <> payee) e")

# every row at which an entity has 10,000 or more within a day
SUMS = f"""SELECT count(*) FROM rk.compliance_transaction_monitoring({WIRES}, id_type => NULL::text, transaction_id_type => NULL::bigint,
    rules => $$SELECT 1 AS id, 'sum' AS name, 'aggregate_amount' AS rule_type, 10000 AS threshold, interval '24 hours' AS time_window,
    interval '1 microsecond' AS cooldown$$)"""
SUMS_SQL = f"""SELECT count(*) FROM (SELECT sum(amount) OVER (PARTITION BY entity ORDER BY ts
    RANGE BETWEEN interval '23:59:59.999999' PRECEDING AND CURRENT ROW) AS total FROM {ENDS}) w WHERE total >= 10000"""
RULES = f"""SELECT alert_count FROM rk.compliance_transaction_monitoring_summary({WIRES})"""
MOVEMENT = f"""SELECT sum(max_velocity) FROM rk.compliance_rapid_movement({WIRES}, id_type => NULL::text)"""
# the velocity alone
MOVEMENT_SQL = f"""SELECT sum(most)::float8 FROM (SELECT max(n) AS most FROM (SELECT entity, count(*) OVER (PARTITION BY entity ORDER BY ts
    RANGE BETWEEN CURRENT ROW AND interval '59:59.999999' FOLLOWING) AS n FROM {ENDS}) w GROUP BY entity) v"""
PATTERNS = f"""SELECT pattern_count FROM rk.compliance_aml_patterns_summary({WIRES})"""

# label, query, what else says the same, goal, agreement
MEASURES = [
    ("monitoring, sums of a day", SUMS, SUMS_SQL, 1.0, 1e-3),
    ("monitoring, default rules", RULES, None, None, None),
    ("rapid movement", MOVEMENT, MOVEMENT_SQL, 1.0, 1e-9),
    ("aml patterns", PATTERNS, None, None, None),
]

# typology of the labels, pattern that is meant for it
TYPOLOGIES = [("fan-out", "fan_out"), ("fan-in", "fan_in"), ("cycle", "round_tripping"), ("scatter-gather", "scatter_gather"),
              ("gather-scatter", "gather_scatter"), ("bipartite", "bipartite"), ("stack", "stack"), ("random", "layering")]
FOUND = f"""CREATE TEMP TABLE found AS SELECT DISTINCT pattern, unnest(transaction_ids) AS id
    FROM rk.compliance_aml_patterns({WIRES}, id_type => NULL::text, transaction_id_type => NULL::bigint)"""
SHARES = """SELECT count(*) FILTER (WHERE typology = %(typology)s),
    count(*) FILTER (WHERE typology = %(typology)s AND id IN (SELECT id FROM found WHERE pattern = %(pattern)s)),
    count(*) FILTER (WHERE id IN (SELECT id FROM found WHERE pattern = %(pattern)s)),
    count(*) FILTER (WHERE typology IS NOT NULL AND id IN (SELECT id FROM found WHERE pattern = %(pattern)s))
    FROM labelled_wire"""


def make_bank(server, owner):
    owner.execute("DROP SCHEMA IF EXISTS bank CASCADE")
    owner.execute("CREATE SCHEMA bank")
    for script in ("bank.sql", "laundering.sql"):
        with open(os.path.join(ROOT, "tools", "bank", script), encoding="utf-8") as f:
            subprocess.run([os.path.join(server.bin, "psql"), "-X", "-q", "-h", server.sockets, "-U", "postgres", "-d", "postgres"],
                           stdin=f, check=True, env={**os.environ, "PGOPTIONS": "-c search_path=bank"})


def timed(connection, query):
    start = time.perf_counter()
    value = connection.execute(query).fetchone()[0]
    return time.perf_counter() - start, float(value)


def show_shares(connection):
    """What was planted, and what of it is found by the pattern meant for it."""
    connection.execute("DROP TABLE IF EXISTS found")
    connection.execute(FOUND)
    print("\n%-16s %8s %8s %10s   %s" % ("typology", "planted", "recall", "precision", "of what the pattern has: this typology, any"))
    for typology, pattern in TYPOLOGIES:
        planted, hit, found, any_label = connection.execute(SHARES, {"typology": typology, "pattern": pattern}).fetchone()
        print("%-16s %8d %8.3f %10.3f   %d, %d of %d" % (typology, planted, hit / planted, hit / found if found else 0.0,
                                                         hit, any_label, found), flush=True)


def measure(args, table, build):
    """Adds the rows of the typologies; returns whether all of it could be run."""
    try:
        import psycopg
    except ImportError:
        print("psycopg is missing (apt install python3-psycopg, or pip install 'psycopg[binary]')")
        return False
    server = Server(build, args.pg_config)
    owner = psycopg.connect(host=server.sockets, user="postgres", dbname="postgres", autocommit=True)
    owner.execute("DROP EXTENSION IF EXISTS rustkernels CASCADE")
    owner.execute("CREATE EXTENSION rustkernels")
    if owner.execute("SELECT to_regclass('bank.labelled_wire')").fetchone()[0] is None:
        make_bank(server, owner)
    owner.execute("SET search_path = bank")
    rows = owner.execute("SELECT count(*) FROM labelled_wire").fetchone()[0]
    for label, query, other, goal, how in MEASURES:
        if args.only and not label.startswith(args.only):
            continue
        for threads in args.threads:
            owner.execute(f"SET rk.threads = {threads}")
            owner.execute(f"SET max_parallel_workers_per_gather = {threads - 1}")
            ours, theirs = [], []
            for _ in range(args.runs + 1):
                seconds, value = timed(owner, query)
                ours.append(seconds)
                if other:
                    seconds, same = timed(owner, other)
                    theirs.append(seconds)
            agrees = None if other is None else abs(value - same) <= how * max(abs(value), abs(same))
            table.add(label, f"{rows:.1e}", threads, ours[1:], "SQL windows" if other else None, theirs[1:],
                      goal if threads == max(args.threads) else None, agrees, {"result": value})
    if not args.only or "shares".startswith(args.only):
        show_shares(owner)
    return True
