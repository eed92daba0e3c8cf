"""What a filter can ask for: each field by name, what its values are, and the test they make.

The names are those of the network panels of Chrome and Firefox where these have one, so that a
habit works here too.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import NamedTuple

from perftui.analysis.filter_functions import lower
from perftui.analysis.filter_terms import (
    IS_REQUEST,
    Both,
    Compare,
    Constant,
    Contains,
    Either,
    EndsWith,
    ExtraKnown,
    ExtraMatches,
    IsDuplicate,
    Known,
    Matches,
    Not,
    SameText,
    StartsWithId,
    TextIs,
)
from perftui.analysis.filter_values import (
    Check,
    Difference,
    Expression,
    Field,
    FirstKnown,
    Sql,
    Surroundings,
    Test,
    Where,
)
from perftui.analysis.resource_type import SHORT_LABELS, ResourceType, resource_type
from perftui.config import Thresholds
from perftui.model import Record


class BadValueError(Exception):
    """A value makes no sense for its field; the message says what would."""


class FilterSettings(NamedTuple):
    """What the words ``slow`` and ``third-party`` mean.

    Attributes:
        first_party: registrable domains of the page's own company.
    """

    thresholds: Thresholds = Thresholds()
    first_party: tuple[str, ...] = ()


# --- expressions --------------------------------------------------------------------------------

_NAVIGATION_RESPONSE = Both(
    (TextIs("entry_type", ("navigation",)), Known(Field("response_end_us")))
)

DURATION: Expression = Where(
    _NAVIGATION_RESPONSE,
    Difference(Field("response_end_us"), Field("start_us")),
    Field("duration_us"),
)
"""As ``phases.request_duration_us``: a navigation's entry lasts until the load event."""

TTFB: Expression = Where(IS_REQUEST, Difference(Field("response_start_us"), Field("start_us")))
"""As ``phases.time_to_first_byte_us``."""

PHASES: Mapping[str, Expression] = {
    "redirect": Difference(Field("redirect_end_us"), Field("redirect_start_us")),
    "queue": Difference(
        FirstKnown(
            (Field("domain_lookup_start_us"), Field("connect_start_us"), Field("request_start_us"))
        ),
        Field("start_us"),
    ),
    "dns": Difference(Field("domain_lookup_end_us"), Field("domain_lookup_start_us")),
    "connect": Difference(
        FirstKnown((Field("secure_connection_start_us"), Field("connect_end_us"))),
        Field("connect_start_us"),
    ),
    "tls": Difference(Field("connect_end_us"), Field("secure_connection_start_us")),
    "wait": Difference(
        FirstKnown((Field("final_response_headers_start_us"), Field("response_start_us"))),
        Field("request_start_us"),
    ),
    "receive": Difference(Field("response_end_us"), Field("response_start_us")),
}
"""Phase -> how long it took, µs; unknown where the browser withholds it."""

IN_FLIGHT: Test = Both((IS_REQUEST, Not(Known(Field("duration_us")))))

OPAQUE: Test = Both(
    (Not(Known(Field("request_start_us"))), Not(Known(Field("response_start_us"))), IS_REQUEST)
)

SAYS_CACHED: Test = Either(
    (TextIs("delivery_type", ("cache",)), Compare(Field("response_status"), "=", 304))
)
"""Cached by what the source says, whatever its sizes are."""

CACHED: Test = Either(
    (
        SAYS_CACHED,
        Both(
            (
                Compare(Field("transfer_size"), "<", Field("encoded_body_size")),
                Compare(Field("transfer_size"), ">=", 0),
            )
        ),
        Both(
            (
                Compare(Field("transfer_size"), "=", 0),
                Compare(Field("decoded_body_size"), ">", 0),
            )
        ),
    )
)
"""As ``phases.is_cached``."""

_NEVER_TOLD = TextIs("initiator_type", ("beacon", "ping", "websocket", "eventsource"))

NO_ANSWER: Test = Both(
    (
        OPAQUE,
        Not(Known(Field("response_status"))),
        Known(Field("duration_us")),
        *(
            Not(Compare(Field(size), ">", 0))
            for size in ("transfer_size", "encoded_body_size", "decoded_body_size")
        ),
        Not(TextIs("delivery_type", ("cache",))),
        Not(_NEVER_TOLD),
    )
)
"""Ended without any sign of an answer."""

FAILED: Test = Both((NO_ANSWER, Not(ExtraMatches("error", "")), SameText("origin", "page_origin")))
"""Ended without an answer from the page's own origin, which hides nothing."""

ERROR: Test = Either(
    (
        Both((IS_REQUEST, ExtraMatches("error", ""))),
        Both(
            (
                IS_REQUEST,
                Not(ExtraMatches("error", "")),
                Compare(Field("response_status"), ">=", 400),
            )
        ),
        FAILED,
        TextIs("entry_type", ("error",)),
        Both(
            (
                TextIs("entry_type", ("console",)),
                Either(
                    (
                        ExtraMatches("level", "error"),
                        Both((Not(ExtraKnown("level")), TextIs("label", ("error",)))),
                    )
                ),
            )
        ),
    )
)
"""As ``severity.is_error``."""


class HasType(NamedTuple):
    """Whether a request is of one of some kinds."""

    kinds: tuple[str, ...]

    def check(self, around: Surroundings) -> Check:
        wanted = frozenset(ResourceType(kind) for kind in self.kinds)

        def check(record: Record) -> bool:
            return record.entry.is_request and resource_type(record.entry) in wanted

        return check

    def sql(self, sql: Sql, negated: bool = False) -> str:
        columns = [
            sql.column(name).value
            for name in ("entry_type", "initiator_type", "content_type", "url")
        ]
        # Parameters are bound in the order in which their marks stand in the text.
        is_request = IS_REQUEST.sql(sql)
        kinds = sql.bind(" ".join(self.kinds))
        call = f"perftui_has_type({kinds}, {', '.join(columns)})"
        condition = f"CASE WHEN {is_request} THEN {call} END"
        return f"(({condition}) IS NOT TRUE)" if negated else f"({condition})"


API: Test = HasType(("fetch", "xmlhttprequest"))
STREAM: Test = HasType(("websocket", "eventsource"))


def _slow(settings: FilterSettings, *, very: bool) -> Test:
    limits = settings.thresholds
    api = limits.api_very_slow_ms if very else limits.api_slow_ms
    asset = limits.asset_very_slow_ms if very else limits.asset_slow_ms
    lowest = min(api, asset)
    long = Both(
        (
            IS_REQUEST,
            # First what is cheap and rules out most.
            Compare(DURATION, ">=", _us(lowest)),
            Either(
                (
                    Both((API, Compare(DURATION, ">=", _us(api)))),
                    Both((Not(API), Not(STREAM), Compare(DURATION, ">=", _us(asset)))),
                )
            ),
        )
    )
    if very:
        return long
    large = Both((IS_REQUEST, Compare(Field("transfer_size"), ">=", limits.large_bytes)))
    return Either((long, large))


def _third_party(settings: FilterSettings) -> Test:
    parts: list[Test] = [
        IS_REQUEST,
        Known(Field("page_site")),
        Known(Field("site")),
        Not(SameText("site", "page_site")),
    ]
    if settings.first_party:
        parts.append(Not(TextIs("site", settings.first_party)))
    return Both(tuple(parts))


IS: Mapping[str, Callable[[FilterSettings], Test]] = {
    "slow": lambda settings: _slow(settings, very=False),
    "very-slow": lambda settings: _slow(settings, very=True),
    "large": lambda settings: Both(
        (IS_REQUEST, Compare(Field("transfer_size"), ">=", settings.thresholds.large_bytes))
    ),
    "error": lambda settings: ERROR,
    "cached": lambda settings: Both((IS_REQUEST, CACHED)),
    "third-party": _third_party,
    "first-party": lambda settings: Both((IS_REQUEST, Not(_third_party(settings)))),
    "blocking": lambda settings: TextIs("render_blocking_status", ("blocking",)),
    "opaque": lambda settings: OPAQUE,
    "duplicate": lambda settings: IsDuplicate(None),
    "in-flight": lambda settings: IN_FLIGHT,
    "request": lambda settings: IS_REQUEST,
    "event": lambda settings: Not(IS_REQUEST),
    "compressed": lambda settings: Both(
        (
            IS_REQUEST,
            Either(
                (
                    TextIs("content_encoding", ("gzip", "br", "zstd", "deflate")),
                    Compare(Field("encoded_body_size"), "<", Field("decoded_body_size")),
                )
            ),
        )
    ),
}
"""``is:`` and what it means."""


HAS: Mapping[str, Test] = {
    "status": Known(Field("response_status")),
    "size": Known(Field("transfer_size")),
    "timing": Both((IS_REQUEST, Not(OPAQUE))),
    "method": Known(Field("method")),
    "duration": Known(Field("duration_us")),
    "server-timing": ExtraKnown("serverTiming"),
    "request-headers": ExtraKnown("requestHeaders"),
    "response-headers": ExtraKnown("responseHeaders"),
    "request-body": ExtraKnown("requestBody"),
    "response-body": ExtraKnown("responseBody"),
}
"""``has:`` and what must be known for it."""

# --- values -------------------------------------------------------------------------------------

_NUMBER = re.compile(r"(\d+(?:\.\d*)?|\.\d+)\s*([a-zµ%]*)", re.I)
_TIME_UNITS = {"": 1000.0, "ms": 1000.0, "s": 1e6, "m": 6e7, "us": 1.0, "µs": 1.0}
_SIZE_UNITS = {
    "": 1,
    "b": 1,
    "k": 1000,
    "kb": 1000,
    "m": 1_000_000,
    "mb": 1_000_000,
    "g": 1_000_000_000,
    "gb": 1_000_000_000,
    "kib": 1024,
    "mib": 1024**2,
    "gib": 1024**3,
}


def _us(milliseconds: float) -> int:
    return round(milliseconds * 1000)


def parse_time(text: str) -> int:
    """``500ms``, ``1.5s``, ``2m``; a number alone is milliseconds. Returns µs."""
    match = _NUMBER.fullmatch(text.strip())
    if match is None or match[2].lower() not in _TIME_UNITS:
        raise BadValueError("a time such as 500ms or 1.5s")
    return round(float(match[1]) * _TIME_UNITS[match[2].lower()])


def parse_size(text: str) -> int:
    """``100k``, ``2MB``, ``4KiB``; a number alone is bytes."""
    match = _NUMBER.fullmatch(text.strip())
    if match is None or match[2].lower() not in _SIZE_UNITS:
        raise BadValueError("a size such as 100k or 2MB")
    return round(float(match[1]) * _SIZE_UNITS[match[2].lower()])


def _whole(text: str) -> int:
    if not text.isdecimal():
        raise BadValueError("a whole number")
    return int(text)


# --- fields -------------------------------------------------------------------------------------

Build = Callable[[str, str, FilterSettings], Test]
"""Operator (``:`` or a comparison), value, settings -> a test."""


class FieldRule(NamedTuple):
    """One field.

    Attributes:
        build: makes the test; raises :class:`BadValueError` for a value that makes no sense.
        words: what it asks for, for the help and the completions.
        values: what may stand there, where that is a list.
        compares: whether ``>``, ``>=``, ``<``, ``<=`` and ``=`` may stand in place of the colon.
    """

    build: Build
    words: str
    values: tuple[str, ...] = ()
    compares: bool = False


def _compared(expression: Expression, read: Callable[[str], int]) -> Build:
    def build(operator: str, value: str, settings: FilterSettings) -> Test:
        low, dots, high = value.partition("..")
        if operator == ":" and dots:
            return Both(
                (
                    Compare(expression, ">=", read(low)),
                    Compare(expression, "<=", read(high)),
                )
            )
        return Compare(expression, "=" if operator == ":" else operator, read(value))

    return build


def _at_least(expression: Expression, read: Callable[[str], int], operator: str) -> Build:
    return lambda _, value, settings: Both((IS_REQUEST, Compare(expression, operator, read(value))))


def _status(operator: str, value: str, settings: FilterSettings) -> Test:
    if operator == ":":
        if match := re.fullmatch(r"([1-5])xx", value.lower()):
            low = int(match[1]) * 100
            return Both(
                (
                    Compare(Field("response_status"), ">=", low),
                    Compare(Field("response_status"), "<=", low + 99),
                )
            )
        if match := re.fullmatch(r"(\d{1,3})(?:-|\.\.)(\d{1,3})", value):
            return Both(
                (
                    Compare(Field("response_status"), ">=", int(match[1])),
                    Compare(Field("response_status"), "<=", int(match[2])),
                )
            )
    try:
        number = _whole(value)
    except BadValueError as error:
        raise BadValueError("a status such as 404, 5xx or 400-499") from error
    return Compare(Field("response_status"), "=" if operator == ":" else operator, number)


def _domain(_: str, value: str, settings: FilterSettings) -> Test:
    name = lower(value).removeprefix("*.").lstrip(".")
    if not name or "/" in name:
        raise BadValueError("a host such as cdn.example.com, or *.example.com")
    return Both((IS_REQUEST, Either((TextIs("host", (name,)), EndsWith("host", f".{name}")))))


def _text_is(*fields: str) -> Build:
    return lambda _, value, settings: (
        TextIs(fields[0], (value,))
        if len(fields) == 1
        else Either(tuple(TextIs(field, (value,)) for field in fields))
    )


def _contains(*fields: str) -> Build:
    return lambda _, value, settings: (
        Contains(fields[0], value)
        if len(fields) == 1
        else Either(tuple(Contains(field, value) for field in fields))
    )


_TYPE_NAMES: dict[str, tuple[str, ...]] = {
    **{kind.value: (kind.value,) for kind in ResourceType},
    **{label: (kind.value,) for kind, label in SHORT_LABELS.items()},
    "api": ("fetch", "xmlhttprequest"),
    "js": ("script",),
    "css": ("stylesheet",),
    "ajax": ("fetch", "xmlhttprequest"),
}


def _type(_: str, value: str, settings: FilterSettings) -> Test:
    kinds = _TYPE_NAMES.get(lower(value))
    if kinds is None:
        raise BadValueError(f"one of {', '.join(kind.value for kind in ResourceType)}, api")
    return HasType(kinds)


def _listed(table: Mapping[str, Callable[[FilterSettings], Test]]) -> Build:
    def build(_: str, value: str, settings: FilterSettings) -> Test:
        make = table.get(lower(value))
        if make is None:
            raise BadValueError(f"one of {', '.join(table)}")
        return make(settings)

    return build


def _has(_: str, value: str, settings: FilterSettings) -> Test:
    test = HAS.get(lower(value))
    if test is None:
        raise BadValueError(f"one of {', '.join(HAS)}")
    return test


def _page_view(_: str, value: str, settings: FilterSettings) -> Test:
    number = value.lower().removeprefix("p")
    if number.isdecimal() and len(number) < 7:
        return Compare(Field("page_view_number"), "=", int(number))
    return StartsWithId("page_view_id", value)


def _event(_: str, value: str, settings: FilterSettings) -> Test:
    return Both(
        (Not(IS_REQUEST), Either((TextIs("entry_type", (value,)), Contains("label", value))))
    )


def _phase(_: str, value: str, settings: FilterSettings) -> Test:
    match = re.fullmatch(r"([a-z]+)(?:(>=|<=|>|<)(.+))?", value.lower())
    if match is None or match[1] not in PHASES:
        raise BadValueError(f"a phase with a time, such as dns>50ms; of {', '.join(PHASES)}")
    expression = PHASES[match[1]]
    if match[2] is None:
        return Both((IS_REQUEST, Compare(expression, ">", 0)))
    return Both((IS_REQUEST, Compare(expression, match[2], parse_time(match[3]))))


def _regexp(_: str, value: str, settings: FilterSettings) -> Test:
    pattern = value
    if len(pattern) > 1 and pattern[0] == pattern[-1] == "/":
        pattern = pattern[1:-1]
    return regexp_test(pattern)


def regexp_test(pattern: str) -> Test:
    """Whether a regular expression is found in the URL or name.

    Raises:
        BadValueError: it is none.
    """
    try:
        re.compile(pattern)
    except re.error as error:
        raise BadValueError(f"a valid regular expression ({error})") from error
    return Either((Matches("url", pattern), Matches("label", pattern)))


def word_test(word: str) -> Test:
    """A bare word: a part of the URL or of the name."""
    return Either((Contains("url", word), Contains("label", word)))


def _extra(name: str) -> Build:
    return lambda _, value, settings: ExtraMatches(name, value)


_TIME_FIELDS: Mapping[str, Expression] = {
    "duration": DURATION,
    "ttfb": TTFB,
    "start": Field("start_us"),
}
_SIZE_FIELDS: Mapping[str, str] = {
    "size": "transfer_size",
    "encoded": "encoded_body_size",
    "decoded": "decoded_body_size",
}

FIELDS: Mapping[str, FieldRule] = {
    "domain": FieldRule(_domain, "host, with all below it"),
    "host": FieldRule(_text_is("host"), "exactly this host"),
    "site": FieldRule(_text_is("site"), "registrable domain"),
    "url": FieldRule(_contains("url"), "part of the URL"),
    "name": FieldRule(_contains("url", "label"), "part of the URL or name"),
    "endpoint": FieldRule(_contains("endpoint"), "part of host and path template"),
    "method": FieldRule(
        _text_is("method"), "HTTP method", ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD")
    ),
    "status": FieldRule(
        _status, "status, as 404, 5xx or 400-499", ("2xx", "3xx", "4xx", "5xx"), True
    ),
    "type": FieldRule(_type, "kind of request", (*(kind.value for kind in ResourceType), "api")),
    "mime": FieldRule(_contains("content_type"), "part of the media type"),
    "initiator": FieldRule(_text_is("initiator_type"), "initiator type"),
    "protocol": FieldRule(_text_is("next_hop_protocol"), "protocol", ("http/1.1", "h2", "h3")),
    "encoding": FieldRule(_text_is("content_encoding"), "content coding", ("gzip", "br", "zstd")),
    "slower-than": FieldRule(_at_least(DURATION, parse_time, ">"), "longer than a time"),
    "faster-than": FieldRule(_at_least(DURATION, parse_time, "<"), "shorter than a time"),
    "larger-than": FieldRule(_at_least(Field("transfer_size"), parse_size, ">"), "more bytes"),
    "smaller-than": FieldRule(_at_least(Field("transfer_size"), parse_size, "<"), "fewer bytes"),
    **{
        name: FieldRule(_compared(expression, parse_time), "a time, as 200ms", (), True)
        for name, expression in _TIME_FIELDS.items()
    },
    **{
        name: FieldRule(
            _compared(Field(column), parse_size), f"{column} in bytes, as 10k", (), True
        )
        for name, column in _SIZE_FIELDS.items()
    },
    "phase": FieldRule(_phase, "a phase with a time, as dns>50ms", tuple(PHASES)),
    "has": FieldRule(_has, "what is known", tuple(HAS)),
    "is": FieldRule(_listed(IS), "what it is", tuple(IS)),
    "pageview": FieldRule(_page_view, "number or ID of the pageview"),
    "session": FieldRule(
        lambda _, value, settings: StartsWithId("session_id", value), "ID of the session"
    ),
    "entry": FieldRule(_text_is("entry_type"), "entry type"),
    "event": FieldRule(_event, "entry type or name of what is no request"),
    "text": FieldRule(_extra("text"), "part of a message or selector"),
    "priority": FieldRule(_extra("priority"), "fetch priority"),
    "remote-ip": FieldRule(_extra("remote-address"), "part of the server's address"),
    "has-response-header": FieldRule(
        _extra("response-header"), "response header, name or name=value"
    ),
    "has-request-header": FieldRule(_extra("request-header"), "request header, name or name=value"),
    "set-cookie-name": FieldRule(_extra("set-cookie-name"), "name of a cookie that is set"),
    "set-cookie-domain": FieldRule(_extra("set-cookie-domain"), "domain of a cookie that is set"),
    "cookie-name": FieldRule(_extra("cookie-name"), "name of a cookie that is sent"),
    "regexp": FieldRule(_regexp, "regular expression, as /cart.*/"),
}
"""Every field, in the order of the documentation."""

LISTED = frozenset({"is", "has", "type"})
"""Fields whose values are those of their list and no others."""

ALIASES: Mapping[str, str] = {
    "mime-type": "mime",
    "status-code": "status",
    "scheme": "url",
    "cause": "initiator",
    "transferred-larger-than": "larger-than",
    "transferred": "size",
    "response-header": "has-response-header",
    "request-header": "has-request-header",
    "page": "pageview",
    "regex": "regexp",
}
"""Other names for fields, some of Chrome's and Firefox's."""

NOTHING: Test = Constant(True)
