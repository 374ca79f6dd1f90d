"""Whether a relay should be connected now: its user comes, goes, and comes back (operations.md 3.4). Pure."""

from __future__ import annotations

from typing import Final

from openmpu.timing.ticks import SECOND

KEEP: Final = 10 * SECOND
"""Without data the connection is kept for so long."""

PICTURE_PATIENCE: Final = 2 * SECOND
"""How long a stream that should have pictures waits for the first one before it begins with sound alone."""


class Presence:
    """Times are task times, in nanoseconds.

    Args:
        began: When the relay began.
        continues: It carries a stream on that goes out already: as if its user had been there until now.
    """

    def __init__(self, began: int, *, continues: bool) -> None:
        self._came: int | None = None
        self._gone: int | None = began if continues else None
        self._connected = continues

    @property
    def there(self) -> bool:
        """Whether the user is there."""
        return self._came is not None

    def note(self, now: int, *, there: bool) -> None:
        """The user is there, or is not."""
        if there and self._came is None:
            self._came, self._gone = now, None
        elif not there and self._came is not None:
            self._came, self._gone = None, now

    def connects(self, now: int, *, lacks_picture: bool) -> bool:
        """Whether there should be a connection.

        Args:
            now: Task time.
            lacks_picture: Pictures are to come, and none has come yet.
        """
        if self._came is None:
            self._connected = self._connected and self._gone is not None and now - self._gone <= KEEP
        elif not self._connected:
            self._connected = not lacks_picture or now - self._came >= PICTURE_PATIENCE
        return self._connected
