"""What the lines around the log say: title, transport, overview, and the note of an empty screen.

Functions of what is known; the screen hands the answers to its widgets.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, cast

from perftui.analysis.band import counts, edges, marker_cells
from perftui.analysis.session_names import session_name
from perftui.analysis.text import format_count, format_duration
from perftui.analysis.timeline import Marker, Markers
from perftui.analysis.vitals import Vital, Vitals
from perftui.model import PageView, Record
from perftui.screens.player import PlayerScreen
from perftui.screens.registry import Services
from perftui.screens.session_feed import Around, SessionTold
from perftui.widgets.log_painter import LogPainter
from perftui.widgets.note import NoteLine
from perftui.widgets.overview import OverviewState
from perftui.widgets.palette import Palette
from perftui.widgets.transport import TransportState
from perftui.widgets.vital_badge import badge

Part = tuple[str, str]

T = TypeVar("T")

BAD = frozenset({"error", "slow"})
"""Kinds of markers on the second line of the overview."""


class BandCache:
    """What is drawn along the rail and the overview: made anew only when something it depends on
    is another object. Ten thousand markers take some ten milliseconds to be placed, too long for
    every key."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[tuple[object, ...], object]] = {}

    def get(self, name: str, depends_on: tuple[object, ...], make: Callable[[], T]) -> T:
        """The value of a name.

        Args:
            depends_on: numbers are compared by value, everything else by identity.
        """
        known = self._kept.get(name)
        if (
            known is not None
            and len(known[0]) == len(depends_on)
            and all(
                one == other if isinstance(one, int) else one is other
                for one, other in zip(known[0], depends_on, strict=True)
            )
        ):
            return cast("T", known[1])
        made = make()
        self._kept[name] = (depends_on, made)
        return made


def path_of(url: str | None) -> str:
    """The part of a URL that tells pages apart."""
    from perftui.analysis.endpoints import split_url

    if not url:
        return ""
    parts = split_url(url)
    return parts.path or "/" if parts.host else url


def title_parts(
    screen: PlayerScreen,
    told: SessionTold | None,
    selected: Record | None,
    shown: int,
    fresh: int,
    palette: Palette,
) -> tuple[list[str], list[Part]]:
    """Where we are, and the state.

    Args:
        shown: rows in the list.
        fresh: entries that have arrived and are not seen yet.
    """
    glyphs = palette.glyphs
    if told is None:
        state = [(f"{glyphs.live} LIVE", "success")] if screen.live else []
        return ["sessions", "waiting" if screen.live else "…"], state
    summary = told.summary
    crumbs = ["sessions", session_name(summary)]
    view = current_view(told, selected)
    if view is not None:
        crumbs.append(f"P{view.number} {path_of(view.url)}".rstrip())
    parts: list[Part] = []
    if not screen.live:
        parts.append(
            (f"{glyphs.playing if screen.player.playing else glyphs.paused} REPLAY", "primary")
        )
    elif screen.frozen:
        parts.append((f"{glyphs.paused} FROZEN", "warning"))
    else:
        parts.append((f"{glyphs.live} LIVE", "success"))
    if fresh > 0:
        parts.append((f"+{format_count(fresh)} new", "accent"))
    total = summary.entry_count
    words = (
        format_count(total) if shown == total else f"{format_count(shown)}/{format_count(total)}"
    )
    parts.append((f"{words} rows", "muted"))
    parts.append(("by arrival" if screen.live else "by start", "muted"))
    dropped = sum(summary.dropped.values())
    if dropped:
        parts.append((f"{format_count(dropped)} dropped by the page", "warning"))
    return crumbs, parts


def current_view(told: SessionTold, selected: Record | None) -> PageView | None:
    """The pageview that is looked at: the selected entry's, else the last."""
    view = None if selected is None else view_of(told, selected)
    return view or (told.page_views[-1] if told.page_views else None)


def view_of(told: SessionTold, record: Record) -> PageView | None:
    """The pageview of an entry; None where it has not been told of."""
    for view in told.page_views:
        if view.page_view_id == record.page_view_id:
            return view
    return None


def transport_state(
    screen: PlayerScreen,
    follow: bool,
    told: SessionTold,
    rail: int,
    palette: Palette,
    bands: BandCache,
    *,
    bad: bool = True,
) -> TransportState:
    """The player's line.

    Args:
        rail: cells of the rail.
        bad: whether errors and slow requests stand on it; they need not where a line below it
            shows them.
    """
    notes: list[Part] = []
    timeline = screen.timeline
    every = screen.markers
    markers = every if bad else bands.get("good", (every,), lambda: without_bad(every))
    if screen.live or timeline is None:
        end_us = max(1, told.summary.duration_us)
        if not screen.live:
            return TransportState(
                live=True,
                at_us=end_us,
                end_us=end_us,
                notes=((f"reading {told.progress:.0%}", "muted"),),
            )
        notes.append(("FOLLOW", "success") if follow else ("f follow", "muted"))
        notes.append(("space " + ("lets go" if screen.frozen else "freezes"), "muted"))
        return TransportState(
            live=True,
            playing=not screen.frozen,
            at_us=end_us,
            end_us=end_us,
            fraction=1.0,
            markers=bands.get(
                "rail", (markers, rail, end_us), lambda: marker_cells(markers, edges(rail, end_us))
            ),
            notes=tuple(notes),
        )
    player = screen.player
    follower = every.after(player.at_us)
    if follower is not None:
        notes.append((f"] {marker_words(follower, palette)}", "muted"))
    if follow:
        notes.append(("FOLLOW", "success"))
    if timeline.idle_limit_us is not None and timeline.idles:
        sign = "<=" if palette.ascii else "≤"
        notes.append((f"idle{sign}{timeline.idle_limit_us / 1_000_000:g}s", "muted"))
    return TransportState(
        playing=player.playing,
        speed=player.speed,
        at_us=player.at_us,
        end_us=timeline.end_us,
        fraction=timeline.fraction(player.at_us),
        markers=bands.get(
            "rail",
            (markers, rail, timeline),
            lambda: marker_cells(markers, edges(rail, timeline.end_us, timeline)),
        ),
        notes=tuple(notes),
    )


def without_bad(markers: Markers) -> Markers:
    """What is left on the rail where errors and slow requests have a line of their own."""
    return Markers([marker for marker in markers if marker.kind not in BAD])


def marker_words(marker: Marker, palette: Palette, most: int = 28) -> str:
    """A marker in a few words."""
    from perftui.analysis.text import fit, sanitise
    from perftui.widgets.transport import MARKERS

    glyph = getattr(palette.glyphs, MARKERS.get(marker.kind, ("other", ""))[0])
    label = sanitise(path_of(marker.label) if marker.kind == "route" else marker.label)
    return f"{glyph} {fit(label, most).rstrip() if len(label) > most else label}"


def overview_state(
    screen: PlayerScreen,
    told: SessionTold,
    around: Around,
    selected: Record | None,
    band: int,
    palette: Palette,
    bands: BandCache,
) -> OverviewState:
    """Density, bad markers, and figures.

    Args:
        band: cells of the band.
    """
    timeline = None if screen.live else screen.timeline
    end_us = max(1, told.summary.duration_us if timeline is None else timeline.end_us)
    requests, marks = around.requests, around.markers
    borders = bands.get("borders", (band, end_us, timeline), lambda: edges(band, end_us, timeline))
    density = bands.get(
        "density",
        (requests, borders),
        lambda: tuple(counts(requests, borders)) if requests is not None else (0,) * band,
    )
    bad = bands.get(
        "bad",
        (marks, borders),
        lambda: tuple(
            sorted(marker_cells([one for one in marks if one.kind in BAD], borders).items())
        ),
    )
    playhead = None
    if timeline is not None and band:
        playhead = min(band - 1, int(timeline.fraction(screen.player.at_us) * band))
    view = current_view(told, selected)
    metrics = None if view is None else around.vitals.get(view.page_view_id)
    return OverviewState(
        density=density,
        bad=bad,
        playhead=playhead,
        figures=(vital_figures(metrics, palette), count_figures(told, around, palette)),
    )


def vital_figures(metrics: Vitals | None, palette: Palette) -> tuple[Part, ...]:
    """LCP, INP and CLS of a pageview, each with its rating's glyph."""
    known: dict[str, Vital] = {} if metrics is None else {one.name: one for one in metrics.all()}
    found: list[Part] = []
    for name in ("LCP", "INP", "CLS"):
        text, style = badge(known.get(name), palette.glyphs)
        found.append((f"{name} {text.strip()}", style if name in known else "faint"))
    return tuple(found)


def count_figures(told: SessionTold, around: Around, palette: Palette) -> tuple[Part, ...]:
    """How much went wrong."""
    errors = told.summary.error_count
    slow = 0 if around.slow is None else len(around.slow)
    tasks, task_us = around.long_tasks
    found: list[Part] = [
        (f"{palette.glyphs.error} {errors} err", "error" if errors else "faint"),
        (f"{palette.glyphs.slow} {slow} slow", "warning" if slow else "faint"),
    ]
    if tasks:
        words = f"{palette.glyphs.long_task} {tasks} long tasks {format_duration(task_us)}"
        found.append((words, "phase-span"))
    return tuple(found)


def chart_state(painter: LogPainter, window: tuple[int, int], now_us: int | None) -> bool:
    """Set the chart's window and playhead; says whether anything is different."""
    changed = not painter.has_window or window != painter.window or now_us != painter.now_us
    painter.window, painter.now_us, painter.has_window = window, now_us, True
    return changed


def waiting_note(
    services: Services, trouble: str, told: SessionTold | None, filter_text: str
) -> tuple[NoteLine, ...]:
    """What stands where there are no rows yet."""
    if told is not None:
        if told.progress < 1:
            return ((("Looking ", "muted"), (f"{told.progress:.0%}", "!foreground")),)
        if filter_text:
            return (
                (("Nothing passes ", "muted"), (filter_text, "!foreground")),
                (),
                (
                    ("F", "!primary"),
                    (" switches the filter off", "muted"),
                    ("   esc", "!primary"),
                    (" takes it away", "muted"),
                ),
            )
        return ((("Nothing has begun yet", "muted"),),)
    if trouble and not services.server_url:
        return (((trouble, "muted"),), (), (("esc", "!primary"), (" goes back", "muted")))
    if services.server_url is None:
        return ((("Reading…", "muted"),),)
    lines: list[NoteLine] = [
        (("Waiting for a page", "!foreground"),),
        (),
        (("Paste this line into the head of your page and load it:", "muted"),),
        (),
        ((f"  {services.script_tag}", "!primary"),),
        (),
        (
            ("y", "!primary"),
            (" copies it", "muted"),
            ("   esc", "!primary"),
            (" earlier sessions", "muted"),
        ),
    ]
    if services.invitation:
        lines += [(), (("Or ", "muted"), (services.invitation, "!foreground"))]
    return tuple(lines)
