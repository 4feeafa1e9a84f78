"""temporal/seasonal-decomposition against statsmodels."""
import numpy as np
import pytest
import statsmodels.api as sm
from statsmodels.tsa.seasonal import MSTL, STL, seasonal_decompose

from timeseries import call, column, run, run_array, seasonal, sql

KERNEL = "temporal/seasonal-decomposition"
FUNCTION = "temporal_seasonal_decomposition"


def strength(residual, other):
    both = np.var(residual + other)
    return max(0, 1 - np.var(residual) / both) if both else 0


def check(x, rows, trend, season, residual, weight=None, tolerance=1e-9):
    scale = max(1, np.abs(x).max())
    for name, expected in (("trend", trend), ("seasonal", season), ("residual", residual)):
        np.testing.assert_allclose(column(rows, name), expected, rtol=0, atol=tolerance * scale, err_msg=name)
    if weight is not None:
        np.testing.assert_allclose(column(rows, "weight"), weight, atol=1e-7)
    known = ~np.isnan(trend)
    np.testing.assert_allclose(rows[0]["seasonal_strength"], strength(residual[known], season[known]), atol=1e-9)
    np.testing.assert_allclose(rows[0]["trend_strength"], strength(residual[known], trend[known]), atol=1e-9)


@pytest.mark.parametrize("robust", [False, True])
def test_stl(db, robust):
    rng = np.random.default_rng(robust)
    for period in (2, 4, 7, 12):
        xs = [seasonal(rng, int(rng.integers((4 if robust else 2) * period, 12 * period + 9)), period) for _ in range(10)]
        for x in xs:
            x[rng.integers(len(x))] += 30
        # more passes over two or three seasons leave nothing but rounding errors
        outer = 5 if robust else 0
        for x, rows in zip(xs, run(db, FUNCTION, xs, period=period, robust=robust, outer_iterations=outer)):
            peer = STL(x, period=period, robust=robust).fit(outer_iter=outer)
            check(x, rows, peer.trend, peer.seasonal, peer.resid, peer.weights, 1e-8 if robust else 1e-9)


def test_stl_options(db):
    """Windows, degrees, jumps and iterations at random."""
    rng = np.random.default_rng(2)
    for _ in range(60):
        period = int(rng.integers(2, 14))
        x = seasonal(rng, int(rng.integers(2 * period, 200)), period)
        o = {"seasonal": int(rng.integers(1, 12)) * 2 + 1, "trend": 2 * int(rng.integers(period // 2 + 1, 40)) + 1,
             "low_pass": 2 * int(rng.integers(period // 2 + 1, 20)) + 1, "seasonal_deg": int(rng.integers(2)),
             "trend_deg": int(rng.integers(2)), "low_pass_deg": int(rng.integers(2)), "seasonal_jump": int(rng.integers(1, 4)),
             "trend_jump": int(rng.integers(1, 6)), "low_pass_jump": int(rng.integers(1, 4))}
        inner, outer = int(rng.integers(1, 4)), int(rng.integers(0, 3))
        peer = STL(x, period=period, **o).fit(inner_iter=inner, outer_iter=outer)
        rows = run_array(
            db, FUNCTION, x, period=period, inner_iterations=inner, outer_iterations=outer,
            **{k.replace("_deg", "_degree") if k.endswith("_deg") else k if k.endswith("_jump") else k + "_window": v
               for k, v in o.items()})
        check(x, rows, peer.trend, peer.seasonal, peer.resid, peer.weights, 1e-8)


@pytest.mark.parametrize("model", ["additive", "multiplicative"])
def test_classical(db, model):
    rng = np.random.default_rng(3)
    for period in (2, 3, 4, 7, 12):
        xs = [np.abs(seasonal(rng, int(rng.integers(2 * period, 9 * period)), period)) + 1 for _ in range(10)]
        for x, rows in zip(xs, run(db, FUNCTION, xs, period=period, method="classical", model=model)):
            peer = seasonal_decompose(x, model=model, period=period)
            np.testing.assert_allclose(column(rows, "trend"), peer.trend, rtol=1e-10)
            np.testing.assert_allclose(column(rows, "seasonal"), peer.seasonal, rtol=1e-9, atol=1e-10)
            np.testing.assert_allclose(column(rows, "residual"), peer.resid, rtol=1e-9, atol=1e-9)


def test_mstl(db):
    rng = np.random.default_rng(4)
    for _ in range(6):
        a, b = int(rng.integers(3, 8)), int(rng.integers(9, 20))
        n = int(rng.integers(5 * b, 12 * b))
        x = seasonal(rng, n, a) + seasonal(rng, n, b)
        peer = MSTL(x, periods=(a, b)).fit()
        rows = run_array(db, FUNCTION, x, method="mstl", periods=[b, a])
        scale = 1e-8 * np.abs(x).max()
        np.testing.assert_allclose(column(rows, "trend"), peer.trend, atol=scale)
        np.testing.assert_allclose(np.array([r["seasonals"] for r in rows]), peer.seasonal, atol=scale)
        np.testing.assert_allclose(column(rows, "residual"), peer.resid, atol=scale)


@pytest.mark.parametrize("method", ["stl", "classical", "mstl"])
@pytest.mark.parametrize("model", ["additive", "multiplicative"])
def test_parts_make_the_value(db, method, model):
    rng = np.random.default_rng(5)
    xs = [np.abs(seasonal(rng, int(rng.integers(1, 90)), 6)) + 0.5 for _ in range(40)]
    params = {"periods": [6]} if method == "mstl" else {"period": 6}
    for x, rows in zip(xs, run(db, FUNCTION, xs, method=method, model=model, **params)):
        assert [r["t"] for r in rows] == list(range(1, len(x) + 1))
        parts = [column(rows, name) for name in ("trend", "seasonal", "residual")]
        if len(x) < 12:
            assert all(r["trend"] == r["value"] and r["trend_strength"] is None for r in rows)
        made = sum(parts) if model == "additive" else np.prod(parts, axis=0)
        known = ~np.isnan(made)
        np.testing.assert_allclose(made[known], x[known], rtol=1e-12, atol=1e-12 * np.abs(x).max())
        assert all(abs(sum(r["seasonals"]) - r["seasonal"]) <= 1e-12 * max(1, abs(r["seasonal"])) for r in rows)


def test_multiplicative_is_of_logarithms(db):
    rng = np.random.default_rng(6)
    x = np.abs(seasonal(rng, 100, 12)) + 1
    peer = STL(np.log(x), period=12).fit()
    rows = run_array(db, FUNCTION, x, period=12, model="multiplicative")
    np.testing.assert_allclose(column(rows, "trend"), np.exp(peer.trend), rtol=1e-9)
    np.testing.assert_allclose(column(rows, "seasonal"), np.exp(peer.seasonal), rtol=1e-9)


def test_co2(db):
    """Months, the period from their distance, gaps filled in."""
    data = sm.datasets.co2.load_pandas().data["co2"].resample("MS").mean().ffill()
    query = "SELECT ts, value FROM (VALUES " + ", ".join(f"(date '{d:%Y-%m-%d}', {v!r})" for d, v in data.items()) + ") v (ts, value)"
    rows = call(db, FUNCTION, sql.Literal(query))
    trend, season = column(rows, "trend"), column(rows, "seasonal")
    np.testing.assert_allclose(trend[[0, 100, 525]], [315.2602533, 321.44431491, 371.4757531], rtol=1e-9)
    np.testing.assert_allclose(season[[0, 100, 525]], [0.819226, 0.94533867, -0.53817885], rtol=1e-6)
    assert abs(rows[0]["seasonal_strength"] - 0.98941877) < 1e-7 and abs(rows[0]["trend_strength"] - 0.99984894) < 1e-7
    robust = column(call(db, FUNCTION, sql.Literal(query), robust=True), "trend")
    np.testing.assert_allclose(robust[[0, 100, 525]], [315.27113041, 321.38486266, 371.50737278], rtol=1e-8)


def test_classical_line(db):
    rows = run_array(db, FUNCTION, range(1, 13), period=4, method="classical")
    assert [r["trend"] for r in rows] == [None] * 2 + list(range(3, 11)) + [None] * 2
    assert all(r["seasonal"] == 0 for r in rows)
