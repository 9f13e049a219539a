"""The worker's commands, as an operator types them."""

import os
import subprocess
import sys
import time
from pathlib import Path

from deploy.local.stack.stack import LocalStack
from schemas.kafka_address import KafkaAddress
from schemas.topics import TOPICS, Topic
from stream.clients.topics import topic_differences
from tests.faults.trial import create_topic
from tests.faults.workers import READY_SECONDS, STOP_SECONDS
from tests.log_client import run_command, try_command

SCRIPT = str(Path(sys.executable).with_name("audit-stream"))


def test_migrating_and_creating_topics_again_changes_nothing(stack: LocalStack) -> None:
    assert run_command(stack, "audit-stream", "migrate") == "database audit is up to date\n"
    printed = run_command(stack, "audit-stream", "topics", "--replication-factor", "1")
    assert "created" not in printed
    assert "event schema v1 has id 1" in printed


def test_topics_without_the_replicas_of_production_are_named(stack: LocalStack) -> None:
    done = try_command(stack, "audit-stream", "topics")
    assert (done.returncode, done.stderr.splitlines()) == (
        1,
        [
            line
            for topic in TOPICS
            for line in (
                f"differs: {topic.name}: 1 replicas, declared 3",
                f"differs: {topic.name}: min.insync.replicas is 1, declared 2",
            )
        ],
    )


async def test_a_topic_that_is_otherwise_than_declared_is_told_in_words(stack_environment: dict[str, str]) -> None:
    kafka = KafkaAddress(stack_environment["KAFKA_BOOTSTRAP_SERVERS"])
    await create_topic(kafka.bootstrap_servers, "otherwise", 2, {"message.timestamp.type": "CreateTime"})
    declared = Topic("otherwise", 4, {"message.timestamp.type": "LogAppendTime", "cleanup.policy": "delete"})
    assert await topic_differences(kafka, [declared], replicas=1) == [
        "otherwise: 2 partitions, declared 4",
        "otherwise: message.timestamp.type is CreateTime, declared LogAppendTime",
    ]


def test_a_missing_or_wrong_setting_is_named_without_its_value() -> None:
    environment = {
        "PATH": os.environ["PATH"],
        "AUDIT_PSEUDONYMIZATION_KEY": "c2hvcnQ=",
        "CLICKHOUSE_URL": "ftp://secret",
    }
    done = subprocess.run([SCRIPT, "migrate"], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        "CLICKHOUSE_URL: must be a URL such as http://user:password@host:8123",
        "AUDIT_PSEUDONYMIZATION_KEY: must hold at least 32 bytes, base64-encoded",
        "KAFKA_BOOTSTRAP_SERVERS: is required",
        "SCHEMA_REGISTRY_URL: is required",
    ]


def test_an_unreachable_server_is_one_line_and_no_traceback(stack: LocalStack) -> None:
    environment = {**os.environ, **stack.environment(), "CLICKHOUSE_URL": "http://127.0.0.1:9"}
    done = subprocess.run([SCRIPT, "migrate"], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 3
    assert done.stderr.startswith("audit-stream: ")
    assert "Traceback" not in done.stderr


def test_the_worker_command_runs_the_worker_and_ends_in_time_on_sigterm(stack: LocalStack, tmp_path: Path) -> None:
    log = tmp_path / "log"
    environment = {**os.environ, **stack.environment(), "AUDIT_WORKER_INSTANCE": "by-command"}
    with log.open("wb") as output:
        worker = subprocess.Popen([SCRIPT, "worker"], env=environment, stdout=output, stderr=output)
    try:
        deadline = time.monotonic() + READY_SECONDS
        while "Worker ready" not in log.read_text(encoding="utf-8"):
            assert time.monotonic() < deadline, log.read_text(encoding="utf-8")
            time.sleep(0.1)
        worker.terminate()
        assert worker.wait(STOP_SECONDS) == 0
    finally:
        worker.kill()
        worker.wait()
