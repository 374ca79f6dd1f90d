"""Decoding of PNG, JPEG and WebP within bounds: every limit is checked before the work that it limits.

Runs in a child process (`child.py`): imports Pillow only, no NumPy, no OpenCV.
"""

from __future__ import annotations

import io
from dataclasses import dataclass

from PIL import Image, ImageOps, UnidentifiedImageError

from openmpu.errors import Invalid

FORMATS = ("PNG", "JPEG", "WEBP")
MAX_BYTES = 10 * 1024 * 1024
MAX_SIDE = 4096
MAX_PIXELS = 16_000_000
MAX_WEBP_PIXELS = 8_000_000
"""libwebp takes 18 bytes for each while it decodes; the others stay under 200 MB with twice as many."""
KEPT_PIXELS = 4_000_000
"""Larger pictures are made smaller at once: no output has more than 2 Mpx, and a crop may need twice that."""

_REFUSALS = (
    OSError,
    ValueError,
    SyntaxError,  # Pillow's word for a broken PNG
    TypeError,
    EOFError,
    KeyError,
    IndexError,
    OverflowError,
    MemoryError,
    ZeroDivisionError,
    Image.DecompressionBombError,
    Image.DecompressionBombWarning,
)


@dataclass(frozen=True, slots=True)
class Decoded:
    """A picture as rows of (red, green, blue, alpha) bytes, colours multiplied by alpha."""

    width: int
    height: int
    data: bytes


def decode_picture(data: bytes) -> Decoded:
    """The first frame of a picture, upright.

    Raises:
        Invalid: It is too large, of another format, or broken.
    """
    if len(data) > MAX_BYTES:
        raise Invalid("picture", f"has more than {MAX_BYTES // 1024 // 1024} MiB")
    try:
        return _decode(data)
    except UnidentifiedImageError:
        raise Invalid("picture", "is no PNG, JPEG or WebP") from None
    except _REFUSALS as error:
        raise Invalid("picture", f"cannot be decoded: {type(error).__name__}") from None


def _decode(data: bytes) -> Decoded:
    with Image.open(io.BytesIO(data), formats=FORMATS) as image:
        _check_size(image)
        image.draft("RGB", _kept_size(image))  # JPEG can be decoded at a half, a quarter or an eighth
        small = _shrunk(_with_alpha(image)) if image.has_transparency_data else _with_alpha(_shrunk(_grey(image)))
    upright = ImageOps.exif_transpose(small)
    return Decoded(upright.width, upright.height, upright.tobytes())


def _check_size(image: Image.Image) -> None:
    width, height = image.size
    most = MAX_WEBP_PIXELS if image.format == "WEBP" else MAX_PIXELS
    if max(width, height) > MAX_SIDE or width * height > most or not width * height:
        raise Invalid("picture", f"is {width}x{height}: at most {MAX_SIDE} a side and {most // 1_000_000} Mpx")


def _grey(image: Image.Image) -> Image.Image:
    """16-bit grey is brought to 8 bits, which Pillow would cut off; palettes to colours, which cannot be averaged."""
    if image.mode.startswith("I"):
        return image.point(lambda value: value / 257).convert("L")
    return image.convert("RGB") if image.mode in {"P", "1"} else image


def _with_alpha(image: Image.Image) -> Image.Image:
    """As premultiplied RGBA."""
    if image.mode != "RGBA":
        image = image.convert("RGBA")
    return image.convert("RGBa")


def _kept_size(image: Image.Image) -> tuple[int, int]:
    shrink = min(1.0, (KEPT_PIXELS / (image.width * image.height)) ** 0.5)
    return max(1, round(image.width * shrink)), max(1, round(image.height * shrink))


def _shrunk(image: Image.Image) -> Image.Image:
    size = _kept_size(image)
    return image if size == image.size else image.resize(size, Image.Resampling.BOX, reducing_gap=2)
