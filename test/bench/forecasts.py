"""The temporal kernels beside arch, statsmodels, prophet, ruptures and pandas, from the same series."""
import importlib
import json
import os
import subprocess
import time
import warnings

import numpy as np

import programs


# what, label, input (series x length), how many the peer does, goal, agreement
MEASURES = [
    ("garch", "GARCH(1,1), fits", (500, 2000), 20, 0.1, 1e-5),
    ("arima", "ARIMA(1,1,1), a fit", (1, 2000), 1, 0.05, 1e-7),
    ("sarima", "ARIMA (0,1,1)(0,1,1)12, a fit", (1, 300), 1, 0.05, 1e-6),
    ("stl", "STL, period 12", (1, 10000), 1, 0.7, 1e-8),
    ("pelt", "PELT, l2", (1, 10000), 1, 1.0, 1e-8),
    ("lowess", "lowess, window 101", (1, 10000), 1, 1.0, 1e-8),
    ("hp", "Hodrick-Prescott", (1, 100000), 1, 1.0, 1e-6),
    ("prophet", "prophet, default model", (10, 1500), 1, 0.5, 1e-3),
    ("rolling", "rolling z-scores", (1, 1000000), 1, 1.0, 1e-6),
]


def compile_temporal(build):
    """Builds build/bench/temporal when a source is newer; returns its path."""
    return programs.build(build, "temporal", programs.kernels("temporal", "temporal/forecast"))


def series(what, count, n):
    """Returns what volatilities, walks, seasons or levels make, the same each time."""
    rng = np.random.default_rng(1)
    if what == "garch":
        alpha, beta = rng.uniform(0.05, 0.15, count), rng.uniform(0.7, 0.84, count)
        z, e, out = rng.standard_normal((n + 500, count)), np.zeros(count), np.zeros((n + 500, count))
        s = 0.05 / (1 - alpha - beta)
        for t in range(n + 500):
            s = 0.05 + alpha * e * e + beta * s
            e = np.sqrt(s) * z[t]
            out[t] = e
        return np.ascontiguousarray(out[500:].T) + 0.03
    e = rng.standard_normal((count, n + 1))
    if what == "arima":
        x = e.copy()
        for t in range(1, n + 1):
            x[:, t] = 0.6 * x[:, t - 1] + e[:, t] + 0.3 * e[:, t - 1]
        return np.cumsum(x[:, 1:], axis=1)
    if what == "prophet":
        t = np.arange(n)
        return 100 + t / 50 + 8 * np.sin(t / 58.1) + 3 * np.sin(t * 2 * np.pi / 7) + e[:, 1:]
    season = 5 * np.sin(2 * np.pi * np.arange(n) / 12)
    if what == "sarima":
        return np.cumsum(e[:, 1:], axis=1) + season
    if what == "pelt":
        return e[:, 1:] + 3 * (np.arange(n) // 200 % 3)
    return e[:, 1:] + season + np.arange(n) / 500


def peers():
    """Functions by measure: of the series, as (library, function giving the number that ours gives)."""
    found = {}

    def library(name):
        try:
            return importlib.import_module(name)
        except ImportError:
            print(f"{name} is missing and left out (pip install {name.split('.')[0]})")
            return None

    arch, models = library("arch"), library("statsmodels.tsa.statespace.sarimax")
    seasonal, smoothers = library("statsmodels.tsa.seasonal"), library("statsmodels.nonparametric.smoothers_lowess")
    filters, ruptures, pandas = library("statsmodels.tsa.filters.hp_filter"), library("ruptures"), library("pandas")
    if arch:
        found["garch"] = ("arch", lambda xs: np.mean([arch.arch_model(x, rescale=False).fit(disp="off").loglikelihood for x in xs]))
    if models:
        def sarimax(x, **kwargs):
            return models.SARIMAX(x, simple_differencing=True, **kwargs).fit(disp=0, cov_type="none").llf
        found["arima"] = ("statsmodels", lambda xs: sarimax(xs[0], order=(1, 1, 1)))
        found["sarima"] = ("statsmodels", lambda xs: sarimax(xs[0], order=(0, 1, 1), seasonal_order=(0, 1, 1, 12)))
    if seasonal:
        found["stl"] = ("statsmodels", lambda xs: seasonal.STL(xs[0], period=12).fit().trend[len(xs[0]) // 2])
    if smoothers:
        found["lowess"] = ("statsmodels", lambda xs: smoothers.lowess(xs[0], np.arange(len(xs[0])), frac=101 / len(xs[0]), it=0, delta=0,
                                                                      return_sorted=False)[len(xs[0]) // 2])
    if filters:
        found["hp"] = ("statsmodels", lambda xs: filters.hpfilter(xs[0], 1600)[1][len(xs[0]) // 2])
    if ruptures:
        def pelt(xs):
            ends = ruptures.KernelCPD(kernel="linear", min_size=2).fit(xs[0]).predict(pen=20)
            return sum(np.var(xs[0][a:b]) * (b - a) for a, b in zip([0] + ends, ends)) + 20 * (len(ends) - 1)
        found["pelt"] = ("ruptures", pelt)
    prophet = library("prophet")
    if prophet and pandas:
        def decomposition(xs):
            m = prophet.Prophet()
            m.fit(pandas.DataFrame({"ds": pandas.date_range("2020-01-01", periods=len(xs[0])), "y": xs[0]}))
            return m.predict(m.make_future_dataframe(30)).yhat[len(xs[0]) // 2]
        found["prophet"] = ("prophet", decomposition)
    if pandas:
        def rolling(xs):
            x = pandas.Series(xs[0])
            before = x.rolling(20, min_periods=2)
            return abs((x - before.mean().shift()) / before.std().shift())[len(x) // 2]
        found["rolling"] = ("pandas", rolling)
    return found


def measure(args, table, build):
    """Times ours and the peers in turns; what a peer does of many series is scaled up."""
    program, found = compile_temporal(build), peers()
    for what, label, (count, n), some, goal, agreement in MEASURES:
        if args.only and not what.startswith(args.only):
            continue
        xs = series(what, count, n)
        path, few = os.path.join(build, f"series-{what}"), os.path.join(build, f"series-{what}-few")
        xs.tofile(path)
        xs[:some].tofile(few)
        for threads in args.threads:
            ours, theirs, other = [], [], None
            for turn in range(args.runs):
                done = json.loads(subprocess.run([program, what, str(threads), "3", str(count), path], check=True,
                                                 stdout=subprocess.PIPE, text=True).stdout)
                ours += [done["best"], done["median"]]
                if what in found and sum(theirs) < 20:
                    start = time.perf_counter()
                    with warnings.catch_warnings():
                        warnings.simplefilter("ignore")
                        other = found[what][1](xs[:some])
                    theirs.append((time.perf_counter() - start) * count / some)
            result = json.loads(subprocess.run([program, what, str(threads), "1", str(some), few], check=True,
                                               stdout=subprocess.PIPE, text=True).stdout)["result"]
            # a likelihood above the peer's is no difference
            better = what in ("garch", "arima", "sarima") and other is not None and result > other
            agrees = None if other is None else better or abs(result - other) <= agreement * max(abs(result), abs(other))
            table.add(label, f"{count} x {n}", threads, ours, found[what][0] if theirs else None, theirs, goal, agrees)
