"""NAL units put into payloads: small ones together, large ones cut. What H.264 and H.265 have in common.

Sizes: a payload with RTP header, SRTP tag, UDP and IPv6 headers stays below 1280 bytes, which every path carries
(RFC 8200 5).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

MAX_PAYLOAD = 1_180
"""Bytes."""
_LENGTH = 2
"""Bytes before each unit of an aggregation packet."""


def payloads_of(
    nals: Iterable[bytes], aggregate: Callable[[list[bytes]], bytes], cut: Callable[[bytes], Iterator[bytes]], head: int
) -> list[bytes]:
    """The payloads of one picture.

    Args:
        nals: Its units in order.
        aggregate: Makes one payload of several units.
        cut: Makes several payloads of one unit.
        head: Bytes before the units of an aggregation packet.
    """
    made: list[bytes] = []
    together: list[bytes] = []
    size = head
    for nal in nals:
        if together and size + _LENGTH + len(nal) > MAX_PAYLOAD:
            made.append(_one(together, aggregate))
            together, size = [], head
        if len(nal) > MAX_PAYLOAD:
            made.extend(cut(nal))
        else:
            together.append(nal)
            size += _LENGTH + len(nal)
    if together:
        made.append(_one(together, aggregate))
    return made


def _one(nals: list[bytes], aggregate: Callable[[list[bytes]], bytes]) -> bytes:
    return nals[0] if len(nals) == 1 else aggregate(nals)


def with_sizes(nals: Iterable[bytes]) -> bytes:
    """Each unit behind its size of 16 bit."""
    return b"".join([piece for nal in nals for piece in (len(nal).to_bytes(2), nal)])


def pieces(content: bytes, most: int) -> Iterator[tuple[bytes, bool, bool]]:
    """Cut into even pieces of at most `most` bytes, each with whether it is the first and the last."""
    count = -(-len(content) // most)
    size = -(-len(content) // count)
    for number in range(count):
        yield content[number * size : (number + 1) * size], number == 0, number == count - 1
