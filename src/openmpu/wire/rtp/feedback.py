"""What goes back to a peer, as RTCP datagrams.

Receiver reports and REMB each second, NACK and key frame requests at once, transport-wide feedback ten to twenty times
a second. Reports and early feedback of all tracks travel together (RFC 3550 6.1, RFC 4585 3.1). Knows no buffers.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from openmpu.wire.rtp import rtcp_writing
from openmpu.wire.rtp.alarm import MS, SECOND
from openmpu.wire.rtp.clock import to_ntp
from openmpu.wire.rtp.parameters import PeerParameters
from openmpu.wire.rtp.streams import RtxStream, Stream, VideoStream
from openmpu.wire.rtp.transport_feedback import ArrivalRecorder

REPORT_INTERVAL = SECOND
FIRST_REPORT = 200 * MS
"""After the beginning: until a report came, senders repeat MID and RID in each packet and are careful."""
ARRIVALS_INTERVAL = 100 * MS
EAGER_INTERVAL = 50 * MS
"""While the sender looks for its rate, in the first EAGER_TIME."""
EAGER_TIME = 10 * SECOND
MAX_DATAGRAM = 1200
MAX_BLOCKS = 31


class Feedback:
    """Gathers what is due for one peer.

    Attributes:
        arrivals: Arrival times for transport-wide feedback, None where that was not agreed on.
        report_at: When the next receiver report is due.
    """

    __slots__ = (
        "_arrivals_at",
        "_description",
        "_eager_until",
        "_fir_number",
        "_opening",
        "_parameters",
        "arrivals",
        "report_at",
    )

    def __init__(self, parameters: PeerParameters, now: int) -> None:
        self._parameters = parameters
        ssrc = parameters.ssrc
        self._description = rtcp_writing.build_description(ssrc, parameters.cname)
        self._opening = rtcp_writing.build_receiver_report(ssrc, ()) + self._description
        self._eager_until = -1
        self._arrivals_at = now + EAGER_INTERVAL
        self.report_at = now + FIRST_REPORT
        self._fir_number = 0
        self.arrivals = ArrivalRecorder(now) if parameters.transport_cc else None

    def wake(self, videos: Iterable[VideoStream]) -> int:
        """When something will be due."""
        wake = self.report_at
        if self.arrivals is not None and self.arrivals.pending:
            wake = min(wake, self._arrivals_at)
        for video in videos:
            if video.active:
                wake = min(wake, video.nacks.wake, video.keys.wake)
        return wake

    def arrivals_due(self) -> int:
        """When the arrivals that are pending will be told; for whoever just recorded the first of them."""
        return self._arrivals_at

    def collect(
        self, streams: Sequence[Stream | RtxStream], videos: Sequence[VideoStream], remb: int | None, now: int
    ) -> list[bytes]:
        """The datagrams due now.

        Args:
            streams: All to be reported on.
            videos: Those that may need repair, with the rest of them.
            remb: Bits per second to be told with a report; None: nothing.
            now: Nanoseconds.
        """
        parts = self._repairs(videos, now)
        parts += self._told_arrivals(streams, now)
        if now >= self.report_at:
            self.report_at = now + REPORT_INTERVAL
            media = [video.ssrc for video in videos]
            return self._report(streams, media, remb, now) + self._packed(parts)
        return self._packed(parts)

    def remb_now(self, videos: Sequence[VideoStream], bits_per_second: int) -> list[bytes]:
        """A limit that cannot wait for the next report."""
        media = [video.ssrc for video in videos]
        return self._packed([rtcp_writing.build_remb(self._parameters.ssrc, bits_per_second, media)])

    def _repairs(self, videos: Sequence[VideoStream], now: int) -> list[bytes]:
        parts: list[bytes] = []
        ssrc = self._parameters.ssrc
        for video in videos:
            if not video.active:
                continue
            missing = video.nacks.take(now)
            if missing:
                parts.append(rtcp_writing.build_nack(ssrc, video.ssrc, missing))
            if video.nacks.hopeless:
                video.nacks.hopeless = 0
                video.keys.want(now, lossy=True)
            if video.keys.take(now):
                parts.append(self._key_request(video))
        return parts

    def _key_request(self, video: VideoStream) -> bytes:
        if video.pli:
            return rtcp_writing.build_pli(self._parameters.ssrc, video.ssrc)
        self._fir_number += not video.keys.repeated  # a copy has the number of the first (RFC 5104 4.3.1.1)
        return rtcp_writing.build_fir(self._parameters.ssrc, video.ssrc, self._fir_number)

    def _told_arrivals(self, streams: Sequence[Stream | RtxStream], now: int) -> list[bytes]:
        arrivals = self.arrivals
        if arrivals is None or not arrivals.pending or now < self._arrivals_at:
            return []
        if self._eager_until < 0:
            self._eager_until = now + EAGER_TIME
        self._arrivals_at = now + (EAGER_INTERVAL if now < self._eager_until else ARRIVALS_INTERVAL)
        media = streams[0].ssrc if streams else 0  # any of the sender's: browsers drop feedback about strangers
        ssrc = self._parameters.ssrc
        return [rtcp_writing.build_transport_feedback(ssrc, media, body) for body in arrivals.take()]

    def _report(
        self, streams: Sequence[Stream | RtxStream], media: Sequence[int], remb: int | None, now: int
    ) -> list[bytes]:
        """Receiver reports, our time to measure the round trip by (RFC 3611 4.4), and the limit."""
        ssrc = self._parameters.ssrc
        blocks = [each.statistics.block(each.ssrc, now) for each in streams if each.statistics.highest >= 0]
        datagrams = []
        for at in range(0, max(1, len(blocks)), MAX_BLOCKS):
            head = rtcp_writing.build_receiver_report(ssrc, blocks[at : at + MAX_BLOCKS])
            datagrams.append(head + self._description)
        datagrams[0] += rtcp_writing.build_reference_time(ssrc, to_ntp(now))
        if remb is not None and media:
            datagrams[0] += rtcp_writing.build_remb(ssrc, remb, media)
        return datagrams

    def _packed(self, parts: Sequence[bytes]) -> list[bytes]:
        """Parts put together into datagrams, each opened as RFC 3550 6.1 wants, unless reduced size was agreed on."""
        opening = b"" if self._parameters.reduced_size else self._opening
        datagrams: list[bytes] = []
        current = b""
        for part in parts:
            if current and len(current) + len(part) > MAX_DATAGRAM:
                datagrams.append(current)
                current = b""
            current = (current or opening) + part
        return [*datagrams, current] if current else datagrams
