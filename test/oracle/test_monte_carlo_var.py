"""risk/monte-carlo-var: every scenario by numpy and scipy, and the closed form."""
import numpy as np
import pytest
from scipy.special import ndtri
from scipy.stats import norm, t

from risk_books import Book, scenarios, tail

KERNEL = "risk/monte-carlo-var"
CASES = 20


@pytest.mark.parametrize("batch", range(10))
def test_scenarios(db, batch):
    """200 books: the profit and loss of each simulation, and the measures."""
    for case in range(CASES):
        seed = batch * CASES + case
        book = Book(seed)
        rng = book.rng
        student, geometric, antithetic = (rng.random() < 0.5 for _ in range(3))
        nu = rng.uniform(2.5, 12)
        confidence = rng.choice((0.9, 0.95, 0.975, 0.99))
        horizon = rng.choice((1, 10, 250))
        simulations = rng.choice((100, 517, 1000, 1025))
        start = rng.choice((0, 1, -5, 2**40 + 3))
        parts = scenarios(book, simulations, horizon / 252, start, student, nu, geometric, antithetic)
        pnl = parts.sum(axis=0)
        arguments = f"""positions => %s{book.id_type()}, correlations => %s, confidence => {confidence}, horizon => {horizon},
            simulations => {simulations}, distribution => '{"student_t" if student else "normal"}',
            degrees_of_freedom => {nu}, returns => '{"geometric" if geometric else "arithmetic"}',
            antithetic => {antithetic}, seed => {start}"""
        plain = arguments.replace(book.id_type(), "") if book.text else arguments
        given = (book.positions(), book.correlations())
        # without ids in the result there is no id_type to give
        found = np.array([row[0] for row in db.execute(
            f"SELECT pnl FROM rk.risk_monte_carlo_var_scenarios({plain}) ORDER BY simulation", given)])
        scale = np.abs(parts).max() + 1e-9
        assert np.allclose(found, pnl, rtol=0, atol=1e-10 * scale)
        row = db.execute(f"""SELECT var, expected_shortfall, var_lower, var_upper, mean_pnl, std_pnl, parametric_var,
            percentiles FROM rk.risk_monte_carlo_var({plain})""", given).fetchone()
        var, shortfall = tail(found, confidence)
        assert abs(row[0] - var) <= 1e-12 * scale and abs(row[1] - shortfall) <= 1e-11 * scale
        assert row[2] <= row[0] <= row[3] and row[1] >= row[0] - 1e-12 * scale
        assert abs(row[4] - found.mean()) <= 1e-10 * scale and abs(row[5] - found.std(ddof=1)) <= 1e-10 * scale
        ordered = np.sort(found)
        a = round(1 - confidence, 12)
        half = 1.959964 * np.sqrt(simulations * a * (1 - a))
        assert row[2] == -ordered[min(simulations, int(np.ceil(simulations * a + half))) - 1]
        assert row[3] == -ordered[max(1, int(np.floor(simulations * a - half))) - 1]
        assert row[7] == [ordered[int(np.ceil(round(simulations * p / 100, 9))) - 1]
                          for p in (1, 5, 10, 25, 50, 75, 90, 95, 99)]
        x = book.value * book.volatility * np.sqrt(horizon / 252)
        sigma = np.sqrt(max(x @ book.matrix @ x, 0))
        mean = (book.value * book.mu).sum() * horizon / 252
        assert row[6] == pytest.approx(ndtri(confidence) * sigma - mean, rel=1e-9, abs=1e-9 * scale)
        check_components(db, book, arguments, given, parts, found, row, confidence, horizon, student, nu, geometric)


def check_components(db, book, arguments, given, parts, pnl, row, confidence, horizon, student, nu, geometric):
    scale = np.abs(parts).max() + 1e-9
    components = {r[0]: r[1:] for r in db.execute(
        f"""SELECT id, value, standalone_var, component_var, marginal_var, component_expected_shortfall, share
            FROM rk.risk_monte_carlo_var_components({arguments})""", given)}
    assert set(components) == set(book.ids)
    years = horizon / 252
    if geometric:
        means = parts.mean(axis=1)
        covariance = (parts * pnl).mean(axis=1) - means * pnl.mean()
    else:
        x = book.value * book.volatility * np.sqrt(years)
        means = book.value * book.mu * years
        covariance = x * (book.matrix @ x)
    total = covariance.sum()
    if total > 1e-9 * scale**2:
        expected = covariance * (row[0] + means.sum()) / total - means
        for i, name in enumerate(book.ids):
            assert components[name][2] == pytest.approx(expected[i], rel=1e-7, abs=1e-7 * scale)
    # the tail, ties to the first simulations
    order = np.lexsort((np.arange(len(pnl)), pnl))
    a = round(1 - confidence, 12)
    mass = round(len(pnl) * a, 9)
    full = int(np.floor(mass))
    shortfall = -(parts[:, order[:full]].sum(axis=1) + (mass - full) * parts[:, order[full]]) / mass
    q = t.ppf(confidence, nu) * np.sqrt((nu - 2) / nu) if student else norm.ppf(confidence)
    for i, name in enumerate(book.ids):
        value, alone, var, marginal, tail_part, share = components[name]
        assert value * 100 == book.cents[i]
        # a tie of rounding may swap two simulations of the tail's end
        assert tail_part == pytest.approx(shortfall[i], rel=1e-8, abs=1e-6 * scale)
        r = -q if book.value[i] >= 0 else q
        sigma = book.volatility[i] * np.sqrt(years)
        exact = np.expm1((book.mu[i] - book.volatility[i]**2 / 2) * years + sigma * r) if geometric else \
            book.mu[i] * years + sigma * r
        assert alone == pytest.approx(-book.value[i] * exact, rel=1e-9, abs=1e-9 * scale)
        assert marginal is None if value == 0 else marginal == pytest.approx(var / float(value), rel=1e-12)
        assert share is None or share == pytest.approx(var / row[0], rel=1e-12)
    assert sum(c[2] for c in components.values()) == pytest.approx(row[0], rel=1e-9, abs=1e-7 * scale)
    assert sum(c[4] for c in components.values()) == pytest.approx(row[1], rel=1e-9, abs=1e-9 * scale)


@pytest.mark.parametrize("sampling", ("pseudo", "sobol"))
def test_converges_to_closed_form(db, sampling):
    positions = '[{"id": 1, "value": 1000000, "volatility": 0.2}, {"id": 2, "value": 500000, "volatility": 0.3}]'
    correlations = '[{"asset_i": 1, "asset_j": 2, "correlation": 0.5}]'
    closed, errors = 140943.565605, []
    for n in (1000, 16000, 256000):
        bound = 4 * 60585.765 * np.sqrt(0.01 * 0.99 / n) / norm.pdf(ndtri(0.99))
        found = [db.execute("SELECT var, parametric_var FROM rk.risk_monte_carlo_var(%s, %s, simulations => %s, seed => %s, sampling => %s)",
                            (positions, correlations, n, seed, sampling)).fetchone() for seed in range(10)]
        assert all(abs(p - closed) < 1e-5 for _, p in found)
        assert all(abs(v - closed) <= bound for v, _ in found)
        errors.append(np.sqrt(np.mean([(v - closed)**2 for v, _ in found])))
    # sixteen times the simulations, a quarter of the error
    assert errors[1] < errors[0] / 2 and errors[2] < errors[1] / 2
