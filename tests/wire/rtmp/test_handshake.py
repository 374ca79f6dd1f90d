"""The simple handshake."""

import pytest

from openmpu.wire.rtmp.handshake import NOISE_SIZE, SIZE, Handshake
from openmpu.wire.rtmp.malformed import Malformed


def pair():
    return Handshake(b"c" * NOISE_SIZE, client=True), Handshake(b"s" * NOISE_SIZE, client=False)


def test_both_sides_finish():
    """C0 C1, S0 S1 S2, C2: then both are done."""
    client, server = pair()
    answer, _ = server.receive(client.start())
    back, _ = client.receive(answer)
    assert client.done
    server.receive(back)
    assert server.done


def test_each_echoes_the_other():
    """S2 is C1 and C2 is S1 (spec 5.2.4)."""
    client, server = pair()
    answer, _ = server.receive(client.start())
    assert answer[1 + SIZE :] == client.start()[1:]
    assert client.receive(answer)[0] == answer[1 : 1 + SIZE]


def test_what_follows_is_kept():
    """Bytes behind the handshake in the same read are handed on."""
    client, server = pair()
    answer, _ = server.receive(client.start())
    assert client.receive(answer + b"chunks")[1] == b"chunks"


def test_another_version_is_refused():
    """Whatever does not begin with a 3 is no RTMP."""
    with pytest.raises(Malformed):
        pair()[0].receive(b"HTTP/1.1 400 Bad Request")


def test_noise_of_another_size_is_our_fault():
    """The caller must give all random bytes."""
    with pytest.raises(ValueError, match="1528"):
        Handshake(b"", client=True)
