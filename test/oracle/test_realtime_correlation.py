"""risk/realtime-correlation against numpy and scipy, pair by pair."""
import json
import math
import random
import warnings

import numpy as np
import pytest
from scipy.stats import spearmanr

KERNEL = "risk/realtime-correlation"


def stamp(k):
    return f"2024-01-{1 + k // 24:02d}T{k % 24:02d}:00:00Z"


def pairwise(a, b, estimator, decay):
    """Correlation, covariance and count over the times of both."""
    both = ~(np.isnan(a) | np.isnan(b))
    a, b = a[both], b[both]
    n = len(a)
    if estimator == "ewma":
        if n == 0:
            return None, None, 0
        s = np.array([a[0] * a[0], b[0] * b[0], a[0] * b[0]])
        for x, y in zip(a[1:], b[1:]):
            s = decay * s + (1 - decay) * np.array([x * x, y * y, x * y])
        r = s[2] / math.sqrt(s[0] * s[1]) if s[0] > 0 and s[1] > 0 else None
        return r, s[2], n
    if n < 2:
        return None, None, n
    if estimator == "spearman":
        from scipy.stats import rankdata
        a, b = rankdata(a), rankdata(b)
    covariance = np.cov(a, b)[0, 1]
    if a.min() == a.max() or b.min() == b.max():
        return None, covariance, n
    return np.corrcoef(a, b)[0, 1], covariance, n


def hayashi_yoshida(p, q):
    """p, q: lists of (start, end, return)."""
    xy = [x[2] * y[2] for x in p for y in q if max(x[0], y[0]) < min(x[1], y[1])]
    xx, yy = sum(x[2]**2 for x in p), sum(y[2]**2 for y in q)
    return (sum(xy) / math.sqrt(xx * yy) if xy and xx > 0 and yy > 0 else None), (sum(xy) if xy else None), len(xy)


def same(found, expected, tolerance=1e-10):
    if expected is None or found is None:
        return found is None and expected is None
    return abs(found - expected) <= tolerance * max(1, abs(expected))


@pytest.mark.parametrize("batch", range(10))
def test_pairs(db, batch):
    for case in range(25):
        rng = random.Random(f"correlation {batch} {case}")
        n, times = rng.choice((0, 1, 2, 3, 6)), rng.choice((1, 2, 5, 60))
        missing = rng.choice((0, 0, 0.3, 0.7))
        estimator = rng.choice(("pearson", "ewma", "spearman", "hayashi_yoshida"))
        sync = rng.choice(("complete", "complete", "previous_tick"))
        prices = rng.choice((None, "log", "simple"))
        decay = rng.choice((0.94, 0.5, 0.99))
        least = rng.choice((2, 5, 30))
        grid = np.full((n, times), np.nan)
        for i in range(n):
            kind = rng.random()
            for k in range(times):
                if rng.random() >= missing:
                    grid[i, k] = 7.25 if kind < 0.1 else rng.randint(1, 5) if kind < 0.3 else rng.uniform(1, 100)
        rows = [{"asset": f"x{i}", "ts": stamp(k), "value": grid[i, k]} for i in range(n) for k in range(times) if not np.isnan(grid[i, k])]
        rng.shuffle(rows)
        order = list(dict.fromkeys(int(r["asset"][1:]) for r in rows))
        previous = rng.choice((None, times // 2))
        found = db.execute(f"""SELECT * FROM rk.risk_realtime_correlation(%s, id_type => NULL::text, estimator => '{estimator}', lambda => {decay},
            min_observations => {least}, sync => '{sync}', as_returns => %s, as_of_previous => %s)""",
                           (json.dumps(rows), prices, None if previous is None else stamp(previous))).fetchall()
        x = series(grid, prices)
        assert [(r[0], r[1]) for r in found] == [(f"x{a}", f"x{b}") for p, a in enumerate(order) for b in order[p + 1:]]
        for a, b, correlation, covariance, count, before, change in found:
            i, j = int(a[1:]), int(b[1:])
            r, c, m = estimate(x, i, j, times, estimator, sync, decay, order)
            assert count == m and same(covariance, c), (case, covariance, c)
            assert same(correlation, r if m >= least else None), (case, correlation, r)
            if previous is None:
                assert before is None and change is None
                continue
            r0, _, m0 = estimate(x, i, j, previous + 1, estimator, sync, decay, order)
            expected = r0 if m0 >= least else None
            assert same(before, expected)
            assert (change is None) if correlation is None or before is None else same(change, correlation - before)


def series(grid, prices):
    """Of each asset its observations: (start, end, value)."""
    result = []
    for row in grid:
        at = [k for k in range(len(row)) if not np.isnan(row[k])]
        if prices is None:
            result.append([(at[q - 1] if q else -math.inf, k, row[k]) for q, k in enumerate(at)])
        else:
            f = (lambda p, q: math.log(q / p)) if prices == "log" else (lambda p, q: q / p - 1)
            result.append([(p, q, f(row[p], row[q])) for p, q in zip(at, at[1:])])
    return result


def estimate(x, i, j, times, estimator, sync, decay, order):
    p = [o for o in x[i] if o[1] < times]
    q = [o for o in x[j] if o[1] < times]
    if estimator == "hayashi_yoshida":
        return hayashi_yoshida(p, q)
    a, b = np.full(times, np.nan), np.full(times, np.nan)
    for target, source in ((a, p), (b, q)):
        for _, k, value in source:
            target[k] = value
    if sync == "previous_tick":
        # the times of all assets
        used = sorted({o[1] for s in order for o in x[s] if o[1] < times})
        a, b = a[used], b[used]
        for v in (a, b):
            for k in range(1, len(v)):
                if np.isnan(v[k]):
                    v[k] = v[k - 1]
    return pairwise(a, b, estimator, decay)


@pytest.mark.parametrize("n, times", ((40, 500), (3, 4)))
def test_matrix_product(db, n, times):
    """No value missing: the product, against numpy and scipy."""
    x = np.random.default_rng(n).normal(size=(times, n)) @ np.random.default_rng(1).normal(size=(n, n))
    db.execute("CREATE TEMP TABLE observation AS SELECT 1 AS asset, now() AS ts, 1.0::float8 AS value LIMIT 0")
    with db.cursor().copy("COPY observation FROM STDIN") as copy:
        for k in range(times):
            for i in range(n):
                copy.write_row((i, f"2024-01-01 00:00:00+00".replace("01-01", f"{1 + k // 600:02d}-01").replace("00:00:00", f"{k % 600 // 60:02d}:{k % 60:02d}:00"), float(x[k, i])))
    for estimator, expected in (("pearson", np.corrcoef(x.T)), ("spearman", spearmanr(x).statistic if n > 2 else None)):
        r = np.eye(n)
        for i, j, value in db.execute("SELECT asset_i, asset_j, correlation FROM rk.risk_realtime_correlation('observation', estimator => %s, min_observations => 2)", (estimator,)):
            r[i, j] = r[j, i] = value
        assert np.allclose(r, expected, rtol=0, atol=1e-12)
    db.execute("DROP TABLE observation")


@pytest.mark.parametrize("seed", range(40))
def test_aggregate(db, seed):
    rng = np.random.default_rng(seed)
    rows, d = int(rng.integers(1, 40)), int(rng.integers(1, 7))
    x = rng.normal(1e3, 1, (rows, d))
    if seed % 4 == 0:
        x[:, 0] = 5
    found = db.execute("SELECT rk.correlation_matrix(f::float8[]) FROM unnest(%s::text[]) f",
                       (["{" + ",".join(map(repr, map(float, row))) + "}" for row in x],)).fetchone()[0]
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        expected = np.atleast_2d(np.corrcoef(x.T)) if rows > 1 else np.full((d, d), np.nan)
    if seed % 4 == 0:
        expected[0, :] = expected[:, 0] = np.nan
    assert np.allclose(np.array(found).reshape(d, d), expected, rtol=0, atol=1e-9, equal_nan=True)
