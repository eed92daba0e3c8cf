"""An answer as styled lines: the same layout as the text report, in the theme's colours."""

from __future__ import annotations

from perftui.analysis.insights.answer import Answer
from perftui.analysis.rendering.text import Role, answer_lines
from perftui.widgets.styled_lines import StyledLine

_STYLES = {
    Role.TITLE: "muted",
    Role.HEADLINE: "!foreground",
    Role.HEADING: "!primary",
    Role.HEAD: "muted",
    Role.ROW: "foreground",
    Role.CHART: "accent",
    Role.NOTE: "muted",
    Role.BLANK: "foreground",
}
"""What a line is, and the theme variable that it is painted in."""


def answer_view(answer: Answer, width: int, *, ascii_only: bool) -> list[StyledLine]:
    """The lines of an answer for a pane of ``width`` cells."""
    return [
        [(" ", "foreground"), (line.text, _STYLES[line.role])]
        for line in answer_lines(answer, width=max(20, width - 2), ascii_only=ascii_only)
    ]
