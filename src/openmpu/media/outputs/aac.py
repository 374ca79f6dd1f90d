"""AAC-LC in FLV: the AudioSpecificConfig (ISO/IEC 14496-3 1.6.2.1)."""

from __future__ import annotations

from openmpu.model.encoder import AudioProfile

_RATES = (96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000, 7_350)
_ESCAPE = 15
_AAC_LC = 2


def configuration(profile: AudioProfile) -> bytes:
    """AudioSpecificConfig: object type (5 bits), rate (4, or 4 + 24), channels (4), three zero bits."""
    if profile.sample_rate in _RATES:
        bits = _AAC_LC << 11 | _RATES.index(profile.sample_rate) << 7 | profile.channels << 3
        return bits.to_bytes(2)
    bits = (_AAC_LC << 4 | _ESCAPE) << 24 | profile.sample_rate
    return (bits << 7 | profile.channels << 3).to_bytes(5)
