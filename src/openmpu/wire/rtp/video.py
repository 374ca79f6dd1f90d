"""The video jitter buffer: whole pictures in order, each handed out as soon as its last packet is here.

A hole holds what follows, for a while: packets are asked for again (`nack`), and if they do not come in time, or a
later key frame is complete, they are given up. From a lost picture to the next key frame nothing is handed out, so
that no broken picture is ever shown. Knows no RTCP and no clock; bounded in packets and bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from openmpu.wire.rtp.alarm import NEVER, Alarm, RoundTrip
from openmpu.wire.rtp.counts import Counts
from openmpu.wire.rtp.depacketise.picture import Depacketiser, Picture
from openmpu.wire.rtp.key_frames import KeyFrameRequests
from openmpu.wire.rtp.key_search import KeySearch, Span
from openmpu.wire.rtp.nack import NackList
from openmpu.wire.rtp.packet import RtpPacket
from openmpu.wire.rtp.patience import KEY_LIFE, KEY_PATIENCE, patience_on
from openmpu.wire.rtp.ring import PacketRing

CAPACITY = 2048
"""Packets; a key frame of 2.4 MB."""
MAX_BYTES = 3 << 20
_REACH_BACK = 64
"""Packets before the very first one that came, which it overtook."""

Sink = Callable[[Sequence[RtpPacket], Picture, int], None]
"""Takes the packets of a picture, the picture, and how many were lost right before it."""


class VideoBuffer:
    """Packets of one SSRC in, pictures out.

    Two states. Flowing: `_next` is the next packet to take, `_frame` the packets of the picture being filled, the ring
    holds what came beyond a hole. Else it is looking for a key frame: all packets go to the ring.

    Attributes:
        wake: When `tick` has something to do.
    """

    __slots__ = (
        "_alarm",
        "_clean_from",
        "_counts",
        "_depacketiser",
        "_done_timestamp",
        "_flowing",
        "_frame",
        "_given_up",
        "_highest",
        "_keys",
        "_lost_before",
        "_lost_timestamp",
        "_marked",
        "_nacks",
        "_next",
        "_ring",
        "_search",
        "_sink",
        "_trip",
        "wake",
    )

    def __init__(
        self,
        depacketiser: Depacketiser,
        nacks: NackList,
        keys: KeyFrameRequests,
        alarm: Alarm,
        trip: RoundTrip,
        counts: Counts,
        sink: Sink,
    ) -> None:
        self._depacketiser, self._nacks, self._keys = depacketiser, nacks, keys
        self._alarm, self._trip, self._counts, self._sink = alarm, trip, counts, sink
        self._ring = PacketRing(CAPACITY)
        self._search = KeySearch(self._ring)
        self._frame: list[RtpPacket] = []
        self._flowing, self._marked = False, True
        self._next = self._highest = self._clean_from = self._given_up = -1
        self._done_timestamp = self._lost_timestamp = -1
        self._lost_before = 0
        self.wake = NEVER

    def push(self, packet: RtpPacket, now: int, *, repaired: bool = False) -> None:
        """A packet with extended sequence number came; `repaired` if by retransmission."""
        sequence = packet.sequence
        if sequence != self._next or not self._flowing:
            self._push_apart(packet, now, repaired=repaired)
            return
        if sequence > self._highest:
            self._highest = sequence
        else:
            self._nacks.arrived(sequence, now, repaired=repaired)
        self._next = sequence + 1
        self._take(packet, now)
        if self._ring.count:
            self._drain(now)

    def tail_lost(self, count: int, now: int) -> None:
        """So many packets of the peer are missing behind our newest: where that did not end a picture, ours are."""
        in_order = self._frame[-1:] if self._next > self._highest else [self._ring.get(self._highest)]
        if any(newest is not None and not newest.marker for newest in in_order):
            self._nacks.miss(self._highest + 1, self._highest + count, now, guessed=True)
            self._highest += count

    def tick(self, now: int) -> None:
        """Give up what was waited for long enough."""
        if now >= self.wake:
            self.wake = NEVER
            if self._flowing and self._ring.count:
                self._give_up(now)

    def _take(self, packet: RtpPacket, now: int) -> None:
        """The next packet in order."""
        if packet.start == packet.end:
            return  # padding, sent to probe the path: fills its number only
        frame = self._frame
        if frame:
            if frame[0].timestamp != packet.timestamp:
                self._finish(now)
        elif packet.timestamp == self._done_timestamp and self._marked:
            # The sender marks packets inside a picture: what was handed out was not all of it. Trust it no longer.
            self._marked = False
            self._lose(packet.timestamp, now)
        if not self._flowing:
            self._next = self._clean_from = packet.sequence
            self._push_apart(packet, now)
            return
        self._frame.append(packet)
        if packet.marker and self._marked:
            self._finish(now)

    def _finish(self, now: int) -> None:
        frame, self._frame = self._frame, []
        picture = self._depacketiser.assemble(frame)
        if picture is None:
            self._counts.broken += 1
            self._lose(frame[0].timestamp, now)
            self._clean_from = self._next
            return
        self._done_timestamp = frame[0].timestamp
        if picture.data:
            self._hand_out(frame, picture)

    def _hand_out(self, frame: Sequence[RtpPacket], picture: Picture) -> None:
        lost, self._lost_before = self._lost_before, 0
        if picture.key:
            self._keys.came()
        self._sink(frame, picture, lost)

    def _drain(self, now: int) -> None:
        """Take what lies ready in the ring, up to the next hole."""
        while self._flowing and self._ring.count:
            packet = self._ring.pop(self._next)
            if packet is None:
                self._wait(now)
                return
            self._next += 1
            self._take(packet, now)
        if self._flowing:
            self.wake = NEVER
        else:
            self._seek(now)

    def _push_apart(self, packet: RtpPacket, now: int, *, repaired: bool = False) -> None:
        """A packet that is not the next one in order, or any while a key frame is looked for."""
        sequence = packet.sequence
        if self._next < 0:
            self._next = self._clean_from = sequence
            self._highest = sequence - 1
        if sequence < self._next and not self._reach_back(sequence, now):
            return
        if sequence - self._next >= CAPACITY or self._ring.bytes > MAX_BYTES:
            self._counts.overflows += 1
            self.start_over(sequence, now)
        if not self._ring.put(packet):
            self._counts.duplicates += 1
            return
        self._note(packet, now, repaired=repaired)
        if self._flowing:
            self._wait(now)
        else:
            self._seek(now)

    def _note(self, packet: RtpPacket, now: int, *, repaired: bool) -> None:
        sequence = packet.sequence
        if sequence > self._highest:
            if sequence > self._highest + 1:
                self._nacks.miss(self._highest + 1, sequence - 1, now)
            self._highest = sequence
        else:
            self._nacks.arrived(sequence, now, repaired=repaired)
        if packet.start < packet.end:
            opening = self._depacketiser.opening(packet)
            if opening:
                self._search.note(packet, opening)
                self._keys.coming(now)

    def _reach_back(self, sequence: int, now: int) -> bool:
        """Whether a packet before the window may still come in: only at the very beginning, overtaken by the first."""
        fresh = self._clean_from == self._next and self._done_timestamp < 0 and not self._flowing
        if fresh and sequence >= self._next - _REACH_BACK:
            self._nacks.miss(sequence + 1, self._next - 1, now)
            self._next = self._clean_from = sequence
            return True
        if sequence < self._given_up:
            self._counts.late += 1
        else:
            self._counts.duplicates += 1
        return False

    def start_over(self, sequence: int, now: int) -> None:
        """Give up everything up to `sequence`, which comes next: no room, or too much is missing before it."""
        self._ring.clear()
        self._search.forget_below(sequence)
        self._nacks.forget_below(sequence)
        self._next = self._given_up = sequence
        self._highest = sequence - 1
        self._lose(self._done_timestamp, now)

    def _wait(self, now: int) -> None:
        """There is a hole at `_next`: set how long it may stay."""
        since = self._nacks.since(self._next)
        patience = patience_on(self._trip)
        self._search.forget_below(self._next)
        if self._search.complete(clean_from=-1, marked=self._marked):
            patience = KEY_PATIENCE
        self.wake = now if since is None else since + patience
        self._alarm.by(self.wake)

    def _give_up(self, now: int) -> None:
        """The hole at `_next` will not be filled in time."""
        timestamp = self._frame[0].timestamp if self._frame else self._done_timestamp
        while self._next <= self._highest and self._ring.get(self._next) is None:
            self._next += 1
        self._given_up = self._next
        self._nacks.forget_below(self._next)
        self._lose(timestamp, now)
        self._seek(now)

    def _lose(self, timestamp: int, now: int) -> None:
        """A picture is lost: nothing more until a key frame."""
        self._frame = []
        self._flowing = False
        self._clean_from = -1
        self._lost_timestamp = timestamp
        self._lost_before += 1
        self._counts.lost += 1
        self._want_key(now)

    def _want_key(self, now: int) -> None:
        """Ask for a key frame, unless the beginning of one is here already."""
        self._search.forget_below(self._next)
        if self._search.first is None:
            self._keys.want(now, lossy=self._lost_before > 0)

    def _seek(self, now: int) -> None:
        """Hand out the oldest key frame that is complete and flow on from there."""
        self._search.forget_below(self._next)
        span = self._search.complete(clean_from=self._clean_from, marked=self._marked)
        while span is not None:
            held = (self._ring.get(sequence) for sequence in range(span.start, span.end + 1))
            frame = [packet for packet in held if packet is not None and packet.start < packet.end]
            picture = self._depacketiser.assemble(frame)
            if picture is not None and picture.key:
                self._resume(span, frame, picture, now)
                return
            self._search.forget_below(span.end + 1)
            span = self._search.complete(clean_from=self._clean_from, marked=self._marked)
        self._trim(now)
        self._want_key(now)

    def _resume(self, span: Span, frame: list[RtpPacket], picture: Picture, now: int) -> None:
        while self._next < span.start:
            self._drop()
        for sequence in range(span.start, span.end + 1):
            self._ring.pop(sequence)
        self._next, self._given_up = span.end + 1, span.start
        self._nacks.forget_below(self._next)
        self._search.forget_below(self._next)
        self._flowing = True
        self._done_timestamp = frame[0].timestamp
        self._hand_out(frame, picture)
        self._drain(now)

    def _drop(self) -> None:
        """Throw away whatever is at `_next`; pictures are counted by their time stamps."""
        packet = self._ring.pop(self._next)
        self._next += 1
        self._clean_from = -1 if packet is None else self._next
        if packet is not None and packet.timestamp != self._lost_timestamp:
            self._lost_timestamp = packet.timestamp
            self._lost_before += 1
            self._counts.lost += 1

    def _trim(self, now: int) -> None:
        """While no key frame is in sight, keep only what is young enough to become part of one."""
        oldest = now - patience_on(self._trip)
        first_opening = self._search.first
        while self._next < self._highest:
            packet = self._ring.get(self._next)
            since = packet.arrival if packet is not None else self._nacks.since(self._next)
            if since is not None and since >= oldest:
                break
            if self._next == first_opening and packet is not None and packet.arrival >= now - KEY_LIFE:
                break
            self._drop()
        self._given_up = max(self._given_up, self._next)
        self._nacks.forget_below(self._next)
