"""What the replay and live screen reads of a session, in threads: immutable messages come out.

Live, :class:`LiveFeed` keeps the index of what has arrived, growing at its end; a message tells
how much of it belongs to the moment. For a replay, :func:`load` reads the index by start and makes
the timeline. :func:`look_around` finds what the transport and the overview show.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from operator import gt
from typing import TYPE_CHECKING

from textual.message import Message

from perftui.analysis.endpoints import is_third_party, load_public_suffixes
from perftui.analysis.position_set import PositionSet
from perftui.analysis.session_facts import FROM_FILES, VITAL_ENTRY_TYPES
from perftui.analysis.timeline import Marker, Markers, Timeline
from perftui.config import Settings, Thresholds
from perftui.errors import NotFoundError
from perftui.memory import give_back
from perftui.model import (
    Clock,
    EntryIndex,
    Order,
    PageView,
    Predicate,
    Reader,
    SessionSummary,
    Usual,
)
from perftui.screens.base import Shown

if TYPE_CHECKING:
    from perftui.analysis.vitals import Vitals

MOST_MARKERS = 5_000
"""Markers beyond this say nothing on a rail of some hundred cells; jumping to the next error or
slow request does not use them."""

TELL_SECONDS = 0.1
"""How often the state of a session that is still being read is told: at most ten repaints a second."""

MOST_VITAL_VIEWS = 200
"""Pageviews whose vitals are worked out at once, the latest first."""

READ_AT_ONCE = 512
"""Records read at once: what is made of them is a hundredth of their size."""

FIRST_ROWS = 64
"""Rows of the first screen."""

MANY_ENTRIES = 100_000
"""From so many on reading a session takes memory that is worth to be given back."""

MARKER_TYPES: tuple[str, ...] = ("pageview", "capture", "longtask", "error")


class SessionTold(Shown):
    """The entries of a session as of a moment.

    Attributes:
        ask: which question this answers; answers to earlier ones are stale.
        index: in the order asked for; other threads may append to it.
        length: how many of its entries belong to this moment.
        timeline: for a replay: over all entries, whatever the filter.
        first_seq: position of the first entry of the session that arrived.
        progress: how much of the session has been looked through, 0 to 1. There is more to come
            below 1.
    """

    def __init__(
        self,
        ask: int,
        summary: SessionSummary,
        page_views: tuple[PageView, ...],
        index: EntryIndex,
        length: int,
        timeline: Timeline | None = None,
        first_seq: int = 1,
        progress: float = 1.0,
    ) -> None:
        super().__init__()
        self.first_seq = first_seq
        self.progress = progress
        self.ask = ask
        self.summary = summary
        self.page_views = page_views
        self.index = index
        self.length = length
        self.timeline = timeline

    def can_replace(self, message: Message) -> bool:
        """Only the newest matters."""
        return isinstance(message, SessionTold)


@dataclass(frozen=True, slots=True)
class Around:
    """What the transport and the overview show beside the entries themselves.

    Attributes:
        vitals: pageview ID -> its metrics.
        markers: errors, slow requests, route changes, vitals, analytics events.
        errors, slow: by start; what ``e`` and ``E`` go through.
        requests: starts of all requests, for the density.
        long_tasks: how many, and how long in all, µs.
        duplicates: positions of requests that the pageview had made before.
    """

    vitals: Mapping[str, Vitals] = field(default_factory=dict)
    markers: Markers = field(default_factory=Markers)
    errors: EntryIndex | None = None
    slow: EntryIndex | None = None
    requests: array[int] | None = None
    long_tasks: tuple[int, int] = (0, 0)
    duplicates: PositionSet = field(default_factory=PositionSet)


class AroundTold(Message):
    """:class:`Around` for a session that had so many entries."""

    def __init__(self, session_id: str, entry_count: int, around: Around) -> None:
        super().__init__()
        self.session_id = session_id
        self.entry_count = entry_count
        self.around = around

    def can_replace(self, message: Message) -> bool:
        """Only the newest matters."""
        return isinstance(message, AroundTold)


NEWEST = 16
"""Among so many of the sessions that received something last one is looked for that is no file."""


class LiveFeed:
    """Follows one session in order of arrival.

    Args:
        ask: comes back in every message.
        session_id: None waits for the first session that receives something from ``since_us`` on
            (µs since the epoch, this machine's clock). What is read from a file arrives, too, but
            nothing of it happens now.
        predicate: the filter, if there is one.
    """

    more = False

    def __init__(
        self, ask: int, session_id: str | None, predicate: Predicate | None, since_us: int = 0
    ) -> None:
        self._ask = ask
        self._session_id = session_id
        self._predicate = predicate
        self._since_us = since_us
        self._index: EntryIndex | None = None
        self._after = 0
        self._told: SessionSummary | None = None
        self._first_seq = 0

    def poll(self, reader: Reader) -> Message | None:
        """The state of now; None where nothing of it has changed."""
        session_id = self._session_id or self._newest(reader)
        if session_id is None:
            return None
        self._session_id = session_id
        summary = reader.session(session_id)
        if summary == self._told:
            return None
        self._told = summary
        index = self._index
        if index is not None and index.base_us != summary.started_us:
            # Something older has arrived late: every moment counts from there now.
            index = None
        read_until = reader.last_seq()
        news = reader.index(
            session_id,
            order=Order.ARRIVAL,
            predicate=self._predicate,
            after_seq=0 if index is None else self._after,
        )
        if index is None:
            index = news
        else:
            extend(index, news)
        self._index = index
        self._after = max(read_until, news.seqs[-1] if len(news) else 0)
        if not self._first_seq:
            whole = index
            if self._predicate is not None:
                whole = reader.index(session_id, order=Order.ARRIVAL)
            self._first_seq = whole.seqs[0] if len(whole) else 0
        return SessionTold(
            self._ask,
            summary,
            tuple(reader.page_views(session_id)),
            index,
            len(index.seqs),
            first_seq=self._first_seq or 1,
        )

    def _newest(self, reader: Reader) -> str | None:
        for summary in reader.sessions(limit=NEWEST):
            if summary.received_us >= self._since_us and summary.source not in FROM_FILES:
                return summary.session_id
        return None


class SessionWatch:
    """Tells a replay that its session has grown, and nothing else."""

    more = False

    def __init__(self, session_id: str) -> None:
        self._session_id = session_id
        self._count = -1

    def poll(self, reader: Reader) -> Message | None:
        """How many entries there are, when that has changed."""
        try:
            summary = reader.session(self._session_id)
        except NotFoundError:
            return SessionGone()
        if summary.entry_count == self._count:
            return None
        self._count = summary.entry_count
        return SessionGrown(summary)


class SessionGrown(Message):
    """A session that is replayed has more entries than before."""

    def __init__(self, summary: SessionSummary) -> None:
        super().__init__()
        self.summary = summary

    def can_replace(self, message: Message) -> bool:
        """Only the newest matters."""
        return isinstance(message, SessionGrown)


class SessionGone(Message):
    """The session has been deleted."""


def load(
    reader: Reader,
    ask: int,
    session_id: str,
    predicate: Predicate | None,
    timeline: Timeline | None,
    idle_limit_us: int | None,
    clock: Clock,
) -> Iterator[SessionTold]:
    """Read a session for a replay. What has been read already is told at most ten times a second;
    the last answer is the whole.

    Args:
        timeline: of the same session, where it is known already and only the filter has changed.
    """
    summary = reader.session(session_id)
    views = tuple(reader.page_views(session_id))
    if predicate is None and timeline is not None:
        # All entries by start are what the timeline was made of.
        whole = timeline.index
        yield SessionTold(
            *(ask, summary, views, whole, len(whole), timeline),
            first_seq=min(whole.seqs, default=1),
        )
        return
    index: EntryIndex | None = None
    told_at = -TELL_SECONDS
    for piece in reader.iter_index(session_id, order=Order.START, predicate=predicate):
        if index is None:
            index = piece.index
        else:
            extend(index, piece.index)
        now = clock.monotonic()
        if piece.read < piece.total and now - told_at >= TELL_SECONDS:
            if told_at < 0:
                tell_third_parties(reader, index.seqs[:FIRST_ROWS], views)
            told_at = now
            yield SessionTold(
                *(ask, summary, views, index, len(index), timeline),
                first_seq=min(index.seqs, default=1),
                progress=piece.read / piece.total,
            )
    assert index is not None
    if any(map(gt, index.starts, islice(index.starts, 1, None))):
        # Something starts before what its batch says, so that pieces overlap.
        index = reader.index(session_id, order=Order.START, predicate=predicate)
    if timeline is None:
        whole = index if predicate is None else reader.index(session_id, order=Order.START)
        timeline = Timeline(whole, idle_limit_us)
    if told_at < 0:
        tell_third_parties(reader, index.seqs[:FIRST_ROWS], views)
    yield SessionTold(
        *(ask, summary, views, index, len(index), timeline),
        first_seq=min(timeline.index.seqs, default=1),
    )
    # For the rows to come.
    load_public_suffixes()


def tell_third_parties(
    reader: Reader, seqs: Sequence[int], page_views: tuple[PageView, ...]
) -> None:
    """Find out whose servers some entries came from, so that painting them need not: the first
    foreign host takes the Public Suffix List, which is 70 ms to read."""
    urls = {view.page_view_id: view.url for view in page_views}
    for record in reader.records(seqs):
        if record.entry.is_request:
            is_third_party(record.entry.name, urls.get(record.page_view_id))


def extend(index: EntryIndex, news: EntryIndex) -> None:
    """Append entries to an index that another thread may be reading: the positions come last, as
    it is their number that others go by."""
    index.starts.extend(news.starts)
    index.ends.extend(news.ends)
    index.seqs.extend(news.seqs)


class UsualTold(Message):
    """What the calls of some endpoints usually take.

    Attributes:
        answers: endpoint -> what is usual.
        unasked: endpoints that there was no time to ask for.
    """

    def __init__(self, answers: Mapping[str, Usual], unasked: Sequence[str] = ()) -> None:
        super().__init__()
        self.answers = answers
        self.unasked = unasked


def look_around(
    reader: Reader,
    summary: SessionSummary,
    page_views: tuple[PageView, ...],
    settings: Settings,
    starts: array[int] | None = None,
) -> AroundTold:
    """Find what the transport and the overview show.

    Args:
        starts: of all entries, in order, where they are known: kept once where all are requests.
    """
    from perftui.analysis.filters import parse
    from perftui.analysis.marks import markers, vital_markers
    from perftui.screens.filtering import filter_settings

    session_id, base_us = summary.session_id, summary.started_us
    limits = settings.thresholds
    many = summary.entry_count >= MANY_ENTRIES
    if many:
        # What reading the entries has left over, before more is read.
        give_back()
    errors = reader.index(session_id, order=Order.START, predicate=parse("is:error"))
    slow = reader.index(
        session_id, order=Order.START, predicate=parse("is:slow", filter_settings(settings))
    )
    if starts is not None and len(starts) == summary.request_count:
        requests = starts
    else:
        requests = array("q")
        for piece in reader.iter_index(
            session_id, order=Order.START, predicate=parse("is:request", filter_settings(settings))
        ):
            requests.extend(piece.index.starts)
    if many:
        give_back()
    duplicates = array("q")
    for piece in reader.iter_index(
        session_id, order=Order.ARRIVAL, predicate=parse("is:duplicate")
    ):
        duplicates.extend(piece.index.seqs)
    urls = {view.page_view_id: view.url for view in page_views}
    bad = dict.fromkeys([*errors.seqs[:MOST_MARKERS], *slow.seqs[:MOST_MARKERS]])
    found: list[Marker] = []
    for part in in_parts(list(bad), READ_AT_ONCE):
        found += markers(reader.records(part), base_us, limits, urls)
    task_count, task_us, happenings = 0, 0, 0
    for record in reader.iter_records(session_id, entry_types=MARKER_TYPES):
        if record.entry.entry_type == "longtask":
            task_count += 1
            task_us += record.entry.duration_us or 0
        if happenings < MOST_MARKERS and record.seq not in bad:
            happenings += 1
            found += markers([record], base_us, limits, urls)
    metrics = page_vitals(reader, session_id, page_views, limits)
    found += vital_markers(
        (view.time_origin_us - base_us, metrics[view.page_view_id])
        for view in page_views
        if view.page_view_id in metrics
    )
    if many:
        give_back()
    return AroundTold(
        session_id,
        summary.entry_count,
        Around(
            vitals=metrics,
            markers=Markers(found),
            errors=errors,
            slow=slow,
            requests=requests,
            long_tasks=(task_count, task_us),
            duplicates=PositionSet(duplicates),
        ),
    )


def in_parts(seqs: Sequence[int], most: int) -> Iterator[Sequence[int]]:
    """Some of them after the other, at most so many at once."""
    for at in range(0, len(seqs), most):
        yield seqs[at : at + most]


def page_vitals(
    reader: Reader, session_id: str, page_views: tuple[PageView, ...], limits: Thresholds
) -> dict[str, Vitals]:
    """Pageview ID -> its metrics, for the latest :data:`MOST_VITAL_VIEWS` pageviews."""
    from perftui.analysis.vitals import vitals

    return {
        view.page_view_id: vitals(
            reader.iter_records(
                session_id, page_view_id=view.page_view_id, entry_types=VITAL_ENTRY_TYPES
            ),
            view,
            limits,
        )
        for view in page_views[-MOST_VITAL_VIEWS:]
    }
