"""What can go wrong with a publisher's packets, as functions of one packet. Pure: the time is given, chance is seeded.

A fault gets each packet before it is encrypted and says what is sent instead, and when. It counts how often it struck.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass, field
from struct import pack_into, unpack_from
from typing import Literal

SENDER_REPORT = 200
_RTP, _RTCP = slice(8, 12), slice(4, 8)
"""Where the sender's SSRC stands."""
_OTHER = 0x5A5A5A5A


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One packet on its way.

    Attributes:
        at_s: Seconds since the connection was made.
        track: Whose it is; `rtx`: a retransmission for `video`.
        key: It belongs to a key frame (retransmissions are not told).
    """

    data: bytes
    at_s: float
    track: Literal["video", "audio", "rtx"]
    key: bool = False

    @property
    def rtcp(self) -> bool:
        """Whether it is a report (RFC 5761 4)."""
        return is_rtcp(self.data)

    @property
    def reports(self) -> bool:
        """Whether it begins with a sender report."""
        return self.data[1] == SENDER_REPORT

    @property
    def sequence(self) -> int:
        """Its number; of a retransmission: that of the original (RFC 4588 4)."""
        return int(unpack_from("!H", self.data, payload_at(self.data) if self.track == "rtx" else 2)[0])


Sent = Iterable[tuple[float, bytes]]
"""What goes out instead: after so many seconds, these bytes."""


def is_rtcp(data: bytes) -> bool:
    """RFC 5761 4."""
    return 192 <= data[1] <= 223


def payload_at(data: bytes) -> int:
    """Where the payload of an RTP packet begins (RFC 3550 5.1)."""
    end = 12 + 4 * (data[0] & 15)
    return end + 4 + 4 * int(unpack_from("!H", data, end + 2)[0]) if data[0] & 16 else end


def ssrc_of(data: bytes) -> int:
    """The sender's."""
    return int.from_bytes(data[_RTCP if is_rtcp(data) else _RTP], "big")


@dataclass
class Fault:
    """None at all; what the others begin with.

    Attributes:
        struck: Packets that were changed, dropped or delayed.
    """

    struck: int = 0

    def __call__(self, packet: Outgoing) -> Sent:
        """What goes out for a packet."""
        sent = [*self.bend(packet)]
        self.struck += sent != [(0.0, packet.data)]
        return sent

    def bend(self, packet: Outgoing) -> Sent:
        """The same, not counted."""
        return [(0.0, packet.data)]


@dataclass
class TimeLeap(Fault):
    """From `begin_s` on, RTP time of picture and sound is hours off; reports agree with it."""

    begin_s: float = 0.0
    hours: float = 1.0

    def bend(self, packet: Outgoing) -> Sent:
        """Another time stamp."""
        if packet.at_s < self.begin_s or (packet.rtcp and not packet.reports):
            return [(0.0, packet.data)]
        rate = 48_000 if packet.track == "audio" else 90_000
        changed = bytearray(packet.data)
        _add(changed, "!I", 16 if packet.rtcp else 4, round(self.hours * 3600 * rate))
        return [(0.0, bytes(changed))]


@dataclass
class OtherSender(Fault):
    """From `begin_s` on another SSRC, other sequence numbers, another RTP time: as after a change of encoder."""

    begin_s: float = 0.0

    def bend(self, packet: Outgoing) -> Sent:
        """Another sender's packet."""
        if packet.at_s < self.begin_s:
            return [(0.0, packet.data)]
        ssrc = ssrc_of(packet.data)
        if packet.rtcp:
            changed = bytearray(packet.data.replace(ssrc.to_bytes(4, "big"), other_ssrc(ssrc).to_bytes(4, "big")))
            if packet.reports:
                _add(changed, "!I", 16, 1_234_567_890)
            return [(0.0, bytes(changed))]
        changed = bytearray(packet.data)
        changed[_RTP] = other_ssrc(ssrc).to_bytes(4, "big")
        _add(changed, "!I", 4, 1_234_567_890)
        for place in (2, payload_at(packet.data)) if packet.track == "rtx" else (2,):
            _add(changed, "!H", place, 20_000)
        return [(0.0, bytes(changed))]


def other_ssrc(ssrc: int) -> int:
    """What `OtherSender` makes of it."""
    return ssrc ^ _OTHER


@dataclass
class NoReports(Fault):
    """No RTCP, ever."""

    def bend(self, packet: Outgoing) -> Sent:
        """Media only."""
        return [] if packet.rtcp else [(0.0, packet.data)]


@dataclass
class LyingReports(Fault):
    """From `begin_s` on the picture's sender reports are seconds off; the sound's are right."""

    begin_s: float = 0.0
    by_s: int = 2

    def bend(self, packet: Outgoing) -> Sent:
        """Another NTP time."""
        if not (packet.rtcp and packet.reports and packet.track == "video" and packet.at_s >= self.begin_s):
            return [(0.0, packet.data)]
        changed = bytearray(packet.data)
        _add(changed, "!I", 8, self.by_s)
        return [(0.0, bytes(changed))]


@dataclass
class NoKeyFrames(Fault):
    """Between two moments no key frame gets through, retransmitted or not.

    Attributes:
        hole_s: So long from the begin everything of the picture is lost, so that a key frame is needed.
    """

    begin_s: float = 0.0
    end_s: float = 10.0
    hole_s: float = 0.3
    _dropped: set[int] = field(default_factory=set)

    def bend(self, packet: Outgoing) -> Sent:
        """All but key frames."""
        if packet.rtcp or packet.track == "audio" or not self.begin_s <= packet.at_s < self.end_s:
            return [(0.0, packet.data)]
        if packet.track == "rtx":
            return [] if packet.sequence in self._dropped else [(0.0, packet.data)]
        if packet.key or packet.at_s < self.begin_s + self.hole_s:
            self._dropped.add(packet.sequence)
            return []
        return [(0.0, packet.data)]


@dataclass
class Loss(Fault):
    """A share of all packets is lost, `burst` in a row; the share stays. Retransmissions are lost alike."""

    share: float = 0.05
    burst: int = 1
    chance: random.Random = field(default_factory=lambda: random.Random(5))
    _left: int = 0

    def bend(self, packet: Outgoing) -> Sent:
        """Nothing, now and then."""
        if not self._left and self.chance.random() < self.share / self.burst:
            self._left = self.burst
        if not self._left:
            return [(0.0, packet.data)]
        self._left -= 1
        return []


@dataclass
class Delay(Fault):
    """A share of all packets comes up to `most_s` late, so that others overtake them."""

    share: float = 1.0
    least_s: float = 0.0
    most_s: float = 0.1
    chance: random.Random = field(default_factory=lambda: random.Random(6))

    def bend(self, packet: Outgoing) -> Sent:
        """Later."""
        late = self.chance.random() < self.share
        return [(self.chance.uniform(self.least_s, self.most_s) if late else 0.0, packet.data)]


def _add(data: bytearray, form: Literal["!H", "!I"], place: int, amount: int) -> None:
    bits = 16 if form == "!H" else 32
    pack_into(form, data, place, (unpack_from(form, data, place)[0] + amount) % (1 << bits))
