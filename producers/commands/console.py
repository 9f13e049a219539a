"""The console script `audit-produce`, which also starts where the extra `cli` is not installed."""

from producers.commands.extras import needs_extra


def main() -> None:
    """Run the command line, or say what it lacks."""
    with needs_extra("cli"):
        from producers.commands.cli import app  # noqa: PLC0415 - needs the extra
    app()
