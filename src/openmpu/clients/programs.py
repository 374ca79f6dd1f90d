"""Child processes of the demo: started, listened to, ended for sure, whatever happens to their parent."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import signal
import sys
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path

_PR_SET_PDEATHSIG = 1
"""prctl(2): a signal for the child when its parent dies, even by `kill -9`."""
_KEPT_LINES = 20
_STOP_SECONDS = 10.0


class Program:
    """One `python -m openmpu …` beside us.

    Attributes:
        lines: The latest of what it wrote.
    """

    def __init__(self, name: str, arguments: Sequence[str], on_line: Callable[[str], None] | None = None) -> None:
        self.name, self._arguments, self._on_line = name, arguments, on_line
        self.lines: deque[str] = deque(maxlen=_KEPT_LINES)
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None

    async def start(self, log: Path | None = None) -> None:
        """Start it, in a session of its own: Ctrl-C is our business. `log` gets all that it writes."""
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "openmpu",
            *self._arguments,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=_die_with_parent(os.getpid()),
        )
        if self._process.stdout:
            self._reader = asyncio.create_task(self._read(self._process.stdout, log))

    @property
    def running(self) -> bool:
        """Whether it was started and has not ended."""
        return self._process is not None and self._process.returncode is None

    @property
    def last_line(self) -> str:
        """What it said last; empty if nothing."""
        return self.lines[-1] if self.lines else ""

    async def stop(self) -> None:
        """Ask it to end; kill it and all of its session when it does not."""
        process = self._process
        if process is None:
            return
        if process.returncode is None:
            process.terminate()
            try:
                async with asyncio.timeout(_STOP_SECONDS):
                    await process.wait()
            except TimeoutError:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                await process.wait()
        if self._reader:
            self._reader.cancel()
            await asyncio.gather(self._reader, return_exceptions=True)

    async def _read(self, output: asyncio.StreamReader, log: Path | None) -> None:
        with contextlib.ExitStack() as stack:
            file = stack.enter_context(log.open("wb")) if log else None
            while line := await _line(output):
                if file:
                    file.write(line)
                    file.flush()
                self._take(line.decode(errors="replace").rstrip())

    def _take(self, line: str) -> None:
        if line:
            self.lines.append(line)
        if line and self._on_line:
            self._on_line(line)


async def _line(stream: asyncio.StreamReader) -> bytes:
    """The next line; one that is longer than the reader's buffer is taken in pieces."""
    try:
        return await stream.readline()
    except ValueError:
        return b"...\n"


def _die_with_parent(parent: int) -> Callable[[], None]:
    prctl = ctypes.CDLL(None, use_errno=True).prctl

    def arrange() -> None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:
            os._exit(1)

    return arrange
