"""A list reads back equal in every dialect, and no damage to a good list deletes anybody whom it still names."""

import csv
import functools
import io
import random
import unicodedata
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from producers import InvalidImport
from producers.file_import import FileImport, HowToRead, ImportRequest
from producers.file_import.delimited import DELIMITERS
from producers.file_import.rows import Role, Row
from producers.file_import.table import open_table
from schemas.events import UserDeletion
from tests.builders import ADMIN, NOW

HEADER = ["user id", "e-mail", "first name", "last name", "license", "admin access"]
ENCODINGS = ["utf-8", "utf-8-sig", "utf-16", "utf-32", "cp1252", "iso8859-15", "mac-roman", "cp850"]
FORMS: list[Literal["NFD", "NFKC"]] = ["NFD", "NFKC"]
QUOTINGS: list[Literal[0, 1]] = [csv.QUOTE_MINIMAL, csv.QUOTE_ALL]
LETTERS = st.sampled_from("abcxyz ABC012'-.,;|\"éèüñçôÉ")
CELLS = st.text(LETTERS, max_size=8).map(lambda text: unicodedata.normalize("NFC", text.strip()))
ROWS = st.lists(st.tuples(*[CELLS] * 6).filter(any), max_size=6)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=ROWS,
    delimiter=st.sampled_from(DELIMITERS),
    encoding=st.sampled_from(ENCODINGS),
    line_end=st.sampled_from(["\n", "\r\n", "\r"]),
    quoting=st.sampled_from(QUOTINGS),
    sep_line=st.booleans(),
    margin=st.integers(0, 3),
)
def test_a_list_reads_back_equal_in_every_dialect(  # noqa: PLR0913, PLR0917 - a dialect has as many parts
    rows: list[tuple[str, ...]],
    delimiter: str,
    encoding: str,
    line_end: str,
    quoting: Literal[0, 1],
    sep_line: bool,
    margin: int,
    tmp_path: Path,
) -> None:
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, lineterminator=line_end, quoting=quoting)
    writer.writerows([*row, *[""] * margin] for row in [HEADER, *rows])
    path = tmp_path / "list.csv"
    path.write_bytes((f"sep={delimiter}{line_end}" * sep_line + text.getvalue()).encode(encoding))
    named = None if encoding.startswith("utf") else encoding
    with open_table(path, Role.AFTER, HowToRead(named)) as table:
        read = [row for row in table.rows() if isinstance(row, Row)]
    assert [tuple(row.cells.values()) for row in read] == rows
    assert not any(row.faults for row in read)


def a_list(generator: random.Random, count: int, *, with_ids: bool) -> bytes:
    """A good list of *count* users, as one of several programs writes it."""
    delimiter = generator.choice(DELIMITERS)
    quoting = generator.choice(QUOTINGS)
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, quoting=quoting, lineterminator=generator.choice(["\n", "\r\n"]))
    skipped = 0 if with_ids else 1
    writer.writerow(HEADER[skipped:])
    for number in range(count):
        accent = "éüñ"[number % 3]
        row = [f"usr-{number:03}", f"mail{number:03}@example.com", f"First{number:03}{accent}", f"Last{number:03}"]
        writer.writerow([*row[skipped:], "Data Reader", generator.choice(["yes", "no"])])
    return text.getvalue().encode(generator.choice(["utf-8", "utf-8-sig"]))


def damaged(generator: random.Random, content: bytes) -> bytes:
    """*content* after one accident: bytes lost, doubled, changed or cut, files joined, or text recoded."""
    place, length = generator.randrange(len(content)), generator.choice([1, 1, 2, 5, 200])
    head, part, tail = content[:place], content[place : place + length], content[place + length :]
    mark = generator.choice(["\ufeff", "\u200b", "\u00a0", '"', "\n", "\r", "\0", ",", ";"]).encode()
    encoding = generator.choice(["cp1252", "mac-roman", "utf-16", "utf-16-le", "cp850"])
    normalize = functools.partial(unicodedata.normalize, generator.choice(FORMS))
    accidents = {
        "lost": lambda: head + tail,
        "doubled": lambda: head + part * 2 + tail,
        "changed": lambda: head + bytes([generator.randrange(256)]) + part[1:] + tail,
        "cut": lambda: head,
        "joined": lambda: content + content[generator.choice([0, place]) :],
        "inserted": lambda: head + mark + part + tail,
        "recoded": lambda: content.decode("utf-8").encode(encoding, "replace"),
        "misread": lambda: content.decode("cp1252", "replace").encode(),
        "recomposed": lambda: normalize(content.decode()).encode(),
    }
    return accidents[generator.choice(list(accidents))]()


def readable_text(content: bytes) -> str:
    """Whatever text *content* may be, in every encoding that the accidents use, one after the other."""
    return " ".join(content.decode(encoding, "ignore") for encoding in ("utf-8", "utf-16", "utf-16-le"))


@pytest.mark.parametrize("with_ids", [True, False])
@pytest.mark.parametrize("seed", range(150))
def test_no_accident_deletes_anybody_whom_the_list_still_names(with_ids: bool, seed: int, tmp_path: Path) -> None:
    generator = random.Random(seed)  # noqa: S311 - accidents, not secrets
    good = a_list(generator, 60, with_ids=with_ids)
    before, after = tmp_path / "before.csv", tmp_path / "after.csv"
    before.write_bytes(good)
    bad = damaged(generator, good)
    after.write_bytes(bad)
    request = ImportRequest(after, client_space_id="acme", admin=ADMIN, service="importer", before=before)
    try:
        with FileImport(request, clock=lambda: NOW) as file_import:
            accounts = file_import.accounts().values()
            assert all(a.rows == a.imported + a.unchanged + a.rejected for a in accounts)
            events = list(file_import.events(NOW))  # the good rows, as with --on-error skip
    except InvalidImport:
        return
    deleted = [event.affected_user.id for event in events if isinstance(event.activity, UserDeletion)]
    text = readable_text(bad)
    still_named = [user for user in deleted if user in text or f"mail{user[-3:]}@example.com" in text]
    assert still_named == []
