"""The manual names tests as proof: each of them must exist."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parent
DOCS = TESTS.parent / "docs"


@cache
def _functions(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


@pytest.mark.parametrize("page", ["security.md", "troubles.md"])
def test_every_test_that_the_manual_names_exists(page):
    """A renamed test must be renamed there too."""
    named = re.findall(r"`([\w/]+\.py)::(\w+)`", (DOCS / page).read_text(encoding="utf-8"))

    assert len(named) > 40
    missing = [
        f"{path}::{name}"
        for path, name in named
        if not (TESTS / path).is_file() or name not in _functions(TESTS / path)
    ]
    assert missing == []


@pytest.mark.parametrize(
    ("page", "mark", "count"), [("security.md", r"^\*\*S(\d+) ", 24), ("troubles.md", r"^\| (\d+) \|", 44)]
)
def test_every_row_is_answered(page, mark, count):
    """In order, none left out."""
    found = re.findall(mark, (DOCS / page).read_text(encoding="utf-8"), re.MULTILINE)

    assert [int(number) for number in found] == list(range(1, count + 1))
