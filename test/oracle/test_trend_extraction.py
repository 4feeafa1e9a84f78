"""temporal/trend-extraction against numpy, scipy and statsmodels."""
import warnings

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.signal import savgol_filter
from statsmodels.nonparametric.smoothers_lowess import lowess
from statsmodels.tsa.filters.hp_filter import hpfilter

from timeseries import column, levels, run, run_array

KERNEL = "temporal/trend-extraction"
FUNCTION = "temporal_trend_extraction"


def draws(seed, count=30, least=1):
    rng = np.random.default_rng(seed)
    return [levels(rng, int(rng.integers(least, 60))) + 100 for _ in range(count)]


def check(rows, x, trend, slope=None, tolerance=1e-10):
    found = column(rows, "trend")
    np.testing.assert_allclose(found, trend, rtol=tolerance)
    np.testing.assert_allclose(column(rows, "detrended"), x - found, rtol=1e-12, atol=1e-12)
    slope = np.r_[np.nan, np.diff(found)] if slope is None else slope
    np.testing.assert_allclose(column(rows, "slope"), slope, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("window", [1, 2, 5, 8])
def test_moving_averages(db, window):
    xs = draws(window)
    for x, rows in zip(xs, run(db, FUNCTION, xs, window_size=window)):
        check(rows, x, [x[max(0, i - window + 1):i + 1].mean() for i in range(len(x))])
    for x, rows in zip(xs, run(db, FUNCTION, xs, window_size=window, boundary="null")):
        w = min(window, len(x))
        check(rows, x, [x[i - w + 1:i + 1].mean() if i >= w - 1 else np.nan for i in range(len(x))])
    for boundary in ("shrink", "null"):
        for x, rows in zip(xs, run(db, FUNCTION, xs, window_size=window, method="cma", boundary=boundary)):
            w = min(window, len(x))
            weights = np.ones(w) if w % 2 else np.r_[0.5, np.ones(w - 1), 0.5]
            half, expected = w // 2, []
            for i in range(len(x)):
                inside = [(k, j) for k, j in enumerate(range(i - half, i + half + 1)) if 0 <= j < len(x)]
                whole = len(inside) == 2 * half + 1
                expected.append(sum(weights[k] * x[j] for k, j in inside) / sum(weights[k] for k, _ in inside)
                                if whole or boundary == "shrink" else np.nan)
            check(rows, x, expected)
    for alpha in (None, 0.3):
        params = {} if alpha is None else {"alpha": alpha}
        for x, rows in zip(xs, run(db, FUNCTION, xs, window_size=window, method="ema", **params)):
            a, y = 2 / (window + 1) if alpha is None else alpha, [x[0]]
            for value in x[1:]:
                y.append(a * value + (1 - a) * y[-1])
            check(rows, x, y)


@pytest.mark.parametrize("robust", [0, 2])
def test_lowess(db, robust):
    for window in (3, 5, 8, 20):
        xs = draws(window + robust, 15, least=window)
        for x, rows in zip(xs, run(db, FUNCTION, xs, method="lowess", window_size=window, robust_iterations=robust)):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                peer = lowess(x, np.arange(len(x)), frac=window / len(x), it=robust, delta=0, return_sorted=False)
            known = ~np.isnan(peer)
            np.testing.assert_allclose(column(rows, "trend")[known], peer[known], rtol=1e-8)


def test_hp_savgol_linear(db):
    xs = draws(1, 30, least=4)
    for lamb in (0, 5.0, 1600.0):
        for x, rows in zip(xs, run(db, FUNCTION, xs, method="hp", **{"lambda": lamb})):
            n = len(x)
            k = np.diff(np.eye(n), 2, axis=0)
            check(rows, x, np.linalg.solve(np.eye(n) + lamb * k.T @ k, x), tolerance=1e-9)
    np.testing.assert_allclose(column(run_array(db, FUNCTION, xs[0], method="hp"), "trend"), hpfilter(xs[0], 1600)[1], rtol=1e-9)
    for window, order in ((5, 2), (9, 4), (3, 0), (15, 7)):
        ys = draws(window, 20, least=window)
        for x, rows in zip(ys, run(db, FUNCTION, ys, method="savgol", window_size=window, poly_order=order)):
            check(rows, x, savgol_filter(x, window, order), tolerance=1e-9)
    for x, rows in zip(xs, run(db, FUNCTION, xs, method="linear")):
        b, a = np.polyfit(np.arange(len(x)), x, 1)
        check(rows, x, a + b * np.arange(len(x)), np.full(len(x), b), 1e-9)


def holt(x, a, b):
    level, step, errors, out = x[0], x[1] - x[0], 0, [(x[0], x[1] - x[0])]
    for value in x[1:]:
        before, error = level, value - level - step
        errors += error * error
        level = level + step + a * error
        step = b * (level - before) + (1 - b) * step
        out.append((level, step))
    return errors, np.array(out)


def test_holt(db):
    xs = draws(2, 20, least=8)
    for x, rows in zip(xs, run(db, FUNCTION, xs, method="holt", alpha=0.4, beta=0.2)):
        _, expected = holt(x, 0.4, 0.2)
        check(rows, x, expected[:, 0], expected[:, 1])
    for x, rows in zip(xs, run(db, FUNCTION, xs, method="holt")):
        trend, slope = column(rows, "trend"), column(rows, "slope")
        found = np.sum((x[1:] - trend[:-1] - slope[:-1]) ** 2)
        best = min(minimize(lambda p: holt(x, *p)[0], start, method="L-BFGS-B", bounds=[(1e-4, 1)] * 2).fun
                   for start in ((0.5, 0.1), (0.9, 0.5), (0.1, 0.1), (0.3, 0.9)))
        assert found <= best * (1 + 1e-6)


def test_worked(db):
    y = [2, 4, 5, 4, 5, 7, 8]
    for params, expected in (
            ({"method": "lowess"}, [2.40136755, 3.50359119, 4.42737896, 4.57262104, 5.28631052, 6.70051441, 8.12767459]),
            ({"method": "savgol"}, [2.22857143, 3.68571429, 4.57142857, 4.42857143, 5.08571429, 6.34285714, 8.31428571])):
        np.testing.assert_allclose(column(run_array(db, FUNCTION, y, **params), "trend"), expected, atol=1e-8)
    hp = column(run_array(db, FUNCTION, y, method="hp", **{"lambda": 100.0}), "trend")
    np.testing.assert_allclose(hp[[0, -1]], [2.43679725, 7.58634261], atol=1e-8)
