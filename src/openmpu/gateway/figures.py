"""What a gateway tells of itself once a second: the process, and each track."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psutil

from openmpu.model.codec import to_plain
from openmpu.model.ids import ChannelKey, UserId
from openmpu.model.roster import Track
from openmpu.wire.rtp.figures import TrackStatistics


@dataclass(frozen=True, slots=True)
class TrackFigures:
    """How one track is doing.

    Attributes:
        statistics: Of its way to us, by the receive path.
        readers: Workers that read it.
        dropped: Frames that slow readers lost.
    """

    channel: ChannelKey
    user_id: UserId
    track: Track
    statistics: TrackStatistics
    readers: int
    dropped: int

    def plain(self) -> dict[str, Any]:
        """Flat names, as the status and the metrics show them."""
        return {
            "app_id": self.channel.app_id,
            "channel_id": self.channel.channel_id,
            "user_id": self.user_id,
            "track_id": self.track.track_id,
            "source": self.track.source.value,
            "kind": self.track.kind.value,
            "published_at": self.track.published_at,
            **to_plain(self.statistics),
            "readers": self.readers,
            "dropped": self.dropped,
        }


@dataclass(frozen=True, slots=True)
class ProcessFigures:
    """The process itself.

    Attributes:
        cpu: Cores in use over the last second.
        undecrypted: Datagrams of the present peers that were no SRTP of theirs.
        malformed: Their packets and datagrams that could not be read.
    """

    cpu: float
    cpu_seconds: float
    memory_mb: float
    peers: int
    links: int
    undecrypted: int = 0
    malformed: int = 0


@dataclass(frozen=True, slots=True)
class PeerFigures:
    """What came of one publisher, or of strangers on its ports, and was thrown away."""

    undecrypted: int = 0
    malformed: int = 0


class ProcessMeter:
    """Measures this process between two calls."""

    def __init__(self) -> None:
        self._process = psutil.Process()
        self._cpu = 0.0
        self._at = 0

    def measure(self, now: int, peers: Sequence[PeerFigures], links: int) -> ProcessFigures:
        """Since the last call."""
        times = self._process.cpu_times()
        cpu = times.user + times.system
        elapsed = (now - self._at) / 1e9
        used = (cpu - self._cpu) / elapsed if self._at and elapsed > 0 else 0.0
        self._cpu, self._at = cpu, now
        memory = self._process.memory_info().rss / (1 << 20)
        return ProcessFigures(
            round(used, 4),
            round(cpu, 3),
            round(memory, 1),
            len(peers),
            links,
            sum(peer.undecrypted for peer in peers),
            sum(peer.malformed for peer in peers),
        )
