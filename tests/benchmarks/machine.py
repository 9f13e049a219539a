"""How fast the machine is, and whether it did anything else: figures of two runs compare only with that beside them."""

import hashlib
import time
from dataclasses import dataclass

import psutil

_BLOCK = bytes(1 << 20)
_SECONDS = 0.5
_BUSY_PERCENT = 10


@dataclass(frozen=True)
class Machine:
    """*megabytes_per_second* of SHA-256 on one core, and which share of all cores was busy before that, in percent."""

    megabytes_per_second: float
    busy_percent: float

    def __str__(self) -> str:
        state = "idle" if self.busy_percent <= _BUSY_PERCENT else "BUSY: do not compare these figures"
        speed = f"{self.megabytes_per_second:,.0f} MB/s of SHA-256 a core"
        return f"machine: {speed}, {self.busy_percent:.0f} % busy ({state})"


def machine() -> Machine:
    """What the machine is like now. Takes a second and a half; nothing of the benchmark may run meanwhile."""
    busy = psutil.cpu_percent(interval=1)
    started, blocks = time.perf_counter(), 0
    while time.perf_counter() - started < _SECONDS:
        hashlib.sha256(_BLOCK).digest()
        blocks += 1
    return Machine(blocks * len(_BLOCK) / 1e6 / (time.perf_counter() - started), busy)


def cpu_seconds(process_id: int) -> float:
    """The processor time that a process has used so far, user and system."""
    times = psutil.Process(process_id).cpu_times()
    return times.user + times.system
