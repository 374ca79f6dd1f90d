"""Decoding: PNG, JPEG and WebP within bounds; everything else is refused with a sentence."""

import io
import struct
import subprocess
import sys
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from openmpu.errors import Invalid
from openmpu.media.pictures.apart import decode_apart
from openmpu.media.pictures.decoding import KEPT_PIXELS, MAX_BYTES, decode_picture


def encoded(image, kind="PNG", **options):
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def pixel(picture, x=0, y=0):
    return np.frombuffer(picture.data, np.uint8).reshape(picture.height, picture.width, 4)[y, x].tolist()


def chunk(name, data):
    return struct.pack("!I", len(data)) + name + data + struct.pack("!I", zlib.crc32(name + data))


def png_header(width, height):
    """A PNG that says it is large, with next to nothing in it."""
    head = chunk(b"IHDR", struct.pack("!IIBBBBB", width, height, 8, 6, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")


RED_IMAGE = Image.new("RGB", (20, 10), (255, 0, 0))


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_allowed_formats(kind):
    """The three formats of the spec, and WebP."""
    picture = decode_picture(encoded(RED_IMAGE, kind, quality=95) if kind != "PNG" else encoded(RED_IMAGE))
    assert (picture.width, picture.height) == (20, 10)
    assert pixel(picture) == pytest.approx([255, 0, 0, 255], abs=3)


@pytest.mark.parametrize("mode", ["L", "LA", "P", "1", "RGBA", "RGB"])
def test_every_mode_of_png(mode):
    """Grey, palette, black and white: white stays white."""
    assert pixel(decode_picture(encoded(Image.new("RGB", (4, 4), "white").convert(mode)))) == [255, 255, 255, 255]


def test_sixteen_bit_grey():
    """Half of 65535 is half of 255."""
    image = Image.fromarray(np.full((4, 4), 32896, np.uint16))
    assert pixel(decode_picture(encoded(image)))[0] == pytest.approx(128, abs=1)


def test_cmyk_jpeg():
    """A printer's JPEG."""
    assert pixel(decode_picture(encoded(Image.new("CMYK", (8, 8), (0, 255, 255, 0)), "JPEG", quality=95)))[0] > 200


def test_transparency_is_multiplied_in():
    """Half transparent white is half of each."""
    assert pixel(decode_picture(encoded(Image.new("RGBA", (2, 2), (255, 255, 255, 128))))) == [128, 128, 128, 128]


def test_palette_with_transparency():
    """A transparent palette entry is transparent."""
    image = Image.new("P", (4, 4), 0)
    image.putpalette([255, 0, 0, 0, 255, 0])
    assert pixel(decode_picture(encoded(image, transparency=0))) == [0, 0, 0, 0]


def test_a_phones_picture_stands_upright():
    """The orientation of EXIF is obeyed."""
    exif = Image.Exif()
    exif[0x0112] = 6
    picture = decode_picture(encoded(RED_IMAGE, "JPEG", exif=exif))
    assert (picture.width, picture.height) == (10, 20)


def test_first_frame_only():
    """Of an animation the first frame is shown."""
    data = encoded(RED_IMAGE, save_all=True, append_images=[Image.new("RGB", (20, 10), "blue")])
    assert pixel(decode_picture(data))[:3] == [255, 0, 0]


def test_large_pictures_are_made_smaller():
    """Nobody keeps 16 Mpx for a 2 Mpx canvas; proportions stay."""
    picture = decode_picture(encoded(Image.new("RGB", (4000, 4000), "red"), "JPEG"))
    assert picture.width == picture.height
    assert picture.width * picture.height <= KEPT_PIXELS * 1.01
    assert len(picture.data) == 4 * picture.width * picture.height


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "no PNG"),
        (b"hello", "no PNG"),
        (b'<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/passwd">]><svg>&x;</svg>', "no PNG"),
        (encoded(RED_IMAGE, "GIF"), "no PNG"),
        (encoded(RED_IMAGE, "BMP"), "no PNG"),
        (encoded(RED_IMAGE, "TIFF"), "no PNG"),
        (png_header(50_000, 50_000), "decoded"),
        (png_header(4097, 10), "4097x10"),
        (png_header(4096, 4096), "4096x4096"),
        (png_header(4000, 3000), "decoded"),
        (encoded(RED_IMAGE)[:45], "decoded"),
        (encoded(RED_IMAGE, "JPEG")[:300], "decoded"),
        (b"\x89PNG\r\n\x1a\n" + bytes(MAX_BYTES), "MiB"),
    ],
    ids=lambda value: None if isinstance(value, bytes) else value,
)
def test_refused(data, reason):
    """Other formats, bombs, stumps: one sentence each."""
    with pytest.raises(Invalid, match=reason):
        decode_picture(data)


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_broken_bytes_are_refused_or_drawn(data):
    """Whatever is changed in a file: a picture or a refusal, nothing else."""
    kind = data.draw(st.sampled_from(["PNG", "JPEG", "WEBP"]))
    content = bytearray(encoded(RED_IMAGE, kind))
    for _ in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    try:
        picture = decode_picture(bytes(content))
    except Invalid:
        return
    assert len(picture.data) == 4 * picture.width * picture.height


@pytest.mark.e2e
def test_apart_decodes_in_another_process():
    """The same picture through a child process."""
    picture = decode_apart(encoded(RED_IMAGE))
    assert (picture.width, picture.height) == (20, 10)
    assert picture.pixels[0, 0].tolist() == [255, 0, 0, 255]


@pytest.mark.e2e
def test_apart_tells_why_not():
    """The child's sentence arrives."""
    with pytest.raises(Invalid, match="no PNG"):
        decode_apart(b"hello")


LARGEST = {
    "png-rgba": lambda: encoded(Image.new("RGBA", (4000, 4000), (9, 9, 9, 128)), compress_level=1),
    "png-rgb": lambda: encoded(Image.new("RGB", (4000, 4000), (9, 9, 9)), compress_level=1),
    "png-palette": lambda: encoded(Image.new("P", (4000, 4000), 3)),
    "png-16-bit": lambda: encoded(Image.fromarray(np.full((4000, 4000), 30_000, np.uint16)), compress_level=1),
    "apng": lambda: encoded(
        Image.new("RGB", (4000, 4000)), save_all=True, append_images=[RED_IMAGE.resize((4000, 4000))]
    ),
    "jpeg": lambda: encoded(Image.new("CMYK", (4000, 4000)), "JPEG"),
    "webp": lambda: encoded(Image.new("RGBA", (2800, 2800), (9, 9, 9, 9)), "WEBP", lossless=True),
}

MEASURED = """
import resource, subprocess, sys
child = subprocess.run([sys.executable, "-I", "-m", "openmpu.media.pictures.child"], stdin=sys.stdin, capture_output=True)
print(child.returncode, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024)
"""


@pytest.mark.e2e
@pytest.mark.parametrize("kind", LARGEST)
def test_largest_pictures_take_less_than_200_mb(kind, tmp_path):
    """Of memory, each in its own decoder (security.md S6)."""
    (tmp_path / "picture").write_bytes(LARGEST[kind]())
    with (tmp_path / "picture").open("rb") as picture:
        told = subprocess.run([sys.executable, "-c", MEASURED], stdin=picture, capture_output=True, check=True).stdout
    status, megabytes = map(int, told.split())
    assert status == 0
    assert megabytes < 200


@pytest.mark.e2e
def test_apart_holds_the_largest_allowed_picture():
    """The memory limit is wide enough for what the other limits let through."""
    picture = decode_apart(encoded(Image.new("RGBA", (4000, 4000), (9, 9, 9, 128)), compress_level=1))
    assert picture.width * picture.height <= KEPT_PIXELS * 1.01
