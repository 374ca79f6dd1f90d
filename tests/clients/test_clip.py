"""What is found in media files before they are published."""

import pytest

from openmpu.clients.clip import Timeline, examine
from openmpu.errors import Invalid
from tests.clients.clips import write_clip

SECOND = 1_000_000_000


@pytest.mark.parametrize("profile", ["baseline", "main", "high"])
def test_h264_without_b_frames_can_go_as_it_is(tmp_path, profile):
    """Whatever its profile is of those that everybody decodes."""
    clip = examine(write_clip(tmp_path / "clip.mp4", options={"profile": profile}))
    assert clip.video
    assert clip.video.copyable
    assert (clip.video.width, clip.video.height, clip.video.fps) == (320, 180, 25)


@pytest.mark.parametrize(
    ("name", "options", "codec"),
    [
        ("clip.mp4", {"bf": "2", "preset": "medium"}, "libx264"),
        ("clip.webm", {}, "libvpx"),
    ],
)
def test_other_pictures_are_transcoded(tmp_path, name, options, codec):
    """B-frames, and codecs that are not H.264."""
    audio = "libopus" if name.endswith("webm") else "aac"
    clip = examine(write_clip(tmp_path / name, options=options, codec=codec, audio=audio))
    assert clip.video
    assert not clip.video.copyable
    assert clip.has_audio


def test_key_frames_and_period_are_known(tmp_path):
    """In the clip's own time, which begins at 0."""
    clip = examine(write_clip(tmp_path / "clip.mp4", seconds=2.0, gop=20, audio=None))
    assert clip.video
    assert clip.video.keys == (0, 800_000_000, 1_600_000_000)
    assert clip.period == 2 * SECOND
    assert not clip.has_audio


def test_sound_alone_is_a_clip(tmp_path):
    """Without a picture."""
    clip = examine(write_clip(tmp_path / "clip.mp4", codec=None))
    assert clip.video is None
    assert clip.has_audio


@pytest.mark.parametrize(
    ("content", "reason"), [(None, "no such file"), (b"", "invalid data"), (b"no media at all\n" * 50, "invalid data")]
)
def test_what_is_no_media_is_refused_by_name(tmp_path, content, reason):
    """One sentence with the file's name."""
    path = tmp_path / "thing.mp4"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(Invalid) as caught:
        examine(path)
    assert str(path) in caught.value.message
    assert reason in caught.value.message


def test_a_cut_file_is_refused(tmp_path):
    """An MP4 whose index is lost."""
    whole = write_clip(tmp_path / "clip.mp4").read_bytes()
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(Invalid):
        examine(cut)


def test_a_timeline_begins_when_it_is_first_asked():
    """And moves for all who share it."""
    timeline = Timeline()
    assert timeline.moment(0, 1000) == 1000
    assert timeline.moment(500, 9999) == 1500
    timeline.shift(-200)
    assert timeline.moment(500, 9999) == 1300
