"""The filter language: what it means, in Python and in SQL alike."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from perftui.analysis.filter_fields import ALIASES, FIELDS, HAS, IS, PHASES, FilterSettings
from perftui.analysis.filters import (
    AndNode,
    FilterContext,
    Node,
    NotNode,
    OrNode,
    Pattern,
    Term,
    Word,
    complete,
    find_duplicates,
    parse,
    print_node,
)
from perftui.config import Thresholds
from perftui.errors import FilterError
from perftui.model import Batch, Entry, Page, Record
from perftui.store.reader import StoreReader
from perftui.store.writer import StoreWriter
from tests.analysis.strategies import absurd_entries, ordinary_requests, record


def request(url: str = "https://shop.test/api/cart", **fields: object) -> Record:
    return record(
        Entry(entry_type="resource", name=url, start_us=0, **{"duration_us": 1000, **fields})  # type: ignore[arg-type]
    )


@pytest.mark.parametrize(
    ("text", "passes", "fails"),
    [
        ("cart", request(), request("https://shop.test/api/user")),
        ("-cart", request("https://shop.test/x"), request()),
        ('"api/ca"', request(), request("https://shop.test/x")),
        ("/ca.t$/", request(), request("https://shop.test/cart/1")),
        ("regexp:/user$/,/ca.t$/", request(), request("https://shop.test/cart/1")),
        ("domain:shop.test", request("https://cdn.shop.test/a"), request("https://myshop.test/")),
        ("host:shop.test", request(), request("https://cdn.shop.test/a")),
        ("status:404", request(response_status=404), request()),
        ("-status:404", request(), request(response_status=404)),
        ("status>=400", request(response_status=500), request(response_status=200)),
        ("status:4xx,5xx", request(response_status=503), request(response_status=301)),
        ("status:400-499", request(response_status=404), request(response_status=500)),
        ("type:fetch", request(initiator_type="fetch"), request(initiator_type="img")),
        ("type:js,css", request("https://a.test/x.css"), request("https://a.test/x.png")),
        ("slower-than:500ms", request(duration_us=500_001), request(duration_us=500_000)),
        ("duration>=1.5s", request(duration_us=1_500_000), request(duration_us=1_499_999)),
        ("duration:1s..2s", request(duration_us=1_500_000), request(duration_us=2_100_000)),
        ("larger-than:100k", request(transfer_size=100_001), request(transfer_size=None)),
        ("smaller-than:100k", request(transfer_size=1), request(transfer_size=None)),
        ("ttfb>200", request(response_start_us=200_001), request(response_start_us=200_000)),
        (
            "phase:dns>5ms",
            request(domain_lookup_start_us=0, domain_lookup_end_us=5_001),
            request(domain_lookup_start_us=0, domain_lookup_end_us=5_000),
        ),
        ("is:opaque", request(), request(request_start_us=1, response_start_us=2)),
        ("is:cached", request(delivery_type="cache"), request(transfer_size=400)),
        ("is:error", request(response_status=500), request(response_status=399)),
        (
            "is:slow",
            request(initiator_type="fetch", duration_us=500_000),
            request(initiator_type="img", duration_us=500_000),
        ),
        ("is:very-slow", request(duration_us=3_000_000), request(duration_us=2_999_999)),
        ("is:in-flight", request(duration_us=None), request()),
        ("is:blocking", request(render_blocking_status="blocking"), request()),
        ("has:size", request(transfer_size=0), request(transfer_size=None)),
        ("cart status:200 OR user", request("https://a.test/user"), request()),
        ("(cart OR user) status:200", request(response_status=200), request()),
        ("cart -(status:200 OR status:304)", request(), request(response_status=304)),
        ("https://shop.test/api", request(), request("http://shop.test/api")),
        ("localhost:3000", request("http://localhost:3000/"), request("http://localhost:4000/")),
        ('"sttus:404"', request("https://shop.test/sttus:404"), request()),
        ("shop.test:8443", request("https://shop.test:8443/"), request()),
    ],
)
def test_what_a_filter_means(text: str, passes: Record, fails: Record) -> None:
    compiled = parse(text)
    assert compiled.matches(passes)
    assert not compiled.matches(fails)
    assert parse(str(compiled)) == compiled


@pytest.mark.parametrize(
    ("text", "position", "words"),
    [
        ("methd:GET", 0, "did you mean method:?"),
        ("cart sttus:404", 5, "did you mean status:?"),
        ("ttfb>", 0, "ttfb> needs a value: a time, as 200ms"),
        ("regexp:/(/", 7, "wants a valid regular expression"),
        ("cart status:abc", 12, "404, 5xx"),
        ("(cart", 0, "not closed"),
        ("cart)", 4, "unexpected"),
        ('"cart', 0, "not closed"),
        ("cart OR", 5, "OR needs"),
        ("is:fast", 3, "one of slow"),
        ("slower-than:soon", 12, "500ms"),
        ("url>=5", 3, "with a colon"),
        ("-", 0, "leave out"),
        ("/(/", 0, "regular expression"),
        ("status:", 0, "needs"),
        ("()", 1, "missing here"),
    ],
)
def test_mistakes_know_their_place(text: str, position: int, words: str) -> None:
    with pytest.raises(FilterError) as told:
        parse(text)
    assert words in str(told.value)
    assert told.value.position == position
    assert told.value.length >= 1


@pytest.mark.parametrize("text", ["(" * 100 + "a" + ")" * 100, "-" * 5000, "a" * 5000])
def test_absurd_filters_end_in_a_mistake(text: str) -> None:
    with pytest.raises(FilterError):
        parse(text)


def test_the_empty_filter_lets_everything_through() -> None:
    assert parse("  ").matches(request())
    assert str(parse("")) == ""


def test_thresholds_and_first_parties_are_settable() -> None:
    own = FilterSettings(Thresholds(api_slow_ms=10), ("cdn.example",))
    assert parse("is:slow", own).matches(request(initiator_type="fetch", duration_us=10_000))
    around = FilterContext(
        {"": "https://shop.test/", "p": "https://shop.test/", "pageview": "https://shop.test/"}
    )
    other = request("https://cdn.example/a.js")
    around = FilterContext({other.page_view_id: "https://shop.test/"})
    assert parse("is:third-party").within(around).matches(other)
    assert not parse("is:third-party", own).within(around).matches(other)


# --- SQL equals Python ------------------------------------------------------------------------

_WORDS = st.sampled_from(
    ["cart", "shop", "js", "8812", "Ü", "%", "_", "x=1", "a b", "app.", "mark"]
)
_TIMES = st.sampled_from(["0", "1ms", "500ms", "1.5s", "250us"])
_SIZES = st.sampled_from(["0", "1", "100k", "2MB"])
_NUMBERS = st.sampled_from([">", ">=", "<", "<=", "="])


ASKED: dict[str, list[str]] = {
    "domain": ["shop.test", "*.tracker.example", "localhost"],
    "host": ["shop.test", "127.0.0.1"],
    "site": ["shop.test", "example"],
    "url": ["cart", "https", "?"],
    "name": ["mark", "shop"],
    "endpoint": [":id", "cart"],
    "method": ["GET", "post"],
    "status": ["404", "4xx", "200-299", "304..404"],
    "type": ["script", "fetch", "document", "api", "img", "websocket"],
    "mime": ["json", "text/"],
    "initiator": ["fetch", "img"],
    "protocol": ["h2"],
    "encoding": ["gzip", "br"],
    "slower-than": ["500ms"],
    "faster-than": ["1s"],
    "larger-than": ["100k"],
    "smaller-than": ["2MB"],
    "duration": ["500ms", "0..1s"],
    "ttfb": ["200", "100ms..2s"],
    "start": ["0..3s", "1s"],
    "size": ["0", "1k..1MB"],
    "encoded": ["0", "1k..1MB"],
    "decoded": ["0", "1k..1MB"],
    "phase": [*PHASES, "dns>1ms", "wait<=100ms"],
    "has": list(HAS),
    "is": list(IS),
    "pageview": ["1", "2", "view"],
    "session": ["ses", "x"],
    "entry": ["resource", "mark"],
    "event": ["mark", "longtask"],
    "text": ["a", "BUTTON#"],
    "priority": ["high", "Low"],
    "remote-ip": ["203.0.113", "::1"],
    "has-response-header": ["server", "X-Cache=hit", "set-cookie"],
    "has-request-header": ["Accept", "cookie=theme"],
    "set-cookie-name": ["sid"],
    "set-cookie-domain": ["shop.test"],
    "cookie-name": ["theme"],
    "regexp": ["ca.t", "/^https?:/", "m(a|o)rk"],
}
"""Values to ask of each field of the language."""


def _terms() -> st.SearchStrategy[Node]:
    colons = st.sampled_from([(name, value) for name, values in ASKED.items() for value in values])
    compared = st.sampled_from([name for name, rule in FIELDS.items() if rule.compares])

    def amounts(name: str) -> st.SearchStrategy[str]:
        if name == "status":
            return st.sampled_from(["200", "399", "404"])
        return _SIZES if name in {"size", "encoded", "decoded"} else _TIMES

    return st.one_of(
        colons.map(lambda pair: Term(pair[0], ":", (pair[1],))),
        st.sampled_from([values for values in ASKED.items() if len(values[1]) > 1]).map(
            lambda pair: Term(pair[0], ":", tuple(pair[1][:3]))
        ),
        compared.flatmap(
            lambda name: st.builds(
                lambda operator, amount: Term(name, operator, (amount,)), _NUMBERS, amounts(name)
            )
        ),
    )


_FREE = st.text(min_size=1, max_size=12)
"""What a person may look for: quotes, backslashes, commas, parentheses, slashes and spaces too."""

_FREE_TERMS: st.SearchStrategy[Node] = st.builds(
    lambda name, values: Term(name, ":", tuple(values)),
    st.sampled_from(["url", "name", "mime", "initiator", "text", "cookie-name"]),
    st.lists(_FREE, min_size=1, max_size=3),
)
_FREE_PATTERNS: st.SearchStrategy[Node] = st.builds(
    lambda values: Term("regexp", ":", tuple(values)),
    st.lists(
        st.text("ab/,. \"'-:", min_size=1, max_size=8) | _FREE.map(re.escape),
        min_size=1,
        max_size=3,
    ),
)

_LEAVES: st.SearchStrategy[Node] = st.one_of(
    _WORDS.map(Word), st.sampled_from(["ca.t", "^https?:", r"\d{4}", "a/b"]).map(Pattern), _terms()
)


def _flat(kind: type[AndNode] | type[OrNode], parts: list[Node]) -> Node:
    """As the parser makes it: nothing of a kind directly within its own kind stays as it was
    written with parentheses, so that is kept; a single part is itself."""
    return parts[0] if len(parts) == 1 else kind(tuple(parts))


nodes: st.SearchStrategy[Node] = st.recursive(
    _LEAVES,
    lambda inner: st.one_of(
        inner.map(NotNode),
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: _flat(AndNode, parts)),
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: _flat(OrNode, parts)),
    ),
    max_leaves=6,
)


@given(st.one_of(nodes, _FREE.map(Word), _FREE_TERMS, _FREE_PATTERNS))
def test_parse_of_print_is_the_same(node: Node) -> None:
    assert parse(print_node(node)).node == node


@given(st.text(max_size=60))
def test_any_text_is_a_filter_or_a_mistake(text: str) -> None:
    mistake: FilterError | None = None
    try:
        compiled = parse(text)
    except FilterError as error:
        mistake = error
    if mistake is not None:
        assert 0 <= mistake.position <= len(text)
    else:
        assert parse(str(compiled)) == compiled


_HEADERS = st.sampled_from(
    [
        None,
        [["Server", "nginx"], ["x-cache", "HIT from edge"]],
        [{"name": "Set-Cookie", "value": "sid=1; Path=/; Domain=.Shop.test\nlang=de"}],
        {"accept": "text/html", "Cookie": "theme=dark; sid=2"},
        "no headers",
        [5, ["name"]],
    ]
)
_TOLD = st.fixed_dictionaries(
    {},
    optional={
        "requestHeaders": _HEADERS,
        "responseHeaders": _HEADERS,
        "requestBody": st.sampled_from([None, "", "a=1"]),
        "responseBody": st.sampled_from([None, "", "{}"]),
        "priority": st.sampled_from([None, "high", "LOW", 5]),
        "serverIPAddress": st.sampled_from([None, "203.0.113.7", "::1", 7]),
        "message": st.sampled_from([None, "A is not a function", ["a"]]),
        "selector": st.sampled_from([None, "main>button#buy"]),
    },
)
"""What a HAR file, a proxy or the SDK may tell beside an entry's own fields, and nonsense there."""

told_entries: st.SearchStrategy[Entry] = st.builds(
    lambda entry, told: msgspec.structs.replace(entry, extra={**entry.extra, **told}),
    st.one_of(absurd_entries(), ordinary_requests()),
    _TOLD,
)


def test_every_field_of_the_language_is_asked() -> None:
    assert set(ASKED) == set(FIELDS)
    for name, values in ASKED.items():
        for value in values:
            parse(f"{name}:{value}")


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    entries=st.lists(told_entries, min_size=1, max_size=12),
    asked=st.lists(nodes, min_size=4, max_size=12),
)
def test_sql_equals_python(
    tmp_path_factory: pytest.TempPathFactory, entries: list[Entry], asked: list[Node]
) -> None:
    with StoreReader(_stored(tmp_path_factory.mktemp("filters"), entries)) as reader:
        everything = list(reader.iter_records("session"))
        for node in asked:
            _found_alike(reader, everything, print_node(node))


def _stored(folder: Path, entries: Sequence[Entry]) -> Path:
    """A store of one session with the entries, by turns in one of its two pageviews."""
    path = folder / "store.db"
    writer = StoreWriter(path)
    writer.write_batches(
        [
            Batch(
                session_id="session",
                page_view_id=f"view-{number}",
                entries=list(entries[number::2]),
                key=bytes([number] * 16),
                time_origin_us=1_700_000_000_000_000 + number,
                received_us=1_700_000_000_000_000,
                page=Page(url="https://shop.test/checkout"),
            )
            for number in range(2)
        ]
    )
    writer.close_now()
    return path


def _found_alike(reader: StoreReader, everything: list[Record], text: str) -> set[int]:
    """What the store finds, which must be what the predicate lets through."""
    urls = {view.page_view_id: view.url for view in reader.page_views("session")}
    compiled = parse(text).within(FilterContext(urls, find_duplicates(everything)))
    expected = {record.seq for record in everything if compiled.matches(record)}
    found = set(reader.index("session", predicate=compiled).seqs)
    assert found == expected, str(compiled)
    return found


def _telling_entries() -> list[Entry]:
    """Entries of which each field of the language finds some and not others."""
    return [
        Entry(
            entry_type="resource",
            name="https://shop.test/api/cart/8812?x=1",
            start_us=0,
            duration_us=600_000,
            initiator_type="fetch",
            method="GET",
            next_hop_protocol="h2",
            content_type="application/json",
            content_encoding="br",
            response_status=404,
            domain_lookup_start_us=0,
            domain_lookup_end_us=5_000,
            connect_start_us=5_000,
            secure_connection_start_us=7_000,
            connect_end_us=9_000,
            request_start_us=9_000,
            response_start_us=250_000,
            response_end_us=600_000,
            transfer_size=200_000,
            encoded_body_size=199_000,
            decoded_body_size=800_000,
            extra={
                "priority": "High",
                "serverIPAddress": "203.0.113.7",
                "requestHeaders": [["Accept", "*/*"], ["Cookie", "theme=dark"]],
                "responseHeaders": {
                    "Server": "nginx",
                    "Set-Cookie": "sid=1; Domain=shop.test",
                },
            },
        ),
        Entry(
            entry_type="resource",
            name="http://127.0.0.1:8000/a.png",
            start_us=4_000_000,
            duration_us=2_000_000,
            initiator_type="img",
            transfer_size=3_000_000,
        ),
        Entry(entry_type="mark", name="mark", start_us=5, extra={"message": "a b"}),
        Entry(entry_type="longtask", name="self", start_us=9, duration_us=60_000),
    ]


def test_every_field_tells_entries_apart_in_sql_as_in_python(tmp_path: Path) -> None:
    entries = _telling_entries()
    with StoreReader(_stored(tmp_path, entries)) as reader:
        everything = list(reader.iter_records("session"))
        assert len(everything) == len(entries)
        for name, values in ASKED.items():
            answers = [_found_alike(reader, everything, f"{name}:{value}") for value in values]
            assert any(answers), name
            if name != "session":
                assert any(len(found) < len(entries) for found in answers if found), name


@pytest.mark.parametrize("alias", ALIASES)
def test_another_name_asks_the_same(alias: str) -> None:
    name = ALIASES[alias]
    for value in ASKED[name]:
        told = parse(f"{alias}:{value}")
        assert told == parse(f"{name}:{value}")
        assert parse(str(told)) == told


def test_every_field_and_value_that_is_offered_is_understood() -> None:
    for name, rule in FIELDS.items():
        for value in rule.values:
            parse(f"{name}:{value}")
    for alias, name in ALIASES.items():
        assert name in FIELDS, alias


def test_completions_go_on_from_what_is_there() -> None:
    assert complete("sta") == ["status:", "start:"]
    assert "cart -is:slow" in complete("cart -is:s")
    assert complete("type:script,st") == ["type:script,stylesheet"]
    assert complete("status:5xx") == []
    assert complete("") == []
    assert complete("foo:b") == []


def test_values_of_the_session_come_after_the_words_of_the_language() -> None:
    seen = {"domain": ("shop.test", "cdn.shop.test"), "type": ("stranger",)}
    assert complete("domain:", seen=seen) == ["domain:shop.test", "domain:cdn.shop.test"]
    assert complete("is:slow -domain:CDN", seen=seen) == ["is:slow -domain:cdn.shop.test"]
    assert complete("type:st", seen=seen) == ["type:stylesheet", "type:stranger"]
    assert complete("domain:shop.test", seen=seen) == []
    assert complete("domain:") == []
