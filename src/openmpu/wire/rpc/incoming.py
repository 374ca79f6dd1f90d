"""One request as it came, before anything is read out of it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Incoming:
    """A whole HTTP request.

    Attributes:
        method: As sent: `get` is not `GET`.
        query: Raw, without the question mark.
        headers: Names in lower case, values without outer blanks, in the order of arrival.
        secure: Whether it came over TLS.
    """

    method: str
    path: str
    query: bytes
    headers: tuple[tuple[str, str], ...]
    body: bytes = b""
    secure: bool = False

    def header(self, name: str) -> str | None:
        """The first header of that (lower-case) name."""
        return next((value for key, value in self.headers if key == name), None)

    @property
    def host(self) -> str:
        """The name that the client spoke to: Host without port (wire.md 8.1)."""
        host = self.header("host") or ""
        name, colon, port = host.rpartition(":")
        return name if colon and port.isdigit() else host

    @property
    def is_form(self) -> bool:
        """Whether the body holds parameters."""
        return self._kind == "application/x-www-form-urlencoded"

    @property
    def is_json(self) -> bool:
        """Whether the body says that it is JSON; only our own doors take that."""
        return self._kind == "application/json"

    @property
    def _kind(self) -> str:
        return (self.header("content-type") or "").partition(";")[0].strip().lower()
