"""The stack as an object: start it, use it, break a part of it, stop it. The command line and the tests both do.

with LocalStack(directory, port_base=39400, services=INFRASTRUCTURE) as stack:
subprocess.run([...], env=os.environ | stack.environment())
stack.kill("kafka")
stack.start_service("kafka")
"""

import os
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from deploy.local.console import Reporter
from deploy.local.errors import StackError
from deploy.local.layout import DEFAULT_PORT_BASE, REPOSITORY, Layout, Ports
from deploy.local.stack import ports
from deploy.local.stack.keys import load_or_create
from deploy.local.stack.processes import Child
from deploy.local.stack.services import INFRASTRUCTURE, SERVICES, Programs, Service, fetch_programs
from deploy.local.stack.state import DirectoryLock, StackState, write_state

__all__ = ["INFRASTRUCTURE", "LocalStack"]

_POLL_SECONDS = 0.1


class LocalStack:
    """The services named in *services*, over one data directory, which this object locks while it is started.

    What a service comes after is left out where it was not chosen: the caller then answers for it. *on_wait* is called
    again and again while something is waited for; what it raises ends the wait. *make_child* is called as `Child` is.
    Not safe for use by several threads at once; children end with the thread that started them.
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        port_base: int = DEFAULT_PORT_BASE,
        services: Collection[str] = tuple(SERVICES),
        reporter: Reporter | None = None,
        on_wait: Callable[[], None] = lambda: None,
        make_child: Callable[..., Child] = Child,
    ) -> None:
        self.layout = Layout(data_dir.absolute(), Ports.from_base(port_base))
        self._services = [service for name, service in SERVICES.items() if name in services]
        self._reporter = reporter or Reporter()
        self._on_wait = on_wait
        self._make_child = make_child
        self._port_base = port_base
        self._lock = DirectoryLock(self.layout)
        self._programs: Programs | None = None
        self._children: dict[str, Child] = {}

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def environment(self) -> dict[str, str]:
        """The settings that worker, query API and producers of this stack read, secrets included."""
        return self.layout.environment(load_or_create(self.layout.secrets_file))

    def start(self) -> None:
        """Start everything and return when it is ready. Raises `StackError`; then nothing is left running."""
        self._lock.acquire()
        try:
            # A stack that was killed left its own, and until ours is written nobody must take that for it.
            self.layout.state_file.unlink(missing_ok=True)
            wanted = {port for service in self._services for port in service.ports}
            ports.require_free(self.layout.ports, wanted)
            with self._reporter.downloads():
                self._programs = fetch_programs(self._download)
            self._start_all(self._services)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop everything in the reverse order of its start, each within its time. Does nothing where nothing runs."""
        for name in reversed(SERVICES):
            self.stop_service(name)
        if self._lock.is_held:
            self.layout.state_file.unlink(missing_ok=True)
            self._lock.release()

    def start_service(self, name: str) -> None:
        """Start one service and return when it is ready. Raises `StackError`."""
        self._start_all([SERVICES[name]])

    def stop_service(self, name: str) -> None:
        """Stop one service in order, or by SIGKILL when its time is over."""
        child = self._children.get(name)
        if child is not None and child.is_running():
            with self._reporter.waiting(f"stopping {name}"):
                if not child.stop(SERVICES[name].stop_seconds):
                    self._reporter.line(f"{name} did not stop in {SERVICES[name].stop_seconds:.0f} s and was killed")

    def kill(self, name: str) -> None:
        """SIGKILL to one service, as a crash or the kernel would."""
        self._children[name].kill()

    def restart(self, name: str) -> None:
        """Stop one service, start it, and return when it is ready."""
        self.stop_service(name)
        self.start_service(name)

    def spawn(self, name: str) -> None:
        """Start one service without waiting for it."""
        self._launch(SERVICES[name])
        self._write_state(ready=True)

    def child(self, name: str) -> Child:
        """The process of a service that was started."""
        return self._children[name]

    def is_ready(self, name: str) -> bool:
        """Whether a service does its work now."""
        is_ready, child = SERVICES[name].is_ready, self._children[name]
        return is_ready is not None and child.is_running() and is_ready(self.layout, child)

    def dead(self) -> list[str]:
        """The services that were started, should still run, and do not."""
        return [name for name, child in self._children.items() if SERVICES[name].is_lasting and not child.is_running()]

    def _start_all(self, services: Collection[Service]) -> None:
        """Start each of *services* once what it comes after is ready, and return when all are."""
        waiting = {service.name: service for service in services}
        launched: dict[str, float] = {}
        while waiting:
            for service in waiting.values():
                if service.name not in launched and waiting.keys().isdisjoint(service.after):
                    self._launch(service)
                    launched[service.name] = time.monotonic()
                    self._write_state(ready=False)
            with self._reporter.waiting("waiting for " + ", ".join(name for name in launched if name in waiting)):
                name = self._await_one({name: at for name, at in launched.items() if name in waiting})
            seconds = time.monotonic() - launched[name]
            self._reporter.line(f"{name} is {'ready' if waiting[name].is_lasting else 'done'} after {seconds:.1f} s")
            del waiting[name]
        self._write_state(ready=True)

    def _await_one(self, launched: dict[str, float]) -> str:
        """The first of the services *launched*, each with the time of its start, that is ready."""
        while True:
            for name, launched_at in launched.items():
                service, child = SERVICES[name], self._children[name]
                exit_code = child.exit_code()
                if exit_code == 0 and not service.is_lasting:
                    return name
                if exit_code is not None:
                    raise _failure(name, f"ended with code {exit_code} while it started", child)
                if service.is_ready is not None and service.is_ready(self.layout, child):
                    return name
                if time.monotonic() > launched_at + service.start_seconds:
                    raise _failure(name, f"was not ready after {service.start_seconds:.0f} s", child)
            self._on_wait()
            time.sleep(_POLL_SECONDS)

    def _launch(self, service: Service) -> None:
        programs = self._programs or fetch_programs(self._download)
        service.prepare(self.layout, programs)
        environment = {**self.environment(), **service.environment(self.layout)}
        command = service.command(self.layout, programs)
        child = self._make_child(command, environment, self.layout.log_of(service.name), cwd=REPOSITORY)
        child.start()
        self._children[service.name] = child

    @contextmanager
    def _download(self, name: str, size_bytes: int) -> Iterator[Callable[[int], None]]:
        with self._reporter.download(name, size_bytes) as advance:

            def step(chunk_bytes: int) -> None:
                self._on_wait()
                advance(chunk_bytes)

            yield step

    def _write_state(self, *, ready: bool) -> None:
        lasting = {name: child for name, child in self._children.items() if SERVICES[name].is_lasting}
        pids = {name: child.pid for name, child in lasting.items() if child.pid is not None}
        write_state(self.layout, StackState(os.getpid(), ready, self._port_base, self.layout.endpoints(), pids))


def _failure(name: str, what: str, child: Child) -> StackError:
    indented = "\n".join(f"  | {line}" for line in child.last_words())
    return StackError(f"{name} {what}. The end of its log:\n{indented}\nThe rest is in {child.log}")
