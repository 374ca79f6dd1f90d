"""What one publisher sends, from decrypted packets to tracks on the switchboard; the shell of `wire/rtp`.

Reads no clock but the one it is given, and runs the receiver's one timer.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Iterator

from openmpu.gateway.agreed import peer_parameters
from openmpu.gateway.beat import on_beat
from openmpu.gateway.figures import TrackFigures
from openmpu.gateway.switchboard import ALL, Port, Size, Switchboard
from openmpu.model.frames import EncodedFrame
from openmpu.model.ids import ChannelKey, TrackId, UserId
from openmpu.model.roster import Kind, Source, Track
from openmpu.wire.rtp.parameters import TrackParameters
from openmpu.wire.rtp.receiver import PeerReceiver
from openmpu.wire.rtp.wishes import bitrate_of
from openmpu.wire.whip.deals import Deal

_LONGEST_S = 5.0


class Tracks:
    """The tracks of one publication; takes packets (`receiving.MediaTaker`).

    Args:
        source: Which source of the user it is.
        send: Sends RTCP to the publisher.
        changed: Hears of the tracks on every change.
    """

    def __init__(
        self,
        source: Source,
        deals: tuple[Deal, ...],
        switchboard: Switchboard,
        clock: Callable[[], int],
        send: Callable[[bytes], None],
        changed: Callable[[tuple[Track, ...]], None],
    ) -> None:
        self._source, self._switchboard, self._clock = source, switchboard, clock
        self._send, self._changed = send, changed
        parameters = peer_parameters(deals)
        self._parameters = {track.track_id: track for track in parameters.tracks}
        self._receiver = PeerReceiver(parameters, clock())
        self._ports: dict[TrackId, Port] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._due = 0
        self._closed = False

    # MediaTaker

    def rtp(self, data: bytes, now: int) -> None:
        """One RTP packet came."""
        self._receiver.receive_rtp(data, now)
        self._serve(now)

    def rtcp(self, data: bytes, now: int) -> None:
        """One compound RTCP packet came."""
        self._receiver.receive_rtcp(data, now)
        self._serve(now)

    def want_key_frame(self, track_id: TrackId) -> None:
        """A reader cannot go on without one."""
        now = self._clock()
        self._receiver.want_key_frame(track_id, now)
        self._schedule(now)  # not served at once: a reader may ask while frames are being handed on

    def show(self, track_id: TrackId, size: Size | None) -> None:
        """How large it is shown at most. While nobody reads it nothing is asked for: the next reader finds it warm."""
        height = bitrate = None
        if size and size.height < ALL.height:
            height, bitrate = size.height, bitrate_of(size.width * size.height)
        now = self._clock()
        self._receiver.set_wanted(track_id, height, bitrate, now)
        self._schedule(now)

    # Life

    def start(self) -> None:
        """The connection is up: reports and feedback begin."""
        self._serve(self._clock())

    def close(self) -> None:
        """Nothing comes any more: every track ends."""
        self._closed = True
        if self._timer:
            self._timer.cancel()
        for port in self._ports.values():
            self._switchboard.unpublish(port.track.track_id)
        self._ports.clear()

    def _serve(self, now: int) -> None:
        """Hand on what is ready, send what is due, and set the timer."""
        receiver = self._receiver
        for track_id, frame in receiver.frames(now):
            self._put(track_id, frame, now)
        for datagram in receiver.rtcp_to_send(now):
            self._send(datagram)
        self._schedule(now)

    def _schedule(self, now: int) -> None:
        due = self._receiver.next_wake()
        if due is not None and (self._timer is None or due < self._due):
            self._set_timer(due, now)

    def _set_timer(self, due: int, now: int) -> None:
        if self._timer:
            self._timer.cancel()
        self._due, self._timer = due, None
        if not self._closed:
            self._timer = on_beat(min(max(0, due - now) / 1e9, _LONGEST_S), self._wake)

    def _wake(self) -> None:
        self._timer = None
        self._serve(self._clock())

    def _put(self, track_id: TrackId, frame: EncodedFrame, now: int) -> None:
        port = self._ports.get(track_id)
        if port is None or (frame.key and port.track.kind is Kind.VIDEO and self._codec(track_id) != port.track.codec):
            port = self._publish(track_id, now)
        port.put(frame, now)

    def _codec(self, track_id: TrackId) -> str:
        stream = self._receiver.track(track_id).current
        return stream.codec if stream else ""

    def _publish(self, track_id: TrackId, now: int) -> Port:
        """The first frame of a track, or the first in another codec: then it is another track to its readers."""
        former = self._ports.get(track_id)
        if former:
            self._switchboard.unpublish(former.track.track_id)
        track = self._track(self._parameters[track_id], now, again=former is not None)
        wishes = _Wishes(self, track_id)
        port = self._ports[track_id] = self._switchboard.publish(track, wishes)
        self._changed(tuple(port.track for port in self._ports.values()))
        return port

    def _track(self, parameters: TrackParameters, now: int, *, again: bool) -> Track:
        name = self._codec(parameters.track_id)
        codec = next(codec for codec in parameters.codecs if codec.name == name)
        track_id = TrackId(secrets.token_urlsafe(9)) if again else parameters.track_id
        return Track(track_id, parameters.kind, self._source, name, now, codec.clock_rate, codec.channels)

    # Figures

    @property
    def malformed(self) -> int:
        """Packets that could not be read."""
        statistics = self._receiver.statistics()
        return statistics.malformed_rtp + statistics.malformed_rtcp + statistics.unrouted

    def measure(self, channel: ChannelKey, user_id: UserId) -> Iterator[TrackFigures]:
        """How each track is doing."""
        for track_id, port in self._ports.items():
            statistics = self._receiver.track_statistics(track_id)
            yield TrackFigures(channel, user_id, port.track, statistics, port.readers, port.dropped)


class _Wishes:
    """One track's readers speak to its publisher through this (`switchboard.Publisher`)."""

    __slots__ = ("_track_id", "_tracks")

    def __init__(self, tracks: Tracks, track_id: TrackId) -> None:
        self._tracks, self._track_id = tracks, track_id

    def want_key_frame(self) -> None:
        """A reader cannot go on without one."""
        self._tracks.want_key_frame(self._track_id)

    def show(self, size: Size | None, readers: int) -> None:  # noqa: ARG002 - the largest counts
        """How large it is shown at most."""
        self._tracks.show(self._track_id, size)
