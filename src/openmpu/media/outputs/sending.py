"""From packets to a connection while there is one: the queue before it, the tags, key frames asked for, and figures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import structlog

from openmpu.media.outputs.connection import Connection
from openmpu.media.outputs.failure import AttemptFailed, ErrorCode, Step
from openmpu.media.outputs.flv import TagMaker
from openmpu.media.outputs.queue import Item, PacketQueue
from openmpu.media.outputs.report import OutputReport, Rate
from openmpu.media.outputs.settings import OutputSettings
from openmpu.media.packets import Packet, StreamFormat
from openmpu.model.roster import Kind

_log = structlog.get_logger()


class Sending:
    """The media side of one output, over all its connections.

    Args:
        stream: What the packets will be.
        settings: Limits.
        need_key_frame: Called when the stream can only (re)start with a key frame.

    Attributes:
        stream: What is put now.
        flowing: Whether media has gone out over this connection.
    """

    def __init__(self, stream: StreamFormat, settings: OutputSettings, need_key_frame: Callable[[], None]) -> None:
        self.stream = stream
        self._settings, self._need_key_frame = settings, need_key_frame
        self._tags = TagMaker(stream)
        self._queue = PacketQueue(settings.backlog)
        self._connection: Connection | None = None
        self.flowing = False
        self._key_wanted_at: int | None = None
        self._slowness = Slowness(settings)
        self._rate = Rate()
        self._bytes_before = self._frames_sent = self._frames_missed = self._told_dropped = 0

    @property
    def idle(self) -> bool:
        """Whether nothing waits for the socket, or nothing can go out any more."""
        return not self._queue or self._connection is None or self._connection.over

    def begin(self, connection: Connection, now: int) -> None:
        """A publish was accepted: what it gets first is metadata, sequence headers and a key frame."""
        self._connection, self.flowing = connection, False
        self._tags.change(self.stream)
        self._tags.restart()
        self._queue.begin(self.stream)
        self._slowness.begin(self._queue.overflows)
        self._rate.clear()
        if self._queue.wants_key:
            self._ask_for_key(now)

    def end(self) -> None:
        """The connection is gone, and what waited for it with it."""
        if self._connection:
            self._bytes_before += self._connection.written
        self._connection = None

    def put(self, packet: Packet) -> None:
        """Send, queue or leave out."""
        if self._connection is None:
            self._frames_missed += packet.kind is Kind.VIDEO
            return
        self._queue.put(packet)
        self.pump()

    def change(self, stream: StreamFormat) -> None:
        """Packets are of that format from now on."""
        self.stream = stream
        if self._connection:
            self._queue.change(stream)

    def pump(self) -> None:
        """Write what waits, as long as the socket takes it at once."""
        while self._connection and self._connection.room and self._queue:
            self._write(self._connection, self._queue.take())

    def check(self, now: int) -> None:
        """Look after slowness and key frames that do not come; call it some times a second.

        Raises:
            AttemptFailed: TOO_SLOW.
        """
        self._rate.read(now, self._connection.written if self._connection else 0)
        self._tell_drops()
        self._look_for_key(now)
        if self._slowness.too_slow(now, self._queue.overflows):
            raise AttemptFailed(Step.MEDIA, ErrorCode.TOO_SLOW, "the server does not take the stream fast enough")

    def fill(self, report: OutputReport) -> OutputReport:
        """The report with the figures of the media side."""
        return replace(
            report,
            bytes_sent=self._bytes_before + (self._connection.written if self._connection else 0),
            frames_sent=self._frames_sent,
            frames_dropped=self._queue.dropped_video,
            frames_missed=self._frames_missed + self._queue.missed,
            audio_dropped=self._queue.dropped_audio,
            queue_length=len(self._queue) if self._connection else 0,
            queue_ms=self._queue.span // 1_000_000 if self._connection else 0,
            bitrate_kbps=self._rate.kbps if self._connection else 0,
        )

    def _write(self, connection: Connection, item: Item) -> None:
        if isinstance(item, StreamFormat):
            self._tags.change(item)
            return
        tags = self._tags.tags(item)
        for tag in tags:
            connection.write(tag)
        self._frames_sent += bool(tags) and item.kind is Kind.VIDEO
        self.flowing = self.flowing or bool(tags)

    def _ask_for_key(self, now: int) -> None:
        self._key_wanted_at = now
        self._need_key_frame()

    def _look_for_key(self, now: int) -> None:
        if not self._queue.wants_key:
            self._key_wanted_at = None
        elif self._key_wanted_at is None:
            self._key_wanted_at = now
        elif now - self._key_wanted_at >= self._settings.key_patience:
            self._queue.begin_with_sound()
            self._ask_for_key(now)

    def _tell_drops(self) -> None:
        dropped = self._queue.dropped_video - self._told_dropped
        if dropped:
            self._told_dropped = self._queue.dropped_video
            _log.warning("output is slow", frames_dropped=dropped)


class Slowness:
    """Whether a queue overflows again and again."""

    def __init__(self, settings: OutputSettings) -> None:
        self._settings = settings
        self._seen = 0
        self._since = self._latest = 0

    def begin(self, overflows: int) -> None:
        """A new connection, that starts with so many overflows of its predecessors."""
        self._seen, self._since = overflows, 0

    def too_slow(self, now: int, overflows: int) -> bool:
        """Whether overflows came in short distances for longer than is allowed."""
        if overflows == self._seen:
            return False
        if not self._since or now - self._latest > self._settings.slow_gap:
            self._since = now
        self._seen, self._latest = overflows, now
        return now - self._since >= self._settings.slow
