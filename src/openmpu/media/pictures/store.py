"""The pictures of a worker: fetched and decoded in a few threads, kept within bounds, tried again when they fail.

Nobody waits: `get` answers at once with what there is. Time is an argument. Knows nothing of HTTP: a guarded client is
handed in.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from typing import ParamSpec, Protocol, TypeVar
from urllib.parse import urlsplit

from openmpu.errors import OpenMpuError
from openmpu.media.pictures.apart import decode_apart
from openmpu.media.pictures.picture import Picture

RETRY_NANOSECONDS = 30 * 1_000_000_000  # operations.md 3.2
MAX_ENTRIES = 1024
MAX_KEPT_BYTES = 96 * 1024 * 1024

_P = ParamSpec("_P")
_T = TypeVar("_T")


class Fetch(Protocol):
    """Where the bytes of pictures come from."""

    def fetch(self, url: str) -> bytes:
        """The body at `url`; blocks, with time limits of its own.

        Raises:
            OpenMpuError: It cannot be had, or may not be; the message has no secrets.
            OSError: The network failed.
        """
        ...


@dataclass(slots=True)
class _Entry:
    picture: Picture | None = None
    problem: str = ""
    failed_at: int | None = None
    loading: bool = False


class InlineExecutor(Executor):
    """Loads pictures while one waits for them: for previews, never for a worker."""

    def submit(self, fn: Callable[_P, _T], /, *args: _P.args, **kwargs: _P.kwargs) -> Future[_T]:
        """Calls `fn` at once; what it raises is raised here."""
        done: Future[_T] = Future()
        done.set_result(fn(*args, **kwargs))
        return done


class Pictures:
    """URL -> picture, for all scenes of a worker. Safe to be asked from several threads."""

    def __init__(self, fetch: Fetch, executor: Executor, decode: Callable[[bytes], Picture] = decode_apart) -> None:
        self._fetch = fetch
        self._executor = executor
        self._decode = decode
        self._lock = threading.Lock()
        self._entries: OrderedDict[str, _Entry] = OrderedDict()

    def get(self, url: str, now: int) -> Picture | None:
        """The picture, or None while it is not there; what is missing is fetched, 30 s after a failure again.

        Args:
            url: Of http or https.
            now: Nanoseconds of any clock that does not go back.
        """
        with self._lock:
            entry = self._entries.setdefault(url, _Entry())
            self._entries.move_to_end(url)
            wanted = entry.picture is None and not entry.loading and _due(entry, now)
            entry.loading |= wanted
            self._forget()
        if wanted:
            self._start(url, entry)
        return entry.picture

    @property
    def problems(self) -> tuple[str, ...]:
        """One sentence for each picture that is missing, without what its URL may hold of secrets."""
        with self._lock:
            return tuple(
                f"picture {masked(url)} {entry.problem}" for url, entry in self._entries.items() if entry.problem
            )

    def _start(self, url: str, entry: _Entry) -> None:
        try:
            self._executor.submit(self._load, url, entry)
        except RuntimeError:  # the worker is ending
            entry.loading = False

    def _load(self, url: str, entry: _Entry) -> None:
        picture, problem = None, ""
        try:
            picture = self._decode(self._fetch.fetch(url))
        except OpenMpuError as error:
            problem = error.message
        except Exception as error:  # noqa: BLE001 - whatever a client or decoder raises, the picture is tried again
            problem = f"cannot be fetched: {type(error).__name__}"
        with self._lock:
            entry.picture, entry.problem = picture, problem
            entry.failed_at, entry.loading = None, False

    def _forget(self) -> None:
        """Drops what was asked for longest ago, as far as it is too much."""
        held = sum(entry.picture.pixels.nbytes for entry in self._entries.values() if entry.picture)
        for url in list(self._entries)[:-1]:
            if held <= MAX_KEPT_BYTES and len(self._entries) <= MAX_ENTRIES:
                return
            entry = self._entries[url]
            if not entry.loading:
                held -= entry.picture.pixels.nbytes if entry.picture else 0
                del self._entries[url]


def _due(entry: _Entry, now: int) -> bool:
    """The failure is counted from when it was first seen here: threads that load read no clock."""
    if not entry.problem:
        return True
    if entry.failed_at is None:
        entry.failed_at = now
    return now - entry.failed_at >= RETRY_NANOSECONDS


def masked(url: str) -> str:
    """Scheme, host and path: a query or user part may hold secrets."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return "?"
    return f"{parts.scheme}://{host}{parts.path[:200]}"
