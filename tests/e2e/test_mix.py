"""People on WebRTC, one mixed stream on RTMP: seen, heard, counted at the receiver."""

import pytest

from tests.e2e.steps import (
    ALICE,
    BOB,
    CAROL,
    assert_edges,
    assert_lips,
    assert_there,
    enter,
    received,
    receiving,
    shows,
)
from tests.rig.analysis import Recording, layout_panes
from tests.rig.packets import SECOND, bitrates_kbps, key_distances

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180), pytest.mark.asyncio(loop_scope="package")]
HD = (1280, 720)


async def test_three_publishers_of_differing_size_and_codec(house, tmp_path):
    """Exact cadence, format, panes, colours, tones and lip-sync; joins one after the other."""
    saved = tmp_path / "out.flv"
    async with receiving(saved) as cdn:
        await enter(house, BOB)
        assert (await house.start_task("mix", cdn.url)).status == 200
        await shows(house, "mix", users=1, layout=1)
        await enter(house, ALICE)
        await shows(house, "mix", users=2, layout=2)
        await received(cdn, 3)
        await enter(house, CAROL)
        await shows(house, "mix", users=3, layout=5)
        begin = (await received(cdn, 3)).video_frames / 25
        end = (await received(cdn, 16)).video_frames / 25
        assert (await house.call("StopMPUTask", TaskId="mix")).status == 200

    recording = Recording(saved)
    panes = layout_panes(5, *HD)
    seated = {BOB: panes[0], ALICE: panes[1], CAROL: panes[2]}
    formats = recording.formats
    assert (formats.width, formats.height, formats.profile) == (*HD, "High")
    assert (formats.audio_codec, formats.sample_rate, formats.channels) == ("aac", 48000, 2)
    assert recording.cadence(25).perfect, recording.cadence(25)
    assert max(key_distances(recording.video)) <= 2 * SECOND
    assert all(870 <= rate <= 1180 for rate in bitrates_kbps(recording.video, 10.0)), bitrates_kbps(
        recording.video, 10.0
    )
    picture = recording.picture(begin + 1)
    for person, pane in seated.items():
        assert_there(picture, person, pane)
        assert_edges(picture, person, pane)
        assert_lips(recording, person, pane, begin, end - 1)
        assert (
            recording.sound.part(begin, end).level(person.tone_hz) > recording.sound.part(begin, end).level(2350) + 20
        )


async def test_an_empty_channel_waits_then_goes_on_without_anybody(house, tmp_path):
    """State 0 until somebody joins; when everybody left, background and silence go on at the same cadence."""
    saved = tmp_path / "out.flv"
    async with receiving(saved) as cdn:
        await house.start_task("idle", cdn.url, BackgroundColor=255)
        assert (await house.call("GetMPUTaskStatus", TaskId="idle")).value()["Status"] == 0

        alice = await enter(house, ALICE)
        await shows(house, "idle", users=1, layout=1)
        assert (await house.call("GetMPUTaskStatus", TaskId="idle")).value()["Status"] == 1
        await alice.stop()
        await shows(house, "idle", users=0, layout=1)
        await received(cdn, 4)
        assert (await house.call("GetMPUTaskStatus", TaskId="idle")).value()["Status"] == 1

    recording = Recording(saved)
    assert recording.cadence(25).perfect, recording.cadence(25)
    last = recording.picture(recording.video[-1].pts / SECOND - 0.5)
    red, green, blue = last.colour_at(640, 360)
    assert red > 245
    assert max(green, blue) < 10
    assert recording.audio[-1].pts == pytest.approx(recording.video[-1].pts, abs=0.3 * SECOND)


async def test_only_named_users_are_taken(house, tmp_path):
    """SubSpecUsers: the others are neither seen nor heard nor counted."""
    saved = tmp_path / "out.flv"
    async with receiving(saved) as cdn:
        await enter(house, ALICE)
        await enter(house, BOB)
        await house.start_task("some", cdn.url, **{"SubSpecUsers.1": "bob"})
        await shows(house, "some", users=1, layout=1)
        seconds = (await received(cdn, 5)).video_frames / 25

    recording = Recording(saved)
    assert_there(recording.picture(seconds - 1), BOB, layout_panes(1, *HD)[0])
    sound = recording.sound.part(seconds - 3, seconds)
    assert sound.level(BOB.tone_hz) > sound.level(ALICE.tone_hz) + 20
