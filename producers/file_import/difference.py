"""What must have happened between two user lists: a merge join, pure and in constant memory."""

from collections.abc import Iterable, Iterator

from producers.file_import.rows import Action, ListedUser, Role
from schemas.events import Activity, AdminRightsUpdate, UserCreation, UserDeletion, UserLicenseUpdate


def difference(before: Iterable[ListedUser], after: Iterable[ListedUser]) -> Iterator[Action]:
    """The actions that turn *before* into *after*, both sorted by user id and without a user twice.

    A user's creation comes first, then their license, then their admin rights. Who is only in *before* was deleted.
    Another name or e-mail is no activity.
    """
    for old, new in _pairs(iter(before), iter(after)):
        if new is None:
            if old is not None:
                yield Action(Role.BEFORE, old.row_number, old.person, UserDeletion())
        else:
            for rank, activity in enumerate(_activities(old, new)):
                yield Action(Role.AFTER, new.row_number, new.person, activity, rank)


def _activities(old: ListedUser | None, new: ListedUser) -> Iterator[Activity]:
    had_license, had_admin_access = (None, False) if old is None else (old.license, old.admin_access)
    if old is None:
        yield UserCreation()
    if new.license != had_license:
        yield UserLicenseUpdate(had_license, new.license)
    if new.admin_access != had_admin_access:
        yield AdminRightsUpdate(new.admin_access)


def _pairs(
    before: Iterator[ListedUser], after: Iterator[ListedUser]
) -> Iterator[tuple[ListedUser | None, ListedUser | None]]:
    old, new = next(before, None), next(after, None)
    while old is not None or new is not None:
        if new is None or (old is not None and old.person.id < new.person.id):
            yield old, None
            old = next(before, None)
        elif old is None or new.person.id < old.person.id:
            yield None, new
            new = next(after, None)
        else:
            yield old, new
            old, new = next(before, None), next(after, None)
