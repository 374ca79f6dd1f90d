"""The one table from kinds of errors to codes, in both dialects (wire.md 8.2 to 8.4)."""

from __future__ import annotations

import pytest

from openmpu import errors
from openmpu.wire.rpc.actions import Dialect
from openmpu.wire.rpc.faults import fault_of

CLASSIC, LIVE_2, GATEWAY = Dialect.CLASSIC, Dialect.LIVE_2, Dialect.GATEWAY

TABLE: list[tuple[Exception, Dialect, int, str]] = [
    (errors.Missing("Action", "m"), GATEWAY, 400, "MissingAction"),
    (errors.Missing("AppId", "m"), CLASSIC, 400, "MissingAppId"),
    (errors.Missing("AppId", "m"), LIVE_2, 400, "MissingParam"),
    (errors.Invalid("Version", "m"), GATEWAY, 400, "InvalidVersion"),
    (errors.Invalid("http_method", "m"), GATEWAY, 400, "UnsupportedHTTPMethod"),
    (errors.Invalid("UserPanes", "m"), CLASSIC, 400, "InvalidUserPanes.Malformed"),
    (errors.Invalid("LayoutIds", "m"), CLASSIC, 400, "InvalidLayoutID.Malformed"),
    (errors.Invalid("layouts", "m"), CLASSIC, 400, "InvalidLayoutID.Malformed"),
    (errors.Invalid("MediaEncode", "m"), CLASSIC, 400, "InvalidMediaEncode.Malformed"),
    (errors.Invalid("TaskId", "m"), CLASSIC, 400, "InvalidTask.IDError"),
    (errors.Invalid("channel", "m"), CLASSIC, 400, "InvalidChannelId.Malformed"),
    (errors.Invalid("ingest_url", "m"), CLASSIC, 400, "InvalidStreamURL.Malformed"),
    (errors.Invalid("AppId", "m"), CLASSIC, 400, "InvalidAppId"),
    (errors.Invalid("AppId", "m"), LIVE_2, 400, "InvalidAppId"),
    (errors.Invalid("TranscodeParams", "m"), LIVE_2, 400, "InvalidParam"),
    (errors.NotFound("app", "m"), CLASSIC, 400, "InvalidAppId"),
    (errors.NotFound("app", "m"), LIVE_2, 400, "InvalidAppId"),
    (errors.NotFound("task", "m"), CLASSIC, 404, "InvalidTask.NotFound"),
    (errors.NotFound("task", "m"), LIVE_2, 400, "InvalidParam"),
    (errors.NotFound("subscription", "m"), LIVE_2, 400, "InvalidParam"),
    (errors.NotFound("layout", "m"), CLASSIC, 404, "InvalidLayout.NotFound"),
    (errors.Conflict("task", "exists", "m"), CLASSIC, 200, "TaskExisted"),
    (errors.Conflict("task", "exists", "m"), LIVE_2, 400, "InvalidParam"),
    (errors.Conflict("task", "not_running", "m"), CLASSIC, 400, "InvalidTask.NotRunning"),
    (errors.Conflict("ingest_url", "in_use", "m"), CLASSIC, 400, "InvalidStreamURL.InUse"),
    (errors.Conflict("ingest_url", "cooling_down", "m"), CLASSIC, 400, "InvalidStreamURL.CoolingDown"),
    (errors.Conflict("ingest_url", "in_use", "m"), LIVE_2, 400, "InvalidParam"),
    (errors.Limited("tasks", "m"), CLASSIC, 400, "QuotaExceeded.MPUTask"),
    (errors.Limited("tasks", "m"), LIVE_2, 400, "QuotaExceeded.MPUTask"),
    (errors.Limited("layouts", "m"), CLASSIC, 400, "QuotaExceeded.MPULayout"),
    (errors.Limited("rate", "m", 0.5), LIVE_2, 400, "Throttling.User"),
    (errors.Limited("request", "m"), GATEWAY, 413, "RequestEntityTooLarge"),
    (errors.Denied("layout", "m"), CLASSIC, 403, "Forbidden"),
    (errors.Denied("app", "m"), CLASSIC, 403, "Forbidden"),
    (errors.Denied("app", "m"), LIVE_2, 403, "OperationDenied"),
    (errors.Unsupported("TaskType", "m"), CLASSIC, 400, "UnsupportedOperation"),
    (errors.Busy("server", "m"), CLASSIC, 503, "ServiceUnavailable"),
    (errors.InternalError("task", "m"), CLASSIC, 500, "InternalError"),
    (errors.DestinationFailed("cdn", "m"), CLASSIC, 500, "InternalError"),
    (RuntimeError("m"), LIVE_2, 500, "InternalError"),
]


@pytest.mark.parametrize(("error", "dialect", "status", "code"), TABLE)
def test_the_table(error: Exception, dialect: Dialect, status: int, code: str) -> None:
    """Status, code, and the sentence of whoever raised it; a bug's own words stay inside."""
    fault = fault_of(error, dialect)
    assert (fault.status, fault.code) == (status, code)
    assert (fault.message == "m") == (status != 500)


def test_the_wait_is_in_milliseconds_and_never_none_at_all() -> None:
    """wire.md 8.2 x-acs-retry-after."""
    assert fault_of(errors.Limited("rate", "m", 0.0001), CLASSIC).retry_after_ms == 1
    assert fault_of(errors.Limited("rate", "m", 1.5), CLASSIC).retry_after_ms == 1500
    assert fault_of(errors.Limited("rate", "m"), CLASSIC).retry_after_ms is None


def test_task_existed_may_be_an_error() -> None:
    """wire.md 5."""
    assert fault_of(errors.Conflict("task", "exists", "m"), CLASSIC, 400).status == 400
