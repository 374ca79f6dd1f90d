"""The video jitter buffer, packet by packet."""

import random
import zlib

from hypothesis import given, settings
from hypothesis import strategies as st

from openmpu.wire.rtp.alarm import MS, NEVER, SECOND, Alarm, Reordering, RoundTrip
from openmpu.wire.rtp.counts import Counts
from openmpu.wire.rtp.depacketise.vp8 import Vp8
from openmpu.wire.rtp.key_frames import KeyFrameRequests
from openmpu.wire.rtp.nack import NackList
from openmpu.wire.rtp.packet import parse
from openmpu.wire.rtp.patience import KEY_PATIENCE, PATIENCE
from openmpu.wire.rtp.video import CAPACITY, VideoBuffer
from tests.wire.rtp.packetisers import rtp

KEY = b"\x00\x00\x00\x9d\x01\x2a\x00\x05\xd0\x02"


class Bench:
    """A buffer of VP8 frames of three packets each: frame n has numbers 3n to 3n + 2."""

    def __init__(self, first: int = 1000) -> None:
        self.alarm = Alarm()
        trip = RoundTrip()
        trip.measured(20 * MS)
        self.nacks = NackList(self.alarm, trip, Reordering(0, 80 * MS, 0), enabled=True, rtx=True)
        self.keys = KeyFrameRequests(self.alarm)
        self.counts = Counts()
        self.out: list[tuple[int, bool, int]] = []
        self.buffer = VideoBuffer(Vp8(), self.nacks, self.keys, self.alarm, trip, self.counts, self._sink)
        self.first = first
        self.key_numbers = {0}
        self.now = SECOND

    def _sink(self, packets, picture, lost) -> None:
        number = (packets[0].sequence - self.first) // 3
        assert picture.data[-4:] == zlib.crc32(number.to_bytes(4)).to_bytes(4)
        self.out.append((number, picture.key, lost))

    def come(self, *indices: int, after: int = 0, repaired: bool = False) -> None:
        """The packets of those indices come, `after` nanoseconds later."""
        self.now += after
        for index in indices:
            frame, part = divmod(index, 3)
            head = KEY if frame in self.key_numbers else b"\x01\x00\x00"
            body = (b"\x10" + head, b"\x00abc", b"\x00" + zlib.crc32(frame.to_bytes(4)).to_bytes(4))[part]
            data = rtp(body, sequence=self.first + index, timestamp=frame * 3000, marker=part == 2)
            packet = parse(data, self.now)
            packet.sequence = self.first + index
            self.buffer.push(packet, self.now, repaired=repaired)

    def tick(self, after: int) -> None:
        """Time passes."""
        self.now += after
        self.buffer.tick(self.now)

    @property
    def numbers(self) -> list[int]:
        """The frames that were handed out."""
        return [number for number, _, _ in self.out]


def test_frame_leaves_with_its_marked_packet() -> None:
    """Not with the first packet of the next."""
    bench = Bench()
    bench.come(0, 1)
    assert bench.numbers == []
    bench.come(2)
    assert bench.out == [(0, True, 0)]
    bench.come(3, 4, 5)
    assert bench.out[1:] == [(1, False, 0)]


def test_hole_holds_what_follows() -> None:
    """The missing packet is asked for; when it comes everything leaves in order."""
    bench = Bench()
    bench.come(*range(3), 3, 5, 6, 7, 8)
    assert bench.numbers == [0]
    assert bench.nacks.take(bench.now) == [1004]
    bench.come(4, after=20 * MS, repaired=True)
    assert bench.numbers == [0, 1, 2]
    assert bench.buffer.wake == NEVER


def test_hole_is_given_up_after_patience() -> None:
    """Nothing is handed out any more, a key frame is asked for, and the next one resumes."""
    bench = Bench()
    bench.key_numbers.add(5)
    bench.come(*range(3), 3, 5, *range(6, 12))
    assert bench.buffer.wake == bench.now + PATIENCE
    bench.tick(PATIENCE)
    assert bench.keys.take(bench.now)
    bench.come(*range(12, 15))
    assert bench.numbers == [0]
    bench.come(*range(15, 21))
    assert bench.numbers == [0, 5, 6]
    assert bench.out[1] == (5, True, 4)
    assert not bench.keys.wanted


def test_key_frame_behind_a_hole_shortens_the_wait() -> None:
    """Complete and KEY_PATIENCE after the hole: no reason to wait for what it does not need."""
    bench = Bench()
    bench.key_numbers.add(3)
    bench.come(*range(3), 4, 5, *range(6, 12))
    assert bench.numbers == [0]
    bench.tick(KEY_PATIENCE - 1)
    assert bench.numbers == [0]
    bench.tick(1)
    assert bench.numbers == [0, 3]
    assert not bench.keys.wanted


def test_repaired_in_time_despite_a_key_frame() -> None:
    """Nothing is skipped if the hole is filled before that."""
    bench = Bench()
    bench.key_numbers.add(2)
    bench.come(*range(3), 4, 5, *range(6, 9))
    bench.come(3, after=KEY_PATIENCE // 2, repaired=True)
    assert bench.numbers == [0, 1, 2]


def test_beginning_in_the_middle_waits_for_a_key_frame() -> None:
    """The first packets belong to a picture whose reference we never had."""
    bench = Bench()
    bench.key_numbers = {2}
    bench.come(1, 2, 3, 4, 5)
    assert bench.numbers == []
    assert bench.keys.wanted
    bench.come(6, 7, 8)
    assert bench.out == [(2, True, 0)] or bench.out[0][:2] == (2, True)


def test_beginning_with_a_key_frame_asks_for_nothing() -> None:
    """The usual start of a call."""
    bench = Bench()
    bench.come(0, 1, 2)
    assert not bench.keys.wanted
    assert bench.keys.sent == 0


def test_very_first_packet_that_was_overtaken() -> None:
    """The second came before the first."""
    bench = Bench()
    bench.come(1, 0, 2)
    assert bench.numbers == [0]


def test_key_frame_with_a_hole_is_repaired_while_waited_for() -> None:
    """While a key frame is looked for, its own packets are asked for again."""
    bench = Bench()
    bench.come(0, 2, 3, 4, 5)
    assert bench.nacks.take(bench.now) == [1001]
    bench.come(1, after=10 * MS, repaired=True)
    assert bench.numbers == [0, 1]


def test_duplicates_are_counted() -> None:
    """Of a frame that is out, of one being filled, of one behind a hole."""
    bench = Bench()
    bench.come(*range(3), 3, 5, 0, 3, 5)
    assert bench.counts.duplicates == 3


def test_late_packets_are_counted() -> None:
    """What comes after it was given up."""
    bench = Bench()
    bench.come(*range(3), 3, 5, 6)
    bench.tick(PATIENCE)
    bench.come(4)
    assert bench.counts.late == 1


def test_window_is_bounded() -> None:
    """A gap larger than the window: given up at once, with a key frame asked for."""
    bench = Bench()
    bench.come(*range(3))
    bench.come(3 + CAPACITY)
    assert bench.counts.overflows == 1
    assert bench.keys.wanted
    assert bench.nacks.take(bench.now) == []


def test_while_waiting_for_a_key_frame_little_is_kept() -> None:
    """Minutes of pictures that cannot be decoded do not pile up."""
    bench = Bench()
    bench.key_numbers = set()
    for frame in range(2000):
        bench.come(*range(3 * frame, 3 * frame + 3), after=33 * MS)
    assert bench.buffer._ring.count < 60
    assert bench.counts.lost > 1900


def test_picture_that_is_none_counts_as_lost() -> None:
    """All packets of a frame came, but they do not begin as a frame does."""
    bench = Bench()
    bench.come(*range(3))
    data = rtp(b"\x00garbage", sequence=1003, timestamp=3000, marker=True)
    packet = parse(data, bench.now)
    bench.buffer.push(packet, bench.now)
    assert bench.counts.broken == 1
    assert bench.keys.wanted
    bench.come(4, 5)
    assert bench.numbers == [0]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 1 << 32), st.floats(0, 0.3), st.integers(0, 12), st.booleans())
def test_no_picture_stands_on_a_missing_one(seed: int, loss: float, reach: int, repair: bool) -> None:
    """Whatever is lost, late, double or overtaken: what leaves is in order, and only key frames follow a gap."""
    chance = random.Random(seed).random
    bench = Bench()
    bench.key_numbers = set(range(0, 100, 10))
    order = sorted(range(300), key=lambda index: index + chance() * reach)
    for index in order:
        if chance() >= loss:
            bench.come(index, after=11 * MS)
            if chance() < 0.05:
                bench.come(index)
        for sequence in bench.nacks.take(bench.now):
            if repair and chance() >= loss:
                bench.come(sequence - bench.first, repaired=True)
        bench.tick(0)
    assert bench.numbers == sorted(set(bench.numbers))
    for (before, _, _), (after, key, _) in zip(bench.out, bench.out[1:], strict=False):
        assert key or after == before + 1
    assert all(key == (number in bench.key_numbers) for number, key, _ in bench.out)
    if not loss and reach * 11 * MS < KEY_PATIENCE:  # a hole before a whole key frame is waited for no longer
        assert bench.numbers == list(range(100))


def test_key_frame_that_is_waited_for_may_take_long() -> None:
    """Its first packet and what follows are kept for seconds, however often a packet must be asked for."""
    bench = Bench()
    bench.come(0, 2)
    for frame in range(1, 60):
        bench.come(*range(3 * frame, 3 * frame + 3), after=33 * MS)
    bench.come(1, repaired=True)
    assert bench.numbers == list(range(60))
