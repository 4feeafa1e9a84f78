"""temporal/volatility-analysis: models of series against arch, and against the aggregates."""
import warnings

import numpy as np
import pytest

from arch import arch_model

from timeseries import call, column, run, run_array

KERNEL = "temporal/volatility-analysis"
FIT = "temporal_garch_fit"
ANALYSIS = "temporal_volatility_analysis"


def simulate(rng, n, omega=0.05, alpha=0.08, beta=0.88, gamma=0.0, mu=0.03, nu=None, ar=0.0):
    z = rng.standard_normal(n + 300) if nu is None else rng.standard_t(nu, n + 300) * np.sqrt((nu - 2) / nu)
    s, e, x = omega / (1 - alpha - beta - gamma / 2), 0.0, np.zeros(n + 300)
    for t in range(n + 300):
        s = omega + (alpha + (gamma if e < 0 else 0)) * e * e + beta * s
        e = np.sqrt(s) * z[t]
        x[t] = mu + ar * x[t - 1] + e
    return x[300:]


def draws(seed, count, **kwargs):
    rng = np.random.default_rng(seed)
    return [simulate(rng, int(rng.integers(300, 700)), alpha=rng.uniform(0.02, 0.2), beta=rng.uniform(0.3, 0.75), **kwargs) *
            10.0 ** rng.integers(-2, 3) for _ in range(count)]


VOL = {"garch": "GARCH", "gjr": "GARCH", "arch": "ARCH", "egarch": "EGARCH"}
MEAN = {"zero": "Zero", "constant": "Constant", "ar1": "AR"}


def peer(x, model="garch", p=1, q=1, o=None, mean="constant", distribution="normal"):
    scale = 1 / np.std(x)
    o = int(model in ("gjr", "egarch")) if o is None else o
    lags = {"p": p} if model == "arch" else {"p": p, "o": o, "q": q}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        m = arch_model(x * scale, mean=MEAN[mean], lags=1 if mean == "ar1" else None, vol=VOL[model], dist=distribution,
                       rescale=False, **lags)
        fit = m.fit(disp="off", options={"maxiter": 500})
    n = len(x) - (mean == "ar1")
    return fit, fit.loglikelihood + n * np.log(scale), scale


CASES = [({}, {}, 60), ({"model": "gjr"}, {"gamma": 0.1}, 40), ({"model": "arch", "p": 2}, {}, 20),
         ({"model": "egarch"}, {"gamma": 0.1}, 20), ({"mean": "zero", "p": 2, "q": 1}, {"mu": 0.0}, 20), ({"mean": "ar1"}, {"ar": 0.3}, 20),
         ({"distribution": "t"}, {"nu": 6}, 20), ({"distribution": "skewt", "mean": "zero"}, {"nu": 6, "mu": 0.0}, 12)]


@pytest.mark.parametrize("params, simulation, count", CASES, ids=lambda c: "-".join(map(str, c.values())) if isinstance(c, dict) else "")
def test_fits(db, params, simulation, count):
    xs = draws(len(str(params)), count, **simulation)
    found = run(db, FIT, xs, **params)
    forecasts = run(db, ANALYSIS, xs, horizon=3, **params)
    close = below = same = 0
    for x, (row,), rows in zip(xs, found, forecasts):
        fit, likelihood, scale = peer(x, **params)
        assert row["status"] == "ok"
        assert row["n"] == len(x) - (params.get("mean") == "ar1")
        # likelihoods of short series have several maxima: ours is hardly ever the lower one
        below += row["log_likelihood"] < likelihood - 1e-4
        ours = [row["mu"], row["ar1"], row["omega"]] + row["alpha"] + row["gamma"] + row["beta"] + [row["nu"], row["skew"]]
        ours = np.array([v for v in ours if v is not None])
        theirs = fit.params.to_numpy().copy()
        names = list(fit.params.index)
        for i, name in enumerate(names):
            if name in ("mu", "Const"):
                theirs[i] /= scale
            if name == "omega":
                betas = sum(v for k, v in zip(names, fit.params) if k.startswith("beta"))
                theirs[i] = theirs[i] - 2 * np.log(scale) * (1 - betas) if params.get("model") == "egarch" else theirs[i] / scale**2
        assert row["aic"] == pytest.approx(2 * len(names) - 2 * row["log_likelihood"])
        assert row["bic"] == pytest.approx(len(names) * np.log(row["n"]) - 2 * row["log_likelihood"])
        if abs(row["log_likelihood"] - likelihood) > 1e-4:
            continue
        same += 1
        errors = np.maximum(np.abs(theirs), 1e-2 * np.std(x)**2)
        if np.all(np.abs(ours - theirs) <= 2e-3 * errors + 1e-3):
            close += 1
            variance = column(rows, "variance")
            np.testing.assert_allclose(variance[-3:-2], fit.forecast(horizon=1, reindex=False).residual_variance.to_numpy()[0] / scale**2, rtol=1e-2)
            known = ~np.isnan(variance[:-3])
            np.testing.assert_allclose(np.sqrt(variance[:-3][known]), fit.conditional_volatility[~np.isnan(fit.conditional_volatility)] / scale, rtol=1e-2)
            if params.get("model") != "egarch":
                np.testing.assert_allclose(variance[-3:], fit.forecast(horizon=3, reindex=False).residual_variance.to_numpy()[0] / scale**2, rtol=1e-2)
    assert below <= count / 20
    assert same >= count / 2 and close >= 0.8 * same


def test_sp500(db):
    from arch.data import sp500
    x = 100 * sp500.load()["Adj Close"].pct_change().dropna().to_numpy()
    row, = run_array(db, FIT, x)
    fit, _, _ = peer(x)
    assert row["log_likelihood"] == pytest.approx(-6936.7185, abs=1e-3)
    found = [row["mu"], row["omega"]] + row["alpha"] + row["beta"]
    np.testing.assert_allclose(found, [0.056353, 0.017507, 0.10215, 0.885206], atol=2e-5)
    scale = np.array([1, 1, 1, 1])
    import arch
    errors = arch.arch_model(x, rescale=False).fit(disp="off").std_err.to_numpy()
    np.testing.assert_allclose(row["std_errors"], errors * scale, rtol=2e-3)
    rows = run_array(db, ANALYSIS, x, horizon=3)
    np.testing.assert_allclose(column(rows, "volatility")[-3:], [1.89644, 1.88905, 1.88172], atol=2e-4)
    np.testing.assert_allclose(column(rows, "var")[-1], 1.6448536 * column(rows, "volatility")[-1] - row["mu"], rtol=1e-7)
    for params, likelihood in (({"model": "gjr"}, -6822.8828), ({"model": "egarch"}, -6813.9527), ({"model": "gjr", "distribution": "t"}, None)):
        row, = run_array(db, FIT, x, **params)
        if likelihood is None:
            likelihood = peer(x, **params)[1]
        assert row["log_likelihood"] == pytest.approx(likelihood, abs=2e-3)
    row, = run_array(db, FIT, x, distribution="t")
    assert row["log_likelihood"] == pytest.approx(peer(x, distribution="t")[1], abs=1e-3)


def test_backcast_of_all(db):
    """The variance before the sample moves with the mean."""
    from scipy.optimize import minimize
    for x in draws(5, 10):
        x = x / np.std(x)

        def likelihood(v):
            e = x - v[0]
            s, total = np.mean(e * e), 0.0
            before = s
            for shock in e:
                s = v[1] + v[2] * before + v[3] * s
                before = shock * shock
                total += 0.5 * (np.log(2 * np.pi * s) + before / s)
            return total
        row, = run_array(db, FIT, x, backcast="mean")
        start = [row["mu"], row["omega"], row["alpha"][0], row["beta"][0]]
        assert -likelihood(start) == pytest.approx(row["log_likelihood"], rel=1e-9)
        best = minimize(likelihood, start, method="L-BFGS-B", bounds=[(None, None), (1e-6, None), (0, 1), (0, 1)])
        assert row["log_likelihood"] >= -best.fun - 1e-4


def test_egarch_paths(db):
    """Means over paths are near arch's own, and the same seed gives the same."""
    x = draws(6, 1, gamma=0.1)[0]
    x = x / np.std(x)
    fit, _, _ = peer(x, model="egarch", distribution="t")
    expected = fit.forecast(horizon=10, reindex=False, method="simulation", simulations=20000).variance.to_numpy()[0]
    rows = run_array(db, ANALYSIS, x, model="egarch", distribution="t")
    np.testing.assert_allclose(column(rows, "variance")[-10:], expected, rtol=0.05)
    assert rows == run_array(db, ANALYSIS, x, model="egarch", distribution="t")
    assert rows != run_array(db, ANALYSIS, x, model="egarch", distribution="t", seed=1)


def test_plain_models(db):
    rng = np.random.default_rng(7)
    xs = [rng.normal(0, 0.01, int(rng.integers(2, 60))) for _ in range(40)]
    for x, rows in zip(xs, run(db, ANALYSIS, xs, model="ewma", horizon=2, confidence=0.99, annualization=12.0, **{"lambda": 0.9})):
        v = [np.var(x, ddof=1)]
        for r in x:
            v.append(0.9 * v[-1] + 0.1 * r * r)
        np.testing.assert_allclose(column(rows, "variance"), np.r_[v, v[-1]], rtol=1e-12)
        np.testing.assert_allclose(column(rows, "var"), 2.3263478740408408 * np.sqrt(np.r_[v, v[-1]]), rtol=1e-9)
        np.testing.assert_allclose(column(rows, "annualized"), np.sqrt(12 * np.r_[v, v[-1]]), rtol=1e-12)
    db.execute("DROP TABLE IF EXISTS bars")
    db.execute("""CREATE TEMP TABLE bars AS SELECT s AS series_id, t, o AS open, o * exp(0.01 * b) AS close,
        o * exp(0.01 * greatest(b, 0) + 0.01 * h) AS high, o * exp(0.01 * least(b, 0) - 0.01 * l) AS low, 0.01 * b AS value
        FROM (SELECT s, t, 100 * exp(0.02 * sin(s * t)) AS o, sin(s + 3.3 * t * t) AS b, abs(cos(s * 1.7 + t)) AS h, abs(sin(s + t)) AS l
            FROM generate_series(1, 50) s, generate_series(1, 40) t) x""")
    for model, arguments in (("realized", "value"), ("parkinson", "high, low"), ("garman_klass", "open, high, low, close"),
                             ("rogers_satchell", "open, high, low, close"), ("yang_zhang", "open, high, low, close")):
        for window in (1, 2, 5, 20, 100):
            bad = db.execute(f"""SELECT count(*), count(*) FILTER (WHERE a.volatility IS DISTINCT FROM b.v AND NOT coalesce(abs(a.volatility - b.v) <= 1e-10 * b.v, false))
                FROM rk.temporal_volatility_analysis('bars', model => '{model}', window_size => {window}, horizon => 0) a
                JOIN (SELECT series_id, t, rk.{model}_volatility({arguments}) OVER (PARTITION BY series_id ORDER BY t ROWS {window - 1} PRECEDING) AS v FROM bars) b
                USING (series_id, t)""").fetchone()
            assert bad == (2000, 0), (model, window)


def test_ugly(db):
    rng = np.random.default_rng(8)
    series = [np.zeros(100), np.full(60, 0.1), rng.normal(0, 1, 49), np.array([]), np.r_[np.zeros(99), 1.0], np.tile([1.0, -1.0], 50),
              rng.normal(0, 1, 50) * 1e-150, rng.normal(0, 1, 50) * 1e150, np.cumsum(rng.normal(0, 1, 300)), np.exp(np.arange(200) / 2.0),
              rng.standard_cauchy(400)]
    for params in ({}, {"model": "egarch"}, {"model": "gjr", "distribution": "skewt"}, {"mean": "ar1", "distribution": "t"}):
        found = run(db, FIT, series, **params)
        assert [r[0]["status"] for r in found[:3]] == ["constant", "constant", "too_short"]
        assert found[3] == []
        for rows in found[4:]:
            assert rows[0]["status"] in ("ok", "not_converged")
        for rows in run(db, ANALYSIS, series, horizon=2, **params):
            assert not np.any(column(rows, "variance") < 0)


def test_recovers(db):
    x = simulate(np.random.default_rng(9), 20000, omega=0.05, alpha=0.1, beta=0.8, gamma=0.08, nu=7)
    row, = run_array(db, FIT, x, model="gjr", distribution="t")
    found = [row["mu"], row["omega"]] + row["alpha"] + row["gamma"] + row["beta"] + [row["nu"]]
    assert np.all(np.abs(np.array(found) - [0.03, 0.05, 0.1, 0.08, 0.8, 7]) <= 4 * np.array(row["std_errors"]))
