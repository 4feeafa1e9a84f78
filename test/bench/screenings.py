"""The matching of names beside rapidfuzz, which compares the same names."""
import json
import os
import random
import subprocess
import time

import programs


QUERIES, FEW, ENTRIES = 10000, 1000, 100000

# what, label, queries, method, order, least score, entries of each name (0: as rings do), goal
MEASURES = [
    ("names", "names, Jaro-Winkler, from 0.85 on", QUERIES, "jaro_winkler", "as_given", 0.85, 10**9, 0.2),
    ("names_any", "the same, words in any order", FEW, "jaro_winkler", "any", 0.85, 10**9, 0.2),
    ("names_best", "ten best from 0.7 on, any order", FEW, "jaro_winkler", "any", 0.7, 10, None),
    ("names_ring", "one by one against a list that is kept", FEW, "jaro_winkler", "any", 0.85, 0, 0.2),
    ("names_levenshtein", "names, Levenshtein, from 0.85 on", FEW, "levenshtein", "as_given", 0.85, 10**9, 0.2),
    ("names_sorted", "names, token sort, from 0.85 on", FEW, "token_sort_ratio", "as_given", 0.85, 10**9, 0.2),
]


def compile_screening(build):
    """Builds build/bench/screening when a source is newer; returns its path."""
    sources = programs.kernels("compliance/screening") + [os.path.join(programs.ROOT, "src", "compliance", "screening", "descriptors.c")]
    return programs.build(build, "screening", sources, libraries=("openblas", "icu-i18n", "icu-uc"))


def make_names(build):
    """Names of persons, a tenth of the queries being entries with errors."""
    rng = random.Random(1)
    syllables = [a + b + c for a in ("", "b", "br", "ch", "d", "f", "g", "gr", "h", "j", "k", "kl", "l", "m", "n", "p", "r", "s", "sch", "st", "t", "v", "w", "z")
                 for b in "aeiou" for c in ("", "", "l", "n", "r", "s", "t")]

    def word(least, most):
        return "".join(rng.choice(syllables) for _ in range(rng.randint(least, most)))
    given = [word(1, 3) for _ in range(2000)]
    family = [word(2, 4) for _ in range(30000)]

    def person():
        first = given[int(len(given) * rng.random()**3)]
        middle = given[int(len(given) * rng.random()**2)] + " " if rng.random() < 0.3 else ""
        return f"{first} {middle}{family[int(len(family) * rng.random()**1.5)]}"

    def error(name):
        at = rng.randrange(1, len(name))
        return name[:at - 1] + rng.choice(("", rng.choice("aeinrst"), name[at - 1] * 2)) + name[at:]
    entries = [person() for _ in range(ENTRIES)]
    queries = [error(rng.choice(entries)) if rng.random() < 0.1 else person() for _ in range(QUERIES)]
    paths = []
    for name, names in (("queries", queries), ("few", queries[:FEW]), ("entries", entries)):
        paths.append(os.path.join(build, f"{name}.txt"))
        with open(paths[-1], "w") as f:
            f.writelines(line + "\n" for line in names)
    return queries, entries, paths


def rapidfuzz(queries, entries, method, order, score, threads):
    """Seconds, and the sum of the scores; None without rapidfuzz or for what it does not do."""
    try:
        import numpy as np
        from rapidfuzz import fuzz
        from rapidfuzz.distance import JaroWinkler, Levenshtein
        from rapidfuzz.process import cdist
    except ImportError:
        return None
    scorer, unit = {"jaro_winkler": (JaroWinkler.similarity, 1), "levenshtein": (Levenshtein.normalized_similarity, 1),
                    "token_sort_ratio": (fuzz.token_sort_ratio, 100)}[method]
    start = time.perf_counter()
    total = 0.0
    ordered = [[" ".join(sorted(n.split())) for n in names] for names in (queries, entries)] if order == "any" else None
    for at in range(0, len(queries), 500):
        # a little below the score, as it drops pairs that are just at it
        found = cdist(queries[at:at + 500], entries, scorer=scorer, score_cutoff=(score - 1e-6) * unit, workers=threads, dtype=np.float64)
        if ordered:
            found = np.maximum(found, cdist(ordered[0][at:at + 500], ordered[1], scorer=scorer, score_cutoff=score - 1e-6,
                                            workers=threads, dtype=np.float64))
        found = found[found >= score * unit]
        total += found.sum() / unit
    return time.perf_counter() - start, total


def measure(args, table, build):
    """Times ours and rapidfuzz in turns, it once: it takes long."""
    program = compile_screening(build)
    queries, entries, paths = make_names(build)
    for what, label, count, method, order, score, best, goal in MEASURES:
        if args.only and not what.startswith(args.only):
            continue
        for threads in args.threads:
            ours, theirs, agrees, result = [], [], None, None
            files = [paths[0 if count == QUERIES else 1], paths[2]]
            for turn in range(args.runs):
                done = json.loads(subprocess.run([program, *files, method, order, str(score), str(best), str(threads), "2"], check=True,
                                                 stdout=subprocess.PIPE, text=True).stdout)
                ours += [done["best"], done["median"]]
                result = done["result"]
                other = rapidfuzz(queries[:count], entries, method, order, score, threads) if turn == 0 and (best > ENTRIES or best == 0) else None
                if other:
                    theirs.append(other[0])
                    agrees = abs(result - other[1]) <= 1e-9 * other[1]
            table.add(label, f"{count} x 1e5", threads, ours, "rapidfuzz" if theirs else None, theirs,
                      goal if threads == max(args.threads) else None, agrees)
