"""Panes meet people: the layers of a scene, bottom to top (layouts.md 5 and 6)."""

from openmpu.model.colours import Colour
from openmpu.model.geometry import PixelRect, Rect
from openmpu.model.ids import TrackId, UserId
from openmpu.model.overlays import ClockSpec, Display, Fit, ImageSpec, TextSpec
from openmpu.model.scene import ClockLayer, ImageLayer, TextLayer, plan
from openmpu.model.task import MixSpec, PaneSpec
from tests.model.people import mix, roster, spec, user


def test_panes_lie_by_zorder_then_number():
    """Layout 3: the small pane lies over the large one, at the pixels of layouts.md 5."""
    scene = plan(spec(mix(3)), roster(user("a", 1, "camera"), user("b", 2, "camera")))

    assert [(pane.user, pane.rect) for pane in scene.panes] == [
        ("a", PixelRect(0, 0, 1280, 720)),
        ("b", PixelRect(8, 4, 302, 170)),
    ]
    assert scene.shown_tracks == {"a-camera", "b-camera"}


def test_an_empty_pane_shows_nothing_of_its_own():
    """Classic tasks leave it to the background; Live-2 paints it black."""
    classic = plan(spec(mix(2)), roster())
    live = plan(spec(mix(2, empty_panes_black=True)), roster())

    assert [pane.fill for pane in classic.panes] == [None, None]
    assert [pane.fill for pane in live.panes] == [Colour(0, 0, 0)] * 2


def test_overlays_of_a_pane_lie_by_zorder_images_before_texts():
    """At equal ZOrder images lie under texts, then the list's order counts; coordinates are shares of the pane."""
    texts = (TextSpec("low", 0.5, 0.5, zorder=1), TextSpec("high", zorder=5))
    images = (ImageSpec("b", zorder=1), ImageSpec("a", Rect(0, 0, 0.5, 0.5), zorder=1), ImageSpec("x", zorder=9))
    never = ImageSpec("never", display=Display.NEVER)

    scene = plan(spec(mix(2, panes=(PaneSpec(1, images=(*images, never), texts=texts),))), roster())

    pane = scene.panes[1]
    named = [layer.url if isinstance(layer, ImageLayer) else layer.text for layer in pane.overlays]
    assert named == ["b", "a", "low", "high", "x"]
    corner = pane.overlays[2]
    assert isinstance(corner, TextLayer)
    assert (corner.left, corner.top) == (pane.rect.left + pane.rect.width // 2, pane.rect.top + pane.rect.height // 2)


def test_watermarks_and_clocks_lie_together_by_zorder():
    """Watermarks before clocks at equal ZOrder."""
    the_mix = mix(1, watermarks=(ImageSpec("w2", zorder=2), ImageSpec("w0")), clocks=(ClockSpec(zorder=2), ClockSpec()))

    kinds = [getattr(layer, "url", "clock") for layer in plan(spec(the_mix), roster()).overlays]

    assert kinds == ["w0", "clock", "w2", "clock"]
    assert isinstance(plan(spec(the_mix), roster()).overlays[1], ClockLayer)


def test_display_2_hides_while_there_is_video():
    """The layer says so itself: whether video is on screen is known only when painting."""
    pane = PaneSpec(0, images=(ImageSpec("avatar", display=Display.WITHOUT_VIDEO),))

    layer = plan(spec(mix(1, panes=(pane,))), roster()).panes[0].overlays[0]

    assert isinstance(layer, ImageLayer)
    assert layer.only_without_video


def test_everybody_taken_is_heard_seated_or_not():
    """Sound of a user's screen belongs to that user (layouts.md 4.2 and 7)."""
    scene = plan(spec(mix(1)), roster(user("a", 1, "camera", "voice"), user("b", 2, "voice")))

    assert [(voice.user, voice.track_ids) for voice in scene.voices] == [("a", ("a-voice",)), ("b", ("b-voice",))]
    assert scene.heard_tracks == {TrackId("a-voice"), TrackId("b-voice")}
    assert scene.voices_limit == 6


def test_sound_alone_has_no_picture():
    """MediaEncode 0: no layout is needed, nobody is shown."""
    scene = plan(spec(MixSpec(unlimited_voices=True), media_encode=0), roster(user("a", 1, "camera", "voice")))

    assert scene.shown_tracks == frozenset()
    assert [voice.user for voice in scene.voices] == [UserId("a")]
    assert scene.voices_limit is None


def test_a_pane_may_fit_otherwise_than_its_task():
    """RenderMode of one pane of Live-2."""
    panes = (PaneSpec(0, fit=Fit.CONTAIN_ON_BLACK),)

    fits = [pane.fit for pane in plan(spec(mix(2, panes=panes, fit=Fit.CROP)), roster()).panes]

    assert fits == [Fit.CONTAIN_ON_BLACK, Fit.CROP]


def test_a_placeholder_is_drawn_only_without_video():
    """Live-2's BackgroundImageUrl never covers the person (operations.md 6.1)."""
    pane = PaneSpec(0, placeholder=ImageSpec("room", display=Display.WITHOUT_VIDEO))

    layer = plan(spec(mix(1, panes=(pane,))), roster(user("a", 1, "camera"))).panes[0].overlays[0]

    assert isinstance(layer, ImageLayer)
    assert layer.only_without_video
