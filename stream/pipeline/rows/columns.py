"""Rows held by columns: a sequence of rows, none of which is an object until it is asked for."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from operator import itemgetter
from typing import Any, ClassVar, Generic, Self, TypeVar, get_type_hints, overload
from uuid import UUID

from schemas.fields import from_micros, to_micros

_FROM_COLUMN: dict[Any, Callable[[Any], Any]] = {
    datetime: from_micros,
    UUID: UUID,
    UUID | None: lambda text: None if text is None else UUID(text),
}
"""What makes a row's value of a column's, by the type that the row declares. Others are the same in both."""

RowT = TypeVar("RowT")
ColumnsT = TypeVar("ColumnsT", bound=tuple[Sequence[Any], ...])


class ByColumns(Sequence[RowT], Generic[RowT, ColumnsT]):
    """*columns* is a named tuple of sequences, all of one length, with a field for each of the rows'.

    In columns, times are microseconds since 1970, and UUIDs canonical texts. A subclass names both types.
    """

    __slots__ = ("columns",)
    row_type: ClassVar[Any]
    columns_type: ClassVar[Any]
    _makes: ClassVar[list[Callable[[Any], Any]]]

    def __init_subclass__(cls) -> None:
        cls._makes = [_FROM_COLUMN.get(kind, _same) for kind in get_type_hints(cls.row_type).values()]

    def __init__(self, columns: ColumnsT) -> None:
        self.columns = columns

    @classmethod
    def to_row(cls, *values: Any) -> RowT:  # noqa: ANN401 - one of each column
        """The row of *values*, one of each column."""
        row: RowT = cls.row_type._make(make(value) for make, value in zip(cls._makes, values, strict=True))
        return row

    @classmethod
    def of(cls, rows: Iterable[RowT]) -> Self:
        """*rows* by columns; the very same object where they are."""
        if isinstance(rows, cls):
            return rows
        columns = list(zip(*map(_values, rows), strict=True)) or [()] * len(cls.columns_type._fields)
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


def _values(row: Any) -> list[Any]:  # noqa: ANN401 - a row of any type
    """The values of *row*, one for each column."""
    return [_value(value) for value in row]


def _value(value: object) -> object:
    if isinstance(value, UUID):
        return str(value)
    return to_micros(value) if isinstance(value, datetime) else value


def _same(value: Any) -> Any:  # noqa: ANN401 - whatever it is
    return value
