"""What the endpoints in view usually take: which of them to ask for, and when to ask again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from perftui.model import Usual


class UsualBook:
    """A cache of the store's answers.

    An answer is asked for again once the session has grown by a fifth: an endpoint that was new
    then may have calls enough now.
    """

    def __init__(self) -> None:
        self._known: dict[str, Usual] = {}
        self._asked_at: dict[str, int] = {}

    @property
    def known(self) -> Mapping[str, Usual]:
        """Endpoint -> what its calls usually take."""
        return self._known

    def wanted(self, endpoints: Iterable[str], entry_count: int) -> list[str]:
        """Those to ask for, each once. They count as asked for from now on.

        Args:
            entry_count: how many entries the session has.
        """
        wanted: list[str] = []
        for endpoint in dict.fromkeys(endpoints):
            asked_at = self._asked_at.get(endpoint)
            if asked_at is None or entry_count * 5 > asked_at * 6:
                self._asked_at[endpoint] = entry_count
                wanted.append(endpoint)
        return wanted

    def forget(self, endpoints: Iterable[str]) -> None:
        """Those were not asked for after all."""
        for endpoint in endpoints:
            self._asked_at.pop(endpoint, None)

    def learn(self, answers: Mapping[str, Usual]) -> bool:
        """Take answers; says whether anything is different from before."""
        changed = any(self._known.get(name) != usual for name, usual in answers.items())
        if changed:
            # A new mapping: rows that were painted with the one before keep it.
            self._known = {**self._known, **answers}
        return changed
