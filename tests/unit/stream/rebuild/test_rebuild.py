"""What a rebuild refuses before it touches anything, and how its command ends."""

import pytest
from typer.testing import CliRunner

from stream.clients.topic_reader import Extent
from stream.commands import cli
from stream.commands.common import ExitCode
from stream.errors import RebuildRefused
from stream.rebuild.compare import Comparison, Difference
from stream.rebuild.rebuild import refuse_another_topic


@pytest.mark.parametrize(
    ("extents", "start"),
    [
        ({0: Extent(0, 0)}, {0: 5}),
        ({0: Extent(0, 9), 1: Extent(0, 3)}, {0: 9, 1: 4}),
        # It had more partitions.
        ({0: Extent(0, 9)}, {0: 9, 1: 4}),
    ],
)
def test_a_topic_that_ends_before_what_was_read_of_it_was_made_anew(
    extents: dict[int, Extent], start: dict[int, int]
) -> None:
    with pytest.raises(RebuildRefused, match="made anew"):
        refuse_another_topic("t", extents, start)


@pytest.mark.parametrize(
    ("extents", "start"),
    [
        ({0: Extent(0, 0)}, {}),
        ({0: Extent(3, 9)}, {0: 9}),
        # Retention took what was read, and partitions were added.
        ({0: Extent(7, 9), 1: Extent(0, 2)}, {0: 5}),
        ({0: Extent(0, 9)}, {0: 9, 1: 0}),
    ],
)
def test_a_topic_that_goes_on_is_read_on(extents: dict[int, Extent], start: dict[int, int]) -> None:
    refuse_another_topic("t", extents, start)


def test_only_lines_are_lost_by_an_exchange() -> None:
    found = Comparison([Difference("activity_log", "acme", 202611, 2, 1), Difference("person_names", "acme", 0, 40, 5)])
    assert found.lost_lines == 3


def test_a_rebuild_without_a_name_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stream.commands.rebuild.settings_or_exit", lambda: None)
    ended = CliRunner().invoke(cli.app, ["rebuild"])
    assert ended.exit_code == ExitCode.USAGE
    assert "--into" in ended.output


def test_a_refused_rebuild_is_something_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """To repeat it would not help."""

    def refuse() -> None:
        raise RebuildRefused("database x is no rebuild")

    monkeypatch.setattr(cli, "app", refuse)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == ExitCode.FOUND
