"""risk/credit-scoring: Basel formulas in scipy, money in Decimal, Merton by a root finder."""
import json
import random
from decimal import ROUND_HALF_UP, Decimal, getcontext

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.stats import norm

KERNEL = "risk/credit-scoring"
getcontext().prec = 120
CLASSES = ("corporate", "sovereign", "bank", "financial", "sme", "residential_mortgage",
           "qualifying_revolving", "other_retail")
RETAIL = CLASSES[5:]


def rounded(x, scale):
    return x.quantize(Decimal(1).scaleb(-scale), rounding=ROUND_HALF_UP)


def basel(pd, lgd, maturity, kind, sales, version, best):
    floor = 0.0003 if version == "basel2" else 0.001 if kind == "qualifying_revolving" else 0.0005
    pd = max(pd, floor)

    def blend(low, high, k):
        w = (1 - np.exp(-k * pd)) / (1 - np.exp(-k))
        return low * w + high * (1 - w)
    r = {"residential_mortgage": 0.15, "qualifying_revolving": 0.04, "other_retail": blend(0.03, 0.16, 35)}.get(
        kind, blend(0.12, 0.24, 50))
    if kind == "financial":
        r *= 1.25
    if kind == "sme":
        r -= 0.04 * (1 - (min(max(sales, 5), 50) - 5) / 45)
    b = (0.11852 - 0.05478 * np.log(pd))**2
    m = min(max(maturity, 1), 5)
    adjustment = 1 if kind in RETAIL else (1 + (m - 2.5) * b) / (1 - 1.5 * b)
    if pd == 1:
        k = 0 if best is None else lgd - best
    else:
        k = lgd * (norm.cdf((norm.ppf(pd) + np.sqrt(r) * norm.ppf(0.999)) / np.sqrt(1 - r)) - pd) * adjustment
    return pd, r, adjustment, max(k, 0)


@pytest.mark.parametrize("batch", range(5))
def test_capital(db, batch):
    for case in range(100):
        rng = random.Random(f"credit {batch} {case}")
        pd = rng.choice((0.0, 1.0, round(rng.random(), rng.randint(1, 6)), rng.random(), 10**rng.uniform(-6, 0)))
        lgd = rng.choice((0.0, 0.45, round(rng.random(), 3), rng.random()))
        scale = rng.randint(0, 4)
        ead = Decimal(rng.randint(0, 10**rng.randint(1, 15))).scaleb(-scale)
        maturity = rng.choice((0.25, 1, 2.5, rng.uniform(0.5, 8)))
        kind = rng.choice(CLASSES)
        sales = rng.uniform(0, 80)
        version = rng.choice(("basel3_final", "basel2"))
        best = rng.choice((None, rng.random()))
        row = db.execute("""SELECT (k).* FROM (SELECT rk.risk_credit_scoring(%s::float8, %s::float8, %s::numeric, %s::float8, %s,
            %s::float8, %s, %s::float8) AS k OFFSET 0) s""", (pd, lgd, ead, maturity, kind, sales, version, best)).fetchone()
        floored, r, adjustment, k = basel(pd, lgd, maturity, kind, sales, version, best)
        assert row[0] == floored and row[1] == lgd and row[2] == ead
        assert row[3] == rounded(Decimal(repr(floored)) * Decimal(repr(lgd)) * ead, scale + 2)
        assert row[4:7] == pytest.approx((r, adjustment, k), rel=1e-10, abs=1e-14)
        assert row[9] == 12.5 * row[6]
        assert row[7] == rounded(Decimal(row[6]) * ead, scale + 2)
        assert row[8] == rounded(Decimal(row[9]) * ead, scale + 2)
        assert float(row[10]) == pytest.approx(float(ead) * lgd * np.sqrt(floored * (1 - floored)), rel=1e-9, abs=10.0**-(scale + 2))
        if floored == 1:
            assert row[11] is None
        else:
            assert row[11] == pytest.approx(600 + 20 * np.log2((1 - floored) / floored / 50), rel=1e-12)


def test_expected_loss(db):
    db.execute("CREATE TEMP TABLE loan (g int, pd float8, lgd float8, ead numeric)")
    rng = random.Random(5)
    rows = [(rng.randint(0, 4), round(rng.random(), 4), round(rng.random(), 2), Decimal(rng.randint(0, 10**9)).scaleb(-rng.randint(0, 3)))
            for _ in range(3000)]
    with db.cursor() as cursor:
        cursor.executemany("INSERT INTO loan VALUES (%s, %s, %s, %s)", rows)
    expected = {}
    for g, pd, lgd, ead in rows:
        each = rounded(Decimal(repr(pd)) * Decimal(repr(lgd)) * ead, -ead.as_tuple().exponent + 2)
        expected[g] = expected.get(g, 0) + each
    found = dict(db.execute("SELECT g, rk.risk_expected_loss(pd, lgd, ead) FROM loan GROUP BY g").fetchall())
    assert found == expected
    db.execute("DROP TABLE loan")


@pytest.mark.parametrize("batch", range(4))
def test_merton(db, batch):
    for case in range(60):
        rng = random.Random(f"merton {batch} {case}")
        v, sigma, debt = 10**rng.uniform(0, 6), rng.uniform(0.05, 0.8), None
        debt = v * rng.uniform(0.2, 1.1)
        rate, horizon = rng.uniform(-0.02, 0.1), rng.choice((0.5, 1, 5))
        # from the assets to the equity, and back
        d1 = (np.log(v / debt) + (rate + sigma**2 / 2) * horizon) / (sigma * np.sqrt(horizon))
        d2 = d1 - sigma * np.sqrt(horizon)
        equity = v * norm.cdf(d1) - debt * np.exp(-rate * horizon) * norm.cdf(d2)
        volatility = norm.cdf(d1) * sigma * v / equity
        row = db.execute("SELECT (rk.risk_credit_merton(%s, %s, %s, %s, %s)).*", (equity, volatility, debt, rate, horizon)).fetchone()
        # the two equations hold; where they have one solution it is this one
        a, s, distance, pd = row
        e1 = (np.log(a / debt) + (rate + s**2 / 2) * horizon) / (s * np.sqrt(horizon))
        e2 = e1 - s * np.sqrt(horizon)
        assert a * norm.cdf(e1) - debt * np.exp(-rate * horizon) * norm.cdf(e2) == pytest.approx(equity, rel=1e-9)
        assert norm.cdf(e1) * s * a == pytest.approx(volatility * equity, rel=1e-9)
        assert distance == pytest.approx(e2, rel=1e-9, abs=1e-12) and pd == pytest.approx(norm.cdf(-e2), rel=1e-9)
    row = db.execute("SELECT (rk.risk_credit_merton(3, 0.8, 10, 0.05)).*").fetchone()
    assert row[0] == pytest.approx(12.395387, abs=1e-6) and row[1] == pytest.approx(0.212305, abs=1e-6)
    assert row[3] == pytest.approx(0.126971, abs=1e-6)


def test_merton_of_all_kinds(db):
    """Equity far below or above the debt, and very volatile: there is always a solution."""
    for case in range(300):
        rng = random.Random(f"merton of all kinds {case}")
        equity = 10**rng.uniform(-3, 8)
        debt, volatility = equity * 10**rng.uniform(-3, 4), 10**rng.uniform(-1.5, 0.9)
        rate, horizon = rng.uniform(-0.05, 0.2), 10**rng.uniform(-1.5, 1.5)
        v, s, d2, pd = db.execute("SELECT m.* FROM rk.risk_credit_merton(%s, %s, %s, %s, %s) m",
                                  (equity, volatility, debt, rate, horizon)).fetchone()
        d1 = (np.log(v / debt) + (rate + s**2 / 2) * horizon) / (s * np.sqrt(horizon))
        assert d1 - s * np.sqrt(horizon) == pytest.approx(d2, rel=1e-9, abs=1e-9)
        assert v * norm.cdf(d1) - debt * np.exp(-rate * horizon) * norm.cdf(d2) == pytest.approx(equity, rel=1e-9)
        assert norm.cdf(d1) * s * v == pytest.approx(volatility * equity, rel=1e-9)
        assert pd == pytest.approx(norm.cdf(-d2), rel=1e-9)


def illustrative(x):
    score = 600 + 0.35 * x["payment_history"] + 30 * (1 - x["credit_utilization"]) + \
        0.3 * min(x["credit_history_years"], 30) + 5 * (1 - min(x["debt_to_income"], 1)) + \
        0.15 * (10 - min(x["recent_inquiries"], 10)) - x["delinquencies"]
    return min(max(score, 300), 850)


NAMES = ("debt_to_income", "loan_to_value", "credit_utilization", "payment_history", "employment_years",
         "recent_inquiries", "delinquencies", "credit_history_years")


@pytest.mark.parametrize("batch", range(4))
def test_score(db, batch):
    for case in range(60):
        rng = random.Random(f"score {batch} {case}")
        x = dict(zip(NAMES, (rng.uniform(0, 1.5), rng.uniform(0, 1.3), rng.uniform(0, 1.2), rng.uniform(0, 100),
                             rng.uniform(0, 40), rng.randint(0, 15), rng.randint(0, 400), rng.uniform(0, 45))))
        model = rng.choice(("pdo", "capped_logistic"))
        card, points = None, None
        if rng.random() < 0.6:
            card = {"base": rng.uniform(300, 500)}
            for name in rng.sample(NAMES, rng.randint(1, 8)):
                limits = sorted({rng.uniform(0, 20) for _ in range(rng.randint(0, 4))})
                card[name] = [{"max": m, "points": rng.uniform(-20, 60)} for m in limits] + [{"points": rng.uniform(-20, 60)}]
            points = {n: next(b["points"] for b in bins if "max" not in b or x[n] <= b["max"])
                      for n, bins in card.items() if n != "base"}
            score = card["base"] + sum(points.values())
        else:
            score = illustrative(x)
        pd = 1 / (1 + 50 * 2**((score - 600) / 20)) if model == "pdo" else 0.3 / (1 + np.exp((score - 700) / 50))
        lgd = max(0.1, 0.45 - 0.3 * (1 - min(x["loan_to_value"], 1)))
        floored, _, _, k = basel(pd, lgd, 2.5, "corporate", 0, "basel3_final", None)
        arguments = ", ".join(f"{n} => %s::float8" for n in NAMES)
        row = db.execute(f"SELECT (k).* FROM (SELECT rk.risk_credit_score({arguments}, ead => 1000, scorecard => %s, pd_model => %s) AS k OFFSET 0) s",
                         (*x.values(), None if card is None else json.dumps(card), model)).fetchone()
        assert row[11] == pytest.approx(score, rel=1e-12)
        assert row[0] == pytest.approx(floored, rel=1e-9) and row[1] == pytest.approx(lgd, rel=1e-12)
        assert row[6] == pytest.approx(k, rel=1e-8)
        if points is not None:
            assert {n: v for n, v in row[12].items() if n != "base"} == pytest.approx(points)
        else:
            total = sum(row[12].values())
            assert min(max(total, 300), 850) == pytest.approx(score)
        by_row = db.execute(f"""SELECT (rk.risk_credit_score(r, scorecard => %s, pd_model => %s)).credit_score
            FROM (SELECT 1000 AS ead, {", ".join(f"%s::float8 AS {n}" for n in NAMES)}) r""",
                            (None if card is None else json.dumps(card), model, *x.values())).fetchone()
        assert by_row[0] == row[11]
