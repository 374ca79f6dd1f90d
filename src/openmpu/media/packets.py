"""Encoded output on its way from the encoders (or the relay) to the outputs."""

from __future__ import annotations

from dataclasses import dataclass

from openmpu.model.encoder import AudioProfile, VideoProfile
from openmpu.model.roster import Kind


@dataclass(frozen=True, slots=True)
class Packet:
    """One encoded picture (Annex B with parameter sets in band before each key frame) or one AAC frame (raw, no ADTS).

    Attributes:
        pts: Nanoseconds since the task began. There are no B-frames: decoding time is the same.
        key: The stream can be entered here. Always true for sound.
    """

    kind: Kind
    pts: int
    data: bytes
    key: bool = True


@dataclass(frozen=True, slots=True)
class StreamFormat:
    """What the packets are. None: the stream has no track of that kind. A new format needs a new sequence header."""

    video: VideoProfile | None
    audio: AudioProfile | None
