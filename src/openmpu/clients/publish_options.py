"""What `openmpu publish` is asked to do, checked before anything is sent, and the feeds that follow from it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from openmpu.clients import looks
from openmpu.clients.clip import Clip, ClipVideo, Timeline, examine
from openmpu.clients.clip_feeds import ClipSoundFeed, CopyFeed, TranscodeFeed
from openmpu.clients.encoders import VideoCodec
from openmpu.clients.feeds import Feed
from openmpu.clients.marks import tag_of
from openmpu.clients.picture import Look
from openmpu.clients.sound import Voice
from openmpu.clients.test_source import PictureFeed, SoundFeed
from openmpu.clients.whip import WhipEndpoint, endpoint_url
from openmpu.errors import Invalid, Missing
from openmpu.model.colours import Colour
from openmpu.model.ids import is_name

TEST_INPUT = "test"
_BITS_PER_PIXEL = 0.055
_LEAST_KBPS, _MOST_KBPS = 50, 20_000


@dataclass(frozen=True, slots=True)
class PublishOptions:
    """One publisher.

    Attributes:
        server: Such as `http://127.0.0.1:8080`.
        source: `camera` or `shareScreen`: which source of the user this is.
        input: `test`, or the path of a media file.
        video: `h264`, `vp8` or `none`; audio: `opus` or `none`.
        token: A join token; else one is made with `key` (an AppKey), anew for each connection.
        seconds: End by itself after so long; None: when told to.
        loop: Begin a file anew when it is over.
        bitrate_kbps: Of encoded video; None: by size and frame rate.
        width: Size and frame rate of the test input; a file keeps its own.
        colour: Of the test picture; None: by user id. The same for `tone_hz`, where 0 is silence.
        full_size: Send pictures whole also when the server tells that they are shown smaller.
    """

    server: str
    app_id: str
    channel_id: str
    user_id: str
    token: str = field(default="", repr=False)
    key: str = field(default="", repr=False)
    source: str = "camera"
    input: str = TEST_INPUT
    video: str = "h264"
    audio: str = "opus"
    seconds: float | None = None
    loop: bool = True
    bitrate_kbps: int | None = None
    width: int = 1280
    height: int = 720
    fps: int = 30
    colour: Colour | None = None
    tone_hz: int | None = None
    full_size: bool = False

    def check(self) -> None:
        """Refuse what cannot be, before anything is opened.

        Raises:
            Invalid: A value cannot be; its `subject` names the option.
            Missing: Neither token nor key.
        """
        for name in ("app_id", "channel_id", "user_id"):
            if not is_name(getattr(self, name)):
                label = name.removesuffix("_id")
                raise Invalid(label, "must be 1 to 64 letters, digits, - or _")
        self._check_choices()
        if not (self.token or self.key):
            raise Missing("token", "give a join token or an AppKey to make one with")
        if not all(" " < char < "\x7f" for char in self.token):
            raise Invalid("token", "has blanks or characters that no token has")
        endpoint_url(self.server, self.app_id, self.channel_id, self.user_id, self.source)

    def _check_choices(self) -> None:
        choices = (
            ("source", self.source, ("camera", "shareScreen")),
            ("video", self.video, ("h264", "vp8", "none")),
            ("audio", self.audio, ("opus", "none")),
        )
        for name, value, allowed in choices:
            if value not in allowed:
                raise Invalid(name, f"{value}: must be one of {', '.join(allowed)}")
        if self.video == "none" and self.audio == "none":
            raise Invalid("video", "neither picture nor sound is to be sent")
        if self.bitrate_kbps is not None and not _LEAST_KBPS <= self.bitrate_kbps <= _MOST_KBPS:
            raise Invalid("bitrate", f"{self.bitrate_kbps} kbit/s: must be {_LEAST_KBPS} to {_MOST_KBPS}")
        if self.seconds is not None and not (self.seconds > 0 and math.isfinite(self.seconds)):
            raise Invalid("seconds", "must be above 0")

    def endpoint(self, token: str) -> WhipEndpoint:
        """Where to publish with this token."""
        return WhipEndpoint(endpoint_url(self.server, self.app_id, self.channel_id, self.user_id, self.source), token)


def open_feeds(options: PublishOptions) -> list[Feed]:
    """The tracks to send, one or two.

    Raises:
        Invalid: The input cannot be read, or has nothing of what is wanted.
    """
    if options.input == TEST_INPUT:
        return _test_feeds(options)
    return _clip_feeds(options, examine(Path(options.input)))


def _test_feeds(options: PublishOptions) -> list[Feed]:
    feeds: list[Feed] = []
    if options.video != "none":
        colour = options.colour or looks.colour_of(options.user_id)
        title, tag = options.user_id, tag_of(options.user_id)
        look = Look(options.width, options.height, options.fps, colour, title, tag)
        feeds.append(PictureFeed(look, _codec(options), _bitrate(options, look.width, look.height, look.fps)))
    if options.audio != "none":
        tone = looks.tone_of(options.user_id) if options.tone_hz is None else options.tone_hz
        feeds.append(SoundFeed(Voice(tone)))
    return feeds


def _clip_feeds(options: PublishOptions, clip: Clip) -> list[Feed]:
    timeline = Timeline()
    feeds: list[Feed] = []
    if options.video != "none" and clip.video:
        feeds.append(_clip_video(options, clip, clip.video, timeline))
    if options.audio != "none" and clip.has_audio:
        feeds.append(ClipSoundFeed(clip, timeline, loop=options.loop))
    if not feeds:
        raise Invalid("input", f"{clip.path}: has nothing of what is to be sent")
    return feeds


def _clip_video(options: PublishOptions, clip: Clip, video: ClipVideo, timeline: Timeline) -> Feed:
    if options.video == "h264" and video.copyable:
        return CopyFeed(clip, video, timeline, loop=options.loop)
    bitrate = _bitrate(options, video.width, video.height, video.fps)
    return TranscodeFeed(clip, video, timeline, _codec(options), bitrate, loop=options.loop)


def _codec(options: PublishOptions) -> VideoCodec:
    return cast("VideoCodec", options.video)


def _bitrate(options: PublishOptions, width: int, height: int, fps: float) -> int:
    if options.bitrate_kbps is not None:
        return options.bitrate_kbps
    return max(250, round(width * height * fps * _BITS_PER_PIXEL / 1000))
