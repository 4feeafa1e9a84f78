#!/usr/bin/env python3
"""Runs the SQL examples of README.md and docs/ and compares what they show.

    test/examples/run.py [--update] [FILE...]

Every ```sql block is fed to psql, block after block, file by file, as a reader
would paste it.  Where a ```text block follows with only blank lines between,
psql must print just that, where a line "..." stands for any number of lines and
"..." inside a line for any text.  Without one the block must not raise an error.  --update writes what psql
printed into the files instead.  docs/reference is made from docs/examples,
so only the latter is run.

A file runs in one session and one transaction, which is rolled back, with the
extension and the tables of tools/bank/bank.sql.  One with the line
<!-- examples: each statement commits --> runs without a transaction, in a
database of its own, on a server that must have the library preloaded.  The
server is the one that psql would reach; the role must be a superuser.  Prints ok
and not ok lines.
"""
import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SCRATCH = f"rk_examples_{os.getpid()}"
PSQL = [os.path.join(os.environ["PGBIN"], "psql") if "PGBIN" in os.environ else "psql", "-X", "-q"]

# pages whose examples start processes, or want to see what others have committed
COMMITS = "<!-- examples: each statement commits -->"

# a fence with what it is of, its text, and the line it ends in
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class Example:
    """A ```sql block and the output that the file shows for it."""

    def __init__(self, path, text, sql, shown):
        self.name = f"{path.relative_to(ROOT)}:{text[:sql.start()].count(chr(10)) + 1}"
        self.sql = sql.group(2)
        self.shown = shown              # the match of the ```text block, or None
        self.printed = None


def examples_of(path):
    text = path.read_text(encoding="utf-8")
    fences = list(FENCE.finditer(text))
    found = []
    for i, fence in enumerate(fences):
        if fence.group(1) != "sql":
            continue
        after = fences[i + 1] if i + 1 < len(fences) else None
        if after is not None and (after.group(1) != "text" or text[fence.end():after.start()].strip()):
            after = None
        found.append(Example(path, text, fence, after))
    return text, found


def psql(database, script, check=True, **more):
    return subprocess.run(PSQL + ["-d", database], input=script, text=True, check=check, cwd=ROOT,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **more).stdout


def tidy(text):
    """Lines without trailing blanks, and without blank lines at the end."""
    lines = [line.rstrip() for line in text.splitlines()]
    while lines and not lines[-1]:
        lines.pop()
    return lines


def same(shown, printed):
    """Compares lines; "..." in what is shown stands for anything."""
    pattern = "".join("(?:.*\n)*?" if line == "..." else re.escape(line).replace(r"\.\.\.", ".*") + "\n"
                      for line in shown)
    return re.fullmatch(pattern, "".join(line + "\n" for line in printed)) is not None


def run_file(path):
    """Runs the examples of a file; returns its text and the examples."""
    text, examples = examples_of(path)
    if not examples:
        return text, examples
    # each block's output ends with a line that nothing else prints
    script = ["SET client_min_messages = warning;"]
    commits = COMMITS in text.splitlines()
    database = SCRATCH + "_commits" if commits else SCRATCH
    if commits:
        psql("postgres", f"DROP DATABASE IF EXISTS {database};\nCREATE DATABASE {database} TEMPLATE {SCRATCH};")
    elif any(re.search(r"^CREATE EXTENSION rustkernels", e.sql, re.MULTILINE) for e in examples):
        script.append("BEGIN; DROP EXTENSION rustkernels CASCADE;")
    else:
        script.append("BEGIN;")
    script += ["RESET client_min_messages;", "\\pset pager off", *([] if commits else ["\\set ON_ERROR_ROLLBACK on"]),
               "\\set QUIET off", "\\echo @@end"]
    for e in examples:
        script += [e.sql.rstrip(), "\\echo @@end"]
    script += ["\\set QUIET on"] + ([] if commits else ["ROLLBACK;"]) + [""]
    parts = psql(database, "\n".join(script), check=False).split("@@end\n")
    if commits:
        psql("postgres", f"DROP DATABASE {database} WITH (FORCE);")
    parts = parts[1:] + [""] * (len(examples) + 1 - len(parts))
    for e, printed in zip(examples, parts):
        e.printed = tidy(printed)
    return text, examples


def update(path, text, examples):
    for e in reversed(examples):
        if e.shown is not None and not same(tidy(e.shown.group(2)), e.printed):
            text = text[:e.shown.start(2)] + "".join(line + "\n" for line in e.printed) + text[e.shown.end(2):]
    path.write_text(text, encoding="utf-8")


def report(number, e):
    """Prints the line of one example; returns whether it passed."""
    if e.shown is None:
        passed = not any(re.match(r"(psql:)?.*\b(ERROR|FATAL|PANIC): ", line) for line in e.printed)
    else:
        passed = same(tidy(e.shown.group(2)), e.printed)
    print(f"{'ok' if passed else 'not ok'} {number} - {e.name}")
    if not passed:
        shown = tidy(e.shown.group(2)) if e.shown is not None else ["(no error)"]
        for title, lines in (("shown", shown), ("printed", e.printed)):
            print(f"# {title}:")
            for line in lines[:40]:
                print(f"#   {line}")
    return passed


def main():
    arguments = sys.argv[1:]
    updating = "--update" in arguments
    named = [Path(a).resolve() for a in arguments if a != "--update"]
    paths = named or [ROOT / "README.md"] + sorted(
        p for p in (ROOT / "docs").rglob("*.md") if ROOT / "docs" / "reference" not in p.parents)
    number = failed = 0
    psql("postgres", f"DROP DATABASE IF EXISTS {SCRATCH};\nCREATE DATABASE {SCRATCH};\n"
         f"ALTER DATABASE {SCRATCH} SET search_path = bank, public;")
    try:
        psql(SCRATCH, "\\set ON_ERROR_STOP on\nCREATE EXTENSION rustkernels;\nCREATE SCHEMA bank;\n"
             "\\i tools/bank/bank.sql\n")
        for path in paths:
            text, examples = run_file(path)
            if updating:
                update(path, text, examples)
                continue
            for e in examples:
                number += 1
                failed += not report(number, e)
    finally:
        psql("postgres", f"DROP DATABASE IF EXISTS {SCRATCH}_commits WITH (FORCE);\n"
             f"DROP DATABASE IF EXISTS {SCRATCH} WITH (FORCE);")
    if not updating:
        print(f"1..{number}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
