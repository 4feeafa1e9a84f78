"""risk/stress-testing against exact arithmetic of fractions."""
import json
import random
from decimal import ROUND_HALF_UP, Decimal, getcontext

import numpy as np
import pytest

KERNEL = "risk/stress-testing"
getcontext().prec = 90
ALIASES = {"stock": "equity", "index": "equity", "rate": "interest_rate", "ir": "interest_rate", "currency": "fx",
           "credit": "credit_spread", "vol": "volatility", "vega": "volatility"}
FACTORS = ("equity", "interest_rate", "fx", "credit_spread", "commodity", "volatility", "time", "carbon") + tuple(ALIASES)
GREEKS = ("delta", "gamma", "rho", "convexity", "vega", "theta", "spread_duration")


def pnl(value, factor, s, shock):
    """Exact, before rounding."""
    d = {k: Decimal(repr(s.get(k) or 0.0)) for k in GREEKS}
    x = Decimal(repr(shock))
    if factor == "interest_rate":
        return d["rho"] * value * x + d["convexity"] * value * x * x / 2
    if factor == "credit_spread":
        return -d["spread_duration"] * value * x
    if factor == "volatility":
        return d["vega"] * x * (value if s.get("of_value") else 1)
    if factor == "time":
        return d["theta"] * x
    return d["delta"] * value * x + d["gamma"] * value * x * x / 2


def make_case(rng):
    scale = rng.randint(0, 3)
    n = rng.choice((0, 1, 3, 12))
    positions = [{"id": f"p{i}", "value": Decimal(rng.randint(-10**10, 10**10)).scaleb(-scale),
                  "asset_class": rng.choice(FACTORS)} for i in range(n)]
    scale = max((-p["value"].as_tuple().exponent for p in positions), default=0)
    scenarios = []
    for k in range(rng.choice((0, 1, 4))):
        probability = rng.choice((None, round(rng.random(), 3)))
        chosen = {}
        for f in rng.sample(FACTORS, rng.randint(1, 5)):
            chosen.setdefault(ALIASES.get(f, f), f)
        for f in chosen.values():
            scenarios.append({"scenario": f"s{k}", "factor": f, "shock": rng.choice((-0.2, 0.01, round(rng.uniform(-1, 1), 6), rng.uniform(-1, 1))),
                              "probability": probability, "description": f"number {k}"})
    sensitivities = None
    if rng.random() < 0.6:
        sensitivities = []
        for p in positions:
            chosen = {}
            for f in rng.sample(FACTORS, rng.randint(0, 4)):
                chosen.setdefault(ALIASES.get(f, f), f)
            for f in chosen.values():
                sensitivities.append({"id": p["id"], "factor": f, **{g: rng.choice((None, round(rng.uniform(-20, 60), 2), rng.gauss(0, 10)))
                                                                   for g in rng.sample(GREEKS, 4)}})
    return positions, scenarios, sensitivities, scale


def text(rows):
    return json.dumps(rows, default=str).replace('"value": "', '"value": ').replace('", "asset_class"', ', "asset_class"')


def exposures(positions, sensitivities):
    """(position, factor, sensitivities)."""
    if sensitivities is None:
        one = {"delta": 1.0, "rho": -1.0, "vega": 1.0, "spread_duration": 1.0, "of_value": True}
        return [(p, ALIASES.get(p["asset_class"], p["asset_class"]), one) for p in positions]
    by_id = {p["id"]: p for p in positions}
    return [(by_id[s["id"]], ALIASES.get(s["factor"], s["factor"]), s) for s in sensitivities]


@pytest.mark.parametrize("batch", range(10))
def test_exact(db, batch):
    for case in range(30):
        rng = random.Random(f"stress {batch} {case}")
        positions, scenarios, sensitivities, scale = make_case(rng)
        unit = Decimal(1).scaleb(-scale - 2)
        expected = {}
        for s in scenarios:
            factor = ALIASES.get(s["factor"], s["factor"])
            for p, f, greeks in exposures(positions, sensitivities):
                if f == factor:
                    expected[s["scenario"], p["id"], factor] = pnl(p["value"], factor, greeks, s["shock"])
        given = (text(positions), text(scenarios), None if sensitivities is None else text(sensitivities))
        found = {row[:3]: row[3] for row in db.execute(
            "SELECT * FROM rk.risk_stress_testing(%s, id_type => NULL::text, scenarios => %s, sensitivities => %s)", given)}
        assert set(found) == set(expected)
        for key, value in expected.items():
            assert found[key] == value.quantize(unit, rounding=ROUND_HALF_UP), (key, value)
        rows = db.execute("SELECT * FROM rk.risk_stress_testing_summary(%s, %s, %s)", given).fetchall()
        total = sum((p["value"] for p in positions), Decimal(0))
        names = list(dict.fromkeys(s["scenario"] for s in scenarios))
        impact = {n: sum((v for k, v in found.items() if k[0] == n), Decimal(0)) for n in names}
        probability = {s["scenario"]: s["probability"] for s in scenarios}
        assert [row[0] for row in rows] == names
        loss = sum(float(probability[n]) * min(float(impact[n]), 0) for n in names if probability[n] is not None)
        worst = min(names, key=lambda n: impact[n]) if names else None
        for name, description, p, value, ratio, after, is_worst, expected_loss in rows:
            assert description == f"number {name[1:]}" and p == probability[name]
            assert value == impact[name] and after == total + impact[name]
            assert ratio is None if total == 0 else ratio == pytest.approx(float(value) / float(total), rel=1e-9)
            assert is_worst == (name == worst)
            if all(v is None for v in probability.values()):
                assert expected_loss is None
            else:
                assert expected_loss == pytest.approx(loss, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("batch", range(5))
def test_reverse(db, batch):
    """No shock with the same loss is more plausible."""
    for case in range(40):
        seed = batch * 40 + case
        rng = np.random.default_rng(seed)
        n = int(rng.integers(1, 5))
        names = ["equity", "fx", "commodity", "carbon"][:n]
        d = rng.normal(0, 1e6, n)
        volatility = rng.uniform(0.01, 0.5, n)
        a = rng.normal(size=(n, n + 2))
        r = a @ a.T
        r /= np.sqrt(np.outer(np.diag(r), np.diag(r)))
        r = np.round(r, 8)
        positions = json.dumps([{"id": i, "value": 1000} for i in range(n)])
        sensitivities = json.dumps([{"id": i, "factor": names[i], "delta": d[i] / 1000} for i in range(n)])
        factors = json.dumps([{"factor": names[i], "volatility": volatility[i]} for i in range(n)])
        pairs = json.dumps([{"factor_i": names[i], "factor_j": names[j], "correlation": r[i, j]} for i in range(n) for j in range(i)])
        rows = db.execute("SELECT * FROM rk.risk_reverse_stress(%s, %s, %s, 190000, %s)",
                          (positions, sensitivities, factors, pairs if n > 1 else None)).fetchall()
        s = np.diag(volatility) @ r @ np.diag(volatility)
        x = np.array([row[1] for row in rows])
        assert [row[0] for row in rows] == names
        assert x == pytest.approx(-190000 * (s @ d) / (d @ s @ d), rel=1e-9)
        assert d @ x == pytest.approx(-190000, rel=1e-9)
        assert [row[2] for row in rows] == pytest.approx(d * x, rel=1e-9)
        assert rows[0][3] == pytest.approx(np.sqrt(x @ np.linalg.solve(s, x)), rel=1e-6)
        for _ in range(20):
            other = x + rng.normal(size=n) * np.abs(x)
            other *= -190000 / (d @ other)
            assert np.sqrt(other @ np.linalg.solve(s, other)) >= rows[0][3] * (1 - 1e-9)
