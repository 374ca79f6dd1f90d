"""The shelf that tasks share: fresh bodies come back, old and surplus ones do not, and a bad disk harms nobody."""

import asyncio
import os
import time
from dataclasses import replace

import pytest

from openmpu.media.options import WorkerOptions
from openmpu.media.pictures.shelf import FRESH_SECONDS, Shelf
from openmpu.media.scenery import _Fetcher
from openmpu.model.colours import Colour
from tests.rig.picture_server import picture_server

URL = "http://example.com/logo.png?secret=planted"
OPTIONS = WorkerOptions("", "a", "t", allow_networks=("127.0.0.0/8",))


def test_another_task_finds_what_one_fetched(tmp_path):
    """Two shelves over one directory, as two processes have; the URL is not told by the file's name."""
    Shelf(str(tmp_path / "deep" / "er")).put(URL, b"body")
    other = Shelf(str(tmp_path / "deep" / "er"))
    assert other.get(URL, time.time()) == b"body"
    assert other.get(URL + "2", time.time()) is None
    assert all("planted" not in place.name for place in tmp_path.rglob("*"))
    assert (tmp_path / "deep" / "er").stat().st_mode & 0o077 == 0


def test_what_is_old_is_fetched_again(tmp_path):
    """Five minutes; a clock that was set back counts as old as well."""
    shelf, now = Shelf(str(tmp_path)), time.time()
    shelf.put(URL, b"body")
    assert shelf.get(URL, now + FRESH_SECONDS + 1) is None
    assert shelf.get(URL, now - 1000) is None


def test_the_oldest_go(tmp_path):
    """Never more files than allowed, and the newest stay."""
    shelf = Shelf(str(tmp_path), most=3)
    for number in range(6):
        shelf.put(f"{URL}{number}", bytes([number]))
        for place in tmp_path.iterdir():
            os.utime(place, (place.stat().st_atime, place.stat().st_mtime - 1))
    assert len(list(tmp_path.iterdir())) == 3
    assert shelf.get(f"{URL}5", time.time()) == b"\x05"
    assert shelf.get(f"{URL}0", time.time()) is None


@pytest.mark.parametrize("place", ["", "/proc/nowhere", "/dev/null/x"])
def test_nothing_is_kept_where_nothing_can_be(place):
    """No directory, or one that cannot be made: every picture is fetched."""
    shelf = Shelf(place)
    shelf.put(URL, b"body")
    assert shelf.get(URL, time.time()) is None


async def test_tasks_fetch_once_and_a_retry_asks_the_source(tmp_path):
    """Two workers' sceneries: one request; what had to be asked for again is fetched, as the shelf's could not be used."""
    options = replace(OPTIONS, cache_dir=str(tmp_path))
    with picture_server() as pictures:
        first, second = _Fetcher(options), _Fetcher(options)
        url = pictures.of(Colour(1, 2, 3))
        body = await asyncio.to_thread(first.fetch, url)
        Shelf(str(tmp_path)).put(url, b"from the shelf")
        assert await asyncio.to_thread(second.fetch, url) == b"from the shelf"
        assert await asyncio.to_thread(second.fetch, url) == body
