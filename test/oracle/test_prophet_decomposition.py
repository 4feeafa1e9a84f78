"""temporal/prophet-decomposition against prophet, and against the posterior itself."""
import json
import logging
import warnings

import numpy as np
import pandas as pd
import pytest

from timeseries import call, column, run, run_array

KERNEL = "temporal/prophet-decomposition"
FUNCTION = "temporal_prophet_decomposition"

logging.getLogger("cmdstanpy").disabled = True
logging.getLogger("prophet").setLevel(logging.ERROR)


def fourier(days, period, order):
    return np.column_stack([f(2 * np.pi * (i + 1) * days / period) for i in range(order) for f in (np.sin, np.cos)])


def daily(rng, n, yearly=True, noise=1.0):
    t = np.arange(n)
    slope = np.cumsum(np.where(rng.random(n) < 3 / n, rng.normal(0, 0.05), 0)) + rng.normal(0, 0.02)
    y = 100 + np.cumsum(slope) + 3 * np.sin(2 * np.pi * t / 7 + rng.uniform(0, 6))
    if yearly:
        y += 8 * np.cos(2 * np.pi * t / 365.25 + rng.uniform(0, 6))
    return y + rng.normal(0, noise, n)


def run_dates(db, series, start="2020-01-01", extra="", **params):
    """The rows of daily series, all in one call; extra columns follow value."""
    db.execute("SET timezone = 'UTC'")
    db.execute("DROP TABLE IF EXISTS days")
    db.execute("CREATE TEMP TABLE days (series_id bigint, ts date, value float8)")
    dates = pd.date_range(start, periods=max(map(len, series)))
    with db.cursor().copy("COPY days FROM STDIN") as copy:
        for number, values in enumerate(series):
            for day, value in zip(dates, values):
                copy.write_row((number, day.date(), None if np.isnan(value) else float(value)))
    from psycopg import sql
    result = [[] for _ in series]
    for row in call(db, FUNCTION, sql.Literal(f"SELECT *{extra} FROM days"), **params):
        result[row["series_id"]].append(row)
    return result


def posterior(y, theta, sigma, design, tau, ridge, changes):
    """Negative log density; design for slope, offset, changes and coefficients."""
    rest = y - design @ theta
    return (len(y) * np.log(sigma) + rest @ rest / (2 * sigma**2) + 2 * sigma**2 + theta[:2] @ theta[:2] / 50 +
            np.abs(theta[2:2 + changes]).sum() / tau + (ridge * theta[2 + changes:]**2).sum() / 2)


def design_of(n, features, n_changepoints=25, span=0.8):
    t = np.arange(n) / (n - 1)
    size = int(np.floor(n * span))
    at = t[np.linspace(0, size - 1, n_changepoints + 1).round().astype(int)[1:]]
    hinges = np.maximum(t[:, None] - at, 0)
    return np.column_stack([t, np.ones(n), hinges, features]), at


def test_maximum(db):
    """No other point has a higher posterior: the gradient is 0, or within the penalty of changes."""
    rng = np.random.default_rng(1)
    xs = [daily(rng, int(rng.integers(60, 300)), yearly=False, noise=rng.choice([0.3, 2.0])) for _ in range(200)]
    for x, rows in zip(xs, run_dates(db, xs, horizon=0)):
        n, scale = len(x), np.abs(x).max()
        days = 18262 + np.arange(n)
        design, at = design_of(n, fourier(days, 7, 3))
        # the trend tells slope, offset and changes, the season its coefficients
        theta = np.r_[np.linalg.lstsq(design[:, :27], column(rows, "trend") / scale, rcond=None)[0],
                      np.linalg.lstsq(design[:, 27:], column(rows, "seasonal") / scale, rcond=None)[0]]
        z = 1.2815515655446004
        sigma = (column(rows, "upper")[0] - column(rows, "lower")[0]) / (2 * z * scale)
        rest = x / scale - design @ theta
        np.testing.assert_allclose(rest * scale, column(rows, "residual"), atol=1e-6 * scale)
        gradient = -design.T @ rest / sigma**2
        gradient[:2] += theta[:2] / 25
        gradient[27:] += theta[27:] / 100
        steep = np.abs(design.T @ design).max(axis=1) / sigma**2
        changes = gradient[2:27]
        moving = np.abs(theta[2:27]) > 1e-6
        assert np.all(np.abs(changes) <= 20 + 1e-3 * steep[2:27])
        np.testing.assert_allclose(changes[moving] / 20, -np.sign(theta[2:27][moving]), atol=5e-2)
        assert np.all(np.abs(np.r_[gradient[:2], gradient[27:]]) <= 1e-5 * np.r_[steep[:2], steep[27:]])
        assert sigma == pytest.approx(np.sqrt((-n + np.sqrt(n * n + 16 * rest @ rest)) / 8), rel=1e-3)


@pytest.mark.parametrize("params, peer", [
    ({}, {}), ({"seasonality_mode": "multiplicative"}, {"seasonality_mode": "multiplicative"}),
    ({"changepoint_prior_scale": 0.5, "n_changepoints": 10, "changepoint_range": 0.9},
     {"changepoint_prior_scale": 0.5, "n_changepoints": 10, "changepoint_range": 0.9}),
    ({"growth": "flat"}, {"growth": "flat"})], ids=["default", "multiplicative", "loose", "flat"])
def test_against_prophet(db, params, peer):
    prophet = pytest.importorskip("prophet")
    rng = np.random.default_rng(2)
    xs = [daily(rng, 800)]
    for x, rows in zip(xs, run_dates(db, xs, horizon=365, **params)):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            m = prophet.Prophet(uncertainty_samples=1000, **peer)
            np.random.seed(1)
            m.fit(pd.DataFrame({"ds": pd.date_range("2020-01-01", periods=800), "y": x}), seed=1)
            f = m.predict(m.make_future_dataframe(365))
        span = x.max() - x.min()
        theirs = m.params
        tau = peer.get("changepoint_prior_scale", 0.05)
        np.testing.assert_allclose(column(rows, "expected")[:800], f.yhat[:800], atol=0.01 * span)
        # where the trend goes depends on the last change, which prophet stops short of
        far = np.abs(column(rows, "expected")[800:] - f.yhat[800:]).max()
        assert far <= (0.03 if tau < 0.1 else 0.15) * span
        widths = column(rows, "upper") - column(rows, "lower")
        np.testing.assert_allclose(np.median(widths[:800]), np.median((f.yhat_upper - f.yhat_lower)[:800]), rtol=0.1)
        if params.get("growth") != "flat":
            ratio = widths[1000] / (f.yhat_upper - f.yhat_lower)[1000]
            assert 0.7 < ratio < 1.4
        if params.get("seasonality_mode") is None:
            scale = np.abs(x).max()
            days = 18262 + np.arange(800)
            changes = 0 if params.get("growth") == "flat" else peer.get("n_changepoints", 25)
            features = np.column_stack([fourier(days, 365.25, 10), fourier(days, 7, 3)])
            design, _ = design_of(800, features, peer.get("n_changepoints", 25), peer.get("changepoint_range", 0.8))
            if changes == 0:
                design = np.column_stack([np.zeros(800), np.ones(800), features])
            head = 2 + changes
            ours = np.r_[np.linalg.lstsq(design[:, :head], column(rows, "trend")[:800] / scale, rcond=None)[0],
                         np.linalg.lstsq(design[:, head:], column(rows, "seasonal")[:800] / scale, rcond=None)[0]]
            sigma = widths[0] / (2 * 1.2815515655446004 * scale)
            known = np.r_[0 if changes == 0 else theirs["k"][0], theirs["m"][0], theirs["delta"][0][:changes], theirs["beta"][0]]
            ridge = np.full(features.shape[1], 0.01)
            assert (posterior(x / scale, ours, sigma, design, tau, ridge, changes) <=
                    posterior(x / scale, known, theirs["sigma_obs"][0][0] if np.ndim(theirs["sigma_obs"]) > 1 else theirs["sigma_obs"][0],
                              design, tau, ridge, changes) + 0.1)


def test_logistic(db):
    prophet = pytest.importorskip("prophet")
    rng = np.random.default_rng(3)
    t = np.arange(400)
    x = 5 + 95 / (1 + np.exp(-(t - 200) / 50)) + rng.normal(0, 1, 400)
    rows, = run_dates(db, [x], extra=", 110 AS cap, 2 AS floor", growth="logistic", horizon=60, weekly="off")
    m = prophet.Prophet(growth="logistic", weekly_seasonality=False)
    df = pd.DataFrame({"ds": pd.date_range("2020-01-01", periods=400), "y": x, "cap": 110.0, "floor": 2.0})
    m.fit(df, seed=1)
    future = m.make_future_dataframe(60)
    future["cap"], future["floor"] = 110.0, 2.0
    f = m.predict(future)
    np.testing.assert_allclose(column(rows, "expected")[:400], f.yhat[:400], atol=1.0)
    np.testing.assert_allclose(column(rows, "expected")[400:], f.yhat[400:], atol=2.0)
    assert np.all(column(rows, "trend") < 110) and np.all(column(rows, "trend_upper") < 110)


def test_holidays_and_regressors(db):
    prophet = pytest.importorskip("prophet")
    rng = np.random.default_rng(4)
    n = 300
    dates = pd.date_range("2020-01-01", periods=n + 10)
    days = ["2020-03-17", "2020-07-04", "2020-09-07", "2020-10-28"]
    holidays = pd.DataFrame({"holiday": "fair", "ds": pd.to_datetime(days), "lower_window": -1, "upper_window": 0})
    z = rng.normal(5, 2, n + 10)
    x = daily(rng, n, yearly=False, noise=0.5) + 2.0 * z[:n]
    x[dates[:n].isin(holidays.ds)] += 20
    x[(dates[:n] + pd.Timedelta(days=1)).isin(holidays.ds)] += 8
    db.execute("SET timezone = 'UTC'")
    db.execute("DROP TABLE IF EXISTS explained")
    db.execute("CREATE TEMP TABLE explained (ts date, value float8, x_z float8)")
    with db.cursor().copy("COPY explained FROM STDIN") as copy:
        for i in range(n + 10):
            copy.write_row((dates[i].date(), x[i] if i < n else None, z[i]))
    calendar = json.dumps([{"holiday": "fair", "ts": d, "lower_window": -1} for d in days])
    from psycopg import sql
    rows = call(db, FUNCTION, sql.Literal("explained"), holidays=calendar, horizon=10)
    m = prophet.Prophet(holidays=holidays)
    m.add_regressor("z")
    m.fit(pd.DataFrame({"ds": dates[:n], "y": x, "z": z[:n]}), seed=1)
    f = m.predict(pd.DataFrame({"ds": dates, "z": z}))
    span = x.max() - x.min()
    np.testing.assert_allclose(column(rows, "expected"), f.yhat, atol=0.01 * span)
    np.testing.assert_allclose(column(rows, "holiday_effect"), f.holidays, atol=0.01 * span)
    np.testing.assert_allclose([r["components"]["x_z"] for r in rows], f.z, atol=0.01 * span)
    np.testing.assert_allclose([r["components"]["weekly"] for r in rows], f.weekly, atol=0.01 * span)
    assert max(column(rows, "holiday_effect")) == pytest.approx(20, abs=2)


def test_custom_seasons(db):
    rng = np.random.default_rng(5)
    t = np.arange(200)
    x = 10 + 0.1 * t + 4 * np.sin(2 * np.pi * t / 30.5) + rng.normal(0, 0.1, 200)
    rows, = run_dates(db, [x], seasonalities='[{"name": "monthly", "period": 30.5, "fourier_order": 3}]', weekly="off", horizon=30)
    np.testing.assert_allclose(column(rows, "expected")[200:], 10 + 0.1 * np.arange(200, 230) + 4 * np.sin(2 * np.pi * np.arange(200, 230) / 30.5), atol=0.5)
    assert set(rows[0]["components"]) == {"monthly"}
    # without a calendar: a period of positions
    y = 10 + 0.1 * t + 4 * (t % 12 < 6)
    rows = run_array(db, FUNCTION, y, period=12, horizon=12)
    np.testing.assert_allclose(column(rows, "seasonal")[:12] - column(rows, "seasonal")[12:24], 0, atol=1e-9)
    assert np.abs(column(rows, "residual")[:200]).max() < 1.5
    rows, = run(db, FUNCTION, [y], horizon=3)
    assert all(r["seasonal"] == 0 and r["components"] == {} for r in rows)


def test_exact_line(db):
    t = np.arange(100)
    rows, = run_dates(db, [3 + 2.0 * t], weekly="off", horizon=20)
    np.testing.assert_allclose(column(rows, "expected"), 3 + 2.0 * np.arange(120), atol=1e-4)
    np.testing.assert_allclose(column(rows, "trend_upper")[100:] - column(rows, "trend")[100:], 0, atol=1e-3)


def test_ugly(db):
    rng = np.random.default_rng(6)
    series = [np.zeros(30), np.full(20, 7.0), np.array([1.0]), np.array([1.0, 2.0]), np.full(5, np.nan), np.r_[1.0, np.nan, np.nan, 4.0, 5.0],
              rng.normal(size=60) * 1e-150, rng.normal(size=60) * 1e150, np.exp(np.arange(100) / 3.0), 1e9 + rng.normal(size=60)]
    for params in ({}, {"growth": "flat"}, {"seasonality_mode": "multiplicative"}, {"n_changepoints": 0}, {"uncertainty_samples": 0}, {"yearly": "on"}):
        for x, rows in zip(series, run_dates(db, series, horizon=3, **params)):
            there = np.sum(~np.isnan(x))
            expected = column(rows, "expected")
            assert np.all(np.isnan(expected)) if there < 2 else np.all(np.isfinite(expected))
            assert not np.any(column(rows, "upper") < column(rows, "lower"))
            assert np.all(np.isnan(column(rows, "upper")[-3:])) or params != {"uncertainty_samples": 0}
    rows = run_dates(db, [np.r_[np.arange(1.0, 50), np.nan, 51.0]], weekly="off", horizon=0)[0]
    assert rows[49]["value"] is None and rows[49]["expected"] == pytest.approx(50, abs=0.01)
    xs = [daily(rng, 50, yearly=False)]
    assert run_dates(db, xs) == run_dates(db, xs)
    assert run_dates(db, xs, seed=1) != run_dates(db, xs)
