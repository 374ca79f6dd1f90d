"""Publisher and server talking to each other in memory."""

from hypothesis import given, settings
from hypothesis import strategies as st

from openmpu.wire.rtmp.events import (
    Closed,
    Connected,
    HandshakeDone,
    ProtocolFailed,
    Published,
    PublishEnded,
    PublishStarted,
    Refused,
    Rejected,
    TagReceived,
)
from openmpu.wire.rtmp.messages import Tag, TagKind
from openmpu.wire.rtmp.publisher import PublisherState
from openmpu.wire.rtmp.server import ServerState
from tests.wire.rtmp.talk import ADDRESS, AUDIO, META, STREAM, VIDEO, Talk, publisher, server


def live() -> Talk:
    return Talk().run()


def test_publish_is_accepted():
    """Both sides agree, step by step."""
    talk = live()
    assert talk.told == [HandshakeDone(), Connected(), Published()]
    assert talk.seen == [HandshakeDone(), PublishStarted("live", STREAM)]


def test_tags_arrive_as_they_were():
    """Kind, time and body of every tag come through; metadata without @setDataFrame."""
    talk = live()
    for tag in (META, VIDEO, AUDIO):
        talk.publisher.publish(tag)
    assert [event.tag for event in talk.run().seen[2:]] == [META, VIDEO, AUDIO]


def test_metadata_goes_out_as_set_data_frame():
    """Servers store metadata for late players only behind @setDataFrame."""
    talk = live()
    talk.publisher.publish(META)
    assert b"\x02\x00\x0d@setDataFrame\x02\x00\x0aonMetaData" in talk.publisher.data_to_send()


def test_orderly_end():
    """FCUnpublish and deleteStream end the publish on the server."""
    talk = live()
    talk.publisher.finish()
    talk.run()
    assert talk.seen[-1] == PublishEnded()
    assert talk.server.state is ServerState.CONNECTED
    assert talk.up.endswith(b"deleteStream" + b"\x00" * 9 + b"\x05\x00\x3f\xf0" + bytes(6))


def test_refused_publish():
    """A refusal comes as the server's code and words, and nothing is sent after it."""
    talk = Talk(server=server(lambda _app, _stream: "not today")).run()
    assert talk.told[-1] == Refused("NetStream.Publish.BadName", "not today")
    assert talk.seen[-1] == Rejected("not today")
    talk.publisher.publish(VIDEO)
    assert talk.publisher.data_to_send() == b""


def test_server_sees_application_and_stream_with_query():
    """The query of the stream name, usually a signature, is handed through untouched."""
    asked = []
    Talk(server=server(lambda *names: asked.append(names) or None)).run()
    assert asked == [("live", STREAM)]


def test_acknowledgements_flow():
    """The server acknowledges after each window it was asked for."""
    talk = Talk(publisher=publisher(ack_window=4096)).run()
    for _ in range(5):
        talk.publisher.publish(VIDEO)
        talk.run()
    totals = [event.total for event in talk.told[3:]]
    assert len(totals) == 5
    assert totals == sorted(totals)
    assert totals[-1] > 5 * 20_000


def test_nothing_goes_out_before_published():
    """Tags before the server's yes are not sent."""
    early = publisher()
    early.data_to_send()
    early.publish(VIDEO)
    assert early.data_to_send() == b""


def test_a_second_publish_on_one_connection_is_turned_away():
    """The receiver serves one publish per connection."""
    talk = live()
    other = live()
    talk.server.receive_data(other.up[1 + 2 * 1536 :])  # connect and publish once more
    assert any(isinstance(event, Rejected | ProtocolFailed) for event in talk.server.events())


def test_peer_closing_is_one_event():
    """An end of the bytes is told once, on either side."""
    talk = live()
    for end in (talk.publisher, talk.server):
        end.receive_eof()
        end.receive_eof()
        assert end.events() == [Closed()]


def test_secrets_do_not_print():
    """Neither address nor events show the stream's name."""
    talk = live()
    assert "secret" not in repr((ADDRESS, talk.publisher, talk.told, talk.seen))


@settings(max_examples=40)
@given(st.data())
def test_cutting_does_not_matter(data):
    """Any cut of the publisher's bytes gives the server the same events, and the other way round."""
    talk = live()
    for tag in (META, AUDIO, VIDEO):
        talk.publisher.publish(tag)
    talk.run()
    fresh_server, fresh_publisher = server(), publisher()
    _feed(fresh_server, talk.up, data)
    _feed(fresh_publisher, talk.down, data)
    assert fresh_server.events() == talk.seen
    assert fresh_publisher.events() == talk.told


def _feed(end, wire, data):
    cuts = sorted(data.draw(st.lists(st.integers(0, len(wire)), max_size=12)))
    for start, stop in zip([0, *cuts], [*cuts, len(wire)], strict=True):
        end.receive_data(wire[start:stop])


@settings(max_examples=200)
@given(st.binary(max_size=600))
def test_random_bytes_never_raise(noise):
    """Random bytes, at once or behind a good handshake, are events at worst."""
    talk = Talk().run()
    for end in (publisher(), server(), talk.publisher, talk.server):
        end.receive_data(noise)
        end.receive_data(noise)
        end.events()
        end.data_to_send()


@settings(max_examples=200)
@given(st.data())
def test_mutated_bytes_never_raise(data):
    """A good conversation with a few bytes changed is still only events, and at most one failure."""
    talk = live()
    for tag in (META, AUDIO, Tag(TagKind.VIDEO, 0xFFFFFFF0, bytes(300))):
        talk.publisher.publish(tag)
    talk.run()
    for end, wire in ((server(), talk.up), (publisher(), talk.down)):
        broken = bytearray(wire)
        for _ in range(data.draw(st.integers(1, 8))):
            broken[data.draw(st.integers(1 + 1536, len(broken) - 1))] = data.draw(st.integers(0, 255))
        end.receive_data(bytes(broken))
        assert sum(isinstance(event, ProtocolFailed) for event in end.events()) <= 1


def test_garbage_ends_the_publisher():
    """After malformed bytes nothing more is read."""
    one = publisher()
    one.receive_data(b"HTTP/1.1 200 OK\r\n")
    one.receive_data(b"more")
    assert one.events() == [ProtocolFailed("not an RTMP version 3 handshake")]
    assert one.state is PublisherState.OVER


def test_tag_events_hold_the_tags():
    """A received tag prints without its bytes."""
    assert "payload" not in repr(TagReceived(VIDEO))
