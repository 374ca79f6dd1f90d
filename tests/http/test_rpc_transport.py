"""Bodies that do not come whole (security.md S13)."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from openmpu.http import rpc_transport
from openmpu.http.rpc import RpcApp
from tests.http.house import RpcHouse
from tests.http.signing import FORM

SCOPE: dict[str, Any] = {
    "type": "http",
    "method": "POST",
    "path": "/",
    "raw_path": b"/",
    "query_string": b"",
    "scheme": "http",
    "headers": [(b"content-type", FORM.encode())],
}


async def sent_for(house: RpcHouse, receive: Any) -> list[dict[str, Any]]:
    """What the door sends to a client that is heard through `receive`."""
    sent: list[dict[str, Any]] = []

    async def send(message: Any) -> None:
        sent.append(message)

    await RpcApp(house.door)(dict(SCOPE), receive, send)
    return sent


async def test_half_a_request_is_none(house: RpcHouse) -> None:
    """A client that goes away before it has sent everything has asked for nothing."""
    messages = iter(
        (
            {"type": "http.request", "body": b"Action=StopMPUTask", "more_body": True},
            {"type": "http.disconnect"},
        )
    )

    async def receive() -> Any:
        return next(messages)

    assert await sent_for(house, receive) == []


async def test_a_trickling_body_is_given_up(house: RpcHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    """It gets an answer, and the connection is free."""
    monkeypatch.setattr(rpc_transport, "BODY_WITHIN_S", 0.05)

    async def receive() -> Any:
        await asyncio.sleep(0.01)
        return {"type": "http.request", "body": b"A", "more_body": True}

    start, body = await sent_for(house, receive)
    assert start["status"] == 408
    assert b"<Code>RequestTimeout</Code>" in body["body"]
