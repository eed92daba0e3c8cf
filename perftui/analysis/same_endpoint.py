"""The calls of one endpoint, as a predicate for Python and for SQL."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from perftui.analysis.endpoints import endpoint, url_endpoint
from perftui.analysis.filter_terms import IS_REQUEST, TextIs
from perftui.analysis.filter_values import Column, Sql, Value
from perftui.model import Entry, Record


class SameEndpoint(msgspec.Struct, frozen=True):
    """Requests with the same method, host and path template; a :class:`perftui.model.Predicate`.

    Attributes:
        name: as ``analysis.endpoints.endpoint`` makes it.
        path: the same without the method: what a store keeps of a URL.
        method: in upper case; None where nobody told it.
    """

    name: str
    path: str
    method: str | None

    @classmethod
    def of(cls, entry: Entry) -> SameEndpoint:
        """Those like a request."""
        method = entry.method.upper() if entry.method else None
        return cls(endpoint(entry.method, entry.name), url_endpoint(entry.name), method)

    def matches(self, record: Record) -> bool:
        """Whether a record is one of them."""
        entry = record.entry
        return entry.is_request and endpoint(entry.method, entry.name).lower() == self.name.lower()

    def sql(self, columns: Mapping[str, Column | str]) -> tuple[str, list[Value]]:
        """The condition and its parameters."""
        sql = Sql(columns)
        conditions = [IS_REQUEST.sql(sql), TextIs("endpoint", (self.path,)).sql(sql)]
        method = sql.column("method").value
        if self.method is None:
            conditions.append(f"{method} IS NULL")
        else:
            conditions.append(f"upper({method}) = {sql.bind(self.method)}")
        return " AND ".join([f"({condition})" for condition in conditions]), sql.parameters
