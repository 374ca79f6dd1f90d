"""Format C, the AppToken of RTC 3.x: fields in a signed and deflated body (tokens.md 6).

"000" + Base64( zlib( padded( uint32(32) signature padded(body) ) ) )
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from openmpu.wire.tokens.claims import ALL, Privilege, Refused

PREFIX = "000"
MAX_INFLATED = 64 << 10
MAX_OPTIONS = 64
_SIGNATURE = 32
_SMALLEST_PAD = 256


@dataclass(frozen=True, slots=True)
class SealedToken:
    """The fields of a format C token; `*` as channel or user stands for any.

    Attributes:
        issued_at: Unix seconds, like `expires_at`.
        body: What is signed, without its padding.
    """

    app_id: str
    issued_at: int
    salt: int
    expires_at: int
    channel_id: str
    user_id: str
    privileges: Privilege
    body: bytes = field(repr=False)
    signature: bytes = field(repr=False)

    def is_made_with(self, keys: Iterable[str]) -> bool:
        """Whether one of the AppKeys gives this signature, compared in constant time."""
        signatures = [_sign(key, self.issued_at, self.salt, self.body) for key in keys]
        matches = [hmac.compare_digest(each, self.signature) for each in signatures]  # a list: every key is compared
        return any(matches)


def make_sealed(
    app_id: str,
    key: str,
    channel_id: str,
    user_id: str,
    *,
    issued_at: int,
    expires_at: int,
    salt: int,
    privileges: Privilege | None = None,
    options: Mapping[str, str] = MappingProxyType({}),
) -> str:
    """A format C token.

    Args:
        app_id: The application.
        key: Its AppKey.
        channel_id: Or `*` for any.
        user_id: Or `*` for any.
        issued_at: Unix seconds, as `expires_at`.
        expires_at: At most 24 h later.
        salt: A random number from 1 to `issued_at`.
        privileges: None: everything is allowed.
        options: Extra settings, such as `duration_per_channel`.
    """
    body = b"".join(
        (
            _string(app_id),
            *(_uint32(number) for number in (issued_at, salt, expires_at)),
            _string(channel_id),
            _string(user_id),
            b"\0" if privileges is None else b"\1" + _uint32(privileges),
            b"\1" + _uint32(len(options)),
            *(_string(name) + _string(value) for name, value in sorted(options.items())),
        )
    )
    signed = _uint32(_SIGNATURE) + _sign(key, issued_at, salt, body) + _padded(body)
    return PREFIX + base64.b64encode(zlib.compress(_padded(signed))).decode()


def _uint32(number: int) -> bytes:
    return number.to_bytes(4, "big")


def _string(text: str) -> bytes:
    data = text.encode()
    return _uint32(len(data)) + data


def _padded(data: bytes) -> bytes:
    size = _SMALLEST_PAD
    while size < len(data):
        size *= 2
    return data.ljust(size, b"\0")


def _sign(key: str, issued_at: int, salt: int, body: bytes) -> bytes:
    """The numbers are the keys, the AppKey is the message (tokens.md 6.1)."""
    inner = hmac.digest(_uint32(issued_at), key.encode(), hashlib.sha256)
    sign_key = hmac.digest(_uint32(salt), inner, hashlib.sha256)
    return hmac.digest(sign_key, _padded(body), hashlib.sha256)


def read_sealed(packed: bytes) -> SealedToken:
    """The fields of a token, out of its decoded Base64; its signature is not judged here.

    Raises:
        Refused: `token`: it has not the form.
    """
    fields = _Fields(_inflate(packed))
    if fields.uint32() != _SIGNATURE:
        raise Refused("token", "a signature of another length")
    signature = fields.take(_SIGNATURE)
    begin = fields.at
    app_id, issued_at, salt, expires_at = fields.text(), fields.uint32(), fields.uint32(), fields.uint32()
    channel_id, user_id = fields.text(), fields.text()
    privileges = Privilege(fields.uint32()) & ALL if fields.flag() else ALL
    if fields.flag():
        fields.skip_options()
    body = fields.data[begin : fields.at]
    return SealedToken(app_id, issued_at, salt, expires_at, channel_id, user_id, privileges, body, signature)


def _inflate(packed: bytes) -> bytes:
    inflater = zlib.decompressobj()
    try:
        data = inflater.decompress(packed, MAX_INFLATED)
    except zlib.error:
        raise Refused("token", "the token cannot be inflated") from None
    if not inflater.eof:
        raise Refused("token", "the token is cut off or too large")
    return data


class _Fields:
    """Reads fields from the front of `data`."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def take(self, size: int) -> bytes:
        if self.at + size > len(self.data):
            raise Refused("token", "the token is cut off")
        self.at += size
        return self.data[self.at - size : self.at]

    def uint32(self) -> int:
        return int.from_bytes(self.take(4), "big")

    def text(self) -> str:
        try:
            return self.take(self.uint32()).decode()
        except UnicodeDecodeError:
            raise Refused("token", "a field of the token is not UTF-8") from None

    def flag(self) -> bool:
        value = self.take(1)[0]
        if value > 1:
            raise Refused("token", "a flag of the token is neither 0 nor 1")
        return value == 1

    def skip_options(self) -> None:
        """Options are read and ignored (tokens.md 6.2)."""
        count = self.uint32()
        if count > MAX_OPTIONS:
            raise Refused("token", "too many options in the token")
        for _ in range(2 * count):
            self.text()
