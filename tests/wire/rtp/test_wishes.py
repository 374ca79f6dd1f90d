"""A picture's size said in bits."""

import pytest

from openmpu.wire.rtp.wishes import AUDIO_ALLOWANCE, bitrate_of, pixels_of


@pytest.mark.parametrize(("width", "height", "kbps"), [(1280, 720, 4147), (640, 360, 1036), (64, 36, 150)])
def test_bitrate_of_a_size(width: int, height: int, kbps: int) -> None:
    """A picture's worth in bits grows with its pixels, down to a floor."""
    assert bitrate_of(width * height) // 1000 == kbps


@pytest.mark.parametrize(("width", "height"), [(1920, 1080), (1280, 720), (616, 346), (310, 174)])
def test_a_sender_reads_the_size_back(width: int, height: int) -> None:
    """Within what REMB's 18 bits of mantissa leave of it."""
    told = bitrate_of(width * height) + AUDIO_ALLOWANCE
    assert pixels_of(told - told // 100_000) == pytest.approx(width * height, rel=0.001)
