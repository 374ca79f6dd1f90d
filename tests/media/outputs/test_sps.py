"""Sizes out of parameter sets, beside x264's own and what FFmpeg makes of them."""

from fractions import Fraction

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st

from openmpu.media.outputs import annexb, avc
from openmpu.media.outputs.sps import picture_size


def parameter_set(width, height, pixels="yuv420p", **options):
    """The one that x264 writes."""
    context = av.CodecContext.create("libx264", "w")
    context.width, context.height, context.pix_fmt = width, height, pixels
    context.time_base = Fraction(1, 25)
    context.options = {"tune": "zerolatency", "preset": "ultrafast", **options}
    frame = av.VideoFrame(width, height, pixels)
    data = b"".join(bytes(packet) for packet in [*context.encode(frame), *context.encode(None)])
    return next(nal for nal in annexb.units(data) if avc.unit_type(nal) == avc.SPS)


@pytest.mark.parametrize("size", [(320, 180), (1280, 720), (1920, 1080), (750, 780), (98, 34), (640, 366), (16, 16)])
@pytest.mark.parametrize("profile", ["baseline", "main", "high"])
def test_every_size_and_profile(size, profile):
    """Cropping included: 1080 is not a multiple of 16."""
    assert picture_size(parameter_set(*size, profile=profile)) == size


@pytest.mark.parametrize("pixels", ["yuv422p", "yuv444p", "gray"])
def test_other_chroma_formats(pixels):
    """Cropping is counted in other units there."""
    assert picture_size(parameter_set(322, 182, pixels)) == (322, 182)


def test_fields_and_scaling_lists():
    """Interlaced: heights count twice; JVT's matrices stand in the set."""
    assert picture_size(parameter_set(720, 484, **{"x264-params": "interlaced=1"})) == (720, 484)
    assert picture_size(parameter_set(720, 484, **{"x264-params": "cqm=jvt"})) == (720, 484)


def test_a_set_that_is_cut_short_has_no_size():
    """At any place before the size."""
    whole = parameter_set(320, 180)
    assert all(picture_size(whole[:length]) is None for length in range(8))


@given(st.binary(max_size=80))
def test_no_bytes_raise(data):
    """A stranger wrote them."""
    size = picture_size(b"\x67" + data)
    assert size is None or min(size) > 0
