"""Small values: colours, URLs, states, and their way through JSON."""

import json

import pytest

from openmpu.errors import InternalError, Invalid
from openmpu.model.codec import from_plain, to_plain
from openmpu.model.colours import BT601, BT709, Colour, matrix_of, to_ycbcr
from openmpu.model.ids import is_name, is_task_id
from openmpu.model.overlays import ImageSpec, TextSpec
from openmpu.model.scene import Scene, plan
from openmpu.model.task import MOVES, PaneSpec, SeiSpec, SeiText, TaskSpec, TaskState, move
from openmpu.model.urls import IngestUrl
from tests.model.people import mix, roster, spec, user


def test_red_is_the_low_byte():
    """255 is pure red, 16711680 pure blue (operations.md 1.4)."""
    assert Colour.from_api(255) == Colour(255, 0, 0)
    assert Colour.from_api(16711680) == Colour(0, 0, 255)


def test_limited_range_of_known_colours():
    """White 235, black 16, and red as the two standards have it."""
    assert to_ycbcr(Colour(255, 255, 255), BT709) == (235, 128, 128)
    assert to_ycbcr(Colour(0, 0, 0), BT601) == (16, 128, 128)
    assert to_ycbcr(Colour(255, 0, 0), BT601) == (81, 90, 240)
    assert to_ycbcr(Colour(255, 0, 0), BT709) == (63, 102, 240)
    assert (matrix_of(720), matrix_of(540)) == (BT709, BT601)


URL = "rtmp://user:pw@Push.Example.com/live/room42?auth_key=SECRET"


def test_an_ingest_url_prints_without_its_secrets():
    """Neither repr nor str nor what callbacks get shows key or password."""
    url = IngestUrl.parse(URL)

    for shown in (repr(url), str(url), f"{url}", url.redacted):
        assert "SECRET" not in shown
        assert "pw" not in shown
        assert "room42" not in shown
    assert url.public == "rtmp://push.example.com/live/room42"
    assert (url.app, url.stream, url.port) == ("live", "room42?auth_key=SECRET", 1935)


def test_the_same_url_ignores_case_of_host_and_query():
    """A fresh signature for the same stream is the same URL (operations.md 2.4)."""
    assert IngestUrl.parse(URL).lock_key == IngestUrl.parse("rtmps://push.example.com:1935/live/room42?k=2").lock_key


@pytest.mark.parametrize(
    "text",
    [
        "http://h/a/b",
        "rtmp:///a/b",
        "rtmp://h/onlyapp",
        "rtmp://h/a/b live=1",
        "rtmp://h/a/b\nx",
        "rtmp://h:99999/a/b",
        "rtmp://[::1/a/b",
        "rtmp://h/a/" + "x" * 2048,
        "",
    ],
)
def test_a_bad_ingest_url_is_refused(text):
    """One sentence that names the fault and never repeats the URL."""
    with pytest.raises(Invalid) as caught:
        IngestUrl.parse(text)

    assert text not in str(caught.value) or not text


def test_ids():
    """Letters, digits, - and _; 64 characters, a TaskId 55."""
    assert is_name("a" * 64)
    assert not is_name("a" * 65)
    assert is_task_id("a" * 55)
    assert not is_task_id("a" * 56)
    assert not any(is_name(text) for text in ("", "a/b", "../x", "ä", "a\n"))


def test_life_goes_one_way():
    """Every final state is final, and no move leads back to waiting."""
    assert [state.value for state in TaskState if state.final] == [2, 3, 4, 5, 6]
    assert all(TaskState.WAITING not in after for after in MOVES.values())
    with pytest.raises(InternalError):
        move(TaskState.STOPPED, TaskState.RUNNING)


def test_a_spec_survives_json():
    """The store and the worker's socket give back the very same value."""
    pane = PaneSpec(0, images=(ImageSpec("u"),), texts=(TextSpec("x"),))
    whole = spec(mix(1, 2, panes=(pane,)))
    whole = TaskSpec(
        whole.app_id, whole.channel_id, whole.task_id, mix=whole.mix, sei=SeiSpec(pass_through=SeiText("t"))
    )

    assert from_plain(TaskSpec, json.loads(json.dumps(to_plain(whole)))) == whole


def test_a_scene_survives_json():
    """Layers of several kinds are told apart."""
    pane = PaneSpec(0, images=(ImageSpec("u"),), texts=(TextSpec("x"),))
    scene = plan(spec(mix(1, panes=(pane,), watermarks=(ImageSpec("w"),))), roster(user("a", 1, "camera")))

    assert from_plain(Scene, json.loads(json.dumps(to_plain(scene)))) == scene


@pytest.mark.parametrize("plain", [None, [], {"app_id": 1}, {"app_id": "a"}, {"mode": "dance"}])
def test_a_value_of_another_shape_is_refused(plain):
    """The message names the type that was expected."""
    with pytest.raises(Invalid, match="TaskSpec"):
        from_plain(TaskSpec, plain)
