"""src/compute/random.h: its check values, in C and in the Python of draws.py."""
import os
import random
import shutil
import subprocess

import pytest

import draws

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

PROGRAM = """
#include <inttypes.h>
#include <stdio.h>
#include "src/compute/random.h"

int
main(void)
{
	uint64_t	s, x, y;

	while (scanf("%" SCNu64 " %" SCNu64 " %" SCNu64, &s, &x, &y) == 3)
		printf("%" PRIu64 " %" PRIu64 " %" PRIu64 " %.17g\\n", rk_hash1(s), rk_hash2(s, x),
			   rk_hash3(s, x, y), rk_uniform(rk_hash2(s, x)));
	return 0;
}
"""


def test_check_values():
    assert draws.h(0, 0) == 0xA706DD2F4D197E6F
    assert draws.h(0, 1) == 0x08B4FDA8C892B50E
    assert draws.h(1, 0) == 0x5E41AB087439611E
    assert draws.h(0, 1, 2) == 0x5DEF8C1F8A9E3322
    assert draws.uniform(draws.h(0, 0)) == pytest.approx(0.652448486374, abs=1e-12)
    assert draws.uniform(draws.h(0, 1)) == pytest.approx(0.034011701304, abs=1e-12)


def test_header_agrees(tmp_path):
    compiler = shutil.which("cc") or shutil.which("gcc")
    assert compiler, "a C compiler is needed"
    (tmp_path / "check.c").write_text(PROGRAM)
    subprocess.run([compiler, "-std=gnu11", "-I", ROOT, str(tmp_path / "check.c"), "-o", str(tmp_path / "check")],
                   check=True)
    rng = random.Random(1)
    cases = [(0, 0, 0), (0, 1, 2), (1, 0, 0)] + [
        tuple(rng.getrandbits(rng.choice((4, 32, 64))) for _ in range(3)) for _ in range(1000)]
    out = subprocess.run([str(tmp_path / "check")], text=True, capture_output=True, check=True,
                         input="\n".join(f"{s} {x} {y}" for s, x, y in cases)).stdout
    for (s, x, y), line in zip(cases, out.splitlines(), strict=True):
        one, two, three, uniform = line.split()
        assert int(one) == draws.h(s)
        assert int(two) == draws.h(s, x)
        assert int(three) == draws.h(s, x, y)
        assert float(uniform) == draws.uniform(draws.h(s, x))
