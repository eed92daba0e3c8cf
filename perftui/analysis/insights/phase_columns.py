"""The rules of ``perftui.analysis.phases`` for a whole column of requests at once.

Most requests tell when they were sent and answered, and no more; only of those that tell more are
the further moments read and laid first.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import nan
from typing import TYPE_CHECKING

import numpy as np

from perftui.analysis.filter_fields import OPAQUE, FilterSettings
from perftui.analysis.filter_terms import Both, Compare, Either, Known, Not
from perftui.analysis.filter_values import Field
from perftui.analysis.filters import Filter
from perftui.analysis.phases import PhaseName
from perftui.model import JSON
from perftui.request_columns import Flags, Floats, Integers, Partly

if TYPE_CHECKING:
    from perftui.analysis.insights.requests import Requests

_HEADERS = "final_response_headers_start_us"
_CONNECTION = ("domain_lookup", "connect")

FURTHER_MOMENTS = "further_moments"
"""Stands for ``Requests.further_moments`` among the names of columns."""

PHASE_COLUMNS = ("request_start_us", "response_start_us", FURTHER_MOMENTS)
"""Columns of the phases of a request."""

FURTHER = Partly(
    Filter(
        None,
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
        ),
        FilterSettings(),
    ),
    (
        *("worker_start_us", "redirect_start_us", "redirect_end_us", "fetch_start_us"),
        *("domain_lookup_start_us", "domain_lookup_end_us", "connect_start_us"),
        *("secure_connection_start_us", "connect_end_us", "response_end_us", _HEADERS),
    ),
)
"""Requests of which more came before the request was sent than waiting for its turn, or whose
response began otherwise than at ``responseStart``, and what there is to know of these."""

_USUAL = (
    *(PhaseName.QUEUE, PhaseName.DNS, PhaseName.CONNECT, PhaseName.TLS),
    *(PhaseName.REQUEST, PhaseName.WAIT, PhaseName.RECEIVE),
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


def phase_columns(requests: Requests, chosen: Integers) -> dict[PhaseName, Floats]:
    """:func:`~perftui.analysis.phases.phase_durations` of some requests (their places, ascending),
    column by column, µs; NaN where a phase is not known."""
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
