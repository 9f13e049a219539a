"""The difference of two user lists."""

from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st

from producers.file_import.difference import difference
from producers.file_import.rows import Action, ListedUser, Role
from schemas.events import AdminRightsUpdate, Person, UserCreation, UserDeletion, UserLicenseUpdate

LICENSES = st.sampled_from([None, "Data Reader", "Data Steward"])
STATES = st.dictionaries(st.sampled_from("abcdefgh"), st.tuples(LICENSES, st.booleans()))
State = dict[str, tuple[str | None, bool]]


def users(state: State) -> list[ListedUser]:
    return [
        ListedUser(row, Person(user_id, f"{user_id}@example.com"), *state[user_id])
        for row, user_id in enumerate(sorted(state), start=2)
    ]


def apply(actions: Iterable[Action], state: State) -> State:
    """What the actions make of *state*, refusing whatever does not fit it."""
    state = dict(state)
    for action in actions:
        user_id = action.affected_user.id
        match action.activity:
            case UserCreation():
                assert user_id not in state
                state[user_id] = (None, False)
            case UserDeletion():
                del state[user_id]
            case UserLicenseUpdate(previous, new):
                assert state[user_id][0] == previous != new
                state[user_id] = (new, state[user_id][1])
            case AdminRightsUpdate(granted):
                assert state[user_id][1] is not granted
                state[user_id] = (state[user_id][0], granted)
    return state


@given(STATES, STATES)
def test_the_difference_turns_the_list_before_into_the_list_after(before: State, after: State) -> None:
    assert apply(difference(users(before), users(after)), before) == after


@given(STATES)
def test_equal_lists_have_no_difference(state: State) -> None:
    assert list(difference(users(state), users(state))) == []


def test_a_new_user_is_created_then_licensed_then_made_admin() -> None:
    after = users({"a": ("Data Steward", True)})
    person = Person("a", "a@example.com")
    assert list(difference([], after)) == [
        Action(Role.AFTER, 2, person, UserCreation(), 0),
        Action(Role.AFTER, 2, person, UserLicenseUpdate(None, "Data Steward"), 1),
        Action(Role.AFTER, 2, person, AdminRightsUpdate(granted=True), 2),
    ]


def test_a_deletion_points_at_the_list_before() -> None:
    (action,) = difference(users({"a": ("Data Steward", True)}), [])
    assert (action.role, action.row_number, action.activity) == (Role.BEFORE, 2, UserDeletion())


def test_another_name_or_e_mail_is_no_activity() -> None:
    before = ListedUser(2, Person("a", "a@example.com", "Ada Byron"), None, admin_access=False)
    after = ListedUser(9, Person("a", "ada@example.com", "Ada Lovelace"), None, admin_access=False)
    assert list(difference([before], [after])) == []
