"""What a benchmark prints at its end: one Markdown table, whose rows `RESULTS.md` takes as they are."""

import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from deploy.local.layout import REPOSITORY

HEAD = "| what | figure | peer (same run) | target | met |\n| -- | -- | -- | -- | -- |"


@dataclass(frozen=True, slots=True)
class Row:
    """One figure. Without a *target*, *is_met* means nothing."""

    what: str
    figure: str
    peer: str = ""
    target: str = ""
    is_met: bool = True

    def __str__(self) -> str:
        met = "" if not self.target else "yes" if self.is_met else "**missed**"
        return f"| {self.what} | {self.figure} | {self.peer} | {self.target} | {met} |"


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


def table(rows: Iterable[Row], *facts: str) -> str:
    """Date, commit and *facts* of the run, and its rows: first those that miss their target, last those without one."""
    ordered = sorted(rows, key=lambda row: (not row.target, row.is_met))
    return "\n".join(["", "; ".join([_now(), *facts]), "", HEAD, *map(str, ordered)])


def _now() -> str:
    described = ["git", "describe", "--always", "--dirty", "--exclude=*"]
    commit = subprocess.run(described, cwd=REPOSITORY, capture_output=True, text=True, check=False).stdout.strip()
    return f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, commit {commit or 'unknown'}"
