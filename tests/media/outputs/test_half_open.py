"""A peer that vanishes without a word (troubles 10)."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.media.outputs.rig import missing, program

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.e2e
def test_a_vanished_network_is_noticed_and_survived():
    """Detected within 5 s, and soon after the network is back, so is the stream."""
    unshare = [program("unshare"), "--net", "--map-root-user"]
    if subprocess.run([*unshare, program("ip"), "link"], capture_output=True, check=False).returncode:
        missing("this machine allows no network namespaces")
    command = [*unshare, sys.executable, "-m", "tests.media.outputs.half_open"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    found, code, back = next(line.split()[1:] for line in done.stdout.splitlines() if line.startswith("seen:"))
    assert float(found) < 5.2  # 5 s, and what a busy machine adds
    assert code == "1005"
    assert float(back) < 2
