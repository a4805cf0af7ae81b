"""Stand-ins for the outside, each held to the contract suite of its port."""

import asyncio
import time
from collections.abc import Mapping
from typing import Any

from domain.errors import NotFound, TooLarge, TooManyRequests, Unavailable
from domain.ports.people import Mail
from integrations.changes import Changes
from integrations.pictures.addresses import is_public, refused, target_of
from projections.runner import Applied, Runner


class Outbox:
    """Fits `domain.ports.people.Mailer`: keeps what it was given."""

    def __init__(self) -> None:
        self.mails: list[Mail] = []

    async def send(self, mail: Mail) -> None:
        self.mails.append(mail)

    def to(self, address: str) -> list[Mail]:
        return [mail for mail in self.mails if mail.to == address]


class CountingLimiter:
    """Fits `domain.ports.people.RateLimiter`: counts, and never forgets."""

    def __init__(self) -> None:
        self.counts: dict[tuple[str, str], int] = {}

    async def hit(self, *, bucket: str, key: str, limit: int, per_seconds: int) -> None:
        count = self.counts.get((bucket, key), 0)
        if count >= limit:
            raise TooManyRequests("too many requests", retry_after_seconds=per_seconds)
        self.counts[bucket, key] = count + 1


class PlainHasher:
    """Fits `domain.ports.people.PasswordHasher`: fast and worthless."""

    async def hash(self, password: str) -> str:
        return f"plain:{password}"

    async def verify(self, password: str, hashed: str | None) -> bool:
        return hashed == f"plain:{password}"


class Folding:
    """Fits `dependencies.services.Consistency`: folds the history when somebody waits for it.

    While `lags` is set nothing is folded, and every wait runs out at once.
    """

    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        self._one_at_a_time = asyncio.Lock()
        self._begun = False
        self._changes = Changes()
        self.lags = False
        runner.announce = self._hear

    async def _hear(self, applied: Applied) -> None:
        self._changes.note(applied.types, applied.position)

    @property
    def position(self) -> int:
        return self._runner.position

    def last_change(self, types: frozenset[str]) -> int | None:
        return self._changes.last(types)

    async def wait_for_position(self, position: int, *, seconds: float) -> bool:  # noqa: ARG002 - the port's
        if not self.lags:
            await self.fold()
        return position <= self._runner.position

    async def wait_for_commit(
        self,
        commit_id: str,  # noqa: ARG002 - the port's
        *,
        seconds: float,  # noqa: ARG002 - the port's
        events: int | None = None,  # noqa: ARG002 - the port's
    ) -> int | None:
        raise AssertionError("the store in memory gives every commit its place at once")

    async def fold(self) -> None:
        async with self._one_at_a_time:
            if not self._begun:
                await self._runner.start()
                self._begun = True
            await self._runner.catch_up()


class PictureShelf:
    """Fits `domain.ports.imaging.Pictures`: what was laid on it by address; hosts can be away."""

    def __init__(self, *, max_bytes: int = 10_000_000) -> None:
        self.pictures: dict[str, bytes] = {}
        self.away: set[str] = set()
        self.broken: set[str] = set()
        """Addresses whose host answers 500."""
        self.fetched: list[str] = []
        self._max_bytes = max_bytes

    async def fetch(self, url: str) -> bytes:
        target = target_of(url)
        if target.literal is not None and not is_public(target.literal):
            raise refused("its host is not on the public internet")
        self.fetched.append(url)
        if target.host in self.away:
            raise Unavailable("the host cannot be reached")
        if url in self.broken:
            raise Unavailable("the host answers 500", code="picture-failed")
        if url not in self.pictures:
            raise NotFound("the host answers 404", code="picture-missing")
        if len(self.pictures[url]) > self._max_bytes:
            raise TooLarge("too many bytes")
        return self.pictures[url]


class MemoryShelf:
    """Fits `domain.ports.shelf.Shelf`; `away` as when the server is."""

    def __init__(self) -> None:
        self.laid: dict[bytes, tuple[bytes, float]] = {}
        self.away = False

    async def fetch(self, name: bytes) -> bytes | None:
        what, until = self.laid.get(name, (b"", 0.0))
        return None if self.away or time.monotonic() >= until else what

    async def lay(self, name: bytes, what: bytes, *, seconds: float) -> None:
        if not self.away:
            self.laid[name] = (what, time.monotonic() + seconds)


class NoImaging:
    """Fits `domain.ports.imaging.ImageWorker`: answers by the function's name, or is unavailable."""

    def __init__(self, answers: Mapping[str, Any] | None = None) -> None:
        self.answers = dict(answers or {})

    async def run(self, function: str, *_arguments: Any, **_options: Any) -> Any:
        if function not in self.answers:
            raise Unavailable(f"no answer for {function}")
        return self.answers[function]

    def forget(self) -> None:
        """It remembers nothing."""
