"""What a worker makes for its task: a mix or a relay. Declared here by the worker, which needs it."""

from __future__ import annotations

from typing import Protocol

from openmpu.media.figures import Figures
from openmpu.media.packets import StreamFormat
from openmpu.model.roster import Roster
from openmpu.model.task import TaskSpec


class Production(Protocol):
    """Turns a channel's tracks into one stream. Network thread, but for what it starts itself."""

    def apply(self, spec: TaskSpec, roster: Roster) -> None:
        """What is wanted, and who is there: taken over whole."""
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

    def figures(self, now: int) -> Figures:
        """How it is going, at task time `now`."""
        ...

    def stop(self) -> None:
        """End; what the encoders still hold goes out."""
        ...
