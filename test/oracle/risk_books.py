"""Random books for the risk kernels, and Philox4x32-10 written anew."""
import json
import math
import random

import numpy as np
from scipy.special import ndtri
from scipy.stats import chi2

Z99 = ndtri(0.99)


def correlation_matrix(rng, n):
    """A random positive definite correlation matrix, or None for none."""
    if n < 2 or rng.random() < 0.2:
        return None
    a = np.array([[rng.gauss(0, 1) for _ in range(n)] for _ in range(n + 2)])
    c = a.T @ a
    d = np.sqrt(np.diag(c))
    return np.round(c / np.outer(d, d), 6) * (1 - 1e-5) + 1e-5 * np.eye(n)


class Book:
    """n positions with ids of some type."""

    def __init__(self, seed, most=8, returns=True):
        rng = random.Random(f"book {seed}")
        self.n = rng.choice((1, 2, 2, 3, 5, most))
        self.text = rng.random() < 0.5
        self.ids = [f"a{i}" if self.text else i * 7 - 3 for i in range(self.n)]
        rng.shuffle(self.ids)
        self.cents = [rng.randint(-10**9, 10**9) for _ in range(self.n)]
        if rng.random() < 0.2:
            self.cents[0] = 0
        self.value = np.array([c / 100 for c in self.cents])
        self.volatility = np.array([rng.choice((0.0, rng.uniform(0.01, 0.8), rng.uniform(0.01, 0.8)))
                                    for _ in range(self.n)])
        self.mu = np.array([rng.uniform(-0.1, 0.2) if returns else 0.0 for _ in range(self.n)])
        self.r = correlation_matrix(rng, self.n)
        self.matrix = np.eye(self.n) if self.r is None else self.r
        self.rng = rng

    def positions(self):
        return json.dumps([{"id": i, "value": c / 100, "volatility": v, "expected_return": m}
                           for i, c, v, m in zip(self.ids, self.cents, self.volatility, self.mu)])

    def correlations(self):
        """Pairs in one order or the other, or both; None without."""
        if self.r is None:
            return None
        rows = []
        for i in range(self.n):
            for j in range(i + 1, self.n):
                pair = [(i, j), (j, i)]
                for a, b in pair if self.rng.random() < 0.2 else [self.rng.choice(pair)]:
                    rows.append({"asset_i": self.ids[a], "asset_j": self.ids[b], "correlation": self.r[i, j]})
        self.rng.shuffle(rows)
        return json.dumps(rows)

    def id_type(self):
        return ", id_type => NULL::text" if self.text else ""


def philox(counter, key):
    """Ten rounds over arrays of words."""
    x = [np.asarray(c, dtype=np.uint64) for c in counter]
    k = list(key)
    mask = np.uint64(0xFFFFFFFF)
    for _ in range(10):
        a = np.uint64(0xD2511F53) * x[0]
        b = np.uint64(0xCD9E8D57) * x[2]
        x = [(b >> np.uint64(32)) ^ x[1] ^ np.uint64(k[0]), b & mask,
             (a >> np.uint64(32)) ^ x[3] ^ np.uint64(k[1]), a & mask]
        k = [(k[0] + 0x9E3779B9) & 0xFFFFFFFF, (k[1] + 0xBB67AE85) & 0xFFFFFFFF]
    return x


def uniforms(seed, of, block, stream, which):
    of = np.asarray(of, dtype=np.uint64)
    same = np.zeros_like(of)
    x = philox([of & np.uint64(0xFFFFFFFF), of >> np.uint64(32), same + np.uint64(block), same + np.uint64(stream)],
               [seed & 0xFFFFFFFF, seed >> 32 & 0xFFFFFFFF])
    word = x[2 * which] << np.uint64(32) | x[2 * which + 1]
    return ((word >> np.uint64(11)).astype(float) + 0.5) / 2.0**53


def tail(pnl, confidence):
    """VaR and expected shortfall by the convention of the kernels."""
    x = np.sort(pnl)
    a = round(1 - confidence, 12)
    mass = round(len(x) * a, 9)
    k = max(1, math.ceil(mass))
    f = math.floor(mass)
    return -x[k - 1], -(x[:f].sum() + (mass - f) * x[f]) / mass


def scenarios(book, simulations, years, seed, student=False, nu=5.0, geometric=False, antithetic=False):
    """Profit and loss of each position in each simulation."""
    s = np.arange(simulations)
    base = s & ~1 if antithetic else s
    sign = np.where(s & 1, -1.0, 1.0) if antithetic else 1.0
    e = np.array([sign * ndtri(uniforms(seed, base, j // 2, 0, j % 2)) for j in range(book.n)])
    z = np.linalg.cholesky(book.matrix) @ e
    if student:
        z = z * np.sqrt((nu - 2) / chi2.ppf(uniforms(seed, s, 0, 1, 0), nu))
    sigma = book.volatility * math.sqrt(years)
    if geometric:
        drift = (book.mu - book.volatility**2 / 2) * years
        return book.value[:, None] * np.expm1(drift[:, None] + sigma[:, None] * z)
    return book.value[:, None] * ((book.mu * years)[:, None] + sigma[:, None] * z)
