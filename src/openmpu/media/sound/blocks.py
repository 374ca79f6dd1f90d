"""The form of sound inside a worker: 48 kHz, stereo, 32-bit float between -1 and 1, in blocks of 20 ms.

20 ms is one usual Opus packet and a whole number of samples at every output rate of operations.md 6.1.
"""

from __future__ import annotations

from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

SAMPLE_RATE: Final = 48_000
CHANNELS: Final = 2
BLOCK: Final = 960
"""Samples."""

Samples: TypeAlias = npt.NDArray[np.float32]
"""(samples, 2)."""


def silence(samples: int = BLOCK) -> Samples:
    """So many samples of nothing."""
    return np.zeros((samples, CHANNELS), dtype=np.float32)
