"""A track on its way in: times, bounds, and what picture and sound of one source share."""

from openmpu.media.inputs.sync import SyncGroup
from openmpu.media.inputs.track_input import KEPT, TrackInput
from openmpu.model.frames import EncodedFrame
from openmpu.model.ids import TrackId
from openmpu.model.roster import Kind, Source, Track
from openmpu.timing.ticks import MILLISECOND, SECOND


def track_input(kind: Kind = Kind.VIDEO, group: SyncGroup | None = None) -> TrackInput:
    """Of VP8 or Opus."""
    rate = 90_000 if kind is Kind.VIDEO else 48_000
    return TrackInput(Track(TrackId("t"), kind, Source.CAMERA, "vp8", 0, rate), group or SyncGroup())


def frame(number: int, rate: int = 90_000) -> EncodedFrame:
    """One each 20 ms."""
    return EncodedFrame(number * rate // 50, 0, b"data")


def test_frames_wait_for_their_time() -> None:
    """In order of their time, not of coming."""
    entry = track_input()
    for number in (0, 2, 1):
        entry.put(frame(number), 40 * MILLISECOND + number)
    assert [one.frame.rtp_time for one in entry.due(SECOND)] == [0, 1800, 3600]
    assert entry.due(SECOND) == []


def test_a_reader_who_sleeps_loses_the_oldest() -> None:
    """Bounded, and counted."""
    entry = track_input()
    for number in range(KEPT[Kind.VIDEO] + 30):
        entry.put(frame(number), number * 20 * MILLISECOND)
    assert entry.dropped == 30
    assert len(entry.due(10 * SECOND)) == KEPT[Kind.VIDEO]


def test_one_delay_for_picture_and_sound() -> None:
    """Pictures that jitter hold the sound of the same source back with them."""
    group = SyncGroup()
    sound, picture = track_input(Kind.AUDIO, group), track_input(Kind.VIDEO, group)
    before = sound.delay
    for number in range(100):
        sound.put(frame(number, 48_000), number * 20 * MILLISECOND)
        picture.put(frame(number), number * 20 * MILLISECOND + (number % 5) * 50 * MILLISECOND)
    assert sound.delay == picture.delay
    assert sound.delay > before + 50 * MILLISECOND


def test_the_offset_is_the_difference_of_presentation() -> None:
    """Sound captured with the picture is heard 30 ms after it is seen."""
    group = SyncGroup()
    assert group.av_offset_ms(0) is None
    for number in range(100):
        now = number * 20 * MILLISECOND
        group.note_seen(100 * MILLISECOND, now)
        group.note_heard(130 * MILLISECOND, now)
    assert group.av_offset_ms(now) == 30.0
    assert group.av_offset_ms(now + 4 * SECOND) is None
