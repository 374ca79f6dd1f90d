"""When a mix may be relayed instead (an addition of ours)."""

from dataclasses import replace

import pytest

from openmpu.model.alone import alone_in, may_relay
from openmpu.model.encoder import MEDIA_ENCODES
from openmpu.model.geometry import Rect
from openmpu.model.ids import AppId, ChannelId, LayoutId, TaskId, TrackId, UserId
from openmpu.model.layouts import BUILT_IN
from openmpu.model.overlays import Display, ImageSpec
from openmpu.model.roster import Kind, Roster, Source, Track, User
from openmpu.model.taking import NOBODY, Lists, Taking
from openmpu.model.task import MixSpec, Mode, PaneSpec, RelaySpec, TaskSpec

CHANNEL = ChannelId("c")
MIX = MixSpec(layouts=(BUILT_IN[LayoutId(1)], BUILT_IN[LayoutId(2)]))
SPEC = TaskSpec(AppId("a"), CHANNEL, TaskId("t"), video=MEDIA_ENCODES[20].video, mix=MIX)


def person(name: str, *sources: Source, codec: str = "h264", sound: bool = True) -> User:
    """Somebody who publishes pictures of these sources, each with its sound."""
    tracks = []
    for source in sources:
        tracks.append(Track(TrackId(f"{name}-{source}-v"), Kind.VIDEO, source, codec, 1))
        if sound:
            tracks.append(Track(TrackId(f"{name}-{source}-a"), Kind.AUDIO, source, "opus", 1, 48_000, 2))
    return User(CHANNEL, UserId(name), 1, tuple(tracks))


ANN = person("ann", Source.CAMERA)
BOB = person("bob", Source.CAMERA)


def test_one_who_publishes_alone() -> None:
    """Their picture is the scene; the relay that looks the same names them."""
    alone = alone_in(SPEC, Roster.of(ANN))
    assert alone is not None
    assert alone.relay == RelaySpec(UserId("ann"), Source.CAMERA)
    assert alone.scene.shown_tracks == {alone.video.track_id}


def test_one_without_sound() -> None:
    """Silence goes out beside the picture, as in the mix."""
    assert alone_in(SPEC, Roster.of(person("ann", Source.CAMERA, sound=False))) is not None


WATERMARK = ImageSpec("https://example.com/a.png", Rect(0, 0, 0.1, 0.1))


@pytest.mark.parametrize(
    ("mix", "people"),
    [
        pytest.param(MIX, (), id="nobody"),
        pytest.param(MIX, (ANN, BOB), id="two"),
        pytest.param(MIX, (ANN, person("bob")), id="a pane for one who publishes nothing"),
        pytest.param(MIX, (person("ann", Source.CAMERA, codec="vp8"),), id="another codec"),
        pytest.param(MIX, (person("ann", Source.CAMERA, Source.SCREEN),), id="two sounds"),
        pytest.param(replace(MIX, watermarks=(WATERMARK,)), (ANN,), id="a watermark"),
        pytest.param(replace(MIX, panes=(PaneSpec(0, images=(WATERMARK,)),)), (ANN,), id="a picture in the pane"),
        pytest.param(replace(MIX, panes=(PaneSpec(0, segment=True),), segmentation=True), (ANN,), id="cut out"),
        pytest.param(replace(MIX, layouts=(BUILT_IN[LayoutId(2)],)), (ANN,), id="half the canvas"),
        pytest.param(replace(MIX, voices_limit=0), (ANN,), id="nobody is heard"),
        pytest.param(replace(MIX, taking=Taking(audio=Lists(NOBODY))), (ANN,), id="sound not taken"),
    ],
)
def test_whatever_else_is_to_be_seen_or_heard_is_mixed(mix: MixSpec, people: tuple[User, ...]) -> None:
    """Then the publisher's stream is not what was asked for."""
    assert alone_in(replace(SPEC, mix=mix), Roster.of(*people)) is None


def test_a_picture_that_hides_behind_video_does_no_harm() -> None:
    """It is not to be seen while the publisher shows one."""
    hidden = replace(WATERMARK, display=Display.WITHOUT_VIDEO)
    mix = replace(MIX, panes=(PaneSpec(0, images=(hidden,)),))
    assert alone_in(replace(SPEC, mix=mix), Roster.of(ANN)) is not None


@pytest.mark.parametrize(
    ("said", "usual", "may"),
    [(None, False, False), (None, True, True), (True, False, True), (False, True, False)],
)
def test_the_task_says_it_or_else_the_setting(said: bool | None, usual: bool, may: bool) -> None:
    """Off, unless somebody wants it."""
    assert may_relay(replace(SPEC, auto_relay=said), usual=usual) == may


def test_only_mixes_in_h264_can_be_relayed() -> None:
    """A relay is one already, sound alone has no picture, H.265 is another stream."""
    on = replace(SPEC, auto_relay=True)
    assert SPEC.video is not None
    for spec in (
        replace(on, mode=Mode.RELAY),
        replace(on, video=None),
        replace(on, video=replace(SPEC.video, codec="h265")),
    ):
        assert not may_relay(spec, usual=True)
