"""What a task makes, on its way to whoever plays it: over a link of its own to the gateway of the task's channel.

Presented as soon as it exists, sent only while the gateway says that somebody plays. Nothing here waits: what the
gateway does not read is left out up to the next key frame. Network thread, but for taps.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from openmpu.media.dialled import DialledLink
from openmpu.media.encoding.opus import OpusTap
from openmpu.media.figures import Figures
from openmpu.media.packets import Packet, StreamFormat
from openmpu.model.frames import EncodedFrame
from openmpu.model.ids import TaskKey
from openmpu.model.roster import Kind
from openmpu.timing.ticks import SECOND
from openmpu.wire.link import (
    LinkBroken,
    Media,
    Message,
    Played,
    Present,
    WantKeyFrame,
    Withdraw,
    encode_media,
)

CLOCK_RATES: Final = {Kind.VIDEO: 90_000, Kind.AUDIO: 48_000}
MOST_WAITING: Final = 768 << 10
"""Bytes that the gateway has not read: a second of 6 Mbit/s."""
_LAST_WORDS_S: Final = 0.2


@dataclass(slots=True)
class _Presented:
    """One track that can be played."""

    number: int
    codec: str
    players: int = 0


class PlayLink(DialledLink):
    """The link over which a task's tracks are presented.

    Args:
        address: Of the gateway's link.
        task: Whose.
        lease: Of this worker.
        want_key: Called when a player needs a key frame.
    """

    def __init__(self, address: str, task: TaskKey, lease: int, want_key: Callable[[], None]) -> None:
        super().__init__(address)
        self._task, self._lease, self._want_key = task, lease, want_key
        self._presented: dict[Kind, _Presented] = {}
        self._numbers = itertools.count(1)

    def present(self, kind: Kind, codec: str | None) -> None:
        """There is such a track now; None: there is none of that kind any more."""
        former = self._presented.get(kind)
        if (former.codec if former else None) == codec:
            return
        if codec is None:
            del self._presented[kind]
        else:  # said before the former one is taken back: then it takes over from that one
            presented = self._presented[kind] = _Presented(next(self._numbers), codec)
            self.say(self._said(kind, presented))
        if former:
            self.say(Withdraw(former.number))

    def players(self, kind: Kind) -> int:
        """How many play the track of that kind."""
        presented = self._presented.get(kind)
        return presented.players if presented and self.connected else 0

    def send(self, kind: Kind, frame: EncodedFrame) -> bool:
        """Send a frame if somebody plays; False: it had to be left out."""
        presented = self._presented.get(kind)
        if presented is None or not presented.players:
            return True
        if self.unsent > MOST_WAITING:
            return False
        self.write(encode_media(presented.number, frame))
        return True

    def withdraw(self) -> None:
        """Nothing more will come."""
        for kind in tuple(self._presented):
            self.present(kind, None)

    def said_anew(self) -> list[Message]:
        """All that is presented; the new gateway says who plays it."""
        for presented in self._presented.values():
            presented.players = 0
        return [self._said(kind, presented) for kind, presented in self._presented.items()]

    def take(self, message: Message | Media) -> None:
        """Who plays, and what players need."""
        match message:
            case Played(number, players):
                for presented in self._presented.values():
                    if presented.number == number:
                        presented.players = players
            case WantKeyFrame():
                self._want_key()
            case _:
                raise LinkBroken("link", f"a gateway does not say {type(message).__name__} of what is presented")

    def _said(self, kind: Kind, presented: _Presented) -> Present:
        return Present(presented.number, self._task, self._lease, kind, presented.codec)


class Playing:
    """What one task makes, for its players.

    Args:
        task: Whose.
        lease: Of this worker.
        unix_epoch: Nanoseconds of Unix time at task time 0.
        want_key: Called when a player needs a key frame.
    """

    def __init__(self, task: TaskKey, lease: int, unix_epoch: int, want_key: Callable[[], None]) -> None:
        self._task, self._lease, self._unix_epoch, self._want_key = task, lease, unix_epoch, want_key
        self._loop = asyncio.get_running_loop()
        self._link: PlayLink | None = None
        self._job: asyncio.Task[None] | None = None
        self._codecs: dict[Kind, str | None] = {}
        self._waits_for_key = False
        self._dropped = 0

    def connect(self, address: str | None) -> None:
        """Present to the gateway whose link is there."""
        if address is None or (self._link and self._link.address == address):
            return
        if self._job:
            self._job.cancel()
        self._link, self._job = PlayLink(address, self._task, self._lease, self._want_key), None
        self._present()

    def sync(self, stream: StreamFormat | None) -> None:
        """What is made now; None: nothing for the moment, but it is expected again."""
        if stream is None:
            return
        codecs = {
            Kind.VIDEO: stream.video.codec if stream.video else None,
            Kind.AUDIO: "opus" if stream.audio else None,
        }
        if codecs != self._codecs:
            self._codecs = codecs
            self._present()

    def put(self, packet: Packet) -> None:
        """A packet of the stream: pictures are played as they are, AAC is not."""
        if packet.kind is Kind.VIDEO:
            self._put_picture(packet)

    def tap(self, on_air: Callable[[], bool]) -> OpusTap:
        """For the sound of one production: encodes it while it is played; what is not on air goes nowhere."""

        def put(packet: Packet) -> None:
            self._loop.call_soon_threadsafe(self._put_sound, packet, on_air)

        return OpusTap(lambda: self._players(Kind.AUDIO) > 0, put)

    def figures(self) -> Figures:
        """How many play, and what the link did not take."""
        players = max(self._players(Kind.VIDEO), self._players(Kind.AUDIO))
        return {"players": players, "play_dropped": self._dropped}

    async def stop(self) -> None:
        """Tell the gateway that nothing more will come."""
        if self._link and self._job:
            self._link.withdraw()
            deadline = self._loop.time() + _LAST_WORDS_S
            while self._link.unsent and self._loop.time() < deadline:  # noqa: ASYNC110 - a socket's buffer is no event
                await asyncio.sleep(0.01)
            self._job.cancel()
            await asyncio.gather(self._job, return_exceptions=True)

    def _present(self) -> None:
        """Say what there is; the link is dialled when there first is something."""
        if self._link is None or not any(self._codecs.values()):
            return
        for kind, codec in self._codecs.items():
            self._link.present(kind, codec)
        self._job = self._job or self._loop.create_task(self._link.run())

    def _players(self, kind: Kind) -> int:
        return self._link.players(kind) if self._link else 0

    def _put_picture(self, packet: Packet) -> None:
        if self._waits_for_key and not packet.key:
            self._dropped += 1
            return
        self._waits_for_key = not self._send(packet)
        if self._waits_for_key:
            self._dropped += 1
            self._want_key()

    def _put_sound(self, packet: Packet, on_air: Callable[[], bool]) -> None:
        if on_air() and not self._send(packet):
            self._dropped += 1

    def _send(self, packet: Packet) -> bool:
        if self._link is None or not self._players(packet.kind):
            return True
        unix = self._unix_epoch + packet.pts
        rtp_time = unix * CLOCK_RATES[packet.kind] // SECOND & 0xFFFFFFFF
        return self._link.send(packet.kind, EncodedFrame(rtp_time, unix, packet.data, packet.key, unix))
