"""Any valid event, for Hypothesis."""

from datetime import UTC, datetime

from hypothesis import strategies as st

from schemas.events import (
    Activity,
    AdminRightsUpdate,
    Channel,
    Event,
    Person,
    Source,
    UserCreation,
    UserDeletion,
    UserLicenseUpdate,
)
from tests.builders import NOW


def texts(limit: int) -> st.SearchStrategy[str]:
    return st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=limit).filter(
        lambda s: not s.isspace()
    )


def persons(*, named: bool = True) -> st.SearchStrategy[Person]:
    names = st.none() | texts(40) if named else st.none()
    return st.builds(Person, texts(40), names, names)


sources = st.none() | st.builds(
    Source,
    service=texts(20),
    request_id=st.none() | texts(20),
    import_id=st.none() | st.uuids(),
    file_sha256=st.none() | st.binary(min_size=32, max_size=32),
    row_number=st.none() | st.integers(1, 2**31 - 1),
)
activities: st.SearchStrategy[Activity] = st.one_of(
    st.just(UserCreation()),
    st.just(UserDeletion()),
    st.builds(UserLicenseUpdate, st.none() | texts(20), st.none() | texts(20)),
    st.builds(AdminRightsUpdate, st.booleans()),
)


@st.composite
def events(draw: st.DrawFn) -> Event:
    activity = draw(activities)
    return Event(
        event_id=draw(st.uuids()),
        occurred_at=draw(st.datetimes(datetime(2000, 1, 1), NOW.replace(tzinfo=None), timezones=st.just(UTC))),  # noqa: DTZ001
        client_space_id=draw(texts(20)),
        channel=draw(st.sampled_from([Channel.UI, Channel.API, Channel.FILE_IMPORT])),
        admin=draw(persons()),
        affected_user=draw(persons(named=not isinstance(activity, UserDeletion))),
        activity=activity,
        source=draw(sources),
    )
