"""One track to one player: numbers, times, reports, and packets again."""

import pytest

from openmpu.wire.rtp.packet import parse
from openmpu.wire.rtp.sender import AGAIN_MOST, KEPT, SECOND, SendParameters, TrackSender

MEDIA = SendParameters(ssrc=7, payload_type=102, clock_rate=90_000, sequence=65_534, time_offset=1_000)
REPAIRED = SendParameters(7, 102, 90_000, rtx=(8, 103), sequence=65_534, rtx_sequence=40, time_offset=1_000)


def sent(sender, *frames):
    """Frames of one payload each, at 90 kHz and 30 fps, as packets."""
    return [parse(data, 0) for number, payloads in enumerate(frames) for data in sender.frame(payloads, number * 3000)]


def test_numbers_run_on_and_the_last_packet_of_a_frame_is_marked():
    """Over the border of 16 bits too; all packets of a frame have one time."""
    packets = sent(TrackSender(MEDIA), [b"a", b"b"], [b"c"])

    assert [packet.sequence for packet in packets] == [65_534, 65_535, 0]
    assert [packet.timestamp for packet in packets] == [1_000, 1_000, 4_000]
    assert [packet.marker for packet in packets] == [False, True, True]
    assert {(packet.ssrc, packet.payload_type) for packet in packets} == {(7, 102)}
    assert [packet.payload for packet in packets] == [b"a", b"b", b"c"]


def test_time_never_stands_still_or_goes_back_a_little():
    """The next worker's clock may be a trifle behind; a player would throw the frame away."""
    sender = TrackSender(MEDIA)
    times = [parse(next(sender.frame([b"x"], time)), 0).timestamp for time in (9_000, 9_000, 8_000, 12_000)]

    assert times == [10_000, 10_001, 10_002, 13_000]


def test_time_that_goes_far_back_is_followed():
    """A clock that was set is another time line."""
    sender = TrackSender(MEDIA)
    times = [parse(next(sender.frame([b"x"], time)), 0).timestamp for time in (90_000_000, 9_000)]

    assert times == [90_001_000, 10_000]


def test_a_packet_again_is_wrapped_where_that_was_agreed():
    """Own source, own numbers, the original number before the payload."""
    sender = TrackSender(REPAIRED)
    sent(sender, [b"a", b"b"])
    again = [parse(data, 0) for data in sender.again([65_535])]

    assert [(packet.ssrc, packet.payload_type, packet.sequence) for packet in again] == [(8, 103, 40)]
    assert again[0].payload == b"\xff\xffb"
    assert (again[0].marker, again[0].timestamp) == (True, 1_000)
    assert sender.repeated == 1


def test_without_rtx_it_goes_out_as_it_was():
    """Byte for byte."""
    sender = TrackSender(MEDIA)
    first = next(iter(sender.frame([b"a"], 0)))

    assert list(sender.again([65_534])) == [first]


def test_what_is_no_longer_kept_or_never_was_is_not_sent():
    """Also when its place in the ring holds another one."""
    sender = TrackSender(MEDIA)
    sent(sender, *[[b"a"]] * (KEPT + 1))

    assert list(sender.again([65_534, 30_000])) == []
    assert sender.refused == 2


def test_asking_again_has_an_end():
    """A path that loses everything is not filled with repetitions."""
    sender = TrackSender(MEDIA)
    sent(sender, *[[bytes(1_000)]] * 100)
    again = sum(len(data) for _ in range(10) for data in sender.again([(65_534 + n) & 0xFFFF for n in range(100)]))

    assert AGAIN_MOST * 0.9 < again <= AGAIN_MOST


def test_a_report_ties_rtp_time_to_the_clock():
    """RTP time is Unix time in ticks, behind the player's own offset."""
    sender = TrackSender(MEDIA)
    sent(sender, [b"abc"], [b"d"])
    report = sender.report(unix=5 * SECOND, ntp=99)

    assert (report.ssrc, report.ntp, report.rtp_time) == (7, 99, 451_000)
    assert (report.packets, report.octets) == (2, 4)


@pytest.mark.parametrize("offset", [0, (1 << 32) - 1])
def test_times_wrap(offset):
    """32 bits, whatever the year."""
    sender = TrackSender(SendParameters(7, 102, 90_000, time_offset=offset))

    assert 0 <= sender.report(1_800_000_000 * SECOND, 1).rtp_time < 1 << 32
    assert parse(next(sender.frame([b"x"], (1 << 32) - 1)), 0) is not None
