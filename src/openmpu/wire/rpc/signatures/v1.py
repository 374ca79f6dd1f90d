"""Signature V1, HMAC-SHA1 over all parameters (wire.md 3). The vendor's newer pages call it V2."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping

from openmpu.wire.rpc.signatures.encoding import canonical_query, encode_canonical, percent_encode


def string_to_sign(method: str, parameters: Mapping[str, str], path: str = "/") -> str:
    """What is signed: every parameter of query and body but `Signature`, empty ones too.

    `path` is `/` for the API; our own doors beside it are signed with theirs.
    """
    query = canonical_query((name, value) for name, value in parameters.items() if name != "Signature")
    return f"{method}&{percent_encode(path)}&{encode_canonical(query)}"


def sign(secret: str, text: str) -> str:
    """The signature of a string to sign."""
    digest = hmac.digest(f"{secret}&".encode(), text.encode(), hashlib.sha1)
    return base64.b64encode(digest).decode()
