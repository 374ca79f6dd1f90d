"""Pictures out of the canvas."""

import av
import numpy as np
import pytest

from openmpu.media.canvas import Canvas
from openmpu.media.encoding.video import VideoEncoder, can_encode
from openmpu.media.packets import Packet
from openmpu.model.encoder import MEDIA_ENCODES, VideoProfile
from openmpu.timing.ticks import SECOND, Ticks

SMALL = VideoProfile(320, 180, 25, 300, 50)


def moving(canvas: Canvas, number: int) -> None:
    """Something that moves and is not easy: noise that shifts, over a gradient."""
    chance = np.random.default_rng(7)
    height, width = canvas.planes.y.shape
    noise = chance.integers(60, 200, (height // 8 + 1, width // 8 + 1), dtype=np.uint8).repeat(8, 0).repeat(8, 1)
    canvas.planes.y[:] = np.roll(noise, number * 3, axis=1)[:height, :width]


def encoded(profile: VideoProfile, frames: int, *, still: bool = False, keys: tuple[int, ...] = ()) -> list[Packet]:
    """So many pictures, one packet each."""
    canvas, encoder, ticks = Canvas(profile.width, profile.height), VideoEncoder(profile), Ticks(profile.fps)
    packets = []
    for number in range(frames):
        if not still:
            moving(canvas, number)
        packets += encoder.encode(canvas.as_frame(), ticks.pts(number), key=number in keys)
    return packets


def test_each_picture_gives_one_packet_of_its_time_at_once() -> None:
    """No delay inside, no B-frames."""
    canvas, encoder = Canvas(320, 180), VideoEncoder(SMALL)
    for number in range(60):
        packets = encoder.encode(canvas.as_frame(), number * 40_000_000)
        assert [one.pts for one in packets] == [number * 40_000_000]


def test_key_frames_come_in_the_rhythm_asked_for() -> None:
    """Every `gop` pictures, also with scenes that change."""
    keys = [number for number, one in enumerate(encoded(SMALL, 160)) if one.key]
    assert keys == [0, 50, 100, 150]


def test_in_a_hurry_more_threads_work_from_the_next_key_frame_on() -> None:
    """The rhythm of key frames stays; before it a picture is one slice, then one for each thread."""
    canvas, encoder, packets = Canvas(320, 180), VideoEncoder(SMALL), list[Packet]()
    for number in range(101):
        moving(canvas, number)
        packets += encoder.encode(canvas.as_frame(), number * 40_000_000)
        if number == 10:
            encoder.hurry()
    assert [number for number, one in enumerate(packets) if one.key] == [0, 50, 100]
    slices = [sum(one.data.count(b"\x00\x00\x01" + start) for start in (b"\x41", b"\x65")) for one in packets]
    assert set(slices[:50]) == {1}
    assert set(slices[50:]) == {2}
    assert [one.pts for one in packets] == [number * 40_000_000 for number in range(101)]


def test_a_key_frame_comes_on_demand_and_is_an_idr() -> None:
    """A new connection starts there; the rhythm begins anew."""
    packets = encoded(SMALL, 80, keys=(17,))
    assert [number for number, one in enumerate(packets) if one.key] == [0, 17, 67]
    assert b"\x00\x00\x01\x67" in packets[17].data
    assert b"\x00\x00\x01\x65" in packets[17].data


@pytest.mark.parametrize(("width", "height", "colour"), [(1280, 720, 1), (640, 360, 6)])
def test_the_stream_tells_its_colours(width: int, height: int, colour: int) -> None:
    """BT.709 from 720 lines on, BT.601 below, limited range."""
    packets = encoded(VideoProfile(width, height, 25, 500, 50), 2)
    context = av.CodecContext.create("h264", "r")
    (frame,) = context.decode(av.Packet(packets[0].data)) or context.decode(av.Packet(packets[1].data))
    assert (frame.colorspace, frame.color_primaries, frame.color_trc, frame.color_range) == (colour, colour, colour, 1)
    assert (frame.width, frame.height) == (width, height)


@pytest.mark.parametrize(("profile", "wanted"), [("high", "high"), ("main", "main"), ("baseline", "baseline")])
def test_the_profile_is_the_one_asked_for(profile: str, wanted: str) -> None:
    """Parameter sets stand in band and say it."""
    (packet,) = encoded(VideoProfile(320, 180, 25, 300, 50, profile=profile), 1)
    sps = packet.data[packet.data.index(b"\x00\x00\x01\x67") + 3 :]
    assert {100: "high", 77: "main", 66: "baseline"}[sps[1]] == wanted


@pytest.mark.parametrize("still", [True, False])
@pytest.mark.parametrize("row", [1, 20, 40])
def test_the_bitrate_holds_within_ten_percent_over_ten_seconds(row: int, still: bool) -> None:
    """operations.md 3.6, in every window of ten seconds, moving or not."""
    profile = MEDIA_ENCODES[row].video
    assert profile is not None
    sizes = [len(one.data) * 8 / 1000 for one in encoded(profile, 14 * profile.fps, still=still)]
    window = 10 * profile.fps
    rates = [sum(sizes[start : start + window]) / 10 for start in range(0, 4 * profile.fps, 5)]
    assert all(rate == pytest.approx(profile.bitrate_kbps, rel=0.1) for rate in rates)


@pytest.mark.parametrize("row", sorted(number for number, entry in MEDIA_ENCODES.items() if entry.video))
def test_every_row_of_the_table_can_be_encoded(row: int) -> None:
    """All 27 rows with video: a key frame first, of the row's size, and the next one two seconds later at most."""
    profile = MEDIA_ENCODES[row].video
    assert profile is not None
    (packet,) = encoded(profile, 1, still=True)
    decoder = av.CodecContext.create("h264", "r")
    picture, *_ = (*decoder.decode(av.Packet(packet.data)), *decoder.decode(None))
    assert packet.key
    assert (picture.width, picture.height) == (profile.width, profile.height)
    assert profile.gop <= 2 * profile.fps


@pytest.mark.skipif(not can_encode("h265"), reason="this FFmpeg has no x265")
def test_h265_comes_out_at_once_and_in_rhythm() -> None:
    """Live-2's other codec."""
    profile = VideoProfile(320, 180, 25, 300, 25, codec="h265", profile="main")
    packets = encoded(profile, 60, keys=(30,))
    assert [number for number, one in enumerate(packets) if one.key] == [0, 25, 30, 55]
    context = av.CodecContext.create("hevc", "r")
    assert sum(len(context.decode(av.Packet(one.data))) for one in packets) >= 58
    assert packets[30].pts == 30 * SECOND // 25
