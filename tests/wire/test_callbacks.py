"""Bodies and signature of callbacks (callbacks.md 2, 3.3, 7)."""

from __future__ import annotations

import json

from openmpu.wire import callbacks
from openmpu.wire.callbacks import Address, Speaker

AT = 1_700_000_000_123_456_789
ADDRESS = Address("rtcdev", "room", "mpucallbacktest")


def test_signature_check_value() -> None:
    """callbacks.md 3.3."""
    body = b'{"eventId":"e1","eventType":"3001"}'
    value = callbacks.signature("app", "cbsecret", body, 1_700_000_000 * 10**9 + 999_999_999)
    assert value == "app.1700000000.c2f90bf6fa9c2daf650cfa29f44d20f3ccbbb0375a24c7eac2512fd5ed4b9d56"


def test_headers() -> None:
    """JSON in UTF-8; signed only with a secret."""
    assert callbacks.headers("app", "", b"{}", AT) == {"Content-Type": "application/json;charset=utf-8"}
    assert callbacks.headers("app", "s", b"{}", AT)["DingRTC-Signature"].startswith("app.1700000000.")


def test_the_documented_envelope() -> None:
    """callbacks.md 2.1, every key and type; ChannelId is added."""
    payload = callbacks.target_payload("rtmp://example.com/live/stream", AT - 23_000_000, 1)
    body = callbacks.envelope(1, ADDRESS, "Sub-9799B2C45009799B2C45009799B2C450", "42bba8b5", payload, AT)
    assert json.loads(body) == {
        "EventType": 1,
        "MsgId": "42bba8b5",
        "AppId": "rtcdev",
        "SubId": "Sub-9799B2C45009799B2C45009799B2C450",
        "ChannelId": "room",
        "TaskId": "mpucallbacktest",
        "CallbackTs": 1_700_000_000_123,
        "Payload": {
            "DstUrl": "rtmp://example.com/live/stream",
            "EventTs": 1_700_000_000_100,
            "EventCode": 1,
            "ErrorCode": 0,
            "ErrorMessage": "",
        },
    }


def test_a_task_payload() -> None:
    """callbacks.md 2.2; a new task comes from nowhere."""
    assert callbacks.task_payload(AT, 5, 1, 1005, "lost") == {
        "EventTs": 1_700_000_000_123, "Status": 5, "PrevStatus": 1, "ErrorCode": 1005, "ErrorMessage": "lost",
    }  # fmt: skip
    assert callbacks.task_payload(AT, 0, None)["PrevStatus"] == -1


def test_a_voice_payload() -> None:
    """callbacks.md 7: loudest first; an empty list when all fell silent."""
    speakers = [Speaker("b", 5, 10, 100), Speaker("a", 5, 20, 110), Speaker("c", 180, 150, 420)]
    told = callbacks.voice_payload(AT, 500, speakers)
    assert [each["UserId"] for each in told["Speakers"]] == ["c", "a", "b"]
    assert told["Speakers"][0] == {"UserId": "c", "Volume": 180, "Vad": 150, "SpeakingMs": 420}
    assert callbacks.voice_payload(AT, 500, []) == {"EventTs": 1_700_000_000_123, "Interval": 500, "Speakers": []}


def test_any_text_can_be_told() -> None:
    """Compact UTF-8; what cannot be encoded is replaced, never an error."""
    body = callbacks.envelope(2, ADDRESS, "s", "m", callbacks.task_payload(AT, 2, 1, 2001, "坏了 \udcff"), AT)
    assert "坏了".encode() in body
    assert b": " not in body
