"""What workers and gateways tell the server. Nothing in it is secret."""

from __future__ import annotations

from dataclasses import dataclass, field

from openmpu.model.ids import TaskKey


@dataclass(frozen=True, slots=True)
class TargetReport:
    """How one target of a task is doing. Nothing in it is secret.

    Attributes:
        url: Redacted.
        place: Index in the spec's targets.
        state: `connecting`, `pushing`, `interrupted`, `given_up`, `ended` (callbacks.md 2.3).
        step: Where the connection stands or failed: `dns`, `tcp`, `tls`, `handshake`, `connect`, `publish`, `media`.
        error_code: Of callbacks.md 2.4; 0: none.
    """

    url: str
    place: int = 0
    state: str = "connecting"
    step: str = ""
    retries: int = 0
    connects: int = 0
    error_code: int = 0
    last_error: str = ""
    bytes_sent: int = 0
    dropped: int = 0
    queue_ms: int = 0


@dataclass(frozen=True, slots=True)
class WorkerReport:
    """What a worker tells once a second and at every change of a target.

    Attributes:
        lease: The worker's; reports of a superseded worker are ignored.
        figures: Free figures for status and metrics, flat names to numbers or short texts (fps, bitrate_kbps, ticks,
            missed_ticks, av_offset_ms, cpu_seconds, memory_mb, users, layout_id, ...).
        failed: The worker gives its task up: (ErrorCode of callbacks.md 2.4, sentence); None: it goes on.
    """

    key: TaskKey
    lease: int
    targets: tuple[TargetReport, ...] = ()
    figures: dict[str, float | int | str | bool | None] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    failed: tuple[int, str] | None = None


@dataclass(frozen=True, slots=True)
class Publication:
    """One accepted WHIP session.

    Attributes:
        resource: Unguessable id of its URL (128 random bits and more).
        sdp: The answer, or the fragment that answers a restart; empty for plain trickling.
        etag: Of the ICE session (RFC 9725 4.3).
    """

    resource: str
    sdp: str
    etag: str
