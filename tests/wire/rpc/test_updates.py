"""UpdateMPUTask: absent stays, lists replace, modes change (operations.md 4.1)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from openmpu.errors import Invalid, Missing, Unsupported
from openmpu.model.colours import Colour
from openmpu.model.encoder import MEDIA_ENCODES
from openmpu.model.layouts import DEFAULT_LAYOUT_IDS
from openmpu.model.overlays import Fit
from openmpu.model.roster import Source
from openmpu.model.taking import EVERYBODY, Users
from openmpu.model.task import Family, Mode, RelayPart
from openmpu.model.urls import IngestUrl
from openmpu.wire.rpc.convert.options import ReadingOptions
from tests.wire.rpc.starting import refused, start, update

PICTURE = "http://p.example/a.png"
FULL = start(
    MediaEncode=10,
    BackgroundColor=255,
    CropMode=1,
    LayoutIds=[1, 2],
    SubSpecUsers=["a", "b"],
    UnsubSpecAudioUsers=["b"],
    UserPanes=[{"PaneId": 0, "UserId": "a"}],
    Backgrounds=[{"Url": PICTURE}],
    Watermarks=[{"Url": PICTURE}],
    ClockWidgets=[{"X": 0.5}],
    PayloadType=1,
    VadInterval=500,
)


def test_an_empty_update_changes_nothing() -> None:
    """What is absent stays."""
    assert update(FULL) == FULL


@pytest.mark.parametrize(
    ("parameters", "path", "value"),
    [
        ({"BackgroundColor": 0}, "background", Colour(0, 0, 0)),
        ({"CropMode": 2}, "fit", Fit.CONTAIN),
        ({"LayoutIds": [6]}, "layout_ids", (6,)),
        ({"Backgrounds": [{"Display": 0, "Url": ""}]}, "backgrounds", ()),
        ({"Watermarks": [{"Display": 0}]}, "watermarks", ()),
    ],
)
def test_one_parameter_changes_one_thing(parameters: dict[str, Any], path: str, value: Any) -> None:
    """And nothing else."""
    changed = update(FULL, **parameters)
    assert getattr(changed.mix, path) == value
    assert replace(changed, mix=replace(changed.mix, **{path: getattr(FULL.mix, path)})) == FULL


def test_a_list_replaces_the_whole_list() -> None:
    """Nothing is merged by PaneId."""
    panes = update(FULL, UserPanes=[{"PaneId": 1, "UserId": "b", "SourceType": "shareScreen"}]).mix.panes
    assert [(pane.pane_id, pane.pin.user_id, pane.pin.source) for pane in panes] == [(1, "b", Source.SCREEN)]


def test_one_subscription_list_leaves_the_others() -> None:
    """Each of the seven by itself."""
    taking = update(FULL, UnsubSpecAudioUsers=["a"], SubSpecCameraUsers=["a"]).mix.taking
    assert taking.users == Users(frozenset({"a", "b"}))
    assert taking.audio.refused == Users(frozenset({"a"}))
    assert taking.camera.wanted == Users(frozenset({"a"}))


def test_media_encode_takes_the_picture_away_and_brings_it_back() -> None:
    """0 is audio only; layouts come back as default, since audio-only has none."""
    silent = update(FULL, MediaEncode=0)
    assert (silent.video, silent.audio.bitrate_kbps, silent.mix.layout_ids) == (None, 64, ())
    assert silent.mix.unlimited_voices
    seen = update(silent, MediaEncode=30)
    assert (seen.video, seen.audio.bitrate_kbps) == (MEDIA_ENCODES[30].video, 128)
    assert (seen.mix.layout_ids, seen.mix.unlimited_voices) == (DEFAULT_LAYOUT_IDS, False)


def test_a_note_about_media_encode_two_is_added_once() -> None:
    """operations.md 3.8."""
    twice = update(update(FULL, MediaEncode=2), MediaEncode=2)
    assert len(twice.notes) == 1
    assert twice.video == MEDIA_ENCODES[1].video


def test_a_mix_becomes_a_relay_and_a_mix_again() -> None:
    """MixMode changes; what the mix was is still there."""
    relay = update(FULL, MixMode=0, StreamType=2, SourceType="shareScreen", LayoutIds=[77])
    assert (relay.mode, relay.relay.user_id, relay.relay.part, relay.relay.source) == (
        *(Mode.RELAY, "a", RelayPart.VIDEO, Source.SCREEN),
    )
    assert relay.mix == FULL.mix
    assert update(relay, StreamType=1).relay.source is Source.SCREEN
    again = update(relay, MixMode=1)
    assert (again.mode, again.mix, again.video) == (Mode.MIX, FULL.mix, FULL.video)


def test_another_user_is_relayed() -> None:
    """SubSpecUsers.1 (operations.md 3.4)."""
    assert update(start(MixMode=0), SubSpecUsers=["c", "d"]).relay.user_id == "c"


def test_a_relay_begun_as_relay_mixes_by_the_defaults() -> None:
    """Its start ignored the mix's parameters."""
    mixed = update(start(MixMode=0, MediaEncode=30), MixMode=1, CropMode=1)
    assert (mixed.video, mixed.mix.layout_ids, mixed.mix.fit) == (MEDIA_ENCODES[20].video, DEFAULT_LAYOUT_IDS, Fit.CROP)


def test_another_target() -> None:
    """operations.md 4.1 StreamURL."""
    assert update(FULL, StreamURL="rtmp://b/c/d").targets == (IngestUrl("rtmp://b/c/d"),)


def test_what_is_no_parameter_of_the_update_is_ignored() -> None:
    """operations.md 4.1."""
    ignored: dict[str, Any] = {
        "PayloadType": 0,
        "VadInterval": "x",
        "ReportVad": 9,
        "RtpExtInfo": 5,
        "TimeStampRef": "x",
        "EnhancedParam": {"EnablePortraitSegmentation": "x"},
        "TaskProfile": "x",
        "TaskMode": 7,
    }
    assert update(FULL, **ignored) == FULL


@pytest.mark.parametrize(
    ("name", "value"),
    [("LayoutIds", [2, 3]), ("MediaEncode", 99), ("UserPanes", [{"PaneId": 1}] * 2), ("ChannelId", "other")],
)
def test_updates_that_cannot_be(name: str, value: Any) -> None:
    """The same rules as at the start; the channel must be the task's."""
    assert refused(Invalid, update, FULL, **{name: value}) == name


def test_the_channel_may_be_repeated() -> None:
    """The Live-1 page requires it."""
    assert update(FULL, ChannelId="room") == FULL


def test_playback_cannot_be_asked_for_where_there_is_none() -> None:
    """TaskType as in StartMPUTask."""
    assert refused(Unsupported, update, FULL, TaskType=1) == "TaskType"
    assert update(FULL, TaskType=0) == FULL


def test_a_task_may_be_played_instead_of_pushed_and_back() -> None:
    """TaskType 1 has no target; 0 needs one, which it keeps when it has one (operations.md 3.3)."""
    options = ReadingOptions(playback=True)
    played = update(FULL, options, TaskType=1)
    assert (played.playback, played.targets) == (True, ())
    assert update(played, options, StreamURL="rtmp://a.example/live/x") == played
    assert refused(Missing, update, played, options, TaskType=0) == "StreamURL"
    pushed = update(played, options, TaskType=0, StreamURL="rtmp://a.example/live/x")
    assert (pushed.playback, len(pushed.targets)) == (False, 1)
    assert update(FULL, options, TaskType=0) == FULL


def test_a_task_of_the_newer_family_has_its_own_update() -> None:
    """Its panes and sound are of another kind."""
    assert refused(Unsupported, update, replace(FULL, family=Family.LIVE), CropMode=1) == "task"


def test_everybody_again() -> None:
    """`allStream` takes back a list of users, and the choice of whom to relay."""
    assert start(SubSpecUsers=["allStream"]).mix.taking == start().mix.taking
    widened = update(FULL, SubSpecUsers=["allStream"])
    assert widened.mix.taking == replace(FULL.mix.taking, users=EVERYBODY)
    relay = update(start(MixMode=0, SubSpecUsers=["a"]), SubSpecUsers=["allStream"]).relay
    assert relay == start(MixMode=0).relay
