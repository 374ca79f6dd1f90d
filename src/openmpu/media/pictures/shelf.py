"""Bodies of pictures that the tasks of one machine share: one of them fetches, the others find it. Knows no network.

Files under the state directory, named by a digest of the URL, as URLs hold secrets. A disk that fails costs a fetch.
"""

from __future__ import annotations

import contextlib
import hashlib
import tempfile
from pathlib import Path

FRESH_SECONDS = 300.0
"""A picture that changes behind its URL is seen by tasks that start later than this."""
MOST_FILES = 64


class Shelf:
    """The bodies in one directory; without one nothing is kept. Several processes may use it at once."""

    def __init__(self, directory: str, most: int = MOST_FILES) -> None:
        self._directory = Path(directory) if directory else None
        self._most = most

    def get(self, url: str, now: float) -> bytes | None:
        """The body at `url`, if somebody fetched it lately.

        Args:
            url: Of a picture.
            now: Seconds of Unix time.
        """
        with contextlib.suppress(OSError):
            if self._directory is not None:
                place = self._directory / _name(url)
                if 0 <= now - place.stat().st_mtime < FRESH_SECONDS:
                    return place.read_bytes()
        return None

    def put(self, url: str, body: bytes) -> None:
        """Keeps a body, whole or not at all; the oldest ones go."""
        if self._directory is None:
            return
        with contextlib.suppress(OSError):
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=self._directory, delete=False) as file:
                file.write(body)
            Path(file.name).replace(self._directory / _name(url))
            for old in sorted(self._directory.iterdir(), key=lambda place: place.stat().st_mtime)[: -self._most]:
                old.unlink()


def _name(url: str) -> str:
    return hashlib.sha256(url.encode()).hexdigest()
