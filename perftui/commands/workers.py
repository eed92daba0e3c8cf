"""Several processes that serve one socket, and the one that watches over them."""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import mkdtemp

import click

log = logging.getLogger("perftui.server")

SHORTEST_LIFE_SECONDS = 2.0
"""A worker that ends sooner could not start: the others are ended too, and what it said stands on
stderr. One that ends later is replaced."""


class Worker:
    """What a process is told that was made by :func:`fork_workers`.

    Attributes:
        number: from 0.
        folder: one for all workers, that only their user may enter; it goes with the last one.
    """

    def __init__(self, number: int, folder: Path, parent: int) -> None:
        self.number = number
        self.folder = folder
        self._parent = parent

    def when_alone(self, stop: Callable[[], None]) -> None:
        """Call ``stop`` once the process that watches is gone, however it ended."""

        def wait() -> None:
            # Its other end is closed by the system with the last process that has it.
            os.read(self._parent, 1)
            stop()

        threading.Thread(target=wait, daemon=True, name="parent").start()


def fork_workers(count: int) -> Worker:
    """Become so many processes, before any thread was started. Returns in each of them; the process
    that called stays and watches: it replaces those that die, hands SIGTERM and SIGINT on, and ends
    with them.

    Raises:
        click.exceptions.Exit: in the process that watches, with the worst exit code of the workers.
    """
    watch = _Watch()
    for number in range(count):
        worker = watch.fork(number)
        if worker is not None:
            return worker
    signal.signal(signal.SIGTERM, watch.end)
    signal.signal(signal.SIGINT, watch.end)
    while watch.running:
        ended = watch.wait()
        if ended is not None:
            worker = watch.fork(ended)
            if worker is not None:
                signal.signal(signal.SIGTERM, signal.SIG_DFL)
                signal.signal(signal.SIGINT, signal.default_int_handler)
                return worker
    shutil.rmtree(watch.folder, ignore_errors=True)
    raise click.exceptions.Exit(watch.worst)


class _Watch:
    """The process that watches.

    Attributes:
        running: process ID -> number, and when it began.
        worst: the worst exit code of those that ended.
    """

    def __init__(self) -> None:
        self.running: dict[int, tuple[int, float]] = {}
        self.worst = 0
        self.folder = Path(mkdtemp(prefix="perftui-workers-"))
        self._is_ending = False
        self._reading, self._writing = os.pipe()

    def fork(self, number: int) -> Worker | None:
        """Make a worker; it is returned in the new process, None in this one."""
        pid = os.fork()
        if pid == 0:
            os.close(self._writing)
            return Worker(number, self.folder, self._reading)
        self.running[pid] = (number, time.monotonic())
        if self._is_ending:
            # The signal came while it was made.
            self.end()
        return None

    def end(self, *_: object) -> None:
        """End them all, in order."""
        self._is_ending = True
        for pid in list(self.running):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)

    def wait(self) -> int | None:
        """Until one has ended; the number of the one to put in its place, if any."""
        pid, status = os.wait()
        if pid not in self.running:
            return None
        number, begun = self.running.pop(pid)
        code = os.waitstatus_to_exitcode(status)
        if not self._is_ending and time.monotonic() - begun >= SHORTEST_LIFE_SECONDS:
            log.warning("worker %d ended with %d; another one takes its place", number, code)
            return number
        # A number below 0 is the signal that killed it.
        self.worst = max(self.worst, 1 if code < 0 else code)
        if not self._is_ending:
            self.worst = max(self.worst, 1)
            self.end()
        return None
