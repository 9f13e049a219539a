"""Migrations as files."""

import hashlib

import pytest

from schemas.migrations import difference, migrations

APPLIED = {migration.number: migration.checksum for migration in migrations()}


def test_nothing_separates_a_database_that_has_every_migration() -> None:
    assert difference(APPLIED) is None


def test_an_empty_database_lacks_the_first() -> None:
    assert difference({}) == "migration 0001_activity_log is not applied: run `audit-stream migrate`"


def test_another_text_under_an_applied_number_is_named() -> None:
    found = difference({**APPLIED, 2: hashlib.sha256(b"edited").hexdigest()})
    assert found == "migration 0002_persons was applied from another text than this one"


def test_a_database_ahead_of_the_code_is_named() -> None:
    assert difference({**APPLIED, 99: "x"}) == "migration 0099 is newer than this version"


def test_statements_name_the_database_that_they_are_for() -> None:
    for migration in migrations():
        for statement in migration.statements("audit_rebuilt"):
            assert "audit_rebuilt." in statement
            assert "{database}" not in statement


@pytest.mark.parametrize("database", ["audit; DROP TABLE x", "", "a-b", "1a"])
def test_a_database_name_that_would_need_quoting_is_refused(database: str) -> None:
    with pytest.raises(ValueError, match="letters, digits and underscores"):
        migrations()[0].statements(database)
