"""What calls usually take, asked of the store only for the endpoints that are printed."""

from __future__ import annotations

from perftui.model import Reader, Usual


class LazyUsual(dict[str, Usual]):
    """Endpoint -> :class:`Usual`, read from the store at the first question for each."""

    def __init__(self, reader: Reader) -> None:
        super().__init__()
        self._reader = reader

    def __missing__(self, endpoint: str) -> Usual:
        answer = self._reader.usual(endpoint)
        self[endpoint] = answer
        return answer

    def get(self, endpoint: str, default: object = None) -> Usual:
        """Like ``[]``: there is an answer for every endpoint."""
        return self[endpoint]
