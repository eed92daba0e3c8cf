"""Web Vitals of a pageview, from its entries, by the rules of the web-vitals library, version 5
(https://github.com/GoogleChrome/web-vitals): LCP, CLS, INP, FCP and TTFB.

What is not measurable stays None: a page that was hidden before it painted has no paints, a route
change has no load, a page without interactions has no INP.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from math import inf

import msgspec

from perftui.config import Thresholds
from perftui.model import JSON, Entry, PageView, Record

DEFAULT_THRESHOLDS = Thresholds()


class Rating(Enum):
    """The three ratings of web-vitals."""

    GOOD = "good"
    NEEDS_IMPROVEMENT = "needs-improvement"
    POOR = "poor"


RATING_GLYPHS = {Rating.GOOD: "✓", Rating.NEEDS_IMPROVEMENT: "!", Rating.POOR: "✖"}


class Vital(msgspec.Struct, frozen=True, kw_only=True):
    """One metric.

    Attributes:
        name: ``LCP``, ``CLS``, ``INP``, ``FCP`` or ``TTFB``.
        value: milliseconds; for CLS the score, which has no unit.
        rating: against the thresholds.
        at_us: when it came about, µs since the time origin: the paint, the first shift of the
            worst window, the start of the interaction, the first byte.
        records: the entries behind it, in order of time; empty where a restore from the
            back/forward cache has it by definition (TTFB 0).
        element: a selector of the element, where the source tells it.
        url: of the LCP's resource, where it has one.
    """

    name: str
    value: float
    rating: Rating
    at_us: int
    records: tuple[Record, ...] = ()
    element: str | None = None
    url: str | None = None


class Vitals(msgspec.Struct, frozen=True, kw_only=True):
    """The metrics of one pageview; None where not measured."""

    lcp: Vital | None = None
    inp: Vital | None = None
    cls: Vital | None = None
    fcp: Vital | None = None
    ttfb: Vital | None = None

    def all(self) -> tuple[Vital, ...]:
        """Those that were measured: LCP, INP, CLS, FCP, TTFB."""
        return tuple(
            vital
            for vital in (self.lcp, self.inp, self.cls, self.fcp, self.ttfb)
            if vital is not None
        )


def rate(name: str, value: float, thresholds: Thresholds = DEFAULT_THRESHOLDS) -> Rating:
    """The rating of a value (ms, or the score of CLS): poor above the second limit, in need of
    improvement above the first. Source: web-vitals, ``bindReporter.ts``."""
    limits: tuple[float, float] = getattr(
        thresholds, "cls" if name == "CLS" else f"{name.lower()}_ms"
    )
    if value > limits[1]:
        return Rating.POOR
    return Rating.NEEDS_IMPROVEMENT if value > limits[0] else Rating.GOOD


def vitals(
    records: Iterable[Record],
    page_view: PageView | None = None,
    thresholds: Thresholds = DEFAULT_THRESHOLDS,
) -> Vitals:
    """The metrics of one pageview.

    Args:
        records: the entries of the pageview, in any order. Those of other pageviews of the same
            document may be among them only where ``page_view`` is None: then the metrics are
            those of the whole document, as web-vitals itself reports them.
        page_view: decides, with the ``pageview`` entry among the records, whether it is a load,
            a restore from the back/forward cache or a route change.
    """
    return _Collector(records, page_view, thresholds).vitals()


def loading_vitals(
    records: Iterable[Record],
    page_view: PageView | None = None,
    thresholds: Thresholds = DEFAULT_THRESHOLDS,
) -> Vitals:
    """LCP, FCP and TTFB alone, as :func:`vitals` has them: half of its time goes into INP."""
    collector = _Collector(records, page_view, thresholds)
    fcp = collector.fcp()
    return Vitals(lcp=collector.lcp(fcp), inp=None, cls=None, fcp=fcp, ttfb=collector.ttfb())


def interaction_count(records: Iterable[Record]) -> int:
    """How many interactions there were, also those too short to be reported: the estimate of
    web-vitals' ``interactionCountPolyfill.ts`` from the IDs, which grow by 7 with each."""
    lowest, highest = inf, 0.0
    for record in records:
        identity = _number(record.entry.extra.get("interactionId"))
        if identity and record.entry.entry_type in {"event", "first-input"}:
            lowest, highest = min(lowest, identity), max(highest, identity)
    return int((highest - lowest) / 7 + 1) if highest else 0


SESSION_GAP_US = 1_000_000
"""A shift this long after the one before begins a new session window
(web-vitals, ``LayoutShiftManager.ts``)."""

SESSION_LENGTH_US = 5_000_000
"""A shift this long after the first of its window begins a new one (same source)."""

MAX_INTERACTIONS = 10
"""The longest interactions that are candidates for INP (web-vitals, ``InteractionManager.ts``)."""

INTERACTIONS_PER_OUTLIER = 50
"""One of so many interactions is left out of INP, the 98th percentile (same source)."""

_LOAD_KINDS = frozenset({"load", None})
_INPUTS = frozenset({"keydown", "mousedown", "pointerdown", "click"})
"""What ends LCP: any input but a movement. Scrolling does, too, in the browser, which then reports
no more candidates."""

_CHROMIUM_ONLY = frozenset({"layout-shift", "longtask", "long-animation-frame"})


def _is_told_by_chromium(entry: Entry) -> bool:
    """Whether a page in Chromium told of a request: no other browser has ``renderBlockingStatus``. A
    HAR that has it (as ``renderBlocking``) has of vitals only what it names."""
    return entry.render_blocking_status is not None and "renderBlocking" not in entry.extra


class _Collector:
    """The entries of a pageview by kind, and the rules."""

    def __init__(
        self, records: Iterable[Record], page_view: PageView | None, thresholds: Thresholds
    ) -> None:
        self.thresholds = thresholds
        self.navigation: Record | None = None
        self.paints: list[Record] = []
        self.candidates: list[Record] = []
        self.shifts: list[Record] = []
        self.events: list[Record] = []
        self.hidden: list[int] = []
        self.shown: list[int] = []
        self.inputs: list[int] = []
        self.kind = page_view.kind if page_view is not None else None
        self.start_us = page_view.start_us if page_view is not None else 0
        self.prerendered = False
        hidden_at_start = False
        reports_shifts = False
        for record in records:
            entry = record.entry
            match entry.entry_type:
                case "resource":
                    reports_shifts = reports_shifts or _is_told_by_chromium(entry)
                    continue
                case "navigation":
                    self.navigation = self.navigation or record
                case "paint":
                    if entry.name == "first-contentful-paint":
                        self.paints.append(record)
                case "largest-contentful-paint":
                    self.candidates.append(record)
                case "layout-shift":
                    self.shifts.append(record)
                case "event" | "first-input":
                    self.events.append(record)
                    if entry.entry_type == "first-input" or entry.name in _INPUTS:
                        self.inputs.append(entry.start_us)
                case "action":
                    if entry.name in _INPUTS:
                        self.inputs.append(entry.start_us)
                case "visibility" | "visibility-state":
                    (self.hidden if entry.name == "hidden" else self.shown).append(entry.start_us)
                case "pageview":
                    # Of a whole document, what its later pageviews tell is not its start.
                    if page_view is not None or entry.start_us <= 0:
                        hidden_at_start = hidden_at_start or bool(entry.extra.get("hidden"))
                    self.prerendered = self.prerendered or bool(entry.extra.get("prerendered"))
                    if self.kind is None and page_view is None:
                        told = entry.extra.get("kind")
                        # The whole document is a load, whatever pageviews follow it.
                        if isinstance(told, str) and entry.start_us <= 0:
                            self.kind = told
                case _:
                    pass
            reports_shifts = reports_shifts or entry.entry_type in _CHROMIUM_ONLY
        self.reports_shifts = reports_shifts or (
            self.navigation is not None and _is_told_by_chromium(self.navigation.entry)
        )
        self.activation_us = self._activation()
        self.first_hidden_us = self._first_hidden(hidden_at_start)

    def _activation(self) -> int:
        """``activationStart``: when a prerendered page was shown; 0 for others."""
        if self.kind not in _LOAD_KINDS:
            return 0
        if self.navigation is not None:
            told = _number(self.navigation.entry.extra.get("activationStart"))
            if told and told > 0:
                return round(told * 1000)
        if self.prerendered and (shown := [at for at in self.shown if at > 0]):
            # The navigation entry was read before the activation.
            return min(shown)
        return 0

    def _first_hidden(self, hidden_at_start: bool) -> float:
        """When the page was first hidden; infinite where it never was. A page that was
        prerendered was hidden until its activation, which does not count."""
        begin = self.start_us if self.kind == "bfcache" else self.activation_us
        first: float = min([at for at in self.hidden if at >= begin], default=inf)
        if hidden_at_start and not self.prerendered:
            return min(first, 0)
        return first

    def vitals(self) -> Vitals:
        """All rules applied."""
        fcp = self.fcp()
        return Vitals(
            lcp=self.lcp(fcp), inp=self.inp(), cls=self.cls(fcp), fcp=fcp, ttfb=self.ttfb()
        )

    def _timed(self, name: str, record: Record, value_us: int, url: str | None = None) -> Vital:
        value = value_us / 1000
        return Vital(
            name=name,
            value=value,
            rating=rate(name, value, self.thresholds),
            at_us=record.entry.start_us,
            records=(record,),
            element=_element(record),
            url=url,
        )

    def fcp(self) -> Vital | None:
        """``onFCP.ts``; after a restore it is counted from the restore."""
        paints = sorted(self.paints, key=_start)
        if self.kind == "bfcache":
            paints = [paint for paint in paints if paint.entry.start_us >= self.start_us]
            if not paints or paints[0].entry.start_us >= self.first_hidden_us:
                return None
            return self._timed("FCP", paints[0], paints[0].entry.start_us - self.start_us)
        if self.kind not in _LOAD_KINDS or not paints:
            return None
        paint = paints[0]
        if paint.entry.start_us >= self.first_hidden_us:
            return None
        return self._timed("FCP", paint, max(0, paint.entry.start_us - self.activation_us))

    def lcp(self, fcp: Vital | None) -> Vital | None:
        """``onLCP.ts``: the last candidate before the first input and before the page was
        hidden; after a restore the first paint stands for it."""
        if self.kind == "bfcache":
            if fcp is None:
                return None
            return self._timed("LCP", fcp.records[0], round(fcp.value * 1000))
        if self.kind not in _LOAD_KINDS:
            return None
        end = min([self.first_hidden_us, *[at for at in self.inputs if at >= self.activation_us]])
        found = [record for record in self.candidates if record.entry.start_us < end]
        if not found:
            return None
        last = max(found, key=lambda record: (record.entry.start_us, _size(record)))
        url = last.entry.extra.get("url")
        return self._timed(
            "LCP",
            last,
            max(0, last.entry.start_us - self.activation_us),
            url if isinstance(url, str) and url else None,
        )

    def cls(self, fcp: Vital | None) -> Vital | None:
        """``onCLS.ts``: the worst session window of shifts without recent input. A load without
        a first paint in the foreground has none, as in web-vitals and in CrUX."""
        if self.kind in _LOAD_KINDS and fcp is None:
            return None
        if not self.shifts and not self.reports_shifts:
            # A browser that does not report shifts has an unknown score, not a perfect one.
            return None
        worst = 0.0
        worst_window: list[Record] = []
        window: list[Record] = []
        value = 0.0
        for shift in sorted(self.shifts, key=_start):
            entry = shift.entry
            if entry.extra.get("hadRecentInput") or entry.start_us < self._shifts_from():
                continue
            score = _number(entry.extra.get("value")) or 0.0
            if (
                value
                and entry.start_us - window[-1].entry.start_us < SESSION_GAP_US
                and entry.start_us - window[0].entry.start_us < SESSION_LENGTH_US
            ):
                window = [*window, shift]
                value += score
            else:
                window = [shift]
                value = score
            if value > worst:
                worst, worst_window = value, window
        largest = max(worst_window, key=_shift_value, default=None)
        return Vital(
            name="CLS",
            value=worst,
            rating=rate("CLS", worst, self.thresholds),
            at_us=worst_window[0].entry.start_us if worst_window else self.start_us,
            records=tuple(worst_window),
            element=_element(largest) if largest is not None else None,
        )

    def _shifts_from(self) -> float:
        return self.start_us if self.kind == "bfcache" else -inf

    def inp(self) -> Vital | None:
        """``onINP.ts``: the longest interaction, one of every fifty left out as an outlier."""
        latencies: dict[float, int] = {}
        entries: dict[float, list[Record]] = {}
        for record in sorted(self.events, key=_start):
            entry = record.entry
            identity = _number(entry.extra.get("interactionId")) or 0.0
            if not identity and entry.entry_type != "first-input":
                continue
            duration = entry.duration_us
            if duration is None:
                continue
            known = latencies.get(identity)
            if known is None or duration > known:
                latencies[identity] = duration
                entries[identity] = [record]
            elif duration == known and entry.start_us == entries[identity][0].entry.start_us:
                entries[identity].append(record)
        if not latencies:
            return None
        ordered = sorted(latencies, key=lambda identity: -latencies[identity])[:MAX_INTERACTIONS]
        left_out = interaction_count(self.events) // INTERACTIONS_PER_OUTLIER
        chosen = ordered[min(len(ordered) - 1, left_out)]
        value = latencies[chosen] / 1000
        behind = entries[chosen]
        return Vital(
            name="INP",
            value=value,
            rating=rate("INP", value, self.thresholds),
            at_us=behind[0].entry.start_us,
            records=tuple(behind),
            element=next((element for element in map(_element, behind) if element), None),
        )

    def ttfb(self) -> Vital | None:
        """``onTTFB.ts``; 0 after a restore, by definition."""
        if self.kind == "bfcache":
            return Vital(name="TTFB", value=0.0, rating=Rating.GOOD, at_us=self.start_us)
        if self.kind not in _LOAD_KINDS or self.navigation is None:
            return None
        first_byte = self.navigation.entry.response_start_us
        if first_byte is None or first_byte <= 0:
            return None
        vital = self._timed("TTFB", self.navigation, max(0, first_byte - self.activation_us))
        return msgspec.structs.replace(vital, at_us=first_byte)


def _start(record: Record) -> int:
    return record.entry.start_us


def _number(value: JSON) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value)


def _size(record: Record) -> float:
    return _number(record.entry.extra.get("size")) or 0.0


def _shift_value(record: Record) -> float:
    return _number(record.entry.extra.get("value")) or 0.0


def _element(record: Record) -> str | None:
    """A selector of the element that an entry is about; of a shift, its largest source."""
    extra = record.entry.extra
    for key in ("selector", "target", "id"):
        value = extra.get(key)
        if isinstance(value, str) and value:
            return f"#{value}" if key == "id" else value
    sources = extra.get("sources")
    if isinstance(sources, list):
        found = [source for source in sources if isinstance(source, dict)]
        if found:
            selector = max(found, key=_area).get("selector")
            return selector if isinstance(selector, str) and selector else None
    return None


def _area(source: dict[str, JSON]) -> float:
    """Pixels that a shifted element covers after the shift."""
    rect = source.get("currentRect")
    if not isinstance(rect, dict):
        return 0.0
    return (_number(rect.get("width")) or 0.0) * (_number(rect.get("height")) or 0.0)
