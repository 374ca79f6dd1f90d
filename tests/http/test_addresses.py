"""Connections counted by address (S13)."""

import pytest

from openmpu.http.addresses import Addresses


def test_so_many_and_no_more() -> None:
    """The third of two is refused and counted; when one has left there is room again; others are not concerned."""
    addresses = Addresses(2)
    first, second = addresses.enter("198.51.100.7"), addresses.enter("198.51.100.7")
    assert (first, second) == ("198.51.100.7", "198.51.100.7")
    assert addresses.enter("198.51.100.7") is None
    assert addresses.enter("198.51.100.8") == "198.51.100.8"
    addresses.leave("198.51.100.7")
    assert addresses.enter("198.51.100.7")
    assert addresses.refused == 1


def test_nothing_is_remembered_of_who_left() -> None:
    """A million addresses in turn leave nothing behind."""
    addresses = Addresses(2)
    for number in range(1000):
        key = addresses.enter(f"203.0.{number // 250}.{number % 250}")
        addresses.leave(key)
    assert len(addresses) == 0


@pytest.mark.parametrize("same", ["2001:db8:1:2::1", "2001:db8:1:2:ffff::7", "2001:DB8:1:2:0:0:0:9"])
def test_of_ipv6_a_site_is_one_address(same: str) -> None:
    """Whoever has one has 2**64."""
    addresses = Addresses(1)
    addresses.enter("2001:db8:1:2::1234")
    assert addresses.enter(same) is None
    assert addresses.enter("2001:db8:1:3::1") is not None


def test_one_address_however_it_is_written() -> None:
    """IPv4 within IPv6 is IPv4."""
    addresses = Addresses(1)
    assert addresses.enter("::ffff:198.51.100.7") == "198.51.100.7"
    assert addresses.enter("198.51.100.7") is None


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1", ""])
def test_this_machine_is_not_counted(host: str) -> None:
    """A proxy here brings everybody's; a Unix socket has no address."""
    addresses = Addresses(1)
    assert [addresses.enter(host) for _ in range(5)] == [""] * 5


def test_zero_is_any_number() -> None:
    """And nothing is counted."""
    addresses = Addresses(0)
    assert [addresses.enter("198.51.100.7") for _ in range(5)] == [""] * 5
    assert len(addresses) == 0
