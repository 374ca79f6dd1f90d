"""The smallest WHIP door that outside programs need, and a page for browsers: HTTP/1.1 in front of a gateway."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import unquote


class Door:
    """POST begins a publication of the user named by the path, PATCH trickles, DELETE ends it; GET gives the page.

    Attributes:
        offers: What was posted.
        told: What the page said of itself, by GET of `/tell?`.
    """

    def __init__(self, server: Any, page: str = "") -> None:
        self._server, self._page = server, page
        self.url = ""
        self.requests: list[str] = []
        self.offers: list[str] = []
        self.told: list[str] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        line, *fields = head.split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (field.partition(":") for field in fields)}
        if headers.get("expect", "").lower() == "100-continue":
            writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        body = await _body(reader, headers)
        method, path, _ = line.split(" ")
        if method == "GET":
            self.told += [unquote(path.partition("?")[2])] if path.startswith("/tell?") else []
            writer.write(_reply("200 OK", self._page, "Content-Type: text/html; charset=utf-8\r\n"))
            await writer.drain()
            writer.close()
            return
        self.requests.append(method)
        writer.write(await self._answer(method, path.split("?")[0].strip("/").split("/"), headers, body))
        await writer.drain()
        writer.close()

    async def _answer(self, method: str, path: list[str], headers: dict[str, str], body: str) -> bytes:
        if method == "POST":
            self.offers.append(body)
            published = await self._server.publish(path[-1], body)
            more = f'Location: /resource/{published["resource"]}\r\nETag: "{published["etag"]}"\r\n'
            return _reply("201 Created", published["sdp"], more + "Content-Type: application/sdp\r\n")
        if method == "PATCH":
            etag = headers.get("if-match", "*").strip('"')
            given = {"resource": path[-1], "fragment": body, "etag": None if etag == "*" else etag}
            await self._server.ask("trickle", **given)
            return _reply("204 No Content", "", "")
        await self._server.ask("unpublish", resource=path[-1])
        return _reply("200 OK", "", "")


async def _body(reader: asyncio.StreamReader, headers: dict[str, str]) -> str:
    if headers.get("transfer-encoding", "").lower() != "chunked":
        return (await reader.readexactly(int(headers.get("content-length", 0)))).decode()
    body = b""
    while size := int(await reader.readline(), 16):
        body += await reader.readexactly(size)
        await reader.readline()
    await reader.readline()
    return body.decode()


def _reply(status: str, body: str, more: str) -> bytes:
    head = f"HTTP/1.1 {status}\r\n{more}Connection: close\r\nContent-Length: {len(body.encode())}\r\n\r\n"
    return (head + body).encode()


@asynccontextmanager
async def door(server: Any, page: str = "") -> AsyncIterator[Door]:
    """A door on a free port of loopback."""
    one = Door(server, page)
    listener = await asyncio.start_server(one.serve, "127.0.0.1", 0)
    one.url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}/whip"
    try:
        yield one
    finally:
        listener.close()
