from unicodedata import normalize

import pytest
from hypothesis import given
from hypothesis import strategies as st

from query_api.log.search import SEPARATOR, folded, found_by
from tests.builders import a_uuid

REF = a_uuid(0xABC)
ADA = SEPARATOR.join((str(REF), "usr_1", "ada@example.com", "Ada"))


@pytest.mark.parametrize("search", [str(REF), str(REF)[-3:], "\0", "com\0Ada", "1\0ada"])
def test_neither_the_ref_nor_what_lies_between_two_texts_is_searched(search: str) -> None:
    assert found_by(search, [ADA]) == (frozenset(), frozenset())


def test_each_text_is_searched() -> None:
    for search in "usr_1", "ADA@", "ada", "ada usr_1":
        assert found_by(search, [ADA]).best == {REF}


@given(st.text(st.characters(codec="ascii")))
def test_texts_without_marks_fold_as_all_others_do(text: str) -> None:
    assert folded(text) == normalize("NFC", normalize("NFD", text).casefold())
