"""When which SEI message is sent."""

from dataclasses import replace

from openmpu.media.encoding.sei_messages import SeiMessages
from openmpu.media.packets import Packet
from openmpu.model.ids import AppId, ChannelId, TaskId, UserId
from openmpu.model.roster import Kind
from openmpu.model.task import Family, SeiRhythm, SeiSpec, SeiText, TaskSpec
from openmpu.timing.ticks import MILLISECOND, SECOND
from openmpu.wire.sei import Place, Shown, Sounding
from tests.rig.nals import Access, split

WHO = (ChannelId("c"), UserId("a"))
LEFT = ((WHO, Place("a", 0, 0, 0, 0, 0.5, 1, Shown.CAMERA)),)
RIGHT = ((WHO, Place("a", 1, 0, 0.5, 0, 0.5, 1, Shown.CAMERA)),)
SOUNDING = {WHO: Sounding(200, 150)}
LAYOUT = SeiSpec(layout_volume=SeiRhythm())


def spec(sei: SeiSpec | None, family: Family = Family.LIVE, **more: object) -> TaskSpec:
    """A task."""
    bare = TaskSpec(AppId("a"), ChannelId("c"), TaskId("t"), family=family, sei=sei)
    return replace(bare, **more)  # type: ignore[arg-type]


class Stream:
    """25 pictures a second, a key frame every 2 s."""

    def __init__(self, task: TaskSpec) -> None:
        self.messages = SeiMessages(lambda: SOUNDING)
        self.messages.plan(task)
        self.number = 0
        self.sent: list[tuple[int, int, object]] = []

    def run(self, pictures: int, seen: tuple = LEFT) -> "Stream":
        """So many more; what they say is kept as (milliseconds, payload type, content)."""
        for _ in range(pictures):
            pts, key = self.number * SECOND // 25, self.number % 50 == 0
            slice_ = b"\x00\x00\x00\x01" + (b"\x65" if key else b"\x41") + b"slice"
            packet = self.messages.put_into(Packet(Kind.VIDEO, pts, slice_, key=key), "h264", seen)
            found = Access(pts, split(packet.data)).messages
            self.sent += [(pts // MILLISECOND, kind, said) for kind, said in found]
            self.number += 1
        return self

    def times(self, key: str = "stream") -> list[int]:
        """When a content was sent, in milliseconds."""
        return [at for at, _, said in self.sent if isinstance(said, dict) and key in said]


def test_nothing_is_sent_unless_wanted() -> None:
    """No SeiParams: pictures stay as they are."""
    assert Stream(spec(None)).run(60).sent == []


def test_seating_is_told_with_the_first_picture_and_every_second() -> None:
    """The default interval; payload type 5."""
    stream = Stream(spec(LAYOUT)).run(80)
    assert stream.times() == [0, 1000, 2000, 3000]
    assert {kind for _, kind, _ in stream.sent} == {5}


def test_an_interval_that_is_no_multiple_of_ticks_does_not_drift() -> None:
    """1010 ms at 25 pictures a second: after 50 s there were 50."""
    stream = Stream(spec(SeiSpec(layout_volume=SeiRhythm(1010)))).run(25 * 50)
    assert len(stream.times()) == 50


def test_every_key_frame_has_one_if_so_wished() -> None:
    """FollowIdr, besides the interval."""
    follows = SeiSpec(layout_volume=SeiRhythm(3000, follow_idr=True))
    assert Stream(spec(follows)).run(160).times() == [0, 2000, 3000, 4000, 6000]
    assert Stream(spec(SeiSpec(layout_volume=SeiRhythm(3000)))).run(160).times() == [0, 3000, 6000]


def test_a_change_of_seating_is_told_at_once() -> None:
    """With the first picture of the new scene, besides the interval."""
    stream = Stream(spec(LAYOUT)).run(10, LEFT).run(30, RIGHT)
    assert stream.times() == [0, 400, 1000]
    panes = [said["stream"][0]["paneid"] for _, _, said in stream.sent]  # type: ignore[index]
    assert panes == [0, 1, 1]


def test_the_callers_text_has_a_message_and_a_rhythm_of_its_own() -> None:
    """callbacks.md 6.4, with the payload type of the task."""
    text = SeiText("hello", rhythm=SeiRhythm(1500))
    stream = Stream(spec(SeiSpec(100, SeiRhythm(), text))).run(80)
    assert stream.times("udd") == [0, 1520, 3000]
    assert stream.times("stream") == [0, 1000, 2000, 3000]
    assert {kind for _, kind, _ in stream.sent} == {100}


def test_a_changed_text_is_sent_at_once_and_an_unchanged_one_keeps_its_rhythm() -> None:
    """UpdateLiveMPUTask with SeiParams."""
    stream = Stream(spec(SeiSpec(pass_through=SeiText("one")))).run(10)
    stream.messages.plan(spec(SeiSpec(pass_through=SeiText("one"))))
    stream.run(10)
    stream.messages.plan(spec(SeiSpec(pass_through=SeiText("two"))))
    stream.run(10)
    assert [(at, said) for at, _, said in stream.sent] == [(0, {"udd": "one"}), (800, {"udd": "two"})]


def test_vad_is_told_in_classic_tasks_with_report_vad_only() -> None:
    """callbacks.md 6.2."""
    tasks = (spec(LAYOUT), spec(LAYOUT, Family.CLASSIC), spec(LAYOUT, Family.CLASSIC, report_vad=True))
    told = [Stream(task).run(1).sent[0][2]["stream"][0] for task in tasks]  # type: ignore[index]
    assert [(one["vol"], one["vad"]) for one in told] == [(200, 150), (200, 0), (200, 150)]
