"""StartLiveMPUTask and UpdateLiveMPUTask into specs (operations.md 6.1, 6.2)."""

from __future__ import annotations

import json
from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest

from openmpu.errors import Invalid, Missing
from openmpu.model.encoder import AudioProfile, VideoProfile
from openmpu.model.geometry import Rect
from openmpu.model.layouts import Layout, Pane
from openmpu.model.overlays import Display, Fit, ImageSpec
from openmpu.model.roster import Source
from openmpu.model.taking import NamedUser
from openmpu.model.task import Family, Mode, PaneSpec, Pin, RelayPart, RelaySpec, SeiRhythm, SeiSpec, SeiText
from openmpu.model.urls import IngestUrl
from openmpu.wire.rpc.convert.live import as_given
from openmpu.wire.rpc.convert.options import ReadingOptions
from openmpu.wire.rpc.requests.live import StartLiveMPUTask
from openmpu.wire.rpc.rows import trees_of
from tests.http.signing import flatten
from tests.wire.rpc.starting import IDS, URL, live, live_update, refused

PICTURE = "https://p.example/off.png"
ENCODE: dict[str, Any] = {
    "VideoWidth": "1280",
    "VideoHeight": "720",
    "VideoBitrate": "1500",
    "VideoFramerate": "30",
    "VideoGop": "60",
    "AudioBitrate": "128",
    "AudioSampleRate": "44100",
    "AudioChannels": "2",
}
PANE = {"X": "0", "Y": "0", "Width": "0.5", "Height": "1"}
TRANSCODE: dict[str, Any] = {"EncodeParams": ENCODE, "Layout": {"UserPanes": [PANE]}}


def mix(**changes: Any) -> dict[str, Any]:
    """TranscodeParams as JSON text, with top-level changes; None takes one away."""
    changed = {**TRANSCODE, **changes}
    return {"TranscodeParams": json.dumps({name: value for name, value in changed.items() if value is not None})}


def encoded(**changes: Any) -> dict[str, Any]:
    """The same with changes of EncodeParams."""
    changed = {**ENCODE, **changes}
    return mix(EncodeParams={name: value for name, value in changed.items() if value is not None})


def start(**parameters: Any) -> Any:
    return live(**{"StreamURL": URL, **mix(), **parameters})


def test_the_barest_mix() -> None:
    """Panes of its own, black when empty, kept for those who are away, any number of voices."""
    spec = start()
    assert (spec.family, spec.mode, spec.targets) == (Family.LIVE, Mode.MIX, (IngestUrl(URL),))
    assert spec.video == VideoProfile(1280, 720, 30, 1500, 60)
    assert spec.audio == AudioProfile(128, 44_100, 2)
    assert spec.mix.layouts == (Layout(0, (Pane(0, Rect(0, 0, 0.5, 1)),), None),)
    assert spec.mix.panes == (PaneSpec(0, fit=Fit.CROP),)
    assert (spec.mix.empty_panes_black, spec.mix.keep_pinned_panes, spec.mix.unlimited_voices) == (True, True, True)
    assert (spec.mix.layout_ids, spec.mix.taking.named, spec.max_idle_s, spec.sei) == ((), (), None, None)


def test_json_text_dots_numbers_and_strings_say_the_same() -> None:
    """operations.md 6."""
    numbers = json.loads(json.dumps(TRANSCODE).replace('"1280"', "1280").replace('"0.5"', "0.5"))
    assert start() == start(TranscodeParams=json.dumps(numbers)) == start(TranscodeParams=TRANSCODE)
    inner = {**TRANSCODE, "EncodeParams": json.dumps(ENCODE)}
    assert start(TranscodeParams=inner) == start()


def test_panes_pins_and_pictures() -> None:
    """UserPanes[] in their order are the panes."""
    pinned = {"UserId": "a", "ChannelId": "other", "SourceType": "shareScreen"}
    second = {**PANE, "ZOrder": "2", "RenderMode": "0", "BackgroundImageUrl": PICTURE, "UserInfo": pinned}
    infos = [{"UserId": "a", "ChannelId": "other", "StreamType": "2", "SourceType": "shareScreen"}, {"UserId": "b"}]
    layout = {"UserPanes": [PANE, second]}
    spec = start(**mix(Layout=layout, UserInfos=infos, Background={"URL": PICTURE, "RenderMode": "0"}))
    assert [pane.zorder for pane in spec.mix.layouts[0].panes] == [0, 2]
    image = ImageSpec(PICTURE, fit=Fit.CONTAIN_ON_BLACK)
    placeholder = replace(image, display=Display.WITHOUT_VIDEO)
    pin = Pin("a", Source.SCREEN, "other")
    assert spec.mix.panes[1] == PaneSpec(1, pin, fit=Fit.CONTAIN_ON_BLACK, placeholder=placeholder)
    assert spec.mix.backgrounds == (image,)
    assert spec.mix.taking.named == (
        NamedUser("other", "a", audio=False, video=True, source=Source.SCREEN),
        NamedUser("room", "b"),
    )
    assert spec.channels == ("room", "other")


def test_a_pinned_user_must_be_among_the_named() -> None:
    """operations.md 6.1, when UserInfos is given."""
    pane = {**PANE, "UserInfo": {"UserId": "a"}}
    layout = {"UserPanes": [pane]}
    assert start(**mix(Layout=layout)).mix.panes[0].pin == Pin("a")
    assert start(**mix(Layout=layout, UserInfos=[{"UserId": "a"}])).mix.panes[0].pin == Pin("a")
    assert refused(Invalid, start, **mix(Layout=layout, UserInfos=[{"UserId": "b"}])) == "TranscodeParams"
    foreign = [{"UserId": "a", "ChannelId": "other"}]
    assert refused(Invalid, start, **mix(Layout=layout, UserInfos=foreign)) == "TranscodeParams"


def test_audio_only_needs_the_audio_fields_only() -> None:
    """No panes either."""
    audio = {name: value for name, value in ENCODE.items() if name.startswith("Audio")}
    spec = start(**mix(EncodeParams={**audio, "AudioOnly": "true"}, Layout=None))
    assert (spec.video, spec.mix.layouts, spec.audio.sample_rate) == (None, (), 44_100)


@pytest.mark.parametrize("name", list(ENCODE))
def test_every_encode_param_is_required(name: str) -> None:
    """operations.md 6.1: missing is MissingParam."""
    assert refused(Missing, start, **encoded(**{name: None})) == "TranscodeParams"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("VideoWidth", 1921), ("VideoWidth", 0), ("VideoHeight", 1), ("VideoHeight", -2), ("VideoBitrate", 0)),
        *(("VideoBitrate", 10_001), ("VideoFramerate", 61), ("VideoGop", 0), ("VideoGop", 61), ("AudioBitrate", 7)),
        *(("AudioBitrate", 501), ("AudioSampleRate", 22_050), ("AudioChannels", 3), ("VideoCodec", "VP8")),
        *(("AudioOnly", "perhaps"), ("EnhancedParam", '{"profile":"x"}'), ("EnhancedParam", '{"preset":"warp"}')),
        ("VideoCodec", "H.265"),
    ],
)
def test_encode_params_out_of_range(name: str, value: Any) -> None:
    """H.265 too, where the server cannot."""
    assert refused(Invalid, start, **encoded(**{name: value})) == "TranscodeParams"


def test_odd_sizes_are_lowered_by_one() -> None:
    """operations.md 6.1."""
    spec = start(**encoded(VideoWidth="641", VideoHeight="361"))
    assert (spec.video.width, spec.video.height) == (640, 360)


def test_the_encoder_may_be_chosen() -> None:
    """EnhancedParam as JSON text in JSON text, or as an object."""
    for choice in ('{"profile": "baseline", "preset": "fast"}', {"profile": "baseline", "preset": "fast"}):
        video = start(**encoded(EnhancedParam=choice)).video
        assert (video.profile, video.preset) == ("baseline", "fast")


def test_h265_where_the_server_can() -> None:
    """Its profile is main."""
    options = ReadingOptions(h265=True)
    spec = live(options, StreamURL=URL, **encoded(VideoCodec="H.265"))
    assert (spec.video.codec, spec.video.profile) == ("h265", "main")
    high = encoded(VideoCodec="H.265", EnhancedParam={"profile": "high"})
    assert refused(Invalid, live, options, StreamURL=URL, **high) == "TranscodeParams"


@pytest.mark.parametrize("name", ["X", "Y", "Width", "Height"])
def test_a_pane_must_say_where_it_is(name: str) -> None:
    """ZOrder may be absent."""
    pane = {key: value for key, value in PANE.items() if key != name}
    assert refused(Missing, start, **mix(Layout={"UserPanes": [pane]})) == "TranscodeParams"


def test_panes_are_required_with_video_and_at_most_sixteen() -> None:
    """operations.md 6.1."""
    assert refused(Missing, start, **mix(Layout=None)) == "TranscodeParams"
    assert refused(Missing, start, **mix(Layout={"UserPanes": []})) == "TranscodeParams"
    assert refused(Invalid, start, **mix(Layout={"UserPanes": [PANE] * 17})) == "TranscodeParams"


def test_a_relay() -> None:
    """SingleSubParams; TranscodeParams may hold anything."""
    spec = live(
        StreamURL=URL,
        MixMode="0",
        SingleSubParams='{"UserId": "a", "StreamType": "2", "SourceType": "shareScreen"}',
        TranscodeParams="[object Object]",
    )
    assert (spec.mode, spec.relay) == (Mode.RELAY, RelaySpec("a", Source.SCREEN, RelayPart.VIDEO))
    assert spec.mix.layouts == ()


def test_each_mode_needs_its_own_object() -> None:
    """And its user."""
    assert refused(Missing, live, StreamURL=URL, MixMode="0", **mix()) == "SingleSubParams"
    assert refused(Missing, live, StreamURL=URL, SingleSubParams='{"UserId":"a"}') == "TranscodeParams"
    assert refused(Missing, live, StreamURL=URL, MixMode="0", SingleSubParams='{"StreamType":"0"}') == "SingleSubParams"
    assert refused(Missing, live, StreamURL=URL, MixMode="0", SingleSubParams="{}") == "SingleSubParams"


@pytest.mark.parametrize("text", ["[object Object]", "[]x", "5", "[1]"])
def test_objects_that_are_none(text: str) -> None:
    """A famous one first."""
    assert refused(Invalid, start, TranscodeParams=text) == "TranscodeParams"
    assert refused(Invalid, start, SeiParams=text) == "SeiParams"


def test_several_targets() -> None:
    """JSON or dotted, at most ten, exactly one of the two forms."""
    entries = [{"URL": "rtmp://a/b/c", "IsAliCdn": True}, {"URL": "rtmps://d/e/f"}]
    for form in (json.dumps(entries), entries):
        spec = live(MultiStreamURL=form, **mix())
        assert spec.targets == (IngestUrl("rtmp://a/b/c"), IngestUrl("rtmps://d/e/f"))
    assert refused(Invalid, start, MultiStreamURL=json.dumps(entries)) == "MultiStreamURL"
    assert refused(Missing, live, **mix()) == "StreamURL"
    assert refused(Missing, live, MultiStreamURL="[]", **mix()) == "StreamURL"
    many = json.dumps([{"URL": f"rtmp://a/b/{number}"} for number in range(11)])
    assert refused(Invalid, live, MultiStreamURL=many, **mix()) == "MultiStreamURL"
    assert refused(Missing, live, MultiStreamURL='[{"IsAliCdn": true}]', **mix()) == "MultiStreamURL"
    twice = '[{"URL": "rtmp://a/b/c?1"}, {"URL": "rtmp://a/b/c?2"}]'
    assert refused(Invalid, live, MultiStreamURL=twice, **mix()) == "MultiStreamURL"


SEI = {
    "PayloadType": "100",
    "LayoutVolume": {"Interval": "2000", "FollowIdr": "1"},
    "PassThrough": {"PayloadContent": "x", "PayloadContentKey": "k", "Interval": 5000},
}


@pytest.mark.parametrize(
    ("params", "sei"),
    [
        (SEI, SeiSpec(100, SeiRhythm(2000, follow_idr=True), SeiText("x", "k", SeiRhythm(5000)))),
        ({"LayoutVolume": {}}, SeiSpec(5, SeiRhythm(1000))),
        ({"PassThrough": {"PayloadContent": "x"}}, SeiSpec(5, None, SeiText("x", "udd"))),
        ({"PassThrough": {"Interval": "1000"}}, SeiSpec(5)),
        ({"PayloadType": "5"}, SeiSpec(5)),
        ({}, None),
    ],
)
def test_sei(params: dict[str, Any], sei: SeiSpec | None) -> None:
    """An empty LayoutVolume asks for the default one; empty SeiParams for nothing."""
    assert start(SeiParams=json.dumps(params)).sei == sei


@pytest.mark.parametrize(
    "params",
    [
        *({"PayloadType": "99"}, {"PayloadType": "255"}, {"LayoutVolume": {"Interval": "999"}}),
        *({"LayoutVolume": {"FollowIdr": "2"}}, {"PassThrough": {"PayloadContent": "值" * 1366}}),
    ],
)
def test_sei_out_of_range(params: dict[str, Any]) -> None:
    """Content counts in bytes, at most 4096."""
    assert refused(Invalid, start, SeiParams=json.dumps(params)) == "SeiParams"


def test_idle_time_and_region() -> None:
    """10 to 86400 s; the region is any text."""
    assert start(MaxIdleTime="10", Region="EMAA-Saudi").max_idle_s == 10
    for value in ("9", "86401", "x"):
        assert refused(Invalid, start, MaxIdleTime=value) == "MaxIdleTime"


def test_an_update_replaces_whole_objects_and_keeps_the_rest() -> None:
    """operations.md 6.2."""
    spec = start(SeiParams=json.dumps(SEI), MaxIdleTime="60")
    assert live_update(spec) == spec
    changed = live_update(spec, **encoded(VideoWidth="640"))
    assert (changed.video.width, changed.sei, changed.targets, changed.max_idle_s) == (640, spec.sei, spec.targets, 60)
    assert refused(Missing, live_update, spec, **encoded(AudioChannels=None)) == "TranscodeParams"


def test_an_update_keeps_the_payload_type() -> None:
    """It is no parameter of the update; the rest of SeiParams is replaced."""
    spec = start(SeiParams=json.dumps(SEI))
    assert live_update(spec, SeiParams='{"LayoutVolume": {}}').sei == SeiSpec(100, SeiRhythm(1000))


def test_an_update_changes_targets() -> None:
    """From one form to the other as well."""
    several = json.dumps([{"URL": "rtmp://a/b/c"}, {"URL": "rtmp://a/b/d"}])
    assert len(live_update(start(), MultiStreamURL=several).targets) == 2


def test_an_update_changes_the_mode() -> None:
    """The object of the new mode is needed once."""
    spec = start()
    assert refused(Missing, live_update, spec, MixMode="0") == "SingleSubParams"
    relay = live_update(spec, MixMode="0", SingleSubParams='{"UserId":"a"}')
    assert (relay.mode, relay.relay.user_id) == (Mode.RELAY, "a")
    assert live_update(relay, MixMode="1").mix == spec.mix
    begun = live(StreamURL=URL, MixMode="0", SingleSubParams='{"UserId":"a"}')
    assert refused(Missing, live_update, begun, MixMode="1") == "TranscodeParams"
    assert live_update(begun, MixMode="1", **mix()).mix == spec.mix


def test_an_update_must_name_the_tasks_own_channel() -> None:
    """And the task must be of this family."""
    assert refused(Invalid, live_update, start(), ChannelId="other") == "ChannelId"


@pytest.mark.parametrize("missing", ["AppId", "ChannelId", "TaskId"])
def test_identifiers_are_required(missing: str) -> None:
    """operations.md 6.1."""
    assert refused(Missing, start, **{missing: None}) == missing


def given(**parameters: Any) -> dict[str, Any]:
    return as_given(trees_of(StartLiveMPUTask, dict(flatten(parameters)))[0])


def test_parameters_are_given_back_as_they_came() -> None:
    """operations.md 6.4: objects, leaves as strings, whatever the form; unset ones are left out."""
    told = {**IDS, "StreamURL": URL, "TranscodeParams": deepcopy(TRANSCODE)}
    assert given(**told) == given(**told, SeiParams="{}", SingleSubParams="[]")
    as_json = given(**{**told, "TranscodeParams": json.dumps(TRANSCODE)})
    assert as_json == given(**told) == {**told, "MultiStreamURL": None}
    assert given(SingleSubParams="[object Object]")["SingleSubParams"] == "[object Object]"
