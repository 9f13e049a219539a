"""How far a long run is: a bar on a terminal, a line every ten seconds elsewhere, both on stderr; or JSON lines."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as RichProgress

_LINE_EVERY_SECONDS = 10.0
_BAR_EVERY_SECONDS = 0.2

Step = Callable[[int], None]


class Progress:
    """Reports phases to *console*, whose kind decides the form, or to *write_json*, one object a line."""

    def __init__(
        self,
        console: Console,
        *,
        now: Callable[[], float] = time.monotonic,
        write_json: Callable[[str], None] | None = None,
    ) -> None:
        self._console = console
        self._now = now
        self._write_json = write_json
        self.rejected: Callable[[], int] = lambda: 0

    @contextmanager
    def phase(self, name: str, total: int | None = None) -> Iterator[Step]:
        """A phase of *total* steps, if that is known. Call what it yields with the steps done since: that is cheap."""
        if self._write_json is not None or not self._console.is_terminal:
            yield self._stepper(_LINE_EVERY_SECONDS, lambda done, rate: self._print_line(name, done, total, rate))
            return
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]:,.0f}/s, {task.fields[rejected]} rejected"),
            TimeRemainingColumn(),
        )
        with RichProgress(*columns, console=self._console, transient=True) as bar:
            task = bar.add_task(name, total=total, rate=0.0, rejected=0)
            yield self._stepper(
                _BAR_EVERY_SECONDS,
                lambda done, rate: bar.update(task, completed=done, rate=rate, rejected=self.rejected()),
            )

    def _stepper(self, every_seconds: float, report: Callable[[int, float], None]) -> Step:
        done, started_at = 0, self._now()
        reported_at = started_at

        def step(count: int = 1) -> None:
            nonlocal done, reported_at
            done += count
            now = self._now()
            if now - reported_at >= every_seconds:
                reported_at = now
                report(done, done / (now - started_at))

        return step

    def _print_line(self, name: str, done: int, total: int | None, rate: float) -> None:
        if self._write_json is not None:
            line = {"type": "progress", "phase": name, "done": done, "total": total, "rate": round(rate)}
            self._write_json(json.dumps({**line, "rejected": self.rejected()}))
            return
        text = f"{name}: {done}" if total is None else f"{name}: {done} of {total}"
        self._console.print(f"{text}, {rate:,.0f}/s, {self.rejected()} rejected", highlight=False)
