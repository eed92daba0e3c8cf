"""What filters are made of: values of an entry and tests of them, each in Python and in SQL.

A filter is compiled once, to a tree of these. Both forms come from the same tree, so that they
give the same answer. A value that is unknown is None in Python and NULL in SQL; a test of it is
false, and its negation true, in both.

Text is compared without regard to the case of ASCII letters: that is what SQLite's ``lower`` does.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple, Protocol

from perftui.analysis.endpoints import registrable_domain, split_url, url_endpoint
from perftui.analysis.resource_type import resource_type
from perftui.entry_fields import REQUEST_ENTRY_TYPES
from perftui.model import JSON, Entry, Record

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
    """

    value: str
    among: str | None = None
    text: str = ""


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


# --- tests ------------------------------------------------------------------------------------


class Test(Protocol):
    """A question about an entry."""

    def check(self, around: Surroundings) -> Check:
        """The Python form."""
        ...

    def sql(self, sql: Sql, negated: bool = False) -> str:
        """The SQL form, in parentheses where it needs them; its negation where ``negated``."""
        ...


def _negate(condition: str, negated: bool) -> str:
    """A leaf: NULL counts as false, also below a negation."""
    return f"(({condition}) IS NOT TRUE)" if negated else f"({condition})"


class Constant(NamedTuple):
    """Always or never."""

    value: bool

    def check(self, around: Surroundings) -> Check:
        value = self.value
        return lambda record: value

    def sql(self, sql: Sql, negated: bool = False) -> str:
        return "1" if self.value is not negated else "0"


class Both(NamedTuple):
    """All of some tests."""

    parts: tuple[Test, ...]

    def check(self, around: Surroundings) -> Check:
        checks = [part.check(around) for part in self.parts]
        return lambda record: _all(checks, record)

    def sql(self, sql: Sql, negated: bool = False) -> str:
        word = " OR " if negated else " AND "
        return "(" + word.join([part.sql(sql, negated) for part in self.parts]) + ")"


class Either(NamedTuple):
    """Any of some tests."""

    parts: tuple[Test, ...]

    def check(self, around: Surroundings) -> Check:
        checks = [part.check(around) for part in self.parts]
        return lambda record: _any(checks, record)

    def sql(self, sql: Sql, negated: bool = False) -> str:
        word = " AND " if negated else " OR "
        return "(" + word.join([part.sql(sql, negated) for part in self.parts]) + ")"


class Not(NamedTuple):
    """The opposite."""

    part: Test

    def check(self, around: Surroundings) -> Check:
        check = self.part.check(around)
        return lambda record: not check(record)

    def sql(self, sql: Sql, negated: bool = False) -> str:
        return self.part.sql(sql, not negated)


def _all(checks: Sequence[Check], record: Record) -> bool:
    return all(check(record) for check in checks)


def _any(checks: Sequence[Check], record: Record) -> bool:
    return any(check(record) for check in checks)


_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda a, b: a == b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
}


class Compare(NamedTuple):
    """A number of the entry against another number: ``= > >= < <=``."""

    left: Expression
    operator: str
    right: int | float | Expression

    def check(self, around: Surroundings) -> Check:
        left, compare = self.left.getter(around), _OPERATORS[self.operator]
        if isinstance(self.right, int | float):
            number = self.right

            def check_number(record: Record) -> bool:
                value = left(record)
                return value is not None and compare(value, number)

            return check_number
        right = self.right.getter(around)

        def check(record: Record) -> bool:
            value = left(record)
            if value is None:
                return False
            other = right(record)
            return other is not None and compare(value, other)

        return check

    def sql(self, sql: Sql, negated: bool = False) -> str:
        left = self.left.sql(sql)
        if isinstance(self.right, int | float):
            right = sql.bind(self.right)
        else:
            right = self.right.sql(sql)
        return _negate(f"{left} {self.operator} {right}", negated)


class Known(NamedTuple):
    """Whether a value is known at all."""

    value: Expression

    def check(self, around: Surroundings) -> Check:
        get = self.value.getter(around)
        return lambda record: get(record) is not None

    def sql(self, sql: Sql, negated: bool = False) -> str:
        return f"({self.value.sql(sql)} IS {'' if negated else 'NOT '}NULL)"


_LOWER = str.maketrans({code: chr(code + 32) for code in range(ord("A"), ord("Z") + 1)})


def lower(text: str) -> str:
    """ASCII letters in lower case, as SQLite's ``lower``."""
    return text.translate(_LOWER)


class TextIs(NamedTuple):
    """Whether a text is one of some, in any case."""

    field: str
    texts: tuple[str, ...]

    def check(self, around: Surroundings) -> Check:
        get = Field(self.field).getter(around)
        wanted = frozenset(lower(text) for text in self.texts)

        def check(record: Record) -> bool:
            value = get(record)
            return value is not None and lower(value) in wanted

        return check

    def sql(self, sql: Sql, negated: bool = False) -> str:
        def test(text: str) -> str:
            marks = ", ".join([sql.bind(lower(one)) for one in self.texts])
            return f"lower({text}) IN ({marks})"

        return _among(sql, self.field, test, negated)


class Contains(NamedTuple):
    """Whether a text contains another, in any case."""

    field: str
    needle: str

    def check(self, around: Surroundings) -> Check:
        get = Field(self.field).getter(around)
        needle = lower(self.needle)

        def check(record: Record) -> bool:
            value = get(record)
            return value is not None and needle in lower(value)

        return check

    def sql(self, sql: Sql, negated: bool = False) -> str:
        def test(text: str) -> str:
            return f"instr(lower({text}), {sql.bind(lower(self.needle))}) > 0"

        return _among(sql, self.field, test, negated)


class EndsWith(NamedTuple):
    """Whether a text ends with another, in any case."""

    field: str
    ending: str

    def check(self, around: Surroundings) -> Check:
        get = Field(self.field).getter(around)
        ending = lower(self.ending)

        def check(record: Record) -> bool:
            value = get(record)
            return value is not None and lower(value).endswith(ending)

        return check

    def sql(self, sql: Sql, negated: bool = False) -> str:
        def test(text: str) -> str:
            return f"substr(lower({text}), -{len(self.ending)}) = {sql.bind(lower(self.ending))}"

        return _among(sql, self.field, test, negated)


class Matches(NamedTuple):
    """Whether a regular expression (Python's, in any case) is found in a text."""

    field: str
    pattern: str

    def check(self, around: Surroundings) -> Check:
        get = Field(self.field).getter(around)
        search = compile_pattern(self.pattern).search

        def check(record: Record) -> bool:
            value = get(record)
            return value is not None and search(value) is not None

        return check

    def sql(self, sql: Sql, negated: bool = False) -> str:
        def test(text: str) -> str:
            return f"perftui_regexp({sql.bind(self.pattern)}, {text})"

        return _among(sql, self.field, test, negated)


class StartsWithId(NamedTuple):
    """Whether an ID begins with a text; IDs have their case."""

    field: str
    beginning: str

    def check(self, around: Surroundings) -> Check:
        get = Field(self.field).getter(around)
        beginning = self.beginning

        def check(record: Record) -> bool:
            value = get(record)
            return value is not None and value.startswith(beginning)

        return check

    def sql(self, sql: Sql, negated: bool = False) -> str:
        def test(text: str) -> str:
            return f"substr({text}, 1, {len(self.beginning)}) = {sql.bind(self.beginning)}"

        return _among(sql, self.field, test, negated)


def _among(sql: Sql, field: str, test: Callable[[str], str], negated: bool) -> str:
    """A test of a text: of the row's own, or of the interned texts that the row refers to."""
    column = sql.column(field)
    if column.among is None:
        return _negate(test(column.value), negated)
    before, _, after = column.among.partition("{test}")
    return _negate(before + test(column.text) + after, negated)


class SameText(NamedTuple):
    """Whether two texts of the row are known and equal."""

    left: str
    right: str

    def check(self, around: Surroundings) -> Check:
        left, right = Field(self.left).getter(around), Field(self.right).getter(around)

        def check(record: Record) -> bool:
            value = left(record)
            return value is not None and value == right(record)

        return check

    def sql(self, sql: Sql, negated: bool = False) -> str:
        left, right = sql.column(self.left).value, sql.column(self.right).value
        return _negate(f"{left} = {right}", negated)


class ExtraKnown(NamedTuple):
    """Whether ``extra`` has a field that is not null."""

    name: str

    def check(self, around: Surroundings) -> Check:
        name = self.name
        return lambda record: record.entry.extra.get(name) is not None

    def sql(self, sql: Sql, negated: bool = False) -> str:
        extra = sql.column("extra").value
        kind = f"json_type({extra}, '{json_path(self.name)}')"
        return _negate(f"{kind} IS NOT NULL AND {kind} <> 'null'", negated)


class ExtraTrue(NamedTuple):
    """Whether a field of ``extra`` is true."""

    name: str

    def check(self, around: Surroundings) -> Check:
        name = self.name
        return lambda record: record.entry.extra.get(name) is True

    def sql(self, sql: Sql, negated: bool = False) -> str:
        extra = sql.column("extra").value
        return _negate(f"json_type({extra}, '{json_path(self.name)}') = 'true'", negated)


class ExtraMatches(NamedTuple):
    """A test of ``extra`` that is written in Python only (headers, cookies): the store calls it
    as a function. ``name`` is one of :data:`EXTRA_TESTS`."""

    name: str
    argument: str

    def check(self, around: Surroundings) -> Check:
        test, argument = EXTRA_TESTS[self.name], self.argument

        def check(record: Record) -> bool:
            extra = record.entry.extra
            return bool(extra) and test(extra, argument)

        return check

    def sql(self, sql: Sql, negated: bool = False) -> str:
        extra = sql.column("extra").value
        name, argument = sql.bind(self.name), sql.bind(self.argument)
        call = f"perftui_extra({name}, {argument}, {extra})"
        return _negate(f"CASE WHEN {extra} IS NOT NULL THEN {call} END", negated)


class IsDuplicate(NamedTuple):
    """Whether another request of the pageview has the same method and URL."""

    seqs: str | None
    """The positions of all duplicates as a JSON array, for stores that cannot say it."""

    def check(self, around: Surroundings) -> Check:
        return around.is_duplicate

    def sql(self, sql: Sql, negated: bool = False) -> str:
        if sql.has("duplicate"):
            return _negate(f"{sql.column('duplicate').value} = 1", negated)
        seq = sql.column("seq").value
        listed = sql.bind(self.seqs or "[]")
        return _negate(f"{seq} IN (SELECT value FROM json_each({listed}))", negated)


class AtLeastUsual(NamedTuple):
    """Whether a duration is at least what its endpoint's limit says.

    Attributes:
        limits: endpoint (with the method where there is one) to µs, as a JSON object.
        floor_us: no limit is lower; spares the look-up for most rows.
    """

    duration: Expression
    limits: str
    floor_us: int

    def check(self, around: Surroundings) -> Check:
        duration = self.duration.getter(around)
        endpoint = Field("endpoint").getter(around)
        limits = _decode_limits(self.limits)

        def check(record: Record) -> bool:
            took = duration(record)
            if took is None or took < self.floor_us:
                return False
            name = endpoint(record)
            method = record.entry.method
            limit = limits.get(f"{method.upper()} {name}" if method else name)
            return limit is not None and took >= limit

        return check

    def sql(self, sql: Sql, negated: bool = False) -> str:
        duration = self.duration.sql(sql)
        floor = sql.bind(self.floor_us)
        again = self.duration.sql(sql)
        limits = sql.bind(self.limits)
        method = sql.column("method").value
        name = f"coalesce(upper({method}) || ' ', '') || {sql.column('endpoint').value}"
        return _negate(
            f"CASE WHEN {duration} >= {floor} THEN {again} >="
            f" (SELECT value FROM json_each({limits}) WHERE key = {name}) END",
            negated,
        )


@lru_cache(maxsize=8)
def _decode_limits(limits: str) -> dict[str, int]:
    import msgspec

    return msgspec.json.decode(limits, type=dict[str, int])


IS_REQUEST = TextIs("entry_type", tuple(sorted(REQUEST_ENTRY_TYPES)))


def json_path(name: str) -> str:
    """The SQLite JSON path of a top-level field; the name holds no quote and no backslash."""
    return f'$."{name}"'


# --- functions that a store registers ---------------------------------------------------------


@lru_cache(maxsize=256)
def compile_pattern(pattern: str) -> re.Pattern[str]:
    """A regular expression as filters read it: in any case of letters.

    Raises:
        re.error: it is not one.
    """
    return re.compile(pattern, re.IGNORECASE)


def regexp(pattern: str, text: str | None) -> int | None:
    """``perftui_regexp(pattern, text)`` in SQL."""
    if text is None:
        return None
    return int(compile_pattern(pattern).search(text) is not None)


def extra_test(name: str, argument: str, extra: str | None) -> int | None:
    """``perftui_extra(name, argument, extra)`` in SQL."""
    import msgspec

    if extra is None:
        return None
    return int(EXTRA_TESTS[name](msgspec.json.decode(extra), argument))


def has_type(
    kinds: str,
    entry_type: str,
    initiator_type: str | None,
    content_type: str | None,
    url: str | None,
) -> int:
    """``perftui_has_type(kinds, …)`` in SQL: whether a request is of one of some kinds."""
    entry = Entry(
        entry_type=entry_type,
        name=url or "",
        start_us=0,
        initiator_type=initiator_type,
        content_type=content_type,
    )
    return int(resource_type(entry).value in kinds.split())


SQL_FUNCTIONS: tuple[tuple[str, int, Callable[..., int | None]], ...] = (
    ("perftui_regexp", 2, regexp),
    ("perftui_extra", 3, extra_test),
    ("perftui_has_type", 5, has_type),
)
"""Name, number of arguments and function of what a store must register on a connection before it
runs a filter. All are deterministic."""


def headers(extra: Mapping[str, JSON], which: str) -> list[tuple[str, str]]:
    """The ``request`` or ``response`` headers that a source told: from ``requestHeaders`` and
    ``responseHeaders``, which may be an object, a list of pairs, or HAR's list of name and value.
    """
    told = extra.get(f"{which}Headers")
    found: list[tuple[str, str]] = []
    if isinstance(told, dict):
        pairs: Sequence[Any] = list(told.items())
    elif isinstance(told, list):
        pairs = told
    else:
        return found
    for pair in pairs:
        if isinstance(pair, dict):
            name, value = pair.get("name"), pair.get("value")
        elif isinstance(pair, list | tuple) and len(pair) == 2:
            name, value = pair
        else:
            continue
        if isinstance(name, str) and isinstance(value, str):
            found.append((name, value))
    return found


def _has_header(which: str) -> Callable[[Mapping[str, JSON], str], bool]:
    def test(extra: Mapping[str, JSON], argument: str) -> bool:
        name, _, part = lower(argument).partition("=")
        return any(
            lower(known) == name and part in lower(value) for known, value in headers(extra, which)
        )

    return test


def _set_cookie(what: str) -> Callable[[Mapping[str, JSON], str], bool]:
    def test(extra: Mapping[str, JSON], argument: str) -> bool:
        wanted = lower(argument)
        for name, value in headers(extra, "response"):
            if lower(name) != "set-cookie":
                continue
            for cookie in value.split("\n"):
                first, *attributes = cookie.split(";")
                key, _, content = first.partition("=")
                if what == "name" and lower(key.strip()) == wanted:
                    return True
                if what == "value" and lower(content.strip()) == wanted:
                    return True
                if what == "domain" and any(
                    lower(attribute.strip()) in {f"domain={wanted}", f"domain=.{wanted}"}
                    for attribute in attributes
                ):
                    return True
        return False

    return test


def _cookie(what: str) -> Callable[[Mapping[str, JSON], str], bool]:
    def test(extra: Mapping[str, JSON], argument: str) -> bool:
        wanted = lower(argument)
        for name, value in headers(extra, "request"):
            if lower(name) != "cookie":
                continue
            for cookie in value.split(";"):
                key, _, content = cookie.partition("=")
                if lower((key if what == "name" else content).strip()) == wanted:
                    return True
        return False

    return test


def _field_text(*names: str) -> Callable[[Mapping[str, JSON], str], bool]:
    def test(extra: Mapping[str, JSON], argument: str) -> bool:
        wanted = lower(argument)
        return any(
            isinstance(value := extra.get(name), str) and lower(value) == wanted for name in names
        )

    return test


def _field_contains(*names: str) -> Callable[[Mapping[str, JSON], str], bool]:
    def test(extra: Mapping[str, JSON], argument: str) -> bool:
        wanted = lower(argument)
        return any(
            isinstance(value := extra.get(name), str) and wanted in lower(value) for name in names
        )

    return test


EXTRA_TESTS: dict[str, Callable[[Mapping[str, JSON], str], bool]] = {
    "response-header": _has_header("response"),
    "request-header": _has_header("request"),
    "set-cookie-name": _set_cookie("name"),
    "set-cookie-value": _set_cookie("value"),
    "set-cookie-domain": _set_cookie("domain"),
    "cookie-name": _cookie("name"),
    "cookie-value": _cookie("value"),
    "priority": _field_text("priority", "_priority"),
    "remote-address": _field_contains("serverIPAddress", "remoteAddress"),
    "error": lambda extra, argument: isinstance(told := extra.get("error"), str) and bool(told),
    "level": _field_text("level"),
    "text": _field_contains("message", "selector", "url", "source"),
}
"""Tests of ``extra`` by name; the argument is what the filter's value says."""
