"""One control socket, seen from either end: requests with answers, and tellings without (wire/control.py)."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import Awaitable, Callable
from typing import Any

import structlog

from openmpu.errors import Busy, OpenMpuError
from openmpu.wire import control

Handler = Callable[[dict[str, Any]], Awaitable[Any]]
"""Gets a request or a telling; what it returns is the answer's value, what it raises the answer's error."""

MAX_UNSENT = 8 << 20
"""Bytes waiting for a peer that does not read: past it the socket is closed, nobody waits."""

_log = structlog.get_logger()


class ControlChannel:
    """Frames over one connected stream. `run` reads until the other side closes; its owner must call it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, handler: Handler) -> None:
        self._reader, self._writer, self._handler = reader, writer, handler
        self._numbers = itertools.count(1)
        self._answers: dict[int, asyncio.Future[Any]] = {}
        self._jobs: set[asyncio.Task[None]] = set()

    def tell(self, name: str, **fields: Any) -> None:
        """Send an event; never waits. A peer that does not read is cut off."""
        self._send({"tell": name, **fields})

    def hello(self, **fields: Any) -> None:
        """Send the first frame: who this is."""
        self._send({"hello": fields})

    async def ask(self, name: str, within_s: float = 10.0, **fields: Any) -> Any:
        """Send a request and wait for its answer.

        Raises:
            OpenMpuError: What the other side raised.
            Busy: No answer in time, or the socket closed first.
        """
        number = next(self._numbers)
        answer = self._answers[number] = asyncio.get_running_loop().create_future()
        try:
            self._send({"do": name, "id": number, **fields})
            async with asyncio.timeout(within_s):
                return await answer
        except TimeoutError:
            raise Busy("control", f"no answer to {name} within {within_s:g} s") from None
        finally:
            del self._answers[number]

    async def run(self) -> None:
        """Read until the socket closes or breaks; then nothing of it is left."""
        frames = control.ControlReader()
        try:
            while data := await self._reader.read(1 << 16):
                for message in frames.feed(data):
                    self._take(message)
        except (OSError, OpenMpuError) as error:
            _log.warning("control socket broke", error=str(error))
        finally:
            await self._end()

    def close(self) -> None:
        """Close the socket; `run` then returns."""
        self._writer.close()

    def _send(self, message: dict[str, Any]) -> None:
        if self._writer.is_closing():
            return
        self._writer.write(control.encode(message))
        if self._writer.transport.get_write_buffer_size() > MAX_UNSENT:
            _log.warning("control socket cut off: the other side does not read")
            self._writer.transport.abort()

    def _take(self, message: dict[str, Any]) -> None:
        if "answer" in message:
            self._settle(message)
            return
        job = asyncio.get_running_loop().create_task(self._handle(message))
        self._jobs.add(job)
        job.add_done_callback(self._jobs.discard)

    def _settle(self, message: dict[str, Any]) -> None:
        answer = self._answers.get(message["answer"])
        if answer is None or answer.done():
            return
        if "error" not in message:
            answer.set_result(message.get("value"))
            return
        try:
            control.raise_error(message["error"])
        except OpenMpuError as error:
            answer.set_exception(error)

    async def _handle(self, message: dict[str, Any]) -> None:
        number = message.get("id")
        try:
            reply = {"answer": number, "value": await self._handler(message)}
        except OpenMpuError as error:
            reply = {"answer": number, "error": control.plain_error(error)}
        except Exception as error:  # noqa: BLE001 - a bug in one request must not end the socket; it is logged and answered
            _log.exception("control request failed", request=message.get("do") or message.get("tell"))
            reply = {"answer": number, "error": control.plain_error(error)}
        if number is not None:
            self._send(reply)

    async def _end(self) -> None:
        for answer in self._answers.values():
            if not answer.done():
                answer.set_exception(Busy("control", "the other side is gone"))
        for job in tuple(self._jobs):
            job.cancel()
        self._writer.close()
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()
