"""StartMPUTask into specs: defaults, modes, tables and where the seeds disagree (operations.md 3)."""

from __future__ import annotations

from typing import Any

import pytest

from openmpu.errors import Invalid, Missing, Unsupported
from openmpu.model.colours import BLACK, Colour
from openmpu.model.encoder import MEDIA_ENCODES, AudioProfile
from openmpu.model.geometry import WHOLE, Rect
from openmpu.model.layouts import DEFAULT_LAYOUT_IDS
from openmpu.model.overlays import ClockSpec, Display, Fit, ImageSpec, TextSpec, TextStyle
from openmpu.model.roster import Source
from openmpu.model.taking import EVERYBODY, Taking, Users
from openmpu.model.task import Family, MixSpec, Mode, RelayPart, RelaySpec, SeiRhythm, SeiSpec, TaskSpec
from openmpu.model.urls import IngestUrl
from openmpu.wire.rpc.convert.options import ReadingOptions
from tests.wire.rpc.starting import IDS, URL, refused, start

PICTURE = "http://p.example/a.png?x=1"


def test_the_barest_start() -> None:
    """Every default of section 3 at once."""
    assert start() == TaskSpec(
        app_id="app",
        channel_id="room",
        task_id="t1",
        mode=Mode.MIX,
        family=Family.CLASSIC,
        targets=(IngestUrl(URL),),
        video=MEDIA_ENCODES[20].video,
        audio=AudioProfile(128, 48_000, 2),
        mix=MixSpec(layout_ids=DEFAULT_LAYOUT_IDS, taking=Taking(), background=BLACK, fit=Fit.CONTAIN),
        relay=RelaySpec(),
    )


@pytest.mark.parametrize("number", [number for number in MEDIA_ENCODES if number])
def test_every_row_of_the_media_encode_table(number: int) -> None:
    """operations.md 3.6: all ids with a picture."""
    spec = start(MediaEncode=number)
    assert (spec.video, spec.audio) == (MEDIA_ENCODES[number].video, MEDIA_ENCODES[number].audio)


@pytest.mark.parametrize("number", [3, 9, 11, 19, 21, 29, 44, 51, 55, -1, 10**6])
def test_other_media_encodes_are_refused(number: int) -> None:
    """There are no others."""
    assert refused(Invalid, start, MediaEncode=number) == "MediaEncode"


def test_the_samples_media_encode_two_is_read_as_one_and_noted() -> None:
    """operations.md 3.8; the switch refuses it."""
    spec = start(MediaEncode=2)
    assert spec.video == MEDIA_ENCODES[1].video
    assert "MediaEncode=2" in spec.notes[0]
    assert refused(Invalid, start, ReadingOptions(strict_media_encode=True), MediaEncode=2) == "MediaEncode"


@pytest.mark.parametrize(
    ("profile", "number"),
    [("1IN_360P", 1), ("16IN_360P", 1), ("4IN_720P", 20), ("9IN_1080P", 30), ("Mixed_Audio", 0), ("1IN_Audio", 0)],
)
def test_task_profile_stands_in_for_an_absent_media_encode(profile: str, number: int) -> None:
    """operations.md 3.6."""
    assert start(TaskProfile=profile).video == MEDIA_ENCODES[number].video


@pytest.mark.parametrize("profile", ["3IN_720P", "mixed_audio", "1IN_480P", "Mixed", "x"])
def test_other_task_profiles_are_refused(profile: str) -> None:
    """operations.md 3.7."""
    assert refused(Invalid, start, TaskProfile=profile) == "TaskProfile"


def test_a_profile_does_not_limit_the_picture() -> None:
    """There is no billing."""
    assert start(TaskProfile="1IN_360P", MediaEncode=30).video == MEDIA_ENCODES[30].video


@pytest.mark.parametrize("parameters", [{"MediaEncode": 0}, {"TaskProfile": "Mixed_Audio"}])
def test_audio_only_mixing_has_no_video_and_any_number_of_voices(parameters: dict[str, Any]) -> None:
    """operations.md 3.5."""
    spec = start(**parameters)
    assert spec.video is None
    assert spec.audio == AudioProfile(64, 48_000, 2)
    assert (spec.mix.layout_ids, spec.mix.unlimited_voices, spec.mix.voices_limit) == ((), True, None)


def test_one_in_audio_has_one_voice() -> None:
    """operations.md 3.5."""
    mix = start(TaskProfile="1IN_Audio", MediaEncode=0).mix
    assert (mix.unlimited_voices, mix.voices_limit) == (False, 1)


def test_mixed_audio_contradicts_a_picture() -> None:
    """operations.md 3.5."""
    assert refused(Invalid, start, TaskProfile="Mixed_Audio", MediaEncode=20) == "MediaEncode"
    assert refused(Invalid, start, TaskProfile="1IN_Audio", MediaEncode=1) == "MediaEncode"


def test_layouts_of_an_audio_only_task_are_checked_then_ignored() -> None:
    """operations.md 3.5."""
    assert start(MediaEncode=0, LayoutIds=[2]).mix.layout_ids == ()
    assert refused(Invalid, start, MediaEncode=0, LayoutIds=[77]) == "LayoutIds"


@pytest.mark.parametrize("ids", [[2, 3], [3, 13], [1, 1], [6, 6], [12], [77], [10_000], [0], [-1], list(range(1, 18))])
def test_layouts_that_cannot_be(ids: list[int]) -> None:
    """Unknown, the same number of panes, too many."""
    assert refused(Invalid, start, LayoutIds=ids) == "LayoutIds"


def test_layouts_as_the_caller_chose() -> None:
    """Custom ones are the service's to find."""
    assert start(LayoutIds=[6, 1, 10_117]).mix.layout_ids == (6, 1, 10_117)


@pytest.mark.parametrize(("crop", "fit"), [(0, Fit.STRETCH), (1, Fit.CROP), (2, Fit.CONTAIN)])
def test_crop_modes(crop: int, fit: Fit) -> None:
    """layouts.md 5."""
    assert start(CropMode=crop).mix.fit is fit


def test_a_relay_takes_its_own_parameters_and_ignores_the_mixes() -> None:
    """operations.md 3.3: unlisted MediaEncode and unknown layouts too, as long as they are numbers."""
    mixing = {"MediaEncode": 99, "LayoutIds": [77, 77], "BackgroundColor": 255, "UserPanes": [{"UserId": "a"}]}
    relaying = {"StreamType": 2, "SourceType": "shareScreen", "SubSpecUsers": ["bob", "ann"]}
    spec = start(MixMode=0, **mixing, **relaying)
    assert spec.mode is Mode.RELAY
    assert spec.relay == RelaySpec("bob", Source.SCREEN, RelayPart.VIDEO)
    assert spec.mix == MixSpec(layout_ids=DEFAULT_LAYOUT_IDS, taking=Taking(users=Users(frozenset({"ann", "bob"}))))
    assert spec.video == MEDIA_ENCODES[20].video


def test_the_syntax_of_the_other_modes_parameters_is_checked() -> None:
    """operations.md 3.3."""
    assert refused(Invalid, start, MixMode=0, MediaEncode="x") == "MediaEncode"
    assert refused(Invalid, start, MixMode=1, StreamType=3) == "StreamType"
    assert refused(Invalid, start, MixMode=1, SourceType="screen") == "SourceType"


def test_a_mix_ignores_the_relays_parameters() -> None:
    """But remembers whom it would relay."""
    assert start(StreamType=1, SourceType="shareScreen", SubSpecUsers=["a"]).relay == RelaySpec("a")


def test_subscription_lists() -> None:
    """operations.md 3.3: seven lists, `allStream` is everybody."""
    taking = start(
        SubSpecUsers=["a", "b"],
        SubSpecAudioUsers=["a"],
        SubSpecCameraUsers=["allStream"],
        UnsubSpecCameraUsers=["b"],
        UnsubSpecShareScreenUsers=["a", "allStream"],
    ).mix.taking
    assert taking.users == Users(frozenset({"a", "b"}))
    assert (taking.audio.wanted, taking.audio.refused) == (Users(frozenset({"a"})), Users())
    assert (taking.camera.wanted, taking.camera.refused) == (EVERYBODY, Users(frozenset({"b"})))
    assert (taking.screen.wanted, taking.screen.refused) == (EVERYBODY, EVERYBODY)


@pytest.mark.parametrize(
    ("name", "most"), [("SubSpecUsers", 16), ("SubSpecAudioUsers", 64), ("UnsubSpecShareScreenUsers", 64)]
)
def test_how_many_users_a_list_takes(name: str, most: int) -> None:
    """operations.md 3.1."""
    start(**{name: [f"u{number}" for number in range(most)]})
    assert refused(Invalid, start, **{name: [f"u{number}" for number in range(most + 1)]}) == name


def test_panes_with_everything() -> None:
    """operations.md 3.2, every field of a pane, its pictures and its texts."""
    image = {"Url": PICTURE, "Display": 1, "X": 0.1, "Y": 0.2, "Width": 0.3, "Height": 0.4, "ZOrder": 5}
    letters = {
        "FontType": 2,
        "FontSize": 32,
        "FontColor": 255,
        "BorderWidth": 1,
        "BorderColor": 65280,
        "Box": "True",
        "BoxColor": 16711680,
        "BoxBorderWidth": 4,
        "Alpha": 0.75,
        "ZOrder": 2,
    }
    text = {"Text": "hi\nyou", "X": 0.5, "Y": 1, **letters}
    pane = {"PaneId": 3, "UserId": "ann", "SourceType": "shareScreen", "SegmentType": 1}
    (spec,) = start(UserPanes=[{**pane, "Images": [image], "Texts": [text]}]).mix.panes
    assert (spec.pane_id, spec.pin.user_id, spec.pin.source, spec.segment) == (3, "ann", Source.SCREEN, True)
    assert spec.images == (ImageSpec(PICTURE, Rect(0.1, 0.2, 0.3, 0.4), 5, Display.ALWAYS),)
    red, green, blue = Colour(255, 0, 0), Colour(0, 255, 0), Colour(0, 0, 255)
    style = TextStyle(2, 32, red, 1, green, box=True, box_colour=blue, box_border_width=4, alpha=0.75)
    assert spec.texts == (TextSpec("hi\nyou", 0.5, 1.0, 2, style),)


def test_defaults_of_panes_pictures_and_texts() -> None:
    """operations.md 3.2: the place in the list is the PaneId; a pane without a user pins nobody."""
    first, second = start(
        UserPanes=[{"Images": [{"Url": PICTURE}]}, {"UserId": "a", "Texts": [{"Text": "x"}]}]
    ).mix.panes
    assert (first.pane_id, first.pin, first.segment) == (0, None, False)
    assert first.images == (ImageSpec(PICTURE, WHOLE, 0, Display.WITHOUT_VIDEO),)
    assert (second.pane_id, second.pin.source) == (1, Source.CAMERA)
    assert second.texts == (TextSpec("x", 0.0, 0.0, 0, TextStyle(0, 24, BLACK)),)


def test_entries_without_their_main_field_are_ignored() -> None:
    """An image without Url, a text without Text; that is how overlays are cleared."""
    (pane,) = start(UserPanes=[{"PaneId": 0, "Images": [{"Display": 1}], "Texts": [{"FontSize": 20}]}]).mix.panes
    assert (pane.images, pane.texts) == ((), ())
    assert start(Backgrounds=[{"Display": 1}], Watermarks=[{"Alpha": 0.5}]).mix.backgrounds == ()


def test_two_entries_for_one_pane_are_refused() -> None:
    """Also when one of them has its number from its place."""
    assert refused(Invalid, start, UserPanes=[{"PaneId": 1}, {"PaneId": 1}]) == "UserPanes"
    assert refused(Invalid, start, UserPanes=[{"PaneId": 1}, {"UserId": "a"}]) == "UserPanes"


def test_global_overlays() -> None:
    """Backgrounds, Watermarks and ClockWidgets."""
    mix = start(
        Backgrounds=[{"Url": PICTURE, "ZOrder": 3}, {"Url": PICTURE, "Display": 0}],
        Watermarks=[{"Url": PICTURE, "Alpha": 0, "Width": 0.5}],
        ClockWidgets=[{"X": 0.9, "FontSize": 0}],
    ).mix
    assert mix.backgrounds == (ImageSpec(PICTURE, WHOLE, 3), ImageSpec(PICTURE, display=Display.NEVER))
    assert mix.watermarks == (ImageSpec(PICTURE, Rect(0, 0, 0.5, 1), alpha=0.0),)
    assert mix.clocks == (ClockSpec(0.9, 0.0, 0, TextStyle(font_size=0)),)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("UserPanes", [{"PaneId": 16}]),
        ("UserPanes", [{"UserId": "a b"}]),
        ("UserPanes", [{"SegmentType": 2}]),
        ("UserPanes", [{"PaneId": 0, "Images": [{"Url": "ftp://x/y"}]}]),
        ("UserPanes", [{"PaneId": 0, "Images": [{"Width": 0}]}]),
        ("UserPanes", [{"PaneId": 0, "Images": [{"Display": 3}]}]),
        ("UserPanes", [{"PaneId": 0, "Texts": [{"FontSize": 73}]}]),
        ("UserPanes", [{"PaneId": 0, "Texts": [{"FontType": 6}]}]),
        ("UserPanes", [{"PaneId": 0, "Texts": [{"Text": "x" * 1025}]}]),
        ("UserPanes", [{"PaneId": number % 16, "UserId": f"u{number}"} for number in range(17)]),
        ("UserPanes", [{"PaneId": 0, "Images": [{"Url": PICTURE}] * 17}]),
        ("Backgrounds", [{"Display": 2}]),
        ("Backgrounds", [{"ZOrder": -1}]),
        ("Watermarks", [{"Alpha": 1.1}]),
        ("ClockWidgets", [{"FontColor": 16777216}]),
        ("ClockWidgets", [{"X": 0.1}] * 17),
    ],
)
def test_values_out_of_range(name: str, value: Any) -> None:
    """operations.md 1.5, 3.2."""
    assert refused(Invalid, start, **{name: value}) == name


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("TaskType", 2), ("MixMode", 2), ("TaskMode", 2), ("BackgroundColor", 16777216), ("CropMode", 3)),
        *(("PayloadType", 2), ("ReportVad", 2), ("VadInterval", -1), ("RtpExtInfo", 2), ("TimeStampRef", "x")),
        ("EnhancedParam", {"EnablePortraitSegmentation": "maybe"}),
    ],
)
def test_task_values_out_of_range(name: str, value: Any) -> None:
    """operations.md 3.1."""
    assert refused(Invalid, start, **{name: value}) == name


def test_a_border_wider_than_any_picture_is_as_good_as_a_wide_one() -> None:
    """Any size is accepted; what is drawn stays bounded."""
    (clock,) = start(ClockWidgets=[{"X": 0, "BorderWidth": 10**9, "BoxBorderWidth": 10**18}]).mix.clocks
    assert (clock.style.border_width, clock.style.box_border_width) == (256, 256)


@pytest.mark.parametrize(("asked", "interval"), [(None, 0), (0, 0), (1, 100), (99, 100), (100, 100), (86_400, 86_400)])
def test_vad_interval(asked: int | None, interval: int) -> None:
    """Milliseconds, at least 100; 0 is off."""
    assert start(VadInterval=asked).vad_interval_ms == interval


def test_sei_and_vad_switches() -> None:
    """PayloadType 1 is the layout-and-volume SEI with all defaults (callbacks.md 6.1)."""
    assert start(PayloadType=1, ReportVad=1).sei == SeiSpec(5, SeiRhythm(1000))
    assert start(PayloadType=1, ReportVad=1).report_vad
    assert start(PayloadType=0).sei is None


@pytest.mark.parametrize("parameters", [{"TaskMode": 1}, {"EnhancedParam": {"EnablePortraitSegmentation": "True"}}])
def test_segmentation_has_two_switches(parameters: dict[str, Any]) -> None:
    """operations.md 3.1."""
    assert start(**parameters).mix.segmentation
    assert not start(TaskMode=0, EnhancedParam={"EnableVoiceChanger": "true"}).mix.segmentation


def test_a_target_is_required_unless_it_is_played_back() -> None:
    """operations.md 3.3: in both versions."""
    assert refused(Missing, start, StreamURL=None) == "StreamURL"
    assert refused(Missing, start, StreamURL=None, TaskType=0) == "StreamURL"
    assert refused(Unsupported, start, StreamURL=None, TaskType=1) == "TaskType"
    spec = start(ReadingOptions(playback=True), StreamURL=None, TaskType=1)
    assert (spec.playback, spec.targets) == (True, ())


@pytest.mark.parametrize("url", ["http://a/b/c", "rtmp://a", "rtmp:///b/c", "rtmp://a/b", "rtmp://a/b/c d", "x"])
def test_bad_targets(url: str) -> None:
    """operations.md 2.4."""
    assert refused(Invalid, start, StreamURL=url) == "StreamURL"


def test_the_first_failure_in_the_order_of_the_table_answers() -> None:
    """operations.md 1.8: also rules between parameters stand at their place."""
    wrong: dict[str, Any] = {
        "MixMode": 5,
        "TaskProfile": "x",
        "MediaEncode": 99,
        "CropMode": 9,
        "LayoutIds": [77],
        "StreamURL": "x",
        "PayloadType": 7,
        "UserPanes": [{"PaneId": 99}],
        "ClockWidgets": [{"X": 9}],
    }
    seen = []
    for name in list(wrong):
        seen.append(refused(Invalid, start, **wrong))
        wrong[name] = None if name != "StreamURL" else URL
    assert seen == [
        *("MixMode", "TaskProfile", "MediaEncode", "CropMode", "LayoutIds"),
        *("StreamURL", "PayloadType", "UserPanes", "ClockWidgets"),
    ]


def test_unknown_parameters_are_ignored() -> None:
    """operations.md 1.6."""
    assert start(OwnerId=5, ShowLog=1, RegionId="x", ClientToken="y", Whatever=[{"A": 1}]) == start()
    assert set(IDS) == {"AppId", "ChannelId", "TaskId"}
