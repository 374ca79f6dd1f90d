"""The core of `openmpu bench`: runs the programs in `bench/` of a checkout, one after the other, and joins their data.

They are programs of their own, so that each measures in a fresh process. An installed package has none: they use the
tests' rig.
"""

from __future__ import annotations

import ast
import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from openmpu.errors import Invalid, Unsupported

ROOT = Path(__file__).resolve().parents[3]


def find_benches() -> dict[str, Path]:
    """Benchmarks by name: every program of `bench/` that can be run.

    Raises:
        Unsupported: This is not a checkout.
    """
    folder = ROOT / "bench"
    if not folder.is_dir():
        raise Unsupported("bench", "the benchmarks come with the source checkout, not with the package")
    return {path.stem: path for path in sorted(folder.glob("*.py")) if _runs(path)}


def _runs(path: Path) -> bool:
    """Whether it is a program, not a helper of others."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return any(isinstance(node, ast.FunctionDef) and node.name == "main" for node in tree.body)


def run_benches(found: Mapping[str, Path], names: Sequence[str], json_file: Path | None) -> int:
    """Run them; the worst exit status.

    Raises:
        Invalid: A name is not one of them.
    """
    unknown = [name for name in names if name not in found]
    if unknown:
        raise Invalid("bench", f"no benchmark {unknown[0]}; there are: {', '.join(found)}")
    data, worst = {}, 0
    for name in names:
        status, figures = _run(name)
        worst = max(worst, abs(status))
        data[name] = figures
    if json_file:
        json_file.write_text(json.dumps(data, indent=1), encoding="utf-8")
    return worst


def _run(name: str) -> tuple[int, object]:
    print(f"== {name}", flush=True)  # noqa: T201 - a headline among the tables
    with tempfile.TemporaryDirectory() as directory:
        out = Path(directory) / "figures.json"
        command = [sys.executable, "-m", f"bench.{name}", "--json", str(out)]
        status = subprocess.run(command, cwd=ROOT, check=False).returncode  # noqa: S603 - our own programs
        return status, json.loads(out.read_text(encoding="utf-8")) if out.exists() else None
