"""Reading the manual: its pages, their sections and tables. Knows nothing of the code that it tells of."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
SPEC = ROOT.parent / "shared" / "spec"

_FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_LITERAL = re.compile(r"`([^`]+)`")


def page(name: str) -> str:
    """The text of a page."""
    return (DOCS / name).read_text(encoding="utf-8")


def pages() -> list[Path]:
    """Every page of the manual, and the page that leads to it."""
    return [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]


def headings(text: str) -> list[tuple[int, str]]:
    """Level and title of every heading, in order; `#` lines of examples are none."""
    found = re.findall(r"^(#+) (.+)$", _FENCED.sub("", text), re.MULTILINE)
    return [(len(marks), title.strip()) for marks, title in found]


def slug(title: str) -> str:
    """The anchor of a heading, as GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


def section(text: str, title: str) -> str:
    """What stands under a heading, up to the next one of its level or above."""
    lines = text.splitlines()
    starts = [place for place, line in enumerate(lines) if re.fullmatch(rf"#+ {re.escape(title)}", line)]
    assert len(starts) == 1, f"{title!r} is a heading {len(starts)} times"
    level = lines[starts[0]].index(" ")
    ends = re.compile(rf"#{{1,{level}}} ")
    return "\n".join(takewhile(lambda line: not ends.match(line), lines[starts[0] + 1 :]))


@dataclass(frozen=True)
class Table:
    """One table: its header and its rows, cell by cell."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def tables(text: str) -> list[Table]:
    """All tables of a text."""
    found = re.findall(r"(?:^\|.*\|$\n?)+", _FENCED.sub("", text), re.MULTILINE)
    split = [[_cells(line) for line in table.splitlines()] for table in found]
    return [Table(lines[0], tuple(lines[2:])) for lines in split]


def _cells(line: str) -> tuple[str, ...]:
    return tuple(cell.strip() for cell in line.strip().removeprefix("|").removesuffix("|").split("|"))


def table(text: str, *header: str) -> list[tuple[str, ...]]:
    """The rows of the one table with that header."""
    found = [entry for entry in tables(text) if entry.header == header]
    assert len(found) == 1, f"{len(found)} tables with the header {header}"
    return list(found[0].rows)


def literals(text: str) -> list[str]:
    """Everything in backticks, examples apart."""
    return _LITERAL.findall(_FENCED.sub("", text))


def links(text: str) -> list[str]:
    """Targets of all links, examples apart."""
    return _LINK.findall(_FENCED.sub("", text))


@dataclass(frozen=True)
class Told:
    """What the manual says of one parameter."""

    default: str
    range: str


def parameters(text: str) -> dict[str, Told]:
    """Every parameter of a text's tables by its name without letters for numbers: `UserPanes.Images.Url`."""
    rows = [row for entry in tables(text) if entry.header[0] == "Parameter" for row in entry.rows]
    return {name: Told(row[2], row[3]) for row in rows for name in _names(row[0])}


def _names(cell: str) -> Iterator[str]:
    """`A.N.X`, `.Y` are A.X and A.Y."""
    stem = ""
    for name in literals(cell):
        full = stem + name if name.startswith(".") else name
        stem = full.rpartition(".")[0]
        yield re.sub(r"\.[NM](?=\.|$)|\[\]", "", full)
