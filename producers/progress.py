"""How far a long run is: a bar on a terminal, a plain line every ten seconds elsewhere, both on stderr."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as RichProgress

_LINE_EVERY_SECONDS = 10.0
_BAR_EVERY_SECONDS = 0.2


class Progress:
    """Reports phases to *console*, whose kind decides the form."""

    def __init__(self, console: Console, *, now: Callable[[], float] = time.monotonic) -> None:
        self._console = console
        self._now = now

    @contextmanager
    def phase(self, name: str, total: int | None = None) -> Iterator[Callable[[], None]]:
        """A phase of *total* steps, if that is known. Call what it yields at every step: that is cheap."""
        if not self._console.is_terminal:
            yield self._stepper(_LINE_EVERY_SECONDS, lambda done: self._print_line(name, done, total))
            return
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with RichProgress(*columns, console=self._console, transient=True) as bar:
            task = bar.add_task(name, total=total)
            yield self._stepper(_BAR_EVERY_SECONDS, lambda done: bar.update(task, completed=done))

    def _stepper(self, every_seconds: float, report: Callable[[int], None]) -> Callable[[], None]:
        done, reported_at = 0, self._now()

        def step() -> None:
            nonlocal done, reported_at
            done += 1
            now = self._now()
            if now - reported_at >= every_seconds:
                reported_at = now
                report(done)

        return step

    def _print_line(self, name: str, done: int, total: int | None) -> None:
        self._console.print(f"{name}: {done}" if total is None else f"{name}: {done} of {total}", highlight=False)
