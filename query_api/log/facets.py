"""How many lines each value of a filter would select beside the other filters. Pure."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from query_api.log.filters import Selection
from query_api.log.reader import ValueCount


class Facet(StrEnum):
    """A filter whose values are counted."""

    ACTIVITY_TYPE = "activity_type"
    CHANNEL = "channel"
    LICENSE = "license"


MAX_VALUES = 100
"""How many values of a facet are answered. Licenses alone can be more: producers may spell any text."""
MAX_LICENSES = 1_000
"""How many are told of without counts."""


@dataclass(frozen=True, slots=True)
class FacetCounts:
    """The values with the most lines, and those that the filter names."""

    counts: Mapping[str, int]
    is_cut: bool = False
    """Whether other values have lines, too."""


Facets = Mapping[Facet, FacetCounts]


def without_facets(selection: Selection) -> Selection:
    """*selection* but for the filters that can be facets: what `facet_counts` needs the values of."""
    return replace(selection, activity_types=frozenset(), channels=frozenset(), licenses=frozenset())


def facet_counts(counts: Iterable[ValueCount], selection: Selection, facets: Collection[Facet]) -> Facets:
    """For each of *facets* its values, and how many lines fit each value and all other filters of *selection*.

    *counts* are of `without_facets(selection)`. A line that changes a license from one to another counts for both.
    At most `MAX_VALUES` of a facet, beside those that *selection* names.
    """
    wanted = {
        Facet.ACTIVITY_TYPE: selection.activity_types,
        Facet.CHANNEL: selection.channels,
        Facet.LICENSE: selection.licenses,
    }
    found: dict[Facet, Counter[str]] = {facet: Counter() for facet in facets}
    for count in counts:
        values = _values(count)
        unfit = {facet for facet in Facet if wanted[facet] and wanted[facet].isdisjoint(values[facet])}
        for facet in facets:
            if unfit <= {facet}:
                found[facet].update(dict.fromkeys(values[facet], count.lines))
    return {facet: _bounded(values, wanted[facet]) for facet, values in found.items()}


def _bounded(found: Counter[str], wanted: Collection[str]) -> FacetCounts:
    most = sorted(found, key=lambda value: (-found[value], value))
    kept = most[:MAX_VALUES] + [value for value in most[MAX_VALUES:] if value in wanted]
    return FacetCounts({value: found[value] for value in kept}, is_cut=len(kept) < len(found))


def _values(count: ValueCount) -> dict[Facet, set[str]]:
    return {
        Facet.ACTIVITY_TYPE: {count.activity_type},
        Facet.CHANNEL: {count.channel},
        Facet.LICENSE: {name for name in (count.previous_license, count.new_license) if name is not None},
    }
