"""Rows held by columns: a sequence of rows, none of which is an object until it is asked for."""

from collections.abc import Iterable, Iterator, Sequence
from operator import itemgetter
from typing import Any, ClassVar, Generic, Self, TypeVar, overload

RowT = TypeVar("RowT")
ColumnsT = TypeVar("ColumnsT", bound=tuple[Sequence[Any], ...])


class ByColumns(Sequence[RowT], Generic[RowT, ColumnsT]):
    """*columns* is a named tuple of sequences, all of one length. A subclass tells how a row and its values relate."""

    __slots__ = ("columns",)
    columns_type: ClassVar[Any]

    def __init__(self, columns: ColumnsT) -> None:
        self.columns = columns

    @staticmethod
    def to_values(row: RowT) -> tuple[Any, ...]:
        """The values of *row*, one for each column."""
        raise NotImplementedError

    @staticmethod
    def to_row(*values: Any) -> RowT:  # noqa: ANN401 - one of each column
        """The row of *values*, one of each column."""
        raise NotImplementedError

    @classmethod
    def of(cls, rows: Iterable[RowT]) -> Self:
        """*rows* by columns; the very same object where they are."""
        if isinstance(rows, cls):
            return rows
        columns = list(zip(*map(cls.to_values, rows), strict=True)) or [()] * len(cls.columns_type._fields)
        return cls(cls.columns_type._make(columns))

    def taken(self, places: Sequence[int]) -> Self:
        """The rows at *places*, in their order. At least one place is given."""
        if len(places) == 1:
            # One place would be answered with the value itself.
            return self[places[0] : places[0] + 1]
        return type(self)(self.columns_type._make(map(itemgetter(*places), self.columns)))

    def __len__(self) -> int:
        return len(self.columns[0])

    def __iter__(self) -> Iterator[RowT]:
        return map(self.to_row, *self.columns)

    @overload
    def __getitem__(self, place: int) -> RowT: ...

    @overload
    def __getitem__(self, place: slice) -> Self: ...

    def __getitem__(self, place: int | slice) -> RowT | Self:
        if isinstance(place, slice):
            return type(self)(self.columns_type._make(column[place] for column in self.columns))
        return self.to_row(*(column[place] for column in self.columns))
