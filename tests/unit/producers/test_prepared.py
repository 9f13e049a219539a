"""What a publisher takes as a request id: nothing that a person could be read from."""

from uuid import uuid4

import pytest

from producers.prepared import prepared
from schemas.errors import InvalidEvent, Reason
from schemas.events import Source
from tests.builders import NOW, an_event


@pytest.mark.parametrize(
    "request_id",
    [
        "req-4711",
        "r1",
        str(uuid4()),
        uuid4().hex.upper(),
        "01ARZ3NDEKTSV4RRFFQ69G5FAV",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "Root=1-67891233-abcdef012345678912345678",
    ],
)
def test_what_services_use_as_request_ids_is_taken(request_id: str) -> None:
    event = an_event(source=Source("users", request_id=request_id))
    assert prepared(event, now=NOW)[0] == event


@pytest.mark.parametrize(
    "request_id",
    [
        "ada@example.com",
        "/users/ada@example.com",
        "Ada Lovelace",
        "ada",
        "lovelace-1",
        "usr_ada",
        "1 Ada",
        "Ådå-1",
        "é1",
    ],
)
def test_what_may_hold_a_name_is_refused(request_id: str) -> None:
    with pytest.raises(InvalidEvent) as refused:
        prepared(an_event(source=Source("users", request_id=request_id)), now=NOW)
    assert (refused.value.reason, refused.value.field) == (Reason.INVALID_VALUE, "source.request_id")
    assert "such as req-4711" in str(refused.value)
