"""What a mix draws besides video: pictures by URL through the guarded client, fonts, the time zone of clocks.

Everything slow happens in two small pools of threads; the paint loop finds it ready or goes on without it.
"""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, tzinfo
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import structlog

from openmpu.media.lettering.fonts import Fonts
from openmpu.media.options import WorkerOptions
from openmpu.media.overlays import Overlays
from openmpu.media.pictures.shelf import Shelf
from openmpu.media.pictures.store import Pictures
from openmpu.media.segmentation.process import SegmenterProcess
from openmpu.wire.guard import Guard

if TYPE_CHECKING:
    from openmpu.processes.web import WebClient

FETCH_WITHIN_S: Final = 5.0
"""operations.md 3.2."""
FETCHERS: Final = 4
MOST_ASKED: Final = 1000
_log = structlog.get_logger()


class Scenery:
    """One worker's overlays and what they need. Made in the network thread.

    Args:
        options: Fonts, time zone, networks that pictures may come from.
    """

    def __init__(self, options: WorkerOptions) -> None:
        self._fetching = ThreadPoolExecutor(FETCHERS, thread_name_prefix="fetch")
        self._fitting = ThreadPoolExecutor(1, thread_name_prefix="fit")
        self.pictures = Pictures(_Fetcher(options), self._fetching)
        self.segmenter = SegmenterProcess()
        self._segments = False
        self.overlays = Overlays(self.pictures, Fonts(options.fonts_dir), _zone(options.time_zone), self._fitting)

    @property
    def notes(self) -> tuple[str, ...]:
        """What is drawn otherwise than asked, or not at all."""
        return (*self.overlays.notes, *self.pictures.problems)

    def segment(self) -> None:
        """People are to be cut out: start what finds them, once."""
        if not self._segments:
            self._segments = True
            self.segmenter.start()

    def stop(self) -> None:
        """Nothing is drawn any more."""
        if self._segments:
            self.segmenter.stop()
        for pool in (self._fetching, self._fitting):
            pool.shutdown(wait=False, cancel_futures=True)


class _Fetcher:
    """The guarded client, called from other threads; loaded with the first picture."""

    def __init__(self, options: WorkerOptions) -> None:
        self._options = options
        self._shelf, self._asked = Shelf(options.cache_dir), set[str]()
        self._loop = asyncio.get_running_loop()
        self._client: WebClient | None = None

    def fetch(self, url: str) -> bytes:
        """The body at `url`, from the shelf or the net; blocks a fetching thread.

        Who asks again could not use what came: the shelf is passed by.
        """
        body = None if url in self._asked else self._shelf.get(url, time.time())
        if len(self._asked) >= MOST_ASKED:
            self._asked.clear()
        self._asked.add(url)
        if body is None:
            body = asyncio.run_coroutine_threadsafe(self._get(url), self._loop).result(FETCH_WITHIN_S + 1)
            self._shelf.put(url, body)
        return body

    async def _get(self, url: str) -> bytes:
        if self._client is None:
            from openmpu.processes.web import WebClient  # noqa: PLC0415 - most tasks have no pictures

            self._client = WebClient(Guard.allowing(self._options.allow_networks), self._options.ca_file)
        return await self._client.get(url, FETCH_WITHIN_S)


def _zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        _log.warning("no such time zone; clocks show UTC", time_zone=name)
        return UTC
