"""A publisher whose clock is fast, for as long as a lesson has minutes, through the whole system."""

import time

import numpy as np
import pytest

from openmpu.clients import reading
from openmpu.clients.picture import Look
from openmpu.clients.sound import Voice
from openmpu.clients.test_source import PictureFeed, SoundFeed
from openmpu.model.colours import Colour
from tests.e2e.steps import LONG, received, receiving, shows
from tests.rig.analysis import Recording, contained, layout_panes
from tests.rig.odd_publisher import OddPublisher, fast_clock
from tests.rig.packets import SECOND
from tests.rig.rtp_faults import Fault

SECONDS, SPEED = (600, 1 + 200e-6) if LONG else (20, 1 + 2000e-6)
"""Either way the publisher comes so far ahead that nothing but following its clock keeps the sound whole."""
pytestmark = [pytest.mark.e2e, pytest.mark.timeout(3 * SECONDS + 60), pytest.mark.asyncio(loop_scope="package")]
SETTLED_S, EACH_S = 8, 5
TONE, CLICKS_ABOVE, WINDOW = 600, 6000, 960
LOOK = Look(320, 180, 30, Colour(40, 90, 200), "fast", 7)


async def test_a_fast_clock(house, tmp_path):
    """Sound within 40 ms of the picture all the while, no click above -50 dBFS, and every picture of the output."""
    saved = tmp_path / "out.flv"
    feeds = [PictureFeed(LOOK, "h264", 400), SoundFeed(Voice(TONE))]
    async with receiving(saved) as cdn, OddPublisher(house.url, "fast", feeds, Fault(), fast_clock(SPEED)):
        named = {"ChannelId": "room", "TaskId": "drift", "MixMode": 1, "MediaEncode": 52, "LayoutIds.1": 1}
        assert (await house.call("StartMPUTask", **named, StreamURL=cdn.url)).status == 200
        await shows(house, "drift", users=1, layout=1)
        await received(cdn, SETTLED_S + SECONDS, fps=30)
        figures = (await house.task("drift"))["figures"]

    recording = Recording(saved)
    pane = contained(layout_panes(1, 640, 360)[0], 320, 180)
    offsets = offsets_ms(recording, pane)
    assert max(abs(offset) for offset in offsets) <= 40, offsets
    assert clicks_dbfs(recording.sound.part(SETTLED_S, SETTLED_S + SECONDS - 1).samples) < -50
    assert figures["concealed_ms"] <= 10, (
        "a reader who does not follow makes up 40 ms in the short form, 120 in the long"
    )
    assert figures["track.fast.camera.video.dropped"] == 0
    assert recording.cadence(30).perfect


def offsets_ms(recording, pane):
    """By how much the sound comes after the picture, of each few seconds; the recording is looked through once."""
    sights, beeps = recording.watch({"": pane})[""], recording.beeps(TONE)
    found = []
    for start in range(SETTLED_S, SETTLED_S + SECONDS - EACH_S, EACH_S):
        begin, end = start * SECOND, (start + EACH_S) * SECOND
        seen = [sight for sight in sights if begin <= sight.pts < end]
        heard = [beep for beep in beeps if begin <= beep < end]
        found.append(reading.av_offset(seen, heard, LOOK.fps, time.time_ns()) / 1e6)
    return found


def clicks_dbfs(samples):
    """The loudest 20 ms of what lies far above the tone: a jump of the sound is heard there."""
    mono = samples if samples.ndim == 1 else samples.mean(axis=1)
    spectra = np.fft.rfft(mono[: len(mono) // WINDOW * WINDOW].reshape(-1, WINDOW) * np.hanning(WINDOW), axis=1)
    spectra[:, np.fft.rfftfreq(WINDOW, 1 / 48_000) < CLICKS_ABOVE] = 0
    return float(20 * np.log10(np.abs(np.fft.irfft(spectra, WINDOW, axis=1)).max() + 1e-9))
