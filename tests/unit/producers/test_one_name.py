"""What the small wheel holds: every module of `producers` and what it needs, under one import name."""

from pathlib import Path

import pytest

from producers.one_name import imported, renamed, renamed_files


def test_every_import_of_the_repository_gets_the_one_name() -> None:
    text = '"""From producers."""\n\nfrom producers import Person\nfrom schemas.events import Event\nimport json\n'
    assert renamed(text, "x.py") == (
        '"""From producers."""\n\nfrom user_management_audit import Person\n'
        "from user_management_audit.schemas.events import Event\nimport json\n"
    )


def test_an_import_that_leaves_no_place_for_another_name_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^x\.py, line 2: write `from"):
        renamed("import json\nimport schemas.events\n", "x.py")


def test_the_wheel_holds_what_its_modules_import_and_no_tables(repository: Path) -> None:
    files = dict(renamed_files(repository))
    places = {str(place) for place in files}
    assert {place.parts[0] for place in files} == {"user_management_audit"}
    assert "user_management_audit/schemas/avro/user_management_event.v1.avsc" in places
    assert "user_management_audit/py.typed" in places
    assert not any("clickhouse_client" in place or place.endswith(".sql") for place in places)
    for place, content in files.items():
        if place.suffix == ".py":
            assert list(imported(content.decode(), str(place))) == [], place
