"""The demo on a terminal: a table renewed once a second; on anything else, one line a second."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table

from openmpu.clients.glimpses import Glimpse
from openmpu.clients.rtmp_figures import Figures


@dataclass(slots=True)
class Stand:
    """How everything stands now.

    Attributes:
        seconds: Since the first picture came; None: not yet.
        task: As `GET /api/tasks/…` tells it.
        publishers: The latest figures of each, by name; texts.
    """

    seconds: float | None = None
    task: Mapping[str, Any] = field(default_factory=dict)
    publishers: dict[str, dict[str, str]] = field(default_factory=dict)
    receiver: Figures = field(default_factory=Figures)
    glimpse: Glimpse | None = None


@dataclass(frozen=True, slots=True)
class Places:
    """Where to look."""

    server: str
    stream: str
    picture: Path
    saved: Path | None


class View:
    """Shows stands. Use it as a context."""

    def __init__(self, places: Places, console: Console | None = None) -> None:
        self._places = places
        self._console = console or Console()
        self._live = Live(console=self._console, auto_refresh=False) if self._console.is_terminal else None

    def __enter__(self) -> Self:
        self._console.print(_where(self._places))
        if self._live:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live:
            self._live.stop()

    def show(self, stand: Stand) -> None:
        """The stand of this second."""
        if self._live:
            self._live.update(Group(_numbers(stand), _people(stand)), refresh=True)
        else:
            self._console.print(_line(stand), soft_wrap=True, highlight=False)

    def say(self, text: str) -> None:
        """A sentence that stays."""
        self._console.print(text, soft_wrap=True, highlight=False)


def _where(places: Places) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_row("server", places.server)
    table.add_row("stream goes to", places.stream)
    table.add_row("picture, renewed", str(places.picture))
    if places.saved:
        table.add_row("stream is saved in", str(places.saved))
    return table


def _facts(stand: Stand) -> dict[str, str]:
    """What is told of the task and the stream, by name."""
    figures, receiver = stand.task.get("figures", {}), stand.receiver
    target: Mapping[str, Any] = next(iter(stand.task.get("targets", ())), {})
    offsets = stand.glimpse.av_offset_ms if stand.glimpse else {}
    return {
        "time": "waiting" if stand.seconds is None else f"{stand.seconds:.0f} s",
        "task": str(stand.task.get("state", "-")),
        "target": str(target.get("state", "-")),
        "retries": str(target.get("retries", 0)),
        "users": str(figures.get("users", len(stand.glimpse.seating.seats) if stand.glimpse else 0)),
        "layout": str(stand.glimpse.seating.layout_id if stand.glimpse else "-"),
        "fps": f"{receiver.fps:.1f}",
        "kbit/s": f"{receiver.bitrate_kbps:.0f}",
        "A/V offset": f"{max(offsets.values(), key=abs):+.0f} ms" if offsets else "-",
    }


def _numbers(stand: Stand) -> Table:
    table = Table(show_header=True, header_style="bold")
    facts = _facts(stand)
    for name in facts:
        table.add_column(name)
    table.add_row(*facts.values())
    return table


def _people(stand: Stand) -> Table:
    table = Table("publisher", "state", "fps", "kbit/s", "connects", "pane", "heard", "A/V offset", header_style="bold")
    seats = {user: pane for pane, user in stand.glimpse.seating.seats.items()} if stand.glimpse else {}
    for name, told in stand.publishers.items():
        offset = stand.glimpse.av_offset_ms.get(name) if stand.glimpse else None
        table.add_row(
            name,
            told.get("state", "starting"),
            told.get("fps", "-"),
            told.get("bitrate_kbps", "-"),
            told.get("connects", "0"),
            str(seats.get(name, "-")),
            "yes" if stand.glimpse and name in stand.glimpse.heard else "no",
            "-" if offset is None else f"{offset:+.0f} ms",
        )
    return table


def _line(stand: Stand) -> str:
    facts = "  ".join(f"{name} {value}" for name, value in _facts(stand).items())
    seats = (
        ", ".join(f"{user} in pane {pane}" for pane, user in sorted(stand.glimpse.seating.seats.items()))
        if stand.glimpse
        else ""
    )
    return f"{facts}  {seats}".rstrip()
