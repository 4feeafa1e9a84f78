"""The one table of the benchmarks, printed row by row as it grows."""
import statistics

COLUMNS = ("%-34s %-10s %3s %10s %10s  %-22s %10s %10s %7s %7s  %s")


def milliseconds(seconds):
    return f"{seconds * 1000:.1f}" if seconds < 10 else f"{seconds * 1000:.0f}"


class Table:
    def __init__(self):
        self.rows = []
        self.differs = False

    def add(self, what, size, threads, ours, peer, theirs, goal, agrees=None, details=None):
        """Adds a row; ours and theirs are lists of seconds, goal a largest ratio."""
        if not self.rows:
            print(COLUMNS % ("what", "input", "thr", "ours ms", "median", "peer", "peer ms",
                             "median", "ratio", "goal", "ok"))
        ratio = min(ours) / min(theirs) if theirs else None
        met = None if goal is None or ratio is None else ratio <= goal
        verdict = {None: "", True: "ok", False: "missed"}[met]
        if agrees is False:
            verdict = (verdict + " RESULT DIFFERS").strip()
            self.differs = True
        print(COLUMNS % (what, size, threads, milliseconds(min(ours)),
                         milliseconds(statistics.median(ours)), peer or "-",
                         milliseconds(min(theirs)) if theirs else "-",
                         milliseconds(statistics.median(theirs)) if theirs else "-",
                         f"{ratio:.3f}" if ratio is not None else "-",
                         f"{goal:.2f}" if goal is not None else "-", verdict), flush=True)
        self.rows.append({"what": what, "input": size, "threads": threads, "ours": min(ours),
                          "ours_median": statistics.median(ours), "peer": peer,
                          "peer_best": min(theirs) if theirs else None,
                          "peer_median": statistics.median(theirs) if theirs else None,
                          "ratio": ratio, "goal": goal, "ok": met, **(details or {})})

    def summary(self):
        judged = [row for row in self.rows if row["ok"] is not None]
        met = sum(row["ok"] for row in judged)
        print(f"\n{met} of {len(judged)} goals met")
