"""One parent process that keeps the stack up until it is told to stop, and leaves nothing behind."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from deploy.local.console import Reporter
from deploy.local.errors import StackError
from deploy.local.layout import REPOSITORY
from deploy.local.stack.processes import Child, die_with_parent
from deploy.local.stack.services import SERVICES
from deploy.local.stack.stack import LocalStack

_POLL_SECONDS = 0.2
_FIRST_DELAY_SECONDS = 1.0
_LONGEST_DELAY_SECONDS = 30.0
_STEADY_SECONDS = 60.0
_TAIL_LINES = 8


class Stopped(Exception):
    """Someone asked this process to end."""


class Supervisor:
    """Runs the whole stack over one data directory until a signal asks it to stop."""

    def __init__(self, data_dir: Path, *, port_base: int, reporter: Reporter) -> None:
        self._reporter = reporter
        self._stack = LocalStack(data_dir, port_base=port_base, reporter=reporter, on_wait=self._check)
        self._revivals = {name: Revival() for name, service in SERVICES.items() if service.is_lasting}
        self._demo: subprocess.Popen[bytes] | None = None
        self._is_asked_to_stop = False

    def run(self, *, with_demo: bool) -> bool:
        """Start, do the demo's job if asked, watch; returns after an orderly stop. Raises `StackError`.

        Returns whether everything was ready before it was asked to stop.
        """
        was_ready = False
        with self._listening():
            try:
                self._stack.start()
                was_ready = True
                self._announce()
                if with_demo:
                    self._demo = start_demo(self._stack.layout.data_dir)
                while True:
                    self._check()
                    self._watch_demo()
                    self._watch_services()
                    time.sleep(_POLL_SECONDS)
            except Stopped:
                self._reporter.line("stopping; the data is kept")
            finally:
                # From here on signals are noted and ignored: a second Ctrl-C must not leave processes behind.
                if self._demo is not None:
                    self._demo.kill()
                    self._demo.wait()
                self._stack.stop()
        return was_ready

    @contextmanager
    def _listening(self) -> Iterator[None]:
        """Note signals instead of raising from them: an exception between two lines could lose a child."""

        def note(_number: int, _frame: FrameType | None) -> None:
            self._is_asked_to_stop = True

        previous = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
        try:
            yield
        finally:
            for number, handler in previous.items():
                signal.signal(number, handler)

    def _check(self) -> None:
        if self._is_asked_to_stop:
            raise Stopped

    def _announce(self) -> None:
        for name, address in self._stack.layout.endpoints().items():
            self._reporter.line(f"  {name:16} {address}")
        self._reporter.line(f"  {'logs':16} {self._stack.layout.logs}")

    def _watch_demo(self) -> None:
        if self._demo is None or self._demo.poll() is None:
            return
        code, self._demo = self._demo.returncode, None
        if code:
            raise StackError(f"the demo ended with code {code}; the services' logs are in {self._stack.layout.logs}")
        self._reporter.line("The stack stays up. Ctrl-C ends it and keeps the data.")

    def _watch_services(self) -> None:
        """Restart what died, later each time it dies soon: a crash is survived, a crash loop costs little."""
        for name, revival in self._revivals.items():
            child = self._stack.child(name)
            if not child.is_running():
                if revival.due_at is None:
                    revival.plan(time.monotonic())
                    self._report_death(name, child, revival.delay_seconds)
                elif time.monotonic() >= revival.due_at:
                    self._stack.spawn(name)
                    revival.started(time.monotonic())
            elif revival.is_unconfirmed and self._stack.is_ready(name):
                revival.is_unconfirmed = False
                self._reporter.line(f"{name} is ready again")

    def _report_death(self, name: str, child: Child, delay_seconds: float) -> None:
        self._reporter.line(f"{name} ended with code {child.exit_code()}. The end of its log:")
        for line in child.last_words(_TAIL_LINES):
            self._reporter.line(f"  | {line}")
        self._reporter.line(f"The rest is in {child.log}. It starts again in {delay_seconds:.0f} s.")


class Revival:
    """When a service that died starts again: after a second, and twice as long each time it died soon after."""

    def __init__(self) -> None:
        self.delay_seconds = 0.0
        self.due_at: float | None = None
        self.is_unconfirmed = False
        self._started_at = 0.0

    def plan(self, now: float) -> None:
        """It has died: decide when it starts again. A service that ran for a minute counts as never having died."""
        ran_long = now - self._started_at > _STEADY_SECONDS
        longer = _FIRST_DELAY_SECONDS if ran_long else 2 * self.delay_seconds
        self.delay_seconds = min(max(longer, _FIRST_DELAY_SECONDS), _LONGEST_DELAY_SECONDS)
        self.due_at = now + self.delay_seconds

    def started(self, now: float) -> None:
        """It was started again."""
        self.due_at = None
        self.is_unconfirmed = True
        self._started_at = now


def start_demo(data_dir: Path) -> "subprocess.Popen[bytes]":
    """The demo, against the stack that runs in *data_dir*, writing to this process's terminal."""
    return subprocess.Popen(
        [sys.executable, "-m", "deploy.local.demo.demo", "--data-dir", str(data_dir)],
        cwd=REPOSITORY,
        stdin=subprocess.DEVNULL,
        # Ctrl-C is for the supervisor, which then ends the demo.
        process_group=0,
        preexec_fn=die_with_parent(),  # noqa: PLW1509 - see `deploy.local.stack.processes`
    )
