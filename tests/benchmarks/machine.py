"""How fast the machine is, and whether it did anything else: figures of two runs compare only with that beside them."""

import hashlib
import resource
import statistics
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import httpx
import psutil

from deploy.local.layout import REPOSITORY

_BLOCK = bytes(1 << 20)
_SECONDS = 0.5
_BUSY_PERCENT = 10
_ROUND_TRIPS = 50


@dataclass(frozen=True)
class Machine:
    """*megabytes_per_second* of SHA-256 on one core, and which share of all cores was busy before that, in percent."""

    megabytes_per_second: float
    busy_percent: float


@dataclass
class Watch:
    """What a run had beside it: complete once `watched` has ended. *others_percent* of all cores may be unknown."""

    before: Machine
    after: Machine | None = None
    others_percent: float | None = None
    commit: str = ""

    @property
    def is_busy(self) -> bool:
        """Whether others used so much that wall times do not compare."""
        looks = [self.before, self.after or self.before]
        return max(self.others_percent or 0, *(look.busy_percent for look in looks)) > _BUSY_PERCENT

    def __str__(self) -> str:
        speeds = " and ".join(f"{look.megabytes_per_second:,.0f}" for look in (self.before, self.after) if look)
        meanwhile = "" if self.others_percent is None else f", others used {self.others_percent:.0f} % of the cores"
        state = "**busy: wall times do not compare**" if self.is_busy else "idle"
        return f"machine of {psutil.cpu_count()} cores, {speeds} MB/s of SHA-256 each{meanwhile}: {state}"


@contextmanager
def watched(*, is_alone: bool = True) -> Iterator[Watch]:
    """Watch the machine before and after the block. *is_alone*: all that belongs to the run ends with the block.

    Then what the cores did beyond that was for others. Without it, as beside a stack that goes on, nobody can tell.
    """
    watch = Watch(machine(), commit=_commit())
    started, busy, own = time.perf_counter(), _busy_seconds(), _own_seconds()
    yield watch
    others = _busy_seconds() - busy - (_own_seconds() - own)
    if is_alone:
        cores = psutil.cpu_count() or 1
        watch.others_percent = max(0.0, 100 * others / (time.perf_counter() - started) / cores)
    watch.after = machine()


def machine() -> Machine:
    """What the machine is like now. Takes a second and a half; nothing of the benchmark may run meanwhile."""
    busy = psutil.cpu_percent(interval=1)
    # Processor time: what others do shows in *busy_percent* alone.
    started, blocks = time.process_time(), 0
    while time.process_time() - started < _SECONDS:
        hashlib.sha256(_BLOCK).digest()
        blocks += 1
    return Machine(blocks * len(_BLOCK) / 1e6 / (time.process_time() - started), busy)


def round_trip(clickhouse_url: str) -> str:
    """What `SELECT 1` takes over HTTP: the floor under every figure of a reader, and of a writer."""
    taken = []
    with httpx.Client(base_url=clickhouse_url) as client:
        for _ in range(_ROUND_TRIPS):
            started = time.perf_counter()
            client.get("/", params={"query": "SELECT 1"}).raise_for_status()
            taken.append((time.perf_counter() - started) * 1000)
    return f"`SELECT 1` {statistics.median(taken):.1f} ms"


def cpu_seconds(process_id: int) -> float:
    """The processor time that a process has used so far, user and system."""
    times = psutil.Process(process_id).cpu_times()
    return times.user + times.system


def _busy_seconds() -> float:
    times = psutil.cpu_times()
    return sum(times) - times.idle - getattr(times, "iowait", 0.0) - getattr(times, "guest", 0.0)


def _own_seconds() -> float:
    """This process's processor time, and that of all children that have ended."""
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def _commit() -> str:
    command = ["git", "describe", "--always", "--dirty", "--exclude=*"]
    return subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False).stdout.strip()
