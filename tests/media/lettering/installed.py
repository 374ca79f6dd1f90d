"""Which fonts the tests may count on; with CI=true nothing is skipped."""

import os

import pytest

from openmpu.media.lettering.fonts import Fonts

_FACE = Fonts().face(0)
HAS_NOTO = _FACE is not None and _FACE.family == "Noto Serif CJK SC"

needs_noto = pytest.mark.skipif(
    not HAS_NOTO and os.environ.get("CI") != "true", reason="Debian's fonts-noto-cjk is not installed"
)
