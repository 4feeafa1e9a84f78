"""compliance/kyc-scoring: the weighted mean in exact fractions."""
import random
from fractions import Fraction

import pytest

KERNEL = "compliance/kyc-scoring"
NAMES = ("country", "industry", "product", "transaction", "documentation", "tenure")


def score(values, weights, worst, pep, sanctioned):
    """Score, contributions, completeness and what is missing, exactly."""
    w = [Fraction(x) for x in weights]
    risks = [None if v is None else Fraction(v) for v in values]
    if risks[4] is not None:
        risks[4] = 100 - risks[4]
    if risks[5] is not None:
        risks[5] = (10 - min(risks[5], Fraction(10))) * 10
    missing = [name for name, r in zip(NAMES, risks) if r is None]
    completeness = sum(x for x, r in zip(w, risks) if r is not None) / sum(w)
    if worst:
        risks = [Fraction(100) if r is None else r for r in risks]
    total = sum(x for x, r in zip(w, risks) if r is not None)
    parts = [None] * 6
    mean = None
    if total > 0:
        parts = [Fraction(0) if r is None else x * r / total for x, r in zip(w, risks)]
        mean = sum(parts)
    if pep:
        mean = max(mean, Fraction(50)) if mean is not None else Fraction(50)
    if sanctioned:
        mean = Fraction(100)
    return mean, parts, completeness, missing


def tier(value):
    if value is None:
        return None
    return "low" if value < 25 else "medium" if value < 50 else "high" if value < 75 else "very_high"


@pytest.mark.parametrize("batch", range(4))
def test_scores(db, batch):
    rng = random.Random(f"kyc {batch}")
    for _ in range(100):
        values = [None if rng.random() < 0.2 else rng.choice((0.0, 100.0, rng.uniform(0, 100), float(rng.randint(0, 100))))
                  for _ in range(5)]
        values.append(rng.choice((None, 0.0, 10.0, rng.uniform(0, 30))))
        weights = [rng.choice((0.0, 1.0, rng.random(), 10**rng.uniform(-6, 6))) for _ in range(6)]
        if sum(weights) == 0:
            weights[rng.randrange(6)] = 1.0
        worst, pep, sanctioned = rng.random() < 0.4, rng.choice((None, False, False, True)), rng.random() < 0.1
        rule = "worst" if worst else "renormalise"
        row = db.execute("""SELECT k.* FROM rk.compliance_kyc_scoring(%s::float8, %s::float8, %s::float8, %s::float8, %s::float8,
            %s::float8, %s::float8[], %s, %s::boolean, %s) k""", (*values, weights, rule, pep, sanctioned)).fetchone()
        mean, parts, completeness, missing = score(values, weights, worst, pep, sanctioned)
        assert row[0] == (None if mean is None else pytest.approx(float(mean), rel=1e-12, abs=1e-12))
        if mean is None or min(abs(mean - limit) for limit in (25, 50, 75)) > 1e-9:
            assert row[1] == tier(mean)
        for found, part in zip(row[2:8], parts):
            assert found == (None if part is None else pytest.approx(float(part), rel=1e-12, abs=1e-12))
        assert row[8] == pytest.approx(float(completeness), rel=1e-12)
        assert row[9] == missing
        record = db.execute("""SELECT k.* FROM (SELECT %s::float8 AS tenure_years, %s::float8 AS country_risk, %s::float8 AS industry_risk,
            %s::float8 AS product_risk, %s::float8 AS transaction_risk, %s::float8 AS documentation_score, %s::boolean AS is_pep,
            %s::boolean AS sanctioned) c, rk.compliance_kyc_scoring(c, %s::float8[], %s) k""",
                            (values[5], *values[:5], pep, sanctioned, weights, rule)).fetchone()
        assert record == row


def test_a_higher_risk_never_lowers_the_score(db):
    """And sanctions beat everything."""
    count = db.execute("""SELECT count(*) FROM generate_series(1, 2000) i,
        LATERAL (SELECT ARRAY[i * 37 % 101, i * 53 % 101, i * 71 % 101, i * 89 % 101, i * 29 % 101, i * 61 % 101] AS f) r,
        rk.compliance_kyc_scoring(f[1], f[2], f[3], f[4], f[5], f[6] / 8.0) low,
        rk.compliance_kyc_scoring((f[1] + 100) / 2.0, f[2], f[3], f[4], f[5] / 2.0, f[6] / 16.0) high
        WHERE high.risk_score >= low.risk_score""").fetchone()[0]
    assert count == 2000
