"""The risk kernels beside numpy and scipy, which make the same from the same input."""
import json
import os
import subprocess
import time

import programs


# what, label, input, goal, agreement
MEASURES = [
    ("var", "Monte-Carlo VaR, normal", "1e6 x 50", 0.5, 0.01),
    ("geometric", "Monte-Carlo VaR, lognormal", "1e6 x 50", 1.0, 0.01),
    ("historical", "historical ES, one group", "1e6", 1.0, 1e-9),
    ("correlation", "correlations, Pearson", "2500 x 500", 1.0, 1e-9),
    ("gaps", "the same, a twentieth missing", "2500 x 500", 1.0, 1e-9),
    ("scoring", "Basel capital, money exact", "1e6", 1.0, 1e-9),
    ("stress", "stress test, money exact", "1e5 x 16", None, 1e-9),
    ("kyc", "risk of customers, with its parts", "1e6", 1.0, 1e-9),
]


def compile_risk(build):
    """Builds build/bench/risk when a source is newer; returns its path."""
    return programs.build(build, "risk", programs.kernels("risk/*") + [
        os.path.join(programs.ROOT, "src", "compliance", "scoring", name) for name in ("kyc_scoring.c", "descriptors.c")],
        flags=("-ffp-contract=off", "-fno-math-errno"))


def numpy_peers():
    """The same in numpy: a function for each measure, or none without numpy."""
    try:
        import numpy as np
        from pandas import DataFrame
        from scipy.special import ndtr, ndtri
    except ImportError:
        return {}
    n = 50
    i = np.arange(n)
    value, sigma = 1000.0 * (i + 1), 0.1 + 0.01 * i
    years = 10 / 252
    factor = np.linalg.cholesky(np.exp(-np.abs(i[:, None] - i) / 5))
    number = lambda count: np.modf(np.sin(np.arange(1, count + 1)) * 10000)[0] % 1

    def tail(pnl):
        k = 10000
        ordered = np.partition(pnl, (k - 1, k))
        return -ordered[k - 1], -ordered[:k].mean()

    def var():
        e = np.random.default_rng(1).standard_normal((1000000, n))
        return tail(e @ (factor.T @ (value * sigma * np.sqrt(years))) + (value * 0.01).sum() * years)[0]

    def geometric():
        e = np.random.default_rng(1).standard_normal((1000000, n)) @ factor.T
        e *= sigma * np.sqrt(years)
        e += (0.01 - sigma**2 / 2) * years
        return tail(np.expm1(e, out=e) @ value)[0]

    values = number(1000000) - 0.5
    series = number(2500 * 500).reshape(500, 2500)
    frame = DataFrame(np.where(np.arange(2500 * 500) * 7919 % 20011 >= 1000, number(2500 * 500), np.nan).reshape(500, 2500).T)
    loans = np.arange(1000000)
    positions = np.arange(100000)

    def scoring():
        pd = np.maximum((1 + loans % 1000) / 2000, 0.0005)
        ead = (100000 + loans) / 100
        w = np.expm1(-50 * pd) / np.expm1(-50)
        r = 0.12 * w + 0.24 * (1 - w)
        b = (0.11852 - 0.05478 * np.log(pd))**2
        k = 0.45 * (ndtr((ndtri(pd) + np.sqrt(r) * 3.0902323061678132) / np.sqrt(1 - r)) - pd) / (1 - 1.5 * b)
        np.round(k * ead, 4), np.round(12.5 * k * ead, 4), np.round(pd * 0.45 * ead, 4)
        np.round(ead * 0.45 * np.sqrt(pd * (1 - pd)), 4), 600 + 20 * np.log2((1 - pd) / pd / 50)
        return k.sum()

    def stress():
        v = (100000 + positions) / 100
        delta, gamma = (positions % 100) / 64, (positions % 10) / 8
        shocks = -0.01 * np.arange(1, 17)[:, None]
        return np.round(v * (delta * shocks + gamma * shocks**2 / 2), 4).sum(axis=1)[-1]

    def kyc():
        weights = np.array((0.25, 0.20, 0.15, 0.20, 0.10, 0.10))
        risks = np.stack((loans % 101, loans % 97, loans % 89, loans % 83, 100 - loans % 79, (10 - np.minimum(loans % 23, 10)) * 10), axis=1)
        known = ~np.isnan(risks.astype(float))
        parts = np.where(known, risks, 0) * weights / (known @ weights)[:, None]
        score = parts.sum(axis=1)
        np.digitize(score, (25, 50, 75))
        return score.sum()

    return {"kyc": kyc, "var": var, "geometric": geometric, "historical": lambda: tail(values)[1],
            "correlation": lambda: np.corrcoef(series)[498, 499], "gaps": lambda: frame.corr().iloc[498, 499], "scoring": scoring, "stress": stress}


def measure(args, table, build):
    """Times ours and numpy's in turns."""
    program, peers = compile_risk(build), numpy_peers()
    for what, label, size, goal, agreement in MEASURES:
        if args.only and not what.startswith(args.only):
            continue
        for threads in args.threads:
            ours, theirs, result, other = [], [], None, None
            for _ in range(args.runs):
                done = json.loads(subprocess.run([program, what, str(threads), "3"], check=True,
                                                 stdout=subprocess.PIPE, text=True).stdout)
                ours += [done["best"], done["median"]]
                result = done["result"]
                if what in peers:
                    start = time.perf_counter()
                    other = peers[what]()
                    theirs.append(time.perf_counter() - start)
            agrees = None if other is None else abs(result - other) <= agreement * max(abs(result), abs(other))
            table.add(label, size, threads, ours, ("pandas" if what == "gaps" else "numpy") if theirs else None, theirs, goal, agrees)
