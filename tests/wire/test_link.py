"""The link's framing: what goes in comes out, however it is cut, and nothing else does."""

from __future__ import annotations

import contextlib
import json
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openmpu.model.frames import EncodedFrame
from openmpu.model.ids import AppId, ChannelId, ChannelKey, TaskId, TaskKey, TrackId, UserId
from openmpu.model.roster import Kind, Roster, Source, Track, User
from openmpu.wire import link

CHANNEL = ChannelKey(AppId("app"), ChannelId("room"))
CAMERA = Track(TrackId("t1"), Kind.VIDEO, Source.CAMERA, "h264", 1_700_000_000_000_000_001)
ROSTER = Roster((User(CHANNEL.channel_id, UserId("ann"), 1_700_000_000_000_000_000, (CAMERA,)),))
MESSAGES = (
    link.Watch(CHANNEL),
    link.Unwatch(CHANNEL),
    link.Subscribe(7, CHANNEL, CAMERA.track_id),
    link.Unsubscribe(7),
    link.WantKeyFrame((1 << 32) - 1),
    link.Shown(7, 640, 360, 15),
    link.RosterChanged(CHANNEL, ROSTER),
    link.TrackEnded(7),
    link.Present(8, TaskKey(CHANNEL.app_id, TaskId("show")), 3, Kind.VIDEO, "h264"),
    link.Withdraw(8),
    link.Played(8, 2),
)

frames = st.builds(
    EncodedFrame,
    rtp_time=st.integers(0, (1 << 32) - 1),
    arrival=st.integers(0, (1 << 63) - 1),
    data=st.binary(max_size=200),
    key=st.booleans(),
    ntp=st.none() | st.integers(0, (1 << 63) - 1),
    level=st.none() | st.integers(0, 127),
    lost=st.integers(0, 255),
    rotation=st.sampled_from([0, 90, 180, 270]),
)


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: type(message).__name__)
def test_message_round_trip(message):
    """Every message comes out as it went in."""
    assert list(link.LinkReader().feed(link.encode_message(message))) == [message]


@given(frames)
def test_media_round_trip(frame):
    """Every frame comes out as it went in, with each of its marks."""
    assert list(link.LinkReader().feed(link.encode_media(3, frame))) == [link.Media(3, frame)]


@given(st.lists(frames, max_size=5), st.lists(st.integers(1, 60), min_size=1, max_size=20))
def test_cut_anywhere(sent, sizes):
    """The stream may be cut into pieces of any size."""
    stream = b"".join(link.encode_media(1, frame) + link.encode_message(link.TrackEnded(1)) for frame in sent)
    reader, got, at, n = link.LinkReader(), [], 0, 0
    while at < len(stream):
        size = sizes[n % len(sizes)]
        got += reader.feed(stream[at : at + size])
        at, n = at + size, n + 1
    assert [one.frame for one in got[::2]] == sent


def test_many_lost_are_told_as_255():
    """A count that does not fit is told as the largest that does."""
    (media,) = link.LinkReader().feed(link.encode_media(1, EncodedFrame(0, 0, b"", lost=1000)))
    assert media.frame.lost == 255


def _message(plain):
    body = json.dumps(plain).encode() if not isinstance(plain, bytes) else plain
    return struct.pack(">IB", len(body), 0) + body


@pytest.mark.parametrize(
    "data",
    [
        struct.pack(">IB", link.MAX_BODY + 1, 1),
        struct.pack(">IB", 3, 1) + b"abc",
        struct.pack(">IB", 0, 9),
        _message(b"\xff{"),
        _message(b"[" * 100_000),
        _message([]),
        _message({}),
        _message({"type": "Nonsense"}),
        _message({"type": "EncodedFrame"}),
        _message({"type": "Watch"}),
        _message({"type": "Watch", "channel": 5}),
        _message({"type": "Unsubscribe", "number": "7"}),
        _message({"type": "Unsubscribe", "number": -1}),
        _message({"type": "Unsubscribe", "number": 1 << 32}),
    ],
)
def test_broken_streams(data):
    """What cannot be read says so in our own error, never in another."""
    with pytest.raises(link.LinkBroken):
        list(link.LinkReader().feed(data))


@given(st.binary(max_size=300))
def test_any_bytes(data):
    """Any bytes give messages, or wait for more, or break the link; nothing else."""
    with contextlib.suppress(link.LinkBroken):
        list(link.LinkReader().feed(data))
