"""The kinds of error, by whose fault.

Every error that leaves a module is one of these, raised with the culprit's id and a sentence that the person who can
mend it can act on. `wire/rpc/faults.py` is the one table from a kind (and its subject) to a code and an HTTP status;
nobody else knows codes. Nothing in a message may be a secret.
"""

from __future__ import annotations


class OpenMpuError(Exception):
    """Root of all our errors.

    Attributes:
        subject: What it is about, one word of the glossary (`task`, `layout`, `ingest_url`) or, for values that came
            over the API, the top-level parameter's name (`UserPanes`).
        message: One sentence for the person who can mend it.
    """

    def __init__(self, subject: str, message: str) -> None:
        super().__init__(message)
        self.subject = subject
        self.message = message


class Invalid(OpenMpuError):  # noqa: N818 - the kinds read as words (models.md 15)
    """The caller sent a value that cannot be; nothing was changed."""


class Missing(Invalid):
    """The caller left out something required; `subject` is its name."""


class Denied(OpenMpuError):  # noqa: N818
    """The caller may not do this, or did not prove who they are."""


class NotFound(OpenMpuError):  # noqa: N818
    """No such thing for this caller; the same for foreign things and things that never were."""


class Conflict(OpenMpuError):  # noqa: N818
    """The thing is in a state that does not allow this (exists already, in use, cooling down, over)."""

    def __init__(self, subject: str, reason: str, message: str) -> None:
        super().__init__(subject, message)
        self.reason = reason


class Limited(OpenMpuError):  # noqa: N818
    """A rate or quota is used up. `retry_after_s` is None where waiting does not help by itself."""

    def __init__(self, subject: str, message: str, retry_after_s: float | None = None) -> None:
        super().__init__(subject, message)
        self.retry_after_s = retry_after_s


class Unsupported(OpenMpuError):  # noqa: N818
    """Known and allowed, but this server has no such thing."""


class Busy(OpenMpuError):  # noqa: N818
    """No capacity now, or shutting down; trying again later may help."""


class DestinationFailed(OpenMpuError):  # noqa: N818
    """The place that a task sends to is at fault: its name, its server, its refusal. Logged as a warning."""


class InternalError(OpenMpuError):
    """Our fault, a bug: logged with its trace, told to the caller without detail."""
