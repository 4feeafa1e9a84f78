"""temporal/changepoint-detection against optimal partitioning and ruptures."""
import numpy as np
import pytest
import ruptures
import statsmodels.api as sm
from scipy.stats import rankdata

from timeseries import call, column, levels, run, run_array, sql

KERNEL = "temporal/changepoint-detection"
FUNCTION = "temporal_changepoint_detection"


def starts(rows):
    return [r["start_t"] - 1 for r in rows[1:]]


def costs(kind, x):
    """The cost of [a, b) by the definition."""
    if kind == "rank":
        r = rankdata(x) - (len(x) + 1) / 2
        variance = np.mean(r * r)

    def cost(a, b):
        y = x[a:b]
        m = len(y)
        if kind == "l2":
            return np.sum((y - y.mean()) ** 2)
        if kind == "l1":
            return np.sum(np.abs(y - np.median(y)))
        if kind == "normal":
            return m * np.log(max(np.var(y), 1e-12))
        if kind == "poisson":
            s = y.sum()
            return 2 * (s - s * np.log(s / m)) if s > 0 else 0
        if kind == "rank":
            return -m * r[a:b].mean() ** 2 / variance if variance else 0
        t = np.arange(m)
        line = np.polyval(np.polyfit(t, y, 1), t) if m > 1 else y
        return np.sum((y - line) ** 2)
    return cost


def optimum(x, kind, m, penalty=None, k=None):
    """The least cost by dynamic programming over all segments."""
    n = len(x)
    cost = costs(kind, x)
    table = {(a, b): cost(a, b) for a in range(n) for b in range(a + m, n + 1)}
    if k is None:
        best = [-penalty] + [np.inf] * n
        for t in range(m, n + 1):
            best[t] = min(best[s] + table[s, t] + penalty for s in range(t - m + 1))
        return best[n]
    best = [[np.inf] * (n + 1) for _ in range(k + 1)]
    for t in range(m, n + 1):
        best[0][t] = table[0, t]
        for j in range(1, k + 1):
            best[j][t] = min((best[j - 1][s] + table[s, t] for s in range(m, t - m + 1)), default=np.inf)
    return best[k][n]


def draw(rng, kind, n):
    x = levels(rng, n)
    if kind == "poisson":
        return rng.poisson(np.exp(np.clip(x, -2, 3))).astype(float)
    if kind == "l1" or kind == "rank":
        return np.round(x, rng.integers(0, 3))
    return x


@pytest.mark.parametrize("kind", ["l2", "l1", "normal", "poisson", "rank", "linear"])
def test_exact_minimum(db, kind):
    rng = np.random.default_rng(len(kind) + ord(kind[0]))
    xs = [draw(rng, kind, int(rng.integers(6, 36))) for _ in range(40)]
    m = 3 if kind in ("linear", "normal") else 2
    for penalty in (0.5, 4.0):
        for x, rows in zip(xs, run(db, FUNCTION, xs, cost=kind, penalty=penalty, min_segment=m)):
            expected = optimum(x, kind, m, penalty=penalty)
            assert abs(rows[0]["total_cost"] - expected) <= 1e-9 * max(1, abs(expected), np.sum(x * x))
            found = starts(rows)
            cost = costs(kind, x)
            edges = [0, *found, len(x)]
            assert min(np.diff(edges)) >= m
            total = sum(cost(a, b) for a, b in zip(edges, edges[1:])) + penalty * len(found)
            assert abs(total - expected) <= 1e-9 * max(1, abs(expected), np.sum(x * x))
            for i in range(1, len(edges) - 1):
                gain = cost(edges[i - 1], edges[i + 1]) - cost(edges[i - 1], edges[i]) - cost(edges[i], edges[i + 1])
                assert abs(rows[i]["gain"] - gain) <= 1e-8 * max(1, abs(gain), np.sum(x * x))
    for x, rows in zip(xs[:15], run(db, FUNCTION, xs[:15], cost=kind, method="opt", n_changepoints=1, min_segment=m)):
        if len(x) >= 2 * m:
            expected = optimum(x, kind, m, k=1)
            assert abs(rows[0]["total_cost"] - expected) <= 1e-9 * max(1, abs(expected), np.sum(x * x))
            assert len(rows) == 2


def test_ruptures(db):
    rng = np.random.default_rng(7)
    xs = [levels(rng, int(rng.integers(30, 300))) for _ in range(60)]
    penalty = 6.5
    for x, rows in zip(xs, run(db, FUNCTION, xs, penalty=penalty)):
        kernel = ruptures.KernelCPD(kernel="linear", min_size=2).fit(x.reshape(-1, 1))
        assert starts(rows) == kernel.predict(pen=penalty)[:-1]
        edges = [0, *starts(rows), len(x)]
        for r, a, b in zip(rows, edges, edges[1:]):
            assert (r["start_t"], r["end_t"], r["n"]) == (a + 1, b, b - a)
            assert abs(r["mean"] - x[a:b].mean()) <= 1e-12 * max(1, abs(x).max())
            assert abs(r["variance"] - np.var(x[a:b], ddof=1)) <= 1e-10 * max(1, np.var(x[a:b]))
    for method, peer in (("binseg", ruptures.Binseg), ("bottomup", ruptures.BottomUp)):
        for x, rows in zip(xs[:20], run(db, FUNCTION, xs[:20], penalty=penalty, method=method)):
            assert starts(rows) == peer(model="l2", min_size=2, jump=1).fit(x).predict(pen=penalty)[:-1], method
        for x, rows in zip(xs[20:40], run(db, FUNCTION, xs[20:40], n_changepoints=3, method=method)):
            assert starts(rows) == peer(model="l2", min_size=2, jump=1).fit(x).predict(n_bkps=3)[:-1], method
    for x, rows in zip(xs[:10], run(db, FUNCTION, xs[:10], n_changepoints=2, method="opt")):
        assert starts(rows) == ruptures.KernelCPD(kernel="linear", min_size=2).fit(x.reshape(-1, 1)).predict(n_bkps=2)[:-1]


def test_window(db):
    """Two clear levels: the window finds the step where ruptures does."""
    rng = np.random.default_rng(3)
    for _ in range(20):
        n, at = 120, int(rng.integers(30, 90))
        x = np.r_[rng.normal(0, 0.3, at), rng.normal(5, 0.3, n - at)]
        rows = run_array(db, FUNCTION, x, method="window", window_size=20, n_changepoints=1)
        peer = ruptures.Window(width=20, model="l2", jump=1, min_size=2).fit(x).predict(n_bkps=1)
        assert starts(rows) == peer[:-1] == [at]


def cusum(x, threshold, m):
    """Page's two-sided chart, restarted at every change."""
    n, a, found = len(x), 0, []
    learn = max(10, min(50, n // 4))
    while a + learn < n:
        y = x[a:a + learn]
        z = (x[a + learn:] - y.mean()) / y.std(ddof=1)
        high = low = 0.0
        zero = {1: a + learn, -1: a + learn}
        change = None
        for i, value in enumerate(z, a + learn):
            high, low = max(0, high + value - 0.5), max(0, low - value - 0.5)
            zero[1] = i + 1 if high == 0 else zero[1]
            zero[-1] = i + 1 if low == 0 else zero[-1]
            if max(high, low) > threshold:
                change = zero[1] if high > threshold else zero[-1]
                break
        if change is None or change - a < m or n - change < m:
            break
        found.append(change)
        a = change
    return found


def test_cusum(db):
    rng = np.random.default_rng(4)
    xs = [levels(rng, int(rng.integers(20, 200))) for _ in range(40)]
    for x, rows in zip(xs, run(db, FUNCTION, xs, method="cusum")):
        assert starts(rows) == cusum(x, 5, 2)


def test_features(db):
    """Several dimensions: the sum of their costs."""
    rng = np.random.default_rng(5)
    for _ in range(15):
        n, d = int(rng.integers(20, 80)), int(rng.integers(2, 4))
        x = np.column_stack([levels(rng, n) for _ in range(d)])
        query = ("SELECT t, features FROM (VALUES " +
                 ", ".join(f"({t}, ARRAY[{', '.join(map(repr, row.tolist()))}]::float8[])" for t, row in enumerate(x)) +
                 ") v (t, features)")
        rows = call(db, FUNCTION, sql.Literal(query), penalty=8.0)
        peer = ruptures.KernelCPD(kernel="linear", min_size=2).fit(x).predict(pen=8.0)
        assert starts(rows) == peer[:-1]
        assert rows[0]["mean"] is None


def test_nile(db):
    x = np.asarray(sm.datasets.nile.load_pandas().data["volume"])
    rows = run_array(db, FUNCTION, x, n_permutations=199)
    assert starts(rows) == [28]
    np.testing.assert_allclose(column(rows, "mean"), [1097.75, 849.97222], rtol=1e-7)
    assert abs(rows[0]["total_cost"] - 122484.28 - 1597457.194) < 0.01
    assert rows[1]["p_value"] == 1 / 200 and rows[1]["confidence"] == 1 - 1 / 200
    assert run_array(db, FUNCTION, x, n_permutations=199) == rows


def test_noise_has_valid_p_values(db):
    rng = np.random.default_rng(6)
    xs = [rng.normal(size=40) for _ in range(100)]
    p = [rows[1]["p_value"] for rows in run(db, FUNCTION, [np.r_[x[:20], x[20:]] for x in xs], method="opt",
                                            n_changepoints=1, min_segment=20, n_permutations=99)]
    assert 0.35 < np.mean(p) < 0.65
