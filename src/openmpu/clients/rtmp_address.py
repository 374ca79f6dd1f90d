"""Where a receiver listens: `rtmp://host:port/app/stream`."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from openmpu.errors import Invalid

DEFAULT_PORT = 1935


@dataclass(frozen=True, slots=True)
class ListenAddress:
    """Parsed; port 0 lets the system choose, an empty `stream` takes any."""

    host: str
    port: int
    app: str
    stream: str

    @classmethod
    def parse(cls, text: str) -> ListenAddress:
        """The address.

        Raises:
            Invalid: It is no rtmp URL with host and application.
        """
        try:
            parts = urlsplit(text)
            host, port = parts.hostname, parts.port
        except ValueError:
            raise Invalid("listen", "is not a URL such as rtmp://127.0.0.1:1935/live/x") from None
        app, _, stream = parts.path.strip("/").partition("/")
        if parts.scheme != "rtmp" or not host or not app:
            raise Invalid("listen", "must look like rtmp://127.0.0.1:1935/live/x")
        return cls(host, DEFAULT_PORT if port is None else port, app, stream)

    def refusal(self, app: str, stream: str) -> str | None:
        """Why a publish is not for us, or None. The query of a stream name does not count."""
        if app != self.app:
            return "no such application"
        name = stream.partition("?")[0]
        return None if self.stream in ("", name) else "no such stream"
