"""From a host name to a connected TCP socket: find its addresses, drop those that are not allowed, connect to one."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import socket
import threading
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeAlias

from openmpu.media.outputs import sockets
from openmpu.media.outputs.failure import AttemptFailed, ErrorCode, Step
from openmpu.media.outputs.settings import ConnectionSettings

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
Allowed: TypeAlias = Callable[[Address], bool]
"""Whether our owner lets us connect there (security.md S3)."""
Resolve: TypeAlias = Callable[[str], Awaitable[Sequence[Address]]]
"""Addresses of a host name, best first. Raises OSError (socket.gaierror) when there are none."""

MAX_ADDRESSES = 4
"""A name may have many; one attempt tries that many of them."""
_UNKNOWN = frozenset({socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)})


async def look_up(host: str) -> Sequence[Address]:
    """Ask the system's resolver, in a thread of its own: it may hang for minutes, and must hold up nobody else."""
    with contextlib.suppress(ValueError):
        return [ipaddress.ip_address(host)]
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[Sequence[Address]] = loop.create_future()
    threading.Thread(target=_look_up, args=(host, loop, answer), name="resolver", daemon=True).start()
    return await answer


async def dial(
    host: str,
    port: int,
    settings: ConnectionSettings,
    allowed: Allowed,
    resolve: Resolve,
    on_found: Callable[[], None],
) -> socket.socket:
    """A connected socket, set up as an output wants it; `on_found` is called between the two steps.

    Raises:
        AttemptFailed: At step DNS or TCP.
    """
    addresses = await _addresses(host, settings, resolve)
    on_found()
    # One sentence for closed, filtered and forbidden: nobody shall learn from us what stands in our network.
    failure = AttemptFailed(Step.TCP, ErrorCode.CANNOT_CONNECT, "cannot connect to the server")
    usable = [address for address in addresses if allowed(_unmapped(address))][:MAX_ADDRESSES]
    if not usable:
        failure.detail = "no address of the host is allowed (settings: security.allow_networks)"
        raise failure
    for address in usable:
        try:
            async with asyncio.timeout(settings.limits_s[Step.TCP] / len(usable)):
                return await _connect(address, port, settings)
        except OSError as error:  # TimeoutError is one
            failure.detail = f"{address}: {error or 'timed out'}"
    raise failure


async def _addresses(host: str, settings: ConnectionSettings, resolve: Resolve) -> Sequence[Address]:
    try:
        async with asyncio.timeout(settings.limits_s[Step.DNS]):
            return await resolve(host)
    except TimeoutError:
        raise AttemptFailed(Step.DNS, ErrorCode.CANNOT_CONNECT, "no answer about the host name in time") from None
    except OSError as error:
        code = ErrorCode.HOST_NOT_FOUND if error.errno in _UNKNOWN else ErrorCode.CANNOT_CONNECT
        raise AttemptFailed(Step.DNS, code, "the host name cannot be found", detail=str(error)) from None


async def _connect(address: Address, port: int, settings: ConnectionSettings) -> socket.socket:
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        timeout_ms = settings.stall // 1_000_000
        sockets.set_up(sock, send_buffer=settings.send_buffer, unsent=settings.unsent, timeout_ms=timeout_ms)
        await asyncio.get_running_loop().sock_connect(sock, (str(address), port))
    except BaseException:
        sock.close()
        raise
    return sock


def _unmapped(address: Address) -> Address:
    """An IPv4 address in IPv6 clothes is judged as the IPv4 address that it is."""
    return (address.version == 6 and address.ipv4_mapped) or address


def _look_up(host: str, loop: asyncio.AbstractEventLoop, answer: asyncio.Future[Sequence[Address]]) -> None:
    outcome: Sequence[Address] | OSError
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
        outcome = list(dict.fromkeys(ipaddress.ip_address(entry[4][0]) for entry in found))
    except UnicodeError:  # of the IDNA codec: a label that is empty or too long
        outcome = socket.gaierror(socket.EAI_NONAME, "not a host name")
    except OSError as error:
        outcome = error
    with contextlib.suppress(RuntimeError):  # the loop may have ended meanwhile
        loop.call_soon_threadsafe(_settle, answer, outcome)


def _settle(answer: asyncio.Future[Sequence[Address]], outcome: Sequence[Address] | OSError) -> None:
    if answer.done():  # nobody waits any more
        return
    if isinstance(outcome, OSError):
        answer.set_exception(outcome)
    else:
        answer.set_result(outcome)
