"""The worker's three pages: liveness, readiness and metrics."""

from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST

from stream.health.observer import Observer
from stream.health.watchdog import Ok, Stuck, Unassigned, Verdict, WaitingOut

_UNAVAILABLE = 503
_OK = 200


def report(observer: Observer, verdict: Verdict) -> dict[str, Any]:
    """How the worker is, in figures. Nothing in it comes from an event."""
    progress = observer.progress
    answer: dict[str, Any] = {
        "status": {Ok: "ok", WaitingOut: "waiting", Unassigned: "unassigned", Stuck: "stuck"}[type(verdict)],
        "outages": [{"what": what, "seconds": round(for_)} for what, for_ in sorted(progress.outages().items())],
        "lag_records": progress.lag,
        "oldest_unfinished_seconds": round(progress.oldest_unfinished_seconds(), 3),
        "last_commit_seconds": round(progress.last_commit_seconds(), 3),
        "assigned_partitions": progress.assigned_partitions,
    }
    if isinstance(verdict, Stuck):
        answer["seen"] = verdict.what
    return answer


def pages(observer: Observer, look: Callable[[], Verdict]) -> web.Application:
    """The pages. *look* judges the worker.

    `/healthz` is red only where a restart helps: the worker is stuck. `/readyz` is also red while the worker waits out
    an outage, or holds no partition of a topic that has records to do. Both tell why.
    """

    async def healthz(_: web.Request) -> web.Response:
        verdict = look()
        return web.json_response(report(observer, verdict), status=_UNAVAILABLE if isinstance(verdict, Stuck) else _OK)

    async def readyz(_: web.Request) -> web.Response:
        verdict = look()
        return web.json_response(report(observer, verdict), status=_OK if isinstance(verdict, Ok) else _UNAVAILABLE)

    async def metrics(_: web.Request) -> web.Response:
        return web.Response(body=observer.metrics.text(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    application = web.Application()
    handlers: dict[str, Callable[[web.Request], Awaitable[web.Response]]] = {
        "/healthz": healthz,
        "/readyz": readyz,
        "/metrics": metrics,
    }
    for path, handler in handlers.items():
        application.router.add_get(path, handler)
    return application


async def serve(application: web.Application, host: str, port: int) -> web.AppRunner:
    """Serve *application*; the answer's `cleanup` ends it. Raises `OSError` where the port is taken."""
    # No access log: probes come every few seconds.
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    await web.TCPSite(runner, host, port).start()
    return runner
