"""An independent client: flattens, signs and sends as the vendor's SDKs do, sharing no code with the server."""

from __future__ import annotations

import base64
import hashlib
import hmac
import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import httpx

FORM = "application/x-www-form-urlencoded"
_nonces = itertools.count(1)


def flatten(value: Any, prefix: str = "") -> Iterator[tuple[str, str]]:
    """Nested Python values as flat wire parameters; lists count from 1."""
    if isinstance(value, Mapping):
        for name, item in value.items():
            yield from flatten(item, f"{prefix}.{name}" if prefix else name)
    elif isinstance(value, list):
        for place, item in enumerate(value, 1):
            yield from flatten(item, f"{prefix}.{place}")
    elif value is not None:
        yield prefix, str(value)


def enc(text: str) -> str:
    return quote(text, safe="-_.~")


def query_of(parameters: Mapping[str, str]) -> str:
    return "&".join(f"{enc(name)}={enc(value)}" for name, value in sorted(parameters.items()))


def stamp(now: int) -> str:
    return datetime.fromtimestamp(now // 10**9, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass
class Signer:
    """Who signs, and when."""

    key: str = "testid"
    secret: str = "testsecret"
    now: int = 0
    host: str = "rtc.example.test"

    def v1(self, method: str, parameters: Mapping[str, str]) -> dict[str, str]:
        """All parameters of a V1 request; what is None in `parameters` takes a common one away."""
        common = {
            "AccessKeyId": self.key,
            "SignatureMethod": "HMAC-SHA1",
            "SignatureVersion": "1.0",
            "SignatureNonce": f"nonce-{next(_nonces)}",
            "Timestamp": stamp(self.now),
        }
        named = {name: value for name, value in {**common, **parameters}.items() if value is not None}
        text = f"{method}&%2F&{enc(query_of(named))}"
        mac = hmac.new(f"{self.secret}&".encode(), text.encode(), hashlib.sha1).digest()
        return {**named, "Signature": base64.b64encode(mac).decode()}

    def v3(
        self,
        method: str,
        action: str,
        version: str,
        query: Mapping[str, str],
        body: bytes = b"",
        headers: Mapping[str, str | None] | None = None,
        path: str = "/",
    ) -> dict[str, str]:
        """All headers of a V3 request; None takes one away."""
        every = {
            "host": self.host,
            "x-acs-action": action,
            "x-acs-version": version,
            "x-acs-date": stamp(self.now),
            "x-acs-signature-nonce": f"nonce-{next(_nonces)}",
            "x-acs-content-sha256": hashlib.sha256(body).hexdigest(),
            **({"content-type": FORM} if body else {}),
            **(headers or {}),
        }
        named = {name: value for name, value in every.items() if value is not None}
        signed = sorted(name for name in named if name == "host" or name.startswith("x-acs-") or name == "content-type")
        lines = "".join(f"{name}:{named[name]}\n" for name in signed)
        payload = named.get("x-acs-content-sha256", "")
        canonical = "\n".join((method, path, query_of(query), lines, ";".join(signed), payload))
        text = f"ACS3-HMAC-SHA256\n{hashlib.sha256(canonical.encode()).hexdigest()}"
        mac = hmac.new(self.secret.encode(), text.encode(), hashlib.sha256).hexdigest()
        credential = f"Credential={self.key},SignedHeaders={';'.join(signed)},Signature={mac}"
        return {**named, "Authorization": f"ACS3-HMAC-SHA256 {credential}"}


@dataclass
class RpcClient:
    """Calls operations over any httpx client."""

    http: httpx.AsyncClient
    signer: Signer = field(default_factory=Signer)

    async def v1(self, action: str, version: str, parameters: Mapping[str, Any], **changes: Any) -> httpx.Response:
        """A GET with everything in the query, JSON asked for."""
        flat = {"Action": action, "Version": version, "Format": "JSON", **dict(flatten(parameters)), **changes}
        return await self.http.get(f"/?{query_of(self.signer.v1('GET', flat))}")

    async def v1_form(self, action: str, version: str, parameters: Mapping[str, Any], **changes: Any) -> httpx.Response:
        """A POST with everything in the body."""
        flat = {"Action": action, "Version": version, "Format": "JSON", **dict(flatten(parameters)), **changes}
        body = query_of(self.signer.v1("POST", flat))
        return await self.http.post("/", content=body, headers={"content-type": FORM})

    async def v3(
        self, action: str, version: str, parameters: Mapping[str, Any], **headers: str | None
    ) -> httpx.Response:
        """A POST with the parameters in the query, answered in JSON."""
        flat = dict(flatten(parameters))
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        signed = self.signer.v3("POST", action, version, flat, headers=named)
        return await self.http.post(f"/?{query_of(flat)}", headers=signed)

    async def v3_form(self, action: str, version: str, parameters: Mapping[str, Any]) -> httpx.Response:
        """A POST with the parameters in the body."""
        body = query_of(dict(flatten(parameters))).encode()
        return await self.http.post("/", content=body, headers=self.signer.v3("POST", action, version, {}, body))
