"""Order matching beside Liquibook, event by event."""
import glob
import json
import os
import subprocess
import sysconfig

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
EVENTS = 1000000

# what, label, goal
MEASURES = [("engine", "order matching", 1.0), ("actor", "order matching, as messages", 1.0)]


def newer(program, sources):
    return not os.path.exists(program) or os.path.getmtime(program) < max(map(os.path.getmtime, sources))


def compile_book(build):
    """Builds build/bench/book when a source is newer; returns its path."""
    program = os.path.join(build, "book")
    sources = [os.path.join(HERE, "book.c")] + sorted(glob.glob(os.path.join(ROOT, "src", "compute", "*.c"))) + \
        sorted(p for p in glob.glob(os.path.join(ROOT, "src", "orderbook", "*.c")) if os.path.basename(p) != "binding.c")
    headers = glob.glob(os.path.join(ROOT, "src", "**", "*.h"), recursive=True) + [os.path.join(HERE, "book_stream.h")]
    if newer(program, sources + headers):
        blas = subprocess.run(["pkg-config", "--libs", "openblas"], check=True, stdout=subprocess.PIPE, text=True).stdout.split()
        subprocess.run([os.environ.get("CC", "cc"), "-std=gnu11", "-O3", "-o", program, *sources, *blas, "-lm", "-lpthread"],
                       check=True)
    return program


def compile_peer(build):
    """Builds build/bench/liquibook from the headers of the Python package liquibook; None without them."""
    program = os.path.join(build, "liquibook")
    source = os.path.join(HERE, "liquibook.cpp")
    headers = os.environ.get("LIQUIBOOK", os.path.join(sysconfig.get_path("purelib"), "include", "liquibook"))
    if not os.path.exists(os.path.join(headers, "book", "order_book.h")):
        return None
    if newer(program, [source, os.path.join(HERE, "book_stream.h")]):
        subprocess.run([os.environ.get("CXX", "c++"), "-O3", "-I", headers, "-o", program, source], check=True)
    return program


def measure(args, table, build):
    ours, peer = compile_book(build), compile_peer(build)
    if peer is None:
        print("no Liquibook: pip install liquibook, or LIQUIBOOK=folder of its headers")

    def run(*command):
        return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)

    for what, label, goal in MEASURES:
        if args.only and not what.startswith(args.only):
            continue
        times, theirs, result, other = [], [], None, None
        for _ in range(args.runs):
            done = run(ours, what, str(EVENTS), "3")
            times += [done["best"], done["median"]]
            result = done["result"]
            if peer:
                done = run(peer, str(EVENTS), "1")
                theirs.append(done["best"])
                other = done["result"]
        table.add(label, "1e6", 1, times, "liquibook" if peer else None, theirs, goal, None if peer is None else result == other)
    # symbols that threads share: what one thread takes is the peer
    if not args.only or "replay".startswith(args.only):
        times, alone = [], []
        for _ in range(args.runs):
            one, two = run(ours, "replay", str(EVENTS), "3", "1"), run(ours, "replay", str(EVENTS), "3", "2")
            alone += [one["best"], one["median"]]
            times += [two["best"], two["median"]]
        table.add("a day of 64 symbols", "1e6", 2, times, "one thread", alone, 1.0, one["result"] == two["result"])
