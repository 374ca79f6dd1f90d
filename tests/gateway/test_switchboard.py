"""The switchboard: one writer, any number of readers, nobody waited for."""

from __future__ import annotations

import pytest

from openmpu.gateway.switchboard import KEPT_BYTES, KEPT_FOR, KEY_FRAME_EVERY, Size, Switchboard
from openmpu.model.frames import EncodedFrame
from openmpu.model.ids import TrackId
from openmpu.model.roster import Kind, Source, Track

CAMERA = Track(TrackId("v"), Kind.VIDEO, Source.CAMERA, "h264", 0)
VOICE = Track(TrackId("a"), Kind.AUDIO, Source.CAMERA, "opus", 0, 48_000, 2)
KEY = EncodedFrame(0, 0, b"key")
DELTA = EncodedFrame(0, 0, b"delta", key=False)


class RecordingReader:
    """Keeps what it gets; has room as long as the test says so."""

    def __init__(self):
        self.room = True
        self.frames = []
        self.ended = []

    def has_room(self):
        return self.room

    def take(self, number, frame):
        self.frames.append((number, frame))

    def end(self, number):
        self.ended.append(number)

    @property
    def data(self):
        return [frame.data for _, frame in self.frames]


class RecordingPublisher:
    """Keeps what it is asked for."""

    def __init__(self):
        self.asked = 0
        self.sizes = []

    def want_key_frame(self):
        self.asked += 1

    def show(self, size, readers):
        self.sizes.append(size)


@pytest.fixture
def publisher():
    return RecordingPublisher()


@pytest.fixture
def reader():
    return RecordingReader()


@pytest.fixture
def board():
    return Switchboard()


def test_new_reader_starts_at_a_key_frame(board, publisher, reader):
    """A picture is handed out from its next key frame on, which is asked for at once."""
    port = board.publish(CAMERA, publisher)
    board.subscribe(CAMERA.track_id, reader, 1, 0)
    for frame in (DELTA, KEY, DELTA):
        port.put(frame, 0)
    assert (reader.data, publisher.asked) == ([b"key", b"delta"], 1)


def test_the_first_reader_gets_what_there_is_since_the_key_frame(board, publisher, reader):
    """Somebody who has just come is seen at once: nothing is asked for, and nothing given twice."""
    port = board.publish(CAMERA, publisher)
    for frame in (DELTA, KEY, DELTA, DELTA):
        port.put(frame, 0)
    board.subscribe(CAMERA.track_id, reader, 1, KEPT_FOR)
    port.put(DELTA, KEPT_FOR)
    assert (reader.data, publisher.asked) == ([b"key", b"delta", b"delta", b"delta"], 0)
    second = RecordingReader()
    board.subscribe(CAMERA.track_id, second, 2, KEPT_FOR)
    assert (second.data, publisher.asked) == ([], 1)


@pytest.mark.parametrize(
    ("frames", "subscribed_at"),
    [
        ([(KEY, 0), (DELTA, 0)], KEPT_FOR + 1),
        ([(KEY, 0), (DELTA, KEPT_FOR + 1)], KEPT_FOR + 1),
        ([(KEY, 0), (EncodedFrame(0, 0, b"delta", key=False, lost=1), 0), (DELTA, 0)], 0),
        ([(KEY, 0), (EncodedFrame(0, 0, bytes(KEPT_BYTES), key=False), 0), (DELTA, 0)], 0),
    ],
    ids=["old", "long", "with a hole", "large"],
)
def test_what_is_kept_is_fresh_and_bounded(board, publisher, reader, frames, subscribed_at):
    """Else the first reader waits for a key frame like any other, and one is asked for."""
    port = board.publish(CAMERA, publisher)
    for frame, at in frames:
        port.put(frame, at)
    board.subscribe(CAMERA.track_id, reader, 1, subscribed_at)
    assert (reader.data, publisher.asked) == ([], 1)


def test_sound_starts_at_once(board, publisher, reader):
    """Sound needs no key frame and asks for none."""
    port = board.publish(VOICE, publisher)
    board.subscribe(VOICE.track_id, reader, 1, 0)
    port.put(EncodedFrame(0, 0, b"sound"), 0)
    assert (reader.data, publisher.asked) == ([b"sound"], 0)


def test_slow_reader_loses_up_to_the_next_key_frame(board, publisher, reader):
    """Who has no room misses everything until a key frame comes while there is room, and is told how much."""
    port = board.publish(CAMERA, publisher)
    board.subscribe(CAMERA.track_id, reader, 1, 0)
    port.put(KEY, 0)
    reader.room = False
    port.put(DELTA, 0)
    reader.room = True
    port.put(DELTA, 0)
    port.put(KEY, 0)
    assert reader.data == [b"key", b"key"]
    assert reader.frames[-1][1].lost == 2
    assert port.dropped == 2


def test_nobody_else_notices_a_slow_reader(board, publisher, reader):
    """A slow reader costs the others nothing."""
    port = board.publish(CAMERA, publisher)
    slow = RecordingReader()
    board.subscribe(CAMERA.track_id, slow, 1, 0)
    board.subscribe(CAMERA.track_id, reader, 2, 0)
    slow.room = False
    for frame in (KEY, DELTA, DELTA):
        port.put(frame, 0)
    assert (slow.data, reader.data) == ([], [b"key", b"delta", b"delta"])


def test_reader_that_has_room_again_gets_a_key_frame(board, publisher, reader):
    """Once there is room again a key frame is asked for; while there is none it would be wasted."""
    port = board.publish(CAMERA, publisher)
    board.subscribe(CAMERA.track_id, reader, 1, 0)
    port.put(KEY, 0)
    reader.room = False
    port.put(DELTA, KEY_FRAME_EVERY)
    assert publisher.asked == 1
    reader.room = True
    port.put(DELTA, KEY_FRAME_EVERY)
    assert publisher.asked == 2


def test_wishes_are_merged(board, publisher):
    """Ten readers within half a second are one request; the next comes as soon as it may."""
    port = board.publish(CAMERA, publisher)
    for number in range(10):
        board.subscribe(CAMERA.track_id, RecordingReader(), number, number)
    assert publisher.asked == 1
    port.put(DELTA, KEY_FRAME_EVERY - 1)
    assert publisher.asked == 1
    port.put(DELTA, KEY_FRAME_EVERY)
    assert publisher.asked == 2


def test_a_key_frame_grants_every_wish(board, publisher, reader):
    """What came needs no asking."""
    port = board.publish(CAMERA, publisher)
    board.subscribe(CAMERA.track_id, reader, 1, 0)
    port.ask(1)
    port.put(KEY, 2)
    port.put(DELTA, KEY_FRAME_EVERY)
    assert publisher.asked == 1


def test_largest_reader_counts(board, publisher, reader):
    """The publisher hears what the largest reader shows, and None once nobody reads."""
    port = board.publish(CAMERA, publisher)
    first = board.subscribe(CAMERA.track_id, reader, 1, 0)
    second = board.subscribe(CAMERA.track_id, reader, 2, 0)
    first.size, second.size = Size(640, 200, 25), Size(320, 360, 15)
    port.tell_size()
    assert publisher.sizes[-1] == Size(640, 360, 25)
    board.unsubscribe(first)
    assert publisher.sizes[-1] == Size(320, 360, 15)
    board.unsubscribe(second)
    assert publisher.sizes[-1] is None


def test_reader_that_never_said_its_size_may_show_all(board, publisher, reader):
    """Nothing is saved on a reader that told nothing."""
    board.publish(CAMERA, publisher)
    board.subscribe(CAMERA.track_id, reader, 1, 0)
    assert publisher.sizes[-1].width >= 8192


def test_end_of_a_track(board, publisher, reader):
    """Every reader hears of the end; leaving it afterwards is no error."""
    board.publish(CAMERA, publisher)
    subscription = board.subscribe(CAMERA.track_id, reader, 7, 0)
    board.unpublish(CAMERA.track_id)
    board.unsubscribe(subscription)
    assert reader.ended == [7]
    assert board.subscribe(CAMERA.track_id, reader, 8, 0) is None
