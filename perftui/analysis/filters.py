"""The filter language: one grammar for the app, ``log --filter``, reports and exports.

::

    expression := conjunction ("OR" conjunction)*
    conjunction := term (["AND"] term)*
    term := ("-" | "NOT") term | "(" expression ")" | atom
    atom := word | "quoted words" | /regular expression/ | field:value[,value…] | field>=value

Words and fields are those of ``filter_fields``; ``docs/filters.md`` has them with examples. What
is unknown passes no test and fails no negation: ``-status:200`` shows requests without a status.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from types import MappingProxyType
from typing import Any, NamedTuple

from perftui.analysis.filter_fields import (
    ALIASES,
    FIELDS,
    LISTED,
    BadValueError,
    FilterSettings,
    regexp_test,
    word_test,
)
from perftui.analysis.filter_seen import Seen
from perftui.analysis.filter_terms import Both, Constant, Either, Not
from perftui.analysis.filter_values import Check, Column, Sql, Surroundings, Test, Value
from perftui.errors import FilterError
from perftui.model import Record

MAX_DEPTH = 40
"""Deepest nesting of parentheses and negations."""

MAX_CHARACTERS = 4000

# --- what is written ----------------------------------------------------------------------------


class Word(NamedTuple):
    """A bare word or words in quotes."""

    text: str


class Pattern(NamedTuple):
    """A regular expression between slashes."""

    text: str


class Term(NamedTuple):
    """``field:a,b`` or ``field>=a``."""

    field: str
    operator: str
    values: tuple[str, ...]


class NotNode(NamedTuple):
    """``-term``."""

    part: Node


class AndNode(NamedTuple):
    """Terms one after the other."""

    parts: tuple[Node, ...]


class OrNode(NamedTuple):
    """Terms with OR between."""

    parts: tuple[Node, ...]


Node = Word | Pattern | Term | NotNode | AndNode | OrNode

_PLAIN_VALUE = re.compile(r"[^\s\"'(),]+")
_PLAIN_WORD = re.compile(r"[^\s\"'()/:<>=,-][^\s\"'():<>=,]*")


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def print_node(node: Node, *, nested: bool = False) -> str:
    """The text that parses to this."""
    match node:
        case Word(text):
            plain = _PLAIN_WORD.fullmatch(text) and text not in {"OR", "AND", "NOT"}
            return text if plain else _quoted(text)
        case Pattern(text):
            return "/" + re.sub(r"(?<!\\)((?:\\\\)*)/", r"\1\\/", text) + "/"
        case Term("regexp", operator, values):
            # Not quoted, a pattern goes on to the next space, and slashes at its ends are not its.
            if len(values) == 1 and values[0][0] != "/" and _PLAIN_VALUE.fullmatch(values[0]):
                return f"regexp{operator}{values[0]}"
            return f"regexp{operator}" + ",".join([_quoted(value) for value in values])
        case Term(field, operator, values):
            return f"{field}{operator}" + ",".join(
                [value if _PLAIN_VALUE.fullmatch(value) else _quoted(value) for value in values]
            )
        case NotNode(part):
            return "-" + print_node(part, nested=True)
        case AndNode(parts):
            text = " ".join([print_node(part, nested=True) for part in parts])
            return f"({text})" if nested else text
        case OrNode(parts):
            text = " OR ".join([print_node(part, nested=True) for part in parts])
            return f"({text})" if nested else text


# --- reading ------------------------------------------------------------------------------------

_SPACE = re.compile(r"\s*")
PORT_CUTOFF = 0.8
"""How like a field's name (:func:`difflib.get_close_matches`) a word before ``:`` and a number must
be to count as a slip of the fingers rather than as host and port."""

_FIELD = re.compile(r"([A-Za-z][A-Za-z0-9-]*)(:|>=|<=|>|<|=)")
_KEYWORD = re.compile(r"(OR|AND|NOT|\|\|?|&&)(?=[\s()\"]|$)")
_BARE = re.compile(r"[^\s()\"]+")
_STRING = re.compile(r'"((?:[^"\\]|\\.)*)"')
_SLASHES = re.compile(r"/((?:[^/\\\n]|\\.)+)/(?=[\s)]|$)")
_SLASHES_IN_LIST = re.compile(r"/((?:[^/\\\n]|\\.)+)/(?=[\s),]|$)")


class _Parser:
    def __init__(self, text: str, settings: FilterSettings) -> None:
        self.text = text
        self.settings = settings
        self.at = 0
        self.depth = 0

    def fail(self, message: str, position: int, length: int = 1) -> FilterError:
        return FilterError(f"{message} (at character {position + 1})", position, length)

    def skip(self) -> None:
        match = _SPACE.match(self.text, self.at)
        assert match is not None
        self.at = match.end()

    def keyword(self) -> str | None:
        self.skip()
        match = _KEYWORD.match(self.text, self.at)
        if match is None:
            return None
        return {"|": "OR", "||": "OR", "&&": "AND"}.get(match[1], match[1])

    def take_keyword(self) -> None:
        match = _KEYWORD.match(self.text, self.at)
        assert match is not None
        self.at = match.end()

    def expression(self) -> tuple[Node, Test]:
        parts = [self.conjunction()]
        while self.keyword() == "OR":
            place = self.at
            self.take_keyword()
            self.skip()
            if self.at >= len(self.text) or self.text[self.at] == ")":
                raise self.fail("OR needs something after it", place, 2)
            parts.append(self.conjunction())
        if len(parts) == 1:
            return parts[0]
        return (
            OrNode(tuple(node for node, _ in parts)),
            Either(tuple(test for _, test in parts)),
        )

    def conjunction(self) -> tuple[Node, Test]:
        parts: list[tuple[Node, Test]] = []
        while True:
            word = self.keyword()
            if word == "OR" or self.at >= len(self.text) or self.text[self.at] == ")":
                break
            if word == "AND":
                place = self.at
                self.take_keyword()
                self.skip()
                if not parts or self.at >= len(self.text) or self.text[self.at] == ")":
                    raise self.fail("AND needs something on both sides", place, 3)
                continue
            parts.append(self.term())
        if not parts:
            raise self.fail("something to look for is missing here", min(self.at, len(self.text)))
        if len(parts) == 1:
            return parts[0]
        return (
            AndNode(tuple(node for node, _ in parts)),
            Both(tuple(test for _, test in parts)),
        )

    def term(self) -> tuple[Node, Test]:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self.fail("nested too deep", self.at)
        try:
            return self._term()
        finally:
            self.depth -= 1

    def _term(self) -> tuple[Node, Test]:
        text, begin = self.text, self.at
        if self.keyword() == "NOT":
            self.take_keyword()
            self.skip()
            return self._negated(begin, 3)
        if text[begin] == "-":
            self.at += 1
            return self._negated(begin, 1)
        if text[begin] == "(":
            self.at += 1
            inside = self.expression()
            self.skip()
            if self.at >= len(text) or text[self.at] != ")":
                raise self.fail("this parenthesis is not closed", begin)
            self.at += 1
            return inside
        if text[begin] == '"':
            return self._word(self._string())
        if text[begin] == "/" and (match := _SLASHES.match(text, begin)):
            self.at = match.end()
            pattern = match[1].replace("\\/", "/")
            try:
                return Pattern(pattern), regexp_test(pattern)
            except BadValueError as error:
                raise self.fail(f"/…/ wants {error}", begin, match.end() - begin) from error
        field = _FIELD.match(text, begin)
        if field is not None and self._is_field(field):
            return self._field(field)
        match = _BARE.match(text, begin)
        if match is None:
            raise self.fail(f"unexpected {text[begin]!r}", begin)
        self.at = match.end()
        return self._word(match[0])

    def _negated(self, begin: int, length: int) -> tuple[Node, Test]:
        if self.at >= len(self.text) or self.text[self.at] in " \t)":
            raise self.fail("something to leave out is missing here", begin, length)
        node, test = self.term()
        return NotNode(node), Not(test)

    def _word(self, word: str) -> tuple[Node, Test]:
        return Word(word), word_test(word)

    def _string(self) -> str:
        match = _STRING.match(self.text, self.at)
        if match is None:
            raise self.fail("this quotation mark is not closed", self.at)
        self.at = match.end()
        return re.sub(r"\\(.)", r"\1", match[1])

    def _is_field(self, match: re.Match[str]) -> bool:
        """Whether it is meant as a field; ``https://…`` and ``localhost:3000`` are words."""
        name = match[1].lower()
        if name in FIELDS or name in ALIASES:
            return True
        rest = self.text[match.end() : match.end() + 2]
        if match[2] != ":" or rest[:2] == "//":
            return False
        # A number may be a port: then only what is nearly the name of a field is meant as one.
        port = rest[:1].isdigit()
        near = get_close_matches(name, [*FIELDS, *ALIASES], 1, PORT_CUTOFF if port else 0.6)
        if port and not near:
            return False
        hint = (
            f"; did you mean {near[0]}:?"
            if near
            else "; docs/filters.md and the help of the app list them"
        )
        raise self.fail(f"there is no field {match[1]!r}{hint}", match.start(1), len(match[1]))

    def _field(self, match: re.Match[str]) -> tuple[Node, Test]:
        name = match[1].lower()
        name = ALIASES.get(name, name)
        operator = match[2]
        rule = FIELDS[name]
        if operator != ":" and not rule.compares:
            raise self.fail(
                f"{name} is asked with a colon: {name}:…", match.start(2), len(operator)
            )
        self.at = match.end()
        values: list[str] = []
        tests: list[Test] = []
        while True:
            begin = self.at
            value = self._value(name)
            if not value:
                wanted = f"one of {', '.join(rule.values)}" if name in LISTED else rule.words
                raise self.fail(
                    f"{name}{operator} needs a value: {wanted}", match.start(), len(match[0])
                )
            try:
                tests.append(rule.build(operator, value, self.settings))
            except BadValueError as error:
                raise self.fail(
                    f"{name}{operator} wants {error}", begin, max(1, self.at - begin)
                ) from error
            values.append(value)
            if operator == ":" and self.text[self.at : self.at + 1] == ",":
                self.at += 1
                continue
            break
        node = Term(name, operator, tuple(values))
        return node, tests[0] if len(tests) == 1 else Either(tuple(tests))

    def _value(self, name: str) -> str:
        text = self.text
        if text[self.at : self.at + 1] == '"':
            return self._string()
        if name == "regexp" and text[self.at : self.at + 1] == "/":
            match = _SLASHES_IN_LIST.match(text, self.at)
            if match is None:
                raise self.fail("this slash is not closed", self.at)
            self.at = match.end()
            return match[1].replace("\\/", "/")
        match = re.compile(r"[^\s(),\"]+" if name != "regexp" else r"[^\s\"]+").match(text, self.at)
        if match is None:
            return ""
        self.at = match.end()
        return match[0]


# --- a filter -----------------------------------------------------------------------------------


class FilterContext:
    """What a filter asks about a record's surroundings, in Python; SQL asks the store itself.

    Args:
        page_urls: pageview ID -> its URL.
        duplicates: positions of the requests that another one of their pageview repeats.
    """

    def __init__(
        self,
        page_urls: Mapping[str, str | None] | None = None,
        duplicates: frozenset[int] = frozenset(),
    ) -> None:
        self._page_urls = page_urls or {}
        self._duplicates = duplicates

    def page_url(self, page_view_id: str) -> str | None:
        """The URL of a pageview; None where it is not known."""
        return self._page_urls.get(page_view_id)

    def is_duplicate(self, record: Record) -> bool:
        """Whether another request of the pageview has the same method and URL."""
        return record.seq in self._duplicates


class Filter:
    """A compiled filter; a :class:`perftui.model.Predicate`. ``str()`` of it parses to the same.

    Two filters of the same text and settings are equal.

    Attributes:
        node: what was written.
        test: what it asks, from which both its forms are made.
    """

    def __init__(
        self,
        node: Node | None,
        test: Test,
        settings: FilterSettings,
        around: Surroundings | None = None,
    ) -> None:
        self.node = node
        self.settings = settings
        self.test = test
        self._check: Check = test.check(around or FilterContext())

    def within(self, around: Surroundings) -> Filter:
        """The same filter, that knows the surroundings of what it is asked about."""
        return Filter(self.node, self.test, self.settings, around)

    def matches(self, record: Record) -> bool:
        """Whether a record passes."""
        return self._check(record)

    def sql(self, columns: Mapping[str, Column | str]) -> tuple[str, list[Value]]:
        """The condition over a store's columns, and its bound values."""
        sql = Sql(columns)
        return self.test.sql(sql), sql.parameters

    def __str__(self) -> str:
        return "" if self.node is None else print_node(self.node)

    def __repr__(self) -> str:
        return f"Filter({str(self)!r})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Filter):
            return NotImplemented
        return (self.node, self.settings) == (other.node, other.settings)

    def __hash__(self) -> int:
        return hash((self.node, str(self.settings)))


def parse(text: str, settings: FilterSettings | None = None) -> Filter:
    """Compile a filter; an empty one lets everything through.

    Raises:
        FilterError: it cannot be understood; knows the place of the mistake.
    """
    settings = settings or FilterSettings()
    if len(text) > MAX_CHARACTERS:
        raise FilterError(f"a filter has at most {MAX_CHARACTERS} characters", MAX_CHARACTERS)
    if not text.strip():
        return Filter(None, Constant(True), settings)
    parser = _Parser(text, settings)
    node, test = parser.expression()
    parser.skip()
    if parser.at < len(text):
        raise parser.fail(f"unexpected {text[parser.at]!r}", parser.at)
    return Filter(node, test, settings)


def find_duplicates(records: Sequence[Record]) -> frozenset[int]:
    """Positions of the requests whose method and URL another one of their pageview has."""
    groups: dict[tuple[Any, ...], list[int]] = {}
    for record in records:
        entry = record.entry
        if entry.is_request:
            key = (record.session_id, record.page_view_id, entry.method, entry.name)
            groups.setdefault(key, []).append(record.seq)
    return frozenset(seq for seqs in groups.values() if len(seqs) > 1 for seq in seqs)


# --- completions --------------------------------------------------------------------------------

_LAST = re.compile(r"[^\s()]*$")


def complete(
    text: str, position: int | None = None, seen: Seen = MappingProxyType({})
) -> list[str]:
    """What a filter may go on as: whole texts up to ``position`` (the end by default), the best
    first.

    Args:
        seen: values of a session, which come after the words of the language.
    """
    before = text if position is None else text[:position]
    match = _LAST.search(before)
    assert match is not None
    word = match[0]
    sign = "-" if word.startswith("-") else ""
    word = word.removeprefix("-")
    head = before[: match.start()] + sign
    if not word or word.count('"') % 2:
        return []
    name, colon, values = word.partition(":")
    if not colon:
        begun = [f"{field}:" for field in FIELDS if field.startswith(word.lower())]
        return [head + field for field in begun if field != word]
    field = ALIASES.get(name.lower(), name.lower())
    rule = FIELDS.get(field)
    if rule is None:
        return []
    earlier, comma, last = values.rpartition(",")
    return [
        f"{head}{name}:{earlier}{comma}{value}"
        for value in (*rule.values, *seen.get(field, ()))
        if value.lower().startswith(last.lower()) and value != last
    ]
