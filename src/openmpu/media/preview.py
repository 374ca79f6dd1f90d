"""A scene as a PNG, with stand-in people, painted by the very compositor of the worker.

For `openmpu render` and the console's preview: nobody on air should be the first to see a layout.
"""

from __future__ import annotations

import io
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
from PIL import Image

from openmpu.errors import Invalid
from openmpu.media.canvas import Canvas
from openmpu.media.compositor import Compositor
from openmpu.media.lettering.fonts import Fonts
from openmpu.media.overlays import Overlays
from openmpu.media.standins import StandInSegmenter, stand_in
from openmpu.media.video import ShownFrame
from openmpu.model.ids import ChannelId, TrackId, UserId
from openmpu.model.roster import Kind, Roster, Source, Track, User
from openmpu.model.scene import Scene
from openmpu.model.task import TaskSpec


def stand_in_roster(spec: TaskSpec, people: int | None = None) -> Roster:
    """Users for a preview of a task: those whom it names, then `user-1` and so on, each with a camera.

    Args:
        spec: A mixing task.
        people: How many; None: as many as its largest layout has panes.
    """
    largest = max((len(layout.panes) for layout in spec.mix.layouts), default=1)
    sources: dict[tuple[ChannelId, UserId], set[Source]] = {}
    for channel_id, user_id, source in _wanted(spec, largest if people is None else people):
        if (channel_id, user_id) in sources or len(sources) < (largest if people is None else people):
            sources.setdefault((channel_id, user_id), set()).add(source)
    return Roster.of(*(_user(*key, sorted(held), place) for place, (key, held) in enumerate(sources.items())))


def _wanted(spec: TaskSpec, people: int) -> Iterable[tuple[ChannelId, UserId, Source]]:
    """Best first; a task that takes only users whom it names gets nobody else."""
    own, taking = spec.channel_id, spec.mix.taking
    yield from ((pane.pin.channel_id or own, pane.pin.user_id, pane.pin.source) for pane in spec.mix.panes if pane.pin)
    yield from ((entry.channel_id, entry.user_id, entry.source) for entry in taking.named)
    yield from ((own, user_id, Source.CAMERA) for user_id in sorted(taking.users.names))
    if taking.users.everybody and not taking.named:
        yield from ((own, UserId(f"user-{number}"), Source.CAMERA) for number in range(1, people + 1))


def _user(channel_id: ChannelId, user_id: UserId, sources: list[Source], place: int) -> User:
    tracks = (Track(TrackId(f"{user_id}/{source}"), Kind.VIDEO, source, "h264", place) for source in sources)
    return User(channel_id, user_id, place, tuple(tracks))


def render_png(scene: Scene, overlays: Overlays | None = None, fonts: Fonts | None = None, wall: int = 0) -> bytes:
    """The scene at `wall` (nanoseconds of Unix time), everybody who publishes video played by a stand-in.

    Raises:
        Invalid: The scene has no picture (a task of sound only).
    """
    if not scene.width or not scene.height:
        raise Invalid("scene", "has no picture")
    compositor = Compositor(scene, overlays, StandInSegmenter())
    compositor.paint(wall, _people(scene, fonts or Fonts()))
    return to_png(compositor.canvas)


def _people(scene: Scene, fonts: Fonts) -> dict[TrackId, ShownFrame]:
    return {
        pane.track_id: ShownFrame(stand_in(pane.user or "", fonts), serial=1)
        for pane in scene.panes
        if pane.track_id is not None
    }


def to_png(canvas: Canvas) -> bytes:
    """What is on the canvas."""
    out = io.BytesIO()
    Image.fromarray(to_rgb(canvas)).save(out, "PNG")
    return out.getvalue()


def to_rgb(canvas: Canvas) -> npt.NDArray[np.uint8]:
    """The canvas as rows of (red, green, blue); every chroma sample stands for the four pixels that share it."""
    matrix = canvas.matrix
    luma = (canvas.planes.y.astype(np.float32) - 16) / 219
    cb, cr = (_doubled(plane.astype(np.float32) - 128) / 224 for plane in canvas.planes[1:])
    red = luma + 2 * (1 - matrix.red) * cr
    blue = luma + 2 * (1 - matrix.blue) * cb
    green = (luma - matrix.red * red - matrix.blue * blue) / (1 - matrix.red - matrix.blue)
    return np.rint(np.stack([red, green, blue], axis=-1) * 255).clip(0, 255).astype(np.uint8)


def _doubled(plane: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    return plane.repeat(2, axis=0).repeat(2, axis=1)
