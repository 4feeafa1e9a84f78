"""temporal/arima-forecast against statsmodels."""
import warnings

import numpy as np
import pytest
import statsmodels.api as sm
from statsmodels.stats.diagnostic import acorr_ljungbox
from statsmodels.tsa.arima_process import arma_generate_sample
from statsmodels.tsa.statespace.sarimax import SARIMAX

from timeseries import column, run, run_array

KERNEL = "temporal/arima-forecast"
FIT = "temporal_arima_fit"
FORECAST = "temporal_arima_forecast"

AIR = np.array([112, 118, 132, 129, 121, 135, 148, 148, 136, 119, 104, 118, 115, 126, 141, 135, 125, 149, 170, 170, 158, 133, 114, 140, 145,
                150, 178, 163, 172, 178, 199, 199, 184, 162, 146, 166, 171, 180, 193, 181, 183, 218, 230, 242, 209, 191, 172, 194, 196,
                196, 236, 235, 229, 243, 264, 272, 237, 211, 180, 201, 204, 188, 235, 227, 234, 264, 302, 293, 259, 229, 203, 229, 242,
                233, 267, 269, 270, 315, 364, 347, 312, 274, 237, 278, 284, 277, 317, 313, 318, 374, 413, 405, 355, 306, 271, 306, 315,
                301, 356, 348, 355, 422, 465, 467, 404, 347, 305, 336, 340, 318, 362, 348, 363, 435, 491, 505, 404, 359, 310, 337, 360,
                342, 406, 396, 420, 472, 548, 559, 463, 407, 362, 405, 417, 391, 419, 461, 472, 535, 622, 606, 508, 461, 390, 432.0])


def stationary(rng, n):
    """A polynomial with roots outside the unit circle."""
    c = np.array([1.0])
    while len(c) <= n:
        if n + 1 - len(c) >= 2 and rng.random() < 0.5:
            r, a = rng.uniform(0.2, 0.9), rng.uniform(0, np.pi)
            c = np.convolve(c, [1, -2 * r * np.cos(a), r * r])
        else:
            c = np.convolve(c, [1, -rng.uniform(-0.9, 0.9)])
    return c


def simulate(rng, n, p, d, q, seasonal=(0, 0, 0, 0), level=0.0):
    ar, ma = stationary(rng, p), stationary(rng, q)
    sp, sd, sq, s = seasonal
    if s:
        for k, which in ((sp, "ar"), (sq, "ma")):
            poly = np.zeros(k * s + 1)
            poly[::s] = stationary(rng, k)
            if which == "ar":
                ar = np.convolve(ar, poly)
            else:
                ma = np.convolve(ma, poly)
    x = arma_generate_sample(ar, ma, n, burnin=200, distrvs=rng.standard_normal)
    for _ in range(sd):
        for t in range(s, n):
            x[t] += x[t - s]
    for _ in range(d):
        x = np.cumsum(x)
    return (x + level) * 10.0**rng.integers(-1, 3)


def model(x, row, exog=None, simple=True):
    o = row["orders"]
    constant = row["intercept"] is not None
    trend = "c" if constant and (simple or o[1] + o[4] == 0) else "n"
    m = SARIMAX(x, exog=exog, order=o[:3], seasonal_order=o[3:6] + [o[6] if sum(o[3:6]) else 0], trend=trend, simple_differencing=simple and exog is None)
    values = (row["xreg"] or []) + row["ar"] + row["ma"] + row["seasonal_ar"] + row["seasonal_ma"] + [row["sigma2"]]
    if trend == "c":
        # statsmodels' constant is that of the recursion
        s = o[6]
        factor = (1 - sum(row["ar"])) * (1 - sum(row["seasonal_ar"]))
        values = [row["intercept"] * factor * (s if o[4] else 1)] + values
    return m, np.array(values)


CASES = [((1, 0, 0), None, "auto"), ((0, 1, 1), None, "auto"), ((1, 1, 1), None, "drift"), ((2, 0, 1), None, "auto"), ((1, 2, 1), None, "auto"),
         ((3, 0, 2), None, "none"), ((0, 1, 1), (0, 1, 1, 4), "auto"), ((1, 0, 0), (1, 0, 1, 6), "auto"), ((0, 1, 2), (2, 0, 0, 3), "drift"),
         ((0, 0, 0), (0, 1, 1, 12), "drift")]


@pytest.mark.parametrize("order, seasonal, trend", CASES)
def test_likelihoods(db, order, seasonal, trend):
    """The likelihood is statsmodels' with the same coefficients, and hardly ever lower than at its maximum."""
    rng = np.random.default_rng(sum(order) + 10 * len(trend))
    level = 100.0 if order[1] == 0 and trend == "auto" else 0.0
    xs = [simulate(rng, int(rng.integers(80, 160)), *order, seasonal or (0, 0, 0, 0), level) for _ in range(20)]
    params = {"p": order[0], "d": order[1], "q": order[2], "trend": trend}
    if seasonal:
        params["seasonal_order"] = list(seasonal)
    fits = run(db, FIT, xs, **params)
    forecasts = run(db, FORECAST, xs, horizon=6, confidence=0.9, **params)
    below = odd = 0
    for i, (x, (row,), rows) in enumerate(zip(xs, fits, forecasts)):
        odd += row["status"] != "ok"
        m, values = model(x, row)
        likelihood = m.loglike(values)
        assert row["log_likelihood"] == pytest.approx(likelihood, abs=1e-4)
        k = len(values)
        n = row["n"]
        assert n == len(x) - order[1] - (seasonal[1] * seasonal[3] if seasonal else 0)
        assert row["aic"] == pytest.approx(-2 * likelihood + 2 * k, abs=1e-3)
        assert row["aicc"] == pytest.approx(-2 * likelihood + 2 * k + 2 * k * (k + 1) / (n - k - 1), abs=1e-3)
        assert row["bic"] == pytest.approx(-2 * likelihood + k * np.log(n), abs=1e-3)
        if i == 0 and len(values) <= 4:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                best = m.fit(disp=0, maxiter=50, cov_type="none")
            below += row["log_likelihood"] < best.llf - 1e-4
        if trend != "drift":
            # of levels: the start is diffuse there, so the likelihood differs but not what follows
            lm, _ = model(x, row, simple=False)
            r = lm.filter(values, cov_type="none")
            f = r.get_forecast(6)
            scale = np.std(x)
            np.testing.assert_allclose(column(rows, "expected")[-6:], f.predicted_mean, rtol=1e-4, atol=1e-4 * scale)
            np.testing.assert_allclose(column(rows, "std_error")[-6:], f.se_mean, rtol=1e-4)
            np.testing.assert_allclose(column(rows, "upper")[-6:], f.conf_int(alpha=0.1)[:, 1], rtol=1e-4, atol=1e-4 * scale)
            fitted = column(rows, "expected")[:-6]
            skip = len(x) - n
            assert np.all(np.isnan(fitted[:skip]))
            late = slice(max(skip, 40), None)
            np.testing.assert_allclose(fitted[late], r.fittedvalues[late], rtol=1e-4, atol=1e-4 * scale)
            np.testing.assert_allclose(column(rows, "residual")[late][:-6], (x - fitted)[late], rtol=1e-9, atol=1e-9 * scale)
    assert below == 0 and odd <= 1


def test_near_unit_root(db):
    """Searches that run along the edge of what is stationary end no lower than statsmodels', whatever the method."""
    rng = np.random.default_rng(5)
    xs = [10 + np.cumsum(rng.normal(size=int(rng.integers(50, 120)))) * 0.5 for _ in range(6)]
    xs += [arma_generate_sample([1, -0.97], [1, 0.4], 100, distrvs=rng.standard_normal) for _ in range(6)]
    for q in (0, 1):
        for method in ("ml", "css-ml"):
            for x, (row,) in zip(xs, run(db, FIT, xs, p=1, d=0, q=q, method=method)):
                m, values = model(x, row)
                assert row["log_likelihood"] == pytest.approx(m.loglike(values), abs=1e-4)
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    best = m.fit(disp=0, maxiter=100, cov_type="none")
                assert row["log_likelihood"] >= best.llf - 1e-4


def test_known(db):
    nile = sm.datasets.nile.load_pandas().data.volume.to_numpy(float)
    row, = run_array(db, FIT, nile, d=0, q=0)
    assert row["log_likelihood"] == pytest.approx(-639.9522, abs=1e-3)
    np.testing.assert_allclose([row["intercept"], row["ar"][0], row["sigma2"]], [919.564, 0.50627, 21124.8], rtol=1e-3)
    row, = run_array(db, FIT, nile, p=0)
    assert row["log_likelihood"] == pytest.approx(-632.5456, abs=1e-3)
    assert row["ma"][0] == pytest.approx(-0.7329, abs=1e-3)
    assert row["std_errors"][0] == pytest.approx(0.1143, abs=1e-3)		# R: arima(Nile, c(0, 1, 1))
    rows = run_array(db, FORECAST, nile, p=0, horizon=3)
    np.testing.assert_allclose(column(rows, "expected")[-3:], 798.37, rtol=1e-3)
    np.testing.assert_allclose(column(rows, "std_error")[-3:], [143.5, 148.5, 153.4], rtol=1e-3)
    params = {"p": 0, "seasonal_order": [0, 1, 1, 12], "box_cox": 0.0}
    row, = run_array(db, FIT, AIR, **params)
    np.testing.assert_allclose([row["ma"][0], row["seasonal_ma"][0], row["log_likelihood"], row["aic"]], [-0.4018, -0.5569, 244.6965, -483.393], rtol=1e-3)
    np.testing.assert_allclose(row["std_errors"], [0.0896, 0.0731], atol=1e-4)		# R
    rows = run_array(db, FORECAST, AIR, horizon=3, **params)
    np.testing.assert_allclose(column(rows, "expected")[-3:], [450.42, 425.72, 479.00], rtol=1e-4)
    log = run_array(db, FORECAST, np.log(AIR), horizon=3, p=0, seasonal_order=[0, 1, 1, 12])
    for name in ("expected", "lower", "upper"):
        np.testing.assert_allclose(np.log(column(rows, name)[-20:]), column(log, name)[-20:], rtol=1e-9)
    row, = run_array(db, FIT, AIR, **dict(params, method="css"))
    np.testing.assert_allclose([row["ma"][0], row["seasonal_ma"][0]], [-0.3772, -0.5724], atol=2e-3)		# R: method = "CSS"


def test_errors_and_whiteness(db):
    rng = np.random.default_rng(3)
    for x in [simulate(rng, 300, 1, 0, 1, level=5.0) for _ in range(8)]:
        row, = run_array(db, FIT, x, d=0)
        m, values = model(x, row)
        r = m.smooth(values, cov_type="approx")
        np.testing.assert_allclose(row["std_errors"][:2], r.bse[1:3], rtol=2e-2)
        expected = acorr_ljungbox(r.standardized_forecasts_error[0], lags=[10], model_df=2)["lb_pvalue"].to_numpy()[0]
        assert row["ljung_box_p"] == pytest.approx(expected, rel=1e-2, abs=1e-6)


def test_missing(db):
    """Gaps in levels; statsmodels' diffuse start is not exact, so likelihoods of differenced series get some room."""
    rng = np.random.default_rng(4)
    for (p, d, q), seasonal, tolerance in (((1, 0, 1), None, 1e-4), ((2, 0, 0), (0, 0, 1, 4), 1e-4), ((1, 1, 1), None, 0.05), ((0, 1, 1), (0, 1, 1, 4), 0.05)):
        xs = []
        for _ in range(8):
            x = simulate(rng, 120, p, d, q, seasonal or (0, 0, 0, 0), 50.0 if d == 0 else 0.0)
            x[20 + rng.permutation(90)[:15]] = np.nan
            xs.append(x)
        params = {"p": p, "d": d, "q": q}
        if seasonal:
            params["seasonal_order"] = list(seasonal)
        fits = run(db, FIT, xs, **params)
        for x, (row,), rows in zip(xs, fits, run(db, FORECAST, xs, horizon=4, **params)):
            assert row["status"] == "ok"
            m, values = model(x, row, simple=False)
            r = m.filter(values, cov_type="none")
            assert row["log_likelihood"] == pytest.approx(r.llf, abs=tolerance)
            scale = np.nanstd(x)
            np.testing.assert_allclose(column(rows, "expected")[-4:], r.forecast(4), rtol=1e-3, atol=1e-3 * scale)
            np.testing.assert_allclose(column(rows, "std_error")[-4:], r.get_forecast(4).se_mean, rtol=1e-3)
            gap = np.flatnonzero(np.isnan(x))
            np.testing.assert_allclose(column(rows, "expected")[gap], r.fittedvalues[gap], rtol=1e-3, atol=1e-3 * scale)
            assert all(rows[i]["value"] is None and rows[i]["residual"] is None for i in gap)


def test_regressors(db):
    rng = np.random.default_rng(5)
    for d in (0, 1):
        for _ in range(6):
            n, h = 100, 5
            z = np.c_[rng.normal(size=n + h), np.cumsum(rng.normal(size=n + h))]
            x = simulate(rng, n, 1, d, 0) + z[:n] @ [2.0, -1.0] * 3
            db.execute("DROP TABLE IF EXISTS explained")
            db.execute("CREATE TEMP TABLE explained (t int, value float8, x_a float8, x_b float8)")
            with db.cursor().copy("COPY explained FROM STDIN") as copy:
                for t in range(n + h):
                    copy.write_row((t, x[t] if t < n else None, z[t, 0], z[t, 1]))
            row = db.execute(f"SELECT ar, xreg, log_likelihood, sigma2, intercept, std_errors, status FROM rk.{FIT}('explained', q => 0, d => {d})").fetchone()
            ar, xreg, likelihood, sigma2, intercept, errors, status = row
            assert status == "ok"
            y, w = (x, z[:n]) if d == 0 else (np.diff(x), np.diff(z[:n], axis=0))
            exog = sm.add_constant(w) if d == 0 else w
            m = SARIMAX(y, exog=exog, order=(1, 0, 0))
            values = ([intercept] if d == 0 else []) + xreg + ar + [sigma2]
            assert likelihood == pytest.approx(m.loglike(values), abs=1e-4)
            best = m.fit(disp=0, maxiter=100, cov_type="approx")
            assert likelihood >= best.llf - 1e-4
            np.testing.assert_allclose(errors, np.r_[best.bse[-2], best.bse[:-2]], rtol=3e-2)
            found = [r[0] for r in db.execute(f"SELECT expected FROM rk.{FORECAST}('explained', q => 0, d => {d}, horizon => {h}) WHERE kind = 'forecast' ORDER BY t")]
            level = SARIMAX(x, exog=sm.add_constant(z[:n]) if d == 0 else z[:n], order=(1, d, 0)).filter(values, cov_type="none")
            future = sm.add_constant(z[n:], has_constant="add") if d == 0 else z[n:]
            np.testing.assert_allclose(found, level.forecast(h, exog=future), rtol=1e-3, atol=1e-3 * np.std(x))


def test_simple_models(db):
    rng = np.random.default_rng(6)
    xs = [np.cumsum(rng.normal(0.3, 1, int(rng.integers(5, 60)))) for _ in range(20)]
    for x, rows in zip(xs, run(db, FORECAST, xs, p=0, q=0, trend="drift", horizon=4)):
        drift = (x[-1] - x[0]) / (len(x) - 1)
        np.testing.assert_allclose(column(rows, "expected")[-4:], x[-1] + drift * np.arange(1, 5), rtol=1e-9)
        sigma = np.sqrt(np.mean((np.diff(x) - drift)**2))
        np.testing.assert_allclose(column(rows, "std_error")[-4:], sigma * np.sqrt(np.arange(1, 5)), rtol=1e-9)
    for x, rows in zip(xs, run(db, FORECAST, xs, p=0, q=0, d=0, horizon=2)):
        np.testing.assert_allclose(column(rows, "expected"), np.mean(x), rtol=1e-9)


def test_automatic(db):
    rng = np.random.default_rng(7)
    xs = [simulate(rng, 200, p, d, q) for p, d, q in ((1, 0, 0), (0, 1, 1), (2, 0, 0), (1, 1, 0), (0, 0, 0), (0, 1, 0)) for _ in range(4)]
    differences = 0
    for i, (x, (row,)) in enumerate(zip(xs, run(db, FIT, xs, auto=True))):
        assert row["status"] == "ok"
        differences += row["orders"][1] == (0, 1, 0, 1, 0, 1)[i // 4]
        # nothing simple is better
        for p, q in ((0, 0), (1, 0), (0, 1), (2, 2)):
            other, = run_array(db, FIT, x, p=p, d=row["orders"][1], q=q, trend="none" if row["intercept"] is None else "mean" if row["orders"][1] == 0 else "drift")
            assert other["status"] != "ok" or row["aicc"] <= other["aicc"] + 1e-4
    assert differences >= 19
    row, = run_array(db, FIT, np.log(AIR), auto=True, seasonal_order=[0, 0, 0, 12])
    assert row["orders"] == [0, 1, 1, 0, 1, 1, 12]		# R: auto.arima(log(AirPassengers))
    nile = sm.datasets.nile.load_pandas().data.volume.to_numpy(float)
    row, = run_array(db, FIT, nile, auto=True)
    assert row["orders"][:3] == [1, 1, 1]		# R: auto.arima(Nile)


def test_ugly(db):
    rng = np.random.default_rng(8)
    series = [np.full(30, 4.0), np.array([1.0, 2.0]), np.array([3.0]), np.full(10, np.nan), np.arange(40.0), np.exp(np.arange(60) / 3.0),
              np.cumsum(np.cumsum(rng.normal(size=80))), np.tile([1.0, -1.0], 30), rng.normal(size=50) * 1e-150, rng.normal(size=50) * 1e150,
              np.r_[np.nan, np.nan, rng.normal(size=40)], np.r_[np.zeros(50), 1.0, np.zeros(50)], 1e9 + rng.normal(size=100)]
    expected = ["constant", "too_short", "constant", "too_short", None, None, None, None, None, None, None, None, None]
    for params in ({}, {"d": 0, "q": 0}, {"p": 2, "q": 2, "d": 0}, {"seasonal_order": [1, 1, 1, 4]}, {"auto": True, "max_p": 2, "max_q": 2}, {"method": "css"}, {"d": 2, "p": 0}):
        for x, (row,), status in zip(series, run(db, FIT, series, **params), expected):
            assert status is None or row["status"] == status
            assert row["status"] in ("ok", "constant", "not_converged", "too_short")
        for x, rows in zip(series, run(db, FORECAST, series, horizon=3, **params)):
            assert len(rows) == len(np.trim_zeros(~np.isnan(x), "b")) + 3
            assert not np.any(column(rows, "std_error") < 0)
    rows = run(db, FORECAST, [np.arange(40.0)], p=0, q=0, d=1, trend="drift", horizon=3)[0]
    np.testing.assert_allclose(column(rows, "expected")[-3:], [40, 41, 42], rtol=1e-12)
    np.testing.assert_allclose(column(rows, "expected")[-6:-3], [37, 38, 39], rtol=1e-12)
    row = run_array(db, FORECAST, 1e9 + rng.normal(size=100), d=0, q=0, horizon=1)[-1]
    assert abs(row["expected"] - 1e9) < 2
