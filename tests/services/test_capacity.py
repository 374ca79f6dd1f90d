"""Capacity: what is measured, booked and learned, and whom it turns away."""

import pytest

from openmpu.errors import Busy
from openmpu.model.encoder import VideoProfile
from openmpu.model.ids import AppId, ChannelId, TaskId
from openmpu.model.reports import WorkerReport
from openmpu.model.task import Mode, TaskSpec, TaskState
from openmpu.services.capacity import SECOND, SETTLED_AFTER, Capacity
from openmpu.services.ports import TaskRecord

HD = VideoProfile(1280, 720, 25, 1130, 50)
HD_CORES = 1.28 * 0.72 * 25 * 0.024


class Machine:
    """A machine of two cores, as busy as it is told."""

    cores = 2.0

    def __init__(self):
        self.busy = 0.0

    def busy_cores(self):
        return self.busy


def mix(name="m", video=HD):
    return TaskSpec(AppId("app"), ChannelId("room"), TaskId(name), video=video)


def relay(name="r"):
    return TaskSpec(AppId("app"), ChannelId("room"), TaskId(name), mode=Mode.RELAY)


def record(spec, state=TaskState.RUNNING):
    return TaskRecord(spec, "me", state, 0)


def run(capacity, records, cores, seconds):
    """So many seconds in which every worker uses so many cores; the time at the end."""
    for second in range(seconds + 1):
        told = {entry.spec.key: WorkerReport(entry.spec.key, 1, figures={"cpu_seconds": second * cores})
                for entry in records}  # fmt: skip
        capacity.measure(records, told.get, second * SECOND)
    return seconds * SECOND


def test_what_was_just_accepted_is_booked():
    """On an idle machine starts in the same second are counted by what they will use."""
    capacity = Capacity(Machine(), share=0.9)
    taken = [record(mix(f"m{number}"), TaskState.WAITING) for number in range(int(1.8 / HD_CORES))]

    capacity.check(mix("last"), taken[1:], now=0)
    with pytest.raises(Busy):
        capacity.check(mix("one too many"), taken, now=0)


def test_a_busy_machine_takes_no_more():
    """Whoever makes it busy: measured is measured."""
    machine = Machine()
    machine.busy = 1.7
    capacity = Capacity(machine, share=0.9)
    running = [record(relay())]
    now = run(capacity, running, cores=0.02, seconds=30)

    with pytest.raises(Busy, match=r"limits\.max_load"):
        capacity.check(mix(), running, now)
    capacity.check(relay("other"), running, now)


def test_a_single_peak_turns_nobody_away():
    """The median of some seconds counts."""
    machine = Machine()
    capacity = Capacity(machine, share=0.9)
    for second, machine.busy in enumerate((0.2, 0.2, 0.2, 0.2, 2.0)):
        capacity.measure([], {}.get, second * SECOND)

    capacity.check(mix(), [record(relay())], 4 * SECOND)


def test_the_first_task_is_always_taken():
    """Nobody is there to be hurt."""
    machine = Machine()
    machine.busy = 2.0
    capacity = Capacity(machine, share=0.9)
    run(capacity, [], 0, seconds=10)

    capacity.check(mix(), [], 10 * SECOND)


def test_no_share_takes_all():
    """The setting at its default."""
    machine = Machine()
    machine.busy = 2.0
    capacity = Capacity(machine, share=0)
    running = [record(mix(str(number))) for number in range(50)]
    run(capacity, running, 0.5, seconds=10)

    capacity.check(mix(), running, 10 * SECOND)


def test_a_settled_worker_counts_with_what_it_uses():
    """Five mixes that use little leave room for many more."""
    capacity = Capacity(Machine(), share=0.9)
    running = [record(mix(str(number))) for number in range(5)]

    with pytest.raises(Busy):
        capacity.check(mix(), running, now=0)
    capacity.check(mix(), running, run(capacity, running, cores=0.05, seconds=30))


def test_a_waiting_task_stays_booked():
    """Its people may come at any moment."""
    capacity = Capacity(Machine(), share=0.9)
    waiting = [record(mix(str(number)), TaskState.WAITING) for number in range(3)]
    now = run(capacity, waiting, cores=0.01, seconds=30)

    with pytest.raises(Busy):
        capacity.check(mix(), waiting, now)


@pytest.mark.parametrize(("cores", "way"), [(0.1, -1), (1.5, 1)])
def test_what_a_mix_costs_is_learned(cores, way):
    """Expectations move towards what settled workers use, by size of picture."""
    capacity = Capacity(Machine(), share=0.9)
    small = mix(video=VideoProfile(640, 360, 15, 400, 30))
    before = capacity.expected(small)
    run(capacity, [record(mix())], cores, seconds=300)

    after = capacity.expected(small)
    assert (after - before) * way > 0
    assert capacity.expected(mix()) == pytest.approx(cores, rel=0.05)
    assert after == pytest.approx(cores * (640 * 360 * 15) / (1280 * 720 * 25), rel=0.05)


def test_the_first_seconds_teach_nothing():
    """Loading and the first key frames are no measure."""
    capacity = Capacity(Machine(), share=0.9)
    before = capacity.expected(mix())
    run(capacity, [record(mix())], 2.0, seconds=SETTLED_AFTER // SECOND - 6)

    assert capacity.expected(mix()) == before


def test_relays_are_learned_apart():
    """A relay costs next to nothing and says nothing about mixes."""
    capacity = Capacity(Machine(), share=0.9)
    before = capacity.expected(mix())
    run(capacity, [record(relay())], 0.01, seconds=300)

    assert capacity.expected(mix()) == before
    assert capacity.expected(relay()) == pytest.approx(0.01, rel=0.1)


def test_a_restarted_worker_begins_anew():
    """Its CPU time starts at zero: no negative cores, no expectation from it."""
    capacity = Capacity(Machine(), share=0.9)
    entry = record(mix())
    before = capacity.expected(mix())
    for second in range(60):
        told = WorkerReport(entry.spec.key, second, figures={"cpu_seconds": 50.0 - second})
        capacity.measure([entry], {entry.spec.key: told}.get, second * SECOND)

    assert capacity.expected(mix()) == before
