"""Which addresses may be reached (security.md S1)."""

import pytest

from openmpu.errors import Invalid
from openmpu.wire.guard import Guard, read_web_url

INSIDE = [
    "127.0.0.1", "127.8.9.1", "0.0.0.0", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.169.254",
    "100.64.0.1", "100.127.255.254", "192.0.0.1", "192.0.2.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1",
    "239.255.255.255", "240.0.0.1", "255.255.255.255", "::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd12::1",
    "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::10.0.0.1", "64:ff9b::7f00:1",
    "64:ff9b::a00:1", "2002:7f00:1::", "2002:a00:1::", "2001:db8::1", "2001:0:7f00:1::", "nonsense", "", "1.2.3",
]  # fmt: skip


@pytest.mark.parametrize("address", INSIDE)
def test_inside_is_closed(address):
    """Loopback, private, shared, link-local, documentation, multicast, and IPv4 wrapped into IPv6."""
    assert not Guard().may_reach(address)


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "1.1.1.1", "2606:4700:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]
)
def test_public_is_open(address):
    """What everybody reaches."""
    assert Guard().may_reach(address)


def test_an_allowed_network_is_open():
    """`security.allow_networks` opens what it names and nothing beside it, wrapped or not."""
    guard = Guard.allowing(["10.1.0.0/16"])

    assert guard.may_reach("10.1.2.3")
    assert guard.may_reach("::ffff:10.1.2.3")
    assert not guard.may_reach("10.2.0.1")


def test_ports_of_other_services_are_closed():
    """Mail or SSH on a public machine is not a picture; in an allowed network any port is."""
    guard = Guard.allowing(["10.0.0.0/8"])

    assert [guard.may_reach_port("8.8.8.8", port) for port in (22, 25, 80, 443, 8080)] == [
        False,
        False,
        True,
        True,
        True,
    ]
    assert guard.may_reach_port("10.0.0.1", 22)


@pytest.mark.parametrize(
    "text",
    [
        "ftp://h/x", "file:///etc/passwd", "gopher://h/", "http:///x", "http://u:p@h/", "http://u@h/", "http://h:0/",
        "http://h:99999/", "http://[::1/", "http://h/a b", "http://h/\r\nX: y", "//h/x", "h/x", "", "javascript:alert(1)",
        "http://" + "h" * 3000,
    ],
)  # fmt: skip
def test_other_urls_are_refused(text):
    """Only http and https, without credentials, blanks and control characters."""
    with pytest.raises(Invalid):
        read_web_url(text)
