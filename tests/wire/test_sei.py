"""What SEI messages say."""

import json

from openmpu.wire.sei import Place, Shown, Sounding, layout_volume, passed_through


def test_the_sample_of_the_spec():
    """callbacks.md 6.2, character for character."""
    place = Place("111", 0, 1, 0.0, 0.25, 0.5, 0.5, Shown.CAMERA)
    assert layout_volume([(place, Sounding(1, 119))]) == (
        '{"stream":[{"uid":"111","paneid":0,"zorder":1,"x":0,"y":0.25,"w":0.5,"h":0.5,"type":0,"ms":0,"vol":1,"vad":119}]}'
    )


def test_nobody_is_an_empty_list():
    """The worked example of callbacks.md 6.6."""
    assert layout_volume([]) == '{"stream":[]}'


def test_numbers_have_at_most_five_decimals():
    """Thirds are rounded."""
    (element,) = json.loads(layout_volume([(Place("a", 1, 0, 1 / 3, 2 / 3, 0.1 + 0.2, 1.0), Sounding())]))["stream"]
    assert (element["x"], element["y"], element["w"], element["h"]) == (0.33333, 0.66667, 0.3, 1)


def test_who_is_heard_but_not_seen_has_no_pane():
    """Pane -1, zeros, type 2."""
    (element,) = json.loads(layout_volume([(Place("a"), Sounding(7))]))["stream"]
    assert [element[key] for key in ("paneid", "x", "y", "w", "h", "type", "vol")] == [-1, 0, 0, 0, 0, 2, 7]


def test_the_callers_text_stands_under_its_key_as_a_string():
    """callbacks.md 6.4: also when it is JSON itself; letters of all languages as they are."""
    assert passed_through("udd", '{"a":"你"}') == '{"udd":"{\\"a\\":\\"你\\"}"}'
