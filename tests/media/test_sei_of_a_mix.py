"""SEI of a whole mix and a whole relay: what a message says is what its picture shows and its sound sounds like."""

from dataclasses import replace
from itertools import pairwise

import pytest

from openmpu.model.ids import UserId
from openmpu.model.layouts import BUILT_IN
from openmpu.model.task import Family, MixSpec, PaneSpec, Pin, SeiRhythm, SeiSpec, TaskSpec
from openmpu.timing.ticks import SECOND
from tests.media.studio import Person, Studio, spec_of
from tests.media.synthetic import Camera, Microphone
from tests.media.test_pipeline import GREEN, P360, RED
from tests.rig.nals import Access, split

SEI = SeiSpec(layout_volume=SeiRhythm(1000, follow_idr=True))
COLOURS = {"a": RED, "b": GREEN}


def spec(*layout_ids: int, **changes: object) -> TaskSpec:
    """A mix with SEI."""
    return spec_of(layout_ids, video=P360, sei=SEI, **changes)


def person(name: str, level: float = 0.3, camera: bool = True) -> Person:
    """Somebody in their colour who hums."""
    seen = Camera(COLOURS[name], seconds=6.0) if camera else None
    return Person(name, seen, Microphone(600, beep=False, level=level, seconds=6.0))


def streams(studio: Studio) -> list[tuple[int, list[dict]]]:
    """(pts, stream[]) of each message."""
    pictures = [Access(packet.pts, split(packet.data)) for packet in studio.video()]
    return [(picture.pts, said["stream"]) for picture in pictures for _, said in picture.messages]


def test_it_tells_where_everybody_is_in_that_very_picture() -> None:
    """The first picture of a new seating says so, none before it, and colours stand where it says."""
    studio = Studio(spec(1, 2), person("a")).run(2)
    studio.join(replace(person("b"), start=2 * SECOND))
    studio.run(3)
    told = streams(studio)
    (change,) = [pts for (_, before), (pts, after) in pairwise(told) if len(before) < len(after)]
    studio_pictures = {one.pts: one for one in studio.pictures}
    for pts, people in told:
        assert len(people) == (1 if pts < change else 2)
        for one in people:
            pane = next(p for p in BUILT_IN[1 if len(people) == 1 else 2].panes if p.pane_id == one["paneid"])
            place = (one["x"], one["y"], one["w"], one["h"])
            rect = pane.rect
            assert place == pytest.approx((rect.x, rect.y, rect.width, rect.height), abs=1e-5)
            if one["type"] == 0:
                x, y = int((one["x"] + one["w"] / 2) * P360.width), int((one["y"] + one["h"] / 2) * P360.height)
                luma = studio_pictures[pts].frame.to_ndarray()[y, x]
                flash = luma > 200
                assert flash or abs(int(luma) - COLOURS[one["uid"]][0]) < 12
    last = told[-1][1]
    assert [one["uid"] for one in last] == ["a", "b"]
    assert [one["type"] for one in last] == [0, 0]


def test_volumes_are_those_of_the_last_100_ms() -> None:
    """-60 dBFS is 0, 0 dBFS 255: a sine of amplitude 0.3 is at -13.5 dBFS."""
    studio = Studio(spec(2), person("a", 0.3), person("b", 0.03)).run(4)
    volumes = {one["uid"]: one["vol"] for one in streams(studio)[-1][1]}
    assert volumes["a"] == pytest.approx(198, abs=4)
    assert volumes["b"] == pytest.approx(113, abs=4)


def test_people_without_a_picture_are_told_as_such() -> None:
    """Seated without video: type 2 in their pane; without a pane: -1 and zeros; empty panes are not told."""
    one_pane = MixSpec(layouts=(BUILT_IN[1],), panes=(PaneSpec(0, Pin(UserId("b"))),))
    studio = Studio(spec(1, mix=one_pane), person("a"), person("b", camera=False)).run(3)
    seated, unseated = streams(studio)[-1][1]
    assert (seated["uid"], seated["paneid"], seated["type"], seated["w"]) == ("b", 0, 2, 1)
    assert (unseated["uid"], unseated["paneid"], unseated["type"], unseated["w"]) == ("a", -1, 2, 0)
    assert unseated["vol"] > 150


def test_humming_is_no_voice() -> None:
    """Live-2, where vad is real."""
    studio = Studio(spec(2, family=Family.LIVE), person("a"), person("b")).run(3)
    assert {one["vad"] for _, people in streams(studio) for one in people} == {0}


def test_every_key_frame_has_one() -> None:
    """FollowIdr."""
    studio = Studio(spec(1), person("a")).run(5)
    told = {pts for pts, _ in streams(studio)}
    assert {packet.pts for packet in studio.video() if packet.key} <= told
