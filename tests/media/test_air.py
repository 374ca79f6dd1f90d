"""One stream, whoever makes it: packets in order of time, and the hand-over from one production to another."""

import threading
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openmpu.media import interleave
from openmpu.media.air import Air, Outlet
from openmpu.media.interleave import HOLD, Interleaver
from openmpu.media.packets import Packet, StreamFormat
from openmpu.model.encoder import MEDIA_ENCODES, AudioProfile
from openmpu.model.roster import Kind
from openmpu.timing.ticks import MILLISECOND, SECOND

VIDEO, SOUND = MEDIA_ENCODES[20].video, AudioProfile()
BOTH = StreamFormat(VIDEO, SOUND)


class Received:
    """What came out."""

    def __init__(self) -> None:
        self.packets: list[Packet] = []
        self.formats: list[StreamFormat] = []

    def put(self, packet: Packet) -> None:
        """Keep it."""
        self.packets.append(packet)

    def change(self, stream: StreamFormat) -> None:
        """Keep it."""
        self.formats.append(stream)


def picture(ms: int, *, key: bool = False) -> Packet:
    """At so many milliseconds."""
    return Packet(Kind.VIDEO, ms * MILLISECOND, b"v", key)


def sound(ms: int) -> Packet:
    """At so many milliseconds."""
    return Packet(Kind.AUDIO, ms * MILLISECOND, b"a")


def interleaver() -> tuple[Interleaver, Received]:
    """With both kinds."""
    received = Received()
    out = Interleaver(received)
    out.set_video(VIDEO)
    out.set_audio(SOUND)
    return out, received


@given(st.lists(st.booleans(), max_size=60))
def test_packets_leave_in_order_of_time(turns: list[bool]) -> None:
    """However the two threads take turns."""
    out, received = interleaver()
    pictures, sounds = (picture(n * 40) for n in range(100)), (sound(n * 21) for n in range(100))
    for turn in turns:
        out.put(next(pictures) if turn else next(sounds))
    out.flush()
    times = [packet.pts for packet in received.packets]
    ahead = max(times, default=0) - min(times, default=0) > HOLD
    assert ahead or times == sorted(times)
    assert len(times) == len(turns)


def test_a_slow_picture_rate_does_not_hold_sound_up() -> None:
    """One picture a second: it says that the next is far, and sound goes on."""
    out, received = interleaver()
    out.put(picture(0, key=True))
    out.reach(Kind.VIDEO, SECOND)
    for n in range(10):
        out.put(sound(n * 21))
    assert len(received.packets) == 11


def test_a_side_that_stands_still_holds_the_other_up_for_a_second_at_most() -> None:
    """In time is better than in order."""
    out, received = interleaver()
    for n in range(100):
        out.put(sound(n * 21))
    assert received.packets[-1].pts == pytest.approx((99 * 21) * MILLISECOND - HOLD, abs=22 * MILLISECOND)


def test_a_change_of_format_comes_after_what_was_before_it() -> None:
    """Everything that waits is of the old format."""
    out, received = interleaver()
    out.put(sound(0))
    out.set_video(MEDIA_ENCODES[1].video)
    assert len(received.packets) == 1
    assert received.formats[-1].video == MEDIA_ENCODES[1].video


def test_without_pictures_nothing_waits() -> None:
    """Audio only."""
    received = Received()
    out = Interleaver(received)
    out.set_audio(SOUND)
    out.put(sound(0))
    assert received.packets == [sound(0)]


def test_a_closed_outlet_sends_nothing() -> None:
    """A production that warms up."""
    received = Received()
    air = Air(received)
    first, second = air.outlet(), air.outlet()
    first.change(BOTH)
    air.open(first)
    second.change(StreamFormat(None, SOUND))
    second.put(picture(0, key=True))
    first.put(picture(5, key=True))
    assert received.packets == [picture(5, key=True)]
    assert received.formats == [BOTH]


def test_an_armed_outlet_takes_over_at_its_key_frame() -> None:
    """Before it, the other goes on; after it, the other is closed."""
    received = Received()
    air = Air(received)
    first, second = air.outlet(), air.outlet()
    air.open(first)
    first.put(picture(0, key=True))
    second.arm(pictures=True)
    for outlet, packet in (
        (second, sound(0)),
        (second, picture(1)),
        (first, picture(2)),
        (second, picture(3, key=True)),
    ):
        outlet.put(packet)
    first.put(picture(4))
    second.put(sound(5))
    assert received.packets[1:] == [picture(2), picture(3, key=True), sound(5)]
    assert air.is_open(second)


def test_time_rises_over_the_seam() -> None:
    """The next production's first picture lies a little before the last one's: it is sent just after it."""
    received = Received()
    air = Air(received)
    first, second = air.outlet(), air.outlet()
    air.open(first)
    first.put(picture(100, key=True))
    first.put(sound(100))
    air.open(second)
    second.put(picture(90, key=True))
    second.put(sound(95))
    second.put(picture(130))
    assert [packet.pts // MILLISECOND for packet in received.packets] == [100, 100, 101, 130]


def test_who_goes_on_air_in_the_middle_of_a_gop_begins_with_a_key_frame() -> None:
    """Opened for want of patience: sound at once, pictures from the first key frame on."""
    received = Received()
    air = Air(received)
    first, second = air.outlet(), air.outlet()
    air.open(first)
    first.put(picture(0, key=True))
    assert not air.waits_for_key
    air.open(second)
    second.put(picture(1))
    second.put(sound(2))
    assert air.waits_for_key
    second.put(picture(3, key=True))
    second.put(picture(4))
    assert received.packets[1:] == [sound(2), picture(3, key=True), picture(4)]


def test_a_disarmed_outlet_stays_closed_or_says_that_it_is_on_air() -> None:
    """A change of mode that is taken back: there is no moment between the two."""
    received = Received()
    air = Air(received)
    first, second = air.outlet(), air.outlet()
    air.open(first)
    second.arm(pictures=True)
    assert not second.disarm()
    second.put(picture(0, key=True))
    assert received.packets == []
    second.arm(pictures=True)
    second.put(picture(1, key=True))
    assert second.disarm()


def test_both_sides_of_a_production_may_begin_at_the_same_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither takes the other's stream away: a mix tells its pictures' format only once, so it would have none."""
    received = Received()
    out = Interleaver(received)
    sounds = threading.Thread(target=out.set_audio, args=(SOUND,))

    def held_up(*parts: Any) -> StreamFormat:
        if not sounds.ident:
            sounds.start()
            sounds.join(0.2)  # as if this thread lost the interpreter here
        return StreamFormat(*parts)

    monkeypatch.setattr(interleave, "StreamFormat", held_up)
    out.set_video(VIDEO)
    sounds.join(5)
    assert received.formats[-1] == out.stream == BOTH


def test_time_rises_by_a_millisecond_at_least() -> None:
    """The next production's picture lies just after the last one's: on RTMP both would have the same time."""
    received = Received()
    air = Air(received)
    first, second = air.outlet(), air.outlet()
    air.open(first)
    first.put(picture(100, key=True))
    air.open(second)
    second.put(Packet(Kind.VIDEO, 100 * MILLISECOND + 300_000, b"v", key=True))
    assert received.packets[-1].pts == 101 * MILLISECOND


def handing_over() -> tuple[Received, Air, Outlet, Outlet]:
    """The second one's key frame of 100 ms is there, the first one has come to 40 ms."""
    received = Received()
    air = Air(received)
    first, second = air.outlet(), air.outlet()
    first.change(BOTH)
    air.open(first)
    for packet in (picture(0, key=True), sound(0), picture(40), sound(21)):
        first.put(packet)
    second.arm(pictures=True)
    for packet in (sound(52), picture(100, key=True), sound(94), picture(140)):
        second.put(packet)
    return received, air, first, second


def pictures_out(received: Received) -> list[int]:
    """Their times in milliseconds."""
    return [packet.pts // MILLISECOND for packet in received.packets if packet.kind is Kind.VIDEO]


def test_neither_pictures_nor_sound_have_a_hole_where_the_one_before_is_behind() -> None:
    """It brings out what it has from before the key frame of the next one; that waits so long."""
    received, air, first, second = handing_over()
    assert not air.is_open(second)
    first.put(picture(80))
    first.put(picture(120))
    assert not air.is_open(second)
    first.put(sound(42))
    first.put(sound(105))
    assert air.is_open(second)
    assert pictures_out(received) == [0, 40, 80, 100, 140]
    assert [packet.pts // MILLISECOND for packet in received.packets if packet.kind is Kind.AUDIO] == [0, 21, 42, 94]


def test_one_before_that_stands_still_is_not_waited_for_long() -> None:
    """A second of the next one's stream."""
    received, air, _, second = handing_over()
    for ms in range(180, 1200, 40):
        second.put(picture(ms))
    assert air.is_open(second)
    assert pictures_out(received) == [0, 40, *range(100, 1200, 40)]


def test_a_hand_over_that_has_begun_cannot_be_taken_back() -> None:
    """What was held back goes out."""
    received, air, _, second = handing_over()
    assert second.disarm()
    assert air.is_open(second)
    assert pictures_out(received) == [0, 40, 100, 140]


def test_patience_at_an_end_in_the_middle_of_a_hand_over() -> None:
    """Nothing of it is lost."""
    received, air, _, second = handing_over()
    air.open(second)
    air.open(second)
    assert pictures_out(received) == [0, 40, 100, 140]
    assert not air.waits_for_key


def test_sound_has_no_hole_where_the_one_before_is_behind() -> None:
    """What the next one has made of the time in between goes out first; nothing twice."""
    received = Received()
    air = Air(received)
    first, second = air.outlet(), air.outlet()
    air.open(first)
    first.put(sound(0))
    first.put(sound(21))
    second.arm(pictures=True)
    for ms in (10, 31, 52, 73, 94):
        second.put(sound(ms))
    second.put(picture(100, key=True))
    second.put(sound(115))
    sounds = [packet.pts // MILLISECOND for packet in received.packets if packet.kind is Kind.AUDIO]
    assert sounds == [0, 21, 52, 73, 94, 115]


def test_without_pictures_the_next_packet_takes_over() -> None:
    """Audio-only tasks."""
    received = Received()
    air = Air(received)
    outlet = air.outlet()
    outlet.arm(pictures=False)
    outlet.put(sound(7))
    assert received.packets == [sound(7)]
