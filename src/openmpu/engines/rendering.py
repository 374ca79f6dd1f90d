"""Previews: a process for each (`openmpu.media.render`), some at a time, none for long."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from collections.abc import Mapping
from typing import Any

from openmpu.engines.nursery import environment
from openmpu.errors import Busy, InternalError, Invalid
from openmpu.model.codec import to_plain
from openmpu.model.task import TaskSpec

AT_ONCE = 2
WITHIN_S = 30.0
BAD_ORDER = 2


class LocalRenderer:
    """Draws scenes on this machine.

    Args:
        options: What each is told besides the task: fonts, zone, networks that pictures may come from.
    """

    def __init__(self, options: Mapping[str, Any]) -> None:
        self._options = dict(options)
        self._places = asyncio.Semaphore(AT_ONCE)

    async def render(self, spec: TaskSpec, people: int | None) -> bytes:
        """The scene as PNG.

        Raises:
            Invalid: It cannot be drawn; with the reason.
            Busy: Too many are being drawn already, or it took too long.
        """
        order = json.dumps({**self._options, "spec": to_plain(spec), "people": people}).encode()
        try:
            async with asyncio.timeout(WITHIN_S), self._places:
                return await _run(order)
        except TimeoutError:
            raise Busy("preview", f"not drawn within {WITHIN_S:g} s") from None


async def _run(order: bytes) -> bytes:
    pipe = asyncio.subprocess.PIPE
    command = (sys.executable, "-m", "openmpu.media.render")
    process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, stderr=pipe, env=environment())
    try:
        png, said = await process.communicate(order)
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    if process.returncode == BAD_ORDER:
        subject, _, message = said.decode(errors="replace").strip().partition(": ")
        raise Invalid(subject, message)
    if process.returncode or not png:
        raise InternalError("preview", f"the renderer ended with {process.returncode}")
    return png
