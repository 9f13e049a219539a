"""A file for people says the panel's words."""

import re

import pytest

from query_api.http.export_words import WORDS, Language
from query_api.panel.serve import static_directory

SAID_BY_THE_PANEL = {
    "occurred_at": "column.occurred_at",
    "activity": "column.activity",
    "affected_user": "column.affected_user",
    "admin": "column.admin",
    "channel": "column.channel",
    "service": "detail.service",
    "request_id": "detail.request_id",
    "import_id": "detail.import_id",
    "row_number": "detail.row_number",
    "event_id": "detail.event_id",
    **{name: f"activity.{name}" for name in ("user_creation", "user_deletion", "user_license_update")},
    "admin_rights_update": "activity.admin_rights_update",
    **{name: f"channel.{name}" for name in ("ui", "api", "file_import", "unknown")},
    "deleted": "person.deleted",
    "unavailable": "person.unavailable",
}


@pytest.mark.parametrize("language", Language)
def test_the_words_are_the_panel_s(language: Language) -> None:
    files = (static_directory() / "locales").glob(f"{language}*.js")
    source = "\n".join(file.read_text(encoding="utf-8") for file in files)
    texts = dict(re.findall(r"^  '([^']+)': '([^']+)',$", source, re.MULTILINE))
    assert {name: WORDS[language][name] for name in SAID_BY_THE_PANEL} == {
        name: texts[key] for name, key in SAID_BY_THE_PANEL.items()
    }


def test_every_language_has_every_word() -> None:
    locales = {path.stem.partition("-")[0] for path in (static_directory() / "locales").glob("*.js")}
    assert WORDS.keys() == set(Language) == locales
    assert {tuple(words) for words in WORDS.values()} == {tuple(WORDS[Language.EN])}
