"""Whether the terminal is still there.

Who closes a terminal hangs up on its programs, and SIGHUP ends them; one that is not of the
terminal's session (started by ``setsid``, by a task runner, over a dropped connection) is not told.
"""

from __future__ import annotations

import select

LOOK_SECONDS = 1.0
"""How often one looks: Textual itself would go on reading nothing, with a whole core, for ever."""


def has_hung_up(descriptor: int) -> bool:
    """Whether the other end of a terminal has been closed (POLLHUP of poll(2))."""
    poll = select.poll()
    poll.register(descriptor, 0)
    return any(event & select.POLLHUP for _, event in poll.poll(0))
