"""The sound jitter buffer, packet by packet."""

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from openmpu.wire.rtp.alarm import MS, NEVER, SECOND, Alarm
from openmpu.wire.rtp.audio import CAPACITY, MAX_DELAY, MIN_DELAY, AudioBuffer
from openmpu.wire.rtp.counts import Counts
from openmpu.wire.rtp.packet import parse
from tests.wire.rtp.packetisers import rtp


class Bench:
    """A buffer of 20 ms packets."""

    def __init__(self) -> None:
        self.alarm, self.counts = Alarm(), Counts()
        self.out: list[tuple[int, int]] = []
        self.buffer = AudioBuffer(self.alarm, self.counts, 0, self._sink)
        self.now = SECOND

    def _sink(self, packet, lost: int) -> None:
        self.out.append((packet.sequence, lost))

    def packet(self, sequence: int, payload: bytes = b"x"):
        """That packet, arriving now."""
        packet = parse(rtp(payload, sequence=sequence & 0xFFFF, timestamp=sequence * 960), self.now)
        packet.sequence = sequence
        return packet

    def come(self, *sequences: int, after: int = 0) -> None:
        """Those packets come, `after` nanoseconds later."""
        self.now += after
        for sequence in sequences:
            self.buffer.push(self.packet(sequence), self.now)

    def recover(self, *sequences: int) -> None:
        """The packet that comes next carries those, 20 ms each before it, the last right before it."""
        for age, sequence in zip(range(len(sequences), 0, -1), sequences, strict=True):
            self.buffer.recover(self.packet(sequence), self.now - age * 20 * MS)

    def tick(self, after: int) -> None:
        """Time passes."""
        self.now += after
        self.buffer.tick(self.now)


def test_in_order_packets_leave_at_once() -> None:
    """No delay at all, and no timer."""
    bench = Bench()
    bench.come(10, 11, 12)
    assert bench.out == [(10, 0), (11, 0), (12, 0)]
    assert bench.buffer.wake == NEVER


def test_hole_is_told_after_the_delay() -> None:
    """The next packet tells how many are missing before it."""
    bench = Bench()
    bench.come(10, 13, 14)
    assert bench.out == [(10, 0)]
    assert bench.alarm.at == bench.now + MIN_DELAY
    bench.tick(MIN_DELAY)
    assert bench.out == [(10, 0), (13, 2), (14, 0)]
    assert bench.counts.lost == 2


def test_overtaken_packet_is_put_in_its_place() -> None:
    """It came within the delay."""
    bench = Bench()
    bench.come(10, 12)
    bench.come(11, after=5 * MS)
    assert bench.out == [(10, 0), (11, 0), (12, 0)]
    assert bench.counts.lost == 0


def test_delay_grows_with_reordering_and_shrinks_slowly() -> None:
    """A packet late by 40 ms teaches; minutes later it is forgotten."""
    bench = Bench()
    bench.come(10, 12)
    bench.tick(MIN_DELAY)
    bench.come(11, after=28 * MS)
    assert bench.counts.late == 1
    assert bench.buffer.delay == 45 * MS
    bench.come(13, 15)
    bench.come(14, after=40 * MS)
    assert [sequence for sequence, _ in bench.out] == [10, 12, 13, 14, 15]
    for sequence in range(100, 200, 2):
        bench.come(sequence, after=SECOND)
        bench.tick(MAX_DELAY)
    assert bench.buffer.delay < 16 * MS


def test_delay_is_bounded() -> None:
    """However late a packet comes."""
    bench = Bench()
    bench.come(10, 12)
    bench.tick(MIN_DELAY)
    bench.come(11, after=SECOND)
    assert bench.buffer.delay == MAX_DELAY


def test_two_holes_are_told_one_by_one() -> None:
    """The second hole has its own time."""
    bench = Bench()
    bench.come(10, 12)
    bench.come(14, after=8 * MS)
    bench.tick(MIN_DELAY - 8 * MS)
    assert bench.out == [(10, 0), (12, 1)]
    bench.tick(8 * MS)
    assert bench.out == [(10, 0), (12, 1), (14, 1)]


def test_outage_longer_than_the_window() -> None:
    """Told as what it is, at once."""
    bench = Bench()
    bench.come(10, 10 + 5 * CAPACITY, 11 + 5 * CAPACITY)
    assert bench.out == [(10, 0), (10 + 5 * CAPACITY, 5 * CAPACITY - 1), (11 + 5 * CAPACITY, 0)]


def test_window_moves_when_it_is_full() -> None:
    """Packets far behind a hole push out what waits before them."""
    bench = Bench()
    bench.come(10, 12, 12 + CAPACITY)
    assert bench.out == [(10, 0), (12, 1)]


def test_duplicates_are_counted() -> None:
    """Of one that is out and of one that waits."""
    bench = Bench()
    bench.come(10, 10, 12, 12)
    assert bench.counts.duplicates == 2


def test_padding_fills_its_number_only() -> None:
    """A packet without payload is neither sound nor loss, and loses no count."""
    bench = Bench()
    bench.come(10)
    bench.buffer.push(bench.packet(11, b""), bench.now)
    bench.come(12)
    assert bench.out == [(10, 0), (12, 0)]
    bench.buffer.push(bench.packet(14, b""), bench.now)
    bench.tick(MIN_DELAY)
    bench.come(15)
    assert bench.out[2:] == [(15, 1)]


def test_recovered_packets_fill_the_hole() -> None:
    """Redundancy of the next packet makes waiting needless."""
    bench = Bench()
    bench.come(10)
    bench.recover(11)
    bench.come(12)
    assert bench.out == [(10, 0), (11, 0), (12, 0)]
    assert bench.counts.recovered == 1


def test_redundancy_of_what_is_here_is_not_counted() -> None:
    """Older than the next packet, or waiting already."""
    bench = Bench()
    bench.come(10, 12)
    bench.recover(9, 12)
    assert bench.counts.recovered == 0


def test_hole_before_recovered_packets_is_not_waited_for() -> None:
    """What they stand behind was due long ago: three lost in a row, of which the next packet has two."""
    bench = Bench()
    bench.come(10)
    bench.now += 80 * MS
    bench.recover(12, 13)
    bench.come(14)
    bench.tick(0)
    assert bench.out == [(10, 0), (12, 1), (13, 0), (14, 0)]


def test_redundancy_of_an_earlier_hole_hurries_no_later_one() -> None:
    """Each hole has its own time: a packet that is only overtaken still has its chance."""
    bench = Bench()
    bench.come(10)
    bench.now += 80 * MS
    bench.recover(12, 13)
    bench.come(14, 16)
    bench.tick(0)
    assert bench.out[1:] == [(12, 1), (13, 0), (14, 0)]
    bench.come(15, after=5 * MS)
    assert bench.out[4:] == [(15, 0), (16, 0)]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 1 << 32), st.floats(0, 0.4), st.integers(0, 8))
def test_every_number_is_accounted_for(seed: int, loss: float, reach: int) -> None:
    """Whatever happens, packets leave in order and the losses told fill exactly the numbers between them."""
    chance = random.Random(seed).random
    bench = Bench()
    bench.come(99)
    for sequence in sorted(range(100, 400), key=lambda each: each + chance() * reach):
        if chance() >= loss:
            bench.come(sequence, after=20 * MS)
        bench.tick(0)
    bench.tick(SECOND)
    for (before, _), (after, lost) in zip(bench.out, bench.out[1:], strict=False):
        assert after == before + 1 + lost


def test_sender_that_counts_anew_lost_nothing() -> None:
    """Its statistics put it cycles ahead; that is not a number of packets."""
    bench = Bench()
    bench.come(0x10010, 0x30005)
    assert bench.out == [(0x10010, 0), (0x30005, 0)]
