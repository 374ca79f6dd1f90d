"""How a gateway is started: one JSON line on standard input, so that nothing of it shows in a process list."""

from __future__ import annotations

import json
from dataclasses import dataclass

from openmpu.errors import Invalid
from openmpu.model.codec import from_plain


@dataclass(frozen=True, slots=True)
class GatewayOptions:
    """What one gateway is told by the server.

    Attributes:
        name: Of this gateway among those of its server.
        control_path: The server's control socket (Unix).
        links: Where workers find its tracks: `unix:/path` or `tcp:address:port`.
        ice_addresses: Addresses to offer to publishers; empty: every address of this machine, loopback included.
        udp_ports: First and last UDP port for media.
        grace_s: How long to go on without a server.
        log_json: As `processes.logs.set_up_logs` takes it.
    """

    name: str
    control_path: str
    links: tuple[str, ...]
    ice_addresses: tuple[str, ...] = ()
    udp_ports: str = "40000-40999"
    grace_s: float = 8.0
    log_json: bool | None = None

    @property
    def ports(self) -> tuple[int, int]:
        """First and last UDP port.

        Raises:
            Invalid: `udp_ports` is not a range.
        """
        low, _, high = self.udp_ports.partition("-")
        if not (low.isdecimal() and high.isdecimal() and 0 < int(low) <= int(high) < 1 << 16):
            raise Invalid("udp_ports", f"{self.udp_ports!r} is not a range of ports like 40000-40999")
        return int(low), int(high)


def read_options(line: str) -> GatewayOptions:
    """The options in a JSON line.

    Raises:
        Invalid: It is not that.
    """
    try:
        plain = json.loads(line)
    except ValueError:
        raise Invalid("options", "standard input must give one JSON line with the gateway's options") from None
    return from_plain(GatewayOptions, plain)
