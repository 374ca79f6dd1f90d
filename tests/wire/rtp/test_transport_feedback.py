"""Transport-wide feedback against vectors made by hand from the draft, and there and back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openmpu.wire.rtp.rtcp import TransportFeedback, parse
from openmpu.wire.rtp.rtcp_writing import build_transport_feedback
from openmpu.wire.rtp.transport_feedback import (
    REFERENCE_NS,
    TICK_NS,
    ArrivalRecorder,
    build,
)
from openmpu.wire.rtp.transport_feedback import parse as parse_body

AT = 10 * REFERENCE_NS
NO = -1


def ticks(*values: int | None) -> list[int]:
    """Arrival times that many ticks of 250 us after AT; None: did not come."""
    return [NO if value is None else AT + value * TICK_NS for value in values]


@pytest.mark.parametrize(
    ("base", "number", "arrivals", "expected"),
    [
        # base 1, 3 packets, reference 10, number 5; run of 3 small; deltas 0, 4, 4 ticks
        (1, 5, ticks(0, 4, 8), "0001 0003 00000a 05 2003 00 04 04"),
        # a hole and a large delta need two-bit symbols: small, not received, large
        (0x1FFFF, 0, ticks(7, None, 307), "ffff 0003 00000a 00 d200 07 012c"),
        # a hole alone fits one-bit symbols: 1 0 1 1
        (2, 1, ticks(0, None, 1, 2), "0002 0004 00000a 01 ac00 00 01 01"),
        # one that came before the one before it: -8 ticks
        (3, 2, ticks(20, 12), "0003 0002 00000a 02 d800 14 fff8"),
        # twenty lost between two: small, 13 lost in a one-bit vector, the other 7 lost and one small
        (9, 3, ticks(0, *[None] * 20, 5), "0009 0016 00000a 03 a000 8040 00 05"),
        # a first packet late within its 64 ms
        (4, 4, ticks(255), "0004 0001 00000a 04 2001 ff"),
        # lost before the first that came
        (5, 6, ticks(None, None, 3), "0005 0003 00000a 06 8800 03"),
        # a long run
        (6, 7, ticks(*range(300)), "0006 012c 00000a 07 212c 00" + "01" * 255 + "01" * 44),
    ],
)
def test_vectors(base: int, number: int, arrivals: list[int], expected: str) -> None:
    """Bodies made by hand."""
    body, told = build(base, number, arrivals)
    assert body == bytes.fromhex(expected)
    assert told == len(arrivals)


def test_packet_around_the_body() -> None:
    """FMT 15 with padding to a word, flagged (RFC 3550 6.4.1)."""
    body, _ = build(1, 5, ticks(0, 4, 8))
    data = build_transport_feedback(1, 2, body)
    assert data == bytes.fromhex("afcd0006 00000001 00000002 0001 0003 00000a 05 2003 00 04 04 000003")
    assert parse(data) == ([TransportFeedback(1, 2, body)], 0)
    whole = bytes(12)
    assert build_transport_feedback(1, 2, whole)[0] == 0x8F


def test_reference_time_wraps() -> None:
    """24 bits of 64 ms: 12 days."""
    body, _ = build(1, 0, [(1 << 24) * REFERENCE_NS + 5 * TICK_NS])
    assert body[4:7] == bytes(3)


def test_delta_that_does_not_fit_begins_another_packet() -> None:
    """More than 8.19 s between two packets: two feedbacks with a reference time each."""
    recorder = ArrivalRecorder(0)
    recorder.record(100, REFERENCE_NS)
    recorder.record(101, REFERENCE_NS + 9_000_000_000)
    first, second = (parse_body(body) for body in recorder.take())
    assert (first.base, len(first.ticks), second.base, len(second.ticks)) == (100, 1, 101, 1)
    assert (second.ticks[0] - first.ticks[0]) * TICK_NS == 9_000_000_000
    assert second.number == first.number + 1


GAPS = st.one_of(st.none(), st.integers(0, 2000), st.integers(-300, 40_000))


@given(st.integers(0, 0xFFFF), st.lists(GAPS, min_size=1, max_size=200))
def test_there_and_back(base: int, gaps: list[int | None]) -> None:
    """Whatever came when, the sender reads the same, to a quarter of a millisecond and without drift."""
    arrivals, now = [], AT * 1000
    for gap in gaps:
        now += (gap or 0) * 100_000
        arrivals.append(NO if gap is None else now)
    at = 0
    while at < len(arrivals) and any(arrival >= 0 for arrival in arrivals[at:]):
        body, told = build(base + at, 0, arrivals[at:])
        found = parse_body(body)
        assert found is not None
        assert (found.base, len(found.ticks)) == ((base + at) & 0xFFFF, told)
        for arrival, tick in zip(arrivals[at : at + told], found.ticks, strict=True):
            assert (tick is None) == (arrival < 0)
            assert tick is None or tick == arrival // TICK_NS % (1 << 32)
        at += told


def taken(recorder: ArrivalRecorder) -> list[tuple[int, list[bool]]]:
    """Base and what came, of each feedback."""
    bodies = [parse_body(body) for body in recorder.take()]
    return [(body.base, [tick is not None for tick in body.ticks]) for body in bodies]


def test_recorder_tells_each_packet_once() -> None:
    """What was told is not told again; nothing pending, nothing told."""
    recorder = ArrivalRecorder(0)
    for sequence in (65_534, 65_535, 0, 1):
        recorder.record(sequence, sequence * 1000 + 1_000_000_000)
    assert taken(recorder) == [(65_534, [True] * 4)]
    assert not recorder.pending
    assert taken(recorder) == []
    recorder.record(2, 2_000_000_000)
    assert taken(recorder) == [(2, [True])]


def test_recorder_tells_losses_between_feedbacks() -> None:
    """Packets lost after one feedback and before the first packet of the next are told as lost."""
    recorder = ArrivalRecorder(0)
    recorder.record(10, 0)
    recorder.take()
    recorder.record(13, 1_000_000)
    assert taken(recorder) == [(11, [False, False, True])]


def test_recorder_tells_late_packets_after_all() -> None:
    """A packet that was told as lost and came after all is told with everything behind it."""
    recorder = ArrivalRecorder(0)
    for sequence in (10, 12):
        recorder.record(sequence, 0)
    assert taken(recorder) == [(10, [True, False, True])]
    recorder.record(11, 5_000_000)
    assert taken(recorder) == [(11, [True, True])]


def test_recorder_ignores_duplicates_and_ancient_packets() -> None:
    """A packet twice, and one from before the beginning."""
    recorder = ArrivalRecorder(0)
    recorder.record(10, 0)
    recorder.record(10, 1)
    recorder.record(9, 2)
    assert taken(recorder) == [(10, [True])]
    recorder.record(10, 3)
    assert not recorder.pending


def test_recorder_survives_jumps() -> None:
    """A jump farther than the ring is told as far as it is known; a sender that counts anew is followed."""
    recorder = ArrivalRecorder(0)
    recorder.record(10, 0)
    recorder.record(20_000, 0)
    [(_, came)] = taken(recorder)
    assert sum(came) == 1
    for sequence in range(40):
        recorder.record(sequence, 1_000_000)
    assert taken(recorder)[0][0] == 31


@pytest.mark.parametrize(
    "body", ["", "00010001000000", "0001000100000000", "00010001000000002001", "000100020000000060022001"]
)
def test_malformed_bodies_are_none(body: str) -> None:
    """Cut short in the head, the chunks, the deltas; symbols that are reserved."""
    assert parse_body(bytes.fromhex(body)) is None
