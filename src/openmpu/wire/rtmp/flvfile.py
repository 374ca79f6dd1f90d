"""FLV files (Adobe "Video File Format 10.1", annex E.2 to E.4): a header, then tags with their sizes."""

from __future__ import annotations

from openmpu.wire.rtmp.messages import Tag, TagKind

FILE_HEADER = b"FLV\x01\x05" + (9).to_bytes(4) + bytes(4)
"""Version 1, "has audio and video" (readers find out by themselves), and the size of no tag before the first."""


def tag_bytes(tag: Tag) -> bytes:
    """The tag as it stands in a file: header, body, size of both."""
    size = len(tag.payload)
    time = (tag.timestamp & 0xFFFFFF).to_bytes(3) + bytes([tag.timestamp >> 24 & 0xFF])
    header = bytes([tag.kind]) + size.to_bytes(3) + time + bytes(3)
    return header + tag.payload + (len(header) + size).to_bytes(4)


def tags_in(data: bytes) -> list[Tag]:
    """The whole tags of a file's bytes; stops at the first that is cut or of an unknown kind."""
    tags, at = [], len(FILE_HEADER)
    while at + 11 <= len(data) and data[at] in set(TagKind):
        size = int.from_bytes(data[at + 1 : at + 4])
        time = int.from_bytes(data[at + 4 : at + 7]) | data[at + 7] << 24
        body = data[at + 11 : at + 11 + size]
        if len(body) < size:
            break
        tags.append(Tag(TagKind(data[at]), time, body))
        at += 11 + size + 4
    return tags
