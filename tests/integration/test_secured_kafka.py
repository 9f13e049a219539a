"""Every client on a broker with TLS, SCRAM and rights does its work and nothing else; what is wrong is told at once."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from aiokafka.errors import KafkaError, TopicAuthorizationFailedError
from typer.testing import CliRunner, Result

from deploy.local.console import Reporter
from deploy.local.layout import REPOSITORY
from deploy.local.stack.processes import Child
from deploy.local.stack.services import fetch_programs
from deploy.local.stack.stack import LocalStack
from producers import KafkaPublisher, ProducerSettings
from producers.errors import PublishFailed
from schemas import kafka
from schemas.clickhouse_client import connect
from schemas.kafka_address import KafkaAddress
from schemas.kafka_rights import Operation, Role, rights
from schemas.topics import DEAD_LETTERS_TOPIC, EVENTS_TOPIC, PERSON_NAMES_TOPIC, TOPICS
from stream.clients.kafka import open_admin
from stream.clients.topic_id import authorized_operations
from stream.commands import cli
from stream.errors import AccessRefused
from stream.health.probes import GroupProbe
from stream.settings import WorkerSettings
from tests.builders import an_event
from tests.faults.workers import wait_until
from tests.secured_kafka import ADMINISTRATOR, SESSION_SECONDS, SOCKETS_MAY_BE_LEFT, SecuredKafka, secured_kafka

AUDIT_STREAM = Path(sys.executable).with_name("audit-stream")
DATABASE = "secured"
ACCOUNTS = {role: f"audit-{role}" for role in Role}
NOBODY = "nobody"
GROUP = WorkerSettings.model_fields["consumer_group"].default
COMMAND_SECONDS = 60

pytestmark = [SOCKETS_MAY_BE_LEFT, pytest.mark.usefixtures("leftover_sockets")]


@dataclass
class Deployment:
    """A broker with rights and topics, and a worker that may be started on it."""

    broker: SecuredKafka
    settings: dict[str, str]
    directory: Path

    def environment(self, user: str, **changed: str) -> dict[str, str]:
        return {**self.settings, **self.broker.environment(user), **changed}

    def run(self, environment: dict[str, str], *arguments: str) -> Result:
        """A command, in this process: to start another one takes longer than what most commands do."""
        return CliRunner().invoke(cli.app, arguments, env=environment)

    def worker(self, environment: dict[str, str]) -> Child:
        return Child([AUDIT_STREAM, "worker"], environment, self.directory / "worker.log", cwd=REPOSITORY)

    def count(self, table: str) -> int:
        with connect(self.settings["CLICKHOUSE_URL"]) as client:
            return int(client.query(f"SELECT count() FROM {DATABASE}.{table} FINAL").result_rows[0][0])


@pytest.fixture(scope="module")
def deployment(stack: LocalStack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """Set up as the page says: an administrator grants rights, an operator's account makes topics and tables."""
    directory = tmp_path_factory.mktemp("secured")
    settings = {**stack.environment(), "AUDIT_CLICKHOUSE_DATABASE": DATABASE, "AUDIT_WORKER_INSTANCE": "secured"}
    jars = fetch_programs(Reporter().download).kafka_jars
    with secured_kafka(directory, jars, [*ACCOUNTS.values(), NOBODY]) as broker:
        made = Deployment(broker, settings, directory)
        for user, command in (
            (ADMINISTRATOR, ("rights", "--apply")),
            (ACCOUNTS[Role.OPERATOR], ("topics", "--replication-factor", "1")),
            (ACCOUNTS[Role.OPERATOR], ("migrate",)),
        ):
            done = made.run(made.environment(user), *command)
            assert done.exit_code == 0, (done.output, done.exception)
        yield made


@pytest.fixture(scope="module")
def worker(deployment: Deployment) -> Iterator[Child]:
    """A worker under its own account."""
    child = deployment.worker(deployment.environment(ACCOUNTS[Role.WORKER]))
    child.start()
    wait_until(lambda: "Worker ready" in child.output() or not child.is_running(), what="the worker's start")
    assert child.is_running(), child.last_words()
    yield child
    child.stop(20)


def producer_settings(environment: dict[str, str]) -> ProducerSettings:
    names = {field.alias for field in ProducerSettings.model_fields.values()}
    given = {name: value for name, value in environment.items() if name in names}
    return ProducerSettings.model_validate({**given, "AUDIT_PRODUCER_PUBLISH_TIMEOUT_SECONDS": "60"})


def address(environment: dict[str, str]) -> KafkaAddress:
    return producer_settings(environment).kafka


async def publish(environment: dict[str, str]) -> None:
    async with KafkaPublisher(producer_settings(environment)) as publisher:
        await publisher.publish(an_event(client_space_id="secured", occurred_at=datetime.now(UTC)))


async def publish_poison(environment: dict[str, str]) -> None:
    raw = await kafka.started(kafka.producer(address(environment)), address(environment))
    await raw.send_and_wait(EVENTS_TOPIC, b"poison", key=b"secured/usr_x")
    await raw.stop()


def test_an_event_becomes_a_line_and_a_poisoned_record_a_dead_letter(deployment: Deployment, worker: Child) -> None:
    before = deployment.count("activity_log")
    environment = deployment.environment(ACCOUNTS[Role.PRODUCER])
    asyncio.run(publish(environment))
    asyncio.run(publish_poison(environment))
    wait_until(lambda: deployment.count("activity_log") == before + 1, what="the line")
    operator = deployment.environment(ACCOUNTS[Role.OPERATOR])
    wait_until(
        lambda: "wrong_magic" in deployment.run(operator, "dead-letters", "list", "--json").stdout,
        what="the dead letter",
    )
    assert worker.is_running()


@pytest.mark.parametrize(
    "command",
    [
        ("topics", "--replication-factor", "1"),
        ("retention", "status"),
        ("conflicts",),
        ("dead-letters", "replay"),
        ("erasure", "status", "--client-space", "secured"),
        ("erasure", "run"),
        ("erasure", "reapply"),
        ("rebuild", "--into", "secured_rebuilt"),
    ],
    ids=" ".join,
)
def test_every_command_does_its_work_with_the_rights_of_an_operator(
    deployment: Deployment, worker: Child, command: tuple[str, ...]
) -> None:
    done = deployment.run(deployment.environment(ACCOUNTS[Role.OPERATOR]), *command)
    assert done.exit_code == 0, (done.output, done.exception)
    assert worker.is_running()


def with_what_it_includes(operations: set[Operation]) -> set[Operation]:
    """Kafka grants `Describe` with these, and `DescribeConfigs` for itself alone."""
    return operations | ({Operation.DESCRIBE} if operations & {Operation.READ, Operation.WRITE} else set())


@pytest.mark.parametrize("role", Role)
async def test_an_account_may_do_what_is_declared_and_nothing_else(deployment: Deployment, role: Role) -> None:
    needed = rights(role, GROUP)
    expected = {
        topic.name: with_what_it_includes({right.operation for right in needed if right.name == topic.name})
        for topic in TOPICS
    }
    async with open_admin(address(deployment.environment(ACCOUNTS[role]))) as admin:
        allowed = {topic.name: await authorized_operations(admin._client, topic.name) or 0 for topic in TOPICS}
    assert {name: {number for number in range(32) if bits & 1 << number} for name, bits in allowed.items()} == expected


@pytest.mark.parametrize(
    ("role", "topic"),
    [
        (Role.PRODUCER, PERSON_NAMES_TOPIC),
        (Role.PRODUCER, DEAD_LETTERS_TOPIC),
        (Role.WORKER, EVENTS_TOPIC),
        (Role.OPERATOR, DEAD_LETTERS_TOPIC),
    ],
)
async def test_a_record_is_refused_from_an_account_that_must_not_write_it(
    deployment: Deployment, role: Role, topic: str
) -> None:
    to = address(deployment.environment(ACCOUNTS[role]))
    client = await kafka.started(kafka.producer(to, request_timeout_ms=60_000), to)
    try:
        with pytest.raises(TopicAuthorizationFailedError):
            await client.send_and_wait(topic, b"forged", partition=0)
    finally:
        await client.stop()


Change = Callable[[Deployment], dict[str, str]]
FAULTS: dict[str, tuple[Change, str]] = {
    "wrong authority": (
        lambda made: {"KAFKA_SSL_CA_FILE": str(made.broker.stranger.file)},
        "no authority that is trusted here has signed the broker's certificate: see KAFKA_SSL_CA_FILE",
    ),
    "expired certificate": (
        lambda made: made.broker.environment(NOBODY, listener="expired"),
        "the broker's certificate has expired: renew it",
    ),
    "other host name": (
        lambda made: made.broker.environment(NOBODY, listener="renamed"),
        "the broker's certificate is for another host name",
    ),
    "wrong password": (
        lambda _: {"KAFKA_SASL_PASSWORD": "wrong"},
        "user or password is wrong: see KAFKA_SASL_USERNAME, KAFKA_SASL_PASSWORD, KAFKA_SASL_MECHANISM",
    ),
    "wrong mechanism": (
        lambda _: {"KAFKA_SASL_MECHANISM": "SCRAM-SHA-256"},
        "the broker does not know this mechanism: see KAFKA_SASL_MECHANISM",
    ),
    "no rights": (lambda made: made.broker.environment(NOBODY), "lack"),
}


def faulty(deployment: Deployment, fault: str, role: Role) -> tuple[dict[str, str], str]:
    change, told = FAULTS[fault]
    return {**deployment.environment(ACCOUNTS[role]), **change(deployment)}, told


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_publisher_is_refused_at_once_with_what_to_mend(deployment: Deployment, fault: str) -> None:
    environment, told = faulty(deployment, fault, Role.PRODUCER)
    with pytest.raises(PublishFailed, match=told) as refused:
        await publish(environment)
    assert not refused.value.retryable


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_worker_does_not_wait_for_what_a_person_must_mend(deployment: Deployment, fault: str) -> None:
    environment, told = faulty(deployment, fault, Role.WORKER)
    probe = GroupProbe(address(environment), GROUP)
    with pytest.raises(AccessRefused, match=told):
        await probe.require_usable_topic()
    await probe.close()


async def test_a_worker_does_not_start_without_its_consumer_group(deployment: Deployment) -> None:
    probe = GroupProbe(address(deployment.environment(ACCOUNTS[Role.WORKER])), "another-group")
    with pytest.raises(AccessRefused, match="GroupAuthorizationFailedError: this account lacks a right"):
        await probe.require_usable_topic()
    await probe.close()


def test_a_worker_that_is_refused_ends_and_says_why(deployment: Deployment) -> None:
    environment, told = faulty(deployment, "wrong password", Role.WORKER)
    child = deployment.worker(environment)
    child.start()
    wait_until(lambda: not child.is_running(), what="the worker's end")
    assert child.exit_code() == 1
    assert sum("Kafka refuses the worker" in line and told in line for line in child.output().splitlines()) == 1


@pytest.mark.parametrize("fault", FAULTS)
def test_a_command_is_refused_with_what_to_mend(deployment: Deployment, fault: str) -> None:
    environment, told = faulty(deployment, fault, Role.OPERATOR)
    done = deployment.run(environment, "dead-letters", "list")
    assert isinstance(done.exception, AccessRefused)
    assert told in str(done.exception)


def test_topics_that_an_account_must_not_make_are_named(deployment: Deployment) -> None:
    done = deployment.run(deployment.environment(NOBODY), "topics")
    assert isinstance(done.exception, AccessRefused)
    assert f"creating topic {EVENTS_TOPIC}: TopicAuthorizationFailedError" in str(done.exception)


def test_a_command_that_is_refused_says_so_in_one_line(deployment: Deployment) -> None:
    environment, told = faulty(deployment, "wrong password", Role.OPERATOR)
    done = subprocess.run(
        [AUDIT_STREAM, "dead-letters", "list"],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=COMMAND_SECONDS,
        check=False,
    )
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr == f"audit-stream: AccessRefused: Kafka: {told}\n"


async def publish_through_sessions(environment: dict[str, str]) -> int:
    """Publish by one publisher until the broker has ended its connections twice; the answer is how many events."""
    published, end = 0, time.monotonic() + 2 * SESSION_SECONDS + 1
    async with KafkaPublisher(producer_settings(environment)) as publisher:
        while time.monotonic() < end:
            await publisher.publish(an_event(client_space_id="secured", occurred_at=datetime.now(UTC)))
            published += 1
    return published


def test_connections_that_the_broker_ends_are_opened_again(deployment: Deployment, worker: Child) -> None:
    before = deployment.count("activity_log")
    published = asyncio.run(publish_through_sessions(deployment.environment(ACCOUNTS[Role.PRODUCER])))
    wait_until(lambda: deployment.count("activity_log") == before + published, what="every line")
    assert worker.is_running()


async def test_a_client_may_show_a_certificate_instead_of_a_password(deployment: Deployment) -> None:
    certificate = deployment.broker.authority.issue(ACCOUNTS[Role.PRODUCER])
    await publish({**deployment.settings, **deployment.broker.mutual(certificate)})


async def test_tokens_of_a_provider_take_the_place_of_a_password_for_every_client_and_for_faust(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEST_OAUTH_USER", ACCOUNTS[Role.PRODUCER])
    await publish({**deployment.settings, **deployment.broker.tokens(ACCOUNTS[Role.PRODUCER])})
    child = deployment.worker(
        {**deployment.settings, **deployment.broker.tokens(ACCOUNTS[Role.WORKER]), "AUDIT_WORKER_INSTANCE": "tokens"}
    )
    child.start()
    try:
        wait_until(lambda: "Worker ready" in child.output() or not child.is_running(), what="the worker's start")
        assert child.is_running(), child.last_words()
    finally:
        child.stop(20)


async def test_a_changed_password_is_used_by_the_next_connection(deployment: Deployment, tmp_path: Path) -> None:
    """The broker ends every connection after a moment, so the one client connects by what the file holds then."""
    file, right = tmp_path / "password", ACCOUNTS[Role.OPERATOR]
    file.write_text(right)
    to = replace(address(deployment.environment(right)), password="old", password_file=file)
    client = await kafka.started(kafka.admin(to, request_timeout_ms=2000), to)

    async def is_let_in() -> bool:
        try:
            return EVENTS_TOPIC in await client.list_topics()
        except KafkaError:
            return False

    try:
        for content, lets_in in ((right, True), ("wrong", False), (right, True)):
            file.write_text(content)
            async with asyncio.timeout(60):
                while await is_let_in() != lets_in:  # noqa: ASYNC110 - nobody tells when the broker ends a connection
                    await asyncio.sleep(0.1)
    finally:
        await client.close()
