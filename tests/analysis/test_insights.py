"""The nine questions on sessions whose truth is planted: the planted cause is named first."""

from __future__ import annotations

import asyncio
from itertools import count
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import jsonschema
import msgspec
import numpy
import pytest

from perftui.analysis.filters import parse
from perftui.analysis.insights.answer import Answer, Question
from perftui.analysis.insights.change import Sides, change, compare, split, whole
from perftui.analysis.insights.compression import compressed
from perftui.analysis.insights.factors import lcp_parts
from perftui.analysis.insights.moment import moment
from perftui.analysis.insights.questions import ANSWERS, SHAPES
from perftui.analysis.insights.reading import read_study
from perftui.analysis.insights.study import Study
from perftui.analysis.rendering.documents import answer_document, schema
from perftui.analysis.rendering.html import page
from perftui.analysis.rendering.markdown import answer_markdown
from perftui.analysis.rendering.text import answer_lines, coverage_words
from perftui.analysis.text import sanitise
from perftui.model import Batch, Entry, Page
from perftui.store.reader import StoreReader
from perftui.store.writer import StoreWriter

BEGAN_US = 1_795_451_678_000_000
PAGE = "https://shop.test/"
DAY_US = 86_400_000_000


_FOLDER = TemporaryDirectory(prefix="insights-")
_NUMBERS = count(1)


class Sessions:
    """Sessions of one page load each, put together request by request."""

    def __init__(self) -> None:
        self.batches: list[Batch] = []

    def session(self, *entries: Entry, client: dict[str, Any] | None = None) -> str:
        number = len(self.batches) + 1
        session_id, began = f"session-{number}", BEGAN_US + number * DAY_US
        view = Entry(entry_type="pageview", name=PAGE, start_us=0, extra={"kind": "load"})
        self.batches.append(
            Batch(
                session_id=session_id,
                page_view_id="view",
                entries=[view, *entries],
                key=number.to_bytes(16, "big"),
                time_origin_us=began,
                received_us=began,
                page=Page(url=PAGE),
                client=client or {},
            )
        )
        return session_id

    def reader(self) -> StoreReader:
        """A real store that holds them."""
        path = Path(_FOLDER.name) / f"{next(_NUMBERS)}.db"
        writer = StoreWriter(path)
        writer.write_batches(self.batches)
        asyncio.run(writer.close())
        return StoreReader(path)

    def study(self) -> Study:
        reader = self.reader()
        return read_study(reader, reader.sessions())


def request(url: str, start_ms: float = 100, duration_ms: float = 50, **fields: Any) -> Entry:
    """A request that tells everything: 10 ms until it is sent, 5 ms to receive."""
    start, end = round(start_ms * 1000), round((start_ms + duration_ms) * 1000)
    told: dict[str, Any] = {
        "initiator_type": "script",
        "response_status": 200,
        "fetch_start_us": start,
        "request_start_us": start + 10_000,
        "response_start_us": max(start + 10_000, end - 5_000),
        "response_end_us": end,
        "transfer_size": 1_300,
        "encoded_body_size": 1_000,
        "decoded_body_size": 3_000,
    }
    return Entry(
        **{
            "entry_type": "resource",
            "name": url,
            "start_us": start,
            "duration_us": end - start,
            **told,
            **fields,
        }
    )


def opaque(url: str, duration_ms: float = 50) -> Entry:
    return Entry(
        entry_type="resource",
        name=url,
        start_us=100_000,
        duration_us=round(duration_ms * 1000),
        initiator_type="script",
    )


def navigation(ttfb_ms: float = 100) -> Entry:
    return request(
        PAGE,
        0,
        ttfb_ms + 20,
        entry_type="navigation",
        initiator_type="navigation",
        response_start_us=round(ttfb_ms * 1000),
        content_type="text/html",
    )


def lcp(at_ms: float, url: str = "") -> Entry:
    return Entry(
        entry_type="largest-contentful-paint",
        name="",
        start_us=round(at_ms * 1000),
        duration_us=0,
        extra={"url": url, "size": 5000, "renderTime": at_ms},
    )


def api(path: str, duration_ms: float, start_ms: float = 500, **fields: Any) -> Entry:
    return request(
        f"https://shop.test{path}",
        start_ms,
        duration_ms,
        **{"initiator_type": "fetch", "content_type": "application/json", **fields},
    )


def ask(question: Question, study: Study) -> Answer:
    """An answer, which renders in every form and whose document is valid."""
    answer = ANSWERS[question](study)
    check(answer)
    return answer


def check(answer: Answer) -> None:
    document = answer_document(answer)
    jsonschema.validate(
        msgspec.json.decode(msgspec.json.encode(document)),
        schema({answer.question: SHAPES[answer.question]}),
    )
    assert answer_lines(answer, width=80)
    assert all(line.text.isascii() for line in answer_lines(answer, width=80, ascii_only=True))
    plain = answer_markdown(answer).replace("\\", "").replace("\u200b", "")
    assert sanitise(answer.headline).replace("\\", "") in plain
    assert answer.question in page("t", [answer])


def cell(answer: Answer, table: str, name: str, column: str) -> Any:
    for record in answer.table(table).records():
        if name in record.values():
            return record[column]
    raise AssertionError(f"no row of {name}")


def test_assets_name_the_slowest_and_percentiles_are_numpys() -> None:
    random = Random(1)
    sessions = Sessions()
    durations = [random.uniform(20, 400) for _ in range(40)]
    for duration in durations:
        sessions.session(
            navigation(),
            request("https://shop.test/app.js", duration_ms=duration),
            request("https://shop.test/hero.avif", duration_ms=900, initiator_type="img"),
            lcp(1_200),
        )
    answer = ask(Question.ASSETS, sessions.study())
    assert answer.cause is not None
    assert answer.cause.name == "https://shop.test/hero.avif"
    stored = [round((100 + one) * 1000) - 100_000 for one in durations]
    for column, share in (("p50_ms", 50), ("p75_ms", 75), ("p95_ms", 95)):
        told = cell(answer, "by_url", "https://shop.test/app.js", column)
        assert told == pytest.approx(float(numpy.percentile(stored, share)) / 1000, abs=0.0006)
    assert cell(answer, "by_url", "https://shop.test/hero.avif", "before_lcp_share") == 1.0


def test_api_names_the_slowest_endpoint_and_groups_by_template() -> None:
    sessions = Sessions()
    for number in range(6):
        sessions.session(
            api(f"/api/users/{1000 + number}", 80),
            api("/api/report", 1_400, extra={"serverTiming": [{"name": "db", "duration": 1_200}]}),
            api("/api/broken", 30, response_status=500),
        )
    answer = ask(Question.API, sessions.study())
    assert answer.cause is not None
    assert answer.cause.name == "shop.test/api/report"
    assert cell(answer, "by_endpoint", "shop.test/api/users/:id", "calls") == 6
    assert cell(answer, "by_endpoint", "shop.test/api/report", "server_p50_ms") == 1_200
    assert cell(answer, "by_endpoint", "shop.test/api/broken", "errors") == 6
    assert sum(answer.distributions[0].counts) == 18


def test_third_parties_name_the_one_on_the_way_to_the_lcp() -> None:
    sessions = Sessions()
    for _ in range(5):
        sessions.session(
            navigation(),
            request(
                "https://tags.blocker.test/tag.js", 130, 700, render_blocking_status="blocking"
            ),
            opaque("https://pixel.harmless.test/p.gif", 2_000),
            request("https://shop.test/hero.avif", 850, 100, initiator_type="img"),
            lcp(1_000, "https://shop.test/hero.avif"),
        )
    answer = ask(Question.THIRD_PARTY, sessions.study())
    assert answer.cause is not None
    assert answer.cause.name == "blocker.test"
    assert cell(answer, "third_parties", "blocker.test", "lcp_path_ms") == pytest.approx(700, abs=1)
    assert cell(answer, "third_parties", "harmless.test", "lcp_path_ms") == 0
    assert cell(answer, "third_parties", "harmless.test", "unknown_sizes") == 5
    assert any("Without blocker.test" in note.text for note in answer.notes)


def test_third_parties_without_an_lcp_are_not_said_to_be_off_its_way() -> None:
    sessions = Sessions()
    sessions.session(navigation(), request("https://tags.blocker.test/tag.js", 130, 700))
    answer = ask(Question.THIRD_PARTY, sessions.study())
    for column in ("blocking_ms", "lcp_path_ms", "long_task_ms"):
        assert cell(answer, "third_parties", "blocker.test", column) is None
    assert answer.cause is not None
    assert answer.cause.value is None
    assert "the LCP is not known" in answer.headline
    # Known of some loads: the figure is of these alone.
    sessions.session(
        navigation(),
        request("https://tags.blocker.test/tag.js", 130, 700, render_blocking_status="blocking"),
        request("https://late.test/chat.js", 2_000, 100, render_blocking_status="non-blocking"),
        lcp(1_000),
    )
    answer = ask(Question.THIRD_PARTY, sessions.study())
    assert cell(answer, "third_parties", "blocker.test", "lcp_path_ms") == pytest.approx(700, abs=1)
    assert cell(answer, "third_parties", "late.test", "lcp_path_ms") == 0
    assert cell(answer, "third_parties", "late.test", "blocking_ms") == 0


def test_a_filter_by_party_narrows_a_report_as_it_narrows_the_log() -> None:
    sessions = Sessions()
    for _ in range(2):
        sessions.session(
            navigation(),
            api("/api/cart", 80),
            request("https://tags.blocker.test/tag.js"),
            opaque("https://pixel.harmless.test/p.gif"),
        )
    reader = sessions.reader()
    for text, expected in (("is:third-party", 4), ("is:first-party", 4)):
        narrowed = parse(text)
        study = read_study(reader, reader.sessions(), predicate=narrowed)
        logged = [record.seq for record in reader.iter_records(predicate=narrowed)]
        assert sorted(study.requests.seqs.tolist()) == logged
        assert len(logged) == expected


def test_size_names_the_largest_and_finds_duplicates() -> None:
    sessions = Sessions()
    sessions.session(
        request("https://shop.test/huge.js", transfer_size=900_000, encoded_body_size=899_700),
        request("https://shop.test/twice.js", 100),
        request("https://shop.test/twice.js", 300),
        opaque("https://cdn.other.test/unknown.js"),
    )
    answer = ask(Question.SIZE, sessions.study())
    assert answer.cause is not None
    assert (answer.cause.name, answer.cause.value) == ("https://shop.test/huge.js", 900_000)
    assert cell(answer, "duplicates", "https://shop.test/twice.js", "wasted_bytes") == 1_300
    assert answer.unknown == {"size": 1}
    assert cell(answer, "sizes_by_type", "script", "transfer_bytes") == 902_600


def test_compression_names_the_uncompressed_bundle_and_never_an_opaque_one() -> None:
    sessions = Sessions()
    plain = {"encoded_body_size": 400_000, "decoded_body_size": 400_000, "transfer_size": 400_300}
    sessions.session(
        request("https://shop.test/bundle.js", content_type="text/javascript", **plain),
        request("https://shop.test/photo.jpg", content_type="image/jpeg", **plain),
        request("https://shop.test/good.css", content_type="text/css", content_encoding="br"),
        opaque("https://cdn.other.test/unknown.js"),
    )
    study = sessions.study()
    answer = ask(Question.COMPRESSION, study)
    assert answer.cause is not None
    assert answer.cause.name == "https://shop.test/bundle.js"
    assert len(answer.table("uncompressed").rows) == 1
    assert cell(answer, "compressed", "https://shop.test/good.css", "coding") == "br"
    assert answer.unknown == {"compression": 1}
    (unknown,) = [place for place, url in enumerate(study.requests.url_texts) if "other" in url]
    assert numpy.isnan(compressed(study.requests)[study.requests.urls == unknown]).all()


def test_savings_that_were_measured_are_told_as_such_and_others_as_estimates() -> None:
    sessions = Sessions()
    plain: dict[str, Any] = {
        "encoded_body_size": 400_000,
        "decoded_body_size": 400_000,
        "transfer_size": 400_300,
        "content_type": "text/javascript",
    }
    sizes = {"gzipSize": 123_456, "brotliSize": 98_765}
    sessions.session(
        request("https://shop.test/measured.js", **plain, extra=sizes),
        request("https://shop.test/guessed.js", **plain),
    )
    answer = ask(Question.COMPRESSION, sessions.study())
    rows = {row[0]: row for row in answer.table("uncompressed").rows}
    assert rows["https://shop.test/measured.js"][4:] == (
        *(400_000 - sizes["gzipSize"], 400_000 - sizes["brotliSize"]),
        "measured",
    )
    assert rows["https://shop.test/guessed.js"][-1] == "estimated"


def regressed() -> Sessions:
    """In the second half of the sessions one endpoint is 300 ms slower; the others only vary."""
    random = Random(2)
    sessions = Sessions()
    for number in range(24):
        slower = 300 if number >= 12 else 0
        sessions.session(
            *(api("/api/cart", 100 + slower + random.uniform(-20, 20)) for _ in range(3)),
            *(api("/api/user", 200 + random.uniform(-80, 80)) for _ in range(3)),
            *(
                request("https://shop.test/app.js", duration_ms=random.uniform(50, 250))
                for _ in range(2)
            ),
        )
    return sessions


def test_change_names_the_endpoint_that_became_slower() -> None:
    answer = ask(Question.CHANGE, regressed().study())
    assert answer.cause is not None
    assert answer.cause.name == "shop.test/api/cart"
    assert answer.cause.value == pytest.approx(300, abs=15)
    assert cell(answer, "speed", "shop.test/api/cart", "significant") is True
    assert cell(answer, "speed", "shop.test/api/user", "significant") is False
    low, high = (cell(answer, "speed", "shop.test/api/cart", end) for end in ("low_ms", "high_ms"))
    assert low < 300 < high
    assert len(answer.trends[0].medians) == 24


def test_a_trend_knows_where_the_chosen_moment_lies_and_only_then() -> None:
    study = regressed().study()
    chosen = BEGAN_US + 13 * DAY_US - 1
    (trend,) = change(study, since_us=chosen).trends
    assert trend.since == 12
    assert trend.labels[12] == "session-"
    for nothing in (
        change(study, baseline="session-1"),
        change(study),
        change(study, since_us=BEGAN_US + 99 * DAY_US),
    ):
        assert [one.since for one in nothing.trends] == [None] * len(nothing.trends)


def test_the_metrics_of_a_page_have_a_line_by_session_too() -> None:
    sessions = Sessions()
    for number in range(12):
        sessions.session(navigation(100), lcp(500 + 100 * number))
    answer = ask(Question.CHANGE, sessions.study())
    assert cell(answer, "speed", "shop.test/ LCP", "series_ms") == tuple(
        500.0 + 100 * number for number in range(12)
    )


def test_change_says_when_there_are_too_few_values() -> None:
    sessions = Sessions()
    sessions.session(api("/api/cart", 100))
    sessions.session(api("/api/cart", 900))
    answer = ask(Question.CHANGE, sessions.study())
    assert answer.cause is None
    assert cell(answer, "speed", "shop.test/api/cart", "significant") is None
    assert any("too few" in note.text for note in answer.notes)


def test_change_against_a_baseline_session() -> None:
    sides = split(regressed().study(), None, "session-1")
    assert sides.before.sessions == 1
    assert [sides.before.study.page_views[page].session_id for page in sides.before.pages] == [
        "session-1"
    ]
    assert sides.after.sessions == 23
    check(change(regressed().study(), baseline="session-1"))


def test_compare_shows_what_was_added_and_is_gone() -> None:
    before, after = Sessions(), Sessions()
    before.session(api("/api/cart", 100), request("https://shop.test/old.js"))
    after.session(api("/api/cart", 200), request("https://shop.test/new.js"))
    answer = compare(Sides(whole(before.study(), "a"), whole(after.study(), "b")))
    check(answer)
    assert cell(answer, "presence", "https://shop.test/new.js", "side") == "added"
    assert cell(answer, "presence", "https://shop.test/old.js", "side") == "gone"
    assert cell(answer, "speed", "shop.test/api/cart", "change_ms") == 100


def test_compare_tells_what_each_of_the_sides_rests_on() -> None:
    before, after = Sessions(), Sessions()
    before.session(api("/api/cart", 100), request("https://shop.test/a.js"))
    before.session(api("/api/cart", 100))
    after.session(api("/api/cart", 200))
    answer = compare(Sides(whole(before.study(), "a"), whole(after.study(), "b")))
    check(answer)
    words = coverage_words(answer)
    assert words.startswith("before: 2 sessions, 2 pageviews, 3 requests, received ")
    assert "; after: 1 session, 1 pageview, 1 request, received " in words
    document = answer_document(answer)
    assert document["coverage"]["requests"] == 1
    assert document["coverage_before"]["requests"] == 3
    other = change(before.study())
    assert answer_document(other)["coverage_before"] is None
    assert coverage_words(other).startswith("from 2 sessions, 2 pageviews, 3 requests, ")


def test_compare_of_two_filters_over_the_same_sessions() -> None:
    sessions = Sessions()
    for number in range(8):
        sessions.session(
            request("https://shop.test/a.js", duration_ms=100 + number),
            request("https://cdn.other.test/b.js", duration_ms=300 + number),
            api("/api/cart", 400),
        )
    reader = sessions.reader()
    own, others = (
        read_study(reader, reader.sessions(), predicate=parse(text))
        for text in ("-is:third-party", "is:third-party")
    )
    answer = compare(Sides(whole(own, "own"), whole(others, "others")))
    check(answer)
    assert {(row["name"], row["side"]) for row in answer.table("presence").records()} == {
        ("https://shop.test/a.js", "gone"),
        ("shop.test/api/cart", "gone"),
        ("https://cdn.other.test/b.js", "added"),
    }
    assert "16 requests of 8 sessions" in answer.notes[0].text
    assert "8 requests of 8 sessions" in answer.notes[0].text


def test_third_parties_are_the_first_thirty_and_it_says_of_how_many() -> None:
    sessions = Sessions()
    sessions.session(
        *(request(f"https://cdn.site{number}.test/a.js", number, 10) for number in range(33))
    )
    answer = ask(Question.THIRD_PARTY, sessions.study())
    table = answer.table("third_parties")
    assert (len(table.rows), table.total) == (30, 33)
    assert "33 third parties" in answer.headline


def test_bodies_told_only_as_sent_are_named_where_decoded_bytes_are_summed() -> None:
    sessions = Sessions()
    sessions.session(
        request("https://shop.test/a.js", encoded_body_size=5_000, decoded_body_size=None),
        request("https://shop.test/b.js", encoded_body_size=10, decoded_body_size=40),
    )
    answer = ask(Question.SIZE, sessions.study())
    assert any(note.text.startswith("1 body is told only as sent") for note in answer.notes)


def test_a_small_size_in_a_sentence_has_its_unit() -> None:
    sessions = Sessions()
    sessions.session(request("https://shop.test/a.js", transfer_size=837, encoded_body_size=500))
    assert "with 837 bytes." in ask(Question.SIZE, sessions.study()).headline


def test_factors_name_the_one_that_drives_the_lcp() -> None:
    random = Random(3)
    sessions = Sessions()
    for _ in range(30):
        ttfb = random.uniform(50, 900)
        sessions.session(
            navigation(ttfb),
            *(
                request(
                    f"https://shop.test/{place}.js",
                    50,
                    random.uniform(10, 40),
                    transfer_size=random.randrange(9_000),
                )
                for place in range(random.randrange(1, 6))
            ),
            lcp(ttfb + 400 + random.uniform(0, 40)),
            client={
                "deviceMemory": random.choice([4, 8, 16]),
                "connection": {"rtt": random.choice([50, 100, 150])},
            },
        )
    answer = ask(Question.FACTORS, sessions.study())
    assert answer.cause is not None
    assert answer.cause.name == "time to first byte"
    assert cell(answer, "factors", "time to first byte", "rho") > 0.9
    assert cell(answer, "factors", "device memory", "certain") is False


def loaded(ttfb_ms: float, load_ms: float) -> Entry:
    return msgspec.structs.replace(navigation(ttfb_ms), extra={"loadEventEnd": load_ms})


def test_where_no_load_has_an_lcp_the_load_event_stands_for_it() -> None:
    random = Random(3)
    sessions = Sessions()
    for _ in range(30):
        count = random.randrange(1, 20)
        sessions.session(
            loaded(100, 300 + 40 * count),
            *(
                request(
                    f"https://shop.test/{place}.png", 150, 10, transfer_size=random.randrange(9_000)
                )
                for place in range(count)
            ),
        )
    answer = ask(Question.FACTORS, sessions.study())
    assert answer.cause is not None
    assert answer.cause.name == "requests before the load event"
    assert answer.headline == (
        "Requests before the load event goes most closely with the load event (correlation +1.00"
        " over 30 page loads)."
    )
    assert any("do not tell the Largest Contentful Paint" in note.text for note in answer.notes)
    assert answer.table("lcp_parts").rows == ()


def test_the_load_event_of_few_loads_is_told_with_its_chain() -> None:
    sessions = Sessions()
    script = request("https://shop.test/late.js", 200, 700, initiator_type="script")
    sessions.session(loaded(100, 950), script)
    sessions.session(loaded(100, 450))
    answer = ask(Question.FACTORS, sessions.study())
    assert answer.headline == (
        "No page load tells of an LCP; the load event comes after 700ms (median of 2 page loads)."
    )
    assert [row[0] for row in answer.table("chain").rows] == [PAGE, "https://shop.test/late.js"]
    assert answer.table("factors").rows == ()


def test_one_lcp_is_enough_to_hold_page_loads_against_the_lcp() -> None:
    sessions = Sessions()
    sessions.session(loaded(100, 950), lcp(400))
    sessions.session(loaded(100, 450))
    assert "LCP" in ask(Question.FACTORS, sessions.study()).headline
    assert "load event" not in ask(Question.FACTORS, sessions.study()).headline


def test_the_parts_of_the_lcp_add_up_to_it() -> None:
    sessions = Sessions()
    sessions.session(
        navigation(200),
        request("https://shop.test/hero.avif", 290, 400, initiator_type="img"),
        lcp(1_000, "https://shop.test/hero.avif"),
    )
    study = sessions.study()
    parts = lcp_parts(study, 0)
    assert parts is not None
    assert (
        parts.time_to_first_byte,
        parts.load_delay,
        parts.load_duration,
        parts.render_delay,
    ) == (
        200_000,
        100_000,
        390_000,
        310_000,
    )
    answer = ask(Question.FACTORS, study)
    assert any("too few" in note.text for note in answer.notes)
    assert [row[0] for row in answer.table("chain").rows][-1] == "https://shop.test/hero.avif"


def event(name: str, at_ms: float) -> Entry:
    return Entry(entry_type="capture", name=name, start_us=round(at_ms * 1000), duration_us=0)


def test_events_name_the_one_that_goes_with_slow_calls() -> None:
    sessions = Sessions()
    for number in range(9):
        if number % 3 == 0:
            sessions.session(api("/api/pay", 1_900), event("gave_up", 2_600), event("seen", 10))
        else:
            sessions.session(api("/api/pay", 100), event("bought", 700), event("seen", 10))
    answer = ask(Question.EVENTS, sessions.study())
    assert answer.cause is not None
    assert answer.cause.name == "gave_up"
    assert cell(answer, "events", "gave_up", "api_with_ms") == 1_900
    assert cell(answer, "events", "gave_up", "slow_before") == 3
    assert cell(answer, "events", "bought", "slow_before") == 0
    assert cell(answer, "bands", "bought", "fast_share") == 1.0
    assert cell(answer, "bands", "bought", "slow_share") == 0.0


def test_a_moment_says_what_was_in_flight() -> None:
    sessions = Sessions()
    sessions.session(
        navigation(),
        api("/api/slow", 3_000, 500),
        api("/api/quick", 50, 600),
        Entry(entry_type="longtask", name="self", start_us=1_000_000, duration_us=200_000),
        Entry(entry_type="action", name="click", start_us=900_000, extra={"selector": "#buy"}),
        lcp(700),
    )
    answer = moment(sessions.study(), "session-1", 1_100_000)
    check(answer)
    assert [row[0] for row in answer.table("in_flight").rows] == ["https://shop.test/api/slow"]
    assert cell(answer, "in_flight", "https://shop.test/api/slow", "running_ms") == 600
    assert cell(answer, "in_flight", "https://shop.test/api/slow", "left_ms") == 2_400
    assert "main thread was busy with a long task of 200ms" in answer.headline
    assert "click #buy" in cell(answer, "situation", "last action", "value")


def test_a_long_frame_of_a_moment_is_no_busy_main_thread() -> None:
    sessions = Sessions()
    frame = Entry(
        entry_type="long-animation-frame",
        name="long-animation-frame",
        start_us=200_000,
        duration_us=314_000,
        extra={"blockingDuration": 22.8},
    )
    sessions.session(navigation(), frame, lcp(700))
    during = moment(sessions.study(), "session-1", 300_000)
    assert "The screen waited for a long animation frame of 314ms, 23ms of it" in during.headline
    assert "busy" not in during.headline
    after = moment(sessions.study(), "session-1", 600_000)
    assert cell(after, "situation", "main thread", "value") == "no long task"


def test_a_browser_that_tells_of_no_long_task_says_nothing_of_the_main_thread() -> None:
    sessions = Sessions()
    sessions.session(navigation(), api("/api/slow", 3_000, 500))
    answer = moment(sessions.study(), "session-1", 600_000)
    assert cell(answer, "situation", "main thread", "value") == "not reported"


@pytest.mark.parametrize("question", list(ANSWERS))
def test_nothing_at_all_is_an_answer_too(question: Question) -> None:
    answer = ask(question, Sessions().study())
    assert answer.cause is None
    assert answer.coverage.requests == 0


def test_hostile_names_stay_harmless_in_html() -> None:
    sessions = Sessions()
    sessions.session(request("https://shop.test/<script>alert(1)</script>\x1b]52;c;x\x07"))
    document = page("<b>", [ask(Question.ASSETS, sessions.study())])
    assert "<script" not in document
    assert "\x1b" not in document
