"""The one client for every http(s) URL that a customer gives: pictures and callbacks (security.md S1, S2, S5, S6).

Names are resolved once, every address is checked, the connection goes to a checked address with the right name in TLS
and Host; no redirect is followed, no proxy, cookie or credential is used; time and size are bounded.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from types import TracebackType
from typing import Self

import httpx

from openmpu.errors import DestinationFailed
from openmpu.version import __version__
from openmpu.wire.guard import Guard, WebUrl, read_web_url

MAX_BODY = 10 << 20
"""Bytes of a picture (operations.md 3.2)."""
_NOT_REACHED = "the address cannot be reached or is not allowed"
"""One sentence for closed, filtered and forbidden: the caller learns nothing about our inside."""


class WebClient:
    """Gets and posts, guarded. An async context manager.

    Args:
        guard: Which addresses may be reached.
        ca_file: Certificates trusted besides the system's; empty: none.
    """

    def __init__(self, guard: Guard, ca_file: str = "") -> None:
        self._guard = guard
        context = ssl.create_default_context()
        if ca_file:
            context.load_verify_locations(ca_file)
        limits = httpx.Limits(max_connections=32, max_keepalive_connections=0)
        self._client = httpx.AsyncClient(verify=context, trust_env=False, follow_redirects=False, limits=limits)

    async def __aenter__(self) -> Self:
        await self._client.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.__aexit__(kind, error, trace)

    async def get(self, url: str, within_s: float, max_body: int = MAX_BODY) -> bytes:
        """The body at `url`.

        Raises:
            Invalid: `url` is no http(s) URL.
            DestinationFailed: Not reached, not allowed, an answer other than 200, too large, or not in time.
        """
        try:
            async with asyncio.timeout(within_s):
                return await self._get(await self._pinned(url, "GET"), max_body)
        except (TimeoutError, httpx.HTTPError, OSError):
            raise DestinationFailed("url", _NOT_REACHED) from None

    async def post(self, url: str, body: bytes, headers: dict[str, str], timeout_s: float) -> int:
        """Post once; the status of the answer, whose body is never read into anything.

        Raises:
            Invalid: `url` is no http(s) URL.
            DestinationFailed: Not reached, not allowed, or not in time.
        """
        try:
            async with asyncio.timeout(timeout_s):
                request = await self._pinned(url, "POST", body, headers)
                response = await self._client.send(request, stream=True)
                await response.aclose()
                return response.status_code
        except (TimeoutError, httpx.HTTPError, OSError):
            raise DestinationFailed("url", _NOT_REACHED) from None

    async def _get(self, request: httpx.Request, max_body: int) -> bytes:
        response = await self._client.send(request, stream=True)
        try:
            if response.status_code != 200:
                raise DestinationFailed("url", f"answered {response.status_code}")
            body = bytearray()
            async for chunk in response.aiter_raw():
                body += chunk
                if len(body) > max_body:
                    raise DestinationFailed("url", f"is larger than {max_body} bytes")
            return bytes(body)
        finally:
            await response.aclose()

    async def _pinned(
        self, text: str, method: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> httpx.Request:
        """A request to the checked address itself, with the name in Host and TLS (SNI and certificate)."""
        url = read_web_url(text)
        address = await self._resolve(url)
        literal = f"[{address}]" if ":" in address else address
        default = {"http": 80, "https": 443}[url.scheme] == url.port
        name = f"[{url.host}]" if ":" in url.host else url.host
        own = {
            "Host": name if default else f"{name}:{url.port}",
            "User-Agent": f"openmpu/{__version__}",
            "Accept": "*/*",
        }
        return httpx.Request(
            method,
            f"{url.scheme}://{literal}:{url.port}{url.target}",
            headers={**own, "Accept-Encoding": "identity", **(headers or {})},
            content=body,
            extensions={"sni_hostname": url.host},
        )

    async def _resolve(self, url: WebUrl) -> str:
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(url.host, url.port, type=socket.SOCK_STREAM)
        addresses = [str(entry[4][0]) for entry in found]
        if not addresses or not all(self._guard.may_reach_port(address, url.port) for address in addresses):
            raise DestinationFailed("url", _NOT_REACHED)
        return addresses[0]
