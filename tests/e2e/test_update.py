"""UpdateMPUTask on the air: other layout, other pins, other encoding, on the same connection."""

import pytest

from tests.e2e.steps import ALICE, BOB, COLOUR_LEVELS, enter, is_there, received, receiving, until
from tests.rig.analysis import Recording, border_of, layout_panes
from tests.rig.packets import SECOND
from tests.rig.pictures import distance

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180), pytest.mark.asyncio(loop_scope="package")]
HD = (1280, 720)


def first_seen(recording, person, pane, after_s):
    """The stream's time at which the person first shows there."""
    rect = border_of(person.place(pane))
    for picture in recording.pictures(after_s):
        if distance(picture.colour(rect), person.colour) <= COLOUR_LEVELS:
            return picture.pts / SECOND
    return None


async def test_layout_and_pins_change_within_a_second(house, tmp_path):
    """The new picture shows at the latest 1 s after acceptance; no gap, one connection."""
    saved = tmp_path / "out.flv"
    pins = {
        "UserPanes.1.PaneId": 0,
        "UserPanes.1.UserId": "bob",
        "UserPanes.2.PaneId": 1,
        "UserPanes.2.UserId": "alice",
    }
    async with receiving(saved) as cdn:
        await enter(house, ALICE)
        await enter(house, BOB)
        await house.start_task("up", cdn.url)
        await received(cdn, 4)
        updated = cdn.figures().last_pts_ms / 1000
        assert (await house.call("UpdateMPUTask", TaskId="up", **{"LayoutIds.1": 13, **pins})).status == 200
        await received(cdn, 3)
        connects = cdn.figures().connects

    recording = Recording(saved)
    before, after = layout_panes(2, *HD), layout_panes(13, *HD)
    assert connects == 1
    assert recording.cadence(25).longest_gap <= 2, recording.cadence(25)
    picture = recording.picture(updated - 0.5)
    assert is_there(picture, ALICE, before[0])
    assert is_there(picture, BOB, before[1])
    start = recording.video[0].pts / SECOND
    for person, pane in ((BOB, after[0]), (ALICE, after[1])):
        seen = first_seen(recording, person, pane, updated - start)
        assert seen is not None
        assert seen - updated <= 1.0, (person.name, seen, updated)


async def test_encoding_changes_on_the_same_connection(house, tmp_path):
    """MediaEncode 20 to 1: 640x360 at 15 fps from a key frame on, sound without a gap."""
    saved = tmp_path / "out.flv"
    async with receiving(saved) as cdn:
        await enter(house, ALICE)
        await house.start_task("enc", cdn.url)
        await received(cdn, 4)
        assert (await house.call("UpdateMPUTask", TaskId="enc", MediaEncode=1)).status == 200
        await received(cdn, 4, fps=15)
        connects = cdn.figures().connects

    recording = Recording(saved)
    sizes = list(dict.fromkeys(picture.luma.shape[::-1] for picture in recording.pictures()))
    gaps = [later.pts - earlier.pts for earlier, later in zip(recording.audio, recording.audio[1:], strict=False)]
    assert connects == 1
    assert sizes == [HD, (640, 360)]
    assert max(gaps) <= 0.03 * SECOND, "sound goes on: one AAC frame is 21.3 ms"
    steps = [later.pts - earlier.pts for earlier, later in zip(recording.video, recording.video[1:], strict=False)]
    assert max(steps) <= 3 * SECOND / 15
    assert min(steps) > 0


async def test_a_bad_update_changes_nothing(house):
    """The spec's answer, and the task goes on as it was."""
    async with receiving() as cdn:
        await enter(house, ALICE)
        await house.start_task("bad", cdn.url)
        await received(cdn, 1)

        answer = await house.call("UpdateMPUTask", TaskId="bad", **{"LayoutIds.1": 2, "LayoutIds.2": 3, "CropMode": 1})

        assert (answer.status, answer.code) == (400, "InvalidLayoutID.Malformed")
        await received(cdn, 1)
        assert (await house.task("bad"))["figures"]["layout_id"] == 1


async def test_another_target(house, tmp_path):
    """StreamURL changes: the old connection is closed, the stream begins at the new place with a key frame."""
    saved = tmp_path / "new.flv"
    async with receiving() as old, receiving(saved) as new:
        await enter(house, ALICE)
        await house.start_task("move", old.url)
        await received(old, 1)

        assert (await house.call("UpdateMPUTask", TaskId="move", StreamURL=new.url)).status == 200
        await until(lambda: not old.figures().live, "the old connection is closed")
        await received(new, 2)

    recording = Recording(saved)
    assert recording.video[0].key
    assert recording.cadence(25).perfect
