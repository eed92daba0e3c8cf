"""What the questions are asked about: the requests of some sessions as columns, sorted out once.

Every figure of an answer comes from here, so that two answers never disagree about what a
request, an API call or a third party is. What follows from a URL or a type is worked out once for
each of them, never for each request; columns are read when a question first needs them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from math import nan
from typing import Any, Self

import numpy as np

from perftui.analysis.endpoints import is_same_origin, registrable_domain, split_url
from perftui.analysis.filter_fields import CACHED, NO_ANSWER, OPAQUE, SAYS_CACHED, FilterSettings
from perftui.analysis.filter_terms import Both, Compare, Either, Known, Not
from perftui.analysis.filter_values import Field, Test
from perftui.analysis.filters import Filter
from perftui.analysis.groups import dense
from perftui.analysis.insights.answer import Coverage
from perftui.analysis.phases import PhaseName
from perftui.analysis.resource_type import (
    API_TYPES,
    STREAM_TYPES,
    ResourceType,
    extension_of,
    type_by,
)
from perftui.analysis.severity import ERROR_FIELD
from perftui.analysis.vitals import Vitals, loading_vitals, vitals
from perftui.config import Thresholds
from perftui.model import JSON, PageView, Predicate, Record, SessionSummary
from perftui.request_columns import (
    ColumnSource,
    Flags,
    Floats,
    Integers,
    Part,
    Partly,
    RequestColumns,
    UrlParts,
)

DEFAULT_THRESHOLDS = Thresholds()

KINDS = tuple(ResourceType)
"""The kinds of requests by the number that stands for them in a column."""

_KIND_PLACE = {kind: place for place, kind in enumerate(KINDS)}

ALWAYS = (*("type", "url", "initiator_type", "content_type", "start_us", "request_duration_us"),)
"""Columns that every question needs: what a request is, and how long it took."""


def _flag(test: Test) -> Filter:
    return Filter(None, test, FilterSettings())


FLAGS: Mapping[str, Filter] = {
    "is_opaque": _flag(OPAQUE),
    "is_cached": _flag(CACHED),
    "says_cached": _flag(SAYS_CACHED),
    "is_silent": _flag(Not(Known(Field("transfer_size")))),
    "is_refused": _flag(Compare(Field("response_status"), ">=", 400)),
    "is_unanswered": _flag(NO_ANSWER),
}
"""Columns of yes and no, by the filter that says yes. ``is_silent`` does not tell its size,
``says_cached`` is cached whatever its sizes are, ``is_refused`` has a status of an error, ``is_unanswered`` ended without any sign of an answer."""

_HEADERS = "final_response_headers_start_us"
_CONNECTION = ("domain_lookup", "connect")
FURTHER_MOMENTS = "further_moments"
"""Stands for :attr:`Requests.further_moments` among the names of columns."""

_HEADERS = "final_response_headers_start_us"
_CONNECTION = ("domain_lookup", "connect")
_FURTHER_MOMENTS = Partly(
    _flag(
        Both(
            (
                Either(
                    (
                        Not(Known(Field("request_start_us"))),
                        *(
                            Compare(Field(f"{name}_end_us"), ">", Field(other))
                            for name in _CONNECTION
                            for other in (f"{name}_start_us", "request_start_us")
                        ),
                        Known(Field("worker_start_us")),
                        Known(Field("redirect_start_us")),
                        Not(Known(Field("duration_us"))),
                        Both(
                            (
                                Known(Field(_HEADERS)),
                                Not(Compare(Field(_HEADERS), "=", Field("response_start_us"))),
                            )
                        ),
                    )
                ),
                Not(OPAQUE),
            )
        )
    ),
    (
        *("worker_start_us", "redirect_start_us", "redirect_end_us", "fetch_start_us"),
        *("domain_lookup_start_us", "domain_lookup_end_us", "connect_start_us"),
        *("secure_connection_start_us", "connect_end_us", "response_end_us", _HEADERS),
    ),
)
"""Requests of which more came before the request was sent than waiting for its turn, or whose
response began otherwise than at ``responseStart``, and what there is to know of these."""

PAINT_TYPES = (
    *("navigation", "paint", "largest-contentful-paint", "event", "first-input", "action"),
    *("visibility", "visibility-state", "pageview"),
)
"""Entries that LCP, FCP, INP and TTFB are made of."""

LOAD_KINDS = frozenset({None, "load", "bfcache"})


def is_kind(kinds: Integers, wanted: Iterable[ResourceType]) -> Flags:
    """Which of a column of kinds are one of these."""
    table = np.zeros(len(KINDS), dtype=np.bool_)
    table[[_KIND_PLACE[kind] for kind in wanted]] = True
    return table[kinds]


class Requests:
    """All requests of a study as columns of one length, in order of arrival.

    Attributes:
        seqs: positions in the store.
        pages: the place of each one's pageview in :attr:`Study.page_views`.
        origins: its time origin, µs since the epoch.
        further_moments: of those whose phases follow from more than when the request was sent and
            answered; None until :data:`FURTHER_MOMENTS` is loaded.
    """

    def __init__(self, study: Study, source: ColumnSource, first: RequestColumns) -> None:
        self._study = study
        self._source = source
        self._values = first.values
        self.seqs = first.seqs
        self.pages = source.batch_pages[first.batches]
        self.origins = source.batch_origins[first.batches]
        self._details: dict[str, Mapping[int, Mapping[str, JSON]]] = {}
        self.further_moments: Part | None = None
        self._take_part(first)

    def __len__(self) -> int:
        return len(self.seqs)

    def load(self, *names: str) -> None:
        """Read columns in one go that are not known yet."""
        missing = [name for name in names if not self.has(name)]
        if missing:
            told = self._source.requests(*_parted(missing))
            self._values.update(self._aligned(told))
            self._take_part(told)

    def has(self, *names: str) -> bool:
        """Whether these columns are known already."""
        return all(
            self.further_moments is not None if name == FURTHER_MOMENTS else name in self._values
            for name in names
        )

    def _here(self, seqs: Integers) -> tuple[Flags, Integers]:
        """Which of some positions are among these requests, and the places of those."""
        places = np.searchsorted(self.seqs, seqs)
        here = places < len(self.seqs)
        here[here] = self.seqs[places[here]] == seqs[here]
        return here, places[here]

    def _aligned(self, columns: RequestColumns) -> dict[str, Integers | Floats | Flags]:
        """Columns of other requests as columns of these. Requests come together with their other
        side at any time: what is gone is unknown."""
        if len(columns.seqs) == len(self.seqs) and bool(np.all(columns.seqs == self.seqs)):
            return columns.values
        here, places = self._here(columns.seqs)
        found: dict[str, Integers | Floats | Flags] = {}
        for name, values in columns.values.items():
            of_all: Any = np.zeros(len(self), dtype=values.dtype)
            if values.dtype.kind == "f":
                of_all[:] = nan
            of_all[places] = values[here]
            found[name] = of_all
        return found

    def _take_part(self, columns: RequestColumns) -> None:
        if columns.part is not None:
            here, places = self._here(columns.seqs[columns.part.places])
            told = columns.part.values.items()
            self.further_moments = Part(places, {name: values[here] for name, values in told})

    def numbers(self, name: str) -> Floats:
        """A column of numbers, NaN where unknown."""
        self.load(name)
        return self._values[name]  # type: ignore[return-value]

    def identifiers(self, name: str) -> Integers:
        """A column of texts, as the source's IDs of them."""
        self.load(name)
        return self._values[name]  # type: ignore[return-value]

    def flags(self, name: str) -> Flags:
        """One of :data:`FLAGS`."""
        self.load(name)
        return self._values[name]  # type: ignore[return-value]

    def equals(self, name: str, *wanted: str) -> Flags:
        """Where a column of texts says one of these."""
        values, places = dense(self.identifiers(name))
        texts = self._source.texts(values.tolist())
        table = np.array([texts.get(key) in wanted for key in values.tolist()], dtype=np.bool_)
        return table[places] if len(values) else np.zeros(len(self), np.bool_)

    def detail(self, key: str, value_of: Callable[[JSON], float | None]) -> Floats:
        """A column of numbers made of a field of ``extra``; NaN where it is not told."""
        if key not in self._details:
            self._details[key] = self._source.details(key)
        column = np.full(len(self), nan)
        told = self._details[key]
        if told and len(self):
            seqs = np.fromiter(told, dtype=np.int64, count=len(told))
            places = np.minimum(np.searchsorted(self.seqs, seqs), len(self) - 1)
            here = self.seqs[places] == seqs
            for place, extra, is_here in zip(
                places.tolist(), told.values(), here.tolist(), strict=True
            ):
                value = value_of(extra.get(key)) if is_here else None
                if value is not None:
                    column[place] = value
        return column

    def told(self, key: str) -> Mapping[int, Mapping[str, JSON]]:
        """Position -> ``extra`` of the requests that tell a field."""
        if key not in self._details:
            self._details[key] = self._source.details(key)
        return self._details[key]

    # --- what a request is -------------------------------------------------------------------

    @cached_property
    def _urls(self) -> tuple[Integers, Integers]:
        return dense(self.identifiers("url"))

    @property
    def urls(self) -> Integers:
        """The place of each one's URL in :attr:`url_texts`."""
        return self._urls[1]

    @cached_property
    def _stored(self) -> list[UrlParts]:
        return self._source.urls(self._urls[0].tolist())

    @cached_property
    def url_texts(self) -> list[str]:
        """The URLs."""
        return [parts.url for parts in self._stored]

    @cached_property
    def hosts(self) -> list[str]:
        """The host of each URL; empty where it has none."""
        return [parts.host for parts in self._stored]

    @cached_property
    def domains(self) -> list[str]:
        """The registrable domain of each URL; empty for ``data:`` and such."""
        return [parts.domain for parts in self._stored]

    @cached_property
    def is_navigation(self) -> Flags:
        """Which are documents that the browser navigated to."""
        return self.equals("type", "navigation")

    @cached_property
    def kinds(self) -> Integers:
        """The kind of each request, as a place in :data:`KINDS`."""
        initiators, initiator_places = dense(self.identifiers("initiator_type"))
        contents, content_places = dense(self.identifiers("content_type"))
        extensions = [extension_of(url) for url in self.url_texts]
        names = sorted(set(extensions))
        place = {name: number for number, name in enumerate(names)}
        by_url = np.array([place[name] for name in extensions], dtype=np.int64)
        texts = self._source.texts([*initiators.tolist(), *contents.tolist()])
        if not len(self):
            return np.empty(0, dtype=np.int64)
        keys = (
            (by_url[self.urls] * 2 + self.is_navigation) * len(initiators) + initiator_places
        ) * len(contents) + content_places
        combinations, places = dense(keys)
        kinds = []
        for key in combinations.tolist():
            key, content = divmod(key, len(contents))
            key, initiator = divmod(key, len(initiators))
            extension, navigation = divmod(key, 2)
            found = type_by(
                "navigation" if navigation else "resource",
                texts.get(int(initiators[initiator])),
                texts.get(int(contents[content])),
                names[extension],
            )
            kinds.append(_KIND_PLACE[found])
        return np.array(kinds, dtype=np.int64)[places]

    @cached_property
    def is_api(self) -> Flags:
        """Requests of fetch and XMLHttpRequest."""
        return is_kind(self.kinds, API_TYPES)

    @cached_property
    def is_asset(self) -> Flags:
        """Documents and what they are made of: no API calls, streams and beacons."""
        return ~is_kind(self.kinds, API_TYPES | STREAM_TYPES | {ResourceType.BEACON})

    def _by_text(self, texts: Sequence[str]) -> tuple[list[str], Integers]:
        """The distinct ones of some texts, one for each URL, and their places by request."""
        place: dict[str, int] = {}
        by_url = np.array([place.setdefault(text, len(place)) for text in texts], dtype=np.int64)
        return list(place), by_url[self.urls] if len(self) else self.urls

    @cached_property
    def by_asset(self) -> tuple[list[str], Integers]:
        """URLs without query and fragment (what one asset is called over several loads), and the
        place of each request's among them."""
        return self._by_text([plain_url(url) for url in self.url_texts])

    @cached_property
    def by_domain(self) -> tuple[list[str], Integers]:
        """Registrable domains, and the place of each request's among them."""
        return self._by_text(self.domains)

    @cached_property
    def by_endpoint(self) -> tuple[list[str], Integers]:
        """Endpoints (method where told, host and path template), and the place of each
        request's among them."""
        names, places = self._by_text([parts.endpoint for parts in self._stored])
        methods, method_places = dense(self.identifiers("method"))
        if not len(self):
            return names, places
        texts = self._source.texts(methods.tolist())
        keys, places = dense(places * len(methods) + method_places)
        found = []
        for key in keys.tolist():
            name, method = divmod(key, len(methods))
            text = texts.get(int(methods[method]))
            found.append(f"{text.upper()} {names[name]}" if text else names[name])
        return found, places

    @cached_property
    def _same_domain(self) -> Flags:
        """Which went to the registrable domain of their page."""
        known = {domain: place for place, domain in enumerate(dict.fromkeys(self.domains))}
        of_url = np.array([known[domain] for domain in self.domains], dtype=np.int64)
        of_page = np.array(
            [known.get(domain, -1) for domain in self._study.page_domains], dtype=np.int64
        )
        if not len(self):
            return np.zeros(0, np.bool_)
        return np.equal(of_url[self.urls], of_page[self.pages])

    @cached_property
    def is_third_party(self) -> Flags:
        """Which went to somebody else's server than the page's."""
        if not len(self):
            return np.zeros(0, np.bool_)
        study = self._study
        own = np.array(
            [not domain or domain in study.first_party for domain in self.domains], np.bool_
        )
        has_page = np.array([bool(domain) for domain in study.page_domains], np.bool_)
        return np.logical_and(has_page[self.pages] & ~own[self.urls], ~self._same_domain)

    # --- how long it took --------------------------------------------------------------------

    @property
    def starts(self) -> Floats:
        """Start, µs since the time origin."""
        return self.numbers("start_us")

    @cached_property
    def start_epochs(self) -> Floats:
        """Start, µs since the epoch."""
        return self.starts + self.origins

    @property
    def durations(self) -> Floats:
        """How long each took, µs; NaN while in flight."""
        return self.numbers("request_duration_us")

    @cached_property
    def ends(self) -> Floats:
        """End, µs since the time origin; NaN while in flight."""
        return self.starts + self.durations

    @cached_property
    def is_opaque(self) -> Flags:
        """Whether the phases are withheld."""
        moments = ("request_start_us", "response_start_us")
        if not self.has(*moments):
            return self.flags("is_opaque")
        started, answered = (np.isnan(self.numbers(name)) for name in moments)
        return np.logical_and(started, answered)

    @cached_property
    def waiting(self) -> Floats:
        """From the start of the request to the first byte, µs."""
        return np.maximum(self.numbers("response_start_us") - self.numbers("request_start_us"), 0)

    @cached_property
    def cached(self) -> Floats:
        """:func:`~perftui.analysis.phases.is_cached` of each: 1, 0, or NaN where it is not told."""
        if self.has(*SIZE_COLUMNS):
            transfer, encoded, decoded = (self.numbers(name) for name in SIZE_COLUMNS)
            silent = np.isnan(transfer)
            cached = self.flags("says_cached") | (transfer < encoded)
            cached |= (transfer == 0) & (decoded > 0)
        else:
            has_transfer = self.has("transfer_size")
            silent = (
                np.isnan(self.numbers("transfer_size")) if has_transfer else self.flags("is_silent")
            )
            cached = self.flags("is_cached")
        found = cached.astype(np.float64)
        found[silent & ~cached] = nan
        return found

    @cached_property
    def is_blocking(self) -> Flags:
        """Which blocked rendering."""
        return self.equals("render_blocking_status", "blocking")

    @cached_property
    def failed(self) -> Flags:
        """:func:`~perftui.analysis.severity.is_error` of each."""
        failed = self.flags("is_refused").copy()
        silent = self.flags("is_unanswered") & self._same_domain
        views = self._study.page_views
        known: dict[tuple[int, int], bool] = {}
        for place in np.flatnonzero(silent).tolist():
            pair = int(self.urls[place]), int(self.pages[place])
            if pair not in known:
                known[pair] = is_same_origin(self.url_texts[pair[0]], views[pair[1]].url)
            failed[place] = known[pair]
        told = self.detail(
            ERROR_FIELD, lambda value: 1.0 if isinstance(value, str) and value else None
        )
        return np.logical_or(failed, np.equal(told, 1))

    def phases(self, chosen: Integers) -> dict[PhaseName, Floats]:
        """:func:`~perftui.analysis.phases.phase_durations` of some requests (their places,
        ascending), column by column, µs; NaN where a phase is not known."""
        return _phases(self, chosen)


SIZE_COLUMNS = ("transfer_size", "encoded_body_size", "decoded_body_size")

PHASE_COLUMNS = ("request_start_us", "response_start_us", FURTHER_MOMENTS)
"""Columns of the phases of a request."""


def _parted(names: Sequence[str]) -> tuple[list[str], dict[str, Predicate], Partly | None]:
    """Columns, flags with their filters, and what only a part of the requests is asked for."""
    return (
        [name for name in names if name not in FLAGS and name != FURTHER_MOMENTS],
        {name: FLAGS[name] for name in names if name in FLAGS},
        _FURTHER_MOMENTS if FURTHER_MOMENTS in names else None,
    )


class _Phases:
    """Phases as they are laid end to end, column by column.

    Attributes:
        at: where the last one ended, µs since the start of each request.
        end: beyond which none reaches.
        found: how long each phase took so far.
    """

    def __init__(self, end: Floats) -> None:
        self.at = np.zeros(len(end))
        self.end = end
        self.found = {name: np.zeros(len(end)) for name in _USUAL}

    def add(self, name: PhaseName, until: Floats, where: Flags) -> None:
        """A phase up to a moment, where there is one."""
        reached = np.where(where, np.maximum(self.at, np.minimum(until, self.end)), self.at)
        if name in self.found:
            self.found[name] += reached - self.at
        self.at = reached


_USUAL = (
    *(PhaseName.QUEUE, PhaseName.DNS, PhaseName.CONNECT, PhaseName.TLS),
    *(PhaseName.REQUEST, PhaseName.WAIT, PhaseName.RECEIVE),
)


def _phases(requests: Requests, chosen: Integers) -> dict[PhaseName, Floats]:
    requests.load(*PHASE_COLUMNS)
    sent, answered, end = (
        requests.numbers(name)[chosen]
        for name in ("request_start_us", "response_start_us", "request_duration_us")
    )
    in_flight = np.isnan(end)
    assert requests.further_moments is not None
    places, first = requests.further_moments
    rows = np.searchsorted(chosen, places)
    here = rows < len(chosen)
    here[here] = chosen[rows[here]] == places[here]
    rows, first = rows[here], {name: values[here] for name, values in first.items()}
    if bool(in_flight.any()):
        # Such an entry ends with the last moment that is known of it.
        last = np.fmax(np.fmax(sent, answered), 0)
        for name in first:
            if name.endswith(("_end_us", "fetch_start_us")) or name == _HEADERS:
                last[rows] = np.fmax(last[rows], first[name])
        end = np.where(in_flight, last, end)
    laid = _Phases(end)
    if len(rows):
        before = _Phases(end[rows])
        _lay_what_came_first(before, first)
        laid.at[rows] = before.at
        for phase, values in before.found.items():
            laid.found[phase][rows] = values
    has_sent, has_answered = ~np.isnan(sent), ~np.isnan(answered)
    laid.add(PhaseName.QUEUE, sent, has_sent)
    written = (requests.detail("requestEnd", _milliseconds) - requests.starts)[chosen]
    has_written = has_sent & ~np.isnan(written)
    if bool(has_written.any()):
        laid.add(PhaseName.REQUEST, written, has_written)
    begun = answered.copy()
    begun[rows] = np.where(np.isnan(first[_HEADERS]), answered[rows], first[_HEADERS])
    has_begun = ~np.isnan(begun)
    laid.add(PhaseName.WAIT, begun, has_begun & has_sent)
    laid.add(PhaseName.QUEUE, begun, has_begun & ~has_sent)
    is_empty = (laid.at == 0) & (laid.at >= end)
    laid.add(PhaseName.RECEIVE, end, has_begun)
    laid.add(PhaseName.WAIT, end, ~has_begun & has_sent)
    laid.add(PhaseName.QUEUE, end, ~has_begun & ~has_sent)
    found = laid.found
    for phase, told in (
        (PhaseName.REQUEST, ~np.isnan(written)),
        (PhaseName.WAIT, (has_sent & has_answered) | (is_empty & has_sent & ~has_begun)),
        (PhaseName.RECEIVE, (has_answered & ~in_flight) | (is_empty & has_begun)),
    ):
        found[phase][~told & (found[phase] == 0)] = nan
    for values in found.values():
        values[requests.is_opaque[chosen]] = nan
    return found


def _lay_what_came_first(laid: _Phases, column: Mapping[str, Floats]) -> None:
    """Redirects, a service worker, the look-up of the name, and the connection."""

    def known(*names: str) -> Flags:
        return np.logical_not(np.isnan(sum(column[name] for name in names)))

    both = known("redirect_start_us", "redirect_end_us")
    laid.add(PhaseName.QUEUE, column["redirect_start_us"], both)
    laid.add(PhaseName.REDIRECT, column["redirect_end_us"], both)
    worker = known("worker_start_us")
    laid.add(PhaseName.QUEUE, column["worker_start_us"], worker)
    laid.add(PhaseName.WORKER, column["fetch_start_us"], worker & known("fetch_start_us"))
    both = known("domain_lookup_start_us", "domain_lookup_end_us")
    laid.add(PhaseName.QUEUE, column["domain_lookup_start_us"], both)
    laid.add(PhaseName.DNS, column["domain_lookup_end_us"], both)
    both = known("connect_start_us", "connect_end_us")
    secured = both & (column["secure_connection_start_us"] <= column["connect_end_us"])
    laid.add(PhaseName.QUEUE, column["connect_start_us"], both)
    laid.add(PhaseName.CONNECT, column["secure_connection_start_us"], secured)
    laid.add(PhaseName.TLS, column["connect_end_us"], secured)
    laid.add(PhaseName.CONNECT, column["connect_end_us"], both & ~secured)


def _milliseconds(value: JSON) -> float | None:
    """A field in milliseconds as µs."""
    if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) >= 1e15:
        return None
    return float(round(value * 1000))


class Study:
    """Entries of some sessions.

    Args:
        source: their columns.
        summaries: of the sessions.
        first_party: registrable domains of the page's own company.
    """

    def __init__(
        self,
        source: ColumnSource,
        summaries: Sequence[SessionSummary],
        *,
        thresholds: Thresholds = DEFAULT_THRESHOLDS,
        first_party: Sequence[str] = (),
    ) -> None:
        self.source = source
        self.summaries = {summary.session_id: summary for summary in summaries}
        self.page_views: Sequence[PageView] = source.page_views
        self.thresholds = thresholds
        self.first_party = frozenset(first_party)
        self._happenings: dict[tuple[str, ...], list[tuple[int, Record]]] = {}
        self._columns: tuple[str, ...] = ALWAYS

    def will_need(self, *names: str) -> Self:
        """Name columns that an answer needs, so that they are read together with the first."""
        if "requests" in self.__dict__:
            self.requests.load(*names)
        else:
            self._columns = tuple(dict.fromkeys((*self._columns, *names)))
        return self

    @cached_property
    def requests(self) -> Requests:
        """All requests."""
        return Requests(self, self.source, self.source.requests(*_parted(self._columns)))

    def happenings(self, *types: str) -> list[tuple[int, Record]]:
        """Entries of these types, each with the place of its pageview, in order of arrival."""
        if types not in self._happenings:
            # The source finds them between the requests once it has read these.
            _ = self.requests
            self._happenings[types] = self.source.happenings(types)
        return self._happenings[types]

    @property
    def coverage(self) -> Coverage:
        """What the answers rest on."""
        received = [summary.received_us for summary in self.summaries.values()]
        return Coverage(
            sessions=len(self.summaries),
            page_views=len(np.unique(self.source.batch_pages)),
            entries=len(self.requests) + self.source.happening_count(),
            requests=len(self.requests),
            first_epoch_ms=min(received) / 1000 if received else None,
            last_epoch_ms=max(received) / 1000 if received else None,
        )

    @cached_property
    def page_domains(self) -> list[str]:
        """The registrable domain of each pageview; empty where its URL is not known."""
        hosts = [split_url(view.url).host if view.url else "" for view in self.page_views]
        return [registrable_domain(host) if host else "" for host in hosts]

    @cached_property
    def sessions_of_pages(self) -> Integers:
        """The place of each pageview's session in :attr:`summaries`."""
        place = {session_id: number for number, session_id in enumerate(self.summaries)}
        return np.array([place[view.session_id] for view in self.page_views], dtype=np.int64)

    @cached_property
    def loads(self) -> list[int]:
        """The places of pageviews that loaded a document (not changes of route), by start."""
        found = [
            place
            for place in sorted(set(self.source.batch_pages.tolist()))
            if self.page_views[place].kind in LOAD_KINDS
        ]
        return sorted(found, key=lambda place: self.page_views[place].start_epoch_us)

    @cached_property
    def _records_by_page(self) -> dict[int, list[Record]]:
        by_page: dict[int, list[Record]] = {}
        for page, record in self.happenings(*PAINT_TYPES):
            by_page.setdefault(page, []).append(record)
        return by_page

    def records_of(self, page: int) -> Sequence[Record]:
        """The entries that the metrics of a pageview are made of."""
        return self._records_by_page.get(page, ())

    @cached_property
    def vitals(self) -> list[Vitals]:
        """The metrics of each pageview but for CLS, which takes entries that are not read here."""
        return [
            vitals(self.records_of(place), view, self.thresholds)
            for place, view in enumerate(self.page_views)
        ]

    @cached_property
    def loading_vitals(self) -> list[Vitals]:
        """LCP, FCP and TTFB of each pageview."""
        return [
            loading_vitals(self.records_of(place), view, self.thresholds)
            for place, view in enumerate(self.page_views)
        ]

    @cached_property
    def lcp_us(self) -> Floats:
        """The moment of each pageview's LCP, µs since the time origin; NaN where there is none."""
        return np.array(
            [nan if one.lcp is None else one.lcp.at_us for one in self.loading_vitals],
            dtype=np.float64,
        )

    @cached_property
    def before_lcp(self) -> Floats:
        """Whether each request was over before its page's LCP: 1, 0, or NaN."""
        requests = self.requests
        lcp, ends = self.lcp_us[requests.pages], requests.ends
        return np.where(np.isnan(lcp) | np.isnan(ends), nan, (ends <= lcp).astype(np.float64))

    @cached_property
    def _before_lcp_by_page(self) -> tuple[Integers, Integers]:
        """The places of the requests that began before the LCP of their pageview, by pageview and
        start, and where each pageview's begin."""
        requests = self.requests
        rows = np.flatnonzero(requests.starts <= self.lcp_us[requests.pages])
        order = rows[np.lexsort((requests.starts[rows], requests.pages[rows]))]
        return order, np.searchsorted(requests.pages[order], np.arange(len(self.page_views) + 1))

    def rows_before_lcp(self, page: int) -> Integers:
        """The requests of a pageview that began before its LCP, by start."""
        order, begins = self._before_lcp_by_page
        return order[begins[page] : begins[page + 1]]


def plain_url(url: str) -> str:
    """The URL without query and fragment: what one asset is called over several loads."""
    return url.partition("#")[0].partition("?")[0]


def share(part: float, whole: float) -> float | None:
    """A part of a whole; None of nothing."""
    return round(float(part) / float(whole), 4) if whole else None


def told(value: float) -> float | None:
    """None for NaN."""
    return None if value != value else float(value)


def told_count(value: float) -> int | None:
    """A whole number; None for NaN."""
    return None if value != value else round(float(value))


def told_ms(us: float) -> float | None:
    """µs as milliseconds, to the microsecond; None for NaN."""
    return None if us != us else round(float(us) / 1000, 3)
