"""Transport-wide congestion control feedback: when which packet came, told to the sender several times a second.

draft-holmer-rmcat-transport-wide-cc-extensions-01 section 3.1: base sequence number, reference time in 64 ms, chunks of
packet status (run length, or vectors of one or two bits), then the receive deltas in 250 us. A delta that does not fit
16 bits begins another packet.
"""

from __future__ import annotations

from dataclasses import dataclass
from struct import pack

TICK_NS = 250_000
REFERENCE_NS = 64_000_000
_TICKS_PER_REFERENCE = REFERENCE_NS // TICK_NS
_NOT_RECEIVED, _SMALL, _LARGE = 0, 1, 2
_MAX_RUN = 0x1FFF
_ONE_BIT, _TWO_BIT = 14, 7  # symbols in a vector chunk


@dataclass(frozen=True, slots=True)
class Arrivals:
    """One feedback packet's content: `ticks[n]` tells when `base + n` came, in 250 us, None: it did not."""

    base: int
    number: int
    ticks: tuple[int | None, ...]


def parse(body: bytes) -> Arrivals | None:
    """What the feedback says, None if it is malformed. Ticks count from reference time 0 (24 bit, wrapping)."""
    if len(body) < 8:
        return None
    base, count = int.from_bytes(body[:2]), int.from_bytes(body[2:4])
    symbols, at = _read_chunks(body, count)
    ticks: list[int | None] = []
    last = int.from_bytes(body[4:7]) * _TICKS_PER_REFERENCE
    for symbol in symbols:
        if symbol == _NOT_RECEIVED:
            ticks.append(None)
            continue
        if at + symbol > len(body):
            return None
        last += int.from_bytes(body[at : at + symbol], signed=symbol == _LARGE)
        at += symbol
        ticks.append(last)
    return Arrivals(base, body[7], tuple(ticks)) if len(ticks) == count else None


def _read_chunks(body: bytes, count: int) -> tuple[list[int], int]:
    """The status symbols and where the deltas begin; fewer than `count` if the body is cut short."""
    symbols: list[int] = []
    at = 8
    while len(symbols) < count and at + 2 <= len(body):
        chunk = body[at] << 8 | body[at + 1]
        at += 2
        if not chunk & 0x8000:
            symbols += [chunk >> 13 & 3] * (chunk & _MAX_RUN)
        elif chunk & 0x4000:
            symbols += [chunk >> shift & 3 for shift in range(12, -1, -2)]
        else:
            symbols += [chunk >> shift & 1 for shift in range(13, -1, -1)]
    del symbols[count:]
    return ([] if 3 in symbols else symbols), at


def build(base: int, number: int, arrivals: list[int]) -> tuple[bytes, int]:
    """One feedback body and how many of `arrivals` it holds.

    Args:
        base: Sequence number of the first, 16 bit or extended.
        number: Running number of feedback packets.
        arrivals: Nanoseconds when each packet from `base` on came, -1 where it did not; at least one did.
    """
    reference = next(arrival for arrival in arrivals if arrival >= 0) // REFERENCE_NS
    symbols, deltas = _deltas(arrivals, reference * _TICKS_PER_REFERENCE)
    head = pack("!HHI", base & 0xFFFF, len(symbols), (reference & 0xFFFFFF) << 8 | number & 0xFF)
    return head + _chunks(symbols) + deltas, len(symbols)


def _deltas(arrivals: list[int], last: int) -> tuple[list[int], bytes]:
    """Status symbols and deltas up to the first one that does not fit; each counts from the rounded one before."""
    symbols: list[int] = []
    deltas = bytearray()
    for arrival in arrivals:
        if arrival < 0:
            symbols.append(_NOT_RECEIVED)
            continue
        tick = arrival // TICK_NS
        delta = tick - last
        if 0 <= delta <= 0xFF:
            symbols.append(_SMALL)
            deltas.append(delta)
        elif -0x8000 <= delta <= 0x7FFF:
            symbols.append(_LARGE)
            deltas += delta.to_bytes(2, signed=True)
        else:
            break
        last = tick
    return symbols, bytes(deltas)


def _chunks(symbols: list[int]) -> bytes:
    chunks = bytearray()
    at, count = 0, len(symbols)
    while at < count:
        run = _run(symbols, at)
        if run >= _ONE_BIT or at + run == count:
            chunk, taken = symbols[at] << 13 | run, run
        else:
            chunk, taken = _vector(symbols, at)
        chunks += chunk.to_bytes(2)
        at += taken
    return bytes(chunks)


def _run(symbols: list[int], at: int) -> int:
    """How many equal symbols begin at `at`."""
    symbol, end = symbols[at], at
    while end < len(symbols) and symbols[end] == symbol and end - at < _MAX_RUN:
        end += 1
    return end - at


def _vector(symbols: list[int], at: int) -> tuple[int, int]:
    """A vector chunk and how many symbols it holds: 14 of one bit, or 7 of two where one of them is large."""
    window = symbols[at : at + _ONE_BIT]
    if _LARGE not in window:
        bits = sum(symbol << (_ONE_BIT - 1 - place) for place, symbol in enumerate(window))
        return 0x8000 | bits, len(window)
    if _LARGE not in window[:_TWO_BIT] and _run(symbols, at) >= _TWO_BIT:
        return symbols[at] << 13 | _run(symbols, at), _run(symbols, at)
    del window[_TWO_BIT:]
    bits = sum(symbol << 2 * (_TWO_BIT - 1 - place) for place, symbol in enumerate(window))
    return 0xC000 | bits, len(window)


RING = 2048
_STRAYS = 32


class ArrivalRecorder:
    """Notes when each transport-wide sequence number came and makes feedback of it.

    Packets that come late, after a feedback said they had not, are told in the next one again with all behind them, as
    long as they are not more than a ring behind.
    """

    __slots__ = ("_arrivals", "_highest", "_lowest", "_number", "_origin", "_start", "_strays", "pending")

    def __init__(self, origin: int) -> None:
        self._arrivals = [-1] * RING
        self._origin = origin - origin % REFERENCE_NS
        self._highest = self._lowest = self._start = -1
        self._number = self._strays = 0
        self.pending = False
        """Whether something came that no feedback has told yet."""

    def record(self, sequence: int, now: int) -> None:
        """Packet `sequence` (16 bit) came."""
        highest = self._highest
        step = ((sequence - highest + 0x8000) & 0xFFFF) - 0x8000
        if step == 1 and self.pending:
            self._highest = highest = highest + 1
            self._arrivals[highest % RING] = now - self._origin
        elif highest < 0:
            self._begin(sequence + 0x10000, now)
        elif step > 0:
            self._skip(highest + step, now)
        else:
            self._late(highest + step, now)

    def _begin(self, sequence: int, now: int) -> None:
        self._start = self._lowest = self._highest = sequence
        self._arrivals[sequence % RING] = now - self._origin
        self._strays = 0
        self.pending = True

    def _skip(self, sequence: int, now: int) -> None:
        """Those between are missing, and are told as such."""
        first = self._highest + 1
        if not self.pending:
            self._start = first
        for missing in range(max(first, sequence - RING), sequence):
            self._arrivals[missing % RING] = -1
        self._arrivals[sequence % RING] = now - self._origin
        self._highest = sequence
        self._strays = 0
        self.pending = True

    def _late(self, sequence: int, now: int) -> None:
        if sequence < max(self._lowest, self._highest - RING + 1):
            self._stray(sequence, now)
        elif self._arrivals[sequence % RING] < 0:
            self._arrivals[sequence % RING] = now - self._origin
            self._start = min(self._start, sequence) if self.pending else sequence
            self.pending = True

    def _stray(self, sequence: int, now: int) -> None:
        """Too old to be told; but many of them mean that the sender has begun to count anew."""
        self._strays += 1
        if self._strays >= _STRAYS:
            self._arrivals = [-1] * RING
            self._begin(0x10000 + (sequence & 0xFFFF), now)

    def take(self) -> list[bytes]:
        """Feedback bodies for everything since the last time; usually one."""
        bodies: list[bytes] = []
        at = max(self._start, self._highest - RING + 1)
        while at <= self._highest:
            arrivals = [self._arrivals[each % RING] for each in range(at, self._highest + 1)]
            body, told = build(at, self._number, arrivals)
            bodies.append(body)
            self._number += 1
            at += told
        self._start = self._highest + 1
        self.pending = False
        return bodies
