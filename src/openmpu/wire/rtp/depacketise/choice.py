"""Which depacketiser reads which codec."""

from __future__ import annotations

from openmpu.wire.rtp.depacketise.av1 import Av1
from openmpu.wire.rtp.depacketise.h264 import H264
from openmpu.wire.rtp.depacketise.h265 import H265
from openmpu.wire.rtp.depacketise.picture import Depacketiser
from openmpu.wire.rtp.depacketise.vp8 import Vp8
from openmpu.wire.rtp.depacketise.vp9 import Vp9
from openmpu.wire.rtp.parameters import CodecParameters


def depacketiser_for(codec: CodecParameters) -> Depacketiser | None:
    """A new one for that codec, None if it is none that we read."""
    match codec.name:
        case "h264":
            return H264(codec.parameter_sets)
        case "h265":
            return H265(codec.parameter_sets)
        case "vp8":
            return Vp8()
        case "vp9":
            return Vp9()
        case "av1":
            return Av1()
        case _:
            return None
