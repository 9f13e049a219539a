"""The doubt that a short list raises: a list that was cut, filtered or mistaken reads as the deletion of the rest."""

from dataclasses import dataclass

MANY_DELETIONS = 20
MANY_PER_CENT = 10
SHOWN_ROWS = 5


@dataclass(frozen=True, slots=True)
class Deletions:
    """The deletions that two lists show, of *users* in the list before. A deletion erases, and cannot be undone."""

    users: int
    total: int
    first_rows: list[int]

    def doubt(self, confirmed: int | None) -> str | None:
        """Why nothing may be published, unless *confirmed* is just the number of deletions."""
        is_many = self.total > MANY_DELETIONS and self.total * 100 > self.users * MANY_PER_CENT
        if self.users == 0 or self.total == confirmed or not (is_many or confirmed is not None):
            return None
        rows = ", ".join(map(str, self.first_rows))
        return (
            f"{self.total} of {self.users} users of the list before are missing from the list after and would be "
            f"deleted and erased, first in row(s) {rows}. To confirm: --allow-deletions {self.total}"
        )
