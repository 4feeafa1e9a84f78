"""Order matching beside Liquibook, event by event."""
import json
import os
import subprocess
import sysconfig

import programs

EVENTS = 1000000

# what, label, goal
MEASURES = [("engine", "order matching", 1.0), ("actor", "order matching, as messages", 1.0)]


def compile_book(build):
    """Builds build/bench/book when a source is newer; returns its path."""
    folder = os.path.join(programs.ROOT, "src", "orderbook")
    actor = [os.path.join(folder, name) for name in ("matching_ring.c", "messages.c", "descriptors.c")]
    return programs.build(build, "book", programs.kernels("orderbook") + actor)


def compile_peer(build):
    """Builds build/bench/liquibook from the headers of the Python package liquibook; None without them."""
    headers = os.environ.get("LIQUIBOOK", os.path.join(sysconfig.get_path("purelib"), "include", "liquibook"))
    if not os.path.exists(os.path.join(headers, "book", "order_book.h")):
        return None
    return programs.peer(build, "liquibook", ["book_stream.h"], ["-I", headers])


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
