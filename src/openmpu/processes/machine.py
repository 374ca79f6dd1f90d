"""How busy the machine is, whoever uses it."""

from __future__ import annotations

import psutil


class ThisMachine:
    """Cores of the machine that may be used, and how many are in use."""

    @property
    def cores(self) -> float:
        """How many this process may run on: a container or an affinity mask counts."""
        return float(len(psutil.Process().cpu_affinity()))

    def busy_cores(self) -> float:
        """In use on average since this was asked last, by anybody; 0 the first time."""
        return psutil.cpu_percent(None) / 100 * (psutil.cpu_count() or 1)
