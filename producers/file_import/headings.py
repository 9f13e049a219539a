"""What the headings of a list mean: the platform's own, those of three directories, or a mapping file's."""

import re
import tomllib
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from producers.errors import InvalidImport
from producers.file_import.rows import Column

REPORT_COLUMNS = frozenset({"line", "code", "message"})
"""What `rejected.csv` adds. It is imported again as it is, so these say nothing."""

_NAMES = {
    Column.FIRST_NAME: ("first name", "given name", "prénom"),
    Column.LAST_NAME: ("last name", "surname", "family name", "nom", "nom de famille"),
    Column.DISPLAY_NAME: ("display name", "nom d'affichage", "nom complet"),
}
_PLATFORM = {
    **_NAMES,
    Column.ACTIVITY: ("activity", "action", "activité"),
    Column.USER_ID: ("user id", "id", "identifiant", "id utilisateur", "identifiant utilisateur"),
    Column.EMAIL: ("e-mail", "adresse e-mail", "courriel"),
    Column.PREVIOUS_LICENSE: ("previous license", "previous licence", "licence précédente", "ancienne licence"),
    Column.LICENSE: ("license", "licence", "new license", "new licence", "nouvelle licence"),
    Column.ADMIN_ACCESS: ("admin access", "accès administrateur", "accès admin"),
    Column.OCCURRED_AT: ("occurred at", "date et heure"),
}
_ENTRA = {
    **_NAMES,
    Column.EMAIL: ("user principal name", "nom d'utilisateur principal", "nom principal de l'utilisateur"),
}
_GOOGLE = {**_NAMES, Column.EMAIL: ("email address", "adresse e-mail", "adresse email")}
_OKTA = {**_NAMES, Column.EMAIL: ("email", "primary email", "e-mail principal", "adresse e-mail principale")}


@dataclass(frozen=True, slots=True)
class Format:
    """How to read the header of a list.

    *signs* are headings by which a list of this kind is known; only a message uses them. *ignores_others* lets
    headings pass that mean nothing here: a directory's list has dozens. *words* translates cells of admin access.
    """

    name: str
    title: str
    headings: Mapping[str, Column]
    signs: frozenset[str] = frozenset()
    ignores_others: bool = False
    words: Mapping[str, str] = field(default_factory=dict)

    def accepted(self) -> str:
        """The columns that it knows, for a message."""
        return ", ".join(column for column in Column if column in set(self.headings.values()))


@lru_cache(1024)
def normalize(name: str) -> str:
    """A heading without case, accents, blanks, hyphens, underscores, apostrophes and remarks in brackets."""
    text = unicodedata.normalize("NFKD", re.sub(r"\[[^\]]*\]", "", name))
    return re.sub(r"[\s_\-\u2010\u2011'\u2019\u0300-\u036f]+", "", text).casefold()


def _format(
    name: str, title: str, columns: Mapping[Column, Sequence[str]], signs: Iterable[str] = (), *, others: bool = True
) -> Format:
    headings = {normalize(heading): column for column, names in columns.items() for heading in names}
    return Format(name, title, headings, frozenset(map(normalize, signs)), ignores_others=others)


PLATFORM = _format("platform", "the platform's list", _PLATFORM, others=False)
FORMATS = {
    each.name: each
    for each in (
        PLATFORM,
        _format("entra", "Microsoft Entra's list", _ENTRA, ["user principal name", "nom d'utilisateur principal"]),
        _format("google", "Google Workspace's list", _GOOGLE, ["org unit path", "email address", "password"]),
        _format("okta", "Okta's list", _OKTA, ["login", "primary email", "e-mail principal"]),
    )
}


def likely_format(names: Iterable[str]) -> Format | None:
    """The directory that a header seems to come from, to be named in a refusal; never to be assumed."""
    found = set(map(normalize, names))
    return next((each for each in FORMATS.values() if each.signs & found), None)


def read_mapping(path: Path) -> Format:
    """The format that the TOML file *path* describes: column = heading; other headings are ignored.

    A table `["admin access words"]` may say which of its words mean yes and no. Raises `InvalidImport` with
    what is wrong.
    """
    try:
        text = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InvalidImport(f"columns ({path.name}): {error.strerror}") from error
    except ValueError as error:
        raise InvalidImport(f"columns ({path.name}): not TOML in UTF-8") from error
    words = text.pop(Column.ADMIN_ACCESS + " words", {})
    headings: dict[str, Column] = {}
    for name, heading in text.items():
        if name not in set(Column):
            known = ", ".join(Column)
            raise InvalidImport(f"columns ({path.name}): no column is called {name!r}; there are {known}")
        if not isinstance(heading, str) or not normalize(heading):
            raise InvalidImport(f"columns ({path.name}): {name} must be a heading in quotes")
        if normalize(heading) in headings:
            raise InvalidImport(f"columns ({path.name}): two columns have the heading {heading!r}")
        headings[normalize(heading)] = Column(name)
    if not isinstance(words, dict) or not set(words.values()) <= {"yes", "no"}:
        raise InvalidImport(f"columns ({path.name}): each of the admin access words must be 'yes' or 'no'")
    translated = {word.casefold(): meaning for word, meaning in words.items()}
    return Format("mapping", f"the list described by {path.name}", headings, ignores_others=True, words=translated)
