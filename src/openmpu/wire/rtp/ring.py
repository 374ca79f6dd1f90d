"""Packets that came before others they must follow, by extended sequence number, in a ring that never grows."""

from __future__ import annotations

from openmpu.wire.rtp.packet import RtpPacket


class PacketRing:
    """Holds packets of a window of `capacity` (a power of two) sequence numbers; the caller keeps to the window.

    Attributes:
        count: Packets held.
        bytes: Their size.
    """

    __slots__ = ("_mask", "_slots", "bytes", "count")

    def __init__(self, capacity: int) -> None:
        self._mask = capacity - 1
        self._slots: list[RtpPacket | None] = [None] * capacity
        self.count = self.bytes = 0

    def put(self, packet: RtpPacket) -> bool:
        """Keep it; False if it is here already."""
        at = packet.sequence & self._mask
        if self._slots[at] is not None:
            return False
        self._slots[at] = packet
        self.count += 1
        self.bytes += len(packet.data)
        return True

    def get(self, sequence: int) -> RtpPacket | None:
        """The packet of that number, left where it is."""
        packet = self._slots[sequence & self._mask]
        return packet if packet is not None and packet.sequence == sequence else None

    def pop(self, sequence: int) -> RtpPacket | None:
        """The packet of that number, no longer held."""
        packet = self.get(sequence)
        if packet is not None:
            self._slots[sequence & self._mask] = None
            self.count -= 1
            self.bytes -= len(packet.data)
        return packet

    def earliest(self) -> int:
        """When the first of those held came; there must be one."""
        return min(packet.arrival for packet in self._slots if packet is not None)

    def clear(self) -> None:
        """Hold nothing."""
        self._slots = [None] * (self._mask + 1)
        self.count = self.bytes = 0
