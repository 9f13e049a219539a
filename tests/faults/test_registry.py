"""The schema registry answers, and is wrong: T31, T32."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from schemas.avro_schemas import current_event_schema_text
from schemas.codec import encode
from schemas.wire import frame
from tests.faults.conftest import StartTrial
from tests.faults.workers import wait_until

KNOWN, NEW, ODD = 7, 8, 9
SCHEMA = (200, {"schema": current_event_schema_text()})
NOT_FOUND = (404, {"error_code": 40403, "message": "Schema not found"})
NOT_A_PATH = (404, {"error_code": 404, "message": "HTTP 404 Not Found"})

Answers = dict[int, tuple[int, object]]


def test_t31_a_registry_node_that_lags_behind_makes_no_dead_letters(start_trial: StartTrial) -> None:
    """T31: a producer's new schema comes to the worker before it comes to the registry's node."""
    trial = start_trial(partitions=2)
    asked: list[int] = []
    answers: Answers = {KNOWN: SCHEMA, NEW: NOT_FOUND}
    with registry(answers, asked.append) as url:
        # No machine is so slow that the denials are believed.
        worker = trial.worker("--believed-after-seconds", "600", SCHEMA_REGISTRY_URL=url).start()
        events = [trial.source.next() for _ in range(6)]
        values = [encode(event, now=event.occurred_at) for event in events]
        trial.publish_raw([frame(NEW, value) for value in values[:5]], partition=0)
        wait_until(lambda: asked.count(NEW) >= 3, what="a few denials")
        trial.publish_raw([frame(KNOWN, values[5])], partition=1)
        trial.wait_until_stored(1)
        answers[NEW] = SCHEMA
        for event in events:
            trial.ledger.acknowledge(event)
        trial.check()
    assert trial.dead_letters() == {}
    assert worker.is_running()


def test_t32_an_id_that_the_registry_cannot_read_makes_dead_letters_and_stops_nothing(start_trial: StartTrial) -> None:
    """T32: one above all that a registry gives, and one that this registry answers as if there were no such page."""
    trial = start_trial(partitions=1)
    with registry({KNOWN: SCHEMA, ODD: NOT_A_PATH}, lambda _: None) as url:
        worker = trial.worker(SCHEMA_REGISTRY_URL=url).start()
        event = trial.source.next()
        values: list[bytes | None] = [b"\x00\xff\xff\xff\xffx", frame(ODD, b"datum")]
        bad = trial.publish_raw(values)
        trial.publish_raw([frame(KNOWN, encode(event, now=event.occurred_at))])
        trial.ledger.acknowledge(event)
        trial.check()
    assert trial.dead_letters() == {(0, offset): "unknown_schema_id" for offset in bad}
    assert worker.is_running()


@contextmanager
def registry(answers: Answers, asked: Callable[[int], object]) -> Iterator[str]:
    """The address of a registry that has *answers* for ids, and whose newest version of the event is `KNOWN`."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = 200, {"id": KNOWN}
            if "/schemas/ids/" in self.path:
                schema_id = int(self.path.rpartition("/")[2])
                asked(schema_id)
                status, body = answers.get(schema_id, NOT_FOUND)  # type: ignore[assignment]
            content = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
