"""`audit-produce`, which sends itself a signal right behind its first note of how far it is."""

import os
import signal
import sys
from collections.abc import Callable

from producers.commands import cli, import_run
from producers.file_import.import_record import ImportRecords

NOTE_EVERY_EVENTS = 300


def main() -> None:
    """Run the command line behind the name of a signal."""
    import_run._NOTE_EVERY_EVENTS = NOTE_EVERY_EVENTS
    name = sys.argv.pop(1)
    # Whoever runs the tests in the background has them ignore Ctrl-C, and this process inherits that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    note: Callable[..., None] = ImportRecords.note

    def note_and_end(*arguments: object, **options: object) -> None:
        note(*arguments, **options)
        os.kill(os.getpid(), signal.Signals[name])

    ImportRecords.note = note_and_end  # type: ignore[method-assign]
    cli.app()


if __name__ == "__main__":
    main()
