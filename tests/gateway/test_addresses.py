"""Which addresses are bound and told, and the one range of ports."""

from __future__ import annotations

import socket

import pytest
import structlog

from openmpu.errors import Busy
from openmpu.gateway.addresses import (
    Network,
    PortRange,
    local_addresses,
    plan_bindings,
    warn_of_small_buffers,
)
from openmpu.gateway.ice import IceSession

LOCAL = ["192.0.2.2", "fd00::2", "127.0.0.1", "::1"]


def test_loopback_is_offered_last():
    """Every address of the machine is offered; loopback is there for one-machine set-ups, and preferred least."""
    addresses = local_addresses()
    assert "127.0.0.1" in addresses
    plan = plan_bindings((), LOCAL)
    assert [binding.bind for binding in plan] == LOCAL
    priorities = [binding.candidates(1)[0].priority for binding in plan]
    assert priorities == sorted(priorities, reverse=True)


def test_link_local_addresses_are_left_out():
    """An address that needs a scope cannot be told to anybody."""
    assert not [text for text in local_addresses() if text.startswith(("fe80", "169.254."))]


def test_named_addresses_alone():
    """With ice_addresses only these are offered."""
    (binding,) = plan_bindings(("192.0.2.2",), LOCAL)
    assert (binding.bind, binding.told) == ("192.0.2.2", ("192.0.2.2",))


def test_public_address_behind_nat():
    """A foreign address is told in place of the local one that routes there, with the same port."""
    (binding,) = plan_bindings(("127.0.0.9",), LOCAL)
    (candidate,) = binding.candidates(40_007)
    assert binding.bind.startswith("127.")
    assert (candidate.address, candidate.port, candidate.type) == ("127.0.0.9", 40_007, "host")


def test_public_and_local_share_a_socket():
    """A machine that names its public and its own address binds once and tells both."""
    (binding,) = plan_bindings(("127.0.0.1", "127.0.0.1"), LOCAL)
    assert binding.bind == "127.0.0.1"


def test_ports_within_the_range():
    """Sockets come from the range, each port once; with none left that is said."""
    free = _free_ports(3)
    ports = PortRange(min(free), max(free))
    held = []
    try:
        for _ in range(max(free) - min(free) + 1):
            try:
                held.append(ports.bind("127.0.0.1"))
            except Busy:
                break
        numbers = [sock.getsockname()[1] for sock in held]
        assert len(set(numbers)) == len(numbers)
        assert all(min(free) <= number <= max(free) for number in numbers)
        with pytest.raises(Busy, match="udp_ports"):
            ports.bind("127.0.0.1")
    finally:
        for sock in held:
            sock.close()


def test_unknown_address():
    """An address that is not the machine's is the system's own error."""
    with pytest.raises(OSError, match="assign"):
        PortRange(40_000, 40_999).bind("203.0.113.9")


async def test_no_address_at_all():
    """A gateway that can bind nothing says so."""
    with pytest.raises(Busy, match="bound"):
        await IceSession(Network((), PortRange(40_000, 40_999)), lambda _: None).gather_candidates()


def _free_ports(count):
    """A few ports next to one another that are probably free."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        first = min(probe.getsockname()[1], 65_000)
    return range(first, first + count)


@pytest.mark.parametrize(("text", "warned"), [("212992\n", True), ("4194304\n", False), ("none", False)])
def test_small_receive_buffers_are_told(tmp_path, text, warned):
    """A kernel limit that would cut our buffers is told once at the start; what cannot be read is not."""
    path = tmp_path / "rmem_max"
    path.write_text(text)
    with structlog.testing.capture_logs() as logs:
        warn_of_small_buffers(path)
    assert bool(logs) is warned
