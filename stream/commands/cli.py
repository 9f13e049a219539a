"""`audit-stream`: run the worker, and prepare what it needs."""

import asyncio
import logging
import sys
import traceback
from typing import Annotated

import structlog
import typer

from schemas.errors import ContractError
from schemas.topics import PRODUCTION_REPLICAS
from stream.clients.clickhouse import open_clickhouse
from stream.clients.migrate import STATEMENT_SECONDS
from stream.clients.migrate import migrate as apply_migrations
from stream.clients.topics import create_topics, register_schemas, topic_differences
from stream.commands import dead_letters, erasure, rebuild, retention
from stream.commands.common import ExitCode, settings_or_exit
from stream.commands.conflicts import conflicts
from stream.commands.off_board import off_board
from stream.commands.rights import rights
from stream.errors import RebuildRefused, StreamError, UnreadableRecord

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)

app.add_typer(erasure.app, name="erasure")
app.add_typer(retention.app, name="retention")
app.add_typer(dead_letters.app, name="dead-letters")
app.add_typer(rebuild.app, name="rebuild")
app.command()(conflicts)
app.command()(off_board)
app.command()(rights)


@app.command()
def worker() -> None:
    """Run the worker: the same as `faust -A stream.app worker`."""
    settings_or_exit()
    from faust.cli.faust import cli as faust_cli  # noqa: PLC0415 - Faust patches the event loop when it is imported

    faust_cli(["-A", "stream.app", "worker", "--loglevel", "info"])


@app.command()
def migrate() -> None:
    """Bring ClickHouse's schema to this version; worker and API refuse to start on another one."""
    url, database = settings_or_exit().clickhouse
    with open_clickhouse(url, timeout_seconds=STATEMENT_SECONDS) as client:
        for migration in apply_migrations(client, database):
            typer.echo(f"applied {migration.number:04d}_{migration.name}")
    typer.echo(f"database {database} is up to date")


@app.command()
def topics(
    replication_factor: Annotated[
        int, typer.Option(help="copies of each topic, on a broker each; 1 where there is one broker", min=1)
    ] = PRODUCTION_REPLICAS,
) -> None:
    """Create the topics that are missing and register the event's schemas; report what differs from the declaration."""
    settings = settings_or_exit()
    created = asyncio.run(create_topics(settings.kafka, replicas=replication_factor))
    for name in created:
        typer.echo(f"created topic {name}")
    for version, schema_id in asyncio.run(register_schemas(settings.registry)).items():
        typer.echo(f"event schema v{version} has id {schema_id}")
    differences = asyncio.run(topic_differences(settings.kafka, replicas=replication_factor))
    for difference in differences:
        typer.echo(f"differs: {difference}", err=True)
    if differences:
        raise typer.Exit(ExitCode.FOUND)


def main() -> None:
    """The command's entry point. Failures that an operator can do something about are one line, not a traceback.

    Where it could not look, it does not end with the code of one that looked and found: see `ExitCode`.
    """
    # Standard output holds what a command found, and programs read it.
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    # What aiokafka has to say of a failure is in the error's one line, in words of what to do.
    logging.getLogger("aiokafka").addHandler(logging.NullHandler())
    try:
        app()
    except (UnreadableRecord, RebuildRefused) as error:
        typer.echo(f"audit-stream: {type(error).__name__}: {error}", err=True)
        sys.exit(ExitCode.FOUND)
    except (StreamError, ContractError) as error:
        typer.echo(f"audit-stream: {type(error).__name__}: {error}", err=True)
    except Exception as error:  # noqa: BLE001 - Python's own code for it is 1
        # Where it came from, and no text: that of an error nobody foresaw may hold a name.
        traceback.print_tb(error.__traceback__)
        typer.echo(f"audit-stream: {type(error).__name__}", err=True)
    sys.exit(ExitCode.NOT_DONE)
