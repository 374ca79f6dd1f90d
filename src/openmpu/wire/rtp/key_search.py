"""Looks for complete key frames among packets that cannot be handed out in order. Knows no codec and no time."""

from __future__ import annotations

from typing import NamedTuple

from openmpu.wire.rtp.depacketise.picture import Opening
from openmpu.wire.rtp.packet import RtpPacket
from openmpu.wire.rtp.ring import PacketRing

_MAX_OPENINGS = 4


class Span(NamedTuple):
    """Extended sequence numbers, both ends included."""

    start: int
    end: int


class _Candidate:
    """A packet that may open a key frame; its frame was found without holes from `begin` up to `scanned`."""

    __slots__ = ("begin", "scanned", "start", "sure", "timestamp")

    def __init__(self, packet: RtpPacket, *, sure: bool) -> None:
        self.start: int = packet.sequence
        self.begin: int = packet.sequence
        self.scanned: int = packet.sequence
        self.timestamp = packet.timestamp
        self.sure = sure


class KeySearch:
    """Openings of key frames in a ring of packets, the oldest first."""

    __slots__ = ("_candidates", "_ring")

    def __init__(self, ring: PacketRing) -> None:
        self._ring = ring
        self._candidates: list[_Candidate] = []

    def note(self, packet: RtpPacket, opening: Opening) -> None:
        """`packet`, which is in the ring, may open a key frame. Of several of one frame the first counts."""
        new = _Candidate(packet, sure=opening is Opening.SURELY)
        for old in self._candidates:
            if old.timestamp == new.timestamp:
                if old.start <= new.start:
                    return
                self._candidates.remove(old)
                break
        self._candidates.append(new)
        self._candidates.sort(key=lambda each: each.start)
        del self._candidates[:-_MAX_OPENINGS]

    def forget_below(self, sequence: int) -> None:
        """Openings before this one are gone."""
        if self._candidates and self._candidates[0].start < sequence:
            self._candidates = [each for each in self._candidates if each.start >= sequence]

    @property
    def first(self) -> int | None:
        """Where the oldest opening is."""
        return self._candidates[0].start if self._candidates else None

    def complete(self, *, clean_from: int, marked: bool) -> Span | None:
        """The oldest frame that is there from its opening to its end.

        Args:
            clean_from: Nothing is missing right before this sequence number.
            marked: The marker bit ends a frame; else only the next frame does.
        """
        for each in self._candidates:
            end = self._end(each, marked=marked)
            if end < 0:
                continue
            start = self._beginning(each)
            if each.sure or start == clean_from or self._ring.get(start - 1) is not None:
                return Span(start, end)
        return None

    def _beginning(self, each: _Candidate) -> int:
        """The first packet of its frame: delimiters and messages may stand before the opening."""
        before = self._ring.get(each.begin - 1)
        while before is not None and before.timestamp == each.timestamp:
            each.begin -= 1
            before = self._ring.get(each.begin - 1)
        return each.begin

    def _end(self, each: _Candidate, *, marked: bool) -> int:
        packet = self._ring.get(each.scanned)
        while packet is not None and packet.timestamp == each.timestamp:
            if packet.marker and marked:
                return each.scanned
            each.scanned += 1
            packet = self._ring.get(each.scanned)
        return -1 if packet is None else each.scanned - 1
