"""Risk rings after random messages: the formulas in numpy, scipy and Decimal on the data that is there."""
import json
import math
import random
from decimal import Decimal

import numpy as np
import pytest
from scipy.special import ndtri
from scipy.stats import norm

from risk_books import scenarios, tail
from test_credit_scoring import CLASSES, basel, rounded
from test_realtime_correlation import pairwise, same, stamp

RINGS = {
    "loans": ("risk/credit-scoring", {}),
    "pearson": ("risk/realtime-correlation", {"min_observations": 3}),
    "ewma": ("risk/realtime-correlation", {"min_observations": 3, "estimator": "ewma", "lambda": 0.9}),
    "desk": ("risk/portfolio-aggregation", {}),
    "book": ("risk/monte-carlo-var", {"simulations": 500, "seed": 11}),
}
ASSETS = [f"a{i}" for i in range(9)]


@pytest.fixture(scope="module", autouse=True)
def rings(session):
    if session.execute("SHOW shared_preload_libraries").fetchone()[0].find("rustkernels") < 0:
        pytest.skip("the library is not preloaded")
    for name, (kernel, options) in RINGS.items():
        session.execute("CALL rk.ring_up(%s, %s, %s::jsonb)", (kernel, name, json.dumps(options)))
    yield
    for name in RINGS:
        session.execute("CALL rk.ring_down(%s)", (name,))


def send(db, ring, type_id, messages):
    if messages:
        db.execute("SELECT rk.ring_send_many(%s, %s, %s::jsonb[])", (ring, type_id, [json.dumps(m) for m in messages]))


def test_credit(db):
    rng = random.Random("loans")
    kept = {}
    for step in range(400):
        name = f"o{rng.randrange(40)}"
        if rng.random() < 0.2:
            removed = db.execute("SELECT rk.ring_risk_credit_remove('loans', %s)", (name,)).fetchone()[0]
            assert removed == (kept.pop(name, None) is not None)
            continue
        pd = rng.choice((0.0, 1.0, round(rng.random(), 4), 10**rng.uniform(-5, 0)))
        lgd = rng.choice((0.0, 0.45, round(rng.random(), 3)))
        ead = Decimal(rng.randint(0, 10**rng.randint(1, 15))).scaleb(-6)
        kind, maturity, sales = rng.choice(CLASSES), rng.choice((0.5, 2.5, rng.uniform(0.5, 8))), rng.uniform(0, 80)
        best = rng.choice((None, rng.random()))
        kind_of_message = rng.choice(("score_obligor", "set_exposure"))
        loss, rwa, weight = db.execute(
            f"SELECT * FROM rk.ring_risk_credit_{kind_of_message}('loans', %s, %s::float8, %s::float8, %s::numeric, "
            "%s::float8, %s, %s::float8, %s::float8)", (name, pd, lgd, ead, maturity, kind, sales, best)).fetchone()
        floored, _, _, k = basel(pd, lgd, maturity, kind, sales, "basel3_final", best)
        assert loss == rounded(Decimal(repr(floored)) * Decimal(repr(lgd)) * ead, 8)
        assert weight == pytest.approx(12.5 * k, rel=1e-9, abs=1e-12)
        assert float(rwa) == pytest.approx(12.5 * k * float(ead), rel=1e-9, abs=1e-8)
        if kind_of_message == "set_exposure":
            kept[name] = (ead, loss, rwa)
        if step % 10 == 0:
            ead, loss, rwa, count = db.execute("SELECT * FROM rk.ring_risk_credit_totals('loans')").fetchone()
            assert (ead, loss, rwa) == tuple(sum((x[i] for x in kept.values()), Decimal(0)) for i in range(3))
            assert count == len(kept)


@pytest.mark.parametrize("estimator", ("pearson", "ewma"))
def test_correlations(db, estimator):
    for case in range(100):
        rng = random.Random(f"{estimator} {case}")
        n, times = rng.choice((2, 3, 6)), rng.choice((1, 4, 30))
        x = np.array([[rng.gauss(0, 1) for _ in range(times)] for _ in range(n)])
        x[1] = 0.7 * x[0] + 0.3 * x[1]
        if case % 5 == 0:
            x[n - 1] = 0.25
        x[np.array([[rng.random() < 0.3 for _ in range(times)] for _ in range(n)])] = np.nan
        rows = []
        for t in range(times):
            tick = [{"asset": ASSETS[i], "value": x[i, t], "ts": stamp(t)} for i in range(n) if not np.isnan(x[i, t])]
            rng.shuffle(tick)
            rows += tick
        db.execute("SELECT rk.ring_risk_correlation_reset(%s)", (estimator,))
        send(db, estimator, 480, rows)
        for i in range(n):
            found = {a: (r, m) for a, r, m in db.execute(
                "SELECT * FROM rk.ring_risk_correlation_query_row(%s, %s)", (estimator, ASSETS[i]))}
            if np.isnan(x[i]).all():
                assert found == {}
                continue
            assert len(found) == sum(not np.isnan(x[j]).all() for j in range(n)) - 1
            for j in range(n):
                if j == i or np.isnan(x[j]).all():
                    continue
                r, _, m = pairwise(x[i], x[j], estimator, 0.9)
                assert found[ASSETS[j]][1] == m
                assert same(found[ASSETS[j]][0], None if m < 3 else r)


class LiveBook:
    """A book and what was said about it."""

    def __init__(self, seed):
        self.rng = random.Random(seed)
        self.n = len(ASSETS)
        self.value, self.volatility, self.mu = np.zeros(self.n), np.zeros(self.n), np.zeros(self.n)
        self.matrix = np.eye(self.n)

    def change(self, db, ring, position, correlation, returns):
        """One to four positions, and now and then all correlations: by one factor, so that they are possible."""
        messages = []
        for i in self.rng.sample(range(self.n), self.rng.randint(1, 4)):
            self.value[i] = self.rng.choice((0, self.rng.randint(-10**8, 10**8) / 100))
            self.volatility[i] = self.rng.choice((0.0, self.rng.uniform(0.01, 0.8)))
            message = {"asset": ASSETS[i], "value": self.value[i], "volatility": self.volatility[i]}
            if returns:
                self.mu[i] = message["expected_return"] = self.rng.uniform(-0.1, 0.2)
            messages.append(message)
        send(db, ring, position, messages)
        if self.rng.random() < 0.3:
            load = np.array([self.rng.uniform(-1, 1) for _ in range(self.n)])
            self.matrix = np.outer(load, load)
            np.fill_diagonal(self.matrix, 1)
            pairs = [(i, j) for i in range(self.n) for j in range(i)]
            self.rng.shuffle(pairs)
            send(db, ring, correlation, [{"asset_i": ASSETS[i], "asset_j": ASSETS[j], "correlation": self.matrix[i, j]}
                                         for i, j in pairs])

    def sigma(self, horizon):
        x = self.value * self.volatility * math.sqrt(horizon / 252)
        return x, math.sqrt(max(x @ self.matrix @ x, 0))


def test_portfolio(db):
    book = LiveBook("desk")
    send(db, "desk", 420, [{"asset": a, "value": 0, "volatility": 0} for a in ASSETS])
    for _ in range(200):
        book.change(db, "desk", 420, 422, False)
        confidence, horizon = book.rng.choice((0.9, 0.99)), book.rng.choice((1, 10))
        x, sigma = book.sigma(horizon)
        z = ndtri(confidence)
        scale = np.abs(x).sum() * z + 1e-9
        var, shortfall, undiversified, benefit = db.execute(
            "SELECT * FROM rk.ring_risk_portfolio_query('desk', %s, %s)", (confidence, horizon)).fetchone()
        assert var == pytest.approx(z * sigma, abs=1e-12 * scale)
        assert shortfall == pytest.approx(sigma * norm.pdf(z) / (1 - confidence), abs=2e-12 * scale)
        assert undiversified == pytest.approx(z * np.abs(x).sum(), abs=1e-12 * scale)
        assert benefit == undiversified - var
        x, sigma = book.sigma(10)
        z = ndtri(0.99)
        scale, total = np.abs(x).sum() * z + 1e-9, book.value.sum()
        parts = db.execute("SELECT c.* FROM unnest(%s::text[]) WITH ORDINALITY a(asset, k), "
                           "rk.ring_risk_portfolio_contributions('desk', asset) c ORDER BY k", (ASSETS,)).fetchall()
        assert len(parts) == book.n
        for i, (alone, component, marginal, incremental, share, beta) in enumerate(parts):
            expected = z * x[i] * (book.matrix @ x)[i] / sigma if sigma > 0 else 0
            rest = x * (np.arange(book.n) != i)
            assert alone == pytest.approx(z * abs(x[i]), abs=1e-12 * scale)
            assert component == pytest.approx(expected, abs=1e-10 * scale)
            assert incremental == pytest.approx(z * (sigma - math.sqrt(max(rest @ book.matrix @ rest, 0))), abs=1e-7 * scale)
            assert (marginal is None) == (book.value[i] == 0) and (share is None) == (sigma == 0)
            if marginal is not None:
                assert marginal * book.value[i] == pytest.approx(component, abs=1e-10 * scale)
            if share is not None:
                assert share == pytest.approx(expected / (z * sigma), abs=1e-9)
            if beta is not None and abs(total) > 1:
                assert beta == pytest.approx(marginal * total / (z * sigma), rel=1e-9, abs=1e-9)


def test_value_at_risk(db):
    book = LiveBook("book")
    send(db, "book", 400, [{"asset": a, "value": 0, "expected_return": 0, "volatility": 0} for a in ASSETS])
    for _ in range(200):
        book.change(db, "book", 400, 406, True)
        confidence, horizon = book.rng.choice((0.9, 0.99)), book.rng.choice((1, 10))
        x, sigma = book.sigma(horizon)
        z = ndtri(confidence)
        mean = (book.value * book.mu).sum() * horizon / 252
        scale = np.abs(x).sum() + np.abs(book.value).sum() + 1e-6
        var, shortfall, fresh = db.execute(
            "SELECT * FROM rk.ring_risk_query_var('book', %s, %s)", (confidence, horizon)).fetchone()
        assert fresh
        assert var == pytest.approx(z * sigma - mean, abs=1e-11 * scale)
        assert shortfall == pytest.approx(sigma * norm.pdf(z) / (1 - confidence) - mean, abs=1e-11 * scale)
        var, shortfall = db.execute("SELECT var, expected_shortfall FROM rk.ring_risk_recalculate('book', NULL, %s, %s)",
                                    (confidence, horizon)).fetchone()
        expected = tail(scenarios(book, 500, horizon / 252, 11).sum(axis=0), confidence)
        assert (var, shortfall) == (pytest.approx(expected[0], abs=1e-9 * scale), pytest.approx(expected[1], abs=1e-9 * scale))
