"""Line charts as SVG, several beside one another; no library is worth it for this."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from math import ceil, log10
from pathlib import Path

Points = Sequence[tuple[float, float]]
WIDTH, HEIGHT, LEFT, TOP, RIGHT, BOTTOM = 340, 240, 46, 34, 12, 40
COLOURS = ("#1f6feb", "#d1242f", "#1a7f37", "#9a6700")


@dataclass(frozen=True)
class Chart:
    """One chart: what is on its axes, and lines by name."""

    title: str
    across: str
    up: str
    lines: Mapping[str, Points]


def write(path: Path, charts: Sequence[Chart]) -> None:
    """All charts in a row."""
    body = "".join(f'<g transform="translate({n * WIDTH} 0)">{_chart(one)}</g>' for n, one in enumerate(charts))
    size = f'width="{len(charts) * WIDTH}" height="{HEIGHT}" viewBox="0 0 {len(charts) * WIDTH} {HEIGHT}"'
    style = 'font-family="sans-serif" font-size="11" fill="#24292f"'
    ground = '<rect width="100%" height="100%" fill="#ffffff"/>'
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" {size} {style}>{ground}{body}</svg>\n'
    path.write_text(svg, encoding="utf-8")


def _chart(chart: Chart) -> str:
    points = [point for line in chart.lines.values() for point in line]
    most_x, most_y = (_round_up(max(point[axis] for point in points)) for axis in (0, 1))
    parts = [
        _text(WIDTH / 2, 16, chart.title, "middle", bold=True),
        _text(WIDTH / 2, HEIGHT - 6, chart.across, "middle"),
    ]
    parts.append(_text(6, 28, chart.up, "start"))
    for step in range(5):
        x, y = most_x * step / 4, most_y * step / 4
        left, top = _place(x, y, most_x, most_y)
        parts.append(f'<path d="M{LEFT} {top:.1f}H{WIDTH - RIGHT}" stroke="#d0d7de" stroke-width="0.7"/>')
        parts.append(_text(LEFT - 5, top + 4, f"{y:g}", "end"))
        parts.append(_text(left, HEIGHT - BOTTOM + 15, f"{x:g}", "middle"))
    for number, (name, line) in enumerate(chart.lines.items()):
        parts.append(_line(line, most_x, most_y, COLOURS[number % len(COLOURS)]))
        if name:
            parts.append(_text(LEFT + 8, TOP + 14 + 14 * number, name, "start", COLOURS[number % len(COLOURS)]))
    return "".join(parts)


def _line(line: Points, most_x: float, most_y: float, colour: str) -> str:
    places = [_place(x, y, most_x, most_y) for x, y in line]
    path = "L".join(f"{left:.1f} {top:.1f}" for left, top in places)
    dots = "".join(f'<circle cx="{left:.1f}" cy="{top:.1f}" r="2.6" fill="{colour}"/>' for left, top in places)
    return f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="1.6"/>{dots}'


def _place(x: float, y: float, most_x: float, most_y: float) -> tuple[float, float]:
    across, up = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM
    return LEFT + x / most_x * across, HEIGHT - BOTTOM - y / most_y * up


def _round_up(value: float) -> float:
    """To two digits that four steps share well."""
    unit = 10.0 ** (ceil(log10(value)) - 1) * 0.4 if value > 0 else 1.0
    return ceil(round(value / unit, 6)) * unit


def _text(x: float, y: float, text: str, anchor: str, colour: str = "", *, bold: bool = False) -> str:
    more = (f' fill="{colour}"' if colour else "") + (' font-weight="bold"' if bold else "")
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{more}>{escape(text)}</text>'
