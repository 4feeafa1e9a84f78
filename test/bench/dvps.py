"""Delivery-versus-payment matching beside a C++ program, polars and pandas."""
import json
import os
import subprocess
import time

import numpy as np

import programs

LEGS = 1000000
KEYS = ["security", "currency", "date", "deliverer", "receiver"]
LEG = np.dtype([("quantity", "i8"), ("amount", "i8"), ("id", "u4"), ("security", "u4"), ("deliverer", "u4"), ("receiver", "u4"),
                ("currency", "u4"), ("date", "u4"), ("receives", "u4"), ("unused", "u4")])


def compile_ours(build):
    clearing = os.path.join(programs.ROOT, "src", "clearing")
    return programs.build(build, "dvp", [os.path.join(clearing, f) for f in ("dvp_matching.c", "dvp_explain.c", "assignment.c")])


def compile_peer(build):
    return programs.peer(build, "dvp_peer", ["dvp_stream.h"], ["-std=c++17"])


def greedy(delivery, receipt):
    """Takes sorted candidates as long as both are free."""
    taken, result = np.zeros(LEGS, bool), 0
    for d, r in zip(delivery.tolist(), receipt.tolist()):
        if not (taken[d] or taken[r]):
            taken[d] = taken[r] = True
            result += d * 31 + r * 17 + 1
    return result


def with_pandas(legs):
    import pandas as pd
    frame = pd.DataFrame({c: legs[c] for c in (*KEYS, "id", "quantity", "amount", "receives")})

    def run():
        c = frame[frame.receives == 0].merge(frame[frame.receives == 1], on=KEYS, suffixes=("", "_r"))
        c["gap"] = (c.amount - c.amount_r).abs()
        dq = (c.quantity - c.quantity_r).abs() / c[["quantity", "quantity_r"]].max(axis=1)
        da = c.gap / c[["amount", "amount_r"]].max(axis=1)
        c["score"] = (1 - dq) * (1 - da)
        c = c[(dq <= 0.01) & (da <= 0.01) & (c.score >= 0.8)]
        c = c.sort_values(["score", "gap", "id", "id_r"], ascending=[False, True, True, True])
        return greedy(c.id.to_numpy(), c.id_r.to_numpy())
    return run


def with_polars(legs):
    import polars as pl
    frame = pl.DataFrame({c: np.ascontiguousarray(legs[c]) for c in (*KEYS, "id", "quantity", "amount", "receives")})

    def run():
        c = (frame.lazy().filter(pl.col("receives") == 0).join(frame.lazy().filter(pl.col("receives") == 1), on=KEYS, suffix="_r")
             .with_columns(gap=(pl.col("amount") - pl.col("amount_r")).abs(),
                           dq=(pl.col("quantity") - pl.col("quantity_r")).abs() / pl.max_horizontal("quantity", "quantity_r"))
             .with_columns(da=pl.col("gap") / pl.max_horizontal("amount", "amount_r"))
             .with_columns(score=(1 - pl.col("dq")) * (1 - pl.col("da")))
             .filter((pl.col("dq") <= 0.01) & (pl.col("da") <= 0.01) & (pl.col("score") >= 0.8))
             .sort(["score", "gap", "id", "id_r"], descending=[True, False, False, False]).select("id", "id_r").collect())
        return greedy(c["id"].to_numpy(), c["id_r"].to_numpy())
    return run


def measure(args, table, build):
    if args.only and not "dvp".startswith(args.only):
        return
    ours, cpp = compile_ours(build), compile_peer(build)
    data = os.path.join(build, "dvp.legs")
    subprocess.run([ours, str(LEGS), data], check=True)
    legs = np.fromfile(data, LEG)

    def run(*command):
        done = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
        return [done["best"], done["median"]], done["result"]

    peers = [("c++", lambda: run(cpp, str(LEGS), "2"))]
    for name, make in (("polars", with_polars), ("pandas", with_pandas)):
        try:
            peers.append((name, make(legs)))
        except ImportError:
            print(f"no {name}: pip install {name}")
    for threads in args.threads:
        for name, peer in peers:
            times, theirs, result, other = [], [], None, None
            for _ in range(min(args.runs, 3)):
                t, result = run(ours, str(LEGS), "2", str(threads))
                times += t
                began = time.perf_counter()
                other = peer()
                if isinstance(other, tuple):
                    t, other = other
                else:
                    t = [time.perf_counter() - began]
                theirs += t
            table.add("dvp matching, best first", "1e6", threads, times, name, theirs, 1.0, result == other)
