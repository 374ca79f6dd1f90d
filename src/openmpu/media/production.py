"""What a worker makes for its task: a mix or a relay. Declared here by the worker, which needs it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from openmpu.media.clock import Clock
from openmpu.media.encoding.opus import OpusTap
from openmpu.media.figures import Figures
from openmpu.media.inputs.switch import Switch
from openmpu.media.interleave import Interleaver
from openmpu.media.options import WorkerOptions
from openmpu.media.packets import StreamFormat
from openmpu.media.sound.speakers import TellVoices
from openmpu.model.roster import Roster
from openmpu.model.task import TaskSpec


@dataclass(frozen=True, slots=True)
class Stage:
    """What every production is given.

    Attributes:
        options: The worker's.
        switch: The task's inputs.
        out: Takes the packets.
        clock: Paces the output; `epoch` is its reading at task time 0.
        on_failure: Called, in whatever thread, when the production cannot go on.
        tell_voices: Hears who spoke, in whatever thread.
        continues: A stream goes out already, which this production is to carry on.
        tap: Hangs on its sound, for players.
    """

    options: WorkerOptions
    switch: Switch
    out: Interleaver
    clock: Clock
    epoch: int
    on_failure: Callable[[Exception], None]
    tell_voices: TellVoices
    continues: bool = False
    tap: OpusTap | None = None


class Production(Protocol):
    """Turns a channel's tracks into one stream. Network thread, but for what it starts itself."""

    def apply(self, spec: TaskSpec, roster: Roster) -> None:
        """What is wanted, and who is there: taken over whole."""
        ...

    @property
    def has_pictures(self) -> bool:
        """Whether pictures are to come."""
        ...

    @property
    def alone(self) -> bool:
        """Whether one publisher's untouched picture is, or would be, the very picture of this mixing task."""
        ...

    def ready(self) -> bool:
        """Whether it may go on air with its next key frame: it has pictures of everybody whom it should show."""
        ...

    def stream(self) -> StreamFormat | None:
        """What is sent now; None: there should be no connection now."""
        ...

    def force_key(self) -> None:
        """Somebody begins to watch: begin a picture that needs none before it."""
        ...

    def send_sei(self, text: str) -> None:
        """Put `text` into the next picture, once."""
        ...

    async def picture(self) -> bytes:
        """The present picture as PNG.

        Raises:
            NotFound: There is none.
        """
        ...

    def notes(self) -> tuple[str, ...]:
        """What is done otherwise than asked, a sentence each."""
        ...

    def figures(self, now: int) -> Figures:
        """How it is going, at task time `now`."""
        ...

    def stop(self) -> None:
        """End; what the encoders still hold goes out."""
        ...
