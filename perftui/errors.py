"""Every error that perftui raises on purpose, as one tree.

::

    PerftuiError                    one line for a person, with what to do next
    ├── UsageError                  the command or setting is wrong (exit code 2)
    │   ├── SettingsError           perftui.toml, environment or flag
    │   └── FilterError             the filter expression; knows the place of the mistake
    ├── IntakeError                 a batch that cannot be taken; knows its HTTP status
    │   ├── UndecodableBatchError   400: not JSON, not UTF-8, nested too deep, bad compression
    │   ├── InvalidBatchError       422: the envelope has the wrong shape; knows the JSON path
    │   └── TooLargeError           413: the body is over a limit
    ├── SinkError                   a sink could not take a batch; knows its HTTP status
    │   ├── SinkBusyError           503: try again after some seconds
    │   └── SinkFullError           507: no space left for it
    ├── StoreError                  the store file cannot be used
    │   ├── NotAStoreError          the file is something else
    │   ├── NewerStoreError         written by a newer perftui
    │   └── ReadOnlyStoreError      it cannot be written to
    ├── NotFoundError               no such session, pageview or entry
    ├── ImportFileError             a file that cannot be imported; knows the place of the fault
    ├── PortTakenError              another program listens on the capture port
    ├── MissingExtraError           an optional part is not installed; knows which `pip install` brings it
    └── ExportError                 a remote end refused, or cannot be reached
"""

from __future__ import annotations


class PerftuiError(Exception):
    """The base of the tree. ``str()`` of it is one line that says what to do next."""

    exit_code: int = 1


class UsageError(PerftuiError):
    """The caller asked for something that makes no sense."""

    exit_code = 2


class SettingsError(UsageError):
    """A setting in ``perftui.toml``, the environment or a flag is wrong."""


class FilterError(UsageError):
    """A filter expression cannot be understood.

    Attributes:
        position: index (in characters, from 0) at which the mistake begins.
        length: how many characters the mistake spans; at least 1.
    """

    def __init__(self, message: str, position: int, length: int = 1) -> None:
        super().__init__(message)
        self.position = position
        self.length = max(1, length)


class IntakeError(PerftuiError):
    """A batch that is not taken. ``status`` is the HTTP status that says so.

    Attributes:
        limit: the setting that it is over, such as ``max_entries``; None where it is wrong
            in another way.
    """

    status: int = 400

    def __init__(self, message: str, *, limit: str | None = None) -> None:
        super().__init__(message)
        self.limit = limit


class UndecodableBatchError(IntakeError):
    """The bytes are no JSON document, or no valid compressed stream."""

    status = 400


class InvalidBatchError(IntakeError):
    """The document is JSON but no batch. ``path`` is the JSON path of the fault."""

    status = 422

    def __init__(self, message: str, path: str = "$") -> None:
        super().__init__(f"{path}: {message}")
        self.path = path
        self.reason = message


class TooLargeError(IntakeError):
    """A body over a limit, before or after decompression."""

    status = 413


class SinkError(PerftuiError):
    """A sink could not take a batch. ``status`` is the HTTP status that says so.

    Attributes:
        limit: the setting that was reached, such as ``min_free_bytes``; None for any other reason.
    """

    status: int = 500

    def __init__(self, message: str, *, limit: str | None = None) -> None:
        super().__init__(message)
        self.limit = limit


class SinkBusyError(SinkError):
    """The sink has as much in flight as it may. Try again after ``retry_after`` seconds."""

    status = 503

    def __init__(self, message: str, retry_after: int = 1, *, limit: str | None = None) -> None:
        super().__init__(message, limit=limit)
        self.retry_after = retry_after


class SinkFullError(SinkError):
    """The disk or the quota is (nearly) full; nothing was written."""

    status = 507


class StoreError(PerftuiError):
    """The store file cannot be used as asked."""


class NotAStoreError(StoreError):
    """The file exists and is not a perftui store. It was not touched."""


class NewerStoreError(StoreError):
    """The file was written by a newer perftui. It was not touched."""


class ReadOnlyStoreError(StoreError):
    """The file or its folder cannot be written to."""


class NotFoundError(PerftuiError):
    """There is no session, pageview or entry of that name."""


class ImportFileError(PerftuiError):
    """A file cannot be imported. The message names the place of the fault."""


class PortTakenError(PerftuiError):
    """Another program listens where the capture server should."""


class MissingExtraError(PerftuiError):
    """An optional part is not installed.

    Args:
        extra: the name of the extra in ``pip install 'perftui[extra]'``.
        purpose: what the part is needed for, to begin the message with.
    """

    def __init__(self, extra: str, purpose: str) -> None:
        super().__init__(f"{purpose} needs an optional part: pip install 'perftui[{extra}]'")
        self.extra = extra


class ExportError(PerftuiError):
    """The remote end refused, or cannot be reached."""
