"""What waits for a socket, and what is left out when too much waits."""

from hypothesis import given
from hypothesis import strategies as st

from openmpu.media.outputs.queue import PacketQueue
from openmpu.media.packets import Packet, StreamFormat
from openmpu.model.encoder import MEDIA_ENCODES, AudioProfile
from openmpu.model.roster import Kind

SECOND = 1_000_000_000
FRAME = SECOND // 25
SOUND_ONLY = StreamFormat(None, AudioProfile())
WHOLE = StreamFormat(MEDIA_ENCODES[20].video, AudioProfile())


def picture(tick, key=False):
    return Packet(Kind.VIDEO, tick * FRAME, b"", key)


def sound(tick):
    return Packet(Kind.AUDIO, tick * FRAME, b"")


def begun(has_video=True):
    queue = PacketQueue(2 * SECOND)
    queue.begin(WHOLE if has_video else SOUND_ONLY)
    return queue


def drained(queue):
    return [queue.take() for _ in range(len(queue))]


def ticks(queue, kind=Kind.VIDEO):
    return [packet.pts // FRAME for packet in drained(queue) if packet.kind is kind]


def ticks_of(queue):
    return [item.pts // FRAME for item in drained(queue) if isinstance(item, Packet)]


def test_begins_with_a_key_frame():
    """Sound and pictures before the first key frame are left out."""
    queue = begun()
    for packet in (sound(0), picture(1), sound(1), picture(2, key=True), sound(2)):
        queue.put(packet)
    assert drained(queue) == [picture(2, key=True), sound(2)]
    assert (queue.missed, queue.dropped_video) == (1, 0)


def test_sound_only_begins_at_once():
    """Without video there is nothing to wait for."""
    queue = begun(has_video=False)
    queue.put(sound(0))
    assert len(queue) == 1


def test_sound_may_go_ahead():
    """When no picture comes, sound goes first and the picture follows at a key frame."""
    queue = begun()
    queue.begin_with_sound()
    for packet in (sound(0), picture(1), picture(2, key=True)):
        queue.put(packet)
    assert drained(queue) == [sound(0), picture(2, key=True)]


def test_overflow_goes_on_at_the_latest_key_frame():
    """More than two seconds: pictures up to the newest key frame that waits are left out."""
    queue = begun()
    for tick in range(52):
        queue.put(picture(tick, key=tick % 25 == 0))
    assert ticks(queue) == [50, 51]
    assert (queue.dropped_video, queue.overflows) == (50, 1)


def test_overflow_without_a_key_frame_leaves_out_what_comes():
    """With a long key frame distance what waits stays whole, and the rest up to the next key frame is left out."""
    queue = begun()
    for tick in range(80):
        queue.put(picture(tick, key=tick == 0))
    assert queue.wants_key
    assert ticks(queue) == list(range(51))
    queue.put(picture(80))
    queue.put(picture(81, key=True))
    assert ticks(queue) == [81]
    assert queue.dropped_video == 30


def test_sound_survives_an_overflow_of_pictures():
    """Sound is whole while it spans less than the limit."""
    queue = begun()
    for tick in range(52):
        queue.put(picture(tick, key=tick % 25 == 0))
        if tick < 50:
            queue.put(sound(tick))
    assert ticks(queue, Kind.AUDIO) == list(range(1, 50))
    assert queue.dropped_audio == 1


def test_sound_is_bounded_too():
    """The oldest sound goes first."""
    queue = begun(has_video=False)
    for tick in range(80):
        queue.put(sound(tick))
    assert ticks(queue, Kind.AUDIO) == list(range(29, 80))
    assert queue.dropped_audio == 29
    assert queue.overflows == 29


def test_formats_keep_their_place():
    """A format stays before the packets that are of it, whatever is dropped."""
    queue = begun()
    for tick in range(40):
        queue.put(picture(tick, key=tick == 0))
    queue.change(SOUND_ONLY)
    queue.change(StreamFormat(None, None))
    queue.put(sound(41))
    items = drained(queue)
    assert items[-2:] == [StreamFormat(None, None), sound(41)]
    assert SOUND_ONLY not in items


def test_pictures_of_another_kind_begin_with_a_key_frame():
    """What a relay left over does not continue a mix, whatever was lost in between: then a key frame is asked for."""
    queue = begun()
    queue.put(picture(0, key=True))
    queue.change(StreamFormat(MEDIA_ENCODES[1].video, AudioProfile()))
    assert queue.wants_key
    for packet in (picture(1), sound(1), picture(2, key=True)):
        queue.put(packet)
    assert drained(queue)[2:] == [sound(1), picture(2, key=True)]


def test_another_format_of_sound_alone_does_not_touch_pictures():
    """They go on without a key frame."""
    queue = begun()
    queue.put(picture(0, key=True))
    queue.change(StreamFormat(WHOLE.video, AudioProfile(sample_rate=8_000)))
    queue.put(picture(1))
    assert ticks_of(queue) == [0, 1]


def test_a_new_connection_begins_empty():
    """What waited for the old connection is gone."""
    queue = begun()
    queue.put(picture(0, key=True))
    queue.begin(WHOLE)
    assert len(queue) == 0
    assert queue.wants_key


PACKETS = st.lists(
    st.tuples(st.sampled_from(Kind), st.integers(-(10**12), 10**13), st.booleans()).map(
        lambda made: Packet(made[0], made[1], b"", made[2] or made[0] is Kind.AUDIO)
    ),
    max_size=300,
)


@given(PACKETS, st.booleans())
def test_never_more_than_the_limit(packets, has_video):
    """Whatever the pts do, nothing raises and each kind spans the limit at most, as long as its pts do not run back."""
    queue = begun(has_video)
    for packet in packets:
        queue.put(packet)
    for kind in Kind:
        waiting = [item.pts for item in list(queue._items) if item.kind is kind]
        if waiting == sorted(waiting) and waiting:
            assert waiting[-1] - waiting[0] <= 2 * SECOND


def test_every_picture_can_be_decoded():
    """Whenever taken, the pictures are gapless runs that begin at key frames."""
    queue, taken = begun(), []
    for tick in range(600):
        queue.put(picture(tick, key=tick % 60 == 0))
        if tick % 3 == 0 and len(queue):
            taken.append(queue.take())
    runs = [now for before, now in zip([picture(-9), *taken], taken, strict=False) if now.pts - before.pts != FRAME]
    assert len(runs) > 3
    assert all(packet.key for packet in runs)
