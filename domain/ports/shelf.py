"""A shelf that processes share: what one has made, another need not make again."""

from typing import Protocol


class Shelf(Protocol):
    """Nothing on it is a fact: it may be gone at any time, and nobody waits for it. It never raises."""

    async def fetch(self, name: bytes) -> bytes | None:
        """What lies there. None also when the shelf cannot be reached in time."""

    async def lay(self, name: bytes, what: bytes, *, seconds: float) -> None:
        """For so long at most."""
