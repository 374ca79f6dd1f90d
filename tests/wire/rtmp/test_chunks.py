"""Chunks: every header form, sizes, time stamps past 24 bits, aborts, bounds."""

import struct
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openmpu.wire.rtmp.chunks import ChunkReader, ChunkWriter
from openmpu.wire.rtmp.malformed import Malformed
from openmpu.wire.rtmp.messages import Message, MessageType, control

MESSAGES = st.builds(
    Message,
    kind=st.sampled_from([8, 9, 18, 20, 22]),
    stream_id=st.integers(0, 3),
    timestamp=st.integers(0, 0xFFFFFFFF),
    payload=st.binary(max_size=700),
)


def reader(max_message=1 << 20):
    return ChunkReader(max_message)


def first(number=3, time=10, kind=9, stream=1, body=b"", length=None, extended=b""):
    """A chunk with a full header."""
    size = (len(body) if length is None else length).to_bytes(3)
    return bytes([number]) + time.to_bytes(3) + size + bytes([kind]) + struct.pack("<I", stream) + extended + body


@given(st.lists(st.tuples(st.sampled_from([3, 4, 5, 6]), MESSAGES), max_size=8), st.sampled_from([1, 128, 4096]))
def test_round_trip(sent, chunk_size):
    """Whatever is written, with whatever chunk size and times, is read as it was."""
    writer, wire = ChunkWriter(), b""
    wire += writer.write(2, control(MessageType.SET_CHUNK_SIZE, chunk_size))
    writer.set_chunk_size(chunk_size)
    wire += b"".join(writer.write(number, message) for number, message in sent)
    assert reader().receive(wire) == [message for _, message in sent]


@given(st.lists(MESSAGES, max_size=5), st.data())
def test_cutting_does_not_matter(sent, data):
    """The same bytes give the same messages however they are cut."""
    writer = ChunkWriter()
    wire = b"".join(writer.write(3, message) for message in sent)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(wire)), max_size=10)))
    whole, pieces = reader(), []
    for start, end in zip([0, *cuts], [*cuts, len(wire)], strict=True):
        pieces += whole.receive(wire[start:end])
    assert pieces == sent


def test_byte_by_byte():
    """One byte at a time is enough."""
    message = Message(9, 1, 0x1234567, bytes(range(256)) * 2)
    wire, whole, got = ChunkWriter().write(6, message), reader(), []
    for place in range(len(wire)):
        got += whole.receive(wire[place : place + 1])
    assert got == [message]


@given(st.binary(max_size=400))
def test_any_bytes_are_messages_or_malformed(data):
    """Random bytes give messages or Malformed, never anything else."""
    with suppress(Malformed):
        reader(1 << 12).receive(data)


def test_all_header_forms():
    """Forms 0 to 3 begin messages; each leaves out more and takes it from the one before (spec 5.3.1.2)."""
    wire = first(time=1000, body=b"abc")
    wire += b"\x43" + (20).to_bytes(3) + (2).to_bytes(3) + b"\x08" + b"de"  # form 1: new length and type
    wire += b"\x83" + (30).to_bytes(3) + b"fg"  # form 2: new distance only
    wire += b"\xc3" + b"hi"  # form 3: everything as before
    got = reader().receive(wire)
    assert [(m.kind, m.timestamp, m.payload) for m in got] == [
        (9, 1000, b"abc"),
        (8, 1020, b"de"),
        (8, 1050, b"fg"),
        (8, 1080, b"hi"),
    ]
    assert {m.stream_id for m in got} == {1}


@pytest.mark.parametrize(("basic", "number"), [(b"\x00\x05", 69), (b"\x01\x05\x02", 64 + 5 + 512), (b"\x3f", 63)])
def test_chunk_stream_ids_of_all_sizes(basic, number):
    """Ids of one, two and three bytes are told apart (spec 5.3.1.1)."""
    one = reader()
    header = (1).to_bytes(3) + (1).to_bytes(3) + b"\x09" + bytes(4)
    assert one.receive(basic + header + b"x")[0].payload == b"x"
    assert number in one._streams


def test_interleaved_messages():
    """Chunks of two messages may alternate."""
    video, audio = first(6, 5, 9, body=bytes(128), length=200), first(4, 7, 8, body=b"\x01" * 128, length=130)
    got = reader().receive(video + audio + b"\xc6" + bytes(72) + b"\xc4" + b"\x01" * 2)
    assert [(m.kind, len(m.payload)) for m in got] == [(9, 200), (8, 130)]


@pytest.mark.parametrize("repeats", [True, False])
def test_extended_time_stamp_in_continuing_chunks(repeats):
    """A peer may repeat the extension in form 3 (as the standard says) or not (as some do)."""
    extension = struct.pack(">I", 0x01020304)
    wire = first(time=0xFFFFFF, body=bytes(128), length=200, extended=extension)
    wire += b"\xc3" + (extension if repeats else b"") + b"\x07" * 72
    (message,) = reader().receive(wire + b"\x00")
    assert (message.timestamp, message.payload[128:]) == (0x01020304, b"\x07" * 72)


def test_extended_distance():
    """A distance can be extended as well."""
    wire = first(time=5, body=b"a") + b"\x83\xff\xff\xff" + struct.pack(">I", 0x1000000) + b"b"
    assert [m.timestamp for m in reader().receive(wire)] == [5, 5 + 0x1000000]


def test_time_wraps():
    """Time goes on from 2^32 - 1 to 0, and the writer needs no long header for that."""
    writer = ChunkWriter()
    wire = writer.write(4, Message(8, 1, 0xFFFFFFFA, b"a"))
    short = writer.write(4, Message(8, 1, 0x00000010, b"b"))
    assert len(short) == 1 + 7 + 1
    assert [m.timestamp for m in reader().receive(wire + short)] == [0xFFFFFFFA, 0x10]


def test_abort_discards_the_unfinished():
    """An abort ends the message in the making; the next begins afresh (spec 5.4.2)."""
    abort = first(2, 0, MessageType.ABORT, 0, struct.pack(">I", 3))
    got = reader().receive(first(3, body=bytes(128), length=500) + abort + first(3, body=b"new"))
    assert [m.payload for m in got] == [b"new"]


def test_empty_message():
    """A message without a body is one."""
    assert reader().receive(first(body=b""))[0].payload == b""


@pytest.mark.parametrize(
    "wire",
    [
        b"\xc3",
        b"\x83\x00\x00\x01",
        first(length=1 << 21, body=b""),
        first(3, body=bytes(128), length=300) + first(3, body=b"x"),
        first(2, 0, MessageType.SET_CHUNK_SIZE, 0, bytes(4)),
        first(2, 0, MessageType.SET_CHUNK_SIZE, 0, b"\x80\x00\x00\x00"),
        first(2, 0, MessageType.SET_CHUNK_SIZE, 0, b"\x00"),
        b"".join(first(number, body=b"x") for number in range(3, 64))
        + b"".join(bytes([0, number]) + first(3, body=b"x")[1:] for number in range(10)),
    ],
    ids=["form 3 first", "form 2 first", "too long", "message in message", "size 0", "size 2^31", "cut", "many"],
)
def test_refused(wire):
    """What the format or our bounds forbid ends the reader."""
    with pytest.raises(Malformed):
        reader().receive(wire + bytes(8))


def test_unfinished_messages_are_bounded_together():
    """Many half messages on many chunk streams do not add up past the bound."""
    wire = b"".join(first(number, body=bytes(128), length=1000) for number in range(3, 30))
    with pytest.raises(Malformed, match="unfinished"):
        reader(2000).receive(wire)
