"""Identifiers, each a type of its own so that they cannot be mixed, and their syntax (operations.md 1.2)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NewType

AppId = NewType("AppId", str)
ChannelId = NewType("ChannelId", str)
UserId = NewType("UserId", str)
TaskId = NewType("TaskId", str)
LayoutId = NewType("LayoutId", int)
TrackId = NewType("TrackId", str)
"""Made by the gateway for each publication anew, so that a late frame of an old one cannot hit its successor."""

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_TASK_ID = re.compile(r"[A-Za-z0-9_-]{1,55}")


def is_name(text: str) -> bool:
    """Whether `text` can be an AppId, ChannelId or UserId."""
    return _NAME.fullmatch(text) is not None


def is_task_id(text: str) -> bool:
    """Whether `text` can be a TaskId: at most 55 bytes (operations.md 1.2)."""
    return _TASK_ID.fullmatch(text) is not None


@dataclass(frozen=True, slots=True, order=True)
class ChannelKey:
    """A channel's full name: channels of two apps never meet."""

    app_id: AppId
    channel_id: ChannelId

    def __str__(self) -> str:
        return f"{self.app_id}/{self.channel_id}"


@dataclass(frozen=True, slots=True, order=True)
class TaskKey:
    """A task's full name: the scope of a TaskId is its AppId (operations.md 1.2)."""

    app_id: AppId
    task_id: TaskId

    def __str__(self) -> str:
        return f"{self.app_id}/{self.task_id}"
