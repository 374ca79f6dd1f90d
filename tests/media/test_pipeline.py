"""The mix as a whole: encoded people in, a steady stream out."""

import gc
from dataclasses import replace

import numpy as np
import psutil
import pytest

from openmpu.media.track_figures import pane_figures
from openmpu.model.encoder import MEDIA_ENCODES
from openmpu.model.frames import EncodedFrame
from openmpu.model.geometry import PixelRect, to_pixels
from openmpu.model.ids import LayoutId
from openmpu.model.layouts import BUILT_IN
from openmpu.timing.ticks import MILLISECOND, SECOND, Ticks
from tests.media.studio import MONO_64, Person, Studio, nearest, spec_of
from tests.media.synthetic import Camera, Microphone

RED, GREEN, BLUE = (81, 90, 240), (145, 54, 34), (41, 240, 110)
P720, P360 = MEDIA_ENCODES[20].video, MEDIA_ENCODES[1].video


def person(
    name: str, colour: tuple[int, int, int], hertz: float, start: int = 0, seconds: float = 6.0, **more
) -> Person:
    """Somebody of one colour and one tone."""
    codec = more.pop("codec", "h264")
    camera = Camera(colour, codec=codec, seconds=seconds, gop=60)
    return Person(name, camera, Microphone(hertz, seconds=seconds), start, **more)


def panes(layout: int, width: int = 640, height: int = 360) -> list[PixelRect]:
    """The panes of a built-in layout in pixels."""
    canvas = PixelRect(0, 0, width, height)
    return [to_pixels(pane.rect, canvas) for pane in BUILT_IN[LayoutId(layout)].panes]


def assert_steady(studio: Studio, fps: int) -> None:
    """Every tick has exactly one picture; sound has no hole; time rises in the order of sending."""
    ticks = Ticks(fps, base=studio.video()[0].pts)
    assert [one.pts for one in studio.video()] == [ticks.pts(n) for n in range(len(studio.video()))]
    step = 1024 * SECOND / studio.spec.audio.sample_rate
    steps = np.diff([one.pts for one in studio.audio()])
    assert np.abs(steps - step).max() <= 1
    times = [one.pts for one in studio.packets]
    assert times == sorted(times)


def test_two_people_side_by_side() -> None:
    """Everybody in their pane with their colour; H.264 and VP8."""
    studio = Studio(spec_of((2,), video=P360), person("a", RED, 400), person("b", GREEN, 700, codec="vp8")).run(3)
    left, right = panes(2)
    picture = studio.picture_at(2.5)
    assert picture.ycbcr(left) == pytest.approx(RED, abs=3)
    assert picture.ycbcr(right) == pytest.approx(GREEN, abs=3)
    assert_steady(studio, 15)


@pytest.mark.parametrize("fps", [1, 7, 15, 24, 25, 30, 60])
def test_the_output_runs_on_the_clock_at_any_rate(fps: int) -> None:
    """No duplicate and no missing time in the output of a 30 fps publisher."""
    video = replace(P360, fps=fps, gop=max(1, fps))
    studio = Studio(spec_of((1,), video=video), person("a", RED, 400)).run(4)
    assert_steady(studio, fps)
    assert len(studio.video()) == pytest.approx(4 * fps, abs=fps / 5 + 2)


def test_with_nobody_there_background_and_silence_go_out() -> None:
    """Nothing upstream may hold a tick."""
    studio = Studio(spec_of((1,), video=P360)).run(4)
    assert_steady(studio, 15)
    assert studio.picture_at(3).ycbcr(PixelRect(0, 0, 640, 360)) == pytest.approx((16, 128, 128), abs=1)
    assert not np.abs(studio.sound[1]).max() > 1e-4


@pytest.mark.parametrize("delays", [(30, 10), (150, 20), (10, 120)])
@pytest.mark.parametrize("later", [0, 1300])
def test_picture_and_sound_of_everybody_are_together(delays: tuple[int, int], later: int) -> None:
    """Flash and beep within 60 ms in the output, whatever way each took, also of somebody who joins later."""
    a = person("a", RED, 400)
    picture_delay, sound_delay = (delay * MILLISECOND for delay in delays)
    b = person("b", GREEN, 700, later * MILLISECOND, picture_delay=picture_delay, sound_delay=sound_delay)
    studio = Studio(spec_of((2,), video=replace(P360, fps=25)), a, b).run(5.9)
    for pane, hertz in zip(panes(2), (400, 700), strict=True):
        flashes, beeps = studio.flashes(pane), studio.beeps(hertz)
        apart = [distance for distance in nearest(flashes, beeps) if abs(distance) < SECOND // 2]
        assert len(apart) >= 3
        assert max(abs(distance) for distance in apart[2:]) <= 60 * MILLISECOND
    offset = next(iter(studio.inputs.values())).group.av_offset_ms(studio.now)
    assert offset == pytest.approx(0, abs=40)


@pytest.mark.parametrize("delays", [(20, 20), (90, 20), (20, 90)])
def test_the_measured_offset_is_that_of_the_output(delays: tuple[int, int]) -> None:
    """`av_offset_ms` is what a receiver measures, within 20 ms (trouble 9), while the tracks still move together."""
    picture_delay, sound_delay = (delay * MILLISECOND for delay in delays)
    a = person("a", RED, 400, picture_delay=picture_delay, sound_delay=sound_delay)
    studio = Studio(spec_of((1,), video=replace(P360, fps=30)), a).run(4.3)
    told = studio.inputs[a.video_id].group.av_offset_ms(studio.now)
    measured = nearest(studio.flashes(panes(1)[0])[-2:], studio.beeps(400))
    assert told == pytest.approx(np.mean(measured) / MILLISECOND, abs=20)


def test_a_join_and_a_leave_change_the_layout_between_two_frames() -> None:
    """Layout 1, then 2, then 1; nothing is missing at the seams."""
    a, b = person("a", RED, 400), person("b", GREEN, 700, start=SECOND)
    studio = Studio(spec_of((1, 2), video=P360), a).run(1)
    studio.join(b)
    studio.run(2)
    studio.leave(a)
    studio.run(1.5)
    left, right = panes(2)
    assert studio.picture_at(0.8).ycbcr(panes(1)[0]) == pytest.approx(RED, abs=3)
    assert studio.picture_at(2.5).ycbcr(left) == pytest.approx(RED, abs=3)
    assert studio.picture_at(2.5).ycbcr(right) == pytest.approx(GREEN, abs=3)
    assert studio.picture_at(4.3).ycbcr(panes(1)[0]) == pytest.approx(GREEN, abs=3)
    assert_steady(studio, 15)


def test_another_media_encode_begins_with_a_key_frame_in_running_time() -> None:
    """UpdateMPUTask: other size, rate and sound on the same stream; a gap of no more than two frames."""
    studio = Studio(spec_of((1,), video=P360), person("a", RED, 400)).run(2)
    studio.update(spec_of((1,), video=P720, audio=MONO_64))
    studio.run(2)
    places = [place for place, _ in studio.formats]
    assert studio.formats[-1][1].video == P720
    assert studio.formats[-1][1].audio == MONO_64
    first = next(packet for packet in studio.packets[places[2] :] if packet.kind.value == "video")
    assert first.key
    times = [one.pts for one in studio.video()]
    assert max(np.diff(times)) <= 2 * SECOND // 15
    assert all(np.diff(times) > 0)
    assert max(np.diff([one.pts for one in studio.audio()])) <= 60 * MILLISECOND


def test_ten_updates_a_second_lose_nothing() -> None:
    """Trouble 41: the last one counts, every tick is there."""
    studio = Studio(spec_of((1, 2), video=P360), person("a", RED, 400), person("b", GREEN, 700))
    for number in range(30):
        studio.update(spec_of(((1,), (2,), (3,), (13,))[number % 4], video=P360))
        studio.run(0.1)
    studio.update(spec_of((13,), video=P360))
    studio.run(0.5)
    assert_steady(studio, 15)
    assert studio.picture_at(3.4).ycbcr(PixelRect(40, 120, 240, 120)) == pytest.approx(RED, abs=3)
    assert studio.picture_at(3.4).ycbcr(PixelRect(360, 120, 240, 120)) == pytest.approx(GREEN, abs=3)


def test_a_publisher_who_vanishes_freezes_for_three_seconds() -> None:
    """layouts.md 5.1: then as not published; the roster still has them."""
    gone = person("a", RED, 400, seconds=1.5)
    studio = Studio(spec_of((1,), video=P360), gone).run(6)
    assert studio.picture_at(4.0).ycbcr(panes(1)[0]) == pytest.approx(RED, abs=3)
    assert studio.picture_at(5.5).ycbcr(panes(1)[0]) == pytest.approx((16, 128, 128), abs=3)
    assert_steady(studio, 15)


def lossy(frame: EncodedFrame) -> EncodedFrame | None:
    """Every 40th picture is lost on the way; its successor says so."""
    number = frame.rtp_time // 3000
    if len(frame.data) and number % 40 == 0 and not frame.key:
        return None
    return replace(frame, lost=1) if number % 40 == 1 and not frame.key else frame


def test_a_loss_freezes_the_last_good_picture() -> None:
    """Never a broken reference on screen: the pane has its colour all the time."""
    a = Person("a", Camera(RED, seconds=5, gop=60), change=lossy)
    studio = Studio(spec_of((1,), video=P360), a).run(4.5)
    for picture in studio.pictures[10:]:
        luma, cb, cr = picture.ycbcr(panes(1)[0])
        assert (luma, cb, cr) == pytest.approx(RED, abs=4) or luma > 225
    assert studio.pipeline.pictures.shown.tracks[a.video_id].decoder.withheld > 10
    assert a.video_id in studio.key_wishes


def test_no_reports_ever_are_no_reason_to_wait() -> None:
    """Trouble 3: the picture is there 150 ms after the first frame came."""
    a = person("a", RED, 400, reports=False)
    studio = Studio(spec_of((1,), video=replace(P360, fps=30)), a).run(3)
    shown = next(one.pts for one in studio.pictures if one.luma(panes(1)[0]) > 40)
    assert shown <= a.picture_delay + 150 * MILLISECOND


def test_the_status_tells_what_each_pane_shows() -> None:
    """Trouble 23: video, no camera, a picture that stands still, nobody."""
    speaker = person("a", RED, 400, seconds=8.0)
    silent = Person("b", None, Microphone(700, seconds=8.0), start=1)
    frozen = Person("c", Camera(BLUE, seconds=1.0), start=2)
    studio = Studio(spec_of((6,), video=P360), speaker, silent, frozen).run(3.5)
    side = studio.pipeline.pictures
    told = pane_figures(side.scene, side.shown.tracks, studio.now)
    assert told == {"pane.0": "video", "pane.1": "no_video", "pane.2": "frozen", "pane.3": "empty"}


def test_audio_only_has_no_pictures() -> None:
    """MediaEncode 0: 64 kbit/s, no video track at all."""
    encode = MEDIA_ENCODES[0]
    spec = spec_of((), video=None, audio=encode.audio)
    studio = Studio(spec, person("a", RED, 400), person("b", GREEN, 700)).run(3.5)
    assert not studio.video()
    assert len(studio.beeps(400)) >= 3
    assert len(studio.beeps(700)) >= 3
    assert studio.formats[-1][1].video is None


def test_a_key_frame_comes_with_the_next_picture_when_asked_for() -> None:
    """A target connected: it begins there."""
    studio = Studio(spec_of((1,), video=P360), person("a", RED, 400)).run(1)
    studio.pipeline.force_key()
    before = len(studio.video())
    studio.run(0.5)
    assert any(one.key for one in studio.video()[before : before + 3])


def test_a_machine_that_stood_still_goes_on_in_the_present() -> None:
    """SIGSTOP for five seconds: the pictures of that time are missed and counted, the sound is whole, time rises."""
    studio = Studio(spec_of((1,), video=P360), person("a", RED, 400)).run(1)
    studio.now += 5 * SECOND
    studio.run(1)
    counts = studio.pipeline.pictures.counts
    assert counts.missed == pytest.approx(5 * 15, abs=16)
    steps = np.diff([one.pts for one in studio.audio()])
    assert steps.max() <= 1024 * SECOND / 48_000 + 1
    assert all(np.diff([one.pts for one in studio.video()]) > 0)


def test_a_tick_that_comes_late_repeats_the_picture() -> None:
    """Behind by less than a second: every tick has its picture, those between are not painted anew."""
    studio = Studio(spec_of((1,), video=P360), person("a", RED, 400)).run(1)
    studio.now += 600 * MILLISECOND
    studio.run(1)
    counts = studio.pipeline.pictures.counts
    assert counts.repeated >= 7
    assert counts.missed == 0
    assert_steady(studio, 15)


def test_with_too_little_time_the_picture_rate_falls_evenly() -> None:
    """A tick takes 1.6 times its time: every tick has its picture, none is repeated thrice; sound is whole; it is told."""
    studio = Studio(spec_of((1,), video=P360), person("a", RED, 400, seconds=14.0))
    pictures, tick = studio.pipeline.pictures, SECOND // 15
    painted = []
    while studio.now < 6 * SECOND:
        studio.feed()
        before = (pictures.counts.ticks, pictures.counts.repeated)
        due = studio.pipeline.step(studio.now, 0)
        done, repeated = pictures.counts.ticks - before[0], pictures.counts.repeated - before[1]
        painted += [not repeated] * done
        cost = done * (tick // 20 if repeated else tick * 8 // 5)
        studio.now = max(due, studio.now + cost)
    runs = "".join("x" if one else "." for one in painted)
    assert pictures.counts.missed == 0
    assert pictures.degraded
    assert "..." not in runs
    assert runs.count("x") > len(runs) * 0.5
    studio.run(7)
    assert not pictures.degraded
    assert_steady(studio, 15)


@pytest.mark.parametrize(
    ("decoding", "painting", "repeating"), [(0.75, 0.91, 0.25), (0.5, 1.1, 0.25), (0.3, 1.3, 0.05)]
)
def test_short_of_forty_percent_pictures_come_evenly(decoding: float, painting: float, repeating: float) -> None:
    """Costs in ticks; those of decoding no tick can save: no hole of more than 4 ticks once it is known; well again soon."""
    studio = Studio(spec_of((1,), video=replace(P360, fps=25)), person("a", RED, 400, seconds=16.0))
    pictures, tick = studio.pipeline.pictures, SECOND // 25
    fresh = [0]
    while studio.now < 8 * SECOND:
        studio.feed()
        before = (pictures.counts.ticks, pictures.counts.repeated)
        due = studio.pipeline.step(studio.now, 0)
        cost = 0.0
        if pictures.counts.repeated > before[1]:
            cost = repeating
        elif pictures.counts.ticks > before[0]:
            number = due // tick
            cost = decoding * (number - fresh[-1]) + painting
            fresh.append(number)
        studio.now = max(due, studio.now + round(cost * tick))
    steady = np.diff([number for number in fresh if number > 50])
    assert steady.max() <= 4
    assert steady.max() - steady.min() <= 3
    assert pictures.degraded
    assert np.diff([one.pts for one in studio.audio()]).max() <= 1024 * SECOND / 48_000 + 1
    studio.run(3)
    missed = pictures.counts.missed
    studio.run(2)
    assert not pictures.degraded
    assert pictures.counts.missed == missed


def test_texts_are_in_the_next_picture_once() -> None:
    """SetLiveMpuTaskSei, verbatim."""
    studio = Studio(spec_of((1,), video=P360)).run(1)
    studio.pipeline.pictures.sei.texts.add('{"custom":"text"}')
    studio.run(1)
    assert sum(one.data.count(b'{"custom":"text"}') for one in studio.video()) == 1


@pytest.mark.parametrize("fps", [5, 10, 16, 24, 60])
def test_pictures_of_any_rate_keep_their_speed(fps: int) -> None:
    """Trouble 7: input is VFR; flashes come out one second apart."""
    a = Person("a", Camera(RED, fps=fps, seconds=6, gop=60))
    studio = Studio(spec_of((1,), video=replace(P360, fps=25)), a).run(5.5)
    flashes = studio.flashes(panes(1)[0])
    steps = np.diff(flashes[1:])
    assert np.abs(steps - SECOND).max() <= SECOND // 25 + SECOND // fps
    assert flashes[-1] - flashes[0] == pytest.approx((len(flashes) - 1) * SECOND, abs=SECOND // 20 + SECOND // fps)


def test_sound_in_bursts_plays_at_its_speed() -> None:
    """Trouble 6: packets come 16 at a time; beeps are a second apart, nothing is lost."""

    def bunched(frame: EncodedFrame) -> EncodedFrame:
        slot = 320 * MILLISECOND
        return replace(frame, arrival=-(-frame.arrival // slot) * slot)

    a = Person("a", None, Microphone(400, seconds=10), change=bunched)
    studio = Studio(spec_of((), video=None), a).run(9.5)
    beeps = studio.beeps(400)[3:]
    assert np.abs(np.diff(beeps) - SECOND).max() <= 12 * MILLISECOND
    assert len(beeps) >= 5


def test_frames_leave_no_memory_behind() -> None:
    """Troubles 37 and 38: after a warm-up, a minute of two people adds no objects and next to no bytes."""
    studio = Studio(
        spec_of((2,), video=P360), person("a", RED, 400, seconds=40.0), person("b", GREEN, 700, seconds=40.0)
    )
    process = psutil.Process()
    marks = []
    for _ in range(4):
        studio.run(9.5)
        studio.packets.clear()
        gc.collect()
        marks.append((len(gc.get_objects()), process.memory_info().rss))
    waiting = 9.5 * 2 * (30 + 50)
    assert marks[3][0] - marks[1][0] < waiting
    assert marks[3][1] - marks[1][1] < 6 << 20
