"""temporal/volatility-analysis: the aggregates against the formulas with numpy."""
import numpy as np

KERNEL = "temporal/volatility-analysis"


def bars(rng, n):
    """Bars of a random walk, with gaps over night."""
    price, rows = 100.0, []
    for _ in range(n):
        path = price * np.exp(rng.normal(0, 0.01) + np.cumsum(rng.normal(0, 0.005, 20)))
        rows.append((path[0], path.max(), path.min(), path[-1]))
        price = path[-1]
    return np.array(rows)


def expected(b):
    o, h, l, c = np.log(b).T
    rs = (h - o) * (h - c) + (l - o) * (l - c)
    result = [np.sqrt(np.mean((h - l) ** 2) / (4 * np.log(2))),
              np.sqrt(np.mean(0.5 * (h - l) ** 2 - (2 * np.log(2) - 1) * (c - o) ** 2)), np.sqrt(np.mean(rs)), None]
    m = len(b) - 1
    if m > 1:
        k = 0.34 / (1.34 + (m + 1) / (m - 1))
        result[3] = np.sqrt(np.var(o[1:] - c[:-1], ddof=1) + k * np.var((c - o)[1:], ddof=1) + (1 - k) * rs[1:].mean())
    return result


BAR_SQL = """rk.parkinson_volatility(high, low), rk.garman_klass_volatility(open, high, low, close),
    rk.rogers_satchell_volatility(open, high, low, close), rk.yang_zhang_volatility(open, high, low, close ORDER BY t)"""


def close(found, wanted):
    return all((f is None) == (w is None) and (f is None or abs(f - w) <= 1e-12 + 1e-9 * abs(w)) for f, w in zip(found, wanted))


def test_bars(db):
    rng = np.random.default_rng(1)
    db.execute("CREATE TEMP TABLE bar (s int, t int, open float8, high float8, low float8, close float8)")
    series = [bars(rng, int(rng.integers(1, 40))) for _ in range(200)]
    with db.cursor().copy("COPY bar FROM STDIN") as copy:
        for s, b in enumerate(series):
            for t, row in enumerate(b.tolist()):
                copy.write_row((s, t, *row))
    for s, *found in db.execute(f"SELECT s, {BAR_SQL} FROM bar GROUP BY s"):
        assert close(found, expected(series[s]))
    sql = BAR_SQL.replace(" ORDER BY t", "").replace(")", ") OVER w").replace("low) OVER w", "low) OVER w")
    for s, t, *found in db.execute(f"SELECT s, t, {sql} FROM bar WHERE s < 20 WINDOW w AS (PARTITION BY s ORDER BY t ROWS 9 PRECEDING)"):
        assert close(found, expected(series[s][max(0, t - 9):t + 1]))


def test_returns(db):
    rng = np.random.default_rng(2)
    for _ in range(200):
        r = rng.normal(0, 0.01, int(rng.integers(1, 60)))
        lam = float(rng.uniform(0.5, 0.99))
        found = db.execute("""SELECT rk.realized_volatility(x), rk.ewma_volatility(x ORDER BY i), rk.ewma_volatility(x, %s ORDER BY i)
            FROM unnest(%s::float8[]) WITH ORDINALITY u (x, i)""", (lam, r.tolist())).fetchone()
        wanted = [np.sqrt(np.mean(r * r))]
        for factor in (0.94, lam):
            v = np.var(r, ddof=1) if len(r) > 1 else None
            for x in r if v is not None else ():
                v = factor * v + (1 - factor) * x * x
            wanted.append(None if v is None else np.sqrt(v))
        assert close(found, wanted)


def test_worked(db):
    found = db.execute("""SELECT rk.parkinson_volatility(110, 100), rk.garman_klass_volatility(100, 110, 100, 105),
        rk.rogers_satchell_volatility(100, 110, 100, 105)""").fetchone()
    np.testing.assert_allclose(found, [0.05723960, 0.06018679, 0.06658702], atol=1e-8)
