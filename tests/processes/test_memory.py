"""When dead objects are looked for."""

from __future__ import annotations

import subprocess
import sys

CODE = """
import gc
from openmpu.processes.memory import keep_what_is, loading
with loading():
    assert not gc.isenabled()
assert gc.isenabled()
try:
    with loading():
        raise ImportError
except ImportError:
    assert gc.isenabled()
kept = [[] for _ in range(1000)]
keep_what_is()
assert gc.get_freeze_count() > 1000
"""


def test_nothing_is_looked_through_while_loading_nor_what_stays() -> None:
    """In a process of its own: it counts for all of it."""
    assert subprocess.run([sys.executable, "-c", CODE], check=False).returncode == 0
