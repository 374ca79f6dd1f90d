"""What can be set about an output; every number has its reason beside it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from openmpu.media.outputs.failure import Step
from openmpu.timing.backoff import SECOND, Backoff

_FIVE_SECONDS = MappingProxyType(dict.fromkeys(Step, 5.0))


@dataclass(frozen=True, slots=True)
class ConnectionSettings:
    """One connection.

    Attributes:
        limits_s: Seconds that each step may take.
        stall: Nanoseconds without any byte taken by the peer after which it counts as gone; with `check` and the time
            that a buffer takes to fill it keeps below the 5 s of security.md 2.3.
        check: Nanoseconds between two looks at that.
        send_buffer: Bytes the kernel may hold: enough for 8 Mbit/s at 200 ms.
        unsent: Bytes of those that may lie unsent (TCP_NOTSENT_LOWAT): the backlog belongs into our queue, which knows
            what can be dropped.
        ca_file: Certificates trusted besides the system's.
    """

    limits_s: MappingProxyType[Step, float] = field(default_factory=lambda: _FIVE_SECONDS)
    stall: int = 4 * SECOND
    check: int = SECOND // 4
    send_buffer: int = 256 << 10
    unsent: int = 32 << 10
    ca_file: Path | None = None


@dataclass(frozen=True, slots=True)
class Policy:
    """When to give up (operations.md 2.2). None: never for that reason.

    Attributes:
        max_attempts: Failures in a row, of any kind, that must also have taken `least`.
        max_refusals: Refusals and unknown names in a row; not counted is a name in use that is most likely held for our
            own previous connection.
        refusal_wait: Shortest wait after a refusal: asking again at once would only get the same answer.
        in_use_wait: Wait while the server still holds our name: the vendor's servers do for 10 s (operations.md 2.4),
            nginx for up to 90 s when it was not told of the end; ten attempts outlast that.
        soon: So many attempts come before it without that wait where the name is our own: most servers notice the end
            of a connection at once, some an instant late.
        pushed_before: Another process of ours pushed there, so a name in use is our own from the start.
        steady: Pushed for so long, a connection ends a row of failures; a server that accepts and hangs up does not.
        steady_after_slow: The same after TOO_SLOW, which takes longer to show.
    """

    max_attempts: int | None = 10
    least: int = 60 * SECOND
    max_refusals: int | None = 3
    backoff: Backoff = Backoff()  # noqa: RUF009 - frozen
    refusal_wait: int = 2 * SECOND
    in_use_wait: int = 13 * SECOND
    soon: int = 2
    pushed_before: bool = False
    steady: int = 2 * SECOND
    steady_after_slow: int = 30 * SECOND


FOR_EVER = Policy(max_attempts=None, max_refusals=None)


@dataclass(frozen=True, slots=True)
class OutputSettings:
    """One target for its whole life.

    Attributes:
        backlog: Nanoseconds of media that may wait for the socket.
        key_patience: Nanoseconds without an expected key frame after which one is asked for (again).
        slow: Nanoseconds of overflowing again and again after which the connection is given up (TOO_SLOW).
        slow_gap: Overflows farther apart than this are not "again and again".
    """

    connection: ConnectionSettings = ConnectionSettings()
    policy: Policy = Policy()
    backlog: int = 2 * SECOND
    key_patience: int = 2_500_000_000
    slow: int = 10 * SECOND
    slow_gap: int = 5 * SECOND
