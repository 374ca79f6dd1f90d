"""The figures that rule tasks (operations.md 2), and which of them hold for one task."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from openmpu.errors import Limited
from openmpu.model.task import Family, Mode, TaskSpec
from openmpu.services.ports import Quota

SECOND = 10**9
HOUR = 3600 * SECOND
DAY = 24 * HOUR


@dataclass(frozen=True, slots=True)
class TaskLimits:
    """Quotas and times of tasks; named like the settings."""

    tasks_per_account: int = 20
    live_relays_per_app: int = 200
    live_mixes_per_app: int = 40
    idle_s: float = 120
    waiting_days: float = 30
    finished_kept_h: float = 24
    url_cooling_s: float = 10
    deliveries_kept_days: float = 7
    most_deliveries: int = 500_000
    """Rows of the delivery log of all apps together: a flapping target must not fill the disk."""
    relays_per_domain: int = 0
    """Tasks that push to one host, over all accounts: a limit of the receiving service; 0: none."""
    mixes_per_domain: int = 0

    @property
    def counts_domains(self) -> bool:
        """Whether tasks are counted by the hosts that they push to."""
        return bool(self.relays_per_domain or self.mixes_per_domain)

    @property
    def idle(self) -> int:
        """Nanoseconds that a task goes on after the last participant left."""
        return round(self.idle_s * SECOND)

    @property
    def waiting(self) -> int:
        """Nanoseconds that a task waits for its channel to begin."""
        return round(self.waiting_days * DAY)

    @property
    def kept(self) -> int:
        """Nanoseconds for which the state of a finished task can be read."""
        return round(self.finished_kept_h * HOUR)

    @property
    def cooling(self) -> int:
        """Nanoseconds for which a URL rests after its task ended."""
        return round(self.url_cooling_s * SECOND)

    @property
    def deliveries_kept(self) -> int:
        """Nanoseconds for which attempts of delivery can be read."""
        return round(self.deliveries_kept_days * DAY)


def quota_of(spec: TaskSpec, account: str, limits: TaskLimits) -> Quota:
    """The quota that a new task of this spec counts against (operations.md 2.5)."""
    if spec.family is Family.CLASSIC:
        return Quota(limits.tasks_per_account, Family.CLASSIC, account=account)
    most = limits.live_relays_per_app if spec.mode is Mode.RELAY else limits.live_mixes_per_app
    return Quota(most, Family.LIVE, app_id=spec.app_id, mode=spec.mode)


def check_domains(spec: TaskSpec, others: Iterable[TaskSpec], limits: TaskLimits) -> None:
    """Whether one more task may push to the hosts of `spec` (operations.md 2.5; off by default).

    Raises:
        Limited: `ingest_domain`.
    """
    most = limits.relays_per_domain if spec.mode is Mode.RELAY else limits.mixes_per_domain
    if not most:
        return
    counts = Counter(host for other in others if other.mode is spec.mode for host in _hosts(other))
    for host in sorted(_hosts(spec)):
        if counts[host] >= most:
            raise Limited("ingest_domain", f"{most} tasks of this kind push to {host} already")


def _hosts(spec: TaskSpec) -> set[str]:
    return {target.host for target in spec.targets}
