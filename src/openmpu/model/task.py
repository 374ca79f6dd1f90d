"""A task: what is asked for (`TaskSpec`, replaced whole on every change) and its life (a table of states)."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from types import MappingProxyType

from openmpu.errors import InternalError
from openmpu.model.colours import BLACK, Colour
from openmpu.model.encoder import AudioProfile, VideoProfile
from openmpu.model.ids import AppId, ChannelId, LayoutId, TaskId, TaskKey, UserId
from openmpu.model.layouts import Layout
from openmpu.model.overlays import ClockSpec, Fit, ImageSpec, TextSpec
from openmpu.model.roster import Source
from openmpu.model.taking import Taking
from openmpu.model.urls import IngestUrl


class Mode(StrEnum):
    """What a task does with its channel."""

    RELAY = "relay"
    MIX = "mix"


class Family(StrEnum):
    """Which start operation began it; a few rules differ (operations.md 2.2, 2.5, layouts.md 4)."""

    CLASSIC = "classic"
    """StartMPUTask of either version."""
    LIVE = "live"
    """StartLiveMPUTask."""


@dataclass(frozen=True, slots=True)
class Pin:
    """Who is wanted in a pane."""

    user_id: UserId
    source: Source = Source.CAMERA
    channel_id: ChannelId | None = None
    """None: the task's own channel."""


@dataclass(frozen=True, slots=True)
class PaneSpec:
    """What a task says about one pane: who sits there, and what is drawn with them."""

    pane_id: int
    pin: Pin | None = None
    images: tuple[ImageSpec, ...] = ()
    texts: tuple[TextSpec, ...] = ()
    segment: bool = False
    fit: Fit | None = None
    """None: the task's own fit."""
    placeholder: ImageSpec | None = None
    """Live-2's BackgroundImageUrl: drawn whenever the pane shows no video."""


@dataclass(frozen=True, slots=True)
class MixSpec:
    """The picture and sound of a mixing task.

    Attributes:
        layout_ids: As the caller chose; empty for Live-2 and audio-only.
        layouts: What `layout_ids` stand for at the moment, put in by the task service (the store has custom ones);
            for Live-2 the one layout of the request itself.
        voices_limit: Overrides the layout's number of mixed voices: `1IN_Audio` has 1; None with `unlimited_voices`.
    """

    layout_ids: tuple[LayoutId, ...] = ()
    layouts: tuple[Layout, ...] = ()
    taking: Taking = field(default_factory=Taking)
    panes: tuple[PaneSpec, ...] = ()
    background: Colour = BLACK
    fit: Fit = Fit.CONTAIN
    backgrounds: tuple[ImageSpec, ...] = ()
    watermarks: tuple[ImageSpec, ...] = ()
    clocks: tuple[ClockSpec, ...] = ()
    segmentation: bool = False
    empty_panes_black: bool = False
    """Live-2: a pane without video is black; otherwise what lies below shows."""
    keep_pinned_panes: bool = False
    """Live-2: the pane of an absent pinned user stays theirs; otherwise somebody else is seated there."""
    unlimited_voices: bool = False
    voices_limit: int | None = None


class RelayPart(IntEnum):
    """StreamType: values as on the wire."""

    BOTH = 0
    AUDIO = 1
    VIDEO = 2


@dataclass(frozen=True, slots=True)
class RelaySpec:
    """The one stream of a relaying task; `user_id` None: whoever has been publishing longest (operations.md 3.4)."""

    user_id: UserId | None = None
    source: Source = Source.CAMERA
    part: RelayPart = RelayPart.BOTH


@dataclass(frozen=True, slots=True)
class SeiRhythm:
    """When an SEI message is repeated (callbacks.md 6.3)."""

    interval_ms: int = 1000
    follow_idr: bool = False


@dataclass(frozen=True, slots=True)
class SeiText:
    """The caller's own SEI text, put under `key` (callbacks.md 6.4)."""

    content: str
    key: str = "udd"
    rhythm: SeiRhythm = SeiRhythm()


@dataclass(frozen=True, slots=True)
class SeiSpec:
    """Data put into the video (callbacks.md 6)."""

    payload_type: int = 5
    layout_volume: SeiRhythm | None = None
    pass_through: SeiText | None = None


@dataclass(frozen=True, slots=True)
class TaskSpec:
    """All that is wanted of one task; what came over the wire, in our words and with every default put in."""

    app_id: AppId
    channel_id: ChannelId
    task_id: TaskId
    mode: Mode = Mode.MIX
    family: Family = Family.CLASSIC
    targets: tuple[IngestUrl, ...] = ()
    video: VideoProfile | None = None
    """None: no video track at all."""
    audio: AudioProfile = AudioProfile()  # noqa: RUF009 - frozen
    mix: MixSpec = field(default_factory=MixSpec)
    relay: RelaySpec = RelaySpec()
    sei: SeiSpec | None = None
    vad_interval_ms: int = 0
    """0: no voice-activity callbacks."""
    report_vad: bool = False
    max_idle_s: int | None = None
    playback: bool = False
    """TaskType 1: low-latency distribution instead of a target."""
    auto_relay: bool | None = None
    """Our own: a mix that shows one publisher and nothing else relays them; None: as the server usually does."""
    notes: tuple[str, ...] = ()
    """What was accepted but read otherwise than written (e.g. MediaEncode=2); shown in the status."""

    @property
    def key(self) -> TaskKey:
        """Its full name."""
        return TaskKey(self.app_id, self.task_id)

    @property
    def channels(self) -> tuple[ChannelId, ...]:
        """Every channel it takes users from, its own first."""
        named = (entry.channel_id for entry in self.mix.taking.named)
        return tuple(dict.fromkeys((self.channel_id, *named)))


class TaskState(IntEnum):
    """The `Status` of GetMPUTaskStatus (operations.md 2.1)."""

    WAITING = 0
    RUNNING = 1
    STOPPED = 2
    STOPPED_BY_USER = 3
    CHANNEL_ENDED = 4
    NETWORK_FAILED = 5
    URL_FAILED = 6

    @property
    def final(self) -> bool:
        """Whether nothing comes after it."""
        return not MOVES[self]


_ENDS = frozenset(
    {
        TaskState.STOPPED,
        TaskState.STOPPED_BY_USER,
        TaskState.CHANNEL_ENDED,
        TaskState.NETWORK_FAILED,
        TaskState.URL_FAILED,
    }
)

MOVES = MappingProxyType(
    {
        TaskState.WAITING: frozenset({TaskState.RUNNING, TaskState.STOPPED, TaskState.STOPPED_BY_USER}),
        TaskState.RUNNING: _ENDS,
        **dict.fromkeys(_ENDS, frozenset[TaskState]()),
    }
)
"""Life goes one way: state -> the states that may follow (operations.md 2.2)."""


def move(state: TaskState, to: TaskState) -> TaskState:
    """The only way from one state to another.

    Raises:
        InternalError: The table does not allow it.
    """
    if to not in MOVES[state]:
        raise InternalError("task", f"no way from {state.name} to {to.name}")
    return to
