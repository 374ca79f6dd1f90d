"""Relay event subscriptions (operations.md 7)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from openmpu.wire.rpc import scalars
from openmpu.wire.rpc.requests.common import page_number, page_size
from openmpu.wire.rpc.rows import row

MAX_CALLBACK_URL = 2083
MAX_CHANNELS = 20
_CALLBACK_URL = re.compile(r"[A-Za-z0-9\-_?%=#./+:]+")


def callback_url(text: str, path: str) -> str:
    """An http or https URL out of the characters that the page allows; `&` is not among them."""
    if len(text) > MAX_CALLBACK_URL:
        scalars.refuse(path, f"longer than {MAX_CALLBACK_URL} characters")
    if not _CALLBACK_URL.fullmatch(text):
        scalars.refuse(path, "may hold A-Z a-z 0-9 - _ ? % = # . / + : only")
    return scalars.any_web_url(text, path)


def channel_ids(text: str, path: str) -> tuple[str, ...]:
    """Comma-separated, at most 20, no repeats."""
    names = tuple(scalars.name(part, path) for part in text.split(","))
    if len(names) > MAX_CHANNELS or len(set(names)) != len(names):
        scalars.refuse(path, f"at most {MAX_CHANNELS} channels, each once")
    return names


@dataclass(frozen=True, slots=True)
class CreateRtcMPUEventSub:
    """A new subscription; no channels: all."""

    app_id: str = row("AppId", scalars.name, required=True, identifier=True)
    callback_url: str = row("CallbackUrl", callback_url, required=True)
    channel_ids: tuple[str, ...] | None = row("ChannelIds", channel_ids)


@dataclass(frozen=True, slots=True)
class UpdateRtcMPUEventSub:
    """A change of it; no channels: all again."""

    app_id: str = row("AppId", scalars.name, required=True, identifier=True)
    callback_url: str | None = row("CallbackUrl", callback_url)
    channel_ids: tuple[str, ...] | None = row("ChannelIds", channel_ids)


@dataclass(frozen=True, slots=True)
class ListRtcMPUEventSubRecord:
    """A page of the delivery log; times as nanoseconds of Unix time."""

    app_id: str = row("AppId", scalars.name, required=True, identifier=True)
    start_time: int = row("StartTime", scalars.moment, required=True)
    end_time: int = row("EndTime", scalars.moment, required=True)
    page_no: int = row("PageNo", page_number, required=True)
    page_size: int = row("PageSize", page_size, required=True)
    sub_id: str | None = row("SubId", scalars.string_up_to(64))
