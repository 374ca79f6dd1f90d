"""A shown track: what is due at a tick, and the newest whole picture."""

import itertools
import time
from collections.abc import Callable
from dataclasses import replace

from openmpu.media.decoding.track import VideoTrack
from openmpu.media.decoding.wish import ASK_AT_LEAST_EVERY, ASK_EVERY, KeyFrameWish
from openmpu.media.inputs.sync import SyncGroup
from openmpu.media.inputs.track_input import KEPT, TrackInput
from openmpu.model.ids import TrackId
from openmpu.model.roster import Kind, Source, Track
from openmpu.timing.selection import STALE_AFTER
from openmpu.timing.ticks import MILLISECOND, SECOND
from tests.media.synthetic import Camera

CAMERA = Camera((81, 90, 240), seconds=4.0, gop=30)


class Shown:
    """A track with its frames put in as time goes on."""

    def __init__(self, camera: Camera = CAMERA, worked: Callable[[], int] = time.thread_time_ns) -> None:
        self.wishes = 0
        track = Track(TrackId("v"), Kind.VIDEO, Source.CAMERA, camera.codec, 0)
        self.input = TrackInput(track, SyncGroup())
        self.track = VideoTrack(self.input, self._wish, worked)
        self.frames = camera.frames()

    def _wish(self) -> None:
        self.wishes += 1

    def put_until(self, pts: int) -> None:
        """All frames that have arrived by then."""
        while self.frames and self.frames[0].arrival <= pts:
            frame = self.frames.pop(0)
            self.input.put(frame, frame.arrival)


def test_the_newest_due_frame_is_shown_and_all_before_it_decoded() -> None:
    """30 frames a second at ten ticks a second: each tick decodes three and shows the last."""
    shown = Shown()
    serials = []
    for tick in range(20):
        shown.put_until(tick * 100 * MILLISECOND)
        picture = shown.track.advance(tick * 100 * MILLISECOND)
        serials.append(picture.serial if picture else None)
    assert serials[5:] == list(range(serials[5], serials[5] + 15))
    assert shown.track.decoder.decoded == 1 + (1900 - shown.input.delay // MILLISECOND) * 30 // 1000


def test_a_frame_waits_for_its_time() -> None:
    """The playout delay: what has just come is not shown yet."""
    shown = Shown()
    shown.put_until(0)
    assert shown.track.advance(shown.input.delay - 1) is None
    assert shown.track.advance(shown.input.delay) is not None


def test_with_nothing_new_the_serial_stays() -> None:
    """The compositor need not paint again."""
    shown = Shown()
    shown.put_until(0)
    first, second = shown.track.advance(SECOND), shown.track.advance(2 * SECOND)
    assert first is second


def test_a_picture_is_gone_after_three_seconds() -> None:
    """layouts.md 5.1."""
    shown = Shown()
    shown.put_until(0)
    shown.track.advance(SECOND)
    assert shown.track.advance(SECOND + STALE_AFTER) is not None
    assert shown.track.advance(SECOND + STALE_AFTER + 1) is None


def test_key_frames_are_asked_for_while_one_is_missing() -> None:
    """Not at once (the subscription asked), then at a pace that drowns nobody, until a picture comes."""
    shown = Shown()
    del shown.frames[0]
    shown.frames = [frame for frame in shown.frames if frame.arrival > 8 * SECOND or not frame.key]
    for tick in range(200):
        pts = tick * 40 * MILLISECOND
        shown.put_until(pts)
        shown.track.advance(pts)
    assert 4 <= shown.wishes <= 6


def test_frames_thrown_away_at_a_full_list_break_the_picture() -> None:
    """What the decoder never saw cannot be referred to."""
    shown = Shown()
    shown.put_until(0)
    shown.track.advance(SECOND)
    for number in range(KEPT[Kind.VIDEO] + 1):
        shown.input.put(replace(shown.frames[number % 10 + 1], rtp_time=90_000 + number * 3000), number * SECOND // 30)
    shown.track.advance(10 * SECOND)
    assert shown.input.dropped == 1
    assert shown.track.decoder.broken


def test_the_pace_of_asking() -> None:
    """0.5 s, then 1 s later, then every 2 s; a picture sets the pace back but not the next time."""
    wish = KeyFrameWish()
    asked = [tick for tick in range(100) if wish.ask(tick * 100 * MILLISECOND)]
    assert asked[:4] == [5, 10, 20, 40]
    gaps = {b - a for a, b in itertools.pairwise(asked[3:])}
    assert gaps == {ASK_AT_LEAST_EVERY // (100 * MILLISECOND)}
    assert ASK_EVERY == 500 * MILLISECOND


def test_s14_a_track_that_is_too_hard_to_decode_is_set_aside_and_tried_again() -> None:
    """Sixty milliseconds a frame, thirty a second: set aside after a second, not shown three later, then tried again."""
    spent = itertools.count(0, 60 * MILLISECOND)
    shown = Shown(Camera((81, 90, 240), seconds=10.0, gop=30), lambda: next(spent))
    seen, decoded = {}, {}
    for pts in range(0, 8 * SECOND, SECOND // 25):
        shown.put_until(pts)
        seen[pts / SECOND] = shown.track.advance(pts) is not None
        decoded[pts / SECOND] = shown.track.decoder.decoded
    assert decoded[1.0] > 20
    assert decoded[2.0] == decoded[6.0] < decoded[7.6]
    assert seen[1.0]
    assert seen[3.0]
    assert not seen[5.0]
    assert seen[7.6]
    assert shown.track.budget.times == 2


def test_s14_who_is_set_aside_asks_for_a_key_frame_when_it_is_over() -> None:
    """Not before: it could not be decoded."""
    spent = itertools.count(0, 60 * MILLISECOND)
    shown = Shown(Camera((81, 90, 240), seconds=14.0, gop=1000), lambda: next(spent))
    wished_at = []
    for pts in range(0, 8 * SECOND, SECOND // 25):
        shown.put_until(pts)
        shown.track.advance(pts)
        wished_at += [pts] * (shown.wishes - len(wished_at))
    assert 6 * SECOND <= wished_at[0] < 7 * SECOND
