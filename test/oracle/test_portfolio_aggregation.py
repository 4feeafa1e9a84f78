"""risk/portfolio-aggregation against the closed form in numpy."""
import json

import numpy as np
import pytest
from scipy.special import ndtri
from scipy.stats import norm

from risk_books import Book

KERNEL = "risk/portfolio-aggregation"


@pytest.mark.parametrize("batch", range(10))
def test_closed_form(db, batch):
    for case in range(25):
        book = Book(batch * 25 + case, most=20, returns=False)
        rng = book.rng
        confidence = rng.choice((0.9, 0.95, 0.99, 0.999))
        horizon = rng.choice((1, 10, 252))
        method = rng.choice(("variance_covariance", "variance_covariance", "simple_sum", "sqrt_sum_squares"))
        own = rng.random() < 0.3
        z = ndtri(confidence)
        if own:
            alone = np.array([rng.choice((0.0, rng.uniform(0, 1e6))) for _ in range(book.n)])
            positions = json.dumps([{"id": i, "var": v} for i, v in zip(book.ids, alone)])
            x = alone / z
        else:
            positions = book.positions()
            x = book.value * book.volatility * np.sqrt(horizon / 252)
        r = np.eye(book.n) if method == "sqrt_sum_squares" else book.matrix
        sigma = np.sqrt(max(x @ r @ x, 0))
        undiversified = z * np.abs(x).sum()
        var = undiversified if method == "simple_sum" else z * sigma
        scale = undiversified + 1e-9
        given = (positions, book.correlations())
        arguments = f"correlations => %s, confidence => {confidence}, horizon => {horizon}, method => '{method}'"
        rows = {row[0]: row[1:] for row in db.execute(
            f"SELECT * FROM rk.risk_portfolio_aggregation(%s{book.id_type()}, {arguments})", given)}
        total = book.value.sum()
        for i, name in enumerate(book.ids):
            alone, component, marginal, incremental, share, beta = rows[name]
            without = np.delete(x, i)
            rest = np.sqrt(max(without @ np.delete(np.delete(r, i, 0), i, 1) @ without, 0))
            assert alone == pytest.approx(z * abs(x[i]), rel=1e-12, abs=1e-12 * scale)
            if method == "simple_sum":
                expected, without_var = z * abs(x[i]), undiversified - z * abs(x[i])
            else:
                expected, without_var = (z * x[i] * (r @ x)[i] / sigma if sigma > 0 else 0), z * rest
            assert component == pytest.approx(expected, rel=1e-10, abs=1e-10 * scale)
            assert incremental == pytest.approx(var - without_var, rel=1e-7, abs=1e-7 * scale)
            if own or book.cents[i] == 0:
                assert marginal is None
            else:
                assert marginal == pytest.approx(component / book.value[i], rel=1e-12)
                if var > 0 and total != 0:
                    assert beta == pytest.approx(marginal * total / var, rel=1e-9)
            assert share is None if var == 0 else share == pytest.approx(component / var, rel=1e-9, abs=1e-12)
        assert sum(row[1] for row in rows.values()) == pytest.approx(var, rel=1e-9, abs=1e-9 * scale)
        s = db.execute(f"SELECT * FROM rk.risk_portfolio_aggregation_summary(%s, {arguments})", given).fetchone()
        assert s[0] == pytest.approx(var, rel=1e-12, abs=1e-12 * scale)
        assert s[2] == pytest.approx(undiversified, rel=1e-12) and s[3] == pytest.approx(undiversified - var, abs=1e-9 * scale)
        if own:
            assert s[1] is None and s[5] is None and s[6] is None
        else:
            sd = var / z
            assert s[1] == pytest.approx(sd * norm.pdf(z) / (1 - confidence), rel=1e-9, abs=1e-9)
            assert s[1] >= s[0] - 1e-9 * scale and s[6] * 100 == sum(book.cents)


@pytest.mark.parametrize("seed", range(20))
def test_covariance_and_repair(db, seed):
    """An indefinite matrix is replaced by one that is nearer than any other we try."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(3, 8))
    c = rng.uniform(-1, 1, (n, n))
    c = np.triu(c, 1) + np.triu(c, 1).T + np.eye(n)
    positions = json.dumps([{"id": i, "value": 1, "volatility": 1} for i in range(n)])
    pairs = json.dumps([{"asset_i": i, "asset_j": j, "correlation": c[i, j]} for i in range(n) for j in range(i)])
    rows = db.execute("SELECT * FROM rk.risk_portfolio_covariance(%s, %s, psd_repair => true)", (positions, pairs)).fetchall()
    assert len(rows) == n * (n + 1) // 2
    y = np.eye(n)
    for i, j, value in rows:
        y[i, j] = y[j, i] = value
    assert np.allclose(np.diag(y), 1) and np.linalg.eigvalsh(y).min() > -1e-9
    if np.linalg.eigvalsh(c).min() >= 0:
        assert np.allclose(y, c)
        return
    distance = np.linalg.norm(y - c)
    for _ in range(200):
        # a convex mixture with any correlation matrix is one too, and not nearer
        a = rng.normal(size=(n, n))
        other = a @ a.T
        d = np.sqrt(np.diag(other))
        other /= np.outer(d, d)
        step = rng.uniform(0, 0.1)
        assert np.linalg.norm((1 - step) * y + step * other - c) >= distance - 1e-7
