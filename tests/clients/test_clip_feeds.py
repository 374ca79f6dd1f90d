"""Clips as feeds: untouched, transcoded, round after round."""

from itertools import pairwise

import av
import pytest

from openmpu.clients import reading
from openmpu.clients.clip import SECOND, Timeline, examine
from openmpu.clients.clip_feeds import ClipSoundFeed, CopyFeed, TranscodeFeed
from tests.clients.clips import write_clip
from tests.clients.decoding import decode_opus, nal_types, slices

NOW = 1_800_000_000 * SECOND


def copy_of(path, *, loop=True):
    clip = examine(path)
    return CopyFeed(clip, clip.video, Timeline(), loop=loop)


def coded_slices(path):
    """The slices of a file, by FFmpeg alone."""
    with av.open(str(path)) as container:
        packets = [bytes(packet) for packet in container.demux(video=0) if packet.size]
    return [unit for data in packets for unit in length_prefixed(data) if unit[0] & 31 in (1, 5)]


def length_prefixed(data):
    """The NAL units of an MP4 sample (ISO 14496-15 5.3.4.2)."""
    place = 0
    while place < len(data):
        size = int.from_bytes(data[place : place + 4], "big")
        yield data[place + 4 : place + 4 + size]
        place += 4 + size


def pieces(feed, count, now=NOW):
    return [feed.next_piece(now) for _ in range(count)]


def test_h264_goes_untouched(tmp_path):
    """The slices of the file, bit by bit, and parameter sets before each key frame."""
    path = write_clip(tmp_path / "clip.mp4", seconds=2, options={"profile": "high"})
    sent = pieces(copy_of(path), 50)
    assert [part for piece in sent for part in slices(piece.data)] == coded_slices(path)
    keys = [piece for piece in sent if piece.key]
    assert len(keys) == 2
    assert all({7, 8, 5} <= set(nal_types(piece.data)) for piece in keys)


def test_time_runs_on_over_rounds(tmp_path):
    """Evenly, also from the last picture of a round to the first of the next, which is a key frame."""
    sent = pieces(copy_of(write_clip(tmp_path / "clip.mp4", seconds=1, audio=None)), 60)
    assert [piece.moment - NOW for piece in sent] == [place * SECOND // 25 for place in range(60)]
    assert [place for place, piece in enumerate(sent) if piece.key] == [0, 25, 50]
    steps = {after.ticks - before.ticks for before, after in pairwise(sent)}
    assert steps == {3600}


def test_without_loop_it_ends(tmp_path):
    """None after the last picture, again and again."""
    feed = copy_of(write_clip(tmp_path / "clip.mp4", seconds=1), loop=False)
    assert None not in pieces(feed, 25)
    assert pieces(feed, 2) == [None, None]


def test_asked_for_a_key_frame_a_clip_skips_to_its_next(tmp_path):
    """Time goes on evenly; picture and sound leave out the same part."""
    clip = examine(write_clip(tmp_path / "clip.mp4", seconds=6, gop=100))
    timeline = Timeline()
    video = CopyFeed(clip, clip.video, timeline, loop=True)
    audio = ClipSoundFeed(clip, timeline, loop=True)
    before = pieces(video, 25)
    pieces(audio, 50)
    video.want_key()
    following = video.next_piece(NOW + SECOND)
    assert following.key
    assert following.moment - before[-1].moment == SECOND // 25
    # the clip's own time is now 4 s (its key frame) at 1 s after the begin; its beeps come at whole seconds
    heard = pieces(audio, 100, NOW + SECOND)
    assert abs(heard[0].moment - (NOW + SECOND)) <= 10_000_000, "half a packet either way"
    beeps = reading.beep_times(decode_opus([piece.data for piece in heard]), 1000, heard[0].moment)
    assert all(abs(beep - round(beep, -9)) < 10_000_000 for beep in beeps)
    assert video.next_piece(NOW + SECOND).moment - following.moment == SECOND // 25, "the picture does not wait for it"


def test_a_key_frame_that_is_near_is_waited_for(tmp_path):
    """Nothing is left out when the clip brings one within a second."""
    feed = copy_of(write_clip(tmp_path / "clip.mp4", seconds=2, gop=20))
    pieces(feed, 5)
    feed.want_key()
    sent = pieces(feed, 20)
    assert [place for place, piece in enumerate(sent) if piece.key] == [15]
    assert sent[-1].moment - sent[0].moment == 19 * SECOND // 25


def test_after_a_pause_the_clip_goes_on_where_it_was(tmp_path):
    """A stopped process comes back without a burst, sound and picture together."""
    clip = examine(write_clip(tmp_path / "clip.mp4", seconds=2))
    timeline = Timeline()
    video, audio = CopyFeed(clip, clip.video, timeline, loop=True), ClipSoundFeed(clip, timeline, loop=True)
    pieces(video, 10)
    pieces(audio, 20)
    later = NOW + 60 * SECOND
    assert video.next_piece(later).moment == later
    assert abs(audio.next_piece(later).moment - later) < 30_000_000


@pytest.mark.parametrize("codec", ["h264", "vp8"])
def test_other_clips_are_transcoded(tmp_path, codec):
    """Same size, readable picture, key frame when asked, no B-frames."""
    clip = examine(write_clip(tmp_path / "clip.mp4", options={"bf": "2"}))
    feed = TranscodeFeed(clip, clip.video, Timeline(), codec, 400, loop=True)
    sent = pieces(feed, 30)
    feed.want_key()
    sent += pieces(feed, 30)
    decoder = av.CodecContext.create("h264" if codec == "h264" else "libvpx", "r")
    frames = [frame for piece in sent for frame in decoder.decode(av.Packet(piece.data))]
    assert len(frames) >= 59
    assert (frames[-1].width, frames[-1].height) == (320, 180)
    assert [place for place, piece in enumerate(sent) if piece.key][:2] == [0, 30]
    assert [piece.moment for piece in sent] == sorted(piece.moment for piece in sent)


def test_the_sound_of_a_clip_is_in_time(tmp_path):
    """Its beeps come at whole seconds of the clip, over rounds."""
    clip = examine(write_clip(tmp_path / "clip.mp4", seconds=2))
    feed = ClipSoundFeed(clip, Timeline(), loop=True)
    heard = pieces(feed, 190)
    beeps = reading.beep_times(decode_opus([piece.data for piece in heard]), 1000, heard[0].moment)
    assert len(beeps) == 4
    assert all(abs(beep - round(beep - NOW, -9) - NOW) < 15_000_000 for beep in beeps)


def test_a_picture_lying_on_its_side_is_turned(tmp_path):
    """A phone's clip: sized upright, and not sent as it is."""
    path = write_clip(tmp_path / "clip.mp4", size=(320, 180), audio=None)
    turned = tmp_path / "turned.mp4"
    turned.write_bytes(turned_by_90(path.read_bytes()))
    clip = examine(turned)
    assert (clip.video.width, clip.video.height) == (180, 320)
    assert not clip.video.copyable
    piece = TranscodeFeed(clip, clip.video, Timeline(), "h264", 400, loop=True).next_piece(NOW)
    (frame,) = av.CodecContext.create("h264", "r").decode(av.Packet(piece.data)) or [None]
    assert (frame.width, frame.height) == (180, 320)
    # the flash field, white at the begin, lies left-top upright; turned clockwise by 90 degrees it is right-top
    luma = frame.to_ndarray()[:320]
    assert luma[30:60, 130:150].mean() > 200
    assert luma[30:60, 30:50].mean() < 120


def turned_by_90(mp4):
    """The track's display matrix (ISO 14496-12 8.3.2) set to a quarter turn clockwise."""
    one, minus_one = (1 << 16).to_bytes(4, "big"), (-(1 << 16)).to_bytes(4, "big", signed=True)
    zero, last = bytes(4), (1 << 30).to_bytes(4, "big")
    upright = one + zero + zero + zero + one + zero + zero + zero + last
    quarter = zero + one + zero + minus_one + zero + zero + (180 << 16).to_bytes(4, "big") + zero + last
    head = mp4.index(b"tkhd")
    place = mp4.index(upright, head)
    return mp4[:place] + quarter + mp4[place + len(upright) :]
