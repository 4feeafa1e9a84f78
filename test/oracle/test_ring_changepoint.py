"""temporal/changepoint-detection as a ring: the recursion of Adams & MacKay (2007) in numpy and scipy, run by run."""
import json

import numpy as np
import pytest
from scipy.special import logsumexp
from scipy.stats import t as student

HAZARD, THRESHOLD, MEAN, KAPPA, ALPHA, BETA = 0.02, 0.8, 0.5, 0.1, 1.5, 2.0


@pytest.fixture(scope="module", autouse=True)
def ring(session):
    if session.execute("SHOW shared_preload_libraries").fetchone()[0].find("rustkernels") < 0:
        pytest.skip("the library is not preloaded")
    prior = {"prior_mean": MEAN, "prior_kappa": KAPPA, "prior_alpha": ALPHA, "prior_beta": BETA}
    for name, kernel in (("given", prior), ("found", {"warm_up": 12})):
        session.execute("CALL rk.ring_up('temporal/changepoint-detection', %s, %s::jsonb)",
                        (name, json.dumps({"kernel": {**kernel, "hazard": HAZARD, "threshold": THRESHOLD}})))
    yield
    for name in ("given", "found"):
        session.execute("CALL rk.ring_down(%s)", (name,))


def online(values, mean, kappa, alpha, beta):
    """For each value: announced, length of the likeliest run, probability of one since the last announcement."""
    since, answers = 1, []
    prior = np.array([[mean], [kappa], [alpha], [beta]])
    runs, weights, starts = np.empty((4, 0)), np.empty(0), np.empty(0, int)
    for n, x in enumerate(values, 1):
        runs = np.hstack((runs, prior))
        weights = np.append(weights + np.log1p(-HAZARD), np.log(HAZARD) if n > 1 else 0)
        starts = np.append(starts, n)
        m, k, a, b = runs
        weights = weights + student.logpdf(x, 2 * a, m, np.sqrt(b * (k + 1) / (a * k)))
        runs = np.vstack((m + (x - m) / (k + 1), k + 1, a + 0.5, b + k * (x - m) ** 2 / (2 * (k + 1))))
        weights -= logsumexp(weights)
        kept = weights >= np.log(1e-6)
        runs, weights, starts = runs[:, kept], weights[kept], starts[kept]
        weights -= logsumexp(weights)
        late = starts > since
        probability = np.exp(weights[late]).sum()
        changed = bool(probability >= THRESHOLD)
        best = starts[late][weights[late].argmax()] if changed else starts[weights.argmax()]
        answers.append((changed, n - best + 1, probability))
        since = n if changed else since
    return answers


def series(seed):
    rng = np.random.default_rng(seed)
    level = np.repeat(rng.integers(-4, 9, 6), rng.integers(5, 20, 6))
    return level + rng.normal(0, rng.choice((0.5, 1, 3)), len(level))


def observed(db, name, number, values):
    return db.execute(
        "SELECT r.changed, r.run_length, r.probability FROM unnest(%s::float8[]) WITH ORDINALITY v(x, i), "
        "rk.ring_temporal_changepoint_observe(%s, %s::bigint, x) r", (values.tolist(), name, number)).fetchall()


def same(ours, theirs):
    assert [a[:2] for a in ours] == [a[:2] for a in theirs]
    assert np.allclose([a[2] for a in ours], [a[2] for a in theirs], rtol=0, atol=1e-9)


def test_prior_given(db):
    announced = 0
    for seed in range(120):
        values = series(seed)
        ours = observed(db, "given", seed, values)
        same(ours, online(values, MEAN, KAPPA, ALPHA, BETA))
        announced += sum(a[0] for a in ours)
    assert announced > 150


def test_prior_from_the_first_values(db):
    for seed in range(120):
        values = 1e4 * series(1000 + seed) + 77
        ours = observed(db, "found", seed, values)
        assert all(a == (False, i + 1, 0) for i, a in enumerate(ours[:11]))
        # the announcements of the warm-up are not heard, but for that of its last value
        theirs = online(values, values[:12].mean(), 0.01, 1, values[:12].var(ddof=1))
        if any(a[0] for a in theirs[:12]):
            continue
        same(ours[11:], theirs[11:])
