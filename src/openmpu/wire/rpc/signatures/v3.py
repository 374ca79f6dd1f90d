"""Signature V3, ACS3-HMAC-SHA256 over a canonical request (wire.md 4)."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass

from openmpu.errors import Denied, Invalid
from openmpu.wire.rpc.incoming import Incoming
from openmpu.wire.rpc.signatures.encoding import canonical_query

ALGORITHM = "ACS3-HMAC-SHA256"
FAMILY = "ACS3-"
EMPTY_HASH = hashlib.sha256(b"").hexdigest()


@dataclass(frozen=True, slots=True)
class Authorization:
    """The parts of the Authorization header."""

    access_key_id: str
    signed_headers: tuple[str, ...]
    signature: str


def read_authorization(header: str) -> Authorization:
    """`ACS3-HMAC-SHA256 Credential=…,SignedHeaders=a;b,Signature=…`, with or without blanks after the commas.

    Raises:
        Invalid: Another algorithm of the family.
        Denied: It cannot be read.
    """
    algorithm, _, rest = header.partition(" ")
    if algorithm != ALGORITHM:
        raise Invalid("SignatureMethod", f"{algorithm:.40} is not supported; use {ALGORITHM}")
    parts = [part.strip().partition("=") for part in rest.split(",")]
    named = {name: value for name, _, value in parts}
    if len(parts) != 3 or not all(named.get(name) for name in ("Credential", "SignedHeaders", "Signature")):
        raise Denied("authorization", "the Authorization header must hold Credential, SignedHeaders and Signature")
    return Authorization(named["Credential"], tuple(named["SignedHeaders"].split(";")), named["Signature"])


def check_coverage(incoming: Incoming, signed: tuple[str, ...]) -> None:
    """Whether the signature covers what it must: `host` and every `x-acs-*` header.

    Raises:
        Denied: A header that must be signed is not, or one is named twice.
    """
    if len(set(signed)) != len(signed):
        raise Denied("authorization", "SignedHeaders names a header twice")
    must = {"host"} | {name for name, _ in incoming.headers if name.startswith("x-acs-")}
    left_out = sorted(must - set(signed))
    if left_out:
        raise Denied("authorization", f"SignedHeaders must cover {', '.join(left_out)}")


def canonical_request(incoming: Incoming, query: Mapping[str, str], signed: tuple[str, ...], payload_hash: str) -> str:
    """What is hashed. The query is encoded anew from its decoded form: clients send `+` but sign `%20`."""
    headers = "".join(f"{name}:{_value(incoming, name)}\n" for name in sorted(signed))
    place = (incoming.method, incoming.path or "/", canonical_query(query.items()))
    return "\n".join((*place, headers, ";".join(signed), payload_hash))


def _value(incoming: Incoming, name: str) -> str:
    return ",".join(sorted(value.strip() for key, value in incoming.headers if key == name))


def string_to_sign(request: str) -> str:
    """The algorithm and the hash of a canonical request."""
    return f"{ALGORITHM}\n{hashlib.sha256(request.encode()).hexdigest()}"


def sign(secret: str, text: str) -> str:
    """The signature of a string to sign; no `&` after the secret."""
    return hmac.digest(secret.encode(), text.encode(), hashlib.sha256).hex()
