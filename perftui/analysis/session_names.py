"""What a session is called, on every screen and in every report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from perftui.model import SessionSummary

ID_CHARACTERS = 13
"""Characters of an ID that tell sessions apart: with the time in a UUIDv7, to the millisecond."""


def session_name(summary: SessionSummary) -> str:
    """The name that a person gave it, else the title of its page, else its ID; not sanitised."""
    return summary.label or summary.title or summary.session_id


def names_apart(summaries: Sequence[SessionSummary]) -> list[str]:
    """:func:`session_name` of sessions that stand beside each other; where several have the same, as
    loads of one page, with the beginning of their IDs."""
    names = [session_name(summary) for summary in summaries]
    count = Counter(names)
    return [
        f"{name} ({summary.session_id[:ID_CHARACTERS]})"
        if count[name] > 1 and name != summary.session_id
        else name
        for name, summary in zip(names, summaries, strict=True)
    ]
