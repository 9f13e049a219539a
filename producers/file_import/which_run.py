"""Which run of an import this is: the first, the rest of one that broke off, or a new act."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from producers.errors import InvalidImport
from producers.file_import.import_record import Act, new_act


class AlreadyImported(InvalidImport):
    """The same files were imported, wholly. Whether the change took place again only a person can say."""


class Run(StrEnum):
    """What a run was taken for."""

    FIRST = "first"
    """These files were not imported on this machine."""
    RESUMED = "resumed"
    """An import of these files broke off, and goes on: the same events."""
    AGAIN = "again"
    """The change took place again (`--again`): new events."""
    REPEATED = "repeated"
    """The same events once more (`--repeat`): no line is doubled."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What this run would publish, and what the operator said of it."""

    events: int
    digest: bytes
    options: Mapping[str, str]
    now: datetime
    given_time: datetime | None = None
    again: bool = False
    repeat: bool = False


def which_run(last: Act | None, wanted: Wanted) -> tuple[Run, Act]:
    """What this run is after *last*, the latest act with the same files, and the act that it carries out.

    Raises `AlreadyImported` where *last* is done and the operator says nothing, and `InvalidImport` where the options
    make other events of it: their ids are in the log already, and say something else.
    """
    if last is None:
        return Run.FIRST, _act(1, wanted)
    if wanted.again:
        if not last.is_done:
            raise InvalidImport(f"the import of {_when(last)} did not end; run it once more without --again first")
        if wanted.given_time == last.occurred_at:
            raise InvalidImport(f"the import of {_when(last)} has this time; --again needs another")
        return Run.AGAIN, _act(last.number + 1, wanted)
    if wanted.given_time not in {None, last.occurred_at}:
        raise InvalidImport(
            f"these files were imported with the time {_when(last)}; another would double its lines. If the "
            "change took place again: --again"
        )
    if not last.says(wanted.digest):
        others = ", ".join(last.other_options(wanted.options)) or "the rows' ids"
        raise InvalidImport(
            f"these files were imported ({_when(last)}) with other options: {others}. Its events cannot be replaced: "
            "run it with the same options, or with --again if the change took place again"
        )
    if not last.is_done:
        return Run.RESUMED, last
    if wanted.repeat:
        return Run.REPEATED, last
    raise AlreadyImported(
        f"these files were imported ({_when(last)}), all {last.events} event(s); nothing was published now. If the "
        "change took place again: --again. To publish the same events once more, without a second line: --repeat"
    )


def _act(number: int, wanted: Wanted) -> Act:
    return new_act(number, wanted.given_time or wanted.now, wanted.events, wanted.digest, wanted.options)


def _when(act: Act) -> str:
    return act.occurred_at.isoformat()
