"""``perftui report --from DSN``: the nine questions asked in ClickHouse."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from perftui.analysis.insights.answer import Answer, Question
from perftui.analysis.insights.reading import answer, parse_at, read_study
from perftui.analysis.vitals import Vital, vitals
from perftui.commands.context import Context
from perftui.commands.pull import remote_filter
from perftui.errors import NotFoundError
from perftui.export.clickhouse import ClickHouse, parse_target
from perftui.export.pull import find_remote_session, sampled_batches
from perftui.export.questions.answers import answer as remote_answer
from perftui.export.questions.asking import EXACT_REQUESTS, Asked, Asking, Fetched, PageLoads
from perftui.model import Predicate, Record
from perftui.store.reader import StoreReader
from perftui.store.writer import StoreWriter

MOST_ENTRIES = 100_000
"""Entries of the sessions that are fetched for what follows from whole page loads: a few seconds,
and some 1,500 page loads."""

WRITTEN_AT_ONCE = 50
"""Batches of one transaction."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What ``perftui report`` was told.

    Attributes:
        sessions: IDs, their beginnings, or ``last``; none is all of them.
        since_us, until_us: moments of receipt, half-open, µs since the epoch.
        change_at_us: where ``change`` divides.
        baseline: what ``change`` compares with.
        at: the moment.
        most_entries: see :data:`MOST_ENTRIES`.
        exact_requests: see :data:`perftui.export.questions.asking.EXACT_REQUESTS`.
    """

    questions: Sequence[Question]
    sessions: Sequence[str] = ()
    since_us: int | None = None
    until_us: int | None = None
    predicate: Predicate | None = None
    change_at_us: int | None = None
    baseline: str | None = None
    at: str | None = None
    most_entries: int = MOST_ENTRIES
    exact_requests: int = EXACT_REQUESTS


def remote_answers(
    context: Context, dsn: str, report: Report, *, password_file: Path | None = None
) -> Iterator[Answer]:
    """The answers, each as soon as it is there.

    Raises:
        NotFoundError: there are no sessions, or not those asked for.
        ExportError: the remote end cannot be reached, or refuses.
    """
    clickhouse = ClickHouse(parse_target(dsn, password_file=password_file))
    try:
        sessions = list(report.sessions)
        if not sessions and Question.MOMENT in report.questions:
            sessions = ["last"]
        asked = Asked(
            session_ids=[find_remote_session(clickhouse, text) for text in sessions],
            since_us=report.since_us,
            until_us=report.until_us,
            predicate=remote_filter(report.predicate),
        )
        with ExitStack() as stack:

            def fetch() -> Fetched:
                reader = stack.enter_context(_fetched(clickhouse, asked, report.most_entries))
                return _page_loads(context, reader, report, asked)

            asking = Asking(
                clickhouse,
                asked,
                PageLoads(fetch),
                thresholds=context.settings.thresholds,
                first_party=context.settings.sites.first_party,
                exact_requests=report.exact_requests,
            )
            if not asking.coverage.sessions:
                raise NotFoundError(f"{clickhouse.target.url} holds no such sessions")
            baseline = report.baseline
            if baseline is not None:
                baseline = find_remote_session(clickhouse, baseline)
            for question in report.questions:
                yield remote_answer(
                    asking, question, since_us=report.change_at_us, baseline=baseline
                )
    finally:
        clickhouse.close()


@contextmanager
def _fetched(clickhouse: ClickHouse, asked: Asked, most_entries: int) -> Iterator[StoreReader]:
    """A store in a temporary folder with the sessions whose page loads are looked at one by one.
    Of single sessions that are asked for, nothing is left out."""
    most = 2**62 if asked.session_ids else most_entries
    with TemporaryDirectory(prefix="perftui-report-") as folder:
        path = Path(folder) / "fetched.db"
        writer = StoreWriter(path)
        try:
            waiting = []
            for batch in sampled_batches(clickhouse, asked.condition(), most):
                waiting.append(batch)
                if len(waiting) >= WRITTEN_AT_ONCE:
                    writer.write_batches(waiting)
                    waiting = []
            if waiting:
                writer.write_batches(waiting)
        finally:
            writer.close_now()
        reader = StoreReader(path)
        try:
            yield reader
        finally:
            reader.close()


def _page_loads(context: Context, reader: StoreReader, report: Report, asked: Asked) -> Fetched:
    summaries = reader.sessions()
    study = read_study(
        reader,
        summaries,
        since_us=asked.since_us,
        until_us=asked.until_us,
        predicate=asked.predicate,
        thresholds=context.settings.thresholds,
        first_party=context.settings.sites.first_party,
    )

    def answered(question: Question) -> Answer:
        return answer(
            study,
            question,
            session_id=summaries[0].session_id,
            at_us=None if report.at is None else parse_at(report.at, summaries[0].duration_us),
        )

    def metrics(belongs: Callable[[Record], bool]) -> list[tuple[str, Vital]]:
        found: list[tuple[str, Vital]] = []
        for summary in summaries:
            by_view: dict[str, list[Record]] = {}
            for record in reader.iter_records(
                summary.session_id, since_us=asked.since_us, until_us=asked.until_us
            ):
                if belongs(record):
                    by_view.setdefault(record.page_view_id, []).append(record)
            for view in reader.page_views(summary.session_id):
                if view.url is not None and view.page_view_id in by_view:
                    told = vitals(by_view[view.page_view_id], view, context.settings.thresholds)
                    found += [(view.url, vital) for vital in told.all()]
        return found

    return Fetched(answered, metrics, len(summaries))
