"""What each account may do in Kafka: printed, and granted."""

import asyncio
from typing import Annotated

import typer

from schemas.kafka_rights import Resource, Right, Role
from schemas.kafka_rights import rights as rights_of
from stream.clients.kafka_rights import grant
from stream.commands.common import settings_or_exit

_OPTION = {Resource.TOPIC: "--topic", Resource.GROUP: "--group"}


def rights(
    producer: Annotated[str, typer.Option(help="the account of upstream services")] = "audit-producer",
    worker: Annotated[str, typer.Option(help="the account of the workers")] = "audit-worker",
    operator: Annotated[str, typer.Option(help="the account of the other commands")] = "audit-operator",
    *,
    apply: Annotated[bool, typer.Option("--apply", help="grant them, too; this needs Alter on the cluster")] = False,
) -> None:
    """Print the least rights that each account needs, as arguments of Kafka's `kafka-acls.sh`."""
    settings = settings_or_exit()
    accounts = {Role.PRODUCER: producer, Role.WORKER: worker, Role.OPERATOR: operator}
    granted = {f"User:{name}": rights_of(role, settings.consumer_group) for role, name in accounts.items()}
    for principal, needed in granted.items():
        for right in needed:
            typer.echo(in_arguments(principal, right))
    if apply:
        asyncio.run(grant(settings.kafka, granted))
        typer.echo(f"granted to {', '.join(granted)}", err=True)


def in_arguments(principal: str, right: Right) -> str:
    """*right* as `kafka-acls.sh` takes it."""
    return (
        f"--add --allow-principal {principal} --operation {right.operation.spelling}"
        f" {_OPTION[right.resource]} {right.name}"
    )
