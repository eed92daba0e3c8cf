"""Playing a session: the playhead, its keys, and the way from live to replay and back.

The arithmetic is ``analysis.timeline``'s; this knows keys and the clock's ticks.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.timer import Timer

from perftui.analysis import timeline as play
from perftui.analysis.endpoints import load_public_suffixes
from perftui.analysis.playhead import parse_moment
from perftui.analysis.timeline import Cursor, Marker, Markers, Timeline
from perftui.screens.base import BaseScreen
from perftui.screens.registry import Services, Subject
from perftui.widgets.transport import Transport

TICKS_PER_SECOND = 10
"""How often the playhead is moved while playing: a terminal that is repainted more often only
flickers, also over a slow line."""

ARROW_US = 5_000_000
"""What an arrow key moves by: as in the usual video players."""


class PlayerScreen(BaseScreen):
    """A screen with a playhead.

    Attributes:
        live: it follows what arrives; there is no playhead then.
        frozen: live, but what is seen stands still.
        timeline: of the session, once it has been read for a replay.
        player: where the replay stands.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "play", "Play or pause; live: freeze", show=False, id="replay.play"),
        Binding("left", "seek(-5)", "Back 5 s", show=False, id="replay.back"),
        Binding("right", "seek(5)", "Forward 5 s", show=False, id="replay.forward"),
        Binding("shift+left", "seek_part(-10)", "Back 10 %", show=False, id="replay.back-part"),
        Binding(
            "shift+right", "seek_part(10)", "Forward 10 %", show=False, id="replay.forward-part"
        ),
        Binding("comma", "step(-1)", "To the start before", show=False, id="replay.step-back"),
        Binding("full_stop", "step(1)", "To the next start", show=False, id="replay.step"),
        Binding(
            "left_square_bracket",
            "marker(-1)",
            "Marker before",
            show=False,
            id="replay.marker-before",
        ),
        Binding("right_square_bracket", "marker(1)", "Next marker", show=False, id="replay.marker"),
        Binding("less_than_sign", "speed(-1)", "Slower", show=False, id="replay.slower"),
        Binding("greater_than_sign", "speed(1)", "Faster", show=False, id="replay.faster"),
        *[
            Binding(
                str(digit),
                f"percent({digit * 10})",
                f"To {digit * 10} %",
                show=False,
                id=f"replay.to-{digit * 10}",
            )
            for digit in range(10)
        ],
        Binding("colon", "go_to", "Go to a moment", show=False, id="replay.go-to"),
        Binding("m", "mark", "Set or take away a mark", show=False, id="replay.mark"),
        Binding("apostrophe", "next_mark", "Next mark", show=False, id="replay.next-mark"),
        Binding("L", "live", "Live", show=False, id="replay.live"),
    ]

    def __init__(self, services: Services, subject: Subject) -> None:
        super().__init__(services, subject)
        self.live = subject.live
        self.frozen = False
        self.timeline: Timeline | None = None
        self.player = Cursor(speed=subject.speed)
        self._found_markers = Markers()
        self._own_marks: list[int] = []
        self._merged: tuple[object, Markers] | None = None
        self._then: Callable[[], None] | None = None
        self._ticker: Timer | None = None
        self._last_tick = 0.0

    def on_mount(self) -> None:
        """The clock ticks only while it plays."""
        if self.live:
            # Telling third parties takes a list that takes 70 ms to read; who reads a whole session
            # does it beside that.
            self.run_worker(load_public_suffixes, thread=True, group="suffixes")
        self._ticker = self.set_interval(1 / TICKS_PER_SECOND, self._tick, pause=True)

    # ---- to be told by the screen itself --------------------------------------------------

    def playhead_moved(self) -> None:
        """The playhead stands somewhere else, or the play state is another one."""
        raise NotImplementedError

    def playhead_sought(self) -> None:
        """The person has moved the playhead: what is there is to be seen. Told before
        :meth:`playhead_moved`."""

    def mode_changed(self) -> None:
        """Live or replay: the session must be read in the other way."""
        raise NotImplementedError

    def freeze_changed(self) -> None:
        """What arrives is held back, or let in again."""
        raise NotImplementedError

    @property
    def selected_moment(self) -> int | None:
        """Start of the selected entry, µs since the session's start."""
        raise NotImplementedError

    def ask_moment(self) -> None:
        """Let the person type a moment."""
        raise NotImplementedError

    # ---- the playhead ---------------------------------------------------------------------

    @property
    def markers(self) -> Markers:
        """What was found, and what the person has marked."""
        if not self._own_marks:
            return self._found_markers
        key = (self._found_markers, tuple(self._own_marks))
        if self._merged is None or self._merged[0] != key:
            own = [Marker(at, "mark", "your mark") for at in self._own_marks]
            self._merged = (key, Markers([*self._found_markers, *own]))
        return self._merged[1]

    def timeline_known(self, timeline: Timeline, at: str | None = None) -> None:
        """The session has been read: begin where it was asked for, else at its end, where all of
        it is to be seen; ``space`` plays it from the beginning then. Read anew, go on."""
        before, self.timeline = self.timeline, timeline
        if before is not None:
            self.player = play.carry_over(self.player, before, timeline)
        else:
            cursor = play.begin(timeline, self.player.speed)
            cursor = play.with_speed(cursor, self.player.speed)
            if at is not None:
                try:
                    cursor = play.seek(cursor, timeline, parse_moment(at, timeline))
                except ValueError as error:
                    self.say(str(error), error=True)
            elif not self.subject.play:
                cursor = play.seek(cursor, timeline, timeline.end_us)
            self.player = cursor._replace(playing=self.subject.play)
        if (then := self._then) is not None:
            self._then = None
            then()
        self._set_ticker()

    def move(self, cursor: Cursor) -> None:
        """Put the playhead somewhere."""
        if cursor != self.player:
            sought = cursor.at_us != self.player.at_us
            self.player = cursor
            self._set_ticker()
            if sought:
                self.playhead_sought()
            self.playhead_moved()

    def _set_ticker(self) -> None:
        if self._ticker is None:
            return
        if self.player.playing and not self.live:
            self._last_tick = self.services.clock.monotonic()
            self._ticker.resume()
        else:
            self._ticker.pause()

    def _tick(self) -> None:
        now = self.services.clock.monotonic()
        elapsed_us = int((now - self._last_tick) * 1_000_000)
        self._last_tick = now
        if self.timeline is not None and not self.live:
            was_playing = self.player.playing
            self.player = play.advance(self.player, self.timeline, elapsed_us)
            if was_playing and not self.player.playing:
                self._set_ticker()
            self.playhead_moved()

    def _with_timeline(self, change: Callable[[Timeline], Cursor]) -> None:
        """Move the playhead; live, the replay begins with it once the session has been read."""

        def move() -> None:
            if self.timeline is not None:
                self.move(change(self.timeline))

        if self.live:
            if self.subject.session_id is None:
                return
            self.live, self.frozen = False, False
            self.timeline = None
            self._then = move
            self.mode_changed()
        elif self.timeline is None:
            self._then = move
        else:
            move()

    # ---- keys -----------------------------------------------------------------------------

    def action_play(self) -> None:
        """Play or pause; live, freeze or let go."""
        if self.live:
            self.frozen = not self.frozen
            self.freeze_changed()
        else:
            self._with_timeline(lambda timeline: play.toggle(self.player, timeline))

    def action_seek(self, seconds: int) -> None:
        """Move by seconds of played time."""
        by_us = seconds * 1_000_000
        self._with_timeline(lambda timeline: play.seek_by(self.player, timeline, by_us))

    def action_seek_part(self, percent: int) -> None:
        """Move by a part of the session."""
        self._with_timeline(
            lambda timeline: play.seek_by(
                self.player, timeline, timeline.played_us * percent // 100
            )
        )

    def action_percent(self, percent: int) -> None:
        """Move to a part of the session."""
        self._with_timeline(
            lambda timeline: play.seek_fraction(self.player, timeline, percent / 100)
        )

    def action_step(self, by: int) -> None:
        """Pause, and move to the next or the previous start."""
        self._with_timeline(lambda timeline: play.step(self.player, timeline, by))

    def action_marker(self, by: int) -> None:
        """Move to the next or the previous marker."""
        self._with_timeline(lambda timeline: self._to_marker(timeline, self.markers, by))

    def action_next_mark(self) -> None:
        """Move to the next of one's own marks; after the last to the first."""
        own = self.markers.of("mark")
        if not len(own):
            self.say("No marks yet: m sets one")
            return
        self._with_timeline(lambda timeline: self._to_marker(timeline, own, 1, around=True))

    def _to_marker(
        self, timeline: Timeline, markers: Markers, by: int, *, around: bool = False
    ) -> Cursor:
        at = self.player.at_us
        found = markers.after(at) if by > 0 else markers.before(at)
        if found is None and around:
            found = next(iter(markers), None)
        if found is not None:
            self.marker_reached(found)
        else:
            self.say("No more markers this way")
        return play.seek_marker(self.player, timeline, found)

    def marker_reached(self, marker: Marker) -> None:
        """The playhead is about to stand on a marker."""

    def action_mark(self) -> None:
        """Mark the playhead, or live the selected row; on a mark, take it away."""
        at = self.selected_moment if self.live else self.player.at_us
        if at is None:
            return
        if at in self._own_marks:
            self._own_marks.remove(at)
        else:
            self._own_marks.append(at)
        self.playhead_moved()

    def action_speed(self, by: int) -> None:
        """Play faster or slower."""
        self._with_timeline(
            lambda _timeline: play.faster(self.player) if by > 0 else play.slower(self.player)
        )

    def action_go_to(self) -> None:
        """Let the person type a moment."""
        self.ask_moment()

    def go_to(self, text: str) -> None:
        """Move to a moment as typed."""

        def moved(timeline: Timeline) -> Cursor:
            try:
                return play.seek(self.player, timeline, parse_moment(text, timeline))
            except ValueError as error:
                self.say(str(error), error=True)
                return self.player

        self._with_timeline(moved)

    def action_live(self) -> None:
        """Follow what arrives."""
        if not self.live:
            self.live, self.frozen = True, False
            self.player = play.pause(self.player)
            self.timeline = None
            self._set_ticker()
            self.mode_changed()

    @on(Transport.Reach)
    def _marker_clicked(self, message: Transport.Reach) -> None:
        marker = message.marker
        self.marker_reached(marker)
        if not self.live:
            self._with_timeline(lambda timeline: play.seek_marker(self.player, timeline, marker))

    @on(Transport.Seek)
    def _rail_used(self, message: Transport.Seek) -> None:
        self._with_timeline(
            lambda timeline: play.seek_fraction(self.player, timeline, message.fraction)
        )
