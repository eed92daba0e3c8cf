"""The numbers of an entry that a filter compares, each in Python and in SQL; and what both forms
are made with: the columns that a store must be able to say, and the clause under construction.

A value that is unknown is None in Python and NULL in SQL.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol

from perftui.analysis.endpoints import registrable_domain, split_url, url_endpoint
from perftui.model import Record

Value = int | float | str | None
Get = Callable[[Record], Any]
Check = Callable[[Record], bool]


class Column(NamedTuple):
    """How a store says one of the :data:`LOGICAL_COLUMNS`.

    Attributes:
        value: an SQL expression of the row: text, a number, or NULL.
        among: for text that is interned: a test of the row with ``{test}`` in place of a test of
            the text, such as ``e.url IN (SELECT id FROM url WHERE {test})``, so that each
            distinct text is looked at once. None tests ``value`` itself.
        text: what the text is called within ``{test}``.
        since_start: for a moment: the same in µs since the start of the row's entry, where the
            store has it so; NULL exactly where ``value`` is.
    """

    value: str
    among: str | None = None
    text: str = ""
    since_start: str = ""


LOGICAL_COLUMNS: tuple[str, ...] = (
    "seq",  # position in the store
    "session_id",
    "page_view_id",
    "page_view_number",
    "page_origin",  # origin, host and registrable domain of the pageview's URL, as
    "page_host",  # `endpoints.split_url` and `registrable_domain` give them; NULL where empty
    "page_site",
    "entry_type",
    "url",  # the name, where it is interned as a URL (requests at least); else NULL
    "label",  # the name, where it is not; else NULL
    "origin",  # of the URL, as those of the page
    "host",
    "site",
    "endpoint",  # `endpoints.url_endpoint` of the URL: without the method
    "start_us",  # times: integer µs since the time origin, NULL where unknown
    "duration_us",
    "initiator_type",
    "method",
    "next_hop_protocol",
    "content_type",
    "content_encoding",
    "delivery_type",
    "render_blocking_status",
    "response_status",
    "worker_start_us",
    "redirect_start_us",
    "redirect_end_us",
    "fetch_start_us",
    "domain_lookup_start_us",
    "domain_lookup_end_us",
    "connect_start_us",
    "secure_connection_start_us",
    "connect_end_us",
    "request_start_us",
    "first_interim_response_start_us",
    "final_response_headers_start_us",
    "response_start_us",
    "response_end_us",
    "transfer_size",
    "encoded_body_size",
    "decoded_body_size",
    "extra",  # JSON text, or NULL where there is none
    "duplicate",  # 1 where another request of the same pageview has the same method and URL
)
"""What a store must be able to say of a row, as a :class:`Column` or as an SQL expression alone;
only the columns that a filter really asks for are looked up. ``duplicate`` may be missing: then
the filter's context must know the duplicates."""


class Surroundings(Protocol):
    """What the Python form must know beside the record (``filters.FilterContext``)."""

    def page_url(self, page_view_id: str) -> str | None:
        """The URL of a pageview; None where it is not known."""
        ...

    def is_duplicate(self, record: Record) -> bool:
        """Whether another request of the pageview has the same method and URL."""
        ...


class Sql:
    """A WHERE clause under construction: the columns of the store and the bound values, in the
    order in which their question marks stand in the text."""

    def __init__(self, columns: Mapping[str, Column | str]) -> None:
        self._columns = columns
        self.parameters: list[Value] = []

    def has(self, name: str) -> bool:
        """Whether the store can say this column."""
        return name in self._columns

    def column(self, name: str) -> Column:
        """How the store says a column."""
        found = self._columns[name]
        return Column(found) if isinstance(found, str) else found

    def bind(self, value: Value) -> str:
        """A question mark, and the value for it."""
        self.parameters.append(value)
        return "?"


# --- values -----------------------------------------------------------------------------------


class Expression(Protocol):
    """A number of an entry, or None."""

    def getter(self, around: Surroundings) -> Get:
        """The Python form."""
        ...

    def sql(self, sql: Sql) -> str:
        """The SQL form, in parentheses where it needs them."""
        ...


class Test(Protocol):
    """A question about an entry."""

    def check(self, around: Surroundings) -> Check:
        """The Python form."""
        ...

    def sql(self, sql: Sql, negated: bool = False) -> str:
        """The SQL form, in parentheses where it needs them; its negation where ``negated``."""
        ...


_ENTRY_ATTRIBUTES = frozenset(LOGICAL_COLUMNS[LOGICAL_COLUMNS.index("start_us") : -2])


class Field(NamedTuple):
    """One logical column."""

    name: str

    def getter(self, around: Surroundings) -> Get:
        name = self.name
        if name in _ENTRY_ATTRIBUTES:
            return lambda record: getattr(record.entry, name)
        match name:
            case "seq" | "session_id" | "page_view_id" | "page_view_number":
                return lambda record: getattr(record, name)
            case "entry_type":
                return lambda record: record.entry.entry_type
            case "url":
                return lambda record: record.entry.name if record.entry.is_request else None
            case "label":
                return lambda record: None if record.entry.is_request else record.entry.name
            case "page_origin" | "page_host" | "page_site":
                part = _URL_PARTS[name.removeprefix("page_")]
                return lambda record: part(around.page_url(record.page_view_id) or "") or None
            case "origin" | "host" | "site" | "endpoint":
                part = _URL_PARTS[name]
                return lambda record: (
                    part(record.entry.name) or None if record.entry.is_request else None
                )
        raise AssertionError(name)

    def sql(self, sql: Sql) -> str:
        return sql.column(self.name).value


def _site(url: str) -> str:
    host = split_url(url).host
    return registrable_domain(host) if host else ""


_URL_PARTS: dict[str, Callable[[str], str]] = {
    "origin": lambda url: split_url(url).origin,
    "host": lambda url: split_url(url).host,
    "site": _site,
    "endpoint": url_endpoint,
}


class ExtraNumber(NamedTuple):
    """A number in ``extra``, under its wire name."""

    name: str

    def getter(self, around: Surroundings) -> Get:
        name = self.name

        def get(record: Record) -> float | int | None:
            value = record.entry.extra.get(name)
            if isinstance(value, bool) or not isinstance(value, int | float):
                return None
            return value

        return get

    def sql(self, sql: Sql) -> str:
        extra = sql.column("extra").value
        path = json_path(self.name)
        return (
            f"(CASE WHEN json_type({extra}, '{path}') IN ('integer', 'real')"
            f" THEN json_extract({extra}, '{path}') END)"
        )


class Microseconds(NamedTuple):
    """A number of milliseconds as whole µs."""

    inner: Expression

    def getter(self, around: Surroundings) -> Get:
        inner = self.inner.getter(around)

        def get(record: Record) -> int | None:
            value = inner(record)
            return None if value is None else _to_microseconds(value)

        return get

    def sql(self, sql: Sql) -> str:
        return f"CAST({self.inner.sql(sql)} * 1000 + 0.5 AS INTEGER)"


def _to_microseconds(milliseconds: float) -> int:
    """Half a µs up and the rest cut towards zero, as ``CAST(x * 1000 + 0.5 AS INTEGER)`` does;
    beyond 64 bits SQLite stays at the limit."""
    return int(min(max(milliseconds * 1000 + 0.5, -(2.0**63)), 2.0**63 - 1025))


class Difference(NamedTuple):
    """``left - right``, at least 0; None where either is."""

    left: Expression
    right: Expression

    def getter(self, around: Surroundings) -> Get:
        left, right = self.left.getter(around), self.right.getter(around)

        def get(record: Record) -> float | int | None:
            a = left(record)
            if a is None:
                return None
            b = right(record)
            return None if b is None else max(0, a - b)

        return get

    def sql(self, sql: Sql) -> str:
        return f"max(0, {self.left.sql(sql)} - {self.right.sql(sql)})"


class FirstKnown(NamedTuple):
    """The first of some values that is not None."""

    inner: tuple[Expression, ...]

    def getter(self, around: Surroundings) -> Get:
        getters = [expression.getter(around) for expression in self.inner]

        def get(record: Record) -> Any:
            for getter in getters:
                value = getter(record)
                if value is not None:
                    return value
            return None

        return get

    def sql(self, sql: Sql) -> str:
        return f"coalesce({', '.join(expression.sql(sql) for expression in self.inner)})"


class Sum(NamedTuple):
    """A sum; what is None in it counts as 0."""

    inner: tuple[Expression, ...]

    def getter(self, around: Surroundings) -> Get:
        getters = [expression.getter(around) for expression in self.inner]
        return lambda record: sum([getter(record) or 0 for getter in getters])

    def sql(self, sql: Sql) -> str:
        terms = [f"coalesce({expression.sql(sql)}, 0)" for expression in self.inner]
        return f"({' + '.join(terms)})"


class Where(NamedTuple):
    """A value where a test holds, else another one (None by default)."""

    test: Test
    then: Expression
    otherwise: Expression | None = None

    def getter(self, around: Surroundings) -> Get:
        check, then = self.test.check(around), self.then.getter(around)
        if self.otherwise is None:
            return lambda record: then(record) if check(record) else None
        otherwise = self.otherwise.getter(around)
        return lambda record: then(record) if check(record) else otherwise(record)

    def sql(self, sql: Sql) -> str:
        text = f"(CASE WHEN {self.test.sql(sql)} THEN {self.then.sql(sql)}"
        if self.otherwise is not None:
            text += f" ELSE {self.otherwise.sql(sql)}"
        return text + " END)"


def json_path(name: str) -> str:
    """The SQLite JSON path of a top-level field; the name holds no quote and no backslash."""
    return f'$."{name}"'
