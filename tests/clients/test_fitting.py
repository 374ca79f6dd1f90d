"""Publishers that make their pictures no larger than anybody wants to see."""

import av
import numpy as np
import pytest

from openmpu.clients.fitting import DOWN_AFTER, FittingEncoder, Form
from openmpu.timing.ticks import SECOND

FULL = Form("h264", 1280, 720, 30, 1500)
TICK = SECOND // 30


@pytest.mark.parametrize(
    ("pixels", "size"),
    [
        (1280 * 720, (1280, 720)),
        (616 * 346, (640, 360)),
        (640 * 360, (640, 360)),
        (640 * 360 + 1, (1280, 720)),
        (420 * 240, (426, 240)),
        (310 * 174, (320, 180)),
        (1, (320, 180)),
        (10_000_000, (1280, 720)),
    ],
)
def test_a_picture_is_made_smaller_but_never_than_is_of_use(pixels: int, size: tuple[int, int]) -> None:
    """Whole fractions of it, even sides."""
    form = FULL.fitted(pixels)
    assert (form.width, form.height) == size


def test_a_small_picture_is_not_made_tiny() -> None:
    """Below 90 lines nothing can be told apart, and little is saved."""
    assert Form("h264", 160, 120, 15, 250).fitted(1) == Form("h264", 160, 120, 15, 250)


class Film:
    """A fitting encoder and what comes out of it, as a receiver decodes it."""

    def __init__(self) -> None:
        self.encoder = FittingEncoder(FULL)
        self.decoder = av.CodecContext.create("h264", "r")
        self.now = 0
        self.keys: list[bool] = []

    def size_after(self, ticks: int) -> tuple[int, int]:
        """Encode so many pictures; the size of the last one."""
        picture = None
        for _ in range(ticks):
            self.now += TICK
            frame = av.VideoFrame.from_ndarray(np.full((1080, 1280), 128, np.uint8), "yuv420p")
            data, key = self.encoder.encode(frame, self.now * 9 // 100_000, self.now, key=False)
            self.keys.append(key)
            picture = self.decoder.decode(av.Packet(data))[-1]
        assert picture is not None
        return picture.width, picture.height


def test_it_gets_smaller_after_a_second_and_large_again_at_once() -> None:
    """Each change begins with a key frame; a wish that passes by costs none."""
    film = Film()
    assert film.size_after(3) == (1280, 720)
    film.encoder.fit(616 * 346)
    assert film.size_after(15) == (1280, 720)
    film.encoder.fit(1280 * 720)
    film.size_after(1)
    film.encoder.fit(616 * 346)
    assert film.size_after(DOWN_AFTER // TICK - 1) == (1280, 720)
    assert film.keys.count(True) == 1
    assert film.size_after(4) == (640, 360)
    film.encoder.fit(1280 * 720)
    assert film.size_after(1) == (1280, 720)
    assert film.keys.count(True) == 3
