"""Flows of money beside igraph, scipy and pandas, from the same wires."""
import json
import os
import subprocess
import time

import programs


# what, label, wires, goal, agreement
MEASURES = [
    ("components", "circular flow, components", 1000000, 1.0, 0),
    ("circulation", "circular flow, circulation", 20000, 1.0, 1e-9),
    ("temporal", "circular flow, temporal cycles", 1000000, None, None),
    ("pairs", "circular flow, cycles of 3 pairs", 100000, 1.0, 0),
    ("reciprocity", "reciprocity flow", 1000000, 1.0, 1e-12),
    ("reversals", "flow reversal, all pairs", 1000000, 1.0, 0),
    ("splits", "flow split", 1000000, None, None),
]
GROWTH = [10**k for k in range(4, 8)]


def compile_flows(build):
    """Builds build/bench/flows when a source is newer; returns its path."""
    return programs.build(build, "flows", programs.kernels("compliance/flows", "graph/community", "graph/patterns"))


def ours(program, what, wires, threads, runs):
    return json.loads(subprocess.run([program, what, str(wires), str(threads), str(runs)], check=True,
                                     stdout=subprocess.PIPE, text=True).stdout)


class Wires:
    """The wires of the C program as numpy arrays."""

    def __init__(self, program, build, count):
        import numpy as np

        path = os.path.join(build, "wires")
        subprocess.run([program, "export", str(count), path], check=True)
        with open(path, "rb") as f:
            self.source = np.fromfile(f, np.uint32, count).astype(np.int64)
            self.target = np.fromfile(f, np.uint32, count).astype(np.int64)
            self.cents = np.fromfile(f, np.int64, count)
            self.ts = np.fromfile(f, np.int64, count)
        os.remove(path)
        self.entities = count // 10

    def pairs(self):
        """Ordered pairs of different accounts, and their sums."""
        import numpy as np

        other = self.source != self.target
        key, place = np.unique(self.source[other] * self.entities + self.target[other], return_inverse=True)
        return key // self.entities, key % self.entities, np.bincount(place, self.cents[other].astype(float))


# Every peer prepares what it works on, and returns the work that is timed.

def igraph_of(w, source, target):
    import igraph
    import numpy as np

    return igraph.Graph(w.entities, np.stack([source, target], axis=1), directed=True)


def igraph_components(w):
    g = igraph_of(w, w.source, w.target)
    return lambda: max(g.connected_components("strong").sizes())


def igraph_pairs(w):
    source, target, _ = w.pairs()
    g = igraph_of(w, source, target)
    return lambda: len(g.simple_cycles(min=2, max=3))


def scipy_circulation(w):
    """Of the largest component, by linear programming."""
    import numpy as np
    from scipy.optimize import linprog
    from scipy.sparse import coo_matrix, csr_matrix
    from scipy.sparse.csgraph import connected_components

    source, target, cents = w.pairs()
    _, label = connected_components(csr_matrix((cents, (source, target)), shape=(w.entities, w.entities)), connection="strong")
    inside = label[source] == label[target]
    source, target, cents = source[inside], target[inside], cents[inside]
    arcs = np.arange(len(cents))
    ones = np.ones(len(cents))
    a = coo_matrix((np.concatenate([ones, -ones]), (np.concatenate([source, target]), np.concatenate([arcs, arcs]))),
                   shape=(w.entities, len(cents))).tocsr()
    largest = label[source] == np.bincount(label[source], cents).argmax()

    def work():
        x = linprog(-ones, A_eq=a, b_eq=np.zeros(w.entities), bounds=np.stack([0 * cents, cents], axis=1), method="highs").x
        return x[largest].sum() / 100

    return work


def numpy_reciprocity(w):
    import numpy as np

    def work():
        source, target, cents = w.pairs()
        key, reverse = source * w.entities + target, target * w.entities + source
        at = np.minimum(np.searchsorted(key, reverse), len(key) - 1)
        both = key[at] == reverse
        np.minimum(cents, np.where(both, cents[at], 0)).sum()
        return both.mean()

    return work


def pandas_reversals(w):
    import pandas as pd

    day = 86400 * 1000000
    f = pd.DataFrame({"source": w.source, "target": w.target, "cents": w.cents, "ts": w.ts})

    def work():
        g = f[f.source != f.target]
        m = g.merge(g, left_on=["source", "target"], right_on=["target", "source"])
        m = m[(m.ts_y > m.ts_x) & (m.ts_y - m.ts_x <= day)]
        return int((m[["cents_x", "cents_y"]].min(axis=1) / m[["cents_x", "cents_y"]].max(axis=1) >= 0.9).sum())

    return work


PEERS = {
    "components": [("igraph", igraph_components)],
    "circulation": [("scipy (HiGHS)", scipy_circulation)],
    "pairs": [("igraph", igraph_pairs)],
    "reciprocity": [("numpy", numpy_reciprocity)],
    "reversals": [("pandas", pandas_reversals)],
}


def measure(args, table, build):
    """Times ours and the peers' in turns; a peer that is not installed is left out."""
    program = compile_flows(build)
    for what, label, wires, goal, agreement in MEASURES:
        if args.only and not what.startswith(args.only):
            continue
        found = []
        w = Wires(program, build, wires) if what in PEERS else None
        for name, prepare in PEERS.get(what, []):
            try:
                found.append((name, prepare(w)))
            except ImportError:
                pass
        for threads in args.threads:
            times, result, theirs = [], None, {}
            for turn in range(args.runs):
                done = ours(program, what, wires, threads, 3)
                times += [done["best"], done["median"]]
                result = done["result"]
                for name, work in found:
                    entry = theirs.setdefault(name, [[], None])
                    if sum(entry[0]) > 5:
                        continue
                    start = time.perf_counter()
                    entry[1] = work()
                    entry[0].append(time.perf_counter() - start)
            size = f"{wires:.0e}".replace("e+0", "e")
            ranked = sorted(theirs.items(), key=lambda e: min(e[1][0]))
            for place, (name, (seconds, other)) in enumerate(ranked):
                agrees = None if agreement is None else abs(result - other) <= agreement * max(abs(result), abs(other))
                table.add(label, size, threads, times, name, seconds, goal if place == 0 and threads == max(args.threads) else None,
                          agrees, {"result": result, "peer_result": other})
            if not ranked:
                table.add(label, size, threads, times, None, [], None, None, {"result": result})


def growth(args, build):
    """Prints times over growing numbers of wires, as Markdown."""
    program = compile_flows(build)
    threads = max(args.threads)
    print(f"\n| milliseconds, {threads} threads | " + " | ".join(f"{n:,} wires" for n in GROWTH) + " |")
    print("| --- " * (len(GROWTH) + 1) + "|", flush=True)
    for what, label, _, _, _ in MEASURES:
        if args.only and not what.startswith(args.only):
            continue
        cells, last = [], 0.0
        for wires in GROWTH:
            # ten times as much takes ten times as long, or more
            if last > 4:
                cells.append("-")
                continue
            last = ours(program, what, wires, threads, 1 if last > 0.1 else 3)["best"]
            cells.append(f"{last * 1000:.1f}" if last < 10 else f"{last * 1000:.0f}")
        print(f"| {label} | " + " | ".join(cells) + " |", flush=True)
