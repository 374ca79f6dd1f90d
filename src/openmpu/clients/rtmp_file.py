"""An FLV file that grows while tags come in: the tags as received, over any number of connections."""

from __future__ import annotations

from pathlib import Path

from openmpu.errors import Invalid
from openmpu.wire.rtmp.flvfile import FILE_HEADER, tag_bytes
from openmpu.wire.rtmp.messages import Tag


class FlvFile:
    """Written from its beginning; valid after every `flush`.

    Raises:
        Invalid: It cannot be opened, or later written; the message says why.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._file = path.open("wb")
            self._file.write(FILE_HEADER)
        except OSError as error:
            raise self._unwritable(error) from None

    def write(self, tag: Tag) -> None:
        """Put the tag behind the others."""
        try:
            self._file.write(tag_bytes(tag))
        except OSError as error:
            raise self._unwritable(error) from None

    def flush(self) -> None:
        """Make what was written visible to readers."""
        try:
            self._file.flush()
        except OSError as error:
            raise self._unwritable(error) from None

    def close(self) -> None:
        """Write the rest and close."""
        try:
            self._file.close()
        except OSError as error:
            raise self._unwritable(error) from None

    def _unwritable(self, error: OSError) -> Invalid:
        return Invalid("save", f"{self._path} cannot be written: {error.strerror}")
