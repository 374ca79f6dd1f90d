"""S22: what is installed is what was looked at."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

LOCKS = sorted((Path(__file__).resolve().parents[2] / "requirements").glob("*.lock"))


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
