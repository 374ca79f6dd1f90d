"""Watching a stream as it comes, on streams made here."""

import pytest

from openmpu.clients.glimpses import Watched
from openmpu.clients.watching import Watcher
from openmpu.model.ids import LayoutId
from openmpu.model.layouts import BUILT_IN
from openmpu.wire.rtmp.flvfile import tags_in
from openmpu.wire.rtmp.inspect import Role, about
from tests.rig.analysis import layout_panes
from tests.rig.synthetic import EPOCH, person, write_stream
from tests.rig.waiting import until

LAYOUTS = [BUILT_IN[LayoutId(number)] for number in (1, 2, 5, 6)]
NOW = EPOCH * 1_000_000_000
PANES = layout_panes(2, 1280, 720)
ALICE, BOB = person("alice", PANES[0]), person("bob", PANES[1], late=0.1)
PEOPLE = {one.look.title: Watched(one.look.tag, one.voice.tone_hz, 30) for one in (ALICE, BOB)}


@pytest.fixture(scope="module")
def stream(tmp_path_factory):
    """Alice and bob, whose sound is 100 ms late, for four seconds."""
    path = tmp_path_factory.mktemp("stream") / "two.flv"
    write_stream(path, [ALICE, BOB], 4.0)
    return tags_in(path.read_bytes())


async def watched(tags, keep=lambda _: True):
    """A watcher that has seen all of a stream."""
    watcher = Watcher(PEOPLE, LAYOUTS)
    watcher.start()
    for tag in filter(keep, tags):
        await until(lambda: watcher.waiting < 50)
        watcher.take(tag)
    await until(lambda: watcher.waiting == 0)
    watcher.stop()
    return watcher


async def test_who_sits_where_and_who_is_heard(stream):
    """Both, from the first picture on."""
    watcher = await watched(stream)
    glimpse = watcher.glimpse(NOW)
    assert glimpse.seating.layout_id == 2
    assert glimpse.seating.seats == {0: "alice", 1: "bob"}
    assert glimpse.heard == {"alice", "bob"}
    (change,) = watcher.changes()
    assert change.pictures >= 99


async def test_picture_and_sound_are_compared_by_person(stream):
    """Bob's sound is 100 ms later than alice's."""
    offsets = (await watched(stream)).glimpse(NOW).av_offset_ms
    assert offsets["bob"] - offsets["alice"] == pytest.approx(100, abs=3)
    assert abs(offsets["alice"]) < 25


async def test_the_picture_is_a_png(stream):
    """Of the stream's size."""
    png = (await watched(stream)).png()
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    assert png[16:24] == (1280).to_bytes(4, "big") + (720).to_bytes(4, "big")


async def test_before_anything_came_there_is_nothing_to_see():
    """No picture, nobody."""
    watcher = Watcher(PEOPLE, LAYOUTS)
    assert watcher.png() is None
    assert watcher.glimpse(NOW).seating.seats == {}
    assert watcher.changes() == []


async def test_without_sound_nobody_is_heard(stream):
    """Seen all the same."""
    glimpse = (await watched(stream, lambda tag: about(tag).role is not Role.SOUND)).glimpse(NOW)
    assert glimpse.heard == frozenset()
    assert glimpse.av_offset_ms == {}
    assert len(glimpse.seating.seats) == 2


async def test_too_much_at_once_is_left_out_up_to_a_key_frame(stream):
    """Feeding never waits, memory stays bounded, and what is decoded is whole."""
    watcher = Watcher(PEOPLE, LAYOUTS)
    for tag in stream * 3:
        watcher.take(tag)
    assert watcher.left_out > 0
    assert watcher.waiting <= 200
    watcher.start()
    await until(lambda: watcher.waiting == 0)
    watcher.stop()
    assert watcher.glimpse(NOW).seating.seats == {0: "alice", 1: "bob"}
