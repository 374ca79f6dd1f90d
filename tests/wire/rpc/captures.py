"""The recorded requests of the vendor's own clients (spec/captures)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from openmpu.wire.rpc.incoming import Incoming

FOLDER = Path(__file__).resolve().parents[4] / "shared" / "spec" / "captures"
SPEC = FOLDER.parent

CAPTURES: dict[str, dict[str, Any]] = {
    path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(FOLDER.glob("*.json"))
}
GARBLED = {name for name, capture in CAPTURES.items() if capture["carries_input_faithfully"] is False}


def all_captures(*, faithful: bool | None = None) -> Any:
    """A parametrize mark over the captures, by name."""
    names = [
        name
        for name, capture in CAPTURES.items()
        if faithful is None or (capture["carries_input_faithfully"] is True) == faithful
    ]
    return pytest.mark.parametrize("name", names)


def incoming_of(name: str) -> Incoming:
    """The request of a capture."""
    request = CAPTURES[name]["request"]
    path, _, query = request["target"].partition("?")
    headers = tuple((key.lower(), value) for key, value in request["headers"])
    return Incoming(request["method"], path, query.encode(), headers, request["body"].encode())
