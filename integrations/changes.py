"""Which types of events the read models applied last, so that who keeps answers knows which are old."""

from collections.abc import Collection


class Changes:
    """Positions by type. What was not heard of counts as a change of everything."""

    def __init__(self) -> None:
        self._last: dict[str, int] = {}
        self._unheard = 0
        self._answers: dict[frozenset[str], int] = {}

    def note(self, types: Collection[str] | None, position: int) -> None:
        """None: something was applied, nobody knows what."""
        self._answers.clear()
        if types is None:
            self._unheard = max(self._unheard, position)
            return
        for name in types:
            self._last[name] = max(self._last.get(name, 0), position)

    def last(self, types: frozenset[str]) -> int:
        """The position up to which one of these may have changed something."""
        if (known := self._answers.get(types)) is None:
            known = self._answers[types] = self._last_of(types)
        return known

    def _last_of(self, types: frozenset[str]) -> int:
        return max(self._unheard, *(self._last.get(name, 0) for name in types))
