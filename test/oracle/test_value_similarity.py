"""graph/value-similarity against scipy and numpy."""
import random
from fractions import Fraction

import numpy as np
import pytest
from scipy.spatial.distance import jensenshannon
from scipy.stats import ks_2samp, wasserstein_distance

from graphs import literal, make_ids

KERNEL = "graph/value-similarity"

METRICS = ("jsd", "wasserstein", "wasserstein-binned", "hellinger", "ks")
BINNINGS = ("equal-width", "logarithmic", "quantile")


class Sample:
    """Values of a few nodes, in any order."""

    def __init__(self, seed):
        rng = self.rng = random.Random(f"values {seed}")
        self.seed = seed
        self.id_type = ("bigint", "text", "uuid", "integer")[seed % 4]
        self.metric = METRICS[seed % 5]
        self.binning = BINNINGS[seed // 5 % 3]
        self.bins = rng.choice((1, 2, 5, 10, 50, 100))
        n = rng.randrange(1, 9)
        self.ids = make_ids(rng, self.id_type, n)
        kind = rng.randrange(5)
        self.values = {u: [self.draw(kind) for _ in range(rng.randrange(1, 40))] for u in range(n)}
        if n > 2 and rng.random() < 0.3:
            self.values[1] = list(self.values[0])	# equal

    def draw(self, kind):
        positive = self.binning == "logarithmic"
        if kind == 0:
            return float(self.rng.randrange(positive, 12))
        if kind == 1:
            return self.rng.lognormvariate(0, 3)
        if kind == 2:
            return 7.5
        x = self.rng.gauss(20, 5)
        return abs(x) + 0.1 if positive else x * (-1) ** self.rng.randrange(2)

    def query(self):
        rows = [(u, x) for u, values in self.values.items() for x in values]
        self.rng.shuffle(rows)
        name = ("node", "id")[self.seed // 2 % 2]
        values = ", ".join(f"({literal(self.ids[u], self.id_type)}, {x!r}::float8)" for u, x in rows)
        return f"SELECT * FROM (VALUES {values}) o ({name}, value)"

    def run(self, db, observations, **params):
        arguments = ["%s"]
        if self.id_type not in ("bigint", "integer"):
            arguments.append(f"id_type => NULL::{self.id_type}")
        arguments += [f"{name} => %s" for name in params]
        index = {value: i for i, value in enumerate(self.ids)}
        rows = db.execute(f"SELECT * FROM rk.graph_value_similarity({', '.join(arguments)})",
                          [observations, *params.values()]).fetchall()
        return {(index[a], index[b]): (score, distance) for a, b, score, distance in rows}

    def edges(self):
        pooled = np.sort(np.concatenate([self.values[u] for u in self.values]))
        least, most = pooled[0], pooled[-1]
        if least == most:
            return np.array([least, most])
        if self.binning == "equal-width":
            edges = np.linspace(least, most, self.bins + 1)
        elif self.binning == "logarithmic":
            edges = np.exp(np.linspace(np.log(least), np.log(most), self.bins + 1))
        else:
            # type 7 in exact positions
            places = [Fraction((len(pooled) - 1) * i, self.bins) for i in range(self.bins + 1)]
            edges = np.array([pooled[int(p)] + (float(p % 1) * (pooled[int(p) + 1] - pooled[int(p)]) if p % 1 else 0)
                              for p in places])
        edges[0], edges[-1] = least, most
        return np.unique(edges)


def histogram_distance(metric, p, q):
    p, q = p / p.sum(), q / q.sum()
    if metric == "jsd":
        return float(np.nan_to_num(jensenshannon(p, q))) ** 2
    if metric == "hellinger":
        return np.sqrt(((np.sqrt(p) - np.sqrt(q)) ** 2).sum() / 2)
    return np.abs(np.cumsum(p) - np.cumsum(q)).sum()


def expected(sample, a, b):
    metric = sample.metric
    x, y = sample.values[a], sample.values[b]
    if metric == "ks":
        return ks_2samp(x, y).statistic
    if metric == "wasserstein":
        return wasserstein_distance(x, y)
    edges = sample.edges()
    if edges[0] == edges[-1]:
        return 0.0
    return histogram_distance(metric, np.histogram(x, edges)[0].astype(float), np.histogram(y, edges)[0].astype(float))


def score_of(metric, distance, unit=0.0):
    if metric == "jsd":
        return 1 - np.sqrt(distance / np.log(2))
    if metric == "wasserstein":
        return 1 / (1 + distance / unit) if unit else 1.0
    return 1 / (1 + distance) if metric == "wasserstein-binned" else 1 - distance


@pytest.mark.parametrize("seed", range(300))
def test_all_pairs(db, seed):
    sample = Sample(seed)
    ours = sample.run(db, sample.query(), metric=sample.metric, bins=sample.bins, binning=sample.binning)
    n = len(sample.ids)
    assert set(ours) == {(a, b) for a in range(n) for b in range(a + 1, n)}
    pooled = [x for values in sample.values.values() for x in values]
    unit = (max(pooled) - min(pooled)) / sample.bins
    for (a, b), (score, distance) in ours.items():
        theirs = expected(sample, a, b)
        assert abs(distance - theirs) <= 1e-12 * max(1, theirs)
        # the root turns the rounding of a tiny distance of the peer into more
        assert abs(score - score_of(sample.metric, distance, unit)) <= 1e-12


@pytest.mark.parametrize("seed", range(100))
def test_ready_histograms(db, seed):
    sample = Sample(seed)
    metric = ("jsd", "wasserstein-binned", "hellinger")[seed % 3]
    rng = np.random.default_rng(seed)
    bins = int(rng.integers(1, 70))
    shares = rng.random((len(sample.ids), bins)) * (rng.random((len(sample.ids), bins)) < 0.7)
    shares[:, 0] += 1e-3
    values = ", ".join(f"({literal(node, sample.id_type)}, ARRAY{[float(x) for x in row]!r}::float8[])"
                       for node, row in zip(sample.ids, shares))
    query = f"SELECT * FROM (VALUES {values}) o (node, distribution)"
    ours = sample.run(db, query, metric=metric)
    for (a, b), (score, distance) in ours.items():
        theirs = histogram_distance(metric, shares[a], shares[b])
        assert abs(distance - theirs) <= 1e-12
        assert abs(score - score_of(metric, theirs)) <= 1e-11
        scalar, = db.execute("SELECT rk.graph_value_similarity(%s::float8[], %s::float8[], %s)",
                             ([float(x) for x in shares[a]], [float(x) for x in shares[b]], metric)).fetchone()
        assert scalar == score


@pytest.mark.parametrize("seed", range(100))
def test_limits(db, seed):
    sample = Sample(seed + 1000)
    params = {"metric": sample.metric, "bins": sample.bins, "binning": sample.binning}
    query = sample.query()
    rows = sample.run(db, query, **params)
    rank = lambda item: (-item[1][0], item[0])  # noqa: E731
    best = sorted(rows.items(), key=rank)
    if best:
        least = best[len(best) // 2][1][0]
        assert sample.run(db, query, min_score=least, **params) == {
            pair: row for pair, row in rows.items() if row[0] >= least}
    assert list(sample.run(db, query, top_k=3, **params).items()) == best[:3]
    both = {**rows, **{(b, a): row for (a, b), row in rows.items()}}
    nearest = {}
    for u in range(len(sample.ids)):
        nearest.update(dict(sorted(((p, r) for p, r in both.items() if p[0] == u), key=rank)[:2]))
    assert sample.run(db, query, per_node=2, **params) == nearest
    some = [pair for pair in both if sample.rng.random() < 0.5]
    if some:
        values = ", ".join(f"({literal(sample.ids[a], sample.id_type)}, {literal(sample.ids[b], sample.id_type)})"
                           for a, b in some)
        assert sample.run(db, query, pairs=f"SELECT * FROM (VALUES {values}) p (node_a, node_b)", **params) == {
            pair: both[pair] for pair in some}
