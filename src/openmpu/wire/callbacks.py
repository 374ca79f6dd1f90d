"""Callback bodies and their signature (callbacks.md 2, 3.3 and 7).

Times come in as nanoseconds of Unix time. Nothing here may hold a stream key: targets come in their public form.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

TARGET_EVENT, TASK_EVENT, VOICE_EVENT = 1, 2, 3
CONTENT_TYPE = "application/json;charset=utf-8"
SIGNATURE_HEADER = "DingRTC-Signature"
NO_STATUS = -1
"""PrevStatus of a task that has just begun."""
_MS = 10**6


@dataclass(frozen=True, slots=True)
class Address:
    """What an event is about; goes into every envelope."""

    app_id: str
    channel_id: str
    task_id: str


@dataclass(frozen=True, slots=True)
class Speaker:
    """One line of a voice event: `volume` 0 to 255, `vad` 0 to 150, voiced milliseconds within the interval."""

    user_id: str
    volume: int
    vad: int
    speaking_ms: int


@dataclass(frozen=True, slots=True)
class VoiceReport:
    """Who spoke in the interval that ended at `at`, loudest first; nobody: all fell silent."""

    interval_ms: int
    speakers: tuple[Speaker, ...]
    at: int


def target_payload(dst_url: str, at: int, code: int, error_code: int = 0, message: str = "") -> dict[str, Any]:
    """EventType 1; `dst_url` without query and credentials."""
    return {
        "DstUrl": dst_url,
        "EventTs": at // _MS,
        "EventCode": code,
        "ErrorCode": error_code,
        "ErrorMessage": message,
    }


def task_payload(at: int, status: int, previous: int | None, error_code: int = 0, message: str = "") -> dict[str, Any]:
    """EventType 2; `previous` None: the task is new."""
    return {
        "EventTs": at // _MS,
        "Status": status,
        "PrevStatus": NO_STATUS if previous is None else previous,
        "ErrorCode": error_code,
        "ErrorMessage": message,
    }


def voice_payload(at: int, interval_ms: int, speakers: Iterable[Speaker]) -> dict[str, Any]:
    """EventType 3: who spoke within the interval, loudest first."""
    loudest_first = sorted(speakers, key=lambda speaker: (-speaker.volume, speaker.user_id))
    return {
        "EventTs": at // _MS,
        "Interval": interval_ms,
        "Speakers": [
            {
                "UserId": speaker.user_id,
                "Volume": speaker.volume,
                "Vad": speaker.vad,
                "SpeakingMs": speaker.speaking_ms,
            }
            for speaker in loudest_first
        ],
    }


def envelope(
    event_type: int, address: Address, sub_id: str, msg_id: str, payload: dict[str, Any], sent_at: int
) -> bytes:
    """The body of one attempt; `msg_id` is the same on every retry, `sent_at` is not."""
    body = {
        "EventType": event_type,
        "MsgId": msg_id,
        "AppId": address.app_id,
        "SubId": sub_id,
        "ChannelId": address.channel_id,
        "TaskId": address.task_id,
        "CallbackTs": sent_at // _MS,
        "Payload": payload,
    }
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def signature(app_id: str, secret: str, body: bytes, sent_at: int) -> str:
    """The value of `DingRTC-Signature`: AppId, Unix seconds, HMAC-SHA256 over body and the same seconds."""
    seconds = str(sent_at // 10**9)
    digest = hmac.new(secret.encode(), body + seconds.encode(), hashlib.sha256).hexdigest()
    return f"{app_id}.{seconds}.{digest}"


def headers(app_id: str, secret: str, body: bytes, sent_at: int) -> dict[str, str]:
    """The headers of one attempt; without a secret it is not signed."""
    signed = {SIGNATURE_HEADER: signature(app_id, secret, body, sent_at)} if secret else {}
    return {"Content-Type": CONTENT_TYPE, **signed}
