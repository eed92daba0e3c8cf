"""Who asks: the connection, what is asked about, and what answers share."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import msgspec

from perftui.analysis.filter_fields import FilterSettings
from perftui.analysis.filters import Filter
from perftui.analysis.insights.answer import Answer, Coverage, Note, NoteKind, Question, Table
from perftui.analysis.vitals import Vital
from perftui.config import Thresholds
from perftui.export.clickhouse import ClickHouse
from perftui.export.clickhouse_schema import ENTRIES, quoted
from perftui.export.columns import BATCH_PLACE
from perftui.export.filter_sql import FilterSql, page_site, page_sites
from perftui.export.questions.requests import Requests
from perftui.model import Record

EXACT_REQUESTS = 20_000_000
"""Up to this many requests percentiles are exact, as the local answers' (``quantileExactInclusive``
keeps every value: 8 bytes each); beyond it they come from t-digests."""

_WITHOUT_SHORT_CIRCUITS = " SETTINGS short_circuit_function_evaluation = 'disable'"
"""The phases are a cascade of conditions on numbers. Evaluated lazily, branch by branch, each is
worked out again for every use: 4.6 s instead of 0.3 for a million requests."""

DIGEST_NOTE = (
    "Percentiles come from t-digests: the rank of each is exact to 1 % of all values"
    " (ClickHouse, quantileTDigest)."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is asked about; everything where nothing is said.

    Attributes:
        session_ids: only these sessions.
        since_us, until_us: moments of receipt, half-open, µs since the epoch.
        predicate: narrows the requests, and nothing else.
    """

    session_ids: Sequence[str] = ()
    since_us: int | None = None
    until_us: int | None = None
    predicate: Filter | None = None

    def condition(self) -> str:
        """As SQL over the columns of ``performance_entries``."""
        parts: list[str] = []
        if self.session_ids:
            parts.append(f"session_id IN ({', '.join(map(quoted, self.session_ids))})")
        for operator, moment in ((">=", self.since_us), ("<", self.until_us)):
            if moment is not None:
                parts.append(f"received {operator} fromUnixTimestamp64Micro({int(moment)}, 'UTC')")
        return " AND ".join(parts) or "1"


@dataclass(frozen=True, slots=True)
class Fetched:
    """Sessions that were fetched, to look at their page loads one by one.

    Attributes:
        answer: answers a question about them.
        metrics: the Web Vitals of their pageviews as far as these follow from some of their
            entries, each with the pageview's URL.
        session_count: how many sessions they are.
    """

    answer: Callable[[Question], Answer]
    metrics: Callable[[Callable[[Record], bool]], Sequence[tuple[str, Vital]]]
    session_count: int


class PageLoads:
    """What follows from whole page loads; nothing is fetched before it is asked for.

    Args:
        fetch: fetches the sessions.
    """

    def __init__(self, fetch: Callable[[], Fetched]) -> None:
        self._fetch = fetch
        self._known: dict[Question, Answer] = {}

    @cached_property
    def _fetched(self) -> Fetched:
        return self._fetch()

    @property
    def session_count(self) -> int:
        """How many sessions were fetched."""
        return self._fetched.session_count

    def metrics(self, belongs: Callable[[Record], bool]) -> Sequence[tuple[str, Vital]]:
        """The Web Vitals of their pageviews; see :class:`Fetched`."""
        return self._fetched.metrics(belongs)

    def answer(self, question: Question) -> Answer:
        """An answer about the sessions that were fetched."""
        if question not in self._known:
            self._known[question] = self._fetched.answer(question)
        return self._known[question]

    def column(self, question: Question, table: str, column: str) -> Mapping[str, Any]:
        """The first cell of each row of a table -> its cell in a column."""
        found = self.answer(question).table(table)
        place = [one.key for one in found.shape.columns].index(column)
        return {str(row[0]): row[place] for row in found.rows}


class Asking:
    """A ClickHouse and what it is asked about.

    Args:
        page_loads: of the sessions that :func:`perftui.export.pull.sampled_batches` gives.
        exact_requests: see :data:`EXACT_REQUESTS`.
    """

    def __init__(
        self,
        clickhouse: ClickHouse,
        asked: Asked,
        page_loads: PageLoads,
        *,
        thresholds: Thresholds,
        first_party: Sequence[str] = (),
        exact_requests: int = EXACT_REQUESTS,
    ) -> None:
        self.clickhouse = clickhouse
        self.asked = asked
        self.page_loads = page_loads
        self.thresholds = thresholds
        self.settings = FilterSettings(thresholds, tuple(first_party))
        self._exact_requests = exact_requests

    @cached_property
    def where(self) -> str:
        """What is asked about, as SQL."""
        return self.asked.condition()

    @cached_property
    def page_sites(self) -> dict[str, str]:
        """Host of a page -> its registrable domain."""
        return page_sites(self.clickhouse, self.where)

    @cached_property
    def requests(self) -> Requests:
        """The requests that are asked about."""
        return Requests(
            self.where, self.page_sites, settings=self.settings, predicate=self.asked.predicate
        )

    def rows(self, sql: str, *, phases: bool = False) -> list[tuple[Any, ...]]:
        """The answer of a query over ``requests``."""
        if phases:
            sql += _WITHOUT_SHORT_CIRCUITS
        return self.clickhouse.rows(self.requests.cte(phases=phases) + sql)

    def value(self, sql: str) -> Any:
        """The one value of a query over ``requests``."""
        return self.rows(sql)[0][0]

    @cached_property
    def coverage(self) -> Coverage:
        """What the answers rest on."""
        kept = f"entry_type != {quoted(BATCH_PLACE)}"
        if self.asked.predicate is not None:
            passes = FilterSql(page_site(self.page_sites)).condition(self.asked.predicate)
            kept += f" AND (resource_type = '' OR {passes})"
        sessions, views, entries, requests, first, last = self.clickhouse.rows(
            "SELECT count(), sum(views), sum(entries), sum(requests),"
            " toUnixTimestamp64Micro(min(newest)), toUnixTimestamp64Micro(max(newest)) FROM ("
            f"SELECT session_id, uniqExactIf(page_view_id, {kept}) AS views,"
            f" countIf({kept}) AS entries, countIf({kept} AND resource_type != '') AS requests,"
            " max(received) AS newest"
            f" FROM {ENTRIES} FINAL WHERE {self.where} AND is_deleted = 0 GROUP BY session_id)"
        )[0]
        return Coverage(
            sessions=sessions,
            page_views=views,
            entries=entries,
            requests=requests,
            first_epoch_ms=first / 1000 if sessions else None,
            last_epoch_ms=last / 1000 if sessions else None,
        )

    @property
    def is_exact(self) -> bool:
        """Whether percentiles are exact."""
        return self.coverage.requests <= self._exact_requests

    def quantiles(self, value: str, *levels: float, condition: str | None = None) -> str:
        """SQL for percentiles of what is known, as an array."""
        kind = "quantilesExactInclusive" if self.is_exact else "quantilesTDigest"
        told = ", ".join(map(str, levels))
        if condition is not None:
            return f"{kind}If({told})({value}, {condition})"
        return f"{kind}({told})({value})"

    def notes(self, *notes: Note, from_page_loads: bool = False) -> tuple[Note, ...]:
        """Notes, and those on what the figures rest on.

        Args:
            from_page_loads: a part of them rests on the sessions that were fetched.
        """
        added = list(notes)
        if not self.is_exact:
            added.append(Note(NoteKind.PARTIAL, DIGEST_NOTE))
        there = self.coverage.sessions
        if from_page_loads and (fetched := self.page_loads.session_count) < there:
            added.append(
                Note(
                    NoteKind.PARTIAL,
                    f"Metrics of whole page loads rest on {fetched} of {there} sessions, chosen by"
                    " a hash of their ID; all other figures are of everything.",
                )
            )
        return tuple(added)

    def of_page_loads(self, question: Question) -> Answer:
        """An answer that rests on whole page loads altogether."""
        told = self.page_loads.answer(question)
        return msgspec.structs.replace(
            told, coverage=self.coverage, notes=self.notes(*told.notes, from_page_loads=True)
        )


def known(value: Any) -> float | None:
    """A figure; None where ClickHouse has NULL or, of no values, NaN."""
    return None if value is None or math.isnan(value) else float(value)


def number(value: Any) -> float:
    """A figure to sort by; 0 where it is not known."""
    return known(value) or 0.0


def in_milliseconds(value: Any) -> float | None:
    """µs as ms, to the microsecond."""
    told = known(value)
    return None if told is None else round(told / 1000, 3)


def whole(value: Any) -> int | None:
    """A figure rounded; None stays None."""
    told = known(value)
    return None if told is None else round(told)


def of(part: Any, all_: Any) -> float | None:
    """A part of a whole; None of nothing."""
    return round(part / all_, 4) if all_ else None


def totalled(table: Table, total: int) -> Table:
    """A table that knows how many rows there are in all."""
    return msgspec.structs.replace(table, total=total)
