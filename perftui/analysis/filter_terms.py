"""What filters are made of: tests of an entry, each in Python and in SQL.

A filter is compiled once, to a tree of these. Both forms come from the same tree, so that they
give the same answer. A test of an unknown value is false, and its negation true, in both.

Text is compared without regard to the case of ASCII letters: that is what SQLite's ``lower`` does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from perftui.analysis.filter_functions import EXTRA_TESTS, compile_pattern, lower
from perftui.analysis.filter_values import (
    Check,
    Expression,
    Field,
    Sql,
    Surroundings,
    Test,
    json_path,
)
from perftui.entry_fields import REQUEST_ENTRY_TYPES
from perftui.model import Record


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
        if isinstance(self.right, int | float):
            left, right = self.left.sql(sql), sql.bind(self.right)
        else:
            # Two moments of one entry stand to each other as what they are after its start.
            left, right = _since_start(sql, self.left), _since_start(sql, self.right)
            if not (left and right):
                left, right = self.left.sql(sql), self.right.sql(sql)
        return _negate(f"{left} {self.operator} {right}", negated)


class Known(NamedTuple):
    """Whether a value is known at all."""

    value: Expression

    def check(self, around: Surroundings) -> Check:
        get = self.value.getter(around)
        return lambda record: get(record) is not None

    def sql(self, sql: Sql, negated: bool = False) -> str:
        value = _since_start(sql, self.value) or self.value.sql(sql)
        return f"({value} IS {'' if negated else 'NOT '}NULL)"


def _since_start(sql: Sql, value: Expression) -> str:
    """A moment in µs since the start of the row's entry; empty where the store has it otherwise."""
    return sql.column(value.name).since_start if isinstance(value, Field) else ""


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
