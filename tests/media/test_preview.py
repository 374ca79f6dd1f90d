"""Previews: a scene as PNG, with stand-in people."""

import io

import numpy as np
import pytest
from PIL import Image

from openmpu.errors import Invalid
from openmpu.media.canvas import Canvas
from openmpu.media.lettering.fonts import Fonts
from openmpu.media.preview import render_png, stand_in_roster, to_rgb
from openmpu.media.standins import stand_in
from openmpu.model.colours import Colour, to_ycbcr
from openmpu.model.encoder import VideoProfile
from openmpu.model.ids import AppId, ChannelId, LayoutId, TaskId, UserId
from openmpu.model.layouts import BUILT_IN
from openmpu.model.roster import Source
from openmpu.model.scene import Scene, plan
from openmpu.model.taking import NamedUser, Taking, Users
from openmpu.model.task import MixSpec, PaneSpec, Pin, TaskSpec
from tests.media.pictures_and_people import NAVY

ROOM = ChannelId("room")


def task(*layout_ids, **parts):
    layouts = tuple(BUILT_IN[LayoutId(number)] for number in layout_ids)
    mix = MixSpec(tuple(layout.layout_id for layout in layouts), layouts, background=NAVY, **parts)
    return TaskSpec(AppId("app"), ROOM, TaskId("task"), video=VideoProfile(640, 360, 25, 500, 50), mix=mix)


def names(roster):
    return [user.user_id for user in roster.users]


def test_png_of_a_scene():
    """As large as the output; the background where no pane is, people where panes are."""
    spec = task(2)
    png = render_png(plan(spec, stand_in_roster(spec)))
    picture = np.asarray(Image.open(io.BytesIO(png)))
    assert picture.shape == (360, 640, 3)
    assert picture[5, 5].tolist() == pytest.approx([NAVY.red, NAVY.green, NAVY.blue], abs=2)
    assert np.abs(picture[180, 160].astype(int) - picture[5, 5]).max() > 30


def test_sound_only_has_no_picture():
    """There is nothing to render."""
    with pytest.raises(Invalid):
        render_png(Scene(0, 0, 0))


def test_everybody_looks_different_and_always_the_same():
    """So that one sees who sits where."""
    fonts = Fonts()
    first, again, other = (stand_in(name, fonts).to_ndarray() for name in ("anna", "anna", "bert"))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_as_many_people_as_the_largest_layout_has_panes():
    """Unless told otherwise."""
    assert names(stand_in_roster(task(1, 6))) == ["user-1", "user-2", "user-3", "user-4"]
    assert names(stand_in_roster(task(1, 6), people=2)) == ["user-1", "user-2"]


def test_pinned_users_come_first():
    """With the sources that they are pinned with."""
    panes = (PaneSpec(1, Pin(UserId("anna"), Source.SCREEN)), PaneSpec(0, Pin(UserId("anna"))), PaneSpec(2))
    roster = stand_in_roster(task(5, panes=panes))
    assert names(roster) == ["anna", "user-1", "user-2"]
    assert {track.source for track in roster.users[0].tracks} == {Source.CAMERA, Source.SCREEN}


def test_only_those_whom_the_task_takes():
    """A task that names its users gets no others."""
    assert names(stand_in_roster(task(6, taking=Taking(Users(frozenset({UserId("b"), UserId("a")})))))) == ["a", "b"]
    named = Taking(named=(NamedUser(ChannelId("other"), UserId("c")),))
    assert [(user.channel_id, user.user_id) for user in stand_in_roster(task(6, taking=named)).users] == [
        ("other", "c")
    ]


@pytest.mark.parametrize("height", [360, 720])
def test_rgb_of_a_canvas(height):
    """The way back from samples to colours, in either colour space."""
    canvas, colour = Canvas(64, height), Colour(200, 120, 30)
    for plane, value in zip(canvas.planes, to_ycbcr(colour, canvas.matrix), strict=True):
        plane[:] = value
    assert to_rgb(canvas)[0, 0].tolist() == pytest.approx([200, 120, 30], abs=2)


def test_stand_ins_are_cut_out():
    """With SegmentType 1 the wall goes and the background shows; head and shoulders stay; the neighbour is whole."""
    spec = task(2, panes=(PaneSpec(0, segment=True),), segmentation=True)
    rows = np.asarray(Image.open(io.BytesIO(render_png(plan(spec, stand_in_roster(spec)))))).astype(int)
    ground = (NAVY.red, NAVY.green, NAVY.blue)
    assert rows[120, 40].tolist() == pytest.approx(ground, abs=2)
    assert np.abs(rows[160, 160] - ground).max() > 100
    assert np.abs(rows[120, 360] - ground).max() > 20
