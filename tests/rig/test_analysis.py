"""The analysis finds what is wrong with a stream, and only that: on streams made here with known faults."""

from itertools import pairwise

import pytest

from openmpu.clients.looks import COLOURS
from openmpu.clients.picture import Look
from openmpu.model.geometry import PixelRect
from tests.rig import pictures, sounds
from tests.rig.analysis import Recording, border_of, contained, flash_to_beep_ms, layout_panes
from tests.rig.packets import SECOND, Cadence, PacketInfo, bitrates_kbps, cadence, key_distances
from tests.rig.synthetic import EPOCH, Fault, person, write_stream

PANES = layout_panes(5, 1280, 720)
ALICE = person("alice", PANES[0])
BOB = person("bob", PANES[1], late=0.1)
CAROL = person("carol", PANES[2], Look(1280, 720, 25, COLOURS["orange"], "carol", 205))


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    """Three people for six seconds; bob's sound is 100 ms late."""
    path = tmp_path_factory.mktemp("good") / "good.flv"
    write_stream(path, [ALICE, BOB, CAROL], 6.0)
    return Recording(path)


@pytest.fixture(autouse=True)
def _present(monkeypatch):
    """Frame numbers are unwrapped near the present: let it be that of the synthetic streams."""
    monkeypatch.setattr("tests.rig.analysis.time.time_ns", lambda: EPOCH * SECOND)


def faulty(tmp_path, people, seconds=3.0, **fault):
    """A recording with a fault."""
    write_stream(tmp_path / "faulty.flv", people, seconds, fault=Fault(**fault))
    return Recording(tmp_path / "faulty.flv")


def test_formats(good):
    """Read from the sequence headers."""
    formats = good.formats
    assert (formats.width, formats.height, formats.video_codec, formats.profile) == (1280, 720, "h264", "High")
    assert (formats.audio_codec, formats.audio_profile, formats.sample_rate, formats.channels) == (
        "aac", "LC", 48_000, 2,
    )  # fmt: skip


def test_a_steady_stream_is_perfect(good):
    """150 pictures at 25 per second, a key frame each 2 s, sound without a gap."""
    assert good.cadence(25).perfect
    assert good.cadence(25).frames == len(list(good.pictures())) == 150
    assert set(key_distances(good.video)) == {2 * SECOND}
    assert sounds.sound_gaps(good.audio) == []


def test_another_frame_rate_is_noticed(good):
    """25 is neither 24 nor 30."""
    assert not good.cadence(24).perfect
    assert not good.cadence(30).perfect


def test_a_dropped_picture_is_noticed(tmp_path):
    """One missing tick, at its place."""
    found = faulty(tmp_path, [ALICE], dropped=frozenset({40})).cadence(25)
    assert [missing for _, missing in found.gaps] == [1]
    assert found.longest_gap == 1
    assert not found.doubles


def test_a_doubled_picture_is_noticed(tmp_path):
    """Two pictures with one time stamp."""
    found = faulty(tmp_path, [ALICE], doubled=frozenset({30})).cadence(25)
    assert len(found.doubles) == 1


def test_jitter_is_noticed():
    """A time stamp between two ticks."""
    even = [pictures_packet(place * 40) for place in range(10)]
    assert cadence(even, 25) == Cadence(10, (), (), ())
    assert len(cadence([*even[:5], pictures_packet(210), *even[6:]], 25).irregular) == 1


def pictures_packet(milliseconds):
    """A video packet at that time."""
    return PacketInfo(milliseconds * 1_000_000, milliseconds * 1_000_000, 100, False)


def test_who_is_in_which_pane(good):
    """Read from the marks, picture by picture; frame numbers never go back."""
    people = {one.look.title: one for one in (ALICE, BOB, CAROL)}
    seen = good.watch({name: one.pane for name, one in people.items()}, 0, 3)
    for name, sights in seen.items():
        assert {sight.mark and sight.mark.tag for sight in sights} == {people[name].look.tag}
        assert all(before.mark.number <= after.mark.number for before, after in pairwise(sights))


def test_a_late_sound_is_measured(good):
    """Bob's is 100 ms later than alice's: by flash and beep, and by marks."""
    alice = flash_to_beep_ms(good.flashes(ALICE.pane), good.beeps(ALICE.voice.tone_hz))
    bob = flash_to_beep_ms(good.flashes(BOB.pane), good.beeps(BOB.voice.tone_hz))
    assert max(map(abs, alice)) < 5
    assert [round(offset) for offset in bob] == [100] * len(bob)
    assert len(bob) >= 5
    by_marks = [good.av_offset_ms(one.pane, one.voice.tone_hz, 30) for one in (ALICE, BOB)]
    assert by_marks[1] - by_marks[0] == pytest.approx(100, abs=2)


def test_colours(good):
    """Within 3 levels, each in its pane; the next one's colour is far off."""
    picture = good.picture(2.0)
    for one in (ALICE, BOB, CAROL):
        assert pictures.distance(picture.colour(border_of(one.pane)), one.look.colour) <= 3
    assert pictures.distance(picture.colour(border_of(ALICE.pane)), BOB.look.colour) > 20


def test_a_colour_that_is_slightly_wrong_is_noticed(tmp_path):
    """Six levels of red."""
    look = Look(640, 360, 30, COLOURS["blue"], "x", 3)
    wrong = Look(640, 360, 30, type(look.colour)(46, 90, 200), "x", 3)
    picture = faulty(tmp_path, [person("x", PANES[0], wrong)], 1.0).picture(0.5)
    assert pictures.distance(picture.colour(border_of(PANES[0])), look.colour) > 3


def test_pane_edges_are_found_to_the_pixel(good):
    """Where they are, against the background and against neighbours."""
    picture = good.picture(2.0)
    for one in (ALICE, BOB, CAROL):
        edges = pictures.pane_edges(picture, one.pane)
        expected = {name: getattr(one.pane, name) for name in ("left", "right", "top", "bottom")}
        assert all(abs(edges[name] - expected[name]) < 0.5 for name in expected)


@pytest.mark.parametrize("shift", [-3, 3])
def test_a_pane_that_lies_wrong_is_noticed(tmp_path, shift):
    """Three pixels off is more than two."""
    pane = PANES[0]
    moved = PixelRect(pane.left + 2 * shift, pane.top, pane.width - 2 * shift, pane.height)
    picture = faulty(tmp_path, [person("alice", moved)], 1.0).picture(0.5)
    edge = pictures.pane_edges(picture, pane)["left"]
    assert edge is None or abs(edge - pane.left) > 2


def test_an_edge_that_is_not_there_is_not_found(good):
    """In the middle of a flat area."""
    edges = pictures.pane_edges(good.picture(2.0), PixelRect(40, 40, 200, 200))
    assert set(edges.values()) == {None}


def test_tones_are_found_in_the_mix(good):
    """Those of the people there, at the level of their hum and beeps; nobody else's."""
    levels = {tone: good.sound.level(tone) for tone in (one.voice.tone_hz for one in (ALICE, BOB, CAROL))}
    assert all(-25 < level < -18 for level in levels.values())
    assert good.sound.level(3333) < -50


def test_a_hole_in_the_sound_is_noticed(good):
    """Three packets are left out: the samples stay in their place."""
    torn = good.audio[:50] + good.audio[53:]
    ((_, missing),) = sounds.sound_gaps(torn)
    assert missing == pytest.approx(64_000_000, abs=1_500_000)


def test_bitrates_by_window(good):
    """Two seconds each, near what the encoder was told."""
    rates = bitrates_kbps(good.video, 2.0)
    assert len(rates) == 2
    assert all(400 < rate < 1200 for rate in rates)


def test_a_torn_end_is_no_error(good, tmp_path):
    """A file that was cut in the middle of a tag is read up to there."""
    cut = tmp_path / "cut.flv"
    cut.write_bytes(good.path.read_bytes()[:-3000])
    recording = Recording(cut)
    assert len(recording.video) >= 140
    assert recording.cadence(25).perfect


def test_a_picture_can_be_cut_out(good):
    """As PNG, of that moment."""
    png = pictures.cut_picture(good.path, 3.0)
    assert png.startswith(b"\x89PNG")


def test_where_a_video_lies_in_its_pane():
    """Whole and centred: 4:3 has borders left and right, 16:9 hardly any."""
    assert contained(PixelRect(0, 0, 1280, 720), 640, 480) == PixelRect(160, 0, 960, 720)
    assert contained(PixelRect(10, 20, 640, 360), 1280, 720) == PixelRect(10, 20, 640, 360)
