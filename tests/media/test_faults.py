"""What publishers and networks do to a mix: frozen or empty, never broken; sound concealed; the output clock untouched."""

import random
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pytest

from openmpu.model.encoder import MEDIA_ENCODES
from openmpu.model.frames import EncodedFrame
from openmpu.model.geometry import PixelRect
from openmpu.timing.ticks import MILLISECOND, SECOND
from tests.media.studio import UNIX, Person, Studio, nearest, spec_of
from tests.media.synthetic import Camera, Microphone
from tests.media.test_pipeline import assert_steady

RED = (81, 90, 240)
PANE = PixelRect(0, 0, 640, 360)
VIDEO = replace(MEDIA_ENCODES[1].video, fps=25)
SECONDS = 8.0
Fault = Callable[[EncodedFrame], EncodedFrame | None]


def mix(
    video: Fault | None = None, audio: Fault | None = None, camera: object | None = None, seconds: float = 7.8
) -> Studio:
    """One person, whose frames something happens to, for some seconds."""

    def change(frame: EncodedFrame) -> EncodedFrame | None:
        fault = audio if frame.rtp_time % 960 == 0 and len(frame.data) < 400 and _is_sound(frame) else video
        return fault(frame) if fault else frame

    person = Person(
        "a", camera or Camera(RED, seconds=SECONDS, gop=60), Microphone(400, seconds=SECONDS), change=change
    )
    sound = {frame.data for frame in person.microphone.frames()}

    def _is_sound(frame: EncodedFrame) -> bool:
        return frame.data in sound

    return Studio(spec_of((1,), video=VIDEO), person).run(seconds)


def assert_never_broken(studio: Studio) -> None:
    """Every picture is the person's colour, their flash, or the background; and there is the right colour for long."""
    seen = [picture.ycbcr(PANE) for picture in studio.pictures]
    right = [np.abs(np.subtract(colour, RED)).max() < 5 for colour in seen]
    flash = [luma > 215 for luma, _, _ in seen]
    empty = [np.abs(np.subtract(colour, (16, 128, 128))).max() < 5 for colour in seen]
    broken = [colour for colour, *ok in zip(seen, right, flash, empty, strict=True) if not any(ok)]
    assert not broken
    assert sum(right) > len(right) / 3
    assert_steady(studio, 25)


def capture(frame: EncodedFrame, rate: int = 90_000) -> float:
    """Seconds since the first frame of the track (they start at one second of RTP time)."""
    return frame.rtp_time / rate - 1


@pytest.mark.parametrize("hours", [1, -1])
def test_rtp_time_leaps_an_hour(hours: int) -> None:
    """Trouble 32: picture back within a second, sound too."""

    def leap(rate: int) -> Fault:
        def change(frame: EncodedFrame) -> EncodedFrame:
            if capture(frame, rate) < 3:
                return frame
            return replace(frame, rtp_time=(frame.rtp_time + hours * 3600 * rate) % 2**32, ntp=None)

        return change

    studio = mix(leap(90_000), leap(48_000))
    assert_never_broken(studio)
    assert len([beep for beep in studio.beeps(400) if beep > 4 * SECOND]) >= 3
    assert len([flash for flash in studio.flashes(PANE) if flash > 4 * SECOND]) >= 3


def test_no_key_frame_for_long() -> None:
    """The background until there is one; it is asked for again and again, at a pace."""
    studio = mix(lambda frame: None if frame.key and capture(frame) < 3 else frame)
    assert_never_broken(studio)
    assert 3 <= len(studio.key_wishes) <= 6


def test_bursts_of_loss() -> None:
    """10 % lost in bursts of five: frozen until the next key frame."""
    chance, lost = random.Random(4), [0]

    def burst(frame: EncodedFrame) -> EncodedFrame | None:
        if lost[0] % 5 or chance.random() < 0.02:
            lost[0] += 1
            return None
        dropped, lost[0] = lost[0], 0
        return replace(frame, lost=dropped)

    assert_never_broken(mix(burst))


@pytest.mark.parametrize("jitter", [30, 100])
def test_jitter(jitter: int) -> None:
    """Up to 100 ms: picture and sound stay together, sound has no hole, flashes keep their second."""
    chance, last = random.Random(9), {}

    def late(frame: EncodedFrame) -> EncodedFrame:
        kind = frame.data in sounds
        arrival = max(last.get(kind, 0), frame.arrival + chance.randint(0, jitter) * MILLISECOND)
        last[kind] = arrival
        return replace(frame, arrival=arrival)

    sounds = {frame.data for frame in Microphone(400, seconds=SECONDS).frames()}
    studio = mix(late, late)
    assert_never_broken(studio)
    flashes, beeps = studio.flashes(PANE), studio.beeps(400)
    assert max(abs(apart) for apart in nearest(flashes[3:], beeps)) <= 60 * MILLISECOND
    assert np.abs(np.diff(beeps[3:]) - SECOND).max() <= 25 * MILLISECOND


@pytest.mark.parametrize("lie", [2 * SECOND, -2 * SECOND])
def test_a_sender_report_that_lies(lie: int) -> None:
    """Trouble 8: by two seconds, for the picture only, after a while: nothing moves by 100 ms, and it is counted."""
    studio = mix(lambda frame: replace(frame, ntp=frame.ntp + lie if frame.ntp and capture(frame) > 3 else frame.ntp))
    assert_never_broken(studio)
    assert max(abs(apart) for apart in nearest(studio.flashes(PANE)[2:], studio.beeps(400))) <= 100 * MILLISECOND
    assert next(iter(studio.inputs.values())).group.sender.rejected > 0


def test_an_absence() -> None:
    """Nothing for four seconds: frozen, then the background, then back."""
    away = (2.0, 6.0)
    studio = mix(
        lambda frame: None if away[0] < capture(frame) < away[1] else frame,
        lambda frame: None if away[0] < capture(frame, 48_000) < away[1] else frame,
    )
    assert_never_broken(studio)
    assert studio.picture_at(5.6).luma(PANE) < 20
    assert [round(beep / SECOND, 1) for beep in studio.beeps(400)][-1] == pytest.approx(7.1, abs=0.15)


@dataclass
class Spliced:
    """A camera whose size changes each second."""

    codec: str

    def frames(self) -> list[EncodedFrame]:
        """Of clips of a second each, one after the other."""
        found = []
        for number, (width, height) in enumerate(((320, 180), (640, 360), (160, 90), (480, 270), (180, 320)) * 2):
            clip = Camera(RED, codec=self.codec, width=width, height=height, seconds=1.0).frames()
            found += [
                replace(frame, rtp_time=frame.rtp_time + number * 90_000, arrival=frame.arrival + number * SECOND)
                for frame in clip
            ]
        return found


@pytest.mark.parametrize("codec", ["h264", "vp8", "vp9"])
def test_another_size_each_second(codec: str) -> None:
    """Scaled into the same pane; portrait leaves its sides to the background."""
    studio = mix(camera=Spliced(codec))
    middle = PixelRect(280, 100, 80, 160)
    seen = [picture.ycbcr(middle) for picture in studio.pictures[10:]]
    assert all(np.abs(np.subtract(colour, RED)).max() < 6 or colour[0] > 215 for colour in seen)
    assert_steady(studio, 25)


def test_variable_frame_rate() -> None:
    """A camera that gives every third picture, then every one, then every tenth: beeps and flashes stay together."""

    def thin(frame: EncodedFrame) -> EncodedFrame | None:
        second = int(capture(frame))
        number = round(capture(frame) * 30)
        return frame if number % (1, 3, 1, 2)[second % 4] == 0 or frame.key else None

    studio = mix(thin, camera=Camera(RED, codec="vp8", seconds=SECONDS, gop=1))
    assert_never_broken(studio)
    assert max(abs(apart) for apart in nearest(studio.flashes(PANE)[2:], studio.beeps(400))) <= 110 * MILLISECOND


def test_no_reports_at_all() -> None:
    """Trouble 3."""
    studio = mix(lambda frame: replace(frame, ntp=None), lambda frame: replace(frame, ntp=None))
    assert_never_broken(studio)
    assert max(abs(apart) for apart in nearest(studio.flashes(PANE)[2:], studio.beeps(400))) <= 80 * MILLISECOND


def test_a_mute_by_silence_on_the_wire() -> None:
    """DTX: packets stop between beeps; the sound goes on as silence, each beep comes in its time."""
    studio = mix(None, lambda frame: frame if capture(frame, 48_000) % 1 < 0.3 else None)
    beeps = studio.beeps(400)
    assert len(beeps) >= 6
    assert np.abs(np.diff(beeps[2:]) - SECOND).max() <= 15 * MILLISECOND
    assert_steady(studio, 25)


def test_broken_bytes() -> None:
    """Every tenth picture is garbage: withheld; a key frame is asked for."""
    chance = random.Random(2)

    def garble(frame: EncodedFrame) -> EncodedFrame:
        if frame.key or round(capture(frame) * 30) % 70:
            return frame
        return replace(frame, data=chance.randbytes(len(frame.data)))

    studio = mix(garble)
    assert_never_broken(studio)
    assert studio.key_wishes


def test_times_of_another_planet() -> None:
    """A gateway clock far from ours was already brought over; NTP times of 1970 or 2100 do no harm."""
    studio = mix(lambda frame: replace(frame, ntp=0), lambda frame: replace(frame, ntp=5 * UNIX))
    assert_never_broken(studio)
