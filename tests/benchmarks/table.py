"""What a benchmark prints at its end: one Markdown table, whose rows `RESULTS.md` takes as they are."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from tests.benchmarks.machine import Watch

HEAD = "| what | figure | peer (same run) | target | met | run |\n| -- | -- | -- | -- | -- | -- |"


@dataclass(frozen=True, slots=True)
class Row:
    """One figure. Without a *target*, *is_met* means nothing."""

    what: str
    figure: str
    peer: str = ""
    target: str = ""
    is_met: bool = True

    def line(self, run: str) -> str:
        """The row of a table, with the *run* that it is of."""
        met = "" if not self.target else "yes" if self.is_met else "**missed**"
        return f"| {self.what} | {self.figure} | {self.peer} | {self.target} | {met} | {run} |"


def at_most(what: str, value: float, limit: float, unit: str, *, peer: str = "") -> Row:
    """A figure that is good when it is small."""
    return Row(what, f"{shown(value)} {unit}", peer, f"≤ {limit:,}", value <= limit)


def at_least(what: str, value: float, limit: float, unit: str, *, peer: str = "") -> Row:
    """A figure that is good when it is large."""
    return Row(what, f"{shown(value)} {unit}", peer, f"≥ {limit:,}", value >= limit)


def shown(value: float) -> str:
    """Three digits that say something."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.2f}" if value < 10 else f"{value:.1f}"


def table(rows: Iterable[Row], watch: Watch, *facts: str) -> str:
    """The machine, *facts* of the run, and its rows: first those that miss their target, last those without one."""
    ordered = sorted(rows, key=lambda row: (not row.target, row.is_met))
    run = f"{datetime.now(UTC):%Y-%m-%d} {watch.commit}{', busy' if watch.is_busy else ''}"
    return "\n".join(["", "; ".join([f"{watch}", *facts]), "", HEAD, *(row.line(run) for row in ordered)])
