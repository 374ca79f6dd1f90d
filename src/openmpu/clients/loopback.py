"""ICE on a machine whose only interface is loopback: a sandbox, a laptop without a network.

aioice leaves loopback addresses out, so there it would have nothing to offer. One private name of aioice is replaced; a
test holds it.
"""

from __future__ import annotations

from aioice import ice

_host_addresses = ice.get_host_addresses


def offer_loopback() -> None:
    """From now on loopback is offered where there is nothing else."""
    ice.get_host_addresses = _with_loopback


def _with_loopback(use_ipv4: bool, use_ipv6: bool) -> list[str]:
    found: list[str] = _host_addresses(use_ipv4, use_ipv6)
    return found or ["127.0.0.1"]
