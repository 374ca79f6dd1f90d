"""The publisher against answers that real servers give, and worse ones."""

import pytest

from openmpu.wire.rtmp import amf0
from openmpu.wire.rtmp.chunks import ChunkReader, ChunkWriter
from openmpu.wire.rtmp.events import Closed, Connected, HandshakeDone, ProtocolFailed, Published, Refused
from openmpu.wire.rtmp.handshake import NOISE_SIZE, Handshake
from openmpu.wire.rtmp.messages import (
    Message,
    MessageType,
    UserControl,
    command,
    command_of,
    control,
    peer_bandwidth,
    user_control,
)
from openmpu.wire.rtmp.publisher import PublisherState
from tests.wire.rtmp.talk import publisher


class Script:
    """A server by hand: shakes hands, then says what the test says."""

    def __init__(self, **options):
        self.publisher = publisher(**options)
        self._reader, self._writer = ChunkReader(1 << 20), ChunkWriter()
        hands = Handshake(bytes(NOISE_SIZE), client=False)
        self.publisher.receive_data(hands.receive(self.publisher.data_to_send())[0])
        _, rest = hands.receive(self.publisher.data_to_send())
        self.heard = self._reader.receive(rest)
        assert self.publisher.events() == [HandshakeDone()]

    def say(self, *messages):
        """Send messages; what the publisher answered is in `heard`."""
        self.publisher.receive_data(b"".join(self._writer.write(3, message) for message in messages))
        self.heard = self._reader.receive(self.publisher.data_to_send())
        return self.publisher.events()

    def result(self, transaction, *values):
        return self.say(command("_result", transaction, *values))

    def status(self, level, code, words=""):
        return self.say(command("onStatus", 0, None, {"level": level, "code": code, "description": words}))

    def to_publish(self):
        """Up to the publish command."""
        self.result(1, {}, {})
        self.result(4, None, 7)
        return self

    def commands(self):
        return [command_of(message) for message in self.heard if message.kind == MessageType.COMMAND]


def test_connect_tells_where_to():
    """The connect command names application, address, and a publisher's version."""
    (asked,) = Script().commands()
    assert (asked.name, asked.transaction) == ("connect", 1)
    assert asked.fields(0) == {
        "app": "live",
        "type": "nonprivate",
        "flashVer": "FMLE/3.0 (compatible; openmpu)",
        "tcUrl": "rtmp://host.example/live",
    }


def test_connect_names_enhanced_codecs():
    """What needs an enhanced server is told in fourCcList."""
    (asked,) = Script(codecs=("hvc1",)).commands()
    assert asked.fields(0)["fourCcList"] == ["hvc1"]


def test_order_after_connect():
    """What follows is releaseStream, FCPublish, createStream; window and chunk size before them."""
    script = Script(ack_window=5000)
    assert Connected() in script.result(1, {}, {})
    assert [message.kind for message in script.heard[:1]] == [MessageType.WINDOW_ACK_SIZE]
    assert [asked.name for asked in script.commands()] == ["releaseStream", "FCPublish", "createStream"]


def test_publish_goes_to_the_stream_that_was_created():
    """The publish command is sent on the stream id of the answer."""
    script = Script()
    script.result(1, {}, {})
    script.result(4, None, 7)
    assert [(message.stream_id, command_of(message).arguments[2]) for message in script.heard] == [(7, "live")]


def test_errors_of_customs_do_not_matter():
    """Answers to releaseStream and FCPublish may be errors: many servers do that."""
    script = Script()
    script.result(1, {}, {})
    assert script.say(command("_error", 2, None, None), command("_error", 3, None, None)) == []
    script.result(4, None, 1)
    assert script.status("status", "NetStream.Publish.Start") == [Published()]


@pytest.mark.parametrize("transaction", [1, 4])
def test_error_is_a_refusal(transaction):
    """_error to connect or createStream refuses, with code and words of the server."""
    script = Script()
    if transaction == 4:
        script.result(1, {}, {})
    about = {"level": "error", "code": "NetConnection.Connect.Rejected", "description": "[code=403 need auth]"}
    refused = Refused("NetConnection.Connect.Rejected", "[code=403 need auth]")
    assert refused in script.say(command("_error", transaction, None, about))


def test_refusal_after_start_is_told():
    """A server may end a running stream by a status."""
    script = Script().to_publish()
    script.status("status", "NetStream.Publish.Start")
    assert script.status("error", "NetStream.Publish.Idle", "no data") == [Refused("NetStream.Publish.Idle", "no data")]


def test_unknown_talk_is_ignored():
    """onBWDone, onFCPublish without arguments, unknown types and a bandwidth limit change nothing."""
    script = Script()
    odd = Message(99, 0, 0, b"\xff\xff")
    name_only = Message(MessageType.COMMAND, 0, 0, amf0.encode("onFCPublish"))
    said = (command("onBWDone", 0, None), name_only, odd, peer_bandwidth(2_500_000))
    assert script.say(*said) == []
    assert script.to_publish().publisher.state is PublisherState.PUBLISH


def test_ping_is_answered():
    """A ping request is answered with its own number (spec 7.1.7)."""
    script = Script()
    script.say(user_control(UserControl.PING_REQUEST, 123456))
    assert [message.payload for message in script.heard] == [b"\x00\x07" + (123456).to_bytes(4)]


def test_window_is_acknowledged():
    """After each window of the server's bytes an acknowledgement with the total goes out."""
    script = Script()
    script.say(control(MessageType.WINDOW_ACK_SIZE, 1000))
    script.say(Message(99, 0, 0, bytes(2000)))
    (ack,) = [message for message in script.heard if message.kind == MessageType.ACKNOWLEDGEMENT]
    assert int.from_bytes(ack.payload) > 3073 + 2000


@pytest.mark.parametrize("number", [-1, 2.0**33, float("nan"), "x", None])
def test_a_stream_id_that_cannot_be(number):
    """A createStream answered with nonsense is a failed protocol, not an exception."""
    script = Script()
    script.result(1, {}, {})
    assert any(isinstance(event, ProtocolFailed) for event in script.result(4, None, number))


def test_a_message_too_long_for_an_answer():
    """No server needs to send megabytes to a publisher."""
    script = Script()
    (failed,) = script.say(Message(20, 0, 0, bytes(300_000)))
    assert failed == ProtocolFailed("message longer than allowed")


@pytest.mark.parametrize(
    "words",
    [
        "stream live/top-secret-key?sign=deadbeef&expires=99 busy",
        "bad signature deadbeef for top-secret-key",
    ],
)
def test_the_key_is_taken_out_of_complaints(words):
    """A server that quotes the stream's name does not bring it into our logs."""
    (refused,) = Script().to_publish().status("error", "NetStream.Publish.BadName", words)
    assert isinstance(refused, Refused)
    assert "secret" not in refused.description
    assert "deadbeef" not in refused.description


def test_long_and_unprintable_complaints_are_cut():
    """A peer's words are one short printable line."""
    (refused,) = Script().to_publish().status("error", "x\x00y", "a\nb\x1b[31m" + "z" * 5000)
    assert refused.code == "x y"
    assert refused.description.startswith("a b [31mzzz")
    assert len(refused.description) <= 200


def test_close_command():
    """The close command is a refusal without a code."""
    assert Script().to_publish().say(command("close", 0, None)) == [Refused("", "the server closed the stream")]


def test_closing_before_an_answer():
    """A server that just closes gives Closed; the shell knows at which step."""
    script = Script().to_publish()
    script.publisher.receive_eof()
    assert script.publisher.events() == [Closed()]


def test_amf3_commands_are_understood():
    """Type 17 is AMF0 behind one byte for all that servers send here."""
    script = Script()
    answer = Message(MessageType.COMMAND_AMF3, 0, 0, b"\x00" + amf0.encode("_result", 1, None, None))
    assert Connected() in script.say(answer)
