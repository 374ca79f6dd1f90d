"""Decoders: whole pictures only."""

import random
from dataclasses import replace

import numpy as np
import pytest

from openmpu.errors import Unsupported
from openmpu.media.decoding.video import MAX_PIXELS, VideoDecoder, can_decode
from openmpu.model.frames import EncodedFrame
from tests.media.synthetic import Camera

RED = (81, 90, 240)
CODECS = ("h264", "vp8", "vp9", "av1", "h265")


@pytest.mark.parametrize("codec", CODECS)
def test_each_frame_gives_its_picture_at_once(codec: str) -> None:
    """No delay: what goes in comes out, in the colour that it has."""
    assert can_decode(codec)
    decoder = VideoDecoder(codec)
    for frame in Camera(RED, codec=codec, seconds=0.8, fps=25).frames():
        picture = decoder.decode(frame)
        assert picture is not None
    luma = np.asarray(picture.to_ndarray())[:180, :320]
    assert abs(float(luma.mean()) - RED[0]) < 3


@pytest.mark.parametrize("codec", ["h264", "vp8", "vp9"])
def test_nothing_is_shown_after_a_loss_until_a_key_frame(codec: str) -> None:
    """A missing reference would smear over the picture."""
    frames = Camera(RED, codec=codec, seconds=2.0, gop=20).frames()
    decoder = VideoDecoder(codec)
    frames[7] = replace(frames[7], lost=1)
    shown = [decoder.decode(frame) is not None for frame in frames]
    keys = [number for number, frame in enumerate(frames) if frame.key]
    assert shown[:7] == [True] * 7
    assert not any(shown[7 : keys[1]])
    assert all(shown[keys[1] :])


def test_nothing_is_shown_before_the_first_key_frame() -> None:
    """Joining in the middle."""
    frames = Camera(RED, seconds=1.0).frames()
    decoder = VideoDecoder("h264")
    assert [decoder.decode(frame) for frame in frames[1:5]] == [None] * 4
    assert decoder.broken


@pytest.mark.parametrize("codec", CODECS)
def test_hostile_bytes_are_data(codec: str) -> None:
    """Cut, flipped and invented frames: no exception, and the next key frame is shown."""
    chance = random.Random(5)
    frames = Camera(RED, codec=codec, seconds=1.0, gop=15).frames()
    decoder = VideoDecoder(codec)
    for frame in frames * 3:
        bad = bytearray(frame.data)
        for _ in range(chance.randint(1, 20)):
            bad[chance.randrange(len(bad))] = chance.randrange(256)
        decoder.decode(replace(frame, data=bytes(bad[: chance.randint(0, len(bad))])))
        decoder.decode(EncodedFrame(0, 0, chance.randbytes(60), key=bool(chance.randint(0, 1))))
    decoder.lose()
    assert decoder.decode(frames[0]) is not None


def test_a_frame_with_missing_slices_is_withheld() -> None:
    """FFmpeg conceals it and says so; we do not show it."""
    frames = Camera(RED, seconds=1.0).frames()
    decoder = VideoDecoder("h264")
    decoder.decode(frames[0])
    cut = frames[0].data[: len(frames[0].data) * 2 // 3]
    assert decoder.decode(replace(frames[0], data=cut)) is None
    assert decoder.broken
    assert decoder.errors == 1


def test_another_size_in_mid_stream_is_followed() -> None:
    """The publisher's bandwidth fell: pictures are smaller from the next key frame on."""
    decoder = VideoDecoder("h264")
    sizes = set()
    for camera in (Camera(RED, seconds=0.3), Camera(RED, width=160, height=90, seconds=0.3), Camera(RED, seconds=0.3)):
        for frame in camera.frames():
            picture = decoder.decode(frame)
            assert picture is not None
            sizes.add((picture.width, picture.height))
    assert sizes == {(320, 180), (160, 90)}


def test_pictures_that_are_too_large_are_not_decoded() -> None:
    """A stranger's 8K costs nothing."""
    large = Camera(RED, width=4096, height=2304, seconds=0.05, fps=20)
    assert large.width * large.height > MAX_PIXELS
    decoder = VideoDecoder("h264")
    assert decoder.decode(large.frames()[0]) is None


def test_an_unknown_codec_is_refused() -> None:
    """There is no decoder for it."""
    with pytest.raises(Unsupported):
        VideoDecoder("theora")
