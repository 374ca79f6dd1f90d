"""A publisher and a server joined in memory."""

from dataclasses import dataclass, field

from openmpu.wire.rtmp.events import PublisherEvent, ServerEvent
from openmpu.wire.rtmp.handshake import NOISE_SIZE
from openmpu.wire.rtmp.messages import Tag, TagKind
from openmpu.wire.rtmp.publisher import PublishAddress, Publisher
from openmpu.wire.rtmp.server import Accept, ServerConnection

STREAM = "top-secret-key?sign=deadbeef&expires=99"
ADDRESS = PublishAddress("rtmp://host.example/live", "live", STREAM)
VIDEO = Tag(TagKind.VIDEO, 1000, b"\x17\x01" + bytes(20_000))
AUDIO = Tag(TagKind.AUDIO, 1010, b"\xaf\x01" + bytes(300))
META = Tag(TagKind.DATA, 1000, b"\x02\x00\x0aonMetaData\x05")


def publisher(**options) -> Publisher:
    """A fresh publisher of STREAM."""
    return Publisher(ADDRESS, bytes(NOISE_SIZE), **options)


def server(accept: Accept = lambda _app, _stream: None, **options) -> ServerConnection:
    """A fresh server that takes everybody."""
    return ServerConnection(accept, b"\x01" * NOISE_SIZE, **options)


@dataclass
class Talk:
    """Both ends, and all that they told."""

    publisher: Publisher = field(default_factory=publisher)
    server: ServerConnection = field(default_factory=server)
    told: list[PublisherEvent] = field(default_factory=list)
    seen: list[ServerEvent] = field(default_factory=list)
    up: bytes = b""
    down: bytes = b""

    def run(self) -> "Talk":
        """Carry bytes to and fro until neither has any more."""
        while (up := self.publisher.data_to_send()) + (down := self.server.data_to_send()):
            self.up, self.down = self.up + up, self.down + down
            self.server.receive_data(up)
            self.publisher.receive_data(down)
        self.told += self.publisher.events()
        self.seen += self.server.events()
        return self
