"""The page of the outbox, held to the code."""

import re
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import ClauseElement, create_engine, event
from sqlalchemy.dialects import mysql

from producers import outbox
from producers.outbox.command import RelayMetrics
from producers.outbox.settings import RelaySettings
from producers.outbox.store import Outbox
from producers.settings import ProducerSettings

PAGE = (Path(outbox.__file__).parent / "README.md").read_text(encoding="utf-8")


def rows(heading: str) -> dict[str, list[str]]:
    section = re.split(r"^## ", PAGE[PAGE.index(f"## {heading}") + 3 :], flags=re.MULTILINE)[0]
    cells = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in section.splitlines() if "| `" in line[:4]
    ]
    return {row[0].strip("`"): row[1:] for row in cells}


def test_every_setting_is_documented_with_its_default_and_meaning() -> None:
    own = [field for name, field in RelaySettings.model_fields.items() if name not in ProducerSettings.model_fields]
    assert rows("Settings") == {
        str(field.alias): [
            "required" if field.is_required() else str(field.default).removesuffix(".0"),
            str(field.description),
        ]
        for field in own
    }


def test_every_metric_is_documented_by_its_help() -> None:
    families = {family.name: family.documentation for family in RelayMetrics().registry.collect()}
    documented = {name: cells[0] for name, cells in rows("Metrics").items()}
    assert documented.keys() == families.keys()
    assert all(documented[name].startswith(text) for name, text in families.items())


def test_the_example_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    code = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)[0].replace("user_management_audit", "producers")
    scope: dict[str, Any] = {}
    exec(code, scope)  # noqa: S102 - our own page
    assert Outbox(scope["engine"], "one").backlog().pending == 1
    scope["engine"].dispose()


def test_every_statement_of_a_relay_can_be_said_to_mysql(tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path}/app.db")
    outbox.create_tables(engine)
    said: list[ClauseElement] = []
    event.listen(engine, "before_execute", lambda _, statement, *__: said.append(statement))
    store = Outbox(engine, "one")
    store.prepare()
    store.lease(1, 2)
    store.waiting([1], 500)
    store.remove([1])
    store.refuse(1, "blank")
    store.release()
    store.backlog()
    texts = [str(statement.compile(dialect=mysql.dialect())) for statement in said]
    # SQLAlchemy writes it for any database, and MySQL takes it for none of its words.
    assert [text for text in texts if "FILTER" in text] == []
    engine.dispose()
