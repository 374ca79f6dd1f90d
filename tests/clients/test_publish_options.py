"""What `openmpu publish` refuses before it sends anything."""

import dataclasses

import pytest

from openmpu.clients.publish_options import PublishOptions, open_feeds
from openmpu.errors import Invalid, Missing
from openmpu.model.roster import Kind
from tests.clients.clips import write_clip

GOOD = PublishOptions("http://127.0.0.1:8080", "app", "room", "alice", token="t")


def test_good_options_pass():
    """A token or a key."""
    GOOD.check()
    dataclasses.replace(GOOD, token="", key="k").check()


@pytest.mark.parametrize(
    ("changes", "subject"),
    [
        ({"server": "127.0.0.1:8080"}, "server"),
        ({"server": "ftp://host"}, "server"),
        ({"server": "http://[::1"}, "server"),
        ({"server": "http://host:99999"}, "server"),
        ({"app_id": ""}, "app"),
        ({"channel_id": "a/b"}, "channel"),
        ({"user_id": "x" * 65}, "user"),
        ({"source": "screen"}, "source"),
        ({"video": "h265"}, "video"),
        ({"audio": "aac"}, "audio"),
        ({"video": "none", "audio": "none"}, "video"),
        ({"bitrate_kbps": 1}, "bitrate"),
        ({"seconds": 0.0}, "seconds"),
        ({"seconds": float("nan")}, "seconds"),
        ({"token": "a b"}, "token"),
        ({"token": "a\nHost: x"}, "token"),
    ],
)
def test_bad_options_are_refused_by_name(changes, subject):
    """One sentence, whose subject is the option."""
    with pytest.raises(Invalid) as caught:
        dataclasses.replace(GOOD, **changes).check()
    assert caught.value.subject == subject


def test_without_a_proof_nothing_is_published():
    """Neither token nor key."""
    with pytest.raises(Missing):
        dataclasses.replace(GOOD, token="").check()


def test_secrets_do_not_show():
    """In no repr."""
    shown = repr(dataclasses.replace(GOOD, token="hush1", key="hush2")) + repr(GOOD.endpoint("hush3"))
    assert "hush" not in shown


def kinds(options):
    feeds = open_feeds(options)
    for feed in feeds:
        feed.close()
    return [(feed.kind, feed.codec) for feed in feeds]


def test_the_feeds_are_what_is_asked_for(tmp_path):
    """Of the test input, and of a clip."""
    assert kinds(GOOD) == [(Kind.VIDEO, "h264"), (Kind.AUDIO, "opus")]
    assert kinds(dataclasses.replace(GOOD, video="vp8", audio="none")) == [(Kind.VIDEO, "vp8")]
    clip = dataclasses.replace(GOOD, input=str(write_clip(tmp_path / "clip.mp4")))
    assert kinds(clip) == [(Kind.VIDEO, "h264"), (Kind.AUDIO, "opus")]
    assert kinds(dataclasses.replace(clip, video="vp8")) == [(Kind.VIDEO, "vp8"), (Kind.AUDIO, "opus")]


def test_a_clip_without_what_is_wanted_is_refused(tmp_path):
    """Only a picture is in it, only sound is wanted."""
    path = write_clip(tmp_path / "silent.mp4", audio=None)
    with pytest.raises(Invalid, match=r"silent\.mp4"):
        open_feeds(dataclasses.replace(GOOD, input=str(path), video="none"))
