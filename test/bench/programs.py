"""Builds the C programs of the benchmarks: a main and the plain C part of some rooms."""
import glob
import os
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))


def kernels(*folders):
    """The kernels of folders below src, without what belongs to SQL or to rings."""
    left_out = ("binding.c", "descriptors.c", "relations.c", "messages.c")
    return sorted(path for folder in folders for path in glob.glob(os.path.join(ROOT, "src", folder, "*.c"))
                  if os.path.basename(path) not in left_out and not path.endswith("_ring.c"))


def newer(program, sources):
    """Whether a source is newer than the program made of it."""
    return not os.path.exists(program) or os.path.getmtime(program) < max(map(os.path.getmtime, sources))


def peer(directory, name, headers, flags=()):
    """Builds NAME from NAME.cpp and these headers beside it when one is newer; returns its path."""
    program, source = os.path.join(directory, name), os.path.join(HERE, f"{name}.cpp")
    if newer(program, [source, *(os.path.join(HERE, header) for header in headers)]):
        subprocess.run([os.environ.get("CXX", "c++"), "-O3", *flags, "-o", program, source], check=True)
    return program


def build(directory, name, sources, flags=(), libraries=("openblas",)):
    """Builds NAME from NAME.c, src/compute and these sources when one is newer; returns its path.

    The states of rings number ids by ring/keys.c and ring/names.c.
    """
    program = os.path.join(directory, name)
    sources = [os.path.join(HERE, f"{name}.c"), *kernels("compute"), *sources,
               *(os.path.join(ROOT, "src", "ring", f) for f in ("keys.c", "names.c"))]
    headers = [p for folder in ("src", "test/bench") for p in glob.glob(os.path.join(ROOT, folder, "**", "*.h"), recursive=True)]
    if newer(program, sources + headers):
        compiler = os.environ.get("CC", "cc")
        if shutil.which(compiler) is None:
            sys.exit(f"{compiler} is missing (apt install gcc)")
        linked = subprocess.run(["pkg-config", "--libs", *libraries], check=True, stdout=subprocess.PIPE, text=True).stdout.split()
        subprocess.run([compiler, "-std=gnu11", "-O3", *flags, "-o", program, *sources, *linked, "-lm", "-lpthread"], check=True)
    return program
