"""The bill of materials: what of others an installed openmpu consists of, as CycloneDX 1.6 (JSON) on standard output.

Made from `requirements/core.lock` alone: names, versions, hashes, who needs what. Licences are added for what is
installed here in the locked version. Native libraries inside a wheel (FFmpeg and x264 in PyAV's) are not told apart.
"""

from __future__ import annotations

import json
import re
import sys
import uuid
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
LOCK = ROOT / "requirements" / "core.lock"
OURSELVES = "openmpu"
_PIN = re.compile(
    r"^(?P<name>[a-z0-9._-]+)(?:\[[a-z,]+\])?==(?P<version>[^\s;\\]+)(?:\s*;\s*(?P<marker>[^\\\n]+))?", re.MULTILINE
)


def bill(lock: str) -> dict[str, Any]:
    """The document for the text of a lock. A package may be there twice, for different Pythons."""
    pins = list(_PIN.finditer(lock))
    ends = [*(pin.start() for pin in pins[1:]), len(lock)]
    parts = [_component(pin, lock[pin.end() : end]) for pin, end in zip(pins, ends, strict=True)]
    ourselves = {"type": "application", "name": OURSELVES, "bom-ref": f"pkg:pypi/{OURSELVES}"}
    needs: dict[str, list[str]] = {part["bom-ref"]: [] for part in (ourselves, *parts)}
    for part, pin, end in zip(parts, pins, ends, strict=True):
        for who in _needed_by(lock[pin.end() : end]):
            for other in (ourselves, *parts):
                if other["name"] == who:
                    needs[other["bom-ref"]].append(part["bom-ref"])
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_OID, lock)}",
        "version": 1,
        "metadata": {"component": ourselves},
        "components": parts,
        "dependencies": [{"ref": ref, "dependsOn": sorted(others)} for ref, others in needs.items()],
    }


def _needed_by(rest: str) -> list[str]:
    """Who a package is there for, as the lock's comments say."""
    words = re.findall(r"^\s*#\s+(?:via\s+)?([a-z0-9._-]+)", rest, re.MULTILINE)
    return [word for word in words if word != "via"]


def _component(pin: re.Match[str], rest: str) -> dict[str, Any]:
    name, version = pin["name"], pin["version"]
    found: dict[str, Any] = {"type": "library", "name": name, "version": version, "purl": _purl(name, version)}
    found["bom-ref"] = found["purl"]
    found["hashes"] = [{"alg": "SHA-256", "content": content} for content in re.findall(r"sha256:([0-9a-f]{64})", rest)]
    if licence := _licence(name, version):
        found["licenses"] = [{"license": {"name": licence}}]
    if pin["marker"]:
        found["properties"] = [{"name": "openmpu:only", "value": pin["marker"].strip()}]
    return found


def _purl(name: str, version: str) -> str:
    return f"pkg:pypi/{name}@{version}"


def _licence(name: str, version: str) -> str:
    """What the package itself says, if it is installed as locked."""
    try:
        installed: Distribution = distribution(name)
    except PackageNotFoundError:
        return ""
    if installed.version != version:
        return ""
    told = installed.metadata
    classified = [line.split(" :: ")[-1] for line in told.get_all("Classifier") or () if line.startswith("License ::")]
    texts = [told["License-Expression"], ", ".join(classified), told["License"]]
    return next((text.strip().splitlines()[0] for text in texts if text and text.strip()), "")


if __name__ == "__main__":
    sys.stdout.write(json.dumps(bill(LOCK.read_text(encoding="utf-8")), indent=1) + "\n")
