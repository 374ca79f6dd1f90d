"""The one table from a kind of error, its subject and its reason to a code and an HTTP status (wire.md 8).

Two dialects: what RTC-1 and Live-1 call `InvalidCropMode.Malformed` is `InvalidParam` in Live-2. Nobody else knows
codes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from openmpu import errors
from openmpu.wire.rpc.actions import Dialect


@dataclass(frozen=True, slots=True)
class Fault:
    """An error as the client sees it; `retry_after_ms` goes into a header (wire.md 8.2)."""

    status: int
    code: str
    message: str
    retry_after_ms: int | None = None


_WIRE_NAMES = {
    "app": "AppId",
    "channel": "ChannelId",
    "task": "TaskId",
    "layout": "LayoutId",
    "layouts": "LayoutIds",
    "ingest_url": "StreamURL",
    "panes": "Panes",
    "callback_url": "CallbackUrl",
    "channels": "ChannelIds",
    "sei": "CustomSei",
    "user": "UserId",
}
"""Our words for what the wire calls otherwise: services raise in ours."""

_OWN_SPELLING = {"AppId": "InvalidAppId", "TaskId": "InvalidTask.IDError", "LayoutIds": "InvalidLayoutID.Malformed"}
"""operations.md 1.1, 1.2: codes that do not follow the pattern `Invalid<Param>.Malformed`."""

_CONFLICTS = {
    ("task", "exists"): "TaskExisted",
    ("task", "not_running"): "InvalidTask.NotRunning",
    ("ingest_url", "in_use"): "InvalidStreamURL.InUse",
    ("ingest_url", "cooling_down"): "InvalidStreamURL.CoolingDown",
}

_LIMITS = {
    "tasks": (400, "QuotaExceeded.MPUTask"),
    "layouts": (400, "QuotaExceeded.MPULayout"),
    "ingest_domain": (400, "QuotaExceeded.IngestDomain"),
    "request": (413, "RequestEntityTooLarge"),
    "slow_request": (408, "RequestTimeout"),
}

_NOT_FOUND = {
    "app": (400, "InvalidAppId"),
    "task": (404, "InvalidTask.NotFound"),
    "layout": (404, "InvalidLayout.NotFound"),
    "action": (404, "InvalidAction.NotFound"),
    "access_key": (404, "InvalidAccessKeyId.NotFound"),
}

_DENIED = {
    "access_key": (400, "InvalidAccessKeyId.Inactive"),
    "signature": (400, "SignatureDoesNotMatch"),
    "authorization": (400, "IncompleteSignature"),
    "security_token": (400, "InvalidSecurityToken.MismatchWithAccessKey"),
    "nonce": (400, "SignatureNonceUsed"),
}

TASK_EXISTED = "TaskExisted"
_INTERNAL = Fault(500, "InternalError", "The request failed inside the server; it was logged under its RequestId.")


def fault_of(error: BaseException, dialect: Dialect, task_existed_status: int = 200) -> Fault:
    """What the client is told about an error; whatever is not ours is an InternalError.

    Args:
        error: What was raised.
        dialect: Of the operation, GATEWAY before there is one.
        task_existed_status: 200 as the seed says, or 400 (wire.md 5).
    """
    if isinstance(error, errors.Conflict):
        return _conflict(error, dialect, task_existed_status)
    for kind, tell in _TELLERS:
        if isinstance(error, kind):
            return tell(error, dialect)
    return _INTERNAL


def _wire_name(subject: str) -> str:
    return _WIRE_NAMES.get(subject, subject)


def _missing(error: errors.OpenMpuError, dialect: Dialect) -> Fault:
    code = "MissingParam" if dialect is Dialect.LIVE_2 else f"Missing{_wire_name(error.subject)}"
    return Fault(400, code, error.message)


def _invalid(error: errors.OpenMpuError, dialect: Dialect) -> Fault:
    return Fault(400, _invalid_code(_wire_name(error.subject), dialect), error.message)


def _invalid_code(name: str, dialect: Dialect) -> str:
    if dialect is Dialect.GATEWAY:
        return "UnsupportedHTTPMethod" if name == "http_method" else f"Invalid{name}"
    if dialect is Dialect.LIVE_2:
        return "InvalidAppId" if name == "AppId" else "InvalidParam"
    return _OWN_SPELLING.get(name, f"Invalid{name}.Malformed")


def _not_found(error: errors.OpenMpuError, dialect: Dialect) -> Fault:
    if dialect is Dialect.LIVE_2 and error.subject != "app":
        return Fault(400, "InvalidParam", error.message)
    status, code = _NOT_FOUND.get(error.subject, (404, f"Invalid{_wire_name(error.subject)}.NotFound"))
    return Fault(status, code, error.message)


def _denied(error: errors.OpenMpuError, dialect: Dialect) -> Fault:
    if error.subject == "app" and dialect is Dialect.LIVE_2:
        return Fault(403, "OperationDenied", error.message)
    status, code = _DENIED.get(error.subject, (403, "Forbidden"))
    return Fault(status, code, error.message)


def _conflict(error: errors.Conflict, dialect: Dialect, task_existed_status: int) -> Fault:
    if dialect is Dialect.LIVE_2:
        return Fault(400, "InvalidParam", error.message)
    code = _CONFLICTS.get((error.subject, error.reason), f"Invalid{_wire_name(error.subject)}.Malformed")
    return Fault(task_existed_status if code == TASK_EXISTED else 400, code, error.message)


def _limited(error: errors.OpenMpuError, _dialect: Dialect) -> Fault:
    if error.subject == "rate":
        after_s = getattr(error, "retry_after_s", None)
        wait = None if after_s is None else max(1, round(after_s * 1000))
        return Fault(400, "Throttling.User", error.message, wait)
    status, code = _LIMITS.get(error.subject, (400, f"QuotaExceeded.{error.subject}"))
    return Fault(status, code, error.message)


def _unsupported(error: errors.OpenMpuError, _dialect: Dialect) -> Fault:
    return Fault(400, "UnsupportedOperation", error.message)


def _busy(error: errors.OpenMpuError, _dialect: Dialect) -> Fault:
    return Fault(503, "ServiceUnavailable", error.message)


_TELLERS: tuple[tuple[type[errors.OpenMpuError], Callable[[errors.OpenMpuError, Dialect], Fault]], ...] = (
    (errors.Missing, _missing),
    (errors.Invalid, _invalid),
    (errors.NotFound, _not_found),
    (errors.Denied, _denied),
    (errors.Limited, _limited),
    (errors.Unsupported, _unsupported),
    (errors.Busy, _busy),
)
"""Kind to teller; Missing is an Invalid, so it stands first."""
