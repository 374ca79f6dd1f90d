"""S22: what is installed is what was looked at."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LOCKS = sorted((ROOT / "requirements").glob("*.lock"))


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_s22_every_package_is_pinned_with_its_hashes(lock: Path) -> None:
    """One version each, held by SHA-256; no other index, no address of anybody's."""
    text = re.sub(r"\\\n\s*", " ", lock.read_text(encoding="utf-8"))
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    assert lines
    for line in lines:
        assert re.match(r"^[a-z0-9._-]+(\[[a-z,]+\])?==\S+", line), line[:80]
        assert "--hash=sha256:" in line, line[:80]
    assert "://" not in "".join(lines)


def test_s22_the_bill_of_materials_names_what_is_locked() -> None:
    """CycloneDX: each package once, with version, hashes and who needs it; twice the same; no address of anybody's."""
    made = [subprocess.check_output([sys.executable, ROOT / "scripts/bill_of_materials.py"]) for _ in range(2)]
    assert made[0] == made[1]
    bill = json.loads(made[0])
    lock = (ROOT / "requirements/core.lock").read_text(encoding="utf-8")
    locked = sorted(re.findall(r"^([a-z0-9._-]+)(?:\[[a-z,]+\])?==([^\s;\\]+)", lock, re.MULTILINE))

    assert (bill["bomFormat"], bill["specVersion"], bill["version"]) == ("CycloneDX", "1.6", 1)
    assert sorted((part["name"], part["version"]) for part in bill["components"]) == locked
    assert sum(len(part["hashes"]) for part in bill["components"]) == lock.count("--hash=sha256:")
    refs = {part["bom-ref"] for part in bill["components"]} | {bill["metadata"]["component"]["bom-ref"]}
    needs = {entry["ref"]: set(entry["dependsOn"]) for entry in bill["dependencies"]}
    assert needs.keys() == refs
    assert set().union(*needs.values()) == refs - {"pkg:pypi/openmpu"}, "each is there for somebody"
    versions = dict(locked)
    assert f"pkg:pypi/anyio@{versions['anyio']}" in needs[f"pkg:pypi/httpx@{versions['httpx']}"]
    assert "https://" not in made[0].decode()
