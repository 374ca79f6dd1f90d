"""Logs of a process: structlog, as JSON lines on standard error, or in colour on a terminal."""

from __future__ import annotations

import logging
import os
import sys

import structlog


def set_up_logs(process: str, *, json: bool | None = None, level: str = "INFO") -> None:
    """Bind `process` (`server`, `gateway`, `worker app/task`) to every line of this process.

    Args:
        process: Who is speaking.
        json: None: JSON unless standard error is a terminal.
        level: Least severity written, by its name.
    """
    as_json = not sys.stderr.isatty() if json is None else json
    # Plain traces: the pretty ones show local variables, and among them secrets.
    pretty = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    renderer: structlog.typing.Processor = structlog.processors.JSONRenderer() if as_json else pretty
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(process=process, pid=os.getpid())
