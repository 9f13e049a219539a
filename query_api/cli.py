"""`audit-query`: serve the query API, and make tokens for development."""

import json
import time
from typing import Annotated

import typer

from query_api.access.auth import EXPORT_SCOPE, READ_SCOPE, SCOPES, development_token
from query_api.server import run
from query_api.settings import load_settings, require_local
from schemas.settings import InvalidSettings

app = typer.Typer(help="The query API of the user-management audit log.", no_args_is_help=True, add_completion=False)


def _filled(text: str) -> str:
    if not text.strip():
        raise typer.BadParameter("must not be blank")
    return text


def _scopes(text: str) -> str:
    if READ_SCOPE not in text.split() or not SCOPES.issuperset(text.split()):
        raise typer.BadParameter(f"must be {READ_SCOPE}, or '{READ_SCOPE} {EXPORT_SCOPE}'")
    return text


@app.command()
def token(
    client_space: Annotated[str, typer.Option(callback=_filled, help="The client space that the token opens.")],
    subject: Annotated[str, typer.Option(callback=_filled, help="The subject of the token.")],
    scope: Annotated[
        str, typer.Option(callback=_scopes, help=f"Its scopes: {READ_SCOPE}, and {EXPORT_SCOPE} behind a space.")
    ] = READ_SCOPE,
    expires_in_seconds: Annotated[int, typer.Option(min=1, help="Its lifetime in seconds.")] = 3600,
) -> None:
    """Print a development token. Refused in production."""
    try:
        text = development_token(
            load_settings(),
            client_space_id=client_space,
            subject=subject,
            scope=scope,
            now=int(time.time()),
            expires_in_seconds=expires_in_seconds,
        )
    except InvalidSettings as error:
        raise _refusal(error) from None
    typer.echo(text)


@app.command()
def serve(
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port to listen on.")] = 8080,
) -> None:
    """Serve the API until it is stopped. In development it listens on this machine only."""
    try:
        require_local(load_settings(), host)
    except InvalidSettings as error:
        raise _refusal(error) from None
    run("query_api.app:app", host=host, port=port)


@app.command()
def openapi() -> None:
    """Print the OpenAPI document. Needs no settings."""
    from query_api.app import describe  # noqa: PLC0415 - a token waits for no web framework

    typer.echo(json.dumps(describe(), indent=1, ensure_ascii=False))


def main() -> None:
    """The entry point of `audit-query`."""
    app()


def _refusal(error: InvalidSettings) -> typer.Exit:
    typer.echo(str(error), err=True)
    return typer.Exit(code=2)
