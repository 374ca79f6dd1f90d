"""Who sent a request, and whether they did: the claim that a request makes, and the checks of it (wire.md 2, 8, 9).

Accounts, the nonce store and the clock are the caller's: this module gets a secret and `now`, and tells by raising.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from openmpu.errors import Denied, Invalid, Missing
from openmpu.wire.rpc.incoming import Incoming
from openmpu.wire.rpc.parameters import Parameters
from openmpu.wire.rpc.signatures import v1, v3
from openmpu.wire.rpc.stamps import read_stamp

MAX_SKEW_S = 15 * 60
"""Either direction (wire.md 8.2)."""
NONCE_KEEP_S = 30 * 60
"""Longer than a time stamp stays good, from 15 min ahead to 15 min past (wire.md 8.3)."""
MAX_NONCE = 128


@dataclass(frozen=True, slots=True, repr=False)
class Claim:
    """What a request says about its sender. Has no repr: strings to sign hold stream keys.

    Attributes:
        string_to_sign: As this server makes it.
        sign: Secret and string to signature.
        body_fits: Whether the body is the one that was signed; always true for V1, which signs the parameters in it.
    """

    access_key_id: str
    stamp: str
    nonce: str
    security_token: str
    signature: str
    string_to_sign: str
    sign: Callable[[str, str], str]
    body_fits: bool = True


def is_v3(incoming: Incoming) -> bool:
    """Which signature it is: `Authorization` starting with `ACS3-` is V3, else the parameters count (wire.md 2.3)."""
    return (incoming.header("authorization") or "").startswith(v3.FAMILY)


def read_claim(incoming: Incoming, parameters: Parameters) -> Claim:
    """The claim of a request: step 4 of wire.md 9.

    Raises:
        Missing: A common parameter is not there.
        Invalid: One of them has a value that is not allowed.
        Denied: The Authorization header cannot be read or covers too little.
    """
    return _v3_claim(incoming, parameters) if is_v3(incoming) else _v1_claim(incoming, parameters.merged)


def _v1_claim(incoming: Incoming, parameters: Mapping[str, str]) -> Claim:
    for name in ("AccessKeyId", "Signature", "Timestamp", "SignatureNonce", "SignatureMethod", "SignatureVersion"):
        if not parameters.get(name):
            raise Missing(name, f"{name} is required")
    _check_v1_scheme(parameters)
    return Claim(
        access_key_id=parameters["AccessKeyId"],
        stamp=parameters["Timestamp"],
        nonce=_nonce(parameters["SignatureNonce"]),
        security_token=parameters.get("SecurityToken", ""),
        signature=parameters["Signature"],
        string_to_sign=v1.string_to_sign(incoming.method, parameters, incoming.path or "/"),
        sign=v1.sign,
    )


def _check_v1_scheme(parameters: Mapping[str, str]) -> None:
    if parameters["SignatureMethod"].upper() != "HMAC-SHA1":
        raise Invalid("SignatureMethod", "SignatureMethod must be HMAC-SHA1")
    if parameters["SignatureVersion"] != "1.0":
        raise Invalid("SignatureVersion", "SignatureVersion must be 1.0")
    kind = parameters.get("SignatureType", "")
    if kind == "BEARERTOKEN":
        raise Denied("authorization", "bearer tokens are not supported; sign with HMAC-SHA1")
    if kind:
        raise Invalid("SignatureType", "SignatureType must be empty")


def _nonce(nonce: str) -> str:
    if len(nonce) > MAX_NONCE:
        raise Invalid("SignatureNonce", f"longer than {MAX_NONCE} characters")
    return nonce


def _v3_claim(incoming: Incoming, parameters: Parameters) -> Claim:
    authorization = v3.read_authorization(incoming.header("authorization") or "")
    payload_hash = incoming.header("x-acs-content-sha256")
    if not payload_hash:
        raise Denied("authorization", "the header x-acs-content-sha256 is required")
    stamp, nonce = _v3_header(incoming, "x-acs-date"), _v3_header(incoming, "x-acs-signature-nonce")
    v3.check_coverage(incoming, authorization.signed_headers)
    signed = authorization.signed_headers
    request = v3.canonical_request(incoming, parameters.query, signed, payload_hash)
    return Claim(
        access_key_id=authorization.access_key_id,
        stamp=stamp,
        nonce=_nonce(nonce),
        security_token=incoming.header("x-acs-security-token") or parameters.get("SecurityToken"),
        signature=authorization.signature,
        string_to_sign=v3.string_to_sign(request),
        sign=v3.sign,
        body_fits=payload_hash == hashlib.sha256(incoming.body).hexdigest(),
    )


_V3_NAMES = {"x-acs-date": "Timestamp", "x-acs-signature-nonce": "SignatureNonce"}


def _v3_header(incoming: Incoming, name: str) -> str:
    value = incoming.header(name)
    if not value:
        raise Missing(_V3_NAMES[name], f"the header {name} is required")
    return value


def loggable_canonical(incoming: Incoming, parameters: Parameters) -> str:
    """V3's canonical request for a log, with values that hold URLs blotted out; empty for V1 (wire.md 4, 8.3)."""
    if not is_v3(incoming):
        return ""
    signed = v3.read_authorization(incoming.header("authorization") or "").signed_headers
    payload_hash = incoming.header("x-acs-content-sha256") or ""
    return v3.canonical_request(incoming, blotted(parameters.query), signed, payload_hash)


def blotted(parameters: Mapping[str, str]) -> dict[str, str]:
    """Parameters for a log: values with a URL in them are replaced by their hash, which shows whether two differ."""
    return {name: _blot(value) if "://" in value else value for name, value in parameters.items()}


def _blot(value: str) -> str:
    return f"sha256-{hashlib.sha256(value.encode()).hexdigest()[:12]}"


def check_stamp(stamp: str, now: int) -> None:
    """Whether a time stamp is near `now` (nanoseconds of Unix time).

    Raises:
        Invalid: It is not `yyyy-MM-ddTHH:mm:ssZ`, or more than 15 min off.
    """
    moment = read_stamp(stamp)
    if moment is None:
        raise Invalid("TimeStamp.Format", f"{stamp:.40} is not yyyy-MM-ddTHH:mm:ssZ")
    if abs(moment - now // 10**9) > MAX_SKEW_S:
        raise Invalid("TimeStamp.Expired", f"{stamp} is more than {MAX_SKEW_S // 60} minutes off the server's clock")


def check_signature(claim: Claim, secret: str) -> None:
    """Whether the claim was signed with that secret, compared in constant time.

    Raises:
        Denied: It was not. The message has one colon and after it the string to sign, as the Python core SDK needs it
            (wire.md 8.3): it must not be logged.
    """
    expected = claim.sign(secret, claim.string_to_sign)
    fits = hmac.compare_digest(expected.encode(), claim.signature.encode())
    if not fits or not claim.body_fits:
        raise Denied("signature", f"the signature does not match. server string to sign is:{claim.string_to_sign}")
