"""The store of pictures: nobody waits, failures are tried again, memory is bounded."""

from concurrent.futures import Executor

import numpy as np
import pytest

from openmpu.errors import Denied, Invalid
from openmpu.media.pictures import store
from openmpu.media.pictures.picture import Picture, fit_picture
from openmpu.media.pictures.store import InlineExecutor, Pictures, masked
from openmpu.model.geometry import PixelRect
from openmpu.model.overlays import Fit
from tests.media.pictures_and_people import RED, plain_picture

SECOND = 1_000_000_000


class LaterExecutor(Executor):
    """Runs what was submitted when told to."""

    def __init__(self):
        self.waiting = []

    def submit(self, fn, /, *args, **kwargs):
        self.waiting.append(lambda: fn(*args, **kwargs))

    def run(self):
        waiting, self.waiting = self.waiting, []
        for job in waiting:
            job()


class Site:
    """Bytes by URL; counts what it is asked for."""

    def __init__(self, **pages):
        self.pages = pages
        self.asked = []

    def fetch(self, url):
        self.asked.append(url)
        page = self.pages.get(url, OSError("refused"))
        if isinstance(page, Exception):
            raise page
        return page


def decode(data):
    if data == b"broken":
        raise Invalid("picture", "is no PNG, JPEG or WebP")
    return plain_picture(RED)


def test_get_does_not_wait():
    """None until it is there, and one fetch however often one asks."""
    site, executor = Site(a=b"ok"), LaterExecutor()
    pictures = Pictures(site, executor, decode)
    assert pictures.get("a", 0) is None
    assert pictures.get("a", 1) is None
    executor.run()
    assert pictures.get("a", 2) is not None
    assert site.asked == ["a"]


@pytest.mark.parametrize(
    "failure", [OSError("x"), RuntimeError("of a client"), Denied("picture", "leads into a private network"), b"broken"]
)
def test_failures_are_tried_again_after_30_s(failure):
    """And shown as a problem until it goes well (operations.md 3.2)."""
    site = Site(a=failure)
    pictures = Pictures(site, InlineExecutor(), decode)
    assert pictures.get("a", 0) is None
    assert len(pictures.problems) == 1
    for now in (0, 10, 29):
        pictures.get("a", now * SECOND)
    assert len(site.asked) == 1
    site.pages["a"] = b"ok"
    assert pictures.get("a", 30 * SECOND) is not None
    assert pictures.problems == ()


def test_inline_executor_loads_at_once():
    """For a preview the first question has the answer."""
    assert Pictures(Site(a=b"ok"), InlineExecutor(), decode).get("a", 0) is not None


def test_memory_is_bounded(monkeypatch):
    """What was asked for longest ago goes first."""
    monkeypatch.setattr(store, "MAX_KEPT_BYTES", 3 * plain_picture(RED).pixels.nbytes)
    site = Site(**dict.fromkeys("abcde", b"ok"))
    pictures = Pictures(site, InlineExecutor(), decode)
    for name in "abcdea":
        pictures.get(name, 0)
    assert site.asked == ["a", "b", "c", "d", "e", "a"]


def test_number_of_urls_is_bounded(monkeypatch):
    """Also of those that never load."""
    monkeypatch.setattr(store, "MAX_ENTRIES", 3)
    pictures = Pictures(Site(), InlineExecutor(), decode)
    for number in range(10):
        pictures.get(str(number), 0)
    assert len(pictures.problems) <= 3


def test_problems_tell_no_secrets():
    """Neither a query nor a password of the URL is shown."""
    assert masked("https://me:pass@cdn.example/a/b.png?Signature=xyz") == "https://cdn.example/a/b.png"
    pictures = Pictures(Site(), InlineExecutor(), decode)
    pictures.get("https://me:pass@cdn.example/a.png?token=xyz", 0)
    assert "pass" not in pictures.problems[0]
    assert "xyz" not in pictures.problems[0]


@pytest.mark.parametrize(
    ("fit", "rect", "corner"),
    [
        (Fit.STRETCH, PixelRect(0, 0, 40, 40), [255, 0, 0, 255]),
        (Fit.CROP, PixelRect(0, 0, 40, 40), [255, 0, 0, 255]),
        (Fit.CONTAIN, PixelRect(0, 10, 40, 20), [255, 0, 0, 255]),
        (Fit.CONTAIN_ON_BLACK, PixelRect(0, 0, 40, 40), [0, 0, 0, 255]),
    ],
)
def test_fits(fit, rect, corner):
    """A 2:1 picture in a square."""
    artwork = fit_picture(plain_picture(RED, 255, 20, 10), fit, PixelRect(0, 0, 40, 40))
    assert artwork.rect == rect
    assert artwork.pixels[0, 0].tolist() == corner
    assert artwork.pixels[artwork.rect.height // 2, 20].tolist() == [255, 0, 0, 255]


@pytest.mark.parametrize("size", [(1, 1), (1, 300), (4000, 3)])
@pytest.mark.parametrize("fit", list(Fit))
def test_any_proportions_fit(size, fit):
    """A picture of one pixel, or of one column, is drawn like any other."""
    picture = Picture(np.full((size[1], size[0], 4), 255, np.uint8))
    artwork = fit_picture(picture, fit, PixelRect(0, 0, 40, 20))
    assert artwork.pixels.shape[:2] == (artwork.rect.height, artwork.rect.width)
