"""What the worker's rounds keep between two of their turns."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


class Setbacks(Protocol):
    """Items of the worker's rounds with which something went wrong."""

    async def waiting(self, round_name: str, *, now: datetime) -> Mapping[str, int]:
        """Those that are not to be tried again yet, with how often they were; at most 1,000."""

    async def note(self, round_name: str, name: str, *, error: str, now: datetime) -> None:
        """It went wrong once more: it waits longer than the last time, after thirty times for ever."""

    async def settle(self, round_name: str, name: str) -> None:
        """It went right."""


@dataclass(frozen=True)
class Open:
    """What waits for an answer of the gateway, since when."""

    name: str
    since: datetime


class Proposals(Protocol):
    """What may be due, as the read models know it: late, or a little wrong. Each thing's stream decides."""

    async def unpaid_orders(
        self, *, until: datetime, without: Collection[str], limit: int
    ) -> list[str]:
        """Orders whose reservation ends by then, the earliest first."""

    async def open_payments(self, *, before: datetime, limit: int) -> list[Open]:
        """Payments whose money may still come, opened before; the newest first."""

    async def open_refunds(self, *, before: datetime, limit: int) -> list[Open]:
        """As `payment/refund`: refunds without an outcome, requested before; the newest first."""

    async def expired(self, kind: str, *, by: datetime, limit: int) -> list[str]:
        """Of `tryOnResults` or `uploadedImages`, the earliest first."""

    def due_pictures(self, *, by: datetime, limit: int) -> AsyncIterator[tuple[str, Sequence[str]]]:
        """Products whose picture waits to be cut out, with their pictures; the newest first."""

    async def imports_of(self, keys: Collection[str], *, limit: int) -> list[str]:
        """Imports of these stored product files."""


@dataclass(frozen=True)
class Place:
    """How far a sweep has come in its folder."""

    after: str = ""
    """The last key that was looked at; empty at the start of a way through the folder."""
    refused: int = 0
    """Files that were not removed on this way, because they were too many."""


class Sweeps(Protocol):
    """Where the sweep of each folder stands."""

    async def place(self, folder: str) -> Place: ...

    async def keep(self, folder: str, place: Place) -> None: ...
