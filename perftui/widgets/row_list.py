"""The one list of the app: a Line API widget that reads and draws only the rows in view.

The network log, the waterfall and the list of sessions are all a :class:`RowList` with a
different :class:`RowSource` (what the rows are) and :class:`Painter` (what they look like). A
million rows cost what forty do: a source tells how many there are and hands out single rows, and
painted rows are kept as strips until something they depend on changes.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any, ClassVar, Protocol, TypeVar

from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import var
from textual.scroll_view import ScrollView
from textual.scrollbar import ScrollBar
from textual.strip import Strip

from perftui.widgets.line import Line
from perftui.widgets.line_scroll_bar import LineScrollBar
from perftui.widgets.looks import Looks

RowT_co = TypeVar("RowT_co", covariant=True)
RowT_contra = TypeVar("RowT_contra", contravariant=True)

STRIPS_KEPT = 1024
"""Painted rows kept, the latest: some screens' worth, so that paging back and forth paints nothing
anew."""


class RowSource(Protocol[RowT_co]):
    """The rows of a list, by their place."""

    def __len__(self) -> int:
        """How many there are."""
        ...

    def key(self, place: int) -> Hashable:
        """What the row is known by wherever it stands."""
        ...

    def row(self, place: int) -> RowT_co:
        """The row at a place. Called for rows in view only."""
        ...

    def find(self, key: Hashable) -> int:
        """The place of a row; where it is not among them, the place nearest to where it was."""
        ...


class Painter(Protocol[RowT_contra]):
    """What the rows look like."""

    def paint(self, row: RowT_contra, width: int, *, selected: bool) -> Line:
        """One row, in a line of ``width`` cells."""
        ...

    def variant(self, row: RowT_contra) -> Hashable:
        """What the looks of this row depend on besides the row, the width and the selection."""
        ...


class EmptySource:
    """No rows at all."""

    def __len__(self) -> int:
        return 0

    def key(self, place: int) -> Hashable:
        raise IndexError(place)

    def row(self, place: int) -> Any:
        raise IndexError(place)

    def find(self, key: Hashable) -> int:
        return 0


class RowList(ScrollView, can_focus=True, inherit_bindings=False):
    """A list with a cursor that stays where it is, whatever arrives or goes.

    It has no border and no padding: its lines are handed to the compositor as they were kept.

    Attributes:
        cursor: place of the selected row; 0 in an empty list.
        follow: whether the cursor stays on the last row while the list grows. Moving up ends it.
    """

    ALLOW_SELECT = False

    DEFAULT_CSS = """
    RowList {
        background: $background;
        color: $foreground;
        overflow-x: hidden;
        overflow-y: auto;
        scrollbar-size-vertical: 1;
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j,down", "move(1)", "Down", show=False, id="list.down"),
        Binding("k,up", "move(-1)", "Up", show=False, id="list.up"),
        Binding("pagedown,ctrl+f", "page(1)", "Page down", show=False, id="list.page-down"),
        Binding("pageup,ctrl+b", "page(-1)", "Page up", show=False, id="list.page-up"),
        Binding("ctrl+d", "page(0.5)", "Half a page down", show=False, id="list.half-down"),
        Binding("ctrl+u", "page(-0.5)", "Half a page up", show=False, id="list.half-up"),
        Binding("g,home", "top", "First row", show=False, id="list.top"),
        Binding("G,end", "bottom", "Last row", show=False, id="list.bottom"),
        Binding("enter", "choose", "Open", show=False, id="list.choose"),
    ]

    virtual_size: var[Size] = var(Size(0, 0))
    """Unlike Textual's: more rows neither move any other widget nor change those in view."""

    cursor: var[int] = var(0, init=False)
    follow: var[bool] = var(False, init=False)

    class Moved(Message, bubble=False):
        """The cursor stands on another row (or there is none any more). Told to the screen, and to
        nobody on the way to it: it is told at each key."""

        def __init__(self, row_list: RowList, place: int) -> None:
            super().__init__()
            self.row_list = row_list
            self.place = place

        @property
        def control(self) -> RowList:
            return self.row_list

        def can_replace(self, message: Message) -> bool:
            """Only the newest place matters."""
            return isinstance(message, RowList.Moved) and message.row_list is self.row_list

    class Chosen(Message):
        """Enter or a second click on the row."""

        def __init__(self, row_list: RowList, place: int) -> None:
            super().__init__()
            self.row_list = row_list
            self.place = place

        @property
        def control(self) -> RowList:
            return self.row_list

    class Scrolled(Message, bubble=False):
        """Other rows came into view. Told to the screen."""

        def __init__(self, row_list: RowList) -> None:
            super().__init__()
            self.row_list = row_list

        @property
        def control(self) -> RowList:
            return self.row_list

        def can_replace(self, message: Message) -> bool:
            """Only where it is now matters."""
            return isinstance(message, RowList.Scrolled) and message.row_list is self.row_list

    class FollowEnded(Message):
        """The person moved away from the end of the list."""

        def __init__(self, row_list: RowList) -> None:
            super().__init__()
            self.row_list = row_list

        @property
        def control(self) -> RowList:
            return self.row_list

    def __init__(
        self,
        painter: Painter[Any],
        source: RowSource[Any] | None = None,
        *,
        id: str | None = None,  # noqa: A002 - Textual's own name for it
        classes: str | None = None,
    ) -> None:
        super().__init__(id=id, classes=classes)
        self.painter = painter
        self.source: RowSource[Any] = source if source is not None else EmptySource()
        self._strips: dict[tuple[Hashable, ...], Strip] = {}
        self._kept_looks: Looks | None = None
        self._seen = 0
        self._window: tuple[int, int] = (-1, -1)

    @property
    def vertical_scrollbar(self) -> ScrollBar:
        """Made when it is first needed, as Textual does it."""
        bar = self._vertical_scrollbar
        if bar is None:
            bar = LineScrollBar(thickness=self.scrollbar_size_vertical)
            self._vertical_scrollbar = bar
            bar.display = False
            self.app._start_widget(self, bar)
        return bar

    def _check_refresh(self) -> None:
        """Called by Textual when the widget comes to rest: tell the screen what is to be drawn, and
        at once what is to be of the scrollbar. It comes to rest later, and would be drawn alone."""
        super()._check_refresh()
        if self._vertical_scrollbar is not None:
            self._vertical_scrollbar._check_refresh()

    # ---- what is in it --------------------------------------------------------------------

    def show(self, source: RowSource[Any], *, keep: bool = True) -> None:
        """Show other rows.

        Args:
            source: the rows.
            keep: stay on the selected row, at the same line of the screen, where it is still
                among them; else begin at the top.
        """
        old, place, line = self.source, self.cursor, self.cursor - self.scroll_offset.y
        key = old.key(place) if keep and 0 <= place < len(old) else None
        self.source = source
        target = source.find(key) if key is not None else 0
        self._resized()
        if self.follow:
            self._to_end()
        else:
            self._put_cursor(target)
            self.scroll_to(
                y=max(0, self.cursor - max(0, line)), animate=False, force=True, immediate=True
            )
            self._into_view()
        self.refresh()

    def grown(self) -> None:
        """The source has more rows at its end (or fewer); what is in view stays in view."""
        before = self._seen
        self._resized()
        if self.follow:
            self._to_end()
        elif self.cursor >= len(self.source):
            self._put_cursor(len(self.source) - 1)
        for place in range(*self._lines_between(before, len(self.source))):
            self.refresh_row(place)

    def _lines_between(self, one: int, other: int) -> tuple[int, int]:
        """The places in view between two lengths of the list: first and one past the last."""
        top = self.scroll_offset.y
        return max(top, min(one, other)), min(top + self.size.height, max(one, other))

    def repaint(self) -> None:
        """Paint all rows anew: something they all depend on has changed."""
        self._forget_strips()
        self.refresh()

    def _forget_strips(self) -> None:
        self._strips.clear()
        self._kept_looks = None

    def _resized(self) -> None:
        count = len(self.source)
        if self._seen != count or self.virtual_size.width != self.size.width:
            self._seen = count
            self.virtual_size = Size(self.size.width, count)
            # Without it a list that outgrows its room has no scrollbar until the next resize.
            self._refresh_scrollbars()
            self._scroll_update(self.virtual_size)
            self._note_window()

    @property
    def selected_key(self) -> Hashable | None:
        """The key of the selected row; None in an empty list."""
        return self.source.key(self.cursor) if self.cursor < len(self.source) else None

    @property
    def selected_row(self) -> Any | None:
        """The selected row; None in an empty list."""
        return self.source.row(self.cursor) if self.cursor < len(self.source) else None

    @property
    def window(self) -> tuple[int, int]:
        """The places in view: first and one past the last."""
        top = self.scroll_offset.y
        return top, min(top + self.size.height, len(self.source))

    # ---- painting -------------------------------------------------------------------------

    def notify_style_update(self) -> None:
        """Called by Textual when the theme or a class changes."""
        super().notify_style_update()
        self._forget_strips()

    def render_lines(self, crop: Region) -> list[Strip]:
        """Some lines of what is in view; called by Textual's compositor.

        The very strips that are kept are handed out: what a strip knows of itself (its parts, its
        escape sequences) is worked out once for a row, wherever on the screen it comes to stand.
        """
        cells = self._uncovered
        strips = self._rows_of(crop.y, crop.bottom, cells)
        left, right = crop.column_span
        if left or right < cells:
            strips = [strip.crop(left, right) for strip in strips]
        return strips

    def render_line(self, y: int) -> Strip:
        """One line of what is in view."""
        return self._rows_of(y, y + 1, self._uncovered)[0]

    def _rows_of(self, first: int, end: int, cells: int) -> list[Strip]:
        """Some lines as painted rows, as far as the scrollbar leaves them free; blank past the last
        row."""
        source, painter, strips = self.source, self.painter, self._strips
        count, cursor, width = len(source), self.cursor, self.size.width
        top = self.scroll_offset.y
        found: list[Strip] = []
        for place in range(top + first, top + end):
            selected = place == cursor
            key: tuple[Hashable, ...] = (width, cells)
            row = None
            if has_row := place < count:
                row = source.row(place)
                key = (source.key(place), selected, width, cells, painter.variant(row))
            strip = strips.get(key)
            if strip is None:
                if (looks := self._kept_looks) is None:
                    looks = self._kept_looks = Looks(self)
                line = painter.paint(row, width, selected=selected) if has_row else Line(width)
                strip = looks.finish_line(line, cells)
                if len(strips) >= STRIPS_KEPT:
                    del strips[next(iter(strips))]
                strips[key] = strip
            found.append(strip)
        return found

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        if self.show_vertical_scrollbar:
            self.vertical_scrollbar.position = new_value
        if round(old_value) != round(new_value):
            # Textual would have the scrollbar drawn with it.
            self.refresh(Region(0, 0, self._uncovered, self.size.height))
        self._note_window()

    @property
    def _uncovered(self) -> int:
        """Cells of a row that the scrollbar leaves free."""
        covered = self.scrollbar_size_vertical if self.show_vertical_scrollbar else 0
        return self.size.width - covered

    def _note_window(self) -> None:
        """Say so when other rows are in view."""
        if self.window != self._window:
            self._window = self.window
            self.screen.post_message(self.Scrolled(self))

    def on_unmount(self) -> None:
        """Let go of the rows, which are what a screen's memory goes to."""
        self.source = EmptySource()
        self._forget_strips()

    def on_resize(self, event: events.Resize) -> None:
        first, end = self._window
        self._resized()
        if self.follow:
            self._to_end()
        elif first >= end or first <= self.cursor < end:
            # Who has scrolled away from the selected row stays there.
            self._into_view()
        self._note_window()

    # ---- the cursor -----------------------------------------------------------------------

    async def on_key(self, event: events.Key) -> None:
        """Do what one of its own keys asks for. Otherwise the key went on to the screen and the app,
        which would come back to its bindings some turns of the event loop later."""
        namespace, bindings = self.screen._binding_chain[0]
        for binding in bindings.key_to_bindings.get(event.key, ()):
            if namespace is self and await self.app.run_action(binding.action, self):
                event.stop()
                event.prevent_default()
                return

    def validate_cursor(self, cursor: int) -> int:
        return max(0, min(cursor, len(self.source) - 1))

    def watch_cursor(self, before: int, now: int) -> None:
        self._refresh_rows(before, now)
        self.screen.post_message(self.Moved(self, now))

    def watch_follow(self, follow: bool) -> None:
        if follow:
            self._to_end()
        else:
            self.post_message(self.FollowEnded(self))

    def refresh_row(self, place: int) -> None:
        """Draw one row again, where it is in view."""
        self._refresh_rows(place)

    def _refresh_rows(self, *places: int) -> None:
        top, width, height = self.scroll_offset.y, self._uncovered, self.size.height
        seen = [place - top for place in places if 0 <= place - top < height]
        if seen:
            self.refresh(*[Region(0, y, width, 1) for y in seen])

    def move_to(self, place: int, *, centre: bool = False) -> None:
        """Select the row at a place and bring it into view."""
        if place < len(self.source) - 1:
            self.follow = False
        self._put_cursor(place)
        if centre:
            top, end = self.window
            if not top <= self.cursor < end:
                self.scroll_to(
                    y=self.cursor - self.size.height // 2, animate=False, force=True, immediate=True
                )
        self._into_view()

    def _put_cursor(self, place: int) -> None:
        if place == self.cursor:
            # Another row may have come to stand here.
            self.screen.post_message(self.Moved(self, self.validate_cursor(place)))
        self.cursor = place

    def _to_end(self) -> None:
        self._put_cursor(len(self.source) - 1)
        self.scroll_to(
            y=max(0, len(self.source) - self.size.height), animate=False, force=True, immediate=True
        )

    def _into_view(self) -> None:
        height = self.size.height
        if height <= 0:
            return
        top = self.scroll_offset.y
        if self.cursor < top:
            self.scroll_to(y=self.cursor, animate=False, force=True, immediate=True)
        elif self.cursor >= top + height:
            self.scroll_to(y=self.cursor - height + 1, animate=False, force=True, immediate=True)

    def action_move(self, rows: int) -> None:
        """Move by some rows."""
        self.move_to(self.cursor + rows)

    def action_page(self, pages: float) -> None:
        """Move by pages; the cursor keeps its line of the screen."""
        rows = int(pages * max(1, self.size.height - 1))
        if rows < 0:
            self.follow = False
        top = self.scroll_offset.y + rows
        self.scroll_to(
            y=max(0, min(top, len(self.source) - self.size.height)),
            animate=False,
            force=True,
            immediate=True,
        )
        self.move_to(self.cursor + rows)

    def action_top(self) -> None:
        """Go to the first row."""
        self.move_to(0)

    def action_bottom(self) -> None:
        """Go to the last row."""
        self.move_to(len(self.source) - 1)

    def action_choose(self) -> None:
        """Open the selected row."""
        if len(self.source):
            self.post_message(self.Chosen(self, self.cursor))

    # ---- the mouse ------------------------------------------------------------------------

    def on_click(self, event: events.Click) -> None:
        place = self.scroll_offset.y + event.y
        if event.x >= self.size.width or place >= len(self.source):
            return
        # Of three clicks the third is not one more wish to open it.
        again = place == self.cursor and event.chain == 2
        self.move_to(place)
        if again:
            self.action_choose()

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        self.follow = False
        self._wheel(event, -3)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        self._wheel(event, 3)

    def _wheel(self, event: events.MouseEvent, rows: int) -> None:
        event.stop()
        event.prevent_default()
        self.scroll_to(y=self.scroll_offset.y + rows, animate=False, force=True, immediate=True)
