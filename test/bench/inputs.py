"""Inputs of the benchmarks: the same bytes on every machine, made once.

RMAT graphs (Chakrabarti, Zhan, Faloutsos 2004) with a = .57, b = c = .19 and
16 samples a node; a pair that comes up again is dropped, ids and rows are
shuffled.  Random numbers are a hash of what is drawn (splitmix64), so that
neither numpy's version nor chunk sizes change a bit.
"""
import os

import numpy as np

HEADER = np.dtype([("magic", "S8"), ("nodes", "<i8"), ("rows", "<i8"), ("weighted", "<i8")])
CHUNK = 1 << 18


def mix(x):
    """Returns the splitmix64 output for every counter of x (uint64)."""
    z = (x + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    z ^= z >> np.uint64(30)
    z *= np.uint64(0xBF58476D1CE4E5B9)
    z ^= z >> np.uint64(27)
    z *= np.uint64(0x94D049BB133111EB)
    z ^= z >> np.uint64(31)
    return z


def shuffled(n, stream):
    """Returns a permutation of 0 .. n-1."""
    base = np.uint64(stream << 40)
    return np.argsort(mix(base + np.arange(n, dtype=np.uint64)), kind="stable")


def rmat(scale, edge_factor=16):
    """Returns source and target ids (int64) of an RMAT graph."""
    samples = edge_factor << scale
    keys = np.empty(samples, dtype=np.uint64)
    # two levels of the recursion are decided by the two halves of one hash
    a, ab, abc = (np.uint64(p * 2**32) for p in (0.57, 0.76, 0.95))
    for begin in range(0, samples, CHUNK):
        end = min(begin + CHUNK, samples)
        row = np.arange(begin, end, dtype=np.uint64)
        source = np.zeros(end - begin, dtype=np.uint64)
        target = np.zeros(end - begin, dtype=np.uint64)
        for level in range(scale):
            if level % 2 == 0:
                drawn = mix(np.uint64(1 << 40 | level << 34) + row)
            r = drawn >> np.uint64(32) if level % 2 == 0 else drawn & np.uint64(2**32 - 1)
            low = r >= ab
            right = ((r >= a) & ~low) | (r >= abc)
            source = source << np.uint64(1) | low
            target = target << np.uint64(1) | right
        keys[begin:end] = source << np.uint64(32) | target
    keys = np.unique(keys)
    keys = keys[shuffled(len(keys), 2)]
    rename = shuffled(1 << scale, 3)
    return rename[keys >> np.uint64(32)], rename[keys & np.uint64(2**32 - 1)]


def grid(side):
    """Returns source, target and weight of a grid with random lengths in [1, 100)."""
    at = np.arange(side * side).reshape(side, side)
    source = np.concatenate([at[:, :-1].ravel(), at[:-1, :].ravel()])
    target = np.concatenate([at[:, 1:].ravel(), at[1:, :].ravel()])
    drawn = mix(np.uint64(4 << 40) + np.arange(len(source), dtype=np.uint64))
    weight = 1 + 99 * ((drawn >> np.uint64(11)) * 2.0**-53)
    order = shuffled(len(source), 5)
    return source[order], target[order], weight[order]


def write(path, arrays):
    """Writes arrays one after the other, and only a whole file ever appears."""
    with open(path + ".part", "wb") as f:
        for array in arrays:
            array.tofile(f)
    os.rename(path + ".part", path)


class Edges:
    """An edge list on disk: dense numbers for the kernels, ids for the tables."""

    def __init__(self, directory, name, make):
        self.name = name
        self.path = os.path.join(directory, name + ".edges")
        self.id_path = os.path.join(directory, name + ".ids")
        if not os.path.exists(self.path) or not os.path.exists(self.id_path):
            print(f"making {name} ...", flush=True)
            source, target, *weight = make()
            ends = np.concatenate([source, target])
            present = np.zeros(ends.max() + 1, dtype=bool)
            present[ends] = True
            ids = np.flatnonzero(present)
            dense = (np.cumsum(present) - 1)[ends]
            header = np.array([(b"rkedges1", len(ids), len(source), len(weight))], dtype=HEADER)
            write(self.id_path, [ids.astype("<i8")])
            write(self.path, [header, dense.astype("<u4"), *weight])
        header = np.fromfile(self.path, dtype=HEADER, count=1)[0]
        self.nodes, self.rows = int(header["nodes"]), int(header["rows"])
        ends = np.fromfile(self.path, "<u4", 2 * self.rows, offset=HEADER.itemsize)
        self.source, self.target = ends[: self.rows], ends[self.rows:]
        self.weight = None
        if header["weighted"]:
            self.weight = np.fromfile(self.path, "<f8", offset=HEADER.itemsize + 8 * self.rows)

    @property
    def ids(self):
        return np.fromfile(self.id_path, "<i8")


def rmat_edges(directory, scale):
    return Edges(directory, f"rmat{scale}", lambda: rmat(scale))


def grid_edges(directory, side=1000):
    return Edges(directory, f"grid{side}", lambda: grid(side))
