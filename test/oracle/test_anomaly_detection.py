"""temporal/anomaly-detection against the formulas with numpy, scipy, statsmodels."""
import numpy as np
import pytest
from scipy.stats import t as student
from statsmodels.tsa.seasonal import STL

from timeseries import column, levels, run, run_array, seasonal

KERNEL = "temporal/anomaly-detection"
FUNCTION = "temporal_anomaly_detection"


def draws(seed, count=40):
    rng = np.random.default_rng(seed)
    xs = [np.round(levels(rng, int(rng.integers(1, 80))), rng.integers(0, 6)) + 50 for _ in range(count)]
    for x in xs:
        x[rng.integers(len(x))] += rng.choice([0, 30, -30])
    return xs


def mad(x):
    return np.median(np.abs(x - np.median(x)))


def score(d, scale):
    with np.errstate(all="ignore"):
        return np.where(np.asarray(scale) > 0, np.abs(d) / scale, np.where(np.abs(d) < 1e-12, 0, np.inf))


def check(rows, x, expected, scale, threshold, direction="both"):
    np.testing.assert_allclose(column(rows, "expected"), expected, rtol=1e-9, atol=1e-9)
    s = score(x - expected, scale)
    clear = np.abs(s - threshold) > 1e-6 * threshold
    np.testing.assert_allclose(column(rows, "score")[np.isfinite(s)], s[np.isfinite(s)], rtol=1e-6, atol=1e-9)
    assert [r["score"] == np.inf for r in rows] == list(np.isinf(s))
    way = {"both": np.full(len(x), True), "up": x > expected, "down": x < expected}[direction]
    assert np.array_equal(np.array([r["is_anomaly"] for r in rows])[clear], ((s > threshold) & way)[clear])
    np.testing.assert_allclose(column(rows, "lower"), expected - threshold * scale, rtol=1e-9, atol=1e-8)
    np.testing.assert_allclose(column(rows, "upper"), expected + threshold * scale, rtol=1e-9, atol=1e-8)


@pytest.mark.parametrize("direction", ["both", "up", "down"])
def test_global(db, direction):
    xs = draws(1)
    for x, rows in zip(xs, run(db, FUNCTION, xs, direction=direction)):
        check(rows, x, np.full(len(x), x.mean()), x.std(ddof=1) if len(x) > 1 else 0, 3, direction)
    for x, rows in zip(xs, run(db, FUNCTION, xs, direction=direction, method="mad", threshold=2.0)):
        check(rows, x, np.full(len(x), np.median(x)), mad(x) / 0.67448975019608171, 2, direction)
    for x, rows in zip(xs, run(db, FUNCTION, xs, direction=direction, method="iqr")):
        q1, q2, q3 = np.quantile(x, [0.25, 0.5, 0.75])
        low, high = q1 - 1.5 * (q3 - q1), q3 + 1.5 * (q3 - q1)
        beyond = np.where(x > high, x - high, np.where(x < low, x - low, 0))
        beyond[np.abs(beyond) < 1e-12] = 0
        s = score(beyond, q3 - q1)
        np.testing.assert_allclose(column(rows, "score"), s, rtol=1e-9, atol=1e-12)
        way = {"both": beyond != 0, "up": beyond > 0, "down": beyond < 0}[direction]
        assert [r["is_anomaly"] for r in rows] == list(way)
        assert all(abs(r["expected"] - q2) < 1e-9 and abs(r["lower"] - low) < 1e-9 for r in rows)


def test_rolling(db):
    for window in (2, 5, 30):
        xs = draws(window)
        for x, rows in zip(xs, run(db, FUNCTION, xs, window_size=window)):
            expected, scale = np.full(len(x), np.nan), np.full(len(x), np.nan)
            for i in range(2, len(x)):
                before = x[max(0, i - window):i]
                expected[i] = before.mean()
                scale[i] = 0 if np.ptp(before) == 0 else before.std(ddof=1)
            assert all(r["score"] == 0 and r["expected"] is None and not r["is_anomaly"] for r in rows[:2])
            if len(x) > 2:
                check(rows[2:], x[2:], expected[2:], scale[2:], 3)


def test_moving_average(db):
    xs = draws(4)
    for x, rows in zip(xs, run(db, FUNCTION, xs, method="moving_average", window_size=5)):
        w = min(5, len(x))
        if w % 2 == 0:
            continue
        centre = np.array([x[max(0, i - w // 2):i + w // 2 + 1].mean() for i in range(len(x))])
        if mad(x - centre) > 1e-9:
            check(rows, x, centre, mad(x - centre) / 0.67448975019608171, 3)


def esd(r, most, level, direction):
    """Rosner's test with median and MAD; positions of the anomalies."""
    left, removed, found = list(range(len(r))), [], 0
    for i in range(1, most + 1):
        v = r[left]
        d = v - np.median(v)
        d = {"both": np.abs(d), "up": d, "down": -d}[direction]
        k = int(np.argmax(d))
        m = len(v)
        t = student.ppf(1 - level / ((2 if direction == "both" else 1) * m), m - 2)
        if d[k] / (mad(v) / 0.67448975019608171) > (m - 1) * t / np.sqrt((m - 2 + t * t) * m):
            found = i
        removed.append(left.pop(k))
    return sorted(removed[:found])


@pytest.mark.parametrize("direction", ["both", "up", "down"])
def test_seasonal(db, direction):
    rng = np.random.default_rng(5)
    for _ in range(12):
        period = int(rng.integers(4, 13))
        x = seasonal(rng, int(rng.integers(4 * period, 10 * period)), period)
        for _ in range(4):
            x[rng.integers(len(x))] += rng.choice([-25, 25])
        peer = STL(x, period=period, robust=True).fit()
        r = x - peer.seasonal - np.median(x)
        rows = run_array(db, FUNCTION, x, method="seasonal_esd", period=period, direction=direction)
        assert [r["t"] - 1 for r in rows if r["is_anomaly"]] == esd(r, int(0.1 * len(x)), 0.05, direction)
        rows = run_array(db, FUNCTION, x, method="stl", period=period, direction=direction)
        check(rows, x, peer.trend + peer.seasonal + np.median(peer.resid), mad(peer.resid) / 0.67448975019608171, 3.5, direction)


def test_worked(db):
    rows = run_array(db, FUNCTION, [1, 2, 3, 4, 5, 6, 7, 8, 100], method="iqr")
    last = rows[-1]
    assert (last["expected"], last["lower"], last["upper"], last["score"], last["is_anomaly"]) == (5, -3, 13, 21.75, True)
    flat = run_array(db, FUNCTION, [4] * 20 + [9], window_size=10)
    assert flat[-1]["score"] == np.inf and flat[-1]["is_anomaly"] and flat[-2]["score"] == 0
