"""The warm process that workers are forked from (DESIGN 2): `python -m openmpu.engines.zygote ENTRY [MODULE ...]`.

It has the heavy modules loaded, so that a worker starts in some milliseconds and shares their memory. Single-threaded
by intent: forking a process with threads is unsafe. One JSON object a line: standard input takes
`{"spawn": {options}}`, standard output gives `{"spawned": pid, ...}` and `{"exited": pid, "status": n}`. It ends with
its standard input; the workers live on until their own grace time is over.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import select
import signal
import sys
from collections.abc import Callable
from typing import Any

import setproctitle

Entry = Callable[[dict[str, Any]], None]
"""What a worker runs: gets its options; the process ends when it returns."""


def main(arguments: list[str]) -> None:
    """Load the entry (`module:function`) and the modules, then fork a worker for each line that asks for one."""
    setproctitle.setproctitle("openmpu: zygote")
    entry = _load(arguments[0])
    for module in arguments[1:]:
        importlib.import_module(module)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal's Ctrl-C is the server's to handle
    wake = _wake_on_child()
    gc.collect()
    gc.freeze()  # what is loaded now is never walked by a worker's collector: its pages stay shared
    _say({"ready": os.getpid()})
    _serve(entry, wake)


def _load(path: str) -> Entry:
    module, _, name = path.partition(":")
    entry: Entry = getattr(importlib.import_module(module), name)
    return entry


def _wake_on_child() -> int:
    """A descriptor that becomes readable when a child ended, so that one `select` waits for everything."""
    readable, writable = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(writable, warn_on_full_buffer=False)
    return readable


def _serve(entry: Entry, wake: int) -> None:
    pending = b""
    while True:
        ready, _, _ = select.select([0, wake], [], [])
        if wake in ready:
            os.read(wake, 512)
            _reap()
        if 0 not in ready:
            continue
        data = os.read(0, 1 << 16)
        if not data:
            return
        *lines, pending = (pending + data).split(b"\n")
        for line in lines:
            _spawn(entry, json.loads(line)["spawn"])


def _spawn(entry: Entry, options: dict[str, Any]) -> None:
    sys.stderr.flush()
    pid = os.fork()
    if pid:
        _say({"spawned": pid, "task": [options["app_id"], options["task_id"]], "lease": options["lease"]})
        return
    status = 1
    try:
        _become_worker()
        entry(options)
        status = 0
    except BaseException:  # noqa: BLE001 - the child must end here, whatever happened, and never run the loop above
        import traceback  # noqa: PLC0415 - only then

        traceback.print_exc()
    finally:
        with contextlib.suppress(OSError):
            sys.stderr.flush()
        os._exit(status)


def _become_worker() -> None:
    """Nothing of the zygote's is left in the child: its pipes, its signals, its place in the process group."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setsid()
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(null, 1)
    os.close(null)


def _reap() -> None:
    with contextlib.suppress(ChildProcessError):
        while True:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if not pid:
                return
            _say({"exited": pid, "status": os.waitstatus_to_exitcode(status)})


def _say(message: dict[str, Any]) -> None:
    with contextlib.suppress(BrokenPipeError):
        os.write(1, json.dumps(message).encode() + b"\n")


if __name__ == "__main__":
    main(sys.argv[1:])
