"""What a supervisor hears, over the socket that it listens at."""

import asyncio
import socket

import pytest

from openmpu.processes.supervised import Supervisor


@pytest.fixture
def listening(tmp_path):
    """A supervisor's socket and its address."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as door:
        door.bind(str(tmp_path / "notify"))
        door.settimeout(5)
        yield door


def test_it_hears_of_the_begin_and_the_end(listening):
    """READY=1 and STOPPING=1, and children inherit neither socket nor watchdog."""
    environment = {"NOTIFY_SOCKET": listening.getsockname(), "WATCHDOG_USEC": "5000000", "WATCHDOG_PID": "1", "A": "b"}
    supervisor = Supervisor(environment)
    supervisor.ready()
    supervisor.stopping()

    assert [listening.recv(100), listening.recv(100)] == [b"READY=1", b"STOPPING=1"]
    assert environment == {"A": "b"}


def test_an_abstract_address():
    """Written with @, as systemd does."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as door:
        door.bind(b"\0openmpu-" + str(id(door)).encode())
        door.settimeout(5)
        Supervisor({"NOTIFY_SOCKET": f"@openmpu-{id(door)}"}).ready()
        assert door.recv(100) == b"READY=1"


async def test_it_hears_of_life_three_times_as_often_as_it_must(listening):
    """Two lost ones are forgiven."""
    beating = asyncio.create_task(
        Supervisor({"NOTIFY_SOCKET": listening.getsockname(), "WATCHDOG_USEC": "3000"}).beat()
    )
    heard = [await asyncio.to_thread(listening.recv, 100) for _ in range(4)]
    beating.cancel()

    assert set(heard) == {b"WATCHDOG=1"}


async def test_without_a_supervisor_nothing_is_told(tmp_path):
    """No address, no watchdog, an address where nobody is: all quiet, and beating ends at once."""
    await Supervisor({}).beat()
    Supervisor({}).ready()
    Supervisor({"NOTIFY_SOCKET": str(tmp_path / "nobody"), "WATCHDOG_USEC": "soon"}).ready()
