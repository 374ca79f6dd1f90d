"""Bytes, datagrams, offers and streams that nobody in their right mind would send, out of a seed. Pure."""

from __future__ import annotations

import random
import struct

_COOKIE = 0x2112A442
_FIRST_BYTES = (0, 1, 2, 3, 20, 22, 23, 63, 64, 128, 144, 191, 200, 255)
"""Of every class of RFC 7983, and beside them."""
_NUMBERS = ("0", "-1", "1", "255", "256", "65536", "4294967296", "99999999999999999999", "", "x", "1e9", "0x10")


def mutated(data: bytes, chance: random.Random, most: int = 4) -> bytes:
    """A copy with one to `most` mistakes: bits flipped, bytes overwritten, left out, doubled, put in, the end cut."""
    made = bytearray(data)
    for _ in range(chance.randint(1, most)):
        at = chance.randrange(len(made) + 1)
        match chance.randrange(6):
            case 0 if at < len(made):
                made[at] ^= 1 << chance.randrange(8)
            case 1:
                made[at : at + 1] = chance.randbytes(1)
            case 2:
                del made[at : at + chance.randint(1, 8)]
            case 3:
                made[at:at] = made[at : at + chance.randint(1, 64)]
            case 4:
                made[at:at] = chance.randbytes(chance.randint(1, 16))
            case _:
                del made[max(at, 1) :]
    return bytes(made)


def stun(body: bytes, chance: random.Random, *, length: int | None = None, kind: int = 1) -> bytes:
    """A STUN message with any body and any told length."""
    told = len(body) if length is None else length
    return struct.pack("!HHI", kind, told & 0xFFFF, _COOKIE) + chance.randbytes(12) + body


def known_bad_datagrams(chance: random.Random) -> list[bytes]:
    """Malformed in ways that parsers are known to stumble over."""
    return [
        b"",
        b"\x00",
        b"\x80",
        b"\x80" * 11,
        b"\x16",
        b"\x16\xfe\xfd" + bytes(10),
        b"\x16\xfe\xfd" + bytes(8) + b"\xff\xff" + bytes(30),
        stun(b"", chance),
        stun(b"", chance, length=500),
        stun(struct.pack("!HH", 6, 4) + b"\xff\xfe\xfd\xfc", chance),
        stun(struct.pack("!HH", 6, 60_000), chance),
        stun(struct.pack("!HH", 0x8028, 4) + bytes(4), chance),
        stun(struct.pack("!HH", 8, 3) + bytes(3), chance),
        stun(struct.pack("!HH", 0x20, 2) + bytes(2), chance, kind=0x101),
        stun(struct.pack("!HH", 9, 1) + b"\1", chance, kind=0x111),
    ]


def datagram(chance: random.Random) -> bytes:
    """One for a media port: known to be bad, bad in a new way, or nothing but noise behind a plausible first byte."""
    if chance.random() < 0.5:
        return bytes([chance.choice(_FIRST_BYTES)]) + chance.randbytes(chance.randrange(200))
    known = chance.choice(known_bad_datagrams(chance))
    return mutated(known, chance) if chance.random() < 0.7 else known


def offer(sdp: str, chance: random.Random) -> str:
    """An SDP with lines left out, doubled, swapped, with other numbers in them, or with mistakes in their bytes."""
    lines = sdp.splitlines()
    for _ in range(chance.randint(1, 6)):
        at, other = chance.randrange(len(lines)), chance.randrange(len(lines))
        match chance.randrange(5):
            case 0 if len(lines) > 1:
                del lines[at]
            case 1:
                lines[at:at] = [lines[other]] * chance.choice((1, 2, 50))
            case 2:
                lines[at], lines[other] = lines[other], lines[at]
            case 3:
                lines[at] = _other_number(lines[at], chance)
            case _:
                lines[at] = mutated(lines[at].encode(), chance).decode("utf-8", "replace")
    return "\r\n".join(lines) + chance.choice(("\r\n", "", "\n\n"))


def _other_number(line: str, chance: random.Random) -> str:
    words = line.split(" ")
    place = chance.randrange(len(words))
    head, colon, _ = words[place].rpartition(":")
    words[place] = f"{head}{colon}{chance.choice(_NUMBERS)}"
    return " ".join(words)
