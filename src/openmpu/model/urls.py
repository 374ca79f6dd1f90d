"""Where a task sends to, redacted at birth: an `IngestUrl` keeps its key but prints without it (models.md 16)."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from openmpu.errors import Invalid

MAX_URL_LENGTH = 2048
DEFAULT_PORTS = {"rtmp": 1935, "rtmps": 443}


def _mask(text: str) -> str:
    return "…" if len(text) < 3 else f"{text[0]}…{text[-1]}"


@dataclass(frozen=True, slots=True, repr=False)
class IngestUrl:
    """An RTMP(S) URL `scheme://host[:port]/app/stream?query`.

    `repr` and `str` show `rtmp://host/app/{s…m}`: stream name masked, no user, no query. Only `secret` has it all.
    """

    secret: str

    @classmethod
    def parse(cls, text: str) -> IngestUrl:
        """The URL, checked by operations.md 2.4.

        Raises:
            Invalid: It is too long, has control characters or blanks, another scheme, no host, a bad port, or names no
                application and stream. The message never repeats the URL, which may hold a key.
        """
        if len(text) > MAX_URL_LENGTH:
            raise Invalid("ingest_url", f"longer than {MAX_URL_LENGTH} characters")
        if any(ch <= " " or ch == "\x7f" for ch in text):
            raise Invalid("ingest_url", "has blanks or control characters")
        url = cls(text)
        url._check()
        return url

    def _check(self) -> None:
        try:
            parts = urlsplit(self.secret)
            host, port = parts.hostname, parts.port
        except ValueError:
            raise Invalid("ingest_url", "is not a URL") from None
        if parts.scheme.lower() not in DEFAULT_PORTS:
            raise Invalid("ingest_url", "scheme must be rtmp or rtmps")
        if not host or port == 0:
            raise Invalid("ingest_url", "has no host or a bad port")
        if not all(self._app_and_stream()):
            raise Invalid("ingest_url", "must name an application and a stream: rtmp://host/app/stream")

    def _app_and_stream(self) -> tuple[str, str]:
        path = urlsplit(self.secret).path.strip("/")
        app, _, stream = path.rpartition("/")
        return app, stream

    @property
    def tls(self) -> bool:
        """Whether it is rtmps."""
        return urlsplit(self.secret).scheme.lower() == "rtmps"

    @property
    def host(self) -> str:
        """Host name or address, lower case, without brackets."""
        return urlsplit(self.secret).hostname or ""

    @property
    def port(self) -> int:
        """Port given, else 1935 (rtmp) or 443 (rtmps)."""
        parts = urlsplit(self.secret)
        return parts.port or DEFAULT_PORTS[parts.scheme.lower()]

    @property
    def app(self) -> str:
        """RTMP application: the path but for its last part."""
        return self._app_and_stream()[0]

    @property
    def stream(self) -> str:
        """Stream name with the query untouched: it usually holds a signature (operations.md 2.4). Secret."""
        query = urlsplit(self.secret).query
        name = self._app_and_stream()[1]
        return f"{name}?{query}" if query else name

    @property
    def lock_key(self) -> str:
        """What "the same URL" compares: scheme class, host, port and path, not the query (operations.md 2.4)."""
        port = urlsplit(self.secret).port or DEFAULT_PORTS["rtmp"]
        return f"rtmp://{self.host}:{port}/{self.app}/{self._app_and_stream()[1]}"

    @property
    def redacted(self) -> str:
        """The only form for status, logs and metrics."""
        parts = urlsplit(self.secret)
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = f":{parts.port}" if parts.port else ""
        return f"{parts.scheme}://{host}{port}/{self.app}/{{{_mask(self._app_and_stream()[1])}}}"

    @property
    def public(self) -> str:
        """Without query and credentials, as callbacks tell it (callbacks.md 2.1). Not for logs."""
        parts = urlsplit(self.secret)
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = f":{parts.port}" if parts.port else ""
        return f"{parts.scheme}://{host}{port}{parts.path}"

    def __repr__(self) -> str:
        return f"IngestUrl({self.redacted})"

    def __str__(self) -> str:
        return self.redacted
