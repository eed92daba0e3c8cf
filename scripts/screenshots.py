"""Make the pictures in docs/pictures from the recorded demo session, and docs/screens.md.

``make screenshots``. The clock stands still, so that pictures differ only where the app does.
Names of pictures as arguments make only those; ``--png`` makes a PNG beside each SVG, with
rsvg-convert (apt-get install librsvg2-bin).
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from textual.pilot import Pilot

from perftui.app import PerftuiApp
from perftui.commands.context import Context
from perftui.commands.demo import recorded_batches
from perftui.commands.editing import StoreEditor
from perftui.commands.importing import import_batches
from perftui.config import AppSettings, Settings
from perftui.screens.registry import SCREENS, Subject
from perftui.store.reader import StoreReader

DOCS = Path(__file__).resolve().parent.parent / "docs"
PICTURES = DOCS / "pictures"


class StandingClock:
    """A clock that stands at the end of the recording."""

    def __init__(self) -> None:
        self.us = 0

    def now_us(self) -> int:
        return self.us

    def monotonic(self) -> float:
        return self.us / 1e6


@dataclass(frozen=True)
class Picture:
    """One picture.

    Attributes:
        name: of the file.
        words: what is to be seen.
        screen, subject: what is opened; ``session_id`` is filled in.
        keys: what is pressed then.
        size: columns and lines.
        settings: of the app.
        needs: a screen without which there is no such picture.
    """

    name: str
    words: str
    screen: str = "replay"
    subject: dict[str, Any] = field(default_factory=dict)
    keys: tuple[str, ...] = ()
    size: tuple[int, int] = (120, 40)
    settings: AppSettings = field(default_factory=AppSettings)
    color: bool = True
    needs: str = ""


PLAN: tuple[Picture, ...] = (
    Picture("sessions", "The list of sessions.", "sessions"),
    Picture("replay", "A session replayed; the slow and the failed are lit, with the reason.", keys=("e",)),
    Picture(
        "live",
        "Live: the newest row is followed; the order is that of arrival.",
        subject={"live": True},
    ),
    Picture("moment", "What was happening at the playhead.", keys=("4", "n")),
    Picture("filter", "A filter: API calls that took 100 ms or more.", subject={"filter": "type:fetch slower-than:100ms"}),
    Picture("request", "Everything that is known of one request.", keys=("e", "enter")),
    Picture("waterfall", "The waterfall of a pageview.", keys=("w",), needs="waterfall"),
    Picture(
        "waterfall-zoomed",
        "A part of it, with the chain of requests that led to the LCP lit up.",
        keys=("e", "w", "z", "minus", "minus", "c"),
        needs="waterfall",
    ),
    Picture("waterfall-80x24", "The waterfall in 80 by 24.", keys=("e", "w"), size=(80, 24), needs="waterfall"),
    Picture("copy", "Copying a request; the menu lies over what it is about.", keys=("e", "y")),
    Picture("insights", "The nine questions.", keys=("i",), needs="insights"),
    Picture("help", "The keys, and how to read what is shown.", keys=("question_mark",)),
    Picture("replay-80x24", "The same in 80 by 24.", keys=("e",), size=(80, 24)),
    Picture("replay-light", "The light theme.", keys=("e",), settings=AppSettings(theme="perftui-light")),
    Picture("replay-contrast", "The theme for every colour vision.", keys=("e",), settings=AppSettings(theme="perftui-contrast")),
    Picture("replay-no-color", "Without colour: glyphs, grain and weight say it all.", keys=("e",), color=False),
    Picture("replay-16", "With the terminal's own 16 colours.", keys=("e",), settings=AppSettings(theme="perftui-16")),
    Picture("replay-ascii", "With ASCII only.", keys=("e",), settings=AppSettings(ascii=True)),
)  # fmt: skip


async def until_calm(pilot: Pilot[Any]) -> None:
    """Wait until the picture has been the same for half a second, but no longer than 20."""
    before, same = "", 0
    for _ in range(200):
        await pilot.pause(0.1)
        now = pilot.app.export_screenshot(simplify=True)
        same = same + 1 if now == before else 0
        before = now
        if same >= 5:
            return


async def take(picture: Picture, store: Path, session_id: str, now_us: int) -> str:
    """The picture as SVG."""
    clock = StandingClock()
    clock.us = now_us
    settings = Settings(app=picture.settings)
    context = Context(settings, store, picture.color, clock=clock)
    subject = Subject(**({"session_id": session_id} | picture.subject))
    app = PerftuiApp(
        context.new_reader,
        settings,
        clock,
        start_screen=picture.screen,
        subject=subject,
        open_editor=lambda: StoreEditor(context),
        server_url="http://127.0.0.1:8137",
        color=picture.color,
    )
    async with app.run_test(size=picture.size) as pilot:
        await until_calm(pilot)
        for key in picture.keys:
            await pilot.press(key)
            await until_calm(pilot)
        # Without it some programs that show SVG drop the blanks at the beginning of a text.
        return app.export_screenshot(title="perftui").replace(
            '<svg class="', '<svg xml:space="preserve" class="', 1
        )


def page(taken: list[Picture]) -> str:
    """docs/screens.md."""
    parts = [
        "# The screens",
        "",
        "Pictures of the app with the recorded demo session (`perftui demo`), made by",
        "`make screenshots`. What there is to do on each of them is in [app.md](app.md).",
        "",
    ]
    for picture in taken:
        columns, lines = picture.size
        parts += [
            f"## {picture.words.rstrip('.')}",
            "",
            f"![{picture.words}](pictures/{picture.name}.svg)",
            "",
            f"`{columns}x{lines}`"
            + (f", keys {' '.join(f'`{key}`' for key in picture.keys)}" if picture.keys else ""),
            "",
        ]
    return "\n".join(parts)


async def main() -> None:
    """Take all pictures of :data:`PLAN`, or those named on the command line."""
    png_too = "--png" in sys.argv
    wanted = {name for name in sys.argv[1:] if name != "--png"}
    PICTURES.mkdir(parents=True, exist_ok=True)
    there = {one.name for one in SCREENS if one.exists}
    taken = [picture for picture in PLAN if not picture.needs or picture.needs in there]
    with tempfile.TemporaryDirectory(prefix="perftui-pictures-") as folder:
        store = Path(folder) / "demo.db"
        context = Context(Settings(), store, True)
        with context.open_writer() as writer:
            import_batches(writer, recorded_batches(), context.settings)
        with StoreReader(store) as reader:
            session_id = reader.find_session("last")
            now_us = reader.session(session_id).received_us + 8_000_000
        for picture in taken:
            if wanted and picture.name not in wanted:
                continue
            svg = await take(picture, store, session_id, now_us)
            path = PICTURES / f"{picture.name}.svg"
            path.write_text(svg, encoding="utf-8")
            print(path)
            if png_too:
                png = path.with_suffix(".png")
                width = str(picture.size[0] * 10)
                subprocess.run(["rsvg-convert", "-w", width, str(path), "-o", str(png)], check=True)
    (DOCS / "screens.md").write_text(page(taken), encoding="utf-8")


if __name__ == "__main__":
    asyncio.run(main())
