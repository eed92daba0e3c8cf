"""A filter in ClickHouse's SQL, over the columns of ``performance_entries``.

It is made from the same tree as the filter's Python form and its form for the local store, and a
test holds it to them. As there, what is unknown passes no test and fails no negation, so each test
of a row is made a plain 0 or 1 (``ifNull(…, 0)``) before anything is combined or negated.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from perftui.analysis.endpoints import registrable_domain
from perftui.analysis.filter_fields import HasType
from perftui.analysis.filter_functions import lower
from perftui.analysis.filter_terms import (
    Both,
    Compare,
    Constant,
    Contains,
    Either,
    EndsWith,
    ExtraKnown,
    ExtraMatches,
    ExtraTrue,
    IsDuplicate,
    Known,
    Matches,
    Not,
    SameText,
    StartsWithId,
    TextIs,
)
from perftui.analysis.filter_values import (
    Difference,
    ExtraNumber,
    Field,
    FirstKnown,
    Microseconds,
    Sum,
    Where,
)
from perftui.analysis.filters import Filter
from perftui.entry_fields import ENTRY_FIELDS, REQUEST_ENTRY_TYPES
from perftui.errors import UsageError
from perftui.export.clickhouse import ClickHouse
from perftui.export.clickhouse_schema import ENTRIES, quoted

IS_REQUEST = f"entry_type IN ({', '.join(quoted(one) for one in sorted(REQUEST_ENTRY_TYPES))})"


def _origin(url: str) -> str:
    """Scheme, host and port of a URL, without the scheme's own port; NULL where it has no host."""
    told = f"lower(extract({url}, {quoted('^([A-Za-z][A-Za-z0-9+.-]*://[^/?#]+)')}))"
    usual = quoted("^(?:(http://.*):80|(https://.*):443)$")
    return f"nullIf(replaceRegexpOne({told}, {usual}, {quoted(chr(92) + '1' + chr(92) + '2')}), '')"


def host_of(url: str) -> str:
    """SQL for the host of a URL; empty where it has none."""
    pattern = r"^[A-Za-z][A-Za-z0-9+.-]*://(?:[^/?#@]*@)?(\[[^\]]*\]|[^/?#:]*)"
    return f"trimRight(trim(BOTH '[]' FROM lower(extract({url}, {quoted(pattern)}))), '.')"


PAGE_HOST = host_of("ifNull(page_url, '')")


def page_sites(clickhouse: ClickHouse, where: str = "1") -> dict[str, str]:
    """Host of a page -> its registrable domain, for all pages there.

    Args:
        where: of which rows, as SQL.
    """
    rows = clickhouse.rows(
        f"SELECT DISTINCT {PAGE_HOST} AS page_host FROM {ENTRIES}"
        f" WHERE {where} AND page_host != '' ORDER BY page_host"
    )
    return {str(host): registrable_domain(str(host)) for (host,) in rows}


def page_site(sites: Mapping[str, str]) -> str:
    """SQL for the registrable domain of a row's page; NULL where it is not known."""
    hosts = ", ".join(map(quoted, sites)) or "''"
    domains = ", ".join(map(quoted, sites.values())) or "''"
    return f"nullIf(transform({PAGE_HOST}, [{hosts}], [{domains}], ''), '')"


_COLUMNS: Mapping[str, str] = {
    "session_id": "session_id",
    "page_view_id": "page_view_id",
    "page_origin": _origin("ifNull(page_url, '')"),
    "page_host": f"nullIf({PAGE_HOST}, '')",
    "entry_type": "entry_type",
    "url": f"if({IS_REQUEST}, name, NULL)",
    "label": f"if({IS_REQUEST}, NULL, name)",
    "origin": f"if({IS_REQUEST}, {_origin('name')}, NULL)",
    "host": "nullIf(host, '')",
    "site": "nullIf(site, '')",
    "endpoint": "nullIf(endpoint, '')",
    "start_us": "start_us",
    "duration_us": "duration_us",
    **{field.attribute: field.attribute for field in ENTRY_FIELDS},
    "duplicate": (
        f"({IS_REQUEST} AND (session_id, page_view_id, ifNull(method, ''), name) IN (SELECT session_id, page_view_id,"
        f" ifNull(method, ''), name FROM {ENTRIES} FINAL WHERE {IS_REQUEST}"
        " GROUP BY ALL HAVING count() > 1))"
    ),
}
"""Logical column of a filter -> SQL. ``page_site`` is given by the caller, as only he knows which
registrable domain a page's host is of."""

_EXTRA_TEXTS: Mapping[str, tuple[tuple[str, ...], str]] = {
    # Test of `extra` -> its fields, and how a text is compared with the argument.
    "error": (("error",), "{text} != ''"),
    "level": (("level",), "lower({text}) = {argument}"),
    "priority": (("priority", "_priority"), "lower({text}) = {argument}"),
    "remote-address": (
        ("serverIPAddress", "remoteAddress"),
        "position(lower({text}), {argument}) > 0",
    ),
    "text": (
        ("message", "selector", "url", "source"),
        "position(lower({text}), {argument}) > 0",
    ),
}


class FilterSql:
    """Tests as conditions.

    Args:
        page_site: SQL for the registrable domain of the page's URL, NULL where it is not known.
    """

    def __init__(self, page_site: str = "NULL") -> None:
        self._columns = {**_COLUMNS, "page_site": page_site}

    def condition(self, test: Any) -> str:
        """A test, or a whole :class:`perftui.analysis.filters.Filter`, as a condition that is 0
        or 1.

        Raises:
            UsageError: it asks for something that only the local store can tell.
        """
        if isinstance(test, Filter):
            test = test.test
        match test:
            case Constant(value):
                return str(int(value))
            case Both(parts):
                return "(" + " AND ".join(map(self.condition, parts)) + ")"
            case Either(parts):
                return "(" + " OR ".join(map(self.condition, parts)) + ")"
            case Not(part):
                return f"(NOT {self.condition(part)})"
            case _:
                return f"ifNull(({self._leaf(test)}), 0)"

    def _leaf(self, test: Any) -> str:
        match test:
            case Compare(left, operator, right):
                other = repr(right) if isinstance(right, int | float) else self.value(right)
                return f"{self.value(left)} {operator} {other}"
            case Known(value):
                return f"{self.value(value)} IS NOT NULL"
            case TextIs(field, texts):
                return f"lower({self._column(field)}) IN ({', '.join(quoted(lower(one)) for one in texts)})"
            case Contains(field, needle):
                return f"position(lower({self._column(field)}), {quoted(lower(needle))}) > 0"
            case EndsWith(field, ending):
                return f"endsWith(lower({self._column(field)}), {quoted(lower(ending))})"
            case Matches(field, pattern):
                return f"match({self._column(field)}, {quoted('(?i)' + pattern)})"
            case StartsWithId(field, beginning):
                return f"startsWith({self._column(field)}, {quoted(beginning)})"
            case SameText(left, right):
                return f"{self._column(left)} = {self._column(right)}"
            case HasType(kinds):
                return f"resource_type IN ({', '.join(map(quoted, kinds))})"
            case IsDuplicate():
                return self._column("duplicate")
            case ExtraKnown(name):
                return (
                    f"JSONHas(extra, {quoted(name)}) AND JSONType(extra, {quoted(name)}) != 'Null'"
                )
            case ExtraTrue(name):
                return f"JSONType(extra, {quoted(name)}) = 'Bool' AND JSONExtractBool(extra, {quoted(name)})"
            case ExtraMatches(name, argument) if name in _EXTRA_TEXTS:
                fields, compared = _EXTRA_TEXTS[name]
                return " OR ".join(
                    "("
                    + f"JSONType(extra, {quoted(field)}) = 'String' AND "
                    + compared.format(
                        text=f"JSONExtractString(extra, {quoted(field)})",
                        argument=quoted(lower(argument)),
                    )
                    + ")"
                    for field in fields
                )
            case _:
                raise _only_here(type(test).__name__, test)

    def value(self, expression: Any) -> str:
        """A number of a row, NULL where it is not known."""
        match expression:
            case Field(name):
                return self._column(name)
            case Difference(left, right):
                difference = f"{self.value(left)} - {self.value(right)}"
                return f"if(({difference}) < 0, 0, {difference})"
            case FirstKnown(inner):
                return f"coalesce({', '.join(map(self.value, inner))})"
            case Sum(inner):
                return "(" + " + ".join(f"ifNull({self.value(one)}, 0)" for one in inner) + ")"
            case Where(test, then, otherwise):
                other = "NULL" if otherwise is None else self.value(otherwise)
                return f"if({self.condition(test)}, {self.value(then)}, {other})"
            case Microseconds(inner):
                return f"toInt64({self.value(inner)} * 1000 + 0.5)"
            case ExtraNumber(name):
                return (
                    f"if(JSONType(extra, {quoted(name)}) IN ('Int64', 'UInt64', 'Double'),"
                    f" JSONExtractFloat(extra, {quoted(name)}), NULL)"
                )
            case _:
                raise _only_here(type(expression).__name__, expression)

    def _column(self, name: str) -> str:
        try:
            return self._columns[name]
        except KeyError:
            raise _only_here(name, name) from None


_WORDS: Mapping[str, Callable[[Any], str]] = {
    "ExtraMatches": lambda test: f"{test.name.replace('_', '-')}:",
    "page_view_number": lambda _: "pageview: by number (its ID can be asked for)",
}


def _only_here(kind: str, asked: Any) -> UsageError:
    told = _WORDS.get(kind)
    what = told(asked) if told is not None else kind
    return UsageError(
        f"ClickHouse cannot be asked for {what}; `perftui pull` a session and ask the local store"
    )
