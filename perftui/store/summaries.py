"""Sessions and pageviews as rows of the store, and what these tell."""

from __future__ import annotations

import msgspec

from perftui.model import PageView, SessionSummary
from perftui.store.connection import Row

BY_START = "ORDER BY p.time_origin_us + ifnull(p.told_start_us, p.start_us), p.id"
"""The order in which the pageviews of a session are numbered."""

SESSIONS = f"""
SELECT s.session_id, ifnull(s.started_us, s.first_received_us),
  ifnull(s.ended_us, s.received_us), s.received_us, s.page_view_count, s.entry_count,
  s.request_count, s.error_count, s.transfer_bytes, s.unknown_size_count, s.byte_count, s.dropped,
  s.clock_error_us, s.label, s.pinned, s.last_seq, u.url, first.title, s.client, source.text
FROM session AS s
JOIN string AS source ON source.id = s.source
LEFT JOIN pageview AS first ON first.id = (
  SELECT p.id FROM pageview AS p WHERE p.session = s.id
  {BY_START} LIMIT 1)
LEFT JOIN url AS u ON u.id = first.url
"""
"""Rows that :func:`session_summary` takes, of ``session AS s`` with its first pageview and its URL."""


PAGE_VIEWS = """
SELECT p.page_view_id, u.url, p.title, p.kind, p.referrer, p.navigation_type, p.time_origin_us,
  ifnull(p.told_start_us, p.start_us), p.end_us, p.entry_count, p.request_count, p.error_count,
  p.transfer_bytes
FROM pageview AS p LEFT JOIN url AS u ON u.id = p.url
"""
"""Rows that :func:`page_view` takes, of ``pageview AS p``."""


def session_summary(row: Row, exported_seq: int) -> SessionSummary:
    """A row of :data:`SESSIONS`.

    Args:
        exported_seq: the position up to which some export has all entries.
    """
    return SessionSummary(
        session_id=row[0],
        started_us=row[1],
        ended_us=max(row[1], row[2]),
        received_us=row[3],
        page_view_count=row[4],
        entry_count=row[5],
        request_count=row[6],
        error_count=row[7],
        transfer_bytes=row[8],
        unknown_size_count=row[9],
        byte_count=row[10],
        dropped=msgspec.json.decode(row[11]) if row[11] else {},
        clock_error_us=row[12],
        label=row[13],
        pinned=bool(row[14]),
        exported=row[15] is not None and row[15] <= exported_seq,
        url=row[16],
        title=row[17],
        client=msgspec.json.decode(row[18]) if row[18] else {},
        source=row[19],
    )


def page_view(session_id: str, number: int, row: Row) -> PageView:
    """A row of :data:`PAGE_VIEWS`, of a session in which it is the ``number``th."""
    return PageView(
        session_id=session_id,
        page_view_id=row[0],
        number=number,
        url=row[1],
        title=row[2],
        kind=row[3],
        referrer=row[4],
        navigation_type=row[5],
        time_origin_us=row[6],
        start_us=row[7],
        end_us=max(row[7], row[8]),
        entry_count=row[9],
        request_count=row[10],
        error_count=row[11],
        transfer_bytes=row[12],
    )
