"""Question 3: what do third parties cost?"""

from __future__ import annotations

from perftui.analysis.endpoints import registrable_domain
from perftui.analysis.insights.answer import (
    Answer,
    Cause,
    Note,
    NoteKind,
    Question,
    Unit,
    Value,
    make_table,
)
from perftui.analysis.insights.loading import MOST_ROWS, opaque_note
from perftui.analysis.insights.sentences import third_party_headline
from perftui.analysis.insights.third_party import THIRD_PARTIES
from perftui.export.clickhouse_schema import ENTRIES
from perftui.export.filter_sql import PAGE_HOST, host_of
from perftui.export.questions.asking import Asking, in_milliseconds, number

_ENDED = "start_us + ifNull(took_us, 0)"


def third_party(asking: Asking) -> Answer:
    """Question 3: do third parties slow me down?"""
    found = asking.rows(
        "SELECT site, sum(requests), sum(bytes), sum(unknown), sum(busy) / count(),"
        " if(sum(tells_blocking) > 0, sum(blocking) / count(), NULL), count(), sum(opaque) FROM ("
        "SELECT site, session_id, page_view_id, count() AS requests, sum(transfer_size) AS bytes,"
        " countIf(transfer_size IS NULL) AS unknown,"
        f" intervalLengthSum(start_us, {_ENDED}) AS busy,"
        f" intervalLengthSumIf(start_us, {_ENDED}, is_blocking) AS blocking,"
        " countIf(ifNull(render_blocking_status, '') != '') AS tells_blocking,"
        " countIf(is_opaque) AS opaque"
        " FROM requests WHERE is_third_party GROUP BY site, session_id, page_view_id"
        ") GROUP BY site"
    )
    path = asking.page_loads.column(Question.THIRD_PARTY, THIRD_PARTIES.key, "lcp_path_ms")
    tasks = _tasks_us(asking) if _tells_tasks(asking) else None
    rows: list[tuple[Value, ...]] = [
        (
            *(str(site), requests, transferred, unknown),
            *(in_milliseconds(busy), in_milliseconds(blocking), path.get(str(site))),
            *(None if tasks is None else round(tasks.get(str(site), 0) / 1000, 3), views),
        )
        for site, requests, transferred, unknown, busy, blocking, views, _ in found
    ]
    busiest = {str(row[0]): float(row[4]) for row in found}
    rows.sort(key=lambda row: (-number(row[6]), -busiest[str(row[0])], str(row[0])))
    cause = None
    notes: list[Note] = []
    if rows:
        on_path = None if rows[0][6] is None else number(rows[0][6])
        cause = Cause("domain", str(rows[0][0]), on_path, Unit.MILLISECONDS)
        if on_path:
            told = asking.page_loads.answer(Question.THIRD_PARTY).notes
            notes += [note for note in told if note.kind is NoteKind.ASSUMPTION]
    notes += opaque_note(sum(row[7] for row in found))
    return Answer(
        question=Question.THIRD_PARTY.value,
        asked=Question.THIRD_PARTY.words,
        headline=third_party_headline(rows, sum(row[1] for row in found), asking.coverage.requests),
        cause=cause,
        tables=(make_table(THIRD_PARTIES, rows, MOST_ROWS),),
        coverage=asking.coverage,
        notes=asking.notes(*notes, from_page_loads=True),
    )


def _tells_tasks(asking: Asking) -> bool:
    return bool(
        asking.clickhouse.rows(
            f"SELECT count() FROM {ENTRIES} FINAL WHERE {asking.where} AND is_deleted = 0"
            " AND entry_type IN ('long-animation-frame', 'longtask')"
        )[0][0]
    )


def _tasks_us(asking: Asking) -> dict[str, int]:
    """Domain -> µs of long tasks that the browser attributes to it: of a long animation frame's
    scripts by their source, of a long task by the frame that it ran in."""
    rows = asking.clickhouse.rows(
        f"SELECT page_host, {host_of('url')} AS host, sum(us) FROM ("
        f"SELECT {PAGE_HOST} AS page_host, JSONExtractString(script, 'sourceURL') AS url,"
        " toInt64(round(JSONExtractFloat(script, 'duration') * 1000)) AS us,"
        " arrayJoin(arrayFilter(one -> JSONType(one, 'sourceURL') = 'String'"
        " AND JSONType(one, 'duration') IN ('Int64', 'UInt64', 'Double'),"
        " JSONExtractArrayRaw(extra, 'scripts'))) AS script"
        f" FROM {ENTRIES} FINAL WHERE {asking.where} AND entry_type = 'long-animation-frame'"
        " UNION ALL "
        f"SELECT {PAGE_HOST} AS page_host, JSONExtractString(frame, 'containerSrc') AS url,"
        " toInt64(ifNull(duration_us, 0)) AS us,"
        " arrayJoin(JSONExtractArrayRaw(extra, 'attribution')) AS frame"
        f" FROM {ENTRIES} FINAL WHERE {asking.where} AND entry_type = 'longtask'"
        ") WHERE host != '' AND page_host != '' GROUP BY page_host, host"
    )
    found: dict[str, int] = {}
    for page_host, host, us in rows:
        domain = registrable_domain(str(host))
        if (
            host != page_host
            and domain != asking.page_sites.get(str(page_host))
            and domain not in asking.settings.first_party
        ):
            found[domain] = found.get(domain, 0) + us
    return found
