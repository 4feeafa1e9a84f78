"""rk.risk_historical_var and rk.risk_historical_expected_shortfall against numpy."""
import random

import numpy as np
import pytest

from risk_books import tail

KERNEL = "risk/monte-carlo-var"


def weighted(x, w, confidence):
    order = np.lexsort((w, x))
    x, w = x[order], w[order] / w.sum()
    a = round(1 - confidence, 12)
    before = np.cumsum(w) - w
    k = int(np.argmax(np.cumsum(w) >= a - 1e-12))
    return -x[k], -((w[:k] * x[:k]).sum() + (a - before[k]) * x[k]) / a


@pytest.mark.parametrize("batch", range(5))
def test_random(db, batch):
    for case in range(50):
        rng = random.Random(f"historical {batch} {case}")
        n = rng.choice((1, 2, 10, 99, 100, 500))
        x = np.array([rng.choice((rng.gauss(0, 100), float(rng.randint(-5, 5)))) for _ in range(n)])
        w = np.array([rng.choice((1.0, rng.random(), 0.0)) for _ in range(n)]) + (1e-3 if n < 3 else 0)
        if not w.sum() > 0:
            w[0] = 1
        confidence = rng.choice((0.9, 0.95, 0.975, 0.99, 0.999, round(rng.uniform(0.6, 0.99), 3)))
        row = db.execute("""SELECT rk.risk_historical_var(x, %(c)s), rk.risk_historical_expected_shortfall(x, %(c)s),
            rk.risk_historical_var(x, %(c)s, w), rk.risk_historical_expected_shortfall(x, %(c)s, w), rk.risk_historical_var(x)
            FROM unnest(%(x)s::float8[], %(w)s::float8[]) v(x, w)""", {"c": confidence, "x": x.tolist(), "w": w.tolist()}).fetchone()
        var, shortfall = tail(np.append(x, [np.inf] if n == 1 else []), confidence) if n > 1 else (-x[0], -x[0])
        assert row[0] == var and row[1] == pytest.approx(shortfall, rel=1e-10, abs=1e-10)
        assert row[4] == (tail(x, 0.99)[0] if n > 1 else -x[0])
        var, shortfall = weighted(x, w, confidence)
        assert row[2] == var and row[3] == pytest.approx(shortfall, rel=1e-9, abs=1e-9)
        assert row[1] >= row[0] - 1e-9


def test_serial_parallel_filter_window(db):
    """The same from workers, filtered and moving."""
    db.execute("""CREATE TABLE pnl AS SELECT i, i %% 7 AS desk, sin(i * 12.9898) * cos(i) * 100 AS x, 0.5 + i %% 3 AS w
        FROM generate_series(1, 30000) i""".replace("%%", "%"))
    db.execute("ANALYZE pnl")
    query = """SELECT desk, rk.risk_historical_var(x, 0.975), rk.risk_historical_expected_shortfall(x, 0.975, w),
        rk.risk_historical_var(x, 0.9) FILTER (WHERE i % 3 = 0) FROM pnl GROUP BY desk ORDER BY desk"""
    db.execute("SET max_parallel_workers_per_gather = 0")
    serial = db.execute(query).fetchall()
    for setting in ("parallel_setup_cost = 0", "parallel_tuple_cost = 0", "min_parallel_table_scan_size = 0",
                    "max_parallel_workers_per_gather = 2"):
        db.execute(f"SET {setting}")
    plan = "\n".join(row[0] for row in db.execute("EXPLAIN " + query))
    assert "Partial" in plan and db.execute(query).fetchall() == serial
    data = np.array(db.execute("SELECT x, w FROM pnl WHERE i <= 600 ORDER BY i").fetchall(), dtype=float)
    moving = db.execute("""SELECT rk.risk_historical_var(x, 0.9) OVER h, rk.risk_historical_expected_shortfall(x, 0.9, w) OVER h FROM pnl
        WHERE i <= 600 WINDOW h AS (ORDER BY i ROWS 49 PRECEDING)""").fetchall()
    for k, (var, shortfall) in enumerate(moving):
        part = data[max(0, k - 49):k + 1]
        if len(part) > 10:
            assert var == tail(part[:, 0], 0.9)[0]
        assert shortfall == pytest.approx(weighted(part[:, 0], part[:, 1], 0.9)[1], rel=1e-9, abs=1e-9)
    db.execute("DROP TABLE pnl")
