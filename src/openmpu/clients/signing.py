"""Signing API requests as a client does (wire.md 3 and 4).

Written from the specification and not shared with the server's checks in `wire/rpc/signatures`: two readings of one
text that agree are worth more than one that agrees with itself. Time and nonce are arguments.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import quote

_FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Keys:
    """An access key. `repr` hides the secret."""

    key_id: str
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Once:
    """What makes one request unlike all others: when it is made (Unix seconds), and a nonce."""

    seconds: float
    nonce: str

    @property
    def stamp(self) -> str:
        """`yyyy-MM-ddTHH:mm:ssZ`."""
        return datetime.fromtimestamp(self.seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(frozen=True, slots=True)
class Request:
    """A request that can be sent as it is; `query` is encoded."""

    method: str
    query: str
    headers: dict[str, str] = field(repr=False)
    body: bytes = b""


def sign_v1(method: str, path: str, parameters: Mapping[str, str], keys: Keys, once: Once, host: str) -> Request:
    """Everything in the parameters (wire.md 3): in the query of a GET, in the form body of a POST."""
    signed = {
        **parameters,
        "AccessKeyId": keys.key_id,
        "SignatureMethod": "HMAC-SHA1",
        "SignatureNonce": once.nonce,
        "SignatureVersion": "1.0",
        "Timestamp": once.stamp,
    }
    text = "&".join((method, _encoded(path), _encoded(_joined(signed))))
    digest = hmac.new(f"{keys.secret}&".encode(), text.encode(), hashlib.sha1).digest()
    sent = _joined({**signed, "Signature": base64.b64encode(digest).decode()})
    if method == "GET":
        return Request(method, sent, {"host": host})
    return Request(method, "", {"host": host, "content-type": _FORM}, sent.encode())


def sign_v3(
    method: str,
    path: str,
    parameters: Mapping[str, str],
    keys: Keys,
    once: Once,
    host: str,
    action: tuple[str, str],
    plain: bytes = b"",
) -> Request:
    """Operation and proof in headers, parameters in the query (wire.md 4).

    `action` is its name and version, `plain` a JSON body, which our own doors take.
    """
    body_hash = hashlib.sha256(plain).hexdigest()
    headers = {
        **({"content-type": "application/json"} if plain else {}),
        "host": host,
        "x-acs-action": action[0],
        "x-acs-content-sha256": body_hash,
        "x-acs-date": once.stamp,
        "x-acs-signature-nonce": once.nonce,
        "x-acs-version": action[1],
    }
    query, names = _joined(parameters), sorted(headers)
    lines = "".join(f"{name}:{headers[name]}\n" for name in names)
    canonical = "\n".join((method, path, query, lines, ";".join(names), body_hash))
    text = f"ACS3-HMAC-SHA256\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    signature = hmac.new(keys.secret.encode(), text.encode(), hashlib.sha256).hexdigest()
    proof = f"ACS3-HMAC-SHA256 Credential={keys.key_id},SignedHeaders={';'.join(names)},Signature={signature}"
    return Request(method, query, {**headers, "authorization": proof}, plain)


def _joined(parameters: Mapping[str, str]) -> str:
    return "&".join(f"{_encoded(name)}={_encoded(value)}" for name, value in sorted(parameters.items()))


def _encoded(text: str) -> str:
    return quote(text, safe="-_.~")
