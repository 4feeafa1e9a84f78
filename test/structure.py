#!/usr/bin/env python3
"""Rules of the source tree that a compiler does not check.

Prints "ok" or "not ok" for every rule, with what breaks it.
"""
import pathlib
import re
import sys

root = pathlib.Path(__file__).resolve().parent.parent
src = root / "src"

MAX_FILE = 1000  # lines of an algorithm
MAX_BINDING_FUNCTION = 80  # lines

rooms = sorted(p.parent for p in src.rglob("descriptors.c"))
bindings = [r / "binding.c" for r in rooms]
algorithms = sorted(
    p
    for p in [*src.joinpath("compute").glob("*.[ch]"), *(f for r in rooms for f in r.rglob("*.[ch]"))]
    if p.name != "binding.c"
)

failures = 0


def rule(text, broken):
    global failures
    broken = list(broken)
    print("not ok" if broken else "ok", "-", text)
    for b in broken:
        print("#  ", b)
    failures += bool(broken)


def name(path):
    return str(path.relative_to(root))


def code(path):
    """The lines of a file with comments and strings blanked."""
    text = path.read_text()
    keep_lines = lambda m: re.sub(r"[^\n]", " ", m.group())
    text = re.sub(r'/\*.*?\*/|"(?:\\.|[^"\\\n])*"', keep_lines, text, flags=re.S)
    return text.split("\n")


def includes(path):
    return re.findall(r'#include\s+["<]([^">]+)[">]', path.read_text())


def functions(lines):
    """(name, first line, last line) of every function, by the layout."""
    for start, line in enumerate(lines):
        if line != "{" or start == 0:
            continue
        head = "\n".join(lines[max(0, start - 8) : start])
        match = re.findall(r"^(\w+)\(", head, flags=re.M)
        if not match:
            continue
        for end in range(start, len(lines)):
            if lines[end] == "}":
                yield match[-1], start, end
                break


def nested_loops(path):
    """Loops inside loops, by indentation."""
    open_loops = []
    for number, line in enumerate(code(path), 1):
        if not line.strip():
            continue
        depth = len(line) - len(line.lstrip("\t"))
        open_loops = [d for d in open_loops if d < depth]
        if re.match(r"\t*(for|while|do)\b", line) and not re.match(r"\t*while .*;$", line):
            if open_loops:
                yield f"{name(path)}:{number}: a loop inside a loop"
            open_loops.append(depth)


SERVER = re.compile(r"^(postgres|fmgr|miscadmin|funcapi|varatt|pgstat)\.h$|^(access|catalog|commands|common|executor|"
                    r"lib|libpq|mb|nodes|optimizer|parser|port|postmaster|storage|tcop|utils)/")

rule(
    "no algorithm includes the server's headers, nor those that do",
    (
        f"{name(p)}: {i}"
        for p in algorithms
        for i in includes(p)
        if SERVER.search(i) or re.search(r"relation/|call/(?!descriptor\.h)|compat\.h", i)
    ),
)
rule("no binding has loops inside loops", (b for p in bindings for b in nested_loops(p)))
rule(
    f"no function of a binding is longer than {MAX_BINDING_FUNCTION} lines",
    (
        f"{name(p)}:{start + 1}: {f} has {end - start + 1} lines"
        for p in bindings
        for f, start, end in functions(code(p))
        if end - start + 1 > MAX_BINDING_FUNCTION
    ),
)
rule(
    f"no file of an algorithm is longer than {MAX_FILE} lines",
    (f"{name(p)}: {n} lines" for p in algorithms if (n := len(p.read_text().splitlines())) > MAX_FILE),
)
rule(
    "kernels take memory from their context, and neither print nor exit",
    (
        f"{name(p)}:{number}: {m.group(1)}"
        for p in algorithms
        if p.parent.name != "compute"
        for number, line in enumerate(code(p), 1)
        if (m := re.search(r"(?<!\w)(malloc|calloc|realloc|free|aligned_alloc|printf|fprintf|puts|exit|abort|assert|"
                           r"palloc\w*|elog|ereport|pthread_create|rand|srand|time)\(", line))
    ),
)
listed = set(re.findall(r"^RK_ROOM\((\w+)\)", (src / "call/rooms.def").read_text(), flags=re.M))
found = {"_".join(r.relative_to(src).parts) for r in rooms}
rule(
    "rooms.def lists every room",
    [f"{r} is a folder only" for r in sorted(found - listed)] + [f"{r} is listed only" for r in sorted(listed - found)],
)
rule(
    "every room has a binding and a header",
    (f"{name(r)}: no {f}" for r in rooms for f in ("binding.c", r.name + ".h") if not (r / f).exists()),
)
rule(
    "every file begins with its name",
    (
        name(p)
        for p in sorted(src.rglob("*.[ch]"))
        if not re.match(r"/\*\n \* " + re.escape(p.name) + r"\n", p.read_text())
    ),
)
kernels = sorted({i for r in rooms for i in re.findall(r'\.id\s*=\s*"([^"]+)"', (r / "descriptors.c").read_text())}
                 | {i for r in rooms for i in re.findall(r'\{\s*"([a-z]+/[a-z0-9-]+)"', (r / "descriptors.c").read_text())})
rule("there are kernels", [] if len(kernels) >= 4 else [f"{len(kernels)} found"])
def mentions(folder, pattern):
    return "\n".join(p.name + "\n" + p.read_text() for p in (root / "test" / folder).glob(pattern))


def tested(kernel, text):
    return any(n in text for n in (kernel, kernel.replace("/", "_").replace("-", "_"),
                                   f"test_{kernel.split('/')[1].replace('-', '_')}."))


oracles = mentions("oracle", "test_*.py")
everything = oracles + mentions("unit", "*.c") + mentions("sql", "*.sql")
rule("every kernel is tested", (k for k in kernels if not tested(k, everything)))
for k in kernels:
    if not tested(k, oracles):
        print("# no oracle test names", k)
rule(
    "every oracle's package is pinned",
    (
        f"{name(p)}: {line}"
        for p in [root / "test/requirements.txt"]
        for line in p.read_text().splitlines()
        if line.strip() and not line.startswith("#") and "==" not in line
    ),
)
# what has a form for devices, as the code has it and as the guide's table does
with_form = set(re.findall(r'^RK_DEVICE_FUNCTION\("([^"]+)"', (src / "device/functions.def").read_text(), flags=re.M))
rows = re.findall(r"^\| (`[a-z]+/.*?) \|", (root / "docs/how-to/devices.md").read_text(), flags=re.M)
named = [k for row in rows for k in re.findall(r"`([a-z]+/[a-z0-9-]+)`", row)]
rule(
    "the guide to devices has a row for every kernel with a form, one for each choice of its functions",
    [f"{k} has no row" for k in sorted(with_form - set(named))]
    + [f"{k} has a row and no form" for k in sorted(set(named) - with_form)]
    + [f"more than one row for {row}" for row in sorted({r for r in rows if rows.count(r) > 1})],
)
sys.exit(failures > 0)
