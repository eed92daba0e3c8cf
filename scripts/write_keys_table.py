"""Write the table of keys in docs/app.md from the bindings themselves.

``--check`` writes nothing, and fails where the page is not what the bindings say.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from textual.binding import Binding

from perftui.app import PerftuiApp
from perftui.screens.base import BaseScreen
from perftui.screens.compare import CompareScreen
from perftui.screens.filter_screen import FilterScreen
from perftui.screens.help import HelpScreen
from perftui.screens.insights import InsightsScreen
from perftui.screens.overlay import OverlayScreen
from perftui.screens.player import PlayerScreen
from perftui.screens.replay import ReplayScreen
from perftui.screens.replay_panes import PanesScreen
from perftui.screens.request import RequestScreen
from perftui.screens.sessions import SessionsScreen
from perftui.screens.waterfall import WaterfallScreen
from perftui.widgets.detail_pane import DetailPane
from perftui.widgets.filter_line import FilterInput
from perftui.widgets.row_list import RowList
from perftui.widgets.styled_lines import StyledLines

PAGE = Path(__file__).resolve().parent.parent / "docs" / "app.md"
BEGIN, END = "<!-- keys: begin -->", "<!-- keys: end -->"

GROUPS: tuple[tuple[str, tuple[type[Any], ...]], ...] = (
    ("Lists", (RowList,)),
    ("Sessions", (SessionsScreen,)),
    ("Replay and live: transport", (PlayerScreen,)),
    ("Replay and live: rows", (ReplayScreen, PanesScreen)),
    ("Detail pane", (DetailPane,)),
    ("Filter", (FilterScreen, FilterInput)),
    ("Waterfall", (WaterfallScreen,)),
    ("Request", (RequestScreen,)),
    ("Insights", (InsightsScreen,)),
    ("Compare", (CompareScreen,)),
    ("Overlay", (OverlayScreen,)),
    ("Text", (StyledLines,)),
    ("Everywhere", (BaseScreen, HelpScreen, PerftuiApp)),
)


def table() -> str:
    """The tables of all groups."""
    lines: list[str] = []
    for title, owners in GROUPS:
        lines += [f"### {title}", "", "| keys | what they do | binding ID |", "|---|---|---|"]
        for owner in owners:
            for binding in owner.__dict__.get("BINDINGS", ()):
                assert isinstance(binding, Binding)
                if binding.id:
                    keys = " ".join([f"`{_key(key)}`" for key in binding.key.split(",")])
                    lines.append(f"| {keys} | {binding.description} | `{binding.id}` |")
        lines.append("")
    return "\n".join(lines)


_NAMES = {
    "slash": "/",
    "backslash": "\\",
    "question_mark": "?",
    "comma": ",",
    "full_stop": ".",
    "colon": ":",
    "apostrophe": "'",
    "equals_sign": "=",
    "plus": "+",
    "minus": "-",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "less_than_sign": "<",
    "greater_than_sign": ">",
    "left": "←",
    "right": "→",
    "up": "↑",
    "down": "↓",
    "escape": "esc",
    "shift+left": "shift+←",
    "shift+right": "shift+→",
}


def _key(key: str) -> str:
    return _NAMES.get(key, key)


def written(page: str) -> str:
    """The page with the table of now."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{table()}\n{END}{after}"


def main() -> int:
    """Write or check."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    page = PAGE.read_text(encoding="utf-8")
    made = written(page)
    if parser.parse_args().check:
        if made != page:
            print("docs/app.md is not what the bindings say: scripts/write_keys_table.py writes it")
        return int(made != page)
    PAGE.write_text(made, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
