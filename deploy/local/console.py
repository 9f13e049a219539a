"""What the person at the terminal sees: moving progress on a terminal, one plain line for each event elsewhere."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

_MEGABYTE = 1_000_000
"""Also the size from which a download is worth a line of its own."""


class Reporter:
    """Says what happens. Safe to use from several threads."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(soft_wrap=True, highlight=False)
        self._progress: Progress | None = None

    def line(self, text: str) -> None:
        """One line of its own; *text* is printed as it is."""
        self.console.print(text, markup=False)

    @contextmanager
    def waiting(self, text: str) -> Iterator[None]:
        """Say what is being waited for, for as long as the block runs."""
        if self.console.is_terminal:
            with self.console.status(text, spinner="dots"):
                yield
        else:
            self.line(f"{text} …")
            yield

    @contextmanager
    def downloads(self) -> Iterator[None]:
        """Show the downloads of the block, each with its size."""
        if not self.console.is_terminal:
            yield
            return
        columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
        with Progress(*columns, console=self.console, transient=True) as progress:
            self._progress = progress
            yield
        self._progress = None

    @contextmanager
    def download(self, name: str, size_bytes: int) -> Iterator[Callable[[int], None]]:
        """Show one download; the block calls what it gets with the size of each chunk."""
        progress, is_large = self._progress, size_bytes >= _MEGABYTE
        if progress is None:
            if is_large:
                self.line(f"downloading {name} ({size_bytes / _MEGABYTE:.1f} MB)")
            yield lambda _chunk_bytes: None
            return
        task = progress.add_task(name, total=size_bytes)
        yield lambda chunk_bytes: progress.advance(task, chunk_bytes)
        progress.remove_task(task)
        if is_large:
            self.line(f"downloaded {name} ({size_bytes / _MEGABYTE:.1f} MB)")
