"""When a mix shows nothing but one publisher's whole picture: then it may be relayed untouched instead.

An addition of ours (`AutoRelay`), off by default. What is asked here knows no pixels: that the picture has the size of
the canvas only a worker can see.
"""

from __future__ import annotations

from dataclasses import dataclass

from openmpu.model.geometry import PixelRect
from openmpu.model.roster import Kind, Roster, Track, User
from openmpu.model.scene import ImageLayer, PaneLayer, Scene, plan
from openmpu.model.task import Mode, RelaySpec, TaskSpec

CODEC = "h264"
"""What goes out without being encoded anew."""


@dataclass(frozen=True, slots=True)
class Alone:
    """The one publisher of a mix: what is shown, and the relay that would look and sound the same."""

    scene: Scene
    user: User
    video: Track

    @property
    def relay(self) -> RelaySpec:
        """Of them alone."""
        return RelaySpec(self.user.user_id, self.video.source)


def may_relay(spec: TaskSpec, *, usual: bool) -> bool:
    """Whether a task may be relayed at all when one publishes alone.

    Args:
        spec: The task's.
        usual: What holds for tasks that say nothing (`media.auto_relay`).
    """
    wanted = usual if spec.auto_relay is None else spec.auto_relay
    return wanted and spec.mode is Mode.MIX and spec.video is not None and spec.video.codec == CODEC


def alone_in(spec: TaskSpec, roster: Roster) -> Alone | None:
    """The only taken publisher, if the scene is their picture and their sound and nothing else.

    Args:
        spec: Of a mixing task.
        roster: Of its channels.
    """
    scene = plan(spec, roster)
    pane = _only_pane(scene)
    taken = set(scene.participants)
    publishers = [user for user in roster.users if user.tracks and (user.channel_id, user.user_id) in taken]
    if pane is None or len(publishers) != 1:
        return None
    (user,) = publishers
    video = next((track for track in user.tracks if track.track_id == pane.track_id), None)
    heard_whole = scene.heard_tracks == {track.track_id for track in user.tracks if track.kind is Kind.AUDIO}
    fits = video is not None and video.codec == CODEC and heard_whole and len(scene.heard_tracks) <= 1
    return Alone(scene, user, video) if fits and video and scene.voices_limit != 0 else None


def _only_pane(scene: Scene) -> PaneLayer | None:
    """The pane that covers the canvas, with nothing in or on it but video."""
    if len(scene.panes) != 1 or scene.overlays:
        return None
    pane = scene.panes[0]
    whole = pane.rect == PixelRect(0, 0, scene.width, scene.height)
    painted = any(not (isinstance(layer, ImageLayer) and layer.only_without_video) for layer in pane.overlays)
    return pane if whole and pane.track_id and not pane.segment and not painted else None
