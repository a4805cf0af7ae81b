"""Aggregates that stay in the process between commands.

A kept one is never trusted for its age: each load asks for the events after it. So it saves the reading and
folding of a history, and decides nothing.
"""

import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from domain.kernel import AggregateRoot, DomainEvent
from domain.ports.events import PersonalKeys

MOST_KEPT = 8_192
"""The one not asked for longest leaves first. A product has about three kilobytes."""
PERSONAL_SECONDS = 30.0
"""As long as a personal key is: another process may have forgotten the person."""


@dataclass(slots=True)
class _Kept:
    aggregate: Any
    loaded_at: float
    forgotten: int
    snapshot_version: int


class KeptAggregates:
    def __init__(self, keys: PersonalKeys) -> None:
        self._keys = keys
        self._kept: OrderedDict[str, _Kept] = OrderedDict()

    def copy_of(self, aggregate_class: type[AggregateRoot], stream: str) -> tuple[Any, int] | None:
        """One that the caller may change, and the version of its newest snapshot."""
        kept = self._kept.get(stream)
        if kept is None:
            return None
        if aggregate_class.holds_personal_data() and self._is_stale(kept):
            del self._kept[stream]
            return None
        self._kept.move_to_end(stream)
        return kept.aggregate.copy(), kept.snapshot_version

    def _is_stale(self, kept: _Kept) -> bool:
        if kept.forgotten != self._keys.forgotten:
            return True
        return time.monotonic() - kept.loaded_at > PERSONAL_SECONDS

    def keep(self, aggregate: Any, *, snapshot_version: int, forgotten: int) -> None:
        """From here on it is ours: the caller takes a copy. An older one does not replace a newer one.

        `forgotten` as it was before the load: a person may have been forgotten meanwhile.
        """
        kept = self._kept.get(aggregate.id)
        if kept is None:
            new = _Kept(aggregate, time.monotonic(), forgotten, snapshot_version)
            self._kept[aggregate.id] = new
            if len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)
        elif aggregate.version > kept.aggregate.version:
            kept.aggregate, kept.snapshot_version = aggregate, snapshot_version

    def advance(self, events: Sequence[DomainEvent]) -> None:
        """What this process has just committed need not be read again."""
        for event in events:
            kept = self._kept.get(event.originator_id)
            if kept is not None and kept.aggregate.version + 1 == event.originator_version:
                event.mutate(kept.aggregate)
