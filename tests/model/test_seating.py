"""Who sits where: the ready cases of layouts.md 9 and the rules of section 4."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openmpu.model.geometry import Rect
from openmpu.model.ids import LayoutId, UserId
from openmpu.model.layouts import BUILT_IN, Layout, Pane, choose_layout
from openmpu.model.roster import Source
from openmpu.model.seating import seat_users
from openmpu.model.taking import Lists, NamedUser, Taking, Users
from openmpu.model.task import MixSpec, PaneSpec, Pin
from tests.model.people import CHANNEL, mix, roster, user


def seats(the_mix, *users):
    """Layout id and {pane: (user, source, has video)}."""
    seating = seat_users(the_mix, CHANNEL, roster(*users))
    shown = {
        pane: (seat.user.user_id, seat.source.value, seat.track is not None) for pane, seat in seating.seats.items()
    }
    return seating.layout.layout_id, shown


def names(the_mix, *users):
    """Layout id and {pane: user}."""
    layout_id, shown = seats(the_mix, *users)
    return layout_id, {pane: name for pane, (name, _, _) in shown.items()}


def pin(pane_id, name, source=Source.CAMERA):
    return PaneSpec(pane_id, Pin(UserId(name), source))


A, B, C = user("a", 1, "camera"), user("b", 2, "camera"), user("c", 3, "camera")


def test_case_1_layout_follows_the_number_of_users():
    """One user: layout 1; two: side by side in join order; the first leaves: the other moves up."""
    assert names(mix(1, 2), A) == (1, {0: "a"})
    assert names(mix(1, 2), A, B) == (2, {0: "a", 1: "b"})
    assert names(mix(1, 2), B) == (1, {0: "b"})


def test_case_2_a_pinned_user_keeps_the_pane():
    """Pane 3 is b's; the others fill from pane 0."""
    assert names(mix(6, panes=(pin(3, "b"),)), A, B, C) == (6, {0: "a", 1: "c", 3: "b"})


def test_case_3_a_pinned_user_leaving_frees_the_pane():
    """The freed pane is filled in pane order like any other."""
    assert names(mix(6, panes=(pin(3, "b"),)), A, C) == (6, {0: "a", 1: "c"})


def test_case_4_a_pin_to_somebody_who_never_comes_is_as_if_not_there():
    """The pane goes to the default order."""
    assert names(mix(2, panes=(pin(0, "z"),)), A, B) == (2, {0: "a", 1: "b"})


def test_case_6_the_main_pane_is_filled_first():
    """MajorPane decides the order of seating."""
    half = Rect(0, 0, 0.5, 1)
    layout = Layout(LayoutId(10001), (Pane(0, half), Pane(1, half, major=True)))

    assert names(MixSpec(layouts=(layout,)), A, B) == (10001, {1: "a", 0: "b"})


def test_case_7_a_left_over_pane_shows_the_screen():
    """One user with camera and screen counts once; the second pane shows the screen."""
    both = user("a", 1, "camera", "screen")

    assert seats(mix(2), both) == (2, {0: ("a", "camera", True), 1: ("a", "screen", True)})


def test_case_8_camera_and_screen_both_pinned_count_as_two():
    """N is 2, so the layout of two panes is up."""
    both = user("a", 1, "camera", "screen")
    panes = (pin(0, "a", Source.SCREEN), pin(1, "a"))

    assert seats(mix(1, 2, panes=panes), both) == (2, {0: ("a", "screen", True), 1: ("a", "camera", True)})


def test_a_pinned_user_without_video_keeps_the_pane():
    """The pane stays the user's, with nothing to show."""
    silent = user("a", 1, "voice")

    assert seats(mix(2, panes=(pin(1, "a"),)), silent, B)[1] == {0: ("b", "camera", True), 1: ("a", "camera", False)}


def test_with_too_few_panes_those_with_video_are_selected_then_placed_by_joining():
    """Rule 3: selection prefers video, placing follows the join order."""
    silent = user("a", 1, "voice")

    assert names(mix(2), silent, B, C) == (2, {0: "b", 1: "c"})
    assert names(mix(5), silent, B, C) == (5, {0: "a", 1: "b", 2: "c"})


def test_a_user_without_camera_is_shown_by_screen():
    """Rule 4: camera, else screen."""
    assert seats(mix(1), user("a", 1, "screen"))[1] == {0: ("a", "screen", True)}


def test_live_keeps_the_pane_of_an_absent_pinned_user():
    """StartLiveMPUTask: the pane stays empty for its user."""
    assert names(mix(2, panes=(pin(0, "z"),), keep_pinned_panes=True), A, B) == (2, {1: "a"})


def test_users_that_are_not_taken_do_not_count():
    """SubSpecUsers without b: b neither sits nor counts."""
    taking = Taking(users=Users(frozenset({UserId("a")})))

    assert names(mix(1, 2, taking=taking), A, B) == (1, {0: "a"})


def test_a_user_of_whom_only_sound_is_taken_still_has_a_place():
    """Participants are all of whom at least one kind is taken."""
    taking = Taking(camera=Lists(refused=Users(frozenset({UserId("a")}))))

    assert seats(mix(1, 2, taking=taking), A, B) == (2, {0: ("a", "camera", False), 1: ("b", "camera", True)})


def test_named_users_of_several_channels_are_seated_by_joining():
    """Live-2 UserInfos: only those users, whatever channel they are in."""
    guest = user("g", 0, "camera", channel="other")
    taking = Taking(named=(NamedUser(CHANNEL, UserId("a")), NamedUser("other", UserId("g"))))

    assert names(mix(2, taking=taking), guest, A, B) == (2, {0: "g", 1: "a"})


@pytest.mark.parametrize(
    ("ids", "chosen"),
    [
        ((1, 2), [1, 1, 2, 2, 2, 2, 2]),
        ((2, 6), [2, 2, 2, 6, 6, 6, 6]),
        ((11,), [11] * 7),
        ((1, 3, 5, 6), [1, 1, 3, 5, 6, 6, 6]),
    ],
)
def test_choice_of_layout(ids, chosen):
    """The table of layouts.md 3, for N of 0 to 5 and 12."""
    layouts = [BUILT_IN[number] for number in ids]

    assert [choose_layout(layouts, slots).layout_id for slots in (0, 1, 2, 3, 4, 5, 12)] == chosen


tracks = st.lists(st.sampled_from(["camera", "screen", "voice"]), unique=True)
people = st.lists(st.tuples(st.sampled_from("abcdefgh"), st.integers(0, 9), tracks), unique_by=lambda who: who[0])
pins = st.lists(
    st.tuples(st.integers(0, 15), st.sampled_from("abcdefghz"), st.sampled_from(Source)),
    unique_by=lambda entry: entry[0],
)


@given(people, pins, st.sets(st.sampled_from([1, 2, 5, 6, 7, 9016]), min_size=1))
def test_every_seating_is_sound(who, pinned, layout_ids):
    """No pane twice, no track twice unless pinned so, panes of the layout only, and nobody waits beside an empty pane."""
    by_size = {len(BUILT_IN[number].panes): number for number in layout_ids}
    users = [user(name, joined, *what) for name, joined, what in who]
    the_mix = mix(*by_size.values(), panes=tuple(pin(*entry) for entry in pinned))

    seating = seat_users(the_mix, CHANNEL, roster(*users))

    pane_ids = {pane.pane_id for pane in seating.layout.panes}
    seated = {seat.user.user_id for seat in seating.seats.values()}
    assert set(seating.seats) <= pane_ids
    assert len(pane_ids) == len(seating.seats) or seated == {someone.user_id for someone in users}
    assert seating == seat_users(the_mix, CHANNEL, roster(*reversed(users)))
