"""Receiver statistics: RFC 3550 6.4.1, A.1, A.3, A.8."""

from openmpu.wire.rtp.packet import parse
from openmpu.wire.rtp.statistics import MAX_DROPOUT, REJECTED, StreamStatistics
from tests.wire.rtp.packetisers import rtp

MS, SECOND = 1_000_000, 1_000_000_000
T0 = 1_760_000_000 * SECOND


class Feed:
    """Statistics of a stream of 50 packets a second, 960 ticks apart."""

    def __init__(self, first: int = 100) -> None:
        self.statistics = StreamStatistics(48_000, T0)
        self.first = first

    def come(self, sequence: int, *, late: int = 0) -> int:
        """Packet `sequence` comes when it should, or `late`."""
        number = sequence - self.first
        data = rtp(b"12345", sequence=sequence & 0xFFFF, timestamp=number * 960)
        packet = parse(data, T0 + number * 20 * MS + late)
        assert packet is not None
        return self.statistics.receive(packet)


def test_highest_is_extended_over_the_wrap() -> None:
    """Cycles count in the upper 16 bits."""
    feed = Feed(65_534)
    for sequence in range(65_534, 65_540):
        feed.come(sequence)
    assert feed.statistics.block(1, T0).highest_sequence == 0x10003
    assert feed.statistics.expected == 6
    assert feed.statistics.bytes == 30


def test_fraction_is_since_the_last_block() -> None:
    """A quarter lost in the first interval, nothing in the second; the sum stays."""
    feed = Feed()
    for sequence in (100, 101, 103, 104, 105, 107):
        feed.come(sequence)
    first = feed.statistics.block(1, T0)
    for sequence in range(108, 120):
        feed.come(sequence)
    second = feed.statistics.block(1, T0)
    assert (first.fraction_lost, first.cumulative_lost) == (64, 2)
    assert (second.fraction_lost, second.cumulative_lost) == (0, 2)


def test_duplicates_make_the_loss_negative() -> None:
    """RFC 3550 6.4.1: late and double packets count as received."""
    feed = Feed()
    for sequence in (100, 101, 101, 101):
        feed.come(sequence)
    block = feed.statistics.block(1, T0)
    assert (block.fraction_lost, block.cumulative_lost) == (0, -2)


def test_everything_lost_is_255() -> None:
    """A fraction of 256 does not fit: 255 of 256."""
    feed = Feed()
    feed.come(100)
    feed.statistics.block(1, T0)
    feed.come(2600)
    assert feed.statistics.block(1, T0).fraction_lost == 255


def test_steady_network_has_no_jitter() -> None:
    """The same delay for all."""
    feed = Feed()
    for sequence in range(100, 400):
        feed.come(sequence, late=7 * MS)
    assert feed.statistics.jitter == 0


def test_jitter_tends_to_the_mean_difference() -> None:
    """Every other packet 10 ms late: differences of 10 ms, 480 ticks."""
    feed = Feed()
    for sequence in range(100, 600):
        feed.come(sequence, late=10 * MS * (sequence & 1))
    assert 460 <= feed.statistics.jitter <= 480
    assert 9 * MS < feed.statistics.jitter_ns <= 10 * MS


def test_overtaken_packets_keep_their_number() -> None:
    """A packet late by a few gets the number it has."""
    feed = Feed()
    assert [feed.come(sequence) & 0xFFFF for sequence in (100, 103, 101, 102)] == [100, 103, 101, 102]
    assert feed.statistics.lost == 0


def test_packet_before_the_first_stays_positive() -> None:
    """The very first packet overtook another."""
    feed = Feed(0)
    assert feed.come(0) == 0x10000
    assert feed.come(-1) == 0xFFFF


def test_far_numbers_need_a_second_packet_and_silence() -> None:
    """One stray packet is rejected; two in a row, after a pause, are a new beginning."""
    feed = Feed()
    feed.come(100)
    assert feed.come(100 + MAX_DROPOUT + 5) == REJECTED
    feed.come(101)
    assert feed.come(40_000) == REJECTED
    restarted = feed.come(40_001)
    assert restarted & 0xFFFF == 40_001
    assert restarted > 0x20000
    assert feed.statistics.rejected == 2
    assert feed.statistics.lost == 0


def test_old_packets_in_a_row_do_not_restart_a_stream_that_goes_on() -> None:
    """Ancient packets between new ones."""
    feed = Feed(30_000)
    for number in range(30_000, 30_050):
        feed.come(number)
        data = rtp(b"x", sequence=number - 20_000)
        packet = parse(data, T0 + (number - 30_000) * 20 * MS)
        assert packet is not None
        assert feed.statistics.receive(packet) == REJECTED


def test_report_tells_the_last_sender_report() -> None:
    """Middle bits of its NTP time, and how long ago in 1/65536 s (RFC 3550 6.4.1)."""
    feed = Feed()
    feed.come(100)
    assert feed.statistics.block(1, T0).last_report == 0
    feed.statistics.sender_report(0x1122334455667788, T0)
    block = feed.statistics.block(1, T0 + SECOND // 2)
    assert (block.last_report, block.delay) == (0x33445566, 0x8000)


def test_sender_that_counts_anew_a_little_lower_is_followed() -> None:
    """Numbers that could be late ones: believed when they go on for half a second and nothing newer comes."""
    feed = Feed()
    for sequence in range(600, 700):
        feed.come(sequence)
    results = []
    for number in range(60):
        packet = parse(rtp(b"x", sequence=300 + number, timestamp=number * 960), T0 + (600 + number) * 20 * MS)
        assert packet is not None
        results.append(feed.statistics.receive(packet))
    assert results[0] == 0x10000 + 300
    assert results[-1] > 0x20000
