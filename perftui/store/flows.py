"""The rows of requests that are seen from two sides: which entry is joined with which row, and the
totals of batch, pageview and session beside it. What a joined entry is, ``joining`` says."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from perftui.entry_columns import EntryColumns
from perftui.model import Entry
from perftui.store.connection import Connection, one, value
from perftui.store.interning import Strings, Urls
from perftui.store.joining import as_frame, flow_id, is_of_frame, merged, told_by_proxy
from perftui.store.rows import ENTRY_JOINS, ENTRY_JSON, Placed, insert_entries
from perftui.store.totals import Totals, totals_of


class Flows:
    """The flows of a store, within the writer's open transaction.

    Args:
        connection: the writer's, as are the two below.
    """

    def __init__(self, connection: Connection, strings: Strings, urls: Urls) -> None:
        self._connection = connection
        self._strings = strings
        self._urls = urls

    def joined(
        self, entries: EntryColumns, seqs: Sequence[int], session: int
    ) -> tuple[EntryColumns, Sequence[int]]:
        """Join entries with the other side of their flows, where that is there.

        Args:
            entries: of one batch; all earlier ones are in the table.
            seqs: where they are to be stored.
            session: the row of their session.

        Returns:
            What is to be stored, and where: without what went into earlier rows.
        """
        kept: list[Entry] = []
        places: list[int] = []
        for received, seq in zip(entries, seqs, strict=True):
            flow = flow_id(received)
            entry = received if flow is None else self._joined(received, flow, seq, session)
            if entry is not None:
                kept.append(entry)
                places.append(seq)
        return EntryColumns.of(kept), places

    def _joined(self, entry: Entry, flow: str, seq: int, session: int) -> Entry | None:
        """Join an entry with the other side of its flow, where that is there.

        Returns:
            What is to be stored at ``seq``; None where the entry went into an earlier row.
        """
        connection = self._connection
        known = one(
            connection,
            "SELECT browser_seq, proxy_seq, frame_seq FROM flow WHERE flow_id = ?",
            (flow,),
        )
        by_proxy = entry.entry_type == "request"
        if known is None:
            connection.execute(
                f"INSERT INTO flow (flow_id, session, {'proxy_seq' if by_proxy else 'browser_seq'})"
                " VALUES (?, ?, ?)",
                (flow, session, seq),
            )
            return entry
        browser_seq, proxy_seq, frame_seq = known
        if by_proxy and proxy_seq is None:
            return self._join_proxy(entry, flow, seq, session, (browser_seq, frame_seq))
        if not by_proxy and browser_seq is None:
            proxy = self._entry(proxy_seq)
            if proxy is not None:
                self._set_flow(flow, session, browser_seq=seq, merged_seq=seq)
                self._adjust_totals(proxy_seq, proxy, -1)
                connection.execute("DELETE FROM entry WHERE seq = ?", (proxy_seq,))
                return merged(entry, proxy)
        elif not by_proxy and frame_seq is None:
            return self._join_frame(entry, flow, seq, session, browser_seq)
        # This side is known: a repetition by a client, not the same request.
        return entry

    def _join_proxy(
        self,
        proxy: Entry,
        flow: str,
        seq: int,
        session: int,
        places: tuple[int, int | None],
    ) -> Entry | None:
        """Put what the proxy tells into the rows of the browser: the request, and what the page
        around it told where it is a frame's document."""
        told = [(place, self._entry(place)) for place in places if place is not None]
        if told[0][1] is None:
            return proxy
        self._set_flow(flow, session, proxy_seq=seq, merged_seq=seq)
        for place, browser in told:
            if browser is not None:
                self._replace(place, browser, merged(browser, proxy))
        return None

    def _join_frame(self, entry: Entry, flow: str, seq: int, session: int, other_seq: int) -> Entry:
        """Join a browser's entry with another one of its flow, where they are a frame's document
        and what the page around the frame tells of it."""
        other = self._entry(other_seq)
        if other is None:
            return entry
        proxy = told_by_proxy(other)
        whole = entry if proxy is None else merged(entry, proxy)
        if is_of_frame(other, entry):
            self._set_flow(flow, session, frame_seq=seq)
            return as_frame(whole)
        if is_of_frame(entry, other):
            self._set_flow(flow, session, browser_seq=seq, frame_seq=other_seq)
            self._replace(other_seq, other, as_frame(other))
            return whole
        return entry

    def _set_flow(self, flow: str, session: int, **seqs: int) -> None:
        """Exports look for what has changed by the session of the latest change."""
        columns = ", ".join(f"{name} = ?" for name in seqs)
        self._connection.execute(
            f"UPDATE flow SET session = ?, {columns} WHERE flow_id = ?",
            (session, *seqs.values(), flow),
        )

    def _replace(self, seq: int, before: Entry, after: Entry) -> None:
        """Store another entry at the place of one."""
        connection = self._connection
        self._adjust_totals(seq, before, -1)
        batch_row = value(connection, "SELECT batch FROM entry WHERE seq = ?", (seq,))
        connection.execute("DELETE FROM entry WHERE seq = ?", (seq,))
        row = Placed(EntryColumns.of([after]), (seq,), batch_row)
        insert_entries(connection, [row], self._strings, self._urls)
        self._adjust_totals(seq, after, 1)

    def _entry(self, seq: int) -> Entry | None:
        text = value(
            self._connection,
            f"SELECT {ENTRY_JSON} FROM entry AS e {ENTRY_JOINS} WHERE e.seq = ?",
            (seq,),
        )
        return None if text is None else msgspec.json.decode(text, type=Entry)

    def _adjust_totals(self, seq: int, entry: Entry, sign: int) -> None:
        """Add an entry to, or take it from, the totals of where it is stored."""
        connection = self._connection
        row = one(
            connection,
            "SELECT b.id, b.pageview, b.session, u.url FROM entry AS e"
            " JOIN batch AS b ON b.id = e.batch JOIN pageview AS p ON p.id = b.pageview"
            " LEFT JOIN url AS u ON u.id = p.url WHERE e.seq = ?",
            (seq,),
        )
        assert row is not None
        batch_row, page_view_row, session_row, page_url = row
        totals = Totals(*[sign * total for total in totals_of(EntryColumns.of([entry]), page_url)])
        connection.execute(
            "UPDATE batch SET request_count = request_count + ?, error_count = error_count + ?"
            " WHERE id = ?",
            (totals.requests, totals.errors, batch_row),
        )
        for table, row_id in (("pageview", page_view_row), ("session", session_row)):
            connection.execute(
                f"UPDATE {table} SET entry_count = entry_count + ?,"
                " request_count = request_count + ?, error_count = error_count + ?,"
                " transfer_bytes = transfer_bytes + ?,"
                " unknown_size_count = unknown_size_count + ? WHERE id = ?",
                (
                    *(totals.entries, totals.requests, totals.errors),
                    *(totals.transfer_bytes, totals.unknown_sizes, row_id),
                ),
            )
