"""Fonts by family name, and what stands in for those that are missing."""

from pathlib import Path

import pytest

from openmpu.media.lettering import fonts
from openmpu.media.lettering.fontfiles import Face, find_faces
from openmpu.media.lettering.fonts import Fonts
from tests.media.lettering.installed import needs_noto


def faces(*names):
    return tuple(Face(Path(f"/fonts/{number}.ttc"), number, *name) for number, name in enumerate(names))


NOTO = faces(
    ("Noto Serif CJK JP", "Regular"),
    ("Noto Serif CJK SC", "Bold"),
    ("Noto Serif CJK SC", "Regular"),
    ("Noto Sans Mono CJK SC", "Regular"),
    ("Noto Sans CJK JP", "Regular"),
    ("Noto Sans CJK SC", "Regular"),
    ("Noto Sans CJK SC", "Bold"),
)


def found(monkeypatch, installed, number):
    monkeypatch.setattr(fonts, "find_faces", lambda directory: installed)
    chosen = Fonts()
    return chosen.face(number), chosen.notes


@pytest.mark.parametrize(
    ("number", "name"),
    [
        (0, "Noto Serif CJK SC Regular"),
        (1, "Noto Sans CJK SC Regular"),
        (2, "Noto Sans CJK SC Bold"),
        (3, "Noto Sans CJK SC Bold"),
        (4, "Noto Sans CJK SC Regular"),
        (5, "Noto Sans CJK SC Regular"),
        (99, "Noto Serif CJK SC Regular"),
    ],
)
def test_debians_noto(monkeypatch, number, name):
    """The map of the design with the fonts of fonts-noto-cjk; only FontType 0 is exact."""
    face, notes = found(monkeypatch, NOTO, number)
    assert face.name == name
    assert (notes == ()) == (number in {0, 99})


@pytest.mark.parametrize(
    ("number", "name"),
    [
        (3, ("Noto Sans CJK SC", "Black")),
        (4, ("Noto Sans CJK SC", "Light")),
        (5, ("Noto Sans CJK SC", "Medium")),
        (1, ("Alibaba PuHuiTi", "R")),
        (2, ("Alibaba PuHuiTi 2.0", "85 Bold")),
        (3, ("Alibaba PuHuiTi H", "Regular")),
        (4, ("AlibabaPuHuiTi-3-45-Light", "Light")),
        (5, ("Alibaba PuHuiTi 3.0", "65 Medium")),
    ],
)
def test_better_fonts_are_preferred(monkeypatch, number, name):
    """The extra weights of Noto, and the operator's own PuHuiTi under the names of its three generations."""
    face, notes = found(monkeypatch, NOTO + faces(name), number)
    assert (face.family, face.style) == name
    assert (notes == ()) == name[0].startswith("Alibaba")


def test_any_chinese_serif_before_sans(monkeypatch):
    """FontType 0 stays a serif as long as there is one."""
    face, notes = found(monkeypatch, NOTO[:1] + NOTO[3:], 0)
    assert face.family == "Noto Serif CJK JP"
    assert notes == ("FontType 0: Noto Serif CJK SC Regular is not installed, drawn with Noto Serif CJK JP Regular",)


def test_without_any_font_letters_are_drawn_all_the_same(monkeypatch):
    """A machine with nothing but pip has the built-in font, and a note that says so."""
    monkeypatch.setattr(fonts, "find_faces", lambda directory: ())
    chosen = Fonts()
    assert chosen.font(0, 20).getlength("Hello") > 20
    assert "built-in sans-serif" in chosen.notes[0]


def test_files_that_are_no_fonts_are_left_out(tmp_path):
    """A broken file in the operator's directory harms nobody."""
    (tmp_path / "broken.ttf").write_bytes(b"not a font")
    assert all(face.path.parent != tmp_path for face in find_faces(str(tmp_path)))


@needs_noto
def test_face_of_a_collection_is_found_by_name():
    """The file of this machine, at the right place inside."""
    face = Fonts().face(0)
    assert (face.family, face.style) == ("Noto Serif CJK SC", "Regular")
    assert Fonts().font(0, 30).getname() == ("Noto Serif CJK SC", "Regular")
