"""WHIP URLs."""

import pytest

from openmpu.clients.whip import endpoint_url
from openmpu.errors import Invalid


def test_the_endpoint_of_a_user():
    """A server behind a path, too."""
    assert endpoint_url("http://h:1", "a", "c", "u", "camera") == "http://h:1/whip/a/c/u?source=camera"
    assert endpoint_url("https://h/x/", "a", "c", "u", "shareScreen") == "https://h/x/whip/a/c/u?source=shareScreen"


@pytest.mark.parametrize("server", ["", "h:1", "rtmp://h", "http://", "http://u:p@h", "http://h?x", "http://h:port"])
def test_other_servers_are_refused(server):
    """Not http, no host, credentials in it."""
    with pytest.raises(Invalid):
        endpoint_url(server, "a", "c", "u", "camera")
