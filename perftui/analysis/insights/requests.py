"""What each request of a study is, as columns of all of them.

What follows from a URL or a type is worked out once for each of them, never for each request;
columns are read when a question first needs them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from math import nan
from typing import TYPE_CHECKING, Any

import numpy as np

from perftui.analysis.endpoints import is_same_origin
from perftui.analysis.filter_fields import CACHED, NO_ANSWER, OPAQUE, SAYS_CACHED, FilterSettings
from perftui.analysis.filter_terms import Compare, Known, Not
from perftui.analysis.filter_values import Field, Test
from perftui.analysis.filters import Filter
from perftui.analysis.groups import dense
from perftui.analysis.insights.phase_columns import FURTHER, FURTHER_MOMENTS
from perftui.analysis.resource_type import (
    API_TYPES,
    STREAM_TYPES,
    ResourceType,
    extension_of,
    type_by,
)
from perftui.analysis.severity import ERROR_FIELD
from perftui.model import JSON, Predicate
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

if TYPE_CHECKING:
    from perftui.analysis.insights.study import Study

KINDS = tuple(ResourceType)
"""The kinds of requests by the number that stands for them in a column."""

_KIND_PLACE = {kind: place for place, kind in enumerate(KINDS)}

ALWAYS = (*("type", "url", "initiator_type", "content_type", "start_us", "request_duration_us"),)
"""Columns that every question needs: what a request is, and how long it took."""

SIZE_COLUMNS = ("transfer_size", "encoded_body_size", "decoded_body_size")
"""Bytes with headers, of the body as sent, and of it after decompression."""


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
``says_cached`` is cached whatever its sizes are, ``is_refused`` has a status of an error,
``is_unanswered`` ended without any sign of an answer."""


def is_kind(kinds: Integers, wanted: Iterable[ResourceType]) -> Flags:
    """Which of a column of kinds are one of these."""
    table = np.zeros(len(KINDS), dtype=np.bool_)
    table[[_KIND_PLACE[kind] for kind in wanted]] = True
    return table[kinds]


def plain_url(url: str) -> str:
    """The URL without query and fragment: what one asset is called over several loads."""
    return url.partition("#")[0].partition("?")[0]


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
            told = self._source.requests(*parted(missing))
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
    def from_network(self) -> Flags:
        """Which came over the network as far as is known."""
        return np.not_equal(self.cached, 1)

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


def parted(names: Sequence[str]) -> tuple[list[str], dict[str, Predicate], Partly | None]:
    """Columns, flags with their filters, and what only a part of the requests is asked for."""
    return (
        [name for name in names if name not in FLAGS and name != FURTHER_MOMENTS],
        {name: FLAGS[name] for name in names if name in FLAGS},
        FURTHER if FURTHER_MOMENTS in names else None,
    )
